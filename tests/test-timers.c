/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Timers that end with a connection or a client. */

#include "test-util.h"

typedef struct
{
  MsgpackRpcConnection *first;
  MsgpackRpcConnection *second;
} Fixture;

/* What a timer's function has to do, and what was done with it. */
typedef struct
{
  MsgpackRpcPeer *peer;   /* not owned */
  guint id;
  int n_calls;
  int ends_after;         /* 0: never */
  gboolean removes_itself;
  GObject *holds;         /* owned, nullable */
  int n_freed;
  GThread *called_in;
  GThread *freed_in;
  gboolean is_running;
  gboolean was_freed_while_running;
} Ticker;

static gboolean
tick (gpointer data)
{
  Ticker *ticker = data;

  ticker->called_in = g_thread_self ();
  ticker->n_calls++;
  if (ticker->removes_itself)
    g_assert_true (msgpack_rpc_peer_remove_timer (ticker->peer, ticker->id));
  return ticker->n_calls == ticker->ends_after ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void
tick_once (gpointer data)
{
  tick (data);
}

static void
free_cb (gpointer data)
{
  Ticker *ticker = data;

  ticker->freed_in = g_thread_self ();
  ticker->was_freed_while_running = ticker->is_running;
  g_clear_object (&ticker->holds);
  ticker->n_freed++;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_connection_new_pair (&f->first, &f->second, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->first != NULL)
    g_assert_finalize_object (f->first);
  g_assert_finalize_object (f->second);
}

static guint
add_interval (Ticker   *ticker,
              gpointer  peer,
              guint     milliseconds)
{
  ticker->peer = peer;
  ticker->id = msgpack_rpc_peer_add_interval (peer, milliseconds, tick, ticker, free_cb);
  return ticker->id;
}

static guint
add_timeout (Ticker   *ticker,
             gpointer  peer,
             guint     milliseconds)
{
  ticker->peer = peer;
  ticker->id = msgpack_rpc_peer_add_timeout (peer, milliseconds, tick_once, ticker, free_cb);
  return ticker->id;
}

static void
test_interval (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  Ticker ticker = { NULL };

  g_test_summary ("A function is called at an interval until its timer is removed");

  g_assert_cmpuint (add_interval (&ticker, f->first, 1), !=, 0);
  WAIT_UNTIL (ticker.n_calls == 5);
  g_assert_true (ticker.called_in == g_thread_self ());
  g_assert_true (msgpack_rpc_peer_remove_timer (ticker.peer, ticker.id));
  g_assert_cmpint (ticker.n_freed, ==, 0);
  WAIT_UNTIL (ticker.n_freed == 1);
  g_assert_cmpint (ticker.n_calls, ==, 5);
  g_assert_false (msgpack_rpc_peer_remove_timer (ticker.peer, ticker.id));
  g_assert_false (msgpack_rpc_peer_remove_timer (ticker.peer, 0));
}

static void
test_timeout (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Ticker first = { NULL };
  Ticker never = { NULL };
  Ticker second = { NULL };

  g_test_summary ("A function is called once after a time, unless its timer is removed before");

  add_timeout (&never, f->first, 1);
  add_timeout (&second, f->first, 2);
  add_timeout (&first, f->first, 0);
  g_assert_cmpuint (first.id, !=, second.id);
  g_assert_true (msgpack_rpc_peer_remove_timer (never.peer, never.id));
  g_assert_cmpint (first.n_calls, ==, 0);
  WAIT_UNTIL (second.n_freed == 1 && first.n_freed == 1 && never.n_freed == 1);
  g_assert_cmpint (first.n_calls, ==, 1);
  g_assert_cmpint (second.n_calls, ==, 1);
  g_assert_cmpint (never.n_calls, ==, 0);
  g_assert_false (msgpack_rpc_peer_remove_timer (first.peer, first.id));
}

static void
test_ends_itself (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  Ticker returns = { .ends_after = 3 };
  Ticker removes = { .removes_itself = TRUE };
  Ticker both = { .removes_itself = TRUE, .ends_after = 1 };

  g_test_summary ("A function may end its timer, in either way");

  add_interval (&returns, f->first, 1);
  add_interval (&removes, f->first, 1);
  add_interval (&both, f->first, 1);
  WAIT_UNTIL (returns.n_freed == 1 && removes.n_freed == 1 && both.n_freed == 1);
  g_assert_cmpint (returns.n_calls, ==, 3);
  g_assert_cmpint (removes.n_calls, ==, 1);
  g_assert_cmpint (both.n_calls, ==, 1);
  g_assert_false (msgpack_rpc_peer_remove_timer (returns.peer, returns.id));
}

static gboolean
iterate_inside (gpointer data)
{
  Ticker *ticker = data;

  ticker->is_running = TRUE;
  msgpack_rpc_peer_remove_timer (ticker->peer, ticker->id);
  test_drain ();
  g_assert_cmpint (ticker->n_freed, ==, 0);
  ticker->is_running = FALSE;
  return G_SOURCE_CONTINUE;
}

static void
test_nested (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  Ticker ticker = { .peer = MSGPACK_RPC_PEER (f->first) };

  g_test_summary ("A function keeps its data until it returns, even as it runs the context itself");

  ticker.id = msgpack_rpc_peer_add_interval (ticker.peer, 1, iterate_inside, &ticker, free_cb);
  WAIT_UNTIL (ticker.n_freed == 1);
  g_assert_false (ticker.was_freed_while_running);
}

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           const GError         *error G_GNUC_UNUSED,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              user_data)
{
  Ticker *ticker = user_data;

  /* There is none of that id any more. */
  g_assert_false (msgpack_rpc_peer_remove_timer (ticker->peer, ticker->id));
  ticker->n_calls = -1;
}

