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
  gboolean is_started;
};

G_DEFINE_FINAL_TYPE (EditorWindow, editor_window, GTK_TYPE_APPLICATION_WINDOW)

static void
show_bar (EditorWindow *self,
          const char   *message,
          gboolean      is_dead)
{
  gtk_label_set_text (self->message, message);
  gtk_button_set_label (self->restart, is_dead ? "_Restart" : "_Stop It");
  gtk_button_set_use_underline (self->restart, TRUE);
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

  if (editor_session_is_stalled (session))
    show_bar (self, "Neovim does not answer. What you type waits until it does.", FALSE);
  else
    hide_bar (self);
}

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
  if (error == NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }

  message = g_strdup_printf ("%s. What was not saved may be in its swap file.", error->message);
  show_bar (self, message, TRUE);
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
  editor_session_start (self->session, columns, rows);
}

static void
restart_clicked_cb (GtkButton *button G_GNUC_UNUSED,
                    gpointer   user_data)
{
  EditorWindow *self = user_data;

  if (self->session != NULL)
    {
      /* That it has ended comes next. */
      editor_session_stop (self->session);
      return;
    }

  start_session (self);
  hide_bar (self);
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

  if (!self->is_started)
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
  if (font != NULL)
    editor_view_set_font (self->view, font);
}

/* Neovim asks about what is not saved, and ends, or does not. */
static gboolean
editor_window_close_request (GtkWindow *window)
{
  EditorWindow *self = EDITOR_WINDOW (window);

  if (self->session == NULL || !editor_session_is_running (self->session))
    return GDK_EVENT_PROPAGATE;

  editor_session_run (self->session, "confirm qall");
  return GDK_EVENT_STOP;
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

  G_OBJECT_CLASS (editor_window_parent_class)->dispose (object);
}

static void
editor_window_class_init (EditorWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GtkWindowClass *window_class = GTK_WINDOW_CLASS (klass);

  object_class->dispose = editor_window_dispose;
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
  gtk_widget_class_bind_template_callback (widget_class, restart_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, typed_cb);
}

static void
editor_window_init (EditorWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
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
