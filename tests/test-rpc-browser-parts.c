/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the RPC browser makes of values, types and methods, without its window. */

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-method.h"
#include "browser-reader.h"
#include "browser-session.h"
#include "browser-text.h"
#include "browser-type.h"

/* ---- text ---- */

static GVariant *
read_text (const char *text,
           const char *type)
{
  g_autoptr(GError) error = NULL;
  GVariant *value = browser_reader_read (text, G_VARIANT_TYPE (type), &error);

  g_assert_no_error (error);
  g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE (type)));
  return value;
}

static void
test_both_ways (void)
{
  static const char * const texts[] = {
    "nil", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808",
    "18446744073709551615", "0.5", "'text'", "'a\\nb'", "\"it's\"", "[]", "[1, 'two', nil]", "{}",
    "{'key': [true, {'inner': h'01 ff'}]}", "{1: 2, 'three': 4}", "h''", "ext(5, h'01 02')",
    "ext(-128, h'')", "2026-01-31T12:00:00Z",
  };

  g_test_summary ("What is shown of a value can be typed, and is that value again");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr(GVariant) value = read_text (texts[i], "v");
      g_autofree char *whole = browser_text_from_value (value);
      g_autofree char *line = browser_text_from_value_short (value);

      g_assert_cmpstr (whole, ==, texts[i]);
      g_assert_cmpstr (line, ==, texts[i]);
    }
}

static void
test_reading (void)
{
  static const struct
  {
    const char *text;
    const char *type;
    const char *expected; /* in GVariant's form */
  } cases[] = {
    { "hello, world", "v", "<'hello, world'>" },
    { "{\"a\": [1, 2.5], \"b\": null}", "v", "<{'a': <[<int64 1>, <2.5>]>, 'b': <@mv nothing>}>" },
    { "\"\\u00fc\\ud83d\\ude00\"", "s", "'ü😀'" },
    { "12", "s", "'12'" },
    { "  padded ", "s", "'padded'" },
    { "'quoted'", "s", "'quoted'" },
    { "'tis", "s", "\"'tis\"" },
    { "", "s", "''" },
    { "", "ms", "@ms nothing" },
    { "nil", "mx", "@mx nothing" },
    { "5", "mx", "@mx 5" },
    { "255", "y", "byte 0xff" },
    { "0x10", "q", "uint16 16" },
    { "-32768", "n", "int16 -32768" },
    { "4294967295", "u", "uint32 4294967295" },
    { "18446744073709551615", "t", "uint64 18446744073709551615" },
    { "1", "d", "1.0" },
    { "1, 'two'", "av", "[<int64 1>, <'two'>]" },
    { "{}", "av", "[<@a{sv} {}>]" },
    { "[1, 2,]", "ai", "[1, 2]" },
    { "['x', 1]", "(sy)", "('x', byte 0x01)" },
    { "{'a': 1}", "a{sx}", "{'a': int64 1}" },
    { "{1: 'a'}", "a{ys}", "{byte 0x01: 'a'}" },
    { "b'text'", "ay", "[byte 0x74, 0x65, 0x78, 0x74]" },
    { "[1, 255]", "ay", "[byte 0x01, 0xff]" },
    { "[[true], []]", "aab", "[[true], []]" },
  };

  g_test_summary ("What is typed is a value of the type, in the form of JSON and in that of values");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GVariant) value = read_text (cases[i].text, cases[i].type);
      g_autoptr(GVariant) expected = NULL;

      expected = g_variant_parse (G_VARIANT_TYPE (cases[i].type), cases[i].expected, NULL, NULL, NULL);
      g_assert_nonnull (expected);
      if (!g_variant_equal (value, expected))
        {
          g_autofree char *got = g_variant_print (value, TRUE);

          g_error ("“%s” is %s", cases[i].text, got);
        }
    }
}

