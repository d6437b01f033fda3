/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What tornado-msgpack does with methods and messages: rows A0 of docs/behaviours.md. */

#include "test-behaviours.h"
#include "test-raw-bytes.h"

/* ---- methods ---- */

static gboolean
count_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               data,
               GError               **error G_GNUC_UNUSED)
{
  ++*(guint *) data;
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static gboolean
fail_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, data);
  return FALSE;
}

/* The method of the original, which is called with whatever has come, and what it says then. */
static gboolean
python_add_handler (MsgpackRpcInvocation  *invocation,
                    GVariant              *params,
                    gpointer               data G_GNUC_UNUSED,
                    GError               **error)
{
  gsize n = g_variant_n_children (params);
  gint64 a = 0, b = 0;

  if (n != 2)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "add() takes exactly 2 %sarguments (%zu given)", n > 2 ? "positional " : "", n);
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) param = g_variant_get_child_value (params, i);

      g_assert_true (msgpack_rpc_variant_get_int64 (param, i == 0 ? &a : &b));
    }
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
}

static GVariant *
dispatch (MsgpackRpcDispatcher *dispatcher,
          const char           *text)
{
  g_autoptr(GVariant) request = test_parse (text);
  g_autoptr(GError) error = NULL;
  GVariant *reply = msgpack_rpc_dispatcher_dispatch (dispatcher, request, &error);

  g_assert_no_error (error);
  return reply;
}

static void
test_a0_13 (Ends          *ends G_GNUC_UNUSED,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GVariant) reply = NULL;

  g_test_summary ("A dispatcher exists, and answers, without any server");

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  reply = dispatch (dispatcher, "(0, 1, 'add', (1, 2))");
  test_assert_value (reply, "(1, 1, @mv nothing, 3)");
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
}

static void
test_a0_14 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcDispatcher *dispatcher = ends->server.dispatcher;
  guint n_first = 0;
  guint n_second = 0;
  guint id;

  g_test_summary ("A method is a name and a function; one of a name that is taken is not added");

  id = msgpack_rpc_dispatcher_add_method (dispatcher, "count", NULL, count_handler, &n_first, NULL);
  g_assert_cmpuint (id, !=, 0);
  g_assert_cmpuint (msgpack_rpc_dispatcher_add_method (dispatcher, "count", NULL, count_handler,
                                                       &n_second, NULL), ==, 0);
  ends_open (ends);
  assert_answer (ends->peer, "count", "()", "@mv nothing");
  g_assert_cmpuint (n_first, ==, 1);
  g_assert_cmpuint (n_second, ==, 0);

  g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
  assert_failure (ends->peer, "count", "()", "There is no method “count”");
}

static void
test_a0_15 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A handler gets its parameters by their positions, of the types it has declared");

  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  assert_answer (ends->peer, "add", "[int64 255, 1]", "256");
  assert_answer (ends->peer, "add", "(int64 -5, uint64 7)", "2");
}

static void
test_a0_16 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Too few or too many parameters become an error reply, and nothing else");

  ends_open (ends);
  assert_failure (ends->peer, "add", "[1]", "add() takes 2 arguments (1 given)");
  assert_failure (ends->peer, "add", "[1, 2, 3]", "add() takes 2 arguments (3 given)");
  assert_answer (ends->peer, "add", "(1, 2)", "3");
}

static void
test_a0_46 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcDispatcher *dispatcher = ends->server.dispatcher;

  g_test_summary ("A method that is not there is answered with an error, of another text if wanted");

  ends_open (ends);
  assert_failure (ends->peer, "subtract", "(1, 2)", "There is no method “subtract”");
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "", NULL, fail_handler,
                                          (gpointer) "no such thing here", NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  assert_failure (ends->peer, "subtract", "(1, 2)", "no such thing here");
  assert_answer (ends->peer, "add", "(1, 2)", "3");
}

static void
test_a0_47 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What goes wrong in a handler becomes an error reply with its text");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "fail", NULL, fail_handler,
                                     (gpointer) "division by zero: %s %n", NULL);
  ends_open (ends);
  assert_failure (ends->peer, "fail", "()", "division by zero: %s %n");
  assert_answer (ends->peer, "add", "(1, 2)", "3");
}

