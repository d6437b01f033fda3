/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TOOL_NANOSECONDS G_GUINT64_CONSTANT (1000000000)

/* When the call number @n is due, where the first, number 0, is due at 0; in nanoseconds. @rate is
 * how many are due in a second: more than 0. */
guint64 tool_pace_get_due   (double  rate,
                             guint64 n);
/* How many are due by that time. */
guint64 tool_pace_count_due (double  rate,
                             guint64 elapsed);

/* How many a second that is; 0 if no time has passed. */
double  tool_pace_get_rate  (guint64 n,
                             guint64 elapsed);

/* The time that the others are parts of: monotonic, in nanoseconds. */
guint64 tool_pace_get_time  (void);
/* @seconds in nanoseconds, which are as many as there can be if they would be more. */
guint64 tool_pace_from_seconds (double seconds);

G_END_DECLS
