/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* The timers of a reactor that run, the earliest first. Guarded by the reactor's lock. */
typedef struct
{
  GPtrArray *timers; /* of MsgpackRpcTimer, not owned; a binary heap */
} MsgpackRpcTimerHeap;

void             _msgpack_rpc_timer_heap_init     (MsgpackRpcTimerHeap  *self);
void             _msgpack_rpc_timer_heap_clear    (MsgpackRpcTimerHeap  *self);
/* @timer's time is set, and it is in no heap. */
void             _msgpack_rpc_timer_heap_add      (MsgpackRpcTimerHeap  *self,
                                                   MsgpackRpcTimer      *timer);
void             _msgpack_rpc_timer_heap_remove   (MsgpackRpcTimerHeap  *self,
                                                   MsgpackRpcTimer      *timer);
/* Takes the first timer that is due, or returns NULL; @owner gets a reference on its owner. */
MsgpackRpcTimer *_msgpack_rpc_timer_heap_take_due (MsgpackRpcTimerHeap  *self,
                                                   gint64                now,
                                                   GObject             **owner);

static inline gboolean
_msgpack_rpc_timer_heap_is_empty (MsgpackRpcTimerHeap *self)
{
  return self->timers->len == 0;
}

/* When the first timer is due; G_MAXINT64: never. */
static inline gint64
_msgpack_rpc_timer_heap_get_time (MsgpackRpcTimerHeap *self)
{
  MsgpackRpcTimer *first;

  if (_msgpack_rpc_timer_heap_is_empty (self))
    return G_MAXINT64;

  first = g_ptr_array_index (self->timers, 0);
  return first->time;
}

G_END_DECLS
