/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One reactor serves one GMainContext: a GSource that polls the file descriptors of all links there,
 * fires their deadlines, and delivers what was posted to the context, in order.
 *
 * What is read and posted belongs to a lane: a connection's, or a client's. A lane that has used up
 * its turn is saturated: it goes to a second GSource, below GTK's drawing, where it has a turn when
 * nothing else is to do, until a turn ends with nothing left to read and to deliver. The order within
 * a lane is kept.
 *
 * All functions may be called from any thread. Callbacks run in the context's dispatch, with no
 * lock held. A reactor lives as long as somebody holds a reference, or something is posted. */
typedef struct _MsgpackRpcReactor MsgpackRpcReactor;
typedef struct _MsgpackRpcTimer   MsgpackRpcTimer;
typedef struct _MsgpackRpcPort    MsgpackRpcPort;

typedef void (*MsgpackRpcPostFunc)  (gpointer owner,
                                     gpointer data);
typedef void (*MsgpackRpcTimerFunc) (gpointer owner);
/* Returns whether there may be more to do. @condition is 0 when it is called without having polled. */
typedef gboolean (*MsgpackRpcPortFunc) (gpointer     owner,
                                        GIOCondition condition);

/* How long a turn may take, in microseconds, but for one message that takes longer. */
#define MSGPACK_RPC_REACTOR_BUDGET 1000

/* A deadline, embedded in its owner. Guarded by the reactor's lock. */
struct _MsgpackRpcTimer
{
  MsgpackRpcTimerFunc func;
  GObject *owner;      /* unless weak, a reference is held while the timer runs */
  gboolean weak;       /* the owner's dispose stops it */
  gint64 time;         /* g_get_monotonic_time () */
  guint position;      /* in the heap, from 1; 0 while the timer does not run */
};

/* Something that is posted. */
typedef struct _MsgpackRpcItem MsgpackRpcItem;

struct _MsgpackRpcItem
{
  MsgpackRpcItem *next;
  gconstpointer lane;
  gpointer owner;
  MsgpackRpcPostFunc func;
  gpointer data;
  GDestroyNotify destroy; /* frees what an embedded item is in, unless the owner does */
  gboolean keep_owner;
  gboolean is_embedded;
};

MsgpackRpcReactor *_msgpack_rpc_reactor_get         (GMainContext      *context);
MsgpackRpcReactor *_msgpack_rpc_reactor_ref         (MsgpackRpcReactor *self);
void               _msgpack_rpc_reactor_unref       (MsgpackRpcReactor *self);
GMainContext      *_msgpack_rpc_reactor_get_context (MsgpackRpcReactor *self);

/* Delivers func (owner, data) in a later dispatch, after all that was posted before for the same
 * lane; never inside of this call. A lane is an address that stands for it; NULL is for what is never
 * too much. With keep_owner the item holds a reference on @owner; without, it is dropped when
 * _msgpack_rpc_reactor_forget() is called, which the owner's dispose must do. */
void _msgpack_rpc_reactor_post   (MsgpackRpcReactor  *self,
                                  gconstpointer       lane,
                                  gpointer            owner,
                                  gboolean            keep_owner,
                                  MsgpackRpcPostFunc  func,
                                  gpointer            data,
                                  GDestroyNotify      destroy);
/* The same with an item that is embedded in something that lives until it is delivered. */
void _msgpack_rpc_reactor_post_item (MsgpackRpcReactor *self,
                                     MsgpackRpcItem    *item);
void _msgpack_rpc_reactor_forget (MsgpackRpcReactor  *self,
                                  gpointer            owner);
/* Delivers the next of a lane's items now, if this thread owns the context, or would run it and nobody
 * else does. FALSE if not, or if there is none. */
gboolean _msgpack_rpc_reactor_serve (MsgpackRpcReactor *self,
                                     gconstpointer      lane);
/* How many items the context's thread is delivering in this way, each within the one before. Any thread. */
guint    _msgpack_rpc_reactor_get_depth (MsgpackRpcReactor *self);
/* The same for the next of any lane that @lanes is a set of. */
gboolean _msgpack_rpc_reactor_serve_lanes (MsgpackRpcReactor *self,
                                           GHashTable        *lanes);

/* Notifies of a property in the context: at once if this thread owns it, else posted. @self may be
 * NULL while the object is being constructed. */
void _msgpack_rpc_reactor_notify (MsgpackRpcReactor *self,
                                  GObject           *object,
                                  GParamSpec        *pspec);

void _msgpack_rpc_reactor_start_timer (MsgpackRpcReactor *self,
                                       MsgpackRpcTimer   *timer,
                                       gint64             time);
void _msgpack_rpc_reactor_stop_timer  (MsgpackRpcReactor *self,
                                       MsgpackRpcTimer   *timer);

/* Watches a file descriptor for an owner, which is kept alive until the port is removed. */
MsgpackRpcPort *_msgpack_rpc_reactor_add_port     (MsgpackRpcReactor  *self,
                                                   gconstpointer       lane,
                                                   int                 fd,
                                                   GIOCondition        condition,
                                                   MsgpackRpcPortFunc  func,
                                                   GObject            *owner);
/* The same for what a source in the context watches, which has to be removed before it is destroyed;
 * @func is only called while the lane is saturated. */
MsgpackRpcPort *_msgpack_rpc_reactor_add_source   (MsgpackRpcReactor  *self,
                                                   gconstpointer       lane,
                                                   GSource            *source,
                                                   MsgpackRpcPortFunc  func,
                                                   GObject            *owner);
/* What such a source has taken of the turn, in microseconds. In the context only. */
void            _msgpack_rpc_reactor_charge       (MsgpackRpcReactor  *self,
                                                   gconstpointer       lane,
                                                   gint64              time);
void            _msgpack_rpc_reactor_modify_port  (MsgpackRpcReactor  *self,
                                                   MsgpackRpcPort     *port,
                                                   GIOCondition        condition);
void            _msgpack_rpc_reactor_remove_port  (MsgpackRpcReactor  *self,
                                                   MsgpackRpcPort     *port);

/* Calls @func (owner) once before the context polls next, or at the end of the present dispatch:
 * for output that waits to be written in one go. */
void     _msgpack_rpc_reactor_cork           (MsgpackRpcReactor   *self,
                                              MsgpackRpcTimerFunc  func,
                                              GObject             *owner);
void     _msgpack_rpc_reactor_uncork         (MsgpackRpcReactor   *self,
                                              GObject             *owner);
/* The same, now: before this thread blocks. */
void     _msgpack_rpc_reactor_flush_corks    (void);
/* Makes the context look again at what it polls, and for how long. */
void     _msgpack_rpc_reactor_wake           (MsgpackRpcReactor   *self);
/* Whether this thread is inside of its dispatch. */
gboolean _msgpack_rpc_reactor_is_dispatching (MsgpackRpcReactor   *self);
/* Whether the context's next turn is this thread's own: it ran the last one, or would run the first. */
gboolean _msgpack_rpc_reactor_is_home        (MsgpackRpcReactor   *self);

G_END_DECLS
