/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-fault-side-private.h"

G_BEGIN_DECLS

/* What a fault stream is written to. */
#define MSGPACK_RPC_TYPE_FAULT_OUTPUT (_msgpack_rpc_fault_output_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcFaultOutput, _msgpack_rpc_fault_output, MSGPACK_RPC, FAULT_OUTPUT,
                      GOutputStream)

GOutputStream *_msgpack_rpc_fault_output_new (MsgpackRpcFaultSide *side);

G_END_DECLS
