/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-serial-private.h"
#include "msgpack-rpc-value.h"

#include "test-bytes.h"

typedef struct
{
  const char *value; /* what was decoded */
  const char *type;
  const char *expected; /* the value of that type, or the error */
} Case;

static const Case fits[] = {
  { "true", "b", "true" },

  { "int64 255", "y", "byte 255" },
  { "int64 0", "y", "byte 0" },
  { "int64 -32768", "n", "int16 -32768" },
  { "int64 65535", "q", "uint16 65535" },
  { "int64 -2147483648", "i", "-2147483648" },
  { "int64 4294967295", "u", "uint32 4294967295" },
  { "int64 -9223372036854775808", "x", "int64 -9223372036854775808" },
  { "int64 5", "x", "int64 5" },
  { "int64 5", "t", "uint64 5" },
  { "uint64 18446744073709551615", "t", "uint64 18446744073709551615" },
  { "3.0", "i", "3" },
  { "-0.0", "u", "uint32 0" },
  { "-9223372036854775808.0", "x", "int64 -9223372036854775808" },
  { "9223372036854775808.0", "t", "uint64 9223372036854775808" },
  { "18446744073709549568.0", "t", "uint64 18446744073709549568" },
  { "byte 5", "x", "int64 5" },
  { "int16 -5", "i", "-5" },
  { "uint16 5", "i", "5" },
  { "5", "y", "byte 5" },
  { "uint32 5", "d", "5.0" },

  { "1.5", "d", "1.5" },
  { "int64 -3", "d", "-3.0" },
  { "uint64 9223372036854775808", "d", "9223372036854775808.0" },

  { "'a€'", "s", "'a€'" },
  { "[byte 0x61]", "s", "'a'" },
  { "@ay []", "s", "''" },
  { "(handle 256, [byte 0x61])", "s", "'a'" },
  { "'/a/b'", "o", "objectpath '/a/b'" },
  { "'a{sv}'", "g", "signature 'a{sv}'" },

  { "[byte 1, 2]", "ay", "[byte 1, 2]" },
  { "'ab'", "ay", "[byte 0x61, 0x62]" },
  { "''", "ay", "@ay []" },
  { "(handle 256, [byte 0xff])", "ay", "[byte 0xff]" },
  { "[<int64 1>, <2.0>]", "ay", "[byte 1, 2]" },

  { "[<int64 1>, <'a'>]", "av", "[<int64 1>, <'a'>]" },
  { "@av []", "as", "@as []" },
  { "[<'a'>, <''>, <[byte 0x62]>]", "as", "['a', '', 'b']" },
  { "[<int64 1>, <2.0>]", "ax", "[int64 1, 2]" },
  { "[<int64 1>, <2.5>]", "ad", "[1.0, 2.5]" },
  { "[<true>, <false>]", "ab", "[true, false]" },
  { "[<[<int64 1>]>, <@av []>]", "aax", "[[int64 1], []]" },
  { "[<[<'a'>, <int64 1>]>]", "a(si)", "[('a', 1)]" },
  { "[<'a'>, <@mv nothing>]", "ams", "[@ms 'a', nothing]" },
  { "(1, 'a')", "av", "[<1>, <'a'>]" },
  { "['a', 'b']", "av", "[<'a'>, <'b'>]" },
  { "[1, 2]", "ax", "[int64 1, 2]" },

  { "{'a': <int64 1>}", "a{sv}", "{'a': <int64 1>}" },
  { "{'a': <int64 1>, 'b': <2.0>}", "a{si}", "{'a': 1, 'b': 2}" },
  { "{int64 1: <'a'>}", "a{ys}", "{byte 1: 'a'}" },
  { "{int64 1: <'a'>}", "a{xv}", "{int64 1: <'a'>}" },
  { "[(<[byte 0x61]>, <int64 1>)]", "a{sv}", "{'a': <int64 1>}" },
  { "[(<true>, <int64 1>), (<true>, <int64 2>)]", "a{bi}", "{true: 1, true: 2}" },
  { "[(<'a'>, <int64 1>)]", "a(vv)", "[(<'a'>, <int64 1>)]" },
  { "{'a': <int64 1>}", "a(vv)", "[(<'a'>, <int64 1>)]" },
  { "@av []", "a{sv}", "@a{sv} {}" },
  { "@av []", "a(vv)", "@a(vv) []" },
  { "@a{sv} {}", "a{xs}", "@a{xs} {}" },
  { "{'a': <{'b': <int64 1>}>}", "a{sa{sx}}", "{'a': {'b': int64 1}}" },
  { "{'a': <int64 1>}", "{si}", "{'a', 1}" },

  { "[<int64 1>, <'a'>]", "(is)", "(1, 'a')" },
  { "@av []", "()", "()" },
  { "@mv nothing", "()", "()" },
  { "[<[<int64 1>]>]", "((y))", "((byte 1,),)" },
  { "[<'s'>, <{'a': <int64 1>}>]", "(sa{sv})", "('s', {'a': <int64 1>})" },

  { "@mv nothing", "ms", "@ms nothing" },
  { "'a'", "ms", "@ms 'a'" },
  { "@mv nothing", "mv", "@mv nothing" },
  { "'a'", "mv", "@mv <'a'>" },
  { "@mv <<'a'>>", "ms", "@ms 'a'" },
  { "@mv nothing", "mms", "@mms nothing" },

  { "int64 1", "v", "<int64 1>" },
  { "<<int64 1>>", "v", "<int64 1>" },
  { "@mv nothing", "v", "<@mv nothing>" },
  { "<<int64 1>>", "y", "byte 1" },

  { "(handle 5, [byte 1])", "(hay)", "(handle 5, [byte 1])" },
  { "(handle 256, [byte 0xff])", "(hay)", "(handle 256, [byte 0xff])" },
  { "'a'", "(hay)", "(handle 256, [byte 0x61])" },
  { "[byte 1]", "(hay)", "(handle 256, [byte 1])" },

  { "[<int64 1>]", "*", "[<int64 1>]" },
  { "[<int64 1>]", "a*", "[<int64 1>]" },
};

