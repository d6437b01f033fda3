/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include <msgpack.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packer-private.h"

#include "test-pack.h"

/* One line of the mapping: the bytes, the value with its exact type, and the bytes that the value
 * is written as when those are others. */
typedef struct
{
  const char *hex;
  const char *text;
  const char *written;
} Mapping;

static const Mapping mappings[] = {
  { "c0", "@mv nothing" },
  { "c2", "false" },
  { "c3", "true" },

  { "00", "int64 0" },
  { "7f", "int64 127" },
  { "ff", "int64 -1" },
  { "e0", "int64 -32" },
  { "cc 80", "int64 128" },
  { "cc ff", "int64 255" },
  { "cd 01 00", "int64 256" },
  { "cd ff ff", "int64 65535" },
  { "ce 00 01 00 00", "int64 65536" },
  { "ce ff ff ff ff", "int64 4294967295" },
  { "cf 00 00 00 01 00 00 00 00", "int64 4294967296" },
  { "cf 7f ff ff ff ff ff ff ff", "int64 9223372036854775807" },
  { "cf 80 00 00 00 00 00 00 00", "uint64 9223372036854775808" },
  { "cf ff ff ff ff ff ff ff ff", "uint64 18446744073709551615" },
  { "d0 df", "int64 -33" },
  { "d0 80", "int64 -128" },
  { "d1 ff 7f", "int64 -129" },
  { "d1 80 00", "int64 -32768" },
  { "d2 ff ff 7f ff", "int64 -32769" },
  { "d2 80 00 00 00", "int64 -2147483648" },
  { "d3 ff ff ff ff 7f ff ff ff", "int64 -2147483649" },
  { "d3 80 00 00 00 00 00 00 00", "int64 -9223372036854775808" },

  /* Integers that are wider than they need be. */
  { "cc 01", "int64 1", "01" },
  { "cd 00 01", "int64 1", "01" },
  { "ce 00 00 00 01", "int64 1", "01" },
  { "cf 00 00 00 00 00 00 00 01", "int64 1", "01" },
  { "d0 01", "int64 1", "01" },
  { "d0 ff", "int64 -1", "ff" },
  { "d1 00 01", "int64 1", "01" },
  { "d2 ff ff ff ff", "int64 -1", "ff" },
  { "d3 00 00 00 00 00 00 00 80", "int64 128", "cc 80" },

  { "cb 3f f0 00 00 00 00 00 00", "1.0" },
  { "cb 80 00 00 00 00 00 00 00", "-0.0" },
  { "ca 3f c0 00 00", "1.5", "cb 3f f8 00 00 00 00 00 00" },
  { "ca 80 00 00 00", "-0.0", "cb 80 00 00 00 00 00 00 00" },

  { "a0", "''" },
  { "a1 61", "'a'" },
  { "a3 e2 82 ac", "'€'" },
  { "d9 01 61", "'a'", "a1 61" },
  { "d9 00", "''", "a0" },
  { "da 00 01 61", "'a'", "a1 61" },
  { "da 00 00", "''", "a0" },
  { "db 00 00 00 01 61", "'a'", "a1 61" },
  { "db 00 00 00 00", "''", "a0" },
  { "bf 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76 77 78 79 7a 41 42 43 44"
    "45",
    "'abcdefghijklmnopqrstuvwxyzABCDE'" },
  { "d9 20 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76 77 78 79 7a 41 42 43"
    "44 45 46", "'abcdefghijklmnopqrstuvwxyzABCDEF'" },

  /* No UTF-8, cut UTF-8, a surrogate, NUL: alone, in front, behind, after eight ASCII letters. */
  { "a1 ff", "(handle 256, [byte 0xff])" },
  { "a2 e2 82", "(handle 256, [byte 0xe2, 0x82])" },
  { "a3 ed a0 80", "(handle 256, [byte 0xed, 0xa0, 0x80])" },
  { "a1 00", "(handle 256, [byte 0])" },
  { "a2 00 61", "(handle 256, [byte 0, 0x61])" },
  { "a2 61 00", "(handle 256, [byte 0x61, 0])" },
  { "a9 61 61 61 61 61 61 61 61 00",
    "(handle 256, [byte 97, 97, 97, 97, 97, 97, 97, 97, 0])" },
  { "a9 61 61 61 61 61 61 61 00 61",
    "(handle 256, [byte 97, 97, 97, 97, 97, 97, 97, 0, 97])" },
  { "a9 61 80 61 61 61 61 61 61 61",
    "(handle 256, [byte 97, 128, 97, 97, 97, 97, 97, 97, 97])" },

  { "c4 00", "@ay []" },
  { "c4 03 61 62 63", "[byte 0x61, 0x62, 0x63]" },
  { "c4 01 00", "[byte 0]" },
  { "c5 00 01 05", "[byte 5]", "c4 01 05" },
  { "c5 00 00", "@ay []", "c4 00" },
  { "c6 00 00 00 01 05", "[byte 5]", "c4 01 05" },
  { "c6 00 00 00 00", "@ay []", "c4 00" },

  { "c7 00 05", "(handle 5, @ay [])" },
  { "d4 05 01", "(handle 5, [byte 1])" },
  { "d5 05 01 02", "(handle 5, [byte 1, 2])" },
  { "c7 03 05 01 02 03", "(handle 5, [byte 1, 2, 3])" },
  { "d6 80 01 02 03 04", "(handle -128, [byte 1, 2, 3, 4])" },
  { "d6 ff 00 00 00 01", "(handle -1, [byte 0, 0, 0, 1])" },
  { "d7 7f 01 02 03 04 05 06 07 08", "(handle 127, [byte 1, 2, 3, 4, 5, 6, 7, 8])" },
  { "d8 00 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08",
    "(handle 0, [byte 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8])" },
  { "c8 00 00 05", "(handle 5, @ay [])", "c7 00 05" },
  { "c8 00 01 05 01", "(handle 5, [byte 1])", "d4 05 01" },
  { "c9 00 00 00 00 05", "(handle 5, @ay [])", "c7 00 05" },
  { "c9 00 00 00 02 ff 01 02", "(handle -1, [byte 1, 2])", "d5 ff 01 02" },

  { "90", "@av []" },
  { "dc 00 00", "@av []", "90" },
  { "dd 00 00 00 00", "@av []", "90" },
  { "91 90", "[<@av []>]" },
  { "93 01 a1 61 c0", "[<int64 1>, <'a'>, <@mv nothing>]" },
  { "dc 00 01 01", "[<int64 1>]", "91 01" },
  { "dd 00 00 00 01 01", "[<int64 1>]", "91 01" },
  { "9f 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
    "[<int64 1>, <int64 2>, <int64 3>, <int64 4>, <int64 5>, <int64 6>, <int64 7>, <int64 8>, "
    "<int64 9>, <int64 10>, <int64 11>, <int64 12>, <int64 13>, <int64 14>, <int64 15>]" },
  { "97 c2 cb 3f f0 00 00 00 00 00 00 c4 01 61 a1 ff cf ff ff ff ff ff ff ff ff d4 01 02 80",
    "[<false>, <1.0>, <[byte 0x61]>, <(handle 256, [byte 0xff])>, <uint64 18446744073709551615>, "
    "<(handle 1, [byte 2])>, <@a{sv} {}>]" },

  { "80", "@a{sv} {}" },
  { "de 00 00", "@a{sv} {}", "80" },
  { "df 00 00 00 00", "@a{sv} {}", "80" },
  { "81 a1 61 01", "{'a': <int64 1>}" },
  { "81 a0 c0", "{'': <@mv nothing>}" },
  { "82 a1 62 01 a1 61 02", "{'b': <int64 1>, 'a': <int64 2>}" },
  { "de 00 01 a1 61 01", "{'a': <int64 1>}", "81 a1 61 01" },
  { "df 00 00 00 01 a1 61 01", "{'a': <int64 1>}", "81 a1 61 01" },
  { "82 a7 31 32 33 34 35 36 37 01 a8 31 32 33 34 35 36 37 38 02",
    "{'1234567': <int64 1>, '12345678': <int64 2>}" },
  { "82 a1 61 01 a1 61 02", "{'a': <int64 1>, 'a': <int64 2>}" },

  { "81 01 02", "{int64 1: <int64 2>}" },
  { "83 01 a1 61 ff c0 d3 80 00 00 00 00 00 00 00 90",
    "{int64 1: <'a'>, int64 -1: <@mv nothing>, int64 -9223372036854775808: <@av []>}" },
  { "82 01 02 01 03", "{int64 1: <int64 2>, int64 1: <int64 3>}" },

  { "81 c0 01", "[(<@mv nothing>, <int64 1>)]" },
  { "81 c3 01", "[(<true>, <int64 1>)]" },
  { "81 cb 3f f0 00 00 00 00 00 00 01", "[(<1.0>, <int64 1>)]" },
  { "81 cf ff ff ff ff ff ff ff ff 01", "[(<uint64 18446744073709551615>, <int64 1>)]" },
  { "81 c4 01 61 01", "[(<[byte 0x61]>, <int64 1>)]" },
  { "81 a1 ff 01", "[(<(handle 256, [byte 0xff])>, <int64 1>)]" },
  { "81 d4 05 01 01", "[(<(handle 5, [byte 1])>, <int64 1>)]" },
  { "81 90 01", "[(<@av []>, <int64 1>)]" },
  { "81 92 01 02 03", "[(<[<int64 1>, <int64 2>]>, <int64 3>)]" },
  { "81 81 01 02 03", "[(<{int64 1: <int64 2>}>, <int64 3>)]" },
  { "81 80 80", "[(<@a{sv} {}>, <@a{sv} {}>)]" },
  { "82 c0 01 c0 02", "[(<@mv nothing>, <int64 1>), (<@mv nothing>, <int64 2>)]" },

  /* The kind of the keys changes half way. */
  { "82 a1 61 01 02 03", "[(<'a'>, <int64 1>), (<int64 2>, <int64 3>)]" },
  { "82 01 02 a1 61 03", "[(<int64 1>, <int64 2>), (<'a'>, <int64 3>)]" },
  { "83 a1 61 01 a7 31 32 33 34 35 36 37 02 c0 04",
    "[(<'a'>, <int64 1>), (<'1234567'>, <int64 2>), (<@mv nothing>, <int64 4>)]" },
  { "83 01 02 03 04 cf ff ff ff ff ff ff ff ff 05",
    "[(<int64 1>, <int64 2>), (<int64 3>, <int64 4>), "
    "(<uint64 18446744073709551615>, <int64 5>)]" },
  { "83 a1 61 82 a1 62 01 02 03 a1 63 04 90 05",
    "[(<'a'>, <[(<'b'>, <int64 1>), (<int64 2>, <int64 3>)]>), (<'c'>, <int64 4>), "
    "(<@av []>, <int64 5>)]" },
  { "82 a1 61 01 82 01 02 a1 62 03 04",
    "[(<'a'>, <int64 1>), (<[(<int64 1>, <int64 2>), (<'b'>, <int64 3>)]>, <int64 4>)]" },
};