/* ---- messages as they are ---- */

typedef struct
{
  GString *log;
  gboolean handled;
} Hook;

static gboolean
log_message_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                GVariant             *message,
                Hook                 *hook)
{
  g_autofree char *text = g_variant_print (message, FALSE);

  g_string_append_printf (hook->log, "%s ", text);
  return hook->handled;
}

static void
hook_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
         MsgpackRpcConnection *connection,
         gpointer              data)
{
  g_signal_connect (connection, "message", G_CALLBACK (log_message_cb), data);
}

static gboolean
log_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params G_GNUC_UNUSED,
             gpointer               data,
             GError               **error G_GNUC_UNUSED)
{
  g_string_append (((Hook *) data)->log, "dispatched ");
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
test_a0_18 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);
  Hook hook = { .log = log };
  g_autoptr(MsgpackRpcCall) swallowed = NULL;

  g_test_summary ("A hook sees each message before it is dispatched, and may take it");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "log", NULL, log_handler, &hook, NULL);
  g_signal_connect (ends->server.server, "client-connected", G_CALLBACK (hook_cb), &hook);
  ends_open (ends);
  assert_answer (ends->peer, "log", "()", "@mv nothing");
  g_assert_cmpstr (log->str, ==, "[<int64 0>, <int64 1>, <'log'>, <@av []>] dispatched ");

  g_string_truncate (log, 0);
  hook.handled = TRUE;
  swallowed = msgpack_rpc_peer_start_call (ends->peer, "log", NULL);
  WAIT_UNTIL (log->len > 0);
  test_drain ();
  g_assert_cmpstr (log->str, ==, "[<int64 0>, <int64 2>, <'log'>, <@av []>] ");
  g_assert_false (call_has_ended (swallowed));
}

static void
test_a0_19 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GBytes) request = gbytes_from_hex ("94 00 02 a3 616464 92 01 02");
  g_autoptr(GVariant) message = msgpack_rpc_unpack (request, NULL);
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *hex = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Bytes of a request become the bytes of its reply, without a socket");

  reply = msgpack_rpc_dispatcher_dispatch (ends->server.dispatcher, message, &error);
  g_assert_no_error (error);
  bytes = msgpack_rpc_pack (reply, &error);
  g_assert_no_error (error);
  hex = bytes_to_hex (bytes);
  g_assert_cmpstr (hex, ==, "94 01 02 c0 03");
}

static void
test_a0_20 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("A connection sends any message at any time, whoever has asked for it");

  enter (&ends->server, &peer, ends->address);
  g_assert_true (msgpack_rpc_connection_send_message (
      ends_get_guest (ends), g_variant_new_parsed ("(1, 99, @mv nothing, 'unasked')"), &error));
  g_assert_no_error (error);
  message = raw_peer_receive (&peer);
  test_assert_value (message, "(1, 99, @mv nothing, 'unasked')");
  raw_peer_clear (&peer);
}

static void
test_a0_21 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *guest;

  g_test_summary ("Calls are dispatched when nothing at all is connected to any signal");

  g_signal_handlers_disconnect_by_data (ends->server.server, &ends->server);
  g_signal_handlers_disconnect_by_data (ends->server.connections, &ends->server);
  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  guest = ends_get_guest (ends);
  g_assert_false (g_signal_has_handler_pending (
      guest, g_signal_lookup ("message", MSGPACK_RPC_TYPE_CONNECTION), 0, TRUE));
  g_assert_false (g_signal_has_handler_pending (
      guest, g_signal_lookup ("request", MSGPACK_RPC_TYPE_CONNECTION), 0, TRUE));
}

/* What on_message() of the original's dispatcher is. */
static gboolean
on_message (MsgpackRpcConnection *connection,
            GVariant             *message,
            MsgpackRpcDispatcher *dispatcher)
{
  g_autoptr(GVariant) reply = msgpack_rpc_dispatcher_dispatch (dispatcher, message, NULL);

  return reply != NULL && msgpack_rpc_connection_send_message (connection, reply, NULL);
}

static void
set_on_message_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                   MsgpackRpcConnection *connection,
                   gpointer              data)
{
  g_signal_connect (connection, "message", G_CALLBACK (on_message), data);
}