static void
test_fits (gconstpointer data)
{
  const Case *c = data;
  g_autoptr(GVariant) value = variant_from_text (c->value);
  g_autoptr(GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (value));
  g_autoptr(GVariant) expected = variant_from_text (c->expected);
  g_autoptr(GVariant) copy = NULL;
  g_autoptr(GError) error = NULL;
  GVariant *forms[2] = { value, boxed };

  g_test_summary ("A value that fits the declared type becomes one of it");

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr(GVariant) result = NULL;

      result = _msgpack_rpc_coerce (forms[i], G_VARIANT_TYPE (c->type), "result", &error);
      g_assert_no_error (error);
      g_assert_false (g_variant_is_floating (result));

      g_assert_cmpstr (g_variant_get_type_string (result), ==,
                       g_variant_get_type_string (expected));
      g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result),
                       g_variant_get_data (expected), g_variant_get_size (expected));

      copy = g_variant_new_from_data (g_variant_get_type (result), g_variant_get_data (result),
                                      g_variant_get_size (result), FALSE, NULL, NULL);
      g_assert_true (g_variant_is_normal_form (copy));
      g_clear_pointer (&copy, g_variant_unref);
    }
}

static const Case misfits[] = {
  { "int64 1", "b", "expected a boolean at result, got a number" },
  { "'a'", "y", "expected a number at result, got a string" },
  { "true", "i", "expected a number at result, got a boolean" },
  { "@mv nothing", "i", "expected a number at result, got nil" },
  { "[byte 1]", "i", "expected a number at result, got binary data" },
  { "@av []", "d", "expected a number at result, got an array" },
  { "@a{sv} {}", "d", "expected a number at result, got a map" },
  { "(handle 5, [byte 1])", "d", "expected a number at result, got an extension value" },
  { "(handle 256, [byte 255])", "d", "expected a number at result, got a string" },

  { "int64 256", "y", "expected an integer from 0 to 255 at result, got 256" },
  { "int64 -1", "y", "expected an integer from 0 to 255 at result, got -1" },
  { "int64 32768", "n", "expected an integer from -32768 to 32767 at result, got 32768" },
  { "int64 -32769", "n", "expected an integer from -32768 to 32767 at result, got -32769" },
  { "int64 65536", "q", "expected an integer from 0 to 65535 at result, got 65536" },
  { "int64 2147483648", "i",
    "expected an integer from -2147483648 to 2147483647 at result, got 2147483648" },
  { "int64 -1", "u", "expected an integer from 0 to 4294967295 at result, got -1" },
  { "uint64 9223372036854775808", "x",
    "expected an integer from -9223372036854775808 to 9223372036854775807 at result, "
    "got 9223372036854775808" },
  { "9223372036854775808.0", "x",
    "expected an integer from -9223372036854775808 to 9223372036854775807 at result, "
    "got 9223372036854775808" },
  { "int64 -1", "t", "expected an integer from 0 to 18446744073709551615 at result, got -1" },
  { "-1.0", "t", "expected an integer from 0 to 18446744073709551615 at result, got -1" },
  { "1.5", "x", "expected an integer at result, got 1.5" },
  { "1e300", "t", "expected an integer at result, got 1.0000000000000001e+300" },

  { "int64 1", "s", "expected a string at result, got a number" },
  { "[byte 0xff]", "s", "expected a string at result, got bytes that are not valid UTF-8" },
  { "[byte 0x61, 0]", "s", "expected a string at result, got bytes that are not valid UTF-8" },
  { "(handle 256, [byte 0xff])", "s",
    "expected a string at result, got bytes that are not valid UTF-8" },
  { "(handle 5, [byte 0x61])", "s", "expected a string at result, got an extension value" },
  { "'a'", "o", "expected an object path at result, got another string" },
  { "'!'", "g", "expected a signature at result, got another string" },
  { "int64 1", "g", "expected a signature at result, got a number" },

  { "int64 1", "ay", "expected binary data at result, got a number" },
  { "[<int64 1>, <int64 256>]", "ay",
    "expected an integer from 0 to 255 at result[1], got 256" },
  { "'a'", "as", "expected an array at result, got a string" },
  { "[byte 1]", "ai", "expected an array at result, got binary data" },
  { "@a{sv} {}", "as", "expected an array at result, got a map" },
  { "[<'a'>, <int64 1>]", "as", "expected a string at result[1], got a number" },
  { "[<int64 1>]", "a{sv}", "expected a map at result, got an array" },
  { "'a'", "a{sv}", "expected a map at result, got a string" },
  { "'a'", "a(vv)", "expected a map at result, got a string" },
  { "{'a': <int64 1>, 'b': <'x'>}", "a{si}", "expected a number at result[\"b\"], got a string" },
  { "{int64 7: <int64 1>}", "a{xs}", "expected a string at result[7], got a number" },
  { "[(<true>, <int64 1>)]", "a{bs}", "expected a string at result[…], got a number" },
  { "{int64 1: <int64 1>}", "a{sv}", "expected a string as a key of result, got a number" },
  { "[<{int64 1: <int64 1>}>]", "aa{sv}", "expected a string as a key of result[0], got a number" },
  { "{'a': <int64 1>, 'b': <int64 2>}", "{si}",
    "expected a map with one entry at result, got a map" },
  { "{'a\\n\"\\\\': <'x'>}", "a{si}",
    "expected a number at result[\"a\\x0a\\\"\\\\\"], got a string" },

  { "'a'", "(s)", "expected an array at result, got a string" },
  { "@mv nothing", "(s)", "expected an array at result, got nil" },
  { "@av []", "(s)", "expected an array of length 1 at result, got one of length 0" },
  { "[<int64 1>]", "()", "expected an array of length 0 at result, got one of length 1" },
  { "[<'a'>, <[<int64 1>, <int64 2>]>]", "(s(i))",
    "expected an array of length 1 at result[1], got one of length 2" },
  { "[<'a'>, <[<'b'>]>]", "(s(i))", "expected a number at result[1][0], got a string" },

  { "'a'", "mi", "expected a number at result, got a string" },
  { "int64 1", "(hay)", "expected an extension value or a string at result, got a number" },
  { "int64 1", "h", "expected a value of another kind at result, got a number" },
  { "int64 1", "a*", "expected a value of another kind at result, got a number" },
};

