/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-profile-private.h"
#include "msgpack-rpc-retype-private.h"

/* How a call starts, how it ends, once, and how it reports that. */

static gboolean
has_ended_locked (MsgpackRpcCall *self)
{
  return self->state == MSGPACK_RPC_CALL_STATE_SUCCEEDED ||
         self->state == MSGPACK_RPC_CALL_STATE_FAILED;
}

gboolean
_msgpack_rpc_call_has_ended (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return has_ended_locked (self);
}

/* ---- reporting, in the creator's context ---- */

/* Never inside of the cancellable's own emission, where it would wait for itself. */
static void
disconnect_cancellable (MsgpackRpcCall *self)
{
  g_autoptr(GCancellable) cancellable = NULL;
  gulong id;

  g_mutex_lock (&self->lock);
  cancellable = g_steal_pointer (&self->cancellable);
  id = self->cancelled_id;
  self->cancelled_id = 0;
  g_mutex_unlock (&self->lock);

  if (cancellable != NULL)
    g_cancellable_disconnect (cancellable, id);
}

void
_msgpack_rpc_call_release_source (MsgpackRpcCall *self)
{
  g_autoptr(GObject) source = NULL;

  g_mutex_lock (&self->lock);
  source = g_steal_pointer (&self->source);
  g_mutex_unlock (&self->lock);
}

void
_msgpack_rpc_call_report_ended (MsgpackRpcCall *self)
{
  GAsyncReadyCallback callback = g_steal_pointer (&self->callback);

  disconnect_cancellable (self);
  if (self->report_is_new || _msgpack_rpc_call_is_observed (self))
    _msgpack_rpc_call_emit_ended (self);
  if (callback != NULL)
    callback (self->source, G_ASYNC_RESULT (self), self->user_data);
  _msgpack_rpc_call_release_source (self);
}

static void
report_ended (gpointer owner,
              gpointer data G_GNUC_UNUSED)
{
  _msgpack_rpc_call_report_ended (owner);
}

/* The reactor of the context that it reports to: most often its connection's, @likely. */
static MsgpackRpcReactor *
ref_reactor (MsgpackRpcCall    *self,
             MsgpackRpcReactor *likely)
{
  if (likely != NULL && _msgpack_rpc_reactor_get_context (likely) == self->context)
    return _msgpack_rpc_reactor_ref (likely);

  return _msgpack_rpc_reactor_get (self->context);
}

static void
post_ended (MsgpackRpcCall    *self,
            MsgpackRpcReactor *likely)
{
  MsgpackRpcReactor *reactor = ref_reactor (self, likely);

  self->ending = (MsgpackRpcItem) {
    .lane = g_atomic_pointer_get (&self->lane),
    .owner = self,
    .keep_owner = TRUE,
    .func = report_ended,
    .is_embedded = TRUE,
  };
  _msgpack_rpc_reactor_post_item (reactor, &self->ending);
  _msgpack_rpc_reactor_unref (reactor);
}

/* ---- ending ---- */

typedef struct
{
  GBytes *message;
  GVariant *result;
  const GError *error;
  GVariant *error_value;
  GVariant *error_data;
} Outcome;

static void
set_outcome_locked (MsgpackRpcCall *self,
                    const Outcome  *outcome)
{
  self->state = outcome->error != NULL ? MSGPACK_RPC_CALL_STATE_FAILED
                                       : MSGPACK_RPC_CALL_STATE_SUCCEEDED;
  self->end_time = g_get_monotonic_time ();
  if (outcome->error == NULL)
    self->progress = 1;
  if (self->kind == MSGPACK_RPC_CALL_KIND_REQUEST && self->start_time != 0)
    _msgpack_rpc_profile_mark ("call", self->method, self->start_time, self->end_time);
  if (outcome->message != NULL)
    self->message = g_bytes_ref (outcome->message);
  if (outcome->result != NULL)
    self->result = g_variant_ref (outcome->result);
  if (outcome->error != NULL)
    self->error = g_error_copy (outcome->error);
  if (outcome->error_value != NULL)
    self->error_value = g_variant_ref (outcome->error_value);
  if (outcome->error_data != NULL)
    self->error_data = g_variant_ref (outcome->error_data);
}

void
_msgpack_rpc_call_wake_waiters (MsgpackRpcCall *self)
{
  for (GSList *item = self->waiters; item != NULL; item = item->next)
    _msgpack_rpc_waiter_wake (item->data);
}

