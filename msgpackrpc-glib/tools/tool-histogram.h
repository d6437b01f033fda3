/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many of some values are in which range, in memory that does not grow. A range reaches from a
 * value to one that is less than a 128th larger, and values below 256 have one of their own. So what
 * is said of a value by its range is too large by less than 0.8 %, and never too small. Least,
 * greatest and mean are exact. */
typedef struct _ToolHistogram ToolHistogram;

typedef struct
{
  guint64 low;
  guint64 high; /* the last that is in it */
  guint64 count;
} ToolHistogramRow;

ToolHistogram *tool_histogram_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void           tool_histogram_free (ToolHistogram *self);

void    tool_histogram_add       (ToolHistogram       *self,
                                  guint64              value);
guint64 tool_histogram_get_count (const ToolHistogram *self);
/* 0 of no values. */
guint64 tool_histogram_get_min   (const ToolHistogram *self);
guint64 tool_histogram_get_max   (const ToolHistogram *self);
double  tool_histogram_get_mean  (const ToolHistogram *self);

/* What at least @parts of @of values are not above: 1 of 2 is the median. 0 of no values. */
guint64 tool_histogram_get_quantile (const ToolHistogram *self,
                                     guint                parts,
                                     guint                of);

/* The next range that has values, from the range @position on, which moves on. */
gboolean tool_histogram_next     (const ToolHistogram *self,
                                  guint               *position,
                                  ToolHistogramRow    *row);
/* Sums ranges up, so that @max_rows at most, and 2 at least, are left. The last one has all that is
 * above 99 of 100 values. Returns how many there are. */
guint    tool_histogram_get_rows (const ToolHistogram *self,
                                  guint                max_rows,
                                  ToolHistogramRow    *rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolHistogram, tool_histogram_free)

G_END_DECLS
