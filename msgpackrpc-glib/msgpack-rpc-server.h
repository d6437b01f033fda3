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

#define MSGPACK_RPC_TYPE_SERVER (msgpack_rpc_server_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (MsgpackRpcServer, msgpack_rpc_server, MSGPACK_RPC, SERVER, GSocketService)

/**
 * MsgpackRpcServerClass:
 * @parent_class: the parent class
 *
 * The class of [class@Server].
 *
 * Since: 1.0
 */
struct _MsgpackRpcServerClass
{
  GSocketServiceClass parent_class;
};

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcServer *msgpack_rpc_server_new (void) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcServer *msgpack_rpc_server_new_in_thread (MsgpackRpcDispatcher *dispatcher) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext *msgpack_rpc_server_get_main_context (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel   *msgpack_rpc_server_get_connections (MsgpackRpcServer *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDispatcher *msgpack_rpc_server_get_dispatcher (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_server_set_dispatcher (MsgpackRpcServer     *self,
                                                         MsgpackRpcDispatcher *dispatcher);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLimits *msgpack_rpc_server_get_limits (MsgpackRpcServer *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcFraming msgpack_rpc_server_get_framing (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_server_set_framing (MsgpackRpcServer  *self,
                                                  MsgpackRpcFraming  framing);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcPackFlags msgpack_rpc_server_get_pack_flags (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                msgpack_rpc_server_set_pack_flags (MsgpackRpcServer    *self,
                                                       MsgpackRpcPackFlags  pack_flags);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcProfile msgpack_rpc_server_get_profile (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void              msgpack_rpc_server_set_profile (MsgpackRpcServer  *self,
                                                  MsgpackRpcProfile  profile);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcReplyOrder msgpack_rpc_server_get_reply_order (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                 msgpack_rpc_server_set_reply_order (MsgpackRpcServer     *self,
                                                         MsgpackRpcReplyOrder  order);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStringPolicy msgpack_rpc_server_get_string_policy (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_server_set_string_policy (MsgpackRpcServer       *self,
                                                             MsgpackRpcStringPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_server_get_allow_remote (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_server_set_allow_remote (MsgpackRpcServer *self,
                                              gboolean          allow_remote);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcAcceptPolicy msgpack_rpc_server_get_policy (MsgpackRpcServer       *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_server_set_policy (MsgpackRpcServer       *self,
                                                      MsgpackRpcAcceptPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcToken *msgpack_rpc_server_get_token (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_server_set_token (MsgpackRpcServer *self,
                                               MsgpackRpcToken  *token);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_server_get_max_handshakes (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_server_set_max_handshakes (MsgpackRpcServer *self,
                                             guint             max_handshakes);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_server_get_buffered_bytes     (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_server_get_max_buffered_bytes (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_server_set_max_buffered_bytes (MsgpackRpcServer *self,
                                                   guint64           max_buffered_bytes);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_server_get_max_connections (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_server_set_max_connections (MsgpackRpcServer *self,
                                              guint             max_connections);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_server_get_max_connections_per_address (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_server_set_max_connections_per_address (MsgpackRpcServer *self,
                                                          guint             max_connections);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_server_get_max_connections_per_user    (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_server_set_max_connections_per_user    (MsgpackRpcServer *self,
                                                          guint             max_connections);

MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsCertificate       *msgpack_rpc_server_get_tls_certificate         (MsgpackRpcServer       *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_server_set_tls_certificate         (MsgpackRpcServer       *self,
                                                                       GTlsCertificate        *tls_certificate);
MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsDatabase          *msgpack_rpc_server_get_tls_database            (MsgpackRpcServer       *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_server_set_tls_database            (MsgpackRpcServer       *self,
                                                                       GTlsDatabase           *tls_database);
MSGPACK_RPC_AVAILABLE_IN_1_0
GTlsAuthenticationMode msgpack_rpc_server_get_tls_authentication_mode (MsgpackRpcServer       *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_server_set_tls_authentication_mode (MsgpackRpcServer       *self,
                                                                       GTlsAuthenticationMode  mode);

MSGPACK_RPC_AVAILABLE_IN_1_0
void       msgpack_rpc_server_listen_async (MsgpackRpcServer    *self,
                                            const char          *address,
                                            GCancellable        *cancellable,
                                            GAsyncReadyCallback  callback,
                                            gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
char     **msgpack_rpc_server_listen_finish (MsgpackRpcServer  *self,
                                             GAsyncResult      *result,
                                             GError           **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
char     **msgpack_rpc_server_listen_sync (MsgpackRpcServer  *self,
                                           const char        *address,
                                           GCancellable      *cancellable,
                                           GError           **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
char     **msgpack_rpc_server_listen_activated (MsgpackRpcServer  *self,
                                                GError           **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_server_get_unix_mode (MsgpackRpcServer *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_server_set_unix_mode (MsgpackRpcServer *self,
                                        guint             unix_mode);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_server_is_accepting_paused (MsgpackRpcServer *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_server_drain_async (MsgpackRpcServer     *self,
                                          MsgpackRpcCloseMode   mode,
                                          int                   timeout,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_server_drain_finish (MsgpackRpcServer  *self,
                                           GAsyncResult      *result,
                                           GError           **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_server_drain_sync (MsgpackRpcServer     *self,
                                         MsgpackRpcCloseMode   mode,
                                         int                   timeout,
                                         GCancellable         *cancellable,
                                         GError              **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_server_drain_on_signal_async (MsgpackRpcServer     *self,
                                                    MsgpackRpcCloseMode   mode,
                                                    int                   timeout,
                                                    GCancellable         *cancellable,
                                                    GAsyncReadyCallback   callback,
                                                    gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_server_drain_on_signal_finish (MsgpackRpcServer  *self,
                                                     GAsyncResult      *result,
                                                     GError           **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean  msgpack_rpc_server_run (MsgpackRpcServer  *self,
                                  GCancellable      *cancellable,
                                  GError           **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnection *msgpack_rpc_server_accept_stream (MsgpackRpcServer  *self,
                                                        GIOStream         *io_stream,
                                                        GError           **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint                 msgpack_rpc_server_broadcast (MsgpackRpcServer *self,
                                                    const char       *method,
                                                    GVariant         *params);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_server_publish (MsgpackRpcServer  *self,
                                                  const char        *topic,
                                                  GVariant          *value,
                                                  GError           **error);

G_END_DECLS
