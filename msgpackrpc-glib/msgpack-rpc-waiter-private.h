/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a thread that waits polls so that others can wake it: one for each such thread. */
typedef struct _MsgpackRpcWaiter MsgpackRpcWaiter;

/* The calling thread's, owned by the thread. */
MsgpackRpcWaiter *_msgpack_rpc_waiter_get   (void);
/* From any thread. */
void              _msgpack_rpc_waiter_wake  (MsgpackRpcWaiter *self);
GPollFD           _msgpack_rpc_waiter_poll  (MsgpackRpcWaiter *self);
/* Takes back what woke it. */
void              _msgpack_rpc_waiter_clear (MsgpackRpcWaiter *self);

G_END_DECLS
