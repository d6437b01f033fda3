/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Requests, order, contexts and the end of a connection. */

#include "test-util.h"

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcPeer *peer;   /* the connection */
  GString *log;           /* what happened, in order */
  gboolean inside;        /* of a function in which no callback may run */
} Fixture;

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error,
           GVariant             *incomplete,
           GVariant             *unsent,
           gpointer              data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_string_append_printf (f->log, "closed(%s,%s,%" G_GSIZE_FORMAT ") ",
                          error != NULL ? "error" : "-", incomplete != NULL ? "incomplete" : "-",
                          g_variant_n_children (unsent));
}

static void
status_cb (GObject    *object,
           GParamSpec *pspec G_GNUC_UNUSED,
           gpointer    data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_assert_true (object == G_OBJECT (f->connection));
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&f->raw);

  f->connection = msgpack_rpc_connection_new (stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
  /* The queue goes out in small pieces, which may take long. */
  msgpack_rpc_limits_set_close_timeout (msgpack_rpc_connection_get_limits (f->connection),
                                        5000 * test_get_slowness ());
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  f->log = g_string_new (NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (f->connection, f->dispatcher);
  g_signal_connect (f->connection, "closed", G_CALLBACK (closed_cb), f);
  g_signal_connect (f->connection, "notify::status", G_CALLBACK (status_cb), f);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->connection != NULL)
    g_assert_finalize_object (f->connection);
  g_assert_finalize_object (f->dispatcher);
  g_string_free (f->log, TRUE);
  raw_peer_clear (&f->raw);
}

/* Sends @request and asserts what comes back. */
static void
assert_answer (Fixture    *f,
               const char *request,
               const char *expected)
{
  g_autoptr(GVariant) value = test_parse (request);
  g_autoptr(GVariant) answer = NULL;

  raw_peer_send_value (&f->raw, value);
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, expected);
}

static void
test_requests (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Requests are answered, each with its id exactly as it came");

  assert_answer (f, "(0, 1, 'add', (1, 2))", "(1, 1, @mv nothing, 3)");
  assert_answer (f, "(0, uint32 4294967295, 'add', (1, 2))", "(1, uint32 4294967295, @mv nothing, 3)");
  assert_answer (f, "(0, -1, 'add', (1, 2))", "(1, -1, @mv nothing, 3)");
  assert_answer (f, "(0, 'id', 'add', (1, 2))", "(1, 'id', @mv nothing, 3)");
  assert_answer (f, "(0, 1.5, 'add', (1, 2))", "(1, 1.5, @mv nothing, 3)");
  assert_answer (f, "(0, 2, 'add', (1,))", "(1, 2, 'add() takes 2 arguments (1 given)', @mv nothing)");
  assert_answer (f, "(0, 3, 'sub', (1, 2))", "(1, 3, 'There is no method “sub”', @mv nothing)");
  assert_answer (f, "(0, 4, '', (1, 2))", "(1, 4, 'There is no method “”', @mv nothing)");
  assert_answer (f, "(0, 5, @ay [0x61, 0x64, 0x64], (1, 2), 'extra')", "(1, 5, @mv nothing, 3)");
}

/* Sends two requests on two connections, the first in pieces, the other between them. */
static void
take_turns (Fixture    *f,
            Fixture    *other,
            gsize       piece,
            const char *text)
{
  g_autoptr(GVariant) request = g_variant_ref_sink (g_variant_new ("(iis(s))", 0, 1, "text", text));
  g_autofree char *expected = g_strdup_printf ("(1, 1, @mv nothing, '%s')", text);
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (request, &error);
  const char *data;
  gsize size;

  g_assert_no_error (error);
  data = g_bytes_get_data (bytes, &size);
  for (gsize begin = 0; begin < size; begin += piece)
    {
      raw_peer_send (&f->raw, data + begin, MIN (piece, size - begin));
      assert_answer (other, "(0, 2, 'add', (1, 2))", "(1, 2, @mv nothing, 3)");
    }

  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, expected);
}

