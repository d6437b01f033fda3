/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

/* How a call tells of what changes while it is in flight. */

static gboolean
tell_progress (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gboolean is_new = self->told_progress < self->progress || self->told_progress > self->progress;

  self->told_progress = self->progress;
  return is_new;
}

void
_msgpack_rpc_call_notify_changes (MsgpackRpcCall *self)
{
  int state = (int) msgpack_rpc_call_get_state (self);
  int delivery = (int) msgpack_rpc_call_get_delivery (self);
  gboolean has_state = g_atomic_int_exchange (&self->told_state, state) != state;
  gboolean has_delivery = g_atomic_int_exchange (&self->told_delivery, delivery) != delivery;
  gboolean has_progress = tell_progress (self);

  g_object_freeze_notify (G_OBJECT (self));
  if (has_state)
    g_object_notify (G_OBJECT (self), "state");
  if (has_delivery)
    g_object_notify (G_OBJECT (self), "delivery");
  if (has_progress)
    g_object_notify (G_OBJECT (self), "progress");
  g_object_thaw_notify (G_OBJECT (self));
}

static void
report_changes (gpointer owner,
                gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcCall *self = owner;

  g_atomic_int_set (&self->change_posted, FALSE);
  /* Its end is told in its turn. */
  if (!_msgpack_rpc_call_has_ended (self))
    _msgpack_rpc_call_notify_changes (self);
}

static void
post_changes (MsgpackRpcCall *self)
{
  MsgpackRpcReactor *reactor;

  if (!g_atomic_int_compare_and_exchange (&self->change_posted, FALSE, TRUE))
    return;

  reactor = _msgpack_rpc_reactor_get (self->context);
  _msgpack_rpc_reactor_post (reactor, g_atomic_pointer_get (&self->lane), self, TRUE, report_changes,
                             NULL, NULL);
  _msgpack_rpc_reactor_unref (reactor);
}

/* What happens while nobody listens is nothing new to whoever does so later. */
void
_msgpack_rpc_call_delivery_changed (MsgpackRpcCall *self)
{
  if (_msgpack_rpc_call_is_notified (self))
    post_changes (self);
  else
    g_atomic_int_set (&self->told_delivery, g_atomic_int_get (&self->delivery));
}

void
_msgpack_rpc_call_state_changed (MsgpackRpcCall *self)
{
  if (_msgpack_rpc_call_is_notified (self))
    post_changes (self);
  else
    g_atomic_int_set (&self->told_state, MSGPACK_RPC_CALL_STATE_PENDING);
}

/**
 * msgpack_rpc_call_get_progress: (get-property progress)
 * @self: a call
 *
 * Gets how much of what was asked for the peer has done.
 *
 * Returns: from 0 to 1
 * Since: 1.0
 */
double
msgpack_rpc_call_get_progress (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->progress;
}

/**
 * msgpack_rpc_call_set_progress: (set-property progress)
 * @self: a call
 * @progress: from 0 to 1
 *
 * Says how much of what was asked for the peer has done, for whoever learns of that, as from its
 * notifications.
 *
 * A call that has ended stays as it is. However often this is called, it is notified of at most once
 * in a dispatch of the call's context.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_progress (MsgpackRpcCall *self,
                               double          progress)
{
  gboolean has_ended;

  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));
  g_return_if_fail (progress >= 0 && progress <= 1);

  g_mutex_lock (&self->lock);
  has_ended = self->state == MSGPACK_RPC_CALL_STATE_SUCCEEDED ||
              self->state == MSGPACK_RPC_CALL_STATE_FAILED;
  if (!has_ended)
    self->progress = progress;
  g_mutex_unlock (&self->lock);

  if (has_ended)
    return;

  if (_msgpack_rpc_call_is_notified (self))
    post_changes (self);
  else
    tell_progress (self);
}
