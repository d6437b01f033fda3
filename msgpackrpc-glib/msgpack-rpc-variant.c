/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-variant.h"

#define OPAQUE_TYPE G_VARIANT_TYPE ("(hay)")
#define RAW_STRING 256
#define TIMESTAMP (-1)
#define MAX_NANOSECONDS 999999999

static GVariant *
opaque_new (gint32      handle,
            const void *data,
            gsize       size)
{
  g_autoptr(GBytes) bytes = NULL;
  guint8 *serialised = g_malloc (sizeof handle + size);

  memcpy (serialised, &handle, sizeof handle);
  if (size > 0)
    memcpy (serialised + sizeof handle, data, size);
  bytes = g_bytes_new_take (serialised, sizeof handle + size);

  return g_variant_new_from_bytes (OPAQUE_TYPE, bytes, TRUE);
}

/* The bytes of a (hay), and its handle. */
static gboolean
opaque_get (GVariant  *value,
            int       *handle,
            GBytes   **data)
{
  g_autoptr(GVariant) child = NULL;
  gint32 h;

  if (!g_variant_is_of_type (value, OPAQUE_TYPE))
    return FALSE;

  g_variant_get (value, "(h@ay)", &h, &child);
  *handle = h;
  if (data != NULL)
    *data = g_variant_get_data_as_bytes (child);

  return TRUE;
}

/* Getters leave a floating value as it is, while coercion consumes one. Not floating. */
static GVariant *
ref_or_copy (GVariant *value)
{
  g_autoptr(GBytes) bytes = NULL;

  if (!g_variant_is_floating (value))
    return g_variant_ref (value);

  bytes = g_variant_get_data_as_bytes (value);

  return g_variant_ref_sink (g_variant_new_from_bytes (g_variant_get_type (value), bytes, FALSE));
}

static GVariant *
unbox (GVariant *value)
{
  g_autoptr(GVariant) kept = ref_or_copy (value);

  return _msgpack_rpc_value_unbox (kept);
}

static GVariant *
get_as (GVariant           *value,
        const GVariantType *type)
{
  g_autoptr(GVariant) kept = ref_or_copy (value);

  return _msgpack_rpc_coerce (kept, type, "value", NULL);
}