static void
test_a0_42 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A server may have a handler of messages instead of a dispatcher");

  msgpack_rpc_server_set_dispatcher (ends->server.server, NULL);
  g_signal_connect (ends->server.server, "client-connected", G_CALLBACK (set_on_message_cb),
                    ends->server.dispatcher);
  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  assert_failure (ends->peer, "add", "[1]", "add() takes 2 arguments (1 given)");
}

/* ---- calls and their replies ---- */

static void
test_a0_28 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) none = NULL;
  g_autoptr(GAsyncResult) two = NULL;
  g_autoptr(GVariant) request = NULL;
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (stream);

  g_test_summary ("One function takes the method, any number of parameters, and the callback");

  ends_open (ends);
  msgpack_rpc_peer_call_async (ends->peer, "add", NULL, NULL, test_store_result, &none);
  msgpack_rpc_peer_call_async (ends->peer, "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &two);
  WAIT_UNTIL (none != NULL && two != NULL);

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "many",
                               g_variant_new ("(isbdai)", 1, "two", TRUE, 4.0, NULL), NULL, NULL,
                               NULL);
  request = raw_peer_receive (&peer);
  test_assert_value (request, "(0, 1, 'many', (1, 'two', true, 4.0, @ai []))");
  raw_peer_clear (&peer);
  g_object_run_dispose (G_OBJECT (client));
}

static void
test_a0_32 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) good = NULL;
  g_autoptr(MsgpackRpcCall) bad = NULL;

  g_test_summary ("The whole message of the reply is there, beside its result");

  ends_open (ends);
  good = msgpack_rpc_peer_start_call (ends->peer, "add", g_variant_new ("(ii)", 1, 2));
  bad = msgpack_rpc_peer_start_call (ends->peer, "add", g_variant_new ("(i)", 1));
  WAIT_UNTIL (call_has_ended (good) && call_has_ended (bad));
  test_assert_value (msgpack_rpc_call_get_message (good), "(1, 1, @mv nothing, 3)");
  test_assert_value (msgpack_rpc_call_get_message (bad),
                     "(1, 2, 'add() takes 2 arguments (1 given)', @mv nothing)");
}

static void
test_a0_33 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Error, success, error: an error reply leaves the connection as it is");

  ends_open (ends);
  assert_failure (ends->peer, "add", "[1]", "add() takes 2 arguments (1 given)");
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  assert_failure (ends->peer, "add", "[1, 2, 3]", "add() takes 2 arguments (3 given)");
  g_assert_true (msgpack_rpc_client_is_connected (ends->client));
  g_assert_cmpuint (ends->server.n_connected, ==, 1);
  g_assert_cmpuint (test_get_statistic (ends_get_guest (ends), "received-messages"), ==, 3);
}

static void
test_a0_34 (Ends          *ends G_GNUC_UNUSED,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);

  g_test_summary ("The ids of calls start at 1, and step by 1");

  for (guint i = 1; i <= 300; i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection),
                                                                    "m", NULL);
      g_autoptr(GVariant) request = raw_peer_receive (&peer);
      g_autofree char *expected = g_strdup_printf ("(0, %u, 'm', ())", i);

      test_assert_value (request, expected);
      g_assert_cmpuint (msgpack_rpc_call_get_msgid (call), ==, i);
      raw_peer_send_value (&peer, g_variant_new_parsed ("(1, %u, @mv nothing, true)", i));
      WAIT_UNTIL (call_has_ended (call));
    }
  raw_peer_clear (&peer);
}

static void
test_a0_54 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *guest;
  RawPeer peer;

  g_test_summary ("A reply that nobody waits for is counted, and the connection stays");

  enter (&ends->server, &peer, ends->address);
  guest = ends_get_guest (ends);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 4711, @mv nothing, 1)"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(1, 'odd', 'error', @mv nothing)"));
  assert_add (&peer);
  g_assert_cmpuint (test_get_statistic (guest, "unknown-replies"), ==, 2);
  g_assert_true (msgpack_rpc_connection_is_connected (guest));
  raw_peer_clear (&peer);
}

/* ---- the wire of the original ---- */

