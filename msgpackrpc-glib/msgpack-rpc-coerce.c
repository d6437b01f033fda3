/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-serial-private.h"
#include "msgpack-rpc-variant.h"

/* Keys and names that peers have chosen are cut to this many bytes in errors. */
#define MAX_SHOWN_TEXT 64

/* No further steps are added to a path that has this many bytes. */
#define MAX_SHOWN_PATH 256

/* Where a value is. Lives on the stack: the text is made only for an error. */
typedef struct _Path Path;

struct _Path
{
  const Path *parent;
  const char *root; /* of the first step only */
  gsize index;
  GVariant *key;   /* of a map's value */
  gboolean is_key; /* the step is to a key of the parent */
};

static GVariant *coerce (GVariant            *value,
                         const GVariantType  *type,
                         const Path          *path,
                         GError             **error);

/* Appends @text as UTF-8 on one line. */
static void
append_text (GString    *out,
             const char *text)
{
  gsize length = strnlen (text, MAX_SHOWN_TEXT + 1);
  g_autofree char *valid = NULL;
  const char *end = NULL;

  /* Do not make a character invalid by cutting it. */
  if (length > MAX_SHOWN_TEXT && !g_utf8_validate_len (text, MAX_SHOWN_TEXT, &end) &&
      g_utf8_get_char_validated (end, MAX_SHOWN_TEXT - (end - text)) == (gunichar) -2)
    valid = g_utf8_make_valid (text, end - text);
  else
    valid = g_utf8_make_valid (text, MIN (length, MAX_SHOWN_TEXT));

  for (const char *p = valid; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p))
        g_string_append_printf (out, "\\x%02x", (guchar) *p);
      else if (*p == '"' || *p == '\\')
        g_string_append_printf (out, "\\%c", *p);
      else
        g_string_append_c (out, *p);
    }

  if (length > MAX_SHOWN_TEXT)
    g_string_append (out, "…");
}

static void
append_key (GString  *out,
            GVariant *key)
{
  g_autofree char *text = msgpack_rpc_variant_get_string (key);

  if (text != NULL)
    {
      g_string_append (out, "[\"");
      append_text (out, text);
      g_string_append (out, "\"]");
    }
  else if (g_variant_is_of_type (key, G_VARIANT_TYPE_INT64))
    {
      g_string_append_printf (out, "[%" G_GINT64_FORMAT "]", g_variant_get_int64 (key));
    }
  else
    {
      g_string_append (out, "[…]");
    }
}

static void
append_path (GString    *out,
             const Path *path)
{
  if (path->parent == NULL)
    {
      g_string_append (out, path->root);
      return;
    }

  append_path (out, path->parent);

  if (path->is_key || g_str_has_suffix (out->str, "…"))
    return;

  if (out->len > MAX_SHOWN_PATH)
    g_string_append (out, "…");
  else if (path->key != NULL)
    append_key (out, path->key);
  else
    g_string_append_printf (out, "[%" G_GSIZE_FORMAT "]", path->index);
}

static GVariant *
fail (const Path  *path,
      const char  *expected,
      const char  *got,
      GError     **error)
{
  g_autoptr(GString) text = g_string_new ("expected ");

  g_string_append_printf (text, "%s %s ", expected, path->is_key ? "as a key of" : "at");
  append_path (text, path);
  g_string_append_printf (text, ", got %s", got);
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS, text->str);

  return NULL;
}

static gboolean
is_opaque (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)"));
}

static gboolean
is_map (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY) ||
         g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)"));
}

static gboolean
is_list (GVariant *value)
{
  if (is_map (value) || is_opaque (value) ||
      g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return FALSE;

  return g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY) ||
         g_variant_is_of_type (value, G_VARIANT_TYPE_TUPLE);
}

static const char *
describe (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return "a boolean";

    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_DOUBLE:
      return "a number";

    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return "a string";

    case G_VARIANT_CLASS_MAYBE:
      return "nil";

    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      if (is_opaque (value))
        return msgpack_rpc_variant_is_ext (value) ? "an extension value" : "a string";
      if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
        return "binary data";
      return is_list (value) ? "an array" : "a map";

    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_VARIANT:
    default:
      return "a value of another kind";
    }
}

static gboolean
is_boxed (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_VARIANT:
      return TRUE;

    case G_VARIANT_CLASS_MAYBE:
      return g_variant_n_children (value) > 0;

    default:
      return FALSE;
    }
}

