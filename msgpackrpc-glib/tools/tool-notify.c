/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-request.h"

typedef struct
{
  GMainLoop *loop;           /* owned */
  GCancellable *cancellable; /* owned; cancelled when time is up */
  GError *error;             /* owned; why it was not sent, if it was not */
} Sending;

static void
sent_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  Sending *sending = user_data;

  msgpack_rpc_peer_send_notification_finish (MSGPACK_RPC_PEER (source), result, &sending->error);
  g_main_loop_quit (sending->loop);
}

static gboolean
timeout_cb (gpointer user_data)
{
  Sending *sending = user_data;

  g_cancellable_cancel (sending->cancellable);
  return G_SOURCE_REMOVE;
}

static GSource *
add_timeout (Sending *sending,
             int      timeout)
{
  GSource *source = g_timeout_source_new (timeout);

  g_source_set_static_name (source, "msgpackrpc notify timeout");
  g_source_set_callback (source, timeout_cb, sending, NULL);
  g_source_attach (source, NULL);

  return source;
}

/* Connects, and sends the notification. */
static gboolean
send_notification (MsgpackRpcClient   *client,
                   const ToolRequest  *request,
                   GError            **error)
{
  Sending sending = { g_main_loop_new (NULL, FALSE), g_cancellable_new (), NULL };
  g_autoptr(GSource) timeout = add_timeout (&sending, tool_target_get_timeout (request->target));

  msgpack_rpc_peer_send_notification_async (MSGPACK_RPC_PEER (client), request->method,
                                            request->params, sending.cancellable, sent_cb,
                                            &sending);
  msgpack_rpc_client_open_async (client, sending.cancellable, NULL, NULL);
  g_main_loop_run (sending.loop);

  if (g_error_matches (sending.error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&sending.error);
      g_set_error_literal (&sending.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("Timed out"));
    }

  g_source_destroy (timeout);
  g_main_loop_unref (sending.loop);
  g_object_unref (sending.cancellable);
  if (sending.error != NULL)
    g_propagate_error (error, sending.error);

  return sending.error == NULL;
}

static ToolExit
run_notify (char **argv)
{
  g_autoptr(ToolRequest) request = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GError) error = NULL;

  request = tool_request_new (&tool_notify_command, NULL, argv, &error);
  if (request == NULL)
    return tool_refuse_usage (error);

  client = tool_target_new_client (request->target, request->address, &error);
  if (client == NULL)
    return tool_refuse_usage (error);

  if (!send_notification (client, request, &error) ||
      !msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, &error))
    {
      tool_complain (error);
      return tool_exit_for (error);
    }

  return TOOL_EXIT_SUCCESS;
}

const ToolCommand tool_notify_command = {
  .name = "notify",
  .arguments = N_("ADDRESS METHOD [ARG…]"),
  .summary = N_("Send a notification"),
  .run = run_notify,
};
