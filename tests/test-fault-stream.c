/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A stream on which things go wrong: exactly those that were asked for. */

#include "test-util.h"

#include <unistd.h>

#define TEXT "0123456789abcdef"
#define TEXT_SIZE 16

/* How the stream is used. */
typedef enum
{
  USE_SYNC,
  USE_ASYNC,
  USE_POLLABLE,
} Use;

typedef struct
{
  Use use;
  RawPeer raw;
  GIOStream *base;
  MsgpackRpcFaultStream *faults;
  GInputStream *input;
  GOutputStream *output;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  f->use = (Use) GPOINTER_TO_UINT (data);
  f->base = raw_peer_init (&f->raw);
  f->faults = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                            "base-io-stream", f->base,
                            "pollable", f->use == USE_POLLABLE,
                            NULL);
  f->input = g_io_stream_get_input_stream (G_IO_STREAM (f->faults));
  f->output = g_io_stream_get_output_stream (G_IO_STREAM (f->faults));
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  gpointer weak = f->faults;

  /* What a connection had pending on it holds it until it has ended. */
  if (f->faults != NULL)
    g_object_add_weak_pointer (weak, &weak);
  g_clear_object (&f->faults);
  WAIT_UNTIL (weak == NULL);
  g_object_unref (f->base);
  raw_peer_clear (&f->raw);
}

/* ---- reading and writing, in any way ---- */

