/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* TLS between a client and a server: certificates that are good, and all that are not. */

#include "test-server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "test-certificates.h"

/* Made once: what each is good for is in its name. */
static char *certificates;
static GTlsCertificate *localhost;

static const struct
{
  const char *name;
  const char *names;
  const char *issuer;
  int days;
} kinds[] = {
  { "authority", "", NULL, 2 },
  { "stranger", "", NULL, 2 },
  { "localhost", "DNS:localhost,IP:127.0.0.1", "authority", 2 },
  { "expired", "DNS:localhost", "authority", -1 },
  { "elsewhere", "DNS:elsewhere.invalid", "authority", 2 },
  { "foreign", "DNS:localhost", "stranger", 2 },
  { "client", "DNS:client", "authority", 2 },
};

static GTlsCertificate *
load (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.pem", certificates, name);
  g_autoptr(GError) error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  return certificate;
}

static void
make_certificates (void)
{
  g_autoptr(GError) error = NULL;

  certificates = g_dir_make_tmp ("msgpack-rpc-tls-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_object_unref (certificates_make (certificates, kinds[i].name, kinds[i].names, kinds[i].issuer,
                                       kinds[i].days));
  localhost = load ("localhost");
}

static void
remove_certificates (void)
{
  g_clear_object (&localhost);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    certificates_remove (certificates, kinds[i].name);
  g_assert_cmpint (g_rmdir (certificates), ==, 0);
  g_free (certificates);
}

/* ---- a server, and clients of it ---- */

static char *
listen_with (Fixture    *f,
             const char *certificate)
{
  g_autoptr(GTlsCertificate) shown = load (certificate);

  msgpack_rpc_server_set_tls_certificate (f->server, shown);
  return listen_on (f->server, "tls://127.0.0.1:0");
}

/* The same server by the name that is in the certificates. */
static char *
by_name (const char *address)
{
  return g_strdup_printf ("tls://localhost%s", strrchr (address, ':'));
}

static MsgpackRpcClient *
client_new (const char *address,
            const char *trusted)
{
  g_autofree char *name = by_name (address);
  g_autoptr(GTlsDatabase) database = certificates_trust (certificates, trusted);
  MsgpackRpcClient *client = msgpack_rpc_client_new (name);

  msgpack_rpc_client_set_tls_database (client, database);
  return client;
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
assert_calls (MsgpackRpcClient *client)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), called, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static void
assert_opens (MsgpackRpcClient *client)
{
  g_autoptr(GError) error = NULL;

  open_client (client, &error);
  g_assert_no_error (error);
  assert_calls (client);
}

static void
assert_refuses (MsgpackRpcClient *client,
                const char       *reason)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *expected = NULL;

  expected = g_strdup_printf ("Could not connect to “%s”: The peer’s certificate is not acceptable: "
                              "%s", msgpack_rpc_client_get_address (client), reason);
  g_assert_false (open_client (client, &error));
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  g_assert_cmpstr (error->message, ==, expected);
}

static MsgpackRpcConnection *
get_guest (Fixture *f)
{
  WAIT_UNTIL (count_connections (f) > 0);
  return g_list_model_get_item (f->connections, count_connections (f) - 1);
}

static void
close_client (Fixture          *f,
              MsgpackRpcClient *client)
{
  g_autoptr(GAsyncResult) closed = NULL;
  guint n = count_connections (f);

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  WAIT_UNTIL (closed != NULL && (n == 0 || count_connections (f) < n));
}

/* ---- tests ---- */

static int
get_no_delay (MsgpackRpcConnection *connection)
{
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  g_autoptr(GIOStream) base = NULL;
  g_autoptr(GError) error = NULL;
  int value = -1;

  if (G_IS_TLS_CONNECTION (stream))
    g_object_get (stream, "base-io-stream", &base, NULL);
  else
    base = g_object_ref (stream);
  g_socket_get_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)), IPPROTO_TCP,
                       TCP_NODELAY, &value, &error);
  g_assert_no_error (error);
  return value;
}

