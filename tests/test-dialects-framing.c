/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that send the length of each message before it, and Keybase's, which can also give up a
 * request: the rules 20 and 21 of docs/dialects.md. */

#include "test-dialects.h"

#define ECHO_1 "94 00 01 a4 'echo' 90"     /* 9 bytes */
#define ANSWER_1 "05 94 01 01 c0 90"

static void
set_framed (Dialect *d)
{
  msgpack_rpc_connection_set_framing (d->connection, MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
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
test_sent (Dialect       *d,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (200, 'x');
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Calls, notifications, answers and whole messages have their length before them");

  set_framed (d);
  call = dialect_call (d, "f", "()", "06 94 00 01 a1 'f' 90");
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n", NULL, &error));
  assert_comes (&d->raw, "05 93 02 a1 'n' 90", "", "");
  g_assert_true (msgpack_rpc_connection_send_message (d->connection, g_variant_new ("(is)", 9, text),
                                                      &error));
  assert_comes (&d->raw, "cc cc 92 09 d9 c8", text, "");
  dialect_assert_answer (d, "09" ECHO_1, ANSWER_1);
  send_hex (&d->raw, "05 94 01 01 c0 05");
  dialect_assert_result (call, "int64 5");
  g_string_truncate (d->log, 0);
}

static void
test_split (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const headers[] = {
    "09", "cc 09", "cd 0009", "ce 00000009", "cf 0000000000000009",
    "d0 09", "d1 0009", "d2 00000009", "d3 0000000000000009",
  };

  g_test_summary ("A length may be an integer of any width, and come in any pieces");

  set_framed (d);
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *hex = g_strdup_printf ("%s" ECHO_1 "%s" ECHO_1, headers[i], headers[i]);
      g_autoptr(GByteArray) bytes = bytes_from_hex (hex);

      for (guint cut = 1; cut < bytes->len; cut++)
        {
          raw_peer_send (&d->raw, bytes->data, cut);
          test_drain ();
          raw_peer_send (&d->raw, bytes->data + cut, bytes->len - cut);
          assert_comes (&d->raw, ANSWER_1 ANSWER_1, "", "");
        }
      for (guint j = 0; j < bytes->len; j++)
        {
          raw_peer_send (&d->raw, bytes->data + j, 1);
          test_drain ();
        }
      assert_comes (&d->raw, ANSWER_1 ANSWER_1, "", "");
    }
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 0);
  g_string_truncate (d->log, 0);
}

/* While one message comes, another connection of the same thread reads its own. */
static void
test_between (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  Dialect other = { 0 };

  g_test_summary ("A length belongs to the connection that it came by, however long its message takes");

  dialect_setup (&other, NULL);
  set_framed (d);
  set_framed (&other);
  send_hex (&d->raw, "09");
  WAIT_UNTIL (dialect_get_statistic (d, "received-bytes") == 1);
  test_drain ();
  dialect_assert_answer (&other, "09" ECHO_1, ANSWER_1);
  dialect_assert_answer (d, ECHO_1, ANSWER_1);
  dialect_teardown (&other, NULL);

  send_hex (&d->raw, "09");
  raw_peer_close (&d->raw);
  dialect_assert_told (d, "echo @av []; closed Message cut short");
}

/* Does not write what may be megabytes to the log, as “echo” does. */
static gboolean
return_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params,
                gpointer               data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

/* Bodies of that size are read to where they are decoded, and sent without being copied. */
static void
test_large (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  const gsize sizes[] = { 3000, 70000, 3000000 };
  MsgpackRpcConnection *near, *far;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Large messages go both ways between two ends that frame");

  g_assert_true (msgpack_rpc_connection_new_pair (&near, &far, &error));
  msgpack_rpc_connection_set_framing (near, MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
  msgpack_rpc_connection_set_framing (far, MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "return", NULL, return_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (far, d->dispatcher);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = g_strnfill (sizes[i], 'x');
      g_autoptr(GBytes) bytes = g_bytes_new (text, sizes[i]);
      GVariant *values[] = {
        g_variant_new_from_bytes (G_VARIANT_TYPE ("ay"), bytes, TRUE),
        g_variant_new_string (text),
      };
      g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new_tuple (values, 2));
      g_autoptr(MsgpackRpcCall) call = NULL;
      g_autoptr(GVariant) first = NULL;

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (near), "return", params);
      WAIT_UNTIL (dialect_call_has_ended (call));
      g_assert_no_error (msgpack_rpc_call_get_error (call));
      g_variant_get_child (msgpack_rpc_call_get_result (call), 0, "v", &first);
      g_assert_cmpuint (g_variant_get_size (first), ==, sizes[i]);
    }
  test_drain ();
  g_assert_finalize_object (near);
  g_assert_finalize_object (far);
}

