/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-dispatcher-private.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-timers-private.h"

/* How many times the size of an answer may be kept of its request. */
#define MAX_KEPT 4

static void
count (MsgpackRpcConnection *self,
       MsgpackRpcStatistic   statistic)
{
  _msgpack_rpc_statistics_add (_msgpack_rpc_link_get_statistics (self->link), statistic, 1);
}

static void
post_item (MsgpackRpcConnection *self,
           MsgpackRpcItem       *item)
{
  if (!_msgpack_rpc_hold_take (&self->hold, item))
    _msgpack_rpc_reactor_post_item (self->reactor, item);
}

void
_msgpack_rpc_connection_post (MsgpackRpcConnection *self,
                              MsgpackRpcPostFunc    func,
                              gpointer              data,
                              GDestroyNotify        destroy)
{
  post_item (self, _msgpack_rpc_item_new (_msgpack_rpc_link_get_lane (self->link), self, FALSE, func,
                                          data, destroy));
}

/* A reference, or NULL. */
GObject *
_msgpack_rpc_connection_ref_client (MsgpackRpcConnection *self)
{
  return self->client_funcs != NULL ? g_weak_ref_get (&self->client) : NULL;
}

static gboolean
has_handler (MsgpackRpcConnection *self,
             guint                 signal)
{
  return _msgpack_rpc_has_handler (self, _msgpack_rpc_connection_signals[signal]);
}

GQuark
_msgpack_rpc_connection_get_detail (const char *method)
{
  return *method != '\0' ? g_quark_try_string (method) : 0;
}

/* ---- answering ---- */

MsgpackRpcReactor *
_msgpack_rpc_connection_ref_reactor (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_reactor_ref (self->reactor);
}

void
_msgpack_rpc_connection_request_answered (MsgpackRpcConnection *self)
{
  int before = g_atomic_int_add (&self->requests_in_flight, -1);

  _msgpack_rpc_connection_made_room (self);
  /* A peer that has closed its side was only kept for this. */
  if (before == 1)
    _msgpack_rpc_link_settle (self->link);
  if (before == 1)
    _msgpack_rpc_connection_close_drained (self);
}

gboolean
_msgpack_rpc_connection_send_packed_answer (MsgpackRpcConnection *self,
                                            MsgpackRpcPacked     *answer)
{
  g_autoptr(MsgpackRpcPacked) packed = answer;
  g_autoptr(GError) error = NULL;

  if (packed == NULL)
    return FALSE;
  if (_msgpack_rpc_link_send (self->link, packed, NULL, TRUE, &error))
    return TRUE;

  /* The peer would wait for an answer that never comes. */
  if (g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL))
    _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
  return FALSE;
}

/* Not yet, if answers have an order. @answer: consumed, nullable. */
static gboolean
send_in_order (MsgpackRpcConnection  *self,
               MsgpackRpcPlace       *place,
               const MsgpackRpcPiece *msgid,
               MsgpackRpcPacked      *answer)
{
  if (place == NULL)
    place = _msgpack_rpc_connection_take_place (self, FALSE);
  if (G_LIKELY (place == NULL))
    return _msgpack_rpc_connection_send_packed_answer (self, answer);

  return _msgpack_rpc_connection_fill_place (self, place, msgid, answer, NULL);
}

static MsgpackRpcPacked *
pack_answer (MsgpackRpcConnection  *self,
             const MsgpackRpcPiece *msgid,
             gsize                  request_size,
             GVariant              *error_value,
             GVariant              *result)
{
  int profile = _msgpack_rpc_settings_get (self->settings, MSGPACK_RPC_SETTING_PROFILE);
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  if (error_value != NULL)
    count (self, MSGPACK_RPC_STATISTIC_ERROR_ANSWERS);
  packed = _msgpack_rpc_message_pack_answer (profile,
                                             _msgpack_rpc_link_get_pack_flags (self->link), self->id,
                                             msgid, error_value, result);

  /* What it shares may be a part of the request, and would keep all of it until it is written. */
  if (packed != NULL && packed->size < request_size / MAX_KEPT)
    packed = _msgpack_rpc_packed_join (g_steal_pointer (&packed));

  return g_steal_pointer (&packed);
}

gboolean
_msgpack_rpc_connection_send_answer (MsgpackRpcConnection  *self,
                                     const MsgpackRpcPiece *msgid,
                                     gsize                  request_size,
                                     GVariant              *error_value,
                                     GVariant              *result)
{
  return send_in_order (self, NULL, msgid,
                        pack_answer (self, msgid, request_size, error_value, result));
}

