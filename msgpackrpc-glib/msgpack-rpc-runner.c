/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-runner-private.h"

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-invocation-private.h"

/* How many bytes of notifications may wait before those of connections that have ended are looked for,
 * and dropped: who connects again and again could else have any number wait. */
#define MANY_BYTES (16 * 1024 * 1024)
/* A handler that blocks must not keep all others from running. */
#define MIN_THREADS 2

#define TYPE_RUNNER (_msgpack_rpc_runner_get_type ())
G_DECLARE_FINAL_TYPE (MsgpackRpcRunner, _msgpack_rpc_runner, MSGPACK_RPC, RUNNER, GObject)

/* For what is said of no request. */
static const MsgpackRpcPiece none;

typedef struct _Line Line;

struct _MsgpackRpcJob
{
  int ref_count;                    /* atomic */

  /* Fixed, owned. */
  MsgpackRpcRunner *runner;
  MsgpackRpcStop *stop;             /* with the dispatchers */
  MsgpackRpcMethodEntry *entry;
  MsgpackRpcInvocation *invocation;
  MsgpackRpcConnection *connection;
  gsize size;                       /* what it keeps, in bytes */
  int priority;
  gboolean is_notification;
  gboolean is_chained;

  /* Guarded by the lock. */
  gboolean has_left;                /* it has begun, or was withdrawn */
  guint64 turn;
  guint64 number;                   /* one after the other, as they came */
  Line *line;                       /* NULL when it neither waits nor runs */
  GSequenceIter *iter;              /* in what is ready, or NULL */
  GList link;                       /* in the chain, if it is not ready */
};

/* What waits or runs of one connection. */
struct _Line
{
  MsgpackRpcConnection *connection; /* the jobs' */
  guint n_jobs;
  guint64 turn;                     /* of the last that became ready */
  gboolean is_taken;                /* one of the chain is ready, or runs */
  GQueue chain;                     /* of MsgpackRpcJob: those behind it */
};

struct _MsgpackRpcRunners
{
  int ref_count;                    /* atomic */

  GMutex lock;                      /* guards what follows, and the runners; a leaf */
  GHashTable *table;                /* MsgpackRpcReactor → MsgpackRpcRunner, neither owned; in it as long
                                     * as it has anything to do */
  GThreadPool *pool;                /* made for the first */
  guint n_threads;
  guint64 last_number;
  gsize size;                       /* of the notifications that wait, in bytes */
  gsize many;                       /* when they are looked at */
};

struct _MsgpackRpcRunner
{
  GObject parent_instance;

  MsgpackRpcRunners *runners;       /* fixed, owned */
  MsgpackRpcReactor *reactor;       /* fixed, owned; NULL: the threads' */

  /* Guarded by the lock. */
  GSequence *ready;                 /* of MsgpackRpcJob, whose turn is next first */
  GHashTable *lines;                /* MsgpackRpcConnection → Line, owned */
  guint n_jobs;                     /* that wait or run */
  guint64 turn;                     /* which it is */
  gboolean is_posted;               /* the context will run the next one */
  guint n_pushed;                   /* that threads will run; may be more than are ready */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcRunner, _msgpack_rpc_runner, G_TYPE_OBJECT)

/* ---- jobs ---- */

