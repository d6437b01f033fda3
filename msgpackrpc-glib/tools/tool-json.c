/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-json.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"

/* Values as JSON, and back. What JSON lacks is an object with one member whose name is one of
 * these; a map that looks like one is written as MAP. */
#define BIN "$bin"
#define EXT "$ext"
#define FLOAT "$float"
#define MAP "$map"
#define RAW "$raw"
#define UINT "$uint"

/* JsonParser is recursive. */
#define MAX_DEPTH 64

#define QUIET_NAN G_GUINT64_CONSTANT (0x7ff8000000000000)

/* ---- checking a text ---- */

/* JsonParser takes more than JSON (comments, octal numbers, unknown escapes), cuts strings at a NUL
 * and wraps integers around. Thus it only gets what was checked first. */
typedef enum
{
  EXPECT_VALUE = 1 << 0,
  EXPECT_NAME = 1 << 1,
  EXPECT_COLON = 1 << 2,
  EXPECT_COMMA = 1 << 3,
  EXPECT_CLOSER = 1 << 4,
} Expect;

typedef struct
{
  const char *text;
  const char *at;
  GString *checked;        /* owned; what JsonParser gets: integers over G_MAXINT64 are replaced */
  Expect expected;         /* what may come at this place; 0 after the value */
  char closers[MAX_DEPTH]; /* of the arrays and objects around this place */
  guint depth;
} Checker;

static gboolean
fail_at (const Checker  *self,
         const char     *at,
         const char     *message,
         GError        **error)
{
  /* Translators: the first is a position in the text, the second says what is wrong there */
  g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE, _("At character %ld: %s"),
               g_utf8_pointer_to_offset (self->text, at) + 1, message);
  return FALSE;
}

static gboolean
fail_unexpected (const Checker  *self,
                 const char     *at,
                 GError        **error)
{
  g_autofree char *character = g_strndup (at, g_utf8_next_char (at) - at);
  g_autofree char *message = NULL;

  if (*at == '\0')
    return fail_at (self, at, _("The text ends too early"), error);

  message = g_strdup_printf (_("Unexpected “%s”"), character);
  return fail_at (self, at, message, error);
}

static gboolean
is_delimiter (char c)
{
  return strchr (" \t\r\n,:]}", c) != NULL;
}

/* The four digits of \uXXXX, or -1. */
static int
hex_value (const char *digits)
{
  int value = 0;

  for (int i = 0; i < 4; i++)
    {
      if (!g_ascii_isxdigit (digits[i]))
        return -1;
      value = value << 4 | g_ascii_xdigit_value (digits[i]);
    }

  return value;
}

static gboolean
check_escape (Checker  *self,
              GError  **error)
{
  const char *escape = self->at;
  int code;

  if (escape[1] != 'u')
    {
      if (escape[1] == '\0' || strchr ("\"\\/bfnrt", escape[1]) == NULL)
        return fail_at (self, escape, _("Unknown escape in a string"), error);
      self->at += 2;
      return TRUE;
    }

  code = hex_value (escape + 2);
  if (code < 0)
    return fail_at (self, escape, _("“\\u” must be followed by four hexadecimal digits"), error);
  if (code == 0)
    return fail_at (self, escape,
                    _("A string with a NUL must be written as {\"$raw\": BASE64}"), error);

  self->at += strlen ("\\uXXXX");
  if (code < 0xd800 || code > 0xdfff)
    return TRUE;

  if (code < 0xdc00 && self->at[0] == '\\' && self->at[1] == 'u')
    {
      code = hex_value (self->at + 2);
      self->at += code < 0 ? 0 : (int) strlen ("\\uXXXX");
      if (code >= 0xdc00 && code <= 0xdfff)
        return TRUE;
    }

  return fail_at (self, escape, _("Half of a surrogate pair in a string"), error);
}

static gboolean
check_string (Checker  *self,
              GError  **error)
{
  const char *start = self->at++;

  while (*self->at != '"')
    {
      if (*self->at == '\0')
        return fail_at (self, start, _("The string does not end"), error);
      if ((guchar) *self->at < ' ')
        return fail_at (self, self->at, _("A control character must be written as “\\uXXXX”"),
                        error);
      if (*self->at != '\\')
        self->at++;
      else if (!check_escape (self, error))
        return FALSE;
    }

  self->at++;
  g_string_append_len (self->checked, start, self->at - start);
  return TRUE;
}

