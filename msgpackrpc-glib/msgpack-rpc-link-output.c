/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-value.h"

/* How messages are queued, by any thread, and written, by the holder of the I/O. */

/* How many bytes one system call writes, but for one message that has more. */
#define WRITE_SIZE (256 * 1024)
static gsize
get_output_memory (MsgpackRpcLink *self)
{
  return self->output.queued_bytes + self->output.messages.length * (gsize) MSGPACK_RPC_LINK_MESSAGE_COST;
}

/* From the mark on, until there is half of it. */
void
_msgpack_rpc_link_update_congestion (MsgpackRpcLink *self)
{
  gsize mark = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_HIGH_WATER_MARK);
  gsize queued = self->output.queued_bytes;
  gboolean congested = queued > (self->congested ? mark / 2 : mark);

  _msgpack_rpc_link_charge (self, CHARGE_OUTPUT, get_output_memory (self));
  if (self->congested == congested)
    return;

  self->congested = congested;
  MSGPACK_RPC_DEBUG (STATUS, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "%s, %zu bytes are queued",
                     congested ? "congested" : "no more congested", queued);
  if (self->owner != NULL)
    self->funcs->congestion (self->owner);
}

/* ---- a peer that takes nothing; the lock is held ---- */

static void
start_stall_timer (MsgpackRpcLink *self)
{
  if (self->stall_timer_runs || self->stall_deadline == G_MAXINT64)
    return;

  self->stall_timer_runs = TRUE;
  _msgpack_rpc_reactor_start_timer (self->reactor, &self->stall_timer, self->stall_deadline);
}

static void
forget_stall (MsgpackRpcLink *self)
{
  self->stall_deadline = G_MAXINT64;
  if (!self->stall_timer_runs)
    return;

  self->stall_timer_runs = FALSE;
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->stall_timer);
}

/* The stream takes no more for now. A timer that runs looks again when it is due. */
static void
note_stall (MsgpackRpcLink *self,
            gboolean        took_some)
{
  if (!_msgpack_rpc_link_has_stream (self) || self->write_failed)
    return;

  if (took_some || self->stall_deadline == G_MAXINT64)
    self->stall_deadline = _msgpack_rpc_limits_get_deadline (self->limits,
                                                             MSGPACK_RPC_LIMIT_WRITE_TIMEOUT);
  start_stall_timer (self);
}

gboolean
_msgpack_rpc_link_has_stalled (MsgpackRpcLink *self)
{
  return self->stall_deadline != G_MAXINT64 && g_get_monotonic_time () >= self->stall_deadline;
}

void
_msgpack_rpc_link_check_stall (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  g_autoptr(GError) error = NULL;
  gboolean stalled;
  gsize queued;

  g_mutex_lock (&self->lock);
  self->stall_timer_runs = FALSE;
  g_mutex_unlock (&self->lock);

  /* It may have been us who did nothing. */
  _msgpack_rpc_link_work (self);

  g_mutex_lock (&self->lock);
  stalled = _msgpack_rpc_link_has_stalled (self);
  queued = self->output.queued_bytes;
  if (!stalled)
    start_stall_timer (self);
  g_mutex_unlock (&self->lock);
  if (!stalled)
    return;

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       _("The peer has read nothing for %u milliseconds, while %zu bytes waited"),
                       _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_WRITE_TIMEOUT),
                       queued);
  _msgpack_rpc_link_end (self, error);
}

/* ---- writing, by the holder of the I/O ---- */

static void
fail_writing (MsgpackRpcLink *self,
              GQueue         *sent,
              GError         *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_link_lose_peer (self);
  if (self->transport->klass->max_output == 0)
    _msgpack_rpc_output_written (&self->output, 0, sent);
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  g_clear_error (&error);
  /* Of a stream that was read to its end, nothing more may come. */
  if (_msgpack_rpc_link_has_stream (self))
    _msgpack_rpc_link_work_later (self);
  /* A thread that waits may be the only one to read what is left, and to end the link. */
  _msgpack_rpc_link_wake_others (self);
}

