/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Each system call of a fixed conversation fails once, at each place. The conversation may fail then,
 * with an error; it may not give a wrong answer, hang, crash, or leave a descriptor open. */

#include "test-util.h"

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail-calls.h"

/* In seconds; nothing takes as long unless it hangs. */
#define HANG 10
/* More than any conversation makes. */
#define MAX_CALLS 2000
/* What does not go out at once: more than a socket takes, and more than such a small one does. */
#define BIG_SIZE (300 * 1024)
#define SMALL_BUFFER (16 * 1024)

/* What a child tells by its exit status. */
typedef enum
{
  OUTCOME_UNFAILED,   /* there is no such call any more */
  OUTCOME_SUCCEEDED,  /* in spite of it */
  OUTCOME_FAILED,     /* with an error */
  OUTCOME_WRONG,
  OUTCOME_NOTICED,    /* what nobody should notice */
  OUTCOME_LEAKED,
  N_OUTCOMES
} Outcome;

static const char * const outcome_names[N_OUTCOMES] = {
  "unfailed", "succeeded", "failed", "gave a wrong answer", "was noticed", "left descriptors open",
};

/* ---- the conversation ---- */

typedef struct
{
  guint big_size;  /* of one string; 0: BIG_SIZE */
  guint n_pending;
  guint n_errors;
  gboolean wrong;
} Talk;

static guint
get_big_size (const Talk *talk)
{
  return talk->big_size > 0 ? talk->big_size : BIG_SIZE;
}

static void
note (Talk         *talk,
      GVariant     *value,
      const GError *error,
      gint64        expected)
{
  if ((value == NULL) == (error == NULL))
    talk->wrong = TRUE;
  else if (value == NULL)
    talk->n_errors++;
  else if (!g_variant_is_of_type (value, G_VARIANT_TYPE_INT64) ||
           g_variant_get_int64 (value) != expected)
    talk->wrong = TRUE;
}

static gboolean
size_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  const char *text;

  g_variant_get (params, "(&s)", &text);
  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new_int64 ((gint64) strlen (text)));
}

static MsgpackRpcDispatcher *
dispatcher_new (void)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "size", "(s)", size_handler, NULL, NULL);
  return dispatcher;
}

static void
ended_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  Talk *talk = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  MsgpackRpcCall *call = MSGPACK_RPC_CALL (result);

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  note (talk, value, error,
        g_str_equal (msgpack_rpc_call_get_method (call), "add") ? 3 : get_big_size (talk));
  talk->n_pending--;
}

typedef struct
{
  MsgpackRpcPeer *peer;
  GVariant *value;
  GError *error;
  int done;
} SyncCall;

static gpointer
call_in_thread (gpointer data)
{
  SyncCall *call = data;

  call->value = msgpack_rpc_peer_call_sync (call->peer, "add", g_variant_new ("(ii)", 4, 5), NULL,
                                            &call->error);
  g_atomic_int_set (&call->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* Calls in this context, and waits for one in another thread. */
static void
talk_to (Talk           *talk,
         MsgpackRpcPeer *peer)
{
  g_autofree char *text = g_strnfill (get_big_size (talk), 'x');
  SyncCall call = { .peer = peer };
  GThread *thread;

  talk->n_pending = 3;
  msgpack_rpc_peer_call_async (peer, "add", g_variant_new ("(ii)", 1, 2), NULL, ended_cb, talk);
  msgpack_rpc_peer_send_notification (peer, "add", g_variant_new ("(ii)", 1, 2), NULL);
  msgpack_rpc_peer_call_async (peer, "size", g_variant_new ("(s)", text), NULL, ended_cb, talk);
  msgpack_rpc_peer_call_async (peer, "add", g_variant_new ("(ii)", 1, 2), NULL, ended_cb, talk);
  WAIT_UNTIL (talk->n_pending == 0);

  thread = g_thread_new ("caller", call_in_thread, &call);
  WAIT_UNTIL (g_atomic_int_get (&call.done));
  g_thread_join (thread);
  note (talk, call.value, call.error, 9);
  g_clear_pointer (&call.value, g_variant_unref);
  g_clear_error (&call.error);
}

static void
close_connection (Talk                 *talk,
                  MsgpackRpcConnection *connection)
{
  g_autoptr(GAsyncResult) closed = NULL;

  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &closed);
  WAIT_UNTIL (closed != NULL);
  if (!msgpack_rpc_connection_close_finish (connection, closed, NULL))
    talk->n_errors++;
}

/* @first, @second: consumed. */
static void
talk_between (Talk                 *talk,
              MsgpackRpcConnection *first,
              MsgpackRpcConnection *second)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();

  msgpack_rpc_connection_set_dispatcher (second, dispatcher);
  talk_to (talk, MSGPACK_RPC_PEER (first));
  close_connection (talk, first);
  close_connection (talk, second);
  g_object_unref (first);
  g_object_unref (second);
}

