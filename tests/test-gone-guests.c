/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Guests of a server that go away at their limit of requests: their place is free, and nobody waits for
 * them when the server is drained. */

#include <sys/socket.h>

#include "test-server.h"

#define MAX_REQUESTS 2

typedef enum
{
  LEAVES_BY_RESET,
  LEAVES_BY_CLOSING,
} Leaving;

typedef struct
{
  const char *address; /* NULL: a UNIX socket */
  Leaving leaving;
} Way;

static const Way unix_close = { NULL, LEAVES_BY_CLOSING };
static const Way unix_reset = { NULL, LEAVES_BY_RESET };
static const Way tcp_close = { "tcp://127.0.0.1:0", LEAVES_BY_CLOSING };
static const Way tcp_reset = { "tcp://127.0.0.1:0", LEAVES_BY_RESET };

typedef struct
{
  Fixture server;
  const Way *way;
  char *address;
  GQueue waiting;   /* of MsgpackRpcInvocation, owned: nobody answers them */
} Guests;

static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_queue_push_tail (data, g_object_ref (invocation));
  return TRUE;
}

static void
setup (Guests        *f,
       gconstpointer  data)
{
  g_autofree char *path = NULL;
  MsgpackRpcLimits *limits;

  *f = (Guests) { .way = data };
  g_queue_init (&f->waiting);
  server_setup (&f->server, NULL);
  msgpack_rpc_dispatcher_add_method (f->server.dispatcher, "wait", NULL, wait_handler, &f->waiting,
                                     NULL);
  limits = msgpack_rpc_server_get_limits (f->server.server);
  msgpack_rpc_limits_set_max_requests_in_flight (limits, MAX_REQUESTS);
  path = path_address (&f->server, "socket");
  f->address = listen_on (f->server.server, f->way->address != NULL ? f->way->address : path);
}

static void
teardown (Guests        *f,
          gconstpointer  data)
{
  g_queue_clear_full (&f->waiting, g_object_unref);
  server_teardown (&f->server, data);
  g_free (f->address);
}

/* One with more requests than are read. */
static void
enter_busy (Guests  *f,
            RawPeer *peer)
{
  enter (&f->server, peer, f->address);
  for (guint i = 0; i < 2 * MAX_REQUESTS; i++)
    raw_peer_send_value (peer, g_variant_new_parsed ("(0, %u, 'wait', @av [])", i));
  WAIT_UNTIL (f->waiting.length == MAX_REQUESTS);
  test_drain ();
}

static void
leave (Guests  *f,
       RawPeer *peer)
{
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  if (f->way->leaving == LEAVES_BY_RESET)
    g_assert_cmpint (setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  raw_peer_close (peer);
}

static void
test_place (Guests        *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer, other;

  g_test_summary ("The place of one who has gone is free for another");

  msgpack_rpc_server_set_max_connections (f->server.server, 1);
  enter_busy (f, &peer);
  leave (f, &peer);

  /* Over TCP nothing tells that it does not read, either, until it is sent something. */
  if (f->way == &tcp_close)
    {
      test_drain ();
      g_assert_cmpuint (count_connections (&f->server), ==, 1);
      msgpack_rpc_invocation_return_value (f->waiting.head->data, NULL);
    }
  WAIT_UNTIL (count_connections (&f->server) == 0);
  g_assert_true (msgpack_rpc_invocation_is_cancelled (f->waiting.tail->data));

  enter (&f->server, &other, f->address);
  assert_add (&other);
  raw_peer_clear (&other);
  WAIT_UNTIL (count_connections (&f->server) == 0);
  raw_peer_clear (&peer);
}

static void
assert_nothing_unsent (GVariant *unsent)
{
  g_autoptr(GVariant) list = unsent;

  g_assert_nonnull (list);
  g_assert_cmpuint (g_variant_n_children (list), ==, 0);
}

static void
test_drain_waits_for_nobody (Guests        *f,
                             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("Draining does not wait for answers to one who goes meanwhile, or has gone");

  enter_busy (f, &peer);
  if (f->way == &tcp_close)
    leave (f, &peer);
  /* What TCP does not tell, what is sent to say good-bye does. */
  msgpack_rpc_server_drain_async (f->server.server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, G_MAXINT,
                                  NULL, test_store_result, &result);
  test_drain ();
  if (f->way != &tcp_close)
    leave (f, &peer);
  WAIT_UNTIL (result != NULL);
  assert_nothing_unsent (msgpack_rpc_server_drain_finish (f->server.server, result, &error));
  g_assert_no_error (error);
  raw_peer_clear (&peer);
}

typedef struct
{
  Guests *f;
  RawPeer *peer;
} Leaver;

static gpointer
leave_later (gpointer data)
{
  Leaver *self = data;

  g_usleep (20000);
  leave (self->f, self->peer);
  return NULL;
}

static void
test_drain_sync (Guests        *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  RawPeer peer;
  Leaver leaver = { f, &peer };
  GThread *thread;

  g_test_summary ("The same for whoever drains with no loop running");

  enter_busy (f, &peer);
  thread = g_thread_new ("leaver", leave_later, &leaver);
  assert_nothing_unsent (msgpack_rpc_server_drain_sync (
    f->server.server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, G_MAXINT, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  raw_peer_clear (&peer);
}

#define ADD(name, way, function) \
  g_test_add ("/msgpack-rpc/gone-guests/" name, Guests, &way, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("place/unix/close", unix_close, test_place);
  ADD ("place/unix/reset", unix_reset, test_place);
  ADD ("place/tcp/close", tcp_close, test_place);
  ADD ("place/tcp/reset", tcp_reset, test_place);
  ADD ("drain/unix/close", unix_close, test_drain_waits_for_nobody);
  ADD ("drain/tcp/close", tcp_close, test_drain_waits_for_nobody);
  ADD ("drain/tcp/reset", tcp_reset, test_drain_waits_for_nobody);
  ADD ("drain-sync/unix/close", unix_close, test_drain_sync);
  ADD ("drain-sync/tcp/reset", tcp_reset, test_drain_sync);

  return g_test_run ();
}
