/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include "msgpack-rpc-subscription-private.h"

/* What the peer of a connection has subscribed to. */

MsgpackRpcLink *
_msgpack_rpc_connection_ref_link (MsgpackRpcConnection *self)
{
  return g_object_ref (self->link);
}

MsgpackRpcInterests **
_msgpack_rpc_connection_get_interests (MsgpackRpcConnection *self)
{
  return &self->interests;
}

/* The lock is held. */
static MsgpackRpcSubscription *
find_subscription (MsgpackRpcConnection *self,
                   MsgpackRpcTopic      *topic)
{
  for (guint i = 0; self->subscriptions != NULL && i < self->subscriptions->len; i++)
    {
      MsgpackRpcSubscription *subscription = g_ptr_array_index (self->subscriptions, i);

      if (_msgpack_rpc_subscription_get_topic (subscription) == topic)
        return subscription;
    }

  return NULL;
}

gboolean
_msgpack_rpc_connection_add_subscription (MsgpackRpcConnection    *self,
                                          MsgpackRpcSubscription  *subscription,
                                          gboolean                *is_new,
                                          GError                 **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint max = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS);

  *is_new = find_subscription (self, _msgpack_rpc_subscription_get_topic (subscription)) == NULL;
  if (!*is_new)
    return TRUE;

  /* Whoever ends it looks for them afterwards, with the lock held. */
  if (_msgpack_rpc_link_has_ended (self->link))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The connection is closed");
      return FALSE;
    }

  if (self->subscriptions == NULL)
    self->subscriptions = g_ptr_array_new_with_free_func (g_object_unref);
  if (self->subscriptions->len >= max)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                   "The limit of %u subscriptions is reached: unsubscribe from another topic first",
                   max);
      return FALSE;
    }

  g_ptr_array_add (self->subscriptions, g_object_ref (subscription));
  return TRUE;
}

void
_msgpack_rpc_connection_forget_subscription (MsgpackRpcConnection   *self,
                                             MsgpackRpcSubscription *subscription)
{
  guint i;

  g_mutex_lock (&self->lock);
  if (self->subscriptions == NULL || !g_ptr_array_find (self->subscriptions, subscription, &i))
    subscription = NULL;
  else
    g_ptr_array_steal_index_fast (self->subscriptions, i);
  g_mutex_unlock (&self->lock);

  g_clear_object (&subscription);
}

MsgpackRpcSubscription *
_msgpack_rpc_connection_ref_subscription (MsgpackRpcConnection *self,
                                          MsgpackRpcTopic      *topic)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcSubscription *subscription = find_subscription (self, topic);

  return subscription != NULL ? g_object_ref (subscription) : NULL;
}

void
_msgpack_rpc_connection_end_subscriptions (MsgpackRpcConnection *self)
{
  g_autoptr(GPtrArray) subscriptions = NULL;

  g_mutex_lock (&self->lock);
  subscriptions = g_steal_pointer (&self->subscriptions);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; subscriptions != NULL && i < subscriptions->len; i++)
    _msgpack_rpc_subscription_end (g_ptr_array_index (subscriptions, i), TRUE);
}
