/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Values of all types of GVariant: written as msgpack-c writes them, and read into their type. */

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-value.h"

#include "test-oracle.h"

/* What types and values are made of. */
typedef struct
{
  GRand *rand;
  gboolean lossless; /* only what MessagePack can tell apart from everything else */
} Maker;

static guint
n_generated (guint n)
{
  return g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 25 * n : n;
}

static guint
maker_below (Maker *self,
             guint  n)
{
  return g_rand_int_range (self->rand, 0, n);
}

static guint64
maker_bits (Maker *self)
{
  guint64 bits = (guint64) g_rand_int (self->rand) << 32 | g_rand_int (self->rand);

  return bits >> maker_below (self, 64);
}

static void
maker_append_basic (Maker   *self,
                    GString *out)
{
  g_string_append_c (out, "bynqiuxtdsog"[maker_below (self, 12)]);
}

static void
maker_append_type (Maker   *self,
                   GString *out,
                   guint    depth)
{
  static const char *const common[] = { "ay", "as", "ax", "ad", "ab", "av", "a{sv}", "a{xv}",
                                        "(hay)", "a(vv)", "(xx)", "a(sd)", "a{sax}", "v", "()" };
  gsize start = out->len;

  switch (depth > 0 ? maker_below (self, 9) : 0)
    {
    case 3:
    case 4:
      g_string_append_c (out, 'a');
      maker_append_type (self, out, depth - 1);
      break;
    case 5:
      g_string_append_c (out, '(');
      for (guint n = maker_below (self, 5); n > 0; n--)
        maker_append_type (self, out, depth - 1);
      g_string_append_c (out, ')');
      break;
    case 6:
      g_string_append (out, maker_below (self, 4) > 0 ? "a{" : "{");
      maker_append_basic (self, out);
      maker_append_type (self, out, depth - 1);
      g_string_append_c (out, '}');
      break;
    case 7:
      g_string_append_c (out, 'm');
      maker_append_type (self, out, depth - 1);
      /* Nothing of something is the same as nothing. */
      if (self->lossless && strchr ("mv", out->str[start + 1]) != NULL)
        g_string_erase (out, start, 1);
      break;
    case 8:
      g_string_append (out, common[maker_below (self, G_N_ELEMENTS (common))]);
      break;
    default:
      maker_append_basic (self, out);
      break;
    }
}

static GVariant *maker_value (Maker              *self,
                              const GVariantType *type,
                              guint               depth);

static GVariant *
maker_string (Maker *self,
              char   type)
{
  static const char *const units[] = { "a", "xyz", "ж", "€", "😀" };
  static const char *const paths[] = { "/", "/a", "/a/b", "/some/path" };
  static const char *const signatures[] = { "", "s", "a{sv}", "(ii)as" };
  g_autoptr(GString) string = g_string_new (NULL);
  guint n;

  if (type == 'o')
    return g_variant_new_object_path (paths[maker_below (self, G_N_ELEMENTS (paths))]);
  if (type == 'g')
    return g_variant_new_signature (signatures[maker_below (self, G_N_ELEMENTS (signatures))]);

  n = maker_below (self, maker_below (self, 20) == 0 ? 300 : 6);
  while (n-- > 0)
    g_string_append (string, units[maker_below (self, G_N_ELEMENTS (units))]);

  return g_variant_new_string (string->str);
}

static GVariant *
maker_double (Maker *self)
{
  static const double doubles[] = { 0.0, -0.0, 1.0, -1.5, 1e300, G_MAXDOUBLE, G_MINDOUBLE };
  guint64 bits = maker_bits (self);
  double number;

  if (maker_below (self, 2) == 0)
    return g_variant_new_double (doubles[maker_below (self, G_N_ELEMENTS (doubles))]);

  memcpy (&number, &bits, sizeof number);

  return g_variant_new_double (number);
}

