/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

/* GVariant's serialised form. The sizes of a container's parts, save the last and those of fixed
 * size, are known by their ends: framing offsets at the end of the container, all of the smallest
 * size that can hold the container's own size. */

static inline gsize
_msgpack_rpc_serial_align (gsize offset,
                           guint alignment)
{
  return (offset + alignment - 1) & ~((gsize) alignment - 1);
}

/* The size of the framing offsets of a container that has @size bytes. */
static inline guint
_msgpack_rpc_serial_offset_size (gsize size)
{
  if (size <= G_MAXUINT8)
    return 1;
  if (size <= G_MAXUINT16)
    return 2;

  return (guint64) size <= G_MAXUINT32 ? 4 : 8;
}

/* The same for one that will have @body_size bytes and @n framing offsets behind them. */
static inline guint
_msgpack_rpc_serial_offset_size_for_body (gsize body_size,
                                          gsize n)
{
  if (body_size + n <= G_MAXUINT8)
    return 1;
  if (body_size + 2 * n <= G_MAXUINT16)
    return 2;

  return (guint64) body_size + 4 * (guint64) n <= G_MAXUINT32 ? 4 : 8;
}

/* Framing offsets are little-endian on every machine. A copy of constant size is an instruction. */
static inline void
_msgpack_rpc_serial_store_offset (guint8 *data,
                                  guint   offset_size,
                                  gsize   offset)
{
  guint64 le = GUINT64_TO_LE ((guint64) offset);

  switch (offset_size)
    {
    case 1:
      memcpy (data, &le, 1);
      break;

    case 2:
      memcpy (data, &le, 2);
      break;

    case 4:
      memcpy (data, &le, 4);
      break;

    default:
      memcpy (data, &le, 8);
      break;
    }
}

static inline gsize
_msgpack_rpc_serial_load_offset (const guint8 *data,
                                 guint         offset_size)
{
  guint64 le = 0;

  switch (offset_size)
    {
    case 1:
      return *data;

    case 2:
      memcpy (&le, data, 2);
      break;

    case 4:
      memcpy (&le, data, 4);
      break;

    default:
      memcpy (&le, data, 8);
      break;
    }

  return GUINT64_FROM_LE (le);
}

typedef struct
{
  guint8 alignment;  /* 0 if there is no such type */
  guint8 fixed_size; /* or 0 */
} MsgpackRpcBasicLayout;

/* Of the types of one character, from 'b' to 'y'. */
extern const MsgpackRpcBasicLayout _msgpack_rpc_serial_basic_layouts['y' - 'b' + 1];

const char *_msgpack_rpc_serial_container_layout (const char *type,
                                                  guint      *alignment,
                                                  gsize      *fixed_size);

/* Gives the alignment of the first type in @type, and its size, or 0 if that is not fixed. @type is
 * valid and definite, and need not end with NUL. Returns what comes after it. */
static inline const char *
_msgpack_rpc_serial_type_layout (const char *type,
                                 guint      *alignment,
                                 gsize      *fixed_size)
{
  guint i = (guint) (*type - 'b');

  if (i >= G_N_ELEMENTS (_msgpack_rpc_serial_basic_layouts) ||
      _msgpack_rpc_serial_basic_layouts[i].alignment == 0)
    return _msgpack_rpc_serial_container_layout (type, alignment, fixed_size);

  *alignment = _msgpack_rpc_serial_basic_layouts[i].alignment;
  *fixed_size = _msgpack_rpc_serial_basic_layouts[i].fixed_size;

  return type + 1;
}

/* The items of an array. */
typedef struct
{
  gsize n;
  guint alignment;
  gsize fixed_size;
  guint offset_size; /* of an array whose items have no fixed size */
  gsize table;       /* where its framing offsets begin */
} MsgpackRpcItems;

/* Finds them, by their alignment and, unless it is 0, their size. Nothing is taken for granted:
 * returns FALSE if the data are no array. */
static inline gboolean
_msgpack_rpc_items_init (MsgpackRpcItems *self,
                         const guint8    *data,
                         gsize            size,
                         guint            alignment,
                         gsize            fixed_size)
{
  self->n = 0;
  self->alignment = alignment;
  self->fixed_size = fixed_size;
  self->offset_size = 0;
  self->table = size;

  if (size == 0)
    return TRUE;

  if (fixed_size > 0)
    {
      self->n = size / fixed_size;
      return size % fixed_size == 0;
    }

  self->offset_size = _msgpack_rpc_serial_offset_size (size);
  if (size < self->offset_size)
    return FALSE;

  self->table = _msgpack_rpc_serial_load_offset (data + size - self->offset_size,
                                                 self->offset_size);
  if (self->table >= size)
    return FALSE;

  /* The size of an offset is a power of 2. */
  self->n = (size - self->table) / self->offset_size;

  return ((size - self->table) & (self->offset_size - 1)) == 0;
}

/* Finds item @i, which begins at @start or at the next multiple of the alignment. Moves @start to
 * where it begins, and gives where it ends. Returns FALSE if it is not within the array. */
static inline gboolean
_msgpack_rpc_items_get (const MsgpackRpcItems *self,
                        const guint8          *data,
                        gsize                  i,
                        gsize                 *start,
                        gsize                 *end)
{
  *start = _msgpack_rpc_serial_align (*start, self->alignment);
  if (self->fixed_size > 0)
    *end = *start + self->fixed_size;
  else
    *end = _msgpack_rpc_serial_load_offset (data + self->table + i * self->offset_size,
                                            self->offset_size);

  return *start <= *end && *end <= self->table;
}

/* Writes an array, item by item, and holds none of them. */
typedef struct
{
  const GVariantType *type;
  guint8 *data;
  gsize length;
  gsize capacity;
  gsize *ends;
  gsize n_ends;
  gsize ends_capacity;
  gsize fixed_size;
  guint alignment;
  gboolean trusted;
} MsgpackRpcArrayWriter;

void      _msgpack_rpc_array_writer_init  (MsgpackRpcArrayWriter *self,
                                           const GVariantType    *type);
void      _msgpack_rpc_array_writer_clear (MsgpackRpcArrayWriter *self);
/* @item is of the right type. */
void      _msgpack_rpc_array_writer_add   (MsgpackRpcArrayWriter *self,
                                           GVariant              *item);
/* Returns a full reference. */
GVariant *_msgpack_rpc_array_writer_end   (MsgpackRpcArrayWriter *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MsgpackRpcArrayWriter, _msgpack_rpc_array_writer_clear)

G_END_DECLS
