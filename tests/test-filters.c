/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Filters around dispatch: see test-filter-peer.c for those around outgoing calls. */

#include "test-util.h"

#include <string.h>

/* Two connections, of which the second has a dispatcher. */
typedef struct
{
  MsgpackRpcConnection *near;
  MsgpackRpcConnection *far;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcInvocation *kept;
  GString *log;
  GPtrArray *probes;  /* of Probe */
} Pair;

static gboolean
echo_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_string_append (((Pair *) user_data)->log, "handler; ");
  msgpack_rpc_invocation_return_value (invocation, params);
  return TRUE;
}

static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_set_object (&((Pair *) user_data)->kept, invocation);
  return TRUE;
}

static gboolean
fail_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no luck");
  return FALSE;
}

static void
pair_setup (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_connection_new_pair (&p->near, &p->far, &error);
  g_assert_no_error (error);
  p->log = g_string_new (NULL);
  p->probes = g_ptr_array_new_with_free_func (g_free);
  p->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "echo", NULL, echo_cb, p, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "fail", NULL, fail_cb, p, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "keep", NULL, keep_cb, p, NULL);
  msgpack_rpc_connection_set_dispatcher (p->far, p->dispatcher);
}

static void
pair_teardown (Pair          *p,
               gconstpointer  data)
{
  g_clear_object (&p->kept);
  test_drain ();
  test_wait_finalized (p->near);
  test_wait_finalized (p->far);
  test_wait_finalized (p->dispatcher);
  g_ptr_array_unref (p->probes);
  g_string_free (p->log, TRUE);
}

/* The text of the result, or of the error. */
static void
assert_call (Pair       *p,
             const char *method,
             const char *params,
             const char *expected)
{
  g_autoptr(GVariant) value = test_parse (params);
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autofree char *text = NULL;

  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->near), method, value);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  if (msgpack_rpc_call_get_error (call) != NULL)
    text = g_strdup (msgpack_rpc_call_get_error (call)->message);
  else
    text = g_variant_print (msgpack_rpc_call_get_result (call), FALSE);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_log (Pair       *p,
            const char *expected)
{
  g_assert_cmpstr (p->log->str, ==, expected);
  g_string_truncate (p->log, 0);
}

/* What a filter does: its name is what it logs, the rest is done if it is set. */
typedef struct
{
  Pair *pair;
  const char *name;
  const char *answer;       /* a result */
  const char *refusal;      /* an error; "": one without a text */
  const char *method;
  const char *params;
  gboolean is_around;       /* looks at the answer */
  const char *new_result;
  const char *new_error;
  guint id;                 /* what it removes */
  GThread *thread;
  GThread *answer_thread;
  int n_destroyed;          /* atomic */
} Probe;

static void
answer_cb (MsgpackRpcInvocation *invocation,
           GVariant             *result,
           GVariant             *error_value,
           gpointer              user_data)
{
  Probe *probe = user_data;
  g_autofree char *text = g_variant_print (result != NULL ? result : error_value, FALSE);

  g_assert_true ((result == NULL) != (error_value == NULL));
  g_assert_true (msgpack_rpc_invocation_get_answered (invocation));
  probe->answer_thread = g_thread_self ();
  g_string_append_printf (probe->pair->log, "%s: %s %s; ", probe->name,
                          result != NULL ? "result" : "error", text);

  /* An answer may be replaced, but not given again; and the request is over. */
  g_assert_false (msgpack_rpc_invocation_set_method (invocation, "other"));
  g_assert_false (msgpack_rpc_invocation_add_answer_filter (invocation, answer_cb, probe, NULL));
  if (probe->new_error != NULL)
    g_assert_true (msgpack_rpc_invocation_replace_answer (invocation, NULL,
                                                          g_variant_new_string (probe->new_error)));
  else if (probe->new_result != NULL)
    g_assert_true (msgpack_rpc_invocation_replace_answer (
        invocation, g_variant_new_string (probe->new_result), NULL));
}

static void
destroyed_cb (gpointer data)
{
  g_atomic_int_inc (&((Probe *) data)->n_destroyed);
}

