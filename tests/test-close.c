/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What becomes of what was not sent when a connection closes, and of those who hold it. */

#include "test-util.h"

/* More than what a socket holds. */
#define BIG_SIZE (8 * 1024 * 1024)

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcPeer *peer;  /* the connection */
  GPtrArray *kept;       /* of MsgpackRpcInvocation */
  GString *log;

  gboolean closed;
  GError *error;         /* what closed told */
  GVariant *incomplete;
  GVariant *unsent;
} Fixture;

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error,
           GVariant             *incomplete,
           GVariant             *unsent,
           gpointer              user_data)
{
  Fixture *f = user_data;

  g_assert_false (f->closed);
  f->closed = TRUE;
  f->error = error != NULL ? g_error_copy (error) : NULL;
  f->incomplete = incomplete != NULL ? g_variant_ref (incomplete) : NULL;
  f->unsent = g_variant_ref (unsent);
  g_string_append (f->log, "closed ");
}

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  Fixture *f = user_data;

  g_ptr_array_add (f->kept, g_object_ref (invocation));
  return TRUE;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&f->raw, "unix");

  f->log = g_string_new (NULL);
  f->kept = g_ptr_array_new_with_free_func (g_object_unref);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, f, NULL);
  f->connection = msgpack_rpc_connection_new (stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
  msgpack_rpc_connection_set_dispatcher (f->connection, f->dispatcher);
  g_signal_connect (f->connection, "closed", G_CALLBACK (closed_cb), f);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  test_drain ();
  g_ptr_array_unref (f->kept);
  if (f->connection != NULL)
    g_assert_finalize_object (f->connection);
  g_assert_finalize_object (f->dispatcher);
  raw_peer_clear (&f->raw);
  g_clear_error (&f->error);
  g_clear_pointer (&f->incomplete, g_variant_unref);
  g_clear_pointer (&f->unsent, g_variant_unref);
  g_string_free (f->log, TRUE);
}

/* ---- what was not sent ---- */

static GVariant *
make_bytes (gsize size)
{
  g_autofree guint8 *data = g_malloc0 (size);

  return g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1));
}

static GVariant *
make_big (void)
{
  return make_bytes (BIG_SIZE);
}

/* One that is begun, and behind it one of each kind. */
static MsgpackRpcCall *
queue_all (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcCall *call;

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'keep', @av [])"));
  WAIT_UNTIL (f->kept->len == 1);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", make_big (), &error));
  g_assert_no_error (error);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "n", NULL, &error));
  call = msgpack_rpc_peer_start_call (f->peer, "c", g_variant_new ("(i)", 5));
  g_assert_true (msgpack_rpc_invocation_return_value (g_ptr_array_index (f->kept, 0),
                                                      g_variant_new_string ("answer")));
  g_assert_true (msgpack_rpc_connection_send_message (f->connection,
                                                      g_variant_new ("(is)", 2, "raw"), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), >, 0);
  return call;
}

static const char * const queued[] = {
  "(2, 'n', @av [])",
  "(0, 1, 'c', (5,))",
  "(1, 7, @mv nothing, 'answer')",
  "(2, 'raw')",
};

static void
assert_unsent (Fixture *f)
{
  g_assert_cmpstr (g_variant_get_type_string (f->unsent), ==, "av");
  g_assert_cmpuint (g_variant_n_children (f->unsent), ==, G_N_ELEMENTS (queued));
  for (guint i = 0; i < G_N_ELEMENTS (queued); i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (f->unsent, i);
      g_autoptr(GVariant) message = g_variant_get_variant (child);

      g_assert_cmpstr (g_variant_get_type_string (message), ==, "av");
      test_assert_value (message, queued[i]);
    }
}

static void
assert_is_big (GVariant *message)
{
  g_autoptr(GVariant) method = NULL;
  g_autoptr(GVariant) name = NULL;

  g_assert_nonnull (message);
  g_assert_cmpuint (g_variant_n_children (message), ==, 3);
  method = g_variant_get_child_value (message, 1);
  name = g_variant_get_variant (method);
  g_assert_cmpstr (g_variant_get_string (name, NULL), ==, "big");
  g_assert_cmpuint (g_variant_get_size (message), >, BIG_SIZE);
}

