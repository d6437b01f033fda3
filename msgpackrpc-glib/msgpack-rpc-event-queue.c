/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-event-queue-private.h"

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-reactor-private.h"

/**
 * MsgpackRpcEventQueue:
 *
 * What has happened to channels, in order, for whoever asks for it.
 *
 * Signals come to who waits for them in a main context. A queue is for those who have none: any number
 * of threads may wait in [method@EventQueue.receive], and each event goes to one of them. Who has a
 * main context asks with [method@EventQueue.receive_async].
 *
 * Several channels may share a queue, and one may have a queue of its own for a time: the application
 * talks to it in a thread apart, and then [method@EventQueue.merge] takes what is left in it, in order,
 * and all that comes later, to the queue of the others.
 *
 * A queue that nobody reads does not grow without end: while there is too much from a channel in it,
 * nothing more is read from that channel.
 *
 * All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcEventQueue
{
  GObject parent_instance;

  GMutex lock;                /* guards what follows */
  GCond changed;              /* there may be something for the threads that wait */
  GQueue events;              /* of MsgpackRpcEvent, owned */
  GQueue waiters;             /* of Waiter: those who are called back */
  guint n_threads;            /* that wait */
  GHashTable *producers;      /* GMainContext, owned → how many there are in it */
  MsgpackRpcEventQueue *into; /* owned; where all goes; NULL if it was not merged */
  gboolean is_shut_down;
};

/* Somebody who is called back. It is in the list of a queue until something is there for it, which
 * is then on its way. */
typedef struct
{
  GTask *task;            /* owned */
  GSource *timeout;       /* owned, nullable */
  gulong cancelled_id;    /* 0: cannot be cancelled */
  GList link;             /* in the list of the queue; guarded by its lock */
  gboolean is_waiting;    /* likewise */
  MsgpackRpcEvent *event; /* owned, nullable; what it gets, unless */
  GError *error;          /* this is set */
} Waiter;

G_DEFINE_FINAL_TYPE (MsgpackRpcEventQueue, msgpack_rpc_event_queue, G_TYPE_OBJECT)

/* Who takes the locks of two queues holds it, so that nobody else takes them the other way round. */
static GMutex merge_lock;

static void
msgpack_rpc_event_queue_finalize (GObject *object)
{
  MsgpackRpcEventQueue *self = MSGPACK_RPC_EVENT_QUEUE (object);

  /* Who waits holds a reference. */
  g_assert (self->waiters.length == 0 && self->n_threads == 0);

  g_queue_clear_full (&self->events, (GDestroyNotify) msgpack_rpc_event_unref);
  g_hash_table_unref (self->producers);
  g_clear_object (&self->into);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);

  G_OBJECT_CLASS (msgpack_rpc_event_queue_parent_class)->finalize (object);
}

static void
msgpack_rpc_event_queue_class_init (MsgpackRpcEventQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_event_queue_finalize;
}

static void
msgpack_rpc_event_queue_init (MsgpackRpcEventQueue *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->events);
  g_queue_init (&self->waiters);
  self->producers = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) g_main_context_unref, NULL);
}

/**
 * msgpack_rpc_event_queue_new:
 *
 * Makes an empty queue.
 *
 * Returns: (transfer full): a queue
 *
 * Since: 1.0
 */
MsgpackRpcEventQueue *
msgpack_rpc_event_queue_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_EVENT_QUEUE, NULL);
}

/* Why there will be no more events; NULL if there may be some. With the lock held. */
static GError *
get_end (MsgpackRpcEventQueue *self)
{
  if (self->into != NULL)
    return g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED,
                                _("The queue was merged into another one"));
  if (self->is_shut_down)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The queue was shut down"));
  return NULL;
}

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  g_clear_pointer (&waiter->event, msgpack_rpc_event_unref);
  g_clear_error (&waiter->error);
  g_clear_pointer (&waiter->timeout, g_source_unref);
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* In its context. */
static void
waiter_done (gpointer owner G_GNUC_UNUSED,
             gpointer data)
{
  Waiter *waiter = data;

  if (waiter->timeout != NULL)
    g_source_destroy (waiter->timeout);
  /* Waits for a handler that runs, which finds the waiter no more in the list. */
  if (waiter->cancelled_id != 0)
    g_cancellable_disconnect (g_task_get_cancellable (waiter->task), waiter->cancelled_id);

  if (waiter->error != NULL)
    g_task_return_error (waiter->task, g_steal_pointer (&waiter->error));
  else
    g_task_return_pointer (waiter->task, g_steal_pointer (&waiter->event),
                           (GDestroyNotify) msgpack_rpc_event_unref);
}

