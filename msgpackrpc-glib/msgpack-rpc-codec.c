/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-codec.h"

#include "msgpack-rpc-simple-decoder-private.h"
#include "msgpack-rpc-simple-encoder-private.h"

/**
 * MsgpackRpcCodec:
 *
 * The wire format of a [class@Channel]: how messages become bytes, and bytes messages.
 *
 * A message is a [struct@GLib.Variant], of any type that the codec likes. There are codecs for
 * MessagePack, lines of text, and more; an application makes its own by implementing this
 * interface, in one of two ways, for each direction:
 *
 * - `encode` makes the bytes of a whole message, and `decode` finds the first message in the bytes
 *   that have come.
 * - `create_encoder` and `create_decoder` give the channel something that deals with one message part
 *   by part, for messages that are larger than memory should hold, or that take time: a
 *   [class@StreamEncoder] or [class@StreamDecoder].
 *
 * ```python
 * class Upper(GObject.Object, MsgpackRpc.Codec):
 *     """Texts of a byte length and as many bytes"""
 *
 *     def do_encode(self, message):
 *         text = message.get_string().upper().encode()
 *         return GLib.Bytes.new(bytes([len(text)]) + text)
 *
 *     def do_decode(self, input):
 *         data = input.get_data()
 *         size = 1 + data[0]
 *         if len(data) < size:
 *             return True, None, size
 *         return True, GLib.Variant('s', data[1:size].decode()), size
 * ```
 *
 * The functions of a codec are called in the main context of the channel, never on another thread, so
 * that it needs no locks as long as its channels share a context. One that fails ends the channel, or,
 * if nothing of its message was sent, has the message rejected.
 *
 * Since: 1.0
 */
G_DEFINE_INTERFACE (MsgpackRpcCodec, msgpack_rpc_codec, G_TYPE_OBJECT)

static GBytes *
default_encode (MsgpackRpcCodec  *self,
                GVariant         *message G_GNUC_UNUSED,
                GError          **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "The codec %s does not encode",
               G_OBJECT_TYPE_NAME (self));
  return NULL;
}

static gboolean
default_decode (MsgpackRpcCodec  *self,
                GBytes           *input G_GNUC_UNUSED,
                GVariant        **message G_GNUC_UNUSED,
                gsize            *size G_GNUC_UNUSED,
                GError          **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "The codec %s does not decode",
               G_OBJECT_TYPE_NAME (self));
  return FALSE;
}

static MsgpackRpcStreamEncoder *
default_create_encoder (MsgpackRpcCodec  *self,
                        GVariant         *message,
                        GError          **error G_GNUC_UNUSED)
{
  return _msgpack_rpc_simple_encoder_new (self, message);
}

static MsgpackRpcStreamDecoder *
default_create_decoder (MsgpackRpcCodec  *self,
                        GError          **error G_GNUC_UNUSED)
{
  return _msgpack_rpc_simple_decoder_new (self);
}

static void
msgpack_rpc_codec_default_init (MsgpackRpcCodecInterface *iface)
{
  iface->encode = default_encode;
  iface->decode = default_decode;
  iface->create_encoder = default_create_encoder;
  iface->create_decoder = default_create_decoder;
}

/* An exception in Python leaves neither a value nor an error. */
static void
set_failed (MsgpackRpcCodec  *self,
            const char       *what,
            GError          **error)
{
  if (error != NULL && *error == NULL)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED, "The codec %s has failed to %s",
                 G_OBJECT_TYPE_NAME (self), what);
}

/**
 * msgpack_rpc_codec_encode: (virtual encode)
 * @self: a codec
 * @message: a message
 * @error: return location for an error
 *
 * Makes the bytes of a message.
 *
 * If @message is floating, it is consumed.
 *
 * Returns: (transfer full): the bytes, or `NULL` with @error set: [error@Error.INVALID_VALUE] if the
 *   codec has no such messages, `G_IO_ERROR_NOT_SUPPORTED` if it only encodes part by part, or what
 *   the codec fails with
 * Since: 1.0
 */
