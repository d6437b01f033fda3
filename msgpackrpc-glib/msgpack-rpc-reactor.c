/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-reactor-private.h"

#include <glib-unix.h>
#include <glib/gstdio.h>

#ifdef HAVE_EPOLL
#include <sys/epoll.h>
#endif

/* How long one dispatch may deliver messages, in microseconds, before other sources have a turn. */
#define DISPATCH_BUDGET 1000

/* GLib polls with poll(2), whose cost grows with the number of descriptors; from here on they go
 * into an epoll descriptor, and GLib polls only that. */
#define EPOLL_THRESHOLD 8

/* How many ready descriptors one dispatch serves. */
#define READY_MAX 64

typedef struct _Item Item;

/* Something posted to the context. */
struct _Item
{
  Item *next;
  gpointer owner;
  gboolean keep_owner;
  MsgpackRpcPostFunc func;
  gpointer data;
  GDestroyNotify destroy;
};

typedef struct
{
  MsgpackRpcTimerFunc func;
  GObject *owner;
} Cork;

struct _MsgpackRpcPort
{
  int fd;
  GIOCondition condition;
  gpointer tag;           /* of g_source_add_unix_fd(), NULL while in the epoll descriptor */
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
};

typedef struct
{
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
  GIOCondition condition;
} Ready;

struct _MsgpackRpcReactor
{
  GSource source;         /* The memory is the source's: the context may still hold it in prepare()
                           * or check() when the last user lets go in another thread. */
  GMainContext *context;  /* owned by the users together */
  guint users;            /* guarded by the registry's lock */

  GMutex lock;            /* guards everything below; no callback is called with it held */
  Item *first;
  Item *last;
  GPtrArray *heap;        /* of MsgpackRpcTimer, the earliest first */
  GPtrArray *ports;       /* of MsgpackRpcPort, owned */
  guint n_tagged;         /* how many of them GLib polls one by one */
  GArray *corks;          /* of Cork */
  int epoll_fd;           /* -1 while there are few ports */
  gpointer epoll_tag;
};

/* A dispatch that this thread is inside of: a callback may run another loop, or the same again. */
typedef struct _Frame Frame;

struct _Frame
{
  MsgpackRpcReactor *reactor;
  Frame *outer;
};

static GPrivate frames; /* the innermost Frame */

static GMutex registry_lock;
static GHashTable *registry; /* GMainContext → MsgpackRpcReactor, neither owned */

static void run_corks (MsgpackRpcReactor *self);

/* ---- the heap of timers; the lock is held ---- */

static MsgpackRpcTimer *
heap_at (MsgpackRpcReactor *self,
         guint              position)
{
  return g_ptr_array_index (self->heap, position - 1);
}

static void
heap_put (MsgpackRpcReactor *self,
          MsgpackRpcTimer   *timer,
          guint              position)
{
  g_ptr_array_index (self->heap, position - 1) = timer;
  timer->position = position;
}

static void
heap_sift (MsgpackRpcReactor *self,
           MsgpackRpcTimer   *timer,
           guint              position)
{
  guint length = self->heap->len;

  while (position > 1 && heap_at (self, position / 2)->time > timer->time)
    {
      heap_put (self, heap_at (self, position / 2), position);
      position /= 2;
    }

  for (guint child = 2 * position; child <= length; child = 2 * position)
    {
      if (child < length && heap_at (self, child + 1)->time < heap_at (self, child)->time)
        child++;
      if (heap_at (self, child)->time >= timer->time)
        break;
      heap_put (self, heap_at (self, child), position);
      position = child;
    }

  heap_put (self, timer, position);
}

static void
heap_remove (MsgpackRpcReactor *self,
             MsgpackRpcTimer   *timer)
{
  guint position = timer->position;
  MsgpackRpcTimer *tail = heap_at (self, self->heap->len);

  g_ptr_array_set_size (self->heap, self->heap->len - 1);
  timer->position = 0;
  if (tail != timer)
    heap_sift (self, tail, position);
}

/* Takes the first timer that is due; its reference on the owner goes to the caller. */
static MsgpackRpcTimer *
take_due_timer (MsgpackRpcReactor *self,
                gint64             now,
                GObject          **owner)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcTimer *timer;

  if (self->heap->len == 0)
    return NULL;

  timer = heap_at (self, 1);
  if (timer->time > now)
    return NULL;

  heap_remove (self, timer);
  /* The owner's dispose stops a weak timer under this lock, so it is still there. */
  *owner = timer->weak ? g_object_ref (timer->owner) : timer->owner;
  return timer;
}

