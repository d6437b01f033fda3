/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-peer.h"

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-interests-private.h"

/**
 * MsgpackRpcPeer:
 *
 * Something that can be called: a [class@Connection], or a [class@Client].
 *
 * Parameters are a [struct@GLib.Variant]: an array or tuple holds positional ones (`(xx)`, `av`,
 * `as`, …), a dictionary (`a{sv}`) named ones, any other value is the only one, and `NULL` stands for
 * none. The type of a result is the one that [func@unpack] lists for its MessagePack value, such as
 * `x` for an integer, unless [property@Call:reply-type] asks for another.
 *
 * ```c
 * static void
 * added (GObject *source, GAsyncResult *result, gpointer user_data)
 * {
 *   g_autoptr(GError) error = NULL;
 *   g_autoptr(GVariant) sum = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
 *
 *   if (sum == NULL)
 *     g_printerr ("add: %s\n", error->message);
 *   else
 *     g_print ("%" G_GINT64_FORMAT "\n", g_variant_get_int64 (sum));
 * }
 *
 * msgpack_rpc_peer_call_async (peer, "add", g_variant_new ("(xx)", 1, 2), NULL, added, NULL);
 * ```
 *
 * ## Threads
 *
 * All functions may be called from any thread. A callback comes in the thread-default context of
 * the thread that made the call, and never inside of the function that started it.
 *
 * Since: 1.0
 */
G_DEFINE_INTERFACE (MsgpackRpcPeer, msgpack_rpc_peer, G_TYPE_OBJECT)

static void
default_send_call (MsgpackRpcPeer *self,
                   MsgpackRpcCall *call)
{
  g_autoptr(GError) error = NULL;

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s does not implement send_call",
                       G_OBJECT_TYPE_NAME (self));
  _msgpack_rpc_call_fail (call, error);
}

static gboolean
default_send_notification (MsgpackRpcPeer  *self,
                           const char      *method G_GNUC_UNUSED,
                           GVariant        *params G_GNUC_UNUSED,
                           GError         **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "%s does not implement send_notification", G_OBJECT_TYPE_NAME (self));
  return FALSE;
}

static void
msgpack_rpc_peer_default_init (MsgpackRpcPeerInterface *iface)
{
  iface->send_call = default_send_call;
  iface->send_notification = default_send_notification;

  _msgpack_rpc_interests_install_signals (G_TYPE_FROM_INTERFACE (iface));
}

static void
start (MsgpackRpcPeer      *self,
       MsgpackRpcCall      *call,
       GCancellable        *cancellable,
       GAsyncReadyCallback  callback,
       gpointer             user_data)
{
  _msgpack_rpc_call_set_callback (call, self, cancellable, callback, user_data);
  MSGPACK_RPC_PEER_GET_IFACE (self)->send_call (self, call);
}

/**
 * msgpack_rpc_peer_call_async:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called when the reply has come or the call has failed
 * @user_data: data for @callback
 *
 * Calls a method of the peer.
 *
 * If @params is floating, it is consumed. The result given to @callback is a [class@Call]; call
 * [method@Peer.call_finish] from @callback to get the outcome. The call may take the peer's default
 * timeout, 25 seconds unless it was changed; use [method@Peer.send_call] for another.
 *
 * Since: 1.0
 */
void
msgpack_rpc_peer_call_async (MsgpackRpcPeer      *self,
                             const char          *method,
                             GVariant            *params,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_PEER (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = msgpack_rpc_call_new (method, params);
  start (self, call, cancellable, callback, user_data);
}

/**
 * msgpack_rpc_peer_call_finish:
 * @self: a peer
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Peer.call_async].
 *
 * [class@Call] lists what @error can be. Its [property@Call:error-value] has what the peer
 * answered, whole.
 *
 * Returns: (transfer full): the result, or `NULL` with @error set; nil is a value of type `mv`
 * Since: 1.0
 */
GVariant *
msgpack_rpc_peer_call_finish (MsgpackRpcPeer  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return _msgpack_rpc_call_finish_value (self, result, MSGPACK_RPC_CALL_KIND_REQUEST, error);
}

/**
 * msgpack_rpc_peer_call_sync:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Calls a method of the peer and blocks until it has answered.
 *
 * If @params is floating, it is consumed. Works in any thread, whether any loop is running or not,
 * also while a client is still connecting. While it waits, it does the connection's I/O itself and
 * runs nothing of the application; what else comes in is delivered later, in order. A user
 * interface freezes meanwhile: there, use [method@Peer.call_async].
 *
 * Returns: (transfer full): the result, or `NULL` with @error set, as [class@Call] and
 *   [method@Call.wait] list it
 * Since: 1.0
 */
GVariant *
msgpack_rpc_peer_call_sync (MsgpackRpcPeer  *self,
                            const char      *method,
                            GVariant        *params,
                            GCancellable    *cancellable,
                            GError         **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  call = msgpack_rpc_call_new (method, params);
  if (!_msgpack_rpc_call_check_sync (cancellable, error))
    return NULL;

  MSGPACK_RPC_PEER_GET_IFACE (self)->send_call (self, call);
  return _msgpack_rpc_call_run_value (call, cancellable, error);
}

/**
 * msgpack_rpc_peer_start_call:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 *
 * Calls a method of the peer and gives the call, to be watched, cancelled or waited for.
 *
 * If @params is floating, it is consumed. The call goes on when its reference is dropped.
 *
 * Returns: (transfer full): the call, started
 * Since: 1.0
 */
MsgpackRpcCall *
msgpack_rpc_peer_start_call (MsgpackRpcPeer *self,
                             const char     *method,
                             GVariant       *params)
{
  MsgpackRpcCall *call;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);

  call = msgpack_rpc_call_new (method, params);
  MSGPACK_RPC_PEER_GET_IFACE (self)->send_call (self, call);
  return call;
}

