/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-worker-pool-private.h"

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-loop-thread.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-worker-private.h"

/* What the parameters that wait may take up together, in bytes. */
#define MAX_QUEUED_BYTES (64 * 1024 * 1024)
/* How long no other worker is started after one that has ended before it could do anything, in
 * milliseconds: doubled each time. */
#define MIN_BACKOFF 100
#define MAX_BACKOFF 5000
/* How often a job is given to a worker that turns out to have ended before. */
#define MAX_ATTEMPTS 3

struct _MsgpackRpcWorkerPool
{
  gatomicrefcount ref_count;

  GMutex lock;                  /* guards what follows; the reactor's comes after it */
  gint64 settings[MSGPACK_RPC_N_WORKER_SETTINGS];
  char **argv;                  /* nullable */
  MsgpackRpcLoopThread *thread; /* owned; made for the first job */
  MsgpackRpcReactor *reactor;   /* owned; of the thread's context; NULL before, and when it ends */
  guint n_queued;               /* jobs that no worker has been given */
  gsize queued_bytes;

  /* In the thread only. */
  GQueue jobs;                  /* of what was queued, those that have come here; their own links */
  GPtrArray *workers;           /* owned; all that have not gone */
  guint n_failures;             /* workers that have done nothing, in a row */
  GError *failure;              /* owned; of the last of these */
  gint64 retry_time;            /* when the next worker may be started, monotonic */
  GSource *retry_source;        /* owned, nullable */
  gboolean is_closing;
};

static const gint64 defaults[MSGPACK_RPC_N_WORKER_SETTINGS] = {
  [MSGPACK_RPC_WORKER_SETTING_MAX_CALLS] = 0,
  [MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED] = 1024,
  [MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT] = 0,
  [MSGPACK_RPC_WORKER_SETTING_N_WORKERS] = 1,
  [MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT] = 30 * 1000,
  [MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT] = -1,
};

gint64
_msgpack_rpc_worker_setting_get_default (MsgpackRpcWorkerSetting setting)
{
  return defaults[setting];
}

static MsgpackRpcWorkerPool *
pool_ref (MsgpackRpcWorkerPool *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
pool_unref (gpointer data)
{
  MsgpackRpcWorkerPool *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->workers->len == 0 && self->jobs.length == 0 && self->reactor == NULL);
  g_ptr_array_unref (self->workers);
  g_clear_error (&self->failure);
  g_strfreev (self->argv);
  g_mutex_clear (&self->lock);
  g_free (self);
}

MsgpackRpcWorkerPool *
_msgpack_rpc_worker_pool_new (void)
{
  MsgpackRpcWorkerPool *self = g_new0 (MsgpackRpcWorkerPool, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  memcpy (self->settings, defaults, sizeof defaults);
  self->workers = g_ptr_array_new_with_free_func (_msgpack_rpc_worker_unref);
  return self;
}

/* ---- settings ---- */

gint64
_msgpack_rpc_worker_pool_get (MsgpackRpcWorkerPool    *self,
                              MsgpackRpcWorkerSetting  setting)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->settings[setting];
}

char **
_msgpack_rpc_worker_pool_dup_argv (MsgpackRpcWorkerPool *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_strdupv (self->argv);
}

/* ---- in the thread: who does what ---- */

static void schedule (MsgpackRpcWorkerPool *self);

static void
idle_cb (gpointer          owner,
         MsgpackRpcWorker *worker G_GNUC_UNUSED)
{
  MsgpackRpcWorkerPool *self = owner;

  /* It was worth starting. */
  self->n_failures = 0;
  self->retry_time = 0;
  schedule (self);
}

/* It is some worker's business now, or ends. */
static void
unqueue (MsgpackRpcWorkerPool *self,
         MsgpackRpcWorkerJob  *job)
{
  g_queue_unlink (&self->jobs, &job->link);
  job->is_queued = FALSE;

  g_mutex_lock (&self->lock);
  self->n_queued--;
  self->queued_bytes -= job->size;
  g_mutex_unlock (&self->lock);
}

/* It was counted, or was before. The queue takes over the reference. */
static void
queue (MsgpackRpcWorkerPool *self,
       MsgpackRpcWorkerJob  *job,
       gboolean              at_head)
{
  job->is_queued = TRUE;
  if (at_head)
    g_queue_push_head_link (&self->jobs, &job->link);
  else
    g_queue_push_tail_link (&self->jobs, &job->link);
}

