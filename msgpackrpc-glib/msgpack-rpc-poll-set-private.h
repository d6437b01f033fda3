/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* Where saturated lanes have their turns: below GTK's drawing, which is at 120. */
#define MSGPACK_RPC_SATURATED_PRIORITY 130

struct _MsgpackRpcPort
{
  gconstpointer lane;
  int fd;                 /* −1: of a source */
  GSource *source;        /* owned, nullable */
  GIOCondition condition;
  gboolean polled;        /* by GLib itself, not in the epoll descriptor */
  GPollFD poll_fd;        /* what it is polled with */
  gboolean suspended;     /* its lane is saturated */
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
};

/* The ports of a reactor, and how they are polled: one by one, or, when there are many, by an epoll
 * descriptor; unheeded while they are suspended. Guarded by the reactor's lock. */
typedef struct
{
  GSource *source;        /* not owned: the reactor's, whose descriptors they are */
  GPtrArray *ports;       /* of MsgpackRpcPort, owned; by lane, which may be one of very many */
  guint n_polled;         /* how many of them GLib polls one by one */
  int epoll_fd;           /* −1 while there are few ports */
  gpointer epoll_tag;
  gboolean is_stale;      /* it may know of ports that are gone */
} MsgpackRpcPollSet;

/* How many ready descriptors one dispatch serves. */
#define MSGPACK_RPC_READY_MAX 64

/* A port that is to be called, which may be removed meanwhile. */
typedef struct
{
  gconstpointer lane;
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
  GIOCondition condition;
} MsgpackRpcReady;

typedef struct
{
  MsgpackRpcReady entries[MSGPACK_RPC_READY_MAX];
  guint n;
} MsgpackRpcReadyList;

void            _msgpack_rpc_poll_set_init         (MsgpackRpcPollSet *self,
                                                    GSource           *source);
void            _msgpack_rpc_poll_set_clear        (MsgpackRpcPollSet *self);
/* Takes the reference that @port has on its source, none on its owner. */
MsgpackRpcPort *_msgpack_rpc_poll_set_add          (MsgpackRpcPollSet *self,
                                                    MsgpackRpcPort     port);
void            _msgpack_rpc_poll_set_modify       (MsgpackRpcPollSet *self,
                                                    MsgpackRpcPort    *port,
                                                    GIOCondition       condition);
/* Frees @port, but keeps what it holds. */
void            _msgpack_rpc_poll_set_remove       (MsgpackRpcPollSet *self,
                                                    MsgpackRpcPort    *port);
/* All ports of a lane. */
void            _msgpack_rpc_poll_set_suspend      (MsgpackRpcPollSet *self,
                                                    gconstpointer      lane,
                                                    gboolean           suspended);
/* What GLib has just polled. */
gboolean        _msgpack_rpc_poll_set_is_ready     (MsgpackRpcPollSet *self);
/* The same, as a list; whoever calls lets go of their owners. */
void            _msgpack_rpc_poll_set_take_ready   (MsgpackRpcPollSet   *self,
                                                    MsgpackRpcReadyList *ready);
/* Likewise those of a lane that are suspended. */
void            _msgpack_rpc_poll_set_take_suspended (MsgpackRpcPollSet   *self,
                                                      gconstpointer        lane,
                                                      MsgpackRpcReadyList *ready);

G_END_DECLS
