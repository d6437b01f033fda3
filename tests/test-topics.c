/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Publishing: over sockets, with raw peers that subscribe. */

#include "test-topics.h"

#define KIB 1024

/* A call of a raw peer, and its answer, which comes before anything else. */
static void
assert_request (RawPeer    *peer,
                const char *request,
                const char *expected)
{
  g_autoptr(GVariant) reply = NULL;

  send_text (peer, request);
  reply = raw_peer_receive (peer);
  test_assert_value (reply, expected);
}

static void
subscribe (RawPeer    *peer,
           const char *topic)
{
  g_autofree char *request = g_strdup_printf ("(0, 1, 'rpc.subscribe', ['%s'])", topic);

  assert_request (peer, request, "(1, 1, @mv nothing, @mv nothing)");
}

/* So large that a few fill the buffers of a socket. */
static GVariant *
large_value (guint8 number)
{
  g_autofree guint8 *bytes = g_malloc (32 * KIB);

  memset (bytes, number, 32 * KIB);
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 32 * KIB, 1);
}

static void
publish_large (MsgpackRpcTopic *topic,
               const char      *key,
               guint8           number)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_topic_publish_with_key (topic, key, large_value (number), &error);
  g_assert_no_error (error);
}

/* The number of a large publication that has come. */
static guint8
receive_large (RawPeer *peer)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GVariant) value = NULL;
  gsize size;
  const guint8 *bytes;

  g_variant_get_child (message, 2, "v", &params);
  g_variant_get_child (params, 0, "v", &value);
  bytes = g_variant_get_fixed_array (value, &size, 1);
  g_assert_cmpuint (size, ==, 32 * KIB);
  return bytes[size - 1];
}

