/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-utf8-private.h"

#include <string.h>

static const char replacement[3] = { '\xef', '\xbf', '\xbd' };

static guint64
put (char       *out,
     guint64     position,
     const char *data,
     gsize       length)
{
  if (out != NULL)
    memcpy (out + position, data, length);

  return position + length;
}

guint64
_msgpack_rpc_utf8_repair (char       *out,
                          const char *str,
                          gsize       length)
{
  const char *end = str + length;
  guint64 size = 0;

  while (str < end)
    {
      const char *valid_end;
      gboolean is_valid = g_utf8_validate_len (str, end - str, &valid_end);

      size = put (out, size, str, valid_end - str);
      if (is_valid)
        break;

      size = put (out, size, replacement, sizeof replacement);
      str = valid_end + 1;
    }

  return size;
}
