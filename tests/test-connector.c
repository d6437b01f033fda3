/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-util.h"

#define N_MESSAGES 1000

/* A connector that listens, in a thread of its own, and one that connects to it, likewise. */
typedef struct
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcConnector *here;
  MsgpackRpcConnector *there;
  char **addresses;
} Fixture;

static MsgpackRpcConnector *
make_connector (Fixture *f)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();
  MsgpackRpcConnector *connector;

  connector = g_object_new (MSGPACK_RPC_TYPE_CONNECTOR, "codec", codec, "main-context",
                            msgpack_rpc_loop_thread_get_main_context (f->thread), NULL);
  g_assert_true (msgpack_rpc_connector_get_codec (connector) == codec);
  return connector;
}

static void
set_up (Fixture       *f,
        gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  f->thread = msgpack_rpc_loop_thread_new ("network");
  f->here = make_connector (f);
  f->there = make_connector (f);
  msgpack_rpc_loop_thread_start (f->thread);
  f->addresses = msgpack_rpc_connector_listen_sync (f->here, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
}

static void
shut_down (MsgpackRpcConnector *connector,
           MsgpackRpcCloseMode  mode)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_connector_shut_down_sync (connector, mode, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (unsent), ==, "a(tmvav)");
}

static void
empty (MsgpackRpcConnector *connector)
{
  MsgpackRpcEvent *event;

  while ((event = msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (connector), 0,
                                                   NULL, NULL)) != NULL)
    msgpack_rpc_event_unref (event);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  shut_down (f->here, MSGPACK_RPC_CLOSE_MODE_NOW);
  shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_NOW);
  empty (f->here);
  empty (f->there);
  msgpack_rpc_loop_thread_shut_down (f->thread, MSGPACK_RPC_CLOSE_MODE_NOW);
  g_assert_true (msgpack_rpc_loop_thread_join (f->thread));
  while (g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (f->thread), FALSE))
    continue;
  g_assert_finalize_object (f->here);
  g_assert_finalize_object (f->there);
  g_assert_finalize_object (f->thread);
  g_strfreev (f->addresses);
}

static MsgpackRpcEvent *
next_of (MsgpackRpcEventQueue *queue,
         MsgpackRpcEventKind   kind)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcEvent *event;

  event = msgpack_rpc_event_queue_receive (queue, (int) (TEST_DEADLINE / 1000), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (msgpack_rpc_event_get_kind (event), ==, kind);
  return event;
}

static MsgpackRpcEvent *
next (MsgpackRpcConnector *connector,
      MsgpackRpcEventKind  kind)
{
  return next_of (msgpack_rpc_connector_get_queue (connector), kind);
}

static void
skip (MsgpackRpcConnector *connector,
      MsgpackRpcEventKind  kind)
{
  msgpack_rpc_event_unref (next (connector, kind));
}

static void
assert_line (MsgpackRpcEventQueue *queue,
             const char           *text)
{
  g_autoptr(MsgpackRpcEvent) event = next_of (queue, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);

  g_assert_cmpstr (g_variant_get_string (msgpack_rpc_event_get_message (event), NULL), ==, text);
}

static void
say (MsgpackRpcChannel *channel,
     const char        *text)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (msgpack_rpc_channel_send (channel, g_variant_new_string (text), &error));
  g_assert_no_error (error);
}

static MsgpackRpcChannel *
open_channel (Fixture              *f,
              MsgpackRpcEventQueue *queue)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcChannel *channel;

  channel = msgpack_rpc_connector_open (f->there, f->addresses[0], queue, &error);
  g_assert_no_error (error);
  return channel;
}

