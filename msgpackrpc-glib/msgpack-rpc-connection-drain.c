/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-value.h"

/* How a connection is drained: what the peer has asked for is answered, nothing else is begun, and
 * both ends know which is which. */

/* ---- the end that closes ---- */

MsgpackRpcDrain *
_msgpack_rpc_connection_get_drain (MsgpackRpcConnection *self)
{
  return g_atomic_pointer_get (&self->drain);
}

/* Those that will be answered. One that is being answered now may be among them, as its answer is
 * queued before it leaves the list. The lock is held. */
static GVariant *
list_requests (MsgpackRpcConnection *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (GList *item = self->invocations.head; item != NULL; item = item->next)
    {
      g_autoptr(GVariant) id = NULL;

      id = _msgpack_rpc_piece_copy (_msgpack_rpc_invocation_get_msgid_piece (item->data));
      g_variant_builder_add (&builder, "v", id);
    }
  _msgpack_rpc_connection_list_held_answers (self, &builder);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Some peers close, or fail, when they get a reply to nothing, before they have got all their answers:
 * whoever names a dialect has such a peer. */
static gboolean
takes_goodbye (MsgpackRpcConnection *self)
{
  MsgpackRpcProfile profile = msgpack_rpc_connection_get_profile (self);

  return profile == MSGPACK_RPC_PROFILE_TOLERANT || profile == MSGPACK_RPC_PROFILE_BOOLEAN_ERROR;
}

/* NULL if nothing is to be said, as when the application handles requests that nobody else knows of. The
 * lock is held. */
static MsgpackRpcPacked *
make_goodbye (MsgpackRpcConnection *self)
{
  g_autoptr(GVariant) ids = NULL;

  if (self->n_shown > 0 || !takes_goodbye (self))
    return NULL;

  ids = list_requests (self);
  return _msgpack_rpc_drain_pack_goodbye (msgpack_rpc_connection_get_profile (self),
                                          _msgpack_rpc_settings_get_pack_flags (self->settings), ids);
}

void
_msgpack_rpc_connection_close_drained (MsgpackRpcConnection *self)
{
  MsgpackRpcDrain *drain = _msgpack_rpc_connection_get_drain (self);

  if (drain != NULL && g_atomic_int_get (&self->has_said_goodbye) &&
      g_atomic_int_get (&self->requests_in_flight) == 0)
    _msgpack_rpc_link_close (self->link, _msgpack_rpc_drain_get_mode (drain), NULL);
}

void
_msgpack_rpc_connection_drain (MsgpackRpcConnection *self,
                               MsgpackRpcDrain      *drain)
{
  g_autoptr(MsgpackRpcPacked) goodbye = NULL;
  gboolean is_new;

  /* From here on no request is begun: each is in the list, or is refused. */
  g_mutex_lock (&self->lock);
  is_new = self->drain == NULL;
  if (is_new)
    {
      goodbye = make_goodbye (self);
      g_atomic_pointer_set (&self->drain, _msgpack_rpc_drain_ref (drain));
    }
  g_mutex_unlock (&self->lock);

  if (is_new)
    _msgpack_rpc_link_wait_for_peer (self->link);
  if (goodbye != NULL)
    _msgpack_rpc_link_send (self->link, goodbye, NULL, TRUE, NULL);
  /* Whoever answers the last request meanwhile leaves it to this thread to close. */
  if (is_new)
    g_atomic_int_set (&self->has_said_goodbye, TRUE);
  _msgpack_rpc_connection_close_drained (self);
}

void
_msgpack_rpc_connection_cut_off (MsgpackRpcConnection *self,
                                 const GError         *error)
{
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
}

gboolean
_msgpack_rpc_connection_begin_request (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->drain != NULL)
    return FALSE;

  self->n_shown++;
  return TRUE;
}

void
_msgpack_rpc_connection_give_back_request (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_shown--;
}

static gboolean
has_request (MsgpackRpcConnection  *self,
             const MsgpackRpcPiece *msgid)
{
  for (GList *item = self->invocations.head; item != NULL; item = item->next)
    if (_msgpack_rpc_piece_is_same_id (_msgpack_rpc_invocation_get_msgid_piece (item->data), msgid))
      return TRUE;

  return FALSE;
}

/* Whether another request has the id that is not answered yet. Most peers count upwards, so that it is
 * hardly ever looked for. The lock is held. */
