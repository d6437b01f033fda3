/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that leave, flood, or do not listen. */

#include "test-hostile.h"

#define REQUEST "94 00 01 a3'add' 92 01 02"
#define NOTIFICATION "93 02 a3'add' 92 01 02"
#define KEEP "94 00 09 a4'keep' 90"
#define ANSWER "(1, 1, @mv nothing, 3)"

static void
setup_tcp (Hostile       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = NULL;

  hostile_prepare (f);
  stream = tcp_peer_init (&f->raw);
  hostile_take_connection (f, msgpack_rpc_connection_new (stream));
}

/* ---- leaving ---- */

static void
call_ended_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      data)
{
  Hostile *f = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (value != NULL)
    g_string_append (f->log, "result ");
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
      g_string_append (f->log, "gone ");
    }
}

static void
start_calls (Hostile *f,
             guint    n)
{
  for (guint i = 0; i < n; i++)
    msgpack_rpc_peer_call_async (f->peer, "call", NULL, NULL, call_ended_cb, f);
}

static void
assert_log (Hostile    *f,
            const char *expected)
{
  WAIT_UNTIL (f->n_closed > 0);
  test_drain ();
  g_assert_cmpuint (f->n_closed, ==, 1);
  g_assert_cmpstr (f->log->str, ==, expected);
  g_assert_cmpuint (hostile_get_statistic (f, "calls-in-flight"), ==, 0);
}

static void
test_calls_in_flight (Hostile       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("When the peer leaves, each call in flight ends once, and closed comes last");

  start_calls (f, 4);
  hostile_send_text (f, "94 01 02 c0 07" NOTIFICATION);
  raw_peer_close (&f->raw);
  assert_log (f, "result add gone gone gone closed");
}

static void
test_reset (Hostile       *f,
            gconstpointer  data)
{
  g_test_summary ("A reset by the peer ends each call in flight once, and closed tells of it");

  start_calls (f, 3);
  if (data != NULL)
    {
      g_variant_unref (raw_peer_receive (&f->raw));
      hostile_send_text (f, KEEP);
      WAIT_UNTIL (f->kept->len == 1);
      g_string_truncate (f->log, 0);
    }
  hostile_reset (f);
  assert_log (f, "gone gone gone closed");
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  if (data != NULL)
    {
      MsgpackRpcInvocation *invocation = g_ptr_array_index (f->kept, 0);

      g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
      g_assert_false (msgpack_rpc_invocation_return_value (invocation, NULL));
    }
}

#define N_MESSAGES 5

static void
assert_left_at (Hostile   *f,
                gsize      size,
                HostileLeave  leave,
                gboolean   tcp)
{
  static const char * const messages[N_MESSAGES] = {
    NOTIFICATION, REQUEST, "94 01 01 c0 07", REQUEST, NOTIFICATION,
  };
  static const char * const deliveries[N_MESSAGES] = { "add ", "add ", "result ", "add ", "add " };
  g_autoptr(GByteArray) bytes = bytes_from_hex (NOTIFICATION REQUEST "94 01 01 c0 07" REQUEST
                                               NOTIFICATION);
  g_autoptr(GString) expected = g_string_new (NULL);
  g_autoptr(GIOStream) stream = NULL;
  gsize end = 0;

  hostile_drop_connection (f);
  stream = tcp ? tcp_peer_init (&f->raw) : raw_peer_init (&f->raw);
  hostile_take_connection (f, msgpack_rpc_connection_new (stream));
  start_calls (f, 2);
  g_variant_unref (raw_peer_receive (&f->raw));
  g_variant_unref (raw_peer_receive (&f->raw));
  raw_peer_send (&f->raw, bytes->data, MIN (size, bytes->len));
  if (size % 2 == 0)
    test_drain ();
  leave (f);

  for (guint i = 0; i < N_MESSAGES; i++)
    {
      g_autoptr(GByteArray) message = bytes_from_hex (messages[i]);

      end += message->len;
      if (end <= size)
        g_string_append (expected, deliveries[i]);
    }
  g_string_append (expected, strstr (expected->str, "result") == NULL ? "gone gone closed"
                                                                      : "gone closed");
  assert_log (f, expected->str);
}

