/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-filter-peer-private.h"
#include "msgpack-rpc-peer.h"

/* A call that was started on a filter, and what that forwards for it: its attempts, one at a time. No two
 * calls are ever locked at once. */

/* Guarded by the call's lock. */
struct _MsgpackRpcCallFilter
{
  MsgpackRpcFilterPeer *peer;   /* owned; NULL once it is not asked any more */
  gboolean is_loose;            /* a notification that is done when it is queued */
  guint n_attempts;
  MsgpackRpcCall *attempt;      /* owned; on its way, or waits to be sent */
  MsgpackRpcCall *returned;     /* owned; one that has ended, and that the filter is to be asked about */

  gint64 due;                   /* when the attempt is sent, monotonic; 0: it was */
  MsgpackRpcTimer timer;        /* the same */
  MsgpackRpcReactor *reactor;   /* owned; of the timer while it is due */

  GThread *asker;               /* which asks in the call's context, or NULL */
  gboolean has_ended;           /* the call has, since the asker's filter said so, */
  gboolean has_report;          /* and somebody wants to know */
};

void
_msgpack_rpc_call_filter_free (MsgpackRpcCallFilter *filter)
{
  g_assert (filter->attempt == NULL);
  g_assert (filter->reactor == NULL);

  g_clear_object (&filter->returned);
  g_clear_object (&filter->peer);
  g_free (filter);
}

MsgpackRpcCall *
_msgpack_rpc_call_ref_attempt_unlocked (MsgpackRpcCall *self)
{
  return self->filter->attempt != NULL ? g_object_ref (self->filter->attempt) : NULL;
}

static MsgpackRpcCall *
ref_attempt (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->filter != NULL ? _msgpack_rpc_call_ref_attempt_unlocked (self) : NULL;
}

gboolean
_msgpack_rpc_call_take_up (MsgpackRpcCall *self,
                           gpointer        filter,
                           gboolean        is_loose)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state != MSGPACK_RPC_CALL_STATE_NEW || self->filter != NULL)
    return FALSE;

  self->filter = g_new0 (MsgpackRpcCallFilter, 1);
  self->filter->peer = g_object_ref (filter);
  self->filter->is_loose = is_loose;
  return TRUE;
}

void
_msgpack_rpc_call_leave_filter (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcFilterPeer) peer = NULL;

  g_mutex_lock (&self->lock);
  if (self->state != MSGPACK_RPC_CALL_STATE_PENDING && self->filter->attempt == NULL && self->filter->returned == NULL)
    peer = g_steal_pointer (&self->filter->peer);
  g_mutex_unlock (&self->lock);
}

/* Wakes whoever waits for it, or for what it is an attempt at. FALSE if nobody does. */
static gboolean
wake (MsgpackRpcCall *self)
{
  gboolean is_awaited = FALSE;

  for (; self != NULL; self = self->parent)
    {
      g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

      is_awaited |= self->waiters != NULL;
      _msgpack_rpc_call_wake_waiters (self);
    }

  return is_awaited;
}

/* ---- sending ---- */

/* As a peer does it that is no filter. */
static void
send_loose (MsgpackRpcPeer *peer,
            MsgpackRpcCall *attempt)
{
  g_autoptr(GError) error = NULL;

  if (_msgpack_rpc_call_has_ended (attempt))
    return;

  if (msgpack_rpc_peer_send_notification (peer, attempt->method, attempt->params, &error))
    _msgpack_rpc_call_succeed (attempt);
  else
    _msgpack_rpc_call_fail (attempt, error);
}

static void
send_attempt (MsgpackRpcFilterPeer *filter,
              MsgpackRpcCall       *attempt,
              gboolean              is_loose)
{
  MsgpackRpcPeer *peer = msgpack_rpc_filter_peer_get_peer (filter);
  g_autoptr(GError) error = NULL;

  if (peer == NULL)
    {
      error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                           "The filter has no peer to send “%s” to", attempt->method);
      _msgpack_rpc_call_fail (attempt, error);
    }
  else if (is_loose)
    {
      send_loose (peer, attempt);
    }
  else
    {
      msgpack_rpc_peer_send_call (peer, attempt);
    }
}

