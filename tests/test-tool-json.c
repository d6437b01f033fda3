/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "test-bytes.h"
#include "tool-json.h"

#define MAX_DEPTH 64
#define N_RANDOM_VALUES 2000

/* A JSON text, the bytes that it stands for, and the text that they are written as if it is not the
 * first. */
typedef struct
{
  const char *json;
  const char *hex;
  const char *written;
} Form;

static const Form scalars[] = {
  { "null", "c0" },
  { "false", "c2" },
  { "true", "c3" },
  { " \t\r\n true \n", "c3", "true" },
};

static const Form integers[] = {
  { "0", "00" },
  { "-0", "00", "0" },
  { "127", "7f" },
  { "-32", "e0" },
  { "-33", "d0 df" },
  { "65536", "ce 00 01 00 00" },
  { "9007199254740991", "cf 00 1f ff ff ff ff ff ff" },
  { "9007199254740993", "cf 00 20 00 00 00 00 00 01" },
  { "-9007199254740993", "d3 ff df ff ff ff ff ff ff" },
  { "9223372036854775807", "cf 7f ff ff ff ff ff ff ff" },
  { "-9223372036854775808", "d3 80 00 00 00 00 00 00 00" },
  { "9223372036854775808", "cf 80 00 00 00 00 00 00 00" },
  { "18446744073709551615", "cf ff ff ff ff ff ff ff ff" },
  { "[18446744073709551615,1]", "92 cf ff ff ff ff ff ff ff ff 01" },
  { "{\"$uint\":\"18446744073709551615\"}", "cf ff ff ff ff ff ff ff ff", "18446744073709551615" },
  { "{\"$uint\":\"9223372036854775807\"}", "cf 7f ff ff ff ff ff ff ff", "9223372036854775807" },
  { "{\"$uint\":\"0\"}", "00", "0" },
};

static const Form floats[] = {
  { "0.0", "cb 00 00 00 00 00 00 00 00" },
  { "-0.0", "cb 80 00 00 00 00 00 00 00" },
  { "-0e0", "cb 80 00 00 00 00 00 00 00", "-0.0" },
  { "1.0", "cb 3f f0 00 00 00 00 00 00" },
  { "1e0", "cb 3f f0 00 00 00 00 00 00", "1.0" },
  { "1E+2", "cb 40 59 00 00 00 00 00 00", "100.0" },
  { "0.1", "cb 3f b9 99 99 99 99 99 9a" },
  { "0.30000000000000004", "cb 3f d3 33 33 33 33 33 34" },
  { "1e+300", "cb 7e 37 e4 3c 88 00 75 9c" },
  { "5e-324", "cb 00 00 00 00 00 00 00 01", "4.94065645841247e-324" },
  { "1e-400", "cb 00 00 00 00 00 00 00 00", "0.0" },
  { "1.7976931348623157e+308", "cb 7f ef ff ff ff ff ff ff" },
  { "{\"$float\":\"nan\"}", "cb 7f f8 00 00 00 00 00 00" },
  { "{\"$float\":\"inf\"}", "cb 7f f0 00 00 00 00 00 00" },
  { "{\"$float\":\"-inf\"}", "cb ff f0 00 00 00 00 00 00" },
  { "{\"$float\":\"fff8000000000000\"}", "cb ff f8 00 00 00 00 00 00" },
  { "{\"$float\":\"7ff8000000000001\"}", "cb 7f f8 00 00 00 00 00 01" },
  { "{\"$float\":\"7FF8000000000000\"}", "cb 7f f8 00 00 00 00 00 00", "{\"$float\":\"nan\"}" },
  { "{\"$float\":\"3ff0000000000000\"}", "cb 3f f0 00 00 00 00 00 00", "1.0" },
};

