/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A handler reports how far it is, and its caller sees that. */

#include "test-util.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define ANNOUNCEMENT "(2, 'rpc.extensions', ['cancel', 'deadline', 'errors', 'progress'])"

/* Two connections, of which the second keeps what it is asked for. */
typedef struct
{
  MsgpackRpcConnection *near;
  MsgpackRpcConnection *far;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcInvocation *invocation;
  GString *seen;  /* what was emitted by a call */
} Pair;

static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Pair *p = user_data;

  g_set_object (&p->invocation, invocation);
  return TRUE;
}

static void
pair_setup (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_connection_new_pair (&p->near, &p->far, &error);
  g_assert_no_error (error);
  p->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "keep", NULL, keep_cb, p, NULL);
  msgpack_rpc_connection_set_dispatcher (p->far, p->dispatcher);
  msgpack_rpc_connection_set_extensions (p->near, TRUE);
  p->seen = g_string_new (NULL);
}

static void
pair_teardown (Pair          *p,
               gconstpointer  data)
{
  g_clear_object (&p->invocation);
  test_drain ();
  g_assert_finalize_object (p->near);
  g_assert_finalize_object (p->far);
  g_assert_finalize_object (p->dispatcher);
  g_string_free (p->seen, TRUE);
}

static void
reported_cb (MsgpackRpcCall *call,
             double          fraction,
             GVariant       *value,
             GString        *seen)
{
  g_autofree char *text = value != NULL ? g_variant_print (value, FALSE) : g_strdup ("-");

  g_string_append_printf (seen, "%.2f %s; ", fraction, text);
}

static void
notify_cb (MsgpackRpcCall *call,
           GParamSpec     *pspec,
           GString        *seen)
{
  g_string_append_printf (seen, "=%.2f; ", msgpack_rpc_call_get_progress (call));
}

static void
completed_cb (MsgpackRpcCall *call,
              GString        *seen)
{
  g_string_append (seen, "end; ");
}

static void
watch (MsgpackRpcCall *call,
       GString        *seen)
{
  g_signal_connect (call, "progress-reported", G_CALLBACK (reported_cb), seen);
  g_signal_connect (call, "notify::progress", G_CALLBACK (notify_cb), seen);
  g_signal_connect (call, "completed", G_CALLBACK (completed_cb), seen);
}

static MsgpackRpcCall *
start (Pair *p)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new ("keep", NULL);

  watch (call, p->seen);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (p->near), call);
  WAIT_UNTIL (p->invocation != NULL);
  return call;
}

static void
test_reported (Pair          *p,
               gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = start (p);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) property = NULL;

  g_test_summary ("A report is on the call as a property, and a signal");

  g_assert_null (msgpack_rpc_call_get_progress_value (call));
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.25, g_variant_new_string ("a")));
  WAIT_UNTIL (p->seen->len > 0);
  g_assert_cmpstr (p->seen->str, ==, "=0.25; 0.25 'a'; ");
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (call), ==, 0.25);
  value = msgpack_rpc_call_get_progress_value (call);
  test_assert_value (value, "'a'");
  g_object_get (call, "progress-value", &property, NULL);
  g_assert_true (property == value);

  /* The same fraction is no news, but the report is. */
  g_string_truncate (p->seen, 0);
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.25, NULL));
  WAIT_UNTIL (p->seen->len > 0);
  g_assert_cmpstr (p->seen->str, ==, "0.25 -; ");
  g_assert_null (msgpack_rpc_call_get_progress_value (call));

  /* The last report is not lost, though the answer comes with it. */
  g_string_truncate (p->seen, 0);
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 7, g_variant_new_int32 (9)));
  g_assert_true (msgpack_rpc_invocation_return_value (p->invocation, NULL));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 1, NULL));
  WAIT_UNTIL (g_str_has_suffix (p->seen->str, "end; "));
  g_assert_cmpstr (p->seen->str, ==, "=1.00; 1.00 9; end; ");
  g_assert_cmpuint (test_get_statistic (p->near, "ignored-extensions"), ==, 0);
}

