/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the wish list asks for: rows A2 of docs/behaviours.md. The program is its own worker. */

#include "test-behaviours.h"

#include <locale.h>

#define LOOP MSGPACK_RPC_METHOD_FLAGS_NONE
#define THREAD MSGPACK_RPC_METHOD_FLAGS_IN_THREAD
#define PROCESS MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS

static const char *program;

/* ---- where a task runs ---- */

static gboolean
where_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               user_data G_GNUC_UNUSED,
               GError               **error G_GNUC_UNUSED)
{
  guint64 thread = (guint64) (gsize) g_thread_self ();

  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new ("(it)", (int) getpid (), thread));
}

/* What a task may hold that nobody can send: it counts in memory of its own. */
static gboolean
count_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  int n, sum;

  g_variant_get (params, "(i)", &n);
  sum = g_atomic_int_add ((int *) user_data, n) + n;
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (sum));
}

static gboolean
progress_handler (MsgpackRpcInvocation  *invocation,
                  GVariant              *params G_GNUC_UNUSED,
                  gpointer               user_data G_GNUC_UNUSED,
                  GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_invocation_report_progress (invocation, 0.5, g_variant_new_string ("half"));
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("all"));
}

/* Waits until somebody lets it go on: @user_data is a queue of tokens. */
static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  g_async_queue_pop (user_data);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("at last"));
}

static int process_count;

static void
add_process_methods (MsgpackRpcDispatcher *dispatcher)
{
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "process.where", "()", where_handler, NULL, NULL,
                                          PROCESS);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "process.count", "(i)", count_handler,
                                          &process_count, NULL, PROCESS);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "process.progress", "()", progress_handler, NULL,
                                          NULL, PROCESS);
}

static void
use_workers (Ends *ends)
{
  const char * const argv[] = { program, "--worker", NULL };

  add_process_methods (ends->server.dispatcher);
  msgpack_rpc_dispatcher_set_worker_argv (ends->server.dispatcher, argv);
  msgpack_rpc_dispatcher_set_n_workers (ends->server.dispatcher, 1);
}

static void
add_method (Ends                  *ends,
            const char            *name,
            const char            *signature,
            MsgpackRpcHandler      handler,
            gpointer               user_data,
            MsgpackRpcMethodFlags  flags)
{
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method_full (ends->server.dispatcher, name, signature,
                                                            handler, user_data, NULL, flags), !=, 0);
}

static void
ask_where (Ends       *ends,
           const char *method,
           gboolean   *is_here,
           gboolean   *is_this_process)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) pid = NULL;
  g_autoptr(GVariant) thread = NULL;
  gint64 number;

  value = ask (ends->peer, method, "()", &error);
  g_assert_no_error (error);
  g_variant_get_child (value, 0, "v", &pid);
  g_variant_get_child (value, 1, "v", &thread);
  number = g_variant_get_int64 (pid);
  *is_this_process = number == getpid ();
  *is_here = *is_this_process &&
             (gsize) g_variant_get_int64 (thread) == (gsize) g_thread_self ();
}

static void
assert_where (Ends       *ends,
              const char *method,
              gboolean    here,
              gboolean    this_process)
{
  gboolean is_here, is_this_process;

  ask_where (ends, method, &is_here, &is_this_process);
  g_assert_cmpint (is_here, ==, here);
  g_assert_cmpint (is_this_process, ==, this_process);
}

static void
test_a2_1 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A method runs in the loop unless it says otherwise");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "where", "()", where_handler, NULL, NULL);
  ends_open (ends);
  assert_where (ends, "where", TRUE, TRUE);
}

static void
test_a2_2 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A method may run in a thread");

  add_method (ends, "where", "()", where_handler, NULL, THREAD);
  ends_open (ends);
  assert_where (ends, "where", FALSE, TRUE);
}

static void
test_a2_3 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A method may run in another process");

  use_workers (ends);
  ends_open (ends);
  assert_where (ends, "process.where", FALSE, FALSE);
}

