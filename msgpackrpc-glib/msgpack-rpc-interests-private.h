/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib-object.h>

#include "msgpack-rpc-message-private.h"

G_BEGIN_DECLS

/* What a connection or a client has subscribed to at its peer, and how many times each. Its owner has
 * a pointer, NULL until there is something.
 *
 * All functions may be called from any thread. */
typedef struct _MsgpackRpcInterests MsgpackRpcInterests;

void     _msgpack_rpc_interests_free    (MsgpackRpcInterests  *self);

void     _msgpack_rpc_interests_add     (MsgpackRpcInterests **self,
                                         const char           *topic);
/* The peer has said yes. */
void     _msgpack_rpc_interests_confirm (MsgpackRpcInterests **self,
                                         const char           *topic);
/* FALSE if there was none; else how many are left. */
gboolean _msgpack_rpc_interests_remove  (MsgpackRpcInterests **self,
                                         const char           *topic,
                                         guint                *n_left);
/* All of a topic. */
void     _msgpack_rpc_interests_drop    (MsgpackRpcInterests **self,
                                         const char           *topic);
/* The topics to which the peer has said yes. */
char   **_msgpack_rpc_interests_list    (MsgpackRpcInterests **self);

/* ---- the signals of peers ---- */

void     _msgpack_rpc_interests_install_signals (GType peer_type);
/* If the notification is of such a topic. In the main context of @peer. */
void     _msgpack_rpc_interests_emit            (MsgpackRpcInterests     **self,
                                                 gpointer                  peer,
                                                 const MsgpackRpcMessage  *message);
/* The peer has said no, after a connection was lost. Likewise. */
void     _msgpack_rpc_interests_emit_lost       (gpointer                  peer,
                                                 const char               *topic,
                                                 const GError             *error);

G_END_DECLS
