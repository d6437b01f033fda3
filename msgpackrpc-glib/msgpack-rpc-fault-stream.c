/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-fault-stream.h"

#include "msgpack-rpc-fault-input-private.h"
#include "msgpack-rpc-fault-output-private.h"

/**
 * MsgpackRpcFaultStream:
 *
 * A stream around another one on which things go wrong, for tests.
 *
 * Give one to [ctor@Connection.new] to see what becomes of a program whose peer is slow, vanishes in
 * the middle of a message, or sends rubbish. What goes wrong is up to properties, for each direction
 * of its own; as long as none is set, everything passes as it is.
 *
 * | what | properties |
 * |---|---|
 * | it is split | `read-chunk-size`, `write-chunk-size` |
 * | it is late | `read-delay`, `write-delay` |
 * | it is lost | `read-drop-offset` and `read-drop-size`, `write-drop-…` |
 * | it is damaged | `read-corrupt-offset` and `read-corrupt-size`, `write-corrupt-…` |
 * | it ends | `read-cut-offset`, `write-cut-offset` |
 * | it stands still | `read-stop-offset`, `write-stop-offset` |
 *
 * Offsets count the bytes that have come from the other stream, or that were written to this one,
 * from 0. So the same things go wrong in the same places each time. Only the sizes of chunks can be
 * random, with a [property@FaultStream:seed] that makes them the same in each run.
 *
 * All these properties may be changed at any time, in any thread; what waits follows at once. Bytes
 * that were on their way already are not affected.
 *
 * Neither this stream nor its two ends are file descriptors, and unless it is made with
 * [property@FaultStream:pollable] they cannot be polled either. Its asynchronous functions wait
 * without a thread.
 *
 * Closing the stream, or dropping its last reference, closes the other one.
 *
 * Since: 1.0
 */
struct _MsgpackRpcFaultStream
{
  GIOStream parent_instance;

  GIOStream *base_io_stream;     /* owned */
  gboolean pollable;
  guint seed;                    /* atomic */
  MsgpackRpcFaultSide *sides[2]; /* owned: reading, writing */
  GInputStream *input;           /* owned */
  GOutputStream *output;         /* owned */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcFaultStream, msgpack_rpc_fault_stream, G_TYPE_IO_STREAM)

/* The faults of both sides are in the order of MsgpackRpcFault. */
enum
{
  PROP_0,
  PROP_BASE_IO_STREAM,
  PROP_POLLABLE,
  PROP_READ_OFFSET,
  PROP_SEED,
  PROP_WRITE_OFFSET,
  PROP_READ_CHUNK_SIZE,
  PROP_READ_CORRUPT_OFFSET,
  PROP_READ_CORRUPT_SIZE,
  PROP_READ_CUT_OFFSET,
  PROP_READ_DELAY,
  PROP_READ_DROP_OFFSET,
  PROP_READ_DROP_SIZE,
  PROP_READ_STOP_OFFSET,
  PROP_WRITE_CHUNK_SIZE,
  PROP_WRITE_CORRUPT_OFFSET,
  PROP_WRITE_CORRUPT_SIZE,
  PROP_WRITE_CUT_OFFSET,
  PROP_WRITE_DELAY,
  PROP_WRITE_DROP_OFFSET,
  PROP_WRITE_DROP_SIZE,
  PROP_WRITE_STOP_OFFSET,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/* Which fault of which side a property is. */
static MsgpackRpcFaultSide *
get_side (MsgpackRpcFaultStream *self,
          guint                  prop_id,
          MsgpackRpcFault       *fault)
{
  guint i = prop_id - PROP_READ_CHUNK_SIZE;

  G_STATIC_ASSERT (N_PROPS - PROP_READ_CHUNK_SIZE == 2 * MSGPACK_RPC_N_FAULTS);
  *fault = (MsgpackRpcFault) (i % MSGPACK_RPC_N_FAULTS);
  return self->sides[i / MSGPACK_RPC_N_FAULTS];
}

static void
get_fault (MsgpackRpcFaultStream *self,
           guint                  prop_id,
           GValue                *value)
{
  MsgpackRpcFault fault;
  MsgpackRpcFaultSide *side = get_side (self, prop_id, &fault);
  gint64 number = _msgpack_rpc_fault_side_get (side, fault);

  if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, (guint) number);
  else
    g_value_set_int64 (value, number);
}