static gboolean
skip_digits (Checker  *self,
             GError  **error)
{
  if (!g_ascii_isdigit (*self->at))
    return fail_unexpected (self, self->at, error);

  while (g_ascii_isdigit (*self->at))
    self->at++;

  return TRUE;
}

static gboolean
skip_number (Checker   *self,
             gboolean  *is_integer,
             GError   **error)
{
  self->at += *self->at == '-' ? 1 : 0;
  if (*self->at == '0')
    self->at++;
  else if (!skip_digits (self, error))
    return FALSE;

  *is_integer = TRUE;
  if (*self->at == '.')
    {
      *is_integer = FALSE;
      self->at++;
      if (!skip_digits (self, error))
        return FALSE;
    }
  if (*self->at == 'e' || *self->at == 'E')
    {
      *is_integer = FALSE;
      self->at++;
      self->at += *self->at == '+' || *self->at == '-' ? 1 : 0;
      if (!skip_digits (self, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_number (Checker  *self,
              GError  **error)
{
  const char *start = self->at;
  g_autofree char *number = NULL;
  gboolean is_integer;

  if (!skip_number (self, &is_integer, error))
    return FALSE;

  number = g_strndup (start, self->at - start);
  if (!is_integer && isinf (g_ascii_strtod (number, NULL)))
    return fail_at (self, start, _("The number is too large for a 64-bit float"), error);

  if (!is_integer || g_ascii_string_to_signed (number, 10, G_MININT64, G_MAXINT64, NULL, NULL))
    g_string_append (self->checked, number);
  else if (g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64, NULL, NULL))
    g_string_append_printf (self->checked, "{\"" UINT "\":\"%s\"}", number);
  else
    return fail_at (self, start, _("The integer does not fit into 64 bits"), error);

  return TRUE;
}

static gboolean
check_word (Checker  *self,
            GError  **error)
{
  static const char *words[] = { "false", "null", "true" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if (strncmp (self->at, words[i], length) == 0 && is_delimiter (self->at[length]))
        {
          g_string_append (self->checked, words[i]);
          self->at += length;
          return TRUE;
        }
    }

  if (*self->at == '\'' || g_unichar_isalpha (g_utf8_get_char (self->at)))
    return fail_at (self, self->at,
                    _("Unknown word; a string must be in double quotes, in a shell '\"text\"'"), error);

  return fail_unexpected (self, self->at, error);
}

static gboolean
check_opener (Checker  *self,
              GError  **error)
{
  g_autofree char *message = NULL;

  if (self->depth == MAX_DEPTH)
    {
      message = g_strdup_printf (_("Nested deeper than %d levels"), MAX_DEPTH);
      return fail_at (self, self->at, message, error);
    }

  self->closers[self->depth++] = *self->at == '[' ? ']' : '}';
  g_string_append_c (self->checked, *self->at++);
  return TRUE;
}

static Expect
classify (const Checker *self)
{
  switch (*self->at)
    {
    case ',':
      return EXPECT_COMMA;

    case ':':
      return EXPECT_COLON;

    case ']':
    case '}':
      return self->depth > 0 && *self->at == self->closers[self->depth - 1] ? EXPECT_CLOSER : 0;

    case '"':
      return self->expected & (EXPECT_NAME | EXPECT_VALUE);

    default:
      return EXPECT_VALUE;
    }
}

/* What may come after a token of that kind, which began with that character. */
static Expect
find_expected (const Checker *self,
               Expect         kind,
               char           first)
{
  if (kind == EXPECT_NAME)
    return EXPECT_COLON;
  if (kind == EXPECT_COLON)
    return EXPECT_VALUE;
  if (kind == EXPECT_COMMA)
    return self->closers[self->depth - 1] == '}' ? EXPECT_NAME : EXPECT_VALUE;
  if (first == '[')
    return EXPECT_VALUE | EXPECT_CLOSER;
  if (first == '{')
    return EXPECT_NAME | EXPECT_CLOSER;

  return self->depth > 0 ? EXPECT_COMMA | EXPECT_CLOSER : 0;
}

static gboolean
check_token (Checker  *self,
             GError  **error)
{
  Expect kind = classify (self);
  char first = *self->at;
  gboolean is_good = TRUE;

  if ((self->expected & kind) == 0)
    return fail_unexpected (self, self->at, error);

  if (first == '"')
    is_good = check_string (self, error);
  else if (first == '[' || first == '{')
    is_good = check_opener (self, error);
  else if (first == '-' || g_ascii_isdigit (first))
    is_good = check_number (self, error);
  else if (kind == EXPECT_VALUE)
    is_good = check_word (self, error);
  else
    {
      self->depth -= kind == EXPECT_CLOSER ? 1 : 0;
      g_string_append_c (self->checked, *self->at++);
    }

  self->expected = find_expected (self, kind, first);
  return is_good;
}

static gboolean
check_text (Checker  *self,
            GError  **error)
{
  for (;;)
    {
      self->at += strspn (self->at, " \t\r\n");
      if (*self->at == '\0' && self->expected == 0)
        return TRUE;
      if (!check_token (self, error))
        return FALSE;
    }
}

/* What JsonParser can read without loss, or NULL. */
static char *
check (const char  *text,
       GError     **error)
{
  g_autoptr(GString) checked = g_string_new (NULL);
  Checker checker = { .text = text, .at = text, .checked = checked, .expected = EXPECT_VALUE };

  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error_literal (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_INVALID_DATA,
                           _("The text is not UTF-8"));
      return NULL;
    }

  return check_text (&checker, error) ? g_string_free (g_steal_pointer (&checked), FALSE) : NULL;
}

/* ---- parsing ---- */

typedef struct
{
  GHashTable *n_members; /* of JsonObject; owned */
  char *twice;           /* a name that one object has twice; owned */
} Names;

static void
object_member_cb (JsonParser *parser G_GNUC_UNUSED,
                  JsonObject *object,
                  const char *name,
                  gpointer    user_data)
{
  Names *names = user_data;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (names->n_members, object)) + 1;

  g_hash_table_insert (names->n_members, object, GUINT_TO_POINTER (n));
  if (n > json_object_get_size (object) && names->twice == NULL)
    names->twice = g_strdup (name);
}

static JsonNode *
parse (const char  *text,
       GError     **error)
{
  g_autofree char *checked = check (text, error);
  g_autoptr(JsonParser) parser = json_parser_new ();
  g_autoptr(GHashTable) n_members = g_hash_table_new (NULL, NULL);
  Names names = { n_members, NULL };

  if (checked == NULL)
    return NULL;

  g_signal_connect (parser, "object-member", G_CALLBACK (object_member_cb), &names);
  if (!json_parser_load_from_data (parser, checked, -1, error))
    return NULL;

  if (names.twice == NULL)
    return json_parser_steal_root (parser);

  g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE,
               _("The name “%s” occurs twice in an object; write {\"$map\": [[NAME, VALUE], …]}"),
               names.twice);
  g_free (names.twice);
  return NULL;
}

