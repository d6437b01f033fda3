/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How peers differ in what they answer when something has failed: the rules 1 to 9 of
 * docs/dialects.md. */

#include "test-dialects.h"

/* What a call ends with whose reply is [1, 1, …]. */
typedef struct
{
  const char *reply;   /* the error and the result */
  int code;
  const char *message;
  const char *value;   /* the error value */
  const char *data;    /* the error data; NULL: none */
} Failure;

static void
assert_prints (GVariant   *value,
               const char *expected)
{
  g_autofree char *text = value != NULL ? g_variant_print (value, TRUE) : NULL;

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_fails (Dialect       *d,
              const Failure *failure)
{
  g_autofree char *reply = g_strdup_printf ("94 01 01 %s", failure->reply);
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");

  send_hex (&d->raw, reply);
  dialect_assert_error (call, failure->message);
  g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR, failure->code);
  assert_prints (msgpack_rpc_call_get_error_value (call), failure->value);
  assert_prints (msgpack_rpc_call_get_error_data (call), failure->data);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
}

/* Each on a connection of its own: one may change what the next means. */
static void
assert_all_fail (Dialect       *d,
                 const Failure *failures,
                 gsize          n)
{
  for (gsize i = 0; i < n; i++)
    {
      assert_fails (d, &failures[i]);
      dialect_renew (d);
    }
}

static void
assert_succeeds (Dialect    *d,
                 const char *reply,
                 const char *expected)
{
  g_autoptr(MsgpackRpcCall) call = dialect_call (d, "f", "()", "94 00 01 a1 'f' 90");
  g_autofree char *bytes = g_strdup_printf ("94 01 01 %s", reply);

  send_hex (&d->raw, bytes);
  dialect_assert_result (call, expected);
}

static void
set_profile (Dialect           *d,
             MsgpackRpcProfile  profile)
{
  msgpack_rpc_connection_set_profile (d->connection, profile);
}

/* ---- 1: a boolean in the error slot ---- */

static void
test_boolean_received (Dialect       *d,
                       gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "c3 a5 'broke'", MSGPACK_RPC_ERROR_REMOTE, "broke", "'broke'", NULL },
    { "c3 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed", "@mv nothing", NULL },
    { "c2 05", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error 5", "false", "int64 5" },
  };
  g_autoptr(MsgpackRpcCall) second = NULL;

  g_test_summary ("true is a failure whose value is the result; false one by the letter, or a success "
                  "of a peer that has said true");

  assert_fails (d, &failures[0]);
  second = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");
  send_hex (&d->raw, "94 01 02 c2 05");
  dialect_assert_result (second, "int64 5");
  dialect_renew (d);

  assert_fails (d, &failures[1]);
  dialect_renew (d);
  assert_fails (d, &failures[2]);
  dialect_renew (d);

  set_profile (d, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  assert_succeeds (d, "c2 05", "int64 5");
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 0);
}

static void
test_boolean_sent (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The profile boolean-error answers so, too; others never do");

  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 05", "94 01 01 c0 91 05");
  set_profile (d, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 05", "94 01 01 c2 91 05");
  dialect_assert_answer (d, "94 00 02 a4 'none' 90",
                         "94 01 02 c3 bd 'There is no method “none”'");
}

static void
test_boolean_strict (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failure = {
    "c3 a5 'broke'", MSGPACK_RPC_ERROR_REMOTE, "broke", "'broke'", NULL
  };
  static const Failure by_the_letter = {
    "c3 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed", "@mv nothing", NULL
  };
  g_autoptr(MsgpackRpcCall) second = NULL;

  g_test_summary ("A strict connection ends with such a peer, after the call has; false is a failure");

  set_profile (d, MSGPACK_RPC_PROFILE_STRICT);
  assert_fails (d, &by_the_letter);
  second = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");
  send_hex (&d->raw, "94 01 02 c2 c0");
  dialect_assert_error (second, "Method “f” failed");
  assert_prints (msgpack_rpc_call_get_error_value (second), "false");

  dialect_renew (d);
  set_profile (d, MSGPACK_RPC_PROFILE_STRICT);
  assert_fails (d, &failure);
  dialect_assert_log (d, "closed Message breaks the specification, which the profile “strict” does not "
                         "allow: a reply has both an error and a result; ");
  g_assert_cmpuint (dialect_get_statistic (d, "invalid-messages"), ==, 1);
}

/* ---- 2: errors that are falsy ---- */

static gboolean
fail_with_param (MsgpackRpcInvocation  *invocation,
                 GVariant              *params,
                 gpointer               data G_GNUC_UNUSED,
                 GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;

  if (g_variant_n_children (params) > 0)
    g_variant_get_child (params, 0, "v", &value);
  return msgpack_rpc_invocation_return_error_value (invocation, value);
}

static void
add_fail (Dialect *d)
{
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "fail", NULL, fail_with_param, NULL, NULL);
}

