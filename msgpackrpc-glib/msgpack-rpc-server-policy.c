/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

/* The properties of a server that say who is let in, and how many. */

/**
 * msgpack_rpc_server_get_allow_remote: (get-property allow-remote)
 * @self: a server
 *
 * Gets whether peers on other machines are let in.
 *
 * Returns: `TRUE` if they are
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_server_get_allow_remote (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), FALSE);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->allow_remote;
}

/**
 * msgpack_rpc_server_set_allow_remote: (set-property allow-remote)
 * @self: a server
 * @allow_remote: whether peers on other machines are let in
 *
 * Sets whether peers on other machines are let in. Those that are there stay.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_allow_remote (MsgpackRpcServer *self,
                                     gboolean          allow_remote)
{
  MsgpackRpcServerPrivate *priv;
  gboolean has_changed;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  allow_remote = !!allow_remote;
  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  has_changed = priv->allow_remote != allow_remote;
  priv->allow_remote = allow_remote;
  g_mutex_unlock (&priv->lock);

  if (has_changed)
    _msgpack_rpc_server_notify (self, "allow-remote");
}

MsgpackRpcAcceptPolicy
_msgpack_rpc_server_get_policy_locked (MsgpackRpcServerPrivate *priv)
{
  if (priv->has_policy)
    return priv->policy;

  /* Who sets a token means that it is asked for. */
  if (priv->token != NULL)
    return MSGPACK_RPC_DEFAULT_POLICY & ~(guint) MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK;
  return MSGPACK_RPC_DEFAULT_POLICY;
}

/**
 * msgpack_rpc_server_get_policy: (get-property policy)
 * @self: a server
 *
 * Gets what suffices to be let in.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
MsgpackRpcAcceptPolicy
msgpack_rpc_server_get_policy (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), MSGPACK_RPC_ACCEPT_POLICY_NONE);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return _msgpack_rpc_server_get_policy_locked (priv);
}

/**
 * msgpack_rpc_server_set_policy: (set-property policy)
 * @self: a server
 * @policy: a policy
 *
 * Sets what suffices to be let in. Those that are there stay.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_policy (MsgpackRpcServer       *self,
                               MsgpackRpcAcceptPolicy  policy)
{
  MsgpackRpcServerPrivate *priv;
  gboolean has_changed;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  has_changed = _msgpack_rpc_server_get_policy_locked (priv) != policy;
  priv->policy = policy;
  priv->has_policy = TRUE;
  g_mutex_unlock (&priv->lock);

  if (has_changed)
    _msgpack_rpc_server_notify (self, "policy");
}

/**
 * msgpack_rpc_server_get_token: (get-property token)
 * @self: a server
 *
 * Gets the secret by which clients are let in.
 *
 * Returns: (transfer full) (nullable): the token, or `NULL` for none
 *
 * Since: 1.0
 */
MsgpackRpcToken *
msgpack_rpc_server_get_token (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->token != NULL ? g_object_ref (priv->token) : NULL;
}

/**
 * msgpack_rpc_server_set_token: (set-property token)
 * @self: a server
 * @token: (nullable): a token, or `NULL` for none
 *
 * Sets the secret by which later clients are let in. If [property@Server:policy] was not set, it
 * may change.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_token (MsgpackRpcServer *self,
                              MsgpackRpcToken  *token)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(MsgpackRpcToken) old = NULL;
  MsgpackRpcAcceptPolicy policy, old_policy;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (token == NULL || MSGPACK_RPC_IS_TOKEN (token));

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  old_policy = _msgpack_rpc_server_get_policy_locked (priv);
  old = priv->token;
  priv->token = token != NULL ? g_object_ref (token) : NULL;
  policy = _msgpack_rpc_server_get_policy_locked (priv);
  g_mutex_unlock (&priv->lock);

  if (old != token)
    _msgpack_rpc_server_notify (self, "token");
  if (old_policy != policy)
    _msgpack_rpc_server_notify (self, "policy");
}

/* ---- how many ---- */

GError *
_msgpack_rpc_server_new_handshakes_error (MsgpackRpcServer *self)
{
  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                      "Too many others want to be let in (max-handshakes is %u)",
                      msgpack_rpc_server_get_max_handshakes (self));
}

