/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What a method can be, besides a name, a signature and a handler: see test-dispatcher.c for those. */

#include <string.h>

#include "test-util.h"

/* Answers with the parameters, as they are printed with their types. */
static gboolean
print_cb (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  g_autofree char *text = g_variant_print (params, TRUE);

  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (text));
}

/* What a call gives: the text of its result, or that of its error. */
static char *
dispatch (MsgpackRpcDispatcher *dispatcher,
          const char           *method,
          const char           *params)
{
  g_autoptr(GVariant) value = test_parse (params);
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) failure = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, g_variant_new ("(iisv)", 0, 7, method, value),
                                           &error);
  g_assert_no_error (error);
  g_variant_get_child (reply, 2, "v", &failure);
  g_variant_get_child (reply, 3, "v", &result);
  return g_variant_dup_string (g_variant_is_of_type (failure, G_VARIANT_TYPE_STRING) ? failure : result,
                               NULL);
}

static void
assert_answer (MsgpackRpcDispatcher *dispatcher,
               const char           *method,
               const char           *params,
               const char           *expected)
{
  g_autofree char *answer = dispatch (dispatcher, method, params);

  g_assert_cmpstr (answer, ==, expected);
}

/* Two connections, of which one has a dispatcher. */
typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcConnection *callee;
  MsgpackRpcConnection *caller;
} Pair;

static void
pair_init (Pair *self)
{
  g_autoptr(GError) error = NULL;

  self->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_connection_new_pair (&self->callee, &self->caller, &error);
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (self->callee, self->dispatcher);
}

/* Drops the last reference, but for those of what is still to be delivered. */
static void
finalize (gpointer object)
{
  g_object_add_weak_pointer (object, &object);
  g_object_unref (object);
  WAIT_UNTIL (object == NULL);
}

static void
pair_clear (Pair *self)
{
  finalize (self->caller);
  finalize (self->callee);
  finalize (self->dispatcher);
}

static MsgpackRpcCall *
start (Pair       *self,
       const char *method,
       const char *params)
{
  g_autoptr(GVariant) value = test_parse (params);

  return msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (self->caller), method, value);
}

/* Waits for a call, whose result, or the text of whose error, is a text. */
static void
assert_ends (MsgpackRpcCall *call,
             const char     *expected)
{
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GVariant) failure = NULL;

  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_object_get (call, "result", &result, "error-value", &failure, NULL);
  if (failure != NULL)
    g_assert_cmpstr (g_variant_get_string (failure, NULL), ==, expected);
  else
    g_assert_cmpstr (g_variant_get_string (result, NULL), ==, expected);
}

static void
assert_call (Pair       *self,
             const char *method,
             const char *params,
             const char *expected)
{
  g_autoptr(MsgpackRpcCall) call = start (self, method, params);

  assert_ends (call, expected);
}

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          gpointer    user_data)
{
  guint *n = user_data;

  (*n)++;
}

