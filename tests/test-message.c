/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-value.h"

#include "test-bytes.h"

/* The serialised form of the array that @wire is. */
static GBytes *
unpack_array (GBytes *wire)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_unpack (wire, &error);

  g_assert_no_error (error);
  g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE ("av")));
  return g_variant_get_data_as_bytes (value);
}

static GBytes *
unpack_hex (const char *hex)
{
  g_autoptr(GBytes) wire = gbytes_from_hex (hex);

  return unpack_array (wire);
}

/* The value that @text stands for, in the mapping. */
static GVariant *
value_new (const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) parsed = g_variant_parse (NULL, text, NULL, NULL, &error);
  g_autoptr(GBytes) bytes = NULL;
  GVariant *value;

  g_assert_no_error (error);
  bytes = msgpack_rpc_pack (parsed, &error);
  g_assert_no_error (error);
  value = msgpack_rpc_unpack (bytes, &error);
  g_assert_no_error (error);
  return value;
}

static void
assert_piece (const MsgpackRpcPiece *piece,
              const char            *expected)
{
  g_autoptr(GVariant) expected_value = value_new (expected);
  g_autoptr(GVariant) value = _msgpack_rpc_piece_copy (piece);

  g_assert_nonnull (value);
  g_assert_cmpvariant (value, expected_value);
}

static void
test_request (void)
{
  MsgpackRpcMessage message;
  g_autoptr(GBytes) bytes = unpack_hex ("94 00 05 a3 616464 92 01 02");
  g_autoptr(GError) error = NULL;

  g_test_summary ("A request is read");

  g_assert_true (_msgpack_rpc_message_parse (&message, bytes, &error));
  g_assert_no_error (error);
  g_assert_cmpint (message.type, ==, MSGPACK_RPC_MESSAGE_REQUEST);
  assert_piece (&message.msgid, "5");
  g_assert_cmpstr (message.method, ==, "add");
  assert_piece (&message.params, "[<1>, <2>]");
  g_assert_null (message.error.type);
  g_assert_null (message.result.type);

  _msgpack_rpc_message_clear (&message);
  g_assert_null (message.msgid.type);
  g_assert_null (message.method);
  _msgpack_rpc_message_clear (&message);
}

static void
test_response (void)
{
  MsgpackRpcMessage message;
  g_autoptr(GBytes) bytes = unpack_hex ("94 01 05 c0 93 01 02 03");
  g_autoptr(GError) error = NULL;

  g_test_summary ("A response is read");

  g_assert_true (_msgpack_rpc_message_parse (&message, bytes, &error));
  g_assert_cmpint (message.type, ==, MSGPACK_RPC_MESSAGE_RESPONSE);
  assert_piece (&message.msgid, "5");
  g_assert_true (_msgpack_rpc_piece_is_nil (&message.error));
  assert_piece (&message.result, "[<1>, <2>, <3>]");
  g_assert_null (message.method);
  g_assert_null (message.params.type);
  _msgpack_rpc_message_clear (&message);
}

static void
test_notification (void)
{
  MsgpackRpcMessage message;
  g_autoptr(GBytes) bytes = unpack_hex ("93 02 a3 6c6f67 90");
  g_autoptr(GError) error = NULL;

  g_test_summary ("A notification is read");

  g_assert_true (_msgpack_rpc_message_parse (&message, bytes, &error));
  g_assert_cmpint (message.type, ==, MSGPACK_RPC_MESSAGE_NOTIFICATION);
  g_assert_null (message.msgid.type);
  g_assert_cmpstr (message.method, ==, "log");
  assert_piece (&message.params, "@av []");
  _msgpack_rpc_message_clear (&message);
}