static void
close_async (Fixture             *f,
             MsgpackRpcCloseMode  mode)
{
  msgpack_rpc_connection_close_async (f->connection, mode, NULL, NULL, NULL);
}

static void
test_now (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = queue_all (f);

  g_test_summary ("Closing at once hands back the message that was begun, and the others in order");

  close_async (f, MSGPACK_RPC_CLOSE_MODE_NOW);
  WAIT_UNTIL (f->closed);
  g_assert_no_error (f->error);
  assert_is_big (f->incomplete);
  assert_unsent (f);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
}

/* More than what is taken from a peer, in one message. */
#define HUGE_SIZE (65 * 1024 * 1024)

static void
test_huge (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (f->connection);
  g_autoptr(GVariant) child = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is handed back may be larger than what a peer may send");

  msgpack_rpc_limits_set_max_queued_bytes (limits, 3u * HUGE_SIZE);
  for (guint i = 0; i < 2; i++)
    {
      msgpack_rpc_peer_send_notification (f->peer, "big", make_bytes (HUGE_SIZE), &error);
      g_assert_no_error (error);
    }
  close_async (f, MSGPACK_RPC_CLOSE_MODE_NOW);
  WAIT_UNTIL (f->closed);

  assert_is_big (f->incomplete);
  g_assert_cmpuint (g_variant_get_size (f->incomplete), >, HUGE_SIZE);
  g_assert_cmpuint (g_variant_n_children (f->unsent), ==, 1);
  g_variant_get_child (f->unsent, 0, "v", &child);
  assert_is_big (child);
  g_assert_cmpuint (g_variant_get_size (child), >, HUGE_SIZE);
}

static void
test_finish_message (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = queue_all (f);
  g_autoptr(GVariant) message = NULL;

  g_test_summary ("Closing after a message sends the rest of it, and hands back the others in order");

  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE);
  message = raw_peer_receive (&f->raw);
  assert_is_big (message);
  raw_peer_wait_closed (&f->raw);
  WAIT_UNTIL (f->closed);
  g_assert_no_error (f->error);
  g_assert_null (f->incomplete);
  assert_unsent (f);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
}

static void
test_finish_queue (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = queue_all (f);
  g_autoptr(GVariant) big = NULL;

  g_test_summary ("Closing after the queue sends all of it in order, and hands back nothing");

  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  big = raw_peer_receive (&f->raw);
  assert_is_big (big);
  for (guint i = 0; i < G_N_ELEMENTS (queued); i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->raw);

      test_assert_value (message, queued[i]);
    }
  WAIT_UNTIL (f->closed);
  g_assert_no_error (f->error);
  g_assert_null (f->incomplete);
  g_assert_cmpuint (g_variant_n_children (f->unsent), ==, 0);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_SENT);
}

/* As one that hurries another one along. */
static void
test_in_steps (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = queue_all (f);

  g_test_summary ("Closing in a hurry, in each step, still hands back everything in order");

  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE);
  close_async (f, MSGPACK_RPC_CLOSE_MODE_NOW);
  WAIT_UNTIL (f->closed);
  assert_is_big (f->incomplete);
  assert_unsent (f);
}

static void
test_deadline (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = queue_all (f);

  g_test_summary ("A peer that does not read is left after 5 seconds, as if closed at once");

  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  WAIT_UNTIL (f->closed);
  assert_is_big (f->incomplete);
  assert_unsent (f);
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
}

static void
test_vanished (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (f->connection);

  g_test_summary ("A peer that has gone, and had stopped sending before, is not waited for");

  msgpack_rpc_limits_set_close_timeout (limits, G_MAXINT);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'keep', @av [])"));
  WAIT_UNTIL (f->kept->len == 1);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", make_big (), NULL));
  raw_peer_shutdown_write (&f->raw);
  WAIT_UNTIL (!msgpack_rpc_connection_is_connected (f->connection));
  raw_peer_close (&f->raw);
  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  WAIT_UNTIL (f->closed);
  assert_is_big (f->incomplete);
}

/* ---- what is sent while it closes ---- */

