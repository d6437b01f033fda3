/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Hears of it when the network comes back. All functions may be called from any thread. */
typedef void (*MsgpackRpcNetworkFunc) (gpointer owner);

/* Calls @func (owner) whenever the network has changed and is there, in whatever thread runs the global
 * default context, no lock held; with a reference on @owner. */
void _msgpack_rpc_network_watch   (GObject               *owner,
                                   MsgpackRpcNetworkFunc  func);
/* In the owner's dispose, if it was watched. */
void _msgpack_rpc_network_unwatch (GObject               *owner);

G_END_DECLS
