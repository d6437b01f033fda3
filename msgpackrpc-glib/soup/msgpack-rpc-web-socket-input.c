/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-web-socket-input-private.h"

struct _MsgpackRpcWebSocketInput
{
  GInputStream parent_instance;

  MsgpackRpcWebSocket *socket; /* owned */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcWebSocketInput, _msgpack_rpc_web_socket_input, G_TYPE_INPUT_STREAM)

static void
web_socket_input_read_async (GInputStream        *stream,
                             void                *buffer,
                             gsize                count,
                             int                  io_priority,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, web_socket_input_read_async);
  g_task_set_priority (task, io_priority);
  /* What was done must not be lost because the task was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  _msgpack_rpc_web_socket_read (MSGPACK_RPC_WEB_SOCKET_INPUT (stream)->socket, task, buffer, count);
}

static gssize
web_socket_input_read_finish (GInputStream  *stream,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), -1);

  return g_task_propagate_int (G_TASK (result), error);
}

/* The stream closes both ends. */
static void
web_socket_input_close_async (GInputStream        *stream,
                              int                  io_priority G_GNUC_UNUSED,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, web_socket_input_close_async);
  g_task_return_boolean (task, TRUE);
}

static gboolean
web_socket_input_close_finish (GInputStream  *stream,
                               GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
web_socket_input_finalize (GObject *object)
{
  _msgpack_rpc_web_socket_unref (MSGPACK_RPC_WEB_SOCKET_INPUT (object)->socket);

  G_OBJECT_CLASS (_msgpack_rpc_web_socket_input_parent_class)->finalize (object);
}

static void
_msgpack_rpc_web_socket_input_class_init (MsgpackRpcWebSocketInputClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = web_socket_input_finalize;
  /* A thread that blocks would wait for another one's loop: there are no functions that block. */
  stream_class->read_async = web_socket_input_read_async;
  stream_class->read_finish = web_socket_input_read_finish;
  stream_class->close_async = web_socket_input_close_async;
  stream_class->close_finish = web_socket_input_close_finish;
}

static void
_msgpack_rpc_web_socket_input_init (MsgpackRpcWebSocketInput *self G_GNUC_UNUSED)
{
}

GInputStream *
_msgpack_rpc_web_socket_input_new (MsgpackRpcWebSocket *socket)
{
  MsgpackRpcWebSocketInput *self = g_object_new (MSGPACK_RPC_TYPE_WEB_SOCKET_INPUT, NULL);

  self->socket = _msgpack_rpc_web_socket_ref (socket);
  return G_INPUT_STREAM (self);
}
