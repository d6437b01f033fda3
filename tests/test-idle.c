/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that do nothing are cut off if there is a limit for that, and no others. */

#include "test-server.h"

/* Long enough for those who do something to do it again. */
#define TIMEOUT (200 * test_get_slowness ())

typedef struct
{
  Fixture f;
  char *address;
  GPtrArray *kept;    /* of MsgpackRpcInvocation */
} Room;

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_ptr_array_add (data, g_object_ref (invocation));
  return TRUE;
}

static void
room_setup (Room          *self,
            gconstpointer  data)
{
  MsgpackRpcLimits *limits;
  int timeout;

  server_setup (&self->f, data);
  self->address = listen_on (self->f.server, "127.0.0.1:0");
  self->kept = g_ptr_array_new_with_free_func (g_object_unref);
  msgpack_rpc_dispatcher_add_method (self->f.dispatcher, "keep", NULL, keep_handler, self->kept,
                                     NULL);
  limits = msgpack_rpc_server_get_limits (self->f.server);
  g_assert_cmpint (msgpack_rpc_limits_get_idle_timeout (limits), ==, G_MAXINT);
  g_object_set (limits, "idle-timeout", TIMEOUT, NULL);
  g_object_get (limits, "idle-timeout", &timeout, NULL);
  g_assert_cmpint (timeout, ==, TIMEOUT);
}

static void
room_teardown (Room          *self,
               gconstpointer  data)
{
  g_ptr_array_unref (self->kept);
  WAIT_UNTIL (count_connections (&self->f) == 0);
  server_teardown (&self->f, data);
  g_free (self->address);
}

/* The peer is told, and nothing else comes before. */
static void
assert_cut_off (RawPeer *peer)
{
  g_autofree char *expected = NULL;

  expected = g_strdup_printf ("(1, 0, 'Nothing was sent or received for %d milliseconds "
                              "(idle-timeout)', @mv nothing)", TIMEOUT);
  assert_turned_away (peer, expected);
  raw_peer_clear (peer);
}

static MsgpackRpcConnection *
get_last (Room *self)
{
  return g_list_model_get_item (self->f.connections, count_connections (&self->f) - 1);
}

/* By then, whoever does nothing has been cut off: one that came later is. */
static void
outlive_another (Room    *self,
                 RawPeer *peer)
{
  RawPeer silent;

  enter (&self->f, &silent, self->address);
  assert_cut_off (&silent);
  g_assert_cmpint (peer->fd, !=, -1);
}

static void
test_silent (Room          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer silent, begins, busy;

  g_test_summary ("Silent peers, and one that stops within a message, are cut off; a busy one stays");

  enter (&self->f, &busy, self->address);
  enter (&self->f, &silent, self->address);
  enter (&self->f, &begins, self->address);
  raw_peer_send (&begins, "\x94\x00\x01\xa3" "ad", 6);
  while (count_connections (&self->f) > 1)
    assert_add (&busy);
  assert_cut_off (&silent);
  assert_cut_off (&begins);
  assert_add (&busy);
  assert_cut_off (&busy);
}

static void
test_request (Room          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;
  RawPeer peer;

  g_test_summary ("Who waits for an answer is not idle");

  enter (&self->f, &peer, self->address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'keep', @as [])"));
  WAIT_UNTIL (self->kept->len == 1);
  outlive_another (self, &peer);
  g_assert_true (msgpack_rpc_invocation_return_value (g_ptr_array_index (self->kept, 0), NULL));
  answer = raw_peer_receive (&peer);
  test_assert_value (answer, "(1, 7, @mv nothing, @mv nothing)");
  assert_cut_off (&peer);
}

static void
test_call (Room          *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) request = NULL;
  RawPeer peer;

  g_test_summary ("One of whom a reply is expected is not idle");

  enter (&self->f, &peer, self->address);
  connection = get_last (self);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "x", NULL);
  request = raw_peer_receive (&peer);
  outlive_another (self, &peer);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  assert_cut_off (&peer);
}

static void
test_paused (Room          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  RawPeer peer;

  g_test_summary ("One that nobody listens to is not idle");

  enter (&self->f, &peer, self->address);
  connection = get_last (self);
  msgpack_rpc_connection_set_paused (connection, TRUE);
  outlive_another (self, &peer);
  msgpack_rpc_connection_set_paused (connection, FALSE);
  assert_cut_off (&peer);
}

static void
test_queued (Room          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *large = g_strnfill (16 * 1024 * 1024, 'x');
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) news = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("One that has not read all yet is not idle");

  enter (&self->f, &peer, self->address);
  connection = get_last (self);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "news",
                                      g_variant_new ("(s)", large), &error);
  g_assert_no_error (error);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (connection) > 0);
  outlive_another (self, &peer);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (connection), >, 0);
  news = raw_peer_receive (&peer);
  assert_cut_off (&peer);
}

static void
change_limit_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                 MsgpackRpcConnection *connection,
                 gpointer              data)
{
  msgpack_rpc_limits_set_idle_timeout (msgpack_rpc_connection_get_limits (connection),
                                       GPOINTER_TO_INT (data));
}

static void
test_change (Room          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  RawPeer peer;
  gulong id;

  g_test_summary ("Each connection has its own limit, which may be set and taken away");

  id = g_signal_connect (self->f.server, "client-connected", G_CALLBACK (change_limit_cb),
                         GINT_TO_POINTER (G_MAXINT));
  enter (&self->f, &peer, self->address);
  g_signal_handler_disconnect (self->f.server, id);
  connection = get_last (self);
  outlive_another (self, &peer);
  change_limit_cb (NULL, connection, GINT_TO_POINTER (TIMEOUT));
  assert_add (&peer);
  change_limit_cb (NULL, connection, GINT_TO_POINTER (G_MAXINT));
  outlive_another (self, &peer);
  assert_add (&peer);
  change_limit_cb (NULL, connection, GINT_TO_POINTER (TIMEOUT));
  assert_add (&peer);
  assert_cut_off (&peer);
}

static void
test_client (Room          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (self->address);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client has a limit, too");

  msgpack_rpc_limits_set_idle_timeout (msgpack_rpc_server_get_limits (self->f.server), G_MAXINT);
  msgpack_rpc_limits_set_idle_timeout (msgpack_rpc_client_get_limits (client), 20);
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  WAIT_UNTIL (!msgpack_rpc_client_is_connected (client));
  test_drain ();
  error = msgpack_rpc_client_get_last_error (client);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "idle-timeout"));
}

static void
test_dropped (Room          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *caller, *callee;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A connection that is dropped is not kept by its limit");

  msgpack_rpc_connection_new_pair (&caller, &callee, &error);
  g_assert_no_error (error);
  change_limit_cb (NULL, caller, GINT_TO_POINTER (TIMEOUT));
  g_assert_true (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (callee), "x", NULL, NULL));
  WAIT_UNTIL (test_get_statistic (caller, "received-messages") == 1);
  test_drain ();
  g_assert_finalize_object (caller);
  g_object_unref (callee);
  test_drain ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/idle/" name, Room, NULL, room_setup, func, room_teardown)
  ADD ("silent", test_silent);
  ADD ("request", test_request);
  ADD ("call", test_call);
  ADD ("paused", test_paused);
  ADD ("queued", test_queued);
  ADD ("change", test_change);
  ADD ("client", test_client);
  ADD ("dropped", test_dropped);

  return g_test_run ();
}
