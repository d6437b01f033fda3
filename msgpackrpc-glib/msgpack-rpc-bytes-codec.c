/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-bytes-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"

#define HEADER_SIZE 4
#define DEFAULT_MAX_SIZE (64 * 1024 * 1024)


struct _MsgpackRpcBytesCodec
{
  GObject parent_instance;

  int max_size; /* atomic */
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcBytesCodec:
 *
 * Bytes with their length in front: 32 bits, big endian.
 *
 * A message is of type `ay`.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcBytesCodec, msgpack_rpc_bytes_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
bytes_codec_encode (MsgpackRpcCodec  *codec,
                    GVariant         *message,
                    GError          **error)
{
  gsize max_size = msgpack_rpc_bytes_codec_get_max_size (MSGPACK_RPC_BYTES_CODEC (codec));
  GByteArray *bytes;
  const guint8 *data;
  guint32 header;
  gsize length;

  if (!_msgpack_rpc_text_check_type (message, G_VARIANT_TYPE_BYTESTRING, error))
    return NULL;

  data = g_variant_get_fixed_array (message, &length, 1);
  if (!_msgpack_rpc_text_check_size (length, max_size, error))
    return NULL;

  header = GUINT32_TO_BE ((guint32) length);
  bytes = g_byte_array_sized_new ((guint) (HEADER_SIZE + length));
  g_byte_array_append (bytes, (const guint8 *) &header, HEADER_SIZE);
  g_byte_array_append (bytes, data, (guint) length);
  return g_byte_array_free_to_bytes (bytes);
}

static gboolean
bytes_codec_decode (MsgpackRpcCodec  *codec,
                    GBytes           *input,
                    GVariant        **message,
                    gsize            *size,
                    GError          **error)
{
  gsize max_size = msgpack_rpc_bytes_codec_get_max_size (MSGPACK_RPC_BYTES_CODEC (codec));
  g_autoptr(GBytes) body = NULL;
  gsize length;
  const guint8 *data = g_bytes_get_data (input, &length);
  guint32 header;

  *size = HEADER_SIZE;
  if (length < HEADER_SIZE)
    return TRUE;

  memcpy (&header, data, HEADER_SIZE);
  header = GUINT32_FROM_BE (header);
  if (!_msgpack_rpc_text_check_size (header, max_size, error))
    return FALSE;

  *size = HEADER_SIZE + (gsize) header;
  if (length < *size)
    return TRUE;

  body = g_bytes_new (data + HEADER_SIZE, header);
  *message = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE);
  return TRUE;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = bytes_codec_encode;
  iface->decode = bytes_codec_decode;
}

enum
{
  PROP_0,
  PROP_MAX_SIZE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_bytes_codec_get_property (GObject    *object,
                                       guint       prop_id,
                                       GValue     *value,
                                       GParamSpec *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    g_value_set_uint (value,
                      msgpack_rpc_bytes_codec_get_max_size (MSGPACK_RPC_BYTES_CODEC (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_bytes_codec_set_property (GObject      *object,
                                       guint         prop_id,
                                       const GValue *value,
                                       GParamSpec   *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    msgpack_rpc_bytes_codec_set_max_size (MSGPACK_RPC_BYTES_CODEC (object), g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_bytes_codec_class_init (MsgpackRpcBytesCodecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_bytes_codec_get_property;
  object_class->set_property = msgpack_rpc_bytes_codec_set_property;

  /**
   * MsgpackRpcBytesCodec:max-size: (getter get_max_size) (setter set_max_size)
   *
   * How many bytes a message may have, without its length. A longer one is not sent, and one that the
   * peer announces ends the channel.
   *
   * Since: 1.0
   */
  props[PROP_MAX_SIZE] =
    g_param_spec_uint ("max-size", NULL, NULL, 0, G_MAXINT - 4, DEFAULT_MAX_SIZE,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_bytes_codec_init (MsgpackRpcBytesCodec *self)
{
  self->max_size = DEFAULT_MAX_SIZE;
}

/**
 * msgpack_rpc_bytes_codec_get_max_size: (get-property max-size)
 * @self: a codec
 *
 * Gets how many bytes a message may have.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint
msgpack_rpc_bytes_codec_get_max_size (MsgpackRpcBytesCodec *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_BYTES_CODEC (self), 0);

  return (guint) g_atomic_int_get (&self->max_size);
}

/**
 * msgpack_rpc_bytes_codec_set_max_size: (set-property max-size)
 * @self: a codec
 * @max_size: bytes
 *
 * Sets how many bytes a message may have.
 *
 * Since: 1.0
 */
void
msgpack_rpc_bytes_codec_set_max_size (MsgpackRpcBytesCodec *self,
                                      guint                 max_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_BYTES_CODEC (self));
  g_return_if_fail (max_size <= G_MAXINT - 4);

  if (msgpack_rpc_bytes_codec_get_max_size (self) == max_size)
    return;

  g_atomic_int_set (&self->max_size, (int) max_size);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_SIZE]);
}

/**
 * msgpack_rpc_bytes_codec_new: (constructor)
 *
 * Creates a codec for bytes with their length in front.
 *
 * Returns: (transfer full) (type MsgpackRpcBytesCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_bytes_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_BYTES_CODEC, NULL);
}
