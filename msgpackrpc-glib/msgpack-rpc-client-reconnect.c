/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-network-private.h"

/* What a client does when an attempt to connect has failed, and when it has lost its connection: it
 * tries again if its policy says so, and the calls that were not lost go on. */

/* How long it waits for descriptors, in microseconds. */
#define DESCRIPTOR_DELAY (100 * 1000)

/* ---- delays ---- */

/* A connection that waits needs a descriptor, which there may be none of: that is no reason to give up.
 * Threads that wait look for one, too: the timer belongs to the client's context. */
static void
open_later (MsgpackRpcClient     *self,
            MsgpackRpcConnection *connection,
            gint64                time)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (_msgpack_rpc_connection_open_later (connection, time))
    return;

  locker = g_mutex_locker_new (&self->lock);
  if (self->connection == connection)
    _msgpack_rpc_reactor_start_timer (self->reactor, &self->open_timer,
                                      MAX (time, g_get_monotonic_time () + DESCRIPTOR_DELAY));
}

void
_msgpack_rpc_client_hurry (MsgpackRpcClient     *self,
                           MsgpackRpcConnection *connection)
{
  open_later (self, connection, 0);
  _msgpack_rpc_connection_hurry (connection);
}

/* The network is back, or there may be descriptors again. */
static void
open_now (gpointer owner)
{
  MsgpackRpcClient *self = owner;
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_mutex_lock (&self->lock);
  if (self->is_wanted && self->was_opened)
    g_set_object (&connection, self->connection);
  g_mutex_unlock (&self->lock);

  if (connection != NULL)
    _msgpack_rpc_client_hurry (self, connection);
}

/* When the next attempt is due. The lock is held. */
static gint64
begin_delay (MsgpackRpcClient *self)
{
  int delay = _msgpack_rpc_reconnect_policy_choose_delay (self->policy, self->n_delays);

  if (!self->watches_network)
    {
      self->watches_network = TRUE;
      _msgpack_rpc_network_watch (G_OBJECT (self), open_now);
    }

  self->n_delays++;
  self->last_delay = delay * (gint64) 1000;
  return g_get_monotonic_time () + self->last_delay;
}

/* A peer that takes connections and ends them at once must not be asked for more and more of them. */
static void
count_lost_connection (MsgpackRpcClient *self)
{
  if (g_get_monotonic_time () - self->connected_at < self->last_delay)
    return;

  self->n_delays = 0;
  self->last_delay = 0;
}

/* A stream cannot be had twice. */
static gboolean
reconnects (MsgpackRpcClient *self)
{
  return self->is_wanted && self->policy != NULL && self->target.io_stream == NULL;
}

/* ---- attempts ---- */

static void
tell_attempt (gpointer owner,
              gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcClient *self = owner;
  gboolean changed;

  g_mutex_lock (&self->lock);
  self->attempt_posted = FALSE;
  changed = self->told_attempt != self->n_attempts;
  self->told_attempt = self->n_attempts;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify (owner, "attempt");
}

void
_msgpack_rpc_client_set_attempt (MsgpackRpcClient *self,
                                 guint             n)
{
  gboolean changed = self->n_attempts != n;

  self->n_attempts = n;
  if (!changed || self->attempt_posted)
    return;

  self->attempt_posted = TRUE;
  _msgpack_rpc_reactor_post (self->reactor, self, self, FALSE, tell_attempt, NULL, NULL);
}

void
_msgpack_rpc_client_begin_attempt (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  /* Who closes the client cancels what is about to begin. */
  if (self->is_wanted)
    _msgpack_rpc_client_set_attempt (self, self->n_attempts + 1);
}

void
_msgpack_rpc_client_attempt_succeeded (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  _msgpack_rpc_client_set_attempt (self, 0);
  self->connected_at = g_get_monotonic_time ();
}

static void
name_attempt (GError **error,
              guint    n,
              guint    max)
{
  if (max == 0)
    g_prefix_error (error, _("Attempt %u: "), n);
  else
    g_prefix_error (error, _("Attempt %u of %u: "), n, max);
}

gboolean
_msgpack_rpc_client_attempt_failed (MsgpackRpcClient      *self,
                                    MsgpackRpcConnection  *connection,
                                    GError               **error)
{
  gboolean goes_on = FALSE;
  gint64 time = 0;
  guint max;

  g_mutex_lock (&self->lock);
  if (self->policy != NULL && self->n_attempts > 0 && !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      max = msgpack_rpc_reconnect_policy_get_max_attempts (self->policy);
      goes_on = reconnects (self) && (max == 0 || self->n_attempts < max) &&
                !g_error_matches (*error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
      name_attempt (error, self->n_attempts, max);
    }
  if (goes_on)
    time = begin_delay (self);
  g_mutex_unlock (&self->lock);

  return goes_on && _msgpack_rpc_connection_retry (connection, time, *error);
}

/* ---- the end of a connection ---- */

MsgpackRpcKeep
_msgpack_rpc_client_get_keep_unlocked (MsgpackRpcClient *self)
{
  if (!self->is_wanted)
    return MSGPACK_RPC_KEEP_NOTHING;

  return reconnects (self) ? MSGPACK_RPC_KEEP_UNSENT : MSGPACK_RPC_KEEP_READY;
}

MsgpackRpcKeep
_msgpack_rpc_client_get_keep (gpointer              client,
                              MsgpackRpcConnection *connection)
{
  MsgpackRpcClient *self = client;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->connection != connection)
    return MSGPACK_RPC_KEEP_NOTHING;

  return _msgpack_rpc_client_get_keep_unlocked (self);
}

