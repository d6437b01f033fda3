/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The server of the sample alone, for clients in any language, until Ctrl+C or SIGTERM.
 *
 *     sample-server [ADDRESS] */

#include <locale.h>
#include <stdio.h>

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

static void
client_connected (MsgpackRpcServer     *server,
                  MsgpackRpcConnection *connection,
                  gpointer              user_data)
{
  g_print ("client %" G_GUINT64_FORMAT " has come\n", msgpack_rpc_connection_get_id (connection));
}

static void
client_disconnected (MsgpackRpcServer     *server,
                     MsgpackRpcConnection *connection,
                     const GError         *error,
                     gpointer              user_data)
{
  g_print ("client %" G_GUINT64_FORMAT " has gone\n", msgpack_rpc_connection_get_id (connection));
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(ii)", add, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  g_signal_connect (server, "client-connected", G_CALLBACK (client_connected), NULL);
  g_signal_connect (server, "client-disconnected", G_CALLBACK (client_disconnected), NULL);

  addresses = msgpack_rpc_server_listen_sync (server, argc > 1 ? argv[1] : "tcp://localhost:0", NULL,
                                              &error);
  if (addresses != NULL)
    {
      g_print ("%s\n", addresses[0]);
      msgpack_rpc_server_run (server, NULL, &error);
    }

  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return error != NULL ? 1 : 0;
}
