/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What tornado-msgpack does at the ends of a connection: rows A0 of docs/behaviours.md. */

#include "test-behaviours.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>

static gboolean
count_idle_cb (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    data)
{
  g_assert_true (MSGPACK_RPC_IS_CLIENT (client));
  g_assert_cmpint (old_status, !=, new_status);
  test_log_status (data, new_status, error);
}

static void
count_notify_cb (GObject    *object G_GNUC_UNUSED,
                 GParamSpec *pspec G_GNUC_UNUSED,
                 gpointer    data)
{
  ++*(guint *) data;
}

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_set_object ((MsgpackRpcInvocation **) data, invocation);
  return TRUE;
}

static gboolean
constant_handler (MsgpackRpcInvocation  *invocation,
                  GVariant              *params G_GNUC_UNUSED,
                  gpointer               data,
                  GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (data));
}

static void
close_client (MsgpackRpcClient *client)
{
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  WAIT_UNTIL (closed != NULL);
  g_assert_true (msgpack_rpc_client_close_finish (client, closed, &error));
  g_assert_no_error (error);
}

/* ---- the loop, and the ends on it ---- */

static void
assert_opening_fails (const char *address,
                      GQuark      domain,
                      int         code)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed_cb), log);
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (client, opened, &error));
  g_assert_error (error, domain, code);
  g_assert_cmpstr (log->str, ==, "connecting disconnected! ");
}

static void
test_a0_1 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *nobody = g_strdup_printf ("unix://%s/nobody", ends->server.folder);
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  guint n_idle = 0;
  guint idle;

  g_test_summary ("Each step is told, each failure has its own code, and no loop is nested");

  assert_opening_fails ("nonsense", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  assert_opening_fails (nobody, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (status_changed_cb), log);
  idle = g_idle_add_full (G_PRIORITY_DEFAULT, count_idle_cb, &n_idle, NULL);
  msgpack_rpc_client_set_default_timeout (ends->client, 20);
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (ends->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &called);
  /* Nobody answers while this thread waits: the server's context is its own. */
  value = msgpack_rpc_peer_call_sync (ends->peer, "add", NULL, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (value);
  g_assert_cmpuint (n_idle, ==, 0);
  g_assert_cmpstr (log->str, ==, "");

  WAIT_UNTIL (called != NULL);
  g_assert_cmpuint (n_idle, >, 0);
  g_assert_true (g_str_has_prefix (log->str, "connecting connected "));
  g_source_remove (idle);
}

static void
test_a0_2 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("There are both a client and a server, and each may call the other");

  msgpack_rpc_client_set_dispatcher (ends->client, ends->server.dispatcher);
  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  assert_answer (MSGPACK_RPC_PEER (ends_get_guest (ends)), "add", "(3, 4)", "7");
  msgpack_rpc_client_set_dispatcher (ends->client, NULL);
}

static void
test_a0_3 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(MsgpackRpcServer) server = NULL;

  g_test_summary ("The application makes the loop and hands it in; nothing happens elsewhere");

  client = g_object_new (MSGPACK_RPC_TYPE_CLIENT, "address", ends->address,
                         "main-context", context, NULL);
  g_assert_true (msgpack_rpc_client_get_main_context (client) == context);
  g_assert_true (msgpack_rpc_client_get_main_context (ends->client) == g_main_context_default ());
  g_main_context_push_thread_default (context);
  server = msgpack_rpc_server_new ();
  g_main_context_pop_thread_default (context);
  g_assert_true (msgpack_rpc_server_get_main_context (server) == context);

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  test_drain ();
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  g_assert_cmpuint (count_connections (&ends->server), ==, 0);
  WAIT_UNTIL_WITH (msgpack_rpc_client_is_connected (client),
                   g_main_context_iteration (context, FALSE));
  g_object_run_dispose (G_OBJECT (client));
  while (g_main_context_iteration (context, FALSE))
    continue;
  WAIT_UNTIL (ends->server.n_connected == 1 && count_connections (&ends->server) == 0);
}

