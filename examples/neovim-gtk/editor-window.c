/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-window.h"

#include "editor-session.h"

struct _EditorWindow
{
  GtkApplicationWindow parent_instance;

  GtkWidget *bar;
  GtkLabel *message;
  GtkButton *restart;
  EditorView *view;
  EditorSession *session; /* owned */
  char **arguments;       /* owned */
  char *font;             /* owned; as Neovim has named it last */
  gboolean is_started;
  gboolean is_restarting; /* when the session has ended */
  gboolean was_warned;    /* of what closing a Neovim that is stalled does */
};

G_DEFINE_FINAL_TYPE (EditorWindow, editor_window, GTK_TYPE_APPLICATION_WINDOW)

static void
show_bar (EditorWindow *self,
          const char   *message)
{
  gboolean is_dead = self->session == NULL;

  gtk_label_set_text (self->message, message);
  gtk_button_set_label (self->restart, is_dead ? "Restart" : "Stop and Restart");
  gtk_info_bar_set_message_type (GTK_INFO_BAR (self->bar),
                                 is_dead ? GTK_MESSAGE_ERROR : GTK_MESSAGE_WARNING);
  gtk_info_bar_set_revealed (GTK_INFO_BAR (self->bar), TRUE);
  if (is_dead)
    gtk_widget_grab_focus (GTK_WIDGET (self->restart));
}

static void
hide_bar (EditorWindow *self)
{
  gtk_info_bar_set_revealed (GTK_INFO_BAR (self->bar), FALSE);
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

static void
stalled_changed_cb (EditorSession *session,
                    gpointer       user_data)
{
  EditorWindow *self = user_data;

  if (session != self->session)
    return;

  self->was_warned = FALSE;
  if (editor_session_is_stalled (session))
    show_bar (self, "Neovim does not answer. What you type waits until it does.");
  else
    hide_bar (self);
}

static void start_session (EditorWindow *self);

static void
ended_cb (EditorSession *session,
          GError        *error,
          gpointer       user_data)
{
  EditorWindow *self = user_data;
  g_autofree char *message = NULL;

  if (session != self->session)
    return;

  g_clear_object (&self->session);
  if (self->is_restarting)
    {
      self->is_restarting = FALSE;
      start_session (self);
      return;
    }
  if (error == NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }

  message = error->code == G_IO_ERROR_NOT_FOUND
    ? g_strdup_printf ("%s. Once it is, restart.", error->message)
    : g_strdup_printf ("%s. What was not saved may be in its swap file.", error->message);
  show_bar (self, message);
}

/* As it is drawn, whatever theme and setting that comes from. */
static gboolean
is_dark (EditorWindow *self)
{
  GdkRGBA colour;

  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), &colour);
  return colour.red + colour.green + colour.blue > 1.5f;
}

static void
start_session (EditorWindow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  guint columns, rows;

  self->session = editor_session_new (editor_view_get_grid (self->view),
                                      gtk_widget_get_clipboard (widget),
                                      gtk_widget_get_primary_clipboard (widget),
                                      (const char * const *) self->arguments);
  g_signal_connect_object (self->session, "ended", G_CALLBACK (ended_cb), self, 0);
  g_signal_connect_object (self->session, "stalled-changed", G_CALLBACK (stalled_changed_cb), self,
                           0);
  editor_view_get_size (self->view, &columns, &rows);
  editor_session_set_dark (self->session, is_dark (self));
  editor_session_start (self->session, columns, rows);
  hide_bar (self);
}

static void
restart (GtkWidget  *widget,
         const char *action G_GNUC_UNUSED,
         GVariant   *target G_GNUC_UNUSED)
{
  EditorWindow *self = EDITOR_WINDOW (widget);

  if (self->session == NULL)
    {
      start_session (self);
      return;
    }

  /* That it has ended comes next. */
  self->is_restarting = TRUE;
  editor_session_stop (self->session);
}

static void
zoom (GtkWidget  *widget,
      const char *action G_GNUC_UNUSED,
      GVariant   *target)
{
  editor_view_zoom (EDITOR_WINDOW (widget)->view, g_variant_get_int32 (target));
}

