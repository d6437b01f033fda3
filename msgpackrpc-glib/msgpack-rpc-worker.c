/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#define _GNU_SOURCE 1 /* prlimit */

#include "config.h"

#include "msgpack-rpc-worker-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-peer.h"

/* Where the worker finds its socket, behind the standard descriptors. */
#define WORKER_FD 3
/* How long a worker that was told to leave may take, in milliseconds. */
#define LEAVE_TIMEOUT 5000
/* How long one whose socket is closed may go on, or a socket whose worker has ended; likewise. */
#define END_TIMEOUT 1000
/* How many messages that nobody has asked for are borne. */
#define MAX_UNSOLICITED 1000

struct _MsgpackRpcWorker
{
  grefcount ref_count;
  const MsgpackRpcWorkerFuncs *funcs;
  gpointer owner;                   /* NULL once it is gone */
  char *name;
  GSubprocess *subprocess;          /* owned */
  MsgpackRpcConnection *connection; /* owned */
  MsgpackRpcWorkerState state;
  gboolean was_ready;
  gboolean is_retired;              /* was told to leave */
  gboolean has_exited;
  gboolean has_closed;
  char *reason;                     /* why we have ended it, nullable; the first that there was */
  GSource *timer;                   /* owned, nullable; of what it is waited for */
  guint n_calls;
  guint n_unsolicited;

  MsgpackRpcWorkerJob *job;         /* owned, nullable */
  MsgpackRpcCall *call;             /* owned; there is one as long as there is a job */
};

static MsgpackRpcWorker *
worker_ref (MsgpackRpcWorker *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

static void
stop_timer (MsgpackRpcWorker *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

void
_msgpack_rpc_worker_unref (gpointer data)
{
  MsgpackRpcWorker *self = data;

  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->timer == NULL && self->job == NULL);
  g_clear_object (&self->connection);
  g_clear_object (&self->subprocess);
  g_free (self->reason);
  g_free (self->name);
  g_free (self);
}

MsgpackRpcWorkerState
_msgpack_rpc_worker_get_state (MsgpackRpcWorker *self)
{
  return self->state;
}

guint
_msgpack_rpc_worker_get_n_calls (MsgpackRpcWorker *self)
{
  return self->n_calls;
}

MsgpackRpcWorkerJob *
_msgpack_rpc_worker_get_job (MsgpackRpcWorker *self)
{
  return self->job;
}

/* ---- its end ---- */

static void
start_timer (MsgpackRpcWorker *self,
             int               milliseconds,
             GSourceFunc       func)
{
  stop_timer (self);
  self->timer = g_timeout_source_new ((guint) milliseconds);
  g_source_set_static_name (self->timer, "[msgpackrpc-glib] worker");
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

/* @reason: consumed. */
static void
kill_worker (MsgpackRpcWorker *self,
             char             *reason)
{
  if (self->reason == NULL && !self->has_exited)
    self->reason = g_steal_pointer (&reason);
  g_free (reason);

  self->state = MSGPACK_RPC_WORKER_LEAVING;
  g_subprocess_force_exit (self->subprocess);
}

static char *
describe_exit (MsgpackRpcWorker *self)
{
  int number;

  if (self->reason != NULL)
    return g_strdup_printf ("Worker “%s” was ended: %s", self->name, self->reason);

  if (g_subprocess_get_if_signaled (self->subprocess))
    {
      number = g_subprocess_get_term_sig (self->subprocess);
      return g_strdup_printf ("Worker “%s” was ended by signal %d (%s)", self->name, number,
                              g_strsignal (number));
    }

  number = g_subprocess_get_exit_status (self->subprocess);
  return g_strdup_printf ("Worker “%s” has exited with status %d", self->name, number);
}

static GError *
make_end_error (MsgpackRpcWorker *self)
{
  g_autofree char *how = describe_exit (self);
  const char *when = "";

  if (!self->was_ready && self->reason == NULL)
    when = " before it was ready";
  else if (self->job != NULL && self->reason == NULL)
    when = " before it had answered";
  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED, "%s%s", how, when);
}

/* When both are known, its end and that of what it has sent. */
static void
settle (MsgpackRpcWorker *self)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcWorkerJob *job;
  gboolean is_untouched, at_start;
  gpointer owner;

  if (!self->has_exited || !self->has_closed || self->state == MSGPACK_RPC_WORKER_GONE)
    return;

  stop_timer (self);
  self->state = MSGPACK_RPC_WORKER_GONE;
  error = make_end_error (self);
  MSGPACK_RPC_DEBUG (STATUS, msgpack_rpc_connection_get_id (self->connection),
                     MSGPACK_RPC_DEBUG_NO_MSGID, "%s", error->message);

  is_untouched = self->call != NULL && !self->job->is_notification &&
                 msgpack_rpc_call_get_delivery (self->call) == MSGPACK_RPC_DELIVERY_NOT_SENT;
  at_start = self->n_calls == 0 && self->job == NULL && !self->is_retired;
  job = g_steal_pointer (&self->job);
  owner = g_steal_pointer (&self->owner);
  g_clear_object (&self->call);
  /* It has a reference on this, too. */
  g_clear_object (&self->connection);
  self->funcs->gone (owner, self, job, is_untouched, at_start, error);
}

