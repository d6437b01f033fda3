/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-transport-private.h"

#include <gio/gfiledescriptorbased.h>
#include <limits.h>
#include <string.h>

#define READ_SIZE (16 * 1024)
#define WRITE_SIZE (64 * 1024)
/* GIO writes to a descriptor that blocks as soon as it is ready: no more than then goes in at once. */
#define BLOCKING_WRITE_SIZE PIPE_BUF

/* One direction. An operation is started when it is first asked for, and its outcome waits here
 * until it is asked for again. */
typedef struct
{
  gboolean pending;   /* the stream works on it */
  gboolean done;      /* the outcome below was not yet taken */
  gssize count;
  GError *error;
} Half;

/* Shared with the pending operations, which may end after the link let go. */
typedef struct
{
  MsgpackRpcTransport parent;
  gatomicrefcount ref_count;
  GMainContext *context;      /* owned */
  GCancellable *cancellable;
  Half in;
  Half out;
  gboolean closing;           /* close as soon as nothing is pending */
  gboolean close_pending;
  guint8 *read_buffer;        /* READ_SIZE; while reading, and while it holds bytes */
  gsize read_offset;
  GByteArray *write_buffer;   /* a copy: the caller may go before the stream has done with it */
  guint write_size;           /* how much at once */
} AsyncTransport;

static AsyncTransport *
async_transport_ref (AsyncTransport *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
async_transport_unref (AsyncTransport *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_error (&self->in.error);
  g_clear_error (&self->out.error);
  g_byte_array_unref (self->write_buffer);
  g_free (self->read_buffer);
  g_object_unref (self->cancellable);
  g_object_unref (self->parent.stream);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
closed (gpointer user_data)
{
  AsyncTransport *self = user_data;

  self->close_pending = FALSE;
  async_transport_unref (self);
}

/* A stream refuses to be closed while something is pending on it. */
static void
close_when_idle (AsyncTransport *self)
{
  if (!self->closing || self->in.pending || self->out.pending || self->close_pending)
    return;

  self->closing = FALSE;
  self->close_pending = TRUE;
  _msgpack_rpc_transport_close_stream (self->parent.stream, self->context, closed,
                                       async_transport_ref (self));
}

static void
half_done (AsyncTransport *self,
           Half           *half,
           gssize          count,
           GError         *error)
{
  half->pending = FALSE;
  half->done = TRUE;
  half->count = count;
  half->error = error;
  close_when_idle (self);
  async_transport_unref (self);
}

static gssize
half_take (Half    *half,
           GError **error)
{
  half->done = FALSE;
  if (half->error != NULL)
    g_propagate_error (error, g_steal_pointer (&half->error));
  return half->count;
}

static void
read_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  AsyncTransport *self = user_data;
  GError *error = NULL;
  gssize count = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  self->read_offset = 0;
  half_done (self, &self->in, count, error);
}

static void
start_read (AsyncTransport *self)
{
  if (self->in.pending || self->close_pending)
    return;

  self->in.pending = TRUE;
  if (self->read_buffer == NULL)
    self->read_buffer = g_malloc (READ_SIZE);

  g_main_context_push_thread_default (self->context);
  g_input_stream_read_async (g_io_stream_get_input_stream (self->parent.stream), self->read_buffer,
                             READ_SIZE, G_PRIORITY_DEFAULT, self->cancellable, read_cb,
                             async_transport_ref (self));
  g_main_context_pop_thread_default (self->context);
}

static gssize
async_transport_read (MsgpackRpcTransport  *transport,
                      void                 *buffer,
                      gsize                 size,
                      GError              **error)
{
  AsyncTransport *self = (AsyncTransport *) transport;
  gsize n;

  if (!self->in.done)
    {
      start_read (self);
      return _msgpack_rpc_transport_would_block (error);
    }
  if (self->in.count <= 0)
    return half_take (&self->in, error);

  n = MIN (size, (gsize) self->in.count - self->read_offset);
  memcpy (buffer, self->read_buffer + self->read_offset, n);
  self->read_offset += n;
  /* Nothing else tells that there is more to read. */
  if (self->read_offset == (gsize) self->in.count)
    {
      self->in.done = FALSE;
      start_read (self);
    }
  return (gssize) n;
}

static void
flush_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  AsyncTransport *self = user_data;
  GError *error = NULL;
  gboolean flushed = g_output_stream_flush_finish (G_OUTPUT_STREAM (source), result, &error);

  half_done (self, &self->out, flushed ? self->out.count : -1, error);
}

