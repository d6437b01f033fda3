/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-msgpack-decoder-private.h"

#include "msgpack-rpc-unpacker-private.h"

typedef struct
{
  MsgpackRpcStreamDecoder parent_instance;

  MsgpackRpcUnpacker *unpacker; /* owned */
  guint64 fed;                  /* how many bytes it has got before */
} MsgpackRpcMsgpackDecoder;

typedef struct
{
  MsgpackRpcStreamDecoderClass parent_class;
} MsgpackRpcMsgpackDecoderClass;

static GType _msgpack_rpc_msgpack_decoder_get_type (void);
G_DEFINE_FINAL_TYPE (MsgpackRpcMsgpackDecoder, _msgpack_rpc_msgpack_decoder,
                     MSGPACK_RPC_TYPE_STREAM_DECODER)

/* What is left of the input after the value stays with the channel, so it is only lent. */
static gboolean
msgpack_decoder_decode (MsgpackRpcStreamDecoder  *decoder,
                        GBytes                   *input,
                        gsize                    *used,
                        GError                  **error)
{
  MsgpackRpcMsgpackDecoder *self = (MsgpackRpcMsgpackDecoder *) decoder;
  gsize length;
  const guint8 *data = g_bytes_get_data (input, &length);
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GError) local_error = NULL;

  if (length == 0)
    return TRUE;

  _msgpack_rpc_unpacker_lend (self->unpacker, data, length);
  message = msgpack_rpc_unpacker_next (self->unpacker, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  *used = length;
  if (message == NULL)
    {
      _msgpack_rpc_unpacker_keep (self->unpacker);
      self->fed += length;
      return TRUE;
    }

  *used = (gsize) (msgpack_rpc_unpacker_get_offset (self->unpacker) - self->fed);
  msgpack_rpc_stream_decoder_finish (decoder, message);
  g_clear_object (&self->unpacker);
  return TRUE;
}

static void
msgpack_decoder_finalize (GObject *object)
{
  MsgpackRpcMsgpackDecoder *self = (MsgpackRpcMsgpackDecoder *) object;

  g_clear_object (&self->unpacker);

  G_OBJECT_CLASS (_msgpack_rpc_msgpack_decoder_parent_class)->finalize (object);
}

static void
_msgpack_rpc_msgpack_decoder_class_init (MsgpackRpcMsgpackDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_decoder_finalize;
  MSGPACK_RPC_STREAM_DECODER_CLASS (klass)->decode = msgpack_decoder_decode;
}

static void
_msgpack_rpc_msgpack_decoder_init (MsgpackRpcMsgpackDecoder *self)
{
  self->unpacker = msgpack_rpc_unpacker_new ();
}

MsgpackRpcStreamDecoder *
_msgpack_rpc_msgpack_decoder_new (void)
{
  return g_object_new (_msgpack_rpc_msgpack_decoder_get_type (), NULL);
}
