/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Both ends in one process, over HTTP on loopback. */

#include <glib/gstdio.h>
#include <msgpackrpc-glib/soup/msgpackrpc-glib-soup.h>
#include <string.h>

#include "test-util.h"

#define ORIGIN "https://example.org"

/* A server of libsoup 3.2 leaks its address and the socket of each peer. */
const char *__lsan_default_suppressions (void);
const char *__asan_default_options (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:g_socket_accept\nleak:soup_server_listen_local\n";
}

/* Else it sees no further than to GLib's allocator. */
const char *
__asan_default_options (void)
{
  return "fast_unwind_on_malloc=0";
}

typedef struct
{
  SoupServer *soup;
  SoupSession *session;
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcConnection *guest;  /* the last that came */
  char *uri;
  guint port;
  guint n_connected;
  guint n_disconnected;
  GError *error;                /* of the last that went */
} Fixture;

static gboolean
echo_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 0);

  return msgpack_rpc_invocation_return_value (invocation, value);
}

static void
connected_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
              MsgpackRpcConnection *connection,
              gpointer              user_data)
{
  Fixture *f = user_data;

  f->n_connected++;
  g_set_object (&f->guest, connection);
}

static void
disconnected_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                 MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const GError         *error,
                 gpointer              user_data)
{
  Fixture *f = user_data;

  f->n_disconnected++;
  g_clear_error (&f->error);
  if (error != NULL)
    f->error = g_error_copy (error);
}

static MsgpackRpcDispatcher *
dispatcher_new (void)
{
  MsgpackRpcDispatcher *self = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (self, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (self, "echo", "(ay)", echo_handler, NULL, NULL);
  return self;
}

static void
set_up (Fixture       *f,
        gconstpointer  data G_GNUC_UNUSED)
{
  const char *origins[] = { ORIGIN, NULL };
  g_autoptr(GError) error = NULL;
  GSList *uris;

  f->dispatcher = dispatcher_new ();
  f->server = msgpack_rpc_server_new ();
  msgpack_rpc_server_set_dispatcher (f->server, f->dispatcher);
  g_signal_connect (f->server, "client-connected", G_CALLBACK (connected_cb), f);
  g_signal_connect (f->server, "client-disconnected", G_CALLBACK (disconnected_cb), f);

  f->soup = soup_server_new (NULL, NULL);
  msgpack_rpc_web_socket_stream_add_handler (f->soup, "/rpc", origins, f->server);
  soup_server_listen_local (f->soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (f->soup);
  f->port = (guint) g_uri_get_port (uris->data);
  f->uri = g_strdup_printf ("ws://127.0.0.1:%u/rpc", f->port);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  f->session = soup_session_new ();
}

static gboolean
has_no_guests (Fixture *f)
{
  return g_list_model_get_n_items (msgpack_rpc_server_get_connections (f->server)) == 0;
}

static void
tear_down (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_clear_object (&f->guest);
  WAIT_UNTIL (has_no_guests (f) && f->n_disconnected == f->n_connected);
  test_drain ();
  soup_session_abort (f->session);
  g_assert_finalize_object (f->session);
  soup_server_disconnect (f->soup);
  g_assert_finalize_object (f->soup);
  g_assert_finalize_object (f->server);
  g_assert_finalize_object (f->dispatcher);
  g_clear_error (&f->error);
  g_free (f->uri);
}

/* ---- clients ---- */

static GIOStream *
connect_stream (Fixture *f)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcWebSocketStream *stream;
  guint n = f->n_connected;

  msgpack_rpc_web_socket_stream_connect_async (f->session, f->uri, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL && f->n_connected == n + 1);
  stream = msgpack_rpc_web_socket_stream_connect_finish (result, &error);
  g_assert_no_error (error);
  return G_IO_STREAM (stream);
}

static MsgpackRpcConnection *
connect_client (Fixture *f)
{
  g_autoptr(GIOStream) stream = connect_stream (f);

  return msgpack_rpc_connection_new (stream);
}

/* One of libsoup's, without the library. */
static SoupWebsocketConnection *
connect_web_socket (Fixture     *f,
                    const char  *path,
                    const char  *origin,
                    GError     **error)
{
  g_autofree char *uri = g_strdup_printf ("ws://127.0.0.1:%u%s", f->port, path);
  g_autoptr(SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr(GAsyncResult) result = NULL;

  soup_session_websocket_connect_async (f->session, message, origin, NULL, G_PRIORITY_DEFAULT, NULL,
                                        test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  return soup_session_websocket_connect_finish (f->session, result, error);
}

static SoupWebsocketConnection *
enter (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  SoupWebsocketConnection *connection = connect_web_socket (f, "/rpc", ORIGIN, &error);

  g_assert_no_error (error);
  WAIT_UNTIL (f->n_connected == 1);
  return connection;
}

/* A socket on which the handshake is done, and frames are written by hand. */
static GSocketConnection *
connect_socket (Fixture *f)
{
  g_autoptr(GSocketClient) client = g_socket_client_new ();
  g_autofree char *request = NULL;
  g_autoptr(GError) error = NULL;
  GSocketConnection *connection;
  guint n = f->n_connected;

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) f->port, NULL, &error);
  g_assert_no_error (error);
  request = g_strdup_printf ("GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", f->port);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
                             strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (f->n_connected == n + 1);
  return connection;
}

/* Of a client, with a mask that changes nothing. */
static GBytes *
frame_new (guint8        opcode,
           gboolean      is_last,
           gconstpointer data,
           guint16       size)
{
  GByteArray *frame = g_byte_array_new ();
  const guint8 header[] = {
    (guint8) (opcode | (is_last ? 0x80 : 0)), 0x80 | 126, (guint8) (size >> 8), (guint8) size,
    0, 0, 0, 0,
  };

  g_assert_cmpuint (size, >=, 126);
  g_byte_array_append (frame, header, sizeof header);
  g_byte_array_append (frame, data, size);
  return g_byte_array_free_to_bytes (frame);
}

/* How much of it the socket takes at once. */
static gsize
send_some (GSocketConnection *connection,
           GBytes            *bytes,
           gsize              offset)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  gssize n = g_socket_send_with_blocking (socket, data + offset, size - offset, FALSE, NULL, NULL);

  return n < 0 ? 0 : (gsize) n;
}

