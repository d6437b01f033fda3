/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-log.h"

#define MAX_ENTRIES 1000

struct _BrowserLog
{
  GtkBox parent_instance;

  GtkEditable *search;
  GtkToggleButton *pause;
  GtkButton *again;
  GtkStack *stack;
  GtkLabel *hint;
  GtkLabel *missed;
  GtkListView *view;
  GtkSingleSelection *selection;
  GtkFilterListModel *filtered;
  GtkCustomFilter *filter;
  GtkRevealer *detail;
  GtkTextView *whole;

  GListStore *entries; /* owned */
  GQueue waiting;      /* of BrowserEntry, the newest first: what the next frame lists */
  guint tick_id;
  char *empty_text;    /* owned */
  guint64 n_missed;    /* while paused */
  gboolean is_history;
};

enum
{
  PROP_0,
  PROP_EMPTY_TEXT,
  PROP_IS_HISTORY,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

enum
{
  SIGNAL_AGAIN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (BrowserLog, browser_log, GTK_TYPE_BOX)

static gboolean
filter_cb (gpointer item,
           gpointer user_data)
{
  BrowserLog *self = user_data;
  const char *text = gtk_editable_get_text (self->search);

  return text[0] == '\0' || browser_entry_contains (item, text);
}

static void
update (BrowserLog *self)
{
  GListModel *shown = G_LIST_MODEL (self->filtered);
  gboolean is_empty = g_list_model_get_n_items (G_LIST_MODEL (self->entries)) == 0;
  g_autofree char *missed = NULL;

  if (self->n_missed > 0)
    missed = g_strdup_printf ("%" G_GUINT64_FORMAT " missed", self->n_missed);
  gtk_label_set_text (self->missed, missed != NULL ? missed : "");
  gtk_widget_set_visible (GTK_WIDGET (self->missed), missed != NULL);
  gtk_label_set_text (self->hint, is_empty ? self->empty_text : "Nothing contains this text");
  gtk_stack_set_visible_child_name (self->stack,
                                    g_list_model_get_n_items (shown) > 0 ? "list" : "hint");
}

/* One change of the list for all that has come, which is as much as can be seen of a flood. What is too
 * old goes with the same change: GTK 4.8 still shows rows that were removed from the end alone. */
static void
list_waiting (BrowserLog *self)
{
  GListModel *listed = G_LIST_MODEL (self->entries);
  GtkAdjustment *adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self->view));
  const gboolean is_at_top = gtk_adjustment_get_value (adjustment) <= 0;
  const guint n_listed = g_list_model_get_n_items (listed);
  const guint n_waiting = g_queue_get_length (&self->waiting);
  const gboolean is_full = n_listed + n_waiting > MAX_ENTRIES;
  g_autoptr(GPtrArray) added = NULL;

  if (n_waiting == 0)
    return;

  added = g_ptr_array_new_with_free_func (g_object_unref);
  while (!g_queue_is_empty (&self->waiting))
    g_ptr_array_add (added, g_queue_pop_head (&self->waiting));
  for (guint i = 0; is_full && added->len < MAX_ENTRIES; i++)
    g_ptr_array_add (added, g_list_model_get_item (listed, i));
  g_list_store_splice (self->entries, 0, is_full ? n_listed : 0, added->pdata, added->len);

  /* Else the list stays with what it shows, which is right for those alone who look for something. */
  if (is_at_top)
    gtk_widget_activate_action (GTK_WIDGET (self->view), "list.scroll-to-item", "u", 0);
}

static gboolean
tick_cb (GtkWidget     *widget,
         GdkFrameClock *clock G_GNUC_UNUSED,
         gpointer       user_data G_GNUC_UNUSED)
{
  BrowserLog *self = BROWSER_LOG (widget);

  self->tick_id = 0;
  list_waiting (self);
  update (self);
  return G_SOURCE_REMOVE;
}

static void
search_changed_cb (GtkSearchEntry *search G_GNUC_UNUSED,
                   gpointer        user_data)
{
  BrowserLog *self = user_data;

  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
  update (self);
}

static void
selected_cb (GtkSingleSelection *selection,
             GParamSpec         *pspec G_GNUC_UNUSED,
             gpointer            user_data)
{
  BrowserLog *self = user_data;
  BrowserEntry *entry = gtk_single_selection_get_selected_item (selection);
  g_autofree char *whole = entry != NULL ? browser_entry_get_whole (entry) : g_strdup ("");

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->whole), whole, -1);
  gtk_revealer_set_reveal_child (self->detail, entry != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->detail), entry != NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (self->again),
                            entry != NULL && browser_entry_get_method (entry) != NULL);
}

static void
pause_cb (GtkToggleButton *button,
          gpointer         user_data)
{
  BrowserLog *self = user_data;

  if (!gtk_toggle_button_get_active (button))
    self->n_missed = 0;
  update (self);
}

static void
clear_cb (GtkButton *button G_GNUC_UNUSED,
          gpointer   user_data)
{
  BrowserLog *self = user_data;

  g_queue_clear_full (&self->waiting, g_object_unref);
  g_list_store_remove_all (self->entries);
  self->n_missed = 0;
  update (self);
}

