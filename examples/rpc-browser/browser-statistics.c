/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-statistics.h"

#include <string.h>

/* Looked at once a second, for a minute. */
#define N_SAMPLES 60
#define CHART_HEIGHT 110

struct _BrowserStatistics
{
  GtkBox parent_instance;

  GtkDrawingArea *chart;
  GtkLabel *received;
  GtkLabel *sent;
  GtkFlowBox *counters;

  MsgpackRpcClient *client;         /* owned, nullable */
  MsgpackRpcConnection *connection; /* owned, nullable; the one that was counted last */
  GHashTable *labels;               /* of GtkLabel by the names of what is counted */
  guint64 received_before;
  guint64 sent_before;
  double received_rates[N_SAMPLES]; /* in bytes per second, the newest last */
  double sent_rates[N_SAMPLES];
  guint timer;
};

G_DEFINE_FINAL_TYPE (BrowserStatistics, browser_statistics, GTK_TYPE_BOX)

/* ---- the curve ---- */

static void
draw_curve (cairo_t       *cr,
            const double  *rates,
            double         max,
            int            width,
            int            height,
            const GdkRGBA *colour)
{
  for (guint i = 0; i < N_SAMPLES; i++)
    cairo_line_to (cr, (double) width * i / (N_SAMPLES - 1),
                   height - 1 - (height - 4) * rates[i] / max);

  gdk_cairo_set_source_rgba (cr, colour);
  cairo_set_line_width (cr, 2);
  cairo_stroke_preserve (cr);
  cairo_line_to (cr, width, height);
  cairo_line_to (cr, 0, height);
  cairo_close_path (cr);
  cairo_set_source_rgba (cr, colour->red, colour->green, colour->blue, 0.15);
  cairo_fill (cr);
}

static void
draw_cb (GtkDrawingArea *area G_GNUC_UNUSED,
         cairo_t        *cr,
         int             width,
         int             height,
         gpointer        user_data)
{
  BrowserStatistics *self = user_data;
  GdkRGBA colour;
  double max = 1024;

  for (guint i = 0; i < N_SAMPLES; i++)
    max = MAX (max, MAX (self->received_rates[i], self->sent_rates[i]));

  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self->received)), &colour);
  draw_curve (cr, self->received_rates, max, width, height, &colour);
  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self->sent)), &colour);
  draw_curve (cr, self->sent_rates, max, width, height, &colour);
}

static void
push (double *rates,
      double  rate)
{
  memmove (rates, rates + 1, (N_SAMPLES - 1) * sizeof (double));
  rates[N_SAMPLES - 1] = rate;
}

static void
set_rate (GtkLabel   *label,
          const char *what,
          guint64     rate)
{
  g_autofree char *size = g_format_size (rate);
  g_autofree char *text = g_strdup_printf ("● %s %s/s", what, size);

  gtk_label_set_text (label, text);
}

static void
add_rates (BrowserStatistics *self,
           guint64            received,
           guint64            sent)
{
  push (self->received_rates, (double) received);
  push (self->sent_rates, (double) sent);
  set_rate (self->received, "Received", received);
  set_rate (self->sent, "Sent", sent);
  gtk_widget_queue_draw (GTK_WIDGET (self->chart));
}

/* ---- the numbers ---- */

static GtkLabel *
add_counter (BrowserStatistics *self,
             const char        *key)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  g_autofree char *name = g_strdelimit (g_strdup (key), "-", ' ');
  GtkWidget *title, *number;

  name[0] = g_ascii_toupper (name[0]);
  title = gtk_label_new (name);
  number = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_set_hexpand (title, TRUE);
  gtk_widget_add_css_class (title, "dim-label");
  gtk_widget_add_css_class (number, "numeric");
  gtk_accessible_update_property (GTK_ACCESSIBLE (number), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, name,
                                  -1);
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), number);
  gtk_flow_box_insert (self->counters, box, -1);
  gtk_widget_set_focusable (gtk_widget_get_parent (box), FALSE);
  g_hash_table_insert (self->labels, g_strdup (key), number);
  return GTK_LABEL (number);
}

