/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <stdio.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"
#include "tool-request.h"

/* What the peer answered as an error goes to standard error alone, so that a script can read it. */
static ToolExit
report_failure (MsgpackRpcCall *call,
                ToolFormat      format,
                const GError   *error)
{
  GVariant *error_value = msgpack_rpc_call_get_error_value (call);
  g_autofree char *text = NULL;

  if (error_value == NULL)
    {
      tool_complain (error);
      return tool_exit_for (error);
    }

  text = tool_format_write (format, error_value, tool_colours_wanted (stderr));
  fprintf (stderr, "%s\n", text);
  return TOOL_EXIT_REMOTE_ERROR;
}

static ToolExit
report_result (GVariant   *result,
               ToolFormat  format)
{
  g_autofree char *text = tool_format_write (format, result, tool_colours_wanted (stdout));
  g_autoptr(GError) error = NULL;

  if (tool_print_line (text, &error))
    return TOOL_EXIT_SUCCESS;

  tool_complain (error);
  return tool_exit_for (error);
}

typedef struct
{
  GMainLoop *loop;  /* owned */
  GVariant *result; /* owned; NULL if there is an error */
  GError *error;    /* owned */
} Ending;

static void
ended_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Ending *ending = user_data;

  ending->result = msgpack_rpc_call_wait_finish (MSGPACK_RPC_CALL (source), result,
                                                 &ending->error);
  g_main_loop_quit (ending->loop);
}

/* With a loop, what the peer asks meanwhile is answered: it may wait for that. */
static GVariant *
wait_for (MsgpackRpcCall  *call,
          GError         **error)
{
  Ending ending = { g_main_loop_new (NULL, FALSE), NULL, NULL };

  msgpack_rpc_call_wait_async (call, NULL, ended_cb, &ending);
  g_main_loop_run (ending.loop);
  g_main_loop_unref (ending.loop);
  if (ending.error != NULL)
    g_propagate_error (error, ending.error);

  return ending.result;
}

static ToolExit
run_call (char **argv)
{
  g_autoptr(ToolRequest) request = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  request = tool_request_new (&tool_call_command, NULL, argv, &error);
  if (request == NULL)
    return tool_refuse_usage (error);

  client = tool_target_new_client (request->target, request->address, &error);
  if (client == NULL)
    return tool_refuse_usage (error);

  call = msgpack_rpc_call_new (request->method, request->params);
  msgpack_rpc_call_set_timeout (call, tool_target_get_timeout (request->target));
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);

  result = wait_for (call, &error);
  return result != NULL ? report_result (result, request->format)
                        : report_failure (call, request->format, error);
}

const ToolCommand tool_call_command = {
  .name = "call",
  .arguments = N_("ADDRESS METHOD [ARG…]"),
  .summary = N_("Call a method and print its result"),
  .prints_values = TRUE,
  .run = run_call,
};
