/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-dispatcher.h"

/* The properties of a client that its connections have, too, and how it treats calls. */

MsgpackRpcSettings *
_msgpack_rpc_client_get_settings (MsgpackRpcClient *self)
{
  return self->settings;
}

void
_msgpack_rpc_client_set_setting (MsgpackRpcClient  *self,
                                 MsgpackRpcSetting  setting,
                                 int                value)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  _msgpack_rpc_settings_set (self->settings, setting, value, self, self->reactor);

  /* One that is made from here on has it already. */
  g_mutex_lock (&self->lock);
  g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);
  if (connection != NULL)
    _msgpack_rpc_connection_set_setting (connection, setting, value);
}

static int
get_setting (MsgpackRpcClient  *self,
             MsgpackRpcSetting  setting)
{
  return _msgpack_rpc_settings_get (_msgpack_rpc_client_get_settings (self), setting);
}

/**
 * msgpack_rpc_client_get_default_timeout: (get-property default-timeout)
 * @self: a client
 *
 * Gets how long a call may take that does not say so itself.
 *
 * Returns: milliseconds; `G_MAXINT` for no limit
 *
 * Since: 1.0
 */
int
msgpack_rpc_client_get_default_timeout (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), 0);

  return get_setting (self, MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT);
}

/**
 * msgpack_rpc_client_set_default_timeout: (set-property default-timeout)
 * @self: a client
 * @default_timeout: milliseconds; `G_MAXINT` for no limit
 *
 * Sets how long a call may take that does not say so itself.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_default_timeout (MsgpackRpcClient *self,
                                        int               default_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (default_timeout >= 0);

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT, default_timeout);
}

/**
 * msgpack_rpc_client_get_extensions: (get-property extensions)
 * @self: a client
 *
 * Gets whether peers are told what this end understands beside plain MessagePack-RPC.
 *
 * Returns: whether they are told
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_extensions (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  return get_setting (self, MSGPACK_RPC_SETTING_EXTENSIONS);
}

/**
 * msgpack_rpc_client_set_extensions: (set-property extensions)
 * @self: a client
 * @extensions: whether to tell
 *
 * Sets whether peers are told what this end understands beside plain MessagePack-RPC: on each
 * connection, before all else; or now, if the client is connected.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_extensions (MsgpackRpcClient *self,
                                   gboolean          extensions)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_EXTENSIONS, !!extensions);
}

/**
 * msgpack_rpc_client_get_framing: (get-property framing)
 * @self: a client
 *
 * Gets what stands between the messages.
 *
 * Returns: the framing
 *
 * Since: 1.0
 */
MsgpackRpcFraming
msgpack_rpc_client_get_framing (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_FRAMING_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_FRAMING);
}

/**
 * msgpack_rpc_client_set_framing: (set-property framing)
 * @self: a client
 * @framing: a framing
 *
 * Sets what stands between the messages, before the first of them.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_framing (MsgpackRpcClient  *self,
                                MsgpackRpcFraming  framing)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_FRAMING, (int) framing);
}

/**
 * msgpack_rpc_client_get_pack_flags: (get-property pack-flags)
 * @self: a client
 *
 * Gets how messages are written.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
MsgpackRpcPackFlags
msgpack_rpc_client_get_pack_flags (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_PACK_FLAGS_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS);
}

/**
 * msgpack_rpc_client_set_pack_flags: (set-property pack-flags)
 * @self: a client
 * @pack_flags: flags
 *
 * Sets how messages are written, from the next one on. Those that wait to be sent have been
 * written already.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_pack_flags (MsgpackRpcClient    *self,
                                   MsgpackRpcPackFlags  pack_flags)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_PACK_FLAGS, (int) pack_flags);
}

/**
 * msgpack_rpc_client_get_profile: (get-property profile)
 * @self: a client
 *
 * Gets the dialect that the peer speaks.
 *
 * Returns: the profile
 *
 * Since: 1.0
 */
MsgpackRpcProfile
msgpack_rpc_client_get_profile (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_PROFILE_TOLERANT);

  return get_setting (self, MSGPACK_RPC_SETTING_PROFILE);
}

