/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool.h"

static const ToolCommand *commands[] = {
  &tool_call_command,
  &tool_notify_command,
  &tool_serve_command,
  &tool_methods_command,
  &tool_listen_command,
  &tool_subscribe_command,
  &tool_tap_command,
  &tool_show_command,
  &tool_bench_command,
};

static void
set_up_translations (void)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

/* What was closed by whoever started the program would be the number of the next socket, into which
 * results were printed then. Writing to what is opened instead fails, as it would have. */
static void
occupy_standard_streams (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDONLY);
  while (fd >= 0 && fd <= STDERR_FILENO);

  if (fd >= 0)
    close (fd);
}

static char *
describe_commands (void)
{
  GString *text = g_string_new (_("Commands:"));

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "\n  %-10s %s", commands[i]->name, _(commands[i]->summary));
  g_string_append_printf (text, "\n\n%s", _("See “msgpackrpc COMMAND --help” for more"));

  return g_string_free (text, FALSE);
}

static char *
list_commands (void)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_auto(GStrv) names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_strv_builder_add (builder, commands[i]->name);
  names = g_strv_builder_end (builder);

  return g_strjoinv (", ", names);
}

/* Reads the options before the command and leaves the rest. */
static gboolean
parse_options (char    ***argv,
               gboolean  *show_version,
               GError   **error)
{
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, show_version, N_("Show the version"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new (N_("COMMAND [ARG…]"));
  g_autofree char *description = describe_commands ();

  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, N_("Talk to a program by MessagePack-RPC"));
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);

  return g_option_context_parse_strv (context, argv, error);
}

static const ToolCommand *
find_command (const char  *name,
              GError     **error)
{
  g_autofree char *names = list_commands ();

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_strcmp0 (commands[i]->name, name) == 0)
      return commands[i];

  if (name == NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                 _("No command given; the commands are: %s"), names);
  else
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                 _("Unknown command “%s”; the commands are: %s"), name, names);
  return NULL;
}

static ToolExit
print_version (void)
{
  g_autofree char *line = g_strdup_printf ("msgpackrpc %d.%d.%d", MSGPACK_RPC_MAJOR_VERSION,
                                           MSGPACK_RPC_MINOR_VERSION, MSGPACK_RPC_MICRO_VERSION);
  g_autoptr(GError) error = NULL;

  if (tool_print_line (line, &error))
    return TOOL_EXIT_SUCCESS;

  tool_complain (error);
  return tool_exit_for (error);
}

int
main (int    argc,
      char **argv)
{
  g_auto(GStrv) arguments = g_strdupv (argv);
  gboolean show_version = FALSE;
  const ToolCommand *command;
  g_autoptr(GError) error = NULL;

  occupy_standard_streams ();
  set_up_translations ();
  /* Writing to a pipe that nobody reads is an error like others. */
  signal (SIGPIPE, SIG_IGN);
  g_set_prgname ("msgpackrpc");

  if (!parse_options (&arguments, &show_version, &error))
    return tool_refuse_usage (error);

  if (show_version)
    return print_version ();

  command = find_command (arguments[1], &error);
  if (command == NULL)
    return tool_refuse_usage (error);

  return command->run (arguments + 1);
}