static void
test_last_before_end (Pair          *p,
                      gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = start (p);

  g_test_summary ("What was reported before the end is told before it, with the numbers of then");

  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, g_variant_new_string ("x")));
  g_assert_true (msgpack_rpc_invocation_return_error (p->invocation, G_IO_ERROR, 0, "no"));
  /* Both are read before anything is delivered: by a thread that waits. */
  g_assert_null (msgpack_rpc_call_wait (call, NULL, NULL));
  g_assert_cmpuint (p->seen->len, ==, 0);
  WAIT_UNTIL (g_str_has_suffix (p->seen->str, "end; "));
  g_assert_cmpstr (p->seen->str, ==, "=0.50; 0.50 'x'; end; ");
}

static void
test_not_sent (Pair          *p,
               gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = start (p);
  g_autofree char *large = g_strnfill (65 * 1024, 'x');
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GVariant) value = NULL;

  g_test_summary ("What cannot be reported is left out, and said so");

  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, (double) NAN, NULL));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, g_variant_new_handle (1)));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, g_variant_new_string (large)));

  /* Floating values are consumed nevertheless. */
  value = g_variant_ref (g_variant_new_handle (2));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, value));
  g_assert_false (g_variant_is_floating (value));

  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, -(double) INFINITY, NULL));
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, (double) INFINITY, NULL));
  WAIT_UNTIL (strstr (p->seen->str, "1.00 -; ") != NULL);
  g_assert_true (msgpack_rpc_invocation_return_value (p->invocation, NULL));
  WAIT_UNTIL (g_str_has_suffix (p->seen->str, "end; "));

  /* Nobody waits for a notification, nor for what is dispatched without a connection. */
  g_clear_object (&p->invocation);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->near), "keep", NULL, NULL);
  WAIT_UNTIL (p->invocation != NULL);
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));
  message = test_parse ("(0, 1, 'keep', ())");
  g_assert_null (msgpack_rpc_dispatcher_dispatch (p->dispatcher, message, NULL));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));
}

static void
order_cb (MsgpackRpcConnection *connection,
          const char           *method,
          GVariant             *params,
          GString              *seen)
{
  g_string_append_printf (seen, "%s; ", method);
}

static gpointer
wait_thread (gpointer data)
{
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;

  reply = msgpack_rpc_call_wait (data, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply);
  return NULL;
}

static void
test_order (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("What comes while a thread waits is told later, in order, in the call's context");

  g_signal_connect (p->near, "notification", G_CALLBACK (order_cb), p->seen);
  call = start (p);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->far), "before", NULL, NULL);
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->far), "after", NULL, NULL);
  g_assert_true (msgpack_rpc_invocation_return_value (p->invocation, NULL));

  /* Another thread reads all of it; this one, whose context it is, runs no loop meanwhile. */
  g_thread_join (g_thread_new ("wait", wait_thread, call));
  g_assert_cmpuint (p->seen->len, ==, 0);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (call), ==, 1);
  WAIT_UNTIL (g_str_has_suffix (p->seen->str, "end; "));
  g_assert_cmpstr (p->seen->str, ==, "before; after; =1.00; 0.50 -; end; ");
}

static void
test_serving (Pair          *p,
              gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = start (p);
  g_autoptr(GVariant) reply = NULL;

  g_test_summary ("A wait that serves tells of reports as it goes");

  msgpack_rpc_call_set_serves_while_waiting (call, TRUE);
  g_signal_connect (p->near, "notification", G_CALLBACK (order_cb), p->seen);
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (p->far), "after", NULL, NULL);
  g_assert_true (msgpack_rpc_invocation_return_value (p->invocation, NULL));
  reply = msgpack_rpc_call_wait (call, NULL, NULL);
  g_assert_nonnull (reply);
  WAIT_UNTIL (g_str_has_suffix (p->seen->str, "end; "));
  g_assert_nonnull (strstr (p->seen->str, "0.50 -; "));
  g_assert_nonnull (strstr (p->seen->str, "after; "));
}

static void
list_notify_cb (MsgpackRpcCall *call,
                GParamSpec     *pspec,
                guint          *n)
{
  (*n)++;
}

