/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <malloc.h>
#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker-private.h"
#include "msgpack-rpc-value.h"

#include "test-bytes.h"
#include "test-unpacking.h"

#define KIB G_GUINT64_CONSTANT (1024)
#define MIB (KIB * KIB)

/* Messages with everything in them that has a header of its own. */
static const char stream_hex[] =
  "94 00 01 a3 61 64 64 92 01 02"
  "94 01 cd 01 00 c0 cf ff ff ff ff ff ff ff ff"
  "93 02 a6 72 65 64 72 61 77 91 82 a1 61 01 a1 62 cb 3f f8 00 00 00 00 00 00"
  "9d c2 c3 ca 3f c0 00 00 cc 80 ce 00 01 00 00 d0 80 d1 80 00 d2 80 00 00 00"
  "   d3 80 00 00 00 00 00 00 00 d9 02 61 62 da 00 02 61 62 db 00 00 00 02 61 62 a0"
  "98 c4 00 c4 01 61 c5 00 02 61 62 c6 00 00 00 01 61 c7 03 05 01 02 03 c8 00 01 05 01"
  "   c9 00 00 00 01 05 01 d4 01 02"
  "95 d5 01 02 03 d6 ff 00 00 00 01 d7 01 01 02 03 04 05 06 07 08"
  "   d8 01 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 a2 61 ff"
  "91 83 a1 61 82 01 02 a1 62 03 05 06 90 81 c0 dc 00 01 dd 00 00 00 00"
  "92 de 00 01 a1 61 01 df 00 00 00 02 01 02 03 04"
  "90 80 05 c0 a0";

/* The values of the stream, fed in one piece. */
static GPtrArray *
values_from_bytes (GByteArray *bytes)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GError) error = NULL;
  GPtrArray *values = values_new ();

  msgpack_rpc_unpacker_feed (unpacker, bytes->data, bytes->len);
  take_all (unpacker, values);
  g_assert_true (msgpack_rpc_unpacker_finish (unpacker, &error));
  g_assert_no_error (error);

  return values;
}

static void
assert_same_values (GPtrArray *values,
                    GPtrArray *expected)
{
  g_assert_cmpuint (values->len, ==, expected->len);

  for (guint i = 0; i < values->len; i++)
    {
      GVariant *value = g_ptr_array_index (values, i);
      GVariant *wanted = g_ptr_array_index (expected, i);

      g_assert_cmpstr (g_variant_get_type_string (value), ==, g_variant_get_type_string (wanted));
      g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value),
                       g_variant_get_data (wanted), g_variant_get_size (wanted));
    }
}

/* Feeds from memory of the exact size, so that tools see when one byte too many is read. */
static void
feed_copy (MsgpackRpcUnpacker *unpacker,
           const guint8       *data,
           gsize               length)
{
  g_autofree guint8 *copy = g_memdup2 (data, length);

  msgpack_rpc_unpacker_feed (unpacker, copy, length);
}

/* The same, as GBytes that only the unpacker holds. */
static void
feed_bytes_copy (MsgpackRpcUnpacker *unpacker,
                 const guint8       *data,
                 gsize               length)
{
  g_autoptr(GBytes) bytes = g_bytes_new (data, length);

  msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
}

static void
feed_hex (MsgpackRpcUnpacker *unpacker,
          const char         *hex)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (hex);

  feed_copy (unpacker, bytes->data, bytes->len);
}

static void
assert_next_fails (MsgpackRpcUnpacker *unpacker,
                   int                 code,
                   const char         *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) again = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_unpacker_next (unpacker, &error);

  g_test_message ("%s", error != NULL ? error->message : "no error");
  g_assert_error (error, MSGPACK_RPC_ERROR, code);
  g_assert_null (value);
  g_assert_nonnull (strstr (error->message, text));

  /* It stays failed, whatever comes. */
  feed_hex (unpacker, "90 90");
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &again));
  g_assert_error (again, MSGPACK_RPC_ERROR, code);
  g_assert_cmpstr (again->message, ==, error->message);
  g_clear_error (&again);
  g_assert_false (msgpack_rpc_unpacker_finish (unpacker, &again));
  g_assert_cmpstr (again->message, ==, error->message);
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, NULL));
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), ==, 0);
}

static void
assert_needs_more (MsgpackRpcUnpacker *unpacker)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_no_error (error);
}

static void
assert_has_next (MsgpackRpcUnpacker *unpacker)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_unpacker_next (unpacker, &error);

  g_assert_no_error (error);
  g_assert_nonnull (value);
  assert_well_formed (value);
}

