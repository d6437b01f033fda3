/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that handle one message at a time: the rule 27 of docs/dialects.md. */

#include "test-dialects.h"

static void
set_up (Dialect       *d,
        gconstpointer  data)
{
  dialect_setup (d, data);
  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_SERIAL);
}

static void
assert_nothing (Dialect *d)
{
  guint8 byte;

  test_drain ();
  g_assert_cmpint (recv (d->raw.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), ==, -1);
}

static MsgpackRpcCall *
start (Dialect    *d,
       const char *method)
{
  return msgpack_rpc_peer_start_call (d->peer, method, NULL);
}

static void
test_one_at_a_time (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");
  g_autoptr(MsgpackRpcCall) third = start (d, "c");

  g_test_summary ("A call is sent when the one before is answered, in their order");

  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  assert_nothing (d);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_SENT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (second), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  send_hex (&d->raw, "94 01 01 c0 05");
  dialect_assert_result (first, "int64 5");
  assert_comes (&d->raw, "94 00 02 a1 'b' 90", "", "");
  assert_nothing (d);
  send_hex (&d->raw, "94 01 02 a2 'no' c0");
  dialect_assert_error (second, "no");
  assert_comes (&d->raw, "94 00 03 a1 'c' 90", "", "");
  send_hex (&d->raw, "94 01 03 c0 07");
  dialect_assert_result (third, "int64 7");

  /* Then there is none before. */
  g_clear_object (&first);
  first = start (d, "d");
  assert_comes (&d->raw, "94 00 04 a1 'd' 90", "", "");
  send_hex (&d->raw, "94 01 04 c0 07");
  dialect_assert_result (first, "int64 7");
}

static void
test_given_up (Dialect       *d,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");

  g_test_summary ("When a call that was sent is given up, the peer still has it: the next one waits for "
                  "its answer, which is late");

  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  msgpack_rpc_call_cancel (first);
  WAIT_UNTIL (dialect_call_has_ended (first));
  assert_nothing (d);
  send_hex (&d->raw, "94 01 01 c0 05");
  assert_comes (&d->raw, "94 00 02 a1 'b' 90", "", "");
  g_assert_cmpuint (dialect_get_statistic (d, "late-replies"), ==, 1);
  send_hex (&d->raw, "94 01 02 c0 05");
  dialect_assert_result (second, "int64 5");
}