static void
test_settings (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autofree char *description = NULL;
  MsgpackRpcMethodFlags flags;
  guint n_notified = 0;
  guint id;

  g_test_summary ("A method is found by its name, and has settings that can be changed");

  id = msgpack_rpc_dispatcher_add_method_full (dispatcher, "add", "(xx)", test_add_handler, NULL,
                                               NULL, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  g_assert_null (msgpack_rpc_dispatcher_lookup_method (dispatcher, "Add"));
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "add");
  g_assert_cmpuint (msgpack_rpc_method_get_id (method), ==, id);
  g_assert_null (msgpack_rpc_method_get_description (method));

  g_signal_connect (method, "notify", G_CALLBACK (count_cb), &n_notified);
  msgpack_rpc_method_set_description (method, "Adds two numbers");
  g_object_set (method, "description", "Adds two numbers", NULL);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (method, "description", &description, "flags", &flags, NULL);
  g_assert_cmpstr (description, ==, "Adds two numbers");
  g_assert_cmpuint (flags, ==, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  g_assert_cmpuint (msgpack_rpc_method_get_flags (method), ==, flags);

  g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
  g_assert_null (msgpack_rpc_dispatcher_lookup_method (dispatcher, "add"));
  msgpack_rpc_method_set_description (method, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
  g_assert_finalize_object (g_steal_pointer (&method));
}

static void
test_optional (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("Parameters at the end that are maybes may be left out");

  msgpack_rpc_dispatcher_add_method (dispatcher, "f", "(xmsmv)", print_cb, NULL, NULL);

  assert_answer (dispatcher, "f", "(1, 'a', true)", "(int64 1, @ms 'a', @mv <true>)");
  assert_answer (dispatcher, "f", "(1, 'a')", "(int64 1, @ms 'a', @mv nothing)");
  assert_answer (dispatcher, "f", "(1, @mv nothing)", "(int64 1, @ms nothing, @mv nothing)");
  assert_answer (dispatcher, "f", "(1,)", "(int64 1, @ms nothing, @mv nothing)");
  assert_answer (dispatcher, "f", "()", "f() takes 1 to 3 arguments (0 given)");
  assert_answer (dispatcher, "f", "(1, 'a', true, 2)", "f() takes 1 to 3 arguments (4 given)");
  assert_answer (dispatcher, "f", "(1, 2)", "expected a string at params[1], got a number");
}

static void
set_param_names (MsgpackRpcDispatcher *dispatcher,
                 const char           *method_name,
                 const char           *names)
{
  g_autoptr(MsgpackRpcMethod) method = msgpack_rpc_dispatcher_lookup_method (dispatcher, method_name);
  g_auto(GStrv) list = g_strsplit (names, " ", -1);

  msgpack_rpc_method_set_param_names (method, (const char * const *) list);
}

static void
test_named (void)
{
  const struct
  {
    const char *params;
    const char *expected;
  } cases[] = {
    { "(1, ['a'])", "(int64 1, ['a'], @mx nothing)" },
    { "{'x': <1>, 'list': <['a']>, 'y': <2>}", "(int64 1, ['a'], @mx 2)" },
    { "{'list': <['a']>, 'x': <1>}", "(int64 1, ['a'], @mx nothing)" },
    { "[(<'x'>, <1>), (<'list'>, <['a']>)]", "(int64 1, ['a'], @mx nothing)" },
    { "@a{sv} {}", "f() lacks the argument “x”" },
    { "{'x': <1>}", "f() lacks the argument “list”" },
    { "{'x': <1>, 'z': <2>, 'list': <['a']>}", "f() takes no argument “z”" },
    { "{'%s': <1>}", "f() takes no argument “%s”" },
    { "[(<'x'>, <1>), (<'x'>, <1>)]", "f() takes only one argument “x”" },
    { "{'x': <1>, 'list': <['a', 'b']>, 'y': <'c'>}",
      "expected a number at params[\"y\"], got a string" },
    { "{'x': <1>, 'list': <(1, 2)>}", "expected a string at params[\"list\"][0], got a number" },
    { "{1: 2}", "expected a string at the keys of params, got a number" },
    { "{true: 2}", "expected a string at the keys of params, got a boolean" },
  };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("Parameters may come by name where the method says so");

  msgpack_rpc_dispatcher_add_method_full (dispatcher, "f", "(xasmx)", print_cb, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  assert_answer (dispatcher, "f", "{'x': <1>}", "f() takes no argument “x”");
  assert_answer (dispatcher, "f", "@a{sv} {}", "f() lacks the argument “params[0]”");

  set_param_names (dispatcher, "f", "x list y unused");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].params);
      assert_answer (dispatcher, "f", cases[i].params, cases[i].expected);
    }
}

static void
test_not_named (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("Names alone change nothing, nor does the flag if parameters are no tuple");

  msgpack_rpc_dispatcher_add_method (dispatcher, "f", "(x)", print_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "map", "a{sv}", print_cb, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "any", NULL, print_cb, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  set_param_names (dispatcher, "f", "x");
  set_param_names (dispatcher, "map", "x");
  set_param_names (dispatcher, "any", "x");

  assert_answer (dispatcher, "f", "{'x': <1>}", "expected an array at params, got a map");
  assert_answer (dispatcher, "map", "{'y': <1>}", "{'y': <int64 1>}");
  assert_answer (dispatcher, "any", "{'y': <1>}", "{'y': <int64 1>}");
}

/* ---- results ---- */

/* Answers with what the parameter says, as text. */
static gboolean
answer_cb (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gpointer               user_data,
           GError               **error)
{
  g_autoptr(GVariant) result = NULL;
  const char *text;

  g_variant_get (params, "(&s)", &text);
  if (*text != '\0')
    result = test_parse (text);
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, result));
  g_assert_false (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (5)));
  return TRUE;
}

