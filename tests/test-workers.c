/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Methods that run in worker processes. This program is the worker, too: see worker_program(). */

#include "test-util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

/* ---- in the worker ---- */

/* Where a worker finds its socket. */
#define SOCKET_FD 3

static gboolean
pid_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params G_GNUC_UNUSED,
             gpointer               user_data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int32 (getpid ()));
}

static gboolean
echo_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static gboolean
refuse_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               user_data G_GNUC_UNUSED,
                GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_error_value (invocation, g_variant_new_parsed ("{'code': <7>}"));
}

static void
append (const char *path,
        const char *text)
{
  int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

/* Says that it has begun, by a line in a file, and blocks until the other end of a FIFO is closed. */
static gboolean
block_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data G_GNUC_UNUSED,
               GError               **error G_GNUC_UNUSED)
{
  const char *log, *fifo;
  char byte;
  int fd;

  g_variant_get (params, "(&s&s)", &log, &fifo);
  append (log, "begun\n");
  /* Without waiting for that end, which may have been closed already. */
  fd = open (fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  fcntl (fd, F_SETFL, 0);
  while (read (fd, &byte, 1) > 0)
    ;
  close (fd);
  return pid_handler (invocation, NULL, NULL, NULL);
}

static gboolean
log_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  const char *path, *text;

  g_variant_get (params, "(&s&s)", &path, &text);
  append (path, text);
  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

G_GNUC_NORETURN static gboolean
kill_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  gint32 number;

  g_variant_get (params, "(i)", &number);
  kill (getpid (), number);
  for (;;)
    pause ();
}

static gboolean
exit_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  gint32 status;

  g_variant_get (params, "(i)", &status);
  _exit (status);
}

/* Bytes that the library would not send, as often as they are taken. */
G_GNUC_NORETURN static gboolean
say_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
             GVariant              *params,
             gpointer               user_data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) bytes = g_variant_get_child_value (params, 0);
  gsize size;
  gconstpointer data = g_variant_get_fixed_array (bytes, &size, 1);

  fcntl (SOCKET_FD, F_SETFL, 0);
  while (send (SOCKET_FD, data, size, MSG_NOSIGNAL) >= 0)
    ;
  for (;;)
    pause ();
}

G_GNUC_NORETURN static gboolean
hang_up_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
                 GVariant              *params G_GNUC_UNUSED,
                 gpointer               user_data G_GNUC_UNUSED,
                 GError               **error G_GNUC_UNUSED)
{
  shutdown (SOCKET_FD, SHUT_RDWR);
  for (;;)
    pause ();
}

static gboolean
get_size_handler (MsgpackRpcInvocation  *invocation,
                  GVariant              *params G_GNUC_UNUSED,
                  gpointer               user_data G_GNUC_UNUSED,
                  GError               **error G_GNUC_UNUSED)
{
  g_autofree char *text = NULL;
  guint64 pages;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  pages = g_ascii_strtoull (text, NULL, 10);
  return msgpack_rpc_invocation_return_value (invocation,
                                              g_variant_new_uint64 (pages * (guint64) getpagesize ()));
}

static gboolean
reserve_handler (MsgpackRpcInvocation  *invocation,
                 GVariant              *params,
                 gpointer               user_data G_GNUC_UNUSED,
                 GError               **error)
{
  guint64 size;
  void *memory;

  g_variant_get (params, "(t)", &size);
  memory = mmap (NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "no: %s", g_strerror (errno));
      return FALSE;
    }

  munmap (memory, size);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_boolean (TRUE));
}