static void
test_mapping (gconstpointer data)
{
  const Mapping *mapping = data;
  g_autoptr(GVariant) expected = variant_from_text (mapping->text);
  g_autoptr(GVariant) value = unpack_hex (mapping->hex);
  g_autofree char *written = pack_to_hex (value);
  g_autofree char *rewritten = pack_to_hex (expected);
  g_autoptr(GBytes) wanted = NULL;
  g_autofree char *wanted_hex = NULL;

  g_test_summary ("MessagePack becomes a value of the mapping's type, and that becomes it again");

  g_assert_cmpstr (g_variant_get_type_string (value), ==, g_variant_get_type_string (expected));
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value),
                   g_variant_get_data (expected), g_variant_get_size (expected));

  wanted = gbytes_from_hex (mapping->written != NULL ? mapping->written : mapping->hex);
  wanted_hex = bytes_to_hex (wanted);
  g_assert_cmpstr (written, ==, wanted_hex);
  g_assert_cmpstr (rewritten, ==, wanted_hex);
}

static void
test_mapping_cut_short (gconstpointer data)
{
  const Mapping *mapping = data;
  g_autoptr(GByteArray) bytes = bytes_from_hex (mapping->hex);

  g_test_summary ("A part of a message is an error, and so is a byte more than it has");

  for (guint length = 1; length <= bytes->len + 1; length++)
    {
      /* Of the exact size, for tools that watch the bounds. */
      g_autofree guint8 *copy = g_malloc0 (length);
      g_autoptr(GBytes) part = NULL;
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      memcpy (copy, bytes->data, MIN (length, bytes->len));
      part = g_bytes_new_static (copy, length);
      value = msgpack_rpc_unpack (part, &error);

      if (length == bytes->len)
        {
          g_assert_no_error (error);
          g_assert_nonnull (value);
        }
      else
        {
          g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
          g_assert_null (value);
        }
    }
}

