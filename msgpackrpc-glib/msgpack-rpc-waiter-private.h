/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a thread that waits polls so that others can wake it: one for each such thread. */
typedef struct _MsgpackRpcWaiter MsgpackRpcWaiter;

/* The calling thread's, owned by the thread; NULL if there are no descriptors for one. */
MsgpackRpcWaiter *_msgpack_rpc_waiter_get     (GError           **error);
gboolean          _msgpack_rpc_waiter_is_mine (MsgpackRpcWaiter  *self);
/* From any thread. */
void              _msgpack_rpc_waiter_wake    (MsgpackRpcWaiter  *self);
GPollFD           _msgpack_rpc_waiter_poll    (MsgpackRpcWaiter  *self);
/* Takes back what woke it. */
void              _msgpack_rpc_waiter_clear   (MsgpackRpcWaiter  *self);

/* Whether there are descriptors for what GLib ends the process without. */
gboolean _msgpack_rpc_waiter_check_descriptors (GError **error);

/* Of two timeouts for poll(), where −1 is none. */
int _msgpack_rpc_shorter_timeout (int a,
                                  int b);

G_END_DECLS
