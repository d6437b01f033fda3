/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What becomes of calls and notifications of a client that connects again. */

#include "test-reconnect.h"

/* ---- what becomes of calls ---- */

static void
test_sent (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) once = NULL;
  g_autoptr(MsgpackRpcCall) often = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;

  g_test_summary ("What was sent and not answered is sent again if it is idempotent, and never else");

  open_client (f);
  once = start_call (f, "once", FALSE, FALSE);
  often = start_call (f, "often", TRUE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  expect_request (f, "once");
  expect_request (f, "often");
  expect_request (f, "ready");
  raw_peer_close (&f->server);
  assert_failed (once, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
  g_assert_false (has_ended (often));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (often), ==, MSGPACK_RPC_DELIVERY_SENT);

  accept_client (f);
  expect_and_answer (f, often);
}

static void
test_idempotent_expires (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("often", NULL);

  g_test_summary ("One deadline spans a call that is sent again, which still says that it was sent");

  open_client (f);
  msgpack_rpc_call_set_timeout (call, 100 * test_get_slowness ());
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (f->peer, call);
  expect_request (f, "often");
  stop_listening (f);
  raw_peer_close (&f->server);
  WAIT_UNTIL (count (f, "disconnected!") >= 2);
  g_assert_false (has_ended (call));
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, MSGPACK_RPC_DELIVERY_SENT);
}

/* A message that fills all buffers, so that what comes after it is not sent. */
static MsgpackRpcCall *
start_large_call (Fixture *f)
{
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  MsgpackRpcCall *call = msgpack_rpc_call_new ("large", g_variant_new ("(s)", text));

  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static void
test_unsent (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What was not sent goes out on the next connection, in order, notifications too");

  open_client (f);
  large = start_large_call (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("m%u", i);

      if (i % 3 == 0)
        g_assert_true (msgpack_rpc_peer_send_notification (f->peer, name, NULL, &error));
      else if (i % 3 == 1)
        msgpack_rpc_peer_send_notification_async (f->peer, name, NULL, NULL, NULL, NULL);
      else
        g_ptr_array_add (calls, start_call (f, name, i % 2 == 0, FALSE));
    }
  test_drain ();
  for (guint i = 0; i < calls->len; i++)
    g_assert_cmpint (msgpack_rpc_call_get_delivery (g_ptr_array_index (calls, i)), ==,
                     MSGPACK_RPC_DELIVERY_NOT_SENT);

  raw_peer_close (&f->server);
  assert_failed (large, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  accept_client (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->server);
      g_autofree char *text = g_variant_print (message, FALSE);
      g_autofree char *name = g_strdup_printf ("<'m%u'>", i);
      gint64 id;

      g_assert_nonnull (strstr (text, name));
      g_assert_cmpuint (g_variant_n_children (message), ==, i % 3 == 2 ? 4 : 3);
      if (i % 3 == 2)
        {
          id = msgpack_rpc_call_get_msgid (g_ptr_array_index (calls, i / 3));
          answer (f, id);
        }
    }
  for (guint i = 0; i < calls->len; i++)
    {
      WAIT_UNTIL (has_ended (g_ptr_array_index (calls, i)));
      g_assert_no_error (msgpack_rpc_call_get_error (g_ptr_array_index (calls, i)));
    }
}

static void
test_half_closed (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(MsgpackRpcCall) before = NULL;
  g_autoptr(MsgpackRpcCall) after = NULL;

  g_test_summary ("Calls that are made while the peer waits for its last answer go out on the next "
                  "connection, too");

  open_client (f);
  large = start_large_call (f);
  before = start_call (f, "before", FALSE, FALSE);
  test_drain ();
  raw_peer_shutdown_write (&f->server);
  assert_failed (large, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  after = start_call (f, "after", FALSE, FALSE);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "last", NULL, NULL));
  g_assert_false (has_ended (before));
  g_assert_false (has_ended (after));

  raw_peer_close (&f->server);
  accept_client (f);
  expect_and_answer (f, before);
  expect_and_answer (f, after);
  {
    g_autoptr(GVariant) last = raw_peer_receive (&f->server);

    test_assert_value (last, "[<int64 2>, <'last'>, <@av []>]");
  }
}

/* Calls until there is no room for another one. */
static guint
fill_parking (Fixture   *f,
              GPtrArray *calls)
{
  g_autofree char *text = g_strnfill (1000, 'x');
  guint first = calls->len;

  while (TRUE)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("n", g_variant_new ("(s)", text));
      g_autoptr(GError) error = NULL;

      msgpack_rpc_peer_send_call (f->peer, call);
      if (has_ended (call))
        {
          assert_failed (call, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL,
                         MSGPACK_RPC_DELIVERY_NOT_SENT);
          return calls->len - first;
        }
      g_ptr_array_add (calls, g_steal_pointer (&call));
    }
}