/* Whether somebody of this end has stopped connecting. */
static gboolean
was_stopped (const GError *error,
             gboolean      opened)
{
  return !opened &&
         (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

/* The lock is held. */
static MsgpackRpcKeep
choose_keep (MsgpackRpcClient *self,
             const GError     *error,
             gboolean          opened)
{
  MsgpackRpcKeep keep = _msgpack_rpc_client_get_keep_unlocked (self);

  if (self->open_again)
    return MAX (keep, MSGPACK_RPC_KEEP_OPENING);
  if (was_stopped (error, opened))
    return MSGPACK_RPC_KEEP_NOTHING;

  return opened ? keep : MIN (keep, MSGPACK_RPC_KEEP_READY);
}

/* The calls that go on have a new connection. Returns the others. The lock is held. */
static GPtrArray *
hand_over (MsgpackRpcClient *self,
           MsgpackRpcKeep    keep)
{
  g_autoptr(GPtrArray) calls = NULL;
  GPtrArray *rest;

  calls = _msgpack_rpc_connection_take_calls (self->connection, keep, &rest);
  if (calls->len == 0 && keep < MSGPACK_RPC_KEEP_OPENING)
    return rest;

  _msgpack_rpc_client_renew_connection (self);
  for (guint i = 0; i < calls->len; i++)
    _msgpack_rpc_connection_adopt (self->connection, g_ptr_array_index (calls, i));
  return rest;
}

/* A connection that is to be opened at @time, or NULL. The lock is held. */
static MsgpackRpcConnection *
replace_connection (MsgpackRpcClient  *self,
                    MsgpackRpcKeep     keep,
                    GPtrArray        **rest,
                    gint64            *time)
{
  *rest = hand_over (self, keep);
  self->has_lost = keep < MSGPACK_RPC_KEEP_OPENING;
  if (self->has_lost)
    return NULL;

  *time = 0;
  if (!self->open_again)
    {
      count_lost_connection (self);
      *time = begin_delay (self);
    }
  self->open_again = FALSE;
  self->was_opened = TRUE;
  return g_object_ref (self->connection);
}

GPtrArray *
_msgpack_rpc_client_ended (gpointer              client,
                           MsgpackRpcConnection *connection,
                           const GError         *error,
                           gboolean              opened)
{
  MsgpackRpcClient *self = client;
  g_autoptr(MsgpackRpcConnection) next = NULL;
  GPtrArray *rest = NULL;
  gint64 time;

  g_mutex_lock (&self->lock);
  if (self->connection == connection)
    next = replace_connection (self, choose_keep (self, error, opened), &rest, &time);
  g_mutex_unlock (&self->lock);

  if (next != NULL)
    open_later (self, next, time);
  return rest;
}

void
_msgpack_rpc_client_init_reconnect (MsgpackRpcClient *self)
{
  self->open_timer.func = open_now;
  self->open_timer.owner = G_OBJECT (self);
  self->open_timer.weak = TRUE;
}

void
_msgpack_rpc_client_stop_reconnect (MsgpackRpcClient *self)
{
  gboolean watches_network;

  g_mutex_lock (&self->lock);
  watches_network = self->watches_network;
  self->watches_network = FALSE;
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->open_timer);
  g_mutex_unlock (&self->lock);

  if (watches_network)
    _msgpack_rpc_network_unwatch (G_OBJECT (self));
}

/* ---- what applications see of it ---- */

/**
 * msgpack_rpc_client_get_attempt: (get-property attempt)
 * @self: a client
 *
 * Gets which attempt to connect is being made, or was made last.
 *
 * Returns: its number, from 1; or 0 while the client is connected, or nobody wants it to be
 * Since: 1.0
 */
guint
msgpack_rpc_client_get_attempt (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->n_attempts;
}

/**
 * msgpack_rpc_client_get_reconnect_policy: (get-property reconnect-policy)
 * @self: a client
 *
 * Gets when the client connects again by itself.
 *
 * Returns: (transfer full) (nullable): the policy, or `NULL` if it does not
 * Since: 1.0
 */
MsgpackRpcReconnectPolicy *
msgpack_rpc_client_get_reconnect_policy (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->policy != NULL ? g_object_ref (self->policy) : NULL;
}

/**
 * msgpack_rpc_client_set_reconnect_policy: (set-property reconnect-policy)
 * @self: a client
 * @policy: (nullable): a policy, or `NULL`
 *
 * Sets when the client connects again by itself.
 *
 * An attempt that is under way, or waited for, is still made when @policy is `NULL`; if it fails,
 * it was the last one.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_reconnect_policy (MsgpackRpcClient          *self,
                                         MsgpackRpcReconnectPolicy *policy)
{
  g_autoptr(MsgpackRpcReconnectPolicy) old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (policy == NULL || MSGPACK_RPC_IS_RECONNECT_POLICY (policy));

  g_mutex_lock (&self->lock);
  old = self->policy;
  self->policy = policy != NULL ? g_object_ref (policy) : NULL;
  g_mutex_unlock (&self->lock);

  if (old != policy)
    _msgpack_rpc_client_notify (self, "reconnect-policy");
}
