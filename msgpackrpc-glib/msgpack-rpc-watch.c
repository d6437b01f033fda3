/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-watch.h"

#include <glib-unix.h>

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-reactor-private.h"

/* What poll() tells of whether it is asked for or not. */
#define ERROR_CONDITION (G_IO_ERR | G_IO_HUP | G_IO_NVAL)

/**
 * MsgpackRpcWatch:
 *
 * A file descriptor that is watched in a main context: a function is called when it can be read,
 * written, or has failed.
 *
 * Clients and servers watch their own descriptors. This is for those of the application: a device, a
 * pipe, an `inotify` descriptor, a socket with a protocol of its own.
 *
 * ```c
 * static gboolean
 * ready_cb (int fd, MsgpackRpcWatchEvents events, gpointer user_data)
 * {
 *   char buffer[1024];
 *   ssize_t n = read (fd, buffer, sizeof buffer);
 *
 *   if (n <= 0)
 *     return G_SOURCE_REMOVE;
 *
 *   handle_input (user_data, buffer, n);
 *   return G_SOURCE_CONTINUE;
 * }
 *
 * g_autoptr(MsgpackRpcWatch) watch =
 *   msgpack_rpc_watch_add (NULL, fd, MSGPACK_RPC_WATCH_EVENTS_READ, ready_cb, self, NULL);
 * ```
 *
 * The function is told for as long as something is so, and not only when it becomes so: what is not
 * read now is told again. [flags@WatchEvents.ERROR] comes whether it was asked for or not, together with
 * `READ` if there is something left to read. A function that neither reads nor ends the watch then will
 * be called without end.
 *
 * A watch lasts until it is removed, or its function returns `G_SOURCE_REMOVE`; the application need not
 * hold a reference. It does not own the descriptor. To remove it before closing the descriptor is tidy;
 * one whose descriptor was closed is told `ERROR`, unless the number is in use again.
 *
 * All functions may be called from any thread. The function is called, and its data let go, where the
 * context runs.
 *
 * Since: 1.0
 */
struct _MsgpackRpcWatch
{
  GObject parent_instance;

  int fd;

  GMutex lock;              /* guards what follows */
  MsgpackRpcWatchEvents events;
  GSource *source;          /* owned until it is destroyed; its data is a reference on us */
  gpointer tag;             /* of the descriptor in the source */
  struct _Closure *closure; /* owned until then */
};

/* What the application gave: kept by the watch, and by each call of the function. */
typedef struct _Closure
{
  MsgpackRpcWatchFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} Closure;

enum
{
  PROP_0,
  PROP_ACTIVE,
  PROP_EVENTS,
  PROP_FD,
  PROP_MAIN_CONTEXT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcWatch, msgpack_rpc_watch, G_TYPE_OBJECT)

static void
closure_clear (gpointer data)
{
  Closure *closure = data;

  if (closure->destroy != NULL)
    closure->destroy (closure->user_data);
}

static void
closure_release (gpointer data)
{
  g_atomic_rc_box_release_full (data, closure_clear);
}

static void
release_cb (gpointer owner G_GNUC_UNUSED,
            gpointer data)
{
  closure_release (data);
}

static GIOCondition
to_condition (MsgpackRpcWatchEvents events)
{
  GIOCondition condition = ERROR_CONDITION;

  if (events & MSGPACK_RPC_WATCH_EVENTS_READ)
    condition |= G_IO_IN | G_IO_PRI;
  if (events & MSGPACK_RPC_WATCH_EVENTS_WRITE)
    condition |= G_IO_OUT;
  return condition;
}

static MsgpackRpcWatchEvents
from_condition (GIOCondition condition)
{
  MsgpackRpcWatchEvents events = MSGPACK_RPC_WATCH_EVENTS_NONE;

  if (condition & (G_IO_IN | G_IO_PRI))
    events |= MSGPACK_RPC_WATCH_EVENTS_READ;
  if (condition & G_IO_OUT)
    events |= MSGPACK_RPC_WATCH_EVENTS_WRITE;
  if (condition & ERROR_CONDITION)
    events |= MSGPACK_RPC_WATCH_EVENTS_ERROR;
  return events;
}

/* A reference on what to call, and what to tell it of: NULL if there is nothing, or nobody, to tell. */
static Closure *
look (MsgpackRpcWatch       *self,
      GSource               *source,
      MsgpackRpcWatchEvents *events)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GIOCondition condition;

  if (self->source != source)
    return NULL;

  /* It may have been polled for more than is asked for now. */
  condition = g_source_query_unix_fd (source, self->tag);
  *events = from_condition (condition & to_condition (self->events));
  if (*events == MSGPACK_RPC_WATCH_EVENTS_NONE)
    return NULL;

  return g_atomic_rc_box_acquire (self->closure);
}

