/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What Pike's connections do: rows A4.1 to A4.17 of docs/behaviours.md. */

#include <sys/socket.h>

#include "test-behaviours-a4.h"

#define N_THREADS 4
#define N_MESSAGES 200

/* ---- threads, and what is a connection ---- */

typedef struct
{
  MsgpackRpcChannel *channel;
  int number;
} Speaker;

static gpointer
speak (gpointer data)
{
  Speaker *speaker = data;

  for (int i = 0; i < N_MESSAGES; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d %d", speaker->number, i);

      say (speaker->channel, text);
    }
  return NULL;
}

static void
speak_in_threads (MsgpackRpcChannel *channel)
{
  Speaker speakers[N_THREADS];
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    {
      speakers[i] = (Speaker) { channel, i };
      threads[i] = g_thread_new ("speaker", speak, &speakers[i]);
    }
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
test_a4_1 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  int counts[N_THREADS] = { 0 };

  g_test_summary ("Messages of several threads arrive whole, those of each thread in order");

  speak_in_threads (channel);
  for (int i = 0; i < N_THREADS * N_MESSAGES; i++)
    {
      g_autoptr(MsgpackRpcEvent) event = next (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
      const char *text = g_variant_get_string (msgpack_rpc_event_get_message (event), NULL);
      int thread, number;

      g_assert_cmpint (sscanf (text, "%d %d", &thread, &number), ==, 2);
      g_assert_cmpint (number, ==, counts[thread]++);
    }
}

static gboolean
store_thread (gpointer data)
{
  g_atomic_pointer_set ((GThread **) data, g_thread_self ());
  return G_SOURCE_REMOVE;
}

static void
test_a4_2 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  GThread *network = NULL;

  g_test_summary ("Whoever sends and receives, one thread does the work");

  g_main_context_invoke (msgpack_rpc_loop_thread_get_main_context (f->thread), store_thread,
                         &network);
  WAIT_UNTIL (g_atomic_pointer_get (&network) != NULL);
  speak_in_threads (channel);
  for (int i = 0; i < N_THREADS * N_MESSAGES; i++)
    skip (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);

  g_mutex_lock (&codec_lock);
  g_assert_true (coded_in == network && network != g_thread_self ());
  g_mutex_unlock (&codec_lock);
}

static guint16
get_port (const char *address)
{
  return (guint16) g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

static guint16
get_remote_port (MsgpackRpcChannel *channel)
{
  g_autoptr(GSocketAddress) remote = msgpack_rpc_channel_get_remote_address (channel);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote));
}

static void
test_a4_3 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  guint16 port = get_port (f->addresses[0]);
  g_autofree char *addresses[] = {
    g_strdup_printf ("127.0.0.1:%u", port),
    g_strdup_printf ("tcp://localhost:%u", port),
  };

  g_test_summary ("An endpoint is a host and a port");

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, addresses[i], NULL);
      g_autoptr(MsgpackRpcEvent) event = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);

      g_assert_no_error (msgpack_rpc_event_get_error (event));
      g_assert_cmpuint (get_remote_port (channel), ==, port);
      g_clear_pointer (&addresses[i], g_free);
    }
}

static void
test_a4_4 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(GSocketAddress) local = msgpack_rpc_channel_get_local_address (channel);
  g_autoptr(MsgpackRpcEvent) event = NULL;

  g_test_summary ("All events of a connection name the same thing, which knows its address");

  say (channel, "hello");
  event = next (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
  g_assert_true (msgpack_rpc_event_get_channel (event) == other);
  g_assert_cmpuint (msgpack_rpc_channel_get_id (other), !=, msgpack_rpc_channel_get_id (channel));
  g_assert_cmpuint (get_remote_port (other), ==,
                    g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)));
}

