/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-bench-result.h"

#include <errno.h>

#include <glib/gi18n.h>

#include "tool-colour.h"
#include "tool-json.h"
#include "tool-pace.h"
#include "tool-terminal.h"

#define MAX_ROWS 14
#define MAX_BAR 60

static const struct
{
  const char *name; /* for people */
  const char *member;
  guint parts, of;
} quantiles[] = {
  { "p50", "p50", 1, 2 },
  { "p90", "p90", 9, 10 },
  { "p99", "p99", 99, 100 },
  { "p99.9", "p99_9", 999, 1000 },
};

/* A number that was written as the locale has it, in UTF-8. */
static char *
take_number (char *text)
{
  char *converted = g_locale_to_utf8 (text, -1, NULL, NULL, NULL);

  if (converted == NULL)
    return text;

  g_free (text);
  return converted;
}

char *
tool_bench_format_count (guint64 count)
{
  return take_number (g_strdup_printf ("%'" G_GUINT64_FORMAT, count));
}

char *
tool_bench_format_number (double number)
{
  int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;

  return take_number (g_strdup_printf ("%'.*f", decimals, number));
}

static char *
format_time (double nanoseconds)
{
  const struct { double size; const char *name; } units[] = {
    { 1e9, "s" },
    { 1e6, "ms" },
    { 1e3, tool_terminal_has_utf8 () ? "µs" : "us" },
    { 1, "ns" },
  };
  guint i = 0;
  g_autofree char *number = NULL;

  /* What would be rounded to 1,000 is 1 of the next. */
  while (i + 1 < G_N_ELEMENTS (units) && nanoseconds < 0.9995 * units[i].size)
    i++;
  number = tool_bench_format_number (nanoseconds / units[i].size);

  return g_strdup_printf ("%s %s", number, units[i].name);
}

static char *
format_bytes (double bytes)
{
  static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
  guint i = 0;
  g_autofree char *number = NULL;

  for (; i + 1 < G_N_ELEMENTS (units) && bytes >= 999.5; i++)
    bytes /= 1000;
  number = i == 0 ? g_strdup_printf ("%.0f", bytes) : tool_bench_format_number (bytes);

  return g_strdup_printf ("%s %s", number, units[i]);
}

static void
append_heading (GString    *text,
                const char *heading)
{
  gboolean colours = tool_colours_wanted (stdout);

  g_string_append_printf (text, "\n%s%s%s\n", tool_colour (TOOL_COLOUR_BOLD, colours), heading,
                          tool_colour (TOOL_COLOUR_RESET, colours));
}

/* At the right of as many columns. */
static void
append_right (GString    *text,
              const char *cell,
              guint       columns)
{
  for (guint n = tool_terminal_get_columns (cell); n < columns; n++)
    g_string_append_c (text, ' ');
  g_string_append (text, cell);
}

static void
append_summary (GString               *text,
                const ToolBenchResult *self)
{
  guint64 n = tool_histogram_get_count (self->times);
  g_autofree char *calls = tool_bench_format_count (n);
  g_autofree char *time = format_time ((double) self->elapsed);
  g_autofree char *rate = tool_bench_format_number (tool_pace_get_rate (n, self->elapsed));
  g_autofree char *sent = format_bytes ((double) self->sent_bytes);
  g_autofree char *received = format_bytes ((double) self->received_bytes);
  g_autofree char *sent_rate = format_bytes (tool_pace_get_rate (self->sent_bytes, self->elapsed));
  g_autofree char *received_rate = format_bytes (tool_pace_get_rate (self->received_bytes,
                                                                     self->elapsed));

  /* Translators: the number of calls, the time that they took, and how many a second that is */
  g_string_append_printf (text, g_dngettext (GETTEXT_PACKAGE, "%s call in %s: %s per second",
                                             "%s calls in %s: %s per second", (gulong) n),
                          calls, time, rate);
  g_string_append_c (text, '\n');
  /* Translators: amounts of data, as “1.2 MB”, and how much that is per second */
  g_string_append_printf (text, _("Sent %s (%s per second), received %s (%s per second)"), sent,
                          sent_rate, received, received_rate);
  g_string_append_c (text, '\n');
}

/* What was not measured. */
static void
append_remarks (GString               *text,
                const ToolBenchResult *self)
{
  g_autofree char *unfinished = tool_bench_format_count (self->n_unfinished);
  g_autofree char *not_started = tool_bench_format_count (self->n_not_started);

  if (self->was_interrupted)
    g_string_append_printf (text, "%s\n", _("Interrupted"));
  if (self->n_unfinished > 0)
    {
      g_string_append_printf (text, _("Calls that were not answered when it ended: %s"), unfinished);
      g_string_append_c (text, '\n');
    }
  if (self->n_not_started > 0)
    {
      g_string_append_printf (text, _("Calls that were due, but not begun, as others were in flight: %s"),
                              not_started);
      g_string_append_c (text, '\n');
    }
}

