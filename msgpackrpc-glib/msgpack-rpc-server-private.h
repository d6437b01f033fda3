/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-server.h"
#include "msgpack-rpc-settings-private.h"

G_BEGIN_DECLS

/* What msgpack-rpc-server.c, which has the object, gives msgpack-rpc-server-settings.c. */

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_server_get_settings (MsgpackRpcServer *self);
void                _msgpack_rpc_server_set_setting  (MsgpackRpcServer  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
