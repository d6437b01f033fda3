/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "test-pack.h"
#include "test-util.h"

#define TYPE_POINT (point_get_type ())

/* A boxed type; one byte each in an ext. */
typedef struct
{
  guint8 x;
  guint8 y;
} Point;

static GType point_get_type (void);

static Point *
point_copy (Point *self)
{
  return g_memdup2 (self, sizeof *self);
}

static void
point_free (Point *self)
{
  g_free (self);
}

G_DEFINE_BOXED_TYPE (Point, point, point_copy, point_free)

static GBytes *
encode_point (const GValue  *value,
              gpointer       user_data G_GNUC_UNUSED,
              GError       **error G_GNUC_UNUSED)
{
  return g_bytes_new (g_value_get_boxed (value), sizeof (Point));
}

static gboolean
decode_point (GBytes    *data,
              GValue    *value,
              gpointer   user_data G_GNUC_UNUSED,
              GError   **error)
{
  gsize size;
  const Point *point = g_bytes_get_data (data, &size);

  g_value_init (value, TYPE_POINT);
  if (size != sizeof *point)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "a point has two bytes");
      return FALSE;
    }

  g_value_set_boxed (value, point);
  return TRUE;
}

static MsgpackRpcExtRegistry *
registry_with_point (int ext_type)
{
  MsgpackRpcExtRegistry *registry = msgpack_rpc_ext_registry_new ();
  GError *error = NULL;

  msgpack_rpc_ext_registry_add_encoder (registry, ext_type, TYPE_POINT, encode_point, NULL, NULL,
                                        &error);
  g_assert_no_error (error);
  msgpack_rpc_ext_registry_add_decoder (registry, ext_type, TYPE_POINT, decode_point, NULL, NULL,
                                        &error);
  g_assert_no_error (error);
  return registry;
}

static void
add_type (MsgpackRpcExtRegistry *registry,
          int                    ext_type,
          const char            *type_string)
{
  g_autoptr(GError) error = NULL;
  gboolean added;

  added = msgpack_rpc_ext_registry_add_variant_type (registry, ext_type, type_string, &error);
  g_assert_no_error (error);
  g_assert_true (added);
}

static void
assert_decoded (MsgpackRpcExtRegistry *registry,
                const char            *hex,
                const char            *expected)
{
  g_autoptr(GVariant) ext = unpack_hex (hex);
  g_autoptr(GVariant) wanted = variant_from_text (expected);
  g_autoptr(GVariant) variant = NULL;
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GError) error = NULL;
  gboolean decoded = msgpack_rpc_ext_registry_decode (registry, ext, &value, &error);

  g_assert_no_error (error);
  g_assert_true (decoded);
  g_assert_true (G_VALUE_HOLDS_VARIANT (&value));
  g_assert_cmpvariant (g_value_get_variant (&value), wanted);

  variant = msgpack_rpc_ext_registry_decode_variant (registry, ext, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (variant, wanted);
}

static void
assert_not_decoded (MsgpackRpcExtRegistry *registry,
                    const char            *hex,
                    GQuark                 domain,
                    int                    code,
                    const char            *message)
{
  g_autoptr(GVariant) ext = unpack_hex (hex);
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GError) error = NULL;

  g_assert_false (msgpack_rpc_ext_registry_decode (registry, ext, &value, &error));
  g_assert_error (error, domain, code);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_false (G_IS_VALUE (&value));
}

static void
assert_encoded_as (MsgpackRpcExtRegistry *registry,
                   int                    ext_type,
                   const char            *text,
                   const char            *expected)
{
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GVariant) ext = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *hex = NULL;

  g_value_init (&value, G_TYPE_VARIANT);
  g_value_take_variant (&value, variant_from_text (text));
  ext = msgpack_rpc_ext_registry_encode_as (registry, ext_type, &value, &error);
  g_assert_no_error (error);
  g_assert_false (g_variant_is_floating (ext));
  hex = pack_to_hex (ext);
  g_assert_cmpstr (hex, ==, expected);
}

/* Takes what is in @value. */
static void
assert_not_encoded_as (MsgpackRpcExtRegistry *registry,
                       int                    ext_type,
                       GValue                *value,
                       GQuark                 domain,
                       int                    code,
                       const char            *message)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_ext_registry_encode_as (registry, ext_type, value, &error));
  g_assert_error (error, domain, code);
  g_assert_cmpstr (error->message, ==, message);
  g_value_unset (value);
}

