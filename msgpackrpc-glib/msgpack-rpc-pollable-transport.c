/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-transport-private.h"

#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <string.h>

#include "msgpack-rpc-tls-private.h"

/* What a TLS record holds. */
#define WRITE_SIZE (16 * 1024)

typedef struct
{
  MsgpackRpcTransport parent;
  gatomicrefcount ref_count;     /* shared with closing, which may end after the link let go */
  GMainContext *context;         /* owned */
  GPollableInputStream *in;
  GPollableOutputStream *out;
  GSource *in_source;            /* owned, nullable: attached until the input is ready */
  GSource *out_source;           /* likewise */
  GSource *again;                /* owned, nullable: makes whoever holds the I/O read on */
  gboolean has_read;             /* the peer has said something */
  gboolean ended;                /* the end was read, but not told yet */
  GError *error;                 /* likewise */
  guint8 *buffer;                /* WRITE_SIZE */
  gsize buffer_size;             /* what of it the stream was offered and could not take */
  gboolean close_pending;
} PollableTransport;

static void
pollable_transport_unref (PollableTransport *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_error (&self->error);
  g_free (self->buffer);
  g_object_unref (self->parent.stream);
  g_main_context_unref (self->context);
  g_free (self);
}

/* ---- waiting ---- */

static void
drop_source (GSource **where)
{
  if (*where != NULL)
    g_source_destroy (*where);
  g_clear_pointer (where, g_source_unref);
}