static void
test_properties (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(MsgpackRpcUnpacker) other = NULL;
  guint64 max_message_size;
  guint64 max_decoded_size;
  guint max_depth;

  g_test_summary ("The limits are properties with the documented defaults");

  g_object_get (unpacker,
                "max-message-size", &max_message_size,
                "max-decoded-size", &max_decoded_size,
                "max-depth", &max_depth,
                NULL);
  g_assert_cmpuint (max_message_size, ==, 64 * MIB);
  g_assert_cmpuint (max_decoded_size, ==, 256 * MIB);
  g_assert_cmpuint (max_depth, ==, 32);

  other = g_object_new (MSGPACK_RPC_TYPE_UNPACKER,
                        "max-message-size", (guint64) 1,
                        "max-decoded-size", (guint64) G_MAXUINT32,
                        "max-depth", 40,
                        NULL);
  g_assert_cmpuint (msgpack_rpc_unpacker_get_max_message_size (other), ==, 1);
  g_assert_cmpuint (msgpack_rpc_unpacker_get_max_decoded_size (other), ==, G_MAXUINT32);
  g_assert_cmpuint (msgpack_rpc_unpacker_get_max_depth (other), ==, 40);
  g_assert_finalize_object (g_steal_pointer (&other));
}

static void
count_notify_cb (GObject    *object,
                 GParamSpec *pspec,
                 gpointer    data)
{
  guint *n = data;

  (*n)++;
}

static void
test_notify (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  guint n = 0;

  g_test_summary ("A limit notifies when it changes, and only then");

  g_signal_connect (unpacker, "notify", G_CALLBACK (count_notify_cb), &n);
  msgpack_rpc_unpacker_set_max_message_size (unpacker, 64 * MIB);
  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, 256 * MIB);
  msgpack_rpc_unpacker_set_max_depth (unpacker, 32);
  g_assert_cmpuint (n, ==, 0);

  msgpack_rpc_unpacker_set_max_message_size (unpacker, MIB);
  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, MIB);
  msgpack_rpc_unpacker_set_max_depth (unpacker, 0);
  g_assert_cmpuint (n, ==, 3);
}

static void
test_stream (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (stream_hex);
  g_autoptr(GPtrArray) values = values_from_bytes (bytes);

  g_test_summary ("Messages come one after another, each the same as by itself");

  g_assert_cmpuint (values->len, ==, 13);

  for (guint i = 0; i < values->len; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GBytes) packed = msgpack_rpc_pack (g_ptr_array_index (values, i), &error);
      g_autoptr(GVariant) unpacked = NULL;

      g_assert_no_error (error);
      unpacked = msgpack_rpc_unpack (packed, &error);
      g_assert_no_error (error);
      assert_well_formed (g_ptr_array_index (values, i));
      g_assert_true (g_variant_equal (unpacked, g_ptr_array_index (values, i)));
    }
}

static void
test_split_once (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (stream_hex);
  g_autoptr(GPtrArray) expected = values_from_bytes (bytes);

  g_test_summary ("A stream that is split anywhere gives the same messages");

  for (guint split = 0; split <= bytes->len; split++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GPtrArray) values = values_new ();
      g_autoptr(GError) error = NULL;

      feed_copy (unpacker, bytes->data, split);
      take_all (unpacker, values);
      g_assert_cmpuint (msgpack_rpc_unpacker_get_offset (unpacker) +
                        _msgpack_rpc_unpacker_get_buffered (unpacker), ==, split);
      feed_copy (unpacker, bytes->data + split, bytes->len - split);
      take_all (unpacker, values);

      assert_same_values (values, expected);
      g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
      g_assert_true (msgpack_rpc_unpacker_finish (unpacker, &error));
      g_assert_no_error (error);
    }
}

static void
test_pieces (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (stream_hex);
  g_autoptr(GPtrArray) expected = values_from_bytes (bytes);

  g_test_summary ("A stream in pieces of any size gives the same messages, looked for or not");

  for (guint size = 1; size < 40; size++)
    {
      for (guint skipped = 1; skipped < 5; skipped++)
        {
          g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
          g_autoptr(GPtrArray) values = values_new ();

          for (guint start = 0; start < bytes->len; start += size)
            {
              feed_copy (unpacker, bytes->data + start, MIN (size, bytes->len - start));
              if (start / size % skipped == 0)
                take_all (unpacker, values);
            }

          take_all (unpacker, values);
          assert_same_values (values, expected);
        }
    }
}