static MsgpackRpcJob *
job_ref (MsgpackRpcJob *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
job_unref (gpointer data)
{
  MsgpackRpcJob *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_object_unref (self->invocation);
  _msgpack_rpc_method_entry_unref (self->entry);
  g_clear_object (&self->connection);
  g_clear_object (&self->runner);
  _msgpack_rpc_stop_free (self->stop);
  g_free (self);
}

static int
job_compare (gconstpointer a,
             gconstpointer b,
             gpointer      data G_GNUC_UNUSED)
{
  const MsgpackRpcJob *one = a;
  const MsgpackRpcJob *other = b;

  if (one->priority != other->priority)
    return one->priority < other->priority ? -1 : 1;
  if (one->turn != other->turn)
    return one->turn < other->turn ? -1 : 1;

  return one->number < other->number ? -1 : one->number > other->number;
}

/* ---- what waits; the lock is held ---- */

static Line *
get_line (MsgpackRpcRunner     *self,
          MsgpackRpcConnection *connection)
{
  Line *line = g_hash_table_lookup (self->lines, connection);

  if (line == NULL)
    {
      line = g_new0 (Line, 1);
      line->connection = connection;
      g_hash_table_insert (self->lines, connection, line);
    }

  return line;
}

/* Connections take turns, however many jobs each of them has: its next one is a turn after its last,
 * and not before the one that it is now. */
static void
make_ready (MsgpackRpcRunner *self,
            MsgpackRpcJob    *job)
{
  Line *line = job->line;

  line->turn = MAX (self->turn, line->turn + 1);
  job->turn = line->turn;
  job->iter = g_sequence_insert_sorted (self->ready, job, job_compare, NULL);
  if (job->is_chained)
    line->is_taken = TRUE;
}

/* Whether somebody has to be told that there is one more. Threads that were told of one that was taken
 * out run this one: who gives up what waits could else have any number of them told. */
static gboolean
wants_kick (MsgpackRpcRunner *self)
{
  if (self->reactor == NULL)
    {
      if (self->n_pushed >= (guint) g_sequence_get_length (self->ready))
        return FALSE;

      self->n_pushed++;
      return TRUE;
    }

  if (self->is_posted)
    return FALSE;

  self->is_posted = TRUE;
  return TRUE;
}

/* The chain's next one may begin. Returns whether there is one. */
static gboolean
advance (MsgpackRpcRunner *self,
         Line             *line)
{
  GList *link = g_queue_pop_head_link (&line->chain);

  line->is_taken = FALSE;
  if (link != NULL)
    make_ready (self, link->data);

  return link != NULL;
}

static void
insert (MsgpackRpcJob *job)
{
  MsgpackRpcRunner *runner = job->runner;

  job->number = ++runner->runners->last_number;
  job->line = get_line (runner, job->connection);
  job->line->n_jobs++;
  runner->n_jobs++;
  if (job->is_notification)
    runner->runners->size += job->size;
}

/* It waits no more. */
static void
leave (MsgpackRpcJob *job)
{
  job->has_left = TRUE;
  if (job->is_notification)
    job->runner->runners->size -= job->size;
}

/* It neither waits nor runs. */
static void
finish (MsgpackRpcJob *job)
{
  MsgpackRpcRunner *runner = job->runner;
  Line *line = job->line;

  job->line = NULL;
  if (--line->n_jobs == 0)
    g_hash_table_remove (runner->lines, line->connection);
  if (--runner->n_jobs == 0)
    g_hash_table_remove (runner->runners->table, runner->reactor);
}

/* Takes out one that waits. Returns whether to kick. */
static gboolean
take_out (MsgpackRpcJob *job)
{
  gboolean kicks = FALSE;

  leave (job);
  if (job->iter != NULL)
    {
      g_sequence_remove (job->iter);
      job->iter = NULL;
      if (job->is_chained)
        kicks = advance (job->runner, job->line) && wants_kick (job->runner);
    }
  else
    {
      g_queue_unlink (&job->line->chain, &job->link);
    }

  finish (job);
  return kicks;
}

/* ---- running ---- */

static void kick (MsgpackRpcRunner *self);

/* The reference goes to the caller. The next one of a chain may begin when this one has, in a context:
 * a handler there that runs the loop is called again, as it is by its connection. */
static MsgpackRpcJob *
begin_next (MsgpackRpcRunner *self,
            gboolean         *kicks)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->runners->lock);
  GSequenceIter *first = g_sequence_get_begin_iter (self->ready);
  MsgpackRpcJob *job;

  *kicks = FALSE;
  self->is_posted = FALSE;
  if (self->reactor == NULL)
    self->n_pushed--;
  if (g_sequence_iter_is_end (first))
    return NULL;

  job = g_sequence_get (first);
  g_sequence_remove (first);
  job->iter = NULL;
  leave (job);
  self->turn = MAX (self->turn, job->turn);
  if (self->reactor != NULL)
    {
      if (job->is_chained)
        advance (self, job->line);
      *kicks = !g_sequence_is_empty (self->ready) && wants_kick (self);
    }
  return job;
}

