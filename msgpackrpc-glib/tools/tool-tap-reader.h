/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-tap-event.h"

G_BEGIN_DECLS

/* Reads a record, which anybody may have written. */
typedef struct _ToolTapReader ToolTapReader;

ToolTapReader *tool_tap_reader_new  (const char     *path,
                                     GError        **error) G_GNUC_WARN_UNUSED_RESULT;
void           tool_tap_reader_free (ToolTapReader  *self);

const ToolTapHead *tool_tap_reader_get_head (ToolTapReader *self);

/* FALSE without an error at the end. What is in @event stays until the next call. */
gboolean tool_tap_reader_next (ToolTapReader  *self,
                               ToolTapEvent   *event,
                               GError        **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTapReader, tool_tap_reader_free)

G_END_DECLS
