/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call-table-private.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-drain-private.h"
#include "msgpack-rpc-hold-private.h"
#include "msgpack-rpc-interests-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-peer.h"

G_BEGIN_DECLS

/* How the peer shows that it knows the token of a server. */
typedef struct _MsgpackRpcGate MsgpackRpcGate;

/* Answers that wait for their turn, and calls that do. */
typedef struct _MsgpackRpcOrder MsgpackRpcOrder;
typedef struct _MsgpackRpcTurns MsgpackRpcTurns;

/* What the files of a connection share: msgpack-rpc-connection.c is the object that applications
 * see, msgpack-rpc-connection-stream.c what it tells of its stream, msgpack-rpc-connection-messages.c
 * what goes in and out, msgpack-rpc-connection-signals.c whom it tells, msgpack-rpc-connection-flow.c how much, msgpack-rpc-connection-reading.c when
 * nothing is read, msgpack-rpc-connection-ends.c what servers and clients do with it,
 * msgpack-rpc-connection-handover.c which calls go on when it ends, msgpack-rpc-connection-drain.c how
 * it is drained, msgpack-rpc-connection-dialect.c what peers do otherwise than the specification says,
 * msgpack-rpc-connection-order.c in which order they are answered, msgpack-rpc-connection-turns.c when
 * they are called, and msgpack-rpc-connection-extensions.c what else peers tell each other. */

struct _MsgpackRpcConnection
{
  GObject parent_instance;

  guint64 id;                      /* fixed */
  GMainContext *main_context;      /* fixed, owned */
  MsgpackRpcReactor *reactor;      /* fixed, owned */
  MsgpackRpcLink *link;            /* fixed, owned */
  MsgpackRpcSettings *settings;    /* fixed, owned */
  MsgpackRpcLimits *limits;        /* fixed, owned */

  int calls_in_flight;             /* atomic */
  int requests_in_flight;          /* atomic; received and not answered */
  int undelivered;                 /* atomic; messages that wait to be handled */
  int waiting;                     /* atomic; among them, those that wait for their turn elsewhere */
  int is_watched;                  /* atomic; the client looks at it */
  gsize held_bytes;                /* atomic; their size */
  guint peer;                      /* atomic; MsgpackRpcExtensions that it knows, and these: */
#define MSGPACK_RPC_PEER_WAS_TOLD (1U << 31)  /* what we know */
#define MSGPACK_RPC_PEER_SAYS_TRUE (1U << 30) /* it has answered [1, id, true, value] */
  int reading_paused;              /* atomic; since too much waits */
  int congestion_posted;           /* atomic; the main context will look at it */
  guint told_congested : 1;        /* in the main context; as last notified */
  guint has_told_end : 1;          /* in the main context; nothing comes after it */
  int is_overdue;                  /* atomic; the client wants to know what comes next */
  guint n_shown;                   /* with the lock; requests that handlers of “message” have, or took */

  MsgpackRpcInterests *interests;  /* owned, atomic; NULL unless we have subscribed to something */

  MsgpackRpcHold hold;             /* while a server has not let the peer in */
  int has_said_goodbye;            /* atomic; it may be closed when all is answered */
  int is_refused;                  /* atomic; nothing of what it has sent is delivered */
  MsgpackRpcGate *gate;            /* owned, nullable; belongs to the holder of the I/O */

  GWeakRef client;                 /* who hears of everything too */
  const MsgpackRpcClientFuncs *client_funcs; /* fixed; NULL without a client */

  MsgpackRpcClosedFunc closed_func; /* fixed, nullable: a server's */
  gpointer closed_data;
  GDestroyNotify closed_destroy;

  GMutex lock;                     /* guards all below; taken before the link's lock */
  GIOStream *io_stream;            /* owned, nullable */
  gboolean has_posted_end;         /* that there is nothing more to deliver */
  MsgpackRpcCallTable calls;
  MsgpackRpcCallList *call_list;   /* not owned: the table's; NULL unless it was asked for */
  GQueue invocations;              /* of MsgpackRpcInvocation, not owned: not answered yet */
  gint64 highest_request;          /* the highest id of them since there were none */
  MsgpackRpcOrder *order;          /* owned; NULL unless answers have had an order */
  MsgpackRpcTurns *turns;          /* owned, set once, also looked at without the lock; NULL unless
                                    * calls have had to wait for their turn */
  MsgpackRpcDispatcher *dispatcher; /* owned, nullable */
  MsgpackRpcDrain *drain;          /* owned, nullable; set once, also read without the lock */
  GPtrArray *subscriptions;        /* of MsgpackRpcSubscription, owned; NULL before the first, and at the end */
};

