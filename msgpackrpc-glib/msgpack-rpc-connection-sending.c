/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-message-private.h"

/* How a call gets into the table and the output queue, and out of them. */

MsgpackRpcAftermath
_msgpack_rpc_connection_forget_call (MsgpackRpcConnection *self,
                                     MsgpackRpcCall       *call,
                                     guint32               msgid)
{
  MsgpackRpcDelivery delivery = _msgpack_rpc_link_withdraw (self->link, call);
  MsgpackRpcAftermath aftermath = MSGPACK_RPC_AFTERMATH_NONE;
  gboolean was_there;

  if (G_UNLIKELY (g_atomic_pointer_get (&self->turns) != NULL) &&
      _msgpack_rpc_connection_give_up_turn (self, call, msgid, &delivery))
    aftermath = MSGPACK_RPC_AFTERMATH_NEXT;

  /* Not in the queue: written, or taken out of it by closing, which has said so itself. */
  if (delivery != MSGPACK_RPC_DELIVERY_SENT)
    _msgpack_rpc_call_set_delivery (call, delivery);

  g_mutex_lock (&self->lock);
  was_there = _msgpack_rpc_call_table_forget (&self->calls, call, msgid,
                                              delivery != MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_mutex_unlock (&self->lock);

  if (!was_there || msgid == 0)
    return aftermath;

  _msgpack_rpc_connection_call_has_left (self);
  /* What is neither sent nor in the queue has not come there, or was not handled, as the peer says. */
  if (_msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_CANCEL) &&
      msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_NOT_SENT)
    aftermath |= MSGPACK_RPC_AFTERMATH_CANCEL;
  return aftermath;
}

void
_msgpack_rpc_connection_follow_up (MsgpackRpcConnection *self,
                                   guint32               msgid,
                                   MsgpackRpcAftermath   aftermath)
{
  if (aftermath & MSGPACK_RPC_AFTERMATH_CANCEL)
    _msgpack_rpc_connection_cancel_call (self, msgid);
  if (aftermath & MSGPACK_RPC_AFTERMATH_NEXT)
    _msgpack_rpc_connection_next_turn (self);
}

gboolean
_msgpack_rpc_connection_unregister_call (MsgpackRpcConnection *self,
                                         MsgpackRpcCall       *call,
                                         guint32               msgid)
{
  gboolean was_there;

  g_mutex_lock (&self->lock);
  was_there = _msgpack_rpc_call_table_forget (&self->calls, call, msgid, FALSE);
  g_mutex_unlock (&self->lock);

  if (was_there && msgid != 0)
    _msgpack_rpc_connection_call_has_left (self);
  return was_there;
}

void
_msgpack_rpc_connection_calls_have_left (MsgpackRpcConnection *self,
                                         GPtrArray            *calls)
{
  for (guint i = 0; i < calls->len; i++)
    if (_msgpack_rpc_call_get_kind (g_ptr_array_index (calls, i)) == MSGPACK_RPC_CALL_KIND_REQUEST)
      _msgpack_rpc_connection_call_has_left (self);
}

/* In milliseconds; 0 if the peer is not told. */
static int
get_time_left (MsgpackRpcConnection *self,
               MsgpackRpcCall       *call)
{
  return _msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_DEADLINE)
         ? _msgpack_rpc_call_get_time_left (call) : 0;
}

static MsgpackRpcPacked *
pack_call (MsgpackRpcConnection  *self,
           MsgpackRpcCall        *call,
           guint32                msgid,
           GError               **error)
{
  const char *method = msgpack_rpc_call_get_method (call);
  GVariant *params = msgpack_rpc_call_get_params (call);
  MsgpackRpcPackFlags flags = _msgpack_rpc_link_get_pack_flags (self->link);

  _msgpack_rpc_connection_check_method (self, method);
  if (msgid != 0)
    return _msgpack_rpc_message_pack_request (msgid, method, params, get_time_left (self, call), flags,
                                              error);
  if (!_msgpack_rpc_connection_check_notification (self, method, error))
    return NULL;

  return _msgpack_rpc_message_pack_notification (method, params, flags, error);
}

static void
tell_client_of_call (MsgpackRpcConnection *self)
{
  g_autoptr(GObject) client = NULL;

  if (self->client_funcs == NULL || g_atomic_int_get (&self->is_watched))
    return;

  g_atomic_int_set (&self->is_watched, TRUE);
  client = _msgpack_rpc_connection_ref_client (self);
  if (client != NULL)
    self->client_funcs->awaits_reply (client);
}

