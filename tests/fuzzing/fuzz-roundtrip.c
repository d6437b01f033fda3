/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a byte of flags, and a message. Decoded and encoded, it must be what msgpack-c makes
 * of it, in the shortest form; decoded again, the same value. The flags also say in which form it
 * is encoded.
 *
 * With FLAG_ANY_VALUE there is a type that ends with NUL, and data of that type that need not be in
 * normal form, instead of the message. Whatever can be encoded must be what comes of encoding one
 * child after another. */

#include "fuzz-util.h"

#include <math.h>

#include "codec-tree.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-value.h"

#define FLAG_ANY_VALUE 1
#define FLAG_LEGACY_RAW 2
#define FLAG_FLOAT32 4

static gboolean
pack_float (msgpack_packer      *packer,
            double               d,
            MsgpackRpcPackFlags  flags)
{
  if (!(flags & MSGPACK_RPC_PACK_FLAGS_FLOAT32))
    return msgpack_pack_double (packer, d) == 0;

  return (isinf (d) || !isinf ((float) d)) && msgpack_pack_float (packer, d) == 0;
}

static gboolean
pack_raw (msgpack_packer *packer,
          const char     *data,
          guint32         size)
{
  msgpack_pack_v4raw (packer, size);
  if (size > 0)
    msgpack_pack_v4raw_body (packer, data, size);

  return TRUE;
}

static gboolean pack_object (msgpack_packer       *packer,
                             const msgpack_object *object,
                             MsgpackRpcPackFlags   flags);

static gboolean
pack_map (msgpack_packer           *packer,
          const msgpack_object_map *map,
          MsgpackRpcPackFlags       flags)
{
  msgpack_pack_map (packer, map->size);
  for (guint i = 0; i < map->size; i++)
    {
      if (!pack_object (packer, &map->ptr[i].key, flags) ||
          !pack_object (packer, &map->ptr[i].val, flags))
        return FALSE;
    }

  return TRUE;
}

/* As msgpack-c does, save for floats, and in the form that is asked for. Returns FALSE if there is
 * none. */
static gboolean
pack_object (msgpack_packer       *packer,
             const msgpack_object *object,
             MsgpackRpcPackFlags   flags)
{
  gboolean legacy = flags & MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;
  gboolean success = TRUE;

  switch (object->type)
    {
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
      return pack_float (packer, object->via.f64, flags);

    case MSGPACK_OBJECT_ARRAY:
      msgpack_pack_array (packer, object->via.array.size);
      for (guint i = 0; i < object->via.array.size && success; i++)
        success = pack_object (packer, &object->via.array.ptr[i], flags);
      return success;

    case MSGPACK_OBJECT_MAP:
      return pack_map (packer, &object->via.map, flags);

    case MSGPACK_OBJECT_STR:
      if (legacy)
        return pack_raw (packer, object->via.str.ptr, object->via.str.size);
      break;

    case MSGPACK_OBJECT_BIN:
      if (legacy)
        return pack_raw (packer, object->via.bin.ptr, object->via.bin.size);
      break;

    case MSGPACK_OBJECT_EXT:
      if (legacy)
        return FALSE;
      break;

    default:
      break;
    }

  return msgpack_pack_object (packer, *object) == 0;
}

static void
assert_bytes (GBytes                *bytes,
              const msgpack_sbuffer *expected)
{
  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   expected->data, expected->size);
}

/* @data are known to be one message. */
static void
check_by_msgpack_c (GBytes              *encoded,
                    MsgpackRpcPackFlags  flags,
                    const guint8        *data,
                    gsize                size)
{
  msgpack_unpacked unpacked;
  msgpack_sbuffer buffer;
  msgpack_packer packer;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  msgpack_sbuffer_init (&buffer);
  msgpack_packer_init (&packer, &buffer, msgpack_sbuffer_write);

  g_assert_cmpint (msgpack_unpack_next (&unpacked, (const char *) data, size, &offset), ==,
                   MSGPACK_UNPACK_SUCCESS);
  if (pack_object (&packer, &unpacked.data, flags))
    assert_bytes (encoded, &buffer);
  else
    g_assert_null (encoded);

  msgpack_sbuffer_destroy (&buffer);
  msgpack_unpacked_destroy (&unpacked);
}

static void
check_by_tree (GBytes   *encoded,
               GVariant *value)
{
  msgpack_sbuffer buffer;
  msgpack_packer packer;

  msgpack_sbuffer_init (&buffer);
  msgpack_packer_init (&packer, &buffer, msgpack_sbuffer_write);
  codec_tree_pack (&packer, value);
  assert_bytes (encoded, &buffer);
  msgpack_sbuffer_destroy (&buffer);
}

