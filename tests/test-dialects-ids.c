/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How peers number their requests, and answer those of others: the rules 10 to 16 of
 * docs/dialects.md. */

#include "test-dialects.h"

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
set_strict (Dialect *d)
{
  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_STRICT);
}

#define BREAKS "closed Message breaks the specification, which the profile “strict” does not allow: "

/* ---- 10, 11: the ids of this end ---- */

static void
test_sent (Dialect       *d,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");
  g_autoptr(MsgpackRpcCall) second = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");
  g_autoptr(MsgpackRpcCall) third = NULL;

  g_test_summary ("Ids count from 1, never 0, and one that is pending is not given again");

  send_hex (&d->raw, "94 01 02 c0 05");
  dialect_assert_result (second, "int64 5");
  third = dialect_call (d, "f", "()", "94 00 03 a1 'f' 90");
  msgpack_rpc_call_cancel (first);
  msgpack_rpc_call_cancel (third);
}

static void
test_range (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const replies[] = {
    "94 01 ce 80000001 c0 05", "94 01 cf 0000000100000001 c0 05", "94 01 d3 ffffffff00000001 c0 05",
  };
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");

  g_test_summary ("No reply with an id beyond 31 bits is taken for that of a call");

  for (gsize i = 0; i < G_N_ELEMENTS (replies); i++)
    send_hex (&d->raw, replies[i]);
  WAIT_UNTIL (dialect_get_statistic (d, "unknown-replies") == G_N_ELEMENTS (replies));
  g_assert_false (dialect_call_has_ended (call));
  g_string_truncate (d->log, 0);
  send_hex (&d->raw, "94 01 01 c0 05");
  dialect_assert_result (call, "int64 5");
}

/* ---- 12: the ids of peers ---- */

typedef struct
{
  const char *id;
  const char *echoed; /* NULL: the same */
} Id;

static const Id odd_ids[] = {
  { "ff", NULL }, { "d1 8000", NULL }, { "d3 8000000000000000", NULL },
  { "cf 0000000100000000", NULL }, { "cf ffffffffffffffff", NULL },
  { "cb 3ff0000000000000", NULL }, { "cb 3ff8000000000000", NULL },
  { "ca 3f800000", "cb 3ff0000000000000" },
  { "a3 'abc'", NULL }, { "c402 ff00", NULL }, { "a1 ff", NULL }, { "c0", NULL }, { "c3", NULL },
  { "92 01 a1 'x'", NULL }, { "81 a1 'x' 05", NULL }, { "d4 05 07", NULL },
};

static const Id usual_ids[] = {
  { "00", NULL }, { "7f", NULL }, { "cd ffff", NULL }, { "ce ffffffff", NULL },
  { "d2 00000005", "05" }, { "cf 0000000000000005", "05" },
};

static void
assert_echoed (Dialect  *d,
               const Id *id)
{
  g_autofree char *request = g_strdup_printf ("94 00 %s a4 'echo' 90", id->id);
  g_autofree char *answer = g_strdup_printf ("94 01 %s c0 90",
                                             id->echoed != NULL ? id->echoed : id->id);

  dialect_assert_answer (d, request, answer);
}

static void
test_echoed (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The id comes back as it came, of whatever type; what is no number of 32 bits counts");

  for (gsize i = 0; i < G_N_ELEMENTS (usual_ids); i++)
    assert_echoed (d, &usual_ids[i]);
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (odd_ids); i++)
    assert_echoed (d, &odd_ids[i]);
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, G_N_ELEMENTS (odd_ids));
}

static void
test_echoed_legacy (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  const Id ids[] = {
    { "d4 05 07", NULL }, { "92 a1 'x' d4 05 07", NULL }, { "a3 'abc'", NULL }, { "a1 ff", NULL },
  };

  g_test_summary ("An ext comes back from the legacy profile, too, in each order of the answers");

  msgpack_rpc_connection_set_profile (d->connection, MSGPACK_RPC_PROFILE_LEGACY);
  for (int order = MSGPACK_RPC_REPLY_ORDER_ANY; order <= MSGPACK_RPC_REPLY_ORDER_REVERSE; order++)
    {
      msgpack_rpc_connection_set_reply_order (d->connection, order);
      for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
        assert_echoed (d, &ids[i]);
    }
}

static void
test_echoed_strictly (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A strict connection ends on an id that is no number of 32 bits");

  set_strict (d);
  for (gsize i = 0; i < G_N_ELEMENTS (usual_ids); i++)
    assert_echoed (d, &usual_ids[i]);
  g_string_truncate (d->log, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (odd_ids); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 %s a4 'echo' 90", odd_ids[i].id);

      dialect_renew (d);
      set_strict (d);
      send_hex (&d->raw, request);
      dialect_assert_log (d, BREAKS "its id is no integer from 0 to 4294967295; ");
      g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 1);
    }
}