static void
test_peers (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (f->dispatcher, "ticks", "x");
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  g_autoptr(GError) error = NULL;
  RawPeer peers[3];

  g_test_summary ("A topic is two methods and notifications, to those who have subscribed");

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    enter (f, &peers[i], address);
  subscribe (&peers[0], "ticks");
  subscribe (&peers[1], "ticks");
  subscribe (&peers[1], "ticks");
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 2);

  publish (topic, 1);
  msgpack_rpc_server_publish (f->server, "ticks", g_variant_new_int64 (2), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      assert_receives (&peers[i], "(2, 'ticks', [1])");
      assert_receives (&peers[i], "(2, 'ticks', [2])");
    }
  assert_add (&peers[2]);

  assert_request (&peers[0], "(0, 2, 'rpc.unsubscribe', ['ticks'])",
                  "(1, 2, @mv nothing, @mv nothing)");
  assert_request (&peers[0], "(0, 3, 'rpc.unsubscribe', ['ticks'])",
                  "(1, 3, @mv nothing, @mv nothing)");
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 1);
  publish (topic, 3);
  assert_receives (&peers[1], "(2, 'ticks', [3])");
  assert_add (&peers[0]);

  raw_peer_clear (&peers[1]);
  WAIT_UNTIL (msgpack_rpc_topic_get_n_subscribers (topic) == 0);
  publish (topic, 4);
  raw_peer_clear (&peers[0]);
  raw_peer_clear (&peers[2]);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_errors (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr(GVariant) request = test_parse ("(0, 1, 'rpc.subscribe', ['ticks'])");
  g_autoptr(MsgpackRpcTopic) topic = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = NULL;
  RawPeer peer;

  g_test_summary ("What a peer or a publisher gets wrong is an error that says what");

  enter (f, &peer, address);
  assert_request (&peer, "(0, 1, 'rpc.subscribe', ['ticks'])",
                  "(1, 1, 'There is no method “rpc.subscribe”', @mv nothing)");

  topic = msgpack_rpc_dispatcher_add_topic (f->dispatcher, "ticks", "x");
  g_assert_null (msgpack_rpc_dispatcher_add_topic (f->dispatcher, "ticks", NULL));
  assert_request (&peer, "(0, 1, 'rpc.subscribe', ['tocks'])",
                  "(1, 1, 'There is no topic “tocks”', @mv nothing)");
  assert_request (&peer, "(0, 1, 'rpc.unsubscribe', ['tocks'])",
                  "(1, 1, 'There is no topic “tocks”', @mv nothing)");
  assert_request (&peer, "(0, 1, 'rpc.subscribe', [1])",
                  "(1, 1, 'expected a string at params[0], got a number', @mv nothing)");
  assert_request (&peer, "(0, 1, 'rpc.subscribe', @av [])",
                  "(1, 1, 'rpc.subscribe() takes 1 argument (0 given)', @mv nothing)");

  subscribe (&peer, "ticks");
  g_assert_false (msgpack_rpc_topic_publish (topic, g_variant_new_string ("x"), &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_cmpstr (error->message, ==, "Topic “ticks” takes a value of type “x”, not “s”");
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_dispatcher_publish (f->dispatcher, "tocks", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOPIC_NOT_FOUND);
  g_clear_error (&error);
  assert_add (&peer);

  reply = msgpack_rpc_dispatcher_dispatch (f->dispatcher,
                                           request, &error);
  g_assert_no_error (error);
  test_assert_value (reply, "(1, 1, 'There is no connection to publish to', @mv nothing)");

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static gboolean
refuse_cb (MsgpackRpcDispatcher *dispatcher,
           MsgpackRpcInvocation *invocation,
           gpointer              user_data)
{
  g_autoptr(GVariant) params = g_variant_ref_sink (msgpack_rpc_invocation_get_params (invocation));
  g_autofree char *text = g_variant_print (params, FALSE);

  return strstr (text, "secret") == NULL;
}

static void
test_limits (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  const char *names[] = { "a", "b", "c", "secret" };
  RawPeer peer;

  g_test_summary ("How many topics a peer subscribes to is limited, and which ones can be asked");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (msgpack_rpc_dispatcher_add_topic (f->dispatcher, names[i], NULL));
  g_signal_connect (f->dispatcher, "authorize::rpc.subscribe", G_CALLBACK (refuse_cb), NULL);
  msgpack_rpc_limits_set_max_subscriptions (msgpack_rpc_server_get_limits (f->server), 2);
  enter (f, &peer, address);
  assert_request (&peer, "(0, 1, 'rpc.subscribe', ['secret'])",
                  "(1, 1, 'access denied: rpc.subscribe()', @mv nothing)");
  subscribe (&peer, "a");
  subscribe (&peer, "b");
  subscribe (&peer, "a");
  assert_request (&peer, "(0, 1, 'rpc.subscribe', ['c'])",
                  "(1, 1, 'The limit of 2 subscriptions is reached: unsubscribe from another topic first',"
                  " @mv nothing)");
  assert_request (&peer, "(0, 2, 'rpc.unsubscribe', ['a'])", "(1, 2, @mv nothing, @mv nothing)");
  subscribe (&peer, "c");

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

/* The slow one gets the newest; @n of them wait at most. */
static void
test_drop_oldest (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_DROP_OLDEST, 4);
  g_autoptr(MsgpackRpcConnection) slow_connection = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  guint n_lost = 0;
  RawPeer slow, fast;
  int last = -1;

  g_test_summary ("A slow subscriber loses the oldest, takes no more memory, and disturbs nobody");

  enter (f, &slow, address);
  slow_connection = ref_connection (f, 0);
  enter (f, &fast, address);
  subscribe (&slow, "t");
  subscribe (&fast, "t");

  for (guint i = 0; i < 200; i++)
    {
      publish_large (topic, "", (guint8) i);
      g_assert_cmpuint (receive_large (&fast), ==, i);
      g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (slow_connection), <, 400 * KIB);
    }
  g_assert_cmpuint (msgpack_rpc_topic_get_n_dropped (topic), >, 100);

  while (last != 199)
    {
      int next = receive_large (&slow);

      g_assert_cmpint (next, >, last);
      n_lost += (guint) (next - last - 1);
      last = next;
    }
  g_assert_cmpuint (n_lost, ==, msgpack_rpc_topic_get_n_dropped (topic));
  assert_add (&slow);

  raw_peer_clear (&slow);
  raw_peer_clear (&fast);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_conflate (Fixture       *f,
               gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_CONFLATE, 2);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer peer;

  g_test_summary ("Of each key the newest is sent, once in a turn of the loop; the keys are bounded");

  enter (f, &peer, address);
  subscribe (&peer, "t");
  for (guint i = 0; i < 1000; i++)
    {
      msgpack_rpc_topic_publish_with_key (topic, "a", g_variant_new ("(si)", "a", i), NULL);
      msgpack_rpc_topic_publish_with_key (topic, "b", g_variant_new ("(si)", "b", i), NULL);
    }
  assert_receives (&peer, "(2, 't', [('a', 999)])");
  assert_receives (&peer, "(2, 't', [('b', 999)])");
  assert_add (&peer);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_dropped (topic), ==, 0);

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      msgpack_rpc_topic_publish_with_key (topic, key, g_variant_new_uint32 (i), NULL);
    }
  assert_receives (&peer, "(2, 't', [3])");
  assert_receives (&peer, "(2, 't', [4])");
  assert_add (&peer);
  g_assert_cmpuint (msgpack_rpc_topic_get_n_dropped (topic), ==, 3);

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_conflate_slow (Fixture       *f,
                    gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_CONFLATE, 8);
  g_autoptr(MsgpackRpcConnection) slow_connection = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer slow, fast;
  int last = -1;

  g_test_summary ("A slow subscriber gets fewer values, the last one among them, and disturbs nobody");

  enter (f, &slow, address);
  slow_connection = ref_connection (f, 0);
  enter (f, &fast, address);
  subscribe (&slow, "t");
  subscribe (&fast, "t");

  for (guint i = 0; i < 200; i++)
    {
      publish_large (topic, "a", (guint8) i);
      g_assert_cmpuint (receive_large (&fast), ==, i);
      g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (slow_connection), <, 100 * KIB);
    }

  while (last != 199)
    {
      int next = receive_large (&slow);

      g_assert_cmpint (next, >, last);
      last = next;
    }
  assert_add (&slow);

  raw_peer_clear (&slow);
  raw_peer_clear (&fast);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_conflate_closing (Fixture       *f,
                       gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_CONFLATE, 64);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  guint n_turns = 0;
  RawPeer peer;

  g_test_summary ("What waits for a subscriber that reads nothing costs no time while it is closed");

  enter (f, &peer, address);
  connection = ref_connection (f, 0);
  subscribe (&peer, "t");
  for (guint8 i = 0; i < 40; i++)
    publish_large (topic, (char[]) { (char) ('a' + i), '\0' }, i);
  test_drain ();
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (connection), >, 0);
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                      NULL);
  publish_large (topic, "a", 40);
  while (n_turns < 1000 && g_main_context_iteration (NULL, FALSE))
    n_turns++;
  g_assert_cmpuint (n_turns, <, 100);
  g_assert_cmpint (msgpack_rpc_connection_get_status (connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
publish_large_async (MsgpackRpcTopic  *topic,
                     guint8            number,
                     GCancellable     *cancellable,
                     GAsyncResult    **result)
{
  msgpack_rpc_topic_publish_async (topic, large_value (number), cancellable, test_store_result, result);
  g_assert_null (*result);
}

static gboolean
finish (MsgpackRpcTopic  *topic,
        GAsyncResult    **result,
        GError          **error)
{
  g_autoptr(GAsyncResult) owned = g_steal_pointer (result);

  return msgpack_rpc_topic_publish_finish (topic, owned, error);
}

/* Until somebody has no room, or was disconnected before that could be seen. */
static guint8
publish_until_paused (MsgpackRpcTopic  *topic,
                      RawPeer          *fast,
                      GCancellable     *cancellable,
                      GAsyncResult    **result)
{
  guint n_subscribers = msgpack_rpc_topic_get_n_subscribers (topic);
  guint8 n = 0;

  for (;;)
    {
      publish_large_async (topic, n, cancellable, result);
      g_assert_cmpuint (receive_large (fast), ==, n);
      n++;
      test_drain ();
      if (*result == NULL || msgpack_rpc_topic_get_n_subscribers (topic) < n_subscribers)
        return n;

      g_assert_true (finish (topic, result, NULL));
    }
}

static void
test_pause (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autoptr(MsgpackRpcConnection) slow_connection = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GAsyncResult) second = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer slow, fast;
  guint8 n;

  g_test_summary ("Publishing waits for a slow subscriber; cancelling, reading and leaving end that");

  enter (f, &slow, address);
  slow_connection = ref_connection (f, 0);
  enter (f, &fast, address);
  subscribe (&slow, "t");
  subscribe (&fast, "t");

  n = publish_until_paused (topic, &fast, cancellable, &result);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (slow_connection), <=, 100 * KIB);
  g_cancellable_cancel (cancellable);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_false (finish (topic, &result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  publish_large_async (topic, n, NULL, &result);
  g_assert_cmpuint (receive_large (&fast), ==, n);
  g_assert_null (result);
  for (guint i = 0; i <= n; i++)
    g_assert_cmpuint (receive_large (&slow), ==, i);
  WAIT_UNTIL (result != NULL);
  g_assert_true (finish (topic, &result, NULL));
  g_assert_cmpuint (msgpack_rpc_topic_get_n_dropped (topic), ==, 0);

  /* Two wait, and the one that they wait for unsubscribes: nothing more comes. */
  n = publish_until_paused (topic, &fast, NULL, &result);
  publish_large_async (topic, n, NULL, &second);
  g_assert_cmpuint (receive_large (&fast), ==, n);
  send_text (&slow, "(0, 9, 'rpc.unsubscribe', ['t'])");
  WAIT_UNTIL (result != NULL && second != NULL);
  g_assert_true (finish (topic, &result, NULL));
  g_assert_true (finish (topic, &second, NULL));

  /* The same for one that hangs up. */
  raw_peer_clear (&slow);
  WAIT_UNTIL (count_connections (f) == 1);
  enter (f, &slow, address);
  subscribe (&slow, "t");
  publish_until_paused (topic, &fast, NULL, &result);
  raw_peer_clear (&slow);
  WAIT_UNTIL (result != NULL);
  g_assert_true (finish (topic, &result, NULL));

  raw_peer_clear (&fast);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_pause_ends (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (f->server);
  g_autoptr(GAsyncResult) result = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer stuck, fast;

  g_test_summary ("One that reads nothing is disconnected: by the time, or by what it would take");

  enter (f, &fast, address);
  msgpack_rpc_limits_set_write_timeout (limits, 50);
  enter (f, &stuck, address);
  subscribe (&fast, "t");
  subscribe (&stuck, "t");
  publish_until_paused (topic, &fast, NULL, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (finish (topic, &result, NULL));
  WAIT_UNTIL (count_connections (f) == 1);
  raw_peer_clear (&stuck);

  msgpack_rpc_limits_set_write_timeout (limits, G_MAXINT);
  msgpack_rpc_limits_set_max_queued_bytes (limits, 200 * KIB);
  enter (f, &stuck, address);
  subscribe (&stuck, "t");
  for (guint8 i = 0; msgpack_rpc_topic_get_n_subscribers (topic) == 2; i++)
    {
      g_assert_cmpuint (i, <, 100);
      publish_large (topic, "", i);
      g_assert_cmpuint (receive_large (&fast), ==, i);
    }
  WAIT_UNTIL (count_connections (f) == 1);
  raw_peer_clear (&stuck);

  raw_peer_clear (&fast);
  WAIT_UNTIL (count_connections (f) == 0);
}

static gpointer
publish_sync_thread (gpointer data)
{
  MsgpackRpcTopic *topic = data;
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < 100; i++)
    {
      msgpack_rpc_topic_publish_sync (topic, large_value ((guint8) i), NULL, &error);
      g_assert_no_error (error);
    }

  return NULL;
}

static void
test_pause_sync (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 2);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  GThread *thread;
  RawPeer peer;

  g_test_summary ("A thread that publishes blocks until there is room");

  enter (f, &peer, address);
  connection = ref_connection (f, 0);
  subscribe (&peer, "t");
  thread = g_thread_new ("publisher", publish_sync_thread, topic);
  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpuint (receive_large (&peer), ==, i);
      g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (connection), <, 100 * KIB);
    }
  g_thread_join (thread);

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

/* ---- order, and threads ---- */

#define N_PUBLISHERS 4
#define N_PUBLICATIONS 200

static gpointer
publisher_thread (gpointer data)
{
  for (guint i = 0; i < N_PUBLICATIONS; i++)
    publish (data, i);
  return NULL;
}

static void
test_order (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_PAUSE, 3);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  GThread *threads[N_PUBLISHERS];
  RawPeer peers[3];

  g_test_summary ("Several threads publish, and all subscribers get the same in the same order");

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      enter (f, &peers[i], address);
      subscribe (&peers[i], "t");
    }
  for (guint i = 0; i < N_PUBLISHERS; i++)
    threads[i] = g_thread_new ("publisher", publisher_thread, topic);

  for (guint n = 0; n < N_PUBLISHERS * N_PUBLICATIONS; n++)
    {
      g_autoptr(GVariant) first = raw_peer_receive (&peers[0]);

      for (guint i = 1; i < G_N_ELEMENTS (peers); i++)
        {
          g_autoptr(GVariant) other = raw_peer_receive (&peers[i]);

          g_assert_true (g_variant_equal (first, other));
        }
    }

  for (guint i = 0; i < N_PUBLISHERS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_clear (&peers[i]);
  WAIT_UNTIL (count_connections (f) == 0);
}

