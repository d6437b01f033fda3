/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <stdio.h>

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TOOL_COLOUR_RESET,
  TOOL_COLOUR_BOLD,
  TOOL_COLOUR_DIM,
  TOOL_COLOUR_RED,
  TOOL_COLOUR_GREEN,
  TOOL_COLOUR_YELLOW,
  TOOL_COLOUR_BLUE,
  TOOL_COLOUR_MAGENTA,
  TOOL_COLOUR_CYAN,
} ToolColour;

void        tool_colour_add_option (GOptionContext *context);
gboolean    tool_colours_wanted    (FILE           *file);
const char *tool_colour            (ToolColour      colour,
                                    gboolean        on);

gboolean    tool_must_escape       (gunichar        character);
char       *tool_escape_text       (const char     *text) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
