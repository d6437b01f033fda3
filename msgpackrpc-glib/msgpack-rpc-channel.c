/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-channel-private.h"

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-event-queue-private.h"
#include "msgpack-rpc-msgpack-codec.h"
#include "msgpack-rpc-residents-private.h"
#include "msgpack-rpc-transport-private.h"

enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_CODEC,
  PROP_HIGH_WATER_MARK,
  PROP_ID,
  PROP_IO_STREAM,
  PROP_LIMITS,
  PROP_LOCAL_ADDRESS,
  PROP_MAIN_CONTEXT,
  PROP_PAUSED,
  PROP_QUEUE,
  PROP_QUEUED_BYTES,
  PROP_REMOTE_ADDRESS,
  PROP_STATUS,
  N_PROPS
};

/**
 * MsgpackRpcChannel:
 *
 * A stream of messages in a format of the application's choosing.
 *
 * Where a [class@Connection] speaks MessagePack-RPC, a channel sends and receives messages and knows
 * nothing of calls: what a message is, and how it is written, is for its [property@Channel:codec] to
 * say. A message is always a [struct@GLib.Variant].
 *
 * ```c
 * g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();
 * g_autoptr(MsgpackRpcChannel) channel = msgpack_rpc_channel_new (stream, codec);
 *
 * g_signal_connect (channel, "message", G_CALLBACK (line_cb), NULL);
 * msgpack_rpc_channel_send (channel, g_variant_new_string ("hello"), NULL);
 * ```
 *
 * Messages that come are told by [signal@Channel::message]. Of a channel that nobody has connected to
 * it of, they are taken by [method@Channel.receive_async] and [method@Channel.receive_sync].
 *
 * ## Lifetime
 *
 * A channel on a stream is connected from the start; one for an address is connected by
 * [method@Channel.open_async], and takes messages before. It ends when the peer closes the stream, when
 * the stream or the codec fails, and when it is closed by [method@Channel.close_async]; then
 * [signal@Channel::closed] is emitted once, after all that the peer sent before, with what was not sent.
 * Dropping the last reference closes it at once, silently.
 *
 * When the peer has sent its last byte but may still read, what it has sent is decoded and delivered, and
 * what is queued until then is written, before the channel ends; its status is closing meanwhile.
 *
 * ## Limits
 *
 * What is to be sent is encoded no faster than the peer reads it, and the peer may send no more than is
 * taken of it: of either there is about [property@Channel:high-water-mark] in memory, and one message.
 * How large one may be, how much may be queued, and how long closing may take, is said by
 * [property@Channel:limits].
 *
 * ## Threads
 *
 * All functions may be called from any thread. The codec is called, and signals and property
 * notifications are emitted, in [property@Channel:main-context] only; never inside of a function that
 * sends, receives, opens or closes, but for the functions whose name ends in `_sync`, in the thread that
 * owns that context.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (MsgpackRpcChannel, msgpack_rpc_channel, G_TYPE_OBJECT)

static GParamSpec *props[N_PROPS];
guint _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_N_SIGNALS];

static void
msgpack_rpc_channel_get_property (GObject    *object,
                                  guint       prop_id,
                                  GValue     *value,
                                  GParamSpec *pspec)
{
  MsgpackRpcChannel *self = MSGPACK_RPC_CHANNEL (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, msgpack_rpc_channel_get_address (self));
      break;
    case PROP_CODEC:
      g_value_set_object (value, self->codec);
      break;
    case PROP_HIGH_WATER_MARK:
      g_value_set_uint64 (value, msgpack_rpc_channel_get_high_water_mark (self));
      break;
    case PROP_ID:
      g_value_set_uint64 (value, self->id);
      break;
    case PROP_IO_STREAM:
      g_value_set_object (value, msgpack_rpc_channel_get_io_stream (self));
      break;
    case PROP_LIMITS:
      g_value_set_object (value, self->limits);
      break;
    case PROP_LOCAL_ADDRESS:
      g_value_take_object (value, msgpack_rpc_channel_get_local_address (self));
      break;
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->main_context);
      break;
    case PROP_PAUSED:
      g_value_set_boolean (value, msgpack_rpc_channel_get_paused (self));
      break;
    case PROP_QUEUE:
      g_value_take_object (value, msgpack_rpc_channel_get_queue (self));
      break;
    case PROP_QUEUED_BYTES:
      g_value_set_uint64 (value, msgpack_rpc_channel_get_queued_bytes (self));
      break;
    case PROP_REMOTE_ADDRESS:
      g_value_take_object (value, msgpack_rpc_channel_get_remote_address (self));
      break;
    case PROP_STATUS:
      g_value_set_enum (value, (int) msgpack_rpc_channel_get_status (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
set_address (MsgpackRpcChannel *self,
             const char        *address)
{
  if (address == NULL)
    return;

  self->target = g_new0 (MsgpackRpcTarget, 1);
  _msgpack_rpc_target_init (self->target);
  self->target->address = g_strdup (address);
}

static void
msgpack_rpc_channel_set_property (GObject      *object,
                                  guint         prop_id,
                                  const GValue *value,
                                  GParamSpec   *pspec)
{
  MsgpackRpcChannel *self = MSGPACK_RPC_CHANNEL (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      set_address (self, g_value_get_string (value));
      break;
    case PROP_CODEC:
      self->codec = g_value_dup_object (value);
      break;
    case PROP_HIGH_WATER_MARK:
      msgpack_rpc_channel_set_high_water_mark (self, g_value_get_uint64 (value));
      break;
    case PROP_IO_STREAM:
      self->io_stream = g_value_dup_object (value);
      break;
    case PROP_LIMITS:
      self->limits = g_value_dup_object (value);
      break;
    case PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;
    case PROP_PAUSED:
      msgpack_rpc_channel_set_paused (self, g_value_get_boolean (value));
      break;
    case PROP_QUEUE:
      msgpack_rpc_channel_set_queue (self, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_channel_constructed (GObject *object)
{
  static gsize last_id = 0;
  MsgpackRpcChannel *self = MSGPACK_RPC_CHANNEL (object);
  MsgpackRpcSettings *settings = _msgpack_rpc_settings_new ();

  G_OBJECT_CLASS (msgpack_rpc_channel_parent_class)->constructed (object);

  self->id = (guint64) g_atomic_pointer_add (&last_id, 1) + 1;
  if (self->codec == NULL)
    self->codec = msgpack_rpc_msgpack_codec_new ();
  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();
  if (self->target != NULL)
    self->target->home = self->main_context;
  if (self->limits == NULL)
    self->limits = msgpack_rpc_limits_new ();
  self->thread = g_thread_self ();
  self->reactor = _msgpack_rpc_reactor_get (self->main_context);
  self->link = _msgpack_rpc_link_new (object, self->id, &_msgpack_rpc_channel_link_funcs,
                                      self->reactor, settings, self->limits);
  _msgpack_rpc_settings_unref (settings);
  if (self->io_stream != NULL)
    _msgpack_rpc_link_attach (self->link, self->io_stream);
  _msgpack_rpc_residents_add (self->main_context, object);
}

static void
msgpack_rpc_channel_dispose (GObject *object)
{
  MsgpackRpcChannel *self = MSGPACK_RPC_CHANNEL (object);

  _msgpack_rpc_residents_remove (self->main_context, object);
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, NULL);
  _msgpack_rpc_link_disown (self->link);
  _msgpack_rpc_reactor_forget (self->reactor, self);
  if (self->target != NULL)
    _msgpack_rpc_target_silence (self->target);
  if (self->output.reading != NULL)
    g_cancellable_cancel (self->output.reading);
  if (self->input.writing != NULL)
    g_cancellable_cancel (self->input.writing);

  G_OBJECT_CLASS (msgpack_rpc_channel_parent_class)->dispose (object);
}

static void
msgpack_rpc_channel_finalize (GObject *object)
{
  MsgpackRpcChannel *self = MSGPACK_RPC_CHANNEL (object);
  g_autoptr(MsgpackRpcEventQueue) queue = NULL;

  g_clear_pointer (&self->ending, _msgpack_rpc_channel_ending_free);
  g_clear_pointer (&self->untold, _msgpack_rpc_channel_ending_free);
  g_clear_error (&self->failure);
  _msgpack_rpc_channel_output_clear (self);
  _msgpack_rpc_channel_input_clear (self);
  g_queue_clear_full (&self->operations, g_object_unref);
  g_ptr_array_unref (self->unsent);
  if (self->target != NULL)
    {
      _msgpack_rpc_target_clear (self->target);
      g_free (self->target);
    }
  g_object_unref (self->codec);
  g_clear_object (&self->io_stream);
  queue = msgpack_rpc_channel_get_queue (self);
  if (queue != NULL)
    _msgpack_rpc_event_queue_remove_producer (queue, self->main_context);
  g_clear_object (&self->queue);
  g_weak_ref_clear (&self->last_queue);
  g_object_unref (self->link);
  g_object_unref (self->limits);
  _msgpack_rpc_reactor_unref (self->reactor);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_channel_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  /**
   * MsgpackRpcChannel:address: (getter get_address)
   *
   * What [method@Channel.open_async] connects to, as for [property@Client:address]; `NULL` for a channel
   * on a stream.
   *
   * Since: 1.0
   */
  props[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, construct);

  /**
   * MsgpackRpcChannel:codec: (getter get_codec)
   *
   * How messages become bytes, and bytes messages; given as `NULL`, as MessagePack.
   *
   * Since: 1.0
   */
  props[PROP_CODEC] =
    g_param_spec_object ("codec", NULL, NULL, MSGPACK_RPC_TYPE_CODEC, construct);

  /**
   * MsgpackRpcChannel:high-water-mark: (getter get_high_water_mark) (setter set_high_water_mark)
   *
   * [property@Limits:high-water-mark] of the [property@Channel:limits]: from so many bytes on that wait
   * to be written, nothing more is encoded, and from so many on that wait to be decoded or received,
   * nothing more is read.
   *
   * Since: 1.0
   */
  props[PROP_HIGH_WATER_MARK] =
    g_param_spec_uint64 ("high-water-mark", NULL, NULL, 0, G_MAXUINT32, 1024 * 1024, settable);

  /**
   * MsgpackRpcChannel:id: (getter get_id)
   *
   * A number that no other channel of the process has or will have; from 1.
   *
   * Since: 1.0
   */
  props[PROP_ID] = g_param_spec_uint64 ("id", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * MsgpackRpcChannel:io-stream: (getter get_io_stream)
   *
   * The stream; `NULL` as long as there is none.
   *
   * Since: 1.0
   */
  props[PROP_IO_STREAM] =
    g_param_spec_object ("io-stream", NULL, NULL, G_TYPE_IO_STREAM, construct);

  /**
   * MsgpackRpcChannel:limits: (getter get_limits)
   *
   * What the peer may cost; given as `NULL`, the defaults. Its numbers may be changed at any time.
   *
   * Since: 1.0
   */
  props[PROP_LIMITS] =
    g_param_spec_object ("limits", NULL, NULL, MSGPACK_RPC_TYPE_LIMITS, construct);

  /**
   * MsgpackRpcChannel:local-address: (getter get_local_address)
   *
   * The address of this end, if the stream is a socket, or `NULL`. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_LOCAL_ADDRESS] =
    g_param_spec_object ("local-address", NULL, NULL, G_TYPE_SOCKET_ADDRESS, readable);

  /**
   * MsgpackRpcChannel:main-context: (getter get_main_context)
   *
   * The context in which the codec runs and signals are emitted; given as `NULL`, the thread-default
   * context of the thread that creates the channel.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct);

  /**
   * MsgpackRpcChannel:paused: (getter get_paused) (setter set_paused)
   *
   * Whether nothing is read, so that the peer has to wait.
   *
   * What has been read but not delivered is still delivered. That the peer has gone is told when reading
   * goes on, after what it has sent before.
   *
   * Since: 1.0
   */
  props[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, settable);

  /**
   * MsgpackRpcChannel:queue: (getter get_queue) (setter set_queue)
   *
   * Where what happens to the channel goes, as events; `NULL` for nowhere.
   *
   * Since: 1.0
   */
  props[PROP_QUEUE] =
    g_param_spec_object ("queue", NULL, NULL, MSGPACK_RPC_TYPE_EVENT_QUEUE, settable);

  /**
   * MsgpackRpcChannel:queued-bytes: (getter get_queued_bytes)
   *
   * About how much waits to be written. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_QUEUED_BYTES] =
    g_param_spec_uint64 ("queued-bytes", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * MsgpackRpcChannel:remote-address: (getter get_remote_address)
   *
   * The address of the peer, if the stream is a socket, or `NULL`. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_REMOTE_ADDRESS] =
    g_param_spec_object ("remote-address", NULL, NULL, G_TYPE_SOCKET_ADDRESS, readable);

  /**
   * MsgpackRpcChannel:status: (getter get_status)
   *
   * Whether messages can be sent.
   *
   * Since: 1.0
   */
  props[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, MSGPACK_RPC_TYPE_CONNECTION_STATUS,
                       MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED, readable);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
install_signals (GType type)
{
  /**
   * MsgpackRpcChannel::closed:
   * @self: the channel
   * @error: (nullable): what went wrong, or `NULL` if this end or the peer closed in good order
   * @incomplete: (nullable): the message of which a part was written
   * @unsent: the messages of which nothing was written, in order; of type `av`
   *
   * The channel has ended, or could not be connected. Emitted once, after all that the peer sent before.
   *
   * Since: 1.0
   */
  _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_CLOSED] =
    g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, G_TYPE_ERROR, G_TYPE_VARIANT, G_TYPE_VARIANT);

  /**
   * MsgpackRpcChannel::message:
   * @self: the channel
   * @message: the message
   *
   * A message has come. While there is a handler, nobody receives messages otherwise.
   *
   * Since: 1.0
   */
  _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_MESSAGE] =
    g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, G_TYPE_VARIANT);

  /**
   * MsgpackRpcChannel::rejected:
   * @self: the channel
   * @message: the message
   * @error: why
   *
   * A message will not be sent: [method@Channel.send] did not take it, as it has told, or the codec could
   * not encode it.
   *
   * It is not emitted for what was not taken while nobody was connected to it.
   *
   * Since: 1.0
   */
  _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_REJECTED] =
    g_signal_new ("rejected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_VARIANT, G_TYPE_ERROR);
}

