/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-unpacker-private.h"

/* How the bytes of the peer come in: by the holder of the I/O. */

/* How much one dispatch reads of one link. */
#define READ_SIZE (64 * 1024)
/* After how many messages the clock is looked at. */
#define CLOCK_INTERVAL 16
/* How much of what a vanished peer left is still read. */
#define LEFTOVER_READS 256

/* The turn is over. Another thread may wait for what is in the unpacker. */
static void
parse_later (MsgpackRpcLink *self,
             gpointer        owner)
{
  self->funcs->more_input (owner);

  g_mutex_lock (&self->lock);
  _msgpack_rpc_link_wake_waiters (self);
  g_mutex_unlock (&self->lock);
}

/* A connection that is idle has no unpacker, which would be most of its memory: each thread has one
 * for whatever link it works on. */
static GPrivate spare_unpacker = G_PRIVATE_INIT (g_object_unref);

static void
take_unpacker (MsgpackRpcLink *self)
{
  self->unpacker = g_private_get (&spare_unpacker);
  g_private_set (&spare_unpacker, NULL);

  if (self->unpacker == NULL)
    {
      self->unpacker = msgpack_rpc_unpacker_new ();
      _msgpack_rpc_unpacker_set_require_array (self->unpacker, TRUE);
    }
  _msgpack_rpc_unpacker_reuse (self->unpacker, self->input_offset);
}

void
_msgpack_rpc_link_rest_input (MsgpackRpcLink *self)
{
  if (self->unpacker == NULL || !_msgpack_rpc_unpacker_is_reusable (self->unpacker))
    return;

  self->input_offset = msgpack_rpc_unpacker_get_offset (self->unpacker);
  g_private_replace (&spare_unpacker, g_steal_pointer (&self->unpacker));
}

/* What it is told may have changed since the last time. */
static void
set_up_unpacker (MsgpackRpcLink *self)
{
  MsgpackRpcStringPolicy policy = _msgpack_rpc_settings_get_string_policy (self->settings);
  guint size = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE);

  if (g_atomic_int_get (&self->is_pending))
    size = MIN (size, _msgpack_rpc_limits_get (self->limits,
                                               MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE));

  if (self->unpacker == NULL)
    take_unpacker (self);
  msgpack_rpc_unpacker_set_string_policy (self->unpacker, policy);
  _msgpack_rpc_unpacker_set_framed (
      self->unpacker,
      _msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_FRAMED));
  _msgpack_rpc_unpacker_set_limits (
      self->unpacker, size,
      _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE),
      _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_DEPTH));
}

void
_msgpack_rpc_link_set_early_input (MsgpackRpcLink *self,
                                   GBytes         *input)
{
  g_assert (self->early_input == NULL);
  self->early_input = g_bytes_ref (input);
}

/* Whether nothing of what comes may be delivered at the moment. */
static gboolean
is_kept (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->paused != 0 || !_msgpack_rpc_link_has_stream (self);
}

static void
take_early_input (MsgpackRpcLink *self)
{
  gsize size = g_bytes_get_size (self->early_input);

  _msgpack_rpc_statistics_add (self->statistics, MSGPACK_RPC_STATISTIC_RECEIVED_BYTES, size);
  msgpack_rpc_unpacker_feed_bytes (self->unpacker, self->early_input);
  g_clear_pointer (&self->early_input, g_bytes_unref);
}

gboolean
_msgpack_rpc_link_parse_input (MsgpackRpcLink *self,
                               gpointer        owner)
{
  if (self->funcs->bytes != NULL)
    return !is_kept (self);

  set_up_unpacker (self);
  if (self->early_input != NULL)
    take_early_input (self);

  for (guint n = 1;; n++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GBytes) message = NULL;
      guint64 before = _msgpack_rpc_unpacker_get_message_offset (self->unpacker);

      if (is_kept (self))
        return FALSE;

      message = _msgpack_rpc_unpacker_next_array (self->unpacker, &error);
      if (error != NULL)
        {
          _msgpack_rpc_link_fail (self, error);
          return FALSE;
        }
      if (message == NULL)
        return TRUE;

      self->funcs->message (owner, message,
                            msgpack_rpc_unpacker_get_offset (self->unpacker) - before);
      if (n % CLOCK_INTERVAL == 0 && self->turn_end != 0 &&
          g_get_monotonic_time () >= self->turn_end)
        {
          parse_later (self, owner);
          return FALSE;
        }
    }
}

static void
end_of_input (MsgpackRpcLink *self,
              gpointer        owner)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) reason = NULL;
  gboolean half_closed = FALSE;

  if (self->unpacker != NULL && !msgpack_rpc_unpacker_finish (self->unpacker, &error))
    {
      _msgpack_rpc_link_end (self, error);
      return;
    }

  g_mutex_lock (&self->lock);
  self->input_ended = TRUE;
  if (self->state == STATE_CONNECTED || self->state == STATE_DISMISSED)
    {
      reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                                    _("The peer closed the connection"));
      _msgpack_rpc_link_set_state (self, STATE_HALF_CLOSED, reason);
      half_closed = TRUE;
    }
  g_mutex_unlock (&self->lock);

  /* A link that is closing goes on writing. */
  if (half_closed)
    self->funcs->input_ended (owner);
}