static void
test_falsy (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const values[] = { "c0", "c2", "00", "a0", "c400", "90", "80" };

  g_test_summary ("What some peers would take for a success is never sent as an error");

  add_fail (d);
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 01 a4 'fail' 91 %s", values[i]);

      dialect_assert_answer (d, request, "94 01 01 b8 'Method “fail” failed' c0");
    }
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 01", "94 01 01 01 c0");
}

static void
test_falsy_received (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "00 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error 0", "int64 0", NULL },
    { "a0 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error ''", "''", NULL },
    { "90 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error []", "@av []", NULL },
  };

  g_test_summary ("What comes as an error is one, unless it is nil");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));
}

/* ---- 3, 4, 6, 7: the forms of an error ---- */

static void
test_text (Dialect       *d,
           gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "a5 'broke' c0", MSGPACK_RPC_ERROR_REMOTE, "broke", "'broke'", NULL },
    { "af 'rpclib: no such' c0", MSGPACK_RPC_ERROR_REMOTE, "rpclib: no such", "'rpclib: no such'",
      NULL },
    { "c405 'broke' c0", MSGPACK_RPC_ERROR_REMOTE, "broke", "[byte 0x62, 0x72, 0x6f, 0x6b, 0x65]",
      NULL },
  };

  g_test_summary ("A text is the message of the error");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));
}

static void
test_array_received (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "92 00 a5 'broke' c0", MSGPACK_RPC_ERROR_REMOTE, "broke", "[<int64 0>, <'broke'>]", NULL },
    { "92 01 a5 'wrong' c0", MSGPACK_RPC_ERROR_REMOTE, "wrong", "[<int64 1>, <'wrong'>]", NULL },
    { "92 d1 8057 a5 'wrong' c0", MSGPACK_RPC_ERROR_REMOTE, "wrong", "[<int64 -32681>, <'wrong'>]",
      NULL },
    { "92 d1 80a7 a4 'none' c0", MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "none",
      "[<int64 -32601>, <'none'>]", NULL },
  };

  g_test_summary ("Of a code and a text, the text is the message; the code stays in the value");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));
}

/* The declared signature takes a number. */
static void
test_array_sent (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The profile neovim sends the one form whose text Neovim shows");

  add_fail (d);
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "typed", "(x)", dialect_echo_handler, d, NULL);
  set_profile (d, MSGPACK_RPC_PROFILE_NEOVIM);
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 a5 'broke'", "94 01 01 92 00 a5 'broke' c0");
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 92 01 a5 'broke'",
                         "94 01 01 92 01 a5 'broke' c0");
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 81 a7 'message' a5 'broke'",
                         "94 01 01 92 00 a5 'broke' c0");
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 07", "94 01 01 92 00 a1 '7' c0");
  dialect_assert_answer (d, "94 00 01 a4 'fail' 91 c2", "94 01 01 92 00 b8 'Method “fail” failed' c0");
  dialect_assert_answer (d, "94 00 01 a4 'none' 90",
                         "94 01 01 92 01 bd 'There is no method “none”' c0");
  dialect_assert_answer (d, "94 00 01 a5 'typed' 90",
                         "94 01 01 92 01 d9 22 'typed() takes 1 argument (0 given)' c0");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 90", "94 01 01 c0 90");
}

