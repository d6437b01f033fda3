/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-timers-private.h"

/* Referenced by its object, and by each timer. */
typedef struct
{
  MsgpackRpcReactor *reactor; /* owned */
  GMutex lock;                /* a leaf; guards all below */
  GHashTable *by_id;          /* id → Timer, a reference that is passed on when it is taken out */
  guint last_id;
} Timers;

/* Referenced by the table, by its source, and by a call of its function: whoever lets go of the last
 * does so in the context. */
typedef struct
{
  Timers *timers;             /* owned */
  guint id;
  GSource *source;            /* owned */
  GSourceFunc func;           /* or: */
  MsgpackRpcTimeoutFunc once;
  gpointer user_data;
  GDestroyNotify destroy;
} Timer;

static G_DEFINE_QUARK (msgpack-rpc-timers, timers)

static void
timers_clear (gpointer data)
{
  Timers *self = data;

  g_hash_table_unref (self->by_id);
  g_mutex_clear (&self->lock);
  _msgpack_rpc_reactor_unref (self->reactor);
}

static void
timers_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, timers_clear);
}

static gpointer
timers_ref (gpointer data,
            gpointer user_data G_GNUC_UNUSED)
{
  return data != NULL ? g_atomic_rc_box_acquire (data) : NULL;
}

static Timers *
timers_new (MsgpackRpcReactor *reactor)
{
  Timers *self = g_atomic_rc_box_new0 (Timers);

  self->reactor = _msgpack_rpc_reactor_ref (reactor);
  g_mutex_init (&self->lock);
  self->by_id = g_hash_table_new (NULL, NULL);
  return self;
}

/* A reference, or NULL. */
static Timers *
find (GObject *owner)
{
  return g_object_dup_qdata (owner, timers_quark (), timers_ref, NULL);
}

/* Makes them if there are none. */
static Timers *
get (GObject           *owner,
     MsgpackRpcReactor *reactor)
{
  Timers *self = find (owner);

  if (self != NULL)
    return self;

  self = timers_new (reactor);
  if (g_object_replace_qdata (owner, timers_quark (), NULL, timers_ref (self, NULL), timers_unref,
                              NULL))
    return self;

  timers_unref (self);
  timers_unref (self);
  return find (owner);
}

static void
timer_clear (gpointer data)
{
  Timer *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_source_unref (self->source);
  timers_unref (self->timers);
}

static void
timer_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, timer_clear);
}

static void
unref_later (gpointer owner G_GNUC_UNUSED,
             gpointer data G_GNUC_UNUSED)
{
}

/* Passes on the table's reference, last of all: its data is let go in the context, but not in here. */
static void
end_timer (Timer *timer)
{
  g_autoptr(GSource) source = g_source_ref (timer->source);
  MsgpackRpcReactor *reactor = _msgpack_rpc_reactor_ref (timer->timers->reactor);

  g_source_destroy (source);
  _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, unref_later, timer, timer_unref);
  _msgpack_rpc_reactor_unref (reactor);
}

/* NULL if somebody has taken it before. */
static Timer *
take (Timers *self,
      guint   id)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gpointer timer = NULL;

  g_hash_table_steal_extended (self->by_id, GUINT_TO_POINTER (id), NULL, &timer);
  return timer;
}

static gboolean
timer_cb (gpointer data)
{
  Timer *self = data;
  Timer *taken;

  if (self->once == NULL && self->func (self->user_data) == G_SOURCE_CONTINUE)
    return G_SOURCE_CONTINUE;

  /* It cannot be removed any more. */
  taken = take (self->timers, self->id);
  if (self->once != NULL && taken != NULL)
    self->once (self->user_data);
  if (taken != NULL)
    end_timer (taken);
  return G_SOURCE_REMOVE;
}

/* The lock is held. */
static guint
pick_id (Timers *self)
{
  do
    self->last_id++;
  while (self->last_id == 0 ||
         g_hash_table_contains (self->by_id, GUINT_TO_POINTER (self->last_id)));

  return self->last_id;
}

static void
attach (Timers *self,
        Timer  *timer,
        guint   milliseconds)
{
  timer->source = g_timeout_source_new (milliseconds);
  g_source_set_static_name (timer->source, "[msgpackrpc-glib] timer");
  g_source_set_callback (timer->source, timer_cb, g_atomic_rc_box_acquire (timer), timer_unref);
  g_source_attach (timer->source, _msgpack_rpc_reactor_get_context (self->reactor));
}

guint
_msgpack_rpc_timers_add (GObject               *owner,
                         MsgpackRpcReactor     *reactor,
                         guint                  milliseconds,
                         GSourceFunc            func,
                         MsgpackRpcTimeoutFunc  once,
                         gpointer               user_data,
                         GDestroyNotify         destroy)
{
  Timers *self = get (owner, reactor);
  Timer *timer = g_atomic_rc_box_new0 (Timer);
  guint id;

  timer->timers = self;
  timer->func = func;
  timer->once = once;
  timer->user_data = user_data;
  timer->destroy = destroy;

  /* Its function may run, in another thread, before this returns. */
  g_mutex_lock (&self->lock);
  id = timer->id = pick_id (self);
  g_hash_table_insert (self->by_id, GUINT_TO_POINTER (id), timer);
  attach (self, timer, milliseconds);
  g_mutex_unlock (&self->lock);
  return id;
}

gboolean
_msgpack_rpc_timers_remove (GObject *owner,
                            guint    id)
{
  Timers *self = find (owner);
  Timer *timer;

  if (self == NULL)
    return FALSE;

  timer = take (self, id);
  timers_unref (self);
  if (timer == NULL)
    return FALSE;

  end_timer (timer);
  return TRUE;
}

void
_msgpack_rpc_timers_end (GObject *owner)
{
  g_autoptr(GList) timers = NULL;
  Timers *self = find (owner);

  if (self == NULL)
    return;

  g_mutex_lock (&self->lock);
  timers = g_hash_table_get_values (self->by_id);
  g_hash_table_steal_all (self->by_id);
  g_mutex_unlock (&self->lock);
  timers_unref (self);

  for (GList *l = timers; l != NULL; l = l->next)
    end_timer (l->data);
}
