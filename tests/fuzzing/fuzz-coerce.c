/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a type, a NUL, and a message. The message gets the type, or an error; going through
 * its bytes at once and one part after the other must give the same. */

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-value.h"

#define MAX_TYPE_LENGTH 64

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

static void
check_result (GVariant           *result,
              GVariant           *by_parts,
              const GVariantType *type)
{
  g_autofree guint8 *copy = g_memdup2 (g_variant_get_data (result), g_variant_get_size (result));
  g_autoptr(GVariant) untrusted = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_variant_is_of_type (result, type));
  g_assert_cmpstr (g_variant_get_type_string (result), ==, g_variant_get_type_string (by_parts));
  g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result),
                   g_variant_get_data (by_parts), g_variant_get_size (by_parts));

  untrusted = g_variant_ref_sink (g_variant_new_from_data (g_variant_get_type (result), copy,
                                                           g_variant_get_size (result), FALSE,
                                                           NULL, NULL));
  g_assert_true (g_variant_is_normal_form (untrusted));

  bytes = msgpack_rpc_pack (result, &error);
  g_assert_no_error (error);
}

static void
check (GVariant           *value,
       const GVariantType *type)
{
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GVariant) by_parts = NULL;
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) error_by_parts = NULL;
  g_autoptr(GError) error_of_params = NULL;

  result = _msgpack_rpc_coerce (value, type, "result", &error);
  by_parts = _msgpack_rpc_coerce_by_parts (value, type, "result", &error_by_parts);
  g_assert_true ((result == NULL) == (by_parts == NULL));

  if (result != NULL)
    {
      check_result (result, by_parts, type);
    }
  else
    {
      g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS);
      g_assert_cmpstr (error->message, ==, error_by_parts->message);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_cmpuint (strlen (error->message), <, 1024);
    }

  params = _msgpack_rpc_coerce_params ("method", value, type, &error_of_params);
  g_assert_true ((params == NULL) == (error_of_params != NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  const guint8 *nul = size > 0 ? memchr (data, '\0', MIN (size, MAX_TYPE_LENGTH)) : NULL;
  const char *type = (const char *) data;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GVariant) value = NULL;

  if (nul == NULL || !g_variant_type_string_is_valid (type))
    return 0;

  bytes = g_bytes_new (nul + 1, data + size - nul - 1);
  value = msgpack_rpc_unpack (bytes, NULL);
  if (value != NULL)
    check (value, G_VARIANT_TYPE (type));

  return 0;
}
