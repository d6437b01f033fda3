/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-colour.h"

#include <unistd.h>

#include <glib/gi18n.h>

typedef enum
{
  COLOURS_AUTO,
  COLOURS_ALWAYS,
  COLOURS_NEVER,
} Colours;

/* What --color says. */
static Colours colours = COLOURS_AUTO;

static gboolean
colour_option_cb (const char  *option G_GNUC_UNUSED,
                  const char  *value,
                  gpointer     user_data G_GNUC_UNUSED,
                  GError     **error)
{
  static const char *const names[] = { "auto", "always", "never" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (value, names[i]))
      {
        colours = i;
        return TRUE;
      }

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               /* Translators: the words in quotes are what the user can type */
               _("“%s” is neither “auto” nor “always” nor “never”"), value);
  return FALSE;
}

/* Every command has it. */
void
tool_colour_add_option (GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "color", 0, 0, G_OPTION_ARG_CALLBACK, colour_option_cb,
      N_("When to print in colours: auto (on a terminal only), always, or never"), N_("WHEN") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

/* Whether what is printed there has colours. */
gboolean
tool_colours_wanted (FILE *file)
{
  const char *no_color = g_getenv ("NO_COLOR");

  if (colours != COLOURS_AUTO)
    return colours == COLOURS_ALWAYS;

  return isatty (fileno (file)) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0 &&
         (no_color == NULL || *no_color == '\0');
}

/* What begins a colour, or ends all; "" if they are not on. */
const char *
tool_colour (ToolColour colour,
             gboolean   on)
{
  static const char *const sequences[] = {
    [TOOL_COLOUR_RESET] = "\033[0m",    [TOOL_COLOUR_BOLD] = "\033[1m",
    [TOOL_COLOUR_DIM] = "\033[2m",      [TOOL_COLOUR_RED] = "\033[31m",
    [TOOL_COLOUR_GREEN] = "\033[32m",   [TOOL_COLOUR_YELLOW] = "\033[33m",
    [TOOL_COLOUR_BLUE] = "\033[34m",    [TOOL_COLOUR_MAGENTA] = "\033[35m",
    [TOOL_COLOUR_CYAN] = "\033[36m",
  };

  return on ? sequences[colour] : "";
}

/* On a terminal, some characters are commands, some begin a new line, and some turn the order of
 * the others around. */
gboolean
tool_must_escape (gunichar character)
{
  return g_unichar_iscntrl (character) || character == 0x2028 || character == 0x2029 ||
         character == 0x061c || character == 0x200e || character == 0x200f ||
         (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

/* A text of the peer as it may be printed: in one line, and with no command for the terminal. What
 * is not UTF-8 is replaced. */
char *
tool_escape_text (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *escaped = g_string_sized_new (strlen (valid));

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);

      if (tool_must_escape (character))
        g_string_append_printf (escaped, "\\u%04x", character);
      else
        g_string_append_unichar (escaped, character);
    }

  return g_string_free (escaped, FALSE);
}
