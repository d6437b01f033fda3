/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Who is let in by a server, now or later, and what it may do until then. */

#include "test-hostile.h"
#include "test-server.h"

#include <sys/socket.h>

typedef struct
{
  Fixture f;
  char *address;
  GPtrArray *asked;   /* of MsgpackRpcPendingConnection */
  GString *heard;     /* notifications */
  guint n_keep;       /* how often a handler keeps what it is asked about */
  gboolean answer;
} Door;

static gboolean
authorize_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
              MsgpackRpcPendingConnection *pending,
              gpointer                     data)
{
  Door *self = data;

  g_ptr_array_add (self->asked, g_object_ref (pending));
  for (guint i = 0; i < self->n_keep; i++)
    msgpack_rpc_pending_connection_keep (pending);
  return self->answer;
}

static gboolean
hear_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  Door *self = data;

  g_string_append_c (self->heard, '.');
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
setup (Door          *self,
       gconstpointer  data)
{
  server_setup (&self->f, data);
  self->address = listen_on (self->f.server, "127.0.0.1:0");
  self->asked = g_ptr_array_new_with_free_func (g_object_unref);
  self->heard = g_string_new (NULL);
  self->answer = TRUE;
  self->n_keep = 1;
  msgpack_rpc_dispatcher_add_method (self->f.dispatcher, "hear", NULL, hear_handler, self, NULL);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (authorize_cb), self);
}

static void
teardown (Door          *self,
          gconstpointer  data)
{
  g_ptr_array_unref (self->asked);
  if (self->f.server != NULL)
    WAIT_UNTIL (count_connections (&self->f) == 0);
  server_teardown (&self->f, data);
  g_string_free (self->heard, TRUE);
  g_free (self->address);
}

/* A peer about which the handler has been asked. */
static MsgpackRpcPendingConnection *
knock (Door    *self,
       RawPeer *peer)
{
  guint n = self->asked->len;

  raw_peer_init_connected (peer, self->address);
  WAIT_UNTIL (self->asked->len == n + 1);
  return g_ptr_array_index (self->asked, n);
}

/* A connection more is let in, and then those are allowed that there are. */
static void
assert_place_free (Door *self)
{
  RawPeer peer;

  msgpack_rpc_server_set_max_connections (self->f.server, 1);
  self->n_keep = 0;
  self->answer = TRUE;
  enter (&self->f, &peer, self->address);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_refused (Door          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;

  g_test_summary ("A peer that a handler refuses is told so, and costs nothing more");

  self->n_keep = 0;
  self->answer = FALSE;
  raw_peer_init_connected (&peer, self->address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  g_assert_cmpuint (self->asked->len, ==, 1);
  g_assert_cmpstr (self->f.events->str, ==, "");

  /* Also if another one would decide later. */
  self->n_keep = 1;
  raw_peer_init_connected (&peer, self->address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  g_assert_false (msgpack_rpc_pending_connection_accept (g_ptr_array_index (self->asked, 1)));
  raw_peer_clear (&peer);
  g_assert_cmpstr (self->f.events->str, ==, "");
  assert_place_free (self);
}

static gboolean
count_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
          MsgpackRpcPendingConnection *pending G_GNUC_UNUSED,
          gpointer                     data)
{
  ++*(guint *) data;
  return TRUE;
}

static void
test_first_refuses (Door          *self,
                    gconstpointer  data G_GNUC_UNUSED)
{
  guint n_before = 0, n_after = 0;
  RawPeer peer;

  g_test_summary ("Handlers are asked until the first of them refuses");

  g_signal_handlers_disconnect_by_func (self->f.server, authorize_cb, self);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (count_cb), &n_before);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (authorize_cb), self);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (count_cb), &n_after);
  self->n_keep = 0;
  self->answer = FALSE;
  raw_peer_init_connected (&peer, self->address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  g_assert_cmpuint (n_before, ==, 1);
  g_assert_cmpuint (n_after, ==, 0);

  self->answer = TRUE;
  enter (&self->f, &peer, self->address);
  assert_add (&peer);
  raw_peer_clear (&peer);
  g_assert_cmpuint (n_before, ==, 2);
  g_assert_cmpuint (n_after, ==, 1);
}

static gboolean
refuse_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
           MsgpackRpcPendingConnection *pending G_GNUC_UNUSED,
           gpointer                     data G_GNUC_UNUSED)
{
  return FALSE;
}