static void
test_timestamp (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_autoptr(GVariant) ext = unpack_hex ("d7 ff bc 1d 78 80 5a ec 53 70");
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601 ("2018-05-04T12:34:56.789012Z", NULL);
  g_autoptr(GVariant) again = NULL;
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GError) error = NULL;

  g_test_summary ("The timestamp is known from the start");

  msgpack_rpc_ext_registry_decode (registry, ext, &value, &error);
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS (&value, G_TYPE_DATE_TIME));
  g_assert_true (g_date_time_equal (g_value_get_boxed (&value), time));

  again = msgpack_rpc_ext_registry_encode (registry, &value, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (again, ext);

  assert_not_decoded (registry, "d5 ff 00 00", MSGPACK_RPC_ERROR,
                      MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                      "Ext type -1 (GDateTime): expected a time in the years 1 to 9999, got 2 "
                      "bytes that are none");
}

static void
test_variant_types (void)
{
  static const struct
  {
    const char *type;
    const char *hex;
    const char *value;
    const char *again; /* the bytes that it is written as, or NULL for the same */
  } cases[] = {
    { "x", "d4 05 03", "int64 3" },
    { "x", "c7 09 05 d3 80 00 00 00 00 00 00 00", "int64 -9223372036854775808" },
    { "x", "c7 05 05 ca 40 40 00 00", "int64 3", "d4 05 03" },
    { "i", "d4 05 ff", "-1" },
    { "t", "c7 09 05 cf ff ff ff ff ff ff ff ff", "uint64 18446744073709551615" },
    { "d", "d4 05 03", "3.0", "c7 09 05 cb 40 08 00 00 00 00 00 00" },
    { "b", "d4 05 c3", "true" },
    { "s", "d5 05 a1 61", "'a'" },
    { "s", "c7 03 05 c4 01 61", "'a'", "d5 05 a1 61" },
    { "ay", "c7 03 05 c4 01 61", "[byte 0x61]" },
    { "ms", "d4 05 c0", "@ms nothing" },
    { "v", "d4 05 03", "<int64 3>" },
    { "(sx)", "d6 05 92 a1 61 03", "('a', int64 3)" },
    { "a{sv}", "d6 05 81 a1 61 03", "{'a': <int64 3>}" },
    { "a(vv)", "d6 05 81 a1 61 03", "[(<'a'>, <int64 3>)]" },
    { "ax", "c7 03 05 92 01 02", "[int64 1, 2]" },

    /* An ext in an ext is taken out of one of them. */
    { "v", "c7 03 05 d4 05 03", "<(handle 5, [byte 3])>" },
  };

  g_test_summary ("The data of an ext is read as the type that it stands for, and written again");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();

      add_type (registry, 5, cases[i].type);
      assert_decoded (registry, cases[i].hex, cases[i].value);
      assert_encoded_as (registry, 5, cases[i].value,
                         cases[i].again != NULL ? cases[i].again : cases[i].hex);
    }
}

