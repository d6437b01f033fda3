/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The dialects of MessagePack itself: how values are written, and what becomes of a str that is no
 * text. */

#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "test-raw-bytes.h"
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

/* ---- connections ---- */

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher; /* the connection's */
} Fixture;

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

/* Fails with as many characters as it is told. */
static gboolean
fail (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  g_autofree char *text = NULL;
  gint64 length;

  g_variant_get (params, "(x)", &length);
  text = g_strnfill (length, 'e');
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, text);
  return FALSE;
}

/* What a program of today has no qualms to answer. */
static gboolean
get_ext (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new_parsed ("(handle 5, b'x')"));
}

static gboolean
count_bytes (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  g_autoptr(GVariant) bytes = g_variant_get_child_value (params, 0);

  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new_int64 (g_variant_get_size (bytes)));
}

static MsgpackRpcDispatcher *
dispatcher_new (void)
{
  MsgpackRpcDispatcher *self = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (self, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "count", "(ay)", count_bytes, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "echo", NULL, echo, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "echo\xef\xbf\xbd", NULL, echo, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "ext", NULL, get_ext, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "fail", "(x)", fail, NULL, NULL);

  return self;
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&f->raw);

  f->connection = msgpack_rpc_connection_new (stream);
  f->dispatcher = dispatcher_new ();
  msgpack_rpc_connection_set_dispatcher (f->connection, f->dispatcher);
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  g_assert_finalize_object (f->connection);
  g_object_unref (f->dispatcher);
  raw_peer_clear (&f->raw);
}

static void
test_error_replies (Fixture       *f,
                    gconstpointer  data)
{
  g_autofree char *text_41 = g_strnfill (41, 'e');
  g_autofree char *text_52 = g_strnfill (52, 'e');
  gsize size;

  g_test_summary ("An error reply in the legacy form: 48 bytes for 41 characters, 59 for 52");

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  send_hex (&f->raw, "94 00 01 a4 6661696c 91 29");
  size = assert_comes (&f->raw, "94 01 01 da 00 29", text_41, "c0");
  g_assert_cmpuint (size, ==, 48);
  send_hex (&f->raw, "94 00 01 a4 6661696c 91 34");
  size = assert_comes (&f->raw, "94 01 01 da 00 34", text_52, "c0");
  g_assert_cmpuint (size, ==, 59);

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_NONE);
  send_hex (&f->raw, "94 00 01 a4 6661696c 91 29");
  assert_comes (&f->raw, "94 01 01 d9 29", text_41, "c0");
}

static void
test_legacy_messages (Fixture       *f,
                      gconstpointer  data)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (f->connection);
  g_autofree char *method = g_strnfill (32, 'm');
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Calls, notifications and other messages are written in the legacy form");

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  call = msgpack_rpc_peer_start_call (peer, method, g_variant_new_parsed ("(b'\\377',)"));
  assert_comes (&f->raw, "94 00 01 da 00 20", method, "91 a2 ff 00");

  g_assert_true (msgpack_rpc_peer_send_notification (peer, method, NULL, &error));
  g_assert_no_error (error);
  assert_comes (&f->raw, "93 02 da 00 20", method, "90");

  g_assert_true (msgpack_rpc_connection_send_message (f->connection,
                                                      g_variant_new ("(is)", 9, method), &error));
  g_assert_no_error (error);
  assert_comes (&f->raw, "92 09 da 00 20", method, "");

  g_assert_false (msgpack_rpc_peer_send_notification (peer, "n",
                                                      g_variant_new_parsed ("(handle 5, b'x')"),
                                                      &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (f->connection), ==, 0);
  msgpack_rpc_call_cancel (call);
}

