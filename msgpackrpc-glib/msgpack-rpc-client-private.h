/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-client.h"
#include "msgpack-rpc-settings-private.h"

G_BEGIN_DECLS

/* What msgpack-rpc-client.c, which has the object, gives msgpack-rpc-client-settings.c. */

/* Not a reference. */
MsgpackRpcSettings *_msgpack_rpc_client_get_settings (MsgpackRpcClient *self);
void                _msgpack_rpc_client_set_setting  (MsgpackRpcClient  *self,
                                                       MsgpackRpcSetting  setting,
                                                       int                value);

G_END_DECLS
