/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that is restarted again and again, while a client calls it from three threads. */

#include "test-util.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#define N_RESTARTS 50
#define N_CALLERS 2
/* Calls in flight, of the thread that runs the client's context. */
#define N_IN_FLIGHT 20
/* Calls that must have been answered before the next restart. */
#define N_ANSWERS 30

typedef struct
{
  MsgpackRpcLoopThread *thread;  /* the server's */
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcServer *server;
  char *folder;
  char *address;
  MsgpackRpcClient *client;
  MsgpackRpcReconnectPolicy *policy;

  GMutex lock;                   /* guards the next */
  GHashTable *seen;              /* number → how often it was handled */

  int last_number;               /* atomic; each call has its own */
  int n_answers;                 /* atomic */
  int done;                      /* atomic */
  guint n_started;               /* by the loop */
  guint n_ended;
  guint n_lost;                  /* sent, and not answered */
  guint n_connected;
} Fixture;

static gboolean
count_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  Fixture *f = user_data;
  gint64 number;

  g_variant_get (params, "(x)", &number);
  g_mutex_lock (&f->lock);
  g_hash_table_insert (f->seen, GINT_TO_POINTER (number),
                       GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (
                         f->seen, GINT_TO_POINTER (number))) + 1));
  g_mutex_unlock (&f->lock);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (number));
}

static int
times_handled (Fixture *f,
               int      number)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&f->lock);

  return GPOINTER_TO_INT (g_hash_table_lookup (f->seen, GINT_TO_POINTER (number)));
}

static void
start_server (Fixture *f)
{
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  f->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                            "main-context", msgpack_rpc_loop_thread_get_main_context (f->thread),
                            NULL);
  msgpack_rpc_server_set_dispatcher (f->server, f->dispatcher);
  addresses = msgpack_rpc_server_listen_sync (f->server, f->address, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
stop_server (gpointer data)
{
  Fixture *f = data;
  GListModel *connections = msgpack_rpc_server_get_connections (f->server);

  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  g_socket_listener_close (G_SOCKET_LISTENER (f->server));
  while (g_list_model_get_n_items (connections) > 0)
    {
      g_autoptr(MsgpackRpcConnection) connection = g_list_model_get_item (connections, 0);

      msgpack_rpc_connection_close_sync (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
      g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (f->thread), FALSE);
    }
  g_clear_object (&f->server);
  return G_SOURCE_REMOVE;
}

/* Every other one may be repeated. */
static MsgpackRpcCall *
new_call (Fixture *f,
          int     *number)
{
  MsgpackRpcCall *call;

  *number = g_atomic_int_add (&f->last_number, 1) + 1;
  call = msgpack_rpc_call_new ("count", g_variant_new ("(x)", (gint64) *number));
  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  msgpack_rpc_call_set_idempotent (call, *number % 2 == 0);
  msgpack_rpc_call_set_timeout (call, G_MAXINT);
  return call;
}

/* What an ended call must be: answered, or sent and lost, and then not repeated. */
static gboolean
check_call (Fixture        *f,
            MsgpackRpcCall *call,
            int             number)
{
  GError *error = msgpack_rpc_call_get_error (call);

  if (error == NULL)
    {
      g_assert_cmpint (g_variant_get_int64 (msgpack_rpc_call_get_result (call)), ==, number);
      g_assert_cmpint (times_handled (f, number), >=, 1);
      g_atomic_int_inc (&f->n_answers);
    }
  else
    {
      g_assert_cmpint (number % 2, ==, 1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_assert_cmpint (msgpack_rpc_call_get_delivery (call), >=, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
      g_assert_cmpint (msgpack_rpc_call_get_delivery (call), <=, MSGPACK_RPC_DELIVERY_SENT);
    }
  if (number % 2 == 1)
    g_assert_cmpint (times_handled (f, number), <=, 1);
  return error == NULL;
}

static void start_one (Fixture *f);

static void
completed_cb (MsgpackRpcCall *call,
              Fixture        *f)
{
  g_autoptr(GVariant) params = g_variant_ref (msgpack_rpc_call_get_params (call));
  gint64 number;

  g_variant_get (params, "(x)", &number);
  f->n_ended++;
  f->n_lost += check_call (f, call, (int) number) ? 0 : 1;
  if (!g_atomic_int_get (&f->done))
    start_one (f);
}

static void
start_one (Fixture *f)
{
  int number;
  g_autoptr(MsgpackRpcCall) call = new_call (f, &number);

  f->n_started++;
  g_signal_connect (call, "completed", G_CALLBACK (completed_cb), f);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (f->client), call);
}

static gpointer
call_in_thread (gpointer data)
{
  Fixture *f = data;
  guint n = 0;

  while (!g_atomic_int_get (&f->done))
    {
      int number;
      g_autoptr(MsgpackRpcCall) call = new_call (f, &number);
      g_autoptr(GVariant) result = NULL;

      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (f->client), call);
      result = msgpack_rpc_call_wait (call, NULL, NULL);
      check_call (f, call, number);
      n++;
    }

  return GUINT_TO_POINTER (n);
}

static void
status_changed_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error G_GNUC_UNUSED,
                   gpointer                    data)
{
  Fixture *f = data;

  f->n_connected += new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED ? 1 : 0;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_mutex_init (&f->lock);
  f->seen = g_hash_table_new (NULL, NULL);
  f->folder = g_dir_make_tmp ("msgpackrpc-XXXXXX", NULL);
  f->address = g_strdup_printf ("unix://%s/socket", f->folder);
  f->thread = msgpack_rpc_loop_thread_new ("server");
  msgpack_rpc_loop_thread_start (f->thread);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "count", "(x)", count_handler, f, NULL);
  f->policy = msgpack_rpc_reconnect_policy_new ();
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, 1);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, 3);
  f->client = msgpack_rpc_client_new (f->address);
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  g_signal_connect (f->client, "status-changed", G_CALLBACK (status_changed_cb), f);
}

