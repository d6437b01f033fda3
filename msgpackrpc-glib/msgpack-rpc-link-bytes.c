/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

/* For owners that make bytes of messages themselves: which bytes belong together, how far they got. */

gboolean
_msgpack_rpc_link_check_open (MsgpackRpcLink  *self,
                              GError         **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_link_check_sendable (self, 0, TRUE, error);
}

gboolean
_msgpack_rpc_link_push_chunk (MsgpackRpcLink *self,
                              GBytes         *chunk,
                              gboolean        goes_on)
{
  g_autoptr(MsgpackRpcPacked) packed = _msgpack_rpc_packed_new (g_bytes_ref (chunk), NULL);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state == STATE_ENDED)
    return FALSE;

  _msgpack_rpc_output_push_chunk (&self->output, packed, goes_on);
  _msgpack_rpc_link_update_congestion (self);
  return TRUE;
}

void
_msgpack_rpc_link_write_chunks (MsgpackRpcLink *self)
{
  gboolean is_home, corked = FALSE, write_now = FALSE;

  g_mutex_lock (&self->lock);
  is_home = _msgpack_rpc_reactor_is_home (self->reactor);
  if (is_home)
    corked = _msgpack_rpc_link_cork (self, &write_now);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_link_write_soon (self, is_home, corked, write_now);
}

guint64
_msgpack_rpc_link_begin_closing (MsgpackRpcLink      *self,
                                 MsgpackRpcCloseMode  mode)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!_msgpack_rpc_link_has_stream (self))
    return G_MAXUINT64;

  _msgpack_rpc_link_start_closing (self, mode);
  return self->output.position->written + self->output.queued_bytes;
}

guint64
_msgpack_rpc_link_get_written (MsgpackRpcLink *self,
                               guint64        *begun)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *begun = self->output.position->begun;
  return self->output.position->written;
}
