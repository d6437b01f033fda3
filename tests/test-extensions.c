/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What peers tell each other beside calls and answers: who is told what, and what becomes of it. */

#include "test-server.h"

#define ANNOUNCEMENT "(2, 'rpc.extensions', ['cancel', 'deadline', 'errors', 'progress'])"
#define ALL (MSGPACK_RPC_EXTENSIONS_CANCEL | MSGPACK_RPC_EXTENSIONS_DEADLINE | \
             MSGPACK_RPC_EXTENSIONS_ERRORS | MSGPACK_RPC_EXTENSIONS_PROGRESS)

/* What a request may take if nobody says so, in milliseconds. */
#define HOUR (3600 * 1000)

/* A domain of the application's, which the test registers. */
#define APP_ERROR (g_quark_from_static_string ("app-error-quark"))
#define OTHER_ERROR (g_quark_from_static_string ("other-error-quark"))

/* A connection, and a peer of raw bytes. */
typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcInvocation *invocation; /* that “keep” was called with last */
  guint n_cancelled;
} Peers;

static void
cancelled_cb (MsgpackRpcInvocation *invocation,
              Peers                *p)
{
  g_assert_true (msgpack_rpc_invocation_is_cancelled (invocation));
  p->n_cancelled++;
}

static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  Peers *p = user_data;

  g_set_object (&p->invocation, invocation);
  g_signal_connect (invocation, "cancelled", G_CALLBACK (cancelled_cb), p);
  return TRUE;
}

static gboolean
fail_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  const char *domain;
  gint32 code;

  g_variant_get (params, "(&si)", &domain, &code);
  g_set_error (error, g_quark_from_string (domain), code, "It went wrong: %d", code);
  return FALSE;
}

static void
peers_setup (Peers         *p,
             gconstpointer  data)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&p->raw);

  p->connection = msgpack_rpc_connection_new (stream);
  p->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "keep", NULL, keep_cb, p, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "fail", "(si)", fail_cb, p, NULL);
  msgpack_rpc_connection_set_dispatcher (p->connection, p->dispatcher);
}

static void
peers_teardown (Peers         *p,
                gconstpointer  data)
{
  g_clear_object (&p->invocation);
  g_assert_finalize_object (p->connection);
  g_assert_finalize_object (p->dispatcher);
  raw_peer_clear (&p->raw);
}

static void
send_raw (Peers      *p,
          const char *message)
{
  g_autoptr(GVariant) value = test_parse (message);

  raw_peer_send_value (&p->raw, value);
}

static void
assert_raw_gets (Peers      *p,
                 const char *expected)
{
  g_autoptr(GVariant) message = raw_peer_receive (&p->raw);

  test_assert_value (message, expected);
}

/* All that was sent before has been taken when this is answered. */
static void
assert_next_is_answer (Peers *p)
{
  g_autoptr(GVariant) message = NULL;
  MsgpackRpcExtensions known;

  send_raw (p, "(0, 99, 'missing', ())");
  message = raw_peer_receive (&p->raw);
  known = msgpack_rpc_connection_get_peer_extensions (p->connection);
  test_assert_value (message, known & MSGPACK_RPC_EXTENSIONS_ERRORS
                                ? "(1, 99, {'message': <'There is no method “missing”'>, "
                                  "'domain': <'msgpack-rpc-error-quark'>, 'code': <5>}, @mv nothing)"
                                : "(1, 99, 'There is no method “missing”', @mv nothing)");
}

static void
announce_raw (Peers *p)
{
  send_raw (p, ANNOUNCEMENT);
  assert_raw_gets (p, ANNOUNCEMENT);
}

static guint64
count_ignored (Peers *p)
{
  return test_get_statistic (p->connection, "ignored-extensions");
}

static void
request (Peers      *p,
         const char *message)
{
  g_clear_object (&p->invocation);
  send_raw (p, message);
  WAIT_UNTIL (p->invocation != NULL);
}

/* ---- telling ---- */

static void
test_off (Peers         *p,
          gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tcp://localhost:1");

  g_test_summary ("Who does not ask for it sends nothing but what it was asked to send");

  g_assert_false (msgpack_rpc_connection_get_extensions (p->connection));
  g_assert_false (msgpack_rpc_client_get_extensions (client));
  g_assert_cmpuint (msgpack_rpc_connection_get_peer_extensions (p->connection), ==, 0);

  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "a", NULL);
  assert_raw_gets (p, "(0, 1, 'a', ())");
  msgpack_rpc_call_cancel (call);
  assert_next_is_answer (p);

  request (p, "(0, 7, 'keep', (), 1000)");
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));
  g_assert_cmpint (msgpack_rpc_invocation_get_deadline (p->invocation), >,
                   g_get_monotonic_time () + 3000 * (gint64) G_USEC_PER_SEC);
  msgpack_rpc_invocation_return_error (p->invocation, APP_ERROR, 3, "no");
  assert_raw_gets (p, "(1, 7, 'no', @mv nothing)");
  g_assert_cmpuint (test_get_statistic (p->connection, "sent-messages"), ==, 3);
}

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          guint      *count)
{
  (*count)++;
}

