/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* bench-crowd ADDRESS COUNT FILE REPLY-SIZE
 *
 * Makes that many connections. On each it sends what is in the file, which is what a client has sent
 * to this server before, and reads as many bytes as that client got. When all have theirs it prints
 * the seconds that it took, and holds the connections until it is killed. */

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Fewer than GLib lets wait to be accepted: the others' SYN would be sent again after a second. */
#define MAX_GREETING 8

static char *greeting;
static size_t greeting_size;
static size_t reply_size;
/* What has not come yet, by descriptor. */
static size_t *missing;

static void
read_greeting (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) < 0)
    bench_die ("%s: %s", path, strerror (errno));
  greeting_size = status.st_size;
  greeting = malloc (greeting_size);
  if (greeting == NULL || read (fd, greeting, greeting_size) != (ssize_t) greeting_size)
    bench_die ("%s cannot be read", path);
  close (fd);
}

static void
greet (const char *address,
       int         epoll_fd)
{
  int fd = bench_connect (address);
  struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

  if (fd >= BENCH_MAX_CONNECTIONS)
    bench_die ("%d is not the descriptor of a connection", fd);
  if (send (fd, greeting, greeting_size, MSG_NOSIGNAL) != (ssize_t) greeting_size)
    bench_die ("send: %s", strerror (errno));
  missing[fd] = reply_size;
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* TRUE when all has come. */
static bool
read_reply (int fd,
            int epoll_fd)
{
  static char buffer[65536];
  ssize_t n = recv (fd, buffer, sizeof buffer, 0);

  if (n <= 0 || (size_t) n > missing[fd])
    bench_die ("a connection got %zd bytes more instead of %zu", n, missing[fd]);
  missing[fd] -= n;
  return missing[fd] == 0 && epoll_ctl (epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0;
}

static void
gather (const char *address,
        int         n_wanted)
{
  struct epoll_event events[MAX_GREETING];
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  int n_begun = 0, n_greeted = 0;

  while (n_greeted < n_wanted)
    {
      int n;

      for (; n_begun < n_wanted && n_begun < n_greeted + MAX_GREETING; n_begun++)
        greet (address, epoll_fd);
      n = epoll_wait (epoll_fd, events, MAX_GREETING, 60000);
      if (n <= 0)
        bench_die ("the server has answered %d of %d connections", n_greeted, n_wanted);
      for (int i = 0; i < n; i++)
        n_greeted += read_reply (events[i].data.fd, epoll_fd);
    }
}

int
main (int    argc,
      char **argv)
{
  struct timespec start, end;

  if (argc != 5)
    bench_die ("Usage: %s ADDRESS COUNT FILE REPLY-SIZE", argv[0]);

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  bench_raise_file_limit ();
  read_greeting (argv[3]);
  reply_size = strtoul (argv[4], NULL, 10);
  missing = calloc (BENCH_MAX_CONNECTIONS, sizeof *missing);
  if (missing == NULL)
    bench_die ("out of memory");

  clock_gettime (CLOCK_MONOTONIC, &start);
  gather (argv[1], atoi (argv[2]));
  clock_gettime (CLOCK_MONOTONIC, &end);
  printf ("%.6f\n", end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9);
  fflush (stdout);
  while (true)
    pause ();
}
