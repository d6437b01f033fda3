/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

/* Whether the peer is still there: what is asked of the kernel, what is asked of the peer, and what is
 * told when it says nothing.
 *
 * A timer of the main context looks, and only while there is something to look for: while a call waits
 * for its answer, or when pings are wanted. What it looks at is how much was received; so receiving costs
 * nothing, and each length of time may be a little longer than was asked for, never shorter. */

/* How often it looks within the time that a peer may be silent. */
#define LOOKS 4

static gint64
to_microseconds (int milliseconds)
{
  return milliseconds * (gint64) 1000;
}

/* The lock is held. */
static void
look_at (MsgpackRpcKeepalive *self,
         MsgpackRpcReactor   *reactor,
         gint64               time)
{
  if (self->timer_runs && self->timer.time <= time)
    return;

  self->timer_runs = TRUE;
  _msgpack_rpc_reactor_start_timer (reactor, &self->timer, time);
}

/* The lock is held. */
static void
forget (MsgpackRpcKeepalive *self)
{
  self->connection_id = 0;
  self->awaited_since = 0;
  self->stalled = FALSE;
  g_clear_object (&self->ping);
}

static void
notify_stalled (MsgpackRpcClient *client)
{
  MsgpackRpcKeepalive *self = &client->keepalive;
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = self->told_stalled != self->stalled;
  self->told_stalled = self->stalled;
  g_mutex_unlock (&self->lock);

  if (changed)
    _msgpack_rpc_client_notify (client, "stalled");
}

/* ---- looking, in the main context ---- */

/* What has changed since the last time. The lock is held. */
static void
compare (MsgpackRpcKeepalive  *self,
         MsgpackRpcConnection *connection,
         gint64                now)
{
  guint64 id = msgpack_rpc_connection_get_id (connection);
  gboolean awaits = _msgpack_rpc_connection_awaits_replies (connection);
  gsize received;

  /* What we do not read is no fault of the peer's. */
  if (!_msgpack_rpc_connection_get_received (connection, &received) ||
      self->connection_id != id || self->received != received)
    {
      if (self->connection_id != id)
        forget (self);
      self->connection_id = id;
      self->received = received;
      self->heard_at = now;
      self->awaited_since = 0;
      self->stalled = FALSE;
    }

  if (!awaits)
    {
      self->awaited_since = 0;
      self->stalled = FALSE;
    }
  else if (self->awaited_since == 0)
    self->awaited_since = now;
  else if (self->stall_timeout != G_MAXINT &&
           now - self->awaited_since >= to_microseconds (self->stall_timeout))
    self->stalled = TRUE;
}

/* The lock is held. */
static gboolean
should_ping (MsgpackRpcKeepalive *self,
             gint64               now)
{
  if (self->ping != NULL && _msgpack_rpc_call_has_ended (self->ping))
    g_clear_object (&self->ping);

  return self->ping_interval != 0 && self->ping == NULL &&
         now - self->heard_at >= to_microseconds (self->ping_interval);
}

/* When to look next. The lock is held. */
static gint64
next_look (MsgpackRpcKeepalive *self,
           gint64               now)
{
  gint64 time = G_MAXINT64;

  if (self->stall_timeout != G_MAXINT && (self->awaited_since != 0 || self->ping != NULL))
    time = now + MAX (to_microseconds (self->stall_timeout) / LOOKS, 1000);
  if (self->ping_interval != 0 && self->ping == NULL)
    time = MIN (time, self->heard_at + to_microseconds (self->ping_interval));
  else if (self->ping_interval != 0)
    time = MIN (time, now + to_microseconds (self->ping_interval));
  return time;
}

static MsgpackRpcCall *
look_locked (MsgpackRpcClient     *client,
             MsgpackRpcConnection *connection)
{
  MsgpackRpcKeepalive *self = &client->keepalive;
  g_autoptr(MsgpackRpcCall) ping = NULL;
  gint64 now = g_get_monotonic_time ();
  gint64 next;

  /* Before it is looked at: whoever makes a call from here on wakes us. */
  _msgpack_rpc_connection_set_watched (connection, FALSE);
  compare (self, connection, now);
  if (should_ping (self, now))
    {
      ping = _msgpack_rpc_call_new_internal (self->ping_method, NULL);
      g_set_object (&self->ping, ping);
    }

  next = next_look (self, now);
  if (next != G_MAXINT64)
    {
      _msgpack_rpc_connection_set_watched (connection, TRUE);
      look_at (self, client->reactor, next);
    }
  _msgpack_rpc_connection_set_overdue (connection, self->stalled);
  return g_steal_pointer (&ping);
}

