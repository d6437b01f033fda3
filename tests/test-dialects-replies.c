/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that want their answers in an order: the rule 41 of docs/dialects.md. */

#include "test-dialects.h"

#include <poll.h>

/* What a peer has to deal with one answer before it gets the next one, in microseconds. */
#define PAUSE 100000

/* Requests are kept, until a case answers them. */
typedef struct
{
  Dialect dialect;
  GPtrArray *kept; /* of MsgpackRpcInvocation, NULL once answered */
} Fixture;

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
set_up (Fixture       *f,
        gconstpointer  data)
{
  dialect_setup (&f->dialect, NULL);
  f->kept = g_ptr_array_new ();
  msgpack_rpc_dispatcher_add_method (f->dialect.dispatcher, "keep", NULL, keep_handler, f->kept, NULL);
  msgpack_rpc_connection_set_reply_order (f->dialect.connection, GPOINTER_TO_INT (data));
}

static void
answer (Fixture *f,
        guint    index)
{
  MsgpackRpcInvocation *invocation = f->kept->pdata[index];

  f->kept->pdata[index] = NULL;
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 ((int) index));
  g_object_unref (invocation);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  for (guint i = 0; i < f->kept->len; i++)
    g_clear_object ((GObject **) &f->kept->pdata[i]);
  g_string_truncate (f->dialect.log, 0);
  dialect_teardown (&f->dialect, data);
  g_ptr_array_unref (f->kept);
}

#define KEEP(id) "94 00 " #id " a4 'keep' 90"
#define ECHO(id) "94 00 " #id " a4 'echo' 90"

static void
ask (Fixture    *f,
     const char *hex,
     guint       n)
{
  send_hex (&f->dialect.raw, hex);
  WAIT_UNTIL (f->kept->len == n);
  test_drain ();
}

static void
assert_nothing (Fixture *f)
{
  guint8 byte;

  test_drain ();
  g_assert_cmpint (recv (f->dialect.raw.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), ==, -1);
}

static void
test_any (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("By default an answer is sent as soon as it is there");

  ask (f, KEEP (05) ECHO (06) KEEP (07), 2);
  assert_comes (&f->dialect.raw, "94 01 06 c0 90", "", "");
  answer (f, 1);
  assert_comes (&f->dialect.raw, "94 01 07 c0 01", "", "");
  answer (f, 0);
  assert_comes (&f->dialect.raw, "94 01 05 c0 00", "", "");
}

static void
test_request (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("In the order of the requests: an answer waits for those before it, also an error");

  /* One that is invalid, and one whose method is not there, have their places, too. */
  ask (f, KEEP (05) ECHO (06) "93 00 07 a1 'x'" "94 00 08 a1 'x' 90" KEEP (09) KEEP (05), 3);
  assert_nothing (f);
  answer (f, 2);
  assert_nothing (f);
  answer (f, 0);
  assert_comes (&f->dialect.raw, "94 01 05 c0 00 94 01 06 c0 90"
                "94 01 07 d923 'Request has 3 elements instead of 4' c0"
                "94 01 08 ba 'There is no method “x”' c0", "", "");
  assert_nothing (f);
  answer (f, 1);
  assert_comes (&f->dialect.raw, "94 01 09 c0 01 94 01 05 c0 02", "", "");
  g_assert_cmpuint (dialect_get_statistic (&f->dialect, "requests-in-flight"), ==, 0);
}

static void
test_reverse (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The last request first: an answer waits for those after it");

  ask (f, KEEP (05) KEEP (06) KEEP (07), 3);
  answer (f, 0);
  assert_nothing (f);
  answer (f, 2);
  assert_comes (&f->dialect.raw, "94 01 07 c0 02", "", "");
  assert_nothing (f);

  /* A new one goes before the older ones. */
  ask (f, KEEP (08), 4);
  answer (f, 1);
  assert_nothing (f);
  answer (f, 3);
  assert_comes (&f->dialect.raw, "94 01 08 c0 03 94 01 06 c0 01 94 01 05 c0 00", "", "");
  g_assert_cmpuint (dialect_get_statistic (&f->dialect, "requests-in-flight"), ==, 0);
}

