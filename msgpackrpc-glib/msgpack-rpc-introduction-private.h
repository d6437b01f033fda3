/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-limits-private.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-token.h"

G_BEGIN_DECLS

/* A client shows a server that it knows a token, and sees that the server does, on a stream that nobody
 * else uses meanwhile. The limits say how long that may take, and how much may come. In the
 * thread-default context. */
void     _msgpack_rpc_introduction_start_async (GIOStream           *stream,
                                                MsgpackRpcToken     *token,
                                                MsgpackRpcLimits    *limits,
                                                MsgpackRpcSettings  *settings,
                                                GCancellable        *cancellable,
                                                GAsyncReadyCallback  callback,
                                                gpointer             user_data);
/* What else has come, or NULL with @error set. */
GBytes  *_msgpack_rpc_introduction_finish      (GAsyncResult        *result,
                                                GError             **error);

G_END_DECLS
