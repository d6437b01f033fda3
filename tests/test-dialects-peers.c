/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What certain peers send, byte by byte, and what they need: the rules 50 to 56 of docs/dialects.md. */

#include "test-dialects.h"

#define TEXT_20 "'nvim_get_current_buf'"

/* A method with @signature that gives its parameters back. */
static void
add_method (Dialect    *d,
            const char *method,
            const char *signature)
{
  msgpack_rpc_dispatcher_add_method (d->dispatcher, method, signature, dialect_echo_handler, d, NULL);
}

static gboolean
fail_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data G_GNUC_UNUSED,
              GError               **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no such file");
  return FALSE;
}

/* Whatever else was sent would come before this. */
static void
assert_nothing_came (Dialect *d)
{
  dialect_assert_answer (d, "94 00 63 a4 'echo' 90", "94 01 63 c0 90");
  g_string_truncate (d->log, 0);
}

/* ---- 50: bin for text ---- */

static void
test_bin_calls (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("neovim-qt: methods, strings and keys are bin, and ids begin with 0");

  add_method (d, "nvim_ui_attach", "(xxa{sv})");
  add_method (d, "nvim_input", "(s)");
  dialect_assert_answer (d, "94 00 00 c4 0e 'nvim_ui_attach' 93 64 1e 81 c4 03 'rgb' c3",
                         "94 01 00 c0 93 64 1e 81 a3 'rgb' c3");
  dialect_assert_log (d, "echo (int64 100, int64 30, {'rgb': <true>}); ");
  dialect_assert_answer (d, "94 00 01 c4 0a 'nvim_input' 91 c4 05 '<Esc>'",
                         "94 01 01 c0 91 a5 '<Esc>'");
  dialect_assert_log (d, "echo ('<Esc>',); ");
  send_hex (&d->raw, "93 02 c4 06 'redraw' 91 c4 02 'hi'");
  dialect_assert_log (d, "redraw [<[byte 0x68, 0x69]>]; ");
}

static void
test_bin_errors (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) plain = dialect_call (d, "boom", "()", "94 00 01 a4 'boom' 90");
  g_autoptr(MsgpackRpcCall) pair = dialect_call (d, "boom", "()", "94 00 02 a4 'boom' 90");

  g_test_summary ("ruby-neovim: the text of an exception is bin");

  send_hex (&d->raw, "94 01 01 c4 0e 'divided by  0!' c0");
  dialect_assert_error (plain, "divided by  0!");
  send_hex (&d->raw, "94 01 02 92 00 c4 04 'boom' c0");
  dialect_assert_error (pair, "boom");
  g_assert_error (msgpack_rpc_call_get_error (pair), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
}

static void
test_errors_for_ruby (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("ruby-neovim, and Neovim itself: an error is a pair of a number and a text");

  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_NEOVIM);
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "read", NULL, fail_handler, NULL, NULL);
  add_method (d, "twice", "(x)");
  dialect_assert_answer (d, "94 00 00 a4 'read' 90", "94 01 00 92 00 ac 'no such file' c0");
  dialect_assert_answer (d, "94 00 01 a5 'twice' 90",
                         "94 01 01 92 01 d9 22 'twice() takes 1 argument (0 given)' c0");
}

/* ---- 51: ids ---- */

static void
test_first_ids (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const ids[] = {
    "00",          /* Go, os-ken, lua-nvim, Ruby, neovim-qt */
    "01",          /* Neovim, rpclib, most npm packages */
    "02",          /* the npm package “neovim” */
    "ce fffffffe", /* cpp-msgpack-rpc: random, and goes on */
    "ce ffffffff",
    "00",
    "ce 00000001", /* as wide as all, in some languages */
    "d3 0000000000000005",
    "cb 41e0000000000000",
    "ff",
  };

  g_test_summary ("Ids begin anywhere, wrap, have any width, and go back with the same value");

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 %s a4 'echo' 90", ids[i]);
      g_autofree char *shortest = g_strdup (ids[i]);
      g_autofree char *answer = NULL;

      if (g_str_equal (ids[i], "ce 00000001"))
        g_stpcpy (shortest, "01");
      if (g_str_equal (ids[i], "d3 0000000000000005"))
        g_stpcpy (shortest, "05");
      answer = g_strdup_printf ("94 01 %s c0 90", shortest);
      dialect_assert_answer (d, request, answer);
    }
}