static gboolean
text_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) text = g_variant_get_child_value (params, 0);

  return msgpack_rpc_invocation_return_value (invocation, text);
}

static void
test_in_turns (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *large = g_strnfill (5000, 'x');
  g_autoptr(GVariant) answer = NULL;
  Fixture other = { .connection = NULL };

  g_test_summary ("Connections of one thread that get pieces of messages in turns do not mix them");

  setup (&other, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "text", "(s)", text_handler, NULL, NULL);
  take_turns (f, &other, 1, "small");
  take_turns (f, &other, 700, large);

  /* Not every stream takes what it is told last while it is still writing. */
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (other.connection) == 0);
  /* Each counts its own bytes: the other has sent 10 for each of 15 and 8 pieces. */
  raw_peer_send (&other.raw, "\xc1", 1);
  answer = raw_peer_receive (&other.raw);
  test_assert_value (answer, "(1, 0, 'expected a message (an array), got \"\\\\xc1\" at offset 230', "
                             "@mv nothing)");
  teardown (&other, NULL);
}

static void
test_without_dispatcher (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The dispatcher can be taken away and given back while the connection lives");

  msgpack_rpc_connection_set_dispatcher (f->connection, NULL);
  assert_answer (f, "(0, 1, 'add', (1, 2))", "(1, 1, 'There is no method “add”', @mv nothing)");
  msgpack_rpc_connection_set_dispatcher (f->connection, f->dispatcher);
  assert_answer (f, "(0, 2, 'add', (1, 2))", "(1, 2, @mv nothing, 3)");
}

static gboolean
fail_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error)
{
  if (data != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, data);
  return FALSE;
}

/* TRUE, and nobody keeps the invocation. */
static gboolean
forget_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  return TRUE;
}

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
test_answered_once (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GVariant) answer = NULL;
  MsgpackRpcInvocation *invocation;

  g_test_summary ("A request is answered exactly once, whatever its handler does");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "fail", NULL, fail_handler, (gpointer) "no luck", NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "raise", NULL, fail_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "forget", NULL, forget_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);

  assert_answer (f, "(0, 1, 'fail', @av [])", "(1, 1, 'no luck', @mv nothing)");
  assert_answer (f, "(0, 2, 'raise', @av [])", "(1, 2, 'Method “raise” failed', @mv nothing)");
  assert_answer (f, "(0, 3, 'forget', @av [])",
                 "(1, 3, 'Method “forget” gave no answer', @mv nothing)");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 4, 'keep', @av [])"));
  WAIT_UNTIL (kept->len == 1);
  invocation = g_ptr_array_index (kept, 0);
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (7)));
  g_assert_false (msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (8)));
  g_assert_false (msgpack_rpc_invocation_return_error_literal (invocation, G_IO_ERROR, 0, "late"));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 4, @mv nothing, 7)");
  g_assert_cmpuint (test_get_statistic (f->connection, "late-answers"), ==, 2);
  g_assert_cmpuint (test_get_statistic (f->connection, "requests-in-flight"), ==, 0);

  /* Nothing more has been sent. */
  assert_answer (f, "(0, 5, 'add', (1, 2))", "(1, 5, @mv nothing, 3)");
}

static void
test_never_answered (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A handler that never answers is answered for after max-answer-time");

  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, 30);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'keep', @av [])"));
  answer = raw_peer_receive (&f->raw);
  g_assert_cmpuint (kept->len, ==, 1);
  test_assert_value (answer, "(1, 1, 'Method “keep” gave no answer in time', @mv nothing)");
  g_assert_false (msgpack_rpc_invocation_return_value (g_ptr_array_index (kept, 0), NULL));
}

static gpointer
answer_in_thread (gpointer data)
{
  msgpack_rpc_invocation_return_value (data, g_variant_new_string ("from afar"));
  return NULL;
}

static void
test_answer_from_thread (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A request is answered from another thread");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'keep', @av [])"));
  WAIT_UNTIL (kept->len == 1);
  g_thread_join (g_thread_new ("answer", answer_in_thread, g_ptr_array_index (kept, 0)));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 'from afar')");
}

