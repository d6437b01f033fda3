/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "test-bytes.h"
#include "test-util.h"

/* What a handler has seen, and what it does. */
typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  guint n_calls;
  char *params;                     /* printed with types */
  gboolean is_notification;
  MsgpackRpcInvocation *invocation; /* kept if is_keeping */
  gboolean is_keeping;
  guint id;                         /* removed by the handler */
  guint n_destroyed;                /* atomic */
  GThread *destroyed_in;
} Probe;

static void
probe_clear (Probe *probe)
{
  g_clear_object (&probe->invocation);
  g_clear_object (&probe->dispatcher);
  g_clear_pointer (&probe->params, g_free);
}

static void
destroy_cb (gpointer data)
{
  Probe *probe = data;

  probe->destroyed_in = g_thread_self ();
  g_atomic_int_inc (&probe->n_destroyed);
}

/* Notes what it gets, and answers with the parameters. */
static gboolean
echo_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Probe *probe = user_data;

  probe->n_calls++;
  g_free (probe->params);
  probe->params = g_variant_print (params, TRUE);
  probe->is_notification = msgpack_rpc_invocation_get_msgid (invocation) == NULL;
  if (probe->is_keeping)
    g_set_object (&probe->invocation, invocation);

  if (!probe->is_notification)
    g_assert_true (msgpack_rpc_invocation_return_value (invocation, params));
  return TRUE;
}

static gboolean
add_cb (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  gint64 a;
  gint64 b;

  g_variant_get (params, "(xx)", &a, &b);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
}

/* Returns without an answer. */
static gboolean
later_cb (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  Probe *probe = user_data;

  probe->n_calls++;
  if (probe->is_keeping)
    g_set_object (&probe->invocation, invocation);
  return TRUE;
}

static gboolean
fail_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  const char *message = user_data;

  if (message != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, message);
  return FALSE;
}

static gboolean
answer_and_fail_cb (MsgpackRpcInvocation  *invocation,
                    GVariant              *params,
                    gpointer               user_data,
                    GError               **error)
{
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("fine"));
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "ignored");
  return FALSE;
}

static gboolean
succeed_with_error_cb (MsgpackRpcInvocation  *invocation,
                       GVariant              *params,
                       gpointer               user_data,
                       GError               **error)
{
  msgpack_rpc_invocation_return_value (invocation, NULL);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "ignored");
  return TRUE;
}

static gboolean
remove_cb (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gpointer               user_data,
           GError               **error)
{
  Probe *probe = user_data;

  g_assert_true (msgpack_rpc_dispatcher_remove_method (probe->dispatcher, probe->id));
  g_assert_cmpuint (probe->n_destroyed, ==, 0);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* The reply to a message that is written as text; NULL without an error for none. */
static GVariant *
dispatch (MsgpackRpcDispatcher *dispatcher,
          const char           *message)
{
  g_autoptr(GError) error = NULL;
  GVariant *reply;

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, g_variant_new_parsed (message), &error);
  g_assert_no_error (error);
  if (reply == NULL)
    return NULL;

  assert_well_formed (reply);
  g_assert_cmpstr (g_variant_get_type_string (reply), ==, "av");
  return reply;
}

/* The value as it would be received. */
static GVariant *
received_from_text (const char *text)
{
  g_autoptr(GVariant) value = variant_from_text (text);
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, NULL);

  return msgpack_rpc_unpack (bytes, NULL);
}

static void
assert_reply (MsgpackRpcDispatcher *dispatcher,
              const char           *message,
              const char           *expected)
{
  g_autoptr(GVariant) reply = dispatch (dispatcher, message);
  g_autoptr(GVariant) expected_reply = NULL;

  if (expected == NULL)
    {
      g_assert_null (reply);
      return;
    }

  expected_reply = received_from_text (expected);
  g_assert_nonnull (reply);
  g_assert_cmpvariant (reply, expected_reply);
}

/* The text of the error that the reply to a message has. */
static char *
dispatch_failing (MsgpackRpcDispatcher *dispatcher,
                  const char           *message)
{
  g_autoptr(GVariant) reply = dispatch (dispatcher, message);
  g_autoptr(GVariant) boxed = g_variant_get_child_value (reply, 2);
  g_autoptr(GVariant) text = g_variant_get_variant (boxed);

  g_assert_cmpstr (g_variant_get_type_string (text), ==, "s");
  return g_variant_dup_string (text, NULL);
}