static void
write_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  AsyncTransport *self = user_data;
  GError *error = NULL;
  gssize count = g_output_stream_write_finish (G_OUTPUT_STREAM (source), result, &error);

  if (count <= 0 || G_OUTPUT_STREAM_GET_CLASS (source)->flush == NULL || self->closing)
    {
      half_done (self, &self->out, count, error);
      return;
    }

  /* The peer may wait for what is in a buffer. */
  self->out.count = count;
  g_output_stream_flush_async (G_OUTPUT_STREAM (source), G_PRIORITY_DEFAULT, self->cancellable,
                               flush_cb, self);
}

static gssize
async_transport_writev (MsgpackRpcTransport  *transport,
                        const GOutputVector  *vectors,
                        guint                 n_vectors,
                        GError              **error)
{
  AsyncTransport *self = (AsyncTransport *) transport;

  if (self->out.done)
    return half_take (&self->out, error);
  if (self->out.pending || self->close_pending)
    return _msgpack_rpc_transport_would_block (error);

  g_byte_array_set_size (self->write_buffer, 0);
  for (guint i = 0; i < n_vectors && self->write_buffer->len < self->write_size; i++)
    g_byte_array_append (self->write_buffer, vectors[i].buffer,
                         (guint) MIN (vectors[i].size, self->write_size - self->write_buffer->len));

  self->out.pending = TRUE;
  g_main_context_push_thread_default (self->context);
  g_output_stream_write_async (g_io_stream_get_output_stream (self->parent.stream),
                               self->write_buffer->data, self->write_buffer->len,
                               G_PRIORITY_DEFAULT, self->cancellable, write_cb,
                               async_transport_ref (self));
  g_main_context_pop_thread_default (self->context);
  return _msgpack_rpc_transport_would_block (error);
}

static guint
async_transport_get_fds (MsgpackRpcTransport *transport G_GNUC_UNUSED,
                         GIOCondition         condition G_GNUC_UNUSED,
                         GPollFD              fds[2] G_GNUC_UNUSED)
{
  return 0;
}

static void
async_transport_close (MsgpackRpcTransport *transport)
{
  AsyncTransport *self = (AsyncTransport *) transport;

  self->closing = TRUE;
  g_cancellable_cancel (self->cancellable);
  close_when_idle (self);
}

static gboolean
async_transport_is_idle (MsgpackRpcTransport *transport)
{
  AsyncTransport *self = (AsyncTransport *) transport;

  return !self->in.pending && !self->out.pending && !self->close_pending;
}

static void
async_transport_free (MsgpackRpcTransport *transport)
{
  async_transport_unref ((AsyncTransport *) transport);
}

static const MsgpackRpcTransportClass async_transport_class = {
  .name = "async",
  .max_output = WRITE_SIZE,
  .read = async_transport_read,
  .writev = async_transport_writev,
  .get_fds = async_transport_get_fds,
  .close = async_transport_close,
  .is_idle = async_transport_is_idle,
  .free = async_transport_free,
};

MsgpackRpcTransport *
_msgpack_rpc_async_transport_new (GIOStream    *stream,
                                  GMainContext *context)
{
  AsyncTransport *self = g_new0 (AsyncTransport, 1);

  /* Writing to a pipe that nobody reads raises SIGPIPE, which this class turns off. */
  g_type_class_unref (g_type_class_ref (G_TYPE_SOCKET));

  self->parent.klass = &async_transport_class;
  self->parent.stream = g_object_ref (stream);
  g_atomic_ref_count_init (&self->ref_count);
  self->context = g_main_context_ref (context);
  self->cancellable = g_cancellable_new ();
  self->write_buffer = g_byte_array_new ();
  self->write_size = G_IS_FILE_DESCRIPTOR_BASED (g_io_stream_get_output_stream (stream))
                       ? BLOCKING_WRITE_SIZE : WRITE_SIZE;
  return &self->parent;
}
