/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-message-private.h"

/**
 * MsgpackRpcCall:
 *
 * A call of a peer's method: what it asks for, how far it is, and what came of it.
 *
 * Most applications never see one: [method@Peer.call_async] and [method@Peer.call_sync] make
 * it for them. [method@Peer.start_call] gives it at once, to be watched, cancelled or waited for;
 * and with [ctor@Call.new] and [method@Peer.send_call] its deadline and the type of its result can
 * be set before it starts.
 *
 * A call ends exactly once, by its deadline at the latest: with a result, or with an error.
 * [property@Call:delivery] then tells whether the peer can have seen it. Cancelling it and its
 * running out of time end it at once, and touch nothing else: a reply that comes later is counted
 * and dropped.
 *
 * ## Errors
 *
 * - [error@Error.REMOTE] (and other codes of that domain where the peer says so): the peer
 *   answered with an error, which [property@Call:error-value] has whole
 * - [error@Error.INVALID_RESULT]: the result is not of the [property@Call:reply-type]
 * - [error@Error.INVALID_VALUE]: the parameters cannot be sent
 * - [error@Error.QUEUE_FULL], [error@Error.NOT_CONNECTED]: it was not sent
 * - `G_IO_ERROR_TIMED_OUT`, `G_IO_ERROR_CANCELLED`, `G_IO_ERROR_CLOSED`; and what opening a
 *   connection can fail with, if it waited for that
 *
 * ## Threads
 *
 * All functions may be called from any thread. The [signal@Call::completed] signal, property
 * notifications and callbacks come in the thread-default context of the thread that created the
 * call, after whatever the peer sent before its reply, and never inside of the function that
 * started, cancelled or closed something.
 *
 * A call is the `GAsyncResult` of its own callback. It keeps its peer alive until it has ended and
 * its callback has returned.
 *
 * Since: 1.0
 */
enum
{
  PROP_0,
  PROP_DELIVERY,
  PROP_ELAPSED,
  PROP_ERROR,
  PROP_ERROR_DATA,
  PROP_ERROR_VALUE,
  PROP_IDEMPOTENT,
  PROP_METHOD,
  PROP_MSGID,
  PROP_PARAMS,
  PROP_PROGRESS,
  PROP_PROGRESS_VALUE,
  PROP_REPLY_TYPE,
  PROP_RESULT,
  PROP_SERVES_WHILE_WAITING,
  PROP_STATE,
  PROP_TIMEOUT,
  PROP_WAIT_FOR_READY,
  N_PROPS
};

enum
{
  SIGNAL_COMPLETED,
  SIGNAL_PROGRESS_REPORTED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void async_result_iface_init (GAsyncResultIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcCall, msgpack_rpc_call, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, async_result_iface_init))

/* ---- what is seen of it ---- */

void
_msgpack_rpc_call_emit_ended (MsgpackRpcCall *self)
{
  _msgpack_rpc_call_notify_changes (self);

  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[self->error != NULL ? PROP_ERROR : PROP_RESULT]);
  if (self->error_value != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ERROR_VALUE]);
  if (self->error_data != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ERROR_DATA]);
  g_object_thaw_notify (G_OBJECT (self));

  g_signal_emit (self, signals[SIGNAL_COMPLETED], 0);
}

void
_msgpack_rpc_call_emit_report (MsgpackRpcCall *self,
                               double          fraction,
                               GVariant       *value)
{
  g_signal_emit (self, signals[SIGNAL_PROGRESS_REPORTED], 0, fraction, value);
}

gboolean
_msgpack_rpc_call_hears_reports (MsgpackRpcCall *self)
{
  return _msgpack_rpc_has_handler (self, signals[SIGNAL_PROGRESS_REPORTED]);
}

gboolean
_msgpack_rpc_call_is_notified (MsgpackRpcCall *self)
{
  return _msgpack_rpc_has_notify_handler (self);
}

