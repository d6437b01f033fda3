/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-reader.h"

#include <errno.h>
#include <string.h>

#include <gio/gio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-type.h"

/* As deep as the library packs. */
#define MAX_DEPTH 32

typedef struct
{
  const char *at;
  guint depth;
} Reader;

static GVariant *read_value (Reader *self);

/* ---- what was typed, as values of the types that messages have ---- */

static gboolean
skip (Reader     *self,
      const char *expected)
{
  while (g_ascii_isspace (*self->at))
    self->at++;
  if (!g_str_has_prefix (self->at, expected))
    return FALSE;

  self->at += strlen (expected);
  return TRUE;
}

/* A word ends where no other begins: “nil” is none in “nilpotent”. */
static gboolean
skip_word (Reader     *self,
           const char *word)
{
  const char *end = self->at + strlen (word);

  if (!g_str_has_prefix (self->at, word) || g_ascii_isalnum (*end) || *end == '_')
    return FALSE;

  self->at = end;
  return TRUE;
}

static gboolean
read_code_point (Reader  *self,
                 guint    n_digits,
                 GString *out)
{
  gunichar c = 0;

  for (guint i = 0; i < n_digits; i++, self->at++)
    {
      if (!g_ascii_isxdigit (*self->at))
        return FALSE;
      c = c * 16 + (gunichar) g_ascii_xdigit_value (*self->at);
    }
  /* JSON writes what is beyond 16 bits as two. */
  if (c >= 0xd800 && c < 0xdc00 && self->at[0] == '\\' && self->at[1] == 'u')
    {
      g_autofree char *digits = g_strndup (self->at + 2, 4);
      gunichar low = (gunichar) g_ascii_strtoull (digits, NULL, 16);

      if (strlen (digits) == 4 && low >= 0xdc00 && low < 0xe000)
        {
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          self->at += 6;
        }
    }
  if (c == 0 || !g_unichar_validate (c))
    return FALSE;

  g_string_append_unichar (out, c);
  return TRUE;
}

static gboolean
read_escape (Reader  *self,
             GString *out)
{
  static const char letters[] = "abfnrtv";
  static const char meanings[] = "\a\b\f\n\r\t\v";
  char c = *self->at;
  const char *letter;

  if (c == '\0')
    return FALSE;

  self->at++;
  if (c == 'u' || c == 'U')
    return read_code_point (self, c == 'u' ? 4 : 8, out);

  letter = strchr (letters, c);
  g_string_append_c (out, letter != NULL ? meanings[letter - letters] : c);
  return TRUE;
}

/* NULL if it has no end. */
static char *
read_quoted (Reader *self)
{
  g_autoptr(GString) out = g_string_new (NULL);
  char quote = *self->at++;

  while (*self->at != quote)
    {
      if (*self->at == '\0')
        return NULL;
      if (*self->at != '\\')
        g_string_append_c (out, *self->at++);
      else if (self->at++, !read_escape (self, out))
        return NULL;
    }

  self->at++;
  return g_strdup (out->str);
}

static GVariant *
read_string (Reader *self)
{
  g_autofree char *text = read_quoted (self);

  return text != NULL ? g_variant_new_take_string (g_steal_pointer (&text)) : NULL;
}

