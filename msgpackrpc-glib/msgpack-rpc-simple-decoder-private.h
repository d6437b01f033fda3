/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-codec.h"

G_BEGIN_DECLS

/* Decodes the next message by the codec's `decode`. */
MsgpackRpcStreamDecoder *_msgpack_rpc_simple_decoder_new (MsgpackRpcCodec *codec);

G_END_DECLS
