/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-frame-private.h"

#include "msgpack-rpc-error.h"

/* How much of what is no message is shown. */
#define MAX_SHOWN_BYTES 32

char *
_msgpack_rpc_show_bytes (const guint8 *data,
                         gsize         length)
{
  GString *text = g_string_new ("\"");
  gsize n = MIN (length, MAX_SHOWN_BYTES);

  for (gsize i = 0; i < n; i++)
    {
      guint8 byte = data[i];

      if (byte == '\n')
        g_string_append (text, "\\n");
      else if (byte == '\r')
        g_string_append (text, "\\r");
      else if (byte == '"' || byte == '\\')
        g_string_append_printf (text, "\\%c", byte);
      else if (g_ascii_isprint (byte))
        g_string_append_c (text, byte);
      else
        g_string_append_printf (text, "\\x%02x", byte);
    }

  g_string_append (text, length > n ? "…\"" : "\"");

  return g_string_free (text, FALSE);
}

/* How many bytes follow the first one of an integer; −1: it is none. */
static int
get_width (guint8 first)
{
  if (first < 0x80 || first >= 0xe0)
    return 0;
  if (first >= 0xcc && first <= 0xcf)
    return 1 << (first - 0xcc);
  if (first >= 0xd0 && first <= 0xd3)
    return 1 << (first - 0xd0);

  return -1;
}

/* FALSE if it is below 0. */
static gboolean
read_integer (const guint8 *data,
              int           width,
              guint64      *value)
{
  *value = width == 0 ? *data : 0;
  for (int i = 1; i <= width; i++)
    *value = *value << 8 | data[i];

  return *data < 0xd0 || (*data < 0xe0 && (data[1] & 0x80) == 0);
}

static gboolean
check_length (guint64   length,
              gboolean  is_positive,
              guint64   limit,
              guint64   offset,
              GError  **error)
{
  if (!is_positive || length == 0)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "the length of a message is %s, at offset %" G_GUINT64_FORMAT,
                   is_positive ? "0" : "negative", offset);
      return FALSE;
    }

  if (length > limit)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                   "Message too large: %" G_GUINT64_FORMAT " bytes are announced, the limit is "
                   "%" G_GUINT64_FORMAT ", at offset %" G_GUINT64_FORMAT, length, limit, offset);
      return FALSE;
    }

  return TRUE;
}

gboolean
_msgpack_rpc_frame_read (const guint8  *data,
                         gsize          size,
                         guint64        limit,
                         guint64        offset,
                         gsize         *header_size,
                         guint64       *length,
                         GError       **error)
{
  int width = size > 0 ? get_width (*data) : 0;
  g_autofree char *shown = NULL;
  gboolean is_positive;
  guint64 value;

  *header_size = 0;
  if (width < 0)
    {
      shown = _msgpack_rpc_show_bytes (data, size);
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "expected the length of a message (an integer), as the framing is "
                   "“msgpack-length”, got %s at offset %" G_GUINT64_FORMAT, shown, offset);
      return FALSE;
    }
  if (size < (gsize) width + 1)
    return TRUE;

  is_positive = read_integer (data, width, &value);
  if (!check_length (value, is_positive, limit, offset, error))
    return FALSE;

  *header_size = (gsize) width + 1;
  *length = value;
  return TRUE;
}
