/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-web-socket-private.h"

#include <string.h>

#define BRAKE_KEY "msgpackrpc-glib-brake"
/* Whoever has not read so much is not sent more, where there is a brake. */
#define HIGH_WATER_MARK (1024 * 1024)
/* What is written becomes messages of at most so many bytes: what is longer does not hold up pings. */
#define FRAME_SIZE (64 * 1024)
/* Besides the bytes of a message: those of its frames, and of pings. */
#define FRAMING_SIZE (64 * 1024)
/* Seconds between two pings: proxies cut off who says nothing for longer. */
#define KEEPALIVE_INTERVAL 30
/* Below libsoup's own sources, so that it tells when those have no more to write. */
#define WRITTEN_PRIORITY (G_PRIORITY_DEFAULT + 1)

/* What one of the stream's functions was asked for and has not been given. */
typedef struct
{
  GTask *task;      /* owned; NULL if there is none */
  GSource *cancel;  /* owned, or NULL: ends it */
  void *buffer;     /* to read into; the caller's */
  gsize size;
  GBytes *bytes;    /* owned: to write; NULL once libsoup has it */
  GSource *watch;   /* owned, or NULL: tells when libsoup has written it */
} Operation;

struct _MsgpackRpcWebSocket
{
  gatomicrefcount ref_count;            /* its handlers hold one each, so it lives until the end */
  GMainContext *context;                /* owned: the connection's */
  SoupWebsocketConnection *connection;  /* owned; context only; NULL at the end */
  MsgpackRpcFaultStream *brake;         /* owned, or NULL */
  guint64 max_message_size;

  GMutex lock;              /* guards what follows; nothing of libsoup's is called with it held */
  GByteArray *input;        /* owned: what was received and not read, or NULL */
  guint input_offset;
  gboolean braked;
  gboolean ended;           /* nothing more comes, and nothing more can be sent */
  gboolean closing;         /* here */
  gboolean closed;          /* there is no connection any more */
  GError *error;            /* owned: the first, or NULL */
  Operation reading;
  Operation writing;
  Operation closing_operation;
};

typedef void (*PostedFunc) (MsgpackRpcWebSocket *self);

typedef struct
{
  MsgpackRpcWebSocket *self; /* owned */
  PostedFunc func;
} Posted;

MsgpackRpcFaultStream *
_msgpack_rpc_web_socket_new_brake (GIOStream *io_stream)
{
  return g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                       "base-io-stream", io_stream,
                       "pollable", TRUE,
                       NULL);
}

void
_msgpack_rpc_web_socket_set_brake (SoupWebsocketConnection *connection,
                                   MsgpackRpcFaultStream   *brake)
{
  g_object_set_data_full (G_OBJECT (connection), BRAKE_KEY, g_object_ref (brake), g_object_unref);
}

MsgpackRpcWebSocket *
_msgpack_rpc_web_socket_ref (MsgpackRpcWebSocket *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
_msgpack_rpc_web_socket_unref (MsgpackRpcWebSocket *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_object (&self->brake);
  g_clear_pointer (&self->input, g_byte_array_unref);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self);
}

/* ---- operations ---- */

/* Takes over what was asked for, so that whoever does it completes it; with the lock held. */
static Operation
steal_operation (Operation *operation)
{
  Operation stolen = *operation;

  *operation = (Operation) { NULL };
  return stolen;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Without the lock. */
static void
finish_operation (Operation *operation,
                  gssize     result,
                  GError    *error)
{
  g_autoptr(GTask) task = g_steal_pointer (&operation->task);

  clear_source (&operation->cancel);
  clear_source (&operation->watch);
  g_clear_pointer (&operation->bytes, g_bytes_unref);

  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, result);
}

static Operation *
find_operation (MsgpackRpcWebSocket *self,
                GTask               *task)
{
  Operation *operations[] = { &self->reading, &self->writing, &self->closing_operation };

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (operations[i]->task == task)
      return operations[i];
  return NULL;
}

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer      user_data)
{
  GTask *task = user_data;
  MsgpackRpcWebSocket *self = g_task_get_task_data (task);
  Operation operation = { NULL };
  Operation *found;
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  found = find_operation (self, task);
  if (found != NULL)
    operation = steal_operation (found);
  g_mutex_unlock (&self->lock);

  if (operation.task != NULL)
    {
      g_cancellable_set_error_if_cancelled (cancellable, &error);
      finish_operation (&operation, -1, error);
    }
  return G_SOURCE_REMOVE;
}