static char *last_info; /* what was logged as such, or as a warning */

static GLogWriterOutput
write_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if ((level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_WARNING)) && strcmp (fields[i].key, "MESSAGE") == 0)
        {
          static GMutex lock;
          g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);

          /* Other threads may log, while nobody looks. */
          g_free (last_info);
          last_info = g_strdup (fields[i].value);
        }
    }

  return g_log_writer_default (level, fields, n_fields, user_data);
}

/* @sent: what is in the result slot; NULL: an error, and @logged says why. */
static void
assert_result (MsgpackRpcDispatcher *dispatcher,
               const char           *result,
               const char           *sent,
               const char           *logged)
{
  g_autofree char *info = g_strdup_printf ("Result of method “f”: %s", logged);
  g_autofree char *expected = NULL;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;

  g_clear_pointer (&last_info, g_free);
  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, g_variant_new ("(iis(s))", 0, 7, "f", result),
                                           &error);
  g_assert_no_error (error);
  if (sent != NULL)
    expected = g_strdup_printf ("(1, 7, @mv nothing, %s)", sent);
  else
    expected = g_strdup ("(1, 7, 'Method “f” gave a result of a wrong type', @mv nothing)");
  test_assert_value (reply, expected);
  g_assert_cmpstr (last_info, ==, logged != NULL ? info : NULL);
}

static void
test_results (void)
{
  const struct
  {
    const char *signature;
    const char *result; /* as text */
    const char *sent;   /* the result slot; NULL: an error */
    const char *logged;
  } cases[] = {
    { "x", "5", "5", NULL },
    { "d", "5", "5.0", NULL },
    { "as", "['a']", "['a']", NULL },
    { "as", "[<'a'>]", "['a']", NULL },
    { "a{sv}", "@av []", "@a{sv} {}", NULL },
    { "(xs)", "(1, 'a')", "(1, 'a')", NULL },
    { "()", "", "@mv nothing", NULL },
    { "()", "()", "@mv nothing", NULL },
    { "mx", "", "@mv nothing", NULL },
    { "v", "", "@mv nothing", NULL },
    { "*", "5", "5", NULL },
    { "x", "'a'", NULL, "expected a number at result, got a string" },
    { "x", "", NULL, "expected a number at result, got nil" },
    { "y", "256", NULL, "expected an integer from 0 to 255 at result, got 256" },
    { "aax", "[[1], [2, 3.5]]", NULL, "expected an integer at result[1][1], got 3.5" },
    { "()", "5", NULL, "expected an array at result, got a number" },
  };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;

  g_test_summary ("A result is what the method has declared, or the peer gets an error");

  msgpack_rpc_dispatcher_add_method (dispatcher, "f", "(s)", answer_cb, NULL, NULL);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "f");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s, %s", cases[i].signature, cases[i].result);
      msgpack_rpc_method_set_result_signature (method, cases[i].signature);
      assert_result (dispatcher, cases[i].result, cases[i].sent, cases[i].logged);
    }

  msgpack_rpc_method_set_result_signature (method, NULL);
  assert_result (dispatcher, "'a'", "'a'", NULL);
}

static gpointer
answer_in_thread (gpointer data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = data;

  g_assert_true (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (7)));
  return NULL;
}

/* Declares another result before a thread answers. */
static gboolean
answer_later_cb (MsgpackRpcInvocation  *invocation,
                 GVariant              *params,
                 gpointer               user_data,
                 GError               **error)
{
  Pair *pair = user_data;
  g_autoptr(MsgpackRpcMethod) method = msgpack_rpc_dispatcher_lookup_method (pair->dispatcher, "f");

  msgpack_rpc_method_set_result_signature (method, NULL);
  g_thread_unref (g_thread_new ("answer", answer_in_thread, g_object_ref (invocation)));
  return TRUE;
}

static void
test_results_later (void)
{
  Pair pair;
  g_autoptr(MsgpackRpcMethod) method = NULL;

  g_test_summary ("A result is checked in the thread that gives it, by what was declared at the start");

  pair_init (&pair);
  msgpack_rpc_dispatcher_add_method (pair.dispatcher, "f", NULL, answer_later_cb, &pair, NULL);
  method = msgpack_rpc_dispatcher_lookup_method (pair.dispatcher, "f");
  msgpack_rpc_method_set_result_signature (method, "s");
  assert_call (&pair, "f", "()", "Method “f” gave a result of a wrong type");
  pair_clear (&pair);
}