static void
send_error (MsgpackRpcConnection  *self,
            const MsgpackRpcPiece *msgid,
            const GError          *error)
{
  g_autoptr(GVariant) value = NULL;

  value = _msgpack_rpc_connection_make_error_value (self, error->domain, error->code, error->message);
  _msgpack_rpc_connection_send_answer (self, msgid, 0, value, NULL);
}

/* The server is being drained. */
static void
refuse_late (MsgpackRpcConnection    *self,
             const MsgpackRpcMessage *message)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  MSGPACK_RPC_DEBUG (CALLS, self->id, _msgpack_rpc_debug_get_msgid (&message->msgid),
                     "request “%s” is refused: closing", message->method);
  count (self, MSGPACK_RPC_STATISTIC_ERROR_ANSWERS);
  packed = _msgpack_rpc_drain_pack_refusal (msgpack_rpc_connection_get_profile (self),
                                            _msgpack_rpc_settings_get_pack_flags (self->settings),
                                            &message->msgid);
  send_in_order (self, message->place, &message->msgid, g_steal_pointer (&packed));
}

/* The request is over, and counted as such with its answer. */
static void
end_request (MsgpackRpcConnection    *self,
             const MsgpackRpcMessage *message)
{
  if (message->place == NULL)
    _msgpack_rpc_connection_request_answered (self);
}

void
_msgpack_rpc_connection_untrack (MsgpackRpcConnection *self,
                                 GList                *tracked)
{
  if (tracked->data == NULL)
    return;

  g_queue_unlink (&self->invocations, tracked);
  tracked->data = NULL;
}

gboolean
_msgpack_rpc_connection_answer (MsgpackRpcConnection  *self,
                                MsgpackRpcInvocation  *invocation,
                                const MsgpackRpcPiece *msgid,
                                gsize                  request_size,
                                GVariant              *error_value,
                                GVariant              *result)
{
  MsgpackRpcPlace *place = _msgpack_rpc_invocation_get_place (invocation);
  MsgpackRpcPacked *packed;
  gboolean sent;

  MSGPACK_RPC_DEBUG (CALLS, self->id, _msgpack_rpc_debug_get_msgid (msgid),
                     "request “%s” is answered: %s", msgpack_rpc_invocation_get_method (invocation),
                     error_value != NULL ? "an error" : "a result");
  packed = pack_answer (self, msgid, request_size, error_value, result);
  if (G_UNLIKELY (place != NULL))
    return _msgpack_rpc_connection_fill_place (self, place, msgid, packed,
                                               _msgpack_rpc_invocation_get_tracked (invocation));

  sent = send_in_order (self, NULL, msgid, packed);

  /* Not before it is queued: what is neither was never handled. */
  g_mutex_lock (&self->lock);
  _msgpack_rpc_connection_untrack (self, _msgpack_rpc_invocation_get_tracked (invocation));
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_connection_request_answered (self);
  return sent;
}

/* ---- delivering, in the main context ---- */

static void
incoming_free (gpointer data)
{
  MsgpackRpcIncoming *incoming = data;

  _msgpack_rpc_message_clear (&incoming->message);
  g_free (incoming);
}

static gboolean
emit_message (MsgpackRpcConnection *self,
              GBytes               *raw)
{
  g_autoptr(GVariant) value = NULL;
  gboolean handled = FALSE;

  if (!has_handler (self, SIGNAL_MESSAGE))
    return FALSE;

  value = _msgpack_rpc_message_to_value (raw);
  g_signal_emit (self, _msgpack_rpc_connection_signals[SIGNAL_MESSAGE], 0, value, &handled);
  return handled;
}

/* A call that is running finishes on the dispatcher that took it. */
MsgpackRpcDispatcher *
_msgpack_rpc_connection_ref_dispatcher (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->dispatcher != NULL ? g_object_ref (self->dispatcher) : NULL;
}

gboolean
_msgpack_rpc_emit_request (gpointer              object,
                           guint                 signal_id,
                           MsgpackRpcInvocation *invocation)
{
  const char *method = msgpack_rpc_invocation_get_method (invocation);
  g_autoptr(GVariant) params = NULL;
  gboolean handled = FALSE;

  if (!_msgpack_rpc_has_handler (object, signal_id))
    return FALSE;

  params = _msgpack_rpc_invocation_dup_params (invocation);
  g_signal_emit (object, signal_id, _msgpack_rpc_connection_get_detail (method), invocation, params,
                 &handled);
  return handled;
}

gboolean
_msgpack_rpc_emit_notification (gpointer                 object,
                                guint                    signal_id,
                                const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = NULL;

  if (!_msgpack_rpc_has_handler (object, signal_id))
    return FALSE;

  params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);
  g_signal_emit (object, signal_id, _msgpack_rpc_connection_get_detail (message->method),
                 message->method, params);
  return TRUE;
}

