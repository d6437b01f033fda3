/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <libsoup/soup.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

G_BEGIN_DECLS

/* Between a SoupWebsocketConnection, which is used in its own context only, and the two ends of a
 * stream, which are used anywhere. Where it has a brake, nothing more is read from the network while
 * nobody reads here. */
typedef struct _MsgpackRpcWebSocket MsgpackRpcWebSocket;

/* For a stream around which libsoup is to make a connection: what the connection can be braked with. */
MsgpackRpcFaultStream *_msgpack_rpc_web_socket_new_brake (GIOStream               *io_stream);
void                   _msgpack_rpc_web_socket_set_brake (SoupWebsocketConnection *connection,
                                                          MsgpackRpcFaultStream   *brake);

/* To be called in the context of the connection. @connection may be NULL: one that has ended. */
MsgpackRpcWebSocket *_msgpack_rpc_web_socket_new   (SoupWebsocketConnection *connection,
                                                    guint64                  max_message_size);
MsgpackRpcWebSocket *_msgpack_rpc_web_socket_ref   (MsgpackRpcWebSocket     *self);
void                 _msgpack_rpc_web_socket_unref (MsgpackRpcWebSocket     *self);

/* Each completes @task, once: with the number of bytes, or with a boolean. One of each at a time. */
void _msgpack_rpc_web_socket_read  (MsgpackRpcWebSocket *self,
                                    GTask               *task,
                                    void                *buffer,
                                    gsize                size);
void _msgpack_rpc_web_socket_write (MsgpackRpcWebSocket *self,
                                    GTask               *task,
                                    const void          *buffer,
                                    gsize                size);
/* @task may be NULL, if nobody waits for the end. */
void _msgpack_rpc_web_socket_close (MsgpackRpcWebSocket *self,
                                    GTask               *task);

G_END_DECLS
