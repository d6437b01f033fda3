/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What an echo server on a loop of ready descriptors does: rows A3 of docs/behaviours.md. */

#include "test-behaviours.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

/* ---- a descriptor that is watched ---- */

typedef struct
{
  int ours;
  int theirs;               /* −1 once closed */
  MsgpackRpcWatch *watch;
  int told_fd;
  MsgpackRpcWatchEvents told;
  guint n_told;
  gboolean goes_on;
} Pair;

static gboolean
pair_cb (int                   fd,
         MsgpackRpcWatchEvents events,
         gpointer              user_data)
{
  Pair *pair = user_data;
  char chunk[16];

  pair->told_fd = fd;
  pair->told = events;
  pair->n_told++;
  if (events & MSGPACK_RPC_WATCH_EVENTS_READ)
    g_assert_cmpint (read (fd, chunk, sizeof chunk), >=, 0);
  return pair->goes_on;
}

static void
pair_watch (Pair                  *pair,
            GMainContext          *context,
            MsgpackRpcWatchEvents  events)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), ==, 0);
  *pair = (Pair) { .ours = fds[0], .theirs = fds[1], .goes_on = TRUE };
  pair->watch = msgpack_rpc_watch_add (context, pair->ours, events, pair_cb, pair, NULL);
}

static void
pair_say (Pair *pair)
{
  g_assert_cmpint (write (pair->theirs, "x", 1), ==, 1);
}

static void
pair_close (Pair *pair)
{
  close (pair->theirs);
  pair->theirs = -1;
}

static void
pair_clear (Pair *pair)
{
  msgpack_rpc_watch_remove (pair->watch);
  g_object_unref (pair->watch);
  close (pair->ours);
  if (pair->theirs >= 0)
    close (pair->theirs);
  test_drain ();
}

static int n_polls;

static int
count_poll (GPollFD *fds,
            guint    n_fds,
            int      timeout)
{
  n_polls++;
  return g_poll (fds, n_fds, timeout);
}

static void
test_a3_1 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  GPollFunc before = g_main_context_get_poll_func (NULL);

  g_test_summary ("The loop is a GMainContext, with whatever function polls for it");

  n_polls = 0;
  g_main_context_set_poll_func (NULL, count_poll);
  ends_open (ends);
  assert_answer (ends->peer, "add", "(1, 2)", "3");
  g_assert_cmpint (n_polls, >, 0);
  g_main_context_set_poll_func (NULL, before);
}

static void
test_a3_2 (void)
{
  Pair pair;

  g_test_summary ("A function is added for a descriptor and for what it is to be told of");

  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_assert_true (MSGPACK_RPC_IS_WATCH (pair.watch));
  pair_say (&pair);
  WAIT_UNTIL (pair.n_told == 1);
  pair_clear (&pair);
}

static void
test_a3_3 (void)
{
  const MsgpackRpcWatchEvents asked[] = {
    MSGPACK_RPC_WATCH_EVENTS_NONE,
    MSGPACK_RPC_WATCH_EVENTS_READ,
  };

  g_test_summary ("Errors are told whatever was asked for");

  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    {
      Pair pair;

      pair_watch (&pair, NULL, asked[i]);
      pair_close (&pair);
      WAIT_UNTIL (pair.told & MSGPACK_RPC_WATCH_EVENTS_ERROR);
      pair_clear (&pair);
    }
}

static void
test_a3_4 (void)
{
  Pair pair;

  g_test_summary ("What a function is told of is changed while it is added");

  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  test_drain ();
  g_assert_cmpuint (pair.n_told, ==, 0);
  g_assert_true (msgpack_rpc_watch_update (pair.watch, MSGPACK_RPC_WATCH_EVENTS_WRITE));
  WAIT_UNTIL (pair.n_told > 0);
  g_assert_cmpuint (pair.told, ==, MSGPACK_RPC_WATCH_EVENTS_WRITE);
  g_assert_true (msgpack_rpc_watch_update (pair.watch, MSGPACK_RPC_WATCH_EVENTS_READ));
  pair_say (&pair);
  WAIT_UNTIL (pair.told == MSGPACK_RPC_WATCH_EVENTS_READ);
  pair_clear (&pair);
}