static gboolean
request_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
            MsgpackRpcInvocation *invocation,
            GVariant             *params,
            gpointer              data)
{
  Fixture *f = data;

  g_assert_true (msgpack_rpc_invocation_get_params (invocation) == params);
  g_string_append_printf (f->log, "request(%s) ", msgpack_rpc_invocation_get_method (invocation));
  if (!g_str_equal (msgpack_rpc_invocation_get_method (invocation), "mine"))
    return FALSE;

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("signal"));
  return TRUE;
}

static gboolean
message_cb (MsgpackRpcConnection *connection,
            GVariant             *message,
            gpointer              data)
{
  Fixture *f = data;
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_variant_is_of_type (message, G_VARIANT_TYPE ("av")));
  g_string_append (f->log, "message ");
  text = g_variant_print (message, FALSE);
  if (strstr (text, "raw") == NULL)
    return FALSE;

  msgpack_rpc_connection_send_message (connection, g_variant_new_parsed ("(1, 9, @mv nothing, 'raw')"),
                                       &error);
  g_assert_no_error (error);
  return TRUE;
}

static void
test_signals (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("message sees all first, request::method next, the dispatcher last");

  g_signal_connect (f->connection, "message", G_CALLBACK (message_cb), f);
  g_signal_connect (f->connection, "request::mine", G_CALLBACK (request_cb), f);
  g_signal_connect (f->connection, "request::add", G_CALLBACK (request_cb), f);

  assert_answer (f, "(0, 1, 'mine', @av [])", "(1, 1, @mv nothing, 'signal')");
  assert_answer (f, "(0, 2, 'add', (1, 2))", "(1, 2, @mv nothing, 3)");
  assert_answer (f, "(0, 9, 'raw', @av [])", "(1, 9, @mv nothing, 'raw')");
  g_assert_cmpstr (f->log->str, ==, "message request(mine) message request(add) message ");
  g_assert_cmpuint (test_get_statistic (f->connection, "requests-in-flight"), ==, 0);
}

/* ---- order ---- */

static void
notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const char           *method,
                 GVariant             *params G_GNUC_UNUSED,
                 gpointer              data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_string_append_printf (f->log, "%s ", method);
}

static void
reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
          MsgpackRpcCall       *call,
          gpointer              data)
{
  Fixture *f = data;

  g_string_append_printf (f->log, "reply(%s) ", msgpack_rpc_call_get_method (call));
}

static void
called_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  Fixture *f = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);

  g_assert_false (f->inside);
  g_string_append_printf (f->log, "%s(%s) ", value != NULL ? "result" : "failure",
                          msgpack_rpc_call_get_method (MSGPACK_RPC_CALL (result)));
}

static void
test_order (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Replies, notifications and requests are delivered in wire order, then closed");

  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  g_signal_connect (f->connection, "request", G_CALLBACK (request_cb), f);
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, called_cb, f);
  msgpack_rpc_peer_call_async (f->peer, "b", NULL, NULL, called_cb, f);

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n1', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, 1)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n2', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'q', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, 'no', @mv nothing)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n3', @av [])"));
  raw_peer_close (&f->raw);

  WAIT_UNTIL (strstr (f->log->str, "closed") != NULL);
  if (!g_str_has_prefix (f->log->str, "n1 result(b) n2 request(q) failure(a) n3 closed("))
    g_error ("Delivered: %s", f->log->str);
}

static void
test_order_after_sync (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What a sync call held back follows in wire order, and it runs none of it");

  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  g_signal_connect (f->connection, "reply", G_CALLBACK (reply_cb), f);
  msgpack_rpc_peer_call_async (f->peer, "first", NULL, NULL, called_cb, f);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n1', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 1)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n2', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 2, @mv nothing, 2)"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n3', @av [])"));

  f->inside = TRUE;
  value = msgpack_rpc_peer_call_sync (f->peer, "second", NULL, NULL, &error);
  f->inside = FALSE;
  g_assert_no_error (error);
  test_assert_value (value, "2");
  g_assert_cmpstr (f->log->str, ==, "");

  WAIT_UNTIL (strstr (f->log->str, "n3") != NULL);
  g_assert_cmpstr (f->log->str, ==, "n1 result(first) reply(first) n2 reply(second) n3 ");
}

