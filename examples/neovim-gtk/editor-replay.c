/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How a frame is measured: from the message's bytes to the end of the frame that GTK draws of them.
 * That is what it takes to decode them, to change the grid, and all that the frame clock runs between
 * “before-paint” and “after-paint”: layout, the snapshot, and its rendering. In between the clock
 * waits for the display to want the next frame, which is no work and is left out. What the display
 * server does with the picture happens in another process. On a machine that does other things, too,
 * the time that the thread had a processor says more than the clock on the wall. */

#include "editor-replay.h"

#include <time.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

typedef enum
{
  WALL,
  PROCESSOR,
  N_CLOCKS
} Clock;

/* Microseconds. */
typedef struct
{
  gint64 of[N_CLOCKS];
} Times;

typedef struct
{
  EditorView *view;
  MsgpackRpcUnpacker *unpacker;
  GArray *times[N_CLOCKS];      /* of gint64: each frame's */
  Times spent;                  /* on the frame that is next */
  Times paint_start;
  gboolean is_flushed;
  gboolean is_drawing;
  gboolean is_over;
} Replay;

static Times
get_times (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (Times) {
    .of = {
      [WALL] = g_get_monotonic_time (),
      [PROCESSOR] = time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000,
    },
  };
}

static void
add_since (Times       *sum,
           const Times *start)
{
  Times now = get_times ();

  for (Clock clock = 0; clock < N_CLOCKS; clock++)
    sum->of[clock] += now.of[clock] - start->of[clock];
}

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  gint64 one = *(const gint64 *) a, other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

static double
get_percentile (GArray *times,
                guint   percent)
{
  guint i = MIN (times->len * percent / 100, times->len - 1);

  return (double) g_array_index (times, gint64, i) / 1000;
}

static void
report_clock (const char *name,
              GArray     *times)
{
  g_array_sort (times, compare_times);
  g_print ("%s: median %.2f ms, 99th percentile %.2f ms, longest %.2f ms\n", name,
           get_percentile (times, 50), get_percentile (times, 99), get_percentile (times, 100));
}

static void
report (Replay *self)
{
  EditorGrid *grid = editor_view_get_grid (self->view);

  g_print ("%u frames of %u by %u cells\n", self->times[WALL]->len, editor_grid_get_columns (grid),
           editor_grid_get_rows (grid));
  if (self->times[WALL]->len == 0)
    return;

  report_clock ("by the clock", self->times[WALL]);
  report_clock ("of the processor", self->times[PROCESSOR]);
}

static void
flushed_cb (EditorGrid *grid G_GNUC_UNUSED,
            gpointer    user_data)
{
  Replay *self = user_data;

  self->is_flushed = TRUE;
}

/* FALSE at the end. */
static gboolean
draw_message (Replay *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) message = msgpack_rpc_unpacker_next (self->unpacker, &error);
  g_autoptr(GVariant) method = NULL;
  g_autoptr(GVariant) params = NULL;

  if (error != NULL)
    g_printerr ("neovim-gtk: %s\n", error->message);
  if (message == NULL || !g_variant_is_of_type (message, G_VARIANT_TYPE ("av")) ||
      g_variant_n_children (message) != 3)
    return FALSE;

  g_variant_get_child (message, 2, "v", &params);
  if (g_variant_is_of_type (params, G_VARIANT_TYPE ("av")))
    editor_grid_redraw (editor_view_get_grid (self->view), params);
  return TRUE;
}

static gboolean
next_frame_cb (gpointer user_data)
{
  Replay *self = user_data;
  Times start = get_times ();

  self->is_flushed = FALSE;
  while (!self->is_flushed && !self->is_over)
    self->is_over = !draw_message (self);
  self->spent = (Times) { 0 };
  add_since (&self->spent, &start);
  if (self->is_over)
    {
      report (self);
      g_application_quit (g_application_get_default ());
      return G_SOURCE_REMOVE;
    }

  self->is_drawing = TRUE;
  return G_SOURCE_REMOVE;
}

static void
before_paint_cb (GdkFrameClock *clock G_GNUC_UNUSED,
                 gpointer       user_data)
{
  Replay *self = user_data;

  self->paint_start = get_times ();
}

static void
after_paint_cb (GdkFrameClock *clock G_GNUC_UNUSED,
                gpointer       user_data)
{
  Replay *self = user_data;

  if (!self->is_drawing)
    return;

  self->is_drawing = FALSE;
  add_since (&self->spent, &self->paint_start);
  for (Clock i = 0; i < N_CLOCKS; i++)
    g_array_append_val (self->times[i], self->spent.of[i]);
  g_idle_add (next_frame_cb, self);
}

static void
loaded_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Replay *self = user_data;
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self->view));
  g_autoptr(GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_load_contents_finish (G_FILE (source), result, &data, &size, NULL, &error))
    g_printerr ("neovim-gtk: %s\n", error->message);
  if (error != NULL || clock == NULL)
    {
      g_application_quit (g_application_get_default ());
      return;
    }

  msgpack_rpc_unpacker_feed (self->unpacker, (const guint8 *) data, size);
  g_signal_connect (clock, "before-paint", G_CALLBACK (before_paint_cb), self);
  g_signal_connect_after (clock, "after-paint", G_CALLBACK (after_paint_cb), self);
  g_idle_add (next_frame_cb, self);
}

/* The program has nothing else to do: what is made here is there until it ends. */
void
editor_replay_start (EditorView *view,
                     const char *path)
{
  Replay *self = g_new0 (Replay, 1);
  g_autoptr(GFile) file = g_file_new_for_commandline_arg (path);

  self->view = view;
  self->unpacker = msgpack_rpc_unpacker_new ();
  for (Clock clock = 0; clock < N_CLOCKS; clock++)
    self->times[clock] = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_signal_connect (editor_view_get_grid (view), "flushed", G_CALLBACK (flushed_cb), self);
  g_file_load_contents_async (file, NULL, loaded_cb, self);
}
