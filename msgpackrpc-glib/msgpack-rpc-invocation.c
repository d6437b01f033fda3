/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-invocation-parts-private.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-retype-private.h"

/**
 * MsgpackRpcInvocation:
 *
 * A request, or a notification, that a peer has sent: what it asks for, and the way to answer it.
 *
 * A [callback@Handler] gets one and answers it with one of the `return_` methods: at once, or, if
 * it keeps a reference and returns `TRUE`, at any later time.
 *
 * The first answer wins: it is sent, and the method returns `TRUE`. Every later one is dropped, and
 * the method returns `FALSE`. So does an answer to a notification, which has none, and one that
 * comes when nobody waits for it any more. An invocation that is let go without an answer
 * answers with an error that says so; and so does one that is not answered within
 * [property@Dispatcher:max-answer-time].
 *
 * Once it is answered, an invocation lets go of its connection and its parameters, so that it does
 * no harm if the garbage collector of a language keeps it. That of a notification does so when its
 * handler has returned.
 *
 * All methods may be called from any thread. [signal@Invocation::cancelled] comes in the
 * [property@Connection:main-context].
 *
 * Since: 1.0
 */
enum
{
  PROP_0,
  PROP_ANSWERED,
  PROP_CONNECTION,
  PROP_DEADLINE,
  PROP_IS_CANCELLED,
  PROP_METHOD,
  PROP_MSGID,
  PROP_PARAMS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

enum
{
  CANCELLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MsgpackRpcInvocation, msgpack_rpc_invocation, G_TYPE_OBJECT)

static gboolean
is_notification (MsgpackRpcInvocation *self)
{
  return self->msgid.type == NULL;
}

/* With the lock held. */
static GVariant *
get_msgid (MsgpackRpcInvocation *self)
{
  if (self->msgid_value == NULL)
    self->msgid_value = _msgpack_rpc_piece_copy (&self->msgid);

  return self->msgid_value;
}

/* With the lock held. */
static GVariant *
get_params (MsgpackRpcInvocation *self)
{
  if (self->params == NULL && self->message != NULL)
    self->params = _msgpack_rpc_piece_to_value (&self->params_piece, self->message);

  return self->params;
}

/* With the lock held. */
static gint64
get_deadline (MsgpackRpcInvocation *self)
{
  if (self->caller_deadline == 0)
    return self->deadline;

  return self->deadline < 0 ? self->caller_deadline : MIN (self->deadline, self->caller_deadline);
}

static void
timer_cb (gpointer owner)
{
  _msgpack_rpc_invocation_answer_for_method (owner, MSGPACK_RPC_ERROR_NOT_ANSWERED, "Method", " gave no answer in time");
}

static void
msgpack_rpc_invocation_dispose (GObject *object)
{
  MsgpackRpcInvocation *self = MSGPACK_RPC_INVOCATION (object);
  gboolean is_awaited;

  g_mutex_lock (&self->lock);
  is_awaited = self->connection != NULL;
  g_mutex_unlock (&self->lock);

  if (is_awaited)
    _msgpack_rpc_invocation_answer_for_method (self, MSGPACK_RPC_ERROR_NOT_ANSWERED, "Method", " gave no answer");

  G_OBJECT_CLASS (msgpack_rpc_invocation_parent_class)->dispose (object);
}

static void
msgpack_rpc_invocation_finalize (GObject *object)
{
  MsgpackRpcInvocation *self = MSGPACK_RPC_INVOCATION (object);
  MsgpackRpcLuggage luggage;

  _msgpack_rpc_invocation_take_luggage (self, &luggage);
  _msgpack_rpc_invocation_drop_luggage (self, &luggage);
  g_clear_object (&self->shared_connection);
  g_clear_pointer (&self->shared_params, g_variant_unref);
  g_clear_pointer (&self->msgid_value, g_variant_unref);
  g_clear_pointer (&self->statistics, g_atomic_rc_box_release);
  g_clear_pointer (&self->result_signature, g_ref_string_release);
  g_clear_pointer (&self->counts, g_atomic_rc_box_release);
  g_clear_pointer (&self->filters, _msgpack_rpc_invocation_filters_free);
  g_clear_pointer (&self->reply, g_variant_unref);
  g_free (self->method);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_invocation_parent_class)->finalize (object);
}

