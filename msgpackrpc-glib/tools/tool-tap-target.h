/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-tap-end.h"

G_BEGIN_DECLS

/* What a tap passes on to: an address, or a program that is started for each connection. */
typedef struct _ToolTapTarget ToolTapTarget;

/* The files for TLS may be NULL. */
ToolTapTarget *tool_tap_target_new         (const char           *address,
                                            const char           *tls_ca,
                                            const char           *tls_certificate,
                                            GError              **error) G_GNUC_WARN_UNUSED_RESULT;
void           tool_tap_target_free        (ToolTapTarget        *self);

void           tool_tap_target_open_async  (ToolTapTarget        *self,
                                            GCancellable         *cancellable,
                                            GAsyncReadyCallback   callback,
                                            gpointer              user_data);
ToolTapEnd    *tool_tap_target_open_finish (GAsyncResult         *result,
                                            GError              **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTapTarget, tool_tap_target_free)

G_END_DECLS
