/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <gio/gio.h>

#include "msgpack-rpc-enums.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

typedef struct _MsgpackRpcCall       MsgpackRpcCall;
typedef struct _MsgpackRpcChannel    MsgpackRpcChannel;
typedef struct _MsgpackRpcClient     MsgpackRpcClient;
typedef struct _MsgpackRpcCodec      MsgpackRpcCodec;
typedef struct _MsgpackRpcConnection MsgpackRpcConnection;
typedef struct _MsgpackRpcConnector  MsgpackRpcConnector;
typedef struct _MsgpackRpcDispatcher MsgpackRpcDispatcher;
typedef struct _MsgpackRpcEvent      MsgpackRpcEvent;
typedef struct _MsgpackRpcEventQueue MsgpackRpcEventQueue;
typedef struct _MsgpackRpcFilterPeer MsgpackRpcFilterPeer;
typedef struct _MsgpackRpcInvocation MsgpackRpcInvocation;
typedef struct _MsgpackRpcLimits     MsgpackRpcLimits;
typedef struct _MsgpackRpcLoopThread MsgpackRpcLoopThread;
typedef struct _MsgpackRpcMethod     MsgpackRpcMethod;
typedef struct _MsgpackRpcPeer       MsgpackRpcPeer;
typedef struct _MsgpackRpcPendingConnection MsgpackRpcPendingConnection;
typedef struct _MsgpackRpcReconnectPolicy MsgpackRpcReconnectPolicy;
typedef struct _MsgpackRpcServer     MsgpackRpcServer;
typedef struct _MsgpackRpcToken      MsgpackRpcToken;
typedef struct _MsgpackRpcTopic      MsgpackRpcTopic;
typedef struct _MsgpackRpcWatch      MsgpackRpcWatch;

G_END_DECLS
