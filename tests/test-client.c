/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Connecting, its status, and calls made meanwhile; over real sockets. */

#include "test-util.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

/* A server of one method, by GIO alone, in the same context. */
typedef struct
{
  GSocketService *service;
  MsgpackRpcDispatcher *dispatcher;
  GPtrArray *connections;
  char *address;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;  /* the client */
  GString *log;
  gboolean inside;
  guint n_events;        /* of the socket client */
} Fixture;

static gboolean
incoming_cb (GSocketService    *service G_GNUC_UNUSED,
             GSocketConnection *stream,
             GObject           *source G_GNUC_UNUSED,
             gpointer           data)
{
  Fixture *f = data;
  MsgpackRpcConnection *connection = msgpack_rpc_connection_new (G_IO_STREAM (stream));

  msgpack_rpc_connection_set_dispatcher (connection, f->dispatcher);
  g_ptr_array_add (f->connections, connection);
  return TRUE;
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_assert_true (client == f->client);
  g_assert_cmpint (old_status, !=, new_status);
  test_log_status (f->log, new_status, error);
}

static void
set_client (Fixture          *f,
            MsgpackRpcClient *client)
{
  g_clear_object (&f->client);
  f->client = client;
  f->peer = MSGPACK_RPC_PEER (client);
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed_cb), f);
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  guint16 port;

  f->log = g_string_new (NULL);
  f->connections = g_ptr_array_new_with_free_func (g_object_unref);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  f->service = g_socket_service_new ();
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (f->service), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (f->service, "incoming", G_CALLBACK (incoming_cb), f);

  f->address = g_strdup_printf ("tcp://localhost:%u", port);
  set_client (f, msgpack_rpc_client_new (f->address));
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->client != NULL)
    g_assert_finalize_object (f->client);
  g_socket_service_stop (f->service);
  g_socket_listener_close (G_SOCKET_LISTENER (f->service));
  test_drain ();
  g_object_unref (f->service);
  g_ptr_array_unref (f->connections);
  g_object_unref (f->dispatcher);
  g_string_free (f->log, TRUE);
  g_free (f->address);
}

static void
open_client (Fixture *f)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_no_error (error);
}

static void
assert_sum (Fixture      *f,
            GAsyncResult *result)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_finish (f->peer, result, &error);

  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static void
test_new (void)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("not an address");
  g_autoptr(GSocketConnectable) connectable = NULL;
  g_autoptr(MsgpackRpcClient) other = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Creating a client never fails; a bad address fails when it is opened");

  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_null (msgpack_rpc_client_get_connection (client));
  g_assert_null (msgpack_rpc_client_get_last_error (client));
  g_assert_false (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);

  connectable = g_network_address_new ("localhost", 1);
  other = msgpack_rpc_client_new_for_connectable (connectable);
  g_assert_null (msgpack_rpc_client_get_address (other));
}

static void
test_status (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Each change of the status is told once, in order");

  open_client (f);
  g_assert_true (msgpack_rpc_client_is_connected (f->client));
  connection = msgpack_rpc_client_get_connection (f->client);
  g_assert_nonnull (connection);
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  WAIT_UNTIL (closed != NULL);
  g_assert_true (msgpack_rpc_client_close_finish (f->client, closed, &error));
  g_assert_cmpstr (f->log->str, ==, "connecting connected closing disconnected ");
  g_assert_null (msgpack_rpc_client_get_connection (f->client));
}

static void
test_call_at_once (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) before = NULL;
  g_autoptr(GAsyncResult) meanwhile = NULL;

  g_test_summary ("Calls made before opening and while connecting go out once connected");

  f->inside = TRUE;
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &before);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &meanwhile);
  f->inside = FALSE;
  g_assert_cmpstr (f->log->str, ==, "");

  WAIT_UNTIL (before != NULL && meanwhile != NULL);
  assert_sum (f, before);
  assert_sum (f, meanwhile);
  g_assert_cmpstr (f->log->str, ==, "connecting connected ");
}

/* GIO's own signal, which comes wherever connecting goes on. */
static void
socket_event_cb (GSocketClient      *socket_client G_GNUC_UNUSED,
                 GSocketClientEvent  event G_GNUC_UNUSED,
                 GSocketConnectable *connectable G_GNUC_UNUSED,
                 GIOStream          *stream G_GNUC_UNUSED,
                 Fixture            *f)
{
  g_assert_false (f->inside);
  f->n_events++;
}