static void
deliver_request (MsgpackRpcConnection *self,
                 MsgpackRpcMessage    *message,
                 gboolean              is_heard)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);
  gboolean handled = FALSE, has_duplicate = FALSE;

  invocation = _msgpack_rpc_invocation_new (self, _msgpack_rpc_link_get_statistics (self->link),
                                            message);
  if (!_msgpack_rpc_connection_track (self, invocation, &has_duplicate))
    {
      _msgpack_rpc_invocation_cancel (invocation);
      refuse_late (self, message);
      end_request (self, message);
      return;
    }

  if (G_UNLIKELY (has_duplicate) && !_msgpack_rpc_connection_tolerate_duplicate (self))
    return;

  if (is_heard)
    handled = _msgpack_rpc_emit_request (self, _msgpack_rpc_connection_signals[SIGNAL_REQUEST],
                                         invocation);
  if (!handled && client != NULL)
    handled = self->client_funcs->request (client, invocation);
  if (handled || !_msgpack_rpc_invocation_is_awaited (invocation))
    return;

  dispatcher = _msgpack_rpc_connection_ref_dispatcher (self);
  if (dispatcher == NULL || !_msgpack_rpc_dispatcher_invoke (dispatcher, invocation))
    _msgpack_rpc_dispatcher_return_not_found (dispatcher, invocation);
}

static void
deliver_notification (MsgpackRpcConnection *self,
                      MsgpackRpcMessage    *message)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);
  gboolean is_heard;

  is_heard = _msgpack_rpc_emit_notification (
    self, _msgpack_rpc_connection_signals[SIGNAL_NOTIFICATION], message);
  _msgpack_rpc_interests_emit (&self->interests, self, message);
  if (client != NULL && self->client_funcs->notification (client, message))
    is_heard = TRUE;
  _msgpack_rpc_connection_look_for_peer_error (self, message);

  dispatcher = _msgpack_rpc_connection_ref_dispatcher (self);
  if (dispatcher != NULL)
    {
      invocation = _msgpack_rpc_invocation_new (self, _msgpack_rpc_link_get_statistics (self->link),
                                                message);
      is_heard = _msgpack_rpc_dispatcher_invoke (dispatcher, invocation) || is_heard;
    }
  if (!is_heard)
    count (self, MSGPACK_RPC_STATISTIC_UNHANDLED_NOTIFICATIONS);
}

/* What handlers call waits for its turn, and they must not wait for that. */
static void
deliver_request_in_turn (MsgpackRpcConnection *self,
                         MsgpackRpcMessage    *message,
                         gboolean              is_heard)
{
  GThread *before = _msgpack_rpc_connection_enter_handler (self, g_thread_self ());

  deliver_request (self, message, is_heard);
  _msgpack_rpc_connection_enter_handler (self, before);
}

static void
read_on (gpointer owner,
         gpointer data G_GNUC_UNUSED)
{
  _msgpack_rpc_link_work (MSGPACK_RPC_CONNECTION (owner)->link);
}

/* In turn: after what has come already. */
void
_msgpack_rpc_connection_read_on (gpointer owner)
{
  MsgpackRpcConnection *self = owner;

  _msgpack_rpc_reactor_post (self->reactor, _msgpack_rpc_link_get_lane (self->link), self, FALSE,
                             read_on, NULL, NULL);
}

/* It was being read while another thread closed, or is of one who is not let in. */
gboolean
_msgpack_rpc_connection_is_over (MsgpackRpcConnection *self)
{
  return self->has_told_end || g_atomic_int_get (&self->is_refused);
}

static void
deliver_incoming (gpointer owner,
                  gpointer data)
{
  MsgpackRpcConnection *self = owner;
  MsgpackRpcIncoming *incoming = data;
  gboolean is_request = incoming->message.type == MSGPACK_RPC_MESSAGE_REQUEST;
  gboolean is_heard = _msgpack_rpc_has_any_handler (self);
  gboolean is_shown = is_heard && is_request && has_handler (self, SIGNAL_MESSAGE);

  _msgpack_rpc_connection_release_message (self, incoming->size);
  if (_msgpack_rpc_connection_is_over (self))
    return;

  if (is_shown && !_msgpack_rpc_connection_begin_request (self))
    {
      refuse_late (self, &incoming->message);
      end_request (self, &incoming->message);
      return;
    }

  if (is_heard && emit_message (self, incoming->message.bytes))
    {
      /* Whoever took it answers it with a message of its own. */
      if (is_request && incoming->message.place != NULL)
        _msgpack_rpc_connection_fill_place (self, incoming->message.place, NULL, NULL, NULL);
      if (is_request)
        end_request (self, &incoming->message);
      return;
    }

  if (is_shown)
    _msgpack_rpc_connection_give_back_request (self);
  if (is_request &&
      _msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_SERIAL))
    deliver_request_in_turn (self, &incoming->message, is_heard);
  else if (is_request)
    deliver_request (self, &incoming->message, is_heard);
  else if (incoming->message.type == MSGPACK_RPC_MESSAGE_NOTIFICATION &&
           !_msgpack_rpc_connection_deliver_extension (self, &incoming->message))
    deliver_notification (self, &incoming->message);
}

