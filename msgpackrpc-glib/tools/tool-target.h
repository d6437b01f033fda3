/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-dialect.h"

G_BEGIN_DECLS

/* How to reach a peer, as the options say that all commands share which connect to one. */
typedef struct
{
  ToolDialect dialect;
  double seconds; /* until giving up */

  /* Names of files; owned, or NULL. */
  char *tls_ca;
  char *tls_certificate;
  char *token;
} ToolTarget;

ToolTarget          *tool_target_new            (void) G_GNUC_WARN_UNUSED_RESULT;
void                 tool_target_free           (ToolTarget        *self);

void                 tool_target_add_options    (ToolTarget        *self,
                                                 GOptionContext    *context);
gboolean             tool_target_check          (const ToolTarget  *self,
                                                 GError           **error);

int                  tool_target_get_timeout    (const ToolTarget  *self);
MsgpackRpcPackFlags  tool_target_get_pack_flags (const ToolTarget  *self);
gboolean             tool_target_can_send       (const ToolTarget  *self,
                                                 GVariant          *params,
                                                 GError           **error);
MsgpackRpcClient    *tool_target_new_client     (const ToolTarget  *self,
                                                 const char        *address,
                                                 GError           **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTarget, tool_target_free)

G_END_DECLS