static void
test_open_from_outside (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Opening and closing call nothing of what a socket client calls");

  g_signal_connect (msgpack_rpc_client_get_socket_client (f->client), "event",
                    G_CALLBACK (socket_event_cb), f);
  for (guint n = 0; n < 10; n++)
    {
      guint n_before = f->n_events;

      f->inside = TRUE;
      msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
      f->inside = FALSE;
      WAIT_UNTIL (f->n_events > n_before);
      for (guint i = 0; i < n; i++)
        g_main_context_iteration (NULL, FALSE);
      f->inside = TRUE;
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      f->inside = FALSE;
    }

  /* What is closed before connecting has begun is not connected at all. */
  test_drain ();
  f->n_events = 0;
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  g_assert_cmpuint (f->n_events, ==, 0);
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
}

static void
test_drop_silently (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A client that is dropped while it connects calls nothing, then or later");

  for (guint n = 0; n < 20; n++)
    {
      g_autoptr(GSocketClient) socket_client = NULL;
      guint n_events;

      set_client (f, msgpack_rpc_client_new (f->address));
      socket_client = g_object_ref (msgpack_rpc_client_get_socket_client (f->client));
      g_signal_connect (socket_client, "event", G_CALLBACK (socket_event_cb), f);
      f->n_events = 0;
      msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
      WAIT_UNTIL (f->n_events > 0);
      for (guint i = 0; i < n / 2; i++)
        g_main_context_iteration (NULL, FALSE);

      n_events = f->n_events;
      f->inside = TRUE;
      /* A client that connects has a call in flight, which holds it. */
      if (n % 2 == 0)
        g_object_run_dispose (G_OBJECT (f->client));
      else
        msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      g_clear_object (&f->client);
      f->inside = FALSE;
      test_drain ();
      g_assert_cmpuint (f->n_events, ==, n_events);
      g_signal_handlers_disconnect_by_data (socket_client, f);
    }
}

static void
test_call_unopened (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call on a client that nobody opens ends by its deadline and says why");

  msgpack_rpc_client_set_default_timeout (f->client, 20);
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "add", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "“add” was not sent within 20 ms"));
  g_assert_nonnull (strstr (error->message, "not opened"));
}

static void
test_queue_off (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) refused = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Without queueing, calls before the connection is there are refused");

  msgpack_rpc_client_set_queue_while_connecting (f->client, FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &refused);
  g_assert_false (msgpack_rpc_peer_send_notification (f->peer, "n", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  WAIT_UNTIL (refused != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, refused, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (f->client));
}

/* A sync call in this thread needs somebody else who answers it. */
static gpointer
serve (gpointer data)
{
  GMainLoop *loop = data;

  g_main_loop_run (loop);
  return NULL;
}

static gboolean
ignore_source (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_call_sync_connecting (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GMainLoop) server_loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GSource) source = g_idle_source_new ();
  g_autoptr(GError) error = NULL;
  gboolean ran = FALSE;
  GThread *server;

  g_test_summary ("A sync call works on a client that is still connecting, before any loop of it ran, "
                  "and runs nothing of the application");

  server = g_thread_new ("server", serve, server_loop);
  g_main_context_push_thread_default (context);
  client = msgpack_rpc_client_new (f->address);
  g_source_set_callback (source, ignore_source, &ran, NULL);
  g_source_attach (source, context);

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2),
                                      NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_assert_false (ran);
  g_assert_true (msgpack_rpc_client_is_connected (client));

  g_assert_true (msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                                &error));
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_source_destroy (source);
  g_assert_finalize_object (g_steal_pointer (&client));
  g_main_context_pop_thread_default (context);
  g_main_loop_quit (server_loop);
  g_thread_join (server);
}

static void
test_open_twice (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GAsyncResult) third = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Opening a client that is connecting or connected waits for that");

  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &first);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &second);
  WAIT_UNTIL (first != NULL && second != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, first, &error));
  g_assert_true (msgpack_rpc_client_open_finish (f->client, second, &error));
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &third);
  g_assert_null (third);
  WAIT_UNTIL (third != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, third, &error));
  WAIT_UNTIL (f->connections->len > 0);
  g_assert_cmpuint (f->connections->len, ==, 1);
}

static void
test_refused (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GAsyncResult) later = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) last_error = NULL;

  g_test_summary ("When connecting fails, what waited fails with why; later calls say it too");

  set_client (f, msgpack_rpc_client_new ("tcp://127.0.0.1:1"));
  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &called);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL && called != NULL && strstr (f->log->str, "disconnected") != NULL);
  g_assert_cmpstr (f->log->str, ==, "connecting disconnected! ");

  g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_nonnull (strstr (error->message, "tcp://127.0.0.1:1"));
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_clear_error (&error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (called)), ==,
                   MSGPACK_RPC_DELIVERY_NOT_SENT);
  last_error = msgpack_rpc_client_get_last_error (f->client);
  g_assert_error (last_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);

  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &later);
  WAIT_UNTIL (later != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, later, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
}

