/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-guard-private.h"

#include <string.h>
#include <unistd.h>

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-drain-private.h"
#include "msgpack-rpc-message-private.h"

static const guint8 mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static guint64
get_number (const guint8 *bytes,
            gsize         size)
{
  guint64 number = 0;

  for (gsize i = 0; i < size; i++)
    number = number << 8 | bytes[i];
  return number;
}

static void
identify_address (GInetAddress     *address,
                  MsgpackRpcOrigin *origin)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);
  gboolean is_ipv4 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4;

  origin->is_near = g_inet_address_get_is_loopback (address);

  /* An IPv4 address on a socket for both families. */
  if (!is_ipv4 && memcmp (bytes, mapped_prefix, sizeof mapped_prefix) == 0)
    {
      bytes += sizeof mapped_prefix;
      is_ipv4 = TRUE;
      origin->is_near = bytes[0] == 127;
    }

  origin->kind = is_ipv4 ? MSGPACK_RPC_ORIGIN_IPV4 : MSGPACK_RPC_ORIGIN_IPV6;
  origin->key = get_number (bytes, is_ipv4 ? 4 : 8);
}

static void
identify_user (GSocket          *socket,
               MsgpackRpcOrigin *origin)
{
  g_autoptr(GCredentials) credentials = g_socket_get_credentials (socket, NULL);
  uid_t user = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t) -1;

  /* −1 is nobody's. */
  origin->kind = MSGPACK_RPC_ORIGIN_USER;
  origin->key = user;
  origin->is_near = user == geteuid ();
}

/* Asks for the peer's address only where it matters: the socket keeps it. */
void
_msgpack_rpc_guard_identify (GSocket          *socket,
                             MsgpackRpcOrigin *origin)
{
  g_autoptr(GSocketAddress) remote = NULL;

  *origin = (MsgpackRpcOrigin) { .kind = MSGPACK_RPC_ORIGIN_UNKNOWN };
  if (g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX)
    {
      identify_user (socket, origin);
      return;
    }

  remote = g_socket_get_remote_address (socket, NULL);
  if (G_IS_INET_SOCKET_ADDRESS (remote))
    identify_address (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)), origin);
}

gboolean
_msgpack_rpc_guard_check (const MsgpackRpcOrigin *origin,
                          MsgpackRpcAcceptPolicy  policy,
                          gboolean                allow_remote)
{
  if (origin->kind == MSGPACK_RPC_ORIGIN_USER)
    return (policy & MSGPACK_RPC_ACCEPT_POLICY_SAME_USER) != 0 && origin->is_near;

  return (policy & MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK) != 0 && (origin->is_near || allow_remote);
}

static char *
describe_peer (GSocket *socket)
{
  g_autoptr(GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  g_autoptr(GCredentials) credentials = NULL;

  /* Of another family, they are nobody's. */
  if (g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX)
    credentials = g_socket_get_credentials (socket, NULL);
  if (credentials != NULL)
    return g_credentials_to_string (credentials);
  if (remote != NULL)
    return _msgpack_rpc_address_format (remote, FALSE);

  return g_strdup ("a peer that is gone");
}

static void
tell (GSocket      *socket,
      const GError *error)
{
  g_autofree char *peer = describe_peer (socket);

  g_info ("Turned away %s: %s", peer, error->message);
}

void
_msgpack_rpc_guard_cut_off (GSocket      *socket,
                            const GError *error)
{
  tell (socket, error);
  g_socket_close (socket, NULL);
}

static void
say_and_close (GSocket            *socket,
               MsgpackRpcSettings *settings,
               MsgpackRpcPacked   *packed)
{
  g_autoptr(MsgpackRpcPacked) framed = NULL;
  g_autoptr(GBytes) bytes = NULL;

  if (_msgpack_rpc_settings_has_dialect (settings, MSGPACK_RPC_DIALECT_FRAMED))
    packed = framed = _msgpack_rpc_packed_frame (packed);
  bytes = _msgpack_rpc_packed_to_bytes (packed);
  g_socket_set_blocking (socket, FALSE);
  g_socket_send (socket, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL, NULL);
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
  g_socket_close (socket, NULL);
}

void
_msgpack_rpc_guard_turn_away (GSocket            *socket,
                              MsgpackRpcSettings *settings,
                              const GError       *error)
{
  int profile = _msgpack_rpc_settings_get (settings, MSGPACK_RPC_SETTING_PROFILE);
  MsgpackRpcPackFlags flags = _msgpack_rpc_settings_get_pack_flags (settings);
  const gint64 number = 0;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GVariant) text = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  tell (socket, error);
  packed = _msgpack_rpc_message_pack_answer (profile, flags, 0, &msgid, text, NULL);
  say_and_close (socket, settings, packed);
}

void
_msgpack_rpc_guard_dismiss (GSocket            *socket,
                            MsgpackRpcSettings *settings)
{
  int profile = _msgpack_rpc_settings_get (settings, MSGPACK_RPC_SETTING_PROFILE);
  MsgpackRpcPackFlags flags = _msgpack_rpc_settings_get_pack_flags (settings);
  g_autoptr(GVariant) ids = g_variant_ref_sink (g_variant_new ("av", NULL));
  g_autoptr(MsgpackRpcPacked) packed = _msgpack_rpc_drain_pack_goodbye (profile, flags, ids);

  say_and_close (socket, settings, packed);
}