static gboolean
call_within_handler (MsgpackRpcInvocation  *invocation,
                     GVariant              *params G_GNUC_UNUSED,
                     gpointer               data,
                     GError               **error)
{
  Fixture *f = data;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_sync (f->peer, "back", NULL, NULL, error);
  if (value == NULL)
    return FALSE;

  g_string_append (f->log, "handler ");
  return msgpack_rpc_invocation_return_value (invocation, value);
}

/* The peer, in a thread of its own: answers one call, after a notification. */
static gpointer
answer_back (gpointer data)
{
  RawPeer *raw = data;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GVariant) call = NULL;

  g_main_context_push_thread_default (context);
  call = raw_peer_receive (raw);
  test_assert_value (call, "(0, 1, 'back', @av [])");
  raw_peer_send_value (raw, g_variant_new_parsed ("(2, 'n', @av [])"));
  raw_peer_send_value (raw, g_variant_new_parsed ("(1, 1, @mv nothing, 'deep')"));
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_sync_in_handler (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;
  GThread *thread;

  g_test_summary ("A handler may call its peer and wait, within the dispatch of its own context");

  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "forth", NULL, call_within_handler, f, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'forth', @av [])"));
  thread = g_thread_new ("peer", answer_back, &f->raw);
  WAIT_UNTIL (strstr (f->log->str, "n ") != NULL);
  g_thread_join (thread);
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 'deep')");
  g_assert_cmpstr (f->log->str, ==, "handler n ");
}

static gboolean
spin_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  Fixture *f = data;
  g_autoptr(GVariant) inner = NULL;

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 2, 'add', (1, 2))"));
  inner = raw_peer_receive (&f->raw);
  test_assert_value (inner, "(1, 2, @mv nothing, 3)");
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
test_nested_loop (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A handler may run the loop, and others are served meanwhile");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "spin", NULL, spin_handler, f, NULL);
  assert_answer (f, "(0, 1, 'spin', @av [])", "(1, 1, @mv nothing, @mv nothing)");
}

/* ---- no callback inside of a function ---- */

static void
done_cb (GObject      *source G_GNUC_UNUSED,
         GAsyncResult *result G_GNUC_UNUSED,
         gpointer      data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_string_append (f->log, "done ");
}

static void
cancel_call_cb (MsgpackRpcCall *call G_GNUC_UNUSED,
                gpointer        data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_string_append (f->log, "completed ");
}

static void
test_nothing_inside (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(GCancellable) cancelled = g_cancellable_new ();

  g_test_summary ("No callback, signal or notification comes inside of a function that starts, sends, "
                  "cancels or closes");

  g_cancellable_cancel (cancelled);
  g_signal_connect (call, "completed", G_CALLBACK (cancel_call_cb), f);
  g_signal_connect (f->connection, "notification", G_CALLBACK (notification_cb), f);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n', @av [])"));

  f->inside = TRUE;
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, called_cb, f);
  msgpack_rpc_peer_call_async (f->peer, "b", NULL, cancelled, called_cb, f);
  msgpack_rpc_peer_call_async (f->peer, "c", g_variant_new ("(h)", 1), NULL, called_cb, f);
  msgpack_rpc_peer_send_call (f->peer, call);
  msgpack_rpc_call_cancel (call);
  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_FAILED);
  msgpack_rpc_call_wait_async (call, NULL, done_cb, f);
  msgpack_rpc_peer_send_notification (f->peer, "n", NULL, NULL);
  msgpack_rpc_peer_send_notification_async (f->peer, "n", NULL, NULL, done_cb, f);
  msgpack_rpc_connection_flush_async (f->connection, NULL, done_cb, f);
  msgpack_rpc_connection_send_message (f->connection, g_variant_new ("(is)", 2, "x"), NULL);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, done_cb, f);
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, done_cb, f);
  msgpack_rpc_peer_call_async (f->peer, "d", NULL, NULL, called_cb, f);
  msgpack_rpc_connection_flush_async (f->connection, NULL, done_cb, f);
  f->inside = FALSE;
  g_assert_cmpstr (f->log->str, ==, "");

  WAIT_UNTIL (strstr (f->log->str, "failure(d)") != NULL);
  test_drain ();
  for (const char *name = "abcd"; *name != '\0'; name++)
    {
      g_autofree char *expected = g_strdup_printf ("failure(%c) ", *name);

      g_assert_nonnull (strstr (f->log->str, expected));
    }
  g_assert_nonnull (strstr (f->log->str, "completed "));
  g_assert_nonnull (strstr (f->log->str, "closed("));
}