/* ---- who answers ---- */

/* Answers with the data, and what was called. */
static gboolean
name_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%s: %s", (char *) user_data, msgpack_rpc_invocation_get_method (invocation));
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (text));
}

static guint
add_named (MsgpackRpcDispatcher  *dispatcher,
           const char            *name,
           const char            *data,
           MsgpackRpcMethodFlags  flags)
{
  return msgpack_rpc_dispatcher_add_method_full (dispatcher, name, NULL, name_cb, (gpointer) data, NULL,
                                                 flags);
}

static void
test_prefix (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;
  guint log;
  guint any;

  g_test_summary ("A method takes all names with its prefix that no other takes, the longest first");

  log = add_named (dispatcher, "log.", "log", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  any = add_named (dispatcher, "", "any", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  add_named (dispatcher, "log.file.", "file", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  add_named (dispatcher, "log.file.x", "exact", MSGPACK_RPC_METHOD_FLAGS_NONE);

  assert_answer (dispatcher, "log.file.x", "()", "exact: log.file.x");
  assert_answer (dispatcher, "log.file.xy", "()", "file: log.file.xy");
  assert_answer (dispatcher, "log.file.", "()", "file: log.file.");
  assert_answer (dispatcher, "log.file", "()", "log: log.file");
  assert_answer (dispatcher, "log", "()", "any: log");
  assert_answer (dispatcher, "", "()", "any: ");

  g_assert_cmpuint (add_named (dispatcher, "log.", "more", MSGPACK_RPC_METHOD_FLAGS_NONE), ==, 0);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "log.");
  g_assert_cmpuint (msgpack_rpc_method_get_id (method), ==, log);

  add_named (dispatcher, "log.", "only", MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  assert_answer (dispatcher, "log.", "()", "only: log.");
  assert_answer (dispatcher, "log.x", "()", "any: log.x");
  add_named (dispatcher, "log.", "log again",
             MSGPACK_RPC_METHOD_FLAGS_REPLACE | MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  assert_answer (dispatcher, "log.x", "()", "log again: log.x");

  g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, any));
  assert_answer (dispatcher, "log", "()", "There is no method “log”");
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
}

static void
test_prefix_params (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("What is wrong with a call that a prefix takes names what was called");

  msgpack_rpc_dispatcher_add_method_full (dispatcher, "f.", "(x)", print_cb, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_PREFIX |
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  set_param_names (dispatcher, "f.", "x");
  assert_answer (dispatcher, "f.a", "(1,)", "(int64 1,)");
  assert_answer (dispatcher, "f.a", "{'x': <1>}", "(int64 1,)");
  assert_answer (dispatcher, "f.%s", "()", "f.%s() takes 1 argument (0 given)");
  assert_answer (dispatcher, "f.a", "@a{sv} {}", "f.a() lacks the argument “x”");
}

static void
test_chain (void)
{
  g_autoptr(MsgpackRpcDispatcher) first = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) second = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) third = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) next = NULL;
  GLogLevelFlags fatal;
  guint n_notified = 0;

  g_test_summary ("A dispatcher passes on what it has no method for; a circle is refused");

  add_named (first, "a", "first", MSGPACK_RPC_METHOD_FLAGS_NONE);
  add_named (second, "a", "second", MSGPACK_RPC_METHOD_FLAGS_NONE);
  add_named (second, "b.", "second", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  add_named (third, "b.x", "third", MSGPACK_RPC_METHOD_FLAGS_NONE);
  add_named (third, "c", "third", MSGPACK_RPC_METHOD_FLAGS_NONE);

  g_signal_connect (first, "notify::next", G_CALLBACK (count_cb), &n_notified);
  g_assert_true (msgpack_rpc_dispatcher_set_next (first, second));
  g_assert_true (msgpack_rpc_dispatcher_set_next (first, second));
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_set (second, "next", third, NULL);
  assert_answer (first, "a", "()", "first: a");
  assert_answer (first, "b.x", "()", "second: b.x");
  assert_answer (first, "c", "()", "third: c");
  assert_answer (first, "xyzzy", "()", "There is no method “xyzzy”");
  assert_answer (second, "a", "()", "second: a");

  g_assert_false (msgpack_rpc_dispatcher_set_next (third, first));
  g_assert_false (msgpack_rpc_dispatcher_set_next (third, third));
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_object_set (third, "next", second, NULL);
  g_log_set_always_fatal (fatal);
  g_assert_cmpstr (last_info, ==, "Dispatchers cannot be chained to a circle");
  g_object_get (first, "next", &next, NULL);
  g_assert_true (next == second);
  g_clear_object (&next);
  g_assert_null (msgpack_rpc_dispatcher_get_next (third));

  g_object_set (first, "next", NULL, NULL);
  g_assert_true (msgpack_rpc_dispatcher_set_next (third, first));
  assert_answer (second, "a", "()", "second: a");
  assert_answer (first, "c", "()", "There is no method “c”; the nearest is “a”");
  g_assert_finalize_object (g_steal_pointer (&second));
  g_assert_finalize_object (g_steal_pointer (&third));
  g_assert_finalize_object (g_steal_pointer (&first));
}

static gpointer
chain_in_thread (gpointer data)
{
  MsgpackRpcDispatcher **dispatchers = data;

  for (guint i = 0; i < 2000; i++)
    {
      msgpack_rpc_dispatcher_set_next (dispatchers[0], dispatchers[1]);
      assert_answer (dispatchers[0], "xyzzy", "()", "There is no method “xyzzy”");
      msgpack_rpc_dispatcher_set_next (dispatchers[0], NULL);
    }
  return NULL;
}

static void
test_chain_threads (void)
{
  g_autoptr(MsgpackRpcDispatcher) a = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) b = msgpack_rpc_dispatcher_new ();
  MsgpackRpcDispatcher *there[] = { a, b };
  MsgpackRpcDispatcher *back[] = { b, a };
  GThread *thread;

  g_test_summary ("Two threads that chain two dispatchers both ways never make a circle");

  thread = g_thread_new ("chain", chain_in_thread, there);
  chain_in_thread (back);
  g_thread_join (thread);
  g_assert_finalize_object (g_steal_pointer (&a));
  g_assert_finalize_object (g_steal_pointer (&b));
}

