/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-acceptor-private.h"
#include "msgpack-rpc-budget-private.h"
#include "msgpack-rpc-drain-private.h"
#include "msgpack-rpc-object-list-private.h"
#include "msgpack-rpc-places-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-server.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-token-private.h"

G_BEGIN_DECLS

/* What the files of a server share: msgpack-rpc-server.c has the object, and gets the sockets of
 * those who come; msgpack-rpc-server-listening.c has where it listens, msgpack-rpc-server-guests.c
 * who is let in and is there, msgpack-rpc-server-tls.c who shakes hands before, and by what
 * certificates, msgpack-rpc-server-policy.c the properties that say who may,
 * msgpack-rpc-server-settings.c those that connections have, too, and msgpack-rpc-server-drain.c how
 * all are seen off. */

#define MSGPACK_RPC_DEFAULT_POLICY                                                  \
  (MSGPACK_RPC_ACCEPT_POLICY_SAME_USER | MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK |       \
   MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT | MSGPACK_RPC_ACCEPT_POLICY_TOKEN)

/* Takes a stream whose peer may come in, and its place, in place of the server. In the main context. */
typedef void (*MsgpackRpcReceiveFunc) (gpointer         owner,
                                       GIOStream       *stream,
                                       MsgpackRpcPlace *place);

typedef struct
{
  GMainContext *main_context;         /* fixed, owned */
  MsgpackRpcReactor *reactor;         /* fixed, owned */
  MsgpackRpcObjectList *connections;  /* fixed; of MsgpackRpcConnection */
  MsgpackRpcAcceptor *acceptor;       /* fixed */
  MsgpackRpcSettings *settings;       /* fixed, owned */
  MsgpackRpcLimits *limits;           /* fixed, owned */
  MsgpackRpcBudget *budget;           /* fixed, owned */
  MsgpackRpcPlaces *places;           /* fixed, owned; one for each connection, or one to be */
  gboolean is_ready;                  /* sockets may be added */
  MsgpackRpcReceiveFunc receive;      /* fixed before it listens; NULL: it makes connections itself */
  GWeakRef receiver;                  /* likewise; who receives */

  GMutex lock;                        /* guards what follows */
  MsgpackRpcDispatcher *dispatcher;   /* owned, nullable */
  gboolean allow_remote;
  gboolean has_policy;                /* it was set */
  MsgpackRpcAcceptPolicy policy;
  MsgpackRpcToken *token;             /* owned, nullable */
  guint max_handshakes;
  GPtrArray *pending;                 /* of MsgpackRpcPendingConnection */
  GTlsCertificate *tls_certificate;   /* owned, nullable */
  GTlsDatabase *tls_database;         /* owned, nullable */
  GTlsAuthenticationMode tls_authentication_mode;
  GPtrArray *handshakes;              /* those that go on; msgpack-rpc-server-tls.c has what they are */
  GQueue unproven;                    /* likewise; those that must show the token, oldest first */
  guint unix_mode;
  guint n_guests;                     /* connections that have not ended, or are about to be */
  MsgpackRpcDrain *drain;             /* owned; NULL while it is not drained */
  GPtrArray *drain_tasks;             /* of GTask, which wait for its end */
  gint64 drain_deadline;              /* monotonic */
  MsgpackRpcTimer drain_timer;        /* the same */
  GCond drained;                      /* threads wait for its end */
} MsgpackRpcServerPrivate;

enum
{
  SIGNAL_AUTHORIZE,
  SIGNAL_CLIENT_CONNECTED,
  SIGNAL_CLIENT_DISCONNECTED,
  N_SIGNALS
};

extern guint _msgpack_rpc_server_signals[N_SIGNALS];

MsgpackRpcServerPrivate *_msgpack_rpc_server_get_private (MsgpackRpcServer *self);

/* Notifies of a property in the main context. */
void _msgpack_rpc_server_notify (MsgpackRpcServer *self,
                                 const char       *property);