static void
test_a2_4 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("One dispatcher has methods of all three kinds");

  use_workers (ends);
  add_method (ends, "loop.where", "()", where_handler, NULL, LOOP);
  add_method (ends, "thread.where", "()", where_handler, NULL, THREAD);
  ends_open (ends);
  assert_where (ends, "process.where", FALSE, FALSE);
  assert_where (ends, "thread.where", FALSE, TRUE);
  assert_where (ends, "loop.where", TRUE, TRUE);
}

static void
test_a2_5 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  int sum = 0;

  g_test_summary ("A thread shares all memory; to a process go parameters and results alone");

  use_workers (ends);
  process_count = 0;
  add_method (ends, "thread.count", "(i)", count_handler, &sum, THREAD);
  ends_open (ends);
  assert_answer (ends->peer, "thread.count", "(2,)", "2");
  g_assert_cmpint (g_atomic_int_get (&sum), ==, 2);
  assert_answer (ends->peer, "process.count", "(3,)", "3");
  assert_answer (ends->peer, "process.count", "(4,)", "7");
  g_assert_cmpint (process_count, ==, 0);
}

/* ---- the connection of a task ---- */

static gpointer
answer_thread (gpointer data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = data;

  g_assert_true (msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("answered")));
  return NULL;
}

static gboolean
talk_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);

  if (!msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "said",
                                           g_variant_new ("(s)", "wait"), error))
    return FALSE;

  g_thread_unref (g_thread_new ("answer", answer_thread, g_object_ref (invocation)));
  return TRUE;
}

static void
notified_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
             const char       *method,
             GVariant         *params,
             gpointer          user_data)
{
  g_autofree char *text = g_variant_print (params, FALSE);

  g_string_append_printf (user_data, "%s%s ", method, text);
}

static void
test_a2_6 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) told = g_string_new (NULL);

  g_test_summary ("A task uses the connection that it came by, and is answered in any thread");

  add_method (ends, "talk", "()", talk_handler, NULL, THREAD);
  g_signal_connect (ends->client, "notification", G_CALLBACK (notified_cb), told);
  ends_open (ends);
  assert_answer (ends->peer, "talk", "()", "'answered'");
  g_assert_cmpstr (told->str, ==, "said[<'wait'>] ");
}

static void
test_a2_7 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("One call makes a function run elsewhere and its result come back");

  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method_full (ends->server.dispatcher, "plus", "(xx)",
                                                            test_add_handler, NULL, NULL, THREAD), !=,
                    0);
  ends_open (ends);
  assert_answer (ends->peer, "plus", "(1, 2)", "3");
  assert_failure (ends->peer, "plus", "(1,)", "plus() takes 2 arguments (1 given)");
}

static void
test_a2_8 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncQueue) tokens = g_async_queue_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer other;

  g_test_summary ("While a task takes its time, the loop goes on and others are served");

  add_method (ends, "wait", "()", wait_handler, tokens, THREAD);
  ends_open (ends);
  msgpack_rpc_peer_call_async (ends->peer, "wait", NULL, NULL, test_store_result, &result);
  enter (&ends->server, &other, ends->address);
  for (int i = 0; i < 100; i++)
    assert_add (&other);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  g_assert_null (result);

  g_async_queue_push (tokens, tokens);
  WAIT_UNTIL (result != NULL);
  value = msgpack_rpc_peer_call_finish (ends->peer, result, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'at last'");
  raw_peer_clear (&other);
}

typedef struct
{
  double fraction;
  char *text;
  GThread *thread;
} Report;

static void
progress_cb (MsgpackRpcCall *call G_GNUC_UNUSED,
             double          fraction,
             GVariant       *value,
             gpointer        user_data)
{
  Report *report = user_data;

  g_free (report->text);
  report->fraction = fraction;
  report->text = g_variant_dup_string (value, NULL);
  report->thread = g_thread_self ();
}