/* Notes who was asked, and refuses what is called “no”. */
static gboolean
authorize_cb (MsgpackRpcDispatcher *dispatcher,
              MsgpackRpcInvocation *invocation,
              GString              *asked)
{
  const char *method = msgpack_rpc_invocation_get_method (invocation);

  g_string_append_printf (asked, "%s ", method);
  return !g_str_has_prefix (method, "no");
}

static gboolean
refuse_cb (MsgpackRpcDispatcher *dispatcher,
           MsgpackRpcInvocation *invocation,
           gpointer              user_data)
{
  return FALSE;
}

static void
test_authorize (void)
{
  g_autoptr(MsgpackRpcDispatcher) first = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) second = msgpack_rpc_dispatcher_new ();
  g_autoptr(GString) asked = g_string_new (NULL);

  g_test_summary ("All that a call comes by is asked, with the name that was called");

  msgpack_rpc_dispatcher_set_next (first, second);
  add_named (first, "no.", "first", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  add_named (second, "", "second", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  g_signal_connect (first, "authorize", G_CALLBACK (authorize_cb), asked);
  g_signal_connect (first, "authorize::rpc.discover", G_CALLBACK (refuse_cb), NULL);
  g_signal_connect (second, "authorize", G_CALLBACK (authorize_cb), asked);
  g_signal_connect (second, "authorize::a", G_CALLBACK (refuse_cb), NULL);

  assert_answer (first, "no.x", "()", "access denied: no.x()");
  assert_answer (first, "no", "()", "access denied: no()");
  assert_answer (first, "b", "()", "second: b");
  assert_answer (first, "a", "()", "access denied: a()");
  assert_answer (first, "rpc.discover", "()", "access denied: rpc.discover()");
  g_assert_cmpstr (asked->str, ==, "no.x no b b a a rpc.discover ");
}

static gboolean
answer_and_agree_cb (MsgpackRpcDispatcher *dispatcher,
                     MsgpackRpcInvocation *invocation,
                     gpointer              user_data)
{
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("mine"));
}

static gboolean
count_calls_cb (MsgpackRpcInvocation  *invocation,
                GVariant              *params,
                gpointer               user_data,
                GError               **error)
{
  guint *n_calls = user_data;

  (*n_calls)++;
  return TRUE;
}

