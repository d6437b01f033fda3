/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-method-private.h"
#include "msgpack-rpc-subscribing-private.h"

/* The topics of a dispatcher, and how peers subscribe to them. */

/* ---- for peers ---- */

/* Those of the dispatchers that come next can be subscribed to as well. */
static MsgpackRpcTopic *
find_in_chain (MsgpackRpcDispatcher *self,
               const char           *name)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = g_object_ref (self);

  while (dispatcher != NULL)
    {
      MsgpackRpcTopic *topic = msgpack_rpc_dispatcher_lookup_topic (dispatcher, name);
      MsgpackRpcDispatcher *next;

      if (topic != NULL)
        return topic;

      next = msgpack_rpc_dispatcher_get_next (dispatcher);
      g_object_unref (dispatcher);
      dispatcher = next;
    }

  return NULL;
}

static gboolean
find_for_peer (MsgpackRpcDispatcher  *self,
               MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               MsgpackRpcTopic      **topic,
               GError               **error)
{
  const char *name;

  g_variant_get (params, "(&s)", &name);
  if (msgpack_rpc_invocation_get_connection (invocation) == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "There is no connection to publish to");
      return FALSE;
    }

  *topic = find_in_chain (self, name);
  if (*topic == NULL)
    _msgpack_rpc_topic_set_not_found (name, error);
  return *topic != NULL;
}

