/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers come and go, over real sockets. */

#include "test-server.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <glib-unix.h>

#define NOBODY 65534

static void
use_other_dispatcher_cb (MsgpackRpcServer     *server,
                         MsgpackRpcConnection *connection,
                         gpointer              user_data)
{
  /* What the peer sent long ago still waits. */
  test_drain ();
  msgpack_rpc_connection_set_dispatcher (connection, user_data);
}

static void
test_connected_first (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GVariant) reply = NULL;
  RawPeer peer;

  g_test_summary ("No message is delivered before the handlers of client-connected have returned");

  msgpack_rpc_server_set_dispatcher (f->server, NULL);
  g_signal_connect (f->server, "client-connected", G_CALLBACK (use_other_dispatcher_cb),
                    f->dispatcher);
  raw_peer_init_connected (&peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  reply = raw_peer_receive (&peer);
  test_assert_value (reply, "(1, 7, @mv nothing, 3)");
  raw_peer_clear (&peer);
}

static void
test_max_connections (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer first;
  RawPeer second;

  g_test_summary ("One peer too many is told so, and its place is free for a later one");

  g_assert_cmpuint (msgpack_rpc_server_get_max_connections (f->server), ==, 1024);
  msgpack_rpc_server_set_max_connections (f->server, 1);

  enter (f, &first, address);
  raw_peer_init_connected (&second, address);
  assert_turned_away (
      &second, "(1, 0, 'There are too many connections (max-connections is 1)', @mv nothing)");
  raw_peer_clear (&second);
  assert_add (&first);

  raw_peer_clear (&first);
  WAIT_UNTIL (count_connections (f) == 0);
  enter (f, &second, address);
  assert_add (&second);
  raw_peer_clear (&second);
  g_assert_true (g_str_has_prefix (f->events->str, "(0-0+1)+(0-1+0)-(0-0+1)+"));
}

/* An address of this machine that is not the loopback one. */
static char *
find_other_address (void)
{
  struct ifaddrs *interfaces;
  char *found = NULL;

  if (getifaddrs (&interfaces) != 0)
    return NULL;

  for (struct ifaddrs *i = interfaces; i != NULL && found == NULL; i = i->ifa_next)
    {
      g_autoptr(GSocketAddress) address = NULL;
      GInetAddress *inet;

      if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
        continue;
      address = g_socket_address_new_from_native (i->ifa_addr, sizeof (struct sockaddr_in));
      inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
      if (!g_inet_address_get_is_loopback (inet))
        found = g_inet_address_to_string (inet);
    }

  freeifaddrs (interfaces);
  return found;
}

