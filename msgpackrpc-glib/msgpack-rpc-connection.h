/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-limits.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CONNECTION (msgpack_rpc_connection_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcConnection, msgpack_rpc_connection, MSGPACK_RPC, CONNECTION, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnection *msgpack_rpc_connection_new (GIOStream *io_stream) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_connection_new_pair (MsgpackRpcConnection **first,
                                                       MsgpackRpcConnection **second,
                                                       GError               **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64                    msgpack_rpc_connection_get_id (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GIOStream                 *msgpack_rpc_connection_get_io_stream (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext              *msgpack_rpc_connection_get_main_context (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnectionStatus msgpack_rpc_connection_get_status (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean                   msgpack_rpc_connection_is_connected (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketAddress            *msgpack_rpc_connection_get_local_address (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketAddress            *msgpack_rpc_connection_get_remote_address (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel                *msgpack_rpc_connection_get_calls (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GCredentials              *msgpack_rpc_connection_get_credentials (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsCertificate            *msgpack_rpc_connection_get_peer_certificate (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gsize                      msgpack_rpc_connection_get_queued_bytes (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant                  *msgpack_rpc_connection_get_statistics (MsgpackRpcConnection *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLimits *msgpack_rpc_connection_get_limits (MsgpackRpcConnection *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64  msgpack_rpc_connection_get_high_water_mark (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_connection_set_high_water_mark (MsgpackRpcConnection *self,
                                                     guint64               high_water_mark);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_is_congested        (MsgpackRpcConnection *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_get_paused (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_connection_set_paused (MsgpackRpcConnection *self,
                                            gboolean              paused);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDispatcher *msgpack_rpc_connection_get_dispatcher (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_connection_set_dispatcher (MsgpackRpcConnection *self,
                                                             MsgpackRpcDispatcher *dispatcher);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean             msgpack_rpc_connection_get_extensions      (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                 msgpack_rpc_connection_set_extensions      (MsgpackRpcConnection *self,
                                                                 gboolean              extensions);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcExtensions msgpack_rpc_connection_get_peer_extensions (MsgpackRpcConnection *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
GObject *msgpack_rpc_connection_get_session (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_connection_set_session (MsgpackRpcConnection *self,
                                             GObject              *session);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_connection_get_default_timeout (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_connection_set_default_timeout (MsgpackRpcConnection *self,
                                                 int                   default_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcFraming msgpack_rpc_connection_get_framing (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_connection_set_framing (MsgpackRpcConnection *self,
                                                      MsgpackRpcFraming     framing);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcPackFlags msgpack_rpc_connection_get_pack_flags (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                msgpack_rpc_connection_set_pack_flags (MsgpackRpcConnection *self,
                                                           MsgpackRpcPackFlags   pack_flags);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcProfile msgpack_rpc_connection_get_profile (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_connection_set_profile (MsgpackRpcConnection *self,
                                                      MsgpackRpcProfile     profile);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcReplyOrder msgpack_rpc_connection_get_reply_order (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                 msgpack_rpc_connection_set_reply_order (MsgpackRpcConnection *self,
                                                             MsgpackRpcReplyOrder  order);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStringPolicy msgpack_rpc_connection_get_string_policy (MsgpackRpcConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_connection_set_string_policy (MsgpackRpcConnection   *self,
                                                                 MsgpackRpcStringPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_send_message (MsgpackRpcConnection  *self,
                                              GVariant              *message,
                                              GError               **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_connection_close_async (MsgpackRpcConnection *self,
                                      MsgpackRpcCloseMode   mode,
                                      GCancellable         *cancellable,
                                      GAsyncReadyCallback   callback,
                                      gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_close_finish (MsgpackRpcConnection  *self,
                                       GAsyncResult          *result,
                                       GError               **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_close_sync (MsgpackRpcConnection  *self,
                                     MsgpackRpcCloseMode    mode,
                                     GCancellable          *cancellable,
                                     GError               **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_connection_flush_async (MsgpackRpcConnection *self,
                                             GCancellable         *cancellable,
                                             GAsyncReadyCallback   callback,
                                             gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_flush_finish (MsgpackRpcConnection  *self,
                                              GAsyncResult          *result,
                                              GError               **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_connection_flush_sync (MsgpackRpcConnection  *self,
                                            GCancellable          *cancellable,
                                            GError               **error);

G_END_DECLS
