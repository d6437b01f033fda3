/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-util.h"

#define N_ROUNDS 500

/* A watch of one end of a pair of sockets, and what it was told. */
typedef struct
{
  int fds[2];
  MsgpackRpcWatch *watch;
  MsgpackRpcWatchEvents told; /* all that was told */
  int n_told;                 /* atomic */
  int n_destroyed;            /* atomic */
  GThread *thread;            /* of the last call */
  gboolean result;
  gboolean removes;
  gboolean keeps_input;
} Fixture;

static gboolean
ready_cb (int                   fd,
          MsgpackRpcWatchEvents events,
          gpointer              user_data)
{
  Fixture *f = user_data;
  char buffer[16];

  g_assert_cmpint (fd, ==, f->fds[0]);
  f->told |= events;
  f->thread = g_thread_self ();
  if (events & MSGPACK_RPC_WATCH_EVENTS_READ && !f->keeps_input)
    g_assert_cmpint (read (fd, buffer, sizeof buffer), >=, 0);
  if (f->removes)
    {
      g_assert_true (msgpack_rpc_watch_remove (f->watch));
      g_assert_cmpint (g_atomic_int_get (&f->n_destroyed), ==, 0);
    }
  g_atomic_int_inc (&f->n_told);
  return f->result;
}

static void
destroy_cb (gpointer user_data)
{
  Fixture *f = user_data;

  g_atomic_int_inc (&f->n_destroyed);
}

static void
add (Fixture               *f,
     GMainContext          *context,
     MsgpackRpcWatchEvents  events)
{
  f->watch = msgpack_rpc_watch_add (context, f->fds[0], events, ready_cb, f, destroy_cb);
}

static void
set_up (Fixture       *f,
        gconstpointer  data G_GNUC_UNUSED)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fds), ==, 0);
  f->result = G_SOURCE_CONTINUE;
}

static void
tear_down (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  if (f->watch != NULL)
    {
      msgpack_rpc_watch_remove (f->watch);
      WAIT_UNTIL (g_atomic_int_get (&f->n_destroyed) == 1);
      g_assert_finalize_object (g_steal_pointer (&f->watch));
    }
  close (f->fds[0]);
  close (f->fds[1]);
}

static void
say (Fixture *f)
{
  g_assert_cmpint (write (f->fds[1], "x", 1), ==, 1);
}

static void
test_read (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = NULL;
  MsgpackRpcWatchEvents events;
  gboolean active;
  int fd;

  g_test_summary ("The function is told of input, later, and as often as there is some");

  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_object_get (f->watch, "fd", &fd, "events", &events, "active", &active, "main-context", &context,
                NULL);
  g_assert_cmpint (fd, ==, f->fds[0]);
  g_assert_cmpuint (events, ==, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_assert_true (active);
  g_assert_true (context == g_main_context_default ());

  test_drain ();
  g_assert_cmpint (f->n_told, ==, 0);
  say (f);
  g_assert_cmpint (f->n_told, ==, 0);
  WAIT_UNTIL (f->n_told == 1);
  test_drain ();
  g_assert_cmpint (f->n_told, ==, 1);
  say (f);
  WAIT_UNTIL (f->n_told == 2);
  g_assert_cmpuint (f->told, ==, MSGPACK_RPC_WATCH_EVENTS_READ);
}

static void
test_update (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What is watched for can be changed; NONE keeps the watch and tells nothing");

  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_NONE);
  f->keeps_input = TRUE;
  say (f);
  test_drain ();
  g_assert_cmpint (f->n_told, ==, 0);

  g_assert_true (msgpack_rpc_watch_update (f->watch, MSGPACK_RPC_WATCH_EVENTS_WRITE));
  WAIT_UNTIL (f->n_told > 0);
  g_assert_cmpuint (f->told, ==, MSGPACK_RPC_WATCH_EVENTS_WRITE);
  g_assert_cmpuint (msgpack_rpc_watch_get_events (f->watch), ==, MSGPACK_RPC_WATCH_EVENTS_WRITE);

  f->told = 0;
  g_assert_true (msgpack_rpc_watch_update (f->watch, MSGPACK_RPC_WATCH_EVENTS_READ |
                                                         MSGPACK_RPC_WATCH_EVENTS_WRITE));
  WAIT_UNTIL (f->told == (MSGPACK_RPC_WATCH_EVENTS_READ | MSGPACK_RPC_WATCH_EVENTS_WRITE));

  g_assert_true (msgpack_rpc_watch_update (f->watch, MSGPACK_RPC_WATCH_EVENTS_NONE));
  f->told = 0;
  test_drain ();
  g_assert_cmpuint (f->told, ==, 0);
  g_assert_true (msgpack_rpc_watch_is_active (f->watch));
}

static void
test_error (Fixture       *f,
            gconstpointer  data)
{
  const MsgpackRpcWatchEvents events = GPOINTER_TO_UINT (data);

  g_test_summary ("That the other end has gone is told whatever is asked for");

  f->result = G_SOURCE_REMOVE;
  close (f->fds[1]);
  f->fds[1] = -1;
  add (f, NULL, events);
  WAIT_UNTIL (f->n_told > 0);
  g_assert_cmpuint (f->told & MSGPACK_RPC_WATCH_EVENTS_ERROR, ==, MSGPACK_RPC_WATCH_EVENTS_ERROR);
  g_assert_cmpuint (f->told & ~(events | MSGPACK_RPC_WATCH_EVENTS_ERROR), ==, 0);
}