GVariant *
_msgpack_rpc_value_unbox (GVariant *value)
{
  value = g_variant_ref_sink (value);

  while (is_boxed (value))
    {
      GVariant *child = g_variant_get_child_value (value, 0);

      g_variant_unref (value);
      value = child;
    }

  return value;
}

typedef enum
{
  NUMBER_NONE,
  NUMBER_SIGNED,
  NUMBER_UNSIGNED, /* above G_MAXINT64 */
  NUMBER_DOUBLE,   /* not integral, or beyond 64 bits */
} NumberKind;

typedef struct
{
  NumberKind kind;
  gint64 x;
  guint64 t;
  double d;
} Number;

static void
number_set_uint (Number  *self,
                 guint64  t)
{
  self->kind = t > G_MAXINT64 ? NUMBER_UNSIGNED : NUMBER_SIGNED;
  self->x = (gint64) t;
  self->t = t;
  self->d = t;
}

static void
number_set_int (Number *self,
                gint64  x)
{
  self->kind = NUMBER_SIGNED;
  self->x = x;
  self->t = x;
  self->d = x;
}

static void
number_set_double (Number *self,
                   double  d)
{
  const double two_to_63 = 9223372036854775808.0;

  /* Comparisons with NaN are false. */
  if (d >= -two_to_63 && d < two_to_63 && (double) (gint64) d == d)
    number_set_int (self, (gint64) d);
  else if (d >= two_to_63 && d < 2 * two_to_63)
    number_set_uint (self, (guint64) d);
  else
    self->kind = NUMBER_DOUBLE;

  self->d = d;
}

static gboolean
number_init (Number   *self,
             GVariant *value)
{
  self->kind = NUMBER_NONE;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      number_set_uint (self, g_variant_get_byte (value));
      break;

    case G_VARIANT_CLASS_INT16:
      number_set_int (self, g_variant_get_int16 (value));
      break;

    case G_VARIANT_CLASS_UINT16:
      number_set_uint (self, g_variant_get_uint16 (value));
      break;

    case G_VARIANT_CLASS_INT32:
      number_set_int (self, g_variant_get_int32 (value));
      break;

    case G_VARIANT_CLASS_UINT32:
      number_set_uint (self, g_variant_get_uint32 (value));
      break;

    case G_VARIANT_CLASS_INT64:
      number_set_int (self, g_variant_get_int64 (value));
      break;

    case G_VARIANT_CLASS_UINT64:
      number_set_uint (self, g_variant_get_uint64 (value));
      break;

    case G_VARIANT_CLASS_DOUBLE:
      number_set_double (self, g_variant_get_double (value));
      break;

    default:
      break;
    }

  return self->kind != NUMBER_NONE;
}

static void
number_describe (const Number *self,
                 char         *buffer,
                 gsize         size)
{
  if (self->kind == NUMBER_SIGNED)
    g_snprintf (buffer, size, "%" G_GINT64_FORMAT, self->x);
  else if (self->kind == NUMBER_UNSIGNED)
    g_snprintf (buffer, size, "%" G_GUINT64_FORMAT, self->t);
  else
    g_ascii_dtostr (buffer, size, self->d);
}

/* The numbers that fit an integer type. */
static void
integer_type_get_range (char     type,
                        gint64  *min,
                        guint64 *max)
{
  switch (type)
    {
    case 'y':
      *min = 0;
      *max = G_MAXUINT8;
      break;

    case 'n':
      *min = G_MININT16;
      *max = G_MAXINT16;
      break;

    case 'q':
      *min = 0;
      *max = G_MAXUINT16;
      break;

    case 'i':
      *min = G_MININT32;
      *max = G_MAXINT32;
      break;

    case 'u':
      *min = 0;
      *max = G_MAXUINT32;
      break;

    case 'x':
      *min = G_MININT64;
      *max = G_MAXINT64;
      break;

    case 't':
    default:
      *min = 0;
      *max = G_MAXUINT64;
      break;
    }
}

static GVariant *
integer_new (char          type,
             const Number *number)
{
  switch (type)
    {
    case 'y':
      return g_variant_new_byte (number->x);
    case 'n':
      return g_variant_new_int16 (number->x);
    case 'q':
      return g_variant_new_uint16 (number->x);
    case 'i':
      return g_variant_new_int32 (number->x);
    case 'u':
      return g_variant_new_uint32 (number->x);
    case 'x':
      return g_variant_new_int64 (number->x);
    case 't':
    default:
      return g_variant_new_uint64 (number->t);
    }
}