/* ---- contexts ---- */

typedef struct
{
  GMainContext *context;
  GThread *handler_thread;
  GThread *notification_thread;
  int stop;
} Elsewhere;

static gboolean
where_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               data,
               GError               **error G_GNUC_UNUSED)
{
  Elsewhere *elsewhere = data;

  elsewhere->handler_thread = g_thread_self ();
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
where_notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                       const char           *method G_GNUC_UNUSED,
                       GVariant             *params G_GNUC_UNUSED,
                       gpointer              data)
{
  Elsewhere *elsewhere = data;

  g_atomic_pointer_set (&elsewhere->notification_thread, g_thread_self ());
}

static gpointer
run_elsewhere (gpointer data)
{
  Elsewhere *elsewhere = data;

  g_main_context_push_thread_default (elsewhere->context);
  while (!g_atomic_int_get (&elsewhere->stop))
    g_main_context_iteration (elsewhere->context, TRUE);
  g_main_context_pop_thread_default (elsewhere->context);
  return NULL;
}

static void
thread_cb (GObject      *source G_GNUC_UNUSED,
           GAsyncResult *result G_GNUC_UNUSED,
           gpointer      data)
{
  *(GThread **) data = g_thread_self ();
}

static void
test_contexts (void)
{
  Elsewhere elsewhere = { .context = g_main_context_new () };
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  GThread *callback_thread = NULL;
  g_autoptr(GVariant) call = NULL;
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;

  g_test_summary ("Handlers run in the connection's context, callbacks in the caller's");

  connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                             "io-stream", stream,
                             "main-context", elsewhere.context,
                             NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "where", NULL, where_handler, &elsewhere, NULL);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  g_signal_connect (connection, "notification", G_CALLBACK (where_notification_cb), &elsewhere);
  thread = g_thread_new ("elsewhere", run_elsewhere, &elsewhere);

  raw_peer_send_value (&raw, g_variant_new_parsed ("(0, 1, 'where', @av [])"));
  answer = raw_peer_receive (&raw);
  g_assert_true (elsewhere.handler_thread == thread);
  raw_peer_send_value (&raw, g_variant_new_parsed ("(2, 'n', @av [])"));
  WAIT_UNTIL (g_atomic_pointer_get (&elsewhere.notification_thread) == thread);

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), "a", NULL, NULL, thread_cb,
                               &callback_thread);
  call = raw_peer_receive (&raw);
  raw_peer_send_value (&raw, g_variant_new_parsed ("(1, 1, @mv nothing, 1)"));
  WAIT_UNTIL (callback_thread != NULL);
  g_assert_true (callback_thread == g_thread_self ());

  /* And a sync call while the loop runs in the other thread. */
  raw_peer_send_value (&raw, g_variant_new_parsed ("(2, 'n', @av [])"));
  msgpack_rpc_connection_set_default_timeout (connection, 30);
  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "b", NULL, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  g_atomic_int_set (&elsewhere.stop, TRUE);
  g_main_context_wakeup (elsewhere.context);
  g_thread_join (thread);
  g_assert_finalize_object (g_steal_pointer (&connection));
  g_main_context_unref (elsewhere.context);
  raw_peer_clear (&raw);
}

