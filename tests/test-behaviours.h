/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "test-server.h"

/* A server in the thread-default context that listens on TCP, and a client of it. */
typedef struct
{
  Fixture server; /* and its dispatcher, which has the method “add” */
  char *address;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer; /* the client */
} Ends;

static inline void
ends_setup (Ends          *ends,
            gconstpointer  data)
{
  server_setup (&ends->server, data);
  ends->address = listen_on (ends->server.server, "tcp://127.0.0.1:0");
  ends->client = msgpack_rpc_client_new (ends->address);
  ends->peer = MSGPACK_RPC_PEER (ends->client);
}

static inline void
ends_teardown (Ends          *ends,
               gconstpointer  data)
{
  /* A call in flight holds it. */
  g_object_run_dispose (G_OBJECT (ends->client));
  test_drain ();
  g_assert_finalize_object (ends->client);
  WAIT_UNTIL (count_connections (&ends->server) == 0);
  server_teardown (&ends->server, data);
  g_free (ends->address);
}

static inline void
ends_open (Ends *ends)
{
  guint n = ends->server.n_connected;

  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (ends->client) && ends->server.n_connected > n);
}

/* The server's connection that came last. */
static inline MsgpackRpcConnection *
ends_get_guest (Ends *ends)
{
  MsgpackRpcConnection *guest = g_list_model_get_item (ends->server.connections,
                                                       count_connections (&ends->server) - 1);

  g_assert_nonnull (guest);
  g_object_unref (guest);
  return guest;
}

static inline gboolean
call_has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) != MSGPACK_RPC_CALL_STATE_NEW &&
         msgpack_rpc_call_get_state (call) != MSGPACK_RPC_CALL_STATE_PENDING;
}

/* Calls, and runs the context until there is an answer. @params are GVariant text. */
static inline GVariant *
ask (MsgpackRpcPeer  *peer,
     const char      *method,
     const char      *params,
     GError         **error)
{
  g_autoptr(GVariant) values = test_parse (params);
  g_autoptr(GAsyncResult) result = NULL;

  msgpack_rpc_peer_call_async (peer, method, values, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  return msgpack_rpc_peer_call_finish (peer, result, error);
}

static inline void
assert_answer (MsgpackRpcPeer *peer,
               const char     *method,
               const char     *params,
               const char     *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = ask (peer, method, params, &error);

  g_assert_no_error (error);
  test_assert_value (value, expected);
}

static inline void
assert_failure (MsgpackRpcPeer *peer,
                const char     *method,
                const char     *params,
                const char     *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = ask (peer, method, params, &error);

  g_assert_null (value);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, expected);
}
