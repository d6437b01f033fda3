/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Messages that are large, deep or many, or say that they are. */

#include "test-hostile.h"

#define REQUEST "94 00 01 a3'add' 92 01 02"
#define ANSWER "(1, 1, @mv nothing, 3)"

#define FLAT (1024 * 1024)

static void
test_claims (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const claims[] = {
    "dd ffffffff", "dd ffffffff dd ffffffff dd ffffffff", "dd 03000000", "dd 7fffffff 00",
    "94 00 01 db ffffffff", "94 00 01 db ffffffff 'a'", "94 00 01 db 03ffff00",
    "94 00 01 a3'add' c6 ffffffff", "94 00 01 a3'add' c6 03ffff00 'a'",
    "94 00 01 a3'add' c9 ffffffff 01", "94 00 01 a3'add' c9 03ffff00 01",
    "94 00 01 a3'add' dd ffffffff", "94 00 01 a3'add' dd 03000000 00",
    "94 00 01 a3'add' df ffffffff", "94 00 01 a3'add' df 01000000 00",
    "94 00 01 a3'add' df 7fffffff c0 dd 7fffffff",
    "dd 03000000 dd 02000000 df 01000000 00 dd 01000000 db 01000000 'a'",
  };

  g_test_summary ("What a header claims costs nothing until it has come");

  for (guint i = 0; i < G_N_ELEMENTS (claims); i++)
    {
      g_autoptr(GByteArray) bytes = bytes_from_hex (claims[i]);

      for (gsize cut = 0; cut < bytes->len; cut++)
        {
          gsize before;

          hostile_renew (f);
          before = hostile_get_heap ();
          hostile_try_send (f, bytes->data, cut);
          test_drain ();
          hostile_try_send (f, bytes->data + cut, bytes->len - cut);
          test_drain ();
          g_assert_cmpuint (hostile_get_heap (), <, before + FLAT);
          raw_peer_shutdown_write (&f->raw);
          WAIT_UNTIL (f->n_closed == 1);
          g_assert_nonnull (f->error);
          g_assert_cmpint (f->error->domain, ==, MSGPACK_RPC_ERROR);
          g_assert_cmpstr (f->log->str, ==, "closed");
        }
    }
}

static void
test_slow_claim (Hostile       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree guint8 *zeros = g_malloc0 (4096);
  gsize before = hostile_get_heap ();

  g_test_summary ("The memory of a message that arrives slowly follows what has arrived");

  hostile_send_text (f, "94 00 01 a3'add' dd 03000000");
  for (gsize sent = 0; sent < 64 * 1024; sent += 4096)
    {
      raw_peer_send (&f->raw, zeros, 4096);
      test_drain ();
      /* An item of an array takes some twenty times its byte. */
      g_assert_cmpuint (hostile_get_heap (), <, before + FLAT + 128 * sent);
    }
  g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
}

typedef struct
{
  const char *property;
  guint limit;
  const char *fits;      /* a request that is as large as it may be */
  const char *exceeds;   /* one that is larger */
  int code;
} Limit;

static const Limit limits[] = {
  {
    .property = "max-message-size",
    .limit = 40,
    .fits = REQUEST,
    .exceeds = "94 00 01 a3'add' 92 01 d928 '1234567890123456789012345678901234567890'",
    .code = MSGPACK_RPC_ERROR_TOO_LARGE,
  },
  {
    .property = "max-decoded-size",
    .limit = 500,
    .fits = REQUEST,
    .exceeds = "94 00 01 a3'add' dc0028"
               "00000000000000000000 00000000000000000000"
               "00000000000000000000 00000000000000000000",
    .code = MSGPACK_RPC_ERROR_TOO_LARGE,
  },
  {
    .property = "max-depth",
    .limit = 2,
    .fits = REQUEST,
    .exceeds = "94 00 01 a3'add' 92 01 91 02",
    .code = MSGPACK_RPC_ERROR_TOO_DEEP,
  },
};

