/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-piece-private.h"

G_BEGIN_DECLS

/* What the environment variable MSGPACK_RPC_DEBUG asks for. */
typedef enum
{
  MSGPACK_RPC_DEBUG_CALLS = 1 << 0,    /* calls and requests: their beginning and end */
  MSGPACK_RPC_DEBUG_MESSAGES = 1 << 1, /* messages, decoded, with all that is in them */
  MSGPACK_RPC_DEBUG_IO = 1 << 2,       /* what goes through the stream */
  MSGPACK_RPC_DEBUG_STATUS = 1 << 3,   /* what becomes of connections */
} MsgpackRpcDebugFlags;

/* Fixed from before the first connection on. */
extern guint _msgpack_rpc_debug_flags;

void _msgpack_rpc_debug_init (void);

/* Each line starts with the ids: of the connection, and of the call or request if @msgid is one. */
void _msgpack_rpc_debug_print (guint64     connection_id,
                               gint64      msgid,
                               const char *format,
                               ...) G_GNUC_PRINTF (3, 4);
/* What happens seldom is also a debug message of the log when it is not asked for. */
void _msgpack_rpc_debug_event (MsgpackRpcDebugFlags  flag,
                               guint64               connection_id,
                               const char           *format,
                               ...) G_GNUC_PRINTF (3, 4);
/* What went wrong on this end, for information. @connection_id: 0 if there is none; @msgid: nullable. */
void _msgpack_rpc_debug_info (guint64                connection_id,
                              const MsgpackRpcPiece *msgid,
                              const char            *format,
                              ...) G_GNUC_PRINTF (3, 4);
/* A peer's ids may be anything, or none. */
gint64 _msgpack_rpc_debug_get_msgid (const MsgpackRpcPiece *msgid);
/* The name of the current thread, put in @name. */
const char *_msgpack_rpc_debug_get_thread (char name[static 16]);
/* A message as text, cut short. */
char *_msgpack_rpc_debug_show (GVariant *message);

#define MSGPACK_RPC_DEBUG_NO_MSGID G_GINT64_CONSTANT (-1)

/* All that debugging costs while it is off: arguments are not looked at. */
#define MSGPACK_RPC_DEBUG_IS_ON(FLAG) \
  G_UNLIKELY ((_msgpack_rpc_debug_flags & MSGPACK_RPC_DEBUG_##FLAG) != 0)
#define MSGPACK_RPC_DEBUG(FLAG, ...)          \
  G_STMT_START                                \
    {                                         \
      if (MSGPACK_RPC_DEBUG_IS_ON (FLAG))     \
        _msgpack_rpc_debug_print (__VA_ARGS__); \
    }                                         \
  G_STMT_END

G_END_DECLS