/* ---- several connections on one loop ---- */

static guint
count_threads (void)
{
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

#define N_SERVERS 3
#define N_CLIENTS 9

static void
test_a0_5 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *servers[N_SERVERS];
  MsgpackRpcClient *clients[N_CLIENTS];
  g_autofree char *addresses[N_SERVERS] = { NULL };
  guint n_threads;

  g_test_summary ("One loop carries several servers and clients, and no thread comes with any");

  /* GIO may need some for the first. */
  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  n_threads = count_threads ();

  for (guint i = 0; i < N_SERVERS; i++)
    {
      servers[i] = msgpack_rpc_server_new ();
      msgpack_rpc_server_set_dispatcher (servers[i], ends->server.dispatcher);
      addresses[i] = listen_on (servers[i], "tcp://127.0.0.1:0");
    }
  for (guint i = 0; i < N_CLIENTS; i++)
    {
      clients[i] = msgpack_rpc_client_new (addresses[i % N_SERVERS]);
      /* GIO asks for proxies in threads of its own. */
      g_socket_client_set_enable_proxy (msgpack_rpc_client_get_socket_client (clients[i]), FALSE);
      msgpack_rpc_client_open_async (clients[i], NULL, NULL, NULL);
    }
  for (guint i = 0; i < N_CLIENTS; i++)
    assert_answer (MSGPACK_RPC_PEER (clients[i]), "add", "(1, 2)", "3");
  g_assert_cmpuint (count_threads (), <=, n_threads);
  for (guint i = 0; i < N_SERVERS; i++)
    {
      GListModel *connections = msgpack_rpc_server_get_connections (servers[i]);

      g_assert_cmpuint (g_list_model_get_n_items (connections), ==, N_CLIENTS / N_SERVERS);
    }

  for (guint i = 0; i < N_CLIENTS; i++)
    g_assert_finalize_object (clients[i]);
  for (guint i = 0; i < N_SERVERS; i++)
    {
      g_free (g_steal_pointer (&addresses[i]));
      g_object_unref (servers[i]);
    }
  test_drain ();
}

static void
test_a0_6 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) other = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("The dispatcher is swapped while calls are in progress, which end with the old one");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "which", NULL, keep_handler,
                                     &invocation, NULL);
  msgpack_rpc_dispatcher_add_method (other, "which", NULL, constant_handler, (gpointer) "new", NULL);
  ends_open (ends);
  call = msgpack_rpc_peer_start_call (ends->peer, "which", NULL);
  WAIT_UNTIL (invocation != NULL);

  msgpack_rpc_server_set_dispatcher (ends->server.server, other);
  assert_answer (ends->peer, "which", "()", "'new'");
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("old"));
  WAIT_UNTIL (call_has_ended (call));
  test_assert_value (msgpack_rpc_call_get_result (call), "'old'");

  msgpack_rpc_server_set_dispatcher (ends->server.server, NULL);
  assert_failure (ends->peer, "which", "()", "There is no method “which”");
}

/* ---- the status ---- */

static void
test_a0_7 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) changes = g_string_new (NULL);
  guint n_notified = 0;

  g_test_summary ("Changes of the status arrive by callback, also as notifications of a property");

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (status_changed_cb), changes);
  g_signal_connect (ends->client, "notify::status", G_CALLBACK (count_notify_cb), &n_notified);
  ends_open (ends);
  close_client (ends->client);
  g_assert_cmpstr (changes->str, ==, "connecting connected closing disconnected ");
  g_assert_cmpuint (n_notified, ==, 4);

  /* With the reason, where there is one. */
  g_string_truncate (changes, 0);
  g_socket_listener_close (G_SOCKET_LISTENER (ends->server.server));
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  WAIT_UNTIL (g_str_has_suffix (changes->str, "disconnected! "));
  g_assert_cmpstr (changes->str, ==, "connecting disconnected! ");
}

