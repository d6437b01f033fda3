/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-limits-private.h"
#include "msgpack-rpc-output-private.h"
#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-statistics-private.h"
#include "msgpack-rpc-types.h"
#include "msgpack-rpc-waiter-private.h"

G_BEGIN_DECLS

/* One stream, one state, one output queue, and one holder of its I/O at a time: the reactor's
 * dispatch, or a thread that waits for something. The holder never blocks, and calls no code of
 * the application.
 *
 * All functions may be called from any thread. */
#define MSGPACK_RPC_TYPE_LINK (_msgpack_rpc_link_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcLink, _msgpack_rpc_link, MSGPACK_RPC, LINK, GObject)

typedef struct _MsgpackRpcBudget MsgpackRpcBudget;

typedef struct
{
  /* A whole message came: an `av` in serialised form. By the holder of the I/O, no lock held, in wire order. */
  void     (*message)     (gpointer      owner,
                           GBytes       *message,
                           gsize         size);
  /* In place of that, for an owner that makes messages of bytes itself, and bytes of messages: some have
   * come. NULL: the link reads and writes MessagePack. Likewise. */
  void     (*bytes)       (gpointer      owner,
                           GBytes       *bytes);
  /* Some of its bytes were written. For the same owners. With the link's lock held, so it may only post. */
  void     (*written)     (gpointer      owner);
  /* Whether it has more to write than it has given to the link. For the same owners. Takes no lock. */
  gboolean (*has_output)  (gpointer      owner);
  /* Its turn is over, and more messages have come: it should work again after what these led to. By
   * the holder of the I/O, no lock held. */
  void     (*more_input)  (gpointer      owner);
  /* Starts to open a stream, with the private context as thread-default, and calls
   * _msgpack_rpc_link_opened() when done, from that context. Likewise. */
  void     (*open)        (gpointer      owner,
                           GCancellable *cancellable);
  /* The peer will send nothing more. Likewise. */
  void     (*input_ended) (gpointer      owner);
  /* Whether half-closing must wait: requests are still to be answered. Takes no lock. */
  gboolean (*is_busy)     (gpointer      owner);
  /* The time of _msgpack_rpc_link_call_at() has come. In any thread, no lock held. */
  void     (*due)         (gpointer      owner);
  /* Whether nothing is to be done for the peer, and nothing is expected of it. Takes no lock. */
  gboolean (*is_at_rest)  (gpointer      owner);
  /* Whether more should be read at the moment. Takes no lock. */
  gboolean (*wants_input) (gpointer      owner);
  /* The status changed. With the link's lock held, so in order: it may only post. */
  void     (*status)      (gpointer                    owner,
                           MsgpackRpcConnectionStatus  old_status,
                           MsgpackRpcConnectionStatus  new_status,
                           const GError               *error);
  /* It is congested, or no more. Likewise. */
  void     (*congestion)  (gpointer      owner);
  /* The link has ended, once. In any thread, no lock held. @opened: whether it was ever connected.
   * @unsent: of type av. */
  void     (*ended)       (gpointer      owner,
                           const GError *error,
                           gboolean      opened,
                           GVariant     *incomplete,
                           GVariant     *unsent);
} MsgpackRpcLinkOwnerFuncs;

/* Why nothing is read. */
typedef enum
{
  MSGPACK_RPC_PAUSE_NEW = 1 << 0,      /* nobody has had a chance to connect to its signals */
  MSGPACK_RPC_PAUSE_FULL = 1 << 1,     /* too many requests wait for their answer */
  MSGPACK_RPC_PAUSE_ON_REQUEST = 1 << 2, /* the application wants it so */
  MSGPACK_RPC_PAUSE_UNDECODED = 1 << 3, /* what has come is not yet made into messages, or not taken */
} MsgpackRpcPause;

