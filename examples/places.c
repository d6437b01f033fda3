/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Where handlers run: the examples of docs/dispatch.md. A method called without a connection runs at
 * once. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
sum_of_squares (MsgpackRpcInvocation  *invocation,
                GVariant              *params,
                gpointer               user_data,
                GError               **error)
{
  gint64 n;
  gint64 sum = 0;

  g_variant_get (params, "(x)", &n);
  for (gint64 i = 1; i <= n; i++)
    sum += i * i;
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (sum));
}

static void
slow_handler (MsgpackRpcDispatcher *dispatcher,
              MsgpackRpcMethod     *method,
              guint                 milliseconds,
              gpointer              user_data)
{
  g_printerr ("%s(): %u ms\n", msgpack_rpc_method_get_name (method), milliseconds);
}

int
main (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;

  msgpack_rpc_dispatcher_add_method_full (dispatcher, "squares", "(x)", sum_of_squares, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "squares");
  msgpack_rpc_method_set_priority (method, G_PRIORITY_LOW);

  g_signal_connect (dispatcher, "slow-handler", G_CALLBACK (slow_handler), NULL);
  msgpack_rpc_dispatcher_set_slow_handler_time (dispatcher, 100);

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher,
                                           g_variant_new_parsed ("(0, 1, 'squares', (3,))"), &error);
  if (reply == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  text = g_variant_print (reply, FALSE);
  g_print ("%s, after %" G_GUINT64_FORMAT " call\n", text, msgpack_rpc_method_get_n_calls (method));
  return 0;
}