static void
test_answers_once (Peers         *p,
                   gconstpointer  data)
{
  guint n_notified = 0;

  g_test_summary ("A peer that tells what it knows is told the same, once");

  g_signal_connect (p->connection, "notify::peer-extensions", G_CALLBACK (count_cb), &n_notified);
  send_raw (p, "(2, 'rpc.extensions', ('progress', 'unknown', 5, @mv nothing))");
  assert_raw_gets (p, ANNOUNCEMENT);
  WAIT_UNTIL (n_notified == 1);
  g_assert_cmpuint (msgpack_rpc_connection_get_peer_extensions (p->connection), ==,
                    MSGPACK_RPC_EXTENSIONS_PROGRESS);

  for (guint i = 0; i < 1000; i++)
    send_raw (p, "(2, 'rpc.extensions', ['progress'])");
  send_raw (p, ANNOUNCEMENT);
  send_raw (p, "(2, 'rpc.extensions', {'progress': true})");
  send_raw (p, "(2, 'rpc.extensions', ())");
  assert_next_is_answer (p);
  g_assert_cmpuint (msgpack_rpc_connection_get_peer_extensions (p->connection), ==, ALL);
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 2);
  g_assert_cmpuint (count_ignored (p), ==, 1);
  g_assert_false (msgpack_rpc_connection_get_extensions (p->connection));
}

static void
test_asked_for (Peers         *p,
                gconstpointer  data)
{
  guint n_notified = 0;

  g_test_summary ("Who asks for it tells at once, and does not answer the peer's");

  g_signal_connect (p->connection, "notify::extensions", G_CALLBACK (count_cb), &n_notified);
  msgpack_rpc_connection_set_extensions (p->connection, TRUE);
  msgpack_rpc_connection_set_extensions (p->connection, TRUE);
  msgpack_rpc_connection_set_extensions (p->connection, FALSE);
  g_object_set (p->connection, "extensions", TRUE, NULL);
  assert_raw_gets (p, ANNOUNCEMENT);
  send_raw (p, ANNOUNCEMENT);
  assert_next_is_answer (p);
  g_assert_cmpuint (n_notified, ==, 3);
  g_assert_cmpuint (msgpack_rpc_connection_get_peer_extensions (p->connection), ==, ALL);
}

static void
append_cb (MsgpackRpcConnection *connection,
           const char           *method,
           GVariant             *params,
           GString              *seen)
{
  g_string_append_printf (seen, "%s ", method);
}

static gboolean
append_message_cb (MsgpackRpcConnection *connection,
                   GVariant             *message,
                   GString              *seen)
{
  g_autofree char *text = g_variant_print (message, FALSE);

  g_string_append_printf (seen, "%s\n", text);
  return FALSE;
}

static void
test_signals (Peers         *p,
              gconstpointer  data)
{
  g_autoptr(GString) notifications = g_string_new (NULL);
  g_autoptr(GString) messages = g_string_new (NULL);

  g_test_summary ("What the library understands is a message, and no notification");

  g_signal_connect (p->connection, "notification", G_CALLBACK (append_cb), notifications);

  /* A peer that has told nothing may use the names for its own. */
  send_raw (p, "(2, 'rpc.cancel', (1,))");
  send_raw (p, "(2, 'rpc.progress', (1, 0.5))");
  send_raw (p, "(2, 'rpc.other', ())");
  WAIT_UNTIL (g_str_has_suffix (notifications->str, "rpc.other "));
  g_assert_cmpstr (notifications->str, ==, "rpc.cancel rpc.progress rpc.other ");

  announce_raw (p);
  g_string_truncate (notifications, 0);
  g_signal_connect (p->connection, "message", G_CALLBACK (append_message_cb), messages);
  send_raw (p, ANNOUNCEMENT);
  send_raw (p, "(2, 'rpc.cancel', (1,))");
  send_raw (p, "(2, 'rpc.progress', (1, 0.5))");
  send_raw (p, "(2, 'rpc.other', ())");
  WAIT_UNTIL (notifications->len > 0);
  g_assert_cmpstr (notifications->str, ==, "rpc.other ");
  g_assert_cmpstr (messages->str, ==,
                   "[<int64 2>, <'rpc.extensions'>, <[<'cancel'>, <'deadline'>, <'errors'>, <'progress'>]>]\n"
                   "[<int64 2>, <'rpc.cancel'>, <[<int64 1>]>]\n"
                   "[<int64 2>, <'rpc.progress'>, <[<int64 1>, <0.5>]>]\n"
                   "[<int64 2>, <'rpc.other'>, <@av []>]\n");
  g_assert_cmpuint (count_ignored (p), ==, 2);
}

/* ---- a client that tells ---- */

static gboolean
method_cb (MsgpackRpcConnection *connection,
                  GVariant             *message,
                  GString              *seen)
{
  for (gsize i = 1; i < 3; i++)
    {
      g_autoptr(GVariant) element = NULL;

      g_variant_get_child (message, i, "v", &element);
      if (g_variant_is_of_type (element, G_VARIANT_TYPE_STRING))
        g_string_append_printf (seen, "%s ", g_variant_get_string (element, NULL));
    }
  return FALSE;
}

