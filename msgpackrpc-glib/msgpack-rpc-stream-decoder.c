/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-stream-decoder-private.h"

#include "msgpack-rpc-halt-private.h"

typedef struct
{
  MsgpackRpcHalt halt;
  GOutputStream *stream; /* owned, nullable */
  guint64 n_bytes;       /* that are still to be written there */
  GVariant *message;     /* owned, nullable */
  gboolean has_paused;   /* since it was run */
} MsgpackRpcStreamDecoderPrivate;

/**
 * MsgpackRpcStreamDecoder:
 *
 * Makes one message of the bytes that come, part by part.
 *
 * A [iface@Codec] whose messages may be large returns one for each message from its
 * `create_decoder`. It takes what has come and need not keep it, has the channel write it to a
 * stream, or waits for something; as long as it waits, or the stream is slow, the channel reads no
 * more, so that the sender has to wait, too.
 *
 * ```python
 * class FileDecoder(MsgpackRpc.StreamDecoder):
 *     def __init__(self, path):
 *         super().__init__()
 *         self.path, self.stream = path, None
 *
 *     def do_decode(self, input):
 *         if self.stream is not None:
 *             self.finish(GLib.Variant('s', self.path))
 *             return True, 0
 *         if input.get_size() < 8:
 *             return True, 0
 *         size = int.from_bytes(input.get_data()[:8], 'big')
 *         self.stream = Gio.File.new_for_path(self.path).create(0, None)
 *         self.write_to(self.stream, size)
 *         return True, 8
 * ```
 *
 * All that a subclass implements is called in the channel's main context. Only
 * [method@StreamDecoder.resume] may be called from any thread.
 *
 * Since: 1.0
 */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (MsgpackRpcStreamDecoder, msgpack_rpc_stream_decoder,
                                     G_TYPE_OBJECT)

static MsgpackRpcStreamDecoderPrivate *
get_private (MsgpackRpcStreamDecoder *self)
{
  return msgpack_rpc_stream_decoder_get_instance_private (self);
}

static void
msgpack_rpc_stream_decoder_finalize (GObject *object)
{
  MsgpackRpcStreamDecoderPrivate *priv = get_private (MSGPACK_RPC_STREAM_DECODER (object));

  _msgpack_rpc_halt_clear (&priv->halt);
  g_clear_object (&priv->stream);
  g_clear_pointer (&priv->message, g_variant_unref);

  G_OBJECT_CLASS (msgpack_rpc_stream_decoder_parent_class)->finalize (object);
}

static void
msgpack_rpc_stream_decoder_class_init (MsgpackRpcStreamDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_stream_decoder_finalize;
}

static void
msgpack_rpc_stream_decoder_init (MsgpackRpcStreamDecoder *self)
{
  _msgpack_rpc_halt_init (&get_private (self)->halt);
}