/* The stream takes no more. Unless it is at it, what it was offered can still be withdrawn. */
static void
wait_to_write (MsgpackRpcLink *self,
               GQueue         *sent,
               gboolean        took_some)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->transport->klass->max_output == 0)
    _msgpack_rpc_output_written (&self->output, 0, sent);
  note_stall (self, took_some);
  /* A thread that waits may be the only one to write the rest. */
  _msgpack_rpc_link_wake_others (self);
  MSGPACK_RPC_DEBUG (IO, self->id, MSGPACK_RPC_DEBUG_NO_MSGID,
                     "the stream takes no more, %zu bytes wait", self->output.queued_bytes);
}

static void
count_written (MsgpackRpcLink *self,
               gsize           n_bytes,
               guint           n_messages)
{
  _msgpack_rpc_statistics_add (self->statistics, MSGPACK_RPC_STATISTIC_SENT_BYTES, n_bytes);
  _msgpack_rpc_statistics_add (self->statistics, MSGPACK_RPC_STATISTIC_SENT_MESSAGES, n_messages);
  MSGPACK_RPC_DEBUG (IO, self->id, MSGPACK_RPC_DEBUG_NO_MSGID,
                     "wrote %zu bytes, messages done: %u, thread %s", n_bytes, n_messages,
                     _msgpack_rpc_debug_get_thread ((char[16]) { "" }));
}

/* The clock is only looked at when there is more than one write does. */
static gboolean
is_turn_over (gint64 *end)
{
  gint64 now = g_get_monotonic_time ();

  if (*end == 0)
    *end = now + MSGPACK_RPC_REACTOR_BUDGET;
  return now >= *end;
}

/* A peer that reads as fast as we write must not keep others waiting. Descriptors are still ready;
 * for others, the private context is. A thread that waits may have begun to poll when there was
 * nothing to write, and be the only one to go on. The lock is held. */
static void
write_on_later (MsgpackRpcLink *self)
{
  self->goes_on = TRUE;
  _msgpack_rpc_link_wake_others (self);
  if (self->context != NULL)
    g_main_context_wakeup (self->context);
}

/* What to write next; 0 if there is nothing, or not now, as @over then says. The lock is held. */
static guint
gather_output (MsgpackRpcLink        *self,
               MsgpackRpcOutputBatch *batch,
               gboolean               is_first,
               gint64                *end,
               gboolean              *over)
{
  gsize max_output;

  if (!_msgpack_rpc_link_has_stream (self) || self->write_failed ||
      _msgpack_rpc_output_is_empty (&self->output))
    return 0;

  *over = !is_first && is_turn_over (end);
  if (*over)
    {
      write_on_later (self);
      return 0;
    }

  max_output = self->transport->klass->max_output;
  return _msgpack_rpc_output_gather (&self->output, batch,
                                     max_output != 0 ? max_output : WRITE_SIZE);
}

static void
tell_written (GQueue *sent)
{
  MsgpackRpcCall *call;

  while ((call = _msgpack_rpc_output_take_sent (sent)) != NULL)
    {
      _msgpack_rpc_call_written (call);
      g_object_unref (call);
    }
}

gboolean
_msgpack_rpc_link_write_output (MsgpackRpcLink *self)
{
  GQueue sent = G_QUEUE_INIT;
  MsgpackRpcOutputBatch batch;
  gboolean took_some = FALSE, over = FALSE;
  gint64 end = 0;
  gssize n = 0;

  while (n >= 0)
    {
      g_autoptr(GError) error = NULL;
      guint n_vectors, n_sent;

      g_mutex_lock (&self->lock);
      n_sent = _msgpack_rpc_output_written (&self->output, (gsize) n, &sent);
      _msgpack_rpc_link_update_congestion (self);
      if (n > 0 && self->funcs->written != NULL && self->owner != NULL)
        self->funcs->written (self->owner);
      n_vectors = gather_output (self, &batch, !took_some, &end, &over);
      if (n_vectors == 0)
        forget_stall (self);
      g_mutex_unlock (&self->lock);

      if (n > 0)
        count_written (self, (gsize) n, n_sent);
      tell_written (&sent);

      if (n_vectors == 0)
        break;

      n = self->transport->klass->writev (self->transport, batch.vectors, n_vectors, &error);
      _msgpack_rpc_output_batch_clear (&batch);
      took_some = took_some || n > 0;
      if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        wait_to_write (self, &sent, took_some);
      else if (n < 0)
        fail_writing (self, &sent, g_steal_pointer (&error));
    }

  tell_written (&sent);
  return over;
}

