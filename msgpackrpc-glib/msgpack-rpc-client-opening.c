/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

/* How a client gets a connection, and how it closes it. */

/* ---- opening, with the link's private context as thread-default ---- */

/* What an attempt needs after the client may be gone. */
typedef struct
{
  MsgpackRpcConnection *connection; /* owned */
  GCancellable *cancellable;        /* owned */
  GWeakRef client;
} Attempt;

void
_msgpack_rpc_client_set_last_error (MsgpackRpcClient *self,
                                    const GError     *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_clear_error (&self->last_error);
  self->last_error = error != NULL ? g_error_copy (error) : NULL;
}

static void
set_subprocess (MsgpackRpcClient *self,
                GSubprocess      *subprocess)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_set_object (&self->subprocess, subprocess);
}

void
_msgpack_rpc_client_end_attempt (MsgpackRpcClient     *self,
                                 MsgpackRpcConnection *connection,
                                 GIOStream            *stream,
                                 GError               *error)
{
  g_autoptr(GError) owned = error;
  gboolean goes_on = FALSE;

  if (self != NULL && owned == NULL)
    {
      _msgpack_rpc_client_attempt_succeeded (self);
      _msgpack_rpc_client_resubscribe (self, connection);
    }
  else if (self != NULL)
    {
      goes_on = _msgpack_rpc_client_attempt_failed (self, connection, &owned);
      _msgpack_rpc_client_set_last_error (self, owned);
    }

  if (!goes_on)
    _msgpack_rpc_connection_opened (connection, stream, owned);
}

static void
opened_cb (GObject      *source G_GNUC_UNUSED,
           GAsyncResult *result,
           gpointer      user_data)
{
  Attempt *attempt = user_data;
  g_autoptr(MsgpackRpcClient) client = g_weak_ref_get (&attempt->client);
  g_autoptr(GSubprocess) subprocess = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;

  stream = _msgpack_rpc_target_open_finish (result, &subprocess, &error);
  if (client != NULL && subprocess != NULL)
    set_subprocess (client, subprocess);
  if (client != NULL && stream != NULL)
    _msgpack_rpc_client_set_up_stream (client, stream);
  if (client == NULL || stream == NULL ||
      !_msgpack_rpc_client_introduce (client, attempt->connection, stream, attempt->cancellable))
    _msgpack_rpc_client_end_attempt (client, attempt->connection, stream, g_steal_pointer (&error));

  g_object_unref (attempt->connection);
  g_clear_object (&attempt->cancellable);
  g_weak_ref_clear (&attempt->client);
  g_free (attempt);
}

void
_msgpack_rpc_client_start_attempt (gpointer              client,
                                   MsgpackRpcConnection *connection,
                                   GCancellable         *cancellable)
{
  MsgpackRpcClient *self = client;
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->connection = g_object_ref (connection);
  g_set_object (&attempt->cancellable, cancellable);
  g_weak_ref_init (&attempt->client, client);
  _msgpack_rpc_client_begin_attempt (self);

  _msgpack_rpc_target_open_async (&self->target, self->limits, cancellable, opened_cb, attempt);
}

/* ---- opening ---- */

/* The last one has still to deliver its end, and what came before. Another thread may not even have
 * posted that. */
static void
let_go (gpointer owner,
        gpointer data)
{
  MsgpackRpcClient *self = owner;

  if (!_msgpack_rpc_connection_has_told_end (data))
    _msgpack_rpc_reactor_post (self->reactor, self, self, FALSE, let_go, g_object_ref (data),
                               g_object_unref);
}

void
_msgpack_rpc_client_renew_connection (MsgpackRpcClient *self)
{
  if (self->connection != NULL && !_msgpack_rpc_connection_has_ended (self->connection))
    return;

  if (self->connection != NULL)
    _msgpack_rpc_reactor_post (self->reactor, self, self, FALSE, let_go,
                               g_steal_pointer (&self->connection), g_object_unref);
  self->connection = _msgpack_rpc_connection_new_unopened (self->main_context, self->limits, self,
                                                           &_msgpack_rpc_client_funcs);
  self->was_opened = FALSE;
  msgpack_rpc_connection_set_dispatcher (self->connection, self->dispatcher);
  _msgpack_rpc_connection_set_settings (self->connection, self->settings);
  if (self->call_list != NULL)
    _msgpack_rpc_connection_show_calls (self->connection, self->call_list);
}

/* The connection to open, unless it is being opened: @first tells. NULL: the last one is just ending,
 * in another thread, which then opens the next. */
static MsgpackRpcConnection *
ref_opening_connection (MsgpackRpcClient *self,
                        MsgpackRpcCall   *call,
                        gboolean         *first)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->is_wanted = TRUE;
  if (_msgpack_rpc_client_is_losing (self))
    {
      self->open_again = _msgpack_rpc_connection_register_call (self->connection, call, 0);
      return NULL;
    }

  _msgpack_rpc_client_renew_connection (self);
  *first = !self->was_opened;
  if (*first)
    _msgpack_rpc_client_set_attempt (self, 0);
  self->was_opened = TRUE;
  self->has_lost = FALSE;
  return g_object_ref (self->connection);
}