static void
test_verified (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");
  g_autoptr(MsgpackRpcConnection) here = NULL;
  g_autoptr(MsgpackRpcConnection) there = NULL;
  g_autoptr(GTlsCertificate) shown = NULL;
  g_autoptr(GTlsCertificate) none = NULL;
  g_autoptr(GSocketAddress) remote = NULL;

  g_test_summary ("A client that trusts the authority calls a server that shows a certificate of it");

  g_assert_true (g_str_has_prefix (address, "tls://127.0.0.1:"));
  assert_opens (client);
  here = msgpack_rpc_client_get_connection (client);
  there = get_guest (f);
  shown = msgpack_rpc_connection_get_peer_certificate (here);
  g_assert_true (g_tls_certificate_is_same (shown, localhost));
  none = msgpack_rpc_connection_get_peer_certificate (there);
  g_assert_null (none);

  remote = msgpack_rpc_connection_get_remote_address (there);
  g_assert_true (G_IS_INET_SOCKET_ADDRESS (remote));
  g_assert_cmpint (get_no_delay (here), ==, 1);
  g_assert_cmpint (get_no_delay (there), ==, 1);
  close_client (f, client);
}

static void
test_wrong_authority (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "foreign");
  g_autofree char *name = by_name (address);
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");
  g_autoptr(MsgpackRpcClient) plain = msgpack_rpc_client_new (name);
  g_autoptr(GError) last_error = NULL;

  g_test_summary ("A certificate of another authority is refused, and so is any by default that the "
                  "system does not know");

  assert_refuses (client, "no authority that is trusted here has signed it");
  assert_refuses (plain, "no authority that is trusted here has signed it");
  last_error = msgpack_rpc_client_get_last_error (plain);
  g_assert_error (last_error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  g_assert_cmpuint (f->n_connected, ==, 0);
}

static void
test_expired (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "expired");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");

  g_test_summary ("A certificate that has expired is refused; a new one counts at once");

  assert_refuses (client, "it has expired");
  msgpack_rpc_server_set_tls_certificate (f->server, localhost);
  assert_opens (client);
  close_client (f, client);
}

static void
test_wrong_name (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "elsewhere");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");

  g_test_summary ("A certificate for another host is refused");

  assert_refuses (client, "it is not for “localhost”");
}

static void
test_several_reasons (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "elsewhere");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "stranger");

  g_test_summary ("All that is wrong with a certificate is said");

  assert_refuses (client, "no authority that is trusted here has signed it, it is not for "
                  "“localhost”");
}

static void
test_pinned (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "expired");
  g_autofree char *name = by_name (address);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (name);
  g_autoptr(GTlsCertificate) certificate = load ("expired");
  g_autoptr(MsgpackRpcCertificatePins) pins = msgpack_rpc_certificate_pins_new ();

  g_test_summary ("A pinned certificate is good whatever is in it; no other one is");

  msgpack_rpc_certificate_pins_add (pins, certificate);
  msgpack_rpc_certificate_pins_add (pins, certificate);
  msgpack_rpc_client_set_tls_database (client, G_TLS_DATABASE (pins));
  assert_opens (client);
  close_client (f, client);

  msgpack_rpc_server_set_tls_certificate (f->server, localhost);
  assert_refuses (client, "no authority that is trusted here has signed it");
}

static gboolean
authorize_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
              MsgpackRpcPendingConnection *pending,
              gpointer                     data)
{
  GTlsCertificate **shown = data;
  MsgpackRpcConnection *connection = msgpack_rpc_pending_connection_get_connection (pending);

  g_clear_object (shown);
  *shown = msgpack_rpc_connection_get_peer_certificate (connection);
  return TRUE;
}

/* How the two ends fare when the client shows @name, or nothing. */
static MsgpackRpcClient *
client_new_showing (const char *address,
                    const char *name)
{
  MsgpackRpcClient *client = client_new (address, "authority");
  g_autoptr(GTlsCertificate) certificate = name != NULL ? load (name) : NULL;

  msgpack_rpc_client_set_tls_certificate (client, certificate);
  return client;
}

static void
demand_certificates (Fixture *f)
{
  g_autoptr(GTlsDatabase) database = certificates_trust (certificates, "authority");
  MsgpackRpcServer *server = f->server;

  msgpack_rpc_server_set_tls_certificate (server, localhost);
  msgpack_rpc_server_set_tls_authentication_mode (server, G_TLS_AUTHENTICATION_REQUIRED);
  msgpack_rpc_server_set_tls_database (server, database);
}

static void
test_client_certificate (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new_showing (address, "client");
  g_autoptr(GTlsCertificate) expected = load ("client");
  g_autoptr(GTlsCertificate) shown = NULL;

  g_test_summary ("A client with a certificate is let in, and whoever decides sees it");

  demand_certificates (f);
  g_signal_connect (f->server, "authorize", G_CALLBACK (authorize_cb), &shown);
  assert_opens (client);
  g_assert_true (g_tls_certificate_is_same (shown, expected));
  close_client (f, client);
}

