/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-description.h"

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"

/* What a peer offers, as a text for people. Whatever the peer sends can be read: what has not the
 * form that it should have is left out. */

typedef struct
{
  GString *out;
  const char *pattern; /* of names; NULL for all */
  gboolean colours;
} Writer;

/* ---- reading ---- */

/* What is in the map, outside of variants, or NULL. */
static GVariant *
lookup (GVariant   *map,
        const char *key)
{
  return g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT)
           ? g_variant_lookup_value (map, key, NULL)
           : NULL;
}

static char *
lookup_text (GVariant   *map,
             const char *key)
{
  g_autoptr(GVariant) value = lookup (map, key);

  return value != NULL ? msgpack_rpc_variant_get_string (value) : NULL;
}

/* NULL if it is no array. */
static GVariant *
lookup_array (GVariant   *map,
              const char *key)
{
  g_autoptr(GVariant) value = lookup (map, key);

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    return NULL;

  return g_steal_pointer (&value);
}

static GVariant *
get_element (GVariant *array,
             gsize     i)
{
  g_autoptr(GVariant) boxed = g_variant_get_child_value (array, i);

  return g_variant_get_variant (boxed);
}

static char *
get_text (GVariant *array,
          gsize     i)
{
  g_autoptr(GVariant) element = NULL;

  if (array == NULL || !g_variant_is_of_type (array, G_VARIANT_TYPE ("av")) ||
      i >= g_variant_n_children (array))
    return NULL;

  element = get_element (array, i);
  return msgpack_rpc_variant_get_string (element);
}

/* ---- types ---- */

static void append_type (GString            *text,
                         const GVariantType *type);

static void
append_dictionary (GString            *text,
                   const GVariantType *entry)
{
  g_string_append_c (text, '{');
  append_type (text, g_variant_type_key (entry));
  g_string_append (text, ": ");
  append_type (text, g_variant_type_value (entry));
  g_string_append_c (text, '}');
}

static void
append_array (GString            *text,
              const GVariantType *type)
{
  const GVariantType *element = g_variant_type_element (type);

  if (g_variant_type_equal (element, G_VARIANT_TYPE_BYTE))
    g_string_append (text, "bin");
  else if (g_variant_type_is_dict_entry (element))
    append_dictionary (text, element);
  else
    {
      g_string_append_c (text, '[');
      append_type (text, element);
      g_string_append_c (text, ']');
    }
}

static void
append_tuple (GString            *text,
              const GVariantType *type)
{
  const GVariantType *item = g_variant_type_first (type);

  g_string_append_c (text, '(');
  for (; item != NULL; item = g_variant_type_next (item))
    {
      append_type (text, item);
      if (g_variant_type_next (item) != NULL)
        g_string_append (text, ", ");
    }
  g_string_append_c (text, ')');
}

static const char *
name_of_basic_type (char type)
{
  switch (type)
    {
    case 'b':
      return "bool";
    case 'd':
      return "float";
    case 's':
    case 'o':
    case 'g':
      return "str";
    case 'v':
    case 'r':
    case '?':
    case '*':
      return "any";
    default:
      return "int";
    }
}

/* What a value of this type is on the wire. */
static void
append_type (GString            *text,
             const GVariantType *type)
{
  if (g_variant_type_is_array (type))
    append_array (text, type);
  else if (g_variant_type_is_tuple (type) && !g_variant_type_equal (type, G_VARIANT_TYPE_TUPLE))
    append_tuple (text, type);
  else if (g_variant_type_is_maybe (type))
    {
      append_type (text, g_variant_type_element (type));
      g_string_append_c (text, '?');
    }
  else
    g_string_append (text, name_of_basic_type (*g_variant_type_peek_string (type)));
}

/* ---- writing ---- */

static gboolean
is_wanted (const Writer *self,
           const char   *name)
{
  return name != NULL && (self->pattern == NULL || g_pattern_match_simple (self->pattern, name));
}

static void
write_coloured (Writer     *self,
                ToolColour  colour,
                const char *text)
{
  g_autofree char *escaped = tool_escape_text (text);

  g_string_append_printf (self->out, "%s%s%s", tool_colour (colour, self->colours), escaped,
                          tool_colour (TOOL_COLOUR_RESET, self->colours));
}

static void
write_plain (Writer     *self,
             const char *text)
{
  g_autofree char *escaped = tool_escape_text (text);

  g_string_append (self->out, escaped);
}

