/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How a client gets to a server: several addresses, services, both families, a proxy. */

#include "test-server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- a resolver that knows what the tests want it to ---- */

static guint16 live_port;
static guint16 dead_port;

#define TEST_TYPE_RESOLVER (test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

struct _TestResolver
{
  GResolver parent_instance;
};

G_DEFINE_FINAL_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static GList *
make_addresses (const char * const *names)
{
  GList *addresses = NULL;

  for (guint i = 0; names[i] != NULL; i++)
    addresses = g_list_append (addresses, g_inet_address_new_from_string (names[i]));
  return addresses;
}

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
lookup_name_async (GResolver                 *resolver,
                   const char                *name,
                   GResolverNameLookupFlags   flags,
                   GCancellable              *cancellable,
                   GAsyncReadyCallback        callback,
                   gpointer                   user_data)
{
  /* Nobody listens on the first two. */
  static const char * const several[] = { "127.0.0.3", "127.0.0.2", "127.0.0.1", NULL };
  static const char * const one[] = { "127.0.0.1", NULL };
  g_autoptr(GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  if (flags == G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY || g_str_has_prefix (name, "unknown"))
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                             "Nothing is known of “%s”", name);
  else
    g_task_return_pointer (task, make_addresses (g_str_has_prefix (name, "several") ? several : one),
                           free_addresses);
}

static void
lookup_by_name_async (GResolver           *resolver,
                      const char          *name,
                      GCancellable        *cancellable,
                      GAsyncReadyCallback  callback,
                      gpointer             user_data)
{
  lookup_name_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback,
                     user_data);
}

static GList *
lookup_finish (GResolver     *resolver G_GNUC_UNUSED,
               GAsyncResult  *result,
               GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
free_targets (gpointer targets)
{
  g_resolver_free_targets (targets);
}

static void
lookup_service_async (GResolver           *resolver,
                      const char          *name,
                      GCancellable        *cancellable,
                      GAsyncReadyCallback  callback,
                      gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GList *targets = NULL;

  g_assert_true (g_str_has_prefix (name, "_msgpack._tcp."));
  targets = g_list_append (targets, g_srv_target_new ("several.test", dead_port, 0, 1));
  targets = g_list_append (targets, g_srv_target_new ("unknown.test", live_port, 1, 1));
  if (g_str_has_suffix (name, "live.test"))
    targets = g_list_append (targets, g_srv_target_new ("one.test", live_port, 2, 1));
  g_task_return_pointer (task, targets, free_targets);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name_async = lookup_by_name_async;
  resolver_class->lookup_by_name_finish = lookup_finish;
  resolver_class->lookup_by_name_with_flags_async = lookup_name_async;
  resolver_class->lookup_by_name_with_flags_finish = lookup_finish;
  resolver_class->lookup_service_async = lookup_service_async;
  resolver_class->lookup_service_finish = lookup_finish;
}

static void
test_resolver_init (TestResolver *self G_GNUC_UNUSED)
{
}

/* ---- a client ---- */

static guint16
get_port (const char *address)
{
  return (guint16) g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

/* One at which nobody listens, and nobody else will. */
static int
reserve_dead_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_ANY);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  dead_port = ntohs (address.sin_port);
  return fd;
}

static gboolean
open_client (MsgpackRpcClient  *client,
             GError           **error)
{
  g_autoptr(GAsyncResult) opened = NULL;

  msgpack_rpc_client_open_async (client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  return msgpack_rpc_client_open_finish (client, opened, error);
}

static void
assert_reaches (Fixture          *f,
                MsgpackRpcClient *client)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  open_client (client, &error);
  g_assert_no_error (error);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), called, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  WAIT_UNTIL (closed != NULL && count_connections (f) == 0);
}

static void
test_several (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *bound = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autofree char *address = g_strdup_printf ("tcp://several.test:%u", get_port (bound));
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);

  g_test_summary ("Of several addresses of a host, each is tried until one answers");

  assert_reaches (f, client);
}

static void
test_service (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *bound = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("srv://msgpack/live.test");

  g_test_summary ("Of the hosts of a service, each is tried by its priority until one answers");

  live_port = get_port (bound);
  assert_reaches (f, client);
}

static void
test_dead (Fixture       *f G_GNUC_UNUSED,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = g_strdup_printf ("tcp://several.test:%u", dead_port);
  const char *const addresses[] = { address, "srv://msgpack/dead.test", "tcp://unknown.test:1" };

  g_test_summary ("When all of them fail, the error names the address");

  live_port = dead_port;
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (addresses[i]);
      g_autoptr(GError) error = NULL;

      g_assert_false (open_client (client, &error));
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, addresses[i]));
    }
}

static void
test_localhost (Fixture       *f,
                gconstpointer  data)
{
  g_autofree char *bound = listen_on (f->server, data);
  g_autofree char *address = g_strdup_printf ("tcp://localhost:%u", get_port (bound));
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);

  g_test_summary ("“localhost” reaches a server that is there for one family alone");

  assert_reaches (f, client);
}

static int
get_no_delay (MsgpackRpcConnection *connection)
{
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  int value = -1;

  g_assert_true (g_socket_get_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)),
                                      IPPROTO_TCP, TCP_NODELAY, &value, NULL));
  return value;
}