static void
fail_all (MsgpackRpcWorkerPool *self,
          const GError         *error)
{
  while (self->jobs.length > 0)
    {
      MsgpackRpcWorkerJob *job = g_queue_peek_head (&self->jobs);

      unqueue (self, job);
      _msgpack_rpc_worker_job_fail (job, error);
      _msgpack_rpc_worker_job_unref (job);
    }
}

/* @error: why a worker was of no use. */
static void
note_failure (MsgpackRpcWorkerPool *self,
              const GError         *error)
{
  guint doublings = MIN (self->n_failures, 16);

  self->n_failures++;
  self->retry_time = g_get_monotonic_time () +
                     MIN ((gint64) MIN_BACKOFF << doublings, MAX_BACKOFF) * 1000;
  g_clear_error (&self->failure);
  self->failure = g_error_copy (error);
  g_info ("%s", error->message);
}

static void
gone_cb (gpointer             owner,
         MsgpackRpcWorker    *worker,
         MsgpackRpcWorkerJob *job,
         gboolean             is_untouched,
         gboolean             at_start,
         const GError        *error)
{
  MsgpackRpcWorkerPool *self = owner;

  g_ptr_array_remove (self->workers, worker);
  if (at_start)
    note_failure (self, error);

  if (job != NULL && is_untouched && job->n_attempts < MAX_ATTEMPTS)
    {
      g_mutex_lock (&self->lock);
      self->n_queued++;
      self->queued_bytes += job->size;
      g_mutex_unlock (&self->lock);
      queue (self, job, TRUE);
    }
  else if (job != NULL)
    {
      _msgpack_rpc_worker_job_fail (job, error);
      _msgpack_rpc_worker_job_unref (job);
    }

  schedule (self);
  pool_unref (self);
}

static const MsgpackRpcWorkerFuncs worker_funcs = {
  .idle = idle_cb,
  .gone = gone_cb,
};

static guint
count_workers (MsgpackRpcWorkerPool  *self,
               MsgpackRpcWorkerState  state)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    n += _msgpack_rpc_worker_get_state (g_ptr_array_index (self->workers, i)) == state;
  return n;
}

/* The one that has done least, or NULL. */
static MsgpackRpcWorker *
find_idle (MsgpackRpcWorkerPool *self)
{
  MsgpackRpcWorker *found = NULL;

  for (guint i = 0; i < self->workers->len; i++)
    {
      MsgpackRpcWorker *worker = g_ptr_array_index (self->workers, i);

      if (_msgpack_rpc_worker_get_state (worker) == MSGPACK_RPC_WORKER_IDLE &&
          (found == NULL ||
           _msgpack_rpc_worker_get_n_calls (worker) < _msgpack_rpc_worker_get_n_calls (found)))
        found = worker;
    }
  return found;
}

/* Notifications of a connection keep their order: one begins when the one before it was handled. */
static gboolean
must_wait (MsgpackRpcWorkerPool *self,
           MsgpackRpcWorkerJob  *job)
{
  if (!job->is_notification || job->connection_id == 0)
    return FALSE;

  for (guint i = 0; i < self->workers->len; i++)
    {
      MsgpackRpcWorkerJob *other = _msgpack_rpc_worker_get_job (g_ptr_array_index (self->workers, i));

      if (other != NULL && other->is_notification && other->connection_id == job->connection_id)
        return TRUE;
    }
  return FALSE;
}

/* The first that may be done now; a reference, no longer in the queue. */
static MsgpackRpcWorkerJob *
take_job (MsgpackRpcWorkerPool *self)
{
  GList *next;

  for (GList *item = self->jobs.head; item != NULL; item = next)
    {
      MsgpackRpcWorkerJob *job = item->data;
      gboolean is_wanted = _msgpack_rpc_worker_job_is_wanted (job);

      next = item->next;
      if (is_wanted && must_wait (self, job))
        continue;

      unqueue (self, job);
      if (is_wanted)
        return job;

      _msgpack_rpc_worker_job_succeed (job, NULL);
      _msgpack_rpc_worker_job_unref (job);
    }
  return NULL;
}