/* What waits to be delivered. */
typedef struct
{
  MsgpackRpcItem item;
  gsize size;
  MsgpackRpcMessage message;
} MsgpackRpcIncoming;

enum
{
  SIGNAL_CLOSED,
  SIGNAL_MESSAGE,
  SIGNAL_NOTIFICATION,
  SIGNAL_PEER_ERROR,
  SIGNAL_REPLY,
  SIGNAL_REQUEST,
  SIGNAL_UNKNOWN_MESSAGE,
  SIGNAL_UNKNOWN_REPLY,
  N_SIGNALS
};

extern guint _msgpack_rpc_connection_signals[N_SIGNALS];
void                  _msgpack_rpc_connection_install_signals (GType                   type);
extern const MsgpackRpcLinkOwnerFuncs _msgpack_rpc_connection_link_funcs;

void                  _msgpack_rpc_connection_init_peer      (MsgpackRpcPeerInterface *iface);
/* Not a reference; NULL while it is not drained. */
MsgpackRpcDrain      *_msgpack_rpc_connection_get_drain      (MsgpackRpcConnection    *self);
/* If all is answered. */
void                  _msgpack_rpc_connection_close_drained  (MsgpackRpcConnection    *self);
/* Before a request is handled by handlers of “message”, and if they did not; by anybody else. FALSE
 * if no request may be begun any more. */
