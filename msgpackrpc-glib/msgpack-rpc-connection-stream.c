/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"
#include "msgpack-rpc-tls-private.h"
#include "msgpack-rpc-transport-private.h"

/* What a connection's stream tells of its two ends. */

static GSocket *
get_socket (MsgpackRpcConnection *self)
{
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (self);

  return stream != NULL ? _msgpack_rpc_transport_get_socket (stream) : NULL;
}

/**
 * msgpack_rpc_connection_get_local_address: (get-property local-address)
 * @self: a connection
 *
 * Gets the address of this end.
 *
 * Returns: (transfer full) (nullable): the address, or `NULL` if the stream is no open socket
 * Since: 1.0
 */
GSocketAddress *
msgpack_rpc_connection_get_local_address (MsgpackRpcConnection *self)
{
  GSocket *socket;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  socket = get_socket (self);
  return socket != NULL ? g_socket_get_local_address (socket, NULL) : NULL;
}

/**
 * msgpack_rpc_connection_get_remote_address: (get-property remote-address)
 * @self: a connection
 *
 * Gets the address of the peer.
 *
 * Returns: (transfer full) (nullable): the address, or `NULL` if the stream is no open socket
 * Since: 1.0
 */
GSocketAddress *
msgpack_rpc_connection_get_remote_address (MsgpackRpcConnection *self)
{
  GSocket *socket;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  socket = get_socket (self);
  return socket != NULL ? g_socket_get_remote_address (socket, NULL) : NULL;
}

/**
 * msgpack_rpc_connection_get_credentials: (get-property credentials)
 * @self: a connection
 *
 * Gets who the peer is, as the operating system tells for UNIX sockets.
 *
 * Returns: (transfer full) (nullable): the credentials, or `NULL` if they are not known
 * Since: 1.0
 */
GCredentials *
msgpack_rpc_connection_get_credentials (MsgpackRpcConnection *self)
{
  GSocket *socket;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  socket = get_socket (self);
  if (socket == NULL || g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
    return NULL;

  return g_socket_get_credentials (socket, NULL);
}

/**
 * msgpack_rpc_connection_get_peer_certificate: (get-property peer-certificate)
 * @self: a connection
 *
 * Gets the certificate that the peer has shown, if the stream is TLS.
 *
 * Returns: (transfer full) (nullable): the certificate, or `NULL` if the peer has shown none
 * Since: 1.0
 */
GTlsCertificate *
msgpack_rpc_connection_get_peer_certificate (MsgpackRpcConnection *self)
{
  GTlsConnection *connection;
  GTlsCertificate *certificate = NULL;
  GIOStream *stream;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  stream = msgpack_rpc_connection_get_io_stream (self);
  connection = stream != NULL ? _msgpack_rpc_tls_get_connection (stream) : NULL;
  if (connection != NULL)
    g_object_get (connection, "peer-certificate", &certificate, NULL);
  return certificate;
}