static void
test_paused (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  gint64 start;

  g_test_summary ("The last request first, and a while between an answer and the one before it");

  ask (f, KEEP (05) KEEP (06) KEEP (07), 3);
  answer (f, 0);
  answer (f, 1);
  start = g_get_monotonic_time ();
  answer (f, 2);
  assert_comes (&f->dialect.raw, "94 01 07 c0 02 94 01 06 c0 01 94 01 05 c0 00", "", "");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 2 * PAUSE);
}

static void
test_resumed (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  guint8 bytes[5];

  g_test_summary ("The while is over when the peer shows by a reply or a request that it is done");

  call = dialect_call (&f->dialect, "first", "()", "94 00 01 a5 'first' 90");
  ask (f, KEEP (05) KEEP (06), 2);
  answer (f, 0);
  answer (f, 1);
  WAIT_UNTIL (recv (f->dialect.raw.fd, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof bytes);
  g_assert_cmpint (bytes[2], ==, 6);
  send_hex (&f->dialect.raw, "94 01 01 c0 c0");
  dialect_assert_result (call, "@mv nothing");
  g_assert_cmpint (recv (f->dialect.raw.fd, bytes, sizeof bytes, MSG_DONTWAIT), ==, sizeof bytes);
  g_assert_cmpint (bytes[2], ==, 5);

  ask (f, KEEP (07) KEEP (08), 4);
  answer (f, 3);
  WAIT_UNTIL (recv (f->dialect.raw.fd, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof bytes);
  g_assert_cmpint (bytes[2], ==, 8);
  send_hex (&f->dialect.raw, ECHO (09));
  dialect_assert_log (&f->dialect, "echo @av []; ");
  g_assert_cmpint (recv (f->dialect.raw.fd, bytes, sizeof bytes, MSG_DONTWAIT), ==, sizeof bytes);
  g_assert_cmpint (bytes[2], ==, 9);
}

static gpointer
demand_all (gpointer data)
{
  Fixture *f = data;
  g_autoptr(GByteArray) expected =
    bytes_from_hex ("94 01 06 c0 01 94 00 01 a4 'last' 90 94 01 05 c0 00");
  guint8 bytes[64];

  for (gsize done = 0, n; done < expected->len; done += n)
    {
      struct pollfd poll_fd = { f->dialect.raw.fd, POLLIN, 0 };

      g_assert_cmpint (poll (&poll_fd, 1, (int) (TEST_DEADLINE / 1000)), ==, 1);
      n = (gsize) recv (f->dialect.raw.fd, bytes, expected->len - done, 0);
      g_assert_cmpuint (n, <=, expected->len - done);
      g_assert_cmpmem (bytes, n, expected->data + done, n);
    }

  send_hex (&f->dialect.raw, "94 01 01 c0 c0");
  return NULL;
}

static void
test_waited (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;

  g_test_summary ("It is over in time also where a thread waits and no loop runs");

  ask (f, KEEP (05) KEEP (06), 2);
  answer (f, 0);
  answer (f, 1);
  thread = g_thread_new ("peer", demand_all, f);
  value = msgpack_rpc_peer_call_sync (f->dialect.peer, "last", NULL, NULL, &error);
  g_assert_no_error (error);
  g_thread_join (thread);
}

/* What has come is all of it, without the loop. */
static void
assert_has_come (Fixture    *f,
                 const char *text)
{
  g_autoptr(GByteArray) expected = bytes_from_hex (text);
  guint8 bytes[64];
  gssize n = recv (f->dialect.raw.fd, bytes, sizeof bytes, MSG_DONTWAIT);

  g_assert_cmpmem (bytes, MAX (n, 0), expected->data, expected->len);
}

static void
test_flushed (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) first = NULL, second = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("Flushing waits for what has its turn, but for the while, and for nothing else");

  ask (f, KEEP (05) KEEP (06) KEEP (07) KEEP (08), 4);
  answer (f, 1);
  answer (f, 2);
  g_assert_true (msgpack_rpc_connection_flush_sync (f->dialect.connection, NULL, &error));
  g_assert_no_error (error);

  answer (f, 3);
  msgpack_rpc_connection_flush_async (f->dialect.connection, cancellable, test_store_result, &first);
  msgpack_rpc_connection_flush_async (f->dialect.connection, NULL, test_store_result, &second);
  g_cancellable_cancel (cancellable);
  g_assert_true (msgpack_rpc_connection_flush_sync (f->dialect.connection, NULL, &error));
  g_assert_no_error (error);
  assert_has_come (f, "94 01 08 c0 03 94 01 07 c0 02 94 01 06 c0 01");

  WAIT_UNTIL (first != NULL && second != NULL);
  g_assert_false (msgpack_rpc_connection_flush_finish (f->dialect.connection, first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (msgpack_rpc_connection_flush_finish (f->dialect.connection, second, &error));
  g_assert_no_error (error);
}

static void
test_flushed_and_closed (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Who waits for that hears when the connection is closed");

  ask (f, KEEP (05) KEEP (06), 2);
  answer (f, 0);
  answer (f, 1);
  msgpack_rpc_connection_flush_async (f->dialect.connection, NULL, test_store_result, &result);
  msgpack_rpc_connection_close_async (f->dialect.connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                      NULL);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_connection_flush_finish (f->dialect.connection, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_hurried (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What has its turn, but for the while, is sent before the connection is closed");

  ask (f, KEEP (05) KEEP (06) KEEP (07), 3);
  answer (f, 0);
  answer (f, 1);
  answer (f, 2);
  msgpack_rpc_connection_close_async (f->dialect.connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      NULL, NULL);
  assert_comes (&f->dialect.raw, "94 01 07 c0 02 94 01 06 c0 01 94 01 05 c0 00", "", "");
  g_assert_null (raw_peer_receive_or_end (&f->dialect.raw));
  dialect_assert_told (&f->dialect, "closed -; ");
}

static void
test_changed (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What waits is sent as soon as the order is changed so that it may be");

  ask (f, KEEP (05) KEEP (06) KEEP (07), 3);
  answer (f, 1);
  assert_nothing (f);
  msgpack_rpc_connection_set_reply_order (f->dialect.connection, MSGPACK_RPC_REPLY_ORDER_ANY);
  assert_comes (&f->dialect.raw, "94 01 06 c0 01", "", "");
  answer (f, 2);
  assert_comes (&f->dialect.raw, "94 01 07 c0 02", "", "");
  answer (f, 0);
  assert_comes (&f->dialect.raw, "94 01 05 c0 00", "", "");
}

static void
test_leaked (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;

  g_test_summary ("One that nobody answers is answered when its time is over, and then the others");

  msgpack_rpc_dispatcher_set_max_answer_time (f->dialect.dispatcher, 50);
  ask (f, KEEP (05) ECHO (06), 1);
  first = raw_peer_receive (&f->dialect.raw);
  test_assert_value (first, "(1, 5, 'Method “keep” gave no answer in time', @mv nothing)");
  second = raw_peer_receive (&f->dialect.raw);
  test_assert_value (second, "(1, 6, @mv nothing, @av [])");
}

static gboolean
take_message (MsgpackRpcConnection *connection,
              GVariant             *message,
              gpointer              data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) method = NULL;

  g_variant_get_child (message, 2, "v", &method);
  if (g_strcmp0 (g_variant_get_string (method, NULL), "mine") != 0)
    return FALSE;

  msgpack_rpc_connection_send_message (connection, g_variant_new_parsed ("(1, 6, @mv nothing, 'mine')"),
                                       NULL);
  return TRUE;
}

static void
test_taken (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What a handler of “message” takes and answers itself holds up nothing");

  g_signal_connect (f->dialect.connection, "message", G_CALLBACK (take_message), NULL);
  ask (f, KEEP (05) "94 00 06 a4 'mine' 90" ECHO (07), 1);
  assert_comes (&f->dialect.raw, "94 01 06 c0 a4 'mine'", "", "");
  answer (f, 0);
  assert_comes (&f->dialect.raw, "94 01 05 c0 00 94 01 07 c0 90", "", "");
  g_assert_cmpuint (dialect_get_statistic (&f->dialect, "requests-in-flight"), ==, 0);
}

static void
test_half_closed (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that has closed its side gets all of them, and then the end");

  ask (f, KEEP (05) ECHO (06) KEEP (07), 2);
  raw_peer_shutdown_write (&f->dialect.raw);
  test_drain ();
  answer (f, 1);
  assert_nothing (f);
  answer (f, 0);
  assert_comes (&f->dialect.raw, "94 01 05 c0 00 94 01 06 c0 90 94 01 07 c0 01", "", "");
  raw_peer_wait_closed (&f->dialect.raw);
}

static void
test_closed (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What waits when the connection is closed is not sent: it would be taken for another");

  ask (f, KEEP (05) ECHO (06), 1);
  msgpack_rpc_connection_close_async (f->dialect.connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      NULL, NULL);
  g_assert_null (raw_peer_receive_or_end (&f->dialect.raw));
  dialect_assert_told (&f->dialect, "echo @av []; closed -; ");
  WAIT_UNTIL (msgpack_rpc_invocation_is_cancelled (f->kept->pdata[0]));
  /* Nor kept: there is but the one that nobody has answered. */
  g_assert_cmpuint (dialect_get_statistic (&f->dialect, "requests-in-flight"), ==, 1);
}

typedef struct
{
  MsgpackRpcServer *server;
  MsgpackRpcInvocation *kept;
} Drained;

/* From here on, what was read already is refused. */
static gboolean
drain_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               data,
               GError               **error G_GNUC_UNUSED)
{
  Drained *self = data;

  self->kept = g_object_ref (invocation);
  msgpack_rpc_server_drain_async (self->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL, NULL,
                                  NULL);
  return TRUE;
}

static void
test_drained (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Drained drained = { msgpack_rpc_server_new (), NULL };
  g_autoptr(MsgpackRpcConnection) accepted = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GVariant) answered = NULL;
  g_autoptr(GVariant) refusal = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer raw;

  g_test_summary ("What a server that ends refuses has its place, too");

  stream = raw_peer_init_transport (&raw, "unix");
  msgpack_rpc_dispatcher_add_method (f->dialect.dispatcher, "drain", NULL, drain_handler, &drained, NULL);
  msgpack_rpc_server_set_dispatcher (drained.server, f->dialect.dispatcher);
  msgpack_rpc_server_set_profile (drained.server, MSGPACK_RPC_PROFILE_SERIAL);
  msgpack_rpc_server_set_reply_order (drained.server, MSGPACK_RPC_REPLY_ORDER_REQUEST);
  accepted = msgpack_rpc_server_accept_stream (drained.server, stream, &error);
  g_assert_no_error (error);
  send_hex (&raw, "94 00 05 a5 'drain' 90" ECHO (06));
  WAIT_UNTIL (drained.kept != NULL);
  test_drain ();
  msgpack_rpc_invocation_return_value (drained.kept, g_variant_new_int32 (1));
  answered = raw_peer_receive (&raw);
  test_assert_value (answered, "(1, 5, @mv nothing, 1)");
  refusal = raw_peer_receive (&raw);
  test_assert_value (refusal, "(1, 6, 'The server is closing, and has not handled the request', "
                              "{'rpc.closing': true})");
  g_assert_null (raw_peer_receive_or_end (&raw));

  g_object_unref (drained.kept);
  raw_peer_clear (&raw);
  g_clear_object (&accepted);
  g_clear_object (&stream);
  test_drain ();
  test_wait_finalized (drained.server);
}

static void
test_bounded (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcLimits) limits = NULL;
  g_autofree char *text = g_strnfill (400, 'x');
  g_autofree char *request = g_strdup_printf ("94 00 06 a4 'echo' 91 da 0190 '%s'", text);

  g_test_summary ("No more waits for the peer than could wait to be written: then the connection ends");

  g_object_get (f->dialect.connection, "limits", &limits, NULL);
  msgpack_rpc_limits_set_max_queued_bytes (limits, 4000);

  /* What was sent does not count. */
  for (guint i = 0; i < 8; i++)
    {
      g_autofree char *kept = g_strdup_printf ("94 01 05 c0 %02x 94 01 06 c0 91 da 0190", i);

      ask (f, KEEP (05), i + 1);
      send_hex (&f->dialect.raw, request);
      test_drain ();
      answer (f, i);
      assert_comes (&f->dialect.raw, kept, text, "");
    }

  ask (f, KEEP (05), 9);
  for (guint i = 0; i < 4; i++)
    send_hex (&f->dialect.raw, request);
  WAIT_UNTIL (strstr (f->dialect.log->str, "closed The output queue holds ") != NULL);
}

static gpointer
answer_in_thread (gpointer data)
{
  MsgpackRpcInvocation *invocation = data;

  msgpack_rpc_invocation_return_value (invocation, NULL);
  g_object_unref (invocation);
  return NULL;
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  enum { N = 64 };
  GThread *threads[N];

  g_test_summary ("Answers given in many threads at once are sent in the order of the requests");

  for (guint round = 0; round < 20; round++)
    {
      for (guint i = 0; i < N; i++)
        {
          g_autofree char *request = g_strdup_printf ("94 00 %02x a4 'keep' 90", i);

          send_hex (&f->dialect.raw, request);
        }
      WAIT_UNTIL (f->kept->len == N);
      for (guint i = 0; i < N; i++)
        threads[i] = g_thread_new ("answerer", answer_in_thread, f->kept->pdata[i]);
      for (guint i = 0; i < N; i++)
        g_thread_join (threads[i]);
      g_ptr_array_set_size (f->kept, 0);
      for (guint i = 0; i < N; i++)
        {
          g_autofree char *expected = g_strdup_printf ("(1, %u, @mv nothing, @mv nothing)", i);
          g_autoptr(GVariant) reply = raw_peer_receive (&f->dialect.raw);

          test_assert_value (reply, expected);
        }
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, order, func) \
  g_test_add ("/dialects/41/" path, Fixture, GINT_TO_POINTER (MSGPACK_RPC_REPLY_ORDER_##order), \
              set_up, func, tear_down)
  ADD ("any", ANY, test_any);
  ADD ("request", REQUEST, test_request);
  ADD ("reverse", REVERSE, test_reverse);
  ADD ("paused", REVERSE, test_paused);
  ADD ("resumed", REVERSE, test_resumed);
  ADD ("waited", REVERSE, test_waited);
  ADD ("flushed", REVERSE, test_flushed);
  ADD ("flushed-and-closed", REVERSE, test_flushed_and_closed);
  ADD ("hurried", REVERSE, test_hurried);
  ADD ("changed", REQUEST, test_changed);
  ADD ("leaked", REQUEST, test_leaked);
  ADD ("taken", REQUEST, test_taken);
  ADD ("half-closed", REQUEST, test_half_closed);
  ADD ("closed", REQUEST, test_closed);
  ADD ("drained", REQUEST, test_drained);
  ADD ("bounded", REQUEST, test_bounded);
  ADD ("in-threads", REQUEST, test_threads);

  return g_test_run ();
}
