/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-params.h"

#include <string.h>

#include <glib/gi18n.h>

#include "tool-json.h"

static GVariant *
read_variant (const char  *text,
              GError     **error)
{
  g_autoptr(GError) cause = NULL;
  g_autofree char *context = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &cause);

  if (value != NULL)
    return value;

  context = g_variant_parse_error_print_context (cause, text);
  g_set_error_literal (error, cause->domain, cause->code, g_strchomp (context));
  return NULL;
}

/* In the text form of GVariant, "@au []" is an array of a type. */
static gboolean
begins_with_type (const char *argument)
{
  const char *end;

  return g_variant_type_string_scan (argument + 1, NULL, &end) && g_ascii_isspace (*end);
}

static gboolean
is_file (const char      *argument,
         ToolParamsFlags  flags)
{
  return argument[0] == '@' &&
         ((flags & TOOL_PARAMS_VARIANT) == 0 || !begins_with_type (argument));
}

static char *
checked_text (char        *text,
              gsize        size,
              GError     **error)
{
  if (g_utf8_validate_len (text, size, NULL))
    return text;

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       _("It is not a text in UTF-8"));
  g_free (text);
  return NULL;
}

static char *
read_file (const char  *name,
           GError     **error)
{
  g_autofree char *path = g_filename_from_utf8 (name, -1, NULL, NULL, error);
  char *text;
  gsize size;

  if (path == NULL || !g_file_get_contents (path, &text, &size, error))
    return NULL;

  return checked_text (text, size, error);
}

/* To its end, thus it cannot be read twice. */
static char *
read_standard_input (gboolean  *was_read,
                     GError   **error)
{
  g_autoptr(GIOChannel) channel = NULL;
  char *text;
  gsize size;

  if (*was_read)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _("Standard input can be one argument only"));
      return NULL;
    }

  *was_read = TRUE;
  channel = g_io_channel_unix_new (0);
  g_io_channel_set_encoding (channel, NULL, NULL);
  if (g_io_channel_read_to_end (channel, &text, &size, error) != G_IO_STATUS_NORMAL)
    return NULL;

  return checked_text (text, size, error);
}

static char *
text_of_argument (const char       *argument,
                  ToolParamsFlags   flags,
                  gboolean         *was_read,
                  GError          **error)
{
  if (g_str_equal (argument, "-"))
    return read_standard_input (was_read, error);
  if (is_file (argument, flags))
    return read_file (argument + 1, error);

  return g_strdup (argument);
}

/* The arguments as the one array that is sent. */
GVariant *
tool_params_read (char            **arguments,
                  ToolParamsFlags   flags,
                  GError          **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));
  gboolean was_read = FALSE;

  for (guint i = 0; arguments[i] != NULL; i++)
    {
      g_autofree char *text = text_of_argument (arguments[i], flags, &was_read, error);
      g_autoptr(GVariant) value = NULL;

      if (text != NULL)
        value = (flags & TOOL_PARAMS_VARIANT) != 0 ? read_variant (text, error)
                                                   : tool_json_read (text, error);
      if (value == NULL)
        {
          /* Translators: a colon and what is wrong with it follow */
          g_prefix_error (error, _("Argument %u: "), i + 1);
          return NULL;
        }
      g_variant_builder_add (&builder, "v", value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
