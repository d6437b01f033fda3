/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-message-private.h"

G_BEGIN_DECLS

/* What the connections of a server share while it is drained: how they close, and what could not be
 * sent on them. Any thread may use it.
 *
 * How a peer hears of it: [1, 0, text, {"rpc.closing": [id, …]}], a reply to nothing. It lists those
 * of the peer's requests that will still be answered; no other one that has no answer was or will be
 * handled. What is refused has true in place of the list: another thread may do that before. Where the
 * error is a boolean, the map has the text as well: [1, 0, true, {"message": text, "rpc.closing": …}].
 *
 * Peers that know nothing of this are used to such replies, while some of them break when a server
 * notifies them; and should one of them have a request of the id 0, which is not listed, it is the
 * truth for it. */
typedef struct _MsgpackRpcDrain MsgpackRpcDrain;

MsgpackRpcDrain *_msgpack_rpc_drain_new   (MsgpackRpcCloseMode  mode);
MsgpackRpcDrain *_msgpack_rpc_drain_ref   (MsgpackRpcDrain     *self);
void             _msgpack_rpc_drain_unref (MsgpackRpcDrain     *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MsgpackRpcDrain, _msgpack_rpc_drain_unref)

MsgpackRpcCloseMode _msgpack_rpc_drain_get_mode   (MsgpackRpcDrain     *self);
/* The mode that leaves more unsent counts. */
void                _msgpack_rpc_drain_hurry      (MsgpackRpcDrain     *self,
                                                   MsgpackRpcCloseMode  mode);
/* What a connection has not sent; @incomplete: nullable. */
void                _msgpack_rpc_drain_add_unsent (MsgpackRpcDrain     *self,
                                                   guint64              connection_id,
                                                   GVariant            *incomplete,
                                                   GVariant            *unsent);
/* All of that, of type a(tmvav): a full reference. */
GVariant           *_msgpack_rpc_drain_get_unsent (MsgpackRpcDrain     *self);

/* @ids: the requests that will still be answered; of type av. */
MsgpackRpcPacked *_msgpack_rpc_drain_pack_goodbye  (MsgpackRpcProfile        profile,
                                                    MsgpackRpcPackFlags      flags,
                                                    GVariant                *ids);
/* The ids of a goodbye, a full reference; or NULL if @message is none. */
GVariant         *_msgpack_rpc_drain_parse_goodbye (const MsgpackRpcMessage *message);
/* The answer to a request that comes too late; NULL if its id cannot be written. */
MsgpackRpcPacked *_msgpack_rpc_drain_pack_refusal  (MsgpackRpcProfile        profile,
                                                    MsgpackRpcPackFlags      flags,
                                                    const MsgpackRpcPiece   *msgid);
gboolean          _msgpack_rpc_drain_is_refusal    (const MsgpackRpcMessage *message);
/* What both say. */
GError           *_msgpack_rpc_drain_make_error    (void);

G_END_DECLS