static void
talk_in_memory (Talk *talk)
{
  MsgpackRpcConnection *first = NULL;
  MsgpackRpcConnection *second = NULL;
  g_autoptr(GError) error = NULL;

  if (msgpack_rpc_connection_new_pair (&first, &second, &error))
    talk_between (talk, first, second);
  else if (error == NULL || first != NULL || second != NULL)
    talk->wrong = TRUE;
  else
    talk->n_errors++;
}

#define N_OTHERS 10

/* Among so many others that the reactor uses epoll. */
static void
talk_in_a_crowd (Talk *talk)
{
  g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < N_OTHERS; i++)
    {
      MsgpackRpcConnection *first = NULL;
      MsgpackRpcConnection *second = NULL;

      if (!msgpack_rpc_connection_new_pair (&first, &second, NULL))
        {
          talk->n_errors++;
          continue;
        }
      g_ptr_array_add (others, first);
      g_ptr_array_add (others, second);
    }

  talk_in_memory (talk);
}

/* As GIO makes it; NULL if that fails. @fd: consumed. */
static GIOStream *
socket_stream_new (int fd)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, NULL);

  if (socket == NULL)
    {
      close (fd);
      return NULL;
    }

  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

/* One that is no descriptor. @base: consumed. */
static GIOStream *
fault_stream_new (GIOStream *base,
                  gboolean   pollable,
                  int        chunk_size)
{
  GIOStream *stream = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                                    "base-io-stream", base,
                                    "pollable", pollable,
                                    "read-chunk-size", chunk_size,
                                    "write-chunk-size", chunk_size,
                                    "seed", 1,
                                    NULL);

  g_object_unref (base);
  return stream;
}

/* Streams: consumed; NULL: making them has failed. */
static void
talk_by_streams (Talk      *talk,
                 GIOStream *first,
                 GIOStream *second)
{
  if (first != NULL && second != NULL)
    talk_between (talk, msgpack_rpc_connection_new (first), msgpack_rpc_connection_new (second));
  else
    talk->n_errors++;

  g_clear_object (&first);
  g_clear_object (&second);
}

static gboolean
make_sockets (Talk      *talk,
              GIOStream *streams[2])
{
  int fds[2];

  streams[0] = NULL;
  streams[1] = NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    {
      talk->n_errors++;
      return FALSE;
    }

  for (guint i = 0; i < 2; i++)
    streams[i] = socket_stream_new (fds[i]);
  return TRUE;
}

static void
talk_by_fault_streams (Talk     *talk,
                       gboolean  pollable,
                       int       chunk_size)
{
  GIOStream *streams[2];

  if (!make_sockets (talk, streams))
    return;

  for (guint i = 0; i < 2; i++)
    if (streams[i] != NULL)
      streams[i] = fault_stream_new (streams[i], pollable, chunk_size);
  talk_by_streams (talk, streams[0], streams[1]);
}

static void
talk_by_plain_stream (Talk *talk)
{
  talk_by_fault_streams (talk, FALSE, 0);
}

static void
talk_by_pollable_stream (Talk *talk)
{
  talk_by_fault_streams (talk, TRUE, 0);
}

static void
talk_in_pieces (Talk *talk)
{
  talk->big_size = 4 * 1024;
  talk_by_fault_streams (talk, TRUE, 1024);
}

/* As those of a subprocess, which block. */
static GIOStream *
pipe_stream_new (int in,
                 int out)
{
  g_autoptr(GInputStream) input = g_unix_input_stream_new (in, TRUE);
  g_autoptr(GOutputStream) output = g_unix_output_stream_new (out, TRUE);

  return g_simple_io_stream_new (input, output);
}

static void
talk_by_pipes (Talk *talk)
{
  int to[2], from[2];

  if (!g_unix_open_pipe (to, FD_CLOEXEC, NULL))
    {
      talk->n_errors++;
      return;
    }
  if (!g_unix_open_pipe (from, FD_CLOEXEC, NULL))
    {
      close (to[0]);
      close (to[1]);
      talk->n_errors++;
      return;
    }

  talk_by_streams (talk, pipe_stream_new (from[0], to[1]), pipe_stream_new (to[0], from[1]));
}