/* With the lock held, so that nobody completes it before it is there. */
static void
begin_operation (MsgpackRpcWebSocket *self,
                 Operation           *operation,
                 GTask               *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  g_task_set_task_data (task, _msgpack_rpc_web_socket_ref (self),
                        (GDestroyNotify) _msgpack_rpc_web_socket_unref);
  operation->task = g_object_ref (task);
  if (cancellable == NULL)
    return;

  operation->cancel = g_cancellable_source_new (cancellable);
  g_source_set_static_name (operation->cancel, "[msgpackrpc-glib] WebSocket cancelled");
  g_task_attach_source (task, operation->cancel, G_SOURCE_FUNC (cancelled_cb));
}

/* ---- the context of the connection ---- */

static void
posted_free (gpointer data)
{
  Posted *posted = data;

  _msgpack_rpc_web_socket_unref (posted->self);
  g_free (posted);
}

/* libsoup goes on in whatever is the thread's default context. */
static gboolean
posted_cb (gpointer user_data)
{
  Posted *posted = user_data;

  g_main_context_push_thread_default (posted->self->context);
  posted->func (posted->self);
  g_main_context_pop_thread_default (posted->self->context);
  return G_SOURCE_REMOVE;
}

/* Never calls the function at once: libsoup's signals are the application's, too. */
static void
post (MsgpackRpcWebSocket *self,
      PostedFunc           func)
{
  g_autoptr(GSource) source = g_idle_source_new ();
  Posted *posted = g_new (Posted, 1);

  *posted = (Posted) { _msgpack_rpc_web_socket_ref (self), func };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[msgpackrpc-glib] WebSocket");
  g_source_set_callback (source, posted_cb, posted, posted_free);
  g_source_attach (source, self->context);
}

/* With the lock held. */
static GError *
copy_end_error (MsgpackRpcWebSocket *self)
{
  if (self->error != NULL)
    return g_error_copy (self->error);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "The WebSocket is closed");
}

/* Nothing more comes. Takes @error, or NULL for an end in good order. */
static void
end (MsgpackRpcWebSocket *self,
     GError              *error)
{
  Operation reading;
  Operation writing;
  GError *read_error = NULL;
  GError *write_error;

  g_mutex_lock (&self->lock);
  if (!self->ended)
    self->error = g_steal_pointer (&error);
  self->ended = TRUE;
  reading = steal_operation (&self->reading);
  writing = steal_operation (&self->writing);
  if (self->error != NULL)
    read_error = g_error_copy (self->error);
  write_error = copy_end_error (self);
  g_mutex_unlock (&self->lock);

  finish_operation (&reading, 0, read_error);
  finish_operation (&writing, -1, write_error);
  g_clear_error (&error);
}

static GError *
new_end_error (SoupWebsocketConnection *connection)
{
  gushort code = soup_websocket_connection_get_close_code (connection);

  switch (code)
    {
    case SOUP_WEBSOCKET_CLOSE_NORMAL:
    case SOUP_WEBSOCKET_CLOSE_GOING_AWAY:
    case SOUP_WEBSOCKET_CLOSE_NO_STATUS:
      return NULL;

    case 0:
      return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                                  "The WebSocket ended without being closed");

    default:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                          "The peer has closed the WebSocket with the code %u", code);
    }
}

static GError *
new_too_large_error (MsgpackRpcWebSocket *self,
                     const char          *what)
{
  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                      "%s more than %" G_GUINT64_FORMAT " bytes (max-message-size)", what,
                      self->max_message_size);
}