static void
test_float_ids (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = dialect_call (d, "a", "()", "94 00 01 a1 'a' 90");
  g_autoptr(MsgpackRpcCall) second = dialect_call (d, "b", "()", "94 00 02 a1 'b' 90");

  g_test_summary ("An npm server gives ids back as floats: the call is found by the value");

  send_hex (&d->raw, "94 01 cb 4000000000000000 c0 a1 '2' 94 01 ca 3f800000 c0 a1 '1'");
  dialect_assert_result (second, "'2'");
  dialect_assert_result (first, "'1'");

  /* 1.5 is nobody's. */
  send_hex (&d->raw, "94 01 cb 3ff8000000000000 c0 c0");
  dialect_assert_log (d, "unknown 1.5 @mv nothing @mv nothing; ");
}

/* ---- 52: what peers say about faults ---- */

static void
peer_error_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
               const char           *text,
               GVariant             *value G_GNUC_UNUSED,
               gpointer              data)
{
  Dialect *d = data;

  g_string_append_printf (d->log, "peer-error %s; ", text);
}

static void
listen_to_peer_errors (Dialect *d)
{
  g_signal_handlers_disconnect_by_func (d->connection, dialect_unknown_reply_cb, d);
  g_signal_connect (d->connection, "peer-error", G_CALLBACK (peer_error_cb), d);
}

static void
test_neovim_faults (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "nvim_eval", "('1',)",
                                                 "94 00 01 a9 'nvim_eval' 91 a1 '1'");

  g_test_summary ("Neovim says what was wrong to nobody, and closes: it is heard, and calls end");

  listen_to_peer_errors (d);
  send_hex (&d->raw, "94 01 00 92 01 d9 23 'Request array size should be 4 or 5' c0");
  raw_peer_close (&d->raw);
  dialect_assert_log (d, "peer-error Request array size should be 4 or 5; closed -; ");
  dialect_assert_error (call, "The peer closed the connection");
}

static void
test_neovim_goes_on (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("Neovim says again and again that it cannot parse something, and stays");

  listen_to_peer_errors (d);
  for (guint i = 0; i < 3; i++)
    {
      send_hex (&d->raw, "94 01 00 92 00 ae 'Invalid data !' c0");
      dialect_assert_log (d, "peer-error Invalid data !; ");
    }
  call = dialect_call (d, "nvim_eval", "('1',)", "94 00 01 a9 'nvim_eval' 91 a1 '1'");
  send_hex (&d->raw, "94 01 01 c0 01");
  dialect_assert_result (call, "int64 1");
}

static void
test_npm_faults (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "sum", "(1, 2)",
                                                 "94 00 01 a3 'sum' 92 01 02");

  g_test_summary ("npm packages do so with the id 0, or -1 for a notification that they do not know");

  listen_to_peer_errors (d);
  send_hex (&d->raw, "94 01 00 b4 'Invalid message type' c0 94 01 ff af 'Not Implemented' c0"
                     "94 01 01 c0 03");
  dialect_assert_log (d, "peer-error Invalid message type; peer-error Not Implemented; ");
  dialect_assert_result (call, "int64 3");
}

/* ---- 53: Go ---- */

static void
test_go_calls (Dialect       *d,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Go: parameters are nil where there are none, and errors are strings");

  add_method (d, "Arith.Nothing", "()");
  add_method (d, "Arith.Double", "(x)");
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "Arith.Fail", NULL, fail_handler, NULL, NULL);
  dialect_assert_answer (d, "94 00 00 ad 'Arith.Nothing' c0", "94 01 00 c0 90");
  dialect_assert_answer (d, "94 00 01 ac 'Arith.Double' 91 07", "94 01 01 c0 91 07");
  dialect_assert_answer (d, "94 00 02 aa 'Arith.Fail' 91 07", "94 01 02 ac 'no such file' c0");
}

static void
test_go_serves (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcCall) many = NULL;

  g_test_summary ("Go: the header of the parameters is as small as can be");

  call = dialect_call (d, "Arith.Double", "(7,)", "94 00 01 ac 'Arith.Double' 91 07");
  send_hex (&d->raw, "94 01 01 c0 0e");
  dialect_assert_result (call, "int64 14");
  many = dialect_call (d, "m", "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)",
                       "94 00 02 a1 'm' 9f 000102030405060708090a0b0c0d0e");
  send_hex (&d->raw, "94 01 02 c0 c0");
  dialect_assert_result (many, "@mv nothing");
}