static void
test_legacy_peer (Fixture       *f,
                  gconstpointer  data)
{
  g_autofree char *text = g_strnfill (40, 'x');
  g_autofree char *request = g_strdup_printf ("94 00 05 a4 6563686f 91 da 00 28 %s",
                                              "7878787878787878787878787878787878787878"
                                              "7878787878787878787878787878787878787878");

  g_test_summary ("A peer from before str and bin were told apart is understood and answered");

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  send_hex (&f->raw, request);
  assert_comes (&f->raw, "94 01 05 c0 91 da 00 28", text, "");

  /* Its bytes come back as they were, and a declared type takes them. */
  send_hex (&f->raw, "94 00 06 a4 6563686f 91 a3 ff 00 fe");
  assert_comes (&f->raw, "94 01 06 c0 91 a3 ff 00 fe", "", "");
  send_hex (&f->raw, "94 00 07 a5 636f756e74 91 a3 ff 00 fe");
  assert_comes (&f->raw, "94 01 07 c0 03", "", "");
  send_hex (&f->raw, "94 00 08 a5 636f756e74 91 a3 616263");
  assert_comes (&f->raw, "94 01 08 c0 03", "", "");

  /* What it could not read is an error that it can. */
  send_hex (&f->raw, "94 00 09 a3 657874 90");
  assert_comes (&f->raw, "94 01 09 da 00 4f",
                "Value cannot be written as MessagePack: the legacy form has no extension values",
                "c0");
}

static void
test_broken_input (Fixture       *f,
                   gconstpointer  data)
{
  g_test_summary ("What a peer is told last is in the legacy form, too");

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  send_hex (&f->raw, "93 02 c1");
  assert_comes (&f->raw, "94 01 00 da 00 2a", "Invalid MessagePack: byte 0xc1 at offset 2", "c0");
  raw_peer_wait_closed (&f->raw);
}

static void
test_float32_messages (Fixture       *f,
                       gconstpointer  data)
{
  g_test_summary ("Floats are answered with 32 bits, but an id is echoed as it came");

  msgpack_rpc_connection_set_pack_flags (f->connection, MSGPACK_RPC_PACK_FLAGS_FLOAT32);
  send_hex (&f->raw, "94 00 05 a4 6563686f 91 cb 3f f8 00 00 00 00 00 00");
  assert_comes (&f->raw, "94 01 05 c0 91 ca 3f c0 00 00", "", "");

  send_hex (&f->raw, "94 00 cb 41 f0 00 00 00 10 00 00 a4 6563686f 90");
  assert_comes (&f->raw, "94 01 cb 41 f0 00 00 00 10 00 00 c0 90", "", "");

  send_hex (&f->raw, "94 00 06 a4 6563686f 91 cb 7e 37 e4 3c 88 00 75 9c");
  assert_comes (&f->raw, "94 01 06 d9 5f",
                "Value cannot be written as MessagePack: "
                "1.0000000000000001e+300 is too large for a 32-bit float", "c0");
}

static void
test_connection_policies (Fixture       *f,
                          gconstpointer  data)
{
  g_test_summary ("A connection reads by its policy, which may change at any time");

  send_hex (&f->raw, "94 00 01 a4 6563686f 91 a1 ff");
  assert_comes (&f->raw, "94 01 01 c0 91 a1 ff", "", "");

  /* Method names, too. */
  msgpack_rpc_connection_set_string_policy (f->connection, MSGPACK_RPC_STRING_POLICY_REPLACE);
  send_hex (&f->raw, "94 00 02 a4 6563686f 91 a1 ff");
  assert_comes (&f->raw, "94 01 02 c0 91 a3 ef bf bd", "", "");
  send_hex (&f->raw, "94 00 03 a5 6563686f ff 90");
  assert_comes (&f->raw, "94 01 03 c0 90", "", "");

  msgpack_rpc_connection_set_string_policy (f->connection, MSGPACK_RPC_STRING_POLICY_RAW);
  send_hex (&f->raw, "94 00 04 a4 6563686f 91 a1 00");
  assert_comes (&f->raw, "94 01 04 c0 91 a1 00", "", "");
}