static void
watch_cb (MsgpackRpcServer     *server,
          MsgpackRpcConnection *connection,
          GString              *seen)
{
  g_string_append (seen, "| ");
  g_signal_connect (connection, "message", G_CALLBACK (method_cb), seen);
}

static void
answered_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = NULL;
  guint *n = user_data;

  reply = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  g_assert_no_error (error);
  test_assert_value (reply, "3");
  (*n)++;
}

static void
call_add (MsgpackRpcClient *client,
          guint            *n)
{
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(xx)", (gint64) 1, (gint64) 2),
                               NULL, answered_cb, n);
}

static MsgpackRpcExtensions
get_client_knows (MsgpackRpcClient *client)
{
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);

  return connection != NULL ? msgpack_rpc_connection_get_peer_extensions (connection) : 0;
}

static void
cut_off (Fixture *f)
{
  g_autoptr(MsgpackRpcConnection) connection = g_list_model_get_item (f->connections, 0);

  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static void
test_client_first (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *wanted = data == NULL ? path_address (f, "socket") : g_strdup (data);
  g_autofree char *address = listen_on (f->server, wanted);
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);
  guint n = 0;

  g_test_summary ("A client tells before all that waits for the connection, also on the next one");

  g_signal_connect (f->server, "client-connected", G_CALLBACK (watch_cb), seen);
  msgpack_rpc_reconnect_policy_set_initial_delay (policy, 1);
  msgpack_rpc_client_set_reconnect_policy (client, policy);

  /* What is asked for before it is opened waits; and so do settings that come after it. */
  call_add (client, &n);
  call_add (client, &n);
  msgpack_rpc_client_set_extensions (client, TRUE);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (n == 2 && get_client_knows (client) == ALL);
  g_assert_cmpstr (seen->str, ==, "| rpc.extensions add add ");

  /* Nor does what is asked for meanwhile come before it. */
  g_string_truncate (seen, 0);
  cut_off (f);
  WAIT_UNTIL (msgpack_rpc_client_get_status (client) != MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
  call_add (client, &n);
  WAIT_UNTIL (n == 3 && get_client_knows (client) == ALL);
  g_assert_cmpstr (seen->str, ==, "| rpc.extensions add ");

  WAIT_UNTIL (count_connections (f) == 1);
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (count_connections (f) == 0);
  g_assert_finalize_object (client);
  g_assert_cmpuint (n, ==, 3);
}

static void
test_client_with_token (Fixture       *f,
                        gconstpointer  data)
{
  g_autofree char *address = NULL;
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GBytes) secret = g_bytes_new_static ("a secret of more than sixteen and of thirty-two bytes", 52);
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_token_new_for_bytes (secret, NULL);
  MsgpackRpcClient *client;
  guint n = 0;

  g_test_summary ("A client that has to show a token does that first");

  g_assert_nonnull (token);
  msgpack_rpc_server_set_token (f->server, token);
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_TOKEN);
  address = listen_on (f->server, "tcp://127.0.0.1:0");
  g_signal_connect (f->server, "client-connected", G_CALLBACK (watch_cb), seen);
  client = msgpack_rpc_client_new (address);
  g_object_set (client, "extensions", TRUE, "token", token, NULL);
  call_add (client, &n);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (n == 1 && get_client_knows (client) == ALL);
  g_assert_cmpstr (seen->str, ==, "| rpc.extensions add ");

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (count_connections (f) == 0);
  g_assert_finalize_object (client);
}

static void
test_client_drained (Fixture       *f,
                     gconstpointer  data)
{
  g_autofree char *wanted = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, wanted);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GError) error = NULL;
  Peers p = { .invocation = NULL };
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);

  g_test_summary ("A call that a draining server still works on may report, and be cancelled");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "keep", NULL, keep_cb, &p, NULL);
  msgpack_rpc_client_set_extensions (client, TRUE);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "keep", NULL);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (p.invocation != NULL);

  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                  test_store_result, &result);
  WAIT_UNTIL (msgpack_rpc_client_get_status (client) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  g_assert_true (msgpack_rpc_invocation_report_progress (p.invocation, 0.25, NULL));
  WAIT_UNTIL (msgpack_rpc_call_get_progress (call) > 0.2);
  msgpack_rpc_call_cancel (call);
  WAIT_UNTIL (p.n_cancelled == 1);
  test_drain ();
  g_assert_null (result);
  g_assert_false (msgpack_rpc_invocation_return_value (p.invocation, NULL));
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_server_drain_finish (f->server, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);

  WAIT_UNTIL (msgpack_rpc_client_get_status (client) == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_clear_object (&p.invocation);
  g_assert_finalize_object (client);
}

/* ---- cancelling ---- */

static void
test_cancel_sent (Peers         *p,
                  gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) cancelled = NULL;
  g_autoptr(MsgpackRpcCall) expired = msgpack_rpc_call_new ("b", NULL);
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) unsent = NULL;
  g_autoptr(GVariant) sent = NULL;

  g_test_summary ("A peer that knows it is told of a call that is given up; once, and of no other");

  announce_raw (p);
  cancelled = msgpack_rpc_call_new ("a", NULL);
  msgpack_rpc_call_set_timeout (cancelled, G_MAXINT);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (p->connection), cancelled);
  assert_raw_gets (p, "(0, 1, 'a', ())");
  msgpack_rpc_call_cancel (cancelled);
  msgpack_rpc_call_cancel (cancelled);
  assert_raw_gets (p, "(2, 'rpc.cancel', (1,))");

  msgpack_rpc_call_set_timeout (expired, 1);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (p->connection), expired);
  assert_raw_gets (p, "(0, 2, 'b', (), 1)");
  assert_raw_gets (p, "(2, 'rpc.cancel', (2,))");
  g_assert_error (msgpack_rpc_call_get_error (expired), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  /* The peer's late answers free the ids, and are dropped. */
  send_raw (p, "(1, 1, 'cancelled', ())");
  send_raw (p, "(1, 2, 'cancelled', ())");
  WAIT_UNTIL (test_get_statistic (p->connection, "late-replies") == 2);

  /* The first in a turn of the loop is written at once, the next waits, and is taken out of the queue. */
  first = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "c", NULL);
  unsent = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "d", NULL);
  msgpack_rpc_call_cancel (unsent);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (unsent), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  sent = raw_peer_receive (&p->raw);
  msgpack_rpc_call_cancel (first);
  assert_raw_gets (p, "(2, 'rpc.cancel', (3,))");
  assert_next_is_answer (p);
}