static void
run_timers (MsgpackRpcReactor *self)
{
  gint64 now = g_get_monotonic_time ();
  MsgpackRpcTimer *timer;
  GObject *owner;

  while ((timer = take_due_timer (self, now, &owner)) != NULL)
    {
      timer->func (owner);
      g_object_unref (owner);
    }
}

/* ---- what is posted ---- */

static Item *
take_item (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Item *item = self->first;

  if (item == NULL)
    return NULL;

  self->first = item->next;
  if (self->first == NULL)
    self->last = NULL;

  /* The owner's dispose forgets its items under this lock, so it is still there. */
  if (item->owner != NULL && !item->keep_owner)
    g_object_ref (item->owner);

  return item;
}

static void
free_item (Item *item)
{
  if (item->destroy != NULL)
    item->destroy (item->data);
  if (item->owner != NULL)
    g_object_unref (item->owner);
  g_free (item);
}

static void
run_items (MsgpackRpcReactor *self)
{
  gint64 end = g_get_monotonic_time () + DISPATCH_BUDGET;
  Item *item;

  while ((item = take_item (self)) != NULL)
    {
      item->func (item->owner, item->data);
      free_item (item);
      _msgpack_rpc_reactor_unref (self);

      if (g_get_monotonic_time () >= end)
        break;
    }
}

/* ---- ports ---- */

static void
take_ready (GArray         *ready,
            MsgpackRpcPort *port,
            GIOCondition    condition)
{
  Ready entry = { port->func, g_object_ref (port->owner), condition };

  if (ready->len < READY_MAX)
    g_array_append_val (ready, entry);
  else
    g_object_unref (entry.owner);
}

#ifdef HAVE_EPOLL
static guint32
condition_to_epoll (GIOCondition condition)
{
  return ((condition & G_IO_IN) ? EPOLLIN : 0) | ((condition & G_IO_OUT) ? EPOLLOUT : 0);
}

static GIOCondition
condition_from_epoll (guint32 events)
{
  return ((events & EPOLLIN) ? G_IO_IN : 0) | ((events & EPOLLOUT) ? G_IO_OUT : 0) |
         ((events & EPOLLERR) ? G_IO_ERR : 0) | ((events & EPOLLHUP) ? G_IO_HUP : 0);
}

/* Ports are removed from the epoll descriptor under the lock, so each pointer it gives is good. */
static void
collect_epoll (MsgpackRpcReactor *self,
               GArray            *ready)
{
  struct epoll_event events[READY_MAX];
  int n = epoll_wait (self->epoll_fd, events, READY_MAX, 0);

  for (int i = 0; i < n; i++)
    take_ready (ready, events[i].data.ptr, condition_from_epoll (events[i].events));
}

static gboolean
epoll_add (MsgpackRpcReactor *self,
           MsgpackRpcPort    *port)
{
  struct epoll_event event = {
    .events = condition_to_epoll (port->condition),
    .data.ptr = port,
  };

  return self->epoll_fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, port->fd, &event) == 0;
}

static void
start_epoll (MsgpackRpcReactor *self)
{
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll_fd < 0)
    return;

  self->epoll_tag = g_source_add_unix_fd (&self->source, self->epoll_fd, G_IO_IN);
  for (guint i = 0; i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (epoll_add (self, port))
        {
          g_source_remove_unix_fd (&self->source, g_steal_pointer (&port->tag));
          self->n_tagged--;
        }
    }
}
#endif

static GIOCondition
tagged_condition (MsgpackRpcReactor *self,
                  MsgpackRpcPort    *port)
{
  return port->tag != NULL ? g_source_query_unix_fd (&self->source, port->tag) : 0;
}

static GArray *
collect_ready (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GArray *ready = g_array_new (FALSE, FALSE, sizeof (Ready));

#ifdef HAVE_EPOLL
  if (self->epoll_tag != NULL && g_source_query_unix_fd (&self->source, self->epoll_tag) != 0)
    collect_epoll (self, ready);
#endif

  for (guint i = 0; self->n_tagged > 0 && i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);
      GIOCondition condition = tagged_condition (self, port);

      if (condition != 0)
        take_ready (ready, port, condition);
    }

  return ready;
}