static void
msgpack_rpc_channel_class_init (MsgpackRpcChannelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = msgpack_rpc_channel_constructed;
  object_class->get_property = msgpack_rpc_channel_get_property;
  object_class->set_property = msgpack_rpc_channel_set_property;
  object_class->dispose = msgpack_rpc_channel_dispose;
  object_class->finalize = msgpack_rpc_channel_finalize;

  install_properties (object_class);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
msgpack_rpc_channel_init (MsgpackRpcChannel *self)
{
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->last_queue, NULL);
  g_queue_init (&self->operations);
  self->unsent = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  _msgpack_rpc_channel_output_init (self);
  _msgpack_rpc_channel_input_init (self);
}

void
_msgpack_rpc_channel_notify_queue (MsgpackRpcChannel *self)
{
  _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self), props[PROP_QUEUE]);
}

/**
 * msgpack_rpc_channel_new:
 * @io_stream: a stream that nobody else reads or writes
 * @codec: (nullable): how messages become bytes, and bytes messages, or `NULL` for MessagePack
 *
 * Creates a channel on a stream.
 *
 * It belongs to the thread-default context of the calling thread. Call this in a thread that owns
 * that context, so that signals can be connected to before anything is delivered.
 *
 * Returns: (transfer full): a new channel
 * Since: 1.0
 */
