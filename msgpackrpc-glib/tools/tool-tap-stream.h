/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What one side of a connection sends: bytes go in, messages come out. It may be anything; what cannot
 * be read ends it. All streams together hold no more than a limit of what is not complete yet. */
typedef struct _ToolTapStream ToolTapStream;

typedef struct
{
  GVariant *value;        /* owned */
  GBytes *bytes;          /* owned; as it came, or NULL if that was not asked for */
  guint64 size;           /* in bytes */
  guint64 announced_size; /* the same, unless it stood behind another length */
} ToolTapMessage;

void tool_tap_message_clear (ToolTapMessage *self);

/* @is_framed: each message comes behind its length. @keeps_bytes: messages have their bytes. */
ToolTapStream *tool_tap_stream_new  (gboolean       is_framed,
                                     gboolean       keeps_bytes) G_GNUC_WARN_UNUSED_RESULT;
void           tool_tap_stream_free (ToolTapStream *self);

void     tool_tap_stream_feed   (ToolTapStream   *self,
                                 const guint8    *bytes,
                                 gsize            n_bytes);
/* FALSE without an error: there is no more for now. An error comes once. */
gboolean tool_tap_stream_next   (ToolTapStream   *self,
                                 ToolTapMessage  *message,
                                 GError         **error);
/* An error if it has ended within a message. */
gboolean tool_tap_stream_finish (ToolTapStream   *self,
                                 GError         **error);

/* What came after an error. */
guint64  tool_tap_stream_get_n_unread (ToolTapStream *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolTapMessage, tool_tap_message_clear)

G_END_DECLS