static gboolean
linger_cb (gpointer user_data)
{
  MsgpackRpcWorker *self = user_data;

  stop_timer (self);
  if (!self->has_exited)
    kill_worker (self, g_strdup (self->has_closed ? "it has closed its socket, and went on"
                                                  : "it did not leave when it was told to"));
  /* Another process may keep its end open. */
  if (!self->has_closed)
    msgpack_rpc_connection_close_async (self->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                        NULL);
  return G_SOURCE_REMOVE;
}

static void
begin_to_leave (MsgpackRpcWorker *self,
                int               milliseconds)
{
  /* Whoever waits for it already does not wait longer. */
  if (self->state != MSGPACK_RPC_WORKER_LEAVING || self->timer == NULL)
    start_timer (self, milliseconds, linger_cb);
  self->state = MSGPACK_RPC_WORKER_LEAVING;
}

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           const GError         *error,
           gpointer              data)
{
  MsgpackRpcWorker *self = data;

  self->has_closed = TRUE;
  if (error != NULL && error->domain == MSGPACK_RPC_ERROR)
    kill_worker (self, g_strdup_printf ("what it sent was no answer: %s", error->message));
  if (!self->has_exited)
    begin_to_leave (self, END_TIMEOUT);
  worker_ref (self);
  settle (self);
  _msgpack_rpc_worker_unref (self);
}

static void
exited_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  MsgpackRpcWorker *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->has_exited = TRUE;
  /* What it has sent last may be on its way. */
  if (!self->has_closed)
    start_timer (self, END_TIMEOUT, linger_cb);
  self->state = MSGPACK_RPC_WORKER_LEAVING;
  settle (self);
  _msgpack_rpc_worker_unref (self);
}

void
_msgpack_rpc_worker_retire (MsgpackRpcWorker *self)
{
  if (self->state == MSGPACK_RPC_WORKER_LEAVING || self->state == MSGPACK_RPC_WORKER_GONE)
    return;

  self->is_retired = TRUE;
  begin_to_leave (self, LEAVE_TIMEOUT);
  msgpack_rpc_connection_close_async (self->connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      NULL, NULL);
}

/* ---- what it sends ---- */

static void
ready (MsgpackRpcWorker *self)
{
  stop_timer (self);
  self->was_ready = TRUE;
  self->state = MSGPACK_RPC_WORKER_IDLE;
  self->funcs->idle (self->owner, self);
}

static void
count_unsolicited (MsgpackRpcWorker *self)
{
  if (++self->n_unsolicited == MAX_UNSOLICITED)
    kill_worker (self, g_strdup_printf ("it has sent %d messages that nobody had asked for",
                                        MAX_UNSOLICITED));
}

static void
notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const char           *method,
                 GVariant             *params G_GNUC_UNUSED,
                 gpointer              data)
{
  MsgpackRpcWorker *self = data;

  if (self->state == MSGPACK_RPC_WORKER_STARTING && g_str_equal (method, MSGPACK_RPC_WORKER_READY))
    ready (self);
  else
    count_unsolicited (self);
}

static gboolean
request_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
            MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
            GVariant             *params G_GNUC_UNUSED,
            gpointer              data)
{
  count_unsolicited (data);
  return FALSE;
}

static void
unknown_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                  GVariant             *msgid G_GNUC_UNUSED,
                  GVariant             *error G_GNUC_UNUSED,
                  GVariant             *result G_GNUC_UNUSED,
                  gpointer              data)
{
  count_unsolicited (data);
}

/* ---- a job ---- */

static void
job_ended (MsgpackRpcWorker *self)
{
  g_clear_pointer (&self->job, _msgpack_rpc_worker_job_unref);
  g_clear_object (&self->call);
  self->n_calls++;
  if (self->state != MSGPACK_RPC_WORKER_BUSY)
    return;

  self->state = MSGPACK_RPC_WORKER_IDLE;
  self->funcs->idle (self->owner, self);
}

/* The call has no answer. What is no fault of the worker's ends the job here, everything else with the
 * worker, whose end says more. */