/* The peer has broken a rule. */
static void
fail (MsgpackRpcWebSocket     *self,
      SoupWebsocketConnection *connection,
      gushort                  code,
      GError                  *error)
{
  end (self, error);
  if (soup_websocket_connection_get_state (connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (connection, code, NULL);
}

/* ---- input ---- */

/* Bytes that were received and not read; with the lock held. */
static gsize
get_input_size (MsgpackRpcWebSocket *self)
{
  return self->input != NULL ? self->input->len - self->input_offset : 0;
}

/* With the lock held, so that the brake is as the size says. */
static void
set_braked (MsgpackRpcWebSocket *self,
            gboolean             braked)
{
  if (self->brake == NULL || self->braked == braked)
    return;

  self->braked = braked;
  g_object_set (self->brake, "read-stop-offset", braked ? (gint64) 0 : (gint64) -1, NULL);
}

/* With the lock held. */
static gsize
take_input (MsgpackRpcWebSocket *self,
            void                *buffer,
            gsize                size)
{
  size = MIN (size, get_input_size (self));
  memcpy (buffer, self->input->data + self->input_offset, size);
  self->input_offset += (guint) size;
  if (get_input_size (self) == 0)
    g_clear_pointer (&self->input, g_byte_array_unref);
  if (get_input_size (self) < HIGH_WATER_MARK / 2)
    set_braked (self, FALSE);
  return size;
}

/* With the lock held. */
static void
add_input (MsgpackRpcWebSocket *self,
           const guint8        *data,
           gsize                size)
{
  if (self->input == NULL)
    {
      self->input = g_byte_array_new ();
      self->input_offset = 0;
    }
  /* What is left is moved only when it is less than what was read. */
  if (self->input_offset > self->input->len / 2)
    {
      g_byte_array_remove_range (self->input, 0, self->input_offset);
      self->input_offset = 0;
    }
  g_byte_array_append (self->input, data, (guint) size);
  if (get_input_size (self) >= HIGH_WATER_MARK)
    set_braked (self, TRUE);
}

/* libsoup puts together a message of any number of fragments: the brake ends the stream before it has
 * taken more bytes for one than there may be. */
static void
allow_next_message (MsgpackRpcWebSocket *self)
{
  guint64 offset;

  if (self->brake == NULL)
    return;

  g_object_get (self->brake, "read-offset", &offset, NULL);
  offset += self->max_message_size + self->max_message_size / 8 + FRAMING_SIZE;
  g_object_set (self->brake, "read-cut-offset", (gint64) offset, NULL);
}

static gboolean
is_cut (MsgpackRpcWebSocket *self)
{
  guint64 offset;
  gint64 cut_offset;

  if (self->brake == NULL)
    return FALSE;

  g_object_get (self->brake, "read-offset", &offset, "read-cut-offset", &cut_offset, NULL);
  return offset >= (guint64) cut_offset;
}

/* Returns whether there is room for it. */
static gboolean
receive (MsgpackRpcWebSocket *self,
         const guint8        *data,
         gsize                size)
{
  Operation reading = { NULL };
  gsize n = 0;
  gboolean fits;

  g_mutex_lock (&self->lock);
  fits = get_input_size (self) == 0 || get_input_size (self) + size <= self->max_message_size;
  if (fits && size > 0 && !self->ended && !self->closing)
    {
      add_input (self, data, size);
      reading = steal_operation (&self->reading);
      if (reading.task != NULL)
        n = take_input (self, reading.buffer, reading.size);
    }
  g_mutex_unlock (&self->lock);

  finish_operation (&reading, (gssize) n, NULL);
  return fits;
}

static void
message_cb (SoupWebsocketConnection *connection,
            SoupWebsocketDataType    type,
            GBytes                  *message,
            gpointer                 user_data)
{
  MsgpackRpcWebSocket *self = user_data;
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  if (type != SOUP_WEBSOCKET_DATA_BINARY)
    fail (self, connection, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA,
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                               "The peer has sent text on the WebSocket, which takes binary only"));
  else if (size > self->max_message_size)
    fail (self, connection, SOUP_WEBSOCKET_CLOSE_TOO_BIG,
          new_too_large_error (self, "A message of the WebSocket has"));
  else if (!receive (self, data, size))
    fail (self, connection, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION,
          new_too_large_error (self, "On the WebSocket, there wait to be read"));
  else
    allow_next_message (self);
}

/* ---- the end ---- */

static void
error_cb (SoupWebsocketConnection *connection G_GNUC_UNUSED,
          GError                  *error,
          gpointer                 user_data)
{
  MsgpackRpcWebSocket *self = user_data;

  /* libsoup uses the numbers of the other enumeration in this domain. */
  if (g_error_matches (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG))
    end (self, new_too_large_error (self, "A message of the WebSocket has"));
  else
    end (self, g_error_copy (error));
}

/* Also comes when it is closed here, before the peer has answered. */
static void
closing_cb (SoupWebsocketConnection *connection,
            gpointer                 user_data)
{
  MsgpackRpcWebSocket *self = user_data;
  gboolean closing;

  g_mutex_lock (&self->lock);
  closing = self->closing || self->ended;
  g_mutex_unlock (&self->lock);

  if (!closing)
    end (self, new_end_error (connection));
}

static void
detach (MsgpackRpcWebSocket *self)
{
  g_autoptr(SoupWebsocketConnection) connection = g_steal_pointer (&self->connection);

  if (connection != NULL)
    g_signal_handlers_disconnect_by_data (connection, self);
}

static void
closed_cb (SoupWebsocketConnection *connection,
           gpointer                 user_data)
{
  MsgpackRpcWebSocket *self = _msgpack_rpc_web_socket_ref (user_data);
  Operation closing;
  gboolean asked;

  g_mutex_lock (&self->lock);
  asked = self->closing;
  self->closed = TRUE;
  closing = steal_operation (&self->closing_operation);
  g_mutex_unlock (&self->lock);

  if (is_cut (self))
    end (self, new_too_large_error (self, "A message of the WebSocket has"));
  else
    end (self, asked ? NULL : new_end_error (connection));
  finish_operation (&closing, TRUE, NULL);
  detach (self);
  _msgpack_rpc_web_socket_unref (self);
}

/* ---- output ---- */

/* libsoup does not tell when it has written something. But its source for that has a higher priority,
 * on the same stream: so this one comes when libsoup's is gone, as there is nothing left. */
static gboolean
written_cb (GObject  *stream G_GNUC_UNUSED,
            gpointer  user_data)
{
  GTask *task = user_data;
  MsgpackRpcWebSocket *self = g_task_get_task_data (task);
  Operation writing = { NULL };

  g_mutex_lock (&self->lock);
  if (self->writing.task == task)
    writing = steal_operation (&self->writing);
  g_mutex_unlock (&self->lock);

  finish_operation (&writing, (gssize) writing.size, NULL);
  return G_SOURCE_REMOVE;
}

static GSource *
new_written_source (MsgpackRpcWebSocket *self,
                    GTask               *task)
{
  GIOStream *stream = soup_websocket_connection_get_io_stream (self->connection);
  GOutputStream *output = g_io_stream_get_output_stream (stream);
  GSource *source = NULL;

  source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (output), NULL);
  g_source_set_priority (source, WRITTEN_PRIORITY);
  g_source_set_static_name (source, "[msgpackrpc-glib] WebSocket written");
  g_source_set_callback (source, G_SOURCE_FUNC (written_cb), g_object_ref (task), g_object_unref);
  return source;
}