static gboolean
set_flag (GObject  *stream G_GNUC_UNUSED,
          gpointer  data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
wait_for_source (GSource *source)
{
  gboolean ready = FALSE;

  g_source_set_callback (source, G_SOURCE_FUNC (set_flag), &ready, NULL);
  g_source_attach (source, NULL);
  WAIT_UNTIL (ready);
  g_source_destroy (source);
}

static gssize
read_polled (Fixture *f,
             void    *buffer,
             gsize    size,
             GError **error)
{
  GPollableInputStream *input = G_POLLABLE_INPUT_STREAM (f->input);

  for (;;)
    {
      g_autoptr(GSource) source = NULL;
      g_autoptr(GError) failure = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (input, buffer, size, NULL, &failure);

      if (n >= 0)
        return n;
      if (!g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return -1;
        }
      source = g_pollable_input_stream_create_source (input, NULL);
      wait_for_source (source);
    }
}

static gssize
read_once (Fixture *f,
           void    *buffer,
           gsize    size,
           GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  if (f->use == USE_SYNC)
    return g_input_stream_read (f->input, buffer, size, NULL, error);
  if (f->use == USE_POLLABLE)
    return read_polled (f, buffer, size, error);

  g_input_stream_read_async (f->input, buffer, size, G_PRIORITY_DEFAULT, NULL, test_store_result,
                             &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  return g_input_stream_read_finish (f->input, result, error);
}

static gssize
write_polled (Fixture     *f,
              const void  *buffer,
              gsize        size,
              GError     **error)
{
  GPollableOutputStream *output = G_POLLABLE_OUTPUT_STREAM (f->output);

  for (;;)
    {
      g_autoptr(GSource) source = NULL;
      g_autoptr(GError) failure = NULL;
      gssize n = g_pollable_output_stream_write_nonblocking (output, buffer, size, NULL, &failure);

      if (n >= 0)
        return n;
      if (!g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return -1;
        }
      source = g_pollable_output_stream_create_source (output, NULL);
      wait_for_source (source);
    }
}

static gssize
write_once (Fixture     *f,
            const void  *buffer,
            gsize        size,
            GError     **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  if (f->use == USE_SYNC)
    return g_output_stream_write (f->output, buffer, size, NULL, error);
  if (f->use == USE_POLLABLE)
    return write_polled (f, buffer, size, error);

  g_output_stream_write_async (f->output, buffer, size, G_PRIORITY_DEFAULT, NULL,
                               test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  return g_output_stream_write_finish (f->output, result, error);
}

/* Reads what was sent, the pieces with bars between them, until @size bytes have come or the end,
 * which is a full stop. */
static void
assert_read (Fixture    *f,
             gsize       size,
             const char *expected)
{
  g_autoptr(GString) log = g_string_new (NULL);
  gsize done = 0;

  while (done < size)
    {
      char buffer[64];
      g_autoptr(GError) error = NULL;
      gssize n = read_once (f, buffer, sizeof buffer, &error);

      g_assert_no_error (error);
      if (n == 0)
        break;
      g_string_append_len (log, buffer, n);
      g_string_append_c (log, '|');
      done += (gsize) n;
    }
  if (done < size)
    g_string_append_c (log, '.');
  g_assert_cmpstr (log->str, ==, expected);
}

/* Writes all of @text, the sizes of the pieces as letters from “a”, a failure as a question mark. */
static void
assert_write (Fixture    *f,
              const char *text,
              const char *expected)
{
  g_autoptr(GString) log = g_string_new (NULL);
  gsize size = strlen (text);

  for (gsize done = 0; done < size;)
    {
      g_autoptr(GError) error = NULL;
      gssize n = write_once (f, text + done, size - done, &error);

      g_assert_true ((n < 0) == (error != NULL));
      g_string_append_c (log, n < 0 ? '?' : (char) ('a' + n - 1));
      if (n < 0)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
          break;
        }
      done += (gsize) n;
    }
  g_assert_cmpstr (log->str, ==, expected);
}

static void
assert_arrived (Fixture    *f,
                const char *expected)
{
  char buffer[64];
  gssize n = read (f->raw.fd, buffer, sizeof buffer);

  g_assert_cmpmem (buffer, MAX (n, 0), expected, strlen (expected));
}

static void
send_text (Fixture *f)
{
  raw_peer_send (&f->raw, TEXT, TEXT_SIZE);
}

/* ---- what goes wrong ---- */

static void
test_passes (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("As long as nothing was asked for, all passes as it is");

  send_text (f);
  assert_read (f, TEXT_SIZE, TEXT "|");
  assert_write (f, "abc", "c");
  assert_arrived (f, "abc");
  raw_peer_close (&f->raw);
  assert_read (f, 1, ".");
}

static void
test_split (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Chunks end at the same offsets, however much is read or written at once");

  g_object_set (f->faults, "read-chunk-size", 5, "write-chunk-size", 3, NULL);
  send_text (f);
  assert_read (f, TEXT_SIZE, "01234|56789|abcde|f|");
  send_text (f);
  assert_read (f, TEXT_SIZE, "0123|45678|9abcd|ef|");
  assert_write (f, TEXT, "ccccca");
  assert_write (f, TEXT, "bccccb");
  assert_arrived (f, TEXT TEXT);
}

/* The sizes of the chunks of @seed. */
static char *
get_sizes (Fixture *f,
           guint    seed)
{
  g_autoptr(GString) log = g_string_new (NULL);

  g_object_set (f->faults, "seed", 0, NULL);
  g_object_set (f->faults, "seed", seed, "write-chunk-size", 8, NULL);
  for (guint i = 0; i < 20; i++)
    {
      gssize n = write_once (f, TEXT, TEXT_SIZE, NULL);

      g_assert_cmpint (n, >=, 1);
      g_assert_cmpint (n, <=, 8);
      g_string_append_c (log, (char) ('a' + n - 1));
    }
  return g_string_free (g_steal_pointer (&log), FALSE);
}

static void
test_random (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *first = get_sizes (f, 1);
  g_autofree char *again = get_sizes (f, 1);
  g_autofree char *other = get_sizes (f, 2);

  g_test_summary ("The same seed makes the same random chunks, another one makes others");

  g_assert_cmpstr (first, ==, again);
  g_assert_cmpstr (first, !=, other);
}

static void
test_drop (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What is dropped is missing, and nothing else");

  g_object_set (f->faults,
                "read-drop-offset", G_GINT64_CONSTANT (2),
                "read-drop-size", G_GINT64_CONSTANT (3),
                "write-drop-offset", G_GINT64_CONSTANT (1),
                NULL);
  send_text (f);
  assert_read (f, TEXT_SIZE - 3, "01|56789abcdef|");
  assert_write (f, "abcdef", "aad");
  assert_arrived (f, "acdef");

  g_object_set (f->faults,
                "read-drop-offset", G_GINT64_CONSTANT (0),
                "read-drop-size", G_MAXINT64,
                NULL);
  send_text (f);
  raw_peer_close (&f->raw);
  assert_read (f, 1, ".");
}

static void
test_corrupt (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  static const char sent[] = "ab\xc3\xa4yz";

  g_test_summary ("What is corrupted has its bits inverted, and is as long");

  g_object_set (f->faults,
                "read-corrupt-offset", G_GINT64_CONSTANT (2),
                "read-corrupt-size", G_GINT64_CONSTANT (2),
                "write-corrupt-offset", G_GINT64_CONSTANT (2),
                "write-corrupt-size", G_GINT64_CONSTANT (2),
                NULL);
  raw_peer_send (&f->raw, sent, strlen (sent));
  assert_read (f, strlen (sent), "ab\x3c\x5byz|");
  assert_write (f, sent, "f");
  assert_arrived (f, "ab\x3c\x5byz");
}

static void
test_cut (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("After the cut nothing comes and nothing goes");

  g_object_set (f->faults,
                "read-cut-offset", G_GINT64_CONSTANT (4),
                "write-cut-offset", G_GINT64_CONSTANT (2),
                NULL);
  send_text (f);
  assert_read (f, TEXT_SIZE, "0123|.");
  assert_write (f, "abcdef", "b?");
  assert_arrived (f, "ab");
}

static gpointer
go_on_in_thread (gpointer data)
{
  Fixture *f = data;

  g_usleep (1000);
  g_object_set (f->faults,
                "read-stop-offset", G_GINT64_CONSTANT (-1),
                "write-stop-offset", G_GINT64_CONSTANT (-1),
                NULL);
  return NULL;
}

static void
test_stop (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  GThread *thread;

  g_test_summary ("What stops at an offset goes on when it is told to, also by another thread");

  g_object_set (f->faults,
                "read-stop-offset", G_GINT64_CONSTANT (4),
                "write-stop-offset", G_GINT64_CONSTANT (2),
                NULL);
  send_text (f);
  assert_read (f, 4, "0123|");
  assert_write (f, "ab", "b");
  thread = g_thread_new ("go on", go_on_in_thread, f);
  assert_read (f, TEXT_SIZE - 4, "456789abcdef|");
  g_thread_join (thread);

  g_object_set (f->faults, "write-stop-offset", G_GINT64_CONSTANT (0), NULL);
  thread = g_thread_new ("go on", go_on_in_thread, f);
  assert_write (f, "cd", "b");
  g_thread_join (thread);
  assert_arrived (f, "abcd");
}

static void
test_delay (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  gint64 start;

  g_test_summary ("What is delayed does not come too early");

  g_object_set (f->faults, "read-delay", 20, "write-delay", 20, NULL);
  send_text (f);
  start = g_get_monotonic_time ();
  assert_read (f, TEXT_SIZE, TEXT "|");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 20 * 1000);
  start = g_get_monotonic_time ();
  assert_write (f, "abc", "c");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 20 * 1000);
  assert_arrived (f, "abc");
}