/* Values that differ in memory may be the same as MessagePack: then so is what they fit. */
static void
test_unpack_fits (gconstpointer data)
{
  const Case *c = data;
  const GVariantType *type = G_VARIANT_TYPE (c->type);
  g_autoptr(GVariant) value = variant_from_text (c->value);
  g_autoptr(GVariant) expected = NULL;
  g_autoptr(GVariant) unpacked = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A message that fits the declared type is read into it at once");

  bytes = msgpack_rpc_pack (value, &error);
  g_assert_no_error (error);
  unpacked = msgpack_rpc_unpack (bytes, &error);
  g_assert_no_error (error);

  expected = _msgpack_rpc_coerce_by_parts (unpacked, type, "value", &error);
  g_assert_no_error (error);
  result = msgpack_rpc_unpack_as (bytes, type, &error);
  g_assert_no_error (error);
  g_assert_false (g_variant_is_floating (result));
  g_assert_true (g_variant_is_of_type (result, type));
  g_assert_cmpvariant (result, expected);
}

static void
test_unpack_misfits (gconstpointer data)
{
  const Case *c = data;
  const GVariantType *type = G_VARIANT_TYPE (c->type);
  g_autoptr(GVariant) value = variant_from_text (c->value);
  g_autoptr(GVariant) unpacked = NULL;
  g_autoptr(GVariant) by_parts = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) expected = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A message that does not fit the declared type is an error that says where");

  bytes = msgpack_rpc_pack (value, NULL);
  if (bytes == NULL || !g_variant_type_is_definite (type))
    return;

  unpacked = msgpack_rpc_unpack (bytes, &error);
  g_assert_no_error (error);
  by_parts = _msgpack_rpc_coerce_by_parts (unpacked, type, "value", &expected);
  result = msgpack_rpc_unpack_as (bytes, type, &error);
  if (by_parts != NULL)
    {
      g_assert_no_error (error);
      g_assert_cmpvariant (result, by_parts);
      return;
    }

  g_assert_null (result);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_cmpstr (error->message, ==, expected->message);
}