/* What its log tells the sizes of: 9 and 48, 10 and 5, 11 and 59 bytes. Its peers know no str8: a text
 * of 41 characters has a header of three bytes, that of raw16. */
static const struct
{
  const char *request;
  gsize request_size;
  const char *reply;
  gsize reply_size;
  const char *text; /* of the error, at the end of the reply; or NULL */
} sample[] = {
  { "94 00 01 a3 616464 91 01", 9, "94 01 01 c3 da 0029", 48,
    "add() takes exactly 2 arguments (1 given)" },
  { "94 00 02 a3 616464 92 01 02", 10, "94 01 02 c2 03", 5, NULL },
  { "94 00 03 a3 616464 93 01 02 03", 11, "94 01 03 c3 da 0034", 59,
    "add() takes exactly 2 positional arguments (3 given)" },
};

static const char *
get_text (gsize i)
{
  return sample[i].text != NULL ? sample[i].text : "";
}

static void
test_a0_35 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const replies[] = {
    "(1, 1, true, 'add() takes exactly 2 arguments (1 given)')",
    "(1, 2, false, 3)",
    "(1, 3, true, 'add() takes exactly 2 positional arguments (3 given)')",
  };
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (stream);
  static const gint64 numbers[] = { 1, 2, 3 };

  g_test_summary ("An error is [1, id, true, text] and a success [1, id, false, value], both ways");

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new_fixed_array (
          G_VARIANT_TYPE_INT64, numbers, i + 1, sizeof (gint64)));
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "add",
                                                                    params);
      g_autoptr(GVariant) request = raw_peer_receive (&peer);
      g_autoptr(GVariant) reply = test_parse (replies[i]);

      raw_peer_send_value (&peer, reply);
      WAIT_UNTIL (call_has_ended (call));
      if (sample[i].text == NULL)
        test_assert_value (msgpack_rpc_call_get_result (call), "3");
      else
        {
          g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR,
                          MSGPACK_RPC_ERROR_REMOTE);
          g_assert_cmpstr (msgpack_rpc_call_get_error (call)->message, ==, sample[i].text);
        }
    }
  raw_peer_clear (&peer);

  msgpack_rpc_server_set_profile (ends->server.server, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  enter (&ends->server, &peer, ends->address);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GVariant) reply = NULL;

      send_hex (&peer, sample[i].request);
      reply = raw_peer_receive (&peer);
      test_assert_value (reply, i == 0 ? "(1, 1, true, 'add() takes 2 arguments (1 given)')"
                                       : replies[i]);
    }
  raw_peer_clear (&peer);
}

