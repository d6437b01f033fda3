/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* background-work
 *
 * A server that has much to do, and is quick all the same: methods that run in the loop, in a thread and
 * in another process; an interval and a timeout; what comes on the standard input, published as it comes;
 * and a result that is larger than the memory it may take. */

#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define MAX_TIMERS 100
#define MAX_NAP (60 * 1000)
#define MAX_LINE 1024
#define CHUNK_SIZE (16 * 1024)

typedef struct
{
  MsgpackRpcTopic *lines; /* owned */
  GString *line;          /* owned: what came of the next one */
  guint n_timers;
} Program;

/* ---- in the loop, in a thread, in a process ---- */

static gboolean
hello (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data,
       GError               **error)
{
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("hello"));
}

/* Stands for whatever waits: a disk, a database, another service. */
static gboolean
nap (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data,
     GError               **error)
{
  guint milliseconds;

  g_variant_get (params, "(u)", &milliseconds);
  g_usleep (MIN (milliseconds, MAX_NAP) * 1000UL);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("rested"));
}

static gboolean
is_prime (gint64 n)
{
  for (gint64 i = 2; i * i <= n; i++)
    if (n % i == 0)
      return FALSE;

  return n > 1;
}

/* Keeps a processor busy. */
static gboolean
primes (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  gint64 limit, n = 0;

  g_variant_get (params, "(x)", &limit);
  for (gint64 i = 2; i < limit; i++)
    n += is_prime (i);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (n));
}

/* ---- at an interval, and later ---- */

typedef struct
{
  Program *program;
  MsgpackRpcConnection *connection; /* owned: until the timer has ended, which it does with it */
  gint64 n_ticks;
  char *text;
} Timer;

static void
timer_free (gpointer data)
{
  Timer *timer = data;

  timer->program->n_timers--;
  g_object_unref (timer->connection);
  g_free (timer->text);
  g_free (timer);
}

/* Nobody should have us count for too many. */
static Timer *
timer_new (Program               *program,
           MsgpackRpcInvocation  *invocation,
           GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  Timer *timer;

  if (connection == NULL || program->n_timers == MAX_TIMERS)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                   "There are %u timers already: stop one first", program->n_timers);
      return NULL;
    }

  timer = g_new0 (Timer, 1);
  timer->program = program;
  timer->connection = g_object_ref (connection);
  program->n_timers++;
  return timer;
}

static gboolean
tick (gpointer user_data)
{
  Timer *timer = user_data;

  timer->n_ticks++;
  /* Who does not read misses some. */
  if (!msgpack_rpc_connection_is_congested (timer->connection))
    msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (timer->connection), "tick",
                                        g_variant_new ("(x)", timer->n_ticks), NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
start_clock (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  Timer *timer = timer_new (user_data, invocation, error);
  guint milliseconds, id;

  if (timer == NULL)
    return FALSE;

  g_variant_get (params, "(u)", &milliseconds);
  id = msgpack_rpc_peer_add_interval (MSGPACK_RPC_PEER (timer->connection), MAX (milliseconds, 1), tick,
                                      timer, timer_free);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_uint32 (id));
}

static void
remind_now (gpointer user_data)
{
  Timer *timer = user_data;

  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (timer->connection), "reminder",
                                      g_variant_new ("(s)", timer->text), NULL);
}

static gboolean
remind (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  Timer *timer = timer_new (user_data, invocation, error);
  guint milliseconds, id;

  if (timer == NULL)
    return FALSE;

  g_variant_get (params, "(us)", &milliseconds, &timer->text);
  id = msgpack_rpc_peer_add_timeout (MSGPACK_RPC_PEER (timer->connection), milliseconds, remind_now,
                                     timer, timer_free);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_uint32 (id));
}

static gboolean
stop (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  gboolean stopped;
  guint id;

  g_variant_get (params, "(u)", &id);
  stopped = connection != NULL && msgpack_rpc_peer_remove_timer (MSGPACK_RPC_PEER (connection), id);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_boolean (stopped));
}

/* ---- a large result ---- */

typedef struct
{
  MsgpackRpcInvocation *invocation; /* owned */
  MsgpackRpcPeer *peer;             /* owned */
  gint64 n_chunks;
  gint64 n_sent;
} Playback;

static void send_chunk (Playback *playback);

static void
playback_free (Playback *playback)
{
  g_object_unref (playback->invocation);
  g_object_unref (playback->peer);
  g_free (playback);
}

/* It was written: there is room for the next one. */
static void
chunk_sent (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Playback *playback = user_data;
  g_autoptr(GError) error = NULL;

  if (!msgpack_rpc_peer_send_notification_finish (playback->peer, result, &error))
    {
      msgpack_rpc_invocation_return_gerror (playback->invocation, error);
      playback_free (playback);
      return;
    }

  playback->n_sent++;
  send_chunk (playback);
}

