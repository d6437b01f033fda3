/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *tool_description_of_discovery (GVariant   *answer,
                                     const char *pattern,
                                     gboolean    colours) G_GNUC_WARN_UNUSED_RESULT;
char *tool_description_of_neovim    (GVariant   *answer,
                                     const char *pattern,
                                     gboolean    colours) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
