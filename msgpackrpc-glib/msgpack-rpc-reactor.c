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
#define DISPATCH_BUDGET MSGPACK_RPC_REACTOR_BUDGET

/* Where saturated lanes have their turns: below GTK's drawing, which is at 120. */
#define SATURATED_PRIORITY 130

/* How many lanes are told apart while it is found out which of them takes the time. */
#define N_SHARES 8

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
  gconstpointer lane;
  gpointer owner;
  gboolean keep_owner;
  MsgpackRpcPostFunc func;
  gpointer data;
  GDestroyNotify destroy;
};

/* Items in the order in which they are delivered. */
typedef struct
{
  Item *first;
  Item *last;
} Mailbox;

/* A lane that has more to do than fits in a turn: what was posted for it waits here, and its ports
 * are not polled. */
typedef struct
{
  gconstpointer lane;
  Mailbox mailbox;
} Saturated;

/* What a lane has taken of the present turn, in microseconds. */
typedef struct
{
  gconstpointer lane;
  gint64 time;
} Share;

typedef struct
{
  MsgpackRpcTimerFunc func;
  GObject *owner;
} Cork;

struct _MsgpackRpcPort
{
  gconstpointer lane;
  int fd;                 /* −1: of a source */
  GSource *source;        /* owned, nullable */
  GIOCondition condition;
  gpointer tag;           /* of g_source_add_unix_fd(), NULL while in the epoll descriptor */
  gboolean suspended;     /* its lane is saturated */
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
};

typedef struct
{
  gconstpointer lane;
  MsgpackRpcPortFunc func;
  GObject *owner;         /* owned */
  GIOCondition condition;
} Ready;

/* The source at the lower priority. */
typedef struct
{
  GSource source;
  MsgpackRpcReactor *reactor; /* owned as a source: see there */
} SlowSource;

struct _MsgpackRpcReactor
{
  GSource source;         /* The memory is the source's: the context may still hold it in prepare()
                           * or check() when the last user lets go in another thread. */
  GMainContext *context;  /* owned by the users together */
  guint users;            /* guarded by the registry's lock */
  GSource *slow;          /* owned; the source at the lower priority */

  Share shares[N_SHARES]; /* of the present turn; by whoever dispatches */
  gint64 turn_time;       /* all of them together */

  GMutex lock;            /* guards everything below; no callback is called with it held */
  Mailbox mailbox;        /* of all lanes that are not saturated */
  GHashTable *saturated;  /* lane → Saturated, owned */
  GQueue turns;           /* of the same, not owned: the one whose turn is next is first */
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

static void
mailbox_append (Mailbox *self,
                Item    *item)
{
  item->next = NULL;
  if (self->first == NULL)
    self->first = item;
  else
    self->last->next = item;
  self->last = item;
}

static gboolean
is_of_lane (Item          *item,
            gconstpointer  lane)
{
  return item->lane == lane;
}

static gboolean
is_unheld (Item          *item,
           gconstpointer  owner)
{
  return item->owner == owner && !item->keep_owner;
}

/* Moves what matches to the end of another mailbox, in order. */
static void
mailbox_move (Mailbox       *self,
              Mailbox       *to,
              gboolean     (*matches) (Item *, gconstpointer),
              gconstpointer  data)
{
  Mailbox kept = { NULL, NULL };
  Item *next;

  for (Item *item = self->first; item != NULL; item = next)
    {
      next = item->next;
      mailbox_append (matches (item, data) ? to : &kept, item);
    }

  *self = kept;
}

/* The lock is held. */
static Item *
mailbox_take (Mailbox *self)
{
  Item *item = self->first;

  if (item == NULL)
    return NULL;

  self->first = item->next;
  /* The owner's dispose forgets its items under this lock, so it is still there. */
  if (item->owner != NULL && !item->keep_owner)
    g_object_ref (item->owner);

  return item;
}

/* Where the items of a lane are; the lock is held. */
static Mailbox *
find_mailbox (MsgpackRpcReactor *self,
              gconstpointer      lane)
{
  Saturated *saturated = NULL;

  if (self->turns.length > 0)
    saturated = g_hash_table_lookup (self->saturated, lane);
  return saturated != NULL ? &saturated->mailbox : &self->mailbox;
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
run_item (MsgpackRpcReactor *self,
          Item              *item)
{
  item->func (item->owner, item->data);
  free_item (item);
  _msgpack_rpc_reactor_unref (self);
}

/* ---- ports ---- */

static void
take_ready (GArray         *ready,
            MsgpackRpcPort *port,
            GIOCondition    condition)
{
  Ready entry = { port->lane, port->func, g_object_ref (port->owner), condition };

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

      if (port->tag != NULL && epoll_add (self, port))
        {
          g_source_remove_unix_fd (&self->source, g_steal_pointer (&port->tag));
          self->n_tagged--;
        }
    }
}
#endif

/* Begins to poll a port. */
static void
attach_port (MsgpackRpcReactor *self,
             MsgpackRpcPort    *port)
{
  if (port->source != NULL)
    {
      g_source_set_priority (port->source, G_PRIORITY_DEFAULT);
      return;
    }

#ifdef HAVE_EPOLL
  if (self->epoll_fd < 0 && self->ports->len >= EPOLL_THRESHOLD)
    start_epoll (self);
  if (epoll_add (self, port))
    return;
#endif
  port->tag = g_source_add_unix_fd (&self->source, port->fd, port->condition);
  self->n_tagged++;
}

/* A source of its own is only polled later than others. */
static void
detach_port (MsgpackRpcReactor *self,
             MsgpackRpcPort    *port)
{
  if (port->source != NULL)
    g_source_set_priority (port->source, SATURATED_PRIORITY);
  else if (port->tag != NULL)
    {
      g_source_remove_unix_fd (&self->source, g_steal_pointer (&port->tag));
      self->n_tagged--;
    }
#ifdef HAVE_EPOLL
  else
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, port->fd, NULL);
#endif
}

