/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-progress.h"

#include <stdio.h>
#include <unistd.h>

#include "tool-terminal.h"

#define MIN_BAR 5
#define MAX_BAR 50

gboolean
tool_progress_is_wanted (void)
{
  const char *term = g_getenv ("TERM");

  return isatty (fileno (stderr)) && term != NULL && *term != '\0' &&
         !g_str_equal (term, "dumb");
}

/* No bar, rather than a very short one. */
static void
append_bar (GString *line,
            double   fraction,
            guint    columns)
{
  columns = MIN (columns, MAX_BAR);
  if (columns < MIN_BAR)
    return;

  g_string_append_c (line, '[');
  for (guint n = tool_terminal_append_bar (line, fraction, columns); n < columns; n++)
    g_string_append_c (line, ' ');
  g_string_append (line, "] ");
}

void
tool_progress_draw (double      fraction,
                    const char *text)
{
  /* The last column stays empty, as some terminals begin a new line after it. */
  guint columns = tool_terminal_get_width (stderr) - 1;
  guint taken = tool_terminal_get_columns (text) + 3;
  GString *line = g_string_new (NULL);

  append_bar (line, fraction, columns > taken ? columns - taken : 0);
  g_string_append (line, text);
  tool_terminal_cut (line, columns);
  g_printerr ("\r%s\033[K", line->str);
  g_string_free (line, TRUE);
}

void
tool_progress_erase (void)
{
  g_printerr ("\r\033[K");
}