static gboolean
filter_cb (MsgpackRpcInvocation  *invocation,
           gpointer               user_data,
           GError               **error)
{
  Probe *probe = user_data;

  probe->thread = g_thread_self ();
  g_string_append_printf (probe->pair->log, "%s(%s); ", probe->name,
                          msgpack_rpc_invocation_get_method (invocation));
  g_assert_false (msgpack_rpc_invocation_replace_answer (invocation, NULL, NULL));
  if (probe->id != 0)
    g_assert_true (msgpack_rpc_dispatcher_remove_filter (probe->pair->dispatcher, probe->id));
  if (probe->is_around)
    g_assert_true (msgpack_rpc_invocation_add_answer_filter (invocation, answer_cb, probe,
                                                             destroyed_cb));
  if (probe->method != NULL)
    g_assert_true (msgpack_rpc_invocation_set_method (invocation, probe->method));
  if (probe->params != NULL)
    {
      GVariant *before = msgpack_rpc_invocation_get_params (invocation);
      g_autoptr(GVariant) params = test_parse (probe->params);
      g_autofree char *text = NULL;

      g_assert_true (msgpack_rpc_invocation_set_params (invocation, params, error));
      /* What was got before stays. */
      text = g_variant_print (before, FALSE);
      g_assert_cmpuint (strlen (text), >, 0);
    }
  if (probe->answer != NULL)
    msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (probe->answer));
  if (probe->refusal == NULL)
    return TRUE;

  if (*probe->refusal != '\0')
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY, probe->refusal);
  return FALSE;
}

/* It outlives the dispatcher. */
static Probe *
new_probe (Pair  *p,
           Probe  probe)
{
  Probe *copy = g_memdup2 (&probe, sizeof probe);

  copy->pair = p;
  g_ptr_array_add (p->probes, copy);
  return copy;
}

static guint
add_filter (Pair  *p,
            Probe *probe)
{
  return msgpack_rpc_dispatcher_add_filter (p->dispatcher, filter_cb, probe, destroyed_cb);
}

static void
test_order (Pair          *p,
            gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a" });
  Probe *b = new_probe (p, (Probe) { .name = "b" });
  guint id;

  g_test_summary ("Filters come in the order in which they were added, before the method is looked for");

  id = add_filter (p, a);
  g_assert_cmpuint (id, !=, 0);
  g_assert_cmpuint (add_filter (p, b), !=, id);
  assert_call (p, "echo", "(1, 2)", "[<int64 1>, <int64 2>]");
  assert_log (p, "a(echo); b(echo); handler; ");

  assert_call (p, "missing", "()", "There is no method “missing”");
  assert_log (p, "a(missing); b(missing); ");
  assert_call (p, "rpc.ping", "()", "nothing");
  assert_log (p, "a(rpc.ping); b(rpc.ping); ");

  g_assert_true (msgpack_rpc_dispatcher_remove_filter (p->dispatcher, id));
  g_assert_cmpint (a->n_destroyed, ==, 1);
  g_assert_false (msgpack_rpc_dispatcher_remove_filter (p->dispatcher, id));
  g_assert_false (msgpack_rpc_dispatcher_remove_filter (p->dispatcher, 0));
  assert_call (p, "echo", "(1,)", "[<int64 1>]");
  assert_log (p, "b(echo); handler; ");
  g_assert_cmpint (b->n_destroyed, ==, 0);
}

static void
test_answers (Pair          *p,
              gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a" });
  Probe *b = new_probe (p, (Probe) { .name = "b" });

  g_test_summary ("A filter answers or refuses, and nothing more runs");

  add_filter (p, a);
  add_filter (p, b);
  a->answer = "mine";
  assert_call (p, "echo", "()", "'mine'");
  assert_log (p, "a(echo); ");

  a->refusal = "not used";
  assert_call (p, "echo", "()", "'mine'");
  assert_log (p, "a(echo); ");

  a->answer = NULL;
  a->refusal = "too many calls";
  assert_call (p, "echo", "()", "too many calls");
  assert_call (p, "missing", "()", "too many calls");
  assert_log (p, "a(echo); a(missing); ");

  a->refusal = "";
  assert_call (p, "echo", "()", "Method “echo” failed");
  assert_log (p, "a(echo); ");
}

