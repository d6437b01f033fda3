/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-client.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-target-private.h"

G_BEGIN_DECLS

/* What the files of a client share: msgpack-rpc-client.c has the object, what it sends and what it
 * hears; msgpack-rpc-client-opening.c opens and closes; msgpack-rpc-client-tls.c has whom it trusts;
 * msgpack-rpc-client-settings.c has the properties that its connections have, too. */

struct _MsgpackRpcClient
{
  GObject parent_instance;

  GMainContext *main_context;        /* fixed, owned */
  MsgpackRpcReactor *reactor;        /* fixed, owned */
  MsgpackRpcTarget target;           /* fixed */
  MsgpackRpcSettings *settings;      /* fixed, owned */
  MsgpackRpcLimits *limits;          /* fixed, owned */

  GMutex lock;                       /* guards all below; taken before the connection's */
  MsgpackRpcConnection *connection;  /* owned; the current or last one, or the next one */
  gboolean was_opened;               /* opening of it has begun */
  GSubprocess *subprocess;           /* owned; of argv */
  GError *last_error;
  MsgpackRpcDispatcher *dispatcher;  /* owned */
  gboolean queue_while_connecting;
};

/* How a client hears of its connection. */
extern const MsgpackRpcClientFuncs _msgpack_rpc_client_funcs;

/* Begins to open a stream for @connection, with the link's private context as thread-default. */
void _msgpack_rpc_client_start_attempt    (gpointer              client,
                                           MsgpackRpcConnection *connection,
                                           GCancellable         *cancellable);
/* Makes the connection to open or to use: a new one if the last has ended. The lock is held. */
void _msgpack_rpc_client_renew_connection (MsgpackRpcClient     *self);
void _msgpack_rpc_client_set_last_error   (MsgpackRpcClient     *self,
                                           const GError         *error);

/* That a property has changed, in the main context. */
void _msgpack_rpc_client_notify           (MsgpackRpcClient     *self,
                                           const char           *property);

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_client_get_settings (MsgpackRpcClient *self);
void                _msgpack_rpc_client_set_setting  (MsgpackRpcClient  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
