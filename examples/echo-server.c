/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that sends back what it receives, without any protocol: descriptors that are watched, and a
 * function for each. Try it with `nc localhost 10000`. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 5
#define CHUNK 1024

typedef struct
{
  GMainLoop *loop;
  GHashTable *clients; /* of Client, owned: those who are there */
  guint64 n_clients;   /* ever */
  guint64 n_bytes;     /* sent back */
  gboolean quiet;
  int fd;
  MsgpackRpcWatch *watch;
} Server;

typedef struct
{
  Server *server;
  char *address;
  int fd;
  MsgpackRpcWatch *watch;
  char chunk[CHUNK]; /* what was received and not sent back */
  gsize begin;
  gsize end;
} Client;

static void G_GNUC_PRINTF (2, 3)
say (const Client *client,
     const char   *format,
     ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (client->server->quiet)
    return;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s: %s\n", client->address, text);
}

/* Removes the watch before it closes the descriptor, whose number the next client may get. */
static void
client_free (gpointer data)
{
  Client *client = data;

  msgpack_rpc_watch_remove (client->watch);
  g_object_unref (client->watch);
  close (client->fd);
  g_free (client->address);
  /* There is a descriptor for the next one again. */
  msgpack_rpc_watch_update (client->server->watch, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_free (client);
}

/* Nothing more is read until this was sent back: a client that does not read is not read from. */
static gboolean
client_read (Client *client)
{
  ssize_t n = read (client->fd, client->chunk, sizeof client->chunk);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  if (n == 0)
    return FALSE;

  say (client, "%zd bytes", n);
  client->begin = 0;
  client->end = (gsize) n;
  msgpack_rpc_watch_update (client->watch, MSGPACK_RPC_WATCH_EVENTS_WRITE);
  return TRUE;
}

/* The socket may take a part alone; the rest goes out when it takes more. */
static gboolean
client_write (Client *client)
{
  ssize_t n = send (client->fd, client->chunk + client->begin, client->end - client->begin,
                    MSG_NOSIGNAL);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;

  client->server->n_bytes += (gsize) n;
  client->begin += (gsize) n;
  if (client->begin == client->end)
    msgpack_rpc_watch_update (client->watch, MSGPACK_RPC_WATCH_EVENTS_READ);
  return TRUE;
}

static gboolean
client_cb (int                   fd G_GNUC_UNUSED,
           MsgpackRpcWatchEvents events,
           gpointer              user_data)
{
  Client *client = user_data;
  gboolean goes_on = TRUE;

  /* An end that both sides have closed is an error and has input: read what it left first. */
  if (events & MSGPACK_RPC_WATCH_EVENTS_READ)
    goes_on = client_read (client);
  else if (events & MSGPACK_RPC_WATCH_EVENTS_ERROR)
    goes_on = FALSE;
  else if (events & MSGPACK_RPC_WATCH_EVENTS_WRITE)
    goes_on = client_write (client);
  if (goes_on)
    return G_SOURCE_CONTINUE;

  say (client, "gone");
  g_hash_table_remove (client->server->clients, client);
  return G_SOURCE_REMOVE;
}

static char *
format_address (const struct sockaddr_in *address)
{
  char text[INET_ADDRSTRLEN] = "?";

  inet_ntop (AF_INET, &address->sin_addr, text, sizeof text);
  return g_strdup_printf ("%s:%d", text, ntohs (address->sin_port));
}

static gboolean
accept_cb (int                   fd,
           MsgpackRpcWatchEvents events G_GNUC_UNUSED,
           gpointer              user_data)
{
  Server *server = user_data;
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int client_fd = accept (fd, (struct sockaddr *) &address, &size);
  Client *client;

  /* Without a descriptor left, to be told that somebody waits would be all there is to do. */
  if (client_fd < 0 && (errno == EMFILE || errno == ENFILE) &&
      g_hash_table_size (server->clients) > 0)
    msgpack_rpc_watch_update (server->watch, MSGPACK_RPC_WATCH_EVENTS_NONE);
  if (client_fd < 0)
    return G_SOURCE_CONTINUE;

  fcntl (client_fd, F_SETFD, FD_CLOEXEC);
  g_unix_set_fd_nonblocking (client_fd, TRUE, NULL);
  client = g_new0 (Client, 1);
  client->server = server;
  client->address = format_address (&address);
  client->fd = client_fd;
  client->watch = msgpack_rpc_watch_add (NULL, client_fd, MSGPACK_RPC_WATCH_EVENTS_READ, client_cb,
                                         client, NULL);
  g_hash_table_add (server->clients, client);
  server->n_clients++;
  say (client, "here");
  return G_SOURCE_CONTINUE;
}

static gboolean
listen_on (Server  *server,
           int      port,
           GError **error)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons ((guint16) port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  socklen_t size = sizeof address;

  server->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (server->fd < 0 ||
      setsockopt (server->fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof (int)) < 0 ||
      bind (server->fd, (struct sockaddr *) &address, size) < 0 ||
      listen (server->fd, BACKLOG) < 0 ||
      getsockname (server->fd, (struct sockaddr *) &address, &size) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "localhost:%d: %s", port,
                   g_strerror (errno));
      return FALSE;
    }

  server->watch = msgpack_rpc_watch_add (NULL, server->fd, MSGPACK_RPC_WATCH_EVENTS_READ, accept_cb,
                                         server, NULL);
  g_print ("listening on localhost:%d\n", ntohs (address.sin_port));
  return TRUE;
}

static gboolean
stop_cb (gpointer data)
{
  Server *server = data;

  g_main_loop_quit (server->loop);
  return G_SOURCE_CONTINUE;
}

static void
server_clear (Server *server)
{
  g_hash_table_unref (server->clients);
  if (server->watch != NULL)
    msgpack_rpc_watch_remove (server->watch);
  g_clear_object (&server->watch);
  if (server->fd >= 0)
    close (server->fd);
  g_main_loop_unref (server->loop);
}

static gboolean
run (Server  *server,
     int      port,
     GError **error)
{
  if (!listen_on (server, port, error))
    return FALSE;

  g_unix_signal_add (SIGINT, stop_cb, server);
  g_unix_signal_add (SIGTERM, stop_cb, server);
  g_main_loop_run (server->loop);
  g_print ("%" G_GUINT64_FORMAT " clients, %" G_GUINT64_FORMAT " bytes, %u left\n",
           server->n_clients, server->n_bytes, g_hash_table_size (server->clients));
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) options = g_option_context_new ("— send back what is received");
  g_autoptr(GError) error = NULL;
  Server server = { .fd = -1 };
  int port = 10000;
  const GOptionEntry entries[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Port, or 0 for any (10000)", "PORT" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &server.quiet, "Do not print each step", NULL },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  server.loop = g_main_loop_new (NULL, FALSE);
  server.clients = g_hash_table_new_full (NULL, NULL, client_free, NULL);
  if (!run (&server, port, &error))
    g_printerr ("%s\n", error->message);
  server_clear (&server);
  return error == NULL ? 0 : 1;
}