static void
test_call (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  guint id;

  g_test_summary ("A method is called and answers, without any connection");

  id = msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add_cb, NULL, NULL);
  g_assert_cmpuint (id, !=, 0);

  assert_reply (dispatcher, "[<0>, <7>, <'add'>, <[1, 2]>]", "(1, 7, @mv nothing, 3)");
  assert_reply (dispatcher, "(0, 7, 'add', (1, 2))", "(1, 7, @mv nothing, 3)");
  assert_reply (dispatcher, "<just (byte 0, uint32 7, <'add'>, <(1, 2)>)>",
                "(1, 7, @mv nothing, 3)");
  assert_reply (dispatcher, "(byte 0, 'id', b'add', (1.0, byte 2))",
                "(1, 'id', 'Method name is not valid UTF-8', @mv nothing)");
  assert_reply (dispatcher, "(0, 'id', [byte 97, 100, 100], (1.0, byte 2))",
                "(1, 'id', @mv nothing, 3)");
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
}

static void
test_not_found (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A call of a method that is not there is answered with an error");

  assert_reply (dispatcher, "(0, 7, 'add', (1, 2))",
                "(1, 7, 'There is no method “add”', @mv nothing)");
  assert_reply (dispatcher, "(0, -1, '', ())",
                "(1, -1, 'There is no method “”', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, '%s%n', ())",
                "(1, 7, 'There is no method “%s%n”', @mv nothing)");
}

static void
test_wrong_params (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Probe probe = { NULL };

  g_test_summary ("Parameters that do not fit are answered with an error before the handler runs");

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", echo_cb, &probe, NULL);

  assert_reply (dispatcher, "(0, 7, 'add', (1,))",
                "(1, 7, 'add() takes 2 arguments (1 given)', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'add', (1, 2, 3))",
                "(1, 7, 'add() takes 2 arguments (3 given)', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'add', @mv nothing)",
                "(1, 7, 'add() takes 2 arguments (0 given)', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'add', (1, 'x'))",
                "(1, 7, 'expected a number at params[1], got a string', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'add', 'x')",
                "(1, 7, 'Parameters are neither an array nor a map', @mv nothing)");
  assert_reply (dispatcher, "(2, 'add', (1,))", NULL);
  g_assert_cmpuint (probe.n_calls, ==, 0);
  probe_clear (&probe);
}

static void
test_params (void)
{
  const struct
  {
    const char *signature;
    const char *sent;
    const char *received;
  } cases[] = {
    { NULL, "(1, 'x', true)", "[<int64 1>, <'x'>, <true>]" },
    { NULL, "@mv nothing", "@av []" },
    { NULL, "{'x': <1>}", "{'x': <int64 1>}" },
    { NULL, "{1: <2>}", "{int64 1: <int64 2>}" },
    { NULL, "{true: 2}", "[(<true>, <int64 2>)]" },
    { "()", "@mv nothing", "()" },
    { "(yd)", "(1, 2)", "(byte 0x01, 2.0)" },
    { "(sav)", "('x', [1, 2])", "('x', [<int64 1>, <int64 2>])" },
    { "av", "(1, 2)", "[<int64 1>, <int64 2>]" },
    { "a{sv}", "{'x': 1}", "{'x': <int64 1>}" },
  };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Probe probe = { NULL };

  g_test_summary ("A handler gets the parameters as declared, or else as they would be received");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *message = g_strdup_printf ("(0, 7, 'echo', %s)", cases[i].sent);
      g_autoptr(GVariant) reply = NULL;
      guint id;

      g_test_message ("%s, %s", cases[i].signature, cases[i].sent);
      id = msgpack_rpc_dispatcher_add_method (dispatcher, "echo", cases[i].signature, echo_cb,
                                              &probe, NULL);
      reply = dispatch (dispatcher, message);
      g_assert_cmpstr (probe.params, ==, cases[i].received);
      g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
    }
  probe_clear (&probe);
}

