/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that doubles numbers, with threads that all wait for events of one queue, and a client for
 * it. Numbers and answers are lines, so that `nc` is a client, too. */

#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <stdio.h>
#include <unistd.h>

#define ADDRESS "tcp://localhost:18801"
#define MAX_LINE 1024
#define MAX_QUOTED 64
#define MAX_THREADS 1000

/* ---- the server ---- */

typedef struct
{
  MsgpackRpcConnector *connector;
  MsgpackRpcEventQueue *queue; /* the connector's */
  int delay;                   /* milliseconds */
  GMutex lock;
  GCond stopped;
  gboolean is_stopping;        /* guarded by the lock */
} Server;

typedef struct
{
  Server *server;
  GThread *thread;
  int number;
  guint n_answers;
} Worker;

/* What a peer wrote, for a terminal. */
static char *
quote (const char *text)
{
  GString *quoted = g_string_new (NULL);

  for (int i = 0; *text != '\0' && i < MAX_QUOTED; i++, text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);

      g_string_append_unichar (quoted, g_unichar_isprint (c) ? c : '?');
    }
  return g_string_free (quoted, FALSE);
}

static char *
make_answer (const char *question)
{
  g_autofree char *quoted = quote (question);
  g_autoptr(GError) error = NULL;
  gint64 number, doubled;

  if (!g_ascii_string_to_signed (question, 10, G_MININT64, G_MAXINT64, &number, &error))
    return g_strdup_printf ("%s: error: %s", quoted,
                            g_error_matches (error, G_NUMBER_PARSER_ERROR,
                                             G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS)
                                ? "too large a number" : "not a whole number");
  if (__builtin_add_overflow (number, number, &doubled))
    return g_strdup_printf ("%s: error: the double is too large a number", quoted);

  return g_strdup_printf ("%s: %" G_GINT64_FORMAT, quoted, doubled);
}

/* As if the work took long; not when the server stops. */
static void
take_time (Server *server)
{
  gint64 end = g_get_monotonic_time () + server->delay * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&server->lock);
  while (!server->is_stopping && g_cond_wait_until (&server->stopped, &server->lock, end))
    continue;
  g_mutex_unlock (&server->lock);
}

static void
answer (Worker            *worker,
        MsgpackRpcChannel *channel,
        GVariant          *message)
{
  g_autofree char *text = make_answer (g_variant_get_string (message, NULL));
  g_autoptr(GError) error = NULL;

  g_print ("worker %d, client %" G_GUINT64_FORMAT ": %s\n", worker->number,
           msgpack_rpc_channel_get_id (channel), text);
  if (worker->server->delay > 0)
    take_time (worker->server);
  worker->n_answers++;

  /* Who asks and does not read the answers is not worth the memory. */
  if (!msgpack_rpc_channel_send (channel, g_variant_new_string (text), &error) &&
      g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL))
    msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static void
report_end (MsgpackRpcEvent *event)
{
  const GError *error = msgpack_rpc_event_get_error (event);

  g_print ("client %" G_GUINT64_FORMAT " %s%s; %" G_GSIZE_FORMAT " answers were not sent\n",
           msgpack_rpc_channel_get_id (msgpack_rpc_event_get_channel (event)),
           error != NULL ? "is lost: " : "has gone", error != NULL ? error->message : "",
           g_variant_n_children (msgpack_rpc_event_get_unsent (event)) +
               (msgpack_rpc_event_get_incomplete (event) != NULL));
}

static void
handle (Worker          *worker,
        MsgpackRpcEvent *event)
{
  MsgpackRpcChannel *channel = msgpack_rpc_event_get_channel (event);

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT:
      g_print ("client %" G_GUINT64_FORMAT " is here\n", msgpack_rpc_channel_get_id (channel));
      msgpack_rpc_event_accept (event, NULL);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      answer (worker, channel, msgpack_rpc_event_get_message (event));
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED:
      g_print ("client %" G_GUINT64_FORMAT ": an answer was not sent: %s\n",
               msgpack_rpc_channel_get_id (channel), msgpack_rpc_event_get_error (event)->message);
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      report_end (event);
      break;

    default:
      break;
    }
}

/* Each event goes to one of the threads. There are no more when the connector was shut down. */
static gpointer
work (gpointer data)
{
  Worker *worker = data;
  MsgpackRpcEvent *event;

  while ((event = msgpack_rpc_event_queue_receive (worker->server->queue, -1, NULL, NULL)) != NULL)
    {
      handle (worker, event);
      msgpack_rpc_event_unref (event);
    }
  return NULL;
}

static Worker *
start_workers (Server *server,
               int     n_workers)
{
  Worker *workers = g_new0 (Worker, n_workers);

  for (int i = 0; i < n_workers; i++)
    {
      g_autofree char *name = g_strdup_printf ("worker %d", i + 1);

      workers[i].server = server;
      workers[i].number = i + 1;
      workers[i].thread = g_thread_new (name, work, &workers[i]);
    }
  return workers;
}

