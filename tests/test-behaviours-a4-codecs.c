/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How Pike writes messages, and what it counts: rows A4.37 to A4.50 of docs/behaviours.md. */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "test-behaviours-a4.h"

#define N_MESSAGES 1000

/* ---- coders of the application's own ---- */

static void
test_a4_37 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcConnector) usual = msgpack_rpc_connector_new (NULL);

  g_test_summary ("A codec that is given to a connector writes and reads all its messages");

  g_assert_true (msgpack_rpc_channel_get_codec (channel) == f->codec);
  g_assert_true (msgpack_rpc_channel_get_codec (other) == f->codec);
  g_assert_true (MSGPACK_RPC_IS_MSGPACK_CODEC (msgpack_rpc_connector_get_codec (usual)));
  say (channel, "hello");
  assert_line (queue_of (f->here), "hello");
}

/* A raw peer of a channel that has the codec of the test. */
static MsgpackRpcChannel *
meet_raw (Pike    *f,
          RawPeer *peer)
{
  g_autoptr(MsgpackRpcEvent) come = NULL;

  raw_peer_init_connected (peer, f->addresses[0]);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  return g_object_ref (msgpack_rpc_event_get_channel (come));
}

/* What the peer gets next is @expected, and for now nothing else. */
static void
assert_bytes (RawPeer    *peer,
              const char *expected)
{
  g_autofree char *bytes = g_malloc0 (strlen (expected) + 1);
  gsize n = 0;

  while (n < strlen (expected))
    {
      gssize size = recv (peer->fd, bytes + n, strlen (expected) - n, MSG_DONTWAIT);

      g_assert_cmpint (size, !=, 0);
      if (size > 0)
        n += (gsize) size;
      else
        test_iterate ();
    }
  g_assert_cmpstr (bytes, ==, expected);
  g_assert_cmpint (recv (peer->fd, bytes, 1, MSG_DONTWAIT), ==, -1);
}

static void
test_a4_38 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;
  g_autoptr(MsgpackRpcChannel) channel = meet_raw (f, &peer);

  g_test_summary ("A serializer gives bytes, says that the message is done, or waits to be called");

  say (channel, "whole");
  assert_bytes (&peer, "whole\n");
  say (channel, "paused");
  say (channel, "next");
  assert_bytes (&peer, "pau");
  WAIT_UNTIL (is_paused ());
  resume_encoder ();
  assert_bytes (&peer, "sed\nnext\n");
  raw_peer_clear (&peer);
}

#define TEST_TYPE_PUMP (test_pump_get_type ())
G_DECLARE_FINAL_TYPE (TestPump, test_pump, TEST, PUMP, MsgpackRpcStreamEncoder)

/* A line with what a stream has in its middle. */
struct _TestPump
{
  MsgpackRpcStreamEncoder parent_instance;

  gboolean has_pumped;
};

G_DEFINE_TYPE (TestPump, test_pump, MSGPACK_RPC_TYPE_STREAM_ENCODER)

static gboolean
test_pump_encode (MsgpackRpcStreamEncoder  *encoder,
                  GError                  **error G_GNUC_UNUSED)
{
  TestPump *self = TEST_PUMP (encoder);
  g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_data ("stream", -1, NULL);
  g_autoptr(GBytes) bytes = g_bytes_new_static (self->has_pumped ? "]\n" : "[", self->has_pumped ? 2 : 1);

  msgpack_rpc_stream_encoder_add_bytes (encoder, bytes);
  if (self->has_pumped)
    msgpack_rpc_stream_encoder_finish (encoder);
  else
    msgpack_rpc_stream_encoder_add_stream (encoder, stream, -1);
  self->has_pumped = TRUE;
  return TRUE;
}

static void
test_pump_class_init (TestPumpClass *klass)
{
  MSGPACK_RPC_STREAM_ENCODER_CLASS (klass)->encode = test_pump_encode;
}

static void
test_pump_init (TestPump *self G_GNUC_UNUSED)
{
}

#define TEST_TYPE_FILE_DECODER (test_file_decoder_get_type ())
G_DECLARE_FINAL_TYPE (TestFileDecoder, test_file_decoder, TEST, FILE_DECODER, MsgpackRpcStreamDecoder)

/* One digit says how many bytes go to a stream; the message is what the stream has then. One that is
 * preceded by “w” waits for the test. */
struct _TestFileDecoder
{
  MsgpackRpcStreamDecoder parent_instance;

