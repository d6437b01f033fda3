/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-client.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-interests-private.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-reconnect-policy-private.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-target-private.h"

G_BEGIN_DECLS

/* What the files of a client share: msgpack-rpc-client.c has the object,
 * msgpack-rpc-client-signals.c what it hears; msgpack-rpc-client-calls.c shows its calls; msgpack-rpc-client-keepalive.c looks whether the
 * peer is there; msgpack-rpc-client-opening.c opens and closes; msgpack-rpc-client-reconnect.c tries
 * again; msgpack-rpc-client-sending.c sends; msgpack-rpc-client-tls.c has whom it trusts, and
 * msgpack-rpc-client-token.c how both show that they know a token; msgpack-rpc-client-settings.c has
 * the properties that its connections have, too. */

#define MSGPACK_RPC_DEFAULT_STALL_TIMEOUT (10 * 1000)

/* Whether the peer is still there. */
typedef struct
{
  GMutex lock;              /* guards all below; taken after all but the reactor's */
  int tcp_keepalive;        /* boolean */
  int ping_interval;        /* milliseconds; 0: no pings */
  char *ping_method;
  int stall_timeout;        /* milliseconds; G_MAXINT: none */
  int stalled;              /* boolean */
  gboolean told_stalled;
  MsgpackRpcTimer timer;    /* looks at the connection */
  gboolean timer_runs;
  guint64 connection_id;    /* which was looked at last, 0 for none: */
  gsize received;           /* how many bytes had come then */
  gint64 heard_at;          /* when more were seen to have come; monotonic */
  gint64 awaited_since;     /* when a call was first seen to wait; 0: none does */
  MsgpackRpcCall *ping;     /* owned, nullable; not answered yet, as far as known */
} MsgpackRpcKeepalive;

struct _MsgpackRpcClient
{
  GObject parent_instance;

  GMainContext *main_context;        /* fixed, owned */
  MsgpackRpcReactor *reactor;        /* fixed, owned */
  MsgpackRpcTarget target;           /* fixed */
  MsgpackRpcSettings *settings;      /* fixed, owned */
  MsgpackRpcLimits *limits;          /* fixed, owned */

  MsgpackRpcInterests *interests;    /* owned, atomic; NULL unless it has subscribed to something */
  MsgpackRpcKeepalive keepalive;     /* has a lock of its own */

  GMutex lock;                       /* guards all below; taken before the connection's */
  MsgpackRpcConnection *connection;  /* owned; the current or last one, or the next one */
  gboolean was_opened;               /* opening of it has begun */
  gboolean has_lost;                 /* it has ended, or is the first after one that has; and nobody
                                      * has opened the client since */
  gboolean is_wanted;                /* somebody has opened the client, and nobody closed it since */
  gboolean open_again;               /* somebody has opened it since the connection has ended */
  MsgpackRpcReconnectPolicy *policy; /* owned, nullable */
  guint n_attempts;                  /* since the client was opened, or was last connected; only set
                                      * by _msgpack_rpc_client_set_attempt() */
  guint told_attempt;                /* which was notified of */
  gboolean attempt_posted;           /* the main context will look at it */
  guint n_delays;                    /* in a row */
  gint64 last_delay;                 /* microseconds */
  MsgpackRpcTimer open_timer;        /* opens when there may be descriptors again */
  gint64 connected_at;               /* monotonic */
  gboolean watches_network;
  GSubprocess *subprocess;           /* owned; of argv */
  GError *last_error;
  MsgpackRpcDispatcher *dispatcher;  /* owned */
  MsgpackRpcToken *token;            /* owned, nullable */
  gboolean queue_while_connecting;
  MsgpackRpcCallList *call_list;     /* owned, atomic; NULL unless it was asked for */
};

/* How a client hears of its connection. */
extern const MsgpackRpcClientFuncs _msgpack_rpc_client_funcs;
void _msgpack_rpc_client_install_signals  (GType                 type);
/* Whether its connection has one in that status. */
gboolean _msgpack_rpc_client_has_stream   (MsgpackRpcConnectionStatus status);

/* Begins to open a stream for @connection, with the link's private context as thread-default. */
void _msgpack_rpc_client_start_attempt    (gpointer              client,
                                           MsgpackRpcConnection *connection,
                                           GCancellable         *cancellable);
/* An attempt is over: says so to @connection, unless there is to be another one. @self may be NULL, if
 * it is gone; takes @error. */