gboolean
_msgpack_rpc_call_is_observed (MsgpackRpcCall *self)
{
  return _msgpack_rpc_has_handler (self, signals[SIGNAL_COMPLETED]) ||
         _msgpack_rpc_call_is_notified (self);
}

/* ---- GAsyncResult ---- */

static gpointer
call_get_user_data (GAsyncResult *result)
{
  return MSGPACK_RPC_CALL (result)->user_data;
}

static GObject *
call_get_source_object (GAsyncResult *result)
{
  MsgpackRpcCall *self = MSGPACK_RPC_CALL (result);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->source != NULL ? g_object_ref (self->source) : NULL;
}

static gboolean
call_is_tagged (GAsyncResult *result G_GNUC_UNUSED,
                gpointer      tag G_GNUC_UNUSED)
{
  return FALSE;
}

static void
async_result_iface_init (GAsyncResultIface *iface)
{
  iface->get_user_data = call_get_user_data;
  iface->get_source_object = call_get_source_object;
  iface->is_tagged = call_is_tagged;
}

/* ---- the object ---- */

static void
msgpack_rpc_call_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  MsgpackRpcCall *self = MSGPACK_RPC_CALL (object);

  switch (prop_id)
    {
    case PROP_DELIVERY:
      g_value_set_enum (value, (int) msgpack_rpc_call_get_delivery (self));
      break;
    case PROP_ELAPSED:
      g_value_set_double (value, msgpack_rpc_call_get_elapsed (self));
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, msgpack_rpc_call_get_error (self));
      break;
    case PROP_ERROR_DATA:
      g_value_set_variant (value, msgpack_rpc_call_get_error_data (self));
      break;
    case PROP_ERROR_VALUE:
      g_value_set_variant (value, msgpack_rpc_call_get_error_value (self));
      break;
    case PROP_IDEMPOTENT:
      g_value_set_boolean (value, msgpack_rpc_call_get_idempotent (self));
      break;
    case PROP_METHOD:
      g_value_set_string (value, self->method);
      break;
    case PROP_MSGID:
      g_value_set_uint (value, msgpack_rpc_call_get_msgid (self));
      break;
    case PROP_PARAMS:
      g_value_set_variant (value, self->params);
      break;
    case PROP_PROGRESS:
      g_value_set_double (value, msgpack_rpc_call_get_progress (self));
      break;
    case PROP_PROGRESS_VALUE:
      g_value_take_variant (value, msgpack_rpc_call_get_progress_value (self));
      break;
    case PROP_REPLY_TYPE:
      g_value_set_boxed (value, msgpack_rpc_call_get_reply_type (self));
      break;
    case PROP_RESULT:
      g_value_set_variant (value, msgpack_rpc_call_get_result (self));
      break;
    case PROP_SERVES_WHILE_WAITING:
      g_value_set_boolean (value, msgpack_rpc_call_get_serves_while_waiting (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) msgpack_rpc_call_get_state (self));
      break;
    case PROP_TIMEOUT:
      g_value_set_int (value, msgpack_rpc_call_get_timeout (self));
      break;
    case PROP_WAIT_FOR_READY:
      g_value_set_boolean (value, msgpack_rpc_call_get_wait_for_ready (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_call_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  MsgpackRpcCall *self = MSGPACK_RPC_CALL (object);

  switch (prop_id)
    {
    case PROP_IDEMPOTENT:
      msgpack_rpc_call_set_idempotent (self, g_value_get_boolean (value));
      break;
    case PROP_METHOD:
      self->method = g_value_dup_string (value);
      break;
    case PROP_PARAMS:
      self->params = g_value_dup_variant (value);
      break;
    case PROP_PROGRESS:
      msgpack_rpc_call_set_progress (self, g_value_get_double (value));
      break;
    case PROP_REPLY_TYPE:
      msgpack_rpc_call_set_reply_type (self, g_value_get_boxed (value));
      break;
    case PROP_SERVES_WHILE_WAITING:
      msgpack_rpc_call_set_serves_while_waiting (self, g_value_get_boolean (value));
      break;
    case PROP_TIMEOUT:
      msgpack_rpc_call_set_timeout (self, g_value_get_int (value));
      break;
    case PROP_WAIT_FOR_READY:
      msgpack_rpc_call_set_wait_for_ready (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_call_dispose (GObject *object)
{
  MsgpackRpcCall *self = MSGPACK_RPC_CALL (object);

  /* A pending call is held by its connection, and a connected cancellable holds it too. */
  _msgpack_rpc_call_release_source (self);
  g_clear_object (&self->cancellable);

  G_OBJECT_CLASS (msgpack_rpc_call_parent_class)->dispose (object);
}

static void
msgpack_rpc_call_finalize (GObject *object)
{
  MsgpackRpcCall *self = MSGPACK_RPC_CALL (object);

  g_assert (self->waiters == NULL);
  g_assert (self->waits == NULL);
  g_assert (self->reactor == NULL);
  g_assert (self->link == NULL);

  g_clear_pointer (&self->filter, _msgpack_rpc_call_filter_free);
  g_clear_object (&self->parent);
  g_free (self->method);
  g_clear_pointer (&self->params, g_variant_unref);
  g_clear_pointer (&self->reply_type, g_variant_type_free);
  g_clear_pointer (&self->message, g_bytes_unref);
  g_clear_pointer (&self->message_value, g_variant_unref);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_pointer (&self->error_data, g_variant_unref);
  g_clear_pointer (&self->error_value, g_variant_unref);
  g_clear_pointer (&self->progress_value, g_variant_unref);
  g_clear_error (&self->error);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_call_parent_class)->finalize (object);
}

static void
msgpack_rpc_call_class_init (MsgpackRpcCallClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_call_get_property;
  object_class->set_property = msgpack_rpc_call_set_property;
  object_class->dispose = msgpack_rpc_call_dispose;
  object_class->finalize = msgpack_rpc_call_finalize;

  /**
   * MsgpackRpcCall:delivery: (getter get_delivery)
   *
   * How far the call got. Once it has ended it tells whether the peer can have seen it.
   *
   * Since: 1.0
   */
  props[PROP_DELIVERY] =
    g_param_spec_enum ("delivery", NULL, NULL, MSGPACK_RPC_TYPE_DELIVERY,
                       MSGPACK_RPC_DELIVERY_NOT_SENT, readable);

  /**
   * MsgpackRpcCall:elapsed: (getter get_elapsed)
   *
   * The seconds from when the call started until it ended, or until now; 0 before it started.
   *
   * Changes all the time, and never notifies.
   *
   * Since: 1.0
   */
  props[PROP_ELAPSED] =
    g_param_spec_double ("elapsed", NULL, NULL, 0, G_MAXDOUBLE, 0, readable);

  /**
   * MsgpackRpcCall:error: (getter get_error)
   *
   * Why the call failed, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_ERROR] =
    g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable);

  /**
   * MsgpackRpcCall:error-data: (getter get_error_data)
   *
   * What the peer has put into the place of the result beside its error, as some do with what belongs to
   * it, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_ERROR_DATA] =
    g_param_spec_variant ("error-data", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, readable);

  /**
   * MsgpackRpcCall:error-value: (getter get_error_value)
   *
   * The error that the peer answered with, whole, or `NULL` if it answered with none.
   *
   * Since: 1.0
   */
  props[PROP_ERROR_VALUE] =
    g_param_spec_variant ("error-value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, readable);

  /**
   * MsgpackRpcCall:idempotent: (getter get_idempotent) (setter set_idempotent)
   *
   * Whether a client with a [property@Client:reconnect-policy] may send the call again, when the
   * connection was lost before it was answered, and may do so until the call's deadline.
   *
   * It is for methods that do no harm when they run twice, or twice as often: the peer may have
   * handled the call without the answer having come. All other calls that were sent end with
   * `G_IO_ERROR_CLOSED` then. A connection, and a client without a policy, never send anything
   * twice.
   *
   * Since: 1.0
   */
  props[PROP_IDEMPOTENT] =
    g_param_spec_boolean ("idempotent", NULL, NULL, FALSE, settable);

  /**
   * MsgpackRpcCall:method: (getter get_method)
   *
   * The name of the method.
   *
   * Since: 1.0
   */
  props[PROP_METHOD] =
    g_param_spec_string ("method", NULL, NULL, NULL, construct);

  /**
   * MsgpackRpcCall:msgid: (getter get_msgid)
   *
   * The id of the call on its connection, from 1 to 2³¹ − 1; 0 before it got one.
   *
   * Never notifies.
   *
   * Since: 1.0
   */
  props[PROP_MSGID] =
    g_param_spec_uint ("msgid", NULL, NULL, 0, G_MAXINT32, 0, readable);

  /**
   * MsgpackRpcCall:params: (getter get_params)
   *
   * The parameters: an array or tuple for positional ones, a dictionary for named ones, any other
   * value for a single one; `NULL` for none.
   *
   * Since: 1.0
   */
  props[PROP_PARAMS] =
    g_param_spec_variant ("params", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, construct);

  /**
   * MsgpackRpcCall:progress: (getter get_progress) (setter set_progress)
   *
   * How much of what was asked for the peer has done, from 0 to 1: what a progress bar shows, by one
   * binding. It becomes 1 when the call succeeds, and until then is what the peer has
   * reported last, if it does so (see [property@Client:extensions]), or what
   * [method@Call.set_progress] has said.
   *
   * Since: 1.0
   */
  props[PROP_PROGRESS] =
    g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, settable);

  /**
   * MsgpackRpcCall:progress-value: (getter get_progress_value)
   *
   * What the peer has said about its progress last, beside the fraction, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_PROGRESS_VALUE] =
    g_param_spec_variant ("progress-value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, readable);

  /**
   * MsgpackRpcCall:reply-type: (getter get_reply_type) (setter set_reply_type)
   *
   * The type that the result must have, or `NULL` to take it as it comes.
   *
   * Since: 1.0
   */
  props[PROP_REPLY_TYPE] =
    g_param_spec_boxed ("reply-type", NULL, NULL, G_TYPE_VARIANT_TYPE, settable);

  /**
   * MsgpackRpcCall:result: (getter get_result)
   *
   * The result, or `NULL` while there is none. The result nil is a value too, of type `mv`.
   *
   * Since: 1.0
   */
  props[PROP_RESULT] =
    g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, readable);

  /**
   * MsgpackRpcCall:serves-while-waiting: (getter get_serves_while_waiting) (setter set_serves_while_waiting)
   *
   * Whether [method@Call.wait], [func@Call.wait_all] and [func@Call.wait_any] deliver what else the
   * peer sends meanwhile, for a peer that calls back before it answers.
   *
   * Requests, notifications and the ends of other calls of the same connection or client are then
   * delivered in order, as the loop would; handlers may call and wait again. This is done where
   * handlers belong: in the thread that runs the connection's [property@Connection:main-context], or
   * whose thread-default context it is while nobody runs it. Elsewhere there is no difference.
   *
   * Since: 1.0
   */
  props[PROP_SERVES_WHILE_WAITING] =
    g_param_spec_boolean ("serves-while-waiting", NULL, NULL, FALSE, settable);

  /**
   * MsgpackRpcCall:state: (getter get_state)
   *
   * Whether the call was started, and whether it has ended.
   *
   * Since: 1.0
   */
  props[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, MSGPACK_RPC_TYPE_CALL_STATE,
                       MSGPACK_RPC_CALL_STATE_NEW, readable);

  /**
   * MsgpackRpcCall:timeout: (getter get_timeout) (setter set_timeout)
   *
   * The milliseconds that the call may take: queueing, connecting, sending and waiting together.
   *
   * −1 stands for the peer's default, `G_MAXINT` for no limit.
   *
   * Since: 1.0
   */
  props[PROP_TIMEOUT] =
    g_param_spec_int ("timeout", NULL, NULL, -1, G_MAXINT, -1, settable);

  /**
   * MsgpackRpcCall:wait-for-ready: (getter get_wait_for_ready) (setter set_wait_for_ready)
   *
   * Whether a call that is made while a client is not connected waits until it is, or until the
   * call's deadline: also when attempts to connect fail meanwhile, when nobody has opened the client
   * yet or does so only after it was disconnected, and when
   * [property@Client:queue-while-connecting] is `FALSE`.
   *
   * It ends earlier if the client is closed, or opening it is cancelled. Calls that do not wait for
   * ready end with the error of the first attempt that fails.
   *
   * Since: 1.0
   */
  props[PROP_WAIT_FOR_READY] =
    g_param_spec_boolean ("wait-for-ready", NULL, NULL, FALSE, settable);

  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * MsgpackRpcCall::completed:
   * @self: the call
   *
   * The call has ended, in [property@Call:state].
   *
   * Connect before the call is started, or in the thread that started it before its context runs.
   *
   * Since: 1.0
   */
  signals[SIGNAL_COMPLETED] =
    g_signal_new ("completed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 0);

  /**
   * MsgpackRpcCall::progress-reported:
   * @self: the call
   * @fraction: how much is done, from 0 to 1
   * @value: (nullable): what else the peer says of it, or `NULL`
   *
   * The peer has reported how far it is ([method@Invocation.report_progress]).
   *
   * Of the reports that come between two turns of the call's context, only the last is told; that of the
   * last before the end comes before [signal@Call::completed]. Peers report only to those of
   * which they know that they understand it: see [property@Client:extensions].
   *
   * Since: 1.0
   */
  signals[SIGNAL_PROGRESS_REPORTED] =
    g_signal_new ("progress-reported", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                  NULL, G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_VARIANT);
}

static void
msgpack_rpc_call_init (MsgpackRpcCall *self)
{
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->timeout = -1;
  self->deadline = G_MAXINT64;
}

/**
 * msgpack_rpc_call_new:
 * @method: the name of the method
 * @params: (nullable): the parameters: an array or tuple, a dictionary for named ones, any other
 *   value for a single one, or `NULL` for none
 *
 * Creates a call that [method@Peer.send_call] starts.
 *
 * If @params is floating, it is consumed. The call reports in the thread-default context of the
 * calling thread.
 *
 * Returns: (transfer full): a new call
 * Since: 1.0
 */
MsgpackRpcCall *
msgpack_rpc_call_new (const char *method,
                      GVariant   *params)
{
  g_return_val_if_fail (method != NULL, NULL);

  return _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_REQUEST, method, params);
}

/**
 * msgpack_rpc_call_get_method: (get-property method)
 * @self: a call
 *
 * Gets the name of the method.
 *
 * Returns: the name
 * Since: 1.0
 */
const char *
msgpack_rpc_call_get_method (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  return self->method;
}

/**
 * msgpack_rpc_call_get_params: (get-property params)
 * @self: a call
 *
 * Gets the parameters.
 *
 * Returns: (transfer none) (nullable): the parameters
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_params (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  return self->params;
}

/**
 * msgpack_rpc_call_is_notification:
 * @self: a call
 *
 * Gets whether it is a notification, which has no result: for filters ([class@FilterPeer]), who get both.
 *
 * Returns: whether it is one
 * Since: 1.0
 */
gboolean
msgpack_rpc_call_is_notification (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), FALSE);

  return self->kind == MSGPACK_RPC_CALL_KIND_NOTIFICATION;
}

