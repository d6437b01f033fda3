/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What holds whatever happens: for streams of any kind, in any thread, in whatever order. */

#include "test-util.h"

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* More than what a socket holds. */
#define BIG_SIZE (8 * 1024 * 1024)

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
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Those who are notified may use the client");

  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  g_main_context_acquire (NULL);
  connection = msgpack_rpc_client_get_connection (client);
  g_signal_connect (connection, "notify", G_CALLBACK (look_cb), client);
  msgpack_rpc_client_set_dispatcher (client, dispatcher);
  msgpack_rpc_client_set_default_timeout (client, 1);
  msgpack_rpc_client_set_profile (client, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  g_main_context_release (NULL);
}

/* ---- nothing inside ---- */

static gboolean is_inside;
static guint n_outside;

static void
outside_cb (void)
{
  g_assert_false (is_inside);
  n_outside++;
}

static void
outside_callback (GObject      *source G_GNUC_UNUSED,
                  GAsyncResult *result G_GNUC_UNUSED,
                  gpointer      user_data G_GNUC_UNUSED)
{
  outside_cb ();
}

static MsgpackRpcCall *
start_watched (MsgpackRpcPeer *peer)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new ("a", NULL);

  g_signal_connect (call, "notify", G_CALLBACK (outside_cb), NULL);
  g_signal_connect (call, "completed", G_CALLBACK (outside_cb), NULL);
  msgpack_rpc_peer_send_call (peer, call);
  return call;
}

/* Whatever starts, sends or cancels, in whatever state the client is. */
static void
do_everything (MsgpackRpcPeer *peer)
{
  g_autoptr(GCancellable) cancelled = g_cancellable_new ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(MsgpackRpcCall) left = NULL;
  g_autoptr(MsgpackRpcCall) cancelled_call = NULL;

  is_inside = TRUE;
  g_cancellable_cancel (cancelled);
  left = start_watched (peer);
  cancelled_call = start_watched (peer);
  msgpack_rpc_call_cancel (cancelled_call);
  msgpack_rpc_call_wait_async (left, cancelled, outside_callback, NULL);
  msgpack_rpc_call_wait_async (cancelled_call, NULL, outside_callback, NULL);
  msgpack_rpc_peer_call_async (peer, "a", NULL, cancelled, outside_callback, NULL);
  msgpack_rpc_peer_call_async (peer, "a", NULL, cancellable, outside_callback, NULL);
  msgpack_rpc_peer_call_async (peer, "a", g_variant_new ("(h)", 0), NULL, outside_callback, NULL);
  msgpack_rpc_peer_send_notification (peer, "a", NULL, NULL);
  msgpack_rpc_peer_send_notification_async (peer, "a", NULL, NULL, outside_callback, NULL);
  g_cancellable_cancel (cancellable);
  is_inside = FALSE;
}

static void
test_client_nothing_inside (Fixture       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (f->stream);
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (client);

  g_test_summary ("Nothing of the application runs inside of a function of a client");

  n_outside = 0;
  g_signal_connect (client, "notify", G_CALLBACK (outside_cb), NULL);
  g_signal_connect (client, "status-changed", G_CALLBACK (outside_cb), NULL);
  do_everything (peer);
  is_inside = TRUE;
  msgpack_rpc_client_open_async (client, NULL, outside_callback, NULL);
  is_inside = FALSE;
  do_everything (peer);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (client));
  test_drain ();
  g_assert_cmpuint (n_outside, >, 0);

  do_everything (peer);
  is_inside = TRUE;
  msgpack_rpc_client_open_async (client, NULL, outside_callback, NULL);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, outside_callback, NULL);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, outside_callback, NULL);
  is_inside = FALSE;
  do_everything (peer);
  n_outside = 0;
  test_drain ();
  g_assert_cmpuint (n_outside, >, 0);
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

/* ---- how far a call got ---- */

static GVariant *
make_big (void)
{
  g_autofree guint8 *data = g_malloc0 (BIG_SIZE);

  return g_variant_new ("(@ay)",
                        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, BIG_SIZE, 1));
}

