/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/**
 * MsgpackRpcAnswerFilter:
 * @invocation: a request that was answered
 * @result: (nullable): the result, or `NULL` if the answer is an error; nil is a value of type `mv`
 * @error_value: (nullable): the error, or `NULL` if the answer is a result
 * @user_data: the data given with the filter
 *
 * Looks at an answer before it is sent, and may replace it by [method@Invocation.replace_answer].
 *
 * Since: 1.0
 */
typedef void (*MsgpackRpcAnswerFilter) (MsgpackRpcInvocation *invocation,
                                        GVariant             *result,
                                        GVariant             *error_value,
                                        gpointer              user_data);

#define MSGPACK_RPC_TYPE_INVOCATION (msgpack_rpc_invocation_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcInvocation, msgpack_rpc_invocation, MSGPACK_RPC, INVOCATION, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
const char           *msgpack_rpc_invocation_get_method (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant             *msgpack_rpc_invocation_get_params (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant             *msgpack_rpc_invocation_get_msgid (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnection *msgpack_rpc_invocation_get_connection (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gint64                msgpack_rpc_invocation_get_deadline (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_invocation_is_cancelled (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_invocation_get_answered (MsgpackRpcInvocation *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
GCredentials         *msgpack_rpc_invocation_get_credentials (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GSocketAddress       *msgpack_rpc_invocation_get_remote_address (MsgpackRpcInvocation *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GObject              *msgpack_rpc_invocation_get_session (MsgpackRpcInvocation *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_report_progress (MsgpackRpcInvocation *self,
                                                 double                fraction,
                                                 GVariant             *value);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_set_method        (MsgpackRpcInvocation    *self,
                                                   const char              *method);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_set_params        (MsgpackRpcInvocation    *self,
                                                   GVariant                *params,
                                                   GError                 **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_add_answer_filter (MsgpackRpcInvocation    *self,
                                                   MsgpackRpcAnswerFilter   filter,
                                                   gpointer                 user_data,
                                                   GDestroyNotify           user_data_destroy);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_replace_answer    (MsgpackRpcInvocation    *self,
                                                   GVariant                *result,
                                                   GVariant                *error_value);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_return_value (MsgpackRpcInvocation *self,
                                              GVariant             *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_return_error (MsgpackRpcInvocation *self,
                                              GQuark                domain,
                                              int                   code,
                                              const char           *format,
                                              ...) G_GNUC_PRINTF (4, 5);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_return_error_literal (MsgpackRpcInvocation *self,
                                                      GQuark                domain,
                                                      int                   code,
                                                      const char           *message);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_return_gerror (MsgpackRpcInvocation *self,
                                               const GError         *error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_invocation_return_error_value (MsgpackRpcInvocation *self,
                                                    GVariant             *value);

G_END_DECLS