static void
end (MsgpackRpcJob *job)
{
  MsgpackRpcRunner *runner = job->runner;
  gboolean kicks = FALSE;

  g_mutex_lock (&runner->runners->lock);
  if (runner->reactor == NULL && job->is_chained)
    kicks = advance (runner, job->line) && wants_kick (runner);
  finish (job);
  g_mutex_unlock (&runner->runners->lock);

  if (kicks)
    kick (runner);
  job_unref (job);
}

/* One, so that others have their turns. What is left is posted before it runs, for a handler that runs
 * the loop. */
static void
run_next (MsgpackRpcRunner *self)
{
  gboolean kicks;
  MsgpackRpcJob *job = begin_next (self, &kicks);
  MsgpackRpcJob *own = NULL;

  if (kicks)
    kick (self);
  if (job == NULL)
    return;

  _msgpack_rpc_connection_end_waiting (job->connection, job->size);
  if (_msgpack_rpc_invocation_begin (job->invocation, &own))
    _msgpack_rpc_dispatcher_run (job->stop, job->entry, job->invocation,
                                 self->reactor != NULL);
  g_clear_pointer (&own, job_unref);
  end (job);
}

static void
run_in_context (gpointer owner,
                gpointer data G_GNUC_UNUSED)
{
  run_next (owner);
}

static void
run_in_thread (gpointer data,
               gpointer user_data G_GNUC_UNUSED)
{
  run_next (data);
  g_object_unref (data);
}

static void
kick (MsgpackRpcRunner *self)
{
  g_autoptr(GError) error = NULL;

  if (self->reactor != NULL)
    _msgpack_rpc_reactor_post (self->reactor, self, self, FALSE, run_in_context, NULL, NULL);
  else if (!g_thread_pool_push (self->runners->pool, g_object_ref (self), &error))
    _msgpack_rpc_debug_info (0, &none, "No thread can be started for a handler, which waits for one: %s",
                             error->message);
}

/* ---- runners ---- */

static void
_msgpack_rpc_runner_dispose (GObject *object)
{
  MsgpackRpcRunner *self = MSGPACK_RPC_RUNNER (object);

  if (self->reactor != NULL)
    _msgpack_rpc_reactor_forget (self->reactor, self);

  G_OBJECT_CLASS (_msgpack_rpc_runner_parent_class)->dispose (object);
}

static void
_msgpack_rpc_runner_finalize (GObject *object)
{
  MsgpackRpcRunner *self = MSGPACK_RPC_RUNNER (object);

  g_assert (self->n_jobs == 0);

  g_sequence_free (self->ready);
  g_hash_table_unref (self->lines);
  g_clear_pointer (&self->reactor, _msgpack_rpc_reactor_unref);
  _msgpack_rpc_runners_unref (self->runners);

  G_OBJECT_CLASS (_msgpack_rpc_runner_parent_class)->finalize (object);
}

static void
_msgpack_rpc_runner_class_init (MsgpackRpcRunnerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = _msgpack_rpc_runner_dispose;
  object_class->finalize = _msgpack_rpc_runner_finalize;
}

