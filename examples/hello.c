/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server, and a client that asks it to add two numbers, in one main loop. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  int a, b;

  g_variant_get (params, "(ii)", &a, &b);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 ((gint64) a + b));
  return TRUE;
}

static MsgpackRpcServer *
serve (char   ***addresses,
       GError  **error)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(ii)", add, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  *addresses = msgpack_rpc_server_listen_sync (server, "tcp://localhost:0", NULL, error);

  return *addresses != NULL ? g_steal_pointer (&server) : NULL;
}

static void
added (GObject      *source,
       GAsyncResult *result,
       gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = NULL;

  sum = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (sum != NULL)
    g_print ("1 + 2 = %" G_GINT64_FORMAT "\n", g_variant_get_int64 (sum));
  else
    g_printerr ("%s\n", error->message);

  g_main_loop_quit (user_data);
}

int
main (void)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcServer) server = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  server = serve (&addresses, &error);
  if (server == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  client = msgpack_rpc_client_new (addresses[0]);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2),
                               NULL, added, loop);
  g_main_loop_run (loop);

  return 0;
}
