/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-mailbox-private.h"

MsgpackRpcItem *
_msgpack_rpc_item_new (gconstpointer       lane,
                       gpointer            owner,
                       gboolean            keep_owner,
                       MsgpackRpcPostFunc  func,
                       gpointer            data,
                       GDestroyNotify      destroy)
{
  MsgpackRpcItem *self = g_new (MsgpackRpcItem, 1);

  *self = (MsgpackRpcItem) {
    .lane = lane,
    .owner = owner,
    .keep_owner = keep_owner,
    .func = func,
    .data = data,
    .destroy = destroy,
  };
  return self;
}

void
_msgpack_rpc_item_free (MsgpackRpcItem *self)
{
  gpointer owner = self->owner;
  gboolean is_embedded = self->is_embedded;

  if (self->destroy != NULL)
    self->destroy (self->data);
  if (!is_embedded)
    g_free (self);
  if (owner != NULL)
    g_object_unref (owner);
}

static gboolean
is_of_lane (MsgpackRpcItem *item,
            gconstpointer   lane)
{
  return item->lane == lane;
}

static gboolean
is_unheld (MsgpackRpcItem *item,
           gconstpointer   owner)
{
  return item->owner == owner && !item->keep_owner;
}

static guint
mailbox_move (MsgpackRpcMailbox  *self,
              MsgpackRpcMailbox  *to,
              gboolean          (*matches) (MsgpackRpcItem *, gconstpointer),
              gconstpointer       data)
{
  MsgpackRpcMailbox kept = { NULL, NULL };
  MsgpackRpcItem *next;
  guint n_seen = 0;

  for (MsgpackRpcItem *item = self->first; item != NULL; item = next)
    {
      next = item->next;
      _msgpack_rpc_mailbox_append (matches (item, data) ? to : &kept, item);
      n_seen++;
    }

  *self = kept;
  return n_seen;
}

void
_msgpack_rpc_mailbox_move_lane (MsgpackRpcMailbox *self,
                                MsgpackRpcMailbox *to,
                                gconstpointer      lane)
{
  mailbox_move (self, to, is_of_lane, lane);
}

guint
_msgpack_rpc_mailbox_move_owner (MsgpackRpcMailbox *self,
                                 MsgpackRpcMailbox *to,
                                 gconstpointer      owner)
{
  return mailbox_move (self, to, is_unheld, owner);
}

/* ---- how many items of each owner wait ---- */

void
_msgpack_rpc_owners_change (GHashTable     *owners,
                            MsgpackRpcItem *item,
                            int             change)
{
  int n;

  if (item->owner == NULL || item->keep_owner)
    return;

  n = GPOINTER_TO_INT (g_hash_table_lookup (owners, item->owner)) + change;
  if (n > 0)
    g_hash_table_insert (owners, item->owner, GINT_TO_POINTER (n));
  else
    g_hash_table_remove (owners, item->owner);
}

void
_msgpack_rpc_owners_add_mailbox (GHashTable        *owners,
                                 MsgpackRpcMailbox *mailbox)
{
  for (MsgpackRpcItem *item = mailbox->first; item != NULL; item = item->next)
    _msgpack_rpc_owners_change (owners, item, 1);
}

static MsgpackRpcItem *
mailbox_take (MsgpackRpcMailbox  *self,
              gboolean          (*matches) (MsgpackRpcItem *, gconstpointer),
              gconstpointer       data)
{
  MsgpackRpcMailbox others = { NULL, NULL };
  MsgpackRpcItem *item;

  while (self->first != NULL && !matches (self->first, data))
    {
      item = self->first;
      self->first = item->next;
      _msgpack_rpc_mailbox_append (&others, item);
    }

  item = _msgpack_rpc_mailbox_take (self);
  if (others.first != NULL)
    {
      others.last->next = self->first;
      if (self->first == NULL)
        self->last = others.last;
      self->first = others.first;
    }

  return item;
}

MsgpackRpcItem *
_msgpack_rpc_mailbox_take_of (MsgpackRpcMailbox *self,
                              gconstpointer      lane)
{
  return mailbox_take (self, is_of_lane, lane);
}

static gboolean
is_of_lanes (MsgpackRpcItem *item,
             gconstpointer   lanes)
{
  return g_hash_table_contains ((GHashTable *) lanes, item->lane);
}

MsgpackRpcItem *
_msgpack_rpc_mailbox_take_of_lanes (MsgpackRpcMailbox *self,
                                    GHashTable        *lanes)
{
  return mailbox_take (self, is_of_lanes, lanes);
}
