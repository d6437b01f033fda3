/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-type.h"

static const struct
{
  char type;
  const char *one;
  const char *many;
  const char *example;
} basic_types[] = {
  { 'b', "true or false", "truth values", "true" },
  { 'd', "a number", "numbers", "0.5" },
  { 'g', "a signature", "signatures", "'(is)'" },
  { 'h', "an integer", "integers", "5" },
  { 'i', "an integer from −2,147,483,648 to 2,147,483,647", "integers of 32 bits", "5" },
  { 'n', "an integer from −32,768 to 32,767", "integers of 16 bits", "5" },
  { 'o', "a path such as /one/two", "paths", "'/one/two'" },
  { 'q', "an integer from 0 to 65,535", "integers from 0 to 65,535", "5" },
  { 's', "a string", "strings", "'text'" },
  { 't', "an integer, 0 or more", "integers of 0 or more", "5" },
  { 'u', "an integer from 0 to 4,294,967,295", "integers from 0 to 4,294,967,295", "5" },
  { 'v', "any value", "any values", "5" },
  { 'x', "an integer", "integers", "5" },
  { 'y', "an integer from 0 to 255", "integers from 0 to 255", "5" },
};

static const struct
{
  char type;
  gint64 min;
  guint64 max;
} ranges[] = {
  { 'h', G_MININT32, G_MAXINT32 }, { 'i', G_MININT32, G_MAXINT32 }, { 'n', G_MININT16, G_MAXINT16 },
  { 'q', 0, G_MAXUINT16 },         { 't', 0, G_MAXUINT64 },         { 'u', 0, G_MAXUINT32 },
  { 'x', G_MININT64, G_MAXINT64 }, { 'y', 0, G_MAXUINT8 },
};

gboolean
browser_type_get_range (const GVariantType *type,
                        gint64             *min,
                        guint64            *umax)
{
  char letter = g_variant_type_peek_string (type)[0];

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (ranges[i].type == letter)
      {
        *min = ranges[i].min;
        *umax = ranges[i].max;
        return TRUE;
      }

  return FALSE;
}

/* ---- in words ---- */

static void append_type (GString            *out,
                         const GVariantType *type,
                         gboolean            is_many);

static void
append_basic (GString            *out,
              const GVariantType *type,
              gboolean            is_many)
{
  char letter = g_variant_type_peek_string (type)[0];

  for (guint i = 0; i < G_N_ELEMENTS (basic_types); i++)
    if (basic_types[i].type == letter)
      g_string_append (out, is_many ? basic_types[i].many : basic_types[i].one);
}

static void
append_items (GString            *out,
              const GVariantType *type)
{
  const GVariantType *item = g_variant_type_first (type);

  while (item != NULL)
    {
      const GVariantType *next = g_variant_type_next (item);

      append_type (out, item, FALSE);
      if (next != NULL)
        g_string_append (out, g_variant_type_next (next) != NULL ? ", " : " and ");
      item = next;
    }
}

static void
append_container (GString            *out,
                  const GVariantType *type,
                  gboolean            is_many)
{
  if (g_variant_type_is_subtype_of (type, G_VARIANT_TYPE_DICTIONARY))
    {
      const GVariantType *entry = g_variant_type_element (type);

      g_string_append (out, is_many ? "maps from " : "a map from ");
      append_type (out, g_variant_type_key (entry), TRUE);
      g_string_append (out, " to ");
      append_type (out, g_variant_type_value (entry), TRUE);
      return;
    }

  g_string_append (out, is_many ? "arrays" : "an array");
  if (g_variant_type_is_array (type))
    {
      g_string_append (out, " of ");
      append_type (out, g_variant_type_element (type), TRUE);
    }
  else if (g_variant_type_first (type) != NULL)
    {
      g_string_append (out, " with ");
      append_items (out, type);
    }
}

static void
append_type (GString            *out,
             const GVariantType *type,
             gboolean            is_many)
{
  if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTESTRING))
    {
      g_string_append (out, is_many ? "byte strings" : "bytes");
    }
  else if (g_variant_type_is_maybe (type))
    {
      append_type (out, g_variant_type_element (type), is_many);
      g_string_append (out, " or nil");
    }
  else if (g_variant_type_is_container (type) &&
           !g_variant_type_equal (type, G_VARIANT_TYPE_VARIANT))
    {
      append_container (out, type, is_many);
    }
  else
    {
      append_basic (out, type, is_many);
    }
}

char *
browser_type_describe (const GVariantType *type)
{
  GString *out = g_string_new (NULL);

  append_type (out, type, FALSE);
  return g_string_free (out, FALSE);
}

/* ---- as an example ---- */

static void append_example (GString            *out,
                            const GVariantType *type);

static void
append_example_items (GString            *out,
                      const GVariantType *type)
{
  const GVariantType *item = g_variant_type_first (type);

  g_string_append_c (out, '[');
  while (item != NULL)
    {
      append_example (out, item);
      item = g_variant_type_next (item);
      if (item != NULL)
        g_string_append (out, ", ");
    }
  g_string_append_c (out, ']');
}

static void
append_example (GString            *out,
                const GVariantType *type)
{
  char letter = g_variant_type_peek_string (type)[0];

  for (guint i = 0; i < G_N_ELEMENTS (basic_types); i++)
    if (basic_types[i].type == letter)
      g_string_append (out, basic_types[i].example);

  if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTESTRING))
    {
      g_string_append (out, "h'01 ff'");
    }
  else if (g_variant_type_is_subtype_of (type, G_VARIANT_TYPE_DICTIONARY))
    {
      const GVariantType *entry = g_variant_type_element (type);

      g_string_append_c (out, '{');
      append_example (out, g_variant_type_key (entry));
      g_string_append (out, ": ");
      append_example (out, g_variant_type_value (entry));
      g_string_append_c (out, '}');
    }
  else if (g_variant_type_is_array (type))
    {
      g_string_append_c (out, '[');
      append_example (out, g_variant_type_element (type));
      g_string_append_c (out, ']');
    }
  else if (g_variant_type_is_tuple (type))
    {
      append_example_items (out, type);
    }
  else if (g_variant_type_is_maybe (type))
    {
      append_example (out, g_variant_type_element (type));
    }
}

char *
browser_type_explain (const GVariantType *type)
{
  const GVariantType *inner = type;
  GString *out = g_string_new (NULL);

  if (g_variant_type_is_maybe (type))
    inner = g_variant_type_element (type);

  append_type (out, inner, FALSE);
  if (g_variant_type_equal (inner, G_VARIANT_TYPE_VARIANT))
    {
      g_string_append (out, ", such as 5, 'text', [1, 2] or {'key': true}");
    }
  else if (g_variant_type_equal (inner, G_VARIANT_TYPE_BYTESTRING))
    {
      g_string_append (out, ", such as h'01 ff' or b'text'");
    }
  else if (g_variant_type_is_container (inner))
    {
      g_string_append (out, ", such as ");
      append_example (out, inner);
    }
  if (inner != type)
    g_string_append (out, "; may be left empty");

  return g_string_free (out, FALSE);
}
