/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "test-pack.h"

static void
test_ext (void)
{
  g_autoptr(GBytes) data = g_bytes_new_static ("abc", 3);
  g_autoptr(GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr(GBytes) got = NULL;
  g_autoptr(GBytes) got_empty = NULL;
  g_autoptr(GVariant) ext = NULL;
  g_autoptr(GVariant) empty_ext = NULL;
  g_autoptr(GVariant) boxed = NULL;
  g_autofree char *hex = NULL;
  int type = 99;

  g_test_summary ("An ext is made, written and read again, in a variant or not");

  ext = msgpack_rpc_variant_new_ext (-5, data);
  g_assert_true (g_variant_is_floating (ext));
  g_variant_ref_sink (ext);
  hex = pack_to_hex (ext);
  g_assert_cmpstr (hex, ==, "c7 03 fb 61 62 63");

  boxed = g_variant_ref_sink (g_variant_new_variant (ext));
  g_assert_true (msgpack_rpc_variant_is_ext (ext));
  g_assert_true (msgpack_rpc_variant_is_ext (boxed));
  g_assert_true (msgpack_rpc_variant_get_ext (boxed, &type, &got));
  g_assert_cmpint (type, ==, -5);
  g_assert_true (g_bytes_equal (got, data));

  empty_ext = g_variant_ref_sink (msgpack_rpc_variant_new_ext (127, empty));
  g_assert_true (msgpack_rpc_variant_get_ext (empty_ext, &type, &got_empty));
  g_assert_cmpint (type, ==, 127);
  g_assert_cmpuint (g_bytes_get_size (got_empty), ==, 0);
}

static void
test_ext_of_others (void)
{
  static const char *const texts[] = {
    "5", "'a'", "(handle 256, [byte 1])", "(handle 128, [byte 1])", "(5, [byte 1])",
    "<@mv nothing>",
  };

  g_test_summary ("What is no ext has neither type nor data");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (texts[i]);
      GBytes *data = (GBytes *) &value;
      int type = 99;

      g_assert_false (msgpack_rpc_variant_is_ext (value));
      g_assert_false (msgpack_rpc_variant_get_ext (value, &type, &data));
      g_assert_cmpint (type, ==, 0);
      g_assert_null (data);
      g_assert_false (msgpack_rpc_variant_get_ext (value, NULL, NULL));
    }
}

static void
test_nil (void)
{
  static const char *const nils[] = { "@mv nothing", "@mi nothing", "<@mv nothing>",
                                      "<<@ms nothing>>", "@mms just nothing" };
  static const char *const others[] = { "@mv <1>", "@mi 5", "()", "''", "0", "false", "@av []",
                                        "<@mi 5>" };

  g_test_summary ("Nil is nothing of any type, and nothing else");

  for (gsize i = 0; i < G_N_ELEMENTS (nils); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (nils[i]);

      g_assert_true (msgpack_rpc_variant_is_nil (value));
    }

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (others[i]);

      g_assert_false (msgpack_rpc_variant_is_nil (value));
    }
}

typedef struct
{
  gint64 seconds;
  guint nanoseconds;
  const char *hex;
  const char *time; /* what a GDateTime makes of it, or NULL */
} Timestamp;

