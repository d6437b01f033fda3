/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <string.h>

#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-frame-private.h"
#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker-private.h"

/**
 * MsgpackRpcUnpacker:
 *
 * Reads MessagePack values, one after another, from a stream of bytes that come in pieces of any
 * size.
 *
 * Give it what was read with [method@Unpacker.feed], then call [method@Unpacker.next] until it
 * returns `NULL`. The types of the values are those of [func@unpack].
 *
 * ```c
 * msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
 * while ((value = msgpack_rpc_unpacker_next (unpacker, &error)) != NULL)
 *   {
 *     handle_message (value);
 *     g_variant_unref (value);
 *   }
 * ```
 *
 * Limits guard against a peer that sends too much. They hold for each message by itself, and are
 * checked as soon as the header of an item shows that the message will go beyond: no memory is
 * taken because a header claims that data will come. Once a message is invalid or beyond a limit,
 * the unpacker stays failed: where the next message begins cannot be known.
 *
 * An unpacker may be used from any thread, but from one at a time only.
 *
 * Since: 1.0
 */

/* How much is copied at least of what was lent, to complete what had come before. */
#define MIN_COPIED 256

/* A buffer of more shrinks when little is left in it. */
#define SMALL_BUFFER_SIZE 4096

/* Only bodies of which that much has come, and is to come, are read to where they are decoded. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define MIN_BODY_READ 16
#else
#define MIN_BODY_READ (16 * 1024)
#endif

struct _MsgpackRpcUnpacker
{
  GObject parent_instance;

  MsgpackRpcDecoder *decoder;

  /* Bytes not yet decoded: those from start to end. */
  guint8 *buffer;
  gsize capacity;
  gsize start;
  gsize end;

  /* Those behind them, which are decoded where they are. */
  const guint8 *lent;
  gsize lent_start;
  gsize lent_end;
  GBytes *lent_bytes; /* that they are in, or NULL */

  GError *failure; /* what every next () returns from now on */
  gboolean require_array;

  gboolean framed;
  guint64 max_size;    /* the limit for a message, of one that is framed */
  guint64 frame_size;  /* of the message that next () is at; 0: its length has not come */
  guint64 frame_start; /* where it begins */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcUnpacker, msgpack_rpc_unpacker, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_MAX_MESSAGE_SIZE,
  PROP_MAX_DECODED_SIZE,
  PROP_MAX_DEPTH,
  PROP_STRING_POLICY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_unpacker_finalize (GObject *object)
{
  MsgpackRpcUnpacker *self = MSGPACK_RPC_UNPACKER (object);

  _msgpack_rpc_decoder_free (self->decoder);
  g_free (self->buffer);
  g_clear_pointer (&self->lent_bytes, g_bytes_unref);
  g_clear_error (&self->failure);

  G_OBJECT_CLASS (msgpack_rpc_unpacker_parent_class)->finalize (object);
}

