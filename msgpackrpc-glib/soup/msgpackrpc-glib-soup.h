/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#define MSGPACK_RPC_INSIDE

#include "msgpack-rpc-web-socket-stream.h"

#undef MSGPACK_RPC_INSIDE
