/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-format.h"
#include "tool-target.h"
#include "tool.h"

G_BEGIN_DECLS

/* What is to be sent, and to whom. */
typedef struct
{
  ToolTarget *target; /* owned */
  char *address;
  char *method;
  GVariant *params; /* an array; owned */
  ToolFormat format;
} ToolRequest;

ToolRequest *tool_request_new  (const ToolCommand   *command,
                                const GOptionEntry  *more,
                                char               **argv,
                                GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void         tool_request_free (ToolRequest         *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolRequest, tool_request_free)

G_END_DECLS