static void
append_error_kind (GString    *text,
                   guint64     count,
                   const char *message)
{
  g_autofree char *number = tool_bench_format_count (count);
  g_autofree char *escaped = tool_escape_text (message);

  append_right (text, number, 12);
  g_string_append_printf (text, "  %s\n", escaped);
}

static void
append_errors (GString               *text,
               const ToolBenchResult *self)
{
  guint64 n = tool_tally_get_count (self->errors);
  g_autoptr(GPtrArray) kinds = tool_tally_get_kinds (self->errors);
  g_autofree char *number = tool_bench_format_count (n);
  g_autofree char *heading = NULL;

  if (n == 0)
    return;

  /* Translators: a number of calls that had an error */
  heading = g_strdup_printf (_("Errors: %s"), number);
  append_heading (text, heading);
  for (guint i = 0; i < kinds->len; i++)
    {
      const ToolTallyKind *kind = kinds->pdata[i];

      append_error_kind (text, kind->count, kind->text);
    }
  if (tool_tally_get_others (self->errors) > 0)
    append_error_kind (text, tool_tally_get_others (self->errors), _("with other texts"));
}

static void
append_time_line (GString    *text,
                  const char *name,
                  guint       columns,
                  double      nanoseconds)
{
  g_autoptr(GString) cell = g_string_new (name);
  g_autofree char *time = format_time (nanoseconds);

  tool_terminal_pad (cell, columns);
  g_string_append_printf (text, "  %s", cell->str);
  append_right (text, time, 10);
  g_string_append_c (text, '\n');
}

static void
append_times (GString               *text,
              const ToolBenchResult *self)
{
  /* Translators: the least time, the average, and the longest time */
  const char *names[] = { _("min"), _("mean"), _("max") };
  guint columns = 5;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    columns = MAX (columns, tool_terminal_get_columns (names[i]));

  append_heading (text, _("Time from the start of a call to its answer"));
  append_time_line (text, names[1], columns, tool_histogram_get_mean (self->times));
  append_time_line (text, names[0], columns, (double) tool_histogram_get_min (self->times));
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    append_time_line (text, quantiles[i].name, columns,
                      (double) tool_histogram_get_quantile (self->times, quantiles[i].parts,
                                                            quantiles[i].of));
  append_time_line (text, names[2], columns, (double) tool_histogram_get_max (self->times));
}

static void
append_row (GString                *text,
            const ToolHistogramRow *row,
            guint64                 max_count,
            guint                   count_columns,
            guint                   bar_columns)
{
  gboolean colours = tool_colours_wanted (stdout);
  g_autofree char *time = format_time ((double) row->high);
  g_autofree char *count = tool_bench_format_count (row->count);

  g_string_append (text, tool_terminal_has_utf8 () ? "  ≤" : " <=");
  append_right (text, time, 9);
  append_right (text, count, count_columns + 2);
  if (row->count > 0)
    {
      g_string_append_printf (text, "  %s", tool_colour (TOOL_COLOUR_CYAN, colours));
      tool_terminal_append_bar (text, (double) row->count / (double) max_count, bar_columns);
      g_string_append (text, tool_colour (TOOL_COLOUR_RESET, colours));
    }
  g_string_append_c (text, '\n');
}

static void
append_rows (GString               *text,
             const ToolBenchResult *self)
{
  ToolHistogramRow rows[MAX_ROWS];
  guint n_rows = tool_histogram_get_rows (self->times, MAX_ROWS, rows);
  guint64 max_count = 0;
  g_autofree char *widest = NULL;
  guint count_columns, taken, width = tool_terminal_get_width (stdout);

  for (guint i = 0; i < n_rows; i++)
    max_count = MAX (max_count, rows[i].count);
  widest = tool_bench_format_count (max_count);
  count_columns = tool_terminal_get_columns (widest);
  taken = 3 + 9 + count_columns + 2 + 2;

  append_heading (text, _("Calls by time"));
  rows[n_rows - 1].high = MIN (rows[n_rows - 1].high, tool_histogram_get_max (self->times));
  for (guint i = 0; i < n_rows; i++)
    append_row (text, &rows[i], max_count, count_columns,
                width > taken ? MIN (width - taken - 1, MAX_BAR) : 0);
}

gboolean
tool_bench_result_print (const ToolBenchResult  *self,
                         GError                **error)
{
  g_autoptr(GString) text = g_string_new (NULL);

  append_summary (text, self);
  append_remarks (text, self);
  append_errors (text, self);
  if (tool_histogram_get_count (self->times) > 0)
    {
      append_times (text, self);
      append_rows (text, self);
    }

  return tool_print_text (text->str, error);
}

static GVariant *
get_latency (const ToolHistogram *times)
{
  GVariantBuilder members;

  if (tool_histogram_get_count (times) == 0)
    return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);

  g_variant_builder_init (&members, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&members, "{sv}", "mean",
                         g_variant_new_uint64 ((guint64) tool_histogram_get_mean (times)));
  g_variant_builder_add (&members, "{sv}", "min",
                         g_variant_new_uint64 (tool_histogram_get_min (times)));
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    g_variant_builder_add (&members, "{sv}", quantiles[i].member,
                           g_variant_new_uint64 (tool_histogram_get_quantile (times,
                                                                              quantiles[i].parts,
                                                                              quantiles[i].of)));
  g_variant_builder_add (&members, "{sv}", "max",
                         g_variant_new_uint64 (tool_histogram_get_max (times)));

  return g_variant_builder_end (&members);
}

