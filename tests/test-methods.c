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
  const char *text;

  g_variant_get (params, "(&s)", &text);
  g_assert_true (msgpack_rpc_invocation_return_value (invocation,
                                                      *text != '\0' ? test_parse (text) : NULL));
  g_assert_false (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (5)));
  return TRUE;
}

static char *last_info; /* what was logged as such */

static GLogWriterOutput
write_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  for (gsize i = 0; i < n_fields && level == G_LOG_LEVEL_INFO; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        {
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

  return g_test_run ();
}
