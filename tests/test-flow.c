/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How much goes in and out of a connection, and what becomes of those who go over it. */

#include "test-hostile.h"

#define KIB 1024
#define MIB (KIB * KIB)

static MsgpackRpcLimits *
get_limits (Hostile *f)
{
  return msgpack_rpc_connection_get_limits (f->connection);
}

static void
count_notify_cb (GObject    *object G_GNUC_UNUSED,
                 GParamSpec *pspec G_GNUC_UNUSED,
                 gpointer    data)
{
  ++*(guint *) data;
}

/* A notification of about @size bytes. */
static gboolean
send_bytes (MsgpackRpcConnection  *connection,
            gsize                  size,
            GError               **error)
{
  g_autofree char *text = g_strnfill (size, 'x');

  return msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "n",
                                             g_variant_new ("(s)", text), error);
}

/* Lets that much time go by, with nobody doing anything. */
static void
let_pass (int milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * (gint64) 1000;

  while (g_get_monotonic_time () < end)
    g_usleep (1000);
}

/* ---- the limits themselves ---- */

static void
test_limits (void)
{
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  guint n_notified = 0;
  guint64 size;

  g_test_summary ("Limits have documented defaults, and tell when they change");

  g_assert_cmpint (msgpack_rpc_limits_get_close_timeout (limits), ==, 5000);
  g_assert_cmpint (msgpack_rpc_limits_get_handshake_timeout (limits), ==, 10000);
  g_assert_cmpuint (msgpack_rpc_limits_get_high_water_mark (limits), ==, MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_decoded_size (limits), ==, 256 * MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_depth (limits), ==, 32);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_message_size (limits), ==, 64 * MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_nested_waits (limits), ==, 64);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_pending_message_size (limits), ==, MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_queued_bytes (limits), ==, 64 * MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_requests_in_flight (limits), ==, 128);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_unhandled_bytes (limits), ==, 64 * MIB);
  g_assert_cmpint (msgpack_rpc_limits_get_write_timeout (limits), ==, 30000);

  g_signal_connect (limits, "notify::max-message-size", G_CALLBACK (count_notify_cb), &n_notified);
  msgpack_rpc_limits_set_max_message_size (limits, G_MAXUINT32);
  msgpack_rpc_limits_set_max_message_size (limits, G_MAXUINT32);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (limits, "max-message-size", &size, NULL);
  g_assert_cmpuint (size, ==, G_MAXUINT32);

  for (guint i = 0; i < 2; i++)
    {
      g_object_set (limits,
                    "close-timeout", 1, "high-water-mark", (guint64) 2,
                    "max-decoded-size", (guint64) 3, "max-depth", 4,
                    "max-message-size", (guint64) 5, "max-queued-bytes", (guint64) 6,
                    "max-requests-in-flight", 7, "max-unhandled-bytes", (guint64) 8,
                    "write-timeout", 9, "handshake-timeout", 10,
                    "max-pending-message-size", (guint64) 11, "max-nested-waits", 12, NULL);
      g_assert_cmpuint (n_notified, ==, 2);
    }
  g_assert_cmpint (msgpack_rpc_limits_get_close_timeout (limits), ==, 1);
  g_assert_cmpuint (msgpack_rpc_limits_get_high_water_mark (limits), ==, 2);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_decoded_size (limits), ==, 3);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_depth (limits), ==, 4);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_message_size (limits), ==, 5);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_queued_bytes (limits), ==, 6);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_requests_in_flight (limits), ==, 7);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_unhandled_bytes (limits), ==, 8);
  g_assert_cmpint (msgpack_rpc_limits_get_write_timeout (limits), ==, 9);
  g_assert_cmpint (msgpack_rpc_limits_get_handshake_timeout (limits), ==, 10);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_pending_message_size (limits), ==, 11);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_nested_waits (limits), ==, 12);
}