static void
look (gpointer owner)
{
  MsgpackRpcClient *client = owner;
  MsgpackRpcKeepalive *self = &client->keepalive;
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);
  g_autoptr(MsgpackRpcCall) ping = NULL;

  /* It may have been us who did nothing. */
  if (connection != NULL)
    _msgpack_rpc_connection_work (connection);

  g_mutex_lock (&self->lock);
  self->timer_runs = FALSE;
  if (connection != NULL && msgpack_rpc_connection_is_connected (connection))
    ping = look_locked (client, connection);
  else
    forget (self);
  g_mutex_unlock (&self->lock);

  if (ping != NULL)
    msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (connection), ping);
  notify_stalled (client);
}

/* ---- when to look ---- */

void
_msgpack_rpc_client_look_soon (gpointer client)
{
  MsgpackRpcClient *self = client;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->keepalive.lock);

  look_at (&self->keepalive, self->reactor, g_get_monotonic_time ());
}

void
_msgpack_rpc_client_awaits_reply (gpointer client)
{
  MsgpackRpcClient *self = client;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->keepalive.lock);

  if (self->keepalive.stall_timeout != G_MAXINT)
    look_at (&self->keepalive, self->reactor,
             g_get_monotonic_time () + to_microseconds (self->keepalive.stall_timeout) / LOOKS);
}

void
_msgpack_rpc_client_keepalive_status (MsgpackRpcClient           *client,
                                      MsgpackRpcConnectionStatus  status)
{
  MsgpackRpcKeepalive *self = &client->keepalive;

  g_mutex_lock (&self->lock);
  /* Calls that waited for it started no timer that would find them: one that looked before stopped. */
  if (status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED &&
      (self->ping_interval != 0 || self->stall_timeout != G_MAXINT))
    look_at (self, client->reactor, g_get_monotonic_time ());
  else if (status != MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    forget (self);
  g_mutex_unlock (&self->lock);

  notify_stalled (client);
}

void
_msgpack_rpc_client_set_up_stream (MsgpackRpcClient *self,
                                   GIOStream        *stream)
{
  gboolean tcp_keepalive = msgpack_rpc_client_get_tcp_keepalive (self);

  if (G_IS_TCP_CONNECTION (stream))
    g_socket_set_keepalive (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)),
                            tcp_keepalive);
}

/* ---- the object ---- */

void
_msgpack_rpc_client_init_keepalive (MsgpackRpcClient *client)
{
  MsgpackRpcKeepalive *self = &client->keepalive;

  g_mutex_init (&self->lock);
  self->ping_method = g_strdup ("rpc.ping");
  self->stall_timeout = MSGPACK_RPC_DEFAULT_STALL_TIMEOUT;
  self->timer.func = look;
  self->timer.owner = G_OBJECT (client);
  self->timer.weak = TRUE;
}

void
_msgpack_rpc_client_stop_keepalive (MsgpackRpcClient *client)
{
  MsgpackRpcKeepalive *self = &client->keepalive;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_reactor_stop_timer (client->reactor, &self->timer);
  self->timer_runs = FALSE;
  forget (self);
}

void
_msgpack_rpc_client_clear_keepalive (MsgpackRpcClient *client)
{
  MsgpackRpcKeepalive *self = &client->keepalive;

  g_clear_object (&self->ping);
  g_free (self->ping_method);
  g_mutex_clear (&self->lock);
}

static gboolean
set_number (MsgpackRpcClient *client,
            int              *number,
            int               value,
            const char       *name)
{
  gboolean changed;

  g_mutex_lock (&client->keepalive.lock);
  changed = *number != value;
  *number = value;
  g_mutex_unlock (&client->keepalive.lock);

  if (changed)
    _msgpack_rpc_client_notify (client, name);
  return changed;
}

