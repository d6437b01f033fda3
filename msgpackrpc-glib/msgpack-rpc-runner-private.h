/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher-private.h"
#include "msgpack-rpc-method-entry-private.h"
#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* Where the invocations of a dispatcher wait whose handlers do not run as they are delivered: a
 * runner for each context that has any, and one for the threads.
 *
 * What waits is in the order of the methods' priorities, then in turns of the connections, then as it
 * came. What is in a chain of its connection (each notification, and for the threads each request of
 * a serial method) comes in that order alone, one at a time: in the threads the next one begins when
 * the handler has returned. */
typedef struct _MsgpackRpcRunners MsgpackRpcRunners;
/* One that waits. Its invocation has a reference on it until it is answered, cancelled, or begun. */
typedef struct _MsgpackRpcJob     MsgpackRpcJob;

MsgpackRpcRunners *_msgpack_rpc_runners_new           (void);
/* What waits still runs; it holds the dispatcher. */
void               _msgpack_rpc_runners_unref         (MsgpackRpcRunners *self);
guint              _msgpack_rpc_runners_get_n_threads (MsgpackRpcRunners *self);
/* 0: as many as there are processors. Returns whether it is another number. */
gboolean           _msgpack_rpc_runners_set_n_threads (MsgpackRpcRunners *self,
                                                       guint              n_threads);

/* Has _msgpack_rpc_dispatcher_run () called later in the context of @reactor, or in a thread if that
 * is NULL. Only for an invocation that has a connection. */
void _msgpack_rpc_runners_push (MsgpackRpcRunners     *self,
                                MsgpackRpcReactor     *reactor,
                                const MsgpackRpcStop  *stop,
                                MsgpackRpcMethodEntry *entry,
                                MsgpackRpcInvocation  *invocation,
                                int                    priority);

/* Nobody waits for the answer any more: it does not begin, if it has not. Consumes the reference, with
 * no lock held. */
void _msgpack_rpc_job_withdraw (MsgpackRpcJob *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcRunners, _msgpack_rpc_runners_unref)

G_END_DECLS
