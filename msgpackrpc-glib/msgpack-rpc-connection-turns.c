/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <glib/gi18n-lib.h>

/* Peers that handle one message at a time get one call at a time: the others wait for their turn. They
 * are in the table all the time, so that they end as any other. */

typedef struct
{
  GList link;
  MsgpackRpcCall *call;       /* owned */
  MsgpackRpcPacked *packed;   /* owned */
  guint32 msgid;
} Turn;

struct _MsgpackRpcTurns
{
  GQueue waiting;             /* of Turn, owned, in order */
  gsize size;                 /* of their messages */
  guint32 current;            /* the request that the peer has, or is about to get; 0: none */
  GThread *handler_thread;    /* in which a request of the peer is being handled, or NULL */
};

/* Atomic; of how many connections handler threads are known. */
static int n_handlers;

static void
turn_free (Turn *turn)
{
  g_object_unref (turn->call);
  _msgpack_rpc_packed_unref (turn->packed);
  g_free (turn);
}

void
_msgpack_rpc_turns_free (MsgpackRpcTurns *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->waiting)) != NULL)
    turn_free (link->data);
  g_free (self);
}

/* The lock is held. */
static MsgpackRpcTurns *
ensure_turns (MsgpackRpcConnection *self)
{
  if (self->turns == NULL)
    g_atomic_pointer_set (&self->turns, g_new0 (MsgpackRpcTurns, 1));
  return self->turns;
}

static GList *
find_turn (MsgpackRpcTurns *turns,
           MsgpackRpcCall  *call)
{
  for (GList *item = turns->waiting.head; item != NULL; item = item->next)
    if (((Turn *) item->data)->call == call)
      return item;

  return NULL;
}

/* The lock is held. The turn is the caller's to free, with no lock held. */
static Turn *
take_turn (MsgpackRpcTurns *turns,
           GList           *link)
{
  Turn *turn = link->data;

  g_queue_unlink (&turns->waiting, link);
  turns->size -= turn->packed->size + MSGPACK_RPC_LINK_MESSAGE_COST;
  return turn;
}

gboolean
_msgpack_rpc_connection_await_turn (MsgpackRpcConnection  *self,
                                    MsgpackRpcCall        *call,
                                    guint32                msgid,
                                    MsgpackRpcPacked      *packed,
                                    GError               **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcTurns *turns = ensure_turns (self);
  gsize size = packed->size + MSGPACK_RPC_LINK_MESSAGE_COST;
  Turn *turn;

  if (turns->current == 0 && turns->waiting.head == NULL)
    {
      turns->current = msgid;
      return FALSE;
    }

  if (!_msgpack_rpc_link_check_room (self->link, turns->size, size, error))
    return FALSE;

  turn = g_new0 (Turn, 1);
  turn->link.data = turn;
  turn->call = g_object_ref (call);
  turn->packed = _msgpack_rpc_packed_ref (packed);
  turn->msgid = msgid;
  turns->size += size;
  g_queue_push_tail_link (&turns->waiting, &turn->link);
  return TRUE;
}

/* NULL if one is not to be sent yet. From here on it is the current one. */
static Turn *
take_next (MsgpackRpcConnection *self)
{
  MsgpackRpcTurns *turns = self->turns;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Turn *turn;

  if (turns->current != 0 || turns->waiting.head == NULL)
    return NULL;

  turn = take_turn (turns, turns->waiting.head);
  turns->current = turn->msgid;
  return turn;
}

static void
leave_turn (MsgpackRpcConnection *self,
            gint64                msgid)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->turns->current == msgid)
    self->turns->current = 0;
}

/* FALSE if it was not sent, and the next one may be. */
static gboolean
send_turn (MsgpackRpcConnection *self,
           Turn                 *turn)
{
  g_autoptr(GError) error = NULL;

  if (!_msgpack_rpc_call_has_ended (turn->call))
    {
      if (_msgpack_rpc_link_send (self->link, turn->packed, turn->call, FALSE, &error))
        return TRUE;
      /* It ends with the connection, or goes on to the next one, as do those behind it. */
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
        return TRUE;
      _msgpack_rpc_call_fail (turn->call, error);
    }

  leave_turn (self, turn->msgid);
  return FALSE;
}

void
_msgpack_rpc_connection_next_turn (MsgpackRpcConnection *self)
{
  gboolean goes_on = TRUE;
  Turn *turn;

  while (goes_on && (turn = take_next (self)) != NULL)
    {
      goes_on = !send_turn (self, turn);
      turn_free (turn);
    }
}

