/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a stream of messages. Read in one piece and in many, it must give the same values;
 * each must be in normal form, be what msgpack-c reads, and be the same after a round trip. */

#include <string.h>

#include <msgpack.h>

#include "msgpack-rpc-unpacker-private.h"
#include "msgpack-rpc-value.h"
#include "msgpack-rpc-variant.h"

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

typedef struct
{
  GPtrArray *values;
  GArray *ends; /* of the messages, in the stream */
  gboolean failed;
} Reading;

static void
reading_clear (Reading *self)
{
  g_ptr_array_unref (self->values);
  g_array_unref (self->ends);
}

static void
feed_bytes (MsgpackRpcUnpacker *unpacker,
            const guint8       *data,
            gsize               size)
{
  g_autoptr(GBytes) bytes = g_bytes_new (data, size);

  msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
}

static void
read_all (Reading      *self,
          const guint8 *data,
          gsize         size,
          gsize         piece)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

  self->values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  self->ends = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->failed = FALSE;

  msgpack_rpc_unpacker_set_max_message_size (unpacker, 1 << 20);
  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, 16 << 20);

  for (gsize start = 0; start < size && !self->failed; start += piece)
    {
      g_autoptr(GError) error = NULL;
      GVariant *value;

      if (start / piece % 2 == 0)
        msgpack_rpc_unpacker_feed (unpacker, data + start, MIN (piece, size - start));
      else
        feed_bytes (unpacker, data + start, MIN (piece, size - start));

      while ((value = msgpack_rpc_unpacker_next (unpacker, &error)) != NULL)
        {
          guint64 end = _msgpack_rpc_unpacker_get_message_offset (unpacker);

          g_ptr_array_add (self->values, value);
          g_array_append_val (self->ends, end);
        }

      self->failed = error != NULL;
      g_assert_true (error == NULL || g_utf8_validate (error->message, -1, NULL));
    }
}

static void
assert_same (GVariant *a,
             GVariant *b)
{
  g_assert_cmpstr (g_variant_get_type_string (a), ==, g_variant_get_type_string (b));
  g_assert_cmpmem (g_variant_get_data (a), g_variant_get_size (a),
                   g_variant_get_data (b), g_variant_get_size (b));
}

static void
assert_bytes (GVariant   *value,
              const char *data,
              gsize       size)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);

  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), data, size);
}

static void
assert_is_type (GVariant   *value,
                const char *type)
{
  g_assert_cmpstr (g_variant_get_type_string (value), ==, type);
}

static void
assert_is_number (GVariant             *value,
                  const msgpack_object *object)
{
  double d;

  if (object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64)
    {
      assert_is_type (value, "d");
      d = g_variant_get_double (value);
      g_assert_cmpint (memcmp (&d, &object->via.f64, sizeof d), ==, 0);
    }
  else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 > G_MAXINT64)
    {
      assert_is_type (value, "t");
      g_assert_cmpuint (g_variant_get_uint64 (value), ==, object->via.u64);
    }
  else
    {
      assert_is_type (value, "x");
      g_assert_cmpint (g_variant_get_int64 (value), ==, object->via.i64);
    }
}

static void
assert_is_ext (GVariant             *value,
               const msgpack_object *object)
{
  g_autoptr(GBytes) data = NULL;
  int type;

  assert_is_type (value, "(hay)");
  g_assert_true (msgpack_rpc_variant_get_ext (value, &type, &data));
  g_assert_cmpint (type, ==, object->via.ext.type);
  g_assert_cmpmem (g_bytes_get_data (data, NULL), g_bytes_get_size (data),
                   object->via.ext.ptr, object->via.ext.size);
}

static const char *
str_type (const msgpack_object *object)
{
  return g_utf8_validate_len (object->via.str.ptr, object->via.str.size, NULL) ? "s" : "(hay)";
}

static const char *
map_type (const msgpack_object_map *map)
{
  guint n_strings = 0;
  guint n_ints = 0;

  for (guint i = 0; i < map->size; i++)
    {
      const msgpack_object *key = &map->ptr[i].key;

      if (key->type == MSGPACK_OBJECT_STR)
        n_strings += *str_type (key) == 's';
      else if (key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        n_ints++;
      else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        n_ints += key->via.u64 <= G_MAXINT64;
    }

  return n_strings == map->size ? "a{sv}" : n_ints == map->size ? "a{xv}" : "a(vv)";
}

static void assert_is (GVariant             *value,
                       const msgpack_object *object);

static void
assert_child_is (GVariant             *parent,
                 guint                 index,
                 const msgpack_object *object)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (parent, index);

  if (g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT))
    {
      g_autoptr(GVariant) inner = g_variant_get_variant (child);

      assert_is (inner, object);
    }
  else
    {
      assert_is (child, object);
    }
}

