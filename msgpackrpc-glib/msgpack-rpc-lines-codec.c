/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-lines-codec.h"

#include <string.h>

#include "msgpack-rpc-text-private.h"

#define DEFAULT_MAX_SIZE (64 * 1024)


struct _MsgpackRpcLinesCodec
{
  GObject parent_instance;

  int max_size; /* atomic */
};

static void init_codec (MsgpackRpcCodecInterface *iface);

/**
 * MsgpackRpcLinesCodec:
 *
 * Lines of text.
 *
 * A message is of type `s`, without the end of the line: LF, or CRLF, is read, and LF written. One that
 * is no UTF-8, or has a NUL in it, ends the channel, as does a last line without an end.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcLinesCodec, msgpack_rpc_lines_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static GBytes *
lines_codec_encode (MsgpackRpcCodec  *codec,
                    GVariant         *message,
                    GError          **error)
{
  gsize max_size = msgpack_rpc_lines_codec_get_max_size (MSGPACK_RPC_LINES_CODEC (codec));
  const char *text;
  gsize length;

  if (!_msgpack_rpc_text_check_type (message, G_VARIANT_TYPE_STRING, error))
    return NULL;

  text = g_variant_get_string (message, &length);
  if (!_msgpack_rpc_text_check_size (length, max_size, error))
    return NULL;
  if (strchr (text, '\n') != NULL || g_str_has_suffix (text, "\r"))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                           "A line has no end of a line in it");
      return NULL;
    }

  return g_bytes_new_take (g_strconcat (text, "\n", NULL), length + 1);
}

static gboolean
lines_codec_decode (MsgpackRpcCodec  *codec,
                    GBytes           *input,
                    GVariant        **message,
                    gsize            *size,
                    GError          **error)
{
  gsize max_size = msgpack_rpc_lines_codec_get_max_size (MSGPACK_RPC_LINES_CODEC (codec));
  gsize total, length;
  const char *data = g_bytes_get_data (input, &total);
  const char *end = memchr (data, '\n', MIN (total, max_size + 2));

  length = end != NULL ? (gsize) (end - data) : total;
  if (end != NULL && length > 0 && end[-1] == '\r')
    length--;
  /* What may yet be the two ends of a line counts when it is known. */
  if (!_msgpack_rpc_text_check_size (end != NULL ? length : length - MIN (length, 1), max_size, error))
    return FALSE;
  if (end == NULL)
    return TRUE;

  *size = (gsize) (end - data) + 1;
  *message = _msgpack_rpc_text_new_string (data, length, error);
  return *message != NULL;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = lines_codec_encode;
  iface->decode = lines_codec_decode;
}

enum
{
  PROP_0,
  PROP_MAX_SIZE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_lines_codec_get_property (GObject    *object,
                                       guint       prop_id,
                                       GValue     *value,
                                       GParamSpec *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    g_value_set_uint (value,
                      msgpack_rpc_lines_codec_get_max_size (MSGPACK_RPC_LINES_CODEC (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_lines_codec_set_property (GObject      *object,
                                       guint         prop_id,
                                       const GValue *value,
                                       GParamSpec   *pspec)
{
  if (prop_id == PROP_MAX_SIZE)
    msgpack_rpc_lines_codec_set_max_size (MSGPACK_RPC_LINES_CODEC (object), g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
msgpack_rpc_lines_codec_class_init (MsgpackRpcLinesCodecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_lines_codec_get_property;
  object_class->set_property = msgpack_rpc_lines_codec_set_property;

  /**
   * MsgpackRpcLinesCodec:max-size: (getter get_max_size) (setter set_max_size)
   *
   * How many bytes a line may have, without its end. A longer one is not sent, and one that comes ends
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
msgpack_rpc_lines_codec_init (MsgpackRpcLinesCodec *self)
{
  self->max_size = DEFAULT_MAX_SIZE;
}

/**
 * msgpack_rpc_lines_codec_get_max_size: (get-property max-size)
 * @self: a codec
 *
 * Gets how many bytes a message may have.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint
msgpack_rpc_lines_codec_get_max_size (MsgpackRpcLinesCodec *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LINES_CODEC (self), 0);

  return (guint) g_atomic_int_get (&self->max_size);
}

/**
 * msgpack_rpc_lines_codec_set_max_size: (set-property max-size)
 * @self: a codec
 * @max_size: bytes
 *
 * Sets how many bytes a message may have.
 *
 * Since: 1.0
 */
void
msgpack_rpc_lines_codec_set_max_size (MsgpackRpcLinesCodec *self,
                                      guint                 max_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_LINES_CODEC (self));
  g_return_if_fail (max_size <= G_MAXINT);

  if (msgpack_rpc_lines_codec_get_max_size (self) == max_size)
    return;

  g_atomic_int_set (&self->max_size, (int) max_size);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_SIZE]);
}

/**
 * msgpack_rpc_lines_codec_new: (constructor)
 *
 * Creates a codec for lines.
 *
 * Returns: (transfer full) (type MsgpackRpcLinesCodec): a new codec
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_lines_codec_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_LINES_CODEC, NULL);
}
