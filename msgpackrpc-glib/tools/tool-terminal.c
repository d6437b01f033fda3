/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-terminal.h"

#include <sys/ioctl.h>
#include <termios.h>

#define DEFAULT_WIDTH 80

guint
tool_terminal_get_width (FILE *file)
{
  const char *columns = g_getenv ("COLUMNS");
  struct winsize size;
  guint64 width;

  if (ioctl (fileno (file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  if (columns != NULL &&
      g_ascii_string_to_unsigned (columns, 10, 1, G_MAXUINT16, &width, NULL))
    return (guint) width;

  return DEFAULT_WIDTH;
}

gboolean
tool_terminal_has_utf8 (void)
{
  return g_get_charset (NULL);
}

static guint
get_character_columns (gunichar character)
{
  if (g_unichar_iszerowidth (character))
    return 0;

  return g_unichar_iswide (character) ? 2 : 1;
}

guint
tool_terminal_get_columns (const char *text)
{
  guint columns = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text))
    columns += get_character_columns (g_utf8_get_char (text));

  return columns;
}

void
tool_terminal_pad (GString *text,
                   guint    columns)
{
  for (guint i = tool_terminal_get_columns (text->str); i < columns; i++)
    g_string_append_c (text, ' ');
}

void
tool_terminal_cut (GString *text,
                   guint    columns)
{
  const char *end = text->str;
  guint n = 0;

  for (; *end != '\0'; end = g_utf8_next_char (end))
    {
      n += get_character_columns (g_utf8_get_char (end));
      if (n > columns)
        break;
    }

  g_string_truncate (text, (gsize) (end - text->str));
}

/* In eighths of a column. */
static guint
append_fine_bar (GString *text,
                 double   fraction,
                 guint    columns)
{
  static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  guint eighths = (guint) (fraction * columns * 8);

  if (fraction > 0)
    eighths = MAX (eighths, 1);
  for (guint i = 0; i < eighths / 8; i++)
    g_string_append (text, "█");
  g_string_append (text, parts[eighths % 8]);

  return (eighths + 7) / 8;
}

guint
tool_terminal_append_bar (GString *text,
                          double   fraction,
                          guint    columns)
{
  guint n;

  fraction = CLAMP (fraction, 0, 1);
  if (columns == 0)
    return 0;
  if (tool_terminal_has_utf8 ())
    return append_fine_bar (text, fraction, columns);

  n = (guint) (fraction * columns);
  if (fraction > 0)
    n = MAX (n, 1);
  for (guint i = 0; i < n; i++)
    g_string_append_c (text, '#');

  return n;
}