static void
test_leaving (Hostile       *f,
              gconstpointer  data)
{
  HostileLeave leave = (HostileLeave) data;

  g_test_summary ("A peer may leave at any byte: what it said before counts, all calls end");

  for (gsize size = 0; size <= 40; size++)
    {
      assert_left_at (f, size, leave, FALSE);
      assert_left_at (f, size, leave, TRUE);
    }
}

static void
test_answered_after_half_close (Hostile       *f,
                                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (NOTIFICATION REQUEST KEEP REQUEST);

  g_test_summary ("A peer that has half-closed gets all its answers, and then the end");

  for (gsize cut = 0; cut <= bytes->len; cut++)
    {
      g_autoptr(GVariant) first = NULL;
      g_autoptr(GVariant) second = NULL;
      g_autoptr(GVariant) third = NULL;

      hostile_renew (f);
      raw_peer_send (&f->raw, bytes->data, cut);
      test_drain ();
      raw_peer_send (&f->raw, bytes->data + cut, bytes->len - cut);
      raw_peer_shutdown_write (&f->raw);
      WAIT_UNTIL (f->kept->len == 1);
      first = raw_peer_receive (&f->raw);
      second = raw_peer_receive (&f->raw);
      test_assert_value (first, ANSWER);
      test_assert_value (second, ANSWER);
      g_assert_cmpuint (f->n_closed, ==, 0);
      g_assert_true (msgpack_rpc_invocation_return_value (g_ptr_array_index (f->kept, 0), NULL));
      third = raw_peer_receive (&f->raw);
      test_assert_value (third, "(1, 9, @mv nothing, @mv nothing)");
      raw_peer_wait_closed (&f->raw);
      assert_log (f, "add add keep add closed");
      g_assert_no_error (f->error);
    }
}

static void
test_close_meets_half_close (Hostile       *f,
                             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GVariant) notification = NULL;
  g_autoptr(GAsyncResult) closed = NULL;

  g_test_summary ("A peer that stops sending while we close still gets what was queued");

  params = g_variant_ref_sink (g_variant_new ("(s)", text));
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", params, NULL));
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &closed);
  raw_peer_shutdown_write (&f->raw);
  test_drain ();
  notification = raw_peer_receive (&f->raw);
  raw_peer_wait_closed (&f->raw);
  WAIT_UNTIL (closed != NULL);
  assert_log (f, "closed");
  g_assert_no_error (f->error);
}

static void
test_never_answered (Hostile       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A handler that never answers harms nobody, and hears when the peer leaves");

  hostile_send_text (f, KEEP REQUEST);
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, ANSWER);
  raw_peer_close (&f->raw);
  assert_log (f, "keep add closed");
  g_assert_true (msgpack_rpc_invocation_is_cancelled (g_ptr_array_index (f->kept, 0)));
}

static void
test_unread_requests (Hostile       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autoptr(GByteArray) request = bytes_from_hex (KEEP);
  g_autoptr(GByteArray) last = bytes_from_hex (NOTIFICATION);

  g_test_summary ("What the peer sent before it left is delivered, although reading had paused");

  for (guint i = 0; i < 300; i++)
    g_byte_array_append (bytes, request->data, request->len);
  g_byte_array_append (bytes, last->data, last->len);
  raw_peer_send (&f->raw, bytes->data, bytes->len);
  raw_peer_close (&f->raw);
  while (f->n_closed == 0)
    {
      WAIT_UNTIL (f->kept->len > 0 || f->n_closed > 0);
      for (guint i = 0; i < f->kept->len; i++)
        msgpack_rpc_invocation_return_value (g_ptr_array_index (f->kept, i), NULL);
      g_ptr_array_set_size (f->kept, 0);
    }
  g_assert_true (g_str_has_suffix (f->log->str, "keep add closed"));
  g_assert_cmpuint (hostile_get_statistic (f, "received-messages"), ==, 301);
}