static void
test_a0_36 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = ends->server.server;
  static const gint64 numbers[] = { 1, 2, 3 };
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  RawPeer peer;

  g_test_summary ("Both ends write, and read, the very bytes of the original");

  msgpack_rpc_server_set_profile (server, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  msgpack_rpc_server_set_pack_flags (server, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  msgpack_rpc_dispatcher_add_method_full (ends->server.dispatcher, "add", NULL, python_add_handler,
                                          NULL, NULL, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  enter (&ends->server, &peer, ends->address);
  for (guint i = 0; i < G_N_ELEMENTS (sample); i++)
    {
      send_hex (&peer, sample[i].request);
      g_assert_cmpuint (assert_comes (&peer, sample[i].reply, get_text (i), ""), ==,
                        sample[i].reply_size);
    }
  raw_peer_clear (&peer);

  stream = raw_peer_init (&peer);
  client = msgpack_rpc_client_new_for_stream (stream);
  msgpack_rpc_client_set_pack_flags (client, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  msgpack_rpc_client_set_profile (client, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (sample); i++)
    {
      GVariant *params = g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, i + 1,
                                                    sizeof (gint64));
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "add",
                                                                    params);

      g_assert_cmpuint (assert_comes (&peer, sample[i].request, "", ""), ==, sample[i].request_size);
      send_hex (&peer, sample[i].reply);
      raw_peer_send (&peer, get_text (i), strlen (get_text (i)));
      WAIT_UNTIL (call_has_ended (call));
      if (sample[i].text == NULL)
        test_assert_value (msgpack_rpc_call_get_result (call), "3");
      else
        g_assert_cmpstr (msgpack_rpc_call_get_error (call)->message, ==, sample[i].text);
    }
  raw_peer_clear (&peer);
}

/* ---- values ---- */

typedef struct
{
  guint8 x;
  guint8 y;
} Point;

static Point *
point_copy (Point *self)
{
  return g_memdup2 (self, sizeof *self);
}

static GType point_get_type (void);

G_DEFINE_BOXED_TYPE (Point, point, point_copy, g_free)

static GBytes *
encode_point (const GValue  *value,
              gpointer       user_data G_GNUC_UNUSED,
              GError       **error G_GNUC_UNUSED)
{
  return g_bytes_new (g_value_get_boxed (value), sizeof (Point));
}

static gboolean
decode_point (GBytes    *data,
              GValue    *value,
              gpointer   user_data G_GNUC_UNUSED,
              GError   **error G_GNUC_UNUSED)
{
  g_assert_cmpuint (g_bytes_get_size (data), ==, sizeof (Point));
  g_value_init (value, point_get_type ());
  g_value_set_boxed (value, g_bytes_get_data (data, NULL));
  return TRUE;
}

static gboolean
echo_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static void
test_a0_48 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  Point point = { 3, 4 };
  g_auto(GValue) value = G_VALUE_INIT;
  g_auto(GValue) again = G_VALUE_INIT;
  g_autoptr(GVariant) packed = NULL;
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) echoed = NULL;
  g_autoptr(GError) error = NULL;
  const Point *copy;

  g_test_summary ("An object packs itself, and is itself again at the other end");

  msgpack_rpc_ext_registry_add_encoder (registry, 7, point_get_type (), encode_point, NULL, NULL,
                                        &error);
  g_assert_no_error (error);
  msgpack_rpc_ext_registry_add_decoder (registry, 7, point_get_type (), decode_point, NULL, NULL,
                                        &error);
  g_assert_no_error (error);
  g_value_init (&value, point_get_type ());
  g_value_set_boxed (&value, &point);
  packed = msgpack_rpc_ext_registry_encode (registry, &value, &error);
  g_assert_no_error (error);

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "echo", NULL, echo_handler, NULL, NULL);
  ends_open (ends);
  params = g_variant_ref_sink (g_variant_new_tuple (&packed, 1));
  msgpack_rpc_peer_call_async (ends->peer, "echo", params, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  reply = msgpack_rpc_peer_call_finish (ends->peer, result, &error);
  g_assert_no_error (error);
  echoed = g_variant_get_child_value (reply, 0);
  g_assert_true (msgpack_rpc_ext_registry_decode (registry, echoed, &again, &error));
  g_assert_no_error (error);
  copy = g_value_get_boxed (&again);
  g_assert_cmpint (copy->x, ==, 3);
  g_assert_cmpint (copy->y, ==, 4);
}

static void
test_a0_49 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const struct
  {
    MsgpackRpcStringPolicy policy;
    MsgpackRpcPackFlags flags;
    const char *reply;
  } cases[] = {
    /* The echo of the text “a”, and of a str of the one byte 0xff. */
    { MSGPACK_RPC_STRING_POLICY_RAW, 0, "94 01 01 c0 92 a1 61 a1 ff" },
    { MSGPACK_RPC_STRING_POLICY_REPLACE, 0, "94 01 01 c0 92 a1 61 a3 efbfbd" },
    { MSGPACK_RPC_STRING_POLICY_RAW, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW,
      "94 01 01 c0 92 a1 61 a1 ff" },
  };
  RawPeer peer;

  g_test_summary ("How text is read and written can be chosen: as bytes, mended, or strictly");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "echo", NULL, echo_handler, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      msgpack_rpc_server_set_string_policy (ends->server.server, cases[i].policy);
      msgpack_rpc_server_set_pack_flags (ends->server.server, cases[i].flags);
      enter (&ends->server, &peer, ends->address);
      send_hex (&peer, "94 00 01 a4 6563686f 92 a1 61 a1 ff");
      assert_comes (&peer, cases[i].reply, "", "");
      raw_peer_clear (&peer);
    }

  msgpack_rpc_server_set_string_policy (ends->server.server, MSGPACK_RPC_STRING_POLICY_STRICT);
  enter (&ends->server, &peer, ends->address);
  send_hex (&peer, "94 00 01 a4 6563686f 92 a1 61 a1 ff");
  assert_turned_away (&peer, "(1, 0, 'Invalid MessagePack: str that is not valid UTF-8 at offset 12',"
                             " @mv nothing)");
  raw_peer_clear (&peer);
}