static void
test_remote (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *host = find_other_address ();
  g_autofree char *address = NULL;
  g_autofree char *bound = NULL;
  RawPeer peer;

  g_test_summary ("Other machines are turned away unless they are allowed");

  if (host == NULL)
    {
      g_test_skip ("This machine has only the loopback interface");
      return;
    }

  address = g_strdup_printf ("tcp://%s:0", host);
  bound = listen_on (f->server, address);
  g_assert_false (msgpack_rpc_server_get_allow_remote (f->server));
  raw_peer_init_connected (&peer, bound);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(2, 'add', (1, 2))"));
  test_drain ();
  raw_peer_clear (&peer);

  raw_peer_init_connected (&peer, bound);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  g_assert_cmpstr (f->events->str, ==, "");

  msgpack_rpc_server_set_allow_remote (f->server, TRUE);
  enter (f, &peer, bound);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_other_user (Fixture       *f,
                 gconstpointer  data)
{
  g_autofree char *name = g_strdup_printf ("unix-abstract:msgpack-rpc-test-%d", (int) getpid ());
  g_autofree char *address = NULL;
  RawPeer peer;

  g_test_summary ("On a UNIX socket, other users are turned away, whatever is allowed");

  if (geteuid () != 0 || !g_unix_socket_address_abstract_names_supported ())
    {
      g_test_skip ("Only root can become another user");
      return;
    }

  msgpack_rpc_server_set_allow_remote (f->server, TRUE);
  address = listen_on (f->server, name);
  g_assert_cmpint (seteuid (NOBODY), ==, 0);
  raw_peer_init_connected (&peer, address);
  g_assert_cmpint (seteuid (0), ==, 0);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  g_assert_cmpstr (f->events->str, ==, "");

  enter (f, &peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_boolean_error (Fixture       *f,
                    gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GVariant) reply = NULL;
  RawPeer peer;

  g_test_summary ("Connections speak the server's dialect, also when they are turned away");

  msgpack_rpc_server_set_profile (f->server, MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
  enter (f, &peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  reply = raw_peer_receive (&peer);
  test_assert_value (reply, "(1, 7, false, 3)");
  raw_peer_clear (&peer);

  msgpack_rpc_server_set_max_connections (f->server, 0);
  raw_peer_init_connected (&peer, address);
  assert_turned_away (&peer,
                      "(1, 0, true, 'There are too many connections (max-connections is 0)')");
  raw_peer_clear (&peer);
}

static void
test_accept_stream (Fixture       *f,
                    gconstpointer  data)
{
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GIOStream) second_stream = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcConnection) listed = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;
  RawPeer second;

  g_test_summary ("A stream of any origin becomes a connection, a little later");

  msgpack_rpc_server_set_max_connections (f->server, 1);
  stream = raw_peer_init (&peer);
  connection = msgpack_rpc_server_accept_stream (f->server, stream, &error);
  g_assert_no_error (error);
  g_assert_true (MSGPACK_RPC_IS_CONNECTION (connection));
  g_assert_cmpstr (f->events->str, ==, "");
  g_assert_cmpuint (count_connections (f), ==, 0);

  second_stream = raw_peer_init (&second);
  g_assert_null (msgpack_rpc_server_accept_stream (f->server, second_stream, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY);
  g_assert_false (g_io_stream_is_closed (second_stream));

  WAIT_UNTIL (count_connections (f) == 1);
  listed = g_list_model_get_item (f->connections, 0);
  g_assert_true (listed == connection);
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+");
  assert_add (&peer);

  raw_peer_clear (&peer);
  raw_peer_clear (&second);
  WAIT_UNTIL (g_str_equal (f->events->str, "(0-0+1)+(0-1+0)-"));
}

static void
test_accept_stream_closed (Fixture       *f,
                           gconstpointer  data)
{
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  RawPeer peer;

  g_test_summary ("A connection that is closed at once comes and goes in order");

  stream = raw_peer_init (&peer);
  connection = msgpack_rpc_server_accept_stream (f->server, stream, NULL);
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (strchr (f->events->str, '-') != NULL && f->events->str[f->events->len - 1] == '-');
  g_assert_cmpstr (f->events->str, ==, "(0-0+1)+(0-1+0)-");
  raw_peer_clear (&peer);
}

static void
test_accept_stream_dropped (Fixture       *f,
                            gconstpointer  data)
{
  g_autoptr(GIOStream) stream = NULL;
  RawPeer peer;

  g_test_summary ("A server that is dropped closes what has not quite come in");

  stream = raw_peer_init (&peer);
  g_object_unref (msgpack_rpc_server_accept_stream (f->server, stream, NULL));
  g_clear_object (&stream);
  g_assert_finalize_object (g_steal_pointer (&f->server));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  g_assert_cmpstr (f->events->str, ==, "");
}

static gpointer
broadcast_thread (gpointer data)
{
  return GUINT_TO_POINTER (msgpack_rpc_server_broadcast (data, "news", NULL));
}

static void
test_broadcast (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peers[2];
  GVariant *params;
  guint n;

  g_test_summary ("A notification goes to all connections, from any thread");

  params = g_variant_ref (g_variant_new ("(s)", "hello"));
  g_assert_cmpuint (msgpack_rpc_server_broadcast (f->server, "news", params), ==, 0);
  g_assert_false (g_variant_is_floating (params));
  g_variant_unref (params);

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    enter (f, &peers[i], address);
  n = msgpack_rpc_server_broadcast (f->server, "news", g_variant_new ("(s)", "hello"));
  g_assert_cmpuint (n, ==, 2);
  n = GPOINTER_TO_UINT (g_thread_join (g_thread_new ("broadcast", broadcast_thread, f->server)));
  g_assert_cmpuint (n, ==, 2);

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      g_autoptr(GVariant) first = raw_peer_receive (&peers[i]);
      g_autoptr(GVariant) second = raw_peer_receive (&peers[i]);

      test_assert_value (first, "(2, 'news', ('hello',))");
      test_assert_value (second, "(2, 'news', ())");
      raw_peer_clear (&peers[i]);
    }
}

static void
test_swap_dispatcher (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcDispatcher) empty = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  RawPeer peer;
  RawPeer other;

  g_test_summary ("A new dispatcher holds for connections that had the former one, too");

  enter (f, &other, address);
  connection = g_list_model_get_item (f->connections, 0);
  msgpack_rpc_connection_set_dispatcher (connection, empty);
  enter (f, &peer, address);
  g_clear_object (&connection);
  connection = g_list_model_get_item (f->connections, 1);

  msgpack_rpc_server_set_dispatcher (f->server, NULL);
  g_assert_null (msgpack_rpc_server_get_dispatcher (f->server));
  g_assert_null (msgpack_rpc_connection_get_dispatcher (connection));
  msgpack_rpc_server_set_dispatcher (f->server, f->dispatcher);
  g_object_get (f->server, "dispatcher", &dispatcher, NULL);
  g_assert_true (dispatcher == f->dispatcher);
  g_assert_true (msgpack_rpc_connection_get_dispatcher (connection) == f->dispatcher);
  assert_add (&peer);

  g_clear_object (&connection);
  connection = g_list_model_get_item (f->connections, 0);
  g_assert_true (msgpack_rpc_connection_get_dispatcher (connection) == empty);
  raw_peer_clear (&peer);
  raw_peer_clear (&other);
}

static void
test_drop (Fixture       *f,
           gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peer;
  RawPeer waiting;

  g_test_summary ("Dropping a server closes its sockets and connections, and emits nothing");

  enter (f, &peer, address);
  raw_peer_init_connected (&waiting, address);
  g_string_truncate (f->events, 0);
  g_assert_finalize_object (g_steal_pointer (&f->server));
  g_assert_cmpuint (count_connections (f), ==, 0);
  raw_peer_wait_closed (&peer);
  raw_peer_wait_closed (&waiting);
  test_drain ();
  g_assert_cmpstr (f->events->str, ==, "");
  assert_refused (address);
  raw_peer_clear (&peer);
  raw_peer_clear (&waiting);
}

static void
test_disposed (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *again = NULL;
  RawPeer peer;

  g_test_summary ("A server that a language has disposed of does no harm");

  enter (f, &peer, address);
  g_object_run_dispose (G_OBJECT (f->server));
  g_object_run_dispose (G_OBJECT (f->server));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  assert_refused (address);

  again = listen_on (f->server, address);
  raw_peer_init_connected (&peer, again);
  test_drain ();
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  g_assert_cmpuint (msgpack_rpc_server_broadcast (f->server, "x", NULL), ==, 0);
}

static gboolean
take_incoming_cb (GSocketService    *service,
                  GSocketConnection *connection,
                  GObject           *source_object,
                  gpointer           user_data)
{
  g_set_object ((GSocketConnection **) user_data, connection);
  return TRUE;
}

static void
test_incoming (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GSocketConnection) taken = NULL;
  RawPeer peer;
  gulong id;

  g_test_summary ("A handler of incoming can take a socket away");

  id = g_signal_connect (f->server, "incoming", G_CALLBACK (take_incoming_cb), &taken);
  raw_peer_init_connected (&peer, address);
  WAIT_UNTIL (taken != NULL);
  test_drain ();
  g_assert_cmpuint (count_connections (f), ==, 0);
  raw_peer_clear (&peer);

  g_signal_handler_disconnect (f->server, id);
  enter (f, &peer, address);
  raw_peer_clear (&peer);
}