static void
watch_written (MsgpackRpcWebSocket *self,
               GTask               *task)
{
  GSource *source = new_written_source (self, task);
  gboolean waits;

  g_source_attach (source, self->context);
  g_mutex_lock (&self->lock);
  waits = self->writing.task == task;
  if (waits)
    self->writing.watch = g_steal_pointer (&source);
  g_mutex_unlock (&self->lock);

  /* Ended, or cancelled meanwhile. */
  clear_source (&source);
}

static void
write_now (MsgpackRpcWebSocket *self)
{
  g_autoptr(GTask) task = NULL;
  g_autoptr(GBytes) bytes = NULL;

  g_mutex_lock (&self->lock);
  bytes = g_steal_pointer (&self->writing.bytes);
  if (bytes != NULL)
    task = g_object_ref (self->writing.task);
  g_mutex_unlock (&self->lock);

  /* Cancelled meanwhile, or ended, which has completed it. */
  if (bytes == NULL || self->connection == NULL)
    return;

  if (soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_message (self->connection, SOUP_WEBSOCKET_DATA_BINARY, bytes);
  else
    end (self, new_end_error (self->connection));

  if (self->connection != NULL)
    watch_written (self, task);
}

static void
close_now (MsgpackRpcWebSocket *self)
{
  if (self->connection != NULL &&
      soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
}

/* ---- for the stream ---- */

static void
set_up_connection (MsgpackRpcWebSocket *self)
{
  SoupWebsocketConnection *connection = self->connection;
  GObjectClass *klass = G_OBJECT_GET_CLASS (connection);

  soup_websocket_connection_set_max_incoming_payload_size (connection, self->max_message_size);
  /* Before libsoup 3.8, messages of many fragments have no limit but the brake's. */
  if (g_object_class_find_property (klass, "max-total-message-size") != NULL)
    g_object_set (connection, "max-total-message-size", self->max_message_size, NULL);
  /* Not with a time for the answer, which is not read while nobody reads here. */
  if (soup_websocket_connection_get_keepalive_interval (connection) == 0)
    soup_websocket_connection_set_keepalive_interval (connection, KEEPALIVE_INTERVAL);

  g_set_object (&self->brake, g_object_get_data (G_OBJECT (connection), BRAKE_KEY));
  allow_next_message (self);
}

static void
connect_handler (MsgpackRpcWebSocket *self,
                 const char          *signal,
                 GCallback            callback)
{
  g_signal_connect_data (self->connection, signal, callback, _msgpack_rpc_web_socket_ref (self),
                         (GClosureNotify) (GCallback) _msgpack_rpc_web_socket_unref, 0);
}

MsgpackRpcWebSocket *
_msgpack_rpc_web_socket_new (SoupWebsocketConnection *connection,
                             guint64                  max_message_size)
{
  MsgpackRpcWebSocket *self = g_new0 (MsgpackRpcWebSocket, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->max_message_size = max_message_size;

  if (connection == NULL ||
      soup_websocket_connection_get_state (connection) == SOUP_WEBSOCKET_STATE_CLOSED)
    {
      self->ended = TRUE;
      self->closed = TRUE;
      return self;
    }

  self->connection = g_object_ref (connection);
  set_up_connection (self);
  connect_handler (self, "message", G_CALLBACK (message_cb));
  connect_handler (self, "error", G_CALLBACK (error_cb));
  connect_handler (self, "closing", G_CALLBACK (closing_cb));
  connect_handler (self, "closed", G_CALLBACK (closed_cb));
  return self;
}

void
_msgpack_rpc_web_socket_read (MsgpackRpcWebSocket *self,
                              GTask               *task,
                              void                *buffer,
                              gsize                size)
{
  gboolean waits = FALSE;
  GError *error = NULL;
  gsize n = 0;

  g_mutex_lock (&self->lock);
  if (get_input_size (self) > 0)
    n = take_input (self, buffer, size);
  else if (self->error != NULL)
    error = g_error_copy (self->error);
  else
    waits = !self->ended;
  if (waits)
    {
      self->reading = (Operation) { .buffer = buffer, .size = size };
      begin_operation (self, &self->reading, task);
    }
  g_mutex_unlock (&self->lock);

  if (error != NULL)
    g_task_return_error (task, error);
  else if (!waits)
    g_task_return_int (task, (gssize) n);
}

void
_msgpack_rpc_web_socket_write (MsgpackRpcWebSocket *self,
                               GTask               *task,
                               const void          *buffer,
                               gsize                size)
{
  GError *error = NULL;

  size = MIN (size, FRAME_SIZE);
  g_mutex_lock (&self->lock);
  if (self->ended || self->closing)
    error = copy_end_error (self);
  else
    {
      self->writing = (Operation) { .bytes = g_bytes_new (buffer, size), .size = size };
      begin_operation (self, &self->writing, task);
    }
  g_mutex_unlock (&self->lock);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    post (self, write_now);
}

void
_msgpack_rpc_web_socket_close (MsgpackRpcWebSocket *self,
                               GTask               *task)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  self->closing = TRUE;
  /* What comes now is nobody's, and the peer's own good-bye is behind it. */
  set_braked (self, FALSE);
  if (!closed && task != NULL)
    begin_operation (self, &self->closing_operation, task);
  g_mutex_unlock (&self->lock);

  if (!closed)
    post (self, close_now);
  else if (task != NULL)
    g_task_return_int (task, TRUE);
}
