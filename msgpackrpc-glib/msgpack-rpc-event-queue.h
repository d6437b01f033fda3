/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-event.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_EVENT_QUEUE (msgpack_rpc_event_queue_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcEventQueue, msgpack_rpc_event_queue, MSGPACK_RPC, EVENT_QUEUE, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEventQueue *msgpack_rpc_event_queue_new (void) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEvent *msgpack_rpc_event_queue_receive        (MsgpackRpcEventQueue  *self,
                                                         int                    timeout,
                                                         GCancellable          *cancellable,
                                                         GError               **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_event_queue_receive_async  (MsgpackRpcEventQueue  *self,
                                                         int                    timeout,
                                                         GCancellable          *cancellable,
                                                         GAsyncReadyCallback    callback,
                                                         gpointer               user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEvent *msgpack_rpc_event_queue_receive_finish (MsgpackRpcEventQueue  *self,
                                                         GAsyncResult          *result,
                                                         GError               **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_event_queue_merge      (MsgpackRpcEventQueue  *self,
                                             MsgpackRpcEventQueue  *into,
                                             GError               **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_event_queue_shut_down  (MsgpackRpcEventQueue  *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_event_queue_get_length (MsgpackRpcEventQueue  *self);

G_END_DECLS
