/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-invocation-private.h"

#include "msgpack-rpc-connection-private.h"

/* Who has sent a request, and what it is told before the answer. */

/**
 * msgpack_rpc_invocation_get_credentials:
 * @self: an invocation
 *
 * Gets who the peer is; see [property@Connection:credentials].
 *
 * Returns: (transfer full) (nullable): the credentials, or `NULL` if they are not known, or once the
 *   request is answered or the connection has ended
 *
 * Since: 1.0
 */
GCredentials *
msgpack_rpc_invocation_get_credentials (MsgpackRpcInvocation *self)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  connection = _msgpack_rpc_invocation_ref_connection (self);
  return connection != NULL ? msgpack_rpc_connection_get_credentials (connection) : NULL;
}

/**
 * msgpack_rpc_invocation_get_remote_address:
 * @self: an invocation
 *
 * Gets the address of the peer; see [property@Connection:remote-address].
 *
 * Returns: (transfer full) (nullable): the address, or `NULL` if there is none, or once the request is
 *   answered or the connection has ended
 *
 * Since: 1.0
 */
GSocketAddress *
msgpack_rpc_invocation_get_remote_address (MsgpackRpcInvocation *self)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  connection = _msgpack_rpc_invocation_ref_connection (self);
  return connection != NULL ? msgpack_rpc_connection_get_remote_address (connection) : NULL;
}

/**
 * msgpack_rpc_invocation_get_session:
 * @self: an invocation
 *
 * Gets what the application knows of the peer: the [property@Connection:session].
 *
 * Returns: (transfer full) (nullable): the application's object, or `NULL` if it has set none, or once
 *   the request is answered or the connection has ended
 *
 * Since: 1.0
 */
GObject *
msgpack_rpc_invocation_get_session (MsgpackRpcInvocation *self)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  connection = _msgpack_rpc_invocation_ref_connection (self);
  return connection != NULL ? msgpack_rpc_connection_get_session (connection) : NULL;
}

/**
 * msgpack_rpc_invocation_report_progress:
 * @self: an invocation
 * @fraction: how much is done, from 0 to 1; what is outside is moved to the nearer end
 * @value: (nullable): what else there is to say, of any type that [func@pack] can write, or `NULL`
 *
 * Tells the caller how far the request has got: its [property@Call:progress] and
 * [property@Call:progress-value], and the signal [signal@Call::progress-reported].
 *
 * May be called at any time before the answer, from any thread, and as often as one likes: the caller
 * keeps the last report only, and is told of no more than one in each turn of its loop. A report
 * is left out, and `FALSE` returned, if
 *
 * - the request is answered or cancelled already, is a notification, or came from no connection;
 * - the peer has not said that it understands this ([flags@Extensions.PROGRESS]);
 * - the connection is congested ([property@Connection:is-congested]);
 * - the message would have more than 64 KiB, @value cannot be written, or @fraction is not a number.
 *
 * If @value is floating, it is consumed, whatever is returned.
 *
 * Returns: `TRUE` if the report was queued
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_report_progress (MsgpackRpcInvocation *self,
                                        double                fraction,
                                        GVariant             *value)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) sunk = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  if (!_msgpack_rpc_invocation_is_awaited (self) || !(fraction == fraction))
    return FALSE;

  connection = _msgpack_rpc_invocation_ref_connection (self);
  return connection != NULL &&
         _msgpack_rpc_connection_send_progress (connection,
                                                _msgpack_rpc_invocation_get_msgid_piece (self),
                                                CLAMP (fraction, 0, 1), sunk);
}
