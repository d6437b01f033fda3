/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

#include "msgpack-rpc-enums.h"

G_BEGIN_DECLS

/* Decodes one MessagePack message after another, piece by piece, into GVariant's serialised form.
 *
 * It holds no wire bytes: those that it has not consumed are given again, with more behind them.
 * Between messages it holds no working memory.
 * Not thread-safe. */
typedef struct _MsgpackRpcDecoder MsgpackRpcDecoder;

#define MSGPACK_RPC_DEFAULT_MAX_MESSAGE_SIZE (G_GUINT64_CONSTANT (64) * 1024 * 1024)
#define MSGPACK_RPC_DEFAULT_MAX_DECODED_SIZE (G_GUINT64_CONSTANT (256) * 1024 * 1024)
#define MSGPACK_RPC_DEFAULT_MAX_DEPTH 32

/* Offsets in the decoded form are held in 32 bits. */
#define MSGPACK_RPC_LIMIT_DECODED_SIZE ((guint64) G_MAXUINT32)

/* GVariant allows 128 levels, and a map in a variant takes three of them. */
#define MSGPACK_RPC_LIMIT_DEPTH 40

typedef struct
{
  guint64 max_message_size; /* wire bytes of one message */
  guint64 frame_size;       /* how many the peer has announced, which is the limit then; 0: none */
  guint64 max_decoded_size; /* bytes of memory that decoding one message takes */
  guint max_depth;          /* arrays and maps open at the same time */
  MsgpackRpcStringPolicy string_policy; /* what becomes of a str that is no text */
  gboolean alone;           /* no value is made of a message that is followed by more */
  gboolean leaves_arrays;   /* no value is made of an array: its bytes are given */
} MsgpackRpcDecoderSettings;

/* What became of a message: a value, or the serialised form of one whose type is `av`. Full
 * references. */
typedef struct
{
  GVariant *value;
  GBytes *array;
} MsgpackRpcDecoded;

typedef enum
{
  MSGPACK_RPC_DECODER_MORE,   /* all was consumed save an incomplete item or a small part of a
                                 message at the end */
  MSGPACK_RPC_DECODER_DONE,   /* a message is complete */
  MSGPACK_RPC_DECODER_FAILED, /* the decoder is of no more use */
} MsgpackRpcDecoderStatus;

MsgpackRpcDecoder *_msgpack_rpc_decoder_new  (void);
void               _msgpack_rpc_decoder_free (MsgpackRpcDecoder *self);

/* Frees what it holds of a message. Then it is of no more use, as when it has failed. */
void               _msgpack_rpc_decoder_drop (MsgpackRpcDecoder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcDecoder, _msgpack_rpc_decoder_free)

/* May be changed at any time, and hold for the message being decoded, too. */
MsgpackRpcDecoderSettings *_msgpack_rpc_decoder_settings (MsgpackRpcDecoder *self);

/* Decodes from @data + @offset up to the end of one message at most. @offset is moved to the first
 * byte that was not consumed. What is decoded is of @type, unless that is NULL or the value takes more
 * thought: then it is of its own type. */
MsgpackRpcDecoderStatus _msgpack_rpc_decoder_decode (MsgpackRpcDecoder   *self,
                                                     const guint8        *data,
                                                     gsize                length,
                                                     gsize               *offset,
                                                     const GVariantType  *type,
                                                     MsgpackRpcDecoded   *decoded,
                                                     GError             **error);

/* Large bins, of which not all has come, are not given to decode (): while one is awaited, its bytes
 * are put where the decoder says, and decode_body () goes on once there are as many as get_wanted ()
 * says; before that it only looks at the limits. @size: how many may come next, which is made less if
 * so many are not wanted; NULL if there is no memory for them. */
gboolean                _msgpack_rpc_decoder_awaits_body     (MsgpackRpcDecoder  *self);
gsize                   _msgpack_rpc_decoder_get_body_length (MsgpackRpcDecoder  *self);
guint8                 *_msgpack_rpc_decoder_get_body_space  (MsgpackRpcDecoder  *self,
                                                              gsize              *size);
void                    _msgpack_rpc_decoder_add_body        (MsgpackRpcDecoder  *self,
                                                              gsize               size);
MsgpackRpcDecoderStatus _msgpack_rpc_decoder_decode_body     (MsgpackRpcDecoder  *self,
                                                              MsgpackRpcDecoded  *decoded,
                                                              GError            **error);

/* Whether no byte of a message has been consumed. */
gboolean _msgpack_rpc_decoder_is_between_messages (MsgpackRpcDecoder *self);

/* The offset of the next byte in the stream, and that of the current message's first byte. */
guint64 _msgpack_rpc_decoder_get_offset         (MsgpackRpcDecoder *self);
guint64 _msgpack_rpc_decoder_get_message_offset (MsgpackRpcDecoder *self);
/* Between messages: the next byte is that of another stream. */
void    _msgpack_rpc_decoder_set_offset         (MsgpackRpcDecoder *self,
                                                 guint64            offset);

/* What it holds of a message that is not complete. */
gsize _msgpack_rpc_decoder_get_memory (MsgpackRpcDecoder *self);

/* How many bytes must lie behind the current offset before decoding can go on. */
gsize _msgpack_rpc_decoder_get_wanted (MsgpackRpcDecoder *self);

G_END_DECLS
