/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-private.h"

#include "msgpack-rpc-enum-types.h"

/**
 * MsgpackRpcMethod:
 *
 * What a [class@Dispatcher] knows of one of its methods.
 *
 * These objects are the items of [property@Dispatcher:methods];
 * [method@Dispatcher.lookup_method] finds one by its name.
 *
 * The properties that can be set are the settings of the method. Any thread may set them at any time;
 * a change holds for later requests, and notifies in the thread that has made it, within the function
 * that made it. When the method is removed, its object stays as it is and means nothing any more.
 *
 * Since: 1.0
 */
struct _MsgpackRpcMethod
{
  GObject parent_instance;

  /* Never change. */
  guint id;
  char *name;
  char *signature;   /* NULL: none */
  MsgpackRpcMethodFlags flags;
  MsgpackRpcMethodCounts *counts; /* owned */

  int is_placed;     /* atomic; what follows may say so */

  int max_answer_time; /* atomic; milliseconds, −1: the dispatcher's */

  GMutex lock;       /* guards what follows */
  char *description; /* NULL: none */
  GStrv param_names; /* never NULL */

  int checks_result; /* atomic: whether there is a */
  char *result_signature; /* a GRefString, guarded by the lock; NULL: none */
  MsgpackRpcReactor *reactor; /* owned; of the context; NULL: none is set */
  int priority;
};

enum
{
  PROP_0,
  PROP_DESCRIPTION,
  PROP_FLAGS,
  PROP_ID,
  PROP_MAIN_CONTEXT,
  PROP_MAX_ANSWER_TIME,
  PROP_N_CALLS,
  PROP_N_ERRORS,
  PROP_NAME,
  PROP_PARAM_NAMES,
  PROP_RESULT_SIGNATURE,
  PROP_PRIORITY,
  PROP_SIGNATURE,
  PROP_TOTAL_TIME,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcMethod, msgpack_rpc_method, G_TYPE_OBJECT)

static void
msgpack_rpc_method_finalize (GObject *object)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  g_free (self->name);
  g_free (self->signature);
  g_free (self->description);
  g_strfreev (self->param_names);
  g_clear_pointer (&self->result_signature, g_ref_string_release);
  g_clear_pointer (&self->reactor, _msgpack_rpc_reactor_unref);
  g_atomic_rc_box_release (self->counts);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_method_parent_class)->finalize (object);
}

