/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Which objects live in a context, for those contexts that somebody wants to close with all that is in
 * them. All functions may be called from any thread. */

void _msgpack_rpc_residents_track   (GMainContext *context);
void _msgpack_rpc_residents_untrack (GMainContext *context);

/* Of no effect, and next to no cost, in a context that is not tracked. Removed in its dispose. */
void _msgpack_rpc_residents_add     (GMainContext *context,
                                     GObject      *object);
void _msgpack_rpc_residents_remove  (GMainContext *context,
                                     GObject      *object);

/* Those that are there, with references. */
GPtrArray *_msgpack_rpc_residents_list (GMainContext *context);

G_END_DECLS
