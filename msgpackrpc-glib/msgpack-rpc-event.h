/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_EVENT (msgpack_rpc_event_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
GType msgpack_rpc_event_get_type (void);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEvent *msgpack_rpc_event_ref   (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void             msgpack_rpc_event_unref (MsgpackRpcEvent *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcEventKind  msgpack_rpc_event_get_kind       (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcChannel   *msgpack_rpc_event_get_channel    (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant            *msgpack_rpc_event_get_message    (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const GError        *msgpack_rpc_event_get_error      (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant            *msgpack_rpc_event_get_incomplete (MsgpackRpcEvent *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant            *msgpack_rpc_event_get_unsent     (MsgpackRpcEvent *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_event_accept (MsgpackRpcEvent      *self,
                                   MsgpackRpcEventQueue *queue);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_event_reject (MsgpackRpcEvent      *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcEvent, msgpack_rpc_event_unref)

G_END_DECLS
