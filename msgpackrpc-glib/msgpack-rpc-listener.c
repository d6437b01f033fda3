/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-listener-private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-i18n-private.h"

/* What marks a socket on which TLS is spoken. */
#define TLS_KEY "msgpack-rpc-tls"

/* How often another port is tried if the one that the system chose for the first address is taken
 * on the next. */
#define PORT_ATTEMPTS 16

#define LOCK_ATTEMPTS 16

/* Of the file of a UNIX socket. */
#define DEFAULT_MODE 0600

gboolean
_msgpack_rpc_listener_is_tls (gpointer object)
{
  return g_object_get_data (object, TLS_KEY) != NULL;
}

void
_msgpack_rpc_listener_mark_tls (gpointer object)
{
  g_object_set_data (object, TLS_KEY, GINT_TO_POINTER (TRUE));
}

static void
remove_file (MsgpackRpcListener *self)
{
  struct stat status;

  if (self->path != NULL && lstat (self->path, &status) == 0 &&
      status.st_dev == self->device && status.st_ino == self->inode)
    g_unlink (self->path);
}

void
_msgpack_rpc_listener_retire (MsgpackRpcListener *self)
{
  remove_file (self);

  /* For TCP this would turn away those who have come. */
  if (!self->is_shared && g_socket_get_family (self->socket) == G_SOCKET_FAMILY_UNIX)
    shutdown (g_socket_get_fd (self->socket), SHUT_RD);
}

void
_msgpack_rpc_listener_free (MsgpackRpcListener *self)
{
  /* The file goes first: one that refuses connections looks as if its server had crashed. */
  remove_file (self);

  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  /* Closing alone would leave it open for as long as another thread polls it. */
  if (!self->is_shared)
    shutdown (g_socket_get_fd (self->socket), SHUT_RDWR);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_free (self->address);
  g_free (self->path);
  g_free (self);
}

/* ---- files of UNIX sockets ---- */

typedef struct
{
  char *path;
  int fd; /* −1: there is no lock */
} Lock;

static gboolean
is_same_file (int         fd,
              const char *path)
{
  struct stat by_fd;
  struct stat by_path;

  return fstat (fd, &by_fd) == 0 && lstat (path, &by_path) == 0 &&
         by_fd.st_dev == by_path.st_dev && by_fd.st_ino == by_path.st_ino;
}

/* Between looking whether a socket is stale and removing it, and between binding and listening,
 * when it looks stale, no other server may do the same. */
static void
lock_path (Lock       *lock,
           const char *path)
{
  lock->path = g_strconcat (path, ".lock", NULL);
  lock->fd = -1;

  for (guint i = 0; i < LOCK_ATTEMPTS; i++)
    {
      int fd = g_open (lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

      if (fd < 0)
        return;

      if (flock (fd, LOCK_EX | LOCK_NB) == 0 && is_same_file (fd, lock->path))
        {
          lock->fd = fd;
          return;
        }
      /* Whoever had it has just removed it, or is about to. */
      g_close (fd, NULL);
    }
}

static void
unlock_path (Lock *lock)
{
  if (lock->fd >= 0)
    {
      g_unlink (lock->path);
      g_close (lock->fd, NULL);
    }
  g_free (lock->path);
}

/* Whether nobody listens on the socket at @path, which is ours. */
static gboolean
is_stale (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct stat status;
  gboolean refuses;
  int fd;

  if (lstat (path, &status) != 0 || !S_ISSOCK (status.st_mode) || status.st_uid != geteuid () ||
      strlen (path) >= sizeof address.sun_path)
    return FALSE;

  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;

  strcpy (address.sun_path, path);
  refuses = connect (fd, (struct sockaddr *) &address, sizeof address) != 0 &&
            errno == ECONNREFUSED;
  g_close (fd, NULL);
  return refuses;
}

/* The file is only for this user, from the beginning. */
static gboolean
bind_private (GSocket         *socket,
              GSocketAddress  *address,
              GError         **error)
{
#ifdef __linux__
  /* The mask of a process is shared by its threads; here the socket's own mode is the file's. */
  if (fchmod (g_socket_get_fd (socket), 0600) == 0)
    return g_socket_bind (socket, address, FALSE, error);
#endif
  {
    static GMutex mask_lock;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&mask_lock);
    mode_t mask = umask (0077);
    gboolean is_bound = g_socket_bind (socket, address, FALSE, error);

    umask (mask);
    return is_bound;
  }
}