static void
test_unpack_as (void)
{
  g_autoptr(GBytes) bytes = gbytes_from_hex ("92 a1 61 92 01 c0");
  g_autoptr(GBytes) trailing = gbytes_from_hex ("01 02");
  g_autoptr(GVariant) expected = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is expected is named with the place, and what is no message is its own error");

  result = msgpack_rpc_unpack_as (bytes, G_VARIANT_TYPE ("(sax)"), &error);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_cmpstr (error->message, ==, "expected a number at value[1][1], got nil");
  g_assert_null (result);
  g_clear_error (&error);

  result = msgpack_rpc_unpack_as (trailing, G_VARIANT_TYPE ("x"), &error);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_null (result);
  g_clear_error (&error);

  result = msgpack_rpc_unpack_as (bytes, G_VARIANT_TYPE ("(samx)"), &error);
  g_assert_no_error (error);
  expected = g_variant_ref_sink (g_variant_new_parsed ("('a', [@mx 1, nothing])"));
  g_assert_cmpvariant (result, expected);
}

static void
test_misfits (gconstpointer data)
{
  const Case *c = data;
  g_autoptr(GVariant) value = variant_from_text (c->value);
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A value that does not fit is an error that says what was expected where");

  result = _msgpack_rpc_coerce (value, G_VARIANT_TYPE (c->type), "result", &error);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_cmpstr (error->message, ==, c->expected);
  g_assert_null (result);
}

static const Case params_fit[] = {
  { "[<int64 1>, <int64 2>]", "(xx)", "(int64 1, int64 2)" },
  { "[<int64 1>, <[<int64 1>]>]", "(xax)", "(int64 1, [int64 1])" },
  { "@av []", "()", "()" },
  { "@mv nothing", "()", "()" },
  { "[<(handle 5, [byte 1])>]", "((hay))", "((handle 5, [byte 1]),)" },
  { "[<@mv nothing>]", "(mx)", "(@mx nothing,)" },
  { "{'a': <int64 1>}", "a{sv}", "{'a': <int64 1>}" },
  { "{'a': <int64 1>}", "a{si}", "{'a': 1}" },
  { "@mv nothing", "a{sv}", "@a{sv} {}" },
  { "@av []", "a{sv}", "@a{sv} {}" },
  { "[<int64 1>, <'a'>]", "av", "[<int64 1>, <'a'>]" },
  { "@mv nothing", "av", "@av []" },
  { "[<'a'>, <'b'>]", "as", "['a', 'b']" },
  { "(1, 2)", "(xx)", "(int64 1, int64 2)" },
  { "[<int64 1>]", "r", NULL },
  { "[<int64 1>]", "(xmx)", "(int64 1, @mx nothing)" },
  { "[<int64 1>, <int64 2>]", "(xmx)", "(int64 1, @mx int64 2)" },
  { "[<int64 1>, <@mv nothing>]", "(xmx)", "(int64 1, @mx nothing)" },
  { "@mv nothing", "(msmas)", "(@ms nothing, @mas nothing)" },
  { "['a']", "(msmas)", "(@ms 'a', @mas nothing)" },
  { "[<@mv nothing>, <int64 1>]", "(mxxmv)", "(@mx nothing, int64 1, @mv nothing)" },
};

static void
test_params (void)
{
  g_test_summary ("Parameters that fit become a tuple, or what was declared for them as a whole");

  for (gsize i = 0; i < G_N_ELEMENTS (params_fit); i++)
    {
      const Case *c = &params_fit[i];
      g_autoptr(GVariant) value = variant_from_text (c->value);
      g_autoptr(GVariant) result = NULL;
      g_autoptr(GVariant) expected = NULL;
      g_autoptr(GError) error = NULL;

      result = _msgpack_rpc_coerce_params ("f", value, G_VARIANT_TYPE (c->type), &error);
      if (c->expected == NULL)
        {
          g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
          continue;
        }

      g_assert_no_error (error);
      expected = variant_from_text (c->expected);
      g_assert_cmpstr (g_variant_get_type_string (result), ==, c->type);
      g_assert_true (g_variant_equal (result, expected));
    }
}

static void
test_params_none (void)
{
  g_autoptr(GVariant) none = NULL;
  g_autoptr(GVariant) map = NULL;
  g_autoptr(GVariant) missing = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("No parameters at all are the empty array");

  none = _msgpack_rpc_coerce_params ("f", NULL, G_VARIANT_TYPE ("()"), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);

  map = _msgpack_rpc_coerce_params ("f", NULL, G_VARIANT_TYPE ("a{sv}"), &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT));

  missing = _msgpack_rpc_coerce_params ("f", NULL, G_VARIANT_TYPE ("(s)"), &error);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_null (missing);
}

