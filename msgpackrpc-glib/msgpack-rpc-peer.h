/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_PEER (msgpack_rpc_peer_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (MsgpackRpcPeer, msgpack_rpc_peer, MSGPACK_RPC, PEER, GObject)

/**
 * MsgpackRpcPeerInterface:
 * @parent_iface: the parent interface
 * @send_call: starts a call; what fails is delivered through the call, later
 * @send_notification: queues a notification; returns `FALSE` with an error when it cannot be
 *   queued
 *
 * What an implementation of [iface@Peer] provides. What it leaves out fails with
 * `G_IO_ERROR_NOT_SUPPORTED`.
 *
 * Since: 1.0
 */
struct _MsgpackRpcPeerInterface
{
  GTypeInterface parent_iface;

  void     (*send_call)         (MsgpackRpcPeer  *self,
                                 MsgpackRpcCall  *call);
  gboolean (*send_notification) (MsgpackRpcPeer  *self,
                                 const char      *method,
                                 GVariant        *params,
                                 GError         **error);
};

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_peer_call_async (MsgpackRpcPeer      *self,
                                       const char          *method,
                                       GVariant            *params,
                                       GCancellable        *cancellable,
                                       GAsyncReadyCallback  callback,
                                       gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_peer_call_finish (MsgpackRpcPeer  *self,
                                        GAsyncResult    *result,
                                        GError         **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_peer_call_sync (MsgpackRpcPeer  *self,
                                      const char      *method,
                                      GVariant        *params,
                                      GCancellable    *cancellable,
                                      GError         **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCall *msgpack_rpc_peer_start_call (MsgpackRpcPeer *self,
                                             const char     *method,
                                             GVariant       *params) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void            msgpack_rpc_peer_send_call (MsgpackRpcPeer *self,
                                            MsgpackRpcCall *call);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_send_notification (MsgpackRpcPeer  *self,
                                             const char      *method,
                                             GVariant        *params,
                                             GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_peer_send_notification_async (MsgpackRpcPeer      *self,
                                                   const char          *method,
                                                   GVariant            *params,
                                                   GCancellable        *cancellable,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_send_notification_finish (MsgpackRpcPeer  *self,
                                                    GAsyncResult    *result,
                                                    GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_send_notification_sync (MsgpackRpcPeer  *self,
                                                  const char      *method,
                                                  GVariant        *params,
                                                  GCancellable    *cancellable,
                                                  GError         **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_peer_subscribe_async    (MsgpackRpcPeer      *self,
                                              const char          *topic,
                                              GCancellable        *cancellable,
                                              GAsyncReadyCallback  callback,
                                              gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_subscribe_finish   (MsgpackRpcPeer  *self,
                                              GAsyncResult    *result,
                                              GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_subscribe_sync     (MsgpackRpcPeer  *self,
                                              const char      *topic,
                                              GCancellable    *cancellable,
                                              GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_peer_unsubscribe_async  (MsgpackRpcPeer      *self,
                                              const char          *topic,
                                              GCancellable        *cancellable,
                                              GAsyncReadyCallback  callback,
                                              gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_unsubscribe_finish (MsgpackRpcPeer  *self,
                                              GAsyncResult    *result,
                                              GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_unsubscribe_sync   (MsgpackRpcPeer  *self,
                                              const char      *topic,
                                              GCancellable    *cancellable,
                                              GError         **error);

/**
 * MsgpackRpcTimeoutFunc:
 * @user_data: data given with the function
 *
 * What [method@Peer.add_timeout] has called once.
 *
 * Since: 1.0
 */
typedef void (*MsgpackRpcTimeoutFunc) (gpointer user_data);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_peer_add_interval (MsgpackRpcPeer        *self,
                                        guint                  milliseconds,
                                        GSourceFunc            func,
                                        gpointer               user_data,
                                        GDestroyNotify         user_data_destroy);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_peer_add_timeout  (MsgpackRpcPeer        *self,
                                        guint                  milliseconds,
                                        MsgpackRpcTimeoutFunc  func,
                                        gpointer               user_data,
                                        GDestroyNotify         user_data_destroy);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_peer_remove_timer (MsgpackRpcPeer        *self,
                                        guint                  id);

G_END_DECLS
