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

static void
mailbox_move (MsgpackRpcMailbox  *self,
              MsgpackRpcMailbox  *to,
              gboolean          (*matches) (MsgpackRpcItem *, gconstpointer),
              gconstpointer       data)
{
  MsgpackRpcMailbox kept = { NULL, NULL };
  MsgpackRpcItem *next;

  for (MsgpackRpcItem *item = self->first; item != NULL; item = next)
    {
      next = item->next;
      _msgpack_rpc_mailbox_append (matches (item, data) ? to : &kept, item);
    }

  *self = kept;
}

void
_msgpack_rpc_mailbox_move_lane (MsgpackRpcMailbox *self,
                                MsgpackRpcMailbox *to,
                                gconstpointer      lane)
{
  mailbox_move (self, to, is_of_lane, lane);
}

void
_msgpack_rpc_mailbox_move_owner (MsgpackRpcMailbox *self,
                                 MsgpackRpcMailbox *to,
                                 gconstpointer      owner)
{
  mailbox_move (self, to, is_unheld, owner);
}

MsgpackRpcItem *
_msgpack_rpc_mailbox_take_of (MsgpackRpcMailbox *self,
                              gconstpointer      lane)
{
  MsgpackRpcMailbox others = { NULL, NULL };
  MsgpackRpcItem *item;

  while (self->first != NULL && self->first->lane != lane)
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
