/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The arithmetic of “msgpackrpc bench”, its clock, and what it draws. */

#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include <glib.h>

#include "tool-alarm.h"
#include "tool-histogram.h"
#include "tool-pace.h"
#include "tool-tally.h"
#include "tool-terminal.h"

#define MAX_ROWS 14

static const struct { guint parts, of; } quantiles[] = {
  { 0, 1 }, { 1, 1000 }, { 1, 2 }, { 9, 10 }, { 99, 100 }, { 999, 1000 }, { 1, 1 },
};

/* That a value that is @said stands for @value. */
static void
assert_stands_for (guint64 said,
                   guint64 value)
{
  g_assert_cmpuint (said, >=, value);
  g_assert_cmpuint (said - value, <=, value / 128);
}

static void
test_empty (void)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();
  ToolHistogramRow row, rows[MAX_ROWS];
  guint position = 0;

  g_test_summary ("A histogram of nothing has no values, and nothing is divided by their number");

  g_assert_cmpuint (tool_histogram_get_count (histogram), ==, 0);
  g_assert_cmpuint (tool_histogram_get_min (histogram), ==, 0);
  g_assert_cmpuint (tool_histogram_get_max (histogram), ==, 0);
  g_assert_cmpfloat (tool_histogram_get_mean (histogram), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    g_assert_cmpuint (tool_histogram_get_quantile (histogram, quantiles[i].parts, quantiles[i].of),
                      ==, 0);
  g_assert_false (tool_histogram_next (histogram, &position, &row));
  g_assert_cmpuint (tool_histogram_get_rows (histogram, MAX_ROWS, rows), ==, 0);
}

/* A histogram of one value that is there @n times says that value of itself, exactly. */
static void
check_value (guint64 value,
             guint   n)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();
  ToolHistogramRow row, rows[MAX_ROWS];
  guint position = 0;

  for (guint i = 0; i < n; i++)
    tool_histogram_add (histogram, value);

  g_assert_cmpuint (tool_histogram_get_count (histogram), ==, n);
  g_assert_cmpuint (tool_histogram_get_min (histogram), ==, value);
  g_assert_cmpuint (tool_histogram_get_max (histogram), ==, value);
  g_assert_cmpfloat (tool_histogram_get_mean (histogram), ==, (double) value);
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    g_assert_cmpuint (tool_histogram_get_quantile (histogram, quantiles[i].parts, quantiles[i].of),
                      ==, value);

  g_assert_true (tool_histogram_next (histogram, &position, &row));
  g_assert_cmpuint (row.count, ==, n);
  g_assert_cmpuint (row.low, <=, value);
  g_assert_cmpuint (row.high, >=, value);
  assert_stands_for (row.high, row.low);
  g_assert_false (tool_histogram_next (histogram, &position, &row));

  g_assert_cmpuint (tool_histogram_get_rows (histogram, MAX_ROWS, rows), ==, 1);
  g_assert_cmpuint (rows[0].count, ==, n);
}

static void
test_extremes (void)
{
  g_test_summary ("Each value from 0 to the largest, at all the edges of the powers of two");

  for (guint bit = 0; bit < 64; bit++)
    for (int offset = -2; offset <= 2; offset++)
      {
        guint64 value = (G_GUINT64_CONSTANT (1) << bit) + (guint64) offset;

        check_value (value, 1);
        check_value (value, 2);
      }
}

static void
test_ranges (void)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();
  ToolHistogramRow row;
  guint64 expected = 0;
  guint position = 0;

  g_test_summary ("The ranges follow each other without gaps, and small values have their own");

  for (guint64 value = 0; value < 100000; value++)
    tool_histogram_add (histogram, value);

  while (expected < 100000)
    {
      g_assert_true (tool_histogram_next (histogram, &position, &row));
      g_assert_cmpuint (row.low, ==, expected);
      assert_stands_for (row.high, row.low);
      if (row.low < 256)
        g_assert_cmpuint (row.high, ==, row.low);
      g_assert_cmpuint (row.count, ==, MIN (row.high, 99999) - row.low + 1);
      expected = row.high + 1;
    }
  g_assert_false (tool_histogram_next (histogram, &position, &row));
}

static gint
compare_values (gconstpointer a,
                gconstpointer b)
{
  guint64 left = *(const guint64 *) a, right = *(const guint64 *) b;

  return left < right ? -1 : left > right;
}

/* Of all sizes, as many small as large ones. */
static guint64
random_value (void)
{
  guint64 bits = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return bits >> g_test_rand_int_range (0, 64);
}

