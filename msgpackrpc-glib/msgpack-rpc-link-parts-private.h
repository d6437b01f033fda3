/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-budget-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-link-private.h"
#include "msgpack-rpc-output-private.h"
#include "msgpack-rpc-transport-private.h"
#include "msgpack-rpc-unpacker.h"

G_BEGIN_DECLS

/* What the files of a link share: msgpack-rpc-link.c has its state, who holds the I/O, and closing;
 * msgpack-rpc-link-opening.c gets it a stream, msgpack-rpc-link-input.c reads,
 * msgpack-rpc-link-output.c queues and writes, msgpack-rpc-link-charge.c counts what is held,
 * msgpack-rpc-link-linger.c takes leave, msgpack-rpc-link-presence.c looks whether the peer is there, msgpack-rpc-link-due.c calls the owner at a time; msgpack-rpc-link-bytes.c is for owners that have a wire format
 * of their own. */

typedef enum
{
  STATE_NEW,          /* nothing was opened yet */
  STATE_WAITING,      /* for the next attempt to open a stream */
  STATE_CONNECTING,   /* somebody opens a stream */
  STATE_CONNECTED,
  STATE_DISMISSED,    /* the peer takes no more requests; what it still answers is read */
  STATE_HALF_CLOSED,  /* the peer sends no more; what it asked for is being answered */
  STATE_CLOSING,      /* we send no more but what the close mode says */
  STATE_ENDED,
  N_STATES
} State;

/* Who wants the I/O: */
typedef enum
{
  WANTS_NOTHING = 0,
  WANTS_AS_WAITER = 1 << 0, /* a thread that waits: polls no more until it is woken */
  WANTS_AS_HOME = 1 << 1,   /* the reactor's context: likewise */
  WANTS_TO_WRITE = 1 << 2,  /* who sends: the holder writes what is queued before it is gone */
} Wants;

/* What a link holds: */
typedef enum
{
  CHARGE_INPUT,  /* bytes that have come of messages that are not whole */
  CHARGE_HELD,   /* whole ones, which wait to be handled */
  CHARGE_OUTPUT, /* what waits to be written */
  N_CHARGES
} Charge;

/* From when the link is opened until it has a stream, or has none and waits for none. */
typedef struct
{
  GCancellable *cancellable;    /* owned */
  gboolean is_pending;          /* the next attempt begins when the private context is iterated, */
  gint64 time;                  /* but not before; monotonic */
  gint64 context_time;          /* when to try again to have one, if it lacks descriptors; monotonic */
  GError *failure;              /* owned, nullable; what the last attempt failed of */
} Opening;

/* How long it has done nothing. */
typedef struct _MsgpackRpcIdle MsgpackRpcIdle;

struct _MsgpackRpcLink
{
  GObject parent_instance;

  guint64 id;                   /* the connection's */
  const MsgpackRpcLinkOwnerFuncs *funcs;
  MsgpackRpcReactor *reactor;   /* owned */
  MsgpackRpcSettings *settings; /* owned */
  MsgpackRpcLimits *limits;     /* owned */
  MsgpackRpcStatistics *statistics; /* owned, an atomic rc box */
  MsgpackRpcBudget *budget;     /* owned, nullable; fixed before it is used */
  gsize charged[N_CHARGES];     /* atomic; what it has been told */
  guint budget_position;        /* the budget's */
  gconstpointer lane;           /* the reactor's; fixed before it is used */
  gboolean is_quiet;            /* likewise */

  GMutex lock;                  /* guards all below, but for what the holder of the I/O has */
  GObject *owner;               /* not owned; NULL once it is disposed of */
  State state;                  /* only set by _msgpack_rpc_link_set_state() */
  GError *error;                /* the first one */
  gboolean write_failed;        /* what the peer left is still read, then the link ends */
  gboolean input_ended;         /* the peer has stopped sending while we were closing */
  MsgpackRpcTransport *transport;
  gboolean transport_closed;    /* close was called, and it is not idle yet */
  MsgpackRpcPort *ports[2];     /* for input, and for output if that is another descriptor */
  MsgpackRpcOutput output;
  GPtrArray *unsent;            /* of GVariant: messages that closing took out of the queue, or NULL */
  MsgpackRpcTimer close_timer;  /* ends an orderly close */
  gint64 close_deadline;        /* the same, for threads that wait; monotonic */
  gboolean waits_for_peer;      /* an orderly close ends when all has arrived there */
  MsgpackRpcTimer stall_timer;  /* looks whether the peer takes what waits for it */
  gboolean stall_timer_runs;
  gint64 stall_deadline;        /* when it must have taken something; G_MAXINT64: no matter */
  MsgpackRpcTimer due_timer;    /* calls the owner */
  gint64 due_time;              /* the same, for threads that wait; G_MAXINT64: never */
  GIOStream *handshake;         /* owned; whose handshake has not ended, as far as known */
  MsgpackRpcTimer handshake_timer; /* looks whether it has */
  MsgpackRpcIdle *idle;         /* owned; NULL unless there is a limit */
  gboolean congested;           /* more is queued than is good */
  guint paused;                 /* of MsgpackRpcPause; 0: not */
  gboolean input_waits;         /* there is some, while reading pauses */
  gboolean corked;              /* output waits for the next turn of the loop */

