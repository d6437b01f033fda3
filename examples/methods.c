/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A dispatcher whose methods take optional and named parameters, and others that stand behind them. Each
 * argument is a message as GVariant text, for which it prints the reply:
 *
 *     methods "(0, 1, 'greet', ('World',))" "(0, 2, 'rpc.discover', ())" */

#include <locale.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gboolean
greet (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data G_GNUC_UNUSED,
       GError               **error G_GNUC_UNUSED)
{
  const char *name;
  const char *greeting;

  g_variant_get (params, "(&sm&s)", &name, &greeting);
  return msgpack_rpc_invocation_return_value (
      invocation, g_variant_new_printf ("%s, %s!", greeting != NULL ? greeting : "Hello", name));
}

/* Takes whatever begins with “log.”. */
static gboolean
log_line (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data G_GNUC_UNUSED,
          GError               **error G_GNUC_UNUSED)
{
  const char *line;

  g_variant_get (params, "(&s)", &line);
  g_print ("%s: %s\n", msgpack_rpc_invocation_get_method (invocation), line);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
add_greet (MsgpackRpcDispatcher *dispatcher)
{
  const char * const names[] = { "name", "greeting", NULL };
  g_autoptr(MsgpackRpcMethod) method = NULL;

  msgpack_rpc_dispatcher_add_method_full (dispatcher, "greet", "(sms)", greet, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "greet");
  msgpack_rpc_method_set_param_names (method, names);
  msgpack_rpc_method_set_result_signature (method, "s");
  msgpack_rpc_method_set_description (method, "Greets somebody");
}

static void
print_reply (MsgpackRpcDispatcher *dispatcher,
             const char           *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) message = g_variant_parse (NULL, text, NULL, NULL, &error);
  g_autoptr(GVariant) reply = NULL;
  g_autofree char *shown = NULL;

  if (message != NULL)
    reply = msgpack_rpc_dispatcher_dispatch (dispatcher, message, &error);
  if (error != NULL)
    {
      g_printerr ("%s\n", error->message);
      return;
    }

  shown = reply != NULL ? g_variant_print (reply, FALSE) : g_strdup ("no reply");
  g_print ("%s\n", shown);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcDispatcher) own = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) common = msgpack_rpc_dispatcher_new ();

  setlocale (LC_ALL, "");

  add_greet (own);
  msgpack_rpc_dispatcher_add_method_full (common, "log.", "(s)", log_line, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_PREFIX);
  msgpack_rpc_dispatcher_set_next (own, common);

  for (int i = 1; i < argc; i++)
    print_reply (own, argv[i]);
  return 0;
}