static void
test_handler_fails (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A handler that fails is answered for at once");

  msgpack_rpc_dispatcher_add_method (dispatcher, "text", NULL, fail_cb, (gpointer) "boom %s", NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "empty", NULL, fail_cb, (gpointer) "", NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "none", NULL, fail_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "answered", NULL, answer_and_fail_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "error", NULL, succeed_with_error_cb, NULL, NULL);

  assert_reply (dispatcher, "(0, 7, 'text', ())", "(1, 7, 'boom %s', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'empty', ())", "(1, 7, 'Unknown error', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'none', ())",
                "(1, 7, 'Method “none” failed', @mv nothing)");
  assert_reply (dispatcher, "(0, 7, 'answered', ())", "(1, 7, @mv nothing, 'fine')");
  assert_reply (dispatcher, "(0, 7, 'error', ())", "(1, 7, @mv nothing, @mv nothing)");
  assert_reply (dispatcher, "(2, 'text', ())", NULL);
  assert_reply (dispatcher, "(2, 'none', ())", NULL);
}

static void
test_notification (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Probe probe = { .is_keeping = TRUE };

  g_test_summary ("A notification runs the handler and has no reply");

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", "(s)", echo_cb, &probe, NULL);
  assert_reply (dispatcher, "(2, 'echo', ('x',))", NULL);
  g_assert_cmpuint (probe.n_calls, ==, 1);
  g_assert_true (probe.is_notification);
  g_assert_cmpstr (probe.params, ==, "('x',)");

  g_assert_true (msgpack_rpc_invocation_get_answered (probe.invocation));
  g_assert_false (msgpack_rpc_invocation_is_cancelled (probe.invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (probe.invocation, NULL));
  g_assert_null (msgpack_rpc_invocation_get_params (probe.invocation));
  g_assert_finalize_object (g_steal_pointer (&probe.invocation));

  assert_reply (dispatcher, "(2, 'unknown', ())", NULL);
  g_assert_cmpuint (probe.n_calls, ==, 1);
  probe_clear (&probe);
}

static void
test_malformed (void)
{
  const struct
  {
    const char *message;
    GQuark domain;
    int code;
  } failing[] = {
    { "1", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "'x'", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "@mv nothing", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "()", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "{'x': <1>}", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(0,)", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(2, 'add')", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(2, 'add', 'x')", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(3, 7, 'add', ())", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(1, 7, @mv nothing, 3)", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "(0, 7, 'add', (handle 1, 2))", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "(0, handle 7, 'add', ())", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE },
  };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A malformed request is answered if it has an id, else it is an error");

  for (guint i = 0; i < G_N_ELEMENTS (failing); i++)
    {
      g_autoptr(GError) error = NULL;

      g_test_message ("%s", failing[i].message);
      g_assert_null (msgpack_rpc_dispatcher_dispatch (
          dispatcher, g_variant_new_parsed (failing[i].message), &error));
      g_assert_error (error, failing[i].domain, failing[i].code);
    }

  assert_reply (dispatcher, "(0, 7)",
                "(1, 7, 'Request has 2 elements instead of 4', @mv nothing)");
  assert_reply (dispatcher, "(0, {'a': 1}, 5, ())",
                "(1, {'a': <1>}, 'Method name is no string', @mv nothing)");
}

static void
test_limits (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;
  GVariant *deep = g_variant_new_int32 (1);

  g_test_summary ("What no peer would accept is not dispatched either");

  for (guint i = 0; i < 40; i++)
    deep = g_variant_new ("(v)", deep);
  g_assert_null (msgpack_rpc_dispatcher_dispatch (
      dispatcher, g_variant_new ("(iisv)", 0, 7, "add", deep), &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
}

static gboolean
return_cb (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gpointer               user_data,
           GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, user_data);
}

static void
test_results (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autofree char *error_text = NULL;
  GVariant *deep = g_variant_new_int32 (1);

  g_test_summary ("A result comes as it would be received; one that cannot be sent fails");

  msgpack_rpc_dispatcher_add_method (dispatcher, "tuple", NULL, return_cb,
                                     g_variant_new_parsed ("(byte 1, ['x'])"), NULL);
  assert_reply (dispatcher, "(0, 7, 'tuple', ())",
                "(1, 7, @mv nothing, [<1>, <['x']>])");

  msgpack_rpc_dispatcher_add_method (dispatcher, "handle", NULL, return_cb,
                                     g_variant_new_handle (1), NULL);
  error_text = dispatch_failing (dispatcher, "(0, 7, 'handle', ())");
  g_assert_true (g_str_has_prefix (error_text, "Value cannot be written as MessagePack"));
  g_clear_pointer (&error_text, g_free);

  for (guint i = 0; i < 40; i++)
    deep = g_variant_new ("(v)", deep);
  msgpack_rpc_dispatcher_add_method (dispatcher, "deep", NULL, return_cb, deep, NULL);
  error_text = dispatch_failing (dispatcher, "(0, 7, 'deep', ())");
  g_assert_cmpstr (error_text, !=, "");
}

static void
cancelled_cb (MsgpackRpcInvocation *invocation,
              gpointer              user_data)
{
  guint *n_cancelled = user_data;

  g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
  (*n_cancelled)++;
}

static gboolean
watch_and_keep_cb (MsgpackRpcInvocation  *invocation,
                   GVariant              *params,
                   gpointer               user_data,
                   GError               **error)
{
  Probe *probe = user_data;

  g_signal_connect (invocation, "cancelled", G_CALLBACK (cancelled_cb), &probe->n_calls);
  probe->invocation = g_object_ref (invocation);
  return TRUE;
}

static void
test_no_answer (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;
  Probe probe = { NULL };

  g_test_summary ("A handler that has not answered when it returns has no reply");

  msgpack_rpc_dispatcher_add_method (dispatcher, "drop", NULL, later_cb, &probe, NULL);
  g_assert_null (msgpack_rpc_dispatcher_dispatch (
      dispatcher, g_variant_new_parsed ("(0, 7, 'drop', ())"), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_cmpuint (probe.n_calls, ==, 1);
  g_clear_error (&error);

  probe.n_calls = 0;
  msgpack_rpc_dispatcher_add_method (dispatcher, "keep", NULL, watch_and_keep_cb, &probe, NULL);
  g_assert_null (msgpack_rpc_dispatcher_dispatch (
      dispatcher, g_variant_new_parsed ("(0, 7, 'keep', ())"), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_cmpuint (probe.n_calls, ==, 1);
  g_assert_true (msgpack_rpc_invocation_is_cancelled (probe.invocation));
  g_assert_false (msgpack_rpc_invocation_get_answered (probe.invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (probe.invocation, NULL));
  g_assert_finalize_object (g_steal_pointer (&probe.invocation));
  probe_clear (&probe);
}

static void
test_duplicate (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Probe first = { NULL };
  Probe second = { NULL };
  guint id;
  guint other_id;

  g_test_summary ("There is one method of a name: the first, unless it is to be replaced");

  id = msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_cb, &first, destroy_cb);
  g_assert_cmpuint (id, !=, 0);
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_cb, &second,
                                                       destroy_cb), ==, 0);
  g_assert_cmpuint (second.n_destroyed, ==, 1);
  g_assert_cmpuint (first.n_destroyed, ==, 0);

  assert_reply (dispatcher, "(0, 7, 'echo', ())", "(1, 7, @mv nothing, ())");
  g_assert_cmpuint (first.n_calls, ==, 1);

  second.n_destroyed = 0;
  other_id = msgpack_rpc_dispatcher_add_method_full (dispatcher, "echo", NULL, echo_cb, &second,
                                                     destroy_cb, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  g_assert_cmpuint (other_id, !=, 0);
  g_assert_cmpuint (other_id, !=, id);
  g_assert_cmpuint (first.n_destroyed, ==, 1);
  assert_reply (dispatcher, "(0, 7, 'echo', ())", "(1, 7, @mv nothing, ())");
  g_assert_cmpuint (second.n_calls, ==, 1);
  g_assert_cmpuint (first.n_calls, ==, 1);

  g_assert_false (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
  g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, other_id));
  g_assert_false (msgpack_rpc_dispatcher_remove_method (dispatcher, other_id));
  g_assert_false (msgpack_rpc_dispatcher_remove_method (dispatcher, 0));
  g_assert_cmpuint (second.n_destroyed, ==, 1);
  assert_reply (dispatcher, "(0, 7, 'echo', ())",
                "(1, 7, 'There is no method “echo”', @mv nothing)");
  probe_clear (&first);
  probe_clear (&second);
}

static void
test_wrong_use (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  GListModel *methods;

  g_test_summary ("Wrong arguments are programming errors that change nothing");

  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*signature*");
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(x", add_cb, NULL, NULL),
                    ==, 0);
  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*signature*");
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "add", "", add_cb, NULL, NULL),
                    ==, 0);
  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*name*");
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, NULL, NULL, add_cb, NULL, NULL),
                    ==, 0);
  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*name*");
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "\xff", NULL, add_cb, NULL,
                                                       NULL), ==, 0);
  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*handler*");
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "add", NULL, NULL, NULL, NULL),
                    ==, 0);
  g_test_assert_expected_messages ();

  methods = msgpack_rpc_dispatcher_get_methods (dispatcher);
  g_assert_cmpuint (g_list_model_get_n_items (methods), ==, 0);
}

