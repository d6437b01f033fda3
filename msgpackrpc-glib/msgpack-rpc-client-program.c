/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

/* The program that a client talks to. */

/**
 * msgpack_rpc_client_get_forward_stderr: (get-property forward-stderr)
 * @self: a client
 *
 * Gets whether what the program writes to its standard error is passed on to that of this process.
 *
 * Returns: whether it is
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_forward_stderr (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  return g_atomic_int_get (&self->target.forwards_stderr);
}

/**
 * msgpack_rpc_client_set_forward_stderr: (set-property forward-stderr)
 * @self: a client
 * @forward_stderr: whether it is
 *
 * Sets whether what the program writes to its standard error is passed on to that of this process, from
 * the next start on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_forward_stderr (MsgpackRpcClient *self,
                                       gboolean          forward_stderr)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  if (g_atomic_int_exchange (&self->target.forwards_stderr, !!forward_stderr) != !!forward_stderr)
    _msgpack_rpc_client_notify (self, "forward-stderr");
}
