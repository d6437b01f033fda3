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
  { "getpeername", ENOBUFS, FALSE },
  { "getsockname", ENOBUFS, FALSE },
  { "getsockopt", ENOBUFS, FALSE },
  { "listen", EADDRINUSE, FALSE },
  { "pipe2", EMFILE, FALSE },
  { "poll", EINTR, TRUE },
  { "poll", ENOMEM, FALSE },
  { "ppoll", EINTR, TRUE },
  { "read", EINTR, TRUE },
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
  { "socket", EMFILE, FALSE },
  { "socketpair", EMFILE, FALSE },
  { "write", EINTR, TRUE },
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

/* GLib aborts when it cannot wake up its own contexts, on purpose. */
static gboolean
is_wakeup_of_glib (void *caller)
{
  Dl_info info = { 0 };

  return dladdr (caller, &info) != 0 && g_str_has_prefix (base_name (info.dli_fname), "libglib");
}

static gboolean
is_socket (int fd)
{
  struct stat status;

  return fstat (fd, &status) == 0 && S_ISSOCK (status.st_mode);
}

/* Whether this call is the one. */
static gboolean
fails (const char *function,
       void       *caller)
{
  const FailCall *call = g_atomic_pointer_get (&armed);

  if (call == NULL || strcmp (call->function, function) != 0 ||
      (strcmp (function, "eventfd") == 0 && is_wakeup_of_glib (caller)) ||
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
    if (fails (#name, __builtin_return_address (0))) \
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
WRAP (int, getpeername, (int fd, void *address, void *size), fd, address, size)
WRAP (int, getsockname, (int fd, void *address, void *size), fd, address, size)
WRAP (int, getsockopt, (int fd, int level, int name, void *value, void *size), fd, level, name, value,
      size)
WRAP (int, listen, (int fd, int backlog), fd, backlog)
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
WRAP (int, socket, (int domain, int type, int protocol), domain, type, protocol)
WRAP (int, socketpair, (int domain, int type, int protocol, int *fds), domain, type, protocol, fds)
WRAP_DECLARED (ssize_t, write, (int fd, const void *buffer, size_t size), fd, buffer, size)

/* A descriptor is closed even so. */
int
close (int fd)
{
  REAL ("close");
  gboolean failed = is_socket (fd) && fails ("close", __builtin_return_address (0));
  int saved_errno = errno;
  int result = ((int (*) (int)) (void *) real) (fd);

  if (failed)
    errno = saved_errno;
  return failed ? -1 : result;
}