/* @id: what debug messages name it by. @owner is not referenced; it calls _msgpack_rpc_link_disown() in its dispose. */
MsgpackRpcLink *_msgpack_rpc_link_new    (GObject                        *owner,
                                          guint64                         id,
                                          const MsgpackRpcLinkOwnerFuncs *funcs,
                                          MsgpackRpcReactor              *reactor,
                                          MsgpackRpcSettings             *settings,
                                          MsgpackRpcLimits               *limits);
void            _msgpack_rpc_link_disown (MsgpackRpcLink                 *self);

/* A peer that never made a request is never sent a reply, not even one that says what is wrong: servers
 * have taken that for a request. Before anything is opened. */
void          _msgpack_rpc_link_set_quiet (MsgpackRpcLink *self);

/* The lane of the reactor that the link belongs to: its own, unless another was set before anything was
 * posted or opened. */
void          _msgpack_rpc_link_set_lane (MsgpackRpcLink *self,
                                          gconstpointer   lane);
gconstpointer _msgpack_rpc_link_get_lane (MsgpackRpcLink *self);

/* What it holds is counted in @budget. Before anything is sent or opened. */
void  _msgpack_rpc_link_set_budget  (MsgpackRpcLink   *self,
                                     MsgpackRpcBudget *budget);
/* The owner holds @held, a number of bytes of messages that others change: counts it. */
void  _msgpack_rpc_link_charge_held (MsgpackRpcLink   *self,
                                     gsize            *held);
/* Ends those that hold most if all hold too much. With no lock held. */
void  _msgpack_rpc_link_enforce_budget (MsgpackRpcLink *self);
/* Where it stands in the budget's list, which looks for it there. With the budget's lock held. */
void  _msgpack_rpc_link_set_budget_position (MsgpackRpcLink   *self,
                                             guint             position);
guint _msgpack_rpc_link_get_budget_position (MsgpackRpcLink   *self);
/* How much of the budget it has. */
gsize _msgpack_rpc_link_get_charged (MsgpackRpcLink   *self);

/* new → connecting; FALSE if it was opened before, or has ended. The owner's open() is called
 * later. */
gboolean _msgpack_rpc_link_open (MsgpackRpcLink *self);
/* The same, but waits before the first attempt, until @time (monotonic). FALSE if there are no
 * descriptors for what it waits in: then this is to be called again, unless a thread waits, which does
 * so. */
gboolean _msgpack_rpc_link_open_later (MsgpackRpcLink *self,
                                       gint64          time);
/* connecting → waiting: the attempt has failed with @error, and the next one is made at @time. FALSE
 * if the link has ended. */
gboolean _msgpack_rpc_link_retry (MsgpackRpcLink *self,
                                  gint64          time,
                                  const GError   *error);
/* The next attempt is made now, if one is waited for. */
void _msgpack_rpc_link_hurry (MsgpackRpcLink *self);
/* What the last attempt has failed of, while more are made; or NULL. */
GError *_msgpack_rpc_link_get_failure (MsgpackRpcLink *self);
/* Bytes to be read before those of the stream. Before it is opened, by the holder of the I/O. */
void _msgpack_rpc_link_set_early_input (MsgpackRpcLink *self,
                                        GBytes         *input);
/* connecting → connected, or ended with @error. */
void _msgpack_rpc_link_opened (MsgpackRpcLink *self,
                               GIOStream      *stream,
                               const GError   *error);
/* disconnected → connected */
void _msgpack_rpc_link_attach (MsgpackRpcLink *self,
                               GIOStream      *stream);

MsgpackRpcConnectionStatus _msgpack_rpc_link_get_status       (MsgpackRpcLink *self);
gboolean                   _msgpack_rpc_link_has_ended        (MsgpackRpcLink *self);
gsize                      _msgpack_rpc_link_get_queued_bytes (MsgpackRpcLink *self);
gboolean                   _msgpack_rpc_link_is_congested     (MsgpackRpcLink *self);
MsgpackRpcStatistics      *_msgpack_rpc_link_get_statistics   (MsgpackRpcLink *self);

/* How messages are packed for it, and how deep their values may be. */
MsgpackRpcPackFlags _msgpack_rpc_link_get_pack_flags (MsgpackRpcLink *self);
/* Queues a message. @call, if any, is told when it is written or not. @is_answer: also taken when
 * the peer has stopped sending. */