static void
test_send_after (Hostile       *f,
                 gconstpointer  data)
{
  HostileLeave leave = (HostileLeave) data;
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GAsyncResult) notified = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Sending after the peer has gone fails, without a signal that kills");

  leave (f);
  msgpack_rpc_peer_send_notification (f->peer, "n", NULL, NULL);
  msgpack_rpc_peer_send_notification (f->peer, "n", NULL, NULL);
  msgpack_rpc_peer_send_notification_async (f->peer, "n", NULL, NULL, test_store_result, &notified);
  msgpack_rpc_peer_call_async (f->peer, "call", NULL, NULL, test_store_result, &called);
  g_assert_null (called);
  value = msgpack_rpc_peer_call_sync (f->peer, "call", NULL, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  WAIT_UNTIL (called != NULL && notified != NULL && f->n_closed == 1);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_peer_send_notification (f->peer, "n", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* ---- many ---- */

static guint
count_descriptors (void)
{
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static void
count_closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 GError               *error G_GNUC_UNUSED,
                 GVariant             *incomplete G_GNUC_UNUSED,
                 GVariant             *unsent G_GNUC_UNUSED,
                 gpointer              data)
{
  ++*(guint *) data;
}

#define N_CONNECTIONS 1000

static void
test_thousand (Hostile       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  guint before = count_descriptors ();
  guint n_closed = 0;

  g_test_summary ("A thousand peers that come, speak or not, and leave, leave nothing behind");

  for (guint i = 0; i < N_CONNECTIONS; i++)
    {
      RawPeer raw;
      g_autoptr(GIOStream) stream = i % 2 == 0 ? raw_peer_init (&raw) : tcp_peer_init (&raw);
      g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);
      g_autoptr(GByteArray) bytes = bytes_from_hex (REQUEST KEEP);

      msgpack_rpc_connection_set_dispatcher (connection, f->dispatcher);
      g_signal_connect (connection, "closed", G_CALLBACK (count_closed_cb), &n_closed);
      raw_peer_send (&raw, bytes->data, i % bytes->len);
      if (i % 3 == 0)
        test_drain ();
      raw_peer_clear (&raw);
      WAIT_UNTIL (n_closed == i + 1);
      g_clear_object (&stream);
      g_ptr_array_set_size (f->kept, 0);
      g_assert_finalize_object (g_steal_pointer (&connection));
    }
  g_assert_cmpuint (count_descriptors (), ==, before);
}

static void
test_thousand_at_once (Hostile       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  enum { N = 300 };
  g_autofree RawPeer *raws = g_new0 (RawPeer, N);
  g_autoptr(GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  guint before = count_descriptors ();
  guint n_closed = 0;

  g_test_summary ("Hundreds of peers at a time, each answered, that leave in the wrong order");

  for (guint i = 0; i < N; i++)
    {
      g_autoptr(GIOStream) stream = raw_peer_init (&raws[i]);
      MsgpackRpcConnection *connection = msgpack_rpc_connection_new (stream);

      msgpack_rpc_connection_set_dispatcher (connection, f->dispatcher);
      g_signal_connect (connection, "closed", G_CALLBACK (count_closed_cb), &n_closed);
      g_ptr_array_add (connections, connection);
    }
  for (guint i = 0; i < N; i++)
    raw_peer_send_value (&raws[i], g_variant_new_parsed ("(0, 1, 'add', (1, 2))"));
  for (guint i = N; i > 0; i--)
    {
      g_autoptr(GVariant) answer = raw_peer_receive (&raws[i - 1]);

      test_assert_value (answer, ANSWER);
    }
  for (guint i = 0; i < N; i++)
    raw_peer_clear (&raws[i * 7 % N]);
  WAIT_UNTIL (n_closed == N);
  g_ptr_array_set_size (connections, 0);
  /* The descriptor that polls them all stays as long as the bystander. */
  g_assert_cmpuint (count_descriptors (), <=, before + 1);
}

/* ---- flooding ---- */

static gpointer
flood_then_answer (gpointer data)
{
  Hostile *f = data;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GByteArray) notification = bytes_from_hex (NOTIFICATION);
  g_autoptr(GVariant) call = NULL;

  g_main_context_push_thread_default (context);
  call = raw_peer_receive (&f->raw);
  for (guint i = 0; i < 2000; i++)
    hostile_try_send (f, notification->data, notification->len);
  hostile_send_text (f, "94 01 01 c0 07");
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_flooded_call (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;

  g_test_summary ("Notifications that flood a sync call do not hide its reply, and follow it");

  thread = g_thread_new ("flood", flood_then_answer, f);
  value = msgpack_rpc_peer_call_sync (f->peer, "call", NULL, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "7");
  g_thread_join (thread);
  g_assert_cmpstr (f->log->str, ==, "");
  WAIT_UNTIL (f->log->len == 4 * 2000);
}

/* What memory a flood may take, in bytes: the limit itself, and what cannot be counted. */
#define FLOODED (160 * 1024 * 1024)

typedef struct
{
  Hostile *f;
  GByteArray *bytes;
  int stop;     /* atomic */
} Flood;

static gpointer
flood_forever (gpointer data)
{
  Flood *flood = data;
  gsize offset = 0;

  while (!g_atomic_int_get (&flood->stop))
    {
      GPollFD fd = { flood->f->raw.fd, G_IO_OUT, 0 };
      gsize left = flood->bytes->len - offset;
      gssize n = send (fd.fd, flood->bytes->data + offset, left, MSG_NOSIGNAL);

      if (n >= 0)
        offset = (offset + (gsize) n) % flood->bytes->len;
      else if (errno == EAGAIN)
        g_poll (&fd, 1, 50);
      else
        break;
    }
  return NULL;
}

static GThread *
start_flood (Flood      *flood,
             Hostile    *f,
             const char *text)
{
  g_autoptr(GByteArray) message = bytes_from_hex (text);

  *flood = (Flood) { .f = f, .bytes = g_byte_array_new () };
  while (flood->bytes->len < 1024 * 1024)
    g_byte_array_append (flood->bytes, message->data, message->len);
  return g_thread_new ("flood", flood_forever, flood);
}

static void
stop_flood (Flood   *flood,
            GThread *thread)
{
  g_atomic_int_set (&flood->stop, TRUE);
  g_thread_join (thread);
  g_byte_array_unref (flood->bytes);
}

typedef struct
{
  gsize heap;           /* the most that was seen */
  int stop;             /* atomic */
} Gauge;

static gpointer
measure (gpointer data)
{
  Gauge *gauge = data;

  while (!g_atomic_int_get (&gauge->stop))
    {
      gauge->heap = MAX (gauge->heap, hostile_get_heap ());
      g_usleep (1000);
    }
  return NULL;
}

static void
test_endless_flood (Hostile       *f,
                    gconstpointer  data)
{
  gsize before = hostile_get_heap ();
  Gauge gauge = { .heap = before };
  GThread *gauge_thread = g_thread_new ("gauge", measure, &gauge);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  Flood flood;
  GThread *thread;

  g_test_summary ("An endless flood while a sync call waits takes bounded memory, and ends it");

  thread = start_flood (&flood, f, data);
  value = msgpack_rpc_peer_call_sync (f->peer, "call", NULL, NULL, &error);
  g_atomic_int_set (&gauge.stop, TRUE);
  g_thread_join (gauge_thread);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  stop_flood (&flood, thread);
  g_assert_cmpuint (gauge.heap, <, before + FLOODED);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
}

static void
slow_unknown_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                       GVariant             *msgid G_GNUC_UNUSED,
                       GVariant             *error G_GNUC_UNUSED,
                       GVariant             *result G_GNUC_UNUSED,
                       gpointer              data)
{
  guint *n = data;
  gint64 end = g_get_monotonic_time () + 50;

  ++*n;
  while (g_get_monotonic_time () < end)
    ;
}

static gboolean
slow_message_cb (MsgpackRpcConnection *connection,
                 GVariant             *message G_GNUC_UNUSED,
                 gpointer              data)
{
  slow_unknown_reply_cb (connection, NULL, NULL, NULL, data);
  return FALSE;
}

static void
slow_notification_cb (MsgpackRpcConnection *connection,
                      const char           *method G_GNUC_UNUSED,
                      GVariant             *params G_GNUC_UNUSED,
                      gpointer              data)
{
  slow_unknown_reply_cb (connection, NULL, NULL, NULL, data);
}

typedef struct
{
  const char *bytes;
  const char *signal;
  GCallback handler;
} SlowCase;

static void
test_slow_handler (Hostile       *f,
                   gconstpointer  data)
{
  const SlowCase *slow = data;
  gsize before = hostile_get_heap ();
  guint n = 0, i = 0;
  Flood flood;
  GThread *thread;

  g_test_summary ("A peer that is faster than the handlers waits, and takes little memory");

  g_signal_connect (f->connection, slow->signal, slow->handler, &n);
  thread = start_flood (&flood, f, slow->bytes);
  while (n < 2000)
    {
      g_main_context_iteration (NULL, TRUE);
      /* Looking takes time, too. */
      if (i++ % 64 == 0)
        g_assert_cmpuint (hostile_get_heap (), <, before + 24 * 1024 * 1024);
    }
  stop_flood (&flood, thread);
  g_signal_handlers_disconnect_by_data (f->connection, &n);
  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
  hostile_assert_bystander (f);
}

/* ---- not listening ---- */

static gboolean
big_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params G_GNUC_UNUSED,
             gpointer               data,
             GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, data);
}