/**
 * msgpack_rpc_call_get_msgid: (get-property msgid)
 * @self: a call
 *
 * Gets the id of the call on its connection.
 *
 * Returns: the id, or 0 before it got one
 * Since: 1.0
 */
guint
msgpack_rpc_call_get_msgid (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->msgid;
}

/**
 * msgpack_rpc_call_get_timeout: (get-property timeout)
 * @self: a call
 *
 * Gets how long the call may take.
 *
 * Returns: milliseconds; −1 for the peer's default, `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_call_get_timeout (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), -1);

  locker = g_mutex_locker_new (&self->lock);
  return self->timeout;
}

/* Nothing about a call can be changed once it was started. */
static gboolean
is_new (MsgpackRpcCall *self)
{
  return msgpack_rpc_call_get_state (self) == MSGPACK_RPC_CALL_STATE_NEW;
}

/**
 * msgpack_rpc_call_set_timeout: (set-property timeout)
 * @self: a call that was not started
 * @timeout: milliseconds; −1 for the peer's default, `G_MAXINT` for no limit
 *
 * Sets how long the call may take.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_timeout (MsgpackRpcCall *self,
                              int             timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));
  g_return_if_fail (timeout >= -1);
  g_return_if_fail (is_new (self));

  if (self->timeout == timeout)
    return;

  self->timeout = timeout;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TIMEOUT]);
}

/**
 * msgpack_rpc_call_get_reply_type: (get-property reply-type)
 * @self: a call
 *
 * Gets the type that the result must have.
 *
 * Returns: (transfer none) (nullable): the type, or `NULL` for any
 * Since: 1.0
 */