static gboolean
publish_around_handler (MsgpackRpcInvocation  *invocation,
                        GVariant              *params,
                        gpointer               user_data,
                        GError               **error)
{
  publish (user_data, 1);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("reply"));
  publish (user_data, 2);
  return TRUE;
}

static void
test_order_of_replies (Fixture       *f,
                       gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_DROP_OLDEST, 3);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer peer;

  g_test_summary ("What was published before an answer comes before it, and what after comes after");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "go", NULL, publish_around_handler,
                                     g_object_ref (topic), g_object_unref);
  enter (f, &peer, address);
  subscribe (&peer, "t");
  send_text (&peer, "(0, 5, 'go', @av [])");
  assert_receives (&peer, "(2, 't', [1])");
  assert_receives (&peer, "(1, 5, @mv nothing, 'reply')");
  assert_receives (&peer, "(2, 't', [2])");

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static int stop_churn; /* atomic */
static int n_churning; /* atomic */

static gpointer
churn_thread (gpointer data)
{
  const char *address = data;

  while (!g_atomic_int_get (&stop_churn))
    {
      g_autoptr(MsgpackRpcClient) client = NULL;
      g_autoptr(GMainContext) context = g_main_context_new ();

      g_main_context_push_thread_default (context);
      client = msgpack_rpc_client_new (address);
      if (msgpack_rpc_client_open_sync (client, NULL, NULL))
        {
          msgpack_rpc_peer_subscribe_sync (MSGPACK_RPC_PEER (client), "t", NULL, NULL);
          if (g_random_boolean ())
            msgpack_rpc_peer_unsubscribe_sync (MSGPACK_RPC_PEER (client), "t", NULL, NULL);
        }
      g_clear_object (&client);
      g_main_context_pop_thread_default (context);
    }

  g_atomic_int_add (&n_churning, -1);
  return NULL;
}

