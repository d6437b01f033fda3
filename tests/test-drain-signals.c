/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server is drained when the process is told to end. */

#include "test-server.h"

#include <signal.h>

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  g_set_object ((MsgpackRpcInvocation **) user_data, invocation);
  return TRUE;
}

static void
test_second (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("The first signal waits for what is in flight, the second does not");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, &invocation, NULL);
  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'keep', @as [])"));
  WAIT_UNTIL (invocation != NULL);
  msgpack_rpc_server_drain_on_signal_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                            G_MAXINT, NULL, test_store_result, &result);
  kill (getpid (), GPOINTER_TO_INT (data));
  g_variant_unref (raw_peer_receive (&peer));
  g_assert_null (result);
  kill (getpid (), GPOINTER_TO_INT (data));
  raw_peer_wait_closed (&peer);
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_server_drain_on_signal_finish (f->server, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  raw_peer_clear (&peer);
}

static void
kill_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  unsent = msgpack_rpc_server_drain_on_signal_finish (MSGPACK_RPC_SERVER (source), result, &error);
  g_print ("%s\n", unsent != NULL ? "drained" : error->message);
  kill (getpid (), SIGTERM);
  g_print ("survived\n");
  *(gboolean *) user_data = TRUE;
}

/* In a process of its own. */
static void
test_child (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr(GCancellable) cancellable = data != NULL ? g_cancellable_new () : NULL;
  gboolean has_ended = FALSE;

  msgpack_rpc_server_drain_on_signal_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1,
                                            cancellable, kill_cb, &has_ended);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  else
    kill (getpid (), SIGTERM);
  WAIT_UNTIL (has_ended);
}

static void
assert_ended_by_signal (const char *path,
                        const char *expected)
{
  g_test_trap_subprocess (path, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stdout (expected);
  g_test_trap_assert_stdout_unmatched ("*survived*");
}

static void
test_in_callback (Fixture       *f G_GNUC_UNUSED,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("When the server was drained, another signal ends the process, in the callback too");
  assert_ended_by_signal ("/msgpack-rpc/drain-signals/in-callback/subprocess/drained",
                          "*drained\n*");
}

static void
test_cancelled (Fixture       *f G_GNUC_UNUSED,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("So it does when nobody waits for a signal any more");
  assert_ended_by_signal ("/msgpack-rpc/drain-signals/cancelled/subprocess/cancelled",
                          "*cancelled\n*");
}

static void
test_cancelled_while_draining (Fixture       *f,
                               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("Cancelling as the server is drained ends the waiting alone, and once");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, &invocation, NULL);
  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'keep', @as [])"));
  WAIT_UNTIL (invocation != NULL);
  msgpack_rpc_server_drain_on_signal_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                            G_MAXINT, cancellable, test_store_result, &result);
  kill (getpid (), SIGTERM);
  g_variant_unref (raw_peer_receive (&peer));
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_server_drain_on_signal_finish (f->server, result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (count_connections (f), ==, 1);

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("done"));
  raw_peer_wait_closed (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
  raw_peer_clear (&peer);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, data, func) \
  g_test_add ("/msgpack-rpc/drain-signals/" name, Fixture, data, server_setup, func, server_teardown)
  ADD ("second/sigint", GINT_TO_POINTER (SIGINT), test_second);
  ADD ("second/sigterm", GINT_TO_POINTER (SIGTERM), test_second);
  ADD ("in-callback", NULL, test_in_callback);
  ADD ("in-callback/subprocess/drained", NULL, test_child);
  ADD ("cancelled", NULL, test_cancelled);
  ADD ("cancelled/subprocess/cancelled", GINT_TO_POINTER (TRUE), test_child);
  ADD ("cancelled-while-draining", NULL, test_cancelled_while_draining);

  return g_test_run ();
}
