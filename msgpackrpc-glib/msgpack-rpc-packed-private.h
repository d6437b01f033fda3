/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A message as it is written: pieces of memory, one behind the other. There is more than one if it
 * has large strings or binaries, which are not copied. Immutable; any thread may hold it. */
typedef struct
{
  gsize size;        /* of all pieces */
  guint n_pieces;
  guint is_small : 1;    /* the one piece is in place of the pointers */
  guint header_size : 8; /* what stands before the message itself */
  GBytes *pieces[];
} MsgpackRpcPacked;

/* What is to be written where @position bytes were written, without being copied. */
typedef struct
{
  gsize position;
  GBytes *bytes;
} MsgpackRpcReference;

/* An array of those. */
GArray *_msgpack_rpc_references_new (void);

/* Takes @bytes. @references: an array of them, in order, or NULL. */
MsgpackRpcPacked *_msgpack_rpc_packed_new       (GBytes           *bytes,
                                                 GArray           *references);
/* Copies @data. */
MsgpackRpcPacked *_msgpack_rpc_packed_new_small (gconstpointer     data,
                                                 gsize             size);
MsgpackRpcPacked *_msgpack_rpc_packed_ref       (MsgpackRpcPacked *self);
void              _msgpack_rpc_packed_unref     (MsgpackRpcPacked *self);
gconstpointer     _msgpack_rpc_packed_get_piece (MsgpackRpcPacked *self,
                                                 guint             i,
                                                 gsize            *size);
/* Consumes it, and returns one that shares no memory with what it was made of. */
MsgpackRpcPacked *_msgpack_rpc_packed_join      (MsgpackRpcPacked *self);
/* The same message with its length before it. */
MsgpackRpcPacked *_msgpack_rpc_packed_frame     (MsgpackRpcPacked *self);
/* In one piece, which may take a copy. */
GBytes           *_msgpack_rpc_packed_to_bytes  (MsgpackRpcPacked *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcPacked, _msgpack_rpc_packed_unref)

G_END_DECLS
