/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Large bins, which are read to where they stay. */

#include <string.h>

#include "msgpack-rpc-value.h"

#include "test-bytes.h"
#include "test-unpacking.h"

#define MIB (1024 * 1024)

static void
test_get_space (void)
{
  const guint32 length = 5 * MIB;
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = bytes_from_hex ("91 c6 00 50 00 00");
  g_autoptr(GPtrArray) values = values_new ();
  gsize done = 40000;
  gsize size = 0;
  guint n_reads = 0;
  guint8 *space;

  g_test_summary ("A large body is read to where it is decoded, in pieces that double");

  g_byte_array_set_size (wire, wire->len + length);
  memset (wire->data + 6, 'a', length);

  g_assert_null (_msgpack_rpc_unpacker_get_space (unpacker, &size));
  read_piece (unpacker, values, wire->data, 6);
  g_assert_null (_msgpack_rpc_unpacker_get_space (unpacker, &size));
  read_piece (unpacker, values, wire->data + 6, done - 6);

  for (; done < wire->len; done += size)
    {
      g_assert_cmpuint (values->len, ==, 0);
      space = _msgpack_rpc_unpacker_get_space (unpacker, &size);
      if (space != NULL)
        {
          g_assert_cmpuint (size, ==, MIN (done - 6, wire->len - done));
          memcpy (space, wire->data + done, size);
          _msgpack_rpc_unpacker_commit (unpacker, size);
          take_all (unpacker, values);
        }
      else
        {
          size = wire->len - done;
          read_piece (unpacker, values, wire->data + done, size);
        }
      n_reads++;
    }

  g_assert_cmpuint (n_reads, <, 10);
  g_assert_cmpuint (values->len, ==, 1);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), ==, 0);
  g_assert_null (_msgpack_rpc_unpacker_get_space (unpacker, &size));
}

/* Large bins where they may be, small ones and other things between and behind them. */
static GBytes *
bodies_new (void)
{
  g_autoptr(GError) error = NULL;
  GVariantBuilder builder;
  GBytes *bytes;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < 4; i++)
    {
      static const gsize sizes[] = { 16 * 1024, 100001, 16 * 1024 - 1, 65536 };
      g_autofree guint8 *data = g_malloc (sizes[i]);

      for (gsize j = 0; j < sizes[i]; j++)
        data[j] = (guint8) (j * 7 + i);
      g_variant_builder_add (&builder, "v", g_variant_new_int32 ((int) i));
      g_variant_builder_add (&builder, "v",
                             g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, sizes[i], 1));
      g_variant_builder_add_parsed (&builder, "<{'k': <%@ay>, 'l': <'text'>}>",
                                    g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, sizes[i],
                                                               1));
      g_variant_builder_add_parsed (&builder, "<[(<%@ay>, <2>)]>",
                                    g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, sizes[i],
                                                               1));
    }

  bytes = msgpack_rpc_pack (g_variant_builder_end (&builder), &error);
  g_assert_no_error (error);
  return bytes;
}

/* As the link does: to where the unpacker wants it, or from memory that is gone afterwards. */
static void
read_bytes (MsgpackRpcUnpacker *unpacker,
            GPtrArray          *values,
            GBytes             *bytes,
            gsize               max_size)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);

  for (gsize done = 0, n; done < length; done += n)
    {
      gsize size = max_size;
      guint8 *space = _msgpack_rpc_unpacker_get_space (unpacker, &size);

      n = MIN (length - done, MIN (max_size, size));
      if (space == NULL)
        {
          read_piece (unpacker, values, data + done, n);
          continue;
        }

      memcpy (space, data + done, n);
      _msgpack_rpc_unpacker_commit (unpacker, n);
      take_all (unpacker, values);
    }
}

static void
test_bodies (void)
{
  const gsize sizes[] = { 13, 1000, 4096, 20000, 65536, 1000000 };
  g_autoptr(GBytes) bytes = bodies_new ();
  g_autoptr(GVariant) expected = msgpack_rpc_unpack (bytes, NULL);
  gsize length = g_bytes_get_size (bytes);

  g_test_summary ("Large bins in any place, in pieces of any size, one message behind the other");

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(MsgpackRpcUnpacker) read = msgpack_rpc_unpacker_new ();
      g_autoptr(MsgpackRpcUnpacker) fed = msgpack_rpc_unpacker_new ();
      g_autoptr(GPtrArray) values = values_new ();

      read_bytes (read, values, bytes, sizes[i]);
      read_bytes (read, values, bytes, sizes[i]);
      for (gsize start = 0; start < length; start += sizes[i])
        {
          g_autoptr(GBytes) piece = NULL;

          piece = g_bytes_new_from_bytes (bytes, start, MIN (sizes[i], length - start));
          msgpack_rpc_unpacker_feed_bytes (fed, piece);
          take_all (fed, values);
        }

      g_assert_cmpuint (values->len, ==, 3);
      for (guint j = 0; j < values->len; j++)
        g_assert_cmpvariant (values->pdata[j], expected);
      g_assert_true (_msgpack_rpc_unpacker_is_empty (read));
      g_assert_true (msgpack_rpc_unpacker_finish (fed, NULL));
    }
}

static void
test_body_cut_short (void)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = bytes_from_hex ("91 c6 00 50 00 00");
  g_autoptr(GPtrArray) values = values_new ();
  g_autoptr(GError) error = NULL;
  gsize size;

  g_test_summary ("The end of a stream within a large bin is told with the right place");

  g_byte_array_set_size (wire, 30000);
  read_piece (unpacker, values, wire->data, wire->len);
  g_assert_nonnull (_msgpack_rpc_unpacker_get_space (unpacker, &size));
  _msgpack_rpc_unpacker_commit (unpacker, 0);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffered (unpacker), ==, 30000 - 6);
  g_assert_false (_msgpack_rpc_unpacker_is_empty (unpacker));
  g_assert_false (msgpack_rpc_unpacker_finish (unpacker, &error));
  g_assert_cmpstr (error->message, ==,
                   "Message cut short: the stream ends 30000 bytes into a message at offset 0");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/bodies/get-space", test_get_space);
  g_test_add_func ("/msgpack-rpc/bodies/any-place", test_bodies);
  g_test_add_func ("/msgpack-rpc/bodies/cut-short", test_body_cut_short);

  return g_test_run ();
}