typedef struct
{
  const char *text;
  const char *hex;
} Written;

/* Types that no message is read as. */
static const Written writtens[] = {
  { "byte 255", "cc ff" },
  { "int16 -32768", "d1 80 00" },
  { "int16 5", "05" },
  { "uint16 65535", "cd ff ff" },
  { "-2147483648", "d2 80 00 00 00" },
  { "uint32 4294967295", "ce ff ff ff ff" },
  { "uint64 1", "01" },
  { "objectpath '/a'", "a2 2f 61" },
  { "signature 'as'", "a2 61 73" },
  { "<5>", "05" },
  { "<<<'a'>>>", "a1 61" },

  { "@mi nothing", "c0" },
  { "@mi 5", "05" },
  { "@ms 'a'", "a1 61" },
  { "@ms ''", "a0" },
  { "@mms just nothing", "c0" },
  { "@mms nothing", "c0" },
  { "@may [byte 1]", "c4 01 01" },
  { "@may []", "c4 00" },
  { "@mav []", "90" },
  { "@m(is) (1, 'a')", "92 01 a1 61" },

  { "()", "90" },
  { "[(), ()]", "92 90 90" },
  { "(1,)", "91 01" },
  { "('a',)", "91 a1 61" },
  { "(byte 1, 'a', int16 2, 'b', int64 3, true, 1.5)",
    "97 01 a1 61 02 a1 62 03 c3 cb 3f f8 00 00 00 00 00 00" },
  { "('a', byte 1, ('b', int64 2), 'c')", "94 a1 61 01 92 a1 62 02 a1 63" },
  { "(byte 1, int64 2, byte 3)", "93 01 02 03" },
  { "[(byte 1, int64 2, byte 3), (byte 4, int64 5, byte 6)]", "92 93 01 02 03 93 04 05 06" },
  { "([byte 1, 2], @mi 3, @mi nothing, <'a'>)", "94 c4 02 01 02 03 c0 a1 61" },

  { "[true, false]", "92 c3 c2" },
  { "[int16 1, -1]", "92 01 ff" },
  { "[uint16 1, 65535]", "92 01 cd ff ff" },
  { "[1, 2]", "92 01 02" },
  { "[uint32 1, 4294967295]", "92 01 ce ff ff ff ff" },
  { "[int64 1, -1]", "92 01 ff" },
  { "[uint64 1, 18446744073709551615]", "92 01 cf ff ff ff ff ff ff ff ff" },
  { "[1.0]", "91 cb 3f f0 00 00 00 00 00 00" },
  { "['a', '', 'bc']", "93 a1 61 a0 a2 62 63" },
  { "@as []", "90" },
  { "@ax []", "90" },
  { "[[byte 1, 2], []]", "92 c4 02 01 02 c4 00" },
  { "[[1, 2], [3], []]", "93 92 01 02 91 03 90" },
  { "[@mi 1, nothing]", "92 01 c0" },
  { "[@ms 'a', nothing]", "92 a1 61 c0" },
  { "[@mv nothing, <'a'>]", "92 c0 a1 61" },
  { "[('a', 1), ('b', 2)]", "92 92 a1 61 01 92 a1 62 02" },
  { "[(1, 'a'), (2, 'b')]", "92 92 01 a1 61 92 02 a1 62" },

  { "{'a': 'b', 'c': 'd'}", "82 a1 61 a1 62 a1 63 a1 64" },
  { "{1: 2}", "81 01 02" },
  { "{1: 'a', 2: 'b'}", "82 01 a1 61 02 a1 62" },
  { "{byte 1: int64 2, 3: 4}", "82 01 02 03 04" },
  { "{true: 'a'}", "81 c3 a1 61" },
  { "{1.0: {'a': [1]}}", "81 cb 3f f0 00 00 00 00 00 00 81 a1 61 91 01" },
  { "@a{ii} {}", "80" },
  { "@a(vv) []", "80" },
  { "{objectpath '/a': @ay []}", "81 a2 2f 61 c4 00" },
  { "{'a', 1}", "81 a1 61 01" },
  { "{1, <'a'>}", "81 01 a1 61" },
  { "(@a(vv) [(<1>, <2>)], [('a', 'b')])", "92 81 01 02 91 92 a1 61 a1 62" },

  { "[(handle 5, [byte 1]), (handle 256, [byte 0x61])]", "92 d4 05 01 a1 61" },
  { "{'a': (handle -1, @ay [])}", "81 a1 61 c7 00 ff" },
  { "(handle 256, [byte 0x61])", "a1 61" },
  { "(handle 256, @ay [])", "a0" },
};