void
_msgpack_rpc_connection_end_turn (MsgpackRpcConnection *self,
                                  gint64                msgid)
{
  leave_turn (self, msgid);
  _msgpack_rpc_connection_next_turn (self);
}

gboolean
_msgpack_rpc_connection_give_up_turn (MsgpackRpcConnection *self,
                                      MsgpackRpcCall       *call,
                                      guint32               msgid,
                                      MsgpackRpcDelivery   *delivery)
{
  Turn *turn = NULL;
  gboolean is_over = FALSE;
  GList *link;

  g_mutex_lock (&self->lock);
  link = find_turn (self->turns, call);
  if (link != NULL)
    turn = take_turn (self->turns, link);
  else if (msgid != 0 && msgid == self->turns->current &&
           *delivery == MSGPACK_RPC_DELIVERY_NOT_SENT)
    {
      self->turns->current = 0;
      is_over = TRUE;
    }
  g_mutex_unlock (&self->lock);

  if (turn == NULL)
    return is_over;

  *delivery = MSGPACK_RPC_DELIVERY_NOT_SENT;
  turn_free (turn);
  return FALSE;
}

gboolean
_msgpack_rpc_connection_awaits_turn (MsgpackRpcConnection *self,
                                     MsgpackRpcCall       *call)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (g_atomic_pointer_get (&self->turns) == NULL)
    return FALSE;

  locker = g_mutex_locker_new (&self->lock);
  return find_turn (self->turns, call) != NULL;
}

/* ---- calls from within handlers ---- */

GThread *
_msgpack_rpc_connection_enter_handler (MsgpackRpcConnection *self,
                                       GThread              *thread)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcTurns *turns = ensure_turns (self);
  GThread *before = turns->handler_thread;

  g_atomic_int_add (&n_handlers, (thread != NULL) - (before != NULL));
  turns->handler_thread = thread;
  return before;
}

gboolean
_msgpack_rpc_connection_has_handlers_in_turn (void)
{
  return g_atomic_int_get (&n_handlers) > 0;
}

gboolean
_msgpack_rpc_connection_check_turn (MsgpackRpcConnection  *self,
                                    MsgpackRpcCall        *call,
                                    GError               **error)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (g_atomic_pointer_get (&self->turns) == NULL)
    return TRUE;

  locker = g_mutex_locker_new (&self->lock);
  if (self->turns->handler_thread != g_thread_self () || find_turn (self->turns, call) == NULL)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
               "Waiting for “%s” here would never end: the peer takes one call at a time (profile "
               "“serial”), has one, and waits for the answer to the request that is handled here",
               msgpack_rpc_call_get_method (call));
  return FALSE;
}

/* ---- for others ---- */

gboolean
_msgpack_rpc_connection_check_notification (MsgpackRpcConnection  *self,
                                            const char            *method,
                                            GError               **error)
{
  g_autofree char *quoted = NULL;

  if (G_LIKELY (!_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_SERIAL)))
    return TRUE;

  quoted = _msgpack_rpc_message_quote_method (method);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               _("“%s” was not sent: the peer takes no notifications (profile “serial”), but it can be "
                 "called"), quoted);
  return FALSE;
}

GVariant *
_msgpack_rpc_connection_end_turns (MsgpackRpcConnection *self,
                                   GVariant             *unsent)
{
  GQueue waiting = G_QUEUE_INIT;
  GVariantBuilder builder;
  GVariantIter iter;
  GVariant *message;
  GList *link;

  g_mutex_lock (&self->lock);
  while ((link = self->turns->waiting.head) != NULL)
    {
      take_turn (self->turns, link);
      g_queue_push_tail_link (&waiting, link);
    }
  g_mutex_unlock (&self->lock);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  g_variant_iter_init (&iter, unsent);
  while (g_variant_iter_next (&iter, "v", &message))
    {
      g_variant_builder_add (&builder, "v", message);
      g_variant_unref (message);
    }
  while ((link = g_queue_pop_head_link (&waiting)) != NULL)
    {
      message = _msgpack_rpc_output_decode (((Turn *) link->data)->packed);
      if (message != NULL)
        g_variant_builder_add (&builder, "v", message);
      g_clear_pointer (&message, g_variant_unref);
      turn_free (link->data);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