static const Form strings[] = {
  { "\"\"", "a0" },
  { "\"a\"", "a1 61" },
  { "\"\\\"\\\\\\b\\f\\n\\r\\t\"", "a7 22 5c 08 0c 0a 0d 09" },
  { "\"\\/\"", "a1 2f", "\"/\"" },
  { "\"\\u0001\\u001b\\u007f\"", "a3 01 1b 7f" },
  { "\"\\u009b\\u2028\\u2029\"", "a8 c2 9b e2 80 a8 e2 80 a9" },
  { "\"\\u00e4\\u4E16\"", "a5 c3 a4 e4 b8 96", "\"ä世\"" },
  { "\"\\ud83d\\uDE80\"", "a4 f0 9f 9a 80", "\"🚀\"" },
  { "\"Grüße, 世界 🚀\"",
    "b4 47 72 c3 bc c3 9f 65 2c 20 e4 b8 96 e7 95 8c 20 f0 9f 9a 80" },
  { "\"[1,2] // {18446744073709551616}\"",
    "bf 5b 31 2c 32 5d 20 2f 2f 20 7b 31 38 34 34 36 37 34 34 30 37 33 37 30 39 35 35 31 36 31 36 "
    "7d" },
};

static const Form opaques[] = {
  { "{\"$bin\":\"\"}", "c4 00" },
  { "{\"$bin\":\"AP8=\"}", "c4 02 00 ff" },
  { "{\"$ext\":[5,\"\"]}", "c7 00 05" },
  { "{\"$ext\":[-128,\"AQ==\"]}", "d4 80 01" },
  { "{\"$ext\":[127,\"AQID\"]}", "c7 03 7f 01 02 03" },
  { "{\"$ext\":[-1,\"ZAAAAA==\"]}", "d6 ff 64 00 00 00" },
  { "{\"$raw\":\"/w==\"}", "a1 ff" },
  { "{\"$raw\":\"YQBi\"}", "a3 61 00 62" },
  { "{\"$raw\":\"YQ==\"}", "a1 61", "\"a\"" },
  { "{\"$raw\":\"\"}", "a0", "\"\"" },
  { "[{\"$bin\":\"AA==\"},{\"$raw\":\"AA==\"}]", "92 c4 01 00 a1 00" },
};

static const Form containers[] = {
  { "[]", "90" },
  { "{}", "80" },
  { "[ 1 , [ ] , { } ]", "93 01 90 80", "[1,[],{}]" },
  { "[null,[true,[\"x\"]]]", "92 c0 92 c3 91 a1 78" },
  { "{\"b\":1,\"a\":{\"\":[2]}}", "82 a1 62 01 a1 61 81 a0 91 02" },
  { "{\"$map\":[]}", "80", "{}" },
  { "{\"$map\":[[1,2]]}", "81 01 02" },
  { "{\"$map\":[[\"a\",2]]}", "81 a1 61 02", "{\"a\":2}" },
  { "{\"$map\":[[null,1],[[2],{\"$bin\":\"\"}],[\"a\",3.5]]}",
    "83 c0 01 91 02 c4 00 a1 61 cb 40 0c 00 00 00 00 00 00" },
  { "{\"$map\":[[18446744073709551615,0],[1,1],[1,2]]}",
    "83 cf ff ff ff ff ff ff ff ff 00 01 01 01 02" },
  { "{\"$map\":[[{\"$map\":[[1,2]]},{\"$map\":[[3,4]]}]]}", "81 81 01 02 81 03 04" },
  { "{\"$map\":[[\"a\",1],[\"a\",2]]}", "82 a1 61 01 a1 61 02" },
};

/* Maps that have a reserved name, alone or not. */
static const Form reserved[] = {
  { "{\"$map\":[[\"$bin\",\"AA==\"]]}", "81 a4 24 62 69 6e a4 41 41 3d 3d" },
  { "{\"$map\":[[\"$map\",[]]]}", "81 a4 24 6d 61 70 90" },
  { "{\"$map\":[[\"$\",1]]}", "81 a1 24 01" },
  { "{\"$map\":[[\"$x\",{\"$map\":[[\"$y\",1]]}]]}", "81 a2 24 78 81 a2 24 79 01" },
  { "{\"$bin\":\"AA==\",\"a\":1}", "82 a4 24 62 69 6e a4 41 41 3d 3d a1 61 01" },
  { "{\"$bin\":1,\"$ext\":2}", "82 a4 24 62 69 6e 01 a4 24 65 78 74 02" },
  { "{\"a$\":1}", "81 a2 61 24 01" },
};

