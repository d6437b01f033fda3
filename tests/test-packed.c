/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-value.h"
#include "msgpack-rpc-variant.h"

#define LARGE (16 * 1024 * 1024)

static GBytes *
large_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = 'a' + i % 23;

  return g_bytes_new_take (data, size);
}

static GVariant *
large_bin (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static gboolean
is_within (GBytes *piece,
           GBytes *whole)
{
  const guint8 *start = g_bytes_get_data (piece, NULL);
  const guint8 *end = start + g_bytes_get_size (piece);
  const guint8 *whole_start = g_bytes_get_data (whole, NULL);

  return whole_start <= start && end <= whole_start + g_bytes_get_size (whole);
}

/* How much of the message lies in the memory of @bytes. */
static gsize
count_shared (MsgpackRpcPacked *packed,
              GBytes           *bytes)
{
  gsize shared = 0;

  for (guint i = 0; i < packed->n_pieces; i++)
    {
      if (is_within (packed->pieces[i], bytes))
        shared += g_bytes_get_size (packed->pieces[i]);
    }

  return shared;
}

/* The pieces together are what is written in one piece. */
static void
assert_is_notification (MsgpackRpcPacked *packed,
                        GVariant         *params)
{
  g_autoptr(GVariant) message = g_variant_ref_sink (g_variant_new ("(is@*)", 2, "a", params));
  g_autoptr(GBytes) expected = msgpack_rpc_pack (message, NULL);
  g_autoptr(GBytes) bytes = _msgpack_rpc_packed_to_bytes (packed);

  g_assert_true (g_bytes_equal (bytes, expected));
  g_assert_cmpuint (packed->size, ==, g_bytes_get_size (bytes));
}

static MsgpackRpcPacked *
pack (GVariant *params)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcPacked *packed = _msgpack_rpc_message_pack_notification ("a", params, 0, &error);

  g_assert_no_error (error);

  return packed;
}

static void
test_shared (void)
{
  g_autoptr(GBytes) bytes = large_bytes (LARGE);
  g_autoptr(GVariant) params = NULL;
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  g_test_summary ("The bytes of a large argument are written from where they are");

  params = g_variant_ref_sink (g_variant_new ("(@ay)", large_bin (bytes)));
  packed = pack (params);
  g_assert_cmpuint (packed->n_pieces, ==, 2);
  g_assert_true (g_bytes_get_data (packed->pieces[1], NULL) == g_bytes_get_data (bytes, NULL));
  g_assert_cmpuint (count_shared (packed, bytes), ==, LARGE);
  assert_is_notification (packed, params);
}

static void
test_decoded (void)
{
  g_autoptr(GBytes) bytes = large_bytes (LARGE);
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new ("(i@ay)", 1, large_bin (bytes)));
  g_autoptr(GBytes) wire = msgpack_rpc_pack (value, NULL);
  g_autoptr(GVariant) decoded = msgpack_rpc_unpack (wire, NULL);
  g_autoptr(GBytes) memory = g_variant_get_data_as_bytes (decoded);
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  g_test_summary ("So are those of what was received, as when it is sent back");

  packed = pack (decoded);
  g_assert_cmpuint (count_shared (packed, memory), ==, LARGE);
  assert_is_notification (packed, decoded);
}

static void
test_forms (void)
{
  const gsize sizes[] = { 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200000 };

  g_test_summary ("Wherever they are in a value, and in whatever form, from a size on");

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(GBytes) bytes = large_bytes (sizes[i]);
      g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), sizes[i]);
      GVariant *values[] = {
        g_variant_new ("(@ays@ay)", large_bin (bytes), "between", large_bin (bytes)),
        g_variant_new ("(s)", text),
        g_variant_new ("(v)", g_variant_new_string (text)),
        g_variant_new ("(m@ay)", large_bin (bytes)),
        g_variant_new ("(@(hay))", msgpack_rpc_variant_new_ext (7, bytes)),
        g_variant_new ("(@(hay))", msgpack_rpc_variant_new_raw_string (bytes)),
        g_variant_new_parsed ("{'a': <1>, 'b': <(%@ay, 2)>}", large_bin (bytes)),
        g_variant_new_parsed ("[{'a': <%@ay>}, {'b': <[<%@ay>]>}]", large_bin (bytes),
                              large_bin (bytes)),
        g_variant_new_parsed ("[(<1>, <%@ay>), (<%@ay>, <'x'>)]", large_bin (bytes),
                              large_bin (bytes)),
        g_variant_new_parsed ("({'a', <%@ay>},)", large_bin (bytes)),
        g_variant_new_parsed ("[%@ay, %@ay]", large_bin (bytes), large_bin (bytes)),
      };

      for (gsize j = 0; j < G_N_ELEMENTS (values); j++)
        {
          g_autoptr(GVariant) value = g_variant_ref_sink (values[j]);
          g_autoptr(MsgpackRpcPacked) tree = pack (value);
          g_autoptr(MsgpackRpcPacked) serialised = NULL;

          assert_is_notification (tree, value);
          g_variant_get_data (value);
          serialised = pack (value);
          assert_is_notification (serialised, value);
          g_assert_cmpuint (serialised->n_pieces > 1, ==, sizes[i] >= 64 * 1024);
          g_assert_cmpuint (tree->n_pieces, ==, serialised->n_pieces);
        }
    }
}

static void
test_many_items (void)
{
  g_autoptr(GBytes) bytes = large_bytes (100000);
  g_autoptr(GVariant) params = NULL;
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  GVariantBuilder builder;

  g_test_summary ("A large value of many items is written in one go, but for what is large in it");

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < 50000; i++)
    g_variant_builder_add (&builder, "v", g_variant_new_uint32 (i));
  g_variant_builder_add (&builder, "v", large_bin (bytes));
  params = g_variant_ref_sink (g_variant_builder_end (&builder));

  packed = pack (params);
  g_assert_cmpuint (packed->n_pieces, ==, 2);
  assert_is_notification (packed, params);
}

static void
test_fails (void)
{
  g_autoptr(GBytes) bytes = large_bytes (100000);
  g_autoptr(GByteArray) out = g_byte_array_new ();
  g_autoptr(GArray) references = NULL;
  g_autoptr(GVariant) good = g_variant_ref_sink (large_bin (bytes));
  g_autoptr(GVariant) bad = NULL;
  g_autoptr(GVariant) deep = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What fails shares nothing, and leaves what was there before");

  bad = g_variant_ref_sink (g_variant_new ("(@ayh)", good, 1));
  g_assert_true (_msgpack_rpc_packer_append_shared (out, &references, good, 0, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (references->len, ==, 1);
  g_assert_cmpuint (out->len, ==, 5);

  g_assert_false (_msgpack_rpc_packer_append_shared (out, &references, bad, 0, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_cmpuint (references->len, ==, 1);
  g_assert_cmpuint (out->len, ==, 5);
  g_clear_error (&error);

  deep = g_variant_ref (good);
  for (guint i = 0; i < 60; i++)
    {
      GVariant *outer = g_variant_ref_sink (g_variant_new ("(v)", deep));

      g_variant_unref (deep);
      deep = outer;
    }
  g_assert_true (_msgpack_rpc_packer_append_shared (out, &references, deep, 0, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (references->len, ==, 2);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/packed/shared", test_shared);
  g_test_add_func ("/msgpack-rpc/packed/decoded", test_decoded);
  g_test_add_func ("/msgpack-rpc/packed/forms", test_forms);
  g_test_add_func ("/msgpack-rpc/packed/many-items", test_many_items);
  g_test_add_func ("/msgpack-rpc/packed/fails", test_fails);

  return g_test_run ();
}
