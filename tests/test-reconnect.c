/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A client that connects again: when it does, and what is told of it. */

#include "test-reconnect.h"

/* ---- the policy ---- */

static void
count_notified (guint *n)
{
  (*n)++;
}

static void
test_property (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (f->address);
  g_autoptr(MsgpackRpcReconnectPolicy) policy = NULL;
  gpointer alive;
  guint n = 0;

  g_test_summary ("A client has no policy unless it is given one");

  g_signal_connect_swapped (client, "notify::reconnect-policy", G_CALLBACK (count_notified), &n);
  g_assert_null (msgpack_rpc_client_get_reconnect_policy (client));
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 0);
  g_object_set (client, "reconnect-policy", f->policy, NULL);
  msgpack_rpc_client_set_reconnect_policy (client, f->policy);
  policy = msgpack_rpc_client_get_reconnect_policy (client);
  g_assert_true (policy == f->policy);
  test_drain ();
  g_assert_cmpuint (n, ==, 1);
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 2);
  g_clear_object (&policy);

  /* What was got stays, whoever sets another one meanwhile. */
  policy = msgpack_rpc_reconnect_policy_new ();
  alive = policy;
  g_object_add_weak_pointer (alive, &alive);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  g_object_unref (policy);
  policy = msgpack_rpc_client_get_reconnect_policy (client);
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  g_assert_nonnull (alive);
  g_clear_object (&policy);
  g_assert_null (alive);
}

/* ---- when it connects ---- */

static void
test_before_server (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) last_error = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client that is there before its server connects when that comes");

  f->inside = TRUE;
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  f->inside = FALSE;
  WAIT_UNTIL (count (f, "disconnected!") >= 3);
  g_assert_null (opened);
  g_assert_true (g_str_has_prefix (f->log->str, "connecting disconnected! connecting disconnected! "
                                                "connecting disconnected! "));
  for (guint i = 0; i < 3; i++)
    {
      GError *reason = g_ptr_array_index (f->errors, i);
      g_autofree char *start = g_strdup_printf ("Attempt %u: ", i + 1);

      g_assert_true (g_str_has_prefix (reason->message, start));
      g_assert_nonnull (strstr (reason->message, f->address));
      g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
  last_error = msgpack_rpc_client_get_last_error (f->client);
  g_assert_error (last_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  start_listening (f);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_no_error (error);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected! connecting connected "));
}

static void
test_max_attempts (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("The last attempt that a policy allows ends what waits, with an error that names "
                  "it; opening begins anew");

  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 3);
  for (guint i = 1; i <= 2; i++)
    {
      msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
      WAIT_UNTIL (opened != NULL);
      g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_assert_true (g_str_has_prefix (error->message, "Attempt 3 of 3: "));
      g_assert_nonnull (strstr (error->message, f->address));
      WAIT_UNTIL (count (f, "disconnected!") == 3 * i);
      g_clear_object (&opened);
      g_clear_error (&error);
    }

  call = start_call (f, "late", FALSE, FALSE);
  assert_failed (call, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_nonnull (strstr (msgpack_rpc_call_get_error (call)->message, "Attempt 3 of 3"));
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 6);
}

static void
test_bad_address (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What can never succeed is not tried again");

  set_client (f, msgpack_rpc_client_new ("tcp://"));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  WAIT_UNTIL (f->n_changes == 2);
  g_assert_cmpstr (f->log->str, ==, "connecting disconnected! ");
}

static void
test_lost (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) after = NULL;
  GError *reason;

  g_test_summary ("A client that has lost its connection connects again, and says why at each step");

  open_client (f);
  for (guint i = 1; i <= 3; i++)
    {
      g_string_truncate (f->log, 0);
      raw_peer_close (&f->server);
      accept_client (f);
      WAIT_UNTIL (g_str_has_suffix (f->log->str, "connected ") &&
                  f->last_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
      g_assert_cmpstr (f->log->str, ==, "closing! disconnected connecting connected ");
    }
  reason = g_ptr_array_index (f->errors, 0);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_CLOSED);

  after = start_call (f, "after", FALSE, FALSE);
  expect_and_answer (f, after);
}

