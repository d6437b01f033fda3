/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Every call ends exactly once, and says how far it got. */

#include "test-util.h"

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;  /* the connection */
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&f->raw);

  f->connection = msgpack_rpc_connection_new (stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->connection != NULL)
    g_assert_finalize_object (f->connection);
  raw_peer_clear (&f->raw);
}

/* A call that was started, with its own timeout in milliseconds. */
static MsgpackRpcCall *
start (Fixture    *f,
       const char *method,
       int         timeout)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new (method, NULL);

  msgpack_rpc_call_set_timeout (call, timeout);
  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static gboolean
has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) > MSGPACK_RPC_CALL_STATE_PENDING;
}

static void
test_result (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcCall *call;

  g_test_summary ("A reply ends a call with its result");

  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &result);
  request = raw_peer_receive (&f->raw);
  test_assert_value (request, "(0, 1, 'add', (1, 2))");
  g_assert_null (result);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (result != NULL);
  value = msgpack_rpc_peer_call_finish (f->peer, result, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");

  call = MSGPACK_RPC_CALL (result);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
  test_assert_value (msgpack_rpc_call_get_message (call), "(1, 1, @mv nothing, 3)");
  g_assert_null (msgpack_rpc_call_get_error_value (call));
  g_assert_cmpfloat (msgpack_rpc_call_get_elapsed (call), >, 0);
}

static void
test_nil_result (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = start (f, "nothing", -1);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Nil for error and result is a success whose result is nil");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, @mv nothing)"));
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "mv");
  g_assert_cmpuint (g_variant_n_children (value), ==, 0);
}

static void
test_remote_error (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const replies[][2] = {
    { "(1, 1, 'it broke', @mv nothing)", "'it broke'" },
    { "(1, 2, [<0>, <'it broke'>], @mv nothing)", "(0, 'it broke')" },
    { "(1, 3, {'code': <-7>, 'message': <'it broke'>}, @mv nothing)",
      "{'code': <-7>, 'message': <'it broke'>}" },
    { "(1, 4, true, 'it broke')", "'it broke'" },
  };

  g_test_summary ("An error ends a call with its text, and its value is kept whole");

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr(MsgpackRpcCall) call = start (f, "fail", -1);
      g_autoptr(GVariant) reply = test_parse (replies[i][0]);
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      raw_peer_send_value (&f->raw, reply);
      value = msgpack_rpc_call_wait (call, NULL, &error);
      g_assert_null (value);
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
      g_assert_nonnull (strstr (error->message, "it broke"));
      test_assert_value (msgpack_rpc_call_get_error_value (call), replies[i][1]);
      g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
    }

  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
}

static void
test_boolean_error (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) by_letter = start (f, "a", -1);
  g_autoptr(MsgpackRpcCall) failure = NULL;
  g_autoptr(MsgpackRpcCall) success = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("[1, id, false, value] is an error, until the peer has answered true for one");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, false, 3)"));
  g_assert_null (msgpack_rpc_call_wait (by_letter, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_clear_error (&error);

  failure = start (f, "b", -1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, true, 'add() takes 2 arguments')"));
  g_assert_null (msgpack_rpc_call_wait (failure, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "add() takes 2 arguments");
  g_clear_error (&error);

  success = start (f, "c", -1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 3, false, 3)"));
  value = msgpack_rpc_call_wait (success, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static void
test_boolean_profile (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) good = NULL;
  g_autoptr(GVariant) bad = NULL;

  g_test_summary ("The boolean-error profile understands and speaks the dialect");

  msgpack_rpc_connection_set_profile (f->connection, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (f->connection, dispatcher);

  call = start (f, "c", -1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, false, 3)"));
  value = msgpack_rpc_call_wait (call, NULL, NULL);
  test_assert_value (value, "3");
  g_variant_unref (raw_peer_receive (&f->raw));

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 5, 'add', (1, 2))"));
  good = raw_peer_receive (&f->raw);
  test_assert_value (good, "(1, 5, false, 3)");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 6, 'add', (1,))"));
  bad = raw_peer_receive (&f->raw);
  test_assert_value (bad, "(1, 6, true, 'add() takes 2 arguments (1 given)')");
}

static void
test_reply_type (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) good = msgpack_rpc_call_new ("list", NULL);
  g_autoptr(MsgpackRpcCall) bad = msgpack_rpc_call_new ("list", NULL);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A declared reply type is given to the result, or the call fails and says where");

  msgpack_rpc_call_set_reply_type (good, G_VARIANT_TYPE ("ax"));
  msgpack_rpc_call_set_reply_type (bad, G_VARIANT_TYPE ("ax"));
  msgpack_rpc_peer_send_call (f->peer, good);
  msgpack_rpc_peer_send_call (f->peer, bad);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, [1, 2, 3])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, (1, 'two'))"));

  value = msgpack_rpc_call_wait (good, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "ax");
  g_assert_null (msgpack_rpc_call_wait (bad, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_RESULT);
  g_assert_nonnull (strstr (error->message, "result[1]"));
}