static gboolean
bind_path (MsgpackRpcListener  *self,
           GSocketAddress      *address,
           GError             **error)
{
  g_autoptr(GError) local_error = NULL;
  struct stat status;
  gboolean is_bound;
  Lock lock;

  lock_path (&lock, self->path);
  is_bound = bind_private (self->socket, address, &local_error);
  if (!is_bound && lock.fd >= 0 &&
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) &&
      is_stale (self->path) && g_unlink (self->path) == 0)
    {
      g_info ("Removed the stale socket %s", self->path);
      g_clear_error (&local_error);
      is_bound = bind_private (self->socket, address, &local_error);
    }

  if (is_bound && lstat (self->path, &status) == 0)
    {
      self->device = status.st_dev;
      self->inode = status.st_ino;
    }
  else
    {
      g_clear_pointer (&self->path, g_free);
    }

  if (is_bound && !g_socket_listen (self->socket, &local_error))
    is_bound = FALSE;
  unlock_path (&lock);

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return is_bound;
}

/* It is narrower before. */
gboolean
_msgpack_rpc_listener_set_mode (MsgpackRpcListener  *self,
                                guint                mode,
                                GError             **error)
{
  if (self->path == NULL || mode == DEFAULT_MODE || g_chmod (self->path, (int) mode) == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s", g_strerror (errno));
  return FALSE;
}

/* ---- opening ---- */

static gboolean
bind_socket (MsgpackRpcListener  *self,
             GSocketAddress      *address,
             int                  backlog,
             GError             **error)
{
  g_socket_set_blocking (self->socket, FALSE);
  g_socket_set_listen_backlog (self->socket, backlog);

  if (G_IS_UNIX_SOCKET_ADDRESS (address))
    {
      GUnixSocketAddress *unix_address = G_UNIX_SOCKET_ADDRESS (address);

      if (g_unix_socket_address_get_address_type (unix_address) == G_UNIX_SOCKET_ADDRESS_PATH)
        {
          self->path = g_strdup (g_unix_socket_address_get_path (unix_address));
          return bind_path (self, address, error);
        }
    }

  /* The other family has a socket of its own. */
  if (g_socket_address_get_family (address) == G_SOCKET_FAMILY_IPV6 &&
      !g_socket_set_option (self->socket, IPPROTO_IPV6, IPV6_V6ONLY, TRUE, error))
    return FALSE;

  return g_socket_bind (self->socket, address, TRUE, error) &&
         g_socket_listen (self->socket, error);
}

static MsgpackRpcListener *
listener_new (GSocketAddress  *address,
              gboolean         is_tls,
              int              backlog,
              GError         **error)
{
  g_autoptr(GSocketAddress) bound = NULL;
  g_autoptr(GSocket) socket = NULL;
  MsgpackRpcListener *self;

  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return NULL;

  self = g_new0 (MsgpackRpcListener, 1);
  self->socket = g_steal_pointer (&socket);
  if (!bind_socket (self, address, backlog, error) ||
      (bound = g_socket_get_local_address (self->socket, error)) == NULL)
    {
      _msgpack_rpc_listener_free (self);
      return NULL;
    }

  if (is_tls)
    _msgpack_rpc_listener_mark_tls (self->socket);
  self->address = _msgpack_rpc_address_format (bound, is_tls);
  return self;
}

static gboolean
is_listening (int fd)
{
  int is_stream = 0, listens = 0;
  socklen_t size = sizeof is_stream;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &is_stream, &size) == 0 && is_stream == SOCK_STREAM &&
         getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

MsgpackRpcListener *
_msgpack_rpc_listener_new_shared (int      fd,
                                  GError **error)
{
  g_autoptr(GSocketAddress) bound = NULL;
  g_autoptr(GSocket) socket = NULL;
  MsgpackRpcListener *self;

  if (!is_listening (fd))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _("Descriptor %d is no stream socket that listens"), fd);
      g_close (fd, NULL);
      return NULL;
    }

  socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL)
    g_close (fd, NULL);
  if (socket == NULL || (bound = g_socket_get_local_address (socket, error)) == NULL)
    return NULL;

  g_socket_set_blocking (socket, FALSE);
  self = g_new0 (MsgpackRpcListener, 1);
  self->socket = g_steal_pointer (&socket);
  self->address = _msgpack_rpc_address_format (bound, FALSE);
  self->is_shared = TRUE;
  return self;
}