#define N_THREADS 8
#define N_CALLS 200

static void
count_sum_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);

  g_assert_no_error (error);
  test_assert_value (value, "3");
  ++*(guint *) data;
}

static gpointer
call_from_thread (gpointer data)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  guint n = 0;

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      msgpack_rpc_peer_call_async (data, "add", g_variant_new ("(ii)", 1, 2), NULL, count_sum_cb, &n);
      if (i % 10 != 0)
        continue;
      value = msgpack_rpc_peer_call_sync (data, "add", g_variant_new ("(ii)", 2, 2), NULL, &error);
      g_assert_no_error (error);
      test_assert_value (value, "4");
    }
  WAIT_UNTIL (n == N_CALLS);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) first = NULL;
  g_autoptr(MsgpackRpcConnection) second = NULL;
  GThread *threads[N_THREADS];
  int running = N_THREADS;

  g_test_summary ("Eight threads call over one connection, async and sync");

  g_assert_true (msgpack_rpc_connection_new_pair (&first, &second, NULL));
  msgpack_rpc_connection_set_dispatcher (second, f->dispatcher);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", call_from_thread, first);

  WAIT_UNTIL (test_get_statistic (first, "received-messages") == N_THREADS * (N_CALLS + N_CALLS / 10));
  for (guint i = 0; i < N_THREADS; i++, running--)
    g_thread_join (threads[i]);
  g_assert_cmpint (running, ==, 0);
  test_drain ();
  g_assert_cmpuint (test_get_statistic (first, "calls-in-flight"), ==, 0);
  g_assert_cmpuint (test_get_statistic (second, "requests-in-flight"), ==, 0);
}

/* ---- the end ---- */

static void
test_peer_closes (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("An orderly end of the stream is no error");

  raw_peer_close (&f->raw);
  WAIT_UNTIL (f->log->len > 0);
  g_assert_cmpstr (f->log->str, ==, "closed(-,-,0) ");
  g_assert_false (msgpack_rpc_connection_is_connected (f->connection));
}

static void
test_half_close (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("A peer that stops sending still gets the answers it waits for");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'keep', @av [])"));
  raw_peer_shutdown_write (&f->raw);
  WAIT_UNTIL (kept->len == 1);
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->connection) ==
              MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  msgpack_rpc_invocation_return_value (g_ptr_array_index (kept, 0), g_variant_new_int32 (7));
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 7)");
  WAIT_UNTIL (f->log->len > 0);
  g_assert_cmpstr (f->log->str, ==, "closed(-,-,0) ");
}

/* Queues @n notifications of a megabyte each, of which the socket takes a part at most. */
static void
queue_megabytes (Fixture *f,
                 guint    n)
{
  g_autofree char *text = g_strnfill (1024 * 1024, 'x');
  g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new ("(s)", text));

  for (guint i = 0; i < n; i++)
    g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "big", params, NULL));
}

static void
test_close_now (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) sent = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing at once hands back what was partly sent and what was not");

  queue_megabytes (f, 2);
  msgpack_rpc_peer_call_async (f->peer, "unsent", NULL, NULL, test_store_result, &sent);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), >, 1024 * 1024);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                      test_store_result, &closed);
  WAIT_UNTIL (closed != NULL && sent != NULL && f->log->len > 0);

  g_assert_true (msgpack_rpc_connection_close_finish (f->connection, closed, &error));
  g_assert_cmpstr (f->log->str, ==, "closed(-,incomplete,2) ");
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, sent, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (sent)), ==,
                   MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), ==, 0);
}

