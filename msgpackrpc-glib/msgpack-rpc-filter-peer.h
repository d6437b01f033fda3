/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_FILTER_PEER (msgpack_rpc_filter_peer_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (MsgpackRpcFilterPeer, msgpack_rpc_filter_peer, MSGPACK_RPC, FILTER_PEER,
                          GObject)

/**
 * MsgpackRpcFilterPeerClass:
 * @parent_class: the parent class
 * @filter_call: says what becomes of a call that was started on the filter; by default it is forwarded
 * @filter_return: says what becomes of a call now that an attempt at it has ended; by default the call
 *   ends likewise
 *
 * What a class that derives from [class@FilterPeer] may override.
 *
 * Each says it by one of [method@FilterPeer.forward], [method@FilterPeer.return_value],
 * [method@FilterPeer.return_error] and [method@FilterPeer.return_attempt], and returns `TRUE`; or it
 * returns `TRUE` and says so later, from any thread. With `FALSE` the call ends with the error, or a
 * general one if none is set, as with an exception in a language binding.
 *
 * Since: 1.0
 */
struct _MsgpackRpcFilterPeerClass
{
  GObjectClass parent_class;

  /**
   * MsgpackRpcFilterPeerClass::filter_call:
   * @self: the filter
   * @call: a call that was started on it
   * @error: return location for an error
   *
   * Says what becomes of a call, or a notification ([method@Call.is_notification]).
   *
   * It runs in the thread that starts the call, inside of the function that does so.
   *
   * Returns: `FALSE` if the call ends with @error
   * Since: 1.0
   */
  gboolean (*filter_call)   (MsgpackRpcFilterPeer  *self,
                             MsgpackRpcCall        *call,
                             GError               **error);

  /**
   * MsgpackRpcFilterPeerClass::filter_return:
   * @self: the filter
   * @call: a call that was started on it
   * @attempt: what was forwarded for it, and has ended
   * @error: return location for an error
   *
   * Says what becomes of a call, once for each attempt that has ended. If the call itself has ended
   * before, as it was cancelled or its time was over, this is only told, and what it says has no effect.
   *
   * It runs in the context of @call, where its callback comes later; or, while a thread waits for the call
   * ([method@Peer.call_sync], [method@Call.wait]), there. An attempt that ends before the thread has begun
   * to wait may still be asked about in the context, if another thread runs that.
   *
   * Returns: `FALSE` if the call ends with @error
   * Since: 1.0
   */
  gboolean (*filter_return) (MsgpackRpcFilterPeer  *self,
                             MsgpackRpcCall        *call,
                             MsgpackRpcCall        *attempt,
                             GError               **error);
};

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcFilterPeer *msgpack_rpc_filter_peer_new (MsgpackRpcPeer *peer) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcPeer *msgpack_rpc_filter_peer_get_peer (MsgpackRpcFilterPeer *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_filter_peer_forward        (MsgpackRpcFilterPeer *self,
                                                 MsgpackRpcCall       *call,
                                                 MsgpackRpcCall       *attempt,
                                                 guint                 delay);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_filter_peer_return_value   (MsgpackRpcFilterPeer *self,
                                                 MsgpackRpcCall       *call,
                                                 GVariant             *value);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_filter_peer_return_error   (MsgpackRpcFilterPeer *self,
                                                 MsgpackRpcCall       *call,
                                                 const GError         *error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_filter_peer_return_attempt (MsgpackRpcFilterPeer *self,
                                                 MsgpackRpcCall       *call,
                                                 MsgpackRpcCall       *attempt);

G_END_DECLS