static void
assert_all_rejected (Fixture *f)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GAsyncResult) notified = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_false (msgpack_rpc_peer_send_notification (f->peer, "n", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_connection_send_message (f->connection, g_variant_new ("(is)", 2, "r"),
                                                       &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_peer_send_notification_sync (f->peer, "n", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);

  call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, test_store_result, &called);
  msgpack_rpc_peer_send_notification_async (f->peer, "n", NULL, NULL, test_store_result, &notified);
  WAIT_UNTIL (called != NULL && notified != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_peer_send_notification_finish (f->peer, notified, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_rejected (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  MsgpackRpcInvocation *late;

  g_test_summary ("What is sent while closing, or after it, is refused: nothing is lost silently");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 8, 'keep', @av [])"));
  WAIT_UNTIL (f->kept->len == 1);
  late = g_object_ref (g_ptr_array_index (f->kept, 0));
  g_ptr_array_set_size (f->kept, 0);
  call = queue_all (f);

  close_async (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  assert_all_rejected (f);
  g_assert_false (msgpack_rpc_invocation_return_value (late, NULL));
  g_assert_false (f->closed);

  close_async (f, MSGPACK_RPC_CLOSE_MODE_NOW);
  assert_all_rejected (f);
  WAIT_UNTIL (f->closed);
  assert_unsent (f);
  assert_all_rejected (f);
  g_assert_finalize_object (late);
}

/* ---- the last reference ---- */

static gpointer
drop_thread (gpointer user_data)
{
  g_object_unref (user_data);
  return NULL;
}

static void
drop_in_thread (Fixture *f)
{
  g_thread_join (g_thread_new ("drop", drop_thread, g_steal_pointer (&f->connection)));
}

static void
test_drop_with_calls (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) value = NULL;
  gpointer connection = f->connection;

  g_test_summary ("The last reference may go in any thread: calls in flight hold the peer");

  g_object_add_weak_pointer (connection, &connection);
  call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
  msgpack_rpc_peer_call_async (f->peer, "b", NULL, NULL, test_store_result, &called);
  drop_in_thread (f);
  g_assert_nonnull (connection);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, 3)"));
  WAIT_UNTIL (called != NULL);
  test_drain ();
  g_assert_nonnull (connection);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 4)"));
  value = msgpack_rpc_call_wait (call, NULL, NULL);
  test_assert_value (value, "4");
  WAIT_UNTIL (connection == NULL);
  raw_peer_wait_closed (&f->raw);
  g_assert_cmpstr (f->log->str, ==, "");
}

static void
test_drop_with_invocations (Fixture       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;
  gpointer connection = f->connection;
  MsgpackRpcInvocation *invocation;

  g_test_summary ("The last reference may go in any thread: what is not answered yet still is");

  g_object_add_weak_pointer (connection, &connection);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'keep', @av [])"));
  WAIT_UNTIL (f->kept->len == 1);
  drop_in_thread (f);
  invocation = g_ptr_array_index (f->kept, 0);
  g_assert_nonnull (connection);
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (5)));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 7, @mv nothing, 5)");
  WAIT_UNTIL (connection == NULL);
  raw_peer_wait_closed (&f->raw);
}

static void
drop_cb (GObject      *source G_GNUC_UNUSED,
         GAsyncResult *result,
         gpointer      user_data)
{
  Fixture *f = user_data;

  g_assert_true (MSGPACK_RPC_IS_CALL (result));
  drop_in_thread (f);
  g_string_append (f->log, "dropped ");
}

static void
test_drop_in_callback (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  gpointer connection = f->connection;

  g_test_summary ("The last reference may go in another thread while a callback runs");

  g_object_add_weak_pointer (connection, &connection);
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, drop_cb, f);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 7, 'keep', @av [])"));
  WAIT_UNTIL (connection == NULL);
  g_assert_cmpstr (f->log->str, ==, "dropped ");
  raw_peer_wait_closed (&f->raw);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/close/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("now", test_now);
  ADD ("huge", test_huge);
  ADD ("finish-message", test_finish_message);
  ADD ("finish-queue", test_finish_queue);
  ADD ("in-steps", test_in_steps);
  ADD ("deadline", test_deadline);
  ADD ("vanished", test_vanished);
  ADD ("rejected", test_rejected);
  ADD ("drop-with-calls", test_drop_with_calls);
  ADD ("drop-with-invocations", test_drop_with_invocations);
  ADD ("drop-in-callback", test_drop_in_callback);

  return g_test_run ();
}