/* What the client hears of the server's refusal: while it opens, or, since the client is done before
 * the server with TLS 1.3, right afterwards. */
static void
assert_turned_away_by_tls (Fixture          *f,
                           MsgpackRpcClient *client,
                           const char       *reason)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GAsyncResult) called = NULL;

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(ii)", 1, 2), NULL,
                               test_store_result, &called);
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), called, &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, reason));
  g_assert_cmpuint (f->n_connected, ==, 0);
}

static void
test_no_client_certificate (Fixture       *f,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new_showing (address, NULL);

  g_test_summary ("A client without a certificate is told that one is demanded");

  demand_certificates (f);
  assert_turned_away_by_tls (f, client, "a certificate of this end");
}

static void
test_wrong_client_certificate (Fixture       *f,
                               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new_showing (address, "foreign");

  g_test_summary ("A client whose certificate is of another authority is not let in");

  demand_certificates (f);
  assert_turned_away_by_tls (f, client, "The peer may not accept the certificate of this end");
}

static void
test_no_server_database (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new_showing (address, "client");
  g_autoptr(MsgpackRpcCertificatePins) pins = msgpack_rpc_certificate_pins_new ();
  g_autoptr(GTlsCertificate) certificate = load ("client");

  g_test_summary ("Where no authority is named, no certificate is good enough; a pinned one is");

  msgpack_rpc_server_set_tls_authentication_mode (f->server, G_TLS_AUTHENTICATION_REQUIRED);
  assert_turned_away_by_tls (f, client, "");
  close_client (f, client);

  msgpack_rpc_certificate_pins_add (pins, certificate);
  msgpack_rpc_server_set_tls_database (f->server, G_TLS_DATABASE (pins));
  assert_opens (client);
  close_client (f, client);
}

static void
test_policy (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new_showing (address, "client");
  g_autoptr(MsgpackRpcClient) nameless = client_new_showing (address, NULL);

  g_test_summary ("A certificate suffices where the policy says so, and nothing else does there");

  demand_certificates (f);
  msgpack_rpc_server_set_tls_authentication_mode (f->server, G_TLS_AUTHENTICATION_REQUESTED);
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT);
  assert_turned_away_by_tls (f, nameless, "");
  assert_opens (client);
  close_client (f, client);

  /* It needs none, and shows none. */
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK);
  assert_opens (nameless);
  close_client (f, nameless);
  /* A certificate that is of no use is no reason to shake hands. */
  f->n_connected = 0;
  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  assert_turned_away_by_tls (f, client, "");
}

static void
test_token (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GBytes) secret = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_token_new_for_bytes (secret, NULL);

  g_test_summary ("A token is shown inside of TLS");

  msgpack_rpc_server_set_token (f->server, token);
  assert_turned_away_by_tls (f, client, "rpc.authenticate must come first");
  msgpack_rpc_client_set_token (client, token);
  WAIT_UNTIL (!msgpack_rpc_client_is_connected (client));
  assert_opens (client);
  close_client (f, client);
}

/* ---- somebody between the two ---- */

typedef struct
{
  GSocketService *service;
  GTlsCertificate *certificate; /* what it shows; NULL: it speaks no TLS with the client */
  guint16 server_port;
  GPtrArray *streams;
} Relay;

static gboolean
accept_any_cb (GTlsConnection       *stream G_GNUC_UNUSED,
               GTlsCertificate      *certificate G_GNUC_UNUSED,
               GTlsCertificateFlags  errors G_GNUC_UNUSED,
               gpointer              user_data G_GNUC_UNUSED)
{
  return TRUE;
}

