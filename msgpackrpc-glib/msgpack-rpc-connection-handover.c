/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* What else a client does with its connections: it opens one later, looks whether the peer is there, and
 * takes from one that ends the calls that go on to the next. */

gboolean
_msgpack_rpc_connection_has_told_end (MsgpackRpcConnection *self)
{
  return self->has_told_end;
}

gboolean
_msgpack_rpc_connection_open_later (MsgpackRpcConnection *self,
                                    gint64                time)
{
  return _msgpack_rpc_link_open_later (self->link, time);
}

void
_msgpack_rpc_connection_hurry (MsgpackRpcConnection *self)
{
  _msgpack_rpc_link_hurry (self->link);
}

/* ---- whether the peer is there ---- */

gboolean
_msgpack_rpc_connection_awaits_replies (MsgpackRpcConnection *self)
{
  return g_atomic_int_get (&self->calls_in_flight) > 0;
}

gboolean
_msgpack_rpc_connection_get_received (MsgpackRpcConnection *self,
                                      gsize                *received)
{
  MsgpackRpcStatistics *statistics = _msgpack_rpc_link_get_statistics (self->link);

  *received = (gsize) g_atomic_pointer_get (
    &statistics->values[MSGPACK_RPC_STATISTIC_RECEIVED_BYTES]);
  return !_msgpack_rpc_link_is_paused (self->link, G_MAXUINT);
}

void
_msgpack_rpc_connection_set_watched (MsgpackRpcConnection *self,
                                     gboolean              watched)
{
  g_atomic_int_set (&self->is_watched, watched);
}

void
_msgpack_rpc_connection_set_overdue (MsgpackRpcConnection *self,
                                     gboolean              overdue)
{
  g_atomic_int_set (&self->is_overdue, overdue);
}

void
_msgpack_rpc_connection_work (MsgpackRpcConnection *self)
{
  _msgpack_rpc_link_work (self->link);
}

/* ---- calls that go on ---- */

typedef struct
{
  gpointer client;
  MsgpackRpcKeep keep;
} Choice;

static gboolean
is_kept (MsgpackRpcCall *call,
         gconstpointer   data)
{
  const Choice *choice = data;

  return _msgpack_rpc_call_is_kept (call, choice->client, choice->keep);
}

/* What waits for this attempt, and for no other. */
static gboolean
fails_with_attempt (MsgpackRpcCall *call,
                    gconstpointer   data)
{
  MsgpackRpcCallKind kind = _msgpack_rpc_call_get_kind (call);

  return (kind == MSGPACK_RPC_CALL_KIND_REQUEST || kind == MSGPACK_RPC_CALL_KIND_NOTIFICATION) &&
         !is_kept (call, data);
}

static gboolean
is_any (MsgpackRpcCall *call G_GNUC_UNUSED,
        gconstpointer   data G_GNUC_UNUSED)
{
  return TRUE;
}

static gboolean
is_request (MsgpackRpcCall *call,
            gconstpointer   data G_GNUC_UNUSED)
{
  return _msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_REQUEST;
}

/* Both at once: a call that is added from here on is still with whoever sends it, who finds that the
 * connection takes no more. */
static GPtrArray *
take_kept (MsgpackRpcConnection    *self,
           gpointer                 client,
           MsgpackRpcKeep           keep,
           MsgpackRpcCallTestFunc   is_rest,
           GPtrArray              **rest)
{
  const Choice choice = { client, keep };
  GPtrArray *calls;

  g_mutex_lock (&self->lock);
  calls = _msgpack_rpc_call_table_take_matching (&self->calls, is_kept, &choice);
  *rest = _msgpack_rpc_call_table_take_matching (&self->calls, is_rest, NULL);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_connection_calls_have_left (self, calls);
  _msgpack_rpc_connection_calls_have_left (self, *rest);
  return calls;
}

GPtrArray *
_msgpack_rpc_connection_take_calls (MsgpackRpcConnection  *self,
                                    MsgpackRpcKeep         keep,
                                    GPtrArray            **rest)
{
  g_autoptr(GObject) client = g_weak_ref_get (&self->client);

  return take_kept (self, client, keep, is_any, rest);
}

void
_msgpack_rpc_connection_adopt (MsgpackRpcConnection *self,
                               MsgpackRpcCall       *call)
{
  _msgpack_rpc_call_set_parked_size (call, 0);
  if (_msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_OPEN)
    _msgpack_rpc_connection_register_call (self, call, 0);
  else
    _msgpack_rpc_connection_submit (self, call);
}

static void
fail_all (GPtrArray    *calls,
          const GError *error)
{
  for (guint i = 0; i < calls->len; i++)
    _msgpack_rpc_call_fail (g_ptr_array_index (calls, i), error);
}

gboolean
_msgpack_rpc_connection_retry (MsgpackRpcConnection *self,
                               gint64                time,
                               const GError         *error)
{
  g_autoptr(GObject) client = g_weak_ref_get (&self->client);
  const Choice choice = { client, MSGPACK_RPC_KEEP_PATIENT };
  g_autoptr(GPtrArray) calls = NULL;

  if (!_msgpack_rpc_link_retry (self->link, time, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  calls = _msgpack_rpc_call_table_take_matching (&self->calls, fails_with_attempt, &choice);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_connection_calls_have_left (self, calls);
  fail_all (calls, error);
  return TRUE;
}

/* Takes back what was queued; whether it still goes on then. */
static gboolean
withdraw (MsgpackRpcConnection *self,
          MsgpackRpcCall       *call,
          gpointer              client,
          MsgpackRpcKeep        keep)
{
  MsgpackRpcDelivery delivery = _msgpack_rpc_link_withdraw (self->link, call);

  /* Not in the queue: written, which it knows, or not sent here at all. */
  if (delivery != MSGPACK_RPC_DELIVERY_SENT)
    _msgpack_rpc_call_set_delivery (call, delivery);
  return _msgpack_rpc_call_is_kept (call, client, keep);
}

/* The peer may still read, but would not answer. */
gboolean
_msgpack_rpc_connection_keep_calls (MsgpackRpcConnection *self,
                                    const GError         *error)
{
  g_autoptr(GObject) client = self->client_funcs != NULL ? g_weak_ref_get (&self->client) : NULL;
  g_autoptr(GPtrArray) kept = NULL;
  g_autoptr(GPtrArray) rest = NULL;
  MsgpackRpcKeep keep;

  if (client == NULL)
    return FALSE;

  keep = self->client_funcs->get_keep (client, self);
  kept = take_kept (self, client, keep, is_request, &rest);
  for (guint i = 0; i < kept->len; i++)
    {
      MsgpackRpcCall *call = g_ptr_array_index (kept, i);

      if (withdraw (self, call, client, keep))
        _msgpack_rpc_connection_put_back_call (self, call, msgpack_rpc_call_get_msgid (call));
      else
        g_ptr_array_add (rest, g_object_ref (call));
    }

  fail_all (rest, error);
  return TRUE;
}
