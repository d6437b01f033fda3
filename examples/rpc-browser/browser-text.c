/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-text.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* A text view takes long to lay out more. */
#define MAX_LENGTH 100000
#define MAX_SHORT_LENGTH 120
/* Containers that fit are written in one line. */
#define LINE_LENGTH 72

static void append_value (GString  *out,
                          GVariant *value,
                          guint     indent,
                          gsize     max_length);

static void
append_bytes (GString *out,
              GBytes  *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_string_append_printf (out, "%" G_GSIZE_FORMAT " bytes", size);
  for (gsize i = 0; i < MIN (size, 64); i++)
    g_string_append_printf (out, "%s%02x", i == 0 ? ": " : " ", data[i]);
  if (size > 64)
    g_string_append (out, " …");
}

static gboolean
append_handle (GString  *out,
               GVariant *value)
{
  g_autoptr(GDateTime) time = msgpack_rpc_variant_get_timestamp (value);
  g_autoptr(GBytes) bytes = NULL;
  int type;

  if (time != NULL)
    {
      g_autofree char *text = g_date_time_format_iso8601 (time);

      g_string_append (out, text);
      return TRUE;
    }
  if (!msgpack_rpc_variant_get_ext (value, &type, &bytes))
    return FALSE;

  g_string_append_printf (out, "extension %d, ", type);
  append_bytes (out, bytes);
  return TRUE;
}

static void
append_break (GString *out,
              guint    indent)
{
  g_string_append_printf (out, "\n%*s", (int) indent, "");
}

static void
append_entry (GString  *out,
              GVariant *entry,
              guint     indent,
              gsize     max_length)
{
  g_autoptr(GVariant) key = g_variant_get_child_value (entry, 0);
  g_autoptr(GVariant) child = g_variant_get_child_value (entry, 1);

  append_value (out, key, indent, max_length);
  g_string_append (out, ": ");
  append_value (out, child, indent, max_length);
}

static gboolean
is_map (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY) ||
         g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)"));
}

static void
append_children (GString  *out,
                 GVariant *value,
                 guint     indent,
                 gsize     max_length,
                 gboolean  is_broken)
{
  gsize n = g_variant_n_children (value);

  g_string_append_c (out, is_map (value) ? '{' : '[');
  for (gsize i = 0; i < n && out->len < max_length; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      if (i > 0)
        g_string_append (out, is_broken ? "," : ", ");
      if (is_broken)
        append_break (out, indent + 2);
      if (is_map (value))
        append_entry (out, child, indent + 2, max_length);
      else
        append_value (out, child, indent + 2, max_length);
    }
  if (is_broken && n > 0)
    append_break (out, indent);
  g_string_append_c (out, is_map (value) ? '}' : ']');
}

static void
append_container (GString  *out,
                  GVariant *value,
                  guint     indent,
                  gsize     max_length)
{
  gsize start = out->len;

  append_children (out, value, indent, MIN (max_length, start + LINE_LENGTH), FALSE);
  if (out->len - start <= LINE_LENGTH || max_length == MAX_SHORT_LENGTH)
    return;

  g_string_truncate (out, start);
  append_children (out, value, indent, max_length, TRUE);
}

static void
append_value (GString  *out,
              GVariant *value,
              guint     indent,
              gsize     max_length)
{
  if (msgpack_rpc_variant_is_nil (value))
    {
      g_string_append (out, "nil");
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT) ||
           g_variant_is_of_type (value, G_VARIANT_TYPE_MAYBE))
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, 0);

      append_value (out, child, indent, max_length);
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    {
      g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);

      append_bytes (out, bytes);
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")) && append_handle (out, value))
    {
      return;
    }
  else if (g_variant_is_container (value))
    {
      append_container (out, value, indent, max_length);
    }
  else
    {
      g_autofree char *text = g_variant_print (value, FALSE);

      g_string_append (out, text);
    }
}

static char *
write_value (GVariant *value,
             gsize     max_length)
{
  g_autoptr(GString) out = g_string_new (NULL);

  append_value (out, value, 0, max_length);
  if (out->len > max_length)
    {
      g_string_truncate (out, (gsize) (g_utf8_find_prev_char (out->str, out->str + max_length) -
                                       out->str));
      g_string_append (out, "…");
    }

  return g_strdup (out->str);
}

char *
browser_text_from_value (GVariant *value)
{
  return write_value (value, MAX_LENGTH);
}

char *
browser_text_from_value_short (GVariant *value)
{
  return write_value (value, MAX_SHORT_LENGTH);
}

/* ---- reading ---- */

static gboolean
may_be_plain (const char         *text,
              const GVariantType *type)
{
  return g_variant_type_equal (type, G_VARIANT_TYPE_STRING) && text[0] != '"' && text[0] != '\'';
}

/* What was typed for “any value” is a value without more ado; what is no such thing is a string. */
static GVariant *
read_any (const char *text)
{
  g_autoptr(GVariant) value = g_variant_parse (NULL, text, NULL, NULL, NULL);

  if (value == NULL)
    value = g_variant_ref_sink (g_variant_new_string (text));

  return g_variant_ref_sink (g_variant_new_variant (value));
}

GVariant *
browser_text_to_value (const char          *text,
                       const GVariantType  *type,
                       GError             **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));

  if (g_variant_type_is_maybe (type))
    {
      const GVariantType *element = g_variant_type_element (type);
      g_autoptr(GVariant) child = NULL;

      if (stripped[0] == '\0')
        return g_variant_ref_sink (g_variant_new_maybe (element, NULL));
      child = browser_text_to_value (text, element, error);
      return child != NULL ? g_variant_ref_sink (g_variant_new_maybe (element, child)) : NULL;
    }
  if (g_variant_type_equal (type, G_VARIANT_TYPE_VARIANT))
    return read_any (stripped);
  if (may_be_plain (stripped, type))
    return g_variant_ref_sink (g_variant_new_string (text));

  return g_variant_parse (type, stripped, NULL, NULL, error);
}
