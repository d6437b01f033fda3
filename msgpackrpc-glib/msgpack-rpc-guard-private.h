/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-enums.h"
#include "msgpack-rpc-places-private.h"
#include "msgpack-rpc-settings-private.h"

G_BEGIN_DECLS

/* Who is at the other end of an accepted socket, as the system tells. */
void     _msgpack_rpc_guard_identify (GSocket          *socket,
                                      MsgpackRpcOrigin *origin);
/* Whether that is enough to be let in. With @allow_remote, other machines are as good as this one. */
gboolean _msgpack_rpc_guard_check    (const MsgpackRpcOrigin *origin,
                                      MsgpackRpcAcceptPolicy  policy,
                                      gboolean                allow_remote);

/* Tells the peer why, if that is possible without waiting, and closes the socket. */
void _msgpack_rpc_guard_turn_away (GSocket            *socket,
                                   MsgpackRpcSettings *settings,
                                   const GError       *error);
/* The same when the server is drained: the peer learns that nothing of what it asks is handled. */
void _msgpack_rpc_guard_dismiss   (GSocket            *socket,
                                   MsgpackRpcSettings *settings);

/* Closes the socket without a word: what its peer would take for none of ours. */
void _msgpack_rpc_guard_cut_off   (GSocket            *socket,
                                   const GError       *error);

G_END_DECLS