/* Out of the list; the event or the error is its own. With the lock held. */
static void
waiter_give (MsgpackRpcEventQueue *self,
             Waiter               *waiter,
             MsgpackRpcEvent      *event,
             GError               *error)
{
  MsgpackRpcReactor *reactor = _msgpack_rpc_reactor_get (g_task_get_context (waiter->task));

  g_queue_unlink (&self->waiters, &waiter->link);
  waiter->is_waiting = FALSE;
  waiter->event = event;
  waiter->error = error;

  _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, waiter_done, waiter, waiter_free);
  _msgpack_rpc_reactor_unref (reactor);
}

/* Whoever waits in the context gets what the threads leave. With the lock held. */
static void
serve_waiters (MsgpackRpcEventQueue *self)
{
  while (self->waiters.length > 0 && self->events.length > self->n_threads)
    waiter_give (self, g_queue_peek_head (&self->waiters), g_queue_pop_head (&self->events), NULL);
}

/* With the lock held. */
static void
end_waiters (MsgpackRpcEventQueue *self)
{
  while (self->waiters.length > 0)
    waiter_give (self, g_queue_peek_head (&self->waiters), NULL, get_end (self));
  g_cond_broadcast (&self->changed);
}

/* With the lock held. */
static void
add_event (MsgpackRpcEventQueue *self,
           MsgpackRpcEvent      *event)
{
  g_queue_push_tail (&self->events, event);
  g_cond_signal (&self->changed);
  serve_waiters (self);
}

/* The queue that its events go to, locked: itself, or what it was merged into. A reference on it. */
static MsgpackRpcEventQueue *
lock_target (MsgpackRpcEventQueue *self)
{
  g_autoptr(MsgpackRpcEventQueue) target = g_object_ref (self);

  g_mutex_lock (&target->lock);
  while (target->into != NULL)
    {
      g_autoptr(MsgpackRpcEventQueue) next = g_object_ref (target->into);

      g_mutex_unlock (&target->lock);
      g_set_object (&target, next);
      g_mutex_lock (&target->lock);
    }
  return g_steal_pointer (&target);
}

static void
unlock_target (MsgpackRpcEventQueue *target)
{
  g_mutex_unlock (&target->lock);
  g_object_unref (target);
}

void
_msgpack_rpc_event_queue_push (MsgpackRpcEventQueue *self,
                               MsgpackRpcEvent      *event)
{
  MsgpackRpcEventQueue *target = lock_target (self);
  gboolean is_taken = !target->is_shut_down;

  if (is_taken)
    add_event (target, msgpack_rpc_event_ref (event));
  unlock_target (target);

  if (!is_taken)
    _msgpack_rpc_event_take (event);
}

/* With the lock held. */
static void
count_producer (MsgpackRpcEventQueue *self,
                GMainContext         *context,
                int                   n)
{
  n += GPOINTER_TO_INT (g_hash_table_lookup (self->producers, context));

  if (n > 0)
    g_hash_table_insert (self->producers, g_main_context_ref (context), GINT_TO_POINTER (n));
  else
    g_hash_table_remove (self->producers, context);
}

void
_msgpack_rpc_event_queue_add_producer (MsgpackRpcEventQueue *self,
                                       GMainContext         *context)
{
  MsgpackRpcEventQueue *target = lock_target (self);

  count_producer (target, context, 1);
  unlock_target (target);
}

