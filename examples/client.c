/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A client that is there before its server, and stays when that is restarted: client ADDRESS. It adds two
 * numbers as soon as there is somebody to ask, and tells what it sees meanwhile. */

#include <locale.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

static void
status_changed (MsgpackRpcClient           *client,
                MsgpackRpcConnectionStatus  old_status,
                MsgpackRpcConnectionStatus  new_status,
                GError                     *error,
                gpointer                    user_data)
{
  g_autoptr(GEnumClass) statuses = g_type_class_ref (MSGPACK_RPC_TYPE_CONNECTION_STATUS);

  g_print ("%s", g_enum_get_value (statuses, new_status)->value_nick);
  if (error != NULL)
    g_print (": %s", error->message);
  g_print ("\n");
}

static void
stalled_changed (MsgpackRpcClient *client,
                 GParamSpec       *pspec,
                 gpointer          user_data)
{
  g_print (msgpack_rpc_client_get_stalled (client) ? "no answer yet\n" : "there it is again\n");
}

static MsgpackRpcClient *
make_client (const char *address)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);

  msgpack_rpc_reconnect_policy_set_initial_delay (policy, 100);
  msgpack_rpc_reconnect_policy_set_max_delay (policy, 5000);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed), NULL);

  msgpack_rpc_client_set_tcp_keepalive (client, TRUE);
  msgpack_rpc_client_set_ping_interval (client, 30 * 1000);
  msgpack_rpc_client_set_stall_timeout (client, 5 * 1000);
  g_signal_connect (client, "notify::stalled", G_CALLBACK (stalled_changed), NULL);

  return client;
}

static void
completed (MsgpackRpcCall *call,
           gpointer        user_data)
{
  GError *error = msgpack_rpc_call_get_error (call);

  if (error == NULL)
    g_print ("1 + 2 = %" G_GINT64_FORMAT "\n",
             g_variant_get_int64 (msgpack_rpc_call_get_result (call)));
  else if (msgpack_rpc_call_get_delivery (call) == MSGPACK_RPC_DELIVERY_NOT_SENT)
    g_print ("nobody has seen it: %s\n", error->message);
  else
    g_print ("it may have been done: %s\n", error->message);

  g_main_loop_quit (user_data);
}

static void
call_when_ready (MsgpackRpcClient *client,
                 GMainLoop        *loop)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("add", g_variant_new ("(ii)", 1, 2));

  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE_INT64);
  msgpack_rpc_call_set_timeout (call, 60 * 1000);
  g_signal_connect (call, "completed", G_CALLBACK (completed), loop);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcClient) client = NULL;

  setlocale (LC_ALL, "");
  if (argc != 2)
    {
      g_printerr ("Usage: client ADDRESS\n");
      return 2;
    }

  client = make_client (argv[1]);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  call_when_ready (client, loop);
  g_main_loop_run (loop);

  msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
  return 0;
}