/**
 * msgpack_rpc_variant_new_ext:
 * @type: the type, from -128 to 127; those below 0 are MessagePack's own
 * @data: the data
 *
 * Makes the value that [func@pack] writes as an ext, of the type `(hay)`.
 *
 * Returns: (transfer none): a floating reference to the value
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_variant_new_ext (int     type,
                             GBytes *data)
{
  g_return_val_if_fail (type >= G_MININT8 && type <= G_MAXINT8, NULL);
  g_return_val_if_fail (data != NULL, NULL);

  return opaque_new (type, g_bytes_get_data (data, NULL), g_bytes_get_size (data));
}

/**
 * msgpack_rpc_variant_new_raw_string:
 * @bytes: bytes in any encoding
 *
 * Makes the value that [func@pack] writes as a str of these bytes, of the type `(hay)`.
 *
 * MessagePack asks that a str be UTF-8; some programs send and expect others. For UTF-8 without
 * NUL, a value of the type `s` does the same.
 *
 * Returns: (transfer none): a floating reference to the value
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_variant_new_raw_string (GBytes *bytes)
{
  g_return_val_if_fail (bytes != NULL, NULL);

  return opaque_new (RAW_STRING, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/**
 * msgpack_rpc_variant_new_bytes:
 * @bytes: the bytes
 *
 * Makes the value that [func@pack] writes as a bin, of the type `ay`.
 *
 * It shares memory with @bytes; nothing is copied.
 *
 * Returns: (transfer none): a floating reference to the value
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_variant_new_bytes (GBytes *bytes)
{
  g_return_val_if_fail (bytes != NULL, NULL);

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/**
 * msgpack_rpc_variant_new_timestamp:
 * @time: a time
 *
 * Makes the value that [func@pack] writes as a timestamp, of the type `(hay)`.
 *
 * A time has microseconds; [func@variant_new_timespec] takes nanoseconds, and any year. The time
 * zone is not kept.
 *
 * Returns: (transfer none): a floating reference to the value
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_variant_new_timestamp (GDateTime *time)
{
  g_return_val_if_fail (time != NULL, NULL);

  return msgpack_rpc_variant_new_timespec (g_date_time_to_unix (time),
                                           g_date_time_get_microsecond (time) * 1000);
}

/**
 * msgpack_rpc_variant_new_timespec:
 * @seconds: seconds since 1970-01-01T00:00:00Z, negative before it
 * @nanoseconds: nanoseconds to add, from 0 to 999,999,999
 *
 * Makes the value that [func@pack] writes as a timestamp, an ext of the type -1 and of the type
 * `(hay)` here.
 *
 * It has the smallest of the three forms that the specification knows:
 *
 * | form | data | holds |
 * | --- | --- | --- |
 * | timestamp 32 | 4 bytes | seconds from 0 to 2^32 − 1, no nanoseconds |
 * | timestamp 64 | 8 bytes | seconds from 0 to 2^34 − 1 |
 * | timestamp 96 | 12 bytes | any other |
 *
 * Returns: (transfer none): a floating reference to the value
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_variant_new_timespec (gint64 seconds,
                                  guint  nanoseconds)
{
  guint8 data[12];
  guint32 be32;
  guint64 be64;

  g_return_val_if_fail (nanoseconds <= MAX_NANOSECONDS, NULL);

  if (nanoseconds == 0 && seconds >= 0 && seconds <= G_MAXUINT32)
    {
      be32 = GUINT32_TO_BE (seconds);
      return opaque_new (TIMESTAMP, &be32, sizeof be32);
    }

  if (seconds >= 0 && seconds < G_GINT64_CONSTANT (1) << 34)
    {
      be64 = GUINT64_TO_BE ((guint64) nanoseconds << 34 | seconds);
      return opaque_new (TIMESTAMP, &be64, sizeof be64);
    }

  be32 = GUINT32_TO_BE (nanoseconds);
  be64 = GUINT64_TO_BE (seconds);
  memcpy (data, &be32, sizeof be32);
  memcpy (data + sizeof be32, &be64, sizeof be64);

  return opaque_new (TIMESTAMP, data, sizeof data);
}

/**
 * msgpack_rpc_variant_is_nil:
 * @value: a value
 *
 * Gets whether @value is nil: nothing, of the type `mv` or any other maybe type, be it in a variant
 * or not.
 *
 * Returns: `TRUE` if it is nil
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_is_nil (GVariant *value)
{
  g_autoptr(GVariant) unboxed = NULL;

  g_return_val_if_fail (value != NULL, FALSE);

  unboxed = unbox (value);

  return g_variant_is_of_type (unboxed, G_VARIANT_TYPE_MAYBE) &&
         g_variant_n_children (unboxed) == 0;
}

/**
 * msgpack_rpc_variant_is_ext:
 * @value: a value
 *
 * Gets whether @value is an ext, be it in a variant or not.
 *
 * Returns: `TRUE` if it is an ext
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_is_ext (GVariant *value)
{
  g_return_val_if_fail (value != NULL, FALSE);

  return msgpack_rpc_variant_get_ext (value, NULL, NULL);
}

/**
 * msgpack_rpc_variant_get_ext:
 * @value: a value
 * @type: (out) (optional): return location for the type, from -128 to 127
 * @data: (out) (optional) (transfer full): return location for the data
 *
 * Gets the type and the data of an ext, be it in a variant or not.
 *
 * If @value is none, @type is set to 0 and @data to `NULL`.
 *
 * Returns: `TRUE` if @value is an ext
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_ext (GVariant  *value,
                             int       *type,
                             GBytes   **data)
{
  g_autoptr(GVariant) unboxed = NULL;
  g_autoptr(GBytes) bytes = NULL;
  int handle = 0;
  gboolean is_ext;

  g_return_val_if_fail (value != NULL, FALSE);

  unboxed = unbox (value);
  is_ext = opaque_get (unboxed, &handle, &bytes) && handle >= G_MININT8 && handle <= G_MAXINT8;

  if (type != NULL)
    *type = is_ext ? handle : 0;
  if (data != NULL)
    *data = is_ext ? g_steal_pointer (&bytes) : NULL;

  return is_ext;
}

/* Reads one of the three forms of a timestamp. */
static gboolean
timestamp_parse (GBytes *bytes,
                 gint64 *seconds,
                 guint  *nanoseconds)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint32 be32 = 0;
  guint64 be64 = 0;

  switch (size)
    {
    case 4:
      memcpy (&be32, data, sizeof be32);
      *seconds = GUINT32_FROM_BE (be32);
      *nanoseconds = 0;
      break;

    case 8:
      memcpy (&be64, data, sizeof be64);
      *seconds = GUINT64_FROM_BE (be64) & ((G_GUINT64_CONSTANT (1) << 34) - 1);
      *nanoseconds = GUINT64_FROM_BE (be64) >> 34;
      break;

    case 12:
      memcpy (&be32, data, sizeof be32);
      memcpy (&be64, data + sizeof be32, sizeof be64);
      *seconds = (gint64) GUINT64_FROM_BE (be64);
      *nanoseconds = GUINT32_FROM_BE (be32);
      break;

    default:
      return FALSE;
    }

  return *nanoseconds <= MAX_NANOSECONDS;
}