void
_msgpack_rpc_event_queue_remove_producer (MsgpackRpcEventQueue *self,
                                          GMainContext         *context)
{
  MsgpackRpcEventQueue *target = lock_target (self);

  count_producer (target, context, -1);
  unlock_target (target);
}

gboolean
_msgpack_rpc_event_queue_goes_to (MsgpackRpcEventQueue *self,
                                  MsgpackRpcEventQueue *other)
{
  MsgpackRpcEventQueue *target = lock_target (self);
  gboolean goes_there = target == other;

  unlock_target (target);
  return goes_there;
}

/* With the lock held. */
static gboolean
is_producer (MsgpackRpcEventQueue *self)
{
  GHashTableIter iter;
  gpointer context;

  g_hash_table_iter_init (&iter, self->producers);
  while (g_hash_table_iter_next (&iter, &context, NULL))
    if (g_main_context_is_owner (context))
      return TRUE;

  return FALSE;
}

static GError *
make_timed_out (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("No event came in time"));
}

/* With the lock held. Sets the error if waiting makes no sense, or none any more. */
static gboolean
may_wait (MsgpackRpcEventQueue  *self,
          gint64                 deadline,
          GCancellable          *cancellable,
          GError               **error)
{
  GError *end = get_end (self);

  if (end != NULL)
    g_propagate_error (error, end);
  else if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  else if (deadline != -1 && g_get_monotonic_time () >= deadline)
    g_propagate_error (error, make_timed_out ());
  else if (is_producer (self))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                         _("This thread runs the main context that the events come from, and would "
                           "wait for itself; use receive_async()"));
  else
    return TRUE;

  return FALSE;
}

/* With the lock held. */
static MsgpackRpcEvent *
wait_for_event (MsgpackRpcEventQueue  *self,
                gint64                 deadline,
                GCancellable          *cancellable,
                GError               **error)
{
  MsgpackRpcEvent *event;

  self->n_threads++;
  while ((event = g_queue_pop_head (&self->events)) == NULL &&
         may_wait (self, deadline, cancellable, error))
    {
      if (deadline == -1)
        g_cond_wait (&self->changed, &self->lock);
      else
        g_cond_wait_until (&self->changed, &self->lock, deadline);
    }
  self->n_threads--;

  /* It may have been woken for more than one. */
  if (self->events.length > 0)
    g_cond_signal (&self->changed);
  serve_waiters (self);
  return event;
}

static void
wake_cb (GCancellable *cancellable G_GNUC_UNUSED,
         gpointer      user_data)
{
  MsgpackRpcEventQueue *self = user_data;

  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gint64
get_deadline (int timeout)
{
  return timeout < 0 ? -1 : g_get_monotonic_time () + timeout * G_GINT64_CONSTANT (1000);
}

/**
 * msgpack_rpc_event_queue_receive:
 * @self: a queue
 * @timeout: how long to wait, in milliseconds; 0 not to wait, -1 for ever
 * @cancellable: (nullable): what cancels waiting
 * @error: return location for an error
 *
 * Takes the first event, and waits until there is one.
 *
 * Any number of threads may wait. What is in the queue is given out before any error but those of a
 * queue that was merged. Fails with
 *
 * - `G_IO_ERROR_TIMED_OUT` if nothing came in time;
 * - `G_IO_ERROR_CANCELLED`;
 * - `G_IO_ERROR_CLOSED` once the queue was shut down, and is empty;
 * - `MSGPACK_RPC_ERROR_MERGED` if the queue was merged into another one: ask that;
 * - `G_IO_ERROR_WOULD_BLOCK` if there is none, and this thread runs the main context of a channel that
 *   has this queue: nothing could come while it waits. JavaScript cannot do without
 *   [method@EventQueue.receive_async] therefore.
 *
 * Returns: (transfer full): the event
 *
 * Since: 1.0
 */
MsgpackRpcEvent *
msgpack_rpc_event_queue_receive (MsgpackRpcEventQueue  *self,
                                 int                    timeout,
                                 GCancellable          *cancellable,
                                 GError               **error)
{
  gint64 deadline = get_deadline (timeout);
  MsgpackRpcEvent *event;
  gulong id = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_object_ref (self);
  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (wake_cb), self, NULL);
  g_mutex_lock (&self->lock);
  event = wait_for_event (self, deadline, cancellable, error);
  g_mutex_unlock (&self->lock);
  if (id != 0)
    g_cancellable_disconnect (cancellable, id);
  g_object_unref (self);

  if (event != NULL)
    _msgpack_rpc_event_take (event);
  return event;
}