static void
test_pieces_of_bytes (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (stream_hex);
  g_autoptr(GPtrArray) expected = values_from_bytes (bytes);

  g_test_summary ("Pieces that are decoded where they are give the same messages");

  for (guint size = 1; size < 40; size++)
    {
      for (guint skipped = 1; skipped < 5; skipped++)
        {
          g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
          g_autoptr(GPtrArray) values = values_new ();

          for (guint start = 0; start < bytes->len; start += size)
            {
              const guint8 *data = bytes->data + start;

              if (start / size % 7 == 6)
                feed_copy (unpacker, data, MIN (size, bytes->len - start));
              else
                feed_bytes_copy (unpacker, data, MIN (size, bytes->len - start));
              if (start / size % skipped == 0)
                take_all (unpacker, values);
            }

          take_all (unpacker, values);
          assert_same_values (values, expected);
          g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
        }
    }
}

static void
test_lend (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (stream_hex);
  g_autoptr(GPtrArray) expected = values_from_bytes (bytes);

  g_test_summary ("Memory may be lent in pieces, and nothing is held after the last message");

  for (guint size = 1; size < 40; size++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GPtrArray) values = values_new ();

      for (guint start = 0; start < bytes->len; start += size)
        read_piece (unpacker, values, bytes->data + start, MIN (size, bytes->len - start));

      assert_same_values (values, expected);
      g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), ==, 0);
    }
}

static void
test_feed_bytes (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GBytes) bytes = gbytes_from_hex ("92 01 02 90");
  g_autoptr(GBytes) empty = g_bytes_new (NULL, 0);

  g_test_summary ("Bytes can be fed as GBytes, also none");

  msgpack_rpc_unpacker_feed_bytes (unpacker, empty);
  msgpack_rpc_unpacker_feed (unpacker, NULL, 0);
  assert_needs_more (unpacker);
  msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
  assert_has_next (unpacker);
  assert_has_next (unpacker);
  assert_needs_more (unpacker);
}

static void
test_value_outlives_unpacker (void)
{
  MsgpackRpcUnpacker *unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;
  g_autofree char *first_text = NULL;
  g_autofree char *second_text = NULL;

  g_test_summary ("A value depends neither on the unpacker nor on the messages after it");

  feed_hex (unpacker, "91 a3 61 62 63 91 a3 64 65 66");
  first = msgpack_rpc_unpacker_next (unpacker, NULL);
  second = msgpack_rpc_unpacker_next (unpacker, NULL);
  g_assert_finalize_object (unpacker);

  assert_well_formed (first);
  assert_well_formed (second);
  first_text = g_variant_print (first, FALSE);
  second_text = g_variant_print (second, FALSE);
  g_assert_cmpstr (first_text, ==, "[<'abc'>]");
  g_assert_cmpstr (second_text, ==, "[<'def'>]");
}

static void
test_offsets (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

  g_test_summary ("It is known where the current message began and whether there is one");

  g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
  feed_hex (unpacker, "90");
  g_assert_false (_msgpack_rpc_unpacker_is_empty (unpacker));
  assert_has_next (unpacker);
  g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_message_offset (unpacker), ==, 1);

  feed_hex (unpacker, "92 a2 61");
  assert_needs_more (unpacker);
  g_assert_false (_msgpack_rpc_unpacker_is_empty (unpacker));
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_message_offset (unpacker), ==, 1);
  g_assert_cmpuint (msgpack_rpc_unpacker_get_offset (unpacker), ==, 1);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffered (unpacker), ==, 3);

  feed_hex (unpacker, "61 01");
  assert_has_next (unpacker);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_message_offset (unpacker), ==, 6);

  /* A single header byte that is all there is of a message. */
  feed_hex (unpacker, "93");
  assert_needs_more (unpacker);
  g_assert_false (_msgpack_rpc_unpacker_is_empty (unpacker));
}

static void
test_finish (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex ("93 a2 61 62 cd 01 00 91 01");

  g_test_summary ("A stream that ends within a message is an error that says where");

  for (guint length = 0; length <= bytes->len; length++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GPtrArray) values = values_new ();
      g_autofree char *text = g_strdup_printf ("%u bytes into a message at offset 1", length);
      g_autoptr(GError) error = NULL;
      gboolean ended;

      feed_hex (unpacker, "90");
      feed_copy (unpacker, bytes->data, length);
      take_all (unpacker, values);
      ended = msgpack_rpc_unpacker_finish (unpacker, &error);

      if (length == 0 || length == bytes->len)
        {
          g_assert_no_error (error);
          g_assert_true (ended);
          assert_needs_more (unpacker);
        }
      else
        {
          g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
          g_assert_false (ended);
          g_assert_nonnull (strstr (error->message, text));
          assert_next_fails (unpacker, MSGPACK_RPC_ERROR_INVALID_MESSAGE, text);
        }
    }
}

