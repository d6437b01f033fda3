/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib.h>

#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_variant_new_ext        (int        type,
                                              GBytes    *data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_variant_new_raw_string (GBytes    *bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_variant_new_bytes      (GBytes    *bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_variant_new_timestamp  (GDateTime *time);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_variant_new_timespec   (gint64     seconds,
                                              guint      nanoseconds);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_is_nil        (GVariant  *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_is_ext        (GVariant  *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_ext       (GVariant  *value,
                                              int       *type,
                                              GBytes   **data);
MSGPACK_RPC_AVAILABLE_IN_1_0
GDateTime *msgpack_rpc_variant_get_timestamp (GVariant  *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_timespec  (GVariant  *value,
                                              gint64    *seconds,
                                              guint     *nanoseconds);
MSGPACK_RPC_AVAILABLE_IN_1_0
char      *msgpack_rpc_variant_get_string    (GVariant  *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
GBytes    *msgpack_rpc_variant_get_bytes     (GVariant  *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_boolean   (GVariant  *value,
                                              gboolean  *boolean);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_int64     (GVariant  *value,
                                              gint64    *number);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_uint64    (GVariant  *value,
                                              guint64   *number);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean   msgpack_rpc_variant_get_double    (GVariant  *value,
                                              double    *number);

G_END_DECLS
