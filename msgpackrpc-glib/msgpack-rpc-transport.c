/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-transport-private.h"

#include <glib/gstdio.h>
#include <sys/socket.h>

#include "msgpack-rpc-i18n-private.h"

/* How long a stream may take to close in good order, which may mean to write, in milliseconds. */
#define CLOSE_TIMEOUT 1000

GSocket *
_msgpack_rpc_transport_get_socket (GIOStream *stream)
{
  g_autoptr(GIOStream) base = NULL;

  /* It keeps what is inside of it. */
  if (G_IS_TLS_CONNECTION (stream))
    {
      g_object_get (stream, "base-io-stream", &base, NULL);
      stream = base;
    }

  return G_IS_SOCKET_CONNECTION (stream)
         ? g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)) : NULL;
}

static GIOStream *
stream_new_for_fd (int      fd,
                   GError **error)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, error);

  if (socket == NULL)
    {
      g_close (fd, NULL);
      return NULL;
    }

  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

gboolean
_msgpack_rpc_transport_new_pair (GIOStream *streams[2],
                                 GError   **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    {
      int saved_errno = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                   _("Could not create a pair of sockets: %s"), g_strerror (saved_errno));
      return FALSE;
    }

  streams[0] = stream_new_for_fd (fds[0], error);
  streams[1] = streams[0] != NULL ? stream_new_for_fd (fds[1], error) : NULL;
  if (streams[0] == NULL)
    g_close (fds[1], NULL);
  if (streams[1] == NULL)
    g_clear_object (&streams[0]);
  return streams[0] != NULL;
}

void
_msgpack_rpc_transport_cut_off (GIOStream *stream)
{
  GSocket *socket = _msgpack_rpc_transport_get_socket (stream);

  /* Not the function of GSocket, which is not for when another thread reads from it. */
  if (socket != NULL)
    shutdown (g_socket_get_fd (socket), SHUT_RDWR);
}

gboolean
_msgpack_rpc_transport_has_shaken_hands (GIOStream *stream)
{
  return !G_IS_TLS_CONNECTION (stream) ||
         g_tls_connection_get_protocol_version (G_TLS_CONNECTION (stream)) !=
         G_TLS_PROTOCOL_VERSION_UNKNOWN;
}

typedef struct
{
  GIOStream *stream;          /* not owned: it is being closed */
  GSource *timeout;           /* owned */
  GCancellable *cancellable;  /* owned */
  GDestroyNotify done;
  gpointer data;
} Closing;

static void
close_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Closing *closing = user_data;

  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
  g_source_destroy (closing->timeout);
  g_source_unref (closing->timeout);
  g_object_unref (closing->cancellable);
  closing->done (closing->data);
  g_free (closing);
}

static gboolean
close_timed_out (gpointer user_data)
{
  Closing *closing = user_data;

  if (G_IS_TLS_CONNECTION (closing->stream))
    _msgpack_rpc_transport_cut_off (closing->stream);
  g_cancellable_cancel (closing->cancellable);
  return G_SOURCE_REMOVE;
}

void
_msgpack_rpc_transport_close_stream (GIOStream      *stream,
                                     GMainContext   *context,
                                     GDestroyNotify  done,
                                     gpointer        data)
{
  Closing *closing = g_new (Closing, 1);

  closing->stream = stream;
  closing->done = done;
  closing->data = data;
  closing->cancellable = g_cancellable_new ();
  closing->timeout = g_timeout_source_new (CLOSE_TIMEOUT);
  g_source_set_static_name (closing->timeout, "[msgpackrpc-glib] close timeout");
  g_source_set_callback (closing->timeout, close_timed_out, closing, NULL);
  g_source_attach (closing->timeout, context);

  /* There is no good order for what has not begun. */
  if (!_msgpack_rpc_transport_has_shaken_hands (stream))
    _msgpack_rpc_transport_cut_off (stream);

  /* What goes around TLS closes the socket, and TLS would not say good-bye. */
  if (G_IS_TCP_WRAPPER_CONNECTION (stream))
    stream = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (stream));

  g_main_context_push_thread_default (context);
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, closing->cancellable, close_cb, closing);
  g_main_context_pop_thread_default (context);
}

gssize
_msgpack_rpc_transport_would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The stream is not ready");
  return -1;
}