static GVariant *
coerce_integer (GVariant    *value,
                char         type,
                const Path  *path,
                GError     **error)
{
  char got[G_ASCII_DTOSTR_BUF_SIZE];
  char expected[100];
  Number number;
  gint64 min;
  guint64 max;

  if (!number_init (&number, value))
    return fail (path, "a number", describe (value), error);

  number_describe (&number, got, sizeof got);
  if (number.kind == NUMBER_DOUBLE)
    return fail (path, "an integer", got, error);

  integer_type_get_range (type, &min, &max);
  if (number.kind == NUMBER_UNSIGNED || number.x >= 0 ? number.t <= max : number.x >= min)
    return g_variant_ref_sink (integer_new (type, &number));

  g_snprintf (expected, sizeof expected,
              "an integer from %" G_GINT64_FORMAT " to %" G_GUINT64_FORMAT, min, max);

  return fail (path, expected, got, error);
}

static GVariant *
coerce_double (GVariant    *value,
               const Path  *path,
               GError     **error)
{
  Number number;

  if (!number_init (&number, value))
    return fail (path, "a number", describe (value), error);

  return g_variant_ref_sink (g_variant_new_double (number.d));
}

static GVariant *
coerce_string (GVariant    *value,
               char         type,
               const Path  *path,
               GError     **error)
{
  const char *expected = type == 's' ? "a string" : type == 'o' ? "an object path" : "a signature";
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);
  g_autofree char *text = NULL;

  if (bytes == NULL)
    return fail (path, expected, describe (value), error);

  text = msgpack_rpc_variant_get_string (value);
  if (text == NULL)
    return fail (path, expected, "bytes that are not valid UTF-8", error);

  if (type == 's')
    return g_variant_ref_sink (g_variant_new_take_string (g_steal_pointer (&text)));

  if (type == 'o' && g_variant_is_object_path (text))
    return g_variant_ref_sink (g_variant_new_object_path (text));

  if (type == 'g' && g_variant_is_signature (text))
    return g_variant_ref_sink (g_variant_new_signature (text));

  return fail (path, expected, "another string", error);
}

/* An ext keeps what it is; what it might be read as is a str in all its forms. */
static GVariant *
coerce_opaque (GVariant    *value,
               const Path  *path,
               GError     **error)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);

  if (bytes == NULL)
    return fail (path, "an extension value or a string", describe (value), error);

  return g_variant_ref_sink (msgpack_rpc_variant_new_raw_string (bytes));
}

static GVariant *
coerce_list (GVariant            *value,
             const GVariantType  *type,
             const Path          *path,
             GError             **error)
{
  const GVariantType *item_type = g_variant_type_element (type);
  g_auto(MsgpackRpcArrayWriter) writer = { 0 };
  gsize n = g_variant_n_children (value);

  _msgpack_rpc_array_writer_init (&writer, type);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr(GVariant) item = NULL;
      Path step = { .parent = path, .index = i };

      item = coerce (child, item_type, &step, error);
      if (item == NULL)
        return NULL;

      _msgpack_rpc_array_writer_add (&writer, item);
    }

  return _msgpack_rpc_array_writer_end (&writer);
}

static GVariant *
coerce_entry (GVariant            *entry,
              const GVariantType  *type,
              const Path          *path,
              GError             **error)
{
  g_autoptr(GVariant) boxed_key = g_variant_get_child_value (entry, 0);
  g_autoptr(GVariant) boxed_value = g_variant_get_child_value (entry, 1);
  g_autoptr(GVariant) key = NULL;
  g_autoptr(GVariant) value = NULL;
  Path key_step = { .parent = path, .is_key = TRUE };
  Path value_step = { .parent = path };

  key = coerce (boxed_key, g_variant_type_key (type), &key_step, error);
  if (key == NULL)
    return NULL;

  value_step.key = key;
  value = coerce (boxed_value, g_variant_type_value (type), &value_step, error);
  if (value == NULL)
    return NULL;

  return g_variant_ref_sink (g_variant_new_dict_entry (key, value));
}

static GVariant *
coerce_pair (GVariant *entry)
{
  g_autoptr(GVariant) boxed_key = g_variant_get_child_value (entry, 0);
  g_autoptr(GVariant) boxed_value = g_variant_get_child_value (entry, 1);
  g_autoptr(GVariant) key = _msgpack_rpc_value_unbox (boxed_key);
  g_autoptr(GVariant) value = _msgpack_rpc_value_unbox (boxed_value);

  return g_variant_ref_sink (g_variant_new ("(vv)", key, value));
}

