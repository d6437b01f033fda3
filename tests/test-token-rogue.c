/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Servers that are not what they should be, and a client that asks them for proof of the token. */

#include "test-token.h"

#include <errno.h>
#include <sys/socket.h>

typedef struct
{
  MsgpackRpcClient *client;
  RawPeer server;
  GString *heard;
  GAsyncResult *result;
  MsgpackRpcCall *call;
} Rogue;

static void
heard_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
          const char       *method,
          GVariant         *params G_GNUC_UNUSED,
          gpointer          data)
{
  g_string_append_printf (data, "%s ", method);
}

static void
rogue_setup (Rogue         *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcToken) token = token_new (SECRET);
  g_autoptr(GIOStream) stream = raw_peer_init (&self->server);

  self->client = msgpack_rpc_client_new_for_stream (stream);
  self->heard = g_string_new (NULL);
  msgpack_rpc_client_set_token (self->client, token);
  g_signal_connect (self->client, "notification", G_CALLBACK (heard_cb), self->heard);
  self->call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (self->client), "add", NULL);
  msgpack_rpc_client_open_async (self->client, NULL, test_store_result, &self->result);
}

static void
rogue_teardown (Rogue         *self,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_clear_object (&self->result);
  g_clear_object (&self->call);
  test_drain ();
  if (self->client != NULL)
    g_assert_finalize_object (self->client);
  raw_peer_clear (&self->server);
  g_string_free (self->heard, TRUE);
  test_drain ();
}

/* The client's next request, whose only or last parameter is of 32 bytes. */
static void
expect_request (Rogue      *self,
                gint64      msgid,
                gsize       n_params,
                guint8     *bytes)
{
  g_autoptr(GVariant) request = raw_peer_receive (&self->server);
  g_autoptr(GVariant) id = NULL;
  g_autoptr(GVariant) method = NULL;
  g_autoptr(GVariant) params = NULL;

  g_variant_get_child (request, 1, "v", &id);
  g_variant_get_child (request, 2, "v", &method);
  g_variant_get_child (request, 3, "v", &params);
  test_assert_value (id, msgid == 1 ? "1" : "2");
  g_assert_cmpstr (g_variant_get_string (method, NULL), ==, "rpc.authenticate");
  g_assert_cmpuint (g_variant_n_children (params), ==, n_params);
  get_bin (params, n_params - 1, bytes);
}

static void
answer (Rogue        *self,
        gint64        msgid,
        const guint8 *bytes)
{
  raw_peer_send_value (&self->server, g_variant_new ("(ixmv@ay)", 1, msgid, NULL, bin (bytes)));
}