static void
talk_by_tls (Talk *talk)
{
  GIOStream *streams[2];
  GIOStream *ends[2] = { NULL, NULL };

  if (!make_sockets (talk, streams))
    return;

  talk->big_size = 4 * SMALL_BUFFER;
  if (streams[0] != NULL && streams[1] != NULL)
    test_transport_wrap_in_tls (streams, ends);
  g_clear_object (&streams[0]);
  g_clear_object (&streams[1]);
  talk_by_streams (talk, ends[0], ends[1]);
}

static void
talk_to_server (Talk       *talk,
                const char *address)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, &error);
  if (addresses == NULL)
    {
      talk->wrong |= error == NULL;
      talk->n_errors++;
      return;
    }

  client = msgpack_rpc_client_new (addresses[0]);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  talk_to (talk, MSGPACK_RPC_PEER (client));
  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  WAIT_UNTIL (closed != NULL);
  WAIT_UNTIL (g_list_model_get_n_items (msgpack_rpc_server_get_connections (server)) == 0);
  g_socket_service_stop (G_SOCKET_SERVICE (server));
  g_socket_listener_close (G_SOCKET_LISTENER (server));
}

static void
talk_by_tcp (Talk *talk)
{
  talk_to_server (talk, "tcp://127.0.0.1:0");
}

static void
talk_by_unix (Talk *talk)
{
  g_autofree char *folder = g_dir_make_tmp ("msgpackrpc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autofree char *lock = g_strconcat (path, ".lock", NULL);
  g_autofree char *address = g_strconcat ("unix://", path, NULL);

  talk_to_server (talk, address);
  /* What is not there any more was taken away in good order. */
  g_unlink (path);
  g_unlink (lock);
  g_rmdir (folder);
}

/* ---- one run, in a process of its own ---- */

typedef void (*TalkFunc) (Talk *talk);

static guint
count_descriptors (void)
{
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* Closing may go on for a moment. */
static gboolean
comes_back_to (guint n,
               guint n_iterations)
{
  for (guint i = 0; i < n_iterations && count_descriptors () > n; i++)
    test_iterate ();
  return count_descriptors () <= n;
}

static void
drop_log (const char     *domain G_GNUC_UNUSED,
          GLogLevelFlags  level G_GNUC_UNUSED,
          const char     *message G_GNUC_UNUSED,
          gpointer        user_data G_GNUC_UNUSED)
{
}

/* GLib warns when it cannot poll. */
static GLogWriterOutput
write_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) == 0)
    return G_LOG_WRITER_HANDLED;

  return g_log_writer_default (level, fields, n_fields, user_data);
}

static void
talk_with_failure (TalkFunc        func,
                   Talk           *talk,
                   const FailCall *call,
                   guint           n)
{
  fail_calls_arm (call, n);
  func (talk);
  test_drain ();
  fail_calls_arm (call, 0);
}

/* Where another kind of transport takes over, more is made, which stays: that is the same after the
 * second time. */
static gboolean
leaves_more_each_time (TalkFunc        func,
                       const FailCall *call,
                       guint           n,
                       guint           before)
{
  Talk again = { 0 };
  guint after;

  if (comes_back_to (before, 1))
    return FALSE;

  after = count_descriptors ();
  talk_with_failure (func, &again, call, n);
  return !comes_back_to (after, 100);
}

static Outcome
run_once (TalkFunc        func,
          const FailCall *call,
          guint           n)
{
  Talk talk = { 0 };
  gboolean fired;
  guint before;

  /* What is only made once. */
  func (&talk);
  g_assert_cmpuint (talk.n_errors, ==, 0);
  g_assert_false (talk.wrong);
  test_drain ();
  before = count_descriptors ();

  talk_with_failure (func, &talk, call, n);
  fired = fail_calls_fired ();

  if (talk.wrong)
    return OUTCOME_WRONG;
  if (leaves_more_each_time (func, call, n, before))
    return OUTCOME_LEAKED;
  if (!fired)
    return talk.n_errors == 0 ? OUTCOME_UNFAILED : OUTCOME_NOTICED;
  if (talk.n_errors == 0)
    return OUTCOME_SUCCEEDED;
  return call->transparent ? OUTCOME_NOTICED : OUTCOME_FAILED;
}

typedef struct
{
  const char *name;
  TalkFunc talk;
  guint step;  /* what takes long fails at some places only, unless all is to be thorough */
  /* GIO's module for TLS loses the source of a handshake now and then, where no stack tells of it. */
  gboolean may_lose;
} Conversation;

