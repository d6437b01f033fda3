/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-filter-peer.h"

G_BEGIN_DECLS

/* Whether a class that derives from it wants to be asked about attempts that have ended. */
gboolean _msgpack_rpc_filter_peer_asks         (MsgpackRpcFilterPeer *self);
/* Asks it; no lock is held. */
void     _msgpack_rpc_filter_peer_ask_returned (MsgpackRpcFilterPeer *self,
                                                MsgpackRpcCall       *call,
                                                MsgpackRpcCall       *attempt);

G_END_DECLS