static void
test_invalid_byte (void)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex ("90 92 a1 61 c1");

  g_test_summary ("The byte that MessagePack never uses fails after what came before");

  for (guint split = 0; split < bytes->len; split++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GPtrArray) values = values_new ();
      g_autoptr(GVariant) value = NULL;

      feed_copy (unpacker, bytes->data, split);
      take_all (unpacker, values);
      feed_copy (unpacker, bytes->data + split, bytes->len - split);
      value = values->len == 0 ? msgpack_rpc_unpacker_next (unpacker, NULL) : NULL;
      g_assert_true (value != NULL || values->len == 1);
      assert_next_fails (unpacker, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "byte 0xc1 at offset 4");
      g_assert_cmpuint (msgpack_rpc_unpacker_get_offset (unpacker), ==, 4);
    }
}

/* Bodies and items of one message, by its headers: how many bytes it has in all. */
typedef struct
{
  const char *header;
  guint64 size;
} Claim;

static const Claim claims[] = {
  { "bf", 1 + 31 },
  { "d9 c8", 2 + 200 },
  { "da 01 00", 3 + 256 },
  { "db 00 00 01 00", 5 + 256 },
  { "c4 c8", 2 + 200 },
  { "c5 01 00", 3 + 256 },
  { "c6 00 00 01 00", 5 + 256 },
  { "c7 c8 05", 3 + 200 },
  { "c8 01 00 05", 4 + 256 },
  { "c9 00 00 01 00 05", 6 + 256 },
  { "d8 05", 2 + 16 },
  { "9f", 1 + 15 },
  { "dc 01 00", 3 + 256 },
  { "dd 00 00 01 00", 5 + 256 },
  { "8f", 1 + 30 },
  { "de 01 00", 3 + 512 },
  { "df 00 00 01 00", 5 + 512 },
  { "92 dc 01 00", 1 + 3 + 256 + 1 },
  { "92 d9 c8", 1 + 2 + 200 + 1 },
  { "82 a1 61 d9 c8", 3 + 2 + 200 + 2 },
};

static void
test_max_message_size (void)
{
  g_test_summary ("A message is refused as soon as a header shows that it is one byte too large");

  for (gsize i = 0; i < G_N_ELEMENTS (claims); i++)
    {
      g_autofree char *text = g_strdup_printf ("%u bytes or more, the limit is %u",
                                               (guint) claims[i].size, (guint) claims[i].size - 1);
      g_autoptr(GByteArray) header = bytes_from_hex (claims[i].header);

      for (guint piece = 1; piece <= header->len; piece++)
        {
          g_autoptr(MsgpackRpcUnpacker) enough = msgpack_rpc_unpacker_new ();
          g_autoptr(MsgpackRpcUnpacker) less = msgpack_rpc_unpacker_new ();
          g_autoptr(GByteArray) rest = g_byte_array_new ();

          msgpack_rpc_unpacker_set_max_message_size (enough, claims[i].size);
          msgpack_rpc_unpacker_set_max_message_size (less, claims[i].size - 1);

          for (guint start = 0; start < header->len; start += piece)
            {
              assert_needs_more (enough);
              feed_copy (enough, header->data + start, MIN (piece, header->len - start));
              feed_copy (less, header->data + start, MIN (piece, header->len - start));
            }

          assert_needs_more (enough);
          assert_next_fails (less, MSGPACK_RPC_ERROR_TOO_LARGE, text);

          g_byte_array_set_size (rest, claims[i].size - header->len);
          memset (rest->data, 0x61, rest->len);
          feed_copy (enough, rest->data, rest->len);
          assert_has_next (enough);
        }
    }
}

static void
test_max_message_size_each (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

  g_test_summary ("The limit holds for each message by itself, in one piece or not");

  msgpack_rpc_unpacker_set_max_message_size (unpacker, 5);
  feed_hex (unpacker, "94 01 02 03 04 94 01 02 03 04 a4 61 61 61 61 90 90 91");
  for (guint i = 0; i < 5; i++)
    assert_has_next (unpacker);
  assert_needs_more (unpacker);
  feed_hex (unpacker, "a3 61 61 61 92 a2 61 61 05 90");
  assert_has_next (unpacker);
  assert_has_next (unpacker);
  feed_hex (unpacker, "92 a2 61 61 cc 80");
  assert_has_next (unpacker);
  assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_LARGE,
                     "Message too large: 6 bytes or more, the limit is 5, at offset 33");
}