/* b'text' or h'01 ff'. */
static GVariant *
read_bytes (Reader *self)
{
  gboolean is_hex = *self->at++ == 'h';
  g_autofree char *text = read_quoted (self);
  g_autoptr(GByteArray) array = g_byte_array_new ();
  g_autoptr(GBytes) bytes = NULL;

  if (text == NULL)
    return NULL;
  if (!is_hex)
    g_byte_array_append (array, (const guint8 *) text, (guint) strlen (text));
  for (const char *p = text; is_hex && *p != '\0'; p++)
    {
      guint8 byte;

      if (g_ascii_isspace (*p))
        continue;
      if (!g_ascii_isxdigit (p[0]) || !g_ascii_isxdigit (p[1]))
        return NULL;
      byte = (guint8) (g_ascii_xdigit_value (p[0]) * 16 + g_ascii_xdigit_value (p[1]));
      g_byte_array_append (array, &byte, 1);
      p++;
    }

  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/* ext(5, h'01 ff') */
static GVariant *
read_extension (Reader *self)
{
  g_autoptr(GVariant) data = NULL;
  g_autoptr(GBytes) bytes = NULL;
  char *end;
  gint64 type;

  self->at += strlen ("ext(");
  type = g_ascii_strtoll (self->at, &end, 10);
  if (end == self->at || type < G_MININT8 || type > G_MAXINT8)
    return NULL;
  self->at = end;
  if (!skip (self, ","))
    return NULL;
  data = read_value (self);
  if (data == NULL || !g_variant_is_of_type (data, G_VARIANT_TYPE_BYTESTRING) || !skip (self, ")"))
    return NULL;

  bytes = g_variant_get_data_as_bytes (data);
  return msgpack_rpc_variant_new_ext ((int) type, bytes);
}

/* 2026-01-31T12:00:00Z; NULL if it is a number instead. */
static GVariant *
read_time (Reader *self)
{
  gsize length = strspn (self->at, "0123456789-:.+TZ");
  g_autofree char *text = NULL;
  g_autoptr(GDateTime) time = NULL;

  if (length < strlen ("2026-01-31T") || self->at[4] != '-')
    return NULL;

  text = g_strndup (self->at, length);
  time = g_date_time_new_from_iso8601 (text, NULL);
  if (time == NULL)
    return NULL;

  self->at += length;
  return msgpack_rpc_variant_new_timestamp (time);
}

static GVariant *
read_number (Reader *self)
{
  gboolean is_negative = *self->at == '-';
  const char *digits = self->at + (is_negative || *self->at == '+');
  int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
  char *end, *float_end;
  guint64 number;
  double real;

  if (*digits == '+' || *digits == '-')
    return NULL;
  errno = 0;
  number = g_ascii_strtoull (digits, &end, base);
  if (errno != 0)
    end = (char *) digits;
  real = g_ascii_strtod (self->at, &float_end);
  if (float_end == self->at || g_ascii_isalnum (*float_end))
    return NULL;

  self->at = float_end;
  if (float_end != end || (is_negative && number > (guint64) G_MAXINT64 + 1))
    return g_variant_new_double (real);
  if (is_negative)
    return g_variant_new_int64 ((gint64) -number);
  if (number > G_MAXINT64)
    return g_variant_new_uint64 (number);
  return g_variant_new_int64 ((gint64) number);
}

static GVariant *
read_array (Reader     *self,
            const char *end)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  while (!skip (self, end))
    {
      g_autoptr(GVariant) item = read_value (self);

      if (item == NULL)
        return NULL;
      g_variant_builder_add (&builder, "v", item);
      /* A comma may stand behind the last. */
      if (skip (self, ","))
        continue;
      if (skip (self, end))
        break;
      return NULL;
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
build_map (GPtrArray *items,
           gboolean   has_string_keys)
{
  g_auto(GVariantBuilder) builder =
    G_VARIANT_BUILDER_INIT (has_string_keys ? G_VARIANT_TYPE ("a{sv}") : G_VARIANT_TYPE ("a(vv)"));

  for (guint i = 0; i < items->len; i += 2)
    {
      GVariant *key = items->pdata[i];
      GVariant *value = items->pdata[i + 1];

      if (has_string_keys)
        g_variant_builder_add (&builder, "{sv}", g_variant_get_string (key, NULL), value);
      else
        g_variant_builder_add (&builder, "(vv)", key, value);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
read_map (Reader *self)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  gboolean has_string_keys = TRUE;

  while (!skip (self, "}"))
    {
      GVariant *key = read_value (self);
      GVariant *value;

      if (key == NULL)
        return NULL;
      g_ptr_array_add (items, key);
      if (!skip (self, ":") || (value = read_value (self)) == NULL)
        return NULL;
      g_ptr_array_add (items, value);
      has_string_keys = has_string_keys && g_variant_is_of_type (key, G_VARIANT_TYPE_STRING);
      if (skip (self, ","))
        continue;
      if (skip (self, "}"))
        break;
      return NULL;
    }

  return build_map (items, has_string_keys);
}

static GVariant *
read_scalar (Reader *self)
{
  char c = *self->at;

  if (c == '"' || c == '\'')
    return read_string (self);
  if ((c == 'b' || c == 'h') && (self->at[1] == '"' || self->at[1] == '\''))
    return read_bytes (self);
  if (g_str_has_prefix (self->at, "ext("))
    return read_extension (self);
  if (skip_word (self, "nil") || skip_word (self, "null"))
    return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
  if (skip_word (self, "true"))
    return g_variant_new_boolean (TRUE);
  if (skip_word (self, "false"))
    return g_variant_new_boolean (FALSE);
  if (g_ascii_isdigit (c))
    {
      GVariant *time = read_time (self);

      if (time != NULL)
        return time;
    }

  return read_number (self);
}

/* NULL if there is none. */
static GVariant *
read_value (Reader *self)
{
  GVariant *value = NULL;

  if (self->depth == MAX_DEPTH)
    return NULL;

  self->depth++;
  if (skip (self, "["))
    value = read_array (self, "]");
  else if (skip (self, "("))
    value = read_array (self, ")");
  else if (skip (self, "{"))
    value = read_map (self);
  else
    value = read_scalar (self);
  self->depth--;

  return value != NULL ? g_variant_ref_sink (value) : NULL;
}

static GVariant *
read_whole (const char *text)
{
  Reader self = { text };
  g_autoptr(GVariant) value = read_value (&self);

  return value != NULL && skip (&self, "") && *self.at == '\0' ? g_steal_pointer (&value) : NULL;
}

/* ---- as values of the type ---- */

static GVariant *convert (GVariant           *value,
                          const GVariantType *type);

static GVariant *
convert_integer (GVariant           *value,
                 const GVariantType *type,
                 gint64              min,
                 guint64             max)
{
  gint64 number = 0;
  guint64 unsigned_number = 0;
  char letter = g_variant_type_peek_string (type)[0];

  if (msgpack_rpc_variant_get_int64 (value, &number))
    unsigned_number = number > 0 ? (guint64) number : 0;
  else if (!msgpack_rpc_variant_get_uint64 (value, &unsigned_number))
    return NULL;
  if (number < min || unsigned_number > max)
    return NULL;

  switch (letter)
    {
    case 'y':
      return g_variant_new_byte ((guint8) unsigned_number);
    case 'n':
      return g_variant_new_int16 ((gint16) number);
    case 'q':
      return g_variant_new_uint16 ((guint16) unsigned_number);
    case 'u':
      return g_variant_new_uint32 ((guint32) unsigned_number);
    case 't':
      return g_variant_new_uint64 (unsigned_number);
    case 'x':
      return g_variant_new_int64 (number);
    case 'h':
      return g_variant_new_handle ((gint32) number);
    default:
      return g_variant_new_int32 ((gint32) number);
    }
}

static GVariant *
convert_text (GVariant           *value,
              const GVariantType *type)
{
  const char *text;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return NULL;

  text = g_variant_get_string (value, NULL);
  if (g_variant_type_equal (type, G_VARIANT_TYPE_OBJECT_PATH))
    return g_variant_is_object_path (text) ? g_variant_new_object_path (text) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_SIGNATURE))
    return g_variant_is_signature (text) ? g_variant_new_signature (text) : NULL;
  return g_variant_ref (value);
}

static gboolean
add_converted (GVariantBuilder    *builder,
               GVariant           *boxed,
               const GVariantType *type)
{
  g_autoptr(GVariant) item = NULL;
  g_autoptr(GVariant) converted = NULL;

  item = g_variant_is_of_type (boxed, G_VARIANT_TYPE_VARIANT) ? g_variant_get_variant (boxed)
                                                              : g_variant_ref (boxed);
  converted = convert (item, type);
  if (converted == NULL)
    return FALSE;

  g_variant_builder_add_value (builder, converted);
  return TRUE;
}

/* Of what is {sv} or (vv). */
static gboolean
add_entry (GVariantBuilder    *builder,
           GVariant           *pair,
           const GVariantType *type)
{
  g_autoptr(GVariant) key = g_variant_get_child_value (pair, 0);
  g_autoptr(GVariant) value = g_variant_get_child_value (pair, 1);
  gboolean is_added;

  g_variant_builder_open (builder, type);
  is_added = add_converted (builder, key, g_variant_type_key (type)) &&
             add_converted (builder, value, g_variant_type_value (type));
  if (is_added)
    g_variant_builder_close (builder);
  return is_added;
}

static GVariant *
convert_map (GVariant           *value,
             const GVariantType *type)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (type);

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT) &&
      !g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)")))
    return NULL;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr(GVariant) pair = g_variant_get_child_value (value, i);

      if (!add_entry (&builder, pair, g_variant_type_element (type)))
        return NULL;
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
convert_items (GVariant           *value,
               const GVariantType *type)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (type);
  gboolean is_tuple = g_variant_type_is_tuple (type);
  const GVariantType *item = is_tuple ? g_variant_type_first (type) : g_variant_type_element (type);

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("av")) ||
      (is_tuple && g_variant_n_children (value) != g_variant_type_n_items (type)))
    return NULL;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr(GVariant) boxed = g_variant_get_child_value (value, i);

      if (!add_converted (&builder, boxed, item))
        return NULL;
      item = is_tuple ? g_variant_type_next (item) : item;
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
convert_maybe (GVariant           *value,
               const GVariantType *type)
{
  const GVariantType *element = g_variant_type_element (type);
  g_autoptr(GVariant) child = NULL;

  if (msgpack_rpc_variant_is_nil (value))
    return g_variant_new_maybe (element, NULL);

  child = convert (value, element);
  return child != NULL ? g_variant_new_maybe (element, child) : NULL;
}

