/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-call.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-guard-private.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-pending-connection-private.h"

/* How a server is drained: nobody else comes in, and those who are there get what they wait for. */

/* In milliseconds: as long as a call waits for its reply. */
#define DEFAULT_TIMEOUT 25000

/* ---- the end of it ---- */

/* Whoever waits for it. */
static void
tell_drained (GPtrArray *tasks,
              GVariant  *unsent)
{
  for (guint i = 0; i < tasks->len; i++)
    if (_msgpack_rpc_server_end_watch (g_ptr_array_index (tasks, i)))
      g_task_return_pointer (g_ptr_array_index (tasks, i), g_variant_ref (unsent),
                             (GDestroyNotify) g_variant_unref);
}

static void
end_drain (MsgpackRpcServer *self,
           gboolean          is_disposed)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcDrain) drain = NULL;
  g_autoptr(GPtrArray) tasks = NULL;
  g_autoptr(GVariant) unsent = NULL;

  g_mutex_lock (&priv->lock);
  if (priv->drain == NULL ||
      (priv->n_guests + priv->handshakes->len > 0 && !is_disposed))
    {
      g_mutex_unlock (&priv->lock);
      return;
    }

  drain = g_steal_pointer (&priv->drain);
  tasks = g_steal_pointer (&priv->drain_tasks);
  /* With the lock held: another one may begin at once. */
  _msgpack_rpc_reactor_stop_timer (priv->reactor, &priv->drain_timer);
  _msgpack_rpc_acceptor_set_dismissed (priv->acceptor, FALSE);
  g_cond_broadcast (&priv->drained);
  g_mutex_unlock (&priv->lock);

  unsent = _msgpack_rpc_drain_get_unsent (drain);
  tell_drained (tasks, unsent);
}

void
_msgpack_rpc_server_abandon_drain (MsgpackRpcServer *self)
{
  end_drain (self, TRUE);
}

gboolean
_msgpack_rpc_server_is_open (MsgpackRpcServer  *self,
                             GError           **error)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  if (priv->drain == NULL)
    return TRUE;

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                       _("The server is being drained"));
  return FALSE;
}

void
_msgpack_rpc_server_add_guest (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->n_guests++;
}

void
_msgpack_rpc_server_check_drained (MsgpackRpcServer *self)
{
  end_drain (self, FALSE);
}

void
_msgpack_rpc_server_remove_guest (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  g_mutex_lock (&priv->lock);
  priv->n_guests--;
  g_mutex_unlock (&priv->lock);

  end_drain (self, FALSE);
}

static void
check_cb (gpointer owner,
          gpointer data G_GNUC_UNUSED)
{
  end_drain (owner, FALSE);
}

static GError *
make_timeout_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                              _("The server was drained, and its time was over"));
}

static void
cut_off_all (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) connections = _msgpack_rpc_object_list_copy (priv->connections);
  g_autoptr(GError) error = make_timeout_error ();

  _msgpack_rpc_server_dismiss_handshakes (self, TRUE);
  _msgpack_rpc_server_drop_pending (self);
  for (guint i = 0; i < connections->len; i++)
    _msgpack_rpc_connection_cut_off (g_ptr_array_index (connections, i), error);
  /* Connections say so when they end; who was only shaking hands does not. */
  _msgpack_rpc_reactor_post (priv->reactor, NULL, self, FALSE, check_cb, NULL, NULL);
}

void
_msgpack_rpc_server_drain_timed_out (gpointer owner)
{
  cut_off_all (owner);
}

/* ---- its beginning ---- */

void
_msgpack_rpc_server_drain_guest (MsgpackRpcServer     *self,
                                 MsgpackRpcConnection *connection)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcDrain) drain = NULL;
  g_autoptr(GError) error = NULL;
  gboolean is_over;

  g_mutex_lock (&priv->lock);
  drain = priv->drain != NULL ? _msgpack_rpc_drain_ref (priv->drain) : NULL;
  is_over = g_get_monotonic_time () >= priv->drain_deadline;
  g_mutex_unlock (&priv->lock);
  if (drain == NULL)
    return;

  _msgpack_rpc_connection_drain (connection, drain);
  if (!is_over)
    return;

  error = make_timeout_error ();
  _msgpack_rpc_connection_cut_off (connection, error);
}

static void
drain_guests (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) connections = _msgpack_rpc_object_list_copy (priv->connections);

  for (guint i = 0; i < connections->len; i++)
    _msgpack_rpc_server_drain_guest (self, g_ptr_array_index (connections, i));
}

