/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What a client that connects again leaves open, and what it does without descriptors. */

#include "test-reconnect.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER
#endif
#ifdef HAS_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

/* Those that are sockets: GIO opens others when it likes. */
static guint
count_sockets (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      n += target != NULL && g_str_has_prefix (target, "socket:") ? 1 : 0;
    }

  return n;
}

/* A port whose queue of connections is full: connecting to it does not end. */
static int
listen_and_fill (GArray  *fillers,
                 guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (listener, 0), ==, 0);
  g_assert_cmpint (getsockname (listener, (struct sockaddr *) &address, &size), ==, 0);
  *port = ntohs (address.sin_port);

  for (guint i = 0; i < 4; i++)
    {
      int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

      connect (fd, (struct sockaddr *) &address, size);
      g_array_append_val (fillers, fd);
    }
  return listener;
}

/* An attempt that the timeout of a GSocketClient ends leaves objects of GIO's behind that hold each other,
 * in any program (GLib 2.74). */
static void
ignore_leaks (gboolean ignore G_GNUC_UNUSED)
{
#ifdef HAS_LEAK_SANITIZER
  if (ignore)
    __lsan_disable ();
  else
    __lsan_enable ();
#endif
}

static void
test_stuck (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fillers = g_array_new (FALSE, FALSE, sizeof (int));
  g_autofree char *address = NULL;
  guint16 port;
  int listener = listen_and_fill (fillers, &port);
  guint n_sockets;

  g_test_summary ("An attempt that is cancelled, closed or times out leaves no socket open");

  address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  n_sockets = count_sockets ();
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GAsyncResult) opened = NULL;
      g_autoptr(GError) error = NULL;

      if (i == 11)
        ignore_leaks (TRUE);
      set_client (f, msgpack_rpc_client_new (address));
      msgpack_rpc_client_set_reconnect_policy (f->client, i % 2 == 0 ? f->policy : NULL);
      /* In seconds: once is enough. */
      if (i == 11)
        g_socket_client_set_timeout (msgpack_rpc_client_get_socket_client (f->client), 1);
      msgpack_rpc_client_open_async (f->client, cancellable, test_store_result, &opened);
      if (i > 5)
        WAIT_UNTIL (count_sockets () > n_sockets);
      if (i == 11)
        WAIT_UNTIL (opened != NULL);
      if (i % 3 == 0)
        g_cancellable_cancel (cancellable);
      else if (i % 3 == 1)
        msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      else
        g_object_run_dispose (G_OBJECT (f->client));
      WAIT_UNTIL (opened != NULL);
      g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
      if (i == 11)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_clear_object (&opened);
      g_clear_object (&f->client);
      WAIT_UNTIL (count_sockets () == n_sockets);
    }
  ignore_leaks (FALSE);

  for (guint i = 0; i < fillers->len; i++)
    close (g_array_index (fillers, int, i));
  close (listener);
}

static void
test_late (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  guint n_accepted = 0;
  guint n_fds;

  g_test_summary ("A connection that comes about too late is closed");

  start_listening (f);
  g_clear_object (&f->client);
  test_drain ();
  n_fds = count_fds ();
  for (guint i = 0; i < 100; i++)
    {
      set_client (f, msgpack_rpc_client_new (f->address));
      msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
      msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
      for (guint j = 0; j < i % 12; j++)
        g_main_context_iteration (NULL, FALSE);
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      while (try_accept (f))
        {
          raw_peer_wait_closed (&f->server);
          n_accepted++;
        }
      g_assert_finalize_object (g_steal_pointer (&f->client));
    }

  g_assert_cmpuint (n_accepted, >, 0);
  clear_server (f);
  WAIT_UNTIL (count_fds () <= n_fds);
}

/* Takes all descriptors that are left. */
static void
fill_descriptors (GArray *fds)
{
  int fd;

  while ((fd = dup (STDERR_FILENO)) >= 0)
    g_array_append_val (fds, fd);
}

static void
limit_descriptors (struct rlimit *limit)
{
  struct rlimit small;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, limit), ==, 0);
  small = *limit;
  small.rlim_cur = 128;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &small), ==, 0);
}

static void
free_descriptors (GArray        *fds,
                  struct rlimit *limit)
{
  for (guint i = 0; i < fds->len; i++)
    g_assert_cmpint (close (g_array_index (fds, int, i)), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, limit), ==, 0);
}

static void
test_no_descriptors (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  struct rlimit limit;

  g_test_summary ("Without descriptors the client waits until there are some");

  open_client (f);
  limit_descriptors (&limit);
  raw_peer_close (&f->server);
  fill_descriptors (fds);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
  fill_descriptors (fds);
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 1);

  free_descriptors (fds, &limit);
  accept_client (f);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected connecting connected "));
}

/* Answers one request, in a thread. Returns the connection. */
static gpointer
answer_elsewhere (gpointer data)
{
  Fixture *f = data;
  GPollFD listener = { f->listener, G_IO_IN, 0 };
  guint8 reply[] = { 0x94, 1, 0, 0xc0, 7 };
  guint8 request[64];
  int fd;

  g_assert_cmpint (g_poll (&listener, 1, 20000 * test_get_slowness ()), ==, 1);
  fd = accept (f->listener, NULL, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (recv (fd, request, sizeof request, 0), >, 3);
  reply[2] = request[2];
  g_assert_cmpint (send (fd, reply, sizeof reply, MSG_NOSIGNAL), ==, sizeof reply);
  return GINT_TO_POINTER (fd);
}

static void
test_no_descriptors_nor_loop (Fixture       *f,
                              gconstpointer  data)
{
  gboolean opens = GPOINTER_TO_INT (data);
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr(GCancellable) cancelled = g_cancellable_new ();
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;
  struct rlimit limit;
  GThread *thread;

  g_test_summary ("Nor does it take a loop to find them: a thread that waits for the client does it");

  open_client (f);
  call = start_call (f, "again", TRUE, FALSE);
  expect_request (f, "again");
  g_cancellable_cancel (cancelled);
  /* What this thread waits with is there before. */
  g_assert_null (msgpack_rpc_call_wait (call, cancelled, NULL));
  limit_descriptors (&limit);
  raw_peer_close (&f->server);
  fill_descriptors (fds);
  WAIT_UNTIL_WITH (msgpack_rpc_client_get_status (f->client) ==
                     MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED,
                   g_assert_null (msgpack_rpc_call_wait (call, cancelled, NULL)));
  free_descriptors (fds, &limit);

  /* No loop runs from here on. */
  thread = g_thread_new ("server", answer_elsewhere, f);
  if (opens)
    {
      g_assert_true (msgpack_rpc_client_open_sync (f->client, NULL, &error));
      g_assert_no_error (error);
    }
  result = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (result, "7");
  clear_server (f);
  raw_peer_take (&f->server, GPOINTER_TO_INT (g_thread_join (thread)));
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/reconnect/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("stuck", test_stuck);
  ADD ("late", test_late);
  ADD ("no-descriptors", test_no_descriptors);
  g_test_add ("/msgpack-rpc/reconnect/no-descriptors-nor-loop/call", Fixture, GINT_TO_POINTER (FALSE),
              setup, test_no_descriptors_nor_loop, teardown);
  g_test_add ("/msgpack-rpc/reconnect/no-descriptors-nor-loop/open", Fixture, GINT_TO_POINTER (TRUE),
              setup, test_no_descriptors_nor_loop, teardown);

  return g_test_run ();
}
