/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The dialects of MessagePack itself: how values are written, and what becomes of a str that is no
 * text. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "test-bytes.h"
#include "test-util.h"

static char *
pack_to_hex (GVariant            *value,
             MsgpackRpcPackFlags  flags)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack_full (value, flags, &error);

  g_assert_no_error (error);

  return bytes_to_hex (bytes);
}

static void
assert_packs (const char          *text,
              MsgpackRpcPackFlags  flags,
              const char          *expected)
{
  g_autoptr(GVariant) value = variant_from_text (text);
  g_autofree char *hex = pack_to_hex (value, flags);
  g_autoptr(GBytes) wanted_bytes = gbytes_from_hex (expected);
  g_autofree char *wanted = bytes_to_hex (wanted_bytes);

  g_assert_cmpstr (hex, ==, wanted);
}

/* That @value, floating, cannot be written: the error says @what. */
static void
assert_pack_fails (GVariant            *value,
                   MsgpackRpcPackFlags  flags,
                   const char          *what)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack_full (value, flags, &error);

  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_nonnull (strstr (error->message, what));
  g_assert_null (bytes);
}

/* What is in front of the body of a str or bin, in either form. */
typedef struct
{
  gsize length;
  const char *legacy;
  const char *str;
  const char *bin;
} Header;

static const Header headers[] = {
  { 0, "a0", "a0", "c4 00" },
  { 1, "a1", "a1", "c4 01" },
  { 31, "bf", "bf", "c4 1f" },
  { 32, "da 00 20", "d9 20", "c4 20" },
  { 255, "da 00 ff", "d9 ff", "c4 ff" },
  { 256, "da 01 00", "da 01 00", "c5 01 00" },
  { 65535, "da ff ff", "da ff ff", "c5 ff ff" },
  { 65536, "db 00 01 00 00", "db 00 01 00 00", "c6 00 01 00 00" },
};

/* @value, floating, must be written as @header and @body. */
static void
assert_header (GVariant            *value,
               MsgpackRpcPackFlags  flags,
               const char          *header,
               const void          *body,
               gsize                length)
{
  g_autoptr(GByteArray) expected = bytes_from_hex (header);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack_full (value, flags, &error);

  g_assert_no_error (error);
  g_byte_array_append (expected, body, length);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   expected->data, expected->len);
}

static void
test_legacy_headers (void)
{
  const MsgpackRpcPackFlags legacy = MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;

  g_test_summary ("The legacy form writes text and bytes as raw, at each border of the lengths");

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      const Header *header = &headers[i];
      gsize length = header->length;
      g_autofree char *text = g_strnfill (length, 'x');
      g_autoptr(GBytes) bytes = g_bytes_new (text, length);

      assert_header (g_variant_new_string (text), legacy, header->legacy, text, length);
      assert_header (g_variant_new_string (text), 0, header->str, text, length);
      assert_header (g_variant_new_from_bytes (G_VARIANT_TYPE ("ay"), bytes, TRUE), legacy,
                     header->legacy, text, length);
      assert_header (g_variant_new_from_bytes (G_VARIANT_TYPE ("ay"), bytes, TRUE), 0,
                     header->bin, text, length);
      assert_header (msgpack_rpc_variant_new_raw_string (bytes), legacy,
                     header->legacy, text, length);
      assert_header (g_variant_new_variant (g_variant_new_string (text)), legacy,
                     header->legacy, text, length);
    }
}

static void
test_legacy_everywhere (void)
{
  const MsgpackRpcPackFlags legacy = MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;
  g_autofree char *key = g_strnfill (32, 'k');
  g_autofree char *text = g_strdup_printf ("[<{'%s': <b'\\377'>}>, <@ay []>, <(handle 256, b'')>,"
                                           " <{@o '/': <@g 'i'>}>, <1.5>]", key);

  g_test_summary ("The legacy form holds in keys, in containers and for each type of text");

  assert_packs (text, legacy,
                "95 81 da 00 20 6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b"
                "a2 ff 00 a0 a1 00 81 a1 2f a1 69 cb 3f f8 00 00 00 00 00 00");
}

static void
test_legacy_ext (void)
{
  const MsgpackRpcPackFlags legacy = MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;

  g_test_summary ("The legacy form has no ext: writing one is an error that says so");

  assert_pack_fails (g_variant_new_parsed ("(handle 5, @ay [1])"), legacy,
                     "the legacy form has no extension values");
  assert_pack_fails (g_variant_new_parsed ("[<'a'>, <(handle -1, @ay [0, 0, 0, 1])>]"), legacy,
                     "the legacy form has no extension values");
}

