/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-end.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <gio/gfiledescriptorbased.h>
#include <glib-unix.h>

/* Bytes: more than a system keeps for a socket. */
#define MAX_DISCARDED (16 << 20)

struct _ToolTapEnd
{
  GIOStream *stream;    /* owned */
  GSubprocess *program; /* owned; NULL if it is none */
  gsize max_write;      /* what a descriptor that may block takes without doing so */
};

/* What was sent in pieces comes in pieces: neither is held back for others. */
static void
send_at_once (GIOStream *stream)
{
  GSocket *socket;

  if (!G_IS_TCP_CONNECTION (stream))
    return;

  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
}

ToolTapEnd *
tool_tap_end_new (GIOStream *stream)
{
  ToolTapEnd *self = g_new0 (ToolTapEnd, 1);

  self->stream = g_object_ref (stream);
  self->max_write = G_MAXSIZE;
  send_at_once (stream);

  return self;
}

ToolTapEnd *
tool_tap_end_new_shared (GIOStream *stream)
{
  ToolTapEnd *self = tool_tap_end_new (stream);

  self->max_write = PIPE_BUF;
  return self;
}

static void
stop_blocking (gpointer pipe)
{
  g_unix_set_fd_nonblocking (g_file_descriptor_based_get_fd (pipe), TRUE, NULL);
}

ToolTapEnd *
tool_tap_end_new_program (GSubprocess *program)
{
  GInputStream *output = g_subprocess_get_stdout_pipe (program);
  GOutputStream *input = g_subprocess_get_stdin_pipe (program);
  g_autoptr(GIOStream) stream = g_simple_io_stream_new (output, input);
  ToolTapEnd *self = tool_tap_end_new (stream);

  self->program = g_object_ref (program);
  stop_blocking (output);
  stop_blocking (input);

  return self;
}

void
tool_tap_end_free (ToolTapEnd *self)
{
  g_object_unref (self->stream);
  g_clear_object (&self->program);
  g_free (self);
}

GSubprocess *
tool_tap_end_get_program (ToolTapEnd *self)
{
  return self->program;
}

static GPollableInputStream *
get_input (ToolTapEnd *self)
{
  return G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->stream));
}

static GPollableOutputStream *
get_output (ToolTapEnd *self)
{
  return G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (self->stream));
}

gssize
tool_tap_end_read (ToolTapEnd  *self,
                   guint8      *buffer,
                   gsize        size,
                   GError     **error)
{
  return g_pollable_input_stream_read_nonblocking (get_input (self), buffer, size, NULL, error);
}

gssize
tool_tap_end_write (ToolTapEnd    *self,
                    const guint8  *buffer,
                    gsize          size,
                    GError       **error)
{
  return g_pollable_output_stream_write_nonblocking (get_output (self), buffer,
                                                     MIN (size, self->max_write), NULL, error);
}

GSource *
tool_tap_end_create_source (ToolTapEnd *self,
                            gboolean    for_writing)
{
  return for_writing ? g_pollable_output_stream_create_source (get_output (self), NULL)
                     : g_pollable_input_stream_create_source (get_input (self), NULL);
}

/* NULL if half of it is not closed by a socket's means. */
static GSocket *
get_plain_socket (ToolTapEnd *self)
{
  if (!G_IS_SOCKET_CONNECTION (self->stream) || G_IS_TCP_WRAPPER_CONNECTION (self->stream))
    return NULL;

  return g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->stream));
}

void
tool_tap_end_finish_output (ToolTapEnd *self)
{
  GSocket *socket = get_plain_socket (self);
  GOutputStream *output = g_io_stream_get_output_stream (self->stream);

  if (socket != NULL)
    g_socket_shutdown (socket, FALSE, TRUE, NULL);
  else
    g_output_stream_close_async (output, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/* What has come already would have the peer wait until it may send, instead of hearing that it may
 * not. */
static void
discard_input (ToolTapEnd *self,
               GSocket    *socket)
{
  guint8 piece[4096];

  g_socket_shutdown (socket, TRUE, FALSE, NULL);
  for (guint i = 0; i < MAX_DISCARDED / sizeof piece; i++)
    if (tool_tap_end_read (self, piece, sizeof piece, NULL) <= 0)
      break;
}

void
tool_tap_end_finish_input (ToolTapEnd *self)
{
  GSocket *socket = get_plain_socket (self);
  GInputStream *input = g_io_stream_get_input_stream (self->stream);

  if (socket != NULL)
    discard_input (self, socket);
  else if (!G_IS_TCP_WRAPPER_CONNECTION (self->stream))
    g_input_stream_close_async (input, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

void
tool_tap_end_close (ToolTapEnd *self)
{
  g_io_stream_close_async (self->stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}
