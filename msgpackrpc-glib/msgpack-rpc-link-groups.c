/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-debug-private.h"

/* Messages that have something in common: how many there are of them in the output queue is bounded. */

/* Makes room for a message by dropping others of its group. The lock is held. */
static gboolean
make_room (MsgpackRpcLink         *self,
           gsize                   size,
           MsgpackRpcOutputGroup  *group,
           guint                   max,
           guint                  *n_dropped,
           GError                **error)
{
  g_autoptr(GError) local_error = NULL;

  while (n_dropped != NULL && group->messages.length >= max &&
         _msgpack_rpc_output_drop_oldest (&self->output, group))
    (*n_dropped)++;

  while (!_msgpack_rpc_link_check_sendable (self, size, FALSE, &local_error))
    {
      if (n_dropped == NULL ||
          !g_error_matches (local_error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL) ||
          !_msgpack_rpc_output_drop_oldest (&self->output, group))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }

      (*n_dropped)++;
      g_clear_error (&local_error);
    }

  return TRUE;
}

gboolean
_msgpack_rpc_link_queue (MsgpackRpcLink         *self,
                         MsgpackRpcPacked       *packed,
                         MsgpackRpcOutputGroup  *group,
                         guint                   max,
                         guint                  *n_dropped,
                         guint                  *n_queued,
                         GError                **error)
{
  g_autoptr(MsgpackRpcPacked) framed = NULL;
  g_autoptr(GMutexLocker) locker = NULL;
  gboolean has_room;

  if (MSGPACK_RPC_DEBUG_IS_ON (MESSAGES))
    _msgpack_rpc_link_show_packed (self, packed);
  framed = _msgpack_rpc_link_frame (self, packed);
  if (framed != NULL)
    packed = framed;

  locker = g_mutex_locker_new (&self->lock);
  has_room = make_room (self, packed->size, group, max, n_dropped, error);
  if (has_room)
    _msgpack_rpc_output_push_grouped (&self->output, packed, group);
  *n_queued = group->messages.length;
  _msgpack_rpc_link_count_queued (self);
  _msgpack_rpc_link_update_congestion (self);
  return has_room;
}

void
_msgpack_rpc_link_write_queued (MsgpackRpcLink *self)
{
  gboolean is_home = _msgpack_rpc_reactor_is_home (self->reactor);
  gboolean corked = FALSE, write_now = FALSE;

  g_mutex_lock (&self->lock);
  if (is_home)
    corked = _msgpack_rpc_link_cork (self, &write_now);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_link_write_soon (self, is_home, corked, write_now);
}

gboolean
_msgpack_rpc_link_await_room (MsgpackRpcLink        *self,
                              MsgpackRpcOutputGroup *group,
                              guint                  max,
                              MsgpackRpcCall        *call)
{
  gboolean waits;

  g_mutex_lock (&self->lock);
  waits = _msgpack_rpc_output_mark_room (&self->output, group, max, call);
  g_mutex_unlock (&self->lock);

  /* Whoever ended it meanwhile has not found it in the queue. */
  if (waits && _msgpack_rpc_call_has_ended (call))
    _msgpack_rpc_link_withdraw (self, call);
  return waits;
}

gboolean
_msgpack_rpc_link_is_group_empty (MsgpackRpcLink        *self,
                                  MsgpackRpcOutputGroup *group)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return group->messages.length == 0;
}

void
_msgpack_rpc_link_dissolve (MsgpackRpcLink        *self,
                            MsgpackRpcOutputGroup *group,
                            gboolean               drop)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  _msgpack_rpc_output_dissolve (&self->output, group, drop, calls);
  _msgpack_rpc_link_update_congestion (self);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < calls->len; i++)
    _msgpack_rpc_call_succeed (g_ptr_array_index (calls, i));
}
