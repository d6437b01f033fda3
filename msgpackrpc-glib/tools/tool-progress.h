/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether standard error is a terminal that can have a line that changes. */
gboolean tool_progress_is_wanted (void);
/* Writes that line anew: a bar, and @text, in as many columns as there are now. */
void     tool_progress_draw      (double      fraction,
                                  const char *text);
/* Leaves nothing of it. */
void     tool_progress_erase     (void);

G_END_DECLS
