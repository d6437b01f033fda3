/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-simple-decoder-private.h"

/* For a codec that decodes whole messages. */
typedef struct
{
  MsgpackRpcStreamDecoder parent_instance;

  MsgpackRpcCodec *codec; /* owned */
  gsize needed;           /* how many bytes the message has at least */
} MsgpackRpcSimpleDecoder;

typedef struct
{
  MsgpackRpcStreamDecoderClass parent_class;
} MsgpackRpcSimpleDecoderClass;

static GType _msgpack_rpc_simple_decoder_get_type (void);
G_DEFINE_FINAL_TYPE (MsgpackRpcSimpleDecoder, _msgpack_rpc_simple_decoder,
                     MSGPACK_RPC_TYPE_STREAM_DECODER)

static gboolean
simple_decoder_decode (MsgpackRpcStreamDecoder  *decoder,
                       GBytes                   *input,
                       gsize                    *used,
                       GError                  **error)
{
  MsgpackRpcSimpleDecoder *self = (MsgpackRpcSimpleDecoder *) decoder;
  g_autoptr(GVariant) message = NULL;
  gsize size;

  if (g_bytes_get_size (input) == 0 || g_bytes_get_size (input) < self->needed)
    return TRUE;
  if (!msgpack_rpc_codec_decode (self->codec, input, &message, &size, error))
    return FALSE;

  if (message == NULL)
    {
      self->needed = size;
      return TRUE;
    }

  *used = size;
  msgpack_rpc_stream_decoder_finish (decoder, message);
  return TRUE;
}

static void
simple_decoder_finalize (GObject *object)
{
  MsgpackRpcSimpleDecoder *self = (MsgpackRpcSimpleDecoder *) object;

  g_object_unref (self->codec);

  G_OBJECT_CLASS (_msgpack_rpc_simple_decoder_parent_class)->finalize (object);
}

static void
_msgpack_rpc_simple_decoder_class_init (MsgpackRpcSimpleDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = simple_decoder_finalize;
  MSGPACK_RPC_STREAM_DECODER_CLASS (klass)->decode = simple_decoder_decode;
}

static void
_msgpack_rpc_simple_decoder_init (MsgpackRpcSimpleDecoder *self G_GNUC_UNUSED)
{
}

MsgpackRpcStreamDecoder *
_msgpack_rpc_simple_decoder_new (MsgpackRpcCodec *codec)
{
  MsgpackRpcSimpleDecoder *self = g_object_new (_msgpack_rpc_simple_decoder_get_type (), NULL);

  self->codec = g_object_ref (codec);
  return MSGPACK_RPC_STREAM_DECODER (self);
}