typedef struct
{
  GByteArray *bytes; /* of all binary messages */
  guint n_messages;
  gboolean closed;
  gushort code;
} Heard;

static void
message_cb (SoupWebsocketConnection *connection G_GNUC_UNUSED,
            SoupWebsocketDataType    type,
            GBytes                  *message,
            gpointer                 user_data)
{
  Heard *heard = user_data;

  g_assert_cmpint (type, ==, SOUP_WEBSOCKET_DATA_BINARY);
  g_byte_array_append (heard->bytes, g_bytes_get_data (message, NULL),
                       (guint) g_bytes_get_size (message));
  heard->n_messages++;
}

static void
closed_cb (SoupWebsocketConnection *connection,
           gpointer                 user_data)
{
  Heard *heard = user_data;

  heard->closed = TRUE;
  heard->code = soup_websocket_connection_get_close_code (connection);
}

static void
listen_to (SoupWebsocketConnection *connection,
           Heard                   *heard)
{
  *heard = (Heard) { .bytes = g_byte_array_new () };
  g_signal_connect (connection, "message", G_CALLBACK (message_cb), heard);
  g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), heard);
}

static void
leave (SoupWebsocketConnection *connection,
       Heard                   *heard)
{
  if (soup_websocket_connection_get_state (connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  WAIT_UNTIL (heard->closed);
  g_byte_array_unref (heard->bytes);
}

/* ---- calls ---- */

static GVariant *
call (MsgpackRpcConnection *connection,
      const char           *method,
      GVariant             *params)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  GVariant *value;

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), method, params, NULL,
                               test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (connection), result, &error);
  g_assert_no_error (error);
  return value;
}

