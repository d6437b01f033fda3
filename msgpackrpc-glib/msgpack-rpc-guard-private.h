/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-settings-private.h"

G_BEGIN_DECLS

/* Whether the peer of an accepted socket is let in: on UNIX sockets the same user, else this machine
 * or, with @allow_remote, any. Fails with MSGPACK_RPC_ERROR_ACCESS_DENIED. */
gboolean _msgpack_rpc_guard_check (GSocket   *socket,
                                   gboolean   allow_remote,
                                   GError   **error);

/* Tells the peer why, if that is possible without waiting, and closes the socket. */
void _msgpack_rpc_guard_turn_away (GSocket            *socket,
                                   MsgpackRpcSettings *settings,
                                   const GError       *error);

G_END_DECLS