static void
msgpack_rpc_unpacker_get_property (GObject    *object,
                                   guint       property_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  MsgpackRpcUnpacker *self = MSGPACK_RPC_UNPACKER (object);

  switch (property_id)
    {
    case PROP_MAX_MESSAGE_SIZE:
      g_value_set_uint64 (value, msgpack_rpc_unpacker_get_max_message_size (self));
      break;

    case PROP_MAX_DECODED_SIZE:
      g_value_set_uint64 (value, msgpack_rpc_unpacker_get_max_decoded_size (self));
      break;

    case PROP_MAX_DEPTH:
      g_value_set_uint (value, msgpack_rpc_unpacker_get_max_depth (self));
      break;

    case PROP_STRING_POLICY:
      g_value_set_enum (value, (int) msgpack_rpc_unpacker_get_string_policy (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
msgpack_rpc_unpacker_set_property (GObject      *object,
                                   guint         property_id,
                                   const GValue *value,
                                   GParamSpec   *pspec)
{
  MsgpackRpcUnpacker *self = MSGPACK_RPC_UNPACKER (object);

  switch (property_id)
    {
    case PROP_MAX_MESSAGE_SIZE:
      msgpack_rpc_unpacker_set_max_message_size (self, g_value_get_uint64 (value));
      break;

    case PROP_MAX_DECODED_SIZE:
      msgpack_rpc_unpacker_set_max_decoded_size (self, g_value_get_uint64 (value));
      break;

    case PROP_MAX_DEPTH:
      msgpack_rpc_unpacker_set_max_depth (self, g_value_get_uint (value));
      break;

    case PROP_STRING_POLICY:
      msgpack_rpc_unpacker_set_string_policy (self,
                                              (MsgpackRpcStringPolicy) g_value_get_enum (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
msgpack_rpc_unpacker_class_init (MsgpackRpcUnpackerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = msgpack_rpc_unpacker_finalize;
  object_class->get_property = msgpack_rpc_unpacker_get_property;
  object_class->set_property = msgpack_rpc_unpacker_set_property;

  /**
   * MsgpackRpcUnpacker:max-message-size:
   *
   * How many bytes one message may have, at most 4 GiB − 1.
   *
   * Going over fails with `MSGPACK_RPC_ERROR_TOO_LARGE`.
   *
   * Since: 1.0
   */
  props[PROP_MAX_MESSAGE_SIZE] =
    g_param_spec_uint64 ("max-message-size", NULL, NULL,
                         1, G_MAXUINT32, MSGPACK_RPC_DEFAULT_MAX_MESSAGE_SIZE, flags);

  /**
   * MsgpackRpcUnpacker:max-decoded-size:
   *
   * How many bytes of memory decoding one message may take, at most 4 GiB − 1. That is a little
   * more than the size of the value that comes out of it, as [method@GLib.Variant.get_size] has it.
   *
   * An array of small numbers takes twenty times the bytes it has in the message. Going over fails
   * with `MSGPACK_RPC_ERROR_TOO_LARGE`.
   *
   * Since: 1.0
   */
  props[PROP_MAX_DECODED_SIZE] =
    g_param_spec_uint64 ("max-decoded-size", NULL, NULL,
                         1, MSGPACK_RPC_LIMIT_DECODED_SIZE, MSGPACK_RPC_DEFAULT_MAX_DECODED_SIZE,
                         flags);

  /**
   * MsgpackRpcUnpacker:max-depth:
   *
   * How many arrays and maps may be within one another, at most 40: GVariant can hold no more.
   *
   * Going over fails with `MSGPACK_RPC_ERROR_TOO_DEEP`.
   *
   * Since: 1.0
   */
  props[PROP_MAX_DEPTH] =
    g_param_spec_uint ("max-depth", NULL, NULL,
                       0, MSGPACK_RPC_LIMIT_DEPTH, MSGPACK_RPC_DEFAULT_MAX_DEPTH, flags);

  /**
   * MsgpackRpcUnpacker:string-policy:
   *
   * What becomes of a str that is not valid UTF-8, or has a NUL in it.
   *
   * Since: 1.0
   */
  props[PROP_STRING_POLICY] =
    g_param_spec_enum ("string-policy", NULL, NULL, MSGPACK_RPC_TYPE_STRING_POLICY,
                       MSGPACK_RPC_STRING_POLICY_RAW, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_unpacker_init (MsgpackRpcUnpacker *self)
{
  self->decoder = _msgpack_rpc_decoder_new ();
}

/**
 * msgpack_rpc_unpacker_new:
 *
 * Makes an unpacker with the default limits.
 *
 * Returns: (transfer full): a new unpacker
 *
 * Since: 1.0
 */
MsgpackRpcUnpacker *
msgpack_rpc_unpacker_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_UNPACKER, NULL);
}

/**
 * msgpack_rpc_unpacker_get_max_message_size: (get-property max-message-size)
 * @self: an unpacker
 *
 * Gets how many bytes one message may have.
 *
 * Returns: a number of bytes
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_unpacker_get_max_message_size (MsgpackRpcUnpacker *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), 0);

  return _msgpack_rpc_decoder_settings (self->decoder)->max_message_size;
}

/**
 * msgpack_rpc_unpacker_set_max_message_size: (set-property max-message-size)
 * @self: an unpacker
 * @max_message_size: a number of bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes one message may have, the one being read included. The default is 64 MiB.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_set_max_message_size (MsgpackRpcUnpacker *self,
                                           guint64             max_message_size)
{
  MsgpackRpcDecoderSettings *settings;

  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));
  g_return_if_fail (max_message_size > 0 && max_message_size <= G_MAXUINT32);

  settings = _msgpack_rpc_decoder_settings (self->decoder);
  if (settings->max_message_size == max_message_size)
    return;

  settings->max_message_size = max_message_size;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_MESSAGE_SIZE]);
}

/**
 * msgpack_rpc_unpacker_get_max_decoded_size: (get-property max-decoded-size)
 * @self: an unpacker
 *
 * Gets how many bytes of memory decoding one message may take.
 *
 * Returns: a number of bytes
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_unpacker_get_max_decoded_size (MsgpackRpcUnpacker *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), 0);

  return _msgpack_rpc_decoder_settings (self->decoder)->max_decoded_size;
}

/**
 * msgpack_rpc_unpacker_set_max_decoded_size: (set-property max-decoded-size)
 * @self: an unpacker
 * @max_decoded_size: a number of bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes of memory decoding one message may take, the one being read included. The
 * default is 256 MiB.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_set_max_decoded_size (MsgpackRpcUnpacker *self,
                                           guint64             max_decoded_size)
{
  MsgpackRpcDecoderSettings *settings;

  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));
  g_return_if_fail (max_decoded_size > 0 && max_decoded_size <= MSGPACK_RPC_LIMIT_DECODED_SIZE);

  settings = _msgpack_rpc_decoder_settings (self->decoder);
  if (settings->max_decoded_size == max_decoded_size)
    return;

  settings->max_decoded_size = max_decoded_size;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_DECODED_SIZE]);
}

/**
 * msgpack_rpc_unpacker_get_max_depth: (get-property max-depth)
 * @self: an unpacker
 *
 * Gets how many arrays and maps may be within one another.
 *
 * Returns: a number of levels
 *
 * Since: 1.0
 */
guint
msgpack_rpc_unpacker_get_max_depth (MsgpackRpcUnpacker *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), 0);

  return _msgpack_rpc_decoder_settings (self->decoder)->max_depth;
}

/**
 * msgpack_rpc_unpacker_set_max_depth: (set-property max-depth)
 * @self: an unpacker
 * @max_depth: a number of levels, from 0 to 40
 *
 * Sets how many arrays and maps may be within one another. The default is 32.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_set_max_depth (MsgpackRpcUnpacker *self,
                                    guint               max_depth)
{
  MsgpackRpcDecoderSettings *settings;

  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));
  g_return_if_fail (max_depth <= MSGPACK_RPC_LIMIT_DEPTH);

  settings = _msgpack_rpc_decoder_settings (self->decoder);
  if (settings->max_depth == max_depth)
    return;

  settings->max_depth = max_depth;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_DEPTH]);
}

/**
 * msgpack_rpc_unpacker_get_string_policy: (get-property string-policy)
 * @self: an unpacker
 *
 * Gets what becomes of a str that is not valid UTF-8, or has a NUL in it.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
MsgpackRpcStringPolicy
msgpack_rpc_unpacker_get_string_policy (MsgpackRpcUnpacker *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), MSGPACK_RPC_STRING_POLICY_RAW);

  return _msgpack_rpc_decoder_settings (self->decoder)->string_policy;
}

/**
 * msgpack_rpc_unpacker_set_string_policy: (set-property string-policy)
 * @self: an unpacker
 * @policy: a policy
 *
 * Sets what becomes of a str that is not valid UTF-8, or has a NUL in it. It holds for each str
 * that has not been decoded yet, which those of a message being read may be or not. The default is
 * `MSGPACK_RPC_STRING_POLICY_RAW`.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_set_string_policy (MsgpackRpcUnpacker     *self,
                                        MsgpackRpcStringPolicy  policy)
{
  MsgpackRpcDecoderSettings *settings;

  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));

  settings = _msgpack_rpc_decoder_settings (self->decoder);
  if (settings->string_policy == policy)
    return;

  settings->string_policy = policy;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STRING_POLICY]);
}

static gsize
unpacker_get_lent (MsgpackRpcUnpacker *self)
{
  return self->lent_end - self->lent_start;
}

/* Bytes that the decoder has not seen. */
static gsize
unpacker_get_pending (MsgpackRpcUnpacker *self)
{
  return self->end - self->start + unpacker_get_lent (self);
}

static void
unpacker_drop_lent (MsgpackRpcUnpacker *self)
{
  self->lent = NULL;
  self->lent_start = 0;
  self->lent_end = 0;
  g_clear_pointer (&self->lent_bytes, g_bytes_unref);
}

static void
unpacker_free_buffer (MsgpackRpcUnpacker *self)
{
  g_clear_pointer (&self->buffer, g_free);
  self->capacity = 0;
  self->start = 0;
  self->end = 0;
}

static void
unpacker_fail (MsgpackRpcUnpacker *self,
               GError             *error)
{
  self->failure = error;
  _msgpack_rpc_decoder_drop (self->decoder);
  unpacker_free_buffer (self);
  unpacker_drop_lent (self);
}

static void
unpacker_fail_without_memory (MsgpackRpcUnpacker *self,
                              gsize               length)
{
  unpacker_fail (self, g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                                    "No memory for %" G_GSIZE_FORMAT " bytes more at offset "
                                    "%" G_GUINT64_FORMAT, length,
                                    _msgpack_rpc_decoder_get_offset (self->decoder)));
}

static void
unpacker_compact (MsgpackRpcUnpacker *self)
{
  if (self->start > 0)
    memmove (self->buffer, self->buffer + self->start, self->end - self->start);

  self->end -= self->start;
  self->start = 0;
}

static gboolean
unpacker_resize (MsgpackRpcUnpacker *self,
                 gsize               capacity)
{
  guint8 *buffer = g_try_realloc (self->buffer, capacity);

  if (buffer == NULL)
    return FALSE;

  self->buffer = buffer;
  self->capacity = capacity;

  return TRUE;
}

/* Doubles the buffer, but not beyond what the message being decoded waits for. */
static gboolean
unpacker_reserve (MsgpackRpcUnpacker *self,
                  gsize               length)
{
  gsize wanted = _msgpack_rpc_decoder_get_wanted (self->decoder);
  gsize capacity;

  if (length <= self->capacity - self->end)
    return TRUE;

  /* Each byte is moved once on average. */
  if (self->start > self->end - self->start)
    unpacker_compact (self);

  if (length <= self->capacity - self->end)
    return TRUE;

  unpacker_compact (self);
  if (length > G_MAXSIZE / 4 - self->end)
    return FALSE;

  capacity = 2 * self->capacity;
  if (wanted > self->end)
    capacity = MIN (capacity, wanted);

  return unpacker_resize (self, MAX (capacity, self->end + length));
}

static void
unpacker_append (MsgpackRpcUnpacker *self,
                 const guint8       *data,
                 gsize               length)
{
  if (!unpacker_reserve (self, length))
    {
      unpacker_fail_without_memory (self, length);
      return;
    }

  memcpy (self->buffer + self->end, data, length);
  self->end += length;
}

/* What is in the buffer does not suffice: copies of what was lent as much as completes it, or so it
 * seems. FALSE if there is nothing more. */
static gboolean
unpacker_complete (MsgpackRpcUnpacker *self)
{
  gsize wanted = _msgpack_rpc_decoder_get_wanted (self->decoder);
  gsize held = self->end - self->start;
  gsize length = MAX (wanted - MIN (wanted, held), MIN_COPIED);
  const guint8 *data;

  if (unpacker_get_lent (self) == 0)
    return FALSE;

  if (held > 0)
    {
      length = MIN (length, unpacker_get_lent (self));
      data = self->lent + self->lent_start;
      self->lent_start += length;
      unpacker_append (self, data, length);
    }

  return TRUE;
}

/* Whatever has been used goes. */
static void
unpacker_trim (MsgpackRpcUnpacker *self)
{
  gsize held = self->end - self->start;

  if (held == 0)
    unpacker_free_buffer (self);
  else if (self->capacity > SMALL_BUFFER_SIZE && held < self->capacity / 4 &&
           _msgpack_rpc_decoder_get_wanted (self->decoder) < self->capacity / 4)
    {
      unpacker_compact (self);
      unpacker_resize (self, held);
    }

  if (unpacker_get_lent (self) == 0)
    unpacker_drop_lent (self);
}

/**
 * msgpack_rpc_unpacker_feed:
 * @self: an unpacker
 * @data: (array length=length): bytes that were read
 * @length: how many
 *
 * Adds what was read to what the unpacker has. The bytes are copied; with
 * [method@Unpacker.feed_bytes] they are not.
 *
 * A failed unpacker ignores them.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_feed (MsgpackRpcUnpacker *self,
                           const guint8       *data,
                           gsize               length)
{
  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));
  g_return_if_fail (data != NULL || length == 0);

  if (length == 0)
    return;

  _msgpack_rpc_unpacker_keep (self);
  if (self->failure == NULL)
    unpacker_append (self, data, length);
}

/**
 * msgpack_rpc_unpacker_feed_bytes: (rename-to msgpack_rpc_unpacker_feed)
 * @self: an unpacker
 * @bytes: bytes that were read
 *
 * Adds what was read to what the unpacker has.
 *
 * Messages are decoded where they are in @bytes, which the unpacker holds until it has returned
 * those that are complete, or until it is fed again. Only the part of a message at the end is
 * copied.
 *
 * A failed unpacker ignores them.
 *
 * Since: 1.0
 */
void
msgpack_rpc_unpacker_feed_bytes (MsgpackRpcUnpacker *self,
                                 GBytes             *bytes)
{
  const guint8 *data;
  gsize length;

  g_return_if_fail (MSGPACK_RPC_IS_UNPACKER (self));
  g_return_if_fail (bytes != NULL);

  data = g_bytes_get_data (bytes, &length);
  if (length == 0)
    return;

  _msgpack_rpc_unpacker_lend (self, data, length);
  if (self->failure == NULL)
    self->lent_bytes = g_bytes_ref (bytes);
}

static gboolean
unpacker_check_array (MsgpackRpcUnpacker *self,
                      const guint8       *data,
                      gsize               start,
                      gsize               end)
{
  g_autofree char *shown = NULL;

  if (!self->require_array || start == end ||
      !_msgpack_rpc_decoder_is_between_messages (self->decoder))
    return TRUE;

  if ((data[start] & 0xf0) == 0x90 || data[start] == 0xdc || data[start] == 0xdd)
    return TRUE;

  shown = _msgpack_rpc_show_bytes (data + start, end - start);
  unpacker_fail (self, g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                                    "expected a message (an array), got %s at offset "
                                    "%" G_GUINT64_FORMAT, shown,
                                    _msgpack_rpc_decoder_get_offset (self->decoder)));

  return FALSE;
}

/* ---- lengths before messages ---- */

/* It is but a number, so nothing is taken for what it claims. */
static MsgpackRpcDecoderStatus
unpacker_decode_length (MsgpackRpcUnpacker *self,
                        const guint8       *data,
                        gsize              *start,
                        gsize               end)
{
  MsgpackRpcDecoderSettings *settings = _msgpack_rpc_decoder_settings (self->decoder);
  guint64 offset = _msgpack_rpc_decoder_get_offset (self->decoder);
  GError *error = NULL;
  gsize size;

  /* There may be no buffer yet. */
  if (*start == end)
    return MSGPACK_RPC_DECODER_MORE;
  if (!_msgpack_rpc_frame_read (data + *start, end - *start, self->max_size, offset, &size,
                                &self->frame_size, &error))
    {
      unpacker_fail (self, error);
      return MSGPACK_RPC_DECODER_FAILED;
    }
  if (size == 0)
    return MSGPACK_RPC_DECODER_MORE;

  *start += size;
  self->frame_start = offset + size;
  _msgpack_rpc_decoder_set_offset (self->decoder, self->frame_start);
  settings->frame_size = self->frame_size;
  settings->max_message_size = self->frame_size;
  return MSGPACK_RPC_DECODER_DONE;
}

static void
unpacker_end_frame (MsgpackRpcUnpacker *self)
{
  MsgpackRpcDecoderSettings *settings = _msgpack_rpc_decoder_settings (self->decoder);

  self->frame_size = 0;
  settings->frame_size = 0;
  settings->max_message_size = self->max_size;
}

/* It can have been no more: that was its limit. FALSE if it was less. */
static gboolean
unpacker_leave_frame (MsgpackRpcUnpacker *self,
                      MsgpackRpcDecoded  *decoded)
{
  guint64 announced = self->frame_size;
  guint64 size = _msgpack_rpc_decoder_get_offset (self->decoder) - self->frame_start;

  unpacker_end_frame (self);
  if (size == announced)
    return TRUE;

  g_clear_pointer (&decoded->value, g_variant_unref);
  g_clear_pointer (&decoded->array, g_bytes_unref);
  unpacker_fail (self, g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                                    "Message at offset %" G_GUINT64_FORMAT " has %" G_GUINT64_FORMAT
                                    " bytes, not the %" G_GUINT64_FORMAT " that were announced",
                                    self->frame_start, size, announced));
  return FALSE;
}

void
_msgpack_rpc_unpacker_set_framed (MsgpackRpcUnpacker *self,
                                  gboolean            framed)
{
  if (self->framed && !framed)
    unpacker_end_frame (self);
  self->framed = framed;
}

/* ---- messages ---- */

static MsgpackRpcDecoderStatus
unpacker_decode (MsgpackRpcUnpacker  *self,
                 gboolean             in_buffer,
                 MsgpackRpcDecoded   *decoded)
{
  const guint8 *data = in_buffer ? self->buffer : self->lent;
  gsize *start = in_buffer ? &self->start : &self->lent_start;
  gsize end = in_buffer ? self->end : self->lent_end;
  MsgpackRpcDecoderStatus status;
  GError *error = NULL;

  if (G_UNLIKELY (self->framed) && self->frame_size == 0)
    {
      status = unpacker_decode_length (self, data, start, end);
      if (status != MSGPACK_RPC_DECODER_DONE)
        return status;
    }

  if (!unpacker_check_array (self, data, *start, end))
    return MSGPACK_RPC_DECODER_FAILED;

  status = _msgpack_rpc_decoder_decode (self->decoder, data, end, start, NULL, decoded, &error);
  if (status == MSGPACK_RPC_DECODER_FAILED)
    unpacker_fail (self, error);

  return status;
}

/* Moves what has come of a large bin to where the decoder wants it. */
static void
unpacker_fill_body (MsgpackRpcUnpacker *self)
{
  while (_msgpack_rpc_decoder_get_body_length (self->decoder) <
         _msgpack_rpc_decoder_get_wanted (self->decoder))
    {
      gboolean in_buffer = self->start < self->end;
      const guint8 *data = in_buffer ? self->buffer : self->lent;
      gsize *start = in_buffer ? &self->start : &self->lent_start;
      gsize length = (in_buffer ? self->end : self->lent_end) - *start;
      gsize size = length;
      guint8 *space;

      if (length == 0)
        return;

      space = _msgpack_rpc_decoder_get_body_space (self->decoder, &size);
      if (space == NULL)
        {
          unpacker_fail_without_memory (self, size);
          return;
        }

      memcpy (space, data + *start, size);
      *start += size;
      _msgpack_rpc_decoder_add_body (self->decoder, size);
    }
}

static MsgpackRpcDecoderStatus
unpacker_decode_body (MsgpackRpcUnpacker *self,
                      MsgpackRpcDecoded  *decoded)
{
  MsgpackRpcDecoderStatus status;
  GError *error = NULL;

  unpacker_fill_body (self);
  if (self->failure != NULL)
    return MSGPACK_RPC_DECODER_FAILED;

  /* What has not all come is compared with the limits, which may have changed. */
  status = _msgpack_rpc_decoder_decode_body (self->decoder, decoded, &error);
  if (status == MSGPACK_RPC_DECODER_FAILED)
    unpacker_fail (self, error);

  return status;
}

/* The decoder needs more: whether there is something that it has not seen, or a failure. */
static gboolean
unpacker_has_more (MsgpackRpcUnpacker *self,
                   gboolean            was_body,
                   gboolean            was_in_buffer)
{
  if (was_body || _msgpack_rpc_decoder_awaits_body (self->decoder))
    return unpacker_get_pending (self) > 0;

  if (!was_in_buffer)
    _msgpack_rpc_unpacker_keep (self);

  return self->failure != NULL || unpacker_complete (self);
}

/* Both are NULL, and there may be no error, if no message is complete. */
static MsgpackRpcDecoded
unpacker_next (MsgpackRpcUnpacker  *self,
               GError             **error)
{
  MsgpackRpcDecoded decoded = { NULL };

  while (self->failure == NULL)
    {
      gboolean in_buffer = self->start < self->end;
      gboolean is_body = _msgpack_rpc_decoder_awaits_body (self->decoder);
      MsgpackRpcDecoderStatus status;

      if (is_body)
        status = unpacker_decode_body (self, &decoded);
      else
        status = unpacker_decode (self, in_buffer, &decoded);

      if (G_UNLIKELY (self->framed) && status == MSGPACK_RPC_DECODER_DONE &&
          !unpacker_leave_frame (self, &decoded))
        break;
      if (status == MSGPACK_RPC_DECODER_DONE ||
          (status == MSGPACK_RPC_DECODER_MORE && !unpacker_has_more (self, is_body, in_buffer)))
        {
          unpacker_trim (self);
          return decoded;
        }
    }

  if (error != NULL)
    *error = g_error_copy (self->failure);

  return decoded;
}

/**
 * msgpack_rpc_unpacker_next:
 * @self: an unpacker
 * @error: return location for an error
 *
 * Gets the next message.
 *
 * Fails with `MSGPACK_RPC_ERROR_INVALID_MESSAGE` on bytes that are no MessagePack and on a str that
 * [property@Unpacker:string-policy] does not allow, with `MSGPACK_RPC_ERROR_TOO_LARGE` and
 * `MSGPACK_RPC_ERROR_TOO_DEEP` on a message beyond the limits; the text names the limit, the value,
 * and the offset in the stream. From then on each call fails with the same error.
 *
 * Returns: (transfer full) (nullable): the value, not floating; `NULL` without @error set if more
 *   bytes are needed, `NULL` with @error set on failure
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_unpacker_next (MsgpackRpcUnpacker  *self,
                           GError             **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  _msgpack_rpc_decoder_settings (self->decoder)->leaves_arrays = FALSE;

  return unpacker_next (self, error).value;
}

GBytes *
_msgpack_rpc_unpacker_next_array (MsgpackRpcUnpacker  *self,
                                  GError             **error)
{
  _msgpack_rpc_decoder_settings (self->decoder)->leaves_arrays = TRUE;

  return unpacker_next (self, error).array;
}

/**
 * msgpack_rpc_unpacker_get_offset:
 * @self: an unpacker
 *
 * Gets how far in the stream [method@Unpacker.next] has come: how many of the bytes that the
 * unpacker was fed in all are behind it.
 *
 * When a message was returned, the next one begins there. When one is not complete, some of its bytes
 * may be counted. When the unpacker has failed, the item begins there that is invalid, or goes beyond a
 * limit.
 *
 * Returns: a number of bytes
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_unpacker_get_offset (MsgpackRpcUnpacker *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), 0);

  return _msgpack_rpc_decoder_get_offset (self->decoder);
}

/**
 * msgpack_rpc_unpacker_finish:
 * @self: an unpacker
 * @error: return location for an error
 *
 * Checks that the stream did not end within a message. Call it at the end of the stream, when
 * [method@Unpacker.next] has returned `NULL`.
 *
 * If bytes are left, it fails with `MSGPACK_RPC_ERROR_INVALID_MESSAGE`; if the unpacker has failed
 * before, with that error. From then on each call fails with the same error.
 *
 * Returns: `TRUE` if nothing is left, `FALSE` with @error set otherwise
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_unpacker_finish (MsgpackRpcUnpacker  *self,
                             GError             **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_UNPACKER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->failure == NULL && !_msgpack_rpc_unpacker_is_empty (self))
    {
      guint64 offset = _msgpack_rpc_decoder_get_message_offset (self->decoder);
      guint64 end = _msgpack_rpc_decoder_get_offset (self->decoder) +
                    _msgpack_rpc_unpacker_get_buffered (self);

      unpacker_fail (self, g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                                        "Message cut short: the stream ends %" G_GUINT64_FORMAT
                                        " bytes into a message at offset %" G_GUINT64_FORMAT,
                                        end - offset, offset));
    }

  if (self->failure != NULL && error != NULL)
    *error = g_error_copy (self->failure);

  return self->failure == NULL;
}

void
_msgpack_rpc_unpacker_set_limits (MsgpackRpcUnpacker *self,
                                  guint               max_message_size,
                                  guint               max_decoded_size,
                                  guint               max_depth)
{
  MsgpackRpcDecoderSettings *settings = _msgpack_rpc_decoder_settings (self->decoder);

  self->max_size = max_message_size;
  /* One that has begun has its own. */
  if (G_LIKELY (self->frame_size == 0))
    settings->max_message_size = max_message_size;
  settings->max_decoded_size = max_decoded_size;
  settings->max_depth = max_depth;
}

void
_msgpack_rpc_unpacker_set_require_array (MsgpackRpcUnpacker *self,
                                         gboolean            require_array)
{
  self->require_array = require_array;
}

static guint8 *
unpacker_get_body_space (MsgpackRpcUnpacker *self,
                         gsize              *size)
{
  gsize held = _msgpack_rpc_decoder_get_body_length (self->decoder);
  gsize missing = _msgpack_rpc_decoder_get_wanted (self->decoder) - held;
  guint8 *space;

  if (self->failure != NULL || unpacker_get_pending (self) > 0 ||
      held < MIN_BODY_READ || missing < MIN_BODY_READ)
    return NULL;

  space = _msgpack_rpc_decoder_get_body_space (self->decoder, &held);
  if (space != NULL)
    *size = held;

  return space;
}

guint8 *
_msgpack_rpc_unpacker_get_space (MsgpackRpcUnpacker *self,
                                 gsize              *size)
{
  gsize wanted = _msgpack_rpc_decoder_get_wanted (self->decoder);
  gsize held = self->end - self->start;
  gsize missing = wanted - MIN (wanted, held);

  if (_msgpack_rpc_decoder_awaits_body (self->decoder))
    return unpacker_get_body_space (self, size);

  if (self->failure != NULL || unpacker_get_lent (self) > 0 ||
      held < MIN_BODY_READ || missing < MIN_BODY_READ)
    return NULL;

  if (!unpacker_reserve (self, MIN (missing, held)))
    return NULL;

  *size = MIN (missing, held);
  return self->buffer + self->end;
}

void
_msgpack_rpc_unpacker_commit (MsgpackRpcUnpacker *self,
                              gsize               size)
{
  if (_msgpack_rpc_decoder_awaits_body (self->decoder))
    _msgpack_rpc_decoder_add_body (self->decoder, size);
  else
    self->end += size;
}

void
_msgpack_rpc_unpacker_lend (MsgpackRpcUnpacker *self,
                            const guint8       *data,
                            gsize               length)
{
  _msgpack_rpc_unpacker_keep (self);
  if (self->failure != NULL)
    return;

  self->lent = data;
  self->lent_end = length;
}

void
_msgpack_rpc_unpacker_keep (MsgpackRpcUnpacker *self)
{
  gsize length = unpacker_get_lent (self);

  if (length > 0)
    unpacker_append (self, self->lent + self->lent_start, length);

  unpacker_drop_lent (self);
}

gboolean
_msgpack_rpc_unpacker_is_empty (MsgpackRpcUnpacker *self)
{
  return _msgpack_rpc_unpacker_get_buffered (self) == 0 && self->frame_size == 0 &&
         _msgpack_rpc_decoder_is_between_messages (self->decoder);
}

guint64
_msgpack_rpc_unpacker_get_message_offset (MsgpackRpcUnpacker *self)
{
  return _msgpack_rpc_decoder_get_message_offset (self->decoder);
}

gboolean
_msgpack_rpc_unpacker_is_reusable (MsgpackRpcUnpacker *self)
{
  return self->failure == NULL && _msgpack_rpc_unpacker_is_empty (self);
}

void
_msgpack_rpc_unpacker_reuse (MsgpackRpcUnpacker *self,
                             guint64             offset)
{
  _msgpack_rpc_decoder_set_offset (self->decoder, offset);
}

gsize
_msgpack_rpc_unpacker_get_buffered (MsgpackRpcUnpacker *self)
{
  return unpacker_get_pending (self) + _msgpack_rpc_decoder_get_body_length (self->decoder);
}

gsize
_msgpack_rpc_unpacker_get_buffer_size (MsgpackRpcUnpacker *self)
{
  return self->capacity;
}

gsize
_msgpack_rpc_unpacker_get_memory (MsgpackRpcUnpacker *self)
{
  return self->capacity + _msgpack_rpc_decoder_get_memory (self->decoder);
}