/* What the sockets that it has are, as the system names them. */
static gboolean
list_sockets_handler (MsgpackRpcInvocation  *invocation,
                      GVariant              *params G_GNUC_UNUSED,
                      gpointer               user_data G_GNUC_UNUSED,
                      GError               **error G_GNUC_UNUSED)
{
  GVariantBuilder names;
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *fd;

  g_variant_builder_init (&names, G_VARIANT_TYPE ("as"));
  while ((fd = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", fd, NULL);
      g_autofree char *name = g_file_read_link (path, NULL);

      if (name != NULL && g_str_has_prefix (name, "socket:"))
        g_variant_builder_add (&names, "s", name);
    }
  return msgpack_rpc_invocation_return_value (invocation, g_variant_builder_end (&names));
}

static const struct
{
  const char *name;
  const char *signature;
  MsgpackRpcHandler handler;
} methods[] = {
  { "block", "(ss)", block_handler },
  { "echo", NULL, echo_handler },
  { "exit", "(i)", exit_handler },
  { "get_size", "()", get_size_handler },
  { "hang_up", "()", hang_up_handler },
  { "kill", "(i)", kill_handler },
  { "list_sockets", "()", list_sockets_handler },
  { "log", "(ss)", log_handler },
  { "pid", "()", pid_handler },
  { "refuse", "()", refuse_handler },
  { "reserve", "(t)", reserve_handler },
  { "say", "(ay)", say_handler },
};

/* The same in both programs. */
static MsgpackRpcDispatcher *
make_dispatcher (gboolean has_handlers)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    msgpack_rpc_dispatcher_add_method_full (dispatcher, methods[i].name, methods[i].signature,
                                            has_handlers ? methods[i].handler : NULL, NULL, NULL,
                                            MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
  /* Only there without a handler. */
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "missing", NULL, NULL, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
  return dispatcher;
}

static int
worker_program (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher (TRUE);

  return msgpack_rpc_worker_main (dispatcher);
}

/* ---- the fixture ---- */

typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcConnection *server;
  MsgpackRpcConnection *client;
  MsgpackRpcPeer *peer;             /* the client */
  char *folder;
  char *log;
  char *fifo;
  int gate;                         /* what blocks wait for the end of; −1: open */
} Fixture;

static void
connect_ends (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  GIOStream *streams[2];
  int fds[2];

  test_transport_socketpair (fds);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GSocket) socket = g_socket_new_from_fd (fds[i], &error);

      g_assert_no_error (error);
      streams[i] = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
    }
  f->server = msgpack_rpc_connection_new (streams[0]);
  f->client = msgpack_rpc_connection_new (streams[1]);
  g_object_unref (streams[0]);
  g_object_unref (streams[1]);
  f->peer = MSGPACK_RPC_PEER (f->client);
  msgpack_rpc_connection_set_dispatcher (f->server, f->dispatcher);
}

static void
use_program (Fixture *f)
{
  const char * const argv[] = { program, "worker", NULL };

  msgpack_rpc_dispatcher_set_worker_argv (f->dispatcher, argv);
}

static void
use_script (Fixture    *f,
            const char *script)
{
  const char * const argv[] = { "sh", "-c", script, f->log, program, NULL };

  msgpack_rpc_dispatcher_set_worker_argv (f->dispatcher, argv);
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  f->dispatcher = make_dispatcher (FALSE);
  use_program (f);
  connect_ends (f);
  f->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", NULL);
  f->log = g_build_filename (f->folder, "log", NULL);
  f->fifo = g_build_filename (f->folder, "fifo", NULL);
  g_assert_cmpint (mkfifo (f->fifo, 0600), ==, 0);
  f->gate = open (f->fifo, O_RDWR | O_CLOEXEC);
}

static gboolean
has_children (void)
{
  siginfo_t info;

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static gboolean
has_thread (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;

  while ((id = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", id, "comm", NULL);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL) && g_str_has_prefix (name, "msgpack-workers"))
        return TRUE;
    }
  return FALSE;
}

static void
open_gate (Fixture *f)
{
  if (f->gate >= 0)
    close (f->gate);
  f->gate = -1;
}

static void
hang_up (Fixture *f)
{
  if (f->client == NULL)
    return;

  msgpack_rpc_connection_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_connection_get_status (f->server) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_clear_object (&f->client);
  g_clear_object (&f->server);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  open_gate (f);
  hang_up (f);
  test_drain ();
  /* The pool's thread may be about to let go of a request's connection, which has it. */
  if (f->dispatcher != NULL)
    {
      g_object_add_weak_pointer (G_OBJECT (f->dispatcher), (gpointer *) &f->dispatcher);
      g_object_unref (f->dispatcher);
      WAIT_UNTIL (f->dispatcher == NULL);
    }

  /* Nothing is left: no process, no zombie, no thread, no file. */
  WAIT_UNTIL (!has_children ());
  WAIT_UNTIL (!has_thread ());
  g_unlink (f->log);
  g_unlink (f->fifo);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->log);
  g_free (f->fifo);
}

static MsgpackRpcCall *
start (Fixture    *f,
       const char *method,
       GVariant   *params)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new (method, params);

  msgpack_rpc_call_set_timeout (call, G_MAXINT);
  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static gboolean
has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED;
}

