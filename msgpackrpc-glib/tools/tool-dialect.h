/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

G_BEGIN_DECLS

#define TOOL_DIALECT_MAX_SETTINGS 3

/* How messages look, as options say: of a client, a connection, or a server. All zeros is the
 * default. */
typedef struct
{
  char *names[TOOL_DIALECT_MAX_SETTINGS]; /* owned; what was given, or NULL */
  gboolean legacy_raw;
  gboolean float32;
} ToolDialect;

void                tool_dialect_add_options    (ToolDialect        *self,
                                                 GOptionContext     *context);
gboolean            tool_dialect_check          (const ToolDialect  *self,
                                                 GError            **error);
MsgpackRpcPackFlags tool_dialect_get_pack_flags (const ToolDialect  *self);
void                tool_dialect_apply          (const ToolDialect  *self,
                                                 GObject            *object);
void                tool_dialect_clear          (ToolDialect        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolDialect, tool_dialect_clear)

G_END_DECLS
