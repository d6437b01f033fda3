/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include "test-server.h"

/* What the rows A4 of docs/behaviours.md need: two connectors on one network thread, of which one
 * listens, and a codec that the test can stop in the middle of a message. */

typedef struct
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcCodec *codec;
  MsgpackRpcConnector *here;
  MsgpackRpcConnector *there;
  char **addresses;        /* of the one here */
} Pike;

/* ---- a codec: lines, of which the test can stop one in its middle ---- */

#define TEST_TYPE_ENCODER (test_encoder_get_type ())
G_DECLARE_FINAL_TYPE (TestEncoder, test_encoder, TEST, ENCODER, MsgpackRpcStreamEncoder)

/* Writes the first half of a line that begins with “pause”, and the rest when it is resumed. */
struct _TestEncoder
{
  MsgpackRpcStreamEncoder parent_instance;

  char *text;
  gboolean has_begun;
};

G_DEFINE_TYPE (TestEncoder, test_encoder, MSGPACK_RPC_TYPE_STREAM_ENCODER)

static GMutex codec_lock;            /* guards what follows */
static TestEncoder *paused_encoder;  /* owned */
static GThread *coded_in;            /* the last thread that ran the codec */
static guint n_decoded;

static inline TestEncoder *
ref_paused (void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  return paused_encoder != NULL ? g_object_ref (paused_encoder) : NULL;
}

static inline void
set_paused (TestEncoder *encoder)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  g_set_object (&paused_encoder, encoder);
}

static inline gboolean
is_paused (void)
{
  g_autoptr(TestEncoder) encoder = ref_paused ();

  return encoder != NULL;
}

static inline void
resume_encoder (void)
{
  g_autoptr(TestEncoder) encoder = ref_paused ();

  msgpack_rpc_stream_encoder_resume (MSGPACK_RPC_STREAM_ENCODER (encoder));
}

static inline void
note_coded (guint n)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  coded_in = g_thread_self ();
  n_decoded += n;
}

static inline guint
count_decoded (void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&codec_lock);

  return n_decoded;
}

static gboolean
test_encoder_encode (MsgpackRpcStreamEncoder  *encoder,
                     GError                  **error G_GNUC_UNUSED)
{
  TestEncoder *self = TEST_ENCODER (encoder);
  gsize half = strlen (self->text) / 2;
  g_autofree char *rest = g_strconcat (self->text + half, "\n", NULL);
  g_autoptr(GBytes) first = g_bytes_new (self->text, half);
  g_autoptr(GBytes) second = g_bytes_new (rest, strlen (rest));

  note_coded (0);
  if (!self->has_begun)
    msgpack_rpc_stream_encoder_add_bytes (encoder, first);
  if (!self->has_begun && g_str_has_prefix (self->text, "pause"))
    {
      self->has_begun = TRUE;
      msgpack_rpc_stream_encoder_pause (encoder);
      set_paused (self);
      return TRUE;
    }

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

/* It cannot encode “bad”, and raises when it decodes “raise”, as in Python: without an error. */
struct _TestCodec
{
  GObject parent_instance;

  MsgpackRpcCodec *lines;
};

static MsgpackRpcStreamEncoder *
test_codec_create_encoder (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                           GVariant         *message,
                           GError          **error)
{
  const char *text = g_variant_get_string (message, NULL);
  TestEncoder *self;

  if (g_str_equal (text, "bad"))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "bad");
      return NULL;
    }

  self = g_object_new (TEST_TYPE_ENCODER, NULL);
  self->text = g_strdup (text);
  return MSGPACK_RPC_STREAM_ENCODER (self);
}

