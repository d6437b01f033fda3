/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include <fcntl.h>
#include <unistd.h>

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-listener-private.h"

/* Sockets that whoever has started the program listens on already, by the protocol of systemd. */

/* The first of them. */
#define FIRST_FD 3
/* No program is given more. */
#define MAX_FDS 1024

static gint64
get_number (const char *variable,
            gint64      max)
{
  guint64 number = 0;

  if (!g_ascii_string_to_unsigned (g_getenv (variable) != NULL ? g_getenv (variable) : "", 10, 0,
                                   (guint64) max, &number, NULL))
    return 0;

  return (gint64) number;
}

/* How many there are. Neither a child nor a second call takes them again. */
static int
take_fds (void)
{
  static const char * const variables[] = {
    "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID",
  };
  static GMutex lock;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&lock);
  int n_fds = 0;

  if (get_number ("LISTEN_PID", G_MAXINT) == getpid ())
    n_fds = (int) get_number ("LISTEN_FDS", MAX_FDS);
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  for (int i = 0; i < n_fds; i++)
    fcntl (FIRST_FD + i, F_SETFD, FD_CLOEXEC);

  return n_fds;
}

/* Nobody else knows that they are there. */
static void
close_fds (int first,
           int n_fds)
{
  for (int i = first; i < n_fds; i++)
    close (FIRST_FD + i);
}

/* Of MsgpackRpcListener, or NULL; then all are closed. */
static GPtrArray *
make_listeners (int      n_fds,
                GError **error)
{
  g_autoptr(GPtrArray) listeners = NULL;

  listeners = g_ptr_array_new_with_free_func ((GDestroyNotify) _msgpack_rpc_listener_free);
  for (int i = 0; i < n_fds; i++)
    {
      MsgpackRpcListener *listener = _msgpack_rpc_listener_new_shared (FIRST_FD + i, error);

      if (listener == NULL)
        {
          close_fds (i + 1, n_fds);
          return NULL;
        }
      g_ptr_array_add (listeners, listener);
    }

  return g_steal_pointer (&listeners);
}

/**
 * msgpack_rpc_server_listen_activated:
 * @self: a server
 * @error: return location for an error
 *
 * Listens on the sockets that the program was started with, as systemd does for a service with a
 * socket unit: those of `LISTEN_FDS`, if `LISTEN_PID` is this process.
 *
 * They are taken once: the variables are removed from the environment, and the descriptors are not
 * handed on to other programs. Changing the environment is safe only before other threads run, so call
 * this early.
 *
 * The sockets belong to whoever has made them. They stay open there when the server closes or is
 * drained, and who comes to them then is served by the next one. Files of UNIX sockets are not removed,
 * and their mode is not changed. Who is let in is decided as on other sockets.
 *
 * Fails with
 *
 * - `G_IO_ERROR_NOT_FOUND` if there are none: listen on an address then;
 * - `G_IO_ERROR_NOT_SUPPORTED` if one of them is no stream socket that listens: all are closed then;
 * - `G_IO_ERROR_CLOSED` if the server was closed, and `MSGPACK_RPC_ERROR_BUSY` while it is drained: they are not
 *   taken then.
 *
 * Returns: (transfer full) (array zero-terminated=1): the addresses of the sockets, or `NULL` with
 *   @error set
 *
 * Since: 1.0
 */
char **
msgpack_rpc_server_listen_activated (MsgpackRpcServer  *self,
                                     GError           **error)
{
  g_autoptr(GPtrArray) listeners = NULL;
  int n_fds;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* They can be taken only once. */
  if (!_msgpack_rpc_server_check_listening (self, error) ||
      !_msgpack_rpc_server_is_open (self, error))
    return NULL;

  n_fds = take_fds ();
  if (n_fds == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           _("The program was not started with sockets to listen on"));
      return NULL;
    }

  listeners = make_listeners (n_fds, error);
  return listeners != NULL ? _msgpack_rpc_server_add_listeners (self, listeners, error) : NULL;
}
