/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The client of the sample alone: adds numbers with the server at an address.
 *
 *     sample-client ADDRESS NUMBER… */

#include <locale.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static GVariant *
to_params (char **numbers)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("ax"));

  for (guint i = 0; numbers[i] != NULL; i++)
    g_variant_builder_add (&builder, "x", g_ascii_strtoll (numbers[i], NULL, 10));
  return g_variant_builder_end (&builder);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GVariant) sum = NULL;
  g_autoptr(GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc < 2)
    {
      g_printerr ("Usage: %s ADDRESS NUMBER…\n", argv[0]);
      return 2;
    }

  /* Calls that block need no loop, neither here nor in a thread. */
  client = msgpack_rpc_client_new (argv[1]);
  if (msgpack_rpc_client_open_sync (client, NULL, &error))
    sum = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (client), "add", to_params (argv + 2), NULL,
                                      &error);
  if (sum != NULL)
    {
      g_autofree char *text = g_variant_print (sum, FALSE);

      g_print ("%s\n", text);
    }
  else
    g_printerr ("%s\n", error->message);

  msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
  return sum != NULL ? 0 : 1;
}