static void
test_parked_bound (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (1000, 'x');
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GError) error = NULL;
  guint n = 0;
  guint n_calls;

  g_test_summary ("What waits for the next connection is bounded as the queue is");

  open_client (f);
  large = start_large_call (f);
  test_drain ();
  raw_peer_shutdown_write (&f->server);
  WAIT_UNTIL (msgpack_rpc_client_get_status (f->client) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  msgpack_rpc_limits_set_max_queued_bytes (msgpack_rpc_client_get_limits (f->client), 100 * 1000);
  n_calls = fill_parking (f, calls);
  g_assert_cmpuint (n_calls, >, 50);
  g_assert_cmpuint (n_calls, <=, 100);

  /* What has ended waits no more. Later ids are longer. */
  for (guint i = 0; i < 10; i++)
    {
      for (guint j = 0; j < calls->len; j++)
        msgpack_rpc_call_cancel (g_ptr_array_index (calls, j));
      g_ptr_array_set_size (calls, 0);
      g_assert_cmpuint (fill_parking (f, calls), >=, n_calls - 1);
    }
  msgpack_rpc_call_cancel (g_ptr_array_index (calls, 7));
  g_assert_cmpuint (fill_parking (f, calls), ==, 1);

  for (guint i = 0; i < calls->len; i++)
    msgpack_rpc_call_cancel (g_ptr_array_index (calls, i));
  while (msgpack_rpc_peer_send_notification (f->peer, "n", g_variant_new ("(s)", text), &error))
    n++;
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_cmpuint (n, >=, n_calls - 1);
  g_assert_cmpuint (n, <=, 100);

  /* There is room for all of it on the next one. */
  raw_peer_close (&f->server);
  accept_client (f);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->server);

      g_assert_cmpuint (g_variant_n_children (message), ==, 3);
    }
}

static void
test_attempt_fails (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) queued = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(MsgpackRpcCall) often = NULL;
  g_autoptr(GAsyncResult) heard = NULL;
  g_autoptr(GVariant) news = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("An attempt that fails ends what waits for it, but not what waits until it is "
                  "ready, or may be repeated, nor notifications");

  queued = start_call (f, "queued", FALSE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  often = start_call (f, "often", TRUE, FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "news", NULL, NULL));
  msgpack_rpc_peer_send_notification_async (f->peer, "heard of", NULL, NULL, test_store_result, &heard);
  assert_failed (queued, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_true (g_str_has_prefix (msgpack_rpc_call_get_error (queued)->message, "Attempt 1: "));
  WAIT_UNTIL (heard != NULL);
  g_assert_false (msgpack_rpc_peer_send_notification_finish (f->peer, heard, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  WAIT_UNTIL (count (f, "disconnected!") >= 3);
  start_listening (f);
  accept_client (f);
  expect_and_answer (f, ready);
  expect_and_answer (f, often);
  news = raw_peer_receive (&f->server);
  test_assert_value (news, "[<int64 2>, <'news'>, <@av []>]");
}

static void
test_notification_dropped (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;

  g_test_summary ("A notification that waits does not keep its client");

  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 3);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "news", NULL, NULL));
  WAIT_UNTIL (opened != NULL);
  test_drain ();
  g_clear_object (&opened);
  g_assert_finalize_object (g_steal_pointer (&f->client));
}

static void
test_ready_expires (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("ready", NULL);
  GError *error;

  g_test_summary ("A call that waits until it is ready ends by its deadline, and says what failed");

  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (count (f, "disconnected!") >= 1);
  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  msgpack_rpc_call_set_timeout (call, 30);
  msgpack_rpc_peer_send_call (f->peer, call);
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, MSGPACK_RPC_DELIVERY_NOT_SENT);
  error = msgpack_rpc_call_get_error (call);
  g_assert_true (g_str_has_prefix (error->message, "“ready” was not sent within 30 ms: Attempt "));
  g_assert_nonnull (strstr (error->message, f->address));
}

static void
test_ready_without_policy (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) before = NULL;
  g_autoptr(MsgpackRpcCall) after = NULL;
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autoptr(GAsyncResult) opened = NULL;

  g_test_summary ("Without a policy, too, such a call waits until somebody opens the client with "
                  "success");

  msgpack_rpc_client_set_reconnect_policy (f->client, NULL);
  before = start_call (f, "before", FALSE, TRUE);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  after = start_call (f, "after", FALSE, TRUE);
  refused = start_call (f, "refused", TRUE, FALSE);
  assert_failed (refused, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_false (has_ended (before));
  g_assert_false (has_ended (after));

  open_client (f);
  expect_and_answer (f, before);
  expect_and_answer (f, after);
}

static void
test_refused_at_once (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;

  g_test_summary ("Without queueing, only what waits until it is ready is taken during the delay");

  lose_for_long (f);
  msgpack_rpc_client_set_queue_while_connecting (f->client, FALSE);
  refused = start_call (f, "refused", TRUE, FALSE);
  assert_failed (refused, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  ready = start_call (f, "ready", FALSE, TRUE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  expect_and_answer (f, ready);
}

static void
test_on_connection (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("here", NULL);

  g_test_summary ("A call of the connection itself ends with the connection");

  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (connection), call);
  raw_peer_close (&f->server);
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
}

static void
test_cancel_unsent (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) dropped = NULL;
  g_autoptr(MsgpackRpcCall) kept = NULL;

  g_test_summary ("A call that is cancelled during the delay is not sent, and touches no other");

  lose_for_long (f);
  dropped = start_call (f, "dropped", TRUE, TRUE);
  kept = start_call (f, "kept", FALSE, FALSE);
  msgpack_rpc_call_cancel (dropped);
  assert_failed (dropped, G_IO_ERROR, G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  expect_and_answer (f, kept);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/reconnect/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("sent", test_sent);
  ADD ("idempotent-expires", test_idempotent_expires);
  ADD ("unsent", test_unsent);
  ADD ("half-closed", test_half_closed);
  ADD ("parked-bound", test_parked_bound);
  ADD ("attempt-fails", test_attempt_fails);
  ADD ("notification-dropped", test_notification_dropped);
  ADD ("ready-expires", test_ready_expires);
  ADD ("ready-without-policy", test_ready_without_policy);
  ADD ("refused-at-once", test_refused_at_once);
  ADD ("on-connection", test_on_connection);
  ADD ("cancel-unsent", test_cancel_unsent);

  return g_test_run ();
}
