/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static void
test_version_numbers (void)
{
  g_test_summary ("The running library is the one that this test was compiled against");

  g_assert_cmpuint (msgpack_rpc_get_major_version (), ==, MSGPACK_RPC_MAJOR_VERSION);
  g_assert_cmpuint (msgpack_rpc_get_minor_version (), ==, MSGPACK_RPC_MINOR_VERSION);
  g_assert_cmpuint (msgpack_rpc_get_micro_version (), ==, MSGPACK_RPC_MICRO_VERSION);
  g_assert_true (MSGPACK_RPC_VERSION_MIN_REQUIRED == MSGPACK_RPC_VERSION_MAX_ALLOWED);
}

static void
test_version_check (void)
{
  const guint major = MSGPACK_RPC_MAJOR_VERSION;
  const guint minor = MSGPACK_RPC_MINOR_VERSION;
  const guint micro = MSGPACK_RPC_MICRO_VERSION;

  g_test_summary ("A check is true for this version and older ones, and false for newer ones");

  g_assert_true (msgpack_rpc_check_version (major, minor, micro));
  g_assert_true (msgpack_rpc_check_version (major - 1, minor + 1, micro + 1));
  g_assert_false (msgpack_rpc_check_version (major, minor, micro + 1));
  g_assert_false (msgpack_rpc_check_version (major, minor + 1, 0));
  g_assert_false (msgpack_rpc_check_version (major + 1, 0, 0));
}

static void
test_version_check_macro (void)
{
  const int major = MSGPACK_RPC_MAJOR_VERSION;
  const int minor = MSGPACK_RPC_MINOR_VERSION;
  const int micro = MSGPACK_RPC_MICRO_VERSION;

  g_test_summary ("The macro agrees with the function");

  g_assert_true (MSGPACK_RPC_CHECK_VERSION (major, minor, micro));
  g_assert_true (MSGPACK_RPC_CHECK_VERSION (major - 1, minor + 1, micro + 1));
  g_assert_false (MSGPACK_RPC_CHECK_VERSION (major, minor, micro + 1));
  g_assert_false (MSGPACK_RPC_CHECK_VERSION (major, minor + 1, 0));
  g_assert_false (MSGPACK_RPC_CHECK_VERSION (major + 1, 0, 0));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/version/numbers", test_version_numbers);
  g_test_add_func ("/msgpack-rpc/version/check", test_version_check);
  g_test_add_func ("/msgpack-rpc/version/check-macro", test_version_check_macro);

  return g_test_run ();
}
