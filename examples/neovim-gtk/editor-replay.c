/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How a frame is measured: from the message's bytes to the end of the frame that GTK draws of them.
 * That is what it takes to decode them, to change the grid, and all that the frame clock runs between
 * “before-paint” and “after-paint”: layout, the snapshot, and its rendering. In between the clock
 * waits for the display to want the next frame, which is no work and is left out. What the display
 * server does with the picture happens in another process. */

#include "editor-replay.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

typedef struct
{
  EditorView *view;
  MsgpackRpcUnpacker *unpacker;
  GArray *times;                /* of gint64: microseconds of each frame */
  gint64 spent;                 /* on the frame that is next */
  gint64 paint_start;
  gboolean is_flushed;
  gboolean is_drawing;
  gboolean is_over;
} Replay;

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  gint64 one = *(const gint64 *) a, other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

static double
get_percentile (Replay *self,
                guint   percent)
{
  guint i = MIN (self->times->len * percent / 100, self->times->len - 1);

  return (double) g_array_index (self->times, gint64, i) / 1000;
}

static void
report (Replay *self)
{
  EditorGrid *grid = editor_view_get_grid (self->view);

  if (self->times->len == 0)
    {
      g_print ("no frames\n");
      return;
    }

  g_array_sort (self->times, compare_times);
  g_print ("%u frames of %u by %u cells: median %.2f ms, 99th percentile %.2f ms, longest %.2f ms\n",
           self->times->len, editor_grid_get_columns (grid), editor_grid_get_rows (grid),
           get_percentile (self, 50), get_percentile (self, 99), get_percentile (self, 100));
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
  gint64 start = g_get_monotonic_time ();

  self->is_flushed = FALSE;
  while (!self->is_flushed && !self->is_over)
    self->is_over = !draw_message (self);
  self->spent = g_get_monotonic_time () - start;
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

  self->paint_start = g_get_monotonic_time ();
}

static void
after_paint_cb (GdkFrameClock *clock G_GNUC_UNUSED,
                gpointer       user_data)
{
  Replay *self = user_data;
  gint64 time = self->spent + g_get_monotonic_time () - self->paint_start;

  if (!self->is_drawing)
    return;

  self->is_drawing = FALSE;
  g_array_append_val (self->times, time);
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
  self->times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_signal_connect (editor_view_get_grid (view), "flushed", G_CALLBACK (flushed_cb), self);
  g_file_load_contents_async (file, NULL, loaded_cb, self);
}