static void
test_many (Fixture       *f,
           gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  RawPeer peers[50];

  g_test_summary ("Many peers come at once and go, and nothing of them stays");

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
        raw_peer_init_connected (&peers[i], address);
      WAIT_UNTIL (count_connections (f) == G_N_ELEMENTS (peers));
      for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
        assert_add (&peers[i]);
      for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
        raw_peer_clear (&peers[i]);
      WAIT_UNTIL (count_connections (f) == 0);
    }
}

static void
notify_cb (GObject    *object,
           GParamSpec *pspec,
           gpointer    user_data)
{
  guint *n_notified = user_data;

  (*n_notified)++;
}

static void
test_no_descriptors (Fixture       *f,
                     gconstpointer  data)
{
  g_autofree char *address = NULL;
  const char *preloaded = g_getenv ("LD_PRELOAD");
  struct rlimit limit;
  rlim_t soft_limit;
  guint n_notified = 0;
  int next;
  RawPeer peer;

  g_test_summary ("Out of file descriptors, accepting pauses, and goes on later");

  /* It accepts first and looks at the limit afterwards. */
  if (strstr (preloaded != NULL ? preloaded : "", "valgrind") != NULL)
    {
      g_test_skip ("Valgrind has a limit of its own");
      return;
    }

  /* One that the base class was given is as good. */
  if (data != NULL)
    address = g_strdup_printf ("tcp://127.0.0.1:%u", g_socket_listener_add_any_inet_port (
                                 G_SOCKET_LISTENER (f->server), NULL, NULL));
  else
    address = listen_on (f->server, "127.0.0.1:0");
  test_drain ();

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  soft_limit = limit.rlim_cur;
  g_assert_false (msgpack_rpc_server_is_accepting_paused (f->server));
  g_signal_connect (f->server, "notify::accepting-paused", G_CALLBACK (notify_cb), &n_notified);
  raw_peer_init_connected (&peer, address);
  /* All that are there can still be polled. */
  next = dup (0);
  close (next);
  limit.rlim_cur = (rlim_t) next;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count_connections (f), ==, 0);
  /* It does not try again and again. */
  g_assert_false (g_main_context_pending (NULL));
  g_assert_true (msgpack_rpc_server_is_accepting_paused (f->server));
  g_assert_cmpuint (n_notified, ==, 1);

  limit.rlim_cur = soft_limit;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  WAIT_UNTIL (count_connections (f) == 1);
  g_assert_false (msgpack_rpc_server_is_accepting_paused (f->server));
  g_assert_cmpuint (n_notified, >=, 2);
  assert_add (&peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  test_drain ();
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr(GMainContext) context = NULL;
  g_autoptr(GListModel) connections = NULL;
  MsgpackRpcFraming framing;
  MsgpackRpcProfile profile;
  MsgpackRpcReplyOrder order;
  gboolean allow_remote;
  guint max_connections;
  guint n_notified = 0;

  g_test_summary ("Properties have their defaults, and notify of changes only");

  g_object_get (f->server,
                "allow-remote", &allow_remote,
                "connections", &connections,
                "main-context", &context,
                "framing", &framing,
                "max-connections", &max_connections,
                "profile", &profile,
                "reply-order", &order,
                NULL);
  g_assert_false (allow_remote);
  g_assert_true (connections == f->connections);
  g_assert_true (g_list_model_get_item_type (connections) == MSGPACK_RPC_TYPE_CONNECTION);
  g_assert_true (context == g_main_context_default ());
  g_assert_true (context == msgpack_rpc_server_get_main_context (f->server));
  g_assert_cmpuint (max_connections, ==, 1024);
  g_assert_cmpint (framing, ==, MSGPACK_RPC_FRAMING_NONE);
  g_assert_cmpint (profile, ==, MSGPACK_RPC_PROFILE_TOLERANT);
  g_assert_cmpint (order, ==, MSGPACK_RPC_REPLY_ORDER_ANY);

  test_drain ();
  g_signal_connect (f->server, "notify", G_CALLBACK (notify_cb), &n_notified);
  g_object_set (f->server,
                "allow-remote", FALSE,
                "dispatcher", f->dispatcher,
                "max-connections", 1024,
                "profile", MSGPACK_RPC_PROFILE_TOLERANT,
                NULL);
  test_drain ();
  g_assert_cmpuint (n_notified, ==, 0);
  g_object_set (f->server,
                "allow-remote", TRUE,
                "dispatcher", NULL,
                "framing", MSGPACK_RPC_FRAMING_MSGPACK_LENGTH,
                "max-connections", 5,
                "profile", MSGPACK_RPC_PROFILE_BOOLEAN_ERROR,
                "reply-order", MSGPACK_RPC_REPLY_ORDER_REQUEST,
                NULL);
  WAIT_UNTIL (n_notified == 6);
  g_assert_cmpint (msgpack_rpc_server_get_framing (f->server), ==,
                   MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
  g_assert_cmpint (msgpack_rpc_server_get_reply_order (f->server), ==,
                   MSGPACK_RPC_REPLY_ORDER_REQUEST);
  g_assert_cmpint (msgpack_rpc_server_get_profile (f->server), ==,
                   MSGPACK_RPC_PROFILE_BOOLEAN_ERROR);
}

/* ---- in another thread ---- */

typedef struct
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  int n_connected;    /* atomic */
  int n_disconnected; /* atomic */
  int n_elsewhere;    /* atomic; emissions in another thread */
} ThreadFixture;