static void
test_wrong (void)
{
  static const struct
  {
    const char *text;
    const char *type;
    const char *message;
  } cases[] = {
    { "256", "y", "expected an integer from 0 to 255" },
    { "-1", "t", "expected an integer, 0 or more" },
    { "1.5", "x", "expected an integer" },
    { "99999999999999999999", "x", "expected an integer" },
    { "yes", "b", "expected true or false" },
    { "ten", "d", "expected a number" },
    { "", "x", "expected an integer" },
    { "no", "mb", "expected true or false" },
    { "[1, 'x'", "v", "expected any value, such as 5, 'text', [1, 2] or {'key': true}" },
    { "", "v", "expected any value, such as 5, 'text', [1, 2] or {'key': true}" },
    { "[1]", "as", "expected an array of strings, such as ['text']" },
    { "[1]", "(ss)", "expected an array with a string and a string, such as ['text', 'text']" },
    { "{1: 2}", "a{sv}", "expected a map from strings to any values, such as {'text': 5}" },
    { "h'0'", "ay", "expected bytes, such as h'01 ff' or b'text'" },
    { "h'0g'", "ay", "expected bytes, such as h'01 ff' or b'text'" },
    { "no path", "o", "expected a path such as /one/two" },
  };

  g_test_summary ("What is typed and is no value of the type is an error that says what is expected");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;

      g_assert_null (browser_reader_read (cases[i].text, G_VARIANT_TYPE (cases[i].type), &error));
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_torn (void)
{
  static const char text[] =
    "[{\"a\\u00fc\": ext(5, h'01 ff')}, 2026-01-31T12:00:00Z, -1.5e3, b'x', (nil, true), \"\\ud83d\\ude00\"]";

  g_test_summary ("Text that ends anywhere, and brackets that never end, are read to their end only");

  for (gsize i = 1; i < strlen (text); i++)
    {
      g_autofree char *torn = g_strndup (text, i);

      g_assert_null (browser_reader_read (torn, G_VARIANT_TYPE ("(v)"), NULL));
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *deep = g_strnfill (100000, "[{"[i]);

      g_assert_null (browser_reader_read (deep, G_VARIANT_TYPE_VARIANT, NULL));
    }
}

static void
test_long (void)
{
  g_autofree char *million = g_strnfill (1000000, 'x');
  g_autoptr(GVariant) value = g_variant_ref_sink (g_variant_new_string (million));
  g_autofree char *whole = browser_text_from_value (value);
  g_autofree char *line = browser_text_from_value_short (value);
  g_autoptr(GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("av"));
  g_autoptr(GVariant) array = NULL;
  g_autofree char *written = NULL;
  g_autofree char *short_one = NULL;

  g_test_summary ("What is long is cut, and what is shown in a line has no other");

  g_assert_cmpuint (strlen (whole), <, 20100);
  g_assert_true (g_str_has_suffix (whole, "… (1000000 bytes)"));
  g_assert_cmpuint (strlen (line), <, 200);
  for (guint i = 0; i < 100000; i++)
    g_variant_builder_add (builder, "v", g_variant_new_string ("ü\n"));
  array = g_variant_ref_sink (g_variant_builder_end (builder));
  written = browser_text_from_value (array);
  short_one = browser_text_from_value_short (array);
  g_assert_cmpuint (strlen (written), <, 20100);
  g_assert_true (g_utf8_validate (written, -1, NULL));
  g_assert_null (strchr (short_one, '\n'));
  g_assert_true (g_utf8_validate (short_one, -1, NULL));
}

static void
test_nested (void)
{
  GVariant *value = g_variant_new_take_string (g_strnfill (200, 'y'));
  GVariantBuilder builder;
  g_autoptr(GVariant) whole = NULL;

  g_test_summary ("What is nested as deep as a message can be takes no longer than anything else");

  for (guint i = 0; i < 29; i++)
    {
      g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
      /* From here on, a line has room for some levels. */
      if (i == 28)
        g_variant_builder_add (&builder, "v", g_variant_new_take_string (g_strnfill (60, 'x')));
      g_variant_builder_add (&builder, "v", value);
      value = g_variant_builder_end (&builder);
    }
  whole = g_variant_ref_sink (value);

  /* If each level is written twice, this does not end before the time of a test is over. */
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *text = browser_text_from_value (whole);

      g_assert_true (g_str_has_suffix (text, "]\n  ]\n]"));
    }
}

static void
test_names (void)
{
  g_autofree char *name = browser_text_from_name ("a\nb\tc\x1b[31m\u202e<b>\xff");
  g_autofree char *words = browser_text_from_words ("one\ntwo\r\a");
  g_autofree char *million = g_strnfill (1000000, 'x');
  g_autofree char *cut = browser_text_from_name (million);

  g_test_summary ("A name is shown in a line, without what cannot be seen");

  g_assert_cmpstr (name, ==, "a b c�[31m�<b>�");
  g_assert_cmpstr (words, ==, "one\ntwo��");
  g_assert_cmpuint (g_utf8_strlen (cut, -1), ==, 101);
}

/* ---- types ---- */