static GVariant *
maker_basic (Maker *self,
             char   type)
{
  guint64 bits = maker_below (self, 2) == 0 ? maker_bits (self) : ~maker_bits (self);

  switch (type)
    {
    case 'b':
      return g_variant_new_boolean (bits & 1);
    case 'y':
      return g_variant_new_byte (bits);
    case 'n':
      return g_variant_new_int16 (bits);
    case 'q':
      return g_variant_new_uint16 (bits);
    case 'i':
      return g_variant_new_int32 (bits);
    case 'u':
      return g_variant_new_uint32 (bits);
    case 'x':
      return g_variant_new_int64 (bits);
    case 't':
      return g_variant_new_uint64 (bits);
    case 'd':
      return maker_double (self);
    default:
      return maker_string (self, type);
    }
}

static GVariant *
maker_variant (Maker *self,
               guint  depth)
{
  static const char *const canonical[] = { "x", "d", "s", "b", "ay", "av", "a{sv}" };
  g_autoptr(GString) type = g_string_new (NULL);

  if (self->lossless)
    g_string_append (type, canonical[maker_below (self, depth > 0 ? G_N_ELEMENTS (canonical) : 5)]);
  else
    maker_append_type (self, type, depth);

  return g_variant_new_variant (maker_value (self, G_VARIANT_TYPE (type->str),
                                             depth > 0 ? depth - 1 : 0));
}

static GVariant *
maker_array (Maker              *self,
             const GVariantType *type,
             guint               depth)
{
  guint n = depth > 0 ? maker_below (self, maker_below (self, 30) == 0 ? 70 : 5) : 0;
  g_autoptr(GPtrArray) items = g_ptr_array_new ();

  while (n-- > 0)
    g_ptr_array_add (items, maker_value (self, g_variant_type_element (type), depth - 1));

  return g_variant_new_array (g_variant_type_element (type), (GVariant **) items->pdata,
                              items->len);
}

static GVariant *
maker_tuple (Maker              *self,
             const GVariantType *type,
             guint               depth)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new ();

  for (const GVariantType *item = g_variant_type_first (type);
       item != NULL;
       item = g_variant_type_next (item))
    g_ptr_array_add (items, maker_value (self, item, depth > 0 ? depth - 1 : 0));

  return g_variant_new_tuple ((GVariant **) items->pdata, items->len);
}

static GVariant *
maker_opaque (Maker *self)
{
  static const char *const bodies[] = { "", "a", "\xff\xfe", "abc\0", "0123456789abcdef" };
  const char *body = bodies[maker_below (self, G_N_ELEMENTS (bodies))];
  gint32 handle = maker_below (self, 3) == 0 ? 256 : (gint32) maker_below (self, 256) - 128;

  return g_variant_new ("(h@ay)", handle,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, body, strlen (body), 1));
}

/* Floating. */
static GVariant *
maker_value (Maker              *self,
             const GVariantType *type,
             guint               depth)
{
  GVariant *key;

  if (g_variant_type_equal (type, G_VARIANT_TYPE ("(hay)")))
    return maker_opaque (self);

  switch (*g_variant_type_peek_string (type))
    {
    case 'v':
      return maker_variant (self, depth);
    case 'a':
      return maker_array (self, type, depth);
    case '(':
      return maker_tuple (self, type, depth);
    case '{':
      key = maker_value (self, g_variant_type_key (type), 0);
      return g_variant_new_dict_entry (key, maker_value (self, g_variant_type_value (type),
                                                         depth > 0 ? depth - 1 : 0));
    case 'm':
      if (maker_below (self, 3) == 0)
        return g_variant_new_maybe (g_variant_type_element (type), NULL);
      return g_variant_new_maybe (NULL, maker_value (self, g_variant_type_element (type), depth));
    default:
      return maker_basic (self, *g_variant_type_peek_string (type));
    }
}

/* Not floating. */
static GVariant *
maker_next (Maker *self)
{
  g_autoptr(GString) type = g_string_new (NULL);

  maker_append_type (self, type, 1 + maker_below (self, 4));

  return g_variant_ref_sink (maker_value (self, G_VARIANT_TYPE (type->str), 4));
}

