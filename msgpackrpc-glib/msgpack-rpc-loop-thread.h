/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_LOOP_THREAD (msgpack_rpc_loop_thread_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcLoopThread, msgpack_rpc_loop_thread, MSGPACK_RPC, LOOP_THREAD, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLoopThread *msgpack_rpc_loop_thread_new (const char *name) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext *msgpack_rpc_loop_thread_get_main_context (MsgpackRpcLoopThread *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const char   *msgpack_rpc_loop_thread_get_name (MsgpackRpcLoopThread *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean      msgpack_rpc_loop_thread_is_running (MsgpackRpcLoopThread *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_loop_thread_start (MsgpackRpcLoopThread *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_loop_thread_quit (MsgpackRpcLoopThread *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_loop_thread_shut_down (MsgpackRpcLoopThread *self,
                                            MsgpackRpcCloseMode   mode);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_loop_thread_join (MsgpackRpcLoopThread *self);

G_END_DECLS