static void
test_churn (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  GThread *threads[3];

  g_test_summary ("Peers come and go while it is published, and while topics come and go");

  g_atomic_int_set (&stop_churn, FALSE);
  g_atomic_int_set (&n_churning, G_N_ELEMENTS (threads));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("churn", churn_thread, address);

  for (guint i = 0; i < 60; i++)
    {
      g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", i % 3, 1 + i % 5);
      guint n = f->n_connected;
      GThread *publisher = g_thread_new ("publisher", publisher_thread, topic);

      WAIT_UNTIL (f->n_connected >= n + 2);
      g_assert_true (msgpack_rpc_dispatcher_remove_topic (f->dispatcher, "t"));
      g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
      g_thread_join (publisher);
    }

  g_atomic_int_set (&stop_churn, TRUE);
  WAIT_UNTIL (g_atomic_int_get (&n_churning) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  WAIT_UNTIL (count_connections (f) == 0);
}

/* ---- topics that go ---- */

static void
test_removed (Fixture       *f,
              gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = add_topic (f, "t", MSGPACK_RPC_TOPIC_POLICY_CONFLATE, 3);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer peer;

  g_test_summary ("What was published before a topic is removed still comes, and nothing after it");

  enter (f, &peer, address);
  subscribe (&peer, "t");
  publish (topic, 1);
  g_assert_true (msgpack_rpc_dispatcher_remove_topic (f->dispatcher, "t"));
  g_assert_false (msgpack_rpc_dispatcher_remove_topic (f->dispatcher, "t"));
  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
  publish (topic, 2);
  assert_receives (&peer, "(2, 't', [1])");
  assert_request (&peer, "(0, 1, 'rpc.subscribe', ['t'])",
                  "(1, 1, 'There is no topic “t”', @mv nothing)");
  assert_add (&peer);

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_dispatcher_gone (void)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();
  MsgpackRpcTopic *topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "t", NULL);
  RawPeer peers[2];
  MsgpackRpcConnection *connections[2];

  g_test_summary ("Connections share a dispatcher, and live on when it is gone");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GIOStream) stream = raw_peer_init (&peers[i]);

      connections[i] = msgpack_rpc_connection_new (stream);
      msgpack_rpc_connection_set_dispatcher (connections[i], dispatcher);
      subscribe (&peers[i], "t");
    }
  publish (topic, 1);
  for (guint i = 0; i < 2; i++)
    {
      assert_receives (&peers[i], "(2, 't', [1])");
      msgpack_rpc_connection_set_dispatcher (connections[i], NULL);
    }
  test_drain ();
  g_assert_finalize_object (dispatcher);

  g_assert_cmpuint (msgpack_rpc_topic_get_n_subscribers (topic), ==, 0);
  publish (topic, 2);
  g_assert_finalize_object (topic);
  for (guint i = 0; i < 2; i++)
    {
      assert_request (&peers[i], "(0, 1, 'rpc.subscribe', ['t'])",
                      "(1, 1, 'There is no method “rpc.subscribe”', @mv nothing)");
      g_object_unref (connections[i]);
      raw_peer_clear (&peers[i]);
    }
  test_drain ();
}

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          gpointer    user_data)
{
  if (strcmp (pspec->name, "n-subscribers") == 0)
    g_assert_true (g_main_context_is_owner (NULL));
  (*(guint *) user_data)++;
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (f->dispatcher, "t", "(si)");
  g_autoptr(MsgpackRpcTopic) found = msgpack_rpc_dispatcher_lookup_topic (f->dispatcher, "t");
  GListModel *topics = msgpack_rpc_dispatcher_get_topics (f->dispatcher);
  g_autoptr(MsgpackRpcTopic) item = g_list_model_get_item (topics, 0);
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  g_autofree char *description = NULL;
  g_autofree char *text = NULL;
  g_autoptr(GVariant) reply = NULL;
  MsgpackRpcTopicPolicy policy;
  guint n_subscribers_told = 0, n_settings_told = 0, max_queued;
  RawPeer peer;

  g_test_summary ("What a topic is, and who hears of it, can be looked up and watched");

  g_assert_true (found == topic && item == topic);
  g_assert_cmpstr (msgpack_rpc_topic_get_name (topic), ==, "t");
  g_assert_cmpstr (msgpack_rpc_topic_get_signature (topic), ==, "(si)");
  g_signal_connect (topic, "notify::n-subscribers", G_CALLBACK (count_cb), &n_subscribers_told);
  g_signal_connect (topic, "notify::description", G_CALLBACK (count_cb), &n_settings_told);
  g_signal_connect (topic, "notify::policy", G_CALLBACK (count_cb), &n_settings_told);
  g_signal_connect (topic, "notify::max-queued", G_CALLBACK (count_cb), &n_settings_told);
  for (guint i = 0; i < 2; i++)
    g_object_set (topic, "description", "numbers", "policy", MSGPACK_RPC_TOPIC_POLICY_CONFLATE,
                  "max-queued", 7, NULL);
  g_assert_cmpuint (n_settings_told, ==, 3);
  g_object_get (topic, "description", &description, "policy", &policy, "max-queued", &max_queued,
                NULL);
  g_assert_cmpstr (description, ==, "numbers");
  g_assert_cmpuint (policy, ==, MSGPACK_RPC_TOPIC_POLICY_CONFLATE);
  g_assert_cmpuint (max_queued, ==, 7);

  enter (f, &peer, address);
  send_text (&peer, "(0, 1, 'rpc.discover', @av [])");
  reply = raw_peer_receive (&peer);
  text = g_variant_print (reply, FALSE);
  g_assert_nonnull (strstr (text, "'topics': <[<{'name': <'t'>, 'signature': <'(si)'>, "
                                  "'doc': <'numbers'>}>]>"));
  subscribe (&peer, "t");
  WAIT_UNTIL (n_subscribers_told == 1);
  raw_peer_clear (&peer);
  WAIT_UNTIL (n_subscribers_told == 2);
  WAIT_UNTIL (count_connections (f) == 0);
}

