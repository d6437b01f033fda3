/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-event-private.h"

/**
 * MsgpackRpcEvent:
 *
 * Something that has happened to a channel, as a [class@EventQueue] gives it out.
 *
 * | kind | says | has |
 * |---|---|---|
 * | `FINISH_CONNECT` | connecting to a peer has succeeded, or failed | the error, and then what was not sent |
 * | `FINISH_DISCONNECT` | a channel that we have closed has ended | what was not sent |
 * | `REMOTE_CONNECT` | somebody has connected to us, and waits for [method@Event.accept] | – |
 * | `REMOTE_DISCONNECT` | a channel that the peer has closed, or that has failed, has ended | the error, and what was not sent |
 * | `MESSAGE_RECEIVED` | a message has come | the message |
 * | `MESSAGE_REJECTED` | a message was not sent, since the channel was closing | the message |
 *
 * An event does not change. All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcEvent
{
  gatomicrefcount ref_count;

  MsgpackRpcEventKind kind;
  MsgpackRpcChannel *channel; /* owned */
  GVariant *message;          /* owned, nullable, as all that follow */
  GError *error;
  GVariant *incomplete;
  GVariant *unsent;

  MsgpackRpcEventDecideFunc decide;
  MsgpackRpcEventTakenFunc taken;
  gsize size;
};

G_DEFINE_BOXED_TYPE (MsgpackRpcEvent, msgpack_rpc_event, msgpack_rpc_event_ref,
                     msgpack_rpc_event_unref)

MsgpackRpcEvent *
_msgpack_rpc_event_new (MsgpackRpcEventKind  kind,
                        MsgpackRpcChannel   *channel)
{
  MsgpackRpcEvent *self = g_new0 (MsgpackRpcEvent, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->channel = g_object_ref (channel);
  return self;
}

void
_msgpack_rpc_event_set_message (MsgpackRpcEvent *self,
                                GVariant        *message)
{
  self->message = g_variant_ref_sink (message);
}

void
_msgpack_rpc_event_set_error (MsgpackRpcEvent *self,
                              const GError    *error)
{
  self->error = g_error_copy (error);
}

void
_msgpack_rpc_event_set_leftover (MsgpackRpcEvent *self,
                                 GVariant        *incomplete,
                                 GVariant        *unsent)
{
  self->incomplete = incomplete != NULL ? g_variant_ref_sink (incomplete) : NULL;
  self->unsent = unsent != NULL ? g_variant_ref_sink (unsent) : NULL;
}

void
_msgpack_rpc_event_set_decide (MsgpackRpcEvent           *self,
                               MsgpackRpcEventDecideFunc  decide)
{
  self->decide = decide;
}

void
_msgpack_rpc_event_set_taken (MsgpackRpcEvent          *self,
                              MsgpackRpcEventTakenFunc  taken,
                              gsize                     size)
{
  self->taken = taken;
  self->size = size;
}

void
_msgpack_rpc_event_take (MsgpackRpcEvent *self)
{
  MsgpackRpcEventTakenFunc taken = g_steal_pointer (&self->taken);

  if (taken != NULL)
    taken (self->channel, self->size);
}

/* FALSE if there is nothing to decide, or it was decided before. */
static gboolean
decide (MsgpackRpcEvent      *self,
        gboolean              accept,
        MsgpackRpcEventQueue *queue)
{
  return self->decide != NULL && self->decide (self->channel, accept, queue);
}

/**
 * msgpack_rpc_event_ref:
 * @self: an event
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
MsgpackRpcEvent *
msgpack_rpc_event_ref (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * msgpack_rpc_event_unref:
 * @self: (transfer full): an event
 *
 * Drops a reference. A peer about whom nothing was decided is rejected with the last one.
 *
 * Since: 1.0
 */
void
msgpack_rpc_event_unref (MsgpackRpcEvent *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  decide (self, FALSE, NULL);
  _msgpack_rpc_event_take (self);
  g_clear_pointer (&self->message, g_variant_unref);
  g_clear_pointer (&self->incomplete, g_variant_unref);
  g_clear_pointer (&self->unsent, g_variant_unref);
  g_clear_error (&self->error);
  g_object_unref (self->channel);
  g_free (self);
}

/**
 * msgpack_rpc_event_get_kind:
 * @self: an event
 *
 * Gets what has happened.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
MsgpackRpcEventKind
msgpack_rpc_event_get_kind (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);

  return self->kind;
}

/**
 * msgpack_rpc_event_get_channel:
 * @self: an event
 *
 * Gets the channel that it has happened to.
 *
 * Returns: (transfer none): the channel
 *
 * Since: 1.0
 */
MsgpackRpcChannel *
msgpack_rpc_event_get_channel (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->channel;
}

/**
 * msgpack_rpc_event_get_message:
 * @self: an event
 *
 * Gets the message that was received or rejected.
 *
 * Returns: (transfer none) (nullable): the message, or `NULL` for other kinds
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_event_get_message (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->message;
}

/**
 * msgpack_rpc_event_get_error:
 * @self: an event
 *
 * Gets why connecting has failed, why a channel has ended, or why a message was rejected.
 *
 * Returns: (transfer none) (nullable): the error, or `NULL` if nothing went wrong
 *
 * Since: 1.0
 */
const GError *
msgpack_rpc_event_get_error (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}

/**
 * msgpack_rpc_event_get_incomplete:
 * @self: an event
 *
 * Gets the message that was sent in part when the channel ended.
 *
 * Returns: (transfer none) (nullable): the message, or `NULL` if there was none
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_event_get_incomplete (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->incomplete;
}

/**
 * msgpack_rpc_event_get_unsent:
 * @self: an event
 *
 * Gets the messages that were not sent when the channel ended, in their order.
 *
 * Returns: (transfer none) (nullable): the messages, of type `av`, or `NULL` if the channel has not
 *   ended
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_event_get_unsent (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->unsent;
}

/**
 * msgpack_rpc_event_accept:
 * @self: an event
 * @queue: (nullable): where the events of the channel go from now on, or `NULL` for the queue that
 *   this event came from
 *
 * Lets in a peer that has connected. What it has sent before is delivered now.
 *
 * A queue of its own is for a peer with which something is to be settled first:
 * [method@EventQueue.merge] takes it to the others then.
 *
 * Returns: `TRUE`, or `FALSE` if there is nothing to decide, or it was decided before
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_event_accept (MsgpackRpcEvent      *self,
                          MsgpackRpcEventQueue *queue)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return decide (self, TRUE, queue);
}

/**
 * msgpack_rpc_event_reject:
 * @self: an event
 *
 * Turns away a peer that has connected: the channel is closed, and no more is heard of it.
 *
 * Returns: `TRUE`, or `FALSE` if there is nothing to decide, or it was decided before
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_event_reject (MsgpackRpcEvent *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return decide (self, FALSE, NULL);
}
