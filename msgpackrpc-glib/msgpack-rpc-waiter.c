/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-waiter-private.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct _MsgpackRpcWaiter
{
  int fds[2]; /* a pipe */
};

static void
waiter_free (gpointer data)
{
  MsgpackRpcWaiter *self = data;

  g_close (self->fds[0], NULL);
  g_close (self->fds[1], NULL);
  g_free (self);
}

MsgpackRpcWaiter *
_msgpack_rpc_waiter_get (void)
{
  static GPrivate key = G_PRIVATE_INIT (waiter_free);
  MsgpackRpcWaiter *self = g_private_get (&key);
  g_autoptr(GError) error = NULL;

  if (self != NULL)
    return self;

  self = g_new0 (MsgpackRpcWaiter, 1);
  /* As GLib's own wake-up does: without descriptors nothing can be waited for. */
  if (!g_unix_open_pipe (self->fds, FD_CLOEXEC, &error) ||
      !g_unix_set_fd_nonblocking (self->fds[0], TRUE, &error) ||
      !g_unix_set_fd_nonblocking (self->fds[1], TRUE, &error))
    g_error ("Cannot create a pipe to wait on: %s", error->message);

  g_private_set (&key, self);
  return self;
}

void
_msgpack_rpc_waiter_wake (MsgpackRpcWaiter *self)
{
  gssize n;

  /* A full pipe wakes as well. */
  do
    n = write (self->fds[1], "", 1);
  while (n < 0 && errno == EINTR);
}

GPollFD
_msgpack_rpc_waiter_poll (MsgpackRpcWaiter *self)
{
  return (GPollFD) { self->fds[0], G_IO_IN, 0 };
}

void
_msgpack_rpc_waiter_clear (MsgpackRpcWaiter *self)
{
  char buffer[64];
  gssize n;

  do
    n = read (self->fds[0], buffer, sizeof buffer);
  while (n > 0 || (n < 0 && errno == EINTR));
}