static void
test_params_misfits (void)
{
  static const Case cases[] = {
    { "[<int64 1>]", "(xx)", "add() takes 2 arguments (1 given)" },
    { "[<int64 1>, <int64 2>, <int64 3>]", "(xx)", "add() takes 2 arguments (3 given)" },
    { "@av []", "(x)", "add() takes 1 argument (0 given)" },
    { "[<int64 1>]", "()", "add() takes 0 arguments (1 given)" },
    { "@mv nothing", "(x)", "add() takes 1 argument (0 given)" },
    { "[<int64 1>, <[<'a'>]>]", "(x(x))", "expected a number at params[1][0], got a string" },
    { "[<int64 1>, <{'k': <'a'>}>]", "(xa{sx})",
      "expected a number at params[1][\"k\"], got a string" },
    { "{'a': <int64 1>}", "(x)", "expected an array at params, got a map" },
    { "int64 1", "(x)", "expected an array at params, got a number" },
    { "(handle 5, [byte 1])", "(hay)", "expected an array at params, got an extension value" },
    { "int64 1", "a{sv}", "expected a map at params, got a number" },
    { "[<int64 1>]", "as", "expected a string at params[0], got a number" },
    { "@av []", "(xmx)", "add() takes 1 to 2 arguments (0 given)" },
    { "[<int64 1>, <int64 2>, <int64 3>]", "(xmx)", "add() takes 1 to 2 arguments (3 given)" },
    { "[<int64 1>, <int64 2>]", "(mx)", "add() takes 0 to 1 argument (2 given)" },
    { "[<int64 1>]", "(mxxmx)", "add() takes 2 to 3 arguments (1 given)" },
    { "[<int64 1>, <'a'>]", "(xmx)", "expected a number at params[1], got a string" },
    { "[<int64 1>, <[<int64 1>]>]", "(x(xmx))",
      "expected an array of length 2 at params[1], got one of length 1" },
  };

  g_test_summary ("Parameters that do not fit are an error as their caller wants to read it");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_autoptr(GVariant) value = variant_from_text (c->value);
      g_autoptr(GVariant) result = NULL;
      g_autoptr(GError) error = NULL;

      result = _msgpack_rpc_coerce_params ("add", value, G_VARIANT_TYPE (c->type), &error);
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
      g_assert_cmpstr (error->message, ==, c->expected);
      g_assert_null (result);
    }
}

static void
assert_fit_to_send (const GError *error)
{
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 1024);
}

static void
test_long_names (void)
{
  static const char *const units[] = { "a", "€", "\xff", "\xe2\x82", "\n", "%s", "\"", "😀" };
  g_autoptr(GVariant) none = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_VARIANT,
                                                                      NULL, 0));

  g_test_summary ("However long and broken a name is, the error is short and UTF-8");

  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    {
      for (guint shift = 0; shift < 4; shift++)
        {
          g_autoptr(GString) name = g_string_new_len ("abcd", shift);
          g_autoptr(GVariant) result = NULL;
          g_autoptr(GError) error = NULL;

          while (name->len < 1 << 20)
            g_string_append (name, units[i]);

          result = _msgpack_rpc_coerce_params (name->str, none, G_VARIANT_TYPE ("(x)"), &error);
          g_assert_null (result);
          assert_fit_to_send (error);
          g_assert_true (g_str_has_suffix (error->message, "…() takes 1 argument (0 given)"));
          g_assert_null (strchr (error->message, '\n'));
          if (strcmp (units[i], "€") == 0 || strcmp (units[i], "😀") == 0)
            g_assert_null (strstr (error->message, "\357\277\275"));
        }
    }
}

static void
test_long_paths (void)
{
  g_autofree char *key = g_strnfill (1 << 20, '\1');
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_string ("x"));
  g_autoptr(GString) type = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  g_test_summary ("However deep a value is and long its keys are, the error is short");

  for (guint i = 0; i < 20; i++)
    {
      GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

      g_variant_dict_insert_value (&dict, key, value);
      g_variant_unref (value);
      value = g_variant_ref_sink (g_variant_dict_end (&dict));
      key[100] = '\0';
      g_string_append (type, "a{s");
    }

  g_string_append_c (type, 'x');
  for (guint i = 0; i < 20; i++)
    g_string_append_c (type, '}');

  g_assert_null (_msgpack_rpc_coerce (value, G_VARIANT_TYPE (type->str), "params", &error));
  assert_fit_to_send (error);
  g_assert_true (g_str_has_prefix (error->message, "expected a number at params[\"\\x01"));
  g_assert_true (g_str_has_suffix (error->message, "…, got a string"));
}