/* @call: consumed. */
static GVariant *
finish (MsgpackRpcCall *call)
{
  g_autoptr(MsgpackRpcCall) owned = call;

  WAIT_UNTIL (has_ended (call));
  g_assert_no_error (msgpack_rpc_call_get_error (call));
  return g_variant_ref (msgpack_rpc_call_get_result (call));
}

static char *
fail (MsgpackRpcCall *call)
{
  g_autoptr(MsgpackRpcCall) owned = call;

  WAIT_UNTIL (has_ended (call));
  g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  return g_strdup (msgpack_rpc_call_get_error (call)->message);
}

static void
assert_failure (MsgpackRpcCall *call,
                const char     *pattern)
{
  g_autofree char *text = fail (call);

  if (!g_pattern_match_simple (pattern, text))
    g_error ("“%s” is not “%s”", text, pattern);
}

static int
finish_int (MsgpackRpcCall *call)
{
  g_autoptr(GVariant) result = finish (call);

  return (int) g_variant_get_int64 (result);
}

static int
get_pid (Fixture *f)
{
  return finish_int (start (f, "pid", NULL));
}

static MsgpackRpcCall *
block (Fixture *f)
{
  return start (f, "block", g_variant_new ("(ss)", f->log, f->fifo));
}

static char *
get_log (Fixture *f)
{
  char *text = NULL;

  return g_file_get_contents (f->log, &text, NULL, NULL) ? text : g_strdup ("");
}

static guint
count_lines (Fixture *f)
{
  g_autofree char *text = get_log (f);
  guint n = 0;

  for (const char *p = text; *p != '\0'; p++)
    n += *p == '\n';
  return n;
}

static gboolean
is_there (int pid)
{
  return kill (pid, 0) == 0;
}

/* ---- what works ---- */

static void
test_call (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) named = NULL;
  g_autoptr(GVariant) large = NULL;
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autofree char *text = g_strnfill (5 * 1000 * 1000, 'x');

  g_test_summary ("Parameters, results and errors cross as they are; one worker does all");

  g_assert_cmpint (get_pid (f), !=, getpid ());
  g_assert_cmpint (get_pid (f), ==, get_pid (f));

  named = finish (start (f, "echo", g_variant_new_parsed ("{'a': <[<1>, <'b'>]>}")));
  test_assert_value (named, "{'a': <[<1>, <'b'>]>}");
  large = finish (start (f, "echo", g_variant_new ("(s)", text)));
  g_assert_cmpuint (g_variant_get_size (large), >, 5 * 1000 * 1000);

  refused = start (f, "refuse", NULL);
  WAIT_UNTIL (has_ended (refused));
  test_assert_value (msgpack_rpc_call_get_error_value (refused), "{'code': <7>}");

  assert_failure (start (f, "missing", NULL), "Method “missing” has no handler in the worker*");
}

static void
test_params (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Parameters that do not fit start no worker");

  assert_failure (start (f, "exit", g_variant_new ("(s)", "x")), "*number*string*");
  g_assert_false (has_children ());
}

static void
test_dispatch (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) nothing = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Without a connection the answer is waited for");

  reply = msgpack_rpc_dispatcher_dispatch (f->dispatcher,
                                           g_variant_new_parsed ("[<0>, <7>, <'echo'>, <[<1>]>]"),
                                           &error);
  g_assert_no_error (error);
  test_assert_value (reply, "[<1>, <7>, <@mv nothing>, <[<1>]>]");
  nothing = msgpack_rpc_dispatcher_dispatch (f->dispatcher,
                                             g_variant_new_parsed ("[<2>, <'echo'>, <[<1>]>]"),
                                             &error);
  g_assert_no_error (error);
  g_assert_null (nothing);
}