/* ---- what objects tell ---- */

static void
test_bind (Fixture       *f,
           gconstpointer  data)
{
  g_autoptr(MsgpackRpcTopic) property = msgpack_rpc_dispatcher_add_topic (f->dispatcher, "p", "u");
  g_autoptr(MsgpackRpcTopic) signal = msgpack_rpc_dispatcher_add_topic (f->dispatcher, "s", NULL);
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  g_autoptr(GListStore) store = g_list_store_new (G_TYPE_OBJECT);
  g_autoptr(GSimpleAction) action = g_simple_action_new ("act", G_VARIANT_TYPE_STRING);
  g_autoptr(GError) error = NULL;
  g_autofree char *path = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, path);
  RawPeer peer;

  g_test_summary ("Properties and signals of any object can be published, while it lives");

  enter (f, &peer, address);
  subscribe (&peer, "p");
  subscribe (&peer, "s");
  msgpack_rpc_topic_bind_to_property (property, G_OBJECT (limits), "max-depth", &error);
  g_assert_no_error (error);
  msgpack_rpc_topic_bind_to_signal (signal, G_OBJECT (store), "items-changed", &error);
  g_assert_no_error (error);
  msgpack_rpc_topic_bind_to_signal (signal, G_OBJECT (action), "activate", &error);
  g_assert_no_error (error);

  msgpack_rpc_limits_set_max_depth (limits, 17);
  assert_receives (&peer, "(2, 'p', [17])");
  g_list_store_append (store, limits);
  assert_receives (&peer, "(2, 's', [[0, 0, 1]])");
  g_action_activate (G_ACTION (action), g_variant_new_string ("now"));
  assert_receives (&peer, "(2, 's', ['now'])");

  msgpack_rpc_topic_unbind (signal, G_OBJECT (action));
  g_action_activate (G_ACTION (action), g_variant_new_string ("later"));
  g_clear_object (&store);
  g_assert_true (msgpack_rpc_dispatcher_remove_topic (f->dispatcher, "p"));
  msgpack_rpc_limits_set_max_depth (limits, 18);
  assert_add (&peer);

  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
