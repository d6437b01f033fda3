/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <math.h>
#include <sys/resource.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "tool-bench-load.h"
#include "tool-bench-result.h"
#include "tool-pace.h"
#include "tool-progress.h"
#include "tool-terminal.h"

#define DEFAULT_DURATION 10.0
#define MAX_CONNECTIONS 10000
#define MAX_IN_FLIGHT 100000
#define MAX_ALL_IN_FLIGHT 1000000
#define MAX_RATE 1e9
#define PROGRESS_INTERVAL 100 /* milliseconds */

/* What the options say. */
typedef struct
{
  int n_connections;
  int n_in_flight;
  gint64 count;    /* -1 if not given */
  double duration; /* in seconds, as is the next; NaN if not given */
  double warm_up;
  double rate;     /* NaN if not given */
  gboolean json;
} Options;

static gboolean
check (gboolean     is_good,
       const char  *message,
       GError     **error)
{
  if (!is_good)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);

  return is_good;
}

static gboolean
check_options (const Options  *options,
               GError        **error)
{
  return check (options->n_connections > 0 && options->n_connections <= MAX_CONNECTIONS,
                _("There must be from 1 to 10000 connections"), error) &&
         check (options->n_in_flight > 0 && options->n_in_flight <= MAX_IN_FLIGHT,
                _("There must be from 1 to 100000 calls in flight"), error) &&
         check (options->n_in_flight <= MAX_ALL_IN_FLIGHT / options->n_connections,
                _("There can be 1000000 calls in flight on all connections together"), error) &&
         check (options->count == -1 || options->count > 0,
                _("The number of calls must be more than 0"), error) &&
         check (isnan (options->duration) || options->duration > 0,
                _("The duration must be more than 0 seconds"), error) &&
         check (options->warm_up >= 0 && isfinite (options->warm_up),
                _("The time to warm up must be 0 seconds or more"), error) &&
         check (isnan (options->rate) || (options->rate > 0 && options->rate <= MAX_RATE),
                _("The rate must be more than 0 calls per second, and 1000000000 at most"), error);
}

/* Ends by itself, unless it was told to go on. */
static ToolBenchPlan
plan_from_options (const Options *options)
{
  double duration = options->duration;

  if (isnan (duration))
    duration = options->count >= 0 ? INFINITY : DEFAULT_DURATION;

  return (ToolBenchPlan) {
    .n_connections = (guint) options->n_connections,
    .n_in_flight = (guint) options->n_in_flight,
    .count = options->count >= 0 ? (guint64) options->count : G_MAXUINT64,
    .duration = tool_pace_from_seconds (duration),
    .warm_up = tool_pace_from_seconds (options->warm_up),
    .rate = isnan (options->rate) ? 0 : options->rate,
  };
}

/* A connection takes a descriptor, and the usual limit is 1,024. */
static void
raise_file_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;

  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static char *
describe_waiting (guint64 n_waiting)
{
  g_autofree char *number = tool_bench_format_count (n_waiting);

  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Waiting for the last %s call",
                                       "Waiting for the last %s calls", (gulong) n_waiting),
                          number);
}

static char *
describe_progress (const ToolBenchProgress *progress)
{
  g_autofree char *calls = tool_bench_format_count (progress->n_calls);
  g_autofree char *rate = NULL;

  if (!progress->is_connected)
    return g_strdup (_("Connecting"));
  if (!progress->is_warm)
    return g_strdup (_("Warming up"));
  if (progress->n_waiting > 0)
    return describe_waiting (progress->n_waiting);

  rate = tool_bench_format_number (tool_pace_get_rate (progress->n_calls, progress->elapsed));
  /* Translators: how much is done, the number of calls that were made, and how many a second that
   * is */
  return g_strdup_printf (_("%.0f %%, calls: %s, per second: %s"), progress->fraction * 100, calls,
                          rate);
}

static gboolean
draw_cb (gpointer user_data)
{
  ToolBenchLoad *load = user_data;
  ToolBenchProgress progress;
  g_autofree char *text = NULL;

  tool_bench_load_get_progress (load, &progress);
  text = describe_progress (&progress);
  tool_progress_draw (progress.fraction, text);

  return G_SOURCE_CONTINUE;
}

static gboolean
interrupted_cb (gpointer user_data)
{
  tool_bench_load_interrupt (user_data);

  /* The next one ends the process. */
  return G_SOURCE_REMOVE;
}

