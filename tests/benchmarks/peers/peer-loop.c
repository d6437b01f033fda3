/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "peer-loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_EVENTS 64

static int epoll_fd = -1;
static bool is_running;
static bool is_deferred;
static Stream *client;

int
stream_write (void       *data,
              const char *bytes,
              size_t      size)
{
  Stream *self = data;

  if (self->output_capacity - self->n_output < size)
    {
      size_t capacity = self->output_capacity > 0 ? self->output_capacity : 1024;

      while (capacity - self->n_output < size)
        capacity *= 2;
      self->output = realloc (self->output, capacity);
      if (self->output == NULL)
        bench_die ("out of memory");
      self->output_capacity = capacity;
    }

  memcpy (self->output + self->n_output, bytes, size);
  self->n_output += size;
  return 0;
}

static void
stream_poll (Stream *self,
             bool    polls_output,
             int     operation)
{
  struct epoll_event event = { .events = EPOLLIN | (polls_output ? EPOLLOUT : 0), .data.ptr = self };

  self->polls_output = polls_output;
  if (epoll_ctl (epoll_fd, operation, self->fd, &event) < 0)
    bench_die ("epoll_ctl: %s", strerror (errno));
}

static Stream *
stream_new (int fd)
{
  Stream *self = calloc (1, sizeof *self);

  if (self == NULL)
    bench_die ("out of memory");
  self->fd = fd;
  stream_opened (self);
  stream_poll (self, false, EPOLL_CTL_ADD);
  return self;
}

static void
stream_free (Stream *self)
{
  stream_closed (self);
  close (self->fd);
  free (self->output);
  free (self);
}

static void
stream_flush (Stream *self)
{
  bool is_blocked = false;

  while (self->n_written < self->n_output && !is_blocked)
    {
      ssize_t n = send (self->fd, self->output + self->n_written, self->n_output - self->n_written,
                        MSG_NOSIGNAL);

      if (n > 0)
        self->n_written += n;
      else if (errno == EAGAIN)
        is_blocked = true;
      /* Whoever reads sees that it is gone. */
      else if (errno != EINTR)
        self->n_written = self->n_output;
    }

  if (self->n_written == self->n_output)
    self->n_written = self->n_output = 0;
  if (is_blocked != self->polls_output)
    stream_poll (self, is_blocked, EPOLL_CTL_MOD);
}

static void
accept_all (int listener)
{
  int fd;

  while ((fd = bench_accept (listener)) >= 0)
    stream_new (fd);
}

static void
handle_event (struct epoll_event *event,
              int                 listener)
{
  Stream *stream = event->data.ptr;

  if (stream == NULL)
    accept_all (listener);
  else if ((event->events & ~EPOLLOUT) == 0 || stream_readable (stream))
    stream_flush (stream);
  else if (stream == client)
    bench_die ("the server has closed the connection");
  else
    stream_free (stream);
}

static void
iterate (int listener)
{
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait (epoll_fd, events, MAX_EVENTS, is_deferred ? 0 : -1);

  if (n < 0 && errno != EINTR)
    bench_die ("epoll_wait: %s", strerror (errno));
  for (int i = 0; i < n; i++)
    handle_event (&events[i], listener);

  if (is_deferred)
    {
      is_deferred = false;
      bench_idle ();
      stream_flush (client);
    }
}

static void
make_loop (void)
{
  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    bench_die ("epoll_create1: %s", strerror (errno));
}

void
peer_serve (const char *address)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  int listener = bench_listen (address);

  make_loop ();
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, listener, &event);
  while (true)
    iterate (listener);
}

Stream *
loop_connect (const char *address)
{
  make_loop ();
  client = stream_new (bench_connect (address));
  return client;
}

void
peer_run (void)
{
  is_running = true;
  stream_flush (client);
  while (is_running)
    iterate (-1);
}

void
peer_quit (void)
{
  is_running = false;
}

void
peer_defer (void)
{
  is_deferred = true;
}
