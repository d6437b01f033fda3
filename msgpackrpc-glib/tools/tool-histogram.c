/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-histogram.h"

#include <math.h>

/* Each power of two is cut into this many ranges of the same width. */
#define SUB_BITS 7
#define N_SUB (1U << SUB_BITS)
/* What is below N_SUB, and each of the powers of two from there on. */
#define N_RANGES (N_SUB + (64 - SUB_BITS) * N_SUB)

struct _ToolHistogram
{
  guint64 counts[N_RANGES];
  guint64 count;
  guint64 min;
  guint64 max;
  guint64 sum_high; /* of 128 bits */
  guint64 sum_low;
};

ToolHistogram *
tool_histogram_new (void)
{
  ToolHistogram *self = g_new0 (ToolHistogram, 1);

  self->min = G_MAXUINT64;

  return self;
}

void
tool_histogram_free (ToolHistogram *self)
{
  g_free (self);
}

static guint
range_of (guint64 value)
{
  guint shift;

  if (value < N_SUB)
    return (guint) value;

  shift = 63 - (guint) __builtin_clzll (value) - SUB_BITS;
  return shift * N_SUB + (guint) (value >> shift);
}

static guint64
get_low (guint range)
{
  guint shift;

  if (range < N_SUB)
    return range;

  shift = range / N_SUB - 1;
  return (guint64) (N_SUB + range % N_SUB) << shift;
}

static guint64
get_high (guint range)
{
  return range + 1 < N_RANGES ? get_low (range + 1) - 1 : G_MAXUINT64;
}

void
tool_histogram_add (ToolHistogram *self,
                    guint64        value)
{
  self->counts[range_of (value)]++;
  self->count++;
  self->min = MIN (self->min, value);
  self->max = MAX (self->max, value);
  self->sum_low += value;
  self->sum_high += self->sum_low < value;
}

guint64
tool_histogram_get_count (const ToolHistogram *self)
{
  return self->count;
}

guint64
tool_histogram_get_min (const ToolHistogram *self)
{
  return self->count != 0 ? self->min : 0;
}

guint64
tool_histogram_get_max (const ToolHistogram *self)
{
  return self->max;
}

double
tool_histogram_get_mean (const ToolHistogram *self)
{
  if (self->count == 0)
    return 0;

  return (ldexp ((double) self->sum_high, 64) + (double) self->sum_low) / (double) self->count;
}

/* How many of all are @parts of @of, rounded up; whole numbers, as 99.9 has no exact double. */
static guint64
count_parts (guint64 count,
             guint   parts,
             guint   of)
{
  return count / of * parts + (count % of * parts + of - 1) / of;
}

static guint
find_range (const ToolHistogram *self,
            guint64              rank)
{
  guint64 seen = 0;
  guint range = range_of (self->min);

  while ((seen += self->counts[range]) < rank)
    range++;

  return range;
}

guint64
tool_histogram_get_quantile (const ToolHistogram *self,
                             guint                parts,
                             guint                of)
{
  guint64 rank;

  g_return_val_if_fail (of > 0 && parts <= of, 0);

  if (self->count == 0)
    return 0;

  rank = count_parts (self->count, parts, of);
  return rank == 0 ? self->min : MIN (get_high (find_range (self, rank)), self->max);
}

gboolean
tool_histogram_next (const ToolHistogram *self,
                     guint               *position,
                     ToolHistogramRow    *row)
{
  while (*position < N_RANGES && self->counts[*position] == 0)
    (*position)++;
  if (*position >= N_RANGES)
    return FALSE;

  row->low = get_low (*position);
  row->high = get_high (*position);
  row->count = self->counts[*position];
  (*position)++;
  return TRUE;
}

/* The values in the ranges before @end, from @range on, which is moved there. */
static ToolHistogramRow
sum_up (const ToolHistogram *self,
        guint               *range,
        guint                end)
{
  ToolHistogramRow row = { .low = get_low (*range), .high = get_high (end - 1) };

  for (; *range < end; (*range)++)
    row.count += self->counts[*range];

  return row;
}

guint
tool_histogram_get_rows (const ToolHistogram *self,
                         guint                max_rows,
                         ToolHistogramRow    *rows)
{
  guint range, tail, end, width, n_rows = 0;

  g_return_val_if_fail (max_rows >= 2, 0);

  if (self->count == 0)
    return 0;

  range = range_of (self->min);
  tail = find_range (self, count_parts (self->count, 99, 100)) + 1;
  end = range_of (self->max) + 1;
  width = (tail - range + max_rows - 2) / (max_rows - 1);

  while (range < tail)
    rows[n_rows++] = sum_up (self, &range, MIN (range + width, tail));
  if (range < end)
    rows[n_rows++] = sum_up (self, &range, end);

  return n_rows;
}
