/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

/* A peer at the program's standard input and output. */

struct _ToolServeStdio
{
  int in;
  int in_flags;
  int out;
  int out_flags;
};

/* Takes a standard descriptor away from all others. They are never made non-blocking. */
static int
take_fd (int      fd,
         int     *flags,
         GError **error)
{
  int taken = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int saved_errno = errno;

  *flags = fcntl (fd, F_GETFL);
  if (taken < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                 fd == STDIN_FILENO ? _("Could not use the standard input: %s")
                                    : _("Could not use the standard output: %s"),
                 g_strerror (saved_errno));
  return taken;
}

/* Whatever has them too gets them back as they were. */
static void
give_back (int fd,
           int flags)
{
  if (fd < 0)
    return;

  if (flags >= 0)
    fcntl (fd, F_SETFL, flags);
  close (fd);
}

/* What else is printed there would be read as messages. Without standard error, it is lost. */
static void
redirect_output (void)
{
  int fd;

  if (dup2 (STDERR_FILENO, STDOUT_FILENO) >= 0)
    return;

  fd = g_open ("/dev/null", O_WRONLY | O_CLOEXEC, 0);
  if (fd >= 0)
    dup2 (fd, STDOUT_FILENO);
}

static gboolean
take_fds (ToolServeStdio  *self,
          GError         **error)
{
  self->in = take_fd (STDIN_FILENO, &self->in_flags, error);
  if (self->in < 0)
    return FALSE;

  self->out = take_fd (STDOUT_FILENO, &self->out_flags, error);
  if (self->out < 0)
    return FALSE;

  redirect_output ();
  return TRUE;
}

/* Makes a connection of the server's on them. From then on, standard output is standard error. */
ToolServeStdio *
tool_serve_stdio_new (MsgpackRpcServer  *server,
                      GError           **error)
{
  g_autoptr(ToolServeStdio) self = g_new0 (ToolServeStdio, 1);
  g_autoptr(GInputStream) input = NULL;
  g_autoptr(GOutputStream) output = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  self->in = self->out = -1;
  if (!take_fds (self, error))
    return NULL;

  input = g_unix_input_stream_new (self->in, FALSE);
  output = g_unix_output_stream_new (self->out, FALSE);
  stream = g_simple_io_stream_new (input, output);
  connection = msgpack_rpc_server_accept_stream (server, stream, error);
  return connection != NULL ? g_steal_pointer (&self) : NULL;
}

/* Once the connection has ended. */
void
tool_serve_stdio_free (ToolServeStdio *self)
{
  give_back (self->in, self->in_flags);
  give_back (self->out, self->out_flags);
  g_free (self);
}
