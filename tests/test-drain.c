/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server is drained: nobody loses an answer, and nobody has to guess. */

#include "test-server.h"

#define GOODBYE "(1, 0, 'The server is closing, and has not handled the request', {'rpc.closing': %s})"
#define BOOLEAN_GOODBYE "(1, %d, true, {'message': <'The server is closing, and has not handled the" \
                        " request'>, 'rpc.closing': <%s>})"
#define REFUSED "(1, %d, 'The server is closing, and has not handled the request', {'rpc.closing': true})"

/* Requests that wait for the test to answer them. */
static GQueue waiting = G_QUEUE_INIT;

static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  g_queue_push_tail (&waiting, g_object_ref (invocation));
  return TRUE;
}

static void
answer_next (void)
{
  g_autoptr(MsgpackRpcInvocation) invocation = g_queue_pop_head (&waiting);

  g_assert_nonnull (invocation);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("done"));
}

static void
forget_waiting (void)
{
  g_queue_clear_full (&waiting, g_object_unref);
}

static void
drain_setup (Fixture       *f,
             gconstpointer  data)
{
  server_setup (f, data);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "wait", NULL, wait_handler, NULL, NULL);
}

static void
start_drain (Fixture       *f,
             GAsyncResult **result)
{
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                  test_store_result, result);
}

static GVariant *
finish_drain (Fixture       *f,
              GAsyncResult **result)
{
  g_autoptr(GAsyncResult) taken = NULL;
  g_autoptr(GError) error = NULL;
  GVariant *unsent;

  WAIT_UNTIL (*result != NULL);
  taken = g_steal_pointer (result);
  unsent = msgpack_rpc_server_drain_finish (f->server, taken, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (unsent), ==, "a(tmvav)");
  return unsent;
}

static void
assert_drained (Fixture       *f,
                GAsyncResult **result)
{
  g_autoptr(GVariant) unsent = finish_drain (f, result);

  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_assert_cmpuint (count_connections (f), ==, 0);
}

static void G_GNUC_PRINTF (2, 3)
assert_receives (RawPeer    *peer,
                 const char *format,
                 ...)
{
  g_autofree char *expected = NULL;
  g_autoptr(GVariant) message = NULL;
  va_list args;

  va_start (args, format);
  expected = g_strdup_vprintf (format, args);
  va_end (args);
  message = raw_peer_receive (peer);
  test_assert_value (message, expected);
}

static void
request_wait (RawPeer *peer,
              int      id)
{
  guint n = waiting.length;

  raw_peer_send_value (peer, g_variant_new ("(iisas)", 0, id, "wait", NULL));
  WAIT_UNTIL (waiting.length == n + 1);
}

static void
test_in_flight (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, data);
  g_autofree char *again = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer busy;
  RawPeer idle;

  g_test_summary ("What is in flight is answered, what comes later is refused, then all is closed");

  enter (f, &busy, address);
  enter (f, &idle, address);
  request_wait (&busy, 7);

  start_drain (f, &result);
  g_assert_null (result);
  assert_refused (address);
  assert_receives (&idle, GOODBYE, "()");
  raw_peer_wait_closed (&idle);

  assert_receives (&busy, GOODBYE, "(7,)");
  raw_peer_send_value (&busy, g_variant_new_parsed ("(0, 8, 'add', (1, 2))"));
  assert_receives (&busy, REFUSED, 8);
  g_assert_null (result);

  answer_next ();
  assert_receives (&busy, "(1, 7, @mv nothing, 'done')");
  raw_peer_wait_closed (&busy);
  raw_peer_clear (&busy);
  raw_peer_clear (&idle);
  assert_drained (f, &result);

  again = listen_on (f->server, address);
  enter (f, &busy, again);
  assert_add (&busy);
  raw_peer_clear (&busy);
}

static void
test_nobody (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Where nobody is it ends soon, but not inside of the function that begins it");

  start_drain (f, &first);
  start_drain (f, &second);
  g_assert_null (first);
  assert_drained (f, &first);
  assert_drained (f, &second);

  unsent = msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_NOW, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_free (listen_on (f->server, "127.0.0.1:0"));
}

static void
test_undelivered (Fixture       *f,
                  gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("What has come and was not begun is refused, and no handler runs");

  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 1, 'wait', @as [])"));
  start_drain (f, &result);
  assert_receives (&peer, GOODBYE, "()");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  assert_drained (f, &result);
  g_assert_cmpuint (waiting.length, ==, 0);
}

