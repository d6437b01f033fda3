/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-piece-private.h"

MsgpackRpcPiece
_msgpack_rpc_piece_of_value (GVariant *value)
{
  MsgpackRpcPiece piece = { NULL };

  if (value != NULL)
    {
      piece.type = g_variant_get_type_string (value);
      piece.type_length = strlen (piece.type);
      piece.data = g_variant_get_data (value);
      piece.size = g_variant_get_size (value);
    }

  return piece;
}

MsgpackRpcPiece
_msgpack_rpc_piece_of_array (GBytes *bytes)
{
  MsgpackRpcPiece piece = { "av", 2 };

  piece.data = g_bytes_get_data (bytes, &piece.size);
  return piece;
}

MsgpackRpcPiece
_msgpack_rpc_piece_of_int (const gint64 *number)
{
  return (MsgpackRpcPiece) { "x", 1, (const guint8 *) number, sizeof *number };
}

static const GVariantType *
get_type (const MsgpackRpcPiece *self)
{
  return (const GVariantType *) self->type;
}

GVariant *
_msgpack_rpc_piece_to_value (const MsgpackRpcPiece *self,
                             GBytes                *owner)
{
  if (self->type == NULL)
    return NULL;

  return g_variant_take_ref (g_variant_new_from_data (get_type (self), self->data, self->size, TRUE,
                                                      (GDestroyNotify) g_bytes_unref,
                                                      g_bytes_ref (owner)));
}

GVariant *
_msgpack_rpc_piece_copy (const MsgpackRpcPiece *self)
{
  g_autoptr(GBytes) bytes = NULL;

  if (self->type == NULL)
    return NULL;

  bytes = g_bytes_new (self->data, self->size);
  return g_variant_ref_sink (g_variant_new_from_bytes (get_type (self), bytes, TRUE));
}

gboolean
_msgpack_rpc_piece_is_nil (const MsgpackRpcPiece *self)
{
  return self->type == NULL || *self->type == 'm';
}

gboolean
_msgpack_rpc_piece_is_array (const MsgpackRpcPiece *self)
{
  return _msgpack_rpc_piece_is (self, "av", 2);
}

gboolean
_msgpack_rpc_piece_is_map (const MsgpackRpcPiece *self)
{
  return self->type_length == 5 && *self->type == 'a';
}

gboolean
_msgpack_rpc_piece_get_int (const MsgpackRpcPiece *self,
                            gint64                *out)
{
  if (!_msgpack_rpc_piece_is (self, "x", 1))
    return FALSE;

  memcpy (out, self->data, sizeof *out);
  return TRUE;
}

const char *
_msgpack_rpc_piece_get_text (const MsgpackRpcPiece *self)
{
  return _msgpack_rpc_piece_is (self, "s", 1) ? (const char *) self->data : NULL;
}

gboolean
_msgpack_rpc_piece_is_same_id (const MsgpackRpcPiece *a,
                               const MsgpackRpcPiece *b)
{
  gint64 left, right;

  if (_msgpack_rpc_piece_get_int (a, &left))
    return _msgpack_rpc_piece_get_int (b, &right) && left == right;

  return a->type_length == b->type_length && memcmp (a->type, b->type, a->type_length) == 0 &&
         a->size == b->size && (a->size == 0 || memcmp (a->data, b->data, a->size) == 0);
}
