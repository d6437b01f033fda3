/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>

/* How a service ends when it is told to. */

static const int signal_numbers[] = { SIGINT, SIGTERM };

typedef enum
{
  STATE_WAITING,
  STATE_DRAINING,
  STATE_ENDED,                                     /* drained, or cancelled */
} State;

typedef struct
{
  MsgpackRpcCloseMode mode;
  int timeout;

  GMutex lock;                                     /* guards what follows */
  State state;
  GSource *sources[G_N_ELEMENTS (signal_numbers)]; /* owned until it has ended */
  GSource *cancel_source;                          /* likewise; nullable */
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_mutex_clear (&watch->lock);
  g_free (watch);
}

static void
drop_source (GSource *source)
{
  g_source_destroy (source);
  /* Only with the last reference it lets go of the signal. */
  g_source_unref (source);
}

gboolean
_msgpack_rpc_server_end_watch (GTask *task)
{
  Watch *watch = g_task_get_task_data (task);
  GSource *sources[G_N_ELEMENTS (signal_numbers)];
  GSource *cancel_source;

  if (g_task_get_source_tag (task) != msgpack_rpc_server_drain_on_signal_async)
    return TRUE;

  g_mutex_lock (&watch->lock);
  if (watch->state == STATE_ENDED)
    {
      g_mutex_unlock (&watch->lock);
      return FALSE;
    }
  watch->state = STATE_ENDED;
  memcpy (sources, watch->sources, sizeof sources);
  cancel_source = watch->cancel_source;
  g_mutex_unlock (&watch->lock);

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    drop_source (sources[i]);
  g_clear_pointer (&cancel_source, drop_source);
  return TRUE;
}

static gboolean
signal_cb (gpointer user_data)
{
  GTask *task = user_data;
  Watch *watch = g_task_get_task_data (task);
  MsgpackRpcServer *self = g_task_get_source_object (task);
  State state;

  g_mutex_lock (&watch->lock);
  state = watch->state;
  if (state == STATE_WAITING)
    watch->state = STATE_DRAINING;
  g_mutex_unlock (&watch->lock);

  if (state == STATE_WAITING)
    _msgpack_rpc_server_start_drain (self, watch->mode, watch->timeout, task);
  else if (state == STATE_DRAINING)
    _msgpack_rpc_server_start_drain (self, MSGPACK_RPC_CLOSE_MODE_NOW, 0, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED,
              gpointer      user_data)
{
  g_autoptr(GTask) task = g_object_ref (user_data);

  if (!_msgpack_rpc_server_end_watch (task))
    return G_SOURCE_REMOVE;

  /* A signal may just have come in another thread: what joins after this finds that it has ended. */
  _msgpack_rpc_server_leave_drain (g_task_get_source_object (task), task);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

/* With the lock held: a signal that comes to the first of them may end it before there is the next. */
static void
watch_signals (MsgpackRpcServer *self,
               GTask            *task)
{
  Watch *watch = g_task_get_task_data (task);

  for (guint i = 0; i < G_N_ELEMENTS (signal_numbers); i++)
    {
      watch->sources[i] = g_unix_signal_source_new (signal_numbers[i]);
      g_source_set_static_name (watch->sources[i], "[msgpackrpc-glib] drain on signal");
      g_source_set_callback (watch->sources[i], signal_cb, g_object_ref (task), g_object_unref);
      g_source_attach (watch->sources[i], msgpack_rpc_server_get_main_context (self));
    }
}

/* Likewise. */
static void
watch_cancellable (GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Watch *watch = g_task_get_task_data (task);

  if (cancellable == NULL)
    return;

  watch->cancel_source = g_cancellable_source_new (cancellable);
  g_source_set_static_name (watch->cancel_source, "[msgpackrpc-glib] drain on signal cancelled");
  g_task_attach_source (task, watch->cancel_source, G_SOURCE_FUNC (cancelled_cb));
}

/**
 * msgpack_rpc_server_drain_on_signal_async:
 * @self: a server
 * @mode: what to do with messages that are still queued on a connection when all of its requests are
 *   answered
 * @timeout: how long draining may take, in milliseconds; −1 for the default, 25,000, or `G_MAXINT`
 *   for as long as it takes
 * @cancellable: (nullable): ends the waiting, for the signal too
 * @callback: (scope async): called when the server has been drained
 * @user_data: data for @callback
 *
 * Drains the server when the process gets `SIGTERM` or `SIGINT`, as when a service is stopped, or
 * Ctrl+C is pressed; see [method@Server.drain_async]. A second signal closes all that is left at once.
 *
 * The signals are watched in [property@Server:main-context] until @callback is about to be called;
 * afterwards they end the process again. The server lives at least as long. Call
 * [method@Server.drain_on_signal_finish] from @callback, and leave the main loop there.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_drain_on_signal_async (MsgpackRpcServer    *self,
                                          MsgpackRpcCloseMode  mode,
                                          int                  timeout,
                                          GCancellable        *cancellable,
                                          GAsyncReadyCallback  callback,
                                          gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  Watch *watch = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (timeout >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  watch = g_new0 (Watch, 1);
  watch->mode = mode;
  watch->timeout = timeout;

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_server_drain_on_signal_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, watch, watch_free);
  g_mutex_init (&watch->lock);
  g_mutex_lock (&watch->lock);
  watch_signals (self, task);
  watch_cancellable (task);
  g_mutex_unlock (&watch->lock);
}

/**
 * msgpack_rpc_server_drain_on_signal_finish:
 * @self: a server
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes draining a server because of a signal, and gets what could not be sent; see
 * [method@Server.drain_finish].
 *
 * Returns: (transfer full): what was not sent, or `NULL` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
GVariant *
msgpack_rpc_server_drain_on_signal_finish (MsgpackRpcServer  *self,
                                           GAsyncResult      *result,
                                           GError           **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (
      g_async_result_is_tagged (result, msgpack_rpc_server_drain_on_signal_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