static void
test_answered_before (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  guint n_calls = 0;

  g_test_summary ("A handler does not run for a call that was answered as it was authorized");

  msgpack_rpc_dispatcher_add_method (dispatcher, "f", NULL, count_calls_cb, &n_calls, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "g", "()", count_calls_cb, &n_calls, NULL);
  g_signal_connect (dispatcher, "authorize", G_CALLBACK (answer_and_agree_cb), NULL);
  assert_answer (dispatcher, "f", "()", "mine");
  assert_answer (dispatcher, "g", "()", "mine");
  g_assert_cmpuint (n_calls, ==, 0);
}

/* ---- what is built in ---- */

static void
assert_reply (MsgpackRpcDispatcher *dispatcher,
              const char           *message,
              const char           *expected)
{
  g_autoptr(GVariant) value = test_parse (message);
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, value, &error);
  g_assert_no_error (error);
  test_assert_value (reply, expected);
}

static void
test_ping (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  guint n_notified = 0;
  guint id;

  g_test_summary ("Pings are answered, unless that is switched off or there is a method for it");

  assert_reply (dispatcher, "(0, 7, 'rpc.ping', ())", "(1, 7, @mv nothing, @mv nothing)");
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_dispatcher_get_methods (dispatcher)), ==, 0);

  id = add_named (dispatcher, "rpc.ping", "mine", MSGPACK_RPC_METHOD_FLAGS_NONE);
  assert_answer (dispatcher, "rpc.ping", "()", "mine: rpc.ping");
  msgpack_rpc_dispatcher_remove_method (dispatcher, id);
  add_named (dispatcher, "", "any", MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  assert_reply (dispatcher, "(0, 7, 'rpc.ping', ())", "(1, 7, @mv nothing, @mv nothing)");

  g_assert_true (msgpack_rpc_dispatcher_get_answers_pings (dispatcher));
  g_signal_connect (dispatcher, "notify::answers-pings", G_CALLBACK (count_cb), &n_notified);
  g_object_set (dispatcher, "answers-pings", FALSE, NULL);
  msgpack_rpc_dispatcher_set_answers_pings (dispatcher, FALSE);
  g_assert_cmpuint (n_notified, ==, 1);
  assert_answer (dispatcher, "rpc.ping", "()", "any: rpc.ping");
}

static void
test_discover (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) next = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) add = NULL;

  g_test_summary ("A dispatcher tells what it is, and its methods, and those of the next");

  assert_reply (dispatcher, "(0, 7, 'rpc.discover', ())",
                "(1, 7, @mv nothing, {'version': <@mv nothing>, 'description': <@mv nothing>,"
                " 'methods': <@av []>, 'topics': <@av []>})");

  msgpack_rpc_dispatcher_set_version (dispatcher, "1.5");
  msgpack_rpc_dispatcher_set_description (dispatcher, "Sums");
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_REPLACE |
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  add = msgpack_rpc_dispatcher_lookup_method (dispatcher, "add");
  set_param_names (dispatcher, "add", "a b");
  msgpack_rpc_method_set_description (add, "Adds");
  msgpack_rpc_method_set_result_signature (add, "x");
  msgpack_rpc_dispatcher_set_next (dispatcher, next);
  add_named (next, "add", "hidden", MSGPACK_RPC_METHOD_FLAGS_NONE);
  add_named (next, "x.", "next", MSGPACK_RPC_METHOD_FLAGS_PREFIX);

  assert_reply (dispatcher, "(0, 7, 'rpc.discover', ())",
                "(1, 7, @mv nothing, {'version': <'1.5'>, 'description': <'Sums'>, 'methods': <["
                "{'name': <'add'>, 'params': <'(xx)'>, 'param_names': <['a', 'b']>, 'result': <'x'>,"
                " 'doc': <'Adds'>, 'flags': <['named-params']>},"
                "{'name': <'x.'>, 'params': <@mv nothing>, 'param_names': <@as []>,"
                " 'result': <@mv nothing>, 'doc': <@mv nothing>, 'flags': <['prefix']>}]>,"
                " 'topics': <@av []>})");
  assert_answer (dispatcher, "rpc.discover", "(1,)", "rpc.discover() takes 0 arguments (1 given)");
}