static GVariant *
get_ranges (const ToolHistogram *times)
{
  GVariantBuilder ranges;
  ToolHistogramRow row;
  guint position = 0;

  g_variant_builder_init (&ranges, G_VARIANT_TYPE ("aat"));
  while (tool_histogram_next (times, &position, &row))
    {
      const guint64 numbers[] = { row.low, row.high, row.count };

      g_variant_builder_add_value (&ranges,
                                   g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, numbers,
                                                              G_N_ELEMENTS (numbers),
                                                              sizeof *numbers));
    }

  return g_variant_builder_end (&ranges);
}

static GVariant *
get_messages (const ToolTally *errors)
{
  g_autoptr(GPtrArray) kinds = tool_tally_get_kinds (errors);
  GVariantBuilder messages;

  g_variant_builder_init (&messages, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < kinds->len; i++)
    {
      const ToolTallyKind *kind = kinds->pdata[i];

      g_variant_builder_open (&messages, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&messages, "{sv}", "message", g_variant_new_string (kind->text));
      g_variant_builder_add (&messages, "{sv}", "count", g_variant_new_uint64 (kind->count));
      g_variant_builder_close (&messages);
    }

  return g_variant_builder_end (&messages);
}

static void
add_plan (GVariantBuilder     *members,
          const ToolRequest   *request,
          const ToolBenchPlan *plan)
{
  g_variant_builder_add (members, "{sv}", "address", g_variant_new_string (request->address));
  g_variant_builder_add (members, "{sv}", "method", g_variant_new_string (request->method));
  g_variant_builder_add (members, "{sv}", "connections",
                         g_variant_new_uint64 (plan->n_connections));
  g_variant_builder_add (members, "{sv}", "in_flight", g_variant_new_uint64 (plan->n_in_flight));
  g_variant_builder_add (members, "{sv}", "rate",
                         plan->rate > 0 ? g_variant_new_double (plan->rate)
                                        : g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));
}

static void
add_count (GVariantBuilder *members,
           const char      *name,
           guint64          count)
{
  g_variant_builder_add (members, "{sv}", name, g_variant_new_uint64 (count));
}

static void
add_rate (GVariantBuilder *members,
          const char      *name,
          guint64          count,
          guint64          elapsed)
{
  g_variant_builder_add (members, "{sv}", name,
                         g_variant_new_double (tool_pace_get_rate (count, elapsed)));
}

static void
add_calls (GVariantBuilder       *members,
           const ToolBenchResult *self)
{
  guint64 n = tool_histogram_get_count (self->times);

  g_variant_builder_add (members, "{sv}", "seconds",
                         g_variant_new_double ((double) self->elapsed / (double) TOOL_NANOSECONDS));
  add_count (members, "calls", n);
  add_rate (members, "calls_per_second", n, self->elapsed);
  add_count (members, "errors", tool_tally_get_count (self->errors));
  g_variant_builder_add (members, "{sv}", "error_messages", get_messages (self->errors));
  add_count (members, "other_errors", tool_tally_get_others (self->errors));
  add_count (members, "timed_out", self->n_timed_out);
  add_count (members, "unfinished", self->n_unfinished);
  add_count (members, "not_started", self->n_not_started);
}

/* The manual says what each member is. */
gboolean
tool_bench_result_print_json (const ToolBenchResult  *self,
                              const ToolRequest      *request,
                              const ToolBenchPlan    *plan,
                              GError                **error)
{
  GVariantBuilder members;
  g_autoptr(GVariant) value = NULL;
  g_autofree char *json = NULL;

  g_variant_builder_init (&members, G_VARIANT_TYPE_VARDICT);
  add_plan (&members, request, plan);
  add_calls (&members, self);
  add_count (&members, "sent_bytes", self->sent_bytes);
  add_count (&members, "received_bytes", self->received_bytes);
  add_rate (&members, "sent_bytes_per_second", self->sent_bytes, self->elapsed);
  add_rate (&members, "received_bytes_per_second", self->received_bytes, self->elapsed);
  g_variant_builder_add (&members, "{sv}", "latency_ns", get_latency (self->times));
  g_variant_builder_add (&members, "{sv}", "histogram_ns", get_ranges (self->times));
  g_variant_builder_add (&members, "{sv}", "interrupted",
                         g_variant_new_boolean (self->was_interrupted));
  g_variant_builder_add (&members, "{sv}", "lost",
                         self->lost != NULL ? g_variant_new_string (self->lost->message)
                                            : g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));
  value = g_variant_ref_sink (g_variant_builder_end (&members));

  json = tool_json_write (value);
  return tool_print_line (json, error);
}
