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
 * MsgpackRpcConnectionStatus:
 * @MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED: there is no stream: none was opened yet, opening
 *   failed, or the connection has ended
 * @MSGPACK_RPC_CONNECTION_STATUS_CONNECTING: a stream is being opened
 * @MSGPACK_RPC_CONNECTION_STATUS_CONNECTED: messages go both ways
 * @MSGPACK_RPC_CONNECTION_STATUS_CLOSING: no new message is taken; what the close mode asks for is
 *   still being written, or the peer has stopped sending and its last requests are being answered, or
 *   the peer takes no more requests and answers the last
 *
 * The states of a [class@Connection] and of a [class@Client].
 *
 * The order is the order of life: a status only ever moves forward, and from `CLOSING` back to
 * `DISCONNECTED`.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED,
  MSGPACK_RPC_CONNECTION_STATUS_CONNECTING,
  MSGPACK_RPC_CONNECTION_STATUS_CONNECTED,
  MSGPACK_RPC_CONNECTION_STATUS_CLOSING,
} MsgpackRpcConnectionStatus;

/**
 * MsgpackRpcCloseMode:
 * @MSGPACK_RPC_CLOSE_MODE_NOW: close at once; what was partly sent and what was not sent is handed
 *   back by [signal@Connection::closed]
 * @MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE: write the rest of a partly sent message, then close
 * @MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE: write all that is queued, then close
 *
 * What a close does with messages that are still queued.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_CLOSE_MODE_NOW,
  MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE,
  MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
} MsgpackRpcCloseMode;

/**
 * MsgpackRpcDelivery:
 * @MSGPACK_RPC_DELIVERY_NOT_SENT: not a byte was handed to the stream, or the peer has said, as it
 *   was closing, that it had not handled it: it can be sent again
 * @MSGPACK_RPC_DELIVERY_PARTLY_SENT: some bytes were handed to the stream, not all
 * @MSGPACK_RPC_DELIVERY_SENT: handed whole to the stream; the peer may have seen it
 * @MSGPACK_RPC_DELIVERY_ANSWERED: the peer's reply has come
 *
 * How far a call got.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_DELIVERY_NOT_SENT,
  MSGPACK_RPC_DELIVERY_PARTLY_SENT,
  MSGPACK_RPC_DELIVERY_SENT,
  MSGPACK_RPC_DELIVERY_ANSWERED,
} MsgpackRpcDelivery;

/**
 * MsgpackRpcCallState:
 * @MSGPACK_RPC_CALL_STATE_NEW: not started
 * @MSGPACK_RPC_CALL_STATE_PENDING: started, and waiting to be sent or answered
 * @MSGPACK_RPC_CALL_STATE_SUCCEEDED: ended with a result
 * @MSGPACK_RPC_CALL_STATE_FAILED: ended with an error
 *
 * The states of a [class@Call].
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_CALL_STATE_NEW,
  MSGPACK_RPC_CALL_STATE_PENDING,
  MSGPACK_RPC_CALL_STATE_SUCCEEDED,
  MSGPACK_RPC_CALL_STATE_FAILED,
} MsgpackRpcCallState;

/**
 * MsgpackRpcProfile:
 * @MSGPACK_RPC_PROFILE_TOLERANT: what the specification says is sent; what peers are known to get
 *   wrong without doubt about its meaning is understood, and counted
 * @MSGPACK_RPC_PROFILE_BOOLEAN_ERROR: the dialect whose replies carry a boolean in the error slot:
 *   `[1, id, false, value]` is a success and `[1, id, true, value]` a failure, on receiving and on
 *   sending
 * @MSGPACK_RPC_PROFILE_STRICT: what the specification says is sent, and nothing else is understood: a
 *   peer that sends something else is disconnected, with an error that says what it was
 * @MSGPACK_RPC_PROFILE_NEOVIM: for Neovim: errors are sent in the only form whose text it shows,
 *   `[0, text]`, or `[1, text]` if the request itself was wrong; a method name of more than 100 bytes,
 *   for which it would close the connection, is warned of; and its notification `nvim_error_event`
 *   is a [signal@Connection::peer-error], too
 * @MSGPACK_RPC_PROFILE_LEGACY: for peers from before MessagePack told text from bytes: all is written
 *   as with [flags@PackFlags.LEGACY_RAW], and bytes are what they send if it is no valid UTF-8
 * @MSGPACK_RPC_PROFILE_SERIAL: for peers that handle one message at a time: a call is sent when the
 *   peer has answered the one before, in order, also if that was given up; notifications fail with
 *   `G_IO_ERROR_NOT_SUPPORTED`, as such peers have none. A handler that waits for a call while the peer
 *   waits for the handler fails with `G_IO_ERROR_WOULD_BLOCK`; handlers that run in other threads, and
 *   those that do not block, wait until the call times out
 * @MSGPACK_RPC_PROFILE_KEYBASE: for Keybase's framed dialect: [enum@Framing.MSGPACK_LENGTH] whatever
 *   [property@Connection:framing] says, and `[3, id, method]` cancels a request
 *
 * The dialect that a [class@Connection] speaks.
 *
 * A reply `[1, id, true, value]` is a failure whose value is `value` in every profile; after one,
 * `[1, id, false, value]` from that peer is a success in every profile but the strict one.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_PROFILE_TOLERANT,
  MSGPACK_RPC_PROFILE_BOOLEAN_ERROR,
  MSGPACK_RPC_PROFILE_STRICT,
  MSGPACK_RPC_PROFILE_NEOVIM,
  MSGPACK_RPC_PROFILE_LEGACY,
  MSGPACK_RPC_PROFILE_SERIAL,
  MSGPACK_RPC_PROFILE_KEYBASE,
} MsgpackRpcProfile;

/**
 * MsgpackRpcFraming:
 * @MSGPACK_RPC_FRAMING_NONE: messages follow one another, as the specification has it
 * @MSGPACK_RPC_FRAMING_MSGPACK_LENGTH: before each message stands how many bytes it has, as a
 *   MessagePack integer
 *
 * What stands between the messages of a [class@Connection].
 *
 * It is never guessed: a peer that frames looks like one that sends what is no message.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_FRAMING_NONE,
  MSGPACK_RPC_FRAMING_MSGPACK_LENGTH,
} MsgpackRpcFraming;

/**
 * MsgpackRpcReplyOrder:
 * @MSGPACK_RPC_REPLY_ORDER_ANY: an answer is sent as soon as it is there, as the specification has it
 * @MSGPACK_RPC_REPLY_ORDER_REQUEST: in the order of the requests, for peers that do not look at the
 *   ids: an answer is held until all earlier requests are answered
 * @MSGPACK_RPC_REPLY_ORDER_REVERSE: the last request first, for Neovim before 0.9: an answer is held
 *   until all later requests are answered. Such a Neovim also wants to have dealt with one answer
 *   before it reads the next, else it closes: so each is held until it has sent a reply or a request
 *   after the one before, or 100 milliseconds have passed
 *
 * In which order a [class@Connection] answers the requests of its peer.
 *
 * A request that nobody answers holds up others until [property@Dispatcher:max-answer-time] ends
 * it. What is held counts as requests in flight and as [property@Limits:max-queued-bytes]; when the
 * connection is closed it is not sent if it waits for another answer, for which it would be taken.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_REPLY_ORDER_ANY,
  MSGPACK_RPC_REPLY_ORDER_REQUEST,
  MSGPACK_RPC_REPLY_ORDER_REVERSE,
} MsgpackRpcReplyOrder;

/**
 * MsgpackRpcPackFlags:
 * @MSGPACK_RPC_PACK_FLAGS_NONE: what the MessagePack specification of today says
 * @MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW: for peers from before the specification told text from bytes:
 *   str and bin are both written as raw, whose forms are those of a str with up to 31 bytes, with a
 *   length of 16 bits, and with one of 32 bits; an ext is an error, since there was none
 * @MSGPACK_RPC_PACK_FLAGS_FLOAT32: floats are written with 32 bits, rounded to the nearest; a finite
 *   one that is too large for that is an error
 *
 * How values are written as MessagePack.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_PACK_FLAGS_NONE = 0,
  MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW = 1 << 0,
  MSGPACK_RPC_PACK_FLAGS_FLOAT32 = 1 << 1,
} MsgpackRpcPackFlags;

/**
 * MsgpackRpcStringPolicy:
 * @MSGPACK_RPC_STRING_POLICY_RAW: it becomes a raw string, `(hay)` with the handle 256: nothing is
 *   lost; see [func@variant_new_raw_string]
 * @MSGPACK_RPC_STRING_POLICY_REPLACE: it becomes an `s`, with U+FFFD for each byte that is not part
 *   of valid UTF-8 and for each NUL
 * @MSGPACK_RPC_STRING_POLICY_STRICT: it is an error, `MSGPACK_RPC_ERROR_INVALID_MESSAGE`, which
 *   names the offset of the first such byte
 * @MSGPACK_RPC_STRING_POLICY_BYTES: it becomes an `ay`, as if it were a bin: of peers that write all
 *   bytes as str
 *
 * What becomes of a str that cannot be an `s`, since it is not valid UTF-8 or has a NUL in it.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_STRING_POLICY_RAW,
  MSGPACK_RPC_STRING_POLICY_REPLACE,
  MSGPACK_RPC_STRING_POLICY_STRICT,
  MSGPACK_RPC_STRING_POLICY_BYTES,
} MsgpackRpcStringPolicy;

/**
 * MsgpackRpcAcceptPolicy:
 * @MSGPACK_RPC_ACCEPT_POLICY_NONE: nothing: nobody is let in
 * @MSGPACK_RPC_ACCEPT_POLICY_SAME_USER: on a UNIX socket, to be the user that this process runs as,
 *   as the kernel tells
 * @MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK: on TCP, to come from this machine, or, with
 *   [property@Server:allow-remote], from anywhere; any user of the machine may be behind that
 * @MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT: at a `tls://` address, to have shown a certificate that
 *   [property@Server:tls-database] accepts
 * @MSGPACK_RPC_ACCEPT_POLICY_TOKEN: to show that one knows [property@Server:token], on any socket
 *
 * What suffices to be let in by a [class@Server]: any one that is set.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_ACCEPT_POLICY_NONE = 0,
  MSGPACK_RPC_ACCEPT_POLICY_SAME_USER = 1 << 0,
  MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK = 1 << 1,
  MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT = 1 << 2,
  MSGPACK_RPC_ACCEPT_POLICY_TOKEN = 1 << 3,
} MsgpackRpcAcceptPolicy;

/**
 * MsgpackRpcTokenFlags:
 * @MSGPACK_RPC_TOKEN_FLAGS_NONE: nothing special
 * @MSGPACK_RPC_TOKEN_FLAGS_CREATE: make the file, with a new token, if it is not there
 *
 * How [ctor@Token.new_for_file] gets a token.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_TOKEN_FLAGS_NONE = 0,
  MSGPACK_RPC_TOKEN_FLAGS_CREATE = 1 << 0,
} MsgpackRpcTokenFlags;

/**
 * MsgpackRpcExtensions:
 * @MSGPACK_RPC_EXTENSIONS_NONE: none
 * @MSGPACK_RPC_EXTENSIONS_CANCEL: that a call is given up is told, as `[2, "rpc.cancel", [id]]`
 * @MSGPACK_RPC_EXTENSIONS_DEADLINE: a request says for how long its caller waits, as a fifth element:
 *   `[0, id, method, params, milliseconds]`
 * @MSGPACK_RPC_EXTENSIONS_ERRORS: an error of a domain that is registered
 *   ([func@register_error_domain]) is a map: `{"message": text, "domain": name, "code": number}`
 * @MSGPACK_RPC_EXTENSIONS_PROGRESS: how far a request has got is told, as
 *   `[2, "rpc.progress", [id, fraction, value]]`
 *
 * What a peer understands beside plain MessagePack-RPC.
 *
 * It is told by a notification, `[2, "rpc.extensions", ["cancel", "deadline", "errors",
 * "progress"]]`; nobody who has not sent that is sent any of these. See
 * [property@Connection:extensions].
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_EXTENSIONS_NONE = 0,
  MSGPACK_RPC_EXTENSIONS_CANCEL = 1 << 0,
  MSGPACK_RPC_EXTENSIONS_DEADLINE = 1 << 1,
  MSGPACK_RPC_EXTENSIONS_ERRORS = 1 << 2,
  MSGPACK_RPC_EXTENSIONS_PROGRESS = 1 << 3,
} MsgpackRpcExtensions;

/**
 * MsgpackRpcMethodFlags:
 * @MSGPACK_RPC_METHOD_FLAGS_NONE: nothing special
 * @MSGPACK_RPC_METHOD_FLAGS_REPLACE: take the place of a method of the same name, if there is one
 * @MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS: the parameters may come by name, as a map, too: see
 *   [property@Method:param-names]
 * @MSGPACK_RPC_METHOD_FLAGS_PREFIX: the method answers all calls of names that begin with its own and
 *   that no other method answers, of those with a prefix the one with the longest; the empty name thus
 *   answers whatever is left. [property@Invocation:method] is what was called
 * @MSGPACK_RPC_METHOD_FLAGS_IN_THREAD: run the handler in one of the threads of the dispatcher; see
 *   [property@Dispatcher:n-threads]
 * @MSGPACK_RPC_METHOD_FLAGS_SERIAL: of those that run in a thread, begin each request of a connection
 *   when the handlers of those before it have returned
 * @MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS: it runs in one of the dispatcher's worker processes
 *
 * How a method is added to a [class@Dispatcher].
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_METHOD_FLAGS_NONE = 0,
  MSGPACK_RPC_METHOD_FLAGS_REPLACE = 1 << 0,
  MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS = 1 << 1,
  MSGPACK_RPC_METHOD_FLAGS_PREFIX = 1 << 2,
  MSGPACK_RPC_METHOD_FLAGS_IN_THREAD = 1 << 3,
  MSGPACK_RPC_METHOD_FLAGS_SERIAL = 1 << 4,
  MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS = 1 << 5,
} MsgpackRpcMethodFlags;

/**
 * MsgpackRpcTopicPolicy:
 * @MSGPACK_RPC_TOPIC_POLICY_PAUSE: nothing is lost: [method@Topic.publish_async] is done when each
 *   subscriber has room for another one. Who publishes more than that fills the output queue of
 *   a slow subscriber, whose connection ends when it goes over [property@Limits:max-queued-bytes]
 * @MSGPACK_RPC_TOPIC_POLICY_DROP_OLDEST: the oldest publication that waits is dropped for a new one
 * @MSGPACK_RPC_TOPIC_POLICY_CONFLATE: only the newest publication of each key is sent, once in a turn
 *   of the loop, and not before those of the turn before are written
 *
 * What becomes of the publications of a [class@Topic] whose subscriber reads more slowly than they
 * are published.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_TOPIC_POLICY_PAUSE,
  MSGPACK_RPC_TOPIC_POLICY_DROP_OLDEST,
  MSGPACK_RPC_TOPIC_POLICY_CONFLATE,
} MsgpackRpcTopicPolicy;

/**
 * MsgpackRpcWatchEvents:
 * @MSGPACK_RPC_WATCH_EVENTS_NONE: nothing
 * @MSGPACK_RPC_WATCH_EVENTS_READ: there is something to read, or the end of the stream
 * @MSGPACK_RPC_WATCH_EVENTS_WRITE: something can be written
 * @MSGPACK_RPC_WATCH_EVENTS_ERROR: it has failed, the other end has gone, or it was closed; always
 *   told of
 *
 * What a [class@Watch] tells of a file descriptor.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  MSGPACK_RPC_WATCH_EVENTS_NONE = 0,
  MSGPACK_RPC_WATCH_EVENTS_READ = 1 << 0,
  MSGPACK_RPC_WATCH_EVENTS_WRITE = 1 << 1,
  MSGPACK_RPC_WATCH_EVENTS_ERROR = 1 << 2,
} MsgpackRpcWatchEvents;

/**
 * MsgpackRpcEventKind:
 * @MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT: connecting has succeeded or failed
 * @MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT: a channel that we have closed has ended
 * @MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT: a peer has connected, and waits to be let in
 * @MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT: a channel has ended that we have not closed
 * @MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED: a message has come
 * @MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED: a message was not sent, as its channel was closing
 *
 * What a [struct@Event] tells of.
 *
 * Since: 1.0
 */
typedef enum
{
  MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT,
  MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT,
  MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT,
  MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT,
  MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED,
  MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED,
} MsgpackRpcEventKind;

G_END_DECLS
