/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A program that another one starts, and calls by its standard input and output. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
greet (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data,
       GError               **error)
{
  const char *name;

  g_variant_get (params, "(&s)", &name);
  /* Goes to standard error, as all that is printed. */
  g_print ("greeting %s\n", name);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new ("s", "hello"));
}

static MsgpackRpcConnection *
connect_to_parent (GError **error)
{
  g_autoptr(GIOStream) stream = msgpack_rpc_take_stdio (error);

  return stream != NULL ? msgpack_rpc_connection_new (stream) : NULL;
}

int
main (void)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) parent = NULL;
  g_autoptr(GError) error = NULL;

  parent = connect_to_parent (&error);
  if (parent == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  msgpack_rpc_dispatcher_add_method (dispatcher, "greet", "(s)", greet, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (parent, dispatcher);
  g_signal_connect_swapped (parent, "closed", G_CALLBACK (g_main_loop_quit), loop);
  g_main_loop_run (loop);

  return 0;
}