typedef struct
{
  gsize size;          /* of an answer */
  guint64 max_queued;  /* 0: the default */
  const char *limit;
} NeverReads;

static void
test_never_reads (Hostile       *f,
                  gconstpointer  data)
{
  const NeverReads *how = data;
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (f->connection);
  g_autofree char *text = g_strnfill (how->size, 'x');
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_string (text));
  g_autoptr(GByteArray) request = bytes_from_hex ("94 00 01 a3'big' 90");
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  gsize before;
  guint n = 0;

  g_test_summary ("A peer that asks and never reads the answers is disconnected at the limit");

  for (guint i = 0; i < 100; i++)
    g_byte_array_append (bytes, request->data, request->len);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "big", NULL, big_handler, value, NULL);
  /* It is the limit that ends it, however slow this is. */
  msgpack_rpc_limits_set_write_timeout (limits, G_MAXINT);
  if (how->max_queued > 0)
    msgpack_rpc_limits_set_max_queued_bytes (limits, how->max_queued);
  before = hostile_get_heap ();
  while (f->n_closed == 0)
    {
      hostile_try_send (f, bytes->data, bytes->len);
      test_drain ();
      if (n++ % 16 == 0)
        g_assert_cmpuint (hostile_get_heap (), <, before + FLOODED);
    }
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_nonnull (strstr (f->error->message, how->limit));
  test_drain ();
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), ==, 0);
}