static void
call_failed (MsgpackRpcWorker *self)
{
  GError *error = msgpack_rpc_call_get_error (self->call);
  gboolean is_unsent = msgpack_rpc_call_get_delivery (self->call) == MSGPACK_RPC_DELIVERY_NOT_SENT;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      kill_worker (self, g_strdup_printf ("the call took longer than %d ms", self->job->time_limit));
      return;
    }

  if (is_unsent && !_msgpack_rpc_connection_has_ended (self->connection) &&
      error->domain == MSGPACK_RPC_ERROR)
    {
      _msgpack_rpc_worker_job_fail (self->job, error);
      job_ended (self);
      return;
    }

  if (!self->has_exited)
    begin_to_leave (self, END_TIMEOUT);
}

static void
call_ended_cb (GObject      *source G_GNUC_UNUSED,
               GAsyncResult *result G_GNUC_UNUSED,
               gpointer      user_data)
{
  MsgpackRpcWorker *self = user_data;
  GVariant *value;

  if (self->job == NULL)
    {
      _msgpack_rpc_worker_unref (self);
      return;
    }

  if (msgpack_rpc_call_get_delivery (self->call) != MSGPACK_RPC_DELIVERY_ANSWERED)
    call_failed (self);
  else if ((value = msgpack_rpc_call_get_error_value (self->call)) != NULL)
    {
      _msgpack_rpc_worker_job_refuse (self->job, value);
      job_ended (self);
    }
  else
    {
      value = msgpack_rpc_call_get_result (self->call);
      _msgpack_rpc_worker_job_succeed (self->job, value);
      job_ended (self);
    }
  _msgpack_rpc_worker_unref (self);
}

static void
progress_reported_cb (MsgpackRpcCall *call,
                      double          fraction,
                      GVariant       *value,
                      gpointer        data)
{
  MsgpackRpcWorker *self = data;

  if (call == self->call)
    _msgpack_rpc_worker_job_report (self->job, fraction, value);
}

/* The call is not cancelled: the worker is busy until its handler lets go of it, and the time limit
 * holds. */
void
_msgpack_rpc_worker_give_up (MsgpackRpcWorker *self)
{
  guint msgid = msgpack_rpc_call_get_msgid (self->call);

  if (msgid != 0 && _msgpack_rpc_connection_peer_knows (self->connection,
                                                        MSGPACK_RPC_EXTENSIONS_CANCEL))
    _msgpack_rpc_connection_cancel_call (self->connection, msgid);
}

void
_msgpack_rpc_worker_run (MsgpackRpcWorker    *self,
                         MsgpackRpcWorkerJob *job)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->connection);
  const char *method = msgpack_rpc_invocation_get_method (job->invocation);

  g_assert (self->state == MSGPACK_RPC_WORKER_IDLE && self->job == NULL);

  self->state = MSGPACK_RPC_WORKER_BUSY;
  self->job = _msgpack_rpc_worker_job_ref (job);
  _msgpack_rpc_worker_job_begin (job);
  /* A worker that cannot be told fails what follows, too. */
  if (job->is_notification)
    msgpack_rpc_peer_send_notification (peer, method, job->params, NULL);
  self->call = job->is_notification ? msgpack_rpc_call_new (MSGPACK_RPC_WORKER_DONE, NULL)
                                    : msgpack_rpc_call_new (method, job->params);
  msgpack_rpc_call_set_timeout (self->call, job->time_limit);
  if (!job->is_notification)
    {
      _msgpack_rpc_call_set_told_timeout (self->call, _msgpack_rpc_worker_job_get_time_left (job));
      g_signal_connect (self->call, "progress-reported", G_CALLBACK (progress_reported_cb), self);
    }
  _msgpack_rpc_call_set_callback (self->call, peer, NULL, call_ended_cb, worker_ref (self));
  msgpack_rpc_peer_send_call (peer, self->call);
}

/* ---- its beginning ---- */

static gboolean
start_timeout_cb (gpointer user_data)
{
  MsgpackRpcWorker *self = user_data;

  stop_timer (self);
  kill_worker (self, g_strdup ("it did not call msgpack_rpc_worker_main() in time"));
  return G_SOURCE_REMOVE;
}

static gboolean
limit_memory (GSubprocess  *subprocess,
              guint64       bytes,
              GError      **error)
{
#ifdef __linux__
  const char *identifier = g_subprocess_get_identifier (subprocess);
  struct rlimit limit;
  pid_t pid;

  /* It has ended, which is told soon. */
  if (identifier == NULL)
    return TRUE;

  pid = (pid_t) g_ascii_strtoll (identifier, NULL, 10);
  if (prlimit (pid, RLIMIT_AS, NULL, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max = MIN (limit.rlim_max, (rlim_t) bytes);
      if (prlimit (pid, RLIMIT_AS, &limit, NULL) == 0)
        return TRUE;
    }
  if (errno == ESRCH)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "The memory of a worker could not be limited: %s", g_strerror (errno));
#else
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       "The memory of workers cannot be limited on this system");
#endif
  return FALSE;
}