static void
test_float32 (void)
{
  const MsgpackRpcPackFlags float32 = MSGPACK_RPC_PACK_FLAGS_FLOAT32;

  g_test_summary ("Floats are written with 32 bits, rounded to the nearest");

  assert_packs ("1.5", float32, "ca 3f c0 00 00");
  assert_packs ("0.1", float32, "ca 3d cc cc cd");
  assert_packs ("-0.0", float32, "ca 80 00 00 00");
  /* Halfway between two: the even one. */
  assert_packs ("16777217.0", float32, "ca 4b 80 00 00");
  assert_packs ("16777219.0", float32, "ca 4b 80 00 02");
  assert_packs ("1e-60", float32, "ca 00 00 00 00");
  assert_packs ("3.4028234663852886e+38", float32, "ca 7f 7f ff ff");
  assert_packs ("[<{'a': <1.5>}>, <[0.5, -2.0]>, <(1.0, 7)>]", float32,
                "93 81 a1 61 ca 3f c0 00 00 92 ca 3f 00 00 00 ca c0 00 00 00 92 ca 3f 80 00 00 07");
  assert_packs ("1.5", MSGPACK_RPC_PACK_FLAGS_NONE, "cb 3f f8 00 00 00 00 00 00");
  assert_packs ("(1.5, b'\\377')", float32 | MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW,
                "92 ca 3f c0 00 00 a2 ff 00");
}

static void
test_float32_borders (void)
{
  const MsgpackRpcPackFlags float32 = MSGPACK_RPC_PACK_FLAGS_FLOAT32;
  const double limit = FLT_MAX + ldexp (1, 103); /* halfway to what would come next */
  g_autofree char *below = pack_to_hex (g_variant_new_double (nextafter (limit, 0)), float32);
  g_autofree char *infinity = pack_to_hex (g_variant_new_double (HUGE_VAL), float32);
  g_autofree char *minus = pack_to_hex (g_variant_new_double (-HUGE_VAL), float32);
  g_autofree char *nan_hex = pack_to_hex (g_variant_new_double (NAN), float32);

  g_test_summary ("Infinities and NaN stay what they are; what would become one is an error");

  g_assert_cmpstr (below, ==, "ca 7f 7f ff ff");
  g_assert_cmpstr (infinity, ==, "ca 7f 80 00 00");
  g_assert_cmpstr (minus, ==, "ca ff 80 00 00");
  g_assert_true (g_str_has_prefix (nan_hex, "ca 7f c") || g_str_has_prefix (nan_hex, "ca ff c"));

  assert_pack_fails (g_variant_new_double (limit), float32,
                     "3.4028235677973366e+38 is too large for a 32-bit float");
  assert_pack_fails (g_variant_new_parsed ("[1.0, -1e300]"), float32,
                     "-1.0000000000000001e+300 is too large for a 32-bit float");
  assert_pack_fails (g_variant_new_double (DBL_MAX), float32, "too large for a 32-bit float");
}

/* Reads one value with @policy, in pieces of @piece bytes. */
static GVariant *
unpack_with (GByteArray              *bytes,
             MsgpackRpcStringPolicy   policy,
             gsize                    piece,
             GError                 **error)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = g_object_new (MSGPACK_RPC_TYPE_UNPACKER,
                                                         "string-policy", policy, NULL);
  GVariant *value = NULL;

  for (gsize i = 0; i < bytes->len && value == NULL && *error == NULL; i += piece)
    {
      msgpack_rpc_unpacker_feed (unpacker, bytes->data + i, MIN (piece, bytes->len - i));
      value = msgpack_rpc_unpacker_next (unpacker, error);
    }

  return value;
}

typedef struct
{
  const char *hex;
  const char *raw;     /* the value by the policies that read it, as GVariant text */
  const char *replace;
  const char *strict;  /* the error */
} Policies;

#define NOT_UTF8 "str that is not valid UTF-8 at offset "
#define HAS_NUL "NUL in a str at offset "

