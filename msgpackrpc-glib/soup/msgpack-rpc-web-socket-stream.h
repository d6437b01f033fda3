/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/soup/msgpackrpc-glib-soup.h> can be included directly."
#endif

#include <libsoup/soup.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_WEB_SOCKET_STREAM (msgpack_rpc_web_socket_stream_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcWebSocketStream, msgpack_rpc_web_socket_stream, MSGPACK_RPC,
                      WEB_SOCKET_STREAM, GIOStream)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcWebSocketStream *
msgpack_rpc_web_socket_stream_new (SoupWebsocketConnection *connection) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
void
msgpack_rpc_web_socket_stream_connect_async (SoupSession         *session,
                                             const char          *uri,
                                             GCancellable        *cancellable,
                                             GAsyncReadyCallback  callback,
                                             gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcWebSocketStream *
msgpack_rpc_web_socket_stream_connect_finish (GAsyncResult  *result,
                                              GError       **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
void
msgpack_rpc_web_socket_stream_add_handler (SoupServer         *soup_server,
                                           const char         *path,
                                           const char * const *origins,
                                           MsgpackRpcServer   *server);

MSGPACK_RPC_AVAILABLE_IN_1_0
SoupWebsocketConnection *
msgpack_rpc_web_socket_stream_get_connection (MsgpackRpcWebSocketStream *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64
msgpack_rpc_web_socket_stream_get_max_message_size (MsgpackRpcWebSocketStream *self);

G_END_DECLS