static const Timestamp timestamps[] = {
  { 0, 0, "d6 ff 00 00 00 00", "1970-01-01T00:00:00Z" },
  { 1, 0, "d6 ff 00 00 00 01", "1970-01-01T00:00:01Z" },
  { G_MAXUINT32, 0, "d6 ff ff ff ff ff", "2106-02-07T06:28:15Z" },

  { 0, 1, "d7 ff 00 00 00 04 00 00 00 00", "1970-01-01T00:00:00Z" },
  { 0, 1000, "d7 ff 00 00 0f a0 00 00 00 00", "1970-01-01T00:00:00.000001Z" },
  { 0, 999999999, "d7 ff ee 6b 27 fc 00 00 00 00", "1970-01-01T00:00:00.999999Z" },
  { G_MAXUINT32, 1, "d7 ff 00 00 00 04 ff ff ff ff", "2106-02-07T06:28:15Z" },
  { G_GINT64_CONSTANT (1) << 32, 0, "d7 ff 00 00 00 01 00 00 00 00", "2106-02-07T06:28:16Z" },
  { 1525437296, 789012000, "d7 ff bc 1d 78 80 5a ec 53 70", "2018-05-04T12:34:56.789012Z" },
  { (G_GINT64_CONSTANT (1) << 34) - 1, 0, "d7 ff 00 00 00 03 ff ff ff ff",
    "2514-05-30T01:53:03Z" },
  { (G_GINT64_CONSTANT (1) << 34) - 1, 999999999, "d7 ff ee 6b 27 ff ff ff ff ff",
    "2514-05-30T01:53:03.999999Z" },

  { G_GINT64_CONSTANT (1) << 34, 0, "c7 0c ff 00 00 00 00 00 00 00 04 00 00 00 00",
    "2514-05-30T01:53:04Z" },
  { G_GINT64_CONSTANT (1) << 34, 999999999, "c7 0c ff 3b 9a c9 ff 00 00 00 04 00 00 00 00",
    "2514-05-30T01:53:04.999999Z" },
  { -1, 0, "c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff", "1969-12-31T23:59:59Z" },
  { -1, 1, "c7 0c ff 00 00 00 01 ff ff ff ff ff ff ff ff", "1969-12-31T23:59:59Z" },
  { -1, 500000000, "c7 0c ff 1d cd 65 00 ff ff ff ff ff ff ff ff", "1969-12-31T23:59:59.5Z" },
  { -62135596800, 0, "c7 0c ff 00 00 00 00 ff ff ff f1 88 6e 09 00", "0001-01-01T00:00:00Z" },
  { 253402300799, 0, "c7 0c ff 00 00 00 00 00 00 00 3a ff f4 41 7f", "9999-12-31T23:59:59Z" },
  { 253402300799, 999999999, "c7 0c ff 3b 9a c9 ff 00 00 00 3a ff f4 41 7f",
    "9999-12-31T23:59:59.999999Z" },

  /* Years that GDateTime has not. */
  { 253402300800, 0, "c7 0c ff 00 00 00 00 00 00 00 3a ff f4 41 80", NULL },
  { -62135596801, 999999999, "c7 0c ff 3b 9a c9 ff ff ff ff f1 88 6e 08 ff", NULL },
  { G_MAXINT64, 999999999, "c7 0c ff 3b 9a c9 ff 7f ff ff ff ff ff ff ff", NULL },
  { G_MININT64, 0, "c7 0c ff 00 00 00 00 80 00 00 00 00 00 00 00", NULL },
};

static void
assert_time (GVariant   *value,
             const char *expected)
{
  g_autoptr(GDateTime) got = msgpack_rpc_variant_get_timestamp (value);
  g_autoptr(GDateTime) time = NULL;

  if (expected == NULL)
    {
      g_assert_null (got);
      return;
    }

  time = g_date_time_new_from_iso8601 (expected, NULL);
  g_assert_nonnull (got);
  g_assert_true (g_date_time_equal (got, time));
}

static void
test_timespec (gconstpointer data)
{
  const Timestamp *c = data;
  g_autoptr(GVariant) value = NULL;
  g_autofree char *hex = NULL;
  g_autoptr(GVariant) read = unpack_hex (c->hex);
  guint nanoseconds = 5;
  gint64 seconds = 5;

  g_test_summary ("A time is written in the smallest form, and no nanosecond of it is lost");

  value = msgpack_rpc_variant_new_timespec (c->seconds, c->nanoseconds);
  g_assert_true (g_variant_is_floating (value));
  g_variant_ref_sink (value);
  hex = pack_to_hex (value);
  g_assert_cmpstr (hex, ==, c->hex);
  g_assert_cmpvariant (value, read);

  g_assert_true (msgpack_rpc_variant_get_timespec (read, &seconds, &nanoseconds));
  g_assert_cmpint (seconds, ==, c->seconds);
  g_assert_cmpuint (nanoseconds, ==, c->nanoseconds);
  g_assert_true (msgpack_rpc_variant_get_timespec (read, NULL, NULL));

  assert_time (read, c->time);
}