static void
test_a2_9 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  const char * const methods[] = { "thread.progress", "process.progress" };

  g_test_summary ("A task sends data while it runs, from a thread or a process, to the caller's loop");

  use_workers (ends);
  add_method (ends, "thread.progress", "()", progress_handler, NULL, THREAD);
  msgpack_rpc_client_set_extensions (ends->client, TRUE);
  ends_open (ends);
  WAIT_UNTIL (msgpack_rpc_connection_get_peer_extensions (ends_get_guest (ends)) &
              MSGPACK_RPC_EXTENSIONS_PROGRESS);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new (methods[i], g_variant_new ("()"));
      Report report = { 0 };

      g_signal_connect (call, "progress-reported", G_CALLBACK (progress_cb), &report);
      msgpack_rpc_peer_send_call (ends->peer, call);
      WAIT_UNTIL (call_has_ended (call) && report.text != NULL);
      g_assert_no_error (msgpack_rpc_call_get_error (call));
      g_assert_cmpfloat (report.fraction, ==, 0.5);
      g_assert_cmpstr (report.text, ==, "half");
      g_assert_true (report.thread == g_thread_self ());
      g_free (report.text);
    }
}

static void
test_a2_10 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GAsyncQueue) tokens = g_async_queue_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("That a task is complete is told in the context of whoever has started it");

  add_method (ends, "wait", "()", wait_handler, tokens, THREAD);
  ends_open (ends);
  g_main_context_push_thread_default (context);
  call = msgpack_rpc_peer_start_call (ends->peer, "wait", NULL);
  msgpack_rpc_call_wait_async (call, NULL, test_store_result, &result);
  g_main_context_pop_thread_default (context);
  g_async_queue_push (tokens, tokens);
  WAIT_UNTIL (call_has_ended (call));
  test_drain ();
  g_assert_null (result);
  WAIT_UNTIL_WITH (result != NULL, g_main_context_iteration (context, TRUE));
}

/* ---- timers ---- */

typedef struct
{
  guint n_calls;
  guint n_freed;
} Count;

static gboolean
count_cb (gpointer data)
{
  ((Count *) data)->n_calls++;
  return G_SOURCE_CONTINUE;
}

static void
count_once_cb (gpointer data)
{
  ((Count *) data)->n_calls++;
}

static void
count_freed_cb (gpointer data)
{
  ((Count *) data)->n_freed++;
}

static void
test_a2_11 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPeer *guest;
  Count first = { 0 }, second = { 0 };
  guint id;

  g_test_summary ("A function is called at an interval, until it is cancelled or its peer has gone");

  ends_open (ends);
  guest = MSGPACK_RPC_PEER (ends_get_guest (ends));
  id = msgpack_rpc_peer_add_interval (guest, 1, count_cb, &first, count_freed_cb);
  msgpack_rpc_peer_add_interval (guest, 1, count_cb, &second, count_freed_cb);
  WAIT_UNTIL (first.n_calls > 2 && second.n_calls > 2);
  g_assert_true (msgpack_rpc_peer_remove_timer (guest, id));
  first.n_calls = 0;
  WAIT_UNTIL (first.n_freed == 1);
  msgpack_rpc_client_close_async (ends->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (second.n_freed == 1);
  g_assert_cmpuint (first.n_calls, ==, 0);
}

static void
test_a2_12 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPeer *guest;
  Count once = { 0 }, never = { 0 };
  guint id;

  g_test_summary ("A function is called once after a time, unless it is cancelled");

  ends_open (ends);
  guest = MSGPACK_RPC_PEER (ends_get_guest (ends));
  id = msgpack_rpc_peer_add_timeout (guest, 1, count_once_cb, &never, count_freed_cb);
  msgpack_rpc_peer_add_timeout (guest, 2, count_once_cb, &once, count_freed_cb);
  g_assert_true (msgpack_rpc_peer_remove_timer (guest, id));
  WAIT_UNTIL (once.n_freed == 1 && never.n_freed == 1);
  g_assert_cmpuint (once.n_calls, ==, 1);
  g_assert_cmpuint (never.n_calls, ==, 0);
}