static void
test_cancel_unhandled (Peers         *p,
                       gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) sent = NULL;

  g_test_summary ("A peer that says, as it closes, that it has not handled a call is not told to stop");

  announce_raw (p);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "a", NULL);
  sent = raw_peer_receive (&p->raw);
  send_raw (p, "(1, 0, 'closing', {'rpc.closing': @av []})");
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  assert_next_is_answer (p);
}

static void
test_cancel_received (Peers         *p,
                      gconstpointer  data)
{
  g_test_summary ("A request that is given up is cancelled, and answered when its handler is done");

  announce_raw (p);
  request (p, "(0, 7, 'keep', ('x',))");
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  WAIT_UNTIL (p->n_cancelled == 1);
  g_assert_true (msgpack_rpc_invocation_is_cancelled (p->invocation));
  g_assert_false (msgpack_rpc_invocation_get_answered (p->invocation));
  g_assert_false (msgpack_rpc_invocation_report_progress (p->invocation, 0.5, NULL));

  /* The handler still has it: it counts. */
  g_assert_cmpuint (test_get_statistic (p->connection, "requests-in-flight"), ==, 1);
  test_assert_value (msgpack_rpc_invocation_get_params (p->invocation), "('x',)");
  assert_next_is_answer (p);

  g_assert_false (msgpack_rpc_invocation_return_value (p->invocation, g_variant_new_string ("x")));
  assert_raw_gets (p, "(1, 7, 'The caller has cancelled the request', @mv nothing)");
  g_assert_cmpuint (test_get_statistic (p->connection, "requests-in-flight"), ==, 0);
  g_assert_cmpuint (test_get_statistic (p->connection, "late-answers"), ==, 0);
  g_assert_false (msgpack_rpc_invocation_return_value (p->invocation, NULL));
  g_assert_cmpuint (test_get_statistic (p->connection, "late-answers"), ==, 1);

  /* Letting go of it does, too. */
  request (p, "(0, 'id', 'keep', ())");
  send_raw (p, "(2, 'rpc.cancel', ('id',))");
  WAIT_UNTIL (p->n_cancelled == 2);
  g_clear_object (&p->invocation);
  assert_raw_gets (p, "(1, 'id', 'The caller has cancelled the request', @mv nothing)");
  assert_next_is_answer (p);
  g_assert_cmpuint (p->n_cancelled, ==, 2);
  g_assert_cmpuint (count_ignored (p), ==, 0);
}

static void
test_cancel_hostile (Peers         *p,
                     gconstpointer  data)
{
  const char *const messages[] = {
    "(2, 'rpc.cancel', ())", "(2, 'rpc.cancel', (8,))", "(2, 'rpc.cancel', ('7',))",
    "(2, 'rpc.cancel', (7.5,))", "(2, 'rpc.cancel', (@mv nothing,))", "(2, 'rpc.cancel', {'id': 7})",
    "(2, 'rpc.cancel', ([<7>],))", "(2, 'rpc.cancel', (-7,))",
    "(2, 'rpc.cancel', (@t 18446744073709551615,))", "(2, 'rpc.cancel', (@mv nothing, 7))",
  };

  g_test_summary ("Who cancels what is not there achieves nothing");

  announce_raw (p);
  request (p, "(0, 7, 'keep', ())");
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    send_raw (p, messages[i]);
  assert_next_is_answer (p);
  g_assert_cmpuint (count_ignored (p), ==, G_N_ELEMENTS (messages));
  g_assert_false (msgpack_rpc_invocation_is_cancelled (p->invocation));

  /* Twice is once, and nothing after the answer. */
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  assert_next_is_answer (p);
  g_assert_cmpuint (p->n_cancelled, ==, 1);
  g_clear_object (&p->invocation);
  assert_raw_gets (p, "(1, 7, 'The caller has cancelled the request', @mv nothing)");
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  assert_next_is_answer (p);
  g_assert_cmpuint (count_ignored (p), ==, G_N_ELEMENTS (messages) + 2);
  g_assert_cmpuint (p->n_cancelled, ==, 1);
}

