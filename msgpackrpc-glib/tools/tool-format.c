/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-format.h"

#include <string.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"
#include "tool-json.h"

/* Arrays and objects of at most this many bytes have one line, indented or not. */
#define MAX_INLINE 60
#define INDENT 2

/* ---- choosing ---- */

/* What --format sets: an option's callback gets no more than its group's data, which a main group
 * has none of. */
static ToolFormat *chosen;

gboolean
tool_format_from_name (const char  *name,
                       ToolFormat  *format,
                       GError     **error)
{
  static const char *const names[] = {
    [TOOL_FORMAT_JSON] = "json",
    [TOOL_FORMAT_PRETTY] = "pretty",
    [TOOL_FORMAT_VARIANT] = "variant",
    [TOOL_FORMAT_HEX] = "hex",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (name, names[i]))
      {
        *format = i;
        return TRUE;
      }

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _("Unknown format “%s”; the formats are: %s"), name,
               "json, pretty, variant, hex");
  return FALSE;
}

static gboolean
format_option_cb (const char  *option G_GNUC_UNUSED,
                  const char  *value,
                  gpointer     user_data G_GNUC_UNUSED,
                  GError     **error)
{
  return tool_format_from_name (value, chosen, error);
}

/* Adds --format, which sets it; the default is what it is now. It must live while the context
 * parses. */
void
tool_format_add_option (ToolFormat     *format,
                        GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "format", 0, 0, G_OPTION_ARG_CALLBACK, format_option_cb,
      N_("How to print values: json, pretty, variant, or hex"), N_("FORMAT") },
    { NULL },
  };

  chosen = format;
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

/* ---- JSON that is read by people ---- */

/* Goes through JSON without white space, as tool_json_write() makes it. */
typedef struct
{
  GString *out;
  const char *at;
  guint depth;        /* of the arrays and objects that have a line for each member */
  guint inline_depth; /* of those within one that has one line */
  gboolean indents;
  gboolean colours;
} Painter;

static void
begin_line (Painter *self)
{
  g_string_append_printf (self->out, "\n%*s", (int) (self->depth * INDENT), "");
}

static const char *
end_of_string (const char *at)
{
  for (at++; *at != '"'; at++)
    at += *at == '\\';

  return at + 1;
}

static const char *
end_of_token (const char *at)
{
  return *at == '"' ? end_of_string (at) : at + strcspn (at, ",:]}");
}

/* Whether the array or object here is short. */
static gboolean
fits_a_line (const char *at)
{
  guint depth = 0;

  for (const char *start = at; *at != '\0' && at - start < MAX_INLINE;)
    {
      if (*at == '"')
        {
          at = end_of_string (at);
          continue;
        }
      if (*at == '[' || *at == '{')
        depth++;
      else if ((*at == ']' || *at == '}') && --depth == 0)
        return TRUE;
      at++;
    }

  return FALSE;
}

static ToolColour
colour_of_token (const char *token,
                 const char *end)
{
  if (*token == '"')
    return *end == ':' ? TOOL_COLOUR_BLUE : TOOL_COLOUR_GREEN;

  return g_ascii_isalpha (*token) ? TOOL_COLOUR_MAGENTA : TOOL_COLOUR_CYAN;
}

static void
paint_token (Painter *self)
{
  const char *end = end_of_token (self->at);

  g_string_append (self->out, tool_colour (colour_of_token (self->at, end), self->colours));
  g_string_append_len (self->out, self->at, end - self->at);
  g_string_append (self->out, tool_colour (TOOL_COLOUR_RESET, self->colours));
  self->at = end;
}

static void
paint_opener (Painter *self)
{
  gboolean is_inline = !self->indents || self->inline_depth > 0 || fits_a_line (self->at);

  g_string_append_c (self->out, *self->at++);
  if (is_inline)
    {
      self->inline_depth++;
      return;
    }

  self->depth++;
  begin_line (self);
}

static void
paint_closer (Painter *self)
{
  if (self->inline_depth > 0)
    self->inline_depth--;
  else
    {
      self->depth--;
      begin_line (self);
    }

  g_string_append_c (self->out, *self->at++);
}

static void
paint_separator (Painter *self)
{
  char separator = *self->at++;

  g_string_append_c (self->out, separator);
  if (!self->indents)
    return;

  if (separator == ',' && self->inline_depth == 0)
    begin_line (self);
  else
    g_string_append_c (self->out, ' ');
}

static char *
paint (const char *json,
       gboolean    indents,
       gboolean    colours)
{
  Painter self = {
    .out = g_string_sized_new (strlen (json)),
    .at = json,
    .indents = indents,
    .colours = colours,
  };

  while (*self.at != '\0')
    switch (*self.at)
      {
      case '[':
      case '{':
        paint_opener (&self);
        break;
      case ']':
      case '}':
        paint_closer (&self);
        break;
      case ',':
      case ':':
        paint_separator (&self);
        break;
      default:
        paint_token (&self);
        break;
      }

  return g_string_free (self.out, FALSE);
}

/* ---- writing ---- */

static char *
write_hex (GVariant *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, &error);
  GString *text;
  const guint8 *data;
  gsize size;

  /* What came from a peer has a form in MessagePack. */
  if (bytes == NULL)
    return tool_escape_text (error->message);

  text = g_string_new (NULL);
  data = g_bytes_get_data (bytes, &size);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, i == 0 ? "%02x" : " %02x", data[i]);

  return g_string_free (text, FALSE);
}

/* GLib escapes most of what does not belong on a terminal, in the form that tool_escape_text() has, too. */
static char *
write_variant (GVariant *value)
{
  g_autofree char *text = g_variant_print (value, TRUE);

  return tool_escape_text (text);
}

/* The value as a text that may be printed on a terminal, whoever made it. */
char *
tool_format_write (ToolFormat  format,
                   GVariant   *value,
                   gboolean    colours)
{
  g_autofree char *json = NULL;

  if (format == TOOL_FORMAT_VARIANT)
    return write_variant (value);
  if (format == TOOL_FORMAT_HEX)
    return write_hex (value);

  json = tool_json_write (value);
  if (format != TOOL_FORMAT_PRETTY && !colours)
    return g_steal_pointer (&json);

  return paint (json, format == TOOL_FORMAT_PRETTY, colours);
}