/**
 * msgpack_rpc_variant_get_timestamp:
 * @value: a value
 *
 * Gets the time of a timestamp (an ext of the type -1), be it in a variant or not.
 *
 * What is finer than a microsecond is cut off; [func@variant_get_timespec] has it, and any year.
 *
 * Returns: (transfer full) (nullable): the time in UTC, or `NULL` if @value is no timestamp, or one
 *   that is malformed or outside of the years 1 to 9999
 *
 * Since: 1.0
 */
GDateTime *
msgpack_rpc_variant_get_timestamp (GVariant *value)
{
  g_autoptr(GDateTime) time = NULL;
  guint nanoseconds;
  gint64 seconds;

  g_return_val_if_fail (value != NULL, NULL);

  if (!msgpack_rpc_variant_get_timespec (value, &seconds, &nanoseconds))
    return NULL;

  time = g_date_time_new_from_unix_utc (seconds);
  if (time == NULL)
    return NULL;

  return g_date_time_add (time, nanoseconds / 1000);
}

/**
 * msgpack_rpc_variant_get_timespec:
 * @value: a value
 * @seconds: (out) (optional): return location for the seconds since 1970-01-01T00:00:00Z, negative
 *   before it
 * @nanoseconds: (out) (optional): return location for the nanoseconds to add, from 0 to 999,999,999
 *
 * Gets the time of a timestamp (an ext of the type -1) in any of its three forms, be it in a
 * variant or not.
 *
 * If @value is no timestamp, or one whose data has another length or more nanoseconds, both are set
 * to 0.
 *
 * Returns: `TRUE` if @value is a timestamp
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_timespec (GVariant *value,
                                  gint64   *seconds,
                                  guint    *nanoseconds)
{
  g_autoptr(GBytes) data = NULL;
  gboolean is_timestamp;
  guint ns = 0;
  gint64 s = 0;
  int type;

  g_return_val_if_fail (value != NULL, FALSE);

  is_timestamp = msgpack_rpc_variant_get_ext (value, &type, &data) && type == TIMESTAMP &&
                 timestamp_parse (data, &s, &ns);

  if (seconds != NULL)
    *seconds = is_timestamp ? s : 0;
  if (nanoseconds != NULL)
    *nanoseconds = is_timestamp ? ns : 0;

  return is_timestamp;
}

/**
 * msgpack_rpc_variant_get_bytes:
 * @value: a value
 *
 * Gets the bytes of a str, raw or not, or of a bin, be it in a variant or not.
 *
 * Programs differ in which of the two they send. The NUL that ends a string in memory is not among
 * the bytes.
 *
 * Nothing is copied: the bytes share memory with @value and keep that memory, which is the whole of
 * a value that was read, alive. [ctor@GLib.Bytes.new] makes a copy where a small part of a large
 * message is kept.
 *
 * Returns: (transfer full) (nullable): the bytes, or `NULL` if @value is neither
 *
 * Since: 1.0
 */
GBytes *
msgpack_rpc_variant_get_bytes (GVariant *value)
{
  g_autoptr(GVariant) unboxed = NULL;
  g_autoptr(GBytes) bytes = NULL;
  const char *text;
  gsize length;
  int handle;

  g_return_val_if_fail (value != NULL, NULL);

  unboxed = unbox (value);

  if (g_variant_is_of_type (unboxed, G_VARIANT_TYPE_BYTESTRING))
    return g_variant_get_data_as_bytes (unboxed);

  if (opaque_get (unboxed, &handle, &bytes))
    return handle == RAW_STRING ? g_steal_pointer (&bytes) : NULL;

  switch (g_variant_classify (unboxed))
    {
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      text = g_variant_get_string (unboxed, &length);
      /* Data that are not in normal form stand for another string. */
      if (text != g_variant_get_data (unboxed))
        return g_bytes_new (text, length);
      bytes = g_variant_get_data_as_bytes (unboxed);
      return g_bytes_new_from_bytes (bytes, 0, length);

    default:
      return NULL;
    }
}

