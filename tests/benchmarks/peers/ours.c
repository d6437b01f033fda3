/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* This library, as its guides recommend it: typed methods with plain C handlers, call_async (). */

#include "peer-glib.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static MsgpackRpcPeer *client;

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  /* A value of a fixed size is a C struct. */
  const struct { gint64 a, b; } *numbers = g_variant_get_data (params);

  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new_int64 (numbers->a + numbers->b));
}

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

void
peer_serve (const char *address)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "echo_bytes", NULL, echo, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "echo_document", NULL, echo, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  msgpack_rpc_server_set_max_connections (server, BENCH_MAX_CONNECTIONS);

  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, &error);
  if (addresses == NULL)
    bench_die ("%s", error->message);
  bench_listening (addresses[0]);
  peer_run ();
}

void
glib_call (const char          *method,
           GVariant            *params,
           GAsyncReadyCallback  callback)
{
  msgpack_rpc_peer_call_async (client, method, params, NULL, callback, NULL);
}

GVariant *
glib_call_finish (GAsyncResult  *result,
                  GError       **error)
{
  return msgpack_rpc_peer_call_finish (client, result, error);
}

GVariant *
glib_add_params (gint64 a,
                 gint64 b)
{
  const gint64 numbers[] = { a, b };

  return g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, G_N_ELEMENTS (numbers),
                                    sizeof *numbers);
}

gint64
glib_get_sum (GVariant *reply)
{
  return g_variant_get_int64 (reply);
}

void
peer_open (const char *address)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcClient *opened = msgpack_rpc_client_new (address);

  if (!msgpack_rpc_client_open_sync (opened, NULL, &error))
    bench_die ("%s", error->message);
  client = MSGPACK_RPC_PEER (opened);
}