typedef struct
{
  Fixture *f;
  GSourceFunc func;
  int is_over;     /* atomic */
} Errand;

/* In one go: @func may run the context, and another source would be dispatched within it. */
static gboolean
run_errand (gpointer data)
{
  Errand *errand = data;

  errand->func (errand->f);
  g_atomic_int_set (&errand->is_over, TRUE);
  return G_SOURCE_REMOVE;
}

/* Runs @func in the server's thread, while the client's context runs here. */
static void
run_there (Fixture     *f,
           GSourceFunc  func)
{
  Errand errand = { .f = f, .func = func };

  g_main_context_invoke (msgpack_rpc_loop_thread_get_main_context (f->thread), run_errand, &errand);
  WAIT_UNTIL (g_atomic_int_get (&errand.is_over));
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  g_assert_finalize_object (f->client);
  g_assert_finalize_object (f->policy);
  if (f->server != NULL)
    run_there (f, stop_server);
  msgpack_rpc_loop_thread_quit (f->thread);
  g_assert_true (msgpack_rpc_loop_thread_join (f->thread));
  g_object_unref (f->dispatcher);
  g_object_unref (f->thread);
  g_hash_table_unref (f->seen);
  g_mutex_clear (&f->lock);
  test_drain ();
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->address);
}

static void
test_restarts (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  GThread *callers[N_CALLERS];
  guint n_by_threads = 0;

  g_test_summary ("A server that is restarted 50 times under load: each call ends once, what may be "
                  "repeated is answered, and nothing else is done twice");

  start_server (f);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  for (guint i = 0; i < N_IN_FLIGHT; i++)
    start_one (f);
  for (guint i = 0; i < N_CALLERS; i++)
    callers[i] = g_thread_new ("caller", call_in_thread, f);

  for (guint i = 0; i < N_RESTARTS; i++)
    {
      int before = g_atomic_int_get (&f->n_answers);

      WAIT_UNTIL (g_atomic_int_get (&f->n_answers) >= before + N_ANSWERS);
      run_there (f, stop_server);
      start_server (f);
    }

  WAIT_UNTIL (f->n_connected >= N_RESTARTS + 1);
  g_atomic_int_set (&f->done, TRUE);
  WAIT_UNTIL (f->n_ended == f->n_started);
  for (guint i = 0; i < N_CALLERS; i++)
    n_by_threads += GPOINTER_TO_UINT (g_thread_join (callers[i]));

  g_test_message ("%u calls by the loop, %u of them lost; %u by threads; %u connections",
                  f->n_started, f->n_lost, n_by_threads, f->n_connected);
  g_assert_cmpuint (f->n_started + n_by_threads, ==, (guint) g_atomic_int_get (&f->last_number));
  g_assert_cmpint (g_atomic_int_get (&f->n_answers), >=, N_RESTARTS * N_ANSWERS);
}