static void
check_quantiles (const ToolHistogram *histogram,
                 GArray              *values)
{
  guint64 last = 0;

  g_array_sort (values, compare_values);
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    {
      guint parts = quantiles[i].parts, of = quantiles[i].of;
      guint rank = (values->len * parts + of - 1) / of;
      guint64 said = tool_histogram_get_quantile (histogram, parts, of);

      assert_stands_for (said, g_array_index (values, guint64, MAX (rank, 1) - 1));
      g_assert_cmpuint (said, >=, last);
      last = said;
    }
  g_assert_cmpuint (last, ==, tool_histogram_get_max (histogram));
}

static void
check_rows (const ToolHistogram *histogram,
            guint                max_rows)
{
  ToolHistogramRow rows[MAX_ROWS];
  guint n_rows = tool_histogram_get_rows (histogram, max_rows, rows);
  guint64 count = 0;

  g_assert_cmpuint (n_rows, >, 0);
  g_assert_cmpuint (n_rows, <=, max_rows);
  for (guint i = 0; i < n_rows; i++)
    {
      g_assert_cmpuint (rows[i].low, <=, rows[i].high);
      if (i > 0)
        g_assert_cmpuint (rows[i].low, ==, rows[i - 1].high + 1);
      count += rows[i].count;
    }
  g_assert_cmpuint (rows[0].low, <=, tool_histogram_get_min (histogram));
  g_assert_cmpuint (rows[n_rows - 1].high, >=, tool_histogram_get_max (histogram));
  g_assert_cmpuint (count, ==, tool_histogram_get_count (histogram));
}

static void
test_random (void)
{
  g_test_summary ("What is said of many values is what sorting them says, but for the error");

  for (guint n = 1; n < 3000; n = n * 3 / 2 + 1)
    {
      g_autoptr(ToolHistogram) histogram = tool_histogram_new ();
      g_autoptr(GArray) values = g_array_new (FALSE, FALSE, sizeof (guint64));
      long double sum = 0;

      for (guint i = 0; i < n; i++)
        {
          guint64 value = random_value ();

          tool_histogram_add (histogram, value);
          g_array_append_val (values, value);
          sum += (long double) value;
        }

      check_quantiles (histogram, values);
      for (guint max_rows = 2; max_rows <= MAX_ROWS; max_rows++)
        check_rows (histogram, max_rows);
      g_assert_cmpfloat_with_epsilon (tool_histogram_get_mean (histogram) / (double) (sum / n), 1,
                                      1e-9);
    }
}

static void
test_quantile_ranks (void)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();

  g_test_summary ("Quantiles of whole ranks are exact, where doubles would round up");

  for (guint64 value = 1; value <= 100; value++)
    for (guint i = 0; i < 10; i++)
      tool_histogram_add (histogram, value);

  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 1, 2), ==, 50);
  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 501, 1000), ==, 51);
  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 9, 10), ==, 90);
  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 99, 100), ==, 99);
  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 991, 1000), ==, 100);
  g_assert_cmpuint (tool_histogram_get_quantile (histogram, 0, 1), ==, 1);
}

static void
test_tail (void)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();
  ToolHistogramRow rows[MAX_ROWS];
  guint n_rows;

  g_test_summary ("A few values far above leave the rows to the many below");

  for (guint i = 0; i < 1000; i++)
    tool_histogram_add (histogram, 100 + i % 100);
  for (guint i = 0; i < 10; i++)
    tool_histogram_add (histogram, G_MAXUINT64);

  n_rows = tool_histogram_get_rows (histogram, MAX_ROWS, rows);
  g_assert_cmpuint (n_rows, ==, MAX_ROWS);
  for (guint i = 0; i + 1 < n_rows; i++)
    g_assert_cmpuint (rows[i].count, >, 0);
  g_assert_cmpuint (rows[n_rows - 2].high, ==, 199);
  g_assert_cmpuint (rows[n_rows - 1].low, ==, 200);
  g_assert_cmpuint (rows[n_rows - 1].high, ==, G_MAXUINT64);
  g_assert_cmpuint (rows[n_rows - 1].count, ==, 10);
}

static void
test_sum (void)
{
  g_autoptr(ToolHistogram) histogram = tool_histogram_new ();

  g_test_summary ("The mean of values whose sum has more than 64 bits");

  for (guint i = 0; i < 1000; i++)
    {
      tool_histogram_add (histogram, G_MAXUINT64);
      tool_histogram_add (histogram, 0);
    }

  g_assert_cmpfloat (tool_histogram_get_mean (histogram), ==, ldexp (1, 63));
}