static void
deliver_reply (gpointer owner,
               gpointer data)
{
  MsgpackRpcConnection *self = owner;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  g_signal_emit (self, _msgpack_rpc_connection_signals[SIGNAL_REPLY],
                 _msgpack_rpc_connection_get_detail (msgpack_rpc_call_get_method (data)), data);
  if (client != NULL)
    self->client_funcs->reply (client, data);
}

/* ---- what the link tells: by the holder of its I/O ---- */

static gboolean link_wants_input (gpointer owner);

/* Another thread may have let the peer in before it could find that reading pauses. */
static void
pause_while_held (MsgpackRpcConnection *self)
{
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_NEW, TRUE);
  if (!_msgpack_rpc_hold_is_on (&self->hold))
    _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_NEW, FALSE);
}

void
_msgpack_rpc_connection_post_incoming (MsgpackRpcConnection *self,
                                       gsize                 size,
                                       MsgpackRpcMessage    *message,
                                       MsgpackRpcPostFunc    deliver)
{
  MsgpackRpcIncoming *incoming = g_new (MsgpackRpcIncoming, 1);

  incoming->item = (MsgpackRpcItem) {
    .lane = _msgpack_rpc_link_get_lane (self->link),
    .owner = self,
    .func = deliver,
    .data = incoming,
    .destroy = incoming_free,
    .is_embedded = TRUE,
  };
  incoming->size = size;
  incoming->message = _msgpack_rpc_message_steal (message);

  _msgpack_rpc_connection_hold_message (self, size);
  post_item (self, &incoming->item);
  if (_msgpack_rpc_hold_is_on (&self->hold) && !link_wants_input (self))
    pause_while_held (self);
}

/* For the signal only. */
static void
post_seen (MsgpackRpcConnection *self,
           gsize                 size,
           GBytes               *raw)
{
  g_auto(MsgpackRpcMessage) seen = {
    .type = MSGPACK_RPC_MESSAGE_INVALID,
    .bytes = g_bytes_ref (raw),
  };

  _msgpack_rpc_connection_post_incoming (self, size, &seen, deliver_incoming);
}

/* Not reading would keep the reply from us that we wait for. */
static gboolean
is_busy (MsgpackRpcConnection  *self,
         int                    in_flight,
         int                    max,
         GError               **error)
{
  if (g_atomic_int_get (&self->calls_in_flight) == 0)
    return FALSE;

  if (in_flight >= max)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                 "Busy: the limit of %d requests in flight is reached", max);
  else if (_msgpack_rpc_link_is_too_deep (self->link))
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                 "Busy: the limit of %u calls that wait within one another is reached",
                 msgpack_rpc_limits_get_max_nested_waits (self->limits));
  else
    return FALSE;

  return TRUE;
}

static void
refuse_busy (MsgpackRpcConnection *self,
             MsgpackRpcMessage    *message,
             const GError         *error)
{
  count (self, MSGPACK_RPC_STATISTIC_BUSY_ANSWERS);
  MSGPACK_RPC_DEBUG (CALLS, self->id, _msgpack_rpc_debug_get_msgid (&message->msgid),
                     "request “%s” is refused: busy", message->method);
  send_error (self, &message->msgid, error);
}

static void
take_request (MsgpackRpcConnection *self,
              gsize                 size,
              MsgpackRpcMessage    *message)
{
  int in_flight = g_atomic_int_get (&self->requests_in_flight);
  int max = _msgpack_rpc_connection_get_max_requests (self);
  g_autoptr(GError) error = NULL;

  if (_msgpack_rpc_connection_get_drain (self) != NULL)
    {
      refuse_late (self, message);
      return;
    }

  if (is_busy (self, in_flight, max, &error))
    {
      refuse_busy (self, message, error);
      return;
    }

  /* Reading did not pause since the peer has gone: nobody would hear that it is refused. */
  if (G_UNLIKELY (in_flight >= max) && _msgpack_rpc_link_has_lost_peer (self->link))
    {
      MSGPACK_RPC_DEBUG (CALLS, self->id, _msgpack_rpc_debug_get_msgid (&message->msgid),
                         "request “%s” is dropped: nobody waits for its answer", message->method);
      return;
    }

  count (self, MSGPACK_RPC_STATISTIC_REQUESTS);
  MSGPACK_RPC_DEBUG (CALLS, self->id, _msgpack_rpc_debug_get_msgid (&message->msgid),
                     "request “%s” has come", message->method);
  if (message->time_left > 0 &&
      _msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_DEADLINE))
    message->deadline = g_get_monotonic_time () + message->time_left * G_GINT64_CONSTANT (1000);
  message->place = _msgpack_rpc_connection_take_place (self, TRUE);
  g_atomic_int_inc (&self->requests_in_flight);
  if (in_flight + 1 >= max && g_atomic_int_get (&self->calls_in_flight) == 0)
    _msgpack_rpc_connection_pause_reading (self);
  _msgpack_rpc_connection_post_incoming (self, size, message, deliver_incoming);
}

