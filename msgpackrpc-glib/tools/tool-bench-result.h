/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "tool-bench-load.h"

G_BEGIN_DECLS

/* Print on standard output: for people, and for programs. */
gboolean tool_bench_result_print      (const ToolBenchResult  *self,
                                       GError                **error);
gboolean tool_bench_result_print_json (const ToolBenchResult  *self,
                                       const ToolRequest      *request,
                                       const ToolBenchPlan    *plan,
                                       GError                **error);

/* As the locale writes numbers, in UTF-8; the second with three digits that count, or whole. */
char *tool_bench_format_count  (guint64 count) G_GNUC_WARN_UNUSED_RESULT;
char *tool_bench_format_number (double  number) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