static void
test_a3_5 (void)
{
  Pair pair;

  g_test_summary ("Removing twice, or after the descriptor was closed, is harmless");

  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  close (pair.ours);
  g_assert_true (msgpack_rpc_watch_remove (pair.watch));
  g_assert_false (msgpack_rpc_watch_remove (pair.watch));
  g_assert_false (msgpack_rpc_watch_update (pair.watch, MSGPACK_RPC_WATCH_EVENTS_READ));
  pair.ours = pair.theirs;
  pair.theirs = -1;
  pair_clear (&pair);
}

static void
test_a3_6 (void)
{
  Pair pair;

  g_test_summary ("The events are NONE, READ, WRITE and ERROR; NONE is 0, and silent");

  g_assert_cmpuint (MSGPACK_RPC_WATCH_EVENTS_NONE, ==, 0);
  g_assert_cmpuint (MSGPACK_RPC_WATCH_EVENTS_READ | MSGPACK_RPC_WATCH_EVENTS_WRITE |
                      MSGPACK_RPC_WATCH_EVENTS_ERROR, ==, 7);
  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_NONE);
  pair_say (&pair);
  test_drain ();
  g_assert_cmpuint (pair.n_told, ==, 0);
  g_assert_true (msgpack_rpc_watch_is_active (pair.watch));
  msgpack_rpc_watch_update (pair.watch, MSGPACK_RPC_WATCH_EVENTS_READ);
  WAIT_UNTIL (pair.n_told == 1);
  pair_clear (&pair);
}

static void
test_a3_7 (void)
{
  Pair pair;

  g_test_summary ("A function gets the descriptor and the events, and says whether it goes on");

  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  pair_say (&pair);
  WAIT_UNTIL (pair.n_told == 1);
  g_assert_cmpint (pair.told_fd, ==, pair.ours);
  g_assert_cmpuint (pair.told, ==, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_assert_true (msgpack_rpc_watch_is_active (pair.watch));

  pair.goes_on = FALSE;
  pair_say (&pair);
  WAIT_UNTIL (pair.n_told == 2);
  g_assert_false (msgpack_rpc_watch_is_active (pair.watch));
  pair_say (&pair);
  test_drain ();
  g_assert_cmpuint (pair.n_told, ==, 2);
  pair_clear (&pair);
}

static void
test_a3_8 (Ends          *ends,
           gconstpointer  data G_GNUC_UNUSED)
{
  Pair pair;

  g_test_summary ("Where no loop is named, it is the default one");

  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_assert_true (msgpack_rpc_watch_get_main_context (pair.watch) == g_main_context_default ());
  g_assert_true (msgpack_rpc_client_get_main_context (ends->client) == g_main_context_default ());
  g_assert_true (msgpack_rpc_server_get_main_context (ends->server.server) ==
                 g_main_context_default ());
  pair_clear (&pair);
}

static void
test_a3_9 (void)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  Pair pair;

  g_test_summary ("What is added belongs to the context that was thread-default then");

  g_main_context_push_thread_default (context);
  pair_watch (&pair, NULL, MSGPACK_RPC_WATCH_EVENTS_READ);
  g_main_context_pop_thread_default (context);
  pair_say (&pair);
  test_drain ();
  g_assert_cmpuint (pair.n_told, ==, 0);
  WAIT_UNTIL_WITH (pair.n_told == 1, g_main_context_iteration (context, TRUE));
  pair_clear (&pair);
  while (g_main_context_iteration (context, FALSE))
    ;
}

/* ---- who comes ---- */

/* The one that listens on the port of @address. */
static int
find_listening (GSocketAddress *address)
{
  guint16 port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));

  for (int fd = 0; fd < 1024; fd++)
    {
      struct sockaddr_in name;
      socklen_t size = sizeof name;
      int listens = 0;

      if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t) { sizeof listens }) == 0 &&
          listens && getsockname (fd, (struct sockaddr *) &name, &size) == 0 &&
          name.sin_family == AF_INET && ntohs (name.sin_port) == port)
        return fd;
    }

  g_assert_not_reached ();
}

