/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

/* One more than the limit, so that our callback sees the container that goes over it. */
#define MSGPACK_EMBED_STACK_SIZE 41

#include <msgpack/sysdep.h>
#include <msgpack/unpack.h>
#include <msgpack/unpack_define.h>

#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-writer-private.h"

G_STATIC_ASSERT (MSGPACK_EMBED_STACK_SIZE == MSGPACK_RPC_LIMIT_DEPTH + 1);

/* What the parser calls. Its objects are what follows the values. */

static inline const Suffix *
decoder_callback_root (Writer *self)
{
  return NULL;
}

static inline int
decoder_callback_uint64 (Writer        *self,
                         guint64        value,
                         const Suffix **object)
{
  if (value <= G_MAXINT64)
    return writer_put_int (self, value, object);

  return writer_put (self, KIND_MAP_ANY, &value, sizeof value, &suffix_t, object);
}

#define DEFINE_INT_CALLBACK(name, type)           \
  static inline int                               \
  decoder_callback_##name (Writer        *self,   \
                           type           value,  \
                           const Suffix **object) \
  {                                               \
    return writer_put_int (self, value, object);  \
  }

DEFINE_INT_CALLBACK (uint8, guint8)
DEFINE_INT_CALLBACK (uint16, guint16)
DEFINE_INT_CALLBACK (uint32, guint32)
DEFINE_INT_CALLBACK (int8, gint8)
DEFINE_INT_CALLBACK (int16, gint16)
DEFINE_INT_CALLBACK (int32, gint32)
DEFINE_INT_CALLBACK (int64, gint64)

static inline int
decoder_callback_double (Writer        *self,
                         double         value,
                         const Suffix **object)
{
  return writer_put (self, KIND_MAP_ANY, &value, sizeof value, &suffix_d, object);
}

static inline int
decoder_callback_float (Writer        *self,
                        float          value,
                        const Suffix **object)
{
  return decoder_callback_double (self, value, object);
}

static inline int
decoder_callback_nil (Writer        *self,
                      const Suffix **object)
{
  return writer_put (self, KIND_MAP_ANY, "", 0, &suffix_mv, object);
}

static inline int
decoder_callback_true (Writer        *self,
                       const Suffix **object)
{
  return writer_put (self, KIND_MAP_ANY, "\1", 1, &suffix_b, object);
}

static inline int
decoder_callback_false (Writer        *self,
                        const Suffix **object)
{
  return writer_put (self, KIND_MAP_ANY, "\0", 1, &suffix_b, object);
}

/* Only the parser's own position says how much of the message has come. */
#define decoder_callback_array(self, n, object) \
  writer_put_container (self, KIND_ARRAY, n, p + 1, object)

static inline int
decoder_callback_array_item (Writer        *self,
                             const Suffix **array,
                             const Suffix  *item)
{
  if (item == &suffix_open && !writer_end_container (self, FALSE))
    return -1;

  return writer_end_item (self, self->top, self->length);
}

#define decoder_callback_map(self, n, object) \
  writer_put_container (self, KIND_MAP, n, p + 1, object)

static inline int
decoder_callback_map_item (Writer        *self,
                           const Suffix **map,
                           const Suffix  *key,
                           const Suffix  *value)
{
  gsize length;

  if (value == &suffix_open && !writer_end_container (self, FALSE))
    return -1;

  length = writer_end_entry (self, self->top);

  return writer_end_item (self, self->top, length);
}

static G_ALWAYS_INLINE inline int
decoder_callback_str (Writer        *self,
                      const char    *base,
                      const char    *str,
                      guint          length,
                      const Suffix **object)
{
  Container *container = self->top;
  gboolean is_key = container->expects_key;
  gsize start;
  guint8 *out;

  if (is_key && G_UNLIKELY (container->kind != KIND_MAP_STR && container->kind != KIND_MAP))
    return writer_put_str (self, str, length, object);

  if (!writer_begin (self, (gsize) length + 1, &start))
    return -1;

  out = self->data + start;
  if (G_UNLIKELY (!copy_ascii (out, str, length)))
    return writer_put_str (self, str, length, object);

  out[length] = '\0';
  *object = &suffix_s;

  if (is_key)
    {
      container->kind = KIND_MAP_STR;
      container->entry = start;
      container->key_end = length + 1;
      container->expects_key = FALSE;
      self->length = start + length + 1;
    }
  else
    {
      writer_end (self, container, start + length + 1, &suffix_s, FALSE);
    }

  return 0;
}

