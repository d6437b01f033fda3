/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-invocation-private.h"

G_BEGIN_DECLS

typedef struct _MsgpackRpcInvocationFilters MsgpackRpcInvocationFilters;

/* What the files of an invocation share: msgpack-rpc-invocation.c is what it is and how it is cancelled,
 * msgpack-rpc-invocation-answer.c how it is answered, msgpack-rpc-invocation-filters.c what filters do to
 * it, and msgpack-rpc-invocation-peer.c who has sent it. */
struct _MsgpackRpcInvocation
{
  GObject parent_instance;

  /* Never change. */
  char *method;                     /* atomic; a filter may change it, before anybody else sees it */
  guint64 connection_id;            /* for debug messages; 0: dispatched without one */
  MsgpackRpcPiece msgid;            /* none: a notification; in msgid_number or msgid_value */
  gint64 msgid_number;
  gboolean is_local;                /* came from no connection */
  MsgpackRpcStatistics *statistics; /* owned; NULL if it is local */
  char *result_signature;           /* a GRefString, nullable; set before the handler runs */
  MsgpackRpcMethodCounts *counts;   /* atomic, owned; set once; NULL until a method has it */

  MsgpackRpcPlace *place;           /* where its answer goes, not owned; NULL if answers have no order */
  GList tracked;                    /* guarded by the connection's lock: in its list, if it has data */

  MsgpackRpcTimer timer;            /* of max-answer-time */

  GMutex lock;                      /* guards what follows */
  MsgpackRpcConnection *connection; /* owned until answered */
  GBytes *message;                  /* owned until answered: what the parameters are in */
  MsgpackRpcPiece params_piece;
  GVariant *params;                 /* owned until answered; made when asked for */
  GVariant *msgid_value;            /* made when asked for, unless it is no number */
  MsgpackRpcReactor *reactor;       /* owned while the timer runs */
  GVariant *reply;                  /* of one that is local */
  MsgpackRpcJob *job;               /* owned; while it waits for its turn elsewhere */
  gint64 deadline;                  /* of max-answer-time; -1: none */
  gint64 caller_deadline;           /* as the caller has told; 0: none */
  gboolean answered;
  gboolean cancelled;
  gboolean is_withdrawn;            /* by the caller, who gets an answer all the same */
  gboolean begun;                   /* its turn elsewhere has come */
  MsgpackRpcInvocationFilters *filters; /* owned; NULL until a filter adds or changes something */
  GThread *filter_thread;           /* in which a filter of it runs, not owned; NULL: none does */

  /* A getter has given these away, so they live as long as the invocation. */
  gboolean connection_is_shared;
  gboolean params_are_shared;
  MsgpackRpcConnection *shared_connection;
  GVariant *shared_params;
};

/* What an invocation lets go of, which is done with no lock held. */
typedef struct
{
  MsgpackRpcConnection *connection;
  GBytes *message;
  GVariant *params;
  MsgpackRpcReactor *reactor;
  MsgpackRpcJob *job;
} MsgpackRpcLuggage;

/* With the lock held. */
void _msgpack_rpc_invocation_take_luggage (MsgpackRpcInvocation *self,
                                           MsgpackRpcLuggage    *luggage);
void _msgpack_rpc_invocation_drop_luggage (MsgpackRpcInvocation *self,
                                           MsgpackRpcLuggage    *luggage);

/* The answer as a message of the mapping's own types, of one that is local. */
GVariant *_msgpack_rpc_invocation_make_reply  (MsgpackRpcInvocation *self,
                                               GVariant             *error_value,
                                               GVariant             *result);
/* Of an answer that is not kept. FALSE if the peer will not get it. */
gboolean  _msgpack_rpc_invocation_send_answer (MsgpackRpcInvocation *self,
                                               GVariant             *error_value,
                                               GVariant             *result);

/* Keeps an answer for filters to see, if there are any; with the lock held. Then it has to be posted, or,
 * of one that is local, run when its reply is asked for. */
gboolean _msgpack_rpc_invocation_keep_answer_unlocked (MsgpackRpcInvocation *self,
                                                       GVariant             *error_value,
                                                       GVariant             *result);
gboolean _msgpack_rpc_invocation_post_answer          (MsgpackRpcInvocation *self);
void     _msgpack_rpc_invocation_run_answer_filters   (MsgpackRpcInvocation *self);
void     _msgpack_rpc_invocation_filters_free         (MsgpackRpcInvocationFilters *filters);

/* For answers that no application gives: what is wrong with the method, whose name comes between
 * @before and @after. */
gboolean _msgpack_rpc_invocation_answer_for_method (MsgpackRpcInvocation *self,
                                                    MsgpackRpcError       code,
                                                    const char           *before,
                                                    const char           *after);

G_END_DECLS