static gboolean
hoard_cb (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  g_ptr_array_add (user_data, g_object_ref (invocation));
  return TRUE;
}

static void
test_cancel_flood (Peers         *p,
                   gconstpointer  data)
{
  g_autoptr(GPtrArray) hoard = g_ptr_array_new_with_free_func (g_object_unref);
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (p->connection);

  g_test_summary ("Giving up requests lets a peer have no more of them handled at a time");

  msgpack_rpc_limits_set_max_requests_in_flight (limits, 4);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "hoard", NULL, hoard_cb, hoard, NULL);
  announce_raw (p);
  for (int i = 1; i <= 100; i++)
    {
      raw_peer_send_value (&p->raw, g_variant_new ("(iisas)", 0, i, "hoard", NULL));
      raw_peer_send_value (&p->raw, g_variant_new ("(is(i))", 2, "rpc.cancel", i));
    }
  WAIT_UNTIL (hoard->len == 4);
  test_drain ();
  g_assert_cmpuint (hoard->len, ==, 4);

  /* All the others come as those are let go. */
  for (int i = 1; i <= 100; i++)
    {
      g_autoptr(MsgpackRpcInvocation) first = NULL;

      WAIT_UNTIL (hoard->len > 0);
      g_assert_cmpuint (hoard->len, <=, 4);
      first = g_ptr_array_steal_index (hoard, 0);
      msgpack_rpc_invocation_return_value (first, NULL);
    }
  WAIT_UNTIL (test_get_statistic (p->connection, "requests-in-flight") == 0);
}

static void
test_cancel_and_end (Peers         *p,
                     gconstpointer  data)
{
  g_test_summary ("What was given up is cancelled once, also if the connection ends then");

  announce_raw (p);
  request (p, "(0, 7, 'keep', ())");
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  WAIT_UNTIL (p->n_cancelled == 1);
  msgpack_rpc_connection_close_async (p->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_invocation_get_connection (p->invocation) == NULL);
  test_drain ();
  g_assert_cmpuint (p->n_cancelled, ==, 1);
  g_assert_false (msgpack_rpc_invocation_return_value (p->invocation, NULL));
}

static void
test_cancel_expires (Peers         *p,
                     gconstpointer  data)
{
  g_test_summary ("A handler that loses what was given up keeps no place for ever");

  msgpack_rpc_dispatcher_set_max_answer_time (p->dispatcher, 50);
  announce_raw (p);
  request (p, "(0, 7, 'keep', ())");
  send_raw (p, "(2, 'rpc.cancel', (7,))");
  assert_raw_gets (p, "(1, 7, 'The caller has cancelled the request', @mv nothing)");
  g_assert_cmpuint (p->n_cancelled, ==, 1);
}

/* ---- deadlines ---- */

static void
test_deadline (Peers         *p,
               gconstpointer  data)
{
  const struct
  {
    const char *time;
    gint64 expected; /* milliseconds */
  } cases[] = {
    { "2000", 2000 }, { "0", 1 }, { "-5", 1 }, { "int64 -9223372036854775808", 1 },
    { "int64 9223372036854775807", HOUR }, { "@t 18446744073709551615", HOUR },
    { "'soon'", HOUR }, { "@mv nothing", HOUR }, { "7200000", HOUR },
  };
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GVariant) left = NULL;

  g_test_summary ("A handler sees for how long its caller waits, if both know how to tell");

  announce_raw (p);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("(0, 7, 'keep', (), %s)", cases[i].time);
      gint64 before = g_get_monotonic_time ();
      gint64 deadline;

      request (p, text);
      deadline = msgpack_rpc_invocation_get_deadline (p->invocation);
      g_assert_cmpint (deadline, >=, before + cases[i].expected * 1000);
      g_assert_cmpint (deadline, <=, g_get_monotonic_time () + cases[i].expected * 1000);
      msgpack_rpc_invocation_return_value (p->invocation, NULL);
      assert_raw_gets (p, "(1, 7, @mv nothing, @mv nothing)");
    }

  msgpack_rpc_connection_set_default_timeout (p->connection, 10000);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "a", NULL);
  message = raw_peer_receive (&p->raw);
  g_assert_cmpuint (g_variant_n_children (message), ==, 5);
  g_variant_get_child (message, 4, "v", &left);
  g_assert_cmpint (g_variant_get_int64 (left), <=, 10000);
  g_assert_cmpint (g_variant_get_int64 (left), >, 0);
  msgpack_rpc_call_cancel (call);
}

