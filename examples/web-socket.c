/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A web server whose page calls, is called back, and receives a topic, over a WebSocket. The page is
 * web-socket.html. It needs MessagePack for JavaScript, such as the npm package @msgpack/msgpack:
 *
 *   npm install @msgpack/msgpack
 *   ./web-socket web-socket.html node_modules/@msgpack/msgpack/dist.umd/msgpack.min.js */

#include <glib-unix.h>
#include <locale.h>
#include <msgpackrpc-glib/soup/msgpackrpc-glib-soup.h>
#include <stdio.h>

#define TICK 200 /* milliseconds */

typedef struct
{
  GMainLoop *loop;
  SoupServer *soup;
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcTopic *ticks;
  guint n_ticks;
} Program;

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data G_GNUC_UNUSED,
     GError               **error)
{
  gint64 a;
  gint64 b;
  gint64 sum;

  g_variant_get (params, "(xx)", &a, &b);
  if (__builtin_add_overflow (a, b, &sum))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS,
                           "the sum is too large");
      return FALSE;
    }

  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (sum));
}

static void
named (GObject      *source,
       GAsyncResult *result,
       gpointer      user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = user_data;
  g_autoptr(GVariant) name = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *greeting = NULL;

  name = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (name == NULL)
    {
      msgpack_rpc_invocation_return_gerror (invocation, error);
      return;
    }
  if (!g_variant_is_of_type (name, G_VARIANT_TYPE_STRING))
    {
      msgpack_rpc_invocation_return_error (invocation, MSGPACK_RPC_ERROR,
                                           MSGPACK_RPC_ERROR_INVALID_RESULT, "a name is a text");
      return;
    }

  greeting = g_strdup_printf ("Hello, %s!", g_variant_get_string (name, NULL));
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (greeting));
}

/* Asks the page who it is before it answers. */
static gboolean
greet (MsgpackRpcInvocation  *invocation,
       GVariant              *params G_GNUC_UNUSED,
       gpointer               user_data G_GNUC_UNUSED,
       GError               **error G_GNUC_UNUSED)
{
  MsgpackRpcConnection *page = msgpack_rpc_invocation_get_connection (invocation);

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (page), "name", NULL, NULL, named,
                               g_object_ref (invocation));
  return TRUE;
}

/* What the page has to say. */
static gboolean
say (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data G_GNUC_UNUSED,
     GError               **error G_GNUC_UNUSED)
{
  g_autofree char *text = NULL;

  g_variant_get (params, "(s)", &text);
  /* A terminal would take them for commands. */
  for (char *c = text; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = '?';
  g_print ("the page: %s\n", text);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static gboolean
tick (gpointer data)
{
  Program *program = data;

  msgpack_rpc_topic_publish (program->ticks, g_variant_new_uint32 (++program->n_ticks), NULL);
  return G_SOURCE_CONTINUE;
}

static void
connected (MsgpackRpcServer     *server G_GNUC_UNUSED,
           MsgpackRpcConnection *connection G_GNUC_UNUSED,
           gpointer              user_data G_GNUC_UNUSED)
{
  g_print ("here\n");
}

static void
disconnected (MsgpackRpcServer     *server G_GNUC_UNUSED,
              MsgpackRpcConnection *connection G_GNUC_UNUSED,
              const GError         *error,
              gpointer              user_data G_GNUC_UNUSED)
{
  g_print ("gone: %s\n", error != NULL ? error->message : "good bye");
}

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

/* ---- the web server ---- */

typedef struct
{
  const char *path;
  const char *type;
  GBytes *bytes; /* owned */
} File;

static void
file_free (gpointer data)
{
  File *file = data;

  g_bytes_unref (file->bytes);
  g_free (file);
}

static void
serve_file (SoupServer        *server G_GNUC_UNUSED,
            SoupServerMessage *message,
            const char        *path,
            GHashTable        *query G_GNUC_UNUSED,
            gpointer           user_data)
{
  File *file = user_data;

  if (!g_str_equal (path, file->path))
    {
      soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
      return;
    }

  soup_message_headers_set_content_type (soup_server_message_get_response_headers (message),
                                         file->type, NULL);
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), file->bytes);
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
}

