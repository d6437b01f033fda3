/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_STREAM_DECODER (msgpack_rpc_stream_decoder_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (MsgpackRpcStreamDecoder, msgpack_rpc_stream_decoder,
                          MSGPACK_RPC, STREAM_DECODER, GObject)

/**
 * MsgpackRpcStreamDecoderClass:
 * @decode: looks at the bytes that have come, says how many of them it has used, and by
 *   [method@StreamDecoder.write_to], [method@StreamDecoder.pause] and [method@StreamDecoder.finish]
 *   what else is to be done; returns `FALSE` with the error set if the bytes are no message
 *
 * What a subclass implements.
 *
 * Since: 1.0
 */
struct _MsgpackRpcStreamDecoderClass
{
  GObjectClass parent_class;

  /**
   * MsgpackRpcStreamDecoderClass::decode:
   * @self: a decoder
   * @input: the bytes that have come and were not used, which may be none after a pause or a stream
   * @used: (out): how many of them were used
   * @error: return location for an error
   *
   * Looks at the bytes that have come.
   *
   * If it has not called anything else, it is called again when more have come, with what it has not
   * used in front of it.
   *
   * Returns: `TRUE`, or `FALSE` with @error set if the bytes are no message: the channel ends then
   * Since: 1.0
   */
  gboolean (*decode) (MsgpackRpcStreamDecoder  *self,
                      GBytes                   *input,
                      gsize                    *used,
                      GError                  **error);
};

MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_decoder_write_to (MsgpackRpcStreamDecoder *self,
                                          GOutputStream           *stream,
                                          guint64                  n_bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_decoder_finish   (MsgpackRpcStreamDecoder *self,
                                          GVariant                *message);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_decoder_pause    (MsgpackRpcStreamDecoder *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_decoder_resume   (MsgpackRpcStreamDecoder *self);

G_END_DECLS
