/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-proof-private.h"

#include <string.h>

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-tls-private.h"
#include "msgpack-rpc-variant.h"

#define MECHANISM "hmac-sha256"
#define NONCE_SIZE 32

/* Both have the same length. */
#define CLIENT_LABEL MSGPACK_RPC_AUTHENTICATE ":client:"
#define SERVER_LABEL MSGPACK_RPC_AUTHENTICATE ":server:"
#define LABEL_SIZE (sizeof CLIENT_LABEL - 1)

typedef enum
{
  STATE_NEW,
  STATE_CHALLENGED, /* both nonces are known */
  STATE_GIVEN,
  STATE_FAILED,
} State;

struct _MsgpackRpcProof
{
  MsgpackRpcToken *token; /* owned */
  GTlsConnection *tls;    /* owned; NULL on a stream that is not encrypted */
  State state;
  guint8 client_nonce[NONCE_SIZE];
  guint8 server_nonce[NONCE_SIZE];
};

MsgpackRpcProof *
_msgpack_rpc_proof_new (MsgpackRpcToken *token,
                        GIOStream       *stream)
{
  MsgpackRpcProof *self = g_new0 (MsgpackRpcProof, 1);

  self->token = g_object_ref (token);
  g_set_object (&self->tls, _msgpack_rpc_tls_get_connection (stream));
  return self;
}

void
_msgpack_rpc_proof_free (MsgpackRpcProof *self)
{
  g_object_unref (self->token);
  g_clear_object (&self->tls);
  g_free (self);
}

/* What only the two ends of this TLS session know, so that nobody between two sessions can pass a proof
 * from one to the other. Where that cannot be had no proof is made: without it nobody would notice. */
static gboolean
append_binding (MsgpackRpcProof  *self,
                GByteArray       *data,
                GError          **error)
{
  g_autoptr(GByteArray) binding = g_byte_array_new ();
  g_autoptr(GError) local_error = NULL;

  if (self->tls == NULL)
    return TRUE;

  if (!g_tls_connection_get_channel_binding_data (self->tls, G_TLS_CHANNEL_BINDING_TLS_EXPORTER,
                                                  binding, &local_error) ||
      binding->len == 0)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                   "The token cannot be bound to the TLS session, which takes TLS 1.3 or the extended "
                   "master secret: %s",
                   local_error != NULL ? local_error->message : "there are no data for it");
      return FALSE;
    }

  g_byte_array_append (data, binding->data, binding->len);
  return TRUE;
}

static gboolean
sign (MsgpackRpcProof  *self,
      const char       *label,
      guint8            mac[MSGPACK_RPC_MAC_SIZE],
      GError          **error)
{
  g_autoptr(GByteArray) data = g_byte_array_new ();

  g_byte_array_append (data, (const guint8 *) label, LABEL_SIZE);
  g_byte_array_append (data, self->client_nonce, NONCE_SIZE);
  g_byte_array_append (data, self->server_nonce, NONCE_SIZE);
  if (!append_binding (self, data, error))
    return FALSE;

  _msgpack_rpc_token_sign (self->token, data->data, data->len, mac);
  return TRUE;
}

/* In a time that says nothing of where they differ. */
static gboolean
is_equal (const guint8 *left,
          const guint8 *right,
          gsize         size)
{
  volatile guint8 difference = 0;

  for (gsize i = 0; i < size; i++)
    difference |= left[i] ^ right[i];
  return difference == 0;
}

/* Takes what has exactly that size: a bin, or a str from those who have no bin. */
static gboolean
get_bytes (GVariant *value,
           guint8   *bytes,
           gsize     wanted)
{
  g_autoptr(GBytes) found = msgpack_rpc_variant_get_bytes (value);

  if (found == NULL || g_bytes_get_size (found) != wanted)
    return FALSE;

  memcpy (bytes, g_bytes_get_data (found, NULL), wanted);
  return TRUE;
}

static GVariant *
new_bytes (const guint8 *bytes,
           gsize         size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);
}

/* ---- the client's part ---- */

GVariant *
_msgpack_rpc_proof_begin (MsgpackRpcProof  *self,
                          GError          **error)
{
  if (!_msgpack_rpc_token_check (self->token, error) ||
      !_msgpack_rpc_get_random (self->client_nonce, NONCE_SIZE, error))
    return NULL;

  return g_variant_new ("(s@ay)", MECHANISM, new_bytes (self->client_nonce, NONCE_SIZE));
}

