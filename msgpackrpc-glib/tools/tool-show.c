/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <stdio.h>

#include <glib/gi18n.h>

#include "tool-colour.h"
#include "tool-tap-log.h"
#include "tool-tap-reader.h"
#include "tool.h"

static void
print_cb (const char *text,
          gpointer    user_data G_GNUC_UNUSED)
{
  fputs (text, stdout);
}

static gboolean
flush (GError **error)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;

  return tool_set_write_error (error);
}

static gboolean
show_events (ToolTapReader         *reader,
             const ToolTapOptions  *options,
             const char            *path,
             GError               **error)
{
  ToolTapHead head = *tool_tap_reader_get_head (reader);
  g_autoptr(ToolTapLog) log = NULL;
  g_autoptr(GError) local_error = NULL;
  ToolTapEvent event;

  head.is_framed = tool_tap_options_is_framed (options, head.is_framed);
  log = tool_tap_log_new (options, &head, tool_colours_wanted (stdout), print_cb, NULL);
  while (!ferror (stdout) && tool_tap_reader_next (reader, &event, &local_error))
    if (!tool_tap_log_event (log, &event))
      {
        g_autofree char *shown = g_filename_display_name (path);
        g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, event.connection);

        g_set_error (&local_error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                     /* Translators: the second is the number of a connection */
                     _("“%s” is damaged: an event of connection %s cannot be"), shown, number);
        break;
      }

  /* What was before it is of use. */
  if (!flush (error))
    return FALSE;

  if (local_error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static ToolExit
show (const char           *path,
      const ToolTapOptions *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ToolTapReader) reader = tool_tap_reader_new (path, &error);

  if (reader != NULL && show_events (reader, options, path, &error))
    return TOOL_EXIT_SUCCESS;

  tool_complain (error);
  return TOOL_EXIT_NO_ANSWER;
}

static gboolean
check (char                 **arguments,
       const ToolTapOptions  *options,
       GError               **error)
{
  guint n = g_strv_length (arguments);

  if (n == 1)
    return tool_tap_options_check (options, error);

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       n == 0 ? _("No file given") : _("More than one file given"));
  return FALSE;
}

static ToolExit
run_show (char **argv)
{
  g_auto(ToolTapOptions) options = { 0 };
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_show_command, entries);
  g_auto(GStrv) arguments = NULL;
  g_autoptr(GError) error = NULL;

  tool_tap_options_add (&options, context);
  arguments = tool_parse_options (context, argv, &error);
  if (arguments == NULL || !check (arguments, &options, &error))
    return tool_refuse_usage (error);

  return show (arguments[0], &options);
}

const ToolCommand tool_show_command = {
  .name = "show",
  .arguments = N_("FILE"),
  .summary = N_("Print what “msgpackrpc tap” has recorded"),
  .run = run_show,
};