static gboolean
is_boolean (const MsgpackRpcPiece *piece,
            gboolean               wanted)
{
  return _msgpack_rpc_piece_is (piece, "b", 1) && (*piece->data != 0) == wanted;
}

/* Whether `[1, id, false, value]` is a success: by the letter it is not. */
static gboolean
false_is_success (MsgpackRpcConnection *self)
{
  MsgpackRpcDialect dialect = _msgpack_rpc_settings_get_dialect (self->settings);

  return (dialect & MSGPACK_RPC_DIALECT_BOOLEAN_ERROR) != 0 ||
         ((dialect & MSGPACK_RPC_DIALECT_STRICT) == 0 &&
          (g_atomic_int_get (&self->peer) & MSGPACK_RPC_PEER_SAYS_TRUE) != 0);
}

/* A reply that has both an error and a result, and has ended its call. */
static void
note_two_values (MsgpackRpcConnection    *self,
                 const MsgpackRpcMessage *message)
{
  if (!_msgpack_rpc_piece_is_nil (&message->error) &&
      !_msgpack_rpc_piece_is_nil (&message->result) &&
      !_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_BOOLEAN_ERROR))
    _msgpack_rpc_connection_tolerate (self, "a reply has both an error and a result");
}

static gboolean
end_call (MsgpackRpcConnection *self,
          MsgpackRpcCall       *call,
          MsgpackRpcMessage    *message)
{
  g_autoptr(GVariant) error_value = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;
  gboolean says_true = is_boolean (&message->error, TRUE);

  if (_msgpack_rpc_piece_is_nil (&message->error) ||
      (is_boolean (&message->error, FALSE) && false_is_success (self)))
    return _msgpack_rpc_call_reply (call, message->bytes, &message->result);

  count (self, MSGPACK_RPC_STATISTIC_ERROR_REPLIES);
  if (says_true)
    g_atomic_int_or (&self->peer, MSGPACK_RPC_PEER_SAYS_TRUE);
  error_value = _msgpack_rpc_piece_to_value (&message->error, message->bytes);
  result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);
  error = _msgpack_rpc_message_error_to_gerror (msgpack_rpc_call_get_method (call), error_value, result,
                                                _msgpack_rpc_connection_peer_knows (
                                                  self, MSGPACK_RPC_EXTENSIONS_ERRORS));
  if (says_true)
    return _msgpack_rpc_call_refuse (call, message->bytes, error, result, NULL);

  return _msgpack_rpc_call_refuse (call, message->bytes, error, error_value,
                                   _msgpack_rpc_piece_is_nil (&message->result) ? NULL : result);
}

gboolean
_msgpack_rpc_connection_check_held_bytes (MsgpackRpcConnection *self)
{
  gsize held = (gsize) g_atomic_pointer_get (&self->held_bytes);
  gsize max = _msgpack_rpc_connection_get_max_held (self);
  g_autoptr(GError) error = NULL;

  if (held <= max)
    return TRUE;

  error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                       "%" G_GSIZE_FORMAT " bytes of messages wait to be handled, which exceeds the "
                       "limit of %" G_GSIZE_FORMAT, held, max);
  _msgpack_rpc_link_fail (self->link, error);
  return FALSE;
}

static gboolean
hears_replies (MsgpackRpcConnection *self,
               gboolean              is_heard)
{
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  return (is_heard && has_handler (self, SIGNAL_REPLY)) ||
         (client != NULL && self->client_funcs->hears_replies (client));
}

/* Some peers give numbers back in another form: @is_odd. */
static gboolean
get_call_id (const MsgpackRpcPiece *msgid,
             gint64                *id,
             gboolean              *is_odd)
{
  g_autoptr(GVariant) value = NULL;

  if (_msgpack_rpc_piece_get_int (msgid, id))
    return TRUE;

  *is_odd = TRUE;
  value = _msgpack_rpc_piece_copy (msgid);
  return _msgpack_rpc_value_get_int (value, id);
}

