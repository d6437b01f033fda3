/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>
#include <sys/socket.h>

#include "test-bytes.h"
#include "test-util.h"

static inline void
send_hex (RawPeer    *raw,
          const char *hex)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (hex);

  raw_peer_send (raw, bytes->data, bytes->len);
}

/* Reads what is there, at most as much as is still expected and one byte more. Returns how much
 * has come. */
static inline gsize
read_some (RawPeer    *raw,
           GByteArray *bytes,
           gsize       expected)
{
  g_autofree guint8 *buffer = g_malloc (expected + 1);
  gssize n = recv (raw->fd, buffer, expected + 1 - bytes->len, MSG_DONTWAIT);

  if (n > 0)
    g_byte_array_append (bytes, buffer, n);

  return bytes->len;
}

/* That the very bytes come, which are @hex, @body, and @tail. Returns how many they are. */
static inline gsize
assert_comes (RawPeer    *raw,
              const char *hex,
              const char *body,
              const char *tail)
{
  g_autoptr(GByteArray) expected = bytes_from_hex (hex);
  g_autoptr(GByteArray) end = bytes_from_hex (tail);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();

  g_byte_array_append (expected, (const guint8 *) body, strlen (body));
  g_byte_array_append (expected, end->data, end->len);
  WAIT_UNTIL (read_some (raw, bytes, expected->len) >= expected->len);
  g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);

  return bytes->len;
}
