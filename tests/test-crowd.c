/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Ten thousand peers at a time, on one context and one core. */

#define _GNU_SOURCE 1

#include "test-server.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define N_PEERS 10000
/* What this process has open besides. */
#define N_OTHERS 100

/* How they leave. */
typedef enum
{
  BY_THEMSELVES,
  DRAINED,
  DROPPED,
} Leaving;

typedef struct
{
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  char *folder;
  char *path;
  guint n_connected;
  guint n_disconnected;
  guint n_handled;
  gboolean is_drained;
} Crowd;

static void
raise_limit (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_max = MAX (limit.rlim_max, N_PEERS + N_OTHERS);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
use_one_core (void)
{
  cpu_set_t cores;
  int core = sched_getcpu ();

  g_assert_cmpint (core, >=, 0);
  CPU_ZERO (&cores);
  CPU_SET (core, &cores);
  g_assert_cmpint (sched_setaffinity (0, sizeof cores, &cores), ==, 0);
}

/* ---- the peers, in a process of their own: between fork() and _exit(), system calls only ---- */

static void
connect_peer (const struct sockaddr_un *address,
              int                       fd)
{
  static const char request[] = "\x94\x00\x07\xa3""add\x92\x01\x02";

  if (fd < 0 || connect (fd, (const struct sockaddr *) address, sizeof *address) != 0 ||
      send (fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1)
    _exit (2);
}

static void
receive_reply (int fd)
{
  static const char expected[] = "\x94\x01\x07\xc0\x03";
  char reply[sizeof expected];

  if (recv (fd, reply, sizeof expected - 1, MSG_WAITALL) != sizeof expected - 1 ||
      memcmp (reply, expected, sizeof expected - 1) != 0)
    _exit (3);
}

/* All are there before the first reads, and the last has read before one leaves. */
static void
run_peers (const struct sockaddr_un *address,
           gboolean                  wait)
{
  static int fds[N_PEERS];
  char more[64];

  for (guint i = 0; i < N_PEERS; i++)
    {
      fds[i] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      connect_peer (address, fds[i]);
    }
  for (guint i = 0; i < N_PEERS; i++)
    receive_reply (fds[i]);
  /* Nothing more than a goodbye comes before the server closes. */
  for (guint i = 0; wait && i < N_PEERS; i++)
    while (recv (fds[i], more, sizeof more, 0) > 0)
      ;
  _exit (0);
}

static pid_t
start_peers (Crowd   *c,
             Leaving  leaving)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  pid_t child;

  g_assert_cmpuint (g_strlcpy (address.sun_path, c->path, sizeof address.sun_path), <,
                    sizeof address.sun_path);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    run_peers (&address, leaving != BY_THEMSELVES);
  return child;
}

/* ---- the server ---- */

static gboolean
add_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  Crowd *c = user_data;

  c->n_handled++;
  return test_add_handler (invocation, params, NULL, error);
}

static void
connected_cb (MsgpackRpcServer     *server,
              MsgpackRpcConnection *connection,
              gpointer              user_data)
{
  Crowd *c = user_data;

  c->n_connected++;
}

static void
disconnected_cb (MsgpackRpcServer     *server,
                 MsgpackRpcConnection *connection,
                 const GError         *error,
                 gpointer              user_data)
{
  Crowd *c = user_data;

  c->n_disconnected++;
}

static void
drained_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Crowd *c = user_data;
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_server_drain_finish (c->server, result, NULL);
  g_assert_nonnull (unsent);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  c->is_drained = TRUE;
}

static void
crowd_setup (Crowd         *c,
             gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  c->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", &error);
  g_assert_no_error (error);
  c->path = g_build_filename (c->folder, "socket", NULL);
  c->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (c->dispatcher, "add", "(xx)", add_handler, c, NULL);
  c->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                            "dispatcher", c->dispatcher,
                            "max-connections", N_PEERS,
                            "max-connections-per-user", N_PEERS,
                            NULL);
  g_signal_connect (c->server, "client-connected", G_CALLBACK (connected_cb), c);
  g_signal_connect (c->server, "client-disconnected", G_CALLBACK (disconnected_cb), c);
}

static void
crowd_teardown (Crowd         *c,
                gconstpointer  data)
{
  g_clear_object (&c->server);
  test_drain ();
  g_assert_finalize_object (c->dispatcher);
  g_assert_cmpint (g_rmdir (c->folder), ==, 0);
  g_free (c->path);
  g_free (c->folder);
}

static gint64
get_cpu_time (void)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time), ==, 0);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
let_leave (Crowd   *c,
           Leaving  leaving)
{
  if (leaving == DRAINED)
    msgpack_rpc_server_drain_async (c->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, G_MAXINT, NULL,
                                    drained_cb, c);
  if (leaving == DROPPED)
    g_assert_finalize_object (g_steal_pointer (&c->server));
  else
    WAIT_UNTIL (c->n_disconnected == N_PEERS);
  WAIT_UNTIL (c->is_drained == (leaving == DRAINED));
}

static void
test_crowd (Crowd         *c,
            gconstpointer  data)
{
  Leaving leaving = (Leaving) GPOINTER_TO_INT (data);
  GListModel *connections = msgpack_rpc_server_get_connections (c->server);
  gint64 begun = get_cpu_time (), arrived, left;
  int status = -1;
  pid_t child;

  g_test_summary ("Ten thousand peers are accepted, answered once each, and seen off");

  g_free (listen_on (c->server, c->path));
  child = start_peers (c, leaving);
  WAIT_UNTIL (c->n_handled == N_PEERS);
  g_assert_cmpuint (c->n_connected, ==, N_PEERS);
  if (leaving != BY_THEMSELVES)
    g_assert_cmpuint (g_list_model_get_n_items (connections), ==, N_PEERS);

  /* The answers are written at the end of a turn. */
  test_drain ();
  arrived = get_cpu_time ();
  let_leave (c, leaving);
  left = get_cpu_time ();
  g_test_message ("They came in %.3f s of CPU time, and left in %.3f s",
                  (double) (arrived - begun) / G_USEC_PER_SEC,
                  (double) (left - arrived) / G_USEC_PER_SEC);

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (c->n_handled, ==, N_PEERS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  raise_limit ();
  use_one_core ();

#define ADD(name, leaving) \
  g_test_add ("/msgpack-rpc/crowd/" name, Crowd, GINT_TO_POINTER (leaving), crowd_setup, \
              test_crowd, crowd_teardown)
  ADD ("leaves", BY_THEMSELVES);
  ADD ("is-drained", DRAINED);
  ADD ("is-dropped", DROPPED);

  return g_test_run ();
}