/* ---- waiting ---- */

static void
test_cancel (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) reading = NULL;
  g_autoptr(GAsyncResult) writing = NULL;
  g_autoptr(GError) error = NULL;
  char buffer[64];

  g_test_summary ("What waits can be cancelled, and loses nothing");

  g_object_set (f->faults, "read-delay", 3600 * 1000, "write-delay", 3600 * 1000, NULL);
  send_text (f);
  g_input_stream_read_async (f->input, buffer, sizeof buffer, G_PRIORITY_DEFAULT, cancellable,
                             test_store_result, &reading);
  g_output_stream_write_async (f->output, "abc", 3, G_PRIORITY_DEFAULT, cancellable,
                               test_store_result, &writing);
  test_drain ();
  g_assert_null (reading);
  g_assert_null (writing);

  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (reading != NULL && writing != NULL);
  g_assert_cmpint (g_input_stream_read_finish (f->input, reading, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write_finish (f->output, writing, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_object_set (f->faults, "read-stop-offset", G_GINT64_CONSTANT (0), NULL);
  g_assert_cmpint (g_input_stream_read (f->input, buffer, sizeof buffer, cancellable, &error), ==,
                   -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_arrived (f, "");

  g_object_set (f->faults, "read-stop-offset", G_GINT64_CONSTANT (-1), "read-delay", 0, NULL);
  assert_read (f, TEXT_SIZE, TEXT "|");
}

static gboolean
count_source (GObject  *stream G_GNUC_UNUSED,
              gpointer  data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

static void
test_kept_source (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  GPollableInputStream *input = G_POLLABLE_INPUT_STREAM (f->input);
  g_autoptr(GSource) source = g_pollable_input_stream_create_source (input, NULL);
  g_autoptr(GError) error = NULL;
  char buffer[TEXT_SIZE];
  guint n = 0;

  g_test_summary ("A source that is kept follows what the stream does");

  g_source_set_callback (source, G_SOURCE_FUNC (count_source), &n, NULL);
  g_source_attach (source, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 0);

  g_object_set (f->faults, "read-stop-offset", G_GINT64_CONSTANT (4), NULL);
  send_text (f);
  WAIT_UNTIL (n > 0);
  g_assert_true (g_pollable_input_stream_is_readable (input));
  g_assert_cmpint (g_pollable_input_stream_read_nonblocking (input, buffer, TEXT_SIZE, NULL, &error),
                   ==, 4);
  g_assert_false (g_pollable_input_stream_is_readable (input));
  n = 0;
  test_drain ();
  g_assert_cmpuint (n, ==, 0);

  g_object_set (f->faults, "read-stop-offset", G_GINT64_CONSTANT (-1), NULL);
  WAIT_UNTIL (n > 0);
  g_assert_cmpint (g_pollable_input_stream_read_nonblocking (input, buffer, TEXT_SIZE, NULL, &error),
                   ==, TEXT_SIZE - 4);
  g_assert_no_error (error);
  n = 0;
  test_drain ();
  g_assert_cmpuint (n, ==, 0);
  g_source_destroy (source);
}

static void
test_kinds (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) plain = G_IO_STREAM (msgpack_rpc_fault_stream_new (f->base));
  g_autoptr(GIOStream) pollable = NULL;
  GInputStream *input = g_io_stream_get_input_stream (plain);
  GOutputStream *output = g_io_stream_get_output_stream (plain);

  g_test_summary ("It can be polled if it was asked for, and the other stream can be");

  g_assert_false (g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (input)));
  g_assert_false (g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (output)));
  g_assert_true (g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (f->input)));
  g_assert_true (g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (f->output)));

  pollable = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                           "base-io-stream", plain,
                           "pollable", TRUE,
                           NULL);
  input = g_io_stream_get_input_stream (pollable);
  g_assert_false (g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (input)));
}