static void
test_delivery (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) begun = msgpack_rpc_peer_start_call (f->peer, "begun", make_big ());
  g_autoptr(MsgpackRpcCall) waiting = msgpack_rpc_peer_start_call (f->peer, "waiting", NULL);
  g_autoptr(MsgpackRpcCall) other = msgpack_rpc_peer_start_call (f->peer, "other", NULL);
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling takes back what was not begun, cuts nothing short, and says which");

  msgpack_rpc_call_cancel (begun);
  g_assert_cmpint (msgpack_rpc_call_get_state (begun), ==, MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (begun), ==, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  msgpack_rpc_call_cancel (waiting);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (waiting), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpint (msgpack_rpc_call_get_state (other), ==, MSGPACK_RPC_CALL_STATE_PENDING);

  first = raw_peer_receive (&f->raw);
  second = raw_peer_receive (&f->raw);
  test_assert_value (second, "(0, 3, 'other', @av [])");
  WAIT_UNTIL (msgpack_rpc_call_get_delivery (other) == MSGPACK_RPC_DELIVERY_SENT);
  send_reply (f, 3);
  value = msgpack_rpc_call_wait (other, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (begun), ==, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
}

static void
test_answered_early (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", make_big ());
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call that is answered before it is written was answered");

  send_reply (f, 1);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  request = raw_peer_receive (&f->raw);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (f->connection) == 0);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
}

static void
test_no_timeout (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) endless = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(MsgpackRpcCall) short_call = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call without a limit outlives those that have one, the default included");

  msgpack_rpc_connection_set_default_timeout (f->connection, 20);
  msgpack_rpc_call_set_timeout (endless, G_MAXINT);
  msgpack_rpc_peer_send_call (f->peer, endless);
  short_call = msgpack_rpc_peer_start_call (f->peer, "b", NULL);
  g_assert_null (msgpack_rpc_call_wait (short_call, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (msgpack_rpc_call_get_timeout (short_call), ==, 20);
  g_assert_cmpint (msgpack_rpc_call_get_state (endless), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  msgpack_rpc_call_cancel (endless);
}

/* ---- closing ---- */

static void
test_close_cancelled (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A connection closes also if waiting for that was cancelled before");

  g_cancellable_cancel (cancellable);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                      cancellable, test_store_result, &result);
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_connection_close_finish (f->connection, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  raw_peer_wait_closed (&f->raw);
}

static void
test_close_calls (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", make_big ());
  g_autoptr(MsgpackRpcCall) late = NULL;
  g_autoptr(GVariant) request = NULL;

  g_test_summary ("Calls in flight end once the queue is written, and later ones at once");

  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      NULL, NULL);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  late = msgpack_rpc_peer_start_call (f->peer, "late", NULL);
  g_assert_error (msgpack_rpc_call_get_error (late), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (late), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  request = raw_peer_receive (&f->raw);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_SENT);
}

static void
test_close_deadline (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", make_big ());
  gint64 start = g_get_monotonic_time ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing takes no longer than 5 seconds, whatever the peer does");

  g_assert_true (msgpack_rpc_connection_close_sync (f->connection,
                                                    MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                                    &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 5 * G_USEC_PER_SEC);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
}

/* ---- waiting in a handler ---- */

/* Answers the call of one peer when something has come to the other. */
static gpointer
answer_thread (gpointer user_data)
{
  RawPeer *peers = user_data;
  const guint8 reply[] = { 0x94, 0x01, 0x01, 0xc0, 0x03 };
  GPollFD fd = { peers[0].fd, G_IO_IN, 0 };

  if (g_poll (&fd, 1, 10 * 1000) == 1)
    g_assert_cmpint (send (peers[1].fd, reply, sizeof reply, MSG_NOSIGNAL), ==, sizeof reply);
  return NULL;
}

static void
ask_other_cb (MsgpackRpcConnection *connection,
              const char           *method G_GNUC_UNUSED,
              GVariant             *params G_GNUC_UNUSED,
              gpointer              user_data)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "a", NULL,
                                                     &error));
  g_assert_no_error (error);
  value = msgpack_rpc_peer_call_sync (user_data, "b", NULL, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_object_set_data (G_OBJECT (connection), "asked", connection);
}

