/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Every request is answered once, by whoever comes first. */

#include "test-util.h"

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcInvocation *invocation; /* that the method “keep” was called with last */
} Fixture;

static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Fixture *f = user_data;

  g_set_object (&f->invocation, invocation);
  return TRUE;
}

static gboolean
drop_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  return TRUE;
}

static gboolean
look_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Fixture *f = user_data;
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  GVariant *given = msgpack_rpc_invocation_get_params (invocation);

  g_assert_true (connection == f->connection);
  test_assert_value (given, "(1, 2)");
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, params));

  /* Gone, but what was got before may still be used. */
  g_assert_null (msgpack_rpc_invocation_get_connection (invocation));
  g_assert_null (msgpack_rpc_invocation_get_params (invocation));
  g_assert_true (msgpack_rpc_connection_is_connected (connection));
  test_assert_value (given, "(1, 2)");

  g_set_object (&f->invocation, invocation);
  return TRUE;
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&f->raw);

  f->connection = msgpack_rpc_connection_new (stream);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_cb, f, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "drop", NULL, drop_cb, f, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "look", "(xx)", look_cb, f, NULL);
  msgpack_rpc_connection_set_dispatcher (f->connection, f->dispatcher);
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  if (f->invocation != NULL)
    g_assert_finalize_object (g_steal_pointer (&f->invocation));
  if (f->connection != NULL)
    g_assert_finalize_object (f->connection);
  g_assert_finalize_object (f->dispatcher);
  raw_peer_clear (&f->raw);
}

/* Sends a request for “keep” and waits for it. */
static void
request (Fixture    *f,
         const char *message)
{
  g_autoptr(GVariant) value = test_parse (message);

  g_clear_object (&f->invocation);
  raw_peer_send_value (&f->raw, value);
  WAIT_UNTIL (f->invocation != NULL);
}

static void
assert_answer (Fixture    *f,
               const char *expected)
{
  g_autoptr(GVariant) message = raw_peer_receive (&f->raw);

  test_assert_value (message, expected);
}

static guint64
count_late_answers (Fixture *f)
{
  return test_get_statistic (f->connection, "late-answers");
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) msgid = NULL;
  g_autoptr(GVariant) params = NULL;
  g_autofree char *method = NULL;
  gboolean answered;
  gboolean is_cancelled;
  gint64 deadline;

  g_test_summary ("An invocation says what was asked, and by whom");

  request (f, "(0, 7, 'keep', (1, 'x'))");
  g_object_get (f->invocation,
                "answered", &answered,
                "connection", &connection,
                "deadline", &deadline,
                "is-cancelled", &is_cancelled,
                "method", &method,
                "msgid", &msgid,
                "params", &params,
                NULL);
  g_assert_false (answered);
  g_assert_true (connection == f->connection);
  g_assert_cmpint (deadline, >, g_get_monotonic_time () + 3590 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (deadline, <=, g_get_monotonic_time () + 3600 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (deadline, ==, msgpack_rpc_invocation_get_deadline (f->invocation));
  g_assert_false (is_cancelled);
  g_assert_cmpstr (method, ==, "keep");
  g_assert_cmpstr (msgpack_rpc_invocation_get_method (f->invocation), ==, "keep");
  test_assert_value (msgid, "7");
  g_assert_true (msgid == msgpack_rpc_invocation_get_msgid (f->invocation));
  g_assert_cmpstr (g_variant_get_type_string (params), ==, "av");
  test_assert_value (params, "(1, 'x')");

  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  assert_answer (f, "(1, 7, @mv nothing, @mv nothing)");
  test_assert_value (msgpack_rpc_invocation_get_msgid (f->invocation), "7");
}

static void
test_msgids (Fixture       *f,
             gconstpointer  data)
{
  const char *const ids[] = {
    "0", "-1", "byte 255", "@t 18446744073709551615", "int64 -9223372036854775808", "1.5", "'x'",
    "[<1>, <'x'>]", "{'x': <1>}", "@mv nothing", "(handle 5, [byte 1, 2])", "true",
  };

  g_test_summary ("The id is given back exactly as it came");

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *message = g_strdup_printf ("(0, %s, 'keep', ())", ids[i]);
      g_autofree char *answer = g_strdup_printf ("(1, %s, @mv nothing, 'fine')", ids[i]);

      request (f, message);
      g_assert_true (msgpack_rpc_invocation_return_value (f->invocation,
                                                          g_variant_new_string ("fine")));
      assert_answer (f, answer);
    }
}

