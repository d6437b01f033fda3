/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher-private.h"
#include "msgpack-rpc-method-table-private.h"

G_BEGIN_DECLS

/* What the files of a dispatcher share: msgpack-rpc-dispatcher.c has the object, adds and removes
 * methods, and finds who answers a request; msgpack-rpc-dispatcher-chain.c has who comes next,
 * msgpack-rpc-dispatcher-description.c what peers are told of it all, msgpack-rpc-built-in.c the methods
 * that each dispatcher has; msgpack-rpc-dispatcher-dispatch.c does without a connection. */

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

  int max_answer_time;         /* atomic; milliseconds */

  GMutex lock;                 /* guards what follows; nothing is called with it held */
  MsgpackRpcMethodTable table;
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

/* What rpc.discover answers. */
GVariant *_msgpack_rpc_dispatcher_describe (MsgpackRpcDispatcher *self);

G_END_DECLS
