/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-handlers-private.h"

/* Shows the calls in flight to those who ask. */

static void
busy_changed (gpointer owner)
{
  g_object_notify (owner, "busy");
}

/* The lock is held. The list shows the calls of this connection and of all that come after. */
static MsgpackRpcCallList *
get_list (MsgpackRpcClient *self)
{
  MsgpackRpcCallList *list;

  if (self->call_list != NULL)
    return self->call_list;

  list = _msgpack_rpc_call_list_new (self->reactor, self, G_OBJECT (self), busy_changed);
  g_atomic_pointer_set (&self->call_list, list);
  if (self->connection != NULL)
    _msgpack_rpc_connection_show_calls (self->connection, list);
  return list;
}

/* Whoever has asked to be notified of it has asked for the list. */
void
_msgpack_rpc_client_expect_call (MsgpackRpcClient *self)
{
  if (g_atomic_pointer_get (&self->call_list) == NULL && _msgpack_rpc_is_notified_of (self, "busy"))
    msgpack_rpc_client_get_calls (self);
}

/**
 * msgpack_rpc_client_get_calls: (get-property calls)
 * @self: a client
 *
 * Gets the calls of this client that are in flight, as a list of [class@Call], in the order in which
 * they were started; also those that wait for it to be connected.
 *
 * The list is always the same object, for all connections of the client. It is made when it is asked
 * for first; until then it costs nothing. It changes in [property@Client:main-context] only, once for
 * all that has happened meanwhile, and may be read from any thread. A call that has ended is still in
 * it until then.
 *
 * It has the properties `item-type` and `n-items`, as the lists of GLib and GTK have.
 *
 * Returns: (transfer none): the list
 * Since: 1.0
 */
GListModel *
msgpack_rpc_client_get_calls (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return G_LIST_MODEL (get_list (self));
}

/**
 * msgpack_rpc_client_get_busy: (get-property busy)
 * @self: a client
 *
 * Gets whether any call of this client is in flight.
 *
 * This makes the list of [method@Client.get_calls], if there is none yet: whoever reads it once is told
 * of each change from then on.
 *
 * Returns: whether there is one
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_busy (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return !_msgpack_rpc_call_list_is_empty (get_list (self));
}
