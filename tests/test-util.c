/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
test_get_slowness (void)
{
  const char *slowness = g_getenv ("MSGPACK_RPC_TEST_SLOWNESS");

  return slowness != NULL ? MAX (1, atoi (slowness)) : 1;
}

gint64
test_get_deadline (void)
{
  const char *seconds = g_getenv ("MSGPACK_RPC_TEST_DEADLINE");

  return (seconds != NULL ? MAX (1, atoi (seconds)) : 20) * G_USEC_PER_SEC * test_get_slowness ();
}

static gboolean
tick (gpointer user_data G_GNUC_UNUSED)
{
  return G_SOURCE_REMOVE;
}

void
test_iterate (void)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr(GSource) source = g_timeout_source_new (50);

  g_source_set_callback (source, tick, NULL, NULL);
  g_source_attach (source, context);
  g_main_context_iteration (context, TRUE);
  g_source_destroy (source);
}

void
test_drain (void)
{
  while (g_main_context_iteration (g_main_context_get_thread_default (), FALSE))
    ;
}

static char
get_thread_state (const char *id,
                  const char *name)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", id, "stat", NULL);
  g_autofree char *text = NULL;
  g_autofree char *start = g_strdup_printf ("%s (%s) ", id, name);

  /* It may have ended. */
  if (!g_file_get_contents (path, &text, NULL, NULL) || !g_str_has_prefix (text, start))
    return '\0';
  return text[strlen (start)];
}

gboolean
test_threads_sleep (const char *name,
                    guint       n)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/task", 0, &error);
  const char *id;

  g_assert_no_error (error);
  while ((id = g_dir_read_name (folder)) != NULL)
    n -= get_thread_state (id, name) == 'S' ? 1 : 0;
  return n == 0;
}

void
test_log_status (GString                    *log,
                 MsgpackRpcConnectionStatus  status,
                 const GError               *reason)
{
  static const char * const names[] = { "disconnected", "connecting", "connected", "closing" };

  g_string_append_printf (log, "%s%s ", names[status], reason != NULL ? "!" : "");
}

static void
gone_cb (gpointer  data,
         GObject  *object G_GNUC_UNUSED)
{
  g_atomic_int_set ((int *) data, TRUE);
}

void
test_wait_finalized (gpointer object)
{
  int is_gone = FALSE;

  g_object_weak_ref (object, gone_cb, &is_gone);
  g_object_unref (object);
  WAIT_UNTIL (g_atomic_int_get (&is_gone));
}

void
test_store_result (GObject      *source G_GNUC_UNUSED,
                   GAsyncResult *result,
                   gpointer      user_data)
{
  GAsyncResult **where = user_data;

  g_assert_null (*where);
  *where = g_object_ref (result);
}

void
raw_peer_take (RawPeer *self,
               int      fd)
{
  g_assert_true (g_unix_set_fd_nonblocking (fd, TRUE, NULL));
  *self = (RawPeer) { .fd = fd, .unpacker = msgpack_rpc_unpacker_new () };
}

GIOStream *
raw_peer_init_transport (RawPeer    *self,
                         const char *name)
{
  GIOStream *stream = NULL;

  int fd;
  TestTransport *transport = test_transport_new (name, &stream, &fd);

  raw_peer_take (self, fd);
  self->transport = transport;
  return stream;
}

GIOStream *
raw_peer_init (RawPeer *self)
{
  return raw_peer_init_transport (self, test_transport_get_name ());
}

void
raw_peer_close (RawPeer *self)
{
  if (self->fd >= 0)
    g_close (self->fd, NULL);
  self->fd = -1;
}

void
raw_peer_shutdown_write (RawPeer *self)
{
  g_assert_cmpint (shutdown (self->fd, SHUT_WR), ==, 0);
}

void
raw_peer_clear (RawPeer *self)
{
  raw_peer_close (self);
  g_object_unref (self->unpacker);
  g_clear_pointer (&self->transport, test_transport_free);
}

