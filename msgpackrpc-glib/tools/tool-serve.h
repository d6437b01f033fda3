/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-dialect.h"

G_BEGIN_DECLS

/* The peer at the standard input and output. */
#define TOOL_SERVE_STDIO "stdio:"

/* ---- the command line ---- */

typedef struct
{
  ToolDialect dialect;
  char *address;      /* owned; NULL for the sockets that the program was started with */
  GStrv methods;      /* owned, nullable: each NAME=COMMAND */
  double time_limit;  /* of a program, in seconds */
  int max_programs;
  gboolean has_test_methods;
  gboolean allows_remote;
  gboolean ends_with_first;
  gboolean is_verbose;

  /* Names of files; owned, or NULL. */
  char *tls_ca;
  char *tls_certificate;
  char *token;
} ToolServeOptions;

ToolServeOptions *tool_serve_options_new   (void) G_GNUC_WARN_UNUSED_RESULT;
void              tool_serve_options_free  (ToolServeOptions        *self);
gboolean          tool_serve_options_parse (ToolServeOptions        *self,
                                            char                   **argv,
                                            GError                 **error);
gboolean          tool_serve_options_apply (const ToolServeOptions  *self,
                                            MsgpackRpcServer        *server,
                                            GError                 **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolServeOptions, tool_serve_options_free)

/* ---- methods ---- */

/* One of ours. */
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

/* Methods that are programs. */
typedef struct _ToolServePool ToolServePool;

ToolServePool *tool_serve_pool_new        (guint                  max_running,
                                           int                    time_limit) G_GNUC_WARN_UNUSED_RESULT;
void           tool_serve_pool_free       (ToolServePool         *self);
gboolean       tool_serve_pool_add_method (ToolServePool         *self,
                                           MsgpackRpcDispatcher  *dispatcher,
                                           const char            *definition,
                                           GError               **error);
gboolean       tool_serve_pool_is_idle    (const ToolServePool   *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolServePool, tool_serve_pool_free)

/* ---- peers ---- */

void tool_serve_log_start (MsgpackRpcServer *server,
                           gboolean          is_verbose);

G_END_DECLS
