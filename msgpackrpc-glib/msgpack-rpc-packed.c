/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-packed-private.h"

#include <string.h>

#include "msgpack-rpc-packer-private.h"

static void
reference_clear (gpointer data)
{
  MsgpackRpcReference *self = data;

  g_bytes_unref (self->bytes);
}

GArray *
_msgpack_rpc_references_new (void)
{
  GArray *references = g_array_new (FALSE, FALSE, sizeof (MsgpackRpcReference));

  g_array_set_clear_func (references, reference_clear);

  return references;
}

static MsgpackRpcPacked *
packed_alloc (guint max_pieces)
{
  MsgpackRpcPacked *self;

  self = g_atomic_rc_box_alloc (sizeof *self + max_pieces * sizeof self->pieces[0]);
  self->size = 0;
  self->n_pieces = 0;
  self->is_small = FALSE;
  self->header_size = 0;

  return self;
}

static void
packed_add (MsgpackRpcPacked *self,
            GBytes           *piece)
{
  self->size += g_bytes_get_size (piece);
  self->pieces[self->n_pieces++] = piece;
}

static void
packed_add_slice (MsgpackRpcPacked *self,
                  GBytes           *bytes,
                  gsize             start,
                  gsize             end)
{
  if (start < end)
    packed_add (self, g_bytes_new_from_bytes (bytes, start, end - start));
}

MsgpackRpcPacked *
_msgpack_rpc_packed_new (GBytes *bytes,
                         GArray *references)
{
  guint n = references != NULL ? references->len : 0;
  MsgpackRpcPacked *self = packed_alloc (2 * n + 1);
  gsize start = 0;

  if (n == 0)
    {
      packed_add (self, bytes);
      return self;
    }

  for (guint i = 0; i < n; i++)
    {
      MsgpackRpcReference *reference = &g_array_index (references, MsgpackRpcReference, i);

      packed_add_slice (self, bytes, start, reference->position);
      packed_add (self, g_bytes_ref (reference->bytes));
      start = reference->position;
    }

  packed_add_slice (self, bytes, start, g_bytes_get_size (bytes));
  g_bytes_unref (bytes);

  return self;
}

MsgpackRpcPacked *
_msgpack_rpc_packed_new_small (gconstpointer data,
                               gsize         size)
{
  MsgpackRpcPacked *self = g_atomic_rc_box_alloc (sizeof *self + size);

  self->size = size;
  self->n_pieces = 1;
  self->is_small = TRUE;
  self->header_size = 0;
  memcpy (self->pieces, data, size);
  return self;
}

MsgpackRpcPacked *
_msgpack_rpc_packed_frame (MsgpackRpcPacked *self)
{
  g_autoptr(GByteArray) header = g_byte_array_new ();
  MsgpackRpcPacked *framed;

  _msgpack_rpc_packer_append_uint (header, self->size);
  if (self->is_small)
    {
      guint n_header = header->len;

      g_byte_array_append (header, (const guint8 *) self->pieces, (guint) self->size);
      framed = _msgpack_rpc_packed_new_small (header->data, header->len);
      framed->header_size = n_header;
      return framed;
    }

  framed = packed_alloc (self->n_pieces + 1);
  framed->header_size = header->len;
  packed_add (framed, g_bytes_new (header->data, header->len));
  for (guint i = 0; i < self->n_pieces; i++)
    packed_add (framed, g_bytes_ref (self->pieces[i]));
  return framed;
}

MsgpackRpcPacked *
_msgpack_rpc_packed_ref (MsgpackRpcPacked *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
packed_clear (gpointer data)
{
  MsgpackRpcPacked *self = data;

  for (guint i = 0; i < self->n_pieces && !self->is_small; i++)
    g_bytes_unref (self->pieces[i]);
}

void
_msgpack_rpc_packed_unref (MsgpackRpcPacked *self)
{
  g_atomic_rc_box_release_full (self, packed_clear);
}

gconstpointer
_msgpack_rpc_packed_get_piece (MsgpackRpcPacked *self,
                               guint             i,
                               gsize            *size)
{
  if (!self->is_small)
    return g_bytes_get_data (self->pieces[i], size);

  *size = self->size;
  return self->pieces;
}

GBytes *
_msgpack_rpc_packed_to_bytes (MsgpackRpcPacked *self)
{
  guint8 *joined;
  gsize length = 0;

  if (self->n_pieces == 1 && !self->is_small)
    return g_bytes_ref (self->pieces[0]);

  joined = g_malloc (self->size);
  for (guint i = 0; i < self->n_pieces; i++)
    {
      gsize size;
      gconstpointer data = _msgpack_rpc_packed_get_piece (self, i, &size);

      memcpy (joined + length, data, size);
      length += size;
    }

  return g_bytes_new_take (joined, length);
}

MsgpackRpcPacked *
_msgpack_rpc_packed_join (MsgpackRpcPacked *self)
{
  MsgpackRpcPacked *joined;

  if (self->n_pieces == 1)
    return self;

  joined = _msgpack_rpc_packed_new (_msgpack_rpc_packed_to_bytes (self), NULL);
  _msgpack_rpc_packed_unref (self);
  return joined;
}