static void
test_a0_9 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GSocketAddress) remote = NULL;
  GSocket *socket;
  g_autofree char *address = NULL;
  int no_delay;

  g_test_summary ("TCP is what it runs over, and small messages are not held back");

  ends_open (ends);
  connection = msgpack_rpc_client_get_connection (ends->client);
  remote = msgpack_rpc_connection_get_remote_address (connection);
  g_assert_true (G_IS_INET_SOCKET_ADDRESS (remote));
  address = g_strdup_printf ("tcp://127.0.0.1:%u",
                             g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote)));
  g_assert_cmpstr (address, ==, ends->address);

  socket = g_socket_connection_get_socket (
      G_SOCKET_CONNECTION (msgpack_rpc_connection_get_io_stream (connection)));
  g_assert_true (g_socket_get_option (socket, IPPROTO_TCP, TCP_NODELAY, &no_delay, NULL));
  g_assert_cmpint (no_delay, !=, 0);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
}

static void
test_a0_10 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GVariant) request = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  RawPeer peer;

  g_test_summary ("Connection, dispatcher, client and server are of use each by itself");

  /* A connection without a client, a server, or a dispatcher. */
  stream = raw_peer_init (&peer);
  connection = msgpack_rpc_connection_new (stream);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "a", NULL);
  request = raw_peer_receive (&peer);
  test_assert_value (request, "(0, 1, 'a', ())");
  g_clear_object (&stream);
  msgpack_rpc_call_cancel (call);
  raw_peer_clear (&peer);

  /* With a dispatcher alone, it serves. */
  g_clear_object (&connection);
  stream = raw_peer_init (&peer);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  connection = msgpack_rpc_connection_new (stream);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  assert_add (&peer);
  g_clear_object (&stream);
  raw_peer_clear (&peer);

  /* A server without any client of the library. */
  enter (&ends->server, &peer, ends->address);
  assert_add (&peer);
  raw_peer_clear (&peer);

  /* A client without any server of the library. */
  stream = raw_peer_init (&peer);
  client = msgpack_rpc_client_new_for_stream (stream);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  g_assert_true (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (client), "n", NULL, NULL));
  g_clear_pointer (&request, g_variant_unref);
  request = raw_peer_receive (&peer);
  test_assert_value (request, "(2, 'n', ())");
  raw_peer_clear (&peer);
}

/* ---- listening ---- */

static void
assert_serves (const char *address)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  assert_answer (MSGPACK_RPC_PEER (client), "add", "(1, 2)", "3");
}

static guint16
get_port (const char *address)
{
  return (guint16) g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

static void
test_a0_17 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_auto(GStrv) bound = NULL;
  g_auto(GStrv) any = NULL;
  g_autofree char *by_name = NULL;
  g_autofree char *of_any = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A server listens by host name and port, for each of its addresses");

  bound = msgpack_rpc_server_listen_sync (ends->server.server, "localhost:0", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (bound), >=, 1);
  for (guint i = 0; bound[i] != NULL; i++)
    {
      g_assert_cmpuint (get_port (bound[i]), !=, 0);
      g_assert_cmpuint (get_port (bound[i]), ==, get_port (bound[0]));
      assert_serves (bound[i]);
    }
  by_name = g_strdup_printf ("localhost:%u", get_port (bound[0]));
  assert_serves (by_name);

  any = msgpack_rpc_server_listen_sync (ends->server.server, "tcp://*:0", NULL, &error);
  g_assert_no_error (error);
  of_any = g_strdup_printf ("tcp://127.0.0.1:%u", get_port (any[0]));
  assert_serves (of_any);
}

/* Whether something on @address can be reached by another of this machine's addresses only if it
 * listens on all. */
