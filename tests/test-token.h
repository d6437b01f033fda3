/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "test-server.h"

#define SECRET "an example of what is in a token file"
#define CLIENT "rpc.authenticate:client:"
#define SERVER "rpc.authenticate:server:"

/* ---- what both ends compute ---- */

static inline MsgpackRpcToken *
token_new (const char *secret)
{
  g_autoptr(GBytes) bytes = g_bytes_new (secret, strlen (secret));
  g_autoptr(GError) error = NULL;
  MsgpackRpcToken *token = msgpack_rpc_token_new_for_bytes (bytes, &error);

  g_assert_no_error (error);
  return token;
}

static inline GVariant *
bin (const guint8 *bytes)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 32, 1);
}

static inline void
prove (const char   *label,
       const guint8 *client_nonce,
       const guint8 *server_nonce,
       guint8       *proof)
{
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) SECRET, strlen (SECRET));
  gsize size = 32;

  g_hmac_update (hmac, (const guchar *) label, (gssize) strlen (label));
  g_hmac_update (hmac, client_nonce, 32);
  g_hmac_update (hmac, server_nonce, 32);
  g_hmac_get_digest (hmac, proof, &size);
  g_hmac_unref (hmac);
}

/* The child of a message, a bin of 32 bytes. */
static inline void
get_bin (GVariant   *array,
         gsize       i,
         guint8     *bytes)
{
  g_autoptr(GVariant) child = NULL;
  gsize size;
  gconstpointer data;

  g_variant_get_child (array, i, "v", &child);
  g_assert_true (g_variant_is_of_type (child, G_VARIANT_TYPE_BYTESTRING));
  data = g_variant_get_fixed_array (child, &size, 1);
  g_assert_cmpuint (size, ==, 32);
  memcpy (bytes, data, 32);
}

/* ---- what a peer sends ---- */

static const guint8 my_nonce[32] = "a nonce that a peer has chosen.";

/* Sends the first request, and gets the server's nonce. */
static inline void
say_hello (RawPeer *peer,
           guint8  *server_nonce)
{
  g_autoptr(GVariant) answer = NULL;

  raw_peer_send_value (peer, g_variant_new ("(iis(s@ay))", 0, 1, "rpc.authenticate", "hmac-sha256",
                                            bin (my_nonce)));
  answer = raw_peer_receive (peer);
  get_bin (answer, 3, server_nonce);
}

static inline void
send_proof (RawPeer      *peer,
            const guint8 *proof)
{
  raw_peer_send_value (peer, g_variant_new ("(iis(@ay))", 0, 2, "rpc.authenticate", bin (proof)));
}
