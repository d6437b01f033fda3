/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-residents-private.h"

static GMutex lock;
static GHashTable *contexts; /* GMainContext, not owned → (GObject, not owned → GWeakRef); or NULL */
static int n_contexts;       /* atomic */

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* With the lock held. */
static GHashTable *
find (GMainContext *context)
{
  return contexts != NULL ? g_hash_table_lookup (contexts, context) : NULL;
}

void
_msgpack_rpc_residents_track (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (contexts == NULL)
    contexts = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  g_hash_table_insert (contexts, context,
                       g_hash_table_new_full (NULL, NULL, NULL, weak_ref_free));
  g_atomic_int_inc (&n_contexts);
}

void
_msgpack_rpc_residents_untrack (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);

  g_hash_table_remove (contexts, context);
  if (g_atomic_int_dec_and_test (&n_contexts))
    g_clear_pointer (&contexts, g_hash_table_unref);
}

void
_msgpack_rpc_residents_add (GMainContext *context,
                            GObject      *object)
{
  g_autoptr(GMutexLocker) locker = NULL;
  GHashTable *residents;
  GWeakRef *weak;

  if (g_atomic_int_get (&n_contexts) == 0)
    return;

  locker = g_mutex_locker_new (&lock);
  residents = find (context);
  if (residents == NULL)
    return;

  weak = g_new (GWeakRef, 1);
  g_weak_ref_init (weak, object);
  g_hash_table_replace (residents, object, weak);
}

void
_msgpack_rpc_residents_remove (GMainContext *context,
                               GObject      *object)
{
  g_autoptr(GMutexLocker) locker = NULL;
  GHashTable *residents;

  if (g_atomic_int_get (&n_contexts) == 0)
    return;

  locker = g_mutex_locker_new (&lock);
  residents = find (context);
  if (residents != NULL)
    g_hash_table_remove (residents, object);
}

GPtrArray *
_msgpack_rpc_residents_list (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTable *residents = find (context);
  GHashTableIter iter;
  gpointer weak;

  if (residents == NULL)
    return g_steal_pointer (&list);

  g_hash_table_iter_init (&iter, residents);
  while (g_hash_table_iter_next (&iter, NULL, &weak))
    {
      gpointer object = g_weak_ref_get (weak);

      if (object != NULL)
        g_ptr_array_add (list, object);
    }
  return g_steal_pointer (&list);
}
