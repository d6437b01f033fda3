/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-codec.h"
#include "msgpack-rpc-event-queue.h"
#include "msgpack-rpc-limits.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CHANNEL (msgpack_rpc_channel_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcChannel, msgpack_rpc_channel, MSGPACK_RPC, CHANNEL, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcChannel *msgpack_rpc_channel_new             (GIOStream       *io_stream,
                                                        MsgpackRpcCodec *codec) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcChannel *msgpack_rpc_channel_new_for_address (const char      *address,
                                                        MsgpackRpcCodec *codec) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean           msgpack_rpc_channel_new_pair        (MsgpackRpcCodec    *codec,
                                                        MsgpackRpcChannel **first,
                                                        MsgpackRpcChannel **second,
                                                        GError            **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64                    msgpack_rpc_channel_get_id             (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const char                *msgpack_rpc_channel_get_address        (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GIOStream                 *msgpack_rpc_channel_get_io_stream      (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCodec           *msgpack_rpc_channel_get_codec          (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext              *msgpack_rpc_channel_get_main_context   (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnectionStatus msgpack_rpc_channel_get_status         (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean                   msgpack_rpc_channel_is_connected       (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketAddress            *msgpack_rpc_channel_get_local_address  (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketAddress            *msgpack_rpc_channel_get_remote_address (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLimits          *msgpack_rpc_channel_get_limits         (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gsize                      msgpack_rpc_channel_get_queued_bytes   (MsgpackRpcChannel *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_channel_get_high_water_mark (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_channel_set_high_water_mark (MsgpackRpcChannel *self,
                                                 guint64            high_water_mark);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEventQueue *msgpack_rpc_channel_get_queue (MsgpackRpcChannel    *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_channel_set_queue (MsgpackRpcChannel    *self,
                                                     MsgpackRpcEventQueue *queue);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_get_paused (MsgpackRpcChannel *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_channel_set_paused (MsgpackRpcChannel *self,
                                         gboolean           paused);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_send (MsgpackRpcChannel  *self,
                                   GVariant           *message,
                                   GError            **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_channel_receive_async  (MsgpackRpcChannel    *self,
                                              int                   timeout,
                                              GCancellable         *cancellable,
                                              GAsyncReadyCallback   callback,
                                              gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_channel_receive_finish (MsgpackRpcChannel    *self,
                                              GAsyncResult         *result,
                                              GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_channel_receive_sync   (MsgpackRpcChannel    *self,
                                              int                   timeout,
                                              GCancellable         *cancellable,
                                              GError              **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_channel_open_async  (MsgpackRpcChannel    *self,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_open_finish (MsgpackRpcChannel    *self,
                                          GAsyncResult         *result,
                                          GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_open_sync   (MsgpackRpcChannel    *self,
                                          GCancellable         *cancellable,
                                          GError              **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_channel_close_async  (MsgpackRpcChannel    *self,
                                           MsgpackRpcCloseMode   mode,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_close_finish (MsgpackRpcChannel    *self,
                                           GAsyncResult         *result,
                                           GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_channel_close_sync   (MsgpackRpcChannel    *self,
                                           MsgpackRpcCloseMode   mode,
                                           GCancellable         *cancellable,
                                           GError              **error);

G_END_DECLS