static void
connect_limited (Hostile     *f,
                 const Limit *limit)
{
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(MsgpackRpcLimits) own = msgpack_rpc_limits_new ();

  hostile_drop_connection (f);
  stream = raw_peer_init (&f->raw);
  if (g_str_equal (limit->property, "max-depth"))
    msgpack_rpc_limits_set_max_depth (own, limit->limit);
  else
    g_object_set (own, limit->property, (guint64) limit->limit, NULL);
  hostile_take_connection (f, g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                            "io-stream", stream,
                                            "limits", own,
                                            NULL));
}

static void
assert_limit (Hostile     *f,
              const Limit *limit,
              gsize        cut)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (limit->exceeds);
  g_autofree char *number = g_strdup_printf ("%u", limit->limit);
  g_autoptr(GVariant) answer = NULL;

  connect_limited (f, limit);
  hostile_send_text (f, limit->fits);
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, ANSWER);

  cut = MIN (cut, bytes->len);
  hostile_try_send (f, bytes->data, cut);
  test_drain ();
  hostile_try_send (f, bytes->data + cut, bytes->len - cut);
  hostile_assert_told (f, NULL);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, limit->code);
  g_assert_nonnull (strstr (f->error->message, number));
  g_assert_cmpstr (f->log->str, ==, "add closed");
}

static void
test_limits (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A message over a limit ends the connection with an error that names it");

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    for (gsize cut = 0; cut < 50; cut++)
      assert_limit (f, &limits[i], cut);
}

static void
test_huge_limits (Hostile       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcLimits) own = msgpack_rpc_limits_new ();
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("The largest limits that can be set are accepted");

  msgpack_rpc_limits_set_max_message_size (own, G_MAXUINT32);
  msgpack_rpc_limits_set_max_decoded_size (own, G_MAXUINT32);
  msgpack_rpc_limits_set_max_depth (own, 40);
  msgpack_rpc_limits_set_max_queued_bytes (own, G_MAXUINT32);
  msgpack_rpc_limits_set_max_unhandled_bytes (own, G_MAXUINT32);
  hostile_drop_connection (f);
  stream = raw_peer_init (&f->raw);
  hostile_take_connection (f, g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                            "io-stream", stream,
                                            "limits", own,
                                            NULL));
  hostile_send_text (f, REQUEST);
  answer = raw_peer_receive (&f->raw);
  test_assert_value (answer, ANSWER);
}

static void
test_deep (Hostile       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *nested = g_strnfill (100000, (char) 0x91);
  g_autofree char *maps = g_strnfill (100000, (char) 0x81);

  g_test_summary ("A hundred thousand arrays or maps in one another are too deep");

  hostile_try_send (f, nested, 100000);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);

  hostile_renew (f);
  hostile_send_text (f, "94 00 01 a3'add'");
  hostile_try_send (f, maps, 100000);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
}

#define N_TINY 10000

static void
count_notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                       const char           *method,
                       GVariant             *params,
                       gpointer              data)
{
  guint *n = data;
  g_autoptr(GVariant) number = g_variant_get_child_value (params, 0);
  g_autoptr(GVariant) unboxed = g_variant_get_variant (number);

  g_assert_cmpstr (method, ==, "n");
  g_assert_cmpint (g_variant_get_int64 (unboxed), ==, *n);
  ++*n;
}

static void
test_tiny (Hostile       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  guint n = 0;

  g_test_summary ("Ten thousand tiny notifications in one write all come, in order");

  for (guint i = 0; i < N_TINY; i++)
    {
      guint8 message[] = { 0x93, 2, 0xa1, 'n', 0x91, 0xcd, (guint8) (i >> 8), (guint8) i };

      g_byte_array_append (bytes, message, sizeof message);
    }
  g_signal_connect (f->connection, "notification", G_CALLBACK (count_notification_cb), &n);
  raw_peer_send (&f->raw, bytes->data, bytes->len);
  raw_peer_close (&f->raw);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_no_error (f->error);
  g_assert_cmpuint (n, ==, N_TINY);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/connection/sizes/" name, Hostile, NULL, hostile_setup, function, \
              hostile_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("claims", test_claims);
  ADD ("slow-claim", test_slow_claim);
  ADD ("limits", test_limits);
  ADD ("huge-limits", test_huge_limits);
  ADD ("deep", test_deep);
  ADD ("tiny", test_tiny);

  return g_test_run ();
}
