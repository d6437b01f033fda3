/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Who suffices to be let in by a server, and how many from where. */

#include "test-server.h"

#define ALL_POLICIES                                                          \
  (MSGPACK_RPC_ACCEPT_POLICY_SAME_USER | MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK | \
   MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT | MSGPACK_RPC_ACCEPT_POLICY_TOKEN)

#define TOO_MANY(text) "(1, 0, 'There are too many connections" text "', @mv nothing)"

/* A peer that comes from another of the addresses that this machine has. */
static void
come_from (RawPeer    *peer,
           const char *address,
           const char *local)
{
  g_autoptr(GSocketClient) client = g_socket_client_new ();
  g_autoptr(GSocketConnectable) connectable = connectable_new (address);
  g_autoptr(GSocketAddress) from = g_inet_socket_address_new_from_string (local, 0);
  g_autoptr(GSocketConnection) connection = NULL;
  g_autoptr(GError) error = NULL;

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_local_address (client, from);
  connection = g_socket_client_connect (client, connectable, NULL, &error);
  g_assert_no_error (error);
  raw_peer_take (peer, dup (g_socket_get_fd (g_socket_connection_get_socket (connection))));
}

static void
count_notify_cb (GObject    *object G_GNUC_UNUSED,
                 GParamSpec *pspec G_GNUC_UNUSED,
                 gpointer    data)
{
  ++*(guint *) data;
}

static void
assert_denied (const char *address)
{
  RawPeer peer;

  raw_peer_init_connected (&peer, address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
}

static void
assert_let_in (Fixture    *f,
               const char *address)
{
  RawPeer peer;

  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_policy (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *tcp = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *path = path_address (f, "s");
  g_autofree char *local = listen_on (f->server, path);
  MsgpackRpcAcceptPolicy policy;
  guint n_notified = 0;

  g_test_summary ("Each way to be let in suffices by itself, and can be closed");

  g_signal_connect (f->server, "notify::policy", G_CALLBACK (count_notify_cb), &n_notified);
  policy = msgpack_rpc_server_get_policy (f->server);
  g_assert_cmpuint (policy, ==, ALL_POLICIES);
  assert_let_in (f, tcp);
  assert_let_in (f, local);

  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  assert_denied (tcp);
  assert_let_in (f, local);

  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK);
  assert_let_in (f, tcp);
  assert_denied (local);

  g_object_set (f->server, "policy", MSGPACK_RPC_ACCEPT_POLICY_NONE, NULL);
  g_object_get (f->server, "policy", &policy, NULL);
  g_assert_cmpuint (policy, ==, MSGPACK_RPC_ACCEPT_POLICY_NONE);
  assert_denied (tcp);
  assert_denied (local);
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_NONE);
  g_assert_cmpuint (n_notified, ==, 3);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_stays (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peer;

  g_test_summary ("A policy that becomes stricter sends nobody away who is there");

  enter (f, &peer, address);
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_NONE);
  assert_denied (address);
  assert_add (&peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_remote_needs_loopback (Fixture       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");

  g_test_summary ("That remote peers are allowed opens nothing that is closed for this machine");

  msgpack_rpc_server_set_allow_remote (f->server, TRUE);
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  assert_denied (address);
  msgpack_rpc_server_set_policy (f->server, ALL_POLICIES);
  assert_let_in (f, address);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_per_user (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *tcp = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *path = path_address (f, "s");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer first, second, other;

  g_test_summary ("One user has no more connections than he may, and others feel nothing");

  g_assert_cmpuint (msgpack_rpc_server_get_max_connections_per_user (f->server), ==, G_MAXUINT);
  g_object_set (f->server, "max-connections-per-user", 1, NULL);
  enter (f, &first, address);
  for (guint i = 0; i < 10; i++)
    {
      raw_peer_init_connected (&second, address);
      assert_turned_away (&second, TOO_MANY (" of this user (max-connections-per-user is 1)"));
      raw_peer_clear (&second);
    }

  /* It says nothing of TCP, where nobody knows who it is. */
  enter (f, &other, tcp);
  assert_add (&other);
  assert_add (&first);
  raw_peer_clear (&first);
  WAIT_UNTIL (count_connections (f) == 1);
  enter (f, &second, address);
  assert_add (&second);
  raw_peer_clear (&second);
  raw_peer_clear (&other);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_per_address (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer first, second, other;
  guint max;

  g_test_summary ("One address has no more connections than it may, and others feel nothing");

  g_assert_cmpuint (msgpack_rpc_server_get_max_connections_per_address (f->server), ==, G_MAXUINT);
  msgpack_rpc_server_set_max_connections_per_address (f->server, 1);
  g_object_get (f->server, "max-connections-per-address", &max, NULL);
  g_assert_cmpuint (max, ==, 1);
  enter (f, &first, address);
  for (guint i = 0; i < 10; i++)
    {
      raw_peer_init_connected (&second, address);
      assert_turned_away (&second, TOO_MANY (" from this address (max-connections-per-address is 1)"));
      raw_peer_clear (&second);
    }

  come_from (&other, address, "127.0.0.2");
  assert_add (&other);
  come_from (&second, address, "127.0.0.2");
  assert_turned_away (&second, TOO_MANY (" from this address (max-connections-per-address is 1)"));
  raw_peer_clear (&second);
  assert_add (&first);
  raw_peer_clear (&first);
  WAIT_UNTIL (count_connections (f) == 1);
  assert_let_in (f, address);
  raw_peer_clear (&other);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_refused_cost_nothing (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *tcp = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *path = path_address (f, "s");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer good, bad;

  g_test_summary ("A thousand peers are turned away while one is served, and leave nothing behind");

  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  enter (f, &good, address);
  for (guint i = 0; i < 1000; i++)
    {
      raw_peer_init_connected (&bad, tcp);
      raw_peer_send_value (&bad, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
      assert_add (&good);
      raw_peer_wait_closed (&bad);
      raw_peer_clear (&bad);
    }

  g_assert_cmpuint (f->n_connected, ==, 1);
  g_assert_cmpuint (count_connections (f), ==, 1);
  g_assert_cmpuint (msgpack_rpc_server_get_buffered_bytes (f->server), ==, 0);
  raw_peer_clear (&good);
  WAIT_UNTIL (count_connections (f) == 0);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(0-1+0)-");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/policy/" name, Fixture, NULL, server_setup, func, server_teardown)
  ADD ("policy", test_policy);
  ADD ("stays", test_stays);
  ADD ("remote-needs-loopback", test_remote_needs_loopback);
  ADD ("per-user", test_per_user);
  ADD ("per-address", test_per_address);
  ADD ("refused-cost-nothing", test_refused_cost_nothing);

  return g_test_run ();
}
