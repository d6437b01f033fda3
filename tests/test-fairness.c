/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Peers that send, or read, without end leave their turns to others, and to the drawing of a window. */

#include "test-util.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>

/* That of GTK's drawing, GDK_PRIORITY_REDRAW. */
#define PAINT_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)

/* How long each handler takes at least, in microseconds. A turn is 1 ms, or one message, so that 50
 * of them are a turn, on however slow a machine. */
#define HANDLER_TIME 20

/* How many messages of the flood may come before others have had their turn. That would be one turn
 * at each of two priorities, and what more of them there may be while it is found out who floods. */
#define GAP 250

/* How many messages a flood has. */
#define FLOOD 4000

typedef struct
{
  GSource source;
  gboolean *wanted;
} PaintSource;

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  GThread *thread;         /* of the peer */
  GByteArray *bytes;       /* what it sends */
  guint n_messages;        /* delivered */
} Flood;

typedef struct
{
  GPtrArray *floods;       /* of Flood */
  guint n_floods;          /* messages of all of them */

  MsgpackRpcConnection *near;  /* who pings */
  MsgpackRpcConnection *far;   /* who answers */
  MsgpackRpcDispatcher *dispatcher;
  guint n_pings;           /* answered */
  guint pings_a_paint;     /* if not 0, each so many pings change something */
  guint ping_mark;         /* n_floods at the last of them */
  guint ping_gap;          /* the longest time between two, in messages of the floods */
  gboolean stop;

  GSource *paint;
  gboolean paint_wanted;   /* something has changed that is on the screen */
  guint n_paints;
  guint paint_mark;
  guint paint_gap;
} Fixture;

static void
take_time (void)
{
  gint64 end = g_get_monotonic_time () + HANDLER_TIME;

  while (g_get_monotonic_time () < end)
    ;
}

/* ---- painting ---- */

static gboolean
paint_prepare (GSource *source,
               int     *timeout)
{
  *timeout = -1;
  return *((PaintSource *) source)->wanted;
}

static gboolean
paint_check (GSource *source)
{
  return *((PaintSource *) source)->wanted;
}

static gboolean
paint_dispatch (GSource     *source,
                GSourceFunc  callback G_GNUC_UNUSED,
                gpointer     user_data)
{
  Fixture *f = user_data;

  *((PaintSource *) source)->wanted = FALSE;
  f->n_paints++;
  f->paint_gap = MAX (f->paint_gap, f->n_floods - f->paint_mark);
  f->paint_mark = f->n_floods;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs paint_funcs = {
  .prepare = paint_prepare,
  .check = paint_check,
  .dispatch = paint_dispatch,
};

static gboolean
never_cb (gpointer user_data G_GNUC_UNUSED)
{
  g_assert_not_reached ();
}

static void
add_paint (Fixture *f)
{
  f->paint = g_source_new (&paint_funcs, sizeof (PaintSource));
  ((PaintSource *) f->paint)->wanted = &f->paint_wanted;
  g_source_set_priority (f->paint, PAINT_PRIORITY);
  g_source_set_callback (f->paint, never_cb, f, NULL);
  g_source_attach (f->paint, NULL);
}

/* ---- pings ---- */

static void ping (Fixture *f);

static void
pinged_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Fixture *f = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  take_time ();
  f->n_pings++;
  f->ping_gap = MAX (f->ping_gap, f->n_floods - f->ping_mark);
  f->ping_mark = f->n_floods;
  if (f->pings_a_paint > 0 && f->n_pings % f->pings_a_paint == 0)
    f->paint_wanted = TRUE;
  if (!f->stop)
    ping (f);
}

static void
ping (Fixture *f)
{
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (f->near), "add", g_variant_new ("(ii)", 1, 2), NULL,
                               pinged_cb, f);
}

/* ---- floods ---- */

static gpointer
flood_thread (gpointer data)
{
  Flood *flood = data;
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE;
  gsize done = 0;

  while (done < flood->bytes->len)
    {
      GPollFD fd = { flood->raw.fd, G_IO_OUT, 0 };
      gssize n;

      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_poll (&fd, 1, 50);
      n = send (flood->raw.fd, flood->bytes->data + done, flood->bytes->len - done, MSG_NOSIGNAL);
      g_assert_true (n > 0 || errno == EAGAIN || errno == EINTR);
      done += (gsize) MAX (0, n);
    }

  return NULL;
}

static void
flooded (Fixture *f,
         Flood   *flood)
{
  take_time ();
  flood->n_messages++;
  f->n_floods++;
  f->paint_wanted = TRUE;
}

