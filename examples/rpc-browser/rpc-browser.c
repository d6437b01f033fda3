/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Looks at what programs offer by MessagePack-RPC: rpc-browser [ADDRESS]… */

#include <gtk/gtk.h>

#include "browser-window.h"

static int
command_line_cb (GApplication            *application,
                 GApplicationCommandLine *command_line,
                 gpointer                 user_data G_GNUC_UNUSED)
{
  g_auto(GStrv) arguments = g_application_command_line_get_arguments (command_line, NULL);
  guint i = 1;

  do
    {
      BrowserWindow *window = browser_window_new (GTK_APPLICATION (application));

      gtk_window_present (GTK_WINDOW (window));
      if (arguments[i] != NULL)
        browser_window_open (window, arguments[i++]);
    }
  while (arguments[i] != NULL);

  return 0;
}

static void
startup_cb (GApplication *application G_GNUC_UNUSED,
            gpointer      user_data G_GNUC_UNUSED)
{
  g_autoptr(GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider,
                                       "/io/github/msgpackrpc_glib/RpcBrowser/rpc-browser.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (),
                                              GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GtkApplication) application = NULL;

  application = gtk_application_new ("io.github.msgpackrpc_glib.RpcBrowser",
                                     G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "startup", G_CALLBACK (startup_cb), NULL);
  g_signal_connect (application, "command-line", G_CALLBACK (command_line_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
