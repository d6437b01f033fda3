/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-codec.h"

G_BEGIN_DECLS

/* Encodes a message by the codec's `encode`. */
MsgpackRpcStreamEncoder *_msgpack_rpc_simple_encoder_new (MsgpackRpcCodec *codec,
                                                           GVariant        *message);

G_END_DECLS
