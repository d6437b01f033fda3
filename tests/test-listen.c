/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Where a server listens, over real sockets. */

#include "test-server.h"

#include <sys/socket.h>

static void
test_tcp (Fixture       *f,
          gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "tcp://127.0.0.1:0");
  RawPeer first;
  RawPeer second;

  g_test_summary ("Peers call methods over TCP, and the list of connections follows");

  g_assert_true (g_str_has_prefix (address, "tcp://127.0.0.1:"));
  g_assert_cmpstr (address, !=, "tcp://127.0.0.1:0");

  enter (f, &first, address);
  enter (f, &second, address);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(1-0+1)+");
  assert_add (&first);
  assert_add (&second);

  raw_peer_close (&first);
  WAIT_UNTIL (count_connections (f) == 1);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(1-0+1)+(0-1+0)-");
  assert_add (&second);

  raw_peer_clear (&first);
  raw_peer_clear (&second);
}

static void
test_localhost (Fixture       *f,
                gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;
  guint n;

  g_test_summary ("“localhost” is bound for both families, with one port");

  addresses = msgpack_rpc_server_listen_sync (f->server, "tcp://localhost:0", NULL, &error);
  g_assert_no_error (error);
  n = g_strv_length (addresses);
  g_assert_cmpuint (n, >=, 1);
  if (n == 2)
    g_assert_cmpstr (strrchr (addresses[0], ':'), ==, strrchr (addresses[1], ':'));
  else
    g_test_message ("There is only %s here", addresses[0]);

  for (guint i = 0; i < n; i++)
    {
      RawPeer peer;

      enter (f, &peer, addresses[i]);
      assert_add (&peer);
      raw_peer_clear (&peer);
    }
}

static void
test_any (Fixture       *f,
          gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  g_test_summary ("Any interface is bound, and its address can be connected to");

  addresses = msgpack_rpc_server_listen_sync (f->server, "*:0", NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; addresses[i] != NULL; i++)
    {
      RawPeer peer;

      enter (f, &peer, addresses[i]);
      assert_add (&peer);
      raw_peer_clear (&peer);
    }
}

static void
test_unix (Fixture       *f,
           gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->folder, "a socket", NULL);
  g_autofree char *uri = path_address (f, "a socket");
  g_autofree char *address = NULL;
  g_autofree char *lock = g_strconcat (path, ".lock", NULL);
  GStatBuf status;
  RawPeer peer;

  g_test_summary ("Peers call methods over a UNIX socket, whose file is private and removed");

  address = listen_on (f->server, path);
  g_assert_cmpstr (address, ==, uri);
  g_assert_cmpint (g_lstat (path, &status), ==, 0);
  g_assert_true (S_ISSOCK (status.st_mode));
  g_assert_cmpint (status.st_mode & 0077, ==, 0);
  g_assert_cmpint (g_access (lock, F_OK), !=, 0);

  enter (f, &peer, address);
  assert_add (&peer);
  g_assert_finalize_object (g_steal_pointer (&f->server));
  g_assert_cmpint (g_access (path, F_OK), !=, 0);
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
}

static void
test_unix_mode (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->folder, "open", NULL);
  g_autofree char *address = NULL;
  GStatBuf status;
  RawPeer peer;

  g_test_summary ("The file of a UNIX socket gets the mode that is asked for");

  g_assert_cmpuint (msgpack_rpc_server_get_unix_mode (f->server), ==, 0600);
  msgpack_rpc_server_set_unix_mode (f->server, 0666);
  address = listen_on (f->server, path);
  g_assert_cmpint (g_lstat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0666);
  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_abstract (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *name = g_strdup_printf ("unix-abstract:msgpack-rpc-test-%d", (int) getpid ());
  g_autofree char *address = NULL;
  RawPeer peer;

  g_test_summary ("Abstract UNIX sockets work where there are any");

  if (!g_unix_socket_address_abstract_names_supported ())
    {
      g_test_skip ("This system has no abstract UNIX sockets");
      return;
    }

  address = listen_on (f->server, name);
  g_assert_cmpstr (address, ==, name);
  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static GSocket *
bind_path (const char *path,
           gboolean    listens)
{
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr(GError) error = NULL;
  GSocket *socket;

  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, &error);
  g_assert_no_error (error);
  g_socket_bind (socket, address, FALSE, &error);
  g_assert_no_error (error);
  if (listens)
    g_socket_listen (socket, &error);
  g_assert_no_error (error);
  return socket;
}

