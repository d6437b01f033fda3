/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <math.h>

#include "test-util.h"

/* The codecs that come with the library: what they write, and what they make of what comes. */

static MsgpackRpcCodec *
codec_new (const char *name)
{
  static const struct
  {
    const char *name;
    MsgpackRpcCodec *(*create) (void);
  } codecs[] = {
    { "bool", msgpack_rpc_bool_codec_new },
    { "bytes", msgpack_rpc_bytes_codec_new },
    { "float", msgpack_rpc_float_codec_new },
    { "int", msgpack_rpc_int_codec_new },
    { "lines", msgpack_rpc_lines_codec_new },
    { "msgpack", msgpack_rpc_msgpack_codec_new },
    { "string", msgpack_rpc_string_codec_new },
  };

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_str_equal (codecs[i].name, name))
      return codecs[i].create ();
  g_assert_not_reached ();
}

/* ---- what is written ---- */

typedef struct
{
  const char *codec;
  const char *message; /* as GVariant text */
  const char *bytes;
  gsize n_bytes;
} Written;

#define BYTES(text) text, sizeof text - 1

static const Written written[] = {
  { "bool", "true", BYTES ("True") },
  { "bool", "false", BYTES ("False") },
  { "int", "int64 12", BYTES ("12 ") },
  { "int", "byte 7", BYTES ("7 ") },
  { "int", "int64 -9223372036854775808", BYTES ("-9223372036854775808 ") },
  { "float", "1.5", BYTES ("1.5 ") },
  { "float", "-1e300", BYTES ("-1.0000000000000001e+300 ") },
  { "string", "'hello'", BYTES ("5 hello") },
  { "string", "''", BYTES ("0 ") },
  { "string", "'ü '", BYTES ("3 \303\274 ") },
  { "lines", "'hello'", BYTES ("hello\n") },
  { "lines", "''", BYTES ("\n") },
  { "bytes", "b'abc'", BYTES ("\0\0\0\4abc\0") },
  { "bytes", "@ay []", BYTES ("\0\0\0\0") },
  { "msgpack", "[<int64 1>, <'a'>]", BYTES ("\222\1\241a") },
};

/* All messages of a codec that are in @bytes, as a decoder sees them that gets @step bytes at a time. */
static GPtrArray *
decode_all (MsgpackRpcCodec  *codec,
            const char       *bytes,
            gsize             n_bytes,
            gsize             step,
            GError          **error)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr(MsgpackRpcChannel) channel = NULL;
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  GError *local_error = NULL;

  channel = msgpack_rpc_channel_new (stream, codec);
  for (gsize i = 0; i < n_bytes; i += step)
    {
      raw_peer_send (&peer, bytes + i, MIN (step, n_bytes - i));
      if (step < n_bytes)
        test_drain ();
    }
  raw_peer_shutdown_write (&peer);

  while (local_error == NULL)
    {
      g_autoptr(GAsyncResult) result = NULL;
      GVariant *message;

      msgpack_rpc_channel_receive_async (channel, -1, NULL, test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      message = msgpack_rpc_channel_receive_finish (channel, result, &local_error);
      if (message != NULL)
        g_ptr_array_add (messages, message);
    }
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_propagate_error (error, local_error);
  raw_peer_clear (&peer);
  return messages;
}

static void
test_codecs_written (void)
{
  g_test_summary ("Each message has its bytes, and comes back from them, however they are cut");

  for (guint i = 0; i < G_N_ELEMENTS (written); i++)
    {
      g_autoptr(MsgpackRpcCodec) codec = codec_new (written[i].codec);
      g_autoptr(GVariant) message = test_parse (written[i].message);
      g_autoptr(GError) error = NULL;
      g_autoptr(GBytes) bytes = msgpack_rpc_codec_encode (codec, message, &error);
      g_autoptr(GString) three = g_string_new (NULL);

      g_assert_no_error (error);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), written[i].bytes,
                       written[i].n_bytes);
      for (guint j = 0; j < 3; j++)
        g_string_append_len (three, written[i].bytes, (gssize) written[i].n_bytes);

      for (gsize step = 1; step <= three->len; step += MAX (1, three->len / 4))
        {
          g_autoptr(GError) end = NULL;
          g_autoptr(GPtrArray) messages = decode_all (codec, three->str, three->len, step, &end);

          g_assert_cmpuint (messages->len, ==, 3);
          for (guint j = 0; j < 3; j++)
            test_assert_value (g_ptr_array_index (messages, j), written[i].message);
        }
    }
}

/* ---- what is not sent ---- */

static void
test_codecs_refused (void)
{
  static const struct
  {
    const char *codec;
    const char *message;
    int code;
  } refused[] = {
    { "bool", "1", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "int", "'1'", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "int", "uint64 18446744073709551615", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "float", "1", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "string", "1", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "string", "'too long'", MSGPACK_RPC_ERROR_TOO_LARGE },
    { "lines", "'a\\nb'", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "lines", "'a\\r'", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "lines", "'too long'", MSGPACK_RPC_ERROR_TOO_LARGE },
    { "bytes", "'text'", MSGPACK_RPC_ERROR_INVALID_VALUE },
    { "bytes", "b'too long'", MSGPACK_RPC_ERROR_TOO_LARGE },
    { "msgpack", "handle 1", MSGPACK_RPC_ERROR_INVALID_VALUE },
  };

  g_test_summary ("What a codec cannot write is an error");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(MsgpackRpcCodec) codec = codec_new (refused[i].codec);
      g_autoptr(GVariant) message = test_parse (refused[i].message);
      g_autoptr(GError) error = NULL;

      if (refused[i].code == MSGPACK_RPC_ERROR_TOO_LARGE)
        g_object_set (codec, "max-size", 4, NULL);
      g_assert_null (msgpack_rpc_codec_encode (codec, message, &error));
      g_assert_error (error, MSGPACK_RPC_ERROR, refused[i].code);
    }
}