static gboolean
relay_cb (GSocketService    *service G_GNUC_UNUSED,
          GSocketConnection *incoming,
          GObject           *source G_GNUC_UNUSED,
          gpointer           user_data)
{
  Relay *self = user_data;
  g_autoptr(GSocketClient) socket_client = g_socket_client_new ();
  g_autoptr(GSocketConnection) outgoing = NULL;
  GIOStream *near_end = g_object_ref (G_IO_STREAM (incoming));
  GIOStream *far_end;

  if (self->certificate != NULL)
    {
      g_object_unref (near_end);
      near_end = g_tls_server_connection_new (G_IO_STREAM (incoming), self->certificate, NULL);
    }
  outgoing = g_socket_client_connect_to_host (socket_client, "127.0.0.1", self->server_port, NULL,
                                              NULL);
  far_end = g_tls_client_connection_new (G_IO_STREAM (outgoing), NULL, NULL);
  g_signal_connect (far_end, "accept-certificate", G_CALLBACK (accept_any_cb), NULL);
  g_io_stream_splice_async (near_end, far_end,
                            G_IO_STREAM_SPLICE_CLOSE_STREAM1 | G_IO_STREAM_SPLICE_CLOSE_STREAM2,
                            G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_ptr_array_add (self->streams, near_end);
  g_ptr_array_add (self->streams, far_end);
  return TRUE;
}

static char *
relay_init (Relay           *self,
            const char      *server_address,
            GTlsCertificate *certificate)
{
  guint16 port;

  self->service = g_socket_service_new ();
  self->certificate = certificate;
  self->server_port = (guint16) g_ascii_strtoull (strrchr (server_address, ':') + 1, NULL, 10);
  self->streams = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (self->service, "incoming", G_CALLBACK (relay_cb), self);
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (self->service), NULL, NULL);
  return g_strdup_printf ("%s://localhost:%u", certificate != NULL ? "tls" : "tcp", port);
}

static gboolean
are_closed (GPtrArray *streams)
{
  for (guint i = 0; i < streams->len; i++)
    if (!g_io_stream_is_closed (g_ptr_array_index (streams, i)))
      return FALSE;

  return streams->len > 0;
}

static void
relay_clear (Relay *self)
{
  WAIT_UNTIL (are_closed (self->streams));
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  test_drain ();
  g_object_unref (self->service);
  g_ptr_array_unref (self->streams);
}

static void
test_relayed_token (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GBytes) secret = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_token_new_for_bytes (secret, NULL);
  g_autoptr(GTlsCertificate) trusted = load ("localhost");
  g_autofree char *address = listen_with (f, "localhost");

  g_test_summary ("A proof is good for one TLS session: nobody between the two can pass it on");

  msgpack_rpc_server_set_token (f->server, token);
  for (guint i = 0; i < 2; i++)
    {
      Relay relay;
      g_autofree char *relayed = relay_init (&relay, address, i == 0 ? trusted : NULL);
      g_autoptr(MsgpackRpcClient) client = NULL;

      client = i == 0 ? client_new (relayed, "authority") : msgpack_rpc_client_new (relayed);
      msgpack_rpc_client_set_token (client, token);
      assert_turned_away_by_tls (f, client, "the proof is not of this TLS session");
      close_client (f, client);
      relay_clear (&relay);
    }
}

/* The port of a server that speaks TLS. */
static void
connect_raw (RawPeer    *peer,
             const char *address)
{
  g_autofree char *plain = g_strdup_printf ("tcp://127.0.0.1%s", strrchr (address, ':'));

  raw_peer_init_connected (peer, plain);
}

static void
test_many_handshakes (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  static const guint8 hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(MsgpackRpcClient) client = client_new (address, "authority");
  RawPeer peers[100];

  g_test_summary ("Those who never finish shaking hands make room for others, and take no place");

  /* GIO has few threads for handshakes, and all others come before. */
  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_client_get_limits (client),
                                            10000 * test_get_slowness ());
  msgpack_rpc_server_set_max_connections (f->server, 1);
  msgpack_rpc_server_set_max_handshakes (f->server, 4);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      connect_raw (&peers[i], address);
      if (i % 2 == 0)
        raw_peer_send (&peers[i], hello, sizeof hello);
    }

  assert_opens (client);
  /* And that one had taken the place of another. */
  for (guint i = 0; i < G_N_ELEMENTS (peers) - 3; i++)
    raw_peer_wait_closed (&peers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_clear (&peers[i]);
  assert_calls (client);
  close_client (f, client);
}

/* What a client says first. */
static void
send_hello (RawPeer *peer)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GSocketConnection) connection = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GIOStream) client = NULL;
  guint8 hello[4096];
  gssize size = -1;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], NULL);
  connection = g_socket_connection_factory_create_connection (socket);
  client = g_tls_client_connection_new (G_IO_STREAM (connection), NULL, NULL);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (client), G_PRIORITY_DEFAULT, cancellable,
                                    test_store_result, &result);
  WAIT_UNTIL ((size = recv (fds[1], hello, sizeof hello, MSG_DONTWAIT)) > 0);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (result != NULL);
  close (fds[1]);
  raw_peer_send (peer, hello, (gsize) size);
}

