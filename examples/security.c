/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that lets in who knows a token, and a client that does: the examples of docs/security.md. */

#include <glib/gstdio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

static void
ask_everybody_for_the_token (MsgpackRpcServer *server,
                             MsgpackRpcToken  *token)
{
  msgpack_rpc_server_set_token (server, token);
  msgpack_rpc_server_set_policy (server, MSGPACK_RPC_ACCEPT_POLICY_TOKEN);
}

static MsgpackRpcServer *
serve_those_who_know_the_token (const char   *path,
                                GError      **error)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcToken) token = NULL;

  token = msgpack_rpc_token_new_for_file (path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, error);
  if (token == NULL)
    return NULL;

  msgpack_rpc_server_set_token (server, token);
  return g_steal_pointer (&server);
}

static MsgpackRpcClient *
know_the_server_by_its_token (const char   *address,
                              const char   *path,
                              GError      **error)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(MsgpackRpcToken) token = NULL;

  token = msgpack_rpc_token_new_for_file (path, MSGPACK_RPC_TOKEN_FLAGS_NONE, error);
  if (token == NULL)
    return NULL;

  msgpack_rpc_client_set_token (client, token);
  return g_steal_pointer (&client);
}

static void
keep_strangers_modest (MsgpackRpcServer *server)
{
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (server);

  msgpack_rpc_server_set_max_connections_per_address (server, 16);
  msgpack_rpc_server_set_max_connections_per_user (server, 64);
  msgpack_rpc_limits_set_handshake_timeout (limits, 2000);
  msgpack_rpc_limits_set_idle_timeout (limits, 10 * 60 * 1000);
  msgpack_rpc_limits_set_max_message_size (limits, 1024 * 1024);
}

static gboolean
may_shut_down (MsgpackRpcDispatcher *dispatcher,
               MsgpackRpcInvocation *invocation,
               gpointer              user_data)
{
  MsgpackRpcConnection *peer = msgpack_rpc_invocation_get_connection (invocation);
  g_autoptr(GCredentials) credentials = NULL;

  if (peer != NULL)
    credentials = msgpack_rpc_connection_get_credentials (peer);
  return credentials != NULL && g_credentials_get_unix_user (credentials, NULL) == 0;
}

static void
let_only_root_shut_down (MsgpackRpcDispatcher *dispatcher)
{
  g_signal_connect (dispatcher, "authorize::shutdown", G_CALLBACK (may_shut_down), NULL);
}

static gboolean
greet (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data,
       GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("hello"));
}

static void
called (GObject      *source,
        GAsyncResult *result,
        gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (value != NULL)
    g_print ("%s\n", g_variant_get_string (value, NULL));
  else
    g_print ("%s\n", error->message);
  g_main_loop_quit (user_data);
}

static void
call (MsgpackRpcClient *client,
      const char       *method)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), method, NULL, NULL, called, loop);
  g_main_loop_run (loop);
}

static gboolean
run (const char  *path,
     GError     **error)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = serve_those_who_know_the_token (path, error);
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(MsgpackRpcClient) stranger = NULL;
  g_autoptr(MsgpackRpcToken) token = NULL;
  g_auto(GStrv) addresses = NULL;

  if (server == NULL)
    return FALSE;

  keep_strangers_modest (server);
  token = msgpack_rpc_server_get_token (server);
  ask_everybody_for_the_token (server, token);
  msgpack_rpc_dispatcher_add_method (dispatcher, "greet", "()", greet, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "shutdown", "()", greet, NULL, NULL);
  let_only_root_shut_down (dispatcher);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, error);
  if (addresses == NULL)
    return FALSE;

  client = know_the_server_by_its_token (addresses[0], path, error);
  if (client == NULL)
    return FALSE;

  call (client, "greet");
  call (client, "shutdown");
  stranger = msgpack_rpc_client_new (addresses[0]);
  call (stranger, "greet");
  return TRUE;
}

int
main (void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("security-XXXXXX", &error);
  g_autofree char *path = NULL;

  if (folder != NULL)
    {
      path = g_build_filename (folder, "token", NULL);
      run (path, &error);
      g_unlink (path);
      g_rmdir (folder);
    }

  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return error != NULL ? 1 : 0;
}