static const Policies policies[] = {
  { "a1 ff", "(handle 256, [byte 0xff])", "'\\uFFFD'", NOT_UTF8 "1" },
  { "a1 00", "(handle 256, [byte 0x00])", "'\\uFFFD'", HAS_NUL "1" },
  /* Cut, a surrogate, overlong, beyond U+10FFFF: a character for each byte. */
  { "a2 e2 82", "(handle 256, [byte 0xe2, 0x82])", "'\\uFFFD\\uFFFD'", NOT_UTF8 "1" },
  { "a4 61 ed a0 80", "(handle 256, [byte 0x61, 0xed, 0xa0, 0x80])",
    "'a\\uFFFD\\uFFFD\\uFFFD'", NOT_UTF8 "2" },
  { "a2 c0 80", "(handle 256, [byte 0xc0, 0x80])", "'\\uFFFD\\uFFFD'", NOT_UTF8 "1" },
  { "a4 f4 90 80 80", "(handle 256, [byte 0xf4, 0x90, 0x80, 0x80])",
    "'\\uFFFD\\uFFFD\\uFFFD\\uFFFD'", NOT_UTF8 "1" },
  /* What is valid around it stays. */
  { "a7 c3 a4 ff e2 82 ac 00", "(handle 256, [byte 0xc3, 0xa4, 0xff, 0xe2, 0x82, 0xac, 0x00])",
    "'ä\\uFFFD€\\uFFFD'", NOT_UTF8 "3" },
  { "d9 0a 61 62 63 64 65 66 67 68 00 ff",
    "(handle 256, [byte 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x00, 0xff])",
    "'abcdefgh\\uFFFD\\uFFFD'", HAS_NUL "10" },
  /* In a container, and as a key: the kind of the map follows. */
  { "92 01 a1 ff", "[<int64 1>, <(handle 256, [byte 0xff])>]", "[<int64 1>, <'\\uFFFD'>]",
    NOT_UTF8 "3" },
  { "81 a2 6b ff 01", "[(<(handle 256, [byte 0x6b, 0xff])>, <int64 1>)]",
    "{'k\\uFFFD': <int64 1>}", NOT_UTF8 "3" },
  { "82 a1 61 01 a1 00 02", "[(<'a'>, <int64 1>), (<(handle 256, [byte 0x00])>, <int64 2>)]",
    "{'a': <int64 1>, '\\uFFFD': <int64 2>}", HAS_NUL "5" },
  { "82 01 01 a1 ff 02", "[(<int64 1>, <int64 1>), (<(handle 256, [byte 0xff])>, <int64 2>)]",
    "[(<int64 1>, <int64 1>), (<'\\uFFFD'>, <int64 2>)]", NOT_UTF8 "4" },
};

static void
assert_unpacks (GByteArray             *bytes,
                MsgpackRpcStringPolicy  policy,
                gsize                   piece,
                const char             *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = unpack_with (bytes, policy, piece, &error);
  g_autoptr(GVariant) wanted = variant_from_text (expected);

  g_assert_no_error (error);
  g_assert_nonnull (value);
  assert_well_formed (value);
  g_assert_cmpvariant (value, wanted);
}

static void
assert_unpack_fails (GByteArray             *bytes,
                     MsgpackRpcStringPolicy  policy,
                     gsize                   piece,
                     const char             *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *wanted = g_strconcat ("Invalid MessagePack: ", expected, NULL);

  g_assert_null (unpack_with (bytes, policy, piece, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_cmpstr (error->message, ==, wanted);
}

static void
test_policies (void)
{
  g_test_summary ("A str that is no text is kept raw, repaired, or an error, wherever it is cut");

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autoptr(GByteArray) bytes = bytes_from_hex (policies[i].hex);

      for (gsize piece = 1; piece <= bytes->len; piece++)
        {
          assert_unpacks (bytes, MSGPACK_RPC_STRING_POLICY_RAW, piece, policies[i].raw);
          assert_unpacks (bytes, MSGPACK_RPC_STRING_POLICY_REPLACE, piece, policies[i].replace);
          assert_unpack_fails (bytes, MSGPACK_RPC_STRING_POLICY_STRICT, piece,
                               policies[i].strict);
        }
    }
}

static void
test_policies_with_text (void)
{
  const char *const texts[] = { "''", "'a'", "'ä€𝄞'", "'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL'",
                                "@ay []", "b'\\377'", "(handle 5, b'\\377')" };

  g_test_summary ("The policy is only about strs that are no text");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (texts[i]);
      g_autofree char *hex = pack_to_hex (value, MSGPACK_RPC_PACK_FLAGS_NONE);
      g_autoptr(GByteArray) bytes = bytes_from_hex (hex);

      assert_unpacks (bytes, MSGPACK_RPC_STRING_POLICY_RAW, bytes->len, texts[i]);
      assert_unpacks (bytes, MSGPACK_RPC_STRING_POLICY_REPLACE, bytes->len, texts[i]);
      assert_unpacks (bytes, MSGPACK_RPC_STRING_POLICY_STRICT, bytes->len, texts[i]);
    }
}