static void
test_lets_go (Fixture       *f,
              gconstpointer  data)
{
  g_test_summary ("An answered invocation lets go of its connection and parameters");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'look', (1, 2))"));
  WAIT_UNTIL (f->invocation != NULL);
  g_assert_true (msgpack_rpc_invocation_get_answered (f->invocation));
  assert_answer (f, "(1, 7, @mv nothing, (1, 2))");

  request (f, "(0, 8, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  assert_answer (f, "(1, 8, @mv nothing, @mv nothing)");
  g_assert_finalize_object (g_steal_pointer (&f->connection));
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, NULL));
}

static void
test_first_wins (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "late");
  GVariant *value;

  g_test_summary ("The first answer is sent; later ones are dropped and counted");

  request (f, "(0, 7, 'keep', ())");
  g_assert_false (msgpack_rpc_invocation_get_answered (f->invocation));
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, g_variant_new_int32 (1)));
  g_assert_true (msgpack_rpc_invocation_get_answered (f->invocation));

  /* Floating values are consumed nevertheless. */
  value = g_variant_ref (g_variant_new_int32 (2));
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, value));
  g_assert_false (g_variant_is_floating (value));
  g_variant_unref (value);
  value = g_variant_ref (g_variant_new_int32 (3));
  g_assert_false (msgpack_rpc_invocation_return_error_value (f->invocation, value));
  g_assert_false (g_variant_is_floating (value));
  g_variant_unref (value);

  g_assert_false (msgpack_rpc_invocation_return_gerror (f->invocation, error));
  g_assert_false (msgpack_rpc_invocation_return_error (f->invocation, G_IO_ERROR, 0, "late"));
  g_assert_false (msgpack_rpc_invocation_return_error_literal (f->invocation, G_IO_ERROR, 0,
                                                               "late"));
  g_assert_cmpuint (count_late_answers (f), ==, 5);

  request (f, "(0, 8, 'keep', ())");
  msgpack_rpc_invocation_return_value (f->invocation, NULL);
  assert_answer (f, "(1, 7, @mv nothing, 1)");
  assert_answer (f, "(1, 8, @mv nothing, @mv nothing)");
}