static void
test_written (gconstpointer data)
{
  const Written *written = data;
  g_autoptr(GVariant) serialised = NULL;
  g_autoptr(GVariant) untrusted = NULL;
  g_autoptr(GVariant) tree = variant_from_text (written->text);
  g_autoptr(GVariant) copy = variant_from_text (written->text);
  g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes (copy);
  g_autoptr(GBytes) wanted = gbytes_from_hex (written->hex);
  g_autofree char *wanted_hex = bytes_to_hex (wanted);
  GVariant *forms[3];

  g_test_summary ("A value of any type is written, whichever form it has in memory");

  serialised = g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (copy), bytes,
                                                             TRUE));
  untrusted = g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (copy), bytes,
                                                            FALSE));
  forms[0] = tree;
  forms[1] = serialised;
  forms[2] = untrusted;

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree char *hex = pack_to_hex (forms[i]);
      g_autofree char *boxed_hex = pack_to_hex (g_variant_new ("(v)", forms[i]));
      g_autofree char *wanted_boxed_hex = g_strconcat ("91 ", wanted_hex, NULL);

      g_assert_cmpstr (hex, ==, wanted_hex);
      g_assert_cmpstr (boxed_hex, ==, wanted_boxed_hex);
    }
}

static void
test_pack_floating (void)
{
  g_autoptr(GVariant) kept = g_variant_ref_sink (g_variant_new_int32 (5));
  g_autofree char *hex = pack_to_hex (kept);
  g_autofree char *consumed_hex = NULL;

  g_test_summary ("A floating value is consumed, another is not");

  g_assert_cmpstr (hex, ==, "05");
  g_assert_cmpint (g_variant_get_int32 (kept), ==, 5);

  /* A leak or a double free shows in the tools that look for such. */
  consumed_hex = pack_to_hex (g_variant_new_string ("a"));
  g_assert_cmpstr (consumed_hex, ==, "a1 61");
}

