/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-unpacker.h"

G_BEGIN_DECLS

/* With it, a message that is not an array is an error as soon as its first byte is looked at. */
void _msgpack_rpc_unpacker_set_limits        (MsgpackRpcUnpacker *self,
                                              guint               max_message_size,
                                              guint               max_decoded_size,
                                              guint               max_depth);
void _msgpack_rpc_unpacker_set_require_array (MsgpackRpcUnpacker *self,
                                              gboolean            require_array);

/* With it, the length of each message stands before it, as an integer. */
void _msgpack_rpc_unpacker_set_framed        (MsgpackRpcUnpacker *self,
                                              gboolean            framed);

/* As next(), of an unpacker that requires arrays: the serialised form of one, of type `av`. Returns a
 * full reference. */
GBytes *_msgpack_rpc_unpacker_next_array (MsgpackRpcUnpacker  *self,
                                          GError             **error);

/* Where to read the rest of a large body to, and at most how much, or NULL: then the bytes are to be
 * lent, and the size stays as it is. No more is taken in advance than has come of the body. */
guint8 *_msgpack_rpc_unpacker_get_space (MsgpackRpcUnpacker *self,
                                         gsize              *size);
/* So much was read to there. */
void    _msgpack_rpc_unpacker_commit    (MsgpackRpcUnpacker *self,
                                         gsize               size);

/* As feed(), but @data are only copied if they are still needed by the next call of keep(), which
 * must come before they go. */
void _msgpack_rpc_unpacker_lend (MsgpackRpcUnpacker *self,
                                 const guint8       *data,
                                 gsize               length);
void _msgpack_rpc_unpacker_keep (MsgpackRpcUnpacker *self);

/* Whether nothing is held of a message that next () has not returned. */
gboolean _msgpack_rpc_unpacker_is_empty (MsgpackRpcUnpacker *self);

/* Where in the stream the message begins that next () is at. */
guint64 _msgpack_rpc_unpacker_get_message_offset (MsgpackRpcUnpacker *self);

/* Whether it may be used for another stream: it is empty, and has not failed. */
gboolean _msgpack_rpc_unpacker_is_reusable (MsgpackRpcUnpacker *self);
/* What it is given next is at @offset of another stream. */
void     _msgpack_rpc_unpacker_reuse       (MsgpackRpcUnpacker *self,
                                            guint64             offset);

/* The memory that is held for what next () has not returned. */
gsize _msgpack_rpc_unpacker_get_memory (MsgpackRpcUnpacker *self);

/* The bytes that are held and the size of the buffer for them, for tests. */
gsize _msgpack_rpc_unpacker_get_buffered    (MsgpackRpcUnpacker *self);
gsize _msgpack_rpc_unpacker_get_buffer_size (MsgpackRpcUnpacker *self);

G_END_DECLS