static gboolean
drain_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error)
{
  Fixture *f = user_data;

  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL, NULL,
                                  NULL);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("bye"));
  return TRUE;
}

static void
test_in_handler (Fixture       *f,
                 gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peer;

  g_test_summary ("A handler may drain its server, and its own answer is sent");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "drain", NULL, drain_handler, f, NULL);
  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 0, 'drain', @as [])"));
  assert_receives (&peer, "(1, 1, 'The server is closing, and has not handled the request',"
                          " {'rpc.closing': (0,)})");
  assert_receives (&peer, "(1, 0, @mv nothing, 'bye')");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static gboolean
drain_sync_handler (MsgpackRpcInvocation  *invocation,
                    GVariant              *params,
                    gpointer               user_data,
                    GError               **error)
{
  Fixture *f = user_data;
  g_autoptr(GVariant) unsent = NULL;

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("bye"));
  unsent = msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                          error);
  g_assert_nonnull (unsent);
  g_assert_cmpuint (count_connections (f), ==, 0);
  return TRUE;
}

static void
test_sync_in_handler (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peer;

  g_test_summary ("So may one that waits for it, when it has answered");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "drain", NULL, drain_sync_handler, f, NULL);
  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'drain', @as [])"));
  assert_receives (&peer, "(1, 7, @mv nothing, 'bye')");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(0-1+0)-");
}

static void
test_never_answered (Fixture       *f,
                     gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("When the time is over, who still waits is cut off");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, 50, NULL,
                                  test_store_result, &result);
  assert_drained (f, &result);
  /* That is the reason that is told. */
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(0-1+0)!");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  forget_waiting ();
}

static gboolean
large_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error)
{
  g_autofree char *text = g_strnfill (16 * 1024 * 1024, 'x');

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (text));
  return TRUE;
}

/* A peer that has asked for more than the system holds for it, and does not read. */
static void
enter_deaf (Fixture    *f,
            RawPeer    *peer,
            const char *address)
{
  guint64 n_answers = 0;

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "large", NULL, large_handler, NULL, NULL);
  enter (f, peer, address);
  raw_peer_send_value (peer, g_variant_new_parsed ("(0, 1, 'large', @as [])"));
  raw_peer_send_value (peer, g_variant_new_parsed ("(0, 2, 'large', @as [])"));
  while (n_answers < 2)
    {
      g_autoptr(MsgpackRpcConnection) connection = g_list_model_get_item (f->connections, 0);

      test_iterate ();
      n_answers = test_get_statistic (connection, "requests") -
                  test_get_statistic (connection, "requests-in-flight");
    }
}

static void
assert_left (GVariant   *unsent,
             guint       n_whole,
             gboolean    has_part)
{
  g_autoptr(GVariant) part = NULL;
  g_autoptr(GVariant) whole = NULL;
  guint64 id;

  g_assert_cmpuint (g_variant_n_children (unsent), ==, 1);
  g_variant_get_child (unsent, 0, "(tmv@av)", &id, &part, &whole);
  g_assert_cmpuint (id, >, 0);
  g_assert_true ((part != NULL) == has_part);
  g_assert_cmpuint (g_variant_n_children (whole), ==, n_whole);
}

static void
test_never_read (Fixture       *f,
                 gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  RawPeer peer;

  g_test_summary ("A peer that never reads is cut off, and what it has not got is handed back");

  enter_deaf (f, &peer, address);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, 50, NULL,
                                  test_store_result, &result);
  unsent = finish_drain (f, &result);
  assert_left (unsent, 1, TRUE);
  raw_peer_clear (&peer);
}

static void
test_modes (Fixture       *f,
            gconstpointer  data)
{
  MsgpackRpcCloseMode mode = (MsgpackRpcCloseMode) GPOINTER_TO_INT (data);
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GVariant) reply = NULL;
  RawPeer peer;

  g_test_summary ("The close mode says what becomes of what is queued");

  enter_deaf (f, &peer, address);
  msgpack_rpc_server_drain_async (f->server, mode, -1, NULL, test_store_result, &result);
  if (mode != MSGPACK_RPC_CLOSE_MODE_NOW)
    {
      reply = raw_peer_receive (&peer);
      g_assert_cmpuint (g_variant_get_size (reply), >, 16 * 1024 * 1024);
    }
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);

  unsent = finish_drain (f, &result);
  if (mode == MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE)
    g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  else
    assert_left (unsent, 1, mode == MSGPACK_RPC_CLOSE_MODE_NOW);
}