const GVariantType *
msgpack_rpc_call_get_reply_type (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  return self->reply_type;
}

/**
 * msgpack_rpc_call_set_reply_type: (set-property reply-type)
 * @self: a call that was not started
 * @reply_type: (nullable): a definite type, or `NULL` for any
 *
 * Sets the type that the result must have.
 *
 * A result that fits is converted to it (an array of whole numbers to `ax`, for one); any other
 * makes the call fail with [error@Error.INVALID_RESULT], which says what was expected and where.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_reply_type (MsgpackRpcCall     *self,
                                 const GVariantType *reply_type)
{
  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));
  g_return_if_fail (reply_type == NULL || g_variant_type_is_definite (reply_type));
  g_return_if_fail (is_new (self));

  if (self->reply_type == reply_type ||
      (self->reply_type != NULL && reply_type != NULL &&
       g_variant_type_equal (self->reply_type, reply_type)))
    return;

  g_clear_pointer (&self->reply_type, g_variant_type_free);
  self->reply_type = reply_type != NULL ? g_variant_type_copy (reply_type) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_REPLY_TYPE]);
}

/**
 * msgpack_rpc_call_get_serves_while_waiting: (get-property serves-while-waiting)
 * @self: a call
 *
 * Gets whether waiting for the call delivers what else the peer sends.
 *
 * Returns: whether it does
 * Since: 1.0
 */
