/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-private.h"

#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-value.h"

/* The message as it would come from a peer: of the mapping's own types, and within the limits. */
static GBytes *
canonicalize (GVariant  *message,
              GError   **error)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (message, error);
  g_autoptr(GVariant) value = bytes != NULL ? msgpack_rpc_unpack (bytes, error) : NULL;

  if (value == NULL)
    return NULL;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "Message is no array");
      return NULL;
    }

  return g_variant_get_data_as_bytes (value);
}

static GVariant *
reply_with_error (const MsgpackRpcMessage *message,
                  const GError            *error)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;

  invocation = _msgpack_rpc_invocation_new (NULL, NULL, message);
  msgpack_rpc_invocation_return_gerror (invocation, error);
  return _msgpack_rpc_invocation_steal_reply (invocation);
}

static GVariant *
dispatch_message (MsgpackRpcDispatcher  *self,
                  MsgpackRpcMessage     *message,
                  GError               **error)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  GVariant *reply;

  invocation = _msgpack_rpc_invocation_new (NULL, NULL, message);
  if (!_msgpack_rpc_dispatcher_invoke (self, invocation))
    _msgpack_rpc_dispatcher_return_not_found (self, invocation);

  if (message->type == MSGPACK_RPC_MESSAGE_NOTIFICATION)
    return NULL;

  reply = _msgpack_rpc_invocation_steal_reply (invocation);
  if (reply == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                         "The handler has returned without an answer");
  return reply;
}

/**
 * msgpack_rpc_dispatcher_dispatch:
 * @self: a dispatcher
 * @message: a request or notification, as an array or tuple
 * @error: return location for an error
 *
 * Runs the method that @message asks for, in the current thread, and gives the reply: what a peer
 * would get, without any connection.
 *
 * That is so also for methods whose handlers run elsewhere when a peer calls them.
 *
 * The method gets its parameters, and the caller the reply, as if they had been sent: of the type
 * `av`, `[1, id, error, result]`, with values of the types that [func@unpack] gives. A method that
 * is not there, parameters that do not fit, a handler that fails, and a request that is malformed
 * but has an id: for all of these there is a reply, whose error says so.
 *
 * Fails with
 *
 * - `MSGPACK_RPC_ERROR_INVALID_MESSAGE` if @message is neither a request nor a notification, so
 *   that no reply can be made;
 * - `MSGPACK_RPC_ERROR_INVALID_VALUE`, `MSGPACK_RPC_ERROR_TOO_LARGE` or
 *   `MSGPACK_RPC_ERROR_TOO_DEEP` if it cannot be sent;
 * - `G_IO_ERROR_PENDING` if the handler has returned and means to answer later, which then leads
 *   nowhere: its invocation is cancelled.
 *
 * If @message is floating, it is consumed.
 *
 * Returns: (transfer full) (nullable): the reply, or `NULL`: without an error for a notification,
 *   which has no reply, and else with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_dispatcher_dispatch (MsgpackRpcDispatcher  *self,
                                 GVariant              *message,
                                 GError               **error)
{
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) local_error = NULL;
  g_auto(MsgpackRpcMessage) parsed = { .type = MSGPACK_RPC_MESSAGE_INVALID };
  GVariant *reply = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);
  g_return_val_if_fail (message != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  bytes = canonicalize (message, error);
  if (bytes == NULL)
    return NULL;

  if (!_msgpack_rpc_message_parse (&parsed, bytes, &local_error))
    {
      if (parsed.msgid.type != NULL)
        reply = reply_with_error (&parsed, local_error);
      else
        g_propagate_error (error, g_steal_pointer (&local_error));
    }
  else if (parsed.type == MSGPACK_RPC_MESSAGE_RESPONSE)
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "A response cannot be dispatched");
    }
  else
    {
      reply = dispatch_message (self, &parsed, error);
    }

  return reply;
}