static gboolean
make_socketpair (int      fds[2],
                 GError **error)
{
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "No socket could be made for a worker: %s", g_strerror (errno));
  return FALSE;
}

/* @fd: the worker's end, consumed. */
static GSubprocess *
spawn (const MsgpackRpcWorkerStart  *start,
       int                           fd,
       GError                      **error)
{
  g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr(GSubprocess) subprocess = NULL;
  int stderr_fd = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

  g_subprocess_launcher_take_fd (launcher, fd, WORKER_FD);
  g_subprocess_launcher_setenv (launcher, MSGPACK_RPC_WORKER_FD_VARIABLE,
                                G_STRINGIFY (WORKER_FD), TRUE);
  /* Our standard output may be for a peer, to which nobody else should talk. */
  if (stderr_fd >= 0)
    g_subprocess_launcher_take_stdout_fd (launcher, stderr_fd);
  else
    g_subprocess_launcher_set_flags (launcher, G_SUBPROCESS_FLAGS_STDOUT_SILENCE);

  subprocess = g_subprocess_launcher_spawnv (launcher, (const char * const *) start->argv, error);
  if (subprocess == NULL)
    return NULL;

  if (start->memory_limit != 0 && !limit_memory (subprocess, start->memory_limit, error))
    {
      g_subprocess_force_exit (subprocess);
      return NULL;
    }
  return g_steal_pointer (&subprocess);
}

/* @fd: consumed. */
static MsgpackRpcConnection *
connect_to (MsgpackRpcWorker  *self,
            int                fd,
            GError           **error)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr(GSocketConnection) stream = NULL;
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  MsgpackRpcConnection *connection;

  if (socket == NULL)
    {
      close (fd);
      return NULL;
    }

  /* What was received may be sent on; there is one call at a time. How long it may take is the call's
   * own limit. */
  msgpack_rpc_limits_set_max_depth (limits, MSGPACK_RPC_LIMIT_DEPTH);
  msgpack_rpc_limits_set_max_queued_bytes (limits, G_MAXUINT32);
  msgpack_rpc_limits_set_write_timeout (limits, G_MAXINT);

  stream = g_socket_connection_factory_create_connection (socket);
  connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                             "extensions", TRUE,
                             "io-stream", stream,
                             "limits", limits,
                             NULL);
  g_signal_connect (connection, "notification", G_CALLBACK (notification_cb), self);
  g_signal_connect (connection, "request", G_CALLBACK (request_cb), self);
  g_signal_connect (connection, "unknown-reply", G_CALLBACK (unknown_reply_cb), self);
  _msgpack_rpc_connection_set_closed_func (connection, closed_cb, worker_ref (self),
                                           _msgpack_rpc_worker_unref);
  return connection;
}

MsgpackRpcWorker *
_msgpack_rpc_worker_start (const MsgpackRpcWorkerStart  *start,
                           const MsgpackRpcWorkerFuncs  *funcs,
                           gpointer                      owner,
                           GError                      **error)
{
  g_autoptr(GSubprocess) subprocess = NULL;
  MsgpackRpcWorker *self;
  int fds[2];

  if (!make_socketpair (fds, error))
    return NULL;

  subprocess = spawn (start, fds[1], error);
  if (subprocess == NULL)
    {
      close (fds[0]);
      return NULL;
    }

  self = g_new0 (MsgpackRpcWorker, 1);
  g_ref_count_init (&self->ref_count);
  self->funcs = funcs;
  self->owner = owner;
  /* Peers are told it, who need not know where programs are. */
  self->name = g_filename_display_basename (start->argv[0]);
  self->subprocess = g_steal_pointer (&subprocess);
  self->connection = connect_to (self, fds[0], error);
  if (self->connection == NULL)
    {
      g_subprocess_force_exit (self->subprocess);
      _msgpack_rpc_worker_unref (self);
      return NULL;
    }

  MSGPACK_RPC_DEBUG (STATUS, msgpack_rpc_connection_get_id (self->connection),
                     MSGPACK_RPC_DEBUG_NO_MSGID, "worker “%s” starts, process %s", self->name,
                     g_subprocess_get_identifier (self->subprocess));
  if (start->start_timeout >= 0)
    start_timer (self, start->start_timeout, start_timeout_cb);
  g_subprocess_wait_async (self->subprocess, NULL, exited_cb, worker_ref (self));
  return self;
}
