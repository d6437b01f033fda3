/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-text-private.h"

#include <string.h>

gboolean
_msgpack_rpc_text_check_type (GVariant            *message,
                              const GVariantType  *type,
                              GError             **error)
{
  if (g_variant_is_of_type (message, type))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Expected a message of type “%.*s”, got one of type “%s”",
               (int) g_variant_type_get_string_length (type), g_variant_type_peek_string (type),
               g_variant_get_type_string (message));
  return FALSE;
}

gboolean
_msgpack_rpc_text_check_size (guint64   size,
                              gsize     max_size,
                              GError  **error)
{
  if (size <= max_size)
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
               "The message has %" G_GUINT64_FORMAT " bytes or more, which exceeds the limit of %"
               G_GSIZE_FORMAT, size, max_size);
  return FALSE;
}

gboolean
_msgpack_rpc_text_get_word (const char  *data,
                            gsize        length,
                            char        *text,
                            gsize        room,
                            gsize       *size,
                            GError     **error)
{
  const char *space = memchr (data, ' ', MIN (length, room));
  gsize n = space != NULL ? (gsize) (space - data) : MIN (length, room);

  *size = 0;
  if (n >= room || memchr (data, '\0', n) != NULL)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Expected text of %" G_GSIZE_FORMAT " bytes at most, and a space", room - 1);
      return FALSE;
    }
  if (space == NULL)
    return TRUE;

  memcpy (text, data, n);
  text[n] = '\0';
  *size = n + 1;
  return TRUE;
}

GVariant *
_msgpack_rpc_text_new_string (const char  *data,
                              gsize        length,
                              GError     **error)
{
  if (g_utf8_validate_len (data, length, NULL))
    return g_variant_new_take_string (g_strndup (data, length));

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                       "Expected a string in UTF-8 without a NUL");
  return NULL;
}