/* ---- what peers send ---- */

static void
message_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
            GVariant          *message,
            gpointer           data G_GNUC_UNUSED)
{
  g_error ("%s is no message", g_variant_print (message, TRUE));
}

static void
closed_cb (MsgpackRpcChannel  *channel G_GNUC_UNUSED,
           GError             *error,
           GVariant           *incomplete G_GNUC_UNUSED,
           GVariant           *unsent G_GNUC_UNUSED,
           GError            **store)
{
  *store = error != NULL ? g_error_copy (error) : NULL;
}

static void
test_codecs_hostile (void)
{
  static const struct
  {
    const char *codec;
    const char *bytes;
    gsize n_bytes;
    int code;
  } hostile[] = {
    { "bool", BYTES ("x"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "bool", BYTES ("Trux"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "int", BYTES ("111111111111111111111"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "int", BYTES ("9223372036854775808 "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "int", BYTES ("1x "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "int", BYTES (" "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "int", BYTES ("1\0002 "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "float", BYTES ("0x1p3 "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "float", BYTES ("1.5.5 "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "float", BYTES (" "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "float", BYTES ("infinity "), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "string", BYTES ("-1 a"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "string", BYTES ("99999999999"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "string", BYTES ("4294967295 "), MSGPACK_RPC_ERROR_TOO_LARGE },
    { "string", BYTES ("2 \377\377"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "string", BYTES ("1 \0"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "lines", BYTES ("\377\n"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "bytes", BYTES ("\377\377\377\377"), MSGPACK_RPC_ERROR_TOO_LARGE },
    { "msgpack", BYTES ("\301"), MSGPACK_RPC_ERROR_INVALID_MESSAGE },
    { "msgpack", BYTES ("\306\377\377\377\377"), MSGPACK_RPC_ERROR_TOO_LARGE },
  };

  g_test_summary ("What is no message, or too large a one, is an error before more has come");

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autoptr(MsgpackRpcCodec) codec = codec_new (hostile[i].codec);
      g_autoptr(GError) error = NULL;
      RawPeer peer;
      g_autoptr(GIOStream) stream = raw_peer_init (&peer);
      g_autoptr(MsgpackRpcChannel) channel = msgpack_rpc_channel_new (stream, codec);

      g_signal_connect (channel, "message", G_CALLBACK (message_cb), NULL);
      g_signal_connect (channel, "closed", G_CALLBACK (closed_cb), &error);
      raw_peer_send (&peer, hostile[i].bytes, hostile[i].n_bytes);
      WAIT_UNTIL (error != NULL);
      g_assert_error (error, MSGPACK_RPC_ERROR, hostile[i].code);
      raw_peer_clear (&peer);
    }
}

static void
test_codecs_endless_line (void)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();
  g_autofree char *text = g_strnfill (1001, 'a');
  g_autoptr(GBytes) almost = g_bytes_new (text, 1000);
  g_autoptr(GBytes) bytes = g_bytes_new (text, 1001);
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;

  g_test_summary ("A line that does not end is an error as soon as it is too long");

  msgpack_rpc_lines_codec_set_max_size (MSGPACK_RPC_LINES_CODEC (codec), 999);
  g_assert_true (msgpack_rpc_codec_decode (codec, almost, &message, &size, &error));
  g_assert_null (message);
  g_assert_false (msgpack_rpc_codec_decode (codec, bytes, &message, &size, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE);
}

static void
test_codecs_crlf (void)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();
  const char *lines = "one\r\ntwo\n\r\na\rb\n";
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) messages = decode_all (codec, lines, strlen (lines), 1, &error);

  g_test_summary ("Lines end with LF or CRLF");

  g_assert_cmpuint (messages->len, ==, 4);
  g_assert_cmpstr (g_variant_get_string (messages->pdata[0], NULL), ==, "one");
  g_assert_cmpstr (g_variant_get_string (messages->pdata[1], NULL), ==, "two");
  g_assert_cmpstr (g_variant_get_string (messages->pdata[2], NULL), ==, "");
  g_assert_cmpstr (g_variant_get_string (messages->pdata[3], NULL), ==, "a\rb");
}

static void
test_codecs_odd_floats (void)
{
  g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_float_codec_new ();
  const char *numbers = "nan inf -inf 1e3 12 ";
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) messages = decode_all (codec, numbers, strlen (numbers), 7, &error);

  g_test_summary ("Numbers are read in all their forms");

  g_assert_cmpuint (messages->len, ==, 5);
  g_assert_true (isnan (g_variant_get_double (messages->pdata[0])));
  g_assert_cmpfloat (g_variant_get_double (messages->pdata[1]), ==, INFINITY);
  g_assert_cmpfloat (g_variant_get_double (messages->pdata[2]), ==, -INFINITY);
  g_assert_cmpfloat (g_variant_get_double (messages->pdata[3]), ==, 1000);
  g_assert_cmpfloat (g_variant_get_double (messages->pdata[4]), ==, 12);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/codecs/written", test_codecs_written);
  g_test_add_func ("/msgpack-rpc/codecs/refused", test_codecs_refused);
  g_test_add_func ("/msgpack-rpc/codecs/hostile", test_codecs_hostile);
  g_test_add_func ("/msgpack-rpc/codecs/lines/endless", test_codecs_endless_line);
  g_test_add_func ("/msgpack-rpc/codecs/lines/crlf", test_codecs_crlf);
  g_test_add_func ("/msgpack-rpc/codecs/floats", test_codecs_odd_floats);

  return g_test_run ();
}