static void
check_thread (ThreadFixture *f)
{
  if (g_main_context_get_thread_default () != msgpack_rpc_server_get_main_context (f->server))
    g_atomic_int_inc (&f->n_elsewhere);
}

static void
thread_connected_cb (MsgpackRpcServer     *server,
                     MsgpackRpcConnection *connection,
                     gpointer              user_data)
{
  ThreadFixture *f = user_data;

  check_thread (f);
  g_atomic_int_inc (&f->n_connected);
}

static void
thread_disconnected_cb (MsgpackRpcServer     *server,
                        MsgpackRpcConnection *connection,
                        const GError         *error,
                        gpointer              user_data)
{
  ThreadFixture *f = user_data;

  check_thread (f);
  g_atomic_int_inc (&f->n_disconnected);
}

static void
thread_setup (ThreadFixture *f,
              gconstpointer  data)
{
  f->thread = msgpack_rpc_loop_thread_new ("server");
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  f->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                            "main-context", msgpack_rpc_loop_thread_get_main_context (f->thread),
                            "dispatcher", f->dispatcher,
                            NULL);
  g_signal_connect (f->server, "client-connected", G_CALLBACK (thread_connected_cb), f);
  g_signal_connect (f->server, "client-disconnected", G_CALLBACK (thread_disconnected_cb), f);
}

