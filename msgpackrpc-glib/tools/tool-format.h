/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TOOL_FORMAT_JSON,    /* one line */
  TOOL_FORMAT_PRETTY,  /* JSON, indented */
  TOOL_FORMAT_VARIANT, /* the text form of GVariant, with types */
  TOOL_FORMAT_HEX,     /* MessagePack */
  TOOL_FORMAT_DEFAULT, /* none was asked for; has no name */
} ToolFormat;

void      tool_format_add_option (ToolFormat      *format,
                                  GOptionContext  *context);
gboolean  tool_format_from_name  (const char      *name,
                                  ToolFormat      *format,
                                  GError         **error);
char     *tool_format_write      (ToolFormat       format,
                                  GVariant        *value,
                                  gboolean         colours) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