gboolean              _msgpack_rpc_connection_begin_request  (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_connection_give_back_request (MsgpackRpcConnection *self);
gboolean              _msgpack_rpc_connection_track          (MsgpackRpcConnection    *self,
                                                              MsgpackRpcInvocation    *invocation,
                                                              gboolean                *has_duplicate);
/* For replies to nothing, and to @call. FALSE if it is an ordinary one. */
gboolean              _msgpack_rpc_connection_take_goodbye   (MsgpackRpcConnection    *self,
                                                              const MsgpackRpcMessage *message);
gboolean              _msgpack_rpc_connection_take_refusal   (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call,
                                                              guint32                  msgid,
                                                              const MsgpackRpcMessage *message);
/* A reference, or NULL. */
MsgpackRpcDispatcher *_msgpack_rpc_connection_ref_dispatcher (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_gate_free                 (MsgpackRpcGate          *self);
/* Whether the message was for the gate, or is kept out by it. Before anything else looks at it, by the
 * holder of the I/O. */
gboolean              _msgpack_rpc_connection_pass_gate      (MsgpackRpcConnection    *self,
                                                              MsgpackRpcMessage       *message);
/* Takes the message. */
void                  _msgpack_rpc_connection_post_incoming  (MsgpackRpcConnection    *self,
                                                              gsize                    size,
                                                              MsgpackRpcMessage       *message,
                                                              MsgpackRpcPostFunc       deliver);
/* FALSE if too much waits to be delivered, which ends the connection. */
gboolean              _msgpack_rpc_connection_check_held_bytes (MsgpackRpcConnection  *self);
/* An answer is queued. */
void                  _msgpack_rpc_connection_request_answered (MsgpackRpcConnection  *self);
/* Of an invocation that is being answered. The lock is held. */
void                  _msgpack_rpc_connection_untrack        (MsgpackRpcConnection    *self,
                                                              GList                   *tracked);
/* Consumes @answer, nullable. */
gboolean              _msgpack_rpc_connection_send_packed_answer (MsgpackRpcConnection *self,
                                                              MsgpackRpcPacked        *answer);
/* Sends an answer; one that cannot be packed becomes an error that says so. */
gboolean              _msgpack_rpc_connection_send_answer    (MsgpackRpcConnection    *self,
                                                              const MsgpackRpcPiece   *msgid,
                                                              gsize                    request_size,
                                                              GVariant                *error_value,
                                                              GVariant                *result);
/* The link is congested, or no more. */
void                  _msgpack_rpc_connection_post_congestion (gpointer                owner);
/* Delivers func (self, data) in the main context, unless the connection is disposed of before. */
void                  _msgpack_rpc_connection_post           (MsgpackRpcConnection    *self,
                                                              MsgpackRpcPostFunc       func,
                                                              gpointer                 data,
                                                              GDestroyNotify           destroy);
/* One that was taken out of the table stands there again. FALSE if it has ended meanwhile. */
gboolean              _msgpack_rpc_connection_put_back_call  (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call,
                                                              guint32                  msgid);
/* From here on it does not. FALSE if it did not before. */
gboolean              _msgpack_rpc_connection_unregister_call (MsgpackRpcConnection   *self,
                                                              MsgpackRpcCall          *call,
                                                              guint32                  msgid);
/* What calls end with when the link has ended. @opened: it had a stream once. */
GError               *_msgpack_rpc_connection_make_call_error (const GError           *error,
                                                               gboolean                opened);
/* Whether it is a message of an extension that is taken when it is read, which that does. @size: its
 * bytes on the wire. By the holder of the I/O. */
gboolean              _msgpack_rpc_connection_is_extension   (MsgpackRpcConnection    *self,
                                                              const MsgpackRpcMessage *message);
void                  _msgpack_rpc_connection_take_extension (MsgpackRpcConnection    *self,
                                                              gsize                    size,
                                                              const MsgpackRpcMessage *message);
/* Whether it was a message of an extension that has its place among the others. In the main context. */
gboolean              _msgpack_rpc_connection_deliver_extension (MsgpackRpcConnection    *self,
                                                                 const MsgpackRpcMessage *message);
/* Tells the peer what we know, once, if that is wanted: now; or before all else, as soon as there is a
 * stream. */
void                  _msgpack_rpc_connection_announce       (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_connection_announce_first (MsgpackRpcConnection    *self);
/* A call of ours is made, or waits no more. */
void                  _msgpack_rpc_connection_resume_reading (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_connection_call_has_left  (MsgpackRpcConnection    *self);
/* Requests wait for their answer up to the limit; there are fewer of them. */
void                  _msgpack_rpc_connection_pause_reading  (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_connection_made_room      (MsgpackRpcConnection    *self);
/* A message waits to be handled, or does no more. */
void                  _msgpack_rpc_connection_hold_message   (MsgpackRpcConnection    *self,
                                                              gsize                    size);
void                  _msgpack_rpc_connection_release_message (MsgpackRpcConnection   *self,
                                                              gsize                    size);
/* Whether more of them may come before reading stops. */
gboolean              _msgpack_rpc_connection_has_room       (MsgpackRpcConnection    *self);
int                   _msgpack_rpc_connection_get_max_requests (MsgpackRpcConnection  *self);
gsize                 _msgpack_rpc_connection_get_max_held   (MsgpackRpcConnection    *self);
/* Reads, in turn: after what has come already. */
void                  _msgpack_rpc_connection_read_on        (gpointer                 owner);
/* They were taken out of the table. */
void                  _msgpack_rpc_connection_calls_have_left (MsgpackRpcConnection   *self,
                                                              GPtrArray               *calls);
/* The peer sends no more: calls that go on are kept until the connection has ended, all others fail.
 * FALSE if no client has it. */
gboolean              _msgpack_rpc_connection_keep_calls     (MsgpackRpcConnection    *self,
                                                              const GError            *error);

/* ---- the order of answers ---- */

/* A place for the answer to a request that has come, in wire order; NULL if there is no order. */
MsgpackRpcPlace      *_msgpack_rpc_connection_take_place     (MsgpackRpcConnection    *self,
                                                              gboolean                 is_counted);
/* The request is answered, by @answer (consumed) or, if that is NULL, otherwise: sends what has its turn
 * now. @msgid: nullable; @tracked: likewise, in the list of invocations, which it leaves. FALSE if it
 * could not be sent. */
gboolean              _msgpack_rpc_connection_fill_place     (MsgpackRpcConnection    *self,
                                                              MsgpackRpcPlace         *place,
                                                              const MsgpackRpcPiece   *msgid,
                                                              MsgpackRpcPacked        *answer,
                                                              GList                   *tracked);
/* Puts a mark for @call behind all that is queued, and behind answers that wait for nothing but the
 * moment after the one before; or, the second, at once. */
void                  _msgpack_rpc_connection_flush_in_order (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call);
void                  _msgpack_rpc_connection_send_flush     (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call);
/* The order has changed, or the connection has ended. */
void                  _msgpack_rpc_connection_update_order   (MsgpackRpcConnection    *self);
/* A peer that was given a moment before the next answer needs no more of it; and never again. */
void                  _msgpack_rpc_connection_end_pause      (gpointer                 owner);
void                  _msgpack_rpc_connection_end_pauses     (MsgpackRpcConnection    *self);
/* The ids of requests that are answered, but whose answer waits. The lock is held. */
void                  _msgpack_rpc_connection_list_held_answers (MsgpackRpcConnection *self,
                                                              GVariantBuilder         *builder);
void                  _msgpack_rpc_order_free                (MsgpackRpcOrder         *self);

/* ---- one call at a time ---- */

/* Whether the call, which is in the table, waits for its turn; else it is to be sent, unless there is an
 * error. */
gboolean              _msgpack_rpc_connection_await_turn     (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call,
                                                              guint32                  msgid,
                                                              MsgpackRpcPacked        *packed,
                                                              GError                 **error);
/* Sends the next one, if it is its turn; the peer has answered @msgid before. With no lock held. */
void                  _msgpack_rpc_connection_next_turn      (MsgpackRpcConnection    *self);
void                  _msgpack_rpc_connection_end_turn       (MsgpackRpcConnection    *self,
                                                              gint64                   msgid);
/* The call ends without a reply; @delivery: as the output queue has it. Returns whether the next one has
 * its turn. */
gboolean              _msgpack_rpc_connection_give_up_turn   (MsgpackRpcConnection    *self,
                                                              MsgpackRpcCall          *call,
                                                              guint32                  msgid,
                                                              MsgpackRpcDelivery      *delivery);
/* The connection has ended: @unsent and what has waited; a full reference. */
GVariant             *_msgpack_rpc_connection_end_turns      (MsgpackRpcConnection    *self,
                                                              GVariant                *unsent);
/* Handlers of a request run in @thread; or, NULL, in none. Returns what was set before. */
GThread              *_msgpack_rpc_connection_enter_handler  (MsgpackRpcConnection    *self,
                                                              GThread                 *thread);
/* FALSE if the peer takes none. */
gboolean              _msgpack_rpc_connection_check_notification (MsgpackRpcConnection *self,
                                                              const char              *method,
                                                              GError                 **error);
void                  _msgpack_rpc_turns_free                (MsgpackRpcTurns         *self);

/* ---- what peers do otherwise ---- */

/* It is too late to tell of what had been read. In the main context. */
gboolean              _msgpack_rpc_connection_is_over        (MsgpackRpcConnection    *self);
/* Counts a message that is not as it should be, but understood. FALSE if that ends the connection, which is
 * strict. */
gboolean              _msgpack_rpc_connection_tolerate       (MsgpackRpcConnection    *self,
                                                              const char              *what);
gboolean              _msgpack_rpc_connection_tolerate_oddity (MsgpackRpcConnection   *self,
                                                              const MsgpackRpcMessage *message);
gboolean              _msgpack_rpc_connection_tolerate_duplicate (MsgpackRpcConnection *self);
/* Whether one that is not understood ends the connection. */
gboolean              _msgpack_rpc_connection_refuses_invalid (MsgpackRpcConnection   *self,
                                                              const GError            *error);
void                  _msgpack_rpc_connection_take_unknown_reply (MsgpackRpcConnection *self,
                                                              gsize                    size,
                                                              MsgpackRpcMessage       *message);
/* Whether it is known after all; takes it then. */
gboolean              _msgpack_rpc_connection_take_unknown_message (MsgpackRpcConnection *self,
                                                              gsize                    size,
                                                              MsgpackRpcMessage       *message);
/* Of a notification. In the main context. */
void                  _msgpack_rpc_connection_look_for_peer_error (MsgpackRpcConnection *self,
                                                              const MsgpackRpcMessage *message);
/* The peer gives up a request; @name: of what says so. Likewise. */
void                  _msgpack_rpc_connection_withdraw_request (MsgpackRpcConnection  *self,
                                                              const MsgpackRpcPiece   *msgid,
                                                              const char              *name);
/* Warns of a name that Neovim does not take. */
void                  _msgpack_rpc_connection_check_for_neovim (const char           *method);

static inline void
_msgpack_rpc_connection_check_method (MsgpackRpcConnection *self,
                                      const char           *method)
{
  if (_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_NEOVIM))
    _msgpack_rpc_connection_check_for_neovim (method);
}

G_END_DECLS