/* To a{..} or a(vv). Some languages cannot tell an empty map from an empty array. */
static GVariant *
coerce_map (GVariant            *value,
            const GVariantType  *type,
            const Path          *path,
            GError             **error)
{
  const GVariantType *entry_type = g_variant_type_element (type);
  g_auto(MsgpackRpcArrayWriter) writer = { 0 };
  gsize n = g_variant_n_children (value);

  _msgpack_rpc_array_writer_init (&writer, type);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr(GVariant) entry = NULL;

      if (g_variant_type_is_dict_entry (entry_type))
        entry = coerce_entry (child, entry_type, path, error);
      else
        entry = coerce_pair (child);
      if (entry == NULL)
        return NULL;

      _msgpack_rpc_array_writer_add (&writer, entry);
    }

  return _msgpack_rpc_array_writer_end (&writer);
}

static GVariant *
coerce_array (GVariant            *value,
              const GVariantType  *type,
              const Path          *path,
              GError             **error)
{
  if (g_variant_type_is_subtype_of (type, G_VARIANT_TYPE_DICTIONARY) ||
      g_variant_type_equal (type, G_VARIANT_TYPE ("a(vv)")))
    {
      if (is_map (value) || (is_list (value) && g_variant_n_children (value) == 0))
        return coerce_map (value, type, path, error);

      return fail (path, "a map", describe (value), error);
    }

  if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTESTRING) && !is_list (value))
    {
      g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);

      if (bytes == NULL)
        return fail (path, "binary data", describe (value), error);

      return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));
    }

  if (!is_list (value))
    return fail (path, "an array", describe (value), error);

  return coerce_list (value, type, path, error);
}

/* What was left out, where a maybe is declared. */
static GVariant *
nothing_new (const GVariantType *type)
{
  return g_variant_ref_sink (g_variant_new_maybe (g_variant_type_element (type), NULL));
}

