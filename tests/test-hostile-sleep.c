/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Whatever a peer does, who waits for it sleeps. */

#include "test-hostile.h"

#include <time.h>

#define NOTIFICATION "93 02 a3'add' 92 01 02"
#define KEEP "94 00 09 a4'keep' 90"

static void
keep_many (Hostile *f)
{
  g_autoptr(GByteArray) request = bytes_from_hex (KEEP);

  for (guint i = 0; i < 128; i++)
    raw_peer_send (&f->raw, request->data, request->len);
  WAIT_UNTIL (f->kept->len == 128);
}

static void
fill_output (Hostile *f)
{
  g_autofree char *text = g_strnfill (8 * 1024 * 1024, 'x');
  GVariant *params = g_variant_new ("(s)", text);

  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "n", params, NULL));
}

typedef enum
{
  PAUSED = 1 << 0,       /* reading has paused */
  BLOCKED = 1 << 1,      /* output waits for the peer */
  CALLING = 1 << 2,      /* a call is in flight */
  CROWDED = 1 << 3,      /* with many other connections in the context */
  ALL = 1 << 4,
} Situation;

static void
become (Hostile   *f,
        Situation  situation)
{
  if (situation & PAUSED)
    keep_many (f);
  else
    {
      hostile_send_text (f, KEEP);
      WAIT_UNTIL (f->kept->len == 1);
    }
  if (situation & CALLING)
    msgpack_rpc_peer_call_async (f->peer, "call", NULL, NULL, NULL, NULL);
  if (situation & BLOCKED)
    fill_output (f);
  test_drain ();
}

static void
assert_sleeps (Hostile   *f,
               Situation  situation,
               HostileLeave  leave)
{
  g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; (situation & CROWDED) && i < 10; i++)
    {
      MsgpackRpcConnection *first, *second;

      g_assert_true (msgpack_rpc_connection_new_pair (&first, &second, NULL));
      g_ptr_array_add (others, first);
      g_ptr_array_add (others, second);
    }
  become (f, situation);
  leave (f);
  hostile_assert_idle ();
}

static void
test_sleeps (Hostile       *f,
             gconstpointer  data)
{
  HostileLeave leave = (HostileLeave) data;

  g_test_summary ("Whatever the peer has done, the context sleeps when there is nothing to do");

  for (guint situation = 0; situation < ALL; situation++)
    {
      g_autoptr(GIOStream) stream = NULL;

      hostile_renew (f);
      assert_sleeps (f, (Situation) situation, leave);
      hostile_drop_connection (f);
      stream = tcp_peer_init (&f->raw);
      hostile_take_connection (f, msgpack_rpc_connection_new (stream));
      assert_sleeps (f, (Situation) situation, leave);
    }
}

static gint64
get_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* Blocks for 100 ms, and takes much less. */
static void
assert_waits_asleep (Hostile *f)
{
  gint64 before = get_cpu_time ();
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_connection_set_default_timeout (f->connection, 100);
  value = msgpack_rpc_peer_call_sync (f->peer, "call", NULL, NULL, &error);
  g_assert_null (value);
  g_assert_nonnull (error);
  g_assert_cmpint (get_cpu_time () - before, <, 50 * 1000 * test_get_slowness ());
}

static void
test_sync_sleeps (Hostile       *f,
                  gconstpointer  data)
{
  HostileLeave leave = (HostileLeave) data;

  g_test_summary ("Whatever the peer has done, a sync call sleeps while it waits");

  for (guint situation = 0; situation < CROWDED; situation++)
    {
      hostile_renew (f);
      become (f, (Situation) situation);
      leave (f);
      assert_waits_asleep (f);
    }
}

static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static gpointer
cancel_soon (gpointer data)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GSource) source = g_timeout_source_new (200);

  g_source_set_callback (source, cancel_cb, data, NULL);
  g_source_attach (source, context);
  g_main_context_iteration (context, TRUE);
  return NULL;
}

static void
test_flush_sleeps (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) notification = bytes_from_hex (NOTIFICATION);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  GThread *thread;
  gint64 before;

  g_test_summary ("Flushing sleeps while the peer sends and does not read");

  fill_output (f);
  for (guint i = 0; i < 12000; i++)
    g_byte_array_append (bytes, notification->data, notification->len);
  g_assert_cmpint (send (f->raw.fd, bytes->data, bytes->len, 0), ==, bytes->len);
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  before = get_cpu_time ();
  g_assert_false (msgpack_rpc_connection_flush_sync (f->connection, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_cpu_time () - before, <, 100 * 1000 * test_get_slowness ());
  g_thread_join (thread);
}

static void
test_paused_sleeps (Hostile       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) notification = bytes_from_hex (NOTIFICATION);

  g_test_summary ("A sync call sleeps while reading pauses and something has come");

  msgpack_rpc_connection_set_paused (f->connection, TRUE);
  g_assert_cmpint (send (f->raw.fd, notification->data, notification->len, 0), ==,
                   notification->len);
  assert_waits_asleep (f);
}

static void
add_sleeping (void)
{
  static const struct
  {
    const char *name;
    HostileLeave leave;
  } leaves[] = {
    { "stay", hostile_stay },
    { "half-close", hostile_half_close },
    { "vanish", hostile_vanish },
    { "shut-down", hostile_shut_down },
    { "shut-reading", hostile_shut_reading },
    { "reset", hostile_reset },
  };

  for (guint i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      g_autofree char *name = g_strconcat ("/msgpack-rpc/connection/sleeps/",
                                           leaves[i].name, NULL);
      g_autofree char *sync_name = g_strconcat ("/msgpack-rpc/connection/sync-sleeps/",
                                                leaves[i].name, NULL);

      g_test_add (name, Hostile, leaves[i].leave, hostile_setup, test_sleeps, hostile_teardown);
      g_test_add (sync_name, Hostile, leaves[i].leave, hostile_setup, test_sync_sleeps,
                  hostile_teardown);
    }
  g_test_add ("/msgpack-rpc/connection/flush-sleeps", Hostile, NULL, hostile_setup,
              test_flush_sleeps, hostile_teardown);
  g_test_add ("/msgpack-rpc/connection/paused-sleeps", Hostile, NULL, hostile_setup,
              test_paused_sleeps, hostile_teardown);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_sleeping ();

  return g_test_run ();
}