/* Whether there is a handle in @value that is not the type of an ext or a string's mark. */
static gboolean
has_bad_handle (GVariant *value)
{
  gsize n = g_variant_is_container (value) ? g_variant_n_children (value) : 0;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_HANDLE))
    return TRUE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")))
    {
      gint32 handle;

      g_variant_get_child (value, 0, "h", &handle);
      return handle != 256 && (handle < G_MININT8 || handle > G_MAXINT8);
    }

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      if (has_bad_handle (child))
        return TRUE;
    }

  return FALSE;
}

/* Packs @value and compares with what the tree codec makes of it. Returns FALSE if it has to be
 * refused. */
static gboolean
check_written (GVariant *value)
{
  g_autoptr(GBytes) packed = NULL;
  g_autoptr(GBytes) expected = NULL;
  g_autoptr(GError) error = NULL;
  msgpack_unpacked oracle;

  packed = msgpack_rpc_pack (value, &error);
  if (has_bad_handle (value))
    {
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
      return FALSE;
    }

  g_assert_no_error (error);
  expected = oracle_pack (value);
  g_assert_cmpmem (g_bytes_get_data (packed, NULL), g_bytes_get_size (packed),
                   g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
  oracle_parse (&oracle, packed);
  msgpack_unpacked_destroy (&oracle);

  return TRUE;
}

static GVariant *
variant_from_copy (const GVariantType *type,
                   gconstpointer       data,
                   gsize               size,
                   gsize               shift)
{
  guint8 *copy = g_malloc (size + shift + 1);

  if (size > 0)
    memcpy (copy + shift, data, size);

  return g_variant_ref_sink (g_variant_new_from_data (type, copy + shift, size, FALSE, g_free,
                                                      copy));
}

static void
test_written (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (40);
  Maker maker = { .rand = rand };
  guint n_refused = 0;

  g_test_summary ("A value of any type is written as msgpack-c writes its parts");

  for (guint i = 0; i < n_generated (8000); i++)
    {
      g_autoptr(GVariant) tree = maker_next (&maker);
      g_autoptr(GVariant) boxed = g_variant_ref_sink (g_variant_new ("(yv)", 1, tree));
      g_autoptr(GVariant) untrusted = NULL;
      g_autoptr(GVariant) swapped = NULL;
      g_autoptr(GVariant) child = NULL;

      g_assert_true (check_written (tree));
      g_assert_true (check_written (boxed));

      child = g_variant_get_child_value (boxed, 1);
      g_assert_true (check_written (child));

      untrusted = variant_from_copy (g_variant_get_type (tree), g_variant_get_data (tree),
                                     g_variant_get_size (tree), 0);
      g_assert_true (check_written (untrusted));

      /* Other numbers, and handles that may be none. */
      swapped = g_variant_byteswap (untrusted);
      n_refused += !check_written (swapped);
    }

  g_assert_cmpuint (n_refused, <, n_generated (8000) / 4);
}

static void
test_written_unaligned (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (41);
  Maker maker = { .rand = rand };

  g_test_summary ("A value is written the same wherever its data lie");

  for (guint i = 0; i < n_generated (1000); i++)
    {
      g_autoptr(GVariant) value = maker_next (&maker);
      gsize shift = 1 + maker_below (&maker, 7);
      g_autoptr(GVariant) moved = NULL;
      g_autoptr(GBytes) packed = msgpack_rpc_pack (value, NULL);
      g_autoptr(GBytes) packed_moved = NULL;

      moved = variant_from_copy (g_variant_get_type (value), g_variant_get_data (value),
                                 g_variant_get_size (value), shift);
      packed_moved = msgpack_rpc_pack (moved, NULL);
      g_assert_nonnull (packed);
      g_assert_true (g_bytes_equal (packed, packed_moved));
    }
}

/* Data that are not in normal form: GLib has a value for them all the same. */
static void
test_written_broken (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (42);
  Maker maker = { .rand = rand };
  guint n_broken = 0;

  g_test_summary ("Data that are not in normal form are written as what GLib takes them for");

  for (guint i = 0; i < n_generated (12000); i++)
    {
      g_autoptr(GVariant) value = maker_next (&maker);
      gsize size = g_variant_get_size (value);
      g_autofree guint8 *data = g_malloc0 (size + 8);
      g_autoptr(GVariant) broken = NULL;

      g_variant_store (value, data);
      for (guint n = 1 + maker_below (&maker, 3); n > 0 && size > 0; n--)
        data[maker_below (&maker, size)] ^= 1 << maker_below (&maker, 8);
      if (maker_below (&maker, 3) == 0)
        size = maker_below (&maker, size + 8);

      broken = variant_from_copy (g_variant_get_type (value), data, size, 0);
      n_broken += !g_variant_is_normal_form (broken);
      check_written (broken);
    }

  g_test_message ("%u of them not in normal form", n_broken);
  g_assert_cmpuint (n_broken, >, n_generated (12000) / 4);
}

/* GLib has no objection to tuples of no bytes, which it never writes itself. */
static void
test_written_nothing (void)
{
  static const struct
  {
    const char *type;
    gsize size;
  } cases[] = {
    { "(msas)", 0 }, { "(asmx)", 0 }, { "((mvav)as)", 0 }, { "m(asas)", 1 }, { "a(muao)", 7 },
    { "a(asas)", 300 }, { "aas", 5 }, { "ams", 3 }, { "a{sv}", 0 }, { "a(vv)", 0 },
  };

  g_test_summary ("Empty members are written, whether framing offsets tell of them or not");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      static const guint8 zeros[300];
      g_autoptr(GVariant) value = NULL;

      value = variant_from_copy (G_VARIANT_TYPE (cases[i].type), zeros, cases[i].size, 0);
      g_assert_true (check_written (value));
    }
}

