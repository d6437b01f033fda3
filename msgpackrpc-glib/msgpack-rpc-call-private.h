/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call.h"
#include "msgpack-rpc-link-private.h"
#include "msgpack-rpc-piece-private.h"
#include "msgpack-rpc-waiter-private.h"

G_BEGIN_DECLS

/* Everything that an application can wait for is a call inside: it ends once, by its deadline, can
 * be cancelled, and is its own GAsyncResult. Only the first kind is ever shown to applications. */
typedef enum
{
  MSGPACK_RPC_CALL_KIND_REQUEST,
  MSGPACK_RPC_CALL_KIND_NOTIFICATION,  /* ends when it is written */
  MSGPACK_RPC_CALL_KIND_OPEN,          /* ends when the client is connected */
  MSGPACK_RPC_CALL_KIND_CLOSE,         /* ends when the link has ended */
  MSGPACK_RPC_CALL_KIND_END,           /* ends when that was posted, too */
  MSGPACK_RPC_CALL_KIND_FLUSH,         /* ends when what was queued before it is written */
  MSGPACK_RPC_CALL_KIND_RECEIVE,       /* ends when there is a message of a channel for it */
} MsgpackRpcCallKind;

MsgpackRpcCall    *_msgpack_rpc_call_new_kind (MsgpackRpcCallKind   kind,
                                               const char          *method,
                                               GVariant            *params);
MsgpackRpcCallKind _msgpack_rpc_call_get_kind (MsgpackRpcCall      *self);

/* A request that the application does not hear of, without a deadline. */
MsgpackRpcCall *_msgpack_rpc_call_new_internal (const char     *method,
                                                GVariant       *params);
gboolean        _msgpack_rpc_call_is_internal  (MsgpackRpcCall *self);

/* Which calls go on when a client loses its connection, or an attempt to connect has failed; of those
 * that were started on the client itself. */
typedef enum
{
  MSGPACK_RPC_KEEP_NOTHING,
  MSGPACK_RPC_KEEP_READY,   /* unsent ones that wait until it is ready, whoever opens it */
  MSGPACK_RPC_KEEP_OPENING, /* these, and what waits for the client to be opened */
  MSGPACK_RPC_KEEP_PATIENT, /* these, and those that may be repeated */
  MSGPACK_RPC_KEEP_UNSENT,  /* these, and all unsent ones */
} MsgpackRpcKeep;

gboolean _msgpack_rpc_call_is_kept (MsgpackRpcCall *self,
                                    gpointer        client,
                                    MsgpackRpcKeep  keep);

/* The place of a call among those of its connection, with whose lock it is guarded. */
void    _msgpack_rpc_call_set_sequence (MsgpackRpcCall *self,
                                        guint32         sequence);
guint32 _msgpack_rpc_call_get_sequence (MsgpackRpcCall *self);
/* How many bytes it has while it waits in the table only; 0: its message is queued, or was. Likewise. */
void    _msgpack_rpc_call_set_parked_size (MsgpackRpcCall *self,
                                           gsize           size);
guint32 _msgpack_rpc_call_get_parked_size (MsgpackRpcCall *self);

/* Who is the source object, and what is called in the creator's context when it has ended. Before
 * it is started. */
void _msgpack_rpc_call_set_callback (MsgpackRpcCall      *self,
                                     gpointer             source,
                                     GCancellable        *cancellable,
                                     GAsyncReadyCallback  callback,
                                     gpointer             user_data);

/* Where it is called, if not in the thread-default context. Likewise. */
void _msgpack_rpc_call_set_context  (MsgpackRpcCall      *self,
                                     GMainContext        *context);

/* new → pending; FALSE if it was started before, or has ended (cancelled before it began). Holds
 * @source until it has ended and its callback has returned. The deadline counts from here. */
gboolean _msgpack_rpc_call_start (MsgpackRpcCall    *self,
                                  gpointer           source,
                                  MsgpackRpcReactor *reactor,
                                  int                default_timeout);
/* Lets go of the source object, which is then not kept by what nobody waits for. */
void     _msgpack_rpc_call_release_source (MsgpackRpcCall *self);
/* A call that is no request, started. The forms of an operation differ only in how they wait. */
MsgpackRpcCall *_msgpack_rpc_call_start_operation (MsgpackRpcCallKind   kind,
                                                   gpointer             source,
                                                   MsgpackRpcReactor   *reactor,
                                                   GCancellable        *cancellable,
                                                   GAsyncReadyCallback  callback,
                                                   gpointer             user_data);
/* The link it depends on, and the connection to be told when it ends. FALSE if it has ended. */
gboolean _msgpack_rpc_call_bind  (MsgpackRpcCall       *self,
                                  MsgpackRpcConnection *connection,
                                  MsgpackRpcLink       *link,
                                  guint32               msgid);

/* A call that is started on a filter, which is a MsgpackRpcFilterPeer. Before it starts; FALSE if it was
 * started before. @is_loose: a notification that is done when it is queued. */
gboolean _msgpack_rpc_call_take_up     (MsgpackRpcCall *self,
                                        gpointer        filter,
                                        gboolean        is_loose);
/* Sends @attempt, or a copy of it if that is NULL, to the peer behind the filter, after @delay
 * milliseconds. FALSE if it has ended or was not started on @filter, or if there is one on its way. */
gboolean _msgpack_rpc_call_forward     (MsgpackRpcCall *self,
                                        gpointer        filter,
                                        MsgpackRpcCall *attempt,
                                        guint           delay);
