/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* The timers that applications have tied to the life of an object. They are a datum of the object, and
 * not a field: most objects have none.
 *
 * All functions may be called from any thread. Functions run, and their data is let go, in the
 * reactor's context. */

/* Either @func, which is called at intervals for as long as it returns TRUE, or @once. Returns the id,
 * never 0. */
guint    _msgpack_rpc_timers_add    (GObject               *owner,
                                     MsgpackRpcReactor     *reactor,
                                     guint                  milliseconds,
                                     GSourceFunc            func,
                                     MsgpackRpcTimeoutFunc  once,
                                     gpointer               user_data,
                                     GDestroyNotify         destroy);
/* FALSE if there is none of that id. */
gboolean _msgpack_rpc_timers_remove (GObject               *owner,
                                     guint                  id);
/* All of them. */
void     _msgpack_rpc_timers_end    (GObject               *owner);

G_END_DECLS
