/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What is said of a message that goes beyond a limit, whatever takes it there. */

#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker.h"

#include "test-bytes.h"

/* In front of each message in the stream is one of a single byte. */
#define MESSAGE_OFFSET 1

typedef struct
{
  const char *hex;
  guint64 limit;
  guint64 size;  /* that the message has at least */
  gsize offset;  /* in the message */
} Case;

/* By the message's size: of a body the offset is its own, of a container its header's. */
static const Case message_cases[] = {
  { "bf", 8, 32, 1 },
  { "d9 0a", 8, 12, 2 },
  { "da 00 0a", 8, 13, 3 },
  { "db 00 00 00 0a", 8, 15, 5 },
  { "db ff ff ff ff", 8, G_GUINT64_CONSTANT (0xffffffff) + 5, 5 },
  { "c4 0a", 8, 12, 2 },
  { "c5 00 0a", 8, 13, 3 },
  { "c6 00 00 00 0a", 8, 15, 5 },
  { "c6 ff ff ff ff", 8, G_GUINT64_CONSTANT (0xffffffff) + 5, 5 },
  { "d4", 2, 3, 1 },
  { "d5", 3, 4, 1 },
  { "d6", 5, 6, 1 },
  { "d7", 8, 10, 1 },
  { "d8", 8, 18, 1 },
  { "c7 0a", 8, 13, 2 },
  { "c8 00 0a", 8, 14, 3 },
  { "c9 00 00 00 0a", 8, 16, 5 },
  { "c9 ff ff ff fe", 8, G_GUINT64_CONSTANT (0xfffffffe) + 6, 5 },
  { "9a", 8, 11, 0 },
  { "dc 00 0a", 8, 13, 0 },
  { "dd 00 00 00 0a", 8, 15, 0 },
  { "dd ff ff ff ff", 8, G_GUINT64_CONSTANT (0xffffffff) + 5, 0 },
  { "8a", 8, 21, 0 },
  { "de 00 0a", 8, 23, 0 },
  { "df 00 00 00 0a", 8, 25, 0 },
  { "df ff ff ff ff", 8, 2 * G_GUINT64_CONSTANT (0xffffffff) + 5, 0 },
  { "cc", 1, 2, 1 },
  { "cd", 2, 3, 1 },
  { "ce", 4, 5, 1 },
  { "cf", 8, 9, 1 },
  { "d0", 1, 2, 1 },
  { "d1", 2, 3, 1 },
  { "d2", 4, 5, 1 },
  { "d3", 8, 9, 1 },
  { "ca", 4, 5, 1 },
  { "cb", 8, 9, 1 },

  /* No header of them is too large by itself. */
  { "92 a3 61 61 61 d9 04", 8, 11, 7 },
  { "93 a3 61 61 61 a3", 8, 10, 6 },
  { "94 01 02 94", 8, 9, 3 },
  { "92 a3 61 61 61 dc 00 02", 8, 10, 5 },
  { "92 a6 61 61 61 61 61 61 dc 00 0a", 20, 21, 8 },
  { "92 aa 61 61 61 61 61 61 61 61 61 61 82", 16, 17, 12 },
  { "82 a1 61 01 a1 62 da 00 05", 13, 14, 9 },
  { "82 81 01 02 83", 10, 13, 4 },
  { "91 91 91 91 c4 04", 9, 10, 6 },
  { "91 91 91 91 df 00 00 00 01", 10, 11, 4 },
};

/* By the decoded size: a header alone tells less than what is behind it. */
static const struct
{
  Case alone;       /* a size of 0: it is not refused yet */
  guint64 size;     /* when more bytes have come than it needs */
  gsize offset;
} decoded_cases[] = {
  { { "bf", 30, 31, 1 }, 31 + 1 + 24, 1 },
  { { "bf", 40, 0, 0 }, 31 + 1 + 24, 1 },
  { { "d9 ff", 200, 255, 2 }, 255 + 1 + 24, 2 },
  { { "da 01 00", 200, 256, 3 }, 256 + 1 + 24, 3 },
  { { "db 00 00 01 00", 200, 256, 5 }, 256 + 1 + 24, 5 },
  { { "db 03 00 00 00", 200, 3 << 24, 5 }, 3 << 24, 5 },
  { { "c4 ff", 200, 255, 2 }, 255 + 24, 2 },
  { { "c5 01 00", 200, 256, 3 }, 256 + 24, 3 },
  { { "c6 00 00 01 00", 200, 256, 5 }, 256 + 24, 5 },
  { { "c7 ff", 200, 256, 2 }, 4 + 255 + 24, 2 },
  { { "c8 01 00", 200, 257, 3 }, 4 + 256 + 24, 3 },
  { { "c9 00 00 01 00", 200, 257, 5 }, 4 + 256 + 24, 5 },
  { { "d8", 24, 0, 0 }, 4 + 16 + 24, 1 },
  { { "9f", 50, 60, 0 }, 60, 0 },
  { { "dc 00 64", 200, 400, 0 }, 400, 0 },
  { { "dd 00 00 00 64", 200, 400, 0 }, 400, 0 },
  { { "8f", 50, 120, 0 }, 120, 0 },
  { { "de 00 64", 200, 800, 0 }, 800, 0 },
  { { "df 00 00 00 64", 200, 800, 0 }, 800, 0 },
  { { "01", 31, 32, 0 }, 32, 0 },
  { { "c3", 24, 25, 0 }, 25, 0 },
  { { "cb", 31, 0, 0 }, 32, 0 },
};

