/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* This library, as its guides recommend it: typed methods with plain C handlers, call_async (). */

#include "peer-glib.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static MsgpackRpcPeer *client;
static GVariant *bytes_params;
static GVariant *document_params;

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  gint64 a, b;

  g_variant_get (params, "(xx)", &a, &b);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
}

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

void
peer_serve (const char *address)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  msgpack_rpc_server_set_max_connections (server, BENCH_MAX_CONNECTIONS);

  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, &error);
  if (addresses == NULL)
    bench_die ("%s", error->message);
  bench_listening (addresses[0]);
  peer_run ();
}

static GVariant *
finish (GAsyncResult *result)
{
  g_autoptr(GError) error = NULL;

  return glib_check_reply (msgpack_rpc_peer_call_finish (client, result, &error), error);
}

static void
added_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  g_autoptr(GVariant) sum = finish (result);

  bench_added (g_variant_get_int64 (sum));
}

void
peer_add (int64_t a,
          int64_t b)
{
  msgpack_rpc_peer_call_async (client, "add", g_variant_new ("(xx)", a, b), NULL, added_cb, NULL);
}

static void
echoed_bytes_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      data)
{
  glib_end_echo_of_bytes (finish (result));
}

void
peer_echo_bytes (const uint8_t *bytes,
                 size_t         size)
{
  if (bytes_params == NULL)
    bytes_params = glib_bytes_params_new (bytes, size);
  msgpack_rpc_peer_call_async (client, "echo", bytes_params, NULL, echoed_bytes_cb, NULL);
}

static void
echoed_document_cb (GObject      *source,
                    GAsyncResult *result,
                    gpointer      data)
{
  glib_end_echo_of_document (finish (result));
}

void
peer_echo_document (void)
{
  if (document_params == NULL)
    document_params = glib_document_params_new ();
  msgpack_rpc_peer_call_async (client, "echo", document_params, NULL, echoed_document_cb, NULL);
}

void
peer_open (const char *address)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcClient *opened = msgpack_rpc_client_new (address);

  if (!msgpack_rpc_client_open_sync (opened, NULL, &error))
    bench_die ("%s", error->message);
  client = MSGPACK_RPC_PEER (opened);
}