static void
test_timestamp (gconstpointer data)
{
  const Timestamp *c = data;
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601 (c->time, NULL);
  g_autoptr(GTimeZone) zone = g_time_zone_new_offset (3600);
  g_autoptr(GDateTime) elsewhere = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) cut = NULL;

  g_test_summary ("A GDateTime is the same time with whole microseconds, in any time zone");

  cut = g_variant_ref_sink (msgpack_rpc_variant_new_timespec (c->seconds,
                                                              c->nanoseconds / 1000 * 1000));
  value = g_variant_ref_sink (msgpack_rpc_variant_new_timestamp (time));
  g_assert_cmpvariant (value, cut);

  elsewhere = g_date_time_to_timezone (time, zone);
  if (elsewhere != NULL)
    {
      g_autoptr(GVariant) same = NULL;

      same = g_variant_ref_sink (msgpack_rpc_variant_new_timestamp (elsewhere));
      g_assert_cmpvariant (same, cut);
    }
}

/* Forms that are larger than need be. */
static void
test_timestamp_large_form (void)
{
  static const char *const hexes[] = {
    "d6 ff 00 00 00 05",
    "d7 ff 00 00 00 00 00 00 00 05",
    "c7 0c ff 00 00 00 00 00 00 00 00 00 00 00 05",
    "c9 00 00 00 0c ff 00 00 00 00 00 00 00 00 00 00 00 05",
  };

  g_test_summary ("A time is read from any form that can hold it");

  for (gsize i = 0; i < G_N_ELEMENTS (hexes); i++)
    {
      g_autoptr(GVariant) value = unpack_hex (hexes[i]);
      g_autoptr(GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (value));
      guint nanoseconds;
      gint64 seconds;

      g_assert_true (msgpack_rpc_variant_get_timespec (boxed, &seconds, &nanoseconds));
      g_assert_cmpint (seconds, ==, 5);
      g_assert_cmpuint (nanoseconds, ==, 0);
    }
}

static void
test_timestamp_of_others (void)
{
  static const char *const hexes[] = {
    "d6 fe 00 00 00 00",                            /* another type */
    "d6 01 00 00 00 00",
    "c7 00 ff",                                     /* another length */
    "d4 ff 00",
    "d5 ff 00 00",
    "c7 03 ff 00 00 00",
    "c7 05 ff 00 00 00 00 00",
    "c7 07 ff 00 00 00 00 00 00 00",
    "c7 09 ff 00 00 00 00 00 00 00 00 00",
    "c7 0b ff 00 00 00 00 00 00 00 00 00 00 00",
    "c7 0d ff 00 00 00 00 00 00 00 00 00 00 00 00 00",
    "d8 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    "d7 ff ee 6b 28 00 00 00 00 00",                /* 1,000,000,000 nanoseconds */
    "d7 ff ff ff ff fc 00 00 00 00",
    "c7 0c ff 3b 9a ca 00 00 00 00 00 00 00 00 00",
    "c7 0c ff ff ff ff ff 00 00 00 00 00 00 00 00",
    "05",
    "a4 00 00 00 00",
    "c0",
  };

  g_test_summary ("What is malformed, or no timestamp, has no time");

  for (gsize i = 0; i < G_N_ELEMENTS (hexes); i++)
    {
      g_autoptr(GVariant) value = unpack_hex (hexes[i]);
      guint nanoseconds = 5;
      gint64 seconds = 5;

      g_assert_null (msgpack_rpc_variant_get_timestamp (value));
      g_assert_false (msgpack_rpc_variant_get_timespec (value, &seconds, &nanoseconds));
      g_assert_cmpint (seconds, ==, 0);
      g_assert_cmpuint (nanoseconds, ==, 0);
    }
}