static void
store_connection_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                     MsgpackRpcConnection *connection,
                     gpointer              data)
{
  g_set_object ((MsgpackRpcConnection **) data, connection);
}

static void
test_handed_on (void)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL, accepted = NULL;
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  g_test_summary ("A client shares its limits with its connection; a server gives each a copy");

  msgpack_rpc_limits_set_max_depth (msgpack_rpc_server_get_limits (server), 7);
  g_signal_connect (server, "client-connected", G_CALLBACK (store_connection_cb), &accepted);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);

  client = g_object_new (MSGPACK_RPC_TYPE_CLIENT,
                         "address", addresses[0], "limits", limits, NULL);
  g_assert_true (msgpack_rpc_client_get_limits (client) == limits);
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL && accepted != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (client, opened, &error));
  g_assert_no_error (error);

  connection = msgpack_rpc_client_get_connection (client);
  g_assert_true (msgpack_rpc_connection_get_limits (connection) == limits);

  limits = (g_object_unref (limits), g_object_ref (msgpack_rpc_connection_get_limits (accepted)));
  g_assert_true (limits != msgpack_rpc_server_get_limits (server));
  g_assert_cmpuint (msgpack_rpc_limits_get_max_depth (limits), ==, 7);
  msgpack_rpc_limits_set_max_depth (limits, 8);
  g_assert_cmpuint (msgpack_rpc_limits_get_max_depth (msgpack_rpc_server_get_limits (server)), ==, 7);
}

static void
test_changed_while_reading (Hostile       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A limit that is lowered counts from then on");

  hostile_send_text (f, "94 00 01 a3'add' 92 01 02");
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 3)");
  msgpack_rpc_limits_set_max_message_size (get_limits (f), 8);
  hostile_send_text (f, "94 00 01 a3'add' 92 01 02");
  if (test_transport_writes_at_once ())
    hostile_assert_told (f, NULL);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
}

/* Takes what is there, without letting the other end do anything. */
static gsize
take_some (RawPeer *raw)
{
  static char buffer[MIB];
  gssize n = recv (raw->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  return n > 0 ? (gsize) n : 0;
}

/* ---- output ---- */

static void
test_congested (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  guint n_notified = 0;

  g_test_summary ("A connection is congested from its mark on, and until half of it is left");

  g_signal_connect (f->connection, "notify::is-congested", G_CALLBACK (count_notify_cb),
                    &n_notified);
  g_assert_cmpuint (msgpack_rpc_connection_get_high_water_mark (f->connection), ==, MIB);
  msgpack_rpc_connection_set_high_water_mark (f->connection, 8 * MIB);
  g_assert_cmpuint (msgpack_rpc_limits_get_high_water_mark (get_limits (f)), ==, 8 * MIB);

  while (msgpack_rpc_connection_get_queued_bytes (f->connection) <= 7 * MIB)
    g_assert_true (send_bytes (f->connection, MIB, NULL));
  test_drain ();
  g_assert_false (msgpack_rpc_connection_is_congested (f->connection));
  g_assert_true (send_bytes (f->connection, 2 * MIB, NULL));
  g_assert_true (msgpack_rpc_connection_is_congested (f->connection));
  g_assert_cmpuint (n_notified, ==, 0);
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_true (send_bytes (f->connection, MIB, NULL));
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 1);

  while (msgpack_rpc_connection_is_congested (f->connection))
    {
      g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), >, 4 * MIB);
      g_variant_unref (raw_peer_receive (&f->raw));
    }
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), <=, 4 * MIB);
  WAIT_UNTIL (n_notified == 2);
  /* Some streams say only later that they have written the last. */
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (f->connection) == 0 ||
              (take_some (&f->raw), FALSE));
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 2);
}

