/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-stream-decoder.h"

G_BEGIN_DECLS

/* Decodes the next value as MessagePack. */
MsgpackRpcStreamDecoder *_msgpack_rpc_msgpack_decoder_new (void);

G_END_DECLS