static void
assert_add (MsgpackRpcConnection *connection)
{
  g_autoptr(GVariant) sum = call (connection, "add", g_variant_new ("(xx)", G_GINT64_CONSTANT (1),
                                                                    G_GINT64_CONSTANT (2)));

  test_assert_value (sum, "3");
}

static GVariant *
new_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 7 + i / 251);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static void
close_client (MsgpackRpcConnection *connection)
{
  g_autoptr(GAsyncResult) result = NULL;

  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_clear_object (&result);
  test_drain ();
  g_assert_finalize_object (connection);
}

static void
test_calls (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = dispatcher_new ();
  MsgpackRpcConnection *client;

  g_test_summary ("Both ends call each other over a WebSocket");

  client = connect_client (f);
  msgpack_rpc_connection_set_dispatcher (client, dispatcher);
  assert_add (client);
  assert_add (f->guest);
  assert_add (client);

  close_client (client);
  WAIT_UNTIL (f->n_disconnected == 1);
  g_assert_no_error (f->error);
}

static void
test_large (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) bytes = g_variant_ref_sink (new_bytes (1024 * 1024 + 17));
  MsgpackRpcConnection *client;

  g_test_summary ("A message of a mebibyte gets there and back as it was");

  client = connect_client (f);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GVariant) echo = call (client, "echo", g_variant_new ("(@ay)", bytes));

      g_assert_true (g_variant_equal (echo, bytes));
    }
  close_client (client);
}

static void
test_many (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  const guint n = 300;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  MsgpackRpcConnection *client;

  g_test_summary ("More calls than may be in flight are answered all the same, each by its own");

  client = connect_client (f);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (calls, msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "add",
                                                         g_variant_new ("(xx)", (gint64) i,
                                                                        G_GINT64_CONSTANT (1))));
  for (guint i = 0; i < n; i++)
    {
      MsgpackRpcCall *one = calls->pdata[i];
      g_autofree char *expected = g_strdup_printf ("%u", i + 1);

      WAIT_UNTIL (msgpack_rpc_call_get_state (one) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
      test_assert_value (msgpack_rpc_call_get_result (one), expected);
    }
  g_clear_pointer (&calls, g_ptr_array_unref);
  test_drain ();
  close_client (client);
}

static void
call_and_wait (MsgpackRpcConnection *connection)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = NULL;

  sum = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "add",
                                    g_variant_new ("(xx)", G_GINT64_CONSTANT (1),
                                                   G_GINT64_CONSTANT (2)), NULL, &error);
  g_assert_no_error (error);
  test_assert_value (sum, "3");
}

typedef struct
{
  MsgpackRpcConnection *connection;
  int done; /* atomic */
} Caller;

static gpointer
caller_main (gpointer data)
{
  Caller *caller = data;

  for (int i = 0; i < 50; i++)
    call_and_wait (caller->connection);
  g_atomic_int_set (&caller->done, TRUE);
  return NULL;
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Caller callers[4];
  GThread *threads[4];
  MsgpackRpcConnection *client;

  g_test_summary ("Threads that wait for their calls are served by the context of the WebSocket");

  client = connect_client (f);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      callers[i] = (Caller) { client, FALSE };
      threads[i] = g_thread_new ("caller", caller_main, &callers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      WAIT_UNTIL (g_atomic_int_get (&callers[i].done));
      g_thread_join (threads[i]);
    }
  close_client (client);
}

