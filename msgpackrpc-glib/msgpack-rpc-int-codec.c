/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-int-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"
#include "msgpack-rpc-message-private.h"

/* A sign, and 19 digits. */
#define MAX_DIGITS 20


struct _MsgpackRpcIntCodec
{
  GObject parent_instance;
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcIntCodec:
 *
 * Whole numbers as text: decimal digits with a space behind, such as `12 `.
 *
 * A message is of type `x`; those of other whole-number types can be sent, too, if they fit.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcIntCodec, msgpack_rpc_int_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
int_codec_encode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                  GVariant         *message,
                  GError          **error)
{
  g_autofree char *text = NULL;
  gint64 number;

  if (!_msgpack_rpc_value_get_int (message, &number))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "Expected a whole number of 64 bits, got a value of type “%s”",
                   g_variant_get_type_string (message));
      return NULL;
    }

  text = g_strdup_printf ("%" G_GINT64_FORMAT " ", number);
  return g_bytes_new (text, strlen (text));
}

static gboolean
int_codec_decode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                  GBytes           *input,
                  GVariant        **message,
                  gsize            *size,
                  GError          **error)
{
  gsize length;
  const char *data = g_bytes_get_data (input, &length);
  char text[MAX_DIGITS + 1];
  gint64 number;

  if (!_msgpack_rpc_text_get_word (data, length, text, sizeof text, size, error))
    return FALSE;
  if (*size == 0)
    return TRUE;

  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "Expected a whole number of 64 bits");
      return FALSE;
    }

  *message = g_variant_new_int64 (number);
  return TRUE;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = int_codec_encode;
  iface->decode = int_codec_decode;
}

static void
msgpack_rpc_int_codec_class_init (MsgpackRpcIntCodecClass *klass G_GNUC_UNUSED)
{
}

static void
msgpack_rpc_int_codec_init (MsgpackRpcIntCodec *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_int_codec_new: (constructor)
 *
 * Creates a codec for whole numbers.
 *
 * Returns: (transfer full) (type MsgpackRpcIntCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_int_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_INT_CODEC, NULL);
}
