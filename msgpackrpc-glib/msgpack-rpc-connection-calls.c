/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* Shows the calls in flight to those who ask. */

/**
 * msgpack_rpc_connection_get_calls: (get-property calls)
 * @self: a connection
 *
 * Gets the calls of this end that are in flight, as a list of [class@Call], in the order in which they
 * were started.
 *
 * The list is always the same object. It is made when it is asked for first; until then it costs
 * nothing. It changes in [property@Connection:main-context] only, once for all that has happened
 * meanwhile, and may be read from any thread. A call that has ended is still in it until then.
 *
 * It has the properties `item-type` and `n-items`, as the lists of GLib and GTK have.
 *
 * Returns: (transfer none): the list
 * Since: 1.0
 */
GListModel *
msgpack_rpc_connection_get_calls (MsgpackRpcConnection *self)
{
  g_autoptr(MsgpackRpcCallList) list = NULL;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  if (self->call_list == NULL)
    {
      list = _msgpack_rpc_call_list_new (self->reactor, _msgpack_rpc_link_get_lane (self->link),
                                         NULL, NULL);
      _msgpack_rpc_call_table_show (&self->calls, list);
      self->call_list = list;
    }

  return G_LIST_MODEL (self->call_list);
}

void
_msgpack_rpc_connection_show_calls (MsgpackRpcConnection *self,
                                    MsgpackRpcCallList   *list)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_call_table_show (&self->calls, list);
}
