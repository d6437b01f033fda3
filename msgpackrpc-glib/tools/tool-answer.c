/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-answer.h"

#include <stdio.h>

#include "tool-colour.h"

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
GVariant *
tool_answer_await (MsgpackRpcCall  *call,
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

/* What the peer answered as an error goes to standard error alone, so that a script can read it. */
ToolExit
tool_answer_report_failure (MsgpackRpcCall *call,
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