static gboolean
end (MsgpackRpcCall *self,
     const Outcome  *outcome)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcLink) link = NULL;
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  MsgpackRpcReactor *reactor;
  MsgpackRpcAftermath aftermath = MSGPACK_RPC_AFTERMATH_NONE;
  gboolean has_report, is_in_place = FALSE;

  g_mutex_lock (&self->lock);
  if (has_ended_locked (self))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }

  connection = g_steal_pointer (&self->connection);
  link = g_steal_pointer (&self->link);
  reactor = g_steal_pointer (&self->reactor);
  if (outcome->message != NULL)
    _msgpack_rpc_call_set_delivery (self, MSGPACK_RPC_DELIVERY_ANSWERED);
  else if (connection != NULL)
    aftermath = _msgpack_rpc_connection_forget_call (connection, self, self->msgid);
  set_outcome_locked (self, outcome);
  /* Before anybody can see that it has ended: what they do then is reported after this. What nobody
   * looks at is not posted: a program may wait for its calls and never run a loop. */
  has_report = self->callback != NULL || self->cancellable != NULL || self->report_is_new ||
               _msgpack_rpc_call_is_observed (self);
  if (self->filter != NULL)
    {
      attempt = _msgpack_rpc_call_ref_attempt_unlocked (self);
      is_in_place = _msgpack_rpc_call_ends_in_place_unlocked (self, has_report);
    }
  if (has_report && !is_in_place)
    post_ended (self, reactor);
  _msgpack_rpc_call_wake_waiters (self);
  for (GSList *item = self->waits; item != NULL; item = item->next)
    _msgpack_rpc_call_post_wait (item->data);
  g_mutex_unlock (&self->lock);

  if (aftermath != MSGPACK_RPC_AFTERMATH_NONE)
    _msgpack_rpc_connection_follow_up (connection, self->msgid, aftermath);

  if (connection != NULL && self->msgid != 0)
    MSGPACK_RPC_DEBUG (CALLS, msgpack_rpc_connection_get_id (connection), self->msgid,
                       "call “%s” ends after %.3f ms: %s", self->method,
                       (double) (self->end_time - self->start_time) / 1000,
                       outcome->error != NULL ? outcome->error->message : "a result");

  if (reactor != NULL)
    {
      _msgpack_rpc_reactor_stop_timer (reactor, &self->timer);
      _msgpack_rpc_reactor_unref (reactor);
    }

  if (!has_report)
    _msgpack_rpc_call_release_source (self);
  if (attempt != NULL)
    msgpack_rpc_call_cancel (attempt);
  if (self->filter != NULL)
    _msgpack_rpc_call_leave_filter (self);
  if (self->parent != NULL && !is_in_place)
    _msgpack_rpc_call_attempt_ended (self->parent, self, FALSE);
  return TRUE;
}

gboolean
_msgpack_rpc_call_fail (MsgpackRpcCall *self,
                        const GError   *error)
{
  Outcome outcome = { .error = error };

  return end (self, &outcome);
}

gboolean
_msgpack_rpc_call_succeed (MsgpackRpcCall *self)
{
  Outcome outcome = { NULL };

  return end (self, &outcome);
}

gboolean
_msgpack_rpc_call_give (MsgpackRpcCall *self,
                        GVariant       *value)
{
  Outcome outcome = { .result = value };

  return end (self, &outcome);
}

gboolean
_msgpack_rpc_call_refuse (MsgpackRpcCall *self,
                          GBytes         *message,
                          GError         *error,
                          GVariant       *error_value,
                          GVariant       *error_data)
{
  Outcome outcome = {
    .message = message,
    .error = error,
    .error_value = error_value,
    .error_data = error_data,
  };

  return end (self, &outcome);
}

/* The reply type is fixed since the call was started. */
static GVariant *
make_result (MsgpackRpcCall         *self,
             GBytes                 *message,
             const MsgpackRpcPiece  *result,
             GError                **error)
{
  g_autoptr(GVariant) value = NULL;
  GVariant *typed = NULL;

  if (self->reply_type != NULL && g_variant_type_is_definite (self->reply_type))
    typed = _msgpack_rpc_retype_piece (result, self->reply_type);
  if (typed != NULL)
    return typed;

  value = _msgpack_rpc_piece_to_value (result, message);
  if (self->reply_type == NULL)
    return g_steal_pointer (&value);

  return _msgpack_rpc_coerce_by_parts (value, self->reply_type, "result", error);
}

gboolean
_msgpack_rpc_call_reply (MsgpackRpcCall        *self,
                         GBytes                *message,
                         const MsgpackRpcPiece *result)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  Outcome outcome = { .message = message };

  value = make_result (self, message, result, &error);
  if (value == NULL)
    error->code = MSGPACK_RPC_ERROR_INVALID_RESULT;
  outcome.result = value;
  outcome.error = error;

  return end (self, &outcome);
}