static void
run_ports (MsgpackRpcReactor *self)
{
  g_autoptr(GArray) ready = collect_ready (self);

  for (guint i = 0; i < ready->len; i++)
    {
      Ready *entry = &g_array_index (ready, Ready, i);

      entry->func (entry->owner, entry->condition);
      g_object_unref (entry->owner);
    }
}

/* ---- the source ---- */

static gboolean
reactor_prepare (GSource *source,
                 int     *timeout)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  gint64 wait;

  run_corks (self);

  g_mutex_lock (&self->lock);
  wait = -1;
  if (self->first != NULL)
    wait = 0;
  else if (self->heap->len > 0)
    wait = MAX (0, heap_at (self, 1)->time - g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);

  /* Rounded up: a millisecond early would make the loop spin for it. */
  *timeout = wait < 0 ? -1 : (int) MIN ((wait + 999) / 1000, G_MAXINT);
  return wait == 0;
}

static gboolean
any_port_ready (MsgpackRpcReactor *self)
{
  if (self->epoll_tag != NULL && g_source_query_unix_fd (&self->source, self->epoll_tag) != 0)
    return TRUE;

  for (guint i = 0; self->n_tagged > 0 && i < self->ports->len; i++)
    if (tagged_condition (self, g_ptr_array_index (self->ports, i)) != 0)
      return TRUE;

  return FALSE;
}

static gboolean
reactor_check (GSource *source)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->first != NULL || self->corks->len > 0)
    return TRUE;
  if (self->heap->len > 0 && heap_at (self, 1)->time <= g_get_monotonic_time ())
    return TRUE;

  return any_port_ready (self);
}

/* The last user may have let go in another thread while this one was polling. */
static gboolean
try_ref (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&registry_lock);

  if (self->users == 0)
    return FALSE;

  self->users++;
  return TRUE;
}

static gboolean
reactor_dispatch (GSource     *source,
                  GSourceFunc  callback G_GNUC_UNUSED,
                  gpointer     user_data G_GNUC_UNUSED)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  Frame frame = { self, g_private_get (&frames) };

  if (!try_ref (self))
    return G_SOURCE_REMOVE;
  g_private_set (&frames, &frame);

  run_ports (self);
  run_timers (self);
  run_items (self);

  g_private_set (&frames, frame.outer);
  run_corks (self);
  _msgpack_rpc_reactor_unref (self);

  return G_SOURCE_CONTINUE;
}

static void
reactor_finalize (GSource *source)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;

  g_assert (self->first == NULL);
  g_assert (self->heap->len == 0);
  g_assert (self->ports->len == 0);
  g_assert (self->corks->len == 0);

  g_ptr_array_unref (self->heap);
  g_ptr_array_unref (self->ports);
  g_array_unref (self->corks);
  if (self->epoll_fd >= 0)
    g_close (self->epoll_fd, NULL);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs reactor_funcs = {
  .prepare = reactor_prepare,
  .check = reactor_check,
  .dispatch = reactor_dispatch,
  .finalize = reactor_finalize,
};

static MsgpackRpcReactor *
reactor_new (GMainContext *context)
{
  MsgpackRpcReactor *self;

  self = (MsgpackRpcReactor *) g_source_new (&reactor_funcs, sizeof (MsgpackRpcReactor));
  self->context = g_main_context_ref (context);
  self->heap = g_ptr_array_new ();
  self->ports = g_ptr_array_new_with_free_func (g_free);
  self->corks = g_array_new (FALSE, FALSE, sizeof (Cork));
  self->epoll_fd = -1;
  g_mutex_init (&self->lock);

  g_source_set_static_name (&self->source, "[msgpackrpc-glib] reactor");
  /* Without it GLib takes the descriptors out of the poll set around each dispatch, which costs
   * four system calls, and a handler that runs the loop would wait for ever. */
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  return self;
}

MsgpackRpcReactor *
_msgpack_rpc_reactor_get (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&registry_lock);
  MsgpackRpcReactor *self;

  if (context == NULL)
    context = g_main_context_default ();
  if (registry == NULL)
    registry = g_hash_table_new (NULL, NULL);

  self = g_hash_table_lookup (registry, context);
  if (self == NULL)
    {
      self = reactor_new (context);
      g_hash_table_insert (registry, context, self);
    }

  self->users++;
  return self;
}

MsgpackRpcReactor *
_msgpack_rpc_reactor_ref (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&registry_lock);

  self->users++;
  return self;
}

