/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_PENDING_CONNECTION (msgpack_rpc_pending_connection_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcPendingConnection, msgpack_rpc_pending_connection, MSGPACK_RPC,
                      PENDING_CONNECTION, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcConnection *msgpack_rpc_pending_connection_get_connection (MsgpackRpcPendingConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_pending_connection_keep           (MsgpackRpcPendingConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_pending_connection_accept         (MsgpackRpcPendingConnection *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_pending_connection_reject         (MsgpackRpcPendingConnection *self,
                                                                     const char                  *reason);

G_END_DECLS