MsgpackRpcChannel *
msgpack_rpc_channel_new (GIOStream       *io_stream,
                         MsgpackRpcCodec *codec)
{
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);
  g_return_val_if_fail (codec == NULL || MSGPACK_RPC_IS_CODEC (codec), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CHANNEL, "io-stream", io_stream, "codec", codec, NULL);
}

/**
 * msgpack_rpc_channel_new_for_address:
 * @address: an address, as for [ctor@Client.new]
 * @codec: (nullable): how messages become bytes, and bytes messages, or `NULL` for MessagePack
 *
 * Creates a channel that is not connected yet.
 *
 * Nothing is looked at before [method@Channel.open_async], which tells of a bad address. It belongs to
 * the thread-default context of the calling thread.
 *
 * Returns: (transfer full): a new channel
 * Since: 1.0
 */
MsgpackRpcChannel *
msgpack_rpc_channel_new_for_address (const char      *address,
                                     MsgpackRpcCodec *codec)
{
  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (codec == NULL || MSGPACK_RPC_IS_CODEC (codec), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CHANNEL, "address", address, "codec", codec, NULL);
}

/**
 * msgpack_rpc_channel_new_pair:
 * @codec: (nullable): how messages become bytes, and bytes messages, or `NULL` for MessagePack
 * @first: (out) (transfer full): one end
 * @second: (out) (transfer full): the other end
 * @error: return location for an error
 *
 * Creates two channels that are each other's peer, joined by a pair of UNIX sockets, for tests and for
 * talking between threads.
 *
 * Both belong to the thread-default context of the calling thread.
 *
 * Returns: `TRUE`, or `FALSE` with @error set if no pair of sockets can be had
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_new_pair (MsgpackRpcCodec    *codec,
                              MsgpackRpcChannel **first,
                              MsgpackRpcChannel **second,
                              GError            **error)
{
  GIOStream *streams[2];

  g_return_val_if_fail (codec == NULL || MSGPACK_RPC_IS_CODEC (codec), FALSE);
  g_return_val_if_fail (first != NULL && second != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *first = *second = NULL;
  if (!_msgpack_rpc_transport_new_pair (streams, error))
    return FALSE;

  *first = msgpack_rpc_channel_new (streams[0], codec);
  *second = msgpack_rpc_channel_new (streams[1], codec);
  g_object_unref (streams[0]);
  g_object_unref (streams[1]);
  return TRUE;
}

/**
 * msgpack_rpc_channel_get_id: (get-property id)
 * @self: a channel
 *
 * Gets a number that no other channel of the process has or will have.
 *
 * Returns: the number, from 1
 * Since: 1.0
 */
