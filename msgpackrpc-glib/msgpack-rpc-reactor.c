/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-reactor-private.h"

#include "msgpack-rpc-mailbox-private.h"
#include "msgpack-rpc-poll-set-private.h"
#include "msgpack-rpc-timer-heap-private.h"

/* How long one dispatch may deliver messages, in microseconds, before other sources have a turn. */
#define DISPATCH_BUDGET MSGPACK_RPC_REACTOR_BUDGET

/* An array of so many corks at most is kept for the next turn. */
#define MAX_SPARE_CORKS 64

/* From how many items on they are counted for each owner, until none is left. */
#define MANY_ITEMS 64

/* How many lanes are told apart while it is found out which of them takes the time. */
#define N_SHARES 8

/* A lane that has more to do than fits in a turn: what was posted for it waits here, and its ports
 * are not polled. */
typedef struct
{
  GList link;             /* in the turns */
  gconstpointer lane;
  MsgpackRpcMailbox mailbox;
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
  int users;              /* atomic; from and to 0 with the registry's lock held */
  GSource *slow;          /* owned; the source at the lower priority */
  GThread *thread;        /* atomic; which ran the context last, never followed; NULL: none yet */
  int depth;              /* atomic; how many items are served within one another */
  int has_looked;         /* atomic; what is added now must wake even the thread that runs the context */

  Share shares[N_SHARES]; /* of the present turn; by whoever dispatches */
  gint64 turn_time;       /* all of them together */

  GMutex lock;            /* guards everything below; no callback is called with it held */
  MsgpackRpcMailbox mailbox; /* of all lanes that are not saturated */
  GHashTable *owners;     /* of the items in it and in theirs; NULL while that is not worth it */
  GHashTable *saturated;  /* lane → Saturated, owned */
  GQueue turns;           /* of the same, not owned: the one whose turn is next is first */
  MsgpackRpcTimerHeap timers;
  MsgpackRpcPollSet ports;
  GArray *corks;          /* of Cork */
  GArray *spare_corks;    /* empty; the one of the last time, or NULL */
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

/* ---- timers ---- */

static MsgpackRpcTimer *
take_due_timer (MsgpackRpcReactor *self,
                gint64             now,
                GObject          **owner)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return _msgpack_rpc_timer_heap_take_due (&self->timers, now, owner);
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

/* Where the items of a lane are; the lock is held. */
static MsgpackRpcMailbox *
find_mailbox (MsgpackRpcReactor *self,
              gconstpointer      lane)
{
  Saturated *saturated = NULL;

  if (self->turns.length > 0)
    saturated = g_hash_table_lookup (self->saturated, lane);
  return saturated != NULL ? &saturated->mailbox : &self->mailbox;
}

/* It waits no more. The lock is held. */
static MsgpackRpcItem *
note_taken (MsgpackRpcReactor *self,
            MsgpackRpcItem    *item)
{
  if (G_LIKELY (self->owners == NULL) || item == NULL)
    return item;

  _msgpack_rpc_owners_change (self->owners, item, -1);
  if (g_hash_table_size (self->owners) == 0)
    g_clear_pointer (&self->owners, g_hash_table_unref);
  return item;
}

static void
run_item (MsgpackRpcReactor *self,
          MsgpackRpcItem    *item)
{
  item->func (item->owner, item->data);
  _msgpack_rpc_item_free (item);
  _msgpack_rpc_reactor_unref (self);
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
  saturated->link.data = saturated;
  saturated->lane = lane;
  _msgpack_rpc_mailbox_move_lane (&self->mailbox, &saturated->mailbox, lane);
  _msgpack_rpc_poll_set_suspend (&self->ports, lane, TRUE);
  g_hash_table_insert (self->saturated, (gpointer) lane, saturated);
  g_queue_push_tail_link (&self->turns, &saturated->link);
}

/* The lock is held. */
static void
restore (MsgpackRpcReactor *self,
         Saturated         *saturated)
{
  gconstpointer lane = saturated->lane;

  g_queue_unlink (&self->turns, &saturated->link);
  g_hash_table_remove (self->saturated, lane);
  _msgpack_rpc_poll_set_suspend (&self->ports, lane, FALSE);
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
  MsgpackRpcReadyList ready;
  gint64 start;

  g_mutex_lock (&self->lock);
  _msgpack_rpc_poll_set_take_ready (&self->ports, &ready);
  g_mutex_unlock (&self->lock);

  start = ready.n > 0 ? g_get_monotonic_time () : 0;
  for (guint i = 0; i < ready.n; i++)
    {
      MsgpackRpcReady *entry = &ready.entries[i];
      gint64 now;

      entry->func (entry->owner, entry->condition);
      g_object_unref (entry->owner);
      now = g_get_monotonic_time ();
      charge (self, entry->lane, now - start);
      start = now;
    }
}

static MsgpackRpcItem *
take_item (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return note_taken (self, _msgpack_rpc_mailbox_take (&self->mailbox));
}

static void
run_items (MsgpackRpcReactor *self)
{
  gint64 start = g_get_monotonic_time ();
  gint64 end = start + DISPATCH_BUDGET;
  MsgpackRpcItem *item;

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
static MsgpackRpcItem *
take_saturated_item (MsgpackRpcReactor *self,
                     gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Saturated *saturated = g_hash_table_lookup (self->saturated, lane);

  return saturated != NULL ? note_taken (self, _msgpack_rpc_mailbox_take (&saturated->mailbox)) : NULL;
}

/* Whether there may be more to do. */
static gboolean
work_on (MsgpackRpcReactor *self,
         gconstpointer      lane)
{
  MsgpackRpcReadyList ready;
  gboolean goes_on = FALSE;

  g_mutex_lock (&self->lock);
  _msgpack_rpc_poll_set_take_suspended (&self->ports, lane, &ready);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < ready.n; i++)
    {
      MsgpackRpcReady *entry = &ready.entries[i];

      goes_on |= entry->func (entry->owner, entry->condition);
      g_object_unref (entry->owner);
    }

  return goes_on;
}

static void
run_turn (MsgpackRpcReactor *self,
          gconstpointer      lane)
{
  gint64 end = g_get_monotonic_time () + DISPATCH_BUDGET;
  Saturated *saturated;
  MsgpackRpcItem *item;

  while ((item = take_saturated_item (self, lane)) != NULL)
    {
      run_item (self, item);
      if (g_get_monotonic_time () >= end)
        return;
    }

  if (work_on (self, lane))
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
  GList *link = g_queue_pop_head_link (&self->turns);

  if (link == NULL)
    return NULL;

  g_queue_push_tail_link (&self->turns, link);
  return ((Saturated *) link->data)->lane;
}

/* ---- the source ---- */

static gboolean
reactor_prepare (GSource *source,
                 int     *timeout)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  gint64 wait;

  g_atomic_pointer_set (&self->thread, g_thread_self ());
  run_corks (self);

  g_mutex_lock (&self->lock);
  wait = -1;
  /* What is corked while that is done is for the next time. */
  if (self->mailbox.first != NULL || self->corks->len > 0)
    wait = 0;
  else if (!_msgpack_rpc_timer_heap_is_empty (&self->timers))
    wait = MAX (0, _msgpack_rpc_timer_heap_get_time (&self->timers) - g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);

  /* Rounded up: a millisecond early would make the loop spin for it. */
  *timeout = wait < 0 ? -1 : (int) MIN ((wait + 999) / 1000, G_MAXINT);
  g_atomic_int_set (&self->has_looked, wait != 0);
  return wait == 0;
}