static void
test_closed (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  Ticker ticker = { NULL };
  Ticker late = { NULL };

  g_test_summary ("Timers end with their connection, and one that has ended takes none");

  add_interval (&ticker, f->first, 1);
  g_signal_connect (f->first, "closed", G_CALLBACK (closed_cb), &ticker);
  WAIT_UNTIL (ticker.n_calls > 0);
  msgpack_rpc_connection_close_async (f->second, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                      NULL);
  WAIT_UNTIL (ticker.n_freed == 1);
  g_assert_cmpint (ticker.n_calls, ==, -1);

  g_assert_cmpuint (add_interval (&late, f->first, 1), ==, 0);
  g_assert_cmpint (late.n_freed, ==, 0);
  WAIT_UNTIL (late.n_freed == 1);
  g_assert_cmpint (late.n_calls, ==, 0);
}

static gpointer
drop_in_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_dropped (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Ticker interval = { NULL };
  Ticker timeout = { NULL };

  g_test_summary ("A connection that is let go in another thread lets go of its timers in its context");

  add_interval (&interval, f->first, 1);
  add_timeout (&timeout, f->first, 60 * 60 * 1000);
  WAIT_UNTIL (interval.n_calls > 0);
  g_thread_join (g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f->first)));
  WAIT_UNTIL (interval.n_freed == 1 && timeout.n_freed == 1);
  g_assert_true (interval.freed_in == g_thread_self ());
  g_assert_true (timeout.freed_in == g_thread_self ());
  g_assert_cmpint (timeout.n_calls, ==, 0);
}

static void
test_holds (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  Ticker ticker = { .holds = G_OBJECT (g_object_ref (f->first)) };

  g_test_summary ("What holds its own connection does so until that has ended");

  add_interval (&ticker, f->first, 1);
  WAIT_UNTIL (ticker.n_calls > 0);
  msgpack_rpc_connection_close_async (f->first, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (ticker.n_freed == 1);
  g_assert_null (ticker.holds);
  test_drain ();
}

static void
test_client (Fixture       *f G_GNUC_UNUSED,
             gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcClient *client = msgpack_rpc_client_new ("unix:///nowhere");
  g_autoptr(GError) error = NULL;
  Ticker ticker = { NULL };

  g_test_summary ("A client has its timers for as long as it lives, connected or not");

  add_interval (&ticker, client, 1);
  WAIT_UNTIL (ticker.n_calls > 0);
  g_assert_false (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_nonnull (error);
  ticker.n_calls = 0;
  WAIT_UNTIL (ticker.n_calls > 1);
  g_assert_cmpint (ticker.n_freed, ==, 0);
  g_assert_finalize_object (client);
  WAIT_UNTIL (ticker.n_freed == 1);
}

/* ---- threads ---- */

#define N_THREADS 4
#define N_ROUNDS 500

typedef struct
{
  MsgpackRpcPeer *peer;
  int n_called;  /* atomic */
  int n_freed;   /* atomic */
  int n_running; /* atomic */
} Crowd;

static gboolean
crowd_tick (gpointer data)
{
  Crowd *crowd = data;

  g_atomic_int_inc (&crowd->n_called);
  return g_atomic_int_get (&crowd->n_called) % 3 != 0;
}

static void
crowd_free (gpointer data)
{
  g_atomic_int_inc (&((Crowd *) data)->n_freed);
}

static gpointer
crowd_thread (gpointer data)
{
  Crowd *crowd = data;
  guint ids[2] = { 0 };

  for (int i = 0; i < N_ROUNDS; i++)
    {
      if (ids[i % 2] != 0)
        msgpack_rpc_peer_remove_timer (crowd->peer, ids[i % 2]);
      ids[i % 2] = msgpack_rpc_peer_add_interval (crowd->peer, 1, crowd_tick, crowd, crowd_free);
    }
  g_atomic_int_add (&crowd->n_running, -1);
  return NULL;
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Crowd crowd = { .peer = MSGPACK_RPC_PEER (f->first), .n_running = N_THREADS };
  GThread *threads[N_THREADS];

  g_test_summary ("Any thread adds and removes timers, also as the connection ends");

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("timers", crowd_thread, &crowd);
  WAIT_UNTIL (g_atomic_int_get (&crowd.n_freed) > N_THREADS * N_ROUNDS / 2);
  msgpack_rpc_connection_close_async (f->first, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (g_atomic_int_get (&crowd.n_running) == 0);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  WAIT_UNTIL (g_atomic_int_get (&crowd.n_freed) == N_THREADS * N_ROUNDS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/timers/" name, Fixture, NULL, setup, func, teardown)
  ADD ("client", test_client);
  ADD ("closed", test_closed);
  ADD ("dropped", test_dropped);
  ADD ("ends-itself", test_ends_itself);
  ADD ("holds", test_holds);
  ADD ("interval", test_interval);
  ADD ("nested", test_nested);
  ADD ("threads", test_threads);
  ADD ("timeout", test_timeout);
#undef ADD

  return g_test_run ();
}