static void
test_a3_10 (void)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;
  struct tcp_info info;
  socklen_t size = sizeof info;
  int fd;

  g_test_summary ("A listening socket does not block, and has the backlog that was asked for");

  g_socket_listener_set_backlog (G_SOCKET_LISTENER (server), 5);
  g_socket_listener_add_address (G_SOCKET_LISTENER (server), any, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &address, &error);
  g_assert_no_error (error);
  fd = find_listening (address);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  /* For one that listens, that is its backlog. */
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size), ==, 0);
  g_assert_cmpuint (info.tcpi_sacked, ==, 5);
}

static guint16
get_port (int fd)
{
  struct sockaddr_in name;

  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &name, &(socklen_t) { sizeof name }), ==, 0);
  return ntohs (name.sin_port);
}

static void
test_a3_11 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketAddress) address = NULL;
  RawPeer peer;

  g_test_summary ("Each who comes is a connection that knows the address of its peer");

  enter (&ends->server, &peer, ends->address);
  address = msgpack_rpc_connection_get_remote_address (ends_get_guest (ends));
  g_assert_cmpuint (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), ==,
                    get_port (peer.fd));
  raw_peer_clear (&peer);
}

/* ---- what goes out ---- */

#define LARGE (4 * 1024 * 1024)

static GVariant *
new_bytes (gsize size)
{
  return g_variant_new_take_string (g_strnfill (size, 'x'));
}

/* A peer that has a large notification on its way, and reads nothing of it. */
static MsgpackRpcConnection *
enter_greedy (Ends    *ends,
              RawPeer *peer)
{
  MsgpackRpcConnection *guest;
  g_autoptr(GError) error = NULL;

  enter (&ends->server, peer, ends->address);
  guest = ends_get_guest (ends);
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (guest), "large",
                                      g_variant_new ("(@s)", new_bytes (LARGE)), &error);
  g_assert_no_error (error);
  test_drain ();
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (guest), >, 0);
  return guest;
}

static void
assert_large (RawPeer *peer)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);
  g_autoptr(GVariant) params = g_variant_get_child_value (message, 2);
  g_autoptr(GVariant) list = g_variant_get_variant (params);
  g_autoptr(GVariant) text = g_variant_get_child_value (list, 0);
  g_autoptr(GVariant) inner = g_variant_get_variant (text);

  g_assert_cmpuint (strspn (g_variant_get_string (inner, NULL), "x"), ==, LARGE);
}

static void
test_a3_12 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *greedy, *other;
  RawPeer first, second;

  g_test_summary ("Each connection has an output queue of its own, which can be looked at");

  greedy = enter_greedy (ends, &first);
  enter (&ends->server, &second, ends->address);
  other = ends_get_guest (ends);
  assert_add (&second);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (other), ==, 0);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (greedy), >, 0);
  assert_large (&first);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (greedy) == 0);
  raw_peer_clear (&first);
  raw_peer_clear (&second);
}

static gboolean
echo_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 0);

  ++*(guint *) user_data;
  return msgpack_rpc_invocation_return_value (invocation, value);
}

/* Until nobody takes any more. Returns the number of whole requests. */
static guint
flood (RawPeer *peer,
       GBytes  *request)
{
  gsize size;
  const char *bytes = g_bytes_get_data (request, &size);
  guint n_idle = 0;
  gsize sent = 0;

  while (n_idle < 20)
    {
      gssize n = send (peer->fd, bytes + sent % size, size - sent % size, MSG_NOSIGNAL);

      if (n > 0)
        sent += (gsize) n;
      n_idle = n > 0 ? 0 : n_idle + 1;
      if (n < 0)
        test_iterate ();
    }

  /* The rest of the last one is sent while the answers are read. */
  return (guint) (sent / size);
}