static inline int
decoder_callback_bin (Writer        *self,
                      const char    *base,
                      const char    *data,
                      guint          length,
                      const Suffix **object)
{
  if (self->in_place)
    return writer_put_body (self, length, &suffix_ay, object);

  return writer_put (self, KIND_MAP_ANY, length > 0 ? data : "", length, &suffix_ay, object);
}

/* @length is that of the body and the type before it; it is 0 when it overflowed. */
static inline int
decoder_callback_ext (Writer        *self,
                      const char    *base,
                      const char    *data,
                      guint          length,
                      const Suffix **object)
{
  if (length == 0)
    return writer_fail (self, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "extension length 0xffffffff",
                        0, 0);

  return writer_put_opaque (self, *(const gint8 *) data, (const guint8 *) data + 1, length - 1,
                            object);
}

#define msgpack_unpack_struct(name) struct decoder##name
#define msgpack_unpack_func(ret, name) static inline ret decoder##name
#define msgpack_unpack_callback(name) decoder_callback##name
#define msgpack_unpack_object const Suffix *
#define msgpack_unpack_user Writer

struct decoder_context;
typedef struct decoder_context decoder_context;

#include <msgpack/unpack_template.h>

struct _MsgpackRpcDecoder
{
  decoder_context context; /* its user is the writer, and comes first */
  guint64 offset;          /* of the first byte not consumed, in the stream */
  gsize wanted;            /* bytes behind it, before decoding can go on */
  gsize body;              /* how many of them have come already, and are where they stay */
};

static guint64
writer_count_remaining (Writer    *self,
                        Container *container)
{
  const decoder_context *context = (const decoder_context *) self;

  return context->stack[container - self->containers - 1].count;
}

static guint64
writer_count_pending (Writer *self)
{
  const decoder_context *context = (const decoder_context *) self;
  guint depth = self->top - self->containers;
  guint64 pending = 1;

  for (guint i = 0; i < depth; i++)
    {
      const struct decoder_stack *container = &context->stack[i];
      guint64 count = container->count;

      /* The one that is being put, or of which it is a part, is counted above. */
      if (container->ct == MSGPACK_CT_ARRAY_ITEM)
        pending += count - 1;
      else
        pending += 2 * count - (container->ct == MSGPACK_CT_MAP_VALUE ? 2 : 1);
    }

  return pending;
}

static void
decoder_reset (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;

  writer->length = 0;
  writer->guessed = FALSE;
  writer->next_end = writer->ends;
  writer->claimed = 0;
  writer->consumed = 0;
  writer->top = writer->containers;
  self->body = 0;

  decoder_init (&self->context);
}

/* GLib makes the description of a type anew whenever no value of it exists. */
static void
keep_type_descriptions (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      const GVariantType *type = G_VARIANT_TYPE ("(avmvaya{sv}a{xv}a(vv)(hay))");
      static GVariant *value;

      value = g_variant_ref_sink (g_variant_new_from_data (type, NULL, 0, FALSE, NULL, NULL));
      g_once_init_leave (&once, GPOINTER_TO_SIZE (value));
    }
}

MsgpackRpcDecoder *
_msgpack_rpc_decoder_new (void)
{
  MsgpackRpcDecoder *self = g_new0 (MsgpackRpcDecoder, 1);

  keep_type_descriptions ();

  self->context.user.settings.max_message_size = MSGPACK_RPC_DEFAULT_MAX_MESSAGE_SIZE;
  self->context.user.settings.max_decoded_size = MSGPACK_RPC_DEFAULT_MAX_DECODED_SIZE;
  self->context.user.settings.max_depth = MSGPACK_RPC_DEFAULT_MAX_DEPTH;
  self->context.user.expansion = DEFAULT_EXPANSION;
  self->context.user.failure = -1;
  decoder_reset (self);

  return self;
}