/**
 * msgpack_rpc_client_set_profile: (set-property profile)
 * @self: a client
 * @profile: a profile
 *
 * Sets the dialect that the peer speaks.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_profile (MsgpackRpcClient  *self,
                                MsgpackRpcProfile  profile)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_PROFILE, (int) profile);
}

/**
 * msgpack_rpc_client_get_reply_order: (get-property reply-order)
 * @self: a client
 *
 * Gets in which order the requests of the peer are answered.
 *
 * Returns: the order
 *
 * Since: 1.0
 */
MsgpackRpcReplyOrder
msgpack_rpc_client_get_reply_order (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_REPLY_ORDER_ANY);

  return get_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER);
}

/**
 * msgpack_rpc_client_set_reply_order: (set-property reply-order)
 * @self: a client
 * @order: an order
 *
 * Sets in which order the requests of the peer are answered.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_reply_order (MsgpackRpcClient     *self,
                                    MsgpackRpcReplyOrder  order)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER, (int) order);
}

/**
 * msgpack_rpc_client_get_string_policy: (get-property string-policy)
 * @self: a client
 *
 * Gets what becomes of a str that is not valid UTF-8, or has a NUL in it.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
MsgpackRpcStringPolicy
msgpack_rpc_client_get_string_policy (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_STRING_POLICY_RAW);

  return get_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY);
}

/**
 * msgpack_rpc_client_set_string_policy: (set-property string-policy)
 * @self: a client
 * @policy: a policy
 *
 * Sets what becomes of a str that is not valid UTF-8, or has a NUL in it, from the next message
 * that is read on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_string_policy (MsgpackRpcClient       *self,
                                      MsgpackRpcStringPolicy  policy)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  _msgpack_rpc_client_set_setting (self, MSGPACK_RPC_SETTING_STRING_POLICY, (int) policy);
}

/**
 * msgpack_rpc_client_get_queue_while_connecting: (get-property queue-while-connecting)
 * @self: a client
 *
 * Gets whether what is sent before the client is connected waits until it is.
 *
 * Returns: whether it waits
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_queue_while_connecting (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return self->queue_while_connecting;
}

/**
 * msgpack_rpc_client_set_queue_while_connecting: (set-property queue-while-connecting)
 * @self: a client
 * @queue_while_connecting: whether it waits
 *
 * Sets whether what is sent before the client is connected waits until it is.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_queue_while_connecting (MsgpackRpcClient *self,
                                               gboolean          queue_while_connecting)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  g_mutex_lock (&self->lock);
  changed = self->queue_while_connecting != !!queue_while_connecting;
  self->queue_while_connecting = !!queue_while_connecting;
  g_mutex_unlock (&self->lock);

  if (changed)
    _msgpack_rpc_client_notify (self, "queue-while-connecting");
}

/**
 * msgpack_rpc_client_get_dispatcher: (get-property dispatcher)
 * @self: a client
 *
 * Gets the methods that the peer may call.
 *
 * Returns: (transfer none) (nullable): the dispatcher, or `NULL`
 * Since: 1.0
 */
MsgpackRpcDispatcher *
msgpack_rpc_client_get_dispatcher (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->dispatcher;
}

/**
 * msgpack_rpc_client_set_dispatcher: (set-property dispatcher)
 * @self: a client
 * @dispatcher: (nullable): a dispatcher, or `NULL`
 *
 * Sets the methods that the peer may call.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_dispatcher (MsgpackRpcClient     *self,
                                   MsgpackRpcDispatcher *dispatcher)
{
  g_autoptr(MsgpackRpcDispatcher) old = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (dispatcher == NULL || MSGPACK_RPC_IS_DISPATCHER (dispatcher));

  g_mutex_lock (&self->lock);
  old = self->dispatcher;
  self->dispatcher = dispatcher != NULL ? g_object_ref (dispatcher) : NULL;
  g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);

  if (connection != NULL)
    msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  if (old != dispatcher)
    _msgpack_rpc_client_notify (self, "dispatcher");
}