static void
assert_in_use (Fixture    *f,
               const char *path)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_server_listen_sync (f->server, path, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
}

static void
test_stale (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autofree char *address = NULL;
  RawPeer peer;

  g_test_summary ("A socket that a crashed server has left behind is replaced");

  g_object_unref (bind_path (path, TRUE));
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  address = listen_on (f->server, path);
  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_not_stale (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *live = g_build_filename (f->folder, "live", NULL);
  g_autofree char *file = g_build_filename (f->folder, "file", NULL);
  g_autofree char *link = g_build_filename (f->folder, "link", NULL);
  g_autoptr(GSocket) socket = bind_path (live, TRUE);

  g_test_summary ("Nothing else is ever replaced");

  assert_in_use (f, live);

  g_assert_true (g_file_set_contents (file, "precious", -1, NULL));
  assert_in_use (f, file);

  g_assert_cmpint (symlink (live, link), ==, 0);
  assert_in_use (f, link);

  g_unlink (live);
  g_unlink (file);
  g_unlink (link);
}

static void
test_two_servers (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr(MsgpackRpcServer) other = msgpack_rpc_server_new ();
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autoptr(GSocket) replacement = NULL;

  g_test_summary ("One server has a path at a time, and removes no file of others");

  g_free (listen_on (other, path));
  assert_in_use (f, path);
  g_assert_finalize_object (g_steal_pointer (&other));
  g_free (listen_on (f->server, path));

  g_unlink (path);
  replacement = bind_path (path, TRUE);
  g_assert_finalize_object (g_steal_pointer (&f->server));
  g_assert_cmpint (g_access (path, F_OK), ==, 0);
  g_unlink (path);
}

static void
test_listen_async (Fixture       *f,
                   gconstpointer  data)
{
  const char *const addresses[] = { "tcp://127.0.0.1:0", "localhost:0", "[::1]:0", NULL };

  g_test_summary ("Listening does not wait for a host name, and never ends within its start");

  for (guint i = 0; addresses[i] != NULL; i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;
      g_auto(GStrv) bound = NULL;
      RawPeer peer;

      msgpack_rpc_server_listen_async (f->server, addresses[i], NULL, test_store_result, &result);
      g_assert_null (result);
      WAIT_UNTIL (result != NULL);
      bound = msgpack_rpc_server_listen_finish (f->server, result, &error);
      if (i == 2 && error != NULL)
        {
          g_test_message ("There is no IPv6 here: %s", error->message);
          break;
        }
      g_assert_no_error (error);

      enter (f, &peer, bound[0]);
      assert_add (&peer);
      raw_peer_clear (&peer);
    }
}

static void
test_listen_fails (Fixture       *f,
                   gconstpointer  data)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *bound = listen_on (f->server, "127.0.0.1:0");
  const struct
  {
    const char *address;
    gboolean is_cancelled;
    GQuark domain;
    int code;
  } cases[] = {
    { "nonsense", FALSE, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS },
    { "exec:nvim", FALSE, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS },
    { "tls://localhost:0", FALSE, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED },
    { "no-such-host.invalid:0", FALSE, G_RESOLVER_ERROR, -1 },
    { bound, FALSE, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE },
    { "/no/such/folder/socket", FALSE, G_IO_ERROR, G_IO_ERROR_NOT_FOUND },
    { "localhost:0", TRUE, G_IO_ERROR, G_IO_ERROR_CANCELLED },
    { "127.0.0.1:0", TRUE, G_IO_ERROR, G_IO_ERROR_CANCELLED },
  };

  g_test_summary ("Where it is not possible to listen, there is an error, in either way to ask");

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) async_error = NULL;

      g_test_message ("%s", cases[i].address);
      g_assert_null (msgpack_rpc_server_listen_sync (
          f->server, cases[i].address, cases[i].is_cancelled ? cancellable : NULL, &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == cases[i].domain);
      if (cases[i].code >= 0)
        g_assert_cmpint (error->code, ==, cases[i].code);

      msgpack_rpc_server_listen_async (f->server, cases[i].address,
                                       cases[i].is_cancelled ? cancellable : NULL,
                                       test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      g_assert_null (msgpack_rpc_server_listen_finish (f->server, result, &async_error));
      g_assert_error (async_error, error->domain, error->code);
      g_assert_cmpstr (async_error->message, ==, error->message);
    }
}

