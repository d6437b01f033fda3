/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-unpacker-private.h"

/* What tests of unpackers share. */

/* All values that come before more bytes are needed. */
static inline void
take_all (MsgpackRpcUnpacker *unpacker,
          GPtrArray          *values)
{
  g_autoptr(GError) error = NULL;
  GVariant *value;

  while ((value = msgpack_rpc_unpacker_next (unpacker, &error)) != NULL)
    g_ptr_array_add (values, value);

  g_assert_no_error (error);
}

static inline GPtrArray *
values_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
}

/* As the link does: what was lent is gone after it. */
static inline void
read_piece (MsgpackRpcUnpacker *unpacker,
            GPtrArray          *values,
            const guint8       *data,
            gsize               length)
{
  g_autofree guint8 *copy = g_memdup2 (data, length);

  _msgpack_rpc_unpacker_lend (unpacker, copy, length);
  take_all (unpacker, values);
  _msgpack_rpc_unpacker_keep (unpacker);
}
