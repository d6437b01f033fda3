/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-msgpack-codec.h"

#include "msgpack-rpc-msgpack-decoder-private.h"
#include "msgpack-rpc-value.h"


struct _MsgpackRpcMsgpackCodec
{
  GObject parent_instance;
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcMsgpackCodec:
 *
 * MessagePack values, one behind the other.
 *
 * A message is of any type that [func@pack] writes, and comes as the type that [func@unpack] lists.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcMsgpackCodec, msgpack_rpc_msgpack_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
msgpack_codec_encode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                      GVariant         *message,
                      GError          **error)
{
  return msgpack_rpc_pack (message, error);
}

static MsgpackRpcStreamDecoder *
msgpack_codec_create_decoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                              GError          **error G_GNUC_UNUSED)
{
  return _msgpack_rpc_msgpack_decoder_new ();
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = msgpack_codec_encode;
  iface->create_decoder = msgpack_codec_create_decoder;
}

static void
msgpack_rpc_msgpack_codec_class_init (MsgpackRpcMsgpackCodecClass *klass G_GNUC_UNUSED)
{
}

static void
msgpack_rpc_msgpack_codec_init (MsgpackRpcMsgpackCodec *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_msgpack_codec_new: (constructor)
 *
 * Creates a codec for MessagePack.
 *
 * Returns: (transfer full) (type MsgpackRpcMsgpackCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_msgpack_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_MSGPACK_CODEC, NULL);
}