  GOutputStream *stream;
};

G_DEFINE_TYPE (TestFileDecoder, test_file_decoder, MSGPACK_RPC_TYPE_STREAM_DECODER)

static MsgpackRpcStreamDecoder *paused_decoder; /* owned; guarded by the codec's lock */

static gboolean
test_file_decoder_decode (MsgpackRpcStreamDecoder  *decoder,
                          GBytes                   *input,
                          gsize                    *used,
                          GError                  **error G_GNUC_UNUSED)
{
  TestFileDecoder *self = TEST_FILE_DECODER (decoder);
  const char *bytes = g_bytes_get_data (input, NULL);

  *used = 0;
  if (self->stream != NULL)
    {
      GMemoryOutputStream *stream = G_MEMORY_OUTPUT_STREAM (self->stream);
      g_autofree char *text = g_strndup (g_memory_output_stream_get_data (stream),
                                         g_memory_output_stream_get_data_size (stream));

      msgpack_rpc_stream_decoder_finish (decoder, g_variant_new_string (text));
    }
  else if (g_bytes_get_size (input) == 0)
    return TRUE;
  else if (bytes[0] == 'w')
    {
      *used = 1;
      msgpack_rpc_stream_decoder_pause (decoder);
      g_mutex_lock (&codec_lock);
      g_set_object (&paused_decoder, decoder);
      g_mutex_unlock (&codec_lock);
    }
  else
    {
      *used = 1;
      self->stream = g_memory_output_stream_new_resizable ();
      msgpack_rpc_stream_decoder_write_to (decoder, self->stream, (guint64) (bytes[0] - '0'));
    }
  return TRUE;
}

static void
test_file_decoder_finalize (GObject *object)
{
  g_clear_object (&TEST_FILE_DECODER (object)->stream);

  G_OBJECT_CLASS (test_file_decoder_parent_class)->finalize (object);
}

static void
test_file_decoder_class_init (TestFileDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_file_decoder_finalize;
  MSGPACK_RPC_STREAM_DECODER_CLASS (klass)->decode = test_file_decoder_decode;
}

static void
test_file_decoder_init (TestFileDecoder *self G_GNUC_UNUSED)
{
}

#define TEST_TYPE_FILES (test_files_get_type ())
G_DECLARE_FINAL_TYPE (TestFiles, test_files, TEST, FILES, GObject)

/* A codec of those two. */
struct _TestFiles
{
  GObject parent_instance;
};

static MsgpackRpcStreamEncoder *
test_files_create_encoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                           GVariant         *message G_GNUC_UNUSED,
                           GError          **error G_GNUC_UNUSED)
{
  return g_object_new (TEST_TYPE_PUMP, NULL);
}

static MsgpackRpcStreamDecoder *
test_files_create_decoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                           GError          **error G_GNUC_UNUSED)
{
  return g_object_new (TEST_TYPE_FILE_DECODER, NULL);
}

static void
init_files (MsgpackRpcCodecInterface *iface)
{
  iface->create_encoder = test_files_create_encoder;
  iface->create_decoder = test_files_create_decoder;
}

G_DEFINE_TYPE_WITH_CODE (TestFiles, test_files, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_files))

static void
test_files_class_init (TestFilesClass *klass G_GNUC_UNUSED)
{
}

static void
test_files_init (TestFiles *self G_GNUC_UNUSED)
{
}

static void
files_set_up (Pike          *f,
              gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcCodec *files = g_object_new (TEST_TYPE_FILES, NULL);

  pike_set_up (f, data);
  g_variant_unref (shut_down (f->here, MSGPACK_RPC_CLOSE_MODE_NOW));
  g_object_unref (f->here);
  f->here = g_object_new (MSGPACK_RPC_TYPE_CONNECTOR, "codec", files, "main-context",
                          msgpack_rpc_loop_thread_get_main_context (f->thread), NULL);
  g_strfreev (f->addresses);
  f->addresses = msgpack_rpc_connector_listen_sync (f->here, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  g_object_unref (files);
}

static void
test_a4_39 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;
  g_autoptr(MsgpackRpcChannel) channel = meet_raw (f, &peer);

  g_test_summary ("A serializer may hand over a stream in the middle of a message, and then goes on");

  say (channel, "any");
  say (channel, "any");
  assert_bytes (&peer, "[stream]\n[stream]\n");
  raw_peer_clear (&peer);
}

