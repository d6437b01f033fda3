/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server with one method, and a client that calls it, in one process. Each has a loop on a thread
 * of its own, as in a program whose main thread has other work. The main thread starts three calls,
 * and waits for them.
 *
 *     sample                     both
 *     sample --server ADDRESS    the server only, until its standard input ends
 *     sample --client ADDRESS    the client only
 *
 * With tcp://localhost:0 as its address, the server looks for a free port, and prints which. */

#include <locale.h>
#include <stdio.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define N_CALLS 3

/* ---- the server ---- */

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  gint64 a, b, sum;

  /* Cannot fail: calls that do not fit the signature of the method are answered before they get
   * here. What the numbers are is still up to the peer. */
  g_variant_get (params, "(xx)", &a, &b);

  if (__builtin_add_overflow (a, b, &sum))
    {
      /* FALSE makes the error the answer. */
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "The sum is too large");
      return FALSE;
    }

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (sum));
  return TRUE;
}

/* The server listens when this returns, so that a client can connect, even before @thread has
 * begun to run. */
static MsgpackRpcServer *
start_server (MsgpackRpcLoopThread  *thread,
              const char            *address,
              char                 **bound,
              GError               **error)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = NULL;
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);

  /* The context decides where handlers run: on that thread, not on this one. */
  server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                         "main-context", msgpack_rpc_loop_thread_get_main_context (thread),
                         "dispatcher", dispatcher,
                         NULL);
  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, error);
  if (addresses == NULL)
    return NULL;

  msgpack_rpc_loop_thread_start (thread);

  /* A host name may stand for several addresses; each of them will do. */
  *bound = g_strdup (addresses[0]);
  return g_steal_pointer (&server);
}

/* ---- the client ---- */

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    user_data)
{
  g_autoptr(GEnumClass) statuses = g_type_class_ref (MSGPACK_RPC_TYPE_CONNECTION_STATUS);

  g_print ("%s\n", g_enum_get_value (statuses, (int) new_status)->value_nick);
}

static void
completed_cb (MsgpackRpcCall *call,
              gpointer        user_data)
{
  GVariant *sum = msgpack_rpc_call_get_result (call);

  if (sum != NULL)
    g_print ("%" G_GINT64_FORMAT "\n", g_variant_get_int64 (sum));
  else
    g_print ("error: %s\n", msgpack_rpc_call_get_error (call)->message);
}

/* Calls add(1), add(1, 2) or add(1, 2, 3). */
static MsgpackRpcCall *
start_call (MsgpackRpcClient *client,
            gsize             n_numbers)
{
  static const gint64 numbers[N_CALLS] = { 1, 2, 3 };
  GVariant *params = g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, n_numbers,
                                                sizeof (gint64));
  MsgpackRpcCall *call = msgpack_rpc_call_new ("add", params);

  /* A result of another type makes the call fail, so that completed_cb () need not look. */
  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE_INT64);
  g_signal_connect (call, "completed", G_CALLBACK (completed_cb), NULL);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);

  return call;
}

static gboolean
join_call (MsgpackRpcCall *call)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = msgpack_rpc_call_wait (call, NULL, &error);

  /* That the server answers with an error is no failure of the client. */
  if (msgpack_rpc_call_get_delivery (call) == MSGPACK_RPC_DELIVERY_ANSWERED)
    return TRUE;

  g_printerr ("%s\n", error->message);
  return FALSE;
}

/* Disconnects, and sees to it that all that there is to say is said before the program ends. */
static void
stop_client (MsgpackRpcClient     *client,
             MsgpackRpcLoopThread *thread)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (thread);

  msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
  msgpack_rpc_loop_thread_quit (thread);
  msgpack_rpc_loop_thread_join (thread);

  /* The thread may have left something undone. Its context is free now for this one to run. */
  while (g_main_context_iteration (context, FALSE))
    continue;
}

static gboolean
run_client (const char *address)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("client");
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (thread);
  g_autoptr(MsgpackRpcClient) client = NULL;
  MsgpackRpcCall *calls[N_CALLS];
  gboolean all_answered = TRUE;

  /* What is made from here on reports in that context: the signals of the client and of the calls
   * all come on its thread, in order. None comes before that thread runs, and so none is missed. */
  g_main_context_push_thread_default (context);
  client = msgpack_rpc_client_new (address);
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed_cb), NULL);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  /* Calls need not wait for the connection: they queue until it is there, or has failed. */
  for (gsize i = 0; i < N_CALLS; i++)
    calls[i] = start_call (client, i + 1);
  g_main_context_pop_thread_default (context);

  msgpack_rpc_loop_thread_start (thread);

  for (gsize i = 0; i < N_CALLS; i++)
    {
      all_answered &= join_call (calls[i]);
      g_object_unref (calls[i]);
    }

  stop_client (client, thread);
  if (all_answered)
    g_print ("done\n");
  return all_answered;
}

/* ---- the program ---- */

/* With a client, or until standard input ends. */
static gboolean
run_server (const char *address,
            gboolean    with_client)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("server");
  g_autoptr(MsgpackRpcServer) server = NULL;
  g_autofree char *bound = NULL;
  g_autoptr(GError) error = NULL;
  gboolean succeeded = TRUE;

  server = start_server (thread, address, &bound, &error);
  if (server == NULL)
    {
      g_printerr ("%s\n", error->message);
      return FALSE;
    }

  if (with_client)
    succeeded = run_client (bound);
  else
    {
      g_print ("%s\n", bound);
      while (getchar () != EOF)
        continue;
    }

  /* Nothing runs in the context any more when the server goes. */
  msgpack_rpc_loop_thread_quit (thread);
  msgpack_rpc_loop_thread_join (thread);
  return succeeded;
}

int
main (int    argc,
      char **argv)
{
  gboolean succeeded;

  /* For error messages in the language, and the character set, of whoever reads them. */
  setlocale (LC_ALL, "");

  if (argc == 1)
    succeeded = run_server ("tcp://localhost:0", TRUE);
  else if (argc == 3 && g_str_equal (argv[1], "--server"))
    succeeded = run_server (argv[2], FALSE);
  else if (argc == 3 && g_str_equal (argv[1], "--client"))
    succeeded = run_client (argv[2]);
  else
    {
      g_printerr ("Usage: %s [--server ADDRESS | --client ADDRESS]\n", argv[0]);
      return 2;
    }

  return succeeded ? 0 : 1;
}
