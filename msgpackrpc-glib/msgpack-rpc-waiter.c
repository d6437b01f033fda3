/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-waiter-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
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

static GPrivate waiter_key = G_PRIVATE_INIT (waiter_free);

static gboolean
open_pipe (int      fds[2],
           GError **error)
{
  int saved_errno;

  if (g_unix_open_pipe (fds, FD_CLOEXEC, NULL))
    {
      /* Who clears it reads until it is empty. */
      if (g_unix_set_fd_nonblocking (fds[0], TRUE, NULL) &&
          g_unix_set_fd_nonblocking (fds[1], TRUE, NULL))
        return TRUE;

      saved_errno = errno;
      g_close (fds[0], NULL);
      g_close (fds[1], NULL);
    }
  else
    {
      saved_errno = errno;
    }

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _("There is nothing to wait with: %s"), g_strerror (saved_errno));
  return FALSE;
}

gboolean
_msgpack_rpc_waiter_check_descriptors (GError **error)
{
  int fds[2];

  if (!open_pipe (fds, error))
    return FALSE;

  g_close (fds[0], NULL);
  g_close (fds[1], NULL);
  return TRUE;
}

MsgpackRpcWaiter *
_msgpack_rpc_waiter_get (GError **error)
{
  MsgpackRpcWaiter *self = g_private_get (&waiter_key);
  int fds[2];

  if (self != NULL)
    return self;

  if (!open_pipe (fds, error))
    return NULL;

  self = g_new0 (MsgpackRpcWaiter, 1);
  self->fds[0] = fds[0];
  self->fds[1] = fds[1];
  g_private_set (&waiter_key, self);
  return self;
}

gboolean
_msgpack_rpc_waiter_is_mine (MsgpackRpcWaiter *self)
{
  return self == g_private_get (&waiter_key);
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

int
_msgpack_rpc_shorter_timeout (int a,
                              int b)
{
  if (a < 0 || b < 0)
    return MAX (a, b);
  return MIN (a, b);
}
