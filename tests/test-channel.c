/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <glib.h>

#include "test-util.h"

/* Channels on real sockets: what goes in and out, how it ends, and that memory stays flat. */

/* ---- a codec whose coders do what the test says ---- */

#define TEST_TYPE_ENCODER (test_encoder_get_type ())
G_DECLARE_FINAL_TYPE (TestEncoder, test_encoder, TEST, ENCODER, MsgpackRpcStreamEncoder)

/* Writes the first half of a string, waits, and writes the rest. */
struct _TestEncoder
{
  MsgpackRpcStreamEncoder parent_instance;

  char *text;
  guint n_runs;
};

G_DEFINE_TYPE (TestEncoder, test_encoder, MSGPACK_RPC_TYPE_STREAM_ENCODER)

static TestEncoder *paused_encoder;

static gboolean
test_encoder_encode (MsgpackRpcStreamEncoder  *encoder,
                     GError                  **error G_GNUC_UNUSED)
{
  TestEncoder *self = TEST_ENCODER (encoder);
  gsize half = strlen (self->text) / 2;
  g_autoptr(GBytes) first = g_bytes_new (self->text, half);
  g_autofree char *rest = g_strconcat (self->text + half, "\n", NULL);
  g_autoptr(GBytes) second = g_bytes_new (rest, strlen (rest));

  if (self->n_runs++ == 0 && self->text[0] == 'p')
    {
      msgpack_rpc_stream_encoder_add_bytes (encoder, first);
      msgpack_rpc_stream_encoder_pause (encoder);
      g_set_object (&paused_encoder, self);
      return TRUE;
    }

  if (self->text[0] != 'p')
    msgpack_rpc_stream_encoder_add_bytes (encoder, first);
  msgpack_rpc_stream_encoder_add_bytes (encoder, second);
  msgpack_rpc_stream_encoder_finish (encoder);
  return TRUE;
}

static void
test_encoder_finalize (GObject *object)
{
  g_free (TEST_ENCODER (object)->text);

  G_OBJECT_CLASS (test_encoder_parent_class)->finalize (object);
}

static void
test_encoder_class_init (TestEncoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_encoder_finalize;
  MSGPACK_RPC_STREAM_ENCODER_CLASS (klass)->encode = test_encoder_encode;
}

static void
test_encoder_init (TestEncoder *self G_GNUC_UNUSED)
{
}

#define TEST_TYPE_CODEC (test_codec_get_type ())
G_DECLARE_FINAL_TYPE (TestCodec, test_codec, TEST, CODEC, GObject)

/* Lines, which it decodes as the library does, unless they tell it to go wrong. */
struct _TestCodec
{
  GObject parent_instance;

  MsgpackRpcCodec *lines;
  guint n_decoded;
};

static MsgpackRpcStreamEncoder *
test_codec_create_encoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                           GVariant         *message,
                           GError          **error)
{
  TestEncoder *self;

  if (g_str_equal (g_variant_get_string (message, NULL), "bad"))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "bad");
      return NULL;
    }

  self = g_object_new (TEST_TYPE_ENCODER, NULL);
  self->text = g_variant_dup_string (message, NULL);
  return MSGPACK_RPC_STREAM_ENCODER (self);
}

static gboolean
test_codec_decode (MsgpackRpcCodec  *codec,
                   GBytes           *input,
                   GVariant        **message,
                   gsize            *size,
                   GError          **error)
{
  TestCodec *self = TEST_CODEC (codec);

  self->n_decoded++;
  if (!msgpack_rpc_codec_decode (self->lines, input, message, size, error))
    return FALSE;

  if (*message != NULL && g_str_equal (g_variant_get_string (*message, NULL), "too much"))
    *size = G_MAXSIZE;
  else if (*message != NULL && g_str_equal (g_variant_get_string (*message, NULL), "nothing"))
    *size = 0;
  else if (*message != NULL && g_str_equal (g_variant_get_string (*message, NULL), "raise"))
    g_clear_pointer (message, g_variant_unref);
  else
    return TRUE;

  return *message != NULL;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->create_encoder = test_codec_create_encoder;
  iface->decode = test_codec_decode;
}