static guint16
get_port (GSocketAddress *address)
{
  return G_IS_INET_SOCKET_ADDRESS (address)
           ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address))
           : 0;
}

static guint16
get_bound_port (MsgpackRpcListener *self)
{
  g_autoptr(GSocketAddress) bound = g_socket_get_local_address (self->socket, NULL);

  return bound != NULL ? get_port (bound) : 0;
}

static GSocketAddress *
with_port (GSocketAddress *address,
           guint16         port)
{
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));

  return g_inet_socket_address_new (inet, port);
}

/* Whether this machine does not have the address: only one family, for one. */
static gboolean
is_missing (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED) ||
         /* EADDRNOTAVAIL and EAFNOSUPPORT have no codes of their own. */
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

/* One attempt. @first_error: why an address was left out. */
static gboolean
open_all (GPtrArray  *addresses,
          gboolean    is_tls,
          int         backlog,
          GPtrArray  *listeners,
          GError    **first_error,
          GError    **error)
{
  guint16 port = 0;

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autoptr(GSocketAddress) address = g_object_ref (g_ptr_array_index (addresses, i));
      g_autoptr(GError) local_error = NULL;
      MsgpackRpcListener *listener;

      if (port != 0 && G_IS_INET_SOCKET_ADDRESS (address) && get_port (address) == 0)
        {
          GSocketAddress *same_port = with_port (address, port);

          g_object_unref (address);
          address = same_port;
        }

      listener = listener_new (address, is_tls, backlog, &local_error);
      if (listener != NULL)
        {
          g_ptr_array_add (listeners, listener);
          port = get_bound_port (listener);
        }
      else if (addresses->len > 1 && is_missing (local_error))
        {
          if (*first_error == NULL)
            *first_error = g_steal_pointer (&local_error);
        }
      else
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }

  if (listeners->len == 0 && *first_error != NULL)
    g_propagate_error (error, g_steal_pointer (first_error));

  return listeners->len > 0;
}

GPtrArray *
_msgpack_rpc_listener_open (GPtrArray  *addresses,
                            gboolean    is_tls,
                            int         backlog,
                            GError    **error)
{
  gboolean chooses_port = addresses->len > 1 && get_port (g_ptr_array_index (addresses, 0)) == 0;

  for (guint i = 0;; i++)
    {
      g_autoptr(GPtrArray) listeners = NULL;
      g_autoptr(GError) first_error = NULL;
      g_autoptr(GError) local_error = NULL;

      listeners = g_ptr_array_new_with_free_func ((GDestroyNotify) _msgpack_rpc_listener_free);
      if (open_all (addresses, is_tls, backlog, listeners, &first_error, &local_error))
        return g_steal_pointer (&listeners);

      /* Perhaps only the port that the system chose for the first one is taken. */
      if (chooses_port && listeners->len > 0 && i < PORT_ATTEMPTS &&
          g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
        continue;

      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
}
