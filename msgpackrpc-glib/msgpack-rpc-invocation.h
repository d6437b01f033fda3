/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

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
