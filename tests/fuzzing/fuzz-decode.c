/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a byte for the string policy, and a message. What comes of it must be in normal form
 * and be what comes of msgpack-c's objects; what msgpack-c refuses must be refused. */

#include "fuzz-util.h"

#include "codec-tree.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker-private.h"
#include "msgpack-rpc-value.h"

/* A str without what is not UTF-8, character by character. */
static void
repair_str (msgpack_object_str *str,
            GStringChunk       *chunk)
{
  g_autoptr(GString) text = g_string_new (NULL);

  for (guint i = 0; i < str->size; i++)
    {
      gunichar c = g_utf8_get_char_validated (str->ptr + i, str->size - i);

      if (c == 0 || c == (gunichar) -1 || c == (gunichar) -2)
        {
          c = 0xfffd;
          g_string_append_unichar (text, c);
        }
      else
        {
          g_string_append_unichar (text, c);
          i = g_utf8_next_char (str->ptr + i) - str->ptr - 1;
        }
    }

  str->ptr = g_string_chunk_insert_len (chunk, text->str, text->len);
  str->size = text->len;
}

/* Returns how many strs are no text, and repairs them if there is a place for it. */
static guint
visit_strs (msgpack_object *object,
            GStringChunk   *chunk)
{
  guint n = 0;

  switch (object->type)
    {
    case MSGPACK_OBJECT_STR:
      if (object->via.str.size == 0 ||
          g_utf8_validate_len (object->via.str.ptr, object->via.str.size, NULL))
        return 0;
      if (chunk != NULL)
        repair_str (&object->via.str, chunk);
      return 1;

    case MSGPACK_OBJECT_ARRAY:
      for (guint i = 0; i < object->via.array.size; i++)
        n += visit_strs (&object->via.array.ptr[i], chunk);
      return n;

    case MSGPACK_OBJECT_MAP:
      for (guint i = 0; i < object->via.map.size; i++)
        {
          n += visit_strs (&object->via.map.ptr[i].key, chunk);
          n += visit_strs (&object->via.map.ptr[i].val, chunk);
        }
      return n;

    default:
      return 0;
    }
}

static void
check_value (GVariant               *value,
             const GError           *error,
             MsgpackRpcStringPolicy  policy,
             msgpack_object         *object)
{
  gboolean replace = policy == MSGPACK_RPC_STRING_POLICY_REPLACE;
  g_autoptr(GStringChunk) chunk = g_string_chunk_new (64);
  g_autoptr(GVariant) expected = NULL;

  if (visit_strs (object, replace ? chunk : NULL) > 0 &&
      policy == MSGPACK_RPC_STRING_POLICY_STRICT)
    {
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
      return;
    }

  expected = g_variant_ref_sink (codec_tree_from_object (object));
  g_assert_no_error (error);
  fuzz_assert_same (value, expected);
  fuzz_assert_normal_form (value);
}

/* Neither huge nor invalid. */
static void
check_by_msgpack_c (GVariant               *value,
                    const GError           *error,
                    MsgpackRpcStringPolicy  policy,
                    const guint8           *data,
                    gsize                   size,
                    FuzzWalk                walk,
                    gsize                   length)
{
  msgpack_unpack_return result;
  msgpack_unpacked unpacked;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  result = msgpack_unpack_next (&unpacked, (const char *) data, size, &offset);

  switch (result)
    {
    case MSGPACK_UNPACK_SUCCESS:
      g_assert_cmpint (walk, ==, FUZZ_WALK_COMPLETE);
      g_assert_cmpuint (offset, ==, length);
      if (length == size)
        check_value (value, error, policy, &unpacked.data);
      else
        g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
      break;

    case MSGPACK_UNPACK_CONTINUE:
      g_assert_cmpint (walk, ==, FUZZ_WALK_CUT);
      /* A claim beyond the limit is an error before the end is. */
      if (!g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE))
        g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
      break;

    default:
      /* As many levels as ours by default. A str before that may be an error, too. */
      g_assert_cmpint (result, ==, MSGPACK_UNPACK_NOMEM_ERROR);
      if (policy != MSGPACK_RPC_STRING_POLICY_STRICT)
        g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
      g_assert_nonnull (error);
      break;
    }

  msgpack_unpacked_destroy (&unpacked);
}

static GVariant *
unpack (GBytes                  *bytes,
        MsgpackRpcStringPolicy   policy,
        GError                 **error)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = NULL;
  g_autoptr(GVariant) value = NULL;

  if (policy == MSGPACK_RPC_STRING_POLICY_RAW)
    return msgpack_rpc_unpack (bytes, error);

  unpacker = msgpack_rpc_unpacker_new ();
  msgpack_rpc_unpacker_set_string_policy (unpacker, policy);
  msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);

  value = msgpack_rpc_unpacker_next (unpacker, error);
  if (value != NULL && !_msgpack_rpc_unpacker_is_empty (unpacker))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "more");
      return NULL;
    }

  if (value != NULL || (error != NULL && *error != NULL))
    return g_steal_pointer (&value);

  if (msgpack_rpc_unpacker_finish (unpacker, error))
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "empty");

  return NULL;
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  FuzzInput input = { data, size };
  MsgpackRpcStringPolicy policy = fuzz_input_take_byte (&input) % 3;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  gsize length = 0;
  FuzzWalk walk;

  walk = fuzz_walk (input.data, input.size, &length);

  bytes = g_bytes_new (input.data, input.size);
  value = unpack (bytes, policy, &error);
  g_assert_true ((value == NULL) == (error != NULL));
  if (error != NULL)
    fuzz_assert_error (error);

  if (walk == FUZZ_WALK_COMPLETE || walk == FUZZ_WALK_CUT)
    check_by_msgpack_c (value, error, policy, input.data, input.size, walk, length);
  else
    g_assert_null (value);

  return 0;
}
