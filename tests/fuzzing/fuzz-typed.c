/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a byte of flags, a type that ends with NUL, and a message. The message gets the
 * type, or an error; going through its bytes at once, and one part after the other, must give the
 * same.
 *
 * With FLAG_ANY_VALUE there is another type, and data of that type, instead of the message; with
 * FLAG_BROKEN, too, they pass for being in normal form, and must only do no harm. */

#include "fuzz-util.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-value.h"

#define FLAG_ANY_VALUE 1
#define FLAG_BROKEN 2

/* Handles have no meaning on the wire. */
static gboolean
has_handle (const char *type)
{
  return strchr (type, 'h') != NULL;
}

static void
check_result (GVariant           *result,
              const GVariantType *type,
              gboolean            packable)
{
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_false (g_variant_is_floating (result));
  g_assert_true (g_variant_is_of_type (result, type));
  /* What was not in normal form may stay so, but must not pass for it. */
  if (packable || g_variant_is_normal_form (result))
    fuzz_assert_normal_form (result);

  bytes = msgpack_rpc_pack (result, &error);
  if (packable)
    g_assert_no_error (error);
}

static void
check_same_error (const GError *error,
                  const GError *other)
{
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  fuzz_assert_error (error);
  g_assert_error (other, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
  g_assert_cmpstr (error->message, ==, other->message);
}

static void
check_params (GVariant           *value,
              const GVariantType *type,
              const char         *method,
              gboolean            packable)
{
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GError) error = NULL;

  params = _msgpack_rpc_coerce_params (method, value, type, &error);
  if (params != NULL)
    {
      g_assert_no_error (error);
      check_result (params, type, packable);
    }
  else
    {
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
      fuzz_assert_error (error);
    }
}

static void
check (GVariant           *value,
       const GVariantType *type,
       gboolean            packable)
{
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GVariant) by_parts = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) error_by_parts = NULL;

  result = _msgpack_rpc_coerce (value, type, "result", &error);
  by_parts = _msgpack_rpc_coerce_by_parts (value, type, "result", &error_by_parts);
  g_assert_true ((result == NULL) == (by_parts == NULL));

  if (result != NULL)
    {
      g_assert_no_error (error);
      if (g_variant_is_normal_form (result))
        fuzz_assert_same (result, by_parts);
      else
        g_assert_true (g_variant_equal (result, by_parts));
      check_result (result, type, packable);
    }
  else
    {
      check_same_error (error, error_by_parts);
    }
}

/* Decoding at once is decoding, then coercing. */
static void
check_unpack_as (FuzzInput           input,
                 GVariant           *value,
                 const GVariantType *type)
{
  g_autoptr(GBytes) bytes = fuzz_input_take_rest (&input);
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GVariant) coerced = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) error_of_coerced = NULL;

  result = msgpack_rpc_unpack_as (bytes, type, &error);
  coerced = _msgpack_rpc_coerce (value, type, "value", &error_of_coerced);
  g_assert_true ((result == NULL) == (coerced == NULL));

  if (result != NULL)
    {
      g_assert_no_error (error);
      g_assert_false (g_variant_is_floating (result));
      fuzz_assert_same (result, coerced);
    }
  else
    {
      check_same_error (error, error_of_coerced);
    }
}

/* All of the data are read that may be the result's. */
static void
check_broken (GVariant           *value,
              const GVariantType *type)
{
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GBytes) bytes = NULL;

  if (!g_variant_type_is_definite (type))
    return;

  result = _msgpack_rpc_retype (value, type);
  if (result == NULL)
    return;

  g_assert_true (g_variant_is_of_type (result, type));
  bytes = msgpack_rpc_pack (result, NULL);
}

static GVariant *
take_value (FuzzInput input,
            guint8    flags)
{
  gboolean any = flags & FLAG_ANY_VALUE;
  g_autofree char *text = any ? fuzz_input_take_text (&input) : NULL;
  g_autoptr(GBytes) bytes = fuzz_input_take_rest (&input);
  g_autofree char *type = NULL;

  if (!any)
    return msgpack_rpc_unpack (bytes, NULL);

  type = fuzz_type_from_text (text, TRUE);

  return fuzz_value_from_data (type, bytes, flags & FLAG_BROKEN);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  FuzzInput input = { data, size };
  guint8 flags = fuzz_input_take_byte (&input);
  g_autofree char *text = fuzz_input_take_text (&input);
  g_autofree char *type_string = fuzz_type_from_text (text, FALSE);
  const GVariantType *type = G_VARIANT_TYPE (type_string);
  g_autoptr(GVariant) value = take_value (input, flags);
  gboolean packable = !(flags & FLAG_ANY_VALUE) && !has_handle (type_string);

  if (value == NULL)
    return 0;

  if (flags & FLAG_ANY_VALUE && flags & FLAG_BROKEN)
    {
      check_broken (value, type);
      return 0;
    }

  if (!(flags & FLAG_ANY_VALUE))
    check_unpack_as (input, value, type);
  check (value, type, packable);
  check_params (value, type, text, packable);

  return 0;
}