void
_msgpack_rpc_decoder_drop (MsgpackRpcDecoder *self)
{
  g_clear_pointer (&self->context.user.data, g_free);
  g_clear_pointer (&self->context.user.ends, g_free);
  self->body = 0;
}

void
_msgpack_rpc_decoder_free (MsgpackRpcDecoder *self)
{
  _msgpack_rpc_decoder_drop (self);
  g_free (self);
}

MsgpackRpcDecoderSettings *
_msgpack_rpc_decoder_settings (MsgpackRpcDecoder *self)
{
  return &self->context.user.settings;
}

gboolean
_msgpack_rpc_decoder_is_between_messages (MsgpackRpcDecoder *self)
{
  return self->context.user.consumed == 0;
}

guint64
_msgpack_rpc_decoder_get_offset (MsgpackRpcDecoder *self)
{
  return self->offset;
}

void
_msgpack_rpc_decoder_set_offset (MsgpackRpcDecoder *self,
                                 guint64            offset)
{
  self->offset = offset;
}

guint64
_msgpack_rpc_decoder_get_message_offset (MsgpackRpcDecoder *self)
{
  return self->offset - self->context.user.consumed;
}

gsize
_msgpack_rpc_decoder_get_wanted (MsgpackRpcDecoder *self)
{
  return self->wanted;
}

static GBytes *
writer_take_bytes (Writer *self)
{
  guint8 *data;

  if (self->data == self->scratch->data)
    return g_bytes_new (self->data, self->length);

  /* An eighth more, which is not too much to keep. */
  self->expansion = (guint64) self->length * 9 / self->consumed + 1;

  data = g_steal_pointer (&self->data);
  if (self->capacity - self->length > self->length / 4)
    data = g_realloc (data, self->length);

  return g_bytes_new_take (data, self->length);
}

/* Where the item begins that made the parser stop; of a body, where the body begins. */
static guint64
decoder_get_failure_offset (MsgpackRpcDecoder *self)
{
  if (self->context.cs == MSGPACK_CS_HEADER)
    return self->offset;

  if (self->context.cs < MSGPACK_ACS_STR_VALUE)
    return self->offset - self->context.trail;

  return self->offset + 1 - self->context.trail;
}

/* Not since what it decodes to is too large. */
static gboolean
decoder_has_left_frame (Writer *writer)
{
  return writer->failure == MSGPACK_RPC_ERROR_TOO_LARGE &&
         g_str_equal (writer->failure_what, "Message");
}

static MsgpackRpcDecoderStatus
decoder_fail (MsgpackRpcDecoder  *self,
              guint64             offset,
              guint8              byte,
              GError            **error)
{
  Writer *writer = &self->context.user;

  self->offset = offset;
  if (G_UNLIKELY (writer->settings.frame_size != 0) && decoder_has_left_frame (writer))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Message is longer than the %" G_GUINT64_FORMAT " bytes that were announced, "
                   "at offset %" G_GUINT64_FORMAT, writer->settings.frame_size, offset);
      return MSGPACK_RPC_DECODER_FAILED;
    }

  if (writer->failure == MSGPACK_RPC_ERROR_INVALID_MESSAGE)
    {
      offset += writer->failure_value;
      self->offset = offset;
    }

  switch (writer->failure)
    {
    case MSGPACK_RPC_ERROR_TOO_LARGE:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "%s too large: %" G_GUINT64_FORMAT " bytes or more, the limit is "
                   "%" G_GUINT64_FORMAT ", at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, writer->failure_value, writer->failure_limit, offset);
      break;

    case MSGPACK_RPC_ERROR_TOO_DEEP:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "%s too deep: %" G_GUINT64_FORMAT " levels or more, the limit is "
                   "%" G_GUINT64_FORMAT ", at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, writer->failure_value, writer->failure_limit, offset);
      break;

    case MSGPACK_RPC_ERROR_INVALID_MESSAGE:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "Invalid MessagePack: %s at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, offset);
      break;

    default:
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Invalid MessagePack: byte 0x%02x at offset %" G_GUINT64_FORMAT, byte, offset);
      break;
    }

  return MSGPACK_RPC_DECODER_FAILED;
}