static int
get_number (MsgpackRpcClient *client,
            int              *number)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&client->keepalive.lock);

  return *number;
}

/**
 * msgpack_rpc_client_get_stalled: (get-property stalled)
 * @self: a client
 *
 * Gets whether the peer is overdue.
 *
 * Returns: whether it is
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_stalled (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  return get_number (self, &self->keepalive.stalled);
}

/**
 * msgpack_rpc_client_get_stall_timeout: (get-property stall-timeout)
 * @self: a client
 *
 * Gets how long the peer may be silent before it is said to have stalled.
 *
 * Returns: milliseconds, from 1; `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_client_get_stall_timeout (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), 0);

  return get_number (self, &self->keepalive.stall_timeout);
}

/**
 * msgpack_rpc_client_set_stall_timeout: (set-property stall-timeout)
 * @self: a client
 * @stall_timeout: milliseconds, from 1; `G_MAXINT` for no limit
 *
 * Sets how long the peer may be silent before it is said to have stalled.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_stall_timeout (MsgpackRpcClient *self,
                                      int               stall_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (stall_timeout >= 1);

  if (set_number (self, &self->keepalive.stall_timeout, stall_timeout, "stall-timeout"))
    _msgpack_rpc_client_look_soon (self);
}

/**
 * msgpack_rpc_client_get_ping_interval: (get-property ping-interval)
 * @self: a client
 *
 * Gets after how long a silence the peer is sent a ping.
 *
 * Returns: milliseconds; 0 for never
 * Since: 1.0
 */
int
msgpack_rpc_client_get_ping_interval (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), 0);

  return get_number (self, &self->keepalive.ping_interval);
}

/**
 * msgpack_rpc_client_set_ping_interval: (set-property ping-interval)
 * @self: a client
 * @ping_interval: milliseconds; 0 for never
 *
 * Sets after how long a silence the peer is sent a ping.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_ping_interval (MsgpackRpcClient *self,
                                      int               ping_interval)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (ping_interval >= 0);

  if (set_number (self, &self->keepalive.ping_interval, ping_interval, "ping-interval"))
    _msgpack_rpc_client_look_soon (self);
}

/**
 * msgpack_rpc_client_get_ping_method: (get-property ping-method)
 * @self: a client
 *
 * Gets the method that pings call.
 *
 * Returns: (transfer full): the name of the method
 * Since: 1.0
 */
char *
msgpack_rpc_client_get_ping_method (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->keepalive.lock);
  return g_strdup (self->keepalive.ping_method);
}

/**
 * msgpack_rpc_client_set_ping_method: (set-property ping-method)
 * @self: a client
 * @ping_method: the name of a method that takes no parameters
 *
 * Sets the method that pings call.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_ping_method (MsgpackRpcClient *self,
                                    const char       *ping_method)
{
  g_autofree char *old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (ping_method != NULL);

  g_mutex_lock (&self->keepalive.lock);
  old = self->keepalive.ping_method;
  self->keepalive.ping_method = g_strdup (ping_method);
  g_mutex_unlock (&self->keepalive.lock);

  if (!g_str_equal (old, ping_method))
    _msgpack_rpc_client_notify (self, "ping-method");
}

/**
 * msgpack_rpc_client_get_tcp_keepalive: (get-property tcp-keepalive)
 * @self: a client
 *
 * Gets whether the kernel looks whether the peer's machine is still there.
 *
 * Returns: whether it does
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_get_tcp_keepalive (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), FALSE);

  return get_number (self, &self->keepalive.tcp_keepalive);
}

/**
 * msgpack_rpc_client_set_tcp_keepalive: (set-property tcp-keepalive)
 * @self: a client
 * @tcp_keepalive: whether it does
 *
 * Sets whether the kernel looks whether the peer's machine is still there, on the present connection
 * and those to come.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_tcp_keepalive (MsgpackRpcClient *self,
                                      gboolean          tcp_keepalive)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));

  if (!set_number (self, &self->keepalive.tcp_keepalive, !!tcp_keepalive, "tcp-keepalive"))
    return;

  connection = msgpack_rpc_client_get_connection (self);
  if (connection != NULL)
    _msgpack_rpc_client_set_up_stream (self, msgpack_rpc_connection_get_io_stream (connection));
}
