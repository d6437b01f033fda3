/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/**
 * MsgpackRpcWatchFunc:
 * @fd: the descriptor
 * @events: what has happened
 * @user_data: the data given with the function
 *
 * Told that a descriptor is ready.
 *
 * Returns: `G_SOURCE_CONTINUE` to be told again, `G_SOURCE_REMOVE` to end the watch; an exception in
 *   a language binding ends it
 * Since: 1.0
 */
typedef gboolean (*MsgpackRpcWatchFunc) (int                   fd,
                                         MsgpackRpcWatchEvents events,
                                         gpointer              user_data);

#define MSGPACK_RPC_TYPE_WATCH (msgpack_rpc_watch_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcWatch, msgpack_rpc_watch, MSGPACK_RPC, WATCH, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcWatch *msgpack_rpc_watch_add (GMainContext          *context,
                                        int                    fd,
                                        MsgpackRpcWatchEvents  events,
                                        MsgpackRpcWatchFunc    func,
                                        gpointer               user_data,
                                        GDestroyNotify         user_data_destroy);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_watch_update (MsgpackRpcWatch       *self,
                                   MsgpackRpcWatchEvents  events);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_watch_remove (MsgpackRpcWatch       *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
int                    msgpack_rpc_watch_get_fd           (MsgpackRpcWatch *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcWatchEvents  msgpack_rpc_watch_get_events       (MsgpackRpcWatch *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
GMainContext          *msgpack_rpc_watch_get_main_context (MsgpackRpcWatch *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean               msgpack_rpc_watch_is_active        (MsgpackRpcWatch *self);

G_END_DECLS