static void
_msgpack_rpc_runner_init (MsgpackRpcRunner *self)
{
  self->ready = g_sequence_new (NULL);
  self->lines = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

MsgpackRpcRunners *
_msgpack_rpc_runners_new (void)
{
  MsgpackRpcRunners *self = g_new0 (MsgpackRpcRunners, 1);

  self->ref_count = 1;
  g_mutex_init (&self->lock);
  self->table = g_hash_table_new (NULL, NULL);
  self->many = MANY_BYTES;
  return self;
}

static MsgpackRpcRunners *
runners_ref (MsgpackRpcRunners *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
_msgpack_rpc_runners_unref (MsgpackRpcRunners *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  /* Not waited for: this may be one of its threads. Nothing is in it, as each task holds a runner. */
  if (self->pool != NULL)
    g_thread_pool_free (self->pool, TRUE, FALSE);
  g_hash_table_unref (self->table);
  g_mutex_clear (&self->lock);
  g_free (self);
}

guint
_msgpack_rpc_runners_get_n_threads (MsgpackRpcRunners *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->n_threads;
}

static int
max_threads (guint n_threads)
{
  return (int) (n_threads > 0 ? n_threads : MAX (g_get_num_processors (), MIN_THREADS));
}

gboolean
_msgpack_rpc_runners_set_n_threads (MsgpackRpcRunners *self,
                                    guint              n_threads)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->n_threads == n_threads)
    return FALSE;

  self->n_threads = n_threads;
  if (self->pool != NULL)
    g_thread_pool_set_max_threads (self->pool, max_threads (n_threads), NULL);
  return TRUE;
}

/* A reference. The lock is held. */
static MsgpackRpcRunner *
ref_runner (MsgpackRpcRunners *self,
            MsgpackRpcReactor *reactor)
{
  MsgpackRpcRunner *runner = g_hash_table_lookup (self->table, reactor);

  if (runner != NULL)
    return g_object_ref (runner);

  runner = g_object_new (TYPE_RUNNER, NULL);
  runner->runners = runners_ref (self);
  runner->reactor = reactor != NULL ? _msgpack_rpc_reactor_ref (reactor) : NULL;
  g_hash_table_insert (self->table, reactor, runner);
  if (reactor == NULL && self->pool == NULL)
    self->pool = g_thread_pool_new (run_in_thread, NULL, max_threads (self->n_threads), FALSE, NULL);
  return runner;
}

/* ---- dropping what waits ---- */

static void
free_later (gpointer owner G_GNUC_UNUSED,
            gpointer data G_GNUC_UNUSED)
{
}

/* The data of its handler may go with it, which no function must do that answers or cancels. */
static void
unref_later (MsgpackRpcJob *job)
{
  MsgpackRpcReactor *reactor = _msgpack_rpc_connection_ref_reactor (job->connection);

  _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, free_later, job, job_unref);
  _msgpack_rpc_reactor_unref (reactor);
}

void
_msgpack_rpc_job_withdraw (MsgpackRpcJob *self)
{
  MsgpackRpcRunners *runners = self->runner->runners;
  gboolean kicks = FALSE;
  gboolean waits;

  g_mutex_lock (&runners->lock);
  waits = !self->has_left;
  if (waits)
    kicks = take_out (self);
  g_mutex_unlock (&runners->lock);

  if (kicks)
    kick (self->runner);
  if (waits)
    {
      _msgpack_rpc_connection_end_waiting (self->connection, self->size);
      job_unref (self);
    }
  unref_later (self);
}

static void
add_notification (gpointer data,
                  gpointer user_data)
{
  MsgpackRpcJob *job = data;

  if (job->is_notification)
    g_ptr_array_add (user_data, job_ref (job));
}

/* References on all notifications that wait. */
static GPtrArray *
list_notifications (MsgpackRpcRunners *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPtrArray *jobs = g_ptr_array_new ();
  GHashTableIter runners, lines;
  gpointer runner, line;

  g_hash_table_iter_init (&runners, self->table);
  while (g_hash_table_iter_next (&runners, NULL, &runner))
    {
      g_sequence_foreach (((MsgpackRpcRunner *) runner)->ready, add_notification, jobs);
      g_hash_table_iter_init (&lines, ((MsgpackRpcRunner *) runner)->lines);
      while (g_hash_table_iter_next (&lines, NULL, &line))
        g_queue_foreach (&((Line *) line)->chain, add_notification, jobs);
    }
  return jobs;
}

