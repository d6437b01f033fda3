/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What a method can be, besides a name, a signature and a handler: see test-dispatcher.c for those. */

#include "test-util.h"

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          gpointer    user_data)
{
  guint *n = user_data;

  (*n)++;
}

static void
test_settings (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autofree char *description = NULL;
  MsgpackRpcMethodFlags flags;
  guint n_notified = 0;
  guint id;

  g_test_summary ("A method is found by its name, and has settings that can be changed");

  id = msgpack_rpc_dispatcher_add_method_full (dispatcher, "add", "(xx)", test_add_handler, NULL,
                                               NULL, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  g_assert_null (msgpack_rpc_dispatcher_lookup_method (dispatcher, "Add"));
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "add");
  g_assert_cmpuint (msgpack_rpc_method_get_id (method), ==, id);
  g_assert_null (msgpack_rpc_method_get_description (method));

  g_signal_connect (method, "notify", G_CALLBACK (count_cb), &n_notified);
  msgpack_rpc_method_set_description (method, "Adds two numbers");
  g_object_set (method, "description", "Adds two numbers", NULL);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_get (method, "description", &description, "flags", &flags, NULL);
  g_assert_cmpstr (description, ==, "Adds two numbers");
  g_assert_cmpuint (flags, ==, MSGPACK_RPC_METHOD_FLAGS_REPLACE);
  g_assert_cmpuint (msgpack_rpc_method_get_flags (method), ==, flags);

  g_assert_true (msgpack_rpc_dispatcher_remove_method (dispatcher, id));
  g_assert_null (msgpack_rpc_dispatcher_lookup_method (dispatcher, "add"));
  msgpack_rpc_method_set_description (method, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  g_assert_finalize_object (g_steal_pointer (&dispatcher));
  g_assert_finalize_object (g_steal_pointer (&method));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/methods/settings", test_settings);

  return g_test_run ();
}
