/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-stream.h"

#include <string.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* Bytes of messages that are not complete, over all streams. */
#define MAX_HELD (256 << 20)

/* How many bytes an error shows. */
#define N_SHOWN 16

struct _ToolTapStream
{
  MsgpackRpcUnpacker *unpacker; /* owned; NULL before there are bytes, and once it has failed */
  gboolean has_failed;
  gboolean is_framed;
  gboolean keeps_bytes;

  guint64 fed;                  /* bytes */
  guint64 boundary;             /* where the message begins that is not complete */
  GByteArray *kept;             /* owned; all from some place before that, or NULL */
  guint64 kept_from;
  guint64 n_unread;

  gboolean has_length;          /* of the message that comes next */
  gint64 length;

  guint8 recent[2 * N_SHOWN];   /* the end of what it was fed before */
  guint n_recent;
  GBytes *last;                 /* owned; what it was fed last, or NULL */
};

static guint64 held;

void
tool_tap_message_clear (ToolTapMessage *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
}

ToolTapStream *
tool_tap_stream_new (gboolean is_framed,
                     gboolean keeps_bytes)
{
  ToolTapStream *self = g_new0 (ToolTapStream, 1);

  self->is_framed = is_framed;
  self->keeps_bytes = keeps_bytes;

  return self;
}

static void
let_go (ToolTapStream *self)
{
  held -= self->fed - self->boundary;
  self->boundary = self->fed;
  g_clear_object (&self->unpacker);
  g_clear_pointer (&self->kept, g_byte_array_unref);
  g_clear_pointer (&self->last, g_bytes_unref);
}

void
tool_tap_stream_free (ToolTapStream *self)
{
  let_go (self);
  g_free (self);
}

/* ---- reading ---- */

static void
remember (ToolTapStream *self)
{
  gsize length;
  const guint8 *bytes;

  if (self->last == NULL)
    return;

  bytes = g_bytes_get_data (self->last, &length);
  if (length < sizeof self->recent)
    {
      guint kept = MIN (self->n_recent, (guint) (sizeof self->recent - length));

      memmove (self->recent, self->recent + self->n_recent - kept, kept);
      memcpy (self->recent + kept, bytes, length);
      self->n_recent = kept + (guint) length;
    }
  else
    {
      self->n_recent = sizeof self->recent;
      memcpy (self->recent, bytes + length - self->n_recent, self->n_recent);
    }
  g_clear_pointer (&self->last, g_bytes_unref);
}

static void
keep (ToolTapStream *self,
      const guint8  *bytes,
      gsize          n_bytes)
{
  if (self->kept == NULL)
    self->kept = g_byte_array_new ();

  g_byte_array_remove_range (self->kept, 0, (guint) (self->boundary - self->kept_from));
  self->kept_from = self->boundary;
  g_byte_array_append (self->kept, bytes, (guint) n_bytes);
}

void
tool_tap_stream_feed (ToolTapStream *self,
                      const guint8  *bytes,
                      gsize          n_bytes)
{
  if (self->has_failed)
    {
      self->n_unread += n_bytes;
      return;
    }

  if (self->unpacker == NULL)
    self->unpacker = msgpack_rpc_unpacker_new ();
  remember (self);
  self->last = g_bytes_new (bytes, n_bytes);
  msgpack_rpc_unpacker_feed_bytes (self->unpacker, self->last);
  self->fed += n_bytes;
  held += n_bytes;

  if (self->keeps_bytes)
    keep (self, bytes, n_bytes);
}

static void
advance (ToolTapStream *self)
{
  guint64 offset = msgpack_rpc_unpacker_get_offset (self->unpacker);

  held -= offset - self->boundary;
  self->boundary = offset;
}

/* ---- what cannot be read ---- */

