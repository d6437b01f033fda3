/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

/* The properties of a server that its connections have, too. */

static int
get_setting (MsgpackRpcServer  *self,
             MsgpackRpcSetting  setting)
{
  return _msgpack_rpc_settings_get (_msgpack_rpc_server_get_settings (self), setting);
}

/**
 * msgpack_rpc_server_get_framing: (get-property framing)
 * @self: a server
 *
 * Gets what stands between the messages of later connections.
 *
 * Returns: the framing
 *
 * Since: 1.0
 */
MsgpackRpcFraming
msgpack_rpc_server_get_framing (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_FRAMING_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_FRAMING);
}

/**
 * msgpack_rpc_server_set_framing: (set-property framing)
 * @self: a server
 * @framing: a framing
 *
 * Sets what stands between the messages of later connections.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_framing (MsgpackRpcServer  *self,
                                MsgpackRpcFraming  framing)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  _msgpack_rpc_server_set_setting (self, MSGPACK_RPC_SETTING_FRAMING, (int) framing);
}

/**
 * msgpack_rpc_server_get_pack_flags: (get-property pack-flags)
 * @self: a server
 *
 * Gets how later connections write messages.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
MsgpackRpcPackFlags
msgpack_rpc_server_get_pack_flags (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_PACK_FLAGS_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS);
}

/**
 * msgpack_rpc_server_set_pack_flags: (set-property pack-flags)
 * @self: a server
 * @pack_flags: flags
 *
 * Sets how later connections write messages.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_pack_flags (MsgpackRpcServer    *self,
                                   MsgpackRpcPackFlags  pack_flags)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  _msgpack_rpc_server_set_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS, (int) pack_flags);
}

/**
 * msgpack_rpc_server_get_profile: (get-property profile)
 * @self: a server
 *
 * Gets the dialect that later connections speak.
 *
 * Returns: the profile
 *
 * Since: 1.0
 */
MsgpackRpcProfile
msgpack_rpc_server_get_profile (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_PROFILE_TOLERANT);

  return get_setting (self, MSGPACK_RPC_SETTING_PROFILE);
}

/**
 * msgpack_rpc_server_set_profile: (set-property profile)
 * @self: a server
 * @profile: a profile
 *
 * Sets the dialect that later connections speak.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_profile (MsgpackRpcServer  *self,
                                MsgpackRpcProfile  profile)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  _msgpack_rpc_server_set_setting (self, MSGPACK_RPC_SETTING_PROFILE, (int) profile);
}

/**
 * msgpack_rpc_server_get_reply_order: (get-property reply-order)
 * @self: a server
 *
 * Gets in which order later connections answer.
 *
 * Returns: the order
 *
 * Since: 1.0
 */
MsgpackRpcReplyOrder
msgpack_rpc_server_get_reply_order (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_REPLY_ORDER_ANY);

  return get_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER);
}

/**
 * msgpack_rpc_server_set_reply_order: (set-property reply-order)
 * @self: a server
 * @order: an order
 *
 * Sets in which order later connections answer.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_reply_order (MsgpackRpcServer     *self,
                                    MsgpackRpcReplyOrder  order)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  _msgpack_rpc_server_set_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER, (int) order);
}

/**
 * msgpack_rpc_server_get_string_policy: (get-property string-policy)
 * @self: a server
 *
 * Gets what becomes of a str that is not valid UTF-8, or has a NUL in it, on later connections.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
MsgpackRpcStringPolicy
msgpack_rpc_server_get_string_policy (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_STRING_POLICY_RAW);

  return get_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY);
}

/**
 * msgpack_rpc_server_set_string_policy: (set-property string-policy)
 * @self: a server
 * @policy: a policy
 *
 * Sets what becomes of a str that is not valid UTF-8, or has a NUL in it, on later connections.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_string_policy (MsgpackRpcServer       *self,
                                      MsgpackRpcStringPolicy  policy)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  _msgpack_rpc_server_set_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY, (int) policy);
}