static void
test_wait_in_handler (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peers[2];
  g_autoptr(GIOStream) stream = raw_peer_init (&peers[1]);
  g_autoptr(MsgpackRpcConnection) other = msgpack_rpc_connection_new (stream);
  GThread *thread;

  g_test_summary ("What a handler sends goes out before it waits for something else");

  peers[0] = f->raw;
  msgpack_rpc_connection_set_default_timeout (other, 5000);
  g_signal_connect (f->connection, "notification", G_CALLBACK (ask_other_cb), other);
  thread = g_thread_new ("answer", answer_thread, peers);
  send_notification (f, "go");
  WAIT_UNTIL (g_object_get_data (G_OBJECT (f->connection), "asked") != NULL);
  g_thread_join (thread);
  g_assert_finalize_object (g_steal_pointer (&other));
  raw_peer_clear (&peers[1]);
}

static gint64
get_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_wait_sleeps (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("cancel");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GCancellable) cancelled = g_cancellable_new ();
  g_autoptr(GSource) source = g_timeout_source_new (500);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autoptr(GError) error = NULL;
  gint64 start;

  g_test_summary ("Waiting sleeps while nobody takes what has come");

  for (guint i = 0; i < 20000; i++)
    g_byte_array_append (bytes, (const guint8 *) "\x93\x02\xa1n\x90", 5);
  raw_peer_send (&f->raw, bytes->data, bytes->len);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", make_big (), &error));
  g_assert_no_error (error);

  /* Reads as much as is let in. */
  g_cancellable_cancel (cancelled);
  g_assert_false (msgpack_rpc_connection_flush_sync (f->connection, cancelled, NULL));

  g_source_set_callback (source, cancel_cb, cancellable, NULL);
  g_source_attach (source, msgpack_rpc_loop_thread_get_main_context (thread));
  msgpack_rpc_loop_thread_start (thread);
  start = get_cpu_time ();
  g_assert_false (msgpack_rpc_connection_flush_sync (f->connection, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_cpu_time () - start, <, 200 * 1000);
}

/* ---- what nobody runs ---- */

static gboolean
never_source_cb (gpointer user_data G_GNUC_UNUSED)
{
  g_assert_not_reached ();
}

static void
set_flag (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
test_context_dropped (Fixture       *f,
                      gconstpointer  data)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GSource) source = g_idle_source_new ();
  g_autoptr(GIOStream) stream = wrap_stream (f->stream);
  gboolean is_gone = FALSE;

  g_test_summary ("A client that was closed can be dropped with its context, which nobody has run");

  g_source_set_callback (source, never_source_cb, &is_gone, set_flag);
  g_source_attach (source, context);
  if (data != NULL)
    client = g_object_new (MSGPACK_RPC_TYPE_CLIENT, "main-context", context, "address", data, NULL);
  else
    client = g_object_new (MSGPACK_RPC_TYPE_CLIENT, "main-context", context, "io-stream", stream,
                           NULL);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_clear_object (&client);
  g_clear_pointer (&context, g_main_context_unref);
  g_assert_true (is_gone);
}

/* ---- threads ---- */

typedef struct
{
  MsgpackRpcClient *client;
  int running;  /* atomic */
} Race;

static gpointer
race_thread (gpointer user_data)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  Race *race = user_data;

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;

      msgpack_rpc_client_open_async (race->client, NULL, NULL, NULL);
      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (race->client), "a", NULL);
      msgpack_rpc_client_set_default_timeout (race->client, 1000 + (int) i);
      msgpack_rpc_client_close_async (race->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      g_assert_true (msgpack_rpc_call_wait_all (&call, 1, NULL, NULL));
    }
  g_main_context_pop_thread_default (context);

  g_atomic_int_add (&race->running, -1);
  return NULL;
}