static void
test_parallel (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcCall *calls[3];
  int pids[3];

  g_test_summary ("As many calls run at once as there are workers; the others wait");

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 2);
  for (guint i = 0; i < 3; i++)
    calls[i] = block (f);
  WAIT_UNTIL (count_lines (f) == 2);
  g_assert_false (has_ended (calls[2]));
  open_gate (f);
  for (guint i = 0; i < 3; i++)
    pids[i] = finish_int (calls[i]);
  g_assert_cmpint (pids[0], !=, pids[1]);
  g_assert_true (pids[2] == pids[0] || pids[2] == pids[1]);

  /* Who has done less is next. */
  g_assert_cmpint (get_pid (f), !=, pids[2]);
}

static void
test_recycle (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  int pids[4];

  g_test_summary ("A worker is replaced after so many calls, and leaves");

  msgpack_rpc_dispatcher_set_worker_max_calls (f->dispatcher, 2);
  for (guint i = 0; i < 4; i++)
    pids[i] = get_pid (f);
  g_assert_cmpint (pids[0], ==, pids[1]);
  g_assert_cmpint (pids[2], ==, pids[3]);
  g_assert_cmpint (pids[0], !=, pids[2]);
  WAIT_UNTIL (!is_there (pids[0]) && !is_there (pids[2]));
}

static void
test_fewer (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcCall *calls[2];
  int pids[2];

  g_test_summary ("Workers that are too many leave; calls that wait fail if there are none any more");

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 2);
  calls[0] = block (f);
  calls[1] = block (f);
  WAIT_UNTIL (count_lines (f) == 2);
  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 1);
  open_gate (f);
  pids[0] = finish_int (calls[0]);
  pids[1] = finish_int (calls[1]);
  WAIT_UNTIL (!is_there (pids[0]) || !is_there (pids[1]));
  g_assert_true (is_there (get_pid (f)));

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 0);
  WAIT_UNTIL (!has_children ());
  assert_failure (start (f, "pid", NULL),
                  "The method runs in a worker, but there are none: “n-workers” is 0");
}

static void
test_no_argv (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Without a program there is an error that says so");

  msgpack_rpc_dispatcher_set_worker_argv (f->dispatcher, NULL);
  assert_failure (start (f, "pid", NULL),
                  "The method runs in a worker, but there are none: “worker-argv” is not set");
  use_program (f);
  get_pid (f);
}

static void
test_argv_changes (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  int pid;

  g_test_summary ("Another program is for workers that are started later");

  pid = get_pid (f);
  use_script (f, "echo other >> \"$0\"; exec \"$1\" worker");
  g_assert_cmpint (get_pid (f), ==, pid);
  g_assert_cmpuint (count_lines (f), ==, 0);
  assert_failure (start (f, "exit", g_variant_new ("(i)", 0)), "*exited with status 0*");
  get_pid (f);
  g_assert_cmpuint (count_lines (f), ==, 1);
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  const char * const argv[] = { "a", "b", NULL };
  g_auto(GStrv) got = NULL;
  guint n_workers, max_calls, max_queued;
  guint64 memory_limit;
  int start_timeout, time_limit;

  g_test_summary ("What is set can be got");

  g_object_get (f->dispatcher, "n-workers", &n_workers, "worker-max-calls", &max_calls,
                "worker-max-queued", &max_queued, "worker-memory-limit", &memory_limit,
                "worker-start-timeout", &start_timeout, "worker-time-limit", &time_limit, NULL);
  g_assert_cmpuint (n_workers, ==, 1);
  g_assert_cmpuint (max_calls, ==, 0);
  g_assert_cmpuint (max_queued, ==, 1024);
  g_assert_cmpuint (memory_limit, ==, 0);
  g_assert_cmpint (start_timeout, ==, 30000);
  g_assert_cmpint (time_limit, ==, -1);

  g_object_set (f->dispatcher, "n-workers", 2, "worker-max-calls", 3, "worker-max-queued", 4,
                "worker-memory-limit", G_GUINT64_CONSTANT (1) << 40, "worker-start-timeout", 5,
                "worker-time-limit", 6, "worker-argv", argv, NULL);
  g_assert_cmpuint (msgpack_rpc_dispatcher_get_n_workers (f->dispatcher), ==, 2);
  g_assert_cmpuint (msgpack_rpc_dispatcher_get_worker_max_calls (f->dispatcher), ==, 3);
  g_assert_cmpuint (msgpack_rpc_dispatcher_get_worker_max_queued (f->dispatcher), ==, 4);
  g_assert_cmpuint (msgpack_rpc_dispatcher_get_worker_memory_limit (f->dispatcher), ==,
                    G_GUINT64_CONSTANT (1) << 40);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_worker_start_timeout (f->dispatcher), ==, 5);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_worker_time_limit (f->dispatcher), ==, 6);
  g_object_get (f->dispatcher, "worker-argv", &got, NULL);
  g_assert_cmpstrv (got, argv);

  msgpack_rpc_dispatcher_set_worker_time_limit (f->dispatcher, -7);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_worker_time_limit (f->dispatcher), ==, -1);
  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, G_MAXUINT);
  g_assert_cmpuint (msgpack_rpc_dispatcher_get_n_workers (f->dispatcher), ==, 256);
}