static void
thread_teardown (ThreadFixture *f,
                 gconstpointer  data)
{
  g_clear_object (&f->server);
  msgpack_rpc_loop_thread_quit (f->thread);
  msgpack_rpc_loop_thread_join (f->thread);
  while (g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (f->thread), FALSE))
    ;
  g_assert_finalize_object (f->thread);
  g_assert_finalize_object (f->dispatcher);
  g_assert_cmpint (f->n_elsewhere, ==, 0);
}

static void
assert_thread_add (const char *address)
{
  RawPeer peer;

  raw_peer_init_connected (&peer, address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_thread (ThreadFixture *f,
             gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autofree char *second = NULL;
  GListModel *connections;

  g_test_summary ("A server may be run by another thread than the one that uses it");

  msgpack_rpc_loop_thread_start (f->thread);
  assert_thread_add (address);
  second = listen_on (f->server, "127.0.0.1:0");
  assert_thread_add (second);
  WAIT_UNTIL (g_atomic_int_get (&f->n_disconnected) == 2);
  g_assert_cmpint (g_atomic_int_get (&f->n_connected), ==, 2);
  connections = msgpack_rpc_server_get_connections (f->server);
  g_assert_cmpuint (g_list_model_get_n_items (connections), ==, 0);
}

static void
test_thread_restart (ThreadFixture *f,
                     gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");

  g_test_summary ("Another thread may stop and start the server");

  msgpack_rpc_loop_thread_start (f->thread);
  assert_thread_add (address);

  for (guint i = 0; i < 5; i++)
    {
      g_socket_service_stop (G_SOCKET_SERVICE (f->server));
      assert_refused (address);
      g_socket_service_start (G_SOCKET_SERVICE (f->server));
      g_free (listen_on (f->server, address));
      assert_thread_add (address);
    }
  g_socket_service_stop (G_SOCKET_SERVICE (f->server));
  test_drain ();
}

static void
test_thread_client (ThreadFixture *f,
                    gconstpointer  data)
{
  g_autofree char *address = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(GVariant) sum = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client calls a server in another thread, and waits");

  msgpack_rpc_loop_thread_start (f->thread);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  sum = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2),
                                    NULL, &error);
  g_assert_no_error (error);
  test_assert_value (sum, "3");
}