static void
test_a4_5 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) near = NULL;
  g_autoptr(MsgpackRpcChannel) far = NULL;
  g_autoptr(MsgpackRpcEvent) event = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A connection on any stream takes part: its events come to the same queue");

  g_assert_true (msgpack_rpc_channel_new_pair (f->codec, &near, &far, &error));
  g_assert_no_error (error);
  msgpack_rpc_channel_set_queue (far, queue_of (f->here));
  say (near, "hello");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (f->here)) == 1);
  event = next (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
  g_assert_true (msgpack_rpc_event_get_channel (event) == far);
  g_clear_pointer (&event, msgpack_rpc_event_unref);
  msgpack_rpc_channel_set_queue (far, NULL);
  g_assert_finalize_object (g_steal_pointer (&far));
  g_assert_finalize_object (g_steal_pointer (&near));
}

/* ---- running, listening, both ---- */

static void
test_a4_6 (void)
{
  g_autoptr(MsgpackRpcConnector) connector = msgpack_rpc_connector_new (NULL);
  g_auto(GStrv) addresses = NULL;
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEvent) event = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is asked for before the loop runs is done then, and who would wait is told");

  addresses = msgpack_rpc_connector_listen_sync (connector, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_main_context_acquire (NULL));
  g_assert_null (msgpack_rpc_event_queue_receive (queue_of (connector), -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_main_context_release (NULL);

  channel = open_to (connector, addresses[0], NULL);
  say (channel, "early");
  g_assert_cmpint (msgpack_rpc_channel_get_status (channel), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  assert_none (queue_of (connector));
  /* Both ends are of the one connector. */
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (connector)) == 2);
  event = msgpack_rpc_event_queue_receive (queue_of (connector), 0, NULL, NULL);
  if (msgpack_rpc_event_get_kind (event) == MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT)
    {
      msgpack_rpc_event_unref (event);
      event = msgpack_rpc_event_queue_receive (queue_of (connector), 0, NULL, NULL);
    }
  g_assert_true (msgpack_rpc_event_accept (event, NULL));
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (connector)) > 0);
  msgpack_rpc_event_unref (event);
  event = msgpack_rpc_event_queue_receive (queue_of (connector), 0, NULL, NULL);
  while (msgpack_rpc_event_get_kind (event) != MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED)
    {
      msgpack_rpc_event_unref (event);
      WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (connector)) > 0);
      event = msgpack_rpc_event_queue_receive (queue_of (connector), 0, NULL, NULL);
    }
  test_assert_value (msgpack_rpc_event_get_message (event), "'early'");
}

/* The sockets of this process that listen. */
static guint
count_listening (void)
{
  guint n = 0;

  for (int fd = 0; fd < 256; fd++)
    {
      int listens = 0;
      socklen_t size = sizeof listens;

      if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
        n++;
    }
  return n;
}

static void
test_a4_7 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("It listens if it is told to, and is a client otherwise");

  channel = open_to (f->there, f->addresses[0], NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_cmpuint (count_listening (), ==, 1);
  addresses = msgpack_rpc_connector_listen_sync (f->there, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_listening (), ==, 2);
}

static void
test_a4_8 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) outgoing = NULL;
  g_autoptr(MsgpackRpcChannel) incoming = meet (f, &outgoing);
  g_autoptr(MsgpackRpcChannel) back = NULL;
  g_autoptr(MsgpackRpcEvent) come = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Connections in both directions share a stream of events");

  addresses = msgpack_rpc_connector_listen_sync (f->there, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  back = open_to (f->here, addresses[0], NULL);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));

  say (incoming, "to the one that we opened");
  assert_line (queue_of (f->there), "to the one that we opened");
  say (back, "to the one that came");
  assert_line (queue_of (f->there), "to the one that came");
}

/* ---- shutting down ---- */