static void
suspend_ports (MsgpackRpcReactor *self,
               gconstpointer      lane,
               gboolean           suspend)
{
  for (guint i = 0; i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (port->lane != lane || port->suspended == suspend)
        continue;

      port->suspended = suspend;
      if (suspend)
        detach_port (self, port);
      else
        attach_port (self, port);
    }
}

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

/* ---- turns ---- */

static void
saturate (MsgpackRpcReactor *self,
          gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Saturated *saturated;

  if (g_hash_table_contains (self->saturated, lane))
    return;

  saturated = g_new0 (Saturated, 1);
  saturated->lane = lane;
  mailbox_move (&self->mailbox, &saturated->mailbox, is_of_lane, lane);
  suspend_ports (self, lane, TRUE);
  g_hash_table_insert (self->saturated, (gpointer) lane, saturated);
  g_queue_push_tail (&self->turns, saturated);
}

/* The lock is held. */
static void
restore (MsgpackRpcReactor *self,
         Saturated         *saturated)
{
  gconstpointer lane = saturated->lane;

  g_queue_remove (&self->turns, saturated);
  g_hash_table_remove (self->saturated, lane);
  suspend_ports (self, lane, FALSE);
}

static void
end_turn (MsgpackRpcReactor *self)
{
  if (self->turn_time == 0)
    return;

  memset (self->shares, 0, sizeof self->shares);
  self->turn_time = 0;
}

/* The share of a lane, in place of the smallest if it had none. */
static Share *
get_share (MsgpackRpcReactor *self,
           gconstpointer      lane)
{
  Share *share = &self->shares[0];

  for (guint i = 0; i < N_SHARES; i++)
    {
      if (self->shares[i].lane == lane)
        return &self->shares[i];
      if (self->shares[i].time < share->time)
        share = &self->shares[i];
    }

  *share = (Share) { .lane = lane };
  return share;
}

/* A turn lasts, over many dispatches, until nothing of a higher priority than the other source's is
 * ready. When it has lasted too long, the lane that took most of it goes there. FALSE then. */
static gboolean
charge (MsgpackRpcReactor *self,
        gconstpointer      lane,
        gint64             time)
{
  Share *most = &self->shares[0];

  if (lane == NULL)
    return TRUE;

  get_share (self, lane)->time += time;
  self->turn_time += time;
  if (self->turn_time < DISPATCH_BUDGET)
    return TRUE;

  for (guint i = 1; i < N_SHARES; i++)
    if (self->shares[i].time > most->time)
      most = &self->shares[i];
  saturate (self, most->lane);
  end_turn (self);
  return FALSE;
}

