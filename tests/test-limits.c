/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What all peers of a server may cost together, against peers that want more. */

#include "test-server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define KIB 1024
#define MIB (1024 * KIB)

typedef struct
{
  Fixture f;
  char *address;
  RawPeer bystander;
  guint64 most; /* that was held when a handler was called */
} Limits;

static void
setup (Limits        *self,
       gconstpointer  data)
{
  server_setup (&self->f, data);
  self->address = listen_on (self->f.server, "127.0.0.1:0");
  enter (&self->f, &self->bystander, self->address);
}

static void
teardown (Limits        *self,
          gconstpointer  data)
{
  assert_add (&self->bystander);
  raw_peer_clear (&self->bystander);
  WAIT_UNTIL (count_connections (&self->f) == 0);
  g_assert_cmpuint (msgpack_rpc_server_get_buffered_bytes (self->f.server), ==, 0);
  g_free (self->address);
  server_teardown (&self->f, data);
}

/* As much as the other end takes, which may close meanwhile. */
static gsize
try_send (RawPeer *peer,
          gsize    size)
{
  g_autofree char *data = g_malloc0 (size);
  gsize done = 0;

  while (done < size)
    {
      gssize n = send (peer->fd, data + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n > 0)
        done += (gsize) n;
      else if (errno == EAGAIN)
        test_iterate ();
      else
        break;
    }
  return done;
}

/* A notification that claims to have a lot of bytes, of which some come. */
static void
send_part (RawPeer *peer,
           guint32  claimed,
           gsize    size)
{
  const guint8 head[] = { 0x93, 0x02, 0xa1, 'x', 0x91, 0xc6 };
  guint32 claim = GUINT32_TO_BE (claimed);

  raw_peer_send (peer, head, sizeof head);
  raw_peer_send (peer, &claim, sizeof claim);
  g_assert_cmpuint (try_send (peer, size), ==, size);
}

static guint64
get_buffered (Limits *self)
{
  return msgpack_rpc_server_get_buffered_bytes (self->f.server);
}

/* It was told which limit it was that it has gone over. */
static void
assert_told (RawPeer *peer)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);
  g_autofree char *text = g_variant_print (message, FALSE);

  g_assert_true (g_str_has_prefix (text, "[<int64 1>, <int64 0>, <'The connections of "));
  g_assert_nonnull (strstr (text, "max-buffered-bytes is "));
  raw_peer_wait_closed (peer);
}

static void
reason_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
           MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error,
           gpointer              data)
{
  GError **reason = data;

  g_assert_null (*reason);
  *reason = error != NULL ? g_error_copy (error) : NULL;
}

static void
test_default (Limits        *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  guint64 limit, used;

  g_test_summary ("The limit is a property, and what is used of it another");

  g_object_get (self->f.server, "max-buffered-bytes", &limit, "buffered-bytes", &used, NULL);
  g_assert_cmpuint (limit, ==, 256 * MIB);
  g_assert_cmpuint (used, ==, 0);
  g_object_set (self->f.server, "max-buffered-bytes", (guint64) MIB, NULL);
  g_assert_cmpuint (msgpack_rpc_server_get_max_buffered_bytes (self->f.server), ==, MIB);
}

static void
test_input (Limits        *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) reason = NULL;
  RawPeer large, small;

  g_test_summary ("Of those that send messages without an end, the largest is cut off");

  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, 4 * MIB);
  g_signal_connect (self->f.server, "client-disconnected", G_CALLBACK (reason_cb), &reason);
  enter (&self->f, &large, self->address);
  enter (&self->f, &small, self->address);
  send_part (&small, 300 * KIB, 200 * KIB);
  send_part (&large, 32 * MIB, MIB);
  WAIT_UNTIL (get_buffered (self) >= MIB + 200 * KIB);
  assert_add (&self->bystander);
  g_assert_cmpuint (count_connections (&self->f), ==, 3);

  g_assert_cmpuint (try_send (&large, 31 * MIB), <, 31 * MIB);
  WAIT_UNTIL (reason != NULL);
  g_assert_error (reason, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (reason->message, "(max-buffered-bytes is 4194304)"));
  raw_peer_clear (&large);
  g_signal_handlers_disconnect_by_data (self->f.server, &reason);

  /* The other's message comes to its end. */
  g_assert_cmpuint (try_send (&small, 100 * KIB), ==, 100 * KIB);
  assert_add (&small);
  raw_peer_clear (&small);
}

static void
test_many (Limits        *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peers[32];
  guint n;

  g_test_summary ("Many peers that hold a little each are cut off until the rest fits");

  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, MIB);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      enter (&self->f, &peers[i], self->address);
      send_part (&peers[i], MIB, 100 * KIB);
      assert_add (&self->bystander);
    }

  WAIT_UNTIL (get_buffered (self) <= MIB);
  n = count_connections (&self->f);
  g_assert_cmpuint (n, >, 2);
  g_assert_cmpuint (n, <, 12);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_clear (&peers[i]);
}

