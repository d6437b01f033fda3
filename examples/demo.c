/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server and a client, each in a thread of its own that comes and goes with it. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  int a, b;

  g_variant_get (params, "(ii)", &a, &b);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 ((gint64) a + b));
}

static GVariant *
ask (MsgpackRpcDispatcher  *dispatcher,
     GError               **error)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new_in_thread (dispatcher);
  g_auto(GStrv) bound = msgpack_rpc_server_listen_sync (server, "localhost:0", NULL, error);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_in_thread (bound ? bound[0] : "");

  if (bound == NULL || !msgpack_rpc_client_open_sync (client, NULL, error))
    return NULL;
  return msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2),
                                     NULL, error);
}

int
main (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GVariant) sum = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(ii)", add, NULL, NULL);
  sum = ask (dispatcher, &error);
  if (sum != NULL)
    g_print ("1 + 2 = %" G_GINT64_FORMAT "\n", g_variant_get_int64 (sum));
  else
    g_printerr ("%s\n", error->message);

  return sum != NULL ? 0 : 1;
}