static void
test_hurry (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  RawPeer peer;

  g_test_summary ("Another call can cut it short, and both end");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, G_MAXINT, NULL,
                                  test_store_result, &first);
  test_drain ();
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_NOW, 0, NULL,
                                  test_store_result, &second);
  g_assert_null (second);
  assert_drained (f, &first);
  assert_drained (f, &second);
  raw_peer_clear (&peer);
  forget_waiting ();
}

static void
test_cancel (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("Cancelling ends the waiting, and the server is drained all the same");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, cancellable,
                                  test_store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_server_drain_finish (f->server, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1,
                                                cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  assert_receives (&peer, GOODBYE, "(7,)");
  answer_next ();
  assert_receives (&peer, "(1, 7, @mv nothing, 'done')");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static gpointer
answer_thread (gpointer data)
{
  answer_next ();
  return NULL;
}

static void
test_sync (Fixture       *f,
           gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;
  RawPeer peer;

  g_test_summary ("A program that has left its loop can wait for it");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  thread = g_thread_new ("answer", answer_thread, NULL);
  unsent = msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                          &error);
  g_thread_join (thread);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(0-1+0)-");
  g_free (listen_on (f->server, address));

  for (guint i = 0; i < 2; i++)
    g_variant_unref (raw_peer_receive (&peer));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
}

typedef struct
{
  Fixture *f;
  int timeout;
  int has_ended; /* atomic */
} OtherThread;

static gpointer
drain_thread (gpointer data)
{
  OtherThread *other = data;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GVariant) unsent = NULL;

  g_main_context_push_thread_default (context);
  unsent = msgpack_rpc_server_drain_sync (other->f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                          other->timeout, NULL, NULL);
  g_assert_nonnull (unsent);
  g_main_context_pop_thread_default (context);
  g_atomic_int_set (&other->has_ended, TRUE);
  return NULL;
}

static void
test_sync_elsewhere (Fixture       *f,
                     gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  OtherThread other = { .f = f, .timeout = -1 };
  GThread *thread;
  RawPeer peer;

  g_test_summary ("Another thread can wait for it while this one serves");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  thread = g_thread_new ("drain", drain_thread, &other);
  assert_receives (&peer, GOODBYE, "(7,)");
  g_assert_false (g_atomic_int_get (&other.has_ended));
  answer_next ();
  assert_receives (&peer, "(1, 7, @mv nothing, 'done')");
  WAIT_UNTIL (g_atomic_int_get (&other.has_ended));
  g_thread_join (thread);
  g_assert_cmpuint (count_connections (f), ==, 0);
  raw_peer_clear (&peer);
}

static void
test_sync_stuck (Fixture       *f,
                 gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  OtherThread other = { .f = f, .timeout = 50 };
  RawPeer peer;

  g_test_summary ("When the time is over it waits for no thread that does not run its loop");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  g_thread_join (g_thread_new ("drain", drain_thread, &other));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
  forget_waiting ();
}