static void
test_bad_data (void)
{
  static const struct
  {
    const char *type;
    const char *hex;
    int code;
    const char *message;
  } cases[] = {
    { "x", "d5 05 a1 61", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 (x): expected a number at data, got a string" },
    { "y", "d5 05 cc ff", 0, NULL },
    { "y", "c7 03 05 cd 01 00", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 (y): expected an integer from 0 to 255 at data, got 256" },
    { "(sx)", "d6 05 92 a1 61 c0", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 ((sx)): expected a number at data[1], got nil" },
    { "x", "c7 00 05", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 (x): Message cut short: it ends after 0 bytes" },
    { "x", "d4 05 cd", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 (x): Message cut short: it ends after 1 bytes" },
    { "x", "d5 05 01 02", MSGPACK_RPC_ERROR_INVALID_MESSAGE,
      "Ext type 5 (x): 1 bytes too many after the message, at offset 1" },
    { "v", "d4 05 c1", MSGPACK_RPC_ERROR_INVALID_MESSAGE, NULL },

    /* What would be too much in a message is too much in an ext. */
    { "av", "c7 05 05 dd ff ff ff ff", MSGPACK_RPC_ERROR_TOO_LARGE, NULL },
    { "v", "c7 21 05 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91"
      "91 91 91 91 91 91 91", MSGPACK_RPC_ERROR_TOO_DEEP, NULL },
  };

  g_test_summary ("Data that does not fit is an error that names the ext type and what came");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
      g_autoptr(GVariant) ext = unpack_hex (cases[i].hex);
      g_auto(GValue) value = G_VALUE_INIT;
      g_autoptr(GError) error = NULL;
      gboolean decoded;

      add_type (registry, 5, cases[i].type);
      decoded = msgpack_rpc_ext_registry_decode (registry, ext, &value, &error);
      g_assert_cmpint (decoded, ==, cases[i].code == 0);
      if (decoded)
        continue;

      g_assert_error (error, MSGPACK_RPC_ERROR, cases[i].code);
      g_assert_true (g_str_has_prefix (error->message, "Ext type 5 ("));
      if (cases[i].message != NULL)
        g_assert_cmpstr (error->message, ==, cases[i].message);
      g_assert_false (G_IS_VALUE (&value));
    }
}

static void
test_handles (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_autofree char *type_string = NULL;
  g_autofree int *ext_types = NULL;
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GVariant) ext = NULL;
  g_autoptr(GError) error = NULL;
  gsize n;

  g_test_summary ("Several ext types may stand for one type; which is meant must then be said");

  for (int i = 0; i < 3; i++)
    add_type (registry, i, "x");

  assert_decoded (registry, "d4 00 01", "int64 1");
  assert_decoded (registry, "c7 03 02 cd 03 e8", "int64 1000");
  assert_encoded_as (registry, 2, "int64 1000", "c7 03 02 cd 03 e8");
  assert_encoded_as (registry, 1, "byte 7", "d4 01 07");

  g_value_init (&value, G_TYPE_VARIANT);
  g_value_set_variant (&value, g_variant_new_int64 (7));
  ext = msgpack_rpc_ext_registry_encode (registry, &value, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==,
                   "Both ext types 0 and 1 are registered for values of the type x");
  g_assert_null (ext);
  g_clear_error (&error);

  g_assert_true (msgpack_rpc_ext_registry_remove (registry, 0));
  g_assert_true (msgpack_rpc_ext_registry_remove (registry, 1));
  ext = msgpack_rpc_ext_registry_encode (registry, &value, &error);
  g_assert_no_error (error);
  g_assert_nonnull (ext);

  ext_types = msgpack_rpc_ext_registry_get_ext_types (registry, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpint (ext_types[0], ==, -1);
  g_assert_cmpint (ext_types[1], ==, 2);
  type_string = msgpack_rpc_ext_registry_get_type_string (registry, 2);
  g_assert_cmpstr (type_string, ==, "x");
  g_assert_null (msgpack_rpc_ext_registry_get_type_string (registry, -1));
  g_assert_null (msgpack_rpc_ext_registry_get_type_string (registry, 1000));
  g_assert_true (msgpack_rpc_ext_registry_get_value_type (registry, 2) == G_TYPE_VARIANT);
  g_assert_true (msgpack_rpc_ext_registry_get_value_type (registry, -1) == G_TYPE_DATE_TIME);
  g_assert_true (msgpack_rpc_ext_registry_get_value_type (registry, 0) == G_TYPE_INVALID);
  g_assert_true (msgpack_rpc_ext_registry_get_value_type (registry, -1000) == G_TYPE_INVALID);
}

static void
test_plain_values (void)
{
  static const struct
  {
    const char *type;
    GType gtype;
    const char *text; /* of the GValue, as GVariant text of its type */
    const char *hex;
  } cases[] = {
    { "x", G_TYPE_INT, "5", "d4 05 05" },
    { "x", G_TYPE_INT64, "int64 -5", "d4 05 fb" },
    { "t", G_TYPE_UINT64, "uint64 18446744073709551615", "c7 09 05 cf ff ff ff ff ff ff ff ff" },
    { "x", G_TYPE_DOUBLE, "5.0", "d4 05 05" },
    { "b", G_TYPE_BOOLEAN, "true", "d4 05 c3" },
    { "s", G_TYPE_STRING, "'a'", "d5 05 a1 61" },
    { "v", G_TYPE_UINT, "uint32 5", "d4 05 05" },
    { "v", G_TYPE_UCHAR, "byte 5", "d4 05 05" },
  };

  g_test_summary ("Plain values are written as the type that the ext type stands for");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
      g_autoptr(GVariant) given = variant_from_text (cases[i].text);
      g_auto(GValue) value = G_VALUE_INIT;
      g_autoptr(GVariant) ext = NULL;
      g_autoptr(GError) error = NULL;
      g_autofree char *hex = NULL;

      add_type (registry, 5, cases[i].type);
      g_dbus_gvariant_to_gvalue (given, &value);
      if (!G_VALUE_HOLDS (&value, cases[i].gtype))
        {
          g_auto(GValue) other = G_VALUE_INIT;

          g_value_init (&other, cases[i].gtype);
          g_assert_true (g_value_transform (&value, &other));
          g_value_unset (&value);
          g_value_init (&value, cases[i].gtype);
          g_value_copy (&other, &value);
        }

      ext = msgpack_rpc_ext_registry_encode_as (registry, 5, &value, &error);
      g_assert_no_error (error);
      hex = pack_to_hex (ext);
      g_assert_cmpstr (hex, ==, cases[i].hex);
    }
}

static void
test_bad_values (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = registry_with_point (6);
  GValue value = G_VALUE_INIT;

  g_test_summary ("A value that does not fit is an error that names the ext type and the value");

  add_type (registry, 5, "y");
  add_type (registry, 7, "h");

  g_value_init (&value, G_TYPE_VARIANT);
  g_value_set_variant (&value, g_variant_new_string ("a"));
  assert_not_encoded_as (registry, 5, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 5 (y): expected a number at value, got a string");

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, 256);
  assert_not_encoded_as (registry, 5, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 5 (y): expected an integer from 0 to 255 at value, got 256");

  g_value_init (&value, G_TYPE_VARIANT);
  assert_not_encoded_as (registry, 5, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 5 (y): expected a value that fits the type, got a GVariant");

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_static_string (&value, "\xff");
  assert_not_encoded_as (registry, 5, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 5 (y): expected a value that fits the type, got a gchararray");

  g_value_init (&value, G_TYPE_VARIANT);
  g_value_set_variant (&value, g_variant_new_handle (1));
  assert_not_encoded_as (registry, 7, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 7 (h): Value cannot be written as MessagePack: a handle has no "
                         "meaning on the wire");

  g_value_init (&value, G_TYPE_INT);
  assert_not_encoded_as (registry, 6, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 6 (Point): expected a Point from the caller, got gint");

  g_value_init (&value, TYPE_POINT);
  assert_not_encoded_as (registry, 6, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                         "Ext type 6 (Point): expected a Point from the caller, got NULL");

  g_value_init (&value, G_TYPE_INT);
  assert_not_encoded_as (registry, 8, &value, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                         "Nothing is registered for ext type 8");

  g_value_init (&value, G_TYPE_INT);
  assert_not_encoded_as (registry, 128, &value, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                         "Ext types are from -128 to 127, not 128");
}

static void
test_boxed (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = registry_with_point (-128);
  g_autoptr(GVariant) ext = unpack_hex ("d5 80 03 04");
  g_autoptr(GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (ext));
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GVariant) again = NULL;
  g_autoptr(GError) error = NULL;
  const Point *point;
  GValue *copy;

  g_test_summary ("A boxed type is read and written by functions of the program");

  msgpack_rpc_ext_registry_decode (registry, boxed, &value, &error);
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS (&value, TYPE_POINT));
  point = g_value_get_boxed (&value);
  g_assert_cmpint (point->x, ==, 3);
  g_assert_cmpint (point->y, ==, 4);

  again = msgpack_rpc_ext_registry_encode (registry, &value, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (again, ext);

  copy = msgpack_rpc_ext_registry_decode_value (registry, ext, &error);
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS (copy, TYPE_POINT));
  g_boxed_free (G_TYPE_VALUE, copy);

  g_assert_null (msgpack_rpc_ext_registry_decode_variant (registry, ext, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  g_assert_cmpstr (error->message, ==, "Expected an ext type that stands for a GVariant type, got "
                                       "one that stands for Point");

  assert_not_decoded (registry, "d4 80 03", G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                      "Ext type -128 (Point): a point has two bytes");
}

static gboolean
decode_odd (GBytes    *data G_GNUC_UNUSED,
            GValue    *value,
            gpointer   user_data,
            GError   **error G_GNUC_UNUSED)
{
  GType type = GPOINTER_TO_SIZE (user_data);

  if (type == G_TYPE_INVALID)
    return FALSE;

  if (type != G_TYPE_NONE)
    g_value_init (value, type);
  return TRUE;
}

static GBytes *
encode_nothing (const GValue  *value G_GNUC_UNUSED,
                gpointer       user_data G_GNUC_UNUSED,
                GError       **error G_GNUC_UNUSED)
{
  return NULL;
}

static void
test_odd_converters (void)
{
  const struct
  {
    GType type;
    int code;
    const char *message;
  } cases[] = {
    { G_TYPE_INVALID, MSGPACK_RPC_ERROR_FAILED, "Ext type 5 (Point): the decoder failed" },
    { G_TYPE_NONE, MSGPACK_RPC_ERROR_INVALID_VALUE,
      "Ext type 5 (Point): expected a Point from the decoder, got nothing" },
    { G_TYPE_INT, MSGPACK_RPC_ERROR_INVALID_VALUE,
      "Ext type 5 (Point): expected a Point from the decoder, got gint" },
    { TYPE_POINT, MSGPACK_RPC_ERROR_INVALID_VALUE,
      "Ext type 5 (Point): expected a Point from the decoder, got NULL" },
  };
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  GValue value = G_VALUE_INIT;
  Point point = { 1, 2 };

  g_test_summary ("Encoders and decoders that do not do their work make errors");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (msgpack_rpc_ext_registry_add_decoder (registry, 5, TYPE_POINT, decode_odd,
                                                           GSIZE_TO_POINTER (cases[i].type), NULL,
                                                           NULL));
      assert_not_decoded (registry, "d4 05 00", MSGPACK_RPC_ERROR, cases[i].code,
                          cases[i].message);

      g_value_init (&value, TYPE_POINT);
      g_value_set_boxed (&value, &point);
      assert_not_encoded_as (registry, 5, &value, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                             "Ext type 5 (Point): there is no encoder");
      g_assert_true (msgpack_rpc_ext_registry_remove (registry, 5));
    }

  g_assert_true (msgpack_rpc_ext_registry_add_encoder (registry, 5, TYPE_POINT, encode_nothing,
                                                       NULL, NULL, NULL));
  g_value_init (&value, TYPE_POINT);
  g_value_set_boxed (&value, &point);
  assert_not_encoded_as (registry, 5, &value, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                         "Ext type 5 (Point): the encoder failed");
  assert_not_decoded (registry, "d4 05 00", G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                      "Ext type 5 (Point): there is no decoder");
}

static void
test_unknown (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is not registered, or no ext, is an error");

  assert_not_decoded (registry, "d4 05 00", G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                      "Nothing is registered for ext type 5");
  assert_not_decoded (registry, "a1 61", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                      "Expected an extension value, got one of the type “s”");
  assert_not_decoded (registry, "a1 ff", MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                      "Expected an extension value, got one of the type “(hay)”");

  g_value_init (&value, G_TYPE_BYTES);
  g_assert_null (msgpack_rpc_ext_registry_encode (registry, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "No ext type is registered for values of the type GBytes");
}

static void
count (gpointer data)
{
  int *n = data;

  (*n)++;
}

static void
assert_refused (gboolean     added,
                GError     **error,
                int          code,
                const char  *message)
{
  g_assert_false (added);
  g_assert_error (*error, G_IO_ERROR, code);
  g_assert_cmpstr ((*error)->message, ==, message);
  g_clear_error (error);
}

static void
test_duplicates (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = registry_with_point (5);
  g_autoptr(GError) error = NULL;
  int n_freed = 0;

  g_test_summary ("An ext type stands for one thing, until it is removed");

  add_type (registry, 6, "(sx)");
  assert_refused (msgpack_rpc_ext_registry_add_variant_type (registry, 6, "x", &error), &error,
                  G_IO_ERROR_EXISTS, "Ext type 6 is registered already, for (sx)");
  assert_refused (msgpack_rpc_ext_registry_add_variant_type (registry, 5, "x", &error), &error,
                  G_IO_ERROR_EXISTS, "Ext type 5 is registered already, for Point");
  assert_refused (msgpack_rpc_ext_registry_add_variant_type (registry, -1, "x", &error), &error,
                  G_IO_ERROR_EXISTS, "Ext type -1 is registered already, for GDateTime");
  assert_refused (msgpack_rpc_ext_registry_add_encoder (registry, 5, TYPE_POINT, encode_point,
                                                        &n_freed, count, &error),
                  &error, G_IO_ERROR_EXISTS, "Ext type 5 is registered already, for Point");
  g_assert_cmpint (n_freed, ==, 1);
  assert_refused (msgpack_rpc_ext_registry_add_decoder (registry, 6, TYPE_POINT, decode_point,
                                                        &n_freed, count, &error),
                  &error, G_IO_ERROR_EXISTS, "Ext type 6 is registered already, for (sx)");
  g_assert_cmpint (n_freed, ==, 2);

  g_assert_true (msgpack_rpc_ext_registry_remove (registry, 5));
  g_assert_false (msgpack_rpc_ext_registry_remove (registry, 5));
  g_assert_false (msgpack_rpc_ext_registry_remove (registry, 1000));
  g_assert_true (msgpack_rpc_ext_registry_remove (registry, -1));
  add_type (registry, 5, "x");
  add_type (registry, -1, "v");
  assert_decoded (registry, "d4 05 07", "int64 7");

  /* One half of a type is no duplicate, but another type is. */
  g_assert_true (msgpack_rpc_ext_registry_add_encoder (registry, 7, TYPE_POINT, encode_point,
                                                       &n_freed, count, &error));
  assert_refused (msgpack_rpc_ext_registry_add_decoder (registry, 7, G_TYPE_BYTES, decode_point,
                                                        NULL, NULL, &error),
                  &error, G_IO_ERROR_EXISTS, "Ext type 7 is registered already, for Point");
  g_assert_true (msgpack_rpc_ext_registry_add_decoder (registry, 7, TYPE_POINT, decode_point,
                                                       &n_freed, count, &error));
  g_assert_cmpint (n_freed, ==, 2);
  g_assert_finalize_object (g_steal_pointer (&registry));
  g_assert_cmpint (n_freed, ==, 4);
}

static void
test_bad_arguments (void)
{
  static const char *const type_strings[] = { "", "xx", "(x", "*", "a*", "r", "m", "{vs}" };
  static const int ext_types[] = { -129, 128, G_MININT, G_MAXINT };
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  const GType types[] = { G_TYPE_INVALID, G_TYPE_INT, G_TYPE_VARIANT, G_TYPE_BOXED,
                          G_TYPE_OBJECT, G_TYPE_NONE };
  g_autofree int *known = NULL;
  g_autoptr(GError) error = NULL;
  int n_freed = 0;
  gsize n;

  g_test_summary ("What cannot be added is refused with an error");

  for (gsize i = 0; i < G_N_ELEMENTS (type_strings); i++)
    {
      g_assert_false (msgpack_rpc_ext_registry_add_variant_type (registry, 5, type_strings[i],
                                                                 &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (ext_types); i++)
    {
      g_assert_false (msgpack_rpc_ext_registry_add_variant_type (registry, ext_types[i], "x",
                                                                 &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      g_assert_false (msgpack_rpc_ext_registry_add_encoder (registry, ext_types[i], TYPE_POINT,
                                                            encode_point, &n_freed, count,
                                                            &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
    }
  g_assert_cmpint (n_freed, ==, G_N_ELEMENTS (ext_types));

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_assert_false (msgpack_rpc_ext_registry_add_decoder (registry, 5, types[i], decode_point,
                                                            NULL, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
    }

  g_assert_true (msgpack_rpc_ext_registry_remove (registry, -1));
  known = msgpack_rpc_ext_registry_get_ext_types (registry, &n);
  g_assert_null (known);
  g_assert_cmpuint (n, ==, 0);
}

static gboolean
decode_and_remove (GBytes    *data,
                   GValue    *value,
                   gpointer   user_data,
                   GError   **error)
{
  MsgpackRpcExtRegistry *registry = user_data;

  g_assert_true (msgpack_rpc_ext_registry_remove (registry, 5));
  add_type (registry, 5, "x");

  return decode_point (data, value, NULL, error);
}

static void
test_remove_while_decoding (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_autoptr(GVariant) ext = unpack_hex ("d5 05 03 04");
  g_auto(GValue) value = G_VALUE_INIT;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A decoder may use the registry, even to remove itself");

  msgpack_rpc_ext_registry_add_decoder (registry, 5, TYPE_POINT, decode_and_remove,
                                        g_object_ref (registry), g_object_unref, &error);
  g_assert_no_error (error);
  msgpack_rpc_ext_registry_decode (registry, ext, &value, &error);
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS (&value, TYPE_POINT));
  assert_decoded (registry, "d4 05 07", "int64 7");
  g_assert_finalize_object (g_steal_pointer (&registry));
}

static void
store_thread (gpointer data)
{
  g_atomic_pointer_set ((GThread **) data, g_thread_self ());
}

static gpointer
remove_five (gpointer data)
{
  g_assert_true (msgpack_rpc_ext_registry_remove (data, 5));
  return NULL;
}

static void
test_destroy_thread (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_autoptr(GMainContext) context = g_main_context_new ();
  GThread *freed_in = NULL;

  g_test_summary ("What a thread has added is let go in that thread, by its context");

  g_main_context_push_thread_default (context);
  g_assert_true (msgpack_rpc_ext_registry_add_encoder (registry, 5, TYPE_POINT, encode_point,
                                                       &freed_in, store_thread, NULL));

  g_thread_join (g_thread_new ("remove", remove_five, registry));
  g_assert_null (freed_in);
  WAIT_UNTIL (freed_in != NULL);
  g_assert_true (freed_in == g_thread_self ());
  g_main_context_pop_thread_default (context);
}

#define N_ROUNDS 2000

/* Each round adds, uses and removes; others do the same with the same ext type. */
static gpointer
use_registry (gpointer data)
{
  MsgpackRpcExtRegistry *registry = data;
  g_autoptr(GVariant) ext = unpack_hex ("d5 05 cc ff");
  int n_decoded = 0;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      g_autofree char *type_string = msgpack_rpc_ext_registry_get_type_string (registry, 5);
      g_auto(GValue) value = G_VALUE_INIT;

      if (i % 2 == 0)
        msgpack_rpc_ext_registry_add_variant_type (registry, 5, "t", NULL);
      else
        msgpack_rpc_ext_registry_add_decoder (registry, 5, TYPE_POINT, decode_point, NULL, NULL,
                                              NULL);

      if (msgpack_rpc_ext_registry_decode (registry, ext, &value, NULL))
        {
          g_assert_true (G_VALUE_HOLDS_VARIANT (&value) || G_VALUE_HOLDS (&value, TYPE_POINT));
          n_decoded++;
        }
      msgpack_rpc_ext_registry_remove (registry, 5);
      g_assert_true (type_string == NULL || strcmp (type_string, "t") == 0);
    }

  return GINT_TO_POINTER (n_decoded);
}

static void
test_threads (void)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  GThread *threads[4];
  int n_decoded = 0;

  g_test_summary ("Any thread may use a registry at any time");

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("use", use_registry, registry);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    n_decoded += GPOINTER_TO_INT (g_thread_join (threads[i]));

  g_assert_cmpint (n_decoded, >, 0);
  g_assert_finalize_object (g_steal_pointer (&registry));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/ext-registry/timestamp", test_timestamp);
  g_test_add_func ("/msgpack-rpc/ext-registry/variant-types", test_variant_types);
  g_test_add_func ("/msgpack-rpc/ext-registry/bad-data", test_bad_data);
  g_test_add_func ("/msgpack-rpc/ext-registry/handles", test_handles);
  g_test_add_func ("/msgpack-rpc/ext-registry/plain-values", test_plain_values);
  g_test_add_func ("/msgpack-rpc/ext-registry/bad-values", test_bad_values);
  g_test_add_func ("/msgpack-rpc/ext-registry/boxed", test_boxed);
  g_test_add_func ("/msgpack-rpc/ext-registry/odd-converters", test_odd_converters);
  g_test_add_func ("/msgpack-rpc/ext-registry/unknown", test_unknown);
  g_test_add_func ("/msgpack-rpc/ext-registry/duplicates", test_duplicates);
  g_test_add_func ("/msgpack-rpc/ext-registry/bad-arguments", test_bad_arguments);
  g_test_add_func ("/msgpack-rpc/ext-registry/remove-while-decoding", test_remove_while_decoding);
  g_test_add_func ("/msgpack-rpc/ext-registry/destroy-thread", test_destroy_thread);
  g_test_add_func ("/msgpack-rpc/ext-registry/threads", test_threads);

  return g_test_run ();
}
