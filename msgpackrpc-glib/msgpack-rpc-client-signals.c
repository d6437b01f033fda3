/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-invocation.h"

/* What the connection tells, in the main context, and the signals that pass it on. */

enum
{
  SIGNAL_NOTIFICATION,
  SIGNAL_PEER_ERROR,
  SIGNAL_REPLY,
  SIGNAL_REQUEST,
  SIGNAL_STATUS_CHANGED,
  SIGNAL_UNKNOWN_MESSAGE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

gboolean
_msgpack_rpc_client_has_stream (MsgpackRpcConnectionStatus status)
{
  return status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED ||
         status == MSGPACK_RPC_CONNECTION_STATUS_CLOSING;
}

static void
client_status (gpointer                    client,
               MsgpackRpcConnectionStatus  old_status,
               MsgpackRpcConnectionStatus  new_status,
               const GError               *error)
{
  MsgpackRpcClient *self = client;

  if (error != NULL)
    _msgpack_rpc_client_set_last_error (self, error);

  g_object_freeze_notify (client);
  g_object_notify (client, "status");
  if (_msgpack_rpc_client_has_stream (old_status) != _msgpack_rpc_client_has_stream (new_status))
    g_object_notify (client, "connection");
  if (self->target.argv != NULL && new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    g_object_notify (client, "subprocess");
  if (error != NULL)
    g_object_notify (client, "last-error");
  g_object_thaw_notify (client);

  _msgpack_rpc_client_keepalive_status (self, new_status);
  g_signal_emit (self, signals[SIGNAL_STATUS_CHANGED], 0, old_status, new_status, error);
}

static gboolean
client_request (gpointer              client,
                MsgpackRpcInvocation *invocation)
{
  return _msgpack_rpc_emit_request (client, signals[SIGNAL_REQUEST], invocation);
}

static gboolean
client_notification (gpointer                 client,
                     const MsgpackRpcMessage *message)
{
  gboolean is_heard;

  is_heard = _msgpack_rpc_emit_notification (client, signals[SIGNAL_NOTIFICATION], message);
  _msgpack_rpc_interests_emit (_msgpack_rpc_client_get_interests (client), client, message);
  return is_heard;
}

static void
client_peer_error (gpointer    client,
                   const char *text,
                   GVariant   *value)
{
  g_signal_emit (client, signals[SIGNAL_PEER_ERROR], 0, text, value);
}

static void
client_unknown_message (gpointer  client,
                        GVariant *message)
{
  g_signal_emit (client, signals[SIGNAL_UNKNOWN_MESSAGE], 0, message);
}

static void
client_reply (gpointer        client,
              MsgpackRpcCall *call)
{
  const char *method = msgpack_rpc_call_get_method (call);

  g_signal_emit (client, signals[SIGNAL_REPLY], _msgpack_rpc_connection_get_detail (method), call);
}

/* What nobody looks at is not posted: a program may wait for its calls and never run a loop. */
static gboolean
client_hears_replies (gpointer client)
{
  return _msgpack_rpc_has_handler (client, signals[SIGNAL_REPLY]);
}

static gboolean
client_hears_peer_errors (gpointer client)
{
  return _msgpack_rpc_has_handler (client, signals[SIGNAL_PEER_ERROR]);
}

static gboolean
client_hears_unknown_messages (gpointer client)
{
  return _msgpack_rpc_has_handler (client, signals[SIGNAL_UNKNOWN_MESSAGE]);
}

const MsgpackRpcClientFuncs _msgpack_rpc_client_funcs = {
  .open = _msgpack_rpc_client_start_attempt,
  .status = client_status,
  .request = client_request,
  .notification = client_notification,
  .peer_error = client_peer_error,
  .reply = client_reply,
  .unknown_message = client_unknown_message,
  .hears_peer_errors = client_hears_peer_errors,
  .hears_replies = client_hears_replies,
  .hears_unknown_messages = client_hears_unknown_messages,
  .get_keep = _msgpack_rpc_client_get_keep,
  .ended = _msgpack_rpc_client_ended,
  .awaits_reply = _msgpack_rpc_client_awaits_reply,
  .has_heard = _msgpack_rpc_client_look_soon,
};

void
_msgpack_rpc_client_install_signals (GType type)
{
  /**
   * MsgpackRpcClient::notification:
   * @self: the client
   * @method: the name of the method
   * @params: the parameters: of type `av`, or `a{sv}` for named ones
   *
   * A notification has come. The detail is its method.
   *
   * Since: 1.0
   */
  signals[SIGNAL_NOTIFICATION] =
    g_signal_new ("notification", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * MsgpackRpcClient::peer-error:
   * @self: the client
   * @text: what the peer says
   * @value: the error as it came
   *
   * The peer tells of an error that belongs to no call; see [signal@Connection::peer-error].
   *
   * Since: 1.0
   */
  signals[SIGNAL_PEER_ERROR] =
    g_signal_new ("peer-error", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * MsgpackRpcClient::reply:
   * @self: the client
   * @call: the call, ended
   *
   * A call was answered, with a result or an error. The detail is its method.
   *
   * Since: 1.0
   */
  signals[SIGNAL_REPLY] =
    g_signal_new ("reply", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, MSGPACK_RPC_TYPE_CALL);

  /**
   * MsgpackRpcClient::request:
   * @self: the client
   * @invocation: the request
   * @params: its parameters: of type `av`, or `a{sv}` for named ones
   *
   * A request has come. The detail is its method.
   *
   * Returns: `TRUE` if the request is, or will be, answered; `FALSE` leaves it to the dispatcher
   * Since: 1.0
   */
  signals[SIGNAL_REQUEST] =
    g_signal_new ("request", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                  g_signal_accumulator_true_handled, NULL, NULL,
                  G_TYPE_BOOLEAN, 2, MSGPACK_RPC_TYPE_INVOCATION, G_TYPE_VARIANT);

  /**
   * MsgpackRpcClient::status-changed:
   * @self: the client
   * @old_status: the status before
   * @new_status: the status after
   * @error: (nullable): why, or `NULL` if nothing went wrong
   *
   * The status has changed. Each change is told once, in order.
   *
   * Since: 1.0
   */
  signals[SIGNAL_STATUS_CHANGED] =
    g_signal_new ("status-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, MSGPACK_RPC_TYPE_CONNECTION_STATUS,
                  MSGPACK_RPC_TYPE_CONNECTION_STATUS, G_TYPE_ERROR);

  /**
   * MsgpackRpcClient::unknown-message:
   * @self: the client
   * @message: the message, of type `av`
   *
   * A message has come that is neither a request nor a reply nor a notification; see
   * [signal@Connection::unknown-message].
   *
   * Since: 1.0
   */
  signals[SIGNAL_UNKNOWN_MESSAGE] =
    g_signal_new ("unknown-message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, G_TYPE_VARIANT);
}
