/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Accepts on any number of sockets, in one context, and pauses when that fails, since trying again
 * at once would only keep the processor busy. All functions may be called from any thread. */
typedef struct _MsgpackRpcAcceptor MsgpackRpcAcceptor;

/* In the context, no lock held. */
/* @source_object: what came with the socket, nullable. */
typedef void (*MsgpackRpcAcceptFunc) (gpointer           owner,
                                      GSocketConnection *connection,
                                      GObject           *source_object);

typedef void (*MsgpackRpcDismissFunc) (GSocket  *socket,
                                       gpointer  data);

/* It pauses, or no more. In any thread, no lock held. */
typedef void (*MsgpackRpcPausedFunc) (gpointer owner);

/* @owner is not kept alive. */
MsgpackRpcAcceptor *_msgpack_rpc_acceptor_new   (GObject              *owner,
                                                 MsgpackRpcAcceptFunc  func,
                                                 MsgpackRpcPausedFunc  paused,
                                                 GMainContext         *context);
/* When the owner is gone. */
void                _msgpack_rpc_acceptor_free  (MsgpackRpcAcceptor   *self);

/* Takes over all of @listeners, of MsgpackRpcListener; or none, and returns FALSE, while it is
 * dismissed. */
gboolean _msgpack_rpc_acceptor_add        (MsgpackRpcAcceptor *self,
                                           GPtrArray          *listeners);
/* At first it is not active. */
void     _msgpack_rpc_acceptor_set_active (MsgpackRpcAcceptor *self,
                                           gboolean            active);
gboolean _msgpack_rpc_acceptor_is_paused  (MsgpackRpcAcceptor *self);
/* Closes all sockets. Others may be added later. */
void     _msgpack_rpc_acceptor_close      (MsgpackRpcAcceptor *self);
/* Whether none can be added. */
void     _msgpack_rpc_acceptor_set_dismissed (MsgpackRpcAcceptor *self,
                                              gboolean            dismissed);
/* The same as closing; and calls @func for each of those who had come to these sockets. */
void     _msgpack_rpc_acceptor_dismiss    (MsgpackRpcAcceptor    *self,
                                           MsgpackRpcDismissFunc  func,
                                           gpointer               data);

/* Accepts, in the context, on the sockets that @owner has as a GSocketListener, as on all others. FALSE
 * if it was stopped once: who starts it again has the base class accept, which does not pause. */
gboolean _msgpack_rpc_acceptor_accept_added (MsgpackRpcAcceptor *self);

/* Closes all sockets, in the context, when g_socket_listener_close () is called for @listener. */
void     _msgpack_rpc_acceptor_follow    (MsgpackRpcAcceptor *self,
                                          GSocketListener    *listener);
/* Whether that was called. */
gboolean _msgpack_rpc_acceptor_is_closed (MsgpackRpcAcceptor *self);

G_END_DECLS
