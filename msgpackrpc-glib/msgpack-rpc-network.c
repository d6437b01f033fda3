/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-network-private.h"

/* There is one network monitor, and it belongs to the context in which it was first asked for. That must
 * be one that stays: the global default one. While nobody runs that, nothing is heard, which harms
 * nobody: what waits for the network waits for its own time, too. */

typedef struct
{
  GWeakRef owner;
  MsgpackRpcNetworkFunc func;
} Watch;

static GMutex lock;
static GHashTable *watches; /* owner, not owned → Watch, owned; NULL before the first */

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_weak_ref_clear (&watch->owner);
  g_free (watch);
}

/* Owners that are there, and their functions. */
static GPtrArray *
collect (GArray *funcs)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);
  GPtrArray *owners = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, watches);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Watch *watch = value;
      GObject *owner = g_weak_ref_get (&watch->owner);

      if (owner == NULL)
        continue;
      g_ptr_array_add (owners, owner);
      g_array_append_val (funcs, watch->func);
    }

  return owners;
}

static void
network_changed_cb (GNetworkMonitor *monitor G_GNUC_UNUSED,
                    gboolean         available,
                    gpointer         user_data G_GNUC_UNUSED)
{
  g_autoptr(GArray) funcs = g_array_new (FALSE, FALSE, sizeof (MsgpackRpcNetworkFunc));
  g_autoptr(GPtrArray) owners = NULL;

  if (!available)
    return;

  owners = collect (funcs);
  for (guint i = 0; i < owners->len; i++)
    g_array_index (funcs, MsgpackRpcNetworkFunc, i) (g_ptr_array_index (owners, i));
}

static gboolean
begin (gpointer user_data G_GNUC_UNUSED)
{
  g_signal_connect (g_network_monitor_get_default (), "network-changed",
                    G_CALLBACK (network_changed_cb), NULL);
  return G_SOURCE_REMOVE;
}

static void
begin_later (void)
{
  g_autoptr(GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, "[msgpackrpc-glib] network monitor");
  g_source_set_callback (source, begin, NULL, NULL);
  g_source_attach (source, NULL);
}

void
_msgpack_rpc_network_watch (GObject               *owner,
                            MsgpackRpcNetworkFunc  func)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);
  Watch *watch = g_new (Watch, 1);

  if (watches == NULL)
    {
      watches = g_hash_table_new_full (NULL, NULL, NULL, watch_free);
      begin_later ();
    }

  g_weak_ref_init (&watch->owner, owner);
  watch->func = func;
  g_hash_table_replace (watches, owner, watch);
}

void
_msgpack_rpc_network_unwatch (GObject *owner)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);

  g_hash_table_remove (watches, owner);
}