void
_msgpack_rpc_reactor_unref (MsgpackRpcReactor *self)
{
  GMainContext *context;

  g_mutex_lock (&registry_lock);
  if (--self->users > 0)
    {
      g_mutex_unlock (&registry_lock);
      return;
    }
  g_hash_table_remove (registry, self->context);
  if (g_hash_table_size (registry) == 0)
    g_clear_pointer (&registry, g_hash_table_unref);
  g_mutex_unlock (&registry_lock);

  context = self->context;
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
  g_main_context_unref (context);
}

GMainContext *
_msgpack_rpc_reactor_get_context (MsgpackRpcReactor *self)
{
  return self->context;
}

/* Whoever owns the context is not inside of poll() if it is this thread; if nobody owns it, the
 * next owner looks before it polls. */
void
_msgpack_rpc_reactor_wake (MsgpackRpcReactor *self)
{
  if (!g_main_context_is_owner (self->context))
    g_main_context_wakeup (self->context);
}

void
_msgpack_rpc_reactor_post (MsgpackRpcReactor  *self,
                           gpointer            owner,
                           gboolean            keep_owner,
                           MsgpackRpcPostFunc  func,
                           gpointer            data,
                           GDestroyNotify      destroy)
{
  Item *item = g_new0 (Item, 1);
  gboolean was_empty;

  item->owner = (owner != NULL && keep_owner) ? g_object_ref (owner) : owner;
  item->keep_owner = keep_owner;
  item->func = func;
  item->data = data;
  item->destroy = destroy;

  _msgpack_rpc_reactor_ref (self);

  g_mutex_lock (&self->lock);
  was_empty = self->first == NULL;
  if (was_empty)
    self->first = item;
  else
    self->last->next = item;
  self->last = item;
  g_mutex_unlock (&self->lock);

  if (was_empty)
    _msgpack_rpc_reactor_wake (self);
}

void
_msgpack_rpc_reactor_forget (MsgpackRpcReactor *self,
                             gpointer           owner)
{
  Item *forgotten = NULL;
  Item **link;

  g_mutex_lock (&self->lock);
  self->last = NULL;
  for (link = &self->first; *link != NULL;)
    {
      Item *item = *link;

      if (item->owner == owner && !item->keep_owner)
        {
          *link = item->next;
          item->next = forgotten;
          forgotten = item;
        }
      else
        {
          self->last = item;
          link = &item->next;
        }
    }
  g_mutex_unlock (&self->lock);

  while (forgotten != NULL)
    {
      Item *item = forgotten;

      forgotten = item->next;
      item->owner = NULL;
      free_item (item);
      _msgpack_rpc_reactor_unref (self);
    }
}

static void
notify_cb (gpointer owner,
           gpointer data)
{
  g_object_notify_by_pspec (owner, data);
}

void
_msgpack_rpc_reactor_notify (MsgpackRpcReactor *self,
                             GObject           *object,
                             GParamSpec        *pspec)
{
  if (self == NULL || g_main_context_is_owner (self->context))
    g_object_notify_by_pspec (object, pspec);
  else
    _msgpack_rpc_reactor_post (self, object, FALSE, notify_cb, pspec, NULL);
}

void
_msgpack_rpc_reactor_start_timer (MsgpackRpcReactor *self,
                                  MsgpackRpcTimer   *timer,
                                  gint64             time)
{
  gboolean is_first;

  g_mutex_lock (&self->lock);
  if (timer->position != 0)
    heap_remove (self, timer);
  else if (!timer->weak)
    g_object_ref (timer->owner);

  timer->time = time;
  g_ptr_array_add (self->heap, timer);
  heap_sift (self, timer, self->heap->len);
  is_first = timer->position == 1;
  g_mutex_unlock (&self->lock);

  if (is_first)
    _msgpack_rpc_reactor_wake (self);
}

void
_msgpack_rpc_reactor_stop_timer (MsgpackRpcReactor *self,
                                 MsgpackRpcTimer   *timer)
{
  GObject *owner = NULL;

  g_mutex_lock (&self->lock);
  if (timer->position != 0)
    {
      heap_remove (self, timer);
      owner = timer->weak ? NULL : timer->owner;
    }
  g_mutex_unlock (&self->lock);

  g_clear_object (&owner);
}

static void
attach_port (MsgpackRpcReactor *self,
             MsgpackRpcPort    *port)
{
#ifdef HAVE_EPOLL
  if (self->epoll_fd < 0 && self->ports->len >= EPOLL_THRESHOLD)
    start_epoll (self);
  if (epoll_add (self, port))
    return;
#endif
  port->tag = g_source_add_unix_fd (&self->source, port->fd, port->condition);
  self->n_tagged++;
}