static void
test_go_no_notifications (Dialect       *d,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("Go would close on a notification: a profile keeps them back");

  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_SERIAL);
  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "Arith.Note", NULL, &error));
  g_assert_nonnull (error);
  assert_nothing_came (d);
}

/* ---- 54: replies that nobody waits for ---- */

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  return g_set_object ((MsgpackRpcInvocation **) data, invocation);
}

static void
test_one_answer (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcInvocation) kept = NULL;

  g_test_summary ("A request has one answer, whoever gives how many");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, &kept, NULL);
  send_hex (&d->raw, "94 00 05 a4 'keep' 90");
  WAIT_UNTIL (kept != NULL);
  g_assert_true (msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (1)));
  g_assert_false (msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (2)));
  assert_comes (&d->raw, "94 01 05 c0 01", "", "");
  assert_nothing_came (d);

  /* The peer gives it up, and its answer comes all the same, once. */
  g_clear_object (&kept);
  send_hex (&d->raw, "93 02 ae 'rpc.extensions' 91 a6 'cancel' 94 00 06 a4 'keep' 90");
  assert_comes (&d->raw, "93 02 ae 'rpc.extensions' 94 a6 'cancel' a8 'deadline' a6 'errors'"
                         "a8 'progress'", "", "");
  WAIT_UNTIL (kept != NULL);
  send_hex (&d->raw, "93 02 aa 'rpc.cancel' 91 06");
  WAIT_UNTIL (msgpack_rpc_invocation_is_cancelled (kept));
  msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (1));
  assert_comes (&d->raw, "94 01 06 d9 24 'The caller has cancelled the request' c0", "", "");
  assert_nothing_came (d);
}

static void
test_no_answer (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const messages[] = {
    "93 02 a7 'unknown' 90",         /* nobody has such a method */
    "93 02 a4 'fail' 90",            /* fails */
    "93 02 a5 'twice' 90",           /* without its parameter */
    "94 01 07 c0 01",                /* replies to nothing */
    "94 01 00 a3 'bad' c0",
    "94 01 cf ffffffffffffffff a3 'bad' c0",
  };

  g_test_summary ("Notifications and replies have no answer, whatever is wrong with them");

  add_method (d, "twice", "(x)");
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "fail", NULL, fail_handler, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      send_hex (&d->raw, messages[i]);
      assert_nothing_came (d);
    }
}

static void
take_guest_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
               MsgpackRpcConnection *connection,
               gpointer              data)
{
  *(MsgpackRpcConnection **) data = connection;
}

static void
test_no_goodbye (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  static const MsgpackRpcProfile profiles[] = {
    MSGPACK_RPC_PROFILE_STRICT, MSGPACK_RPC_PROFILE_NEOVIM, MSGPACK_RPC_PROFILE_LEGACY,
    MSGPACK_RPC_PROFILE_SERIAL,
  };
  g_autoptr(MsgpackRpcInvocation) kept = NULL;

  g_test_summary ("Peers that close on a reply to nothing get their answers from a server that ends");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, &kept, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      RawPeer raw;
      g_autoptr(GIOStream) stream = raw_peer_init_transport (&raw, "unix");
      MsgpackRpcServer *server = msgpack_rpc_server_new ();
      MsgpackRpcConnection *guest = NULL;
      g_autoptr(MsgpackRpcConnection) accepted = NULL;
      g_autoptr(GError) error = NULL;

      msgpack_rpc_server_set_dispatcher (server, d->dispatcher);
      msgpack_rpc_server_set_profile (server, profiles[i]);
      g_signal_connect (server, "client-connected", G_CALLBACK (take_guest_cb), &guest);
      accepted = msgpack_rpc_server_accept_stream (server, stream, &error);
      g_assert_no_error (error);
      WAIT_UNTIL (guest != NULL);
      send_hex (&raw, "94 00 05 a4 'keep' 90");
      WAIT_UNTIL (kept != NULL);

      msgpack_rpc_server_drain_async (server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL, NULL,
                                      NULL);
      test_drain ();
      msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (1));
      assert_comes (&raw, "94 01 05 c0 01", "", "");
      g_assert_null (raw_peer_receive_or_end (&raw));

      raw_peer_clear (&raw);
      g_clear_object (&kept);
      g_clear_object (&accepted);
      g_clear_object (&stream);
      test_drain ();
      test_wait_finalized (server);
    }
}

