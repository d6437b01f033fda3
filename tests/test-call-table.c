/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Which ids calls get, and which call a reply is for. */

#include <msgpackrpc-glib/msgpack-rpc-call-table-private.h>

#include "test-util.h"

typedef struct
{
  MsgpackRpcCallTable table;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  _msgpack_rpc_call_table_init (&f->table);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  _msgpack_rpc_call_table_clear (&f->table);
}

static guint32
add_call (Fixture         *f,
          MsgpackRpcCall **call)
{
  guint32 id = _msgpack_rpc_call_table_new_id (&f->table);

  *call = msgpack_rpc_call_new ("a", NULL);
  _msgpack_rpc_call_table_add (&f->table, *call, id);
  return id;
}

static void
assert_take (Fixture             *f,
             gint64               id,
             MsgpackRpcReplyKind  kind,
             MsgpackRpcCall      *expected)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_assert_cmpint (_msgpack_rpc_call_table_take (&f->table, id, &call), ==, kind);
  g_assert_true (call == expected);
}

static void
test_wrap (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  static const guint32 ids[] = { G_MAXINT32 - 1, G_MAXINT32, 1, 2, 3 };
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  g_test_summary ("After 2³¹ − 1 comes 1: no id is 0, and none is negative in 32 bits");

  f->table.last_id = G_MAXINT32 - 2;
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      MsgpackRpcCall *call;

      g_assert_cmpuint (add_call (f, &call), ==, ids[i]);
      g_ptr_array_add (calls, call);
    }

  assert_take (f, 0, MSGPACK_RPC_REPLY_UNKNOWN, NULL);
  assert_take (f, -1, MSGPACK_RPC_REPLY_UNKNOWN, NULL);
  assert_take (f, (gint64) G_MAXINT32 + 1, MSGPACK_RPC_REPLY_UNKNOWN, NULL);
  assert_take (f, ((gint64) 1 << 32) + 1, MSGPACK_RPC_REPLY_UNKNOWN, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    assert_take (f, ids[i], MSGPACK_RPC_REPLY_AWAITED, g_ptr_array_index (calls, i));
  assert_take (f, 1, MSGPACK_RPC_REPLY_UNKNOWN, NULL);
}

static void
test_in_flight (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  g_autoptr(MsgpackRpcCall) last = NULL;
  g_autoptr(MsgpackRpcCall) newer = NULL;

  g_test_summary ("Ids of calls in flight are passed over when they come round again");

  g_assert_cmpuint (add_call (f, &first), ==, 1);
  g_assert_cmpuint (add_call (f, &second), ==, 2);
  f->table.last_id = G_MAXINT32 - 1;
  g_assert_cmpuint (add_call (f, &last), ==, G_MAXINT32);
  g_assert_cmpuint (add_call (f, &newer), ==, 3);
  assert_take (f, 1, MSGPACK_RPC_REPLY_AWAITED, first);
  assert_take (f, 3, MSGPACK_RPC_REPLY_AWAITED, newer);
  assert_take (f, 2, MSGPACK_RPC_REPLY_AWAITED, second);
  assert_take (f, G_MAXINT32, MSGPACK_RPC_REPLY_AWAITED, last);
}

static void
test_late (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) given_up = NULL;
  g_autoptr(MsgpackRpcCall) unsent = NULL;
  g_autoptr(MsgpackRpcCall) newer = NULL;
  g_autoptr(MsgpackRpcCall) reused = NULL;

  g_test_summary ("A late reply reaches no newer call, also when ids have come round");

  g_assert_cmpuint (add_call (f, &given_up), ==, 1);
  g_assert_cmpuint (add_call (f, &unsent), ==, 2);
  g_assert_true (_msgpack_rpc_call_table_forget (&f->table, given_up, 1, TRUE));
  g_assert_false (_msgpack_rpc_call_table_forget (&f->table, given_up, 1, TRUE));
  g_assert_true (_msgpack_rpc_call_table_forget (&f->table, unsent, 2, FALSE));

  /* The id of what was not sent is free again, as no reply can come. */
  f->table.last_id = G_MAXINT32;
  g_assert_cmpuint (add_call (f, &newer), ==, 2);
  assert_take (f, 1, MSGPACK_RPC_REPLY_LATE, NULL);
  assert_take (f, 2, MSGPACK_RPC_REPLY_AWAITED, newer);

  /* Once the late reply has come, so is the other. */
  f->table.last_id = G_MAXINT32;
  g_assert_cmpuint (add_call (f, &reused), ==, 1);
  assert_take (f, 1, MSGPACK_RPC_REPLY_AWAITED, reused);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/call-table/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("wrap", test_wrap);
  ADD ("in-flight", test_in_flight);
  ADD ("late", test_late);

  return g_test_run ();
}