static gboolean
is_reached_from (const char *address,
                 const char *host)
{
  g_autofree char *other = g_strdup_printf ("tcp://%s:%u", host, get_port (address));
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  if (!raw_peer_connect (&peer, other, &error))
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
      return FALSE;
    }
  raw_peer_clear (&peer);
  return TRUE;
}

static void
test_a0_58 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_auto(GStrv) any = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("To listen on every interface is a choice; who is not of this machine needs more");

  g_assert_true (is_reached_from (ends->address, "127.0.0.1"));
  g_assert_false (is_reached_from (ends->address, "127.0.0.2"));
  any = msgpack_rpc_server_listen_sync (ends->server.server, "*:0", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (is_reached_from (any[0], "127.0.0.2"));

  g_assert_false (msgpack_rpc_server_get_allow_remote (ends->server.server));
  WAIT_UNTIL (ends->server.n_connected == 2 && count_connections (&ends->server) == 0);
}

/* ---- opening ---- */

static void
test_a0_23 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = NULL;

  g_test_summary ("Making a client connects to nothing, and cannot fail");

  client = msgpack_rpc_client_new ("this is no address");
  test_drain ();
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_null (msgpack_rpc_client_get_last_error (client));

  /* Nor does the one that has a server. */
  g_assert_cmpint (msgpack_rpc_client_get_status (ends->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_cmpuint (ends->server.n_connected, ==, 0);
}

static void
test_a0_24 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);

  g_test_summary ("A callback that is attached before sees the first transition, and each once");

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (status_changed_cb), log);
  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  g_assert_cmpstr (log->str, ==, "connecting connected ");
}

static void
test_a0_25 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);

  g_test_summary ("Opening before the loop runs returns at once, and tells nothing yet");

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (status_changed_cb), log);
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  g_assert_cmpint (msgpack_rpc_client_get_status (ends->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  g_assert_cmpstr (log->str, ==, "");
  WAIT_UNTIL (msgpack_rpc_client_is_connected (ends->client));
}

static void
log_reply_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
              MsgpackRpcCall   *call,
              gpointer          data)
{
  g_autofree char *result = g_variant_print (msgpack_rpc_call_get_result (call), FALSE);

  g_string_append_printf (data, "%s ", result);
}

static void
test_a0_26 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autoptr(MsgpackRpcCall) failed = NULL;

  g_test_summary ("Calls made before the connection is up wait for it; in order, or for its error");

  g_signal_connect (ends->client, "reply::add", G_CALLBACK (log_reply_cb), log);
  for (int i = 0; i < 5; i++)
    {
      if (i == 2)
        msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
      g_ptr_array_add (calls, msgpack_rpc_peer_start_call (ends->peer, "add",
                                                           g_variant_new ("(ii)", i, 10)));
    }
  WAIT_UNTIL (g_str_has_suffix (log->str, "14 "));
  g_assert_cmpstr (log->str, ==, "10 11 12 13 14 ");

  close_client (ends->client);
  g_socket_listener_close (G_SOCKET_LISTENER (ends->server.server));
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  failed = msgpack_rpc_peer_start_call (ends->peer, "add", NULL);
  WAIT_UNTIL (call_has_ended (failed));
  g_assert_error (msgpack_rpc_call_get_error (failed), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (failed), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  msgpack_rpc_client_set_queue_while_connecting (ends->client, FALSE);
  refused = msgpack_rpc_peer_start_call (ends->peer, "add", NULL);
  WAIT_UNTIL (call_has_ended (refused));
  g_assert_error (msgpack_rpc_call_get_error (refused), MSGPACK_RPC_ERROR,
                  MSGPACK_RPC_ERROR_NOT_CONNECTED);
}