gboolean           _msgpack_rpc_link_send     (MsgpackRpcLink    *self,
                                               MsgpackRpcPacked  *packed,
                                               MsgpackRpcCall    *call,
                                               gboolean           is_answer,
                                               GError           **error);
/* A message of ours that goes out before all that waits for the stream; only while it is opened, else
 * FALSE. @call: as above. */
gboolean           _msgpack_rpc_link_send_first (MsgpackRpcLink   *self,
                                                 MsgpackRpcPacked *packed,
                                                 MsgpackRpcCall   *call);
/* Queues a message of a group, to be written later by _write_queued(). If there are @max of that group,
 * or no room, those of it that were not begun are dropped, oldest first, and added to @n_dropped; unless
 * that is NULL. @n_queued: how many there are of the group then. */
gboolean           _msgpack_rpc_link_queue    (MsgpackRpcLink        *self,
                                               MsgpackRpcPacked      *packed,
                                               MsgpackRpcOutputGroup *group,
                                               guint                  max,
                                               guint                 *n_dropped,
                                               guint                 *n_queued,
                                               GError               **error);
void               _msgpack_rpc_link_write_queued (MsgpackRpcLink    *self);
/* @call ends when there are fewer than @max of a group. FALSE if that is so now. */
gboolean           _msgpack_rpc_link_await_room (MsgpackRpcLink        *self,
                                                 MsgpackRpcOutputGroup *group,
                                                 guint                  max,
                                                 MsgpackRpcCall        *call);
gboolean           _msgpack_rpc_link_is_group_empty (MsgpackRpcLink        *self,
                                                     MsgpackRpcOutputGroup *group);
/* The group can go away. With @drop, what was not begun is not sent. What waited for it has ended. */
void               _msgpack_rpc_link_dissolve (MsgpackRpcLink        *self,
                                               MsgpackRpcOutputGroup *group,
                                               gboolean               drop);
/* What a queued message takes beside its bytes, and beside what they leave of the room that each has. */
#define MSGPACK_RPC_LINK_MESSAGE_COST 384

/* Whether @size bytes may be queued when there are @used, the cost of those included. */
gboolean           _msgpack_rpc_link_check_room (MsgpackRpcLink *self,
                                               gsize              used,
                                               gsize              size,
                                               GError           **error);
/* Takes the message of @call out of the queue if nothing of it was written; says how far it got. */
MsgpackRpcDelivery _msgpack_rpc_link_withdraw (MsgpackRpcLink  *self,
                                               MsgpackRpcCall  *call);

/* ---- for an owner of bytes ---- */

/* Whether messages are taken at all. */
gboolean _msgpack_rpc_link_check_open      (MsgpackRpcLink       *self,
                                            GError              **error);
/* Queues a part of a message, also while the link is closing; nothing is written in here, so that the
 * owner may hold its lock. @goes_on: the message has more. FALSE if the link has ended. */
gboolean _msgpack_rpc_link_push_chunk      (MsgpackRpcLink       *self,
                                            GBytes               *chunk,
                                            gboolean              goes_on);
/* Writes what was queued so, now or when the turn of the loop is over. */
void     _msgpack_rpc_link_write_chunks    (MsgpackRpcLink       *self);
/* Begins an orderly close, which ends when there is no more output; with the owner's lock held. What
 * the mode does not allow is taken back: all after the position that is returned, in bytes from the
 * start of the stream. Nothing is taken back if the link has no stream, or has ended: G_MAXUINT64. */
guint64  _msgpack_rpc_link_begin_closing   (MsgpackRpcLink       *self,
                                            MsgpackRpcCloseMode   mode);
/* How many bytes were written; and, when it has ended, were perhaps. */
guint64  _msgpack_rpc_link_get_written     (MsgpackRpcLink       *self,
                                            guint64              *begun);
/* What was posted for its lane may be for a thread that waits to deliver. */
void     _msgpack_rpc_link_wake_serving    (MsgpackRpcLink       *self);