static void
test_float_reply (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");
  g_autoptr(MsgpackRpcCall) second = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");

  g_test_summary ("A reply finds its call by an id that has become a float, which counts");

  send_hex (&d->raw, "94 01 cb 3ff0000000000000 c0 05");
  dialect_assert_result (call, "int64 5");
  send_hex (&d->raw, "94 01 ca 40000000 c0 06");
  dialect_assert_result (second, "int64 6");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 2);
  send_hex (&d->raw, "94 01 cb 3ff8000000000000 c0 05");
  dialect_assert_log (d, "unknown 1.5 @mv nothing int64 5; ");
}

static void
test_float_reply_strictly (Dialect       *d,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A strict connection ends on it, after the call has");

  set_strict (d);
  call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");
  send_hex (&d->raw, "94 01 cb 3ff0000000000000 c0 05");
  dialect_assert_result (call, "int64 5");
  dialect_assert_log (d, BREAKS "a reply gives back the id as no integer; ");
}

/* ---- 13: errors that belong to no call ---- */

static void
test_peer_error (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const cases[][2] = {
    { "94 01 00 b4 'Invalid message type' c0",
      "peer error “Invalid message type” 'Invalid message type'; " },
    { "94 01 ff b0 'Invalid protocol' c0", "peer error “Invalid protocol” 'Invalid protocol'; " },
    { "94 01 cf ffffffffffffffff 92 00 a2 'no' c0",
      "peer error “no” [<int64 0>, <'no'>]; " },
    { "94 01 00 81 a7 'message' a2 'no' c0", "peer error “no” {'message': <'no'>}; " },
    { "94 01 00 07 c0", "peer error “7” int64 7; " },
    { "94 01 00 c3 a2 'no'", "peer error “no” true; " },
    { "94 01 00 c2 c0", "peer error “Unknown error” false; " },
  };

  g_test_summary ("An error reply to nothing is an error of the peer, with its text");

  g_signal_handlers_disconnect_by_func (d->connection, dialect_unknown_reply_cb, d);
  g_signal_connect (d->connection, "peer-error", G_CALLBACK (peer_error_cb), d);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      send_hex (&d->raw, cases[i][0]);
      dialect_assert_log (d, cases[i][1]);
    }

  /* One that is none is not. */
  send_hex (&d->raw, "94 01 00 c0 05");
  WAIT_UNTIL (dialect_get_statistic (d, "unknown-replies") == G_N_ELEMENTS (cases) + 1);
  test_drain ();
  g_assert_cmpstr (d->log->str, ==, "");
  g_assert_cmpuint (dialect_get_statistic (d, "peer-errors"), ==, G_N_ELEMENTS (cases));
}

static void
test_peer_error_twice (Dialect       *d,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Both signals tell of it, and nothing needs to listen");

  send_hex (&d->raw, "94 01 00 a2 'no' c0");
  dialect_assert_log (d, "unknown int64 0 'no' @mv nothing; ");
  g_signal_connect (d->connection, "peer-error", G_CALLBACK (peer_error_cb), d);
  send_hex (&d->raw, "94 01 00 a2 'no' c0");
  dialect_assert_log (d, "unknown int64 0 'no' @mv nothing; peer error “no” 'no'; ");
}

static void
client_peer_error_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                      const char       *text,
                      GVariant         *value,
                      GString          *log)
{
  g_string_append_printf (log, "%s %s; ", text, g_variant_get_type_string (value));
}