static gboolean
fire_again (gpointer user_data)
{
  drop_source (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
fire (GObject  *stream G_GNUC_UNUSED,
      gpointer  user_data)
{
  return fire_again (user_data);
}

/* Consumes @source, which fires once: that makes the holder of the I/O look. One that stayed ready
 * while nobody reads would keep it awake. */
static void
watch (PollableTransport  *self,
       GSource           **where,
       GSource            *source,
       GSourceFunc         callback)
{
  *where = source;
  g_source_set_callback (source, callback, where, NULL);
  g_source_attach (source, self->context);
}

/* TLS may hold data that no descriptor tells of: only a read that would block says that there is
 * none. */
static void
read_again (PollableTransport *self)
{
  GSource *source;

  if (self->again != NULL)
    return;

  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[msgpackrpc-glib] read on");
  watch (self, &self->again, source, fire_again);
}

/* ---- reading and writing ---- */

static GError *
explain (PollableTransport *self,
         GError            *error)
{
  return self->has_read ? _msgpack_rpc_tls_explain (self->parent.stream, error)
                        : _msgpack_rpc_tls_explain_silent (self->parent.stream, error);
}

static gssize
tell_end (PollableTransport  *self,
          GError            **error)
{
  if (self->error == NULL)
    return 0;

  g_propagate_error (error, g_steal_pointer (&self->error));
  return -1;
}

static gssize
pollable_transport_read (MsgpackRpcTransport  *transport,
                         void                 *buffer,
                         gsize                 size,
                         GError              **error)
{
  PollableTransport *self = (PollableTransport *) transport;
  gsize done = 0;

  drop_source (&self->again);
  while (done < size && !self->ended && self->in_source == NULL)
    {
      g_autoptr(GError) failure = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (self->in, (guint8 *) buffer + done,
                                                           size - done, NULL, &failure);

      if (n > 0)
        {
          done += (gsize) n;
          self->has_read = TRUE;
        }
      else if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        watch (self, &self->in_source,
               g_pollable_input_stream_create_source (self->in, NULL), G_SOURCE_FUNC (fire));
      else
        {
          self->ended = TRUE;
          self->error = failure != NULL ? explain (self, g_steal_pointer (&failure)) : NULL;
        }
    }

  if (done == 0)
    return self->ended ? tell_end (self, error) : _msgpack_rpc_transport_would_block (error);
  if (self->in_source == NULL)
    read_again (self);
  return (gssize) done;
}

/* What to write now: of a message that is large, a part of itself; of small ones, a copy of many.
 * What the stream could not take comes again exactly as it was, as TLS demands. */
static const guint8 *
prepare_output (PollableTransport   *self,
                const GOutputVector *vectors,
                guint                n_vectors,
                gsize               *size)
{
  if (self->buffer_size == 0 && vectors[0].size >= WRITE_SIZE)
    {
      *size = WRITE_SIZE;
      return vectors[0].buffer;
    }

  if (self->buffer_size == 0)
    for (guint i = 0; i < n_vectors && self->buffer_size < WRITE_SIZE; i++)
      {
        gsize n = MIN (vectors[i].size, WRITE_SIZE - self->buffer_size);

        memcpy (self->buffer + self->buffer_size, vectors[i].buffer, n);
        self->buffer_size += n;
      }

  *size = self->buffer_size;
  return self->buffer;
}

static gssize
pollable_transport_writev (MsgpackRpcTransport  *transport,
                           const GOutputVector  *vectors,
                           guint                 n_vectors,
                           GError              **error)
{
  PollableTransport *self = (PollableTransport *) transport;
  g_autoptr(GError) failure = NULL;
  const guint8 *bytes;
  gsize size;
  gssize n;

  if (self->out_source != NULL)
    return _msgpack_rpc_transport_would_block (error);

  bytes = prepare_output (self, vectors, n_vectors, &size);
  n = g_pollable_output_stream_write_nonblocking (self->out, bytes, size, NULL, &failure);
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    watch (self, &self->out_source, g_pollable_output_stream_create_source (self->out, NULL),
           G_SOURCE_FUNC (fire));
  else
    self->buffer_size = 0;

  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (failure != NULL)
    g_propagate_error (error, explain (self, g_steal_pointer (&failure)));
  return n;
}

static guint
pollable_transport_get_fds (MsgpackRpcTransport *transport G_GNUC_UNUSED,
                            GIOCondition         condition G_GNUC_UNUSED,
                            GPollFD              fds[2] G_GNUC_UNUSED)
{
  return 0;
}

/* Inside of TLS, too: without the socket nothing of it can be written. */
static int
pollable_transport_get_hangup_fd (MsgpackRpcTransport *transport)
{
  GSocket *socket = _msgpack_rpc_transport_get_socket (transport->stream);

  return socket != NULL ? g_socket_get_fd (socket) : -1;
}

static void
closed (gpointer user_data)
{
  PollableTransport *self = user_data;

  self->close_pending = FALSE;
  pollable_transport_unref (self);
}

static void
pollable_transport_close (MsgpackRpcTransport *transport)
{
  PollableTransport *self = (PollableTransport *) transport;

  drop_source (&self->in_source);
  drop_source (&self->out_source);
  drop_source (&self->again);
  self->close_pending = TRUE;
  g_atomic_ref_count_inc (&self->ref_count);
  _msgpack_rpc_transport_close_stream (self->parent.stream, self->context, closed, self);
}

static gboolean
pollable_transport_is_idle (MsgpackRpcTransport *transport)
{
  return !((PollableTransport *) transport)->close_pending;
}

static void
pollable_transport_free (MsgpackRpcTransport *transport)
{
  pollable_transport_unref ((PollableTransport *) transport);
}

static const MsgpackRpcTransportClass pollable_transport_class = {
  .name = "pollable",
  .max_output = WRITE_SIZE,
  .read = pollable_transport_read,
  .writev = pollable_transport_writev,
  .get_fds = pollable_transport_get_fds,
  .get_hangup_fd = pollable_transport_get_hangup_fd,
  .close = pollable_transport_close,
  .is_idle = pollable_transport_is_idle,
  .free = pollable_transport_free,
};

/* ---- which streams ---- */

/* A descriptor that blocks is polled, but then written to all the same, whatever it can take. Such a
 * stream may be inside of others. */
static gboolean
may_block (gpointer stream)
{
  int flags;

  while (G_IS_FILTER_INPUT_STREAM (stream) || G_IS_FILTER_OUTPUT_STREAM (stream))
    stream = G_IS_FILTER_INPUT_STREAM (stream)
             ? (gpointer) g_filter_input_stream_get_base_stream (stream)
             : (gpointer) g_filter_output_stream_get_base_stream (stream);

  if (!G_IS_FILE_DESCRIPTOR_BASED (stream))
    return FALSE;

  flags = fcntl (g_file_descriptor_based_get_fd (stream), F_GETFL);
  return flags < 0 || (flags & O_NONBLOCK) == 0;
}

static gboolean
can_poll_input (GInputStream *stream)
{
  return G_IS_POLLABLE_INPUT_STREAM (stream) &&
         g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (stream)) &&
         !may_block (stream);
}

/* What is held back until it is flushed cannot be flushed without blocking. */
static gboolean
can_poll_output (GOutputStream *stream)
{
  return G_IS_POLLABLE_OUTPUT_STREAM (stream) &&
         g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (stream)) &&
         G_OUTPUT_STREAM_GET_CLASS (stream)->flush == NULL && !may_block (stream);
}

MsgpackRpcTransport *
_msgpack_rpc_pollable_transport_new (GIOStream    *stream,
                                     GMainContext *context)
{
  GInputStream *in = g_io_stream_get_input_stream (stream);
  GOutputStream *out = g_io_stream_get_output_stream (stream);
  PollableTransport *self;

  if (!can_poll_input (in) || !can_poll_output (out))
    return NULL;

  /* Writing to a pipe that nobody reads raises SIGPIPE, which this class turns off. */
  g_type_class_unref (g_type_class_ref (G_TYPE_SOCKET));

  self = g_new0 (PollableTransport, 1);
  self->parent.klass = &pollable_transport_class;
  self->parent.stream = g_object_ref (stream);
  g_atomic_ref_count_init (&self->ref_count);
  self->context = g_main_context_ref (context);
  self->in = G_POLLABLE_INPUT_STREAM (in);
  self->out = G_POLLABLE_OUTPUT_STREAM (out);
  self->buffer = g_malloc (WRITE_SIZE);
  return &self->parent;
}
