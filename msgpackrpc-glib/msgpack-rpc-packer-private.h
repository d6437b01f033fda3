/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

#include "msgpack-rpc-enums.h"

G_BEGIN_DECLS

/* No message grows beyond this. */
#define MSGPACK_RPC_LIMIT_PACKED_SIZE ((gsize) G_MAXINT32)

/* As many levels as GVariant allows. */
#define MSGPACK_RPC_PACK_MAX_LEVELS 128
/* A limit beside the flags, for values in messages: how deep arrays and maps may be nested, from 2. */
#define MSGPACK_RPC_PACK_DEPTH(depth) \
  ((MsgpackRpcPackFlags) ((MSGPACK_RPC_PACK_MAX_LEVELS - (depth)) << 16))
/* The same; that of GVariant if there is none. */
#define MSGPACK_RPC_PACK_GET_DEPTH(flags) \
  (MSGPACK_RPC_PACK_MAX_LEVELS - ((guint) (flags) >> 16 & (MSGPACK_RPC_PACK_MAX_LEVELS - 1)))

/* Whether @value keeps to the limit in @flags, as whoever reads it will find. */
gboolean _msgpack_rpc_packer_check_depth (GVariant             *value,
                                          MsgpackRpcPackFlags   flags,
                                          GError              **error);

/* Each appends one MessagePack item to @out. A failure leaves @out as it was.
 *
 * append_value () fails with MSGPACK_RPC_ERROR_INVALID_VALUE, or with MSGPACK_RPC_ERROR_TOO_LARGE
 * when @out would grow beyond the limit, or with MSGPACK_RPC_ERROR_TOO_DEEP; append_str () only with
 * TOO_LARGE. A floating @value is
 * not consumed. */
gboolean _msgpack_rpc_packer_append_value (GByteArray           *out,
                                           GVariant             *value,
                                           MsgpackRpcPackFlags   flags,
                                           GError              **error);
gboolean _msgpack_rpc_packer_append_str   (GByteArray           *out,
                                           const char           *str,
                                           gsize                 length,
                                           MsgpackRpcPackFlags   flags,
                                           GError              **error);

/* The same as append_value (), but large strings and binaries are not copied: @references gets what
 * is to be written instead, and where, in order. It is made when needed. */
gboolean _msgpack_rpc_packer_append_shared (GByteArray           *out,
                                            GArray              **references,
                                            GVariant             *value,
                                            MsgpackRpcPackFlags   flags,
                                            GError              **error);

/* The header of an array: @n items must follow. */
void _msgpack_rpc_packer_append_array (GByteArray *out,
                                       guint32     n);
void _msgpack_rpc_packer_append_uint  (GByteArray *out,
                                       guint64     value);
void _msgpack_rpc_packer_append_int   (GByteArray *out,
                                       gint64      value);
void _msgpack_rpc_packer_append_bool  (GByteArray *out,
                                       gboolean    value);
void _msgpack_rpc_packer_append_nil   (GByteArray *out);

/* The room that a message begins with. */
#define MSGPACK_RPC_PACKED_ROOM 128

/* Takes @out. The bytes may wait to be written: they keep no more memory than they are counted with, or
 * that room. */
GBytes *_msgpack_rpc_packer_free_to_bytes (GByteArray *out);

G_END_DECLS
