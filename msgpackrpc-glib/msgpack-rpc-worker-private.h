/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-worker-job-private.h"

G_BEGIN_DECLS

/* What a worker and its parent agree upon. */
#define MSGPACK_RPC_WORKER_FD_VARIABLE "MSGPACK_RPC_WORKER_FD"
/* A notification of the worker's: it takes calls from here on. */
#define MSGPACK_RPC_WORKER_READY "rpc.ready"
/* A request of the parent's, behind a notification: answered when that was handled. */
#define MSGPACK_RPC_WORKER_DONE "rpc.done"

/* A subprocess that handles one job at a time. In the pool's thread only, whose context is its
 * thread-default one. */
typedef struct _MsgpackRpcWorker MsgpackRpcWorker;

typedef enum
{
  MSGPACK_RPC_WORKER_STARTING, /* has not said that it is ready */
  MSGPACK_RPC_WORKER_IDLE,
  MSGPACK_RPC_WORKER_BUSY,
  MSGPACK_RPC_WORKER_LEAVING,  /* takes no more: was told to leave, or is about to end */
  MSGPACK_RPC_WORKER_GONE,     /* its process has ended, and all that it had sent was read */
} MsgpackRpcWorkerState;

/* In a dispatch of the context. */
typedef struct
{
  /* It is idle: it is ready, or has ended a job. */
  void (*idle) (gpointer          owner,
                MsgpackRpcWorker *worker);
  /* It is gone. @job: what it had not finished, nullable; owned by the callee. @is_untouched: the worker
   * has seen nothing of it. @at_start: it has never ended a job, nor was it given one. */
  void (*gone) (gpointer             owner,
                MsgpackRpcWorker    *worker,
                MsgpackRpcWorkerJob *job,
                gboolean             is_untouched,
                gboolean             at_start,
                const GError        *error);
} MsgpackRpcWorkerFuncs;

/* How a worker is started. */
typedef struct
{
  char **argv;          /* NULL: not set */
  guint64 memory_limit; /* in bytes; 0: none */
  int start_timeout;    /* in milliseconds; negative: none */
} MsgpackRpcWorkerStart;

/* @owner lives until it is gone, and holds a reference as long. */
MsgpackRpcWorker *_msgpack_rpc_worker_start (const MsgpackRpcWorkerStart *start,
                                             const MsgpackRpcWorkerFuncs *funcs,
                                             gpointer                     owner,
                                             GError                     **error);
void              _msgpack_rpc_worker_unref (gpointer          self);

MsgpackRpcWorkerState _msgpack_rpc_worker_get_state   (MsgpackRpcWorker *self);
/* How many jobs it has ended. */
guint                 _msgpack_rpc_worker_get_n_calls (MsgpackRpcWorker *self);
/* The job it is busy with, or NULL. */
MsgpackRpcWorkerJob  *_msgpack_rpc_worker_get_job     (MsgpackRpcWorker *self);

/* An idle one. Takes a reference on the job. */
void _msgpack_rpc_worker_run    (MsgpackRpcWorker    *self,
                                 MsgpackRpcWorkerJob *job);
/* Tells it that nobody waits for the job that it is busy with. */
void _msgpack_rpc_worker_give_up (MsgpackRpcWorker   *self);
/* One that is idle, or starting: it leaves by itself, or is ended. */
void _msgpack_rpc_worker_retire (MsgpackRpcWorker    *self);

/* ---- in the worker ---- */

/* Whether this process is one, and runs all methods in place. In any thread. */
gboolean _msgpack_rpc_worker_is_self (void);

G_END_DECLS