/**
 * msgpack_rpc_stream_decoder_write_to:
 * @self: a decoder
 * @stream: a stream
 * @n_bytes: how many bytes
 *
 * Has the channel write the next bytes that come to a stream, after those that the decoder has used.
 *
 * They do not count as a part of the message whose size is limited. The channel writes them in its
 * main context, by the stream's asynchronous functions, and then calls the decoder again, unless the
 * message is finished. It does not close the stream. If the stream fails, the channel ends.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_decoder_write_to (MsgpackRpcStreamDecoder *self,
                                     GOutputStream           *stream,
                                     guint64                  n_bytes)
{
  MsgpackRpcStreamDecoderPrivate *priv;

  g_return_if_fail (MSGPACK_RPC_IS_STREAM_DECODER (self));
  g_return_if_fail (G_IS_OUTPUT_STREAM (stream));

  priv = get_private (self);
  g_return_if_fail (priv->stream == NULL && priv->message == NULL);

  priv->stream = g_object_ref (stream);
  priv->n_bytes = n_bytes;
}

/**
 * msgpack_rpc_stream_decoder_finish:
 * @self: a decoder
 * @message: the message
 *
 * Says that the message ends after the bytes that were used, and what it is.
 *
 * If @message is floating, it is consumed.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_decoder_finish (MsgpackRpcStreamDecoder *self,
                                   GVariant                *message)
{
  g_autoptr(GVariant) sunk = NULL;

  g_return_if_fail (message != NULL);
  sunk = g_variant_ref_sink (message);
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_DECODER (self));
  g_return_if_fail (get_private (self)->message == NULL);

  get_private (self)->message = g_steal_pointer (&sunk);
}

/**
 * msgpack_rpc_stream_decoder_pause:
 * @self: a decoder
 *
 * Says that nothing more is to be decoded until [method@StreamDecoder.resume].
 *
 * Soon the channel reads no more from the peer, which then has to wait, too.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_decoder_pause (MsgpackRpcStreamDecoder *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_DECODER (self));

  get_private (self)->has_paused = TRUE;
  _msgpack_rpc_halt_pause (&get_private (self)->halt);
}

/**
 * msgpack_rpc_stream_decoder_resume:
 * @self: a decoder
 *
 * Ends a pause: the decoder is called again, later, in the channel's main context, unless it has
 * finished its message.
 *
 * May be called from any thread, also before [method@StreamDecoder.pause], which has no effect then,
 * and when the channel is gone.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_decoder_resume (MsgpackRpcStreamDecoder *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_DECODER (self));

  _msgpack_rpc_halt_resume (&get_private (self)->halt);
}

/* ---- for the channel ---- */

void
_msgpack_rpc_stream_decoder_set_channel (MsgpackRpcStreamDecoder *self,
                                         MsgpackRpcChannel       *channel)
{
  _msgpack_rpc_halt_set_channel (&get_private (self)->halt, channel);
}

gboolean
_msgpack_rpc_stream_decoder_run (MsgpackRpcStreamDecoder  *self,
                                 GBytes                   *input,
                                 gsize                    *used,
                                 GError                  **error)
{
  MsgpackRpcStreamDecoderClass *klass = MSGPACK_RPC_STREAM_DECODER_GET_CLASS (self);
  g_autoptr(GError) local_error = NULL;
  gboolean done;

  get_private (self)->has_paused = FALSE;
  *used = 0;
  done = klass->decode != NULL && klass->decode (self, input, used, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  /* An exception in Python leaves no error. */
  if (!done)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED, "The decoder %s has failed",
                   G_OBJECT_TYPE_NAME (self));
      return FALSE;
    }

  if (*used <= g_bytes_get_size (input))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
               "The decoder %s says that it has used %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
               " bytes", G_OBJECT_TYPE_NAME (self), *used, g_bytes_get_size (input));
  return FALSE;
}

GOutputStream *
_msgpack_rpc_stream_decoder_get_stream (MsgpackRpcStreamDecoder *self,
                                        guint64                 *n_bytes)
{
  MsgpackRpcStreamDecoderPrivate *priv = get_private (self);

  *n_bytes = priv->n_bytes;
  return priv->stream;
}

void
_msgpack_rpc_stream_decoder_note_written (MsgpackRpcStreamDecoder *self,
                                          gsize                    n_bytes)
{
  MsgpackRpcStreamDecoderPrivate *priv = get_private (self);

  priv->n_bytes -= n_bytes;
  if (priv->n_bytes == 0)
    g_clear_object (&priv->stream);
}

GVariant *
_msgpack_rpc_stream_decoder_get_message (MsgpackRpcStreamDecoder *self)
{
  return get_private (self)->message;
}

gboolean
_msgpack_rpc_stream_decoder_has_paused (MsgpackRpcStreamDecoder *self)
{
  return get_private (self)->has_paused;
}

gboolean
_msgpack_rpc_stream_decoder_is_paused (MsgpackRpcStreamDecoder *self)
{
  return _msgpack_rpc_halt_is_on (&get_private (self)->halt);
}