static void
test_long_arrays (void)
{
  static const gsize sizes[] = { 0, 1, 100, 127, 128, 200, 16000, 21845, 21846, 70000 };

  g_test_summary ("Arrays of every size are those that GLib makes");

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));
      GVariantBuilder expected_builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("as"));
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GVariant) expected = NULL;
      g_autoptr(GVariant) result = NULL;
      g_autoptr(GError) error = NULL;

      for (gsize j = 0; j < sizes[i]; j++)
        {
          g_variant_builder_add (&builder, "v", g_variant_new_string ("a"));
          g_variant_builder_add (&expected_builder, "s", "a");
        }

      value = g_variant_ref_sink (g_variant_builder_end (&builder));
      expected = g_variant_ref_sink (g_variant_builder_end (&expected_builder));
      result = _msgpack_rpc_coerce (value, G_VARIANT_TYPE ("as"), "params", &error);
      g_assert_no_error (error);
      g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result),
                       g_variant_get_data (expected), g_variant_get_size (expected));
    }
}

static void
test_untrusted (void)
{
  g_autoptr(GBytes) bytes = gbytes_from_hex ("61 00 62 00 01 03");
  g_autoptr(GVariant) broken = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Items that are not in normal form are not made so by being put into an array");

  broken = g_variant_new_from_bytes (G_VARIANT_TYPE ("aas"), bytes, FALSE);
  g_variant_ref_sink (broken);
  g_assert_false (g_variant_is_normal_form (broken));
  result = _msgpack_rpc_coerce (broken, G_VARIANT_TYPE ("av"), "params", &error);
  g_assert_no_error (error);
  g_assert_false (g_variant_is_normal_form (result));
}

static void
test_layout (void)
{
  static const struct
  {
    const char *type;
    guint alignment;
    gsize fixed_size;
  } cases[] = {
    { "b", 1, 1 }, { "y", 1, 1 }, { "n", 2, 2 }, { "q", 2, 2 }, { "i", 4, 4 }, { "u", 4, 4 },
    { "h", 4, 4 }, { "x", 8, 8 }, { "t", 8, 8 }, { "d", 8, 8 }, { "s", 1, 0 }, { "o", 1, 0 },
    { "g", 1, 0 }, { "v", 8, 0 }, { "ay", 1, 0 }, { "mx", 8, 0 }, { "ai", 4, 0 }, { "()", 1, 1 },
    { "(y)", 1, 1 }, { "(yx)", 8, 16 }, { "(xy)", 8, 16 }, { "(yny)", 2, 6 }, { "(ys)", 1, 0 },
    { "(sx)", 8, 0 }, { "((yi)y)", 4, 12 }, { "(y(xy)y)", 8, 32 }, { "{yx}", 8, 16 },
    { "{sv}", 8, 0 }, { "a{sv}", 8, 0 }, { "(hay)", 4, 0 }, { "(y())", 1, 2 },
  };

  g_test_summary ("Alignment and size of types are those of the serialised form");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *longer = g_strconcat (cases[i].type, "s", NULL);
      guint alignment;
      gsize fixed_size;
      const char *end;

      end = _msgpack_rpc_serial_type_layout (longer, &alignment, &fixed_size);
      g_assert_cmpstr (end, ==, "s");
      g_assert_cmpuint (alignment, ==, cases[i].alignment);
      g_assert_cmpuint (fixed_size, ==, cases[i].fixed_size);
    }
}

/* As messages are decoded. Floating. */
static GVariant *
random_value (GRand *rand,
              guint  depth)
{
  static const double doubles[] = { 0.0, -0.0, 1.0, 255.0, -1.5, 1e300, -9223372036854775808.0 };
  static const char *const strings[] = { "", "a", "some text", "/a/b", "ж" };
  int kind = g_rand_int_range (rand, 0, depth < 3 ? 11 : 7);
  GVariantBuilder builder;
  guint n;

  switch (kind)
    {
    case 0:
    case 1:
      return g_variant_new_int64 (g_rand_int_range (rand, -1000, 1000) *
                                  (G_GINT64_CONSTANT (1) << g_rand_int_range (rand, 0, 50)));
    case 2:
      return g_variant_new_uint64 (G_MAXUINT64 - g_rand_int (rand));
    case 3:
      return g_variant_new_double (doubles[g_rand_int_range (rand, 0, G_N_ELEMENTS (doubles))]);
    case 4:
      return g_variant_new_string (strings[g_rand_int_range (rand, 0, G_N_ELEMENTS (strings))]);
    case 5:
      return g_variant_new_parsed (g_rand_boolean (rand) ? "[byte 0x61]"
                                                         : "(handle 256, [byte 0x62])");
    case 6:
      return g_rand_boolean (rand) ? g_variant_new_boolean (g_rand_boolean (rand))
                                   : g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
    default:
      break;
    }

  n = g_rand_int_range (rand, 0, g_rand_int_range (rand, 0, 20) == 0 ? 300 : 5);
  g_variant_builder_init (&builder, G_VARIANT_TYPE (kind < 9    ? "av"
                                                    : kind == 9 ? "a{sv}"
                                                                : "a{xv}"));
  for (guint i = 0; i < n; i++)
    {
      GVariant *value = random_value (rand, n > 10 ? 3 : depth + 1);

      if (kind < 9)
        g_variant_builder_add (&builder, "v", value);
      else if (kind == 9)
        g_variant_builder_add (&builder, "{sv}", strings[i % G_N_ELEMENTS (strings)], value);
      else
        g_variant_builder_add (&builder, "{xv}", (gint64) i - 1, value);
    }

  return g_variant_builder_end (&builder);
}