static void
show_counter (BrowserStatistics *self,
              const char        *key,
              guint64            value)
{
  GtkLabel *label = g_hash_table_lookup (self->labels, key);
  g_autofree char *text = NULL;

  if (label == NULL)
    label = add_counter (self, key);
  if (g_str_has_suffix (key, "bytes"))
    text = g_format_size (value);
  else
    text = g_strdup_printf ("%'" G_GUINT64_FORMAT, value);
  gtk_label_set_text (label, text);
}

static void
show_counters (BrowserStatistics *self,
               GVariant          *statistics)
{
  GVariantIter iter;
  const char *key;
  GVariant *boxed;

  g_variant_iter_init (&iter, statistics);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &boxed))
    show_counter (self, key, g_variant_get_uint64 (boxed));
}

static gboolean
update_cb (gpointer user_data)
{
  BrowserStatistics *self = user_data;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) statistics = NULL;
  guint64 received = 0, sent = 0;

  if (self->client != NULL)
    connection = msgpack_rpc_client_get_connection (self->client);
  if (connection == NULL)
    {
      add_rates (self, 0, 0);
      return G_SOURCE_CONTINUE;
    }

  if (g_set_object (&self->connection, connection))
    self->received_before = self->sent_before = 0;
  statistics = msgpack_rpc_connection_get_statistics (connection);
  g_variant_lookup (statistics, "received-bytes", "t", &received);
  g_variant_lookup (statistics, "sent-bytes", "t", &sent);
  add_rates (self, received - self->received_before, sent - self->sent_before);
  self->received_before = received;
  self->sent_before = sent;
  if (gtk_widget_get_mapped (GTK_WIDGET (self)) || g_hash_table_size (self->labels) == 0)
    show_counters (self, statistics);

  return G_SOURCE_CONTINUE;
}

static void
browser_statistics_map (GtkWidget *widget)
{
  BrowserStatistics *self = BROWSER_STATISTICS (widget);

  GTK_WIDGET_CLASS (browser_statistics_parent_class)->map (widget);

  if (self->connection != NULL)
    {
      g_autoptr(GVariant) statistics = msgpack_rpc_connection_get_statistics (self->connection);

      show_counters (self, statistics);
    }
}

void
browser_statistics_set_client (BrowserStatistics *self,
                               MsgpackRpcClient  *client)
{
  g_set_object (&self->client, client);
}

static void
browser_statistics_dispose (GObject *object)
{
  BrowserStatistics *self = BROWSER_STATISTICS (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_clear_object (&self->connection);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (browser_statistics_parent_class)->dispose (object);
}

static void
browser_statistics_class_init (BrowserStatisticsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = browser_statistics_dispose;
  widget_class->map = browser_statistics_map;
}

static GtkLabel *
add_legend (GtkBox     *legend,
            const char *css_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_widget_add_css_class (label, css_class);
  gtk_widget_add_css_class (label, "numeric");
  gtk_box_append (legend, label);
  return GTK_LABEL (label);
}

static void
browser_statistics_init (BrowserStatistics *self)
{
  GtkWidget *legend = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 18);

  self->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 12);

  self->received = add_legend (GTK_BOX (legend), "received");
  self->sent = add_legend (GTK_BOX (legend), "sent");
  gtk_box_append (GTK_BOX (self), legend);

  self->chart = GTK_DRAWING_AREA (gtk_drawing_area_new ());
  gtk_drawing_area_set_content_height (self->chart, CHART_HEIGHT);
  gtk_drawing_area_set_draw_func (self->chart, draw_cb, self, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->chart), "chart");
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->chart));

  self->counters = GTK_FLOW_BOX (gtk_flow_box_new ());
  gtk_flow_box_set_selection_mode (self->counters, GTK_SELECTION_NONE);
  gtk_flow_box_set_homogeneous (self->counters, TRUE);
  gtk_flow_box_set_max_children_per_line (self->counters, 2);
  gtk_flow_box_set_column_spacing (self->counters, 36);
  gtk_flow_box_set_row_spacing (self->counters, 2);
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->counters));

  add_rates (self, 0, 0);
  self->timer = g_timeout_add_seconds (1, update_cb, self);
}