static gboolean
reactor_check (GSource *source)
{
  MsgpackRpcReactor *self = (MsgpackRpcReactor *) source;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_atomic_int_set (&self->has_looked, FALSE);
  if (self->mailbox.first != NULL || self->corks->len > 0)
    return TRUE;
  if (!_msgpack_rpc_timer_heap_is_empty (&self->timers) &&
      _msgpack_rpc_timer_heap_get_time (&self->timers) <= g_get_monotonic_time ())
    return TRUE;

  return _msgpack_rpc_poll_set_is_ready (&self->ports);
}

/* The last user may have let go in another thread while this one was polling. */
static gboolean
try_ref (MsgpackRpcReactor *self)
{
  int users = g_atomic_int_get (&self->users);

  while (users > 0 && !g_atomic_int_compare_and_exchange (&self->users, users, users + 1))
    users = g_atomic_int_get (&self->users);

  return users > 0;
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

  g_atomic_int_set (&self->has_looked, FALSE);
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
  g_assert (_msgpack_rpc_timer_heap_is_empty (&self->timers));
  g_assert (self->corks->len == 0);

  g_clear_pointer (&self->owners, g_hash_table_unref);
  g_hash_table_unref (self->saturated);
  _msgpack_rpc_timer_heap_clear (&self->timers);
  _msgpack_rpc_poll_set_clear (&self->ports);
  g_array_unref (self->corks);
  g_clear_pointer (&self->spare_corks, g_array_unref);
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
  g_source_set_priority (source, MSGPACK_RPC_SATURATED_PRIORITY);
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
  _msgpack_rpc_timer_heap_init (&self->timers);
  _msgpack_rpc_poll_set_init (&self->ports, &self->source);
  self->corks = g_array_new (FALSE, FALSE, sizeof (Cork));
  self->saturated = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&self->turns);
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

  g_atomic_int_inc (&self->users);
  return self;
}

