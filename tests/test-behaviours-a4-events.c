/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What Pike tells, and to whom: rows A4.18 to A4.36 of docs/behaviours.md. */

#include "test-behaviours-a4.h"

#define N_THREADS 10
#define N_MESSAGES 1000

/* ---- the kinds of events ---- */

static void
test_a4_18 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GEnumClass) kinds = g_type_class_ref (MSGPACK_RPC_TYPE_EVENT_KIND);
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, f->addresses[0], NULL);
  g_autoptr(MsgpackRpcEvent) event = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_autoptr(MsgpackRpcEvent) come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  MsgpackRpcChannel *other = msgpack_rpc_event_get_channel (come);
  static const MsgpackRpcEventKind order[] = {
    MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED,
    MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED,
    MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT,
  };

  g_test_summary ("There are six kinds, of one type, and each names the connection");

  g_assert_cmpuint (kinds->n_values, ==, 6);
  g_assert_true (G_TYPE_IS_BOXED (MSGPACK_RPC_TYPE_EVENT));
  g_assert_true (msgpack_rpc_event_get_channel (event) == channel);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  say (channel, "hello");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (f->here)) == 1);
  say (other, "bad");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (f->here)) == 2);
  close_channel (channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      g_autoptr(MsgpackRpcEvent) each = next_of (queue_of (f->here), order[i]);

      g_assert_true (msgpack_rpc_event_get_channel (each) == other);
    }
  msgpack_rpc_event_unref (event);
  event = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  g_assert_true (msgpack_rpc_event_get_channel (event) == channel);
}

static void
test_a4_19 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, f->addresses[0], NULL);
  g_autoptr(MsgpackRpcEvent) success = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_autoptr(MsgpackRpcChannel) vain = open_to (f->there, "unix:///nonexistent/socket", NULL);
  g_autoptr(MsgpackRpcEvent) failure = NULL;

  g_test_summary ("The end of connecting tells of success, or hands back what was never sent");

  g_assert_no_error (msgpack_rpc_event_get_error (success));
  g_assert_null (msgpack_rpc_event_get_unsent (success));
  failure = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_error (msgpack_rpc_event_get_error (failure), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_leftover (failure, NULL, "[]");
}

static void
test_a4_20 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) end = NULL;

  g_test_summary ("The end of a disconnect of our own has what was sent in part, and what was not");

  send_until_paused (f, channel);
  close_channel (channel, MSGPACK_RPC_CLOSE_MODE_NOW);
  end = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  assert_leftover (end, "paused", "[<'after'>]");
  g_assert_no_error (msgpack_rpc_event_get_error (end));
}

static gpointer
accept_event (gpointer data)
{
  return GINT_TO_POINTER (msgpack_rpc_event_accept (data, NULL));
}

static void
test_a4_21 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, f->addresses[0], NULL);
  g_autoptr(MsgpackRpcEvent) come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_autoptr(MsgpackRpcChannel) rejected = NULL;
  MsgpackRpcEvent *second;
  GThread *threads[2];
  int n_accepted = 0;

  g_test_summary ("The application says when a peer is accepted: later, in any thread, once");

  say (channel, "hello");
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  assert_none (queue_of (f->here));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("decides", accept_event, come);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    n_accepted += GPOINTER_TO_INT (g_thread_join (threads[i]));
  g_assert_cmpint (n_accepted, ==, 1);
  assert_line (queue_of (f->here), "hello");

  rejected = open_to (f->there, f->addresses[0], NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  second = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_reject (second));
  g_assert_false (msgpack_rpc_event_accept (second, NULL));
  msgpack_rpc_event_unref (second);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  assert_none (queue_of (f->here));
}

static void
test_a4_22 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, f->addresses[0], NULL);
  g_autoptr(MsgpackRpcEvent) come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_autofree char *text = g_strnfill (10000, 'x');
  guint decoded = count_decoded ();
  gsize before;

  g_test_summary ("What comes before is held, no more than a socket holds, and delivered after");

  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  for (int i = 0; i < 2 * N_MESSAGES; i++)
    say (channel, text);
  do
    {
      before = msgpack_rpc_channel_get_queued_bytes (channel);
      test_iterate ();
    }
  while (msgpack_rpc_channel_get_queued_bytes (channel) != before);
  /* The sender has the most of it. */
  g_assert_cmpuint (before, >, N_MESSAGES * strlen (text));
  assert_none (queue_of (f->here));
  g_assert_cmpuint (count_decoded (), ==, decoded);

  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  for (int i = 0; i < 2 * N_MESSAGES; i++)
    assert_line (queue_of (f->here), text);
}

