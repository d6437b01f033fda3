/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

G_BEGIN_DECLS

/* A method of ours. */
typedef struct
{
  const char *name;
  const char *signature; /* NULL for any parameters */
  const char *param_names[3];
  const char *result_signature;
  const char *description;
  MsgpackRpcHandler handler;
} ToolServeMethod;

void tool_serve_add_test_methods (MsgpackRpcServer *server);

/* The pipes or the socket that the program was started with. */
typedef struct _ToolServeStdio ToolServeStdio;

ToolServeStdio *tool_serve_stdio_new  (MsgpackRpcServer  *server,
                                       GError           **error) G_GNUC_WARN_UNUSED_RESULT;
void            tool_serve_stdio_free (ToolServeStdio    *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolServeStdio, tool_serve_stdio_free)

G_END_DECLS
