/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How peers differ in what they make of MessagePack: the rules 30 to 40 of docs/dialects.md. */

#include <math.h>

#include "test-dialects.h"

#define A_32 "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"

/* One parameter of a request, as a declared signature has it, or why it is refused. */
typedef struct
{
  const char *signature;
  const char *hex;
  const char *expected;
} Declared;

static void
assert_declared (Dialect        *d,
                 const Declared *cases,
                 gsize           n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *bytes = g_strdup_printf ("94 00 07 a8 'declared' 91 %s", cases[i].hex);
      g_autofree char *log = g_strdup_printf ("echo %s; ", cases[i].expected);
      guint id = msgpack_rpc_dispatcher_add_method (d->dispatcher, "declared", cases[i].signature,
                                                    dialect_echo_handler, d, NULL);
      g_autoptr(GVariant) answer = NULL;

      send_hex (&d->raw, bytes);
      answer = raw_peer_receive (&d->raw);
      if (strchr (cases[i].expected, '(') == cases[i].expected)
        dialect_assert_log (d, log);
      else
        {
          g_autofree char *text = g_strdup_printf ("(1, 7, \"%s\", @mv nothing)", cases[i].expected);

          test_assert_value (answer, text);
        }
      msgpack_rpc_dispatcher_remove_method (d->dispatcher, id);
    }
}

static void
test_legacy_sent (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) ext = test_parse ("((handle 5, [byte 1]),)");
  g_autoptr(GError) error = NULL;

  g_test_summary ("A peer from before str8 and bin gets raw16 for both, also in answers");

  msgpack_rpc_connection_set_pack_flags (d->connection, MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW);
  dialect_assert_sends (d, "'" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "'", "da 0020" A_32);
  dialect_assert_sends (d, "@ay []", "a0");
  dialect_assert_sends (d, "[byte 0xff, 0x00]", "a2 ff00");
  dialect_assert_sends (d, "(handle 256, [byte 0xff])", "a1 ff");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 da 0020" A_32, "94 01 01 c0 91 da 0020" A_32);

  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "m", ext, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
  /* Nothing of it was sent. */
  dialect_assert_sends (d, "1", "01");
}

static void
test_legacy_received (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  static const Declared cases[] = {
    { "(ay)", "da 0002 ff01", "([byte 0xff, 0x01],)" },
    { "(ay)", "da 0002 'ab'", "([byte 0x61, 0x62],)" },
    { "(s)", "da 0002 'ab'", "('ab',)" },
  };

  g_test_summary ("Raw bytes of an old peer are text where they can be, and bytes for who wants bytes");

  dialect_assert_gets (d, "da 0002 'ab'", "'ab'");
  dialect_assert_gets (d, "da 0002 ff01", "(handle 256, [byte 0xff, 0x01])");
  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

static void
test_string_policies (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Text that is no UTF-8, or has NUL in it, is kept as bytes, or repaired");

  dialect_assert_gets (d, "a3 'a' ff 'b'", "(handle 256, [byte 0x61, 0xff, 0x62])");
  dialect_assert_gets (d, "a3 'a' 00 'b'", "(handle 256, [byte 0x61, 0x00, 0x62])");
  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 a3 'a' ff 'b'", "94 01 01 c0 91 a3 'a' ff 'b'");
  dialect_assert_log (d, "echo [<(handle 256, [byte 0x61, 0xff, 0x62])>]; ");

  msgpack_rpc_connection_set_string_policy (d->connection, MSGPACK_RPC_STRING_POLICY_REPLACE);
  dialect_assert_gets (d, "a3 'a' ff 'b'", "'a\357\277\275b'");
  dialect_assert_gets (d, "a3 'a' 00 'b'", "'a\357\277\275b'");
}

static void
test_string_policy_strict (Dialect       *d,
                           gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const strings[] = { "a3 'a' ff 'b'", "a3 'a' 00 'b'" };

  g_test_summary ("Text that is none ends the connection, if that is the policy, and says where");

  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    {
      g_autofree char *bytes = g_strdup_printf ("93 02 a1 'm' 91 %s", strings[i]);
      g_autofree char *log =
        g_strdup_printf ("closed Invalid MessagePack: %s at offset 7; ",
                         i == 0 ? "str that is not valid UTF-8" : "NUL in a str");

      msgpack_rpc_connection_set_string_policy (d->connection, MSGPACK_RPC_STRING_POLICY_STRICT);
      send_hex (&d->raw, bytes);
      dialect_assert_log (d, log);
      dialect_renew (d);
    }
}

static void
test_str_and_bin (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const forms[] = { "a2 'ab'", "d9 02 'ab'", "c4 02 'ab'", "c5 0002 'ab'" };
  static const Declared cases[] = {
    { "(s)", "c4 02 'ab'", "('ab',)" },
    { "(ay)", "a2 'ab'", "([byte 0x61, 0x62],)" },
    { "(a{sv})", "81 c4 01 'k' 01", "({'k': <int64 1>},)" },
    { "(s)", "c4 01 ff", "expected a string at params[0], got bytes that are not valid UTF-8" },
  };

  g_test_summary ("Text is taken from bin, and bytes from str");

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr(GBytes) packed = gbytes_from_hex (forms[i]);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = msgpack_rpc_unpack (packed, &error);
      g_autofree char *text = NULL;
      g_autoptr(GBytes) bytes = NULL;

      g_assert_no_error (error);
      text = msgpack_rpc_variant_get_string (value);
      g_assert_cmpstr (text, ==, "ab");
      bytes = msgpack_rpc_variant_get_bytes (value);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "ab", 2);
    }

  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

