/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* jsonrpc-glib, which sends GVariants instead of JSON when both ends want it. */

#include "peer-glib.h"

#include <glib-unix.h>
#include <jsonrpc-glib.h>

static JsonrpcClient *client;

static GIOStream *
stream_new (int fd)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, &error);

  if (socket == NULL)
    bench_die ("%s", error->message);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static void
add (JsonrpcServer *server,
     JsonrpcClient *caller,
     const char    *method,
     GVariant      *id,
     GVariant      *params,
     gpointer       data)
{
  gint64 a, b;

  g_variant_get (params, "(xx)", &a, &b);
  jsonrpc_client_reply_async (caller, id, g_variant_new_int64 (a + b), NULL, NULL, NULL);
}

static void
echo (JsonrpcServer *server,
      JsonrpcClient *caller,
      const char    *method,
      GVariant      *id,
      GVariant      *params,
      gpointer       data)
{
  jsonrpc_client_reply_async (caller, id, params, NULL, NULL, NULL);
}

static gboolean
accept_cb (int          listener,
           GIOCondition condition,
           gpointer     server)
{
  int fd;

  while ((fd = bench_accept (listener)) >= 0)
    {
      g_autoptr(GIOStream) stream = stream_new (fd);

      jsonrpc_server_accept_io_stream (server, stream);
    }
  return G_SOURCE_CONTINUE;
}

void
peer_serve (const char *address)
{
  g_autoptr(JsonrpcServer) server = jsonrpc_server_new ();

  jsonrpc_server_add_handler (server, "add", add, NULL, NULL);
  jsonrpc_server_add_handler (server, "echo_bytes", echo, NULL, NULL);
  jsonrpc_server_add_handler (server, "echo_document", echo, NULL, NULL);
  g_unix_fd_add (bench_listen (address), G_IO_IN, accept_cb, server);
  peer_run ();
}

void
glib_call (const char          *method,
           GVariant            *params,
           GAsyncReadyCallback  callback)
{
  jsonrpc_client_call_async (client, method, params, NULL, callback, NULL);
}

GVariant *
glib_call_finish (GAsyncResult  *result,
                  GError       **error)
{
  GVariant *reply = NULL;

  jsonrpc_client_call_finish (client, result, &reply, error);
  return reply;
}

GVariant *
glib_add_params (gint64 a,
                 gint64 b)
{
  return g_variant_new ("(xx)", a, b);
}

gint64
glib_get_sum (GVariant *reply)
{
  return g_variant_get_int64 (reply);
}

void
peer_open (const char *address)
{
  g_autoptr(GIOStream) stream = stream_new (bench_connect (address));

  client = jsonrpc_client_new (stream);
  jsonrpc_client_set_use_gvariant (client, TRUE);
}