gboolean
_msgpack_rpc_connection_put_back_call (MsgpackRpcConnection *self,
                                       MsgpackRpcCall       *call,
                                       guint32               msgid)
{
  g_mutex_lock (&self->lock);
  _msgpack_rpc_call_table_add (&self->calls, call, msgid);
  g_mutex_unlock (&self->lock);

  if (msgid != 0)
    {
      g_atomic_int_inc (&self->calls_in_flight);
      tell_client_of_call (self);
      if (g_atomic_int_get (&self->reading_paused))
        _msgpack_rpc_connection_resume_reading (self);
    }

  /* Whoever ended it meanwhile may not have found it in the table. */
  if (!_msgpack_rpc_call_has_ended (call))
    return TRUE;

  _msgpack_rpc_connection_forget_call (self, call, msgid);
  return FALSE;
}

gboolean
_msgpack_rpc_connection_register_call (MsgpackRpcConnection *self,
                                       MsgpackRpcCall       *call,
                                       guint32               msgid)
{
  /* First: as soon as it is in the table another thread may take it, and bind it to the next connection. */
  if (!_msgpack_rpc_call_bind (call, self, self->link, msgid))
    return FALSE;

  if (msgid != 0)
    {
      _msgpack_rpc_statistics_add (_msgpack_rpc_link_get_statistics (self->link),
                                   MSGPACK_RPC_STATISTIC_CALLS, 1);
      MSGPACK_RPC_DEBUG (CALLS, self->id, msgid, "call “%s” begins",
                         msgpack_rpc_call_get_method (call));
    }
  return _msgpack_rpc_connection_put_back_call (self, call, msgid);
}

static gsize
get_parked_bytes (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->calls.parked_bytes;
}

static guint32
new_msgid (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_call_table_new_id (&self->calls);
}

/* Another thread may have given the call up before its message was queued, and so not told the peer. */
static void
cancel_late (MsgpackRpcConnection *self,
             MsgpackRpcCall       *call,
             guint32               msgid)
{
  MsgpackRpcDelivery delivery;

  if (msgid == 0 || !_msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_CANCEL) ||
      !_msgpack_rpc_call_has_ended (call))
    return;

  delivery = _msgpack_rpc_link_withdraw (self->link, call);
  if (delivery == MSGPACK_RPC_DELIVERY_SENT)
    delivery = msgpack_rpc_call_get_delivery (call);
  if (delivery == MSGPACK_RPC_DELIVERY_SENT || delivery == MSGPACK_RPC_DELIVERY_PARTLY_SENT)
    _msgpack_rpc_connection_cancel_call (self, msgid);
}

/* Whether the call, which is in the table, waits for its turn; ends it with @error otherwise. */
static gboolean
waits_for_turn (MsgpackRpcConnection  *self,
                MsgpackRpcCall        *call,
                guint32                msgid,
                MsgpackRpcPacked      *packed,
                GError               **error)
{
  if (!_msgpack_rpc_connection_await_turn (self, call, msgid, packed, error))
    return FALSE;

  /* Whoever ended it, or the connection, meanwhile may not have found it. */
  if (_msgpack_rpc_call_has_ended (call))
    _msgpack_rpc_connection_forget_call (self, call, msgid);
  else if (_msgpack_rpc_link_has_ended (self->link))
    {
      MsgpackRpcDelivery delivery = MSGPACK_RPC_DELIVERY_SENT;

      _msgpack_rpc_connection_give_up_turn (self, call, msgid, &delivery);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connection is closed"));
      return FALSE;
    }
  return TRUE;
}

/* The entry is in the table before the first byte is queued: a reply always finds its call. */
gboolean
_msgpack_rpc_connection_try_submit (MsgpackRpcConnection *self,
                                    MsgpackRpcCall       *call,
                                    gboolean              may_refuse)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  guint32 msgid = 0;

  if (_msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_REQUEST)
    msgid = new_msgid (self);

  packed = pack_call (self, call, msgid, &error);
  if (packed == NULL)
    {
      _msgpack_rpc_call_fail (call, error);
      return TRUE;
    }

  if (!_msgpack_rpc_connection_register_call (self, call, msgid))
    return TRUE;

  if (msgid != 0 && _msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_SERIAL) &&
      waits_for_turn (self, call, msgid, packed, &error))
    return TRUE;

  if (error == NULL && _msgpack_rpc_link_send (self->link, packed, call, FALSE, &error))
    {
      cancel_late (self, call, msgid);
      return TRUE;
    }

  if (G_UNLIKELY (g_atomic_pointer_get (&self->turns) != NULL))
    _msgpack_rpc_connection_end_turn (self, msgid);
  if (may_refuse && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return !_msgpack_rpc_connection_unregister_call (self, call, msgid);

  _msgpack_rpc_call_fail (call, error);
  return TRUE;
}