static void
append_type (GString  *out,
             GVariant *value,
             GRand    *rand);

static void
append_child_type (GString  *out,
                   GVariant *value,
                   gsize     i,
                   GRand    *rand)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

  while (g_variant_is_container (child) &&
         (g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT) ||
          g_variant_is_of_type (child, G_VARIANT_TYPE_DICT_ENTRY)))
    {
      GVariant *inner = g_variant_get_child_value (child, g_variant_n_children (child) - 1);

      g_variant_unref (child);
      child = inner;
    }

  append_type (out, child, rand);
}

/* A type that @value has some chance to fit. */
static void
append_type (GString  *out,
             GVariant *value,
             GRand    *rand)
{
  static const char numbers[] = "ynqiuxtddxv";
  static const char strings[] = "sssssogv";
  gsize n = g_variant_is_container (value) ? g_variant_n_children (value) : 0;

  if (g_rand_int_range (rand, 0, 8) == 0)
    g_string_append_c (out, 'm');

  if (g_rand_int_range (rand, 0, 12) == 0)
    g_string_append (out, "v");
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    g_string_append_c (out, strings[g_rand_int_range (rand, 0, sizeof strings - 1)]);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    g_string_append (out, g_rand_boolean (rand) ? "ay" : "s");
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
    {
      g_string_append (out, g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT) ? "a{s" : "a{n");
      if (n > 0 && g_rand_boolean (rand))
        append_child_type (out, value, 0, rand);
      else
        g_string_append_c (out, 'v');
      g_string_append_c (out, '}');
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("av")) && n < 10 && g_rand_boolean (rand))
    {
      g_string_append_c (out, '(');
      for (gsize i = 0; i < n; i++)
        append_child_type (out, value, i, rand);
      g_string_append_c (out, ')');
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    {
      g_string_append_c (out, 'a');
      if (n > 0)
        append_child_type (out, value, 0, rand);
      else
        g_string_append (out, g_rand_boolean (rand) ? "{sv}" : "(sx)");
    }
  else if (g_variant_is_container (value) ||
           g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    g_string_append (out, g_rand_boolean (rand) ? g_variant_get_type_string (value) : "b");
  else
    g_string_append_c (out, numbers[g_rand_int_range (rand, 0, sizeof numbers - 1)]);
}

/* Returns whether it fits. */
static gboolean
assert_same_by_parts (GVariant           *value,
                      const GVariantType *type)
{
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GVariant) by_parts = NULL;
  g_autoptr(GVariant) untrusted = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) error_by_parts = NULL;
  g_autofree guint8 *copy = NULL;

  result = _msgpack_rpc_coerce (value, type, "result", &error);
  by_parts = _msgpack_rpc_coerce_by_parts (value, type, "result", &error_by_parts);
  g_assert_true ((result == NULL) == (by_parts == NULL));
  if (result == NULL)
    {
      g_assert_cmpstr (error->message, ==, error_by_parts->message);
      return FALSE;
    }

  g_assert_false (g_variant_is_floating (result));
  g_assert_cmpstr (g_variant_get_type_string (result), ==, g_variant_get_type_string (by_parts));
  g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result),
                   g_variant_get_data (by_parts), g_variant_get_size (by_parts));

  copy = g_memdup2 (g_variant_get_data (result), g_variant_get_size (result));
  untrusted = g_variant_ref_sink (g_variant_new_from_data (type, copy, g_variant_get_size (result),
                                                           FALSE, NULL, NULL));
  g_assert_true (g_variant_is_normal_form (untrusted));

  return TRUE;
}

static void
test_same_by_parts (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (7);
  guint n = g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 200000 : 5000;
  guint n_fit = 0;
  guint n_retyped = 0;

  g_test_summary ("Going through the bytes at once gives what one part after the other gives");

  for (guint i = 0; i < n; i++)
    {
      g_autoptr(GVariant) value = g_variant_ref_sink (random_value (rand, 0));
      g_autoptr(GVariant) retyped = NULL;
      g_autoptr(GString) type = g_string_new (NULL);

      append_type (type, value, rand);
      n_fit += assert_same_by_parts (value, G_VARIANT_TYPE (type->str));
      retyped = _msgpack_rpc_retype (value, G_VARIANT_TYPE (type->str));
      n_retyped += retyped != NULL;
    }

  g_test_message ("%u of %u fit, %u of them at once", n_fit, n, n_retyped);
  g_assert_cmpuint (n_fit, >, n / 4);
  g_assert_cmpuint (n_fit, <, n);
  g_assert_cmpuint (n_retyped, >, n / 8);
}