static void
test_notifications (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = NULL;
  g_autoptr(GString) expected = g_string_new (NULL);

  g_test_summary ("Notifications keep their order, however many workers there are");

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 4);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *line = g_strdup_printf ("%u\n", i);

      g_string_append (expected, line);
      g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "log",
                                                         g_variant_new ("(ss)", f->log, line), NULL));
    }
  WAIT_UNTIL (count_lines (f) == 100);
  text = get_log (f);
  g_assert_cmpstr (text, ==, expected->str);
}

/* ---- what does not ---- */

typedef struct
{
  const char *name;
  const char *method;
  const char *params;
  const char *pattern;
} Death;

static const Death deaths[] = {
  { "signal", "kill", "(9,)", "Worker “*” was ended by signal 9 (Killed) before it had answered" },
  { "abort", "kill", "(6,)", "Worker “*” was ended by signal 6 (Aborted) before it had answered" },
  { "status-0", "exit", "(0,)", "Worker “*” has exited with status 0 before it had answered" },
  { "status-3", "exit", "(3,)", "Worker “*” has exited with status 3 before it had answered" },
  { "hang-up", "hang_up", "()", "Worker “*” was ended: it has closed its socket, and went on" },
  { "garbage", "say", "(b'abc',)", "Worker “*” was ended: what it sent was no answer: *" },
  { "notifications", "say", "([byte 0x93, 0x02, 0xa1, 0x78, 0x90],)",
    "Worker “*” was ended: it has sent 1000 messages that nobody had asked for" },
  { "requests", "say", "([byte 0x94, 0x00, 0x01, 0xa1, 0x78, 0x90],)",
    "Worker “*” was ended: it has sent 1000 messages that nobody had asked for" },
  { "replies", "say", "([byte 0x94, 0x01, 0x7f, 0xc0, 0xc0],)",
    "Worker “*” was ended: it has sent 1000 messages that nobody had asked for" },
};

static void
test_death (Fixture       *f,
            gconstpointer  data)
{
  const Death *death = data;
  MsgpackRpcCall *other;
  MsgpackRpcCall *doomed;
  int pid;

  g_test_summary ("A worker that dies takes its own call with it, and no other");

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 2);
  other = block (f);
  WAIT_UNTIL (count_lines (f) == 1);
  doomed = start (f, death->method, g_variant_new_parsed (death->params));
  assert_failure (doomed, death->pattern);
  g_assert_false (has_ended (other));

  pid = get_pid (f);
  open_gate (f);
  g_assert_cmpint (finish_int (other), !=, pid);
}