static void
run_ports (MsgpackRpcReactor *self)
{
  g_autoptr(GArray) ready = collect_ready (self);
  gint64 start = ready->len > 0 ? g_get_monotonic_time () : 0;

  for (guint i = 0; i < ready->len; i++)
    {
      Ready *entry = &g_array_index (ready, Ready, i);
      gint64 now;

      entry->func (entry->owner, entry->condition);
      g_object_unref (entry->owner);
      now = g_get_monotonic_time ();
      charge (self, entry->lane, now - start);
      start = now;
    }
}

static Item *
take_item (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return mailbox_take (&self->mailbox);
}

static void
run_items (MsgpackRpcReactor *self)
{
  gint64 start = g_get_monotonic_time ();
  gint64 end = start + DISPATCH_BUDGET;
  Item *item;

  while (start < end && (item = take_item (self)) != NULL)
    {
      gconstpointer lane = item->lane;
      gint64 now;

      run_item (self, item);
      now = g_get_monotonic_time ();
      if (!charge (self, lane, now - start))
        break;
      start = now;
    }
}

/* Its mailbox is looked up each time: what is called may run the loop, and so end the lane's turn. */
static Item *
take_saturated_item (MsgpackRpcReactor *self,
                     gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Saturated *saturated = g_hash_table_lookup (self->saturated, lane);

  return saturated != NULL ? mailbox_take (&saturated->mailbox) : NULL;
}

static GArray *
collect_suspended (MsgpackRpcReactor *self,
                   gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GArray *ready = g_array_new (FALSE, FALSE, sizeof (Ready));

  for (guint i = 0; i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (port->lane == lane && port->suspended)
        take_ready (ready, port, 0);
    }

  return ready;
}

/* Whether there was something to read. */
static gboolean
read_on (MsgpackRpcReactor *self,
         gconstpointer      lane)
{
  g_autoptr(GArray) ready = collect_suspended (self, lane);
  gboolean has_read = FALSE;

  for (guint i = 0; i < ready->len; i++)
    {
      Ready *entry = &g_array_index (ready, Ready, i);

      has_read |= entry->func (entry->owner, entry->condition);
      g_object_unref (entry->owner);
    }

  return has_read;
}

static void
run_turn (MsgpackRpcReactor *self,
          gconstpointer      lane)
{
  gint64 end = g_get_monotonic_time () + DISPATCH_BUDGET;
  Saturated *saturated;
  Item *item;

  while ((item = take_saturated_item (self, lane)) != NULL)
    {
      run_item (self, item);
      if (g_get_monotonic_time () >= end)
        return;
    }

  if (read_on (self, lane))
    return;

  /* Nothing is left to do. */
  g_mutex_lock (&self->lock);
  saturated = g_hash_table_lookup (self->saturated, lane);
  if (saturated != NULL && saturated->mailbox.first == NULL)
    restore (self, saturated);
  g_mutex_unlock (&self->lock);
}

/* The lane whose turn is next; it goes to the end. NULL is no lane. */
static gconstpointer
next_turn (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Saturated *saturated = g_queue_pop_head (&self->turns);

  if (saturated == NULL)
    return NULL;

  g_queue_push_tail (&self->turns, saturated);
  return saturated->lane;
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
  if (self->mailbox.first != NULL)
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

  if (self->mailbox.first != NULL || self->corks->len > 0)
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

static void
enter (MsgpackRpcReactor *self,
       Frame             *frame)
{
  *frame = (Frame) { self, g_private_get (&frames) };
  g_private_set (&frames, frame);
}

static void
leave (MsgpackRpcReactor *self,
       Frame             *frame)
{
  g_private_set (&frames, frame->outer);
  run_corks (self);
  _msgpack_rpc_reactor_unref (self);
}

static gboolean
reactor_dispatch (GSource     *source,
                  GSourceFunc  callback G_GNUC_UNUSED,
                  gpointer     user_data G_GNUC_UNUSED)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  Frame frame;

  if (!try_ref (self))
    return G_SOURCE_REMOVE;

  enter (self, &frame);
  run_ports (self);
  run_timers (self);
  run_items (self);
  leave (self, &frame);
  return G_SOURCE_CONTINUE;
}

