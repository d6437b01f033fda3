/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-token.h"

G_BEGIN_DECLS

/* The size of what HMAC-SHA-256 gives. */
#define MSGPACK_RPC_MAC_SIZE 32

/* Whether it is one that can be used. */
gboolean _msgpack_rpc_token_check (MsgpackRpcToken  *self,
                                   GError          **error);
/* Gives the HMAC-SHA-256 of @data, whose key is the token. */
void     _msgpack_rpc_token_sign (MsgpackRpcToken *self,
                                  const guint8    *data,
                                  gsize            size,
                                  guint8           mac[MSGPACK_RPC_MAC_SIZE]);

/* From the kernel. @size: at most 256. */
gboolean _msgpack_rpc_get_random (guint8          *bytes,
                                  gsize            size,
                                  GError         **error);

G_END_DECLS