static void
test_own_queue_limit (Hostile       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What does not fit into the output queue is refused by the limit's name and value");

  msgpack_rpc_limits_set_max_queued_bytes (get_limits (f), 3000000);
  while (send_bytes (f->connection, 100 * KIB, &error))
    g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), <=, 3000000);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_nonnull (strstr (error->message, "3000000"));
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), >, 2000000);

  msgpack_rpc_limits_set_max_queued_bytes (get_limits (f), 4000000);
  g_assert_true (send_bytes (f->connection, 100 * KIB, NULL));
}

/* ---- a peer that reads nothing ---- */

static void
test_stalled (Hostile       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = NULL, last = NULL;
  g_autofree char *text = g_strnfill (8 * MIB, 'x');

  g_test_summary ("A peer that takes nothing of what waits for it is given up after write-timeout");

  msgpack_rpc_limits_set_write_timeout (get_limits (f), 77);
  first = msgpack_rpc_peer_start_call (f->peer, "first", g_variant_new ("(s)", text));
  last = msgpack_rpc_peer_start_call (f->peer, "last", NULL);
  WAIT_UNTIL (f->n_closed == 1);

  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (f->error->message, "77"));
  g_assert_nonnull (strstr (f->error->message, "read"));
  g_assert_error (msgpack_rpc_call_get_error (first), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_error (msgpack_rpc_call_get_error (last), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (last), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
}

static void
test_stalled_sync (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("The same is found by whoever waits, with no loop running");

  msgpack_rpc_limits_set_write_timeout (get_limits (f), 50);
  g_assert_true (send_bytes (f->connection, 8 * MIB, NULL));
  g_assert_false (msgpack_rpc_connection_flush_sync (f->connection, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_false (msgpack_rpc_connection_is_connected (f->connection));
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static void
test_slow_is_not_stalled (Hostile       *f,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that takes some each time, and an end that is late itself, are no stall");

  g_assert_true (send_bytes (f->connection, 16 * MIB, NULL));
  test_drain ();
  for (guint i = 0; i < 8; i++)
    {
      /* The next write takes some, and has a short deadline; those in the loop have none. */
      g_assert_cmpuint (take_some (&f->raw), >, 0);
      msgpack_rpc_limits_set_write_timeout (get_limits (f), 20);
      g_assert_true (send_bytes (f->connection, 1, NULL));
      msgpack_rpc_limits_set_write_timeout (get_limits (f), G_MAXINT);
      g_assert_cmpuint (take_some (&f->raw), >, 0);
      let_pass (25);
      test_drain ();
      g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
    }

  /* When all is written, there is nothing to wait for any more. */
  while (msgpack_rpc_connection_get_queued_bytes (f->connection) > 0)
    {
      take_some (&f->raw);
      test_drain ();
    }
  msgpack_rpc_limits_set_write_timeout (get_limits (f), 1);
  let_pass (5);
  hostile_assert_idle ();
  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
}

static void
test_close_timeout (Hostile       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing waits for a peer that does not read as long as close-timeout says");

  msgpack_rpc_limits_set_close_timeout (get_limits (f), 50);
  g_assert_true (send_bytes (f->connection, 8 * MIB, NULL));
  g_assert_true (msgpack_rpc_connection_close_sync (
      f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, &error));
  g_assert_no_error (error);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* ---- pausing ---- */

static gpointer
resume_thread (gpointer data)
{
  msgpack_rpc_connection_set_paused (data, FALSE);
  return NULL;
}

static void
test_paused (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) answer = NULL;
  guint n_notified = 0;

  g_test_summary ("Paused, a connection reads nothing and sleeps; then all comes in order");

  g_signal_connect (f->connection, "notify::paused", G_CALLBACK (count_notify_cb), &n_notified);
  msgpack_rpc_connection_set_paused (f->connection, TRUE);
  msgpack_rpc_connection_set_paused (f->connection, TRUE);
  g_assert_true (msgpack_rpc_connection_get_paused (f->connection));
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 1);

  hostile_send_text (f, "94 00 01 a3'add' 92 01 02  94 00 02 a4'keep' 90  94 01 01 c0 05");
  call = msgpack_rpc_call_new ("late", NULL);
  msgpack_rpc_call_set_timeout (call, 30);
  msgpack_rpc_peer_send_call (f->peer, call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  hostile_assert_idle ();
  g_assert_cmpstr (f->log->str, ==, "");
  g_variant_unref (raw_peer_receive (&f->raw));

  g_thread_join (g_thread_new ("resume", resume_thread, f->connection));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 3)");
  WAIT_UNTIL (f->kept->len == 1 && n_notified == 2);
  g_assert_cmpstr (f->log->str, ==, "add keep ");
  WAIT_UNTIL (hostile_get_statistic (f, "late-replies") == 1);
}

/* ---- requests in flight ---- */

static void
send_requests (Hostile *f,
               guint    first,
               guint    n)
{
  for (guint i = 0; i < n; i++)
    raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, %u, 'keep', @av [])", first + i));
}

static void
test_pauses (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("At the limit of requests, reading pauses, and goes on at half of it");

  msgpack_rpc_limits_set_max_requests_in_flight (get_limits (f), 4);
  send_requests (f, 1, 9);
  WAIT_UNTIL (f->kept->len == 4);
  hostile_assert_idle ();
  g_assert_cmpuint (f->kept->len, ==, 4);

  msgpack_rpc_invocation_return_value (f->kept->pdata[0], NULL);
  test_drain ();
  g_assert_cmpuint (f->kept->len, ==, 4);
  msgpack_rpc_invocation_return_value (f->kept->pdata[1], NULL);
  WAIT_UNTIL (f->kept->len == 6);
  test_drain ();
  g_assert_cmpuint (f->kept->len, ==, 6);

  /* A limit that is raised counts with the next answer. */
  msgpack_rpc_limits_set_max_requests_in_flight (get_limits (f), 100);
  msgpack_rpc_invocation_return_value (f->kept->pdata[2], NULL);
  WAIT_UNTIL (f->kept->len == 9);
  g_assert_cmpuint (hostile_get_statistic (f, "requests-in-flight"), ==, 6);
  g_assert_cmpuint (hostile_get_statistic (f, "requests"), ==, 9);
  g_assert_cmpuint (hostile_get_statistic (f, "busy-answers"), ==, 0);
}

static void
test_stays_at_limit (Hostile       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("While a call is in flight, more requests are refused; after it, reading pauses");

  msgpack_rpc_limits_set_max_requests_in_flight (get_limits (f), 3);
  send_requests (f, 1, 3);
  WAIT_UNTIL (f->kept->len == 3);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "call", NULL);
      g_autoptr(GVariant) request = raw_peer_receive (&f->raw);
      g_autoptr(GVariant) busy = NULL;
      g_autofree char *text = NULL;

      send_requests (f, 100 + i, 1);
      busy = raw_peer_receive (&f->raw);
      text = g_variant_print (busy, FALSE);
      g_assert_nonnull (strstr (text, "limit of 3 requests"));
      raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, %u, @mv nothing, 1)", 1 + i));
      WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
    }

  send_requests (f, 200, 3);
  hostile_assert_idle ();
  g_assert_cmpuint (f->kept->len, ==, 3);
  g_assert_cmpuint (hostile_get_statistic (f, "requests-in-flight"), ==, 3);
  g_assert_cmpuint (hostile_get_statistic (f, "busy-answers"), ==, 10);

  for (guint i = 0; i < 3; i++)
    msgpack_rpc_invocation_return_value (f->kept->pdata[i], NULL);
  WAIT_UNTIL (f->kept->len == 6);
}