static void
test_no_delay (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  g_autoptr(MsgpackRpcConnection) here = NULL;
  g_autoptr(MsgpackRpcConnection) there = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Neither end waits for more before it sends");

  g_assert_true (open_client (client, &error));
  WAIT_UNTIL (count_connections (f) == 1);
  here = msgpack_rpc_client_get_connection (client);
  there = g_list_model_get_item (f->connections, 0);
  g_assert_cmpint (get_no_delay (here), ==, 1);
  g_assert_cmpint (get_no_delay (there), ==, 1);
  assert_reaches (f, client);
}

/* ---- a proxy of SOCKS 5, for one connection ---- */

typedef struct
{
  int listener;
  guint16 port;       /* of the listener */
  guint16 target;     /* where it connects, whatever it is asked for */
  char host[256];     /* what it was asked for */
  GThread *thread;
} Proxy;

static void
read_all (int     fd,
          guint8 *bytes,
          gsize   size)
{
  while (size > 0)
    {
      gssize n = read (fd, bytes, size);

      g_assert_cmpint (n, >, 0);
      bytes += n;
      size -= (gsize) n;
    }
}

static void
write_all (int           fd,
           const guint8 *bytes,
           gsize         size)
{
  while (size > 0)
    {
      gssize n = send (fd, bytes, size, MSG_NOSIGNAL);

      if (n <= 0)
        return;
      bytes += n;
      size -= (gsize) n;
    }
}

static void
relay (int a,
       int b)
{
  struct pollfd fds[] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
  guint8 buffer[4096];

  for (;;)
    {
      g_assert_cmpint (poll (fds, 2, -1), >, 0);
      for (guint i = 0; i < 2; i++)
        if (fds[i].revents != 0)
          {
            gssize n = read (fds[i].fd, buffer, sizeof buffer);

            if (n <= 0)
              return;
            write_all (fds[1 - i].fd, buffer, (gsize) n);
          }
    }
}

static int
connect_to_port (guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static gpointer
run_proxy (gpointer data)
{
  static const guint8 no_authentication[] = { 5, 0 };
  static const guint8 granted[] = { 5, 0, 0, 1, 127, 0, 0, 1, 0, 1 };
  Proxy *proxy = data;
  guint8 bytes[256];
  int client = accept (proxy->listener, NULL, NULL);
  int server;

  g_assert_cmpint (client, >=, 0);
  read_all (client, bytes, 2);
  g_assert_cmpint (bytes[0], ==, 5);
  read_all (client, bytes, bytes[1]);
  write_all (client, no_authentication, sizeof no_authentication);

  /* Connect to a name. */
  read_all (client, bytes, 5);
  g_assert_cmpint (bytes[1], ==, 1);
  g_assert_cmpint (bytes[3], ==, 3);
  read_all (client, (guint8 *) proxy->host, bytes[4]);
  read_all (client, bytes, 2);
  server = connect_to_port (proxy->target);
  write_all (client, granted, sizeof granted);

  relay (client, server);
  close (client);
  close (server);
  return NULL;
}

static void
proxy_start (Proxy      *proxy,
             const char *target)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  proxy->target = get_port (target);
  proxy->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (proxy->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (proxy->listener, 1), ==, 0);
  g_assert_cmpint (getsockname (proxy->listener, (struct sockaddr *) &address, &size), ==, 0);
  proxy->port = ntohs (address.sin_port);
  proxy->thread = g_thread_new ("proxy", run_proxy, proxy);
}

static void
test_proxy (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *bound = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tcp://behind.test:4711");
  g_autoptr(GProxyResolver) resolver = NULL;
  g_autofree char *uri = NULL;
  Proxy proxy = { .listener = -1 };

  g_test_summary ("A client goes through the proxy that its socket client is told of, which resolves "
                  "the name");

  proxy_start (&proxy, bound);
  uri = g_strdup_printf ("socks5://127.0.0.1:%u", proxy.port);
  resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_socket_client_set_proxy_resolver (msgpack_rpc_client_get_socket_client (client), resolver);
  assert_reaches (f, client);
  g_thread_join (proxy.thread);
  close (proxy.listener);
  g_assert_cmpstr (proxy.host, ==, "behind.test");
}

#define ADD_WITH(name, data, func) \
  g_test_add ("/msgpack-rpc/reach/" name, Fixture, data, server_setup, func, server_teardown)
#define ADD(name, func) ADD_WITH (name, NULL, func)

int
main (int    argc,
      char **argv)
{
  g_autoptr(GResolver) resolver = NULL;
  int status, reserved;

  g_test_init (&argc, &argv, NULL);
  reserved = reserve_dead_port ();
  resolver = g_object_new (TEST_TYPE_RESOLVER, NULL);
  g_resolver_set_default (resolver);

  ADD ("several", test_several);
  ADD ("service", test_service);
  ADD ("dead", test_dead);
  ADD_WITH ("localhost-ipv4", "tcp://127.0.0.1:0", test_localhost);
  ADD_WITH ("localhost-ipv6", "tcp://[::1]:0", test_localhost);
  ADD ("no-delay", test_no_delay);
  ADD ("proxy", test_proxy);

  status = g_test_run ();
  close (reserved);
  return status;
}