static void
take_answer (MsgpackRpcConnection *self,
             MsgpackRpcCall       *taken,
             guint32               id,
             MsgpackRpcMessage    *message,
             gboolean              is_heard)
{
  g_autoptr(MsgpackRpcCall) call = taken;

  _msgpack_rpc_connection_call_has_left (self);
  if (_msgpack_rpc_connection_take_refusal (self, call, id, message))
    return;
  if (!end_call (self, call, message))
    count (self, MSGPACK_RPC_STATISTIC_LATE_REPLIES);
  else if (!_msgpack_rpc_call_is_internal (call) && hears_replies (self, is_heard))
    _msgpack_rpc_connection_post (self, deliver_reply, g_steal_pointer (&call), g_object_unref);

  if (G_UNLIKELY (!_msgpack_rpc_piece_is_nil (&message->error)))
    note_two_values (self, message);
}

static void
take_response (MsgpackRpcConnection *self,
               gsize                 size,
               MsgpackRpcMessage    *message,
               gboolean              is_heard)
{
  MsgpackRpcCall *call = NULL;
  MsgpackRpcReplyKind kind = MSGPACK_RPC_REPLY_UNKNOWN;
  gboolean is_odd = FALSE;
  gint64 id = 0;

  if (get_call_id (&message->msgid, &id, &is_odd))
    {
      g_mutex_lock (&self->lock);
      kind = _msgpack_rpc_call_table_take (&self->calls, id, &call);
      g_mutex_unlock (&self->lock);
    }

  if (call != NULL)
    take_answer (self, call, (guint32) id, message, is_heard);
  else if (kind == MSGPACK_RPC_REPLY_LATE)
    count (self, MSGPACK_RPC_STATISTIC_LATE_REPLIES);
  else if (!_msgpack_rpc_connection_take_goodbye (self, message))
    {
      _msgpack_rpc_connection_take_unknown_reply (self, size, message);
      return;
    }

  if (G_UNLIKELY (g_atomic_pointer_get (&self->turns) != NULL))
    _msgpack_rpc_connection_end_turn (self, id);
  if (_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_IN_ORDER))
    _msgpack_rpc_connection_end_pause (self);
  if (G_UNLIKELY (is_odd))
    _msgpack_rpc_connection_tolerate (self, "a reply gives back the id as no integer");
}

static void
take_invalid (MsgpackRpcConnection *self,
              gsize                 size,
              MsgpackRpcMessage    *message,
              const GError         *error)
{
  if (message->oddity == MSGPACK_RPC_ODDITY_TYPE &&
      _msgpack_rpc_connection_take_unknown_message (self, size, message))
    return;

  count (self, MSGPACK_RPC_STATISTIC_INVALID_MESSAGES);
  MSGPACK_RPC_DEBUG (MESSAGES, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "%s", error->message);
  if (!_msgpack_rpc_connection_refuses_invalid (self, error) && message->msgid.type != NULL)
    send_error (self, &message->msgid, error);
}

static void
show_message (MsgpackRpcConnection *self,
              GBytes               *message)
{
  g_autoptr(GVariant) value = _msgpack_rpc_message_to_value (message);
  g_autofree char *text = _msgpack_rpc_debug_show (value);

  _msgpack_rpc_debug_print (self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "← %s", text);
}

static void
tell_client_of_message (MsgpackRpcConnection *self)
{
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  g_atomic_int_set (&self->is_overdue, FALSE);
  if (client != NULL)
    self->client_funcs->has_heard (client);
}

