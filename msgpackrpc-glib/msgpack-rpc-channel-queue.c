/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-channel-private.h"

#include "msgpack-rpc-event-queue-private.h"
#include "msgpack-rpc-i18n-private.h"

/* What happens to a channel, as events of a queue. All but what takes events is in the main context. */

/* What an event takes besides its message. */
#define EVENT_COST 256

static void
taken_cb (MsgpackRpcChannel *channel,
          gsize              size)
{
  _msgpack_rpc_channel_hold_event (channel, -(gssize) size);
}

/* @event is taken. */
static void
push (MsgpackRpcChannel *self,
      MsgpackRpcEvent   *event)
{
  g_autoptr(MsgpackRpcEventQueue) queue = msgpack_rpc_channel_get_queue (self);

  if (queue != NULL)
    _msgpack_rpc_event_queue_push (queue, event);
  msgpack_rpc_event_unref (event);
}

static void
message_cb (MsgpackRpcChannel *self,
            GVariant          *message,
            gpointer           user_data G_GNUC_UNUSED)
{
  MsgpackRpcEvent *event = _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED, self);
  gsize size = g_variant_get_size (message) + EVENT_COST;

  _msgpack_rpc_event_set_message (event, message);
  _msgpack_rpc_event_set_taken (event, taken_cb, size);
  _msgpack_rpc_channel_hold_event (self, (gssize) size);
  push (self, event);
}

static void
rejected_cb (MsgpackRpcChannel *self,
             GVariant          *message,
             const GError      *error,
             gpointer           user_data G_GNUC_UNUSED)
{
  MsgpackRpcEvent *event = _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED, self);

  _msgpack_rpc_event_set_message (event, message);
  _msgpack_rpc_event_set_error (event, error);
  push (self, event);
}

static void
status_cb (MsgpackRpcChannel *self,
           GParamSpec        *pspec G_GNUC_UNUSED,
           gpointer           user_data G_GNUC_UNUSED)
{
  if (self->has_told_connected || self->target == NULL || !g_atomic_int_get (&self->has_connected))
    return;

  self->has_told_connected = TRUE;
  push (self, _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT, self));
}

static MsgpackRpcEventKind
get_end_kind (MsgpackRpcChannel *self)
{
  if (self->target != NULL && !self->has_told_connected)
    return MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT;

  return g_atomic_int_get (&self->is_closed) ? MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT
                                             : MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT;
}

/* What is in the queue holds the channel: that must not hold the queue for ever. What is sent too late is
 * still told while somebody else has it. */
static void
let_go_of_queue (MsgpackRpcChannel *self)
{
  g_autoptr(MsgpackRpcEventQueue) queue = NULL;

  g_mutex_lock (&self->lock);
  queue = g_steal_pointer (&self->queue);
  if (queue != NULL)
    g_weak_ref_set (&self->last_queue, queue);
  g_mutex_unlock (&self->lock);
}

static void
closed_cb (MsgpackRpcChannel *self,
           const GError      *error,
           GVariant          *incomplete,
           GVariant          *unsent,
           gpointer           user_data G_GNUC_UNUSED)
{
  MsgpackRpcEventKind kind = get_end_kind (self);
  MsgpackRpcEvent *event = _msgpack_rpc_event_new (kind, self);
  g_autoptr(GError) closed = NULL;

  if (kind == MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT && error == NULL)
    error = closed = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                                          _("The connection was closed"));
  if (error != NULL)
    _msgpack_rpc_event_set_error (event, error);
  _msgpack_rpc_event_set_leftover (event, incomplete, unsent);
  push (self, event);
  let_go_of_queue (self);
}

static void
follow (MsgpackRpcChannel *self)
{
  g_signal_connect (self, "message", G_CALLBACK (message_cb), NULL);
  g_signal_connect (self, "rejected", G_CALLBACK (rejected_cb), NULL);
  g_signal_connect (self, "notify::status", G_CALLBACK (status_cb), NULL);
  g_signal_connect (self, "closed", G_CALLBACK (closed_cb), NULL);
}

static void
unfollow (MsgpackRpcChannel *self)
{
  g_signal_handlers_disconnect_by_func (self, message_cb, NULL);
  g_signal_handlers_disconnect_by_func (self, rejected_cb, NULL);
  g_signal_handlers_disconnect_by_func (self, status_cb, NULL);
  g_signal_handlers_disconnect_by_func (self, closed_cb, NULL);
}

/* The lock is held. */
static MsgpackRpcEventQueue *
ref_queue (MsgpackRpcChannel *self)
{
  return self->queue != NULL ? g_object_ref (self->queue) : g_weak_ref_get (&self->last_queue);
}

/* Handlers are connected as long as there is a queue, whichever thread says so: the lock is held. */
static MsgpackRpcEventQueue *
swap_queue (MsgpackRpcChannel    *self,
            MsgpackRpcEventQueue *queue)
{
  MsgpackRpcEventQueue *old = ref_queue (self);

  if (!self->is_followed && queue != NULL)
    follow (self);
  else if (self->is_followed && queue == NULL)
    unfollow (self);

  self->is_followed = queue != NULL;
  g_weak_ref_set (&self->last_queue, NULL);
  g_set_object (&self->queue, queue);
  return old;
}

/**
 * msgpack_rpc_channel_get_queue: (get-property queue)
 * @self: a channel
 *
 * Gets the queue that the events of the channel go to.
 *
 * Returns: (transfer full) (nullable): the queue, or `NULL` if there is none
 *
 * Since: 1.0
 */
MsgpackRpcEventQueue *
msgpack_rpc_channel_get_queue (MsgpackRpcChannel *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return ref_queue (self);
}

/**
 * msgpack_rpc_channel_set_queue: (set-property queue)
 * @self: a channel
 * @queue: (nullable): a queue, or `NULL` for none
 *
 * Sets the queue that what happens to the channel goes to, as events, from now on.
 *
 * Signals are emitted all the same. What is in another queue already stays there;
 * [method@EventQueue.merge] moves that, too. While more than [property@Channel:high-water-mark] waits in
 * a queue, nothing more is read.
 *
 * An event holds its channel, and a channel its queue until it has ended: close a channel that nobody
 * reads the events of.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_set_queue (MsgpackRpcChannel    *self,
                               MsgpackRpcEventQueue *queue)
{
  g_autoptr(MsgpackRpcEventQueue) old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));
  g_return_if_fail (queue == NULL || MSGPACK_RPC_IS_EVENT_QUEUE (queue));

  /* Before somebody else can take it back. */
  if (queue != NULL)
    _msgpack_rpc_event_queue_add_producer (queue, self->main_context);
  g_mutex_lock (&self->lock);
  old = swap_queue (self, queue);
  g_mutex_unlock (&self->lock);

  if (old != NULL)
    _msgpack_rpc_event_queue_remove_producer (old, self->main_context);
  if (old != queue)
    _msgpack_rpc_channel_notify_queue (self);
}