GBytes *
msgpack_rpc_codec_encode (MsgpackRpcCodec  *self,
                          GVariant         *message,
                          GError          **error)
{
  g_autoptr(GVariant) sunk = NULL;
  GError *local_error = NULL;
  GBytes *bytes;

  g_return_val_if_fail (message != NULL, NULL);
  sunk = g_variant_ref_sink (message);
  g_return_val_if_fail (MSGPACK_RPC_IS_CODEC (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  bytes = MSGPACK_RPC_CODEC_GET_IFACE (self)->encode (self, message, &local_error);
  if (bytes != NULL && local_error == NULL)
    return bytes;

  g_clear_pointer (&bytes, g_bytes_unref);
  set_failed (self, "encode", &local_error);
  g_propagate_error (error, local_error);
  return NULL;
}

/**
 * msgpack_rpc_codec_decode: (virtual decode)
 * @self: a codec
 * @input: bytes, at least one
 * @message: (out) (transfer full) (nullable): the first message in it, or `NULL` if more is needed
 * @size: (out): how many bytes the message has; without one, how many it will have at least, or 0 if
 *   that is not known
 * @error: return location for an error
 *
 * Finds the first message in bytes.
 *
 * Returns: `TRUE`, or `FALSE` with @error set: [error@Error.INVALID_MESSAGE] and
 *   [error@Error.TOO_LARGE] by the codecs of the library, `G_IO_ERROR_NOT_SUPPORTED` if it only
 *   decodes part by part, or what the codec fails with
 * Since: 1.0
 */
gboolean
msgpack_rpc_codec_decode (MsgpackRpcCodec  *self,
                          GBytes           *input,
                          GVariant        **message,
                          gsize            *size,
                          GError          **error)
{
  g_autoptr(GVariant) found = NULL;
  GError *local_error = NULL;
  gsize found_size = 0;
  gboolean done;

  g_return_val_if_fail (MSGPACK_RPC_IS_CODEC (self), FALSE);
  g_return_val_if_fail (input != NULL, FALSE);
  g_return_val_if_fail (message != NULL && size != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *message = NULL;
  *size = 0;
  done = MSGPACK_RPC_CODEC_GET_IFACE (self)->decode (self, input, &found, &found_size,
                                                     &local_error);
  if (!done || local_error != NULL)
    {
      set_failed (self, "decode", &local_error);
      g_propagate_error (error, local_error);
      return FALSE;
    }

  if (found != NULL)
    *message = g_variant_take_ref (g_steal_pointer (&found));
  *size = found_size;
  return TRUE;
}

/**
 * msgpack_rpc_codec_create_encoder: (virtual create_encoder)
 * @self: a codec
 * @message: a message
 * @error: return location for an error
 *
 * Makes what encodes a message part by part, as a channel does for each.
 *
 * If @message is floating, it is consumed.
 *
 * Returns: (transfer full): an encoder, or `NULL` with @error set
 * Since: 1.0
 */
MsgpackRpcStreamEncoder *
msgpack_rpc_codec_create_encoder (MsgpackRpcCodec  *self,
                                  GVariant         *message,
                                  GError          **error)
{
  g_autoptr(GVariant) sunk = NULL;
  GError *local_error = NULL;
  MsgpackRpcStreamEncoder *encoder;

  g_return_val_if_fail (message != NULL, NULL);
  sunk = g_variant_ref_sink (message);
  g_return_val_if_fail (MSGPACK_RPC_IS_CODEC (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  encoder = MSGPACK_RPC_CODEC_GET_IFACE (self)->create_encoder (self, message, &local_error);
  if (MSGPACK_RPC_IS_STREAM_ENCODER (encoder) && local_error == NULL)
    return encoder;

  g_clear_object (&encoder);
  set_failed (self, "create an encoder", &local_error);
  g_propagate_error (error, local_error);
  return NULL;
}

/**
 * msgpack_rpc_codec_create_decoder: (virtual create_decoder)
 * @self: a codec
 * @error: return location for an error
 *
 * Makes what decodes the next message part by part, as a channel does for each.
 *
 * Returns: (transfer full): a decoder, or `NULL` with @error set
 * Since: 1.0
 */
MsgpackRpcStreamDecoder *
msgpack_rpc_codec_create_decoder (MsgpackRpcCodec  *self,
                                  GError          **error)
{
  GError *local_error = NULL;
  MsgpackRpcStreamDecoder *decoder;

  g_return_val_if_fail (MSGPACK_RPC_IS_CODEC (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  decoder = MSGPACK_RPC_CODEC_GET_IFACE (self)->create_decoder (self, &local_error);
  if (MSGPACK_RPC_IS_STREAM_DECODER (decoder) && local_error == NULL)
    return decoder;

  g_clear_object (&decoder);
  set_failed (self, "create a decoder", &local_error);
  g_propagate_error (error, local_error);
  return NULL;
}
