/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-loop-thread.h"

G_BEGIN_DECLS

/* Starts a thread that lives as long as @owner, which lives in its context. Takes the only reference.
 * When @owner is finalized, what is left in the context is closed, and then the thread ends; nobody
 * waits for that. */
void _msgpack_rpc_loop_thread_start_for (MsgpackRpcLoopThread *self,
                                         GObject              *owner);

G_END_DECLS
