/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that publishes, and a client that has subscribed, in one process and one loop. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

typedef struct
{
  GMainLoop *loop;
  MsgpackRpcTopic *prices;
} Program;

static void
published (MsgpackRpcClient *client G_GNUC_UNUSED,
           const char       *topic,
           GVariant         *value,
           gpointer          user_data)
{
  Program *program = user_data;
  g_autofree char *text = g_variant_print (value, FALSE);

  g_print ("%s: %s\n", topic, text);
  g_main_loop_quit (program->loop);
}

/* Only the last price of a company is sent in a turn of the loop. */
static void
publish_prices (Program *program)
{
  for (int i = 1; i <= 1000; i++)
    msgpack_rpc_topic_publish_with_key (program->prices, "GNU",
                                        g_variant_new ("(sd)", "GNU", 42 + i / 1000.0), NULL);
}

static void
subscribed (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Program *program = user_data;
  g_autoptr(GError) error = NULL;

  if (msgpack_rpc_peer_subscribe_finish (MSGPACK_RPC_PEER (source), result, &error))
    {
      publish_prices (program);
      return;
    }

  g_printerr ("%s\n", error->message);
  g_main_loop_quit (program->loop);
}

int
main (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcTopic) prices = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;
  Program program = { .loop = loop };

  prices = msgpack_rpc_dispatcher_add_topic (dispatcher, "prices", "(sd)");
  msgpack_rpc_topic_set_policy (prices, MSGPACK_RPC_TOPIC_POLICY_CONFLATE);
  program.prices = prices;
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  if (addresses == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  client = msgpack_rpc_client_new (addresses[0]);
  g_signal_connect (client, "published::prices", G_CALLBACK (published), &program);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (client), "prices", NULL, subscribed, &program);

  g_main_loop_run (loop);
  return 0;
}
