/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-halt-private.h"

#include "msgpack-rpc-channel-private.h"

void
_msgpack_rpc_halt_init (MsgpackRpcHalt *self)
{
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->channel, NULL);
}

void
_msgpack_rpc_halt_clear (MsgpackRpcHalt *self)
{
  g_weak_ref_clear (&self->channel);
  g_mutex_clear (&self->lock);
}

void
_msgpack_rpc_halt_set_channel (MsgpackRpcHalt    *self,
                               MsgpackRpcChannel *channel)
{
  g_weak_ref_set (&self->channel, channel);
}

void
_msgpack_rpc_halt_pause (MsgpackRpcHalt *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->is_on = !self->was_resumed;
  self->was_resumed = FALSE;
}

void
_msgpack_rpc_halt_resume (MsgpackRpcHalt *self)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;

  g_mutex_lock (&self->lock);
  self->was_resumed = !self->is_on;
  self->is_on = FALSE;
  g_mutex_unlock (&self->lock);

  channel = g_weak_ref_get (&self->channel);
  if (channel != NULL)
    _msgpack_rpc_channel_resume_coders (channel);
}

gboolean
_msgpack_rpc_halt_is_on (MsgpackRpcHalt *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_on;
}