/* ---- a server that hangs up at once ---- */

#define N_LOSSES 500

typedef struct
{
  GSocket *socket;
  GCancellable *cancellable;
} Doorman;

static gpointer
hang_up (gpointer data)
{
  Doorman *doorman = data;
  GSocket *accepted;

  while ((accepted = g_socket_accept (doorman->socket, doorman->cancellable, NULL)) != NULL)
    g_object_unref (accepted);
  return NULL;
}

/* What is called may be repeated, so that it goes from one connection to the next, until it is
 * cancelled. */
static gpointer
call_and_cancel (gpointer data)
{
  Fixture *f = data;
  g_autoptr(GQueue) calls = g_queue_new ();
  MsgpackRpcCall *call;

  while (!g_atomic_int_get (&f->done))
    {
      int number;

      call = new_call (f, &number);
      msgpack_rpc_call_set_idempotent (call, TRUE);
      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (f->client), call);
      g_queue_push_tail (calls, call);
      if (calls->length < 10)
        continue;
      call = g_queue_pop_head (calls);
      msgpack_rpc_call_cancel (call);
      g_object_unref (call);
    }

  while ((call = g_queue_pop_head (calls)) != NULL)
    {
      msgpack_rpc_call_cancel (call);
      g_object_unref (call);
    }
  return NULL;
}

static GSocket *
listen_at (Fixture *f)
{
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr(GError) error = NULL;
  GSocket *socket;

  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, &error);
  g_assert_no_error (error);
  g_socket_bind (socket, address, FALSE, &error);
  g_assert_no_error (error);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  return socket;
}

static void
test_losses (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autoptr(GSocket) socket = listen_at (f);
  g_autoptr(GCancellable) over = g_cancellable_new ();
  Doorman doorman = { socket, over };
  GThread *callers[N_CALLERS];
  GThread *thread;

  g_test_summary ("Calls that are sent while connections end leave nothing in any of them");

  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, 1);
  g_assert_false (msgpack_rpc_client_get_busy (f->client));
  thread = g_thread_new ("doorman", hang_up, &doorman);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  for (guint i = 0; i < N_CALLERS; i++)
    callers[i] = g_thread_new ("caller", call_and_cancel, f);

  WAIT_UNTIL (f->n_connected >= N_LOSSES);
  g_atomic_int_set (&f->done, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (callers[i]);
  WAIT_UNTIL (!msgpack_rpc_client_get_busy (f->client));

  g_cancellable_cancel (over);
  g_thread_join (thread);
  g_unlink (path);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/msgpack-rpc/reconnect/load", Fixture, NULL, setup, test_restarts, teardown);

  g_test_add ("/msgpack-rpc/reconnect/losses", Fixture, NULL, setup, test_losses, teardown);

  return g_test_run ();
}