static void
test_integer_forms (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const forms[] = {
    "03", "cc 03", "cd 0003", "ce 00000003", "cf 0000000000000003", "d0 03", "d1 0003",
    "d2 00000003", "d3 0000000000000003", "ca 40400000", "cb 4008000000000000",
  };

  g_test_summary ("Three is three in whichever form it comes, and is sent in the smallest");

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      const Declared declared[] = {
        { "(y)", forms[i], "(byte 0x03,)" },
        { "(t)", forms[i], "(uint64 3,)" },
        { "(d)", forms[i], "(3.0,)" },
      };
      g_autoptr(GBytes) packed = gbytes_from_hex (forms[i]);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = msgpack_rpc_unpack (packed, &error);
      gint64 number;
      guint64 positive;

      g_assert_no_error (error);
      g_assert_true (msgpack_rpc_variant_get_int64 (value, &number));
      g_assert_cmpint (number, ==, 3);
      g_assert_true (msgpack_rpc_variant_get_uint64 (value, &positive));
      g_assert_cmpuint (positive, ==, 3);
      assert_declared (d, declared, G_N_ELEMENTS (declared));
    }

  dialect_assert_sends (d, "uint64 3", "03");
  dialect_assert_sends (d, "int64 -33", "d0 df");
  dialect_assert_sends (d, "uint64 9223372036854775808", "cf 8000000000000000");
}

