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
  GVariantDict *options = g_application_command_line_get_options_dict (command_line);
  g_autofree const char **addresses = NULL;
  guint i = 0;

  g_variant_dict_lookup (options, G_OPTION_REMAINING, "^a&ay", &addresses);
  do
    {
      BrowserWindow *window = browser_window_new (GTK_APPLICATION (application));

      gtk_window_present (GTK_WINDOW (window));
      if (addresses != NULL)
        browser_window_open (window, addresses[i++]);
    }
  while (addresses != NULL && addresses[i] != NULL);

  return 0;
}

/* ---- what all windows have in common ---- */

static void
new_window_action (GSimpleAction *action G_GNUC_UNUSED,
                   GVariant      *parameter G_GNUC_UNUSED,
                   gpointer       user_data)
{
  gtk_window_present (GTK_WINDOW (browser_window_new (user_data)));
}

static void
quit_action (GSimpleAction *action G_GNUC_UNUSED,
             GVariant      *parameter G_GNUC_UNUSED,
             gpointer       user_data)
{
  g_application_quit (user_data);
}

static void
dark_action (GSimpleAction *action,
             GVariant      *state,
             gpointer       user_data G_GNUC_UNUSED)
{
  g_object_set (gtk_settings_get_default (), "gtk-application-prefer-dark-theme",
                g_variant_get_boolean (state), NULL);
  g_simple_action_set_state (action, state);
}

static const GActionEntry actions[] = {
  { .name = "dark", .state = "false", .change_state = dark_action },
  { .name = "new-window", .activate = new_window_action },
  { .name = "quit", .activate = quit_action },
};

static const struct
{
  const char *action;
  const char *keys[3];
} shortcuts[] = {
  { "app.new-window", { "<Control>n" } },
  { "app.quit", { "<Control>q" } },
  { "win.call", { "<Control>Return", "<Control>KP_Enter" } },
  { "win.cancel", { "Escape" } },
  { "win.find", { "<Control>f" } },
  { "win.focus-address", { "<Control>l" } },
  { "win.page::call", { "<Alt>1" } },
  { "win.page::history", { "<Alt>4" } },
  { "win.page::in-flight", { "<Alt>2" } },
  { "win.page::messages", { "<Alt>3" } },
  { "win.page::statistics", { "<Alt>5" } },
  { "win.refresh", { "<Control>r", "F5" } },
  { "win.send", { "<Control><Shift>Return" } },
  { "win.show-help-overlay", { "<Control>question", "<Control>F1" } },
  { "window.close", { "<Control>w" } },
};

/* The user may have chosen dark windows everywhere. */
static void
add_actions (GtkApplication *application)
{
  gboolean is_dark;

  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  g_object_get (gtk_settings_get_default (), "gtk-application-prefer-dark-theme", &is_dark, NULL);
  g_action_group_change_action_state (G_ACTION_GROUP (application), "dark",
                                      g_variant_new_boolean (is_dark));
  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (application, shortcuts[i].action, shortcuts[i].keys);
}

static void
startup_cb (GApplication *application,
            gpointer      user_data G_GNUC_UNUSED)
{
  g_autoptr(GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider,
                                       "/io/github/msgpackrpc_glib/RpcBrowser/rpc-browser.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (),
                                              GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  add_actions (GTK_APPLICATION (application));
}

int
main (int    argc,
      char **argv)
{
  const GOptionEntry entries[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, NULL, NULL, "[ADDRESS]…" },
    { NULL },
  };
  g_autoptr(GtkApplication) application = NULL;

  application = gtk_application_new ("io.github.msgpackrpc_glib.RpcBrowser",
                                     G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_NON_UNIQUE);
  g_application_add_main_option_entries (G_APPLICATION (application), entries);
  g_application_set_option_context_summary (G_APPLICATION (application),
                                            "Looks at what programs offer by MessagePack-RPC.");
  g_signal_connect (application, "startup", G_CALLBACK (startup_cb), NULL);
  g_signal_connect (application, "command-line", G_CALLBACK (command_line_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