static void
test_waiting_at_home (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) one = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcConnection *client;

  g_test_summary ("Who waits in the thread that runs the WebSocket gets an error in time");

  client = connect_client (f);
  one = msgpack_rpc_call_new ("add", g_variant_new ("(xx)", G_GINT64_CONSTANT (1),
                                                    G_GINT64_CONSTANT (2)));
  msgpack_rpc_call_set_timeout (one, 100);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), one);
  g_assert_null (msgpack_rpc_call_wait (one, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_object (&one);
  test_drain ();
  assert_add (client);
  close_client (client);
}

/* ---- a stream of bytes ---- */

static const guint8 request[] = { 0x94, 0x00, 0x07, 0xa3, 'a', 'd', 'd', 0x92, 0x01, 0x02 };
static const guint8 reply[] = { 0x94, 0x01, 0x07, 0xc0, 0x03 };

static void
test_boundaries (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  g_autoptr(GByteArray) several = g_byte_array_new ();
  Heard heard;

  g_test_summary ("Messages may be split, joined and empty anywhere");

  connection = enter (f);
  listen_to (connection, &heard);

  for (gsize i = 0; i < sizeof request; i++)
    {
      soup_websocket_connection_send_binary (connection, NULL, 0);
      soup_websocket_connection_send_binary (connection, request + i, 1);
      test_drain ();
    }
  WAIT_UNTIL (heard.bytes->len == sizeof reply);
  g_assert_cmpmem (heard.bytes->data, heard.bytes->len, reply, sizeof reply);

  g_byte_array_append (several, request, sizeof request);
  g_byte_array_append (several, request, sizeof request);
  g_byte_array_append (several, request, 3);
  soup_websocket_connection_send_binary (connection, several->data, several->len);
  WAIT_UNTIL (heard.bytes->len == 3 * sizeof reply);
  soup_websocket_connection_send_binary (connection, request + 3, sizeof request - 3);
  WAIT_UNTIL (heard.bytes->len == 4 * sizeof reply);
  leave (connection, &heard);
}

static void
test_text (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  Heard heard;

  g_test_summary ("Who sends text is cut off and told so");

  connection = enter (f);
  listen_to (connection, &heard);
  soup_websocket_connection_send_text (connection, "[0, 1, \"add\", [1, 2]]");
  WAIT_UNTIL (heard.closed && f->n_disconnected == 1);
  g_assert_cmpuint (heard.code, ==, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA);
  g_assert_cmpuint (heard.bytes->len, ==, 0);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  leave (connection, &heard);
}

/* ---- the end ---- */

static void
test_peer_closes (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  const gushort codes[] = { SOUP_WEBSOCKET_CLOSE_NORMAL, SOUP_WEBSOCKET_CLOSE_GOING_AWAY,
                            SOUP_WEBSOCKET_CLOSE_NO_STATUS, SOUP_WEBSOCKET_CLOSE_BAD_DATA };

  g_test_summary ("What the peer sent before it closed is answered for; its code says how it went");

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr(SoupWebsocketConnection) connection = NULL;
      Heard heard;

      f->n_connected = f->n_disconnected = 0;
      connection = enter (f);
      listen_to (connection, &heard);
      soup_websocket_connection_close (connection, codes[i], NULL);
      WAIT_UNTIL (heard.closed && f->n_disconnected == 1);
      if (codes[i] == SOUP_WEBSOCKET_CLOSE_BAD_DATA)
        g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      else
        g_assert_no_error (f->error);
      leave (connection, &heard);
    }
}

static void
test_server_closes (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  Heard heard;

  g_test_summary ("Closing a connection writes what is queued and then says good-bye");

  connection = enter (f);
  listen_to (connection, &heard);
  for (int i = 0; i < 100; i++)
    msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (f->guest), "n",
                                        g_variant_new ("(@ay)", new_bytes (10000)), NULL);
  msgpack_rpc_connection_close_async (f->guest, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &result);
  WAIT_UNTIL (heard.closed && result != NULL && f->n_disconnected == 1);
  g_assert_cmpuint (heard.code, ==, SOUP_WEBSOCKET_CLOSE_NORMAL);
  g_assert_cmpuint (heard.bytes->len, ==, 100 * (10000 + 8));
  g_assert_cmpuint (heard.n_messages, <, 100);
  g_assert_no_error (f->error);
  leave (connection, &heard);
}