static void
test_place (Door          *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that is refused leaves its place, though nobody holds its connection");

  msgpack_rpc_server_set_max_connections (self->f.server, 1);
  g_signal_handlers_disconnect_by_func (self->f.server, authorize_cb, self);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (refuse_cb), NULL);
  for (guint i = 0; i < 3; i++)
    {
      RawPeer peer;

      raw_peer_init_connected (&peer, self->address);
      assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
      raw_peer_clear (&peer);
      test_drain ();
    }
}

static gpointer
accept_thread (gpointer data)
{
  g_assert_true (msgpack_rpc_pending_connection_accept (data));
  return NULL;
}

static void
test_new_dispatcher (Door          *self,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) own = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcDispatcher) former = g_steal_pointer (&self->f.dispatcher);
  MsgpackRpcPendingConnection *first;
  MsgpackRpcPendingConnection *second;
  MsgpackRpcConnection *connection;
  RawPeer peers[2];

  g_test_summary ("Who waits to be let in gets a new dispatcher, too, but not instead of its own");

  first = knock (self, &peers[0]);
  second = knock (self, &peers[1]);
  connection = msgpack_rpc_pending_connection_get_connection (second);
  msgpack_rpc_connection_set_dispatcher (connection, own);

  self->f.dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_server_set_dispatcher (self->f.server, self->f.dispatcher);
  g_assert_true (msgpack_rpc_pending_connection_accept (first));
  g_assert_true (msgpack_rpc_pending_connection_accept (second));
  WAIT_UNTIL (count_connections (&self->f) == 2);
  g_assert_true (msgpack_rpc_connection_get_dispatcher (connection) == own);
  connection = msgpack_rpc_pending_connection_get_connection (first);
  g_assert_true (msgpack_rpc_connection_get_dispatcher (connection) == self->f.dispatcher);

  raw_peer_clear (&peers[0]);
  raw_peer_clear (&peers[1]);
  WAIT_UNTIL (count_connections (&self->f) == 0);
}