static const struct
{
  const char *path;
  const char *summary;
  const Form *forms;
  gsize n_forms;
} form_tests[] = {
  { "scalars", "nil and booleans", scalars, G_N_ELEMENTS (scalars) },
  { "integers", "Integers are exact up to 64 bits", integers, G_N_ELEMENTS (integers) },
  { "floats", "Floats are exact, and never become integers", floats, G_N_ELEMENTS (floats) },
  { "strings", "Strings, and escapes in them", strings, G_N_ELEMENTS (strings) },
  { "opaques", "bin, ext and raw strings", opaques, G_N_ELEMENTS (opaques) },
  { "containers", "Arrays, and maps with any keys", containers, G_N_ELEMENTS (containers) },
  { "reserved", "Maps that look like the form of something else", reserved,
    G_N_ELEMENTS (reserved) },
};

static GBytes *
bytes_from_json (const char *json)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = tool_json_read (json, &error);
  GBytes *bytes;

  g_assert_no_error (error);
  g_assert_nonnull (value);
  g_assert_false (g_variant_is_floating (value));
  bytes = msgpack_rpc_pack (value, &error);
  g_assert_no_error (error);

  return bytes;
}

static char *
json_from_bytes (GBytes *bytes)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_unpack (bytes, &error);

  g_assert_no_error (error);

  return tool_json_write (value);
}

static void
check_form (const Form *form)
{
  g_autoptr(GBytes) read = bytes_from_json (form->json);
  g_autofree char *hex = bytes_to_hex (read);
  g_autoptr(GBytes) bytes = gbytes_from_hex (form->hex);
  g_autofree char *written = json_from_bytes (bytes);
  g_autoptr(GBytes) again = bytes_from_json (written);

  g_assert_cmpstr (hex, ==, form->hex);
  g_assert_cmpstr (written, ==, form->written != NULL ? form->written : form->json);
  g_assert_true (g_bytes_equal (again, bytes));
}

static void
test_forms (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);

  g_test_summary (form_tests[i].summary);

  for (gsize j = 0; j < form_tests[i].n_forms; j++)
    check_form (&form_tests[i].forms[j]);
}