static void
test_in_list (Pair          *p,
              gconstpointer  data)
{
  GListModel *calls = msgpack_rpc_connection_get_calls (p->near);
  g_autoptr(MsgpackRpcCall) call = start (p);
  g_autoptr(MsgpackRpcCall) item = NULL;
  guint n = 0;

  g_test_summary ("Who shows the list of calls shows how far they are");

  WAIT_UNTIL (g_list_model_get_n_items (calls) == 1);
  item = g_list_model_get_item (calls, 0);
  g_signal_connect (item, "notify::progress", G_CALLBACK (list_notify_cb), &n);
  g_assert_true (msgpack_rpc_invocation_report_progress (p->invocation, 0.75, NULL));
  WAIT_UNTIL (n == 1);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (item), ==, 0.75);
  msgpack_rpc_call_cancel (call);
  WAIT_UNTIL (g_list_model_get_n_items (calls) == 0);
}

/* ---- many threads ---- */

#define N_CALLS 400

typedef struct
{
  GThreadPool *pool;
  guint n_ended;
} Crowd;

static void
work (gpointer data,
      gpointer user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = data;

  for (guint i = 0; i < 20 && !msgpack_rpc_invocation_is_cancelled (invocation); i++)
    msgpack_rpc_invocation_report_progress (invocation, i / 20.0, g_variant_new_uint32 (i));
  msgpack_rpc_invocation_return_value (invocation, NULL);
}

static gboolean
work_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Crowd *crowd = user_data;

  return g_thread_pool_push (crowd->pool, g_object_ref (invocation), error);
}

static void
count_end_cb (MsgpackRpcCall *call,
              Crowd          *crowd)
{
  crowd->n_ended++;
}

static gpointer
cancel_thread (gpointer data)
{
  for (guint i = 0; i < N_CALLS; i += 3)
    {
      msgpack_rpc_call_cancel (((MsgpackRpcCall **) data)[i]);
      g_thread_yield ();
    }
  return NULL;
}

static void
test_threads (Pair          *p,
              gconstpointer  data)
{
  Crowd crowd = { .n_ended = 0 };
  MsgpackRpcCall *calls[N_CALLS];
  GThread *thread;

  g_test_summary ("Reporting, answering and giving up may meet in any threads");

  crowd.pool = g_thread_pool_new (work, &crowd, 4, FALSE, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "work", NULL, work_cb, &crowd, NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      calls[i] = msgpack_rpc_call_new ("work", NULL);
      g_signal_connect (calls[i], "progress-reported", G_CALLBACK (reported_cb), p->seen);
      g_signal_connect (calls[i], "completed", G_CALLBACK (count_end_cb), &crowd);
      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (p->near), calls[i]);
    }
  thread = g_thread_new ("cancel", cancel_thread, calls);
  WAIT_UNTIL (crowd.n_ended == N_CALLS);
  g_thread_join (thread);
  WAIT_UNTIL (test_get_statistic (p->far, "requests-in-flight") == 0);

  for (guint i = 0; i < N_CALLS; i++)
    {
      const GError *error = msgpack_rpc_call_get_error (calls[i]);

      if (i % 3 != 0)
        g_assert_no_error (error);
      else if (error != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_object_unref (calls[i]);
    }
  g_thread_pool_free (crowd.pool, FALSE, TRUE);
}

/* ---- a peer of raw bytes ---- */

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcCall *call;
  MsgpackRpcInvocation *invocation;
  GString *seen;
} Raw;

static void
raw_setup (Raw           *r,
           gconstpointer  data)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&r->raw);
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GVariant) announcement = NULL;

  r->connection = msgpack_rpc_connection_new (stream);
  r->seen = g_string_new (NULL);
  r->call = msgpack_rpc_call_new ("slow", NULL);
  watch (r->call, r->seen);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (r->connection), r->call);
  request = raw_peer_receive (&r->raw);
  raw_peer_send_value (&r->raw, g_variant_new_parsed (ANNOUNCEMENT));
  announcement = raw_peer_receive (&r->raw);
  test_assert_value (announcement, ANNOUNCEMENT);
}

static void
raw_teardown (Raw           *r,
              gconstpointer  data)
{
  msgpack_rpc_call_cancel (r->call);
  g_clear_object (&r->invocation);
  test_drain ();
  g_assert_finalize_object (r->call);
  g_assert_finalize_object (r->connection);
  g_string_free (r->seen, TRUE);
  raw_peer_clear (&r->raw);
}

static void
send_raw (Raw        *r,
          const char *message)
{
  g_autoptr(GVariant) value = test_parse (message);

  raw_peer_send_value (&r->raw, value);
}

