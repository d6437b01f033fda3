/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the tests of the tool and of the RPC browser call: test-tool-server [ADDRESS [TOKEN-FILE]] prints
 * its address, and serves until its standard input ends. */

#include <gio/gio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* The only parameter, or all of them. */
static GVariant *
take_params (GVariant *params)
{
  if (g_variant_n_children (params) != 1)
    return g_variant_ref (params);

  return g_variant_get_child_value (params, 0);
}

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  g_autoptr(GVariant) value = take_params (params);

  msgpack_rpc_invocation_return_value (invocation, value);
  return TRUE;
}

static gboolean
refuse (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  g_autoptr(GVariant) value = take_params (params);

  msgpack_rpc_invocation_return_error_value (invocation, value);
  return TRUE;
}

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  gint64 a, b;

  g_variant_get (params, "(xx)", &a, &b);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
  return TRUE;
}

/* Notifications are kept ... */
static gboolean
note (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  GPtrArray *notes = user_data;

  g_ptr_array_add (notes, g_variant_new_variant (params));
  g_variant_ref_sink (notes->pdata[notes->len - 1]);
  return TRUE;
}

/* ... and given to whoever asks for them. */
static gboolean
get_notes (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gpointer               user_data,
           GError               **error)
{
  GPtrArray *notes = user_data;

  msgpack_rpc_invocation_return_value (
    invocation, g_variant_new_array (G_VARIANT_TYPE_VARIANT, (GVariant **) notes->pdata,
                                     notes->len));
  return TRUE;
}

/* What is published to the topic "prices" is given as the parameter. */
static gboolean
publish (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 0);

  if (!msgpack_rpc_topic_publish (user_data, value, error))
    return FALSE;

  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

static void
print_cancelled (MsgpackRpcInvocation *invocation,
                 gpointer              user_data)
{
  g_print ("cancelled\n");
  g_object_unref (invocation);
}

/* Tells how far it is, and never ends by itself. */
static gboolean
work (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  g_signal_connect (g_object_ref (invocation), "cancelled", G_CALLBACK (print_cancelled), NULL);
  msgpack_rpc_invocation_report_progress (invocation, 0.25, g_variant_new_string ("page 1 of 4"));
  return TRUE;
}

/* As many notifications as it is asked for, before the answer. */
static gboolean
flood (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data,
       GError               **error)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (msgpack_rpc_invocation_get_connection (invocation));
  gint64 n;

  g_variant_get (params, "(x)", &n);
  for (gint64 i = 0; i < n; i++)
    {
      if (!msgpack_rpc_peer_send_notification (peer, "drop", g_variant_new ("(x)", i), error))
        return FALSE;
    }

  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

static void
add_topic (MsgpackRpcDispatcher *dispatcher)
{
  g_autoptr(MsgpackRpcTopic) prices = NULL;

  prices = msgpack_rpc_dispatcher_add_topic (dispatcher, "prices", "a{sd}");
  msgpack_rpc_topic_set_description (prices, "What things cost.\nIn euros.");
  msgpack_rpc_dispatcher_add_method (dispatcher, "publish", "(a{sd})", publish, g_object_ref (prices),
                                     g_object_unref);
}

static MsgpackRpcDispatcher *
make_dispatcher (GPtrArray *notes)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, echo, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "refuse", NULL, refuse, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "note", NULL, note, notes, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "get_notes", NULL, get_notes, notes, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "work", "()", work, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "flood", "(x)", flood, NULL, NULL);

  add_topic (dispatcher);

  return dispatcher;
}

static gboolean
input_ended (GIOChannel   *channel,
             GIOCondition  condition,
             gpointer      user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static void
ask_for_token (MsgpackRpcServer *server,
               const char       *path)
{
  g_autoptr(MsgpackRpcToken) token = NULL;
  g_autoptr(GError) error = NULL;

  token = msgpack_rpc_token_new_for_file (path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  g_object_set (server, "token", token, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GIOChannel) input = g_io_channel_unix_new (0);
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher (notes);
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  if (argc > 2)
    ask_for_token (server, argv[2]);
  addresses = msgpack_rpc_server_listen_sync (server, argc > 1 ? argv[1] : "tcp://127.0.0.1:0",
                                              NULL, &error);
  if (addresses == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_print ("%s\n", addresses[0]);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, input_ended, loop);
  g_main_loop_run (loop);

  return 0;
}
