/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-answer.h"
#include "tool-colour.h"
#include "tool-request.h"

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

  result = tool_answer_await (call, &error);
  return result != NULL ? report_result (result, request->format)
                        : tool_answer_report_failure (call, request->format, error);
}

const ToolCommand tool_call_command = {
  .name = "call",
  .arguments = N_("ADDRESS METHOD [ARG…]"),
  .summary = N_("Call a method and print its result"),
  .prints_values = TRUE,
  .run = run_call,
};
