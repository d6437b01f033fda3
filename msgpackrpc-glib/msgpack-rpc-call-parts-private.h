/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call-private.h"

G_BEGIN_DECLS

typedef struct _MsgpackRpcCallFilter MsgpackRpcCallFilter;

/* What the files of a call share: msgpack-rpc-call.c is what applications see of it,
 * msgpack-rpc-call-life.c how it starts, ends and reports, msgpack-rpc-call-attempts.c what a filter
 * forwards for it, msgpack-rpc-call-options.c what becomes of
 * it without a connection, msgpack-rpc-call-progress.c how it tells of what changes meanwhile,
 * msgpack-rpc-call-wait.c how it is waited for. */
struct _MsgpackRpcCall
{
  GObject parent_instance;

  /* Fixed before it starts. */
  MsgpackRpcCallKind kind;
  gboolean is_internal;
  char *method;
  GVariant *params;
  GMainContext *context;          /* where it reports */
  GAsyncReadyCallback callback;
  gpointer user_data;
  gconstpointer source_tag;       /* the source, for comparing only */

  MsgpackRpcTimer timer;
  MsgpackRpcItem ending;          /* that it has ended; posted once */
  int delivery;                   /* atomic, MsgpackRpcDelivery */
  int idempotent;                 /* atomic, boolean */
  int wait_for_ready;             /* atomic, boolean */
  guint32 sequence;               /* guarded by the connection's lock */
  guint32 parked_size;            /* likewise */
  int told_state;                 /* atomic; what was notified of last */
  int told_delivery;              /* likewise */
  int change_posted;              /* atomic; its context will look for what is new */
  gconstpointer lane;             /* atomic; where it reports: that of what the peer sends */
  MsgpackRpcCall *parent;         /* owned, nullable, fixed before it starts: this is an attempt at it */

  GMutex lock;                    /* guards all below; taken before a connection's or link's */
  MsgpackRpcCallState state;
  double progress;                /* from 0 to 1 */
  double told_progress;
  GVariant *progress_value;       /* nullable; of the peer's last report */
  double report;                  /* the fraction of that */
  gboolean report_is_new;         /* it was not told yet */
  int timeout;                    /* milliseconds; −1: the connection's default */
  gboolean serves_while_waiting;
  int told_timeout;               /* milliseconds; 0: the peer is told of the call's own */
  GVariantType *reply_type;       /* nullable */
  gpointer source;                /* owned while pending, and until the callback has returned */
  GCancellable *cancellable;
  gulong cancelled_id;
  MsgpackRpcReactor *reactor;     /* of the timer */
  MsgpackRpcConnection *connection; /* owned while pending */
  MsgpackRpcLink *link;           /* likewise: what drives it */
  guint32 msgid;
  gint64 start_time;              /* monotonic */
  gint64 end_time;
  gint64 deadline;                /* monotonic; G_MAXINT64: none */
  GBytes *message;
  GVariant *message_value;        /* made of it when it is asked for */
  GVariant *result;
  GError *error;
  GVariant *error_value;
  GVariant *error_data;           /* nullable; beside it */
  GSList *waiters;                /* of MsgpackRpcWaiter, not owned */
  GSList *waits;                  /* of GTask, owned: wait_async() in other contexts than its own */
  MsgpackRpcCallFilter *filter;   /* owned; NULL unless it was started on a filter */
};

void     _msgpack_rpc_call_filter_free    (MsgpackRpcCallFilter *filter);
/* What is forwarded for it and goes on, a reference, or NULL. The lock is held. */
MsgpackRpcCall *_msgpack_rpc_call_ref_attempt_unlocked (MsgpackRpcCall *self);
/* It ends since its filter says so in its context: then that reports it, before anything else comes. The
 * lock is held. */
gboolean _msgpack_rpc_call_ends_in_place_unlocked (MsgpackRpcCall *self,
                                                   gboolean        has_report);
/* It has ended: lets go of the filter, unless that is to be asked about an attempt. */
void     _msgpack_rpc_call_leave_filter   (MsgpackRpcCall *self);
/* An attempt at it has ended. @in_place: in its context, where nothing of the application runs. */
void     _msgpack_rpc_call_attempt_ended  (MsgpackRpcCall *self,
                                           MsgpackRpcCall *attempt,
                                           gboolean        in_place);
/* An attempt at it has come further. */
void     _msgpack_rpc_call_attempt_bound  (MsgpackRpcCall *self,
                                           MsgpackRpcLink *link);
void     _msgpack_rpc_call_attempt_undone (MsgpackRpcCall *self);
/* Tells that it has ended. In its context. */
void     _msgpack_rpc_call_report_ended   (MsgpackRpcCall *self);
/* The lock is held. */
void     _msgpack_rpc_call_wake_waiters   (MsgpackRpcCall *self);
/* One of the waits: it looks in its context whether the call has ended. With any lock held. */
void     _msgpack_rpc_call_post_wait      (GTask          *task);

/* Notifies of what has changed at the end, and emits the signal. In its context. */
void     _msgpack_rpc_call_emit_ended     (MsgpackRpcCall *self);
/* It was started, or has been sent further, which its context notifies of later. With any lock held. */
void     _msgpack_rpc_call_state_changed  (MsgpackRpcCall *self);
void     _msgpack_rpc_call_delivery_changed (MsgpackRpcCall *self);
/* Notifies of what is new since it did so last. In its context. */
void     _msgpack_rpc_call_notify_changes (MsgpackRpcCall *self);
/* Emits the signal about what the peer has reported. In its context. */
void     _msgpack_rpc_call_emit_report    (MsgpackRpcCall *self,
                                           double          fraction,
                                           GVariant       *value);
gboolean _msgpack_rpc_call_hears_reports  (MsgpackRpcCall *self);
/* Whether anybody looks at its properties; or at that, or its end. */
gboolean _msgpack_rpc_call_is_notified    (MsgpackRpcCall *self);
gboolean _msgpack_rpc_call_is_observed    (MsgpackRpcCall *self);

G_END_DECLS