static gboolean
test_codec_decode (MsgpackRpcCodec  *codec,
                   GBytes           *input,
                   GVariant        **message,
                   gsize            *size,
                   GError          **error)
{
  note_coded (1);
  if (!msgpack_rpc_codec_decode (TEST_CODEC (codec)->lines, input, message, size, error))
    return FALSE;

  if (*message != NULL && g_str_equal (g_variant_get_string (*message, NULL), "raise"))
    g_clear_pointer (message, g_variant_unref);
  else
    return TRUE;

  return FALSE;
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

static inline MsgpackRpcConnector *
make_connector (Pike *f)
{
  return g_object_new (MSGPACK_RPC_TYPE_CONNECTOR, "codec", f->codec, "main-context",
                       msgpack_rpc_loop_thread_get_main_context (f->thread), NULL);
}

static inline void
pike_set_up (Pike          *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  f->thread = msgpack_rpc_loop_thread_new ("network");
  f->codec = g_object_new (TEST_TYPE_CODEC, NULL);
  f->here = make_connector (f);
  f->there = make_connector (f);
  f->addresses = msgpack_rpc_connector_listen_sync (f->here, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  msgpack_rpc_loop_thread_start (f->thread);
}

static inline MsgpackRpcEventQueue *
queue_of (MsgpackRpcConnector *connector)
{
  return msgpack_rpc_connector_get_queue (connector);
}

static inline GVariant *
shut_down (MsgpackRpcConnector *connector,
           MsgpackRpcCloseMode  mode)
{
  g_autoptr(GError) error = NULL;
  GVariant *unsent = msgpack_rpc_connector_shut_down_sync (connector, mode, NULL, &error);

  g_assert_no_error (error);
  return unsent;
}

/* Nothing is taken out of the queues: what is in them goes with them. */
static inline void
pike_tear_down (Pike          *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_variant_unref (shut_down (f->here, MSGPACK_RPC_CLOSE_MODE_NOW));
  g_variant_unref (shut_down (f->there, MSGPACK_RPC_CLOSE_MODE_NOW));
  set_paused (NULL);
  msgpack_rpc_loop_thread_shut_down (f->thread, MSGPACK_RPC_CLOSE_MODE_NOW);
  g_assert_true (msgpack_rpc_loop_thread_join (f->thread));
  while (g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (f->thread), FALSE))
    continue;
  g_assert_finalize_object (f->here);
  g_assert_finalize_object (f->there);
  g_assert_finalize_object (f->thread);
  test_drain ();
  g_assert_finalize_object (f->codec);
  g_strfreev (f->addresses);
}

/* ---- events ---- */

static inline MsgpackRpcEvent *
next_of (MsgpackRpcEventQueue *queue,
         MsgpackRpcEventKind   kind)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcEvent *event;

  event = msgpack_rpc_event_queue_receive (queue, (int) (TEST_DEADLINE / 1000), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (msgpack_rpc_event_get_kind (event), ==, kind);
  return event;
}

static inline MsgpackRpcEvent *
next (MsgpackRpcConnector *connector,
      MsgpackRpcEventKind  kind)
{
  return next_of (queue_of (connector), kind);
}

static inline void
skip (MsgpackRpcConnector *connector,
      MsgpackRpcEventKind  kind)
{
  msgpack_rpc_event_unref (next (connector, kind));
}

static inline void
assert_none (MsgpackRpcEventQueue *queue)
{
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (queue), ==, 0);
}

static inline void
assert_line (MsgpackRpcEventQueue *queue,
             const char           *text)
{
  g_autoptr(MsgpackRpcEvent) event = next_of (queue, MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED);

  g_assert_cmpstr (g_variant_get_string (msgpack_rpc_event_get_message (event), NULL), ==, text);
}

static inline void
assert_closed (MsgpackRpcEventQueue *queue)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_event_queue_receive (queue, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* What an event says was sent in part, and not at all. */
static inline void
assert_leftover (MsgpackRpcEvent *event,
                 const char      *incomplete,
                 const char      *unsent)
{
  GVariant *message = msgpack_rpc_event_get_incomplete (event);
  g_autofree char *text = g_variant_print (msgpack_rpc_event_get_unsent (event), FALSE);

  g_assert_cmpstr (message != NULL ? g_variant_get_string (message, NULL) : NULL, ==, incomplete);
  g_assert_cmpstr (text, ==, unsent);
}

/* ---- channels ---- */

static inline void
say (MsgpackRpcChannel *channel,
     const char        *text)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (msgpack_rpc_channel_send (channel, g_variant_new_string (text), &error));
  g_assert_no_error (error);
}

static inline MsgpackRpcChannel *
open_to (MsgpackRpcConnector  *connector,
         const char           *address,
         MsgpackRpcEventQueue *queue)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcChannel *channel = msgpack_rpc_connector_open (connector, address, queue, &error);

  g_assert_no_error (error);
  return channel;
}

static inline void
close_channel (MsgpackRpcChannel   *channel,
               MsgpackRpcCloseMode  mode)
{
  msgpack_rpc_channel_close_async (channel, mode, NULL, NULL, NULL);
}

/* Both ends of a new connection. */
static inline MsgpackRpcChannel *
meet (Pike               *f,
      MsgpackRpcChannel **channel)
{
  g_autoptr(MsgpackRpcEvent) come = NULL;

  *channel = open_to (f->there, f->addresses[0], NULL);
  skip (f->there, MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT);
  come = next (f->here, MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT);
  g_assert_true (msgpack_rpc_event_accept (come, NULL));
  return g_object_ref (msgpack_rpc_event_get_channel (come));
}

/* One message has left, one has half left, and one waits. */
static inline void
send_until_paused (Pike              *f,
                   MsgpackRpcChannel *channel)
{
  guint before = count_decoded ();

  say (channel, "before");
  say (channel, "paused");
  say (channel, "after");
  assert_line (queue_of (f->here), "before");
  WAIT_UNTIL (is_paused () && count_decoded () > before + 1);
}

/* Somebody who listens and says nothing, so that whoever speaks TLS to it goes on connecting. */
static inline GSocket *
listen_in_silence (char **address)
{
  g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr(GSocketAddress) bound = NULL;
  g_autoptr(GError) error = NULL;
  GSocket *socket;

  socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_bind (socket, any, TRUE, NULL) && g_socket_listen (socket, NULL));
  bound = g_socket_get_local_address (socket, NULL);
  *address = g_strdup_printf ("tls://127.0.0.1:%u",
                              g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return socket;
}