static void
join_workers (Worker *workers,
              int     n_workers)
{
  for (int i = 0; i < n_workers; i++)
    {
      g_thread_join (workers[i].thread);
      g_print ("worker %d has answered %u times\n", i + 1, workers[i].n_answers);
    }
  g_free (workers);
}

static gboolean
stop_cb (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

static void
stop (Server *server)
{
  g_autoptr(GVariant) unsent = NULL;

  g_mutex_lock (&server->lock);
  server->is_stopping = TRUE;
  g_cond_broadcast (&server->stopped);
  g_mutex_unlock (&server->lock);
  unsent = msgpack_rpc_connector_shut_down_sync (server->connector,
                                                 MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
}

static MsgpackRpcConnector *
make_connector (GMainContext *context)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();

  msgpack_rpc_lines_codec_set_max_size (MSGPACK_RPC_LINES_CODEC (codec), MAX_LINE);
  return g_object_new (MSGPACK_RPC_TYPE_CONNECTOR, "codec", codec, "main-context", context, NULL);
}

static gboolean
serve (const char  *address,
       int          n_threads,
       int          delay,
       GError     **error)
{
  g_autoptr(MsgpackRpcLoopThread) network = msgpack_rpc_loop_thread_new ("network");
  g_autoptr(MsgpackRpcConnector) connector =
    make_connector (msgpack_rpc_loop_thread_get_main_context (network));
  Server server = {
    .connector = connector,
    .queue = msgpack_rpc_connector_get_queue (connector),
    .delay = delay,
  };
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_auto(GStrv) addresses = NULL;
  Worker *workers;

  g_unix_signal_add (SIGINT, stop_cb, loop);
  g_unix_signal_add (SIGTERM, stop_cb, loop);
  msgpack_rpc_loop_thread_start (network);
  addresses = msgpack_rpc_connector_listen_sync (connector, address, NULL, error);
  if (addresses == NULL)
    return FALSE;

  workers = start_workers (&server, n_threads);
  for (int i = 0; addresses[i] != NULL; i++)
    g_print ("listening on %s\n", addresses[i]);
  g_main_loop_run (loop);
  stop (&server);
  join_workers (workers, n_threads);
  return TRUE;
}

/* ---- the client: one loop, and no threads ---- */

typedef struct
{
  GMainLoop *loop;
  MsgpackRpcConnector *connector;
  MsgpackRpcChannel *channel;
  MsgpackRpcWatch *input; /* nullable */
  GString *typed;         /* the last line, which has not ended */
  guint n_unanswered;
  gboolean has_asked_all;
  gboolean has_failed;
} Client;

static void
leave_if_done (Client *client)
{
  if (client->has_asked_all && client->n_unanswered == 0)
    msgpack_rpc_channel_close_async (client->channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                     NULL);
}

static void
ask (Client     *client,
     const char *number)
{
  g_autoptr(GError) error = NULL;

  if (msgpack_rpc_channel_send (client->channel, g_variant_new_string (number), &error))
    client->n_unanswered++;
}

/* Not sent: too long, not text, or the channel has ended. */
static void
report_rejected (Client          *client,
                 MsgpackRpcEvent *event)
{
  const char *text = g_variant_get_string (msgpack_rpc_event_get_message (event), NULL);
  g_autofree char *quoted = quote (text);

  g_printerr ("%s: %s\n", quoted, msgpack_rpc_event_get_error (event)->message);
  client->has_failed = TRUE;
  client->n_unanswered -= client->n_unanswered > 0;
  leave_if_done (client);
}

static void
report_answer (Client     *client,
               const char *text)
{
  g_autofree char *quoted = quote (text);

  if (strstr (quoted, ": error: ") == NULL)
    g_print ("%s\n", quoted);
  else
    {
      g_printerr ("%s\n", quoted);
      client->has_failed = TRUE;
    }
  client->n_unanswered -= client->n_unanswered > 0;
  leave_if_done (client);
}

static void
end (Client       *client,
     const char   *what,
     const GError *error)
{
  if (what != NULL)
    {
      g_printerr ("%s%s%s\n", what, error != NULL ? ": " : "", error != NULL ? error->message : "");
      client->has_failed = TRUE;
    }
  g_main_loop_quit (client->loop);
}

static void
client_handle (Client          *client,
               MsgpackRpcEvent *event)
{
  const GError *error = msgpack_rpc_event_get_error (event);

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT:
      if (error != NULL)
        end (client, msgpack_rpc_channel_get_address (client->channel), error);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      report_answer (client, g_variant_get_string (msgpack_rpc_event_get_message (event), NULL));
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_REJECTED:
      report_rejected (client, event);
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
      end (client, "The connection is lost", error);
      break;

    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      end (client, NULL, NULL);
      break;

    default:
      break;
    }
}