static void
msgpack_rpc_method_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      g_value_take_string (value, msgpack_rpc_method_get_description (self));
      break;

    case PROP_FLAGS:
      g_value_set_flags (value, self->flags);
      break;

    case PROP_ID:
      g_value_set_uint (value, self->id);
      break;

    case PROP_MAIN_CONTEXT:
      g_value_take_boxed (value, msgpack_rpc_method_get_main_context (self));
      break;

    case PROP_N_CALLS:
      g_value_set_uint64 (value, msgpack_rpc_method_get_n_calls (self));
      break;

    case PROP_N_ERRORS:
      g_value_set_uint64 (value, msgpack_rpc_method_get_n_errors (self));
      break;

    case PROP_MAX_ANSWER_TIME:
      g_value_set_int (value, msgpack_rpc_method_get_max_answer_time (self));
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_PARAM_NAMES:
      g_value_take_boxed (value, msgpack_rpc_method_get_param_names (self));
      break;

    case PROP_RESULT_SIGNATURE:
      g_value_take_string (value, msgpack_rpc_method_get_result_signature (self));
      break;

    case PROP_PRIORITY:
      g_value_set_int (value, msgpack_rpc_method_get_priority (self));
      break;

    case PROP_SIGNATURE:
      g_value_set_string (value, self->signature);
      break;

    case PROP_TOTAL_TIME:
      g_value_set_uint64 (value, msgpack_rpc_method_get_total_time (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_method_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      msgpack_rpc_method_set_description (self, g_value_get_string (value));
      break;

    case PROP_PARAM_NAMES:
      msgpack_rpc_method_set_param_names (self, g_value_get_boxed (value));
      break;

    case PROP_RESULT_SIGNATURE:
      msgpack_rpc_method_set_result_signature (self, g_value_get_string (value));
      break;

    case PROP_MAIN_CONTEXT:
      msgpack_rpc_method_set_main_context (self, g_value_get_boxed (value));
      break;

    case PROP_PRIORITY:
      msgpack_rpc_method_set_priority (self, g_value_get_int (value));
      break;

    case PROP_MAX_ANSWER_TIME:
      msgpack_rpc_method_set_max_answer_time (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_method_class_init (MsgpackRpcMethodClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags setting = flags | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = msgpack_rpc_method_finalize;
  object_class->get_property = msgpack_rpc_method_get_property;
  object_class->set_property = msgpack_rpc_method_set_property;

  /**
   * MsgpackRpcMethod:description: (getter get_description) (setter set_description)
   *
   * What the method does, for those who want to call it, or `NULL`, the default.
   *
   * Since: 1.0
   */
  props[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcMethod:flags: (getter get_flags)
   *
   * The flags that the method was added with.
   *
   * Since: 1.0
   */
  props[PROP_FLAGS] = g_param_spec_flags ("flags", NULL, NULL, MSGPACK_RPC_TYPE_METHOD_FLAGS,
                                          MSGPACK_RPC_METHOD_FLAGS_NONE, flags);

  /**
   * MsgpackRpcMethod:id: (getter get_id)
   *
   * The id with which [method@Dispatcher.remove_method] removes the method. It is never 0.
   *
   * Since: 1.0
   */
  props[PROP_ID] = g_param_spec_uint ("id", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * MsgpackRpcMethod:main-context: (getter get_main_context) (setter set_main_context)
   *
   * The context in which the handler runs; `NULL`, the default, for the
   * [property@Connection:main-context] of each connection.
   *
   * It is for handlers that use what belongs to one thread. The application runs the context; while
   * nobody does, requests wait until [property@Dispatcher:max-answer-time] has passed. Methods
   * with [flags@MethodFlags.IN_THREAD] have no use for it.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] = g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                                                 setting);

  /**
   * MsgpackRpcMethod:max-answer-time: (getter get_max_answer_time) (setter set_max_answer_time)
   *
   * How long a request for this method may stay unanswered before the library answers it with an error,
   * in milliseconds; `G_MAXINT` for ever. The default, -1, stands for
   * [property@Dispatcher:max-answer-time].
   *
   * Since: 1.0
   */
  props[PROP_MAX_ANSWER_TIME] = g_param_spec_int ("max-answer-time", NULL, NULL, -1, G_MAXINT, -1,
                                                  setting);

  /**
   * MsgpackRpcMethod:n-calls: (getter get_n_calls)
   *
   * How many requests and notifications there were for the method; see
   * [method@Method.get_n_calls]. It never notifies.
   *
   * Since: 1.0
   */
  props[PROP_N_CALLS] = g_param_spec_uint64 ("n-calls", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * MsgpackRpcMethod:n-errors: (getter get_n_errors)
   *
   * How many of them ended with an error; see [method@Method.get_n_errors]. It never notifies.
   *
   * Since: 1.0
   */
  props[PROP_N_ERRORS] = g_param_spec_uint64 ("n-errors", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * MsgpackRpcMethod:name: (getter get_name)
   *
   * The name that peers call it by.
   *
   * Since: 1.0
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * MsgpackRpcMethod:param-names: (getter get_param_names) (setter set_param_names)
   *
   * The names of the parameters, in the order of [property@Method:signature]. By default there are
   * none.
   *
   * They are told to whoever asks what the method takes. If it was added with
   * [flags@MethodFlags.NAMED_PARAMS], and its signature is a tuple, then a peer may also send a map
   * with these names as keys instead of an array: the handler gets the same either way. Members that
   * are maybes may be left out. Names beyond the members of the signature are ignored; a member
   * without a name, if it is no maybe, makes that the method can only be called with an array.
   *
   * Since: 1.0
   */
  props[PROP_PARAM_NAMES] = g_param_spec_boxed ("param-names", NULL, NULL, G_TYPE_STRV, setting);

  /**
   * MsgpackRpcMethod:result-signature: (getter get_result_signature) (setter set_result_signature)
   *
   * The type of the result, as a `GVariant` type string, or `NULL`, the default, if it may be
   * anything.
   *
   * What the handler returns is made to fit as parameters are, and sent as exactly that type: an `i`
   * is a `d` where one is declared. `()` and nil is the same, and sent as nil. What does not fit is
   * logged with what was expected, and the peer gets an error.
   *
   * Since: 1.0
   */
  props[PROP_RESULT_SIGNATURE] =
      g_param_spec_string ("result-signature", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcMethod:priority: (getter get_priority) (setter set_priority)
   *
   * How urgent the method is among those whose requests wait for the same context or the same
   * threads: a lower number comes first, as with a [struct@GLib.Source]. The default is 0.
   *
   * Of several connections with requests of one priority, each has its turn. The priority decides
   * only who is next; a handler that runs is not interrupted.
   *
   * Notifications of one connection keep their order, and requests of a method with
   * [flags@MethodFlags.SERIAL] do, whatever the priorities are.
   *
   * In a context, a request with another priority than 0 waits for its turn apart from what else its
   * connection delivers there: what came before it or after it may come the other way round, and a
   * handler of that context that blocks in a call is not called for it meanwhile.
   *
   * Since: 1.0
   */
  props[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, setting);

  /**
   * MsgpackRpcMethod:signature: (getter get_signature)
   *
   * The type of the parameters, as a `GVariant` type string, or `NULL` if they are taken as they
   * come.
   *
   * Since: 1.0
   */
  props[PROP_SIGNATURE] = g_param_spec_string ("signature", NULL, NULL, NULL, flags);

  /**
   * MsgpackRpcMethod:total-time: (getter get_total_time)
   *
   * How long the handler has run, in microseconds; see [method@Method.get_total_time]. It never
   * notifies.
   *
   * Since: 1.0
   */
  props[PROP_TOTAL_TIME] = g_param_spec_uint64 ("total-time", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_method_init (MsgpackRpcMethod *self)
{
  g_mutex_init (&self->lock);
  self->param_names = g_new0 (char *, 1);
  self->max_answer_time = -1;
  self->counts = g_atomic_rc_box_new0 (MsgpackRpcMethodCounts);
}

/* With the lock held, unless nobody else knows it. */
static void
update_placed (MsgpackRpcMethod *self)
{
  g_atomic_int_set (&self->is_placed,
                    (self->flags & MSGPACK_RPC_METHOD_FLAGS_IN_THREAD) != 0 ||
                    self->reactor != NULL || self->priority != 0);
}

MsgpackRpcMethod *
_msgpack_rpc_method_new (guint                  id,
                         const char            *name,
                         const char            *signature,
                         MsgpackRpcMethodFlags  flags)
{
  MsgpackRpcMethod *self = g_object_new (MSGPACK_RPC_TYPE_METHOD, NULL);

  self->id = id;
  self->name = g_strdup (name);
  self->signature = g_strdup (signature);
  self->flags = flags;
  update_placed (self);
  return self;
}

char *
_msgpack_rpc_method_ref_result_signature (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (!g_atomic_int_get (&self->checks_result))
    return NULL;

  locker = g_mutex_locker_new (&self->lock);
  return self->result_signature != NULL ? g_ref_string_acquire (self->result_signature) : NULL;
}

MsgpackRpcMethodCounts *
_msgpack_rpc_method_get_counts (MsgpackRpcMethod *self)
{
  return self->counts;
}

gboolean
_msgpack_rpc_method_is_placed (MsgpackRpcMethod *self)
{
  return g_atomic_int_get (&self->is_placed);
}

MsgpackRpcReactor *
_msgpack_rpc_method_get_place (MsgpackRpcMethod *self,
                               int              *priority)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *priority = self->priority;
  return self->reactor != NULL ? _msgpack_rpc_reactor_ref (self->reactor) : NULL;
}

/**
 * msgpack_rpc_method_get_id: (get-property id)
 * @self: a method
 *
 * Gets the id with which [method@Dispatcher.remove_method] removes the method.
 *
 * Returns: the id, never 0
 *
 * Since: 1.0
 */
guint
msgpack_rpc_method_get_id (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  return self->id;
}

/**
 * msgpack_rpc_method_get_name: (get-property name)
 * @self: a method
 *
 * Gets the name that peers call the method by.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_method_get_name (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  return self->name;
}

/**
 * msgpack_rpc_method_get_signature: (get-property signature)
 * @self: a method
 *
 * Gets the type of the parameters.
 *
 * Returns: (transfer none) (nullable): a `GVariant` type string, or `NULL` if the parameters are
 *   taken as they come
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_method_get_signature (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  return self->signature;
}

/**
 * msgpack_rpc_method_get_flags: (get-property flags)
 * @self: a method
 *
 * Gets the flags that the method was added with.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
MsgpackRpcMethodFlags
msgpack_rpc_method_get_flags (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), MSGPACK_RPC_METHOD_FLAGS_NONE);

  return self->flags;
}

/**
 * msgpack_rpc_method_get_description: (get-property description)
 * @self: a method
 *
 * Gets what the method does.
 *
 * Returns: (transfer full) (nullable): the text, or `NULL` for none
 *
 * Since: 1.0
 */
char *
msgpack_rpc_method_get_description (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->description);
}

/**
 * msgpack_rpc_method_set_description: (set-property description)
 * @self: a method
 * @description: (nullable): a text in UTF-8, or `NULL` for none
 *
 * Sets what the method does, for those who want to call it.
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_description (MsgpackRpcMethod *self,
                                    const char       *description)
{
  g_autofree char *old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));
  g_return_if_fail (description == NULL || g_utf8_validate (description, -1, NULL));

  g_mutex_lock (&self->lock);
  old = self->description;
  self->description = g_strdup (description);
  g_mutex_unlock (&self->lock);

  if (g_strcmp0 (old, description) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DESCRIPTION]);
}

/**
 * msgpack_rpc_method_get_param_names: (get-property param-names)
 * @self: a method
 *
 * Gets the names of the parameters.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names, which may be none
 *
 * Since: 1.0
 */
GStrv
msgpack_rpc_method_get_param_names (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdupv (self->param_names);
}

static gboolean
are_texts (const char * const *strings)
{
  for (; strings != NULL && *strings != NULL; strings++)
    {
      if (!g_utf8_validate (*strings, -1, NULL))
        return FALSE;
    }

  return TRUE;
}

/**
 * msgpack_rpc_method_set_param_names: (set-property param-names)
 * @self: a method
 * @param_names: (nullable) (array zero-terminated=1): the names, in UTF-8, or `NULL` for none
 *
 * Sets the names of the parameters; see [property@Method:param-names].
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_param_names (MsgpackRpcMethod   *self,
                                    const char * const *param_names)
{
  const char * const none[] = { NULL };
  const char * const *names = param_names != NULL ? param_names : none;
  g_auto(GStrv) old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));
  g_return_if_fail (are_texts (param_names));

  g_mutex_lock (&self->lock);
  old = self->param_names;
  self->param_names = g_strdupv ((char **) names);
  g_mutex_unlock (&self->lock);

  if (!g_strv_equal ((const char * const *) old, names))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PARAM_NAMES]);
}

/**
 * msgpack_rpc_method_get_result_signature: (get-property result-signature)
 * @self: a method
 *
 * Gets the type of the result.
 *
 * Returns: (transfer full) (nullable): a `GVariant` type string, or `NULL` if it may be anything
 *
 * Since: 1.0
 */
char *
msgpack_rpc_method_get_result_signature (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->result_signature);
}

/**
 * msgpack_rpc_method_set_result_signature: (set-property result-signature)
 * @self: a method
 * @result_signature: (nullable): a `GVariant` type string of one complete type, or `NULL`
 *
 * Sets the type of the result; see [property@Method:result-signature].
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_result_signature (MsgpackRpcMethod *self,
                                         const char       *result_signature)
{
  char *old;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));
  g_return_if_fail (result_signature == NULL || g_variant_type_string_is_valid (result_signature));

  g_mutex_lock (&self->lock);
  old = self->result_signature;
  self->result_signature = result_signature != NULL ? g_ref_string_new (result_signature) : NULL;
  g_atomic_int_set (&self->checks_result, result_signature != NULL);
  g_mutex_unlock (&self->lock);

  if (g_strcmp0 (old, result_signature) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RESULT_SIGNATURE]);
  g_clear_pointer (&old, g_ref_string_release);
}

/**
 * msgpack_rpc_method_get_max_answer_time: (get-property max-answer-time)
 * @self: a method
 *
 * Gets how long a request for the method may stay unanswered.
 *
 * Returns: the time in milliseconds, `G_MAXINT` for ever, or -1 for
 *   [property@Dispatcher:max-answer-time]
 *
 * Since: 1.0
 */
int
msgpack_rpc_method_get_max_answer_time (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), -1);

  return g_atomic_int_get (&self->max_answer_time);
}

/**
 * msgpack_rpc_method_set_max_answer_time: (set-property max-answer-time)
 * @self: a method
 * @max_answer_time: the time in milliseconds, `G_MAXINT` for ever, or a negative number for
 *   [property@Dispatcher:max-answer-time]
 *
 * Sets how long a request for the method may stay unanswered before the library answers it with an
 * error.
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_max_answer_time (MsgpackRpcMethod *self,
                                        int               max_answer_time)
{
  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));

  max_answer_time = MAX (max_answer_time, -1);
  if (g_atomic_int_exchange (&self->max_answer_time, max_answer_time) != max_answer_time)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_ANSWER_TIME]);
}

/**
 * msgpack_rpc_method_get_main_context: (get-property main-context)
 * @self: a method
 *
 * Gets the context in which the handler runs.
 *
 * Returns: (transfer full) (nullable): the context, or `NULL` for that of each connection
 *
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_method_get_main_context (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  if (self->reactor == NULL)
    return NULL;

  return g_main_context_ref (_msgpack_rpc_reactor_get_context (self->reactor));
}

/**
 * msgpack_rpc_method_set_main_context: (set-property main-context)
 * @self: a method
 * @main_context: (nullable): a context, or `NULL` for that of each connection
 *
 * Sets the context in which the handler runs.
 *
 * It must not be used in JavaScript for a context that another thread runs.
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_main_context (MsgpackRpcMethod *self,
                                     GMainContext     *main_context)
{
  MsgpackRpcReactor *reactor;
  MsgpackRpcReactor *old;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));

  reactor = main_context != NULL ? _msgpack_rpc_reactor_get (main_context) : NULL;
  g_mutex_lock (&self->lock);
  old = self->reactor;
  self->reactor = reactor;
  update_placed (self);
  g_mutex_unlock (&self->lock);

  if (old != reactor)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAIN_CONTEXT]);
  g_clear_pointer (&old, _msgpack_rpc_reactor_unref);
}

/**
 * msgpack_rpc_method_get_priority: (get-property priority)
 * @self: a method
 *
 * Gets how urgent the method is.
 *
 * Returns: the priority; a lower number comes first
 *
 * Since: 1.0
 */
int
msgpack_rpc_method_get_priority (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->priority;
}

/**
 * msgpack_rpc_method_set_priority: (set-property priority)
 * @self: a method
 * @priority: the priority; a lower number comes first
 *
 * Sets how urgent the method is among those that wait; see [property@Method:priority].
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_priority (MsgpackRpcMethod *self,
                                 int               priority)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));

  g_mutex_lock (&self->lock);
  changed = self->priority != priority;
  self->priority = priority;
  update_placed (self);
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PRIORITY]);
}

/**
 * msgpack_rpc_method_get_n_calls: (get-property n-calls)
 * @self: a method
 *
 * Gets how many requests and notifications there were for the method since it was added, also those
 * that were refused, or whose parameters did not fit.
 *
 * On machines of 32 bits this and the other numbers start over after 4,294,967,295.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_method_get_n_calls (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  return (gsize) g_atomic_pointer_get (&self->counts->n_calls);
}

/**
 * msgpack_rpc_method_get_n_errors: (get-property n-errors)
 * @self: a method
 *
 * Gets how many requests for the method were answered with an error, by whomever and at any time, and
 * how many notifications were refused, did not fit, or had a handler that failed; but not of handlers in
 * worker processes, unless the process ends with it.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_method_get_n_errors (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  return (gsize) g_atomic_pointer_get (&self->counts->n_errors);
}

/**
 * msgpack_rpc_method_get_total_time: (get-property total-time)
 * @self: a method
 *
 * Gets how long the handler of the method has run, all its calls together: from when it is called
 * until it returns, and not until an answer that it gives later. If it runs in a worker process, that
 * is from when the request is given to that until the answer has come.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_method_get_total_time (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  return (gsize) g_atomic_pointer_get (&self->counts->total_time);
}