/* Those of whom it is not known whether they may come in. */
static void
dismiss_pending (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) pending = NULL;
  g_autoptr(GError) error = _msgpack_rpc_drain_make_error ();

  g_mutex_lock (&priv->lock);
  pending = g_ptr_array_copy (priv->pending, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  g_ptr_array_set_free_func (pending, g_object_unref);
  g_mutex_unlock (&priv->lock);

  for (guint i = 0; i < pending->len; i++)
    {
      MsgpackRpcPendingConnection *one = g_ptr_array_index (pending, i);

      _msgpack_rpc_server_drain_guest (self, msgpack_rpc_pending_connection_get_connection (one));
      _msgpack_rpc_pending_connection_refuse (one, error);
    }
}

/* One who has come to a socket that is closed now, and whom the system has let think that it is
 * connected. */
static void
dismiss_waiting (GSocket  *socket,
                 gpointer  data)
{
  MsgpackRpcServerPrivate *priv = data;

  _msgpack_rpc_guard_dismiss (socket, priv->settings);
}

static gint64
get_deadline (int timeout)
{
  if (timeout == G_MAXINT)
    return G_MAXINT64;

  return g_get_monotonic_time () +
         (timeout < 0 ? DEFAULT_TIMEOUT : timeout) * G_GINT64_CONSTANT (1000);
}

/* Begins one, or hurries the one that goes on. Takes a reference on @task, which may be NULL; the lock is
 * held. */
static void
join_drain (MsgpackRpcServer    *self,
            MsgpackRpcCloseMode  mode,
            gint64               deadline,
            GTask               *task)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  if (priv->drain == NULL)
    {
      priv->drain = _msgpack_rpc_drain_new (mode);
      priv->drain_tasks = g_ptr_array_new_with_free_func (g_object_unref);
      priv->drain_deadline = G_MAXINT64;
      _msgpack_rpc_acceptor_set_dismissed (priv->acceptor, TRUE);
    }
  else
    {
      _msgpack_rpc_drain_hurry (priv->drain, mode);
    }

  if (task != NULL)
    g_ptr_array_add (priv->drain_tasks, g_object_ref (task));
  if (deadline < priv->drain_deadline)
    {
      priv->drain_deadline = deadline;
      _msgpack_rpc_reactor_start_timer (priv->reactor, &priv->drain_timer, deadline);
    }
}

/* Returns the one that this has begun or joined: it may have ended since, and another one begun. */
static MsgpackRpcDrain *
begin_drain (MsgpackRpcServer    *self,
             MsgpackRpcCloseMode  mode,
             int                  timeout,
             GTask               *task)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  MsgpackRpcDrain *drain;

  g_mutex_lock (&priv->lock);
  join_drain (self, mode, get_deadline (timeout), task);
  drain = _msgpack_rpc_drain_ref (priv->drain);
  g_mutex_unlock (&priv->lock);

  _msgpack_rpc_acceptor_dismiss (priv->acceptor, dismiss_waiting, priv);
  _msgpack_rpc_server_dismiss_handshakes (self, FALSE);
  dismiss_pending (self);
  drain_guests (self);
  /* There may be nobody. */
  _msgpack_rpc_reactor_post (priv->reactor, NULL, self, FALSE, check_cb, NULL, NULL);
  return drain;
}

void
_msgpack_rpc_server_start_drain (MsgpackRpcServer    *self,
                                 MsgpackRpcCloseMode  mode,
                                 int                  timeout,
                                 GTask               *task)
{
  _msgpack_rpc_drain_unref (begin_drain (self, mode, timeout, task));
}

/* ---- waiting for it ---- */

gboolean
_msgpack_rpc_server_leave_drain (MsgpackRpcServer *self,
                                 GTask            *task)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return priv->drain_tasks != NULL && g_ptr_array_remove (priv->drain_tasks, task);
}