static void
test_max_message_size_in_one_piece (void)
{
  static const char *const headers[] = { "dc 00 64", "de 00 32", "91 dc 00 64", "91 de 00 32" };

  g_test_summary ("A claim fails at its header, whatever has come behind it");

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autofree char *hex = g_strconcat (headers[i], " 01 02 c1", NULL);

      msgpack_rpc_unpacker_set_max_message_size (unpacker, 100);
      feed_hex (unpacker, hex);
      assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 100, at offset");
    }
}

static void
test_max_message_size_changes (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autofree guint8 *body = g_malloc0 (2000);

  g_test_summary ("A new limit holds for the message that is being read");

  msgpack_rpc_unpacker_set_max_message_size (unpacker, 2000);
  feed_hex (unpacker, "c5 07 d0");
  msgpack_rpc_unpacker_set_max_message_size (unpacker, 2003);
  assert_needs_more (unpacker);
  feed_copy (unpacker, body, 2000);
  assert_has_next (unpacker);

  feed_hex (unpacker, "c5 07 d0");
  assert_needs_more (unpacker);
  msgpack_rpc_unpacker_set_max_message_size (unpacker, 2);
  assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 2");
}

/* @levels containers within one another, with @inner in the last one. */
static char *
nested_hex (guint       levels,
            const char *outer,
            const char *inner)
{
  GString *hex = g_string_new (NULL);

  for (guint i = 0; i < levels; i++)
    g_string_append (hex, outer);
  g_string_append (hex, inner);

  return g_string_free (hex, FALSE);
}

static void
test_max_depth (void)
{
  static const guint depths[] = { 0, 1, 2, 31, 32, 39, 40 };
  static const char *const outers[] = { "91", "dc 00 01", "81 a1 61", "81 01", "81 c0" };
  static const char *const inners[] = { "05", "a1 ff", "c0" };

  g_test_summary ("As many levels as the limit says are read, and not one more");

  for (gsize i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      g_autofree char *text = g_strdup_printf ("%u levels or more, the limit is %u",
                                               depths[i] + 1, depths[i]);

      for (gsize j = 0; j < G_N_ELEMENTS (outers); j++)
        {
          for (gsize k = 0; k < G_N_ELEMENTS (inners); k++)
            {
              g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
              g_autofree char *fits = nested_hex (depths[i], outers[j], inners[k]);
              g_autofree char *empty = nested_hex (depths[i], outers[j], "90");
              g_autofree char *over = nested_hex (depths[i] + 1, outers[j], inners[k]);
              g_autoptr(MsgpackRpcUnpacker) other = msgpack_rpc_unpacker_new ();

              msgpack_rpc_unpacker_set_max_depth (unpacker, depths[i]);
              msgpack_rpc_unpacker_set_max_depth (other, depths[i]);
              feed_hex (unpacker, fits);
              assert_has_next (unpacker);
              feed_hex (unpacker, over);
              assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_DEEP, text);
              feed_hex (other, empty);
              assert_next_fails (other, MSGPACK_RPC_ERROR_TOO_DEEP, text);
            }
        }
    }
}

static void
test_max_depth_of_keys (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autofree char *maps = nested_hex (40, "81", "");
  g_autoptr(GString) hex = g_string_new (maps);
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GBytes) packed = NULL;
  g_autoptr(GBytes) wire = NULL;

  g_test_summary ("Maps that are keys of maps count as levels, and are read and written, too");

  for (guint i = 0; i < 41; i++)
    g_string_append (hex, " 05");
  wire = gbytes_from_hex (hex->str);

  msgpack_rpc_unpacker_set_max_depth (unpacker, 40);
  msgpack_rpc_unpacker_feed_bytes (unpacker, wire);
  value = msgpack_rpc_unpacker_next (unpacker, &error);
  g_assert_no_error (error);
  assert_well_formed (value);
  packed = msgpack_rpc_pack (value, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (packed, wire));

  feed_hex (unpacker, maps);
  assert_needs_more (unpacker);
  feed_hex (unpacker, "81");
  assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_DEEP, "at offset 121");
}