static void
test_undiscoverable (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) next = msgpack_rpc_dispatcher_new ();
  guint n_notified = 0;

  g_test_summary ("Nobody is told of methods that are not to be discovered");

  add_named (dispatcher, "sum", "", MSGPACK_RPC_METHOD_FLAGS_NONE);
  add_named (next, "sub", "", MSGPACK_RPC_METHOD_FLAGS_NONE);
  msgpack_rpc_dispatcher_set_next (dispatcher, next);
  assert_answer (dispatcher, "sun", "()", "There is no method “sun”; the nearest are “sum” and “sub”");

  msgpack_rpc_dispatcher_set_discoverable (next, FALSE);
  assert_answer (dispatcher, "sun", "()", "There is no method “sun”; the nearest is “sum”");

  g_signal_connect (dispatcher, "notify::discoverable", G_CALLBACK (count_cb), &n_notified);
  g_object_set (dispatcher, "discoverable", FALSE, NULL);
  msgpack_rpc_dispatcher_set_discoverable (dispatcher, FALSE);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_false (msgpack_rpc_dispatcher_get_discoverable (dispatcher));
  assert_answer (dispatcher, "sun", "()", "There is no method “sun”");
  assert_answer (dispatcher, "rpc.discover", "()", "There is no method “rpc.discover”");
}

static void
test_nearest (void)
{
  const struct
  {
    const char *called;
    const char *hint;
  } cases[] = {
    { "getInof", "; the nearest is “getInfo”" },
    { "getinfo", "; the nearest are “getInfo” and “get_info”" },
    { "get", "" },
    { "getInfoX", "; the nearest are “getInfo” and “get_info”" },
    { "aad", "; the nearest is “add”" },
    { "x", "" },
    { "ad", "; the nearest is “add”" },
    { "line4", "; the nearest are “line1”, “line2” and “line3”" },
    { "line31", "; the nearest are “line1”, “line3” and “line2”" },
    { "schließe", "; the nearest is “schliesse”" },
    { "completely_different", "" },
  };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A method that there is not is answered with the nearest names");

  for (const char * const *name = (const char *[]) { "getInfo", "get_info", "add", "line1", "line2",
                                                     "line3", "line5", "schliesse", NULL };
       *name != NULL; name++)
    add_named (dispatcher, *name, "", MSGPACK_RPC_METHOD_FLAGS_NONE);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *expected = g_strdup_printf ("There is no method “%s”%s", cases[i].called,
                                                   cases[i].hint);

      assert_answer (dispatcher, cases[i].called, "()", expected);
    }
}

static void
test_nearest_hostile (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autofree char *word = g_strnfill (64, 'a');
  g_autofree char *long_word = g_strnfill (1 << 20, 'a');
  g_autofree char *answer = NULL;
  g_autofree char *long_answer = NULL;

  g_test_summary ("Whatever a peer asks for, looking for what is near it is no work");

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("%.60s%04u", word, i);

      add_named (dispatcher, name, "", MSGPACK_RPC_METHOD_FLAGS_NONE);
    }

  answer = dispatch (dispatcher, word, "()");
  g_assert_cmpuint (strlen (answer), <, 400);
  g_assert_null (strstr (answer, "nearest"));
  long_answer = dispatch (dispatcher, long_word, "()");
  g_assert_cmpuint (strlen (long_answer), <, 400);
}

/* ---- while calls run ---- */

/* Keeps the invocation where the data points. */
static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_set_object ((MsgpackRpcInvocation **) user_data, invocation);
  return TRUE;
}

static void
answer_text (MsgpackRpcInvocation **invocation,
             const char            *text)
{
  g_assert_true (msgpack_rpc_invocation_return_value (*invocation, g_variant_new_string (text)));
  g_clear_object (invocation);
}

static void
test_replace_dispatcher (void)
{
  Pair pair;
  g_autoptr(MsgpackRpcDispatcher) other = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A call ends on the dispatcher that took it, and the next one goes to another");

  pair_init (&pair);
  msgpack_rpc_dispatcher_add_method (pair.dispatcher, "f", NULL, keep_cb, &invocation, NULL);
  add_named (other, "f", "other", MSGPACK_RPC_METHOD_FLAGS_NONE);

  call = start (&pair, "f", "()");
  WAIT_UNTIL (invocation != NULL);
  msgpack_rpc_connection_set_dispatcher (pair.callee, other);
  g_assert_finalize_object (g_steal_pointer (&pair.dispatcher));
  assert_call (&pair, "f", "()", "other: f");
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  answer_text (&invocation, "first");
  assert_ends (call, "first");

  msgpack_rpc_connection_set_dispatcher (pair.callee, NULL);
  assert_call (&pair, "f", "()", "There is no method “f”");
  assert_call (&pair, "rpc.ping", "()", "There is no method “rpc.ping”");
  assert_call (&pair, "rpc.discover", "()", "There is no method “rpc.discover”");
  pair.dispatcher = g_steal_pointer (&other);
  pair_clear (&pair);
}

