/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib.h>

#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

/**
 * MsgpackRpcError:
 * @MSGPACK_RPC_ERROR_FAILED: something else went wrong; also what a failed handler that gave no
 *   error answers
 * @MSGPACK_RPC_ERROR_INVALID_MESSAGE: bytes are no MessagePack, a message is cut short, or it is no
 *   MessagePack-RPC message
 * @MSGPACK_RPC_ERROR_INVALID_VALUE: a GVariant cannot be written as MessagePack (a handle outside
 *   of an extension value, or nesting that is too deep)
 * @MSGPACK_RPC_ERROR_TOO_LARGE: a message, or what it decodes to, is larger than the limit
 * @MSGPACK_RPC_ERROR_TOO_DEEP: a value is nested deeper than the limit
 * @MSGPACK_RPC_ERROR_METHOD_NOT_FOUND: there is no such method
 * @MSGPACK_RPC_ERROR_INVALID_PARAMS: the parameters do not fit the method's signature
 * @MSGPACK_RPC_ERROR_INVALID_RESULT: the result does not fit the type that was asked for
 * @MSGPACK_RPC_ERROR_REMOTE: the peer answered with an error; its value is in
 *   [property@Call:error-value]
 * @MSGPACK_RPC_ERROR_BUSY: too many requests are in flight
 * @MSGPACK_RPC_ERROR_NOT_CONNECTED: there is no connection and none is being made
 * @MSGPACK_RPC_ERROR_QUEUE_FULL: the output queue is at its limit
 * @MSGPACK_RPC_ERROR_NOT_ANSWERED: a handler let go of a request without answering it
 * @MSGPACK_RPC_ERROR_INVALID_ADDRESS: an address cannot be understood
 * @MSGPACK_RPC_ERROR_ACCESS_DENIED: the peer is not allowed in
 * @MSGPACK_RPC_ERROR_MERGED: an [class@EventQueue] was merged into another one
 * @MSGPACK_RPC_ERROR_TOPIC_NOT_FOUND: there is no such topic
 *
 * Errors of the library's own domain, `MSGPACK_RPC_ERROR`.
 *
 * A call or a connection that is closed, cancelled, timed out or refused ends with the matching
 * `G_IO_ERROR` instead.
 *
 * Codes are only sent to peers that know of it ([func@register_error_domain]). To all others this
 * library answers with a text, which is `MSGPACK_RPC_ERROR_REMOTE` for the caller, also if there is no
 * such method.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_ERROR_FAILED,
  MSGPACK_RPC_ERROR_INVALID_MESSAGE,
  MSGPACK_RPC_ERROR_INVALID_VALUE,
  MSGPACK_RPC_ERROR_TOO_LARGE,
  MSGPACK_RPC_ERROR_TOO_DEEP,
  MSGPACK_RPC_ERROR_METHOD_NOT_FOUND,
  MSGPACK_RPC_ERROR_INVALID_PARAMS,
  MSGPACK_RPC_ERROR_INVALID_RESULT,
  MSGPACK_RPC_ERROR_REMOTE,
  MSGPACK_RPC_ERROR_BUSY,
  MSGPACK_RPC_ERROR_NOT_CONNECTED,
  MSGPACK_RPC_ERROR_QUEUE_FULL,
  MSGPACK_RPC_ERROR_NOT_ANSWERED,
  MSGPACK_RPC_ERROR_INVALID_ADDRESS,
  MSGPACK_RPC_ERROR_ACCESS_DENIED,
  MSGPACK_RPC_ERROR_MERGED,
  MSGPACK_RPC_ERROR_TOPIC_NOT_FOUND,
} MsgpackRpcError;

/**
 * MSGPACK_RPC_ERROR:
 *
 * The error domain of the library; its codes are those of [error@Error].
 *
 * Since: 1.0
 */
#define MSGPACK_RPC_ERROR (msgpack_rpc_error_quark ())

MSGPACK_RPC_AVAILABLE_IN_1_0
GQuark msgpack_rpc_error_quark (void);

MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_register_error_domain (GQuark domain);

G_END_DECLS
