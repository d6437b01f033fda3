/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What tornado-msgpack does with loops on threads, and those who wait for them: rows A0 of
 * docs/behaviours.md. */

#include <locale.h>

#include "test-behaviours.h"

/* A server and a client, each with a loop on a thread of its own; the tests run in a third. */
typedef struct
{
  MsgpackRpcLoopThread *server_thread;
  MsgpackRpcLoopThread *client_thread;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcServer *server;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer; /* the client */
  char *address;
  GThread *handled_in;  /* atomic: the thread of the handler that ran last */
  int gate;             /* atomic: handlers of “wait” answer when it is open */
} Loops;

static gboolean
where_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               data,
               GError               **error G_GNUC_UNUSED)
{
  Loops *loops = data;

  g_atomic_pointer_set (&loops->handled_in, g_thread_self ());
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (3));
}

static gboolean
gate_is_open_cb (gpointer data)
{
  MsgpackRpcInvocation *invocation = data;
  Loops *loops = g_object_get_data (G_OBJECT (invocation), "loops");

  if (!g_atomic_int_get (&loops->gate))
    return G_SOURCE_CONTINUE;

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (3));
  return G_SOURCE_REMOVE;
}

static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GSource) source = g_timeout_source_new (1);

  g_object_set_data (G_OBJECT (invocation), "loops", data);
  g_source_set_callback (source, gate_is_open_cb, g_object_ref (invocation), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
  return TRUE;
}

static void
loops_setup (Loops         *loops,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *bound = NULL;

  loops->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (loops->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (loops->dispatcher, "where", NULL, where_handler, loops, NULL);
  msgpack_rpc_dispatcher_add_method (loops->dispatcher, "wait", NULL, wait_handler, loops, NULL);

  loops->server_thread = msgpack_rpc_loop_thread_new ("server");
  loops->server = g_object_new (
      MSGPACK_RPC_TYPE_SERVER,
      "main-context", msgpack_rpc_loop_thread_get_main_context (loops->server_thread),
      "dispatcher", loops->dispatcher, NULL);
  loops->address = listen_on (loops->server, "tcp://127.0.0.1:0");
  msgpack_rpc_loop_thread_start (loops->server_thread);

  loops->client_thread = msgpack_rpc_loop_thread_new ("client");
  loops->client = g_object_new (
      MSGPACK_RPC_TYPE_CLIENT,
      "main-context", msgpack_rpc_loop_thread_get_main_context (loops->client_thread),
      "address", loops->address, NULL);
  loops->peer = MSGPACK_RPC_PEER (loops->client);
}

/* The client's loop first, then the server's. */
static void
loops_stop (Loops *loops)
{
  MsgpackRpcLoopThread *threads[] = { loops->client_thread, loops->server_thread };

  msgpack_rpc_loop_thread_start (loops->client_thread);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      msgpack_rpc_loop_thread_shut_down (threads[i], MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
      g_assert_true (msgpack_rpc_loop_thread_join (threads[i]));
    }
}

static void
loops_teardown (Loops         *loops,
                gconstpointer  data G_GNUC_UNUSED)
{
  loops_stop (loops);
  g_object_unref (loops->client);
  g_object_unref (loops->server);
  test_drain ();
  g_assert_finalize_object (loops->client_thread);
  g_assert_finalize_object (loops->server_thread);
  g_assert_finalize_object (loops->dispatcher);
  g_free (loops->address);
}

static void
loops_open (Loops *loops)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_loop_thread_start (loops->client_thread);
  msgpack_rpc_client_open_sync (loops->client, NULL, &error);
  g_assert_no_error (error);
}

static gint64
join (MsgpackRpcCall *call)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_call_wait (call, NULL, &error);

  g_assert_no_error (error);
  return g_variant_get_int64 (value);
}

static void
assert_sum (MsgpackRpcPeer *peer)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_sync (peer, "add", g_variant_new ("(ii)", 1, 2),
                                                          NULL, &error);

  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static gboolean
count_cb (gpointer data)
{
  g_atomic_int_inc ((int *) data);
  return G_SOURCE_REMOVE;
}

static gboolean
runs (MsgpackRpcLoopThread *thread)
{
  int n = 0;

  g_main_context_invoke (msgpack_rpc_loop_thread_get_main_context (thread), count_cb, &n);
  WAIT_UNTIL (g_atomic_int_get (&n) == 1);
  return msgpack_rpc_loop_thread_is_running (thread);
}

