/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* In which order a peer gets its answers, if it wants one. Each request has its place from when it is
 * read until its answer is queued; the answer waits there for its turn.
 *
 * Who wants the last request answered first, like Neovim, waits for its answers one within the other, and
 * may look only at the innermost until it has gone back from there: it takes one that follows at once
 * for a mistake. So behind each answer it gets a moment for that. */

/* How long, in microseconds, unless it shows by a reply or a request that it is done. Notifications show
 * nothing: some send them at any time. */
#define PAUSE 100000

struct _MsgpackRpcPlace
{
  GList link;                /* in the queue */
  gboolean is_done;          /* answered; or the application does so itself: then there is no answer */
  gboolean is_counted;       /* among the requests in flight */
  MsgpackRpcPacked *answer;  /* owned, nullable */
  GVariant *msgid;           /* owned, nullable; of one that is done */
  gsize size;                /* what it keeps while it is done */
};

struct _MsgpackRpcOrder
{
  GQueue places;             /* of MsgpackRpcPlace, owned, in the order of the requests */
  gsize size;                /* of all answers that wait */
  gboolean is_sending;       /* a thread sends what has its turn, and looks again when it has */
  gboolean is_paused;        /* the peer got an answer a moment ago */
  gboolean is_closing;       /* there is no time for that any more */
  GQueue flushes;            /* of MsgpackRpcCall, owned: those that wait until it is over */
};

static void
place_free (MsgpackRpcPlace *place)
{
  g_clear_pointer (&place->answer, _msgpack_rpc_packed_unref);
  g_clear_pointer (&place->msgid, g_variant_unref);
  g_free (place);
}

void
_msgpack_rpc_order_free (MsgpackRpcOrder *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->places)) != NULL)
    place_free (link->data);
  g_queue_clear_full (&self->flushes, g_object_unref);
  g_free (self);
}

MsgpackRpcPlace *
_msgpack_rpc_connection_take_place (MsgpackRpcConnection *self,
                                    gboolean              is_counted)
{
  MsgpackRpcPlace *place = NULL;
  g_autoptr(GMutexLocker) locker = NULL;

  if (G_LIKELY (!_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_IN_ORDER)))
    return NULL;

  place = g_new0 (MsgpackRpcPlace, 1);
  place->link.data = place;
  place->is_counted = is_counted;
  locker = g_mutex_locker_new (&self->lock);
  if (self->order == NULL)
    self->order = g_new0 (MsgpackRpcOrder, 1);
  self->order->is_paused = FALSE;
  g_queue_push_tail_link (&self->order->places, &place->link);
  return place;
}

/* What cannot be sent any more waits for nothing. */
static int
get_wanted_order (MsgpackRpcConnection *self)
{
  if (_msgpack_rpc_link_has_ended (self->link))
    return MSGPACK_RPC_REPLY_ORDER_ANY;

  return _msgpack_rpc_settings_get (self->settings, MSGPACK_RPC_SETTING_REPLY_ORDER);
}

/* The next one whose turn it is, out of the queue; or NULL. The lock is held. */
static MsgpackRpcPlace *
pop_next (MsgpackRpcConnection *self)
{
  MsgpackRpcOrder *order = self->order;
  int wanted = get_wanted_order (self);
  GList *link;

  if (wanted == MSGPACK_RPC_REPLY_ORDER_REVERSE && order->is_paused)
    return NULL;
  link = wanted == MSGPACK_RPC_REPLY_ORDER_REVERSE ? order->places.tail : order->places.head;

  /* It may have been changed meanwhile. */
  while (wanted == MSGPACK_RPC_REPLY_ORDER_ANY && link != NULL &&
         !((MsgpackRpcPlace *) link->data)->is_done)
    link = link->next;
  if (link == NULL || !((MsgpackRpcPlace *) link->data)->is_done)
    return NULL;

  g_queue_unlink (&order->places, link);
  order->size -= ((MsgpackRpcPlace *) link->data)->size;
  return link->data;
}

static gboolean
send_place (MsgpackRpcConnection *self,
            MsgpackRpcPlace      *place)
{
  gboolean sent = TRUE;

  if (place->answer != NULL)
    sent = _msgpack_rpc_connection_send_packed_answer (self, g_steal_pointer (&place->answer));
  _msgpack_rpc_connection_end_waiting (self, place->size);
  if (place->is_counted)
    _msgpack_rpc_connection_request_answered (self);
  return sent;
}

/* Something was sent, and @rest was the last one then: one that has come since may be answered at once.
 * The lock is held. */
static void
pause_sending (MsgpackRpcConnection *self,
               GList                *rest)
{
  MsgpackRpcOrder *order = self->order;

  if (rest == NULL || rest != order->places.tail || order->is_closing ||
      _msgpack_rpc_settings_get (self->settings, MSGPACK_RPC_SETTING_REPLY_ORDER) !=
        MSGPACK_RPC_REPLY_ORDER_REVERSE)
    return;

  order->is_paused = TRUE;
  _msgpack_rpc_link_call_at (self->link, g_get_monotonic_time () + PAUSE);
}