/**
 * msgpack_rpc_server_get_max_handshakes: (get-property max-handshakes)
 * @self: a server
 *
 * Gets how many peers at a time may be about to prove who they are.
 *
 * Returns: the number, 128 by default
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_get_max_handshakes (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->max_handshakes;
}

/**
 * msgpack_rpc_server_set_max_handshakes: (set-property max-handshakes)
 * @self: a server
 * @max_handshakes: the number, from 1
 *
 * Sets how many peers at a time may be about to prove who they are. Those that are stay, until
 * another one comes.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_max_handshakes (MsgpackRpcServer *self,
                                       guint             max_handshakes)
{
  MsgpackRpcServerPrivate *priv;
  gboolean has_changed;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (max_handshakes >= 1);

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  has_changed = priv->max_handshakes != max_handshakes;
  priv->max_handshakes = max_handshakes;
  g_mutex_unlock (&priv->lock);

  if (has_changed)
    _msgpack_rpc_server_notify (self, "max-handshakes");
}

static guint
get_limit (MsgpackRpcServer      *self,
           MsgpackRpcPlacesLimit  limit)
{
  return _msgpack_rpc_places_get_limit (_msgpack_rpc_server_get_private (self)->places, limit);
}

static void
set_limit (MsgpackRpcServer      *self,
           MsgpackRpcPlacesLimit  limit,
           guint                  value,
           const char            *property)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  if (_msgpack_rpc_places_set_limit (priv->places, limit, value))
    _msgpack_rpc_server_notify (self, property);
}

/**
 * msgpack_rpc_server_get_max_connections: (get-property max-connections)
 * @self: a server
 *
 * Gets how many connections there may be at a time.
 *
 * Returns: the number, 1,024 by default
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_get_max_connections (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  return get_limit (self, MSGPACK_RPC_PLACES_IN_ALL);
}

/**
 * msgpack_rpc_server_set_max_connections: (set-property max-connections)
 * @self: a server
 * @max_connections: the number
 *
 * Sets how many connections there may be at a time. Those that
 * there are stay.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_max_connections (MsgpackRpcServer *self,
                                        guint             max_connections)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  set_limit (self, MSGPACK_RPC_PLACES_IN_ALL, max_connections, "max-connections");
}

/**
 * msgpack_rpc_server_get_max_connections_per_address: (get-property max-connections-per-address)
 * @self: a server
 *
 * Gets how many connections there may be at a time from one IP address.
 *
 * Returns: the number, `G_MAXUINT` for no limit
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_get_max_connections_per_address (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  return get_limit (self, MSGPACK_RPC_PLACES_PER_ADDRESS);
}

/**
 * msgpack_rpc_server_set_max_connections_per_address: (set-property max-connections-per-address)
 * @self: a server
 * @max_connections: the number, or `G_MAXUINT` for no limit
 *
 * Sets how many connections there may be at a time from one IP address. Those that
 * there are stay.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_max_connections_per_address (MsgpackRpcServer *self,
                                                    guint             max_connections)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  set_limit (self, MSGPACK_RPC_PLACES_PER_ADDRESS, max_connections, "max-connections-per-address");
}

/**
 * msgpack_rpc_server_get_max_connections_per_user: (get-property max-connections-per-user)
 * @self: a server
 *
 * Gets how many connections there may be at a time from one user.
 *
 * Returns: the number, `G_MAXUINT` for no limit
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_get_max_connections_per_user (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  return get_limit (self, MSGPACK_RPC_PLACES_PER_USER);
}

/**
 * msgpack_rpc_server_set_max_connections_per_user: (set-property max-connections-per-user)
 * @self: a server
 * @max_connections: the number, or `G_MAXUINT` for no limit
 *
 * Sets how many connections there may be at a time from one user. Those that
 * there are stay.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_max_connections_per_user (MsgpackRpcServer *self,
                                                 guint             max_connections)
{
  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  set_limit (self, MSGPACK_RPC_PLACES_PER_USER, max_connections, "max-connections-per-user");
}