G_DEFINE_TYPE_WITH_CODE (TestCodec, test_codec, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static void
test_codec_finalize (GObject *object)
{
  g_object_unref (TEST_CODEC (object)->lines);

  G_OBJECT_CLASS (test_codec_parent_class)->finalize (object);
}

static void
test_codec_class_init (TestCodecClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_codec_finalize;
}

static void
test_codec_init (TestCodec *self)
{
  self->lines = msgpack_rpc_lines_codec_new ();
}

/* ---- the fixture ---- */

typedef struct
{
  MsgpackRpcCodec *codec;
  MsgpackRpcChannel *near;
  MsgpackRpcChannel *far;
  GString *received;       /* by the far end */
  GString *rejected;       /* by the near one */
  gboolean far_closed;
  guint n_closed;          /* of the near end */
  GError *error;
  char *incomplete;
  char *unsent;
} Fixture;

static void
message_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
            GVariant          *message,
            Fixture           *f)
{
  g_string_append_printf (f->received, "%s,", g_variant_get_string (message, NULL));
}

static void
rejected_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
             GVariant          *message,
             GError            *error,
             Fixture           *f)
{
  g_assert_nonnull (error);
  g_string_append_printf (f->rejected, "%s,", g_variant_get_string (message, NULL));
}

static void
far_closed_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
               GError            *error G_GNUC_UNUSED,
               GVariant          *incomplete G_GNUC_UNUSED,
               GVariant          *unsent G_GNUC_UNUSED,
               Fixture           *f)
{
  f->far_closed = TRUE;
}

static void
closed_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
           GError            *error,
           GVariant          *incomplete,
           GVariant          *unsent,
           Fixture           *f)
{
  f->n_closed++;
  f->error = error != NULL ? g_error_copy (error) : NULL;
  f->incomplete = incomplete != NULL ? g_variant_print (incomplete, FALSE) : NULL;
  f->unsent = g_variant_print (unsent, FALSE);
}

static void
watch_near (Fixture *f)
{
  g_signal_connect (f->near, "closed", G_CALLBACK (closed_cb), f);
  g_signal_connect (f->near, "rejected", G_CALLBACK (rejected_cb), f);
}

static void
set_up (Fixture       *f,
        gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  f->received = g_string_new (NULL);
  f->rejected = g_string_new (NULL);
  f->codec = g_object_new (TEST_TYPE_CODEC, NULL);
  g_assert_true (msgpack_rpc_channel_new_pair (f->codec, &f->near, &f->far, &error));
  g_assert_no_error (error);
  g_signal_connect (f->far, "message", G_CALLBACK (message_cb), f);
  g_signal_connect (f->far, "closed", G_CALLBACK (far_closed_cb), f);
  watch_near (f);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_clear_object (&paused_encoder);
  if (f->near != NULL)
    g_assert_finalize_object (g_steal_pointer (&f->near));
  if (f->far != NULL)
    g_assert_finalize_object (g_steal_pointer (&f->far));
  test_drain ();
  g_assert_finalize_object (f->codec);
  g_string_free (f->received, TRUE);
  g_string_free (f->rejected, TRUE);
  g_clear_error (&f->error);
  g_free (f->incomplete);
  g_free (f->unsent);
}

static void
send (Fixture    *f,
      const char *text)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_channel_send (f->near, g_variant_new_string (text), &error);
  g_assert_no_error (error);
}

static gboolean
has_received (Fixture    *f,
              const char *text)
{
  return g_str_equal (f->received->str, text);
}

/* ---- messages ---- */

