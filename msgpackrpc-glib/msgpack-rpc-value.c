/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-value.h"

/**
 * msgpack_rpc_pack:
 * @value: a value of any type
 * @error: return location for an error
 *
 * Writes a value as MessagePack.
 *
 * | `GVariant` type | MessagePack |
 * | --- | --- |
 * | `b` | boolean |
 * | `y`, `n`, `q`, `i`, `u`, `x`, `t` | integer, in the smallest form |
 * | `d` | 64-bit float |
 * | `s`, `o`, `g` | str |
 * | `ay` | bin |
 * | `m…` | nil, or what is in it |
 * | `v` | what is in it |
 * | `a{…}`, `a(vv)` | map |
 * | any other `a…`, `(…)` | array |
 * | `(hay)`, the handle from -128 to 127 | ext of that type |
 * | `(hay)`, the handle 256 | str of these bytes, be they UTF-8 or not |
 *
 * A single dictionary entry becomes a map with one entry. Handles have no other meaning, and make
 * the function fail with `MSGPACK_RPC_ERROR_INVALID_VALUE`; so does a value nested deeper than 128
 * levels. A message of 2 GiB or more fails with `MSGPACK_RPC_ERROR_TOO_LARGE`.
 *
 * If @value is floating, it is consumed. Any thread may call this.
 *
 * Returns: (transfer full): one MessagePack value, or `NULL` with @error set
 *
 * Since: 1.0
 */
GBytes *
msgpack_rpc_pack (GVariant  *value,
                  GError   **error)
{
  return msgpack_rpc_pack_full (value, MSGPACK_RPC_PACK_FLAGS_NONE, error);
}

/**
 * msgpack_rpc_pack_full:
 * @value: a value of any type
 * @flags: how it is written
 * @error: return location for an error
 *
 * Writes a value as MessagePack, as [func@pack] does, in the form that @flags ask for.
 *
 * Fails with `MSGPACK_RPC_ERROR_INVALID_VALUE` also when @value has no such form: an ext with
 * `MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW`, a finite float beyond the range of 32 bits with
 * `MSGPACK_RPC_PACK_FLAGS_FLOAT32`.
 *
 * If @value is floating, it is consumed. Any thread may call this.
 *
 * Returns: (transfer full): one MessagePack value, or `NULL` with @error set
 *
 * Since: 1.0
 */
GBytes *
msgpack_rpc_pack_full (GVariant             *value,
                       MsgpackRpcPackFlags   flags,
                       GError              **error)
{
  g_autoptr(GVariant) sunk = NULL;
  g_autoptr(GByteArray) out = NULL;

  g_return_val_if_fail (value != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  sunk = g_variant_ref_sink (value);
  out = g_byte_array_new ();
  if (!_msgpack_rpc_packer_append_value (out, sunk, flags, error))
    return NULL;

  return _msgpack_rpc_packer_free_to_bytes (g_steal_pointer (&out));
}

static GVariant *
unpack (GBytes              *bytes,
        const GVariantType  *type,
        GError             **error)
{
  g_autoptr(MsgpackRpcDecoder) decoder = NULL;
  MsgpackRpcDecoded decoded = { NULL };
  const guint8 *data;
  gsize length;
  gsize offset = 0;

  data = g_bytes_get_data (bytes, &length);
  decoder = _msgpack_rpc_decoder_new ();
  _msgpack_rpc_decoder_settings (decoder)->alone = TRUE;

  switch (_msgpack_rpc_decoder_decode (decoder, data, length, &offset, type, &decoded, error))
    {
    case MSGPACK_RPC_DECODER_FAILED:
      return NULL;

    case MSGPACK_RPC_DECODER_MORE:
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Message cut short: it ends after %" G_GSIZE_FORMAT " bytes", length);
      return NULL;

    case MSGPACK_RPC_DECODER_DONE:
    default:
      break;
    }

  if (offset < length)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "%" G_GSIZE_FORMAT " bytes too many after the message, at offset "
                   "%" G_GSIZE_FORMAT, length - offset, offset);
      return NULL;
    }

  return decoded.value;
}

/**
 * msgpack_rpc_unpack:
 * @bytes: one MessagePack value
 * @error: return location for an error
 *
 * Reads one MessagePack value.
 *
 * The type of the result follows from the kind of the value, never from its content alone, save
 * where a table says so:
 *
 * | MessagePack | `GVariant` type |
 * | --- | --- |
 * | nil | `mv`, nothing |
 * | boolean | `b` |
 * | 32- and 64-bit float | `d` |
 * | integer | `x`, or `t` if it is too large for that |
 * | str, valid UTF-8 without NUL | `s` |
 * | any other str | `(hay)`, the handle 256 |
 * | bin | `ay` |
 * | array | `av` |
 * | map, all keys `s`, or empty | `a{sv}` |
 * | map, all keys `x` | `a{xv}` |
 * | any other map | `a(vv)` |
 * | ext, the timestamp included | `(hay)`, the handle from -128 to 127 is the ext type |
 *
 * Writing the result with [func@pack] gives an equal MessagePack value. Keys that occur twice in a
 * map are all kept, in order: [method@GLib.Variant.lookup_value] finds the first, while
 * [struct@GLib.VariantDict] and dictionaries of other languages have the last.
 *
 * Fails with `MSGPACK_RPC_ERROR_INVALID_MESSAGE` if @bytes are no MessagePack, are cut short, or go
 * on after the value, and with `MSGPACK_RPC_ERROR_TOO_LARGE` or `MSGPACK_RPC_ERROR_TOO_DEEP` beyond
 * the limits that [class@Unpacker] has by default. The message names the offset in @bytes.
 *
 * Any thread may call this.
 *
 * Returns: (transfer full): the value, not floating, or `NULL` with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_unpack (GBytes  *bytes,
                    GError **error)
{
  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return unpack (bytes, NULL, error);
}

/**
 * msgpack_rpc_unpack_as:
 * @bytes: one MessagePack value
 * @type: the type that the value is to have
 * @error: return location for an error
 *
 * Reads one MessagePack value into a declared type, such as `(xx)`, `a{sv}`, `ax`, `as` or `a(sd)`.
 *
 * That is stricter than [func@unpack], faster than converting its result, and the value is easier to
 * use: an `ax` is a C array. A number fits every type of number that can hold it, an integral float
 * is an integer, an array fits a tuple of as many members, a str and a bin fit a string if they are
 * UTF-8, a map fits a dictionary, and so does an empty array; nil fits nothing but a maybe.
 * Nothing is converted to an indefinite type, such as `a*`.
 *
 * Fails as [func@unpack] does, and with `MSGPACK_RPC_ERROR_INVALID_PARAMS` if the value does not fit:
 * the message says what was expected and where, for instance
 * `expected a number at value[1][0], got a string`.
 *
 * Any thread may call this.
 *
 * Returns: (transfer full): the value, not floating, or `NULL` with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_unpack_as (GBytes              *bytes,
                       const GVariantType  *type,
                       GError             **error)
{
  g_autoptr(GVariant) value = NULL;

  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  value = unpack (bytes, g_variant_type_is_definite (type) ? type : NULL, error);
  if (value == NULL || g_variant_is_of_type (value, type))
    return g_steal_pointer (&value);

  return _msgpack_rpc_coerce_by_parts (value, type, "value", error);
}