static gboolean
handle_subscribe (MsgpackRpcInvocation  *invocation,
                  GVariant              *params,
                  gpointer               user_data,
                  GError               **error)
{
  g_autoptr(MsgpackRpcTopic) topic = NULL;

  if (!find_for_peer (user_data, invocation, params, &topic, error) ||
      !_msgpack_rpc_topic_subscribe (topic, msgpack_rpc_invocation_get_connection (invocation),
                                     error))
    return FALSE;

  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

static gboolean
handle_unsubscribe (MsgpackRpcInvocation  *invocation,
                    GVariant              *params,
                    gpointer               user_data,
                    GError               **error)
{
  g_autoptr(MsgpackRpcTopic) topic = NULL;

  if (!find_for_peer (user_data, invocation, params, &topic, error))
    return FALSE;

  _msgpack_rpc_topic_unsubscribe (topic, msgpack_rpc_invocation_get_connection (invocation));
  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

/* Whoever runs it holds the dispatcher. */
static MsgpackRpcMethodEntry *
make_method (MsgpackRpcDispatcher *self,
             const char           *name,
             MsgpackRpcHandler     handler)
{
  g_autoptr(MsgpackRpcMethod) method = NULL;

  method = _msgpack_rpc_method_new (_msgpack_rpc_method_table_next_id (&self->table), name, "(s)",
                                    MSGPACK_RPC_METHOD_FLAGS_NONE);
  return _msgpack_rpc_method_entry_new (method, handler, self, NULL);
}

/* ---- for the application ---- */

/**
 * msgpack_rpc_dispatcher_add_topic:
 * @self: a dispatcher
 * @name: the name, in UTF-8; peers subscribe to exactly this
 * @signature: (nullable): the type that each value must have, as a `GVariant` type string, or `NULL` if
 *   it may have any
 *
 * Adds a topic, to which peers can subscribe.
 *
 * With the first one, the dispatcher answers the methods `rpc.subscribe` and `rpc.unsubscribe`, unless
 * it has methods of these names. What a peer can do with a topic is in [class@Topic].
 *
 * Returns: (transfer full) (nullable): the topic, or `NULL` if there is one of that name already
 * Since: 1.0
 */
MsgpackRpcTopic *
msgpack_rpc_dispatcher_add_topic (MsgpackRpcDispatcher *self,
                                  const char           *name,
                                  const char           *signature)
{
  g_autoptr(MsgpackRpcTopic) topic = NULL;
  guint position;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);
  g_return_val_if_fail (name != NULL && g_utf8_validate (name, -1, NULL), NULL);
  g_return_val_if_fail (signature == NULL || g_variant_type_string_is_valid (signature), NULL);

  topic = _msgpack_rpc_topic_new (name, signature);
  g_mutex_lock (&self->lock);
  if (_msgpack_rpc_topic_table_lookup (&self->topics, name) != NULL)
    {
      g_mutex_unlock (&self->lock);
      return NULL;
    }

  if (self->topics.subscribe == NULL)
    {
      self->topics.subscribe = make_method (self, MSGPACK_RPC_SUBSCRIBE_METHOD, handle_subscribe);
      self->topics.unsubscribe = make_method (self, MSGPACK_RPC_UNSUBSCRIBE_METHOD,
                                              handle_unsubscribe);
    }
  position = _msgpack_rpc_topic_table_put (&self->topics, topic);
  g_mutex_unlock (&self->lock);

  g_list_model_items_changed (G_LIST_MODEL (self->topics.topics), position, 0, 1);
  return g_steal_pointer (&topic);
}

/**
 * msgpack_rpc_dispatcher_lookup_topic:
 * @self: a dispatcher
 * @name: a name
 *
 * Gets the topic of a name.
 *
 * Returns: (transfer full) (nullable): the topic, or `NULL` if there is none
 * Since: 1.0
 */
MsgpackRpcTopic *
msgpack_rpc_dispatcher_lookup_topic (MsgpackRpcDispatcher *self,
                                     const char           *name)
{
  g_autoptr(GMutexLocker) locker = NULL;
  MsgpackRpcTopic *topic;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  locker = g_mutex_locker_new (&self->lock);
  topic = _msgpack_rpc_topic_table_lookup (&self->topics, name);
  return topic != NULL ? g_object_ref (topic) : NULL;
}

/**
 * msgpack_rpc_dispatcher_remove_topic:
 * @self: a dispatcher
 * @name: the name of a topic
 *
 * Removes a topic.
 *
 * What was published is still sent; then those who had subscribed hear no more of it, and are not told
 * so. What the topic is bound to is let go. What is published with its object from now on reaches
 * nobody.
 *
 * Returns: `TRUE` if it was removed, `FALSE` if there is no such topic
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_remove_topic (MsgpackRpcDispatcher *self,
                                     const char           *name)
{
  g_autoptr(MsgpackRpcTopic) topic = NULL;
  guint position = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  g_mutex_lock (&self->lock);
  topic = _msgpack_rpc_topic_table_take (&self->topics, name, &position);
  g_mutex_unlock (&self->lock);

  if (topic == NULL)
    return FALSE;

  _msgpack_rpc_topic_remove (topic);
  g_list_model_items_changed (G_LIST_MODEL (self->topics.topics), position, 1, 0);
  return TRUE;
}

/**
 * msgpack_rpc_dispatcher_get_topics: (get-property topics)
 * @self: a dispatcher
 *
 * Gets the topics, as a list of [class@Topic], in the order in which they were added.
 *
 * The list is always the same object, and changes with the topics.
 *
 * Returns: (transfer none): the list
 * Since: 1.0
 */
GListModel *
msgpack_rpc_dispatcher_get_topics (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  return G_LIST_MODEL (self->topics.topics);
}

/**
 * msgpack_rpc_dispatcher_publish:
 * @self: a dispatcher
 * @topic: the name of a topic
 * @value: (nullable): the value, or `NULL` for nil
 * @error: return location for an error
 *
 * Sends a value to all who have subscribed to a topic; see [method@Topic.publish].
 *
 * If @value is floating, it is consumed.
 *
 * Returns: `TRUE` if it was sent to all, of whom there may be none; `FALSE` with @error set to
 *   [error@Error.TOPIC_NOT_FOUND] if there is no such topic, or as for [method@Topic.publish]
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_publish (MsgpackRpcDispatcher  *self,
                                const char            *topic,
                                GVariant              *value,
                                GError               **error)
{
  g_autoptr(GVariant) sunk = NULL;
  g_autoptr(MsgpackRpcTopic) found = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  found = msgpack_rpc_dispatcher_lookup_topic (self, topic);
  if (found != NULL)
    return msgpack_rpc_topic_publish (found, sunk, error);

  _msgpack_rpc_topic_set_not_found (topic, error);
  return FALSE;
}