/* Until all that was sent has been taken. */
static void
sync_raw (Raw *r)
{
  g_autoptr(GVariant) reply = NULL;

  send_raw (r, "(0, 99, 'missing', ())");
  reply = raw_peer_receive (&r->raw);
}

static void
test_hostile (Raw           *r,
              gconstpointer  data)
{
  const char *const wrong[] = {
    "(2, 'rpc.progress', ())", "(2, 'rpc.progress', (1,))", "(2, 'rpc.progress', (2, 0.5))",
    "(2, 'rpc.progress', (0, 0.5))", "(2, 'rpc.progress', (-1, 0.5))",
    "(2, 'rpc.progress', (int64 4294967297, 0.5))", "(2, 'rpc.progress', ('1', 0.5))",
    "(2, 'rpc.progress', (1, '0.5'))", "(2, 'rpc.progress', (1, @mv nothing))",
    "(2, 'rpc.progress', {'id': 1})", "(2, 'rpc.progress', (1, true))",
    "(2, 'rpc.progress', (@t 18446744073709551615, 0.5))", "(2, 'rpc.progress', (1, [<0.5>]))",
  };
  g_autofree char *large = g_strnfill (70 * 1024, 'x');
  guint64 n = G_N_ELEMENTS (wrong);

  g_test_summary ("Reports that make no sense are dropped and counted, others brought within bounds");

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    send_raw (r, wrong[i]);
  raw_peer_send_value (&r->raw, g_variant_new ("(is(id))", 2, "rpc.progress", 1, (double) NAN));
  raw_peer_send_value (&r->raw, g_variant_new ("(is(ids))", 2, "rpc.progress", 1, 0.5, large));
  sync_raw (r);
  g_assert_cmpuint (test_get_statistic (r->connection, "ignored-extensions"), ==, n + 2);
  g_assert_cmpuint (r->seen->len, ==, 0);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (r->call), ==, 0);

  raw_peer_send_value (&r->raw, g_variant_new ("(is(id))", 2, "rpc.progress", 1, (double) INFINITY));
  WAIT_UNTIL (strcmp (r->seen->str, "=1.00; 1.00 -; ") == 0);
  raw_peer_send_value (&r->raw, g_variant_new ("(is(id))", 2, "rpc.progress", 1, -(double) INFINITY));
  WAIT_UNTIL (g_str_has_suffix (r->seen->str, "=0.00; 0.00 -; "));
  send_raw (r, "(2, 'rpc.progress', (1, 1e300))");
  WAIT_UNTIL (g_str_has_suffix (r->seen->str, "=1.00; 1.00 -; "));
  send_raw (r, "(2, 'rpc.progress', (1.0, 0, 'x', 'more', 'than', 'known'))");
  WAIT_UNTIL (g_str_has_suffix (r->seen->str, "=0.00; 0.00 'x'; "));

  /* A call that has ended reports no more. */
  send_raw (r, "(1, 1, @mv nothing, 5)");
  send_raw (r, "(2, 'rpc.progress', (1, 0.5))");
  WAIT_UNTIL (g_str_has_suffix (r->seen->str, "end; "));
  sync_raw (r);
  g_assert_cmpuint (test_get_statistic (r->connection, "ignored-extensions"), ==, n + 3);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (r->call), ==, 1);
}

static void
send_all (int           fd,
          const guint8 *data,
          gsize         size)
{
  while (size > 0)
    {
      GPollFD poll = { .fd = fd, .events = G_IO_OUT };
      gssize n;

      g_assert_cmpint (g_poll (&poll, 1, (int) (TEST_DEADLINE / 1000)), ==, 1);
      n = write (fd, data, size);
      if (n < 0)
        {
          g_assert_cmpint (errno, ==, EAGAIN);
          continue;
        }
      data += n;
      size -= (gsize) n;
    }
}

