/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TOOL_PARAMS_JSON = 0,
  TOOL_PARAMS_VARIANT = 1 << 0, /* in the text form of GVariant */
} ToolParamsFlags;

GVariant *tool_params_read (char            **arguments,
                            ToolParamsFlags   flags,
                            GError          **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
