/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-invocation.h"

G_BEGIN_DECLS

/* The workers of a dispatcher, and what waits for them. A thread of the pool's own does all that there
 * is to do with them; it is started for the first call, and ends after the last worker when the pool
 * is closed. All functions may be called from any thread, with no lock held. */
typedef struct _MsgpackRpcWorkerPool MsgpackRpcWorkerPool;

/* What can be set, as numbers; each is a property of the dispatcher. */
typedef enum
{
  MSGPACK_RPC_WORKER_SETTING_MAX_CALLS,
  MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED,
  MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT,
  MSGPACK_RPC_WORKER_SETTING_N_WORKERS,
  MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT,
  MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT,
  MSGPACK_RPC_N_WORKER_SETTINGS
} MsgpackRpcWorkerSetting;

gint64 _msgpack_rpc_worker_setting_get_default (MsgpackRpcWorkerSetting setting);

MsgpackRpcWorkerPool *_msgpack_rpc_worker_pool_new   (void);
/* No more jobs come; those that are there are done, then the workers leave, and the pool is freed. Never
 * blocks. */
void                  _msgpack_rpc_worker_pool_close (MsgpackRpcWorkerPool *self);

gint64   _msgpack_rpc_worker_pool_get      (MsgpackRpcWorkerPool    *self,
                                            MsgpackRpcWorkerSetting  setting);
/* Returns whether that is a change. */
gboolean _msgpack_rpc_worker_pool_set      (MsgpackRpcWorkerPool    *self,
                                            MsgpackRpcWorkerSetting  setting,
                                            gint64                   value);
char   **_msgpack_rpc_worker_pool_dup_argv (MsgpackRpcWorkerPool    *self);
gboolean _msgpack_rpc_worker_pool_set_argv (MsgpackRpcWorkerPool    *self,
                                            const char * const      *argv);

/* Has a worker handle @invocation with @params, or answers it at once with an error. Blocks until it is answered only
 * if it is a request that came from no connection. @max_answer_time: in milliseconds, negative for none;
 * ends a worker that takes longer if there is no time limit. */
void _msgpack_rpc_worker_pool_handle (MsgpackRpcWorkerPool *self,
                                      MsgpackRpcInvocation *invocation,
                                      GVariant             *params,
                                      int                   max_answer_time);

G_END_DECLS