static void
reactor_finalize (GSource *source)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;

  g_assert (self->mailbox.first == NULL);
  g_assert (self->heap->len == 0);
  g_assert (self->ports->len == 0);
  g_assert (self->corks->len == 0);

  g_queue_clear (&self->turns);
  g_hash_table_unref (self->saturated);
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

/* ---- the source at the lower priority ---- */

static gboolean
slow_is_ready (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->turns.length > 0;
}

static gboolean
slow_prepare (GSource *source,
              int     *timeout)
{
  *timeout = -1;
  return slow_is_ready (((SlowSource *) source)->reactor);
}

/* Only called when nothing of a higher priority is ready. */
static gboolean
slow_check (GSource *source)
{
  SlowSource *self = (SlowSource *) source;

  end_turn (self->reactor);
  return slow_is_ready (self->reactor);
}

static gboolean
slow_dispatch (GSource     *source,
               GSourceFunc  callback G_GNUC_UNUSED,
               gpointer     user_data G_GNUC_UNUSED)
{
  MsgpackRpcReactor *self = ((SlowSource *) source)->reactor;
  gint64 end = g_get_monotonic_time () + DISPATCH_BUDGET;
  gconstpointer first, lane;
  Frame frame;

  if (!try_ref (self))
    return G_SOURCE_REMOVE;

  enter (self, &frame);
  end_turn (self);
  first = lane = next_turn (self);
  while (lane != NULL)
    {
      run_turn (self, lane);
      if (g_get_monotonic_time () >= end)
        break;
      lane = next_turn (self);
      if (lane == first)
        break;
    }
  leave (self, &frame);
  return G_SOURCE_CONTINUE;
}

static void
slow_finalize (GSource *source)
{
  g_source_unref (&((SlowSource *) source)->reactor->source);
}

static GSourceFuncs slow_funcs = {
  .prepare = slow_prepare,
  .check = slow_check,
  .dispatch = slow_dispatch,
  .finalize = slow_finalize,
};

static GSource *
slow_source_new (MsgpackRpcReactor *reactor)
{
  GSource *source = g_source_new (&slow_funcs, sizeof (SlowSource));

  ((SlowSource *) source)->reactor = reactor;
  g_source_ref (&reactor->source);
  g_source_set_static_name (source, "[msgpackrpc-glib] saturated");
  g_source_set_priority (source, SATURATED_PRIORITY);
  g_source_set_can_recurse (source, TRUE);
  return source;
}

/* ---- the reactor ---- */

static MsgpackRpcReactor *
reactor_new (GMainContext *context)
{
  MsgpackRpcReactor *self;

  self = (MsgpackRpcReactor *) g_source_new (&reactor_funcs, sizeof (MsgpackRpcReactor));
  self->context = g_main_context_ref (context);
  self->heap = g_ptr_array_new ();
  self->ports = g_ptr_array_new_with_free_func (g_free);
  self->corks = g_array_new (FALSE, FALSE, sizeof (Cork));
  self->saturated = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&self->turns);
  self->epoll_fd = -1;
  g_mutex_init (&self->lock);

  g_source_set_static_name (&self->source, "[msgpackrpc-glib] reactor");
  /* Without it GLib takes the descriptors out of the poll set around each dispatch, which costs
   * four system calls, and a handler that runs the loop would wait for ever. */
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  self->slow = slow_source_new (self);
  g_source_attach (self->slow, context);
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
  g_source_destroy (self->slow);
  g_source_unref (self->slow);
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
                           gconstpointer       lane,
                           gpointer            owner,
                           gboolean            keep_owner,
                           MsgpackRpcPostFunc  func,
                           gpointer            data,
                           GDestroyNotify      destroy)
{
  Item *item = g_new0 (Item, 1);
  Mailbox *mailbox;
  gboolean was_empty;

  item->lane = lane;
  item->owner = (owner != NULL && keep_owner) ? g_object_ref (owner) : owner;
  item->keep_owner = keep_owner;
  item->func = func;
  item->data = data;
  item->destroy = destroy;

  _msgpack_rpc_reactor_ref (self);

  g_mutex_lock (&self->lock);
  mailbox = find_mailbox (self, lane);
  was_empty = mailbox->first == NULL;
  mailbox_append (mailbox, item);
  g_mutex_unlock (&self->lock);

  if (was_empty)
    _msgpack_rpc_reactor_wake (self);
}