static gboolean
is_duplicate (MsgpackRpcConnection  *self,
              const MsgpackRpcPiece *msgid)
{
  gint64 number;

  if (_msgpack_rpc_piece_get_int (msgid, &number) &&
      (self->invocations.head == NULL || number > self->highest_request))
    {
      self->highest_request = number;
      return FALSE;
    }

  return has_request (self, msgid);
}

gboolean
_msgpack_rpc_connection_track (MsgpackRpcConnection *self,
                               MsgpackRpcInvocation *invocation,
                               gboolean             *has_duplicate)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GList *link = _msgpack_rpc_invocation_get_tracked (invocation);

  if (self->drain != NULL)
    return FALSE;

  *has_duplicate = is_duplicate (self, _msgpack_rpc_invocation_get_msgid_piece (invocation));
  link->data = invocation;
  g_queue_push_tail_link (&self->invocations, link);
  return TRUE;
}

/* ---- for who waits for the end ---- */

MsgpackRpcCall *
_msgpack_rpc_connection_await_end (MsgpackRpcConnection *self,
                                   int                   timeout)
{
  MsgpackRpcCall *call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_END, NULL, NULL);
  gboolean is_over;

  msgpack_rpc_call_set_timeout (call, timeout);
  msgpack_rpc_call_set_serves_while_waiting (call, TRUE);
  _msgpack_rpc_call_start (call, self, self->reactor, G_MAXINT);
  if (!_msgpack_rpc_connection_register_call (self, call, 0))
    return call;

  g_mutex_lock (&self->lock);
  is_over = self->has_posted_end;
  g_mutex_unlock (&self->lock);
  if (is_over)
    _msgpack_rpc_call_succeed (call);
  return call;
}

gconstpointer
_msgpack_rpc_connection_get_lane (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_link_get_lane (self->link);
}

/* ---- the other end ---- */

static GPtrArray *
take_unhandled (MsgpackRpcConnection *self,
                GVariant             *ids)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_call_table_get_requests_but (&self->calls, ids);
}

/* Whether a client has it wait for its next connection. */
static gboolean
is_kept (MsgpackRpcConnection *self,
         MsgpackRpcCall       *call)
{
  g_autoptr(GObject) client = NULL;

  if (self->client_funcs == NULL)
    return FALSE;

  client = g_weak_ref_get (&self->client);
  return client != NULL &&
         _msgpack_rpc_call_is_kept (call, client, self->client_funcs->get_keep (client, self));
}

/* It is as if it had never left. */
static void
take_back (MsgpackRpcConnection *self,
           MsgpackRpcCall       *call)
{
  _msgpack_rpc_link_withdraw (self->link, call);
  _msgpack_rpc_call_undo_delivery (call);
}

static void
end_unhandled (MsgpackRpcCall *call)
{
  g_autoptr(GError) error = NULL;

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                               _("The peer is closing the connection, and has not handled the call"));
  _msgpack_rpc_call_fail (call, error);
}

gboolean
_msgpack_rpc_connection_take_goodbye (MsgpackRpcConnection    *self,
                                      const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) ids = _msgpack_rpc_drain_parse_goodbye (message);
  g_autoptr(GPtrArray) calls = NULL;

  if (ids == NULL)
    return FALSE;

  /* Before: no call comes afterwards. */
  _msgpack_rpc_link_dismiss (self->link);
  calls = take_unhandled (self, ids);
  for (guint i = 0; i < calls->len; i++)
    {
      MsgpackRpcCall *call = g_ptr_array_index (calls, i);

      take_back (self, call);
      if (!is_kept (self, call))
        end_unhandled (call);
    }
  return TRUE;
}

gboolean
_msgpack_rpc_connection_take_refusal (MsgpackRpcConnection    *self,
                                      MsgpackRpcCall          *call,
                                      guint32                  msgid,
                                      const MsgpackRpcMessage *message)
{
  if (!_msgpack_rpc_drain_is_refusal (message))
    return FALSE;

  take_back (self, call);
  if (!is_kept (self, call))
    {
      end_unhandled (call);
      return TRUE;
    }

  /* It is nobody's any more if the link has ended meanwhile, and who took the calls did not find it. */
  if (_msgpack_rpc_connection_put_back_call (self, call, msgid) &&
      _msgpack_rpc_link_has_ended (self->link) &&
      _msgpack_rpc_connection_unregister_call (self, call, msgid))
    end_unhandled (call);
  return TRUE;
}
