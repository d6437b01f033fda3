/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Fills @fds with what a private context waits for and returns its timeout in milliseconds, −1 for
 * none. */
typedef int  (*MsgpackRpcNestedQueryFunc) (gpointer owner,
                                           GArray  *fds);
typedef void (*MsgpackRpcNestedWorkFunc)  (gpointer owner);

/* A source that makes the context it is attached to wait for a private context too, and calls
 * @work when there is something to do there. Holds a reference on @owner until it is destroyed. */
GSource *_msgpack_rpc_nested_source_new (MsgpackRpcNestedQueryFunc  query,
                                         MsgpackRpcNestedWorkFunc   work,
                                         GObject                   *owner);
/* From any thread, in place of g_source_destroy (). */
void     _msgpack_rpc_nested_source_destroy (GSource *source);

/* A private context. */
GMainContext *_msgpack_rpc_nested_context_new     (GError       **error);
/* Runs what is ready, but not for ever; whether more may be. By one thread at a time. */
gboolean      _msgpack_rpc_nested_context_iterate (GMainContext  *context);
/* Appends what it waits for to @fds, and returns the timeout in milliseconds, −1 for none.
 * Likewise. */
int           _msgpack_rpc_nested_context_query   (GMainContext  *context,
                                                   GArray        *fds);

G_END_DECLS