static gboolean
cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED,
              gpointer      user_data)
{
  GTask *task = user_data;

  if (_msgpack_rpc_server_leave_drain (g_task_get_source_object (task), task))
    g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
completed_cb (GTask      *task G_GNUC_UNUSED,
              GParamSpec *pspec G_GNUC_UNUSED,
              gpointer    user_data)
{
  g_source_destroy (user_data);
}

/* In the caller's context. */
static void
follow_cancellable (GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  GSource *source;

  if (cancellable == NULL)
    return;

  source = g_cancellable_source_new (cancellable);
  g_source_set_static_name (source, "[msgpackrpc-glib] drain cancelled");
  g_signal_connect_data (task, "notify::completed", G_CALLBACK (completed_cb), source,
                         (GClosureNotify) (void (*) (void)) g_source_unref, 0);
  g_task_attach_source (task, source, G_SOURCE_FUNC (cancelled_cb));
}

/**
 * msgpack_rpc_server_drain_async:
 * @self: a server
 * @mode: what to do with messages that are still queued on a connection when all of its requests are
 *   answered
 * @timeout: how long that may take, in milliseconds; −1 for the default, 25,000, or `G_MAXINT` for as
 *   long as it takes
 * @cancellable: (nullable): ends the waiting; the server is drained all the same
 * @callback: (scope async) (nullable): called when the last connection has ended
 * @user_data: data for @callback
 *
 * Closes the server in good order: nobody loses an answer, and nobody has to guess.
 *
 * - The sockets that it listens on are closed. Who comes by another way is turned away.
 * - Requests whose handlers have begun are answered. Others are refused with an error, and are not
 *   handled: clients of this library know of each call whether it was, see [property@Call:delivery].
 * - A connection on which all is answered is closed with @mode, and ends when what was written has
 *   arrived at the peer.
 * - When the time is over, all that are left are closed at once.
 *
 * It may be called from any thread, and from a handler, whose own request is waited for as all
 * others. Called again, it hurries: the shorter time, and the mode that leaves more unsent, hold for
 * both; a time of 0 ends it at once.
 *
 * Afterwards the server may listen again, but not before. Sockets that were added by the methods of
 * `GSocketListener` are not closed, and are accepted from again.
 *
 * Call [method@Server.drain_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_drain_async (MsgpackRpcServer    *self,
                                MsgpackRpcCloseMode  mode,
                                int                  timeout,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (timeout >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (callback != NULL)
    {
      task = g_task_new (self, cancellable, callback, user_data);
      g_task_set_source_tag (task, msgpack_rpc_server_drain_async);
      g_task_set_check_cancellable (task, FALSE);
      follow_cancellable (task);
    }
  _msgpack_rpc_server_start_drain (self, mode, timeout, task);
}

/**
 * msgpack_rpc_server_drain_finish:
 * @self: a server
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes draining a server, and gets what could not be sent.
 *
 * The value is of type `a(tmvav)`, with an element for each connection on which something was left:
 * its [property@Connection:id], the message that was sent in part, if there is one, and those of
 * which nothing was sent.
 *
 * Returns: (transfer full): what was not sent, or `NULL` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
GVariant *
msgpack_rpc_server_drain_finish (MsgpackRpcServer  *self,
                                 GAsyncResult      *result,
                                 GError           **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, msgpack_rpc_server_drain_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static int
get_time_left (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  gint64 deadline, left;

  g_mutex_lock (&priv->lock);
  deadline = priv->drain_deadline;
  g_mutex_unlock (&priv->lock);
  if (deadline == G_MAXINT64)
    return G_MAXINT;

  left = (deadline - g_get_monotonic_time () + 999) / 1000;
  return (int) CLAMP (left, 0, G_MAXINT - 1);
}

static gboolean
has_ended (MsgpackRpcServer  *self,
           MsgpackRpcDrain   *drain,
           GError           **error)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  if (priv->drain != drain)
    return TRUE;

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                       _("Somebody was just being let in: the server is drained when its main "
                         "context runs"));
  return FALSE;
}

/* All that there are: those who were let in, and those who are turned away. */
static GPtrArray *
get_guests (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  GPtrArray *guests = _msgpack_rpc_object_list_copy (priv->connections);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  for (guint i = 0; i < priv->pending->len; i++)
    {
      MsgpackRpcPendingConnection *pending = g_ptr_array_index (priv->pending, i);

      g_ptr_array_add (guests,
                       g_object_ref (msgpack_rpc_pending_connection_get_connection (pending)));
    }
  return guests;
}

static guint
count_guests (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return priv->n_guests;
}

/* Until their connections have ended, or the time is over. */
static gboolean
wait_for_guests (MsgpackRpcServer  *self,
                 GPtrArray         *guests,
                 GCancellable      *cancellable,
                 GError           **error)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  int timeout = get_time_left (self);

  for (guint i = 0; i < guests->len; i++)
    g_ptr_array_add (calls, _msgpack_rpc_connection_await_end (g_ptr_array_index (guests, i),
                                                               timeout));
  return _msgpack_rpc_call_wait_for ((MsgpackRpcCall **) calls->pdata, calls->len, calls->len,
                                     cancellable, error);
}

