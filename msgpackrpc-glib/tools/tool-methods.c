/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-answer.h"
#include "tool-colour.h"
#include "tool-description.h"
#include "tool-format.h"
#include "tool-target.h"
#include "tool.h"

/* Who tells what there is, in the order in which they are asked. */
static const struct
{
  const char *method;
  char *(*describe) (GVariant   *answer,
                     const char *pattern,
                     gboolean    colours);
} ways[] = {
  { "rpc.discover", tool_description_of_discovery },
  { "nvim_get_api_info", tool_description_of_neovim },
};

typedef struct
{
  ToolTarget *target; /* owned */
  ToolFormat format;
  char *address;      /* owned */
  char *pattern;      /* owned; or NULL */
  gint64 start;       /* monotonic time; the timeout is that of all calls together */
} Inquiry;

static void
inquiry_clear (Inquiry *self)
{
  g_clear_pointer (&self->target, tool_target_free);
  g_free (self->address);
  g_free (self->pattern);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Inquiry, inquiry_clear)

/* ---- printing ---- */

static char *
text_of_answer (const Inquiry *self,
                guint          way,
                GVariant      *answer)
{
  gboolean colours = tool_colours_wanted (stdout);

  if (self->format != TOOL_FORMAT_DEFAULT)
    return tool_format_write (self->format, answer, colours);

  return ways[way].describe (answer, self->pattern, colours);
}

/* The list is empty all the same. */
static ToolExit
tell_of_nothing (const Inquiry *self)
{
  g_autoptr(GError) error = NULL;

  if (self->pattern == NULL)
    return TOOL_EXIT_SUCCESS;

  g_set_error (&error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               _("Nothing that the peer offers matches “%s”"), self->pattern);
  tool_complain (error);
  return TOOL_EXIT_SUCCESS;
}

static ToolExit
print_answer (const Inquiry *self,
              guint          way,
              GVariant      *answer)
{
  g_autofree char *text = text_of_answer (self, way, answer);
  g_autoptr(GError) error = NULL;

  if (text == NULL)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 _("What “%s” answers has another form; see it with “--format=pretty”"),
                 ways[way].method);
  else if (*text == '\0')
    return tell_of_nothing (self);
  else if (tool_print_line (text, &error))
    return TOOL_EXIT_SUCCESS;

  tool_complain (error);
  return TOOL_EXIT_NO_ANSWER;
}

/* ---- asking ---- */

static int
time_left (const Inquiry *self)
{
  gint64 elapsed = (g_get_monotonic_time () - self->start) / 1000;
  int timeout = tool_target_get_timeout (self->target);

  return timeout == G_MAXINT ? timeout : (int) MAX (timeout - elapsed, 1);
}

/* FALSE if the peer has answered with an error: then another way may be tried. */
static gboolean
try_way (const Inquiry    *self,
         MsgpackRpcClient *client,
         guint             way,
         ToolExit         *exit)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new (ways[way].method, NULL);
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_call_set_timeout (call, time_left (self));
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
  answer = tool_answer_await (call, &error);
  if (answer != NULL)
    *exit = print_answer (self, way, answer);
  else if (msgpack_rpc_call_get_error_value (call) != NULL)
    return FALSE;
  else
    {
      /* That of the answer before. */
      if (g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED))
        {
          g_clear_error (&error);
          g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CLOSED,
                               _("The peer closed the connection"));
        }
      tool_complain (error);
      *exit = tool_exit_for (error);
    }

  return TRUE;
}

static ToolExit
ask (const Inquiry    *self,
     MsgpackRpcClient *client)
{
  g_autoptr(GError) error = NULL;
  ToolExit exit;

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    if (try_way (self, client, i, &exit))
      return exit;

  g_set_error (&error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               _("The peer does not tell what it offers: it has neither “%s” nor “%s”"),
               ways[0].method, ways[1].method);
  tool_complain (error);
  return TOOL_EXIT_REMOTE_ERROR;
}

/* ---- the command line ---- */

static gboolean
take_arguments (Inquiry  *self,
                char    **arguments,
                GError  **error)
{
  guint n = g_strv_length (arguments);

  if (n == 0 || n > 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           n == 0 ? _("No address given") : _("Too many arguments"));
      return FALSE;
    }

  if (n == 2 && self->format != TOOL_FORMAT_DEFAULT)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           _("A pattern and “--format” exclude each other: that prints all"));
      return FALSE;
    }

  self->address = g_strdup (arguments[0]);
  self->pattern = g_strdup (arguments[1]);
  return tool_target_check (self->target, error);
}

static gboolean
prepare (Inquiry  *self,
         char    **argv,
         GError  **error)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_methods_command, entries);
  g_auto(GStrv) arguments = NULL;

  self->target = tool_target_new ();
  self->format = TOOL_FORMAT_DEFAULT;
  self->start = g_get_monotonic_time ();
  tool_format_add_option (&self->format, context);
  tool_target_add_options (self->target, context);
  arguments = tool_parse_options (context, argv, error);

  return arguments != NULL && take_arguments (self, arguments, error);
}

static ToolExit
run_methods (char **argv)
{
  g_auto(Inquiry) self = { NULL };
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GError) error = NULL;

  if (prepare (&self, argv, &error))
    client = tool_target_new_client (self.target, self.address, &error);
  if (client == NULL)
    return tool_refuse_usage (error);

  return ask (&self, client);
}

const ToolCommand tool_methods_command = {
  .name = "methods",
  .arguments = N_("ADDRESS [PATTERN]"),
  .summary = N_("List what the peer offers"),
  .run = run_methods,
};
