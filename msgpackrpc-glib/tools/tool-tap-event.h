/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TOOL_TAP_SIDE_CLIENT,
  TOOL_TAP_SIDE_TARGET,
} ToolTapSide;

#define TOOL_TAP_N_SIDES 2

typedef enum
{
  TOOL_TAP_OPENED,
  TOOL_TAP_BYTES,
  TOOL_TAP_ENDED,
  TOOL_TAP_CLOSED,
} ToolTapKind;

/* What happens on a connection that is tapped. */
typedef struct
{
  ToolTapKind kind;
  gint64 time;         /* microseconds since the tap was started */
  gint64 connection;   /* from 1 */
  ToolTapSide side;    /* who sent the bytes, or will send no more */
  const guint8 *bytes;
  gsize n_bytes;
  const char *text;    /* who opened it, or why it ended or was closed; nullable; UTF-8 */
} ToolTapEvent;

/* What is known before there are connections. */
typedef struct
{
  gint64 start;        /* microseconds since 1970, UTC */
  char **addresses;    /* that were bound; owned */
  char *target;        /* owned */
  gboolean is_framed;  /* each message comes behind its length */
} ToolTapHead;

void tool_tap_head_clear (ToolTapHead *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolTapHead, tool_tap_head_clear)

G_END_DECLS