/* All together, in the order in which it was posted. */
static void
serve_guests (MsgpackRpcServer *self,
              GPtrArray        *guests)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GHashTable) lanes = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < guests->len; i++)
    g_hash_table_add (lanes,
                      (gpointer) _msgpack_rpc_connection_get_lane (g_ptr_array_index (guests, i)));
  while (_msgpack_rpc_reactor_serve_lanes (priv->reactor, lanes))
    ;
}

/* Nobody else delivers what is posted for the server and for the connections. */
static gboolean
serve_until_drained (MsgpackRpcServer  *self,
                     MsgpackRpcDrain   *drain,
                     GCancellable      *cancellable,
                     GError           **error)
{
  guint n_before, n_left = count_guests (self);
  gboolean is_over = FALSE;

  /* They cannot go on meanwhile. */
  _msgpack_rpc_server_dismiss_handshakes (self, TRUE);
  do
    {
      g_autoptr(GPtrArray) guests = NULL;

      n_before = n_left;
      /* Those who have come are let in, or are turned away. */
      _msgpack_rpc_server_serve_arrivals (self);
      guests = get_guests (self);
      if (!wait_for_guests (self, guests, cancellable, error))
        return FALSE;

      is_over = get_time_left (self) == 0;
      if (is_over)
        cut_off_all (self);
      serve_guests (self, guests);
      n_left = count_guests (self);
    }
  /* Others who come meanwhile are few: nobody new is let in. */
  while (!is_over && n_left > 0 && n_left < n_before);

  end_drain (self, FALSE);
  /* When the time is over it waits for nobody. */
  return is_over || has_ended (self, drain, error);
}

static void
wake_cb (GCancellable *cancellable G_GNUC_UNUSED,
         gpointer      user_data)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (user_data);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  g_cond_broadcast (&priv->drained);
}

/* Another thread runs the context. FALSE if the time is over. */
static gboolean
wait_until_drained (MsgpackRpcServer *self,
                    MsgpackRpcDrain  *drain,
                    GCancellable     *cancellable)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  gboolean is_in_time = TRUE;
  gulong id = 0;

  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (wake_cb), self, NULL);

  g_mutex_lock (&priv->lock);
  while (is_in_time && priv->drain == drain && !g_cancellable_is_cancelled (cancellable))
    is_in_time = g_cond_wait_until (&priv->drained, &priv->lock, priv->drain_deadline);
  is_in_time = is_in_time || priv->drain != drain;
  g_mutex_unlock (&priv->lock);

  g_cancellable_disconnect (cancellable, id);
  return is_in_time;
}

/**
 * msgpack_rpc_server_drain_sync:
 * @self: a server
 * @mode: what to do with messages that are still queued on a connection when all of its requests are
 *   answered
 * @timeout: how long that may take, in milliseconds; −1 for the default, 25,000, or `G_MAXINT` for as
 *   long as it takes
 * @cancellable: (nullable): ends the waiting; the server is drained all the same
 * @error: return location for an error
 *
 * Closes the server in good order, and blocks until that is done; see
 * [method@Server.drain_async], and [method@Server.drain_finish] for what is returned.
 *
 * In the thread that runs [property@Server:main-context], or would run it, this delivers what comes
 * for the server's connections meanwhile: handlers run, and signals are emitted; other sources of the
 * context have to wait. In other threads it waits for that one, and when the time is over for nobody.
 *
 * A handler that has not answered its own request would wait for itself until the time is over: use
 * [method@Server.drain_async] there.
 *
 * Returns: (transfer full): what was not sent, or `NULL` with @error set: `G_IO_ERROR_CANCELLED`,
 *   `G_IO_ERROR_TOO_MANY_OPEN_FILES`, or [error@Error.BUSY] if somebody is just being let in, by
 *   a handler that has called this or by another thread: the server is drained when the context runs
 *   again, for which [method@Server.drain_async] can be waited for
 * Since: 1.0
 */
GVariant *
msgpack_rpc_server_drain_sync (MsgpackRpcServer     *self,
                               MsgpackRpcCloseMode   mode,
                               int                   timeout,
                               GCancellable         *cancellable,
                               GError              **error)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(MsgpackRpcDrain) drain = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (timeout >= -1, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  priv = _msgpack_rpc_server_get_private (self);
  drain = begin_drain (self, mode, timeout, NULL);
  if (_msgpack_rpc_reactor_is_home (priv->reactor))
    {
      if (!serve_until_drained (self, drain, cancellable, error))
        return NULL;
    }
  else
    {
      if (!wait_until_drained (self, drain, cancellable))
        cut_off_all (self);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
    }

  return _msgpack_rpc_drain_get_unsent (drain);
}
