/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-topic-table-private.h"

#include "msgpack-rpc-subscribing-private.h"

void
_msgpack_rpc_topic_table_init (MsgpackRpcTopicTable *self)
{
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->topics = _msgpack_rpc_object_list_new (MSGPACK_RPC_TYPE_TOPIC);
}

void
_msgpack_rpc_topic_table_clear (MsgpackRpcTopicTable *self)
{
  g_autoptr(GPtrArray) topics = _msgpack_rpc_object_list_take (self->topics);

  g_hash_table_unref (self->by_name);
  g_object_unref (self->topics);
  g_clear_pointer (&self->subscribe, _msgpack_rpc_method_entry_unref);
  g_clear_pointer (&self->unsubscribe, _msgpack_rpc_method_entry_unref);

  for (guint i = 0; i < topics->len; i++)
    _msgpack_rpc_topic_remove (g_ptr_array_index (topics, i));
}

MsgpackRpcTopic *
_msgpack_rpc_topic_table_lookup (MsgpackRpcTopicTable *self,
                                 const char           *name)
{
  return g_hash_table_lookup (self->by_name, name);
}

MsgpackRpcMethodEntry *
_msgpack_rpc_topic_table_lookup_method (MsgpackRpcTopicTable *self,
                                        const char           *name)
{
  if (self->subscribe == NULL)
    return NULL;
  if (strcmp (name, MSGPACK_RPC_SUBSCRIBE_METHOD) == 0)
    return self->subscribe;

  return strcmp (name, MSGPACK_RPC_UNSUBSCRIBE_METHOD) == 0 ? self->unsubscribe : NULL;
}

guint
_msgpack_rpc_topic_table_put (MsgpackRpcTopicTable *self,
                              MsgpackRpcTopic      *topic)
{
  g_hash_table_insert (self->by_name, topic->name, topic);
  return _msgpack_rpc_object_list_append (self->topics, topic);
}

MsgpackRpcTopic *
_msgpack_rpc_topic_table_take (MsgpackRpcTopicTable *self,
                               const char           *name,
                               guint                *position)
{
  MsgpackRpcTopic *topic = _msgpack_rpc_topic_table_lookup (self, name);

  if (topic == NULL)
    return NULL;

  g_object_ref (topic);
  g_hash_table_remove (self->by_name, name);
  _msgpack_rpc_object_list_remove (self->topics, topic, position);
  return topic;
}
