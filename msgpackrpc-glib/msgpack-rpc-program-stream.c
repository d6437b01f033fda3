/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-program-stream-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#include "msgpack-rpc-transport-private.h"

/* The stream, and its two ends, which are of no use without it. */

#define MSGPACK_RPC_TYPE_PROGRAM_INPUT (_msgpack_rpc_program_input_get_type ())
G_DECLARE_FINAL_TYPE (MsgpackRpcProgramInput, _msgpack_rpc_program_input,
                      MSGPACK_RPC, PROGRAM_INPUT, GInputStream)

#define MSGPACK_RPC_TYPE_PROGRAM_OUTPUT (_msgpack_rpc_program_output_get_type ())
G_DECLARE_FINAL_TYPE (MsgpackRpcProgramOutput, _msgpack_rpc_program_output,
                      MSGPACK_RPC, PROGRAM_OUTPUT, GOutputStream)

struct _MsgpackRpcProgramInput
{
  GInputStream parent_instance;

  MsgpackRpcProgram *program; /* owned */
  gboolean has_ended;         /* the pipe has, but the program may be about to */
};

struct _MsgpackRpcProgramOutput
{
  GOutputStream parent_instance;

  MsgpackRpcProgram *program; /* owned */
  gboolean has_ended;         /* the pipe has, but the program may be about to */
};

struct _MsgpackRpcProgramStream
{
  GIOStream parent_instance;

  MsgpackRpcProgram *program; /* owned */
  GInputStream *input;        /* owned */
  GOutputStream *output;      /* owned */
};

static void input_pollable_iface_init  (GPollableInputStreamInterface *iface);
static void output_pollable_iface_init (GPollableOutputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcProgramInput, _msgpack_rpc_program_input,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      input_pollable_iface_init))
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcProgramOutput, _msgpack_rpc_program_output,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      output_pollable_iface_init))
G_DEFINE_FINAL_TYPE (MsgpackRpcProgramStream, _msgpack_rpc_program_stream, G_TYPE_IO_STREAM)

/* The descriptor of a pipe that has ended is ready all the time; that of the other pipe is not. */
static GSource *
create_source (gpointer           stream,
               MsgpackRpcProgram *program,
               gboolean           input,
               gboolean           has_ended,
               GCancellable      *cancellable)
{
  g_autoptr(GSource) base = NULL;

  if (has_ended)
    base = _msgpack_rpc_program_create_end_source (program, input);
  else
    base = g_unix_fd_source_new (_msgpack_rpc_program_get_fd (program, input),
                                 input ? G_IO_IN : G_IO_OUT);
  return g_pollable_source_new_full (stream, base, cancellable);
}

static gssize
fail (int      saved_errno,
      GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                       g_strerror (saved_errno));
  return -1;
}

static gboolean
is_ready (MsgpackRpcProgram *program,
          gboolean           input)
{
  GPollFD fd = {
    .fd = _msgpack_rpc_program_get_fd (program, input),
    .events = input ? G_IO_IN : G_IO_OUT,
  };

  return g_poll (&fd, 1, 0) > 0;
}

/* ---- what it writes ---- */

static gssize
program_input_read (GInputStream  *stream,
                    void          *buffer,
                    gsize          count,
                    GCancellable  *cancellable G_GNUC_UNUSED,
                    GError       **error)
{
  MsgpackRpcProgramInput *self = MSGPACK_RPC_PROGRAM_INPUT (stream);
  gssize n;

  do
    n = read (_msgpack_rpc_program_get_fd (self->program, TRUE), buffer, count);
  while (n < 0 && errno == EINTR);

  self->has_ended = n == 0;
  if (n > 0)
    return n;
  if (n == 0)
    return _msgpack_rpc_program_end (self->program, error);
  return errno == EAGAIN ? _msgpack_rpc_transport_would_block (error) : fail (errno, error);
}

static gssize
program_input_read_nonblocking (GPollableInputStream  *stream,
                                void                  *buffer,
                                gsize                  count,
                                GError               **error)
{
  return program_input_read (G_INPUT_STREAM (stream), buffer, count, NULL, error);
}

static gboolean
program_input_is_readable (GPollableInputStream *stream)
{
  return is_ready (MSGPACK_RPC_PROGRAM_INPUT (stream)->program, TRUE);
}

static GSource *
program_input_create_source (GPollableInputStream *stream,
                             GCancellable         *cancellable)
{
  MsgpackRpcProgramInput *self = MSGPACK_RPC_PROGRAM_INPUT (stream);

  return create_source (stream, self->program, TRUE, self->has_ended, cancellable);
}

static void
input_pollable_iface_init (GPollableInputStreamInterface *iface)
{
  iface->create_source = program_input_create_source;
  iface->is_readable = program_input_is_readable;
  iface->read_nonblocking = program_input_read_nonblocking;
}

static void
program_input_finalize (GObject *object)
{
  _msgpack_rpc_program_unref (MSGPACK_RPC_PROGRAM_INPUT (object)->program);

  G_OBJECT_CLASS (_msgpack_rpc_program_input_parent_class)->finalize (object);
}

static void
_msgpack_rpc_program_input_class_init (MsgpackRpcProgramInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = program_input_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = program_input_read;
}

static void
_msgpack_rpc_program_input_init (MsgpackRpcProgramInput *self G_GNUC_UNUSED)
{
}

