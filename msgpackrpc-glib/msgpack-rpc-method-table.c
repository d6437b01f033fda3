/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-table-private.h"

static gpointer
get_key (MsgpackRpcMethodEntry *entry)
{
  return GUINT_TO_POINTER (msgpack_rpc_method_get_id (entry->method));
}

void
_msgpack_rpc_method_table_init (MsgpackRpcMethodTable *self)
{
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_id = g_hash_table_new_full (NULL, NULL, NULL, _msgpack_rpc_method_entry_unref);
  self->methods = _msgpack_rpc_object_list_new (MSGPACK_RPC_TYPE_METHOD);
}

void
_msgpack_rpc_method_table_clear (MsgpackRpcMethodTable *self)
{
  g_hash_table_unref (self->by_name);
  g_hash_table_unref (self->by_id);
  g_object_unref (self->methods);
}

guint
_msgpack_rpc_method_table_next_id (MsgpackRpcMethodTable *self)
{
  do
    self->last_id++;
  while (self->last_id == 0 ||
         g_hash_table_contains (self->by_id, GUINT_TO_POINTER (self->last_id)));

  return self->last_id;
}

MsgpackRpcMethodEntry *
_msgpack_rpc_method_table_lookup (MsgpackRpcMethodTable *self,
                                  const char            *name)
{
  return g_hash_table_lookup (self->by_name, name);
}

guint
_msgpack_rpc_method_table_put (MsgpackRpcMethodTable *self,
                               MsgpackRpcMethodEntry *entry,
                               MsgpackRpcMethodEntry *old)
{
  guint position;

  if (old != NULL)
    g_hash_table_steal (self->by_id, get_key (old));

  /* The key is the entry's own. */
  g_hash_table_replace (self->by_name, (gpointer) msgpack_rpc_method_get_name (entry->method), entry);
  g_hash_table_insert (self->by_id, get_key (entry), entry);

  if (old == NULL ||
      !_msgpack_rpc_object_list_replace (self->methods, old->method, entry->method, &position))
    position = _msgpack_rpc_object_list_append (self->methods, entry->method);

  return position;
}

MsgpackRpcMethodEntry *
_msgpack_rpc_method_table_take (MsgpackRpcMethodTable *self,
                                guint                  id,
                                guint                 *position)
{
  gpointer data = NULL;
  MsgpackRpcMethodEntry *entry;

  g_hash_table_steal_extended (self->by_id, GUINT_TO_POINTER (id), NULL, &data);
  if (data == NULL)
    return NULL;

  entry = data;
  g_hash_table_remove (self->by_name, msgpack_rpc_method_get_name (entry->method));
  _msgpack_rpc_object_list_remove (self->methods, entry->method, position);
  return entry;
}
