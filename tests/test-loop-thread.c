/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-util.h"

#define N_ROUNDS 200

static MsgpackRpcLoopThread *
loop_thread_new_started (void)
{
  MsgpackRpcLoopThread *thread = msgpack_rpc_loop_thread_new ("test");

  msgpack_rpc_loop_thread_start (thread);
  return thread;
}

static void
invoke (MsgpackRpcLoopThread *thread,
        GSourceFunc           func,
        gpointer              data)
{
  g_autoptr(GSource) source = g_idle_source_new ();

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, msgpack_rpc_loop_thread_get_main_context (thread));
}

/* Tells when a thread has ended. */
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

typedef struct
{
  MsgpackRpcLoopThread *thread;
  GThread *ran_in;
  GMainContext *context;
  int n_runs; /* atomic */
  gboolean joined;
} Probe;

static gboolean
look_cb (gpointer data)
{
  Probe *probe = data;

  probe->ran_in = g_thread_self ();
  probe->context = g_main_context_get_thread_default ();
  g_atomic_int_inc (&probe->n_runs);
  return G_SOURCE_REMOVE;
}

static gboolean
quit_cb (gpointer data)
{
  Probe *probe = data;

  probe->joined = msgpack_rpc_loop_thread_join (probe->thread);
  msgpack_rpc_loop_thread_quit (probe->thread);
  g_atomic_int_inc (&probe->n_runs);
  return G_SOURCE_REMOVE;
}

static gboolean
unref_cb (gpointer data)
{
  Probe *probe = data;

  g_object_unref (probe->thread);
  g_atomic_int_inc (&probe->n_runs);
  return G_SOURCE_REMOVE;
}

static void
test_run (void)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("rpc");
  g_autoptr(GMainContext) context = NULL;
  g_autofree char *name = NULL;
  Probe probe = { NULL };

  g_test_summary ("The context is there before the start, and is run by another thread after it");

  g_object_get (thread, "main-context", &context, "name", &name, NULL);
  g_assert_true (context == msgpack_rpc_loop_thread_get_main_context (thread));
  g_assert_true (context != g_main_context_default ());
  g_assert_cmpstr (name, ==, "rpc");
  g_assert_cmpstr (msgpack_rpc_loop_thread_get_name (thread), ==, "rpc");
  g_assert_false (msgpack_rpc_loop_thread_is_running (thread));

  invoke (thread, look_cb, &probe);
  msgpack_rpc_loop_thread_start (thread);
  msgpack_rpc_loop_thread_start (thread);
  g_assert_true (msgpack_rpc_loop_thread_is_running (thread));
  WAIT_UNTIL (g_atomic_int_get (&probe.n_runs) == 1);
  g_assert_true (probe.ran_in != g_thread_self ());
  g_assert_true (probe.context == context);

  msgpack_rpc_loop_thread_quit (thread);
  msgpack_rpc_loop_thread_quit (thread);
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  g_assert_false (msgpack_rpc_loop_thread_is_running (thread));

  msgpack_rpc_loop_thread_start (thread);
  g_assert_false (msgpack_rpc_loop_thread_is_running (thread));
  g_assert_finalize_object (g_steal_pointer (&thread));
}

static void
test_quit_by_itself (void)
{
  Probe probe = { loop_thread_new_started () };

  g_test_summary ("The thread can quit, and cannot join, itself");

  probe.joined = TRUE;
  invoke (probe.thread, quit_cb, &probe);
  g_assert_true (msgpack_rpc_loop_thread_join (probe.thread));
  g_assert_cmpint (g_atomic_int_get (&probe.n_runs), ==, 1);
  g_assert_false (probe.joined);
  g_assert_finalize_object (probe.thread);
}

static void
test_quit_before_start (void)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new (NULL);

  g_test_summary ("A thread that is told to quit first never runs");

  g_assert_null (msgpack_rpc_loop_thread_get_name (thread));
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  msgpack_rpc_loop_thread_quit (thread);
  msgpack_rpc_loop_thread_start (thread);
  g_assert_false (msgpack_rpc_loop_thread_is_running (thread));
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  g_assert_finalize_object (g_steal_pointer (&thread));
}

static void
test_not_started (void)
{
  g_test_summary ("A thread that was never started leaves nothing");

  g_assert_finalize_object (msgpack_rpc_loop_thread_new ("unused"));
}

static void
test_quit_at_once (void)
{
  g_test_summary ("Quitting is never lost, however early it comes");

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr(MsgpackRpcLoopThread) thread = loop_thread_new_started ();

      msgpack_rpc_loop_thread_quit (thread);
      g_assert_true (msgpack_rpc_loop_thread_join (thread));
    }
}

static gpointer
start_thread (gpointer data)
{
  msgpack_rpc_loop_thread_start (data);
  return NULL;
}

static gpointer
join_thread (gpointer data)
{
  return GINT_TO_POINTER (msgpack_rpc_loop_thread_join (data));
}