static void
test_close_finish_queue (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing after the queue sends it all first, and takes nothing more");

  queue_megabytes (f, 2);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &closed);
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  g_assert_false (msgpack_rpc_peer_send_notification (f->peer, "n", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->raw);

      g_assert_cmpuint (g_variant_n_children (message), ==, 3);
    }
  raw_peer_wait_closed (&f->raw);
  WAIT_UNTIL (closed != NULL && f->log->len > 0);
  g_assert_true (msgpack_rpc_connection_close_finish (f->connection, closed, &error));
  g_assert_cmpstr (f->log->str, ==, "closed(-,-,0) ");
}

static void
test_close_finish_message (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GVariant) message = NULL;

  g_test_summary ("Closing after the message finishes the one that was begun, and hands back the rest");

  queue_megabytes (f, 3);
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, NULL,
                                      test_store_result, &closed);
  message = raw_peer_receive (&f->raw);
  g_assert_cmpuint (g_variant_n_children (message), ==, 3);
  raw_peer_wait_closed (&f->raw);
  WAIT_UNTIL (closed != NULL && f->log->len > 0);
  g_assert_cmpstr (f->log->str, ==, "closed(-,-,2) ");
}

static void
test_flush (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) flushed = NULL;
  g_autoptr(GAsyncResult) written = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Flushing waits for what was queued before it; a notification for itself");

  queue_megabytes (f, 1);
  msgpack_rpc_peer_send_notification_async (f->peer, "n", NULL, NULL, test_store_result, &written);
  msgpack_rpc_connection_flush_async (f->connection, NULL, test_store_result, &flushed);
  test_drain ();
  g_assert_null (flushed);
  g_assert_null (written);

  g_variant_unref (raw_peer_receive (&f->raw));
  g_variant_unref (raw_peer_receive (&f->raw));
  WAIT_UNTIL (flushed != NULL && written != NULL);
  g_assert_true (msgpack_rpc_connection_flush_finish (f->connection, flushed, &error));
  g_assert_true (msgpack_rpc_peer_send_notification_finish (f->peer, written, &error));
  g_assert_true (msgpack_rpc_connection_flush_sync (f->connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), ==, 0);
}

static void
test_cancelled_invocation (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  MsgpackRpcInvocation *invocation;

  g_test_summary ("A request that is not answered yet is cancelled when the connection ends");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'keep', @av [])"));
  WAIT_UNTIL (kept->len == 1);
  invocation = g_ptr_array_index (kept, 0);
  g_assert_false (msgpack_rpc_invocation_is_cancelled (invocation));
  if (test_transport_tells_hangup ())
    raw_peer_close (&f->raw);
  else
    msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (f->log->len > 0);
  g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
  g_assert_false (msgpack_rpc_invocation_return_value (invocation, NULL));
}

static gpointer
drop_in_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_last_unref (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Dropping the last reference, in any thread, closes at once and tells nobody");

  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'n', @av [])"));
  g_thread_join (g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f->connection)));
  raw_peer_wait_closed (&f->raw);
  test_drain ();
  g_assert_cmpstr (f->log->str, ==, "");
}

static gboolean
drop_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  Fixture *f = data;

  g_signal_handlers_disconnect_by_data (f->connection, f);
  g_clear_object (&f->connection);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
test_unref_in_handler (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A handler may drop the last reference of its own connection");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "drop", NULL, drop_handler, f, NULL);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'drop', @av [])"));
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 2, 'add', (1, 2))"));
  raw_peer_wait_closed (&f->raw);
  g_assert_null (f->connection);
}

static void
test_requests_limit (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GVariant) busy = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("128 requests may wait; then reading pauses, or they are refused as busy");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  for (int i = 1; i <= 200; i++)
    raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, %i, 'keep', @av [])", i));
  WAIT_UNTIL (kept->len == 128);
  test_drain ();
  g_assert_cmpuint (kept->len, ==, 128);

  /* Our own reply must get through. */
  call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
  request = raw_peer_receive (&f->raw);
  test_assert_value (request, "(0, 1, 'a', @av [])");
  busy = raw_peer_receive (&f->raw);
  text = g_variant_print (busy, FALSE);
  g_assert_nonnull (strstr (text, "128"));
  /* What one turn does not get to is done in the next. */
  WAIT_UNTIL (test_get_statistic (f->connection, "busy-answers") >= 72);
  g_assert_cmpuint (test_get_statistic (f->connection, "busy-answers"), ==, 72);
  msgpack_rpc_call_cancel (call);

  g_ptr_array_set_size (kept, 0);
  WAIT_UNTIL (test_get_statistic (f->connection, "requests-in-flight") == 0);
}

