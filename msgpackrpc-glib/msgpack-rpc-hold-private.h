/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-mailbox-private.h"

G_BEGIN_DECLS

/* Keeps back what would be posted, in order. All functions may be called from any thread, and with a
 * link's lock held. */
typedef struct
{
  int is_on;     /* atomic */
  GMutex lock;   /* guards what follows; only the reactor's is taken while it is held */
  MsgpackRpcMailbox items;
} MsgpackRpcHold;

/* It is not on. */
void     _msgpack_rpc_hold_init    (MsgpackRpcHold *self);
/* Drops what it has. */
void     _msgpack_rpc_hold_clear   (MsgpackRpcHold *self);

void     _msgpack_rpc_hold_start   (MsgpackRpcHold *self);
gboolean _msgpack_rpc_hold_is_on   (MsgpackRpcHold *self);
/* FALSE if it is not on: then the item is to be posted. */
gboolean _msgpack_rpc_hold_take    (MsgpackRpcHold    *self,
                                    MsgpackRpcItem    *item);
/* Posts all that it has, and what comes later is not held. */
void     _msgpack_rpc_hold_release (MsgpackRpcHold    *self,
                                    MsgpackRpcReactor *reactor);

G_END_DECLS
