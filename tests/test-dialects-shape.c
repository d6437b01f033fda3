/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How the messages of peers look that are not quite as the specification says, and what peers do not
 * take: the rules 17 to 29 of docs/dialects.md, but for the lengths before messages (21) and one
 * call at a time (27), which have files of their own; and the profile of rule 30. */

#include "test-dialects.h"

#define BREAKS "closed Message breaks the specification, which the profile “strict” does not allow: "

static void
set_profile (Dialect           *d,
             MsgpackRpcProfile  profile)
{
  msgpack_rpc_connection_set_profile (d->connection, profile);
}

/* What a strict connection ends with when the peer sends @hex. */
static void
assert_breaks (Dialect    *d,
               const char *hex,
               const char *what)
{
  g_autofree char *log = g_strdup_printf ("%s%s; ", BREAKS, what);

  dialect_renew (d);
  set_profile (d, MSGPACK_RPC_PROFILE_STRICT);
  send_hex (&d->raw, hex);
  dialect_assert_log (d, log);
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 1);
}

/* That nothing is sent to the peer, which reads to the end of the stream. */
static void
assert_silent (RawPeer *raw)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  guint8 byte;

  WAIT_UNTIL (recv (raw->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0 ||
              read_some (raw, bytes, 1) > 0);
  g_assert_cmpuint (bytes->len, ==, 0);
}

/* ---- 17: replies that nobody asked for ---- */

static void
test_client_is_silent (Dialect       *d G_GNUC_UNUSED,
                       gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client sends no reply to a server that asks nothing, not even one that complains");

  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  send_hex (&raw, "94 01 07 c0 c0 93 02 a1 'n' 90 91 09 05");
  assert_silent (&raw);
  test_drain ();
  error = msgpack_rpc_client_get_last_error (client);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

static void
test_client_is_asked (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client answers who asks, and then says what is wrong, too");

  msgpack_rpc_client_set_dispatcher (client, d->dispatcher);
  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  send_hex (&raw, "94 00 07 a4 'echo' 90");
  assert_comes (&raw, "94 01 07 c0 90", "", "");
  send_hex (&raw, "05");
  answer = raw_peer_receive (&raw);
  test_assert_value (answer, "(1, 0, 'expected a message (an array), got \"\\\\x05\" at offset 9', "
                             "@mv nothing)");
  test_drain ();
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

/* ---- 18: more elements ---- */

static gboolean
log_message (MsgpackRpcConnection *connection G_GNUC_UNUSED,
             GVariant             *message,
             gpointer              data)
{
  Dialect *d = data;

  g_string_append (d->log, "message ");
  dialect_log_value (d, message);
  g_string_append (d->log, "; ");
  return FALSE;
}

static void
test_extra (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");

  g_test_summary ("More elements than known are ignored, counted, and shown to who looks at messages");

  g_signal_connect (d->connection, "message", G_CALLBACK (log_message), d);
  dialect_assert_answer (d, "95 00 01 a4 'echo' 90 81 a3 'tag' 05", "94 01 01 c0 90");
  dialect_assert_log (d, "message [<int64 0>, <int64 1>, <'echo'>, <@av []>, <{'tag': <int64 5>}>]; "
                         "echo @av []; ");
  send_hex (&d->raw, "96 02 a1 'n' 90 01 02 03");
  dialect_assert_log (d, "message [<int64 2>, <'n'>, <@av []>, <int64 1>, <int64 2>, <int64 3>]; "
                         "n @av []; ");
  send_hex (&d->raw, "95 01 01 c0 05 06");
  dialect_assert_result (call, "int64 5");
  test_assert_value (msgpack_rpc_call_get_message (call), "(1, 1, @mv nothing, 5, 6)");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 3);
  g_string_truncate (d->log, 0);
}

static void
test_extra_strictly (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A strict connection ends on them, but for the time that a peer knows of");

  assert_breaks (d, "95 00 01 a4 'echo' 90 05", "it has too many elements");
  assert_breaks (d, "94 02 a1 'n' 90 05", "it has too many elements");
  assert_breaks (d, "95 01 01 c0 05 06", "it has too many elements");

  dialect_renew (d);
  set_profile (d, MSGPACK_RPC_PROFILE_STRICT);
  send_hex (&d->raw, "93 02 ae 'rpc.extensions' 91 a8 'deadline' 95 00 01 a4 'echo' 90 64");
  dialect_assert_log (d, "echo @av []; ");
  assert_breaks (d, "95 00 01 a4 'echo' 90 64", "it has too many elements");
}

/* ---- 19, 20: the type ---- */

static void
test_type_widths (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const zeros[] = {
    "00", "cc 00", "cd 0000", "ce 00000000", "cf 0000000000000000",
    "d0 00", "d1 0000", "d2 00000000", "d3 0000000000000000",
  };

  g_test_summary ("The type may be an integer of any width; a float is none");

  for (gsize i = 0; i < G_N_ELEMENTS (zeros); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 %s 01 a4 'echo' 90", zeros[i]);

      dialect_assert_answer (d, request, "94 01 01 c0 90");
    }
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 0);

  send_hex (&d->raw, "94 ca 00000000 01 a4 'echo' 90");
  dialect_assert_answer (d, "94 00 02 a4 'echo' 90", "94 01 02 c0 90");
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 1);
  g_string_truncate (d->log, 0);
}