/* Packs @value, unpacks it and gives the result the type again. */
static void
check_typed (GVariant *value,
             guint    *n_retyped)
{
  const GVariantType *type = g_variant_get_type (value);
  g_autoptr(GVariant) unpacked = NULL;
  g_autoptr(GVariant) coerced = NULL;
  g_autoptr(GVariant) by_parts = NULL;
  g_autoptr(GVariant) retyped = NULL;
  g_autoptr(GBytes) packed = NULL;
  g_autoptr(GError) error = NULL;

  packed = msgpack_rpc_pack (value, &error);
  g_assert_no_error (error);
  unpacked = msgpack_rpc_unpack (packed, &error);
  g_assert_no_error (error);

  coerced = _msgpack_rpc_coerce (unpacked, type, "value", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (coerced), ==, g_variant_get_type_string (value));
  g_assert_cmpmem (g_variant_get_data (coerced), g_variant_get_size (coerced),
                   g_variant_get_data (value), g_variant_get_size (value));
  assert_normal_form (coerced);

  by_parts = _msgpack_rpc_coerce_by_parts (unpacked, type, "value", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (by_parts), ==, g_variant_get_type_string (value));
  g_assert_cmpmem (g_variant_get_data (by_parts), g_variant_get_size (by_parts),
                   g_variant_get_data (value), g_variant_get_size (value));

  retyped = _msgpack_rpc_retype (unpacked, type);
  if (retyped == NULL)
    return;

  (*n_retyped)++;
  g_assert_cmpstr (g_variant_get_type_string (retyped), ==, g_variant_get_type_string (value));
  g_assert_cmpmem (g_variant_get_data (retyped), g_variant_get_size (retyped),
                   g_variant_get_data (value), g_variant_get_size (value));
}

static void
test_typed (void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (50);
  Maker maker = { .rand = rand, .lossless = TRUE };
  guint n_retyped = 0;

  g_test_summary ("A value that is written and read into its type is the same");

  for (guint i = 0; i < n_generated (8000); i++)
    {
      g_autoptr(GVariant) value = maker_next (&maker);

      check_typed (value, &n_retyped);
    }

  g_test_message ("%u values at once", n_retyped);
  g_assert_cmpuint (n_retyped, >, 0);
}