static const Conversation conversations[] = {
  { "memory", talk_in_memory, 2 },
  { "crowd", talk_in_a_crowd, 6 },
  { "tcp", talk_by_tcp, 4 },
  { "unix", talk_by_unix, 4 },
  { "pipes", talk_by_pipes, 2 },
  { "pollable", talk_by_pollable_stream, 6 },
  { "plain", talk_by_plain_stream, 8 },
  { "split", talk_in_pieces, 3 },
  { "tls", talk_by_tls, 24, TRUE },
};

static void G_GNUC_NORETURN
run_in_this_child (const Conversation *conversation,
                   const FailCall     *call,
                   guint               n,
                   int                 fd)
{
  g_autofree char *where = NULL;
  g_autofree char *told = NULL;
  Outcome outcome;

  alarm (HANG * (unsigned) test_get_slowness ());
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_default_handler (drop_log, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  outcome = run_once (conversation->talk, call, n);
  where = fail_calls_where ();
  told = g_strdup_printf ("%c%s", '0' + (char) outcome, where != NULL ? where : "");
  if (write (fd, told, strlen (told)) < 0)
    abort ();

  /* So nothing looks for leaks. */
  if (conversation->may_lose)
    raise (SIGKILL);
  g_clear_pointer (&where, g_free);
  g_clear_pointer (&told, g_free);
  exit (EXIT_SUCCESS);
}

static gboolean
has_ended_well (const Conversation *conversation,
                int                 status)
{
  if (conversation->may_lose)
    return WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;

  return WIFEXITED (status) && WEXITSTATUS (status) == EXIT_SUCCESS;
}

/* The outcome, or a negative number when it crashed or hung; @where: what it told. */
static int
run_in_child (const Conversation  *conversation,
              const FailCall      *call,
              guint                n,
              char               **where)
{
  char buffer[512];
  int fds[2];
  int status;
  gssize size;
  pid_t pid;

  g_assert_true (g_unix_open_pipe (fds, 0, NULL));
  fflush (NULL);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    run_in_this_child (conversation, call, n, fds[1]);

  g_close (fds[1], NULL);
  size = read (fds[0], buffer, sizeof buffer);
  g_close (fds[0], NULL);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  *where = g_strndup (buffer + 1, (gsize) MAX (size - 1, 0));
  return size > 0 && has_ended_well (conversation, status) ? buffer[0] - '0' : -1;
}

/* ---- all of them ---- */

static gboolean
is_fine (int outcome)
{
  return outcome == OUTCOME_UNFAILED || outcome == OUTCOME_SUCCEEDED || outcome == OUTCOME_FAILED;
}

/* The first, and then one of so many, not always the same. */
static guint
get_next_place (guint n,
                guint step)
{
  return n == 1 ? n + (guint) g_test_rand_int_range (1, (int) step + 1) : n + step;
}

static guint
fail_each (const Conversation *conversation,
           const FailCall     *call,
           guint               step,
           gboolean           *is_made)
{
  guint n_bad = 0;

  *is_made = TRUE;
  for (guint n = 1;; n = get_next_place (n, step))
    {
      g_autofree char *where = NULL;
      int outcome = run_in_child (conversation, call, n, &where);

      if (outcome == OUTCOME_UNFAILED)
        {
          *is_made = n > 1;
          return n_bad;
        }

      /* Else it is tried over and over. */
      g_assert_cmpuint (n, <, MAX_CALLS);

      g_test_message ("%s %u, %s, in %s: %s", call->function, n, g_strerror (call->error), where,
                      outcome >= 0 && outcome < N_OUTCOMES ? outcome_names[outcome]
                                                           : "crashed, leaked or hung");
      n_bad += !is_fine (outcome);
      /* What would come next is not made. */
      if (step >= MAX_CALLS)
        return n_bad;
    }
}

static void
test_fail (gconstpointer data)
{
  const Conversation *conversation = data;
  guint slowness = (guint) test_get_slowness ();
  /* Squared: looking for leaks, once for each place, takes longer than all else. */
  guint step = conversation->step * slowness * slowness;
  gboolean is_made = TRUE;
  guint n_bad = 0;

  g_test_summary ("Each system call of a conversation may fail once");

  if (g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL)
    step = 1;
  for (guint i = 0; i < n_fail_calls; i++)
    if (is_made || !g_str_equal (fail_calls[i].function, fail_calls[i - 1].function))
      n_bad += fail_each (conversation, &fail_calls[i], step, &is_made);
  g_assert_cmpuint (n_bad, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (conversations); i++)
    {
      g_autofree char *path = g_strconcat ("/msgpack-rpc/failing-calls/", conversations[i].name, NULL);

      g_test_add_data_func (path, &conversations[i], test_fail);
    }

  return g_test_run ();
}