static void
test_channel_messages (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Messages come in order, and never inside of send()");

  send (f, "one");
  send (f, "two");
  g_assert_cmpuint (msgpack_rpc_channel_get_queued_bytes (f->near), >, 6);
  g_assert_true (has_received (f, ""));
  WAIT_UNTIL (has_received (f, "one,two,"));
  WAIT_UNTIL (msgpack_rpc_channel_get_queued_bytes (f->near) == 0);
  g_assert_cmpint (msgpack_rpc_channel_get_status (f->near), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
}

static void
test_channel_receive (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;
  g_autoptr(GVariant) third = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Without a handler messages are received: at once, later, or not in time");

  g_signal_handlers_disconnect_by_data (f->far, f);
  send (f, "one");
  send (f, "two");
  /* The other end is in this context, too. */
  WAIT_UNTIL (msgpack_rpc_channel_get_queued_bytes (f->near) == 0);
  first = msgpack_rpc_channel_receive_sync (f->far, 10000, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (first, NULL), ==, "one");

  msgpack_rpc_channel_receive_async (f->far, -1, NULL, test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  second = msgpack_rpc_channel_receive_finish (f->far, result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (second, NULL), ==, "two");

  third = msgpack_rpc_channel_receive_sync (f->far, 1, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (third);
  g_clear_error (&error);

  msgpack_rpc_channel_close_sync (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, &error);
  g_assert_no_error (error);
  third = msgpack_rpc_channel_receive_sync (f->far, 10000, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  WAIT_UNTIL (f->n_closed == 1);
}

typedef struct
{
  MsgpackRpcChannel *channel;
  int *n_received;   /* atomic */
} Worker;

static gpointer
receive_all (gpointer data)
{
  Worker *self = data;
  GVariant *message;

  while ((message = msgpack_rpc_channel_receive_sync (self->channel, -1, NULL, NULL)) != NULL)
    {
      g_variant_unref (message);
      g_atomic_int_inc (self->n_received);
    }
  return NULL;
}

static void
test_channel_threads (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  GThread *threads[10];
  int n_received = 0;
  Worker worker = { f->far, &n_received };

  g_test_summary ("Ten threads take what another end sends, each message once");

  g_signal_handlers_disconnect_by_data (f->far, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("worker", receive_all, &worker);
  for (guint i = 0; i < 1000; i++)
    send (f, "x");
  WAIT_UNTIL (g_atomic_int_get (&n_received) == 1000);

  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_signal_connect (f->far, "closed", G_CALLBACK (far_closed_cb), f);
  WAIT_UNTIL (f->far_closed);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (n_received, ==, 1000);
  test_drain ();
}

static void
test_channel_rejected (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What cannot be encoded, or is sent too late, is handed back later");

  send (f, "one");
  send (f, "bad");
  send (f, "two");
  WAIT_UNTIL (has_received (f, "one,two,"));
  WAIT_UNTIL (g_str_equal (f->rejected->str, "bad,"));

  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  g_assert_false (msgpack_rpc_channel_send (f->near, g_variant_new_string ("late"), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpstr (f->rejected->str, ==, "bad,");
  WAIT_UNTIL (g_str_equal (f->rejected->str, "bad,late,"));
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_no_error (f->error);
}

/* ---- the three ways to close, while an encoder is in the middle of a message ---- */

static void
send_until_paused (Fixture *f)
{
  send (f, "before");
  send (f, "paused");
  send (f, "after");
  WAIT_UNTIL (paused_encoder != NULL && has_received (f, "before,") &&
              msgpack_rpc_channel_get_queued_bytes (f->near) > 0);
  /* The first half has left. */
  WAIT_UNTIL (TEST_CODEC (f->codec)->n_decoded > 1);
}

static void
test_channel_close_now (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Closing now returns the message that was begun, and the others");

  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_assert_cmpuint (f->n_closed, ==, 0);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_cmpstr (f->incomplete, ==, "'paused'");
  g_assert_cmpstr (f->unsent, ==, "[<'after'>]");
  g_assert_no_error (f->error);
  WAIT_UNTIL (f->far_closed);
  g_assert_true (has_received (f, "before,"));
}

static gpointer
resume_paused (gpointer data)
{
  msgpack_rpc_stream_encoder_resume (data);
  return NULL;
}

static void
test_channel_close_finish_message (Fixture       *f,
                                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A message that was begun is finished, the others are returned");

  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, NULL, NULL, NULL);
  g_assert_cmpint (msgpack_rpc_channel_get_status (f->near), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  test_drain ();
  g_assert_cmpuint (f->n_closed, ==, 0);
  g_thread_join (g_thread_new ("resumes", resume_paused, paused_encoder));
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_null (f->incomplete);
  g_assert_cmpstr (f->unsent, ==, "[<'after'>]");
  g_assert_no_error (f->error);
  WAIT_UNTIL (f->far_closed);
  g_assert_true (has_received (f, "before,paused,"));
}

static void
test_channel_close_finish_queue (Fixture       *f,
                                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("All that is queued is sent");

  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  test_drain ();
  g_assert_cmpuint (f->n_closed, ==, 0);
  msgpack_rpc_stream_encoder_resume (MSGPACK_RPC_STREAM_ENCODER (paused_encoder));
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_null (f->incomplete);
  g_assert_cmpstr (f->unsent, ==, "[]");
  g_assert_no_error (f->error);
  WAIT_UNTIL (f->far_closed);
  g_assert_true (has_received (f, "before,paused,after,"));
}

static void
test_channel_close_deadline (Fixture       *f,
                             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("An encoder that never goes on does not keep the channel from closing");

  msgpack_rpc_limits_set_close_timeout (msgpack_rpc_channel_get_limits (f->near), 20);
  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpstr (f->incomplete, ==, "'paused'");
  g_assert_cmpstr (f->unsent, ==, "[<'after'>]");
}

static void
test_channel_close_unencoded (Fixture       *f,
                              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing right after sending: what was not begun is returned, or encoded by the closer");

  send (f, "one");
  send (f, "two");
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE, NULL, NULL, NULL);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_null (f->incomplete);
  g_assert_cmpstr (f->unsent, ==, "[<'one'>, <'two'>]");
  WAIT_UNTIL (f->far_closed);

  msgpack_rpc_channel_send (f->far, g_variant_new_string ("none"), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_channel_peer_gone (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that closes: what was begun and not sent is returned");

  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->far, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (f->far_closed);
  WAIT_UNTIL (msgpack_rpc_channel_get_status (f->near) != MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
  msgpack_rpc_stream_encoder_resume (MSGPACK_RPC_STREAM_ENCODER (paused_encoder));
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_cmpstr (f->incomplete, ==, "'paused'");
  g_assert_cmpstr (f->unsent, ==, "[<'after'>]");
}

/* ---- opening ---- */

static void
test_channel_refused (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What was sent before connecting failed is returned");

  g_assert_finalize_object (f->near);
  f->near = msgpack_rpc_channel_new_for_address ("unix:///nonexistent/socket", f->codec);
  watch_near (f);
  g_assert_cmpint (msgpack_rpc_channel_get_status (f->near), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  send (f, "one");
  g_assert_false (msgpack_rpc_channel_open_sync (f->near, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (f->unsent, ==, "[<'one'>]");
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_channel_open_sync (f->near, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
incoming_cb (GSocketService    *service G_GNUC_UNUSED,
             GSocketConnection *connection,
             GObject           *source G_GNUC_UNUSED,
             Fixture           *f)
{
  g_clear_object (&f->far);
  f->far = msgpack_rpc_channel_new (G_IO_STREAM (connection), f->codec);
  g_signal_connect (f->far, "message", G_CALLBACK (message_cb), f);
}

static void
test_channel_opened (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketService) service = g_socket_service_new ();
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, NULL);
  g_autofree char *address = g_strdup_printf ("tcp://localhost:%u", port);
  g_autoptr(GSocketAddress) remote = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is sent while connecting goes out when that is done");

  g_signal_connect (service, "incoming", G_CALLBACK (incoming_cb), f);
  g_assert_finalize_object (f->near);
  f->near = msgpack_rpc_channel_new_for_address (address, f->codec);
  watch_near (f);
  send (f, "one");
  msgpack_rpc_channel_open_async (f->near, NULL, test_store_result, &result);
  g_assert_cmpint (msgpack_rpc_channel_get_status (f->near), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CONNECTING);
  send (f, "two");
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_channel_open_finish (f->near, result, &error));
  g_assert_no_error (error);
  WAIT_UNTIL (has_received (f, "one,two,"));
  remote = msgpack_rpc_channel_get_remote_address (f->near);
  g_assert_cmpuint (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote)), ==, port);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
}

/* ---- streams ---- */

#define TEST_TYPE_DECODER (test_decoder_get_type ())
G_DECLARE_FINAL_TYPE (TestDecoder, test_decoder, TEST, DECODER, MsgpackRpcStreamDecoder)

/* Writes a million bytes to a stream. */
struct _TestDecoder
{
  MsgpackRpcStreamDecoder parent_instance;

  GOutputStream *stream;
};

#define STREAM_SIZE 1000000

G_DEFINE_TYPE (TestDecoder, test_decoder, MSGPACK_RPC_TYPE_STREAM_DECODER)

static gboolean
test_decoder_decode (MsgpackRpcStreamDecoder  *decoder,
                     GBytes                   *input G_GNUC_UNUSED,
                     gsize                    *used G_GNUC_UNUSED,
                     GError                  **error G_GNUC_UNUSED)
{
  TestDecoder *self = TEST_DECODER (decoder);

  if (self->stream == NULL)
    {
      self->stream = g_memory_output_stream_new_resizable ();
      msgpack_rpc_stream_decoder_write_to (decoder, self->stream, STREAM_SIZE);
      return TRUE;
    }

  g_assert_cmpuint (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (self->stream)), ==,
                    STREAM_SIZE);
  msgpack_rpc_stream_decoder_finish (decoder, g_variant_new_string ("stream"));
  return TRUE;
}

static void
test_decoder_finalize (GObject *object)
{
  g_clear_object (&TEST_DECODER (object)->stream);

  G_OBJECT_CLASS (test_decoder_parent_class)->finalize (object);
}

static void
test_decoder_class_init (TestDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_decoder_finalize;
  MSGPACK_RPC_STREAM_DECODER_CLASS (klass)->decode = test_decoder_decode;
}

static void
test_decoder_init (TestDecoder *self G_GNUC_UNUSED)
{
}

#define TEST_TYPE_STREAMS (test_streams_get_type ())
G_DECLARE_FINAL_TYPE (TestStreams, test_streams, TEST, STREAMS, GObject)

/* A codec of those; what is sent is read from a stream, too, to its end. */
struct _TestStreams
{
  GObject parent_instance;
};

#define TEST_TYPE_READER (test_reader_get_type ())
G_DECLARE_FINAL_TYPE (TestReader, test_reader, TEST, READER, MsgpackRpcStreamEncoder)

struct _TestReader
{
  MsgpackRpcStreamEncoder parent_instance;
};

G_DEFINE_TYPE (TestReader, test_reader, MSGPACK_RPC_TYPE_STREAM_ENCODER)

static gboolean
test_reader_encode (MsgpackRpcStreamEncoder  *encoder,
                    GError                  **error G_GNUC_UNUSED)
{
  g_autoptr(GBytes) bytes = g_bytes_new_take (g_malloc0 (STREAM_SIZE), STREAM_SIZE);
  g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);

  msgpack_rpc_stream_encoder_add_stream (encoder, stream, -1);
  msgpack_rpc_stream_encoder_finish (encoder);
  return TRUE;
}

static void
test_reader_class_init (TestReaderClass *klass)
{
  MSGPACK_RPC_STREAM_ENCODER_CLASS (klass)->encode = test_reader_encode;
}

static void
test_reader_init (TestReader *self G_GNUC_UNUSED)
{
}

static MsgpackRpcStreamEncoder *
test_streams_create_encoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                             GVariant         *message G_GNUC_UNUSED,
                             GError          **error G_GNUC_UNUSED)
{
  return g_object_new (TEST_TYPE_READER, NULL);
}

static MsgpackRpcStreamDecoder *
test_streams_create_decoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                             GError          **error G_GNUC_UNUSED)
{
  return g_object_new (TEST_TYPE_DECODER, NULL);
}

static void
init_streams (MsgpackRpcCodecInterface *iface)
{
  iface->create_encoder = test_streams_create_encoder;
  iface->create_decoder = test_streams_create_decoder;
}

G_DEFINE_TYPE_WITH_CODE (TestStreams, test_streams, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_streams))

static void
test_streams_class_init (TestStreamsClass *klass G_GNUC_UNUSED)
{
}

static void
test_streams_init (TestStreams *self G_GNUC_UNUSED)
{
}

static void
set_up_streams (Fixture       *f,
                gconstpointer  data)
{
  set_up (f, data);
  g_clear_object (&f->near);
  g_clear_object (&f->far);
  g_clear_object (&f->codec);
  f->codec = g_object_new (TEST_TYPE_STREAMS, NULL);
  g_assert_true (msgpack_rpc_channel_new_pair (f->codec, &f->near, &f->far, NULL));
  g_signal_connect (f->far, "message", G_CALLBACK (message_cb), f);
}

static void
test_channel_streams (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Messages are read from streams and written to streams, one behind the other");

  msgpack_rpc_channel_set_high_water_mark (f->near, 10000);
  msgpack_rpc_channel_set_high_water_mark (f->far, 10000);
  send (f, "one");
  send (f, "two");
  send (f, "three");
  WAIT_UNTIL (has_received (f, "stream,stream,stream,"));
}

static void
test_channel_streams_dropped (Fixture       *f,
                              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Channels may be dropped at any time while streams are read and written");

  for (guint n = 0; n < 40; n++)
    {
      g_autoptr(MsgpackRpcChannel) near = NULL;
      g_autoptr(MsgpackRpcChannel) far = NULL;

      g_assert_true (msgpack_rpc_channel_new_pair (f->codec, &near, &far, NULL));
      msgpack_rpc_channel_send (near, g_variant_new_string ("x"), NULL);
      for (guint i = 0; i < n; i++)
        g_main_context_iteration (NULL, FALSE);
      g_assert_finalize_object (g_steal_pointer (&near));
      g_main_context_iteration (NULL, FALSE);
      g_assert_finalize_object (g_steal_pointer (&far));
    }
}

/* ---- codecs and peers that misbehave ---- */

static void
test_channel_bad_codec (Fixture       *f,
                        gconstpointer  data)
{
  g_test_summary ("A decoder that fails, or tells nonsense, ends the channel");

  g_signal_handlers_disconnect_by_func (f->far, far_closed_cb, f);
  g_signal_connect (f->far, "closed", G_CALLBACK (closed_cb), f);
  send (f, "fine");
  send (f, data);
  WAIT_UNTIL (f->error != NULL);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED);
  g_assert_true (has_received (f, "fine,"));
  g_clear_error (&f->error);
  g_clear_pointer (&f->incomplete, g_free);
  g_clear_pointer (&f->unsent, g_free);
  WAIT_UNTIL (f->n_closed == 2);
}

static void
test_channel_cut_short (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that stops in the middle of a message is an error");

  g_signal_handlers_disconnect_by_func (f->far, far_closed_cb, f);
  g_signal_handlers_disconnect_by_func (f->near, closed_cb, f);
  g_signal_connect (f->far, "closed", G_CALLBACK (closed_cb), f);
  send_until_paused (f);
  msgpack_rpc_channel_close_async (f->near, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
  g_assert_true (has_received (f, "before,"));
}

static void
test_channel_too_large (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A message that has no end ends the channel at the limit");

  g_signal_handlers_disconnect_by_func (f->far, far_closed_cb, f);
  g_signal_handlers_disconnect_by_func (f->near, closed_cb, f);
  g_signal_connect (f->far, "closed", G_CALLBACK (closed_cb), f);
  msgpack_rpc_limits_set_max_message_size (msgpack_rpc_channel_get_limits (f->far), 4096);
  send (f, "fine");
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *text = g_strnfill (10000, 'a');

      send (f, text);
    }
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
}

static void
test_channel_flat (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (1000, 'a');
  g_autoptr(GVariant) message = NULL;
  gsize sent = 0, before = 0;
  guint n = 0;

  g_test_summary ("Where nobody receives, the sender has to wait, end to end; then all of it comes");

  g_signal_handlers_disconnect_by_data (f->far, f);
  msgpack_rpc_channel_set_high_water_mark (f->near, 10000);
  msgpack_rpc_channel_set_high_water_mark (f->far, 10000);
  for (; n < 10000; n++)
    send (f, text);
  do
    {
      before = msgpack_rpc_channel_get_queued_bytes (f->near);
      for (guint i = 0; i < 50; i++)
        test_drain ();
      sent = msgpack_rpc_channel_get_queued_bytes (f->near);
    }
  while (sent != before);
  /* At most what the sockets hold, and the marks. */
  g_assert_cmpuint (sent, >, 8 * 1000 * 1000);

  for (; n > 0; n--)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;

      msgpack_rpc_channel_receive_async (f->far, -1, NULL, test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      message = msgpack_rpc_channel_receive_finish (f->far, result, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (g_variant_get_string (message, NULL), ==, text);
      g_clear_pointer (&message, g_variant_unref);
    }
  WAIT_UNTIL (msgpack_rpc_channel_get_queued_bytes (f->near) == 0);
}

static void
test_channel_paused (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A channel that is paused reads nothing");

  msgpack_rpc_channel_set_paused (f->far, TRUE);
  send (f, "one");
  for (guint i = 0; i < 50; i++)
    test_drain ();
  g_assert_true (has_received (f, ""));
  msgpack_rpc_channel_set_paused (f->far, FALSE);
  WAIT_UNTIL (has_received (f, "one,"));
}

#define ADD(name, data, function) \
  g_test_add ("/msgpack-rpc/channel/" name, Fixture, data, set_up, function, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("messages", NULL, test_channel_messages);
  ADD ("receive", NULL, test_channel_receive);
  ADD ("threads", NULL, test_channel_threads);
  ADD ("rejected", NULL, test_channel_rejected);
  ADD ("close/now", NULL, test_channel_close_now);
  ADD ("close/finish-message", NULL, test_channel_close_finish_message);
  ADD ("close/finish-queue", NULL, test_channel_close_finish_queue);
  ADD ("close/deadline", NULL, test_channel_close_deadline);
  ADD ("close/unencoded", NULL, test_channel_close_unencoded);
  ADD ("peer-gone", NULL, test_channel_peer_gone);
  ADD ("refused", NULL, test_channel_refused);
  ADD ("opened", NULL, test_channel_opened);
  g_test_add ("/msgpack-rpc/channel/streams/all", Fixture, NULL, set_up_streams,
              test_channel_streams, tear_down);
  g_test_add ("/msgpack-rpc/channel/streams/dropped", Fixture, NULL, set_up_streams,
              test_channel_streams_dropped, tear_down);
  ADD ("bad-codec/raises", "raise", test_channel_bad_codec);
  ADD ("bad-codec/used-too-much", "too much", test_channel_bad_codec);
  ADD ("bad-codec/used-nothing", "nothing", test_channel_bad_codec);
  ADD ("cut-short", NULL, test_channel_cut_short);
  ADD ("too-large", NULL, test_channel_too_large);
  ADD ("flat", NULL, test_channel_flat);
  ADD ("paused", NULL, test_channel_paused);

  return g_test_run ();
}
