/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What a handler in a worker process and its caller tell each other beside the answer. This program is
 * the worker, too. */

#include "test-util.h"

#include <stdlib.h>
#include <unistd.h>

#define APP_ERROR (g_quark_from_static_string ("test-worker-calls-error"))

static const char *program;

/* ---- in the worker ---- */

/* How many requests were given up; as the worker has them, one by one. */
static gint32 n_given_up;

static gboolean
info_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new ("(ii)", getpid (), n_given_up));
}

static void
cancelled_cb (MsgpackRpcInvocation *invocation)
{
  n_given_up++;
  g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
  g_object_unref (invocation);
}

/* Says that it has begun, and works until nobody waits any more. */
static gboolean
work_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  g_signal_connect (g_object_ref (invocation), "cancelled", G_CALLBACK (cancelled_cb), NULL);
  return msgpack_rpc_invocation_report_progress (invocation, 0.5, g_variant_new_string ("half"));
}

static gboolean
report_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               user_data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_invocation_report_progress (invocation, 0.25, NULL);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* In milliseconds; −1: none. */
static gboolean
time_left_handler (MsgpackRpcInvocation  *invocation,
                   GVariant              *params G_GNUC_UNUSED,
                   gpointer               user_data G_GNUC_UNUSED,
                   GError               **error G_GNUC_UNUSED)
{
  gint64 deadline = msgpack_rpc_invocation_get_deadline (invocation);

  if (deadline >= 0)
    deadline = (deadline - g_get_monotonic_time ()) / 1000;
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (deadline));
}

static gboolean
fail_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error)
{
  g_set_error_literal (error, APP_ERROR, 7, "no paper");
  return FALSE;
}

static gboolean
refuse_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               user_data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_error_value (invocation, g_variant_new_parsed ("{'code': <7>}"));
}

static const struct
{
  const char *name;
  MsgpackRpcHandler handler;
} methods[] = {
  { "fail", fail_handler },
  { "info", info_handler },
  { "refuse", refuse_handler },
  { "report", report_handler },
  { "time_left", time_left_handler },
  { "work", work_handler },
};

/* The same in both programs. */
static MsgpackRpcDispatcher *
make_dispatcher (void)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_register_error_domain (APP_ERROR);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    msgpack_rpc_dispatcher_add_method_full (dispatcher, methods[i].name, NULL, methods[i].handler, NULL,
                                            NULL, MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
  return dispatcher;
}

/* ---- the fixture ---- */

typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcConnection *server;
  MsgpackRpcConnection *client;
  double fraction;                  /* as it was reported last */
  char *text;                       /* likewise, nullable */
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  is_plain)
{
  const char * const argv[] = { program, "worker", NULL };
  g_autoptr(GError) error = NULL;

  f->dispatcher = make_dispatcher ();
  msgpack_rpc_dispatcher_set_worker_argv (f->dispatcher, argv);
  g_assert_true (msgpack_rpc_connection_new_pair (&f->client, &f->server, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (f->server, f->dispatcher);
  if (is_plain != NULL)
    return;

  msgpack_rpc_connection_set_extensions (f->client, TRUE);
  WAIT_UNTIL (msgpack_rpc_connection_get_peer_extensions (f->client) != 0 &&
              msgpack_rpc_connection_get_peer_extensions (f->server) != 0);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_connection_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->server) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_clear_object (&f->client);
  g_clear_object (&f->server);
  g_object_add_weak_pointer (G_OBJECT (f->dispatcher), (gpointer *) &f->dispatcher);
  g_object_unref (f->dispatcher);
  WAIT_UNTIL (f->dispatcher == NULL);
  g_free (f->text);
}

static void
progress_reported_cb (MsgpackRpcCall *call G_GNUC_UNUSED,
                      double          fraction,
                      GVariant       *value,
                      gpointer        data)
{
  Fixture *f = data;

  f->fraction = fraction;
  g_free (f->text);
  f->text = value != NULL ? g_variant_dup_string (value, NULL) : NULL;
}

static MsgpackRpcCall *
start (Fixture    *f,
       const char *method,
       int         timeout)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new (method, NULL);

  g_signal_connect (call, "progress-reported", G_CALLBACK (progress_reported_cb), f);
  msgpack_rpc_call_set_timeout (call, timeout);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (f->client), call);
  return call;
}

static void
wait_for (MsgpackRpcCall *call)
{
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
}

static GVariant *
call (Fixture    *f,
      const char *method,
      int         timeout)
{
  g_autoptr(MsgpackRpcCall) call = start (f, method, timeout);

  wait_for (call);
  g_assert_no_error (msgpack_rpc_call_get_error (call));
  return g_variant_ref (msgpack_rpc_call_get_result (call));
}

static gint64
get_number (GVariant *array,
            gsize     index)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (array, index);
  g_autoptr(GVariant) number = g_variant_get_variant (child);

  return g_variant_get_int64 (number);
}

/* ---- cases ---- */

static void
test_cancel (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) before = call (f, "info", G_MAXINT);
  g_autoptr(GVariant) after = NULL;
  g_autoptr(MsgpackRpcCall) work = start (f, "work", G_MAXINT);

  g_test_summary ("A handler in a worker says how far it is, and learns that it is given up");

  WAIT_UNTIL (f->fraction > 0);
  g_assert_cmpfloat (f->fraction, ==, 0.5);
  g_assert_cmpstr (f->text, ==, "half");

  msgpack_rpc_call_cancel (work);
  /* The one worker takes the next call as soon as the handler has let go of this one, and lives. */
  after = call (f, "info", G_MAXINT);
  g_assert_cmpint (get_number (before, 1), ==, 0);
  g_assert_cmpint (get_number (after, 1), ==, 1);
  g_assert_cmpint (get_number (after, 0), ==, get_number (before, 0));
}

