/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-serial-private.h"

#define BASIC(type) [(type) - 'b']

const MsgpackRpcBasicLayout _msgpack_rpc_serial_basic_layouts['y' - 'b' + 1] = {
  BASIC ('b') = { 1, 1 },
  BASIC ('d') = { 8, 8 },
  BASIC ('g') = { 1, 0 },
  BASIC ('h') = { 4, 4 },
  BASIC ('i') = { 4, 4 },
  BASIC ('n') = { 2, 2 },
  BASIC ('o') = { 1, 0 },
  BASIC ('q') = { 2, 2 },
  BASIC ('s') = { 1, 0 },
  BASIC ('t') = { 8, 8 },
  BASIC ('u') = { 4, 4 },
  BASIC ('v') = { 8, 0 },
  BASIC ('x') = { 8, 8 },
  BASIC ('y') = { 1, 1 },
};

static const char *
tuple_layout (const char *type,
              guint      *alignment,
              gsize      *fixed_size)
{
  gboolean fixed = TRUE;
  gsize size = 0;

  while (*type != ')' && *type != '}')
    {
      guint member_alignment;
      gsize member_size;

      type = _msgpack_rpc_serial_type_layout (type, &member_alignment, &member_size);
      *alignment = MAX (*alignment, member_alignment);
      fixed = fixed && member_size > 0;
      size = _msgpack_rpc_serial_align (size, member_alignment) + member_size;
    }

  if (fixed)
    *fixed_size = MAX (_msgpack_rpc_serial_align (size, *alignment), 1);

  return type + 1;
}

const char *
_msgpack_rpc_serial_container_layout (const char *type,
                                      guint      *alignment,
                                      gsize      *fixed_size)
{
  gsize item_size;

  *alignment = 1;
  *fixed_size = 0;

  switch (*type)
    {
    case 'a':
    case 'm':
      return _msgpack_rpc_serial_type_layout (type + 1, alignment, &item_size);

    case '(':
    case '{':
      return tuple_layout (type + 1, alignment, fixed_size);

    default:
      return type + 1;
    }
}

void
_msgpack_rpc_array_writer_init (MsgpackRpcArrayWriter *self,
                                const GVariantType    *type)
{
  const char *item_type = g_variant_type_peek_string (g_variant_type_element (type));

  memset (self, 0, sizeof *self);
  self->type = type;
  self->trusted = TRUE;
  _msgpack_rpc_serial_type_layout (item_type, &self->alignment, &self->fixed_size);
}

void
_msgpack_rpc_array_writer_clear (MsgpackRpcArrayWriter *self)
{
  g_clear_pointer (&self->data, g_free);
  g_clear_pointer (&self->ends, g_free);
}

static void
array_writer_reserve (MsgpackRpcArrayWriter *self,
                      gsize                  size)
{
  if (self->data != NULL && size <= self->capacity - self->length)
    return;

  self->capacity = MAX (2 * self->capacity, self->length + size + 64);
  self->data = g_realloc (self->data, self->capacity);
}

static void
array_writer_add_end (MsgpackRpcArrayWriter *self)
{
  if (self->n_ends == self->ends_capacity)
    {
      self->ends_capacity = MAX (2 * self->ends_capacity, 16);
      self->ends = g_renew (gsize, self->ends, self->ends_capacity);
    }

  self->ends[self->n_ends++] = self->length;
}

void
_msgpack_rpc_array_writer_add (MsgpackRpcArrayWriter *self,
                               GVariant              *item)
{
  gsize start = _msgpack_rpc_serial_align (self->length, self->alignment);
  gsize size = g_variant_get_size (item);

  array_writer_reserve (self, start - self->length + size);
  memset (self->data + self->length, 0, start - self->length);
  g_variant_store (item, self->data + start);
  self->length = start + size;
  self->trusted = self->trusted && g_variant_is_normal_form (item);

  if (self->fixed_size == 0)
    array_writer_add_end (self);
}

GVariant *
_msgpack_rpc_array_writer_end (MsgpackRpcArrayWriter *self)
{
  guint offset_size = _msgpack_rpc_serial_offset_size_for_body (self->length, self->n_ends);
  g_autoptr(GBytes) bytes = NULL;

  array_writer_reserve (self, self->n_ends * offset_size);
  for (gsize i = 0; i < self->n_ends; i++)
    {
      _msgpack_rpc_serial_store_offset (self->data + self->length, offset_size, self->ends[i]);
      self->length += offset_size;
    }

  if (self->capacity - self->length > self->length / 8)
    self->data = g_realloc (self->data, self->length);

  bytes = g_bytes_new_take (g_steal_pointer (&self->data), self->length);

  return g_variant_ref_sink (g_variant_new_from_bytes (self->type, bytes, self->trusted));
}