static void
test_timespec_too_many (void)
{
  g_test_summary ("A second has no more than 999,999,999 nanoseconds");

  g_test_expect_message ("MsgpackRpc", G_LOG_LEVEL_CRITICAL, "*nanoseconds*");
  g_assert_null (msgpack_rpc_variant_new_timespec (0, 1000000000));
  g_test_assert_expected_messages ();
}

static void
test_strings (void)
{
  static const struct
  {
    const char *text;
    const char *bytes; /* in hexadecimal, or NULL for none */
    const char *string;
  } cases[] = {
    { "'a€'", "61 e2 82 ac", "a€" },
    { "''", "", "" },
    { "objectpath '/a'", "2f 61", "/a" },
    { "signature 's'", "73", "s" },
    { "[byte 0x61, 0x62]", "61 62", "ab" },
    { "@ay []", "", "" },
    { "(handle 256, [byte 0x61, 0x62])", "61 62", "ab" },
    { "(handle 256, @ay [])", "", "" },
    { "<<'a'>>", "61", "a" },
    { "@ms 'a'", "61", "a" },
    { "(handle 256, [byte 0xff])", "ff", NULL },
    { "[byte 0x61, 0]", "61 00", NULL },
    { "[byte 0xff]", "ff", NULL },
    { "(handle 5, [byte 0x61])", NULL, NULL },
    { "5", NULL, NULL },
    { "@mv nothing", NULL, NULL },
    { "[<'a'>]", NULL, NULL },
  };

  g_test_summary ("Text and bytes are got from str, bin and raw strings alike");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (cases[i].text);
      g_autofree char *string = msgpack_rpc_variant_get_string (value);
      g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);

      g_assert_cmpstr (string, ==, cases[i].string);
      if (cases[i].bytes == NULL)
        {
          g_assert_null (bytes);
        }
      else
        {
          g_autoptr(GBytes) wanted = gbytes_from_hex (cases[i].bytes);

          g_assert_nonnull (bytes);
          g_assert_true (g_bytes_equal (bytes, wanted));
        }
    }
}

static void
test_raw_string (void)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static ("a\xff", 2);
  g_autoptr(GBytes) text = g_bytes_new_static ("ab", 2);
  g_autofree char *hex = pack_to_hex (msgpack_rpc_variant_new_raw_string (bytes));
  g_autofree char *text_hex = pack_to_hex (msgpack_rpc_variant_new_raw_string (text));
  g_autoptr(GVariant) read = unpack_hex (hex);
  g_autoptr(GVariant) text_read = unpack_hex (text_hex);

  g_test_summary ("A raw string is written as a str, and is text again if it is UTF-8");

  g_assert_cmpstr (hex, ==, "a2 61 ff");
  g_assert_cmpstr (g_variant_get_type_string (read), ==, "(hay)");
  g_assert_cmpstr (text_hex, ==, "a2 61 62");
  g_assert_cmpstr (g_variant_get_type_string (text_read), ==, "s");
}

typedef struct
{
  const char *value;
  gboolean is_int64;
  gint64 x;
  gboolean is_uint64;
  guint64 t;
  gboolean is_double;
  double d;
} NumberCase;