/* How many bytes the item has that the parser is at. */
static gsize
decoder_get_item_size (MsgpackRpcDecoder *self)
{
  return self->context.cs == MSGPACK_CS_HEADER ? 1 : self->context.trail;
}

/* The parser has run out of bytes: whether what it waits for is within the limits. What is compared
 * with them never becomes less on the way, so it does not matter how often it is looked at: with each
 * value an aligned length grows by 8 or the size of the body at least. The ends of a container's items
 * count only as long as they are held. */
static gboolean
decoder_check_claim (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;
  guint64 wanted = decoder_get_item_size (self);
  guint64 others = writer_count_pending (writer) - 1;
  guint64 message_size = writer->consumed + wanted + others;
  guint64 body_size = self->context.cs >= MSGPACK_ACS_STR_VALUE ? wanted : 0;
  guint64 decoded_size = align8 (writer->length) + VALUE_MIN_SIZE * others;

  if (body_size > VALUE_MIN_SIZE)
    decoded_size += body_size - VALUE_MIN_SIZE;
  decoded_size = MAX (decoded_size, writer_used (writer) + body_size);

  if (message_size > writer->settings.max_message_size)
    {
      writer_fail (writer, MSGPACK_RPC_ERROR_TOO_LARGE, "Message",
                   writer->settings.max_message_size, message_size);
      return FALSE;
    }

  return decoded_size <= writer->settings.max_decoded_size ||
         writer_fail_decoded_size (writer, decoded_size);
}

/* More must come. Unless much of the message has, or will in one piece, it is begun anew then. */
static gboolean
decoder_suspend (MsgpackRpcDecoder *self,
                 gsize             *offset)
{
  Writer *writer = &self->context.user;
  guint64 consumed = writer->consumed;

  self->wanted = decoder_get_item_size (self);
  if (consumed > SMALL_MESSAGE ||
      (_msgpack_rpc_decoder_awaits_body (self) && writer->length <= SMALL_MESSAGE))
    return writer_leave (writer);

  self->wanted += consumed;
  self->offset -= consumed;
  *offset -= consumed;
  decoder_reset (self);

  return TRUE;
}

/* The message is no variant: its type is not written. */
static gboolean
decoder_end_message (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;
  const Suffix *suffix = decoder_data (&self->context);

  if (suffix != &suffix_open)
    writer->type = suffix;
  else if (!writer_end_container (writer, FALSE))
    return FALSE;

  writer->length -= writer->type->length;

  return TRUE;
}

/* Makes the message's value, of the type that is wanted if that is simple. */
static void
decoder_make_value (MsgpackRpcDecoder  *self,
                    const GVariantType *type,
                    MsgpackRpcDecoded  *decoded)
{
  Writer *writer = &self->context.user;
  MsgpackRpcPiece piece = { writer->type->text + 1, writer->type->length - 1, writer->data,
                            writer->length };

  if (type != NULL)
    decoded->value = _msgpack_rpc_retype_piece (&piece, type);

  if (decoded->value == NULL)
    {
      g_autoptr(GBytes) bytes = writer_take_bytes (writer);

      if (writer->settings.leaves_arrays && _msgpack_rpc_piece_is_array (&piece))
        decoded->array = g_steal_pointer (&bytes);
      else
        decoded->value = g_variant_take_ref (
            g_variant_new_from_bytes ((const GVariantType *) piece.type, bytes, TRUE));
    }

  decoder_reset (self);
}

/* Within a message only: a key, which may have to be moved, is none. */
gboolean
_msgpack_rpc_decoder_awaits_body (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;

  return self->context.cs == MSGPACK_ACS_BIN_VALUE && self->context.trail >= BODY_MIN_SIZE &&
         writer->consumed > 0 && !writer->top->expects_key;
}