static void
again_cb (GtkWidget *widget G_GNUC_UNUSED,
          gpointer   user_data)
{
  BrowserLog *self = user_data;
  BrowserEntry *entry = gtk_single_selection_get_selected_item (self->selection);

  if (entry != NULL && browser_entry_get_method (entry) != NULL)
    g_signal_emit (self, signals[SIGNAL_AGAIN], 0, entry);
}

static void
activated_cb (GtkListView *view,
              guint        position G_GNUC_UNUSED,
              gpointer     user_data)
{
  again_cb (GTK_WIDGET (view), user_data);
}

void
browser_log_add (BrowserLog   *self,
                 BrowserEntry *entry)
{
  if (gtk_toggle_button_get_active (self->pause))
    {
      self->n_missed++;
      g_object_unref (entry);
    }
  else
    {
      g_queue_push_head (&self->waiting, entry);
      if (g_queue_get_length (&self->waiting) > MAX_ENTRIES)
        g_object_unref (g_queue_pop_tail (&self->waiting));
    }

  /* What nobody sees is listed when it is shown. */
  if (self->tick_id == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

void
browser_log_focus_search (BrowserLog *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
browser_log_set_property (GObject      *object,
                          guint         prop_id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  BrowserLog *self = BROWSER_LOG (object);

  switch (prop_id)
    {
    case PROP_EMPTY_TEXT:
      self->empty_text = g_value_dup_string (value);
      break;

    case PROP_IS_HISTORY:
      self->is_history = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* What is done oneself is not paused, and what comes cannot be called. */
static void
browser_log_constructed (GObject *object)
{
  BrowserLog *self = BROWSER_LOG (object);

  gtk_widget_set_visible (GTK_WIDGET (self->pause), !self->is_history);
  gtk_widget_set_visible (GTK_WIDGET (self->again), self->is_history);
  update (self);

  G_OBJECT_CLASS (browser_log_parent_class)->constructed (object);
}

static void
browser_log_map (GtkWidget *widget)
{
  BrowserLog *self = BROWSER_LOG (widget);

  list_waiting (self);
  update (self);

  GTK_WIDGET_CLASS (browser_log_parent_class)->map (widget);
}

static void
browser_log_unmap (GtkWidget *widget)
{
  BrowserLog *self = BROWSER_LOG (widget);

  if (self->tick_id != 0)
    gtk_widget_remove_tick_callback (widget, self->tick_id);
  self->tick_id = 0;

  GTK_WIDGET_CLASS (browser_log_parent_class)->unmap (widget);
}

static void
browser_log_dispose (GObject *object)
{
  BrowserLog *self = BROWSER_LOG (object);

  /* The filter would look at what is disposed of. */
  if (self->filter != NULL)
    gtk_custom_filter_set_filter_func (self->filter, NULL, NULL, NULL);
  g_clear_object (&self->filter);
  g_queue_clear_full (&self->waiting, g_object_unref);
  g_clear_object (&self->entries);

  G_OBJECT_CLASS (browser_log_parent_class)->dispose (object);
}

static void
browser_log_finalize (GObject *object)
{
  g_free (BROWSER_LOG (object)->empty_text);

  G_OBJECT_CLASS (browser_log_parent_class)->finalize (object);
}

static void
browser_log_class_init (BrowserLogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = browser_log_set_property;
  object_class->constructed = browser_log_constructed;
  object_class->dispose = browser_log_dispose;
  object_class->finalize = browser_log_finalize;
  widget_class->map = browser_log_map;
  widget_class->unmap = browser_log_unmap;

  props[PROP_EMPTY_TEXT] = g_param_spec_string ("empty-text", NULL, NULL, "", flags);
  props[PROP_IS_HISTORY] = g_param_spec_boolean ("is-history", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  signals[SIGNAL_AGAIN] = g_signal_new ("again", BROWSER_TYPE_LOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, BROWSER_TYPE_ENTRY);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/msgpackrpc_glib/RpcBrowser/browser-log.ui");
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, again);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, detail);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, filtered);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, hint);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, missed);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, pause);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, search);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, selection);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, view);
  gtk_widget_class_bind_template_child (widget_class, BrowserLog, whole);
  gtk_widget_class_bind_template_callback (widget_class, activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, again_cb);
  gtk_widget_class_bind_template_callback (widget_class, clear_cb);
  gtk_widget_class_bind_template_callback (widget_class, pause_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, selected_cb);
}

static void
browser_log_init (BrowserLog *self)
{
  g_type_ensure (BROWSER_TYPE_ENTRY);
  gtk_widget_init_template (GTK_WIDGET (self));
  g_queue_init (&self->waiting);

  self->entries = g_list_store_new (BROWSER_TYPE_ENTRY);
  self->filter = gtk_custom_filter_new (filter_cb, self, NULL);
  gtk_filter_list_model_set_filter (self->filtered, GTK_FILTER (self->filter));
  gtk_filter_list_model_set_model (self->filtered, G_LIST_MODEL (self->entries));
}
