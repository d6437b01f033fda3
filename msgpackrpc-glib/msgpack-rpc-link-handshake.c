/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include <glib/gi18n-lib.h>

/* How long the peer may take to agree on how to encrypt. The stream does that by itself when it is
 * read from and written to. */

/* Unless the link ends. */
static void
start_timer (MsgpackRpcLink *self,
             GIOStream      *stream)
{
  gint64 deadline = _msgpack_rpc_limits_get_deadline (self->limits,
                                                      MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (deadline == G_MAXINT64 || self->state == STATE_ENDED)
    return;

  self->handshake = g_object_ref (stream);
  _msgpack_rpc_reactor_start_timer (self->reactor, &self->handshake_timer, deadline);
}

void
_msgpack_rpc_link_check_handshake (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  gboolean paused;

  /* It may have been us who did nothing. */
  _msgpack_rpc_link_work (self);

  g_mutex_lock (&self->lock);
  stream = g_steal_pointer (&self->handshake);
  paused = self->paused != 0;
  g_mutex_unlock (&self->lock);

  if (stream == NULL || _msgpack_rpc_transport_has_shaken_hands (stream))
    return;
  if (paused)
    {
      start_timer (self, stream);
      return;
    }

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       _("The peer has not finished the TLS handshake within %u milliseconds"),
                       _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT));
  _msgpack_rpc_link_end (self, error);
}

void
_msgpack_rpc_link_expect_handshake (MsgpackRpcLink *self,
                                    GIOStream      *stream)
{
  if (!_msgpack_rpc_transport_has_shaken_hands (stream))
    start_timer (self, stream);
}
