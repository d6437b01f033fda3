/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib-object.h>

#include "msgpack-rpc-enums.h"
#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_UNPACKER (msgpack_rpc_unpacker_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcUnpacker, msgpack_rpc_unpacker, MSGPACK_RPC, UNPACKER, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcUnpacker *msgpack_rpc_unpacker_new (void);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_unpacker_get_max_message_size (MsgpackRpcUnpacker *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_unpacker_set_max_message_size (MsgpackRpcUnpacker *self,
                                                   guint64             max_message_size);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_unpacker_get_max_decoded_size (MsgpackRpcUnpacker *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_unpacker_set_max_decoded_size (MsgpackRpcUnpacker *self,
                                                   guint64             max_decoded_size);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint   msgpack_rpc_unpacker_get_max_depth        (MsgpackRpcUnpacker *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_unpacker_set_max_depth        (MsgpackRpcUnpacker *self,
                                                   guint               max_depth);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStringPolicy msgpack_rpc_unpacker_get_string_policy (MsgpackRpcUnpacker     *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                   msgpack_rpc_unpacker_set_string_policy (MsgpackRpcUnpacker     *self,
                                                               MsgpackRpcStringPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_unpacker_feed       (MsgpackRpcUnpacker  *self,
                                           const guint8        *data,
                                           gsize                length);
MSGPACK_RPC_AVAILABLE_IN_1_0
void      msgpack_rpc_unpacker_feed_bytes (MsgpackRpcUnpacker  *self,
                                           GBytes              *bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_unpacker_next       (MsgpackRpcUnpacker  *self,
                                           GError             **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64   msgpack_rpc_unpacker_get_offset (MsgpackRpcUnpacker *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean  msgpack_rpc_unpacker_finish     (MsgpackRpcUnpacker  *self,
                                           GError             **error);

G_END_DECLS