static const NumberCase numbers[] = {
  { "int64 -5", TRUE, -5, FALSE, 0, TRUE, -5.0 },
  { "byte 5", TRUE, 5, TRUE, 5, TRUE, 5.0 },
  { "<uint16 5>", TRUE, 5, TRUE, 5, TRUE, 5.0 },
  { "3.0", TRUE, 3, TRUE, 3, TRUE, 3.0 },
  { "-3.0", TRUE, -3, FALSE, 0, TRUE, -3.0 },
  { "3.5", FALSE, 0, FALSE, 0, TRUE, 3.5 },
  { "1e300", FALSE, 0, FALSE, 0, TRUE, 1e300 },
  { "uint64 9223372036854775807", TRUE, G_MAXINT64, TRUE, G_MAXINT64, TRUE, 0x1p63 },
  { "uint64 18446744073709551615", FALSE, 0, TRUE, G_MAXUINT64, TRUE, 0x1p64 },
  { "18446744073709551616.0", FALSE, 0, FALSE, 0, TRUE, 0x1p64 },
  { "'5'", FALSE, 0, FALSE, 0, FALSE, 0.0 },
  { "true", FALSE, 0, FALSE, 0, FALSE, 0.0 },
  { "@mv nothing", FALSE, 0, FALSE, 0, FALSE, 0.0 },
};

static void
test_numbers (void)
{
  g_test_summary ("Numbers of any kind are got if they fit");

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      const NumberCase *c = &numbers[i];
      g_autoptr(GVariant) value = variant_from_text (c->value);
      gint64 x = 1;
      guint64 t = 1;
      double d = 1.0;

      g_assert_cmpint (msgpack_rpc_variant_get_int64 (value, &x), ==, c->is_int64);
      g_assert_cmpint (x, ==, c->x);
      g_assert_cmpint (msgpack_rpc_variant_get_uint64 (value, &t), ==, c->is_uint64);
      g_assert_cmpuint (t, ==, c->t);
      g_assert_cmpint (msgpack_rpc_variant_get_double (value, &d), ==, c->is_double);
      g_assert_cmpfloat (d, ==, c->d);
    }
}

/* That @part is a part of @whole's memory. */
static void
assert_lies_in (GBytes   *part,
                GVariant *whole)
{
  const guint8 *start = g_variant_get_data (whole);
  const guint8 *data;
  gsize size;

  g_assert_nonnull (part);
  data = g_bytes_get_data (part, &size);
  g_assert_cmpuint (size, >, 0);
  g_assert_true (data >= start && data + size <= start + g_variant_get_size (whole));
}

static void
test_bytes_shared (void)
{
  /* A bin, a str, a raw str and an ext, and the bin once more in a map. */
  g_autoptr(GVariant) message = unpack_hex ("95 c4 03 61 62 63 a2 61 62 a2 61 ff d5 05 61 62 "
                                            "81 a1 6b c4 02 01 02");
  g_autoptr(GVariant) map = g_variant_get_child_value (message, 4);
  g_autoptr(GVariant) unboxed = g_variant_get_variant (map);
  g_autoptr(GVariant) in_map = g_variant_lookup_value (unboxed, "k", NULL);
  g_autoptr(GBytes) bytes_in_map = msgpack_rpc_variant_get_bytes (in_map);
  g_autoptr(GVariant) ext = g_variant_get_child_value (message, 3);
  g_autoptr(GBytes) data = NULL;

  g_test_summary ("Bytes are not copied out of the message that they came in");

  for (gsize i = 0; i < 3; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (message, i);
      g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (child);

      assert_lies_in (bytes, message);
    }

  assert_lies_in (bytes_in_map, message);
  g_assert_true (msgpack_rpc_variant_get_ext (ext, NULL, &data));
  assert_lies_in (data, message);
}

/* GVariant has another string instead, and that is what counts. */
static void
test_bytes_not_normal (void)
{
  static const struct
  {
    const char *type;
    const char *data;
    gsize size;
    const char *expected;
  } cases[] = {
    { "s", "", 0, "" },
    { "s", "abc", 3, "" },
    { "s", "a\xff", 3, "" },
    { "o", "ab", 3, "/" },
    { "o", "a", 2, "/" },
    { "g", "?", 2, "" },
  };

  g_test_summary ("Strings whose data are not in normal form have the bytes of the text");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GBytes) data = g_bytes_new (cases[i].data, cases[i].size);
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GBytes) bytes = NULL;

      value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (cases[i].type), data,
                                                            FALSE));
      bytes = msgpack_rpc_variant_get_bytes (value);
      g_assert_nonnull (bytes);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                       cases[i].expected, strlen (cases[i].expected));
    }
}