static void
test_a4_9 (Pike          *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcChannel) connecting = NULL;
  g_autoptr(MsgpackRpcEvent) first = NULL;
  g_autoptr(MsgpackRpcEvent) second = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *address = NULL;
  g_autoptr(GSocket) silent = listen_in_silence (&address);

  g_test_summary ("All connections close, no new ones come, and those that are being made are given up");

  connecting = open_to (f->here, address, NULL);
  WAIT_UNTIL (msgpack_rpc_channel_get_status (connecting) ==
              MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  unsent = shut_down (f->here, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);

  first = msgpack_rpc_event_queue_receive (queue_of (f->here), 0, NULL, NULL);
  second = msgpack_rpc_event_queue_receive (queue_of (f->here), 0, NULL, NULL);
  if (msgpack_rpc_event_get_channel (first) != connecting)
    {
      MsgpackRpcEvent *swap = first;

      first = second;
      second = swap;
    }
  g_assert_true (msgpack_rpc_event_get_channel (first) == connecting);
  g_assert_cmpint (msgpack_rpc_event_get_kind (first), ==, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_nonnull (msgpack_rpc_event_get_error (first));
  g_assert_cmpint (msgpack_rpc_event_get_kind (second), ==,
                   MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

  assert_refused (f->addresses[0]);
  g_assert_null (msgpack_rpc_connector_open (f->here, f->addresses[0], NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* What was left when it was shut down, as text without its number. */
static char *
print_leftover (GVariant          *unsent,
                MsgpackRpcChannel *channel)
{
  g_autoptr(GVariant) incomplete = NULL;
  g_autoptr(GVariant) rest = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  guint64 id;

  if (g_variant_n_children (unsent) == 0)
    return g_strdup ("");

  g_assert_cmpuint (g_variant_n_children (unsent), ==, 1);
  g_variant_get_child (unsent, 0, "(t@mv@av)", &id, &incomplete, &rest);
  g_assert_cmpuint (id, ==, msgpack_rpc_channel_get_id (channel));
  first = g_variant_print (incomplete, FALSE);
  second = g_variant_print (rest, FALSE);
  return g_strconcat (first, " ", second, NULL);
}

static void
assert_shut_down (Pike                *f,
                  MsgpackRpcCloseMode  mode,
                  const char          *expected,
                  const char          *received[])
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;

  send_until_paused (f, channel);
  msgpack_rpc_connector_shut_down_async (f->there, mode, NULL, test_store_result, &result);
  if (mode != MSGPACK_RPC_CLOSE_MODE_NOW)
    {
      WAIT_UNTIL (msgpack_rpc_channel_get_status (channel) ==
                  MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
      g_assert_null (result);
      resume_encoder ();
    }

  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_connector_shut_down_finish (f->there, result, &error);
  g_assert_no_error (error);
  text = print_leftover (unsent, channel);
  g_assert_cmpstr (text, ==, expected);
  for (guint i = 0; received[i] != NULL; i++)
    assert_line (queue_of (f->here), received[i]);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
}

static void
test_a4_10 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Now: what was sent in part, and all that is queued, is returned");

  assert_shut_down (f, MSGPACK_RPC_CLOSE_MODE_NOW, "<'paused'> [<'after'>]",
                    (const char *[]) { NULL });
}

static void
test_a4_11 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Finish message: what was sent in part is finished, the rest is returned");

  assert_shut_down (f, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, "nothing [<'after'>]",
                    (const char *[]) { "paused", NULL });
}

static void
test_a4_12 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Finish queue: all is sent");

  assert_shut_down (f, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, "",
                    (const char *[]) { "paused", "after", NULL });
}

static void
test_a4_13 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(GEnumClass) modes = g_type_class_ref (MSGPACK_RPC_TYPE_CLOSE_MODE);
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GVariant) slow = NULL;
  g_autoptr(GVariant) fast = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("There is one mode at a time; another one, given later, hurries");

  g_assert_cmpuint (modes->n_values, ==, 3);
  send_until_paused (f, channel);
  msgpack_rpc_connector_shut_down_async (f->there, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                         test_store_result, &first);
  WAIT_UNTIL (msgpack_rpc_channel_get_status (channel) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  fast = shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_NOW);
  WAIT_UNTIL (first != NULL);
  slow = msgpack_rpc_connector_shut_down_finish (f->there, first, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (slow, fast));
  g_assert_cmpuint (g_variant_n_children (fast), ==, 1);
}

