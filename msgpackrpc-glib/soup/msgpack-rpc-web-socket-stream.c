/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-web-socket-stream.h"

#include "msgpack-rpc-web-socket-input-private.h"
#include "msgpack-rpc-web-socket-output-private.h"

#define MIB (1024 * 1024)

/**
 * MsgpackRpcWebSocketStream:
 *
 * A stream of bytes in the binary messages of a WebSocket, such as one with a web page.
 *
 * Give one to [ctor@MsgpackRpc.Connection.new], [ctor@MsgpackRpc.Client.new_for_stream] or
 * [method@MsgpackRpc.Server.accept_stream]. [func@WebSocketStream.add_handler] does the latter for
 * all who come to a server of libsoup's, and checks who they are;
 * [func@WebSocketStream.connect_async] makes a stream to a server.
 *
 * Where messages of the WebSocket begin and end means nothing: one may hold several messages of
 * MessagePack-RPC, or a part of one. What is written becomes messages of 64 KiB at most. A peer that
 * sends text is told so by the close code 1003 and cut off, and reading fails with
 * `G_IO_ERROR_INVALID_DATA`.
 *
 * When the peer closes the WebSocket, with the codes 1000 or 1001 or without one, that is the end of
 * the stream. With any other, and if it is gone without a word, reading fails with
 * `G_IO_ERROR_CONNECTION_CLOSED`. Closing the stream, or dropping its last reference, closes the
 * WebSocket, for whose answer libsoup waits 5 seconds.
 *
 * A ping is sent each 30 seconds, unless [property@Soup.WebsocketConnection:keepalive-interval] is set
 * to something else.
 *
 * ## Contexts and threads
 *
 * A WebSocket of libsoup's lives in the main context that was the thread's default one when it was
 * made, and moves only while that runs. The stream must be made in that context, and before it runs
 * again, as what comes in between is lost. After that it may be used, and dropped, in any context and
 * thread.
 *
 * It has asynchronous functions only; the others fail with `G_IO_ERROR_NOT_SUPPORTED`. A call that
 * waits, such as [method@MsgpackRpc.Peer.call_sync], works in any thread but the one that runs the
 * WebSocket's context: there nothing comes while it waits, and it ends by its timeout. A
 * [class@MsgpackRpc.LoopThread] is a good place for the WebSocket then.
 *
 * ## How much a peer may send
 *
 * A message may have [property@WebSocketStream:max-message-size]. libsoup reads whatever comes, so what
 * is not read here waits in memory: up to that size, then the peer is cut off with the code 1008.
 * Streams of [func@WebSocketStream.add_handler] have something better: once 1 MiB waits, nothing more is
 * read from the network.
 *
 * A WebSocket with extensions is not so bounded: a few bytes can be the compressed form of many. Neither
 * function of this class negotiates any. Before libsoup 3.8, a message of many fragments has no limit
 * either, except in streams of [func@WebSocketStream.add_handler].
 *
 * Since: 1.0
 */
struct _MsgpackRpcWebSocketStream
{
  GIOStream parent_instance;

  SoupWebsocketConnection *connection; /* owned */
  guint64 max_message_size;
  MsgpackRpcWebSocket *socket;         /* owned */
  GInputStream *input;                 /* owned */
  GOutputStream *output;               /* owned */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcWebSocketStream, msgpack_rpc_web_socket_stream, G_TYPE_IO_STREAM)

enum
{
  PROP_0,
  PROP_CONNECTION,
  PROP_MAX_MESSAGE_SIZE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_web_socket_stream_get_property (GObject    *object,
                                            guint       prop_id,
                                            GValue     *value,
                                            GParamSpec *pspec)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (object);

  switch (prop_id)
    {
    case PROP_CONNECTION:
      g_value_set_object (value, self->connection);
      break;
    case PROP_MAX_MESSAGE_SIZE:
      g_value_set_uint64 (value, self->max_message_size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_web_socket_stream_set_property (GObject      *object,
                                            guint         prop_id,
                                            const GValue *value,
                                            GParamSpec   *pspec)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (object);

  switch (prop_id)
    {
    case PROP_CONNECTION:
      self->connection = g_value_dup_object (value);
      break;
    case PROP_MAX_MESSAGE_SIZE:
      self->max_message_size = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_web_socket_stream_constructed (GObject *object)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (object);

  G_OBJECT_CLASS (msgpack_rpc_web_socket_stream_parent_class)->constructed (object);

  self->socket = _msgpack_rpc_web_socket_new (self->connection, self->max_message_size);
  self->input = _msgpack_rpc_web_socket_input_new (self->socket);
  self->output = _msgpack_rpc_web_socket_output_new (self->socket);
}

static void
msgpack_rpc_web_socket_stream_finalize (GObject *object)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  _msgpack_rpc_web_socket_unref (self->socket);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (msgpack_rpc_web_socket_stream_parent_class)->finalize (object);
}

static GInputStream *
msgpack_rpc_web_socket_stream_get_input_stream (GIOStream *stream)
{
  return MSGPACK_RPC_WEB_SOCKET_STREAM (stream)->input;
}

static GOutputStream *
msgpack_rpc_web_socket_stream_get_output_stream (GIOStream *stream)
{
  return MSGPACK_RPC_WEB_SOCKET_STREAM (stream)->output;
}

static void
close_ends (MsgpackRpcWebSocketStream *self)
{
  g_input_stream_close (self->input, NULL, NULL);
  g_output_stream_close (self->output, NULL, NULL);
}

/* Only begins it, as the last reference may be dropped in the context of the WebSocket. */
static gboolean
msgpack_rpc_web_socket_stream_close (GIOStream     *stream,
                                     GCancellable  *cancellable G_GNUC_UNUSED,
                                     GError       **error G_GNUC_UNUSED)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (stream);

  close_ends (self);
  _msgpack_rpc_web_socket_close (self->socket, NULL);
  return TRUE;
}

static void
msgpack_rpc_web_socket_stream_close_async (GIOStream           *stream,
                                           int                  io_priority,
                                           GCancellable        *cancellable,
                                           GAsyncReadyCallback  callback,
                                           gpointer             user_data)
{
  MsgpackRpcWebSocketStream *self = MSGPACK_RPC_WEB_SOCKET_STREAM (stream);
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, msgpack_rpc_web_socket_stream_close_async);
  g_task_set_priority (task, io_priority);
  close_ends (self);
  _msgpack_rpc_web_socket_close (self->socket, task);
}