/**
 * msgpack_rpc_peer_send_call:
 * @self: a peer
 * @call: a call that was not started
 *
 * Starts a call.
 *
 * A call can only be started once. What goes wrong is found in the call, never here.
 *
 * Since: 1.0
 */
void
msgpack_rpc_peer_send_call (MsgpackRpcPeer *self,
                            MsgpackRpcCall *call)
{
  g_return_if_fail (MSGPACK_RPC_IS_PEER (self));
  g_return_if_fail (MSGPACK_RPC_IS_CALL (call));

  MSGPACK_RPC_PEER_GET_IFACE (self)->send_call (self, call);
}

/**
 * msgpack_rpc_peer_send_notification:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 * @error: return location for an error
 *
 * Queues a notification: a message that is not answered.
 *
 * If @params is floating, it is consumed. Never blocks.
 *
 * Returns: `TRUE` if it was queued; `FALSE` with @error set: [error@Error.INVALID_VALUE],
 *   [error@Error.QUEUE_FULL], [error@Error.NOT_CONNECTED] or `G_IO_ERROR_CLOSED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_send_notification (MsgpackRpcPeer  *self,
                                    const char      *method,
                                    GVariant        *params,
                                    GError         **error)
{
  g_autoptr(GVariant) sunk = params != NULL ? g_variant_ref_sink (params) : NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return MSGPACK_RPC_PEER_GET_IFACE (self)->send_notification (self, method, sunk, error);
}

/**
 * msgpack_rpc_peer_send_notification_async:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 * @cancellable: (nullable): takes the notification back, if nothing of it was written
 * @callback: (scope async): called when the notification is written, or failed
 * @user_data: data for @callback
 *
 * Sends a notification, and tells when it was handed whole to the stream.
 *
 * If @params is floating, it is consumed. Call [method@Peer.send_notification_finish] from
 * @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_peer_send_notification_async (MsgpackRpcPeer      *self,
                                          const char          *method,
                                          GVariant            *params,
                                          GCancellable        *cancellable,
                                          GAsyncReadyCallback  callback,
                                          gpointer             user_data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_PEER (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_NOTIFICATION, method, params);
  start (self, call, cancellable, callback, user_data);
}

/**
 * msgpack_rpc_peer_send_notification_finish:
 * @self: a peer
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Peer.send_notification_async].
 *
 * Returns: `TRUE` if it was written; `FALSE` with @error set, as for
 *   [method@Peer.send_notification], or `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_send_notification_finish (MsgpackRpcPeer  *self,
                                           GAsyncResult    *result,
                                           GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_NOTIFICATION, error);
}

/**
 * msgpack_rpc_peer_send_notification_sync:
 * @self: a peer
 * @method: the name of the method
 * @params: (nullable): the parameters, or `NULL` for none
 * @cancellable: (nullable): takes the notification back, if nothing of it was written
 * @error: return location for an error
 *
 * Sends a notification and blocks until it was handed whole to the stream.
 *
 * If @params is floating, it is consumed. Otherwise as [method@Peer.call_sync].
 *
 * Returns: `TRUE` if it was written; `FALSE` with @error set, as for
 *   [method@Peer.send_notification], or `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_send_notification_sync (MsgpackRpcPeer  *self,
                                         const char      *method,
                                         GVariant        *params,
                                         GCancellable    *cancellable,
                                         GError         **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_NOTIFICATION, method, params);
  if (!_msgpack_rpc_call_check_sync (cancellable, error))
    return FALSE;

  MSGPACK_RPC_PEER_GET_IFACE (self)->send_call (self, call);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}
