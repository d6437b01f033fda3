/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Topics between more than two: servers that share a dispatcher, dispatchers in a chain; and what is left
 * of a subscription that was given up. */

#include "test-util.h"

static void
published_cb (MsgpackRpcPeer *peer G_GNUC_UNUSED,
              const char     *topic,
              GVariant       *value,
              gpointer        user_data)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append_printf (user_data, "%s=%s ", topic, text);
}

static void
publish (MsgpackRpcTopic *topic,
         const char      *text)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_topic_publish (topic, g_variant_new_string (text), &error);
  g_assert_no_error (error);
}

static void
subscribe (gpointer  peer,
           GString  *seen)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_signal_connect (peer, "published", G_CALLBACK (published_cb), seen);
  msgpack_rpc_peer_subscribe_async (peer, "t", NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_subscribe_finish (peer, result, &error));
  g_assert_no_error (error);
}

static void
unsubscribe (gpointer peer)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_unsubscribe_async (peer, "t", NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_unsubscribe_finish (peer, result, &error));
  g_assert_no_error (error);
}

static MsgpackRpcClient *
enter (MsgpackRpcServer *server)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  MsgpackRpcClient *client;

  g_assert_no_error (error);
  client = msgpack_rpc_client_new (addresses[0]);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  return client;
}

static void
test_two_servers (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "t", NULL);
  MsgpackRpcServer *servers[2];
  MsgpackRpcClient *clients[2];
  GString *seen[2];

  g_test_summary ("The clients of two servers subscribe to the topics of one dispatcher");

  for (guint i = 0; i < 2; i++)
    {
      servers[i] = msgpack_rpc_server_new ();
      msgpack_rpc_server_set_dispatcher (servers[i], dispatcher);
      clients[i] = enter (servers[i]);
      seen[i] = g_string_new (NULL);
      subscribe (clients[i], seen[i]);
    }
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 2);

  publish (topic, "a");
  WAIT_UNTIL (seen[0]->len > 0 && seen[1]->len > 0);

  /* One of them goes, with its clients. */
  g_socket_service_stop (G_SOCKET_SERVICE (servers[0]));
  msgpack_rpc_client_close_async (clients[0], MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (topic) == 1);
  g_clear_object (&servers[0]);
  publish (topic, "b");
  WAIT_UNTIL (g_str_has_suffix (seen[1]->str, "'b' "));
  g_assert_cmpstr (seen[0]->str, ==, "t='a' ");
  g_assert_cmpstr (seen[1]->str, ==, "t='a' t='b' ");

  for (guint i = 0; i < 2; i++)
    {
      g_object_unref (clients[i]);
      g_string_free (seen[i], TRUE);
    }
  WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (topic) == 0);
  g_clear_object (&servers[1]);
}

static void
test_chain (void)
{
  g_autoptr(MsgpackRpcDispatcher) front = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) next = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (next, "t", NULL);
  g_autoptr(MsgpackRpcTopic) nearer = NULL;
  g_autoptr(MsgpackRpcConnection) publisher = NULL;
  g_autoptr(MsgpackRpcConnection) subscriber = NULL;
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A topic of the next dispatcher is found, and one in front of it comes first");

  g_assert_true (msgpack_rpc_dispatcher_set_next (front, next));
  g_assert_true (msgpack_rpc_connection_new_pair (&publisher, &subscriber, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (publisher, front);
  subscribe (subscriber, seen);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 1);
  publish (topic, "a");
  WAIT_UNTIL (seen->len > 0);
  g_assert_cmpstr (seen->str, ==, "t='a' ");
  unsubscribe (subscriber);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);

  nearer = msgpack_rpc_dispatcher_add_topic (front, "t", NULL);
  g_signal_handlers_disconnect_by_func (subscriber, published_cb, seen);
  subscribe (subscriber, seen);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (nearer), ==, 1);
}

/* How many requests have come. */
static guint64
get_n_requests (MsgpackRpcConnection *connection)
{
  g_autoptr(GVariant) statistics = msgpack_rpc_connection_get_statistics (connection);
  guint64 n = 0;

  g_assert_true (g_variant_lookup (statistics, "requests", "t", &n));
  return n;
}

static void
test_cancelled (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "t", NULL);
  g_autoptr(MsgpackRpcConnection) publisher = NULL;
  g_autoptr(MsgpackRpcConnection) subscriber = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(MsgpackRpcCall) ping = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A subscription that was given up is none, here and there, and may be asked for again");

  g_assert_true (msgpack_rpc_connection_new_pair (&publisher, &subscriber, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (publisher, dispatcher);

  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (subscriber), "t", cancellable, test_store_result,
                                    &result);
  /* It was sent, so that the publisher does what it was asked for. */
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_peer_subscribe_finish (MSGPACK_RPC_PEER (subscriber), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  /* What is answered now comes behind it. */
  ping = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (subscriber), "rpc.ping", NULL);
  WAIT_UNTIL (msgpack_rpc_call_get_state (ping) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_assert_cmpuint (get_n_requests (publisher), ==, 2);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
  g_assert_false (msgpack_rpc_peer_unsubscribe_sync (MSGPACK_RPC_PEER (subscriber), "t", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  subscribe (subscriber, seen);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 1);
  publish (topic, "a");
  WAIT_UNTIL (seen->len > 0);
  g_assert_cmpstr (seen->str, ==, "t='a' ");
  unsubscribe (subscriber);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/topic-ends/two-servers", test_two_servers);
  g_test_add_func ("/msgpack-rpc/topic-ends/chain", test_chain);
  g_test_add_func ("/msgpack-rpc/topic-ends/cancelled", test_cancelled);

  return g_test_run ();
}
