/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-listener-private.h"

/* Where a server listens. */

static gboolean
check_tls (MsgpackRpcServer  *self,
           const char        *address,
           GError           **error)
{
  g_autoptr(GTlsCertificate) certificate = msgpack_rpc_server_get_tls_certificate (self);

  if (certificate != NULL)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
               _("Cannot listen on “%s”: the server has no TLS certificate to show"), address);
  return FALSE;
}

gboolean
_msgpack_rpc_server_check_listening (MsgpackRpcServer  *self,
                                     GError           **error)
{
  if (!_msgpack_rpc_acceptor_is_closed (_msgpack_rpc_server_get_private (self)->acceptor))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The server is closed"));
  return FALSE;
}

char **
_msgpack_rpc_server_add_listeners (MsgpackRpcServer  *self,
                                   GPtrArray         *listeners,
                                   GError           **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < listeners->len; i++)
    {
      MsgpackRpcListener *listener = g_ptr_array_index (listeners, i);

      g_strv_builder_add (builder, listener->address);
    }

  if (_msgpack_rpc_acceptor_add (_msgpack_rpc_server_get_private (self)->acceptor, listeners))
    return g_strv_builder_end (builder);

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                       _("The server is being drained"));
  return NULL;
}

static gboolean
open_files (MsgpackRpcServer  *self,
            GPtrArray         *listeners,
            GError           **error)
{
  guint mode = msgpack_rpc_server_get_unix_mode (self);

  for (guint i = 0; i < listeners->len; i++)
    if (!_msgpack_rpc_listener_set_mode (g_ptr_array_index (listeners, i), mode, error))
      return FALSE;

  return TRUE;
}

/* Returns the addresses that were bound. */
static char **
open_listeners (MsgpackRpcServer  *self,
                const char        *address,
                GPtrArray         *addresses,
                GError           **error)
{
  g_autoptr(GPtrArray) listeners = NULL;
  gboolean is_tls = _msgpack_rpc_address_is_tls (address);
  int backlog;

  if (!_msgpack_rpc_server_check_listening (self, error))
    return NULL;
  if (is_tls && !check_tls (self, address, error))
    return NULL;

  g_object_get (self, "listen-backlog", &backlog, NULL);
  listeners = _msgpack_rpc_listener_open (addresses, is_tls, backlog, error);
  if (listeners == NULL || !open_files (self, listeners, error))
    {
      g_autofree char *shown = g_filename_display_name (address);

      g_prefix_error (error, _("Cannot listen on “%s”: "), shown);
      return NULL;
    }

  return _msgpack_rpc_server_add_listeners (self, listeners, error);
}