/* One that may go, as no answer waits for the end of the pause alone, out of the queue; or NULL. The
 * lock is held. */
static MsgpackRpcCall *
pop_flush (MsgpackRpcConnection *self)
{
  MsgpackRpcOrder *order = self->order;
  GList *last = order->places.tail;

  if (order->is_paused && last != NULL && ((MsgpackRpcPlace *) last->data)->is_done &&
      get_wanted_order (self) == MSGPACK_RPC_REPLY_ORDER_REVERSE)
    return NULL;

  return g_queue_pop_head (&order->flushes);
}

/* The lock is held, and given up meanwhile. */
static gboolean
send_flush (MsgpackRpcConnection *self)
{
  MsgpackRpcCall *call = pop_flush (self);

  if (G_LIKELY (call == NULL))
    return FALSE;

  g_mutex_unlock (&self->lock);
  _msgpack_rpc_connection_send_flush (self, call);
  g_object_unref (call);
  g_mutex_lock (&self->lock);
  return TRUE;
}

/* One thread at a time sends, so that the answers are queued in their order. Returns FALSE if @own was
 * one of them, and could not be sent. The lock is held, and given up meanwhile. */
static gboolean
send_in_turn (MsgpackRpcConnection *self,
              MsgpackRpcPlace      *own)
{
  gboolean own_sent = TRUE;
  MsgpackRpcPlace *place;

  if (self->order->is_sending)
    return TRUE;

  self->order->is_sending = TRUE;
  while ((place = pop_next (self)) != NULL || send_flush (self))
    {
      GList *rest = self->order->places.tail;
      gboolean sent;

      if (place == NULL)
        continue;

      g_mutex_unlock (&self->lock);
      sent = send_place (self, place);
      if (place == own)
        own_sent = sent;
      place_free (place);
      g_mutex_lock (&self->lock);
      pause_sending (self, rest);
    }

  self->order->is_sending = FALSE;
  return own_sent;
}

/* No peer can have more kept for it than may wait to be written. */
static gboolean
check_room (MsgpackRpcConnection *self,
            MsgpackRpcPlace      *place)
{
  g_autoptr(GError) error = NULL;
  gsize used;

  g_mutex_lock (&self->lock);
  used = self->order->size;
  g_mutex_unlock (&self->lock);

  if (_msgpack_rpc_link_check_room (self->link, used, place->size, &error))
    return TRUE;

  g_clear_pointer (&place->answer, _msgpack_rpc_packed_unref);
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
  return FALSE;
}

gboolean
_msgpack_rpc_connection_fill_place (MsgpackRpcConnection  *self,
                                    MsgpackRpcPlace       *place,
                                    const MsgpackRpcPiece *msgid,
                                    MsgpackRpcPacked      *answer,
                                    GList                 *tracked)
{
  gboolean sent;

  /* Nobody else looks at it before it is done. */
  place->answer = answer;
  place->size = (answer != NULL ? answer->size : 0) + MSGPACK_RPC_MESSAGE_COST;
  place->msgid = msgid != NULL ? _msgpack_rpc_piece_copy (msgid) : NULL;
  sent = check_room (self, place);
  _msgpack_rpc_connection_begin_waiting (self, place->size);

  g_mutex_lock (&self->lock);
  place->is_done = TRUE;
  self->order->size += place->size;
  if (tracked != NULL)
    _msgpack_rpc_connection_untrack (self, tracked);
  sent = send_in_turn (self, place) && sent;
  g_mutex_unlock (&self->lock);

  /* What waits for its turn causes no input or output, which is when it is looked at else. */
  _msgpack_rpc_link_enforce_budget (self->link);
  return sent;
}

void
_msgpack_rpc_connection_flush_in_order (MsgpackRpcConnection *self,
                                        MsgpackRpcCall       *call)
{
  g_mutex_lock (&self->lock);
  if (self->order == NULL)
    {
      g_mutex_unlock (&self->lock);
      _msgpack_rpc_connection_send_flush (self, call);
      return;
    }

  g_queue_push_tail (&self->order->flushes, g_object_ref (call));
  send_in_turn (self, NULL);
  g_mutex_unlock (&self->lock);
}

void
_msgpack_rpc_connection_update_order (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->order != NULL)
    send_in_turn (self, NULL);
}

void
_msgpack_rpc_connection_end_pause (gpointer owner)
{
  MsgpackRpcConnection *self = owner;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->order == NULL)
    return;

  self->order->is_paused = FALSE;
  send_in_turn (self, NULL);
}

void
_msgpack_rpc_connection_end_pauses (MsgpackRpcConnection *self)
{
  g_mutex_lock (&self->lock);
  if (self->order != NULL)
    self->order->is_closing = TRUE;
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_connection_end_pause (self);
}

void
_msgpack_rpc_connection_list_held_answers (MsgpackRpcConnection *self,
                                           GVariantBuilder      *builder)
{
  for (GList *item = self->order != NULL ? self->order->places.head : NULL; item != NULL;
       item = item->next)
    {
      MsgpackRpcPlace *place = item->data;

      if (place->is_done && place->msgid != NULL)
        g_variant_builder_add (builder, "v", place->msgid);
    }
}
