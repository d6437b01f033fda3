/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-nested-source-private.h"

#include "msgpack-rpc-waiter-private.h"

/* How often a private context is iterated at a time: a source of it may be ready without end. */
#define MAX_ITERATIONS 16

typedef struct
{
  GSource source;
  MsgpackRpcNestedQueryFunc query;
  MsgpackRpcNestedWorkFunc work;
  GObject *owner;    /* owned */
  GArray *fds;       /* of GPollFD: what is polled now */
  GPtrArray *tags;   /* one for each of them */
  gint64 due;        /* when the private context's timeout ends, or −1 */

  GMutex lock;       /* a destroyed source takes no descriptors, and any thread may destroy it */
} NestedSource;

static gboolean
same_fds (GArray *a,
          GArray *b)
{
  if (a->len != b->len)
    return FALSE;

  for (guint i = 0; i < a->len; i++)
    {
      GPollFD *left = &g_array_index (a, GPollFD, i);
      GPollFD *right = &g_array_index (b, GPollFD, i);

      if (left->fd != right->fd || left->events != right->events)
        return FALSE;
    }

  return TRUE;
}

static void
watch_fds (NestedSource *self,
           GArray       *fds)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (g_source_is_destroyed (&self->source))
    return;

  for (guint i = 0; i < self->tags->len; i++)
    g_source_remove_unix_fd (&self->source, g_ptr_array_index (self->tags, i));
  g_ptr_array_set_size (self->tags, 0);

  for (guint i = 0; i < fds->len; i++)
    {
      GPollFD *fd = &g_array_index (fds, GPollFD, i);

      g_ptr_array_add (self->tags, g_source_add_unix_fd (&self->source, fd->fd, fd->events));
    }
}

static gboolean
nested_prepare (GSource *source,
                int     *timeout)
{
  NestedSource *self = (NestedSource *) source;
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (GPollFD));

  *timeout = self->query (self->owner, fds);
  self->due = *timeout < 0 ? -1 : g_get_monotonic_time () + (gint64) *timeout * 1000;

  if (!same_fds (self->fds, fds))
    {
      watch_fds (self, fds);
      g_array_unref (self->fds);
      self->fds = g_steal_pointer (&fds);
    }

  return *timeout == 0;
}

static gboolean
nested_check (GSource *source)
{
  NestedSource *self = (NestedSource *) source;

  for (guint i = 0; i < self->tags->len; i++)
    if (g_source_query_unix_fd (source, g_ptr_array_index (self->tags, i)) != 0)
      return TRUE;

  return self->due >= 0 && g_get_monotonic_time () >= self->due;
}

static gboolean
nested_dispatch (GSource     *source,
                 GSourceFunc  callback G_GNUC_UNUSED,
                 gpointer     user_data G_GNUC_UNUSED)
{
  NestedSource *self = (NestedSource *) source;

  self->work (self->owner);
  return G_SOURCE_CONTINUE;
}

static void
nested_finalize (GSource *source)
{
  NestedSource *self = (NestedSource *) source;

  g_array_unref (self->fds);
  g_ptr_array_unref (self->tags);
  g_object_unref (self->owner);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs nested_funcs = {
  .prepare = nested_prepare,
  .check = nested_check,
  .dispatch = nested_dispatch,
  .finalize = nested_finalize,
};

GSource *
_msgpack_rpc_nested_source_new (MsgpackRpcNestedQueryFunc  query,
                                MsgpackRpcNestedWorkFunc   work,
                                GObject                   *owner)
{
  GSource *source = g_source_new (&nested_funcs, sizeof (NestedSource));
  NestedSource *self = (NestedSource *) source;

  self->query = query;
  self->work = work;
  self->owner = g_object_ref (owner);
  self->fds = g_array_new (FALSE, FALSE, sizeof (GPollFD));
  self->tags = g_ptr_array_new ();
  self->due = -1;
  g_mutex_init (&self->lock);

  g_source_set_static_name (source, "[msgpackrpc-glib] nested context");
  g_source_set_can_recurse (source, TRUE);
  return source;
}

void
_msgpack_rpc_nested_source_destroy (GSource *source)
{
  NestedSource *self = (NestedSource *) source;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_source_destroy (source);
}

GMainContext *
_msgpack_rpc_nested_context_new (GError **error)
{
  if (!_msgpack_rpc_waiter_check_descriptors (error))
    return NULL;

  /* Without the flag nothing that another thread adds would wake whoever polls from outside. */
  return g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
}

gboolean
_msgpack_rpc_nested_context_iterate (GMainContext *context)
{
  gboolean goes_on = TRUE;

  if (!g_main_context_acquire (context))
    return FALSE;

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < MAX_ITERATIONS && goes_on; i++)
    goes_on = g_main_context_iteration (context, FALSE);
  g_main_context_pop_thread_default (context);
  g_main_context_release (context);
  return goes_on;
}

int
_msgpack_rpc_nested_context_query (GMainContext *context,
                                   GArray       *fds)
{
  guint start = fds->len;
  int timeout = -1;
  int priority, n;
  gboolean ready;

  if (!g_main_context_acquire (context))
    return -1;

  ready = g_main_context_prepare (context, &priority);
  g_array_set_size (fds, start + 8);
  while ((n = g_main_context_query (context, priority, &timeout,
                                    &g_array_index (fds, GPollFD, start),
                                    (int) (fds->len - start))) > (int) (fds->len - start))
    g_array_set_size (fds, start + (guint) n);
  g_array_set_size (fds, start + (guint) n);
  g_main_context_release (context);

  return ready ? 0 : timeout;
}