static void
assert_fails (Rogue      *self,
              GQuark      domain,
              int         code,
              const char *words)
{
  g_autoptr(GError) error = NULL;

  WAIT_UNTIL (self->result != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (self->client, self->result, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, words));
  WAIT_UNTIL (msgpack_rpc_call_get_state (self->call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (self->call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpstr (self->heard->str, ==, "");
  /* Nothing but rpc.authenticate has come, and the stream is closed. */
  g_assert_null (raw_peer_receive_or_end (&self->server));
}

static const guint8 its_nonce[32] = "a nonce that a server has chosen";

static void
test_reflection (Rogue         *self,
                 gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32], proof[32];

  g_test_summary ("A server that gives the client its own proof back is the wrong one");

  expect_request (self, 1, 2, nonce);
  answer (self, 1, nonce);
  expect_request (self, 2, 1, proof);
  answer (self, 2, proof);
  assert_fails (self, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                "It is the wrong server: it does not know the token");
}

static void
test_says_yes (Rogue         *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32], proof[32];

  g_test_summary ("A server that accepts any proof and gives none is the wrong one");

  expect_request (self, 1, 2, nonce);
  answer (self, 1, its_nonce);
  expect_request (self, 2, 1, proof);
  raw_peer_send_value (&self->server, g_variant_new_parsed ("(1, 2, @mv nothing, true)"));
  assert_fails (self, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED, "wrong server");
}

static const struct
{
  const char *name;
  const char *message;
  MsgpackRpcError code;
  const char *words;
} first_answers[] = {
  { "nil", "(1, 1, @mv nothing, @mv nothing)", MSGPACK_RPC_ERROR_ACCESS_DENIED, "wrong server" },
  { "short", "(1, 1, @mv nothing, b'abc')", MSGPACK_RPC_ERROR_ACCESS_DENIED, "wrong server" },
  { "error", "(1, 1, 'no', @mv nothing)", MSGPACK_RPC_ERROR_ACCESS_DENIED,
    "The server does not accept the token: no" },
  { "turned-away", "(1, 0, 'too many', @mv nothing)", MSGPACK_RPC_ERROR_REMOTE, "too many" },
  { "boolean-error", "(1, 1, true, 'no')", MSGPACK_RPC_ERROR_ACCESS_DENIED, "token: no" },
  { "not-an-array", "5", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "Could not connect" },
};

static void
test_first_answer (Rogue         *self,
                   gconstpointer  data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr(GVariant) message = test_parse (first_answers[i].message);
  guint8 nonce[32];

  g_test_summary ("A server that answers with anything else is the wrong one");

  expect_request (self, 1, 2, nonce);
  raw_peer_send_value (&self->server, message);
  assert_fails (self, MSGPACK_RPC_ERROR, (int) first_answers[i].code, first_answers[i].words);
}

static void
test_closes (Rogue         *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32];

  g_test_summary ("A server that closes instead is told from one that cannot be reached");

  expect_request (self, 1, 2, nonce);
  raw_peer_shutdown_write (&self->server);
  assert_fails (self, G_IO_ERROR, G_IO_ERROR_CLOSED, "before it has proved");
}

static const char * const goodbyes[] = {
  "(1, 0, 'closing', {'rpc.closing': <@av []>})",
  "(1, 1, 'closing', {'rpc.closing': <true>})",
};

static void
test_goodbye (Rogue         *self,
              gconstpointer  data)
{
  g_autoptr(GVariant) message = test_parse (goodbyes[GPOINTER_TO_UINT (data)]);
  guint8 nonce[32];

  g_test_summary ("A server that is closing has nothing against the token");

  expect_request (self, 1, 2, nonce);
  raw_peer_send_value (&self->server, message);
  assert_fails (self, G_IO_ERROR, G_IO_ERROR_CLOSED, "The server is closing");
}

static void
test_silent (void)
{
  g_autoptr(MsgpackRpcToken) token = token_new (SECRET);
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer server;

  g_test_summary ("A server that does not answer is given up in time");

  stream = raw_peer_init (&server);
  client = msgpack_rpc_client_new_for_stream (stream);
  msgpack_rpc_client_set_token (client, token);
  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_client_get_limits (client), 20);
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "within 20 milliseconds"));
  raw_peer_wait_closed (&server);
  raw_peer_clear (&server);
  test_drain ();
}

static void
test_floods (Rogue         *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *large = g_strnfill (2000, 'x');
  guint8 nonce[32];

  g_test_summary ("A server that sends without end before it has proved anything is given up");

  msgpack_rpc_limits_set_max_pending_message_size (msgpack_rpc_client_get_limits (self->client),
                                                   1024 * 1024);
  expect_request (self, 1, 2, nonce);
  for (guint i = 0; i < 600 && self->result == NULL; i++)
    {
      g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new ("(is(s))", 2, "x", large));
      g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, NULL);
      gsize size = g_bytes_get_size (bytes);
      ssize_t n;

      n = send (self->server.fd, g_bytes_get_data (bytes, NULL), size, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0)
        g_assert_cmpint (n, ==, size);
      else if (errno != EAGAIN)
        break;
      test_iterate ();
    }
  WAIT_UNTIL (self->result != NULL);
  {
    g_autoptr(GError) error = NULL;

    g_assert_false (msgpack_rpc_client_open_finish (self->client, self->result, &error));
    g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  }
  g_assert_cmpstr (self->heard->str, ==, "");
}

static void
append_value (GByteArray *bytes,
              GVariant   *value)
{
  g_autoptr(GVariant) sunk = g_variant_ref_sink (value);
  g_autoptr(GBytes) packed = msgpack_rpc_pack (sunk, NULL);

  g_byte_array_append (bytes, g_bytes_get_data (packed, NULL), (guint) g_bytes_get_size (packed));
}

