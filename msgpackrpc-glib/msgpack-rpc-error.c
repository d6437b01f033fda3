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
G_DEFINE_QUARK (msgpack-rpc-error-quark, msgpack_rpc_error)
