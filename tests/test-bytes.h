/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include <glib.h>

/* Reads bytes as text: hexadecimal digits, with or without spaces between the bytes, and 'characters'
 * that stand for themselves. */
static inline GByteArray *
bytes_from_hex (const char *text)
{
  GByteArray *bytes = g_byte_array_new ();
  const char *p = text;

  while (*p != '\0')
    {
      if (*p == ' ')
        p++;
      else if (*p == '\'')
        {
          const char *end = strchr (p + 1, '\'');

          g_assert_nonnull (end);
          g_byte_array_append (bytes, (const guint8 *) p + 1, (guint) (end - p - 1));
          p = end + 1;
        }
      else
        {
          guint8 byte;

          g_assert_true (g_ascii_isxdigit (p[0]) && g_ascii_isxdigit (p[1]));
          byte = (guint8) (g_ascii_xdigit_value (p[0]) << 4 | g_ascii_xdigit_value (p[1]));
          g_byte_array_append (bytes, &byte, 1);
          p += 2;
        }
    }

  return bytes;
}

static inline GBytes *
gbytes_from_hex (const char *hex)
{
  return g_byte_array_free_to_bytes (bytes_from_hex (hex));
}

static inline char *
bytes_to_hex (GBytes *bytes)
{
  GString *hex = g_string_new (NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, i > 0 ? " %02x" : "%02x", data[i]);

  return g_string_free (hex, FALSE);
}

static inline GVariant *
variant_from_text (const char *text)
{
  g_autoptr(GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);

  /* The parser does so for some types only. */
  return g_variant_take_ref (value);
}

/* Makes @value anew from its parts. Floating. */
static inline GVariant *
variant_rebuild (GVariant *value)
{
  gsize n = g_variant_is_container (value) ? g_variant_n_children (value) : 0;
  g_autofree GVariant **children = g_new0 (GVariant *, n + 1);
  const GVariantType *type = g_variant_get_type (value);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      children[i] = variant_rebuild (child);
    }

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return g_variant_new_boolean (g_variant_get_boolean (value));
    case G_VARIANT_CLASS_BYTE:
      return g_variant_new_byte (g_variant_get_byte (value));
    case G_VARIANT_CLASS_INT64:
      return g_variant_new_int64 (g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      return g_variant_new_uint64 (g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_HANDLE:
      return g_variant_new_handle (g_variant_get_handle (value));
    case G_VARIANT_CLASS_DOUBLE:
      return g_variant_new_double (g_variant_get_double (value));
    case G_VARIANT_CLASS_STRING:
      return g_variant_new_string (g_variant_get_string (value, NULL));
    case G_VARIANT_CLASS_VARIANT:
      return g_variant_new_variant (children[0]);
    case G_VARIANT_CLASS_MAYBE:
      return g_variant_new_maybe (g_variant_type_element (type), children[0]);
    case G_VARIANT_CLASS_ARRAY:
      return g_variant_new_array (g_variant_type_element (type), children, n);
    case G_VARIANT_CLASS_TUPLE:
      return g_variant_new_tuple (children, n);
    case G_VARIANT_CLASS_DICT_ENTRY:
      return g_variant_new_dict_entry (children[0], children[1]);
    default:
      g_assert_not_reached ();
    }
}

/* That @value is what its type says, read without trust in whoever wrote its bytes, and that GLib
 * writes the very same bytes when it makes the value from its parts. */
static inline void
assert_well_formed (GVariant *value)
{
  g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes (value);
  g_autoptr(GBytes) copy = NULL;
  g_autoptr(GVariant) untrusted = NULL;
  g_autoptr(GVariant) rebuilt = NULL;

  g_assert_false (g_variant_is_floating (value));

  copy = g_bytes_new (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  untrusted = g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (value), copy,
                                                            FALSE));
  g_assert_true (g_variant_is_normal_form (untrusted));

  rebuilt = g_variant_ref_sink (variant_rebuild (untrusted));
  g_assert_cmpstr (g_variant_get_type_string (rebuilt), ==, g_variant_get_type_string (value));
  g_assert_cmpmem (g_variant_get_data (rebuilt), g_variant_get_size (rebuilt),
                   g_variant_get_data (value), g_variant_get_size (value));
}
