/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-invocation.h"

G_BEGIN_DECLS

/* A request or notification that a worker is to handle, until it was answered.
 *
 * Made by whoever dispatches it; everything else happens in the pool's thread, but for waiting, and
 * for what is told when the caller has gone. */
typedef struct _MsgpackRpcWorkerJob MsgpackRpcWorkerJob;

/* The caller has gone. In any thread, no lock held. */
typedef void (*MsgpackRpcWorkerJobFunc) (gpointer             owner,
                                         MsgpackRpcWorkerJob *job);

struct _MsgpackRpcWorkerJob
{
  gatomicrefcount ref_count;
  MsgpackRpcInvocation *invocation; /* owned until it was answered */
  GVariant *params;                 /* owned until it was sent for good */
  gsize size;                       /* of these */
  gboolean is_notification;
  guint64 connection_id;            /* 0: dispatched without a connection */
  int time_limit;                   /* milliseconds; G_MAXINT: none */
  guint n_attempts;                 /* how often it was given to a worker */
  gint64 start_time;                /* when it was, monotonic */
  gulong cancelled_id;
  MsgpackRpcWorkerJobFunc gone_func;
  gpointer gone_owner;
  GDestroyNotify gone_destroy;
  GList link;                       /* in the pool's queue */
  gboolean is_queued;

  GMutex lock;                      /* guards what follows */
  GCond ended;
  gboolean has_ended;
};

MsgpackRpcWorkerJob *_msgpack_rpc_worker_job_new   (MsgpackRpcInvocation *invocation,
                                                   GVariant             *params);
MsgpackRpcWorkerJob *_msgpack_rpc_worker_job_ref   (MsgpackRpcWorkerJob  *self);
void                 _msgpack_rpc_worker_job_unref (gpointer              self);

/* From here on it is told when the caller goes, until the job ends. @destroy: lets go of @owner with the
 * last reference on the job, as it may be told still when the job has ended. */
void _msgpack_rpc_worker_job_watch (MsgpackRpcWorkerJob     *self,
                                    MsgpackRpcWorkerJobFunc  func,
                                    gpointer                 owner,
                                    GDestroyNotify           destroy);

/* Whether anybody wants it to be done: a notification, or what is still awaited. */
gboolean _msgpack_rpc_worker_job_is_wanted (MsgpackRpcWorkerJob *self);

/* A worker begins with it. */
void _msgpack_rpc_worker_job_begin (MsgpackRpcWorkerJob *self);
/* For how many milliseconds the caller waits, from 1; 0: it does not say. */
int  _msgpack_rpc_worker_job_get_time_left (MsgpackRpcWorkerJob *self);
/* What the worker says of how far it is. */
void _msgpack_rpc_worker_job_report (MsgpackRpcWorkerJob *self,
                                     double               fraction,
                                     GVariant            *value);

/* How it ends, once; what comes later does nothing. @error_value: what the worker has answered. */
void _msgpack_rpc_worker_job_succeed (MsgpackRpcWorkerJob *self,
                                      GVariant            *result);
void _msgpack_rpc_worker_job_refuse  (MsgpackRpcWorkerJob *self,
                                      GVariant            *error_value);
void _msgpack_rpc_worker_job_fail    (MsgpackRpcWorkerJob *self,
                                      const GError        *error);

/* Blocks until it has ended. */
void _msgpack_rpc_worker_job_wait (MsgpackRpcWorkerJob *self);

G_END_DECLS