static void
test_integer_ranges (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  static const Declared cases[] = {
    { "(y)", "cd 0100", "expected an integer from 0 to 255 at params[0], got 256" },
    { "(u)", "ff", "expected an integer from 0 to 4294967295 at params[0], got -1" },
    { "(x)", "cf 8000000000000000",
      "expected an integer from -9223372036854775808 to 9223372036854775807 at params[0], "
      "got 9223372036854775808" },
    /* The largest int64, as it comes back from a peer that counts in floats. */
    { "(x)", "cb 43e0000000000000",
      "expected an integer from -9223372036854775808 to 9223372036854775807 at params[0], "
      "got 9223372036854775808" },
    { "(t)", "cb 43e0000000000000", "(uint64 9223372036854775808,)" },
    { "(x)", "cb 3ff8000000000000", "expected an integer at params[0], got 1.5" },
  };

  g_test_summary ("A number that does not fit is refused, with the range, and is never cut");

  dialect_assert_gets (d, "cf ffffffffffffffff", "uint64 18446744073709551615");
  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

static void
test_floats (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const bits[] = {
    "cb 7ff0000000000000", /* infinity */
    "cb fff0000000000000",
    "cb 7ff8000000000000", /* not a number */
    "cb fff8000000001234", /* one with a payload */
    "cb 8000000000000000", /* minus zero */
    "cb 0000000000000001", /* the smallest */
  };

  g_test_summary ("Floats of both widths come, and go out with 64 bits and all of them as they were");

  dialect_assert_gets (d, "ca 3fc00000", "1.5");
  dialect_assert_gets (d, "cb 3ff8000000000000", "1.5");
  dialect_assert_sends (d, "1.5", "cb 3ff8000000000000");

  for (gsize i = 0; i < G_N_ELEMENTS (bits); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 01 a4 'echo' 91 %s", bits[i]);
      g_autofree char *answer = g_strdup_printf ("94 01 01 c0 91 %s", bits[i]);

      dialect_assert_answer (d, request, answer);
    }
}

static void
test_float32 (Dialect       *d,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) large = test_parse ("(1e300,)");
  g_autoptr(GError) error = NULL;

  g_test_summary ("Floats go out with 32 bits if that is wanted, but none that is too large for it");

  msgpack_rpc_connection_set_pack_flags (d->connection, MSGPACK_RPC_PACK_FLAGS_FLOAT32);
  dialect_assert_sends (d, "1.5", "ca 3fc00000");
  dialect_assert_sends (d, "-0.0", "ca 80000000");
  g_assert_false (msgpack_rpc_peer_send_notification (d->peer, "m", large, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE);
}

static void
test_map_keys (Dialect       *d,
               gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const maps[][2] = {
    { "80", "@a{sv} {}" },
    { "81 a1 'a' 01", "{'a': <int64 1>}" },
    { "82 01 a1 'a' ff a1 'b'", "{int64 1: <'a'>, -1: <'b'>}" },
    { "81 c4 01 'a' 01", "[(<[byte 0x61]>, <int64 1>)]" },
    { "81 c0 01", "[(<@mv nothing>, <int64 1>)]" },
    { "82 a1 'a' 01 02 03", "[(<'a'>, <int64 1>), (<int64 2>, <int64 3>)]" },
    { "81 90 01", "[(<@av []>, <int64 1>)]" },
    { "81 a1 ff 01", "[(<(handle 256, [byte 0xff])>, <int64 1>)]" },
  };

  g_test_summary ("Maps with keys of any kind come as they are, and go back as they came");

  for (gsize i = 0; i < G_N_ELEMENTS (maps); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 01 a4 'echo' 91 %s", maps[i][0]);
      g_autofree char *answer = g_strdup_printf ("94 01 01 c0 91 %s", maps[i][0]);
      g_autofree char *log = g_strdup_printf ("echo [<%s>]; ", maps[i][1]);

      dialect_assert_answer (d, request, answer);
      dialect_assert_log (d, log);
    }
}

static void
test_map_duplicates (Dialect       *d,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A key that occurs twice is kept twice, in order");

  dialect_assert_answer (d, "94 00 01 a4 'echo' 91 83 a1 'b' 01 a1 'a' 02 a1 'b' 03",
                         "94 01 01 c0 91 83 a1 'b' 01 a1 'a' 02 a1 'b' 03");
  dialect_assert_log (d, "echo [<{'b': <int64 1>, 'a': <int64 2>, 'b': <int64 3>}>]; ");
}

static void
test_empty_tables (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  static const Declared cases[] = {
    { "(a{sv})", "90", "(@a{sv} {},)" },
    { "(a{xs})", "90", "(@a{xs} {},)" },
    { "(a(vv))", "90", "(@a(vv) [],)" },
    { "(a{sv})", "91 01", "expected a map at params[0], got an array" },
    { "(av)", "80", "expected an array at params[0], got a map" },
  };

  g_test_summary ("An empty array is an empty map where one was declared");

  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

static void
test_arrays (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  static const Declared cases[] = {
    { "(ai)", "92 01 02", "([1, 2],)" },
    { "(ad)", "92 01 cb 3ff8000000000000", "([1.0, 1.5],)" },
    { "((is))", "92 01 a1 'a'", "((1, 'a'),)" },
    { "(ai)", "92 01 a1 'a'", "expected a number at params[0][1], got a string" },
  };

  g_test_summary ("An array is an av, whatever is in it, unless another type was declared");

  dialect_assert_gets (d, "92 01 02", "[<int64 1>, <int64 2>]");
  dialect_assert_gets (d, "92 01 a1 'a'", "[<int64 1>, <'a'>]");
  dialect_assert_gets (d, "90", "@av []");
  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

/* As applications do that talk to an editor. */
static void
test_ext_handles (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcExtRegistry) registry = msgpack_rpc_ext_registry_new ();
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) ext = NULL;
  g_autoptr(GVariant) window = NULL;
  g_autoptr(GError) error = NULL;
  GValue *value;

  g_test_summary ("Buffers, windows and tab pages of Neovim are integers, by a registry");

  for (int ext_type = 0; ext_type < 3; ext_type++)
    g_assert_true (msgpack_rpc_ext_registry_add_variant_type (registry, ext_type, "x", &error));

  call = dialect_call (d, "nvim_get_current_win", "()", "94 00 01 b4 'nvim_get_current_win' 90");
  send_hex (&d->raw, "94 01 01 c0 c7 03 01 cd03e8");
  dialect_assert_result (call, "(handle 1, [byte 0xcd, 0x03, 0xe8])");
  value = msgpack_rpc_ext_registry_decode_value (registry, msgpack_rpc_call_get_result (call), &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (g_value_get_variant (value)), ==, 1000);

  window = msgpack_rpc_ext_registry_encode_as (registry, 1, value, &error);
  g_assert_no_error (error);
  ext = g_variant_ref_sink (g_variant_new_tuple (&window, 1));
  g_assert_true (msgpack_rpc_peer_send_notification (d->peer, "nvim_set_current_win", ext, &error));
  assert_comes (&d->raw, "93 02 b4 'nvim_set_current_win' 91 c7 03 01 cd03e8", "", "");
  g_boxed_free (G_TYPE_VALUE, value);
}

static void
test_ext_unknown (Dialect       *d,
                  gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const exts[] = {
    "d4 05 01", "d5 05 0102", "d6 05 01020304", "c7 00 05", "c7 03 80 010203",
    "d6 ff 00000001", "d7 ff 0000000400000001", "c7 0c ff 00000001 ffffffffffffffff",
  };

  g_test_summary ("An ext type that nobody knows is its number and its bytes, and goes back as it came");

  for (gsize i = 0; i < G_N_ELEMENTS (exts); i++)
    {
      g_autofree char *request = g_strdup_printf ("94 00 01 a4 'echo' 91 %s", exts[i]);
      g_autofree char *answer = g_strdup_printf ("94 01 01 c0 91 %s", exts[i]);

      dialect_assert_answer (d, request, answer);
    }
  g_string_truncate (d->log, 0);
  dialect_assert_gets (d, "c7 03 80 010203", "(handle -128, [byte 0x01, 0x02, 0x03])");
}

static void
test_timestamps (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  static const struct
  {
    const char *hex;
    gint64 seconds;
    guint nanoseconds;
  } cases[] = {
    { "d6 ff 00000001", 1, 0 },
    { "d7 ff 0000000400000001", 1, 1 },
    { "c7 0c ff 00000001 ffffffffffffffff", -1, 1 },
  };

  g_test_summary ("A timestamp is read in each of its sizes, and written in the smallest");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GBytes) packed = gbytes_from_hex (cases[i].hex);
      g_autoptr(GError) error = NULL;
      g_autoptr(GVariant) value = msgpack_rpc_unpack (packed, &error);
      g_autoptr(GVariant) made = NULL;
      g_autofree char *text = NULL;
      gint64 seconds;
      guint nanoseconds;

      g_assert_no_error (error);
      g_assert_true (msgpack_rpc_variant_get_timespec (value, &seconds, &nanoseconds));
      g_assert_cmpint (seconds, ==, cases[i].seconds);
      g_assert_cmpuint (nanoseconds, ==, cases[i].nanoseconds);

      made = g_variant_ref_sink (msgpack_rpc_variant_new_timespec (seconds, nanoseconds));
      text = g_variant_print (made, TRUE);
      dialect_assert_sends (d, text, cases[i].hex);
    }
}

