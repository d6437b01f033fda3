/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A source that is dispatched once at a time of tool_pace_get_time (): where the system can, not a
 * millisecond later as GLib's own timeouts are, which would be part of what is measured. */
GSource *tool_alarm_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* Forgets the time that was set before. */
void     tool_alarm_set (GSource *alarm,
                         guint64  time);

G_END_DECLS