guint64
msgpack_rpc_channel_get_id (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), 0);

  return self->id;
}

/**
 * msgpack_rpc_channel_get_address: (get-property address)
 * @self: a channel
 *
 * Gets what the channel connects to.
 *
 * Returns: (transfer none) (nullable): the address as it was given, or `NULL` for a channel on a stream
 * Since: 1.0
 */
const char *
msgpack_rpc_channel_get_address (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  return self->target != NULL ? self->target->address : NULL;
}

/**
 * msgpack_rpc_channel_get_io_stream: (get-property io-stream)
 * @self: a channel
 *
 * Gets the stream.
 *
 * Returns: (transfer none) (nullable): the stream, or `NULL` as long as there is none
 * Since: 1.0
 */
GIOStream *
msgpack_rpc_channel_get_io_stream (MsgpackRpcChannel *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->io_stream;
}

/**
 * msgpack_rpc_channel_get_codec: (get-property codec)
 * @self: a channel
 *
 * Gets how messages are written.
 *
 * Returns: (transfer none): the codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_channel_get_codec (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  return self->codec;
}

/**
 * msgpack_rpc_channel_get_main_context: (get-property main-context)
 * @self: a channel
 *
 * Gets the context in which the codec runs and signals are emitted.
 *
 * Returns: (transfer none): the context
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_channel_get_main_context (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  return self->main_context;
}

/**
 * msgpack_rpc_channel_get_status: (get-property status)
 * @self: a channel
 *
 * Gets whether messages can be sent.
 *
 * Returns: the status
 * Since: 1.0
 */