void
_msgpack_rpc_call_set_delivery (MsgpackRpcCall     *self,
                                MsgpackRpcDelivery  delivery)
{
  int old = g_atomic_int_get (&self->delivery);

  /* A peer may answer what it has not read to its end. */
  while (old < (int) delivery &&
         !g_atomic_int_compare_and_exchange (&self->delivery, old, (int) delivery))
    old = g_atomic_int_get (&self->delivery);

  /* What it ends with is told together with its end. */
  if (old < (int) delivery && delivery != MSGPACK_RPC_DELIVERY_ANSWERED)
    _msgpack_rpc_call_delivery_changed (self);
  if (self->parent != NULL)
    _msgpack_rpc_call_set_delivery (self->parent, delivery);
}

void
_msgpack_rpc_call_undo_delivery (MsgpackRpcCall *self)
{
  /* One that is repeated may have been handled on an earlier connection. */
  if (!g_atomic_int_get (&self->idempotent))
    g_atomic_int_set (&self->delivery, (int) MSGPACK_RPC_DELIVERY_NOT_SENT);
  if (self->parent != NULL)
    _msgpack_rpc_call_attempt_undone (self->parent);
}

void
_msgpack_rpc_call_written (MsgpackRpcCall *self)
{
  if (self->kind != MSGPACK_RPC_CALL_KIND_REQUEST)
    _msgpack_rpc_call_succeed (self);
}

static gboolean
awaits_turn (MsgpackRpcCall *self)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_mutex_lock (&self->lock);
  g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);

  return connection != NULL && _msgpack_rpc_connection_awaits_turn (connection, self);
}

/* @link: NULL if the call has ended. */
static GError *
timeout_error_new (MsgpackRpcCall *self,
                   MsgpackRpcLink *link)
{
  MsgpackRpcConnectionStatus status = MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
  g_autoptr(GError) failure = link != NULL ? _msgpack_rpc_link_get_failure (link) : NULL;

  if (self->method == NULL)
    return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("Not done within %d ms"),
                        self->timeout);

  if (failure != NULL)
    return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                        _("“%s” was not sent within %d ms: %s"), self->method, self->timeout,
                        failure->message);

  if (awaits_turn (self))
    return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                        _("“%s” was not sent within %d ms: the peer takes one call at a time, and has "
                          "not answered the one before"), self->method, self->timeout);

  if (link != NULL && !_msgpack_rpc_link_has_ended (link))
    status = _msgpack_rpc_link_get_status (link);

  switch (status)
    {
    case MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                          _("“%s” was not sent within %d ms: the client was not opened"),
                          self->method, self->timeout);

    case MSGPACK_RPC_CONNECTION_STATUS_CONNECTING:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                          _("“%s” was not sent within %d ms: the client is still connecting"),
                          self->method, self->timeout);

    default:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                          _("“%s” was not answered within %d ms"), self->method, self->timeout);
    }
}

void
_msgpack_rpc_call_expire (MsgpackRpcCall *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcLink) link = NULL;

  gint64 deadline;

  _msgpack_rpc_call_get_needs (self, &link, &deadline);
  error = timeout_error_new (self, link);
  _msgpack_rpc_call_fail (self, error);
}

static void
timer_cb (gpointer owner)
{
  _msgpack_rpc_call_expire (owner);
}

static void
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED,
              gpointer      user_data)
{
  msgpack_rpc_call_cancel (user_data);
}

/* ---- starting ---- */

MsgpackRpcCall *
_msgpack_rpc_call_new_kind (MsgpackRpcCallKind  kind,
                            const char         *method,
                            GVariant           *params)
{
  g_autoptr(GVariant) sunk = params != NULL ? g_variant_ref_sink (params) : NULL;
  MsgpackRpcCall *self = g_object_new (MSGPACK_RPC_TYPE_CALL,
                                       "method", method,
                                       "params", sunk,
                                       NULL);

  self->kind = kind;
  /* How long closing may take is for the link to say. */
  if (kind != MSGPACK_RPC_CALL_KIND_REQUEST)
    self->timeout = G_MAXINT;
  return self;
}

MsgpackRpcCall *
_msgpack_rpc_call_new_internal (const char *method,
                                GVariant   *params)
{
  MsgpackRpcCall *self = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_REQUEST, method, params);

  self->is_internal = TRUE;
  self->timeout = G_MAXINT;
  return self;
}

