/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Two ends that speak netstrings, a format that the library does not know: “5:hello,”. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>
#include <string.h>

#define MAX_SIZE 4096

#define NETSTRINGS_TYPE_CODEC (netstrings_codec_get_type ())
G_DECLARE_FINAL_TYPE (NetstringsCodec, netstrings_codec, NETSTRINGS, CODEC, GObject)

struct _NetstringsCodec
{
  GObject parent_instance;
};

static GBytes *
netstrings_encode (MsgpackRpcCodec  *codec,
                   GVariant         *message,
                   GError          **error)
{
  const char *text;
  char *bytes;

  if (!g_variant_is_of_type (message, G_VARIANT_TYPE_STRING))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                           "A netstring is a string");
      return NULL;
    }

  text = g_variant_get_string (message, NULL);
  bytes = g_strdup_printf ("%zu:%s,", strlen (text), text);
  return g_bytes_new_take (bytes, strlen (bytes));
}

static gboolean
netstrings_decode (MsgpackRpcCodec  *codec,
                   GBytes           *input,
                   GVariant        **message,
                   gsize            *size,
                   GError          **error)
{
  gsize available;
  const char *data = g_bytes_get_data (input, &available);
  guint64 length = 0;
  gsize i;

  for (i = 0; i < available && g_ascii_isdigit (data[i]) && length <= MAX_SIZE; i++)
    length = length * 10 + (guint64) g_ascii_digit_value (data[i]);
  if (i == available && length <= MAX_SIZE)
    return TRUE;

  if (i == 0 || length > MAX_SIZE || data[i] != ':')
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "This is no netstring");
      return FALSE;
    }

  *size = i + 1 + (gsize) length + 1;
  if (available < *size)
    return TRUE;

  if (data[*size - 1] != ',' || !g_utf8_validate_len (data + i + 1, (gsize) length, NULL))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                           "This is no netstring of text");
      return FALSE;
    }

  *message = g_variant_new_take_string (g_strndup (data + i + 1, (gsize) length));
  return TRUE;
}

static void
init_codec (MsgpackRpcCodecInterface *iface)
{
  iface->encode = netstrings_encode;
  iface->decode = netstrings_decode;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (NetstringsCodec, netstrings_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_CODEC, init_codec))

static void
netstrings_codec_class_init (NetstringsCodecClass *klass)
{
}

static void
netstrings_codec_init (NetstringsCodec *self)
{
}

static void
message_cb (MsgpackRpcChannel *channel,
            GVariant          *message,
            gpointer           user_data)
{
  g_print ("%s\n", g_variant_get_string (message, NULL));
}

static void
rejected_cb (MsgpackRpcChannel *channel,
             GVariant          *message,
             GError            *error,
             gpointer           user_data)
{
  g_print ("not sent: %s\n", error->message);
}

static void
closed_cb (MsgpackRpcChannel *channel,
           GError            *error,
           GVariant          *incomplete,
           GVariant          *unsent,
           gpointer           user_data)
{
  if (error != NULL)
    g_print ("closed: %s\n", error->message);
  else
    g_print ("closed\n");
  g_main_loop_quit (user_data);
}

int
main (void)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(MsgpackRpcCodec) codec = g_object_new (NETSTRINGS_TYPE_CODEC, NULL);
  g_autoptr(MsgpackRpcChannel) near = NULL;
  g_autoptr(MsgpackRpcChannel) far = NULL;
  g_autoptr(GError) error = NULL;

  if (!msgpack_rpc_channel_new_pair (codec, &near, &far, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_signal_connect (near, "rejected", G_CALLBACK (rejected_cb), NULL);
  g_signal_connect (far, "message", G_CALLBACK (message_cb), NULL);
  g_signal_connect (far, "closed", G_CALLBACK (closed_cb), loop);

  msgpack_rpc_channel_send (near, g_variant_new_string ("hello"), NULL);
  msgpack_rpc_channel_send (near, g_variant_new_int32 (5), NULL);
  msgpack_rpc_channel_send (near, g_variant_new_string ("good bye"), NULL);
  msgpack_rpc_channel_close_async (near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL, NULL);

  g_main_loop_run (loop);
  return 0;
}