static void
resolved_cb (GObject      *source G_GNUC_UNUSED,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  g_autoptr(GPtrArray) addresses = NULL;
  g_autoptr(GError) error = NULL;
  char **bound = NULL;

  addresses = _msgpack_rpc_address_resolve_finish (result, &error);
  if (addresses != NULL)
    bound = open_listeners (g_task_get_source_object (task), g_task_get_task_data (task), addresses,
                            &error);

  if (bound != NULL)
    g_task_return_pointer (task, bound, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * msgpack_rpc_server_listen_async:
 * @self: a server
 * @address: an address, such as `tcp://localhost:0` or `unix:///path`
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server listens, or cannot
 * @user_data: data for @callback
 *
 * Listens on an address; see [method@Server.listen_sync], which differs only in that it waits.
 *
 * Cancelling it ends it with `G_IO_ERROR_CANCELLED`; nothing is bound then.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_listen_async (MsgpackRpcServer    *self,
                                 const char          *address,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  GTask *task;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (address != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_server_listen_async);
  g_task_set_task_data (task, g_strdup (address), g_free);
  /* What is bound is bound. */
  g_task_set_check_cancellable (task, FALSE);
  _msgpack_rpc_address_resolve_async (address, cancellable, resolved_cb, task);
}

/**
 * msgpack_rpc_server_listen_finish:
 * @self: a server
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes listening on an address.
 *
 * Returns: (transfer full) (array zero-terminated=1): the addresses that were bound, or `NULL` with
 *   @error set
 *
 * Since: 1.0
 */
char **
msgpack_rpc_server_listen_finish (MsgpackRpcServer  *self,
                                  GAsyncResult      *result,
                                  GError           **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, msgpack_rpc_server_listen_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * msgpack_rpc_server_listen_sync:
 * @self: a server
 * @address: an address, such as `tcp://localhost:0` or `unix:///path`
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Listens on an address, besides those that the server listens on already.
 *
 * It may be called before [property@Server:main-context] is run by anybody. It waits only for a
 * host name to be resolved, and for no loop.
 *
 * A host name is bound on all addresses that it stands for and this machine has: `localhost` on
 * IPv4 and IPv6. They have the same port, also where it is chosen by the system since the one given
 * is 0. What is returned are the addresses as a client can use them, in the order of binding; any
 * interface is written as the loopback one.
 *
 * How many peers the system lets wait until they are accepted is for
 * [method@Gio.SocketListener.set_backlog] to say before, which a server begins with 1,024 for.
 *
 * The file of a UNIX socket is accessible to this user only, unless [property@Server:unix-mode] says
 * otherwise. One that a crashed server has left
 * behind is replaced: a socket of this user, at which nobody listens. A file `path.lock` is there
 * for the moment. The socket is removed when the server closes it.
 *
 * Fails with
 *
 * - `MSGPACK_RPC_ERROR_INVALID_ADDRESS` if @address is not valid, or cannot be listened on;
 * - `G_IO_ERROR_ADDRESS_IN_USE` if somebody else listens there;
 * - `G_IO_ERROR_NOT_INITIALIZED` for TLS without a [property@Server:tls-certificate];
 * - `G_IO_ERROR_CLOSED` if the server was closed;
 * - `MSGPACK_RPC_ERROR_BUSY` while the server is drained;
 * - `G_IO_ERROR_CANCELLED`, and what resolving a name and binding a socket can fail with.
 *
 * Returns: (transfer full) (array zero-terminated=1): the addresses that were bound, or `NULL` with
 *   @error set
 *
 * Since: 1.0
 */
char **
msgpack_rpc_server_listen_sync (MsgpackRpcServer  *self,
                                const char        *address,
                                GCancellable      *cancellable,
                                GError           **error)
{
  g_autoptr(GPtrArray) addresses = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  addresses = _msgpack_rpc_address_resolve_sync (address, cancellable, error);
  if (addresses == NULL)
    return NULL;

  return open_listeners (self, address, addresses, error);
}

/**
 * msgpack_rpc_server_get_unix_mode: (get-property unix-mode)
 * @self: a server
 *
 * Gets the mode bits of the files of UNIX sockets.
 *
 * Returns: the mode, 0600 by default
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_get_unix_mode (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->unix_mode;
}

/**
 * msgpack_rpc_server_set_unix_mode: (set-property unix-mode)
 * @self: a server
 * @unix_mode: mode bits, up to 0777
 *
 * Sets the mode bits of the files of UNIX sockets on which the server listens from now on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_unix_mode (MsgpackRpcServer *self,
                                  guint             unix_mode)
{
  MsgpackRpcServerPrivate *priv;
  gboolean has_changed;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (unix_mode <= 0777);

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  has_changed = priv->unix_mode != unix_mode;
  priv->unix_mode = unix_mode;
  g_mutex_unlock (&priv->lock);

  if (has_changed)
    _msgpack_rpc_server_notify (self, "unix-mode");
}

/**
 * msgpack_rpc_server_is_accepting_paused: (get-property accepting-paused)
 * @self: a server
 *
 * Gets whether nobody is accepted for the moment, since the system could not accept the last one.
 *
 * Returns: `TRUE` if it is so
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_server_is_accepting_paused (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), FALSE);

  return _msgpack_rpc_acceptor_is_paused (_msgpack_rpc_server_get_private (self)->acceptor);
}
