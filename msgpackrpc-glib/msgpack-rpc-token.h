/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_TOKEN (msgpack_rpc_token_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcToken, msgpack_rpc_token, MSGPACK_RPC, TOKEN, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcToken *msgpack_rpc_token_new_for_file  (const char            *path,
                                                  MsgpackRpcTokenFlags   flags,
                                                  GError               **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcToken *msgpack_rpc_token_new_for_bytes (GBytes                *secret,
                                                  GError               **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