static void
link_message (gpointer  owner,
              GBytes   *raw,
              gsize     size)
{
  MsgpackRpcConnection *self = owner;
  gboolean is_heard, is_watched, is_extension;
  g_autoptr(GError) error = NULL;
  gsize wire_size = size;
  g_auto(MsgpackRpcMessage) message = { .type = MSGPACK_RPC_MESSAGE_INVALID };

  count (self, MSGPACK_RPC_STATISTIC_RECEIVED_MESSAGES);
  if (g_atomic_int_get (&self->is_overdue))
    tell_client_of_message (self);
  if (MSGPACK_RPC_DEBUG_IS_ON (MESSAGES))
    show_message (self, raw);
  _msgpack_rpc_message_parse (&message, raw, &error);
  if (self->gate != NULL && _msgpack_rpc_connection_pass_gate (self, &message))
    return;

  if (G_UNLIKELY (message.oddity != MSGPACK_RPC_ODDITY_NONE) &&
      message.type != MSGPACK_RPC_MESSAGE_INVALID &&
      !_msgpack_rpc_connection_tolerate_oddity (self, &message))
    return;

  /* Of a request or notification that is found out when it is delivered. */
  is_extension = _msgpack_rpc_connection_is_extension (self, &message);
  is_heard = (message.type == MSGPACK_RPC_MESSAGE_RESPONSE || is_extension ||
              message.type == MSGPACK_RPC_MESSAGE_INVALID) && _msgpack_rpc_has_any_handler (self);
  is_watched = is_heard && has_handler (self, SIGNAL_MESSAGE);
  size = MAX (size, g_bytes_get_size (raw)) + MSGPACK_RPC_MESSAGE_COST;
  if ((message.type != MSGPACK_RPC_MESSAGE_RESPONSE || is_watched) &&
      !_msgpack_rpc_connection_check_held_bytes (self))
    return;

  if (message.type == MSGPACK_RPC_MESSAGE_INVALID)
    take_invalid (self, size, &message, error);

  if (message.type == MSGPACK_RPC_MESSAGE_REQUEST)
    take_request (self, size, &message);
  else if (message.type == MSGPACK_RPC_MESSAGE_NOTIFICATION && !is_extension)
    _msgpack_rpc_connection_post_incoming (self, size, &message, deliver_incoming);
  else
    {
      if (is_watched)
        post_seen (self, size, raw);
      if (is_extension)
        _msgpack_rpc_connection_take_extension (self, wire_size, &message);
      if (message.type == MSGPACK_RPC_MESSAGE_RESPONSE)
        take_response (self, size, &message, is_heard);
    }
}

/* Calls that wait for a reply cannot get one any more. */
static void
fail_requests (MsgpackRpcConnection *self,
               const GError         *error)
{
  g_autoptr(GPtrArray) calls = NULL;

  g_mutex_lock (&self->lock);
  calls = _msgpack_rpc_call_table_take_requests (&self->calls);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < calls->len; i++)
    {
      _msgpack_rpc_connection_call_has_left (self);
      _msgpack_rpc_call_fail (g_ptr_array_index (calls, i), error);
    }
}

static void
end_all (GPtrArray    *calls,
         const GError *error)
{
  for (guint i = 0; i < calls->len; i++)
    {
      MsgpackRpcCall *call = g_ptr_array_index (calls, i);

      if (_msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_CLOSE)
        _msgpack_rpc_call_succeed (call);
      else
        _msgpack_rpc_call_fail (call, error);
    }
}

static void
end_others (MsgpackRpcConnection *self,
            const GError         *error)
{
  g_autoptr(GPtrArray) calls = NULL;

  g_mutex_lock (&self->lock);
  calls = _msgpack_rpc_call_table_take_others (&self->calls);
  g_mutex_unlock (&self->lock);

  end_all (calls, error);
}

static void
link_input_ended (gpointer owner)
{
  g_autoptr(GError) error = NULL;

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The peer closed the connection"));
  if (!_msgpack_rpc_connection_keep_calls (owner, error))
    fail_requests (owner, error);
}

static gboolean
link_is_busy (gpointer owner)
{
  MsgpackRpcConnection *self = owner;

  return g_atomic_int_get (&self->requests_in_flight) > 0;
}

static gboolean
link_is_at_rest (gpointer owner)
{
  MsgpackRpcConnection *self = owner;

  return g_atomic_int_get (&self->calls_in_flight) == 0 &&
         g_atomic_int_get (&self->requests_in_flight) == 0 &&
         g_atomic_int_get (&self->undelivered) == 0 && !_msgpack_rpc_hold_is_on (&self->hold);
}

static gboolean
link_wants_input (gpointer owner)
{
  MsgpackRpcConnection *self = owner;

  return g_atomic_int_get (&self->calls_in_flight) > 0 ||
         _msgpack_rpc_connection_has_room (self);
}

typedef struct
{
  MsgpackRpcConnectionStatus old_status;
  MsgpackRpcConnectionStatus new_status;
  GError *error;
} StatusChange;

static void
status_change_free (gpointer data)
{
  StatusChange *change = data;

  g_clear_error (&change->error);
  g_free (change);
}

static void
deliver_status (gpointer owner,
                gpointer data)
{
  MsgpackRpcConnection *self = owner;
  StatusChange *change = data;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  g_object_notify (G_OBJECT (self), "status");
  if (client != NULL)
    self->client_funcs->status (client, change->old_status, change->new_status, change->error);
}

