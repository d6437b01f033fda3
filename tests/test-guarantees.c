/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What holds whatever happens: for streams of any kind, in any thread, in whatever order. */

#include "test-util.h"

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <unistd.h>

typedef struct
{
  RawPeer raw;
  GIOStream *stream;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;  /* the connection */
  GString *log;
} Fixture;

/* A stream that is no file descriptor, on top of one. */
static GIOStream *
wrap_stream (GIOStream *stream)
{
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  g_autoptr(GInputStream) in = g_unix_input_stream_new (dup (g_socket_get_fd (socket)), TRUE);
  g_autoptr(GOutputStream) out = g_unix_output_stream_new (dup (g_socket_get_fd (socket)), TRUE);
  g_autoptr(GInputStream) data_in = G_INPUT_STREAM (g_data_input_stream_new (in));
  g_autoptr(GOutputStream) data_out = G_OUTPUT_STREAM (g_data_output_stream_new (out));

  return g_simple_io_stream_new (data_in, data_out);
}

static void
setup_stream (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  f->stream = raw_peer_init (&f->raw);
  f->log = g_string_new (NULL);
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  setup_stream (f, data);
  f->connection = msgpack_rpc_connection_new (f->stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
}

static void
setup_async (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr(GIOStream) stream = NULL;

  setup_stream (f, data);
  stream = g_steal_pointer (&f->stream);
  f->stream = wrap_stream (stream);
  f->connection = msgpack_rpc_connection_new (f->stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->connection != NULL)
    g_assert_finalize_object (f->connection);
  test_drain ();
  g_clear_object (&f->stream);
  raw_peer_clear (&f->raw);
  g_string_free (f->log, TRUE);
}

static void
notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const char           *method,
                 GVariant             *params G_GNUC_UNUSED,
                 gpointer              user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "%s ", method);
}

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              user_data)
{
  Fixture *f = user_data;

  g_string_append (f->log, error != NULL ? "closed! " : "closed ");
}

static void
log_callback (GObject      *source G_GNUC_UNUSED,
              GAsyncResult *result G_GNUC_UNUSED,
              gpointer      user_data)
{
  Fixture *f = user_data;

  g_string_append (f->log, "callback ");
}

static void
send_notification (Fixture    *f,
                   const char *method)
{
  raw_peer_send_value (&f->raw, g_variant_new ("(xsav)", G_GINT64_CONSTANT (2), method, NULL));
}

static void
send_reply (Fixture *f,
            guint    msgid)
{
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, %u, @mv nothing, 3)", msgid));
}

/* ---- streams that are no descriptors ---- */

static void
test_async_notifications (Fixture       *f,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Messages come in one after the other on a stream that is no descriptor");

  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  g_signal_connect (f->connection, "closed", G_CALLBACK (closed_cb), f);
  send_notification (f, "a");
  WAIT_UNTIL (g_str_equal (f->log->str, "a "));
  send_notification (f, "b");
  WAIT_UNTIL (g_str_equal (f->log->str, "a b "));
  send_notification (f, "c");
  raw_peer_close (&f->raw);
  WAIT_UNTIL (g_str_equal (f->log->str, "a b c closed "));
}

static void
test_async_calls (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Calls work on a stream that is no descriptor, with no loop running");

  for (guint i = 1; i <= 3; i++)
    {
      g_clear_object (&call);
      g_clear_pointer (&value, g_variant_unref);
      call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
      send_notification (f, "n");
      send_reply (f, i);
      value = msgpack_rpc_call_wait (call, NULL, &error);
      g_assert_no_error (error);
      test_assert_value (value, "3");
    }

  g_assert_true (msgpack_rpc_connection_close_sync (f->connection,
                                                    MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                                    &error));
  g_assert_no_error (error);
}

static void
test_async_refused (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = wrap_stream (f->stream);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (stream);
  gpointer watched = stream;

  g_test_summary ("A stream that comes too late is closed and let go");

  g_clear_object (&f->stream);
  g_object_add_weak_pointer (G_OBJECT (stream), &watched);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_clear_object (&client);
  g_clear_object (&stream);
  WAIT_UNTIL (watched == NULL);
  raw_peer_wait_closed (&f->raw);
}

/* ---- what is let go ---- */

static void
test_cancellable_without_callback (Fixture       *f,
                                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GVariant) request = NULL;

  g_test_summary ("A call lets go of its cancellable also if nobody hears of its end");

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, cancellable, NULL, NULL);
  request = raw_peer_receive (&f->raw);
  send_reply (f, 1);
  WAIT_UNTIL (G_OBJECT (cancellable)->ref_count == 1);
  g_assert_finalize_object (g_steal_pointer (&cancellable));
}

static void
test_wait_cancellable (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  MsgpackRpcCall *call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);

  g_test_summary ("Waiting that has ended lets go of its cancellable and its call");

  msgpack_rpc_call_wait_async (call, cancellable, test_store_result, &result);
  send_reply (f, 1);
  WAIT_UNTIL (result != NULL);
  g_clear_object (&result);
  test_drain ();
  g_assert_finalize_object (call);
  g_assert_finalize_object (g_steal_pointer (&cancellable));
}