/* ---- loops ---- */

static void
test_a0_4 (Loops         *loops,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcLoopThread) idle = msgpack_rpc_loop_thread_new ("idle");

  g_test_summary ("A loop runs on a thread, and stays running when there is nothing to do");

  msgpack_rpc_loop_thread_start (idle);
  g_assert_true (runs (idle));

  loops_open (loops);
  assert_sum (loops->peer);
  msgpack_rpc_client_close_sync (loops->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
  WAIT_UNTIL (g_list_model_get_n_items (msgpack_rpc_server_get_connections (loops->server)) == 0);
  g_assert_true (runs (loops->client_thread));
  g_assert_true (runs (loops->server_thread));
  loops_open (loops);
  assert_sum (loops->peer);
}

static gboolean
get_thread_cb (gpointer data)
{
  g_atomic_pointer_set ((GThread **) data, g_thread_self ());
  return G_SOURCE_REMOVE;
}

static GThread *
get_thread (MsgpackRpcLoopThread *thread)
{
  GThread *where = NULL;

  g_main_context_invoke (msgpack_rpc_loop_thread_get_main_context (thread), get_thread_cb, &where);
  WAIT_UNTIL (g_atomic_pointer_get (&where) != NULL);
  return where;
}

static void
test_a0_22 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;

  g_test_summary ("The server's loop has a thread of its own, where handlers run");

  loops_open (loops);
  value = msgpack_rpc_peer_call_sync (loops->peer, "where", NULL, NULL, NULL);
  g_assert_nonnull (value);
  g_assert_true (loops->handled_in == get_thread (loops->server_thread));
  g_assert_true (loops->handled_in != g_thread_self ());
}

static void
reply_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
          MsgpackRpcCall   *call G_GNUC_UNUSED,
          gpointer          data)
{
  g_atomic_pointer_set ((GThread **) data, g_thread_self ());
}

static void
test_a0_27 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  GThread *told_in = NULL;

  g_test_summary ("Calls come from this thread, while the client's loop runs in another");

  g_signal_connect (loops->client, "reply::add", G_CALLBACK (reply_cb), &told_in);
  loops_open (loops);
  assert_sum (loops->peer);
  WAIT_UNTIL (g_atomic_pointer_get (&told_in) != NULL);
  g_assert_true (told_in == get_thread (loops->client_thread));
  g_assert_true (told_in != g_thread_self ());
}

static void
test_a0_38 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("Loops are stopped from outside, the client's first, and nothing is left hanging");

  loops_open (loops);
  assert_sum (loops->peer);
  call = msgpack_rpc_peer_start_call (loops->peer, "wait", NULL);
  loops_stop (loops);
  g_assert_false (msgpack_rpc_loop_thread_is_running (loops->client_thread));
  g_assert_false (msgpack_rpc_loop_thread_is_running (loops->server_thread));
  g_assert_true (call_has_ended (call));
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_client_get_status (loops->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  assert_refused (loops->address);
}

static void
test_a0_39 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Two loops of one process talk, and need no default context for it");

  loops_open (loops);
  for (guint i = 0; i < 100; i++)
    assert_sum (loops->peer);
  g_assert_true (get_thread (loops->client_thread) != get_thread (loops->server_thread));
  g_assert_false (g_main_context_pending (NULL));
}

/* In its own thread, which ends with its owner. */
static void
thread_ended (gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

static GPrivate ended_key = G_PRIVATE_INIT (thread_ended);

static gboolean
watch_end_cb (gpointer data)
{
  g_private_set (&ended_key, data);
  return G_SOURCE_REMOVE;
}

static void
test_a0_40 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  int n_ended = 0;

  g_test_summary ("One call makes a server, or a client, on a thread, which ends when it goes");

  {
    g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new_in_thread (loops->dispatcher);
    g_autofree char *address = listen_on (server, "tcp://127.0.0.1:0");
    g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_in_thread (address);

    msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
    assert_sum (MSGPACK_RPC_PEER (client));
    g_main_context_invoke (msgpack_rpc_server_get_main_context (server), watch_end_cb, &n_ended);
    g_main_context_invoke (msgpack_rpc_client_get_main_context (client), watch_end_cb, &n_ended);
    g_assert_cmpint (g_atomic_int_get (&n_ended), ==, 0);
  }
  WAIT_UNTIL (g_atomic_int_get (&n_ended) == 2);
}

