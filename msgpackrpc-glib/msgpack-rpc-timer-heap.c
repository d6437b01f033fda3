/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-timer-heap-private.h"

/* Positions count from 1. */
static MsgpackRpcTimer *
heap_at (MsgpackRpcTimerHeap *self,
         guint                position)
{
  return g_ptr_array_index (self->timers, position - 1);
}

static void
heap_put (MsgpackRpcTimerHeap *self,
          MsgpackRpcTimer     *timer,
          guint                position)
{
  g_ptr_array_index (self->timers, position - 1) = timer;
  timer->position = position;
}

static void
heap_sift (MsgpackRpcTimerHeap *self,
           MsgpackRpcTimer     *timer,
           guint                position)
{
  guint length = self->timers->len;

  while (position > 1 && heap_at (self, position / 2)->time > timer->time)
    {
      heap_put (self, heap_at (self, position / 2), position);
      position /= 2;
    }

  for (guint child = 2 * position; child <= length; child = 2 * position)
    {
      if (child < length && heap_at (self, child + 1)->time < heap_at (self, child)->time)
        child++;
      if (heap_at (self, child)->time >= timer->time)
        break;
      heap_put (self, heap_at (self, child), position);
      position = child;
    }

  heap_put (self, timer, position);
}

void
_msgpack_rpc_timer_heap_init (MsgpackRpcTimerHeap *self)
{
  self->timers = g_ptr_array_new ();
}

void
_msgpack_rpc_timer_heap_clear (MsgpackRpcTimerHeap *self)
{
  g_clear_pointer (&self->timers, g_ptr_array_unref);
}

void
_msgpack_rpc_timer_heap_add (MsgpackRpcTimerHeap *self,
                             MsgpackRpcTimer     *timer)
{
  g_ptr_array_add (self->timers, timer);
  heap_sift (self, timer, self->timers->len);
}

void
_msgpack_rpc_timer_heap_remove (MsgpackRpcTimerHeap *self,
                                MsgpackRpcTimer     *timer)
{
  guint position = timer->position;
  MsgpackRpcTimer *tail = heap_at (self, self->timers->len);

  g_ptr_array_set_size (self->timers, (int) self->timers->len - 1);
  timer->position = 0;
  if (tail != timer)
    heap_sift (self, tail, position);
}

MsgpackRpcTimer *
_msgpack_rpc_timer_heap_take_due (MsgpackRpcTimerHeap  *self,
                                  gint64                now,
                                  GObject             **owner)
{
  MsgpackRpcTimer *timer;

  if (_msgpack_rpc_timer_heap_get_time (self) > now)
    return NULL;

  timer = heap_at (self, 1);
  _msgpack_rpc_timer_heap_remove (self, timer);
  /* The owner's dispose stops a weak timer under the lock, so it is still there. */
  *owner = timer->weak ? g_object_ref (timer->owner) : timer->owner;
  return timer;
}