static void
test_peer_error_of_client (Dialect       *d,
                           gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client tells of it, too");

  g_signal_connect (client, "peer-error", G_CALLBACK (client_peer_error_cb), d->log);
  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  send_hex (&raw, "94 01 00 a2 'no' c0");
  dialect_assert_log (d, "no s; ");
  test_drain ();
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

static void
test_peer_error_strictly (Dialect       *d,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A strict connection ends on it, with the text");

  set_strict (d);
  send_hex (&d->raw, "94 01 00 a2 'no' c0");
  dialect_assert_log (d, BREAKS "a reply has the id of no request, and says: no; ");

  /* Nothing that a terminal or a log would take for more than text. */
  dialect_renew (d);
  set_strict (d);
  send_hex (&d->raw, "94 01 00 a6 'a' 0a 'b' 1b c2 9b c0");
  dialect_assert_log (d, BREAKS "a reply has the id of no request, and says: "
                         "a\\x0ab\\x1b\\x9b; ");
  g_assert_cmpuint (dialect_get_statistic (d, "peer-errors"), ==, 1);
}

/* ---- 14: the same id twice ---- */

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
test_duplicates (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("Two requests of one id are both answered, and counted");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  send_hex (&d->raw, "94 00 05 a4 'keep' 90 94 00 05 a4 'keep' 90 94 00 06 a4 'keep' 90"
                     "94 00 a1 'x' a4 'keep' 90 94 00 a1 'x' a4 'keep' 90 94 00 01 a4 'keep' 90");
  WAIT_UNTIL (kept->len == 6);
  g_assert_cmpuint (dialect_get_statistic (d, "duplicate-requests"), ==, 2);
  msgpack_rpc_invocation_return_value (kept->pdata[1], g_variant_new_int32 (2));
  assert_comes (&d->raw, "94 01 05 c0 02", "", "");
  msgpack_rpc_invocation_return_value (kept->pdata[0], g_variant_new_int32 (1));
  assert_comes (&d->raw, "94 01 05 c0 01", "", "");

  /* Once it is answered, the id is free. */
  send_hex (&d->raw, "94 00 05 a4 'echo' 90");
  assert_comes (&d->raw, "94 01 05 c0 90", "", "");
  g_assert_cmpuint (dialect_get_statistic (d, "duplicate-requests"), ==, 2);
  g_ptr_array_set_size (kept, 0);
  msgpack_rpc_dispatcher_remove_method (d->dispatcher, 2);
}

static void
test_duplicates_strictly (Dialect       *d,
                          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("A strict connection ends on the second one, which is not handled");

  set_strict (d);
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  send_hex (&d->raw, "94 00 05 a4 'keep' 90 94 00 05 a4 'keep' 90");
  dialect_assert_log (d, BREAKS "a request has the id of another one that is not answered yet; ");
  g_assert_cmpuint (kept->len, ==, 1);
  g_ptr_array_set_size (kept, 0);
}

static void
test_both_ways (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");

  g_test_summary ("One id is live in both directions");

  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 05", "94 01 01 c0 91 05");
  g_assert_false (dialect_call_has_ended (call));
  send_hex (&d->raw, "94 01 01 c0 06");
  dialect_assert_result (call, "int64 6");
  g_assert_cmpuint (dialect_get_statistic (d, "duplicate-requests"), ==, 0);
}

/* ---- 15, 16: replies to nothing, and late ones ---- */

static void
test_unknown (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A reply to nothing is told of and counted, and ends nothing");

  send_hex (&d->raw, "94 01 2a c0 05");
  dialect_assert_log (d, "unknown int64 42 @mv nothing int64 5; ");
  g_assert_cmpuint (dialect_get_statistic (d, "unknown-replies"), ==, 1);
  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
}

static void
test_unknown_strictly (Dialect       *d,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A strict connection ends on it");

  set_strict (d);
  send_hex (&d->raw, "94 01 2a c0 05");
  dialect_assert_log (d, BREAKS "a reply has the id of no request; ");
}

static void
test_one_answer (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("A request is answered once, also one that was given up");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, kept, NULL);
  send_hex (&d->raw, "93 02 ae 'rpc.extensions' 91 a6 'cancel' 94 00 05 a4 'keep' 90"
                     "93 02 aa 'rpc.cancel' 91 05");
  WAIT_UNTIL (kept->len == 1);
  WAIT_UNTIL (msgpack_rpc_invocation_is_cancelled (kept->pdata[0]));
  assert_comes (&d->raw, "93 02 ae 'rpc.extensions' 94 a6 'cancel' a8 'deadline' a6 'errors' "
                         "a8 'progress'", "", "");
  g_assert_false (msgpack_rpc_invocation_return_value (kept->pdata[0], NULL));
  assert_comes (&d->raw, "94 01 05 d924 'The caller has cancelled the request' c0", "", "");
  g_assert_false (msgpack_rpc_invocation_return_value (kept->pdata[0], NULL));
  dialect_assert_answer (d, "94 00 06 a4 'echo' 90", "94 01 06 c0 90");
  g_ptr_array_set_size (kept, 0);
}

static void
test_late (Dialect       *d,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcCall) next = NULL;

  g_test_summary ("A reply to a call that was given up is late, not unknown, in each profile");

  set_strict (d);
  call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");
  msgpack_rpc_call_cancel (call);
  /* Its id is not given again meanwhile. */
  next = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");
  send_hex (&d->raw, "94 01 01 c0 05 94 01 02 c0 06");
  dialect_assert_result (next, "int64 6");
  g_assert_cmpuint (dialect_get_statistic (d, "late-replies"), ==, 1);
  g_assert_cmpuint (dialect_get_statistic (d, "unknown-replies"), ==, 0);
  g_assert_cmpstr (d->log->str, ==, "");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/dialects/" path, Dialect, NULL, dialect_setup, func, \
                                    dialect_teardown)
  ADD ("10/sent", test_sent);
  ADD ("11/range", test_range);
  ADD ("12/echoed", test_echoed);
  ADD ("12/legacy", test_echoed_legacy);
  ADD ("12/strict", test_echoed_strictly);
  ADD ("12/float", test_float_reply);
  ADD ("12/float-strict", test_float_reply_strictly);
  ADD ("13/peer-error", test_peer_error);
  ADD ("13/both-signals", test_peer_error_twice);
  ADD ("13/client", test_peer_error_of_client);
  ADD ("13/strict", test_peer_error_strictly);
  ADD ("14/duplicates", test_duplicates);
  ADD ("14/strict", test_duplicates_strictly);
  ADD ("14/both-ways", test_both_ways);
  ADD ("15/unknown", test_unknown);
  ADD ("15/strict", test_unknown_strictly);
  ADD ("15/one-answer", test_one_answer);
  ADD ("16/late", test_late);

  return g_test_run ();
}
