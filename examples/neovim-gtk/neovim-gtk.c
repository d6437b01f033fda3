/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A window on Neovim. See --help. */

#include <locale.h>

#include <gtk/gtk.h>

#include "editor-replay.h"
#include "editor-window.h"

typedef struct
{
  guint columns;
  guint rows;
  char *replay;    /* owned, nullable: a file */
  char **arguments; /* owned: of Neovim */
} Options;

static gboolean
parse_geometry (const char  *name G_GNUC_UNUSED,
                const char  *value,
                gpointer     data,
                GError     **error)
{
  Options *options = data;
  char end;

  if (sscanf (value, "%3ux%3u%c", &options->columns, &options->rows, &end) == 2 &&
      options->columns > 0 && options->rows > 0)
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "“%s” is no geometry such as 100x32", value);
  return FALSE;
}

/* What is not for us is for Neovim. */
static gboolean
parse (Options   *options,
       int        argc,
       char     **argv,
       GError   **error)
{
  const GOptionEntry entries[] = {
    { "geometry", 0, 0, G_OPTION_ARG_CALLBACK, parse_geometry,
      "Open with so many cells; 100x32 by default", "COLUMNSxROWS" },
    { "replay", 0, 0, G_OPTION_ARG_FILENAME, &options->replay,
      "Draw what Neovim has sent to a user interface once, and say how long each frame took",
      "FILE" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr(GOptionContext) context = g_option_context_new ("[OPTION OF nvim | FILE]…");
  GOptionGroup *group = g_option_group_new (NULL, NULL, NULL, options, NULL);
  g_auto(GStrv) arguments = g_strdupv (argv);

  g_option_group_add_entries (group, entries);
  g_option_context_set_main_group (context, group);
  g_option_context_set_summary (context, "A window on Neovim, of which the program nvim is run.");
  g_option_context_set_ignore_unknown_options (context, TRUE);
  /* It leaves what it has not taken, and frees nothing. */
  if (argc == 0 || !g_option_context_parse_strv (context, &arguments, error))
    return FALSE;

  options->arguments = g_strdupv (arguments + 1);
  return TRUE;
}

static EditorWindow *
open_window (GtkApplication *application,
             Options        *options)
{
  gboolean is_replay = options->replay != NULL;
  EditorWindow *window = editor_window_new (application, is_replay ? NULL
                                              : (const char * const *) options->arguments);

  if (options->columns > 0)
    editor_view_set_natural_size (editor_window_get_view (window), options->columns, options->rows);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

static void
activate_cb (GtkApplication *application,
             gpointer        user_data)
{
  Options *options = user_data;
  EditorWindow *window = open_window (application, options);

  if (options->replay != NULL)
    editor_replay_start (editor_window_get_view (window), options->replay);
}

static void
new_window_cb (GSimpleAction *action G_GNUC_UNUSED,
               GVariant      *parameter G_GNUC_UNUSED,
               gpointer       user_data)
{
  GtkApplication *application = user_data;
  const char *no_arguments[] = { NULL };

  gtk_window_present (GTK_WINDOW (editor_window_new (application, no_arguments)));
}

/* Neovim has most other keys. */
static void
add_accelerators (GtkApplication *application)
{
  static const struct
  {
    const char *action;
    const char *accelerators[3];
  } keys[] = {
    { "app.new-window", { "<Control><Shift>n" } },
    { "win.open", { "<Control><Shift>o" } },
    { "win.restart", { "<Control><Shift>r" } },
    { "win.zoom(1)", { "<Control>plus", "<Control>equal" } },
    { "win.zoom(-1)", { "<Control>minus" } },
    { "win.zoom(0)", { "<Control>0" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (application, keys[i].action, keys[i].accelerators);
}

int
main (int    argc,
      char **argv)
{
  static const GActionEntry actions[] = {
    { .name = "new-window", .activate = new_window_cb },
  };
  g_autoptr(GtkApplication) application = NULL;
  g_autoptr(GError) error = NULL;
  Options options = { 0 };
  int status;

  setlocale (LC_ALL, "");
  if (!parse (&options, argc, argv, &error))
    {
      g_printerr ("neovim-gtk: %s\n", error != NULL ? error->message : "there is no name");
      return 2;
    }

  application = gtk_application_new ("io.github.msgpackrpc_glib.NeovimGtk",
                                     G_APPLICATION_NON_UNIQUE);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  add_accelerators (application);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), &options);
  status = g_application_run (G_APPLICATION (application), 0, NULL);
  g_free (options.replay);
  g_strfreev (options.arguments);
  return status;
}