static void
test_max_answer_time (Peers         *p,
                      gconstpointer  data)
{
  g_autoptr(MsgpackRpcMethod) method = msgpack_rpc_dispatcher_lookup_method (p->dispatcher, "keep");
  guint n_notified = 0;

  g_test_summary ("A method may have a time of its own to answer in");

  g_signal_connect (method, "notify::max-answer-time", G_CALLBACK (count_cb), &n_notified);
  g_assert_cmpint (msgpack_rpc_method_get_max_answer_time (method), ==, -1);
  msgpack_rpc_method_set_max_answer_time (method, 20);
  msgpack_rpc_method_set_max_answer_time (method, 20);
  g_assert_cmpuint (n_notified, ==, 1);
  request (p, "(0, 7, 'keep', ())");
  assert_raw_gets (p, "(1, 7, 'Method “keep” gave no answer in time', @mv nothing)");

  /* For ever; and again as all others. */
  g_object_set (method, "max-answer-time", G_MAXINT, NULL);
  request (p, "(0, 8, 'keep', ())");
  g_assert_cmpint (msgpack_rpc_invocation_get_deadline (p->invocation), ==, -1);
  msgpack_rpc_invocation_return_value (p->invocation, NULL);
  assert_raw_gets (p, "(1, 8, @mv nothing, @mv nothing)");
  msgpack_rpc_method_set_max_answer_time (method, -7);
  g_assert_cmpint (msgpack_rpc_method_get_max_answer_time (method), ==, -1);
  msgpack_rpc_dispatcher_set_max_answer_time (p->dispatcher, 20);
  request (p, "(0, 9, 'keep', ())");
  assert_raw_gets (p, "(1, 9, 'Method “keep” gave no answer in time', @mv nothing)");
}

/* ---- errors ---- */

static void
test_errors_sent (Peers         *p,
                  gconstpointer  data)
{
  g_autoptr(GError) error = g_error_new_literal (APP_ERROR, -4, "");

  g_test_summary ("An error of a registered domain is sent whole, to those who understand it");

  msgpack_rpc_register_error_domain (APP_ERROR);
  msgpack_rpc_register_error_domain (APP_ERROR);
  send_raw (p, "(0, 1, 'fail', ('app-error-quark', 3))");
  assert_raw_gets (p, "(1, 1, 'It went wrong: 3', @mv nothing)");

  announce_raw (p);
  send_raw (p, "(0, 2, 'fail', ('app-error-quark', 3))");
  assert_raw_gets (p, "(1, 2, {'message': <'It went wrong: 3'>, 'domain': <'app-error-quark'>, "
                      "'code': <3>}, @mv nothing)");
  send_raw (p, "(0, 3, 'fail', ('other-error-quark', 3))");
  assert_raw_gets (p, "(1, 3, 'It went wrong: 3', @mv nothing)");

  /* An empty text is none. */
  request (p, "(0, 4, 'keep', ())");
  msgpack_rpc_invocation_return_gerror (p->invocation, error);
  assert_raw_gets (p, "(1, 4, {'message': <'Unknown error'>, 'domain': <'app-error-quark'>, "
                      "'code': <-4>}, @mv nothing)");

  /* What the library says of a request has its own domain, as far as it concerns the peer. */
  send_raw (p, "(0, 5, 'fail', (1,))");
  assert_raw_gets (p, "(1, 5, {'message': <'fail() takes 2 arguments (1 given)'>, "
                      "'domain': <'msgpack-rpc-error-quark'>, 'code': <6>}, @mv nothing)");
  send_raw (p, "(0, 6, 'fail', ('msgpack-rpc-error-quark', 10))");
  assert_raw_gets (p, "(1, 6, 'It went wrong: 10', @mv nothing)");
  request (p, "(0, 7, 'keep', ())");
  g_clear_object (&p->invocation);
  assert_raw_gets (p, "(1, 7, {'message': <'Method “keep” gave no answer'>, "
                      "'domain': <'msgpack-rpc-error-quark'>, 'code': <12>}, @mv nothing)");
}

static void
test_errors_received (Peers         *p,
                      gconstpointer  data)
{
  const struct
  {
    const char *error;
    const char *domain; /* NULL: remote */
    int code;
    const char *message; /* NULL: any */
  } cases[] = {
    { "{'message': <'No'>, 'domain': <'app-error-quark'>, 'code': <5>}", "app-error-quark", 5, "No" },
    { "{'message': <'%s'>, 'domain': <'app-error-quark'>, 'code': <-5>, 'x': <1>}", "app-error-quark", -5, "%s" },
    { "{'message': <'No'>, 'domain': <'other-error-quark'>, 'code': <5>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'made-up-by-a-peer'>, 'code': <5>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <''>, 'code': <5>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'app-error-quark'>, 'code': <'5'>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'app-error-quark'>, 'code': <int64 2147483648>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'app-error-quark'>, 'code': <1.5>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'app-error-quark'>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <7>, 'code': <5>}", NULL, 0, "No" },
    { "{'domain': <'app-error-quark'>, 'code': <5>}", NULL, 0, NULL },
    { "{'message': <'No'>, 'domain': <'msgpack-rpc-error-quark'>, 'code': <5>}",
      "msgpack-rpc-error-quark", MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "No" },
    { "{'message': <'No'>, 'domain': <'msgpack-rpc-error-quark'>, 'code': <10>}", NULL, 0, "No" },
    { "{'message': <'No'>, 'domain': <'msgpack-rpc-error-quark'>, 'code': <1000>}", NULL, 0, "No" },
    { "'No'", NULL, 0, "No" },
  };

  g_test_summary ("A peer's error is one of a domain that is registered here, or remote");

  msgpack_rpc_register_error_domain (APP_ERROR);
  g_assert_cmpuint (OTHER_ERROR, !=, 0);
  announce_raw (p);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;
      g_autoptr(GVariant) sent = NULL;
      g_autofree char *text = g_strdup_printf ("(1, %u, %s, @mv nothing)", i + 1, cases[i].error);
      const GError *error;

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "a", NULL);
      sent = raw_peer_receive (&p->raw);
      send_raw (p, text);
      WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
      error = msgpack_rpc_call_get_error (call);
      if (cases[i].domain != NULL)
        g_assert_error (error, g_quark_from_string (cases[i].domain), cases[i].code);
      else
        g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
      if (cases[i].message != NULL)
        g_assert_cmpstr (error->message, ==, cases[i].message);
      test_assert_value (msgpack_rpc_call_get_error_value (call), cases[i].error);
    }
  g_assert_cmpuint (g_quark_try_string ("made-up-by-a-peer"), ==, 0);
}

