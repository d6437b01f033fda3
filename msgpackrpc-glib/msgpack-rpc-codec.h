/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-stream-decoder.h"
#include "msgpack-rpc-stream-encoder.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CODEC (msgpack_rpc_codec_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (MsgpackRpcCodec, msgpack_rpc_codec, MSGPACK_RPC, CODEC, GObject)

/**
 * MsgpackRpcCodecInterface:
 * @encode: makes the bytes of a message
 * @decode: finds the first message in the bytes that have come
 * @create_encoder: makes what encodes a message part by part; in place of @encode
 * @create_decoder: makes what decodes the next message part by part; in place of @decode
 *
 * What a codec implements: one of the two for each direction that it is used in.
 *
 * Since: 1.0
 */
struct _MsgpackRpcCodecInterface
{
  GTypeInterface parent_iface;

  /**
   * MsgpackRpcCodecInterface::encode:
   * @self: a codec
   * @message: a message
   * @error: return location for an error
   *
   * Makes the bytes of a message.
   *
   * Returns: (transfer full): the bytes, or `NULL` with @error set
   * Since: 1.0
   */
  GBytes                  *(*encode)         (MsgpackRpcCodec  *self,
                                              GVariant         *message,
                                              GError          **error);
  /**
   * MsgpackRpcCodecInterface::decode:
   * @self: a codec
   * @input: bytes that have come, at least one
   * @message: (out) (transfer full) (nullable): the first message in it, or `NULL` if more is needed
   * @size: (out): how many bytes the message has; without one, how many it will have at least, or 0
   *   if that is not known: it is not asked again before
   * @error: return location for an error
   *
   * Finds the first message in the bytes that have come.
   *
   * A peer decides what is in them.
   *
   * Returns: `TRUE`, or `FALSE` with @error set if they are no message: the channel ends then
   * Since: 1.0
   */
  gboolean                 (*decode)         (MsgpackRpcCodec  *self,
                                              GBytes           *input,
                                              GVariant        **message,
                                              gsize            *size,
                                              GError          **error);
  /**
   * MsgpackRpcCodecInterface::create_encoder:
   * @self: a codec
   * @message: a message
   * @error: return location for an error
   *
   * Makes what encodes a message part by part.
   *
   * Returns: (transfer full): an encoder of its own for this message, or `NULL` with @error set
   * Since: 1.0
   */
  MsgpackRpcStreamEncoder *(*create_encoder) (MsgpackRpcCodec  *self,
                                              GVariant         *message,
                                              GError          **error);
  /**
   * MsgpackRpcCodecInterface::create_decoder:
   * @self: a codec
   * @error: return location for an error
   *
   * Makes what decodes the next message part by part.
   *
   * Returns: (transfer full): a decoder of its own for one message, or `NULL` with @error set
   * Since: 1.0
   */
  MsgpackRpcStreamDecoder *(*create_decoder) (MsgpackRpcCodec  *self,
                                              GError          **error);
};

MSGPACK_RPC_AVAILABLE_IN_1_0
GBytes                  *msgpack_rpc_codec_encode         (MsgpackRpcCodec  *self,
                                                           GVariant         *message,
                                                           GError          **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean                 msgpack_rpc_codec_decode         (MsgpackRpcCodec  *self,
                                                           GBytes           *input,
                                                           GVariant        **message,
                                                           gsize            *size,
                                                           GError          **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStreamEncoder *msgpack_rpc_codec_create_encoder (MsgpackRpcCodec  *self,
                                                           GVariant         *message,
                                                           GError          **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcStreamDecoder *msgpack_rpc_codec_create_decoder (MsgpackRpcCodec  *self,
                                                           GError          **error);

G_END_DECLS
