/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-token-private.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_AUTHENTICATE "rpc.authenticate"

/* How two ends show each other that they know a token, in two requests of the client:
 *
 *   rpc.authenticate ("hmac-sha256", the client's nonce) → the server's nonce
 *   rpc.authenticate (the client's proof) → the server's proof
 *
 * A proof is a MAC over the name of the role of who gives it, and both nonces: neither an old one nor
 * one of the other role is good for anything. On TLS it is over the channel binding “tls-exporter” of the
 * session (RFC 9266) as well: one of another session is not good either. The client's comes first, so that a server gives nothing
 * away to strangers. */
typedef struct _MsgpackRpcProof MsgpackRpcProof;

/* On @stream, which need not have shaken hands yet. */
MsgpackRpcProof *_msgpack_rpc_proof_new  (MsgpackRpcToken *token,
                                          GIOStream       *stream);
void             _msgpack_rpc_proof_free (MsgpackRpcProof *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcProof, _msgpack_rpc_proof_free)

/* The client's part. What to send first, and what when @result has come; floating, or NULL with
 * @error set. */
GVariant *_msgpack_rpc_proof_begin    (MsgpackRpcProof  *self,
                                       GError          **error);
GVariant *_msgpack_rpc_proof_continue (MsgpackRpcProof  *self,
                                       GVariant         *result,
                                       GError          **error);
/* Whether @result is the server's proof. */
gboolean  _msgpack_rpc_proof_finish   (MsgpackRpcProof  *self,
                                       GVariant         *result,
                                       GError          **error);

/* The server's part. The answer to the next request, a reference, or NULL with @error set: then
 * the peer is to be cut off. */
GVariant *_msgpack_rpc_proof_answer   (MsgpackRpcProof  *self,
                                       GVariant         *params,
                                       GError          **error);
/* Whether the peer has proved that it knows the token. */
gboolean  _msgpack_rpc_proof_is_given (MsgpackRpcProof  *self);

G_END_DECLS