static void
test_types (void)
{
  static const struct
  {
    const char *type;
    const char *description;
  } cases[] = {
    { "s", "a string" },
    { "y", "an integer from 0 to 255" },
    { "n", "an integer from −32,768 to 32,767" },
    { "mi", "an integer from −2,147,483,648 to 2,147,483,647 or nil" },
    { "as", "an array of strings" },
    { "aay", "an array of byte strings" },
    { "a{sas}", "a map from strings to arrays of strings" },
    { "(sxb)", "an array with a string, an integer and true or false" },
    { "()", "an array" },
    { "a(vv)", "an array of arrays with any value and any value" },
  };
  g_autofree char *explained = browser_type_explain (G_VARIANT_TYPE ("ma{s(xb)}"));

  g_test_summary ("Types are said in words");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *description = browser_type_describe (G_VARIANT_TYPE (cases[i].type));

      g_assert_cmpstr (description, ==, cases[i].description);
    }
  g_assert_cmpstr (explained, ==, "a map from strings to arrays with an integer and true or false, such "
                                  "as {'text': [5, true]}; may be left empty");
}

/* ---- methods ---- */

static gboolean
nothing_cb (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
            GVariant              *params G_GNUC_UNUSED,
            gpointer               user_data G_GNUC_UNUSED,
            GError               **error G_GNUC_UNUSED)
{
  return TRUE;
}

static GListModel *
list (GListModel *(*read) (GVariant *answer),
      const char  *text)
{
  g_autoptr(GVariant) answer = read_text (text, "v");
  g_autoptr(GVariant) value = g_variant_get_variant (answer);

  return read (value);
}

static BrowserMethod *
get (GListModel *methods,
     guint       i)
{
  BrowserMethod *method = g_list_model_get_item (methods, i);

  /* The list has it. */
  g_object_unref (method);
  return method;
}

static void
assert_param (BrowserMethod *method,
              guint          i,
              const char    *name,
              const char    *type)
{
  g_assert_cmpuint (browser_method_get_n_params (method), >, i);
  g_assert_cmpstr (browser_method_get_param_name (method, i), ==, name);
  g_assert_true (g_variant_type_equal (browser_method_get_param_type (method, i),
                                       G_VARIANT_TYPE (type)));
}

static void
test_discovery (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcTopic) topic = msgpack_rpc_dispatcher_add_topic (dispatcher, "news", "(sd)");
  g_autoptr(GVariant) request = NULL;
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) packed = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GListModel) methods = NULL;
  BrowserMethod *method;

  g_test_summary ("What a dispatcher tells of itself is understood");

  msgpack_rpc_dispatcher_add_method (dispatcher, "scale", "(xmd)", nothing_cb, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "all", NULL, nothing_cb, NULL, NULL);
  request = g_variant_ref_sink (g_variant_new_parsed ("(0, 1, 'rpc.discover', @av [])"));
  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, request, NULL);
  g_assert_nonnull (reply);
  bytes = msgpack_rpc_pack (reply, NULL);
  message = msgpack_rpc_unpack (bytes, NULL);
  g_variant_get_child (message, 3, "v", &answer);

  methods = browser_method_list_from_discovery (answer);
  g_assert_cmpuint (g_list_model_get_n_items (methods), ==, 3);
  method = get (methods, 0);
  g_assert_cmpstr (browser_method_get_name (method), ==, "scale");
  assert_param (method, 0, "Argument 1", "x");
  assert_param (method, 1, "Argument 2", "md");
  g_assert_true (browser_method_takes_anything (get (methods, 1)));
  g_assert_true (browser_method_is_topic (get (methods, 2)));
  g_assert_cmpstr (browser_method_get_result (get (methods, 2)), ==,
                   "an array with a string and a number");
}

static void
test_neovim (void)
{
  g_autoptr(GListModel) methods = NULL;
  BrowserMethod *method;

  g_test_summary ("What Neovim tells of itself is understood, but for what is deprecated");

  methods = list (browser_method_list_from_neovim,
                  "[3, {'functions': [{'name': 'nvim_buf_get_lines', 'return_type': 'ArrayOf(String)', "
                  "'parameters': [['Buffer', 'buffer'], ['Integer', 'start'], ['Dictionary', 'opts']]}, "
                  "{'name': 'nvim_input', 'return_type': 'void', 'parameters': []}, "
                  "{'name': 'buffer_old', 'deprecated_since': 1, 'parameters': []}]}]");
  g_assert_cmpuint (g_list_model_get_n_items (methods), ==, 2);
  method = get (methods, 0);
  assert_param (method, 0, "buffer", "x");
  assert_param (method, 1, "start", "x");
  assert_param (method, 2, "opts", "a{sv}");
  g_assert_cmpstr (browser_method_get_result (method), ==, "an array of strings");
  g_assert_null (browser_method_get_result (get (methods, 1)));
}