static void
test_pace (void)
{
  static const double rates[] = { 1e-6, 0.1, 1, 3, 7, 999, 1e6 / 3, 1e9 };

  g_test_summary ("As many calls are due as are not later, at the moment itself and around it");

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    for (guint64 n = 0; n < 10000; n = n * 5 / 4 + 1)
      {
        guint64 due = tool_pace_get_due (rates[i], n);

        g_assert_cmpuint (tool_pace_count_due (rates[i], due), ==, n + 1);
        if (due > 0)
          g_assert_cmpuint (tool_pace_count_due (rates[i], due - 1), ==, n);
      }

  g_assert_cmpuint (tool_pace_get_due (1, 3), ==, 3 * TOOL_NANOSECONDS);
  g_assert_cmpuint (tool_pace_get_due (4, 1), ==, TOOL_NANOSECONDS / 4);
}

static void
test_pace_extremes (void)
{
  g_test_summary ("Times and counts that are too large are the largest, and none is negative");

  g_assert_cmpuint (tool_pace_get_due (1e-300, 1), ==, G_MAXUINT64);
  g_assert_cmpuint (tool_pace_get_due (1, G_MAXUINT64), ==, G_MAXUINT64);
  g_assert_cmpuint (tool_pace_get_due (1e300, G_MAXUINT64), ==, 0);
  g_assert_cmpuint (tool_pace_count_due (1e300, G_MAXUINT64), ==, G_MAXUINT64);
  g_assert_cmpuint (tool_pace_count_due (1e-300, G_MAXUINT64 - 1), ==, 1);
  g_assert_cmpuint (tool_pace_from_seconds (0), ==, 0);
  g_assert_cmpuint (tool_pace_from_seconds (-1), ==, 0);
  g_assert_cmpuint (tool_pace_from_seconds (NAN), ==, 0);
  g_assert_cmpuint (tool_pace_from_seconds (INFINITY), ==, G_MAXUINT64);
  g_assert_cmpuint (tool_pace_from_seconds (0.25), ==, TOOL_NANOSECONDS / 4);

  g_assert_cmpfloat (tool_pace_get_rate (5, 0), ==, 0);
  g_assert_cmpfloat (tool_pace_get_rate (0, 5), ==, 0);
  g_assert_cmpfloat (tool_pace_get_rate (5, TOOL_NANOSECONDS / 2), ==, 10);
  g_assert_true (isfinite (tool_pace_get_rate (G_MAXUINT64, 1)));
}

static void
test_time (void)
{
  guint64 before = (guint64) g_get_monotonic_time () * 1000;
  guint64 now = tool_pace_get_time ();
  guint64 after = ((guint64) g_get_monotonic_time () + 1) * 1000;

  g_test_summary ("The time is GLib's monotonic one, in nanoseconds");

  g_assert_cmpuint (now, >=, before);
  g_assert_cmpuint (now, <=, after);
}

#define MILLISECOND (TOOL_NANOSECONDS / 1000)

static gboolean
note_time_cb (gpointer user_data)
{
  guint64 *time = user_data;

  g_assert_cmpuint (*time, ==, 0);
  *time = tool_pace_get_time ();

  return G_SOURCE_CONTINUE;
}

static gboolean
set_true_cb (gpointer user_data)
{
  gboolean *is_set = user_data;

  *is_set = TRUE;
  return G_SOURCE_REMOVE;
}

