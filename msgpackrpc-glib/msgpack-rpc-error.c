/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-error.h"

G_DEFINE_QUARK (msgpack-rpc-error-quark, msgpack_rpc_error)
