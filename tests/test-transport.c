/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-transport.h"

#include <arpa/inet.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of no worth: a certificate for localhost, and its key. */
static const char pem[] =
  "-----BEGIN CERTIFICATE-----\n"
  "MIIBfzCCASWgAwIBAgIUNto9Ymm3jGSdgWICz/Yfj65rNw4wCgYIKoZIzj0EAwIw\n"
  "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEzMTM1OVoYDzIxMjYxMDI4\n"
  "MTMxMzU5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
  "PQMBBwNCAAQ+qwzUwdiavSJnK55bNH4qkx+OEV4T0cZouEBN7/QQ8rIWx3ZDjDzR\n"
  "DO3OEq1afzBh3nk7CPRAW3H7fALjegfTo1MwUTAdBgNVHQ4EFgQUiIbI09XX8Vxn\n"
  "fDthDu5fkQOrev4wHwYDVR0jBBgwFoAUiIbI09XX8VxnfDthDu5fkQOrev4wDwYD\n"
  "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA0RhcNqZ59Cj+VBjulVY+\n"
  "9DaT4dbqWk0s/KAz1EiIFOUCIA7vxBMCEP7ITMIEJkP97DRwodCkDOGSh6nq8iFM\n"
  "DMSY\n"
  "-----END CERTIFICATE-----\n"
  "-----BEGIN PRIVATE KEY-----\n"
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtaZRCoTn8j848oNq\n"
  "0Gg9iDb1BlzmcTGjvWXeheDGw5OhRANCAAQ+qwzUwdiavSJnK55bNH4qkx+OEV4T\n"
  "0cZouEBN7/QQ8rIWx3ZDjDzRDO3OEq1afzBh3nk7CPRAW3H7fALjegfT\n"
  "-----END PRIVATE KEY-----\n";

/* Passes on what comes, in both directions, in a thread of its own. */
struct _TestTransport
{
  int fd;                     /* of near */
  GIOStream *near;            /* owned: a socket, whose other end the test has */
  GIOStream *far;             /* owned: the other end of the stream */
  GCancellable *cancellable;
  GMainContext *context;      /* the thread's */
  GThread *thread;
  guint n_running;            /* directions in which something may still come */
};

static void
from_far_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      data)
{
  TestTransport *self = data;

  g_output_stream_splice_finish (G_OUTPUT_STREAM (source), result, NULL);
  shutdown (self->fd, SHUT_WR);
  self->n_running--;
}

/* Whether the peer does not even read any more. */
static gboolean
has_vanished (TestTransport *self)
{
  struct pollfd fd = { .fd = self->fd };

  return poll (&fd, 1, 0) == 1 && (fd.revents & (POLLHUP | POLLERR)) != 0;
}

static void
to_far_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  TestTransport *self = data;

  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (source), result, NULL) < 0)
    shutdown (self->fd, SHUT_RDWR);
  if (has_vanished (self))
    g_cancellable_cancel (self->cancellable);
  self->n_running--;
}