/* ---- 55: Neovim ---- */

static void
test_api_info (Dialect       *d,
               gconstpointer  data G_GNUC_UNUSED)
{
  enum { N_FUNCTIONS = 300 };
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("nvim_get_api_info", NULL);
  g_autoptr(GString) bytes = g_string_new ("94 01 01 c0 92 07 82 a9 'functions'");
  g_autoptr(GVariant) functions = NULL;
  g_autoptr(GVariant) function = NULL;
  g_autoptr(GVariant) metadata = NULL;
  const char *name;
  gint64 channel;

  g_test_summary ("What an editor tells of itself is some 30 kB, which a declared type has in one");

  g_string_append_printf (bytes, "dc %04x", N_FUNCTIONS);
  for (guint i = 0; i < N_FUNCTIONS; i++)
    g_string_append_printf (bytes, "85 a4 'name' b4 " TEXT_20 " aa 'parameters' 91 92 a6 'Buffer'"
                            "a6 'buffer' a6 'method' c2 a5 'since' 01 ab 'return_type' a6 'Buffer'");
  g_string_append (bytes, "a5 'types' 81 a6 'Buffer' 82 a2 'id' 00 a6 'prefix' a9 'nvim_buf_'");

  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE ("(xa{sv})"));
  msgpack_rpc_peer_send_call (d->peer, call);
  assert_comes (&d->raw, "94 00 01 b1 'nvim_get_api_info' 90", "", "");
  g_assert_cmpuint (bytes->len, >, 30000);
  send_hex (&d->raw, bytes->str);
  WAIT_UNTIL (dialect_call_has_ended (call));
  g_assert_no_error (msgpack_rpc_call_get_error (call));

  g_variant_get (msgpack_rpc_call_get_result (call), "(x@a{sv})", &channel, &metadata);
  g_assert_cmpint (channel, ==, 7);
  functions = g_variant_lookup_value (metadata, "functions", G_VARIANT_TYPE ("av"));
  g_assert_cmpuint (g_variant_n_children (functions), ==, N_FUNCTIONS);
  g_variant_get_child (functions, N_FUNCTIONS - 1, "v", &function);
  g_assert_true (g_variant_lookup (function, "name", "&s", &name));
  g_assert_cmpstr (name, ==, "nvim_get_current_buf");
}

static void
count_redraw_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const char           *method,
                 GVariant             *params,
                 gpointer              data)
{
  gint64 *n = data;
  g_autoptr(GVariant) number = NULL;

  g_assert_cmpstr (method, ==, "redraw");
  g_variant_get_child (params, 0, "v", &number);
  g_assert_cmpint (g_variant_get_int64 (number), ==, *n);
  (*n)++;
}

static void
test_ui_session (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  enum { N_NOTIFICATIONS = 1700, SIZE = 600, PIECE = 4093 };
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autofree char *line = g_strnfill (SIZE, ' ');
  gint64 n = 0;

  g_test_summary ("A session of a user interface is 1 MB in 1,700 notifications, which come in order");

  g_signal_handlers_disconnect_by_func (d->connection, dialect_notification_cb, d);
  g_signal_connect (d->connection, "notification", G_CALLBACK (count_redraw_cb), &n);
  for (guint i = 0; i < N_NOTIFICATIONS; i++)
    {
      g_autofree char *text =
        g_strdup_printf ("93 02 a6 'redraw' 92 cd %04x 92 a9 'grid_line' 94 01 02 03 da %04x '%s'",
                         i, SIZE, line);
      g_autoptr(GByteArray) message = bytes_from_hex (text);

      g_byte_array_append (bytes, message->data, message->len);
    }
  g_assert_cmpuint (bytes->len, >, 1000000);

  /* In pieces that end anywhere. */
  for (gsize done = 0; done < bytes->len; done += PIECE)
    raw_peer_send (&d->raw, bytes->data + done, MIN (PIECE, bytes->len - done));
  WAIT_UNTIL (n == N_NOTIFICATIONS);
}

