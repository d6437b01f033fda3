/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-string-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"

/* Of a length. */
#define MAX_DIGITS 10
/* That messages are never larger than this is for the channel to say. */
#define DEFAULT_MAX_SIZE (64 * 1024 * 1024)


struct _MsgpackRpcStringCodec
{
  GObject parent_instance;

  int max_size; /* atomic */
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcStringCodec:
 *
 * Strings as text: how many bytes they have in UTF-8, a space, and the bytes, such as `5 hello`.
 *
 * A message is of type `s`. One that is no UTF-8, or has a NUL in it, ends the channel.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcStringCodec, msgpack_rpc_string_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
string_codec_encode (MsgpackRpcCodec  *codec,
                     GVariant         *message,
                     GError          **error)
{
  gsize max_size = msgpack_rpc_string_codec_get_max_size (MSGPACK_RPC_STRING_CODEC (codec));
  g_autofree char *header = NULL;
  GByteArray *bytes;
  const char *text;
  gsize length;

  if (!_msgpack_rpc_text_check_type (message, G_VARIANT_TYPE_STRING, error))
    return NULL;

  text = g_variant_get_string (message, &length);
  if (!_msgpack_rpc_text_check_size (length, max_size, error))
    return NULL;

  bytes = g_byte_array_new ();
  header = g_strdup_printf ("%" G_GSIZE_FORMAT " ", length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) strlen (header));
  g_byte_array_append (bytes, (const guint8 *) text, (guint) length);
  return g_byte_array_free_to_bytes (bytes);
}

static gboolean
string_codec_decode (MsgpackRpcCodec  *codec,
                     GBytes           *input,
                     GVariant        **message,
                     gsize            *size,
                     GError          **error)
{
  gsize max_size = msgpack_rpc_string_codec_get_max_size (MSGPACK_RPC_STRING_CODEC (codec));
  gsize length, header;
  const char *data = g_bytes_get_data (input, &length);
  char text[MAX_DIGITS + 1];
  guint64 claimed;

  if (!_msgpack_rpc_text_get_word (data, length, text, sizeof text, &header, error))
    return FALSE;
  if (header == 0)
    return TRUE;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &claimed, NULL))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "Expected a length");
      return FALSE;
    }
  if (!_msgpack_rpc_text_check_size (claimed, max_size, error))
    return FALSE;

  *size = header + (gsize) claimed;
  if (length < *size)
    return TRUE;

  *message = _msgpack_rpc_text_new_string (data + header, (gsize) claimed, error);
  return *message != NULL;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = string_codec_encode;
  iface->decode = string_codec_decode;
}

enum
{
  PROP_0,
  PROP_MAX_SIZE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_string_codec_get_property (GObject    *object,
                                       guint       prop_id,
                                       GValue     *value,
                                       GParamSpec *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    g_value_set_uint (value,
                      msgpack_rpc_string_codec_get_max_size (MSGPACK_RPC_STRING_CODEC (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_string_codec_set_property (GObject      *object,
                                       guint         prop_id,
                                       const GValue *value,
                                       GParamSpec   *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    msgpack_rpc_string_codec_set_max_size (MSGPACK_RPC_STRING_CODEC (object), g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_string_codec_class_init (MsgpackRpcStringCodecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_string_codec_get_property;
  object_class->set_property = msgpack_rpc_string_codec_set_property;

  /**
   * MsgpackRpcStringCodec:max-size: (getter get_max_size) (setter set_max_size)
   *
   * How many bytes a string may have. A longer one is not sent, and one that the peer announces ends
   * the channel.
   *
   * Since: 1.0
   */
  props[PROP_MAX_SIZE] =
    g_param_spec_uint ("max-size", NULL, NULL, 0, G_MAXINT, DEFAULT_MAX_SIZE,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_string_codec_init (MsgpackRpcStringCodec *self)
{
  self->max_size = DEFAULT_MAX_SIZE;
}

/**
 * msgpack_rpc_string_codec_get_max_size: (get-property max-size)
 * @self: a codec
 *
 * Gets how many bytes a message may have.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint
msgpack_rpc_string_codec_get_max_size (MsgpackRpcStringCodec *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_STRING_CODEC (self), 0);

  return (guint) g_atomic_int_get (&self->max_size);
}

/**
 * msgpack_rpc_string_codec_set_max_size: (set-property max-size)
 * @self: a codec
 * @max_size: bytes
 *
 * Sets how many bytes a message may have.
 *
 * Since: 1.0
 */
void
msgpack_rpc_string_codec_set_max_size (MsgpackRpcStringCodec *self,
                                       guint                  max_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_STRING_CODEC (self));
  g_return_if_fail (max_size <= G_MAXINT);

  if (msgpack_rpc_string_codec_get_max_size (self) == max_size)
    return;

  g_atomic_int_set (&self->max_size, (int) max_size);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_SIZE]);
}

/**
 * msgpack_rpc_string_codec_new: (constructor)
 *
 * Creates a codec for strings.
 *
 * Returns: (transfer full) (type MsgpackRpcStringCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_string_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_STRING_CODEC, NULL);
}
