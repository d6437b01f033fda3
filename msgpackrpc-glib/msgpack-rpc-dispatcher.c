/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-method-private.h"
#include "msgpack-rpc-worker-private.h"

#define DEFAULT_MAX_ANSWER_TIME (60 * 60 * 1000)

/**
 * MsgpackRpcDispatcher:
 *
 * A table of methods, for peers to call.
 *
 * A dispatcher does nothing by itself: give it to any number of servers, clients and connections.
 * [method@Dispatcher.dispatch] calls a method without any of those.
 *
 * A handler runs in the thread, and the context, that delivers the request: the
 * [property@Connection:main-context] of its connection; unless the method has a context of its own
 * ([property@Method:main-context]), or is one for threads ([flags@MethodFlags.IN_THREAD]). No lock is
 * held meanwhile, so that it may do anything, including to remove its own method.
 *
 * ## Parameters
 *
 * A method may declare a signature, the type of its parameters as a `GVariant` type string: `()`
 * for none, `(x)` for one integer, `(xx)` for two, `(sav)` for a string and an array of anything,
 * `a{sv}` for named ones. What does not fit is answered with an error that says what was expected,
 * and the handler does not run; what fits comes with exactly that type. Without a signature, the
 * handler gets the parameters as they came: an array (`av`), or a map (`a{sv}`, `a{xv}` or
 * `a(vv)`).
 *
 * In a tuple, members at the end that are maybes may be left out: `(xms)` is one integer, and perhaps
 * a string. With [flags@MethodFlags.NAMED_PARAMS], the members may come by their names.
 *
 * ## Names
 *
 * A request is answered by the method of its name; if there is none, by a built-in one, of which there
 * are `rpc.discover` ([property@Dispatcher:discoverable]) and `rpc.ping`
 * ([property@Dispatcher:answers-pings]); then by the method with the longest prefix of the name, of
 * those that were added with [flags@MethodFlags.PREFIX]; then by the [property@Dispatcher:next]
 * dispatcher. Else it is an error.
 *
 * ## Who may call what
 *
 * Peers that are connected may call all methods, unless a handler of [signal@Dispatcher::authorize]
 * refuses.
 *
 * ## Topics
 *
 * Peers can also subscribe to what is published: see [method@Dispatcher.add_topic] and [class@Topic].
 *
 * ## Filters
 *
 * A filter sees each request before its method, and may answer, refuse or change it, and look at the
 * answer: see [method@Dispatcher.add_filter].
 *
 * ## Failures
 *
 * A handler that fails is answered for at once, with the text of its error, and logged. It never
 * ends the connection. See [callback@Handler].
 *
 * ## Threads
 *
 * A dispatcher belongs to no context: any thread may use it at any time. A call that has begun ends
 * with the handler that it began with.
 *
 * [property@Dispatcher:methods] tells of a change, and all other properties notify, in the thread that
 * made the change, within the function that made it. A program that watches the list should change it
 * from one thread.
 *
 * The data of a handler is let go when its method is removed and its running calls have returned:
 * in the thread that added the method. If that is not the current one, its thread-default context
 * of then delivers it.
 *
 * Since: 1.0
 */
enum
{
  PROP_0,
  PROP_ANSWERS_PINGS,
  PROP_DESCRIPTION,
  PROP_DISCOVERABLE,
  PROP_MAX_ANSWER_TIME,
  PROP_METHODS,
  PROP_NEXT,
  PROP_N_THREADS,
  PROP_SLOW_HANDLER_TIME,
  PROP_TOPICS,
  PROP_VERSION,
  N_PROPS
};

enum
{
  SIGNAL_AUTHORIZE,
  SIGNAL_SLOW_HANDLER,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MsgpackRpcDispatcher, msgpack_rpc_dispatcher, G_TYPE_OBJECT)