static GSource *
attach (GSource       *source,
        const char    *name,
        GSourceFunc    callback,
        ToolBenchLoad *load)
{
  g_source_set_static_name (source, name);
  g_source_set_callback (source, callback, load, NULL);
  g_source_attach (source, NULL);

  return source;
}

static void
detach (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* NULL with an error if nothing could be measured. */
static const ToolBenchResult *
measure (ToolBenchLoad  *load,
         GError        **error)
{
  GSource *interrupt = attach (g_unix_signal_source_new (SIGINT), "msgpackrpc interrupt",
                               interrupted_cb, load);
  GSource *terminate = attach (g_unix_signal_source_new (SIGTERM), "msgpackrpc terminate",
                               interrupted_cb, load);
  GSource *draw = NULL;
  const ToolBenchResult *result = NULL;

  if (tool_progress_is_wanted ())
    draw = attach (g_timeout_source_new (PROGRESS_INTERVAL), "msgpackrpc progress", draw_cb, load);

  if (tool_bench_load_open (load, error))
    result = tool_bench_load_run (load);

  if (draw != NULL)
    {
      detach (draw);
      tool_progress_erase ();
    }
  detach (terminate);
  detach (interrupt);

  return result;
}

static ToolExit
exit_for_result (const ToolBenchResult *result)
{
  if (result->lost != NULL)
    return tool_exit_for (result->lost);
  if (result->n_timed_out > 0 || tool_histogram_get_count (result->times) == 0)
    return TOOL_EXIT_NO_ANSWER;

  return tool_tally_get_count (result->errors) > 0 ? TOOL_EXIT_REMOTE_ERROR : TOOL_EXIT_SUCCESS;
}

static ToolExit
report (const ToolBenchResult *result,
        const ToolRequest     *request,
        const ToolBenchPlan   *plan,
        gboolean               json)
{
  g_autoptr(GError) error = NULL;
  gboolean printed;

  if (result->lost != NULL)
    tool_complain (result->lost);

  printed = json ? tool_bench_result_print_json (result, request, plan, &error)
                 : tool_bench_result_print (result, &error);
  if (printed)
    return exit_for_result (result);

  tool_complain (error);
  return tool_exit_for (error);
}

static ToolExit
bench (const ToolRequest *request,
       const Options     *options)
{
  ToolBenchPlan plan = plan_from_options (options);
  g_autoptr(ToolBenchLoad) load = NULL;
  const ToolBenchResult *result;
  g_autoptr(GError) error = NULL;

  load = tool_bench_load_new (request, &plan, &error);
  if (load == NULL)
    return tool_refuse_usage (error);

  raise_file_limit ();
  result = measure (load, &error);
  if (result != NULL)
    return report (result, request, &plan, options->json);

  tool_complain (error);
  return tool_exit_for (error);
}

static ToolExit
run_bench (char **argv)
{
  Options options = {
    .n_connections = 1,
    .n_in_flight = 1,
    .count = -1,
    .duration = NAN,
    .rate = NAN,
  };
  const GOptionEntry entries[] = {
    { "connections", 0, 0, G_OPTION_ARG_INT, &options.n_connections,
      N_("How many connections to make, 1 if not given"), N_("NUMBER") },
    { "in-flight", 0, 0, G_OPTION_ARG_INT, &options.n_in_flight,
      N_("How many calls to have in flight on each connection, 1 if not given"), N_("NUMBER") },
    { "count", 'n', 0, G_OPTION_ARG_INT64, &options.count,
      N_("Stop after so many calls"), N_("NUMBER") },
    { "duration", 0, 0, G_OPTION_ARG_DOUBLE, &options.duration,
      N_("Stop after this time, which is 10 seconds if nothing is given"), N_("SECONDS") },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &options.rate,
      N_("Begin so many calls per second, however late the answers are"), N_("NUMBER") },
    { "warm-up", 0, 0, G_OPTION_ARG_DOUBLE, &options.warm_up,
      N_("Make calls for this time before measuring begins"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json,
      N_("Print one line of JSON for scripts"), NULL },
    { NULL },
  };
  g_autoptr(ToolRequest) request = NULL;
  g_autoptr(GError) error = NULL;

  request = tool_request_new (&tool_bench_command, entries, argv, &error);
  if (request == NULL || !check_options (&options, &error))
    return tool_refuse_usage (error);

  return bench (request, &options);
}

const ToolCommand tool_bench_command = {
  .name = "bench",
  .arguments = N_("ADDRESS METHOD [ARG…]"),
  .summary = N_("Measure how fast a method answers"),
  .run = run_bench,
};
