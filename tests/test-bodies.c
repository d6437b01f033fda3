/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Large bins, which are read to where they stay. */

#include <stdlib.h>
#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-value.h"

#include "test-bytes.h"
#include "test-unpacking.h"

#define MIB (1024 * 1024)

static gboolean memory_is_short;

/* In the place of GLib's, so that memory can be short. */
gpointer
g_try_realloc (gpointer mem,
               gsize    n_bytes)
{
  return memory_is_short ? NULL : realloc (mem, n_bytes);
}

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

/* The beginning of a message with a bin of 5 MiB. */
static GByteArray *
beginning_new (gsize length)
{
  GByteArray *wire = bytes_from_hex ("91 c6 00 50 00 00");

  g_byte_array_set_size (wire, length);
  memset (wire->data + 6, 'a', length - 6);

  return wire;
}

static void
assert_too_large (MsgpackRpcUnpacker *unpacker)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_memory (unpacker), ==, 0);
}

static void
test_limits_change (void)
{
  g_autoptr(GByteArray) wire = beginning_new (40000);
  g_autoptr(GPtrArray) values = values_new ();

  g_test_summary ("Limits that become less hold for a large bin of which not all has come");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();

      read_piece (unpacker, values, wire->data, wire->len);
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_memory (unpacker), >=, wire->len - 6);
      if (i == 0)
        msgpack_rpc_unpacker_set_max_message_size (unpacker, 5 * MIB + 5);
      else
        msgpack_rpc_unpacker_set_max_decoded_size (unpacker, 5 * MIB - 1);
      msgpack_rpc_unpacker_feed (unpacker, (const guint8 *) "a", 1);
      assert_too_large (unpacker);
    }
}

static void
test_no_memory (void)
{
  g_autoptr(GByteArray) wire = beginning_new (100000);
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GPtrArray) values = values_new ();
  gsize size = 17;

  g_test_summary ("Without memory for more of a large bin, the reader's own space keeps its size");

  read_piece (unpacker, values, wire->data, wire->len);
  memory_is_short = TRUE;
  g_assert_null (_msgpack_rpc_unpacker_get_space (unpacker, &size));
  g_assert_cmpuint (size, ==, 17);

  _msgpack_rpc_unpacker_lend (unpacker, wire->data + 6, 90000);
  assert_too_large (unpacker);
  memory_is_short = FALSE;
}

static void
test_no_memory_for_buffer (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("91 db 00 50 00 00");
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GPtrArray) values = values_new ();
  gsize size = 17;

  g_test_summary ("Without memory for more of a large str, the reader's own space keeps its size");

  g_byte_array_set_size (wire, 100000);
  read_piece (unpacker, values, wire->data, wire->len);
  memory_is_short = TRUE;
  g_assert_null (_msgpack_rpc_unpacker_get_space (unpacker, &size));
  g_assert_cmpuint (size, ==, 17);
  memory_is_short = FALSE;
}

/* Feeds it in two pieces, and returns whether it was within the limit. */
static gboolean
decode_within (const GByteArray *wire,
               guint64           max_decoded_size)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_unpacker_set_max_decoded_size (unpacker, max_decoded_size);
  msgpack_rpc_unpacker_feed (unpacker, wire->data, wire->len / 2);
  if (msgpack_rpc_unpacker_next (unpacker, &error) == NULL && error == NULL)
    {
      msgpack_rpc_unpacker_feed (unpacker, wire->data + wire->len / 2, wire->len - wire->len / 2);
      value = msgpack_rpc_unpacker_next (unpacker, &error);
    }

  g_assert_true ((value == NULL) == (error != NULL));
  if (error != NULL)
    g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);

  return value != NULL;
}

static void
test_end_beyond_limit (void)
{
  g_autoptr(GByteArray) wire = bytes_from_hex ("91 91 91 91 91 91 91 91 c6 00 01 00 00");
  guint n_within = 0;

  g_test_summary ("A large bin moves as the arrays around it end, of which one is beyond the limit");

  g_byte_array_set_size (wire, wire->len + 65536);
  memset (wire->data + 13, 'a', 65536);

  for (guint i = 0; i < 200; i++)
    {
      gboolean within = decode_within (wire, 65536 + 2 * i);

      g_assert_true (within || n_within == 0);
      n_within += within;
    }
  g_assert_cmpuint (n_within, >, 0);
  g_assert_cmpuint (n_within, <, 180);
}

static void
test_many_bodies (void)
{
  const guint n = 1000;
  const gsize size = 5 + 16 * 1024;
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = bytes_from_hex ("dc 03 e8");
  g_autoptr(GByteArray) body = bytes_from_hex ("c6 00 00 40 00");
  g_autoptr(GPtrArray) values = values_new ();
  gsize before = 0;
  guint n_grown = 0;

  g_test_summary ("Many large bins in a message do not make it grow with each");

  g_byte_array_set_size (body, size);
  memset (body->data + 5, 'a', size - 5);
  for (guint i = 0; i < n; i++)
    g_byte_array_append (wire, body->data, body->len);

  for (gsize done = 0, piece; done < wire->len; done += piece)
    {
      gsize memory = _msgpack_rpc_unpacker_get_memory (unpacker);

      n_grown += memory > before;
      before = memory;
      piece = MIN (10007, wire->len - done);
      read_piece (unpacker, values, wire->data + done, piece);
    }

  g_assert_cmpuint (values->len, ==, 1);
  g_assert_cmpuint (n_grown, <, 100);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/bodies/get-space", test_get_space);
  g_test_add_func ("/msgpack-rpc/bodies/any-place", test_bodies);
  g_test_add_func ("/msgpack-rpc/bodies/cut-short", test_body_cut_short);
  g_test_add_func ("/msgpack-rpc/bodies/limits-change", test_limits_change);
  g_test_add_func ("/msgpack-rpc/bodies/no-memory", test_no_memory);
  g_test_add_func ("/msgpack-rpc/bodies/no-memory-for-buffer", test_no_memory_for_buffer);
  g_test_add_func ("/msgpack-rpc/bodies/end-beyond-limit", test_end_beyond_limit);
  g_test_add_func ("/msgpack-rpc/bodies/many", test_many_bodies);

  return g_test_run ();
}
