/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-method-entry-private.h"
#include "msgpack-rpc-object-list-private.h"
#include "msgpack-rpc-topic-private.h"

G_BEGIN_DECLS

/* The topics of a dispatcher, and the methods by which peers subscribe to them. Guarded by its lock. */
typedef struct
{
  GHashTable *by_name;                /* name → MsgpackRpcTopic; neither is owned */
  MsgpackRpcObjectList *topics;       /* of MsgpackRpcTopic, owned */
  MsgpackRpcMethodEntry *subscribe;   /* owned; NULL before the first topic */
  MsgpackRpcMethodEntry *unsubscribe; /* likewise */
} MsgpackRpcTopicTable;

void                   _msgpack_rpc_topic_table_init          (MsgpackRpcTopicTable *self);
/* Removes all topics, with no lock held. */
void                   _msgpack_rpc_topic_table_clear         (MsgpackRpcTopicTable *self);

/* The next four are with the lock held. NULL if there is none. */
MsgpackRpcTopic       *_msgpack_rpc_topic_table_lookup        (MsgpackRpcTopicTable *self,
                                                               const char           *name);
MsgpackRpcMethodEntry *_msgpack_rpc_topic_table_lookup_method (MsgpackRpcTopicTable *self,
                                                               const char           *name);
/* Returns the position of the change. */
guint                  _msgpack_rpc_topic_table_put           (MsgpackRpcTopicTable *self,
                                                               MsgpackRpcTopic      *topic);
/* The reference is the caller's then. */
MsgpackRpcTopic       *_msgpack_rpc_topic_table_take          (MsgpackRpcTopicTable *self,
                                                               const char           *name,
                                                               guint                *position);

G_END_DECLS
