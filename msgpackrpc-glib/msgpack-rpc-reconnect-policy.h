/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_RECONNECT_POLICY (msgpack_rpc_reconnect_policy_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcReconnectPolicy, msgpack_rpc_reconnect_policy, MSGPACK_RPC,
                      RECONNECT_POLICY, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcReconnectPolicy *msgpack_rpc_reconnect_policy_new (void) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
int    msgpack_rpc_reconnect_policy_get_initial_delay (MsgpackRpcReconnectPolicy *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_reconnect_policy_set_initial_delay (MsgpackRpcReconnectPolicy *self,
                                                       int                        initial_delay);

MSGPACK_RPC_AVAILABLE_IN_1_0
int    msgpack_rpc_reconnect_policy_get_max_delay (MsgpackRpcReconnectPolicy *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_reconnect_policy_set_max_delay (MsgpackRpcReconnectPolicy *self,
                                                   int                        max_delay);

MSGPACK_RPC_AVAILABLE_IN_1_0
double msgpack_rpc_reconnect_policy_get_factor (MsgpackRpcReconnectPolicy *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_reconnect_policy_set_factor (MsgpackRpcReconnectPolicy *self,
                                                double                     factor);

MSGPACK_RPC_AVAILABLE_IN_1_0
double msgpack_rpc_reconnect_policy_get_jitter (MsgpackRpcReconnectPolicy *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_reconnect_policy_set_jitter (MsgpackRpcReconnectPolicy *self,
                                                double                     jitter);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint  msgpack_rpc_reconnect_policy_get_max_attempts (MsgpackRpcReconnectPolicy *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_reconnect_policy_set_max_attempts (MsgpackRpcReconnectPolicy *self,
                                                      guint                      max_attempts);

G_END_DECLS