static void
send_chunk (Playback *playback)
{
  g_autofree char *text = NULL;

  if (playback->n_sent >= playback->n_chunks ||
      msgpack_rpc_invocation_is_cancelled (playback->invocation))
    {
      msgpack_rpc_invocation_return_value (playback->invocation,
                                           g_variant_new_int64 (playback->n_sent));
      playback_free (playback);
      return;
    }

  /* None is made before the last one has left. */
  text = g_strnfill (CHUNK_SIZE, 'a' + (char) (playback->n_sent % 26));
  msgpack_rpc_peer_send_notification_async (playback->peer, "chunk",
                                            g_variant_new ("(xs)", playback->n_sent, text), NULL,
                                            chunk_sent, playback);
}

static gboolean
play (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data,
      GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  Playback *playback;

  if (connection == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "There is nobody to play to");
      return FALSE;
    }

  playback = g_new0 (Playback, 1);
  playback->invocation = g_object_ref (invocation);
  playback->peer = MSGPACK_RPC_PEER (g_object_ref (connection));
  g_variant_get (params, "(x)", &playback->n_chunks);
  send_chunk (playback);
  return TRUE;
}

/* ---- what comes on the standard input ---- */

static void
publish_line (Program *program)
{
  g_autofree char *text = g_utf8_make_valid (program->line->str, (gssize) program->line->len);

  msgpack_rpc_topic_publish (program->lines, g_variant_new_string (text), NULL);
  g_string_truncate (program->line, 0);
}

static gboolean
input_ready (int                   fd,
             MsgpackRpcWatchEvents events,
             gpointer              user_data)
{
  Program *program = user_data;
  char chunk[MAX_LINE];
  ssize_t n = read (fd, chunk, sizeof chunk);

  if (n <= 0)
    return G_SOURCE_REMOVE;

  for (ssize_t i = 0; i < n; i++)
    {
      if (chunk[i] != '\n')
        g_string_append_c (program->line, chunk[i]);
      if (chunk[i] == '\n' || program->line->len == MAX_LINE)
        publish_line (program);
    }
  return G_SOURCE_CONTINUE;
}

/* ---- the program ---- */

static void
add_methods (MsgpackRpcDispatcher *dispatcher,
             Program              *program)
{
  msgpack_rpc_dispatcher_add_method (dispatcher, "hello", "()", hello, NULL, NULL);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "nap", "(u)", nap, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "primes", "(x)", primes, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
  msgpack_rpc_dispatcher_add_method (dispatcher, "clock", "(u)", start_clock, program, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "remind", "(us)", remind, program, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "stop", "(u)", stop, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "play", "(x)", play, NULL, NULL);
}

static gboolean
serve (MsgpackRpcDispatcher  *dispatcher,
       Program               *program,
       const char            *address,
       GError               **error)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcWatch) watch = NULL;
  g_auto(GStrv) addresses = NULL;
  gboolean ran;

  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, error);
  if (addresses == NULL)
    return FALSE;

  g_print ("listening on %s\n", addresses[0]);
  watch = msgpack_rpc_watch_add (NULL, STDIN_FILENO, MSGPACK_RPC_WATCH_EVENTS_READ, input_ready,
                                 program, NULL);
  ran = msgpack_rpc_server_run (server, NULL, error);
  msgpack_rpc_watch_remove (watch);
  return ran;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GOptionContext) options = g_option_context_new ("— work that keeps nobody waiting");
  g_autofree char *address = NULL;
  g_autoptr(GError) error = NULL;
  Program program = { NULL };
  gboolean is_worker = FALSE;
  const char * const worker_argv[] = { argv[0], "--worker", NULL };
  const GOptionEntry entries[] = {
    { "address", 'a', 0, G_OPTION_ARG_STRING, &address, "Where to listen (tcp://127.0.0.1:18802)",
      "ADDRESS" },
    { "worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &is_worker, NULL, NULL },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_set_summary (options,
                                "Methods: hello (), nap (ms), primes (limit), clock (ms), "
                                "remind (ms, text), stop (id), play (chunks).\n"
                                "Lines of the standard input are published as topic “lines”.");
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  add_methods (dispatcher, &program);
  if (is_worker)
    return msgpack_rpc_worker_main (dispatcher);

  msgpack_rpc_dispatcher_set_worker_argv (dispatcher, worker_argv);
  msgpack_rpc_dispatcher_set_n_workers (dispatcher, g_get_num_processors ());
  msgpack_rpc_dispatcher_set_worker_time_limit (dispatcher, 60 * 1000);
  program.lines = msgpack_rpc_dispatcher_add_topic (dispatcher, "lines", "s");
  program.line = g_string_new (NULL);
  if (!serve (dispatcher, &program, address != NULL ? address : "tcp://127.0.0.1:18802", &error))
    g_printerr ("%s\n", error->message);

  /* What has ended is let go. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (error == NULL)
    g_print ("drained, %u timers left\n", program.n_timers);
  g_string_free (program.line, TRUE);
  g_object_unref (program.lines);
  return error == NULL ? 0 : 1;
}