static gboolean
is_decoder_paused (void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  return paused_decoder != NULL;
}

static void
resume_decoder (void)
{
  g_autoptr(MsgpackRpcStreamDecoder) decoder = NULL;

  g_mutex_lock (&codec_lock);
  decoder = g_steal_pointer (&paused_decoder);
  g_mutex_unlock (&codec_lock);
  msgpack_rpc_stream_decoder_resume (decoder);
}

static void
test_a4_40 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;
  g_autoptr(MsgpackRpcChannel) channel = meet_raw (f, &peer);

  g_test_summary ("A deserializer leaves what it does not need, wants more, waits, or names a stream");

  raw_peer_send (&peer, "3abc2d", 6);
  assert_line (queue_of (f->here), "abc");
  raw_peer_send (&peer, "ew1f1g", 6);
  assert_line (queue_of (f->here), "de");
  WAIT_UNTIL (is_decoder_paused ());
  assert_none (queue_of (f->here));
  resume_decoder ();
  assert_line (queue_of (f->here), "f");
  assert_line (queue_of (f->here), "g");
  raw_peer_clear (&peer);
}

static void
test_a4_41 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;
  g_autoptr(MsgpackRpcChannel) channel = meet_raw (f, &peer);
  gsize sent = 1, total = 64 * 1024 * 1024;
  g_autofree char *text = g_strnfill (100000, '1');
  guint idle = 0;

  g_test_summary ("While a deserializer waits nothing is read, and the sender has to wait, too");

  raw_peer_send (&peer, "w", 1);
  WAIT_UNTIL (is_decoder_paused ());
  while (idle < 10 && sent < total)
    {
      gssize n = send (peer.fd, text, 100000, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n > 0)
        {
          sent += (gsize) n;
          idle = 0;
        }
      else
        {
          idle++;
          test_iterate ();
        }
    }
  g_assert_cmpuint (sent, <, total);
  assert_none (queue_of (f->here));

  resume_decoder ();
  assert_line (queue_of (f->here), "1");
  raw_peer_clear (&peer);
}

/* ---- converters ---- */

static void
assert_form (MsgpackRpcCodec *codec,
             const char      *value,
             const char      *form)
{
  g_autoptr(MsgpackRpcCodec) owned = codec;
  g_autoptr(GVariant) message = test_parse (value);
  g_autoptr(GVariant) decoded = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_codec_encode (codec, message, &error);
  gsize size;

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), form, strlen (form));
  g_assert_true (msgpack_rpc_codec_decode (codec, bytes, &decoded, &size, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (size, ==, strlen (form));
  g_assert_true (g_variant_equal (decoded, message));
}

static void
test_a4_42 (void)
{
  g_test_summary ("There are converters for truth values, numbers and texts, in Pike's forms");

  assert_form (msgpack_rpc_bool_codec_new (), "true", "True");
  assert_form (msgpack_rpc_bool_codec_new (), "false", "False");
  assert_form (msgpack_rpc_int_codec_new (), "int64 12", "12 ");
  assert_form (msgpack_rpc_float_codec_new (), "1.5", "1.5 ");
  assert_form (msgpack_rpc_string_codec_new (), "'hello'", "5 hello");
}

/* ---- limits and accounts ---- */

/* How many may wait to be accepted, by the only socket that listens; or −1. */
static int
get_system_backlog (guint16 port)
{
  for (int fd = 0; fd < 256; fd++)
    {
      struct sockaddr_in address = { 0 };
      socklen_t address_size = sizeof address;
      struct tcp_info info = { 0 };
      socklen_t info_size = sizeof info;
      int listens = 0, reuses = 0, flags = fcntl (fd, F_GETFD);
      socklen_t size = sizeof listens;

      if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens ||
          getsockname (fd, (struct sockaddr *) &address, &address_size) != 0 ||
          ntohs (address.sin_port) != port)
        continue;

      g_assert_cmpint (flags & FD_CLOEXEC, !=, 0);
      g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &reuses, &size), ==, 0);
      g_assert_cmpint (reuses, !=, 0);
      g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &info_size), ==, 0);
      return (int) info.tcpi_sacked;
    }
  return -1;
}

