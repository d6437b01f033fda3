/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How bytes get in and out of a stream without ever blocking. All functions are called by whoever
 * holds the link's I/O, in any thread.
 *
 * Three kinds: one for streams that are file descriptors, which says what to poll; one for those that
 * can be polled otherwise, such as TLS, by their sources in a private context; and one for all
 * others, which works with their asynchronous functions on that context. */
typedef struct _MsgpackRpcTransport MsgpackRpcTransport;

typedef struct
{
  const char *name;
  /* How many bytes writev() takes at most, and goes on writing after G_IO_ERROR_WOULD_BLOCK; 0: it
   * takes what it can at once, and keeps nothing. */
  gsize max_output;
  /* As read(2): 0 is the end; -1 with an error, G_IO_ERROR_WOULD_BLOCK among them. */
  gssize (*read)     (MsgpackRpcTransport  *self,
                      void                 *buffer,
                      gsize                 size,
                      GError              **error);
  /* As writev(2). Where there is a max_output, the next call after G_IO_ERROR_WOULD_BLOCK must begin
   * with the same bytes. */
  gssize (*writev)   (MsgpackRpcTransport  *self,
                      const GOutputVector  *vectors,
                      guint                 n_vectors,
                      GError              **error);
  /* What to poll for @condition: the number of descriptors, at most 2. */
  guint  (*get_fds)  (MsgpackRpcTransport  *self,
                      GIOCondition          condition,
                      GPollFD               fds[2]);
  /* A descriptor that, polled for nothing, tells that nobody reads any more what is written; or −1. NULL:
   * there is none. */
  int    (*get_hangup_fd) (MsgpackRpcTransport *self);
  /* Begins to close the stream, without blocking. */
  void   (*close)    (MsgpackRpcTransport  *self);
  /* Whether nothing is pending any more, so that it can be freed. */
  gboolean (*is_idle) (MsgpackRpcTransport *self);
  void   (*free)     (MsgpackRpcTransport  *self);
} MsgpackRpcTransportClass;

struct _MsgpackRpcTransport
{
  const MsgpackRpcTransportClass *klass;
  GIOStream *stream; /* owned */
};

/* NULL if the stream's two ends are no file descriptors that can be made non-blocking. */
MsgpackRpcTransport *_msgpack_rpc_fd_transport_new    (GIOStream    *stream);
/* @context: private to the link; iterated by whoever holds its I/O. NULL if the stream's two ends
 * cannot be polled. */
MsgpackRpcTransport *_msgpack_rpc_pollable_transport_new (GIOStream    *stream,
                                                          GMainContext *context);
/* @context: likewise. */
MsgpackRpcTransport *_msgpack_rpc_async_transport_new (GIOStream    *stream,
                                                       GMainContext *context);

/* The socket of a stream, also inside of TLS, or NULL. Not a reference. */
GSocket *_msgpack_rpc_transport_get_socket (GIOStream *stream);
/* Two ends of a new stream in memory. */
gboolean _msgpack_rpc_transport_new_pair   (GIOStream *streams[2],
                                            GError   **error);
/* Ends a handshake, which goes on in a thread of its own that nothing else would end. */
void     _msgpack_rpc_transport_cut_off    (GIOStream *stream);
/* FALSE while it is TLS, and the peers have not agreed on how. */
gboolean _msgpack_rpc_transport_has_shaken_hands (GIOStream *stream);
/* Closes @stream in good order and in bounded time; calls @done from @context. */
void   _msgpack_rpc_transport_close_stream (GIOStream       *stream,
                                            GMainContext    *context,
                                            GDestroyNotify   done,
                                            gpointer         data);
/* Sets G_IO_ERROR_WOULD_BLOCK and returns −1. */
gssize _msgpack_rpc_transport_would_block  (GError         **error);

G_END_DECLS
