/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A peer that says nothing: when a client asks it, what it tells, and that it does nothing else. */

#include "test-util.h"

#include <sys/socket.h>
#include <unistd.h>

/* In milliseconds. */
#define SOON 5
#define HOUR (60 * 60 * 1000)

typedef struct
{
  GSocketListener *listener;
  RawPeer server;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;  /* the client */
  GString *log;          /* of what is told of stalling */
  guint n_replies;       /* that are signalled */
  guint n_changes;       /* of the status */
} Fixture;

static void
stalled_cb (MsgpackRpcClient *client,
            GParamSpec       *pspec G_GNUC_UNUSED,
            gpointer          data)
{
  g_string_append (((Fixture *) data)->log,
                   msgpack_rpc_client_get_stalled (client) ? "stalled " : "there ");
}

static void
count_cb (guint *n)
{
  (*n)++;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = NULL;
  g_autoptr(GError) error = NULL;
  guint16 port;

  f->log = g_string_new (NULL);
  f->server.fd = -1;
  f->listener = g_socket_listener_new ();
  g_socket_listener_set_backlog (f->listener, 64);
  port = g_socket_listener_add_any_inet_port (f->listener, NULL, &error);
  g_assert_no_error (error);

  address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  f->client = msgpack_rpc_client_new (address);
  f->peer = MSGPACK_RPC_PEER (f->client);
  msgpack_rpc_client_set_default_timeout (f->client, G_MAXINT);
  g_signal_connect (f->client, "notify::stalled", G_CALLBACK (stalled_cb), f);
  g_signal_connect_swapped (f->client, "reply", G_CALLBACK (count_cb), &f->n_replies);
}

static void
open_client (Fixture *f)
{
  g_autoptr(GAsyncResult) accepted = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  g_socket_listener_accept_socket_async (f->listener, NULL, test_store_result, &accepted);
  WAIT_UNTIL (accepted != NULL && msgpack_rpc_client_is_connected (f->client));
  socket = g_socket_listener_accept_socket_finish (f->listener, accepted, NULL, &error);
  g_assert_no_error (error);
  raw_peer_take (&f->server, dup (g_socket_get_fd (socket)));
  test_drain ();
  g_signal_connect_swapped (f->client, "status-changed", G_CALLBACK (count_cb), &f->n_changes);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  g_assert_finalize_object (f->client);
  if (f->server.unpacker != NULL)
    raw_peer_clear (&f->server);
  g_socket_listener_close (f->listener);
  g_object_unref (f->listener);
  g_string_free (f->log, TRUE);
}

static void
answer (Fixture    *f,
        GVariant   *request,
        const char *error)
{
  g_autoptr(GVariant) id = g_variant_get_child_value (request, 1);
  g_autoptr(GVariant) number = g_variant_get_variant (id);

  raw_peer_send_value (&f->server, g_variant_new ("(ixss)", 1, g_variant_get_int64 (number), error,
                                                  "x"));
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *method = msgpack_rpc_client_get_ping_method (f->client);
  guint n = 0;

  g_test_summary ("Pings and TCP's own are off by default; changes are notified of, once");

  g_assert_cmpstr (method, ==, "rpc.ping");
  g_assert_cmpint (msgpack_rpc_client_get_ping_interval (f->client), ==, 0);
  g_assert_cmpint (msgpack_rpc_client_get_stall_timeout (f->client), ==, 10000);
  g_assert_false (msgpack_rpc_client_get_tcp_keepalive (f->client));
  g_assert_false (msgpack_rpc_client_get_stalled (f->client));

  test_drain ();
  g_signal_connect_swapped (f->client, "notify", G_CALLBACK (count_cb), &n);
  for (guint i = 0; i < 2; i++)
    g_object_set (f->client, "ping-method", "p", "ping-interval", 7, "stall-timeout", 8,
                  "tcp-keepalive", TRUE, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 4);
}

static int
get_keepalive (MsgpackRpcClient *client)
{
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  int value = -1;

  g_assert_true (g_socket_get_option (socket, SOL_SOCKET, SO_KEEPALIVE, &value, NULL));
  return value;
}

