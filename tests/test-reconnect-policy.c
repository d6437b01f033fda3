/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The numbers of a policy, and the delays that follow from them. */

#include "test-util.h"

#include "msgpack-rpc-reconnect-policy-private.h"

#define N_DRAWS 1000

static void
count_notified (guint *n)
{
  (*n)++;
}

static void
assert_invalid (MsgpackRpcReconnectPolicy *policy,
                const char                *name,
                double                     number)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (policy), name);
  g_auto(GValue) value = G_VALUE_INIT;

  g_value_init (&value, pspec->value_type);
  if (G_VALUE_HOLDS_INT (&value))
    g_value_set_int (&value, (int) number);
  else
    g_value_set_double (&value, number);
  g_assert_true (g_param_value_validate (pspec, &value));
}

static void
test_numbers (void)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  guint n = 0;

  g_test_summary ("A policy has sane defaults, and takes what makes sense");

  g_assert_cmpint (msgpack_rpc_reconnect_policy_get_initial_delay (policy), ==, 200);
  g_assert_cmpint (msgpack_rpc_reconnect_policy_get_max_delay (policy), ==, 30000);
  g_assert_cmpfloat (msgpack_rpc_reconnect_policy_get_factor (policy), ==, 2);
  g_assert_cmpfloat (msgpack_rpc_reconnect_policy_get_jitter (policy), ==, 0.5);
  g_assert_cmpuint (msgpack_rpc_reconnect_policy_get_max_attempts (policy), ==, 0);

  g_signal_connect_swapped (policy, "notify", G_CALLBACK (count_notified), &n);
  msgpack_rpc_reconnect_policy_set_initial_delay (policy, 200);
  msgpack_rpc_reconnect_policy_set_jitter (policy, 0.5);
  g_assert_cmpuint (n, ==, 0);
  g_object_set (policy, "initial-delay", 3, "max-delay", 4, "factor", 1.5, "jitter", 0.0,
                "max-attempts", 7, NULL);
  g_assert_cmpuint (n, ==, 5);
  g_assert_cmpint (msgpack_rpc_reconnect_policy_get_initial_delay (policy), ==, 3);
  g_assert_cmpint (msgpack_rpc_reconnect_policy_get_max_delay (policy), ==, 4);
  g_assert_cmpfloat (msgpack_rpc_reconnect_policy_get_factor (policy), ==, 1.5);
  g_assert_cmpfloat (msgpack_rpc_reconnect_policy_get_jitter (policy), ==, 0);
  g_assert_cmpuint (msgpack_rpc_reconnect_policy_get_max_attempts (policy), ==, 7);

  assert_invalid (policy, "initial-delay", 0);
  assert_invalid (policy, "max-delay", -5);
  assert_invalid (policy, "factor", 0.9);
  assert_invalid (policy, "jitter", 1.1);
  assert_invalid (policy, "jitter", -0.1);
}

static void
test_growth (void)
{
  static const int expected[] = { 10, 30, 90, 270, 500, 500 };
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();

  g_test_summary ("Delays grow by the factor up to the longest, however many there were");

  g_object_set (policy, "initial-delay", 10, "max-delay", 500, "factor", 3.0, "jitter", 0.0, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, i), ==, expected[i]);
  g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, 1000), ==, 500);
  g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, G_MAXUINT), ==, 500);

  g_object_set (policy, "initial-delay", G_MAXINT, "max-delay", G_MAXINT, "factor", 1000.0, NULL);
  g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, 3), ==, G_MAXINT);
  msgpack_rpc_reconnect_policy_set_max_delay (policy, 5);
  g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, 0), ==, 5);
}

static void
test_jitter (void)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  int shortest = G_MAXINT, longest = 0;

  g_test_summary ("Chance makes delays shorter, by no more than the policy says");

  g_object_set (policy, "initial-delay", 10000, "max-delay", 10000, "jitter", 0.25, NULL);
  for (guint i = 0; i < N_DRAWS; i++)
    {
      int delay = _msgpack_rpc_reconnect_policy_choose_delay (policy, i);

      shortest = MIN (shortest, delay);
      longest = MAX (longest, delay);
    }
  g_assert_cmpint (shortest, >=, 7500);
  g_assert_cmpint (longest, <=, 10000);
  g_assert_cmpint (longest - shortest, >, 1000);

  msgpack_rpc_reconnect_policy_set_jitter (policy, 1);
  for (guint i = 0; i < N_DRAWS; i++)
    g_assert_cmpint (_msgpack_rpc_reconnect_policy_choose_delay (policy, 0), >=, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/reconnect-policy/numbers", test_numbers);
  g_test_add_func ("/msgpack-rpc/reconnect-policy/growth", test_growth);
  g_test_add_func ("/msgpack-rpc/reconnect-policy/jitter", test_jitter);

  return g_test_run ();
}
