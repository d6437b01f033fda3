/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-pace.h"

#include <time.h>

/* Whole ones; not a number counts as 0. */
static guint64
from_double (double nanoseconds)
{
  if (!(nanoseconds > 0))
    return 0;

  /* The double next to it is too large already. */
  return nanoseconds < (double) G_MAXUINT64 ? (guint64) nanoseconds : G_MAXUINT64;
}

guint64
tool_pace_from_seconds (double seconds)
{
  return from_double (seconds * (double) TOOL_NANOSECONDS);
}

guint64
tool_pace_get_due (double  rate,
                   guint64 n)
{
  return from_double ((double) n * ((double) TOOL_NANOSECONDS / rate));
}

guint64
tool_pace_count_due (double  rate,
                     guint64 elapsed)
{
  double calls = (double) elapsed / (double) TOOL_NANOSECONDS * rate;
  guint64 n;

  if (!(calls < (double) (G_MAXUINT64 / 2)))
    return G_MAXUINT64;

  /* Rounding may have made it one more or less than tool_pace_get_due () says. */
  n = (guint64) calls + 1;
  if (tool_pace_get_due (rate, n - 1) > elapsed)
    n--;
  else if (tool_pace_get_due (rate, n) <= elapsed)
    n++;

  return n;
}

double
tool_pace_get_rate (guint64 n,
                    guint64 elapsed)
{
  if (elapsed == 0)
    return 0;

  return (double) n * (double) TOOL_NANOSECONDS / (double) elapsed;
}

guint64
tool_pace_get_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);

  return (guint64) now.tv_sec * TOOL_NANOSECONDS + (guint64) now.tv_nsec;
}
