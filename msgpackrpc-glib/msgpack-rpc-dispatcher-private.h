/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-method-entry-private.h"

G_BEGIN_DECLS

/* Where a request has come: the dispatcher that has its method is the last. */
typedef struct _MsgpackRpcStop MsgpackRpcStop;

struct _MsgpackRpcStop
{
  MsgpackRpcDispatcher *dispatcher;
  const MsgpackRpcStop *previous; /* NULL: the first */
};

/* With all before it, and references. */
MsgpackRpcStop *_msgpack_rpc_stop_copy (const MsgpackRpcStop *self);
void            _msgpack_rpc_stop_free (MsgpackRpcStop       *self);

/* Runs the method that @invocation names, or has it run where that belongs, and sees to it that it is
 * answered: at once if the parameters do not fit or the handler fails. Returns FALSE, having done
 * nothing, if there is no such method. */
gboolean _msgpack_rpc_dispatcher_invoke (MsgpackRpcDispatcher *self,
                                         MsgpackRpcInvocation *invocation);

/* Answers a call of a method that there is not. @self may be NULL. */
void _msgpack_rpc_dispatcher_return_not_found (MsgpackRpcDispatcher *self,
                                               MsgpackRpcInvocation *invocation);

/* The second half, in the thread where the handler belongs: asks whether the peer may, and calls the
 * handler. @holds_context: a context can do nothing else meanwhile. */
void     _msgpack_rpc_dispatcher_run    (const MsgpackRpcStop  *stop,
                                         MsgpackRpcMethodEntry *entry,
                                         MsgpackRpcInvocation  *invocation,
                                         gboolean               holds_context);

G_END_DECLS
