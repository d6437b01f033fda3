/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-tap-event.h"
#include "tool-tap-target.h"

G_BEGIN_DECLS

/* One client, and a target of its own: what comes from one goes to the other, as it is and at once, and
 * no more is read than the other takes. */
typedef struct _ToolTapLink ToolTapLink;

/* The time and the number of @event are for whoever hears of it to set. The link is not to be used any
 * more after the one that it is closed; all others come before. */
typedef void (*ToolTapLinkFunc) (ToolTapLink  *link,
                                 ToolTapEvent *event,
                                 gpointer      user_data);

/* Takes @client. Tells nothing before the loop runs. */
ToolTapLink *tool_tap_link_new    (ToolTapEnd      *client,
                                   ToolTapTarget   *target,
                                   ToolTapLinkFunc  func,
                                   gpointer         user_data) G_GNUC_WARN_UNUSED_RESULT;
/* Ends it at once, with an event; a program gets the signal. */
void         tool_tap_link_cut    (ToolTapLink     *self,
                                   int              signal_number,
                                   const char      *reason);

G_END_DECLS