gboolean
_msgpack_rpc_link_try_write (MsgpackRpcLink *self)
{
  gboolean over;

  if (!_msgpack_rpc_link_enter_io (self, WANTS_TO_WRITE))
    return FALSE;

  over = _msgpack_rpc_link_write_output (self);
  _msgpack_rpc_link_leave_io (self);
  return over;
}

static void
uncork_cb (gpointer owner)
{
  MsgpackRpcLink *self = owner;

  g_mutex_lock (&self->lock);
  self->corked = FALSE;
  g_mutex_unlock (&self->lock);

  if (_msgpack_rpc_link_try_write (self))
    _msgpack_rpc_reactor_charge (self->reactor, self->lane, MSGPACK_RPC_REACTOR_BUDGET);

  _msgpack_rpc_link_settle (self);
  _msgpack_rpc_link_enforce_budget (self);
}

gboolean
_msgpack_rpc_link_check_room (MsgpackRpcLink  *self,
                              gsize            used,
                              gsize            size,
                              GError         **error)
{
  gsize limit = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES);

  if (size <= limit - MIN (used, limit))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL,
               _("The output queue holds %zu bytes, and %zu more would exceed its limit of %zu"),
               used, size, limit);
  return FALSE;
}

gboolean
_msgpack_rpc_link_check_sendable (MsgpackRpcLink  *self,
                                  gsize            size,
                                  gboolean         is_answer,
                                  GError         **error)
{
  gboolean answers_only = self->state == STATE_DISMISSED || self->state == STATE_HALF_CLOSED;
  gboolean open = self->state == STATE_NEW || self->state == STATE_WAITING ||
                  self->state == STATE_CONNECTING || self->state == STATE_CONNECTED ||
                  (answers_only && is_answer);

  if (!open)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
                           self->state == STATE_ENDED ? _("The connection is closed")
                                                      : _("The connection is closing"));
      return FALSE;
    }

  return _msgpack_rpc_link_check_room (self, get_output_memory (self), size, error);
}

/* The first message in a turn of the loop is written at once, for others in the same turn it
 * would cost a system call each; so does what handlers send while the reactor dispatches. */
gboolean
_msgpack_rpc_link_cork (MsgpackRpcLink *self,
                        gboolean       *write_now)
{
  *write_now = FALSE;
  if (self->corked || !_msgpack_rpc_link_has_stream (self))
    return FALSE;

  self->corked = TRUE;
  *write_now = !_msgpack_rpc_reactor_is_dispatching (self->reactor);
  return TRUE;
}

/* Other threads do not wait for the loop's turn, which may be long in coming; but for what is left. */
static void
write_as_guest (MsgpackRpcLink *self)
{
  gboolean corked;

  _msgpack_rpc_link_try_write (self);

  g_mutex_lock (&self->lock);
  corked = !self->corked && _msgpack_rpc_link_has_stream (self) &&
           (!_msgpack_rpc_output_is_empty (&self->output) || self->state != STATE_CONNECTED);
  if (corked)
    self->corked = TRUE;
  g_mutex_unlock (&self->lock);

  if (corked)
    _msgpack_rpc_reactor_cork (self->reactor, uncork_cb, G_OBJECT (self));
}

void
_msgpack_rpc_link_write_soon (MsgpackRpcLink *self,
                              gboolean        is_home,
                              gboolean        corked,
                              gboolean        write_now)
{
  if (corked)
    _msgpack_rpc_reactor_cork (self->reactor, uncork_cb, G_OBJECT (self));
  if (write_now)
    _msgpack_rpc_link_try_write (self);
  else if (!is_home)
    write_as_guest (self);
}

void
_msgpack_rpc_link_count_queued (MsgpackRpcLink *self)
{
  gsize *peak = &self->statistics->values[MSGPACK_RPC_STATISTIC_QUEUED_BYTES_PEAK];

  if (self->output.queued_bytes > *peak)
    g_atomic_pointer_set (peak, self->output.queued_bytes);
}

