/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/* Of a queue of bytes whose meaning only the owner knows: where in the stream it is. */
typedef struct
{
  gboolean is_inside;   /* of a message of several chunks the first are written */
  guint64 written;      /* how many bytes */
  guint64 begun;        /* and that with those of which it is not known; once the queue is cleared */
} MsgpackRpcOutputPosition;

/* The output queue of a link: messages in order, counted in bytes. Guarded by the link's lock. */
typedef struct
{
  GQueue messages;
  gsize queued_bytes;   /* what was not yet written */
  MsgpackRpcOutputPosition *position; /* owned; NULL for one of MessagePack; fixed */
} MsgpackRpcOutput;

/* Messages of a queue that have something in common, in order, and the marks that wait for them. In use
 * it stays where it is until it is dissolved. */
typedef struct
{
  GQueue messages;
  GQueue marks;
} MsgpackRpcOutputGroup;

/* How many pieces of messages one system call writes. */
#define MSGPACK_RPC_OUTPUT_VECTORS 128

typedef struct
{
  GOutputVector vectors[MSGPACK_RPC_OUTPUT_VECTORS];
  MsgpackRpcPacked *held[MSGPACK_RPC_OUTPUT_VECTORS];
  guint n_held;
} MsgpackRpcOutputBatch;

void     _msgpack_rpc_output_init     (MsgpackRpcOutput   *self);
gboolean _msgpack_rpc_output_is_empty (MsgpackRpcOutput   *self);
/* @call: told how its message fares, or NULL. An empty message marks a place in the queue. */
void     _msgpack_rpc_output_push     (MsgpackRpcOutput   *self,
                                       MsgpackRpcPacked   *packed,
                                       MsgpackRpcCall     *call);
/* Before all others, none of which was begun. */
void     _msgpack_rpc_output_push_first (MsgpackRpcOutput *self,
                                       MsgpackRpcPacked   *packed,
                                       MsgpackRpcCall     *call);
/* A part of a message of an opaque queue. @goes_on: it is not the last one. */
void     _msgpack_rpc_output_push_chunk (MsgpackRpcOutput  *self,
                                       MsgpackRpcPacked   *packed,
                                       gboolean            goes_on);
/* A message of a group. */
void     _msgpack_rpc_output_push_grouped (MsgpackRpcOutput      *self,
                                           MsgpackRpcPacked      *packed,
                                           MsgpackRpcOutputGroup *group);
/* Drops the oldest of a group that was not begun. FALSE if there is none. */
gboolean _msgpack_rpc_output_drop_oldest  (MsgpackRpcOutput      *self,
                                           MsgpackRpcOutputGroup *group);
/* Marks where there will be fewer than @max of a group, for @call. FALSE if that is so now. */
gboolean _msgpack_rpc_output_mark_room    (MsgpackRpcOutput      *self,
                                           MsgpackRpcOutputGroup *group,
                                           guint                  max,
                                           MsgpackRpcCall        *call);
/* Nothing belongs to the group any more. With @drop, what was not begun is not sent. The calls of its
 * marks go to @calls (of MsgpackRpcCall, owned). */
void     _msgpack_rpc_output_dissolve     (MsgpackRpcOutput      *self,
                                           MsgpackRpcOutputGroup *group,
                                           gboolean               drop,
                                           GPtrArray             *calls);
/* What to write next, up to the message that goes over @max_bytes; returns how many vectors. The
 * messages stay in the queue until _written() is called, or until another thread empties it: the batch
 * has references on them, until it is cleared. */
guint    _msgpack_rpc_output_gather   (MsgpackRpcOutput      *self,
                                       MsgpackRpcOutputBatch *batch,
                                       gsize                  max_bytes);
void     _msgpack_rpc_output_batch_clear (MsgpackRpcOutputBatch *self);
/* @count bytes of them were written. Messages that are whole now go to @sent if they have a call;
 * returns how many they are with all others. */
guint    _msgpack_rpc_output_written  (MsgpackRpcOutput   *self,
                                       gsize               count,
                                       GQueue             *sent);
/* The next call of those, with a reference, or NULL. */
MsgpackRpcCall *
         _msgpack_rpc_output_take_sent (GQueue            *sent);
MsgpackRpcDelivery
         _msgpack_rpc_output_withdraw (MsgpackRpcOutput   *self,
                                       MsgpackRpcCall     *call);
/* What a message decodes to, or NULL. */
GVariant *_msgpack_rpc_output_decode  (MsgpackRpcPacked   *packed);
/* Empties the queue but for, with @keep_started, a message that was begun. Adds what was not begun
 * to @unsent (of GVariant) and returns what was begun, or NULL; both as decoded messages, unless the
 * queue is opaque. */
GVariant *_msgpack_rpc_output_clear   (MsgpackRpcOutput   *self,
                                       gboolean            keep_started,
                                       GPtrArray          *unsent);

G_END_DECLS