static void
test_a3_13 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  const gsize mark = 64 * 1024;
  g_autoptr(GVariant) request = g_variant_ref_sink (g_variant_new ("(ius(@s))", 0, 1, "echo",
                                                                   new_bytes (1024)));
  g_autoptr(GBytes) packed = msgpack_rpc_pack (request, NULL);
  MsgpackRpcConnection *guest;
  RawPeer peer;
  guint n_handled = 0;
  guint n_sent;

  g_test_summary ("Nothing is read from a peer while it does not read what waits for it");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "echo", "(s)", echo_handler, &n_handled,
                                     NULL);
  enter (&ends->server, &peer, ends->address);
  guest = ends_get_guest (ends);
  msgpack_rpc_connection_set_high_water_mark (guest, mark);
  g_object_bind_property (guest, "is-congested", guest, "paused", G_BINDING_DEFAULT);

  n_sent = flood (&peer, packed);
  g_assert_true (msgpack_rpc_connection_get_paused (guest));
  g_assert_cmpuint (n_handled, <, n_sent);
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (guest), <, 16 * mark);

  for (guint i = 0; i < n_sent; i++)
    g_variant_unref (raw_peer_receive (&peer));
  g_assert_cmpuint (n_handled, ==, n_sent);
  raw_peer_clear (&peer);
}

static void
store_error_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                MsgpackRpcConnection *connection,
                const GError         *error,
                gpointer              user_data)
{
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (connection), ==, 0);
  if (error != NULL)
    *(GError **) user_data = g_error_copy (error);
}

static void
test_a3_14 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;

  g_test_summary ("A peer that has closed is gone, which is no error");

  enter (&ends->server, &peer, ends->address);
  assert_add (&peer);
  g_string_truncate (ends->server.events, 0);
  raw_peer_close (&peer);
  WAIT_UNTIL (strstr (ends->server.events->str, "-") != NULL &&
              count_connections (&ends->server) == 0);
  g_assert_null (strstr (ends->server.events->str, "!"));
  raw_peer_clear (&peer);
}

static void
test_a3_15 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *guest;
  RawPeer peer;

  g_test_summary ("Whether a socket can be written is asked for only while something waits for that");

  guest = enter_greedy (ends, &peer);
  /* It takes no more: nothing is to do. */
  for (int i = 0; i < 100; i++)
    g_assert_false (g_main_context_iteration (NULL, FALSE));

  assert_large (&peer);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (guest) == 0);
  /* It could take more: there is nothing to do either. */
  test_drain ();
  for (int i = 0; i < 100; i++)
    g_assert_false (g_main_context_iteration (NULL, FALSE));
  raw_peer_clear (&peer);
}

static gboolean
slow_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  /* Longer than a turn. */
  g_usleep (2000);
  ++*(guint *) user_data;
  return TRUE;
}

static void
test_a3_16 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  const guint n_flood = 100;
  RawPeer flooder, other;
  guint n_handled = 0;

  g_test_summary ("A turn of one connection is short: others are served in between");

  msgpack_rpc_dispatcher_add_method (ends->server.dispatcher, "slow", NULL, slow_handler, &n_handled,
                                     NULL);
  enter (&ends->server, &flooder, ends->address);
  enter (&ends->server, &other, ends->address);
  for (guint i = 0; i < n_flood; i++)
    raw_peer_send_value (&flooder, g_variant_new_parsed ("(2, 'slow', @as [])"));
  WAIT_UNTIL (n_handled > 0);
  assert_add (&other);
  g_assert_cmpuint (n_handled, <, n_flood);
  WAIT_UNTIL (n_handled == n_flood);
  raw_peer_clear (&flooder);
  raw_peer_clear (&other);
}

static void
test_a3_17 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("A connection that fails is closed, says why, and drops its queue");

  g_signal_connect (ends->server.server, "client-disconnected", G_CALLBACK (store_error_cb), &error);
  enter_greedy (ends, &peer);
  /* It is reset. */
  g_assert_cmpint (setsockopt (peer.fd, SOL_SOCKET, SO_LINGER, &(struct linger) { 1, 0 },
                               sizeof (struct linger)), ==, 0);
  raw_peer_close (&peer);
  WAIT_UNTIL (count_connections (&ends->server) == 0 && error != NULL);
  g_assert_cmpint (error->domain, ==, G_IO_ERROR);
  raw_peer_clear (&peer);
}