static void
test_silent_close (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_int64 (0));
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) request = NULL;

  g_test_summary ("Neovim closes without a word on what is too deep for it: the call ends at once");

  /* With the message, 30 levels: one more and the peer would refuse. */
  for (guint i = 0; i < 28; i++)
    {
      GVariant *outer = g_variant_ref_sink (g_variant_new ("(v)", value));

      g_variant_unref (value);
      value = outer;
    }
  call = msgpack_rpc_peer_start_call (d->peer, "nvim_set_var", value);
  request = raw_peer_receive (&d->raw);
  raw_peer_close (&d->raw);
  dialect_assert_error (call, "The peer closed the connection");
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_SENT);
  dialect_assert_log (d, "closed -; ");
}

/* ---- 56: JavaScript ---- */

static void
test_javascript_numbers (Dialect       *d,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) half = msgpack_rpc_call_new ("half", g_variant_new ("(d)", 2.0));
  g_autoptr(MsgpackRpcCall) largest = NULL;
  gint64 number;
  double large;

  g_test_summary ("JavaScript: 1.0 comes back as 1, and the largest integers as floats");

  msgpack_rpc_call_set_reply_type (half, G_VARIANT_TYPE_DOUBLE);
  msgpack_rpc_peer_send_call (d->peer, half);
  assert_comes (&d->raw, "94 00 01 a4 'half' 91 cb 4000000000000000", "", "");
  send_hex (&d->raw, "94 01 01 c0 01");
  dialect_assert_result (half, "1.0");

  largest = dialect_call (d, "echo", "(int64 9223372036854775807,)",
                          "94 00 02 a4 'echo' 91 cf 7fffffffffffffff");
  send_hex (&d->raw, "94 01 02 c0 cb 43e0000000000000");
  dialect_assert_result (largest, "9.2233720368547758e+18");
  /* It is 2^63 by now, which is no int64. */
  g_assert_false (msgpack_rpc_variant_get_int64 (msgpack_rpc_call_get_result (largest), &number));
  g_assert_true (msgpack_rpc_variant_get_double (msgpack_rpc_call_get_result (largest), &large));
  g_assert_cmpfloat (large, ==, 0x1p63);
}

static void
test_one_chunk (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  char byte;

  g_test_summary ("An npm server takes each chunk for one message: the next comes after its answer");

  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_SERIAL);
  first = msgpack_rpc_peer_start_call (d->peer, "a", NULL);
  second = msgpack_rpc_peer_start_call (d->peer, "b", NULL);
  assert_comes (&d->raw, "94 00 01 a1 'a' 90", "", "");
  test_drain ();
  g_assert_cmpint (recv (d->raw.fd, &byte, 1, MSG_DONTWAIT), <, 0);
  send_hex (&d->raw, "94 01 01 c0 01");
  dialect_assert_result (first, "int64 1");
  assert_comes (&d->raw, "94 00 02 a1 'b' 90", "", "");
  send_hex (&d->raw, "94 01 02 c0 02");
  dialect_assert_result (second, "int64 2");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) \
  g_test_add ("/dialects/" name, Dialect, NULL, dialect_setup, function, dialect_teardown)
  ADD ("50/calls", test_bin_calls);
  ADD ("50/errors", test_bin_errors);
  ADD ("50/errors-sent", test_errors_for_ruby);
  ADD ("51/first-ids", test_first_ids);
  ADD ("51/float-ids", test_float_ids);
  ADD ("52/neovim", test_neovim_faults);
  ADD ("52/neovim-stays", test_neovim_goes_on);
  ADD ("52/npm", test_npm_faults);
  ADD ("53/client", test_go_calls);
  ADD ("53/server", test_go_serves);
  ADD ("53/no-notifications", test_go_no_notifications);
  ADD ("54/one-answer", test_one_answer);
  ADD ("54/no-answer", test_no_answer);
  ADD ("54/no-goodbye", test_no_goodbye);
  ADD ("55/api-info", test_api_info);
  ADD ("55/session", test_ui_session);
  ADD ("55/too-deep", test_silent_close);
  ADD ("56/numbers", test_javascript_numbers);
  ADD ("56/chunks", test_one_chunk);

  return g_test_run ();
}
