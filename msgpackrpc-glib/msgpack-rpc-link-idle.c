/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include "msgpack-rpc-i18n-private.h"

/* What is to be done about a link that does nothing. What it does costs nothing for that: a timer looks
 * now and then whether any bytes have gone in or out. */

/* How often it looks in the time that is allowed. */
#define LOOKS 4

struct _MsgpackRpcIdle
{
  MsgpackRpcTimer timer;
  guint timeout;         /* milliseconds: what the timer runs for */
  gsize n_bytes;         /* what had gone in and out when it looked last */
  gint64 since;          /* when it saw something else last; monotonic */
};

static gsize
count_bytes (MsgpackRpcLink *self)
{
  return _msgpack_rpc_statistics_get (self->statistics, MSGPACK_RPC_STATISTIC_RECEIVED_BYTES) +
         _msgpack_rpc_statistics_get (self->statistics, MSGPACK_RPC_STATISTIC_SENT_BYTES);
}

/* The lock is held. */
static void
start_timer (MsgpackRpcLink *self)
{
  gint64 pause = MAX (self->idle->timeout / LOOKS, 1) * (gint64) 1000;

  _msgpack_rpc_reactor_start_timer (self->reactor, &self->idle->timer,
                                    g_get_monotonic_time () + pause);
}

/* Likewise. */
static gboolean
is_at_rest (MsgpackRpcLink *self)
{
  return self->state == STATE_CONNECTED && self->paused == 0 &&
         _msgpack_rpc_output_is_empty (&self->output) && self->owner != NULL &&
         self->funcs->is_at_rest (self->owner);
}

/* Whether it has done nothing for too long. Likewise. */
static gboolean
look (MsgpackRpcLink *self)
{
  gint64 now = g_get_monotonic_time ();
  gsize n_bytes = count_bytes (self);

  if (!is_at_rest (self) || n_bytes != self->idle->n_bytes)
    {
      self->idle->n_bytes = n_bytes;
      self->idle->since = now;
    }
  return now - self->idle->since >= self->idle->timeout * (gint64) 1000;
}

static void
check_idle (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  g_autoptr(GError) error = NULL;

  /* It may have been us who did nothing. */
  _msgpack_rpc_link_work (self);

  g_mutex_lock (&self->lock);
  if (self->state != STATE_ENDED && self->idle->timeout != G_MAXINT)
    {
      if (look (self))
        error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                             _("Nothing was sent or received for %u milliseconds (idle-timeout)"),
                             self->idle->timeout);
      else
        start_timer (self);
    }
  g_mutex_unlock (&self->lock);

  if (error != NULL)
    _msgpack_rpc_link_fail (self, error);
}

static MsgpackRpcIdle *
idle_new (MsgpackRpcLink *self)
{
  MsgpackRpcIdle *idle = g_new0 (MsgpackRpcIdle, 1);

  idle->timer.func = check_idle;
  idle->timer.owner = G_OBJECT (self);
  idle->timeout = G_MAXINT;
  return idle;
}

void
_msgpack_rpc_link_watch_idle (MsgpackRpcLink *self)
{
  guint timeout = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_IDLE_TIMEOUT);
  g_autoptr(GMutexLocker) locker = NULL;

  if (G_LIKELY (timeout == G_MAXINT && g_atomic_pointer_get (&self->idle) == NULL))
    return;

  locker = g_mutex_locker_new (&self->lock);
  if (!_msgpack_rpc_link_has_stream (self))
    return;
  if (self->idle == NULL)
    g_atomic_pointer_set (&self->idle, idle_new (self));
  if (self->idle->timeout == timeout)
    return;

  self->idle->timeout = timeout;
  self->idle->n_bytes = count_bytes (self);
  self->idle->since = g_get_monotonic_time ();
  if (timeout != G_MAXINT)
    start_timer (self);
}

void
_msgpack_rpc_link_stop_idle (MsgpackRpcLink *self)
{
  MsgpackRpcIdle *idle = g_atomic_pointer_get (&self->idle);

  if (idle != NULL)
    _msgpack_rpc_reactor_stop_timer (self->reactor, &idle->timer);
}