/* What was encoded can be decoded, and encoded to the same, unless it nests deeper than a message
 * may. */
static GVariant *
check_again (GBytes              *encoded,
             MsgpackRpcPackFlags  flags)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GBytes) again = NULL;
  g_autoptr(GError) error = NULL;

  value = msgpack_rpc_unpack (encoded, &error);
  if (g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP))
    return NULL;

  g_assert_no_error (error);
  again = msgpack_rpc_pack_full (value, flags, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (again, encoded));

  return g_steal_pointer (&value);
}

/* Encodes behind something else, which stays what it is. */
static void
check_append (GVariant            *value,
              MsgpackRpcPackFlags  flags,
              GBytes              *encoded)
{
  g_autoptr(GByteArray) out = g_byte_array_new ();
  g_autoptr(GError) error = NULL;

  g_byte_array_append (out, (const guint8 *) "abc", 3);
  if (_msgpack_rpc_packer_append_value (out, value, flags, &error))
    {
      g_assert_nonnull (encoded);
      g_assert_cmpmem (out->data + 3, out->len - 3,
                       g_bytes_get_data (encoded, NULL), g_bytes_get_size (encoded));
    }
  else
    {
      g_assert_null (encoded);
      g_assert_cmpuint (out->len, ==, 3);
      fuzz_assert_error (error);
    }

  g_assert_cmpmem (out->data, 3, "abc", 3);
}

static void
check_error (const GError *error)
{
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  fuzz_assert_error (error);
}

static void
check_message (const guint8        *data,
               gsize                size,
               MsgpackRpcPackFlags  flags)
{
  g_autoptr(GBytes) message = g_bytes_new (data, size);
  g_autoptr(GVariant) value = msgpack_rpc_unpack (message, NULL);
  g_autoptr(GVariant) again = NULL;
  g_autoptr(GBytes) encoded = NULL;
  g_autoptr(GError) error = NULL;

  if (value == NULL)
    return;

  encoded = msgpack_rpc_pack_full (value, flags, &error);
  g_assert_true ((encoded == NULL) == (error != NULL));
  check_by_msgpack_c (encoded, flags, data, size);
  check_append (value, flags, encoded);

  if (encoded != NULL)
    again = check_again (encoded, flags);
  else
    check_error (error);

  if (flags == MSGPACK_RPC_PACK_FLAGS_NONE)
    {
      fuzz_assert_same (again, value);
      check_by_tree (encoded, value);
    }
}

/* Somebody has said so without reason: anything may come of it that is MessagePack. */
static void
check_trusted (const char          *type,
               GBytes              *data,
               MsgpackRpcPackFlags  flags)
{
  g_autoptr(GVariant) value = fuzz_value_from_data (type, data, TRUE);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) encoded = msgpack_rpc_pack_full (value, flags, &error);
  gsize length = 0;

  if (encoded != NULL)
    {
      g_assert_cmpint (fuzz_walk (g_bytes_get_data (encoded, NULL), g_bytes_get_size (encoded),
                                  &length), ==, FUZZ_WALK_COMPLETE);
      g_assert_cmpuint (length, ==, g_bytes_get_size (encoded));
    }
  else
    {
      check_error (error);
    }
}

static void
check_any_value (FuzzInput           *input,
                 MsgpackRpcPackFlags  flags)
{
  g_autofree char *text = fuzz_input_take_text (input);
  g_autofree char *type = fuzz_type_from_text (text, TRUE);
  g_autoptr(GBytes) data = fuzz_input_take_rest (input);
  g_autoptr(GVariant) value = fuzz_value_from_data (type, data, FALSE);
  g_autoptr(GVariant) again = NULL;
  g_autoptr(GBytes) encoded = NULL;
  g_autoptr(GError) error = NULL;

  check_trusted (type, data, flags);

  encoded = msgpack_rpc_pack_full (value, flags, &error);
  check_append (value, flags, encoded);
  if (encoded == NULL)
    {
      check_error (error);
      return;
    }

  if (flags == MSGPACK_RPC_PACK_FLAGS_NONE)
    check_by_tree (encoded, value);
  again = check_again (encoded, flags);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  FuzzInput input = { data, size };
  guint8 byte = fuzz_input_take_byte (&input);
  MsgpackRpcPackFlags flags = MSGPACK_RPC_PACK_FLAGS_NONE;

  if (byte & FLAG_LEGACY_RAW)
    flags |= MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;
  if (byte & FLAG_FLOAT32)
    flags |= MSGPACK_RPC_PACK_FLAGS_FLOAT32;

  if (byte & FLAG_ANY_VALUE)
    check_any_value (&input, flags);
  else
    check_message (input.data, input.size, flags);

  return 0;
}
