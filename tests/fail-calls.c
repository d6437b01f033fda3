/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "fail-calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

const FailCall fail_calls[] = {
  { "accept", EAGAIN, TRUE },
  { "accept", ECONNABORTED, FALSE },
  { "accept", EINTR, TRUE },
  { "accept", EMFILE, FALSE },
  { "accept4", EAGAIN, TRUE },
  { "accept4", ECONNABORTED, FALSE },
  { "accept4", EINTR, TRUE },
  { "accept4", EMFILE, FALSE },
  { "bind", EADDRINUSE, FALSE },
  { "close", EINTR, TRUE },
  { "close", EIO, FALSE },
  { "connect", ECONNREFUSED, FALSE },
  { "connect", EINTR, TRUE },
  { "epoll_create1", EMFILE, FALSE },
  { "epoll_ctl", ENOMEM, FALSE },
  { "epoll_ctl", ENOSPC, FALSE },
  { "epoll_wait", EINTR, TRUE },
  { "eventfd", EMFILE, FALSE },
  { "fchmod", EIO, FALSE },
  { "fcntl", EINVAL, FALSE },
  { "fcntl64", EINVAL, FALSE },
  { "flock", ENOLCK, FALSE },
  { "fstat64", EIO, FALSE },
  { "getpeername", ENOBUFS, FALSE },
  { "getsockname", ENOBUFS, FALSE },
  { "getsockopt", ENOBUFS, FALSE },
  { "listen", EADDRINUSE, FALSE },
  { "lstat64", EIO, FALSE },
  { "open64", EMFILE, FALSE },
  { "pipe2", EMFILE, FALSE },
  { "poll", EINTR, TRUE },
  { "poll", ENOMEM, FALSE },
  { "ppoll", EINTR, TRUE },
  { "read", EAGAIN, TRUE },
  { "read", EINTR, TRUE },
  { "read", EIO, FALSE },
  { "recv", EAGAIN, TRUE },
  { "recv", ECONNRESET, FALSE },
  { "recv", EINTR, TRUE },
  { "recv", EIO, FALSE },
  { "recv", ENOMEM, FALSE },
  { "send", EAGAIN, TRUE },
  { "send", EINTR, TRUE },
  { "send", EPIPE, FALSE },
  { "sendmsg", EAGAIN, TRUE },
  { "sendmsg", ECONNRESET, FALSE },
  { "sendmsg", EINTR, TRUE },
  { "sendmsg", ENOMEM, FALSE },
  { "sendmsg", EPIPE, FALSE },
  { "setsockopt", ENOMEM, FALSE },
  { "shutdown", ENOBUFS, FALSE },
  { "socket", EMFILE, FALSE },
  { "socketpair", EMFILE, FALSE },
  { "write", EINTR, TRUE },
  { "writev", EAGAIN, TRUE },
  { "writev", EINTR, TRUE },
  { "writev", ENOMEM, FALSE },
  { "writev", EPIPE, FALSE },
};
const guint n_fail_calls = G_N_ELEMENTS (fail_calls);

static const FailCall *armed;
static int left;         /* how many such calls until the one that fails */
static void *places[16];
static int n_places;

void
fail_calls_arm (const FailCall *call,
                guint           n)
{
  /* Loads what it needs. */
  if (n > 0)
    {
      n_places = backtrace (places, G_N_ELEMENTS (places));
      n_places = 0;
    }
  g_atomic_int_set (&left, (int) n);
  g_atomic_pointer_set (&armed, n > 0 ? (gpointer) call : NULL);
}

gboolean
fail_calls_fired (void)
{
  return g_atomic_int_get (&n_places) > 0;
}

static const char *
base_name (const char *path)
{
  const char *slash = path != NULL ? strrchr (path, '/') : NULL;

  return slash != NULL ? slash + 1 : path != NULL ? path : "?";
}

char *
fail_calls_where (void)
{
  char *first = NULL;

  for (int i = 2; i < n_places; i++)
    {
      Dl_info info = { 0 };
      g_autofree char *text = NULL;

      dladdr (places[i], &info);
      text = g_strdup_printf ("%s+0x%zx", base_name (info.dli_fname),
                              (size_t) ((char *) places[i] - (char *) info.dli_fbase));
      if (strstr (text, "msgpackrpc-glib") != NULL)
        {
          g_free (first);
          return g_steal_pointer (&text);
        }
      if (first == NULL)
        first = g_steal_pointer (&text);
    }

  return first;
}

/* What GLib takes for granted. It ends the program when it cannot wake up its own contexts, or ask
 * whether a descriptor can be polled; and it only warns that a socket is left to block. */
static const struct
{
  const char *function;
  const char *module;       /* that calls it */
  const char *for_module;   /* or calls what calls it */
} granted[] = {
  { "epoll_create1", "libgio", NULL },
  { "eventfd", "libglib", NULL },
  { "fcntl64", "libgio", NULL },
  { "fcntl64", "libglib", "libgio" },
};

static gboolean
is_from (void       *place,
         const char *module)
{
  Dl_info info = { 0 };

  return dladdr (place, &info) != 0 && g_str_has_prefix (base_name (info.dli_fname), module);
}