static void
unknown_message_cb (MsgpackRpcConnection *connection,
                    GVariant             *message,
                    gpointer              data)
{
  Dialect *d = data;

  g_assert_true (connection == d->connection);
  g_string_append (d->log, "unknown message ");
  dialect_log_value (d, message);
  g_string_append (d->log, "; ");
}

static void
test_unknown_types (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Messages of other types are told of, counted, and not answered");

  g_signal_connect (d->connection, "unknown-message", G_CALLBACK (unknown_message_cb), d);
  send_hex (&d->raw, "93 03 05 a1 'm' 95 04 01 02 a1 'm' 90 92 ff 01");
  dialect_assert_log (d, "unknown message [<int64 3>, <int64 5>, <'m'>]; "
                         "unknown message [<int64 4>, <int64 1>, <int64 2>, <'m'>, <@av []>]; "
                         "unknown message [<int64 -1>, <int64 1>]; ");
  dialect_assert_answer (d, "94 00 02 a4 'echo' 90", "94 01 02 c0 90");
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 3);
  g_string_truncate (d->log, 0);

  assert_breaks (d, "93 03 05 a1 'm'", "Message is of the unknown type 3");

  /* It is the end, and nothing else. */
  dialect_renew (d);
  set_profile (d, MSGPACK_RPC_PROFILE_STRICT);
  g_signal_connect (d->connection, "unknown-message", G_CALLBACK (unknown_message_cb), d);
  send_hex (&d->raw, "93 03 05 a1 'm'");
  dialect_assert_log (d, BREAKS "Message is of the unknown type 3; ");
}

static void
client_unknown_message_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                           GVariant         *message,
                           GString          *log)
{
  g_autofree char *text = g_variant_print (message, FALSE);

  g_string_append_printf (log, "client %s; ", text);
}

static void
test_unknown_type_of_client (Dialect       *d,
                             gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client tells of them, too");

  g_signal_connect (client, "unknown-message", G_CALLBACK (client_unknown_message_cb), d->log);
  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  send_hex (&raw, "92 07 01");
  dialect_assert_log (d, "client [<int64 7>, <int64 1>]; ");
  test_drain ();
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

/* ---- 22: the method ---- */

static void
test_method_as_bytes (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A method is named by a str of any header, or by a bin, which counts");

  dialect_assert_answer (d, "94 00 01 d904 'echo' 90", "94 01 01 c0 90");
  dialect_assert_answer (d, "94 00 01 da0004 'echo' 90", "94 01 01 c0 90");
  dialect_assert_answer (d, "94 00 01 db00000004 'echo' 90", "94 01 01 c0 90");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 0);
  dialect_assert_answer (d, "94 00 01 c404 'echo' 90", "94 01 01 c0 90");
  dialect_assert_answer (d, "94 00 01 c50004 'echo' 90", "94 01 01 c0 90");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 2);
  g_string_truncate (d->log, 0);

  assert_breaks (d, "94 00 01 c404 'echo' 90", "the name of its method is no str");
}