static void
test_thread_drop (ThreadFixture *f,
                  gconstpointer  data)
{
  g_test_summary ("A server may be dropped by another thread while peers come");

  msgpack_rpc_loop_thread_start (f->thread);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr(MsgpackRpcServer) server = NULL;
      g_autofree char *address = NULL;
      RawPeer peers[4];

      server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                             "main-context", msgpack_rpc_loop_thread_get_main_context (f->thread),
                             "dispatcher", f->dispatcher,
                             NULL);
      address = listen_on (server, "127.0.0.1:0");
      for (guint j = 0; j < G_N_ELEMENTS (peers); j++)
        {
          raw_peer_init_connected (&peers[j], address);
          raw_peer_send_value (&peers[j], g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
        }
      if (i % 2 == 0)
        WAIT_UNTIL (g_list_model_get_n_items (msgpack_rpc_server_get_connections (server)) > 0);
      g_clear_object (&server);
      for (guint j = 0; j < G_N_ELEMENTS (peers); j++)
        {
          raw_peer_wait_closed (&peers[j]);
          raw_peer_clear (&peers[j]);
        }
      assert_refused (address);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/server/" name, Fixture, NULL, server_setup, func, server_teardown)
  ADD ("connected-first", test_connected_first);
  ADD ("max-connections", test_max_connections);
  ADD ("remote", test_remote);
  ADD ("other-user", test_other_user);
  ADD ("boolean-error", test_boolean_error);
  ADD ("accept-stream", test_accept_stream);
  ADD ("accept-stream-closed", test_accept_stream_closed);
  ADD ("accept-stream-dropped", test_accept_stream_dropped);
  ADD ("broadcast", test_broadcast);
  ADD ("swap-dispatcher", test_swap_dispatcher);
  ADD ("drop", test_drop);
  ADD ("disposed", test_disposed);
  ADD ("incoming", test_incoming);
  ADD ("many", test_many);
  ADD ("no-descriptors", test_no_descriptors);
  g_test_add ("/msgpack-rpc/server/no-descriptors/added", Fixture, "added", server_setup,
              test_no_descriptors, server_teardown);
  ADD ("properties", test_properties);
#undef ADD
#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/server/" name, ThreadFixture, NULL, thread_setup, func, thread_teardown)
  ADD ("thread", test_thread);
  ADD ("thread-restart", test_thread_restart);
  ADD ("thread-client", test_thread_client);
  ADD ("thread-drop", test_thread_drop);

  return g_test_run ();
}