/* An array in @n arrays. */
static char *
nest (int n)
{
  GString *hex = g_string_new (NULL);

  for (int i = 0; i < n; i++)
    g_string_append (hex, "91");

  return g_string_free (g_string_append (hex, "90"), FALSE);
}

static void
test_depth (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (d->connection);
  /* The message and its parameters are two levels. */
  g_autofree char *deepest = nest (29);
  g_autofree char *deeper = nest (30);
  g_autofree char *wire = NULL;

  g_test_summary ("Values may be nested to a depth of 32, with the message that they are in");

  g_assert_cmpuint (msgpack_rpc_limits_get_max_depth (limits), ==, 32);
  wire = g_strconcat ("93 02 a1 'm' 91", deepest, NULL);
  send_hex (&d->raw, wire);
  dialect_assert_told (d, "m ");

  g_free (wire);
  wire = g_strconcat ("93 02 a1 'm' 91", deeper, NULL);
  send_hex (&d->raw, wire);
  dialect_assert_log (d, "closed Message too deep: 33 levels or more, the limit is 32, at offset 70; ");

  dialect_renew (d);
  /* No more than 40, since a GVariant has its own limit. */
  limits = msgpack_rpc_connection_get_limits (d->connection);
  msgpack_rpc_limits_set_max_depth (limits, 40);
  send_hex (&d->raw, wire);
  dialect_assert_told (d, "m ");
}