static Flood *
find_flood (Fixture              *f,
            MsgpackRpcConnection *connection)
{
  for (guint i = 0; i < f->floods->len; i++)
    {
      Flood *flood = g_ptr_array_index (f->floods, i);

      if (flood->connection == connection)
        return flood;
    }

  g_assert_not_reached ();
}

/* Asserts that they come in order. */
static void
notification_cb (MsgpackRpcConnection *connection,
                 const char           *method G_GNUC_UNUSED,
                 GVariant             *params,
                 gpointer              user_data)
{
  Fixture *f = user_data;
  Flood *flood = find_flood (f, connection);
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 0);
  g_autoptr(GVariant) number = g_variant_get_variant (value);

  g_assert_cmpint (g_variant_get_int64 (number), ==, flood->n_messages);
  flooded (f, flood);
}

static void
append (GByteArray *bytes,
        GVariant   *value)
{
  g_autoptr(GVariant) sunk = g_variant_ref_sink (value);
  g_autoptr(GBytes) packed = msgpack_rpc_pack (sunk, NULL);

  g_byte_array_append (bytes, g_bytes_get_data (packed, NULL), (guint) g_bytes_get_size (packed));
}

static Flood *
add_flood (Fixture *f)
{
  Flood *flood = g_new0 (Flood, 1);
  g_autoptr(GIOStream) stream = raw_peer_init (&flood->raw);

  flood->connection = msgpack_rpc_connection_new (stream);
  flood->bytes = g_byte_array_new ();
  g_signal_connect (flood->connection, "notification", G_CALLBACK (notification_cb), f);
  g_ptr_array_add (f->floods, flood);
  return flood;
}

static void
add_notifications (Flood *flood,
                   guint  n,
                   gsize  size)
{
  g_autofree char *text = g_strnfill (size, 'x');

  for (guint i = 0; i < n; i++)
    append (flood->bytes, g_variant_new ("(xs(xs))", G_GINT64_CONSTANT (2), "n", (gint64) i, text));
}

static void
flood_free (gpointer data)
{
  Flood *flood = data;

  g_thread_join (flood->thread);
  g_assert_finalize_object (flood->connection);
  raw_peer_clear (&flood->raw);
  g_byte_array_unref (flood->bytes);
  g_free (flood);
}