static void
test_gone (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  GSocketConnection *socket;

  g_test_summary ("A peer that is gone without a word is an error");

  socket = connect_socket (f);
  g_object_unref (socket);
  WAIT_UNTIL (f->n_disconnected == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static void
test_drop (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  char buffer[16];

  g_test_summary ("A stream may be dropped at any time, and what is pending on it ends");

  for (int i = 0; i < 4; i++)
    {
      g_autoptr(GIOStream) stream = connect_stream (f);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GInputStream) input = g_object_ref (g_io_stream_get_input_stream (stream));
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;
      gssize n;

      g_assert_cmpint (g_input_stream_read (input, buffer, sizeof buffer, NULL, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      g_clear_error (&error);

      if (i > 0)
        g_input_stream_read_async (input, buffer, sizeof buffer, 0, cancellable, test_store_result,
                                   &result);
      if (i > 1)
        g_cancellable_cancel (cancellable);
      if (i > 2)
        test_drain ();
      g_assert_finalize_object (g_steal_pointer (&stream));
      WAIT_UNTIL (i == 0 || result != NULL);
      if (i == 0)
        continue;

      n = g_input_stream_read_finish (input, result, &error);
      g_assert_cmpint (n, ==, i > 1 ? -1 : 0);
      if (i > 1)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  WAIT_UNTIL (f->n_disconnected == 4);
}

static gpointer
drop_in_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_drop_in_thread (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The last reference may go in another thread");

  for (guint i = 1; i <= 10; i++)
    {
      MsgpackRpcConnection *client = connect_client (f);

      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (client), "n", NULL, NULL);
      g_thread_join (g_thread_new ("drop", drop_in_thread, client));
      WAIT_UNTIL (f->n_disconnected == i);
    }
}

static void
test_no_connection (void)
{
  g_autoptr(GIOStream) stream = g_object_new (MSGPACK_RPC_TYPE_WEB_SOCKET_STREAM, NULL);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  char buffer[16];

  g_test_summary ("A stream that was made of nothing is at its end");

  g_input_stream_read_async (g_io_stream_get_input_stream (stream), buffer, sizeof buffer, 0, NULL,
                             test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_cmpint (g_input_stream_read_finish (g_io_stream_get_input_stream (stream), result, &error),
                   ==, 0);
  g_assert_no_error (error);
  g_clear_object (&result);

  g_output_stream_write_async (g_io_stream_get_output_stream (stream), "x", 1, 0, NULL,
                               test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_cmpint (g_output_stream_write_finish (g_io_stream_get_output_stream (stream), result,
                                                 &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* ---- who is let in ---- */

static void
assert_refused (Fixture    *f,
                const char *origin)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (connect_web_socket (f, "/rpc", origin, &error));
  g_assert_error (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_ERROR_NOT_WEBSOCKET);
  g_assert_cmpuint (f->n_connected, ==, 0);
}

static void
test_origin (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  Heard heard;

  g_test_summary ("Pages of other sites are not let in");

  assert_refused (f, "https://example.com");
  assert_refused (f, "http://example.org");
  assert_refused (f, ORIGIN ":8080");
  assert_refused (f, ORIGIN ".evil.example");
  assert_refused (f, "null");
  assert_refused (f, "*");

  connection = enter (f);
  listen_to (connection, &heard);
  leave (connection, &heard);
}

static void
test_policy (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Where coming from this machine does not suffice, nobody is let in");

  msgpack_rpc_server_set_policy (f->server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  assert_refused (f, ORIGIN);
  assert_refused (f, NULL);
}

static void
test_token (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "token", NULL);
  g_autoptr(MsgpackRpcToken) token = NULL;

  g_test_summary ("A server that wants a token of everybody lets nobody in, as it could not ask for it");

  token = msgpack_rpc_token_new_for_file (path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  msgpack_rpc_server_set_token (f->server, token);
  assert_refused (f, ORIGIN);
  assert_refused (f, NULL);
}

static void
test_full (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  g_autoptr(SoupWebsocketConnection) other = NULL;
  g_autoptr(GError) error = NULL;
  Heard heard;
  Heard other_heard;

  g_test_summary ("Where there is no place for one more, the WebSocket is closed");

  msgpack_rpc_server_set_max_connections (f->server, 1);
  connection = enter (f);
  listen_to (connection, &heard);
  other = connect_web_socket (f, "/rpc", NULL, &error);
  g_assert_no_error (error);
  listen_to (other, &other_heard);
  WAIT_UNTIL (other_heard.closed);
  leave (other, &other_heard);
  leave (connection, &heard);
}

static void
test_addresses (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What cannot be connected to is an error that says why");

  msgpack_rpc_web_socket_stream_connect_async (f->session, "no URI", NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_web_socket_stream_connect_finish (result, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  g_clear_object (&result);
  g_clear_error (&error);

  soup_server_disconnect (f->soup);
  msgpack_rpc_web_socket_stream_connect_async (f->session, f->uri, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_null (msgpack_rpc_web_socket_stream_connect_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

/* ---- how much ---- */

static void
test_large_frame (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  g_autofree char *bytes = g_malloc0 (1001);
  Heard heard;

  g_test_summary ("A message that is too large ends the connection");

  msgpack_rpc_limits_set_max_message_size (msgpack_rpc_server_get_limits (f->server), 1000);
  connection = enter (f);
  listen_to (connection, &heard);
  soup_websocket_connection_send_binary (connection, bytes, 1001);
  WAIT_UNTIL (heard.closed && f->n_disconnected == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (f->error->message, "1000 bytes (max-message-size)"));
  leave (connection, &heard);
}

static void
test_endless_fragments (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  const guint16 size = 60000;
  g_autofree char *zeros = g_malloc0 (size);
  g_autoptr(GBytes) first = frame_new (2, FALSE, zeros, size);
  g_autoptr(GBytes) next = frame_new (0, FALSE, zeros, size);
  g_autoptr(GSocketConnection) socket = NULL;
  gsize sent = 0;
  gsize offset = 0;

  g_test_summary ("A message without an end ends the connection before it fills the memory");

  msgpack_rpc_limits_set_max_message_size (msgpack_rpc_server_get_limits (f->server), 200000);
  socket = connect_socket (f);
  WAIT_UNTIL_WITH (f->n_disconnected == 1,
                   {
                     GBytes *frame = sent < g_bytes_get_size (first) ? first : next;
                     gsize n = send_some (socket, frame, offset);

                     sent += n;
                     offset = (offset + n) % g_bytes_get_size (frame);
                     g_main_context_iteration (NULL, FALSE);
                   });
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
}

static void
count_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
          const char           *method G_GNUC_UNUSED,
          GVariant             *params G_GNUC_UNUSED,
          gpointer              user_data)
{
  ++*(guint *) user_data;
}

static void
test_brake (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  const guint n_frames = 2000;
  const guint16 size = 60000;
  g_autoptr(GByteArray) notification = g_byte_array_new ();
  const guint8 header[] = { 0x93, 0x02, 0xa1, 'n', 0x91, 0xc5, (59990 >> 8) & 0xff, 59990 & 0xff };
  g_autoptr(GSocketConnection) socket = NULL;
  g_autoptr(GBytes) frame = NULL;
  guint n_sent = 0;
  guint n_received = 0;
  guint n_idle = 0;
  gsize offset = 0;

  g_test_summary ("Nothing is read from the network while nobody reads, and nothing is lost");

  g_byte_array_append (notification, header, sizeof header);
  g_byte_array_set_size (notification, sizeof header + 59990);
  memset (notification->data + sizeof header, 0, 59990);
  frame = frame_new (2, TRUE, notification->data, (guint16) notification->len);
  g_assert_cmpuint (notification->len, <=, size);

  socket = connect_socket (f);
  g_signal_connect (f->guest, "notification", G_CALLBACK (count_cb), &n_received);
  msgpack_rpc_connection_set_paused (f->guest, TRUE);
  test_drain ();

  /* The socket takes no more for as long as a pausing server may still read a little. */
  WAIT_UNTIL_WITH (n_idle == 1000 || n_sent == n_frames,
                   {
                     gsize n = send_some (socket, frame, offset);

                     n_idle = n == 0 ? n_idle + 1 : 0;
                     n_sent += (guint) ((offset + n) / g_bytes_get_size (frame));
                     offset = (offset + n) % g_bytes_get_size (frame);
                     g_main_context_iteration (NULL, FALSE);
                   });
  g_assert_cmpuint (n_sent, <, n_frames / 2);
  g_assert_cmpuint (f->n_disconnected, ==, 0);

  msgpack_rpc_connection_set_paused (f->guest, FALSE);
  WAIT_UNTIL_WITH (n_received == n_frames,
                   {
                     gsize n = n_sent < n_frames ? send_some (socket, frame, offset) : 0;

                     n_sent += (guint) ((offset + n) / g_bytes_get_size (frame));
                     offset = (offset + n) % g_bytes_get_size (frame);
                     g_main_context_iteration (NULL, FALSE);
                   });
  g_clear_object (&socket);
  WAIT_UNTIL (f->n_disconnected == 1);
}

static void
test_unread (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(SoupWebsocketConnection) connection = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  gssize n = 0;
  gsize size = 0;

  g_test_summary ("Where there is no brake, who sends more than there is room for is cut off");

  connection = enter (f);
  stream = g_object_new (MSGPACK_RPC_TYPE_WEB_SOCKET_STREAM,
                         "connection", connection,
                         "max-message-size", G_GUINT64_CONSTANT (1000),
                         NULL);
  for (int i = 0; i < 5 && f->n_disconnected == 0; i++)
    {
      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (f->guest), "n",
                                          g_variant_new ("(@ay)", new_bytes (600)), NULL);
      for (int j = 0; j < 20; j++)
        g_main_context_iteration (NULL, FALSE);
    }
  WAIT_UNTIL (f->n_disconnected == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_nonnull (strstr (f->error->message, "1008"));

  do
    {
      g_autoptr(GAsyncResult) result = NULL;
      GInputStream *input = g_io_stream_get_input_stream (stream);
      char buffer[100];

      g_input_stream_read_async (input, buffer, sizeof buffer, 0, NULL, test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      n = g_input_stream_read_finish (input, result, &error);
      size += (gsize) MAX (n, 0);
    }
  while (n > 0);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_cmpuint (size, ==, 608);
}

static void
test_congested (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketConnection) socket = NULL;
  guint64 queued;

  g_test_summary ("What a peer does not read waits in the connection's queue, where it is counted");

  socket = connect_socket (f);
  for (int i = 0; i < 1000; i++)
    msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (f->guest), "n",
                                        g_variant_new ("(@ay)", new_bytes (30000)), NULL);
  for (int i = 0; i < 1000; i++)
    g_main_context_iteration (NULL, FALSE);
  g_object_get (f->guest, "queued-bytes", &queued, NULL);
  g_assert_cmpuint (queued, >, 10 * 1000 * 1000);
  g_clear_object (&socket);
  WAIT_UNTIL (f->n_disconnected == 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function) \
  g_test_add ("/msgpack-rpc/web-socket/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("calls", test_calls);
  ADD ("large", test_large);
  ADD ("many", test_many);
  ADD ("threads", test_threads);
  ADD ("waiting-at-home", test_waiting_at_home);
  ADD ("boundaries", test_boundaries);
  ADD ("text", test_text);
  ADD ("peer-closes", test_peer_closes);
  ADD ("server-closes", test_server_closes);
  ADD ("gone", test_gone);
  ADD ("drop", test_drop);
  ADD ("drop-in-thread", test_drop_in_thread);
  ADD ("origin", test_origin);
  ADD ("policy", test_policy);
  ADD ("token", test_token);
  ADD ("full", test_full);
  ADD ("addresses", test_addresses);
  ADD ("large-frame", test_large_frame);
  ADD ("endless-fragments", test_endless_fragments);
  ADD ("brake", test_brake);
  ADD ("unread", test_unread);
  ADD ("congested", test_congested);
  g_test_add_func ("/msgpack-rpc/web-socket/no-connection", test_no_connection);
  return g_test_run ();
}
