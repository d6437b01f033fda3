/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <stdio.h>

#include <glib.h>

G_BEGIN_DECLS

/* Writes text in a thread of its own: whoever reads it may be slow, and nobody who gives it text waits
 * for that. Text beyond what is kept is left out. */
typedef struct _ToolTapOutput ToolTapOutput;

/* Closes @file with the output. */
ToolTapOutput *tool_tap_output_new    (FILE          *file) G_GNUC_WARN_UNUSED_RESULT;
/* Waits until all is written. */
void           tool_tap_output_free   (ToolTapOutput *self);
void           tool_tap_output_append (ToolTapOutput *self,
                                       const char    *text);

G_END_DECLS