static void
test_stop (Fixture       *f,
           gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *path_uri = listen_on (f->server, path);
  g_autofree char *again = NULL;
  RawPeer peer;
  RawPeer later;

  g_test_summary ("A stopped server refuses peers, and keeps those it has");

  enter (f, &peer, address);
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  assert_refused (address);
  assert_refused (path_uri);
  g_assert_cmpint (g_access (path, F_OK), !=, 0);
  assert_add (&peer);

  /* What is opened now waits for the start. */
  again = listen_on (f->server, address);
  g_assert_cmpstr (again, ==, address);
  raw_peer_init_connected (&later, address);
  test_drain ();
  g_assert_cmpuint (count_connections (f), ==, 1);
  g_socket_service_start (G_SOCKET_SERVICE (f->server));
  WAIT_UNTIL (count_connections (f) == 2);
  assert_add (&later);

  /* As with any GSocketService, what was started must be stopped. */
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  test_drain ();
  raw_peer_clear (&peer);
  raw_peer_clear (&later);
}

static void
test_close (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->folder, "socket", NULL);
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("A server that is closed as a GSocketListener closes its sockets for good");

  g_free (listen_on (f->server, path));
  enter (f, &peer, address);
  g_socket_listener_close (G_SOCKET_LISTENER (f->server));
  WAIT_UNTIL (g_access (path, F_OK) != 0);
  assert_refused (address);
  assert_add (&peer);

  g_assert_null (msgpack_rpc_server_listen_sync (f->server, address, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  raw_peer_clear (&peer);
}

static gpointer
add_address_thread (gpointer data)
{
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr(GSocketAddress) bound = NULL;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GError) error = NULL;

  /* A context that nobody runs. */
  g_main_context_push_thread_default (context);
  g_socket_listener_add_address (data, address, G_SOCKET_TYPE_STREAM, 0, NULL, &bound, &error);
  g_main_context_pop_thread_default (context);
  g_assert_no_error (error);
  return g_strdup_printf ("tcp://127.0.0.1:%u",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}

static void
test_added_socket (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *address = NULL;
  RawPeer peer;

  g_test_summary ("A socket added by any thread is accepted on in the server's context");

  address = g_thread_join (g_thread_new ("add", add_address_thread, f->server));
  enter (f, &peer, address);
  g_assert_true (f->emitted_in == g_thread_self ());
  assert_add (&peer);

  msgpack_rpc_server_set_max_connections (f->server, 1);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);

  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  test_drain ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/listen/" name, Fixture, NULL, server_setup, func, server_teardown)
  ADD ("tcp", test_tcp);
  ADD ("localhost", test_localhost);
  ADD ("any", test_any);
  ADD ("unix", test_unix);
  ADD ("unix-mode", test_unix_mode);
  ADD ("abstract", test_abstract);
  ADD ("stale", test_stale);
  ADD ("not-stale", test_not_stale);
  ADD ("two-servers", test_two_servers);
  ADD ("listen-async", test_listen_async);
  ADD ("listen-fails", test_listen_fails);
  ADD ("stop", test_stop);
  ADD ("close", test_close);
  ADD ("added-socket", test_added_socket);

  return g_test_run ();
}