static void
test_a2_13 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  int sum = 0;

  g_test_summary ("Tasks in the loop and in threads have the same variables");

  add_method (ends, "loop.count", "(i)", count_handler, &sum, LOOP);
  add_method (ends, "thread.count", "(i)", count_handler, &sum, THREAD);
  ends_open (ends);
  assert_answer (ends->peer, "loop.count", "(1,)", "1");
  assert_answer (ends->peer, "thread.count", "(1,)", "2");
  assert_answer (ends->peer, "loop.count", "(1,)", "3");
}

/* ---- events ---- */

static void
published_cb (MsgpackRpcPeer *peer G_GNUC_UNUSED,
              const char     *topic,
              GVariant       *value,
              gpointer        user_data)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append_printf (user_data, "%s=%s ", topic, text);
}

static void
subscribe (Ends       *ends,
           const char *topic)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_subscribe_async (ends->peer, topic, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_subscribe_finish (ends->peer, result, &error));
  g_assert_no_error (error);
}

static void
test_a2_14 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcTopic) news = msgpack_rpc_dispatcher_add_topic (ends->server.dispatcher, "news",
                                                                      "s");
  g_autoptr(GString) told = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is published goes to those who have subscribed");

  g_signal_connect (ends->client, "published::news", G_CALLBACK (published_cb), told);
  ends_open (ends);
  g_assert_true (msgpack_rpc_topic_publish (news, g_variant_new_string ("missed"), &error));
  subscribe (ends, "news");
  g_assert_true (msgpack_rpc_topic_publish (news, g_variant_new_string ("heard"), &error));
  WAIT_UNTIL (told->len > 0);
  g_assert_cmpstr (told->str, ==, "news='heard' ");
}

static void
test_a2_15 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  const char *name = "anything: at all ☃";
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (ends->server.dispatcher, name,
                                                                       NULL);
  g_autoptr(GSimpleAction) action = g_simple_action_new ("act", G_VARIANT_TYPE_STRING);
  g_autoptr(GString) told = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("An event is any string, and may be a signal of any object");

  g_signal_connect (ends->client, "published", G_CALLBACK (published_cb), told);
  ends_open (ends);
  subscribe (ends, name);
  g_assert_true (msgpack_rpc_topic_bind_to_signal (topic, G_OBJECT (action), "activate", &error));
  g_action_activate (G_ACTION (action), g_variant_new_string ("now"));
  WAIT_UNTIL (told->len > 0);
  g_assert_cmpstr (told->str, ==, "anything: at all ☃='now' ");
  msgpack_rpc_topic_unbind (topic, G_OBJECT (action));
}

static gboolean
ready_cb (int                   fd,
          MsgpackRpcWatchEvents events,
          gpointer              user_data)
{
  char chunk[16];

  if (events & MSGPACK_RPC_WATCH_EVENTS_READ)
    g_assert_cmpint (read (fd, chunk, sizeof chunk), >=, 0);
  *(MsgpackRpcWatchEvents *) user_data = events;
  return G_SOURCE_CONTINUE;
}

static void
test_a2_16 (void)
{
  g_autoptr(MsgpackRpcWatch) watch = NULL;
  MsgpackRpcWatchEvents told = MSGPACK_RPC_WATCH_EVENTS_NONE;
  int fds[2];

  g_test_summary ("A descriptor is watched, and a function called when its state changes");

  g_assert_cmpint (pipe (fds), ==, 0);
  watch = msgpack_rpc_watch_add (NULL, fds[0], MSGPACK_RPC_WATCH_EVENTS_READ, ready_cb, &told, NULL);
  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  WAIT_UNTIL (told == MSGPACK_RPC_WATCH_EVENTS_READ);
  close (fds[1]);
  WAIT_UNTIL (told & MSGPACK_RPC_WATCH_EVENTS_ERROR);
  g_assert_true (msgpack_rpc_watch_remove (watch));
  close (fds[0]);
  test_drain ();
}

static void
test_a2_17 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;
  GIOStream *stream;

  g_test_summary ("Any stream will do, also one that no descriptor belongs to");

  stream = raw_peer_init_transport (&peer, "plain");
  connection = msgpack_rpc_server_accept_stream (ends->server.server, stream, &error);
  g_assert_no_error (error);
  g_object_unref (stream);
  assert_add (&peer);
  raw_peer_close (&peer);
  g_clear_object (&connection);
  WAIT_UNTIL (count_connections (&ends->server) == 0);
  raw_peer_clear (&peer);
}

