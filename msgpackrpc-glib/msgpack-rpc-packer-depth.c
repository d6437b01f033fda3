/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packer-private.h"

gboolean
_msgpack_rpc_packer_check_depth (GVariant             *value,
                                 MsgpackRpcPackFlags   flags,
                                 GError              **error)
{
  guint max_depth = MSGPACK_RPC_PACK_GET_DEPTH (flags);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autoptr(MsgpackRpcDecoder) decoder = _msgpack_rpc_decoder_new ();
  MsgpackRpcDecoderSettings *settings = _msgpack_rpc_decoder_settings (decoder);
  MsgpackRpcDecoded decoded = { NULL };
  g_autoptr(GError) failure = NULL;
  gsize offset = 0;

  if (!_msgpack_rpc_packer_append_value (bytes, value, flags & 0xffff, error))
    return FALSE;

  settings->max_message_size = bytes->len;
  settings->max_decoded_size = MSGPACK_RPC_LIMIT_DECODED_SIZE;
  settings->max_depth = max_depth;
  settings->string_policy = MSGPACK_RPC_STRING_POLICY_BYTES;
  _msgpack_rpc_decoder_decode (decoder, bytes->data, bytes->len, &offset, NULL, &decoded, &failure);
  g_clear_pointer (&decoded.value, g_variant_unref);
  g_clear_pointer (&decoded.array, g_bytes_unref);
  if (!g_error_matches (failure, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP,
               "Value too deep: it may have %u levels of arrays and maps within the message",
               max_depth);
  return FALSE;
}