static void
test_sync_lost (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("again", NULL);
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A thread that waits for a call sees to it by itself that the client connects again");

  open_client (f);
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (f->peer, call);
  expect_request (f, "again");
  raw_peer_close (&f->server);
  stop_listening (f);

  /* No loop runs from here on; the server comes back before the call's deadline, in a thread. */
  g_assert_null (result);
  {
    g_autoptr(GSubprocess) answers = NULL;

    answers = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "/usr/bin/python3", "-c",
                                "import os, socket, sys\n"
                                "os.unlink(sys.argv[1])\n"
                                "s = socket.socket(socket.AF_UNIX)\n"
                                "s.bind(sys.argv[1])\n"
                                "s.listen()\n"
                                "c, _ = s.accept()\n"
                                "r = c.recv(100)\n"
                                "c.sendall(bytes([0x94, 1]) + r[2:3] + bytes([0xc0, 7]))\n"
                                "c.recv(1)\n",
                                f->path, NULL);
    g_assert_no_error (error);
    result = msgpack_rpc_call_wait (call, NULL, &error);
    g_assert_no_error (error);
    test_assert_value (result, "7");
    g_assert_true (msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, &error));
    g_assert_true (g_subprocess_wait_check (answers, NULL, &error));
  }
}

static void
test_stream (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = NULL;

  g_test_summary ("A stream cannot be had a second time");

  stream = raw_peer_init_transport (&f->server, "plain");
  set_client (f, msgpack_rpc_client_new_for_stream (stream));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (f->client));
  raw_peer_close (&f->server);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 1);
}

static void
test_other_end (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_test_summary ("Closing the connection is not closing the client");

  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                      NULL);
  accept_client (f);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected connecting connected "));
}

typedef struct
{
  Fixture *f;
  GString *log;
} Attempts;

static void
attempt_notified_cb (MsgpackRpcClient *client,
                     GParamSpec       *pspec G_GNUC_UNUSED,
                     Attempts         *attempts)
{
  g_assert_false (attempts->f->inside);
  g_string_append_printf (attempts->log, "%u ", msgpack_rpc_client_get_attempt (client));
}

static void
test_attempt (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(GAsyncResult) opened = NULL;
  Attempts attempts = { f, log };
  guint number;

  g_test_summary ("The number of an attempt is a property, told in the client's context, never twice");

  g_signal_connect (f->client, "notify::attempt", G_CALLBACK (attempt_notified_cb), &attempts);
  g_assert_cmpuint (msgpack_rpc_client_get_attempt (f->client), ==, 0);
  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 3);
  f->inside = TRUE;
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  f->inside = FALSE;
  WAIT_UNTIL (opened != NULL);
  test_drain ();
  g_assert_cmpstr (log->str, ==, "1 2 3 ");
  g_clear_object (&opened);

  /* Opening begins anew, and ends at 0. */
  g_string_truncate (log, 0);
  start_listening (f);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  test_drain ();
  g_assert_true (g_str_has_suffix (log->str, "0 "));
  g_object_get (f->client, "attempt", &number, NULL);
  g_assert_cmpuint (number, ==, 0);

  /* What is over before the loop runs is told to nobody. */
  g_string_truncate (log, 0);
  msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  f->inside = TRUE;
  g_assert_true (msgpack_rpc_client_open_sync (f->client, NULL, NULL));
  f->inside = FALSE;
  test_drain ();
  g_assert_cmpstr (log->str, ==, "");

  /* A client that was closed makes no attempt. */
  stop_listening (f);
  g_unlink (f->path);
  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 0);
  msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_get_attempt (f->client) > 1);
  f->inside = TRUE;
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  f->inside = FALSE;
  g_assert_cmpuint (msgpack_rpc_client_get_attempt (f->client), ==, 0);
  test_drain ();
  g_assert_true (g_str_has_suffix (log->str, " 0 "));
  g_signal_handlers_disconnect_by_data (f->client, &attempts);
}

/* ---- the delay ---- */