static GVariant *
convert_any (GVariant           *value,
             const GVariantType *type)
{
  gboolean is_true;
  double number;
  gint64 min;
  guint64 max;

  if (g_variant_type_equal (type, G_VARIANT_TYPE_VARIANT))
    return g_variant_new_variant (value);
  if (g_variant_is_of_type (value, type))
    return g_variant_ref (value);
  if (g_variant_type_is_maybe (type))
    return convert_maybe (value, type);
  if (g_variant_type_is_subtype_of (type, G_VARIANT_TYPE_DICTIONARY))
    return convert_map (value, type);
  if (g_variant_type_is_array (type) || g_variant_type_is_tuple (type))
    return convert_items (value, type);
  if (browser_type_get_range (type, &min, &max))
    return convert_integer (value, type, min, max);
  if (g_variant_type_equal (type, G_VARIANT_TYPE_DOUBLE))
    return msgpack_rpc_variant_get_double (value, &number) ? g_variant_new_double (number) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_BOOLEAN))
    return msgpack_rpc_variant_get_boolean (value, &is_true) ? g_variant_new_boolean (is_true) : NULL;

  return convert_text (value, type);
}

static GVariant *
convert (GVariant           *value,
         const GVariantType *type)
{
  GVariant *converted = convert_any (value, type);

  return converted != NULL ? g_variant_take_ref (converted) : NULL;
}