static void
test_client_without_loop (Fixture       *f,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (f->stream);
  MsgpackRpcCall *call;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Calls of a client whose loop nobody runs leave nothing behind");

  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "a", NULL);
  send_reply (f, 1);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (call);
}

/* ---- order ---- */

static void
test_wait_async_order (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);

  g_test_summary ("What waits for a reply hears of it before what the peer sent later");

  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  msgpack_rpc_call_wait_async (call, NULL, log_callback, f);
  test_drain ();
  send_reply (f, 1);
  send_notification (f, "later");
  WAIT_UNTIL (strlen (f->log->str) >= strlen ("callback later "));
  g_assert_cmpstr (f->log->str, ==, "callback later ");
}

static void
status_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
           MsgpackRpcConnectionStatus  old_status,
           MsgpackRpcConnectionStatus  new_status,
           GError                     *error G_GNUC_UNUSED,
           gpointer                    user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "%d-%d ", old_status, new_status);
}

static void
client_notification_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                        const char       *method,
                        GVariant         *params G_GNUC_UNUSED,
                        gpointer          user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "%s ", method);
}

static void
test_reopen_order (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (f->stream);
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client that is opened again has lost nothing of its last connection");

  g_signal_connect (client, "status-changed", G_CALLBACK (status_cb), f);
  g_signal_connect (client, "notification", G_CALLBACK (client_notification_cb), f);
  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);

  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "a", NULL);
  send_notification (f, "before");
  send_reply (f, 1);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, &error));
  g_assert_no_error (error);

  /* The stream is closed, so that nothing comes of it, one way or the other. */
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  g_assert_cmpstr (f->log->str, ==, "");
  WAIT_UNTIL (strstr (f->log->str, "0-1 1-2 before 2-0 0-1 ") == f->log->str);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
}

/* ---- locks ---- */

static void
look_cb (GObject    *connection G_GNUC_UNUSED,
         GParamSpec *pspec G_GNUC_UNUSED,
         gpointer    user_data)
{
  MsgpackRpcClient *client = user_data;

  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
}

static void
test_notify_unlocked (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (f->stream);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("Those who are notified may use the client");

  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  g_main_context_acquire (NULL);
  g_signal_connect (msgpack_rpc_client_get_connection (client), "notify", G_CALLBACK (look_cb),
                    client);
  msgpack_rpc_client_set_dispatcher (client, dispatcher);
  msgpack_rpc_client_set_default_timeout (client, 1);
  msgpack_rpc_client_set_profile (client, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  g_main_context_release (NULL);
}

/* ---- handlers ---- */

static gboolean
never_cb (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
          GVariant              *params,
          gpointer               user_data G_GNUC_UNUSED,
          GError               **error G_GNUC_UNUSED)
{
  g_assert_nonnull (params);
  g_assert_not_reached ();
}

static gboolean
close_in_request_cb (MsgpackRpcConnection *connection,
                     MsgpackRpcInvocation *invocation,
                     GVariant             *params G_GNUC_UNUSED,
                     gpointer              user_data G_GNUC_UNUSED)
{
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_invocation_is_cancelled (invocation));
  return FALSE;
}

static void
test_cancelled_while_looking (Fixture       *f,
                              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("A request that is cancelled while somebody looks at it goes no further");

  msgpack_rpc_dispatcher_add_method (dispatcher, "a", NULL, never_cb, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (f->connection, dispatcher);
  g_signal_connect (f->connection, "request", G_CALLBACK (close_in_request_cb), f);
  g_signal_connect (f->connection, "closed", G_CALLBACK (closed_cb), f);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'a', @av [])"));
  WAIT_UNTIL (g_str_equal (f->log->str, "closed "));
  test_drain ();
}

/* ---- the end of a server ---- */

static void
test_server_gone (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A server that goes takes along those that it was about to let in");

  connection = msgpack_rpc_server_accept_stream (server, f->stream, &error);
  g_assert_no_error (error);
  g_clear_object (&server);
  g_assert_cmpint (msgpack_rpc_connection_get_status (connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  raw_peer_wait_closed (&f->raw);
}

#define ADD(name, setup, function) \
  g_test_add ("/msgpack-rpc/guarantees/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("async/notifications", setup_async, test_async_notifications);
  ADD ("async/calls", setup_async, test_async_calls);
  ADD ("async/refused", setup_stream, test_async_refused);
  ADD ("cancellable-without-callback", setup, test_cancellable_without_callback);
  ADD ("wait-cancellable", setup, test_wait_cancellable);
  ADD ("client-without-loop", setup_stream, test_client_without_loop);
  ADD ("wait-async-order", setup, test_wait_async_order);
  ADD ("reopen-order", setup_stream, test_reopen_order);
  ADD ("notify-unlocked", setup_stream, test_notify_unlocked);
  ADD ("cancelled-while-looking", setup, test_cancelled_while_looking);
  ADD ("server-gone", setup_stream, test_server_gone);

  return g_test_run ();
}