/* ---- values from nodes ---- */

static GVariant *value_from_node (JsonNode  *node,
                                  GError   **error);

static gboolean
fail_form (GError     **error,
           const char  *message)
{
  g_set_error_literal (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_INVALID_DATA, message);
  return FALSE;
}

/* The string in @node, or NULL. */
static const char *
get_string (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;

  return json_node_get_string (node);
}

/* The array in @node if it has that many elements, or NULL. */
static JsonArray *
get_array (JsonNode *node,
           guint     n_elements)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return array != NULL && json_array_get_length (array) == n_elements ? array : NULL;
}

/* g_base64_decode() skips what it does not know. */
static GBytes *
get_bytes (JsonNode *node)
{
  const char *text = get_string (node);
  g_autofree guchar *data = NULL;
  g_autofree char *encoded = NULL;
  gsize size;

  if (text == NULL)
    return NULL;

  data = g_base64_decode (text, &size);
  encoded = g_base64_encode (data, size);

  return g_str_equal (encoded, text) ? g_bytes_new_take (g_steal_pointer (&data), size) : NULL;
}

static GVariant *
read_bin (JsonNode  *node,
          GError   **error)
{
  g_autoptr(GBytes) bytes = get_bytes (node);

  if (bytes == NULL)
    {
      fail_form (error, _("“$bin” takes a string in base64"));
      return NULL;
    }

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
read_raw (JsonNode  *node,
          GError   **error)
{
  g_autoptr(GBytes) bytes = get_bytes (node);

  if (bytes == NULL)
    {
      fail_form (error, _("“$raw” takes a string in base64"));
      return NULL;
    }

  return msgpack_rpc_variant_new_raw_string (bytes);
}

static GVariant *
read_ext (JsonNode  *node,
          GError   **error)
{
  JsonArray *array = get_array (node, 2);
  JsonNode *type = array != NULL ? json_array_get_element (array, 0) : NULL;
  g_autoptr(GBytes) bytes = array != NULL ? get_bytes (json_array_get_element (array, 1)) : NULL;

  if (bytes == NULL || !JSON_NODE_HOLDS_VALUE (type) ||
      json_node_get_value_type (type) != G_TYPE_INT64 ||
      json_node_get_int (type) < G_MININT8 || json_node_get_int (type) > G_MAXINT8)
    {
      fail_form (error, _("“$ext” takes [TYPE, DATA], a type from -128 to 127 and base64"));
      return NULL;
    }

  return msgpack_rpc_variant_new_ext (json_node_get_int (type), bytes);
}

static gboolean
float_from_text (const char *text,
                 double     *number)
{
  guint64 bits;

  if (g_strcmp0 (text, "inf") == 0)
    *number = INFINITY;
  else if (g_strcmp0 (text, "-inf") == 0)
    *number = -INFINITY;
  else
    {
      if (g_strcmp0 (text, "nan") == 0)
        bits = QUIET_NAN;
      else if (text == NULL || strlen (text) != 16 ||
               !g_ascii_string_to_unsigned (text, 16, 0, G_MAXUINT64, &bits, NULL))
        return FALSE;
      memcpy (number, &bits, sizeof bits);
    }

  return TRUE;
}

static GVariant *
read_float (JsonNode  *node,
            GError   **error)
{
  double number;

  if (!float_from_text (get_string (node), &number))
    {
      fail_form (error, _("“$float” takes \"nan\", \"inf\", \"-inf\" or 16 hexadecimal digits"));
      return NULL;
    }

  return g_variant_new_double (number);
}

static GVariant *
read_uint (JsonNode  *node,
           GError   **error)
{
  const char *text = get_string (node);
  guint64 integer;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &integer, NULL))
    {
      fail_form (error, _("“$uint” takes a string of decimal digits that fits into 64 bits"));
      return NULL;
    }

  return g_variant_new_uint64 (integer);
}

