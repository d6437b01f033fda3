/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <gio/gio.h>

#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

MSGPACK_RPC_AVAILABLE_IN_1_0
GIOStream *msgpack_rpc_take_stdio (GError **error);

G_END_DECLS