static void
test_accept_later (Door          *self,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  MsgpackRpcPendingConnection *pending;
  g_autoptr(GVariant) reply = NULL;
  RawPeer peer;

  g_test_summary ("A peer may be let in later, by any thread; what it sends meanwhile is held");

  pending = knock (self, &peer);
  g_object_get (pending, "connection", &connection, NULL);
  g_assert_true (connection == msgpack_rpc_pending_connection_get_connection (pending));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(2, 'hear', ())"));
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  WAIT_UNTIL (test_get_statistic (connection, "received-messages") == 2);
  test_drain ();
  g_assert_cmpstr (self->heard->str, ==, "");
  g_assert_cmpstr (self->f.events->str, ==, "");
  g_assert_cmpuint (count_connections (&self->f), ==, 0);

  g_thread_join (g_thread_new ("accept", accept_thread, pending));
  g_assert_cmpstr (self->f.events->str, ==, "");
  reply = raw_peer_receive (&peer);
  test_assert_value (reply, "(1, 7, @mv nothing, 3)");
  g_assert_cmpstr (self->heard->str, ==, ".");
  g_assert_cmpstr (self->f.events->str, ==, "(0-0+1)+");
  g_assert_true (self->f.emitted_in == g_thread_self ());
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  g_assert_false (msgpack_rpc_pending_connection_reject (pending, NULL));
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static gpointer
reject_thread (gpointer data)
{
  g_assert_true (msgpack_rpc_pending_connection_reject (data, "the house is full"));
  return NULL;
}

static void
test_reject_later (Door          *self,
                   gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  RawPeer peer;

  g_test_summary ("A peer may be turned away later, by any thread, and nothing of it is delivered");

  pending = knock (self, &peer);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(2, 'hear', ())"));
  WAIT_UNTIL (test_get_statistic (msgpack_rpc_pending_connection_get_connection (pending),
                                  "received-messages") == 1);
  g_thread_join (g_thread_new ("reject", reject_thread, pending));
  assert_turned_away (&peer, "(1, 0, 'the house is full', @mv nothing)");
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  raw_peer_clear (&peer);
  test_drain ();
  g_assert_cmpstr (self->heard->str, ==, "");
  g_assert_cmpstr (self->f.events->str, ==, "");
  assert_place_free (self);
}

static void
test_half_closed (Door          *self,
                  gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  RawPeer peer;

  g_test_summary ("A peer that has stopped sending is still told that it is refused");

  pending = knock (self, &peer);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  raw_peer_shutdown_write (&peer);
  WAIT_UNTIL (!msgpack_rpc_connection_is_connected (
      msgpack_rpc_pending_connection_get_connection (pending)));
  g_thread_join (g_thread_new ("reject", reject_thread, pending));
  assert_turned_away (&peer, "(1, 0, 'the house is full', @mv nothing)");
  raw_peer_clear (&peer);
  test_drain ();
  assert_place_free (self);
}

static void
test_all_accept (Door          *self,
                 gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  RawPeer peer;

  g_test_summary ("All who decide later must agree");

  self->n_keep = 2;
  pending = knock (self, &peer);
  g_assert_true (msgpack_rpc_pending_connection_accept (pending));
  test_drain ();
  g_assert_cmpstr (self->f.events->str, ==, "");
  g_assert_true (msgpack_rpc_pending_connection_accept (pending));
  g_assert_cmpstr (self->f.events->str, ==, "");
  WAIT_UNTIL (g_str_equal (self->f.events->str, "(0-0+1)+"));
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_deadline (Door          *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (self->f.server);
  RawPeer peer, first;

  g_test_summary ("Whoever is not let in in time is turned away, and others stay");

  msgpack_rpc_limits_set_handshake_timeout (limits, 20);
  g_assert_true (msgpack_rpc_pending_connection_accept (knock (self, &first)));
  knock (self, &peer);
  assert_turned_away (&peer, "(1, 0, 'The peer was not let in in time (handshake-timeout is 20 "
                             "milliseconds)', @mv nothing)");
  g_assert_false (msgpack_rpc_pending_connection_accept (g_ptr_array_index (self->asked, 1)));
  raw_peer_clear (&peer);
  assert_add (&first);
  raw_peer_clear (&first);
  WAIT_UNTIL (count_connections (&self->f) == 0);
  assert_place_free (self);
}

static void
test_gone (Door          *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  RawPeer peer;

  g_test_summary ("What a peer has sent before it went is delivered, if it is let in");

  pending = knock (self, &peer);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(2, 'hear', ())"));
  raw_peer_clear (&peer);
  WAIT_UNTIL (!msgpack_rpc_connection_is_connected (
      msgpack_rpc_pending_connection_get_connection (pending)));
  test_drain ();
  g_assert_cmpstr (self->f.events->str, ==, "");
  g_assert_true (msgpack_rpc_pending_connection_accept (pending));
  WAIT_UNTIL (g_str_equal (self->f.events->str, "(0-0+1)+(0-1+0)-"));
  g_assert_cmpstr (self->heard->str, ==, ".");

  /* And if not, its place is free again. */
  pending = knock (self, &peer);
  raw_peer_clear (&peer);
  WAIT_UNTIL (!msgpack_rpc_connection_is_connected (
      msgpack_rpc_pending_connection_get_connection (pending)));
  g_assert_true (msgpack_rpc_pending_connection_reject (pending, NULL));
  test_drain ();
  assert_place_free (self);
}

static void
test_large (Door          *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (self->f.server);
  g_autofree char *large = g_strnfill (2000, 'x');
  g_autoptr(GVariant) told = NULL;
  g_autofree char *text = NULL;
  RawPeer peer;

  g_test_summary ("A large message is too large only until its peer is let in");

  g_assert_cmpuint (msgpack_rpc_limits_get_max_pending_message_size (limits), ==, 1024 * 1024);
  msgpack_rpc_limits_set_max_pending_message_size (limits, 1000);
  knock (self, &peer);
  raw_peer_send_value (&peer, g_variant_new ("(isas)", 2, "hear", NULL));
  raw_peer_send_value (&peer, g_variant_new ("(is(s))", 2, "hear", large));
  told = raw_peer_receive (&peer);
  text = g_variant_print (told, FALSE);
  g_assert_nonnull (strstr (text, "limit"));
  g_assert_nonnull (strstr (text, "1000"));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  g_assert_true (msgpack_rpc_pending_connection_reject (g_ptr_array_index (self->asked, 0), NULL));
  g_assert_cmpstr (self->heard->str, ==, "");

  g_assert_true (msgpack_rpc_pending_connection_accept (knock (self, &peer)));
  WAIT_UNTIL (count_connections (&self->f) == 1);
  raw_peer_send_value (&peer, g_variant_new ("(is(s))", 2, "hear", large));
  WAIT_UNTIL (g_str_equal (self->heard->str, "."));
  raw_peer_clear (&peer);
}

static void
test_flood (Door          *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  MsgpackRpcConnection *connection;
  guint64 n_read;
  RawPeer peer;

  g_test_summary ("Who sends a lot before it is let in has to wait, and then all of it is heard");

  pending = knock (self, &peer);
  connection = msgpack_rpc_pending_connection_get_connection (pending);
  for (guint i = 0; i < 2000; i++)
    raw_peer_send_value (&peer, g_variant_new_parsed ("(2, 'hear', ())"));
  WAIT_UNTIL (test_get_statistic (connection, "received-messages") >= 256);
  test_drain ();
  n_read = test_get_statistic (connection, "received-messages");
  g_assert_cmpuint (n_read, ==, 256);
  hostile_assert_idle ();
  g_assert_cmpuint (self->heard->len, ==, 0);

  g_assert_true (msgpack_rpc_pending_connection_accept (pending));
  WAIT_UNTIL (self->heard->len == 2000);
  assert_add (&peer);
  raw_peer_clear (&peer);
}

static void
test_drop (Door          *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcPendingConnection *pending;
  RawPeer peer, accepted;

  g_test_summary ("A server that is dropped closes what is not decided, and tells nobody");

  pending = knock (self, &peer);
  g_assert_true (msgpack_rpc_pending_connection_accept (knock (self, &accepted)));
  g_assert_finalize_object (g_steal_pointer (&self->f.server));
  raw_peer_wait_closed (&peer);
  raw_peer_wait_closed (&accepted);
  raw_peer_clear (&peer);
  raw_peer_clear (&accepted);
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  g_assert_false (msgpack_rpc_pending_connection_reject (pending, NULL));
  test_drain ();
  g_assert_cmpstr (self->f.events->str, ==, "");
}

static gpointer
decide_thread (gpointer data)
{
  guint n = GPOINTER_TO_UINT (g_object_get_data (data, "n"));

  if (n % 3 == 0)
    msgpack_rpc_pending_connection_reject (data, NULL);
  else
    msgpack_rpc_pending_connection_accept (data);
  g_object_unref (data);
  return NULL;
}

static gboolean
decide_elsewhere_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
                     MsgpackRpcPendingConnection *pending,
                     gpointer                     data)
{
  GPtrArray *threads = data;

  msgpack_rpc_pending_connection_keep (pending);
  g_object_set_data (G_OBJECT (pending), "n", GUINT_TO_POINTER (threads->len));
  g_ptr_array_add (threads, g_thread_new ("decide", decide_thread, g_object_ref (pending)));
  return TRUE;
}

static void
test_threads (Door          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) threads = g_ptr_array_new ();
  guint n_told = 0;
  RawPeer peers[60];

  g_test_summary ("Other threads decide while the peers send, and while handlers are still asked");

  g_signal_handlers_disconnect_by_func (self->f.server, authorize_cb, self);
  g_signal_connect (self->f.server, "authorize", G_CALLBACK (decide_elsewhere_cb), threads);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      raw_peer_init_connected (&peers[i], self->address);
      raw_peer_send_value (&peers[i], g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
    }

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      g_autoptr(GVariant) reply = raw_peer_receive (&peers[i]);
      g_autofree char *text = g_variant_print (reply, FALSE);

      if (strstr (text, "access denied") != NULL)
        n_told++;
      else
        test_assert_value (reply, "(1, 7, @mv nothing, 3)");
    }
  g_assert_cmpuint (n_told, ==, G_N_ELEMENTS (peers) / 3);
  g_assert_cmpuint (count_connections (&self->f), ==, G_N_ELEMENTS (peers) - n_told);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_clear (&peers[i]);
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (g_ptr_array_index (threads, i));
  WAIT_UNTIL (count_connections (&self->f) == 0);
}