static void
test_max_decoded_size (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("dd 00 01 00 00");
  const gsize header = wire->len;
  static const guint8 bytes[] = { 0x01, 0xc0, 0xc2, 0xa0, 0x90, 0x80 };

  g_test_summary ("Small items that take a lot of memory are refused by the decoded size");

  g_byte_array_set_size (wire, header + 65536);

  for (gsize i = 0; i < G_N_ELEMENTS (bytes); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) enough = msgpack_rpc_unpacker_new ();
      g_autoptr(MsgpackRpcUnpacker) less = msgpack_rpc_unpacker_new ();
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      memset (wire->data + header, bytes[i], 65536);
      msgpack_rpc_unpacker_feed (enough, wire->data, wire->len);
      value = msgpack_rpc_unpacker_next (enough, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_get_size (value), <=, 24 * wire->len);

      msgpack_rpc_unpacker_set_max_decoded_size (less, g_variant_get_size (value) - 1);
      msgpack_rpc_unpacker_feed (less, wire->data, wire->len);
      assert_next_fails (less, MSGPACK_RPC_ERROR_TOO_LARGE, "Decoded message too large");
    }
}

static void
test_max_decoded_size_of_header (void)
{
  g_autoptr(MsgpackRpcUnpacker) array = msgpack_rpc_unpacker_new ();
  g_autoptr(MsgpackRpcUnpacker) map = msgpack_rpc_unpacker_new ();
  g_autoptr(MsgpackRpcUnpacker) body = msgpack_rpc_unpacker_new ();

  g_test_summary ("A header that claims more than can be decoded is refused before the rest comes");

  msgpack_rpc_unpacker_set_max_decoded_size (array, 100000);
  feed_hex (array, "92 dd 00 01 00 00");
  assert_next_fails (array, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 100000, at offset 1");

  msgpack_rpc_unpacker_set_max_decoded_size (map, 100000);
  feed_hex (map, "de 80 00");
  assert_next_fails (map, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 100000, at offset 0");

  msgpack_rpc_unpacker_set_max_decoded_size (body, 100000);
  feed_hex (body, "93 01 db 00 01 86 a1");
  assert_next_fails (body, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 100000, at offset 7");
}

/* However a message is cut, the decoded size that it may have is the same. */
static void
test_max_decoded_size_of_pieces (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("94 85 a1 61 01 a1 62 02 03 04 05 06 07 a1 61 93 01"
                                               "02 03 d9 05 61 62 63 64 65 c4 02 01 02");
  guint64 smallest = 0;

  g_test_summary ("The same message is within the limit or not, however it is cut into pieces");

  for (guint64 limit = 1; limit < 400; limit++)
    {
      guint n_fit = 0;

      for (guint piece = 1; piece <= wire->len; piece++)
        {
          g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
          g_autoptr(GVariant) value = NULL;

          msgpack_rpc_unpacker_set_max_decoded_size (unpacker, limit);
          for (guint start = 0; start < wire->len && value == NULL; start += piece)
            {
              feed_copy (unpacker, wire->data + start, MIN (piece, wire->len - start));
              value = msgpack_rpc_unpacker_next (unpacker, NULL);
            }

          n_fit += value != NULL;
        }

      g_assert_true (n_fit == 0 || n_fit == wire->len);
      if (n_fit > 0 && smallest == 0)
        smallest = limit;
    }

  g_assert_cmpuint (smallest, >, 100);
  g_assert_cmpuint (smallest, <, 300);
}

static void
assert_rest_refused (const GByteArray *wire,
                     guint             piece)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, 1000);
  for (guint start = 0; start < wire->len; start += piece)
    {
      feed_copy (unpacker, wire->data + start, MIN (piece, wire->len - start));
      g_assert_null (msgpack_rpc_unpacker_next (unpacker, NULL));
    }

  assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is 1000");
}

static void
test_max_decoded_size_of_rest (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("dc 00 c8");

  g_test_summary ("A message whose rest cannot fit any more is refused, however it is cut");

  for (guint i = 0; i < 60; i++)
    g_byte_array_append (wire, (const guint8 *) "\xc0", 1);

  for (guint piece = 1; piece <= wire->len; piece++)
    assert_rest_refused (wire, piece);

  g_byte_array_append (wire, (const guint8 *) "\xa5", 1);
  for (guint piece = 1; piece <= wire->len; piece++)
    assert_rest_refused (wire, piece);
}

/* Memory in use, as far as the C library tells. */
static gsize
memory_in_use (void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ (2, 33)
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

static void
test_header_bombs (void)
{
  static const char *const refused[] = {
    "dd 10 00 00 00", "dd ff ff ff ff", "df ff ff ff ff", "df 08 00 00 00", "db ff ff ff ff",
    "c6 ff ff ff ff", "c9 ff ff ff fe", "dd 03 ff ff fc", "92 db 04 00 00 00",
    "dd 10 00 00 00 01 02 c1", "91 df ff ff ff ff 01 02 c1",
  };
  static const char *const waiting[] = {
    "dd 01 00 00 00", "df 00 80 00 00", "db 03 ff ff fb", "c6 03 ff ff fb", "c9 03 ff ff fa 05",
    "91 dd 01 00 00 00 91", "9f 9f 9f 9f 9f 9f 9f 9f 9f 9f", "dc ff ff dc ff ff dc ff ff dc ff ff",
  };
  g_autoptr(MsgpackRpcUnpacker) first = msgpack_rpc_unpacker_new ();
  gsize before;

  g_test_summary ("A few bytes that claim a lot are refused, or wait, and take no memory");

  assert_needs_more (first);
  before = memory_in_use ();

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

      feed_hex (unpacker, refused[i]);
      assert_next_fails (unpacker, MSGPACK_RPC_ERROR_TOO_LARGE, "the limit is");
    }

  for (gsize i = 0; i < G_N_ELEMENTS (waiting); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

      feed_hex (unpacker, waiting[i]);
      assert_needs_more (unpacker);
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), <, 100);
      g_assert_cmpuint (memory_in_use (), <, before + 256 * KIB);
    }
}

