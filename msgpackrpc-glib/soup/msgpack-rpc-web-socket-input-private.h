/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-web-socket-private.h"

G_BEGIN_DECLS

/* What a web socket stream is read from. */
#define MSGPACK_RPC_TYPE_WEB_SOCKET_INPUT (_msgpack_rpc_web_socket_input_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcWebSocketInput, _msgpack_rpc_web_socket_input, MSGPACK_RPC,
                      WEB_SOCKET_INPUT, GInputStream)

GInputStream *_msgpack_rpc_web_socket_input_new (MsgpackRpcWebSocket *socket);

G_END_DECLS