/* ---- TLS ---- */

/* The end of a server, and a socket for the peer. */
static MsgpackRpcConnection *
accept_tls (Door *self,
            int  *fd)
{
  g_autoptr(GTlsCertificate) certificate = test_transport_new_certificate ();
  g_autoptr(GSocketConnection) base = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcConnection *connection;
  int fds[2];

  test_transport_socketpair (fds);
  socket = g_socket_new_from_fd (fds[0], &error);
  g_assert_no_error (error);
  base = g_socket_connection_factory_create_connection (socket);
  stream = g_tls_server_connection_new (G_IO_STREAM (base), certificate, &error);
  g_assert_no_error (error);
  connection = msgpack_rpc_server_accept_stream (self->f.server, stream, &error);
  g_assert_no_error (error);
  *fd = fds[1];
  return connection;
}

static gboolean
accept_certificate_cb (GTlsConnection       *connection G_GNUC_UNUSED,
                       GTlsCertificate      *certificate G_GNUC_UNUSED,
                       GTlsCertificateFlags  errors G_GNUC_UNUSED,
                       gpointer              data G_GNUC_UNUSED)
{
  return TRUE;
}

static GIOStream *
shake_hands (int fd)
{
  g_autoptr(GSocketConnection) base = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  GIOStream *stream;

  socket = g_socket_new_from_fd (fd, &error);
  g_assert_no_error (error);
  base = g_socket_connection_factory_create_connection (socket);
  stream = g_tls_client_connection_new (G_IO_STREAM (base), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (stream, "accept-certificate", G_CALLBACK (accept_certificate_cb), NULL);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (stream), G_PRIORITY_DEFAULT, NULL,
                                    test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (g_tls_connection_handshake_finish (G_TLS_CONNECTION (stream), result, &error));
  g_assert_no_error (error);
  return stream;
}

static void
store_error_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                MsgpackRpcConnection *connection G_GNUC_UNUSED,
                GError               *error,
                gpointer              data)
{
  GError **stored = data;

  g_assert_null (*stored);
  *stored = g_error_copy (error);
}