static void
chosen_cb (GtkNativeDialog *dialog,
           int              response,
           gpointer         user_data)
{
  EditorWindow *self = user_data;
  g_autoptr(GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (response == GTK_RESPONSE_ACCEPT && path != NULL && self->session != NULL)
    editor_session_edit (self->session, path);
  gtk_native_dialog_destroy (dialog);
  g_object_unref (dialog);
}

static void
open_file (GtkWidget  *widget,
           const char *action G_GNUC_UNUSED,
           GVariant   *target G_GNUC_UNUSED)
{
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new ("Open a File", GTK_WINDOW (widget),
                                        GTK_FILE_CHOOSER_ACTION_OPEN, "_Open", "_Cancel");
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (chosen_cb), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static gboolean
dropped_cb (GtkDropTarget *target G_GNUC_UNUSED,
            const GValue  *value,
            double         x G_GNUC_UNUSED,
            double         y G_GNUC_UNUSED,
            gpointer       user_data)
{
  EditorWindow *self = user_data;
  g_autofree char *path = g_file_get_path (g_value_get_object (value));

  if (path == NULL || self->session == NULL)
    return FALSE;

  editor_session_edit (self->session, path);
  return TRUE;
}

static void
typed_cb (EditorView *view G_GNUC_UNUSED,
          const char *keys,
          gpointer    user_data)
{
  EditorWindow *self = user_data;

  if (self->session != NULL)
    editor_session_type (self->session, keys);
}

static void
mouse_cb (EditorView *view G_GNUC_UNUSED,
          const char *button,
          const char *action,
          const char *modifiers,
          guint       row,
          guint       column,
          gpointer    user_data)
{
  EditorWindow *self = user_data;

  if (self->session != NULL)
    editor_session_mouse (self->session, button, action, modifiers, row, column);
}

/* It is started when its size is known. */
static void
resized_cb (EditorView *view G_GNUC_UNUSED,
            guint       columns,
            guint       rows,
            gpointer    user_data)
{
  EditorWindow *self = user_data;

  if (!self->is_started && self->arguments != NULL)
    {
      self->is_started = TRUE;
      start_session (self);
    }
  else if (self->session != NULL)
    {
      editor_session_resize (self->session, columns, rows);
    }
}

/* “DejaVu Sans Mono:h12” is what Neovim calls “DejaVu Sans Mono 12”; spaces may be underscores. */
static char *
make_font (const char *guifont)
{
  g_auto(GStrv) fonts = g_strsplit (guifont, ",", 2);
  g_auto(GStrv) parts = g_strsplit (fonts[0] != NULL ? fonts[0] : "", ":", -1);
  GString *font;

  if (parts[0] == NULL || parts[0][0] == '\0')
    return NULL;

  font = g_string_new (parts[0]);
  g_string_replace (font, "_", " ", 0);
  for (guint i = 1; parts[i] != NULL; i++)
    {
      if (parts[i][0] == 'b')
        g_string_append (font, " Bold");
      if (parts[i][0] == 'i')
        g_string_append (font, " Italic");
    }
  for (guint i = 1; parts[i] != NULL; i++)
    if (parts[i][0] == 'h')
      g_string_append_printf (font, " %s", parts[i] + 1);

  return g_string_free (font, FALSE);
}

static void
flushed_cb (EditorGrid *grid,
            gpointer    user_data)
{
  EditorWindow *self = user_data;
  const char *title = editor_grid_get_title (grid);
  g_autofree char *font = make_font (editor_grid_get_font (grid));

  gtk_window_set_title (GTK_WINDOW (self), title[0] != '\0' ? title : "Neovim");
  if (font == NULL || g_strcmp0 (font, self->font) == 0)
    return;

  g_free (self->font);
  self->font = g_steal_pointer (&font);
  editor_view_set_font (self->view, self->font);
}

static gboolean
editor_window_close_request (GtkWindow *window)
{
  EditorWindow *self = EDITOR_WINDOW (window);

  if (self->session == NULL || !editor_session_is_running (self->session))
    return GDK_EVENT_PROPAGATE;

  if (editor_session_is_stalled (self->session))
    {
      if (!self->was_warned)
        {
          self->was_warned = TRUE;
          show_bar (self, "Neovim does not answer. Close the window again to end it: what was not "
                          "saved may be in its swap file.");
          return GDK_EVENT_STOP;
        }

      editor_session_stop (self->session);
      return GDK_EVENT_PROPAGATE;
    }

  if (!editor_session_quit (self->session))
    show_bar (self, "Neovim waits for an answer before it ends.");
  return GDK_EVENT_STOP;
}

static void
editor_window_css_changed (GtkWidget         *widget,
                           GtkCssStyleChange *change)
{
  EditorWindow *self = EDITOR_WINDOW (widget);

  GTK_WIDGET_CLASS (editor_window_parent_class)->css_changed (widget, change);
  if (self->session != NULL)
    editor_session_set_dark (self->session, is_dark (self));
}

EditorView *
editor_window_get_view (EditorWindow *self)
{
  return self->view;
}

static void
editor_window_dispose (GObject *object)
{
  EditorWindow *self = EDITOR_WINDOW (object);

  g_clear_object (&self->session);
  g_clear_pointer (&self->arguments, g_strfreev);
  g_clear_pointer (&self->font, g_free);

  G_OBJECT_CLASS (editor_window_parent_class)->dispose (object);
}

static void
editor_window_class_init (EditorWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GtkWindowClass *window_class = GTK_WINDOW_CLASS (klass);

  object_class->dispose = editor_window_dispose;
  widget_class->css_changed = editor_window_css_changed;
  window_class->close_request = editor_window_close_request;

  g_type_ensure (EDITOR_TYPE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
    "/io/github/msgpackrpc_glib/NeovimGtk/editor-window.ui");
  gtk_widget_class_bind_template_child (widget_class, EditorWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, EditorWindow, message);
  gtk_widget_class_bind_template_child (widget_class, EditorWindow, restart);
  gtk_widget_class_bind_template_child (widget_class, EditorWindow, view);
  gtk_widget_class_bind_template_callback (widget_class, mouse_cb);
  gtk_widget_class_bind_template_callback (widget_class, resized_cb);
  gtk_widget_class_bind_template_callback (widget_class, typed_cb);
  gtk_widget_class_install_action (widget_class, "win.open", NULL, open_file);
  gtk_widget_class_install_action (widget_class, "win.restart", NULL, restart);
  gtk_widget_class_install_action (widget_class, "win.zoom", "i", zoom);
}

static void
editor_window_init (EditorWindow *self)
{
  GtkDropTarget *drop = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);

  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (drop, "drop", G_CALLBACK (dropped_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
  g_signal_connect_object (editor_view_get_grid (self->view), "flushed", G_CALLBACK (flushed_cb),
                           self, 0);
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

EditorWindow *
editor_window_new (GtkApplication     *application,
                   const char * const *arguments)
{
  EditorWindow *self = g_object_new (EDITOR_TYPE_WINDOW, "application", application, NULL);

  self->arguments = g_strdupv ((char **) arguments);
  return self;
}