static gboolean
nested_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               data,
                GError               **error)
{
  Hostile *f = data;
  g_autoptr(GVariant) reply = NULL;

  /* What the peer will answer to, and more than it should. */
  send_requests (f, 7, 1);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 'inner')"));
  reply = msgpack_rpc_peer_call_sync (f->peer, "inner", NULL, NULL, error);
  if (reply == NULL)
    return FALSE;

  return msgpack_rpc_invocation_return_value (invocation, reply);
}

static void
test_nested (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) inner = NULL, busy = NULL, answer = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A handler at the limit sees the reply to its own call");

  msgpack_rpc_limits_set_max_requests_in_flight (get_limits (f), 1);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "nested", NULL, nested_handler, f, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'nested', @av [])"));
  inner = raw_peer_receive (&f->raw);
  test_assert_value (inner, "(0, 1, 'inner', @av [])");
  busy = raw_peer_receive (&f->raw);
  text = g_variant_print (busy, FALSE);
  g_assert_nonnull (strstr (text, "Busy"));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 'inner')");
  g_assert_cmpuint (f->kept->len, ==, 0);
}

/* ---- two of them ---- */

typedef struct
{
  MsgpackRpcConnection *ends[2];
  guint n_delivered[2];
  guint n_closed[2];
  GError *errors[2];
} Pair;