static void
msgpack_rpc_dispatcher_finalize (GObject *object)
{
  MsgpackRpcDispatcher *self = MSGPACK_RPC_DISPATCHER (object);

  _msgpack_rpc_topic_table_clear (&self->topics);
  g_clear_pointer (&self->filters, g_ptr_array_unref);
  _msgpack_rpc_method_table_clear (&self->table);
  _msgpack_rpc_built_in_clear (self);
  g_clear_object (&self->next);
  g_free (self->version);
  g_free (self->description);
  _msgpack_rpc_runners_unref (self->runners);
  g_clear_pointer (&self->workers, _msgpack_rpc_worker_pool_close);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_dispatcher_parent_class)->finalize (object);
}

static void
msgpack_rpc_dispatcher_get_property (GObject    *object,
                                     guint       prop_id,
                                     GValue     *value,
                                     GParamSpec *pspec)
{
  MsgpackRpcDispatcher *self = MSGPACK_RPC_DISPATCHER (object);

  switch (prop_id)
    {
    case PROP_ANSWERS_PINGS:
      g_value_set_boolean (value, msgpack_rpc_dispatcher_get_answers_pings (self));
      break;

    case PROP_DESCRIPTION:
      g_value_take_string (value, msgpack_rpc_dispatcher_get_description (self));
      break;

    case PROP_DISCOVERABLE:
      g_value_set_boolean (value, msgpack_rpc_dispatcher_get_discoverable (self));
      break;

    case PROP_MAX_ANSWER_TIME:
      g_value_set_int (value, msgpack_rpc_dispatcher_get_max_answer_time (self));
      break;

    case PROP_METHODS:
      g_value_set_object (value, self->table.methods);
      break;

    case PROP_NEXT:
      g_value_take_object (value, msgpack_rpc_dispatcher_get_next (self));
      break;

    case PROP_TOPICS:
      g_value_set_object (value, self->topics.topics);
      break;

    case PROP_VERSION:
      g_value_take_string (value, msgpack_rpc_dispatcher_get_version (self));
      break;

    case PROP_N_THREADS:
      g_value_set_uint (value, msgpack_rpc_dispatcher_get_n_threads (self));
      break;

    case PROP_SLOW_HANDLER_TIME:
      g_value_set_int (value, msgpack_rpc_dispatcher_get_slow_handler_time (self));
      break;

    default:
      if (!_msgpack_rpc_dispatcher_get_worker_property (self, prop_id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_dispatcher_set_property (GObject      *object,
                                     guint         prop_id,
                                     const GValue *value,
                                     GParamSpec   *pspec)
{
  MsgpackRpcDispatcher *self = MSGPACK_RPC_DISPATCHER (object);

  switch (prop_id)
    {
    case PROP_ANSWERS_PINGS:
      msgpack_rpc_dispatcher_set_answers_pings (self, g_value_get_boolean (value));
      break;

    case PROP_DESCRIPTION:
      msgpack_rpc_dispatcher_set_description (self, g_value_get_string (value));
      break;

    case PROP_DISCOVERABLE:
      msgpack_rpc_dispatcher_set_discoverable (self, g_value_get_boolean (value));
      break;

    case PROP_MAX_ANSWER_TIME:
      msgpack_rpc_dispatcher_set_max_answer_time (self, g_value_get_int (value));
      break;

    case PROP_NEXT:
      if (!msgpack_rpc_dispatcher_set_next (self, g_value_get_object (value)))
        g_warning ("Dispatchers cannot be chained to a circle");
      break;

    case PROP_VERSION:
      msgpack_rpc_dispatcher_set_version (self, g_value_get_string (value));
      break;

    case PROP_N_THREADS:
      msgpack_rpc_dispatcher_set_n_threads (self, g_value_get_uint (value));
      break;

    case PROP_SLOW_HANDLER_TIME:
      msgpack_rpc_dispatcher_set_slow_handler_time (self, g_value_get_int (value));
      break;

    default:
      if (!_msgpack_rpc_dispatcher_set_worker_property (self, prop_id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
agree (MsgpackRpcDispatcher *self G_GNUC_UNUSED,
       MsgpackRpcInvocation *invocation G_GNUC_UNUSED)
{
  return TRUE;
}

static void
install_signals (GType type)
{
  /**
   * MsgpackRpcDispatcher::authorize:
   * @self: the dispatcher
   * @invocation: a call of one of the methods, of which the peer is its
   *   [property@Invocation:connection]
   *
   * A peer wants to call a method: may it? The detail is the method, so that
   * `authorize::shutdown` asks about that one alone.
   *
   * The first handler that returns `FALSE` refuses: the call is answered with the text of
   * [error@Error.ACCESS_DENIED], unless the handler has answered it by itself, and a notification is
   * dropped. One that fails, as with an exception in Python, returns `FALSE` by that. Without
   * a handler, who is connected may call everything.
   *
   * It comes where the method's handler would run; nobody is asked about methods that there are not.
   * What is built in, such as `rpc.discover`, is asked about as all others; and so is what a method
   * with a prefix answers, with the name that was called as the detail.
   *
   * Returns: `TRUE` if there is nothing to be said against it
   * Since: 1.0
   */
  signals[SIGNAL_AUTHORIZE] =
      g_signal_new_class_handler ("authorize", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED,
                                  G_CALLBACK (agree), _msgpack_rpc_accumulate_agreement, NULL, NULL,
                                  G_TYPE_BOOLEAN, 1, MSGPACK_RPC_TYPE_INVOCATION);

  /**
   * MsgpackRpcDispatcher::slow-handler:
   * @self: the dispatcher
   * @method: the method
   * @time: how long its handler has run, in milliseconds
   *
   * A handler has held the context in which it runs for longer than
   * [property@Dispatcher:slow-handler-time]. It is a warning in the log, too.
   *
   * It comes where the handler ran, when it has returned.
   *
   * Since: 1.0
   */
  signals[SIGNAL_SLOW_HANDLER] =
      g_signal_new ("slow-handler", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    MSGPACK_RPC_TYPE_METHOD, G_TYPE_UINT);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags setting = flags | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcDispatcher:answers-pings: (getter get_answers_pings) (setter set_answers_pings)
   *
   * Whether there is a method `rpc.ping`, which answers nil: by default there is. It is what
   * [property@Client:ping-method] calls.
   *
   * Since: 1.0
   */
  props[PROP_ANSWERS_PINGS] =
      g_param_spec_boolean ("answers-pings", NULL, NULL, TRUE, setting);

  /**
   * MsgpackRpcDispatcher:description: (getter get_description) (setter set_description)
   *
   * What the methods are for, or `NULL`, the default; it is told to peers that ask.
   *
   * Since: 1.0
   */
  props[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcDispatcher:discoverable: (getter get_discoverable) (setter set_discoverable)
   *
   * Whether peers are told which methods there are: by default they are.
   *
   * There is a method `rpc.discover` then, and who calls a method that is not there gets up to three
   * names that are nearest. Whatever [signal@Dispatcher::authorize] would say of them, all methods
   * are told.
   *
   * The answer of `rpc.discover` is a map: `version` and `description` are a text or nil, and
   * `methods` is an array with a map for each method:
   *
   * | key | value |
   * |---|---|
   * | `name` | what peers call it by |
   * | `params` | the [property@Method:signature], or nil |
   * | `param_names` | an array of the [property@Method:param-names] |
   * | `result` | the [property@Method:result-signature], or nil |
   * | `doc` | the [property@Method:description], or nil |
   * | `flags` | an array of the names of its [flags@MethodFlags] |
   *
   * Since: 1.0
   */
  props[PROP_DISCOVERABLE] = g_param_spec_boolean ("discoverable", NULL, NULL, TRUE, setting);

  /**
   * MsgpackRpcDispatcher:max-answer-time: (getter get_max_answer_time) (setter set_max_answer_time)
   *
   * How long a request may stay unanswered before the library answers it with an error, in
   * milliseconds; -1 for ever.
   *
   * The default is an hour; a method may have a time of its own ([property@Method:max-answer-time]).
   * This ends requests whose handlers have lost them; for how long a caller
   * waits, see [property@Connection:default-timeout]. A change holds for later requests.
   *
   * Since: 1.0
   */
  props[PROP_MAX_ANSWER_TIME] = g_param_spec_int ("max-answer-time", NULL, NULL, -1, G_MAXINT,
                                                  DEFAULT_MAX_ANSWER_TIME, setting);

  /**
   * MsgpackRpcDispatcher:methods: (getter get_methods)
   *
   * The methods, as a list of [class@Method], in the order in which they were added.
   *
   * Since: 1.0
   */
  props[PROP_METHODS] = g_param_spec_object ("methods", NULL, NULL, G_TYPE_LIST_MODEL, flags);

  /**
   * MsgpackRpcDispatcher:next: (getter get_next) (setter set_next)
   *
   * Who answers what this dispatcher has no method for, or `NULL`, the default.
   *
   * So a connection can have a dispatcher with methods of its own, and all share another one behind
   * it. Every dispatcher that a request comes by is asked for [signal@Dispatcher::authorize], in that
   * order; [property@Dispatcher:max-answer-time] is that of the one that has the method. `rpc.discover`
   * tells of all that are [property@Dispatcher:discoverable].
   *
   * Dispatchers cannot be chained to a circle: setting that does nothing, with a warning;
   * [method@Dispatcher.set_next] returns `FALSE`.
   *
   * Since: 1.0
   */
  props[PROP_NEXT] =
      g_param_spec_object ("next", NULL, NULL, MSGPACK_RPC_TYPE_DISPATCHER, setting);

  /**
   * MsgpackRpcDispatcher:version: (getter get_version) (setter set_version)
   *
   * The version of what the methods are, or `NULL`, the default; it is told to peers that ask.
   *
   * Since: 1.0
   */
  props[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcDispatcher:n-threads: (getter get_n_threads) (setter set_n_threads)
   *
   * How many threads there may be for the handlers of methods with [flags@MethodFlags.IN_THREAD]; 0,
   * the default, for as many as the machine has processors, but at least two.
   *
   * Threads are started when there is something for them to do, and end some time after. When there
   * are fewer now, those that run a handler end after it.
   *
   * Since: 1.0
   */
  props[PROP_N_THREADS] =
      g_param_spec_uint ("n-threads", NULL, NULL, 0, G_MAXINT, 0,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * MsgpackRpcDispatcher:slow-handler-time: (getter get_slow_handler_time) (setter set_slow_handler_time)
   *
   * How long a handler may hold the context that it runs in, in milliseconds; -1, the default, for any
   * time.
   *
   * A user interface does not react in that time. Of a handler that takes longer,
   * [signal@Dispatcher::slow-handler] and a warning in the log tell, when it has returned; of none that
   * runs in a thread of the dispatcher.
   *
   * Since: 1.0
   */
  props[PROP_SLOW_HANDLER_TIME] =
      g_param_spec_int ("slow-handler-time", NULL, NULL, -1, G_MAXINT, -1,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * MsgpackRpcDispatcher:topics: (getter get_topics)
   *
   * The topics, as a list of [class@Topic], in the order in which they were added.
   *
   * Since: 1.0
   */
  props[PROP_TOPICS] = g_param_spec_object ("topics", NULL, NULL, G_TYPE_LIST_MODEL,
                                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_dispatcher_class_init (MsgpackRpcDispatcherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = msgpack_rpc_dispatcher_finalize;
  object_class->get_property = msgpack_rpc_dispatcher_get_property;
  object_class->set_property = msgpack_rpc_dispatcher_set_property;

  install_properties (object_class);
  _msgpack_rpc_dispatcher_install_worker_properties (object_class);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
msgpack_rpc_dispatcher_init (MsgpackRpcDispatcher *self)
{
  g_mutex_init (&self->lock);
  _msgpack_rpc_method_table_init (&self->table);
  _msgpack_rpc_topic_table_init (&self->topics);
  self->max_answer_time = DEFAULT_MAX_ANSWER_TIME;
  self->is_on[MSGPACK_RPC_BUILT_IN_DISCOVER] = TRUE;
  self->is_on[MSGPACK_RPC_BUILT_IN_PING] = TRUE;
  self->slow_handler_time = -1;
  self->runners = _msgpack_rpc_runners_new ();
}

/**
 * msgpack_rpc_dispatcher_new:
 *
 * Makes a dispatcher without methods.
 *
 * Returns: (transfer full): a dispatcher
 *
 * Since: 1.0
 */
MsgpackRpcDispatcher *
msgpack_rpc_dispatcher_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_DISPATCHER, NULL);
}

/**
 * msgpack_rpc_dispatcher_add_method:
 * @self: a dispatcher
 * @name: the name; peers use it exactly like this
 * @signature: (nullable): the type of the parameters, as a `GVariant` type string such as `(xx)`,
 *   or `NULL` to take them as they come
 * @handler: (scope notified) (closure user_data) (destroy user_data_destroy): what is called
 * @user_data: data for @handler
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Adds a method; see [method@Dispatcher.add_method_full].
 *
 * Returns: the id of the method, or 0 if there is one of that name already
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_add_method (MsgpackRpcDispatcher *self,
                                   const char           *name,
                                   const char           *signature,
                                   MsgpackRpcHandler     handler,
                                   gpointer              user_data,
                                   GDestroyNotify        user_data_destroy)
{
  return msgpack_rpc_dispatcher_add_method_full (self, name, signature, handler, user_data,
                                                 user_data_destroy, MSGPACK_RPC_METHOD_FLAGS_NONE);
}

/**
 * msgpack_rpc_dispatcher_add_method_full:
 * @self: a dispatcher
 * @name: the name, in UTF-8; peers use it exactly like this
 * @signature: (nullable): the type of the parameters, as a `GVariant` type string (a tuple with one
 *   member for each, an array, or a dictionary), or `NULL` to take them as they come
 * @handler: (scope notified) (closure user_data) (destroy user_data_destroy) (nullable): what is
 *   called; `NULL` only with [flags@MethodFlags.IN_PROCESS], where the worker has it
 * @user_data: data for @handler
 * @user_data_destroy: (nullable): lets go of @user_data
 * @flags: flags
 *
 * Adds a method.
 *
 * There is one method of a name. With [flags@MethodFlags.REPLACE], the new one takes the place of
 * the old one, which is removed; else nothing is added, @user_data is let go at once, and 0 is
 * returned.
 *
 * @user_data_destroy is called in the current thread, or by its thread-default context, when the
 * method is removed and no call of it runs any more.
 *
 * Returns: the id of the method, or 0 if there is one of that name already
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_add_method_full (MsgpackRpcDispatcher  *self,
                                        const char            *name,
                                        const char            *signature,
                                        MsgpackRpcHandler      handler,
                                        gpointer               user_data,
                                        GDestroyNotify         user_data_destroy,
                                        MsgpackRpcMethodFlags  flags)
{
  g_autoptr(MsgpackRpcMethod) method = NULL;
  MsgpackRpcMethodEntry *entry;
  MsgpackRpcMethodEntry *old;
  guint position;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);
  g_return_val_if_fail (name != NULL && g_utf8_validate (name, -1, NULL), 0);
  g_return_val_if_fail (signature == NULL || g_variant_type_string_is_valid (signature), 0);
  g_return_val_if_fail (handler != NULL || (flags & MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS) != 0, 0);

  g_mutex_lock (&self->lock);
  old = _msgpack_rpc_method_table_lookup (&self->table, name);
  if (old != NULL && !(flags & MSGPACK_RPC_METHOD_FLAGS_REPLACE))
    {
      g_mutex_unlock (&self->lock);
      if (user_data_destroy != NULL)
        user_data_destroy (user_data);
      return 0;
    }

  method = _msgpack_rpc_method_new (_msgpack_rpc_method_table_next_id (&self->table), name, signature,
                                    flags);
  entry = _msgpack_rpc_method_entry_new (method, handler, user_data, user_data_destroy);
  position = _msgpack_rpc_method_table_put (&self->table, entry, old);
  g_mutex_unlock (&self->lock);

  g_list_model_items_changed (G_LIST_MODEL (self->table.methods), position, old != NULL ? 1 : 0, 1);
  g_clear_pointer (&old, _msgpack_rpc_method_entry_unref);
  return msgpack_rpc_method_get_id (method);
}

/**
 * msgpack_rpc_dispatcher_remove_method:
 * @self: a dispatcher
 * @id: the id of a method
 *
 * Removes a method.
 *
 * A call of it that runs goes on to its end. The data of its handler is let go when the last one
 * has returned: within this function, or later; see [class@Dispatcher] for the thread.
 *
 * Returns: `TRUE` if it was removed, `FALSE` if there is no such method
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_remove_method (MsgpackRpcDispatcher *self,
                                      guint                 id)
{
  MsgpackRpcMethodEntry *entry;
  guint position = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);

  g_mutex_lock (&self->lock);
  entry = _msgpack_rpc_method_table_take (&self->table, id, &position);
  g_mutex_unlock (&self->lock);

  if (entry == NULL)
    return FALSE;

  g_list_model_items_changed (G_LIST_MODEL (self->table.methods), position, 1, 0);
  _msgpack_rpc_method_entry_unref (entry);
  return TRUE;
}

/* Gives @next, where to go on, only if nobody here answers. */
static MsgpackRpcMethodEntry *
find_entry (MsgpackRpcDispatcher  *self,
            const char            *name,
            MsgpackRpcDispatcher **next)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcMethodEntry *entry = _msgpack_rpc_method_table_lookup (&self->table, name);

  if (entry == NULL)
    entry = _msgpack_rpc_topic_table_lookup_method (&self->topics, name);
  if (entry == NULL)
    entry = _msgpack_rpc_built_in_lookup (self, name);
  if (entry == NULL)
    entry = _msgpack_rpc_method_table_match (&self->table, name);
  if (entry != NULL)
    return _msgpack_rpc_method_entry_ref (entry);

  *next = _msgpack_rpc_dispatcher_ref_next_unlocked (self);
  return NULL;
}

gboolean
_msgpack_rpc_dispatcher_authorize (const MsgpackRpcStop *stop,
                                   MsgpackRpcInvocation *invocation)
{
  MsgpackRpcDispatcher *self = stop->dispatcher;
  const char *method = msgpack_rpc_invocation_get_method (invocation);
  g_autoptr(GError) error = NULL;
  gboolean allowed = TRUE;

  if (stop->previous != NULL && !_msgpack_rpc_dispatcher_authorize (stop->previous, invocation))
    return FALSE;

  if (!_msgpack_rpc_has_handler (self, signals[SIGNAL_AUTHORIZE]))
    return TRUE;

  g_signal_emit (self, signals[SIGNAL_AUTHORIZE], _msgpack_rpc_connection_get_detail (method),
                 invocation, &allowed);
  if (allowed)
    return TRUE;

  _msgpack_rpc_debug_info (_msgpack_rpc_invocation_get_connection_id (invocation),
                           _msgpack_rpc_invocation_get_msgid_piece (invocation),
                           "Method “%s” was refused", method);
  error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED, "access denied: %s()",
                       method);
  if (!msgpack_rpc_invocation_get_answered (invocation))
    msgpack_rpc_invocation_return_gerror (invocation, error);
  return FALSE;
}

/* In milliseconds; −1 for ever. */
static int
get_answer_time (MsgpackRpcDispatcher *self,
                 MsgpackRpcMethod     *method)
{
  int own = msgpack_rpc_method_get_max_answer_time (method);

  if (own < 0)
    return g_atomic_int_get (&self->max_answer_time);

  return own == G_MAXINT ? -1 : own;
}

static void
give_to_worker (const MsgpackRpcStop  *stop,
                MsgpackRpcMethodEntry *entry,
                MsgpackRpcInvocation  *invocation)
{
  MsgpackRpcDispatcher *self = stop->dispatcher;
  g_autoptr(GVariant) params = NULL;

  if (_msgpack_rpc_dispatcher_authorize (stop, invocation))
    {
      if (_msgpack_rpc_method_entry_check (entry, invocation, &params))
        _msgpack_rpc_worker_pool_handle (_msgpack_rpc_dispatcher_get_workers (self), invocation,
                                         params, get_answer_time (self, entry->method));
    }
  else if (_msgpack_rpc_invocation_is_notification (invocation))
    {
      _msgpack_rpc_invocation_count_error (invocation);
    }
  _msgpack_rpc_invocation_release (invocation);
}

static gboolean
invoke_along (const MsgpackRpcStop *stop,
              MsgpackRpcInvocation *invocation)
{
  MsgpackRpcDispatcher *self = stop->dispatcher;
  g_autoptr(MsgpackRpcDispatcher) next = NULL;
  MsgpackRpcMethodEntry *entry;

  if (g_atomic_pointer_get (&self->filters) != NULL &&
      !_msgpack_rpc_dispatcher_filter (self, invocation))
    {
      _msgpack_rpc_invocation_release (invocation);
      return TRUE;
    }

  entry = find_entry (self, msgpack_rpc_invocation_get_method (invocation), &next);
  if (entry == NULL)
    return next != NULL && invoke_along (&(MsgpackRpcStop) { next, stop }, invocation);

  _msgpack_rpc_invocation_set_counts (invocation, _msgpack_rpc_method_get_counts (entry->method));
  _msgpack_rpc_invocation_set_answer_time (invocation, get_answer_time (self, entry->method));
  if (G_UNLIKELY (entry->flags & MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS) &&
      !_msgpack_rpc_worker_is_self ())
    give_to_worker (stop, entry, invocation);
  else if (!_msgpack_rpc_method_is_placed (entry->method) ||
           !_msgpack_rpc_dispatcher_run_elsewhere (stop, entry, invocation))
    _msgpack_rpc_dispatcher_run (stop, entry, invocation, TRUE);

  _msgpack_rpc_method_entry_unref (entry);
  return TRUE;
}

gboolean
_msgpack_rpc_dispatcher_invoke (MsgpackRpcDispatcher *self,
                                MsgpackRpcInvocation *invocation)
{
  return invoke_along (&(MsgpackRpcStop) { self, NULL }, invocation);
}

void
_msgpack_rpc_dispatcher_tell_slow (MsgpackRpcDispatcher *self,
                                   MsgpackRpcMethod     *method,
                                   guint                 milliseconds)
{
  g_signal_emit (self, signals[SIGNAL_SLOW_HANDLER], 0, method, milliseconds);
}

/**
 * msgpack_rpc_dispatcher_lookup_method:
 * @self: a dispatcher
 * @name: a name
 *
 * Gets the method of a name, to read or change its settings, which are properties.
 *
 * Returns: (transfer full) (nullable): the method, or `NULL` if there is none
 *
 * Since: 1.0
 */
MsgpackRpcMethod *
msgpack_rpc_dispatcher_lookup_method (MsgpackRpcDispatcher *self,
                                      const char           *name)
{
  g_autoptr(GMutexLocker) locker = NULL;
  MsgpackRpcMethodEntry *entry;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  locker = g_mutex_locker_new (&self->lock);
  entry = _msgpack_rpc_method_table_lookup (&self->table, name);
  return entry != NULL ? g_object_ref (entry->method) : NULL;
}

/**
 * msgpack_rpc_dispatcher_get_methods: (get-property methods)
 * @self: a dispatcher
 *
 * Gets the methods, as a list of [class@Method], in the order in which they were added.
 *
 * The list is always the same object, and changes with the methods.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
msgpack_rpc_dispatcher_get_methods (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  return G_LIST_MODEL (self->table.methods);
}

/**
 * msgpack_rpc_dispatcher_get_max_answer_time: (get-property max-answer-time)
 * @self: a dispatcher
 *
 * Gets how long a request may stay unanswered.
 *
 * Returns: the time in milliseconds, or -1 for ever
 *
 * Since: 1.0
 */
int
msgpack_rpc_dispatcher_get_max_answer_time (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), -1);

  return g_atomic_int_get (&self->max_answer_time);
}

/**
 * msgpack_rpc_dispatcher_set_max_answer_time: (set-property max-answer-time)
 * @self: a dispatcher
 * @max_answer_time: the time in milliseconds, or a negative number for ever
 *
 * Sets how long a request may stay unanswered before the library answers it with an error.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_max_answer_time (MsgpackRpcDispatcher *self,
                                            int                   max_answer_time)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  max_answer_time = MAX (max_answer_time, -1);
  if (g_atomic_int_exchange (&self->max_answer_time, max_answer_time) != max_answer_time)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_ANSWER_TIME]);
}