static gboolean
source_dispatch (GSource     *source,
                 GSourceFunc  callback G_GNUC_UNUSED,
                 gpointer     user_data)
{
  MsgpackRpcWatch *self = user_data;
  MsgpackRpcWatchEvents events;
  Closure *closure = look (self, source, &events);

  if (closure == NULL)
    return G_SOURCE_CONTINUE;

  if (closure->func (self->fd, events, closure->user_data) == G_SOURCE_REMOVE)
    msgpack_rpc_watch_remove (self);

  closure_release (closure);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .dispatch = source_dispatch,
};

/* FALSE if somebody has taken them before. */
static gboolean
take_source (MsgpackRpcWatch  *self,
             GSource         **source,
             Closure         **closure)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *source = g_steal_pointer (&self->source);
  *closure = g_steal_pointer (&self->closure);
  return *source != NULL;
}

/* It was removed, or its context is being freed, and nothing will run there any more. */
static void
source_gone (gpointer data)
{
  MsgpackRpcWatch *self = data;
  GSource *source;
  Closure *closure;

  if (take_source (self, &source, &closure))
    {
      g_source_unref (source);
      closure_release (closure);
    }
  g_object_unref (self);
}

static void
msgpack_rpc_watch_finalize (GObject *object)
{
  MsgpackRpcWatch *self = MSGPACK_RPC_WATCH (object);

  g_assert (self->source == NULL);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_watch_parent_class)->finalize (object);
}