/* What holds, whether it was set or not. The lock is held. */
MsgpackRpcAcceptPolicy _msgpack_rpc_server_get_policy_locked (MsgpackRpcServerPrivate *priv);
/* For the one that goes for another. */
GError          *_msgpack_rpc_server_new_handshakes_error (MsgpackRpcServer *self);

/* Lets in now those who are about to be, in the thread that runs the main context. */
void _msgpack_rpc_server_serve_arrivals (MsgpackRpcServer *self);
/* Somebody else takes the streams of those who may come in. Before it listens. */
void _msgpack_rpc_server_set_receiver (MsgpackRpcServer      *self,
                                       GObject               *receiver,
                                       MsgpackRpcReceiveFunc  receive);
/* Closes what has not been let in. */
void _msgpack_rpc_server_drop_pending (MsgpackRpcServer *self);
/* Makes a connection for a socket that was accepted, or turns its peer away. In the main context. */
void _msgpack_rpc_server_let_in (MsgpackRpcServer  *self,
                                 GSocketConnection *socket_connection);

/* The same for a stream whose peer has shown all that it can before there is a connection. Likewise. */
void     _msgpack_rpc_server_enter                (MsgpackRpcServer *self,
                                                   GIOStream        *stream);

/* The same once the peer has shaken hands. Likewise. */
void     _msgpack_rpc_server_shake_hands          (MsgpackRpcServer *self,
                                                   GIOStream        *stream);
void     _msgpack_rpc_server_drop_handshakes      (MsgpackRpcServer *self);
/* Ends those whose peers have said nothing, or all. */
void     _msgpack_rpc_server_dismiss_handshakes   (MsgpackRpcServer *self,
                                                   gboolean          all);
GPtrArray *
         _msgpack_rpc_server_new_handshakes       (void);

/* Whether it may listen, and does on these. Returns their addresses. */
gboolean  _msgpack_rpc_server_check_listening     (MsgpackRpcServer  *self,
                                                   GError           **error);
char    **_msgpack_rpc_server_add_listeners       (MsgpackRpcServer  *self,
                                                   GPtrArray         *listeners,
                                                   GError           **error);

/* Begins to drain, or hurries. @task: returns what was not sent, or NULL. */
void     _msgpack_rpc_server_start_drain     (MsgpackRpcServer     *self,
                                              MsgpackRpcCloseMode   mode,
                                              int                   timeout,
                                              GTask                *task);
/* FALSE if @task does not wait for it, or not any more. */
gboolean _msgpack_rpc_server_leave_drain     (MsgpackRpcServer     *self,
                                              GTask                *task);
/* Nothing is watched any more for @task, if that waits for a signal, too. FALSE if it has its result. */
gboolean _msgpack_rpc_server_end_watch       (GTask                *task);
/* Whether somebody may come in: not while it is drained. */
gboolean _msgpack_rpc_server_is_open         (MsgpackRpcServer     *self,
                                              GError              **error);
/* There is another connection; one has ended, and all know it; a handshake has ended. */
void     _msgpack_rpc_server_add_guest       (MsgpackRpcServer     *self);
void     _msgpack_rpc_server_remove_guest    (MsgpackRpcServer     *self);
void     _msgpack_rpc_server_check_drained   (MsgpackRpcServer     *self);
/* If it has begun meanwhile. */
void     _msgpack_rpc_server_drain_guest     (MsgpackRpcServer     *self,
                                              MsgpackRpcConnection *connection);
/* Its time is over. */
void     _msgpack_rpc_server_drain_timed_out (gpointer              owner);
/* Whoever is left will not be waited for. */
void     _msgpack_rpc_server_abandon_drain   (MsgpackRpcServer     *self);

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_server_get_settings (MsgpackRpcServer *self);
void                _msgpack_rpc_server_set_setting  (MsgpackRpcServer  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