/* ---- the object ---- */

static void
notify_cb (GObject    *object G_GNUC_UNUSED,
           GParamSpec *pspec,
           gpointer    data)
{
  g_string_append_printf (data, "%s ", pspec->name);
}

static void
test_properties (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree GParamSpec **specs = NULL;
  g_autoptr(GString) log = g_string_new (NULL);
  guint n_specs;
  guint64 read_offset, write_offset;

  g_test_summary ("Each property is of its own, notifies when it has changed, and has its default");

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (f->faults), &n_specs);
  g_signal_connect (f->faults, "notify", G_CALLBACK (notify_cb), log);
  for (guint i = 0; i < n_specs; i++)
    {
      g_auto(GValue) value = G_VALUE_INIT;
      g_autofree char *expected = g_strdup_printf ("%s ", specs[i]->name);

      if ((specs[i]->flags & (G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY)) != G_PARAM_WRITABLE)
        continue;

      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (f->faults), specs[i]->name, &value);
      g_assert_true (g_param_value_defaults (specs[i], &value));
      if (G_VALUE_HOLDS_UINT (&value))
        g_value_set_uint (&value, 100 + i);
      else
        g_value_set_int64 (&value, 100 + i);

      g_string_truncate (log, 0);
      g_object_set_property (G_OBJECT (f->faults), specs[i]->name, &value);
      g_object_set_property (G_OBJECT (f->faults), specs[i]->name, &value);
      g_assert_cmpstr (log->str, ==, expected);
      g_value_reset (&value);
      g_object_get_property (G_OBJECT (f->faults), specs[i]->name, &value);
      g_assert_cmpint (G_VALUE_HOLDS_UINT (&value) ? g_value_get_uint (&value)
                                                   : g_value_get_int64 (&value), ==, 100 + i);
      g_param_value_set_default (specs[i], &value);
      g_object_set_property (G_OBJECT (f->faults), specs[i]->name, &value);
    }

  send_text (f);
  assert_read (f, TEXT_SIZE, TEXT "|");
  assert_write (f, "abc", "c");
  g_object_get (f->faults, "read-offset", &read_offset, "write-offset", &write_offset, NULL);
  g_assert_cmpuint (read_offset, ==, TEXT_SIZE);
  g_assert_cmpuint (write_offset, ==, 3);
}

