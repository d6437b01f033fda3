/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib.h>

#include "msgpack-rpc-enums.h"
#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

MSGPACK_RPC_AVAILABLE_IN_1_0
GBytes   *msgpack_rpc_pack      (GVariant             *value,
                                 GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GBytes   *msgpack_rpc_pack_full (GVariant             *value,
                                 MsgpackRpcPackFlags   flags,
                                 GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_unpack    (GBytes               *bytes,
                                 GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_unpack_as (GBytes               *bytes,
                                 const GVariantType   *type,
                                 GError              **error);

G_END_DECLS