static void
test_identifier (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "b8 '.CallError.NoMethodError' 92 a4 'none' 01", MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "none",
      "'.CallError.NoMethodError'", "[<'none'>, <int64 1>]" },
    { "d925 'RPCError.ClientError.CallError.NoMeth' 81 a7 'Message' a2 'no'",
      MSGPACK_RPC_ERROR_REMOTE, "no", "'RPCError.ClientError.CallError.NoMeth'",
      "{'Message': <'no'>}" },
    { "b8 '.CallError.ArgumentError' c0", MSGPACK_RPC_ERROR_INVALID_PARAMS,
      ".CallError.ArgumentError", "'.CallError.ArgumentError'", NULL },
    { "a5 'broke' 07", MSGPACK_RPC_ERROR_REMOTE, "broke", "'broke'", "int64 7" },
  };

  g_test_summary ("What stands in the result slot beside an error is not lost: it is the error data");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));

  assert_fails (d, &failures[0]);
  g_assert_cmpuint (dialect_get_statistic (d, "tolerated-messages"), ==, 1);
}

static void
test_number (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "01 c0", MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "The peer has no method “f”", "int64 1", NULL },
    { "02 c0", MSGPACK_RPC_ERROR_INVALID_PARAMS,
      "The peer does not take these parameters for the method “f”", "int64 2", NULL },
    { "03 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error 3", "int64 3", NULL },
    { "ff c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error -1", "int64 -1", NULL },
  };

  g_test_summary ("A bare 1 is that there is no method, a bare 2 that its parameters are wrong");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));
}

static void
test_map (Dialect       *d,
          gconstpointer  data G_GNUC_UNUSED)
{
  static const Failure failures[] = {
    { "82 a4 'code' 07 a7 'message' a5 'broke' c0", MSGPACK_RPC_ERROR_REMOTE, "broke",
      "{'code': <int64 7>, 'message': <'broke'>}", NULL },
    { "83 a4 'code' d1 80a6 a7 'message' a3 'bad' a4 'data' 91 05 c0",
      MSGPACK_RPC_ERROR_INVALID_PARAMS, "bad",
      "{'code': <int64 -32602>, 'message': <'bad'>, 'data': <[<int64 5>]>}", NULL },
    { "81 a3 'why' 05 c0", MSGPACK_RPC_ERROR_REMOTE, "Method “f” failed with the error "
      "{'why': <int64 5>}", "{'why': <int64 5>}", NULL },
  };

  g_test_summary ("Of a map as in JSON-RPC, the message is the text, and the value has the rest");

  assert_all_fail (d, failures, G_N_ELEMENTS (failures));
}

/* ---- 8, 9: nil ---- */

static void
test_nil_for_failure (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("f", NULL);

  g_test_summary ("Where a peer says nothing of a failure, the declared type of the result does");

  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE ("as"));
  msgpack_rpc_peer_send_call (d->peer, call);
  assert_comes (&d->raw, "94 00 01 a1 'f' 90", "", "");
  send_hex (&d->raw, "94 01 01 c0 c0");
  dialect_assert_error (call, "expected an array at result, got nil");
  g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR,
                  MSGPACK_RPC_ERROR_INVALID_RESULT);
}

static gboolean
return_nothing (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
test_nothing (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("Nil for both is a success whose result is nil, also for who waits; and is sent so");

  assert_succeeds (d, "c0 c0", "@mv nothing");
  call = dialect_call (d, "f", "()", "94 00 02 a1 'f' 90");
  send_hex (&d->raw, "94 01 02 c0 c0");
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  assert_prints (value, "@mv nothing");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "nothing", NULL, return_nothing, NULL, NULL);
  dialect_assert_answer (d, "94 00 01 a7 'nothing' 90", "94 01 01 c0 c0");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/dialects/" path, Dialect, NULL, dialect_setup, func, \
                                    dialect_teardown)
  ADD ("1/received", test_boolean_received);
  ADD ("1/sent", test_boolean_sent);
  ADD ("1/strict", test_boolean_strict);
  ADD ("2/sent", test_falsy);
  ADD ("2/received", test_falsy_received);
  ADD ("3/text", test_text);
  ADD ("4/received", test_array_received);
  ADD ("4/neovim", test_array_sent);
  ADD ("5/identifier", test_identifier);
  ADD ("6/number", test_number);
  ADD ("7/map", test_map);
  ADD ("8/declared", test_nil_for_failure);
  ADD ("9/nothing", test_nothing);

  return g_test_run ();
}
