/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-tap-event.h"
#include "tool-tap-options.h"

G_BEGIN_DECLS

/* What happens on connections, as text. It is the same whether that happens now or was recorded. */
typedef struct _ToolTapLog ToolTapLog;

/* @text: whole lines. */
typedef void (*ToolTapPrintFunc) (const char *text,
                                  gpointer    user_data);

/* Keeps @options. Prints the addresses. */
ToolTapLog *tool_tap_log_new   (const ToolTapOptions *options,
                                const ToolTapHead    *head,
                                gboolean              colours,
                                ToolTapPrintFunc      print,
                                gpointer              user_data) G_GNUC_WARN_UNUSED_RESULT;
void        tool_tap_log_free  (ToolTapLog           *self);
/* FALSE if it cannot be: there is no such connection, or it is there already, or there are too many. */
gboolean    tool_tap_log_event (ToolTapLog           *self,
                                const ToolTapEvent   *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTapLog, tool_tap_log_free)

G_END_DECLS
