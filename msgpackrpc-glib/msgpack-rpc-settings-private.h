/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-enums.h"
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

/* What follows from them where messages go in and out. Nothing is set by default, so that one look tells
 * that there is nothing special to be done. */
typedef enum
{
  MSGPACK_RPC_DIALECT_PLAIN = 0,
  MSGPACK_RPC_DIALECT_BOOLEAN_ERROR = 1 << 0,
  MSGPACK_RPC_DIALECT_STRICT = 1 << 1,
  MSGPACK_RPC_DIALECT_NEOVIM = 1 << 2,
  MSGPACK_RPC_DIALECT_LEGACY = 1 << 3,
  MSGPACK_RPC_DIALECT_SERIAL = 1 << 4,
  MSGPACK_RPC_DIALECT_CANCELS = 1 << 5,   /* [3, id, method] cancels a request */
  MSGPACK_RPC_DIALECT_FRAMED = 1 << 6,
  MSGPACK_RPC_DIALECT_IN_ORDER = 1 << 7,  /* answers have an order */
} MsgpackRpcDialect;

/* Shared by reference counting. */
typedef struct
{
  int values[MSGPACK_RPC_N_SETTINGS]; /* atomic */
  int dialect;                        /* atomic, MsgpackRpcDialect; made of them */
} MsgpackRpcSettings;

/* With the defaults. */
MsgpackRpcSettings *_msgpack_rpc_settings_new   (void);
MsgpackRpcSettings *_msgpack_rpc_settings_ref   (MsgpackRpcSettings *self);
void                _msgpack_rpc_settings_unref (MsgpackRpcSettings *self);

static inline int
_msgpack_rpc_settings_get (MsgpackRpcSettings *self,
                           MsgpackRpcSetting   setting)
{
  return g_atomic_int_get (&self->values[setting]);
}

static inline MsgpackRpcDialect
_msgpack_rpc_settings_get_dialect (MsgpackRpcSettings *self)
{
  return (MsgpackRpcDialect) g_atomic_int_get (&self->dialect);
}

static inline gboolean
_msgpack_rpc_settings_has_dialect (MsgpackRpcSettings *self,
                                   MsgpackRpcDialect   dialect)
{
  return G_UNLIKELY ((_msgpack_rpc_settings_get_dialect (self) & dialect) != 0);
}

/* Those that are set, and what the profile adds to them. */
MsgpackRpcPackFlags    _msgpack_rpc_settings_get_pack_flags    (MsgpackRpcSettings *self);
MsgpackRpcStringPolicy _msgpack_rpc_settings_get_string_policy (MsgpackRpcSettings *self);

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
