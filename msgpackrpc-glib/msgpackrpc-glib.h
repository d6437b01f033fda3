/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#define MSGPACK_RPC_INSIDE

#include "msgpack-rpc-bool-codec.h"
#include "msgpack-rpc-bytes-codec.h"
#include "msgpack-rpc-call.h"
#include "msgpack-rpc-certificate-pins.h"
#include "msgpack-rpc-channel.h"
#include "msgpack-rpc-client.h"
#include "msgpack-rpc-codec.h"
#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-enums.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-event-queue.h"
#include "msgpack-rpc-event.h"
#include "msgpack-rpc-ext-registry.h"
#include "msgpack-rpc-fault-stream.h"
#include "msgpack-rpc-float-codec.h"
#include "msgpack-rpc-int-codec.h"
#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-limits.h"
#include "msgpack-rpc-lines-codec.h"
#include "msgpack-rpc-loop-thread.h"
#include "msgpack-rpc-method.h"
#include "msgpack-rpc-msgpack-codec.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-pending-connection.h"
#include "msgpack-rpc-reconnect-policy.h"
#include "msgpack-rpc-server.h"
#include "msgpack-rpc-stream-decoder.h"
#include "msgpack-rpc-stream-encoder.h"
#include "msgpack-rpc-string-codec.h"
#include "msgpack-rpc-token.h"
#include "msgpack-rpc-topic.h"
#include "msgpack-rpc-types.h"
#include "msgpack-rpc-unpacker.h"
#include "msgpack-rpc-value.h"
#include "msgpack-rpc-variant.h"
#include "msgpack-rpc-version.h"
#include "msgpack-rpc-watch.h"
#include "msgpack-rpc-worker-main.h"

#undef MSGPACK_RPC_INSIDE
