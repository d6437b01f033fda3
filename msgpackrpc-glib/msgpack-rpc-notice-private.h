/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_N_PACK_FLAGS 4

/* A notification for several connections, packed once for all that have the same flags. In use by one
 * thread. */
typedef struct
{
  const char *method;
  GVariant *params;
  MsgpackRpcPacked *packed[MSGPACK_RPC_N_PACK_FLAGS]; /* by flags; owned, NULL if not needed yet */
} MsgpackRpcNotice;

/* Neither reference is taken. */
#define MSGPACK_RPC_NOTICE_INIT(method, params) { (method), (params), { NULL } }

/* NULL with MSGPACK_RPC_ERROR_INVALID_VALUE; else still the notice's. */
MsgpackRpcPacked *_msgpack_rpc_notice_pack  (MsgpackRpcNotice     *self,
                                             MsgpackRpcPackFlags   flags,
                                             GError              **error);
void              _msgpack_rpc_notice_clear (MsgpackRpcNotice     *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MsgpackRpcNotice, _msgpack_rpc_notice_clear)

G_END_DECLS