/* Both ends of a new connection. */
static MsgpackRpcChannel *
meet (Fixture            *f,
      MsgpackRpcChannel **channel)
{
  g_autoptr(MsgpackRpcEvent) come = NULL;

  *channel = open_channel (f, NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  return g_object_ref (msgpack_rpc_event_get_channel (come));
}

static void
test_events (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_channel (f, NULL);
  g_autoptr(MsgpackRpcEvent) come = NULL;
  g_autoptr(MsgpackRpcEvent) connected = NULL;
  g_autoptr(MsgpackRpcEvent) left = NULL;
  MsgpackRpcChannel *other;

  g_test_summary ("Both ends hear of each other, of messages, and of the end; what came early is held");

  say (channel, "early");
  connected = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_null (msgpack_rpc_event_get_error (connected));
  g_assert_true (msgpack_rpc_event_get_channel (connected) == channel);

  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  other = msgpack_rpc_event_get_channel (come);
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (msgpack_rpc_connector_get_queue (f->here)),
                    ==, 0);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  g_assert_false (msgpack_rpc_event_accept (come, NULL));
  assert_line (msgpack_rpc_connector_get_queue (f->here), "early");
  say (other, "welcome");
  assert_line (msgpack_rpc_connector_get_queue (f->there), "welcome");
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connector_get_channels (f->here)), ==, 1);

  msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  left = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  g_assert_null (msgpack_rpc_event_get_error (left));
  g_assert_null (msgpack_rpc_event_get_incomplete (left));
  g_assert_cmpuint (g_variant_n_children (msgpack_rpc_event_get_unsent (left)), ==, 0);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
}

static void
test_refused (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnector) connector = msgpack_rpc_connector_new (NULL);
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(MsgpackRpcEvent) failed = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Connecting in vain hands back what was not sent");

  /* Nothing happens before this thread runs its context. */
  channel = msgpack_rpc_connector_open (connector, "unix:///nonexistent/socket", NULL, &error);
  g_assert_no_error (error);
  say (channel, "one");
  say (channel, "two");
  msgpack_rpc_event_queue_receive_async (msgpack_rpc_connector_get_queue (connector), -1, NULL,
                                         test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  failed = msgpack_rpc_event_queue_receive_finish (msgpack_rpc_connector_get_queue (connector),
                                                   result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (msgpack_rpc_event_get_kind (failed), ==, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_error (msgpack_rpc_event_get_error (failed), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  unsent = g_variant_ref (msgpack_rpc_event_get_unsent (failed));
  test_assert_value (unsent, "[<'one'>, <'two'>]");
}

static void
test_reject (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_channel (f, NULL);
  MsgpackRpcEvent *event;

  g_test_summary ("A peer is turned away, by word or by forgetting it, and no more is heard of it");

  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  event = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_reject (event));
  g_assert_false (msgpack_rpc_event_accept (event, NULL));
  msgpack_rpc_event_unref (event);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

  g_clear_object (&channel);
  channel = open_channel (f, NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (msgpack_rpc_connector_get_queue (f->here)),
                    ==, 0);
}

static void
test_deadline (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = msgpack_rpc_connector_get_server (f->here);
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEvent) event = NULL;

  g_test_summary ("A peer about whom nothing is decided is turned away when its time is over");

  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_server_get_limits (server), 50);
  channel = open_channel (f, NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  event = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  g_assert_false (msgpack_rpc_event_accept (event, NULL));
}

static void
test_separate (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcEventQueue) own = msgpack_rpc_event_queue_new ();
  g_autoptr(MsgpackRpcChannel) channel = open_channel (f, NULL);
  g_autoptr(MsgpackRpcEvent) come = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcEventQueue *common = msgpack_rpc_connector_get_queue (f->here);

  g_test_summary ("A peer is spoken to on a queue of its own, which is then merged, in order");

  say (channel, "nick");
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, own));
  assert_line (own, "nick");
  say (channel, "first");
  say (channel, "second");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (own) == 2);
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (common), ==, 0);
  g_assert_true (msgpack_rpc_event_queue_merge (own, common, &error));
  say (channel, "third");
  assert_line (common, "first");
  assert_line (common, "second");
  assert_line (common, "third");
}

/* The channels that were shown before any of their messages. */
static void
prepare_cb (MsgpackRpcConnector *connector,
            MsgpackRpcChannel   *channel,
            gpointer             user_data)
{
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (msgpack_rpc_connector_get_queue (connector)),
                    ==, 0);
  g_object_set_data (G_OBJECT (channel), "prepared", user_data);
}