gboolean
_msgpack_rpc_call_is_internal (MsgpackRpcCall *self)
{
  return self->is_internal;
}

MsgpackRpcCallKind
_msgpack_rpc_call_get_kind (MsgpackRpcCall *self)
{
  return self->kind;
}

void
_msgpack_rpc_call_set_callback (MsgpackRpcCall      *self,
                                gpointer             source,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_assert (self->state == MSGPACK_RPC_CALL_STATE_NEW);

  self->source = g_object_ref (source);
  self->source_tag = source;
  self->callback = callback;
  self->user_data = user_data;
  g_set_object (&self->cancellable, cancellable);
}

void
_msgpack_rpc_call_set_context (MsgpackRpcCall *self,
                               GMainContext   *context)
{
  g_assert (self->state == MSGPACK_RPC_CALL_STATE_NEW);

  g_main_context_ref (context);
  g_main_context_unref (self->context);
  self->context = context;
}

static void
connect_cancellable (MsgpackRpcCall *self)
{
  g_autoptr(GCancellable) cancellable = NULL;
  gulong id;

  g_mutex_lock (&self->lock);
  g_set_object (&cancellable, self->cancellable);
  g_mutex_unlock (&self->lock);
  if (cancellable == NULL)
    return;

  id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), g_object_ref (self),
                              g_object_unref);
  g_mutex_lock (&self->lock);
  if (self->cancellable != NULL)
    {
      self->cancelled_id = id;
      id = 0;
    }
  g_mutex_unlock (&self->lock);

  /* It has ended and reported already. */
  g_cancellable_disconnect (cancellable, id);
}

gboolean
_msgpack_rpc_call_start (MsgpackRpcCall    *self,
                         gpointer           source,
                         MsgpackRpcReactor *reactor,
                         int                default_timeout)
{
  gint64 deadline = G_MAXINT64;

  g_mutex_lock (&self->lock);
  if (self->state != MSGPACK_RPC_CALL_STATE_NEW)
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }

  self->state = MSGPACK_RPC_CALL_STATE_PENDING;
  g_set_object (&self->source, source);
  self->source_tag = source;
  self->reactor = _msgpack_rpc_reactor_ref (reactor);
  self->start_time = g_get_monotonic_time ();
  if (self->timeout < 0)
    self->timeout = default_timeout;
  if (self->timeout != G_MAXINT)
    deadline = self->start_time + (gint64) self->timeout * 1000;
  self->deadline = deadline;
  self->timer.func = timer_cb;
  self->timer.owner = G_OBJECT (self);
  /* Inside of the lock, so that whoever ends it finds the timer running. */
  if (deadline != G_MAXINT64)
    _msgpack_rpc_reactor_start_timer (reactor, &self->timer, deadline);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_call_state_changed (self);
  connect_cancellable (self);
  return !_msgpack_rpc_call_has_ended (self);
}

MsgpackRpcCall *
_msgpack_rpc_call_start_operation (MsgpackRpcCallKind   kind,
                                   gpointer             source,
                                   MsgpackRpcReactor   *reactor,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  MsgpackRpcCall *self = _msgpack_rpc_call_new_kind (kind, NULL, NULL);

  _msgpack_rpc_call_set_callback (self, source, cancellable, callback, user_data);
  _msgpack_rpc_call_start (self, source, reactor, G_MAXINT);
  return self;
}

gboolean
_msgpack_rpc_call_bind (MsgpackRpcCall       *self,
                        MsgpackRpcConnection *connection,
                        MsgpackRpcLink       *link,
                        guint32               msgid)
{
  gboolean has_ended;

  g_mutex_lock (&self->lock);
  has_ended = has_ended_locked (self);
  if (!has_ended)
    {
      g_set_object (&self->connection, connection);
      g_set_object (&self->link, link);
      g_atomic_pointer_set (&self->lane, _msgpack_rpc_link_get_lane (link));
      self->msgid = msgid;
      _msgpack_rpc_call_wake_waiters (self);
    }
  g_mutex_unlock (&self->lock);

  if (self->parent != NULL && !has_ended)
    _msgpack_rpc_call_attempt_bound (self->parent, link);
  return !has_ended;
}

/* ---- for whoever waits ---- */

void
_msgpack_rpc_call_add_waiter (MsgpackRpcCall   *self,
                              MsgpackRpcWaiter *waiter)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->waiters = g_slist_prepend (self->waiters, waiter);
}

void
_msgpack_rpc_call_remove_waiter (MsgpackRpcCall   *self,
                                 MsgpackRpcWaiter *waiter)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->waiters = g_slist_remove (self->waiters, waiter);
}