/* How many of the jobs could be done if there were workers enough. */
static guint
count_eager (MsgpackRpcWorkerPool *self,
             guint                 wanted)
{
  g_autoptr(GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  guint n = 0;

  for (GList *item = self->jobs.head; item != NULL && n < wanted; item = item->next)
    {
      MsgpackRpcWorkerJob *job = item->data;

      if (!must_wait (self, job) &&
          (!job->is_notification || g_hash_table_add (seen, &job->connection_id)))
        n++;
    }
  return n;
}

/* How many take part: all but those that are on their way out. */
static guint
count_active (MsgpackRpcWorkerPool *self)
{
  return self->workers->len - count_workers (self, MSGPACK_RPC_WORKER_LEAVING);
}

static void
retire_those_beyond (MsgpackRpcWorkerPool *self,
                     guint                 n_workers,
                     gint64                max_calls)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      MsgpackRpcWorker *worker = g_ptr_array_index (self->workers, i);

      if (_msgpack_rpc_worker_get_state (worker) != MSGPACK_RPC_WORKER_IDLE)
        continue;

      if (count_active (self) > n_workers ||
          (max_calls > 0 && _msgpack_rpc_worker_get_n_calls (worker) >= max_calls))
        _msgpack_rpc_worker_retire (worker);
    }
}

static gboolean
retry_cb (gpointer user_data)
{
  MsgpackRpcWorkerPool *self = user_data;

  g_clear_pointer (&self->retry_source, g_source_unref);
  schedule (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (MsgpackRpcWorkerPool *self)
{
  if (self->retry_source != NULL)
    return;

  self->retry_source = g_timeout_source_new (0);
  g_source_set_ready_time (self->retry_source, self->retry_time);
  g_source_set_static_name (self->retry_source, "[msgpackrpc-glib] worker pool");
  g_source_set_callback (self->retry_source, retry_cb, self, NULL);
  g_source_attach (self->retry_source, g_main_context_get_thread_default ());
}

static gboolean
start_worker (MsgpackRpcWorkerPool        *self,
              const MsgpackRpcWorkerStart *start)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcWorker *worker = _msgpack_rpc_worker_start (start, &worker_funcs, self, &error);

  if (worker == NULL)
    {
      note_failure (self, error);
      return FALSE;
    }

  pool_ref (self);
  g_ptr_array_add (self->workers, worker);
  return TRUE;
}

/* As many as there is something to do for. */
static void
start_workers (MsgpackRpcWorkerPool        *self,
               const MsgpackRpcWorkerStart *start,
               guint                        n_workers)
{
  guint n_active = count_active (self);
  guint n_starting = count_workers (self, MSGPACK_RPC_WORKER_STARTING);
  guint n_wanted = count_eager (self, n_workers);

  if (n_starting >= n_wanted || n_active >= n_workers)
    return;
  if (g_get_monotonic_time () < self->retry_time)
    {
      if (n_active > 0)
        retry_later (self);
      return;
    }

  /* Those that leave are waited for if they are too many. */
  for (; n_starting < n_wanted && n_active < n_workers && self->workers->len < 2 * n_workers;
       n_starting++, n_active++)
    if (!start_worker (self, start))
      break;
}

static GError *
make_no_workers_error (char **argv)
{
  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                      "The method runs in a worker, but there are none: “%s” %s",
                      argv == NULL ? "worker-argv" : "n-workers",
                      argv == NULL ? "is not set" : "is 0");
}

/* What waits for a worker would wait in vain, or for longer than it should. */
static void
fail_hopeless (MsgpackRpcWorkerPool *self,
               char                **argv,
               guint                 n_workers)
{
  g_autoptr(GError) error = NULL;

  if (self->jobs.length == 0 || count_active (self) > 0)
    return;

  if (argv == NULL || n_workers == 0)
    error = make_no_workers_error (argv);
  else if (g_get_monotonic_time () < self->retry_time)
    error = g_error_new (self->failure->domain, self->failure->code,
                         "No worker could be started: %s", self->failure->message);
  if (error != NULL)
    fail_all (self, error);
}

static void
quit (gpointer owner G_GNUC_UNUSED,
      gpointer data)
{
  MsgpackRpcWorkerPool *self = data;

  msgpack_rpc_loop_thread_quit (self->thread);
  g_clear_object (&self->thread);
}