static void
test_races (void)
{
  g_test_summary ("Threads may start, quit and join at the same time");

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("race");
      GThread *starter = g_thread_new ("start", start_thread, thread);
      GThread *joiners[2];

      for (guint j = 0; j < G_N_ELEMENTS (joiners); j++)
        joiners[j] = g_thread_new ("join", join_thread, thread);
      msgpack_rpc_loop_thread_quit (thread);
      for (guint j = 0; j < G_N_ELEMENTS (joiners); j++)
        g_assert_true (GPOINTER_TO_INT (g_thread_join (joiners[j])));
      g_thread_join (starter);
      g_assert_true (msgpack_rpc_loop_thread_join (thread));
      g_assert_false (msgpack_rpc_loop_thread_is_running (thread));
      g_assert_finalize_object (g_steal_pointer (&thread));
    }
}

static void
test_last_unref (void)
{
  MsgpackRpcLoopThread *thread = loop_thread_new_started ();
  Probe probe = { NULL };
  int n_ended = 0;

  g_test_summary ("Dropping the last reference ends the thread before it returns");

  invoke (thread, watch_end_cb, &n_ended);
  invoke (thread, look_cb, &probe);
  WAIT_UNTIL (g_atomic_int_get (&probe.n_runs) == 1);
  g_assert_finalize_object (thread);
  g_assert_cmpint (g_atomic_int_get (&n_ended), ==, 1);
}

static void
test_last_unref_by_itself (void)
{
  Probe probe = { loop_thread_new_started () };
  int n_ended = 0;

  g_test_summary ("The thread may drop the last reference, and ends by itself");

  invoke (probe.thread, watch_end_cb, &n_ended);
  invoke (probe.thread, unref_cb, &probe);
  WAIT_UNTIL (g_atomic_int_get (&n_ended) == 1);
  g_assert_cmpint (g_atomic_int_get (&probe.n_runs), ==, 1);
}

static void
test_left_over (void)
{
  g_autoptr(MsgpackRpcLoopThread) thread = loop_thread_new_started ();
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (thread);
  Probe probe = { NULL };

  g_test_summary ("What is left in the context can be run after the end");

  msgpack_rpc_loop_thread_quit (thread);
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  invoke (thread, look_cb, &probe);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpint (probe.n_runs, ==, 1);
  g_assert_true (probe.ran_in == g_thread_self ());
}

typedef struct
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcServer *server;
  MsgpackRpcClient *client;
} Household;

static void
household_init (Household *house)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GVariant) sum = NULL;
  g_autoptr(GError) error = NULL;
  GMainContext *context;

  house->thread = loop_thread_new_started ();
  context = msgpack_rpc_loop_thread_get_main_context (house->thread);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  house->server = g_object_new (MSGPACK_RPC_TYPE_SERVER, "main-context", context, "dispatcher",
                                dispatcher, NULL);
  addresses = msgpack_rpc_server_listen_sync (house->server, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  house->client = g_object_new (MSGPACK_RPC_TYPE_CLIENT, "main-context", context, "address",
                                addresses[0], NULL);
  g_assert_true (msgpack_rpc_client_open_sync (house->client, NULL, &error));
  sum = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (house->client), "add",
                                    g_variant_new ("(xx)", G_GINT64_CONSTANT (1),
                                                   G_GINT64_CONSTANT (2)), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (sum), ==, 3);
}

/* What nobody has run any more holds references. */
static void
household_clear (Household *house)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (house->thread);

  g_object_add_weak_pointer (G_OBJECT (house->client), (gpointer *) &house->client);
  g_object_unref (house->client);
  g_object_unref (house->server);
  WAIT_UNTIL_WITH (house->client == NULL, g_main_context_iteration (context, FALSE));
  g_assert_finalize_object (house->thread);
}

static void
test_shut_down (void)
{
  Household house = { NULL };
  MsgpackRpcConnectionStatus status;

  g_test_summary ("What lives in the context is closed before the thread ends");

  household_init (&house);
  msgpack_rpc_loop_thread_shut_down (house.thread, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  msgpack_rpc_loop_thread_shut_down (house.thread, MSGPACK_RPC_CLOSE_MODE_NOW);
  g_assert_true (msgpack_rpc_loop_thread_join (house.thread));

  g_object_get (house.client, "status", &status, NULL);
  g_assert_cmpint (status, ==, MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_server_get_connections (house.server)),
                    ==, 0);
  g_assert_false (g_socket_service_is_active (G_SOCKET_SERVICE (house.server)));
  household_clear (&house);
}

