/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-event.h"

G_BEGIN_DECLS

/* Decides about a peer that has connected: @queue is where its events go, NULL for where they would go
 * anyway. In any thread. FALSE if it was decided before. */
typedef gboolean (*MsgpackRpcEventDecideFunc) (MsgpackRpcChannel    *channel,
                                               gboolean              accept,
                                               MsgpackRpcEventQueue *queue);
/* An event that held @size bytes has left its queue. In any thread, no lock held. */
typedef void (*MsgpackRpcEventTakenFunc)  (MsgpackRpcChannel    *channel,
                                           gsize                 size);

MsgpackRpcEvent *_msgpack_rpc_event_new          (MsgpackRpcEventKind        kind,
                                                  MsgpackRpcChannel         *channel);
/* For these, before it is put into a queue. */
void             _msgpack_rpc_event_set_message  (MsgpackRpcEvent           *self,
                                                  GVariant                  *message);
void             _msgpack_rpc_event_set_error    (MsgpackRpcEvent           *self,
                                                  const GError              *error);
void             _msgpack_rpc_event_set_leftover (MsgpackRpcEvent           *self,
                                                  GVariant                  *incomplete,
                                                  GVariant                  *unsent);
void             _msgpack_rpc_event_set_decide   (MsgpackRpcEvent           *self,
                                                  MsgpackRpcEventDecideFunc  decide);
void             _msgpack_rpc_event_set_taken    (MsgpackRpcEvent           *self,
                                                  MsgpackRpcEventTakenFunc   taken,
                                                  gsize                      size);

/* It has left its queue. */
void             _msgpack_rpc_event_take         (MsgpackRpcEvent           *self);

G_END_DECLS