static void
test_bytes_outlive_message (void)
{
  GVariant *message = unpack_hex ("91 c4 03 61 62 63");
  GVariant *child = g_variant_get_child_value (message, 0);
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (child);
  g_autofree char *hex = NULL;

  g_test_summary ("Bytes keep the memory that they share");

  g_variant_unref (child);
  g_variant_unref (message);
  hex = bytes_to_hex (bytes);
  g_assert_cmpstr (hex, ==, "61 62 63");
}

static void
count (gpointer data)
{
  int *n = data;

  (*n)++;
}

static void
test_new_bytes (void)
{
  static const guint8 data[] = { 1, 2, 3 };
  int n_freed = 0;
  GBytes *bytes = g_bytes_new_with_free_func (data, sizeof data, count, &n_freed);
  g_autoptr(GBytes) empty = g_bytes_new (NULL, 0);
  g_autofree char *empty_hex = pack_to_hex (msgpack_rpc_variant_new_bytes (empty));
  g_autofree char *hex = NULL;
  GVariant *value = msgpack_rpc_variant_new_bytes (bytes);

  g_test_summary ("A bin is made of bytes without a copy, and holds them as long as it lives");

  g_assert_true (g_variant_is_floating (value));
  g_variant_ref_sink (value);
  g_bytes_unref (bytes);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "ay");
  g_assert_true (g_variant_get_data (value) == data);
  hex = pack_to_hex (value);
  g_assert_cmpstr (hex, ==, "c4 03 01 02 03");
  g_assert_cmpstr (empty_hex, ==, "c4 00");

  g_assert_cmpint (n_freed, ==, 0);
  g_variant_unref (value);
  g_assert_cmpint (n_freed, ==, 1);
}

static void
test_boolean (void)
{
  static const struct
  {
    const char *text;
    gboolean is_boolean;
    gboolean boolean;
  } cases[] = {
    { "true", TRUE, TRUE },
    { "false", TRUE, FALSE },
    { "<<true>>", TRUE, TRUE },
    { "@mb true", TRUE, TRUE },
    { "1", FALSE, FALSE },
    { "'true'", FALSE, FALSE },
    { "@mb nothing", FALSE, FALSE },
  };

  g_test_summary ("A boolean is got from a boolean alone");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (cases[i].text);
      gboolean boolean = 5;

      g_assert_cmpint (msgpack_rpc_variant_get_boolean (value, &boolean), ==, cases[i].is_boolean);
      g_assert_cmpint (boolean, ==, cases[i].boolean);
    }
}

static void
test_floating_kept (void)
{
  g_autoptr(GDateTime) time = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *string = NULL;
  gboolean boolean;
  GVariant *value;
  guint64 t;
  gint64 x;
  double d;

  g_test_summary ("A getter leaves a floating value floating");

  value = g_variant_new_int32 (5);
  g_assert_true (msgpack_rpc_variant_get_int64 (value, &x));
  g_assert_true (msgpack_rpc_variant_get_uint64 (value, &t));
  g_assert_true (msgpack_rpc_variant_get_double (value, &d));
  g_assert_false (msgpack_rpc_variant_get_boolean (value, &boolean));
  g_assert_false (msgpack_rpc_variant_is_nil (value));
  g_assert_false (msgpack_rpc_variant_is_ext (value));
  time = msgpack_rpc_variant_get_timestamp (value);
  g_assert_null (time);
  g_assert_true (g_variant_is_floating (value));
  g_assert_cmpint (x, ==, 5);
  g_variant_unref (value);

  value = g_variant_new_variant (g_variant_new_string ("ab"));
  string = msgpack_rpc_variant_get_string (value);
  bytes = msgpack_rpc_variant_get_bytes (value);
  g_assert_true (g_variant_is_floating (value));
  g_variant_unref (value);
  g_assert_cmpstr (string, ==, "ab");
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 2);
}

