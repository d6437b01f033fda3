/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "codec-tree.h"

static GVariant *
bytes_new (const void *data,
           gsize       size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

static GVariant *
string_new (const msgpack_object_str *str)
{
  /* msgpack-c may have no pointer for it. */
  if (str->size == 0)
    return g_variant_new_string ("");

  if (g_utf8_validate_len (str->ptr, str->size, NULL))
    return g_variant_new_take_string (g_strndup (str->ptr, str->size));

  return g_variant_new ("(h@ay)", 256, bytes_new (str->ptr, str->size));
}

static GVariant *
array_new (const msgpack_object_array *array)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (guint i = 0; i < array->size; i++)
    g_variant_builder_add (&builder, "v", codec_tree_from_object (&array->ptr[i]));

  return g_variant_builder_end (&builder);
}

static char
key_kind (const msgpack_object *key)
{
  if (key->type == MSGPACK_OBJECT_STR && key->via.str.size == 0)
    return 's';

  if (key->type == MSGPACK_OBJECT_STR)
    return g_utf8_validate_len (key->via.str.ptr, key->via.str.size, NULL) ? 's' : 'v';

  if (key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
      (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER && key->via.u64 <= G_MAXINT64))
    return 'x';

  return 'v';
}

static GVariant *
map_new (const msgpack_object_map *map)
{
  char kind = map->size > 0 ? key_kind (&map->ptr[0].key) : 's';
  GVariantBuilder builder;

  for (guint i = 1; i < map->size; i++)
    {
      if (key_kind (&map->ptr[i].key) != kind)
        kind = 'v';
    }

  g_variant_builder_init (&builder, kind == 's' ? G_VARIANT_TYPE ("a{sv}")
                                    : kind == 'x' ? G_VARIANT_TYPE ("a{xv}")
                                                  : G_VARIANT_TYPE ("a(vv)"));
  for (guint i = 0; i < map->size; i++)
    {
      GVariant *key = codec_tree_from_object (&map->ptr[i].key);
      GVariant *value = codec_tree_from_object (&map->ptr[i].val);

      if (kind == 'v')
        g_variant_builder_add (&builder, "(vv)", key, value);
      else
        g_variant_builder_add (&builder, kind == 's' ? "{@sv}" : "{@xv}", key, value);
    }

  return g_variant_builder_end (&builder);
}

GVariant *
codec_tree_from_object (const msgpack_object *object)
{
  switch (object->type)
    {
    case MSGPACK_OBJECT_BOOLEAN:
      return g_variant_new_boolean (object->via.boolean);

    case MSGPACK_OBJECT_POSITIVE_INTEGER:
      if (object->via.u64 > G_MAXINT64)
        return g_variant_new_uint64 (object->via.u64);
      return g_variant_new_int64 (object->via.i64);

    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
      return g_variant_new_int64 (object->via.i64);

    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
      return g_variant_new_double (object->via.f64);

    case MSGPACK_OBJECT_STR:
      return string_new (&object->via.str);

    case MSGPACK_OBJECT_BIN:
      return bytes_new (object->via.bin.ptr, object->via.bin.size);

    case MSGPACK_OBJECT_EXT:
      return g_variant_new ("(h@ay)", object->via.ext.type,
                            bytes_new (object->via.ext.ptr, object->via.ext.size));

    case MSGPACK_OBJECT_ARRAY:
      return array_new (&object->via.array);

    case MSGPACK_OBJECT_MAP:
      return map_new (&object->via.map);

    case MSGPACK_OBJECT_NIL:
    default:
      return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
    }
}

static void
pack_children (msgpack_packer *packer,
               GVariant       *value)
{
  gsize n = g_variant_n_children (value);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      codec_tree_pack (packer, child);
    }
}

static void
pack_map (msgpack_packer *packer,
          GVariant       *value)
{
  gsize n = g_variant_n_children (value);

  msgpack_pack_map (packer, n);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (value, i);

      pack_children (packer, entry);
    }
}

static void
pack_opaque (msgpack_packer *packer,
             GVariant       *value)
{
  g_autoptr(GVariant) bytes = NULL;
  const void *data;
  gint32 handle;
  gsize size;

  g_variant_get (value, "(h@ay)", &handle, &bytes);
  data = g_variant_get_fixed_array (bytes, &size, 1);
  if (handle == 256)
    msgpack_pack_str_with_body (packer, data, size);
  else
    msgpack_pack_ext_with_body (packer, data, size, handle);
}

static void
pack_array (msgpack_packer *packer,
            GVariant       *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    {
      gsize size;
      const void *data = g_variant_get_fixed_array (value, &size, 1);

      msgpack_pack_bin_with_body (packer, data, size);
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY) ||
           g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)")))
    {
      pack_map (packer, value);
    }
  else
    {
      msgpack_pack_array (packer, g_variant_n_children (value));
      pack_children (packer, value);
    }
}

void
codec_tree_pack (msgpack_packer *packer,
                 GVariant       *value)
{
  const char *str;
  gsize length;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      if (g_variant_get_boolean (value))
        msgpack_pack_true (packer);
      else
        msgpack_pack_false (packer);
      break;

    case G_VARIANT_CLASS_BYTE:
      msgpack_pack_uint8 (packer, g_variant_get_byte (value));
      break;

    case G_VARIANT_CLASS_INT16:
      msgpack_pack_int16 (packer, g_variant_get_int16 (value));
      break;

    case G_VARIANT_CLASS_UINT16:
      msgpack_pack_uint16 (packer, g_variant_get_uint16 (value));
      break;

    case G_VARIANT_CLASS_INT32:
      msgpack_pack_int32 (packer, g_variant_get_int32 (value));
      break;

    case G_VARIANT_CLASS_UINT32:
      msgpack_pack_uint32 (packer, g_variant_get_uint32 (value));
      break;

    case G_VARIANT_CLASS_INT64:
      msgpack_pack_int64 (packer, g_variant_get_int64 (value));
      break;

    case G_VARIANT_CLASS_UINT64:
      msgpack_pack_uint64 (packer, g_variant_get_uint64 (value));
      break;

    case G_VARIANT_CLASS_DOUBLE:
      msgpack_pack_double (packer, g_variant_get_double (value));
      break;

    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      str = g_variant_get_string (value, &length);
      msgpack_pack_str_with_body (packer, str, length);
      break;

    case G_VARIANT_CLASS_ARRAY:
      pack_array (packer, value);
      break;

    case G_VARIANT_CLASS_TUPLE:
      if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")))
        {
          pack_opaque (packer, value);
          break;
        }
      msgpack_pack_array (packer, g_variant_n_children (value));
      pack_children (packer, value);
      break;

    case G_VARIANT_CLASS_MAYBE:
      if (g_variant_n_children (value) == 0)
        msgpack_pack_nil (packer);
      pack_children (packer, value);
      break;

    case G_VARIANT_CLASS_VARIANT:
      pack_children (packer, value);
      break;

    case G_VARIANT_CLASS_DICT_ENTRY:
      msgpack_pack_map (packer, 1);
      pack_children (packer, value);
      break;

    case G_VARIANT_CLASS_HANDLE:
    default:
      g_assert_not_reached ();
    }
}
