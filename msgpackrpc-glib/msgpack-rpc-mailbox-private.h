/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* What is posted to a context, in the order in which it is delivered. Guarded by the reactor's
 * lock. */
typedef struct
{
  MsgpackRpcItem *first;
  MsgpackRpcItem *last;
} MsgpackRpcMailbox;

/* For _msgpack_rpc_reactor_post_item (): see there what _post () does with these. */
MsgpackRpcItem *_msgpack_rpc_item_new  (gconstpointer       lane,
                                        gpointer            owner,
                                        gboolean            keep_owner,
                                        MsgpackRpcPostFunc  func,
                                        gpointer            data,
                                        GDestroyNotify      destroy);
void            _msgpack_rpc_item_free (MsgpackRpcItem     *self);

/* Moves the items of a lane to the end of another mailbox, in order. */
void            _msgpack_rpc_mailbox_move_lane  (MsgpackRpcMailbox *self,
                                                 MsgpackRpcMailbox *to,
                                                 gconstpointer      lane);
/* The same for those that hold no reference on @owner. Returns how many of all it has looked at. */
guint           _msgpack_rpc_mailbox_move_owner (MsgpackRpcMailbox *self,
                                                 MsgpackRpcMailbox *to,
                                                 gconstpointer      owner);
/* Takes the first item of a lane; it holds a reference on its owner then. */
MsgpackRpcItem *_msgpack_rpc_mailbox_take_of    (MsgpackRpcMailbox *self,
                                                 gconstpointer      lane);
/* The same of any lane that @lanes is a set of. */
MsgpackRpcItem *_msgpack_rpc_mailbox_take_of_lanes (MsgpackRpcMailbox *self,
                                                    GHashTable        *lanes);

/* How many items of each owner wait, in all mailboxes, that hold no reference on it: a table of owner →
 * number. The item is about to wait (1), or does no more (−1). */
void            _msgpack_rpc_owners_change      (GHashTable        *owners,
                                                 MsgpackRpcItem    *item,
                                                 int                change);
void            _msgpack_rpc_owners_add_mailbox (GHashTable        *owners,
                                                 MsgpackRpcMailbox *mailbox);

static inline void
_msgpack_rpc_mailbox_append (MsgpackRpcMailbox *self,
                             MsgpackRpcItem    *item)
{
  item->next = NULL;
  if (self->first == NULL)
    self->first = item;
  else
    self->last->next = item;
  self->last = item;
}

/* The first item of all, likewise. */
static inline MsgpackRpcItem *
_msgpack_rpc_mailbox_take (MsgpackRpcMailbox *self)
{
  MsgpackRpcItem *item = self->first;

  if (item == NULL)
    return NULL;

  self->first = item->next;
  /* The owner's dispose forgets its items under the lock, so it is still there. */
  if (item->owner != NULL && !item->keep_owner)
    g_object_ref (item->owner);

  return item;
}

G_END_DECLS
