/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-subscribing-private.h"

/* How a connection or a client subscribes to topics of its peer, and hears of them. */

/* Where what it has subscribed to is, or NULL for what is neither. */
static MsgpackRpcInterests **
get_interests (MsgpackRpcPeer  *self,
               GError         **error)
{
  if (MSGPACK_RPC_IS_CLIENT (self))
    return _msgpack_rpc_client_get_interests (MSGPACK_RPC_CLIENT (self));
  if (MSGPACK_RPC_IS_CONNECTION (self))
    return _msgpack_rpc_connection_get_interests (MSGPACK_RPC_CONNECTION (self));

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s cannot subscribe",
               G_OBJECT_TYPE_NAME (self));
  return NULL;
}

static MsgpackRpcCall *
make_call (const char *method,
           const char *topic)
{
  return msgpack_rpc_call_new (method, g_variant_new ("(s)", topic));
}

/* ---- subscribing ---- */

/* Whether the peer may have done what it was asked for all the same. */
static gboolean
is_in_doubt (MsgpackRpcCall *call,
             const GError   *error)
{
  return msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_ANSWERED &&
         msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_NOT_SENT &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* The call has ended. */
static gboolean
settle (MsgpackRpcPeer  *self,
        const char      *topic,
        MsgpackRpcCall  *call,
        GError         **error)
{
  MsgpackRpcInterests **interests = get_interests (self, NULL);
  g_autoptr(GError) local_error = NULL;
  guint n_left = 0;

  if (_msgpack_rpc_call_get_outcome (call, NULL, &local_error))
    {
      _msgpack_rpc_interests_confirm (interests, topic);
      return TRUE;
    }

  if (_msgpack_rpc_interests_remove (interests, topic, &n_left) && n_left == 0 &&
      is_in_doubt (call, local_error))
    msgpack_rpc_peer_send_notification (self, MSGPACK_RPC_UNSUBSCRIBE_METHOD,
                                        g_variant_new ("(s)", topic), NULL);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static void
subscribed_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  g_autoptr(GError) error = NULL;

  if (settle (MSGPACK_RPC_PEER (source), g_task_get_task_data (task), MSGPACK_RPC_CALL (result),
              &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * msgpack_rpc_peer_subscribe_async:
 * @self: a [class@Client] or [class@Connection]
 * @topic: the name of a topic of the peer
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called when the peer has answered, or the call has failed
 * @user_data: data for @callback
 *
 * Subscribes to a topic: from then on [signal@Peer::published] tells what the peer publishes.
 *
 * That is a call of `rpc.subscribe`, which waits until a client is connected, as all calls do. A client
 * remembers what it has subscribed to: when it connects again, it subscribes again, before anything
 * else is sent. What was published meanwhile is lost. If it is refused then,
 * [signal@Peer::subscription-lost] says so.
 *
 * Subscribing is counted: a topic to which several parts of a program have subscribed is given up
 * when each has called [method@Peer.unsubscribe_async]. Call [method@Peer.subscribe_finish] from
 * @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_peer_subscribe_async (MsgpackRpcPeer      *self,
                                  const char          *topic,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GTask) task = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcInterests **interests;

  g_return_if_fail (MSGPACK_RPC_IS_PEER (self));
  g_return_if_fail (topic != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  /* The call has the cancellable. */
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_peer_subscribe_async);
  g_task_set_task_data (task, g_strdup (topic), g_free);
  interests = get_interests (self, &error);
  if (interests == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  _msgpack_rpc_interests_add (interests, topic);
  call = make_call (MSGPACK_RPC_SUBSCRIBE_METHOD, topic);
  _msgpack_rpc_call_set_callback (call, self, cancellable, subscribed_cb, g_steal_pointer (&task));
  msgpack_rpc_peer_send_call (self, call);
}

/**
 * msgpack_rpc_peer_subscribe_finish:
 * @self: a peer
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Peer.subscribe_async].
 *
 * Returns: `TRUE` if the peer has agreed; `FALSE` with @error set, as [class@Call] lists it, or to
 *   `G_IO_ERROR_NOT_SUPPORTED` if @self is neither a client nor a connection
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_subscribe_finish (MsgpackRpcPeer  *self,
                                   GAsyncResult    *result,
                                   GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * msgpack_rpc_peer_subscribe_sync:
 * @self: a [class@Client] or [class@Connection]
 * @topic: the name of a topic of the peer
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Subscribes to a topic, and blocks until the peer has answered.
 *
 * What it publishes is told by [signal@Peer::published], in the context of @self. Otherwise as
 * [method@Peer.subscribe_async].
 *
 * Returns: `TRUE` if the peer has agreed; `FALSE` with @error set, as for
 *   [method@Peer.subscribe_finish]
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_subscribe_sync (MsgpackRpcPeer  *self,
                                 const char      *topic,
                                 GCancellable    *cancellable,
                                 GError         **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) result = NULL;
  MsgpackRpcInterests **interests;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  interests = get_interests (self, error);
  if (interests == NULL || !_msgpack_rpc_call_check_sync (cancellable, error))
    return FALSE;

  _msgpack_rpc_interests_add (interests, topic);
  call = make_call (MSGPACK_RPC_SUBSCRIBE_METHOD, topic);
  msgpack_rpc_peer_send_call (self, call);
  result = _msgpack_rpc_call_run_value (call, cancellable, NULL);
  return settle (self, topic, call, error);
}

/* ---- unsubscribing ---- */

/* One subscription less; @is_last: the peer is to be told. */
static gboolean
give_up (MsgpackRpcPeer  *self,
         const char      *topic,
         gboolean        *is_last,
         GError         **error)
{
  MsgpackRpcInterests **interests = get_interests (self, error);
  guint n_left;

  if (interests == NULL)
    return FALSE;

  if (!_msgpack_rpc_interests_remove (interests, topic, &n_left))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Nobody has subscribed to “%s”", topic);
      return FALSE;
    }

  *is_last = n_left == 0;
  return TRUE;
}

/* A peer that is gone publishes no more. */
static gboolean
check_unsubscribed (MsgpackRpcCall  *call,
                    GError         **error)
{
  g_autoptr(GError) local_error = NULL;

  if (_msgpack_rpc_call_get_outcome (call, NULL, &local_error) ||
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
      g_error_matches (local_error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static void
unsubscribed_cb (GObject      *source G_GNUC_UNUSED,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  g_autoptr(GError) error = NULL;

  if (check_unsubscribed (MSGPACK_RPC_CALL (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * msgpack_rpc_peer_unsubscribe_async:
 * @self: a [class@Client] or [class@Connection]
 * @topic: the name of a topic that was subscribed to
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * Takes back one [method@Peer.subscribe_async].
 *
 * With the last one of a topic, [signal@Peer::published] tells of it no more, from within this function
 * on, and the peer is told by a call of `rpc.unsubscribe`. Call [method@Peer.unsubscribe_finish] from
 * @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_peer_unsubscribe_async (MsgpackRpcPeer      *self,
                                    const char          *topic,
                                    GCancellable        *cancellable,
                                    GAsyncReadyCallback  callback,
                                    gpointer             user_data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GTask) task = NULL;
  g_autoptr(GError) error = NULL;
  gboolean is_last;

  g_return_if_fail (MSGPACK_RPC_IS_PEER (self));
  g_return_if_fail (topic != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_peer_unsubscribe_async);
  if (!give_up (self, topic, &is_last, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (!is_last)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  call = make_call (MSGPACK_RPC_UNSUBSCRIBE_METHOD, topic);
  _msgpack_rpc_call_set_callback (call, self, cancellable, unsubscribed_cb, g_steal_pointer (&task));
  msgpack_rpc_peer_send_call (self, call);
}

/**
 * msgpack_rpc_peer_unsubscribe_finish:
 * @self: a peer
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Peer.unsubscribe_async].
 *
 * Returns: `TRUE` if the peer has agreed, is not connected, or need not know; `FALSE` with @error set
 *   to `G_IO_ERROR_NOT_FOUND` if the topic was not subscribed to, or as [class@Call] lists it, as when
 *   the topic was removed: then nothing comes of it any more, either
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_unsubscribe_finish (MsgpackRpcPeer  *self,
                                     GAsyncResult    *result,
                                     GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * msgpack_rpc_peer_unsubscribe_sync:
 * @self: a [class@Client] or [class@Connection]
 * @topic: the name of a topic that was subscribed to
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Takes back one [method@Peer.subscribe_async], and blocks until the peer has answered.
 *
 * Otherwise as [method@Peer.unsubscribe_async].
 *
 * Returns: `TRUE`, or `FALSE` with @error set, as for [method@Peer.unsubscribe_finish]
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_unsubscribe_sync (MsgpackRpcPeer  *self,
                                   const char      *topic,
                                   GCancellable    *cancellable,
                                   GError         **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) result = NULL;
  gboolean is_last;

  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!_msgpack_rpc_call_check_sync (cancellable, error) || !give_up (self, topic, &is_last, error))
    return FALSE;
  if (!is_last)
    return TRUE;

  call = make_call (MSGPACK_RPC_UNSUBSCRIBE_METHOD, topic);
  msgpack_rpc_peer_send_call (self, call);
  result = _msgpack_rpc_call_run_value (call, cancellable, NULL);
  return check_unsubscribed (call, error);
}