static void
test_caller_closes (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) info = NULL;
  g_autoptr(MsgpackRpcConnection) server = NULL;
  g_autoptr(MsgpackRpcCall) work = start (f, "work", G_MAXINT);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A handler in a worker learns that its caller has gone");

  WAIT_UNTIL (f->fraction > 0);
  msgpack_rpc_connection_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  wait_for (work);
  g_clear_object (&f->client);
  g_clear_object (&f->server);

  g_assert_true (msgpack_rpc_connection_new_pair (&f->client, &f->server, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (f->server, f->dispatcher);
  info = call (f, "info", G_MAXINT);
  g_assert_cmpint (get_number (info, 1), ==, 1);
}

static void
test_progress (Fixture       *f,
               gconstpointer  is_plain)
{
  g_autoptr(GVariant) result = call (f, "report", G_MAXINT);

  g_test_summary ("What a worker reports comes before its answer, and only to who understands it");

  test_drain ();
  g_assert_cmpfloat (f->fraction, ==, is_plain != NULL ? 0 : 0.25);
  g_assert_null (f->text);
}

static gint64
get_time_left (Fixture *f,
               int      timeout)
{
  g_autoptr(GVariant) result = call (f, "time_left", timeout);

  return g_variant_get_int64 (result);
}

static void
test_deadline (Fixture       *f,
               gconstpointer  is_plain)
{
  const gint64 minute = 60 * 1000;
  gint64 left;

  g_test_summary ("A handler in a worker sees for how long its caller waits");

  /* A worker that has been started does not take part of the time. */
  g_variant_unref (call (f, "info", G_MAXINT));

  left = get_time_left (f, (int) (10 * minute));
  if (is_plain != NULL)
    g_assert_cmpint (left, >, 10 * minute);
  else
    g_assert_cmpint (left, <=, 10 * minute);

  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, (int) (2 * minute));
  left = get_time_left (f, (int) (10 * minute));
  g_assert_cmpint (left, >, 0);
  g_assert_cmpint (left, <=, 2 * minute);

  msgpack_rpc_dispatcher_set_worker_time_limit (f->dispatcher, (int) minute);
  left = get_time_left (f, (int) (10 * minute));
  g_assert_cmpint (left, >, 0);
  g_assert_cmpint (left, <=, minute);
}

static void
test_errors (Fixture       *f,
             gconstpointer  is_plain)
{
  g_autoptr(MsgpackRpcCall) failed = start (f, "fail", G_MAXINT);
  g_autoptr(MsgpackRpcCall) refused = start (f, "refuse", G_MAXINT);
  g_autofree char *text = NULL;
  GVariant *value;

  g_test_summary ("An error of a worker's handler comes as the caller understands it");

  wait_for (failed);
  wait_for (refused);
  value = msgpack_rpc_call_get_error_value (failed);
  g_assert_cmpstr (msgpack_rpc_call_get_error (failed)->message, ==, "no paper");
  if (is_plain == NULL)
    g_assert_error (msgpack_rpc_call_get_error (failed), APP_ERROR, 7);
  else
    g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "no paper");

  text = g_variant_print (msgpack_rpc_call_get_error_value (refused), FALSE);
  g_assert_cmpstr (text, ==, "{'code': <int64 7>}");
}

static void
assert_counts (Fixture    *f,
               const char *name,
               guint       n_calls,
               guint       n_errors)
{
  g_autoptr(MsgpackRpcMethod) method = msgpack_rpc_dispatcher_lookup_method (f->dispatcher, name);

  g_assert_cmpuint (msgpack_rpc_method_get_n_calls (method), ==, n_calls);
  g_assert_cmpuint (msgpack_rpc_method_get_n_errors (method), ==, n_errors);
  /* It has taken the way to another process and back. */
  WAIT_UNTIL ((msgpack_rpc_method_get_total_time (method) > 0) == (n_calls > 0));
}

static void
test_counts (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Methods in workers count their calls, errors and time");

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(MsgpackRpcCall) failed = start (f, "fail", G_MAXINT);

      wait_for (failed);
    }
  g_variant_unref (call (f, "info", G_MAXINT));
  assert_counts (f, "fail", 3, 3);
  assert_counts (f, "info", 1, 0);
  assert_counts (f, "work", 0, 0);
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  program = self != NULL ? self : argv[0];
  if (argc == 2 && g_str_equal (argv[1], "worker"))
    {
      g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher ();

      return msgpack_rpc_worker_main (dispatcher);
    }

  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) g_test_add ("/worker-calls/" path, Fixture, data, setup, func, teardown)
  ADD ("cancel", NULL, test_cancel);
  ADD ("caller-closes", NULL, test_caller_closes);
  ADD ("progress", NULL, test_progress);
  ADD ("progress/plain", "plain", test_progress);
  ADD ("deadline", NULL, test_deadline);
  ADD ("deadline/plain", "plain", test_deadline);
  ADD ("errors", NULL, test_errors);
  ADD ("errors/plain", "plain", test_errors);
  ADD ("counts", NULL, test_counts);
#undef ADD

  return g_test_run ();
}