/* @value has as many children as @type has members; if it has fewer, the others may be left out. */
static GVariant *
coerce_members (GVariant            *value,
                const GVariantType  *type,
                const Path          *path,
                GError             **error)
{
  const GVariantType *member = g_variant_type_first (type);
  gsize n = g_variant_n_children (value);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (type);

  for (gsize i = 0; member != NULL; i++)
    {
      g_autoptr(GVariant) child = i < n ? g_variant_get_child_value (value, i) : NULL;
      g_autoptr(GVariant) item = NULL;
      Path step = { .parent = path, .index = i };

      item = child != NULL ? coerce (child, member, &step, error) : nothing_new (member);
      if (item == NULL)
        return NULL;

      g_variant_builder_add_value (&builder, item);
      member = g_variant_type_next (member);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static GVariant *
coerce_tuple (GVariant            *value,
              const GVariantType  *type,
              const Path          *path,
              GError             **error)
{
  gsize n = g_variant_type_n_items (type);
  char expected[100];
  char got[100];

  if (g_variant_type_equal (type, G_VARIANT_TYPE ("(hay)")))
    return coerce_opaque (value, path, error);

  /* What a method without a result returns. */
  if (n == 0 && msgpack_rpc_variant_is_nil (value))
    return g_variant_ref_sink (g_variant_new_tuple (NULL, 0));

  if (!is_list (value))
    return fail (path, "an array", describe (value), error);

  if (g_variant_n_children (value) != n)
    {
      g_snprintf (expected, sizeof expected, "an array of length %" G_GSIZE_FORMAT, n);
      g_snprintf (got, sizeof got, "one of length %" G_GSIZE_FORMAT, g_variant_n_children (value));
      return fail (path, expected, got, error);
    }

  return coerce_members (value, type, path, error);
}

static GVariant *
coerce_maybe (GVariant            *value,
              const GVariantType  *type,
              const Path          *path,
              GError             **error)
{
  const GVariantType *child_type = g_variant_type_element (type);
  g_autoptr(GVariant) child = NULL;

  if (msgpack_rpc_variant_is_nil (value))
    return g_variant_ref_sink (g_variant_new_maybe (child_type, NULL));

  child = coerce (value, child_type, path, error);
  if (child == NULL)
    return NULL;

  return g_variant_ref_sink (g_variant_new_maybe (child_type, child));
}

static GVariant *
coerce_single_entry (GVariant            *value,
                     const GVariantType  *type,
                     const Path          *path,
                     GError             **error)
{
  g_autoptr(GVariant) entry = NULL;

  if (!is_map (value) || g_variant_n_children (value) != 1)
    return fail (path, "a map with one entry", describe (value), error);

  entry = g_variant_get_child_value (value, 0);

  return coerce_entry (entry, type, path, error);
}

/* @value is in no variant, and not yet of the type. */
static GVariant *
coerce_unboxed (GVariant            *value,
                const GVariantType  *type,
                const Path          *path,
                GError             **error)
{
  char first = *g_variant_type_peek_string (type);

  switch (first)
    {
    case 'v':
      return g_variant_ref_sink (g_variant_new_variant (value));

    case 'b':
      return fail (path, "a boolean", describe (value), error);

    case 'y':
    case 'n':
    case 'q':
    case 'i':
    case 'u':
    case 'x':
    case 't':
      return coerce_integer (value, first, path, error);

    case 'd':
      return coerce_double (value, path, error);

    case 's':
    case 'o':
    case 'g':
      return coerce_string (value, first, path, error);

    case 'm':
      return coerce_maybe (value, type, path, error);

    case 'a':
      return coerce_array (value, type, path, error);

    case '(':
      return coerce_tuple (value, type, path, error);

    case '{':
      return coerce_single_entry (value, type, path, error);

    default:
      return fail (path, "a value of another kind", describe (value), error);
    }
}

static GVariant *
coerce (GVariant            *value,
        const GVariantType  *type,
        const Path          *path,
        GError             **error)
{
  g_autoptr(GVariant) unboxed = _msgpack_rpc_value_unbox (value);

  if (g_variant_is_of_type (unboxed, type))
    return g_steal_pointer (&unboxed);

  if (!g_variant_type_is_definite (type))
    return fail (path, "a value of another kind", describe (unboxed), error);

  return coerce_unboxed (unboxed, type, path, error);
}

GVariant *
_msgpack_rpc_coerce_by_parts (GVariant            *value,
                              const GVariantType  *type,
                              const char          *path,
                              GError             **error)
{
  Path root = { .root = path };

  return coerce (value, type, &root, error);
}

GVariant *
_msgpack_rpc_coerce (GVariant            *value,
                     const GVariantType  *type,
                     const char          *path,
                     GError             **error)
{
  GVariant *retyped = g_variant_type_is_definite (type) ? _msgpack_rpc_retype (value, type) : NULL;

  return retyped != NULL ? retyped : _msgpack_rpc_coerce_by_parts (value, type, path, error);
}

/* How many parameters have to be given. */
static gsize
count_required (const GVariantType *type)
{
  const GVariantType *member = g_variant_type_first (type);
  gsize n_required = 0;

  for (gsize i = 1; member != NULL; i++)
    {
      if (!g_variant_type_is_maybe (member))
        n_required = i;
      member = g_variant_type_next (member);
    }

  return n_required;
}

static GVariant *
fail_arity (const char  *method,
            gsize        n_required,
            gsize        n_expected,
            gsize        n_given,
            GError     **error)
{
  g_autoptr(GString) text = g_string_new (NULL);

  append_text (text, method);
  g_string_append (text, "() takes ");
  if (n_required < n_expected)
    g_string_append_printf (text, "%" G_GSIZE_FORMAT " to ", n_required);
  g_string_append_printf (text, "%" G_GSIZE_FORMAT " %s (%" G_GSIZE_FORMAT " given)",
                          n_expected, n_expected == 1 ? "argument" : "arguments", n_given);
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS, text->str);

  return NULL;
}

GVariant *
_msgpack_rpc_coerce_params (const char          *method,
                            GVariant            *params,
                            const GVariantType  *type,
                            GError             **error)
{
  g_autoptr(GVariant) unboxed = NULL;
  GVariant *retyped = NULL;
  Path root = { .root = "params" };
  gsize n_required;
  gsize n_expected;
  gsize n_given;

  if (params != NULL && g_variant_type_is_definite (type))
    retyped = _msgpack_rpc_retype (params, type);
  if (retyped != NULL)
    return retyped;

  if (params == NULL || msgpack_rpc_variant_is_nil (params))
    unboxed = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_VARIANT, NULL, 0));
  else
    unboxed = _msgpack_rpc_value_unbox (params);

  if (!g_variant_type_is_tuple (type) || !g_variant_type_is_definite (type))
    return coerce (unboxed, type, &root, error);

  if (!is_list (unboxed))
    return fail (&root, "an array", describe (unboxed), error);

  n_expected = g_variant_type_n_items (type);
  n_required = count_required (type);
  n_given = g_variant_n_children (unboxed);
  if (n_given < n_required || n_given > n_expected)
    return fail_arity (method, n_required, n_expected, n_given, error);

  return coerce_members (unboxed, type, &root, error);
}