static void
test_full_queue (Hostile       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (1024 * 1024, 'x');
  g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new ("(s)", text));
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;
  guint n = 0;

  g_test_summary ("What we send to a peer that does not read is refused at the limit, not queued");

  while (msgpack_rpc_peer_send_notification (f->peer, "n", params, &error))
    n++;
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_cmpuint (n, >=, 60);
  g_assert_cmpuint (n, <=, 64);
  g_clear_error (&error);
  msgpack_rpc_peer_call_async (f->peer, "call", params, NULL, test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
  hostile_assert_idle ();
}

static void
test_withdrawn (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GVariant) big = NULL;
  g_autoptr(GVariant) mark = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A call that is cancelled while it queues behind what the peer does not read is "
                  "never sent");

  params = g_variant_ref_sink (g_variant_new ("(s)", text));
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", params, NULL));
  call = msgpack_rpc_peer_start_call (f->peer, "call", NULL);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "mark", NULL, NULL));
  test_drain ();
  msgpack_rpc_call_cancel (call);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  big = raw_peer_receive (&f->raw);
  mark = raw_peer_receive (&f->raw);
  test_assert_value (mark, "(2, 'mark', @av [])");
}

#define ADD(name, function) ADD_DATA (name, NULL, function)
#define ADD_DATA(name, data, function) \
  g_test_add ("/msgpack-rpc/connection/peer/" name, Hostile, data, hostile_setup, function, \
              hostile_teardown)
