/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-fault-output-private.h"

struct _MsgpackRpcFaultOutput
{
  GOutputStream parent_instance;

  MsgpackRpcFaultSide *side; /* owned */
};

static void fault_output_init_pollable (GPollableOutputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcFaultOutput, _msgpack_rpc_fault_output,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      fault_output_init_pollable))

/* What an asynchronous operation writes. */
typedef struct
{
  const void *buffer;
  gsize count;
  guint8 *changed;    /* the part of it that is written now, as it leaves */
  gssize written;     /* while the base is flushed */
} Writing;

static void
writing_free (gpointer data)
{
  Writing *writing = data;

  g_free (writing->changed);
  g_free (writing);
}

static GError *
new_cut_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "The stream was cut");
}

static gssize
write_base (MsgpackRpcFaultOutput  *self,
            const void             *buffer,
            gsize                   count,
            gboolean                blocking,
            GCancellable           *cancellable,
            GError                **error)
{
  gpointer base = _msgpack_rpc_fault_side_get_base (self->side);
  gssize n;

  if (!blocking)
    return g_pollable_output_stream_write_nonblocking (base, buffer, count, cancellable, error);

  n = g_output_stream_write (base, buffer, count, cancellable, error);
  if (n > 0 && !g_output_stream_flush (base, cancellable, error))
    return -1;
  return n;
}

static gssize
write_part (MsgpackRpcFaultOutput  *self,
            const void             *buffer,
            gsize                   count,
            gboolean                blocking,
            GCancellable           *cancellable,
            GError                **error)
{
  g_autofree guint8 *changed = g_memdup2 (buffer, count);
  gssize n = (gssize) count;

  if (_msgpack_rpc_fault_side_filter (self->side, changed, count) > 0)
    n = write_base (self, changed, count, blocking, cancellable, error);
  if (n > 0)
    _msgpack_rpc_fault_side_advance (self->side, (gsize) n);
  return n;
}

static gssize
write_some (MsgpackRpcFaultOutput  *self,
            const void             *buffer,
            gsize                   count,
            gboolean                blocking,
            GCancellable           *cancellable,
            GError                **error)
{
  for (;;)
    {
      gsize size = count;

      switch (_msgpack_rpc_fault_side_begin (self->side, &size))
        {
        case MSGPACK_RPC_FAULT_ACTION_WAIT:
          if (!_msgpack_rpc_fault_side_wait (self->side, blocking, cancellable, error))
            return -1;
          break;

        case MSGPACK_RPC_FAULT_ACTION_CUT:
          g_propagate_error (error, new_cut_error ());
          return -1;

        case MSGPACK_RPC_FAULT_ACTION_HELD:
        case MSGPACK_RPC_FAULT_ACTION_PASS:
        default:
          return write_part (self, buffer, size, blocking, cancellable, error);
        }
    }
}

static gssize
fault_output_write (GOutputStream  *stream,
                    const void     *buffer,
                    gsize           count,
                    GCancellable   *cancellable,
                    GError        **error)
{
  return write_some (MSGPACK_RPC_FAULT_OUTPUT (stream), buffer, count, TRUE, cancellable, error);
}

static void step (GTask *task);

static gboolean
step_again (gpointer user_data)
{
  step (user_data);
  return G_SOURCE_REMOVE;
}

static void
flush_base_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  Writing *writing = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_output_stream_flush_finish (G_OUTPUT_STREAM (source), result, &error))
    g_task_return_int (task, writing->written);
  else
    g_task_return_error (task, error);
}

static void
write_base_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  MsgpackRpcFaultOutput *self = g_task_get_source_object (task);
  Writing *writing = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_output_stream_write_finish (G_OUTPUT_STREAM (source), result, &error);

  if (n < 0)
    {
      g_task_return_error (task, error);
      return;
    }

  _msgpack_rpc_fault_side_advance (self->side, (gsize) n);
  writing->written = n;
  g_output_stream_flush_async (G_OUTPUT_STREAM (source), g_task_get_priority (task),
                               g_task_get_cancellable (task), flush_base_cb, g_object_ref (task));
}

static void
start_part (GTask *task,
            gsize  count)
{
  MsgpackRpcFaultOutput *self = g_task_get_source_object (task);
  Writing *writing = g_task_get_task_data (task);

  g_free (writing->changed);
  writing->changed = g_memdup2 (writing->buffer, count);
  if (_msgpack_rpc_fault_side_filter (self->side, writing->changed, count) == 0)
    {
      _msgpack_rpc_fault_side_advance (self->side, count);
      g_task_return_int (task, (gssize) count);
      return;
    }

  g_output_stream_write_async (_msgpack_rpc_fault_side_get_base (self->side), writing->changed,
                               count, g_task_get_priority (task), g_task_get_cancellable (task),
                               write_base_cb, g_object_ref (task));
}