void
raw_peer_send (RawPeer       *self,
               gconstpointer  data,
               gsize          size)
{
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE;
  gsize done = 0;

  while (done < size)
    {
      gssize n = send (self->fd, (const guint8 *) data + done, size - done, MSG_NOSIGNAL);

      if (n < 0)
        {
          g_assert_true (errno == EAGAIN || errno == EINTR);
          g_assert_cmpint (g_get_monotonic_time (), <, end);
          test_iterate ();
        }
      else
        done += (gsize) n;
    }
}

void
raw_peer_send_value (RawPeer  *self,
                     GVariant *value)
{
  g_autoptr(GVariant) sunk = g_variant_ref_sink (value);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (sunk, &error);
  gsize size;
  gconstpointer data;

  g_assert_no_error (error);
  data = g_bytes_get_data (bytes, &size);
  raw_peer_send (self, data, size);
}

/* Reads what is there. FALSE at the end of the stream. */
static gboolean
read_some (RawPeer *self)
{
  guint8 buffer[16 * 1024];
  gssize n;

  while ((n = recv (self->fd, buffer, sizeof buffer, 0)) > 0)
    msgpack_rpc_unpacker_feed (self->unpacker, buffer, (gsize) n);

  return n < 0 && errno != ECONNRESET;
}

static GVariant *
take_message (RawPeer *self)
{
  g_autoptr(GError) error = NULL;
  GVariant *value = msgpack_rpc_unpacker_next (self->unpacker, &error);

  g_assert_no_error (error);
  return value;
}

static gboolean
fd_ready (int          fd G_GNUC_UNUSED,
          GIOCondition condition G_GNUC_UNUSED,
          gpointer     user_data G_GNUC_UNUSED)
{
  return G_SOURCE_REMOVE;
}

/* As test_iterate(), also until something comes. */
static void
raw_peer_iterate (RawPeer *self)
{
  g_autoptr(GSource) source = g_unix_fd_source_new (self->fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (fd_ready), NULL, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  test_iterate ();
  g_source_destroy (source);
}

GVariant *
raw_peer_receive_or_end (RawPeer *self)
{
  GVariant *value = NULL;
  gboolean ended = FALSE;

  WAIT_UNTIL_WITH ((value = take_message (self)) != NULL || ended ||
                   (ended = !read_some (self), value = take_message (self)) != NULL,
                   raw_peer_iterate (self));
  return value;
}

GVariant *
raw_peer_receive (RawPeer *self)
{
  GVariant *value = raw_peer_receive_or_end (self);

  g_assert_nonnull (value);
  return value;
}

void
raw_peer_wait_closed (RawPeer *self)
{
  WAIT_UNTIL_WITH (!read_some (self), raw_peer_iterate (self));
}

GVariant *
test_parse (const char *text)
{
  g_autoptr(GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

void
test_assert_value (GVariant   *value,
                   const char *expected)
{
  g_autoptr(GVariant) parsed = test_parse (expected);
  g_autoptr(GBytes) left = NULL;
  g_autoptr(GBytes) right = NULL;
  g_autofree char *shown = NULL;

  g_assert_nonnull (value);
  left = msgpack_rpc_pack (value, NULL);
  right = msgpack_rpc_pack (parsed, NULL);
  shown = g_variant_print (value, TRUE);
  if (!g_bytes_equal (left, right))
    g_error ("%s is not %s", shown, expected);
}

guint64
test_get_statistic (MsgpackRpcConnection *connection,
                    const char           *name)
{
  g_autoptr(GVariant) statistics = msgpack_rpc_connection_get_statistics (connection);
  guint64 value = 0;

  g_assert_true (g_variant_lookup (statistics, name, "t", &value));
  return value;
}

gboolean
test_add_handler (MsgpackRpcInvocation  *invocation,
                  GVariant              *params,
                  gpointer               user_data G_GNUC_UNUSED,
                  GError               **error G_GNUC_UNUSED)
{
  gint64 a, b;

  g_variant_get (params, "(xx)", &a, &b);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (a + b));
}