/* The server has answered that, and waits for what comes next. */
static void
begin_to_shake_hands (RawPeer    *peer,
                      const char *address)
{
  GPollFD fd = { .events = G_IO_IN };

  connect_raw (peer, address);
  send_hello (peer);
  fd.fd = peer->fd;
  WAIT_UNTIL (g_poll (&fd, 1, 0) == 1);
}

static void
test_drain_handshake (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("A server is drained in its time, also while somebody begins to shake hands");

  begin_to_shake_hands (&peer, address);
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, 200, NULL,
                                  test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_server_drain_finish (f->server, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
}

static void
test_drain_handshake_sync (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_with (f, "localhost");
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("One that has left its loop does not wait for hands that it cannot shake");

  begin_to_shake_hands (&peer, address);
  unsent = msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                          G_MAXINT, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (unsent);
  /* That is refused while it is drained. */
  g_free (listen_on (f->server, "tcp://127.0.0.1:0"));
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
}

static void
test_not_tls (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *plain = listen_on (f->server, "tcp://127.0.0.1:0");
  g_autoptr(MsgpackRpcClient) client = client_new (plain, "authority");
  g_autofree char *address = listen_with (f, "localhost");
  g_autofree char *as_tcp = g_strdup_printf ("tcp://127.0.0.1%s", strrchr (address, ':'));
  g_autoptr(MsgpackRpcClient) deaf = msgpack_rpc_client_new (as_tcp);
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Where one end speaks TLS and the other does not, both notice");

  g_assert_false (open_client (client, &error));
  g_assert_true (error->domain == G_TLS_ERROR);
  g_assert_nonnull (strstr (error->message, "TLS"));
  g_clear_error (&error);
  f->n_connected = 0;

  /* What it says might yet become a handshake. */
  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_server_get_limits (f->server), 300);
  msgpack_rpc_client_open_async (deaf, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (deaf), "add", NULL, NULL, test_store_result,
                               &called);
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (deaf), called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpuint (f->n_connected, ==, 0);
  WAIT_UNTIL (count_connections (f) == 0);
}

static void
test_no_certificate (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *address = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;

  g_test_summary ("A server does not listen by TLS without a certificate, and lets nobody in once it "
                  "has none any more");

  g_assert_null (msgpack_rpc_server_listen_sync (f->server, "tls://127.0.0.1:0", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);
  g_assert_cmpstr (error->message, ==, "Cannot listen on “tls://127.0.0.1:0”: the server has no TLS "
                   "certificate to show");
  g_clear_error (&error);

  address = listen_with (f, "localhost");
  msgpack_rpc_server_set_tls_certificate (f->server, NULL);
  client = client_new (address, "authority");
  g_assert_false (open_client (client, &error));
  g_assert_nonnull (error);
}

static void
test_silent_server (Fixture       *f G_GNUC_UNUSED,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *address = NULL;
  guint16 port;

  g_test_summary ("A server that never shakes hands is given up by the limit, with an error that "
                  "says so");

  port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_assert_no_error (error);
  address = g_strdup_printf ("tls://127.0.0.1:%u", port);
  client = msgpack_rpc_client_new (address);
  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_client_get_limits (client), 50);
  g_assert_false (open_client (client, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, address));
  g_assert_nonnull (strstr (error->message, "handshake within 50 milliseconds"));
  g_clear_error (&error);

  /* The same by a thread that waits. */
  g_assert_false (msgpack_rpc_client_open_sync (client, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  test_drain ();
  g_assert_finalize_object (g_steal_pointer (&client));
}

static void
test_silent_clients (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  static const guint8 hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };
  g_autofree char *address = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  RawPeer silent[40], begins[3];

  g_test_summary ("Clients that never shake hands are cut off by the limit, and keep nobody "
                  "else out");

  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_server_get_limits (f->server), 300);
  msgpack_rpc_server_set_max_connections (f->server, 1);
  address = listen_with (f, "localhost");
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    connect_raw (&silent[i], address);
  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    {
      connect_raw (&begins[i], address);
      raw_peer_send (&begins[i], hello, sizeof hello);
    }

  client = client_new (address, "authority");
  assert_opens (client);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    {
      raw_peer_wait_closed (&silent[i]);
      raw_peer_clear (&silent[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    {
      raw_peer_wait_closed (&begins[i]);
      raw_peer_clear (&begins[i]);
    }
  assert_calls (client);
  close_client (f, client);

  /* Its place is free again. */
  msgpack_rpc_limits_set_handshake_timeout (msgpack_rpc_server_get_limits (f->server), 10000);
  assert_opens (client);
  close_client (f, client);
}

static void
test_drop_server (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  static const guint8 hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };
  g_autofree char *address = listen_with (f, "localhost");
  RawPeer peers[4];

  g_test_summary ("A server that is dropped cuts off those who are still shaking hands");

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      connect_raw (&peers[i], address);
      if (i % 2 == 0)
        raw_peer_send (&peers[i], hello, sizeof hello);
    }
  for (guint i = 0; i < 10; i++)
    test_iterate ();

  g_assert_finalize_object (g_steal_pointer (&f->server));
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      raw_peer_wait_closed (&peers[i]);
      raw_peer_clear (&peers[i]);
    }
}