static void
msgpack_rpc_invocation_get_property (GObject    *object,
                                     guint       prop_id,
                                     GValue     *value,
                                     GParamSpec *pspec)
{
  MsgpackRpcInvocation *self = MSGPACK_RPC_INVOCATION (object);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  switch (prop_id)
    {
    case PROP_ANSWERED:
      g_value_set_boolean (value, self->answered);
      break;

    case PROP_CONNECTION:
      g_value_set_object (value, self->connection);
      break;

    case PROP_DEADLINE:
      g_value_set_int64 (value, get_deadline (self));
      break;

    case PROP_IS_CANCELLED:
      g_value_set_boolean (value, self->cancelled);
      break;

    case PROP_METHOD:
      g_value_set_string (value, self->method);
      break;

    case PROP_MSGID:
      g_value_set_variant (value, get_msgid (self));
      break;

    case PROP_PARAMS:
      g_value_set_variant (value, get_params (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcInvocation:answered: (getter get_answered)
   *
   * Whether the request was answered; always `TRUE` for a notification.
   *
   * An answer may come from any thread, so that this never notifies.
   *
   * Since: 1.0
   */
  props[PROP_ANSWERED] = g_param_spec_boolean ("answered", NULL, NULL, FALSE, flags);

  /**
   * MsgpackRpcInvocation:connection: (getter get_connection)
   *
   * The connection that the request came from, or `NULL` once it is answered or the connection has
   * ended, and if it came from none ([method@Dispatcher.dispatch]).
   *
   * Since: 1.0
   */
  props[PROP_CONNECTION] = g_param_spec_object ("connection", NULL, NULL,
                                                MSGPACK_RPC_TYPE_CONNECTION, flags);

  /**
   * MsgpackRpcInvocation:deadline: (getter get_deadline)
   *
   * Until when an answer is of any use, in the microseconds of [func@GLib.get_monotonic_time]; -1 if
   * there is no such time.
   *
   * That is when the caller gives up, if it is one that says so ([flags@Extensions.DEADLINE]), or when
   * [property@Dispatcher:max-answer-time] or [property@Method:max-answer-time] is over and the library
   * answers with an error, whichever comes first. The caller's time is counted from when the request was
   * read.
   *
   * Since: 1.0
   */
  props[PROP_DEADLINE] = g_param_spec_int64 ("deadline", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * MsgpackRpcInvocation:is-cancelled: (getter is_cancelled)
   *
   * Whether nobody waits for the answer any more, since the connection has ended or the caller has
   * given up.
   *
   * Since: 1.0
   */
  props[PROP_IS_CANCELLED] = g_param_spec_boolean ("is-cancelled", NULL, NULL, FALSE, flags);

  /**
   * MsgpackRpcInvocation:method: (getter get_method)
   *
   * The name of the method. It is what the peer has sent: of any length, and empty at times.
   *
   * Since: 1.0
   */
  props[PROP_METHOD] = g_param_spec_string ("method", NULL, NULL, NULL, flags);

  /**
   * MsgpackRpcInvocation:msgid: (getter get_msgid)
   *
   * The id of the request, exactly as it was received: an integer, unless the peer is careless; or
   * `NULL` for a notification.
   *
   * Since: 1.0
   */
  props[PROP_MSGID] = g_param_spec_variant ("msgid", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  /**
   * MsgpackRpcInvocation:params: (getter get_params)
   *
   * The parameters as they came: an array (`av`), or a map for named ones (`a{sv}`, `a{xv}` or
   * `a(vv)`); `NULL` once the request is answered or the connection has ended.
   *
   * Since: 1.0
   */
  props[PROP_PARAMS] = g_param_spec_variant ("params", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_invocation_class_init (MsgpackRpcInvocationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = msgpack_rpc_invocation_dispose;
  object_class->finalize = msgpack_rpc_invocation_finalize;
  object_class->get_property = msgpack_rpc_invocation_get_property;

  install_properties (object_class);

  /**
   * MsgpackRpcInvocation::cancelled:
   * @self: the invocation
   *
   * Emitted when nobody waits for the answer any more, since the connection has ended, or the caller
   * has cancelled the call or its time is over: what is still being done for it can be stopped.
   *
   * Only callers that know how tell so ([flags@Extensions.CANCEL]). What they have given up counts as in
   * flight until the handler answers it, whatever the answer, or lets go of it.
   *
   * It comes in the [property@Connection:main-context], at most once, and not after an answer.
   *
   * Since: 1.0
   */
  signals[CANCELLED] = g_signal_new ("cancelled", MSGPACK_RPC_TYPE_INVOCATION, G_SIGNAL_RUN_LAST,
                                     0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
msgpack_rpc_invocation_init (MsgpackRpcInvocation *self)
{
  g_mutex_init (&self->lock);
  self->deadline = -1;
  self->timer.func = timer_cb;
  self->timer.owner = G_OBJECT (self);
  self->timer.weak = TRUE;
}

static void
set_msgid (MsgpackRpcInvocation  *self,
           const MsgpackRpcPiece *msgid)
{
  if (_msgpack_rpc_piece_get_int (msgid, &self->msgid_number))
    {
      self->msgid = _msgpack_rpc_piece_of_int (&self->msgid_number);
      return;
    }

  /* Not in the message, all of which it would keep. */
  self->msgid_value = _msgpack_rpc_piece_copy (msgid);
  self->msgid = _msgpack_rpc_piece_of_value (self->msgid_value);
}

MsgpackRpcInvocation *
_msgpack_rpc_invocation_new (MsgpackRpcConnection    *connection,
                             MsgpackRpcStatistics    *statistics,
                             const MsgpackRpcMessage *message)
{
  MsgpackRpcInvocation *self = g_object_new (MSGPACK_RPC_TYPE_INVOCATION, NULL);

  self->is_local = connection == NULL;
  if (connection != NULL)
    {
      self->connection_id = msgpack_rpc_connection_get_id (connection);
      self->connection = g_object_ref (connection);
      self->statistics = g_atomic_rc_box_acquire (statistics);
    }
  if (message->msgid.type != NULL)
    set_msgid (self, &message->msgid);
  self->method = g_strdup (message->method != NULL ? message->method : "");
  self->message = g_bytes_ref (message->bytes);
  self->params_piece = message->params;
  self->place = message->place;
  self->caller_deadline = message->deadline;
  self->answered = is_notification (self);
  return self;
}

gboolean
_msgpack_rpc_invocation_is_awaited (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return !self->answered && !self->cancelled;
}

MsgpackRpcPlace *
_msgpack_rpc_invocation_get_place (MsgpackRpcInvocation *self)
{
  return self->place;
}

GList *
_msgpack_rpc_invocation_get_tracked (MsgpackRpcInvocation *self)
{
  return &self->tracked;
}

MsgpackRpcConnection *
_msgpack_rpc_invocation_ref_connection (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->connection != NULL ? g_object_ref (self->connection) : NULL;
}

const MsgpackRpcPiece *
_msgpack_rpc_invocation_get_msgid_piece (MsgpackRpcInvocation *self)
{
  return &self->msgid;
}

guint64
_msgpack_rpc_invocation_get_connection_id (MsgpackRpcInvocation *self)
{
  return self->connection_id;
}

GVariant *
_msgpack_rpc_invocation_dup_params (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GVariant *params = get_params (self);

  return params != NULL ? g_variant_ref (params) : NULL;
}

GVariant *
_msgpack_rpc_invocation_dup_typed_params (MsgpackRpcInvocation  *self,
                                          const GVariantType    *type,
                                          GError               **error)
{
  g_autoptr(GBytes) message = NULL;
  g_autoptr(GVariant) params = NULL;
  GVariant *typed = NULL;

  g_mutex_lock (&self->lock);
  if (self->message != NULL)
    message = g_bytes_ref (self->message);
  g_mutex_unlock (&self->lock);

  if (message == NULL)
    return NULL;

  if (g_variant_type_is_definite (type))
    typed = _msgpack_rpc_retype_piece (&self->params_piece, type);
  if (typed != NULL)
    return typed;

  params = _msgpack_rpc_invocation_dup_params (self);
  return _msgpack_rpc_coerce_params (self->method, params, type, error);
}

GVariant *
_msgpack_rpc_invocation_steal_reply (MsgpackRpcInvocation *self)
{
  GVariant *reply;

  _msgpack_rpc_invocation_run_answer_filters (self);

  g_mutex_lock (&self->lock);
  reply = g_steal_pointer (&self->reply);
  g_mutex_unlock (&self->lock);

  if (reply == NULL)
    _msgpack_rpc_invocation_cancel (self);

  return reply;
}

void
_msgpack_rpc_invocation_take_result_signature (MsgpackRpcInvocation *self,
                                               char                 *signature)
{
  g_clear_pointer (&self->result_signature, g_ref_string_release);
  self->result_signature = signature;
}

void
_msgpack_rpc_invocation_set_answer_time (MsgpackRpcInvocation *self,
                                         int                   milliseconds)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (milliseconds < 0 || self->answered || self->cancelled || self->connection == NULL)
    return;

  if (self->reactor == NULL)
    self->reactor = _msgpack_rpc_connection_ref_reactor (self->connection);
  self->deadline = g_get_monotonic_time () + milliseconds * G_GINT64_CONSTANT (1000);
  _msgpack_rpc_reactor_start_timer (self->reactor, &self->timer, self->deadline);
}

static void
emit_cancelled (MsgpackRpcInvocation *self)
{
  g_signal_emit (self, signals[CANCELLED], 0);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_IS_CANCELLED]);
}

void
_msgpack_rpc_invocation_cancel (MsgpackRpcInvocation *self)
{
  MsgpackRpcLuggage luggage;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  if (self->answered || (self->cancelled && !self->is_withdrawn))
    {
      g_mutex_unlock (&self->lock);
      return;
    }
  is_new = !self->cancelled;
  self->cancelled = TRUE;
  self->is_withdrawn = FALSE;
  g_mutex_unlock (&self->lock);

  g_object_ref (self);
  if (is_new)
    emit_cancelled (self);

  g_mutex_lock (&self->lock);
  _msgpack_rpc_invocation_take_luggage (self, &luggage);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_invocation_drop_luggage (self, &luggage);
  g_object_unref (self);
}

/* It is in flight until the handler lets go of it: a peer could else have any number of handlers run,
 * by giving up what they work on. */
gboolean
_msgpack_rpc_invocation_withdraw (MsgpackRpcInvocation *self)
{
  MsgpackRpcJob *job = NULL;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  is_new = !self->answered && !self->cancelled;
  if (is_new)
    {
      self->cancelled = self->is_withdrawn = TRUE;
      job = g_steal_pointer (&self->job);
    }
  g_mutex_unlock (&self->lock);

  if (is_new)
    emit_cancelled (self);
  g_clear_pointer (&job, _msgpack_rpc_job_withdraw);
  return is_new;
}

/* Once, before it can wait elsewhere. */
void
_msgpack_rpc_invocation_set_counts (MsgpackRpcInvocation   *self,
                                    MsgpackRpcMethodCounts *counts)
{
  g_atomic_pointer_add (&counts->n_calls, 1);
  if (self->counts == NULL)
    g_atomic_pointer_set (&self->counts, g_atomic_rc_box_acquire (counts));
}

MsgpackRpcConnection *
_msgpack_rpc_invocation_dup_connection (MsgpackRpcInvocation *self,
                                        gsize                *size)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *size = self->message != NULL ? g_bytes_get_size (self->message) : 0;
  return self->connection != NULL ? g_object_ref (self->connection) : NULL;
}

MsgpackRpcReactor *
_msgpack_rpc_invocation_ref_reactor (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->connection != NULL ? _msgpack_rpc_connection_ref_reactor (self->connection) : NULL;
}

gboolean
_msgpack_rpc_invocation_is_local (MsgpackRpcInvocation *self)
{
  return self->is_local;
}

gboolean
_msgpack_rpc_invocation_is_notification (MsgpackRpcInvocation *self)
{
  return is_notification (self);
}

gboolean
_msgpack_rpc_invocation_set_job (MsgpackRpcInvocation *self,
                                 MsgpackRpcJob        *job)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->begun || self->answered || self->cancelled)
    return FALSE;

  self->job = job;
  return TRUE;
}

gboolean
_msgpack_rpc_invocation_begin (MsgpackRpcInvocation  *self,
                               MsgpackRpcJob        **job)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->begun = TRUE;
  *job = g_steal_pointer (&self->job);
  return is_notification (self) || (!self->answered && !self->cancelled);
}

void
_msgpack_rpc_invocation_release (MsgpackRpcInvocation *self)
{
  MsgpackRpcLuggage luggage;

  if (!is_notification (self))
    return;

  g_mutex_lock (&self->lock);
  _msgpack_rpc_invocation_take_luggage (self, &luggage);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_invocation_drop_luggage (self, &luggage);
}

/**
 * msgpack_rpc_invocation_get_method: (get-property method)
 * @self: an invocation
 *
 * Gets the name of the method.
 *
 * Returns: (transfer none): the name, as the peer has sent it
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_invocation_get_method (MsgpackRpcInvocation *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  return g_atomic_pointer_get (&self->method);
}

/**
 * msgpack_rpc_invocation_get_params: (get-property params)
 * @self: an invocation
 *
 * Gets the parameters as they came, whatever the signature of the method: an array (`av`), or a map
 * for named ones (`a{sv}`, `a{xv}` or `a(vv)`).
 *
 * They stay valid as long as the invocation lives.
 *
 * Returns: (transfer none) (nullable): the parameters, or `NULL` once the request is answered or the
 *   connection has ended
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_invocation_get_params (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  self->params_are_shared = TRUE;
  return get_params (self);
}

/**
 * msgpack_rpc_invocation_get_msgid: (get-property msgid)
 * @self: an invocation
 *
 * Gets the id of the request, exactly as it was received.
 *
 * Returns: (transfer none) (nullable): the id, or `NULL` for a notification
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_invocation_get_msgid (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return get_msgid (self);
}

/**
 * msgpack_rpc_invocation_get_connection: (get-property connection)
 * @self: an invocation
 *
 * Gets the connection that the request came from.
 *
 * It stays valid as long as the invocation lives.
 *
 * Returns: (transfer none) (nullable): the connection, or `NULL` once the request is answered or the
 *   connection has ended, and if it came from none ([method@Dispatcher.dispatch])
 *
 * Since: 1.0
 */
MsgpackRpcConnection *
msgpack_rpc_invocation_get_connection (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  self->connection_is_shared = TRUE;
  return self->connection;
}

/**
 * msgpack_rpc_invocation_get_deadline: (get-property deadline)
 * @self: an invocation
 *
 * Gets until when an answer is of any use.
 *
 * Returns: the time in the microseconds of [func@GLib.get_monotonic_time], or -1 for never
 *
 * Since: 1.0
 */
gint64
msgpack_rpc_invocation_get_deadline (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), -1);

  locker = g_mutex_locker_new (&self->lock);
  return get_deadline (self);
}

/**
 * msgpack_rpc_invocation_is_cancelled: (get-property is-cancelled)
 * @self: an invocation
 *
 * Gets whether nobody waits for the answer any more, since the connection has ended or the caller has
 * given up.
 *
 * A handler that works in another thread can ask this from time to time, and stop.
 *
 * Returns: `TRUE` if the request is cancelled
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_is_cancelled (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return self->cancelled;
}

/**
 * msgpack_rpc_invocation_get_answered: (get-property answered)
 * @self: an invocation
 *
 * Gets whether the request was answered.
 *
 * Returns: `TRUE` if it was, or if it is a notification
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_get_answered (MsgpackRpcInvocation *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return self->answered;
}
