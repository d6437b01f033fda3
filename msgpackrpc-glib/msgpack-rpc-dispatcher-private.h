/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher.h"

G_BEGIN_DECLS

/* Runs the method that @invocation names, in the calling thread, and sees to it that it is
 * answered: at once if the parameters do not fit or the handler fails. Returns FALSE, having done
 * nothing, if there is no such method. */
gboolean _msgpack_rpc_dispatcher_invoke (MsgpackRpcDispatcher *self,
                                         MsgpackRpcInvocation *invocation);

/* Answers a call of a method that there is not. @self may be NULL. */
void _msgpack_rpc_dispatcher_return_not_found (MsgpackRpcDispatcher *self,
                                               MsgpackRpcInvocation *invocation);

G_END_DECLS
