/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-web-socket-private.h"
#include "msgpack-rpc-web-socket-stream.h"

#define MAX_MESSAGE_SIZE (1024 * 1024 * 1024)

/* Who may come, and to whom. */
typedef struct
{
  gatomicrefcount ref_count;
  GStrv origins;            /* owned, or NULL */
  MsgpackRpcServer *server; /* owned */
  GList *extensions;        /* always empty: none are negotiated */
} Handler;

static Handler *
handler_ref (Handler *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
handler_unref (gpointer data)
{
  Handler *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_strfreev (self->origins);
  g_object_unref (self->server);
  g_free (self);
}

/* Browsers say where a page is from, and let pages of all sites come. Programs need not say it. */
static gboolean
may_come_from (Handler    *self,
               const char *origin)
{
  if (origin == NULL)
    return TRUE;

  for (guint i = 0; self->origins != NULL && self->origins[i] != NULL; i++)
    if (g_str_equal (self->origins[i], "*") ||
        g_ascii_strcasecmp (self->origins[i], origin) == 0)
      return TRUE;
  return FALSE;
}

/* The server would ask the same of a socket of its own. Only a token it cannot ask for on a stream that
 * it is given. */
static gboolean
is_let_in (Handler           *self,
           SoupServerMessage *message)
{
  MsgpackRpcAcceptPolicy policy = msgpack_rpc_server_get_policy (self->server);
  GSocketAddress *address = soup_server_message_get_remote_address (message);
  GInetAddress *host;

  if (!(policy & MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK))
    return FALSE;
  if (msgpack_rpc_server_get_allow_remote (self->server))
    return TRUE;
  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return FALSE;

  host = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  return g_inet_address_get_is_loopback (host);
}

static SoupWebsocketConnection *
take_connection (SoupServerMessage *message)
{
  g_autoptr(GIOStream) stream = soup_server_message_steal_connection (message);
  g_autoptr(MsgpackRpcFaultStream) brake = _msgpack_rpc_web_socket_new_brake (stream);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  SoupWebsocketConnection *connection;

  connection = soup_websocket_connection_new (G_IO_STREAM (brake),
                                              soup_server_message_get_uri (message),
                                              SOUP_WEBSOCKET_CONNECTION_SERVER,
                                              soup_message_headers_get_one (headers, "Origin"),
                                              NULL, NULL);
  _msgpack_rpc_web_socket_set_brake (connection, brake);
  return connection;
}

static void
upgraded_cb (SoupServerMessage *message,
             gpointer           user_data)
{
  Handler *self = user_data;
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (self->server);
  guint64 max_message_size = msgpack_rpc_limits_get_max_message_size (limits);
  g_autoptr(SoupServerMessage) kept = g_object_ref (message);
  g_autoptr(SoupWebsocketConnection) connection = take_connection (kept);
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(MsgpackRpcConnection) peer = NULL;
  g_autoptr(GError) error = NULL;

  stream = g_object_new (MSGPACK_RPC_TYPE_WEB_SOCKET_STREAM,
                         "connection", connection,
                         "max-message-size", MIN (max_message_size, MAX_MESSAGE_SIZE),
                         NULL);
  /* If there is no place for it, the WebSocket is closed as the stream goes. */
  peer = msgpack_rpc_server_accept_stream (self->server, stream, &error);
  if (peer == NULL)
    g_debug ("A WebSocket is turned away: %s", error->message);
}

static void
handle (SoupServer        *server G_GNUC_UNUSED,
        SoupServerMessage *message,
        const char        *path G_GNUC_UNUSED,
        GHashTable        *query G_GNUC_UNUSED,
        gpointer           user_data)
{
  Handler *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  if (!may_come_from (self, soup_message_headers_get_one (headers, "Origin")) ||
      !is_let_in (self, message))
    {
      soup_server_message_set_status (message, SOUP_STATUS_FORBIDDEN, NULL);
      return;
    }

  /* Else it has set the status that says what is wrong. */
  if (soup_websocket_server_process_handshake (message, NULL, NULL, NULL, &self->extensions))
    g_signal_connect_data (message, "wrote-informational", G_CALLBACK (upgraded_cb),
                           handler_ref (self), (GClosureNotify) (GCallback) handler_unref, 0);
}

/**
 * msgpack_rpc_web_socket_stream_add_handler:
 * @soup_server: a server of libsoup's
 * @path: the path at which the WebSocket is opened
 * @origins: (nullable) (array zero-terminated=1): the sites whose pages may open it, such as
 *   `https://example.org`; `*` means all of them, `NULL` none
 * @server: gets a connection for each that does
 *
 * Lets peers come to a server by WebSockets.
 *
 * **A browser opens a WebSocket for the page of any site**, also one to this machine, and shows its
 * cookies. So the sites whose pages may do it are listed: a scheme, a host, and a port if it is not the
 * scheme's usual one, without a slash at the end. What has no `Origin`, such as a program, is let in.
 *
 * Besides, [property@MsgpackRpc.Server:policy] holds as if the peer had come by TCP: it must be of this
 * machine, unless [property@MsgpackRpc.Server:allow-remote] is set, and nobody is let in if the policy
 * does not have `LOOPBACK`, as when there is a token and no policy was set. Behind a proxy, all come from
 * where the proxy is. The places in the server are counted as well.
 *
 * All others are answered with the status 403 (forbidden). Whoever asks for no WebSocket is answered
 * with 400 (bad request).
 *
 * Connections live in @server's main context, their WebSockets in that of @soup_server. libsoup's
 * authors advise to have no other than trusted peers at a `SoupServer`.
 *
 * Since: 1.0
 */
void
msgpack_rpc_web_socket_stream_add_handler (SoupServer         *soup_server,
                                           const char         *path,
                                           const char * const *origins,
                                           MsgpackRpcServer   *server)
{
  Handler *handler;

  g_return_if_fail (SOUP_IS_SERVER (soup_server));
  g_return_if_fail (path != NULL && path[0] == '/');
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (server));

  handler = g_new0 (Handler, 1);
  g_atomic_ref_count_init (&handler->ref_count);
  handler->origins = g_strdupv ((GStrv) origins);
  handler->server = g_object_ref (server);
  soup_server_add_handler (soup_server, path, handle, handler, handler_unref);
}
