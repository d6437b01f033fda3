/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-stream-encoder.h"

G_BEGIN_DECLS

/* A part of a message: one of the two. */
typedef struct
{
  GBytes *bytes;        /* owned */
  GInputStream *stream; /* owned */
  gint64 n_bytes;       /* of the stream, −1: to its end */
} MsgpackRpcEncodedPart;

/* All in the channel's context. */
void     _msgpack_rpc_stream_encoder_set_channel (MsgpackRpcStreamEncoder  *self,
                                                  MsgpackRpcChannel        *channel);
/* Asks the subclass for more. */
gboolean _msgpack_rpc_stream_encoder_run         (MsgpackRpcStreamEncoder  *self,
                                                  GError                  **error);
/* The next part, which stays where it is; NULL: there is none now. */
MsgpackRpcEncodedPart *
         _msgpack_rpc_stream_encoder_peek        (MsgpackRpcStreamEncoder  *self);
void     _msgpack_rpc_stream_encoder_drop        (MsgpackRpcStreamEncoder  *self);
/* So much of the stream was read. */
void     _msgpack_rpc_stream_encoder_note_read   (MsgpackRpcStreamEncoder  *self,
                                                  gsize                     n_bytes);
/* Whether it is finished but for the parts that are left. */
gboolean _msgpack_rpc_stream_encoder_is_finished (MsgpackRpcStreamEncoder  *self);
gboolean _msgpack_rpc_stream_encoder_is_paused   (MsgpackRpcStreamEncoder  *self);

G_END_DECLS