static void
test_timeout (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = start (f, "slow", 30);
  g_autoptr(MsgpackRpcCall) next = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call that is not answered in time ends alone; its late reply touches no other");

  WAIT_UNTIL (has_ended (call));
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (msgpack_rpc_call_get_error (call)->message, "“slow”"));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_SENT);

  next = start (f, "next", -1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 'late')"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, 'mine')"));
  value = msgpack_rpc_call_wait (next, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'mine'");
  g_assert_cmpuint (test_get_statistic (f->connection, "late-replies"), ==, 1);
  g_assert_cmpuint (test_get_statistic (f->connection, "unknown-replies"), ==, 0);
}

static void
test_timeout_sync (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("A sync call ends by its deadline with no loop running");

  msgpack_rpc_connection_set_default_timeout (f->connection, 30);
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "slow", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static void
test_cancel_before (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call that was cancelled before it began is never sent");

  g_cancellable_cancel (cancellable);
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, cancellable, test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (result)), ==,
                   MSGPACK_RPC_DELIVERY_NOT_SENT);

  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "mark", NULL, NULL));
  value = raw_peer_receive (&f->raw);
  test_assert_value (value, "(2, 'mark', @av [])");
}

static void
test_cancel_after_sending (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling ends a call at once, and its late reply is counted");

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, cancellable, test_store_result, &result);
  request = raw_peer_receive (&f->raw);
  /* A stream may tell later than the peer that something was written. */
  g_assert_true (msgpack_rpc_connection_flush_sync (f->connection, NULL, &error));
  g_cancellable_cancel (cancellable);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (result)), ==,
                   MSGPACK_RPC_DELIVERY_SENT);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (test_get_statistic (f->connection, "late-replies") == 1);
}

static void
test_cancel_after_reply (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling after the reply changes nothing");

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, cancellable, test_store_result, &result);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (result != NULL);
  g_cancellable_cancel (cancellable);
  value = msgpack_rpc_peer_call_finish (f->peer, result, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
}

typedef struct
{
  RawPeer *raw;
  GCancellable *cancellable;
} Canceller;