static void
items_changed_cb (GListModel *model,
                  guint       position,
                  guint       removed,
                  guint       added,
                  gpointer    user_data)
{
  GString *changes = user_data;

  g_string_append_printf (changes, "%u-%u+%u=%u ", position, removed, added,
                          g_list_model_get_n_items (model));
}

static void
assert_names (GListModel *methods,
              const char *expected)
{
  g_autoptr(GString) names = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (methods); i++)
    {
      g_autoptr(MsgpackRpcMethod) method = g_list_model_get_item (methods, i);

      g_string_append (names, msgpack_rpc_method_get_name (method));
    }
  g_assert_cmpstr (names->str, ==, expected);
}

static void
test_methods (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GListModel) methods = NULL;
  g_autoptr(GString) changes = g_string_new (NULL);
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autofree char *name = NULL;
  g_autofree char *signature = NULL;
  guint id;
  guint a;
  guint b;

  g_test_summary ("The methods are a list in the order of adding, which tells of its changes");

  g_object_get (dispatcher, "methods", &methods, NULL);
  g_assert_true (methods == msgpack_rpc_dispatcher_get_methods (dispatcher));
  g_assert_true (g_list_model_get_item_type (methods) == MSGPACK_RPC_TYPE_METHOD);
  g_signal_connect (methods, "items-changed", G_CALLBACK (items_changed_cb), changes);

  a = msgpack_rpc_dispatcher_add_method (dispatcher, "a", "(xx)", add_cb, NULL, NULL);
  b = msgpack_rpc_dispatcher_add_method (dispatcher, "b", NULL, add_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "c", NULL, add_cb, NULL, NULL);
  assert_names (methods, "abc");
  b = msgpack_rpc_dispatcher_add_method_full (dispatcher, "b", "(s)", add_cb, NULL, NULL,
                                              MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  assert_names (methods, "abc");
  msgpack_rpc_dispatcher_remove_method (dispatcher, a);
  assert_names (methods, "bc");
  g_assert_cmpstr (changes->str, ==, "0-0+1=1 1-0+1=2 2-0+1=3 1-1+1=3 0-1+0=2 ");

  method = g_list_model_get_item (methods, 0);
  g_assert_null (g_list_model_get_item (methods, 2));
  msgpack_rpc_dispatcher_remove_method (dispatcher, b);
  g_object_get (method, "id", &id, "name", &name, "signature", &signature, NULL);
  g_assert_cmpuint (id, ==, b);
  g_assert_cmpuint (msgpack_rpc_method_get_id (method), ==, b);
  g_assert_cmpstr (name, ==, "b");
  g_assert_cmpstr (signature, ==, "(s)");
  g_assert_cmpstr (msgpack_rpc_method_get_signature (method), ==, "(s)");

  g_assert_finalize_object (g_steal_pointer (&dispatcher));
  g_assert_cmpuint (g_list_model_get_n_items (methods), ==, 1);
}

