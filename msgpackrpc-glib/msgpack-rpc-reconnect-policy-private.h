/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-reconnect-policy.h"

G_BEGIN_DECLS

/* How long to wait before the next attempt, in milliseconds, when there were @n_delays before. */
int _msgpack_rpc_reconnect_policy_choose_delay (MsgpackRpcReconnectPolicy *self,
                                                guint                      n_delays);

G_END_DECLS