static void
test_open_sync (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A thread waits for a channel, and what it needs is prepared before its events");

  g_signal_connect (f->there, "channel-connected", G_CALLBACK (prepare_cb), f);
  channel = msgpack_rpc_connector_open_sync (f->there, f->addresses[0], NULL, 10000, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (msgpack_rpc_channel_is_connected (channel));
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_true (g_object_get_data (G_OBJECT (channel), "prepared") == f);
  g_clear_object (&channel);

  channel = msgpack_rpc_connector_open_sync (f->there, "unix:///nonexistent/socket", NULL, -1, NULL,
                                             &error);
  g_assert_null (channel);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
}

static void
test_open_sync_late (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("Who gives up waiting has no channel, also if it would be connected a moment later");

  g_assert_null (msgpack_rpc_connector_open_sync (f->there, f->addresses[0], NULL, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_null (msgpack_rpc_connector_open_sync (f->there, f->addresses[0], NULL, -1, cancellable,
                                                  &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (msgpack_rpc_connector_get_queue (f->there)) >= 2);
  WAIT_UNTIL (g_list_model_get_n_items (msgpack_rpc_connector_get_channels (f->there)) == 0);
}

typedef struct
{
  MsgpackRpcCloseMode mode;
  gboolean gets_all;
} Mode;

static const Mode modes[] = {
  { MSGPACK_RPC_CLOSE_MODE_NOW, FALSE },
  { MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, FALSE },
  { MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, TRUE },
};

static void
test_shut_down (Fixture       *f,
                gconstpointer  data)
{
  const Mode *mode = data;
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strnfill (10000, 'x');
  guint n_received = 0, n_returned = 0;
  MsgpackRpcEvent *event;

  g_test_summary ("What is not sent is returned, each message is in one place, and then all is rejected");

  /* Nobody reads it yet. */
  msgpack_rpc_channel_set_paused (other, TRUE);
  for (int i = 0; i < N_MESSAGES; i++)
    say (channel, text);
  msgpack_rpc_connector_shut_down_async (f->there, mode->mode, NULL, test_store_result, &result);
  if (mode->mode == MSGPACK_RPC_CLOSE_MODE_NOW)
    WAIT_UNTIL (result != NULL);
  msgpack_rpc_channel_set_paused (other, FALSE);

  while ((event = msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (f->here), -1,
                                                   NULL, NULL)) != NULL &&
         msgpack_rpc_event_get_kind (event) == MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED)
    {
      n_received++;
      msgpack_rpc_event_unref (event);
    }
  g_assert_cmpint (msgpack_rpc_event_get_kind (event), ==,
                   MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  msgpack_rpc_event_unref (event);

  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_connector_shut_down_finish (f->there, result, &error);
  g_assert_no_error (error);
  if (g_variant_n_children (unsent) > 0)
    {
      g_autoptr(GVariant) incomplete = NULL;
      g_autoptr(GVariant) rest = NULL;
      guint64 id;

      g_assert_cmpuint (g_variant_n_children (unsent), ==, 1);
      g_variant_get_child (unsent, 0, "(t@mv@av)", &id, &incomplete, &rest);
      g_assert_cmpuint (id, ==, msgpack_rpc_channel_get_id (channel));
      n_returned = (guint) (g_variant_n_children (rest) + g_variant_n_children (incomplete));
      if (mode->mode == MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE)
        g_assert_cmpuint (g_variant_n_children (incomplete), ==, 0);
    }
  if (mode->gets_all)
    g_assert_cmpuint (n_returned, ==, 0);
  else
    g_assert_cmpuint (n_returned, >, 0);

  g_assert_cmpuint (n_received + n_returned, ==, N_MESSAGES);

  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  g_assert_null (msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (f->there), -1,
                                                  NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_connector_open (f->there, f->addresses[0], NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_connector_listen_sync (f->there, "tcp://localhost:0", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_rejected (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) event = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A message for a channel that is closing comes back as an event");

  msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  g_assert_false (msgpack_rpc_channel_send (channel, g_variant_new_string ("late"), &error));
  g_assert_nonnull (error);
  event = msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (f->there), -1, NULL, NULL);
  if (msgpack_rpc_event_get_kind (event) == MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT)
    {
      msgpack_rpc_event_unref (event);
      event = next (f->there, MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED);
    }
  g_assert_cmpint (msgpack_rpc_event_get_kind (event), ==, MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED);
  g_assert_cmpstr (g_variant_get_string (msgpack_rpc_event_get_message (event), NULL), ==, "late");
  g_assert_nonnull (msgpack_rpc_event_get_error (event));
}

static void
test_unread (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  MsgpackRpcEventQueue *queue = msgpack_rpc_connector_get_queue (f->here);
  g_autofree char *text = g_strnfill (10000, 'x');
  guint before;

  g_test_summary ("A queue that nobody reads fills up to the mark, and what is read is made up for");

  msgpack_rpc_channel_set_high_water_mark (other, 100000);
  for (int i = 0; i < N_MESSAGES; i++)
    say (channel, text);
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue) >= 10);
  do
    {
      before = msgpack_rpc_event_queue_get_length (queue);
      test_iterate ();
    }
  while (msgpack_rpc_event_queue_get_length (queue) != before);
  g_assert_cmpuint (before, <, N_MESSAGES / 10);

  for (int i = 0; i < N_MESSAGES; i++)
    skip (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
}

static void
test_cancelled (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnector) connector = msgpack_rpc_connector_new (NULL);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GAsyncResult) end = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strnfill (10000, 'x');

  g_test_summary ("Who cancels waits no more, also while a channel closes; that goes on");

  channel = msgpack_rpc_connector_open (connector, f->addresses[0], NULL, &error);
  g_assert_no_error (error);
  /* Nobody has accepted it, so that nobody reads. */
  for (int i = 0; i < N_MESSAGES; i++)
    say (channel, text);
  WAIT_UNTIL (msgpack_rpc_channel_is_connected (channel));
  msgpack_rpc_connector_shut_down_async (connector, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, cancellable,
                                         test_store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_connector_shut_down_finish (connector, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (msgpack_rpc_channel_get_status (channel), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);

  msgpack_rpc_connector_shut_down_async (connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                         test_store_result, &end);
  WAIT_UNTIL (end != NULL);
  unsent = msgpack_rpc_connector_shut_down_finish (connector, end, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 1);
}

static gpointer
wait_for_end (gpointer data)
{
  GError *error = NULL;
  MsgpackRpcEvent *event;

  while ((event = msgpack_rpc_event_queue_receive (data, -1, NULL, &error)) != NULL)
    msgpack_rpc_event_unref (event);
  return error;
}

static void
count_finalized (gpointer  data,
                 GObject  *object G_GNUC_UNUSED)
{
  g_atomic_int_inc ((int *) data);
}

static void
test_dropped (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnector *connector = make_connector (f);
  MsgpackRpcEventQueue *queue = g_object_ref (msgpack_rpc_connector_get_queue (connector));
  g_autoptr(MsgpackRpcEvent) come = NULL;
  MsgpackRpcChannel *channel, *other;
  g_autoptr(GError) error = NULL;
  GThread *waits;
  int n_finalized = 0;

  g_test_summary ("A connector that is dropped ends in silence, whoever waits is told, nothing is left");

  channel = msgpack_rpc_connector_open (connector, f->addresses[0], NULL, &error);
  g_assert_no_error (error);
  msgpack_rpc_event_unref (next_of (queue, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT));
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  other = msgpack_rpc_event_get_channel (come);

  waits = g_thread_new ("waits", wait_for_end, queue);
  g_object_unref (connector);
  error = g_thread_join (waits);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

  /* With a message in its queue that nobody takes. */
  g_object_weak_ref (G_OBJECT (channel), count_finalized, &n_finalized);
  g_object_unref (channel);
  WAIT_UNTIL (g_atomic_int_get (&n_finalized) == 1);
  g_object_unref (queue);
  g_assert_nonnull (other);
}

static void
test_untaken (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcEventQueue) own = msgpack_rpc_event_queue_new ();
  MsgpackRpcChannel *channel = open_channel (f, NULL);
  g_autoptr(MsgpackRpcEvent) come = NULL;
  MsgpackRpcChannel *other;
  int n_finalized = 0;

  g_test_summary ("Events that nobody takes are gone with their queue, when the channel has ended");

  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  other = msgpack_rpc_event_get_channel (come);
  g_object_weak_ref (G_OBJECT (other), count_finalized, &n_finalized);
  g_assert_true (msgpack_rpc_event_accept (come, own));
  say (channel, "nobody reads this");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (own) == 1);
  g_clear_pointer (&come, msgpack_rpc_event_unref);
  g_clear_object (&own);
  msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  g_object_unref (channel);
  WAIT_UNTIL (g_atomic_int_get (&n_finalized) == 1);
}

static void
test_knocking (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = msgpack_rpc_connector_get_server (f->here);
  MsgpackRpcEventQueue *queue = msgpack_rpc_connector_get_queue (f->here);

  g_test_summary ("Peers that come and go while nobody looks do not fill the queue");

  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_server_get_limits (server), 1);
  msgpack_rpc_server_set_max_connections (server, 4);
  for (int i = 0; i < 20; i++)
    {
      g_autoptr(MsgpackRpcChannel) channel = open_channel (f, NULL);

      skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
      skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
    }
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (queue), ==, 4);

  /* Then there is room again. */
  for (int i = 0; i < 4; i++)
    skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  do
    {
      g_autoptr(MsgpackRpcChannel) channel = open_channel (f, NULL);

      skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
      skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
    }
  while (msgpack_rpc_event_queue_get_length (queue) == 0);
}

static void
test_many_small (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  MsgpackRpcEventQueue *queue = msgpack_rpc_connector_get_queue (f->here);
  guint before;

  g_test_summary ("Of many small messages no more are decoded than the mark allows");

  msgpack_rpc_channel_set_high_water_mark (other, 10000);
  for (int i = 0; i < 5 * N_MESSAGES; i++)
    say (channel, "x");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue) > 10);
  do
    {
      before = msgpack_rpc_event_queue_get_length (queue);
      test_iterate ();
    }
  while (msgpack_rpc_event_queue_get_length (queue) != before);
  g_assert_cmpuint (before, <, 50);
  msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  for (int i = 0; i < 5 * N_MESSAGES; i++)
    skip (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
  skip (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
}

/* One thread opens channels while another shuts the connector down. */
static gpointer
open_many (gpointer data)
{
  Fixture *f = data;
  MsgpackRpcChannel *channel;

  /* What is in vain ends at once. */
  while ((channel = msgpack_rpc_connector_open (f->there, "unix:///nonexistent/socket", NULL, NULL)) !=
         NULL)
    {
      g_object_unref (channel);
      g_thread_yield ();
    }
  return NULL;
}

static void
test_race (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Shutting down ends, whatever is opened meanwhile, and each channel has told its end");

  for (int i = 0; i < 10; i++)
    {
      GThread *thread = g_thread_new ("opens", open_many, f);

      WAIT_UNTIL (msgpack_rpc_event_queue_get_length (
                      msgpack_rpc_connector_get_queue (f->there)) > 2);
      shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_NOW);
      g_thread_join (thread);
      g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connector_get_channels (f->there)), ==,
                        0);
      empty (f->there);
      g_object_unref (f->there);
      f->there = make_connector (f);
    }
}

