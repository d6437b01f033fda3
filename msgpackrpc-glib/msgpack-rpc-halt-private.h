/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/* What a coder waits by: it pauses in its channel's context, and any thread resumes it, perhaps before
 * that. Locked. */
typedef struct
{
  GMutex lock;
  gboolean is_on;
  gboolean was_resumed; /* before it was paused */
  GWeakRef channel;     /* to be told */
} MsgpackRpcHalt;

void     _msgpack_rpc_halt_init        (MsgpackRpcHalt    *self);
void     _msgpack_rpc_halt_clear       (MsgpackRpcHalt    *self);
void     _msgpack_rpc_halt_set_channel (MsgpackRpcHalt    *self,
                                        MsgpackRpcChannel *channel);
void     _msgpack_rpc_halt_pause       (MsgpackRpcHalt    *self);
void     _msgpack_rpc_halt_resume      (MsgpackRpcHalt    *self);
gboolean _msgpack_rpc_halt_is_on       (MsgpackRpcHalt    *self);

G_END_DECLS
