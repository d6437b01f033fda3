/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The library's client as a program that peers.py drives, as it drives other clients; the lines that
 * they read and write are described there. Arguments: ADDRESS, or -- PROGRAM ARG...
 *
 * Besides, it answers hold(value) when a line tells it to: “answer” the oldest, “answer-last” the newest.
 * “reverse” is the order in which the peer gets the answers from then on. */

#include <locale.h>
#include <stdlib.h>

#include <gio/gio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* Peers take their time where tests are slowed down. */
#define TIMEOUT 120000

static GVariant *
value_from_hex (const char *hex)
{
  gsize size = strlen (hex) / 2;
  guint8 *data = g_malloc (size);
  g_autoptr(GBytes) bytes = g_bytes_new_take (data, size);
  g_autoptr(GError) error = NULL;
  GVariant *value;

  for (gsize i = 0; i < size; i++)
    data[i] = g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]);
  value = msgpack_rpc_unpack (bytes, &error);
  if (value == NULL)
    g_error ("%s: %s", hex, error->message);

  return value;
}

static char *
hex_from_value (GVariant *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, &error);
  const guint8 *data;
  gsize size;
  char *hex;

  if (bytes == NULL)
    g_error ("%s", error->message);

  data = g_bytes_get_data (bytes, &size);
  hex = g_malloc (2 * size + 1);
  for (gsize i = 0; i < size; i++)
    {
      hex[2 * i] = "0123456789abcdef"[data[i] >> 4];
      hex[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
  hex[2 * size] = '\0';

  return hex;
}

static void
print_value (const char *kind,
             const char *name,
             GVariant   *value)
{
  g_autofree char *hex = hex_from_value (value);

  g_print ("%s %s %s\n", kind, name, hex);
}

/* What came in, in the order in which it came. */

static void
notification_cb (MsgpackRpcClient *client,
                 const char       *method,
                 GVariant         *params,
                 gpointer          user_data)
{
  print_value ("notification", method, params);
}

static gboolean
request_cb (MsgpackRpcClient     *client,
            MsgpackRpcInvocation *invocation,
            GVariant             *params,
            gpointer              user_data)
{
  print_value ("request", msgpack_rpc_invocation_get_method (invocation), params);
  /* The dispatcher answers it. */
  return FALSE;
}

/* What the peer may call. */

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

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 0);

  msgpack_rpc_invocation_return_value (invocation, value);
  return TRUE;
}

static gboolean
fail (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  const char *text;

  g_variant_get (params, "(&s)", &text);
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED, text);
  return FALSE;
}

/* What clients of Neovim ask first, and some before they say anything else. */
static gboolean
get_api_info (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  msgpack_rpc_invocation_return_value (invocation, g_variant_new ("(xa{sv})", (gint64) 1, NULL));
  return TRUE;
}

static void
called_back_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  GVariant *error_value;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  error_value = msgpack_rpc_call_get_error_value (MSGPACK_RPC_CALL (result));
  if (value != NULL)
    msgpack_rpc_invocation_return_value (invocation, value);
  else if (error_value != NULL)
    msgpack_rpc_invocation_return_error_value (invocation, error_value);
  else
    msgpack_rpc_invocation_return_gerror (invocation, error);
}

static gboolean
callback (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  const char *method;
  GVariant *arguments;

  g_variant_get (params, "(&s@av)", &method, &arguments);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), method, arguments, NULL,
                               called_back_cb, g_object_ref (invocation));
  g_variant_unref (arguments);
  return TRUE;
}

static gboolean
hold (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  g_queue_push_tail (user_data, g_object_ref (invocation));
  return TRUE;
}

static void
answer (MsgpackRpcInvocation *invocation) /* (transfer full) */
{
  g_autoptr(GVariant) value = NULL;

  value = g_variant_get_child_value (msgpack_rpc_invocation_get_params (invocation), 0);
  msgpack_rpc_invocation_return_value (invocation, value);
  g_object_unref (invocation);
}

static MsgpackRpcDispatcher *
make_dispatcher (GQueue *held)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "callback", "(sav)", callback, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", "(v)", echo, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "fail", "(s)", fail, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "hold", "(v)", hold, held, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "nvim_get_api_info", "()", get_api_info, NULL,
                                     NULL);

  return dispatcher;
}

/* What the test asks for. */

static void
ended_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autofree char *id = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  GVariant *error_value;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  error_value = msgpack_rpc_call_get_error_value (MSGPACK_RPC_CALL (result));
  if (value != NULL)
    print_value ("result", id, value);
  else if (error_value != NULL)
    print_value ("error", id, error_value);
  else
    g_print ("failed %s %s\n", id, g_strdelimit (error->message, "\n", ' '));
}

typedef struct
{
  MsgpackRpcClient *client;
  GMainLoop *loop;
  GQueue held; /* of MsgpackRpcInvocation, owned: what is not answered yet */
} Driver;

static void
send_message (MsgpackRpcPeer  *peer,
              char           **words)
{
  g_autoptr(GVariant) params = value_from_hex (words[g_strv_length (words) - 1]);
  g_autoptr(GError) error = NULL;

  if (g_str_equal (words[0], "call"))
    msgpack_rpc_peer_call_async (peer, words[2], params, NULL, ended_cb, g_strdup (words[1]));
  else if (!msgpack_rpc_peer_send_notification (peer, words[1], params, &error))
    g_print ("failed - %s\n", error->message);
}

static gboolean
line_cb (GIOChannel   *channel,
         GIOCondition  condition,
         gpointer      user_data)
{
  Driver *driver = user_data;
  g_autofree char *line = NULL;
  g_auto(GStrv) words = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (driver->loop);
      return G_SOURCE_REMOVE;
    }

  words = g_strsplit (g_strchomp (line), " ", -1);
  if (g_str_equal (words[0], "answer"))
    answer (g_queue_pop_head (&driver->held));
  else if (g_str_equal (words[0], "answer-last"))
    answer (g_queue_pop_tail (&driver->held));
  else if (g_str_equal (words[0], "reverse"))
    msgpack_rpc_client_set_reply_order (driver->client, MSGPACK_RPC_REPLY_ORDER_REVERSE);
  else
    send_message (MSGPACK_RPC_PEER (driver->client), words);
  return G_SOURCE_CONTINUE;
}

static MsgpackRpcClient *
make_client (char   **arguments,
             GQueue  *held)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher (held);
  MsgpackRpcClient *client;

  if (g_str_equal (arguments[0], "--"))
    client = msgpack_rpc_client_new_for_argv ((const char * const *) arguments + 1);
  else
    client = msgpack_rpc_client_new (arguments[0]);

  msgpack_rpc_client_set_dispatcher (client, dispatcher);
  msgpack_rpc_client_set_default_timeout (client, TIMEOUT);
  g_signal_connect (client, "notification", G_CALLBACK (notification_cb), NULL);
  g_signal_connect (client, "request", G_CALLBACK (request_cb), NULL);
  if (!msgpack_rpc_client_open_sync (client, NULL, &error))
    {
      g_printerr ("%s\n", error->message);
      exit (1);
    }

  return client;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GIOChannel) input = g_io_channel_unix_new (0);
  Driver driver = { NULL, loop, G_QUEUE_INIT };

  setlocale (LC_ALL, "");
  driver.client = make_client (argv + 1, &driver.held);
  g_print ("ready\n");
  g_io_channel_set_encoding (input, NULL, NULL);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, line_cb, &driver);
  g_main_loop_run (loop);

  g_object_unref (driver.client);
  g_queue_clear_full (&driver.held, g_object_unref);
  return 0;
}
