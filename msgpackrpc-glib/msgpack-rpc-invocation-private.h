/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-method-private.h"
#include "msgpack-rpc-runner-private.h"
#include "msgpack-rpc-statistics-private.h"

G_BEGIN_DECLS

/* For a request, also one that is invalid, or a notification, which is born answered.
 * @connection: where the answer goes, or NULL: it is then kept for _steal_reply()
 * @statistics: what counts the answers that come too late; in an atomic rc box */
MsgpackRpcInvocation *_msgpack_rpc_invocation_new             (MsgpackRpcConnection    *connection,
                                                               MsgpackRpcStatistics    *statistics,
                                                               const MsgpackRpcMessage *message);
/* NULL once it is answered. */
GVariant             *_msgpack_rpc_invocation_dup_params      (MsgpackRpcInvocation *self);
/* The same as what was declared; fails with MSGPACK_RPC_ERROR_INVALID_PARAMS. NULL without an error
 * once it is answered. */
GVariant             *_msgpack_rpc_invocation_dup_typed_params (MsgpackRpcInvocation *self,
                                                               const GVariantType   *type,
                                                               GError              **error);
/* Whether it is neither answered nor cancelled. */
gboolean              _msgpack_rpc_invocation_is_awaited      (MsgpackRpcInvocation *self);
/* Where its answer goes, if answers have an order. */
MsgpackRpcPlace      *_msgpack_rpc_invocation_get_place       (MsgpackRpcInvocation *self);
/* For the connection's list of what is not answered. */
GList                *_msgpack_rpc_invocation_get_tracked     (MsgpackRpcInvocation *self);
/* None for a notification. */
const MsgpackRpcPiece *_msgpack_rpc_invocation_get_msgid_piece (MsgpackRpcInvocation *self);
/* The reply message `[1, id, error, result]` of an invocation without connection, as it would come
 * from a peer; or NULL when it was not answered yet, which cancels it. */
GVariant             *_msgpack_rpc_invocation_steal_reply     (MsgpackRpcInvocation *self);

/* For debug messages; 0 if it was dispatched without a connection. */
guint64               _msgpack_rpc_invocation_get_connection_id (MsgpackRpcInvocation *self);
/* What a result has to fit: a GVariant type string in a GRefString, which it takes. Before the handler
 * runs. */
void                  _msgpack_rpc_invocation_take_result_signature (MsgpackRpcInvocation *self,
                                                               char                 *signature);
/* Answers with MSGPACK_RPC_ERROR_NOT_ANSWERED after @milliseconds; negative: never. */
void                  _msgpack_rpc_invocation_set_answer_time (MsgpackRpcInvocation *self,
                                                               int                   milliseconds);
/* In the connection's context: the connection is gone. Emits “cancelled”. */
void                  _msgpack_rpc_invocation_cancel          (MsgpackRpcInvocation *self);
/* The same, but it was the caller, who still gets an answer that means nothing. FALSE if it was answered
 * or cancelled before. */
gboolean              _msgpack_rpc_invocation_withdraw        (MsgpackRpcInvocation *self);
/* A reference, or NULL. */
MsgpackRpcConnection *_msgpack_rpc_invocation_ref_connection  (MsgpackRpcInvocation *self);
/* The handler of a notification has returned. Does nothing if it is none. */
void                  _msgpack_rpc_invocation_release         (MsgpackRpcInvocation *self);

/* A method has it, where it counts as a call, and as an error if it is answered with one. */
void                  _msgpack_rpc_invocation_set_counts      (MsgpackRpcInvocation   *self,
                                                               MsgpackRpcMethodCounts *counts);
/* Its handler has run for so long, in microseconds. */
void                  _msgpack_rpc_invocation_add_time        (MsgpackRpcInvocation   *self,
                                                               gint64                  time);
/* A notification has failed, which has no answer. */
void                  _msgpack_rpc_invocation_count_error     (MsgpackRpcInvocation   *self);
/* For one that waits for its turn elsewhere: a reference, or NULL once it is answered or cancelled.
 * @size: of the message that it keeps. */
MsgpackRpcConnection *_msgpack_rpc_invocation_dup_connection (MsgpackRpcInvocation *self,
                                                              gsize                *size);
/* Its connection's reactor, as a reference; NULL if it has none any more. */
MsgpackRpcReactor    *_msgpack_rpc_invocation_ref_reactor     (MsgpackRpcInvocation  *self);
/* Whether it never had a connection. */
gboolean              _msgpack_rpc_invocation_is_local        (MsgpackRpcInvocation  *self);
gboolean              _msgpack_rpc_invocation_is_notification (MsgpackRpcInvocation  *self);
/* It is withdrawn when it is answered or cancelled. Takes the reference; FALSE if it is too late. */
gboolean              _msgpack_rpc_invocation_set_job         (MsgpackRpcInvocation  *self,
                                                               MsgpackRpcJob         *job);
/* Its turn has come; the reference on the job goes to the caller. FALSE if nobody waits any more. */
gboolean              _msgpack_rpc_invocation_begin           (MsgpackRpcInvocation  *self,
                                                               MsgpackRpcJob        **job);

/* A filter of it begins, or has returned, in this thread: it may change the request. */
void     _msgpack_rpc_invocation_set_filtering (MsgpackRpcInvocation *self,
                                                gboolean              filtering);

/* Answers that nobody gives a text for. */
gboolean _msgpack_rpc_invocation_return_failed    (MsgpackRpcInvocation *self);
/* @hint: what to say besides, or NULL. */
gboolean _msgpack_rpc_invocation_return_not_found (MsgpackRpcInvocation *self,
                                                   const char           *hint);

G_END_DECLS
