/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-transport-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct
{
  MsgpackRpcTransport parent;
  int in;
  int out;
  gboolean in_is_socket;
  gboolean out_is_socket;
} FdTransport;

static gssize
set_error (GError **error,
           int      saved_errno)
{
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                       g_strerror (saved_errno));
  return -1;
}

static gssize
fd_transport_read (MsgpackRpcTransport  *transport,
                   void                 *buffer,
                   gsize                 size,
                   GError              **error)
{
  FdTransport *self = (FdTransport *) transport;
  gssize n;

  do
    n = self->in_is_socket ? recv (self->in, buffer, size, 0) : read (self->in, buffer, size);
  while (n < 0 && errno == EINTR);

  return n < 0 ? set_error (error, errno) : n;
}

static gssize
fd_transport_writev (MsgpackRpcTransport  *transport,
                     const GOutputVector  *vectors,
                     guint                 n_vectors,
                     GError              **error)
{
  FdTransport *self = (FdTransport *) transport;
  /* GOutputVector is laid out as struct iovec: GIO's socket code relies on it too. */
  struct msghdr message = { .msg_iov = (struct iovec *) vectors, .msg_iovlen = n_vectors };
  gssize n;

  G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (struct iovec));
  G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (struct iovec, iov_base));
  G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (struct iovec, iov_len));

  do
    n = self->out_is_socket ? sendmsg (self->out, &message, MSG_NOSIGNAL)
                            : writev (self->out, message.msg_iov, n_vectors);
  while (n < 0 && errno == EINTR);

  return n < 0 ? set_error (error, errno) : n;
}

static guint
fd_transport_get_fds (MsgpackRpcTransport *transport,
                      GIOCondition         condition,
                      GPollFD              fds[2])
{
  FdTransport *self = (FdTransport *) transport;

  if (self->in == self->out)
    {
      fds[0] = (GPollFD) { self->in, condition, 0 };
      return 1;
    }

  fds[0] = (GPollFD) { self->in, condition & G_IO_IN, 0 };
  fds[1] = (GPollFD) { self->out, condition & G_IO_OUT, 0 };
  return 2;
}

static int
fd_transport_get_hangup_fd (MsgpackRpcTransport *transport)
{
  return ((FdTransport *) transport)->out;
}

static void
fd_transport_close (MsgpackRpcTransport *transport)
{
  /* Descriptors close without blocking; what can be lost was lost before. */
  g_io_stream_close (transport->stream, NULL, NULL);
}

static gboolean
fd_transport_is_idle (MsgpackRpcTransport *transport G_GNUC_UNUSED)
{
  return TRUE;
}

static void
fd_transport_free (MsgpackRpcTransport *transport)
{
  g_object_unref (transport->stream);
  g_free (transport);
}

static const MsgpackRpcTransportClass fd_transport_class = {
  .name = "fd",
  .read = fd_transport_read,
  .writev = fd_transport_writev,
  .get_fds = fd_transport_get_fds,
  .get_hangup_fd = fd_transport_get_hangup_fd,
  .close = fd_transport_close,
  .is_idle = fd_transport_is_idle,
  .free = fd_transport_free,
};

static int
get_fd (gpointer stream)
{
  if (!G_IS_FILE_DESCRIPTOR_BASED (stream))
    return -1;

  return g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream));
}

static gboolean
prepare_fd (int       fd,
            gboolean *is_socket)
{
  struct stat status;
  int flags;

  /* The standard descriptors share their flags with whoever started this process, and a terminal
   * with all that use it. */
  if (fd <= STDERR_FILENO || fstat (fd, &status) < 0 || S_ISREG (status.st_mode) ||
      (S_ISCHR (status.st_mode) && isatty (fd)))
    return FALSE;

  *is_socket = S_ISSOCK (status.st_mode);
  flags = fcntl (fd, F_GETFL);
  if (flags < 0)
    return FALSE;

  return (flags & O_NONBLOCK) != 0 || g_unix_set_fd_nonblocking (fd, TRUE, NULL);
}

MsgpackRpcTransport *
_msgpack_rpc_fd_transport_new (GIOStream *stream)
{
  int in = get_fd (g_io_stream_get_input_stream (stream));
  int out = get_fd (g_io_stream_get_output_stream (stream));
  gboolean in_is_socket, out_is_socket;
  FdTransport *self;

  if (in < 0 || out < 0 || !prepare_fd (in, &in_is_socket))
    return NULL;

  out_is_socket = in_is_socket;
  if (out != in && !prepare_fd (out, &out_is_socket))
    return NULL;

  /* Writing to a pipe that nobody reads raises SIGPIPE, which this class turns off. */
  if (!out_is_socket)
    g_type_class_unref (g_type_class_ref (G_TYPE_SOCKET));

  self = g_new0 (FdTransport, 1);
  self->parent.klass = &fd_transport_class;
  self->parent.stream = g_object_ref (stream);
  self->in = in;
  self->out = out;
  self->in_is_socket = in_is_socket;
  self->out_is_socket = out_is_socket;
  return &self->parent;
}
