/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-transport.h"

#include <arpa/inet.h>
#include <gio/gfiledescriptorbased.h>
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

/* A piece that is on its way from one stream to another. */
typedef struct
{
  GPollableInputStream *in;
  GPollableOutputStream *out;
  int in_fd;
  int out_fd;
  char bytes[8192];
  gsize start;                /* in bytes: what was not written yet */
  gsize end;
  gboolean has_ended;
} Direction;

/* Passes on what comes, in both directions, in a thread of its own. Without a GMainContext: of TLS, a
 * thread of GIO's module cancels sources that another may be attaching, without a lock. */
struct _TestTransport
{
  int fd;                     /* of near */
  GIOStream *near;            /* owned: a socket, whose other end the test has */
  GIOStream *far;             /* owned: the other end of the stream */
  Direction to_far;
  Direction from_far;
  int stop[2];                /* a pipe; closed to end the thread */
  int is_shaking_hands;       /* atomic; the thread waits for the peer */
  GThread *thread;
};

static void
direction_init (Direction     *self,
                GInputStream  *in,
                int            in_fd,
                GOutputStream *out,
                int            out_fd)
{
  self->in = G_POLLABLE_INPUT_STREAM (in);
  self->in_fd = in_fd;
  self->out = G_POLLABLE_OUTPUT_STREAM (out);
  self->out_fd = out_fd;
}

/* Reads or writes once. FALSE if it would block, or nothing more can come. */
static gboolean
direction_go_on (Direction *self,
                 gboolean  *failed)
{
  g_autoptr(GError) error = NULL;
  gssize n;

  if (self->has_ended)
    return FALSE;

  if (self->start < self->end)
    {
      n = g_pollable_output_stream_write_nonblocking (self->out, self->bytes + self->start,
                                                      self->end - self->start, NULL, &error);
      self->start += (gsize) MAX (n, 0);
    }
  else
    {
      n = g_pollable_input_stream_read_nonblocking (self->in, self->bytes, sizeof self->bytes, NULL,
                                                    &error);
      self->start = 0;
      self->end = (gsize) MAX (n, 0);
      self->has_ended = n == 0;
    }

  *failed = n < 0 && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  self->has_ended |= *failed;
  return n >= 0 || *failed;
}

/* What to poll, unless nothing more can come. */
static struct pollfd
direction_get_wish (Direction *self)
{
  struct pollfd fd = { .fd = -1 };

  if (self->has_ended)
    return fd;

  fd.fd = self->start < self->end ? self->out_fd : self->in_fd;
  fd.events = self->start < self->end ? POLLOUT : POLLIN;
  return fd;
}

/* Whether the peer does not even read any more. */
static gboolean
has_vanished (TestTransport *self)
{
  struct pollfd fd = { .fd = self->fd };

  return poll (&fd, 1, 0) == 1 && (fd.revents & (POLLHUP | POLLERR)) != 0;
}

static gboolean
go_on_to_far (TestTransport *self)
{
  gboolean failed = FALSE;
  gboolean went_on = direction_go_on (&self->to_far, &failed);

  if (!went_on || !self->to_far.has_ended)
    return went_on;

  g_output_stream_close (G_OUTPUT_STREAM (self->to_far.out), NULL, NULL);
  if (failed)
    shutdown (self->fd, SHUT_RDWR);
  if (has_vanished (self))
    self->from_far.has_ended = TRUE;
  return TRUE;
}

static gboolean
go_on_from_far (TestTransport *self)
{
  gboolean failed = FALSE;
  gboolean went_on = direction_go_on (&self->from_far, &failed);

  if (went_on && self->from_far.has_ended)
    shutdown (self->fd, SHUT_WR);
  return went_on;
}

/* FALSE when there is nothing more to wait for. */
static gboolean
wait_for_more (TestTransport *self)
{
  struct pollfd fds[] = {
    direction_get_wish (&self->to_far),
    direction_get_wish (&self->from_far),
    { .fd = self->stop[0], .events = POLLIN },
  };

  poll (fds, G_N_ELEMENTS (fds), -1);
  return fds[2].revents == 0;
}

static gpointer
run_relay (gpointer data)
{
  TestTransport *self = data;
  gboolean went_on;

  if (G_IS_TLS_CONNECTION (self->far))
    g_tls_connection_handshake (G_TLS_CONNECTION (self->far), NULL, NULL);
  g_atomic_int_set (&self->is_shaking_hands, FALSE);

  do
    {
      went_on = go_on_to_far (self);
      went_on |= go_on_from_far (self);
    }
  while (went_on || ((!self->to_far.has_ended || !self->from_far.has_ended) && wait_for_more (self)));

  g_io_stream_close (self->far, NULL, NULL);
  return NULL;
}

static GIOStream *new_for_socket (int fd);

static int
get_fd (gpointer stream)
{
  return g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream));
}

/* @far: consumed. @base: what is polled for it. */
static TestTransport *
relay_new (GIOStream *far,
           GIOStream *base,
           int       *fd)
{
  TestTransport *self = g_new0 (TestTransport, 1);
  int fds[2];

  test_transport_socketpair (fds);
  *fd = fds[1];
  self->fd = fds[0];
  self->near = new_for_socket (fds[0]);
  self->far = far;
  direction_init (&self->to_far, g_io_stream_get_input_stream (self->near), self->fd,
                  g_io_stream_get_output_stream (far),
                  get_fd (g_io_stream_get_output_stream (base)));
  direction_init (&self->from_far, g_io_stream_get_input_stream (far),
                  get_fd (g_io_stream_get_input_stream (base)),
                  g_io_stream_get_output_stream (self->near), self->fd);
  g_assert_true (g_unix_open_pipe (self->stop, FD_CLOEXEC, NULL));
  self->is_shaking_hands = G_IS_TLS_CONNECTION (far);
  self->thread = g_thread_new ("relay", run_relay, self);
  return self;
}

void
test_transport_free (TestTransport *self)
{
  g_close (self->stop[1], NULL);
  if (g_atomic_int_get (&self->is_shaking_hands))
    shutdown (self->from_far.in_fd, SHUT_RDWR);
  g_thread_join (self->thread);
  g_close (self->stop[0], NULL);
  g_object_unref (self->near);
  g_object_unref (self->far);
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
  GIOStream *far;
  int to[2];
  int from[2];

  g_assert_true (g_unix_open_pipe (to, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (from, FD_CLOEXEC, NULL));
  /* The ends of the stream block, as those of a subprocess do. */
  g_assert_true (g_unix_set_fd_nonblocking (from[0], TRUE, NULL));
  g_assert_true (g_unix_set_fd_nonblocking (to[1], TRUE, NULL));
  *stream = new_for_pipes (to[0], from[1]);
  far = new_for_pipes (from[0], to[1]);
  return relay_new (far, far, fd);
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
  *stream = ends[0];
  self = relay_new (ends[1], bases[1], fd);
  g_object_unref (bases[0]);
  g_object_unref (bases[1]);
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