static void
received_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);

  if (event == NULL)
    return;

  client_handle (user_data, event);
  if (g_main_loop_is_running (((Client *) user_data)->loop))
    msgpack_rpc_event_queue_receive_async (queue, -1, NULL, received_cb, user_data);
}

static void
ask_typed (Client *client)
{
  char *end_of_line;

  while ((end_of_line = memchr (client->typed->str, '\n', client->typed->len)) != NULL)
    {
      *end_of_line = '\0';
      g_strchomp (client->typed->str);
      if (client->typed->str[0] != '\0' && g_utf8_validate (client->typed->str, -1, NULL))
        ask (client, client->typed->str);
      g_string_erase (client->typed, 0, end_of_line + 1 - client->typed->str);
    }
}

static gboolean
input_cb (int                    fd,
          MsgpackRpcWatchEvents  events G_GNUC_UNUSED,
          gpointer               user_data)
{
  Client *client = user_data;
  char chunk[MAX_LINE];
  ssize_t n = read (fd, chunk, sizeof chunk);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  if (n > 0)
    {
      g_string_append_len (client->typed, chunk, n);
      ask_typed (client);
      return G_SOURCE_CONTINUE;
    }

  g_string_append_c (client->typed, '\n');
  ask_typed (client);
  client->has_asked_all = TRUE;
  leave_if_done (client);
  return G_SOURCE_REMOVE;
}

static void
start_asking (Client *client,
              char  **numbers)
{
  for (int i = 0; numbers[i] != NULL; i++)
    ask (client, numbers[i]);
  client->has_asked_all = numbers[0] != NULL;
  if (!client->has_asked_all)
    client->input = msgpack_rpc_watch_add (NULL, STDIN_FILENO, MSGPACK_RPC_WATCH_EVENTS_READ, input_cb,
                                           client, NULL);
}

static void
shut_down_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_connector_shut_down_finish (MSGPACK_RPC_CONNECTOR (source), result, NULL);
  g_main_loop_quit (user_data);
}

static void
client_clear (Client *client)
{
  if (client->input != NULL)
    msgpack_rpc_watch_remove (client->input);
  g_clear_object (&client->input);
  msgpack_rpc_connector_shut_down_async (client->connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                         shut_down_cb, client->loop);
  g_main_loop_run (client->loop);
  g_string_free (client->typed, TRUE);
  g_object_unref (client->channel);
  g_object_unref (client->connector);
  g_main_loop_unref (client->loop);
}

static gboolean
run_client (const char  *address,
            char       **numbers,
            GError     **error)
{
  MsgpackRpcConnector *connector = make_connector (NULL);
  MsgpackRpcEventQueue *queue = msgpack_rpc_connector_get_queue (connector);
  MsgpackRpcChannel *channel = msgpack_rpc_connector_open (connector, address, NULL, error);
  Client client = { .connector = connector, .channel = channel };

  if (channel == NULL)
    {
      g_object_unref (connector);
      return FALSE;
    }

  client.loop = g_main_loop_new (NULL, FALSE);
  client.typed = g_string_new (NULL);
  msgpack_rpc_event_queue_receive_async (queue, -1, NULL, received_cb, &client);
  start_asking (&client, numbers);
  g_main_loop_run (client.loop);
  client_clear (&client);
  return !client.has_failed;
}

/* ---- both ---- */

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) options = g_option_context_new ("— double numbers");
  g_autoptr(GError) error = NULL;
  g_autofree char *listen = NULL;
  g_autofree char *connect = NULL;
  g_auto(GStrv) numbers = NULL;
  int n_threads = 10;
  int delay = 0;
  gboolean done;
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &listen, "Serve at an address", "ADDRESS" },
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &connect, "Ask a server (" ADDRESS ")", "ADDRESS" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "How many threads answer (10)", "NUMBER" },
    { "delay", 'd', 0, G_OPTION_ARG_INT, &delay, "How long an answer takes (0)", "MILLISECONDS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &numbers, NULL, "[NUMBER…]" },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_set_summary (options, "Serves with --listen. Asks a server otherwise, for the double "
                                         "of the numbers given,\nor of those on the standard input, one "
                                         "on each line. After “--” they may be negative.");
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if ((listen != NULL && (connect != NULL || numbers != NULL)) || n_threads < 1 ||
      n_threads > MAX_THREADS || delay < 0)
    {
      g_printerr ("Use --listen without --connect and numbers, 1 to %d threads and no negative delay\n",
                  MAX_THREADS);
      return 2;
    }

  if (listen != NULL)
    done = serve (listen, n_threads, delay, &error);
  else
    done = run_client (connect != NULL ? connect : ADDRESS,
                       numbers != NULL ? numbers : (char *[]) { NULL }, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return done ? 0 : 1;
}