/* ---- all of it ---- */

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  f->floods = g_ptr_array_new_with_free_func (flood_free);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  g_assert_true (msgpack_rpc_connection_new_pair (&f->near, &f->far, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (f->far, f->dispatcher);
  add_paint (f);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  guint n;

  f->stop = TRUE;
  WAIT_UNTIL (test_get_statistic (f->near, "calls-in-flight") == 0);

  /* Nothing stays ready that has nothing to do. */
  test_drain ();
  n = f->n_paints;
  test_drain ();
  g_assert_cmpuint (f->n_paints, ==, n);

  g_ptr_array_unref (f->floods);
  g_assert_finalize_object (f->near);
  g_assert_finalize_object (f->far);
  g_assert_finalize_object (f->dispatcher);
  g_source_destroy (f->paint);
  g_source_unref (f->paint);
}

static void
start (Fixture *f)
{
  ping (f);
  for (guint i = 0; i < f->floods->len; i++)
    {
      Flood *flood = g_ptr_array_index (f->floods, i);

      flood->thread = g_thread_new ("flood", flood_thread, flood);
    }
}

static void
assert_gap (Fixture *f,
            guint    gap)
{
  g_test_message ("%u messages, %u pings, at most %u messages between two; %u paints, at most %u",
                  f->n_floods, f->n_pings, f->ping_gap, f->n_paints, f->paint_gap);
  g_assert_cmpuint (f->ping_gap, <=, gap);
  g_assert_cmpuint (f->paint_gap, <=, gap);
  g_assert_cmpuint (f->n_pings, >=, f->n_floods / gap);
  g_assert_cmpuint (f->n_paints, >=, f->n_floods / gap);
}

static void
assert_fair (Fixture *f)
{
  assert_gap (f, GAP * f->floods->len);
}

static void
test_notifications (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Notifications without end let pings and paints go on, and come in order");

  add_notifications (add_flood (f), FLOOD, 0);
  start (f);
  WAIT_UNTIL (f->n_floods == FLOOD);
  assert_fair (f);
}

static void
test_many (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Several floods have turns of their own, and others go on between them");

  for (guint i = 0; i < 6; i++)
    add_notifications (add_flood (f), FLOOD / 4, 0);
  start (f);
  WAIT_UNTIL (f->n_floods == 6 * FLOOD / 4);
  assert_fair (f);
}

static gboolean
request_handler (MsgpackRpcInvocation  *invocation,
                 GVariant              *params G_GNUC_UNUSED,
                 gpointer               user_data,
                 GError               **error G_GNUC_UNUSED)
{
  Fixture *f = user_data;

  flooded (f, g_ptr_array_index (f->floods, 0));
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
test_requests (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  Flood *flood = add_flood (f);

  g_test_summary ("Requests without end let pings and paints go on, and are all answered in order");

  msgpack_rpc_dispatcher_add_method (f->dispatcher, "flood", NULL, request_handler, f, NULL);
  msgpack_rpc_connection_set_dispatcher (flood->connection, f->dispatcher);
  for (guint i = 0; i < FLOOD; i++)
    append (flood->bytes, g_variant_new ("(xxsav)", G_GINT64_CONSTANT (0), (gint64) i, "flood", NULL));
  start (f);
  for (guint i = 0; i < FLOOD; i++)
    {
      g_autoptr(GVariant) answer = raw_peer_receive (&flood->raw);
      g_autofree char *expected = g_strdup_printf ("(1, %u, @mv nothing, @mv nothing)", i);

      test_assert_value (answer, expected);
    }
  assert_fair (f);
}

static void
replied_cb (GObject      *source G_GNUC_UNUSED,
            GAsyncResult *result,
            gpointer      user_data)
{
  Fixture *f = user_data;
  Flood *flood = g_ptr_array_index (f->floods, 0);

  g_assert_cmpuint (msgpack_rpc_call_get_msgid (MSGPACK_RPC_CALL (result)), ==,
                    flood->n_messages + 1);
  flooded (f, flood);
}

static void
test_replies (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Flood *flood = add_flood (f);

  g_test_summary ("Thousands of replies at once let pings and paints go on, and come in order");

  for (guint i = 0; i < FLOOD; i++)
    {
      msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (flood->connection), "a", NULL, NULL, replied_cb,
                                   f);
      append (flood->bytes, g_variant_new_parsed ("(1, %u, @mv nothing, 3)", i + 1));
    }
  start (f);
  WAIT_UNTIL (f->n_floods == FLOOD);
  assert_fair (f);
}

/* One that is long in coming is a flood, too, although it needs no handler. */
static void
test_large (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  gsize size = 48 * 1024 * 1024;
  guint n_pings, n_paints;

  g_test_summary ("A message that is long in coming lets pings and paints go on meanwhile");

  /* In small pieces, less of it is as long in coming where all is slow. */
  if (g_str_equal (test_transport_get_name (), "split"))
    size /= (gsize) test_get_slowness ();
  add_notifications (add_flood (f), 1, size);
  start (f);
  WAIT_UNTIL (f->n_pings > 0);
  n_pings = f->n_pings;
  n_paints = f->n_paints;
  /* The kernel is not slower, but pings are. */
  f->pings_a_paint = test_get_slowness () > 1 ? 1 : 10;
  WAIT_UNTIL (f->n_floods > 0);
  n_pings = f->n_pings - n_pings;
  n_paints = f->n_paints - n_paints;
  g_test_message ("%u pings, %u paints", n_pings, n_paints);
  g_assert_cmpuint (n_pings, >=, MAX (1, 10 / test_get_slowness ()));
  g_assert_cmpuint (n_paints, >=, MAX (1, n_pings / GAP));
}

/* The flood is all there before the context runs: what is posted must not go before others. */
static void
test_posted (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  Flood *flood = add_flood (f);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What a sync call has held back lets pings and paints go on, and comes in order");

  add_notifications (flood, FLOOD / 2, 0);
  append (flood->bytes, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
  start (f);
  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (flood->connection), "a", NULL, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_assert_cmpuint (f->n_floods, ==, 0);
  WAIT_UNTIL (f->n_floods == FLOOD / 2);
  assert_fair (f);
}

/* ---- output ---- */

/* A stream that takes all that it is given, at once. */
typedef struct
{
  GOutputStream parent_instance;
  Fixture *fixture;
} SinkStream;

typedef GOutputStreamClass SinkStreamClass;

static void sink_stream_iface_init (GPollableOutputStreamInterface *iface);
static GType sink_stream_get_type (void);

G_DEFINE_TYPE_WITH_CODE (SinkStream, sink_stream, G_TYPE_OUTPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                sink_stream_iface_init))

static gssize
sink_stream_write_nonblocking (GPollableOutputStream  *stream,
                               const void             *buffer G_GNUC_UNUSED,
                               gsize                   size,
                               GError                **error G_GNUC_UNUSED)
{
  Fixture *f = ((SinkStream *) stream)->fixture;

  take_time ();
  f->n_floods++;
  f->paint_wanted = TRUE;
  return (gssize) size;
}

static gboolean
sink_stream_is_writable (GPollableOutputStream *stream G_GNUC_UNUSED)
{
  return TRUE;
}

static void
sink_stream_iface_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = sink_stream_is_writable;
  iface->write_nonblocking = sink_stream_write_nonblocking;
}