static gboolean
add_pair (GVariantBuilder  *builder,
          JsonNode         *node,
          GError          **error)
{
  JsonArray *pair = get_array (node, 2);
  g_autoptr(GVariant) key = NULL;
  GVariant *value;

  if (pair == NULL)
    return fail_form (error, _("“$map” takes [[KEY, VALUE], …]"));

  key = value_from_node (json_array_get_element (pair, 0), error);
  if (key == NULL)
    return FALSE;
  g_variant_ref_sink (key);

  value = value_from_node (json_array_get_element (pair, 1), error);
  if (value == NULL)
    return FALSE;

  g_variant_builder_add (builder, "(vv)", key, value);
  return TRUE;
}

static GVariant *
read_map (JsonNode  *node,
          GError   **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(vv)"));
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (array == NULL)
    {
      fail_form (error, _("“$map” takes [[KEY, VALUE], …]"));
      return NULL;
    }

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!add_pair (&builder, json_array_get_element (array, i), error))
      return NULL;

  return g_variant_builder_end (&builder);
}

static const struct
{
  const char *name;
  GVariant *(*read) (JsonNode  *node,
                     GError   **error);
} forms[] = {
  { BIN, read_bin },
  { EXT, read_ext },
  { FLOAT, read_float },
  { MAP, read_map },
  { RAW, read_raw },
  { UINT, read_uint },
};

static GVariant *
value_from_form (const char  *name,
                 JsonNode    *node,
                 GError     **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    if (g_str_equal (name, forms[i].name))
      return forms[i].read (node, error);

  g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_INVALID_DATA,
               _("“%s” has no meaning here; write {\"$map\": [[NAME, VALUE]]} for a map with that "
                 "one name"),
               name);
  return NULL;
}

