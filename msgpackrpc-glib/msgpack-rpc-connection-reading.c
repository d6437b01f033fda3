/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* When a connection stops reading, since too much waits already: for a handler, or for an answer. */

/* Messages that may wait to be handled before reading stops. */
#define MAX_UNDELIVERED 256

int
_msgpack_rpc_connection_get_max_requests (MsgpackRpcConnection *self)
{
  return (int) _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT);
}

/* What waiting messages may take up before the next one ends the connection, in bytes. It is reached
 * only while a call of ours keeps reading going: */
gsize
_msgpack_rpc_connection_get_max_held (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES);
}

/* else reading stops from here on. */
static gsize
many_held_bytes (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_connection_get_max_held (self) / 4;
}

gboolean
_msgpack_rpc_connection_has_room (MsgpackRpcConnection *self)
{
  return g_atomic_int_get (&self->undelivered) < MAX_UNDELIVERED &&
         (gsize) g_atomic_pointer_get (&self->held_bytes) < many_held_bytes (self);
}

/* Whoever runs the context makes room by that; other places may take any time. */
static gboolean
is_held_up (MsgpackRpcConnection *self)
{
  return g_atomic_int_get (&self->waiting) > 0 && !_msgpack_rpc_connection_has_room (self);
}

/* Enough to read on, after a pause. */
static gboolean
has_much_room (MsgpackRpcConnection *self)
{
  int max = _msgpack_rpc_connection_get_max_requests (self);

  if (g_atomic_int_get (&self->requests_in_flight) > max / 2)
    return FALSE;

  return g_atomic_int_get (&self->waiting) == 0 ||
         (g_atomic_int_get (&self->undelivered) <= MAX_UNDELIVERED / 2 &&
          (gsize) g_atomic_pointer_get (&self->held_bytes) <= many_held_bytes (self) / 2);
}

void
_msgpack_rpc_connection_resume_reading (MsgpackRpcConnection *self)
{
  g_atomic_int_set (&self->reading_paused, FALSE);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_FULL, FALSE);
}

/* Other threads may have made room, or made a call, before they could find that reading pauses. */
void
_msgpack_rpc_connection_pause_reading (MsgpackRpcConnection *self)
{
  g_atomic_int_set (&self->reading_paused, TRUE);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_FULL, TRUE);
  if (has_much_room (self) || g_atomic_int_get (&self->calls_in_flight) > 0)
    _msgpack_rpc_connection_resume_reading (self);
}

void
_msgpack_rpc_connection_made_room (MsgpackRpcConnection *self)
{
  if (g_atomic_int_get (&self->reading_paused) && has_much_room (self))
    _msgpack_rpc_connection_resume_reading (self);
}

/* A call of ours waits no more. Only for its reply was reading going on. */
void
_msgpack_rpc_connection_call_has_left (MsgpackRpcConnection *self)
{
  int max = _msgpack_rpc_connection_get_max_requests (self);

  if (g_atomic_int_dec_and_test (&self->calls_in_flight) &&
      (g_atomic_int_get (&self->requests_in_flight) >= max || is_held_up (self)))
    _msgpack_rpc_connection_pause_reading (self);
}

void
_msgpack_rpc_connection_hold_message (MsgpackRpcConnection *self,
                                      gsize                 size)
{
  g_atomic_int_inc (&self->undelivered);
  g_atomic_pointer_add (&self->held_bytes, (gssize) size);
  _msgpack_rpc_link_charge_held (self->link, &self->held_bytes);
}

void
_msgpack_rpc_connection_release_message (MsgpackRpcConnection *self,
                                         gsize                 size)
{
  int undelivered = g_atomic_int_add (&self->undelivered, -1);
  gsize many = many_held_bytes (self);
  gsize held = (gsize) g_atomic_pointer_add (&self->held_bytes, -(gssize) size);

  _msgpack_rpc_link_charge_held (self->link, &self->held_bytes);
  _msgpack_rpc_connection_made_room (self);
  /* Not every stream tells again that there is something to read. */
  if (undelivered == MAX_UNDELIVERED || (held >= many && held - size < many))
    _msgpack_rpc_connection_read_on (self);
}

void
_msgpack_rpc_connection_begin_waiting (MsgpackRpcConnection *self,
                                       gsize                 size)
{
  g_atomic_int_inc (&self->waiting);
  _msgpack_rpc_connection_hold_message (self, size);
  if (is_held_up (self) && g_atomic_int_get (&self->calls_in_flight) == 0)
    _msgpack_rpc_connection_pause_reading (self);
}

void
_msgpack_rpc_connection_end_waiting (MsgpackRpcConnection *self,
                                     gsize                 size)
{
  g_atomic_int_add (&self->waiting, -1);
  _msgpack_rpc_connection_release_message (self, size);
}