static void
test_errors_untold (Peers         *p,
                    gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A peer that has not said that it knows domains cannot name one");

  msgpack_rpc_register_error_domain (APP_ERROR);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (p->connection), "a", NULL);
  assert_raw_gets (p, "(0, 1, 'a', ())");
  send_raw (p, "(1, 1, {'message': <'No'>, 'domain': <'app-error-quark'>, 'code': <5>}, @mv nothing)");
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
}

static void
test_errors_travel (void)
{
  const MsgpackRpcProfile profiles[] = {
    MSGPACK_RPC_PROFILE_TOLERANT, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR
  };

  g_test_summary ("An error of a registered domain arrives as it was, in both dialects");

  msgpack_rpc_register_error_domain (APP_ERROR);
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
      g_autoptr(GError) error = NULL;
      MsgpackRpcConnection *near, *far;
      g_autoptr(MsgpackRpcCall) call = NULL;

      msgpack_rpc_connection_new_pair (&near, &far, &error);
      g_assert_no_error (error);
      msgpack_rpc_connection_set_profile (near, profiles[i]);
      msgpack_rpc_connection_set_profile (far, profiles[i]);
      msgpack_rpc_dispatcher_add_method (dispatcher, "fail", "(si)", fail_cb, NULL, NULL);
      msgpack_rpc_connection_set_dispatcher (far, dispatcher);
      msgpack_rpc_connection_set_extensions (near, TRUE);

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (near), "fail",
                                          g_variant_new ("(si)", "app-error-quark", 12));
      WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
      g_assert_error (msgpack_rpc_call_get_error (call), APP_ERROR, 12);
      g_assert_cmpstr (msgpack_rpc_call_get_error (call)->message, ==, "It went wrong: 12");
      test_assert_value (msgpack_rpc_call_get_error_value (call),
                         "{'message': <'It went wrong: 12'>, 'domain': <'app-error-quark'>, 'code': <12>}");
      g_clear_object (&call);
      test_drain ();
      g_object_unref (near);
      g_object_unref (far);
      test_drain ();
    }
}

/* ---- who it is ---- */

static gboolean
who_cb (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  g_autoptr(GObject) session = msgpack_rpc_invocation_get_session (invocation);
  g_autoptr(GCredentials) credentials = msgpack_rpc_invocation_get_credentials (invocation);
  g_autoptr(GSocketAddress) address = msgpack_rpc_invocation_get_remote_address (invocation);
  GObject *expected = user_data;

  g_assert_true (session == expected);
  g_assert_cmpint (g_credentials_get_unix_pid (credentials, NULL), ==, getpid ());
  g_assert_true (G_IS_UNIX_SOCKET_ADDRESS (address));
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, NULL));

  g_assert_null (msgpack_rpc_invocation_get_session (invocation));
  g_assert_null (msgpack_rpc_invocation_get_credentials (invocation));
  g_assert_null (msgpack_rpc_invocation_get_remote_address (invocation));
  return TRUE;
}

static void
test_session (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  GObject *session = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  MsgpackRpcConnection *near, *far;
  guint n_notified = 0;

  g_test_summary ("A handler finds who its peer is, and what the application knows of it");

  msgpack_rpc_connection_new_pair (&near, &far, &error);
  g_assert_no_error (error);
  msgpack_rpc_dispatcher_add_method (dispatcher, "who", NULL, who_cb, session, NULL);
  msgpack_rpc_connection_set_dispatcher (far, dispatcher);
  g_signal_connect (far, "notify::session", G_CALLBACK (count_cb), &n_notified);
  g_assert_null (msgpack_rpc_connection_get_session (far));
  g_object_set (far, "session", session, NULL);
  msgpack_rpc_connection_set_session (far, session);
  WAIT_UNTIL (n_notified == 1);

  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (near), "who", NULL);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_clear_object (&call);
  test_drain ();
  g_assert_finalize_object (near);
  g_object_unref (far);
  g_assert_finalize_object (session);
}