/* In lines of its own. */
static void
write_text (Writer     *self,
            const char *indent,
            const char *text)
{
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (*lines[i] != '\0')
        {
          g_string_append (self->out, indent);
          write_plain (self, lines[i]);
        }
      g_string_append_c (self->out, '\n');
    }
}

static void
write_doc (Writer   *self,
           GVariant *map)
{
  g_autofree char *doc = lookup_text (map, "doc");

  if (doc != NULL && *doc != '\0')
    write_text (self, "    ", g_strchomp (doc));
}

/* What cannot be a type stays as it is. */
static void
write_type (Writer     *self,
            const char *type)
{
  GString *text = NULL;

  if (!g_variant_type_string_is_valid (type))
    {
      write_coloured (self, TOOL_COLOUR_CYAN, type);
      return;
    }

  text = g_string_new (NULL);
  append_type (text, G_VARIANT_TYPE (type));
  write_coloured (self, TOOL_COLOUR_CYAN, text->str);
  g_string_free (text, TRUE);
}

static void
write_result (Writer     *self,
              const char *type)
{
  if (type == NULL)
    return;

  g_string_append (self->out, " → ");
  write_type (self, type);
}

/* ---- what rpc.discover answers ---- */

static void
write_param (Writer             *self,
             const char         *name,
             const GVariantType *type)
{
  g_autofree char *text = type != NULL ? g_variant_type_dup_string (type) : NULL;

  if (name != NULL)
    write_plain (self, name);
  if (name != NULL && text != NULL)
    g_string_append (self->out, ": ");
  if (text != NULL)
    write_type (self, text);
}

/* The signature says how many there are, and if there is none, the names do. */
static void
write_params (Writer     *self,
              const char *signature,
              GVariant   *names)
{
  const GVariantType *type = NULL;
  gboolean is_tuple = signature != NULL && *signature == '(' &&
                      g_variant_type_string_is_valid (signature);
  gsize n_names = names != NULL ? g_variant_n_children (names) : 0;
  gsize n = is_tuple ? g_variant_type_n_items (G_VARIANT_TYPE (signature)) : n_names;

  g_string_append (self->out, " (");
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *name = get_text (names, i);

      if (is_tuple)
        type = i == 0 ? g_variant_type_first (G_VARIANT_TYPE (signature))
                      : g_variant_type_next (type);
      if (i > 0)
        g_string_append (self->out, ", ");
      write_param (self, name, type);
    }
  if (!is_tuple && signature != NULL)
    write_type (self, signature);
  else if (!is_tuple && n_names == 0)
    g_string_append (self->out, "…");
  g_string_append_c (self->out, ')');
}

static void
write_flags (Writer   *self,
             GVariant *method)
{
  g_autoptr(GVariant) flags = lookup_array (method, "flags");
  gsize n = flags != NULL ? g_variant_n_children (flags) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *flag = get_text (flags, i);
      g_autofree char *text = flag != NULL ? g_strdup_printf (" [%s]", flag) : NULL;

      if (text != NULL)
        write_coloured (self, TOOL_COLOUR_DIM, text);
    }
}

static void
write_method (Writer   *self,
              GVariant *method)
{
  g_autofree char *name = lookup_text (method, "name");
  g_autofree char *signature = lookup_text (method, "params");
  g_autofree char *result = lookup_text (method, "result");
  g_autoptr(GVariant) names = lookup_array (method, "param_names");

  if (!is_wanted (self, name))
    return;

  write_coloured (self, TOOL_COLOUR_BOLD, name);
  write_params (self, signature, names);
  write_result (self, result);
  write_flags (self, method);
  g_string_append_c (self->out, '\n');
  write_doc (self, method);
}

static void
write_topic (Writer   *self,
             GVariant *topic)
{
  g_autofree char *name = lookup_text (topic, "name");
  g_autofree char *signature = lookup_text (topic, "signature");

  if (!is_wanted (self, name))
    return;

  write_coloured (self, TOOL_COLOUR_BOLD, name);
  if (signature != NULL)
    {
      g_string_append (self->out, ": ");
      write_type (self, signature);
    }
  g_string_append_c (self->out, '\n');
  write_doc (self, topic);
}

