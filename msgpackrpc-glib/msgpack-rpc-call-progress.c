/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

/* How a call tells of what changes while it is in flight. */

/* The lock is held. */
static gboolean
has_ended (MsgpackRpcCall *self)
{
  return self->state == MSGPACK_RPC_CALL_STATE_SUCCEEDED ||
         self->state == MSGPACK_RPC_CALL_STATE_FAILED;
}

static gboolean
tell_progress (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gboolean is_new = self->told_progress < self->progress || self->told_progress > self->progress;

  self->told_progress = self->progress;
  return is_new;
}

static gboolean
take_report (MsgpackRpcCall  *self,
             double          *fraction,
             GVariant       **value)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gboolean is_new = self->report_is_new;

  *fraction = self->report;
  *value = is_new && self->progress_value != NULL ? g_variant_ref (self->progress_value) : NULL;
  self->report_is_new = FALSE;
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
  g_autoptr(GVariant) value = NULL;
  double fraction;
  gboolean has_report = take_report (self, &fraction, &value);

  g_object_freeze_notify (G_OBJECT (self));
  if (has_state)
    g_object_notify (G_OBJECT (self), "state");
  if (has_delivery)
    g_object_notify (G_OBJECT (self), "delivery");
  if (has_progress)
    g_object_notify (G_OBJECT (self), "progress");
  if (has_report)
    g_object_notify (G_OBJECT (self), "progress-value");
  g_object_thaw_notify (G_OBJECT (self));

  if (has_report)
    _msgpack_rpc_call_emit_report (self, fraction, value);
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
 * Gets how much of what was asked for the peer has done, as far as it says so: see
 * [property@Call:progress].
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
  gboolean is_over;

  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));
  g_return_if_fail (progress >= 0 && progress <= 1);

  g_mutex_lock (&self->lock);
  is_over = has_ended (self);
  if (!is_over)
    self->progress = progress;
  g_mutex_unlock (&self->lock);

  if (is_over)
    return;

  if (_msgpack_rpc_call_is_notified (self))
    post_changes (self);
  else
    tell_progress (self);
}

/**
 * msgpack_rpc_call_get_progress_value: (get-property progress-value)
 * @self: a call
 *
 * Gets what the peer has said about its progress last, beside the fraction.
 *
 * Returns: (transfer full) (nullable): the value, or `NULL` for none
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_progress_value (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->progress_value != NULL ? g_variant_ref (self->progress_value) : NULL;
}

/* Only the last report is kept, however many come. */
gboolean
_msgpack_rpc_call_report_progress (MsgpackRpcCall *self,
                                   double          fraction,
                                   GVariant       *value)
{
  gboolean is_heard = _msgpack_rpc_call_is_notified (self) || _msgpack_rpc_call_hears_reports (self);
  g_autoptr(GVariant) old = NULL;

  g_mutex_lock (&self->lock);
  if (has_ended (self))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }

  old = g_steal_pointer (&self->progress_value);
  self->progress_value = value != NULL ? g_variant_ref (value) : NULL;
  self->progress = self->report = fraction;
  self->report_is_new = is_heard;
  if (!is_heard)
    self->told_progress = fraction;
  g_mutex_unlock (&self->lock);

  if (is_heard)
    post_changes (self);
  if (self->parent != NULL)
    _msgpack_rpc_call_report_progress (self->parent, fraction, value);
  return TRUE;
}
