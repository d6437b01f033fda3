/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-guard-private.h"

#include <string.h>
#include <unistd.h>

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-message-private.h"

static gboolean
is_loopback (GInetAddress *address)
{
  static const guint8 mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_is_loopback (address))
    return TRUE;

  /* An IPv4 address on a socket for both families. */
  return g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 &&
         memcmp (bytes, mapped_prefix, sizeof mapped_prefix) == 0 &&
         bytes[sizeof mapped_prefix] == 127;
}

static gboolean
is_same_user (GSocket *socket)
{
  g_autoptr(GCredentials) credentials = g_socket_get_credentials (socket, NULL);

  return credentials != NULL && g_credentials_get_unix_user (credentials, NULL) == geteuid ();
}

static gboolean
is_near (GSocket *socket)
{
  g_autoptr(GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);

  return G_IS_INET_SOCKET_ADDRESS (remote) &&
         is_loopback (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
}

/* Asks for the peer's address only where it matters: the socket keeps it. */
gboolean
_msgpack_rpc_guard_check (GSocket   *socket,
                          gboolean   allow_remote,
                          GError   **error)
{
  gboolean is_allowed;

  switch (g_socket_get_family (socket))
    {
    case G_SOCKET_FAMILY_UNIX:
      is_allowed = is_same_user (socket);
      break;

    case G_SOCKET_FAMILY_IPV4:
    case G_SOCKET_FAMILY_IPV6:
      is_allowed = allow_remote || is_near (socket);
      break;

    case G_SOCKET_FAMILY_INVALID:
    default:
      is_allowed = allow_remote;
      break;
    }

  if (!is_allowed)
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                         "access denied");
  return is_allowed;
}

static char *
describe_peer (GSocket *socket)
{
  g_autoptr(GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  g_autoptr(GCredentials) credentials = g_socket_get_credentials (socket, NULL);

  if (credentials != NULL)
    return g_credentials_to_string (credentials);
  if (remote != NULL)
    return _msgpack_rpc_address_format (remote);

  return g_strdup ("a peer that is gone");
}

void
_msgpack_rpc_guard_turn_away (GSocket            *socket,
                              MsgpackRpcSettings *settings,
                              const GError       *error)
{
  int profile = _msgpack_rpc_settings_get (settings, MSGPACK_RPC_SETTING_PROFILE);
  int flags = _msgpack_rpc_settings_get (settings, MSGPACK_RPC_SETTING_PACK_FLAGS);
  const gint64 number = 0;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GVariant) text = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *peer = describe_peer (socket);

  g_info ("Turned away %s: %s", peer, error->message);

  packed = _msgpack_rpc_message_pack_answer (profile, flags, 0, &msgid, text, NULL);
  bytes = _msgpack_rpc_packed_to_bytes (packed);

  g_socket_set_blocking (socket, FALSE);
  g_socket_send (socket, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL, NULL);
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
  g_socket_close (socket, NULL);
}