/* ---- what it reads ---- */

static gssize
program_output_write (GOutputStream  *stream,
                      const void     *buffer,
                      gsize           count,
                      GCancellable   *cancellable G_GNUC_UNUSED,
                      GError        **error)
{
  MsgpackRpcProgramOutput *self = MSGPACK_RPC_PROGRAM_OUTPUT (stream);
  int saved_errno;
  gssize n;

  do
    n = write (_msgpack_rpc_program_get_fd (self->program, FALSE), buffer, count);
  while (n < 0 && errno == EINTR);

  saved_errno = errno;
  self->has_ended = n < 0 && saved_errno == EPIPE;
  if (n >= 0)
    return n;
  if (saved_errno == EAGAIN)
    return _msgpack_rpc_transport_would_block (error);
  if (saved_errno == EPIPE && _msgpack_rpc_program_end (self->program, error) < 0)
    return -1;
  return fail (saved_errno, error);
}

static gssize
program_output_write_nonblocking (GPollableOutputStream  *stream,
                                  const void             *buffer,
                                  gsize                   count,
                                  GError                **error)
{
  return program_output_write (G_OUTPUT_STREAM (stream), buffer, count, NULL, error);
}

static gboolean
program_output_is_writable (GPollableOutputStream *stream)
{
  return is_ready (MSGPACK_RPC_PROGRAM_OUTPUT (stream)->program, FALSE);
}

static GSource *
program_output_create_source (GPollableOutputStream *stream,
                              GCancellable          *cancellable)
{
  MsgpackRpcProgramOutput *self = MSGPACK_RPC_PROGRAM_OUTPUT (stream);

  return create_source (stream, self->program, FALSE, self->has_ended, cancellable);
}

static void
output_pollable_iface_init (GPollableOutputStreamInterface *iface)
{
  iface->create_source = program_output_create_source;
  iface->is_writable = program_output_is_writable;
  iface->write_nonblocking = program_output_write_nonblocking;
}

static void
program_output_finalize (GObject *object)
{
  _msgpack_rpc_program_unref (MSGPACK_RPC_PROGRAM_OUTPUT (object)->program);

  G_OBJECT_CLASS (_msgpack_rpc_program_output_parent_class)->finalize (object);
}

static void
_msgpack_rpc_program_output_class_init (MsgpackRpcProgramOutputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = program_output_finalize;
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = program_output_write;
}

static void
_msgpack_rpc_program_output_init (MsgpackRpcProgramOutput *self G_GNUC_UNUSED)
{
}

/* ---- the stream ---- */

static GInputStream *
program_stream_get_input_stream (GIOStream *stream)
{
  return MSGPACK_RPC_PROGRAM_STREAM (stream)->input;
}

static GOutputStream *
program_stream_get_output_stream (GIOStream *stream)
{
  return MSGPACK_RPC_PROGRAM_STREAM (stream)->output;
}

static gboolean
program_stream_close (GIOStream     *stream,
                      GCancellable  *cancellable G_GNUC_UNUSED,
                      GError       **error G_GNUC_UNUSED)
{
  _msgpack_rpc_program_close (MSGPACK_RPC_PROGRAM_STREAM (stream)->program);
  return TRUE;
}

/* The base class would do it in a thread. */
static void
program_stream_close_async (GIOStream           *stream,
                            int                  io_priority G_GNUC_UNUSED,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, program_stream_close_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_return_boolean (task, program_stream_close (stream, NULL, NULL));
}

static gboolean
program_stream_close_finish (GIOStream     *stream G_GNUC_UNUSED,
                             GAsyncResult  *result,
                             GError       **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
program_stream_finalize (GObject *object)
{
  MsgpackRpcProgramStream *self = MSGPACK_RPC_PROGRAM_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  _msgpack_rpc_program_unref (self->program);

  G_OBJECT_CLASS (_msgpack_rpc_program_stream_parent_class)->finalize (object);
}

static void
_msgpack_rpc_program_stream_class_init (MsgpackRpcProgramStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = program_stream_finalize;
  stream_class->get_input_stream = program_stream_get_input_stream;
  stream_class->get_output_stream = program_stream_get_output_stream;
  stream_class->close_fn = program_stream_close;
  stream_class->close_async = program_stream_close_async;
  stream_class->close_finish = program_stream_close_finish;
}

static void
_msgpack_rpc_program_stream_init (MsgpackRpcProgramStream *self G_GNUC_UNUSED)
{
}

GIOStream *
_msgpack_rpc_program_stream_new (MsgpackRpcProgram *program)
{
  MsgpackRpcProgramStream *self = g_object_new (MSGPACK_RPC_TYPE_PROGRAM_STREAM, NULL);
  MsgpackRpcProgramInput *input = g_object_new (MSGPACK_RPC_TYPE_PROGRAM_INPUT, NULL);
  MsgpackRpcProgramOutput *output = g_object_new (MSGPACK_RPC_TYPE_PROGRAM_OUTPUT, NULL);

  input->program = _msgpack_rpc_program_ref (program);
  output->program = _msgpack_rpc_program_ref (program);
  self->program = program;
  self->input = G_INPUT_STREAM (input);
  self->output = G_OUTPUT_STREAM (output);
  return G_IO_STREAM (self);
}
