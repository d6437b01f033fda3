/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-codec.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_MSGPACK_CODEC (msgpack_rpc_msgpack_codec_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcMsgpackCodec, msgpack_rpc_msgpack_codec, MSGPACK_RPC, MSGPACK_CODEC, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCodec *msgpack_rpc_msgpack_codec_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