static gboolean
add_file (SoupServer  *server,
          const char  *path,
          const char  *type,
          const char  *name,
          GError     **error)
{
  g_autofree char *contents = NULL;
  gsize size;
  File *file;

  if (!g_file_get_contents (name, &contents, &size, error))
    return FALSE;

  file = g_new (File, 1);
  *file = (File) { path, type, g_bytes_new_take (g_steal_pointer (&contents), size) };
  soup_server_add_handler (server, path, serve_file, file, file_free);
  return TRUE;
}

/* The pages of this server may open the WebSocket, and those of the sites that were named. */
static GStrv
list_origins (guint  port,
              char **more)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *localhost = g_strdup_printf ("http://localhost:%u", port);
  g_autofree char *address = g_strdup_printf ("http://127.0.0.1:%u", port);

  g_strv_builder_add_many (builder, localhost, address, NULL);
  if (more != NULL)
    g_strv_builder_addv (builder, (const char **) more);
  return g_strv_builder_end (builder);
}

static guint
get_port (SoupServer *server)
{
  GSList *uris = soup_server_get_uris (server);
  int port = uris != NULL ? g_uri_get_port (uris->data) : 0;

  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return (guint) port;
}

static gboolean
serve (Program  *program,
       int       port,
       char    **origins,
       char    **files,
       GError  **error)
{
  g_auto(GStrv) all_origins = NULL;

  if (!add_file (program->soup, "/", "text/html", files[0], error) ||
      !add_file (program->soup, "/msgpack.js", "text/javascript", files[1], error) ||
      !soup_server_listen_local (program->soup, (guint) port, SOUP_SERVER_LISTEN_IPV4_ONLY, error))
    return FALSE;

  all_origins = list_origins (get_port (program->soup), origins);
  msgpack_rpc_web_socket_stream_add_handler (program->soup, "/rpc", (const char * const *) all_origins,
                                             program->server);
  g_print ("http://localhost:%u/\n", get_port (program->soup));
  return TRUE;
}

static void
set_up (Program *program)
{
  program->loop = g_main_loop_new (NULL, FALSE);
  program->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (program->dispatcher, "add", "(xx)", add, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (program->dispatcher, "greet", "()", greet, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (program->dispatcher, "say", "(s)", say, NULL, NULL);
  program->ticks = msgpack_rpc_dispatcher_add_topic (program->dispatcher, "ticks", "u");
  program->server = msgpack_rpc_server_new ();
  msgpack_rpc_server_set_dispatcher (program->server, program->dispatcher);
  g_signal_connect (program->server, "client-connected", G_CALLBACK (connected), NULL);
  g_signal_connect (program->server, "client-disconnected", G_CALLBACK (disconnected), NULL);
  program->soup = soup_server_new (NULL, NULL);
}

static void
clear (Program *program)
{
  g_object_unref (program->soup);
  g_object_unref (program->server);
  g_object_unref (program->ticks);
  g_object_unref (program->dispatcher);
  g_main_loop_unref (program->loop);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) options = g_option_context_new ("PAGE MSGPACK.JS — serve a web page");
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) origins = NULL;
  g_auto(GStrv) files = NULL;
  Program program = { NULL };
  int port = 8080;
  const GOptionEntry entries[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Port, or 0 for any (8080)", "PORT" },
    { "origin", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &origins,
      "Another site whose pages may open the WebSocket, such as https://example.org", "ORIGIN" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error) ||
      files == NULL || g_strv_length (files) != 2 || port < 0)
    {
      g_printerr ("%s\n", error != NULL ? error->message : "Which files? See --help");
      return 2;
    }

  set_up (&program);
  if (serve (&program, port, origins, files, &error))
    {
      g_timeout_add (TICK, tick, &program);
      g_unix_signal_add (SIGINT, quit, program.loop);
      g_unix_signal_add (SIGTERM, quit, program.loop);
      g_main_loop_run (program.loop);
    }
  else
    g_printerr ("%s\n", error->message);
  clear (&program);
  return error == NULL ? 0 : 1;
}