static void
test_errors (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr(GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "a %s GError");
  g_autoptr(GError) empty = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "");

  g_test_summary ("An error is answered with its text, which is never empty");

  request (f, "(0, 1, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_gerror (f->invocation, error));
  assert_answer (f, "(1, 1, 'a %s GError', @mv nothing)");

  request (f, "(0, 2, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_gerror (f->invocation, empty));
  assert_answer (f, "(1, 2, 'Unknown error', @mv nothing)");

  request (f, "(0, 3, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_error (f->invocation, MSGPACK_RPC_ERROR,
                                                      MSGPACK_RPC_ERROR_FAILED, "%s %d", "no", 5));
  assert_answer (f, "(1, 3, 'no 5', @mv nothing)");

  request (f, "(0, 4, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_error_literal (f->invocation, 0, 0, "100 %s"));
  assert_answer (f, "(1, 4, '100 %s', @mv nothing)");

  request (f, "(0, 5, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_error_literal (f->invocation, 0, 0, "bad \xff"));
  assert_answer (f, "(1, 5, 'bad \357\277\275', @mv nothing)");
}

static void
test_error_values (Fixture       *f,
                   gconstpointer  data)
{
  const char *const kept[] = {
    "[<0>, <'text'>]", "{'code': <5>, 'message': <'text'>}", "1", "true", "'text'", "-0.5",
    "(handle 5, [byte 1])",
  };
  const char *const replaced[] = {
    "@mv nothing", "false", "0", "0.0", "''", "@av []", "@a{sv} {}", "@ay []", "()",
  };

  g_test_summary ("An error may be any value but one that looks like a success");

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autofree char *answer = g_strdup_printf ("(1, 7, %s, @mv nothing)", kept[i]);

      request (f, "(0, 7, 'keep', ())");
      g_assert_true (msgpack_rpc_invocation_return_error_value (f->invocation,
                                                                g_variant_new_parsed (kept[i])));
      assert_answer (f, answer);
    }

  for (guint i = 0; i < G_N_ELEMENTS (replaced); i++)
    {
      GVariant *value = g_variant_new_parsed (replaced[i]);

      request (f, "(0, 7, 'keep', ())");
      g_assert_true (msgpack_rpc_invocation_return_error_value (f->invocation, value));
      assert_answer (f, "(1, 7, 'Method “keep” failed', @mv nothing)");
    }

  request (f, "(0, 8, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_error_value (f->invocation, NULL));
  assert_answer (f, "(1, 8, 'Method “keep” failed', @mv nothing)");
}

static void
test_cannot_be_sent (Fixture       *f,
                     gconstpointer  data)
{
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GVariant) error = NULL;

  g_test_summary ("An answer that cannot be sent is an error that says so");

  request (f, "(0, 7, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, g_variant_new_handle (1)));
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  answer = raw_peer_receive (&f->raw);
  g_assert_cmpuint (g_variant_n_children (answer), ==, 4);
  g_variant_get_child (answer, 2, "v", &error);
  g_assert_cmpstr (g_variant_get_type_string (error), ==, "s");
  g_assert_nonnull (strstr (g_variant_get_string (error, NULL),
                            "cannot be written as MessagePack"));
}

static void
test_boolean_error (Fixture       *f,
                    gconstpointer  data)
{
  g_test_summary ("In the dialect with a boolean in the error slot, that is what is sent");

  msgpack_rpc_connection_set_profile (f->connection, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  request (f, "(0, 7, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, g_variant_new_int32 (3)));
  assert_answer (f, "(1, 7, false, 3)");

  request (f, "(0, 8, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_error_literal (f->invocation, 0, 0, "no"));
  assert_answer (f, "(1, 8, true, 'no')");
}

static void
test_dropped (Fixture       *f,
              gconstpointer  data)
{
  g_test_summary ("An invocation that is let go without an answer answers with an error");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'drop', ())"));
  assert_answer (f, "(1, 7, 'Method “drop” gave no answer', @mv nothing)");

  request (f, "(0, 8, 'keep', ())");
  g_assert_finalize_object (g_steal_pointer (&f->invocation));
  assert_answer (f, "(1, 8, 'Method “keep” gave no answer', @mv nothing)");
  g_assert_cmpuint (count_late_answers (f), ==, 0);
}

static gpointer
unref_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_dropped_in_thread (Fixture       *f,
                        gconstpointer  data)
{
  g_test_summary ("That holds in any thread");

  request (f, "(0, 7, 'keep', ())");
  g_thread_join (g_thread_new ("unref", unref_thread, g_steal_pointer (&f->invocation)));
  assert_answer (f, "(1, 7, 'Method “keep” gave no answer', @mv nothing)");
}

static void
test_max_answer_time (Fixture       *f,
                      gconstpointer  data)
{
  g_test_summary ("A request that is not answered in time is answered with an error");

  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, 1);
  request (f, "(0, 7, 'keep', ())");
  assert_answer (f, "(1, 7, 'Method “keep” gave no answer in time', @mv nothing)");
  g_assert_true (msgpack_rpc_invocation_get_answered (f->invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  g_assert_cmpuint (count_late_answers (f), ==, 1);

  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, -1);
  request (f, "(0, 8, 'keep', ())");
  g_assert_cmpint (msgpack_rpc_invocation_get_deadline (f->invocation), ==, -1);
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  assert_answer (f, "(1, 8, @mv nothing, @mv nothing)");

  /* The time of an invocation that is gone does not matter any more. */
  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, 20);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 9, 'drop', ())"));
  assert_answer (f, "(1, 9, 'Method “drop” gave no answer', @mv nothing)");
  request (f, "(0, 10, 'keep', ())");
  assert_answer (f, "(1, 10, 'Method “keep” gave no answer in time', @mv nothing)");
}

static void
cancelled_cb (MsgpackRpcInvocation *invocation,
              gpointer              user_data)
{
  guint *n_cancelled = user_data;

  g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
  g_assert_nonnull (msgpack_rpc_invocation_get_connection (invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (invocation, NULL));
  (*n_cancelled)++;
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
test_cancelled (Fixture       *f,
                gconstpointer  data)
{
  guint n_cancelled = 0;
  guint n_notified = 0;

  g_test_summary ("When the connection ends, what is not answered is cancelled");

  request (f, "(0, 7, 'keep', ())");
  g_signal_connect (f->invocation, "cancelled", G_CALLBACK (cancelled_cb), &n_cancelled);
  g_signal_connect (f->invocation, "notify::is-cancelled", G_CALLBACK (notify_cb), &n_notified);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_assert_cmpuint (n_cancelled, ==, 0);
  WAIT_UNTIL (n_notified > 0);
  g_assert_cmpuint (n_cancelled, ==, 1);
  g_assert_cmpuint (n_notified, ==, 1);

  g_assert_false (msgpack_rpc_invocation_get_answered (f->invocation));
  g_assert_null (msgpack_rpc_invocation_get_connection (f->invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  g_assert_cmpuint (count_late_answers (f), ==, 0);
}

static void
test_answered_is_not_cancelled (Fixture       *f,
                                gconstpointer  data)
{
  guint n_cancelled = 0;

  g_test_summary ("What is answered is not cancelled any more");

  request (f, "(0, 7, 'keep', ())");
  g_signal_connect (f->invocation, "cancelled", G_CALLBACK (cancelled_cb), &n_cancelled);
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->connection) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_assert_cmpuint (n_cancelled, ==, 0);
  g_assert_false (msgpack_rpc_invocation_is_cancelled (f->invocation));
}

static void
test_notification (Fixture       *f,
                   gconstpointer  data)
{
  g_test_summary ("A notification needs no answer and gets none");

  request (f, "(2, 'keep', (1,))");
  g_assert_true (msgpack_rpc_invocation_get_answered (f->invocation));
  g_assert_null (msgpack_rpc_invocation_get_msgid (f->invocation));
  g_assert_cmpint (msgpack_rpc_invocation_get_deadline (f->invocation), ==, -1);
  g_assert_false (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  g_assert_false (msgpack_rpc_invocation_return_error (f->invocation, G_IO_ERROR, 0, "x"));
  g_assert_cmpuint (count_late_answers (f), ==, 0);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'drop', ())"));
  request (f, "(0, 8, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  assert_answer (f, "(1, 8, @mv nothing, @mv nothing)");
}

#define N_THREADS 4

typedef struct
{
  MsgpackRpcInvocation *invocation;
  int number;
  int *waiting; /* atomic */
} AnswerData;

static gpointer
answer_thread (gpointer user_data)
{
  AnswerData *data = user_data;
  gboolean is_first;

  /* All at once. */
  g_atomic_int_add (data->waiting, -1);
  while (g_atomic_int_get (data->waiting) > 0)
    g_thread_yield ();

  if (data->number % 2 == 0)
    is_first = msgpack_rpc_invocation_return_value (data->invocation,
                                                    g_variant_new_int32 (data->number));
  else
    is_first = msgpack_rpc_invocation_return_error (data->invocation, G_IO_ERROR, 0, "%d",
                                                    data->number);
  g_object_unref (data->invocation);
  return GINT_TO_POINTER (is_first);
}

static void
test_threads (Fixture       *f,
              gconstpointer  data)
{
  g_test_summary ("Of many threads that answer, one is the first");

  for (guint round = 0; round < 100; round++)
    {
      g_autoptr(GVariant) answer = NULL;
      GThread *threads[N_THREADS];
      AnswerData answers[N_THREADS];
      int waiting = N_THREADS;
      guint n_first = 0;

      request (f, "(0, 7, 'keep', ())");
      for (int i = 0; i < N_THREADS; i++)
        {
          answers[i] = (AnswerData) { g_object_ref (f->invocation), i, &waiting };
          threads[i] = g_thread_new ("answer", answer_thread, &answers[i]);
        }
      for (guint i = 0; i < N_THREADS; i++)
        n_first += GPOINTER_TO_INT (g_thread_join (threads[i]));
      g_assert_cmpuint (n_first, ==, 1);

      answer = raw_peer_receive (&f->raw);
      g_assert_cmpuint (g_variant_n_children (answer), ==, 4);
    }
  g_assert_cmpuint (count_late_answers (f), ==, 100 * (N_THREADS - 1));

  request (f, "(0, 8, 'keep', ())");
  g_assert_true (msgpack_rpc_invocation_return_value (f->invocation, NULL));
  assert_answer (f, "(1, 8, @mv nothing, @mv nothing)");
}

/* Threads answer while the connection ends. */
static void
test_threads_and_close (Fixture       *f,
                        gconstpointer  data)
{
  GThread *threads[N_THREADS];
  AnswerData answers[N_THREADS];
  int waiting = N_THREADS;
  guint n_first = 0;

  g_test_summary ("Threads may answer while the connection ends");

  request (f, "(0, 7, 'keep', ())");
  for (int i = 0; i < N_THREADS; i++)
    {
      answers[i] = (AnswerData) { g_object_ref (f->invocation), i, &waiting };
      threads[i] = g_thread_new ("answer", answer_thread, &answers[i]);
    }
  raw_peer_close (&f->raw);
  g_clear_object (&f->invocation);
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->connection) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  for (guint i = 0; i < N_THREADS; i++)
    n_first += GPOINTER_TO_INT (g_thread_join (threads[i]));
  g_assert_cmpuint (n_first, <=, 1);
  test_drain ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/invocation/" name, Fixture, NULL, setup, func, teardown)
  ADD ("properties", test_properties);
  ADD ("msgids", test_msgids);
  ADD ("lets-go", test_lets_go);
  ADD ("first-wins", test_first_wins);
  ADD ("errors", test_errors);
  ADD ("error-values", test_error_values);
  ADD ("cannot-be-sent", test_cannot_be_sent);
  ADD ("boolean-error", test_boolean_error);
  ADD ("dropped", test_dropped);
  ADD ("dropped-in-thread", test_dropped_in_thread);
  ADD ("max-answer-time", test_max_answer_time);
  ADD ("cancelled", test_cancelled);
  ADD ("answered-is-not-cancelled", test_answered_is_not_cancelled);
  ADD ("notification", test_notification);
  ADD ("threads", test_threads);
  ADD ("threads-and-close", test_threads_and_close);

  return g_test_run ();
}
