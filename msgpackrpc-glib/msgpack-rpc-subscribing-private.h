/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

/* The methods of a peer that has topics. Each has the name of one as its only parameter. */
#define MSGPACK_RPC_SUBSCRIBE_METHOD "rpc.subscribe"
#define MSGPACK_RPC_UNSUBSCRIBE_METHOD "rpc.unsubscribe"