static void
store_error_cb (MsgpackRpcConnection *connection,
                const GError         *error,
                GVariant             *incomplete,
                GVariant             *unsent,
                gpointer              user_data)
{
  GError **where = user_data;

  g_assert_nonnull (error);
  *where = g_error_copy (error);
}

static void
test_connection_strict (Fixture       *f,
                        gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("By the strict policy such a str ends the connection, and the peer is told");

  g_signal_connect (f->connection, "closed", G_CALLBACK (store_error_cb), &error);
  msgpack_rpc_connection_set_string_policy (f->connection, MSGPACK_RPC_STRING_POLICY_STRICT);
  send_hex (&f->raw, "94 00 01 a4 6563686f 91 a1 61");
  assert_comes (&f->raw, "94 01 01 c0 91 a1 61", "", "");
  send_hex (&f->raw, "94 00 02 a4 6563686f 91 a1 ff");
  assert_comes (&f->raw, "94 01 00 d9 3d",
                "Invalid MessagePack: str that is not valid UTF-8 at offset 21", "c0");
  WAIT_UNTIL (error != NULL);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_cmpstr (error->message, ==, "Invalid MessagePack: " NOT_UTF8 "21");
}

static void
assert_echo (MsgpackRpcConnection *connection,
             const char           *params,
             const char           *expected)
{
  g_autoptr(GVariant) sent = test_parse (params);
  g_autoptr(GVariant) wanted = variant_from_text (expected);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "echo", sent, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (value, wanted);
}

static gpointer
serve (gpointer data)
{
  MsgpackRpcConnection *connection = data;
  GMainContext *context = msgpack_rpc_connection_get_main_context (connection);

  g_main_context_push_thread_default (context);
  while (msgpack_rpc_connection_get_status (connection) == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  g_object_unref (connection);
  return NULL;
}

/* The other end of @stream, which echoes in a thread of its own, as @flags and @policy say. */
static GThread *
start_server (GIOStream              *stream,
              MsgpackRpcPackFlags     flags,
              MsgpackRpcStringPolicy  policy)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();

  return g_thread_new ("server", serve,
                       g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                     "io-stream", stream,
                                     "main-context", context,
                                     "dispatcher", dispatcher,
                                     "pack-flags", flags,
                                     "string-policy", policy,
                                     NULL));
}

static void
test_pair (void)
{
  const MsgpackRpcPackFlags flags = MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW |
                                    MSGPACK_RPC_PACK_FLAGS_FLOAT32;
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  g_autoptr(GSocket) socket = g_socket_new_from_fd (dup (raw.fd), NULL);
  g_autoptr(GSocketConnection) other = g_socket_connection_factory_create_connection (socket);
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);
  GThread *thread;

  g_test_summary ("Two connections with options understand each other");

  raw_peer_clear (&raw);
  thread = start_server (G_IO_STREAM (other), flags, MSGPACK_RPC_STRING_POLICY_REPLACE);
  assert_echo (connection, "('text', 0.1, b'bin', b'\\377')",
               "[<'text'>, <0.10000000149011612>, <(handle 256, b'bin')>,"
               " <(handle 256, b'\\377')>]");
  msgpack_rpc_connection_set_pack_flags (connection, flags);
  assert_echo (connection, "(0.1, b'bin', b'\\377', (handle 256, b'\\376'))",
               "[<0.10000000149011612>, <'bin\\uFFFD'>, <'\\uFFFD\\uFFFD'>,"
               " <'\\uFFFD\\uFFFD'>]");

  g_assert_true (msgpack_rpc_connection_close_sync (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                                    NULL));
  g_thread_join (thread);
}