static const struct
{
  const char *json;
  const char *message;
} refusals[] = {
  { "", "At character 1: The text ends too early" },
  { " \n", "At character 3: The text ends too early" },
  { "[1,", "At character 4: The text ends too early" },
  { "{\"a\":", "At character 6: The text ends too early" },
  { "[1,]", "At character 4: Unexpected “]”" },
  { "[,1]", "At character 2: Unexpected “,”" },
  { "[1 2]", "At character 4: Unexpected “2”" },
  { "[1:2]", "At character 3: Unexpected “:”" },
  { "[1}", "At character 3: Unexpected “}”" },
  { "]", "At character 1: Unexpected “]”" },
  { "[1]]", "At character 4: Unexpected “]”" },
  { "1 2", "At character 3: Unexpected “2”" },
  { "1,", "At character 2: Unexpected “,”" },
  { "{\"a\":1,}", "At character 8: Unexpected “}”" },
  { "{\"a\":1]", "At character 7: Unexpected “]”" },
  { "{\"a\" 1}", "At character 6: Unexpected “1”" },
  { "{\"a\",1}", "At character 5: Unexpected “,”" },
  { "{1:2}", "At character 2: Unexpected “1”" },
  { "{a:1}", "At character 2: Unexpected “a”" },
  { "ä", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "nul", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "nulll", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "True", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "NaN", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "'a'", "At character 1: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "/**/1", "At character 1: Unexpected “/”" },
  { "1 // x", "At character 3: Unexpected “/”" },
  { "$1", "At character 1: Unexpected “$”" },
  { "\xc2\xa0" "1", "At character 1: Unexpected “\xc2\xa0”" },
  { "[ä]", "At character 2: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },
  { "[\"ä\",ö", "At character 6: Unknown word; a string must be in double quotes, in a shell '\"text\"'" },

  { "012", "At character 2: Unexpected “1”" },
  { "0x10", "At character 2: Unexpected “x”" },
  { "+5", "At character 1: Unexpected “+”" },
  { ".5", "At character 1: Unexpected “.”" },
  { "5.", "At character 3: The text ends too early" },
  { "5.e1", "At character 3: Unexpected “e”" },
  { "1e", "At character 3: The text ends too early" },
  { "1e+]", "At character 4: Unexpected “]”" },
  { "-", "At character 2: The text ends too early" },
  { "- 5", "At character 2: Unexpected “ ”" },
  { "--5", "At character 2: Unexpected “-”" },
  { "1_000", "At character 2: Unexpected “_”" },
  { "1.5.5", "At character 4: Unexpected “.”" },
  { "18446744073709551616", "At character 1: The integer does not fit into 64 bits" },
  { "[-9223372036854775809]", "At character 2: The integer does not fit into 64 bits" },
  { "1e400", "At character 1: The number is too large for a 64-bit float" },
  { "-1e400", "At character 1: The number is too large for a 64-bit float" },

  { "\"a", "At character 1: The string does not end" },
  { "\"\\", "At character 2: Unknown escape in a string" },
  { "\"\\q\"", "At character 2: Unknown escape in a string" },
  { "\"\\x41\"", "At character 2: Unknown escape in a string" },
  { "\"\\u12\"", "At character 2: “\\u” must be followed by four hexadecimal digits" },
  { "\"\\u", "At character 2: “\\u” must be followed by four hexadecimal digits" },
  { "\"a\\u0000\"", "At character 3: A string with a NUL must be written as {\"$raw\": BASE64}" },
  { "{\"\\u0000\":1}", "At character 3: A string with a NUL must be written as "
                       "{\"$raw\": BASE64}" },
  { "\"\\ud800\"", "At character 2: Half of a surrogate pair in a string" },
  { "\"\\ud800\\u0041\"", "At character 2: Half of a surrogate pair in a string" },
  { "\"\\ud800\\uzzzz\"", "At character 2: Half of a surrogate pair in a string" },
  { "\"\\udc00\"", "At character 2: Half of a surrogate pair in a string" },
  { "\"a\nb\"", "At character 3: A control character must be written as “\\uXXXX”" },
  { "\"\xff\"", "The text is not UTF-8" },

  { "{\"a\":1,\"a\":1}", "The name “a” occurs twice in an object; write "
                         "{\"$map\": [[NAME, VALUE], …]}" },
  { "[{\"b\":{\"a\":{},\"a\":{\"c\":1}}}]", "The name “a” occurs twice in an object; write "
                                            "{\"$map\": [[NAME, VALUE], …]}" },
  { "{\"$bin\":\"\",\"$bin\":\"\"}", "The name “$bin” occurs twice in an object; write "
                                     "{\"$map\": [[NAME, VALUE], …]}" },

  { "{\"$x\":1}", "“$x” has no meaning here; write {\"$map\": [[NAME, VALUE]]} for a map with that "
                  "one name" },
  { "[{\"a\":{\"$\":1}}]", "“$” has no meaning here; write {\"$map\": [[NAME, VALUE]]} for a map "
                           "with that one name" },
  { "{\"$bin\":1}", "“$bin” takes a string in base64" },
  { "{\"$bin\":\"AP8\"}", "“$bin” takes a string in base64" },
  { "{\"$bin\":\"AP9=\"}", "“$bin” takes a string in base64" },
  { "{\"$bin\":\"A P8=\"}", "“$bin” takes a string in base64" },
  { "{\"$bin\":\"-_8=\"}", "“$bin” takes a string in base64" },
  { "{\"$raw\":null}", "“$raw” takes a string in base64" },
  { "{\"$raw\":\"?\"}", "“$raw” takes a string in base64" },
  { "{\"$ext\":\"\"}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[1]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[1,\"\",1]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[128,\"\"]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[-129,\"\"]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[1.0,\"\"]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[[],\"\"]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$ext\":[1,2]}", "“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64" },
  { "{\"$float\":1.0}",
    "“$float” takes \"nan\", \"inf\", \"-inf\" or 16 hexadecimal digits" },
  { "{\"$float\":\"NaN\"}",
    "“$float” takes \"nan\", \"inf\", \"-inf\" or 16 hexadecimal digits" },
  { "{\"$float\":\"7ff\"}",
    "“$float” takes \"nan\", \"inf\", \"-inf\" or 16 hexadecimal digits" },
  { "{\"$float\":\"0x7ff80000000000\"}",
    "“$float” takes \"nan\", \"inf\", \"-inf\" or 16 hexadecimal digits" },
  { "{\"$uint\":5}", "“$uint” takes a string of decimal digits that fits into 64 bits" },
  { "{\"$uint\":\"-1\"}", "“$uint” takes a string of decimal digits that fits into 64 bits" },
  { "{\"$uint\":\"+1\"}", "“$uint” takes a string of decimal digits that fits into 64 bits" },
  { "{\"$uint\":\"\"}", "“$uint” takes a string of decimal digits that fits into 64 bits" },
  { "{\"$uint\":\"18446744073709551616\"}",
    "“$uint” takes a string of decimal digits that fits into 64 bits" },
  { "{\"$map\":{}}", "“$map” takes [[KEY, VALUE], …]" },
  { "{\"$map\":[1]}", "“$map” takes [[KEY, VALUE], …]" },
  { "{\"$map\":[[1,2],[]]}", "“$map” takes [[KEY, VALUE], …]" },
  { "{\"$map\":[[1,2,3]]}", "“$map” takes [[KEY, VALUE], …]" },
  { "{\"$map\":[[1,{\"$bin\":1}]]}", "“$bin” takes a string in base64" },
  { "{\"$map\":[[{\"$bin\":1},1]]}", "“$bin” takes a string in base64" },
};

static void
test_refusals (void)
{
  g_test_summary ("What is not JSON, or would lose something, is an error that says where");

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = tool_json_read (refusals[i].json, &error);
      g_autofree char *escaped = g_strescape (refusals[i].json, NULL);

      g_test_message ("%s", escaped);
      g_assert_null (value);
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, refusals[i].message);
    }
}

