/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-fault-side-private.h"

G_BEGIN_DECLS

/* What a fault stream is read from. */
#define MSGPACK_RPC_TYPE_FAULT_INPUT (_msgpack_rpc_fault_input_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcFaultInput, _msgpack_rpc_fault_input, MSGPACK_RPC, FAULT_INPUT,
                      GInputStream)

GInputStream *_msgpack_rpc_fault_input_new (MsgpackRpcFaultSide *side);

G_END_DECLS