static void
test_bad_address (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call made right after opening fails as opening does, also when that is known at "
                  "once");

  set_client (f, msgpack_rpc_client_new ("tcp://localhost"));
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
}

static void
test_unresolved (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("A host that does not resolve is an error that names it");

  set_client (f, msgpack_rpc_client_new ("tcp://no-such-host.invalid:1"));
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_true (error->domain == G_RESOLVER_ERROR);
  g_assert_nonnull (strstr (error->message, "no-such-host.invalid"));
}

static void
test_open_cancelled (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) before = g_cancellable_new ();
  g_autoptr(GCancellable) soon = g_cancellable_new ();
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling stops connecting, and what waits for it; opening again works");

  g_cancellable_cancel (before);
  msgpack_rpc_client_open_async (f->client, before, test_store_result, &first);
  WAIT_UNTIL (first != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  msgpack_rpc_client_open_async (f->client, soon, test_store_result, &second);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &called);
  g_cancellable_cancel (soon);
  g_assert_null (second);
  WAIT_UNTIL (second != NULL && called != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_string_truncate (f->log, 0);
  open_client (f);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "connected "));
}

static void
test_reopen (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) sum = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client whose peer has gone refuses calls until it is opened again");

  open_client (f);
  WAIT_UNTIL (f->connections->len == 1);
  g_ptr_array_set_size (f->connections, 0);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "add", NULL, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);

  open_client (f);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &sum);
  WAIT_UNTIL (sum != NULL);
  assert_sum (f, sum);
}

static void
notification_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                 const char       *method,
                 GVariant         *params G_GNUC_UNUSED,
                 gpointer          data)
{
  g_string_append_printf (((Fixture *) data)->log, "%s ", method);
}

static gboolean
request_cb (MsgpackRpcClient     *client G_GNUC_UNUSED,
            MsgpackRpcInvocation *invocation,
            GVariant             *params,
            gpointer              data G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static void
reply_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
          MsgpackRpcCall   *call,
          gpointer          data)
{
  g_string_append_printf (((Fixture *) data)->log, "reply(%s) ", msgpack_rpc_call_get_method (call));
}

static void
test_called_back (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) echo = NULL;
  g_autoptr(GAsyncResult) sum = NULL;
  g_autoptr(GAsyncResult) mine = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcPeer *server;

  g_test_summary ("The server calls and notifies the client over the same connection");

  g_signal_connect (f->client, "request::echo", G_CALLBACK (request_cb), f);
  g_signal_connect (f->client, "notification::tick", G_CALLBACK (notification_cb), f);
  g_signal_connect (f->client, "reply::add", G_CALLBACK (reply_cb), f);
  msgpack_rpc_client_set_dispatcher (f->client, f->dispatcher);
  open_client (f);
  WAIT_UNTIL (f->connections->len == 1);
  g_string_truncate (f->log, 0);

  server = g_ptr_array_index (f->connections, 0);
  msgpack_rpc_peer_call_async (server, "echo", g_variant_new ("(s)", "x"), NULL, test_store_result,
                               &echo);
  msgpack_rpc_peer_call_async (server, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &sum);
  g_assert_true (msgpack_rpc_peer_send_notification (server, "tick", NULL, NULL));
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &mine);
  WAIT_UNTIL (echo != NULL && sum != NULL && mine != NULL && strstr (f->log->str, "tick") != NULL);
  value = msgpack_rpc_peer_call_finish (server, echo, &error);
  g_assert_no_error (error);
  test_assert_value (value, "('x',)");
  assert_sum (f, mine);
  g_assert_nonnull (strstr (f->log->str, "reply(add)"));
}

static void
test_argv (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const echo[] = { "cat", NULL };
  static const char * const missing[] = { "no-such-program-anywhere", NULL };
  g_autoptr(GAsyncResult) echoed = NULL;
  g_autoptr(GSubprocess) subprocess = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A program's standard input and output; one that does not exist");

  set_client (f, msgpack_rpc_client_new_for_argv (missing));
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  g_clear_error (&error);
  test_drain ();

  /* cat sends our request back: a request to us, whose answer comes back as the reply. */
  set_client (f, msgpack_rpc_client_new_for_argv (echo));
  msgpack_rpc_client_set_dispatcher (f->client, f->dispatcher);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &echoed);
  WAIT_UNTIL (echoed != NULL);
  assert_sum (f, echoed);

  /* Closing ends the program's input, and so the program. */
  subprocess = msgpack_rpc_client_get_subprocess (f->client);
  g_assert_true (msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, &error));
  g_assert_true (g_subprocess_wait_check (subprocess, NULL, &error));
  g_assert_no_error (error);
}