static void
test_no_method (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const cases[][2] = {
    { "a0", "(1, 1, 'There is no method “”', @mv nothing)" },
    { "a3 610062", "(1, 1, 'Method name is not valid UTF-8', @mv nothing)" },
    { "a2 ff61", "(1, 1, 'Method name is not valid UTF-8', @mv nothing)" },
    { "c402 ff61", "(1, 1, 'Method name is not valid UTF-8', @mv nothing)" },
    { "05", "(1, 1, 'Method name is no string', @mv nothing)" },
    { "c0", "(1, 1, 'Method name is no string', @mv nothing)" },
    { "91 a1 'x'", "(1, 1, 'Method name is no string', @mv nothing)" },
  };

  g_test_summary ("What names no method is answered with an error, and ends nothing");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 01 %s 90", cases[i][0]);
      g_autoptr(GVariant) answer = NULL;

      send_hex (&d->raw, request);
      answer = raw_peer_receive (&d->raw);
      test_assert_value (answer, cases[i][1]);
    }
  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
  g_string_truncate (d->log, 0);

  assert_breaks (d, "94 00 01 05 90", "Method name is no string");
}

static void
test_method_sent (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "", "()", "94 00 01 a0 90");
  g_autoptr(GError) error = NULL;

  g_test_summary ("A method is sent as a str, also an empty one; what is no UTF-8 is not sent");

  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "\xff", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  msgpack_rpc_call_cancel (call);
}

/* ---- 23: names that are too long for Neovim ---- */

static guint n_warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags   level,
                const GLogField *fields,
                gsize            n_fields,
                gpointer         user_data)
{
  if ((level & G_LOG_LEVEL_MASK) != G_LOG_LEVEL_WARNING)
    return g_log_writer_default (level, fields, n_fields, user_data);

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        g_assert_true (g_str_has_prefix (fields[i].value, "Neovim closes the connection on a method "
                                         "name of more than 100 bytes: “mmm"));
        g_assert_true (g_str_has_suffix (fields[i].value, "” has 101"));
        n_warnings++;
      }
  return G_LOG_WRITER_HANDLED;
}

static void
test_long_method (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *usual = g_strnfill (100, 'm');
  g_autofree char *name = g_strnfill (101, 'm');
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("The profile neovim warns of a name of more than 100 bytes, which is sent");

  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, name, NULL, &error));
  assert_comes (&d->raw, "93 02 d965", name, "90");
  set_profile (d, MSGPACK_RPC_PROFILE_NEOVIM);
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, usual, NULL, &error));
  assert_comes (&d->raw, "93 02 d964", usual, "90");

  g_assert_cmpuint (n_warnings, ==, 0);

  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, name, NULL, &error));
  assert_comes (&d->raw, "93 02 d965", name, "90");
  g_assert_cmpuint (n_warnings, ==, 1);
  call = msgpack_rpc_peer_start_call (d->peer, name, NULL);
  assert_comes (&d->raw, "94 00 01 d965", name, "90");
  g_assert_cmpuint (n_warnings, ==, 2);
  msgpack_rpc_call_cancel (call);
}

/* ---- 24: the parameters ---- */

static void
test_params (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("nil are no parameters, a map are named ones; both count");

  dialect_assert_answer (d, "94 00 01 a4 'echo' c0", "94 01 01 c0 90");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 81 a1 'a' 05", "94 01 01 c0 81 a1 'a' 05");
  dialect_assert_log (d, "echo @av []; echo {'a': <int64 5>}; ");
  send_hex (&d->raw, "93 02 a1 'n' c0 93 02 a1 'n' 81 a1 'a' 05");
  dialect_assert_log (d, "n @av []; n {'a': <int64 5>}; ");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 4);

  assert_breaks (d, "94 00 01 a4 'echo' c0", "its parameters are no array");
  assert_breaks (d, "93 02 a1 'n' 80", "its parameters are no array");
}

static void
test_no_params (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const cases[][2] = {
    { "94 00 01 a4 'echo' 05",
      "(1, 1, 'Parameters are neither an array nor a map', @mv nothing)" },
    { "94 00 01 a4 'echo' a1 'x'",
      "(1, 1, 'Parameters are neither an array nor a map', @mv nothing)" },
    { "93 00 01 a4 'echo'", "(1, 1, 'Request has 3 elements instead of 4', @mv nothing)" },
    { "92 00 01", "(1, 1, 'Request has 2 elements instead of 4', @mv nothing)" },
  };

  g_test_summary ("Any other value is answered with an error; a notification with it is dropped");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) answer = NULL;

      send_hex (&d->raw, cases[i][0]);
      answer = raw_peer_receive (&d->raw);
      test_assert_value (answer, cases[i][1]);
    }
  send_hex (&d->raw, "93 02 a1 'n' 05 92 02 a1 'n' 91 00 90");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
  dialect_assert_log (d, "echo @av []; ");
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 8);

  assert_breaks (d, "94 00 01 a4 'echo' 05", "Parameters are neither an array nor a map");
  assert_breaks (d, "92 00 01", "Request has 2 elements instead of 4");
}

