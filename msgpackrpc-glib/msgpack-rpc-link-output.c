/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-call-private.h"

/* How messages are queued, by any thread, and written, by the holder of the I/O. */

/* How many messages one system call writes. */
#define WRITE_VECTORS 64
/* How much may be queued, in bytes. */
#define OUTPUT_LIMIT (64 * 1024 * 1024)
/* About what a queued message takes beside its bytes. */
#define MESSAGE_COST 256
static void
fail_writing (MsgpackRpcLink *self,
              GError         *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->write_failed = TRUE;
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  g_clear_error (&error);
}

/* The stream has taken nothing: what was offered can still be withdrawn. */
static void
give_back_output (MsgpackRpcLink *self,
                  GPtrArray      *sent)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_output_written (&self->output, 0, sent);
}

void
_msgpack_rpc_link_write_output (MsgpackRpcLink *self)
{
  g_autoptr(GPtrArray) sent = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GPtrArray) held = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  gssize n = 0;

  while (n >= 0)
    {
      GOutputVector vectors[WRITE_VECTORS];
      g_autoptr(GError) error = NULL;
      guint n_vectors = 0;

      g_ptr_array_set_size (held, 0);
      g_mutex_lock (&self->lock);
      _msgpack_rpc_output_written (&self->output, (gsize) n, sent);
      if (_msgpack_rpc_link_has_stream (self) && !self->write_failed)
        n_vectors = _msgpack_rpc_output_gather (&self->output, vectors, WRITE_VECTORS,
                                                self->transport->klass->max_output, held);
      g_mutex_unlock (&self->lock);

      for (guint i = 0; i < sent->len; i++)
        _msgpack_rpc_call_written (g_ptr_array_index (sent, i));
      g_ptr_array_set_size (sent, 0);

      if (n_vectors == 0)
        break;

      n = self->transport->klass->writev (self->transport, vectors, n_vectors, &error);
      if (n < 0 && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        fail_writing (self, g_steal_pointer (&error));
      else if (n < 0 && self->transport->klass->max_output == 0)
        give_back_output (self, sent);
    }
}

void
_msgpack_rpc_link_try_write (MsgpackRpcLink *self)
{
  if (!_msgpack_rpc_link_enter_io (self, WANTS_NOTHING))
    return;

  _msgpack_rpc_link_write_output (self);
  _msgpack_rpc_link_leave_io (self);
}

static void
uncork_cb (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  gboolean failed;

  g_mutex_lock (&self->lock);
  self->corked = FALSE;
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_link_try_write (self);

  g_mutex_lock (&self->lock);
  failed = self->write_failed;
  g_mutex_unlock (&self->lock);
  if (failed)
    _msgpack_rpc_link_work (self);
  else
    _msgpack_rpc_link_settle (self);
}

static gboolean
check_sendable (MsgpackRpcLink  *self,
                gsize            size,
                gboolean         is_answer,
                GError         **error)
{
  gboolean open = self->state == STATE_NEW || self->state == STATE_CONNECTING ||
                  self->state == STATE_CONNECTED || (self->state == STATE_HALF_CLOSED && is_answer);
  gsize used = self->output.queued_bytes + self->output.messages.length * (gsize) MESSAGE_COST;

  if (!open)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
                           self->state == STATE_ENDED ? _("The connection is closed")
                                                      : _("The connection is closing"));
      return FALSE;
    }

  if (size > OUTPUT_LIMIT - MIN (used, OUTPUT_LIMIT))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL,
                   _("The output queue holds %zu bytes, and %zu more would exceed its limit of %d"),
                   used, size, OUTPUT_LIMIT);
      return FALSE;
    }

  return TRUE;
}

/* The first message in a turn of the loop is written at once, for others in the same turn it
 * would cost a system call each; so does what handlers send while the reactor dispatches. */
static gboolean
cork (MsgpackRpcLink *self,
      gboolean       *write_now)
{
  *write_now = FALSE;
  if (self->corked || !_msgpack_rpc_link_has_stream (self))
    return FALSE;

  self->corked = TRUE;
  *write_now = !_msgpack_rpc_reactor_is_dispatching (self->reactor);
  return TRUE;
}

gboolean
_msgpack_rpc_link_send (MsgpackRpcLink  *self,
                        GBytes          *bytes,
                        MsgpackRpcCall  *call,
                        gboolean         is_answer,
                        GError         **error)
{
  gboolean write_now, corked;

  g_return_val_if_fail (MSGPACK_RPC_IS_LINK (self), FALSE);

  g_mutex_lock (&self->lock);
  if (!check_sendable (self, g_bytes_get_size (bytes), is_answer, error))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }
  _msgpack_rpc_output_push (&self->output, bytes, call);
  corked = cork (self, &write_now);
  g_mutex_unlock (&self->lock);

  if (corked)
    _msgpack_rpc_reactor_cork (self->reactor, uncork_cb, G_OBJECT (self));
  if (write_now)
    _msgpack_rpc_link_try_write (self);
  return TRUE;
}

MsgpackRpcDelivery
_msgpack_rpc_link_withdraw (MsgpackRpcLink *self,
                            MsgpackRpcCall *call)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_output_withdraw (&self->output, call);
}

gsize
_msgpack_rpc_link_get_queued_bytes (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->output.queued_bytes;
}