static gboolean
is_granted (const char *function)
{
  void *frames[6];
  int n = backtrace (frames, G_N_ELEMENTS (frames));
  int direct = 0;

  /* This program comes first: the wrapper, and what it calls. */
  while (direct < n && !is_from (frames[direct], "lib"))
    direct++;
  for (guint i = 0; direct + 1 < n && i < G_N_ELEMENTS (granted); i++)
    if (strcmp (granted[i].function, function) == 0 &&
        is_from (frames[direct], granted[i].module) &&
        (granted[i].for_module == NULL || is_from (frames[direct + 1], granted[i].for_module)))
      return TRUE;

  return FALSE;
}

/* Whether this call is the one. */
static gboolean
fails (const char *function)
{
  const FailCall *call = g_atomic_pointer_get (&armed);

  if (call == NULL || strcmp (call->function, function) != 0 ||
      is_granted (function) ||
      g_atomic_int_add (&left, -1) != 1)
    return FALSE;

  g_atomic_int_set (&n_places, backtrace (places, G_N_ELEMENTS (places)));
  errno = call->error;
  return TRUE;
}

/* A type that takes whatever the kernel does. */
typedef long (*Real) (long, long, long, long, long, long);

#define REAL(name) \
  static Real real; \
  if (g_atomic_pointer_get (&real) == NULL) \
    g_atomic_pointer_set (&real, dlsym (RTLD_NEXT, name))

#define WRAP_DECLARED(type, name, parameters, ...) \
  type \
  name parameters \
  { \
    REAL (#name); \
    if (fails (#name)) \
      return -1; \
    return ((type (*) parameters) (void *) real) (__VA_ARGS__); \
  }

/* The headers of these have types that are of no use here. */
#define WRAP(type, name, parameters, ...) \
  type name parameters; \
  WRAP_DECLARED (type, name, parameters, __VA_ARGS__)

WRAP (int, accept, (int fd, void *address, void *size), fd, address, size)
WRAP (int, accept4, (int fd, void *address, void *size, int flags), fd, address, size, flags)
WRAP (int, bind, (int fd, const void *address, unsigned size), fd, address, size)
WRAP (int, connect, (int fd, const void *address, unsigned size), fd, address, size)
WRAP (int, epoll_create1, (int flags), flags)
WRAP (int, epoll_ctl, (int epoll, int operation, int fd, void *event), epoll, operation, fd, event)
WRAP (int, epoll_wait, (int epoll, void *events, int n, int timeout), epoll, events, n, timeout)
WRAP (int, eventfd, (unsigned value, int flags), value, flags)
WRAP_DECLARED (int, fchmod, (int fd, mode_t mode), fd, mode)
WRAP (int, fcntl, (int fd, int command, void *argument), fd, command, argument)
WRAP (int, fcntl64, (int fd, int command, void *argument), fd, command, argument)
WRAP (int, flock, (int fd, int operation), fd, operation)
WRAP_DECLARED (int, fstat64, (int fd, struct stat64 *status), fd, status)
WRAP (int, getpeername, (int fd, void *address, void *size), fd, address, size)
WRAP (int, getsockname, (int fd, void *address, void *size), fd, address, size)
WRAP (int, getsockopt, (int fd, int level, int name, void *value, void *size), fd, level, name, value,
      size)
WRAP (int, listen, (int fd, int backlog), fd, backlog)
WRAP_DECLARED (int, lstat64, (const char *path, struct stat64 *status), path, status)
WRAP (int, open64, (const char *path, int flags, unsigned mode), path, flags, mode)
WRAP_DECLARED (int, pipe2, (int fds[2], int flags), fds, flags)
WRAP (int, poll, (void *fds, unsigned long n, int timeout), fds, n, timeout)
WRAP (int, ppoll, (void *fds, unsigned long n, const void *timeout, const void *mask), fds, n, timeout,
      mask)
WRAP_DECLARED (ssize_t, read, (int fd, void *buffer, size_t size), fd, buffer, size)
WRAP (ssize_t, recv, (int fd, void *buffer, size_t size, int flags), fd, buffer, size, flags)
WRAP (ssize_t, send, (int fd, const void *buffer, size_t size, int flags), fd, buffer, size, flags)
WRAP (ssize_t, sendmsg, (int fd, const void *message, int flags), fd, message, flags)
WRAP (int, setsockopt, (int fd, int level, int name, const void *value, unsigned size), fd, level, name,
      value, size)
WRAP (int, shutdown, (int fd, int how), fd, how)
WRAP (int, socket, (int domain, int type, int protocol), domain, type, protocol)
WRAP (int, socketpair, (int domain, int type, int protocol, int *fds), domain, type, protocol, fds)
WRAP_DECLARED (ssize_t, write, (int fd, const void *buffer, size_t size), fd, buffer, size)

WRAP (ssize_t, writev, (int fd, const void *vectors, int n), fd, vectors, n)

static gboolean
is_stream (int fd)
{
  REAL ("fstat64");
  struct stat64 status;

  return ((int (*) (int, struct stat64 *)) (void *) real) (fd, &status) == 0 &&
         (S_ISSOCK (status.st_mode) || S_ISFIFO (status.st_mode));
}

/* A descriptor is closed even so. */
int
close (int fd)
{
  REAL ("close");
  gboolean failed = is_stream (fd) && fails ("close");
  int saved_errno = errno;
  int result = ((int (*) (int)) (void *) real) (fd);

  if (failed)
    errno = saved_errno;
  return failed ? -1 : result;
}
