/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Calls, one after the other, between two connections of one context: rpc-loop [N]. To count what a
 * call costs, run it under callgrind with two numbers, and take the difference. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <stdlib.h>

typedef struct
{
  MsgpackRpcPeer *caller;
  GVariant *params;
  guint n_left;
  GMainLoop *loop;
} Loop;

static gboolean
add_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  gint64 a, b;

  g_variant_get (params, "(xx)", &a, &b);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
}

static void
called_cb (GObject      *source G_GNUC_UNUSED,
           GAsyncResult *result,
           gpointer      data)
{
  Loop *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = NULL;

  if (result != NULL)
    sum = msgpack_rpc_peer_call_finish (self->caller, result, &error);
  if (error != NULL)
    g_error ("%s", error->message);

  if (self->n_left-- > 0)
    msgpack_rpc_peer_call_async (self->caller, "add", self->params, NULL, called_cb, self);
  else
    g_main_loop_quit (self->loop);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcConnection) caller = NULL, callee = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GMainLoop) main_loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new_parsed ("(int64 1, int64 2)"));
  g_autoptr(GError) error = NULL;
  guint n = argc > 1 ? (guint) atoi (argv[1]) : 100000;
  Loop loop = { .params = params, .n_left = n, .loop = main_loop };
  gint64 start;

  if (!msgpack_rpc_connection_new_pair (&caller, &callee, &error))
    g_error ("%s", error->message);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (callee, dispatcher);

  loop.caller = MSGPACK_RPC_PEER (caller);
  start = g_get_monotonic_time ();
  called_cb (NULL, NULL, &loop);
  g_main_loop_run (main_loop);
  g_print ("%u calls, %.1f µs each\n", n,
           (double) (g_get_monotonic_time () - start) / MAX (n, 1));
  return 0;
}
