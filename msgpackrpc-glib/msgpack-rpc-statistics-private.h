/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a connection and its link count, in any thread. */
typedef enum
{
  MSGPACK_RPC_STATISTIC_RECEIVED_BYTES,
  MSGPACK_RPC_STATISTIC_RECEIVED_MESSAGES,
  MSGPACK_RPC_STATISTIC_INVALID_MESSAGES,
  MSGPACK_RPC_STATISTIC_SENT_BYTES,
  MSGPACK_RPC_STATISTIC_SENT_MESSAGES,
  MSGPACK_RPC_STATISTIC_QUEUED_BYTES_PEAK,
  MSGPACK_RPC_STATISTIC_CALLS,
  MSGPACK_RPC_STATISTIC_ERROR_REPLIES,
  MSGPACK_RPC_STATISTIC_LATE_REPLIES,
  MSGPACK_RPC_STATISTIC_UNKNOWN_REPLIES,
  MSGPACK_RPC_STATISTIC_REQUESTS,
  MSGPACK_RPC_STATISTIC_ERROR_ANSWERS,
  MSGPACK_RPC_STATISTIC_BUSY_ANSWERS,
  MSGPACK_RPC_STATISTIC_LATE_ANSWERS,
  MSGPACK_RPC_STATISTIC_IGNORED_EXTENSIONS,
  MSGPACK_RPC_STATISTIC_TOLERATED_MESSAGES,
  MSGPACK_RPC_STATISTIC_DUPLICATE_REQUESTS,
  MSGPACK_RPC_STATISTIC_PEER_ERRORS,
  MSGPACK_RPC_STATISTIC_UNHANDLED_NOTIFICATIONS,
  MSGPACK_RPC_N_STATISTICS
} MsgpackRpcStatistic;

typedef struct
{
  gsize values[MSGPACK_RPC_N_STATISTICS]; /* atomic */
} MsgpackRpcStatistics;

static inline void
_msgpack_rpc_statistics_add (MsgpackRpcStatistics *self,
                             MsgpackRpcStatistic   statistic,
                             gsize                 n)
{
  g_atomic_pointer_add (&self->values[statistic], (gssize) n);
}

static inline gsize
_msgpack_rpc_statistics_get (MsgpackRpcStatistics *self,
                             MsgpackRpcStatistic   statistic)
{
  return (gsize) g_atomic_pointer_get (&self->values[statistic]);
}

G_END_DECLS