static void
test_changes (Pair          *p,
              gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .method = "add", .params = "(3, 4)" });
  Probe *b = new_probe (p, (Probe) { .name = "b" });
  g_autoptr(GError) error = NULL;

  g_test_summary ("A filter changes method and parameters, and their types are checked");

  add_filter (p, a);
  add_filter (p, b);
  assert_call (p, "missing", "('x',)", "7");
  assert_log (p, "a(missing); b(add); ");

  a->params = "(3, 'four')";
  assert_call (p, "missing", "('x',)", "expected a number at params[1], got a string");
  a->params = "5";
  a->method = "echo";
  assert_call (p, "add", "(1, 2)", "[<int64 5>]");
  a->method = "neither";
  assert_call (p, "add", "(1, 2)", "There is no method “neither”");
  a->method = a->params = NULL;

  /* Only a filter may. */
  b->method = "keep";
  g_clear_object (&p->kept);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->near), "echo", NULL, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (p->kept != NULL);
  g_assert_false (msgpack_rpc_invocation_set_method (p->kept, "echo"));
  g_assert_cmpstr (msgpack_rpc_invocation_get_method (p->kept), ==, "keep");
  g_assert_false (msgpack_rpc_invocation_set_params (p->kept, g_variant_new ("(x)", G_GINT64_CONSTANT (1)),
                                                     &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

static void
test_notifications (Pair          *p,
                    gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .refusal = "no" });
  g_autoptr(GError) error = NULL;

  g_test_summary ("Notifications pass filters, which drop or change them");

  add_filter (p, a);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->near), "echo", NULL, &error);
  assert_call (p, "echo", "()", "no");
  assert_log (p, "a(echo); a(echo); ");

  a->refusal = NULL;
  a->answer = "has none";
  a->method = "echo";
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->near), "other", NULL, &error);
  WAIT_UNTIL (p->log->len > 0);
  assert_log (p, "a(other); handler; ");
  g_assert_no_error (error);
}

static void
test_around (Pair          *p,
             gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });
  Probe *b = new_probe (p, (Probe) { .name = "b", .is_around = TRUE });

  g_test_summary ("Those that look at the answer do so in reverse order, and may replace it");

  add_filter (p, a);
  add_filter (p, b);
  assert_call (p, "echo", "(1,)", "[<int64 1>]");
  assert_log (p, "a(echo); b(echo); handler; b: result [<int64 1>]; a: result [<int64 1>]; ");
  g_assert_cmpint (a->n_destroyed, ==, 1);
  g_assert_cmpint (b->n_destroyed, ==, 1);

  assert_call (p, "fail", "()", "no luck");
  assert_log (p, "a(fail); b(fail); b: error 'no luck'; a: error 'no luck'; ");
  assert_call (p, "rpc.ping", "()", "nothing");
  assert_log (p, "a(rpc.ping); b(rpc.ping); b: result nothing; a: result nothing; ");

  b->new_error = "changed";
  assert_call (p, "echo", "()", "changed");
  assert_log (p, "a(echo); b(echo); handler; b: result []; a: error 'changed'; ");
  b->new_error = "";
  assert_call (p, "echo", "()", "Unknown error");
  b->new_error = NULL;
  b->new_result = "instead";
  assert_call (p, "fail", "()", "'instead'");
  g_string_truncate (p->log, 0);

  /* What a filter answers has been around by those before it only. */
  b->is_around = FALSE;
  b->refusal = "no";
  assert_call (p, "echo", "()", "no");
  assert_log (p, "a(echo); b(echo); a: error 'no'; ");
}

static gpointer
answer_thread (gpointer data)
{
  g_assert_true (msgpack_rpc_invocation_return_value (data, g_variant_new_string ("from afar")));
  g_assert_false (msgpack_rpc_invocation_return_value (data, NULL));
  return NULL;
}

static void
test_threads (Pair          *p,
              gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("An answer from another thread is looked at in the context");

  add_filter (p, a);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->near), "keep", NULL);
  WAIT_UNTIL (p->kept != NULL);
  g_thread_join (g_thread_new ("answer", answer_thread, p->kept));
  assert_log (p, "a(keep); ");
  g_assert_cmpint (a->n_destroyed, ==, 0);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  assert_log (p, "a: result 'from afar'; ");
  g_assert_true (a->answer_thread == g_thread_self ());
  test_assert_value (msgpack_rpc_call_get_result (call), "'from afar'");
  g_assert_cmpuint (test_get_statistic (p->far, "late-answers"), ==, 1);
  g_assert_null (msgpack_rpc_invocation_get_connection (p->kept));
}

static gpointer
drop_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_dropped (Pair          *p,
              gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("That nobody answers is an answer, too, also if it is another thread that drops it");

  add_filter (p, a);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->near), "keep", NULL);
  WAIT_UNTIL (p->kept != NULL);
  test_drain ();
  g_thread_join (g_thread_new ("drop", drop_thread, g_steal_pointer (&p->kept)));
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  assert_log (p, "a(keep); a: error 'Method “keep” gave no answer'; ");
  WAIT_UNTIL (g_atomic_int_get (&a->n_destroyed) == 1);
}