static void
test_body_buffer (void)
{
  static const guint pieces[] = { 1, 1000, 4096, 70000 };
  static const guint32 length = 300000;
  g_autofree guint8 *body = g_malloc0 (length);

  g_test_summary ("The buffer of a body doubles with what has come, and ends at what was claimed");

  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      feed_hex (unpacker, "91 c6 00 04 93 e0");
      assert_needs_more (unpacker);

      for (guint32 start = 0; start < length; start += pieces[i])
        {
          gsize size = MIN (pieces[i], length - start);
          gsize buffer_size;
          gsize buffered;

          g_assert_null (value);
          msgpack_rpc_unpacker_feed (unpacker, body + start, size);
          buffer_size = _msgpack_rpc_unpacker_get_buffer_size (unpacker);
          buffered = _msgpack_rpc_unpacker_get_buffered (unpacker);
          g_assert_cmpuint (buffer_size, <=, 6 + length);
          g_assert_cmpuint (buffer_size, <=, 2 * buffered + 64);
          value = msgpack_rpc_unpacker_next (unpacker, &error);
          g_assert_no_error (error);
        }

      g_assert_nonnull (value);
      g_assert_cmpuint (g_variant_get_size (value), ==, length + 3 + 4);
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), ==, 0);
    }
}

static void
test_idle_memory (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = bytes_from_hex ("dd 00 10 00 00");
  gsize before;

  g_test_summary ("After a big message, an unpacker holds little");

  g_byte_array_set_size (wire, wire->len + 0x100000);
  memset (wire->data + 5, 0x90, 0x100000);
  before = memory_in_use ();

  for (guint i = 0; i < 3; i++)
    {
      GVariant *value;

      msgpack_rpc_unpacker_feed (unpacker, wire->data, wire->len);
      value = msgpack_rpc_unpacker_next (unpacker, NULL);
      g_assert_cmpuint (g_variant_n_children (value), ==, 0x100000);
      g_variant_unref (value);
      assert_needs_more (unpacker);
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), <=, 4096);
      g_assert_cmpuint (memory_in_use (), <, before + 64 * KIB);
    }
}

static void
test_many_in_one_piece (void)
{
  const guint n = 20000;
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = g_byte_array_new ();
  guint n_values = 0;

  g_test_summary ("Many messages in one piece, with pieces between them, take time in proportion");

  g_byte_array_set_size (wire, 3 * n);
  for (guint i = 0; i < n; i++)
    memcpy (wire->data + 3 * i, "\x92\x01\x02", 3);

  msgpack_rpc_unpacker_feed (unpacker, wire->data, wire->len);
  for (guint i = 0; i < 10 * n; i++)
    {
      g_autoptr(GVariant) value = msgpack_rpc_unpacker_next (unpacker, NULL);

      g_assert_nonnull (value);
      msgpack_rpc_unpacker_feed (unpacker, wire->data, 3);
      n_values++;
    }

  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffered (unpacker), ==, 3 * n);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), <=, 4 * 3 * n);
  g_assert_cmpuint (n_values, ==, 10 * n);
}

