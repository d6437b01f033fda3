/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* What a client or a server gives its connections, and a connection its link: properties of the
 * same name that may be set at any time. Each is a number; any thread may use it. */
typedef enum
{
  MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT,
  MSGPACK_RPC_SETTING_EXTENSIONS,
  MSGPACK_RPC_SETTING_FRAMING,
  MSGPACK_RPC_SETTING_PACK_FLAGS,
  MSGPACK_RPC_SETTING_PROFILE,
  MSGPACK_RPC_SETTING_REPLY_ORDER,
  MSGPACK_RPC_SETTING_STRING_POLICY,
  MSGPACK_RPC_N_SETTINGS
} MsgpackRpcSetting;

typedef struct _MsgpackRpcSettings MsgpackRpcSettings;

/* With the defaults. */
MsgpackRpcSettings *_msgpack_rpc_settings_new   (void);
MsgpackRpcSettings *_msgpack_rpc_settings_ref   (MsgpackRpcSettings *self);
void                _msgpack_rpc_settings_unref (MsgpackRpcSettings *self);

int _msgpack_rpc_settings_get (MsgpackRpcSettings *self,
                               MsgpackRpcSetting   setting);

/* If that is a change, @object notifies of the property. */
void _msgpack_rpc_settings_set (MsgpackRpcSettings *self,
                                MsgpackRpcSetting   setting,
                                int                 value,
                                gpointer            object,
                                MsgpackRpcReactor  *reactor);

/* ---- as properties ---- */

GParamSpec        *_msgpack_rpc_setting_new_pspec  (MsgpackRpcSetting   setting);
MsgpackRpcSetting  _msgpack_rpc_setting_from_pspec (GParamSpec         *pspec);
int                _msgpack_rpc_setting_from_value (const GValue       *value);
void               _msgpack_rpc_settings_get_value (MsgpackRpcSettings *self,
                                                    GParamSpec         *pspec,
                                                    GValue             *value);

G_END_DECLS