static void
assert_is_map (GVariant                 *value,
               const msgpack_object_map *map)
{
  assert_is_type (value, map_type (map));
  g_assert_cmpuint (g_variant_n_children (value), ==, map->size);

  for (guint i = 0; i < map->size; i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (value, i);

      assert_child_is (entry, 0, &map->ptr[i].key);
      assert_child_is (entry, 1, &map->ptr[i].val);
    }
}

/* By the table of the mapping. */
static void
assert_is (GVariant             *value,
           const msgpack_object *object)
{
  switch (object->type)
    {
    case MSGPACK_OBJECT_NIL:
      assert_is_type (value, "mv");
      g_assert_true (msgpack_rpc_variant_is_nil (value));
      break;

    case MSGPACK_OBJECT_BOOLEAN:
      assert_is_type (value, "b");
      g_assert_cmpint (g_variant_get_boolean (value), ==, object->via.boolean);
      break;

    case MSGPACK_OBJECT_STR:
      assert_is_type (value, str_type (object));
      assert_bytes (value, object->via.str.ptr, object->via.str.size);
      break;

    case MSGPACK_OBJECT_BIN:
      assert_is_type (value, "ay");
      assert_bytes (value, object->via.bin.ptr, object->via.bin.size);
      break;

    case MSGPACK_OBJECT_EXT:
      assert_is_ext (value, object);
      break;

    case MSGPACK_OBJECT_ARRAY:
      assert_is_type (value, "av");
      g_assert_cmpuint (g_variant_n_children (value), ==, object->via.array.size);
      for (guint i = 0; i < object->via.array.size; i++)
        assert_child_is (value, i, &object->via.array.ptr[i]);
      break;

    case MSGPACK_OBJECT_MAP:
      assert_is_map (value, &object->via.map);
      break;

    default:
      assert_is_number (value, object);
      break;
    }
}

static void
check_by_msgpack_c (GVariant     *value,
                    const guint8 *data,
                    gsize         size)
{
  msgpack_unpacked unpacked;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  g_assert_cmpint (msgpack_unpack_next (&unpacked, (const char *) data, size, &offset), ==,
                   MSGPACK_UNPACK_SUCCESS);
  g_assert_cmpuint (offset, ==, size);
  assert_is (value, &unpacked.data);
  msgpack_unpacked_destroy (&unpacked);
}

static void
check_form (GVariant *value)
{
  g_autofree guint8 *copy = g_memdup2 (g_variant_get_data (value), g_variant_get_size (value));
  g_autoptr(GVariant) untrusted = NULL;

  untrusted = g_variant_ref_sink (g_variant_new_from_data (g_variant_get_type (value), copy,
                                                           g_variant_get_size (value), FALSE,
                                                           NULL, NULL));
  g_assert_true (g_variant_is_normal_form (untrusted));
}

static void
check_round_trip (GVariant *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, &error);
  g_autoptr(GVariant) again = NULL;

  g_assert_no_error (error);
  again = msgpack_rpc_unpack (bytes, &error);
  g_assert_no_error (error);
  assert_same (again, value);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  gsize piece = size > 0 ? 1 + data[size - 1] % 16 : 1;
  Reading whole;
  Reading pieces;
  guint64 start = 0;

  read_all (&whole, data, size, MAX (size, 1));
  read_all (&pieces, data, size, piece);
  g_assert_cmpuint (whole.values->len, ==, pieces.values->len);
  /* In pieces, a claim is seen before what follows it: it may fail earlier. */
  g_assert_true (pieces.failed || !whole.failed);

  for (guint i = 0; i < whole.values->len; i++)
    {
      GVariant *value = g_ptr_array_index (whole.values, i);
      guint64 end = g_array_index (whole.ends, guint64, i);

      assert_same (value, g_ptr_array_index (pieces.values, i));
      g_assert_cmpuint (end, ==, g_array_index (pieces.ends, guint64, i));
      check_form (value);
      check_round_trip (value);
      check_by_msgpack_c (value, data + start, end - start);
      start = end;
    }

  reading_clear (&whole);
  reading_clear (&pieces);

  return 0;
}