MsgpackRpcConnectionStatus
msgpack_rpc_channel_get_status (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);

  return _msgpack_rpc_link_get_status (self->link);
}

/**
 * msgpack_rpc_channel_is_connected:
 * @self: a channel
 *
 * Gets whether the status is connected.
 *
 * Returns: whether messages go both ways
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_is_connected (MsgpackRpcChannel *self)
{
  return msgpack_rpc_channel_get_status (self) == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
}

static GSocket *
get_socket (MsgpackRpcChannel *self)
{
  GIOStream *stream = msgpack_rpc_channel_get_io_stream (self);

  return stream != NULL ? _msgpack_rpc_transport_get_socket (stream) : NULL;
}

/**
 * msgpack_rpc_channel_get_local_address: (get-property local-address)
 * @self: a channel
 *
 * Gets the address of this end.
 *
 * Returns: (transfer full) (nullable): the address, or `NULL` if the stream is no open socket
 * Since: 1.0
 */
GSocketAddress *
msgpack_rpc_channel_get_local_address (MsgpackRpcChannel *self)
{
  GSocket *socket;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  socket = get_socket (self);
  return socket != NULL ? g_socket_get_local_address (socket, NULL) : NULL;
}

/**
 * msgpack_rpc_channel_get_remote_address: (get-property remote-address)
 * @self: a channel
 *
 * Gets the address of the peer.
 *
 * Returns: (transfer full) (nullable): the address, or `NULL` if the stream is no open socket
 * Since: 1.0
 */