static void
msgpack_rpc_watch_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  MsgpackRpcWatch *self = MSGPACK_RPC_WATCH (object);

  switch (prop_id)
    {
    case PROP_ACTIVE:
      g_value_set_boolean (value, msgpack_rpc_watch_is_active (self));
      break;

    case PROP_EVENTS:
      g_value_set_flags (value, msgpack_rpc_watch_get_events (self));
      break;

    case PROP_FD:
      g_value_set_int (value, self->fd);
      break;

    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, msgpack_rpc_watch_get_main_context (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_watch_class_init (MsgpackRpcWatchClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = msgpack_rpc_watch_finalize;
  object_class->get_property = msgpack_rpc_watch_get_property;

  /**
   * MsgpackRpcWatch:active: (getter is_active)
   *
   * Whether the watch was not removed.
   *
   * Any thread may remove it, so that this never notifies.
   *
   * Since: 1.0
   */
  props[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE, flags);

  /**
   * MsgpackRpcWatch:events: (getter get_events)
   *
   * What the function is told of, besides errors; see [method@Watch.update].
   *
   * It never notifies.
   *
   * Since: 1.0
   */
  props[PROP_EVENTS] = g_param_spec_flags ("events", NULL, NULL, MSGPACK_RPC_TYPE_WATCH_EVENTS,
                                           MSGPACK_RPC_WATCH_EVENTS_NONE, flags);

  /**
   * MsgpackRpcWatch:fd: (getter get_fd)
   *
   * The descriptor.
   *
   * Since: 1.0
   */
  props[PROP_FD] = g_param_spec_int ("fd", NULL, NULL, -1, G_MAXINT, -1, flags);

  /**
   * MsgpackRpcWatch:main-context: (getter get_main_context)
   *
   * The context in which the function is called; `NULL` once the watch was removed.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] = g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                                                 flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_watch_init (MsgpackRpcWatch *self)
{
  self->fd = -1;
  g_mutex_init (&self->lock);
}

static Closure *
closure_new (MsgpackRpcWatchFunc func,
             gpointer            user_data,
             GDestroyNotify      destroy)
{
  Closure *closure = g_atomic_rc_box_new (Closure);

  closure->func = func;
  closure->user_data = user_data;
  closure->destroy = destroy;
  return closure;
}

/* It may be dispatched before this returns. */
static void
attach (MsgpackRpcWatch *self,
        GMainContext    *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_callback (self->source, NULL, g_object_ref (self), source_gone);
  g_source_set_static_name (self->source, "[msgpackrpc-glib] watch");
  self->tag = g_source_add_unix_fd (self->source, self->fd, to_condition (self->events));
  g_source_attach (self->source, context);
}

/**
 * msgpack_rpc_watch_add: (constructor)
 * @context: (nullable): where @func is called, or `NULL` for the thread-default context
 * @fd: a file descriptor that is open, and better does not block; not owned by the watch
 * @events: what @func is told of, besides errors
 * @func: (scope notified) (closure user_data) (destroy user_data_destroy): what is called
 * @user_data: data for @func
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Watches a file descriptor.
 *
 * @func is never called within this function. @user_data is let go by a later dispatch of @context than
 * that which removes the watch, or when @context is freed.
 *
 * Several watches of one descriptor are told each for itself.
 *
 * Returns: (transfer full): the watch
 *
 * Since: 1.0
 */
MsgpackRpcWatch *
msgpack_rpc_watch_add (GMainContext          *context,
                       int                    fd,
                       MsgpackRpcWatchEvents  events,
                       MsgpackRpcWatchFunc    func,
                       gpointer               user_data,
                       GDestroyNotify         user_data_destroy)
{
  g_autoptr(GMainContext) used = NULL;
  MsgpackRpcWatch *self;

  g_return_val_if_fail (fd >= 0, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  used = context != NULL ? g_main_context_ref (context) : g_main_context_ref_thread_default ();
  self = g_object_new (MSGPACK_RPC_TYPE_WATCH, NULL);
  self->fd = fd;
  self->events = events;
  self->closure = closure_new (func, user_data, user_data_destroy);
  attach (self, used);
  return self;
}

/**
 * msgpack_rpc_watch_update:
 * @self: a watch
 * @events: what its function is told of from now on, besides errors
 *
 * Changes what the function of a watch is told of.
 *
 * [flags@WatchEvents.NONE] keeps the watch, and tells of nothing but errors until the next change.
 *
 * Returns: `TRUE`, or `FALSE` if the watch was removed before
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_watch_update (MsgpackRpcWatch       *self,
                          MsgpackRpcWatchEvents  events)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  if (self->source == NULL)
    return FALSE;

  self->events = events;
  g_source_modify_unix_fd (self->source, self->tag, to_condition (events));
  return TRUE;
}

/* The data is let go in the context, but not within this function. */
static void
release_later (GSource *source,
               Closure *closure)
{
  MsgpackRpcReactor *reactor = _msgpack_rpc_reactor_get (g_source_get_context (source));

  _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, release_cb, closure, NULL);
  _msgpack_rpc_reactor_unref (reactor);
}

/**
 * msgpack_rpc_watch_remove:
 * @self: a watch
 *
 * Ends a watch.
 *
 * Its function is not called again, but if another thread removes the watch, a call that has begun
 * goes on. Removing it a second time is harmless, and so is removing it after its descriptor was
 * closed.
 *
 * Returns: `TRUE`, or `FALSE` if it was removed before
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_watch_remove (MsgpackRpcWatch *self)
{
  GSource *source;
  Closure *closure;

  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), FALSE);

  if (!take_source (self, &source, &closure))
    return FALSE;

  release_later (source, closure);
  g_source_destroy (source);
  g_source_unref (source);
  return TRUE;
}

/**
 * msgpack_rpc_watch_get_fd: (get-property fd)
 * @self: a watch
 *
 * Gets the descriptor.
 *
 * Returns: the descriptor, which may have been closed meanwhile
 *
 * Since: 1.0
 */
int
msgpack_rpc_watch_get_fd (MsgpackRpcWatch *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), -1);

  return self->fd;
}

/**
 * msgpack_rpc_watch_get_events: (get-property events)
 * @self: a watch
 *
 * Gets what the function is told of.
 *
 * Returns: the events that were given last
 *
 * Since: 1.0
 */
MsgpackRpcWatchEvents
msgpack_rpc_watch_get_events (MsgpackRpcWatch *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), MSGPACK_RPC_WATCH_EVENTS_NONE);

  locker = g_mutex_locker_new (&self->lock);
  return self->events;
}

/**
 * msgpack_rpc_watch_get_main_context: (get-property main-context)
 * @self: a watch
 *
 * Gets the context in which the function is called.
 *
 * Returns: (transfer none) (nullable): the context, or `NULL` once the watch was removed
 *
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_watch_get_main_context (MsgpackRpcWatch *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->source != NULL ? g_source_get_context (self->source) : NULL;
}

/**
 * msgpack_rpc_watch_is_active: (get-property active)
 * @self: a watch
 *
 * Gets whether the watch was not removed.
 *
 * Returns: `TRUE` if its function may still be called
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_watch_is_active (MsgpackRpcWatch *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_WATCH (self), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  return self->source != NULL;
}
