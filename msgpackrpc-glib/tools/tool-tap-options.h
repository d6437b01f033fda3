/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

#include "tool-format.h"

G_BEGIN_DECLS

/* What of the messages is printed, and how: the options that tap and show share. */
typedef struct
{
  ToolFormat format;
  gboolean is_full;
  gboolean is_relative;
  char **methods;      /* owned; NULL for all */
  char *framing;       /* owned; NULL if it was not given */
} ToolTapOptions;

void     tool_tap_options_add   (ToolTapOptions        *self,
                                 GOptionContext        *context);
gboolean tool_tap_options_check (const ToolTapOptions  *self,
                                 GError               **error);
void     tool_tap_options_clear (ToolTapOptions        *self);

/* Whether each message comes behind its length; @otherwise if nothing was said. */
gboolean tool_tap_options_is_framed (const ToolTapOptions *self,
                                     gboolean              otherwise);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolTapOptions, tool_tap_options_clear)

G_END_DECLS
