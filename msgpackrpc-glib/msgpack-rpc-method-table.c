/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-table-private.h"

#include <string.h>

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
  g_clear_pointer (&self->prefixes, g_ptr_array_unref);
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

MsgpackRpcMethodEntry *
_msgpack_rpc_method_table_match (MsgpackRpcMethodTable *self,
                                 const char            *name)
{
  for (guint i = 0; self->prefixes != NULL && i < self->prefixes->len; i++)
    {
      MsgpackRpcMethodEntry *entry = g_ptr_array_index (self->prefixes, i);

      if (g_str_has_prefix (name, msgpack_rpc_method_get_name (entry->method)))
        return entry;
    }

  return NULL;
}

static int
compare_lengths (gconstpointer a,
                 gconstpointer b)
{
  const MsgpackRpcMethodEntry *left = *(MsgpackRpcMethodEntry * const *) a;
  const MsgpackRpcMethodEntry *right = *(MsgpackRpcMethodEntry * const *) b;
  gsize left_length = strlen (msgpack_rpc_method_get_name (left->method));
  gsize right_length = strlen (msgpack_rpc_method_get_name (right->method));

  return left_length > right_length ? -1 : left_length < right_length;
}

static void
add_prefix (MsgpackRpcMethodTable *self,
            MsgpackRpcMethodEntry *entry)
{
  if (!(entry->flags & MSGPACK_RPC_METHOD_FLAGS_PREFIX))
    return;

  if (self->prefixes == NULL)
    self->prefixes = g_ptr_array_new ();
  g_ptr_array_add (self->prefixes, entry);
  g_ptr_array_sort (self->prefixes, compare_lengths);
}

static void
remove_prefix (MsgpackRpcMethodTable *self,
               MsgpackRpcMethodEntry *entry)
{
  if (entry->flags & MSGPACK_RPC_METHOD_FLAGS_PREFIX)
    g_ptr_array_remove (self->prefixes, entry);
}

guint
_msgpack_rpc_method_table_put (MsgpackRpcMethodTable *self,
                               MsgpackRpcMethodEntry *entry,
                               MsgpackRpcMethodEntry *old)
{
  guint position;

  if (old != NULL)
    {
      g_hash_table_steal (self->by_id, get_key (old));
      remove_prefix (self, old);
    }

  /* The key is the entry's own. */
  g_hash_table_replace (self->by_name, (gpointer) msgpack_rpc_method_get_name (entry->method), entry);
  g_hash_table_insert (self->by_id, get_key (entry), entry);
  add_prefix (self, entry);

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
  remove_prefix (self, entry);
  g_hash_table_remove (self->by_name, msgpack_rpc_method_get_name (entry->method));
  _msgpack_rpc_object_list_remove (self->methods, entry->method, position);
  return entry;
}
