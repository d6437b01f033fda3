/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include <sys/ioctl.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

/* How one end of a stream takes leave of the other, so that both know what was handled. */

/* How often a link that lingers looks whether all has arrived, in microseconds: first, and when it
 * has been waiting for a while. */
#define MIN_INTERVAL 1000
#define MAX_INTERVAL 250000

void
_msgpack_rpc_link_wait_for_peer (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->waits_for_peer = TRUE;
}

gboolean
_msgpack_rpc_link_dismiss (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state != STATE_CONNECTED)
    return FALSE;

  _msgpack_rpc_link_set_state (self, STATE_DISMISSED, NULL);
  return TRUE;
}

#ifdef SIOCOUTQ

/* What is in a UNIX socket or a pipe is with the peer already. */
static gboolean
is_under_way (GIOStream *stream)
{
  GSocket *socket = _msgpack_rpc_transport_get_socket (stream);
  int n_bytes = 0;

  if (socket == NULL || g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX)
    return FALSE;

  return ioctl (g_socket_get_fd (socket), SIOCOUTQ, &n_bytes) == 0 && n_bytes > 0;
}

#else

static gboolean
is_under_way (GIOStream *stream G_GNUC_UNUSED)
{
  return FALSE;
}

#endif

/* Longer the longer it has been waiting; whoever reads little reads more in one go. */
static gint64
get_interval (MsgpackRpcLink *self)
{
  guint timeout = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT);
  gint64 begun = self->close_deadline - timeout * G_GINT64_CONSTANT (1000);

  if (self->close_deadline == G_MAXINT64)
    return MAX_INTERVAL;

  return CLAMP ((g_get_monotonic_time () - begun) / 2, MIN_INTERVAL, MAX_INTERVAL);
}

gboolean
_msgpack_rpc_link_lingers (MsgpackRpcLink *self)
{
  if (!self->waits_for_peer || self->input_ended || self->write_failed || self->transport == NULL ||
      !is_under_way (self->transport->stream))
    return FALSE;

  /* Nothing is queued, so that this timer has nothing else to do. */
  self->stall_timer_runs = TRUE;
  _msgpack_rpc_reactor_start_timer (self->reactor, &self->stall_timer,
                                    g_get_monotonic_time () + get_interval (self));
  return TRUE;
}

gint64
_msgpack_rpc_link_get_close_deadline (MsgpackRpcLink *self)
{
  if (!self->waits_for_peer || !_msgpack_rpc_output_is_empty (&self->output))
    return self->close_deadline;

  return MIN (self->close_deadline, g_get_monotonic_time () + get_interval (self));
}