/* Applications' values may have what is never decoded. */
static void
test_maybes (void)
{
  static const char *const texts[] = {
    "@mx 5", "@mmx just nothing", "<@mx 5>", "[<@ms 'a'>, <@mv <true>>]", "{'a': <@mi 5>}",
    "[<@m() ()>]", "[<@mmv just nothing>]",
  };
  static const char *const types[] = {
    "v", "x", "mx", "mmx", "av", "as", "ams", "amv", "a{sv}", "a{si}", "am()", "ammv", "(vv)",
    "(mmv)",
  };
  guint n_fit = 0;

  g_test_summary ("What is in a maybe is taken out of it, however it is gone through");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (texts[i]);

      for (gsize j = 0; j < G_N_ELEMENTS (types); j++)
        n_fit += assert_same_by_parts (value, G_VARIANT_TYPE (types[j]));
    }

  g_assert_cmpuint (n_fit, >, G_N_ELEMENTS (types));
}

/* What the bytes say is not what they are. */
static void
test_broken_data (void)
{
  static const char *const types[] = { "as", "ax", "(xx)", "a{sx}", "(sv)", "mas", "ab", "s" };
  static const char *const texts[] = {
    "[<'abc'>, <'de'>]",
    "[<int64 1>, <int64 2>]",
    "{'a': <int64 1>, 'bc': <int64 2>}",
    "[<true>, <false>]",
    "<'a'>",
  };

  g_test_summary ("Data that are declared to be in normal form and are not do no harm");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (texts[i]);
      gsize size = g_variant_get_size (value);

      for (gsize position = 0; position < 2 * size; position++)
        {
          g_autofree guint8 *copy = g_memdup2 (g_variant_get_data (value), size);
          g_autoptr(GVariant) broken = NULL;

          copy[position / 2] ^= position % 2 == 0 ? 0xff : 0x05;
          broken = g_variant_ref_sink (g_variant_new_from_data (g_variant_get_type (value), copy,
                                                                size, TRUE, NULL, NULL));
          for (gsize j = 0; j < G_N_ELEMENTS (types); j++)
            {
              g_autoptr(GVariant) result = _msgpack_rpc_retype (broken, G_VARIANT_TYPE (types[j]));

              g_assert_true (result == NULL ||
                             g_variant_is_of_type (result, G_VARIANT_TYPE (types[j])));
            }
        }
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (fits); i++)
    {
      g_autofree char *path = g_strdup_printf ("/msgpack-rpc/coerce/fits/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, &fits[i], test_fits);
      g_clear_pointer (&path, g_free);
      path = g_strdup_printf ("/msgpack-rpc/coerce/unpack-fits/%" G_GSIZE_FORMAT, i);
      g_test_add_data_func (path, &fits[i], test_unpack_fits);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (misfits); i++)
    {
      g_autofree char *path = g_strdup_printf ("/msgpack-rpc/coerce/misfits/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, &misfits[i], test_misfits);
      g_clear_pointer (&path, g_free);
      path = g_strdup_printf ("/msgpack-rpc/coerce/unpack-misfits/%" G_GSIZE_FORMAT, i);
      g_test_add_data_func (path, &misfits[i], test_unpack_misfits);
    }

  g_test_add_func ("/msgpack-rpc/coerce/params", test_params);
  g_test_add_func ("/msgpack-rpc/coerce/params-none", test_params_none);
  g_test_add_func ("/msgpack-rpc/coerce/params-misfits", test_params_misfits);
  g_test_add_func ("/msgpack-rpc/coerce/long-names", test_long_names);
  g_test_add_func ("/msgpack-rpc/coerce/long-paths", test_long_paths);
  g_test_add_func ("/msgpack-rpc/coerce/unpack-as", test_unpack_as);
  g_test_add_func ("/msgpack-rpc/coerce/long-arrays", test_long_arrays);
  g_test_add_func ("/msgpack-rpc/coerce/untrusted", test_untrusted);
  g_test_add_func ("/msgpack-rpc/coerce/layout", test_layout);
  g_test_add_func ("/msgpack-rpc/coerce/same-by-parts", test_same_by_parts);
  g_test_add_func ("/msgpack-rpc/coerce/maybes", test_maybes);
  g_test_add_func ("/msgpack-rpc/coerce/broken-data", test_broken_data);

  return g_test_run ();
}