static guint
pair_index (Pair                 *self,
            MsgpackRpcConnection *connection)
{
  return connection == self->ends[1];
}

static void
delivered_cb (MsgpackRpcConnection *connection,
              const char           *method G_GNUC_UNUSED,
              GVariant             *params G_GNUC_UNUSED,
              gpointer              data)
{
  Pair *self = data;

  self->n_delivered[pair_index (self, connection)]++;
}

static void
pair_closed_cb (MsgpackRpcConnection *connection,
                GError               *error,
                GVariant             *incomplete G_GNUC_UNUSED,
                GVariant             *unsent G_GNUC_UNUSED,
                gpointer              data)
{
  Pair *self = data;
  guint i = pair_index (self, connection);

  self->n_closed[i]++;
  self->errors[i] = error != NULL ? g_error_copy (error) : NULL;
}

static void
pair_setup (Pair          *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  *self = (Pair) { 0 };
  msgpack_rpc_connection_new_pair (&self->ends[0], &self->ends[1], &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      g_signal_connect (self->ends[i], "notification", G_CALLBACK (delivered_cb), self);
      g_signal_connect (self->ends[i], "closed", G_CALLBACK (pair_closed_cb), self);
    }
}

static void
pair_teardown (Pair          *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  for (guint i = 0; i < 2; i++)
    msgpack_rpc_connection_close_async (self->ends[i], MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (self->n_closed[0] == 1 && self->n_closed[1] == 1);
  test_drain ();
  for (guint i = 0; i < 2; i++)
    {
      g_clear_error (&self->errors[i]);
      g_assert_finalize_object (self->ends[i]);
    }
}

static void
test_neither_reads (Pair          *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  guint n_sent[2] = { 0, 0 };

  g_test_summary ("Two that send and do not read hold up nobody, and all comes when they read");

  for (guint i = 0; i < 2; i++)
    {
      msgpack_rpc_limits_set_max_queued_bytes (msgpack_rpc_connection_get_limits (f->ends[i]), MIB);
      msgpack_rpc_connection_set_paused (f->ends[i], TRUE);
    }
  for (guint i = 0; i < 2; i++)
    while (send_bytes (f->ends[i], 1000, NULL))
      n_sent[i]++;
  hostile_assert_idle ();
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (f->n_delivered[i], ==, 0);
      g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->ends[i]), <=, MIB);
    }

  for (guint i = 0; i < 2; i++)
    msgpack_rpc_connection_set_paused (f->ends[i], FALSE);
  WAIT_UNTIL (f->n_delivered[0] == n_sent[1] && f->n_delivered[1] == n_sent[0]);
}