static void
test_time_limit (Fixture       *f,
                 gconstpointer  data)
{
  g_autofree char *text = g_strnfill (5 * 1000 * 1000, 'x');
  MsgpackRpcCall *next;
  int pid = get_pid (f);

  g_test_summary ("A worker that does not answer is killed; the next call gets another one");

  msgpack_rpc_dispatcher_set_worker_time_limit (f->dispatcher, 100);
  /* One reads no more, either. */
  if (data != NULL)
    {
      kill (pid, SIGSTOP);
      assert_failure (start (f, "echo", g_variant_new ("(s)", text)),
                      "Worker “*” was ended: the call took longer than 100 ms");
    }
  else
    assert_failure (block (f), "Worker “*” was ended: the call took longer than 100 ms");

  msgpack_rpc_dispatcher_set_worker_time_limit (f->dispatcher, -1);
  next = start (f, "pid", NULL);
  g_assert_cmpint (finish_int (next), !=, pid);
}

static void
test_max_answer_time (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  int pid = get_pid (f);

  g_test_summary ("Without a limit of its own a worker may take as long as an answer");

  msgpack_rpc_dispatcher_set_max_answer_time (f->dispatcher, 100);
  assert_failure (block (f), "*");
  WAIT_UNTIL (!is_there (pid));
}

static void
test_memory_limit (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  const guint64 mib = 1024 * 1024;
  g_autoptr(GVariant) size = NULL;
  g_autoptr(GVariant) done = NULL;
  MsgpackRpcCall *call;

  g_test_summary ("A worker gets no more memory than it may have");

  msgpack_rpc_dispatcher_set_worker_max_calls (f->dispatcher, 1);
  size = finish (start (f, "get_size", NULL));
  done = finish (start (f, "reserve", g_variant_new ("(t)", 512 * mib)));
  g_assert_true (g_variant_get_boolean (done));

  msgpack_rpc_dispatcher_set_worker_memory_limit (f->dispatcher,
                                                  (guint64) g_variant_get_int64 (size) + 256 * mib);
  call = start (f, "reserve", g_variant_new ("(t)", 512 * mib));
  assert_failure (call, "no: Cannot allocate memory");
  get_pid (f);
}

static void
test_sockets (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  MsgpackRpcCall *calls[2];
  MsgpackRpcCall *busy;

  g_test_summary ("A worker has its own socket, and no other: of workers, nor of ours");

  msgpack_rpc_dispatcher_set_n_workers (f->dispatcher, 3);
  /* While the others are being started, or are there. */
  busy = block (f);
  calls[0] = start (f, "list_sockets", NULL);
  calls[1] = start (f, "list_sockets", NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GVariant) names = finish (calls[i]);
      g_autoptr(GHashTable) own = g_hash_table_new (g_str_hash, g_str_equal);

      for (gsize n = 0; n < g_variant_n_children (names); n++)
        {
          g_autoptr(GVariant) boxed = g_variant_get_child_value (names, n);
          g_autoptr(GVariant) name = g_variant_get_variant (boxed);

          g_hash_table_add (own, (gpointer) g_variant_get_string (name, NULL));
          g_hash_table_add (seen, g_variant_dup_string (name, NULL));
        }
      g_assert_cmpuint (g_hash_table_size (own), ==, 1);
    }
  /* Both may be the same worker's. */
  g_assert_cmpuint (g_hash_table_size (seen), <=, 2);
  open_gate (f);
  finish_int (busy);
}

static void
test_no_program (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  const char * const argv[] = { "/nonexistent/worker", NULL };

  g_test_summary ("A program that cannot be started is named");

  msgpack_rpc_dispatcher_set_worker_argv (f->dispatcher, argv);
  assert_failure (start (f, "pid", NULL), "No worker could be started: *“/nonexistent/worker”*");
}

static void
test_no_worker (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A program that is no worker is ended");

  msgpack_rpc_dispatcher_set_worker_start_timeout (f->dispatcher, 100);
  use_script (f, "exec sleep 1000");
  assert_failure (start (f, "pid", NULL),
                  "No worker could be started: Worker “sh” was ended: it did not call"
                  " msgpack_rpc_worker_main() in time");
}