/* ---- all of it ---- */

/* Whether it is no string even if it cannot be read: a bracket was left open. */
static gboolean
looks_like_more (const char *text)
{
  return *text == '\0' || strchr ("[({\"'", *text) != NULL;
}

static GVariant *
read_natural (const char         *text,
              const GVariantType *type)
{
  GVariant *value = NULL;
  gboolean is_string = g_variant_type_equal (type, G_VARIANT_TYPE_STRING);

  /* Digits that are expected to be a string are one. */
  if (!is_string || *text == '"' || *text == '\'')
    value = read_whole (text);
  /* The brackets around all arguments go without saying. */
  if (g_variant_type_equal (type, G_VARIANT_TYPE ("av")) &&
      (value == NULL || !g_variant_is_of_type (value, type)))
    {
      g_autofree char *bracketed = g_strdup_printf ("[%s]", text);

      g_clear_pointer (&value, g_variant_unref);
      value = read_whole (bracketed);
    }
  if (value == NULL && (is_string || (g_variant_type_equal (type, G_VARIANT_TYPE_VARIANT) &&
                                      !looks_like_more (text))))
    value = g_variant_ref_sink (g_variant_new_string (text));

  return value;
}

GVariant *
browser_reader_read (const char          *text,
                     const GVariantType  *type,
                     GError             **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  g_autoptr(GVariant) natural = NULL;
  g_autofree char *expected = NULL;
  GVariant *value = NULL;

  if (g_variant_type_is_maybe (type))
    {
      const GVariantType *element = g_variant_type_element (type);

      if (*stripped == '\0' || g_str_equal (stripped, "nil"))
        return g_variant_ref_sink (g_variant_new_maybe (element, NULL));
      natural = browser_reader_read (text, element, error);
      return natural != NULL ? g_variant_ref_sink (g_variant_new_maybe (element, natural)) : NULL;
    }

  natural = read_natural (stripped, type);
  if (natural != NULL)
    value = convert (natural, type);
  if (value != NULL)
    return value;

  expected = browser_type_explain (type);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "expected %s", expected);
  return NULL;
}