static void
test_cancelled (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");
  g_autoptr(MsgpackRpcCall) third = start (d, "c");

  g_test_summary ("One that waits can be given up, and is never sent");

  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  msgpack_rpc_call_cancel (second);
  WAIT_UNTIL (dialect_call_has_ended (second));
  g_assert_error (msgpack_rpc_call_get_error (second), G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (second), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  send_hex (&d->raw, "94 01 01 c0 05");
  assert_comes (&d->raw, "94 00 03 a1 'c' 90", "", "");
  send_hex (&d->raw, "94 01 02 c0 05 94 01 03 c0 05");
  dialect_assert_result (third, "int64 5");
  g_assert_cmpuint (dialect_get_statistic (d, "unknown-replies"), ==, 1);
  g_string_truncate (d->log, 0);
}

static void
test_taken_back (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  const gsize size = 1024 * 1024;
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("One whose turn it is, but of which nothing was written, leaves it to the next one");

  /* The stream does not take it all. */
  msgpack_rpc_connection_send_message (d->connection, g_variant_new ("(is)", 7, text), &error);
  g_assert_no_error (error);
  first = start (d, "a");
  second = start (d, "b");
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  msgpack_rpc_call_cancel (first);
  WAIT_UNTIL (dialect_call_has_ended (first));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  assert_comes (&d->raw, "92 07 db 00100000", text, "94 00 02 a1 'b' 90");
  send_hex (&d->raw, "94 01 02 c0 05");
  dialect_assert_result (second, "int64 5");
}

static void
test_bounded (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (d->connection);
  g_autofree char *text = g_strnfill (2000, 'x');
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("No more wait for their turn than could wait to be written; those that are gone do not "
                  "count");

  msgpack_rpc_limits_set_max_queued_bytes (limits, 2000);
  large = msgpack_rpc_peer_start_call (d->peer, "l", g_variant_new ("(s)", text));
  WAIT_UNTIL (dialect_call_has_ended (large));
  g_assert_error (msgpack_rpc_call_get_error (large), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  first = start (d, "a");
  assert_comes (&d->raw, "94 00 02 a1 'a' 90", "", "");

  for (guint i = 0; i < 16; i++)
    {
      g_autoptr(MsgpackRpcCall) call = start (d, "b");

      msgpack_rpc_call_cancel (call);
      WAIT_UNTIL (dialect_call_has_ended (call));
      g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }

  for (guint i = 0; i < 16; i++)
    g_ptr_array_add (calls, start (d, "b"));
  WAIT_UNTIL (dialect_call_has_ended (calls->pdata[15]));
  g_assert_error (msgpack_rpc_call_get_error (calls->pdata[15]), MSGPACK_RPC_ERROR,
                  MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_false (dialect_call_has_ended (calls->pdata[0]));

  raw_peer_close (&d->raw);
  WAIT_UNTIL (dialect_call_has_ended (first) && dialect_call_has_ended (calls->pdata[0]));
}

static void
test_timeout (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = msgpack_rpc_call_new ("b", NULL);

  g_test_summary ("Its time counts from when it was started, and the error says for what it has waited");

  msgpack_rpc_call_set_timeout (second, 50);
  msgpack_rpc_peer_send_call (d->peer, second);
  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  dialect_assert_error (second, "“b” was not sent within 50 ms: the peer takes one call at a time, and "
                                "has not answered the one before");
  g_assert_error (msgpack_rpc_call_get_error (second), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (second), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  send_hex (&d->raw, "94 01 01 c0 05");
  dialect_assert_result (first, "int64 5");
  assert_nothing (d);
}

static void
test_closed (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");

  g_test_summary ("When the peer closes, those that wait end as closed, and not sent");

  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  raw_peer_close (&d->raw);
  WAIT_UNTIL (dialect_call_has_ended (first) && dialect_call_has_ended (second));
  g_assert_error (msgpack_rpc_call_get_error (second), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_SENT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (second), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  dialect_assert_log (d, "closed -; ");
}

static void
unsent_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error G_GNUC_UNUSED,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent,
           gpointer              data)
{
  dialect_log_value (data, unsent);
}

static void
test_unsent (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");
  g_autoptr(MsgpackRpcCall) late = NULL;

  g_test_summary ("Closing gives back those that wait; one that is made then ends at once");

  g_signal_connect (d->connection, "closed", G_CALLBACK (unsent_cb), d);
  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  msgpack_rpc_connection_close_async (d->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  late = start (d, "c");
  dialect_assert_log (d, "closed -; [<[<int64 0>, <int64 2>, <'b'>, <@av []>]>]");
  WAIT_UNTIL (dialect_call_has_ended (second) && dialect_call_has_ended (late));
  g_assert_error (msgpack_rpc_call_get_error (late), G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_notifications (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A notification is an error that says what to do, and nothing is sent");

  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "n", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_cmpstr (error->message, ==, "“n” was not sent: the peer takes no notifications (profile "
                   "“serial”), but it can be called");
  g_clear_error (&error);
  msgpack_rpc_peer_send_notification_async (d->peer, "n", NULL, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_peer_send_notification_finish (d->peer, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  msgpack_rpc_connection_set_extensions (d->connection, TRUE);
  assert_nothing (d);
}

/* Calls the peer, and waits for that. */
static gboolean
call_back_handler (MsgpackRpcInvocation  *invocation,
                   GVariant              *params G_GNUC_UNUSED,
                   gpointer               data,
                   GError               **error)
{
  Dialect *d = data;
  g_autoptr(GVariant) result = msgpack_rpc_peer_call_sync (d->peer, "back", NULL, NULL, error);

  return result != NULL && msgpack_rpc_invocation_return_value (invocation, result);
}

static void
test_nested (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = start (d, "a");
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A handler that would wait for its own caller is told so at once");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "call-back", NULL, call_back_handler, d, NULL);
  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  send_hex (&d->raw, "94 00 05 a9 'call-back' 90");
  answer = raw_peer_receive (&d->raw);
  test_assert_value (answer, "(1, 5, 'Waiting for “back” here would never end: the peer takes one call at "
                             "a time (profile “serial”), has one, and waits for the answer to the request "
                             "that is handled here', @mv nothing)");
  send_hex (&d->raw, "94 01 01 c0 05");
  dialect_assert_result (call, "int64 5");
  assert_nothing (d);
}

/* Blocks until a request of so many bytes has come. */
static void
read_request (RawPeer *raw,
              gsize    size)
{
  guint8 byte;

  while (size-- > 0)
    {
      GPollFD fd = { .fd = raw->fd, .events = G_IO_IN };

      g_assert_cmpint (g_poll (&fd, 1, (int) (TEST_DEADLINE / 1000)), ==, 1);
      g_assert_cmpint (recv (raw->fd, &byte, 1, 0), ==, 1);
    }
}

static gpointer
answer_in_thread (gpointer data)
{
  read_request (data, strlen ("4016back0"));
  send_hex (data, "94 01 01 c0 05");
  return NULL;
}

static gpointer
answer_both_in_thread (gpointer data)
{
  read_request (data, strlen ("401a0") + 1);
  send_hex (data, "94 01 01 c0 05");
  read_request (data, strlen ("401a0") + 1);
  send_hex (data, "94 01 02 c0 06");
  return NULL;
}

static void
test_nested_free (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GThread) thread = NULL;

  g_test_summary ("A handler may wait when the peer has no other call, or when it waits for nothing");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "call-back", NULL, call_back_handler, d, NULL);
  thread = g_thread_new ("peer", answer_in_thread, &d->raw);
  send_hex (&d->raw, "94 00 05 a9 'call-back' 90");
  assert_comes (&d->raw, "94 01 05 c0 05", "", "");
  g_thread_join (g_steal_pointer (&thread));
}

static void
test_reconnect (Dialect       *d G_GNUC_UNUSED,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  g_autoptr(GListModel) connections = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcCall *calls[5];
  MsgpackRpcClient *client;

  g_test_summary ("A client's calls that wait go on to its next connection, in their order");

  msgpack_rpc_server_set_dispatcher (server, d->dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  client = msgpack_rpc_client_new (addresses[0]);
  g_object_set (policy, "initial-delay", 1, NULL);
  g_object_set (client, "profile", MSGPACK_RPC_PROFILE_SERIAL, "reconnect-policy", policy, NULL);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  g_object_get (server, "connections", &connections, NULL);
  WAIT_UNTIL (g_list_model_get_n_items (connections) == 1);

  /* The first is on its way when the connection is lost, the others wait. */
  connection = msgpack_rpc_client_get_connection (client);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    calls[i] = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "echo",
                                            g_variant_new ("(u)", i));
  g_io_stream_close (msgpack_rpc_connection_get_io_stream (connection), NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    WAIT_UNTIL (dialect_call_has_ended (calls[i]));
  g_assert_nonnull (strstr (d->log->str, "echo [<int64 1>]; echo [<int64 2>]; echo [<int64 3>]; "
                                         "echo [<int64 4>]; "));
  for (guint i = 1; i < G_N_ELEMENTS (calls); i++)
    g_assert_no_error (msgpack_rpc_call_get_error (calls[i]));
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_object_unref (calls[i]);
  g_string_truncate (d->log, 0);
  g_clear_object (&connection);
  test_drain ();
  g_assert_finalize_object (client);
  g_socket_service_stop (G_SOCKET_SERVICE (server));
  g_socket_listener_close (G_SOCKET_LISTENER (server));
  test_drain ();
}

static void
test_statistics (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = start (d, "a");
  g_autoptr(MsgpackRpcCall) second = start (d, "b");
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GThread) thread = NULL;
  GListModel *list;

  g_test_summary ("Those that wait are calls in flight, and can be waited for with no loop running");

  g_assert_cmpuint (dialect_get_statistic (d, "calls"), ==, 2);
  g_assert_cmpuint (dialect_get_statistic (d, "calls-in-flight"), ==, 2);
  list = msgpack_rpc_connection_get_calls (d->connection);
  WAIT_UNTIL (g_list_model_get_n_items (list) == 2);

  thread = g_thread_new ("peer", answer_both_in_thread, &d->raw);
  value = msgpack_rpc_call_wait (second, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "6");
  g_assert_cmpint (msgpack_rpc_call_get_state (first), ==, MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_thread_join (g_steal_pointer (&thread));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/dialects/27/" path, Dialect, NULL, set_up, func, \
                                    dialect_teardown)
  ADD ("one-at-a-time", test_one_at_a_time);
  ADD ("given-up", test_given_up);
  ADD ("cancelled", test_cancelled);
  ADD ("taken-back", test_taken_back);
  ADD ("bounded", test_bounded);
  ADD ("timeout", test_timeout);
  ADD ("closed", test_closed);
  ADD ("unsent", test_unsent);
  ADD ("notifications", test_notifications);
  ADD ("nested", test_nested);
  ADD ("nested-free", test_nested_free);
  ADD ("reconnect", test_reconnect);
  ADD ("statistics", test_statistics);

  return g_test_run ();
}