static void
test_accepted (void)
{
  const struct
  {
    const char *hex;
    MsgpackRpcMessageType type;
    const char *msgid;
    const char *method;
    const char *params;
  } cases[] = {
    { "94 cc00 05 a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "@av []" },
    { "94 d200000000 05 a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "@av []" },
    { "93 cf0000000000000002 a161 90", MSGPACK_RPC_MESSAGE_NOTIFICATION, NULL, "a", "@av []" },
    { "94 00 05 c403616464 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "add", "@av []" },
    { "94 00 05 da0003616464 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "add", "@av []" },
    { "94 00 05 a0 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "", "@av []" },
    { "94 00 05 c400 90", MSGPACK_RPC_MESSAGE_REQUEST, "5", "", "@av []" },
    { "94 00 05 a161 c0", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "@av []" },
    { "94 00 05 a161 81 a178 01", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "{'x': <1>}" },
    { "94 00 05 a161 81 01 c0", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "{@x 1: <@mv nothing>}" },
    { "94 00 05 a161 81 c3 01", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "[(<true>, <1>)]" },
    { "95 00 05 a161 90 80", MSGPACK_RPC_MESSAGE_REQUEST, "5", "a", "@av []" },
    { "94 02 a161 90 01", MSGPACK_RPC_MESSAGE_NOTIFICATION, NULL, "a", "@av []" },
    { "94 00 ff a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "-1", "a", "@av []" },
    { "94 00 a3616263 a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "'abc'", "a", "@av []" },
    { "94 00 cb3ff8000000000000 a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "1.5", "a", "@av []" },
    { "94 00 c0 a161 90", MSGPACK_RPC_MESSAGE_REQUEST, "@mv nothing", "a", "@av []" },
    { "94 00 cfffffffffffffffff a161 90", MSGPACK_RPC_MESSAGE_REQUEST,
      "@t 18446744073709551615", "a", "@av []" },
  };

  g_test_summary ("What other implementations write differently is understood");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      MsgpackRpcMessage message;
      g_autoptr(GBytes) bytes = unpack_hex (cases[i].hex);
      g_autoptr(GError) error = NULL;

      g_test_message ("%s", cases[i].hex);
      g_assert_true (_msgpack_rpc_message_parse (&message, bytes, &error));
      g_assert_no_error (error);
      g_assert_cmpint (message.type, ==, cases[i].type);
      if (cases[i].msgid != NULL)
        assert_piece (&message.msgid, cases[i].msgid);
      else
        g_assert_null (message.msgid.type);
      g_assert_cmpstr (message.method, ==, cases[i].method);
      assert_piece (&message.params, cases[i].params);
      _msgpack_rpc_message_clear (&message);
    }
}

static void
test_refused (void)
{
#define NO_TYPE "Message does not begin with its type, an integer"
  const struct
  {
    const char *hex;
    const char *msgid; /* of the answer that the peer should get, if any */
    const char *error;
  } cases[] = {
    { "90", NULL, "Message is an empty array" },
    { "94 a130 05 a161 90", NULL, NO_TYPE },
    { "94 cb0000000000000000 05 a161 90", NULL, NO_TYPE },
    { "94 c0 05 a161 90", NULL, NO_TYPE },
    { "94 03 05 a161 90", NULL, "Message is of the unknown type 3" },
    { "94 ff 05 a161 90", NULL, "Message is of the unknown type -1" },
    { "94 cfffffffffffffffff 05 a161 90", NULL, NO_TYPE },
    { "91 00", NULL, "Request has 1 elements instead of 4" },
    { "92 00 05", "5", "Request has 2 elements instead of 4" },
    { "93 00 05 a161", "5", "Request has 3 elements instead of 4" },
    { "94 00 05 07 90", "5", "Method name is no string" },
    { "94 00 05 c0 90", "5", "Method name is no string" },
    { "94 00 05 90 90", "5", "Method name is no string" },
    { "94 00 05 d40541 90", "5", "Method name is no string" },
    { "94 00 05 a2ff61 90", "5", "Method name is not valid UTF-8" },
    { "94 00 05 c402ff61 90", "5", "Method name is not valid UTF-8" },
    { "94 00 05 a26100 90", "5", "Method name is not valid UTF-8" },
    { "94 00 05 a161 07", "5", "Parameters are neither an array nor a map" },
    { "94 00 05 a161 a178", "5", "Parameters are neither an array nor a map" },
    { "94 00 05 a161 c40101", "5", "Parameters are neither an array nor a map" },
    { "94 00 05 a161 d40541", "5", "Parameters are neither an array nor a map" },
    { "94 00 a178 a161 07", "'x'", "Parameters are neither an array nor a map" },
    { "93 01 05 c0", NULL, "Response has 3 elements instead of 4" },
    { "94 01 c0 c0 05", NULL, "Response has no id" },
    { "92 02 a161", NULL, "Notification has 2 elements instead of 3" },
    { "93 02 05 90", NULL, "Method name is no string" },
    { "93 02 a161 05", NULL, "Parameters are neither an array nor a map" },
  };

  g_test_summary ("What is no message is refused, and its id is known if it is a request");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      MsgpackRpcMessage message;
      g_autoptr(GBytes) bytes = unpack_hex (cases[i].hex);
      g_autoptr(GError) error = NULL;

      g_test_message ("%s", cases[i].hex);
      g_assert_false (_msgpack_rpc_message_parse (&message, bytes, &error));
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
      g_assert_cmpstr (error->message, ==, cases[i].error);
      if (cases[i].msgid != NULL)
        assert_piece (&message.msgid, cases[i].msgid);
      else
        g_assert_null (message.msgid.type);
      g_assert_null (message.method);
      g_assert_null (message.params.type);
      _msgpack_rpc_message_clear (&message);
    }
}

static GBytes *
packed_to_bytes (MsgpackRpcPacked *packed)
{
  GBytes *bytes = _msgpack_rpc_packed_to_bytes (packed);

  _msgpack_rpc_packed_unref (packed);

  return bytes;
}

static void
assert_packed (GBytes     *bytes,
               const char *hex)
{
  g_autoptr(GBytes) expected = gbytes_from_hex (hex);

  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
test_pack_request (void)
{
  const struct
  {
    const char *params; /* NULL: none */
    const char *hex;
  } cases[] = {
    { NULL, "94 00 05 a161 90" },
    { "@av []", "94 00 05 a161 90" },
    { "()", "94 00 05 a161 90" },
    { "(1, 2)", "94 00 05 a161 92 01 02" },
    { "[<1>, <'x'>]", "94 00 05 a161 92 01 a178" },
    { "<[1, 2]>", "94 00 05 a161 92 01 02" },
    { "{'x': <1>}", "94 00 05 a161 81 a178 01" },
    { "[(<true>, <1>)]", "94 00 05 a161 81 c3 01" },
    { "1", "94 00 05 a161 91 01" },
    { "'x'", "94 00 05 a161 91 a178" },
    { "b'x'", "94 00 05 a161 91 c4027800" },
    { "@mv nothing", "94 00 05 a161 91 c0" },
    { "just (1, 2)", "94 00 05 a161 92 01 02" },
  };

  g_test_summary ("A request is written, with parameters that are always an array or a map");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) params = NULL;
      g_autoptr(GBytes) bytes = NULL;
      g_autoptr(GError) error = NULL;

      if (cases[i].params != NULL)
        params = g_variant_ref_sink (g_variant_new_parsed (cases[i].params));
      bytes = packed_to_bytes (_msgpack_rpc_message_pack_request (5, "a", params, 0, 0, &error));
      g_assert_no_error (error);
      assert_packed (bytes, cases[i].hex);
    }
}

static void
test_pack_others (void)
{
  const gint64 number = 7;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GVariant) result = value_new ("[<1>]");
  g_autoptr(GVariant) text = value_new ("'x'");
  g_autoptr(GBytes) notification = NULL;
  g_autoptr(GBytes) success = NULL;
  g_autoptr(GBytes) failure = NULL;
  g_autoptr(GBytes) nothing = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Notifications and responses are written");

  notification = packed_to_bytes (_msgpack_rpc_message_pack_notification ("a", NULL, 0, &error));
  assert_packed (notification, "93 02 a161 90");
  success = packed_to_bytes (_msgpack_rpc_message_pack_response (&msgid, NULL, result, 0, &error));
  assert_packed (success, "94 01 07 c0 91 01");
  failure = packed_to_bytes (_msgpack_rpc_message_pack_response (&msgid, text, NULL, 0, &error));
  assert_packed (failure, "94 01 07 a178 c0");
  nothing = packed_to_bytes (_msgpack_rpc_message_pack_response (&msgid, NULL, NULL, 0, &error));
  assert_packed (nothing, "94 01 07 c0 c0");
  g_assert_no_error (error);
}

static void
test_pack_answer (void)
{
  const gint64 number = 7;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GVariant) result = value_new ("[<1>]");
  g_autoptr(GVariant) text = value_new ("'x'");
  g_autoptr(GVariant) handle = g_variant_ref_sink (g_variant_new_handle (1));
  const MsgpackRpcProfile profiles[] = {
    MSGPACK_RPC_PROFILE_TOLERANT,
    MSGPACK_RPC_PROFILE_BOOLEAN_ERROR,
  };
  const char *const successes[] = { "94 01 07 c0 91 01", "94 01 07 c2 91 01" };
  const char *const failures[] = { "94 01 07 a178 c0", "94 01 07 c3 a178" };

  g_test_summary ("An answer is written in the dialect of the profile, also when it cannot be");

  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      g_auto(MsgpackRpcMessage) message = { .type = MSGPACK_RPC_MESSAGE_INVALID };
      g_autoptr(GBytes) success = NULL;
      g_autoptr(GBytes) failure = NULL;
      g_autoptr(GBytes) broken = NULL;
      g_autoptr(GBytes) bytes = NULL;
      g_autoptr(GVariant) text_back = NULL;
      g_autoptr(GVariant) result_back = NULL;
      g_autoptr(GError) error = NULL;

      success = packed_to_bytes (
          _msgpack_rpc_message_pack_answer (profiles[i], 0, 0, &msgid, NULL, result));
      assert_packed (success, successes[i]);
      failure = packed_to_bytes (
          _msgpack_rpc_message_pack_answer (profiles[i], 0, 0, &msgid, text, NULL));
      assert_packed (failure, failures[i]);

      broken = packed_to_bytes (
          _msgpack_rpc_message_pack_answer (profiles[i], 0, 0, &msgid, NULL, handle));
      bytes = unpack_array (broken);
      g_assert_true (_msgpack_rpc_message_parse (&message, bytes, &error));
      assert_piece (&message.msgid, "7");
      text_back = _msgpack_rpc_piece_copy (&message.error);
      result_back = _msgpack_rpc_piece_copy (&message.result);
      error = _msgpack_rpc_message_error_to_gerror ("a", text_back, result_back, FALSE);
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
      g_assert_true (g_str_has_prefix (error->message, "Value cannot be written as MessagePack"));
    }
}

static void
test_pack_fails (void)
{
  g_autoptr(GVariant) handle = g_variant_ref_sink (g_variant_new_handle (1));
  const gint64 number = 7;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What cannot be written is an error");

  g_assert_null (_msgpack_rpc_message_pack_request (1, "a", handle, 0, 0, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_clear_error (&error);

  g_assert_null (_msgpack_rpc_message_pack_notification ("a", handle, 0, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_clear_error (&error);

  g_assert_null (_msgpack_rpc_message_pack_notification ("\xff", NULL, 0, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_clear_error (&error);

  g_assert_null (_msgpack_rpc_message_pack_response (&msgid, NULL, handle, 0, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
}

static void
test_integers (void)
{
  const struct
  {
    const char *text;
    gboolean is_integer;
    gint64 value;
  } cases[] = {
    { "byte 255", TRUE, 255 },
    { "int16 -3", TRUE, -3 },
    { "uint16 65535", TRUE, 65535 },
    { "int32 -2147483648", TRUE, G_MININT32 },
    { "uint32 4294967295", TRUE, G_MAXUINT32 },
    { "int64 -9223372036854775808", TRUE, G_MININT64 },
    { "uint64 9223372036854775807", TRUE, G_MAXINT64 },
    { "uint64 9223372036854775808", FALSE, 0 },
    { "2147483648.0", TRUE, G_GINT64_CONSTANT (2147483648) },
    { "-0.0", TRUE, 0 },
    { "1.5", FALSE, 0 },
    { "1e300", FALSE, 0 },
    { "-1e300", FALSE, 0 },
    { "nan", FALSE, 0 },
    { "inf", FALSE, 0 },
    { "<<7>>", TRUE, 7 },
    { "handle 1", FALSE, 0 },
    { "true", FALSE, 0 },
    { "'1'", FALSE, 0 },
    { "@mv nothing", FALSE, 0 },
  };

  g_test_summary ("Integers of any width and integral floats are told from the rest");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) value = NULL;
      gint64 integer = 0;

      g_test_message ("%s", cases[i].text);
      value = g_variant_ref_sink (g_variant_new_parsed (cases[i].text));
      g_assert_true (_msgpack_rpc_value_get_int (value, &integer) == cases[i].is_integer);
      if (cases[i].is_integer)
        g_assert_cmpint (integer, ==, cases[i].value);
    }
}

static void
test_falsy (void)
{
  const char *const falsy[] = {
    "@mv nothing", "<@mv nothing>", "just <@mv nothing>", "false", "<false>", "0", "byte 0", "0.0",
    "-0.0", "uint64 0", "''", "@av []", "@a{sv} {}", "@a(vv) []", "()", "@ay []",
  };
  const char *const truthy[] = {
    "true", "1", "-1", "0.5", "nan", "uint64 18446744073709551615", "'0'", "[0]", "{'x': <0>}",
    "(0,)", "[(<0>, <0>)]", "[byte 0]",
  };

  g_test_summary ("What other implementations take for no error is known");

  g_assert_true (_msgpack_rpc_value_is_nil (NULL));
  g_assert_true (_msgpack_rpc_value_is_falsy (NULL));

  for (guint i = 0; i < G_N_ELEMENTS (falsy); i++)
    {
      g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_parsed (falsy[i]));

      g_test_message ("%s", falsy[i]);
      g_assert_true (_msgpack_rpc_value_is_falsy (value));
    }

  for (guint i = 0; i < G_N_ELEMENTS (truthy); i++)
    {
      g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_parsed (truthy[i]));

      g_test_message ("%s", truthy[i]);
      g_assert_false (_msgpack_rpc_value_is_falsy (value));
    }
}

static void
test_errors (void)
{
  const struct
  {
    const char *error;
    const char *result;
    MsgpackRpcError code;
    const char *message;
  } cases[] = {
    { "'boom'", NULL, MSGPACK_RPC_ERROR_REMOTE, "boom" },
    { "'boom'", "'details'", MSGPACK_RPC_ERROR_REMOTE, "boom" },
    { "[byte 98, 255, 0]", NULL, MSGPACK_RPC_ERROR_REMOTE, "b\357\277\275\357\277\275" },
    { "(handle 256, [byte 98, 255])", NULL, MSGPACK_RPC_ERROR_REMOTE, "b\357\277\275" },
    { "''", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed with the error ''" },
    { "'100% %s %n'", NULL, MSGPACK_RPC_ERROR_REMOTE, "100% %s %n" },

    /* Neovim */
    { "[<0>, <'Vim:E121'>]", NULL, MSGPACK_RPC_ERROR_REMOTE, "Vim:E121" },
    { "[<1>, <'Wrong type'>]", NULL, MSGPACK_RPC_ERROR_REMOTE, "Wrong type" },

    /* JSON-RPC's errors */
    { "[<-32601>, <'No such method'>]", NULL, MSGPACK_RPC_ERROR_METHOD_NOT_FOUND,
      "No such method" },
    { "{'code': <-32602>, 'message': <'Bad'>, 'data': <1>}", NULL, MSGPACK_RPC_ERROR_INVALID_PARAMS,
      "Bad" },
    { "{'code': <5>, 'message': <'Bad'>}", NULL, MSGPACK_RPC_ERROR_REMOTE, "Bad" },
    { "[(<[byte 109, 101, 115, 115, 97, 103, 101]>, <[byte 66]>)]", NULL, MSGPACK_RPC_ERROR_REMOTE,
      "B" },
    { "{'reason': <'Bad'>}", NULL, MSGPACK_RPC_ERROR_REMOTE,
      "Method “add” failed with the error {'reason': <'Bad'>}" },
    { "{@x 1: <'two'>}", NULL, MSGPACK_RPC_ERROR_REMOTE,
      "Method “add” failed with the error {1: <'two'>}" },
    { "@a{sv} {}", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed with the error {}" },

    /* C++ */
    { "1", NULL, MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "The peer has no method “add”" },
    { "2", NULL, MSGPACK_RPC_ERROR_INVALID_PARAMS,
      "The peer does not take these parameters for the method “add”" },
    { "3", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed with the error 3" },

    /* A flag, and what failed in the result slot */
    { "true", "'boom'", MSGPACK_RPC_ERROR_REMOTE, "boom" },
    { "true", "{'message': <'boom'>}", MSGPACK_RPC_ERROR_REMOTE, "boom" },
    { "true", "1", MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "The peer has no method “add”" },
    { "true", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed" },
    { "true", "true", MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed" },
    { "false", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed" },

    /* Ruby and .NET: a name, and what failed in the result slot */
    { "'.CallError.NoMethodError'", "[<\"method `add' not found\">]",
      MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "method `add' not found" },
    { "'.CallError.ArgumentError'", NULL, MSGPACK_RPC_ERROR_INVALID_PARAMS,
      ".CallError.ArgumentError" },
    { "'.ServerError.ServerBusyError'", "'wait'", MSGPACK_RPC_ERROR_BUSY, "wait" },
    { "'RPCError.ClientError.CallError.NoMethodError'", "{'Message': <'Not there'>}",
      MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "Not there" },
    { "'RPCError.ServerError'", "{'DebugInformation': <'x'>}", MSGPACK_RPC_ERROR_REMOTE,
      "RPCError.ServerError" },
    { "'MyNoMethodError'", "['x']", MSGPACK_RPC_ERROR_REMOTE, "MyNoMethodError" },

    { "0.5", NULL, MSGPACK_RPC_ERROR_REMOTE, "Method “add” failed with the error 0.5" },
  };

  g_test_summary ("Errors of other implementations are understood");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) error_value = value_new (cases[i].error);
      g_autoptr(GVariant) result = NULL;
      g_autoptr(GError) error = NULL;

      if (cases[i].result != NULL)
        result = value_new (cases[i].result);

      g_test_message ("%s", cases[i].error);
      error = _msgpack_rpc_message_error_to_gerror ("add", error_value, result, FALSE);
      g_assert_error (error, MSGPACK_RPC_ERROR, (int) cases[i].code);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_error_large (void)
{
  g_autofree char *name = g_strnfill (100000, 'x');
  g_autofree char *quoted = _msgpack_rpc_message_quote_method (name);
  g_autoptr(GVariant) bytes = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Long names and values are not repeated in errors");

  g_assert_cmpuint (g_utf8_strlen (quoted, -1), ==, 101);
  bytes = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE,
                                                         (double[1000]) { 1 }, 1000, 8));
  error = _msgpack_rpc_message_error_to_gerror (name, bytes, NULL, FALSE);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_cmpuint (strlen (error->message), <, 200);
}

static void
test_error_from_gerror (void)
{
  const struct
  {
    const char *message;
    const char *value;
  } cases[] = {
    { "boom", "'boom'" },
    { "", "'Unknown error'" },
    { "b\xff", "'b\357\277\275'" },
  };

  g_test_summary ("A GError becomes a string that is valid and never empty");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = g_error_new_literal (G_IO_ERROR, 0, cases[i].message);
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GVariant) expected = NULL;

      value = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
      expected = value_new (cases[i].value);
      g_assert_cmpvariant (value, expected);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/message/request", test_request);
  g_test_add_func ("/msgpack-rpc/message/response", test_response);
  g_test_add_func ("/msgpack-rpc/message/notification", test_notification);
  g_test_add_func ("/msgpack-rpc/message/accepted", test_accepted);
  g_test_add_func ("/msgpack-rpc/message/refused", test_refused);
  g_test_add_func ("/msgpack-rpc/message/pack-request", test_pack_request);
  g_test_add_func ("/msgpack-rpc/message/pack-others", test_pack_others);
  g_test_add_func ("/msgpack-rpc/message/pack-answer", test_pack_answer);
  g_test_add_func ("/msgpack-rpc/message/pack-fails", test_pack_fails);
  g_test_add_func ("/msgpack-rpc/message/integers", test_integers);
  g_test_add_func ("/msgpack-rpc/message/falsy", test_falsy);
  g_test_add_func ("/msgpack-rpc/message/errors", test_errors);
  g_test_add_func ("/msgpack-rpc/message/error-large", test_error_large);
  g_test_add_func ("/msgpack-rpc/message/error-from-gerror", test_error_from_gerror);

  return g_test_run ();
}