/* @opener @depth times, @inner, and @closer as often. */
static char *
nest (const char *opener,
      const char *inner,
      const char *closer,
      guint       depth)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < depth; i++)
    g_string_append (text, opener);
  g_string_append (text, inner);
  for (guint i = 0; i < depth; i++)
    g_string_append (text, closer);

  return g_string_free (text, FALSE);
}

static void
check_deep (const char *opener,
            const char *closer,
            guint       levels)
{
  for (guint depth = 1; depth <= MAX_DEPTH / levels + 2; depth++)
    {
      g_autofree char *json = nest (opener, "1", closer, depth);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = tool_json_read (json, &error);
      g_autoptr(GBytes) bytes = NULL;

      g_assert_cmpint (value != NULL, ==, depth * levels <= MAX_DEPTH);
      if (value == NULL)
        {
          g_assert_nonnull (strstr (error->message, "Nested deeper than 64 levels"));
          continue;
        }

      /* GVariant may have less room; whether it has is for whoever writes the value to say. */
      bytes = msgpack_rpc_pack (value, &error);
      if (bytes == NULL)
        {
          g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
          g_assert_cmpuint (depth, >, 32);
        }
    }
}

static void
test_depth (void)
{
  g_autofree char *json = nest ("[", "", "", 1000000);
  g_autoptr(GError) error = NULL;

  g_test_summary ("Nesting is limited, and what is within the limit is read");

  check_deep ("[", "]", 1);
  check_deep ("{\"a\":", "}", 1);
  check_deep ("{\"$map\":[[1,", "]]}", 3);

  g_assert_null (tool_json_read (json, &error));
  g_assert_cmpstr (error->message, ==, "At character 65: Nested deeper than 64 levels");
}