static void
test_shut_down_queue (void)
{
  MsgpackRpcLoopThread *thread = msgpack_rpc_loop_thread_new (NULL);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  GVariant *message;
  RawPeer peer;
  guint n_received = 0;

  g_test_summary ("What was queued is sent before the thread ends, if the mode says so");

  stream = raw_peer_init (&peer);
  connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION, "io-stream", stream, "main-context",
                             msgpack_rpc_loop_thread_get_main_context (thread), NULL);
  for (int i = 0; i < 100; i++)
    msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "x", NULL, &error);
  g_assert_no_error (error);
  msgpack_rpc_loop_thread_start (thread);
  msgpack_rpc_loop_thread_shut_down (thread, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);

  for (; (message = raw_peer_receive_or_end (&peer)) != NULL; n_received++)
    g_variant_unref (message);
  g_assert_cmpuint (n_received, ==, 100);
  raw_peer_clear (&peer);
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
  g_clear_object (&connection);
  g_assert_finalize_object (thread);
}

static void
test_shut_down_quit (void)
{
  Household house = { NULL };
  g_autoptr(MsgpackRpcLoopThread) never = msgpack_rpc_loop_thread_new (NULL);

  g_test_summary ("Quitting ends a shutdown, and one that comes before the start quits");

  household_init (&house);
  msgpack_rpc_loop_thread_shut_down (house.thread, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  msgpack_rpc_loop_thread_quit (house.thread);
  g_assert_true (msgpack_rpc_loop_thread_join (house.thread));
  household_clear (&house);

  msgpack_rpc_loop_thread_shut_down (never, MSGPACK_RPC_CLOSE_MODE_NOW);
  msgpack_rpc_loop_thread_start (never);
  g_assert_false (msgpack_rpc_loop_thread_is_running (never));
}

static MsgpackRpcServer *
own_thread_server_new (char **address,
                       int   *n_ended)
{
  MsgpackRpcServer *server = msgpack_rpc_server_new_in_thread (NULL);
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) bound = msgpack_rpc_server_listen_sync (server, "127.0.0.1:0", NULL, &error);

  g_assert_no_error (error);
  *address = g_strdup (bound[0]);
  g_main_context_invoke (msgpack_rpc_server_get_main_context (server), watch_end_cb, n_ended);
  return server;
}

static void
test_own (void)
{
  int n_ended = 0;

  g_test_summary ("The thread of an end ends with it, whatever goes on there");

  for (guint i = 0; i < N_ROUNDS / 4; i++)
    {
      g_autofree char *address = NULL;
      MsgpackRpcServer *server = own_thread_server_new (&address, &n_ended);
      MsgpackRpcClient *client = msgpack_rpc_client_new_in_thread (address);
      g_autoptr(MsgpackRpcCall) call = NULL;

      g_main_context_invoke (msgpack_rpc_client_get_main_context (client), watch_end_cb, &n_ended);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "none", NULL);
      if (i % 2 == 0)
        g_assert_null (msgpack_rpc_call_wait (call, NULL, NULL));
      if (i % 3 == 0)
        g_thread_yield ();
      g_object_unref (server);
      /* The call holds it until it has ended. */
      g_object_unref (client);
    }
  WAIT_UNTIL (g_atomic_int_get (&n_ended) == N_ROUNDS / 2);
}

static gboolean
release_cb (gpointer data)
{
  g_object_unref (data);
  return G_SOURCE_REMOVE;
}

static void
test_own_by_itself (void)
{
  g_autofree char *address = NULL;
  int n_ended = 0;
  MsgpackRpcServer *server = own_thread_server_new (&address, &n_ended);

  g_test_summary ("The last reference may be dropped in the thread itself");

  g_main_context_invoke (msgpack_rpc_server_get_main_context (server), release_cb, server);
  WAIT_UNTIL (g_atomic_int_get (&n_ended) == 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/loop-thread/run", test_run);
  g_test_add_func ("/msgpack-rpc/loop-thread/quit-by-itself", test_quit_by_itself);
  g_test_add_func ("/msgpack-rpc/loop-thread/quit-before-start", test_quit_before_start);
  g_test_add_func ("/msgpack-rpc/loop-thread/not-started", test_not_started);
  g_test_add_func ("/msgpack-rpc/loop-thread/quit-at-once", test_quit_at_once);
  g_test_add_func ("/msgpack-rpc/loop-thread/races", test_races);
  g_test_add_func ("/msgpack-rpc/loop-thread/last-unref", test_last_unref);
  g_test_add_func ("/msgpack-rpc/loop-thread/last-unref-by-itself", test_last_unref_by_itself);
  g_test_add_func ("/msgpack-rpc/loop-thread/left-over", test_left_over);
  g_test_add_func ("/msgpack-rpc/loop-thread/own", test_own);
  g_test_add_func ("/msgpack-rpc/loop-thread/own-by-itself", test_own_by_itself);
  g_test_add_func ("/msgpack-rpc/loop-thread/shut-down", test_shut_down);
  g_test_add_func ("/msgpack-rpc/loop-thread/shut-down-queue", test_shut_down_queue);
  g_test_add_func ("/msgpack-rpc/loop-thread/shut-down-quit", test_shut_down_quit);

  return g_test_run ();
}