static void
link_status (gpointer                    owner,
             MsgpackRpcConnectionStatus  old_status,
             MsgpackRpcConnectionStatus  new_status,
             const GError               *error)
{
  StatusChange *change;

  /* A connection on a given stream is born connected. */
  if (old_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED &&
      new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    return;

  change = g_new0 (StatusChange, 1);
  change->old_status = old_status;
  change->new_status = new_status;
  change->error = error != NULL ? g_error_copy (error) : NULL;
  _msgpack_rpc_connection_post (owner, deliver_status, change, status_change_free);
}

typedef struct
{
  GError *error;
  GVariant *incomplete;
  GVariant *unsent;
} Ending;

static void
ending_free (gpointer data)
{
  Ending *ending = data;

  g_clear_error (&ending->error);
  g_clear_pointer (&ending->incomplete, g_variant_unref);
  g_variant_unref (ending->unsent);
  g_free (ending);
}

static void
cancel_invocations (MsgpackRpcConnection *self)
{
  g_autoptr(GPtrArray) invocations = g_ptr_array_new_with_free_func (g_object_unref);
  GList *link;

  /* Each is there: the last thing that it does is to answer. */
  g_mutex_lock (&self->lock);
  while ((link = self->invocations.head) != NULL)
    {
      g_ptr_array_add (invocations, g_object_ref (link->data));
      _msgpack_rpc_connection_untrack (self, link);
    }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < invocations->len; i++)
    _msgpack_rpc_invocation_cancel (g_ptr_array_index (invocations, i));
}

static void
deliver_ending (gpointer owner,
                gpointer data)
{
  MsgpackRpcConnection *self = owner;
  Ending *ending = data;

  self->has_told_end = TRUE;
  _msgpack_rpc_timers_end (owner);
  cancel_invocations (owner);
  if (self->closed_func != NULL)
    self->closed_func (self, ending->error, self->closed_data);
  g_signal_emit (owner, _msgpack_rpc_connection_signals[SIGNAL_CLOSED], 0, ending->error,
                 ending->incomplete, ending->unsent);
}

/* Not before there is what they deliver next. */
static void
end_awaits (MsgpackRpcConnection *self)
{
  g_autoptr(GPtrArray) calls = NULL;

  g_mutex_lock (&self->lock);
  self->has_posted_end = TRUE;
  calls = _msgpack_rpc_call_table_get_kind (&self->calls, MSGPACK_RPC_CALL_KIND_END);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < calls->len; i++)
    _msgpack_rpc_call_succeed (g_ptr_array_index (calls, i));
}

GError *
_msgpack_rpc_connection_make_call_error (const GError *error,
                                         gboolean      opened)
{
  if (error == NULL)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connection was closed"));
  if (!opened)
    return g_error_copy (error);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connection was closed: %s"),
                      error->message);
}

static void
link_ended (gpointer      owner,
            const GError *error,
            gboolean      opened,
            GVariant     *incomplete,
            GVariant     *unsent)
{
  MsgpackRpcConnection *self = owner;
  g_autoptr(GError) reason = _msgpack_rpc_connection_make_call_error (error, opened);
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);
  g_autoptr(GPtrArray) rest = NULL;
  MsgpackRpcDrain *drain = _msgpack_rpc_connection_get_drain (self);
  Ending *ending = g_new0 (Ending, 1);

  g_autoptr(GVariant) all_unsent = NULL;

  if (g_atomic_pointer_get (&self->turns) != NULL)
    unsent = all_unsent = _msgpack_rpc_connection_end_turns (self, unsent);
  _msgpack_rpc_connection_update_order (self);
  _msgpack_rpc_connection_end_subscriptions (self);
  if (drain != NULL)
    _msgpack_rpc_drain_add_unsent (drain, self->id, incomplete, unsent);
  if (client != NULL)
    rest = self->client_funcs->ended (client, self, error, opened);
  if (rest != NULL)
    end_all (rest, reason);
  else
    {
      fail_requests (self, reason);
      end_others (self, reason);
    }

  ending->error = error != NULL ? g_error_copy (error) : NULL;
  ending->incomplete = incomplete != NULL ? g_variant_ref (incomplete) : NULL;
  ending->unsent = g_variant_ref (unsent);
  _msgpack_rpc_connection_post (self, deliver_ending, ending, ending_free);
  end_awaits (self);
}

static void
link_open (gpointer      owner,
           GCancellable *cancellable)
{
  MsgpackRpcConnection *self = owner;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  if (client != NULL)
    self->client_funcs->open (client, self, cancellable);
  else
    _msgpack_rpc_connection_opened (self, NULL, NULL);
}

const MsgpackRpcLinkOwnerFuncs _msgpack_rpc_connection_link_funcs = {
  .message = link_message,
  .more_input = _msgpack_rpc_connection_read_on,
  .open = link_open,
  .input_ended = link_input_ended,
  .is_busy = link_is_busy,
  .due = _msgpack_rpc_connection_end_pause,
  .is_at_rest = link_is_at_rest,
  .wants_input = link_wants_input,
  .status = link_status,
  .congestion = _msgpack_rpc_connection_post_congestion,
  .ended = link_ended,
};
