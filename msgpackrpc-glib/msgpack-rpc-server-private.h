/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-acceptor-private.h"
#include "msgpack-rpc-budget-private.h"
#include "msgpack-rpc-object-list-private.h"
#include "msgpack-rpc-places-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-server.h"
#include "msgpack-rpc-settings-private.h"

G_BEGIN_DECLS

/* What the files of a server share: msgpack-rpc-server.c has the object, and gets the sockets of
 * those who come; msgpack-rpc-server-listening.c has where it listens, msgpack-rpc-server-guests.c
 * who is let in and is there, msgpack-rpc-server-tls.c who shakes hands before, and by what
 * certificates, msgpack-rpc-server-policy.c the properties that say who may, and
 * msgpack-rpc-server-settings.c those that connections have, too. */

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

  GMutex lock;                        /* guards what follows */
  MsgpackRpcDispatcher *dispatcher;   /* owned, nullable */
  gboolean allow_remote;
  MsgpackRpcAcceptPolicy policy;
  GPtrArray *pending;                 /* of MsgpackRpcPendingConnection */
  GTlsCertificate *tls_certificate;   /* owned, nullable */
  GTlsDatabase *tls_database;         /* owned, nullable */
  GTlsAuthenticationMode tls_authentication_mode;
  GPtrArray *handshakes;              /* those that go on; msgpack-rpc-server-tls.c has what they are */
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

/* Closes what has not been let in. */
void _msgpack_rpc_server_drop_pending (MsgpackRpcServer *self);
/* Makes a connection for a socket that was accepted, or turns its peer away. In the main context. */
void _msgpack_rpc_server_let_in (MsgpackRpcServer  *self,
                                 GSocketConnection *socket_connection);

/* Makes a connection on a stream whose peer may be let in, and has its place. */
void     _msgpack_rpc_server_enter                (MsgpackRpcServer *self,
                                                   GIOStream        *io_stream,
                                                   MsgpackRpcPlace  *place);

/* The same once the peer has shaken hands. In the main context. */
void     _msgpack_rpc_server_shake_hands          (MsgpackRpcServer *self,
                                                   GIOStream        *io_stream,
                                                   MsgpackRpcPlace  *place);
void     _msgpack_rpc_server_drop_handshakes      (MsgpackRpcServer *self);
GPtrArray *
         _msgpack_rpc_server_new_handshakes       (void);
/* Whether nobody gets through the handshake without one that is known. */
gboolean _msgpack_rpc_server_demands_certificates (MsgpackRpcServer *self);

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_server_get_settings (MsgpackRpcServer *self);
void                _msgpack_rpc_server_set_setting  (MsgpackRpcServer  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