/* All that was posted before is still delivered. */
static void
end (MsgpackRpcWorkerPool *self)
{
  MsgpackRpcReactor *reactor;

  if (self->retry_source != NULL)
    g_source_destroy (self->retry_source);
  g_clear_pointer (&self->retry_source, g_source_unref);

  g_mutex_lock (&self->lock);
  reactor = g_steal_pointer (&self->reactor);
  if (reactor != NULL)
    _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, quit, pool_ref (self), pool_unref);
  g_mutex_unlock (&self->lock);

  if (reactor != NULL)
    _msgpack_rpc_reactor_unref (reactor);
}

static void
schedule (MsgpackRpcWorkerPool *self)
{
  MsgpackRpcWorkerStart start;
  MsgpackRpcWorkerJob *job;
  MsgpackRpcWorker *worker;
  guint n_workers;
  gint64 max_calls;

  g_mutex_lock (&self->lock);
  start.argv = g_strdupv (self->argv);
  start.memory_limit = (guint64) self->settings[MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT];
  start.start_timeout = (int) self->settings[MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT];
  n_workers = (guint) self->settings[MSGPACK_RPC_WORKER_SETTING_N_WORKERS];
  max_calls = self->settings[MSGPACK_RPC_WORKER_SETTING_MAX_CALLS];
  g_mutex_unlock (&self->lock);

  retire_those_beyond (self, n_workers, max_calls);
  while ((worker = find_idle (self)) != NULL && (job = take_job (self)) != NULL)
    {
      _msgpack_rpc_worker_run (worker, job);
      _msgpack_rpc_worker_job_unref (job);
    }
  if (start.argv != NULL)
    start_workers (self, &start, n_workers);
  fail_hopeless (self, start.argv, n_workers);
  g_strfreev (start.argv);

  if (!self->is_closing || self->jobs.length > 0)
    return;
  retire_those_beyond (self, 0, 0);
  if (self->workers->len == 0)
    end (self);
}

/* ---- from other threads ---- */

static void
schedule_cb (gpointer owner G_GNUC_UNUSED,
             gpointer data)
{
  schedule (data);
}

static void
close_cb (gpointer owner G_GNUC_UNUSED,
          gpointer data)
{
  MsgpackRpcWorkerPool *self = data;

  self->is_closing = TRUE;
  schedule (self);
}

/* With the lock held. */
static void
post_locked (MsgpackRpcWorkerPool *self,
             MsgpackRpcPostFunc    func)
{
  if (self->reactor != NULL)
    _msgpack_rpc_reactor_post (self->reactor, NULL, NULL, FALSE, func, pool_ref (self), pool_unref);
}

void
_msgpack_rpc_worker_pool_close (MsgpackRpcWorkerPool *self)
{
  g_mutex_lock (&self->lock);
  post_locked (self, close_cb);
  g_mutex_unlock (&self->lock);

  pool_unref (self);
}

gboolean
_msgpack_rpc_worker_pool_set (MsgpackRpcWorkerPool    *self,
                              MsgpackRpcWorkerSetting  setting,
                              gint64                   value)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->settings[setting] == value)
    return FALSE;

  self->settings[setting] = value;
  post_locked (self, schedule_cb);
  return TRUE;
}

gboolean
_msgpack_rpc_worker_pool_set_argv (MsgpackRpcWorkerPool *self,
                                   const char * const   *argv)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (argv != NULL && argv[0] == NULL)
    argv = NULL;
  if (self->argv == NULL ? argv == NULL
                         : argv != NULL && g_strv_equal ((const char * const *) self->argv, argv))
    return FALSE;

  g_strfreev (self->argv);
  self->argv = g_strdupv ((char **) argv);
  post_locked (self, schedule_cb);
  return TRUE;
}

/* A job on its way to the thread, or what is to be said about one. */
typedef struct
{
  MsgpackRpcWorkerPool *pool;
  MsgpackRpcWorkerJob *job;
} Note;

static void
note_free (gpointer data)
{
  Note *note = data;

  _msgpack_rpc_worker_job_unref (note->job);
  pool_unref (note->pool);
  g_free (note);
}

