/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-fault-input-private.h"

struct _MsgpackRpcFaultInput
{
  GInputStream parent_instance;

  MsgpackRpcFaultSide *side; /* owned */
};

static void fault_input_init_pollable (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcFaultInput, _msgpack_rpc_fault_input,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      fault_input_init_pollable))

/* Where an asynchronous operation reads to. */
typedef struct
{
  void *buffer;
  gsize count;
} Reading;

static gssize
read_base (MsgpackRpcFaultInput  *self,
           void                  *buffer,
           gsize                  count,
           gboolean               blocking,
           GCancellable          *cancellable,
           GError               **error)
{
  gpointer base = _msgpack_rpc_fault_side_get_base (self->side);

  if (blocking)
    return g_input_stream_read (base, buffer, count, cancellable, error);

  return g_pollable_input_stream_read_nonblocking (base, buffer, count, cancellable, error);
}

static gssize
read_some (MsgpackRpcFaultInput  *self,
           void                  *buffer,
           gsize                  count,
           gboolean               blocking,
           GCancellable          *cancellable,
           GError               **error)
{
  for (;;)
    {
      gsize size = count;
      gssize n;

      switch (_msgpack_rpc_fault_side_begin (self->side, &size))
        {
        case MSGPACK_RPC_FAULT_ACTION_WAIT:
          if (!_msgpack_rpc_fault_side_wait (self->side, blocking, cancellable, error))
            return -1;
          break;

        case MSGPACK_RPC_FAULT_ACTION_HELD:
          return (gssize) _msgpack_rpc_fault_side_take_held (self->side, buffer, count);

        case MSGPACK_RPC_FAULT_ACTION_CUT:
          return 0;

        case MSGPACK_RPC_FAULT_ACTION_PASS:
        default:
          n = read_base (self, buffer, size, blocking, cancellable, error);
          if (n > 0)
            n = (gssize) _msgpack_rpc_fault_side_arrived (self->side, buffer, (gsize) n);
          else
            return n;
          if (n > 0)
            return n;
        }
    }
}

static gssize
fault_input_read (GInputStream  *stream,
                  void          *buffer,
                  gsize          count,
                  GCancellable  *cancellable,
                  GError       **error)
{
  return read_some (MSGPACK_RPC_FAULT_INPUT (stream), buffer, count, TRUE, cancellable, error);
}

static void step (GTask *task);

static gboolean
step_again (gpointer user_data)
{
  step (user_data);
  return G_SOURCE_REMOVE;
}

static void
read_base_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  MsgpackRpcFaultInput *self = g_task_get_source_object (task);
  Reading *reading = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (n < 0)
    g_task_return_error (task, error);
  else if (n == 0)
    g_task_return_int (task, 0);
  else if ((n = (gssize) _msgpack_rpc_fault_side_arrived (self->side, reading->buffer,
                                                          (gsize) n)) > 0)
    g_task_return_int (task, n);
  else
    step (task);
}

static void
step (GTask *task)
{
  MsgpackRpcFaultInput *self = g_task_get_source_object (task);
  Reading *reading = g_task_get_task_data (task);
  gsize size = reading->count;

  if (g_task_return_error_if_cancelled (task))
    return;

  switch (_msgpack_rpc_fault_side_begin (self->side, &size))
    {
    case MSGPACK_RPC_FAULT_ACTION_WAIT:
      _msgpack_rpc_fault_side_attach (self->side, task, step_again);
      break;

    case MSGPACK_RPC_FAULT_ACTION_HELD:
      size = _msgpack_rpc_fault_side_take_held (self->side, reading->buffer, reading->count);
      g_task_return_int (task, (gssize) size);
      break;

    case MSGPACK_RPC_FAULT_ACTION_CUT:
      g_task_return_int (task, 0);
      break;

    case MSGPACK_RPC_FAULT_ACTION_PASS:
    default:
      g_input_stream_read_async (_msgpack_rpc_fault_side_get_base (self->side), reading->buffer,
                                 size, g_task_get_priority (task), g_task_get_cancellable (task),
                                 read_base_cb, g_object_ref (task));
    }
}

static void
fault_input_read_async (GInputStream        *stream,
                        void                *buffer,
                        gsize                count,
                        int                  io_priority,
                        GCancellable        *cancellable,
                        GAsyncReadyCallback  callback,
                        gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Reading *reading = g_new (Reading, 1);

  *reading = (Reading) { buffer, count };
  g_task_set_source_tag (task, fault_input_read_async);
  g_task_set_priority (task, io_priority);
  /* What has come must not be lost because the task was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, reading, g_free);
  step (task);
}

static gssize
fault_input_read_finish (GInputStream  *stream,
                         GAsyncResult  *result,
                         GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), -1);

  return g_task_propagate_int (G_TASK (result), error);
}

/* The fault stream closes the base. */
static void
fault_input_close_async (GInputStream        *stream,
                         int                  io_priority G_GNUC_UNUSED,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, fault_input_close_async);
  g_task_return_boolean (task, TRUE);
}

static gboolean
fault_input_close_finish (GInputStream  *stream,
                          GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
fault_input_can_poll (GPollableInputStream *stream)
{
  return _msgpack_rpc_fault_side_can_poll (MSGPACK_RPC_FAULT_INPUT (stream)->side);
}

static gboolean
fault_input_is_readable (GPollableInputStream *stream)
{
  return _msgpack_rpc_fault_side_is_ready (MSGPACK_RPC_FAULT_INPUT (stream)->side);
}

static GSource *
fault_input_create_source (GPollableInputStream *stream,
                           GCancellable         *cancellable)
{
  return _msgpack_rpc_fault_side_create_source (MSGPACK_RPC_FAULT_INPUT (stream)->side, stream,
                                                cancellable);
}

static gssize
fault_input_read_nonblocking (GPollableInputStream  *stream,
                              void                  *buffer,
                              gsize                  count,
                              GError               **error)
{
  return read_some (MSGPACK_RPC_FAULT_INPUT (stream), buffer, count, FALSE, NULL, error);
}

static void
fault_input_init_pollable (GPollableInputStreamInterface *iface)
{
  iface->can_poll = fault_input_can_poll;
  iface->is_readable = fault_input_is_readable;
  iface->create_source = fault_input_create_source;
  iface->read_nonblocking = fault_input_read_nonblocking;
}

static void
fault_input_finalize (GObject *object)
{
  _msgpack_rpc_fault_side_unref (MSGPACK_RPC_FAULT_INPUT (object)->side);

  G_OBJECT_CLASS (_msgpack_rpc_fault_input_parent_class)->finalize (object);
}

static void
_msgpack_rpc_fault_input_class_init (MsgpackRpcFaultInputClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fault_input_finalize;
  stream_class->read_fn = fault_input_read;
  stream_class->read_async = fault_input_read_async;
  stream_class->read_finish = fault_input_read_finish;
  stream_class->close_async = fault_input_close_async;
  stream_class->close_finish = fault_input_close_finish;
}

static void
_msgpack_rpc_fault_input_init (MsgpackRpcFaultInput *self G_GNUC_UNUSED)
{
}

GInputStream *
_msgpack_rpc_fault_input_new (MsgpackRpcFaultSide *side)
{
  MsgpackRpcFaultInput *self = g_object_new (MSGPACK_RPC_TYPE_FAULT_INPUT, NULL);

  self->side = _msgpack_rpc_fault_side_ref (side);
  return G_INPUT_STREAM (self);
}
