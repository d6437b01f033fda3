/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Scripts depend on these. */
typedef enum
{
  TOOL_EXIT_SUCCESS = 0,
  TOOL_EXIT_REMOTE_ERROR = 1,
  TOOL_EXIT_NO_ANSWER = 2,
  TOOL_EXIT_USAGE = 3,
} ToolExit;

typedef struct
{
  const char *name;
  const char *arguments; /* for the help; marked for translation, as is the summary */
  const char *summary;
  gboolean prints_values; /* thus has --format, if it sends one message */
  ToolExit (*run) (char **argv); /* argv[0] is the command */
} ToolCommand;

extern const ToolCommand tool_bench_command;
extern const ToolCommand tool_call_command;
extern const ToolCommand tool_listen_command;
extern const ToolCommand tool_methods_command;
extern const ToolCommand tool_notify_command;
extern const ToolCommand tool_serve_command;
extern const ToolCommand tool_show_command;
extern const ToolCommand tool_subscribe_command;
extern const ToolCommand tool_tap_command;

GOptionContext *tool_context_new   (const ToolCommand  *command,
                                    const GOptionEntry *entries) G_GNUC_WARN_UNUSED_RESULT;
GStrv           tool_parse_options (GOptionContext     *context,
                                    char              **argv,
                                    GError            **error) G_GNUC_WARN_UNUSED_RESULT;

int             tool_milliseconds  (double              seconds);

void            tool_complain        (const GError      *error);
ToolExit        tool_exit_for        (const GError      *error);
ToolExit        tool_refuse_usage    (const GError      *error);
gboolean        tool_set_write_error (GError           **error);
gboolean        tool_print_line      (const char        *line,
                                      GError           **error);
gboolean        tool_print_text      (const char        *text,
                                      GError           **error);

G_END_DECLS
