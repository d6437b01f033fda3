/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-error.h"

/**
 * msgpack_rpc_error_quark:
 *
 * Gets the error domain of the library.
 *
 * Returns: the quark of `MSGPACK_RPC_ERROR`
 *
 * Since: 1.0
 */
GQuark
msgpack_rpc_error_quark (void)
{
  static gsize quark = 0;

  /* G_DEFINE_QUARK would let threads write it at the same time. */
  if (g_once_init_enter (&quark))
    g_once_init_leave (&quark, g_quark_from_static_string ("msgpack-rpc-error-quark"));

  return (GQuark) quark;
}
