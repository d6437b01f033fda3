/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call.h"
#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* Calls in flight, as a GListModel. They come and go in any thread; the list changes, and says so, in
 * the context of its reactor, once for all that has happened since it did so last. A call that has
 * gone by then is never shown. May be read from any thread. */
#define MSGPACK_RPC_TYPE_CALL_LIST (_msgpack_rpc_call_list_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcCallList, _msgpack_rpc_call_list, MSGPACK_RPC, CALL_LIST, GObject)

/* It has become empty, or no longer is. In the context. */
typedef void (*MsgpackRpcCallListFunc) (gpointer owner);

/* What it tells comes in turn with what else is posted for @lane. @func is called while @owner, which
 * is not referenced, is there; both may be NULL. */
MsgpackRpcCallList *_msgpack_rpc_call_list_new      (MsgpackRpcReactor      *reactor,
                                                     gconstpointer           lane,
                                                     GObject                *owner,
                                                     MsgpackRpcCallListFunc  func);
/* These may be called with a connection's lock held. */
void                _msgpack_rpc_call_list_add      (MsgpackRpcCallList     *self,
                                                     MsgpackRpcCall         *call);
void                _msgpack_rpc_call_list_remove   (MsgpackRpcCallList     *self,
                                                     MsgpackRpcCall         *call);
/* Whether there is no call in flight, shown or not. */
gboolean            _msgpack_rpc_call_list_is_empty (MsgpackRpcCallList     *self);

G_END_DECLS