static void
test_closed (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A descriptor that was closed is an error, and can be removed as any other");

  f->result = G_SOURCE_CONTINUE;
  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_NONE);
  close (f->fds[0]);
  WAIT_UNTIL (f->n_told > 0);
  g_assert_cmpuint (f->told, ==, MSGPACK_RPC_WATCH_EVENTS_ERROR);
  g_assert_true (msgpack_rpc_watch_remove (f->watch));
  g_assert_false (msgpack_rpc_watch_remove (f->watch));
  f->fds[0] = dup (f->fds[1]);
}

static void
test_remove (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Removing ends a watch at once and lets go of its data later; again is harmless");

  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  say (f);
  g_assert_true (msgpack_rpc_watch_remove (f->watch));
  g_assert_cmpint (f->n_destroyed, ==, 0);
  g_assert_false (msgpack_rpc_watch_is_active (f->watch));
  g_assert_null (msgpack_rpc_watch_get_main_context (f->watch));
  g_assert_false (msgpack_rpc_watch_remove (f->watch));
  g_assert_false (msgpack_rpc_watch_update (f->watch, MSGPACK_RPC_WATCH_EVENTS_READ));

  WAIT_UNTIL (f->n_destroyed == 1);
  g_assert_cmpint (f->n_told, ==, 0);
}

static void
test_remove_inside (Fixture       *f,
                    gconstpointer  data)
{
  g_test_summary ("The function ends its own watch, by its result or by hand");

  f->removes = GPOINTER_TO_INT (data);
  f->result = f->removes ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  f->keeps_input = TRUE;
  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  say (f);
  WAIT_UNTIL (f->n_destroyed == 1);
  g_assert_cmpint (f->n_told, ==, 1);
  g_assert_false (msgpack_rpc_watch_is_active (f->watch));
}

static void
test_unowned (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A watch of which nobody holds a reference goes on until it ends");

  f->result = G_SOURCE_REMOVE;
  add (f, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_clear_object (&f->watch);
  say (f);
  WAIT_UNTIL (f->n_destroyed == 1);
  g_assert_cmpint (f->n_told, ==, 1);
}

static void
test_context_freed (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_test_summary ("A watch ends with its context");

  add (f, context, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_assert_true (msgpack_rpc_watch_get_main_context (f->watch) == context);
  g_clear_pointer (&context, g_main_context_unref);
  g_assert_cmpint (f->n_destroyed, ==, 1);
  g_assert_false (msgpack_rpc_watch_is_active (f->watch));
  g_assert_false (msgpack_rpc_watch_remove (f->watch));
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("test");

  g_test_summary ("Watches come, change and go in one thread, and are told in another");

  msgpack_rpc_loop_thread_start (thread);
  f->keeps_input = TRUE;
  say (f);
  for (int round = 1; round <= N_ROUNDS; round++)
    {
      int n = g_atomic_int_get (&f->n_told);

      add (f, msgpack_rpc_loop_thread_get_main_context (thread), MSGPACK_RPC_WATCH_EVENTS_NONE);
      msgpack_rpc_watch_update (f->watch, MSGPACK_RPC_WATCH_EVENTS_READ);
      if (round % 2 == 0)
        WAIT_UNTIL_WITH (g_atomic_int_get (&f->n_told) > n, g_thread_yield ());
      g_assert_true (msgpack_rpc_watch_remove (f->watch));
      WAIT_UNTIL_WITH (g_atomic_int_get (&f->n_destroyed) == round, g_thread_yield ());
      g_clear_object (&f->watch);
    }
  g_assert_true (f->thread != g_thread_self ());

  msgpack_rpc_loop_thread_quit (thread);
  g_assert_true (msgpack_rpc_loop_thread_join (thread));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) g_test_add ("/watch/" path, Fixture, data, set_up, func, tear_down)
  ADD ("read", NULL, test_read);
  ADD ("update", NULL, test_update);
  ADD ("error/none", GUINT_TO_POINTER (MSGPACK_RPC_WATCH_EVENTS_NONE), test_error);
  ADD ("error/read", GUINT_TO_POINTER (MSGPACK_RPC_WATCH_EVENTS_READ), test_error);
  ADD ("error/write", GUINT_TO_POINTER (MSGPACK_RPC_WATCH_EVENTS_WRITE), test_error);
  ADD ("closed", NULL, test_closed);
  ADD ("remove", NULL, test_remove);
  ADD ("remove-inside/result", GINT_TO_POINTER (FALSE), test_remove_inside);
  ADD ("remove-inside/by-hand", GINT_TO_POINTER (TRUE), test_remove_inside);
  ADD ("unowned", NULL, test_unowned);
  ADD ("context-freed", NULL, test_context_freed);
  ADD ("threads", NULL, test_threads);
#undef ADD

  return g_test_run ();
}