static void
test_tcp (Fixture       *f,
          gconstpointer  data)
{
  g_test_summary ("The kernel is asked for what the property says, before or while connected");

  msgpack_rpc_client_set_tcp_keepalive (f->client, data != NULL);
  open_client (f);
  g_assert_cmpint (get_keepalive (f->client), ==, data != NULL ? 1 : 0);
  msgpack_rpc_client_set_tcp_keepalive (f->client, data == NULL);
  g_assert_cmpint (get_keepalive (f->client), ==, data != NULL ? 0 : 1);
}

static void
test_ping (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A silent peer is called again and again, and any answer will do; nobody hears of it");

  msgpack_rpc_client_set_ping_interval (f->client, SOON);
  msgpack_rpc_client_set_stall_timeout (f->client, HOUR);
  open_client (f);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr(GVariant) request = raw_peer_receive (&f->server);
      g_autoptr(GVariant) name = g_variant_get_child_value (request, 2);
      g_autoptr(GVariant) params = g_variant_get_child_value (request, 3);

      test_assert_value (name, i < 3 ? "<'rpc.ping'>" : "<'other'>");
      test_assert_value (params, "<@av []>");
      if (i == 2)
        msgpack_rpc_client_set_ping_method (f->client, "other");
      answer (f, request, "no such method");
    }
  g_assert_cmpstr (f->log->str, ==, "");
  g_assert_cmpuint (f->n_replies, ==, 0);
}

static void
test_ping_late (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GVariant) next = NULL;

  g_test_summary ("Pings can be turned on and off while connected; there is one at a time");

  open_client (f);
  msgpack_rpc_client_set_ping_interval (f->client, SOON);
  request = raw_peer_receive (&f->server);
  msgpack_rpc_client_set_stall_timeout (f->client, SOON);
  WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
  answer (f, request, "x");
  WAIT_UNTIL (!msgpack_rpc_client_get_stalled (f->client));
  next = raw_peer_receive (&f->server);
  g_assert_false (g_variant_equal (request, next));
  msgpack_rpc_client_set_ping_interval (f->client, 0);
  answer (f, next, "x");
  test_drain ();
  g_assert_true (msgpack_rpc_client_is_connected (f->client));
}

static void
test_busy (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) request = NULL;

  g_test_summary ("A peer that is busy stalls, is left alone, and is there again when it says something");

  msgpack_rpc_client_set_stall_timeout (f->client, SOON);
  open_client (f);
  test_drain ();
  g_assert_false (msgpack_rpc_client_get_stalled (f->client));
  for (guint i = 0; i < 3; i++)
    {
      call = msgpack_rpc_peer_start_call (f->peer, "slow", NULL);
      WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
      request = raw_peer_receive (&f->server);
      /* Nothing is sent but what the application sends. */
      answer (f, request, "x");
      WAIT_UNTIL (!msgpack_rpc_client_get_stalled (f->client) &&
                  msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
      g_clear_object (&call);
      g_clear_pointer (&request, g_variant_unref);
    }
  g_assert_cmpstr (f->log->str, ==, "stalled there stalled there stalled there ");
  g_assert_cmpuint (f->n_changes, ==, 0);
  g_assert_cmpuint (f->n_replies, ==, 3);
}

static void
test_late (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  gint64 end;

  g_test_summary ("A peer is overdue with a call that waited longer than that for the connection, too");

  msgpack_rpc_client_set_stall_timeout (f->client, SOON);
  call = msgpack_rpc_peer_start_call (f->peer, "slow", NULL);
  /* Until whatever the call has started has looked, and found no connection. */
  end = g_get_monotonic_time () + 20 * SOON * 1000;
  WAIT_UNTIL (g_get_monotonic_time () > end);
  g_assert_cmpstr (f->log->str, ==, "");
  open_client (f);
  WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
  msgpack_rpc_call_cancel (call);
}