MsgpackRpcReactor *
_msgpack_rpc_reactor_ref (MsgpackRpcReactor *self)
{
  g_atomic_int_inc (&self->users);
  return self;
}

void
_msgpack_rpc_reactor_unref (MsgpackRpcReactor *self)
{
  int users = g_atomic_int_get (&self->users);
  GMainContext *context;

  while (users > 1)
    {
      if (g_atomic_int_compare_and_exchange (&self->users, users, users - 1))
        return;
      users = g_atomic_int_get (&self->users);
    }

  g_mutex_lock (&registry_lock);
  if (!g_atomic_int_dec_and_test (&self->users))
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

/* Whoever owns the context is not inside of poll() if it is this thread, but about to be when another
 * source is prepared; if nobody owns it, the next owner looks before it polls. */
void
_msgpack_rpc_reactor_wake (MsgpackRpcReactor *self)
{
  if (g_atomic_int_get (&self->has_looked) || !g_main_context_is_owner (self->context))
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
  _msgpack_rpc_reactor_post_item (self, _msgpack_rpc_item_new (lane, owner, keep_owner, func, data,
                                                               destroy));
}

void
_msgpack_rpc_reactor_post_item (MsgpackRpcReactor *self,
                                MsgpackRpcItem    *item)
{
  MsgpackRpcMailbox *mailbox;
  gboolean was_empty;

  if (item->owner != NULL && item->keep_owner)
    g_object_ref (item->owner);

  _msgpack_rpc_reactor_ref (self);

  g_mutex_lock (&self->lock);
  mailbox = find_mailbox (self, item->lane);
  was_empty = mailbox->first == NULL;
  _msgpack_rpc_mailbox_append (mailbox, item);
  if (G_UNLIKELY (self->owners != NULL))
    _msgpack_rpc_owners_change (self->owners, item, 1);
  g_mutex_unlock (&self->lock);

  if (was_empty)
    _msgpack_rpc_reactor_wake (self);
}

/* So that the next owner that goes need not look through all of them, as when many go at a time. The
 * lock is held. */
static void
count_owners (MsgpackRpcReactor *self)
{
  self->owners = g_hash_table_new (NULL, NULL);
  _msgpack_rpc_owners_add_mailbox (self->owners, &self->mailbox);
  for (GList *link = self->turns.head; link != NULL; link = link->next)
    _msgpack_rpc_owners_add_mailbox (self->owners, &((Saturated *) link->data)->mailbox);
}

/* The lock is held. */
static void
take_items_of_owner (MsgpackRpcReactor *self,
                     gpointer           owner,
                     MsgpackRpcMailbox *taken)
{
  guint n_seen;

  if (self->owners != NULL && !g_hash_table_remove (self->owners, owner))
    return;

  n_seen = _msgpack_rpc_mailbox_move_owner (&self->mailbox, taken, owner);
  for (GList *link = self->turns.head; link != NULL; link = link->next)
    n_seen += _msgpack_rpc_mailbox_move_owner (&((Saturated *) link->data)->mailbox, taken, owner);
  if (self->owners == NULL && n_seen >= MANY_ITEMS)
    count_owners (self);
}

void
_msgpack_rpc_reactor_forget (MsgpackRpcReactor *self,
                             gpointer           owner)
{
  MsgpackRpcMailbox forgotten = { NULL, NULL };
  MsgpackRpcItem *next;

  g_mutex_lock (&self->lock);
  take_items_of_owner (self, owner, &forgotten);
  g_mutex_unlock (&self->lock);

  for (MsgpackRpcItem *item = forgotten.first; item != NULL; item = next)
    {
      next = item->next;
      item->owner = NULL;
      _msgpack_rpc_item_free (item);
      _msgpack_rpc_reactor_unref (self);
    }
}

/* Its lane may be saturated or not. */
static MsgpackRpcItem *
take_item_of (MsgpackRpcReactor *self,
              gconstpointer      lane)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return note_taken (self, _msgpack_rpc_mailbox_take_of (find_mailbox (self, lane), lane));
}

