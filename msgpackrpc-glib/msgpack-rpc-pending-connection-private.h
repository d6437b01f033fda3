/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-pending-connection.h"
#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* It was decided. In any thread, once, no lock held. */
typedef void (*MsgpackRpcDecidedFunc) (gpointer                     owner,
                                       MsgpackRpcPendingConnection *pending,
                                       gboolean                     accepted,
                                       gpointer                     data);

/* Handlers are about to be asked. @owner is not kept alive; it is told unless it is disposed of. The
 * peer has as much time as the limits of @connection say, which is one that reads nothing yet. */
MsgpackRpcPendingConnection *
     _msgpack_rpc_pending_connection_new   (GObject                     *owner,
                                            MsgpackRpcConnection        *connection,
                                            MsgpackRpcReactor           *reactor,
                                            MsgpackRpcDecidedFunc        decided,
                                            gpointer                     data);
/* All have been. In the main context. */
void _msgpack_rpc_pending_connection_asked (MsgpackRpcPendingConnection *self,
                                            gboolean                     allowed);
/* Turns the peer away. FALSE if it was decided before. From any thread. */
gboolean _msgpack_rpc_pending_connection_refuse (MsgpackRpcPendingConnection *self,
                                                 const GError                *error);
/* Closes the connection at once, unless it was accepted; tells nobody. */
void _msgpack_rpc_pending_connection_drop  (MsgpackRpcPendingConnection *self);

G_END_DECLS