GVariant *
_msgpack_rpc_proof_continue (MsgpackRpcProof  *self,
                             GVariant         *result,
                             GError          **error)
{
  guint8 mac[MSGPACK_RPC_MAC_SIZE];

  if (!get_bytes (result, self->server_nonce, NONCE_SIZE))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                           _("It is the wrong server: it does not know how to prove that it knows "
                             "the token"));
      return NULL;
    }

  if (!sign (self, CLIENT_LABEL, mac, error))
    return NULL;

  return g_variant_new ("(@ay)", new_bytes (mac, sizeof mac));
}

gboolean
_msgpack_rpc_proof_finish (MsgpackRpcProof  *self,
                           GVariant         *result,
                           GError          **error)
{
  guint8 expected[MSGPACK_RPC_MAC_SIZE];
  guint8 given[MSGPACK_RPC_MAC_SIZE];

  if (!sign (self, SERVER_LABEL, expected, error))
    return FALSE;
  if (get_bytes (result, given, sizeof given) && is_equal (given, expected, sizeof given))
    return TRUE;

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                       _("It is the wrong server: it does not know the token"));
  return FALSE;
}

/* ---- the server's part ---- */

static void
set_usage_error (GError **error)
{
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                       "access denied: " MSGPACK_RPC_AUTHENTICATE " takes (\"" MECHANISM "\", nonce "
                       "of 32 bytes), and then (proof of 32 bytes)");
}

static GVariant *
answer_first (MsgpackRpcProof  *self,
              GVariant         *params,
              GError          **error)
{
  g_autoptr(GVariant) mechanism = NULL;
  g_autoptr(GVariant) nonce = NULL;
  g_autofree char *name = NULL;

  if (g_variant_n_children (params) != 2)
    {
      set_usage_error (error);
      return NULL;
    }

  g_variant_get_child (params, 0, "v", &mechanism);
  g_variant_get_child (params, 1, "v", &nonce);
  name = msgpack_rpc_variant_get_string (mechanism);
  if (g_strcmp0 (name, MECHANISM) != 0 || !get_bytes (nonce, self->client_nonce, NONCE_SIZE))
    {
      set_usage_error (error);
      return NULL;
    }

  if (!_msgpack_rpc_token_check (self->token, error) ||
      !_msgpack_rpc_get_random (self->server_nonce, NONCE_SIZE, error))
    return NULL;

  self->state = STATE_CHALLENGED;
  return g_variant_ref_sink (new_bytes (self->server_nonce, NONCE_SIZE));
}

static GVariant *
answer_second (MsgpackRpcProof  *self,
               GVariant         *params,
               GError          **error)
{
  g_autoptr(GVariant) proof = NULL;
  guint8 expected[MSGPACK_RPC_MAC_SIZE];
  guint8 given[MSGPACK_RPC_MAC_SIZE];

  if (g_variant_n_children (params) == 1)
    g_variant_get_child (params, 0, "v", &proof);
  if (proof == NULL || !get_bytes (proof, given, sizeof given))
    {
      set_usage_error (error);
      return NULL;
    }

  if (!sign (self, CLIENT_LABEL, expected, error))
    return NULL;
  if (!is_equal (given, expected, sizeof given))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                           self->tls == NULL
                             ? "access denied: the token is another one"
                             : "access denied: the token is another one, or the proof is not of "
                               "this TLS session");
      return NULL;
    }

  if (!sign (self, SERVER_LABEL, expected, error))
    return NULL;

  self->state = STATE_GIVEN;
  return g_variant_ref_sink (new_bytes (expected, sizeof expected));
}

GVariant *
_msgpack_rpc_proof_answer (MsgpackRpcProof  *self,
                           GVariant         *params,
                           GError          **error)
{
  GVariant *answer = NULL;

  if (!g_variant_is_of_type (params, G_VARIANT_TYPE ("av")))
    set_usage_error (error);
  else if (self->state == STATE_NEW)
    answer = answer_first (self, params, error);
  else if (self->state == STATE_CHALLENGED)
    answer = answer_second (self, params, error);
  else
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                         "access denied: " MSGPACK_RPC_AUTHENTICATE " was called before");

  if (answer == NULL)
    self->state = STATE_FAILED;
  return answer;
}

gboolean
_msgpack_rpc_proof_is_given (MsgpackRpcProof *self)
{
  return self->state == STATE_GIVEN;
}
