/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_FAULT_STREAM (msgpack_rpc_fault_stream_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcFaultStream, msgpack_rpc_fault_stream, MSGPACK_RPC, FAULT_STREAM,
                      GIOStream)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcFaultStream *
msgpack_rpc_fault_stream_new (GIOStream *base_io_stream) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