static void
assert_pack_fails (GVariant   *value,
                   int         code,
                   const char *text)
{
  g_autoptr(GByteArray) out = g_byte_array_new ();
  g_autoptr(GVariant) sunk = g_variant_take_ref (value);
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) again = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (sunk, &error);

  g_assert_error (error, MSGPACK_RPC_ERROR, code);
  g_assert_null (bytes);
  g_assert_nonnull (strstr (error->message, text));

  g_byte_array_append (out, (const guint8 *) "abc", 3);
  g_assert_false (_msgpack_rpc_packer_append_value (out, sunk, 0, &again));
  g_assert_error (again, MSGPACK_RPC_ERROR, code);
  g_assert_cmpmem (out->data, out->len, "abc", 3);
}

static void
test_pack_refused (void)
{
  static const char *const texts[] = {
    "handle 5",
    "[handle 5]",
    "(1, handle 5)",
    "('a', <handle 5>)",
    "{'a': handle 5}",
    "(handle 5, 'a')",
    "(handle 5, [byte 1], 1)",
    "(handle 5, [int16 1])",
    "(handle 128, [byte 1])",
    "(handle -129, [byte 1])",
    "(handle 255, [byte 1])",
    "(handle 257, [byte 1])",
    "[<'long enough to be written'>, <(handle 1000, [byte 1])>]",
  };

  g_test_summary ("Handles have no meaning but as the type of an ext, and leave nothing behind");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_test_message ("%s", texts[i]);
      assert_pack_fails (variant_from_text (texts[i]), MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "cannot be written");
    }
}

static GVariant *
variant_levels (guint levels)
{
  GVariant *value = g_variant_new_byte (1);

  while (levels-- > 0)
    value = g_variant_new_variant (value);

  return value;
}

static void
test_pack_depth (void)
{
  g_autofree char *hex = pack_to_hex (variant_levels (128));
  g_autofree char *type = g_strnfill (127, 'a');
  g_autofree char *array_type = g_strconcat (type, "i", NULL);
  g_autofree char *array_hex = NULL;

  g_test_summary ("As many levels are written as GVariant allows, and no more");

  g_assert_cmpstr (hex, ==, "01");
  assert_pack_fails (variant_levels (129), MSGPACK_RPC_ERROR_INVALID_VALUE, "128");
  assert_pack_fails (variant_levels (5000), MSGPACK_RPC_ERROR_INVALID_VALUE, "128");

  array_hex = pack_to_hex (g_variant_new_array (G_VARIANT_TYPE (array_type + 1), NULL, 0));
  g_assert_cmpstr (array_hex, ==, "90");
}

static GVariant *
variant_from_data (const char *type,
                   const char *hex,
                   gboolean    trusted)
{
  g_autoptr(GBytes) bytes = gbytes_from_hex (hex);

  return g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, trusted);
}

static void
test_pack_broken_data (void)
{
  static const struct
  {
    const char *type;
    const char *hex;
    const char *untrusted; /* what GLib takes the same for if it may doubt it */
  } cases[] = {
    { "s", "61", "a0" },
    { "s", "", "a0" },
    { "v", "", "90" },
    { "v", "01", "90" },
    { "v", "01 00", "90" },
    { "v", "01 00 21", "90" },
    { "v", "01 00 3f", "90" },
    { "v", "01 00 78", "90" },
    { "x", "01", "00" },
    { "(xx)", "01", "92 00 00" },
    { "mx", "01", "c0" },
    { "ax", "01 02 03", "90" },
    { "as", "61 00 ff", "90" },
    { "as", "61 00 02 01", NULL },
    { "as", "ff", "90" },
    { "as", "61 00 62 00 ff 04", NULL },
    { "as", "61 00 62 00 04 02 04", NULL },
    { "(ss)", "61 00", NULL },
    { "(ss)", "61 00 62 00 09", NULL },
    { "(sss)", "01", NULL },
    { "(hay)", "01", NULL },
    { "a{sv}", "61 00 05", NULL },
  };

  g_test_summary ("Data that break the promise of normal form are refused, not followed");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s %s", cases[i].type, cases[i].hex);
      assert_pack_fails (variant_from_data (cases[i].type, cases[i].hex, TRUE),
                         MSGPACK_RPC_ERROR_INVALID_VALUE, "normal form");

      if (cases[i].untrusted != NULL)
        {
          g_autofree char *hex = pack_to_hex (variant_from_data (cases[i].type, cases[i].hex,
                                                                 FALSE));

          g_assert_cmpstr (hex, ==, cases[i].untrusted);
        }
    }
}

