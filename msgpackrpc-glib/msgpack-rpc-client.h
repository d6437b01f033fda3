/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-limits.h"
#include "msgpack-rpc-token.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CLIENT (msgpack_rpc_client_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcClient, msgpack_rpc_client, MSGPACK_RPC, CLIENT, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcClient *msgpack_rpc_client_new (const char *address) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcClient *msgpack_rpc_client_new_for_connectable (GSocketConnectable *connectable) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcClient *msgpack_rpc_client_new_for_stream (GIOStream *io_stream) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcClient *msgpack_rpc_client_new_for_argv (const char * const *argv) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcClient *msgpack_rpc_client_new_in_thread (const char *address) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
const char                *msgpack_rpc_client_get_address (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketClient             *msgpack_rpc_client_get_socket_client (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext              *msgpack_rpc_client_get_main_context (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnectionStatus msgpack_rpc_client_get_status (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean                   msgpack_rpc_client_is_connected (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnection      *msgpack_rpc_client_get_connection (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GError                    *msgpack_rpc_client_get_last_error (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel                *msgpack_rpc_client_get_calls (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean                   msgpack_rpc_client_get_busy (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSubprocess                *msgpack_rpc_client_get_subprocess (MsgpackRpcClient *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDispatcher *msgpack_rpc_client_get_dispatcher (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_client_set_dispatcher (MsgpackRpcClient     *self,
                                                         MsgpackRpcDispatcher *dispatcher);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcToken *msgpack_rpc_client_get_token (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_client_set_token (MsgpackRpcClient *self,
                                               MsgpackRpcToken  *token);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLimits *msgpack_rpc_client_get_limits (MsgpackRpcClient *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_get_extensions (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_extensions (MsgpackRpcClient *self,
                                            gboolean          extensions);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_client_get_default_timeout (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_client_set_default_timeout (MsgpackRpcClient *self,
                                             int               default_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcFraming msgpack_rpc_client_get_framing (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_client_set_framing (MsgpackRpcClient  *self,
                                                  MsgpackRpcFraming  framing);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcPackFlags msgpack_rpc_client_get_pack_flags (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                msgpack_rpc_client_set_pack_flags (MsgpackRpcClient    *self,
                                                       MsgpackRpcPackFlags  pack_flags);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcProfile msgpack_rpc_client_get_profile (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_client_set_profile (MsgpackRpcClient  *self,
                                                  MsgpackRpcProfile  profile);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcReplyOrder msgpack_rpc_client_get_reply_order (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                 msgpack_rpc_client_set_reply_order (MsgpackRpcClient     *self,
                                                         MsgpackRpcReplyOrder  order);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStringPolicy msgpack_rpc_client_get_string_policy (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_client_set_string_policy (MsgpackRpcClient       *self,
                                                             MsgpackRpcStringPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_get_queue_while_connecting (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_queue_while_connecting (MsgpackRpcClient *self,
                                                        gboolean          queue_while_connecting);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint                      msgpack_rpc_client_get_attempt          (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcReconnectPolicy *msgpack_rpc_client_get_reconnect_policy (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                       msgpack_rpc_client_set_reconnect_policy (MsgpackRpcClient          *self,
                                                                    MsgpackRpcReconnectPolicy *policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_get_forward_stderr (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_forward_stderr (MsgpackRpcClient *self,
                                                gboolean          forward_stderr);

MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsCertificate *msgpack_rpc_client_get_tls_certificate (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_client_set_tls_certificate (MsgpackRpcClient *self,
                                                         GTlsCertificate  *tls_certificate);
MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsDatabase    *msgpack_rpc_client_get_tls_database    (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_client_set_tls_database    (MsgpackRpcClient *self,
                                                         GTlsDatabase     *tls_database);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_get_stalled       (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
int      msgpack_rpc_client_get_stall_timeout (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_stall_timeout (MsgpackRpcClient *self,
                                               int               stall_timeout);
MSGPACK_RPC_AVAILABLE_IN_1_0
int      msgpack_rpc_client_get_ping_interval (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_ping_interval (MsgpackRpcClient *self,
                                               int               ping_interval);
MSGPACK_RPC_AVAILABLE_IN_1_0
char    *msgpack_rpc_client_get_ping_method   (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_ping_method   (MsgpackRpcClient *self,
                                               const char       *ping_method);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_get_tcp_keepalive (MsgpackRpcClient *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_set_tcp_keepalive (MsgpackRpcClient *self,
                                               gboolean          tcp_keepalive);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_open_async (MsgpackRpcClient    *self,
                                        GCancellable        *cancellable,
                                        GAsyncReadyCallback  callback,
                                        gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_open_finish (MsgpackRpcClient  *self,
                                         GAsyncResult      *result,
                                         GError           **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_open_sync (MsgpackRpcClient  *self,
                                       GCancellable      *cancellable,
                                       GError           **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_client_close_async (MsgpackRpcClient *self,
                                      MsgpackRpcCloseMode  mode,
                                      GCancellable         *cancellable,
                                      GAsyncReadyCallback   callback,
                                      gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_close_finish (MsgpackRpcClient  *self,
                                       GAsyncResult          *result,
                                       GError               **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_client_close_sync (MsgpackRpcClient  *self,
                                     MsgpackRpcCloseMode   mode,
                                     GCancellable          *cancellable,
                                     GError               **error);

G_END_DECLS