/* With the lock held. */
static void
post_note_locked (MsgpackRpcWorkerPool *self,
                  MsgpackRpcPostFunc    func,
                  MsgpackRpcWorkerJob  *job)
{
  Note *note;

  if (self->reactor == NULL)
    return;

  note = g_new0 (Note, 1);
  note->pool = pool_ref (self);
  note->job = _msgpack_rpc_worker_job_ref (job);
  _msgpack_rpc_reactor_post (self->reactor, NULL, NULL, FALSE, func, note, note_free);
}

static void
accept_job (gpointer owner G_GNUC_UNUSED,
            gpointer data)
{
  Note *note = data;

  queue (note->pool, _msgpack_rpc_worker_job_ref (note->job), FALSE);
  schedule (note->pool);
}

static void
give_up (MsgpackRpcWorkerPool *self,
         MsgpackRpcWorkerJob  *job)
{
  for (guint i = 0; i < self->workers->len; i++)
    if (_msgpack_rpc_worker_get_job (g_ptr_array_index (self->workers, i)) == job)
      _msgpack_rpc_worker_give_up (g_ptr_array_index (self->workers, i));
}

/* Nobody waits for it any more. */
static void
drop_job (gpointer owner G_GNUC_UNUSED,
          gpointer data)
{
  Note *note = data;

  if (!note->job->is_queued)
    {
      give_up (note->pool, note->job);
      return;
    }

  unqueue (note->pool, note->job);
  _msgpack_rpc_worker_job_succeed (note->job, NULL);
  _msgpack_rpc_worker_job_unref (note->job);
}

static void
gone_func (gpointer             owner,
           MsgpackRpcWorkerJob *job)
{
  MsgpackRpcWorkerPool *self = owner;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  post_note_locked (self, drop_job, job);
}

/* With the lock held. */
static void
ensure_thread_locked (MsgpackRpcWorkerPool *self)
{
  if (self->thread != NULL)
    return;

  self->thread = msgpack_rpc_loop_thread_new ("msgpack-workers");
  self->reactor = _msgpack_rpc_reactor_get (msgpack_rpc_loop_thread_get_main_context (self->thread));
  msgpack_rpc_loop_thread_start (self->thread);
}

static int
get_time_limit_locked (MsgpackRpcWorkerPool *self,
                       int                   max_answer_time)
{
  int limit = (int) self->settings[MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT];

  if (limit >= 0)
    return limit;
  return max_answer_time >= 0 ? max_answer_time : G_MAXINT;
}

/* Takes the job, or says why not. */
static GError *
take_in (MsgpackRpcWorkerPool *self,
         MsgpackRpcWorkerJob  *job,
         int                   max_answer_time)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 max_queued = self->settings[MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED];

  if (self->argv == NULL || self->settings[MSGPACK_RPC_WORKER_SETTING_N_WORKERS] == 0)
    return make_no_workers_error (self->argv);
  if (self->n_queued >= max_queued)
    return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                        "%u calls wait for a worker already, the limit is %" G_GINT64_FORMAT,
                        self->n_queued, max_queued);
  if (self->n_queued > 0 && self->queued_bytes + job->size > MAX_QUEUED_BYTES)
    return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                        "Calls of %" G_GSIZE_FORMAT " bytes wait for a worker already, the limit is %d",
                        self->queued_bytes, MAX_QUEUED_BYTES);

  ensure_thread_locked (self);
  self->n_queued++;
  self->queued_bytes += job->size;
  job->time_limit = get_time_limit_locked (self, max_answer_time);
  post_note_locked (self, accept_job, job);
  return NULL;
}

void
_msgpack_rpc_worker_pool_handle (MsgpackRpcWorkerPool *self,
                                 MsgpackRpcInvocation *invocation,
                                 GVariant             *params,
                                 int                   max_answer_time)
{
  MsgpackRpcWorkerJob *job = _msgpack_rpc_worker_job_new (invocation, params);
  g_autoptr(GError) error = NULL;

  if (!job->is_notification)
    _msgpack_rpc_worker_job_watch (job, gone_func, pool_ref (self), pool_unref);
  error = take_in (self, job, max_answer_time);
  if (error != NULL)
    _msgpack_rpc_worker_job_fail (job, error);
  /* Only dispatching without a connection wants the answer at once. */
  else if (job->connection_id == 0 && !job->is_notification)
    _msgpack_rpc_worker_job_wait (job);

  _msgpack_rpc_worker_job_unref (job);
}