static void
test_a0_43 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GEnumClass) statuses = g_type_class_ref (MSGPACK_RPC_TYPE_CONNECTION_STATUS);
  g_autoptr(GString) names = g_string_new (NULL);
  g_autoptr(GString) log = g_string_new (NULL);

  g_test_summary ("The status has four values, and only a real change is told");

  for (guint i = 0; i < statuses->n_values; i++)
    g_string_append_printf (names, "%s ", statuses->values[i].value_nick);
  g_assert_cmpstr (names->str, ==, "disconnected connecting connected closing ");

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (status_changed_cb), log);
  close_client (ends->client);
  g_assert_cmpstr (log->str, ==, "");
  ends_open (ends);
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  test_drain ();
  g_assert_cmpstr (log->str, ==, "connecting connected ");
}

static void
check_source_cb (GObject                    *source,
                 MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                 MsgpackRpcConnectionStatus  new_status G_GNUC_UNUSED,
                 GError                     *error G_GNUC_UNUSED,
                 gpointer                    data)
{
  g_ptr_array_add (data, source);
}

static void
test_a0_44 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) sources = g_ptr_array_new ();

  g_test_summary ("The callback of the status gets the object whose status it is");

  g_signal_connect (ends->client, "status-changed", G_CALLBACK (check_source_cb), sources);
  ends_open (ends);
  WAIT_UNTIL (sources->len == 2);
  g_assert_true (sources->pdata[0] == ends->client && sources->pdata[1] == ends->client);
}

static void
test_a0_45 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnectionStatus status;

  g_test_summary ("Both ends know whether they are connected");

  g_assert_false (msgpack_rpc_client_is_connected (ends->client));
  ends_open (ends);
  g_object_get (ends->client, "status", &status, NULL);
  g_assert_cmpint (status, ==, MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
  g_assert_true (msgpack_rpc_connection_is_connected (ends_get_guest (ends)));
  close_client (ends->client);
  g_assert_false (msgpack_rpc_client_is_connected (ends->client));
}

/* ---- the connections of a server ---- */

static gboolean
has_address (MsgpackRpcConnection *guest,
             MsgpackRpcClient     *client)
{
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);
  g_autoptr(GSocketAddress) local = msgpack_rpc_connection_get_local_address (connection);
  g_autoptr(GSocketAddress) remote = msgpack_rpc_connection_get_remote_address (guest);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)) ==
         g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote));
}

static void
test_a0_50 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcClient *second = msgpack_rpc_client_new (ends->address);
  g_autoptr(MsgpackRpcConnection) first_guest = NULL;

  g_test_summary ("A server has a list of who is there, each with its address");

  ends_open (ends);
  g_assert_cmpuint (count_connections (&ends->server), ==, 1);
  first_guest = g_object_ref (ends_get_guest (ends));
  g_assert_true (has_address (first_guest, ends->client));

  msgpack_rpc_client_open_async (second, NULL, NULL, NULL);
  WAIT_UNTIL (count_connections (&ends->server) == 2 && msgpack_rpc_client_is_connected (second));
  g_assert_true (has_address (ends_get_guest (ends), second));
  g_object_unref (second);
  WAIT_UNTIL (count_connections (&ends->server) == 1);
  g_assert_true (ends_get_guest (ends) == first_guest);
  g_assert_cmpstr (ends->server.events->str, ==, "(0-0+1)+(1-0+1)+(1-1+0)-");
}

static void
forget_cb (gpointer  data,
           GObject  *object G_GNUC_UNUSED)
{
  --*(guint *) data;
}

static void
watch_guest_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                MsgpackRpcConnection *connection,
                gpointer              data)
{
  ++*(guint *) data;
  g_object_weak_ref (G_OBJECT (connection), forget_cb, data);
}

static void
test_a0_51 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  guint n_alive = 0;

  g_test_summary ("Who has gone is in no list any more, and takes no memory");

  g_signal_connect (ends->server.server, "client-connected", G_CALLBACK (watch_guest_cb), &n_alive);
  for (guint i = 1; i <= 50; i++)
    {
      RawPeer peer;

      raw_peer_init_connected (&peer, ends->address);
      WAIT_UNTIL (ends->server.n_connected == i);
      g_assert_cmpuint (n_alive, >, 0);
      raw_peer_clear (&peer);
    }
  WAIT_UNTIL (count_connections (&ends->server) == 0 && n_alive == 0);
}