static void
test_a4_44 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcServer *server = msgpack_rpc_connector_get_server (f->here);
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (server);
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strnfill (10000, 'x');
  guint16 port;
  guint before;

  g_test_summary ("What may wait is bounded for each connection, and so is who may wait to be accepted");

  g_socket_listener_set_backlog (G_SOCKET_LISTENER (server), 128);
  addresses = msgpack_rpc_connector_listen_sync (f->here, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  port = (guint16) g_ascii_strtoull (strrchr (addresses[0], ':') + 1, NULL, 10);
  g_assert_cmpint (get_system_backlog (port), ==, 128);

  msgpack_rpc_limits_set_high_water_mark (limits, 256 * 1024);
  other = meet (f, &channel);
  g_assert_cmpuint (msgpack_rpc_channel_get_high_water_mark (other), ==, 256 * 1024);
  msgpack_rpc_channel_set_high_water_mark (other, 100000);
  g_assert_cmpuint (msgpack_rpc_limits_get_high_water_mark (limits), ==, 256 * 1024);

  for (int i = 0; i < N_MESSAGES; i++)
    say (channel, text);
  WAIT_UNTIL (msgpack_rpc_event_queue_get_length (queue_of (f->here)) >= 9);
  do
    {
      before = msgpack_rpc_event_queue_get_length (queue_of (f->here));
      test_iterate ();
    }
  while (msgpack_rpc_event_queue_get_length (queue_of (f->here)) != before);
  /* The mark, and the message that has gone over it. */
  g_assert_cmpuint (before, <=, 11);
  for (int i = 0; i < N_MESSAGES; i++)
    assert_line (queue_of (f->here), text);
}

static void
test_a4_45 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &channel);
  g_autoptr(MsgpackRpcEvent) end = NULL;
  g_autofree char *padding = g_strnfill (10000, 'x');
  GVariant *unsent;
  gsize n_unsent;
  int n = 0;

  g_test_summary ("It is known of each message whether it was sent, also when it was serialised already");

  msgpack_rpc_channel_set_paused (other, TRUE);
  for (int i = 0; i < N_MESSAGES; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d %s", i, padding);

      say (channel, text);
    }
  WAIT_UNTIL (msgpack_rpc_channel_get_queued_bytes (channel) < N_MESSAGES * strlen (padding));
  close_channel (channel, MSGPACK_RPC_CLOSE_MODE_NOW);
  end = next (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
  msgpack_rpc_channel_set_paused (other, FALSE);

  while (TRUE)
    {
      g_autoptr(MsgpackRpcEvent) event = NULL;

      event = msgpack_rpc_event_queue_receive (queue_of (f->here), -1, NULL, NULL);
      if (msgpack_rpc_event_get_kind (event) == MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT)
        break;
      g_assert_cmpint (atoi (g_variant_get_string (msgpack_rpc_event_get_message (event), NULL)), ==,
                       n++);
    }
  if (msgpack_rpc_event_get_incomplete (end) != NULL)
    g_assert_cmpint (atoi (g_variant_get_string (msgpack_rpc_event_get_incomplete (end), NULL)), ==,
                     n++);
  unsent = msgpack_rpc_event_get_unsent (end);
  n_unsent = g_variant_n_children (unsent);
  g_assert_cmpuint (n_unsent, >, 0);
  for (gsize i = 0; i < n_unsent; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (unsent, i);
      g_autoptr(GVariant) message = g_variant_get_variant (child);

      g_assert_cmpint (atoi (g_variant_get_string (message, NULL)), ==, n++);
    }
  g_assert_cmpint (n, ==, N_MESSAGES);
}

static void
test_a4_48 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  static const MsgpackRpcCloseMode modes[] = {
    MSGPACK_RPC_CLOSE_MODE_NOW,
    MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE,
    MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
  };
  static const char *const rests[] = { "", "sed\n", "sed\nafter\n" };

  g_test_summary ("A serializer that stops in mid-message shows what each mode sends, byte by byte");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      RawPeer peer;
      g_autoptr(MsgpackRpcChannel) channel = meet_raw (f, &peer);
      char rest[32] = "";
      gsize n = 0;
      gssize size;

      say (channel, "paused");
      say (channel, "after");
      assert_bytes (&peer, "pau");
      WAIT_UNTIL (is_paused ());
      close_channel (channel, modes[i]);
      resume_encoder ();
      skip (f->here, MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT);
      while ((size = recv (peer.fd, rest + n, sizeof rest - 1 - n, 0)) > 0)
        n += (gsize) size;
      g_assert_cmpstr (rest, ==, rests[i]);
      raw_peer_clear (&peer);
      set_paused (NULL);
    }
}

