/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-worker-main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-worker-private.h"

/* How long a handler may go on when the parent has gone, in microseconds. */
#define ORPHAN_TIME (5 * G_USEC_PER_SEC)

/* How many threads are in msgpack_rpc_worker_main(); atomic. */
static int n_mains;

gboolean
_msgpack_rpc_worker_is_self (void)
{
  return g_atomic_int_get (&n_mains) > 0;
}

/* ---- the parent's end, which a handler that keeps the loop from running would not see ---- */

typedef struct
{
  int fd;           /* another one of the socket */
  GThread *thread;
  GMutex lock;      /* guards what follows */
  GCond left;
  gboolean has_left;
} Guard;

static gpointer
guard_run (gpointer data)
{
  Guard *self = data;
  struct pollfd poll_fd = { .fd = self->fd };
  gint64 end_time;

  /* Only the end is waited for. */
  while (poll (&poll_fd, 1, -1) < 0 && errno == EINTR)
    ;

  g_mutex_lock (&self->lock);
  end_time = g_get_monotonic_time () + ORPHAN_TIME;
  while (!self->has_left)
    if (!g_cond_wait_until (&self->left, &self->lock, end_time))
      _exit (EXIT_FAILURE);
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
guard_start (Guard *self,
             int    fd)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->left);
  self->fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (self->fd >= 0)
    self->thread = g_thread_new ("msgpack-parent", guard_run, self);
}

static void
guard_stop (Guard *self)
{
  if (self->fd >= 0)
    {
      g_mutex_lock (&self->lock);
      self->has_left = TRUE;
      g_cond_signal (&self->left);
      g_mutex_unlock (&self->lock);

      shutdown (self->fd, SHUT_RDWR);
      g_thread_join (self->thread);
      close (self->fd);
    }
  g_cond_clear (&self->left);
  g_mutex_clear (&self->lock);
}

/* ---- the connection ---- */

typedef struct
{
  GMainLoop *loop;
  gboolean has_failed;
} Worker;

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           const GError         *error,
           gpointer              data)
{
  Worker *self = data;

  self->has_failed = error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  if (self->has_failed)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (self->loop);
}

static gboolean
done_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
         MsgpackRpcInvocation *invocation,
         GVariant             *params G_GNUC_UNUSED,
         gpointer              data G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* The socket that the parent has left for us; −1 with @error. */
static int
take_socket (GError **error)
{
  const char *variable = g_getenv (MSGPACK_RPC_WORKER_FD_VARIABLE);
  gint64 fd;
  int type;
  socklen_t size = sizeof type;

  if (variable == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _("This program is a worker: it is started by another one, which leaves a socket"
                     " for it and says so in %s"), MSGPACK_RPC_WORKER_FD_VARIABLE);
      return -1;
    }

  if (!g_ascii_string_to_signed (variable, 10, 0, G_MAXINT, &fd, NULL) ||
      getsockopt ((int) fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _("What %s names is no stream socket: “%s”"), MSGPACK_RPC_WORKER_FD_VARIABLE,
                   variable);
      return -1;
    }

  /* It is nobody else's, least of all of the programs that the worker starts. */
  g_unsetenv (MSGPACK_RPC_WORKER_FD_VARIABLE);
  fcntl ((int) fd, F_SETFD, FD_CLOEXEC);
  return (int) fd;
}

static MsgpackRpcConnection *
connect_to_parent (int                    fd,
                   MsgpackRpcDispatcher  *dispatcher,
                   Worker                *self,
                   GError               **error)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr(GSocketConnection) stream = NULL;
  g_autoptr(MsgpackRpcLimits) limits = msgpack_rpc_limits_new ();
  MsgpackRpcConnection *connection;

  if (socket == NULL)
    return NULL;

  /* What the parent has let through is not judged again. */
  msgpack_rpc_limits_set_max_message_size (limits, G_MAXUINT32);
  msgpack_rpc_limits_set_max_decoded_size (limits, G_MAXUINT32);
  msgpack_rpc_limits_set_max_depth (limits, MSGPACK_RPC_LIMIT_DEPTH);

  stream = g_socket_connection_factory_create_connection (socket);
  connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                             "dispatcher", dispatcher,
                             "extensions", TRUE,
                             "io-stream", stream,
                             "limits", limits,
                             NULL);
  g_signal_connect (connection, "request::" MSGPACK_RPC_WORKER_DONE, G_CALLBACK (done_cb), NULL);
  _msgpack_rpc_connection_set_closed_func (connection, closed_cb, self, NULL);
  return connection;
}

static int
run (MsgpackRpcDispatcher *dispatcher,
     int                   fd)
{
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr(GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  Worker self = { .loop = loop };
  Guard guard = { 0 };

  connection = connect_to_parent (fd, dispatcher, &self, &error);
  if (connection == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }

  guard_start (&guard, fd);
  if (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), MSGPACK_RPC_WORKER_READY,
                                          NULL, NULL))
    g_main_loop_run (loop);
  _msgpack_rpc_connection_set_closed_func (connection, NULL, NULL, NULL);
  guard_stop (&guard);
  return self.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/**
 * msgpack_rpc_worker_main:
 * @dispatcher: the methods
 *
 * Is a worker of the program that has started this one, until that wants no more of it: handles its
 * calls with the methods of @dispatcher, one at a time.
 *
 * A program that is the [property@Dispatcher:worker-argv] of another one adds its methods, and then
 * calls this as the last thing that it does. The methods have the names that they have there; their
 * handlers run here, in place, also if they were added with [flags@MethodFlags.IN_PROCESS], so that
 * both programs may add them with the same function. The
 * socket is found by the environment variable `MSGPACK_RPC_WORKER_FD`.
 *
 * This runs the thread-default context, where the handlers are called, and returns when the parent
 * has told the worker to leave, or has gone. If a handler keeps it from returning for 5 seconds
 * after that, the process ends by itself. `SIGINT` is ignored: when it comes from a terminal, it is
 * the parent's to let its workers finish.
 *
 * If this program was not started as a worker, or if what the parent sends cannot be understood,
 * the reason is printed to the standard error.
 *
 * Returns: the status to exit with: 0, or 1 if something was wrong
 *
 * Since: 1.0
 */
int
msgpack_rpc_worker_main (MsgpackRpcDispatcher *dispatcher)
{
  g_autoptr(GError) error = NULL;
  int status;
  int fd;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (dispatcher), EXIT_FAILURE);

  fd = take_socket (&error);
  if (fd < 0)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }

  signal (SIGINT, SIG_IGN);
  g_atomic_int_inc (&n_mains);
  status = run (dispatcher, fd);
  g_atomic_int_add (&n_mains, -1);
  return status;
}
