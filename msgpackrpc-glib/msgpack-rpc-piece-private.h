/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-serial-private.h"

G_BEGIN_DECLS

/* A value that was decoded, in serialised form, within a larger one that somebody else holds: what
 * is read this way costs no GVariant. Its type, one of the mapping's, need not end with NUL. None at
 * all if the type is NULL. */
typedef struct
{
  const char *type;
  gsize type_length;
  const guint8 *data; /* aligned to 8 bytes */
  gsize size;
} MsgpackRpcPiece;

/* The longest type that a value in a variant is decoded to. */
#define MSGPACK_RPC_PIECE_MAX_TYPE_LENGTH 5

static inline gboolean
_msgpack_rpc_piece_is (const MsgpackRpcPiece *self,
                       const char            *type,
                       gsize                  length)
{
  return self->type_length == length && memcmp (self->type, type, length) == 0;
}

/* Takes what is in a variant. */
static inline gboolean
_msgpack_rpc_piece_open (MsgpackRpcPiece *self,
                         const guint8    *data,
                         gsize            size)
{
  gsize limit = MIN (size, MSGPACK_RPC_PIECE_MAX_TYPE_LENGTH + 1);

  for (gsize length = 1; length < limit; length++)
    {
      if (data[size - length - 1] == '\0')
        {
          self->type = (const char *) data + size - length;
          self->type_length = length;
          self->data = data;
          self->size = size - length - 1;
          return TRUE;
        }
    }

  return FALSE;
}

/* @value was decoded, and must outlive the piece; it may be NULL. */
MsgpackRpcPiece _msgpack_rpc_piece_of_value (GVariant *value);
/* @bytes are an array that was decoded, and must outlive the piece. */
MsgpackRpcPiece _msgpack_rpc_piece_of_array (GBytes *bytes);
/* @number must outlive the piece. */
MsgpackRpcPiece _msgpack_rpc_piece_of_int   (const gint64 *number);

/* Returns a full reference; it shares the memory of @owner, which the piece is in. NULL for none. */
GVariant *_msgpack_rpc_piece_to_value (const MsgpackRpcPiece *self,
                                       GBytes                *owner);
/* The same, with memory of its own. */
GVariant *_msgpack_rpc_piece_copy     (const MsgpackRpcPiece *self);

gboolean _msgpack_rpc_piece_is_nil   (const MsgpackRpcPiece *self);
gboolean _msgpack_rpc_piece_is_array (const MsgpackRpcPiece *self);
gboolean _msgpack_rpc_piece_is_map   (const MsgpackRpcPiece *self);
/* Whether it is an integer within 64 bits with a sign; gives it. */
gboolean _msgpack_rpc_piece_get_int  (const MsgpackRpcPiece *self,
                                      gint64                *out);
/* Whether both are the same integer, or the same value of the same type. Either may be none. */
gboolean _msgpack_rpc_piece_is_same_id (const MsgpackRpcPiece *a,
                                        const MsgpackRpcPiece *b);
/* The text if it is a str that is one, or NULL. */
const char *_msgpack_rpc_piece_get_text (const MsgpackRpcPiece *self);

G_END_DECLS