static void
test_lost (Pair          *p,
           gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcCall) other = NULL;

  g_test_summary ("A connection that ends takes unanswered requests with it, and answers that are looked at");

  add_filter (p, a);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->near), "keep", NULL);
  WAIT_UNTIL (p->kept != NULL);
  g_assert_true (msgpack_rpc_invocation_return_value (p->kept, NULL));
  g_clear_object (&p->kept);
  other = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->near), "keep", NULL);
  msgpack_rpc_connection_close_async (p->far, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED &&
              msgpack_rpc_call_get_state (other) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  WAIT_UNTIL (g_atomic_int_get (&a->n_destroyed) >= 1);
  g_assert_nonnull (strstr (p->log->str, "a: result nothing; "));
}

static void
test_local (Pair          *p,
            gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE, .new_result = "local" });
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = NULL;

  g_test_summary ("Without a connection filters come in the calling thread");

  add_filter (p, a);
  reply = msgpack_rpc_dispatcher_dispatch (p->dispatcher, g_variant_new ("(iisav)", 0, 7, "echo", NULL),
                                           &error);
  g_assert_no_error (error);
  test_assert_value (reply, "(1, 7, @mv nothing, 'local')");
  assert_log (p, "a(echo); handler; a: result []; ");
  g_clear_pointer (&reply, g_variant_unref);

  a->refusal = "no";
  a->new_result = NULL;
  reply = msgpack_rpc_dispatcher_dispatch (p->dispatcher, g_variant_new ("(iisav)", 0, 7, "echo", NULL),
                                           &error);
  g_assert_no_error (error);
  test_assert_value (reply, "(1, 7, 'no', @mv nothing)");
}

static gboolean
refuse_all (MsgpackRpcDispatcher *dispatcher,
            MsgpackRpcInvocation *invocation,
            GString              *log)
{
  g_string_append_printf (log, "authorize(%s); ", msgpack_rpc_invocation_get_method (invocation));
  return TRUE;
}

static void
test_chain (Pair          *p,
            gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .method = "add" });
  Probe *b = new_probe (p, (Probe) { .name = "b" });
  g_autoptr(MsgpackRpcDispatcher) first = msgpack_rpc_dispatcher_new ();

  g_test_summary ("Each dispatcher of a chain has filters of its own; who is asked comes after them");

  msgpack_rpc_dispatcher_add_filter (first, filter_cb, a, NULL);
  add_filter (p, b);
  msgpack_rpc_dispatcher_set_next (first, p->dispatcher);
  msgpack_rpc_connection_set_dispatcher (p->far, first);
  g_signal_connect (p->dispatcher, "authorize", G_CALLBACK (refuse_all), p->log);
  assert_call (p, "plus", "(1, 2)", "3");
  assert_log (p, "a(plus); b(add); authorize(add); ");
  msgpack_rpc_connection_set_dispatcher (p->far, NULL);
}

static void
test_removes_itself (Pair          *p,
                     gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });
  Probe *b = new_probe (p, (Probe) { .name = "b" });

  g_test_summary ("A filter may remove itself, and those behind it still run");

  a->id = add_filter (p, a);
  add_filter (p, b);
  assert_call (p, "echo", "()", "[]");
  assert_log (p, "a(echo); b(echo); handler; a: result []; ");
  g_assert_cmpint (a->n_destroyed, ==, 2);
  assert_call (p, "echo", "()", "[]");
  assert_log (p, "b(echo); handler; ");
}

static void
test_placed (Pair          *p,
             gconstpointer  data)
{
  Probe *a = new_probe (p, (Probe) { .name = "a", .is_around = TRUE });

  g_test_summary ("A handler in a thread has its filters in the context");

  msgpack_rpc_dispatcher_add_method_full (p->dispatcher, "thread", "(xx)", test_add_handler, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  add_filter (p, a);
  assert_call (p, "thread", "(1, 2)", "3");
  assert_log (p, "a(thread); a: result 3; ");
  g_assert_true (a->thread == g_thread_self ());
  g_assert_true (a->answer_thread == g_thread_self ());
}

#define ADD(path, func) g_test_add (path, Pair, NULL, pair_setup, func, pair_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/filters/order", test_order);
  ADD ("/filters/answers", test_answers);
  ADD ("/filters/changes", test_changes);
  ADD ("/filters/notifications", test_notifications);
  ADD ("/filters/around", test_around);
  ADD ("/filters/threads", test_threads);
  ADD ("/filters/dropped", test_dropped);
  ADD ("/filters/lost", test_lost);
  ADD ("/filters/local", test_local);
  ADD ("/filters/chain", test_chain);
  ADD ("/filters/removes-itself", test_removes_itself);
  ADD ("/filters/placed", test_placed);

  return g_test_run ();
}
