/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-request.h"

#include <glib/gi18n.h>

#include "tool-params.h"

static gboolean
take_arguments (ToolRequest      *self,
                char            **arguments,
                ToolParamsFlags   flags,
                GError          **error)
{
  if (g_strv_length (arguments) < 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           arguments[0] == NULL ? _("No address and no method given")
                                                : _("No method given"));
      return FALSE;
    }

  self->address = g_strdup (arguments[0]);
  self->method = g_strdup (arguments[1]);
  self->params = tool_params_read (arguments + 2, flags, error);

  return self->params != NULL &&
         tool_target_can_send (self->target, self->params, error);
}

/* Reads the command line of a command that sends one message, or one again and again. @more are options
 * of its own, or NULL. Leaves the program after --help. */
ToolRequest *
tool_request_new (const ToolCommand   *command,
                  const GOptionEntry  *more,
                  char               **argv,
                  GError             **error)
{
  g_autoptr(ToolRequest) self = g_new0 (ToolRequest, 1);
  gboolean are_variants = FALSE;
  const GOptionEntry entries[] = {
    { "variant", 0, 0, G_OPTION_ARG_NONE, &are_variants,
      N_("Arguments are in the text form of GVariant, not JSON"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (command, entries);
  g_auto(GStrv) arguments = NULL;

  if (more != NULL)
    g_option_context_add_main_entries (context, more, GETTEXT_PACKAGE);

  self->target = tool_target_new ();
  tool_target_add_options (self->target, context);
  if (command->prints_values)
    tool_format_add_option (&self->format, context);

  arguments = tool_parse_options (context, argv, error);
  if (arguments == NULL || !tool_target_check (self->target, error) ||
      !take_arguments (self, arguments, are_variants ? TOOL_PARAMS_VARIANT : TOOL_PARAMS_JSON,
                       error))
    return NULL;

  return g_steal_pointer (&self);
}

void
tool_request_free (ToolRequest *self)
{
  g_clear_pointer (&self->target, tool_target_free);
  g_free (self->address);
  g_free (self->method);
  g_clear_pointer (&self->params, g_variant_unref);
  g_free (self);
}
