/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What is decoded, beside what msgpack-c's objects are when they are put together by GLib. */

#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker.h"
#include "msgpack-rpc-value.h"

#include "test-bytes.h"
#include "test-oracle.h"

static guint
n_generated (guint n)
{
  return g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 25 * n : n;
}

static void
assert_same_value (GVariant *value,
                   GVariant *expected)
{
  g_assert_cmpstr (g_variant_get_type_string (value), ==, g_variant_get_type_string (expected));
  /* GLib prints values to compare them if one of them need not be in normal form. */
  if (g_variant_get_size (value) < 100)
    g_assert_true (g_variant_equal (value, expected));
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value),
                   g_variant_get_data (expected), g_variant_get_size (expected));
}

/* Feeds a message in pieces: of @piece bytes, then of one more, and so on. */
static GVariant *
unpack_in_pieces (GBytes *wire,
                  gsize   piece)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GError) error = NULL;
  GVariant *value = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (wire, &size);

  for (gsize start = 0; start < size; start += piece++)
    {
      g_assert_null (value);
      msgpack_rpc_unpacker_feed (unpacker, data + start, MIN (piece, size - start));
      value = msgpack_rpc_unpacker_next (unpacker, &error);
      g_assert_no_error (error);
    }

  return value;
}

/* @value is what was decoded of @object, @tree is what it should be. */
static void
assert_written_back (GVariant             *value,
                     GVariant             *tree,
                     const msgpack_object *object)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) packed = msgpack_rpc_pack (value, &error);
  g_autoptr(GBytes) packed_tree = NULL;
  g_autoptr(GBytes) expected = oracle_pack (tree);
  msgpack_unpacked again;

  g_assert_no_error (error);
  packed_tree = msgpack_rpc_pack (tree, &error);
  g_assert_no_error (error);

  g_assert_true (g_bytes_equal (packed, packed_tree));
  g_assert_true (g_bytes_equal (packed, expected));

  oracle_parse (&again, packed);
  g_assert_true (oracle_same (&again.data, object));
  msgpack_unpacked_destroy (&again);
}

/* Returns what @wire is decoded to, if that is right. */
static GVariant *
check_wire (GBytes *wire)
{
  g_autoptr(GVariant) expected = NULL;
  g_autoptr(GVariant) tree = NULL;
  g_autoptr(GVariant) in_pieces = NULL;
  g_autoptr(GError) error = NULL;
  msgpack_unpacked oracle;
  GVariant *value;

  oracle_parse (&oracle, wire);
  expected = g_variant_ref_sink (codec_tree_from_object (&oracle.data));
  tree = g_variant_ref_sink (codec_tree_from_object (&oracle.data));

  value = msgpack_rpc_unpack (wire, &error);
  g_assert_no_error (error);
  assert_same_value (value, expected);
  assert_normal_form (value);

  in_pieces = unpack_in_pieces (wire, 1 + g_bytes_get_size (wire) / 20);
  assert_same_value (in_pieces, expected);

  assert_written_back (value, tree, &oracle.data);
  msgpack_unpacked_destroy (&oracle);

  return value;
}

static void
check_hex (const char *hex)
{
  g_autoptr(GBytes) wire = gbytes_from_hex (hex);
  g_autoptr(GVariant) value = check_wire (wire);

  g_assert_nonnull (value);
}

static void
check_array (GByteArray *out)
{
  g_autoptr(GBytes) wire = g_bytes_new (out->data, out->len);
  g_autoptr(GVariant) value = check_wire (wire);

  g_assert_nonnull (value);
}

/* All forms that an item may have. Form 0 holds a small count in the first byte; the others have
 * it in 1, 2 or 4 bytes behind it. */
typedef struct
{
  guint8 small_byte;
  guint small_max;
  gboolean has_small;
  guint8 bytes[3]; /* 0 is none */
} Family;

static const Family family_str = { 0xa0, 31, TRUE, { 0xd9, 0xda, 0xdb } };
static const Family family_bin = { 0, 0, FALSE, { 0xc4, 0xc5, 0xc6 } };
static const Family family_ext = { 0, 0, FALSE, { 0xc7, 0xc8, 0xc9 } };
static const Family family_array = { 0x90, 15, TRUE, { 0, 0xdc, 0xdd } };
static const Family family_map = { 0x80, 15, TRUE, { 0, 0xde, 0xdf } };

#define N_FORMS 4

static void
append_byte (GByteArray *out,
             guint8      byte)
{
  g_byte_array_append (out, &byte, 1);
}

