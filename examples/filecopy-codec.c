/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Messages with the content of a file behind them. The channel has the content read from the file that
 * is sent, and written to the one that is received; it is never in memory as a whole. */

#include "filecopy-codec.h"

#include <string.h>
#include <unistd.h>

#define HEADER 11 /* bytes: kind, number, length of the text */

/* Knows the files that are expected: whoever does not know a token can write nothing. */
struct _FileCodec
{
  GObject parent_instance;

  GHashTable *contents; /* token → Content; both owned */
};

#define FILE_TYPE_ENCODER (file_encoder_get_type ())
G_DECLARE_FINAL_TYPE (FileEncoder, file_encoder, FILE, ENCODER, MsgpackRpcStreamEncoder)

struct _FileEncoder
{
  MsgpackRpcStreamEncoder parent_instance;

  FileCodec *codec;  /* owned */
  GVariant *message; /* owned */
};

G_DEFINE_FINAL_TYPE (FileEncoder, file_encoder, MSGPACK_RPC_TYPE_STREAM_ENCODER)

#define FILE_TYPE_DECODER (file_decoder_get_type ())
G_DECLARE_FINAL_TYPE (FileDecoder, file_decoder, FILE, DECODER, MsgpackRpcStreamDecoder)

struct _FileDecoder
{
  MsgpackRpcStreamDecoder parent_instance;

  FileCodec *codec;  /* owned */
  GVariant *message; /* owned, nullable; whose content is being written */
};

G_DEFINE_FINAL_TYPE (FileDecoder, file_decoder, MSGPACK_RPC_TYPE_STREAM_DECODER)

static void
content_free (gpointer data)
{
  Content *content = data;

  g_object_unref (content->stream);
  g_free (content);
}

void
file_codec_expect (FileCodec  *self,
                   const char *token,
                   gpointer    stream,
                   int         fd,
                   guint64     offset,
                   guint64     size)
{
  Content content = { .stream = g_object_ref (stream), .fd = fd, .offset = offset, .size = size };

  g_hash_table_replace (self->contents, g_strdup (token), g_memdup2 (&content, sizeof content));
}

void
file_codec_forget (FileCodec  *self,
                   const char *token)
{
  g_hash_table_remove (self->contents, token);
}

static Content *
file_codec_take (FileCodec   *self,
                 const char  *token,
                 GError     **error)
{
  g_autofree char *key = NULL;
  Content *content = NULL;

  if (!g_hash_table_steal_extended (self->contents, token, (gpointer *) &key,
                                    (gpointer *) &content))
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                         "No such file is being sent");
  return content;
}

static GBytes *
make_header (guint8      kind,
             guint64     number,
             const char *text)
{
  GByteArray *header = g_byte_array_new ();
  guint16 length = GUINT16_TO_BE ((guint16) strlen (text));

  number = GUINT64_TO_BE (number);
  g_byte_array_append (header, &kind, 1);
  g_byte_array_append (header, (const guint8 *) &number, sizeof number);
  g_byte_array_append (header, (const guint8 *) &length, sizeof length);
  g_byte_array_append (header, (const guint8 *) text, (guint) strlen (text));
  return g_byte_array_free_to_bytes (header);
}

static gboolean
file_encoder_encode (MsgpackRpcStreamEncoder  *encoder,
                     GError                  **error)
{
  FileEncoder *self = FILE_ENCODER (encoder);
  g_autoptr(GBytes) header = NULL;
  Content *content = NULL;
  const char *text;
  guint64 number;
  guint8 kind;

  g_variant_get (self->message, "(yt&s)", &kind, &number, &text);
  if (kind == CONTENT && (content = file_codec_take (self->codec, text, error)) == NULL)
    return FALSE;

  header = make_header (kind, number, text);
  msgpack_rpc_stream_encoder_add_bytes (encoder, header);
  if (content != NULL)
    {
      msgpack_rpc_stream_encoder_add_stream (encoder, G_INPUT_STREAM (content->stream),
                                             (gint64) (content->size - number));
      content_free (content);
    }
  msgpack_rpc_stream_encoder_finish (encoder);
  return TRUE;
}

static void
file_encoder_finalize (GObject *object)
{
  FileEncoder *self = FILE_ENCODER (object);

  g_object_unref (self->codec);
  g_variant_unref (self->message);
  G_OBJECT_CLASS (file_encoder_parent_class)->finalize (object);
}