gboolean
_msgpack_rpc_call_get_needs (MsgpackRpcCall  *self,
                             MsgpackRpcLink **link,
                             gint64          *deadline)
{
  g_autoptr(MsgpackRpcCall) attempt = NULL;
  gint64 ignored;

  g_mutex_lock (&self->lock);
  if (has_ended_locked (self))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }

  *link = self->link != NULL ? g_object_ref (self->link) : NULL;
  *deadline = self->deadline;
  if (self->filter != NULL)
    attempt = _msgpack_rpc_call_ref_attempt_unlocked (self);
  g_mutex_unlock (&self->lock);

  if (attempt != NULL)
    _msgpack_rpc_call_get_needs (attempt, link, &ignored);
  return TRUE;
}

gboolean
_msgpack_rpc_call_check_turn (MsgpackRpcCall  *self,
                              GError         **error)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  if (G_LIKELY (g_atomic_int_get (&self->delivery) != (int) MSGPACK_RPC_DELIVERY_NOT_SENT))
    return TRUE;

  g_mutex_lock (&self->lock);
  g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);

  return connection == NULL || _msgpack_rpc_connection_check_turn (connection, self, error);
}

void
_msgpack_rpc_call_set_told_timeout (MsgpackRpcCall *self,
                                    int             milliseconds)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->told_timeout = milliseconds;
}

int
_msgpack_rpc_call_get_time_left (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 deadline = self->deadline;
  gint64 left;

  if (self->told_timeout > 0)
    deadline = MIN (deadline, self->start_time + self->told_timeout * G_GINT64_CONSTANT (1000));
  if (deadline == G_MAXINT64)
    return 0;

  left = deadline - g_get_monotonic_time ();
  return (int) CLAMP ((left + 999) / 1000, 1, G_MAXINT);
}

/* ---- outcomes ---- */

gboolean
_msgpack_rpc_call_get_outcome (MsgpackRpcCall  *self,
                               GVariant       **result,
                               GError         **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }

  if (result != NULL)
    *result = self->result != NULL ? g_variant_ref (self->result) : NULL;
  return TRUE;
}

GVariant *
_msgpack_rpc_call_get_value (MsgpackRpcCall  *self,
                             GError         **error)
{
  GVariant *result = NULL;

  if (!_msgpack_rpc_call_get_outcome (self, &result, error))
    return NULL;

  g_assert (result != NULL);
  return result;
}

static MsgpackRpcCall *
check_result (gpointer            source,
              GAsyncResult       *result,
              MsgpackRpcCallKind  kind,
              GError            **error)
{
  MsgpackRpcCall *self = MSGPACK_RPC_IS_CALL (result) ? MSGPACK_RPC_CALL (result) : NULL;

  if (self != NULL && self->kind == kind && self->source_tag == source &&
      _msgpack_rpc_call_has_ended (self))
    return self;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "The result is not of this operation on this object");
  return NULL;
}

gboolean
_msgpack_rpc_call_finish_boolean (gpointer             source,
                                  GAsyncResult        *result,
                                  MsgpackRpcCallKind   kind,
                                  GError             **error)
{
  MsgpackRpcCall *self = check_result (source, result, kind, error);

  return self != NULL && _msgpack_rpc_call_get_outcome (self, NULL, error);
}

GVariant *
_msgpack_rpc_call_finish_value (gpointer             source,
                                GAsyncResult        *result,
                                MsgpackRpcCallKind   kind,
                                GError             **error)
{
  MsgpackRpcCall *self = check_result (source, result, kind, error);

  return self != NULL ? _msgpack_rpc_call_get_value (self, error) : NULL;
}

static void
run (MsgpackRpcCall *self,
     GCancellable   *cancellable)
{
  g_autoptr(GError) error = NULL;

  if (_msgpack_rpc_call_wait_for (&self, 1, 1, cancellable, &error))
    return;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    msgpack_rpc_call_cancel (self);
  else
    _msgpack_rpc_call_fail (self, error);
}

gboolean
_msgpack_rpc_call_run_boolean (MsgpackRpcCall  *self,
                               GCancellable    *cancellable,
                               GError         **error)
{
  run (self, cancellable);
  return _msgpack_rpc_call_get_outcome (self, NULL, error);
}

GVariant *
_msgpack_rpc_call_run_value (MsgpackRpcCall  *self,
                             GCancellable    *cancellable,
                             GError         **error)
{
  run (self, cancellable);
  return _msgpack_rpc_call_get_value (self, error);
}