static void
append_number (GByteArray *out,
               guint64     number,
               guint       n_bytes)
{
  while (n_bytes-- > 0)
    append_byte (out, number >> (8 * n_bytes));
}

static gboolean
family_has (const Family *family,
            guint         form,
            guint32       n)
{
  if (form == 0)
    return family->has_small && n <= family->small_max;

  return family->bytes[form - 1] != 0 && (form == 3 || n >> (8 * form) == 0);
}

static void
append_header (GByteArray   *out,
               const Family *family,
               guint         form,
               guint32       n)
{
  g_assert_true (family_has (family, form, n));

  if (form == 0)
    {
      append_byte (out, family->small_byte | n);
      return;
    }

  append_byte (out, family->bytes[form - 1]);
  append_number (out, n, 1 << (form - 1));
}

static void
append_fill (GByteArray *out,
             guint8      byte,
             gsize       n)
{
  gsize length = out->len;

  g_byte_array_set_size (out, length + n);
  if (n > 0)
    memset (out->data + length, byte, n);
}

/* An ext, in the form of a fixext if there is one and it is asked for. */
static void
append_ext_header (GByteArray *out,
                   guint       form,
                   guint32     n,
                   gint8       type)
{
  static const guint sizes[] = { 1, 2, 4, 8, 16 };

  for (guint i = 0; form == 0 && i < G_N_ELEMENTS (sizes); i++)
    {
      if (sizes[i] == n)
        {
          append_byte (out, 0xd4 + i);
          append_byte (out, type);
          return;
        }
    }

  for (form = MAX (form, 1); !family_has (&family_ext, form, n);)
    form++;
  append_header (out, &family_ext, form, n);
  append_byte (out, type);
}

/* The forms of an integer: in the first byte, unsigned in 1 to 8 bytes, signed in 1 to 8 bytes. */
#define N_INT_FORMS 9

static gboolean
append_int (GByteArray *out,
            gint64      value,
            guint       form)
{
  guint n_bytes = 1 << ((form - 1) % 4);
  gboolean is_signed = form > 4;

  if (form == 0)
    {
      if (value < -32 || value > 127)
        return FALSE;
      append_byte (out, value);
      return TRUE;
    }

  if (!is_signed && (value < 0 || (n_bytes < 8 && value >> (8 * n_bytes) != 0)))
    return FALSE;

  if (is_signed && n_bytes < 8 &&
      (value < -(G_GINT64_CONSTANT (1) << (8 * n_bytes - 1)) ||
       value >= G_GINT64_CONSTANT (1) << (8 * n_bytes - 1)))
    return FALSE;

  append_byte (out, (is_signed ? 0xd0 : 0xcc) + (form - 1) % 4);
  append_number (out, value, n_bytes);

  return TRUE;
}

static const gint64 int_borders[] = {
  0, 1, 31, 32, 127, 128, 255, 256, 32767, 32768, 65535, 65536, G_MAXINT32,
  (gint64) G_MAXINT32 + 1, G_MAXUINT32, (gint64) G_MAXUINT32 + 1, G_MAXINT64,
  -1, -31, -32, -33, -127, -128, -129, -32767, -32768, -32769, G_MININT32,
  (gint64) G_MININT32 - 1, G_MININT64,
};

static guint
random_below (GRand *rand,
              guint  n)
{
  return g_rand_int_range (rand, 0, n);
}

static void
append_random_int (GByteArray *out,
                   GRand      *rand)
{
  gint64 value = int_borders[random_below (rand, G_N_ELEMENTS (int_borders))];

  if (random_below (rand, 8) == 0)
    {
      append_byte (out, 0xcf);
      append_number (out, G_MAXUINT64 - (g_rand_int (rand) >> 1), 8);
      return;
    }

  if (g_rand_boolean (rand))
    value = (gint64) ((guint64) g_rand_int (rand) << 32 | g_rand_int (rand)) >>
            random_below (rand, 64);

  while (!append_int (out, value, random_below (rand, N_INT_FORMS)))
    ;
}

static void
append_random_float (GByteArray *out,
                     GRand      *rand)
{
  static const guint64 bits[] = {
    0, G_GUINT64_CONSTANT (0x8000000000000000), G_GUINT64_CONSTANT (0x7ff0000000000000),
    G_GUINT64_CONSTANT (0xfff0000000000000), G_GUINT64_CONSTANT (0x7ff8000000000000),
    G_GUINT64_CONSTANT (0x7ff800000000002a), G_GUINT64_CONSTANT (0x3ff0000000000000), 1,
  };

  if (g_rand_boolean (rand))
    {
      /* No signalling NaN: widening it makes it a quiet one on some machines only. */
      append_byte (out, 0xca);
      append_number (out, g_rand_int (rand) & 0xff7fffff, 4);
      return;
    }

  append_byte (out, 0xcb);
  if (g_rand_boolean (rand))
    append_number (out, bits[random_below (rand, G_N_ELEMENTS (bits))], 8);
  else
    append_number (out, (guint64) g_rand_int (rand) << 32 | g_rand_int (rand), 8);
}