static void
test_neither_reads_ever (Pair          *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Two that never read give each other up");

  for (guint i = 0; i < 2; i++)
    {
      msgpack_rpc_limits_set_write_timeout (msgpack_rpc_connection_get_limits (f->ends[i]), 50);
      msgpack_rpc_connection_set_paused (f->ends[i], TRUE);
      g_assert_true (send_bytes (f->ends[i], 8 * MIB, NULL));
    }
  WAIT_UNTIL (f->n_closed[0] + f->n_closed[1] > 0);
  g_assert_error (f->errors[f->n_closed[0] == 0], G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  /* The other may find that its peer has gone, before it has waited as long. */
  for (guint i = 0; i < 2; i++)
    msgpack_rpc_connection_set_paused (f->ends[i], FALSE);
  WAIT_UNTIL (f->n_closed[0] == 1 && f->n_closed[1] == 1);
}

static gboolean
echo_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static gboolean
all_done (GPtrArray *calls)
{
  for (guint i = 0; i < calls->len; i++)
    if (msgpack_rpc_call_get_state (calls->pdata[i]) == MSGPACK_RPC_CALL_STATE_PENDING)
      return FALSE;

  return TRUE;
}

#define N_FLOOD 300

static void
test_both_flood (Pair          *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autofree char *text = g_strnfill (16 * KIB, 'x');
  guint n_results = 0;

  g_test_summary ("Two that flood each other with calls at the limit get all their replies");

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_handler, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      msgpack_rpc_connection_set_dispatcher (f->ends[i], dispatcher);
      msgpack_rpc_limits_set_max_requests_in_flight (msgpack_rpc_connection_get_limits (f->ends[i]),
                                                     8);
    }
  for (guint i = 0; i < 2 * N_FLOOD; i++)
    g_ptr_array_add (calls, msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (f->ends[i % 2]), "echo",
                                                         g_variant_new ("(s)", text)));
  WAIT_UNTIL (all_done (calls));

  for (guint i = 0; i < calls->len; i++)
    {
      const GError *error = msgpack_rpc_call_get_error (calls->pdata[i]);

      n_results += error == NULL;
      if (error != NULL)
        g_assert_nonnull (strstr (error->message, "Busy"));
    }
  g_assert_cmpuint (n_results, >=, 16);
  g_assert_cmpuint (n_results + test_get_statistic (f->ends[0], "busy-answers") +
                      test_get_statistic (f->ends[1], "busy-answers"),
                    ==, 2 * N_FLOOD);
}

typedef struct
{
  MsgpackRpcConnection *connection;
  int stop;
} Meddler;

/* Changes and reads all that may be, in no context. */
static gpointer
meddle (gpointer data)
{
  Meddler *self = data;
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (self->connection);

  for (guint i = 0; !g_atomic_int_get (&self->stop); i++)
    {
      msgpack_rpc_connection_set_paused (self->connection, i % 2);
      msgpack_rpc_connection_set_high_water_mark (self->connection, i % 3 * 10 * KIB);
      msgpack_rpc_limits_set_max_requests_in_flight (limits, 1 + i % 5);
      msgpack_rpc_limits_set_max_message_size (limits, MIB + i % 7);
      msgpack_rpc_limits_set_write_timeout (limits, G_MAXINT - (int) (i % 2));
      msgpack_rpc_connection_is_congested (self->connection);
      g_variant_unref (msgpack_rpc_connection_get_statistics (self->connection));
      g_thread_yield ();
    }

  msgpack_rpc_connection_set_paused (self->connection, FALSE);
  return NULL;
}