static void
test_require_array (void)
{
  static const struct
  {
    const char *hex;
    const char *text;
  } cases[] = {
    { "47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a",
      "expected a message (an array), got \"GET / HTTP/1.1\\r\\n\" at offset 1" },
    { "05", "got \"\\x05\" at offset 1" },
    { "c0 22 5c", "got \"\\xc0\\\"\\\\\" at offset 1" },
    { "db 10 00 00 00", "got \"\\xdb\\x10\\x00\\x00\\x00\" at offset 1" },
    { "de 00", "got \"\\xde\\x00\" at offset 1" },
    { "80", "got \"\\x80\" at offset 1" },
    { "c1", "got \"\\xc1\" at offset 1" },
    { "61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e"
      "6f 70 71", "got \"abcdefghijklmnopabcdefghijklmnop…\" at offset 1" },
  };

  g_test_summary ("What is no array is refused at its first byte, and shown");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

      _msgpack_rpc_unpacker_set_require_array (unpacker, TRUE);
      feed_hex (unpacker, "90");
      feed_hex (unpacker, cases[i].hex);
      assert_has_next (unpacker);
      assert_next_fails (unpacker, MSGPACK_RPC_ERROR_INVALID_MESSAGE, cases[i].text);
    }
}

static void
test_require_array_of_arrays (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("90 91 05 dc 00 01 47 dd 00 00 00 02 80 c0 9f"
                                               "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GPtrArray) values = values_new ();

  g_test_summary ("Arrays of any form pass, whatever is in them, byte by byte");

  _msgpack_rpc_unpacker_set_require_array (unpacker, TRUE);
  for (guint i = 0; i < wire->len; i++)
    {
      feed_copy (unpacker, wire->data + i, 1);
      take_all (unpacker, values);
    }

  g_assert_cmpuint (values->len, ==, 5);
  g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/unpacker/properties", test_properties);
  g_test_add_func ("/msgpack-rpc/unpacker/notify", test_notify);
  g_test_add_func ("/msgpack-rpc/unpacker/stream", test_stream);
  g_test_add_func ("/msgpack-rpc/unpacker/split-once", test_split_once);
  g_test_add_func ("/msgpack-rpc/unpacker/pieces", test_pieces);
  g_test_add_func ("/msgpack-rpc/unpacker/pieces-of-bytes", test_pieces_of_bytes);
  g_test_add_func ("/msgpack-rpc/unpacker/lend", test_lend);
  g_test_add_func ("/msgpack-rpc/unpacker/feed-bytes", test_feed_bytes);
  g_test_add_func ("/msgpack-rpc/unpacker/value-outlives-unpacker", test_value_outlives_unpacker);
  g_test_add_func ("/msgpack-rpc/unpacker/offsets", test_offsets);
  g_test_add_func ("/msgpack-rpc/unpacker/finish", test_finish);
  g_test_add_func ("/msgpack-rpc/unpacker/invalid-byte", test_invalid_byte);
  g_test_add_func ("/msgpack-rpc/unpacker/max-message-size", test_max_message_size);
  g_test_add_func ("/msgpack-rpc/unpacker/max-message-size-each", test_max_message_size_each);
  g_test_add_func ("/msgpack-rpc/unpacker/max-message-size-in-one-piece",
                   test_max_message_size_in_one_piece);
  g_test_add_func ("/msgpack-rpc/unpacker/max-message-size-changes", test_max_message_size_changes);
  g_test_add_func ("/msgpack-rpc/unpacker/max-depth", test_max_depth);
  g_test_add_func ("/msgpack-rpc/unpacker/max-depth-of-keys", test_max_depth_of_keys);
  g_test_add_func ("/msgpack-rpc/unpacker/max-decoded-size", test_max_decoded_size);
  g_test_add_func ("/msgpack-rpc/unpacker/max-decoded-size-of-header",
                   test_max_decoded_size_of_header);
  g_test_add_func ("/msgpack-rpc/unpacker/max-decoded-size-of-pieces",
                   test_max_decoded_size_of_pieces);
  g_test_add_func ("/msgpack-rpc/unpacker/max-decoded-size-of-rest", test_max_decoded_size_of_rest);
  g_test_add_func ("/msgpack-rpc/unpacker/header-bombs", test_header_bombs);
  g_test_add_func ("/msgpack-rpc/unpacker/body-buffer", test_body_buffer);
  g_test_add_func ("/msgpack-rpc/unpacker/idle-memory", test_idle_memory);
  g_test_add_func ("/msgpack-rpc/unpacker/many-in-one-piece", test_many_in_one_piece);
  g_test_add_func ("/msgpack-rpc/unpacker/require-array", test_require_array);
  g_test_add_func ("/msgpack-rpc/unpacker/require-array-of-arrays", test_require_array_of_arrays);

  return g_test_run ();
}