/* Of the stream, from an offset in it; the beginning of a long message may be forgotten. */
static char *
show_bytes (ToolTapStream *self,
            guint64        offset)
{
  GString *text = g_string_new (NULL);
  gsize n_last;
  const guint8 *last = g_bytes_get_data (self->last, &n_last);
  guint64 start = self->fed - n_last - self->n_recent;

  /* A header that claims too much is behind already. */
  if (offset >= self->fed)
    offset = MAX (self->boundary, self->fed - MIN (self->fed, N_SHOWN));
  offset = CLAMP (offset, start, self->fed);
  for (guint i = 0; i < N_SHOWN && offset < self->fed; i++, offset++)
    {
      gsize index = (gsize) (offset - start);
      guint8 byte = index < self->n_recent ? self->recent[index] : last[index - self->n_recent];

      g_string_append_printf (text, i == 0 ? "%02x" : " %02x", byte);
    }
  if (offset < self->fed)
    g_string_append (text, " …");

  return g_string_free (text, FALSE);
}

/* The rest of it is not read. */
static gboolean G_GNUC_PRINTF (4, 5)
fail (ToolTapStream  *self,
      guint64         offset,
      GError        **error,
      const char     *format,
      ...)
{
  g_autofree char *shown = show_bytes (self, offset);
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "%s: %s", reason, shown);

  self->n_unread = self->fed - MIN (offset, self->fed);
  self->has_failed = TRUE;
  let_go (self);
  return FALSE;
}

/* FALSE if it is none, with an error. */
static gboolean
take_length (ToolTapStream  *self,
             GVariant       *value,
             GError        **error)
{
  if (!msgpack_rpc_variant_get_int64 (value, &self->length) || self->length < 0)
    return fail (self, self->boundary, error,
                 "Expected the length of a message at offset %" G_GUINT64_FORMAT, self->boundary);

  advance (self);
  self->has_length = TRUE;
  return TRUE;
}

/* A peer would end the connection, and what comes is most likely something else. */
static gboolean
check_array (ToolTapStream  *self,
             GVariant       *value,
             GError        **error)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE ("av")) ||
         fail (self, self->boundary, error,
               "Expected a message, which is an array, at offset %" G_GUINT64_FORMAT "%s",
               self->boundary, self->is_framed ? "" : " (behind its length? --framing)");
}

static void
take_message (ToolTapStream  *self,
              GVariant       *value,
              ToolTapMessage *message)
{
  guint64 size = msgpack_rpc_unpacker_get_offset (self->unpacker) - self->boundary;

  message->value = value;
  message->size = size;
  message->announced_size = self->has_length ? (guint64) self->length : size;
  message->bytes = NULL;
  if (self->kept != NULL)
    message->bytes = g_bytes_new (self->kept->data + (self->boundary - self->kept_from),
                                  (gsize) size);
  self->has_length = FALSE;
  advance (self);
}

gboolean
tool_tap_stream_next (ToolTapStream   *self,
                      ToolTapMessage  *message,
                      GError         **error)
{
  while (self->unpacker != NULL)
    {
      g_autoptr(GError) local_error = NULL;
      g_autoptr(GVariant) value = msgpack_rpc_unpacker_next (self->unpacker, &local_error);

      if (local_error != NULL)
        return fail (self, msgpack_rpc_unpacker_get_offset (self->unpacker), error, "%s",
                     local_error->message);

      if (value == NULL && held > MAX_HELD)
        return fail (self, self->boundary, error,
                     "Messages of more than %u bytes are not complete, so that this one is not read",
                     MAX_HELD);

      if (value == NULL)
        return FALSE;

      if (!self->is_framed || self->has_length)
        {
          if (!check_array (self, value, error))
            return FALSE;

          take_message (self, g_steal_pointer (&value), message);
          return TRUE;
        }

      if (!take_length (self, value, error))
        return FALSE;
    }

  return FALSE;
}

gboolean
tool_tap_stream_finish (ToolTapStream  *self,
                        GError        **error)
{
  if (self->unpacker == NULL || (self->fed == self->boundary && !self->has_length))
    return TRUE;

  if (self->fed == self->boundary)
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                         "The stream ends after the length of a message");
  else
    msgpack_rpc_unpacker_finish (self->unpacker, error);

  return FALSE;
}

guint64
tool_tap_stream_get_n_unread (ToolTapStream *self)
{
  return self->n_unread;
}
