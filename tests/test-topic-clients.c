/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Subscribing: clients and connections, also when they connect again. */

#include "test-topics.h"

static void
published_cb (MsgpackRpcPeer *peer,
              const char     *topic,
              GVariant       *value,
              gpointer        user_data)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append_printf (user_data, "%s=%s ", topic, text);
}

static void
lost_cb (MsgpackRpcPeer *peer,
         const char     *topic,
         const GError   *error,
         gpointer        user_data)
{
  g_string_append_printf (user_data, "%s lost: %s", topic, error->message);
}

static void
assert_subscribed (gpointer       peer,
                   const char    *topic,
                   GAsyncResult **result)
{
  g_autoptr(GAsyncResult) owned = NULL;
  g_autoptr(GError) error = NULL;

  WAIT_UNTIL (*result != NULL);
  owned = g_steal_pointer (result);
  msgpack_rpc_peer_subscribe_finish (peer, owned, &error);
  g_assert_no_error (error);
}

static void
test_client (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autoptr(MsgpackRpcTopic) other = add_topic (f, "other", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (client);
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client subscribes before it is connected, is told, counts, and unsubscribes");

  g_signal_connect (client, "published::t", G_CALLBACK (published_cb), seen);
  msgpack_rpc_peer_subscribe_async (peer, "t", NULL, test_store_result, &result);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  assert_subscribed (client, "t", &result);
  msgpack_rpc_peer_subscribe_async (peer, "t", NULL, test_store_result, &result);
  assert_subscribed (client, "t", &result);
  msgpack_rpc_peer_subscribe_async (peer, "other", NULL, test_store_result, &result);
  assert_subscribed (client, "other", &result);

  publish (topic, 1);
  publish (other, 2);
  publish (topic, 3);
  WAIT_UNTIL (g_str_has_suffix (seen->str, "3 "));
  g_assert_cmpstr (seen->str, ==, "t=1 t=3 ");

  msgpack_rpc_peer_unsubscribe_async (peer, "t", NULL, test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_unsubscribe_finish (peer, result, &error));
  g_assert_no_error (error);
  g_clear_object (&result);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 1);
  msgpack_rpc_peer_unsubscribe_async (peer, "t", NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_unsubscribe_finish (peer, result, &error));
  g_assert_no_error (error);
  g_clear_object (&result);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);

  g_assert_false (msgpack_rpc_peer_unsubscribe_sync (peer, "t", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  msgpack_rpc_peer_subscribe_async (peer, "none", NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_peer_subscribe_finish (peer, result, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_nonnull (strstr (error->message, "There is no topic “none”"));

  g_clear_object (&result);
  g_clear_object (&client);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
drop_connections (Fixture *f)
{
  for (guint i = 0; i < count_connections (f); i++)
    {
      g_autoptr(MsgpackRpcConnection) connection = ref_connection (f, i);

      msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
    }
}

static void
test_reconnect (Fixture       *f,
                gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) first = add_topic (f, "first", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autoptr(MsgpackRpcTopic) second = add_topic (f, "second", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GAsyncResult) result = NULL;

  g_test_summary ("A client that connects again has subscribed again, or is told why not");

  g_object_set (policy, "initial-delay", 1, NULL);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  g_signal_connect (client, "published", G_CALLBACK (published_cb), seen);
  g_signal_connect (client, "subscription-lost::second", G_CALLBACK (lost_cb), seen);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (client), "first", NULL, test_store_result,
                                    &result);
  assert_subscribed (client, "first", &result);
  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (client), "second", NULL, test_store_result,
                                    &result);
  assert_subscribed (client, "second", &result);

  for (guint i = 0; i < 2; i++)
    {
      drop_connections (f);
      WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (first) == 0);
      WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (first) == 1 &&
                  msgpack_rpc_topic_get_n_subscribers (second) == 1);
      publish (first, i);
      publish (second, i);
      WAIT_UNTIL (g_str_has_suffix (seen->str, i == 0 ? "second=0 " : "second=1 "));
    }
  g_assert_cmpstr (seen->str, ==, "first=0 second=0 first=1 second=1 ");
  g_string_truncate (seen, 0);

  msgpack_rpc_dispatcher_remove_topic (f->dispatcher, "second");
  drop_connections (f);
  WAIT_UNTIL (seen->len > 0);
  g_assert_true (g_str_has_prefix (seen->str, "second lost: "));
  g_assert_nonnull (strstr (seen->str, "There is no topic “second”"));
  WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (first) == 1);

  g_clear_object (&client);
  WAIT_UNTIL (count_connections (f) == 0);
}

/* A raw server sees what comes first. */
static void
test_first (void)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  g_autofree char *address = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GAsyncResult) accepted = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;
  guint16 port;

  g_test_summary ("Subscribing again comes before all that has waited for the connection");

  port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_assert_no_error (error);
  address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  client = msgpack_rpc_client_new (address);
  g_object_set (policy, "initial-delay", 1, NULL);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (client), "t", NULL, test_store_result, &result);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GSocketConnection) stream = NULL;

      g_socket_listener_accept_async (listener, NULL, test_store_result, &accepted);
      WAIT_UNTIL (accepted != NULL);
      stream = g_socket_listener_accept_finish (listener, accepted, NULL, &error);
      g_assert_no_error (error);
      g_clear_object (&accepted);
      raw_peer_take (&peer, dup (g_socket_get_fd (g_socket_connection_get_socket (stream))));
      g_clear_object (&stream);
      if (i == 1)
        break;

      assert_receives (&peer, "(0, 1, 'rpc.subscribe', ['t'])");
      send_text (&peer, "(1, 1, @mv nothing, @mv nothing)");
      assert_subscribed (client, "t", &result);
      raw_peer_clear (&peer);
      WAIT_UNTIL (!msgpack_rpc_client_is_connected (client));
      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (client), "waited", NULL, NULL);
    }

  {
    g_autoptr(GVariant) message = raw_peer_receive (&peer);
    g_autoptr(GVariant) method = NULL;

    g_variant_get_child (message, 2, "v", &method);
    g_assert_cmpstr (g_variant_get_string (method, NULL), ==, "rpc.subscribe");
  }
  assert_receives (&peer, "(2, 'waited', @av [])");

  g_clear_object (&client);
  raw_peer_clear (&peer);
  test_drain ();
}

static void
test_connections (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "t", NULL);
  g_autoptr(MsgpackRpcConnection) publisher = NULL;
  g_autoptr(MsgpackRpcConnection) subscriber = NULL;
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Connections subscribe as clients do");

  msgpack_rpc_connection_new_pair (&publisher, &subscriber, &error);
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (publisher, dispatcher);
  g_signal_connect (subscriber, "published", G_CALLBACK (published_cb), seen);
  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (subscriber), "t", NULL, test_store_result,
                                    &result);
  assert_subscribed (subscriber, "t", &result);
  msgpack_rpc_topic_publish (topic, NULL, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (seen->len > 0);
  g_assert_cmpstr (seen->str, ==, "t=nothing ");

  g_clear_object (&subscriber);
  WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (topic) == 0);
}

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/topic-clients/" name, Fixture, NULL, server_setup, func, server_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("client", test_client);
  ADD ("reconnect", test_reconnect);
  g_test_add_func ("/msgpack-rpc/topic-clients/first", test_first);
  g_test_add_func ("/msgpack-rpc/topic-clients/connections", test_connections);

  return g_test_run ();
}