static void
test_remove_running (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Probe probe = { .dispatcher = g_object_ref (dispatcher) };

  g_test_summary ("A handler that removes its own method runs on with its data");

  probe.id = msgpack_rpc_dispatcher_add_method (dispatcher, "remove", NULL, remove_cb, &probe,
                                                destroy_cb);
  assert_reply (dispatcher, "(0, 7, 'remove', ())", "(1, 7, @mv nothing, @mv nothing)");
  g_assert_cmpuint (probe.n_destroyed, ==, 1);
  probe_clear (&probe);
}

typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  guint id;
} RemoveData;

static gpointer
remove_thread (gpointer user_data)
{
  RemoveData *data = user_data;

  g_assert_true (msgpack_rpc_dispatcher_remove_method (data->dispatcher, data->id));
  return NULL;
}

static gpointer
unref_thread (gpointer user_data)
{
  g_object_unref (user_data);
  return NULL;
}

static void
test_destroy_notify (void)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GMainContext) context = g_main_context_new ();
  RemoveData data = { dispatcher, 0 };
  Probe removed = { NULL };
  Probe dropped = { NULL };

  g_test_summary ("A handler's data is let go in the thread that has added it, by its context");

  g_main_context_push_thread_default (context);
  data.id = msgpack_rpc_dispatcher_add_method (dispatcher, "a", NULL, echo_cb, &removed,
                                               destroy_cb);
  msgpack_rpc_dispatcher_add_method (dispatcher, "b", NULL, echo_cb, &dropped, destroy_cb);

  g_thread_join (g_thread_new ("remove", remove_thread, &data));
  g_assert_cmpint (g_atomic_int_get (&removed.n_destroyed), ==, 0);
  WAIT_UNTIL (g_atomic_int_get (&removed.n_destroyed) == 1);
  g_assert_true (removed.destroyed_in == g_thread_self ());

  g_thread_join (g_thread_new ("unref", unref_thread, dispatcher));
  g_assert_cmpint (g_atomic_int_get (&dropped.n_destroyed), ==, 0);
  WAIT_UNTIL (g_atomic_int_get (&dropped.n_destroyed) == 1);
  g_assert_true (dropped.destroyed_in == g_thread_self ());
  g_main_context_pop_thread_default (context);
}