gsize
_msgpack_rpc_decoder_get_body_length (MsgpackRpcDecoder *self)
{
  return self->body;
}

guint8 *
_msgpack_rpc_decoder_get_body_space (MsgpackRpcDecoder *self,
                                     gsize             *size)
{
  Writer *writer = &self->context.user;

  *size = MIN (*size, self->wanted - self->body);

  if (!writer_make_body_room (writer, self->wanted, self->body + *size))
    return NULL;

  return writer_body (writer) + self->body;
}

void
_msgpack_rpc_decoder_add_body (MsgpackRpcDecoder *self,
                               gsize              size)
{
  self->body += size;
}

MsgpackRpcDecoderStatus
_msgpack_rpc_decoder_decode_body (MsgpackRpcDecoder  *self,
                                  MsgpackRpcDecoded  *decoded,
                                  GError            **error)
{
  Writer *writer = &self->context.user;
  gsize length = self->body;
  gsize offset = 0;
  MsgpackRpcDecoderStatus status;

  writer->in_place = TRUE;
  status = _msgpack_rpc_decoder_decode (self, writer_body (writer), length, &offset, NULL, decoded,
                                        error);
  writer->in_place = FALSE;

  if (offset > 0 || status == MSGPACK_RPC_DECODER_FAILED)
    self->body = 0;

  return status;
}

static MsgpackRpcDecoderStatus
decoder_decode (MsgpackRpcDecoder   *self,
                const guint8        *data,
                gsize                length,
                gsize               *offset,
                const GVariantType  *type,
                MsgpackRpcDecoded   *decoded,
                GError             **error)
{
  Writer *writer = &self->context.user;
  gsize start = *offset;
  gsize end = length;
  int result = 0;

  if (writer->consumed < writer->settings.max_message_size)
    end = start + MIN (length - start, writer->settings.max_message_size - writer->consumed);
  else
    end = start;

  writer->available = writer->in_place ? 0 : end - start;
  writer_update_room (writer); /* the limits may have changed */
  if (start < end)
    {
      writer->input = data + start;
      result = decoder_execute (&self->context, (const char *) data, end, offset);
    }
  writer->consumed += *offset - start;
  self->offset += *offset - start;
  self->wanted = 1;

  /* What is in place may have moved, and is no byte that the parser does not know. */
  if (result < 0)
    return decoder_fail (self, decoder_get_failure_offset (self),
                         writer->in_place ? 0 : data[*offset], error);

  if (result == 0 &&
      (((writer->consumed > 0 || end < length) && !decoder_check_claim (self)) ||
       !decoder_suspend (self, offset)))
    return decoder_fail (self, self->offset, 0, error);

  if (result == 0)
    return MSGPACK_RPC_DECODER_MORE;

  if (!decoder_end_message (self))
    return decoder_fail (self, self->offset, 0, error);

  if (!writer->settings.alone || *offset == length)
    decoder_make_value (self, type, decoded);

  return MSGPACK_RPC_DECODER_DONE;
}

MsgpackRpcDecoderStatus
_msgpack_rpc_decoder_decode (MsgpackRpcDecoder   *self,
                             const guint8        *data,
                             gsize                length,
                             gsize               *offset,
                             const GVariantType  *type,
                             MsgpackRpcDecoded   *decoded,
                             GError             **error)
{
  Writer *writer = &self->context.user;
  MsgpackRpcDecoderStatus status;
  Scratch scratch;

  writer_enter (writer, &scratch);
  status = decoder_decode (self, data, length, offset, type, decoded, error);
  if (status != MSGPACK_RPC_DECODER_MORE || writer->consumed == 0)
    writer_drop (writer);
  writer->scratch = NULL;

  return status;
}

gsize
_msgpack_rpc_decoder_get_memory (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;

  if (writer->data == NULL)
    return 0;

  return writer->capacity + (gsize) (writer->ends_limit - writer->ends) * sizeof *writer->ends;
}