static void
step (GTask *task)
{
  MsgpackRpcFaultOutput *self = g_task_get_source_object (task);
  Writing *writing = g_task_get_task_data (task);
  gsize size = writing->count;

  if (g_task_return_error_if_cancelled (task))
    return;

  switch (_msgpack_rpc_fault_side_begin (self->side, &size))
    {
    case MSGPACK_RPC_FAULT_ACTION_WAIT:
      _msgpack_rpc_fault_side_attach (self->side, task, step_again);
      break;

    case MSGPACK_RPC_FAULT_ACTION_CUT:
      g_task_return_error (task, new_cut_error ());
      break;

    case MSGPACK_RPC_FAULT_ACTION_HELD:
    case MSGPACK_RPC_FAULT_ACTION_PASS:
    default:
      start_part (task, size);
    }
}

static void
fault_output_write_async (GOutputStream       *stream,
                          const void          *buffer,
                          gsize                count,
                          int                  io_priority,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Writing *writing = g_new0 (Writing, 1);

  writing->buffer = buffer;
  writing->count = count;
  g_task_set_source_tag (task, fault_output_write_async);
  g_task_set_priority (task, io_priority);
  /* What was written must be known although the task was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, writing, writing_free);
  step (task);
}

static gssize
fault_output_write_finish (GOutputStream  *stream,
                           GAsyncResult   *result,
                           GError        **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), -1);

  return g_task_propagate_int (G_TASK (result), error);
}

/* The fault stream closes the base. */
static void
fault_output_close_async (GOutputStream       *stream,
                          int                  io_priority G_GNUC_UNUSED,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, fault_output_close_async);
  g_task_return_boolean (task, TRUE);
}

static gboolean
fault_output_close_finish (GOutputStream  *stream,
                           GAsyncResult   *result,
                           GError        **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
fault_output_can_poll (GPollableOutputStream *stream)
{
  return _msgpack_rpc_fault_side_can_poll (MSGPACK_RPC_FAULT_OUTPUT (stream)->side);
}

static gboolean
fault_output_is_writable (GPollableOutputStream *stream)
{
  return _msgpack_rpc_fault_side_is_ready (MSGPACK_RPC_FAULT_OUTPUT (stream)->side);
}

static GSource *
fault_output_create_source (GPollableOutputStream *stream,
                            GCancellable          *cancellable)
{
  return _msgpack_rpc_fault_side_create_source (MSGPACK_RPC_FAULT_OUTPUT (stream)->side, stream,
                                                cancellable);
}

static gssize
fault_output_write_nonblocking (GPollableOutputStream  *stream,
                                const void             *buffer,
                                gsize                   count,
                                GError                **error)
{
  return write_some (MSGPACK_RPC_FAULT_OUTPUT (stream), buffer, count, FALSE, NULL, error);
}

static void
fault_output_init_pollable (GPollableOutputStreamInterface *iface)
{
  iface->can_poll = fault_output_can_poll;
  iface->is_writable = fault_output_is_writable;
  iface->create_source = fault_output_create_source;
  iface->write_nonblocking = fault_output_write_nonblocking;
}

static void
fault_output_finalize (GObject *object)
{
  _msgpack_rpc_fault_side_unref (MSGPACK_RPC_FAULT_OUTPUT (object)->side);

  G_OBJECT_CLASS (_msgpack_rpc_fault_output_parent_class)->finalize (object);
}

static void
_msgpack_rpc_fault_output_class_init (MsgpackRpcFaultOutputClass *klass)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fault_output_finalize;
  stream_class->write_fn = fault_output_write;
  stream_class->write_async = fault_output_write_async;
  stream_class->write_finish = fault_output_write_finish;
  stream_class->close_async = fault_output_close_async;
  stream_class->close_finish = fault_output_close_finish;
}

static void
_msgpack_rpc_fault_output_init (MsgpackRpcFaultOutput *self G_GNUC_UNUSED)
{
}

GOutputStream *
_msgpack_rpc_fault_output_new (MsgpackRpcFaultSide *side)
{
  MsgpackRpcFaultOutput *self = g_object_new (MSGPACK_RPC_TYPE_FAULT_OUTPUT, NULL);

  self->side = _msgpack_rpc_fault_side_ref (side);
  return G_OUTPUT_STREAM (self);
}
