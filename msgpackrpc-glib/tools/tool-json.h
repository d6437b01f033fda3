/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

GVariant *tool_json_read  (const char  *text,
                           GError     **error) G_GNUC_WARN_UNUSED_RESULT;
char     *tool_json_write (GVariant    *value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