static void
test_threads (Pair          *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  Meddler meddlers[2] = { { f->ends[0], FALSE }, { f->ends[1], FALSE } };
  GThread *threads[2];
  g_autofree char *text = g_strnfill (4 * KIB, 'x');

  g_test_summary ("Limits, pausing and statistics are for any thread, while messages go both ways");

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_handler, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      msgpack_rpc_connection_set_dispatcher (f->ends[i], dispatcher);
      threads[i] = g_thread_new ("meddle", meddle, &meddlers[i]);
    }
  for (guint i = 0; i < 2 * N_FLOOD; i++)
    {
      g_ptr_array_add (calls, msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (f->ends[i % 2]), "echo",
                                                           g_variant_new ("(s)", text)));
      if (i % 16 == 0)
        test_drain ();
    }
  WAIT_UNTIL (all_done (calls));
  for (guint i = 0; i < 2; i++)
    {
      g_atomic_int_set (&meddlers[i].stop, TRUE);
      g_thread_join (threads[i]);
      g_assert_true (msgpack_rpc_connection_is_connected (f->ends[i]));
      g_assert_cmpuint (test_get_statistic (f->ends[i], "calls-in-flight"), ==, 0);
      WAIT_UNTIL (test_get_statistic (f->ends[i], "requests-in-flight") == 0);
    }
}

/* ---- what was counted ---- */

static void
test_statistics (Pair          *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  g_test_summary ("Statistics count what went in and out, by kind");

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (f->ends[1], dispatcher);
  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (calls, msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (f->ends[0]),
                                                         i == 0 ? "nothing" : "echo", NULL));
  g_assert_true (send_bytes (f->ends[0], 100, NULL));
  WAIT_UNTIL (all_done (calls) && f->n_delivered[1] == 1);

  g_assert_cmpuint (test_get_statistic (f->ends[0], "calls"), ==, 3);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "calls-in-flight"), ==, 0);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "error-replies"), ==, 1);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "requests"), ==, 0);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "sent-messages"), ==, 4);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "received-messages"), ==, 3);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "queued-bytes"), ==, 0);
  g_assert_cmpuint (test_get_statistic (f->ends[0], "queued-bytes-peak"), >, 0);
  g_assert_cmpuint (test_get_statistic (f->ends[1], "requests"), ==, 3);
  g_assert_cmpuint (test_get_statistic (f->ends[1], "error-answers"), ==, 1);
  g_assert_cmpuint (test_get_statistic (f->ends[1], "sent-messages"), ==, 3);
  g_assert_cmpuint (test_get_statistic (f->ends[1], "received-messages"), ==, 4);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (test_get_statistic (f->ends[i], "sent-bytes"), ==,
                      test_get_statistic (f->ends[1 - i], "received-bytes"));
  /* [0, 1, "nothing", []], [0, 2, "echo", []], [0, 3, "echo", []], [2, "n", ["x…"]] */
  g_assert_cmpuint (test_get_statistic (f->ends[0], "sent-bytes"), ==, 12 + 9 + 9 + 107);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/flow/" name, Hostile, NULL, hostile_setup, function, hostile_teardown)
#define ADD_PAIR(name, function) \
  g_test_add ("/msgpack-rpc/flow/" name, Pair, NULL, pair_setup, function, pair_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/flow/limits", test_limits);
  g_test_add_func ("/msgpack-rpc/flow/handed-on", test_handed_on);
  ADD ("changed-while-reading", test_changed_while_reading);
  ADD ("congested", test_congested);
  ADD ("own-queue-limit", test_own_queue_limit);
  ADD ("stalled", test_stalled);
  ADD ("stalled-sync", test_stalled_sync);
  /* What the peer takes makes room at once: not in pipes, plain, pollable, split and tls, where a relay
   * stands between the two. */
  if (!test_transport_is_relayed ())
    ADD ("slow-is-not-stalled", test_slow_is_not_stalled);
  ADD ("close-timeout", test_close_timeout);
  ADD ("paused", test_paused);
  ADD ("pauses", test_pauses);
  ADD ("stays-at-limit", test_stays_at_limit);
  ADD ("nested", test_nested);
  ADD_PAIR ("neither-reads", test_neither_reads);
  ADD_PAIR ("neither-reads-ever", test_neither_reads_ever);
  ADD_PAIR ("both-flood", test_both_flood);
  ADD_PAIR ("threads", test_threads);
  ADD_PAIR ("statistics", test_statistics);

  return g_test_run ();
}