/* Gives up, unless something is on its way. @error is taken. */
static void
give_up (Waiter *waiter,
         GError *error)
{
  MsgpackRpcEventQueue *self = g_task_get_source_object (waiter->task);

  g_mutex_lock (&self->lock);
  if (waiter->is_waiting)
    waiter_give (self, waiter, NULL, g_steal_pointer (&error));
  g_mutex_unlock (&self->lock);

  g_clear_error (&error);
}

static gboolean
timeout_cb (gpointer data)
{
  give_up (data, make_timed_out ());
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable,
              gpointer      user_data)
{
  GError *error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  give_up (user_data, error);
}

/* With the lock held, so that it does not come before the waiter is in the list. */
static void
start_timeout (Waiter *waiter,
               int     timeout)
{
  if (timeout < 0)
    return;

  waiter->timeout = g_timeout_source_new ((guint) timeout);
  g_source_set_static_name (waiter->timeout, "[msgpackrpc-glib] receive");
  g_source_set_callback (waiter->timeout, timeout_cb, waiter, NULL);
  g_source_attach (waiter->timeout, g_task_get_context (waiter->task));
}

/* It may be gone when this returns. With the lock held. */
static void
queue_waiter (MsgpackRpcEventQueue *self,
              Waiter               *waiter)
{
  GCancellable *cancellable = g_task_get_cancellable (waiter->task);
  GError *end = get_end (self);

  g_queue_push_tail_link (&self->waiters, &waiter->link);
  waiter->is_waiting = TRUE;
  serve_waiters (self);
  if (waiter->is_waiting && end == NULL)
    g_cancellable_set_error_if_cancelled (cancellable, &end);

  if (waiter->is_waiting && end != NULL)
    waiter_give (self, waiter, NULL, g_steal_pointer (&end));
  g_clear_error (&end);
}

/**
 * msgpack_rpc_event_queue_receive_async:
 * @self: a queue
 * @timeout: how long to wait, in milliseconds; 0 not to wait, -1 for ever
 * @cancellable: (nullable): what cancels waiting
 * @callback: (scope async): called when there is an event, or will be none
 * @user_data: data for @callback
 *
 * Takes the first event, as soon as there is one.
 *
 * Who asked first gets the first; threads that wait in [method@EventQueue.receive] come before those.
 * Call [method@EventQueue.receive_finish] from @callback, which comes in the thread-default context.
 *
 * Since: 1.0
 */
void
msgpack_rpc_event_queue_receive_async (MsgpackRpcEventQueue *self,
                                       int                   timeout,
                                       GCancellable         *cancellable,
                                       GAsyncReadyCallback   callback,
                                       gpointer              user_data)
{
  Waiter *waiter;

  g_return_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  waiter = g_new0 (Waiter, 1);
  waiter->link.data = waiter;
  waiter->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (waiter->task, msgpack_rpc_event_queue_receive_async);
  /* An event that was taken must not be lost. */
  g_task_set_check_cancellable (waiter->task, FALSE);
  /* What it puts off must not come behind what it does at once for who asked later. */
  g_task_set_priority (waiter->task, G_MININT);
  if (cancellable != NULL)
    waiter->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), waiter,
                                                  NULL);

  g_mutex_lock (&self->lock);
  start_timeout (waiter, timeout);
  queue_waiter (self, waiter);
  g_mutex_unlock (&self->lock);
}

/**
 * msgpack_rpc_event_queue_receive_finish:
 * @self: a queue
 * @result: what the callback has got
 * @error: return location for an error
 *
 * Gets the event that [method@EventQueue.receive_async] has waited for; fails as
 * [method@EventQueue.receive] does.
 *
 * Returns: (transfer full): the event
 *
 * Since: 1.0
 */