static void
test_float_bits (void)
{
  static const char *const doubles[] = {
    "cb 7f f0 00 00 00 00 00 00", "cb ff f0 00 00 00 00 00 00", "cb 80 00 00 00 00 00 00 00",
    "cb 7f f8 00 00 00 00 00 00", "cb 7f f8 00 00 00 00 00 2a", "cb ff f8 00 00 00 00 00 00",
    "cb 00 00 00 00 00 00 00 01", "cb 7f ef ff ff ff ff ff ff",
  };
  static const Written floats[] = {
    { "ca 7f 80 00 00", "cb 7f f0 00 00 00 00 00 00" },
    { "ca ff 80 00 00", "cb ff f0 00 00 00 00 00 00" },
    { "ca 7f c0 00 00", "cb 7f f8 00 00 00 00 00 00" },
    { "ca 00 00 00 01", "cb 36 a0 00 00 00 00 00 00" },
  };

  g_test_summary ("NaN, the infinities, -0 and the smallest numbers keep their bits");

  for (gsize i = 0; i < G_N_ELEMENTS (doubles); i++)
    {
      g_autoptr(GVariant) value = unpack_hex (doubles[i]);
      g_autofree char *hex = pack_to_hex (value);

      g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE));
      g_assert_cmpstr (hex, ==, doubles[i]);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (floats); i++)
    {
      g_autoptr(GVariant) value = unpack_hex (floats[i].text);
      g_autofree char *hex = pack_to_hex (value);

      g_assert_cmpstr (hex, ==, floats[i].hex);
    }
}

static GVariant *
round_trip (GVariant *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, &error);
  GVariant *copy;

  g_assert_no_error (error);
  copy = msgpack_rpc_unpack (bytes, &error);
  g_assert_no_error (error);
  assert_well_formed (copy);

  return copy;
}

/* A value that takes @size bytes in an array, @n times. */
static GVariant *
array_of_strings (gsize n,
                  gsize length)
{
  g_autofree char *text = g_strnfill (length, 'x');
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (gsize i = 0; i < n; i++)
    g_variant_builder_add (&builder, "v", g_variant_new_string (text));

  return g_variant_builder_end (&builder);
}

static void
test_offset_size_borders (void)
{
  static const gsize borders[] = { 255, 65535 };

  g_test_summary ("Containers are right around the sizes where framing offsets grow");

  for (gsize i = 0; i < G_N_ELEMENTS (borders); i++)
    {
      for (gsize length = borders[i] - 40; length < borders[i] + 8; length++)
        {
          for (gsize n = 1; n < 3; n++)
            {
              g_autoptr(GVariant) array = NULL;
              g_autoptr(GVariant) map = NULL;
              g_autoptr(GVariant) array_copy = NULL;
              g_autoptr(GVariant) map_copy = NULL;

              array = g_variant_ref_sink (array_of_strings (n, length / n));
              array_copy = round_trip (array);
              g_assert_true (g_variant_equal (array, array_copy));

              map = g_variant_new_parsed ("[{'a', <%@av>}, {'b', <1>}]", array);
              g_variant_ref_sink (map);
              map_copy = round_trip (map);
              g_assert_cmpuint (g_variant_n_children (map_copy), ==, 2);
            }
        }
    }
}

/* A map with @n keys of one kind, each with a value of some size, and one key of another. */
static GByteArray *
map_that_changes (guint    n,
                  gboolean strings,
                  guint    value_length)
{
  GByteArray *out = g_byte_array_new ();
  guint8 header[] = { 0xde, (n + 1) >> 8, (n + 1) & 0xff };
  g_autofree char *text = g_strnfill (value_length, 'x');

  g_byte_array_append (out, header, sizeof header);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("%0*u", 1 + i % 17, i);

      if (strings)
        _msgpack_rpc_packer_append_str (out, key, strlen (key), 0, NULL);
      else
        _msgpack_rpc_packer_append_int (out, i);
      _msgpack_rpc_packer_append_str (out, text, value_length, 0, NULL);
    }
  _msgpack_rpc_packer_append_nil (out);
  _msgpack_rpc_packer_append_nil (out);

  return out;
}

static void
test_map_kind_changes (void)
{
  static const guint lengths[] = { 0, 5, 100, 200, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239,
                                   240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252,
                                   300, 65500, 65515, 65519, 65520, 65521, 65525, 65535 };

  g_test_summary ("A map whose last key is of another kind keeps all entries, in order");

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      for (guint kind = 0; kind < 2; kind++)
        {
          const guint n = lengths[i] > 1000 ? 3 : 300;
          g_autoptr(GByteArray) wire = map_that_changes (n, kind == 0, lengths[i]);
          g_autoptr(GBytes) bytes = g_bytes_new (wire->data, wire->len);
          g_autoptr(GError) error = NULL;
          g_autoptr(GVariant) value = msgpack_rpc_unpack (bytes, &error);
          g_autoptr(GBytes) written = NULL;

          g_assert_no_error (error);
          g_assert_cmpstr (g_variant_get_type_string (value), ==, "a(vv)");
          g_assert_cmpuint (g_variant_n_children (value), ==, n + 1);
          assert_well_formed (value);

          written = msgpack_rpc_pack (value, &error);
          g_assert_no_error (error);
          g_assert_cmpint (g_bytes_get_size (written), <=, g_bytes_get_size (bytes));
          if (n == 300)
            g_assert_true (g_bytes_equal (written, bytes));
        }
    }
}

