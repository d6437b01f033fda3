/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A peer's stream, which never blocks. */
typedef struct _ToolTapEnd ToolTapEnd;

ToolTapEnd *tool_tap_end_new         (GIOStream    *stream) G_GNUC_WARN_UNUSED_RESULT;
/* Its descriptors are somebody else's as well: they stay as they are. */
ToolTapEnd *tool_tap_end_new_shared  (GIOStream    *stream) G_GNUC_WARN_UNUSED_RESULT;
ToolTapEnd *tool_tap_end_new_program (GSubprocess  *program) G_GNUC_WARN_UNUSED_RESULT;
void        tool_tap_end_free        (ToolTapEnd   *self);

/* NULL if it is none. */
GSubprocess *tool_tap_end_get_program (ToolTapEnd *self);

/* −1 with G_IO_ERROR_WOULD_BLOCK when there is nothing to do; reading returns 0 at the end. */
gssize   tool_tap_end_read          (ToolTapEnd    *self,
                                     guint8        *buffer,
                                     gsize          size,
                                     GError       **error);
gssize   tool_tap_end_write         (ToolTapEnd    *self,
                                     const guint8  *buffer,
                                     gsize          size,
                                     GError       **error);
/* Dispatches when there is something to do again; its callback has no arguments of its own that
 * matter. */
GSource *tool_tap_end_create_source (ToolTapEnd    *self,
                                     gboolean       for_writing);

/* Tells the peer that no more comes, or that nobody reads any more. */
void tool_tap_end_finish_output (ToolTapEnd *self);
void tool_tap_end_finish_input  (ToolTapEnd *self);
void tool_tap_end_close         (ToolTapEnd *self);

G_END_DECLS
