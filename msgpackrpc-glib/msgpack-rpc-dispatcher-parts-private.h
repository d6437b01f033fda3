/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher-private.h"
#include "msgpack-rpc-method-table-private.h"
#include "msgpack-rpc-topic-table-private.h"
#include "msgpack-rpc-worker-pool-private.h"

#include "msgpack-rpc-runner-private.h"

G_BEGIN_DECLS

/* What the files of a dispatcher share: msgpack-rpc-dispatcher.c has the object, adds and removes
 * methods, and finds who answers a request; msgpack-rpc-dispatcher-chain.c has who comes next,
 * msgpack-rpc-dispatcher-description.c what peers are told of it all, msgpack-rpc-built-in.c the methods
 * that each dispatcher has, msgpack-rpc-dispatcher-places.c where handlers run,
 * msgpack-rpc-dispatcher-topics.c the topics; msgpack-rpc-dispatcher-dispatch.c does without
 * a connection. */

/* Methods that nobody has added: */
typedef enum
{
  MSGPACK_RPC_BUILT_IN_DISCOVER,
  MSGPACK_RPC_BUILT_IN_PING,
  MSGPACK_RPC_N_BUILT_IN
} MsgpackRpcBuiltIn;

struct _MsgpackRpcDispatcher
{
  GObject parent_instance;

  MsgpackRpcRunners *runners;   /* fixed, owned */
  int slow_handler_time;        /* atomic; milliseconds; -1: none is too slow */
  int max_answer_time;         /* atomic; milliseconds */
  MsgpackRpcWorkerPool *workers; /* owned; atomic; set once, when somebody wants it */

  GPtrArray *filters;          /* atomic, set with the lock held; NULL: none. It never changes */

  GMutex lock;                 /* guards what follows; nothing is called with it held */
  guint last_filter_id;
  MsgpackRpcMethodTable table;
  MsgpackRpcTopicTable topics;
  MsgpackRpcDispatcher *next;  /* owned, nullable */
  char *version;               /* nullable */
  char *description;           /* nullable */
  gboolean is_on[MSGPACK_RPC_N_BUILT_IN];
  MsgpackRpcMethodEntry *built_in[MSGPACK_RPC_N_BUILT_IN]; /* owned; made when called */
};

/* Each with the lock held. */
MsgpackRpcMethodEntry *_msgpack_rpc_built_in_lookup (MsgpackRpcDispatcher *self,
                                                     const char           *name);
void                   _msgpack_rpc_built_in_clear  (MsgpackRpcDispatcher *self);

MsgpackRpcDispatcher *_msgpack_rpc_dispatcher_ref_next_unlocked (MsgpackRpcDispatcher *self);

/* Has a request pass the filters. FALSE if it goes no further, and is answered. */
gboolean _msgpack_rpc_dispatcher_filter (MsgpackRpcDispatcher *self,
                                         MsgpackRpcInvocation *invocation);

/* What rpc.discover answers. */
GVariant *_msgpack_rpc_dispatcher_describe (MsgpackRpcDispatcher *self);

/* The second half of _msgpack_rpc_dispatcher_invoke (), in the context of the connection or anywhere
 * else. Returns FALSE, having done nothing, if the handler is to run where the request is delivered. */
gboolean _msgpack_rpc_dispatcher_run_elsewhere (const MsgpackRpcStop  *stop,
                                                MsgpackRpcMethodEntry *entry,
                                                MsgpackRpcInvocation  *invocation);
/* Whether the peer may call the method, as far as each dispatcher says; if not, it has an answer. */
gboolean _msgpack_rpc_dispatcher_authorize     (const MsgpackRpcStop  *stop,
                                                MsgpackRpcInvocation  *invocation);
/* Emits the signal. */
void     _msgpack_rpc_dispatcher_tell_slow     (MsgpackRpcDispatcher  *self,
                                                MsgpackRpcMethod      *method,
                                                guint                  milliseconds);

/* ---- msgpack-rpc-dispatcher-workers.c ---- */

/* The ids of its properties are from here on. */
#define MSGPACK_RPC_DISPATCHER_FIRST_WORKER_PROP 1000

void     _msgpack_rpc_dispatcher_install_worker_properties (GObjectClass         *object_class);
/* FALSE if it is none of these. */
gboolean _msgpack_rpc_dispatcher_get_worker_property       (MsgpackRpcDispatcher *self,
                                                            guint                 prop_id,
                                                            GValue               *value);
gboolean _msgpack_rpc_dispatcher_set_worker_property       (MsgpackRpcDispatcher *self,
                                                            guint                 prop_id,
                                                            const GValue         *value);
/* Never NULL. */
MsgpackRpcWorkerPool *_msgpack_rpc_dispatcher_get_workers  (MsgpackRpcDispatcher *self);

G_END_DECLS