static void
test_hostile_answers (void)
{
  static const char * const answers[] = {
    "nil", "5", "[]", "{}", "'methods'", "{'methods': 5}", "{'methods': {}}", "{'methods': [nil, 5, []]}",
    "{'methods': [{}, {'name': 5}, {'name': nil}]}", "[1, 2]", "[1, {}]", "[1, {'functions': 5}]",
    "[1, {'functions': [nil, {}, {'name': []}]}]", "{1: 2}",
  };

  g_test_summary ("Answers of other forms have no methods");

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr(GListModel) discovered = list (browser_method_list_from_discovery, answers[i]);
      g_autoptr(GListModel) neovim = list (browser_method_list_from_neovim, answers[i]);

      g_assert_cmpuint (g_list_model_get_n_items (discovered), ==, 0);
      g_assert_cmpuint (g_list_model_get_n_items (neovim), ==, 0);
    }
}

static void
test_hostile_methods (void)
{
  static const char * const signatures[] = {
    "'(*)'", "'('", "'s'", "'(r?)'", "''", "5", "nil", "'(sa{vs})'", "[]",
  };
  g_autofree char *many = g_strnfill (200, 'y');
  g_autofree char *wide = g_strdup_printf ("{'methods': [{'name': 'x', 'params': '(%s)'}]}", many);
  g_autoptr(GListModel) methods = list (browser_method_list_from_discovery, wide);

  g_test_summary ("Signatures that are none, or of more than anybody types, are any arguments");

  g_assert_true (browser_method_takes_anything (get (methods, 0)));
  for (guint i = 0; i < G_N_ELEMENTS (signatures); i++)
    {
      g_autofree char *text = NULL;
      g_autoptr(GListModel) one = NULL;
      g_autofree char *summary = NULL;

      text = g_strdup_printf ("{'methods': [{'name': '<b>\\u0001', 'params': %s, 'result': %s, "
                              "'param_names': 5, 'doc': '\\u001b&'}]}", signatures[i], signatures[i]);
      one = list (browser_method_list_from_discovery, text);
      g_assert_cmpuint (g_list_model_get_n_items (one), ==, 1);
      g_assert_true (browser_method_takes_anything (get (one, 0)));
      g_assert_cmpstr (browser_method_get_title (get (one, 0)), ==, "<b>�");
      g_assert_cmpstr (browser_method_get_name (get (one, 0)), ==, "<b>\x01");
      g_object_get (get (one, 0), "summary", &summary, NULL);
      g_assert_cmpstr (summary, ==, "�&");
    }
}

/* ---- sessions ---- */

static void
test_wrong_secret (void)
{
  BrowserSession *session = browser_session_new ();

  g_test_summary ("A session that cannot be opened is not open, also if it was before");

  browser_session_open (session, "unix:///nonesuch/socket", NULL);
  g_assert_true (browser_session_is_open (session));
  browser_session_open (session, "unix:///nonesuch/socket", "too short");
  g_assert_false (browser_session_is_open (session));
  g_assert_true (browser_session_has_error (session));

  g_object_add_weak_pointer (G_OBJECT (session), (gpointer *) &session);
  g_object_unref (session);
  while (session != NULL)
    g_main_context_iteration (NULL, TRUE);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rpc-browser/text/both-ways", test_both_ways);
  g_test_add_func ("/rpc-browser/text/reading", test_reading);
  g_test_add_func ("/rpc-browser/text/wrong", test_wrong);
  g_test_add_func ("/rpc-browser/text/torn", test_torn);
  g_test_add_func ("/rpc-browser/text/long", test_long);
  g_test_add_func ("/rpc-browser/text/nested", test_nested);
  g_test_add_func ("/rpc-browser/text/names", test_names);
  g_test_add_func ("/rpc-browser/types", test_types);
  g_test_add_func ("/rpc-browser/methods/discovery", test_discovery);
  g_test_add_func ("/rpc-browser/methods/neovim", test_neovim);
  g_test_add_func ("/rpc-browser/methods/hostile-answers", test_hostile_answers);
  g_test_add_func ("/rpc-browser/methods/hostile-methods", test_hostile_methods);
  g_test_add_func ("/rpc-browser/session/wrong-secret", test_wrong_secret);

  return g_test_run ();
}
