/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-web-socket-private.h"

G_BEGIN_DECLS

/* What a web socket stream is written to. */
#define MSGPACK_RPC_TYPE_WEB_SOCKET_OUTPUT (_msgpack_rpc_web_socket_output_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcWebSocketOutput, _msgpack_rpc_web_socket_output, MSGPACK_RPC,
                      WEB_SOCKET_OUTPUT, GOutputStream)

GOutputStream *_msgpack_rpc_web_socket_output_new (MsgpackRpcWebSocket *socket);

G_END_DECLS