static void
tiny_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
         MsgpackRpcConnection *connection,
         gpointer              user_data G_GNUC_UNUSED)
{
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  g_autoptr(GError) error = NULL;

  g_socket_set_option (socket, SOL_SOCKET, SO_SNDBUF, 1, &error);
  g_assert_no_error (error);
}

static void
test_a3_19 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;

  g_test_summary ("What a socket takes in small parts arrives whole");

  g_signal_connect (ends->server.server, "client-connected", G_CALLBACK (tiny_cb), NULL);
  enter_greedy (ends, &peer);
  assert_large (&peer);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static guint
count_descriptors (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/fd", 0, &error);
  guint n = 0;

  g_assert_no_error (error);
  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static void
test_a3_20 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  guint n_before = 0;

  g_test_summary ("Nothing is left behind of those who have come and gone");

  for (int i = 0; i < 300; i++)
    {
      RawPeer peer;

      enter (&ends->server, &peer, ends->address);
      assert_add (&peer);
      raw_peer_clear (&peer);
      WAIT_UNTIL (count_connections (&ends->server) == 0);
      test_drain ();
      if (i == 10)
        n_before = count_descriptors ();
    }

  g_assert_cmpuint (count_descriptors (), ==, n_before);
}

/* ---- running ---- */

static void
stop_cb (GObject      *source G_GNUC_UNUSED,
         GAsyncResult *result G_GNUC_UNUSED,
         gpointer      user_data)
{
  ++*(guint *) user_data;
  kill (getpid (), SIGTERM);
}

static gpointer
run_elsewhere (gpointer data)
{
  GError *error = NULL;

  g_assert_false (msgpack_rpc_server_run (data, NULL, &error));
  return error;
}

static void
test_a3_22 (Ends          *ends,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = ends->server.server;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  guint n_answered = 0;

  g_test_summary ("Running a server blocks, serves, and returns when the process is told to end");

  g_cancellable_cancel (cancellable);
  g_assert_false (msgpack_rpc_server_run (server, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_assert_true (g_main_context_acquire (NULL));
  error = g_thread_join (g_thread_new ("elsewhere", run_elsewhere, server));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_main_context_release (NULL);

  msgpack_rpc_client_open_async (ends->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (ends->peer, "add", g_variant_new ("(ii)", 1, 2), NULL, stop_cb,
                               &n_answered);
  g_assert_true (msgpack_rpc_server_run (server, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_answered, ==, 1);
  g_assert_cmpuint (count_connections (&ends->server), ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(row, func) g_test_add ("/behaviours/" row, Ends, NULL, ends_setup, func, ends_teardown)
  ADD ("A3.1", test_a3_1);
  g_test_add_func ("/behaviours/A3.2", test_a3_2);
  g_test_add_func ("/behaviours/A3.3", test_a3_3);
  g_test_add_func ("/behaviours/A3.4", test_a3_4);
  g_test_add_func ("/behaviours/A3.5", test_a3_5);
  g_test_add_func ("/behaviours/A3.6", test_a3_6);
  g_test_add_func ("/behaviours/A3.7", test_a3_7);
  ADD ("A3.8", test_a3_8);
  g_test_add_func ("/behaviours/A3.9", test_a3_9);
  g_test_add_func ("/behaviours/A3.10", test_a3_10);
  ADD ("A3.11", test_a3_11);
  ADD ("A3.12", test_a3_12);
  ADD ("A3.13", test_a3_13);
  ADD ("A3.14", test_a3_14);
  ADD ("A3.15", test_a3_15);
  ADD ("A3.16", test_a3_16);
  ADD ("A3.17", test_a3_17);
  ADD ("A3.19", test_a3_19);
  ADD ("A3.20", test_a3_20);
  ADD ("A3.22", test_a3_22);
#undef ADD

  return g_test_run ();
}