static void
assert_ends (Dialect    *d,
             const char *hex,
             const char *text)
{
  g_autofree char *log = g_strdup_printf ("closed %s; ", text);

  dialect_renew (d);
  set_framed (d);
  send_hex (&d->raw, hex);
  dialect_assert_log (d, log);
  raw_peer_wait_closed (&d->raw);
}

static void
test_hostile (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A length that is none, or beyond the limit, ends the connection, and takes no memory");

  assert_ends (d, "00 " ECHO_1, "the length of a message is 0, at offset 0");
  assert_ends (d, "ff", "the length of a message is negative, at offset 0");
  assert_ends (d, "d0 80", "the length of a message is negative, at offset 0");
  assert_ends (d, "d3 8000000000000000", "the length of a message is negative, at offset 0");
  assert_ends (d, "cf ffffffffffffffff", "Message too large: 18446744073709551615 bytes are announced, "
               "the limit is 67108864, at offset 0");
  assert_ends (d, "ce 04000001", "Message too large: 67108865 bytes are announced, the limit is "
               "67108864, at offset 0");
  assert_ends (d, "cb 4022000000000000", "expected the length of a message (an integer), as the "
               "framing is “msgpack-length”, got \"\\xcb@\\\"\\x00\\x00\\x00\\x00\\x00\\x00\" at offset 0");
  assert_ends (d, ECHO_1, "expected the length of a message (an integer), as the framing is "
               "“msgpack-length”, got \"\\x94\\x00\\x01\\xa4echo\\x90\" at offset 0");

  /* The most that may be announced costs nothing before it comes. */
  dialect_renew (d);
  set_framed (d);
  send_hex (&d->raw, "ce 04000000 94 00");
  WAIT_UNTIL (dialect_get_statistic (d, "received-bytes") == 7);
  raw_peer_close (&d->raw);
  dialect_assert_log (d, "closed Message cut short: the stream ends 2 bytes into a message at offset "
                         "5; ");
}

static void
test_wrong (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A length that is not that of its message ends the connection, with both numbers");

  assert_ends (d, "0a " ECHO_1 " 00", "Message at offset 1 has 9 bytes, not the 10 that were announced");
  assert_ends (d, "08 " ECHO_1, "Message is longer than the 8 bytes that were announced, at offset 9");
  assert_ends (d, "01 " ECHO_1, "Message is longer than the 1 bytes that were announced, at offset 1");
  assert_ends (d, "06 94 00 01 c6 00ffffff",
               "Message is longer than the 6 bytes that were announced, at offset 5");
  assert_ends (d, "03 05 06 07",
               "expected a message (an array), got \"\\x05\\x06\\x07\" at offset 1");

  /* Also where it comes bit by bit. */
  dialect_renew (d);
  set_framed (d);
  send_hex (&d->raw, "06 94 00");
  WAIT_UNTIL (dialect_get_statistic (d, "received-bytes") == 3);
  test_drain ();
  send_hex (&d->raw, "01 c6 00ffffff");
  dialect_assert_log (d, "closed Message is longer than the 6 bytes that were announced, at offset 5; ");
}

static void
test_not_guessed (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("It is never guessed: a length is no message, and ends a connection without framing");

  send_hex (&d->raw, "09 " ECHO_1);
  dialect_assert_told (d, "closed expected a message (an array), got \"\\x09");
}

