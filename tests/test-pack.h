/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "test-bytes.h"

static inline GVariant *
unpack_hex (const char *hex)
{
  g_autoptr(GBytes) bytes = gbytes_from_hex (hex);
  g_autoptr(GError) error = NULL;
  GVariant *value = msgpack_rpc_unpack (bytes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (value);
  assert_well_formed (value);

  return value;
}

static inline char *
pack_to_hex (GVariant *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, &error);

  g_assert_no_error (error);

  return bytes_to_hex (bytes);
}