  GMainContext *context;        /* private; for opening, and for the asynchronous transport */
  GSource *nested;              /* it, attached to the reactor's context */
  MsgpackRpcPort *nested_port;  /* of that */
  Opening *opening;             /* owned, nullable */

  GThread *io_thread;           /* who holds the I/O, or NULL */
  GCond io_released;
  guint n_waiting_for_io;
  Wants io_wanted;              /* who is to be told when it is released */
  int is_pending;               /* atomic; the peer has not been let in */
  guint n_serving;              /* how many of the waiters serve */
  GQueue waiters;               /* of MsgpackRpcWaiter, not owned; the first polls the context */
  MsgpackRpcUnpacker *unpacker; /* belongs to the holder of the I/O; NULL between messages */
  GBytes *early_input;          /* likewise, owned; what comes before that of the stream, or NULL */
  guint64 input_offset;         /* likewise; where in the stream the next one begins */
  gint64 turn_end;              /* likewise; monotonic, 0: it parses all that has come */
  gboolean goes_on;             /* likewise; there was something to read, or is more to write */
};

/* The lock is held for these. */
gboolean _msgpack_rpc_link_has_stream   (MsgpackRpcLink *self);
gboolean _msgpack_rpc_link_reads_input  (MsgpackRpcLink *self);
/* The only place that changes the state. */
void     _msgpack_rpc_link_set_state    (MsgpackRpcLink *self,
                                         State           state,
                                         const GError   *error);
/* What a thread polls that waits follows from the state, and it may be the only one that does any
 * I/O. */
void     _msgpack_rpc_link_wake_waiters (MsgpackRpcLink *self);
/* The same, but for this thread. */
void     _msgpack_rpc_link_wake_others  (MsgpackRpcLink *self);
/* Polls what the state asks for. */
void     _msgpack_rpc_link_update_ports (MsgpackRpcLink *self);

/* FALSE if this thread holds it already; or if another does, and either nothing is wanted, or it may
 * take its time: the private context runs what an application's stream or socket client calls. Who
 * wanted it is then told of its release. */
gboolean _msgpack_rpc_link_enter_io     (MsgpackRpcLink *self,
                                         Wants           wants);
void     _msgpack_rpc_link_leave_io     (MsgpackRpcLink *self);
/* Ends the link, once; @error is why, unless something went wrong before. */
void     _msgpack_rpc_link_end          (MsgpackRpcLink *self,
                                         const GError   *error);

/* Begins an orderly close. The lock is held. */
void     _msgpack_rpc_link_start_closing (MsgpackRpcLink      *self,
                                          MsgpackRpcCloseMode  mode);

/* A reference, or NULL. No lock is held for these two. */
gpointer _msgpack_rpc_link_ref_owner    (MsgpackRpcLink *self);
/* Calls the owner if it is time for that. */
void     _msgpack_rpc_link_check_due    (gpointer        link);

/* Counts what is held now, unless that is about as before. */
void     _msgpack_rpc_link_charge       (MsgpackRpcLink *self,
                                         Charge          charge,
                                         gsize           now);
/* Holds nothing any more. */
void     _msgpack_rpc_link_drop_budget  (MsgpackRpcLink *self);

/* The private context is there from when it is started until it is dropped. The lock is held for the
 * first, not for the second. */
gboolean      _msgpack_rpc_link_start_private_context (MsgpackRpcLink  *self,
                                                       GError         **error);
void          _msgpack_rpc_link_drop_private_context  (MsgpackRpcLink  *self);
/* Begins the attempt to open a stream whose time has come. By the holder of the I/O. */
void          _msgpack_rpc_link_open_if_due           (MsgpackRpcLink  *self);
/* It waits, but there were no descriptors for the private context; and milliseconds until there may be
 * some. The lock is held for both. */