/* ---- how it ends ---- */

static void
test_a0_56 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GApplication) application = NULL;
  RawPeer peer;

  g_test_summary ("A loop with nothing to do keeps waiting, without a timer, until a peer comes");

  /* What a service has in place of one that ticks: it runs as long as it is held. */
  application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "activate", G_CALLBACK (g_application_hold), NULL);
  g_signal_connect_object (ends->server.server, "client-disconnected",
                           G_CALLBACK (g_application_release), application, G_CONNECT_SWAPPED);
  test_drain ();
  g_assert_false (g_main_context_iteration (NULL, FALSE));

  raw_peer_init_connected (&peer, ends->address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  raw_peer_shutdown_write (&peer);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_assert_cmpstr (ends->server.events->str, ==, "(0-0+1)+(0-1+0)-");
  raw_peer_clear (&peer);
}

static void
test_a0_57 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GAsyncResult) drained = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("SIGINT ends a server; what has begun is answered");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "keep", NULL, keep_handler,
                                     &invocation, NULL);
  ends_open (ends);
  call = msgpack_rpc_peer_start_call (ends->peer, "keep", NULL);
  WAIT_UNTIL (invocation != NULL);
  msgpack_rpc_server_drain_on_signal_async (ends->server.server,
                                            MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, G_MAXINT, NULL,
                                            test_store_result, &drained);
  g_assert_cmpint (kill (getpid (), SIGINT), ==, 0);
  WAIT_UNTIL (msgpack_rpc_client_get_status (ends->client) !=
              MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
  g_assert_null (drained);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("done"));
  WAIT_UNTIL (drained != NULL && call_has_ended (call));
  test_assert_value (msgpack_rpc_call_get_result (call), "'done'");
  unsent = msgpack_rpc_server_drain_on_signal_finish (ends->server.server, drained, &error);
  g_assert_no_error (error);
  assert_refused (ends->address);
}

static void
test_a0_63 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketClient) socket_client = g_socket_client_new ();
  g_autoptr(GSocketConnectable) connectable = connectable_new (ends->address);
  g_autoptr(GSocketConnection) stream = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A connection is made without a client, from any stream");

  stream = g_socket_client_connect (socket_client, connectable, NULL, &error);
  g_assert_no_error (error);
  connection = msgpack_rpc_connection_new (G_IO_STREAM (stream));
  assert_answer (MSGPACK_RPC_PEER (connection), "add", "(1, 2)", "3");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(row, func) \
  g_test_add ("/behaviours/" row, Ends, NULL, ends_setup, func, ends_teardown)
  ADD ("A0.1", test_a0_1);
  ADD ("A0.2", test_a0_2);
  ADD ("A0.3", test_a0_3);
  ADD ("A0.5", test_a0_5);
  ADD ("A0.6", test_a0_6);
  ADD ("A0.7", test_a0_7);
  ADD ("A0.9", test_a0_9);
  ADD ("A0.10", test_a0_10);
  ADD ("A0.17", test_a0_17);
  ADD ("A0.23", test_a0_23);
  ADD ("A0.24", test_a0_24);
  ADD ("A0.25", test_a0_25);
  ADD ("A0.26", test_a0_26);
  ADD ("A0.43", test_a0_43);
  ADD ("A0.44", test_a0_44);
  ADD ("A0.45", test_a0_45);
  ADD ("A0.50", test_a0_50);
  ADD ("A0.51", test_a0_51);
  ADD ("A0.56", test_a0_56);
  ADD ("A0.57", test_a0_57);
  ADD ("A0.58", test_a0_58);
  ADD ("A0.63", test_a0_63);

  return g_test_run ();
}