/* The lock is held, so that no timer that comes after is stopped; whoever calls this holds the call. */
static void
stop_waiting (MsgpackRpcCallFilter *filter)
{
  filter->due = 0;
  if (filter->reactor != NULL)
    _msgpack_rpc_reactor_stop_timer (filter->reactor, &filter->timer);
  g_clear_pointer (&filter->reactor, _msgpack_rpc_reactor_unref);
}

static void
send_due (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  g_autoptr(MsgpackRpcFilterPeer) filter = NULL;
  gboolean is_loose;

  g_mutex_lock (&self->lock);
  if (self->filter->due == 0)
    {
      g_mutex_unlock (&self->lock);
      return;
    }

  stop_waiting (self->filter);
  attempt = g_object_ref (self->filter->attempt);
  filter = g_object_ref (self->filter->peer);
  is_loose = self->filter->is_loose;
  g_mutex_unlock (&self->lock);

  send_attempt (filter, attempt, is_loose);
}

static void
timer_cb (gpointer owner)
{
  send_due (owner);
}

/* The lock is held. */
static void
wait_to_send (MsgpackRpcCall *self,
              guint           delay)
{
  MsgpackRpcCallFilter *filter = self->filter;

  filter->due = g_get_monotonic_time () + (gint64) delay * 1000;
  filter->reactor = _msgpack_rpc_reactor_get (self->context);
  filter->timer.func = timer_cb;
  filter->timer.owner = G_OBJECT (self);
  _msgpack_rpc_reactor_start_timer (filter->reactor, &filter->timer, filter->due);
}

static MsgpackRpcCall *
copy_call (MsgpackRpcCall *self)
{
  MsgpackRpcCall *copy = _msgpack_rpc_call_new_kind (self->kind, self->method, self->params);

  copy->idempotent = g_atomic_int_get (&self->idempotent);
  copy->wait_for_ready = g_atomic_int_get (&self->wait_for_ready);
  copy->reply_type = self->reply_type != NULL ? g_variant_type_copy (self->reply_type) : NULL;
  copy->serves_while_waiting = msgpack_rpc_call_get_serves_while_waiting (self);
  return copy;
}

/* Makes it an attempt at @self, within the time that is left; FALSE if it was started. */
static gboolean
adopt (MsgpackRpcCall *self,
       MsgpackRpcCall *attempt)
{
  int left = _msgpack_rpc_call_get_time_left (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&attempt->lock);

  if (attempt->state != MSGPACK_RPC_CALL_STATE_NEW || attempt->parent != NULL ||
      attempt->filter != NULL || attempt->source != NULL)
    return FALSE;

  attempt->parent = g_object_ref (self);
  attempt->kind = self->kind;
  if (attempt->timeout < 0 || (left != 0 && attempt->timeout > left))
    attempt->timeout = left != 0 ? left : G_MAXINT;
  g_main_context_unref (attempt->context);
  attempt->context = g_main_context_ref (self->context);
  return TRUE;
}

/* Gives what to send it through. */
static MsgpackRpcFilterPeer *
begin_attempt (MsgpackRpcCall *self,
               gpointer        filter,
               MsgpackRpcCall *attempt,
               guint           delay)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  /* One that ends later cancels it. */
  if (self->state != MSGPACK_RPC_CALL_STATE_PENDING || self->filter == NULL ||
      self->filter->peer != filter || self->filter->attempt != NULL)
    return NULL;

  self->filter->attempt = g_object_ref (attempt);
  self->filter->n_attempts++;
  if (delay > 0)
    wait_to_send (self, delay);
  return g_object_ref (self->filter->peer);
}

/* Whether the filter has anything to say about it now. */
static gboolean
is_at (MsgpackRpcCall *self,
       gpointer        filter)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->state == MSGPACK_RPC_CALL_STATE_PENDING && self->filter != NULL &&
         self->filter->peer == filter;
}

gboolean
_msgpack_rpc_call_forward (MsgpackRpcCall *self,
                           gpointer        filter,
                           MsgpackRpcCall *attempt,
                           guint           delay)
{
  g_autoptr(MsgpackRpcFilterPeer) peer = NULL;
  g_autoptr(MsgpackRpcCall) own = NULL;

  if (!is_at (self, filter))
    return FALSE;

  own = attempt != NULL ? g_object_ref (attempt) : copy_call (self);
  if (!adopt (self, own))
    return FALSE;

  peer = begin_attempt (self, filter, own, delay);
  if (peer == NULL)
    return FALSE;

  if (delay > 0)
    wake (self);
  else
    send_attempt (peer, own, self->filter->is_loose);
  return TRUE;
}