static void
notify_cb (GObject    *object,
           GParamSpec *pspec,
           gpointer    user_data)
{
  guint *n_notified = user_data;

  (*n_notified)++;
}

static void
test_max_answer_time (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  guint n_notified = 0;
  int time;

  g_test_summary ("The longest time for an answer has a default, and notifies of changes");

  g_signal_connect (dispatcher, "notify::max-answer-time", G_CALLBACK (notify_cb), &n_notified);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_max_answer_time (dispatcher), ==, 3600000);
  msgpack_rpc_dispatcher_set_max_answer_time (dispatcher, 3600000);
  g_assert_cmpuint (n_notified, ==, 0);
  msgpack_rpc_dispatcher_set_max_answer_time (dispatcher, -5);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (dispatcher, "max-answer-time", &time, NULL);
  g_assert_cmpint (time, ==, -1);
  g_object_set (dispatcher, "max-answer-time", 0, NULL);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_max_answer_time (dispatcher), ==, 0);
  g_assert_cmpuint (n_notified, ==, 2);
}

static gboolean
nest_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  MsgpackRpcDispatcher *dispatcher = user_data;
  gint64 depth;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) result = NULL;

  g_variant_get (params, "(x)", &depth);
  if (depth == 0)
    return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("bottom"));

  reply = msgpack_rpc_dispatcher_dispatch (
      dispatcher, g_variant_new ("(iis(x))", 0, 8, "nest", depth - 1), error);
  if (reply == NULL)
    return FALSE;

  result = g_variant_get_child_value (reply, 3);
  return msgpack_rpc_invocation_return_value (invocation, result);
}

static void
test_nested (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A handler may dispatch");

  msgpack_rpc_dispatcher_add_method (dispatcher, "nest", "(x)", nest_cb, dispatcher, NULL);
  assert_reply (dispatcher, "(0, 7, 'nest', (5,))", "(1, 7, @mv nothing, 'bottom')");
}

#define N_THREADS 4
#define N_ROUNDS 500

static gpointer
dispatch_thread (gpointer user_data)
{
  MsgpackRpcDispatcher *dispatcher = user_data;
  g_autoptr(GVariant) found = received_from_text ("(1, 7, @mv nothing, 3)");
  g_autoptr(GVariant) lost = received_from_text ("(1, 7, 'There is no method “add”', @mv nothing)");

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr(GVariant) reply = dispatch (dispatcher, "(0, 7, 'add', (1, 2))");

      g_assert_true (g_variant_equal (reply, found) || g_variant_equal (reply, lost));
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  GThread *threads[N_THREADS];
  Probe probe = { NULL };
  guint n_added = 0;

  g_test_summary ("Threads call a method while it comes and goes");

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("dispatch", dispatch_thread, dispatcher);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint id = msgpack_rpc_dispatcher_add_method_full (dispatcher, "add", "(xx)", add_cb, &probe,
                                                         destroy_cb,
                                                         MSGPACK_RPC_METHOD_FLAGS_REPLACE);

      n_added++;
      if (i % 2 == 0)
        g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
    }

  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
  WAIT_UNTIL ((guint) g_atomic_int_get (&probe.n_destroyed) == n_added);
  g_assert_true (probe.destroyed_in == g_thread_self ());
}