static gboolean
msgpack_rpc_web_socket_stream_close_finish (GIOStream     *stream,
                                            GAsyncResult  *result,
                                            GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);

  return g_task_propagate_int (G_TASK (result), error) != -1;
}

static void
msgpack_rpc_web_socket_stream_class_init (MsgpackRpcWebSocketStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  object_class->constructed = msgpack_rpc_web_socket_stream_constructed;
  object_class->finalize = msgpack_rpc_web_socket_stream_finalize;
  object_class->get_property = msgpack_rpc_web_socket_stream_get_property;
  object_class->set_property = msgpack_rpc_web_socket_stream_set_property;
  stream_class->get_input_stream = msgpack_rpc_web_socket_stream_get_input_stream;
  stream_class->get_output_stream = msgpack_rpc_web_socket_stream_get_output_stream;
  stream_class->close_fn = msgpack_rpc_web_socket_stream_close;
  stream_class->close_async = msgpack_rpc_web_socket_stream_close_async;
  stream_class->close_finish = msgpack_rpc_web_socket_stream_close_finish;

  /**
   * MsgpackRpcWebSocketStream:connection: (getter get_connection)
   *
   * The WebSocket. A stream that is made without one is at its end.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTION] =
    g_param_spec_object ("connection", NULL, NULL, SOUP_TYPE_WEBSOCKET_CONNECTION, construct);

  /**
   * MsgpackRpcWebSocketStream:max-message-size: (getter get_max_message_size)
   *
   * How many bytes a message of the WebSocket may have; 64 MiB unless it is said as the stream is made.
   *
   * A peer that sends more is cut off with the code 1009, and reading fails with
   * `MSGPACK_RPC_ERROR_TOO_LARGE`. What messages of MessagePack-RPC may have is another limit, of the
   * connection that reads the stream.
   *
   * Since: 1.0
   */
  props[PROP_MAX_MESSAGE_SIZE] =
    g_param_spec_uint64 ("max-message-size", NULL, NULL, 1, 1024 * MIB, 64 * MIB, construct);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_web_socket_stream_init (MsgpackRpcWebSocketStream *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_web_socket_stream_new:
 * @connection: a WebSocket, of a client or a server
 *
 * Creates a stream of what a WebSocket carries.
 *
 * Nobody else may send messages on it any more. See [class@WebSocketStream] for when and where to call
 * this.
 *
 * Returns: (transfer full): a new stream
 * Since: 1.0
 */
MsgpackRpcWebSocketStream *
msgpack_rpc_web_socket_stream_new (SoupWebsocketConnection *connection)
{
  g_return_val_if_fail (SOUP_IS_WEBSOCKET_CONNECTION (connection), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_WEB_SOCKET_STREAM, "connection", connection, NULL);
}

/**
 * msgpack_rpc_web_socket_stream_get_connection: (get-property connection)
 * @self: a stream
 *
 * Gets the WebSocket, such as for the [property@Soup.WebsocketConnection:origin] of the peer.
 *
 * Returns: (transfer none) (nullable): the WebSocket
 * Since: 1.0
 */
SoupWebsocketConnection *
msgpack_rpc_web_socket_stream_get_connection (MsgpackRpcWebSocketStream *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_WEB_SOCKET_STREAM (self), NULL);

  return self->connection;
}

/**
 * msgpack_rpc_web_socket_stream_get_max_message_size: (get-property max-message-size)
 * @self: a stream
 *
 * Gets how many bytes a message of the WebSocket may have.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint64
msgpack_rpc_web_socket_stream_get_max_message_size (MsgpackRpcWebSocketStream *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_WEB_SOCKET_STREAM (self), 0);

  return self->max_message_size;
}