void
_msgpack_rpc_connection_submit_first (MsgpackRpcConnection *self,
                                      MsgpackRpcCall       *call)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  guint32 msgid;

  /* There, each waits for those before it. */
  if (_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_SERIAL))
    {
      _msgpack_rpc_connection_submit (self, call);
      return;
    }

  msgid = new_msgid (self);
  packed = pack_call (self, call, msgid, &error);
  if (packed != NULL && (!_msgpack_rpc_connection_register_call (self, call, msgid) ||
                         _msgpack_rpc_link_send_first (self->link, packed, call)))
    return;

  if (error == NULL)
    error = _msgpack_rpc_connection_make_call_error (NULL, TRUE);
  _msgpack_rpc_call_fail (call, error);
}

void
_msgpack_rpc_connection_submit (MsgpackRpcConnection *self,
                                MsgpackRpcCall       *call)
{
  _msgpack_rpc_connection_try_submit (self, call, FALSE);
}

gboolean
_msgpack_rpc_connection_park (MsgpackRpcConnection  *self,
                              MsgpackRpcCall        *call,
                              GError               **error)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  guint32 msgid = 0;

  if (_msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_REQUEST)
    msgid = new_msgid (self);

  packed = pack_call (self, call, msgid, error);
  if (packed == NULL ||
      !_msgpack_rpc_link_check_room (self->link, get_parked_bytes (self), packed->size, error))
    return FALSE;

  _msgpack_rpc_call_set_parked_size (call, packed->size + MSGPACK_RPC_LINK_MESSAGE_COST);
  _msgpack_rpc_connection_register_call (self, call, msgid);
  return TRUE;
}

void
_msgpack_rpc_connection_close (MsgpackRpcConnection *self,
                               MsgpackRpcCloseMode   mode,
                               MsgpackRpcCall       *call)
{
  gboolean registered = _msgpack_rpc_connection_register_call (self, call, 0);

  if (mode == MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE)
    _msgpack_rpc_connection_end_pauses (self);
  /* Also if the call was cancelled before it began. */
  _msgpack_rpc_link_close (self->link, mode, NULL);
  if (registered && _msgpack_rpc_link_has_ended (self->link))
    _msgpack_rpc_call_succeed (call);
}

static void
connection_send_call (MsgpackRpcPeer *peer,
                      MsgpackRpcCall *call)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (peer);

  if (_msgpack_rpc_call_start (call, self, self->reactor,
                               msgpack_rpc_connection_get_default_timeout (self)))
    _msgpack_rpc_connection_submit (self, call);
}

gboolean
_msgpack_rpc_connection_send_notice (MsgpackRpcConnection  *self,
                                     MsgpackRpcNotice      *notice,
                                     GError               **error)
{
  MsgpackRpcPackFlags flags = _msgpack_rpc_link_get_pack_flags (self->link);
  MsgpackRpcPacked *packed;

  _msgpack_rpc_connection_check_method (self, notice->method);
  if (!_msgpack_rpc_connection_check_notification (self, notice->method, error))
    return FALSE;

  packed = _msgpack_rpc_notice_pack (notice, flags, error);
  return packed != NULL && _msgpack_rpc_link_send (self->link, packed, NULL, FALSE, error);
}

static gboolean
connection_send_notification (MsgpackRpcPeer  *peer,
                              const char      *method,
                              GVariant        *params,
                              GError         **error)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (peer);
  MsgpackRpcPackFlags flags = _msgpack_rpc_link_get_pack_flags (self->link);
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  _msgpack_rpc_connection_check_method (self, method);
  if (!_msgpack_rpc_connection_check_notification (self, method, error))
    return FALSE;

  packed = _msgpack_rpc_message_pack_notification (method, params, flags, error);
  return packed != NULL && _msgpack_rpc_link_send (self->link, packed, NULL, FALSE, error);
}

void
_msgpack_rpc_connection_init_peer (MsgpackRpcPeerInterface *iface)
{
  iface->send_call = connection_send_call;
  iface->send_notification = connection_send_notification;
}
