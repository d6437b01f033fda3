/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MSGPACK_RPC_N_NEAREST 3

/* Which of many names are nearest to one that a peer has asked for. What it costs is bounded: names
 * are short, few edits apart, and not too many are looked at. */
typedef struct
{
  const char *wanted; /* by whoever asks */
  gsize length;
  guint limit;        /* of the distance */
  guint n_considered;
  char *names[MSGPACK_RPC_N_NEAREST]; /* owned; the nearest first, and of two the first */
  guint distances[MSGPACK_RPC_N_NEAREST];
  guint n;
} MsgpackRpcNearest;

/* FALSE: @wanted is too long, and nothing is near. It has to stay until the end. */
gboolean _msgpack_rpc_nearest_init     (MsgpackRpcNearest *self,
                                        const char        *wanted);
/* FALSE: enough. A name that is exactly what is wanted is passed over. */
gboolean _msgpack_rpc_nearest_consider (MsgpackRpcNearest *self,
                                        const char        *name);
/* What to say of them behind “There is no method …”; NULL: nothing. */
char    *_msgpack_rpc_nearest_end      (MsgpackRpcNearest *self);
void     _msgpack_rpc_nearest_clear    (MsgpackRpcNearest *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MsgpackRpcNearest, _msgpack_rpc_nearest_clear)

G_END_DECLS
