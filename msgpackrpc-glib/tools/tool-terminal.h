/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <stdio.h>

#include <glib.h>

G_BEGIN_DECLS

/* How many columns a line has there; 80 if nobody knows. */
guint    tool_terminal_get_width  (FILE       *file);
/* Whether what is printed can have any character, and not just those of ASCII. */
gboolean tool_terminal_has_utf8   (void);

/* How many columns @text takes. */
guint    tool_terminal_get_columns (const char *text);
/* Appends spaces until @text takes @columns. */
void     tool_terminal_pad         (GString    *text,
                                    guint       columns);
/* Cuts @text off after @columns. */
void     tool_terminal_cut         (GString    *text,
                                    guint       columns);
/* Appends a bar that fills @fraction of @columns, from 0 to 1. Returns how many of them it takes; one at
 * least if @fraction is more than 0. */
guint    tool_terminal_append_bar  (GString    *text,
                                    double      fraction,
                                    guint       columns);

G_END_DECLS
