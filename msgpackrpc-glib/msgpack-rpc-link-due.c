/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

/* When the owner wants to be called: by the reactor's context, or by a thread that waits. */

void
_msgpack_rpc_link_call_at (MsgpackRpcLink *self,
                           gint64          time)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state == STATE_ENDED)
    return;

  self->due_time = time;
  _msgpack_rpc_reactor_start_timer (self->reactor, &self->due_timer, time);
  _msgpack_rpc_link_wake_others (self);
}

/* Each time once, whoever sees it first. */
static gboolean
take_due (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (g_get_monotonic_time () < self->due_time)
    return FALSE;

  self->due_time = G_MAXINT64;
  return TRUE;
}

void
_msgpack_rpc_link_check_due (gpointer link)
{
  MsgpackRpcLink *self = link;
  g_autoptr(GObject) owner = NULL;

  if (!take_due (self))
    return;

  owner = _msgpack_rpc_link_ref_owner (self);
  if (owner != NULL)
    self->funcs->due (owner);
}