static void
test_talkative (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  gint64 end;

  g_test_summary ("A peer that answers late but says something else meanwhile has not stalled, nor has "
                  "one that nobody waits for");

  msgpack_rpc_client_set_stall_timeout (f->client, 200 * test_get_slowness ());
  open_client (f);
  call = msgpack_rpc_peer_start_call (f->peer, "slow", NULL);
  end = g_get_monotonic_time () + 500 * test_get_slowness () * 1000;
  /* For more than twice the time that it may be silent. */
  WAIT_UNTIL_WITH (g_get_monotonic_time () > end,
                   { raw_peer_send (&f->server, "\x93\x02\xa1n\x90", 5);
                     g_main_context_iteration (NULL, FALSE); });
  g_assert_cmpstr (f->log->str, ==, "");

  WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
  msgpack_rpc_call_cancel (call);
  WAIT_UNTIL (!msgpack_rpc_client_get_stalled (f->client));
  g_assert_cmpstr (f->log->str, ==, "stalled there ");
}

static void
test_paused (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  gint64 end;

  g_test_summary ("A peer that is not read has not stalled");

  msgpack_rpc_client_set_stall_timeout (f->client, SOON);
  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  msgpack_rpc_connection_set_paused (connection, TRUE);
  call = msgpack_rpc_peer_start_call (f->peer, "slow", NULL);
  end = g_get_monotonic_time () + 20 * SOON * 1000;
  WAIT_UNTIL (g_get_monotonic_time () > end);
  g_assert_cmpstr (f->log->str, ==, "");
  msgpack_rpc_connection_set_paused (connection, FALSE);
  WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
}

static void
test_gone (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A peer that is gone is no more overdue");

  msgpack_rpc_client_set_stall_timeout (f->client, SOON);
  msgpack_rpc_client_set_ping_interval (f->client, SOON);
  open_client (f);
  call = msgpack_rpc_peer_start_call (f->peer, "slow", NULL);
  WAIT_UNTIL (msgpack_rpc_client_get_stalled (f->client));
  raw_peer_close (&f->server);
  WAIT_UNTIL (!msgpack_rpc_client_get_stalled (f->client));
  WAIT_UNTIL (msgpack_rpc_client_get_status (f->client) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_assert_cmpstr (f->log->str, ==, "stalled there ");
}

static void
test_after_reconnect (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  g_autoptr(GVariant) ping = NULL;
  g_autoptr(GVariant) next = NULL;

  g_test_summary ("A ping ends with its connection; the next connection has its own");

  msgpack_rpc_reconnect_policy_set_initial_delay (policy, 1);
  msgpack_rpc_client_set_reconnect_policy (f->client, policy);
  msgpack_rpc_client_set_ping_interval (f->client, SOON);
  open_client (f);
  ping = raw_peer_receive (&f->server);
  raw_peer_clear (&f->server);
  open_client (f);
  next = raw_peer_receive (&f->server);
  test_assert_value (next, "[<int64 0>, <int64 1>, <'rpc.ping'>, <@av []>]");
}

static gpointer
drop (gpointer client)
{
  g_object_unref (client);
  return NULL;
}

static void
test_drop (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A client that pings can be dropped at any time, in any thread");

  for (guint i = 0; i < 30; i++)
    {
      gpointer client = msgpack_rpc_client_new (msgpack_rpc_client_get_address (f->client));
      GThread *thread;

      msgpack_rpc_client_set_ping_interval (client, 1);
      msgpack_rpc_client_set_stall_timeout (client, 1);
      g_object_add_weak_pointer (client, &client);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      WAIT_UNTIL (msgpack_rpc_client_is_connected (client));
      if (i % 3 != 0)
        WAIT_UNTIL (msgpack_rpc_client_get_stalled (client));
      thread = g_thread_new ("drop", drop, client);
      WAIT_UNTIL (client == NULL);
      g_thread_join (thread);
    }
}

#define ADD_DATA(name, function, data) \
  g_test_add ("/msgpack-rpc/keepalive/" name, Fixture, data, setup, function, teardown)
#define ADD(name, function) ADD_DATA (name, function, NULL)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("properties", test_properties);
  ADD_DATA ("tcp-on", test_tcp, "on");
  ADD_DATA ("tcp-off", test_tcp, NULL);
  ADD ("ping", test_ping);
  ADD ("ping-late", test_ping_late);
  ADD ("busy", test_busy);
  ADD ("late", test_late);
  ADD ("talkative", test_talkative);
  ADD ("paused", test_paused);
  ADD ("gone", test_gone);
  ADD ("after-reconnect", test_after_reconnect);
  ADD ("drop", test_drop);

  return g_test_run ();
}