gboolean      _msgpack_rpc_link_lacks_context         (MsgpackRpcLink  *self);
int           _msgpack_rpc_link_get_context_timeout   (MsgpackRpcLink  *self);
/* Milliseconds until then; −1 if there is none. */
int           _msgpack_rpc_link_get_open_timeout      (MsgpackRpcLink  *self);
/* The link has ended: a reference on what cancels the attempt that is being made, or NULL. The lock is
 * held. */
GCancellable *_msgpack_rpc_link_stop_opening          (MsgpackRpcLink  *self);

/* Delivers the messages that have come whole. FALSE when there may be more of them, but not now. By
 * the holder of the I/O, as are the other functions here. */
gboolean _msgpack_rpc_link_parse_input    (MsgpackRpcLink *self,
                                           gpointer        owner);
gboolean _msgpack_rpc_link_may_read       (MsgpackRpcLink *self);
/* Lets go of what is only needed within messages. */
void     _msgpack_rpc_link_rest_input     (MsgpackRpcLink *self);
/* Reads once. TRUE if there may be more. */
gboolean _msgpack_rpc_link_read_input     (MsgpackRpcLink *self,
                                           gpointer        owner);
/* After writing has failed the peer is gone; what it sent before still counts. */
void     _msgpack_rpc_link_read_leftovers (MsgpackRpcLink *self,
                                           gpointer        owner);
/* While reading pauses for answers: what tells, polled for nothing, that nobody waits for them any
 * more; else, or if nothing does, −1. The lock is held. */
int      _msgpack_rpc_link_get_hangup_fd  (MsgpackRpcLink *self);
/* Looks there. */
void     _msgpack_rpc_link_look_for_peer  (MsgpackRpcLink *self);
/* It takes nothing more: what it left is read, without a pause for answers, then the link ends. The
 * lock is held. */
void     _msgpack_rpc_link_lose_peer      (MsgpackRpcLink *self);
/* Writes until the queue is empty, the stream takes no more, or its turn is over: TRUE then. */
gboolean _msgpack_rpc_link_write_output   (MsgpackRpcLink *self);
/* The same, at once; if somebody else is at it, they do so. By any thread. */
gboolean _msgpack_rpc_link_try_write      (MsgpackRpcLink *self);

/* The lock is held for the next two. */
void     _msgpack_rpc_link_update_congestion (MsgpackRpcLink *self);
gboolean _msgpack_rpc_link_has_stalled       (MsgpackRpcLink *self);
gboolean _msgpack_rpc_link_check_sendable   (MsgpackRpcLink  *self,
                                             gsize            size,
                                             gboolean         is_answer,
                                             GError         **error);
/* Writes soon, in one go with what else is queued until then. @is_home: as the reactor says of this
 * thread; @corked and @write_now: as cork() has said. No lock is held. */
gboolean _msgpack_rpc_link_cork             (MsgpackRpcLink  *self,
                                             gboolean        *write_now);
void     _msgpack_rpc_link_write_soon       (MsgpackRpcLink  *self,
                                             gboolean         is_home,
                                             gboolean         corked,
                                             gboolean         write_now);
/* When the stall timer is due, or a thread that waits has seen that it is. */
void     _msgpack_rpc_link_check_stall       (gpointer        owner);

/* For these, too. Whether what was written may still be lost if a closing link ended now; then it
 * looks again soon. */
gboolean _msgpack_rpc_link_lingers            (MsgpackRpcLink *self);
/* Until when a thread may wait before it looks again at a closing link. */
gint64   _msgpack_rpc_link_get_close_deadline (MsgpackRpcLink *self);

/* Looks after an idle-timeout, if there is one. No lock is held. */
void     _msgpack_rpc_link_watch_idle (MsgpackRpcLink *self);
void     _msgpack_rpc_link_stop_idle  (MsgpackRpcLink *self);

/* If the stream is encrypted, the peer must soon have agreed on how. */
void     _msgpack_rpc_link_expect_handshake (MsgpackRpcLink *self,
                                             GIOStream      *stream);
void     _msgpack_rpc_link_check_handshake  (gpointer        owner);

/* Notes how much is queued. The lock is held. */
void     _msgpack_rpc_link_count_queued   (MsgpackRpcLink   *self);
/* The message as it is written, if that is not as it was packed; else NULL. */
MsgpackRpcPacked *_msgpack_rpc_link_frame (MsgpackRpcLink   *self,
                                           MsgpackRpcPacked *packed);
/* For debugging. */
void     _msgpack_rpc_link_show_packed    (MsgpackRpcLink   *self,
                                           MsgpackRpcPacked *packed);

G_END_DECLS