/* What a list of pairs is written as. */
static void
test_pairs (void)
{
  static const struct
  {
    const char *text;
    const char *hex;
  } cases[] = {
    /* A map, in each of its three types. */
    { "[(<1>, <2>), (<3>, <4>)]", "82 01 02 03 04" },
    { "{1: <2>, 3: <4>}", "82 01 02 03 04" },
    { "{'a': <2>}", "81 a1 61 02" },
    { "<[(<1>, <2>)]>", "81 01 02" },
    { "([(<1>, <2>)],)", "91 81 01 02" },
    { "@a(vv) []", "80" },

    /* An array of arrays. */
    { "[[<1>, <2>], [<3>, <4>]]", "92 92 01 02 92 03 04" },
    { "[<(1, 2)>, <(3, 4)>]", "92 92 01 02 92 03 04" },
    { "[<(<1>, <2>)>]", "91 92 01 02" },
    { "[(1, <2>)]", "91 92 01 02" },
    { "[(<1>, 2)]", "91 92 01 02" },
    { "[(1, 2), (3, 4)]", "92 92 01 02 92 03 04" },
    { "[(<1>, <2>, <3>)]", "91 93 01 02 03" },
    { "((<1>, <2>), (<3>, <4>))", "92 92 01 02 92 03 04" },
    { "(<1>, <2>)", "92 01 02" },
    { "@aav []", "90" },

    /* One array too many. */
    { "[((<1>, <2>),)]", "91 91 92 01 02" },
  };

  g_test_summary ("Only a(vv) and dictionaries are maps; aav, and av of pairs, are arrays");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) value = variant_from_text (cases[i].text);
      g_autofree char *hex = pack_to_hex (value);

      g_assert_cmpstr (hex, ==, cases[i].hex);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (timestamps); i++)
    {
      const Timestamp *c = &timestamps[i];
      g_autofree char *path =
          g_strdup_printf ("/msgpack-rpc/variant/timespec/%" G_GSIZE_FORMAT, i);
      g_autofree char *time_path =
          g_strdup_printf ("/msgpack-rpc/variant/timestamp/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, c, test_timespec);
      if (c->time != NULL)
        g_test_add_data_func (time_path, c, test_timestamp);
    }

  g_test_add_func ("/msgpack-rpc/variant/ext", test_ext);
  g_test_add_func ("/msgpack-rpc/variant/ext-of-others", test_ext_of_others);
  g_test_add_func ("/msgpack-rpc/variant/nil", test_nil);
  g_test_add_func ("/msgpack-rpc/variant/timestamp-large-form", test_timestamp_large_form);
  g_test_add_func ("/msgpack-rpc/variant/timestamp-of-others", test_timestamp_of_others);
  g_test_add_func ("/msgpack-rpc/variant/timespec-too-many", test_timespec_too_many);
  g_test_add_func ("/msgpack-rpc/variant/strings", test_strings);
  g_test_add_func ("/msgpack-rpc/variant/raw-string", test_raw_string);
  g_test_add_func ("/msgpack-rpc/variant/bytes-shared", test_bytes_shared);
  g_test_add_func ("/msgpack-rpc/variant/bytes-not-normal", test_bytes_not_normal);
  g_test_add_func ("/msgpack-rpc/variant/bytes-outlive-message", test_bytes_outlive_message);
  g_test_add_func ("/msgpack-rpc/variant/new-bytes", test_new_bytes);
  g_test_add_func ("/msgpack-rpc/variant/boolean", test_boolean);
  g_test_add_func ("/msgpack-rpc/variant/numbers", test_numbers);
  g_test_add_func ("/msgpack-rpc/variant/floating-kept", test_floating_kept);
  g_test_add_func ("/msgpack-rpc/variant/pairs", test_pairs);

  return g_test_run ();
}