static void
test_drop_client (Fixture       *f G_GNUC_UNUSED,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  g_autofree char *address = NULL;
  guint16 port;

  g_test_summary ("A client that is dropped while it shakes hands leaves nothing behind");

  port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  address = g_strdup_printf ("tls://127.0.0.1:%u", port);
  for (guint i = 0; i < 8; i++)
    {
      MsgpackRpcClient *client = msgpack_rpc_client_new (address);

      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      for (guint j = 0; j < 2 * i; j++)
        test_iterate ();
      msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      g_assert_finalize_object (client);
    }
}

static void
count_cb (GObject    *object G_GNUC_UNUSED,
          GParamSpec *pspec G_GNUC_UNUSED,
          gpointer    data)
{
  (*(guint *) data)++;
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tls://localhost:1");
  g_autoptr(GTlsDatabase) database = certificates_trust (certificates, "authority");
  GObject *ends[] = { G_OBJECT (client), G_OBJECT (f->server) };

  g_test_summary ("What is shown and trusted notifies when it changes, and only then");

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr(GTlsCertificate) certificate = NULL;
      g_autoptr(GTlsDatabase) trusted = NULL;
      guint n = 0;

      g_signal_connect (ends[i], "notify", G_CALLBACK (count_cb), &n);
      g_object_set (ends[i], "tls-certificate", localhost, "tls-database", database, NULL);
      test_drain ();
      g_assert_cmpuint (n, ==, 2);
      g_object_set (ends[i], "tls-certificate", localhost, "tls-database", database, NULL);
      test_drain ();
      g_assert_cmpuint (n, ==, 2);
      g_object_get (ends[i], "tls-certificate", &certificate, "tls-database", &trusted, NULL);
      g_assert_true (certificate == localhost);
      g_assert_true (trusted == database);
      g_object_set (ends[i], "tls-certificate", NULL, "tls-database", NULL, NULL);
      test_drain ();
      g_assert_cmpuint (n, ==, 4);
      g_signal_handlers_disconnect_by_data (ends[i], &n);
    }
}

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/tls/" name, Fixture, NULL, server_setup, func, server_teardown)

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  make_certificates ();

  ADD ("verified", test_verified);
  ADD ("wrong-authority", test_wrong_authority);
  ADD ("expired", test_expired);
  ADD ("wrong-name", test_wrong_name);
  ADD ("several-reasons", test_several_reasons);
  ADD ("pinned", test_pinned);
  ADD ("client-certificate", test_client_certificate);
  ADD ("no-client-certificate", test_no_client_certificate);
  ADD ("wrong-client-certificate", test_wrong_client_certificate);
  ADD ("no-server-database", test_no_server_database);
  ADD ("policy", test_policy);
  ADD ("token", test_token);
  ADD ("relayed-token", test_relayed_token);
  ADD ("many-handshakes", test_many_handshakes);
  ADD ("drain-handshake", test_drain_handshake);
  ADD ("drain-handshake-sync", test_drain_handshake_sync);
  ADD ("not-tls", test_not_tls);
  ADD ("no-certificate", test_no_certificate);
  ADD ("silent-server", test_silent_server);
  ADD ("silent-clients", test_silent_clients);
  ADD ("drop-server", test_drop_server);
  ADD ("drop-client", test_drop_client);
  ADD ("properties", test_properties);

  status = g_test_run ();
  remove_certificates ();
  return status;
}