/* ---- what goes wrong, and what takes long ---- */

static char *logged; /* guarded by the codec's lock */

static GLogWriterOutput
store_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  if ((level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_WARNING)) == 0)
    return g_log_writer_default (level, fields, n_fields, user_data);

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

        g_free (logged);
        logged = g_strdup (fields[i].value);
      }
  return G_LOG_WRITER_HANDLED;
}

/* The last that was told about a fault. */
static char *
dup_logged (void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  return g_strdup (logged);
}

static void
test_a4_49 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcChannel) bad = NULL;
  g_autoptr(MsgpackRpcChannel) other = meet (f, &bad);
  g_autoptr(MsgpackRpcChannel) good = NULL;
  g_autoptr(MsgpackRpcChannel) stays = meet (f, &good);
  g_autoptr(MsgpackRpcEvent) end = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *told = NULL;

  g_test_summary ("An exception in a codec closes that connection alone, and is logged");

  say (bad, "raise");
  end = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);
  g_assert_true (msgpack_rpc_event_get_channel (end) == other);
  g_assert_error (msgpack_rpc_event_get_error (end), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT);

  expected = g_strdup_printf ("[%" G_GUINT64_FORMAT "] The channel ends: The codec TestCodec has "
                              "failed to decode", msgpack_rpc_channel_get_id (other));
  told = dup_logged ();
  g_assert_cmpstr (told, ==, expected);

  say (good, "hello");
  assert_line (queue_of (f->here), "hello");
}

static gboolean
count_cb (gpointer data)
{
  return g_atomic_int_add ((int *) data, 1) < 2;
}

static GSource *
add_source (GMainContext *context,
            guint         interval,
            int          *count)
{
  GSource *source = g_timeout_source_new (interval);

  g_source_set_callback (source, count_cb, count, NULL);
  g_source_attach (source, context);
  return source;
}

static gboolean
slow_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  gint64 end = g_get_monotonic_time () + 20000;

  while (g_get_monotonic_time () < end)
    continue;
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* The loop says which handler has held it. */
static void
assert_tells_of_slowness (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) near = NULL;
  g_autoptr(MsgpackRpcConnection) far = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *told = NULL;

  msgpack_rpc_dispatcher_set_slow_handler_time (dispatcher, 10);
  msgpack_rpc_dispatcher_add_method (dispatcher, "slow", NULL, slow_handler, NULL, NULL);
  g_assert_true (msgpack_rpc_connection_new_pair (&near, &far, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (far, dispatcher);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (near), "slow", NULL, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  answer = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (near), result, &error);
  g_assert_no_error (error);
  told = dup_logged ();
  g_assert_nonnull (strstr (told, "The handler of “slow” has held its context for "));
}

static void
test_a4_50 (Pike          *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  GMainContext *context = msgpack_rpc_loop_thread_get_main_context (f->thread);
  int n_called = 0, n_repeated = 0, n_removed = 0;
  g_autoptr(GSource) repeated = NULL;
  g_autoptr(GSource) removed = NULL;

  g_test_summary ("Any thread adds callbacks and timers to the loop, which tells what has blocked it");

  g_main_context_invoke (context, count_cb, &n_called);
  repeated = add_source (context, 1, &n_repeated);
  removed = add_source (context, 3600 * 1000, &n_removed);
  g_source_destroy (removed);
  WAIT_UNTIL (g_atomic_int_get (&n_called) == 3 && g_atomic_int_get (&n_repeated) == 3);
  g_assert_cmpint (g_atomic_int_get (&n_removed), ==, 0);
  assert_tells_of_slowness ();
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (store_log, NULL, NULL);

#define ADD_WITH(number, set_up) \
  g_test_add ("/behaviours/A4." #number, Pike, NULL, set_up, test_a4_##number, pike_tear_down)
#define ADD(number) ADD_WITH (number, pike_set_up)
  ADD (37);
  ADD (38);
  ADD_WITH (39, files_set_up);
  ADD_WITH (40, files_set_up);
  ADD_WITH (41, files_set_up);
  g_test_add_func ("/behaviours/A4.42", test_a4_42);
  ADD (44);
  ADD (45);
  ADD (48);
  ADD (49);
  ADD (50);
#undef ADD
#undef ADD_WITH

  status = g_test_run ();
  g_free (logged);
  return status;
}