static void
test_a4_14 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = msgpack_rpc_connector_get_server (f->there);
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = NULL;
  g_autoptr(GVariant) unsent = NULL;

  g_test_summary ("Shutting down blocks until all are closed, but not for ever");

  msgpack_rpc_limits_set_close_timeout (msgpack_rpc_server_get_limits (server), 50);
  other = meet (f, &channel);
  send_until_paused (f, channel);
  unsent = shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connector_get_channels (f->there)), ==, 0);
  g_assert_cmpint (msgpack_rpc_channel_get_status (channel), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  assert_closed (queue_of (f->there));
}

static void
assert_rejected (MsgpackRpcConnector *connector,
                 MsgpackRpcChannel   *channel,
                 const char          *text)
{
  g_autoptr(MsgpackRpcEvent) event = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_false (msgpack_rpc_channel_send (channel, g_variant_new_string (text), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  event = next (connector, MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED);
  g_assert_true (msgpack_rpc_event_get_channel (event) == channel);
  g_assert_cmpstr (g_variant_get_string (msgpack_rpc_event_get_message (event), NULL), ==, text);
  g_assert_error (msgpack_rpc_event_get_error (event), G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_a4_15 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is sent while it shuts down is rejected and returned, not dropped, and not sent");

  send_until_paused (f, channel);
  msgpack_rpc_connector_shut_down_async (f->there, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                         test_store_result, &result);
  WAIT_UNTIL (msgpack_rpc_channel_get_status (channel) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  assert_rejected (f->there, channel, "late");
  resume_encoder ();
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_connector_shut_down_finish (f->there, result, &error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  assert_line (queue_of (f->here), "paused");
  assert_line (queue_of (f->here), "after");
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

  g_assert_false (msgpack_rpc_channel_send (channel, g_variant_new_string ("later"), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_a4_16 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) end = NULL;

  g_test_summary ("A rejected message has an event of its own, and is no part of that of the end");

  close_channel (channel, MSGPACK_RPC_CLOSE_MODE_NOW);
  end = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  assert_leftover (end, NULL, "[]");
  assert_rejected (f->there, channel, "late");
}

static void
test_a4_17 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const struct
  {
    MsgpackRpcCloseMode mode;
    const char *incomplete;
    const char *unsent;
  } modes[] = {
    { MSGPACK_RPC_CLOSE_MODE_NOW, "paused", "[<'after'>]" },
    { MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, NULL, "[<'after'>]" },
    { MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, "[]" },
  };

  g_test_summary ("One connection closes in the same three ways, and others stay");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr(MsgpackRpcChannel) channel = NULL;
      g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
      g_autoptr(MsgpackRpcChannel) stays = NULL;
      g_autoptr(MsgpackRpcChannel) stays_too = meet (f, &stays);
      g_autoptr(MsgpackRpcEvent) end = NULL;

      send_until_paused (f, channel);
      close_channel (channel, modes[i].mode);
      resume_encoder ();
      end = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
      assert_leftover (end, modes[i].incomplete, modes[i].unsent);
      if (modes[i].incomplete == NULL)
        assert_line (queue_of (f->here), "paused");
      if (g_str_equal (modes[i].unsent, "[]"))
        assert_line (queue_of (f->here), "after");
      skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

      say (stays, "still here");
      assert_line (queue_of (f->here), "still here");
      set_paused (NULL);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(number) \
  g_test_add ("/behaviours/A4." #number, Pike, NULL, pike_set_up, test_a4_##number, pike_tear_down)
  ADD (1);
  ADD (2);
  ADD (3);
  ADD (4);
  ADD (5);
  g_test_add_func ("/behaviours/A4.6", test_a4_6);
  ADD (7);
  ADD (8);
  ADD (9);
  ADD (10);
  ADD (11);
  ADD (12);
  ADD (13);
  ADD (14);
  ADD (15);
  ADD (16);
  ADD (17);
#undef ADD

  return g_test_run ();
}