static void
test_header_bombs (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const bombs[] = {
    "dd ffffffff", "93 02 a1 'm' dd ffffffff", "93 02 a1 'm' 91 df ffffffff",
    "93 02 a1 'm' 91 db ffffffff", "93 02 a1 'm' 91 c6 ffffffff", "93 02 a1 'm' 91 c9 7fffffff 05",
  };

  g_test_summary ("A header that claims more than a message may have ends the connection at once");

  for (gsize i = 0; i < G_N_ELEMENTS (bombs); i++)
    {
      send_hex (&d->raw, bombs[i]);
      dialect_assert_told (d, "closed Message too large: ");
      dialect_renew (d);
    }
}

static void
test_nil (Dialect       *d,
          gconstpointer  data G_GNUC_UNUSED)
{
  static const Declared cases[] = {
    { "(ms)", "c0", "(@ms nothing,)" },
    { "(ms)", "a1 'a'", "(@ms 'a',)" },
    { "(ams)", "92 a1 'a' c0", "([@ms 'a', nothing],)" },
    { "(v)", "c0", "(<@mv nothing>,)" },
    { "(s)", "c0", "expected a string at params[0], got nil" },
    { "(i)", "c0", "expected a number at params[0], got nil" },
    { "(sms)", "a1 'a'", "('a', @ms nothing)" },
    { "(ss)", "a1 'a'", "declared() takes 2 arguments (1 given)" },
  };

  g_test_summary ("nil is nothing, for who declares that it may be, and is not the same as missing");

  dialect_assert_gets (d, "c0", "@mv nothing");
  dialect_assert_gets (d, "81 a1 'a' c0", "{'a': <@mv nothing>}");
  dialect_assert_sends (d, "@ms nothing", "c0");
  dialect_assert_sends (d, "@ms 'a'", "a1 'a'");
  assert_declared (d, cases, G_N_ELEMENTS (cases));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) \
  g_test_add ("/dialects/" name, Dialect, NULL, dialect_setup, function, dialect_teardown)
  ADD ("30/sent", test_legacy_sent);
  ADD ("30/received", test_legacy_received);
  ADD ("31/policies", test_string_policies);
  ADD ("31/strict", test_string_policy_strict);
  ADD ("32/either", test_str_and_bin);
  ADD ("33/forms", test_integer_forms);
  ADD ("33/ranges", test_integer_ranges);
  ADD ("34/bits", test_floats);
  ADD ("34/float32", test_float32);
  ADD ("35/keys", test_map_keys);
  ADD ("35/duplicates", test_map_duplicates);
  ADD ("35/empty", test_empty_tables);
  ADD ("36/arrays", test_arrays);
  ADD ("37/handles", test_ext_handles);
  ADD ("37/unknown", test_ext_unknown);
  ADD ("37/timestamps", test_timestamps);
  ADD ("38/depth", test_depth);
  ADD ("39/bombs", test_header_bombs);
  ADD ("40/nil", test_nil);

  return g_test_run ();
}