static void
test_unpack_errors (void)
{
  static const struct
  {
    const char *hex;
    int code;
    const char *text;
  } cases[] = {
    { "c1", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "byte 0xc1 at offset 0" },
    { "92 01 c1", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "byte 0xc1 at offset 2" },
    { "93 a2 61 62 c1", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "byte 0xc1 at offset 4" },
    { "c9 ff ff ff ff 05", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "extension length" },
    { "", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "cut short" },
    { "92 01", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "after 2 bytes" },
    { "01 02 03", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "2 bytes too many after the message, at offset 1" },
    { "01 c1", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "1 bytes too many" },
    { "dd 10 00 00 00", MSGPACK_RPC_ERROR_TOO_LARGE, "67108864" },
    { "dd ff ff ff ff", MSGPACK_RPC_ERROR_TOO_LARGE, "4294967300 bytes or more" },
    { "df ff ff ff ff", MSGPACK_RPC_ERROR_TOO_LARGE, "67108864" },
    { "db ff ff ff ff", MSGPACK_RPC_ERROR_TOO_LARGE, "4294967300 bytes or more" },
    { "c6 ff ff ff ff", MSGPACK_RPC_ERROR_TOO_LARGE, "67108864" },
    { "c9 ff ff ff fe 05", MSGPACK_RPC_ERROR_TOO_LARGE, "67108864" },
    { "92 01 db 04 00 00 00", MSGPACK_RPC_ERROR_TOO_LARGE, "67108871 bytes or more" },
    { "93 01 db 03 ff ff f8", MSGPACK_RPC_ERROR_INVALID_MESSAGE, "cut short" },
    { "93 01 db 03 ff ff f9", MSGPACK_RPC_ERROR_TOO_LARGE, "67108865 bytes or more" },
  };

  g_test_summary ("What is no message is an error that says what, and where");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GBytes) bytes = gbytes_from_hex (cases[i].hex);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = msgpack_rpc_unpack (bytes, &error);

      g_test_message ("%s: %s", cases[i].hex, error != NULL ? error->message : "no error");
      g_assert_error (error, MSGPACK_RPC_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].text));
      g_assert_null (value);
    }
}

static void
test_unpack_duplicate_keys (void)
{
  g_autoptr(GVariant) value = unpack_hex ("83 a1 61 01 a1 62 02 a1 61 03");
  g_autoptr(GVariant) found = NULL;

  g_test_summary ("A key that occurs twice is kept twice, and looking it up finds the first");

  g_assert_cmpuint (g_variant_n_children (value), ==, 3);
  found = g_variant_lookup_value (value, "a", NULL);
  g_assert_cmpint (g_variant_get_int64 (found), ==, 1);
}

/* Writes a random value by msgpack-c. */
static void
write_random (msgpack_packer *packer,
              guint           depth)
{
  static const gint64 ints[] = { 0, 1, -1, 127, 128, 255, 256, -32, -33, -128, -129, 65535, 65536,
                                 G_MAXINT32, G_MININT32, G_MAXUINT32, G_MAXINT64, G_MININT64 };
  int n = g_test_rand_int_range (0, g_test_rand_bit () ? 4 : 40);
  g_autofree char *body = g_strnfill (n, "ax1\xff"[g_test_rand_int_range (0, 4)]);

  switch (g_test_rand_int_range (0, depth > 0 ? 12 : 9))
    {
    case 0:
      msgpack_pack_nil (packer);
      break;
    case 1:
      msgpack_pack_true (packer);
      break;
    case 2:
      msgpack_pack_int64 (packer, ints[g_test_rand_int_range (0, G_N_ELEMENTS (ints))]);
      break;
    case 3:
      msgpack_pack_uint64 (packer, G_MAXUINT64 - n);
      break;
    case 4:
      msgpack_pack_double (packer, g_test_rand_double ());
      break;
    case 5:
    case 6:
      msgpack_pack_str_with_body (packer, body, n);
      break;
    case 7:
      msgpack_pack_bin_with_body (packer, body, n);
      break;
    case 8:
      msgpack_pack_ext_with_body (packer, body, n, g_test_rand_int_range (-128, 128));
      break;
    case 9:
      msgpack_pack_array (packer, n);
      while (n-- > 0)
        write_random (packer, depth - 1);
      break;
    default:
      msgpack_pack_map (packer, n);
      while (n-- > 0)
        {
          if (g_test_rand_int_range (0, 20) == 0)
            write_random (packer, depth - 1);
          else
            msgpack_pack_str_with_body (packer, "key", n % 4);
          write_random (packer, depth - 1);
        }
      break;
    }
}

