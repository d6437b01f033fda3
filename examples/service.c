/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* service [ADDRESS]
 *
 * A service that adds numbers and counts what each peer has asked for. It listens on the sockets that
 * systemd has started it with, else on the address; it is drained when it is told to stop. */

#include <locale.h>
#include <stdio.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  guint *n_calls = g_object_get_data (G_OBJECT (connection), "n-calls");
  gint64 a, b;

  (*n_calls)++;
  g_variant_get (params, "(xx)", &a, &b);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
  return TRUE;
}

static void
client_connected (MsgpackRpcServer     *server,
                  MsgpackRpcConnection *connection,
                  gpointer              user_data)
{
  g_object_set_data_full (G_OBJECT (connection), "n-calls", g_new0 (guint, 1), g_free);
  msgpack_rpc_server_broadcast (server, "joined",
                                g_variant_new ("(t)", msgpack_rpc_connection_get_id (connection)));
}

static void
client_disconnected (MsgpackRpcServer     *server,
                     MsgpackRpcConnection *connection,
                     const GError         *error,
                     gpointer              user_data)
{
  guint *n_calls = g_object_get_data (G_OBJECT (connection), "n-calls");

  g_print ("%u calls, %s\n", *n_calls, error != NULL ? error->message : "good bye");
}

static char **
listen_somewhere (MsgpackRpcServer  *server,
                  const char        *address,
                  GError           **error)
{
  g_autoptr(GError) local_error = NULL;
  char **addresses;

  addresses = msgpack_rpc_server_listen_activated (server, &local_error);
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return msgpack_rpc_server_listen_sync (server, address, NULL, error);

  if (addresses == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return addresses;
}

static void
drained (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_server_drain_on_signal_finish (MSGPACK_RPC_SERVER (source), result, NULL);
  g_print ("drained, %zu connections have not got all\n", g_variant_n_children (unsent));
  g_main_loop_quit (user_data);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  g_signal_connect (server, "client-connected", G_CALLBACK (client_connected), NULL);
  g_signal_connect (server, "client-disconnected", G_CALLBACK (client_disconnected), NULL);

  addresses = listen_somewhere (server, argc > 1 ? argv[1] : "tcp://localhost:0", &error);
  if (addresses == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  msgpack_rpc_server_drain_on_signal_async (server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                            drained, loop);
  for (guint i = 0; addresses[i] != NULL; i++)
    g_print ("listening on %s\n", addresses[i]);
  g_main_loop_run (loop);
  return 0;
}