static void
sink_stream_class_init (SinkStreamClass *klass G_GNUC_UNUSED)
{
}

static void
sink_stream_init (SinkStream *self G_GNUC_UNUSED)
{
}

/* Messages of @size bytes, which share their memory. */
static void
send_many (MsgpackRpcConnection *connection,
           guint                 n,
           gsize                 size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);
  g_autoptr(GVariant) data = NULL;
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (connection);

  data = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  msgpack_rpc_limits_set_max_queued_bytes (limits, G_MAXUINT32);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr(GError) error = NULL;

      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "n",
                                          g_variant_new ("(@ay)", data), &error);
      g_assert_no_error (error);
    }
}

static void
test_taken_at_once (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GInputStream) in = NULL;
  g_autoptr(GOutputStream) out = g_object_new (sink_stream_get_type (), NULL);
  g_autoptr(GIOStream) stream = NULL;
  MsgpackRpcConnection *connection;
  int fds[2];

  g_test_summary ("A long queue lets pings and paints go on, although the stream takes all at once");

  /* Pollable: what blocks is written to another way. */
  test_transport_socketpair (fds);
  g_assert_true (g_unix_set_fd_nonblocking (fds[0], TRUE, NULL));
  in = g_unix_input_stream_new (fds[0], TRUE);
  ((SinkStream *) out)->fixture = f;
  stream = g_simple_io_stream_new (in, out);
  connection = msgpack_rpc_connection_new (stream);

  /* Each is written in several parts. */
  start (f);
  send_many (connection, FLOOD / 4, 64 * 1024);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (connection) == 0);
  g_assert_cmpuint (f->n_floods, >=, FLOOD);
  /* Such a stream has turns by its nested source, too. */
  assert_gap (f, 2 * GAP);

  g_assert_finalize_object (connection);
  g_close (fds[1], NULL);
}

typedef struct
{
  int fd;
  guint64 n_bytes;
} Reader;

/* Reads to the end, as fast as it can. */
static gpointer
read_thread (gpointer data)
{
  Reader *self = data;
  const gsize size = 1024 * 1024;
  g_autofree guint8 *buffer = g_malloc (size);
  gssize n = 1;

  while (n != 0)
    {
      GPollFD fd = { self->fd, G_IO_IN, 0 };

      n = recv (self->fd, buffer, size, 0);
      g_assert_true (n >= 0 || errno == EAGAIN || errno == EINTR);
      self->n_bytes += (guint64) MAX (0, n);
      if (n < 0)
        g_poll (&fd, 1, -1);
    }

  return NULL;
}

static void
test_fast_reader (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&raw, "unix");
  MsgpackRpcConnection *connection = msgpack_rpc_connection_new (stream);
  Reader reader = { raw.fd, 0 };
  GThread *thread = g_thread_new ("reader", read_thread, &reader);
  guint n_pings, n_paints;

  g_test_summary ("512 MiB for a peer that reads fast let pings and paints go on");

  f->pings_a_paint = 1;
  start (f);
  WAIT_UNTIL (f->n_pings > 0);
  n_pings = f->n_pings;
  n_paints = f->n_paints;
  send_many (connection, 512, 1024 * 1024);
  WAIT_UNTIL (msgpack_rpc_connection_get_queued_bytes (connection) == 0);
  n_pings = f->n_pings - n_pings;
  n_paints = f->n_paints - n_paints;
  g_test_message ("%u pings, %u paints", n_pings, n_paints);
  g_assert_cmpuint (n_pings, >=, 16);
  g_assert_cmpuint (n_paints, >=, 16);

  g_assert_finalize_object (connection);
  g_thread_join (thread);
  g_assert_cmpuint (reader.n_bytes, >, 512 * 1024 * 1024);
  raw_peer_clear (&raw);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/fairness/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("notifications", test_notifications);
  ADD ("many", test_many);
  ADD ("requests", test_requests);
  ADD ("replies", test_replies);
  ADD ("large", test_large);
  ADD ("posted", test_posted);
  ADD ("taken-at-once", test_taken_at_once);
  ADD ("fast-reader", test_fast_reader);

  return g_test_run ();
}