static void
test_oracle (void)
{
  const guint n = g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 20000 : 400;

  g_test_summary ("What msgpack-c writes is read, and written again as the same bytes");

  for (guint i = 0; i < n; i++)
    {
      msgpack_sbuffer buffer;
      msgpack_packer packer;
      g_autoptr(GBytes) bytes = NULL;
      g_autoptr(GBytes) written = NULL;
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      msgpack_sbuffer_init (&buffer);
      msgpack_packer_init (&packer, &buffer, msgpack_sbuffer_write);
      write_random (&packer, 4);
      bytes = g_bytes_new (buffer.data, buffer.size);
      msgpack_sbuffer_destroy (&buffer);

      value = msgpack_rpc_unpack (bytes, &error);
      g_assert_no_error (error);
      assert_well_formed (value);

      written = msgpack_rpc_pack (value, &error);
      g_assert_no_error (error);
      g_assert_true (g_bytes_equal (written, bytes));
    }
}

static void
test_envelope (void)
{
  g_autoptr(GByteArray) out = g_byte_array_new ();
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_int32 (5));
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *hex = NULL;

  g_test_summary ("An envelope is written item by item");

  _msgpack_rpc_packer_append_array (out, 8);
  _msgpack_rpc_packer_append_uint (out, G_MAXUINT64);
  _msgpack_rpc_packer_append_int (out, -1);
  _msgpack_rpc_packer_append_int (out, 200);
  g_assert_true (_msgpack_rpc_packer_append_str (out, "a\0b", 3, 0, &error));
  g_assert_no_error (error);
  _msgpack_rpc_packer_append_nil (out);
  _msgpack_rpc_packer_append_bool (out, TRUE);
  _msgpack_rpc_packer_append_bool (out, 0);
  g_assert_true (_msgpack_rpc_packer_append_value (out, value, 0, &error));
  g_assert_no_error (error);
  _msgpack_rpc_packer_append_array (out, 70000);

  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  hex = bytes_to_hex (bytes);
  g_assert_cmpstr (hex, ==, "98 cf ff ff ff ff ff ff ff ff ff cc c8 a3 61 00 62 c0 c3 c2 05 "
                            "dd 00 01 11 70");
}

static void
assert_conforms (const char *line)
{
  g_auto(GStrv) fields = g_strsplit (line, " | ", -1);
  guint n = g_strv_length (fields);
  g_autoptr(GBytes) wire = NULL;
  g_autoptr(GBytes) expected = NULL;
  g_autoptr(GBytes) packed = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) from_text = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (n == 3 || n == 4);
  wire = gbytes_from_hex (fields[1]);
  expected = gbytes_from_hex (fields[n == 4 ? 3 : 1]);
  from_text = variant_from_text (fields[2]);

  value = msgpack_rpc_unpack (wire, &error);
  g_assert_no_error (error);
  assert_well_formed (value);
  g_assert_cmpvariant (value, from_text);

  packed = msgpack_rpc_pack (from_text, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (packed, NULL), g_bytes_get_size (packed),
                   g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
test_conformance (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "conformance.txt", NULL);
  g_autofree char *text = NULL;
  g_auto(GStrv) lines = NULL;
  g_autoptr(GError) error = NULL;
  guint n = 0;

  g_test_summary ("The values of the table are read and written as it says");

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the table is not installed");
      return;
    }

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (*lines[i] == '\0' || *lines[i] == '#')
        continue;

      assert_conforms (lines[i]);
      n++;
    }

  g_assert_cmpuint (n, >, 100);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (mappings); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (mappings[i].hex), " ", '-');
      g_autofree char *path = g_strconcat ("/msgpack-rpc/value/mapping/", name, NULL);
      g_autofree char *cut = g_strconcat ("/msgpack-rpc/value/cut-short/", name, NULL);

      g_test_add_data_func (path, &mappings[i], test_mapping);
      g_test_add_data_func (cut, &mappings[i], test_mapping_cut_short);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (writtens); i++)
    {
      g_autofree char *path = g_strdup_printf ("/msgpack-rpc/value/written/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, &writtens[i], test_written);
    }

  g_test_add_func ("/msgpack-rpc/value/pack-floating", test_pack_floating);
  g_test_add_func ("/msgpack-rpc/value/pack-refused", test_pack_refused);
  g_test_add_func ("/msgpack-rpc/value/pack-depth", test_pack_depth);
  g_test_add_func ("/msgpack-rpc/value/pack-broken-data", test_pack_broken_data);
  g_test_add_func ("/msgpack-rpc/value/float-bits", test_float_bits);
  g_test_add_func ("/msgpack-rpc/value/offset-size-borders", test_offset_size_borders);
  g_test_add_func ("/msgpack-rpc/value/map-kind-changes", test_map_kind_changes);
  g_test_add_func ("/msgpack-rpc/value/unpack-errors", test_unpack_errors);
  g_test_add_func ("/msgpack-rpc/value/unpack-duplicate-keys", test_unpack_duplicate_keys);
  g_test_add_func ("/msgpack-rpc/value/oracle", test_oracle);
  g_test_add_func ("/msgpack-rpc/value/envelope", test_envelope);
  g_test_add_func ("/msgpack-rpc/value/conformance", test_conformance);

  return g_test_run ();
}
