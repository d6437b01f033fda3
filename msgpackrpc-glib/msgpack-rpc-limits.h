/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_LIMITS (msgpack_rpc_limits_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcLimits, msgpack_rpc_limits, MSGPACK_RPC, LIMITS, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcLimits *msgpack_rpc_limits_new (void) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_limits_get_close_timeout (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_limits_set_close_timeout (MsgpackRpcLimits *self,
                                           int              close_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_limits_get_handshake_timeout (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_limits_set_handshake_timeout (MsgpackRpcLimits *self,
                                               int              handshake_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_high_water_mark (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_high_water_mark (MsgpackRpcLimits *self,
                                                guint64          high_water_mark);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_limits_get_idle_timeout (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_limits_set_idle_timeout (MsgpackRpcLimits *self,
                                          int               idle_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_max_decoded_size (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_max_decoded_size (MsgpackRpcLimits *self,
                                                 guint64          max_decoded_size);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_limits_get_max_depth (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_limits_set_max_depth (MsgpackRpcLimits *self,
                                        guint            max_depth);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_max_message_size (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_max_message_size (MsgpackRpcLimits *self,
                                                 guint64          max_message_size);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_limits_get_max_nested_waits (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_limits_set_max_nested_waits (MsgpackRpcLimits *self,
                                               guint             max_nested_waits);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_max_pending_message_size (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_max_pending_message_size (MsgpackRpcLimits *self,
                                                         guint64          max_pending_message_size);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_max_queued_bytes (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_max_queued_bytes (MsgpackRpcLimits *self,
                                                 guint64          max_queued_bytes);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_limits_get_max_requests_in_flight (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_limits_set_max_requests_in_flight (MsgpackRpcLimits *self,
                                                     guint            max_requests_in_flight);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_limits_get_max_subscriptions (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_limits_set_max_subscriptions (MsgpackRpcLimits *self,
                                                guint             max_subscriptions);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_limits_get_max_unhandled_bytes (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_limits_set_max_unhandled_bytes (MsgpackRpcLimits *self,
                                                    guint64          max_unhandled_bytes);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_limits_get_write_timeout (MsgpackRpcLimits *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_limits_set_write_timeout (MsgpackRpcLimits *self,
                                           int              write_timeout);

G_END_DECLS