static void
test_a4_23 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = g_strdup_printf ("unix-abstract:msgpack-rpc-a4-%d", (int) getpid ());
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = NULL;
  g_autoptr(MsgpackRpcEvent) end = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("That a peer has gone comes with what was sent in part, and what was not");

  /* Of TCP it would be known too late that nobody reads it. */
  g_strfreev (f->addresses);
  f->addresses = msgpack_rpc_connector_listen_sync (f->here, address, NULL, &error);
  g_assert_no_error (error);
  other = meet (f, &channel);
  send_until_paused (f, channel);
  close_channel (other, MSGPACK_RPC_CLOSE_MODE_NOW);
  WAIT_UNTIL (msgpack_rpc_channel_get_status (channel) != MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
  resume_encoder ();
  end = next (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  assert_leftover (end, "paused", "[<'after'>]");
}

static void
test_a4_24 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) event = NULL;

  g_test_summary ("A message that has come is an event with the message");

  say (channel, "hello");
  event = next (f->here, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);
  test_assert_value (msgpack_rpc_event_get_message (event), "'hello'");
  g_assert_null (msgpack_rpc_event_get_error (event));
}

static void
test_a4_25 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) event = NULL;

  g_test_summary ("A message that cannot be sent is an event with the message and the reason");

  say (channel, "bad");
  say (channel, "good");
  event = next (f->there, MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED);
  test_assert_value (msgpack_rpc_event_get_message (event), "'bad'");
  g_assert_error (msgpack_rpc_event_get_error (event), G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  assert_line (queue_of (f->here), "good");
}

static void
test_a4_26 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, f->addresses[0], NULL);
  g_autoptr(MsgpackRpcChannel) vain = NULL;
  g_autoptr(MsgpackRpcEvent) come = NULL;
  g_autoptr(MsgpackRpcEvent) failure = NULL;
  g_autofree char *address = NULL;
  g_autoptr(GSocket) silent = listen_in_silence (&address);

  g_test_summary ("What is sent while connecting is sent when that succeeds, and returned if not");

  say (channel, "one");
  say (channel, "two");
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  assert_line (queue_of (f->here), "one");
  assert_line (queue_of (f->here), "two");

  vain = open_to (f->there, address, NULL);
  say (vain, "three");
  say (vain, "four");
  g_socket_close (silent, NULL);
  failure = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_nonnull (msgpack_rpc_event_get_error (failure));
  assert_leftover (failure, NULL, "[<'three'>, <'four'>]");
}

/* ---- receiving ---- */

/* Takes messages until the queue ends, and counts them. */
typedef struct
{
  MsgpackRpcEventQueue *queue;
  int *counts;           /* atomic, of each message */
  int n;                 /* atomic */
  GError *error;
} Worker;

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  MsgpackRpcEvent *event;

  while ((event = msgpack_rpc_event_queue_receive (worker->queue, -1, NULL, &worker->error)) != NULL)
    {
      if (msgpack_rpc_event_get_kind (event) == MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED)
        {
          const char *text = g_variant_get_string (msgpack_rpc_event_get_message (event), NULL);

          g_atomic_int_inc (&worker->counts[atoi (text)]);
          g_atomic_int_inc (&worker->n);
        }
      msgpack_rpc_event_unref (event);
    }
  return NULL;
}