static void
test_pause_resumes (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GByteArray) requests = g_byte_array_new ();
  guint answered = 0;

  g_test_summary ("Requests held back by the limit are served when there is room");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  for (int i = 1; i <= 1000; i++)
    {
      g_autoptr(GVariant) request = NULL;
      g_autoptr(GBytes) bytes = NULL;

      request = g_variant_ref_sink (g_variant_new_parsed ("(0, %i, 'keep', @av [])", i));
      bytes = msgpack_rpc_pack (request, NULL);
      g_byte_array_append (requests, g_bytes_get_data (bytes, NULL), (guint) g_bytes_get_size (bytes));
    }
  raw_peer_send (&f->raw, requests->data, requests->len);
  while (answered < 1000)
    {
      WAIT_UNTIL (kept->len > 0);
      for (guint i = 0; i < kept->len; i++, answered++)
        msgpack_rpc_invocation_return_value (g_ptr_array_index (kept, i), NULL);
      g_ptr_array_set_size (kept, 0);
    }
  for (guint i = 0; i < 1000; i++)
    g_variant_unref (raw_peer_receive (&f->raw));
  g_assert_cmpuint (test_get_statistic (f->connection, "busy-answers"), ==, 0);
}

#define N_CONTEXTS 10000

static void
test_many_contexts (void)
{
  g_test_summary ("Ten thousand contexts made and dropped leave nothing");

  for (guint i = 0; i < N_CONTEXTS; i++)
    {
      GMainContext *context = g_main_context_new ();
      g_autoptr(MsgpackRpcConnection) first = NULL;
      g_autoptr(MsgpackRpcConnection) second = NULL;

      g_main_context_push_thread_default (context);
      /* Each takes descriptors: a leak ends in an error here. */
      g_assert_true (msgpack_rpc_connection_new_pair (&first, &second, NULL));
      g_assert_true (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (first), "n", NULL, NULL));
      g_assert_finalize_object (g_steal_pointer (&first));
      g_assert_finalize_object (g_steal_pointer (&second));
      g_main_context_pop_thread_default (context);
      g_main_context_unref (context);
    }
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/connection/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("requests", test_requests);
  ADD ("in-turns", test_in_turns);
  ADD ("without-dispatcher", test_without_dispatcher);
  ADD ("answered-once", test_answered_once);
  ADD ("never-answered", test_never_answered);
  ADD ("answer-from-thread", test_answer_from_thread);
  ADD ("signals", test_signals);
  ADD ("order", test_order);
  ADD ("order-after-sync", test_order_after_sync);
  ADD ("sync-in-handler", test_sync_in_handler);
  ADD ("nested-loop", test_nested_loop);
  ADD ("nothing-inside", test_nothing_inside);
  g_test_add_func ("/msgpack-rpc/connection/contexts", test_contexts);
  ADD ("threads", test_threads);
  ADD ("peer-closes", test_peer_closes);
  ADD ("half-close", test_half_close);
  ADD ("close-now", test_close_now);
  ADD ("close-finish-queue", test_close_finish_queue);
  ADD ("close-finish-message", test_close_finish_message);
  ADD ("flush", test_flush);
  ADD ("cancelled-invocation", test_cancelled_invocation);
  ADD ("last-unref", test_last_unref);
  ADD ("unref-in-handler", test_unref_in_handler);
  ADD ("requests-limit", test_requests_limit);
  ADD ("pause-resumes", test_pause_resumes);
  g_test_add_func ("/msgpack-rpc/connection/many-contexts", test_many_contexts);

  return g_test_run ();
}
