/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"

/* The context of one command's options. */
GOptionContext *
tool_context_new (const ToolCommand  *command,
                  const GOptionEntry *entries)
{
  g_autofree char *name = g_strdup_printf ("msgpackrpc %s", command->name);
  GOptionContext *context = g_option_context_new (command->arguments);

  /* The help begins with it. */
  g_set_prgname (name);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, command->summary);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  tool_colour_add_option (context);

  return context;
}

/* Negative numbers are arguments. */
static gboolean
is_unknown_option (const char *argument)
{
  return argument[0] == '-' && argument[1] != '\0' && !g_ascii_isdigit (argument[1]);
}

/* Names and values are UTF-8, whatever the locale is. */
static char *
to_utf8 (const char  *argument,
         GError     **error)
{
  g_autofree char *text = NULL;

  if (g_utf8_validate (argument, -1, NULL))
    return g_strdup (argument);

  text = g_locale_to_utf8 (argument, -1, NULL, NULL, NULL);
  if (text == NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _("An argument is not UTF-8"));

  return g_steal_pointer (&text);
}

static gboolean
take_arguments (GPtrArray  *taken,
                char      **arguments,
                gboolean    may_be_options,
                GError    **error)
{
  for (; *arguments != NULL; arguments++)
    {
      char *text;

      if (may_be_options && is_unknown_option (*arguments))
        {
          g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                       _("Unknown option “%s”"), *arguments);
          return FALSE;
        }

      text = to_utf8 (*arguments, error);
      if (text == NULL)
        return FALSE;
      g_ptr_array_add (taken, text);
    }

  return TRUE;
}

static guint
find_separator (char **argv)
{
  guint i = 0;

  while (argv[i] != NULL && !g_str_equal (argv[i], "--"))
    i++;

  return i;
}

/* Sets what the options of the context say and returns the other arguments without argv[0].
 * Options may come anywhere before a "--". */
GStrv
tool_parse_options (GOptionContext  *context,
                    char           **argv,
                    GError         **error)
{
  g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func (g_free);
  guint separator = find_separator (argv);
  g_auto(GStrv) before = g_new0 (char *, separator + 1);

  for (guint i = 0; i < separator; i++)
    before[i] = g_strdup (argv[i]);

  g_option_context_set_ignore_unknown_options (context, TRUE);
  if (!g_option_context_parse_strv (context, &before, error) ||
      !take_arguments (taken, before + 1, TRUE, error))
    return NULL;

  if (argv[separator] != NULL && !take_arguments (taken, argv + separator + 1, FALSE, error))
    return NULL;

  g_ptr_array_add (taken, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&taken), FALSE);
}

/* Texts of errors may have parts that a peer has written, which must not look like lines of ours. What is
 * wrong with the command line may have several. */
static char *
escape_lines (const char *text)
{
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = tool_escape_text (lines[i]);

      g_free (lines[i]);
      lines[i] = line;
    }

  return g_strjoinv ("\n", lines);
}

/* G_MAXINT, which stands for no limit, for all that is too long. */
int
tool_milliseconds (double seconds)
{
  return seconds < G_MAXINT / 1000 ? (int) ceil (seconds * 1000) : G_MAXINT;
}

/* The library ends what it says of a program that has ended with the last of its standard error, which was
 * passed on to ours before. */
static char *
leave_out_standard_error (const char *message)
{
  g_auto(GStrv) parts = g_strsplit (_("%s; its standard error ends with:\n%s"), "%s", -1);
  gboolean is_known = g_strv_length (parts) == 3 && *parts[1] != '\0';
  const char *end = is_known ? strstr (message, parts[1]) : NULL;

  return end != NULL ? g_strndup (message, (gsize) (end - message)) : g_strdup (message);
}

/* Says what is wrong on standard error, unless it is only that nobody reads what is printed. */
void
tool_complain (const GError *error)
{
  g_autofree char *message = NULL;
  g_autofree char *text = NULL;

  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_PIPE))
    return;

  message = leave_out_standard_error (error->message);
  text = error->domain == MSGPACK_RPC_ERROR ? tool_escape_text (message) : escape_lines (message);
  g_printerr ("msgpackrpc: %s\n", text);
}

/* The exit status after an error that is not the peer's answer. */
ToolExit
tool_exit_for (const GError *error)
{
  if (g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS) ||
      g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE))
    return TOOL_EXIT_USAGE;

  return TOOL_EXIT_NO_ANSWER;
}

/* Says what is wrong with the command line, and where help is. */
ToolExit
tool_refuse_usage (const GError *error)
{
  tool_complain (error);
  /* Translators: the name of the program, maybe with a command */
  g_printerr (_("Try “%s --help”\n"), g_get_prgname ());

  return TOOL_EXIT_USAGE;
}

/* Tells of errno. */
gboolean
tool_set_write_error (GError **error)
{
  g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (errno),
               _("Could not write the result: %s"), g_strerror (errno));
  return FALSE;
}

/* Writes UTF-8, whatever the locale is. */
gboolean
tool_print_line (const char  *line,
                 GError     **error)
{
  if (printf ("%s\n", line) >= 0 && fflush (stdout) == 0)
    return TRUE;

  return tool_set_write_error (error);
}

/* Writes what people read, in the encoding of the locale. */
gboolean
tool_print_text (const char  *text,
                 GError     **error)
{
  g_print ("%s", text);
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;

  return tool_set_write_error (error);
}
