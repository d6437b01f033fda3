/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* The properties of a connection that may be set at any time. */

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
  if (setting == MSGPACK_RPC_SETTING_EXTENSIONS)
    _msgpack_rpc_connection_announce (self);
  if (setting == MSGPACK_RPC_SETTING_REPLY_ORDER)
    _msgpack_rpc_connection_update_order (self);
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
 * msgpack_rpc_connection_get_extensions: (get-property extensions)
 * @self: a connection
 *
 * Gets whether the peer is told, without being asked, what this end understands beside plain
 * MessagePack-RPC.
 *
 * Returns: whether it is told
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_get_extensions (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);

  return get_setting (self, MSGPACK_RPC_SETTING_EXTENSIONS);
}

/**
 * msgpack_rpc_connection_set_extensions: (set-property extensions)
 * @self: a connection
 * @extensions: whether to tell
 *
 * Tells the peer what this end understands beside plain MessagePack-RPC: at once, or as soon as the
 * connection is open.
 *
 * What was told once cannot be taken back.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_extensions (MsgpackRpcConnection *self,
                                       gboolean              extensions)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_EXTENSIONS, !!extensions);
}

/**
 * msgpack_rpc_connection_get_framing: (get-property framing)
 * @self: a connection
 *
 * Gets what stands between the messages.
 *
 * Returns: the framing
 *
 * Since: 1.0
 */
MsgpackRpcFraming
msgpack_rpc_connection_get_framing (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_FRAMING_NONE);

  return get_setting (self, MSGPACK_RPC_SETTING_FRAMING);
}

/**
 * msgpack_rpc_connection_set_framing: (set-property framing)
 * @self: a connection
 * @framing: a framing
 *
 * Sets what stands between the messages, before the first of them.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_framing (MsgpackRpcConnection *self,
                                    MsgpackRpcFraming     framing)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_FRAMING, (int) framing);
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
 * msgpack_rpc_connection_get_reply_order: (get-property reply-order)
 * @self: a connection
 *
 * Gets in which order the requests of the peer are answered.
 *
 * Returns: the order
 *
 * Since: 1.0
 */
MsgpackRpcReplyOrder
msgpack_rpc_connection_get_reply_order (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_REPLY_ORDER_ANY);

  return get_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER);
}

/**
 * msgpack_rpc_connection_set_reply_order: (set-property reply-order)
 * @self: a connection
 * @order: an order
 *
 * Sets in which order the requests of the peer are answered.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_reply_order (MsgpackRpcConnection *self,
                                        MsgpackRpcReplyOrder  order)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  _msgpack_rpc_connection_set_setting (self, MSGPACK_RPC_SETTING_REPLY_ORDER, (int) order);
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

static GQuark
get_session_quark (void)
{
  return g_quark_from_static_string ("msgpack-rpc-session");
}

static gpointer
ref_session (gpointer session,
             gpointer data G_GNUC_UNUSED)
{
  return session != NULL ? g_object_ref (session) : NULL;
}

/**
 * msgpack_rpc_connection_get_session: (get-property session)
 * @self: a connection
 *
 * Gets what the application knows of the peer.
 *
 * Returns: (transfer full) (nullable): the application's object, or `NULL`
 *
 * Since: 1.0
 */
GObject *
msgpack_rpc_connection_get_session (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  return g_object_dup_qdata (G_OBJECT (self), get_session_quark (), ref_session, NULL);
}

/**
 * msgpack_rpc_connection_set_session: (set-property session)
 * @self: a connection
 * @session: (nullable): an object of the application's, or `NULL`
 *
 * Sets what the application knows of the peer.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_session (MsgpackRpcConnection *self,
                                    GObject              *session)
{
  g_autoptr(GObject) old = NULL;
  GObjectClass *klass;

  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));
  g_return_if_fail (session == NULL || G_IS_OBJECT (session));

  g_mutex_lock (&self->lock);
  old = g_object_steal_qdata (G_OBJECT (self), get_session_quark ());
  g_object_set_qdata_full (G_OBJECT (self), get_session_quark (), ref_session (session, NULL),
                           g_object_unref);
  g_mutex_unlock (&self->lock);

  klass = G_OBJECT_GET_CLASS (self);
  if (old != session)
    _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self),
                                 g_object_class_find_property (klass, "session"));
}