static const char *const types[] = {
  "b", "y", "n", "q", "i", "u", "x", "t", "d", "s", "o", "g", "v", "()", "(x)", "(xx)", "(sx)",
  "(xs)", "(ss)", "(sv)", "(yx)", "(bdst)", "(s(xx)as)", "((x)((s)))", "(hay)", "a(hay)", "ay",
  "ab", "an", "aq", "ai", "au", "ax", "at", "ad", "as", "ao", "ag", "av", "aay", "aas", "aax",
  "aaax", "a(xx)", "a(sd)", "a(ss)", "a(sas)", "a(sa{sv})", "a(sxs)", "a()", "a{ss}", "a{sx}",
  "a{sv}", "a{sas}", "a{sax}", "a{sa{sv}}", "a{sa{ss}}", "a{s(xx)}", "a{xs}", "a{xv}", "a{xax}",
  "a{yy}", "a{ds}", "a{bs}", "a{os}", "a{ta{sx}}", "aa{sv}", "a(vv)", "{sx}", "{sv}", "mx", "ms",
  "mas", "may", "ma{sv}", "m(xx)", "m()", "ams", "amx", "a{sms}", "(mxms)", "a(mxs)", "mam(sx)",
};

static void
test_typed_each (gconstpointer data)
{
  const char *type = data;
  g_autoptr(GRand) rand = g_rand_new_with_seed (51);
  Maker maker = { .rand = rand, .lossless = TRUE };
  guint n_retyped = 0;

  g_test_summary ("Values of the type are written and read into it, at once if that is known");

  for (guint i = 0; i < n_generated (60); i++)
    {
      g_autoptr(GVariant) value = maker_value (&maker, G_VARIANT_TYPE (type), 1 + i % 5);

      g_variant_ref_sink (value);
      check_typed (value, &n_retyped);
    }

  g_test_message ("%u at once", n_retyped);
}

/* Of values that hold a text of any size. */
static const char *const borders[] = {
  "(%s, 'b')", "('b', %s)", "(%s, 'b', %s)", "[%s]", "['b', %s]", "[%s, 'b']", "(%s, ['b'])",
  "(['b'], %s)", "[[%s], ['b']]", "[(%s, int64 1)]", "[('b', %s)]", "[(%s, 'b')]", "{%s: 'b'}",
  "{'b': %s}", "{'b': [%s]}", "{int64 1: %s}", "{'b': <%s>}", "(%s, <int64 1>)", "[<%s>]",
  "[just %s, nothing]", "(just %s, true)", "(1, %s)", "((%s, 1), 'b')", "[{'b': <%s>}]",
};

static void
test_typed_borders (void)
{
  static const gsize sizes[] = { G_MAXUINT8, G_MAXUINT16 };
  guint n_retyped = 0;

  g_test_summary ("Values are read into their types right where framing offsets grow");

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      for (gsize length = sizes[i] - 32; length < sizes[i] + 4; length++)
        {
          g_autofree char *text = g_strnfill (length, 'a');

          for (gsize j = 0; j < G_N_ELEMENTS (borders); j++)
            {
              g_autoptr(GVariant) value = g_variant_new_parsed (borders[j], text, text);

              g_variant_take_ref (value);
              check_typed (value, &n_retyped);
            }
        }
    }

  g_assert_cmpuint (n_retyped, >, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/codec-types/written", test_written);
  g_test_add_func ("/msgpack-rpc/codec-types/written-unaligned", test_written_unaligned);
  g_test_add_func ("/msgpack-rpc/codec-types/written-broken", test_written_broken);
  g_test_add_func ("/msgpack-rpc/codec-types/written-nothing", test_written_nothing);
  g_test_add_func ("/msgpack-rpc/codec-types/typed", test_typed);
  g_test_add_func ("/msgpack-rpc/codec-types/typed-borders", test_typed_borders);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strconcat ("/msgpack-rpc/codec-types/typed/", types[i], NULL);

      g_test_add_data_func (path, types[i], test_typed_each);
    }

  return g_test_run ();
}