static void
test_early (Rogue         *self,
            gconstpointer  data)
{
  guint piece = GPOINTER_TO_UINT (data);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autoptr(GVariant) request = NULL;
  guint8 nonce[32], proof[32], expected[32];

  g_test_summary ("What a server sends before and behind its answers is heard, in order");

  expect_request (self, 1, 2, nonce);
  raw_peer_send_value (&self->server, g_variant_new ("(isas)", 2, "a", NULL));
  raw_peer_send_value (&self->server, g_variant_new ("(isas)", 2, "b", NULL));
  answer (self, 1, its_nonce);
  expect_request (self, 2, 1, proof);
  prove (CLIENT, nonce, its_nonce, expected);
  g_assert_cmpmem (proof, 32, expected, 32);
  g_assert_cmpstr (self->heard->str, ==, "");

  prove (SERVER, nonce, its_nonce, proof);
  append_value (bytes, g_variant_new ("(isas)", 2, "c", NULL));
  append_value (bytes, g_variant_new ("(iimv@ay)", 1, 2, NULL, bin (proof)));
  append_value (bytes, g_variant_new ("(isas)", 2, "d", NULL));
  append_value (bytes, g_variant_new ("(isas)", 2, "e", NULL));
  raw_peer_send (&self->server, bytes->data, bytes->len - piece);
  if (piece > 0)
    {
      test_drain ();
      raw_peer_send (&self->server, bytes->data + bytes->len - piece, piece);
    }

  WAIT_UNTIL (g_str_equal (self->heard->str, "a b c d e "));
  request = raw_peer_receive (&self->server);
  test_assert_value (request, "(0, 1, 'add', @av [])");
  raw_peer_send_value (&self->server, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  WAIT_UNTIL (msgpack_rpc_call_get_state (self->call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_assert_nonnull (self->result);
  g_assert_true (msgpack_rpc_client_open_finish (self->client, self->result, NULL));
}

static void
test_cancelled (Rogue         *self,
                gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32];

  g_test_summary ("Closing ends what waits for the token");

  expect_request (self, 1, 2, nonce);
  msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (self->result != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (self->client, self->result, NULL));
  raw_peer_wait_closed (&self->server);
}

static void
test_dropped (Rogue         *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32];

  g_test_summary ("A client that is dropped while it waits for the token leaves nothing behind");

  expect_request (self, 1, 2, nonce);
  g_clear_object (&self->call);
  g_object_run_dispose (G_OBJECT (self->client));
  raw_peer_wait_closed (&self->server);
  WAIT_UNTIL (self->result != NULL);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD_ROGUE(name, data, func)                                                          \
  g_test_add ("/msgpack-rpc/token/client/" name, Rogue, GUINT_TO_POINTER (data), rogue_setup, \
              func, rogue_teardown)
  ADD_ROGUE ("reflection", 0, test_reflection);
  ADD_ROGUE ("says-yes", 0, test_says_yes);
  for (guint i = 0; i < G_N_ELEMENTS (first_answers); i++)
    {
      g_autofree char *name = g_strconcat ("/msgpack-rpc/token/client/first-answer/",
                                           first_answers[i].name, NULL);

      g_test_add (name, Rogue, GUINT_TO_POINTER (i), rogue_setup, test_first_answer,
                  rogue_teardown);
    }
  ADD_ROGUE ("closes", 0, test_closes);
  ADD_ROGUE ("goodbye/to-all", 0, test_goodbye);
  ADD_ROGUE ("goodbye/to-a-request", 1, test_goodbye);
  g_test_add_func ("/msgpack-rpc/token/client/silent", test_silent);
  ADD_ROGUE ("floods", 0, test_floods);
  ADD_ROGUE ("early/whole", 0, test_early);
  ADD_ROGUE ("early/split", 3, test_early);
  ADD_ROGUE ("early/one", 8, test_early);
  ADD_ROGUE ("cancelled", 0, test_cancelled);
  ADD_ROGUE ("dropped", 0, test_dropped);

  return g_test_run ();
}