gboolean
msgpack_rpc_call_get_serves_while_waiting (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return self->serves_while_waiting;
}

/**
 * msgpack_rpc_call_set_serves_while_waiting: (set-property serves-while-waiting)
 * @self: a call
 * @serves_while_waiting: whether it does
 *
 * Sets whether waiting for the call delivers what else the peer sends.
 *
 * It may be set at any time before the call is waited for.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_serves_while_waiting (MsgpackRpcCall *self,
                                           gboolean        serves_while_waiting)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));

  g_mutex_lock (&self->lock);
  changed = self->serves_while_waiting != !!serves_while_waiting;
  self->serves_while_waiting = !!serves_while_waiting;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SERVES_WHILE_WAITING]);
}

/**
 * msgpack_rpc_call_get_state: (get-property state)
 * @self: a call
 *
 * Gets whether the call was started, and whether it has ended.
 *
 * Returns: the state
 * Since: 1.0
 */
MsgpackRpcCallState
msgpack_rpc_call_get_state (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), MSGPACK_RPC_CALL_STATE_NEW);

  locker = g_mutex_locker_new (&self->lock);
  return self->state;
}

/**
 * msgpack_rpc_call_get_delivery: (get-property delivery)
 * @self: a call
 *
 * Gets how far the call got.
 *
 * Returns: the delivery
 * Since: 1.0
 */