static void
test_close_in_delay (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) queued = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(MsgpackRpcCall) later = NULL;
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing ends the delay at once, and all that waits");

  lose_for_long (f);
  queued = start_call (f, "queued", TRUE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  g_assert_false (has_ended (queued));
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  g_assert_true (has_ended (queued));
  WAIT_UNTIL (closed != NULL);
  g_assert_true (msgpack_rpc_client_close_finish (f->client, closed, &error));
  assert_failed (queued, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  later = start_call (f, "later", FALSE, FALSE);
  assert_failed (later, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpuint (count (f, "connecting"), ==, 1);
  g_assert_false (try_accept (f));

  /* It may be opened again. */
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
}

static void
test_open_in_delay (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Opening does not wait for the end of the delay");

  lose_for_long (f);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_no_error (error);
}

static void
test_cancel_in_delay (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling to open ends the delay, and what waits");

  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, HOUR);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
  msgpack_rpc_client_open_async (f->client, cancellable, test_store_result, &opened);
  WAIT_UNTIL (count (f, "disconnected!") == 1);
  ready = start_call (f, "ready", FALSE, TRUE);
  g_cancellable_cancel (cancellable);
  g_assert_true (has_ended (ready));
  WAIT_UNTIL (opened != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  test_drain ();
  g_assert_cmpstr (f->log->str, ==, "connecting disconnected! ");
}

static gpointer
unref_in_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
count_lost_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
               MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
               MsgpackRpcConnectionStatus  new_status,
               GError                     *error G_GNUC_UNUSED,
               gpointer                    n_lost)
{
  *(guint *) n_lost += new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED ? 1 : 0;
}

static void
test_drop_in_delay (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  guint n_fds;

  g_test_summary ("The last reference may be dropped during the delay, in any thread");

  g_clear_object (&f->client);
  /* What GLib opens once in a process is none of what is counted. */
  g_network_monitor_get_default ();
  start_listening (f);
  test_drain ();
  n_fds = count_fds ();
  for (guint i = 0; i < 40; i++)
    {
      MsgpackRpcClient *client = msgpack_rpc_client_new (f->address);
      gpointer gone = client;
      guint n_lost = 0;

      g_signal_connect (client, "status-changed", G_CALLBACK (count_lost_cb), &n_lost);
      msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, i % 3 == 0 ? HOUR : 1);
      msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
      msgpack_rpc_client_set_reconnect_policy (client, f->policy);
      g_object_add_weak_pointer (G_OBJECT (client), &gone);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      accept_client (f);
      WAIT_UNTIL (msgpack_rpc_client_is_connected (client));
      test_drain ();
      raw_peer_close (&f->server);
      WAIT_UNTIL (n_lost > 0);
      for (guint j = 0; j < i % 7; j++)
        g_main_context_iteration (NULL, FALSE);

      if (i % 2 == 0)
        g_thread_join (g_thread_new ("drop", unref_in_thread, client));
      else
        g_object_unref (client);
      WAIT_UNTIL (gone == NULL);
      /* It may have connected again: that is not the next one's. */
      while (try_accept (f))
        ;
    }

  test_drain ();
  clear_server (f);
  WAIT_UNTIL (count_fds () <= n_fds);
}

static void
test_policy_removed (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Without its policy the client stops with the attempt that comes next");

  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (count (f, "disconnected!") >= 1);
  msgpack_rpc_client_set_reconnect_policy (f->client, NULL);
  WAIT_UNTIL (opened != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  test_drain ();
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/reconnect/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("property", test_property);
  ADD ("before-server", test_before_server);
  ADD ("max-attempts", test_max_attempts);
  ADD ("bad-address", test_bad_address);
  ADD ("lost", test_lost);
  ADD ("sync-lost", test_sync_lost);
  ADD ("stream", test_stream);
  ADD ("other-end", test_other_end);
  ADD ("close-in-delay", test_close_in_delay);
  ADD ("open-in-delay", test_open_in_delay);
  ADD ("cancel-in-delay", test_cancel_in_delay);
  ADD ("drop-in-delay", test_drop_in_delay);
  ADD ("policy-removed", test_policy_removed);
  ADD ("attempt", test_attempt);

  return g_test_run ();
}