static void
test_params_sent (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("Parameters are sent as an array, unless they are a map");

  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n", NULL, &error));
  assert_comes (&d->raw, "93 02 a1 'n' 90", "", "");
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n", g_variant_new_int32 (5), &error));
  assert_comes (&d->raw, "93 02 a1 'n' 91 05", "", "");
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n",
                                                     g_variant_new_parsed ("{'a': <5>}"), &error));
  assert_comes (&d->raw, "93 02 a1 'n' 81 a1 'a' 05", "", "");
}

/* ---- 25: what is no message ---- */

static void
test_garbage (Dialect       *d,
              gconstpointer  data)
{
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("What is no array ends the connection in each profile, after what came before and a "
                  "reply that says so");

  set_profile (d, (MsgpackRpcProfile) GPOINTER_TO_INT (data));
  send_hex (&d->raw, "94 00 01 a4 'echo' 90 'POST / HTTP/1.1' 0d0a 94 00 02 a4 'echo' 90");
  answer = raw_peer_receive (&d->raw);
  test_assert_value (answer, "(1, 0, 'expected a message (an array), got \"POST / HTTP/1.1\\\\r\\\\n"
                             "\\\\x94\\\\x00\\\\x02\\\\xa4echo\\\\x90\" at offset 9', @mv nothing)");
  dialect_assert_told (d, "echo @av []; ");
  raw_peer_wait_closed (&d->raw);
}

/* ---- 26: notifications that nobody takes ---- */

static gboolean
take_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return TRUE;
}

static void
test_unhandled (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A notification that neither a method nor a handler takes is counted, not answered");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "taken", NULL, take_handler, NULL, NULL);
  send_hex (&d->raw, "93 02 a1 'n' 90 93 02 a5 'taken' 90");
  dialect_assert_log (d, "n @av []; taken @av []; ");
  g_assert_cmpuint (dialect_get_statistic (d, "unhandled-notifications"), ==, 0);

  g_signal_handlers_disconnect_by_func (d->connection, dialect_notification_cb, d);
  send_hex (&d->raw, "93 02 a1 'n' 90 93 02 a5 'taken' 90 93 02 a4 'none' 90");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
  g_assert_cmpuint (dialect_get_statistic (d, "unhandled-notifications"), ==, 2);
  msgpack_rpc_connection_set_dispatcher (d->connection, NULL);
  send_hex (&d->raw, "93 02 a5 'taken' 90");
  WAIT_UNTIL (dialect_get_statistic (d, "unhandled-notifications") == 3);
  g_string_truncate (d->log, 0);
}

static void
peer_error_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
               const char           *text,
               GVariant             *value,
               gpointer              data)
{
  Dialect *d = data;

  g_string_append_printf (d->log, "peer error “%s” ", text);
  dialect_log_value (d, value);
  g_string_append (d->log, "; ");
}

static void
test_neovim_error (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  const char *hex = "93 02 b0 'nvim_error_event' 92 01 a5 'wrong'";

  g_test_summary ("The profile neovim makes an error of the peer of Neovim's notification of one");

  g_signal_connect (d->connection, "peer-error", G_CALLBACK (peer_error_cb), d);
  send_hex (&d->raw, hex);
  dialect_assert_log (d, "nvim_error_event [<int64 1>, <'wrong'>]; ");
  set_profile (d, MSGPACK_RPC_PROFILE_NEOVIM);
  send_hex (&d->raw, hex);
  dialect_assert_log (d, "nvim_error_event [<int64 1>, <'wrong'>]; "
                         "peer error “wrong” [<int64 1>, <'wrong'>]; ");
  send_hex (&d->raw, "93 02 b0 'nvim_error_event' 90");
  dialect_assert_log (d, "nvim_error_event @av []; peer error “Unknown error” @av []; ");
  g_assert_cmpuint (dialect_get_statistic (d, "peer-errors"), ==, 2);
}

