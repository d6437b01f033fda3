/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-histogram.h"
#include "tool-request.h"
#include "tool-tally.h"

G_BEGIN_DECLS

/* What is to be done. Times are in nanoseconds. */
typedef struct
{
  guint n_connections;
  guint n_in_flight; /* of each connection, at most */
  guint64 count;     /* calls to measure; G_MAXUINT64 for no limit */
  guint64 duration;  /* G_MAXUINT64 for no limit */
  guint64 warm_up;   /* before that */
  double rate;       /* calls per second, on all connections together; 0 for as many as are answered */
} ToolBenchPlan;

/* What was measured. What began while warming up is in none of it. */
typedef struct
{
  ToolHistogram *times;  /* of calls that were answered or timed out, in nanoseconds; owned */
  ToolTally *errors;     /* among them, those with an error; owned */
  guint64 n_timed_out;   /* among these */
  guint64 n_unfinished;  /* calls that were still in flight when the run was ended */
  guint64 n_not_started; /* calls that were due by the rate, but had to wait to the end */
  guint64 elapsed;
  guint64 sent_bytes;
  guint64 received_bytes;
  gboolean was_interrupted;
  GError *lost; /* why a connection was lost, which has ended the run; owned, or NULL */
} ToolBenchResult;

/* How far a run is. */
typedef struct
{
  gboolean is_connected;
  gboolean is_warm;
  double fraction; /* of 1, of what is to be measured */
  guint64 n_calls;
  guint64 elapsed;
  guint64 n_waiting; /* how many calls the run waits for that begins no more; else 0 */
} ToolBenchProgress;

typedef struct _ToolBenchLoad ToolBenchLoad;

ToolBenchLoad         *tool_bench_load_new          (const ToolRequest   *request,
                                                     const ToolBenchPlan *plan,
                                                     GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void                   tool_bench_load_free         (ToolBenchLoad       *self);

/* These run the default main context, and return when they are done or interrupted. */
gboolean               tool_bench_load_open         (ToolBenchLoad       *self,
                                                     GError             **error);
const ToolBenchResult *tool_bench_load_run          (ToolBenchLoad       *self);

void                   tool_bench_load_interrupt    (ToolBenchLoad       *self);
void                   tool_bench_load_get_progress (ToolBenchLoad       *self,
                                                     ToolBenchProgress   *progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolBenchLoad, tool_bench_load_free)

G_END_DECLS