static gboolean
large_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               data G_GNUC_UNUSED,
               GError               **error G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (100 * KIB, 'x');

  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string (text));
  return TRUE;
}

static void
test_output (Limits        *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) reason = NULL;
  RawPeer peer;

  g_test_summary ("A peer that asks for much and reads nothing is cut off");

  msgpack_rpc_dispatcher_add_method (self->f.dispatcher, "large", NULL, large_handler, NULL, NULL);
  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, MIB);
  g_signal_connect (self->f.server, "client-disconnected", G_CALLBACK (reason_cb), &reason);
  enter (&self->f, &peer, self->address);
  for (guint i = 0; i < 10000 && reason == NULL; i++)
    {
      const guint8 request[] = { 0x94, 0x00, 0x01, 0xa5, 'l', 'a', 'r', 'g', 'e', 0x90 };

      if (send (peer.fd, request, sizeof request, MSG_NOSIGNAL) < 0)
        break;
      test_drain ();
    }
  WAIT_UNTIL (reason != NULL);
  g_assert_error (reason, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (reason->message, "(max-buffered-bytes is 1048576)"));
  raw_peer_clear (&peer);
  g_signal_handlers_disconnect_by_data (self->f.server, &reason);
}

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_set_object ((MsgpackRpcInvocation **) data, invocation);
  return TRUE;
}

static gboolean
watched_handler (MsgpackRpcInvocation  *invocation,
                 GVariant              *params,
                 gpointer               data,
                 GError               **error)
{
  Limits *self = data;

  self->most = MAX (self->most, get_buffered (self));
  return large_handler (invocation, params, NULL, error);
}

static void
test_in_turn (Limits        *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  const guint8 first[] = { 0x94, 0x00, 0x01, 0xa4, 'k', 'e', 'e', 'p', 0x90 };
  const guint8 other[] = { 0x94, 0x00, 0x02, 0xa5, 'l', 'a', 'r', 'g', 'e', 0x90 };
  g_autoptr(MsgpackRpcInvocation) kept = NULL;
  g_autoptr(GByteArray) requests = g_byte_array_new ();
  RawPeer peer;

  g_test_summary ("What waits for its turn counts at once, though nothing comes or goes meanwhile");

  msgpack_rpc_dispatcher_add_method (self->f.dispatcher, "keep", NULL, keep_handler, &kept, NULL);
  msgpack_rpc_dispatcher_add_method (self->f.dispatcher, "large", NULL, watched_handler, self, NULL);
  msgpack_rpc_server_set_reply_order (self->f.server, MSGPACK_RPC_REPLY_ORDER_REQUEST);
  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, MIB);
  enter (&self->f, &peer, self->address);
  g_byte_array_append (requests, first, sizeof first);
  for (guint i = 0; i < 40; i++)
    g_byte_array_append (requests, other, sizeof other);
  raw_peer_send (&peer, requests->data, requests->len);
  assert_told (&peer);
  WAIT_UNTIL (count_connections (&self->f) == 1);
  g_assert_cmpuint (self->most, >, MIB / 2);
  g_assert_cmpuint (self->most, <=, MIB);
  raw_peer_clear (&peer);
}

/* Sends small notifications until nobody reads them any more. */
static gpointer
flood_thread (gpointer data)
{
  RawPeer *peer = data;
  guint8 notification[1000] = { 0x93, 0x02, 0xa1, 'x', 0x91, 0xc5, 0x03, 0xe0 };

  g_assert_cmpint (fcntl (peer->fd, F_SETFL, 0), ==, 0);
  while (send (peer->fd, notification, sizeof notification, MSG_NOSIGNAL) > 0)
    ;
  return NULL;
}

static void
test_held (Limits        *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread;
  RawPeer peer;

  g_test_summary ("What waits to be handled counts, too, while a thread only waits for its reply");

  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, MIB);
  enter (&self->f, &peer, self->address);
  connection = g_list_model_get_item (self->f.connections, 1);
  thread = g_thread_new ("flood", flood_thread, &peer);
  reply = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "never", NULL, NULL, &error);
  g_assert_null (reply);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "(max-buffered-bytes is 1048576)"));
  g_thread_join (thread);
  g_clear_object (&connection);
  raw_peer_clear (&peer);
}

static void
test_told (Limits        *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;

  g_test_summary ("Whoever is cut off is told why, and its place is free");

  enter (&self->f, &peer, self->address);
  send_part (&peer, MIB, 300 * KIB);
  WAIT_UNTIL (get_buffered (self) >= 300 * KIB);
  msgpack_rpc_server_set_max_buffered_bytes (self->f.server, 200 * KIB);
  assert_add (&self->bystander);
  assert_told (&peer);
  WAIT_UNTIL (count_connections (&self->f) == 1);
  raw_peer_clear (&peer);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/limits/" name, Limits, NULL, setup, func, teardown)
  ADD ("default", test_default);
  ADD ("input", test_input);
  ADD ("many", test_many);
  ADD ("output", test_output);
  ADD ("in-turn", test_in_turn);
  ADD ("held", test_held);
  ADD ("told", test_told);

  return g_test_run ();
}
