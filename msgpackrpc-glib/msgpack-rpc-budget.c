/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-budget-private.h"

#include "msgpack-rpc-error.h"

/* Shared by reference counting. */
struct _MsgpackRpcBudget
{
  gsize limit;       /* atomic */
  gsize used;        /* atomic */
  int is_enforcing;  /* atomic; ending a link comes back to here */

  GMutex lock;       /* guards what follows; no other is taken while it is held */
  GPtrArray *links;  /* not owned */
};

MsgpackRpcBudget *
_msgpack_rpc_budget_new (guint64 limit)
{
  MsgpackRpcBudget *self = g_atomic_rc_box_new0 (MsgpackRpcBudget);

  self->limit = (gsize) MIN (limit, G_MAXSIZE);
  g_mutex_init (&self->lock);
  self->links = g_ptr_array_new ();
  return self;
}

MsgpackRpcBudget *
_msgpack_rpc_budget_ref (MsgpackRpcBudget *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  MsgpackRpcBudget *self = data;

  g_assert (self->links->len == 0);
  g_assert (self->used == 0);
  g_ptr_array_unref (self->links);
  g_mutex_clear (&self->lock);
}

void
_msgpack_rpc_budget_unref (MsgpackRpcBudget *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

guint64
_msgpack_rpc_budget_get_limit (MsgpackRpcBudget *self)
{
  return (gsize) g_atomic_pointer_get (&self->limit);
}

gboolean
_msgpack_rpc_budget_set_limit (MsgpackRpcBudget *self,
                               guint64           limit)
{
  gsize old = (gsize) g_atomic_pointer_get (&self->limit);
  gsize new = (gsize) MIN (limit, G_MAXSIZE);

  g_atomic_pointer_set (&self->limit, new);
  return old != new;
}

guint64
_msgpack_rpc_budget_get_used (MsgpackRpcBudget *self)
{
  return (gsize) g_atomic_pointer_get (&self->used);
}

void
_msgpack_rpc_budget_join (MsgpackRpcBudget *self,
                          MsgpackRpcLink   *link)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_link_set_budget_position (link, self->links->len);
  g_ptr_array_add (self->links, link);
}

void
_msgpack_rpc_budget_leave (MsgpackRpcBudget *self,
                           MsgpackRpcLink   *link)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint position = _msgpack_rpc_link_get_budget_position (link);

  /* Not by looking for it: there may be thousands, and all may leave at once. */
  g_assert (g_ptr_array_index (self->links, position) == link);
  g_ptr_array_remove_index_fast (self->links, position);
  if (position < self->links->len)
    _msgpack_rpc_link_set_budget_position (g_ptr_array_index (self->links, position), position);
}

void
_msgpack_rpc_budget_charge (MsgpackRpcBudget *self,
                            gsize            *charged,
                            gsize             now)
{
  gsize before = (gsize) g_atomic_pointer_get (charged);

  while (!g_atomic_pointer_compare_and_exchange (charged, before, now))
    before = (gsize) g_atomic_pointer_get (charged);
  g_atomic_pointer_add (&self->used, (gssize) (now - before));
}

/* The link that holds most, if all hold too much: a reference. What links hold that have left will
 * be gone by itself. */
static MsgpackRpcLink *
find_largest (MsgpackRpcBudget *self,
              gsize            *all,
              gsize            *most)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcLink *largest = NULL;

  *all = 0;
  *most = 0;
  for (guint i = 0; i < self->links->len; i++)
    {
      MsgpackRpcLink *link = g_ptr_array_index (self->links, i);
      gsize charged = _msgpack_rpc_link_get_charged (link);

      *all += charged;
      if (charged > *most)
        {
          *most = charged;
          largest = link;
        }
    }

  if (*all <= _msgpack_rpc_budget_get_limit (self))
    return NULL;
  return g_object_ref (largest);
}

static gboolean
is_exceeded (MsgpackRpcBudget *self)
{
  return _msgpack_rpc_budget_get_used (self) > _msgpack_rpc_budget_get_limit (self);
}

void
_msgpack_rpc_budget_enforce (MsgpackRpcBudget *self)
{
  MsgpackRpcLink *link;
  gsize all, most;

  if (!is_exceeded (self) || !g_atomic_int_compare_and_exchange (&self->is_enforcing, FALSE, TRUE))
    return;

  while ((link = find_largest (self, &all, &most)) != NULL)
    {
      g_autoptr(GError) error = NULL;

      error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                           "The connections of the server hold %" G_GSIZE_FORMAT " bytes, which "
                           "exceeds the limit (max-buffered-bytes is %" G_GUINT64_FORMAT "); this "
                           "one holds most, %" G_GSIZE_FORMAT,
                           all, _msgpack_rpc_budget_get_limit (self), most);
      _msgpack_rpc_link_fail (link, error);
      g_object_unref (link);
    }

  g_atomic_int_set (&self->is_enforcing, FALSE);
}