static void
test_client (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A client frames from its first message on, also of one that waits to be opened");

  msgpack_rpc_client_set_framing (client, MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "f", NULL);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  assert_comes (&raw, "06 94 00 01 a1 'f' 90", "", "");
  send_hex (&raw, "05 94 01 01 c0 05");
  dialect_assert_result (call, "int64 5");
  g_clear_object (&call);
  test_drain ();
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

static void
test_token (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GBytes) secret = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_token_new_for_bytes (secret, &error);
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_auto(GStrv) addresses = NULL;
  MsgpackRpcClient *client;
  g_autoptr(GVariant) result = NULL;

  g_test_summary ("What a client and a server show each other before all else is framed, too");

  g_assert_no_error (error);
  g_object_set (server, "token", token, "dispatcher", d->dispatcher,
                "framing", MSGPACK_RPC_FRAMING_MSGPACK_LENGTH, NULL);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  client = msgpack_rpc_client_new (addresses[0]);
  g_object_set (client, "token", token, "framing", MSGPACK_RPC_FRAMING_MSGPACK_LENGTH, NULL);
  {
    g_autoptr(MsgpackRpcCall) call = NULL;

    call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "echo", NULL);
    msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
    dialect_assert_result (call, "@av []");
  }
  g_string_truncate (d->log, 0);
  test_drain ();
  g_assert_finalize_object (client);
  g_socket_service_stop (G_SOCKET_SERVICE (server));
  g_socket_listener_close (G_SOCKET_LISTENER (server));
  test_drain ();
}

static void
test_keybase (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Keybase's profile frames whatever the framing says");

  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_KEYBASE);
  g_assert_cmpint (msgpack_rpc_connection_get_framing (d->connection), ==, MSGPACK_RPC_FRAMING_NONE);
  dialect_assert_answer (d, "09" ECHO_1, ANSWER_1);
  /* A call with tags. */
  dialect_assert_answer (d, "0e 95 00 01 a4 'echo' 90 81 a1 't' a1 'x'", ANSWER_1);
  g_string_truncate (d->log, 0);
}

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error G_GNUC_UNUSED,
           GVariant             *incomplete,
           GVariant             *unsent,
           gpointer              data)
{
  Dialect *d = data;

  g_string_append (d->log, incomplete != NULL ? "incomplete " : "");
  dialect_log_value (d, unsent);
  g_string_append (d->log, "; ");
}

static void
test_unsent (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GBytes) bytes = g_bytes_new_take (g_malloc0 (4 << 20), 4 << 20);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What was not sent is given back as it was, without its length");

  set_framed (d);
  g_signal_handlers_disconnect_by_func (d->connection, dialect_closed_cb, d);
  g_signal_connect (d->connection, "closed", G_CALLBACK (closed_cb), d);
  g_assert_true (msgpack_rpc_peer_send_notification (
    d->peer, "large", g_variant_new ("(@ay)", g_variant_new_from_bytes (G_VARIANT_TYPE ("ay"), bytes,
                                                                       TRUE)), &error));
  test_drain ();
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n", NULL, &error));
  msgpack_rpc_connection_close_async (d->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  dialect_assert_log (d, "incomplete [<[<int64 2>, <'n'>, <@av []>]>]; ");
}

static void
test_cancel (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("[3, id, method] cancels a request in Keybase's profile, which is answered once");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_KEYBASE);
  send_hex (&d->raw, "09 94 00 05 a4 'keep' 90 09 94 00 06 a4 'keep' 90 08 93 03 05 a4 'keep'");
  WAIT_UNTIL (kept->len == 2);
  WAIT_UNTIL (msgpack_rpc_invocation_is_cancelled (kept->pdata[0]));
  g_assert_false (msgpack_rpc_invocation_is_cancelled (kept->pdata[1]));
  g_assert_false (msgpack_rpc_invocation_return_value (kept->pdata[0], NULL));
  assert_comes (&d->raw, "2a 94 01 05 d924 'The caller has cancelled the request' c0", "", "");

  /* Of what is over, and of what never was, it is ignored. */
  send_hex (&d->raw, "08 93 03 05 a4 'keep' 03 92 03 63");
  WAIT_UNTIL (dialect_get_statistic (d, "ignored-extensions") == 2);
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 0);
  g_assert_true (msgpack_rpc_invocation_return_value (kept->pdata[1], NULL));
  assert_comes (&d->raw, "05 94 01 06 c0 c0", "", "");
  g_ptr_array_set_size (kept, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/dialects/" path, Dialect, NULL, dialect_setup, func, \
                                    dialect_teardown)
  ADD ("20/cancel", test_cancel);
  ADD ("21/sent", test_sent);
  ADD ("21/split", test_split);
  ADD ("21/between", test_between);
  ADD ("21/large", test_large);
  ADD ("21/hostile", test_hostile);
  ADD ("21/wrong", test_wrong);
  ADD ("21/not-guessed", test_not_guessed);
  ADD ("21/client", test_client);
  ADD ("21/token", test_token);
  ADD ("21/keybase", test_keybase);
  ADD ("21/unsent", test_unsent);

  return g_test_run ();
}