static void
append_be (GByteArray *out,
           guint8      first,
           guint64     number,
           guint       size)
{
  g_byte_array_append (out, &first, 1);
  for (guint i = size; i > 0; i--)
    {
      guint8 byte = number >> (8 * (i - 1));

      g_byte_array_append (out, &byte, 1);
    }
}

static guint64
random_bits (void)
{
  guint64 bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return bits >> g_test_rand_int_range (0, 64);
}

static void
append_random_bytes (GByteArray *out,
                     guint       size)
{
  for (guint i = 0; i < size; i++)
    {
      guint8 byte = g_test_rand_bit () ? g_test_rand_int_range ('$', 'z')
                                       : g_test_rand_int_range (0, 256);

      g_byte_array_append (out, &byte, 1);
    }
}

static void
append_random_scalar (GByteArray *out)
{
  static const guint8 simple[] = { 0xc0, 0xc2, 0xc3, 0x00, 0x7f, 0xff, 0x80, 0x90, 0xa0 };
  guint size = g_test_rand_int_range (0, 5);

  switch (g_test_rand_int_range (0, 7))
    {
    case 0:
      g_byte_array_append (out, &simple[g_test_rand_int_range (0, G_N_ELEMENTS (simple))], 1);
      break;
    case 1:
      append_be (out, 0xcf, random_bits (), 8);
      break;
    case 2:
      append_be (out, 0xd3, random_bits (), 8);
      break;
    case 3:
      append_be (out, 0xcb, random_bits (), 8);
      break;
    case 4:
      append_be (out, 0xc4, size, 1);
      append_random_bytes (out, size);
      break;
    case 5:
      append_be (out, 0xc7, size << 8 | g_test_rand_int_range (0, 256), 2);
      append_random_bytes (out, size);
      break;
    default:
      append_be (out, 0xa0 | size, 0, 0);
      append_random_bytes (out, size);
    }
}

static void
append_random_value (GByteArray *out,
                     guint       depth)
{
  guint size = g_test_rand_int_range (0, 4);

  switch (depth > 0 ? g_test_rand_int_range (0, 4) : 3)
    {
    case 0:
      append_be (out, 0x90 | size, 0, 0);
      break;
    case 1:
      append_be (out, 0x80 | size, 0, 0);
      size *= 2;
      break;
    case 2:
      append_be (out, 0x80 | size, 0, 0);
      for (guint i = 0; i < size; i++)
        {
          append_be (out, 0xa1, g_test_rand_bit () ? '$' : 'a', 1);
          append_random_value (out, depth - 1);
        }
      return;
    default:
      append_random_scalar (out);
      return;
    }

  for (guint i = 0; i < size; i++)
    append_random_value (out, depth - 1);
}

static void
test_random (void)
{
  g_test_summary ("Any value is written as one line that reads back to the same bytes");

  for (guint i = 0; i < N_RANDOM_VALUES; i++)
    {
      g_autoptr(GByteArray) random = g_byte_array_new ();
      g_autoptr(GBytes) bytes = NULL;
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GBytes) expected = NULL;
      g_autofree char *json = NULL;
      g_autoptr(GBytes) read = NULL;
      g_autoptr(GError) error = NULL;

      append_random_value (random, 4);
      bytes = g_byte_array_free_to_bytes (g_steal_pointer (&random));
      value = msgpack_rpc_unpack (bytes, &error);
      g_assert_no_error (error);
      expected = msgpack_rpc_pack (value, &error);
      g_assert_no_error (error);

      json = tool_json_write (value);
      g_assert_null (strpbrk (json, "\n\r"));
      read = bytes_from_json (json);
      g_assert_true (g_bytes_equal (read, expected));
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (form_tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/msgpack-rpc/tool-json/%s", form_tests[i].path);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_forms);
    }
  g_test_add_func ("/msgpack-rpc/tool-json/refusals", test_refusals);
  g_test_add_func ("/msgpack-rpc/tool-json/depth", test_depth);
  g_test_add_func ("/msgpack-rpc/tool-json/random", test_random);

  return g_test_run ();
}
