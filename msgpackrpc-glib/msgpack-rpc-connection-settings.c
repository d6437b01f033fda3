/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* The properties of a connection that are a number which may be set at any time. */

static int
get_setting (MsgpackRpcConnection *self,
             MsgpackRpcSetting     setting)
{
  return _msgpack_rpc_settings_get (self->settings, setting);
}

void
_msgpack_rpc_connection_set_setting (MsgpackRpcConnection *self,
                                     MsgpackRpcSetting     setting,
                                     int                   value)
{
  _msgpack_rpc_settings_set (self->settings, setting, value, self, self->reactor);
}

void
_msgpack_rpc_connection_set_settings (MsgpackRpcConnection *self,
                                      MsgpackRpcSettings   *settings)
{
  for (MsgpackRpcSetting i = 0; i < MSGPACK_RPC_N_SETTINGS; i++)
    _msgpack_rpc_connection_set_setting (self, i, _msgpack_rpc_settings_get (settings, i));
}

/**
 * msgpack_rpc_connection_get_default_timeout: (get-property default-timeout)
 * @self: a connection
 *
 * Gets how long a call may take that does not say so itself.
 *
 * Returns: milliseconds; `G_MAXINT` for no limit
 *
 * Since: 1.0
 */
int
msgpack_rpc_connection_get_default_timeout (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), 0);

  return get_setting (self, MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT);
}

/**
 * msgpack_rpc_connection_set_default_timeout: (set-property default-timeout)
 * @self: a connection
 * @default_timeout: milliseconds; `G_MAXINT` for no limit
 *
 * Sets how long a call may take that does not say so itself.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_default_timeout (MsgpackRpcConnection *self,
                                            int                   default_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));
  g_return_if_fail (default_timeout >= 0);

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT, default_timeout);
}

/**
 * msgpack_rpc_connection_get_pack_flags: (get-property pack-flags)
 * @self: a connection
 *
 * Gets how messages are written.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
MsgpackRpcPackFlags
msgpack_rpc_connection_get_pack_flags (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_PACK_FLAGS_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS);
}

/**
 * msgpack_rpc_connection_set_pack_flags: (set-property pack-flags)
 * @self: a connection
 * @pack_flags: flags
 *
 * Sets how messages are written, from the next one on. Those that wait to be sent have been
 * written already.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_pack_flags (MsgpackRpcConnection *self,
                                       MsgpackRpcPackFlags   pack_flags)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS, (int) pack_flags);
}

/**
 * msgpack_rpc_connection_get_profile: (get-property profile)
 * @self: a connection
 *
 * Gets the dialect that the peer speaks.
 *
 * Returns: the profile
 *
 * Since: 1.0
 */
MsgpackRpcProfile
msgpack_rpc_connection_get_profile (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_PROFILE_TOLERANT);

  return get_setting (self, MSGPACK_RPC_SETTING_PROFILE);
}

/**
 * msgpack_rpc_connection_set_profile: (set-property profile)
 * @self: a connection
 * @profile: a profile
 *
 * Sets the dialect that the peer speaks.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_profile (MsgpackRpcConnection *self,
                                    MsgpackRpcProfile     profile)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_PROFILE, (int) profile);
}

/**
 * msgpack_rpc_connection_get_string_policy: (get-property string-policy)
 * @self: a connection
 *
 * Gets what becomes of a str that is not valid UTF-8, or has a NUL in it.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
MsgpackRpcStringPolicy
msgpack_rpc_connection_get_string_policy (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_STRING_POLICY_RAW);

  return get_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY);
}

/**
 * msgpack_rpc_connection_set_string_policy: (set-property string-policy)
 * @self: a connection
 * @policy: a policy
 *
 * Sets what becomes of a str that is not valid UTF-8, or has a NUL in it, from the next message
 * that is read on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_string_policy (MsgpackRpcConnection   *self,
                                          MsgpackRpcStringPolicy  policy)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY, (int) policy);
}