static void
test_close (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing closes the other stream");

  if (f->use == USE_SYNC)
    g_io_stream_close (G_IO_STREAM (f->faults), NULL, &error);
  else
    {
      g_io_stream_close_async (G_IO_STREAM (f->faults), G_PRIORITY_DEFAULT, NULL,
                               test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      g_io_stream_close_finish (G_IO_STREAM (f->faults), result, &error);
    }
  g_assert_no_error (error);
  g_assert_true (g_io_stream_is_closed (f->base));
  g_assert_true (g_input_stream_is_closed (f->input));
  g_assert_true (g_output_stream_is_closed (f->output));
  raw_peer_wait_closed (&f->raw);
}

static void
test_drop_last (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Dropping the last reference closes the other stream");

  g_assert_finalize_object (g_steal_pointer (&f->faults));
  g_assert_true (g_io_stream_is_closed (f->base));
  raw_peer_wait_closed (&f->raw);
}

static void
test_no_base (void)
{
  g_autoptr(GIOStream) stream = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM, NULL);
  g_autoptr(GError) error = NULL;
  char byte;

  g_test_summary ("Without another stream there is nothing to read");

  g_assert_cmpint (g_input_stream_read (g_io_stream_get_input_stream (stream), &byte, 1, NULL,
                                        &error), ==, 0);
  g_assert_cmpint (g_output_stream_write (g_io_stream_get_output_stream (stream), "a", 1, NULL,
                                          &error), ==, 1);
  g_assert_no_error (error);
}

/* ---- a connection on it ---- */

static void
serve_add (MsgpackRpcConnection *connection)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
}