static void
test_closed_doors (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *added_address = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  guint16 port;
  RawPeer peer;
  RawPeer other;

  g_test_summary ("Nobody comes in meanwhile, in no way");

  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (f->server), NULL, &error);
  g_assert_no_error (error);
  added_address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  enter (f, &peer, address);
  request_wait (&peer, 7);
  start_drain (f, &result);

  g_assert_null (msgpack_rpc_server_listen_sync (f->server, "127.0.0.1:0", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY);
  g_clear_error (&error);

  stream = raw_peer_init (&other);
  g_assert_null (msgpack_rpc_server_accept_stream (f->server, stream, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY);
  raw_peer_clear (&other);

  raw_peer_init_connected (&other, added_address);
  assert_receives (&other, GOODBYE, "()");
  raw_peer_wait_closed (&other);
  raw_peer_clear (&other);

  answer_next ();
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  assert_drained (f, &result);
  enter (f, &peer, added_address);
  assert_add (&peer);
  raw_peer_clear (&peer);
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  test_drain ();
}

static void
test_not_accepted (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, data);
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("Who has connected and was not accepted yet learns that nothing is handled");

  raw_peer_init_connected (&peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  start_drain (f, &result);
  assert_receives (&peer, GOODBYE, "()");
  raw_peer_clear (&peer);
  assert_drained (f, &result);
  g_assert_cmpstr (f->events->str, ==, "");
}

static gboolean
keep_cb (MsgpackRpcServer            *server,
         MsgpackRpcPendingConnection *pending,
         gpointer                     user_data)
{
  msgpack_rpc_pending_connection_keep (pending);
  g_set_object ((MsgpackRpcPendingConnection **) user_data, pending);
  return TRUE;
}

static void
test_pending (Fixture       *f,
              gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("So does who waits to be let in");

  g_signal_connect (f->server, "authorize", G_CALLBACK (keep_cb), &pending);
  raw_peer_init_connected (&peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  WAIT_UNTIL (pending != NULL);
  start_drain (f, &result);
  assert_receives (&peer, GOODBYE, "()");
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  g_clear_object (&pending);
  assert_drained (f, &result);
  raw_peer_clear (&peer);
  g_assert_cmpstr (f->events->str, ==, "");
}

static gboolean
take_message_cb (MsgpackRpcConnection *connection,
                 GVariant             *message,
                 gpointer              user_data)
{
  return TRUE;
}

static void
take_messages_cb (MsgpackRpcServer     *server,
                  MsgpackRpcConnection *connection,
                  gpointer              user_data)
{
  g_signal_connect (connection, "message", G_CALLBACK (take_message_cb), NULL);
}

static void
test_raw_messages (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("Nothing is promised about requests that only the application knows of");

  g_signal_connect (f->server, "client-connected", G_CALLBACK (take_messages_cb), NULL);
  enter (f, &peer, address);
  connection = g_list_model_get_item (f->connections, 0);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  WAIT_UNTIL (test_get_statistic (connection, "requests") == 1 &&
              test_get_statistic (connection, "requests-in-flight") == 0);
  g_clear_object (&connection);

  start_drain (f, &result);
  g_assert_null (raw_peer_receive_or_end (&peer));
  raw_peer_clear (&peer);
  assert_drained (f, &result);
}

static void
test_boolean_error (Fixture       *f,
                    gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("In the dialect with a boolean error the map has the text as well");

  msgpack_rpc_server_set_profile (f->server, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  enter (f, &peer, address);
  request_wait (&peer, 7);
  start_drain (f, &result);
  assert_receives (&peer, BOOLEAN_GOODBYE, 0, "(7,)");
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 8, 'add', (1, 2))"));
  assert_receives (&peer, BOOLEAN_GOODBYE, 8, "true");
  answer_next ();
  assert_receives (&peer, "(1, 7, false, 'done')");
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  assert_drained (f, &result);
}

static void
test_refused_unsent (Fixture       *f,
                     gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  RawPeer peer;

  g_test_summary ("What is handed back is what the application has sent, and no refusal");

  msgpack_rpc_server_set_profile (f->server, (MsgpackRpcProfile) GPOINTER_TO_INT (data));
  enter_deaf (f, &peer, address);
  connection = g_list_model_get_item (f->connections, 0);
  request_wait (&peer, 7);
  start_drain (f, &result);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 8, 'add', (1, 2))"));
  WAIT_UNTIL (test_get_statistic (connection, "error-answers") == 1);
  g_clear_object (&connection);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_NOW, 0, NULL, NULL, NULL);
  unsent = finish_drain (f, &result);
  assert_left (unsent, 1, TRUE);
  raw_peer_clear (&peer);
  forget_waiting ();
}

static void
test_disposed (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  RawPeer peer;

  g_test_summary ("It ends when a language disposes of the server");

  enter (f, &peer, address);
  request_wait (&peer, 7);
  start_drain (f, &result);
  g_object_run_dispose (G_OBJECT (f->server));
  assert_drained (f, &result);
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  forget_waiting ();
}

/* ---- the other end ---- */

