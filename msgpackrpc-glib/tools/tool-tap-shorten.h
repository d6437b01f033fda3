/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is left of a value that is too long for a line. */
GVariant *tool_tap_shorten      (GVariant   *value) G_GNUC_WARN_UNUSED_RESULT;
char     *tool_tap_shorten_text (const char *text) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