void
_msgpack_rpc_link_show_packed (MsgpackRpcLink   *self,
                               MsgpackRpcPacked *packed)
{
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *text = NULL;

  /* Marks have none. */
  if (packed->size == 0)
    return;

  bytes = _msgpack_rpc_packed_to_bytes (packed);
  message = msgpack_rpc_unpack (bytes, NULL);
  text = message != NULL ? _msgpack_rpc_debug_show (message) : NULL;
  _msgpack_rpc_debug_print (self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "→ %s",
                            text != NULL ? text : "a message that is not shown");
}

MsgpackRpcPacked *
_msgpack_rpc_link_frame (MsgpackRpcLink   *self,
                         MsgpackRpcPacked *packed)
{
  /* Marks are nothing on the wire. */
  if (packed->size == 0 ||
      !_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_FRAMED))
    return NULL;

  return _msgpack_rpc_packed_frame (packed);
}

/* What is lowered for a peer's sake is not for what it is sent. */
MsgpackRpcPackFlags
_msgpack_rpc_link_get_pack_flags (MsgpackRpcLink *self)
{
  guint max_depth = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_DEPTH);

  /* The message itself is one. */
  return _msgpack_rpc_settings_get_pack_flags (self->settings) |
         MSGPACK_RPC_PACK_DEPTH (MAX (max_depth, MSGPACK_RPC_DEFAULT_MAX_DEPTH) - 1);
}

gboolean
_msgpack_rpc_link_send (MsgpackRpcLink    *self,
                        MsgpackRpcPacked  *packed,
                        MsgpackRpcCall    *call,
                        gboolean           is_answer,
                        GError           **error)
{
  g_autoptr(MsgpackRpcPacked) framed = NULL;
  gboolean write_now = FALSE, corked = FALSE, is_home;

  g_return_val_if_fail (MSGPACK_RPC_IS_LINK (self), FALSE);

  if (MSGPACK_RPC_DEBUG_IS_ON (MESSAGES))
    _msgpack_rpc_link_show_packed (self, packed);
  framed = _msgpack_rpc_link_frame (self, packed);
  if (framed != NULL)
    packed = framed;

  g_mutex_lock (&self->lock);
  if (!_msgpack_rpc_link_check_sendable (self, packed->size, is_answer, error))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }
  _msgpack_rpc_output_push (&self->output, packed, call);
  _msgpack_rpc_link_count_queued (self);
  _msgpack_rpc_link_update_congestion (self);
  is_home = _msgpack_rpc_reactor_is_home (self->reactor);
  if (is_home)
    corked = _msgpack_rpc_link_cork (self, &write_now);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_link_write_soon (self, is_home, corked, write_now);
  return TRUE;
}

gboolean
_msgpack_rpc_link_send_first (MsgpackRpcLink   *self,
                              MsgpackRpcPacked *packed,
                              MsgpackRpcCall   *call)
{
  g_autoptr(MsgpackRpcPacked) framed = NULL;
  g_autoptr(GMutexLocker) locker = NULL;

  if (MSGPACK_RPC_DEBUG_IS_ON (MESSAGES))
    _msgpack_rpc_link_show_packed (self, packed);
  framed = _msgpack_rpc_link_frame (self, packed);
  if (framed != NULL)
    packed = framed;

  locker = g_mutex_locker_new (&self->lock);
  if (self->state != STATE_CONNECTING)
    return FALSE;

  _msgpack_rpc_output_push_first (&self->output, packed, call);
  _msgpack_rpc_link_count_queued (self);
  _msgpack_rpc_link_update_congestion (self);
  return TRUE;
}

MsgpackRpcDelivery
_msgpack_rpc_link_withdraw (MsgpackRpcLink *self,
                            MsgpackRpcCall *call)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcDelivery delivery = _msgpack_rpc_output_withdraw (&self->output, call);

  _msgpack_rpc_link_update_congestion (self);
  return delivery;
}

gboolean
_msgpack_rpc_link_is_congested (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->congested;
}

gsize
_msgpack_rpc_link_get_queued_bytes (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->output.queued_bytes;
}