/* ---- what comes back ---- */

void
_msgpack_rpc_call_attempt_bound (MsgpackRpcCall *self,
                                 MsgpackRpcLink *link)
{
  for (MsgpackRpcCall *call = self; call != NULL; call = call->parent)
    g_atomic_pointer_set (&call->lane, _msgpack_rpc_link_get_lane (link));

  wake (self);
}

void
_msgpack_rpc_call_attempt_undone (MsgpackRpcCall *self)
{
  gboolean is_first;

  g_mutex_lock (&self->lock);
  is_first = self->filter->n_attempts == 1;
  g_mutex_unlock (&self->lock);

  /* The peer may have handled an earlier one. */
  if (is_first)
    _msgpack_rpc_call_undo_delivery (self);
}

gboolean
_msgpack_rpc_call_ends_in_place_unlocked (MsgpackRpcCall *self,
                                          gboolean        has_report)
{
  if (self->filter->asker != g_thread_self ())
    return FALSE;

  self->filter->has_ended = TRUE;
  self->filter->has_report = has_report;
  return TRUE;
}

/* Asks the filter, if there is anything to ask. */
static void
ask (MsgpackRpcCall *self,
     gboolean        in_place)
{
  g_autoptr(MsgpackRpcFilterPeer) peer = NULL;
  g_autoptr(MsgpackRpcCall) returned = NULL;
  gboolean has_ended, has_report;

  g_mutex_lock (&self->lock);
  returned = g_steal_pointer (&self->filter->returned);
  if (returned != NULL)
    {
      peer = g_object_ref (self->filter->peer);
      self->filter->asker = in_place ? g_thread_self () : NULL;
    }
  g_mutex_unlock (&self->lock);

  if (returned == NULL)
    return;

  /* It may have ended before what was forwarded for it. */
  if (returned->filter != NULL)
    ask (returned, in_place);
  _msgpack_rpc_filter_peer_ask_returned (peer, self, returned);

  g_mutex_lock (&self->lock);
  has_ended = in_place && self->filter->has_ended;
  has_report = in_place && self->filter->has_report;
  if (in_place)
    {
      self->filter->asker = NULL;
      self->filter->has_ended = self->filter->has_report = FALSE;
    }
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_call_leave_filter (self);
  if (has_report)
    _msgpack_rpc_call_report_ended (self);
  if (has_ended && self->parent != NULL)
    _msgpack_rpc_call_attempt_ended (self->parent, self, TRUE);
}

static void
ask_posted (gpointer owner,
            gpointer data G_GNUC_UNUSED)
{
  ask (owner, TRUE);
}

static void
post_ask (MsgpackRpcCall *self)
{
  MsgpackRpcReactor *reactor = _msgpack_rpc_reactor_get (self->context);

  _msgpack_rpc_reactor_post (reactor, g_atomic_pointer_get (&self->lane), self, TRUE, ask_posted, NULL,
                             NULL);
  _msgpack_rpc_reactor_unref (reactor);
}

/* The attempt has left: there may be another one. Gives the filter, or NULL if it was none of this call's. */
static MsgpackRpcFilterPeer *
take_back (MsgpackRpcCall *self,
           MsgpackRpcCall *attempt)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->filter == NULL || self->filter->attempt != attempt)
    return NULL;

  g_clear_object (&self->filter->attempt);
  stop_waiting (self->filter);
  if (_msgpack_rpc_filter_peer_asks (self->filter->peer))
    g_set_object (&self->filter->returned, attempt);
  return g_object_ref (self->filter->peer);
}

void
_msgpack_rpc_call_attempt_ended (MsgpackRpcCall *self,
                                 MsgpackRpcCall *attempt,
                                 gboolean        in_place)
{
  g_autoptr(MsgpackRpcCall) held = g_object_ref (attempt);
  g_autoptr(MsgpackRpcFilterPeer) peer = take_back (self, attempt);

  if (peer == NULL)
    return;

  if (!_msgpack_rpc_filter_peer_asks (peer))
    {
      _msgpack_rpc_call_end_like (self, peer, attempt);
      _msgpack_rpc_call_leave_filter (self);
    }
  else if (in_place)
    {
      ask (self, TRUE);
    }
  else if ((self->parent != NULL && _msgpack_rpc_call_has_ended (self)) || !wake (self))
    {
      /* Who waits for its parent does not come by here any more. */
      post_ask (self);
    }
}