/* ---- a handler that calls ---- */

static void
called_back_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = NULL;

  reply = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  g_assert_no_error (error);
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, reply));
}

/* Asks its caller for the same, one less, until there is none left. */
static gboolean
bounce_cb (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gpointer               user_data,
           GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  gboolean waits;
  gint64 n;

  g_variant_get (params, "(xb)", &n, &waits);
  if (n == 0)
    return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("bottom"));

  if (waits)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;
      g_autoptr(GVariant) reply = NULL;

      call = msgpack_rpc_call_new ("bounce", g_variant_new ("(xb)", n - 1, waits));
      msgpack_rpc_call_set_serves_while_waiting (call, TRUE);
      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (connection), call);
      reply = msgpack_rpc_call_wait (call, NULL, error);
      return reply != NULL && msgpack_rpc_invocation_return_value (invocation, reply);
    }

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), "bounce",
                               g_variant_new ("(xb)", n - 1, waits), NULL, called_back_cb,
                               g_object_ref (invocation));
  return TRUE;
}

/* Calls the very server that it is a method of. */
static gboolean
again_cb (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  MsgpackRpcClient *client = user_data;

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add",
                               g_variant_new ("(xx)", (gint64) 1, (gint64) 2), NULL, called_back_cb,
                               g_object_ref (invocation));
  return TRUE;
}

static gpointer
bounce_thread (gpointer data)
{
  MsgpackRpcClient *client = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = NULL;

  for (int i = 0; i < 20; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;

      call = msgpack_rpc_call_new ("bounce", g_variant_new ("(xb)", (gint64) 6, FALSE));
      msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
      reply = msgpack_rpc_call_wait (call, NULL, &error);
      g_assert_no_error (error);
      test_assert_value (reply, "'bottom'");
      g_clear_pointer (&reply, g_variant_unref);
    }
  return NULL;
}

static void
assert_call (MsgpackRpcClient *client,
             const char       *method,
             GVariant         *params,
             const char       *expected)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new (method, params);

  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  test_assert_value (msgpack_rpc_call_get_result (call), expected);
}

static void
test_reentrant (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *wanted = path_address (f, "socket");
  g_autofree char *address = listen_on (f->server, wanted);
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);
  MsgpackRpcClient *own = msgpack_rpc_client_new (address);
  GThread *thread;

  g_test_summary ("A handler may call its caller, which calls back, and its own server");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "bounce", "(xb)", bounce_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "again", NULL, again_cb, own, NULL);
  msgpack_rpc_client_set_dispatcher (client, f->dispatcher);
  msgpack_rpc_client_set_extensions (client, TRUE);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_client_open_async (own, NULL, NULL, NULL);

  assert_call (client, "bounce", g_variant_new ("(xb)", (gint64) 9, FALSE), "'bottom'");
  assert_call (client, "again", NULL, "3");

  /* While another thread waits, this one serves both ends. */
  thread = g_thread_new ("bounce", bounce_thread, client);
  assert_call (client, "bounce", g_variant_new ("(xb)", (gint64) 3, FALSE), "'bottom'");
  while (TRUE)
    {
      g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);

      if (test_get_statistic (connection, "calls") >= 20 * 4 + 5 + 1 + 2 &&
          test_get_statistic (connection, "calls-in-flight") == 0)
        break;
      test_iterate ();
    }
  g_thread_join (thread);

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  msgpack_rpc_client_close_async (own, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (count_connections (f) == 0);
  g_object_unref (client);
  g_object_unref (own);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/extensions/" name, Peers, NULL, peers_setup, func, peers_teardown)
  ADD ("off", test_off);
  ADD ("answers-once", test_answers_once);
  ADD ("asked-for", test_asked_for);
  ADD ("signals", test_signals);
  ADD ("cancel/sent", test_cancel_sent);
  ADD ("cancel/unhandled", test_cancel_unhandled);
  ADD ("cancel/received", test_cancel_received);
  ADD ("cancel/hostile", test_cancel_hostile);
  ADD ("cancel/flood", test_cancel_flood);
  ADD ("cancel/and-end", test_cancel_and_end);
  ADD ("cancel/expires", test_cancel_expires);
  ADD ("deadline", test_deadline);
  ADD ("max-answer-time", test_max_answer_time);
  ADD ("errors/sent", test_errors_sent);
  ADD ("errors/received", test_errors_received);
  ADD ("errors/untold", test_errors_untold);
#undef ADD
  g_test_add_func ("/msgpack-rpc/extensions/errors/travel", test_errors_travel);
  g_test_add_func ("/msgpack-rpc/extensions/session", test_session);

#define ADD(name, data, func) \
  g_test_add ("/msgpack-rpc/extensions/" name, Fixture, data, server_setup, func, server_teardown)
  ADD ("client/first", NULL, test_client_first);
  ADD ("client/first-tcp", "tcp://127.0.0.1:0", test_client_first);
  ADD ("client/with-token", NULL, test_client_with_token);
  ADD ("client/drained", NULL, test_client_drained);
  ADD ("reentrant", NULL, test_reentrant);
#undef ADD

  return g_test_run ();
}
