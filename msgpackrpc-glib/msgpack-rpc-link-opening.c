/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

/* How a link gets its stream: by attempts of its owner, in the private context. */

/* How long a thread waits for the descriptors of a private context, in microseconds. */
#define CONTEXT_DELAY (100 * 1000)

static void
opening_free (Opening *opening)
{
  g_object_unref (opening->cancellable);
  g_clear_error (&opening->failure);
  g_free (opening);
}

static gboolean
is_due (Opening *opening)
{
  return opening != NULL && opening->is_pending && g_get_monotonic_time () >= opening->time;
}

/* Connecting calls the application, as a handler of GSocketClient::event: that must not happen inside
 * of a function of ours that opens. Whoever iterates the private context first does it. */
void
_msgpack_rpc_link_open_if_due (MsgpackRpcLink *self)
{
  g_autoptr(GObject) owner = NULL;
  g_autoptr(GCancellable) cancellable = NULL;
  gboolean due;

  g_mutex_lock (&self->lock);
  due = self->state != STATE_ENDED && is_due (self->opening);
  if (due)
    {
      self->opening->is_pending = FALSE;
      cancellable = g_object_ref (self->opening->cancellable);
      g_set_object (&owner, self->owner);
    }
  if (due && self->state == STATE_WAITING)
    _msgpack_rpc_link_set_state (self, STATE_CONNECTING, NULL);
  g_mutex_unlock (&self->lock);

  if (!due)
    return;

  g_main_context_push_thread_default (self->context);
  if (owner != NULL)
    self->funcs->open (owner, cancellable);
  else
    _msgpack_rpc_link_opened (self, NULL, NULL);
  g_main_context_pop_thread_default (self->context);
}

int
_msgpack_rpc_link_get_open_timeout (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 left;

  if (self->opening == NULL || !self->opening->is_pending)
    return -1;

  left = self->opening->time - g_get_monotonic_time ();
  return left <= 0 ? 0 : (int) MIN ((left + 999) / 1000, G_MAXINT);
}

GCancellable *
_msgpack_rpc_link_stop_opening (MsgpackRpcLink *self)
{
  /* Nobody may ever iterate the private context again, and nothing is pending in it. */
  if (self->opening != NULL && self->opening->is_pending)
    g_clear_pointer (&self->opening, opening_free);

  return self->opening != NULL ? g_object_ref (self->opening->cancellable) : NULL;
}

/* new → @state. The lock is held. */
static void
begin_opening (MsgpackRpcLink *self,
               State           state,
               gint64          time)
{
  self->opening = g_new0 (Opening, 1);
  self->opening->cancellable = g_cancellable_new ();
  self->opening->is_pending = TRUE;
  self->opening->time = time;
  _msgpack_rpc_link_set_state (self, state, NULL);
}

/* FALSE if there is no private context to do it in. */
static gboolean
start_opening (MsgpackRpcLink  *self,
               gboolean        *is_new,
               GError         **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *is_new = self->state == STATE_NEW;
  if (!*is_new)
    return TRUE;
  if (!_msgpack_rpc_link_start_private_context (self, error))
    return FALSE;

  begin_opening (self, STATE_CONNECTING, 0);
  return TRUE;
}

gboolean
_msgpack_rpc_link_open (MsgpackRpcLink *self)
{
  g_autoptr(GError) error = NULL;
  gboolean is_new;

  /* Before there is a private context: nobody holds it for long. */
  if (!_msgpack_rpc_link_enter_io (self, WANTS_AS_HOME))
    return FALSE;

  if (!start_opening (self, &is_new, &error))
    _msgpack_rpc_link_end (self, error);
  _msgpack_rpc_link_leave_io (self);
  return is_new;
}

gboolean
_msgpack_rpc_link_lacks_context (MsgpackRpcLink *self)
{
  return self->state == STATE_WAITING && self->nested == NULL;
}

/* The lock is held, and so is the I/O. */
static gboolean
find_context (MsgpackRpcLink *self)
{
  if (!_msgpack_rpc_link_lacks_context (self))
    return TRUE;

  if (!_msgpack_rpc_link_start_private_context (self, NULL))
    {
      self->opening->context_time = g_get_monotonic_time () + CONTEXT_DELAY;
      return FALSE;
    }

  /* They do not poll it yet. */
  _msgpack_rpc_link_wake_waiters (self);
  return TRUE;
}

gboolean
_msgpack_rpc_link_open_later (MsgpackRpcLink *self,
                              gint64          time)
{
  gboolean done;

  g_mutex_lock (&self->lock);
  done = self->state != STATE_NEW && !_msgpack_rpc_link_lacks_context (self);
  g_mutex_unlock (&self->lock);
  if (done || !_msgpack_rpc_link_enter_io (self, WANTS_AS_HOME))
    return TRUE;

  g_mutex_lock (&self->lock);
  if (self->state == STATE_NEW)
    begin_opening (self, STATE_WAITING, time);
  done = find_context (self);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_link_leave_io (self);
  return done;
}

int
_msgpack_rpc_link_get_context_timeout (MsgpackRpcLink *self)
{
  gint64 left = self->opening->context_time - g_get_monotonic_time ();

  return left <= 0 ? 0 : (int) ((left + 999) / 1000);
}

gboolean
_msgpack_rpc_link_retry (MsgpackRpcLink *self,
                         gint64          time,
                         const GError   *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state != STATE_CONNECTING)
    return FALSE;

  g_clear_error (&self->opening->failure);
  self->opening->failure = g_error_copy (error);
  self->opening->is_pending = TRUE;
  self->opening->time = time;
  _msgpack_rpc_link_set_state (self, STATE_WAITING, error);
  return TRUE;
}

/* Whoever polls the private context has been told the old time. */
void
_msgpack_rpc_link_hurry (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state != STATE_WAITING)
    return;

  self->opening->time = 0;
  if (self->context != NULL)
    g_main_context_wakeup (self->context);
}

GError *
_msgpack_rpc_link_get_failure (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->opening == NULL || self->opening->failure == NULL)
    return NULL;

  return g_error_copy (self->opening->failure);
}

void
_msgpack_rpc_link_opened (MsgpackRpcLink *self,
                          GIOStream      *stream,
                          const GError   *error)
{
  Opening *opening;
  gboolean done;

  g_mutex_lock (&self->lock);
  opening = g_steal_pointer (&self->opening);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&opening, opening_free);

  if (stream != NULL)
    _msgpack_rpc_link_attach (self, stream);
  else
    _msgpack_rpc_link_end (self, error);

  /* Only the transport for descriptors goes on without the private context. */
  g_mutex_lock (&self->lock);
  done = self->ports[0] != NULL;
  g_mutex_unlock (&self->lock);
  if (done)
    _msgpack_rpc_link_drop_private_context (self);
}