static void
test_own_thread (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnector) connector = msgpack_rpc_connector_new (NULL);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Who runs the context shuts down without waiting");

  g_assert_true (g_main_context_acquire (NULL));
  /* Nothing could come while it waits, though there is no channel yet. */
  g_assert_null (msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (connector), -1,
                                                  NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_null (msgpack_rpc_connector_shut_down_sync (connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                                       &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_main_context_release (NULL);
  msgpack_rpc_connector_shut_down_async (connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                         test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_clear_error (&error);
  unsent = msgpack_rpc_connector_shut_down_finish (connector, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_clear_object (&result);
  g_assert_finalize_object (g_steal_pointer (&connector));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) \
  g_test_add ("/connector/" path, Fixture, data, set_up, func, tear_down)
  ADD ("events", NULL, test_events);
  ADD ("refused", NULL, test_refused);
  ADD ("reject", NULL, test_reject);
  ADD ("deadline", NULL, test_deadline);
  ADD ("separate", NULL, test_separate);
  ADD ("open-sync", NULL, test_open_sync);
  ADD ("open-sync-late", NULL, test_open_sync_late);
  ADD ("shut-down/now", &modes[0], test_shut_down);
  ADD ("shut-down/finish-message", &modes[1], test_shut_down);
  ADD ("shut-down/finish-queue", &modes[2], test_shut_down);
  ADD ("rejected", NULL, test_rejected);
  ADD ("unread", NULL, test_unread);
  ADD ("own-thread", NULL, test_own_thread);
  ADD ("cancelled", NULL, test_cancelled);
  ADD ("dropped", NULL, test_dropped);
  ADD ("untaken", NULL, test_untaken);
  ADD ("knocking", NULL, test_knocking);
  ADD ("many-small", NULL, test_many_small);
  ADD ("race", NULL, test_race);
#undef ADD

  return g_test_run ();
}