static MsgpackRpcCall *
start_opening (MsgpackRpcClient    *self,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  MsgpackRpcCall *call;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  gboolean first = FALSE;

  call = _msgpack_rpc_call_start_operation (MSGPACK_RPC_CALL_KIND_OPEN, self, self->reactor,
                                            cancellable, callback, user_data);
  /* Cancelled before it began. */
  if (msgpack_rpc_call_get_state (call) != MSGPACK_RPC_CALL_STATE_PENDING)
    return call;

  connection = ref_opening_connection (self, call, &first);
  if (connection == NULL)
    return call;

  _msgpack_rpc_connection_open (connection, call, first);
  /* Whoever asks for it does not want to wait for a delay. */
  if (!first)
    _msgpack_rpc_client_hurry (self, connection);
  return call;
}

/**
 * msgpack_rpc_client_open_async:
 * @self: a client
 * @cancellable: (nullable): cancels connecting
 * @callback: (scope async): called when the client is connected, or connecting has failed
 * @user_data: data for @callback
 *
 * Connects.
 *
 * If the client is connecting or connected already, this waits for that. Cancelling ends the
 * attempt, and with it what waits for it. With a [property@Client:reconnect-policy] this goes on until
 * an attempt succeeds, or the last one has failed; if the client is waiting for the next attempt, that
 * is made at once. Call [method@Client.open_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_open_async (MsgpackRpcClient    *self,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_opening (self, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_client_open_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Client.open_async].
 *
 * Returns: `TRUE` when the client is connected; `FALSE` with @error set:
 *   [error@Error.INVALID_ADDRESS], `G_IO_ERROR_CANCELLED`, `G_IO_ERROR_CLOSED` if it was closed
 *   meanwhile, or what connecting, resolving, or starting a program can fail with
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_open_finish (MsgpackRpcClient  *self,
                                GAsyncResult      *result,
                                GError           **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_OPEN, error);
}

/**
 * msgpack_rpc_client_open_sync:
 * @self: a client
 * @cancellable: (nullable): cancels connecting
 * @error: return location for an error
 *
 * Connects, and blocks until it is done.
 *
 * Works in any thread, whether any loop is running or not. Otherwise as
 * [method@Client.open_async].
 *
 * Returns: `TRUE` when the client is connected; `FALSE` with @error set, as for
 *   [method@Client.open_finish], or `G_IO_ERROR_WOULD_BLOCK` if called by a handler of the client's
 *   own [class@Gio.SocketClient], or `G_IO_ERROR_TOO_MANY_OPEN_FILES`
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_open_sync (MsgpackRpcClient  *self,
                              GCancellable      *cancellable,
                              GError           **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!_msgpack_rpc_call_check_sync (cancellable, error))
    return FALSE;

  call = start_opening (self, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}

/* ---- closing ---- */

static MsgpackRpcCall *
start_closing (MsgpackRpcClient    *self,
               MsgpackRpcCloseMode  mode,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  MsgpackRpcCall *call;
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  call = _msgpack_rpc_call_start_operation (MSGPACK_RPC_CALL_KIND_CLOSE, self, self->reactor,
                                            cancellable, callback, user_data);
  g_mutex_lock (&self->lock);
  self->is_wanted = FALSE;
  self->open_again = FALSE;
  _msgpack_rpc_client_set_attempt (self, 0);
  g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);

  if (connection != NULL)
    _msgpack_rpc_connection_close (connection, mode, call);
  else
    _msgpack_rpc_call_succeed (call);
  return call;
}

/**
 * msgpack_rpc_client_close_async:
 * @self: a client
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the client closes all the same
 * @callback: (scope async): called when the client is disconnected
 * @user_data: data for @callback
 *
 * Disconnects, or stops connecting.
 *
 * Whatever the mode, it is done after [property@Limits:close-timeout]. Calls in flight end with
 * `G_IO_ERROR_CLOSED`. The client can be opened again afterwards. Call [method@Client.close_finish] from
 * @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_close_async (MsgpackRpcClient    *self,
                                MsgpackRpcCloseMode  mode,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_closing (self, mode, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_client_close_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Client.close_async].
 *
 * Returns: `TRUE` when the client is disconnected; `FALSE` with @error set to
 *   `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_close_finish (MsgpackRpcClient  *self,
                                 GAsyncResult      *result,
                                 GError           **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_CLOSE, error);
}

/**
 * msgpack_rpc_client_close_sync:
 * @self: a client
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the client closes all the same
 * @error: return location for an error
 *
 * Disconnects, and blocks until it is done.
 *
 * Otherwise as [method@Client.close_async]. Signals come later, in the client's context.
 *
 * Returns: `TRUE` when the client is disconnected; `FALSE` with @error set to
 *   `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_close_sync (MsgpackRpcClient     *self,
                               MsgpackRpcCloseMode   mode,
                               GCancellable         *cancellable,
                               GError              **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  call = start_closing (self, mode, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}