void _msgpack_rpc_client_end_attempt      (MsgpackRpcClient     *self,
                                           MsgpackRpcConnection *connection,
                                           GIOStream            *stream,
                                           GError               *error);
/* Shows the server that this client knows the token, and the other way round, and then ends
 * the attempt. FALSE if there is no token. In the same context. */
gboolean _msgpack_rpc_client_introduce    (MsgpackRpcClient     *self,
                                           MsgpackRpcConnection *connection,
                                           GIOStream            *stream,
                                           GCancellable         *cancellable);
/* Makes the connection to open or to use: a new one if the last has ended. The lock is held. */
void _msgpack_rpc_client_renew_connection (MsgpackRpcClient     *self);
void _msgpack_rpc_client_set_last_error   (MsgpackRpcClient     *self,
                                           const GError         *error);

/* Subscribes anew to what the client had subscribed to; the connection is about to be open. */
void _msgpack_rpc_client_resubscribe      (MsgpackRpcClient     *self,
                                           MsgpackRpcConnection *connection);
/* Where what it has subscribed to is. */
MsgpackRpcInterests **_msgpack_rpc_client_get_interests (MsgpackRpcClient *self);
/* A call is about to be sent. */
void _msgpack_rpc_client_expect_call      (MsgpackRpcClient     *self);
/* That a property has changed, in the main context. */
void _msgpack_rpc_client_notify           (MsgpackRpcClient     *self,
                                           const char           *property);
void _msgpack_rpc_client_init_peer (MsgpackRpcPeerInterface *iface);

/* Whether its connection has ended, but the client has not heard of it. The lock is held. */
gboolean _msgpack_rpc_client_is_losing (MsgpackRpcClient *self);

void _msgpack_rpc_client_init_keepalive   (MsgpackRpcClient           *self);
/* In dispose. */
void _msgpack_rpc_client_stop_keepalive   (MsgpackRpcClient           *self);
void _msgpack_rpc_client_clear_keepalive  (MsgpackRpcClient           *self);
/* The status has changed. In the main context. */
void _msgpack_rpc_client_keepalive_status (MsgpackRpcClient           *self,
                                           MsgpackRpcConnectionStatus  status);
void _msgpack_rpc_client_set_up_stream    (MsgpackRpcClient           *self,
                                           GIOStream                  *stream);
/* Looks at the connection: now; or in a while, as a call waits for its answer. In any thread. */
void _msgpack_rpc_client_look_soon        (gpointer                    client);
void _msgpack_rpc_client_awaits_reply     (gpointer                    client);

/* What of the calls would go on if the connection ended now. The lock is held for the second. */
MsgpackRpcKeep _msgpack_rpc_client_get_keep          (gpointer              client,
                                                      MsgpackRpcConnection *connection);
MsgpackRpcKeep _msgpack_rpc_client_get_keep_unlocked (MsgpackRpcClient     *self);
/* A connection has ended. Returns its calls that end with it, or NULL. */
GPtrArray     *_msgpack_rpc_client_ended             (gpointer              client,
                                                      MsgpackRpcConnection *connection,
                                                      const GError         *error,
                                                      gboolean              opened);
void           _msgpack_rpc_client_init_reconnect    (MsgpackRpcClient     *self);
/* In dispose. */
void           _msgpack_rpc_client_stop_reconnect    (MsgpackRpcClient     *self);
/* Makes the next attempt now, if one is waited for. */
void           _msgpack_rpc_client_hurry             (MsgpackRpcClient     *self,
                                                      MsgpackRpcConnection *connection);
/* Which attempt it is. The lock is held. */
void           _msgpack_rpc_client_set_attempt       (MsgpackRpcClient     *self,
                                                      guint                 n);
/* The next attempt begins. */
void           _msgpack_rpc_client_begin_attempt     (MsgpackRpcClient     *self);
/* It has succeeded, or failed with an error that names it: FALSE if it was the last one. */
void           _msgpack_rpc_client_attempt_succeeded (MsgpackRpcClient     *self);
gboolean       _msgpack_rpc_client_attempt_failed    (MsgpackRpcClient     *self,
                                                      MsgpackRpcConnection *connection,
                                                      GError              **error);

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_client_get_settings (MsgpackRpcClient *self);
void                _msgpack_rpc_client_set_setting  (MsgpackRpcClient  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