static gboolean
authorize_cb (MsgpackRpcDispatcher *dispatcher G_GNUC_UNUSED,
              MsgpackRpcInvocation *invocation,
              gpointer              data)
{
  g_string_append_printf (data, "%s ", msgpack_rpc_invocation_get_method (invocation));
  return !g_str_equal (msgpack_rpc_invocation_get_method (invocation), "secret");
}

static gboolean
answer_and_refuse_cb (MsgpackRpcDispatcher *dispatcher G_GNUC_UNUSED,
                      MsgpackRpcInvocation *invocation,
                      gpointer              data)
{
  g_assert_true (msgpack_rpc_invocation_return_error (invocation, G_IO_ERROR, G_IO_ERROR_FAILED,
                                                      "%s", (const char *) data));
  return FALSE;
}

static void
test_authorize (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GString) asked = g_string_new (NULL);
  Probe probe = { 0 };
  gulong id;

  g_test_summary ("Handlers of authorize refuse calls and notifications, of all methods or of one");

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_cb, &probe, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "secret", NULL, echo_cb, &probe, NULL);
  id = g_signal_connect (dispatcher, "authorize", G_CALLBACK (authorize_cb), asked);
  assert_reply (dispatcher, "(0, 1, 'echo', (5,))", "(1, 1, @mv nothing, (5,))");
  assert_reply (dispatcher, "(0, 2, 'secret', (5,))",
                "(1, 2, 'access denied: secret()', @mv nothing)");
  assert_reply (dispatcher, "(2, 'secret', (5,))", NULL);
  assert_reply (dispatcher, "(0, 3, 'nothing', (5,))",
                "(1, 3, 'There is no method “nothing”', @mv nothing)");
  g_assert_cmpuint (probe.n_calls, ==, 1);
  g_assert_cmpstr (asked->str, ==, "echo secret secret ");
  g_signal_handler_disconnect (dispatcher, id);

  /* Others are not asked about. */
  id = g_signal_connect (dispatcher, "authorize::secret", G_CALLBACK (answer_and_refuse_cb),
                         (gpointer) "ask your mother");
  assert_reply (dispatcher, "(0, 4, 'echo', (5,))", "(1, 4, @mv nothing, (5,))");
  assert_reply (dispatcher, "(0, 5, 'secret', (5,))", "(1, 5, 'ask your mother', @mv nothing)");
  g_assert_cmpuint (probe.n_calls, ==, 2);
  g_signal_handler_disconnect (dispatcher, id);

  assert_reply (dispatcher, "(0, 6, 'secret', (5,))", "(1, 6, @mv nothing, (5,))");
  g_assert_cmpuint (probe.n_calls, ==, 3);
  probe_clear (&probe);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/dispatcher/call", test_call);
  g_test_add_func ("/msgpack-rpc/dispatcher/not-found", test_not_found);
  g_test_add_func ("/msgpack-rpc/dispatcher/wrong-params", test_wrong_params);
  g_test_add_func ("/msgpack-rpc/dispatcher/params", test_params);
  g_test_add_func ("/msgpack-rpc/dispatcher/handler-fails", test_handler_fails);
  g_test_add_func ("/msgpack-rpc/dispatcher/notification", test_notification);
  g_test_add_func ("/msgpack-rpc/dispatcher/malformed", test_malformed);
  g_test_add_func ("/msgpack-rpc/dispatcher/limits", test_limits);
  g_test_add_func ("/msgpack-rpc/dispatcher/results", test_results);
  g_test_add_func ("/msgpack-rpc/dispatcher/no-answer", test_no_answer);
  g_test_add_func ("/msgpack-rpc/dispatcher/duplicate", test_duplicate);
  g_test_add_func ("/msgpack-rpc/dispatcher/wrong-use", test_wrong_use);
  g_test_add_func ("/msgpack-rpc/dispatcher/methods", test_methods);
  g_test_add_func ("/msgpack-rpc/dispatcher/remove-running", test_remove_running);
  g_test_add_func ("/msgpack-rpc/dispatcher/destroy-notify", test_destroy_notify);
  g_test_add_func ("/msgpack-rpc/dispatcher/authorize", test_authorize);
  g_test_add_func ("/msgpack-rpc/dispatcher/max-answer-time", test_max_answer_time);
  g_test_add_func ("/msgpack-rpc/dispatcher/nested", test_nested);
  g_test_add_func ("/msgpack-rpc/dispatcher/threads", test_threads);

  return g_test_run ();
}
