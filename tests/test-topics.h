/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

/* What the tests of topics share. */

#include "test-server.h"

G_BEGIN_DECLS

static inline void
send_text (RawPeer    *peer,
           const char *text)
{
  g_autoptr(GVariant) message = test_parse (text);

  raw_peer_send_value (peer, message);
}

static inline void
assert_receives (RawPeer    *peer,
                 const char *expected)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);

  test_assert_value (message, expected);
}

static inline void
publish (MsgpackRpcTopic *topic,
         gint64           number)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_topic_publish (topic, g_variant_new_int64 (number), &error);
  g_assert_no_error (error);
}

static inline MsgpackRpcConnection *
ref_connection (Fixture *f,
                guint    position)
{
  MsgpackRpcConnection *connection = g_list_model_get_item (f->connections, position);

  g_assert_nonnull (connection);
  return connection;
}

static inline MsgpackRpcTopic *
add_topic (Fixture               *f,
           const char            *name,
           MsgpackRpcTopicPolicy  policy,
           guint                  max_queued)
{
  MsgpackRpcTopic *topic = msgpack_rpc_dispatcher_add_topic (f->dispatcher, name, NULL);

  msgpack_rpc_topic_set_policy (topic, policy);
  msgpack_rpc_topic_set_max_queued (topic, max_queued);
  return topic;
}

G_END_DECLS