gboolean
_msgpack_rpc_link_read_input (MsgpackRpcLink *self,
                              gpointer        owner)
{
  static GPrivate scratch_key = G_PRIVATE_INIT (g_free);
  g_autoptr(GError) error = NULL;
  guint8 *scratch = g_private_get (&scratch_key);
  gsize size = READ_SIZE;
  guint8 *space = NULL;
  gssize n;

  if (self->unpacker != NULL)
    space = _msgpack_rpc_unpacker_get_space (self->unpacker, &size);

  if (scratch == NULL)
    {
      scratch = g_malloc (READ_SIZE);
      g_private_set (&scratch_key, scratch);
    }

  n = self->transport->klass->read (self->transport, space != NULL ? space : scratch, size,
                                    &error);
  if (n > 0)
    {
      gboolean all_parsed;

      self->goes_on = TRUE;
      MSGPACK_RPC_DEBUG (IO, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "read %zd bytes, thread %s", n,
                         _msgpack_rpc_debug_get_thread ((char[16]) { "" }));
      _msgpack_rpc_statistics_add (self->statistics, MSGPACK_RPC_STATISTIC_RECEIVED_BYTES,
                                   (gsize) n);
      if (self->funcs->bytes != NULL)
        {
          g_autoptr(GBytes) bytes = g_bytes_new (scratch, (gsize) n);

          self->funcs->bytes (owner, bytes);
          return TRUE;
        }
      if (space != NULL)
        _msgpack_rpc_unpacker_commit (self->unpacker, (gsize) n);
      else
        _msgpack_rpc_unpacker_lend (self->unpacker, scratch, (gsize) n);

      all_parsed = _msgpack_rpc_link_parse_input (self, owner);
      _msgpack_rpc_unpacker_keep (self->unpacker);
      return all_parsed;
    }

  if (n == 0)
    MSGPACK_RPC_DEBUG (IO, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "read the end of the stream");
  if (n == 0)
    end_of_input (self, owner);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    _msgpack_rpc_link_end (self, error);
  return FALSE;
}

gboolean
_msgpack_rpc_link_may_read (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_link_reads_input (self);
}

void
_msgpack_rpc_link_set_pending (MsgpackRpcLink *self,
                               gboolean        pending)
{
  g_atomic_int_set (&self->is_pending, pending);
}

static gboolean
waits_to_read (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return (self->state == STATE_CONNECTED || self->state == STATE_DISMISSED) && self->paused != 0;
}

void
_msgpack_rpc_link_read_leftovers (MsgpackRpcLink *self,
                                  gpointer        owner)
{
  gboolean failed;

  g_mutex_lock (&self->lock);
  failed = self->write_failed && _msgpack_rpc_link_has_stream (self);
  g_mutex_unlock (&self->lock);
  if (!failed)
    return;

  self->turn_end = 0;
  _msgpack_rpc_link_parse_input (self, owner);
  for (guint i = 0; i < LEFTOVER_READS && _msgpack_rpc_link_may_read (self); i++)
    if (!_msgpack_rpc_link_read_input (self, owner))
      break;
  if (!waits_to_read (self))
    _msgpack_rpc_link_end (self, NULL);
}

gboolean
_msgpack_rpc_link_set_paused (MsgpackRpcLink  *self,
                              MsgpackRpcPause  reason,
                              gboolean         paused)
{
  guint before;

  g_return_val_if_fail (MSGPACK_RPC_IS_LINK (self), FALSE);

  g_mutex_lock (&self->lock);
  before = self->paused;
  /* Answers that cannot be sent are not waited for. */
  if (!paused || reason != MSGPACK_RPC_PAUSE_FULL || !self->write_failed)
    self->paused = paused ? before | reason : before & ~(guint) reason;
  if ((before != 0) != (self->paused != 0))
    MSGPACK_RPC_DEBUG (STATUS, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "reading %s",
                       paused ? "pauses" : "goes on");
  if (before != 0 && self->paused == 0 && self->state != STATE_ENDED)
    {
      _msgpack_rpc_link_update_ports (self);
      _msgpack_rpc_link_wake_waiters (self);
      /* Messages that have come already are waiting in the unpacker. */
      _msgpack_rpc_link_work_later (self);
    }
  else if (before != self->paused && self->state != STATE_ENDED)
    _msgpack_rpc_link_update_ports (self);
  g_mutex_unlock (&self->lock);

  return ((before & reason) != 0) != paused;
}

gboolean
_msgpack_rpc_link_is_paused (MsgpackRpcLink  *self,
                             MsgpackRpcPause  reason)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return (self->paused & reason) != 0;
}