/* ---- calls, and who waits for them ---- */

static void
test_a0_8 (Loops         *loops,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_test_summary ("The callback of a call is there before its request leaves: no reply misses it");

  loops_open (loops);
  connection = msgpack_rpc_client_get_connection (loops->client);
  for (guint i = 0; i < 500; i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      /* The reply may be read in the other thread before this returns. */
      msgpack_rpc_peer_call_async (loops->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                                   test_store_result, &result);
      if (i % 2 == 0)
        g_thread_yield ();
      g_assert_null (result);
      WAIT_UNTIL (result != NULL);
      value = msgpack_rpc_peer_call_finish (loops->peer, result, &error);
      g_assert_no_error (error);
    }
  g_assert_cmpuint (test_get_statistic (connection, "unknown-replies"), ==, 0);
  g_assert_cmpuint (test_get_statistic (connection, "late-replies"), ==, 0);
}

static void
test_a0_29 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcCall) cancelled = NULL;

  g_test_summary ("A call is an object: with its method, id, state, result, and a way to end it");

  loops_open (loops);
  call = msgpack_rpc_peer_start_call (loops->peer, "wait", NULL);
  g_assert_true (G_IS_ASYNC_RESULT (call));
  g_assert_cmpstr (msgpack_rpc_call_get_method (call), ==, "wait");
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  cancelled = msgpack_rpc_peer_start_call (loops->peer, "wait", NULL);
  msgpack_rpc_call_cancel (cancelled);
  g_assert_cmpint (msgpack_rpc_call_get_state (cancelled), ==, MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (cancelled), G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);

  g_atomic_int_set (&loops->gate, 1);
  g_assert_cmpint (join (call), ==, 3);
  g_assert_cmpuint (msgpack_rpc_call_get_msgid (call), ==, 1);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  test_assert_value (msgpack_rpc_call_get_result (call), "3");
}

static gpointer
open_gate (gpointer data)
{
  Loops *loops = data;

  /* Once somebody waits. */
  WAIT_UNTIL_WITH (test_threads_sleep ("joiner", 1), g_thread_yield ());
  g_atomic_int_set (&loops->gate, 1);
  return NULL;
}

static gpointer
join_thread (gpointer data)
{
  return GINT_TO_POINTER ((int) join (data));
}

/* Waits on the very loop that would have to bring the reply. */
static gboolean
join_on_loop_cb (gpointer data)
{
  MsgpackRpcPeer *peer = g_object_get_data (data, "peer");
  g_autoptr(MsgpackRpcCall) call = NULL;

  call = msgpack_rpc_peer_start_call (peer, "add", g_variant_new ("(ii)", 1, 2));
  g_assert_cmpint (join (call), ==, 3);
  g_object_set_data (data, "done", data);
  return G_SOURCE_REMOVE;
}

static void
test_a0_30 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GObject) box = g_object_new (G_TYPE_OBJECT, NULL);
  GThread *joiner;
  GThread *opener;

  g_test_summary ("Joining blocks the thread until the reply has come, also on the loop's own");

  loops_open (loops);
  call = msgpack_rpc_peer_start_call (loops->peer, "wait", NULL);
  joiner = g_thread_new ("joiner", join_thread, call);
  opener = g_thread_new ("opener", open_gate, loops);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (joiner)), ==, 3);
  g_assert_true (g_atomic_int_get (&loops->gate));
  g_thread_join (opener);

  g_object_set_data (box, "peer", loops->peer);
  g_main_context_invoke (msgpack_rpc_loop_thread_get_main_context (loops->client_thread),
                         join_on_loop_cb, box);
  WAIT_UNTIL (g_object_get_data (box, "done") != NULL);
}

typedef struct
{
  GThread *thread; /* atomic */
  gboolean had_result;
} Ended;

static void
ended_cb (MsgpackRpcCall *call,
          gpointer        data)
{
  Ended *ended = data;

  ended->had_result = msgpack_rpc_call_get_result (call) != NULL;
  g_atomic_pointer_set (&ended->thread, g_thread_self ());
}