static void
test_open_close_race (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL,
                                                            &error);
  Race race = { .running = 3 };
  GThread *threads[3];

  g_test_summary ("Threads may open, call and close one client at the same time");

  g_assert_no_error (error);
  race.client = msgpack_rpc_client_new (addresses[0]);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("race", race_thread, &race);
  WAIT_UNTIL (g_atomic_int_get (&race.running) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  test_drain ();
  WAIT_UNTIL (msgpack_rpc_client_get_status (race.client) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_assert_finalize_object (race.client);
  g_assert_nonnull (f->log);
}

static gpointer
close_thread (gpointer user_data)
{
  msgpack_rpc_connection_close_async (user_data, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_object_unref (user_data);
  return NULL;
}

static void
assert_open_cb (MsgpackRpcConnection *connection,
                const char           *method G_GNUC_UNUSED,
                GVariant             *params G_GNUC_UNUSED,
                gpointer              user_data G_GNUC_UNUSED)
{
  g_assert_null (g_object_get_data (G_OBJECT (connection), "closed"));
}

static void
mark_closed_cb (MsgpackRpcConnection *connection,
                GError               *error G_GNUC_UNUSED,
                GVariant             *incomplete G_GNUC_UNUSED,
                GVariant             *unsent G_GNUC_UNUSED,
                gpointer              user_data G_GNUC_UNUSED)
{
  g_assert_null (g_object_get_data (G_OBJECT (connection), "closed"));
  g_object_set_data (G_OBJECT (connection), "closed", connection);
}

static void
test_close_race (Fixture       *f G_GNUC_UNUSED,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Nothing comes after closed(), which another thread may bring about at any time");

  for (guint i = 0; i < 200; i++)
    {
      RawPeer raw;
      g_autoptr(GIOStream) stream = raw_peer_init (&raw);
      MsgpackRpcConnection *connection = msgpack_rpc_connection_new (stream);
      GThread *thread;

      g_signal_connect (connection, "notification", G_CALLBACK (assert_open_cb), NULL);
      g_signal_connect (connection, "closed", G_CALLBACK (mark_closed_cb), NULL);
      for (guint j = 0; j < 50; j++)
        raw_peer_send_value (&raw, g_variant_new ("(xsav)", G_GINT64_CONSTANT (2), "n", NULL));
      thread = g_thread_new ("close", close_thread, g_object_ref (connection));
      WAIT_UNTIL (g_object_get_data (G_OBJECT (connection), "closed") != NULL);
      g_thread_join (thread);
      test_drain ();
      g_assert_finalize_object (connection);
      raw_peer_clear (&raw);
    }
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

#define ADD_DATA(name, data, setup, function) \
  g_test_add ("/msgpack-rpc/guarantees/" name, Fixture, data, setup, function, teardown)
#define ADD(name, setup, function) ADD_DATA (name, NULL, setup, function)

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
  ADD ("client-nothing-inside", setup_stream, test_client_nothing_inside);
  ADD ("cancelled-while-looking", setup, test_cancelled_while_looking);
  ADD ("delivery", setup, test_delivery);
  ADD ("answered-early", setup, test_answered_early);
  ADD ("no-timeout", setup, test_no_timeout);
  ADD ("close-cancelled", setup, test_close_cancelled);
  ADD ("close-calls", setup, test_close_calls);
  ADD ("close-deadline", setup, test_close_deadline);
  ADD ("wait-in-handler", setup, test_wait_in_handler);
  ADD ("wait-sleeps", setup, test_wait_sleeps);
  ADD ("context-dropped/stream", setup_stream, test_context_dropped);
  ADD_DATA ("context-dropped/tcp", "tcp://127.0.0.1:1", setup_stream, test_context_dropped);
  ADD_DATA ("context-dropped/name", "tcp://localhost:1", setup_stream, test_context_dropped);
  ADD_DATA ("context-dropped/bad", "tcp:", setup_stream, test_context_dropped);
  ADD ("open-close-race", setup_stream, test_open_close_race);
  ADD ("close-race", setup_stream, test_close_race);
  ADD ("server-gone", setup_stream, test_server_gone);

  return g_test_run ();
}