/* ---- ending ---- */

/* @result as the call wants it. */
static gboolean
give (MsgpackRpcCall *self,
      GVariant       *result)
{
  g_autoptr(GVariant) typed = NULL;
  g_autoptr(GError) error = NULL;

  if (self->kind == MSGPACK_RPC_CALL_KIND_NOTIFICATION)
    return _msgpack_rpc_call_succeed (self);
  if (self->reply_type == NULL || g_variant_is_of_type (result, self->reply_type))
    return _msgpack_rpc_call_give (self, result);

  typed = _msgpack_rpc_coerce_by_parts (result, self->reply_type, "result", &error);
  if (typed != NULL)
    return _msgpack_rpc_call_give (self, typed);

  error->code = MSGPACK_RPC_ERROR_INVALID_RESULT;
  return _msgpack_rpc_call_fail (self, error);
}

gboolean
_msgpack_rpc_call_end_with (MsgpackRpcCall *self,
                            gpointer        filter,
                            GVariant       *value,
                            const GError   *error)
{
  if (!is_at (self, filter))
    return FALSE;

  return error != NULL ? _msgpack_rpc_call_fail (self, error) : give (self, value);
}

gboolean
_msgpack_rpc_call_end_like (MsgpackRpcCall *self,
                            gpointer        filter,
                            MsgpackRpcCall *attempt)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) result = NULL;

  if (!is_at (self, filter) || !_msgpack_rpc_call_has_ended (attempt))
    return FALSE;

  /* What an attempt has ended with stays. */
  g_mutex_lock (&self->lock);
  if (self->message == NULL && attempt->message != NULL)
    self->message = g_bytes_ref (attempt->message);
  g_mutex_unlock (&self->lock);

  if (!_msgpack_rpc_call_get_outcome (attempt, &result, &error))
    return _msgpack_rpc_call_refuse (self, NULL, error, attempt->error_value,
                                     attempt->error_data);
  if (result == NULL)
    result = g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));

  return give (self, result);
}

/* ---- in a thread that waits ---- */

void
_msgpack_rpc_call_work (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  gint64 now = g_get_monotonic_time ();
  gboolean is_due, is_late;

  if (self->filter == NULL)
    return;

  g_mutex_lock (&self->lock);
  attempt = _msgpack_rpc_call_ref_attempt_unlocked (self);
  is_due = self->filter->due != 0 && now >= self->filter->due;
  g_mutex_unlock (&self->lock);

  if (is_due)
    send_due (self);
  if (attempt != NULL)
    {
      g_mutex_lock (&attempt->lock);
      is_late = attempt->state == MSGPACK_RPC_CALL_STATE_PENDING && now >= attempt->deadline;
      g_mutex_unlock (&attempt->lock);

      if (is_late)
        _msgpack_rpc_call_expire (attempt);
      _msgpack_rpc_call_work (attempt);
    }

  ask (self, FALSE);
}

gint64
_msgpack_rpc_call_get_due (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  gint64 due = G_MAXINT64;

  if (self->filter == NULL)
    return due;

  g_mutex_lock (&self->lock);
  attempt = _msgpack_rpc_call_ref_attempt_unlocked (self);
  if (self->filter->due != 0)
    due = self->filter->due;
  g_mutex_unlock (&self->lock);

  if (attempt == NULL)
    return due;

  g_mutex_lock (&attempt->lock);
  if (attempt->state == MSGPACK_RPC_CALL_STATE_PENDING)
    due = MIN (due, attempt->deadline);
  g_mutex_unlock (&attempt->lock);

  return MIN (due, _msgpack_rpc_call_get_due (attempt));
}

void
_msgpack_rpc_call_hand_over (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  gboolean is_asked;

  if (self->filter == NULL)
    return;

  g_mutex_lock (&self->lock);
  is_asked = self->filter->returned != NULL;
  g_mutex_unlock (&self->lock);

  if (is_asked)
    post_ask (self);
  attempt = ref_attempt (self);
  if (attempt != NULL)
    _msgpack_rpc_call_hand_over (attempt);
}
