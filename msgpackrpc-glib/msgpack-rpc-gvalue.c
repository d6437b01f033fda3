/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-gvalue-private.h"

const char *
_msgpack_rpc_gvalue_get_variant_type (GType type)
{
  if (type == G_TYPE_STRV)
    return "as";
  if (type == G_TYPE_BYTES)
    return "ay";

  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      return "b";
    case G_TYPE_UCHAR:
      return "y";
    case G_TYPE_CHAR:
    case G_TYPE_INT:
    case G_TYPE_ENUM:
      return "i";
    case G_TYPE_UINT:
    case G_TYPE_FLAGS:
      return "u";
    case G_TYPE_LONG:
    case G_TYPE_INT64:
      return "x";
    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      return "t";
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return "d";
    case G_TYPE_STRING:
      return "s";
    case G_TYPE_VARIANT:
      return "*";
    default:
      return NULL;
    }
}

static GVariant *
number_to_variant (const GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (value));
    case G_TYPE_UCHAR:
      return g_variant_new_byte (g_value_get_uchar (value));
    case G_TYPE_CHAR:
      return g_variant_new_int32 (g_value_get_schar (value));
    case G_TYPE_INT:
      return g_variant_new_int32 (g_value_get_int (value));
    case G_TYPE_ENUM:
      return g_variant_new_int32 (g_value_get_enum (value));
    case G_TYPE_UINT:
      return g_variant_new_uint32 (g_value_get_uint (value));
    case G_TYPE_FLAGS:
      return g_variant_new_uint32 (g_value_get_flags (value));
    case G_TYPE_LONG:
      return g_variant_new_int64 (g_value_get_long (value));
    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (value));
    case G_TYPE_ULONG:
      return g_variant_new_uint64 (g_value_get_ulong (value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (value));
    case G_TYPE_FLOAT:
      return g_variant_new_double ((double) g_value_get_float (value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (value));
    default:
      g_return_val_if_reached (g_variant_new_boolean (FALSE));
    }
}

/* A string of the application's that is not UTF-8 has no place in a variant. */
static GVariant *
string_to_variant (const char *text)
{
  return g_variant_new_take_string (g_utf8_make_valid (text, -1));
}

static GVariant *
strv_to_variant (const char * const *strings)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("as"));
  for (guint i = 0; strings != NULL && strings[i] != NULL; i++)
    g_variant_builder_add_value (&builder, string_to_variant (strings[i]));
  return g_variant_builder_end (&builder);
}

static GVariant *
bytes_to_variant (GBytes *bytes)
{
  g_autoptr(GBytes) empty = bytes == NULL ? g_bytes_new (NULL, 0) : NULL;

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes != NULL ? bytes : empty, TRUE);
}

static gboolean
is_pointer (GType type)
{
  return type == G_TYPE_STRV || type == G_TYPE_BYTES || type == G_TYPE_STRING ||
         g_type_is_a (type, G_TYPE_VARIANT);
}

static GVariant *
convert (const GValue *value)
{
  GType type = G_VALUE_TYPE (value);

  if (type == G_TYPE_STRV)
    return strv_to_variant (g_value_get_boxed (value));
  if (type == G_TYPE_BYTES)
    return bytes_to_variant (g_value_get_boxed (value));
  if (G_VALUE_HOLDS_STRING (value))
    return string_to_variant (g_value_get_string (value) != NULL ? g_value_get_string (value) : "");
  if (G_VALUE_HOLDS_VARIANT (value))
    return g_value_get_variant (value);

  return number_to_variant (value);
}

GVariant *
_msgpack_rpc_gvalue_to_variant (const GValue       *value,
                                const GVariantType *wanted)
{
  gboolean is_null = is_pointer (G_VALUE_TYPE (value)) && g_value_peek_pointer (value) == NULL;

  if (is_null && (wanted == NULL || G_VALUE_HOLDS_VARIANT (value)))
    return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
  if (wanted == NULL || !g_variant_type_is_maybe (wanted) || G_VALUE_HOLDS_VARIANT (value))
    return convert (value);

  return g_variant_new_maybe (g_variant_type_element (wanted), is_null ? NULL : convert (value));
}