/* The name of the only member if it is one that is reserved, or NULL. */
static const char *
get_form (JsonObject *object)
{
  JsonObjectIter iter;
  const char *name = NULL;

  if (json_object_get_size (object) != 1)
    return NULL;

  json_object_iter_init (&iter, object);
  json_object_iter_next (&iter, &name, NULL);

  return name[0] == '$' ? name : NULL;
}

static GVariant *
value_from_object (JsonObject  *object,
                   GError     **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const char *form = get_form (object);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (form != NULL)
    return value_from_form (form, json_object_get_member (object, form), error);

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    {
      GVariant *value = value_from_node (node, error);

      if (value == NULL)
        return NULL;
      g_variant_builder_add (&builder, "{sv}", name, value);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
value_from_array (JsonArray  *array,
                  GError    **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      GVariant *value = value_from_node (json_array_get_element (array, i), error);

      if (value == NULL)
        return NULL;
      g_variant_builder_add (&builder, "v", value);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
value_from_scalar (JsonNode *node)
{
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (json_node_get_boolean (node));

    case G_TYPE_INT64:
      return g_variant_new_int64 (json_node_get_int (node));

    case G_TYPE_DOUBLE:
      return g_variant_new_double (json_node_get_double (node));

    default:
      return g_variant_new_string (json_node_get_string (node));
    }
}

/* A floating value, or NULL. */
static GVariant *
value_from_node (JsonNode  *node,
                 GError   **error)
{
  switch (JSON_NODE_TYPE (node))
    {
    case JSON_NODE_OBJECT:
      return value_from_object (json_node_get_object (node), error);

    case JSON_NODE_ARRAY:
      return value_from_array (json_node_get_array (node), error);

    case JSON_NODE_VALUE:
      return value_from_scalar (node);

    case JSON_NODE_NULL:
    default:
      return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
    }
}

/* Reads one value from JSON: what msgpack_rpc_pack() writes as the bytes that the text stands for.
 * The reference is not floating. */
GVariant *
tool_json_read (const char  *text,
                GError     **error)
{
  g_autoptr(JsonNode) node = parse (text, error);
  GVariant *value;

  if (node == NULL)
    return NULL;

  value = value_from_node (node, error);
  return value != NULL ? g_variant_ref_sink (value) : NULL;
}

/* ---- writing ---- */

static void append_value (GString  *out,
                          GVariant *value);

static void
append_character (GString    *out,
                  const char *character)
{
  static const char plain[] = "\"\\\b\f\n\r\t";
  static const char escaped[] = "\"\\bfnrt";
  const char *special = strchr (plain, *character);
  gunichar code = g_utf8_get_char (character);

  if (special != NULL)
    g_string_append_printf (out, "\\%c", escaped[special - plain]);
  else if (tool_must_escape (code))
    g_string_append_printf (out, "\\u%04x", code);
  else
    g_string_append_unichar (out, code);
}

static void
append_string (GString    *out,
               const char *string)
{
  g_string_append_c (out, '"');
  for (const char *character = string; *character != '\0'; character = g_utf8_next_char (character))
    append_character (out, character);
  g_string_append_c (out, '"');
}

/* Reads back as the same: 15 digits often suffice for that, 17 always do. A point or an exponent
 * tells it from an integer. */
static void
append_finite (GString *out,
               double   number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (text, sizeof text, "%.15g", number);
  if (g_ascii_strtod (text, NULL) != number)
    g_ascii_formatd (text, sizeof text, "%.16g", number);
  if (g_ascii_strtod (text, NULL) != number)
    g_ascii_formatd (text, sizeof text, "%.17g", number);

  g_string_append (out, text);
  if (strpbrk (text, ".e") == NULL)
    g_string_append (out, ".0");
}

static void
append_double (GString *out,
               double   number)
{
  guint64 bits;

  if (isfinite (number))
    {
      append_finite (out, number);
      return;
    }

  memcpy (&bits, &number, sizeof bits);
  g_string_append (out, "{\"" FLOAT "\":\"");
  if (isinf (number))
    g_string_append (out, number < 0 ? "-inf" : "inf");
  else if (bits == QUIET_NAN)
    g_string_append (out, "nan");
  else
    g_string_append_printf (out, "%016" G_GINT64_MODIFIER "x", bits);
  g_string_append (out, "\"}");
}

static void
append_bytes (GString *out,
              GBytes  *bytes)
{
  g_autofree char *text = NULL;
  gsize size;
  const guchar *data = g_bytes_get_data (bytes, &size);

  text = g_base64_encode (data, size);
  g_string_append_printf (out, "\"%s\"", text);
}

/* What msgpack_rpc_unpack() makes of bin, ext, and str that is no text. */
static void
append_opaque (GString  *out,
               GVariant *value)
{
  g_autoptr(GBytes) bytes = NULL;
  int type;

  if (msgpack_rpc_variant_get_ext (value, &type, &bytes))
    {
      g_string_append_printf (out, "{\"" EXT "\":[%d,", type);
      append_bytes (out, bytes);
      g_string_append (out, "]}");
      return;
    }

  bytes = msgpack_rpc_variant_get_bytes (value);
  g_string_append_printf (out, "{\"%s\":",
                          g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING) ? BIN : RAW);
  append_bytes (out, bytes);
  g_string_append_c (out, '}');
}

/* Whether a JSON object can hold the map. */
static gboolean
is_object (GVariant *map)
{
  g_autoptr(GHashTable) names = NULL;
  gsize n = g_variant_n_children (map);
  GVariantIter iter;
  const char *name;

  if (!g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT))
    return FALSE;

  names = g_hash_table_new (g_str_hash, g_str_equal);
  g_variant_iter_init (&iter, map);
  while (g_variant_iter_next (&iter, "{&s@v}", &name, NULL))
    if (!g_hash_table_add (names, (gpointer) name) || (n == 1 && name[0] == '$'))
      return FALSE;

  return TRUE;
}