static void
test_connection_properties (Fixture       *f,
                            gconstpointer  data)
{
  const MsgpackRpcPackFlags both = MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW |
                                   MSGPACK_RPC_PACK_FLAGS_FLOAT32;
  MsgpackRpcPackFlags flags;
  MsgpackRpcStringPolicy policy;
  MsgpackRpcProfile profile;
  int timeout;
  guint n_notified = 0;

  g_test_summary ("The options are properties that notify of a change, later");

  g_object_get (f->connection, "pack-flags", &flags, "string-policy", &policy,
                "profile", &profile, "default-timeout", &timeout, NULL);
  g_assert_cmpuint (flags, ==, MSGPACK_RPC_PACK_FLAGS_NONE);
  g_assert_cmpint (policy, ==, MSGPACK_RPC_STRING_POLICY_RAW);
  g_assert_cmpint (profile, ==, MSGPACK_RPC_PROFILE_TOLERANT);
  g_assert_cmpint (timeout, ==, 25000);

  g_signal_connect (f->connection, "notify::pack-flags", G_CALLBACK (count_notify), &n_notified);
  g_signal_connect (f->connection, "notify::string-policy", G_CALLBACK (count_notify),
                    &n_notified);
  g_object_set (f->connection, "pack-flags", both,
                "string-policy", MSGPACK_RPC_STRING_POLICY_STRICT, NULL);
  g_assert_cmpuint (msgpack_rpc_connection_get_pack_flags (f->connection), ==, both);
  g_assert_cmpint (msgpack_rpc_connection_get_string_policy (f->connection), ==,
                   MSGPACK_RPC_STRING_POLICY_STRICT);
  g_assert_cmpuint (n_notified, ==, 0);
  WAIT_UNTIL (n_notified == 2);

  msgpack_rpc_connection_set_pack_flags (f->connection, both);
  msgpack_rpc_connection_set_string_policy (f->connection, MSGPACK_RPC_STRING_POLICY_STRICT);
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 2);
}