typedef enum
{
  FEED_AT_ONCE,
  FEED_BY_BYTE,
  FEED_WITH_MORE,
} Feed;

static GError *
fail_to_unpack (MsgpackRpcUnpacker *unpacker,
                const char         *hex,
                Feed                feed)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (hex);
  gsize length = bytes->len;
  gsize piece = feed == FEED_BY_BYTE ? 1 : length;
  g_autoptr(GVariant) first = NULL;
  GError *error = NULL;

  msgpack_rpc_unpacker_feed (unpacker, (const guint8 *) "\xc0", MESSAGE_OFFSET);
  first = msgpack_rpc_unpacker_next (unpacker, &error);
  g_assert_no_error (error);

  if (feed == FEED_WITH_MORE)
    {
      g_byte_array_set_size (bytes, length + 2000);
      memset (bytes->data + length, 0x01, 2000);
      piece = bytes->len;
    }

  for (gsize start = 0; start < bytes->len && error == NULL; start += piece)
    {
      msgpack_rpc_unpacker_feed (unpacker, bytes->data + start, piece);
      g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
    }

  return error;
}

static void
assert_too_large (const GError *error,
                  const char   *what,
                  guint64       size,
                  guint64       limit,
                  gsize         offset)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%s too large: %" G_GUINT64_FORMAT " bytes or more, the limit is "
                          "%" G_GUINT64_FORMAT ", at offset %" G_GSIZE_FORMAT,
                          what, size, limit, MESSAGE_OFFSET + offset);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_cmpstr (error->message, ==, text);
}

static void
test_message_size (gconstpointer data)
{
  const Case *c = data;

  g_test_summary ("The error is the same however the message is cut, and whatever comes behind it");

  for (Feed feed = FEED_AT_ONCE; feed <= FEED_WITH_MORE; feed++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GError) error = NULL;

      msgpack_rpc_unpacker_set_max_message_size (unpacker, c->limit);
      error = fail_to_unpack (unpacker, c->hex, feed);
      assert_too_large (error, "Message", c->size, c->limit, c->offset);
    }
}

static void
test_decoded_size (void)
{
  g_test_summary ("An error about the decoded size says how much it is, by the header or in whole");

  for (gsize i = 0; i < G_N_ELEMENTS (decoded_cases); i++)
    {
      const Case *alone = &decoded_cases[i].alone;

      for (Feed feed = FEED_AT_ONCE; feed <= FEED_WITH_MORE; feed++)
        {
          g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
          g_autoptr(GError) error = NULL;

          g_test_message ("%s, %d", alone->hex, feed);
          msgpack_rpc_unpacker_set_max_decoded_size (unpacker, alone->limit);
          error = fail_to_unpack (unpacker, alone->hex, feed);
          if (feed == FEED_WITH_MORE)
            assert_too_large (error, "Decoded message", decoded_cases[i].size, alone->limit,
                              decoded_cases[i].offset);
          else if (alone->size > 0)
            assert_too_large (error, "Decoded message", alone->size, alone->limit, alone->offset);
          else
            g_assert_no_error (error);
        }
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (message_cases); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (message_cases[i].hex), " ", '-');
      g_autofree char *path = g_strconcat ("/msgpack-rpc/limit-errors/message-size/", name, NULL);

      g_test_add_data_func (path, &message_cases[i], test_message_size);
    }

  g_test_add_func ("/msgpack-rpc/limit-errors/decoded-size", test_decoded_size);

  return g_test_run ();
}