static void
test_a0_31 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (loops->client_thread);
  g_autoptr(MsgpackRpcCall) call = NULL;
  Ended ended = { NULL };

  g_test_summary ("The callback runs on the loop's thread, and another thread joins the same call");

  g_main_context_push_thread_default (context);
  call = msgpack_rpc_call_new ("add", g_variant_new ("(ii)", 1, 2));
  g_signal_connect (call, "completed", G_CALLBACK (ended_cb), &ended);
  msgpack_rpc_client_open_async (loops->client, NULL, NULL, NULL);
  msgpack_rpc_peer_send_call (loops->peer, call);
  g_main_context_pop_thread_default (context);
  msgpack_rpc_loop_thread_start (loops->client_thread);

  g_assert_cmpint (join (call), ==, 3);
  test_assert_value (msgpack_rpc_call_get_result (call), "3");
  WAIT_UNTIL (g_atomic_pointer_get (&ended.thread) != NULL);
  g_assert_true (ended.thread == get_thread (loops->client_thread));
  g_assert_true (ended.had_result);
}

static void
test_a0_41 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) good = NULL;
  g_autoptr(GVariant) bad = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call that blocks returns the result, or fails with the text of the peer");

  loops_open (loops);
  good = msgpack_rpc_peer_call_sync (loops->peer, "add", g_variant_new ("(ii)", 1, 2), NULL, &error);
  g_assert_no_error (error);
  test_assert_value (good, "3");
  bad = msgpack_rpc_peer_call_sync (loops->peer, "add", g_variant_new ("(i)", 1), NULL, &error);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "add() takes 2 arguments (1 given)");
  g_assert_null (bad);
}

static void
test_a0_52 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  GListModel *calls;

  g_test_summary ("Calls that were answered are forgotten: nothing grows with them");

  loops_open (loops);
  connection = msgpack_rpc_client_get_connection (loops->client);
  /* From here on, it is told of them. */
  calls = msgpack_rpc_client_get_calls (loops->client);
  for (guint i = 0; i < 200; i++)
    {
      MsgpackRpcCall *call = msgpack_rpc_peer_start_call (loops->peer, "add",
                                                          g_variant_new ("(ii)", 1, 2));

      g_object_add_weak_pointer (G_OBJECT (call), (gpointer *) &call);
      g_assert_cmpint (join (call), ==, 3);
      g_object_unref (call);
      WAIT_UNTIL (call == NULL);
    }
  g_assert_false (msgpack_rpc_client_get_busy (loops->client));
  WAIT_UNTIL (g_list_model_get_n_items (calls) == 0);
}

#define N_JOINERS 4

static gpointer
join_lost (gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_call_wait (data, NULL, &error);

  g_assert_null (value);
  return g_steal_pointer (&error);
}

static void
test_a0_53 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) guest = NULL;
  MsgpackRpcCall *calls[N_JOINERS];
  GThread *joiners[N_JOINERS];

  g_test_summary ("When the connection is lost, all who wait for replies hear so");

  loops_open (loops);
  for (guint i = 0; i < N_JOINERS; i++)
    {
      calls[i] = msgpack_rpc_peer_start_call (loops->peer, "wait", NULL);
      joiners[i] = g_thread_new ("joiner", join_lost, calls[i]);
    }
  WAIT_UNTIL (test_threads_sleep ("joiner", N_JOINERS) &&
              g_list_model_get_n_items (msgpack_rpc_server_get_connections (loops->server)) == 1);
  guest = g_list_model_get_item (msgpack_rpc_server_get_connections (loops->server), 0);
  msgpack_rpc_connection_close_async (guest, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  for (guint i = 0; i < N_JOINERS; i++)
    {
      g_autoptr(GError) error = g_thread_join (joiners[i]);

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_object_unref (calls[i]);
    }
  g_atomic_int_set (&loops->gate, 1);
}

#define N_CALLERS 8
#define N_CALLS 250

static gpointer
call_many (gpointer data)
{
  Loops *loops = data;
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (loops->peer, "add",
                                                                    g_variant_new ("(ii)", 1, 2));
      guint id;

      g_assert_cmpint (join (call), ==, 3);
      id = msgpack_rpc_call_get_msgid (call);
      g_array_append_val (ids, id);
    }
  return ids;
}

