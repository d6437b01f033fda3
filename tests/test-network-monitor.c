/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A network that comes and goes: a client hears of it, and never waits for it. The process has a network
 * monitor of its own, so this is a program of its own. */

#include "test-util.h"

#define HOUR (60 * 60 * 1000)

/* ---- a monitor that says what it is told to say ---- */

#define TEST_TYPE_MONITOR (test_monitor_get_type ())

G_DECLARE_FINAL_TYPE (TestMonitor, test_monitor, TEST, MONITOR, GObject)

struct _TestMonitor
{
  GObject parent_instance;

  gboolean available;
};

enum
{
  PROP_0,
  PROP_NETWORK_AVAILABLE,
  PROP_NETWORK_METERED,
  PROP_CONNECTIVITY,
};

static gboolean
init (GInitable     *initable G_GNUC_UNUSED,
      GCancellable  *cancellable G_GNUC_UNUSED,
      GError       **error G_GNUC_UNUSED)
{
  return TRUE;
}

static void
initable_iface_init (GInitableIface *iface)
{
  iface->init = init;
}

static void
monitor_iface_init (GNetworkMonitorInterface *iface G_GNUC_UNUSED)
{
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestMonitor, test_monitor, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, initable_iface_init)
                               G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR, monitor_iface_init))

static void
test_monitor_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec G_GNUC_UNUSED)
{
  TestMonitor *self = TEST_MONITOR (object);

  if (prop_id == PROP_CONNECTIVITY)
    g_value_set_enum (value, self->available ? G_NETWORK_CONNECTIVITY_FULL
                                             : G_NETWORK_CONNECTIVITY_LOCAL);
  else
    g_value_set_boolean (value, prop_id == PROP_NETWORK_AVAILABLE && self->available);
}

static void
test_monitor_class_init (TestMonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_monitor_get_property;
  g_object_class_override_property (object_class, PROP_NETWORK_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_NETWORK_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
test_monitor_init (TestMonitor *self G_GNUC_UNUSED)
{
}

static void
set_available (gboolean available)
{
  GNetworkMonitor *monitor = g_network_monitor_get_default ();

  TEST_MONITOR (monitor)->available = available;
  g_object_notify (G_OBJECT (monitor), "network-available");
  g_signal_emit_by_name (monitor, "network-changed", available);
}

/* ---- the tests ---- */

typedef struct
{
  MsgpackRpcClient *client;
  MsgpackRpcReconnectPolicy *policy;
  guint n_attempts;
  guint n_failures;
} Fixture;

static void
status_changed_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    data)
{
  Fixture *f = data;

  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTING)
    f->n_attempts++;
  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED && error != NULL)
    f->n_failures++;
}

static void
setup (Fixture       *f,
       gconstpointer  delay)
{
  f->policy = msgpack_rpc_reconnect_policy_new ();
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, GPOINTER_TO_INT (delay));
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, GPOINTER_TO_INT (delay));
  f->client = msgpack_rpc_client_new ("tcp://127.0.0.1:1");
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  g_signal_connect (f->client, "status-changed", G_CALLBACK (status_changed_cb), f);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  g_assert_finalize_object (f->client);
  /* Nobody is told who is not there. */
  set_available (TRUE);
  g_assert_finalize_object (f->policy);
}

static void
test_shortens (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("When the network comes back the next attempt is made at once");

  set_available (FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  for (guint i = 1; i <= 3; i++)
    {
      WAIT_UNTIL (f->n_failures == i);
      test_drain ();
      g_assert_cmpuint (f->n_attempts, ==, i);
      set_available (FALSE);
      test_drain ();
      g_assert_cmpuint (f->n_attempts, ==, i);
      set_available (TRUE);
      WAIT_UNTIL (f->n_attempts == i + 1);
    }
}

static gpointer
wait_for_call (gpointer data)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("x", NULL);
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_call_set_timeout (call, G_MAXINT);
  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  msgpack_rpc_peer_send_call (data, call);
  result = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  return NULL;
}

static void
test_wakes_thread (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  GThread *thread;

  g_test_summary ("A thread that waits for a call hears of the network, too");

  set_available (FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (f->n_failures == 1);
  thread = g_thread_new ("waits", wait_for_call, f->client);
  WAIT_UNTIL (test_threads_sleep ("waits", 1));
  set_available (TRUE);
  WAIT_UNTIL (f->n_attempts == 2);
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_thread_join (thread);
}

static void
test_never_prevents (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Attempts are made while the monitor says that there is no network");

  set_available (FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (f->n_attempts >= 5);
  g_assert_cmpuint (f->n_failures, >=, 4);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_io_extension_point_register (G_NETWORK_MONITOR_EXTENSION_POINT_NAME);
  g_io_extension_point_implement (G_NETWORK_MONITOR_EXTENSION_POINT_NAME, TEST_TYPE_MONITOR, "test",
                                  1000);
  g_assert_true (TEST_IS_MONITOR (g_network_monitor_get_default ()));

  g_test_add ("/msgpack-rpc/network-monitor/shortens", Fixture, GINT_TO_POINTER (HOUR), setup,
              test_shortens, teardown);
  g_test_add ("/msgpack-rpc/network-monitor/wakes-thread", Fixture, GINT_TO_POINTER (HOUR), setup,
              test_wakes_thread, teardown);
  g_test_add ("/msgpack-rpc/network-monitor/never-prevents", Fixture, GINT_TO_POINTER (1), setup,
              test_never_prevents, teardown);

  return g_test_run ();
}
