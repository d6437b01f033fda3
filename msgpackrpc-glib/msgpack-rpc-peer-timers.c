/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-timers-private.h"

/* Timers that end with a connection or a client. */

/* A reference, or NULL for what is neither. */
static MsgpackRpcReactor *
ref_reactor (MsgpackRpcPeer *self)
{
  if (MSGPACK_RPC_IS_CLIENT (self))
    return _msgpack_rpc_reactor_ref (MSGPACK_RPC_CLIENT (self)->reactor);
  if (MSGPACK_RPC_IS_CONNECTION (self))
    return _msgpack_rpc_connection_ref_reactor (MSGPACK_RPC_CONNECTION (self));

  return NULL;
}

/* A client connects again: its timers go on. */
static gboolean
has_ended (MsgpackRpcPeer *self)
{
  return MSGPACK_RPC_IS_CONNECTION (self) &&
         _msgpack_rpc_connection_has_ended (MSGPACK_RPC_CONNECTION (self));
}

static guint
add_timer (MsgpackRpcPeer        *self,
           guint                  milliseconds,
           GSourceFunc            func,
           MsgpackRpcTimeoutFunc  once,
           gpointer               user_data,
           GDestroyNotify         destroy)
{
  MsgpackRpcReactor *reactor = ref_reactor (self);
  guint id;

  g_return_val_if_fail (reactor != NULL, 0);

  id = _msgpack_rpc_timers_add (G_OBJECT (self), reactor, milliseconds, func, once, user_data,
                                destroy);
  _msgpack_rpc_reactor_unref (reactor);

  /* Whoever tells of the end looks for timers afterwards. */
  if (has_ended (self))
    {
      _msgpack_rpc_timers_remove (G_OBJECT (self), id);
      return 0;
    }

  return id;
}

/**
 * msgpack_rpc_peer_add_interval:
 * @self: a [class@Client] or [class@Connection]
 * @milliseconds: the time between two calls, at least 1
 * @func: (scope notified) (closure user_data) (destroy user_data_destroy): what is called
 * @user_data: data for @func
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Has a function called at an interval, for as long as @self lives: in the `main-context` of @self,
 * and first when the interval has passed once.
 *
 * It ends when @func returns `G_SOURCE_REMOVE`, when [method@Peer.remove_timer] is called with its id,
 * and with @self: a connection has ended before [signal@Connection::closed] is emitted, or when it is
 * disposed of; a client, which may connect again, when it is disposed of. Then @user_data is let go, by
 * a later dispatch of the context. It does not keep @self alive; but if @user_data holds a reference,
 * that does, until the timer has ended.
 *
 * A context that was too late for a call does not make up for it: the next one is an interval later.
 *
 * Returns: an id for [method@Peer.remove_timer]; or 0 if the connection has ended, so that @func will
 *   not be called
 *
 * Since: 1.0
 */
guint
msgpack_rpc_peer_add_interval (MsgpackRpcPeer *self,
                               guint           milliseconds,
                               GSourceFunc     func,
                               gpointer        user_data,
                               GDestroyNotify  user_data_destroy)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), 0);
  g_return_val_if_fail (milliseconds > 0, 0);
  g_return_val_if_fail (func != NULL, 0);

  return add_timer (self, milliseconds, func, NULL, user_data, user_data_destroy);
}

/**
 * msgpack_rpc_peer_add_timeout:
 * @self: a [class@Client] or [class@Connection]
 * @milliseconds: after how long; 0 for the next turn of the context
 * @func: (scope notified) (closure user_data) (destroy user_data_destroy): what is called
 * @user_data: data for @func
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Has a function called once, if @self is still there then.
 *
 * Otherwise as [method@Peer.add_interval]; an interval that ends by itself.
 *
 * Returns: an id for [method@Peer.remove_timer]; or 0 if the connection has ended, so that @func will
 *   not be called
 *
 * Since: 1.0
 */
guint
msgpack_rpc_peer_add_timeout (MsgpackRpcPeer        *self,
                              guint                  milliseconds,
                              MsgpackRpcTimeoutFunc  func,
                              gpointer               user_data,
                              GDestroyNotify         user_data_destroy)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return add_timer (self, milliseconds, NULL, func, user_data, user_data_destroy);
}

/**
 * msgpack_rpc_peer_remove_timer:
 * @self: a [class@Client] or [class@Connection]
 * @id: what [method@Peer.add_interval] or [method@Peer.add_timeout] has returned
 *
 * Ends a timer.
 *
 * Its function is not called again; only one that runs in another thread at that moment runs on.
 *
 * Returns: `TRUE`, or `FALSE` if @self has no such timer any more, which is no mistake
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_peer_remove_timer (MsgpackRpcPeer *self,
                               guint           id)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PEER (self), FALSE);

  return _msgpack_rpc_timers_remove (G_OBJECT (self), id);
}
