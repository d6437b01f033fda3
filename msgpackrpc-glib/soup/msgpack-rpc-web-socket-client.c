/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-web-socket-stream.h"

static void
connected_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  GError *error = NULL;

  connection = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  if (connection == NULL)
    g_task_return_error (task, error);
  else
    /* At once, or what the server says first would be lost. */
    g_task_return_pointer (task, msgpack_rpc_web_socket_stream_new (connection), g_object_unref);
}

/**
 * msgpack_rpc_web_socket_stream_connect_async:
 * @session: where cookies, proxies and the like are known
 * @uri: an address such as `ws://localhost:8080/rpc`, or `wss://` for TLS
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when the WebSocket is open, or cannot be opened
 * @user_data: data for @callback
 *
 * Opens a WebSocket at a server, and makes a stream of it.
 *
 * It lives in the main context that is the thread's default one now; the session must be used in that
 * context alone.
 *
 * A URI that is no such address fails with `MSGPACK_RPC_ERROR_INVALID_ADDRESS`, a server that refuses
 * with [error@Soup.WebsocketError].
 *
 * Since: 1.0
 */
void
msgpack_rpc_web_socket_stream_connect_async (SoupSession         *session,
                                             const char          *uri,
                                             GCancellable        *cancellable,
                                             GAsyncReadyCallback  callback,
                                             gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  g_autoptr(SoupMessage) message = NULL;

  g_return_if_fail (SOUP_IS_SESSION (session));
  g_return_if_fail (uri != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (session, cancellable, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_web_socket_stream_connect_async);
  message = soup_message_new (SOUP_METHOD_GET, uri);
  if (message == NULL)
    {
      g_task_return_new_error (task, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS,
                               "“%s” is no address of a WebSocket", uri);
      return;
    }

  /* What is compressed has no limit. */
  soup_message_disable_feature (message, SOUP_TYPE_WEBSOCKET_EXTENSION_MANAGER);
  soup_session_websocket_connect_async (session, message, NULL, NULL, G_PRIORITY_DEFAULT, cancellable,
                                        connected_cb, g_steal_pointer (&task));
}

/**
 * msgpack_rpc_web_socket_stream_connect_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the stream that [func@WebSocketStream.connect_async] was called for.
 *
 * Returns: (transfer full): a new stream, or `NULL` with @error set
 * Since: 1.0
 */
MsgpackRpcWebSocketStream *
msgpack_rpc_web_socket_stream_connect_finish (GAsyncResult  *result,
                                              GError       **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result,
                                                  msgpack_rpc_web_socket_stream_connect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