#define ADD_TCP(name, data, function) \
  g_test_add ("/msgpack-rpc/connection/peer/" name, Hostile, data, setup_tcp, function, \
              hostile_teardown)

static void
add_leaving (void)
{
  ADD ("calls-in-flight", test_calls_in_flight);
  ADD_TCP ("reset", NULL, test_reset);
  ADD_TCP ("reset-after-talking", "talked", test_reset);
  ADD_DATA ("half-close-anywhere", hostile_half_close, test_leaving);
  ADD_DATA ("vanish-anywhere", hostile_vanish, test_leaving);
  ADD_DATA ("shut-down-anywhere", hostile_shut_down, test_leaving);
  ADD ("answered-after-half-close", test_answered_after_half_close);
  ADD ("close-meets-half-close", test_close_meets_half_close);
  ADD ("never-answered", test_never_answered);
  ADD ("unread-requests", test_unread_requests);
  ADD_DATA ("send-after-vanish", hostile_vanish, test_send_after);
  ADD_DATA ("send-after-shut-down", hostile_shut_down, test_send_after);
  ADD_TCP ("send-after-reset", hostile_reset, test_send_after);
  ADD ("thousand", test_thousand);
  ADD ("hundreds-at-once", test_thousand_at_once);
}

static void
add_flooding (void)
{
  static const SlowCase unknown = {
    "94 01 00 c0 c0", "unknown-reply", G_CALLBACK (slow_unknown_reply_cb),
  };
  static const SlowCase messages = { "94 01 00 c0 c0", "message", G_CALLBACK (slow_message_cb) };
  static const SlowCase invalid = { "91 07", "message", G_CALLBACK (slow_message_cb) };
  static const SlowCase notifications = {
    "93 02 a1'n' 90", "notification", G_CALLBACK (slow_notification_cb),
  };
  static const NeverReads big = { 64 * 1024, 0, "67108864" };
  static const NeverReads small = { 1, 8 * 1024 * 1024, "8388608" };

  ADD ("flooded-call", test_flooded_call);
  ADD_DATA ("endless-notifications", "93 02 a1'n' 90", test_endless_flood);
  ADD_DATA ("endless-numbers", "93 02 a1'n' 9f 000102030405060708090a0b0c0d0e", test_endless_flood);
  ADD_DATA ("slow-unknown-reply", &unknown, test_slow_handler);
  ADD_DATA ("slow-message", &messages, test_slow_handler);
  ADD_DATA ("slow-invalid", &invalid, test_slow_handler);
  ADD_DATA ("slow-notification", &notifications, test_slow_handler);
  ADD_DATA ("never-reads-big", &big, test_never_reads);
  ADD_DATA ("never-reads-small", &small, test_never_reads);
  ADD ("full-queue", test_full_queue);
  ADD ("withdrawn", test_withdrawn);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_leaving ();
  add_flooding ();

  return g_test_run ();
}