static void
test_tls (Door          *self,
          gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (self->f.server);
  g_autoptr(MsgpackRpcConnection) good = NULL;
  g_autoptr(MsgpackRpcConnection) bad = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) reason = NULL;
  int good_fd, bad_fd;
  RawPeer peer;

  g_test_summary ("A peer that does not finish the TLS handshake is cut off; one that has may idle");

  g_assert_cmpint (msgpack_rpc_limits_get_handshake_timeout (limits), ==, 10000);
  g_signal_connect (self->f.server, "client-disconnected", G_CALLBACK (store_error_cb), &reason);
  /* Long enough for one that does what it can. */
  msgpack_rpc_limits_set_handshake_timeout (limits, 300 * test_get_slowness ());
  good = accept_tls (self, &good_fd);
  stream = shake_hands (good_fd);
  bad = accept_tls (self, &bad_fd);
  raw_peer_take (&peer, bad_fd);
  raw_peer_send (&peer, "\x16\x03\x01", 3);
  WAIT_UNTIL (reason != NULL);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (reason->message, "TLS handshake"));
  g_assert_nonnull (strstr (reason->message, "00 milliseconds"));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  /* Its time was over before. */
  g_assert_true (msgpack_rpc_connection_is_connected (good));
  g_assert_cmpuint (count_connections (&self->f), ==, 1);
  g_signal_handlers_disconnect_by_data (self->f.server, &reason);
  g_clear_object (&bad);

  g_io_stream_close (stream, NULL, NULL);
  WAIT_UNTIL (count_connections (&self->f) == 0);
  test_drain ();
}

static void
test_made_of_nothing (void)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;

  g_test_summary ("A pending connection that no server has made can be neither let in nor refused");

  pending = g_object_new (MSGPACK_RPC_TYPE_PENDING_CONNECTION, NULL);
  msgpack_rpc_pending_connection_keep (pending);
  g_assert_null (msgpack_rpc_pending_connection_get_connection (pending));
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  g_assert_false (msgpack_rpc_pending_connection_reject (pending, NULL));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/authorize/" name, Door, NULL, setup, func, teardown)
  ADD ("refused", test_refused);
  ADD ("first-refuses", test_first_refuses);
  ADD ("place", test_place);
  ADD ("accept-later", test_accept_later);
  ADD ("new-dispatcher", test_new_dispatcher);
  ADD ("reject-later", test_reject_later);
  ADD ("half-closed", test_half_closed);
  ADD ("all-accept", test_all_accept);
  ADD ("deadline", test_deadline);
  ADD ("gone", test_gone);
  ADD ("large", test_large);
  ADD ("flood", test_flood);
  ADD ("drop", test_drop);
  ADD ("threads", test_threads);
  ADD ("tls", test_tls);
  g_test_add_func ("/msgpack-rpc/authorize/made-of-nothing", test_made_of_nothing);

  return g_test_run ();
}