assert_not_bound (gboolean     bound,
                  GError     **error,
                  const char  *text)
{
  g_assert_false (bound);
  g_assert_error (*error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_cmpstr ((*error)->message, ==, text);
  g_clear_error (error);
}

static void
test_bind_errors (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "t", "(ss)");
  g_autoptr(MsgpackRpcTopic) any = msgpack_rpc_dispatcher_add_topic (dispatcher, "any", NULL);
  g_autoptr(GListStore) store = g_list_store_new (G_TYPE_OBJECT);
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  GObject *object = G_OBJECT (store);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What cannot be published is an error when it is bound");

  assert_not_bound (msgpack_rpc_topic_bind_to_property (any, object, "colour", &error), &error,
                    "GListStore has no property “colour” that can be read");
  assert_not_bound (msgpack_rpc_topic_bind_to_property (any, object, "item-type", &error), &error,
                    "Values of the type GType cannot be published");
  assert_not_bound (msgpack_rpc_topic_bind_to_signal (any, object, "click", &error), &error,
                    "GListStore has no signal “click”");
  assert_not_bound (msgpack_rpc_topic_bind_to_signal (any, object, "notify", &error), &error,
                    "Values of the type GParam cannot be published");
  assert_not_bound (msgpack_rpc_topic_bind_to_signal (topic, object, "items-changed", &error), &error,
                    "Topic “t” takes values of type “(ss)”, which is no tuple of 3");
  assert_not_bound (msgpack_rpc_topic_bind_to_property (topic, G_OBJECT (limits), "max-depth", &error),
                    &error,
                    "Topic “t” takes values of type “(ss)”, and those of the type guint have “u”");
}

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/topics/" name, Fixture, NULL, server_setup, func, server_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("peers", test_peers);
  ADD ("errors", test_errors);
  ADD ("limits", test_limits);
  ADD ("drop-oldest", test_drop_oldest);
  ADD ("conflate", test_conflate);
  ADD ("conflate-slow", test_conflate_slow);
  ADD ("conflate-closing", test_conflate_closing);
  ADD ("pause", test_pause);
  ADD ("pause-ends", test_pause_ends);
  ADD ("pause-sync", test_pause_sync);
  ADD ("order", test_order);
  ADD ("order-of-replies", test_order_of_replies);
  ADD ("churn", test_churn);
  ADD ("removed", test_removed);
  g_test_add_func ("/msgpack-rpc/topics/dispatcher-gone", test_dispatcher_gone);
  ADD ("properties", test_properties);
  ADD ("bind", test_bind);
  g_test_add_func ("/msgpack-rpc/topics/bind-errors", test_bind_errors);

  return g_test_run ();
}