/* ---- a large result ---- */

#define CHUNK_SIZE (64 * 1024)
#define N_CHUNKS 256

typedef struct
{
  MsgpackRpcConnection *connection; /* not owned */
  gint64 n_sent;
  gsize max_queued;
} Stream;

static void
send_chunk (Stream *stream);

static void
chunk_sent_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  Stream *stream = user_data;
  g_autoptr(GError) error = NULL;

  g_assert_true (msgpack_rpc_peer_send_notification_finish (MSGPACK_RPC_PEER (source), result, &error));
  g_assert_no_error (error);
  if (++stream->n_sent < N_CHUNKS)
    send_chunk (stream);
}

static void
send_chunk (Stream *stream)
{
  g_autofree char *text = g_strnfill (CHUNK_SIZE, 'x');
  gsize queued;

  msgpack_rpc_peer_send_notification_async (MSGPACK_RPC_PEER (stream->connection), "chunk",
                                            g_variant_new ("(xs)", stream->n_sent, text), NULL,
                                            chunk_sent_cb, stream);
  queued = msgpack_rpc_connection_get_queued_bytes (stream->connection);
  stream->max_queued = MAX (stream->max_queued, queued);
}

static void
assert_chunk (RawPeer *peer,
              gint64   expected)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GVariant) number = NULL;

  g_variant_get_child (message, 2, "v", &params);
  g_variant_get_child (params, 0, "v", &number);
  g_assert_cmpint (g_variant_get_int64 (number), ==, expected);
}

static void
test_a2_18 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  Stream stream = { NULL };
  RawPeer slow, other;

  g_test_summary ("A large result goes out in pieces, as fast as it is read, and others are served");

  enter (&ends->server, &slow, ends->address);
  stream.connection = ends_get_guest (ends);
  enter (&ends->server, &other, ends->address);
  send_chunk (&stream);
  /* Nobody reads. */
  for (int i = 0; i < 100; i++)
    assert_add (&other);
  g_assert_cmpint (stream.n_sent, <, N_CHUNKS);

  for (gint64 i = 0; i < N_CHUNKS; i++)
    assert_chunk (&slow, i);
  WAIT_UNTIL (stream.n_sent == N_CHUNKS);
  g_assert_cmpuint (stream.max_queued, <, 2 * CHUNK_SIZE);
  raw_peer_clear (&slow);
  raw_peer_clear (&other);
}

static int
be_worker (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  setlocale (LC_ALL, "");
  add_process_methods (dispatcher);
  return msgpack_rpc_worker_main (dispatcher);
}

int
main (int   argc,
      char *argv[])
{
  program = argv[0];
  if (argc > 1 && g_str_equal (argv[1], "--worker"))
    return be_worker ();

  g_test_init (&argc, &argv, NULL);

#define ADD(row, func) g_test_add ("/behaviours/" row, Ends, NULL, ends_setup, func, ends_teardown)
  ADD ("A2.1", test_a2_1);
  ADD ("A2.2", test_a2_2);
  ADD ("A2.3", test_a2_3);
  ADD ("A2.4", test_a2_4);
  ADD ("A2.5", test_a2_5);
  ADD ("A2.6", test_a2_6);
  ADD ("A2.7", test_a2_7);
  ADD ("A2.8", test_a2_8);
  ADD ("A2.9", test_a2_9);
  ADD ("A2.10", test_a2_10);
  ADD ("A2.11", test_a2_11);
  ADD ("A2.12", test_a2_12);
  ADD ("A2.13", test_a2_13);
  ADD ("A2.14", test_a2_14);
  ADD ("A2.15", test_a2_15);
  g_test_add_func ("/behaviours/A2.16", test_a2_16);
  ADD ("A2.17", test_a2_17);
  ADD ("A2.18", test_a2_18);
#undef ADD

  return g_test_run ();
}