static void
append_random_body (GByteArray *out,
                    GRand      *rand,
                    gsize       n)
{
  static const char *const units[] = {
    "a", "xyz", "ж", "€", "😀", "\xff", "\xe2\x82", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80",
  };
  guint n_units = random_below (rand, 4) == 0 ? G_N_ELEMENTS (units) : 5;
  gsize end = out->len + n;

  while (out->len < end)
    {
      const char *unit = units[random_below (rand, n_units)];

      if (out->len + strlen (unit) <= end)
        g_byte_array_append (out, (const guint8 *) unit, strlen (unit));
      else
        append_byte (out, 'a');
    }

  if (n > 0 && random_below (rand, 20) == 0)
    out->data[end - 1 - random_below (rand, n)] = '\0';
}

static guint
random_size (GRand *rand)
{
  static const guint sizes[] = { 15, 16, 31, 32, 255, 256, 257 };

  if (random_below (rand, 12) == 0)
    return sizes[random_below (rand, G_N_ELEMENTS (sizes))];

  return random_below (rand, 12);
}

static guint
random_form (GRand        *rand,
             const Family *family,
             guint32       n)
{
  guint form;

  do
    form = random_below (rand, N_FORMS);
  while (!family_has (family, form, n));

  return form;
}

static void
append_random_leaf (GByteArray *out,
                    GRand      *rand)
{
  guint n = random_size (rand);

  switch (random_below (rand, 8))
    {
    case 0:
      append_byte (out, "\xc0\xc2\xc3"[random_below (rand, 3)]);
      break;
    case 1:
    case 2:
      append_random_int (out, rand);
      break;
    case 3:
      append_random_float (out, rand);
      break;
    case 4:
      append_header (out, &family_bin, random_form (rand, &family_bin, n), n);
      append_random_body (out, rand, n);
      break;
    case 5:
      append_ext_header (out, random_below (rand, N_FORMS), n,
                         g_rand_int_range (rand, -128, 128));
      append_random_body (out, rand, n);
      break;
    default:
      append_header (out, &family_str, random_form (rand, &family_str, n), n);
      append_random_body (out, rand, n);
      break;
    }
}

static void append_random (GByteArray *out,
                           GRand      *rand,
                           guint       depth);

static void
append_random_map (GByteArray *out,
                   GRand      *rand,
                   guint       depth,
                   guint       n)
{
  guint kind = random_below (rand, 3);
  guint changes_at = random_below (rand, 3) == 0 ? random_below (rand, n + 1) : n;

  append_header (out, &family_map, random_form (rand, &family_map, n), n);
  for (guint i = 0; i < n; i++)
    {
      guint length = random_below (rand, 10);

      if (kind == 2 || i == changes_at)
        {
          append_random (out, rand, depth);
        }
      else if (kind == 1)
        {
          append_random_int (out, rand);
        }
      else
        {
          append_header (out, &family_str, random_form (rand, &family_str, length), length);
          append_fill (out, 'k', length);
        }

      append_random (out, rand, depth);
    }
}

/* A value in any form of the wire, with no more than @depth levels in it. */
static void
append_random (GByteArray *out,
               GRand      *rand,
               guint       depth)
{
  guint kind = depth > 0 ? random_below (rand, 3) : 0;
  guint n = depth > 1 ? random_below (rand, 5) : random_size (rand);

  if (kind == 0)
    {
      append_random_leaf (out, rand);
    }
  else if (kind == 1)
    {
      append_header (out, &family_array, random_form (rand, &family_array, n), n);
      while (n-- > 0)
        append_random (out, rand, depth - 1);
    }
  else
    {
      append_random_map (out, rand, depth - 1, n);
    }
}

static void
test_generated (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (20);

  g_test_summary ("Values in every form of the wire are what msgpack-c makes of them");

  for (guint i = 0; i < n_generated (4000); i++)
    {
      g_autoptr(GByteArray) out = g_byte_array_new ();

      append_random (out, rand, 1 + i % 5);
      check_array (out);
    }
}