/* ---- 28: peers that do not answer ---- */

static void
test_deaf_peer (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new ("f", NULL);

  g_test_summary ("Nothing is sent that the application has not asked for, and a call to a peer that "
                  "drops it ends by its time, alone");

  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
  msgpack_rpc_call_set_timeout (call, 50);
  msgpack_rpc_peer_send_call (d->peer, call);
  assert_comes (&d->raw, "94 00 01 a1 'f' 90", "", "");
  dialect_assert_error (call, "“f” was not answered within 50 ms");
  dialect_assert_answer (d, "94 00 02 a4 'echo' 90", "94 01 02 c0 90");
  g_string_truncate (d->log, 0);
  g_object_unref (call);
}

/* ---- 29: datagrams ---- */

static void
test_datagrams (Dialect       *d G_GNUC_UNUSED,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("udp://localhost:1234");
  g_autoptr(GError) error = NULL;

  g_test_summary ("There are no datagrams: such an address is an error that says so");

  g_assert_false (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  g_assert_nonnull (strstr (error->message, "udp"));
}

/* ---- 30: all that is legacy, by its profile ---- */

static void
test_legacy_profile (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (32, 'x');
  g_autoptr(GError) error = NULL;

  g_test_summary ("The profile legacy sends raw, and takes what is no UTF-8 for bytes, which go back");

  set_profile (d, MSGPACK_RPC_PROFILE_LEGACY);
  g_assert_cmpuint (msgpack_rpc_connection_get_pack_flags (d->connection), ==,
                    MSGPACK_RPC_PACK_FLAGS_NONE);
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "n", g_variant_new ("(s)", text),
                                                     &error));
  assert_comes (&d->raw, "93 02 a1 'n' 91 da0020", text, "");
  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "n",
                                                      g_variant_new_parsed ("((handle 5, b'x'),)"),
                                                      &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);

  dialect_assert_answer (d, "94 00 01 a4 'echo' 93 a2 ff61 a3 610062 a1 'x'",
                         "94 01 01 c0 93 a2 ff61 a3 610062 a1 'x'");
  dialect_assert_log (d, "echo [<[byte 0xff, 0x61]>, <[byte 0x61, 0x00, 0x62]>, <'x'>]; ");
  msgpack_rpc_connection_set_string_policy (d->connection, MSGPACK_RPC_STRING_POLICY_REPLACE);
  send_hex (&d->raw, "93 02 a1 'n' 91 a2 ff61");
  dialect_assert_log (d, "n [<'\357\277\275a'>]; ");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);

#define ADD_WITH(path, data, func) \
  g_test_add ("/dialects/" path, Dialect, data, dialect_setup, func, dialect_teardown)
#define ADD(path, func) ADD_WITH (path, NULL, func)
#define GARBAGE(nick, PROFILE) \
  ADD_WITH ("25/" nick, GINT_TO_POINTER (MSGPACK_RPC_PROFILE_##PROFILE), test_garbage)
  ADD ("17/client", test_client_is_silent);
  ADD ("17/asked", test_client_is_asked);
  ADD ("18/extra", test_extra);
  ADD ("18/strict", test_extra_strictly);
  ADD ("19/widths", test_type_widths);
  ADD ("20/unknown", test_unknown_types);
  ADD ("20/client", test_unknown_type_of_client);
  ADD ("22/bytes", test_method_as_bytes);
  ADD ("22/none", test_no_method);
  ADD ("22/sent", test_method_sent);
  ADD ("23/long", test_long_method);
  ADD ("24/params", test_params);
  ADD ("24/none", test_no_params);
  ADD ("24/sent", test_params_sent);
  GARBAGE ("boolean-error", BOOLEAN_ERROR);
  GARBAGE ("legacy", LEGACY);
  GARBAGE ("neovim", NEOVIM);
  GARBAGE ("serial", SERIAL);
  GARBAGE ("strict", STRICT);
  GARBAGE ("tolerant", TOLERANT);
  ADD ("26/unhandled", test_unhandled);
  ADD ("26/neovim", test_neovim_error);
  ADD ("28/deaf", test_deaf_peer);
  ADD ("29/datagrams", test_datagrams);
  ADD ("30/profile", test_legacy_profile);

  return g_test_run ();
}
