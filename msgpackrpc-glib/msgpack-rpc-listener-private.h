/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <sys/types.h>

#include <gio/gio.h>

G_BEGIN_DECLS

/* A socket that listens, and what its owner does with it. */
typedef struct
{
  GSocket *socket;  /* does not block */
  char *address;    /* as a client writes it */
  char *path;       /* of a UNIX socket's file, else NULL */
  dev_t device;     /* of that file */
  ino_t inode;
  gboolean is_shared; /* with whoever has made it: it is not to be shut down */
  GSource *source;  /* the owner's, nullable */
} MsgpackRpcListener;

/* Whether TLS is spoken on a socket that listens, or on a connection that it has accepted. */
gboolean _msgpack_rpc_listener_is_tls   (gpointer object);
void     _msgpack_rpc_listener_mark_tls (gpointer object);

/* Removes its file if that is still the same; nobody comes any more where the system can do so, and
 * those who have come can still be accepted. */
void _msgpack_rpc_listener_retire (MsgpackRpcListener *self);
/* Closes the socket, too. */
void _msgpack_rpc_listener_free   (MsgpackRpcListener *self);

/* One for a socket that listens already; takes the descriptor. */
MsgpackRpcListener *_msgpack_rpc_listener_new_shared (int                  fd,
                                                      GError             **error);
/* Who may use its file, if it has one. */
gboolean            _msgpack_rpc_listener_set_mode   (MsgpackRpcListener  *self,
                                                      guint                mode,
                                                      GError             **error);

/* Makes a list of #MsgpackRpcListener for a list of #GSocketAddress. With several addresses, those
 * that this machine does not have are left out; where their port is 0, all get the same one. Blocks
 * only for the file system. */
GPtrArray *_msgpack_rpc_listener_open (GPtrArray  *addresses,
                                       gboolean    is_tls,
                                       int         backlog,
                                       GError    **error);

G_END_DECLS
