/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CALL (msgpack_rpc_call_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcCall, msgpack_rpc_call, MSGPACK_RPC, CALL, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCall *msgpack_rpc_call_new (const char *method,
                                      GVariant   *params) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
const char *msgpack_rpc_call_get_method (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant   *msgpack_rpc_call_get_params (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint       msgpack_rpc_call_get_msgid (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean    msgpack_rpc_call_is_notification (MsgpackRpcCall *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_call_get_timeout (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_call_set_timeout (MsgpackRpcCall *self,
                                   int             timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
const GVariantType *msgpack_rpc_call_get_reply_type (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                msgpack_rpc_call_set_reply_type (MsgpackRpcCall     *self,
                                                     const GVariantType *reply_type);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_call_get_serves_while_waiting (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_call_set_serves_while_waiting (MsgpackRpcCall *self,
                                                    gboolean        serves_while_waiting);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_call_get_idempotent (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_call_set_idempotent (MsgpackRpcCall *self,
                                          gboolean        idempotent);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_call_get_wait_for_ready (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_call_set_wait_for_ready (MsgpackRpcCall *self,
                                              gboolean        wait_for_ready);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCallState msgpack_rpc_call_get_state (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDelivery  msgpack_rpc_call_get_delivery (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant           *msgpack_rpc_call_get_result (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GError             *msgpack_rpc_call_get_error (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant           *msgpack_rpc_call_get_error_value (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant           *msgpack_rpc_call_get_error_data (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant           *msgpack_rpc_call_get_message (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
double              msgpack_rpc_call_get_progress (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant           *msgpack_rpc_call_get_progress_value (MsgpackRpcCall *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                msgpack_rpc_call_set_progress (MsgpackRpcCall *self,
                                                   double          progress);
MSGPACK_RPC_AVAILABLE_IN_1_0
double              msgpack_rpc_call_get_elapsed (MsgpackRpcCall *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_call_cancel (MsgpackRpcCall *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_call_wait (MsgpackRpcCall  *self,
                                 GCancellable    *cancellable,
                                 GError         **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_call_wait_async (MsgpackRpcCall      *self,
                                       GCancellable        *cancellable,
                                       GAsyncReadyCallback  callback,
                                       gpointer             user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_call_wait_finish (MsgpackRpcCall  *self,
                                        GAsyncResult    *result,
                                        GError         **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean        msgpack_rpc_call_wait_all (MsgpackRpcCall **calls,
                                           gsize            n_calls,
                                           GCancellable    *cancellable,
                                           GError         **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCall *msgpack_rpc_call_wait_any (MsgpackRpcCall **calls,
                                           gsize            n_calls,
                                           GCancellable    *cancellable,
                                           GError         **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
