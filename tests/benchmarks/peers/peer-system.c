/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What does not depend on the peer: errors, limits, and sockets for those whose library brings none. */

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
bench_die (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
  exit (1);
}

void
bench_listening (const char *address)
{
  printf ("listening %s\n", address);
  fflush (stdout);
}

/* 10,000 connections are nothing that the usual limit allows. */
void
bench_raise_file_limit (void)
{
  struct rlimit limit = { BENCH_MAX_CONNECTIONS, BENCH_MAX_CONNECTIONS };
  struct rlimit old;

  getrlimit (RLIMIT_NOFILE, &old);
  if (old.rlim_max >= BENCH_MAX_CONNECTIONS)
    limit.rlim_max = old.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) == 0)
    return;

  limit.rlim_cur = limit.rlim_max = old.rlim_max;
  if (old.rlim_max < 11000 || setrlimit (RLIMIT_NOFILE, &limit) < 0)
    bench_die ("11,000 file descriptors are needed, and the limit is %ju: raise it (ulimit -Hn)",
               (uintmax_t) old.rlim_max);
}

typedef union
{
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_un un;
} SocketAddress;

static socklen_t
parse_address (const char    *address,
               SocketAddress *result)
{
  memset (result, 0, sizeof *result);

  if (strncmp (address, "unix://", 7) == 0 && strlen (address + 7) < sizeof result->un.sun_path)
    {
      result->un.sun_family = AF_UNIX;
      strcpy (result->un.sun_path, address + 7);
      return sizeof result->un;
    }

  if (strncmp (address, "tcp://127.0.0.1:", 16) == 0)
    {
      result->in.sin_family = AF_INET;
      result->in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
      result->in.sin_port = htons (atoi (address + 16));
      return sizeof result->in;
    }

  bench_die ("“%s” is not like unix:///PATH or tcp://127.0.0.1:PORT", address);
}

static void
set_no_delay (int fd)
{
  int one = 1;

  /* Fails on UNIX sockets. */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int
bench_listen (const char *address)
{
  SocketAddress parsed;
  socklen_t size = parse_address (address, &parsed);
  int fd = socket (parsed.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  char bound[64];

  if (fd < 0 || bind (fd, &parsed.any, size) < 0 || listen (fd, SOMAXCONN) < 0)
    bench_die ("%s: %s", address, strerror (errno));

  /* Some accept by themselves: this is inherited. */
  set_no_delay (fd);
  if (parsed.any.sa_family == AF_UNIX)
    {
      bench_listening (address);
      return fd;
    }

  getsockname (fd, &parsed.any, &size);
  snprintf (bound, sizeof bound, "tcp://127.0.0.1:%d", ntohs (parsed.in.sin_port));
  bench_listening (bound);
  return fd;
}

int
bench_accept (int listener)
{
  int fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

  if (fd < 0 && errno != EAGAIN)
    bench_die ("accept: %s", strerror (errno));
  if (fd >= 0)
    set_no_delay (fd);
  return fd;
}

int
bench_connect (const char *address)
{
  SocketAddress parsed;
  socklen_t size = parse_address (address, &parsed);
  int fd = socket (parsed.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, &parsed.any, size) < 0)
    bench_die ("%s: %s", address, strerror (errno));
  fcntl (fd, F_SETFL, O_NONBLOCK);
  set_no_delay (fd);
  return fd;
}