static void
test_connection_split (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_test_summary ("A connection does not notice that its messages are split and late");

  connection = msgpack_rpc_connection_new (G_IO_STREAM (f->faults));
  serve_add (connection);
  for (guint size = 1; size < 16; size++)
    {
      g_autoptr(GVariant) request = g_variant_ref_sink (
        g_variant_new_parsed ("(0, %u, 'add', (1, 2))", size));
      g_autofree char *expected = g_strdup_printf ("(1, %u, @mv nothing, 3)", size);

      g_object_set (f->faults,
                    "seed", size % 2,
                    "read-chunk-size", size,
                    "write-chunk-size", size,
                    "read-delay", size % 3,
                    "write-delay", size % 2,
                    NULL);
      for (guint i = 0; i < 3; i++)
        raw_peer_send_value (&f->raw, request);
      for (guint i = 0; i < 3; i++)
        {
          g_autoptr(GVariant) answer = raw_peer_receive (&f->raw);

          test_assert_value (answer, expected);
        }
    }
  g_assert_finalize_object (g_steal_pointer (&connection));
  raw_peer_wait_closed (&f->raw);
}

/* What comes in: a request and an answer. */
#define INPUT_SIZE (10 + 5)

static void
test_connection_cut (Fixture       *f,
                     gconstpointer  data)
{
  static const char * const settings[] = { "read-cut-offset", "write-cut-offset" };

  g_test_summary ("A connection ends wherever it is cut, and so does its call");

  for (gint64 offset = 0; offset <= INPUT_SIZE; offset++)
    for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
      {
        g_autoptr(MsgpackRpcConnection) connection = NULL;
        g_autoptr(GAsyncResult) called = NULL;
        g_autoptr(GVariant) value = NULL;
        g_autoptr(GError) error = NULL;

        teardown (f, data);
        setup (f, data);
        g_object_set (f->faults, settings[i], offset, NULL);
        connection = msgpack_rpc_connection_new (G_IO_STREAM (f->faults));
        serve_add (connection);
        msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), "a", NULL, NULL,
                                     test_store_result, &called);
        raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'add', (1, 2))"));
        raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, 1, @mv nothing, 3)"));
        raw_peer_shutdown_write (&f->raw);
        WAIT_UNTIL (called != NULL && !msgpack_rpc_connection_is_connected (connection));

        value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (connection), called, &error);
        g_assert_true ((value == NULL) == (error != NULL));
        if (i == 0)
          g_assert_true ((value == NULL) == (offset < INPUT_SIZE));
      }
}

#define ADD_ONE(name, use, function) \
  g_test_add ("/msgpack-rpc/fault-stream/" name, Fixture, GUINT_TO_POINTER (use), setup, function, \
              teardown)
#define ADD(name, function) \
  G_STMT_START \
    { \
      ADD_ONE (name "/sync", USE_SYNC, function); \
      ADD_ONE (name "/async", USE_ASYNC, function); \
      ADD_ONE (name "/pollable", USE_POLLABLE, function); \
    } \
  G_STMT_END

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("passes", test_passes);
  ADD ("split", test_split);
  ADD ("random", test_random);
  ADD ("drop", test_drop);
  ADD ("corrupt", test_corrupt);
  ADD ("cut", test_cut);
  ADD ("stop", test_stop);
  ADD ("delay", test_delay);
  ADD_ONE ("cancel", USE_ASYNC, test_cancel);
  ADD_ONE ("kept-source", USE_POLLABLE, test_kept_source);
  ADD_ONE ("kinds", USE_POLLABLE, test_kinds);
  ADD ("properties", test_properties);
  ADD_ONE ("close/sync", USE_SYNC, test_close);
  ADD_ONE ("close/async", USE_ASYNC, test_close);
  ADD_ONE ("drop-last", USE_SYNC, test_drop_last);
  g_test_add_func ("/msgpack-rpc/fault-stream/no-base", test_no_base);
  ADD_ONE ("connection/split/async", USE_ASYNC, test_connection_split);
  ADD_ONE ("connection/split/pollable", USE_POLLABLE, test_connection_split);
  ADD_ONE ("connection/cut/async", USE_ASYNC, test_connection_cut);
  ADD_ONE ("connection/cut/pollable", USE_POLLABLE, test_connection_cut);

  return g_test_run ();
}
