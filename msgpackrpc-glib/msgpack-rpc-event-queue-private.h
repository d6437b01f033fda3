/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-event-private.h"
#include "msgpack-rpc-event-queue.h"

G_BEGIN_DECLS

/* Puts an event at the end; dropped if the queue was shut down. In any thread; calls nobody but the
 * event's taken function, if it is dropped. */
void _msgpack_rpc_event_queue_push (MsgpackRpcEventQueue *self,
                                    MsgpackRpcEvent      *event);
/* Whoever runs @context cannot wait for what comes from it. As often as removed. */
void _msgpack_rpc_event_queue_add_producer    (MsgpackRpcEventQueue *self,
                                               GMainContext         *context);
void _msgpack_rpc_event_queue_remove_producer (MsgpackRpcEventQueue *self,
                                               GMainContext         *context);
/* Whether events for @self come to @other, which it is or was merged into. */
gboolean _msgpack_rpc_event_queue_goes_to (MsgpackRpcEventQueue *self,
                                           MsgpackRpcEventQueue *other);

G_END_DECLS
