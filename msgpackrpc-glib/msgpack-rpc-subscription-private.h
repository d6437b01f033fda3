/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-notice-private.h"
#include "msgpack-rpc-topic.h"

G_BEGIN_DECLS

/* A connection whose peer hears of a topic. The topic and the connection hold it until either says that
 * it has ended. */
#define MSGPACK_RPC_TYPE_SUBSCRIPTION (_msgpack_rpc_subscription_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcSubscription, _msgpack_rpc_subscription, MSGPACK_RPC, SUBSCRIPTION, GObject)

MsgpackRpcSubscription *_msgpack_rpc_subscription_new (MsgpackRpcTopic      *topic,
                                                       MsgpackRpcConnection *connection);
/* Fixed; not a reference. */
MsgpackRpcTopic        *_msgpack_rpc_subscription_get_topic (MsgpackRpcSubscription *self);

/* What is to be done when a publication is queued. */
typedef enum
{
  MSGPACK_RPC_PUBLISHED,          /* nothing */
  MSGPACK_RPC_PUBLISHED_TO_WRITE,
  MSGPACK_RPC_PUBLISHED_FULL,     /* to write it, and there is no room for another one */
  MSGPACK_RPC_PUBLISHED_TO_FLUSH,
  MSGPACK_RPC_PUBLISHED_LOST,     /* to end the connection: no publication may be lost */
} MsgpackRpcPublished;

/* Whether it can be packed for this one; then it is. With the topic's lock held. */
gboolean            _msgpack_rpc_subscription_prepare (MsgpackRpcSubscription  *self,
                                                       MsgpackRpcNotice        *notice,
                                                       GError                 **error);
/* Queues it, which was prepared. @error says why it was lost. Likewise. */
MsgpackRpcPublished _msgpack_rpc_subscription_publish (MsgpackRpcSubscription  *self,
                                                       MsgpackRpcNotice        *notice,
                                                       const char              *key,
                                                       GError                 **error);
/* Does what is to be done, with no lock held. */
void                _msgpack_rpc_subscription_follow_up (MsgpackRpcSubscription *self,
                                                         MsgpackRpcPublished     published,
                                                         const GError           *error);
/* A call that ends when there is room for the next publication, or when it has ended; or NULL if it has
 * ended. Likewise. */
MsgpackRpcCall     *_msgpack_rpc_subscription_await_room (MsgpackRpcSubscription *self,
                                                          gpointer                source,
                                                          GCancellable           *cancellable,
                                                          GAsyncReadyCallback     callback,
                                                          gpointer                user_data);
/* Ends it: it is in the topic's and the connection's list no more. With @drop, what waits is not sent.
 * Likewise. */
void                _msgpack_rpc_subscription_end     (MsgpackRpcSubscription *self,
                                                       gboolean                drop);
/* With the topic's lock held. */
gboolean            _msgpack_rpc_subscription_has_ended (MsgpackRpcSubscription *self);

G_END_DECLS
