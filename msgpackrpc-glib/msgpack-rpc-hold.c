/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-hold-private.h"

typedef struct
{
  MsgpackRpcPostFunc func;
  gpointer data;
  GDestroyNotify destroy; /* nullable */
} Item;

void
_msgpack_rpc_hold_init (MsgpackRpcHold *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->items);
}

void
_msgpack_rpc_hold_clear (MsgpackRpcHold *self)
{
  Item *item;

  while ((item = g_queue_pop_head (&self->items)) != NULL)
    {
      if (item->destroy != NULL)
        item->destroy (item->data);
      g_free (item);
    }
  g_mutex_clear (&self->lock);
}

void
_msgpack_rpc_hold_start (MsgpackRpcHold *self)
{
  g_atomic_int_set (&self->is_on, TRUE);
}

gboolean
_msgpack_rpc_hold_is_on (MsgpackRpcHold *self)
{
  return g_atomic_int_get (&self->is_on);
}

gboolean
_msgpack_rpc_hold_take (MsgpackRpcHold     *self,
                        MsgpackRpcPostFunc  func,
                        gpointer            data,
                        GDestroyNotify      destroy)
{
  g_autoptr(GMutexLocker) locker = NULL;
  Item *item;

  if (!_msgpack_rpc_hold_is_on (self))
    return FALSE;

  /* Another thread may be posting what is here: this comes behind it. */
  locker = g_mutex_locker_new (&self->lock);
  if (!_msgpack_rpc_hold_is_on (self))
    return FALSE;

  item = g_new0 (Item, 1);
  item->func = func;
  item->data = data;
  item->destroy = destroy;
  g_queue_push_tail (&self->items, item);
  return TRUE;
}

void
_msgpack_rpc_hold_release (MsgpackRpcHold    *self,
                           MsgpackRpcReactor *reactor,
                           gconstpointer      lane,
                           gpointer           owner)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Item *item;

  while ((item = g_queue_pop_head (&self->items)) != NULL)
    {
      _msgpack_rpc_reactor_post (reactor, lane, owner, FALSE, item->func, item->data,
                                 item->destroy);
      g_free (item);
    }
  g_atomic_int_set (&self->is_on, FALSE);
}
