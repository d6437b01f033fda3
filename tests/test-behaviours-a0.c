/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What tornado-msgpack does: rows A0 of docs/behaviours.md. */

#include "test-util.h"

/* ---- the dispatcher alone ---- */

static MsgpackRpcDispatcher *
new_dispatcher (void)
{
  MsgpackRpcDispatcher *dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  return dispatcher;
}

static void
test_a0_13 (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = new_dispatcher ();
  g_autoptr(GVariant) request = test_parse ("(0, 1, 'add', (1, 2))");
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A dispatcher exists, and answers, without any server");

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, request, &error);
  g_assert_no_error (error);
  test_assert_value (reply, "(1, 1, @mv nothing, 3)");
}

/* ---- a client ---- */

static void
test_a0_23 (void)
{
  g_autoptr(MsgpackRpcClient) client = NULL;

  g_test_summary ("Making a client connects to nothing, and cannot fail");

  client = msgpack_rpc_client_new ("this is no address");
  g_assert_nonnull (client);
  test_drain ();
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  g_assert_null (msgpack_rpc_client_get_last_error (client));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/behaviours/A0.13", test_a0_13);
  g_test_add_func ("/behaviours/A0.23", test_a0_23);

  return g_test_run ();
}