static void
test_int_forms (void)
{
  guint n = 0;

  g_test_summary ("An integer means the same in every form that can hold it");

  for (gsize i = 0; i < G_N_ELEMENTS (int_borders); i++)
    {
      for (guint form = 0; form < N_INT_FORMS; form++)
        {
          g_autoptr(GByteArray) out = g_byte_array_new ();
          g_autoptr(GVariant) value = NULL;
          g_autoptr(GBytes) wire = NULL;

          if (!append_int (out, int_borders[i], form))
            continue;

          wire = g_bytes_new (out->data, out->len);
          value = check_wire (wire);
          g_assert_cmpint (g_variant_get_int64 (value), ==, int_borders[i]);
          n++;
        }
    }

  g_assert_cmpuint (n, >, 100);
}

/* Where the item in question stands: alone, in an array, as a value, as a key. */
static const char *const surroundings[][2] = {
  { "", "" },
  { "93 01", "a1 61" },
  { "81 a1 61", "" },
  { "82 05", "06 07" },
  { "81", "c0" },
  { "82 a1 61 01", "02" },
  { "82 05 01", "02" },
  { "82 c0 01", "02" },
};

static void
append_hex (GByteArray *out,
            const char *hex)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (hex);

  g_byte_array_append (out, bytes->data, bytes->len);
}

static void
check_header (const Family *family,
              guint         form,
              guint32       n)
{
  /* A large one takes long, and is as good in one place as in another. */
  const gsize n_places = n > 1000 ? 1 : G_N_ELEMENTS (surroundings);

  for (gsize i = 0; i < n_places; i++)
    {
      g_autoptr(GByteArray) out = g_byte_array_new ();

      append_hex (out, surroundings[i][0]);
      if (family == &family_ext)
        append_ext_header (out, form, n, n % 200 - 100);
      else
        append_header (out, family, form, n);
      append_fill (out, 'a', family == &family_map ? 2 * n : n);
      append_hex (out, surroundings[i][1]);
      check_array (out);
    }
}

static void
test_header_forms (void)
{
  static const Family *const families[] = {
    &family_str, &family_bin, &family_ext, &family_array, &family_map,
  };
  static const guint32 counts[] = { 0, 1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 255, 256, 65535, 65536 };

  g_test_summary ("Every length means the same in every header that can hold it");

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      for (guint form = 0; form < N_FORMS; form++)
        {
          for (gsize j = 0; j < G_N_ELEMENTS (counts); j++)
            {
              if (families[i] == &family_ext || family_has (families[i], form, counts[j]))
                check_header (families[i], form, counts[j]);
            }
        }
    }
}

/* The bytes of the count that come behind the first byte of an item. */
static guint
count_width (guint8 byte)
{
  static const guint8 widths[] = { 1, 2, 4, 1, 2, 4 };

  if (byte >= 0xc4 && byte <= 0xc9)
    return widths[byte - 0xc4];
  if (byte >= 0xd9 && byte <= 0xdb)
    return widths[byte - 0xd9];
  if (byte >= 0xdc && byte <= 0xdf)
    return 2 << (byte & 1);

  return 0;
}