void
_msgpack_rpc_reactor_forget (MsgpackRpcReactor *self,
                             gpointer           owner)
{
  Mailbox forgotten = { NULL, NULL };
  Item *next;

  g_mutex_lock (&self->lock);
  mailbox_move (&self->mailbox, &forgotten, is_unheld, owner);
  for (GList *link = self->turns.head; link != NULL; link = link->next)
    mailbox_move (&((Saturated *) link->data)->mailbox, &forgotten, is_unheld, owner);
  g_mutex_unlock (&self->lock);

  for (Item *item = forgotten.first; item != NULL; item = next)
    {
      next = item->next;
      item->owner = NULL;
      free_item (item);
      _msgpack_rpc_reactor_unref (self);
    }
}

/* Its lane may be saturated or not. */
static Item *
take_item_of (MsgpackRpcReactor *self,
              gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Mailbox *mailbox = find_mailbox (self, lane);
  Mailbox others = { NULL, NULL };
  Item *item;

  while (mailbox->first != NULL && mailbox->first->lane != lane)
    {
      item = mailbox->first;
      mailbox->first = item->next;
      mailbox_append (&others, item);
    }

  item = mailbox_take (mailbox);
  if (others.first != NULL)
    {
      others.last->next = mailbox->first;
      if (mailbox->first == NULL)
        mailbox->last = others.last;
      mailbox->first = others.first;
    }
  return item;
}

static gboolean
may_serve (MsgpackRpcReactor *self)
{
  GMainContext *own = g_main_context_get_thread_default ();

  if (own == NULL)
    own = g_main_context_default ();
  return (g_main_context_is_owner (self->context) || own == self->context) &&
         g_main_context_acquire (self->context);
}

gboolean
_msgpack_rpc_reactor_serve (MsgpackRpcReactor *self,
                            gconstpointer      lane)
{
  Item *item;
  Frame frame;

  if (!may_serve (self))
    return FALSE;

  item = take_item_of (self, lane);
  if (item != NULL)
    {
      enter (_msgpack_rpc_reactor_ref (self), &frame);
      g_main_context_push_thread_default (self->context);
      run_item (self, item);
      g_main_context_pop_thread_default (self->context);
      leave (self, &frame);
    }

  g_main_context_release (self->context);
  return item != NULL;
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
    _msgpack_rpc_reactor_post (self, NULL, object, FALSE, notify_cb, pspec, NULL);
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

/* Consumes @port. */
static MsgpackRpcPort *
add_port (MsgpackRpcReactor *self,
          MsgpackRpcPort     port)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcPort *added = g_memdup2 (&port, sizeof port);

  g_object_ref (added->owner);
  added->suspended = g_hash_table_contains (self->saturated, added->lane);
  if (!added->suspended)
    attach_port (self, added);
  else if (added->source != NULL)
    detach_port (self, added);
  g_ptr_array_add (self->ports, added);
  return added;
}

MsgpackRpcPort *
_msgpack_rpc_reactor_add_port (MsgpackRpcReactor  *self,
                               gconstpointer       lane,
                               int                 fd,
                               GIOCondition        condition,
                               MsgpackRpcPortFunc  func,
                               GObject            *owner)
{
  MsgpackRpcPort port = {
    .lane = lane, .fd = fd, .condition = condition, .func = func, .owner = owner,
  };

  return add_port (self, port);
}

MsgpackRpcPort *
_msgpack_rpc_reactor_add_source (MsgpackRpcReactor  *self,
                                 gconstpointer       lane,
                                 GSource            *source,
                                 MsgpackRpcPortFunc  func,
                                 GObject            *owner)
{
  MsgpackRpcPort port = {
    .lane = lane, .fd = -1, .source = g_source_ref (source), .func = func, .owner = owner,
  };

  return add_port (self, port);
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
  if (port->suspended)
    return;
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
  GSource *source = port->source;

  g_mutex_lock (&self->lock);
  if (source == NULL && !port->suspended)
    detach_port (self, port);
  g_ptr_array_remove_fast (self->ports, port);
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&source, g_source_unref);
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

void
_msgpack_rpc_reactor_charge (MsgpackRpcReactor *self,
                             gconstpointer      lane,
                             gint64             time)
{
  charge (self, lane, time);
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