static void
set_fault (MsgpackRpcFaultStream *self,
           guint                  prop_id,
           const GValue          *value)
{
  MsgpackRpcFault fault;
  MsgpackRpcFaultSide *side = get_side (self, prop_id, &fault);
  gint64 number = G_VALUE_HOLDS_UINT (value) ? g_value_get_uint (value)
                                             : g_value_get_int64 (value);

  if (_msgpack_rpc_fault_side_set (side, fault, number))
    g_object_notify_by_pspec (G_OBJECT (self), props[prop_id]);
}

static void
set_seed (MsgpackRpcFaultStream *self,
          guint                  seed)
{
  if ((guint) g_atomic_int_get (&self->seed) == seed)
    return;

  g_atomic_int_set (&self->seed, seed);
  for (guint i = 0; i < G_N_ELEMENTS (self->sides); i++)
    _msgpack_rpc_fault_side_set_seed (self->sides[i], seed);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SEED]);
}

static void
msgpack_rpc_fault_stream_get_property (GObject    *object,
                                       guint       prop_id,
                                       GValue     *value,
                                       GParamSpec *pspec)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (object);

  switch (prop_id)
    {
    case PROP_BASE_IO_STREAM:
      g_value_set_object (value, self->base_io_stream);
      break;
    case PROP_POLLABLE:
      g_value_set_boolean (value, self->pollable);
      break;
    case PROP_READ_OFFSET:
      g_value_set_uint64 (value, _msgpack_rpc_fault_side_get_offset (self->sides[0]));
      break;
    case PROP_SEED:
      g_value_set_uint (value, (guint) g_atomic_int_get (&self->seed));
      break;
    case PROP_WRITE_OFFSET:
      g_value_set_uint64 (value, _msgpack_rpc_fault_side_get_offset (self->sides[1]));
      break;
    default:
      if (prop_id < N_PROPS)
        get_fault (self, prop_id, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_fault_stream_set_property (GObject      *object,
                                       guint         prop_id,
                                       const GValue *value,
                                       GParamSpec   *pspec)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (object);

  switch (prop_id)
    {
    case PROP_BASE_IO_STREAM:
      self->base_io_stream = g_value_dup_object (value);
      break;
    case PROP_POLLABLE:
      self->pollable = g_value_get_boolean (value);
      break;
    case PROP_SEED:
      set_seed (self, g_value_get_uint (value));
      break;
    default:
      if (prop_id < N_PROPS)
        set_fault (self, prop_id, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* What a program makes without a stream has one that is always at its end. */
static GIOStream *
new_empty_stream (void)
{
  g_autoptr(GInputStream) input = g_memory_input_stream_new ();
  g_autoptr(GOutputStream) output = g_memory_output_stream_new_resizable ();

  return g_simple_io_stream_new (input, output);
}

static void
msgpack_rpc_fault_stream_constructed (GObject *object)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (object);

  G_OBJECT_CLASS (msgpack_rpc_fault_stream_parent_class)->constructed (object);

  if (self->base_io_stream == NULL)
    self->base_io_stream = new_empty_stream ();
  self->sides[0] =
    _msgpack_rpc_fault_side_new (G_OBJECT (g_io_stream_get_input_stream (self->base_io_stream)),
                                 self->pollable);
  self->sides[1] =
    _msgpack_rpc_fault_side_new (G_OBJECT (g_io_stream_get_output_stream (self->base_io_stream)),
                                 self->pollable);
  self->input = _msgpack_rpc_fault_input_new (self->sides[0]);
  self->output = _msgpack_rpc_fault_output_new (self->sides[1]);
}

static void
msgpack_rpc_fault_stream_finalize (GObject *object)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  for (guint i = 0; i < G_N_ELEMENTS (self->sides); i++)
    _msgpack_rpc_fault_side_unref (self->sides[i]);
  g_object_unref (self->base_io_stream);

  G_OBJECT_CLASS (msgpack_rpc_fault_stream_parent_class)->finalize (object);
}

static GInputStream *
msgpack_rpc_fault_stream_get_input_stream (GIOStream *stream)
{
  return MSGPACK_RPC_FAULT_STREAM (stream)->input;
}

static GOutputStream *
msgpack_rpc_fault_stream_get_output_stream (GIOStream *stream)
{
  return MSGPACK_RPC_FAULT_STREAM (stream)->output;
}

static gboolean
msgpack_rpc_fault_stream_close (GIOStream     *stream,
                                GCancellable  *cancellable,
                                GError       **error)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (stream);

  /* Closing the two of ours does nothing that could fail. */
  G_IO_STREAM_CLASS (msgpack_rpc_fault_stream_parent_class)->close_fn (stream, cancellable, NULL);
  return g_io_stream_close (self->base_io_stream, cancellable, error);
}

static void
close_base_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  GError *error = NULL;

  if (g_io_stream_close_finish (G_IO_STREAM (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
msgpack_rpc_fault_stream_close_async (GIOStream           *stream,
                                      int                  io_priority,
                                      GCancellable        *cancellable,
                                      GAsyncReadyCallback  callback,
                                      gpointer             user_data)
{
  MsgpackRpcFaultStream *self = MSGPACK_RPC_FAULT_STREAM (stream);
  g_autoptr(GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, msgpack_rpc_fault_stream_close_async);
  /* Not what GIOStream does, which is to call it again in a thread. */
  g_input_stream_close (self->input, NULL, NULL);
  g_output_stream_close (self->output, NULL, NULL);
  g_io_stream_close_async (self->base_io_stream, io_priority, cancellable, close_base_cb,
                           g_steal_pointer (&task));
}

static gboolean
msgpack_rpc_fault_stream_close_finish (GIOStream     *stream,
                                       GAsyncResult  *result,
                                       GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
install_read_properties (void)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcFaultStream:read-chunk-size:
   *
   * The bytes of which a read gives at most so many at once; 0 for any number.
   *
   * Chunks end at the same offsets, however much is read at once.
   *
   * Since: 1.0
   */
  props[PROP_READ_CHUNK_SIZE] =
    g_param_spec_uint ("read-chunk-size", NULL, NULL, 0, G_MAXUINT, 0, settable);

  /**
   * MsgpackRpcFaultStream:read-corrupt-offset:
   *
   * The offset from which bytes that are read have all their bits inverted; −1 for none.
   *
   * Since: 1.0
   */
  props[PROP_READ_CORRUPT_OFFSET] =
    g_param_spec_int64 ("read-corrupt-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:read-corrupt-size:
   *
   * How many bytes are inverted from [property@FaultStream:read-corrupt-offset] on.
   *
   * Since: 1.0
   */
  props[PROP_READ_CORRUPT_SIZE] =
    g_param_spec_int64 ("read-corrupt-size", NULL, NULL, 0, G_MAXINT64, 1, settable);

  /**
   * MsgpackRpcFaultStream:read-cut-offset:
   *
   * The offset at which the stream ends for whoever reads; −1 for nowhere.
   *
   * Since: 1.0
   */
  props[PROP_READ_CUT_OFFSET] =
    g_param_spec_int64 ("read-cut-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:read-delay:
   *
   * The milliseconds for which what has come is held back.
   *
   * Since: 1.0
   */
  props[PROP_READ_DELAY] =
    g_param_spec_uint ("read-delay", NULL, NULL, 0, G_MAXUINT, 0, settable);

  /**
   * MsgpackRpcFaultStream:read-drop-offset:
   *
   * The offset from which bytes that have come are lost; −1 for nowhere.
   *
   * Since: 1.0
   */
  props[PROP_READ_DROP_OFFSET] =
    g_param_spec_int64 ("read-drop-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:read-drop-size:
   *
   * How many bytes are lost from [property@FaultStream:read-drop-offset] on.
   *
   * Since: 1.0
   */
  props[PROP_READ_DROP_SIZE] =
    g_param_spec_int64 ("read-drop-size", NULL, NULL, 0, G_MAXINT64, 1, settable);

  /**
   * MsgpackRpcFaultStream:read-stop-offset:
   *
   * The offset at which reading stops until this changes; −1 for nowhere.
   *
   * With 0 nothing is read from now on, however much has come.
   *
   * Since: 1.0
   */
  props[PROP_READ_STOP_OFFSET] =
    g_param_spec_int64 ("read-stop-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);
}

static void
install_write_properties (void)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcFaultStream:write-chunk-size:
   *
   * The bytes of which a write takes at most so many at once; 0 for any number.
   *
   * Chunks end at the same offsets, however much is written at once.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_CHUNK_SIZE] =
    g_param_spec_uint ("write-chunk-size", NULL, NULL, 0, G_MAXUINT, 0, settable);

  /**
   * MsgpackRpcFaultStream:write-corrupt-offset:
   *
   * The offset from which bytes that are written have all their bits inverted; −1 for none.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_CORRUPT_OFFSET] =
    g_param_spec_int64 ("write-corrupt-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:write-corrupt-size:
   *
   * How many bytes are inverted from [property@FaultStream:write-corrupt-offset] on.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_CORRUPT_SIZE] =
    g_param_spec_int64 ("write-corrupt-size", NULL, NULL, 0, G_MAXINT64, 1, settable);

  /**
   * MsgpackRpcFaultStream:write-cut-offset:
   *
   * The offset from which writing fails with `G_IO_ERROR_BROKEN_PIPE`; −1 for nowhere.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_CUT_OFFSET] =
    g_param_spec_int64 ("write-cut-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:write-delay:
   *
   * The milliseconds for which each write waits before it is done.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_DELAY] =
    g_param_spec_uint ("write-delay", NULL, NULL, 0, G_MAXUINT, 0, settable);

  /**
   * MsgpackRpcFaultStream:write-drop-offset:
   *
   * The offset from which bytes that are written are lost; −1 for nowhere.
   *
   * Whoever writes them sees them written.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_DROP_OFFSET] =
    g_param_spec_int64 ("write-drop-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);

  /**
   * MsgpackRpcFaultStream:write-drop-size:
   *
   * How many bytes are lost from [property@FaultStream:write-drop-offset] on.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_DROP_SIZE] =
    g_param_spec_int64 ("write-drop-size", NULL, NULL, 0, G_MAXINT64, 1, settable);

  /**
   * MsgpackRpcFaultStream:write-stop-offset:
   *
   * The offset at which writing stops until this changes; −1 for nowhere.
   *
   * With 0 nothing is written from now on.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_STOP_OFFSET] =
    g_param_spec_int64 ("write-stop-offset", NULL, NULL, -1, G_MAXINT64, -1, settable);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  /**
   * MsgpackRpcFaultStream:base-io-stream:
   *
   * The other stream. Made without one, there is nothing to read, and what is written is lost.
   *
   * Since: 1.0
   */
  props[PROP_BASE_IO_STREAM] =
    g_param_spec_object ("base-io-stream", NULL, NULL, G_TYPE_IO_STREAM, construct);

  /**
   * MsgpackRpcFaultStream:pollable:
   *
   * Whether the ends of this stream can be polled where those of the other one can, as
   * [iface@Gio.PollableInputStream] and [iface@Gio.PollableOutputStream].
   *
   * Since: 1.0
   */
  props[PROP_POLLABLE] =
    g_param_spec_boolean ("pollable", NULL, NULL, FALSE, construct);

  /**
   * MsgpackRpcFaultStream:read-offset:
   *
   * How many bytes have come from the other stream. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_READ_OFFSET] =
    g_param_spec_uint64 ("read-offset", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * MsgpackRpcFaultStream:seed:
   *
   * What makes the sizes of chunks random: from 1 to their full size, the same ones for the same
   * seed; 0 for chunks of full size.
   *
   * Since: 1.0
   */
  props[PROP_SEED] =
    g_param_spec_uint ("seed", NULL, NULL, 0, G_MAXUINT, 0, settable);

  /**
   * MsgpackRpcFaultStream:write-offset:
   *
   * How many bytes were written to this stream. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_OFFSET] =
    g_param_spec_uint64 ("write-offset", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  install_read_properties ();
  install_write_properties ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_fault_stream_class_init (MsgpackRpcFaultStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  object_class->constructed = msgpack_rpc_fault_stream_constructed;
  object_class->finalize = msgpack_rpc_fault_stream_finalize;
  object_class->get_property = msgpack_rpc_fault_stream_get_property;
  object_class->set_property = msgpack_rpc_fault_stream_set_property;
  stream_class->get_input_stream = msgpack_rpc_fault_stream_get_input_stream;
  stream_class->get_output_stream = msgpack_rpc_fault_stream_get_output_stream;
  stream_class->close_fn = msgpack_rpc_fault_stream_close;
  stream_class->close_async = msgpack_rpc_fault_stream_close_async;
  stream_class->close_finish = msgpack_rpc_fault_stream_close_finish;

  install_properties (object_class);
}

static void
msgpack_rpc_fault_stream_init (MsgpackRpcFaultStream *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_fault_stream_new:
 * @base_io_stream: the stream to go around
 *
 * Creates a stream around another one, on which nothing goes wrong yet.
 *
 * Its ends cannot be polled; to have them polled, set [property@FaultStream:pollable] as it is made.
 *
 * Returns: (transfer full): a new stream
 * Since: 1.0
 */
MsgpackRpcFaultStream *
msgpack_rpc_fault_stream_new (GIOStream *base_io_stream)
{
  g_return_val_if_fail (G_IS_IO_STREAM (base_io_stream), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM, "base-io-stream", base_io_stream, NULL);
}