static void
test_stray_print (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  /* It says nothing else: what it would send back of our request might come together with it. */
  static const char * const chatty[] = {
    "sh", "-c", "echo 'Loading 3 plugins...'; exec cat >/dev/null", NULL
  };
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What a program prints by mistake is shown as the text that it is");

  set_client (f, msgpack_rpc_client_new_for_argv (chatty));
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "got \"Loading 3 plugins...\\n\""));
}

static void
test_unix_and_stream (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *dir = g_dir_make_tmp ("msgpackrpc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "socket", NULL);
  g_autofree char *address = g_strconcat ("unix://", path, NULL);
  g_autoptr(GSocketAddress) socket_address = g_unix_socket_address_new (path);
  g_autoptr(GSocketClient) connector = g_socket_client_new ();
  g_autoptr(GSocketConnection) stream = NULL;
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A UNIX socket by its address, and a stream that is connected already");

  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (f->service), socket_address,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                                                NULL, NULL, &error));
  set_client (f, msgpack_rpc_client_new (address));
  open_client (f);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &first);
  WAIT_UNTIL (first != NULL);
  assert_sum (f, first);

  stream = g_socket_client_connect (connector, G_SOCKET_CONNECTABLE (socket_address), NULL, &error);
  g_assert_no_error (error);
  set_client (f, msgpack_rpc_client_new_for_stream (G_IO_STREAM (stream)));
  open_client (f);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &second);
  WAIT_UNTIL (second != NULL);
  assert_sum (f, second);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

static void
test_drop_while_connecting (Fixture       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A client dropped while it connects leaves no socket open");

  for (guint i = 0; i < 50; i++)
    {
      MsgpackRpcClient *client = msgpack_rpc_client_new (f->address);

      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      for (guint j = 0; j < i % 10; j++)
        g_main_context_iteration (NULL, FALSE);
      msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      g_object_unref (client);
    }
  test_drain ();

  /* Whatever got through to the server ends there too. */
  open_client (f);
  WAIT_UNTIL (f->connections->len > 0 &&
              msgpack_rpc_connection_is_connected (g_ptr_array_index (f->connections,
                                                                      f->connections->len - 1)));
  for (guint i = 0; i + 1 < f->connections->len; i++)
    WAIT_UNTIL (!msgpack_rpc_connection_is_connected (g_ptr_array_index (f->connections, i)));
}

static void
test_many_on_one_context (Fixture       *f,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_done = 0;

  g_test_summary ("Several clients and connections on one context");

  for (guint i = 0; i < 30; i++)
    {
      MsgpackRpcClient *client = msgpack_rpc_client_new (f->address);

      g_ptr_array_add (clients, client);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
    }

  for (guint i = 0; i < clients->len; i++)
    {
      g_autoptr(GAsyncResult) sum = NULL;
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = NULL;

      msgpack_rpc_peer_call_async (g_ptr_array_index (clients, i), "add",
                                   g_variant_new ("(ii)", 1, 2), NULL, test_store_result, &sum);
      WAIT_UNTIL (sum != NULL);
      value = msgpack_rpc_peer_call_finish (g_ptr_array_index (clients, i), sum, &error);
      g_assert_no_error (error);
      test_assert_value (value, "3");
      n_done++;
    }
  g_assert_cmpuint (n_done, ==, 30);
  g_assert_cmpuint (f->connections->len, ==, 30);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/client/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/client/new", test_new);
  ADD ("status", test_status);
  ADD ("call-at-once", test_call_at_once);
  ADD ("open-from-outside", test_open_from_outside);
  ADD ("drop-silently", test_drop_silently);
  ADD ("call-unopened", test_call_unopened);
  ADD ("queue-off", test_queue_off);
  ADD ("call-sync-connecting", test_call_sync_connecting);
  ADD ("open-twice", test_open_twice);
  ADD ("refused", test_refused);
  ADD ("bad-address", test_bad_address);
  ADD ("unresolved", test_unresolved);
  ADD ("open-cancelled", test_open_cancelled);
  ADD ("reopen", test_reopen);
  ADD ("called-back", test_called_back);
  ADD ("argv", test_argv);
  ADD ("stray-print", test_stray_print);
  ADD ("unix-and-stream", test_unix_and_stream);
  ADD ("drop-while-connecting", test_drop_while_connecting);
  ADD ("many-on-one-context", test_many_on_one_context);

  return g_test_run ();
}
