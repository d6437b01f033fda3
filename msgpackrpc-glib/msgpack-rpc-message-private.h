/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-piece-private.h"
#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/* The envelope of a MessagePack-RPC message: what a decoded array means. */
typedef enum
{
  MSGPACK_RPC_MESSAGE_INVALID = -1,
  MSGPACK_RPC_MESSAGE_REQUEST = 0,
  MSGPACK_RPC_MESSAGE_RESPONSE = 1,
  MSGPACK_RPC_MESSAGE_NOTIFICATION = 2,
} MsgpackRpcMessageType;

/* Where the answer of a request goes, if answers have an order. */
typedef struct _MsgpackRpcPlace MsgpackRpcPlace;

/* What of a message is not as the specification has it, but understood; the last that was found. */
typedef enum
{
  MSGPACK_RPC_ODDITY_NONE,
  MSGPACK_RPC_ODDITY_ID,        /* a request: no integer of 32 bits */
  MSGPACK_RPC_ODDITY_METHOD,    /* bytes, or no text */
  MSGPACK_RPC_ODDITY_PARAMS,    /* nil, or a map */
  MSGPACK_RPC_ODDITY_ONE_MORE,  /* a fifth element of a request */
  MSGPACK_RPC_ODDITY_MORE,      /* more elements, of any */
  MSGPACK_RPC_ODDITY_TYPE,      /* it is invalid, as its type is unknown */
} MsgpackRpcOddity;

/* The pieces are in the bytes. */
typedef struct
{
  MsgpackRpcMessageType type;
  MsgpackRpcOddity oddity;
  GBytes *bytes;            /* owned: the whole of it, of type `av` */
  MsgpackRpcPiece msgid;    /* request, response: as received; also set for an invalid request */
  const char *method;       /* request, notification: in the bytes, or the copy */
  char *method_copy;
  MsgpackRpcPiece params;   /* request, notification */
  int time_left;            /* request: for how many milliseconds the caller waits; 0: not told */
  MsgpackRpcPlace *place;   /* request: where its answer goes, not owned; or NULL */
  gint64 deadline;          /* the same, monotonic, for whoever sets it; 0: none */
  MsgpackRpcPiece error;    /* response */
  MsgpackRpcPiece result;   /* response */
} MsgpackRpcMessage;

/* Reads the envelope of @bytes, the serialised form of an array that was decoded. FALSE with @error when it is none; then msgid is
 * set if the message is a request that can be answered, and there is neither a method nor anything
 * else. To be cleared in any case. */
gboolean _msgpack_rpc_message_parse (MsgpackRpcMessage  *self,
                                     GBytes             *bytes,
                                     GError            **error);
void     _msgpack_rpc_message_clear (MsgpackRpcMessage  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MsgpackRpcMessage, _msgpack_rpc_message_clear)

/* Of one that is invalid: whether it gives up a request, `[3, id, method]`, and of which id. */
gboolean    _msgpack_rpc_message_parse_cancel    (GBytes           *bytes,
                                                  MsgpackRpcPiece  *msgid);
/* As a part of a sentence, about the message. */
const char *_msgpack_rpc_message_describe_oddity (MsgpackRpcOddity  oddity);

/* The whole, a full reference. */
GVariant *_msgpack_rpc_message_to_value (GBytes *bytes);

/* Leaves nothing to be cleared. */
MsgpackRpcMessage _msgpack_rpc_message_steal (MsgpackRpcMessage *self);

/* Each returns a whole message, or NULL with MSGPACK_RPC_ERROR_INVALID_VALUE. @params
 * NULL is the empty array; anything that is no array or map becomes the only parameter. @time_left as
 * above. */
MsgpackRpcPacked *_msgpack_rpc_message_pack_request      (guint32                 msgid,
                                                          const char             *method,
                                                          GVariant               *params,
                                                          int                     time_left,
                                                          MsgpackRpcPackFlags     flags,
                                                          GError                **error);
MsgpackRpcPacked *_msgpack_rpc_message_pack_notification (const char             *method,
                                                          GVariant               *params,
                                                          MsgpackRpcPackFlags     flags,
                                                          GError                **error);
MsgpackRpcPacked *_msgpack_rpc_message_pack_response     (const MsgpackRpcPiece  *msgid,
                                                          GVariant               *error_value,
                                                          GVariant               *result,
                                                          MsgpackRpcPackFlags     flags,
                                                          GError                **error);

/* The same, in the dialect of @profile, and never NULL while the id can be written: an answer that
 * cannot be becomes an error that says so. */
MsgpackRpcPacked *_msgpack_rpc_message_pack_answer (MsgpackRpcProfile      profile,
                                                    MsgpackRpcPackFlags    flags,
                                                    guint64                connection_id,
                                                    const MsgpackRpcPiece *msgid,
                                                    GVariant              *error_value,
                                                    GVariant              *result);

/* Whether @value is the nil of the mapping: `mv` Nothing, or NULL. */
gboolean _msgpack_rpc_value_is_nil (GVariant *value);

/* Whether @value, which is unboxed, stands for a map, or for an array. */
gboolean _msgpack_rpc_value_is_map   (GVariant *value);
gboolean _msgpack_rpc_value_is_array (GVariant *value);

/* Whether implementations that test an error for truth would take @value for a success: nil, false,
 * 0, or something empty. */
gboolean _msgpack_rpc_value_is_falsy (GVariant *value);

/* Whether an integer of any width, or an integral double; gives its value. */
gboolean _msgpack_rpc_value_get_int (GVariant *value,
                                     gint64   *out);

/* The GError for a reply whose error slot is not nil: MSGPACK_RPC_ERROR_REMOTE, or the code that
 * known conventions of other implementations stand for; with the peer's text. @has_domains: whether the
 * peer tells the domains of its errors. */
GError *_msgpack_rpc_message_error_to_gerror (const char *method,
                                              GVariant   *error_value,
                                              GVariant   *result,
                                              gboolean    has_domains);

/* What an error says that belongs to no method; never empty. */
char *_msgpack_rpc_message_error_to_text (GVariant *error_value,
                                          GVariant *result);

/* An error in the form that Neovim understands: a full reference; and floating, @code being of
 * MSGPACK_RPC_ERROR. */
GVariant *_msgpack_rpc_message_error_for_neovim (GVariant   *error_value);
GVariant *_msgpack_rpc_message_new_neovim_error (int         code,
                                                 const char *text);

/* The value that stands for @error on the wire: a string that is never empty. */
GVariant *_msgpack_rpc_message_error_from_gerror (const GError *error);
GVariant *_msgpack_rpc_message_error_from_text   (const char   *text);

/* A method name or another text, cut if it is long, and as one line, for a text that is shown or sent. */
char *_msgpack_rpc_message_quote_method (const char *method);

G_END_DECLS
