/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-float-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"

/* No number needs more to be told from all others. */
#define MAX_LENGTH 64


struct _MsgpackRpcFloatCodec
{
  GObject parent_instance;
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcFloatCodec:
 *
 * Numbers as text, with a space behind, such as `1.5 `; also `inf`, `-inf` and `nan`.
 *
 * A message is of type `d`.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcFloatCodec, msgpack_rpc_float_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
float_codec_encode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                    GVariant         *message,
                    GError          **error)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE + 1];

  if (!_msgpack_rpc_text_check_type (message, G_VARIANT_TYPE_DOUBLE, error))
    return NULL;

  g_ascii_dtostr (text, G_ASCII_DTOSTR_BUF_SIZE, g_variant_get_double (message));
  g_strlcat (text, " ", sizeof text);
  return g_bytes_new (text, strlen (text));
}

static gboolean
is_number (const char *text)
{
  static const char * const names[] = { "inf", "-inf", "nan", "-nan", NULL };

  /* What strtod() reads besides, such as hexadecimal numbers, is not written either. */
  return g_strv_contains (names, text) ||
         (*text != '\0' && text[strspn (text, "+-.0123456789eE")] == '\0');
}

static gboolean
float_codec_decode (MsgpackRpcCodec  *codec G_GNUC_UNUSED,
                    GBytes           *input,
                    GVariant        **message,
                    gsize            *size,
                    GError          **error)
{
  gsize length;
  const char *data = g_bytes_get_data (input, &length);
  char text[MAX_LENGTH + 1];
  char *end;
  double number;

  if (!_msgpack_rpc_text_get_word (data, length, text, sizeof text, size, error))
    return FALSE;
  if (*size == 0)
    return TRUE;

  number = g_ascii_strtod (text, &end);
  if (!is_number (text) || *end != '\0')
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "Expected a number");
      return FALSE;
    }

  *message = g_variant_new_double (number);
  return TRUE;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = float_codec_encode;
  iface->decode = float_codec_decode;
}

static void
msgpack_rpc_float_codec_class_init (MsgpackRpcFloatCodecClass *klass G_GNUC_UNUSED)
{
}

static void
msgpack_rpc_float_codec_init (MsgpackRpcFloatCodec *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_float_codec_new: (constructor)
 *
 * Creates a codec for numbers.
 *
 * Returns: (transfer full) (type MsgpackRpcFloatCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_float_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_FLOAT_CODEC, NULL);
}
