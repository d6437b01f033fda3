/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

/* Held while what comes next is changed, of any dispatcher: two threads could else make a circle
 * together that neither of them would make. Taken before a dispatcher's lock. */
static GMutex chain_lock;

MsgpackRpcDispatcher *
_msgpack_rpc_dispatcher_ref_next_unlocked (MsgpackRpcDispatcher *self)
{
  return self->next != NULL ? g_object_ref (self->next) : NULL;
}

/* Whether a request that @self passes on would come to @other. */
static gboolean
leads_to (MsgpackRpcDispatcher *self,
          MsgpackRpcDispatcher *other)
{
  /* With the lock of the chain held, whatever is in it stays there, and alive. */
  while (self != NULL && self != other)
    {
      g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

      self = self->next;
    }

  return self != NULL;
}

/**
 * msgpack_rpc_dispatcher_get_next: (get-property next)
 * @self: a dispatcher
 *
 * Gets who answers what this dispatcher has no method for.
 *
 * Returns: (transfer full) (nullable): the next dispatcher, or `NULL`
 *
 * Since: 1.0
 */
MsgpackRpcDispatcher *
msgpack_rpc_dispatcher_get_next (MsgpackRpcDispatcher *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return _msgpack_rpc_dispatcher_ref_next_unlocked (self);
}

/**
 * msgpack_rpc_dispatcher_set_next: (set-property next)
 * @self: a dispatcher
 * @next: (nullable): another dispatcher, or `NULL`
 *
 * Sets who answers what this dispatcher has no method for; see [property@Dispatcher:next].
 *
 * Calls that have begun end where they are.
 *
 * Returns: `TRUE` if it was set, `FALSE` if requests could then go round in a circle, so that it was
 *   not
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_set_next (MsgpackRpcDispatcher *self,
                                 MsgpackRpcDispatcher *next)
{
  g_autoptr(MsgpackRpcDispatcher) old = NULL;
  gboolean is_circle;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);
  g_return_val_if_fail (next == NULL || MSGPACK_RPC_IS_DISPATCHER (next), FALSE);

  g_mutex_lock (&chain_lock);
  is_circle = leads_to (next, self);
  if (!is_circle)
    {
      g_mutex_lock (&self->lock);
      old = self->next;
      self->next = next != NULL ? g_object_ref (next) : NULL;
      g_mutex_unlock (&self->lock);
    }
  g_mutex_unlock (&chain_lock);

  if (is_circle)
    return FALSE;

  if (old != next)
    g_object_notify (G_OBJECT (self), "next");
  return TRUE;
}