static void
test_a0_55 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GHashTable) seen = g_hash_table_new (NULL, NULL);
  GThread *callers[N_CALLERS];

  g_test_summary ("Threads that call at the same time get ids of their own, without a gap");

  loops_open (loops);
  for (guint i = 0; i < N_CALLERS; i++)
    callers[i] = g_thread_new ("caller", call_many, loops);
  for (guint i = 0; i < N_CALLERS; i++)
    {
      g_autoptr(GArray) ids = g_thread_join (callers[i]);

      for (guint j = 0; j < ids->len; j++)
        g_assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (g_array_index (ids, guint, j))));
    }
  for (guint id = 1; id <= N_CALLERS * N_CALLS; id++)
    g_assert_true (g_hash_table_contains (seen, GUINT_TO_POINTER (id)));
}

static void
test_a0_61 (Loops         *loops,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("What a call came to is still there after it was joined, as often as one asks");

  loops_open (loops);
  call = msgpack_rpc_peer_start_call (loops->peer, "add", g_variant_new ("(ii)", 1, 2));
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (join (call), ==, 3);
      test_assert_value (msgpack_rpc_call_get_result (call), "3");
      test_assert_value (msgpack_rpc_call_get_message (call), "(1, 1, @mv nothing, 3)");
    }
}

/* ---- what is logged ---- */

static void
call_once (Loops         *loops,
           gconstpointer  data G_GNUC_UNUSED)
{
  loops_open (loops);
  assert_sum (loops->peer);
}

/* Runs call_once() in a process of its own, where @word is logged. */
static void
log_one_call (const char *word)
{
  g_setenv ("MSGPACK_RPC_DEBUG", word, TRUE);
  g_test_trap_subprocess ("/behaviours/call-once/subprocess", 0, 0);
  g_unsetenv ("MSGPACK_RPC_DEBUG");
  g_test_trap_assert_passed ();
}

static void
test_a0_37 (Loops         *loops G_GNUC_UNUSED,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Lines of the log carry thread, direction, and count of bytes");

  log_one_call ("io");
  g_test_trap_assert_stderr ("*wrote 10 bytes, messages done: 1, thread *");
  g_test_trap_assert_stderr ("*read 10 bytes, thread server\n*");
  g_test_trap_assert_stderr ("*wrote 5 bytes, messages done: 1, thread server\n*");
  g_test_trap_assert_stderr ("*read 5 bytes, thread *");
}

static void
test_a0_62 (Loops         *loops G_GNUC_UNUSED,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Every message is logged, decoded, if that is asked for");

  log_one_call ("messages");
  g_test_trap_assert_stderr ("*→ [<int64 0>, <int64 1>, <'add'>, <[<int64 1>, <int64 2>]>]*");
  g_test_trap_assert_stderr ("*← [<int64 0>, <int64 1>, <'add'>, <[<int64 1>, <int64 2>]>]*");
  g_test_trap_assert_stderr ("*→ [<int64 1>, <int64 1>, <@mv nothing>, <int64 3>]*");
  g_test_trap_assert_stderr ("*← [<int64 1>, <int64 1>, <@mv nothing>, <int64 3>]*");
}

int
main (int    argc,
      char **argv)
{
  /* The log has arrows. */
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(row, func) \
  g_test_add ("/behaviours/" row, Loops, NULL, loops_setup, func, loops_teardown)
  ADD ("A0.4", test_a0_4);
  ADD ("A0.8", test_a0_8);
  ADD ("A0.22", test_a0_22);
  ADD ("A0.27", test_a0_27);
  ADD ("A0.29", test_a0_29);
  ADD ("A0.30", test_a0_30);
  ADD ("A0.31", test_a0_31);
  ADD ("A0.37", test_a0_37);
  ADD ("A0.38", test_a0_38);
  ADD ("A0.39", test_a0_39);
  ADD ("A0.40", test_a0_40);
  ADD ("A0.41", test_a0_41);
  ADD ("A0.52", test_a0_52);
  ADD ("A0.53", test_a0_53);
  ADD ("A0.55", test_a0_55);
  ADD ("A0.61", test_a0_61);
  ADD ("A0.62", test_a0_62);
  ADD ("call-once/subprocess", call_once);

  return g_test_run ();
}
