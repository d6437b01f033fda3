/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-stream-decoder.h"

G_BEGIN_DECLS

/* All in the channel's context. */
void           _msgpack_rpc_stream_decoder_set_channel  (MsgpackRpcStreamDecoder  *self,
                                                         MsgpackRpcChannel        *channel);
/* Shows the subclass what has come. */
gboolean       _msgpack_rpc_stream_decoder_run          (MsgpackRpcStreamDecoder  *self,
                                                         GBytes                   *input,
                                                         gsize                    *used,
                                                         GError                  **error);
/* Where the next @n_bytes go, or NULL. */
GOutputStream *_msgpack_rpc_stream_decoder_get_stream   (MsgpackRpcStreamDecoder  *self,
                                                         guint64                  *n_bytes);
/* So many were written there. */
void           _msgpack_rpc_stream_decoder_note_written (MsgpackRpcStreamDecoder  *self,
                                                         gsize                     n_bytes);
/* The message, if it is finished, or NULL. */
GVariant      *_msgpack_rpc_stream_decoder_get_message  (MsgpackRpcStreamDecoder  *self);
gboolean       _msgpack_rpc_stream_decoder_is_paused    (MsgpackRpcStreamDecoder  *self);
/* Whether it has when it was run, however short that was. */
gboolean       _msgpack_rpc_stream_decoder_has_paused   (MsgpackRpcStreamDecoder  *self);

G_END_DECLS
