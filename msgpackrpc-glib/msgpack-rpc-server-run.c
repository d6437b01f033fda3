/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

/* The whole life of a program that does nothing but serve. */

static void
store_result (GObject      *source G_GNUC_UNUSED,
              GAsyncResult *result,
              gpointer      user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* The context is this thread's. */
static gboolean
run (MsgpackRpcServer  *self,
     GMainContext      *context,
     GCancellable      *cancellable,
     GError           **error)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;

  g_main_context_push_thread_default (context);
  msgpack_rpc_server_drain_on_signal_async (self, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, cancellable,
                                            store_result, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  unsent = msgpack_rpc_server_drain_on_signal_finish (self, result, error);
  return unsent != NULL;
}

/**
 * msgpack_rpc_server_run:
 * @self: a server
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Runs the [property@Server:main-context] until the process is told to end by `SIGTERM` or `SIGINT`,
 * drains the server, and returns.
 *
 * This is for programs that do nothing else; it runs whatever there is in the context. Who has a loop
 * already, or wants another close mode or time, uses [method@Server.drain_on_signal_async]. If
 * @cancellable ends it, the server is as it was.
 *
 * It has to be called in the thread that runs the context, or would.
 *
 * Returns: `TRUE` when the server has been drained; `FALSE` with @error set to
 *   `G_IO_ERROR_CANCELLED`, or `G_IO_ERROR_BUSY` if another thread runs the context
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_server_run (MsgpackRpcServer  *self,
                        GCancellable      *cancellable,
                        GError           **error)
{
  GMainContext *context;
  gboolean drained;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  context = msgpack_rpc_server_get_main_context (self);
  if (!g_main_context_acquire (context))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                           "Another thread runs the server's main context: call this one there");
      return FALSE;
    }

  g_object_ref (self);
  drained = run (self, context, cancellable, error);
  g_main_context_release (context);
  g_object_unref (self);
  return drained;
}