/* Ends a call that was started on @filter. Each returns whether it was this that ended it. */
gboolean _msgpack_rpc_call_end_like    (MsgpackRpcCall *self,
                                        gpointer        filter,
                                        MsgpackRpcCall *attempt);
gboolean _msgpack_rpc_call_end_with    (MsgpackRpcCall *self,
                                        gpointer        filter,
                                        GVariant       *value,
                                        const GError   *error);
/* What is to be done in a thread that waits for it: sends what is due, and asks filters. */
void     _msgpack_rpc_call_work        (MsgpackRpcCall *self);
/* When there is something of that to do, unless something wakes the thread before. */
gint64   _msgpack_rpc_call_get_due     (MsgpackRpcCall *self);
/* No thread waits for it any more: its context asks. */
void     _msgpack_rpc_call_hand_over   (MsgpackRpcCall *self);

/* How it ends. Each returns whether it was this that ended it. @message is the reply, if any, an `av`
 * in serialised form. */
gboolean _msgpack_rpc_call_reply   (MsgpackRpcCall        *self,
                                    GBytes                *message,
                                    const MsgpackRpcPiece *result);
gboolean _msgpack_rpc_call_refuse  (MsgpackRpcCall *self,
                                    GBytes         *message,
                                    GError         *error,
                                    GVariant       *error_value,
                                    GVariant       *error_data);
gboolean _msgpack_rpc_call_succeed (MsgpackRpcCall *self);
gboolean _msgpack_rpc_call_give    (MsgpackRpcCall *self,
                                    GVariant       *value);
gboolean _msgpack_rpc_call_fail    (MsgpackRpcCall *self,
                                    const GError   *error);

/* Its message was handed whole to the stream. */
void     _msgpack_rpc_call_written      (MsgpackRpcCall     *self);
/* What the peer can have seen once stays so, also when the call is sent again. */
void     _msgpack_rpc_call_set_delivery (MsgpackRpcCall     *self,
                                         MsgpackRpcDelivery  delivery);
/* The peer has said that it was not handled. */
void     _msgpack_rpc_call_undo_delivery (MsgpackRpcCall    *self);

/* For finish functions: checks @result, and gives its outcome. */
gboolean  _msgpack_rpc_call_finish_boolean (gpointer             source,
                                            GAsyncResult        *result,
                                            MsgpackRpcCallKind   kind,
                                            GError             **error);
GVariant *_msgpack_rpc_call_finish_value   (gpointer             source,
                                            GAsyncResult        *result,
                                            MsgpackRpcCallKind   kind,
                                            GError             **error);
/* For sync functions: waits until it has ended, or cancels it, then gives its outcome. */
gboolean  _msgpack_rpc_call_run_boolean    (MsgpackRpcCall      *self,
                                            GCancellable        *cancellable,
                                            GError             **error);
GVariant *_msgpack_rpc_call_run_value      (MsgpackRpcCall      *self,
                                            GCancellable        *cancellable,
                                            GError             **error);

/* Whether a sync function may begin: it is not cancelled, and could wait. */
gboolean  _msgpack_rpc_call_check_sync     (GCancellable        *cancellable,
                                            GError             **error);

/* Waiting. Does the I/O of the calls' links in this thread until @wanted of them have ended; FALSE
 * if @cancellable was cancelled before, or if this thread cannot wait. Runs nothing of the application: messages that are no reply
 * to these calls are left for the connection's context. */
gboolean  _msgpack_rpc_call_wait_for       (MsgpackRpcCall     **calls,
                                            gsize                n_calls,
                                            gsize                wanted,
                                            GCancellable        *cancellable,
                                            GError             **error);
void      _msgpack_rpc_call_add_waiter     (MsgpackRpcCall      *self,
                                            MsgpackRpcWaiter    *waiter);
void      _msgpack_rpc_call_remove_waiter  (MsgpackRpcCall      *self,
                                            MsgpackRpcWaiter    *waiter);
gboolean  _msgpack_rpc_call_has_ended      (MsgpackRpcCall      *self);
/* What drives it (a reference, or NULL), and its deadline; FALSE if it has ended. */
gboolean  _msgpack_rpc_call_get_needs      (MsgpackRpcCall      *self,
                                            MsgpackRpcLink     **link,
                                            gint64              *deadline);
/* FALSE if it cannot end while this thread waits for it. */
gboolean  _msgpack_rpc_call_check_turn     (MsgpackRpcCall      *self,
                                            GError             **error);
/* The peer is told that it has no more than that, from its start; before it starts. */
void      _msgpack_rpc_call_set_told_timeout (MsgpackRpcCall   *self,
                                              int               milliseconds);
/* How many milliseconds the peer is told that it has left, from 1; 0: there is no deadline. */
int       _msgpack_rpc_call_get_time_left  (MsgpackRpcCall      *self);
/* The peer has reported how far it is. FALSE if it has ended. In any thread, no lock held. */
gboolean  _msgpack_rpc_call_report_progress (MsgpackRpcCall     *self,
                                            double               fraction,
                                            GVariant            *value);
/* Its deadline has come. */
void      _msgpack_rpc_call_expire         (MsgpackRpcCall      *self);
/* Its outcome: FALSE with the error that it failed with, or TRUE with a reference on the result, if it
 * has one. */
gboolean  _msgpack_rpc_call_get_outcome    (MsgpackRpcCall      *self,
                                            GVariant           **result,
                                            GError             **error);
/* The same: the result, or the error that it failed with. */
GVariant *_msgpack_rpc_call_get_value      (MsgpackRpcCall      *self,
                                            GError             **error);

G_END_DECLS