/* Of those that are saturated, the one whose turn is next comes first. */
static MsgpackRpcItem *
take_item_of_lanes (MsgpackRpcReactor *self,
                    GHashTable        *lanes)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcItem *item = _msgpack_rpc_mailbox_take_of_lanes (&self->mailbox, lanes);

  for (GList *link = self->turns.head; item == NULL && link != NULL; link = link->next)
    item = _msgpack_rpc_mailbox_take_of_lanes (&((Saturated *) link->data)->mailbox, lanes);
  return note_taken (self, item);
}

static gboolean
is_thread_default (MsgpackRpcReactor *self)
{
  GMainContext *own = g_main_context_get_thread_default ();

  return self->context == (own != NULL ? own : g_main_context_default ());
}

static gboolean
may_serve (MsgpackRpcReactor *self)
{
  return (g_main_context_is_owner (self->context) || is_thread_default (self)) &&
         g_main_context_acquire (self->context);
}

/* Releases the context. */
static gboolean
serve_item (MsgpackRpcReactor *self,
            MsgpackRpcItem    *item)
{
  Frame frame;

  if (item != NULL)
    {
      enter (_msgpack_rpc_reactor_ref (self), &frame);
      g_main_context_push_thread_default (self->context);
      g_atomic_int_inc (&self->depth);
      run_item (self, item);
      g_atomic_int_add (&self->depth, -1);
      g_main_context_pop_thread_default (self->context);
      leave (self, &frame);
    }

  g_main_context_release (self->context);
  return item != NULL;
}

gboolean
_msgpack_rpc_reactor_serve (MsgpackRpcReactor *self,
                            gconstpointer      lane)
{
  return may_serve (self) && serve_item (self, take_item_of (self, lane));
}

guint
_msgpack_rpc_reactor_get_depth (MsgpackRpcReactor *self)
{
  return (guint) g_atomic_int_get (&self->depth);
}

gboolean
_msgpack_rpc_reactor_serve_lanes (MsgpackRpcReactor *self,
                                  GHashTable        *lanes)
{
  return may_serve (self) && serve_item (self, take_item_of_lanes (self, lanes));
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
    _msgpack_rpc_timer_heap_remove (&self->timers, timer);
  else if (!timer->weak)
    g_object_ref (timer->owner);

  timer->time = time;
  _msgpack_rpc_timer_heap_add (&self->timers, timer);
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
      _msgpack_rpc_timer_heap_remove (&self->timers, timer);
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

  g_object_ref (port.owner);
  port.suspended = g_hash_table_contains (self->saturated, port.lane);
  return _msgpack_rpc_poll_set_add (&self->ports, port);
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

  _msgpack_rpc_poll_set_modify (&self->ports, port, condition);
}

void
_msgpack_rpc_reactor_remove_port (MsgpackRpcReactor *self,
                                  MsgpackRpcPort    *port)
{
  GObject *owner = port->owner;
  GSource *source = port->source;

  g_mutex_lock (&self->lock);
  _msgpack_rpc_poll_set_remove (&self->ports, port);
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&source, g_source_unref);
  g_object_unref (owner);
}

/* Those that are added meanwhile are for the next time. */
static GArray *
take_corks (MsgpackRpcReactor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GArray *corks = self->corks;

  if (corks->len == 0)
    return NULL;

  self->corks = g_steal_pointer (&self->spare_corks);
  if (self->corks == NULL)
    self->corks = g_array_new (FALSE, FALSE, sizeof (Cork));
  return corks;
}

static void
keep_corks (MsgpackRpcReactor *self,
            GArray            *corks)
{
  g_autoptr(GArray) taken = corks;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->spare_corks != NULL || corks->len > MAX_SPARE_CORKS)
    return;

  g_array_set_size (corks, 0);
  self->spare_corks = g_steal_pointer (&taken);
}

static void
run_corks (MsgpackRpcReactor *self)
{
  GArray *corks = take_corks (self);

  if (corks == NULL)
    return;

  for (guint i = 0; i < corks->len; i++)
    {
      Cork *cork = &g_array_index (corks, Cork, i);

      cork->func (cork->owner);
      g_object_unref (cork->owner);
    }
  keep_corks (self, corks);
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

gboolean
_msgpack_rpc_reactor_is_home (MsgpackRpcReactor *self)
{
  GThread *thread = g_atomic_pointer_get (&self->thread);

  return thread != NULL ? thread == g_thread_self () : is_thread_default (self);
}

static MsgpackRpcReactor *
find_reactor (GMainContext *context)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&registry_lock);
  MsgpackRpcReactor *self = registry != NULL ? g_hash_table_lookup (registry, context) : NULL;

  if (self != NULL)
    g_atomic_int_inc (&self->users);
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