static void
test_client (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(MsgpackRpcCall) begun = NULL;
  g_autoptr(MsgpackRpcCall) sent = NULL;
  g_autoptr(MsgpackRpcCall) late = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client knows of each call whether it was handled");

  msgpack_rpc_server_set_profile (f->server, (MsgpackRpcProfile) GPOINTER_TO_INT (data));
  msgpack_rpc_client_set_profile (client, (MsgpackRpcProfile) GPOINTER_TO_INT (data));
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  begun = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "wait", NULL);
  WAIT_UNTIL (waiting.length == 1);

  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL, NULL,
                                  NULL);
  sent = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "wait", NULL);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (sent), ==, MSGPACK_RPC_DELIVERY_SENT);
  WAIT_UNTIL (msgpack_rpc_call_get_state (sent) != MSGPACK_RPC_CALL_STATE_PENDING);
  g_assert_null (msgpack_rpc_call_wait (sent, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (sent), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);

  late = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "wait", NULL);
  g_assert_null (msgpack_rpc_call_wait (late, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (late), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  g_assert_cmpint (msgpack_rpc_call_get_state (begun), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  answer_next ();
  WAIT_UNTIL (msgpack_rpc_call_get_state (begun) != MSGPACK_RPC_CALL_STATE_PENDING);
  value = msgpack_rpc_call_wait (begun, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'done'");
  WAIT_UNTIL (msgpack_rpc_client_get_status (client) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_lying_peer (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  g_autoptr(MsgpackRpcCall) third = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("Odd goodbyes do no harm");

  stream = raw_peer_init (&peer);
  connection = msgpack_rpc_connection_new (stream);
  first = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "a", NULL);
  second = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "b", NULL);
  third = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "c", NULL);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 3, 'x', {'rpc.closing': true})"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 0, 'x', {'rpc.closing': 7})"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 0, @mv nothing, {'rpc.closing': [2]})"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 0, 'x', {'rpc.opening': [2]})"));
  WAIT_UNTIL (test_get_statistic (connection, "unknown-replies") == 3);
  g_assert_true (msgpack_rpc_connection_is_connected (connection));
  g_assert_cmpint (msgpack_rpc_call_get_state (third), ==, MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (third), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 0, 'x', {'rpc.closing': (2, 'x', -1, 2,"
                                                    " @t 18446744073709551615, 0, 99, 2.5)})"));
  WAIT_UNTIL (msgpack_rpc_call_get_state (first) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpint (msgpack_rpc_call_get_state (second), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 0, 'x', {'rpc.closing': (2,)})"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 1, @mv nothing, 'too late')"));
  raw_peer_close (&peer);
  WAIT_UNTIL (msgpack_rpc_call_get_state (second) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (second), ==, MSGPACK_RPC_DELIVERY_SENT);
  g_assert_cmpuint (test_get_statistic (connection, "late-replies"), ==, 1);
  raw_peer_clear (&peer);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, data, func) \
  g_test_add ("/msgpack-rpc/drain/" name, Fixture, data, drain_setup, func, server_teardown)
  ADD ("in-flight/tcp", "127.0.0.1:0", test_in_flight);
  ADD ("in-flight/abstract", "unix-abstract:msgpack-rpc-test-drain", test_in_flight);
  ADD ("nobody", NULL, test_nobody);
  ADD ("undelivered", NULL, test_undelivered);
  ADD ("in-handler", NULL, test_in_handler);
  ADD ("sync-in-handler", NULL, test_sync_in_handler);
  ADD ("never-answered", NULL, test_never_answered);
  ADD ("never-read", NULL, test_never_read);
  ADD ("mode/now", GINT_TO_POINTER (MSGPACK_RPC_CLOSE_MODE_NOW), test_modes);
  ADD ("mode/finish-message", GINT_TO_POINTER (MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE), test_modes);
  ADD ("mode/finish-queue", GINT_TO_POINTER (MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE), test_modes);
  ADD ("hurry", NULL, test_hurry);
  ADD ("cancel", NULL, test_cancel);
  ADD ("sync", NULL, test_sync);
  ADD ("sync-elsewhere", NULL, test_sync_elsewhere);
  ADD ("sync-stuck", NULL, test_sync_stuck);
  ADD ("closed-doors", NULL, test_closed_doors);
  ADD ("not-accepted/tcp", "127.0.0.1:0", test_not_accepted);
  ADD ("not-accepted/abstract", "unix-abstract:msgpack-rpc-test-drain", test_not_accepted);
  ADD ("pending", NULL, test_pending);
  ADD ("raw-messages", NULL, test_raw_messages);
  ADD ("boolean-error", NULL, test_boolean_error);
  ADD ("refused-unsent/tolerant", GINT_TO_POINTER (MSGPACK_RPC_PROFILE_TOLERANT),
       test_refused_unsent);
  ADD ("refused-unsent/boolean-error", GINT_TO_POINTER (MSGPACK_RPC_PROFILE_BOOLEAN_ERROR),
       test_refused_unsent);
  ADD ("disposed", NULL, test_disposed);
  ADD ("client/tolerant", GINT_TO_POINTER (MSGPACK_RPC_PROFILE_TOLERANT), test_client);
  ADD ("client/boolean-error", GINT_TO_POINTER (MSGPACK_RPC_PROFILE_BOOLEAN_ERROR), test_client);
  ADD ("lying-peer", NULL, test_lying_peer);

  return g_test_run ();
}