static void
test_a4_27 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autofree int *counts = g_new0 (int, N_MESSAGES);
  Worker workers[N_THREADS];
  GThread *threads[N_THREADS];
  int total;

  g_test_summary ("Ten threads block on one queue, and each message goes to one of them");

  for (int i = 0; i < N_THREADS; i++)
    {
      workers[i] = (Worker) { .queue = queue_of (f->here), .counts = counts };
      threads[i] = g_thread_new ("worker", work, &workers[i]);
    }
  for (int i = 0; i < N_MESSAGES; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d", i);

      say (channel, text);
    }
  do
    {
      total = 0;
      for (int i = 0; i < N_THREADS; i++)
        total += g_atomic_int_get (&workers[i].n);
      g_thread_yield ();
    }
  while (total < N_MESSAGES);

  g_variant_unref (shut_down (f->here, MSGPACK_RPC_CLOSE_MODE_NOW));
  for (int i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_error (workers[i].error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_clear_error (&workers[i].error);
    }
  for (int i = 0; i < N_MESSAGES; i++)
    g_assert_cmpint (counts[i], ==, 1);
}

/* Accepted with a queue of its own. */
static MsgpackRpcEventQueue *
meet_separately (Pike               *f,
                 MsgpackRpcChannel **channel)
{
  g_autoptr(MsgpackRpcEventQueue) own = msgpack_rpc_event_queue_new ();
  g_autoptr(MsgpackRpcEvent) come = NULL;

  *channel = open_to (f->there, f->addresses[0], NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, own));
  return g_steal_pointer (&own);
}

static void
test_a4_28 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEventQueue) own = meet_separately (f, &channel);
  g_autoptr(MsgpackRpcEventQueue) outgoing = msgpack_rpc_event_queue_new ();
  g_autoptr(MsgpackRpcChannel) second = NULL;
  g_autoptr(MsgpackRpcEvent) come = NULL;

  g_test_summary ("A connection may have a queue of its own, from accepting or from connecting on");

  say (channel, "hello");
  assert_line (own, "hello");
  assert_none (queue_of (f->here));

  second = open_to (f->there, f->addresses[0], outgoing);
  msgpack_rpc_event_unref (next_of (outgoing, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT));
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  say (msgpack_rpc_event_get_channel (come), "welcome");
  assert_line (outgoing, "welcome");
  assert_none (queue_of (f->there));
}

static void
test_a4_29 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEventQueue) own = meet_separately (f, &channel);
  g_autoptr(GError) error = NULL;

  g_test_summary ("Merging moves what is in a queue to the common one, in order, and what comes later");

  say (channel, "nick");
  assert_line (own, "nick");
  say (channel, "first");
  say (channel, "second");
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (own) == 2);
  g_assert_true (msgpack_rpc_event_queue_merge (own, queue_of (f->here), &error));
  g_assert_no_error (error);
  say (channel, "third");
  assert_line (queue_of (f->here), "first");
  assert_line (queue_of (f->here), "second");
  assert_line (queue_of (f->here), "third");
}

static gpointer
receive_error (gpointer data)
{
  GError *error = NULL;

  g_assert_null (msgpack_rpc_event_queue_receive (data, -1, NULL, &error));
  return error;
}

static void
test_a4_30 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEventQueue) own = meet_separately (f, &channel);
  g_autoptr(MsgpackRpcEventQueue) other = msgpack_rpc_event_queue_new ();
  GThread *merged = g_thread_new ("merged", receive_error, own);
  GThread *closed = g_thread_new ("closed", receive_error, other);
  g_autoptr(GError) first = NULL;
  g_autoptr(GError) second = NULL;

  g_test_summary ("A thread that waits for one connection is woken by merging and by shutting down");

  WAIT_UNTIL (test_threads_sleep ("merged", 1) && test_threads_sleep ("closed", 1));
  g_assert_true (msgpack_rpc_event_queue_merge (own, queue_of (f->here), NULL));
  first = g_thread_join (merged);
  g_assert_error (first, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED);
  msgpack_rpc_event_queue_shut_down (other);
  second = g_thread_join (closed);
  g_assert_error (second, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_a4_31 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  MsgpackRpcConnector *idle = make_connector (f);
  GThread *waits = g_thread_new ("waits", receive_error, queue_of (idle));
  g_autoptr(GError) error = NULL;

  g_test_summary ("Receiving ends when all is shut down, after the last event");

  g_variant_unref (shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_NOW));
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  assert_closed (queue_of (f->there));
  assert_closed (queue_of (f->there));

  g_variant_unref (shut_down (idle, MSGPACK_RPC_CLOSE_MODE_NOW));
  error = g_thread_join (waits);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_object_unref (idle);
}

