/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-tap-event.h"

G_BEGIN_DECLS

/* A file of what was seen, which msgpackrpc(1) describes. Each event is in it as soon as it was written,
 * whatever becomes of this process. */
typedef struct _ToolTapRecord ToolTapRecord;

ToolTapRecord *tool_tap_record_new   (const char          *path,
                                      const ToolTapHead   *head,
                                      GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void           tool_tap_record_free  (ToolTapRecord       *self);
/* When that fails, says so, and writes nothing any more. */
void           tool_tap_record_write (ToolTapRecord       *self,
                                      const ToolTapEvent  *event);

G_END_DECLS
