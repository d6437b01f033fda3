/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include "msgpack-rpc-invocation.h"

/* The signals of a connection; msgpack-rpc-connection-messages.c emits them. */

guint _msgpack_rpc_connection_signals[N_SIGNALS];

void
_msgpack_rpc_connection_install_signals (GType type)
{
  /**
   * MsgpackRpcConnection::closed:
   * @self: the connection
   * @error: (nullable): what went wrong, or `NULL` if this end or the peer closed in good order
   * @incomplete: (nullable): the message, of type `av`, of which a part was written
   * @unsent: the messages of which nothing was written, in order; of type `av`, each an `av`
   *
   * The connection has ended. Emitted once, after all that the peer sent before.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_CLOSED] =
    g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, G_TYPE_ERROR, G_TYPE_VARIANT, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::message:
   * @self: the connection
   * @message: the message, of type `av`
   *
   * A message has come, of whatever kind. What this end sends is not told here: all of it was given
   * by the application.
   *
   * Returns: `TRUE` if it is taken care of. A request must then be answered by
   *   [method@Connection.send_message]. Replies go to their call in any case.
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_MESSAGE] =
    g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled, NULL,
                  NULL, G_TYPE_BOOLEAN, 1, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::notification:
   * @self: the connection
   * @method: the name of the method
   * @params: the parameters: of type `av`, or `a{sv}` for named ones
   *
   * A notification has come. The detail is its method.
   *
   * The dispatcher sees it afterwards.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_NOTIFICATION] =
    g_signal_new ("notification", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::peer-error:
   * @self: the connection
   * @text: what the peer says, or a text that stands for it; never empty
   * @value: the error as it came: of any type
   *
   * The peer tells of an error that belongs to no call: what it could not understand, or why it is
   * about to close. Neither ends the connection here.
   *
   * It is an error reply whose id no call has, of which many peers send one with the id 0 or −1 when a
   * message is none to them; [signal@Connection::unknown-reply] tells of the same. In the profile
   * [enum@Profile.NEOVIM], it is the notification `nvim_error_event`, too.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_PEER_ERROR] =
    g_signal_new ("peer-error", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::reply:
   * @self: the connection
   * @call: the call, ended
   *
   * A call of this end was answered, with a result or an error. The detail is its method.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_REPLY] =
    g_signal_new ("reply", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, MSGPACK_RPC_TYPE_CALL);

  /**
   * MsgpackRpcConnection::request:
   * @self: the connection
   * @invocation: the request
   * @params: its parameters: of type `av`, or `a{sv}` for named ones
   *
   * A request has come. The detail is its method.
   *
   * Methods belong in the [property@Connection:dispatcher], which answers when a handler fails; this
   * signal is for those who look on, or catch what is not there.
   *
   * Returns: `TRUE` if the request is, or will be, answered; `FALSE` leaves it to the dispatcher
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_REQUEST] =
    g_signal_new ("request", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                  g_signal_accumulator_true_handled, NULL, NULL,
                  G_TYPE_BOOLEAN, 2, MSGPACK_RPC_TYPE_INVOCATION, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::unknown-message:
   * @self: the connection
   * @message: the message, of type `av`
   *
   * A message has come whose type is another number than those of a request, a reply and a
   * notification, as extensions of others have them. It is ignored, and counted as invalid; in the
   * profile [enum@Profile.STRICT] it ends the connection instead.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_UNKNOWN_MESSAGE] =
    g_signal_new ("unknown-message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, G_TYPE_VARIANT);

  /**
   * MsgpackRpcConnection::unknown-reply:
   * @self: the connection
   * @msgid: the id, as it came
   * @error: the error slot; nil is of type `mv`
   * @result: the result slot
   *
   * A reply has come to what nobody asked. Some peers report what they could not understand so.
   *
   * Since: 1.0
   */
  _msgpack_rpc_connection_signals[SIGNAL_UNKNOWN_REPLY] =
    g_signal_new ("unknown-reply", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, G_TYPE_VARIANT, G_TYPE_VARIANT, G_TYPE_VARIANT);
}
