/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-method-private.h"

/* Where a dispatcher's handlers run, and for how long. */

MsgpackRpcStop *
_msgpack_rpc_stop_copy (const MsgpackRpcStop *self)
{
  MsgpackRpcStop *copy = g_new (MsgpackRpcStop, 1);

  copy->dispatcher = g_object_ref (self->dispatcher);
  copy->previous = self->previous != NULL ? _msgpack_rpc_stop_copy (self->previous) : NULL;
  return copy;
}

void
_msgpack_rpc_stop_free (MsgpackRpcStop *self)
{
  if (self->previous != NULL)
    _msgpack_rpc_stop_free ((MsgpackRpcStop *) self->previous);
  g_object_unref (self->dispatcher);
  g_free (self);
}

/* @time: in microseconds. */
static void
tell_if_slow (MsgpackRpcDispatcher  *self,
              MsgpackRpcMethodEntry *entry,
              gint64                 time)
{
  int limit = g_atomic_int_get (&self->slow_handler_time);
  guint milliseconds = (guint) MIN (time / 1000, G_MAXUINT);

  if (limit < 0 || time <= limit * G_GINT64_CONSTANT (1000))
    return;

  g_warning ("The handler of “%s” has held its context for %u ms",
             msgpack_rpc_method_get_name (entry->method), milliseconds);
  _msgpack_rpc_dispatcher_tell_slow (self, entry->method, milliseconds);
}

void
_msgpack_rpc_dispatcher_run (const MsgpackRpcStop  *stop,
                             MsgpackRpcMethodEntry *entry,
                             MsgpackRpcInvocation  *invocation,
                             gboolean               holds_context)
{
  if (_msgpack_rpc_dispatcher_authorize (stop, invocation))
    {
      MsgpackRpcMethodCounts *counts = _msgpack_rpc_method_get_counts (entry->method);
      gint64 start = g_get_monotonic_time ();
      gint64 time;

      _msgpack_rpc_method_entry_run (entry, invocation);
      time = g_get_monotonic_time () - start;
      g_atomic_pointer_add (&counts->total_time, (gssize) time);
      if (holds_context)
        tell_if_slow (stop->dispatcher, entry, time);
    }
  else if (_msgpack_rpc_invocation_is_notification (invocation))
    {
      _msgpack_rpc_invocation_count_error (invocation);
    }
  _msgpack_rpc_invocation_release (invocation);
}

gboolean
_msgpack_rpc_dispatcher_run_elsewhere (const MsgpackRpcStop  *stop,
                                       MsgpackRpcMethodEntry *entry,
                                       MsgpackRpcInvocation  *invocation)
{
  MsgpackRpcMethodFlags flags = msgpack_rpc_method_get_flags (entry->method);
  gboolean in_thread = (flags & MSGPACK_RPC_METHOD_FLAGS_IN_THREAD) != 0;
  MsgpackRpcReactor *here = _msgpack_rpc_invocation_ref_reactor (invocation);
  MsgpackRpcReactor *place;
  gboolean is_here;
  int priority;

  /* If it was answered before, there is nothing to run. */
  if (here == NULL)
    return !_msgpack_rpc_invocation_is_local (invocation);

  place = _msgpack_rpc_method_get_place (entry->method, &priority);
  if (place == NULL)
    place = _msgpack_rpc_reactor_ref (here);
  /* A notification has its place among what its connection delivers. */
  is_here = !in_thread && place == here &&
            (priority == 0 || _msgpack_rpc_invocation_is_notification (invocation));
  if (!is_here)
    _msgpack_rpc_runners_push (stop->dispatcher->runners, in_thread ? NULL : place, stop, entry,
                               invocation, priority);

  _msgpack_rpc_reactor_unref (place);
  _msgpack_rpc_reactor_unref (here);
  return !is_here;
}

/**
 * msgpack_rpc_dispatcher_get_n_threads: (get-property n-threads)
 * @self: a dispatcher
 *
 * Gets how many threads there may be for handlers.
 *
 * Returns: the number, or 0 for as many as the machine has processors
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_get_n_threads (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return _msgpack_rpc_runners_get_n_threads (self->runners);
}

/**
 * msgpack_rpc_dispatcher_set_n_threads: (set-property n-threads)
 * @self: a dispatcher
 * @n_threads: the number, or 0 for as many as the machine has processors
 *
 * Sets how many threads there may be for handlers; see [property@Dispatcher:n-threads].
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_n_threads (MsgpackRpcDispatcher *self,
                                      guint                 n_threads)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));
  g_return_if_fail (n_threads <= G_MAXINT);

  if (_msgpack_rpc_runners_set_n_threads (self->runners, n_threads))
    g_object_notify (G_OBJECT (self), "n-threads");
}

/**
 * msgpack_rpc_dispatcher_get_slow_handler_time: (get-property slow-handler-time)
 * @self: a dispatcher
 *
 * Gets how long a handler may hold the context that it runs in.
 *
 * Returns: the time in milliseconds, or -1 for any time
 *
 * Since: 1.0
 */
int
msgpack_rpc_dispatcher_get_slow_handler_time (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), -1);

  return g_atomic_int_get (&self->slow_handler_time);
}

/**
 * msgpack_rpc_dispatcher_set_slow_handler_time: (set-property slow-handler-time)
 * @self: a dispatcher
 * @slow_handler_time: the time in milliseconds, or a negative number for any time
 *
 * Sets from when on it is told that a handler holds the context that it runs in for too long; see
 * [property@Dispatcher:slow-handler-time].
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_slow_handler_time (MsgpackRpcDispatcher *self,
                                              int                   slow_handler_time)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  slow_handler_time = MAX (slow_handler_time, -1);
  if (g_atomic_int_exchange (&self->slow_handler_time, slow_handler_time) != slow_handler_time)
    g_object_notify (G_OBJECT (self), "slow-handler-time");
}