static void
append_array (GString  *out,
              GVariant *array)
{
  gsize n = g_variant_n_children (array);

  g_string_append_c (out, '[');
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (array, i);

      g_string_append (out, i > 0 ? "," : "");
      append_value (out, child);
    }
  g_string_append_c (out, ']');
}

/* The members of an object, or the pairs of $map. */
static void
append_entries (GString    *out,
                GVariant   *map,
                const char *begin,
                const char *separator,
                const char *end)
{
  gsize n = g_variant_n_children (map);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (map, i);
      g_autoptr(GVariant) key = g_variant_get_child_value (entry, 0);
      g_autoptr(GVariant) value = g_variant_get_child_value (entry, 1);

      g_string_append (out, i > 0 ? "," : "");
      g_string_append (out, begin);
      append_value (out, key);
      g_string_append (out, separator);
      append_value (out, value);
      g_string_append (out, end);
    }
}

static void
append_map (GString  *out,
            GVariant *map)
{
  if (is_object (map))
    {
      g_string_append_c (out, '{');
      append_entries (out, map, "", ":", "");
      g_string_append_c (out, '}');
      return;
    }

  g_string_append (out, "{\"" MAP "\":[");
  append_entries (out, map, "[", ",", "]");
  g_string_append (out, "]}");
}

static void
append_container (GString  *out,
                  GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING) ||
      g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")))
    append_opaque (out, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY) ||
           g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)")))
    append_map (out, value);
  else
    append_array (out, value);
}

static void
append_value (GString  *out,
              GVariant *value)
{
  g_autoptr(GVariant) child = NULL;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
      break;

    case G_VARIANT_CLASS_INT64:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, g_variant_get_int64 (value));
      break;

    case G_VARIANT_CLASS_UINT64:
      g_string_append_printf (out, "%" G_GUINT64_FORMAT, g_variant_get_uint64 (value));
      break;

    case G_VARIANT_CLASS_DOUBLE:
      append_double (out, g_variant_get_double (value));
      break;

    case G_VARIANT_CLASS_STRING:
      append_string (out, g_variant_get_string (value, NULL));
      break;

    case G_VARIANT_CLASS_VARIANT:
      child = g_variant_get_variant (value);
      append_value (out, child);
      break;

    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
      append_container (out, value);
      break;

    default:
      g_string_append (out, "null");
    }
}

/* Writes, on one line, a value of the types that msgpack_rpc_unpack() makes: tool_json_read() gives
 * one that is packed to the same bytes. */
char *
tool_json_write (GVariant *value)
{
  GString *out = g_string_new (NULL);

  append_value (out, value);
  return g_string_free (out, FALSE);
}
