/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_STREAM_ENCODER (msgpack_rpc_stream_encoder_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (MsgpackRpcStreamEncoder, msgpack_rpc_stream_encoder,
                          MSGPACK_RPC, STREAM_ENCODER, GObject)

/**
 * MsgpackRpcStreamEncoderClass:
 * @encode: says what comes next, by [method@StreamEncoder.add_bytes],
 *   [method@StreamEncoder.add_stream], [method@StreamEncoder.pause] and
 *   [method@StreamEncoder.finish]; returns `FALSE` with the error set if it cannot
 *
 * What a subclass implements.
 *
 * Since: 1.0
 */
struct _MsgpackRpcStreamEncoderClass
{
  GObjectClass parent_class;

  /**
   * MsgpackRpcStreamEncoderClass::encode:
   * @self: an encoder
   * @error: return location for an error
   *
   * Says what comes next.
   *
   * It is called again when that is written, or the pause has ended, until it has called
   * [method@StreamEncoder.finish].
   *
   * Returns: `TRUE`, or `FALSE` with @error set if the message cannot be encoded
   * Since: 1.0
   */
  gboolean (*encode) (MsgpackRpcStreamEncoder  *self,
                      GError                  **error);
};

MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_encoder_add_bytes  (MsgpackRpcStreamEncoder *self,
                                            GBytes                  *bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_encoder_add_stream (MsgpackRpcStreamEncoder *self,
                                            GInputStream            *stream,
                                            gint64                   n_bytes);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_encoder_finish     (MsgpackRpcStreamEncoder *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_encoder_pause      (MsgpackRpcStreamEncoder *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_stream_encoder_resume     (MsgpackRpcStreamEncoder *self);

G_END_DECLS