/* A message that is one str of @length random bytes, most of them ASCII. */
static GByteArray *
random_str (GRand *rand,
            gsize  length)
{
  GByteArray *bytes = bytes_from_hex ("da");
  guint8 size[2] = { length >> 8, length & 0xff };

  g_byte_array_append (bytes, size, sizeof size);
  for (gsize i = 0; i < length; i++)
    {
      guint8 byte = g_rand_int_range (rand, 0, 8) > 0 ? 'x' : g_rand_int (rand) & 0xff;

      g_byte_array_append (bytes, &byte, 1);
    }

  return bytes;
}

static void
test_replace_random (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (3);

  g_test_summary ("A repaired string is what GLib makes of it");

  for (guint i = 0; i < 2000; i++)
    {
      gsize length = g_rand_int_range (rand, 1, 300);
      g_autoptr(GByteArray) bytes = random_str (rand, length);
      g_autofree char *expected = g_utf8_make_valid ((const char *) bytes->data + 3, length);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = NULL;

      value = unpack_with (bytes, MSGPACK_RPC_STRING_POLICY_REPLACE, bytes->len, &error);
      g_assert_no_error (error);
      assert_well_formed (value);
      g_assert_cmpstr (g_variant_get_string (value, NULL), ==, expected);
    }
}

static void
test_replace_limit (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) bytes = bytes_from_hex ("da ff ff");
  g_autofree guint8 *body = g_malloc (65535);
  g_autoptr(GError) error = NULL;

  g_test_summary ("A repaired string counts with its new size against the limit");

  memset (body, 0xff, 65535);
  g_byte_array_append (bytes, body, 65535);
  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, 3 * 65535);
  msgpack_rpc_unpacker_set_string_policy (unpacker, MSGPACK_RPC_STRING_POLICY_REPLACE);
  msgpack_rpc_unpacker_feed (unpacker, bytes->data, bytes->len);

  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (error->message, "the limit is 196605"));
}

static void
count_notify (GObject    *object,
              GParamSpec *pspec,
              gpointer    user_data)
{
  ++*(guint *) user_data;
}

static void
test_unpacker_property (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) bytes = bytes_from_hex ("94 a1 ff a1 ff a1 ff 01 a1 ff");
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) expected = variant_from_text (
    "[<'\\uFFFD'>, <'\\uFFFD'>, <'\\uFFFD'>, <int64 1>]");
  g_autoptr(GError) error = NULL;
  MsgpackRpcStringPolicy policy;
  guint n_notified = 0;

  g_test_summary ("An unpacker's policy may change within a message, and tells so");

  g_signal_connect (unpacker, "notify::string-policy", G_CALLBACK (count_notify), &n_notified);
  g_object_get (unpacker, "string-policy", &policy, NULL);
  g_assert_cmpint (policy, ==, MSGPACK_RPC_STRING_POLICY_RAW);

  msgpack_rpc_unpacker_feed (unpacker, bytes->data, 3);
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  msgpack_rpc_unpacker_set_string_policy (unpacker, MSGPACK_RPC_STRING_POLICY_REPLACE);
  msgpack_rpc_unpacker_set_string_policy (unpacker, MSGPACK_RPC_STRING_POLICY_REPLACE);
  g_assert_cmpuint (n_notified, ==, 1);

  msgpack_rpc_unpacker_feed (unpacker, bytes->data + 3, bytes->len - 3);
  value = msgpack_rpc_unpacker_next (unpacker, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (value, expected);

  g_object_set (unpacker, "string-policy", MSGPACK_RPC_STRING_POLICY_STRICT, NULL);
  g_assert_cmpint (msgpack_rpc_unpacker_get_string_policy (unpacker), ==,
                   MSGPACK_RPC_STRING_POLICY_STRICT);
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_cmpstr (error->message, ==, "Invalid MessagePack: " NOT_UTF8 "9");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/options/legacy-headers", test_legacy_headers);
  g_test_add_func ("/msgpack-rpc/options/legacy-everywhere", test_legacy_everywhere);
  g_test_add_func ("/msgpack-rpc/options/legacy-ext", test_legacy_ext);
  g_test_add_func ("/msgpack-rpc/options/float32", test_float32);
  g_test_add_func ("/msgpack-rpc/options/float32-borders", test_float32_borders);
  g_test_add_func ("/msgpack-rpc/options/policies", test_policies);
  g_test_add_func ("/msgpack-rpc/options/policies-with-text", test_policies_with_text);
  g_test_add_func ("/msgpack-rpc/options/replace-random", test_replace_random);
  g_test_add_func ("/msgpack-rpc/options/replace-limit", test_replace_limit);
  g_test_add_func ("/msgpack-rpc/options/unpacker-property", test_unpacker_property);

  return g_test_run ();
}