/* Begins to close. Nothing of the application runs in here. */
void _msgpack_rpc_link_close  (MsgpackRpcLink      *self,
                               MsgpackRpcCloseMode  mode,
                               const GError        *error);
/* The peer broke the rules: it is told so, if that is possible at once, and the link ends. */
void _msgpack_rpc_link_fail   (MsgpackRpcLink      *self,
                               const GError        *error);
/* The peer is told so, and the link closes in good order. */
void _msgpack_rpc_link_refuse (MsgpackRpcLink      *self,
                               const GError        *error);

/* Its orderly close shall not end before all that was written has arrived at the peer. A socket
 * that is closed while the peer still sends loses what the system has not passed on yet. */
void _msgpack_rpc_link_wait_for_peer (MsgpackRpcLink *self);
/* The peer takes no more requests. FALSE if they were not taken before. */
gboolean _msgpack_rpc_link_dismiss   (MsgpackRpcLink *self);

/* While there is a reason not to, nothing is read, and messages that have come wait inside of the
 * link. FALSE if that reason was there, or was not, before. */
gboolean _msgpack_rpc_link_set_paused (MsgpackRpcLink  *self,
                                       MsgpackRpcPause  reason,
                                       gboolean         paused);
gboolean _msgpack_rpc_link_is_paused  (MsgpackRpcLink  *self,
                                       MsgpackRpcPause  reason);

/* Whether the peer takes nothing more, so that no request of it can be answered. */
gboolean _msgpack_rpc_link_has_lost_peer (MsgpackRpcLink *self);

/* Whether the peer has not been let in: its messages must be small. */
void _msgpack_rpc_link_set_pending (MsgpackRpcLink *self,
                                    gboolean        pending);

/* Does all the I/O that can be done without blocking, in one turn. If another thread is doing it,
 * waits for that, or has the reactor's context do it afterwards. Returns whether it should have another
 * turn: there was something to read, or is more to write. */
gboolean _msgpack_rpc_link_work (MsgpackRpcLink *self);
/* The same, by the reactor's context. */
void _msgpack_rpc_link_work_later (MsgpackRpcLink *self);
/* The owner's due() is called at @time (monotonic), and no more at the time that was set before; unless
 * the link has ended. */
void     _msgpack_rpc_link_call_at (MsgpackRpcLink *self,
                                    gint64          time);
/* Looks again whether a half-closed link can end. */
void _msgpack_rpc_link_settle (MsgpackRpcLink *self);

/* A thread that waits for something of a link is known to it from before it looks at the link until
 * it waits no more: what changes meanwhile wakes it; if it serves, also what comes in. */
void     _msgpack_rpc_link_add_waiter    (MsgpackRpcLink   *self,
                                          MsgpackRpcWaiter *waiter,
                                          gboolean          serves);
void     _msgpack_rpc_link_remove_waiter (MsgpackRpcLink   *self,
                                          MsgpackRpcWaiter *waiter,
                                          gboolean          serves);
/* Delivers one item of its lane, if this thread is the one to do so, and not too deep in others. */
gboolean _msgpack_rpc_link_serve         (MsgpackRpcLink   *self);
/* Whether no thread that waits serves any more, as it does so within too many others. */
gboolean _msgpack_rpc_link_is_too_deep   (MsgpackRpcLink   *self);
/* Whether this thread holds the I/O, and would wait for itself. */
gboolean _msgpack_rpc_link_is_held       (MsgpackRpcLink   *self);
/* As _work(), by a thread that waits; it is woken when another thread has done it. */
void     _msgpack_rpc_link_work_waiting  (MsgpackRpcLink   *self);
/* What it should poll before it does that again: appends to @fds (of GPollFD) and returns the timeout
 * in milliseconds, −1 for none. */
int      _msgpack_rpc_link_query         (MsgpackRpcLink   *self,
                                          MsgpackRpcWaiter *waiter,
                                          GArray           *fds);

G_END_DECLS