/* Replaces the dispatcher that runs it, which nobody else has. */
static gboolean
replace_cb (MsgpackRpcInvocation  *invocation,
            GVariant              *params,
            gpointer               user_data,
            GError               **error)
{
  Pair *pair = user_data;
  MsgpackRpcDispatcher *own = pair->dispatcher;
  g_autoptr(MsgpackRpcDispatcher) other = msgpack_rpc_dispatcher_new ();

  add_named (other, "f", "other", MSGPACK_RPC_METHOD_FLAGS_NONE);
  msgpack_rpc_connection_set_dispatcher (pair->callee, other);
  pair->dispatcher = g_steal_pointer (&other);
  g_object_unref (own);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("replaced"));
}

static void
test_replace_running (void)
{
  Pair pair;

  g_test_summary ("A handler may replace its own dispatcher, and drop the last reference");

  pair_init (&pair);
  msgpack_rpc_dispatcher_add_method (pair.dispatcher, "f", NULL, replace_cb, &pair, NULL);
  assert_call (&pair, "f", "()", "replaced");
  assert_call (&pair, "f", "()", "other: f");
  pair_clear (&pair);
}

static void
test_remove (void)
{
  Pair pair;
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  guint id;

  g_test_summary ("A method can be removed, and its dispatcher changed, while a call of it runs");

  pair_init (&pair);
  id = msgpack_rpc_dispatcher_add_method_full (pair.dispatcher, "f.", NULL, keep_cb, &invocation, NULL,
                                               MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  call = start (&pair, "f.x", "()");
  WAIT_UNTIL (invocation != NULL);
  g_assert_true (msgpack_rpc_dispatcher_remove_method (pair.dispatcher, id));
  assert_call (&pair, "f.x", "()", "There is no method “f.x”");
  add_named (pair.dispatcher, "f.x", "new", MSGPACK_RPC_METHOD_FLAGS_NONE);
  assert_call (&pair, "f.x", "()", "new: f.x");
  answer_text (&invocation, "old");
  assert_ends (call, "old");
  pair_clear (&pair);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);

  g_test_add_func ("/msgpack-rpc/methods/settings", test_settings);
  g_test_add_func ("/msgpack-rpc/methods/optional", test_optional);
  g_test_add_func ("/msgpack-rpc/methods/named", test_named);
  g_test_add_func ("/msgpack-rpc/methods/not-named", test_not_named);
  g_test_add_func ("/msgpack-rpc/methods/results", test_results);
  g_test_add_func ("/msgpack-rpc/methods/results-later", test_results_later);
  g_test_add_func ("/msgpack-rpc/methods/prefix", test_prefix);
  g_test_add_func ("/msgpack-rpc/methods/prefix-params", test_prefix_params);
  g_test_add_func ("/msgpack-rpc/methods/chain", test_chain);
  g_test_add_func ("/msgpack-rpc/methods/chain-threads", test_chain_threads);
  g_test_add_func ("/msgpack-rpc/methods/authorize", test_authorize);
  g_test_add_func ("/msgpack-rpc/methods/answered-before", test_answered_before);
  g_test_add_func ("/msgpack-rpc/methods/ping", test_ping);
  g_test_add_func ("/msgpack-rpc/methods/discover", test_discover);
  g_test_add_func ("/msgpack-rpc/methods/undiscoverable", test_undiscoverable);
  g_test_add_func ("/msgpack-rpc/methods/nearest", test_nearest);
  g_test_add_func ("/msgpack-rpc/methods/nearest-hostile", test_nearest_hostile);
  g_test_add_func ("/msgpack-rpc/methods/replace-dispatcher", test_replace_dispatcher);
  g_test_add_func ("/msgpack-rpc/methods/replace-running", test_replace_running);
  g_test_add_func ("/msgpack-rpc/methods/remove", test_remove);

  return g_test_run ();
}