MsgpackRpcEvent *
msgpack_rpc_event_queue_receive_finish (MsgpackRpcEventQueue  *self,
                                        GAsyncResult          *result,
                                        GError               **error)
{
  MsgpackRpcEvent *event;

  g_return_val_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  event = g_task_propagate_pointer (G_TASK (result), error);
  if (event != NULL)
    _msgpack_rpc_event_take (event);
  return event;
}

/* With the locks of both held. */
static void
move_all (MsgpackRpcEventQueue *self,
          MsgpackRpcEventQueue *target)
{
  GHashTableIter iter;
  gpointer context, n;

  while (self->events.length > 0)
    add_event (target, g_queue_pop_head (&self->events));

  g_hash_table_iter_init (&iter, self->producers);
  while (g_hash_table_iter_next (&iter, &context, &n))
    count_producer (target, context, GPOINTER_TO_INT (n));
  g_hash_table_remove_all (self->producers);

  self->into = g_object_ref (target);
  end_waiters (self);
}

/* With the lock of @target held, and that by which two may be held. */
static gboolean
merge_into_target (MsgpackRpcEventQueue  *self,
                   MsgpackRpcEventQueue  *target,
                   GError               **error)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (target == self)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           _("A queue cannot be merged into itself"));
      return FALSE;
    }
  if (target->is_shut_down)
    {
      g_propagate_error (error, get_end (target));
      return FALSE;
    }

  locker = g_mutex_locker_new (&self->lock);
  if (self->into != NULL)
    {
      g_propagate_error (error, get_end (self));
      return FALSE;
    }

  move_all (self, target);
  return TRUE;
}

/**
 * msgpack_rpc_event_queue_merge:
 * @self: a queue
 * @into: another queue
 * @error: return location for an error
 *
 * Moves what is in @self to the end of @into, in order; what comes later for @self goes there, too.
 *
 * This is one step: nothing comes between. Whoever waits for an event of @self is told
 * `MSGPACK_RPC_ERROR_MERGED`. A queue is merged once; a queue that others were merged into can be
 * merged with all of them.
 *
 * Fails with
 *
 * - `MSGPACK_RPC_ERROR_MERGED` if @self was merged before;
 * - `G_IO_ERROR_CLOSED` if @into was shut down;
 * - `G_IO_ERROR_INVALID_ARGUMENT` if @into is @self, or was merged into it.
 *
 * Returns: `TRUE` if it was merged
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_event_queue_merge (MsgpackRpcEventQueue  *self,
                               MsgpackRpcEventQueue  *into,
                               GError               **error)
{
  g_autoptr(GMutexLocker) locker = NULL;
  MsgpackRpcEventQueue *target;
  gboolean success;

  g_return_val_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (into), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  locker = g_mutex_locker_new (&merge_lock);
  target = lock_target (into);
  success = merge_into_target (self, target, error);
  unlock_target (target);
  return success;
}

/**
 * msgpack_rpc_event_queue_shut_down:
 * @self: a queue
 *
 * Ends a queue: what is in it is still given out, and nothing is added.
 *
 * Whoever waits when it is empty is told `G_IO_ERROR_CLOSED`. If the queue was merged, nothing happens.
 *
 * Since: 1.0
 */
void
msgpack_rpc_event_queue_shut_down (MsgpackRpcEventQueue *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self));

  g_mutex_lock (&self->lock);
  if (self->into == NULL && !self->is_shut_down)
    {
      self->is_shut_down = TRUE;
      end_waiters (self);
    }
  g_mutex_unlock (&self->lock);
}

/**
 * msgpack_rpc_event_queue_get_length:
 * @self: a queue
 *
 * Gets how many events wait to be taken.
 *
 * Returns: the number; 0 if the queue was merged into another one
 *
 * Since: 1.0
 */
guint
msgpack_rpc_event_queue_get_length (MsgpackRpcEventQueue *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_EVENT_QUEUE (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->events.length;
}
