/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-program-private.h"

G_BEGIN_DECLS

/* What a program writes and reads, as a stream that can be polled and never blocks. At its end there
 * is an error that says how the program has ended. Takes the reference. */
#define MSGPACK_RPC_TYPE_PROGRAM_STREAM (_msgpack_rpc_program_stream_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcProgramStream, _msgpack_rpc_program_stream,
                      MSGPACK_RPC, PROGRAM_STREAM, GIOStream)

GIOStream *_msgpack_rpc_program_stream_new (MsgpackRpcProgram *program);

G_END_DECLS
