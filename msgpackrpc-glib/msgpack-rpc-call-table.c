/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-table-private.h"

#include "msgpack-rpc-message-private.h"

/* How many ids of requests given up are remembered. */
#define MAX_LATE 4096

void
_msgpack_rpc_call_table_init (MsgpackRpcCallTable *self)
{
  *self = (MsgpackRpcCallTable) { .requests = NULL };
  g_queue_init (&self->late_order);
}

/* A server's connections make no calls, and idle ones are to be small. */
static gboolean
is_unused (MsgpackRpcCallTable *self)
{
  return self->requests == NULL;
}

static void
begin_use (MsgpackRpcCallTable *self)
{
  self->requests = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  self->others = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->late = g_hash_table_new (NULL, NULL);
}

void
_msgpack_rpc_call_table_clear (MsgpackRpcCallTable *self)
{
  g_assert (is_unused (self) || g_hash_table_size (self->requests) == 0);
  g_assert (is_unused (self) || g_hash_table_size (self->others) == 0);

  g_clear_pointer (&self->requests, g_hash_table_unref);
  g_clear_pointer (&self->others, g_hash_table_unref);
  g_clear_pointer (&self->late, g_hash_table_unref);
  g_queue_clear (&self->late_order);
  g_clear_pointer (&self->lists, g_ptr_array_unref);
}

/* What the application has not called is not shown to it. */
static guint
count_lists (MsgpackRpcCallTable *self,
             MsgpackRpcCall      *call)
{
  return self->lists != NULL && !_msgpack_rpc_call_is_internal (call) ? self->lists->len : 0;
}

static void
request_came (MsgpackRpcCallTable *self,
              MsgpackRpcCall      *call)
{
  for (guint i = 0; i < count_lists (self, call); i++)
    _msgpack_rpc_call_list_add (g_ptr_array_index (self->lists, i), call);
}

static void
call_left (MsgpackRpcCallTable *self,
           MsgpackRpcCall      *call)
{
  if (self->parked_bytes > 0)
    self->parked_bytes -= _msgpack_rpc_call_get_parked_size (call);
}

static void
request_left (MsgpackRpcCallTable *self,
              MsgpackRpcCall      *call)
{
  call_left (self, call);
  for (guint i = 0; i < count_lists (self, call); i++)
    _msgpack_rpc_call_list_remove (g_ptr_array_index (self->lists, i), call);
}

guint32
_msgpack_rpc_call_table_new_id (MsgpackRpcCallTable *self)
{
  if (is_unused (self))
    begin_use (self);

  do
    self->last_id = self->last_id >= G_MAXINT32 ? 1 : self->last_id + 1;
  while (g_hash_table_contains (self->requests, GUINT_TO_POINTER (self->last_id)) ||
         g_hash_table_contains (self->late, GUINT_TO_POINTER (self->last_id)));

  return self->last_id;
}

void
_msgpack_rpc_call_table_add (MsgpackRpcCallTable *self,
                             MsgpackRpcCall      *call,
                             guint32              id)
{
  if (is_unused (self))
    begin_use (self);

  _msgpack_rpc_call_set_sequence (call, ++self->last_sequence);
  self->parked_bytes += _msgpack_rpc_call_get_parked_size (call);
  if (id == 0)
    {
      g_hash_table_add (self->others, g_object_ref (call));
      return;
    }

  g_hash_table_insert (self->requests, GUINT_TO_POINTER (id), g_object_ref (call));
  request_came (self, call);
}

static void
remember_late (MsgpackRpcCallTable *self,
               guint32              id)
{
  if (!g_hash_table_add (self->late, GUINT_TO_POINTER (id)))
    return;

  g_queue_push_tail (&self->late_order, GUINT_TO_POINTER (id));
  if (self->late_order.length > MAX_LATE)
    g_hash_table_remove (self->late, g_queue_pop_head (&self->late_order));
}

gboolean
_msgpack_rpc_call_table_forget (MsgpackRpcCallTable *self,
                                MsgpackRpcCall      *call,
                                guint32              id,
                                gboolean             may_be_answered)
{
  if (is_unused (self))
    return FALSE;
  if (!(id == 0 ? g_hash_table_remove (self->others, call)
                : g_hash_table_remove (self->requests, GUINT_TO_POINTER (id))))
    return FALSE;

  if (id == 0)
    {
      call_left (self, call);
      return TRUE;
    }

  request_left (self, call);
  if (may_be_answered)
    remember_late (self, id);
  return TRUE;
}

MsgpackRpcReplyKind
_msgpack_rpc_call_table_take (MsgpackRpcCallTable  *self,
                              gint64                id,
                              MsgpackRpcCall      **call)
{
  gpointer key, value;

  *call = NULL;
  if (is_unused (self) || id < 1 || id > G_MAXINT32)
    return MSGPACK_RPC_REPLY_UNKNOWN;

  key = GUINT_TO_POINTER ((guint) id);
  if (g_hash_table_steal_extended (self->requests, key, NULL, &value))
    {
      *call = value;
      request_left (self, *call);
      return MSGPACK_RPC_REPLY_AWAITED;
    }

  if (!g_hash_table_remove (self->late, key))
    return MSGPACK_RPC_REPLY_UNKNOWN;

  g_queue_remove (&self->late_order, key);
  return MSGPACK_RPC_REPLY_LATE;
}