/* What is cut short is neither a message nor an error of a stream. */
static void
check_cut (const guint8 *data,
           gsize         size,
           gsize         length)
{
  g_autofree guint8 *copy = g_memdup2 (data, length);
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GBytes) bytes = g_bytes_new_static (copy, length);
  g_autoptr(GError) error = NULL;
  msgpack_unpacked oracle;
  gsize offset = 0;

  msgpack_unpacked_init (&oracle);
  g_assert_cmpint (msgpack_unpack_next (&oracle, (const char *) copy, length, &offset), ==,
                   MSGPACK_UNPACK_CONTINUE);
  msgpack_unpacked_destroy (&oracle);

  g_assert_null (msgpack_rpc_unpack (bytes, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_true (g_str_has_prefix (error->message, "Message cut short"));
  g_clear_error (&error);

  msgpack_rpc_unpacker_feed (unpacker, copy, length);
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_no_error (error);
  msgpack_rpc_unpacker_feed (unpacker, data + length, size - length);
  g_variant_unref (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_no_error (error);
}

static void
check_first_byte (const char *before,
                  guint8      byte,
                  guint       count)
{
  g_autoptr(GByteArray) out = bytes_from_hex (before);
  g_autoptr(GBytes) whole = NULL;
  g_autoptr(GBytes) more = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  msgpack_unpacked oracle;
  gsize size = 0;

  append_byte (out, byte);
  append_number (out, count, count_width (byte));
  append_fill (out, 0x01, 2 * count + 40);

  msgpack_unpacked_init (&oracle);
  g_assert_cmpint (msgpack_unpack_next (&oracle, (const char *) out->data, out->len, &size), ==,
                   byte == 0xc1 ? MSGPACK_UNPACK_PARSE_ERROR : MSGPACK_UNPACK_SUCCESS);
  msgpack_unpacked_destroy (&oracle);

  more = g_bytes_new (out->data, byte == 0xc1 ? out->len : size + 1);
  g_assert_null (msgpack_rpc_unpack (more, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_nonnull (strstr (error->message, byte == 0xc1 ? "byte 0xc1" : "1 bytes too many"));
  if (byte == 0xc1)
    return;

  whole = g_bytes_new (out->data, size);
  value = check_wire (whole);
  g_assert_nonnull (value);
  for (gsize length = 1; length < size; length++)
    check_cut (out->data, size, length);
}

static void
test_first_bytes (void)
{
  static const char *const befores[] = { "", "92 c0", "81 a1 61", "82 05 06", "81" };
  static const guint counts[] = { 0, 1, 2, 17, 33 };

  g_test_summary ("Each first byte is read with what belongs to it, and cut short anywhere");

  for (gsize i = 0; i < G_N_ELEMENTS (befores); i++)
    {
      for (guint byte = 0; byte < 256; byte++)
        {
          for (gsize j = 0; j < (count_width (byte) > 0 ? G_N_ELEMENTS (counts) : 1); j++)
            check_first_byte (befores[i], byte, counts[j]);
        }
    }
}

/* Messages with a part that can have any size: '@' is a str, '#' a bin, '%' a str that is no UTF-8,
 * '^' an ext; '*' is another of these messages. */
static const char *const fillings[] = {
  "@", "#", "%", "^",
  "91@", "91#", "91%", "9201@", "92@01", "92@a161", "93@c0#",
  "81a161@", "82a161@a16201", "82a16101a162@", "81@01", "82@01a16102",
  "8101@", "8201@0203", "82010203@",
  "81c0@", "82c0@c001", "81#@", "82@01c002", "8201@c0c0", "82a161@01c0", "82a16101c0@",
  "83a161@a162@0102",
};
static const char *const outers[] = {
  "91*", "9201*", "92*01", "81a161*", "82a161*a16201", "8101*", "8201*0203", "81c0*", "81*c0",
  "82a161*0102", "8201*a161c0",
};

static void
append_filling (GByteArray *out,
                const char *text,
                gsize       length)
{
  static const guint forms[] = { 0xff, 0xffff };
  guint form = length <= forms[0] ? 1 : length <= forms[1] ? 2 : 3;

  while (*text != '\0')
    {
      char digits[3] = { text[0], text[1], '\0' };

      switch (*text)
        {
        case '@':
        case '%':
          append_header (out, &family_str, form, length);
          append_fill (out, *text == '@' ? 'a' : 0xff, length);
          break;
        case '#':
          append_header (out, &family_bin, form, length);
          append_fill (out, 'b', length);
          break;
        case '^':
          append_ext_header (out, form, length, 5);
          append_fill (out, 'c', length);
          break;
        default:
          append_hex (out, digits);
          text++;
          break;
        }
      text++;
    }
}

/* Notes the sizes of all parts of a value that are near a border. */
static void
note_sizes (GVariant   *value,
            gsize       border,
            GHashTable *seen)
{
  gsize size = g_variant_get_size (value);
  gsize n = g_variant_is_container (value) ? g_variant_n_children (value) : 0;

  if (size + 8 > border && size < border + 8)
    g_hash_table_add (seen, g_strdup_printf ("%s %" G_GSIZE_FORMAT,
                                             g_variant_get_type_string (value), size));

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      note_sizes (child, border, seen);
    }
}

/* Makes the filling a little smaller than @border first, so that each of the containers comes to
 * the border in turn. */
static void
check_around_border (const char *text,
                     gsize       border,
                     GHashTable *seen)
{
  const gsize overhead = border == G_MAXUINT8 ? 80 : 48;

  for (gsize length = border - overhead; length <= border + 4; length++)
    {
      g_autoptr(GByteArray) out = g_byte_array_new ();
      g_autoptr(GBytes) wire = NULL;
      g_autoptr(GVariant) value = NULL;

      append_filling (out, text, length);
      wire = g_byte_array_free_to_bytes (g_steal_pointer (&out));
      value = check_wire (wire);
      note_sizes (value, border, seen);
    }
}

static char *
put_into (const char *outer,
          const char *inner)
{
  g_auto(GStrv) parts = g_strsplit (outer, "*", 2);

  return g_strconcat (parts[0], inner, parts[1], NULL);
}

static void
assert_seen (GHashTable *seen,
             const char *type,
             gsize       size)
{
  g_autofree char *key = g_strdup_printf ("%s %" G_GSIZE_FORMAT, type, size);

  if (!g_hash_table_contains (seen, key))
    g_error ("no %s was seen", key);
}

/* A container with a framing offset cannot have all sizes: where offsets grow, it grows more. */
static void
assert_all_seen (GHashTable *seen,
                 gsize       border)
{
  static const char *const framed[] = { "av", "a{sv}", "a{xv}", "a(vv)", "{sv}", "(vv)" };
  static const char *const plain[] = { "s", "ay", "(hay)", "v", "{xv}" };
  const gsize step = border == G_MAXUINT8 ? 1 : 2;

  for (gsize i = 0; i < G_N_ELEMENTS (framed); i++)
    {
      assert_seen (seen, framed[i], border - 1);
      assert_seen (seen, framed[i], border);
      assert_seen (seen, framed[i], border + 1 + step);
      assert_seen (seen, framed[i], border + 2 + step);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++)
    {
      for (gsize size = border - 1; size <= border + 3; size++)
        assert_seen (seen, plain[i], size);
    }
}

static void
test_borders (gconstpointer data)
{
  const gsize border = GPOINTER_TO_SIZE (data);
  g_autoptr(GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_test_summary ("Containers of all kinds, in one another, are right where framing offsets grow");

  for (gsize i = 0; i < G_N_ELEMENTS (fillings); i++)
    {
      check_around_border (fillings[i], border, seen);

      for (gsize j = 0; j < G_N_ELEMENTS (outers); j++)
        {
          g_autofree char *text = put_into (outers[j], fillings[i]);

          /* The large ones take long: each in one place, and all in all of them when asked to. */
          if (border == G_MAXUINT8 || i % G_N_ELEMENTS (outers) == j || n_generated (1) > 1)
            check_around_border (text, border, seen);
        }
    }

  assert_all_seen (seen, border);
}

static void
test_borders_nested (void)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  static const char *const innermost[] = { "91@", "81a161@", "8101@", "81c0@", "81@c0" };

  g_test_summary ("Three containers in one another are right where framing offsets grow");

  for (gsize i = 0; i < G_N_ELEMENTS (outers); i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (outers); j++)
        {
          g_autofree char *inner = put_into (outers[j], innermost[(i + j) % 5]);
          g_autofree char *text = put_into (outers[i], inner);

          check_around_border (text, G_MAXUINT8, seen);
        }
    }

  assert_seen (seen, "av", G_MAXUINT8);
}

/* Keys of each kind, of which the third and the fourth are equal. */
static const char *const keys[][4] = {
  { "a0", "d9 09 31 32 33 34 35 36 37 38 39", "a1 61", "a1 61" },
  { "05", "d1 80 00", "cf 7f ff ff ff ff ff ff ff", "d3 7f ff ff ff ff ff ff ff" },
  { "cf ff ff ff ff ff ff ff ff", "cf 80 00 00 00 00 00 00 00", "cf 80 00 00 00 00 00 00 01",
    "cf 80 00 00 00 00 00 00 01" },
  { "cb 3f f0 00 00 00 00 00 00", "cb 7f f8 00 00 00 00 00 00", "ca 3f c0 00 00",
    "cb 3f f8 00 00 00 00 00 00" },
  { "c0", "c0", "c0", "c0" },
  { "c2", "c3", "c2", "c2" },
  { "c4 00", "c5 00 03 61 62 63", "c4 01 61", "c6 00 00 00 01 61" },
  { "a1 ff", "a3 61 00 62", "d9 01 80", "a1 80" },
  { "c7 00 05", "d4 05 01", "d6 ff 00 00 00 01", "c7 04 ff 00 00 00 01" },
  { "90", "92 01 a1 61", "91 80", "dc 00 01 80" },
  { "80", "82 01 02 a1 61 03", "81 a1 61 c0", "81 a1 61 c0" },
};

static const char *const key_values[] = { "01", "a1 61", "91 c0", "c0", "80", "c4 03 61 62 63" };

/* @n entries whose keys are of the kind @first, the one at @position of the kind @second, and those
 * after it of the kind @last. */
static char *
map_hex (guint n,
         guint position,
         guint first,
         guint second,
         guint last)
{
  GString *hex = g_string_new (NULL);

  g_string_append_printf (hex, n % 2 == 0 ? "8%x" : "de 00 %02x", n);
  for (guint i = 0; i < n; i++)
    {
      guint kind = i < position ? first : i == position ? second : last;

      g_string_append_printf (hex, " %s %s", keys[kind][i % 4],
                              key_values[(i + n) % G_N_ELEMENTS (key_values)]);
    }

  return g_string_free (hex, FALSE);
}

static void
check_map (const char *map)
{
  for (gsize i = 0; i < G_N_ELEMENTS (surroundings); i++)
    {
      g_autofree char *hex = g_strjoin (" ", surroundings[i][0], map, surroundings[i][1], NULL);

      check_hex (g_strstrip (hex));
    }
}

static void
test_map_kinds (gconstpointer data)
{
  const guint first = GPOINTER_TO_UINT (data);

  g_test_summary ("A map whose keys change kind at any place keeps all entries, in order");

  for (guint second = 0; second < G_N_ELEMENTS (keys); second++)
    {
      for (guint n = 1; n < 6; n++)
        {
          for (guint position = 0; position < n; position++)
            {
              g_autofree char *change = map_hex (n, position, first, second, second);
              g_autofree char *intruder = map_hex (n, position, first, second, first);

              check_map (change);
              if (position + 1 < n)
                check_map (intruder);
            }
        }
    }
}

static void
test_duplicate_keys (void)
{
  g_test_summary ("Keys that occur more than once are all kept, in order");

  for (guint kind = 0; kind < G_N_ELEMENTS (keys); kind++)
    {
      g_autofree char *hex = g_strdup_printf ("85 %s 01 %s 02 %s 03 %s 04 %s 05",
                                              keys[kind][2], keys[kind][0], keys[kind][3],
                                              keys[kind][0], keys[kind][2]);
      g_autoptr(GBytes) wire = gbytes_from_hex (hex);
      g_autoptr(GVariant) value = check_wire (wire);

      g_assert_cmpuint (g_variant_n_children (value), ==, 5);
      for (guint i = 0; i < 5; i++)
        {
          g_autoptr(GVariant) entry = g_variant_get_child_value (value, i);
          g_autoptr(GVariant) boxed = g_variant_get_child_value (entry, 1);
          g_autoptr(GVariant) number = g_variant_get_variant (boxed);

          g_assert_cmpint (g_variant_get_int64 (number), ==, i + 1);
        }
    }
}

typedef enum
{
  LEVEL_ARRAY,
  LEVEL_ARRAY_32,
  LEVEL_STR_MAP,
  LEVEL_INT_MAP,
  LEVEL_ANY_MAP,
  LEVEL_KEY,
  LEVEL_CHANGED_MAP,
  N_LEVELS,
} Level;

static const struct
{
  const char *before;
  const char *after;
} level_hexes[] = {
  [LEVEL_ARRAY] = { "91", "" },
  [LEVEL_ARRAY_32] = { "dd 00 00 00 02", "05" },
  [LEVEL_STR_MAP] = { "81 a1 61", "" },
  [LEVEL_INT_MAP] = { "81 07", "" },
  [LEVEL_ANY_MAP] = { "81 c0", "" },
  [LEVEL_KEY] = { "81", "c0" },
  [LEVEL_CHANGED_MAP] = { "82 a1 61", "07 c0" },
};

/* Consumes @inner. Floating. */
static GVariant *
level_new (Level     level,
           GVariant *inner)
{
  switch (level)
    {
    case LEVEL_ARRAY:
      return g_variant_new_parsed ("[<%*>]", inner);
    case LEVEL_ARRAY_32:
      return g_variant_new_parsed ("[<%*>, <int64 5>]", inner);
    case LEVEL_STR_MAP:
      return g_variant_new_parsed ("{'a': <%*>}", inner);
    case LEVEL_INT_MAP:
      return g_variant_new_parsed ("{int64 7: <%*>}", inner);
    case LEVEL_ANY_MAP:
      return g_variant_new_parsed ("[(<@mv nothing>, <%*>)]", inner);
    case LEVEL_KEY:
      return g_variant_new_parsed ("[(<%*>, <@mv nothing>)]", inner);
    case LEVEL_CHANGED_MAP:
      return g_variant_new_parsed ("[(<'a'>, <%*>), (<int64 7>, <@mv nothing>)]", inner);
    case N_LEVELS:
    default:
      g_assert_not_reached ();
    }
}

/* The kind of the level at a depth; the shape N_LEVELS is a bit of each. */
static Level
level_at (guint shape,
          guint depth)
{
  return shape == N_LEVELS ? depth % N_LEVELS : shape;
}

static GByteArray *
nested_wire (guint       shape,
             guint       depth,
             const char *inner,
             gsize      *inner_offset)
{
  GByteArray *out = g_byte_array_new ();

  for (guint i = 0; i < depth; i++)
    append_hex (out, level_hexes[level_at (shape, i)].before);
  *inner_offset = out->len;
  append_hex (out, inner);
  for (guint i = depth; i-- > 0;)
    append_hex (out, level_hexes[level_at (shape, i)].after);

  return out;
}

static MsgpackRpcUnpacker *
unpacker_with_depth (guint       max_depth,
                     GByteArray *wire)
{
  MsgpackRpcUnpacker *unpacker = msgpack_rpc_unpacker_new ();

  msgpack_rpc_unpacker_set_max_depth (unpacker, max_depth);
  msgpack_rpc_unpacker_feed (unpacker, wire->data, wire->len);

  return unpacker;
}

static void
check_depth (guint shape,
             guint depth)
{
  g_autoptr(GVariant) expected = g_variant_new_parsed ("[byte 7]");
  g_autoptr(GByteArray) wire = NULL;
  g_autoptr(MsgpackRpcUnpacker) unpacker = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GBytes) packed = NULL;
  g_autoptr(GBytes) expected_packed = NULL;
  g_autoptr(GError) error = NULL;
  gsize offset;

  for (guint i = depth; i-- > 0;)
    expected = level_new (level_at (shape, i), expected);
  g_variant_take_ref (expected);

  wire = nested_wire (shape, depth, "c4 01 07", &offset);
  unpacker = unpacker_with_depth (depth, wire);
  value = msgpack_rpc_unpacker_next (unpacker, &error);
  g_assert_no_error (error);
  assert_same_value (value, expected);
  assert_normal_form (value);

  packed = msgpack_rpc_pack (value, &error);
  g_assert_no_error (error);
  expected_packed = oracle_pack (expected);
  g_assert_true (g_bytes_equal (packed, expected_packed));
}

static void
check_too_deep (guint shape,
                guint depth)
{
  static const char *const inners[] = { "90", "80", "91 01", "dc 00 00", "df 00 00 00 01" };

  for (gsize i = 0; i < G_N_ELEMENTS (inners); i++)
    {
      gsize offset;
      g_autoptr(GByteArray) wire = nested_wire (shape, depth, inners[i], &offset);
      g_autoptr(MsgpackRpcUnpacker) unpacker = unpacker_with_depth (depth, wire);
      g_autofree char *text = NULL;
      g_autoptr(GError) error = NULL;

      text = g_strdup_printf ("Message too deep: %u levels or more, the limit is %u, at offset "
                              "%" G_GSIZE_FORMAT, depth + 1, depth, offset);
      g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
      g_assert_cmpstr (error->message, ==, text);
    }
}

static void
test_depth (void)
{
  static const guint depths[] = { 0, 1, 2, 31, 32, 39, 40 };

  g_test_summary ("Levels of each kind are read up to the limit, and one more is an error");

  for (gsize i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      for (guint shape = 0; shape <= N_LEVELS; shape++)
        {
          check_depth (shape, depths[i]);
          check_too_deep (shape, depths[i]);
        }
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/codec-oracle/generated", test_generated);
  g_test_add_func ("/msgpack-rpc/codec-oracle/int-forms", test_int_forms);
  g_test_add_func ("/msgpack-rpc/codec-oracle/header-forms", test_header_forms);
  g_test_add_func ("/msgpack-rpc/codec-oracle/first-bytes", test_first_bytes);
  g_test_add_data_func ("/msgpack-rpc/codec-oracle/borders/255",
                        GSIZE_TO_POINTER (G_MAXUINT8), test_borders);
  g_test_add_data_func ("/msgpack-rpc/codec-oracle/borders/65535",
                        GSIZE_TO_POINTER (G_MAXUINT16), test_borders);
  g_test_add_func ("/msgpack-rpc/codec-oracle/borders/nested", test_borders_nested);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *path = g_strdup_printf ("/msgpack-rpc/codec-oracle/map-kinds/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_map_kinds);
    }
  g_test_add_func ("/msgpack-rpc/codec-oracle/duplicate-keys", test_duplicate_keys);
  g_test_add_func ("/msgpack-rpc/codec-oracle/depth", test_depth);

  return g_test_run ();
}