static gpointer
run_relay (gpointer data)
{
  TestTransport *self = data;

  g_main_context_push_thread_default (self->context);
  self->n_running = 2;
  g_output_stream_splice_async (g_io_stream_get_output_stream (self->far),
                                g_io_stream_get_input_stream (self->near),
                                G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT,
                                self->cancellable, to_far_cb, self);
  g_output_stream_splice_async (g_io_stream_get_output_stream (self->near),
                                g_io_stream_get_input_stream (self->far),
                                G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT,
                                self->cancellable, from_far_cb, self);
  while (self->n_running > 0)
    g_main_context_iteration (self->context, TRUE);
  g_io_stream_close (self->far, NULL, NULL);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static GIOStream *new_for_socket (int fd);

/* @far: consumed. */
static TestTransport *
relay_new (GIOStream *far,
           int       *fd)
{
  TestTransport *self = g_new0 (TestTransport, 1);
  int fds[2];

  test_transport_socketpair (fds);
  *fd = fds[1];
  self->fd = fds[0];
  self->near = new_for_socket (fds[0]);
  self->far = far;
  self->cancellable = g_cancellable_new ();
  self->context = g_main_context_new ();
  self->thread = g_thread_new ("relay", run_relay, self);
  return self;
}

static gboolean
cancel (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

void
test_transport_free (TestTransport *self)
{
  GSource *source = g_idle_source_new ();

  /* In its own thread: GLib 2.74 leaks a source of a cancellable that is freed while another thread
   * cancels it. */
  g_source_set_callback (source, cancel, self->cancellable, NULL);
  g_source_attach (source, self->context);
  g_thread_join (self->thread);
  /* Before the context is let go: a thread of GTask's may drop its last reference, and GLib locks what
   * is freed then. */
  g_source_destroy (source);
  g_source_unref (source);
  g_object_unref (self->cancellable);
  g_object_unref (self->near);
  g_object_unref (self->far);
  g_main_context_unref (self->context);
  g_free (self);
}

/* ---- each kind ---- */

void
test_transport_socketpair (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
}

static GIOStream *
new_for_socket (int fd)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, &error);

  g_assert_no_error (error);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static TestTransport *
new_unix (GIOStream **stream,
          int        *fd)
{
  int fds[2];

  test_transport_socketpair (fds);
  *stream = new_for_socket (fds[0]);
  *fd = fds[1];
  return NULL;
}

static TestTransport *
new_tiny (GIOStream **stream,
          int        *fd)
{
  int size = 1;  /* the kernel makes it the least that it can */
  int fds[2];

  test_transport_socketpair (fds);
  g_assert_cmpint (setsockopt (fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
  *stream = new_for_socket (fds[0]);
  *fd = fds[1];
  return NULL;
}

static TestTransport *
new_tcp (GIOStream **stream,
         int        *fd)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int near = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  int size = 64 * 1024;

  /* It shall not hold megabytes. */
  g_assert_cmpint (setsockopt (near, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
  g_assert_cmpint (setsockopt (listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), ==, 0);
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  g_assert_cmpint (getsockname (listener, (struct sockaddr *) &address, &length), ==, 0);
  g_assert_cmpint (connect (near, (struct sockaddr *) &address, length), ==, 0);
  *fd = accept (listener, NULL, NULL);
  g_assert_cmpint (setsockopt (*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), ==, 0);
  g_close (listener, NULL);
  *stream = new_for_socket (near);
  return NULL;
}

static GIOStream *
new_for_pipes (int in,
               int out)
{
  g_autoptr(GInputStream) input = g_unix_input_stream_new (in, TRUE);
  g_autoptr(GOutputStream) output = g_unix_output_stream_new (out, TRUE);

  return g_simple_io_stream_new (input, output);
}

static TestTransport *
new_pipes (GIOStream **stream,
           int        *fd)
{
  int to[2];
  int from[2];

  g_assert_true (g_unix_open_pipe (to, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (from, FD_CLOEXEC, NULL));
  /* The ends of the stream block, as those of a subprocess do. */
  g_assert_true (g_unix_set_fd_nonblocking (from[0], TRUE, NULL));
  g_assert_true (g_unix_set_fd_nonblocking (to[1], TRUE, NULL));
  *stream = new_for_pipes (to[0], from[1]);
  return relay_new (new_for_pipes (from[0], to[1]), fd);
}

static gboolean
accept_certificate (GTlsConnection       *connection G_GNUC_UNUSED,
                    GTlsCertificate      *certificate G_GNUC_UNUSED,
                    GTlsCertificateFlags  errors G_GNUC_UNUSED,
                    gpointer              data G_GNUC_UNUSED)
{
  return TRUE;
}

GTlsCertificate *
test_transport_new_certificate (void)
{
  g_autoptr(GError) error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (pem, -1, &error);

  g_assert_no_error (error);
  return certificate;
}

gboolean
test_transport_wrap_in_tls (GIOStream *bases[2],
                            GIOStream *ends[2])
{
  g_autoptr(GTlsCertificate) certificate = test_transport_new_certificate ();

  ends[0] = g_tls_client_connection_new (bases[0], NULL, NULL);
  if (ends[0] != NULL)
    g_signal_connect (ends[0], "accept-certificate", G_CALLBACK (accept_certificate), NULL);
  ends[1] = g_tls_server_connection_new (bases[1], certificate, NULL);
  return ends[0] != NULL && ends[1] != NULL;
}

static TestTransport *
new_tls (GIOStream **stream,
         int        *fd,
         gboolean    shake_hands)
{
  TestTransport *self;
  GIOStream *bases[2];
  GIOStream *ends[2];
  g_autoptr(GError) error = NULL;
  int fds[2];

  test_transport_socketpair (fds);
  bases[0] = new_for_socket (fds[0]);
  bases[1] = new_for_socket (fds[1]);
  g_assert_true (test_transport_wrap_in_tls (bases, ends));
  g_object_unref (bases[0]);
  g_object_unref (bases[1]);

  *stream = ends[0];
  self = relay_new (ends[1], fd);
  if (shake_hands)
    g_tls_connection_handshake (G_TLS_CONNECTION (*stream), NULL, &error);
  g_assert_no_error (error);
  return self;
}

static TestTransport *
new_faults (const char  *name,
            GIOStream  **stream,
            int         *fd)
{
  g_autoptr(GIOStream) base = NULL;

  new_unix (&base, fd);
  *stream = g_object_new (MSGPACK_RPC_TYPE_FAULT_STREAM,
                          "base-io-stream", base,
                          "pollable", g_str_equal (name, "pollable"),
                          NULL);
  if (g_str_equal (name, "split"))
    g_object_set (*stream,
                  "read-chunk-size", 4000,
                  "write-chunk-size", 4000,
                  "seed", 1,
                  NULL);
  return NULL;
}

TestTransport *
test_transport_new (const char  *name,
                    GIOStream  **stream,
                    int         *fd)
{
  TestTransport *self;

  if (g_str_equal (name, "unix"))
    self = new_unix (stream, fd);
  else if (g_str_equal (name, "tiny"))
    self = new_tiny (stream, fd);
  else if (g_str_equal (name, "tcp"))
    self = new_tcp (stream, fd);
  else if (g_str_equal (name, "pipes"))
    self = new_pipes (stream, fd);
  else if (g_str_has_prefix (name, "tls"))
    self = new_tls (stream, fd, g_str_equal (name, "tls"));
  else
    self = new_faults (name, stream, fd);

  return self;
}

const char *
test_transport_get_name (void)
{
  const char *name = g_getenv ("MSGPACK_RPC_TEST_TRANSPORT");

  return name != NULL ? name : "unix";
}

gboolean
test_transport_tells_hangup (void)
{
  const char *name = test_transport_get_name ();

  return g_str_equal (name, "unix") || g_str_equal (name, "tiny") || g_str_equal (name, "pipes");
}

gboolean
test_transport_is_relayed (void)
{
  const char *name = test_transport_get_name ();

  return !g_str_equal (name, "unix") && !g_str_equal (name, "tiny") && !g_str_equal (name, "tcp");
}

gboolean
test_transport_writes_at_once (void)
{
  const char *name = test_transport_get_name ();

  return !g_str_equal (name, "plain") && !g_str_equal (name, "split");
}