/* For as many milliseconds. */
static void
run_context (guint interval)
{
  gboolean is_over = FALSE;

  g_timeout_add (interval, set_true_cb, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_for_alarm (GSource *alarm,
                guint64 *noted,
                guint64  time)
{
  *noted = 0;
  tool_alarm_set (alarm, time);
  while (*noted == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (*noted, >=, time);
}

static void
check_alarm (GSource *alarm)
{
  guint64 noted = 0, start = tool_pace_get_time ();

  g_source_set_callback (alarm, note_time_cb, &noted, NULL);
  g_source_attach (alarm, NULL);

  wait_for_alarm (alarm, &noted, start + 20 * MILLISECOND);
  /* Once. */
  run_context (20);

  tool_alarm_set (alarm, start + 3600 * TOOL_NANOSECONDS);
  wait_for_alarm (alarm, &noted, tool_pace_get_time () + MILLISECOND);
  wait_for_alarm (alarm, &noted, start);
  wait_for_alarm (alarm, &noted, 0);

  /* It has rung, but nobody has heard it yet. */
  noted = 0;
  tool_alarm_set (alarm, start);
  tool_alarm_set (alarm, G_MAXUINT64);
  run_context (20);
  g_assert_cmpuint (noted, ==, 0);

  g_source_destroy (alarm);
}

static void
test_alarm (void)
{
  g_autoptr(GSource) alarm = tool_alarm_new ();

  g_test_summary ("An alarm rings once, not before its time, and can be set anew");

  check_alarm (alarm);
}

static void
test_alarm_without_timer (void)
{
  struct rlimit limit, none;
  g_autoptr(GSource) alarm = NULL;

  g_test_summary ("An alarm does with GLib's timeouts what it does with a timer of the kernel's");

  g_main_context_pending (NULL);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = limit;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  alarm = tool_alarm_new ();
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  check_alarm (alarm);
}

static const ToolTallyKind *
get_kind (GPtrArray *kinds,
          guint      i)
{
  g_assert_cmpuint (i, <, kinds->len);
  return kinds->pdata[i];
}

static void
test_tally (void)
{
  g_autoptr(ToolTally) tally = tool_tally_new ();
  g_autoptr(GPtrArray) none = tool_tally_get_kinds (tally);
  g_autoptr(GPtrArray) kinds = NULL;

  g_test_summary ("Texts are counted by what they are, the most frequent first");

  g_assert_cmpuint (none->len, ==, 0);

  tool_tally_add (tally, "once");
  tool_tally_add (tally, "");
  tool_tally_add (tally, "on");
  tool_tally_add (tally, "on");
  tool_tally_add (tally, "");
  tool_tally_add (tally, "on");

  kinds = tool_tally_get_kinds (tally);
  g_assert_cmpuint (kinds->len, ==, 3);
  g_assert_cmpstr (get_kind (kinds, 0)->text, ==, "on");
  g_assert_cmpuint (get_kind (kinds, 0)->count, ==, 3);
  g_assert_cmpstr (get_kind (kinds, 1)->text, ==, "");
  g_assert_cmpuint (get_kind (kinds, 1)->count, ==, 2);
  g_assert_cmpstr (get_kind (kinds, 2)->text, ==, "once");
  g_assert_cmpuint (get_kind (kinds, 2)->count, ==, 1);
  g_assert_cmpuint (tool_tally_get_count (tally), ==, 6);
  g_assert_cmpuint (tool_tally_get_others (tally), ==, 0);
}

static void
test_tally_bounds (void)
{
  g_autoptr(ToolTally) tally = tool_tally_new ();
  g_autoptr(GPtrArray) kinds = NULL;

  g_test_summary ("A peer that makes up a text each time is not remembered without end");

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("number %u", i);

      tool_tally_add (tally, text);
    }
  tool_tally_add (tally, "number 3");

  kinds = tool_tally_get_kinds (tally);
  g_assert_cmpuint (kinds->len, ==, TOOL_TALLY_KINDS);
  g_assert_cmpstr (get_kind (kinds, 0)->text, ==, "number 3");
  g_assert_cmpuint (get_kind (kinds, 0)->count, ==, 2);
  g_assert_cmpuint (tool_tally_get_count (tally), ==, 1001);
  g_assert_cmpuint (tool_tally_get_others (tally), ==, 1000 - TOOL_TALLY_KINDS);
}

/* @n of that character, and @after. */
static char *
repeat (const char *character,
        guint       n,
        const char *after)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (text, character);
  g_string_append (text, after);

  return g_string_free (text, FALSE);
}

static void
test_tally_long (void)
{
  static const char * const characters[] = { "a", "é", "世", "🚀" };

  g_test_summary ("A text that is too long is cut between two characters");

  for (guint i = 0; i < G_N_ELEMENTS (characters); i++)
    {
      g_autoptr(ToolTally) tally = tool_tally_new ();
      g_autofree char *fits = repeat (characters[i], TOOL_TALLY_LENGTH, "");
      g_autofree char *one = repeat (characters[i], TOOL_TALLY_LENGTH, "1");
      g_autofree char *other = repeat (characters[i], 100 * TOOL_TALLY_LENGTH, "2");
      g_autofree char *cut = g_strconcat (fits, "…", NULL);
      g_autoptr(GPtrArray) kinds = NULL;

      tool_tally_add (tally, fits);
      tool_tally_add (tally, one);
      tool_tally_add (tally, other);

      kinds = tool_tally_get_kinds (tally);
      g_assert_cmpuint (kinds->len, ==, 2);
      g_assert_cmpstr (get_kind (kinds, 0)->text, ==, cut);
      g_assert_cmpuint (get_kind (kinds, 0)->count, ==, 2);
      g_assert_cmpstr (get_kind (kinds, 1)->text, ==, fits);
      g_assert_cmpuint (get_kind (kinds, 1)->count, ==, 1);
    }
}

static void
test_columns (void)
{
  static const struct { const char *text; guint columns; } texts[] = {
    { "", 0 },
    { "abc", 3 },
    { "µs ≤", 4 },
    { "平均", 4 },
    { "e\xcc\x81", 1 },
    { "█▏", 2 },
  };

  g_test_summary ("Characters take one column, or two, or none");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpuint (tool_terminal_get_columns (texts[i].text), ==, texts[i].columns);
}

static void
test_pad (void)
{
  g_autoptr(GString) text = g_string_new ("平均");

  g_test_summary ("A text is padded by columns, not by bytes or characters");

  tool_terminal_pad (text, 3);
  g_assert_cmpstr (text->str, ==, "平均");
  tool_terminal_pad (text, 6);
  g_assert_cmpstr (text->str, ==, "平均  ");
}

static void
test_cut (void)
{
  static const char *const cut[] = { "", "", "平", "平", "平均", "平均a", "平均a" };

  g_test_summary ("A text is cut before a character that does not fit whole");

  for (guint columns = 0; columns < G_N_ELEMENTS (cut); columns++)
    {
      g_autoptr(GString) text = g_string_new ("平均a");

      tool_terminal_cut (text, columns);
      g_assert_cmpstr (text->str, ==, cut[columns]);
    }
}

static void
test_bar (void)
{
  static const double fractions[] = { -1, 0, 1e-9, 0.3, 0.5, 0.999, 1, 2 };

  g_test_summary ("A bar never is wider than asked for, and what is not nothing can be seen");

  for (guint columns = 0; columns < 100; columns++)
    for (guint i = 0; i < G_N_ELEMENTS (fractions); i++)
      {
        g_autoptr(GString) text = g_string_new (NULL);
        guint n = tool_terminal_append_bar (text, fractions[i], columns);

        g_assert_cmpuint (n, ==, tool_terminal_get_columns (text->str));
        g_assert_cmpuint (n, <=, columns);
        if (columns > 0 && fractions[i] >= 1)
          g_assert_cmpuint (n, ==, columns);
        if (columns > 0)
          g_assert_cmpint (n > 0, ==, fractions[i] > 0);
      }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/tool-histogram/empty", test_empty);
  g_test_add_func ("/msgpack-rpc/tool-histogram/extremes", test_extremes);
  g_test_add_func ("/msgpack-rpc/tool-histogram/ranges", test_ranges);
  g_test_add_func ("/msgpack-rpc/tool-histogram/random", test_random);
  g_test_add_func ("/msgpack-rpc/tool-histogram/quantile-ranks", test_quantile_ranks);
  g_test_add_func ("/msgpack-rpc/tool-histogram/tail", test_tail);
  g_test_add_func ("/msgpack-rpc/tool-histogram/sum", test_sum);
  g_test_add_func ("/msgpack-rpc/tool-pace/due", test_pace);
  g_test_add_func ("/msgpack-rpc/tool-pace/extremes", test_pace_extremes);
  g_test_add_func ("/msgpack-rpc/tool-pace/time", test_time);
  g_test_add_func ("/msgpack-rpc/tool-alarm/timer", test_alarm);
  g_test_add_func ("/msgpack-rpc/tool-alarm/without-timer", test_alarm_without_timer);
  g_test_add_func ("/msgpack-rpc/tool-tally/kinds", test_tally);
  g_test_add_func ("/msgpack-rpc/tool-tally/bounds", test_tally_bounds);
  g_test_add_func ("/msgpack-rpc/tool-tally/long", test_tally_long);
  g_test_add_func ("/msgpack-rpc/tool-terminal/columns", test_columns);
  g_test_add_func ("/msgpack-rpc/tool-terminal/pad", test_pad);
  g_test_add_func ("/msgpack-rpc/tool-terminal/cut", test_cut);
  g_test_add_func ("/msgpack-rpc/tool-terminal/bar", test_bar);

  return g_test_run ();
}