/* Cancels once the request is there, so while the caller waits. */
static gpointer
cancel_when_sent (gpointer data)
{
  Canceller *self = data;
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  g_variant_unref (raw_peer_receive (self->raw));
  g_cancellable_cancel (self->cancellable);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_cancel_sync (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { &f->raw, cancellable };
  g_autoptr(GError) error = NULL;
  GThread *thread;

  g_test_summary ("A sync call is cancelled from another thread");

  thread = g_thread_new ("canceller", cancel_when_sent, &canceller);
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "a", NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

static void
test_cancel_wait (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = start (f, "a", -1);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling a wait leaves the call alone");

  g_cancellable_cancel (cancellable);
  g_assert_null (msgpack_rpc_call_wait (call, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static void
test_peer_closes (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("When the peer closes, what it answered before counts, and the rest is closed");

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, test_store_result, &first);
  msgpack_rpc_peer_call_async (f->peer, "b", NULL, NULL, test_store_result, &second);
  g_variant_unref (raw_peer_receive (&f->raw));
  g_variant_unref (raw_peer_receive (&f->raw));
  /* A stream may tell later than the peer that something was written. */
  g_assert_true (msgpack_rpc_connection_flush_sync (f->connection, NULL, &error));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  raw_peer_close (&f->raw);
  WAIT_UNTIL (first != NULL && second != NULL);

  value = msgpack_rpc_peer_call_finish (f->peer, first, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (second)), ==,
                   MSGPACK_RPC_DELIVERY_SENT);
  g_clear_error (&error);

  /* And there is nothing to send to any more. */
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->connection) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "c", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_unsendable (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Parameters that MessagePack cannot hold fail the call, not the connection");

  msgpack_rpc_peer_call_async (f->peer, "a", g_variant_new ("(h)", 3), NULL, test_store_result,
                               &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, result, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_peer_send_notification (f->peer, "a", g_variant_new ("(h)", 3),
                                                      &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
}

static void
test_finish_checks (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) other = NULL;
  g_autoptr(MsgpackRpcConnection) another = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GTask) task = g_task_new (f->connection, NULL, NULL, NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A finish function refuses the result of something else");

  g_assert_true (msgpack_rpc_connection_new_pair (&other, &another, NULL));
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, test_store_result, &result);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (result != NULL);

  g_assert_null (msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (other), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_connection_close_finish (f->connection, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, G_ASYNC_RESULT (task), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_task_return_boolean (task, TRUE);
  test_drain ();
}

static void
test_wait_async (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = start (f, "a", -1);
  g_autoptr(GAsyncResult) before = NULL;
  g_autoptr(GAsyncResult) after = NULL;
  g_autoptr(GAsyncResult) cancelled = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call can be waited for many times, before and after it has ended");

  msgpack_rpc_call_wait_async (call, NULL, test_store_result, &before);
  msgpack_rpc_call_wait_async (call, cancellable, test_store_result, &cancelled);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (cancelled != NULL);
  g_assert_null (msgpack_rpc_call_wait_finish (call, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (before);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (before != NULL);
  first = msgpack_rpc_call_wait_finish (call, before, &error);
  g_assert_no_error (error);
  test_assert_value (first, "3");

  msgpack_rpc_call_wait_async (call, NULL, test_store_result, &after);
  g_assert_null (after);
  WAIT_UNTIL (after != NULL);
  second = msgpack_rpc_call_wait_finish (call, after, &error);
  g_assert_no_error (error);
  test_assert_value (second, "3");
}

static void
test_wait_elsewhere (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GAsyncResult) cancelled = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A call can be waited for in another context than its own, which nobody runs");

  g_main_context_push_thread_default (context);
  call = start (f, "a", -1);
  g_main_context_pop_thread_default (context);
  msgpack_rpc_call_wait_async (call, NULL, test_store_result, &result);
  msgpack_rpc_call_wait_async (call, cancellable, test_store_result, &cancelled);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (cancelled != NULL);
  g_assert_null (msgpack_rpc_call_wait_finish (call, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (result);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (result != NULL);
  value = msgpack_rpc_call_wait_finish (call, result, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");

  /* Where its end is still to be told. */
  while (g_main_context_iteration (context, FALSE))
    continue;
}

static void
test_wait_unstarted (Fixture       *f G_GNUC_UNUSED,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) async_error = NULL;

  g_test_summary ("A call that was not started cannot be waited for, in either way");

  msgpack_rpc_call_wait_async (call, NULL, test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_call_wait_finish (call, result, &async_error));
  g_assert_error (async_error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);
  g_assert_null (msgpack_rpc_call_wait (call, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);

  g_clear_object (&result);
  g_assert_finalize_object (g_steal_pointer (&call));
}

static void
test_wait_many (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer other_raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&other_raw);
  g_autoptr(MsgpackRpcConnection) other = msgpack_rpc_connection_new (stream);
  MsgpackRpcCall *calls[3];
  g_autoptr(MsgpackRpcCall) any = NULL;
  g_autoptr(MsgpackRpcCall) unstarted = msgpack_rpc_call_new ("u", NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("Waiting for any and for all of the calls of two connections");

  calls[0] = start (f, "a", -1);
  calls[1] = start (f, "b", -1);
  calls[2] = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (other), "c", NULL);

  raw_peer_send_value (&other_raw, g_variant_new_parsed ("(1, 1, 'no', @mv nothing)"));
  any = msgpack_rpc_call_wait_any (calls, 3, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (any == calls[2]);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, 2)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 1)"));
  g_assert_true (msgpack_rpc_call_wait_all (calls, 3, NULL, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_assert_true (has_ended (calls[i]));

  g_assert_null (msgpack_rpc_call_wait (unstarted, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_object_unref (calls[i]);
  raw_peer_clear (&other_raw);
}

static void
count_notify (gpointer    object G_GNUC_UNUSED,
              GParamSpec *pspec G_GNUC_UNUSED,
              gpointer    data)
{
  ++*(guint *) data;
}

static void
count_completed (gpointer object G_GNUC_UNUSED,
                 gpointer data)
{
  ++*(guint *) data;
}

static void
test_observed (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  guint n_state = 0, n_result = 0, n_error = 0, n_completed = 0;

  g_test_summary ("A call notifies once that it has begun and that it has ended, and only of what changed");

  g_signal_connect (call, "notify::state", G_CALLBACK (count_notify), &n_state);
  g_signal_connect (call, "notify::result", G_CALLBACK (count_notify), &n_result);
  g_signal_connect (call, "notify::error", G_CALLBACK (count_notify), &n_error);
  g_signal_connect (call, "completed", G_CALLBACK (count_completed), &n_completed);
  msgpack_rpc_peer_send_call (f->peer, call);
  g_assert_cmpuint (n_state, ==, 0);
  WAIT_UNTIL (n_state == 1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (n_completed > 0);
  msgpack_rpc_call_cancel (call);
  test_drain ();
  g_assert_cmpuint (n_state, ==, 2);
  g_assert_cmpuint (n_result, ==, 1);
  g_assert_cmpuint (n_error, ==, 0);
  g_assert_cmpuint (n_completed, ==, 1);
}

static void
test_holds_peer (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  MsgpackRpcConnection *connection = f->connection;

  g_test_summary ("A call keeps its connection until its callback has returned, and no longer");

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, test_store_result, &result);
  g_object_add_weak_pointer (G_OBJECT (connection), (gpointer *) &connection);
  g_clear_object (&f->connection);
  g_assert_nonnull (connection);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (result != NULL);
  WAIT_UNTIL (connection == NULL);
  g_assert_cmpint (msgpack_rpc_call_get_state (MSGPACK_RPC_CALL (result)), ==,
                   MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  raw_peer_wait_closed (&f->raw);
}

static void
test_ids (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Ids start at 1 and step by 1; those of peers may be of any width");

  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr(MsgpackRpcCall) call = start (f, "a", -1);
      g_autoptr(GVariant) value = NULL;
      guint8 reply[] = { 0x94, 0xcd, 0x00, 0x01, 0xcf, 0, 0, 0, 0, 0, 0, 0, (guint8) i, 0xc0, 0x07 };

      g_assert_cmpuint (msgpack_rpc_call_get_msgid (call), ==, i);
      raw_peer_send (&f->raw, reply, sizeof reply);
      value = msgpack_rpc_call_wait (call, NULL, NULL);
      test_assert_value (value, "7");
    }
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/call/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("result", test_result);
  ADD ("nil-result", test_nil_result);
  ADD ("remote-error", test_remote_error);
  ADD ("boolean-error", test_boolean_error);
  ADD ("boolean-profile", test_boolean_profile);
  ADD ("reply-type", test_reply_type);
  ADD ("timeout", test_timeout);
  ADD ("timeout-sync", test_timeout_sync);
  ADD ("cancel-before", test_cancel_before);
  ADD ("cancel-after-sending", test_cancel_after_sending);
  ADD ("cancel-after-reply", test_cancel_after_reply);
  ADD ("cancel-sync", test_cancel_sync);
  ADD ("cancel-wait", test_cancel_wait);
  ADD ("peer-closes", test_peer_closes);
  ADD ("unsendable", test_unsendable);
  ADD ("finish-checks", test_finish_checks);
  ADD ("wait-async", test_wait_async);
  ADD ("wait-elsewhere", test_wait_elsewhere);
  ADD ("wait-unstarted", test_wait_unstarted);
  ADD ("wait-many", test_wait_many);
  ADD ("observed", test_observed);
  ADD ("holds-peer", test_holds_peer);
  ADD ("ids", test_ids);

  return g_test_run ();
}
