/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_TOPIC (msgpack_rpc_topic_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcTopic, msgpack_rpc_topic, MSGPACK_RPC, TOPIC, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
const char *msgpack_rpc_topic_get_name          (MsgpackRpcTopic *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
const char *msgpack_rpc_topic_get_signature     (MsgpackRpcTopic *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint       msgpack_rpc_topic_get_n_subscribers (MsgpackRpcTopic *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint64     msgpack_rpc_topic_get_n_dropped     (MsgpackRpcTopic *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
char *msgpack_rpc_topic_get_description (MsgpackRpcTopic *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_topic_set_description (MsgpackRpcTopic *self,
                                         const char      *description);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcTopicPolicy msgpack_rpc_topic_get_policy (MsgpackRpcTopic       *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void                  msgpack_rpc_topic_set_policy (MsgpackRpcTopic       *self,
                                                    MsgpackRpcTopicPolicy  policy);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_topic_get_max_queued (MsgpackRpcTopic *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_topic_set_max_queued (MsgpackRpcTopic *self,
                                        guint            max_queued);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_publish          (MsgpackRpcTopic      *self,
                                             GVariant             *value,
                                             GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_publish_with_key (MsgpackRpcTopic      *self,
                                             const char           *key,
                                             GVariant             *value,
                                             GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_topic_publish_async    (MsgpackRpcTopic      *self,
                                             GVariant             *value,
                                             GCancellable         *cancellable,
                                             GAsyncReadyCallback   callback,
                                             gpointer              user_data);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_publish_finish   (MsgpackRpcTopic      *self,
                                             GAsyncResult         *result,
                                             GError              **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_publish_sync     (MsgpackRpcTopic      *self,
                                             GVariant             *value,
                                             GCancellable         *cancellable,
                                             GError              **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_bind_to_property (MsgpackRpcTopic  *self,
                                             GObject          *object,
                                             const char       *property_name,
                                             GError          **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_topic_bind_to_signal   (MsgpackRpcTopic  *self,
                                             GObject          *object,
                                             const char       *detailed_signal,
                                             GError          **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_topic_unbind           (MsgpackRpcTopic  *self,
                                             GObject          *object);

G_END_DECLS
