/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A window on Neovim: neovim-gtk [OPTION OF nvim | FILE]… */

#include <gtk/gtk.h>

#include "editor-window.h"

static int
command_line_cb (GApplication            *application,
                 GApplicationCommandLine *command_line,
                 gpointer                 user_data G_GNUC_UNUSED)
{
  g_auto(GStrv) arguments = g_application_command_line_get_arguments (command_line, NULL);
  EditorWindow *window;

  window = editor_window_new (GTK_APPLICATION (application),
                              (const char * const *) arguments + 1);
  gtk_window_present (GTK_WINDOW (window));
  return 0;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GtkApplication) application = NULL;

  application = gtk_application_new ("io.github.msgpackrpc_glib.NeovimGtk",
                                     G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "command-line", G_CALLBACK (command_line_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
