/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-limits.h"

G_BEGIN_DECLS

typedef enum
{
  MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT,
  MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT,
  MSGPACK_RPC_LIMIT_HIGH_WATER_MARK,
  MSGPACK_RPC_LIMIT_IDLE_TIMEOUT,
  MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE,
  MSGPACK_RPC_LIMIT_MAX_DEPTH,
  MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE,
  MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS,
  MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE,
  MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES,
  MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT,
  MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS,
  MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES,
  MSGPACK_RPC_LIMIT_WRITE_TIMEOUT,
  MSGPACK_RPC_N_LIMITS
} MsgpackRpcLimit;

/* Known here since each message looks at some of them. */
struct _MsgpackRpcLimits
{
  GObject parent_instance;

  guint values[MSGPACK_RPC_N_LIMITS]; /* atomic */
};

/* From any thread. */
static inline guint
_msgpack_rpc_limits_get (MsgpackRpcLimits *self,
                         MsgpackRpcLimit   limit)
{
  return (guint) g_atomic_int_get (&self->values[limit]);
}

/* The time when a timeout that begins now is over, as of g_get_monotonic_time(); G_MAXINT64 for
 * never. */
gint64            _msgpack_rpc_limits_get_deadline (MsgpackRpcLimits *self,
                                                    MsgpackRpcLimit   timeout);
MsgpackRpcLimits *_msgpack_rpc_limits_copy         (MsgpackRpcLimits *self);

G_END_DECLS
