/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-util.h"

#include <string.h>

/* What the sample does, over and over: the threads meet in another way each time. */

#define N_CALLS 3

typedef struct
{
  MsgpackRpcLoopThread *server_thread;
  MsgpackRpcServer *server;
  char *address;

  MsgpackRpcLoopThread *client_thread;
  GString *log; /* only used in the client's context */
} Fixture;

static guint
get_repetitions (void)
{
  return g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 20000 : 500;
}

static void
fixture_set_up (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  f->server_thread = msgpack_rpc_loop_thread_new ("server");
  f->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                            "main-context",
                            msgpack_rpc_loop_thread_get_main_context (f->server_thread),
                            "dispatcher", dispatcher,
                            NULL);
  addresses = msgpack_rpc_server_listen_sync (f->server, "tcp://localhost:0", NULL, &error);
  g_assert_no_error (error);
  /* Looking up the name brings in one more thread. */
  f->address = g_strconcat ("tcp://localhost", strrchr (addresses[0], ':'), NULL);
  msgpack_rpc_loop_thread_start (f->server_thread);
}

static void
fixture_tear_down (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_loop_thread_quit (f->server_thread);
  msgpack_rpc_loop_thread_join (f->server_thread);
  g_assert_finalize_object (g_steal_pointer (&f->server));
  g_assert_finalize_object (g_steal_pointer (&f->server_thread));
  g_free (f->address);
}

static void
begin (Fixture *f)
{
  f->log = g_string_new (NULL);
  f->client_thread = msgpack_rpc_loop_thread_new ("client");
}

/* Runs what the client's thread has left undone, and lets go of all. */
static void
finish (Fixture          *f,
        MsgpackRpcClient *client,
        const char       *expected_log)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (f->client_thread);

  msgpack_rpc_loop_thread_quit (f->client_thread);
  g_assert_true (msgpack_rpc_loop_thread_join (f->client_thread));
  while (g_main_context_iteration (context, FALSE))
    continue;

  g_assert_cmpstr (f->log->str, ==, expected_log);
  g_assert_finalize_object (client);
  g_assert_finalize_object (g_steal_pointer (&f->client_thread));
  g_string_free (f->log, TRUE);
}

static void
log_status (MsgpackRpcClient           *client G_GNUC_UNUSED,
            MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
            MsgpackRpcConnectionStatus  new_status,
            GError                     *error,
            gpointer                    user_data)
{
  Fixture *f = user_data;

  g_assert_no_error (error);
  g_string_append_printf (f->log, "%d ", (int) new_status);
}

static void
log_completed (MsgpackRpcCall *call,
               gpointer        user_data)
{
  Fixture *f = user_data;
  GVariant *sum = msgpack_rpc_call_get_result (call);

  if (sum != NULL)
    g_string_append_printf (f->log, "=%" G_GINT64_FORMAT " ", g_variant_get_int64 (sum));
  else
    g_string_append (f->log, "error ");
}

static MsgpackRpcClient *
new_client (Fixture *f)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (f->client_thread);
  MsgpackRpcClient *client = g_object_new (MSGPACK_RPC_TYPE_CLIENT,
                                           "address", f->address,
                                           "main-context", context,
                                           NULL);

  g_signal_connect (client, "status-changed", G_CALLBACK (log_status), f);
  return client;
}

static MsgpackRpcCall *
start_call (Fixture          *f,
            MsgpackRpcClient *client,
            gsize             n_numbers)
{
  static const gint64 numbers[N_CALLS] = { 1, 2, 3 };
  GVariant *params = g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, n_numbers,
                                                sizeof (gint64));
  MsgpackRpcCall *call = msgpack_rpc_call_new ("add", params);

  if (f != NULL)
    g_signal_connect (call, "completed", G_CALLBACK (log_completed), f);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
  return call;
}

static void
join_call (MsgpackRpcCall *call,
           gboolean        succeeds)
{
  g_autoptr(MsgpackRpcCall) owned = call;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = msgpack_rpc_call_wait (owned, NULL, &error);

  if (succeeds)
    {
      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int64 (sum), ==, 3);
    }
  else
    g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
}

static void
close_client (MsgpackRpcClient *client)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, &error);
  g_assert_no_error (error);
}

static void
test_sample_calls_before_the_loop (Fixture       *f,
                                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What calls report in the client's context is in order: status, replies, status");

  for (guint n = get_repetitions (); n > 0; n--)
    {
      MsgpackRpcCall *calls[N_CALLS];
      MsgpackRpcClient *client;
      GMainContext *context;

      begin (f);
      client = new_client (f);
      context = msgpack_rpc_loop_thread_get_main_context (f->client_thread);
      g_main_context_push_thread_default (context);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      for (gsize i = 0; i < N_CALLS; i++)
        calls[i] = start_call (f, client, i + 1);
      g_main_context_pop_thread_default (context);

      msgpack_rpc_loop_thread_start (f->client_thread);
      for (gsize i = 0; i < N_CALLS; i++)
        join_call (calls[i], i == 1);
      close_client (client);
      finish (f, client, "1 2 error =3 error 3 0 ");
    }
}

static void
test_sample_calls_beside_the_loop (Fixture       *f,
                                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("One thread may open, call and close while another runs the client's context");

  for (guint n = get_repetitions (); n > 0; n--)
    {
      g_autoptr(GError) error = NULL;
      MsgpackRpcCall *calls[N_CALLS];
      MsgpackRpcClient *client;

      begin (f);
      client = new_client (f);
      msgpack_rpc_loop_thread_start (f->client_thread);
      msgpack_rpc_client_open_sync (client, NULL, &error);
      g_assert_no_error (error);
      for (gsize i = 0; i < N_CALLS; i++)
        calls[i] = start_call (NULL, client, i + 1);
      for (gsize i = 0; i < N_CALLS; i++)
        join_call (calls[i], i == 1);
      close_client (client);
      finish (f, client, "1 2 3 0 ");
    }
}

static void
drop_message (const char     *domain G_GNUC_UNUSED,
              GLogLevelFlags  level G_GNUC_UNUSED,
              const char     *message G_GNUC_UNUSED,
              gpointer        user_data G_GNUC_UNUSED)
{
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* GSocketClient says much about each of thousands of connections. */
  g_log_set_handler ("GLib-GIO", G_LOG_LEVEL_DEBUG, drop_message, NULL);

#define add_test(name, func)                                                                \
  g_test_add ("/msgpack-rpc/sample/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

  add_test ("calls-before-the-loop", test_sample_calls_before_the_loop);
  add_test ("calls-beside-the-loop", test_sample_calls_beside_the_loop);

  return g_test_run ();
}