static void
test_client (void)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcClient *client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  guint n_notified = 0;

  g_test_summary ("A client's connection has its options, from the start and when they change");

  g_signal_connect (client, "notify::pack-flags", G_CALLBACK (count_notify), &n_notified);
  g_signal_connect (client, "notify::string-policy", G_CALLBACK (count_notify), &n_notified);
  g_object_set (client, "pack-flags", MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW,
                "string-policy", MSGPACK_RPC_STRING_POLICY_REPLACE,
                "dispatcher", dispatcher, NULL);
  g_assert_true (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_no_error (error);
  send_hex (&raw, "94 00 01 a4 6563686f 92 a1 ff cb 3f f8 00 00 00 00 00 00");
  assert_comes (&raw, "94 01 01 c0 92 a3 ef bf bd cb 3f f8 00 00 00 00 00 00", "", "");
  g_assert_cmpuint (n_notified, ==, 2);

  msgpack_rpc_client_set_pack_flags (client, MSGPACK_RPC_PACK_FLAGS_FLOAT32);
  msgpack_rpc_client_set_string_policy (client, MSGPACK_RPC_STRING_POLICY_RAW);
  send_hex (&raw, "94 00 01 a4 6563686f 92 a1 ff cb 3f f8 00 00 00 00 00 00");
  assert_comes (&raw, "94 01 01 c0 92 a1 ff ca 3f c0 00 00", "", "");
  connection = msgpack_rpc_client_get_connection (client);
  g_assert_cmpuint (msgpack_rpc_connection_get_pack_flags (connection), ==,
                    msgpack_rpc_client_get_pack_flags (client));
  g_assert_cmpint (msgpack_rpc_connection_get_string_policy (connection), ==,
                   msgpack_rpc_client_get_string_policy (client));

  /* Another option of the connection stays as it is. */
  msgpack_rpc_connection_set_profile (connection, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  msgpack_rpc_client_set_pack_flags (client, MSGPACK_RPC_PACK_FLAGS_NONE);
  g_assert_cmpint (msgpack_rpc_connection_get_profile (connection), ==,
                   MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  g_clear_object (&connection);
  test_drain ();
  g_assert_finalize_object (client);
  raw_peer_clear (&raw);
}

static void
raw_peer_init_connected (RawPeer    *self,
                         const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  raw_peer_take (self, socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  g_assert_cmpint (connect (self->fd, (struct sockaddr *) &address, sizeof address), ==, 0);
}

static void
test_server (void)
{
  MsgpackRpcServer *server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();
  g_autofree char *folder = g_dir_make_tmp ("options-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_auto(GStrv) bound = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer raw;

  g_test_summary ("A server's connections have its options, and who is turned away is told so");

  g_object_set (server, "pack-flags", MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW,
                "string-policy", MSGPACK_RPC_STRING_POLICY_REPLACE,
                "dispatcher", dispatcher, NULL);
  g_assert_cmpuint (msgpack_rpc_server_get_pack_flags (server), ==,
                    MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  g_assert_cmpint (msgpack_rpc_server_get_string_policy (server), ==,
                   MSGPACK_RPC_STRING_POLICY_REPLACE);
  bound = msgpack_rpc_server_listen_sync (server, path, NULL, &error);
  g_assert_no_error (error);

  raw_peer_init_connected (&raw, path);
  send_hex (&raw, "94 00 01 a4 6563686f 92 a1 ff c4 01 00");
  assert_comes (&raw, "94 01 01 c0 92 a3 ef bf bd a1 00", "", "");
  raw_peer_clear (&raw);

  msgpack_rpc_server_set_max_connections (server, 0);
  raw_peer_init_connected (&raw, path);
  assert_comes (&raw, "94 01 00 da 00 35",
                "There are too many connections (max-connections is 0)", "c0");
  raw_peer_clear (&raw);

  g_object_unref (server);
  test_drain ();
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static gpointer
change_options (gpointer data)
{
  MsgpackRpcConnection *connection = data;

  for (guint i = 0; i < 20000; i++)
    {
      msgpack_rpc_connection_set_pack_flags (connection, i % 4);
      msgpack_rpc_connection_set_string_policy (connection, i % 2);
    }
  msgpack_rpc_connection_set_pack_flags (connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);

  return NULL;
}

static void
assert_in_thread (GObject    *object,
                 GParamSpec *pspec,
                 gpointer    user_data)
{
  g_assert_true (g_thread_self () == user_data);
}

static void
test_threads (Fixture       *f,
              gconstpointer  data)
{
  GThread *thread;

  g_test_summary ("Another thread may change the options while messages come and go");

  g_signal_connect (f->connection, "notify", G_CALLBACK (assert_in_thread), g_thread_self ());
  thread = g_thread_new ("options", change_options, f->connection);
  for (guint i = 0; i < 500; i++)
    {
      g_autoptr(GVariant) reply = NULL;

      send_hex (&f->raw, "94 00 01 a4 6563686f 92 a1 ff cb 3f f8 00 00 00 00 00 00");
      reply = raw_peer_receive (&f->raw);
      g_assert_cmpuint (g_variant_n_children (reply), ==, 4);
    }
  g_thread_join (thread);
  test_drain ();
  send_hex (&f->raw, "94 00 01 a4 6563686f 91 c4 01 ff");
  assert_comes (&f->raw, "94 01 01 c0 91 a1 ff", "", "");
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/options/" name, Fixture, NULL, setup, function, teardown)

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
  ADD ("error-replies", test_error_replies);
  ADD ("legacy-messages", test_legacy_messages);
  ADD ("legacy-peer", test_legacy_peer);
  ADD ("broken-input", test_broken_input);
  ADD ("float32-messages", test_float32_messages);
  ADD ("connection-policies", test_connection_policies);
  ADD ("connection-strict", test_connection_strict);
  ADD ("connection-properties", test_connection_properties);
  ADD ("threads", test_threads);
  g_test_add_func ("/msgpack-rpc/options/pair", test_pair);
  g_test_add_func ("/msgpack-rpc/options/client", test_client);
  g_test_add_func ("/msgpack-rpc/options/server", test_server);

  return g_test_run ();
}
