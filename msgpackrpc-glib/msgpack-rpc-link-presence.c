/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

/* Whether there is still a peer to answer, while reading pauses for its requests: the end of the stream
 * is behind what is not read, and those who wait for an answer to be given may wait for long.
 *
 * A descriptor that is polled for nothing tells when nobody is at its other end. That the peer has only
 * stopped sending is not among that: it may still read its answers. */

int
_msgpack_rpc_link_get_hangup_fd (MsgpackRpcLink *self)
{
  gboolean watches = self->paused == MSGPACK_RPC_PAUSE_FULL && self->transport != NULL &&
                     (self->state == STATE_CONNECTED || self->state == STATE_DISMISSED) &&
                     self->transport->klass->get_hangup_fd != NULL;

  return watches ? self->transport->klass->get_hangup_fd (self->transport) : -1;
}

void
_msgpack_rpc_link_lose_peer (MsgpackRpcLink *self)
{
  self->write_failed = TRUE;
  self->paused &= ~(guint) MSGPACK_RPC_PAUSE_FULL;
}

gboolean
_msgpack_rpc_link_has_lost_peer (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->write_failed;
}

void
_msgpack_rpc_link_look_for_peer (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPollFD fd = { .fd = _msgpack_rpc_link_get_hangup_fd (self) };

  /* Nothing else would tell again of what made us look. */
  if (self->paused != 0 && self->ports[0] == NULL)
    self->input_waits = TRUE;
  if (fd.fd < 0 || g_poll (&fd, 1, 0) <= 0)
    return;

  MSGPACK_RPC_DEBUG (STATUS, self->id, MSGPACK_RPC_DEBUG_NO_MSGID,
                     "the peer has gone while reading pauses");
  _msgpack_rpc_link_lose_peer (self);
}