MsgpackRpcCall *
_msgpack_rpc_call_table_lookup (MsgpackRpcCallTable *self,
                                gint64               id)
{
  MsgpackRpcCall *call = NULL;

  if (!is_unused (self) && id >= 1 && id <= G_MAXINT32)
    call = g_hash_table_lookup (self->requests, GUINT_TO_POINTER ((guint) id));

  return call != NULL ? g_object_ref (call) : NULL;
}

static int
compare_ids (gconstpointer a,
             gconstpointer b)
{
  guint left = GPOINTER_TO_UINT (a);
  guint right = GPOINTER_TO_UINT (b);

  return left < right ? -1 : left > right;
}

static GList *
get_ids (MsgpackRpcCallTable *self)
{
  return is_unused (self)
         ? NULL : g_list_sort (g_hash_table_get_keys (self->requests), compare_ids);
}

/* Those of @ids that are ids of requests: no more than there are requests. */
static GHashTable *
find_requests (MsgpackRpcCallTable *self,
               GVariant            *ids)
{
  GHashTable *found = g_hash_table_new (NULL, NULL);
  GVariantIter iter;
  GVariant *id;

  g_variant_iter_init (&iter, ids);
  while (g_variant_iter_next (&iter, "v", &id))
    {
      gint64 number;

      if (_msgpack_rpc_value_get_int (id, &number) && number > 0 && number <= G_MAXINT32 &&
          g_hash_table_contains (self->requests, GUINT_TO_POINTER ((guint) number)))
        g_hash_table_add (found, GUINT_TO_POINTER ((guint) number));
      g_variant_unref (id);
    }

  return found;
}

GPtrArray *
_msgpack_rpc_call_table_get_requests_but (MsgpackRpcCallTable *self,
                                          GVariant            *ids)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GHashTable) excepted = NULL;
  GHashTableIter iter;
  gpointer id, call;

  if (is_unused (self))
    return calls;

  excepted = find_requests (self, ids);
  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, &id, &call))
    if (!g_hash_table_contains (excepted, id))
      g_ptr_array_add (calls, g_object_ref (call));

  return calls;
}

GPtrArray *
_msgpack_rpc_call_table_take_requests (MsgpackRpcCallTable *self)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GList) ids = get_ids (self);
  gpointer call;

  for (GList *item = ids; item != NULL; item = item->next)
    if (g_hash_table_steal_extended (self->requests, item->data, NULL, &call))
      {
        request_left (self, call);
        g_ptr_array_add (calls, call);
      }

  return calls;
}

void
_msgpack_rpc_call_table_show (MsgpackRpcCallTable *self,
                              MsgpackRpcCallList  *list)
{
  g_autoptr(GList) ids = get_ids (self);

  if (self->lists == NULL)
    self->lists = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->lists, g_object_ref (list));

  for (GList *item = ids; item != NULL; item = item->next)
    {
      MsgpackRpcCall *call = g_hash_table_lookup (self->requests, item->data);

      if (!_msgpack_rpc_call_is_internal (call))
        _msgpack_rpc_call_list_add (list, call);
    }
}

GPtrArray *
_msgpack_rpc_call_table_take_others (MsgpackRpcCallTable *self)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer call;

  if (is_unused (self))
    return calls;

  g_hash_table_iter_init (&iter, self->others);
  while (g_hash_table_iter_next (&iter, &call, NULL))
    {
      if (_msgpack_rpc_call_get_kind (call) == MSGPACK_RPC_CALL_KIND_END)
        continue;

      call_left (self, call);
      g_ptr_array_add (calls, call);
      g_hash_table_iter_steal (&iter);
    }

  return calls;
}

static int
compare_sequences (gconstpointer a,
                   gconstpointer b)
{
  guint32 left = _msgpack_rpc_call_get_sequence (*(MsgpackRpcCall * const *) a);
  guint32 right = _msgpack_rpc_call_get_sequence (*(MsgpackRpcCall * const *) b);

  /* Far fewer are in flight than there are numbers. */
  return (int) (left - right);
}

static void
take_matching (GHashTable             *table,
               MsgpackRpcCallTestFunc  test,
               gconstpointer           data,
               GPtrArray              *calls)
{
  GHashTableIter iter;
  gpointer call;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &call))
    if (test (call, data))
      {
        g_ptr_array_add (calls, call);
        g_hash_table_iter_steal (&iter);
      }
}

GPtrArray *
_msgpack_rpc_call_table_take_matching (MsgpackRpcCallTable    *self,
                                       MsgpackRpcCallTestFunc  test,
                                       gconstpointer           data)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_requests;

  if (is_unused (self))
    return calls;

  take_matching (self->requests, test, data, calls);
  n_requests = calls->len;
  for (guint i = 0; i < n_requests; i++)
    request_left (self, g_ptr_array_index (calls, i));
  /* The key of a set is its value, too. */
  take_matching (self->others, test, data, calls);
  for (guint i = n_requests; i < calls->len; i++)
    call_left (self, g_ptr_array_index (calls, i));
  g_ptr_array_sort (calls, compare_sequences);
  return calls;
}

GPtrArray *
_msgpack_rpc_call_table_get_kind (MsgpackRpcCallTable *self,
                                  MsgpackRpcCallKind   kind)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer call;

  if (is_unused (self))
    return calls;

  g_hash_table_iter_init (&iter, self->others);
  while (g_hash_table_iter_next (&iter, &call, NULL))
    if (_msgpack_rpc_call_get_kind (call) == kind)
      g_ptr_array_add (calls, g_object_ref (call));

  return calls;
}
