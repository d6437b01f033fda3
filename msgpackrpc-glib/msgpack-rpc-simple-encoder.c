/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-simple-encoder-private.h"

/* For a codec that encodes whole messages. */
typedef struct
{
  MsgpackRpcStreamEncoder parent_instance;

  MsgpackRpcCodec *codec; /* owned */
  GVariant *message;      /* owned */
} MsgpackRpcSimpleEncoder;

typedef struct
{
  MsgpackRpcStreamEncoderClass parent_class;
} MsgpackRpcSimpleEncoderClass;

static GType _msgpack_rpc_simple_encoder_get_type (void);
G_DEFINE_FINAL_TYPE (MsgpackRpcSimpleEncoder, _msgpack_rpc_simple_encoder,
                     MSGPACK_RPC_TYPE_STREAM_ENCODER)

static gboolean
simple_encoder_encode (MsgpackRpcStreamEncoder  *encoder,
                       GError                  **error)
{
  MsgpackRpcSimpleEncoder *self = (MsgpackRpcSimpleEncoder *) encoder;
  g_autoptr(GBytes) bytes = msgpack_rpc_codec_encode (self->codec, self->message, error);

  if (bytes == NULL)
    return FALSE;

  msgpack_rpc_stream_encoder_add_bytes (encoder, bytes);
  msgpack_rpc_stream_encoder_finish (encoder);
  return TRUE;
}

static void
simple_encoder_finalize (GObject *object)
{
  MsgpackRpcSimpleEncoder *self = (MsgpackRpcSimpleEncoder *) object;

  g_object_unref (self->codec);
  g_variant_unref (self->message);

  G_OBJECT_CLASS (_msgpack_rpc_simple_encoder_parent_class)->finalize (object);
}

static void
_msgpack_rpc_simple_encoder_class_init (MsgpackRpcSimpleEncoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = simple_encoder_finalize;
  MSGPACK_RPC_STREAM_ENCODER_CLASS (klass)->encode = simple_encoder_encode;
}

static void
_msgpack_rpc_simple_encoder_init (MsgpackRpcSimpleEncoder *self G_GNUC_UNUSED)
{
}

MsgpackRpcStreamEncoder *
_msgpack_rpc_simple_encoder_new (MsgpackRpcCodec *codec,
                                 GVariant        *message)
{
  MsgpackRpcSimpleEncoder *self = g_object_new (_msgpack_rpc_simple_encoder_get_type (), NULL);

  self->codec = g_object_ref (codec);
  self->message = g_variant_ref (message);
  return MSGPACK_RPC_STREAM_ENCODER (self);
}