GSocketAddress *
msgpack_rpc_channel_get_remote_address (MsgpackRpcChannel *self)
{
  GSocket *socket;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  socket = get_socket (self);
  return socket != NULL ? g_socket_get_remote_address (socket, NULL) : NULL;
}

/**
 * msgpack_rpc_channel_get_limits: (get-property limits)
 * @self: a channel
 *
 * Gets what the peer may cost.
 *
 * Returns: (transfer none): the limits, whose numbers may be changed at any time
 * Since: 1.0
 */
MsgpackRpcLimits *
msgpack_rpc_channel_get_limits (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);

  return self->limits;
}

/**
 * msgpack_rpc_channel_get_high_water_mark: (get-property high-water-mark)
 * @self: a channel
 *
 * Gets from how many waiting bytes on nothing more is encoded, or read.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint64
msgpack_rpc_channel_get_high_water_mark (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), 0);

  return msgpack_rpc_limits_get_high_water_mark (self->limits);
}

/**
 * msgpack_rpc_channel_set_high_water_mark: (set-property high-water-mark)
 * @self: a channel
 * @high_water_mark: bytes, up to `G_MAXUINT32`
 *
 * Sets from how many waiting bytes on nothing more is encoded, or read.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_set_high_water_mark (MsgpackRpcChannel *self,
                                         guint64            high_water_mark)
{
  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));

  if (msgpack_rpc_limits_get_high_water_mark (self->limits) == high_water_mark)
    return;

  msgpack_rpc_limits_set_high_water_mark (self->limits, high_water_mark);
  _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self), props[PROP_HIGH_WATER_MARK]);
  /* What waited for the old one may go on. */
  _msgpack_rpc_channel_resume_coders (self);
}

/**
 * msgpack_rpc_channel_get_paused: (get-property paused)
 * @self: a channel
 *
 * Gets whether [method@Channel.set_paused] keeps the channel from reading.
 *
 * Returns: whether nothing is read
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_get_paused (MsgpackRpcChannel *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);

  return _msgpack_rpc_link_is_paused (self->link, MSGPACK_RPC_PAUSE_ON_REQUEST);
}

/**
 * msgpack_rpc_channel_set_paused: (set-property paused)
 * @self: a channel
 * @paused: `TRUE` to read nothing, `FALSE` to go on
 *
 * Pauses reading, or goes on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_set_paused (MsgpackRpcChannel *self,
                                gboolean           paused)
{
  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));

  if (_msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_ON_REQUEST, paused))
    _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self), props[PROP_PAUSED]);
}