MsgpackRpcDelivery
msgpack_rpc_call_get_delivery (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), MSGPACK_RPC_DELIVERY_NOT_SENT);

  return (MsgpackRpcDelivery) g_atomic_int_get (&self->delivery);
}

/**
 * msgpack_rpc_call_get_result: (get-property result)
 * @self: a call
 *
 * Gets the result.
 *
 * Returns: (transfer none) (nullable): the result, or `NULL` while there is none
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_result (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->result;
}

/**
 * msgpack_rpc_call_get_error: (get-property error)
 * @self: a call
 *
 * Gets why the call failed.
 *
 * Returns: (transfer none) (nullable): the error, or `NULL`
 * Since: 1.0
 */
GError *
msgpack_rpc_call_get_error (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->error;
}

/**
 * msgpack_rpc_call_get_error_data: (get-property error-data)
 * @self: a call
 *
 * Gets what the peer has put into the place of the result beside its error.
 *
 * The specification has nil there, but some peers put there what belongs to the error, and have only
 * a name in [property@Call:error-value].
 *
 * Returns: (transfer none) (nullable): the value, or `NULL` if there is none, or no error
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_error_data (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->error_data;
}

/**
 * msgpack_rpc_call_get_error_value: (get-property error-value)
 * @self: a call
 *
 * Gets the error that the peer answered with, whole.
 *
 * Returns: (transfer none) (nullable): the value, or `NULL` if the peer answered with no error
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_error_value (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->error_value;
}

/**
 * msgpack_rpc_call_get_message:
 * @self: a call
 *
 * Gets the whole reply as it came: `[1, msgid, error, result]`, of type `av`.
 *
 * Returns: (transfer none) (nullable): the reply, or `NULL` while there is none
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_get_message (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  if (self->message_value == NULL && self->message != NULL)
    self->message_value = _msgpack_rpc_message_to_value (self->message);
  return self->message_value;
}

/**
 * msgpack_rpc_call_get_elapsed: (get-property elapsed)
 * @self: a call
 *
 * Gets how long the call took, or has taken until now.
 *
 * Returns: seconds; 0 before it was started
 * Since: 1.0
 */
double
msgpack_rpc_call_get_elapsed (MsgpackRpcCall *self)
{
  g_autoptr(GMutexLocker) locker = NULL;
  gint64 end_time;

  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  if (self->start_time == 0)
    return 0;

  end_time = self->end_time != 0 ? self->end_time : g_get_monotonic_time ();
  return (double) (end_time - self->start_time) / G_USEC_PER_SEC;
}

/**
 * msgpack_rpc_call_cancel:
 * @self: a call
 *
 * Ends the call at once with `G_IO_ERROR_CANCELLED`, unless it has ended before.
 *
 * What was queued for it is taken back if nothing of it was written. The peer is not told; a reply
 * that still comes is counted and dropped. A call that was not started can be cancelled too, and
 * is then never sent.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_cancel (MsgpackRpcCall *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcLink) link = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));

  g_mutex_lock (&self->lock);
  if (self->kind == MSGPACK_RPC_CALL_KIND_OPEN && self->link != NULL)
    link = g_object_ref (self->link);
  g_mutex_unlock (&self->lock);

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The operation was cancelled"));
  if (_msgpack_rpc_call_fail (self, error) && link != NULL)
    _msgpack_rpc_link_close (link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
}
