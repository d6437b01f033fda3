/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call-list-private.h"
#include "msgpack-rpc-call-private.h"

G_BEGIN_DECLS

/* The calls of a connection that have not ended. Locked by its user. The tables are made for the first
 * call. */
typedef struct
{
  GHashTable *requests;  /* id → MsgpackRpcCall, owned */
  GHashTable *others;    /* set of MsgpackRpcCall, owned: what has no id */
  GHashTable *late;      /* set of ids of requests given up, whose reply may still come */
  GQueue late_order;     /* the same, the oldest first */
  guint32 last_id;
  guint32 last_sequence; /* in which calls were added; wraps */
  gsize parked_bytes;    /* of calls that are not queued, but wait here */
  GPtrArray *lists;      /* of MsgpackRpcCallList, which show the requests; NULL: none */
} MsgpackRpcCallTable;

typedef gboolean (*MsgpackRpcCallTestFunc) (MsgpackRpcCall *call,
                                            gconstpointer   data);

typedef enum
{
  MSGPACK_RPC_REPLY_AWAITED,
  MSGPACK_RPC_REPLY_LATE,
  MSGPACK_RPC_REPLY_UNKNOWN,
} MsgpackRpcReplyKind;

void    _msgpack_rpc_call_table_init   (MsgpackRpcCallTable *self);
void    _msgpack_rpc_call_table_clear  (MsgpackRpcCallTable *self);
/* An id from 1 to 2³¹ − 1 that no reply can be under way for. */
guint32 _msgpack_rpc_call_table_new_id (MsgpackRpcCallTable *self);
void    _msgpack_rpc_call_table_add    (MsgpackRpcCallTable *self,
                                        MsgpackRpcCall      *call,
                                        guint32              id);
/* The call is given up; @may_be_answered: its reply may still come. FALSE if it was not there. */
gboolean
        _msgpack_rpc_call_table_forget (MsgpackRpcCallTable *self,
                                        MsgpackRpcCall      *call,
                                        guint32              id,
                                        gboolean             may_be_answered);
/* Takes the call that waits for a reply with this id. */
MsgpackRpcReplyKind
        _msgpack_rpc_call_table_take   (MsgpackRpcCallTable *self,
                                        gint64               id,
                                        MsgpackRpcCall     **call);
/* A reference on the request that has this id, or NULL. */
MsgpackRpcCall *
        _msgpack_rpc_call_table_lookup (MsgpackRpcCallTable *self,
                                        gint64               id);
/* From here on @list shows the requests, those that are there included. */
void    _msgpack_rpc_call_table_show   (MsgpackRpcCallTable *self,
                                        MsgpackRpcCallList  *list);
/* Takes all requests: of MsgpackRpcCall, in the order of their ids; and all others, but for those that wait
 * until the end was posted. */
GPtrArray *
        _msgpack_rpc_call_table_take_requests (MsgpackRpcCallTable *self);
GPtrArray *
        _msgpack_rpc_call_table_take_others   (MsgpackRpcCallTable *self);
/* Takes those for which @test is TRUE, of both, in the order in which they were added. */
GPtrArray *
        _msgpack_rpc_call_table_take_matching (MsgpackRpcCallTable    *self,
                                               MsgpackRpcCallTestFunc  test,
                                               gconstpointer           data);
/* The requests whose ids are not in @ids, of type av; they stay. */
GPtrArray *
        _msgpack_rpc_call_table_get_requests_but (MsgpackRpcCallTable *self,
                                                  GVariant            *ids);
/* The others of one kind. */
GPtrArray *
        _msgpack_rpc_call_table_get_kind      (MsgpackRpcCallTable *self,
                                               MsgpackRpcCallKind   kind);

G_END_DECLS
