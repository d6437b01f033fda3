/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-hold-private.h"

void
_msgpack_rpc_hold_init (MsgpackRpcHold *self)
{
  g_mutex_init (&self->lock);
}

/* The next item, if any. */
static MsgpackRpcItem *
pop_item (MsgpackRpcHold *self)
{
  MsgpackRpcItem *item = self->items.first;

  if (item != NULL)
    self->items.first = item->next;
  return item;
}

void
_msgpack_rpc_hold_clear (MsgpackRpcHold *self)
{
  MsgpackRpcItem *item;

  while ((item = pop_item (self)) != NULL)
    {
      /* It was not posted, and holds no reference. */
      item->owner = NULL;
      _msgpack_rpc_item_free (item);
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
_msgpack_rpc_hold_take (MsgpackRpcHold *self,
                        MsgpackRpcItem *item)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (!_msgpack_rpc_hold_is_on (self))
    return FALSE;

  /* Another thread may be posting what is here: this comes behind it. */
  locker = g_mutex_locker_new (&self->lock);
  if (!_msgpack_rpc_hold_is_on (self))
    return FALSE;

  _msgpack_rpc_mailbox_append (&self->items, item);
  return TRUE;
}

void
_msgpack_rpc_hold_release (MsgpackRpcHold    *self,
                           MsgpackRpcReactor *reactor)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcItem *item;

  while ((item = pop_item (self)) != NULL)
    _msgpack_rpc_reactor_post_item (reactor, item);
  g_atomic_int_set (&self->is_on, FALSE);
}
