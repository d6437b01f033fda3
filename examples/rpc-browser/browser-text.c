/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-text.h"

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* A text view takes long to lay out more. */
#define MAX_LENGTH 20000
#define MAX_SHORT_LENGTH 120
/* Laying out a line takes much longer than laying out as much in several. */
#define MAX_STRING_LENGTH 10000
#define MAX_BYTES 1024
#define MAX_NAME_LENGTH 100
/* Containers that fit are written in one line. */
#define LINE_LENGTH 72

/* In place of a number of spaces: all in one line. */
#define ONE_LINE -1

static void append_value (GString  *out,
                          GVariant *value,
                          int       indent,
                          gsize     max_length);

static void
append_bytes (GString *out,
              GBytes  *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_string_append (out, "h'");
  for (gsize i = 0; i < MIN (size, MAX_BYTES); i++)
    g_string_append_printf (out, "%s%02x", i == 0 ? "" : " ", data[i]);
  if (size > MAX_BYTES)
    g_string_append_printf (out, " …' (%" G_GSIZE_FORMAT " bytes)", size);
  else
    g_string_append_c (out, '\'');
}

/* Extensions, times, and strings that are not in UTF-8; FALSE if it is none of them. */
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
  if (msgpack_rpc_variant_get_ext (value, &type, &bytes))
    {
      g_string_append_printf (out, "ext(%d, ", type);
      append_bytes (out, bytes);
      g_string_append_c (out, ')');
      return TRUE;
    }

  bytes = msgpack_rpc_variant_get_bytes (value);
  if (bytes != NULL)
    append_bytes (out, bytes);
  return bytes != NULL;
}

static gsize
get_start (const char *text,
           gsize       max_length)
{
  gsize length = strlen (text);

  return length <= max_length
           ? length
           : (gsize) (g_utf8_find_prev_char (text, text + max_length + 1) - text);
}

/* What is long is cut before it is looked at: all of it may be many megabytes. */
static void
append_string (GString  *out,
               GVariant *value)
{
  gsize length;
  const char *text = g_variant_get_string (value, &length);
  gsize shown = get_start (text, MAX_STRING_LENGTH);
  g_autoptr(GVariant) start = NULL;
  g_autofree char *printed = NULL;

  start = g_variant_ref_sink (g_variant_new_take_string (g_strndup (text, shown)));
  printed = g_variant_print (start, FALSE);
  g_string_append (out, printed);
  if (shown < length)
    g_string_append_printf (out, "… (%" G_GSIZE_FORMAT " bytes)", length);
}

static void
append_scalar (GString  *out,
               GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE))
    {
      g_string_append_printf (out, "%u", g_variant_get_byte (value));
      return;
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      append_string (out, value);
      return;
    }

  text = g_variant_print (value, FALSE);
  g_string_append (out, text);
}

static void
append_break (GString *out,
              int      indent)
{
  g_string_append_printf (out, "\n%*s", indent, "");
}

static void
append_entry (GString  *out,
              GVariant *entry,
              int       indent,
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
                 int       indent,
                 gsize     max_length)
{
  gboolean is_broken = indent != ONE_LINE;
  int inner_indent = is_broken ? indent + 2 : ONE_LINE;
  gsize n = g_variant_n_children (value);
  gsize i;

  g_string_append_c (out, is_map (value) ? '{' : '[');
  for (i = 0; i < n && out->len < max_length; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      if (i > 0)
        g_string_append (out, is_broken ? "," : ", ");
      if (is_broken)
        append_break (out, inner_indent);
      if (is_map (value))
        append_entry (out, child, inner_indent, max_length);
      else
        append_value (out, child, inner_indent, max_length);
    }
  if (i < n)
    g_string_append (out, ", …");
  if (is_broken && n > 0)
    append_break (out, indent);
  g_string_append_c (out, is_map (value) ? '}' : ']');
}

/* What is within a line has no lines of its own: if that were tried, too, it would take twice as long with
 * each level. */
static void
append_container (GString  *out,
                  GVariant *value,
                  int       indent,
                  gsize     max_length)
{
  gsize start = out->len;

  append_children (out, value, ONE_LINE, MIN (max_length, start + LINE_LENGTH));
  if (out->len - start <= LINE_LENGTH || indent == ONE_LINE)
    return;

  g_string_truncate (out, start);
  append_children (out, value, indent, max_length);
}

static void
append_value (GString  *out,
              GVariant *value,
              int       indent,
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
      append_scalar (out, value);
    }
}

static char *
write_value (GVariant *value,
             int       indent,
             gsize     max_length)
{
  g_autoptr(GString) out = g_string_new (NULL);

  append_value (out, value, indent, max_length);
  if (out->len > max_length)
    {
      g_string_truncate (out, get_start (out->str, max_length));
      g_string_append (out, "…");
    }

  return g_strdup (out->str);
}

char *
browser_text_from_value (GVariant *value)
{
  return write_value (value, 0, MAX_LENGTH);
}

char *
browser_text_from_value_short (GVariant *value)
{
  return write_value (value, ONE_LINE, MAX_SHORT_LENGTH);
}

/* ---- what peers call things ---- */

static char *
clean (const char *text,
       gsize       max_length,
       gboolean    has_lines)
{
  g_autofree char *start = g_strndup (text, max_length);
  g_autofree char *valid = g_utf8_make_valid (start, -1);
  g_autoptr(GString) out = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      /* Among what is not printed is what turns the direction of the text around. */
      if (g_unichar_isprint (c) || (has_lines && c == '\n'))
        g_string_append_unichar (out, c);
      else
        g_string_append_unichar (out, c == '\n' || c == '\t' ? ' ' : 0xfffd);
    }
  if (strlen (text) > max_length)
    g_string_append (out, "…");

  return g_strdup (out->str);
}

char *
browser_text_from_name (const char *name)
{
  return clean (name, MAX_NAME_LENGTH, FALSE);
}

char *
browser_text_from_words (const char *words)
{
  return clean (words, MAX_LENGTH, TRUE);
}
