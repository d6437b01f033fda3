/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_METHOD (msgpack_rpc_method_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcMethod, msgpack_rpc_method, MSGPACK_RPC, METHOD, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
guint       msgpack_rpc_method_get_id (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const char *msgpack_rpc_method_get_name (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const char *msgpack_rpc_method_get_signature (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcMethodFlags msgpack_rpc_method_get_flags (MsgpackRpcMethod *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
char       *msgpack_rpc_method_get_description (MsgpackRpcMethod *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void        msgpack_rpc_method_set_description (MsgpackRpcMethod *self,
                                                const char       *description);
MSGPACK_RPC_AVAILABLE_IN_1_0
int         msgpack_rpc_method_get_max_answer_time (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void        msgpack_rpc_method_set_max_answer_time (MsgpackRpcMethod *self,
                                                    int               max_answer_time);

MSGPACK_RPC_AVAILABLE_IN_1_0
GStrv       msgpack_rpc_method_get_param_names (MsgpackRpcMethod   *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void        msgpack_rpc_method_set_param_names (MsgpackRpcMethod   *self,
                                                const char * const *param_names);

MSGPACK_RPC_AVAILABLE_IN_1_0
char       *msgpack_rpc_method_get_result_signature (MsgpackRpcMethod *self)
  G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void        msgpack_rpc_method_set_result_signature (MsgpackRpcMethod *self,
                                                     const char       *result_signature);

MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext *msgpack_rpc_method_get_main_context (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void          msgpack_rpc_method_set_main_context (MsgpackRpcMethod *self,
                                                   GMainContext     *main_context);
MSGPACK_RPC_AVAILABLE_IN_1_0
int           msgpack_rpc_method_get_priority (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void          msgpack_rpc_method_set_priority (MsgpackRpcMethod *self,
                                               int               priority);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64       msgpack_rpc_method_get_n_calls (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64       msgpack_rpc_method_get_n_errors (MsgpackRpcMethod *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64       msgpack_rpc_method_get_total_time (MsgpackRpcMethod *self);

G_END_DECLS