/* ---- connecting ---- */

static void
test_a4_32 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = NULL;
  g_autoptr(GSocket) silent = listen_in_silence (&address);
  g_autoptr(MsgpackRpcChannel) channel = open_to (f->there, address, NULL);

  g_test_summary ("Connecting returns at once what can be used");

  g_assert_cmpint (msgpack_rpc_channel_get_status (channel), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  say (channel, "early");
  g_assert_cmpuint (msgpack_rpc_channel_get_queued_bytes (channel), >, 0);
  assert_none (queue_of (f->there));
}

static void
test_a4_33 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Connecting can be waited for, and tells of success or failure");

  channel = msgpack_rpc_connector_open_sync (f->there, f->addresses[0], NULL, 10000, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (msgpack_rpc_channel_is_connected (channel));
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);

  g_assert_null (msgpack_rpc_connector_open_sync (f->there, "unix:///nonexistent/socket", NULL,
                                                  10000, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
prepare_cb (MsgpackRpcConnector *connector,
            MsgpackRpcChannel   *channel,
            gpointer             user_data)
{
  assert_none (queue_of (connector));
  g_object_set_data (G_OBJECT (channel), "prepared", user_data);
}

static void
test_a4_34 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcEvent) event = NULL;
  RawPeer peer;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_autofree char *address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  g_autoptr(GSocketConnection) accepted = NULL;

  g_test_summary ("State is prepared before any message can be seen, also of a peer that speaks at once");

  g_assert_no_error (error);
  g_signal_connect (f->there, "channel-connected", G_CALLBACK (prepare_cb), f);
  channel = open_to (f->there, address, NULL);
  accepted = g_socket_listener_accept (listener, NULL, NULL, &error);
  g_assert_no_error (error);
  raw_peer_take (&peer, dup (g_socket_get_fd (g_socket_connection_get_socket (accepted))));
  raw_peer_send (&peer, "at once\n", 8);
  raw_peer_clear (&peer);
  g_clear_object (&accepted);

  event = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  g_assert_no_error (msgpack_rpc_event_get_error (event));
  assert_line (queue_of (f->there), "at once");
  g_assert_true (g_object_get_data (G_OBJECT (channel), "prepared") == f);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
}

static void
test_a4_35 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = NULL;
  g_autoptr(GSocket) silent = listen_in_silence (&address);
  g_autoptr(GSocket) accepted = NULL;
  g_autoptr(GError) error = NULL;
  char buffer[4096];
  gssize n;

  g_test_summary ("Who has given up waiting leaves no connection behind");

  g_assert_null (msgpack_rpc_connector_open_sync (f->there, address, NULL, 50, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);

  accepted = g_socket_accept (silent, NULL, &error);
  g_assert_no_error (error);
  do
    n = g_socket_receive (accepted, buffer, sizeof buffer, NULL, NULL);
  while (n > 0);
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connector_get_channels (f->there)), ==, 0);
}

static void
test_a4_36 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autofree char *text = g_strnfill (50000, 'x');
  g_autoptr(GError) error = NULL;
  guint n = 0;

  g_test_summary ("Sending never blocks, whatever the peer does; what is too much is refused");

  msgpack_rpc_channel_set_paused (other, TRUE);
  while (msgpack_rpc_channel_send (channel, g_variant_new_string (text), &error))
    n++;
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  /* 64 MiB, but for what the sockets have taken. */
  g_assert_cmpuint (n, >=, 64 * 1024 * 1024 / (50000 + 1024));
  skip (f->there, MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(number) \
  g_test_add ("/behaviours/A4." #number, Pike, NULL, pike_set_up, test_a4_##number, pike_tear_down)
  ADD (18);
  ADD (19);
  ADD (20);
  ADD (21);
  ADD (22);
  ADD (23);
  ADD (24);
  ADD (25);
  ADD (26);
  ADD (27);
  ADD (28);
  ADD (29);
  ADD (30);
  ADD (31);
  ADD (32);
  ADD (33);
  ADD (34);
  ADD (35);
  ADD (36);
#undef ADD

  return g_test_run ();
}