static void
file_encoder_class_init (FileEncoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = file_encoder_finalize;
  MSGPACK_RPC_STREAM_ENCODER_CLASS (klass)->encode = file_encoder_encode;
}

static void
file_encoder_init (FileEncoder *self)
{
}

/* Has the content written behind what is there, or from the start. */
static gboolean
begin_content (FileDecoder  *self,
               const char   *token,
               guint64       offset,
               GError      **error)
{
  Content *content = file_codec_take (self->codec, token, error);
  gboolean fits;

  if (content == NULL)
    return FALSE;

  fits = offset == content->offset ||
         (offset == 0 && ftruncate (content->fd, 0) == 0 && lseek (content->fd, 0, SEEK_SET) == 0);
  if (fits)
    msgpack_rpc_stream_decoder_write_to (MSGPACK_RPC_STREAM_DECODER (self),
                                         G_OUTPUT_STREAM (content->stream),
                                         content->size - offset);
  else
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                         "The content begins where it must not");
  content_free (content);
  return fits;
}

static gboolean
file_decoder_decode (MsgpackRpcStreamDecoder  *decoder,
                     GBytes                   *input,
                     gsize                    *used,
                     GError                  **error)
{
  FileDecoder *self = FILE_DECODER (decoder);
  gsize available;
  const guint8 *data = g_bytes_get_data (input, &available);
  g_autofree char *text = NULL;
  guint64 number;
  guint16 length;

  /* The content was written. */
  if (self->message != NULL)
    {
      msgpack_rpc_stream_decoder_finish (decoder, self->message);
      return TRUE;
    }
  if (available < HEADER)
    return TRUE;

  memcpy (&number, data + 1, sizeof number);
  memcpy (&length, data + 9, sizeof length);
  number = GUINT64_FROM_BE (number);
  length = GUINT16_FROM_BE (length);
  if (strchr ("ogcdr", data[0]) == NULL || data[0] == '\0' ||
      length > MAX_TEXT || number > G_MAXINT64)
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "The peer does not send files");
      return FALSE;
    }
  if (available < HEADER + (gsize) length)
    return TRUE;

  text = g_strndup ((const char *) data + HEADER, length);
  if (!g_utf8_validate_len (text, length, NULL))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "The text in a message is none");
      return FALSE;
    }

  *used = HEADER + (gsize) length;
  self->message = g_variant_ref_sink (g_variant_new ("(yts)", data[0], number, text));
  if (data[0] == CONTENT)
    return begin_content (self, text, number, error);

  msgpack_rpc_stream_decoder_finish (decoder, self->message);
  return TRUE;
}

static void
file_decoder_finalize (GObject *object)
{
  FileDecoder *self = FILE_DECODER (object);

  g_object_unref (self->codec);
  g_clear_pointer (&self->message, g_variant_unref);
  G_OBJECT_CLASS (file_decoder_parent_class)->finalize (object);
}

static void
file_decoder_class_init (FileDecoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = file_decoder_finalize;
  MSGPACK_RPC_STREAM_DECODER_CLASS (klass)->decode = file_decoder_decode;
}

static void
file_decoder_init (FileDecoder *self)
{
}

static MsgpackRpcStreamEncoder *
file_codec_create_encoder (MsgpackRpcCodec  *codec,
                           GVariant         *message,
                           GError          **error)
{
  FileEncoder *encoder = g_object_new (FILE_TYPE_ENCODER, NULL);

  encoder->codec = g_object_ref (FILE_CODEC (codec));
  encoder->message = g_variant_ref (message);
  return MSGPACK_RPC_STREAM_ENCODER (encoder);
}

static MsgpackRpcStreamDecoder *
file_codec_create_decoder (MsgpackRpcCodec  *codec,
                           GError          **error)
{
  FileDecoder *decoder = g_object_new (FILE_TYPE_DECODER, NULL);

  decoder->codec = g_object_ref (FILE_CODEC (codec));
  return MSGPACK_RPC_STREAM_DECODER (decoder);
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->create_encoder = file_codec_create_encoder;
  iface->create_decoder = file_codec_create_decoder;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FileCodec, file_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static void
file_codec_finalize (GObject *object)
{
  g_hash_table_unref (FILE_CODEC (object)->contents);
  G_OBJECT_CLASS (file_codec_parent_class)->finalize (object);
}

static void
file_codec_class_init (FileCodecClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = file_codec_finalize;
}

static void
file_codec_init (FileCodec *self)
{
  self->contents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, content_free);
}
