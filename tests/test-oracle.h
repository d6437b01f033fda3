/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include <glib.h>
#include <msgpack.h>

#include "benchmarks/codec-tree.h"

/* msgpack-c's own objects, as a second opinion on what a message means. */

/* @bytes are one message, and all of it. Clear @result with msgpack_unpacked_destroy (). */
static inline void
oracle_parse (msgpack_unpacked *result,
              GBytes           *bytes)
{
  gsize offset = 0;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  msgpack_unpacked_init (result);
  g_assert_cmpint (msgpack_unpack_next (result, data, size, &offset), ==, MSGPACK_UNPACK_SUCCESS);
  g_assert_cmpuint (offset, ==, size);
}

static inline GBytes *
oracle_pack (GVariant *value)
{
  msgpack_sbuffer buffer;
  msgpack_packer packer;

  msgpack_sbuffer_init (&buffer);
  msgpack_packer_init (&packer, &buffer, msgpack_sbuffer_write);
  codec_tree_pack (&packer, value);

  return g_bytes_new_with_free_func (buffer.data, buffer.size, free, buffer.data);
}

static inline gboolean
oracle_same_bytes (const void *a,
                   gsize       a_size,
                   const void *b,
                   gsize       b_size)
{
  return a_size == b_size && (a_size == 0 || memcmp (a, b, a_size) == 0);
}

/* Whether two objects mean the same: a float is the same in 32 and 64 bits, a number by its bits,
 * and entries are in the same order. */
static inline gboolean
oracle_same (const msgpack_object *a,
             const msgpack_object *b)
{
  const gboolean is_float = a->type == MSGPACK_OBJECT_FLOAT32 || a->type == MSGPACK_OBJECT_FLOAT64;
  const gboolean other_is_float = b->type == MSGPACK_OBJECT_FLOAT32 ||
                                  b->type == MSGPACK_OBJECT_FLOAT64;
  gboolean same = TRUE;

  if (is_float || other_is_float)
    return is_float && other_is_float && memcmp (&a->via.f64, &b->via.f64, sizeof (double)) == 0;

  if (a->type != b->type)
    return FALSE;

  switch (a->type)
    {
    case MSGPACK_OBJECT_BOOLEAN:
      return a->via.boolean == b->via.boolean;

    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
      return a->via.u64 == b->via.u64;

    case MSGPACK_OBJECT_STR:
      return oracle_same_bytes (a->via.str.ptr, a->via.str.size, b->via.str.ptr, b->via.str.size);

    case MSGPACK_OBJECT_BIN:
      return oracle_same_bytes (a->via.bin.ptr, a->via.bin.size, b->via.bin.ptr, b->via.bin.size);

    case MSGPACK_OBJECT_EXT:
      return a->via.ext.type == b->via.ext.type &&
             oracle_same_bytes (a->via.ext.ptr, a->via.ext.size,
                                b->via.ext.ptr, b->via.ext.size);

    case MSGPACK_OBJECT_ARRAY:
      same = a->via.array.size == b->via.array.size;
      for (guint i = 0; same && i < a->via.array.size; i++)
        same = oracle_same (&a->via.array.ptr[i], &b->via.array.ptr[i]);
      return same;

    case MSGPACK_OBJECT_MAP:
      same = a->via.map.size == b->via.map.size;
      for (guint i = 0; same && i < a->via.map.size; i++)
        same = oracle_same (&a->via.map.ptr[i].key, &b->via.map.ptr[i].key) &&
               oracle_same (&a->via.map.ptr[i].val, &b->via.map.ptr[i].val);
      return same;

    case MSGPACK_OBJECT_NIL:
      return TRUE;

    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
    default:
      g_assert_not_reached ();
    }
}

/* Of a copy that nobody has vouched for. */
static inline void
assert_normal_form (GVariant *value)
{
  gsize size = g_variant_get_size (value);
  gpointer copy = g_memdup2 (g_variant_get_data (value), size);
  g_autoptr(GVariant) untrusted = NULL;

  untrusted = g_variant_new_from_data (g_variant_get_type (value), copy, size, FALSE, g_free, copy);
  g_variant_ref_sink (untrusted);
  g_assert_true (g_variant_is_normal_form (untrusted));
  g_assert_false (g_variant_is_floating (value));
}