/**
 * msgpack_rpc_variant_get_string:
 * @value: a value
 *
 * Gets the text of a str, raw or not, or of a bin, be it in a variant or not.
 *
 * Programs differ in which of the two they send.
 *
 * Returns: (transfer full) (nullable): the text, or `NULL` if @value is neither, or not valid UTF-8
 *   without NUL
 *
 * Since: 1.0
 */
char *
msgpack_rpc_variant_get_string (GVariant *value)
{
  g_autoptr(GBytes) bytes = NULL;
  const char *data;
  gsize size;

  g_return_val_if_fail (value != NULL, NULL);

  bytes = msgpack_rpc_variant_get_bytes (value);
  if (bytes == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &size);
  if (size == 0)
    return g_strdup ("");

  return g_utf8_validate_len (data, size, NULL) ? g_strndup (data, size) : NULL;
}

/**
 * msgpack_rpc_variant_get_boolean:
 * @value: a value
 * @boolean: (out): return location for the boolean
 *
 * Gets a boolean, be it in a variant or not.
 *
 * Numbers are none. If @value is no boolean, @boolean is set to `FALSE`.
 *
 * Returns: `TRUE` if @value is a boolean
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_boolean (GVariant *value,
                                 gboolean *boolean)
{
  g_autoptr(GVariant) unboxed = NULL;
  gboolean is_boolean;

  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (boolean != NULL, FALSE);

  unboxed = unbox (value);
  is_boolean = g_variant_is_of_type (unboxed, G_VARIANT_TYPE_BOOLEAN);
  *boolean = is_boolean && g_variant_get_boolean (unboxed);

  return is_boolean;
}

/**
 * msgpack_rpc_variant_get_int64:
 * @value: a value
 * @number: (out): return location for the number
 *
 * Gets an integer of any width, be it in a variant or not.
 *
 * Some languages have no integers: a float whose value is integral is taken for one. If @value is
 * no integer, or one that does not fit, @number is set to 0.
 *
 * Returns: `TRUE` if @value is an integer from -2^63 to 2^63 − 1
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_int64 (GVariant *value,
                               gint64   *number)
{
  g_autoptr(GVariant) coerced = NULL;

  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (number != NULL, FALSE);

  coerced = get_as (value, G_VARIANT_TYPE_INT64);
  *number = coerced != NULL ? g_variant_get_int64 (coerced) : 0;

  return coerced != NULL;
}

/**
 * msgpack_rpc_variant_get_uint64:
 * @value: a value
 * @number: (out): return location for the number
 *
 * Gets an integer of any width that is not negative, be it in a variant or not.
 *
 * Some languages have no integers: a float whose value is integral is taken for one. If @value is
 * no integer, or one that does not fit, @number is set to 0.
 *
 * Returns: `TRUE` if @value is an integer from 0 to 2^64 − 1
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_uint64 (GVariant *value,
                                guint64  *number)
{
  g_autoptr(GVariant) coerced = NULL;

  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (number != NULL, FALSE);

  coerced = get_as (value, G_VARIANT_TYPE_UINT64);
  *number = coerced != NULL ? g_variant_get_uint64 (coerced) : 0;

  return coerced != NULL;
}

/**
 * msgpack_rpc_variant_get_double:
 * @value: a value
 * @number: (out): return location for the number
 *
 * Gets a number, be it a float or an integer, in a variant or not.
 *
 * Integers beyond 2^53 are rounded. If @value is no number, @number is set to 0.
 *
 * Returns: `TRUE` if @value is a number
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_variant_get_double (GVariant *value,
                                double   *number)
{
  g_autoptr(GVariant) coerced = NULL;

  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (number != NULL, FALSE);

  coerced = get_as (value, G_VARIANT_TYPE_DOUBLE);
  *number = coerced != NULL ? g_variant_get_double (coerced) : 0.0;

  return coerced != NULL;
}
