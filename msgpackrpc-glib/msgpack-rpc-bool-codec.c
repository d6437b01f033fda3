/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-bool-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"


struct _MsgpackRpcBoolCodec
{
  GObject parent_instance;
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcBoolCodec:
 *
 * Booleans as text: `True` and `False`, one behind the other.
 *
 * A message is of type `b`.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcBoolCodec, msgpack_rpc_bool_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
bool_codec_encode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                   GVariant         *message,
                   GError          **error)
{
  if (!_msgpack_rpc_text_check_type (message, G_VARIANT_TYPE_BOOLEAN, error))
    return NULL;

  return g_variant_get_boolean (message) ? g_bytes_new_static ("True", 4)
                                         : g_bytes_new_static ("False", 5);
}

/* 1 if the input begins with it, 0 if it may yet, −1 if not. */
static int
begins_with (const char *data,
             gsize       length,
             const char *text)
{
  gsize n = MIN (length, strlen (text));

  if (memcmp (data, text, n) != 0)
    return -1;
  return n == strlen (text) ? 1 : 0;
}

static gboolean
bool_codec_decode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                   GBytes           *input,
                   GVariant        **message,
                   gsize            *size,
                   GError          **error)
{
  gsize length;
  const char *data = g_bytes_get_data (input, &length);
  int is_true = begins_with (data, length, "True");
  int is_false = begins_with (data, length, "False");

  if (is_true < 0 && is_false < 0)
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "Expected True or False");
      return FALSE;
    }

  *size = is_true >= 0 ? 4 : 5;
  if (is_true > 0 || is_false > 0)
    *message = g_variant_new_boolean (is_true > 0);
  return TRUE;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = bool_codec_encode;
  iface->decode = bool_codec_decode;
}

static void
msgpack_rpc_bool_codec_class_init (MsgpackRpcBoolCodecClass *klass G_GNUC_UNUSED)
{
}

static void
msgpack_rpc_bool_codec_init (MsgpackRpcBoolCodec *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_bool_codec_new: (constructor)
 *
 * Creates a codec for booleans.
 *
 * Returns: (transfer full) (type MsgpackRpcBoolCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_bool_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_BOOL_CODEC, NULL);
}