static void
test_backoff (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcCall *calls[3];

  g_test_summary ("Workers that end at once are not started again at once, but some time they are");

  use_script (f, "echo started >> \"$0\"; exit 3");
  for (guint i = 0; i < 3; i++)
    calls[i] = start (f, "pid", NULL);
  for (guint i = 0; i < 3; i++)
    assert_failure (calls[i], "No worker could be started: Worker “sh” has exited with status 3"
                    " before it was ready");
  /* All that waited have failed with one of them. */
  g_assert_cmpuint (count_lines (f), ==, 1);

  /* A hundred tries in a row start next to none. */
  for (guint i = 0; i < 100; i++)
    assert_failure (start (f, "pid", NULL), "No worker could be started: *");
  g_assert_cmpuint (count_lines (f), <, 20);

  use_program (f);
  for (;;)
    {
      g_autoptr(MsgpackRpcCall) call = start (f, "pid", NULL);

      WAIT_UNTIL (has_ended (call));
      if (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED)
        break;
    }
}

static void
test_queue (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcCall *running;
  MsgpackRpcCall *waiting;

  g_test_summary ("No more calls wait than may");

  msgpack_rpc_dispatcher_set_worker_max_queued (f->dispatcher, 1);
  running = block (f);
  WAIT_UNTIL (count_lines (f) == 1);
  waiting = start (f, "pid", NULL);
  assert_failure (start (f, "pid", NULL), "1 calls wait for a worker already, the limit is 1");
  msgpack_rpc_peer_send_notification (f->peer, "log", g_variant_new ("(ss)", f->log, "no\n"), NULL);
  assert_failure (start (f, "pid", NULL), "1 calls wait for a worker already, the limit is 1");
  open_gate (f);
  finish_int (running);
  finish_int (waiting);
  get_pid (f);
  g_assert_cmpuint (count_lines (f), ==, 1);
}

static void
test_caller_gone (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) running = NULL;
  g_autoptr(MsgpackRpcCall) waiting = NULL;

  g_test_summary ("What waits is not done for a caller that has gone");

  msgpack_rpc_dispatcher_set_worker_max_queued (f->dispatcher, 1);
  running = block (f);
  WAIT_UNTIL (count_lines (f) == 1);
  waiting = start (f, "log", g_variant_new ("(ss)", f->log, "no\n"));
  assert_failure (start (f, "pid", NULL), "1 calls wait*");
  hang_up (f);

  /* There is room again soon. */
  connect_ends (f);
  for (;;)
    {
      g_autoptr(MsgpackRpcCall) next = start (f, "log", g_variant_new ("(ss)", f->log, "yes\n"));
      /* What is answered at once, behind a refusal. */
      g_autoptr(MsgpackRpcCall) probe = start (f, "nothing", NULL);

      WAIT_UNTIL (has_ended (probe));
      if (has_ended (next))
        continue;

      open_gate (f);
      WAIT_UNTIL (has_ended (next));
      break;
    }
  g_assert_cmpuint (count_lines (f), ==, 2);
}

/* ---- the end ---- */

static gpointer
unref_cb (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_drain_workers (Fixture       *f,
                    gconstpointer  data)
{
  MsgpackRpcCall *calls[3];

  g_test_summary ("A dispatcher that goes lets its workers finish, in whatever thread it goes");

  for (guint i = 0; i < 3; i++)
    calls[i] = block (f);
  WAIT_UNTIL (count_lines (f) == 1);

  msgpack_rpc_connection_set_dispatcher (f->server, NULL);
  if (data != NULL)
    g_thread_join (g_thread_new ("unref", unref_cb, g_steal_pointer (&f->dispatcher)));
  else
    g_assert_finalize_object (g_steal_pointer (&f->dispatcher));
  test_drain ();
  g_assert_false (has_ended (calls[0]));

  open_gate (f);
  for (guint i = 0; i < 3; i++)
    finish_int (calls[i]);
}

/* A program that has a worker, which is busy, and is killed. */
static int
parent_program (const char *log,
                const char *fifo)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = make_dispatcher (FALSE);
  const char * const argv[] = { program, "worker", NULL };
  g_autoptr(GVariant) reply = NULL;

  msgpack_rpc_dispatcher_set_worker_argv (dispatcher, argv);
  reply = msgpack_rpc_dispatcher_dispatch (dispatcher,
                                           g_variant_new ("(uusv)", 0, 1, "block",
                                                          g_variant_new ("(ss)", log, fifo)),
                                           NULL);
  return 1;
}