/* A heading that has nothing below it is left out. */
static void
write_list (Writer     *self,
            const char *heading,
            GVariant   *array,
            void      (*write) (Writer   *self,
                                GVariant *element))
{
  gsize n = array != NULL ? g_variant_n_children (array) : 0;
  gsize start = self->out->len;
  g_autofree char *separated = NULL;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) element = get_element (array, i);

      write (self, element);
    }

  if (self->out->len == start)
    return;

  separated = g_strdup_printf ("%s%s\n", start > 0 ? "\n" : "", heading);
  g_string_insert (self->out, start, separated);
}

static char *
writer_end (Writer *self)
{
  if (self->out->len > 0)
    g_string_truncate (self->out, self->out->len - 1);

  return g_string_free (self->out, FALSE);
}

static void
write_introduction (Writer   *self,
                    GVariant *answer)
{
  g_autofree char *version = lookup_text (answer, "version");
  g_autofree char *description = lookup_text (answer, "description");

  if (version != NULL)
    {
      g_string_append_printf (self->out, "%s ", _("Version:"));
      write_plain (self, version);
      g_string_append_c (self->out, '\n');
    }
  if (description != NULL && *description != '\0')
    write_text (self, "", g_strchomp (description));
}

/* NULL if it is not such an answer. */
char *
tool_description_of_discovery (GVariant   *answer,
                               const char *pattern,
                               gboolean    colours)
{
  g_autoptr(GVariant) methods = lookup_array (answer, "methods");
  g_autoptr(GVariant) topics = lookup_array (answer, "topics");
  Writer self = { NULL, pattern, colours };

  if (methods == NULL)
    return NULL;

  self.out = g_string_new (NULL);
  if (pattern == NULL)
    write_introduction (&self, answer);
  write_list (&self, _("Methods:"), methods, write_method);
  write_list (&self, _("Topics:"), topics, write_topic);

  return writer_end (&self);
}

/* ---- what nvim_get_api_info answers ---- */

/* Each is an array of a type and a name. */
static void
write_neovim_params (Writer   *self,
                     GVariant *params)
{
  gsize n = params != NULL ? g_variant_n_children (params) : 0;

  g_string_append (self->out, " (");
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) param = get_element (params, i);
      g_autofree char *type = get_text (param, 0);
      g_autofree char *name = get_text (param, 1);

      g_string_append_printf (self->out, "%s", i > 0 ? ", " : "");
      write_plain (self, name != NULL ? name : "?");
      g_string_append (self->out, ": ");
      write_coloured (self, TOOL_COLOUR_CYAN, type != NULL ? type : "?");
    }
  g_string_append_c (self->out, ')');
}

static void
write_neovim_since (Writer     *self,
                    GVariant   *function,
                    const char *key,
                    const char *word)
{
  g_autoptr(GVariant) value = lookup (function, key);
  g_autofree char *text = NULL;
  gint64 level;

  if (value == NULL || !msgpack_rpc_variant_get_int64 (value, &level))
    return;

  text = g_strdup_printf (" [%s %" G_GINT64_FORMAT "]", word, level);
  write_coloured (self, TOOL_COLOUR_DIM, text);
}

static void
write_function (Writer   *self,
                GVariant *function)
{
  g_autofree char *name = lookup_text (function, "name");
  g_autofree char *result = lookup_text (function, "return_type");
  g_autoptr(GVariant) params = lookup_array (function, "parameters");

  if (!is_wanted (self, name))
    return;

  write_coloured (self, TOOL_COLOUR_BOLD, name);
  write_neovim_params (self, params);
  if (result != NULL && !g_str_equal (result, "void"))
    {
      g_string_append (self->out, " → ");
      write_coloured (self, TOOL_COLOUR_CYAN, result);
    }
  write_neovim_since (self, function, "since", "since");
  write_neovim_since (self, function, "deprecated_since", "deprecated since");
  g_string_append_c (self->out, '\n');
}

/* The answer is an array: the number of the channel, and a map. NULL if it is not. */
char *
tool_description_of_neovim (GVariant   *answer,
                            const char *pattern,
                            gboolean    colours)
{
  g_autoptr(GVariant) info = NULL;
  g_autoptr(GVariant) functions = NULL;
  Writer self = { NULL, pattern, colours };

  if (g_variant_is_of_type (answer, G_VARIANT_TYPE ("av")) && g_variant_n_children (answer) == 2)
    info = get_element (answer, 1);
  if (info != NULL)
    functions = lookup_array (info, "functions");
  if (functions == NULL)
    return NULL;

  self.out = g_string_new (NULL);
  write_list (&self, _("Methods:"), functions, write_function);

  return writer_end (&self);
}