static gpointer
flood_thread (gpointer data)
{
  Raw *r = data;

  /* It must not run the loop, which is the other thread's. */
  for (int i = 0; i < 20000; i++)
    {
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GBytes) bytes = NULL;

      value = g_variant_ref_sink (g_variant_new ("(is(idi))", 2, "rpc.progress", 1, i / 20000.0, i));
      bytes = msgpack_rpc_pack (value, NULL);
      send_all (r->raw.fd, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
  return NULL;
}

static void
count_report_cb (MsgpackRpcCall *call,
                 double          fraction,
                 GVariant       *value,
                 guint          *n)
{
  (*n)++;
}

static void
test_flood (Raw           *r,
            gconstpointer  data)
{
  guint n_reports = 0, n_iterations = 0;
  GThread *thread;

  g_test_summary ("However many reports come, one is kept, and one told in each turn of the loop");

  g_signal_connect (r->call, "progress-reported", G_CALLBACK (count_report_cb), &n_reports);
  thread = g_thread_new ("flood", flood_thread, r);
  WAIT_UNTIL ((n_iterations++, g_str_has_suffix (r->seen->str, "1.00 19999; ")));
  g_thread_join (thread);
  g_assert_cmpuint (n_reports, <=, 2 * n_iterations);
  g_assert_cmpuint (n_reports, <, 20000);
  g_assert_cmpuint (test_get_statistic (r->connection, "ignored-extensions"), ==, 0);
}

static void
test_flood_unread (Raw           *r,
                   gconstpointer  data)
{
  g_autoptr(GThread) thread = NULL;
  gboolean is_over = FALSE;

  g_test_summary ("Reports that a waiting thread reads pile up nowhere");

  thread = g_thread_new ("flood", flood_thread, r);
  while (!is_over)
    {
      g_autoptr(MsgpackRpcCall) other = msgpack_rpc_call_new ("other", NULL);
      g_autoptr(GVariant) value = NULL;

      /* Reads in this thread, which delivers nothing. */
      msgpack_rpc_call_set_timeout (other, 5);
      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (r->connection), other);
      g_assert_null (msgpack_rpc_call_wait (other, NULL, NULL));
      value = msgpack_rpc_call_get_progress_value (r->call);
      is_over = value != NULL && g_variant_get_int64 (value) == 19999;
    }
  g_thread_join (g_steal_pointer (&thread));
  g_assert_cmpuint (r->seen->len, ==, 0);
  WAIT_UNTIL (r->seen->len > 0);
  test_drain ();
  g_assert_cmpstr (r->seen->str, ==, "=1.00; 1.00 19999; ");
}

static gboolean
keep_raw_cb (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  Raw *r = user_data;

  g_set_object (&r->invocation, invocation);
  return TRUE;
}

static void
test_congested (Raw           *r,
                gconstpointer  data)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autofree char *text = g_strnfill (32 * 1024, 'x');
  guint n = 0;

  g_test_summary ("A peer that does not read is not sent report upon report");

  msgpack_rpc_dispatcher_add_method (dispatcher, "keep", NULL, keep_raw_cb, r, NULL);
  msgpack_rpc_connection_set_dispatcher (r->connection, dispatcher);
  send_raw (r, "(0, 5, 'keep', ())");
  WAIT_UNTIL (r->invocation != NULL);
  while (msgpack_rpc_invocation_report_progress (r->invocation, 0.5, g_variant_new_string (text)))
    {
      g_assert_cmpuint (n++, <, 10000);
      test_drain ();
    }
  g_assert_true (msgpack_rpc_connection_is_congested (r->connection));
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (r->connection), <,
                    2 * msgpack_rpc_connection_get_high_water_mark (r->connection));

  /* The answer comes all the same. */
  msgpack_rpc_invocation_return_value (r->invocation, NULL);
  for (gboolean is_answered = FALSE; !is_answered;)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&r->raw);

      is_answered = g_variant_n_children (message) == 4;
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/progress/" name, Pair, NULL, pair_setup, func, pair_teardown)
  ADD ("reported", test_reported);
  ADD ("last-before-end", test_last_before_end);
  ADD ("not-sent", test_not_sent);
  ADD ("order", test_order);
  ADD ("serving", test_serving);
  ADD ("in-list", test_in_list);
  ADD ("threads", test_threads);
#undef ADD
#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/progress/" name, Raw, NULL, raw_setup, func, raw_teardown)
  ADD ("hostile", test_hostile);
  ADD ("flood", test_flood);
  ADD ("flood-unread", test_flood_unread);
  ADD ("congested", test_congested);
#undef ADD

  return g_test_run ();
}
