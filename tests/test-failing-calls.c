/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Each system call of a fixed conversation fails once, at each place. The conversation may fail then,
 * with an error; it may not give a wrong answer, hang, crash, or leave a descriptor open. */

#include "test-util.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail-calls.h"

/* In seconds; nothing takes as long unless it hangs. */
#define HANG 15
/* Where the exit statuses begin that are outcomes: sanitizers have others. */
#define FIRST_STATUS 100
/* More than any conversation makes. */
#define MAX_CALLS 2000
#define BIG_SIZE (300 * 1024)

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
  guint n_pending;
  guint n_errors;
  gboolean wrong;
} Talk;

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
        g_str_equal (msgpack_rpc_call_get_method (call), "add") ? 3 : BIG_SIZE);
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
  g_autofree char *text = g_strnfill (BIG_SIZE, 'x');
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

/* As GIO makes it; NULL if that fails. */
static MsgpackRpcConnection *
connection_new (int      fd,
                gboolean pollable)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, NULL);
  g_autoptr(GSocketConnection) base = NULL;
  g_autoptr(GIOStream) stream = NULL;

  if (socket == NULL)
    {
      close (fd);
      return NULL;
    }

  base = g_socket_connection_factory_create_connection (socket);
  stream = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                         "base-io-stream", base,
                         "pollable", pollable,
                         NULL);
  return msgpack_rpc_connection_new (stream);
}

static void
talk_by_stream (Talk     *talk,
                gboolean  pollable)
{
  MsgpackRpcConnection *first, *second;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    {
      talk->n_errors++;
      return;
    }

  first = connection_new (fds[0], pollable);
  second = connection_new (fds[1], pollable);
  if (first != NULL && second != NULL)
    {
      talk_between (talk, first, second);
      return;
    }

  talk->n_errors++;
  g_clear_object (&first);
  g_clear_object (&second);
}

static void
talk_by_plain_stream (Talk *talk)
{
  talk_by_stream (talk, FALSE);
}

static void
talk_by_pollable_stream (Talk *talk)
{
  talk_by_stream (talk, TRUE);
}

static void
talk_by_tcp (Talk *talk)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
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
comes_back_to (guint n)
{
  for (guint i = 0; i < 100 && count_descriptors () > n; i++)
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

static Outcome
run_once (TalkFunc        func,
          const FailCall *call,
          guint           n)
{
  Talk talk = { 0 };
  guint before;

  /* What is only made once. */
  func (&talk);
  g_assert_cmpuint (talk.n_errors, ==, 0);
  g_assert_false (talk.wrong);
  test_drain ();
  before = count_descriptors ();

  fail_calls_arm (call, n);
  func (&talk);
  test_drain ();
  fail_calls_arm (call, 0);

  if (talk.wrong)
    return OUTCOME_WRONG;
  if (!comes_back_to (before))
    return OUTCOME_LEAKED;
  if (!fail_calls_fired ())
    return talk.n_errors == 0 ? OUTCOME_UNFAILED : OUTCOME_NOTICED;
  if (talk.n_errors == 0)
    return OUTCOME_SUCCEEDED;
  return call->transparent ? OUTCOME_NOTICED : OUTCOME_FAILED;
}

/* The outcome, or a negative number when it crashed or hung; @where: what it told. */
static int
run_in_child (TalkFunc         func,
              const FailCall  *call,
              guint            n,
              char           **where)
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
    {
      Outcome outcome;
      g_autofree char *text = NULL;

      alarm (HANG * (unsigned) test_get_slowness ());
      g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
      g_log_set_default_handler (drop_log, NULL);
      g_log_set_writer_func (write_log, NULL, NULL);
      outcome = run_once (func, call, n);
      text = fail_calls_where ();
      if (text != NULL && write (fds[1], text, strlen (text)) < 0)
        abort ();
      g_clear_pointer (&text, g_free);
      exit (FIRST_STATUS + (int) outcome);
    }

  g_close (fds[1], NULL);
  size = read (fds[0], buffer, sizeof buffer);
  g_close (fds[0], NULL);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  *where = g_strndup (buffer, (gsize) MAX (size, 0));
  return WIFEXITED (status) ? WEXITSTATUS (status) - FIRST_STATUS : -1;
}

/* ---- all of them ---- */

static gboolean
is_fine (int outcome)
{
  return outcome == OUTCOME_UNFAILED || outcome == OUTCOME_SUCCEEDED || outcome == OUTCOME_FAILED;
}

static guint
fail_each (TalkFunc        func,
           const FailCall *call)
{
  guint n_bad = 0;

  /* Where all is slow, some of them do. */
  guint step = g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 1 : (guint) test_get_slowness ();

  for (guint n = 1; n < MAX_CALLS; n += step)
    {
      g_autofree char *where = NULL;
      int outcome = run_in_child (func, call, n, &where);

      if (outcome == OUTCOME_UNFAILED)
        return n_bad;

      g_test_message ("%s %u, %s, in %s: %s", call->function, n, g_strerror (call->error), where,
                      outcome >= 0 && outcome < N_OUTCOMES ? outcome_names[outcome]
                                                           : "crashed, leaked or hung");
      n_bad += !is_fine (outcome);
    }

  g_assert_not_reached ();
}

static void
test_fail (gconstpointer data)
{
  TalkFunc func = (TalkFunc) data;
  guint n_bad = 0;

  g_test_summary ("Each system call of a conversation may fail once");

  for (guint i = 0; i < n_fail_calls; i++)
    n_bad += fail_each (func, &fail_calls[i]);
  g_assert_cmpuint (n_bad, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/msgpack-rpc/failing-calls/memory", talk_in_memory, test_fail);
  g_test_add_data_func ("/msgpack-rpc/failing-calls/crowd", talk_in_a_crowd, test_fail);
  g_test_add_data_func ("/msgpack-rpc/failing-calls/tcp", talk_by_tcp, test_fail);
  g_test_add_data_func ("/msgpack-rpc/failing-calls/pollable", talk_by_pollable_stream, test_fail);
  g_test_add_data_func ("/msgpack-rpc/failing-calls/plain", talk_by_plain_stream, test_fail);

  return g_test_run ();
}
