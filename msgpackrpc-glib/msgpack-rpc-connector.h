/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-channel.h"
#include "msgpack-rpc-event-queue.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CONNECTOR (msgpack_rpc_connector_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcConnector, msgpack_rpc_connector, MSGPACK_RPC, CONNECTOR, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnector *msgpack_rpc_connector_new (MsgpackRpcCodec *codec) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCodec      *msgpack_rpc_connector_get_codec        (MsgpackRpcConnector *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext         *msgpack_rpc_connector_get_main_context (MsgpackRpcConnector *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcServer     *msgpack_rpc_connector_get_server       (MsgpackRpcConnector *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEventQueue *msgpack_rpc_connector_get_queue        (MsgpackRpcConnector *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel           *msgpack_rpc_connector_get_channels     (MsgpackRpcConnector *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
char             **msgpack_rpc_connector_listen_sync (MsgpackRpcConnector  *self,
                                                      const char           *address,
                                                      GCancellable         *cancellable,
                                                      GError              **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcChannel *msgpack_rpc_connector_open      (MsgpackRpcConnector   *self,
                                                    const char            *address,
                                                    MsgpackRpcEventQueue  *queue,
                                                    GError               **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcChannel *msgpack_rpc_connector_open_sync (MsgpackRpcConnector   *self,
                                                    const char            *address,
                                                    MsgpackRpcEventQueue  *queue,
                                                    int                    timeout,
                                                    GCancellable          *cancellable,
                                                    GError               **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_connector_shut_down_async  (MsgpackRpcConnector  *self,
                                                  MsgpackRpcCloseMode   mode,
                                                  GCancellable         *cancellable,
                                                  GAsyncReadyCallback   callback,
                                                  gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_connector_shut_down_finish (MsgpackRpcConnector  *self,
                                                  GAsyncResult         *result,
                                                  GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_connector_shut_down_sync   (MsgpackRpcConnector  *self,
                                                  MsgpackRpcCloseMode   mode,
                                                  GCancellable         *cancellable,
                                                  GError              **error);

G_END_DECLS