static void
test_parent_killed (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  const char * const argv[] = { program, "parent", f->log, f->fifo, NULL };
  g_autoptr(GSubprocess) parent = NULL;
  g_autoptr(GAsyncResult) ended = NULL;
  g_autoptr(GError) error = NULL;
  char byte;

  g_test_summary ("A worker does not outlive its parent for long, even if a handler does not return");

  parent = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (count_lines (f) == 1);
  g_subprocess_force_exit (parent);

  /* The worker has it, too: its end is the worker's. */
  g_input_stream_read_async (g_subprocess_get_stderr_pipe (parent), &byte, 1, G_PRIORITY_DEFAULT,
                             NULL, test_store_result, &ended);
  WAIT_UNTIL (ended != NULL);
  g_assert_cmpint (g_input_stream_read_finish (g_subprocess_get_stderr_pipe (parent), ended, &error),
                   ==, 0);
  g_assert_no_error (error);
}

static void
test_no_parent (void)
{
  const char * const argv[] = { program, "worker", NULL };
  g_autoptr(GSubprocessLauncher) launcher = NULL;

  g_test_summary ("A worker that nobody has started says so");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GSubprocess) subprocess = NULL;
      g_autoptr(GError) error = NULL;
      g_autofree char *said = NULL;

      g_clear_object (&launcher);
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
      if (i == 1)
        g_subprocess_launcher_setenv (launcher, "MSGPACK_RPC_WORKER_FD", "0", TRUE);
      subprocess = g_subprocess_launcher_spawnv (launcher, argv, &error);
      g_assert_no_error (error);
      g_assert_true (g_subprocess_communicate_utf8 (subprocess, NULL, NULL, NULL, &said, &error));
      g_assert_no_error (error);
      g_assert_cmpint (g_subprocess_get_exit_status (subprocess), ==, 1);
      g_assert_nonnull (strstr (said, i == 0 ? "This program is a worker" : "no stream socket"));
    }
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  program = self != NULL ? self : argv[0];
  if (argc == 2 && g_str_equal (argv[1], "worker"))
    return worker_program ();
  if (argc == 4 && g_str_equal (argv[1], "parent"))
    return parent_program (argv[2], argv[3]);

  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) g_test_add ("/workers/" path, Fixture, data, setup, func, teardown)
  ADD ("call", NULL, test_call);
  ADD ("params", NULL, test_params);
  ADD ("dispatch", NULL, test_dispatch);
  ADD ("parallel", NULL, test_parallel);
  ADD ("recycle", NULL, test_recycle);
  ADD ("fewer", NULL, test_fewer);
  ADD ("no-argv", NULL, test_no_argv);
  ADD ("argv-changes", NULL, test_argv_changes);
  ADD ("properties", NULL, test_properties);
  ADD ("notifications", NULL, test_notifications);
  for (guint i = 0; i < G_N_ELEMENTS (deaths); i++)
    {
      g_autofree char *path = g_strconcat ("/workers/death/", deaths[i].name, NULL);

      g_test_add (path, Fixture, &deaths[i], setup, test_death, teardown);
    }
  ADD ("time-limit", NULL, test_time_limit);
  ADD ("time-limit/not-reading", "stop", test_time_limit);
  ADD ("max-answer-time", NULL, test_max_answer_time);
  ADD ("memory-limit", NULL, test_memory_limit);
  ADD ("sockets", NULL, test_sockets);
  ADD ("no-program", NULL, test_no_program);
  ADD ("no-worker", NULL, test_no_worker);
  ADD ("backoff", NULL, test_backoff);
  ADD ("queue", NULL, test_queue);
  ADD ("caller-gone", NULL, test_caller_gone);
  ADD ("drain", NULL, test_drain_workers);
  ADD ("drain/thread", "thread", test_drain_workers);
  ADD ("parent-killed", NULL, test_parent_killed);
#undef ADD
  g_test_add_func ("/workers/no-parent", test_no_parent);

  return g_test_run ();
}