/* ---- the stream ---- */

static void
assert_next_reply (RawPeer *peer,
                   guint    id)
{
  g_autoptr(GVariant) reply = raw_peer_receive (peer);
  g_autofree char *expected = g_strdup_printf ("(1, %u, @mv nothing, 3)", id);

  test_assert_value (reply, expected);
}

static void
test_a0_59 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const char requests[] = "\x94\0\1\xa3" "add\x92\1\2"
                                 "\x94\0\2\xa3" "add\x92\1\2"
                                 "\x94\0\3\xa3" "add\x92\1\2";
  const gsize size = sizeof requests - 1;
  RawPeer peer;

  g_test_summary ("Messages come whole, however many are in one read or reads in one message");

  enter (&ends->server, &peer, ends->address);
  for (gsize split = 0; split <= size; split++)
    {
      raw_peer_send (&peer, requests, split);
      test_drain ();
      raw_peer_send (&peer, requests + split, size - split);
      for (guint id = 1; id <= 3; id++)
        assert_next_reply (&peer, id);
    }

  for (gsize i = 0; i < size; i++)
    {
      raw_peer_send (&peer, requests + i, 1);
      test_drain ();
    }
  for (guint id = 1; id <= 3; id++)
    assert_next_reply (&peer, id);
  raw_peer_clear (&peer);
}

static void
log_notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                     const char           *method,
                     GVariant             *params G_GNUC_UNUSED,
                     gpointer              data)
{
  g_string_append_printf (data, "%s ", method);
}

static void
log_closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
               const GError         *error,
               GVariant             *incomplete G_GNUC_UNUSED,
               GVariant             *unsent G_GNUC_UNUSED,
               gpointer              data)
{
  g_assert_no_error (error);
  g_string_append (data, "closed");
}

static void
test_a0_60 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(MsgpackRpcConnection) guest = NULL;
  RawPeer peer;

  g_test_summary ("What a peer has sent before it closed is delivered before the end is told");

  enter (&ends->server, &peer, ends->address);
  guest = g_object_ref (ends_get_guest (ends));
  g_signal_connect (guest, "notification", G_CALLBACK (log_notification_cb), log);
  g_signal_connect (guest, "closed", G_CALLBACK (log_closed_cb), log);
  send_hex (&peer, "93 02 a1 61 90  93 02 a1 62 90  93 02 a1 63 90");
  raw_peer_close (&peer);
  WAIT_UNTIL (g_str_has_suffix (log->str, "closed"));
  g_assert_cmpstr (log->str, ==, "a b c closed");
  raw_peer_clear (&peer);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(row, func) \
  g_test_add ("/behaviours/" row, Ends, NULL, ends_setup, func, ends_teardown)
  ADD ("A0.13", test_a0_13);
  ADD ("A0.14", test_a0_14);
  ADD ("A0.15", test_a0_15);
  ADD ("A0.16", test_a0_16);
  ADD ("A0.18", test_a0_18);
  ADD ("A0.19", test_a0_19);
  ADD ("A0.20", test_a0_20);
  ADD ("A0.21", test_a0_21);
  ADD ("A0.28", test_a0_28);
  ADD ("A0.32", test_a0_32);
  ADD ("A0.33", test_a0_33);
  ADD ("A0.34", test_a0_34);
  ADD ("A0.35", test_a0_35);
  ADD ("A0.36", test_a0_36);
  ADD ("A0.42", test_a0_42);
  ADD ("A0.46", test_a0_46);
  ADD ("A0.47", test_a0_47);
  ADD ("A0.48", test_a0_48);
  ADD ("A0.49", test_a0_49);
  ADD ("A0.54", test_a0_54);
  ADD ("A0.59", test_a0_59);
  ADD ("A0.60", test_a0_60);

  return g_test_run ();
}