/* Those of connections that are there are bounded by each. */
static void
drop_orphans (MsgpackRpcRunners *self)
{
  g_autoptr(GPtrArray) jobs = list_notifications (self);
  guint n_dropped = 0;

  for (guint i = 0; i < jobs->len; i++)
    {
      MsgpackRpcJob *job = g_ptr_array_index (jobs, i);

      if (_msgpack_rpc_connection_has_ended (job->connection))
        {
          n_dropped++;
          _msgpack_rpc_job_withdraw (job);
        }
      else
        {
          job_unref (job);
        }
    }

  g_mutex_lock (&self->lock);
  self->many = MAX (MANY_BYTES, 2 * self->size);
  g_mutex_unlock (&self->lock);
  if (n_dropped > 0)
    _msgpack_rpc_debug_info (0, &none, "%u notifications of connections that have ended are dropped, "
                             "since their handlers had no turn", n_dropped);
}

/* ---- pushing ---- */

static MsgpackRpcJob *
job_new (const MsgpackRpcStop  *stop,
         MsgpackRpcMethodEntry *entry,
         MsgpackRpcInvocation  *invocation,
         int                    priority)
{
  MsgpackRpcJob *self;
  gsize size;
  MsgpackRpcConnection *connection = _msgpack_rpc_invocation_dup_connection (invocation, &size);

  /* It was answered meanwhile. */
  if (connection == NULL)
    return NULL;

  self = g_new0 (MsgpackRpcJob, 1);
  self->ref_count = 1;
  self->stop = _msgpack_rpc_stop_copy (stop);
  self->entry = _msgpack_rpc_method_entry_ref (entry);
  self->invocation = g_object_ref (invocation);
  self->connection = connection;
  self->size = size + MSGPACK_RPC_MESSAGE_COST;
  self->priority = priority;
  self->is_notification = _msgpack_rpc_invocation_is_notification (invocation);
  self->link.data = self;
  return self;
}

static gboolean
is_serial (MsgpackRpcJob *job)
{
  return (msgpack_rpc_method_get_flags (job->entry->method) & MSGPACK_RPC_METHOD_FLAGS_SERIAL) != 0;
}

/* The runner takes a reference. Returns whether to kick it. */
static gboolean
enqueue (MsgpackRpcRunners *self,
         MsgpackRpcReactor *reactor,
         MsgpackRpcJob     *job,
         gboolean          *is_much)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  job->runner = ref_runner (self, reactor);
  job->is_chained = job->is_notification || (reactor == NULL && is_serial (job));
  insert (job_ref (job));
  *is_much = self->size > self->many;
  if (job->is_chained && job->line->is_taken)
    {
      g_queue_push_tail_link (&job->line->chain, &job->link);
      return FALSE;
    }

  make_ready (job->runner, job);
  return wants_kick (job->runner);
}

void
_msgpack_rpc_runners_push (MsgpackRpcRunners     *self,
                           MsgpackRpcReactor     *reactor,
                           const MsgpackRpcStop  *stop,
                           MsgpackRpcMethodEntry *entry,
                           MsgpackRpcInvocation  *invocation,
                           int                    priority)
{
  MsgpackRpcJob *job = job_new (stop, entry, invocation, priority);
  gboolean is_much;

  if (job == NULL)
    return;

  _msgpack_rpc_connection_begin_waiting (job->connection, job->size);
  if (enqueue (self, reactor, job, &is_much))
    kick (job->runner);
  if (is_much)
    drop_orphans (self);

  if (job->is_notification)
    job_unref (job);
  /* It has begun, or was answered. */
  else if (!_msgpack_rpc_invocation_set_job (invocation, job))
    _msgpack_rpc_job_withdraw (job);
}