MsgpackRpcPort *
_msgpack_rpc_reactor_add_port (MsgpackRpcReactor  *self,
                               int                 fd,
                               GIOCondition        condition,
                               MsgpackRpcPortFunc  func,
                               GObject            *owner)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcPort *port = g_new0 (MsgpackRpcPort, 1);

  port->fd = fd;
  port->condition = condition;
  port->func = func;
  port->owner = g_object_ref (owner);
  attach_port (self, port);
  g_ptr_array_add (self->ports, port);
  return port;
}

void
_msgpack_rpc_reactor_modify_port (MsgpackRpcReactor *self,
                                  MsgpackRpcPort    *port,
                                  GIOCondition       condition)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (port->condition == condition)
    return;

  port->condition = condition;
  if (port->tag != NULL)
    {
      g_source_modify_unix_fd (&self->source, port->tag, condition);
      return;
    }

#ifdef HAVE_EPOLL
  {
    struct epoll_event event = { .events = condition_to_epoll (condition), .data.ptr = port };

    /* Without memory for it, the source itself watches. */
    if (epoll_ctl (self->epoll_fd, EPOLL_CTL_MOD, port->fd, &event) != 0)
      {
        epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, port->fd, NULL);
        port->tag = g_source_add_unix_fd (&self->source, port->fd, condition);
        self->n_tagged++;
      }
  }
#endif
}

void
_msgpack_rpc_reactor_remove_port (MsgpackRpcReactor *self,
                                  MsgpackRpcPort    *port)
{
  GObject *owner = port->owner;

  g_mutex_lock (&self->lock);
  if (port->tag != NULL)
    {
      g_source_remove_unix_fd (&self->source, port->tag);
      self->n_tagged--;
    }
#ifdef HAVE_EPOLL
  else
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, port->fd, NULL);
#endif
  g_ptr_array_remove_fast (self->ports, port);
  g_mutex_unlock (&self->lock);

  g_object_unref (owner);
}

static void
run_corks (MsgpackRpcReactor *self)
{
  g_autoptr(GArray) corks = NULL;

  g_mutex_lock (&self->lock);
  if (self->corks->len > 0)
    {
      corks = self->corks;
      self->corks = g_array_new (FALSE, FALSE, sizeof (Cork));
    }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; corks != NULL && i < corks->len; i++)
    {
      Cork *cork = &g_array_index (corks, Cork, i);

      cork->func (cork->owner);
      g_object_unref (cork->owner);
    }
}

void
_msgpack_rpc_reactor_cork (MsgpackRpcReactor   *self,
                           MsgpackRpcTimerFunc  func,
                           GObject             *owner)
{
  Cork cork = { func, g_object_ref (owner) };

  g_mutex_lock (&self->lock);
  g_array_append_val (self->corks, cork);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_reactor_wake (self);
}

void
_msgpack_rpc_reactor_uncork (MsgpackRpcReactor *self,
                             GObject           *owner)
{
  guint n = 0;

  g_mutex_lock (&self->lock);
  for (guint i = self->corks->len; i > 0; i--)
    if (g_array_index (self->corks, Cork, i - 1).owner == owner)
      {
        g_array_remove_index (self->corks, i - 1);
        n++;
      }
  g_mutex_unlock (&self->lock);

  for (; n > 0; n--)
    g_object_unref (owner);
}

gboolean
_msgpack_rpc_reactor_is_dispatching (MsgpackRpcReactor *self)
{
  for (Frame *frame = g_private_get (&frames); frame != NULL; frame = frame->outer)
    if (frame->reactor == self)
      return TRUE;

  return FALSE;
}

static MsgpackRpcReactor *
find_reactor (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&registry_lock);
  MsgpackRpcReactor *self = registry != NULL ? g_hash_table_lookup (registry, context) : NULL;

  if (self != NULL)
    self->users++;
  return self;
}

void
_msgpack_rpc_reactor_flush_corks (void)
{
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();
  MsgpackRpcReactor *reactor = find_reactor (context);

  for (Frame *frame = g_private_get (&frames); frame != NULL; frame = frame->outer)
    run_corks (frame->reactor);

  if (reactor != NULL)
    {
      run_corks (reactor);
      _msgpack_rpc_reactor_unref (reactor);
    }
}
