/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A peer that goes away while its requests wait for their answers, and nothing is read: it is noticed all
 * the same, unless nothing tells, and one that has only stopped sending is not taken for it. */

#include "test-hostile.h"

#define MAX_REQUESTS 3

static void
notified_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
             const char           *method,
             GVariant             *params G_GNUC_UNUSED,
             gpointer              data)
{
  Hostile *f = data;

  g_string_append_printf (f->log, "%s ", method);
}

static void
count_cancelled_cb (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
                    gpointer              data)
{
  ++*(guint *) data;
}

static void
send_requests (Hostile *f,
               guint    first,
               guint    n)
{
  for (guint i = 0; i < n; i++)
    raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, %u, 'keep', @av [])", first + i));
}

/* As many as there may be, so that reading pauses. */
static void
reach_limit (Hostile *f)
{
  msgpack_rpc_limits_set_max_requests_in_flight (
    msgpack_rpc_connection_get_limits (f->connection), MAX_REQUESTS);
  g_signal_connect (f->connection, "notification", G_CALLBACK (notified_cb), f);
  send_requests (f, 1, MAX_REQUESTS);
  WAIT_UNTIL (f->kept->len == MAX_REQUESTS);
  hostile_assert_idle ();
}

/* More than it may, and something that nobody has to answer. */
static void
leave_something (Hostile *f)
{
  send_requests (f, MAX_REQUESTS + 1, 5);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'bye', @av [])"));
  hostile_assert_idle ();
  g_assert_cmpuint (f->kept->len, ==, MAX_REQUESTS);
}

/* Of a descriptor, or what is around one. */
static gboolean
transport_tells (void)
{
  const char *name = test_transport_get_name ();

  return !g_str_equal (name, "plain") && !g_str_equal (name, "pollable") &&
         !g_str_equal (name, "split");
}

/* Where nothing else tells, the first answer does. */
static void
wait_noticed_by (Hostile  *f,
                 gboolean  tells)
{
  guint n_cancelled = 0, n_before = f->kept->len, n_answered = 0;

  for (guint i = 0; i < n_before; i++)
    g_signal_connect (f->kept->pdata[i], "cancelled", G_CALLBACK (count_cancelled_cb), &n_cancelled);
  if (!tells)
    {
      hostile_assert_idle ();
      g_assert_cmpuint (f->n_closed, ==, 0);
      msgpack_rpc_invocation_return_value (f->kept->pdata[0], NULL);
      n_answered++;
    }
  WAIT_UNTIL (f->n_closed == 1);

  g_assert_cmpuint (n_cancelled, ==, n_before - n_answered);
  for (guint i = n_answered; i < f->kept->len; i++)
    {
      g_assert_true (msgpack_rpc_invocation_is_cancelled (f->kept->pdata[i]));
      g_assert_false (msgpack_rpc_invocation_return_value (f->kept->pdata[i], NULL));
    }
  g_assert_cmpint (msgpack_rpc_connection_get_status (f->connection), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  hostile_assert_idle ();
}

static void
wait_noticed (Hostile *f)
{
  wait_noticed_by (f, transport_tells ());
}

static void
test_vanishes (Hostile       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A peer that has gone is noticed, with nothing left to read");

  reach_limit (f);
  hostile_reset (f);
  wait_noticed (f);
  g_assert_cmpstr (f->log->str, ==, "keep keep keep closed");
}

static void
test_leaves_something (Hostile       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What it had sent is delivered, but for requests over the limit, before the end");

  reach_limit (f);
  leave_something (f);
  hostile_reset (f);
  wait_noticed (f);
  /* The answer, if that has told, has made room for one more. */
  g_assert_cmpstr (f->log->str, ==, transport_tells () ? "keep keep keep bye closed"
                                                       : "keep keep keep keep bye closed");
  g_assert_cmpuint (hostile_get_statistic (f, "requests"), ==, f->kept->len);
}

static void
test_shuts_down (Hostile       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("So is one that keeps a descriptor by which nothing goes any more");

  reach_limit (f);
  leave_something (f);
  hostile_shut_down (f);
  /* To TCP it looks as if it had only stopped sending, until it is sent something. */
  wait_noticed_by (f, transport_tells () && !g_str_equal (test_transport_get_name (), "tcp"));
  g_assert_true (g_str_has_suffix (f->log->str, "bye closed"));
}

static void
test_half_closes (Hostile       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;

  g_test_summary ("One that has only stopped sending gets all of its answers, and nothing spins");

  reach_limit (f);
  leave_something (f);
  raw_peer_shutdown_write (&f->raw);
  hostile_assert_idle ();
  g_assert_cmpuint (f->n_closed, ==, 0);
  g_assert_false (msgpack_rpc_invocation_is_cancelled (f->kept->pdata[0]));

  for (guint i = 0; i < MAX_REQUESTS + 5; i++)
    {
      g_autofree char *expected = g_strdup_printf ("(1, %u, @mv nothing, %u)", i + 1, i);

      WAIT_UNTIL (f->kept->len > i);
      g_assert_true (msgpack_rpc_invocation_return_value (f->kept->pdata[i],
                                                          g_variant_new_uint32 (i)));
      g_clear_pointer (&answer, g_variant_unref);
      answer = raw_peer_receive (&f->raw);
      test_assert_value (answer, expected);
    }
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_no_error (f->error);
  g_assert_true (g_str_has_suffix (f->log->str, "closed"));
}

static void
test_half_closes_first (Hostile       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("One that stops sending first, and goes later, is noticed when it goes");

  reach_limit (f);
  raw_peer_shutdown_write (&f->raw);
  hostile_assert_idle ();
  g_assert_cmpuint (f->n_closed, ==, 0);
  hostile_reset (f);
  /* A relay has nothing more to read then, and has to write. */
  wait_noticed_by (f, transport_tells () && !test_transport_is_relayed ());
}

static void
test_while_paused (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("While the application wants nothing read, the end waits as all else does");

  reach_limit (f);
  msgpack_rpc_connection_set_paused (f->connection, TRUE);
  leave_something (f);
  hostile_reset (f);
  hostile_assert_idle ();
  g_assert_cmpuint (f->n_closed, ==, 0);
  g_assert_cmpstr (f->log->str, ==, "keep keep keep ");

  msgpack_rpc_connection_set_paused (f->connection, FALSE);
  wait_noticed (f);
  g_assert_true (g_str_has_suffix (f->log->str, "bye closed"));
}

static void
test_after_pauses (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("The same after reading has paused and gone on before");

  reach_limit (f);
  for (guint i = 0; i < 6 * MAX_REQUESTS; i++)
    {
      if (i % MAX_REQUESTS == 0)
        send_requests (f, 100 + i, MAX_REQUESTS);
      hostile_assert_idle ();
      msgpack_rpc_invocation_return_value (f->kept->pdata[0], NULL);
      g_variant_unref (raw_peer_receive (&f->raw));
      g_ptr_array_remove_index (f->kept, 0);
      WAIT_UNTIL (f->kept->len >= 2);
    }
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(2, 'bye', @av [])"));
  hostile_assert_idle ();
  hostile_reset (f);
  wait_noticed (f);
  g_assert_true (g_str_has_suffix (f->log->str, "keep bye closed"));
}

static void
test_call_ends (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("Reading that a call kept going pauses when it ends, and the peer is looked for then");

  reach_limit (f);
  call = msgpack_rpc_peer_start_call (f->peer, "call", NULL);
  g_variant_unref (raw_peer_receive (&f->raw));
  msgpack_rpc_call_cancel (call);
  hostile_assert_idle ();
  leave_something (f);
  hostile_reset (f);
  wait_noticed (f);
}

static void
test_unsent (Hostile       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (8 << 20, 'x');

  g_test_summary ("The same while output waits for the peer to read it");

  reach_limit (f);
  leave_something (f);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "n", g_variant_new ("(s)", text),
                                                     NULL));
  test_drain ();
  hostile_reset (f);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_true (msgpack_rpc_invocation_is_cancelled (f->kept->pdata[0]));
  g_assert_true (g_str_has_suffix (f->log->str, "closed"));
}

static gpointer
reset_later (gpointer data)
{
  g_usleep (20000);
  hostile_reset (data);
  return NULL;
}

static void
test_no_loop (Hostile       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (8 << 20, 'x');
  g_autoptr(GError) error = NULL;
  GThread *thread;

  g_test_summary ("A thread that waits notices it, with no loop running");

  reach_limit (f);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "n", g_variant_new ("(s)", text),
                                                     NULL));
  thread = g_thread_new ("reset", reset_later, f);
  g_assert_false (msgpack_rpc_connection_flush_sync (f->connection, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_thread_join (thread);
  WAIT_UNTIL (f->n_closed == 1);
}

/* ---- many, and at any moment ---- */

#define N_MANY 12

static void
test_many (void)
{
  static Hostile all[N_MANY];

  g_test_summary ("The same where descriptors are polled together");

  for (guint i = 0; i < N_MANY; i++)
    {
      hostile_setup (&all[i], NULL);
      reach_limit (&all[i]);
      leave_something (&all[i]);
    }
  for (guint i = 0; i < N_MANY; i++)
    {
      hostile_reset (&all[i]);
      wait_noticed (&all[i]);
      for (guint j = i + 1; j < N_MANY; j++)
        g_assert_cmpuint (all[j].n_closed, ==, 0);
    }
  for (guint i = 0; i < N_MANY; i++)
    hostile_teardown (&all[i], NULL);
}

typedef struct
{
  int fd;
  GRand *rand;
} Goer;

/* Sends requests, some more than it may, and goes. */
static gpointer
send_and_go (gpointer data)
{
  static const guint8 request[] = { 0x94, 0x00, 0x01, 0xa4, 'k', 'e', 'e', 'p', 0x90 };
  Goer *self = data;
  guint n = (guint) g_rand_int_range (self->rand, 1, 4 * MAX_REQUESTS);
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (send (self->fd, request, sizeof request, MSG_NOSIGNAL), ==, sizeof request);
      if (g_rand_int_range (self->rand, 0, 4) == 0)
        g_usleep ((gulong) g_rand_int_range (self->rand, 0, 300));
    }
  setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  g_close (self->fd, NULL);
  return NULL;
}

/* Answers from another thread what is there. */
static gpointer
answer_some (gpointer data)
{
  GPtrArray *invocations = data;

  for (guint i = 0; i < invocations->len; i++)
    msgpack_rpc_invocation_return_value (invocations->pdata[i], NULL);
  return NULL;
}

static void
test_races (Hostile       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed (1);

  g_test_summary ("It may go at any moment, while it is answered by other threads");

  for (guint round = 0; round < 100; round++)
    {
      g_autoptr(GPtrArray) some = g_ptr_array_new_with_free_func (g_object_unref);
      GThread *goer, *answerer;
      Goer what;

      hostile_renew (f);
      msgpack_rpc_limits_set_max_requests_in_flight (
        msgpack_rpc_connection_get_limits (f->connection), MAX_REQUESTS);
      what = (Goer) { dup (f->raw.fd), rand };
      raw_peer_close (&f->raw);
      goer = g_thread_new ("goer", send_and_go, &what);
      WAIT_UNTIL (f->kept->len > round % 3 || f->n_closed == 1);
      for (guint i = 0; i < f->kept->len; i += 2)
        g_ptr_array_add (some, g_object_ref (f->kept->pdata[i]));
      answerer = g_thread_new ("answerer", answer_some, some);
      WAIT_UNTIL (f->n_closed == 1);
      g_thread_join (goer);
      g_thread_join (answerer);
    }
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/gone/" name, Hostile, NULL, hostile_setup, function, hostile_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("vanishes", test_vanishes);
  ADD ("leaves-something", test_leaves_something);
  ADD ("shuts-down", test_shuts_down);
  ADD ("half-closes", test_half_closes);
  ADD ("half-closes-first", test_half_closes_first);
  ADD ("while-paused", test_while_paused);
  ADD ("after-pauses", test_after_pauses);
  ADD ("call-ends", test_call_ends);
  ADD ("unsent", test_unsent);
  ADD ("no-loop", test_no_loop);
  g_test_add_func ("/msgpack-rpc/gone/many", test_many);
  /* What comes by a relay is not at its end when the peer is. */
  if (!test_transport_is_relayed ())
    ADD ("races", test_races);

  return g_test_run ();
}
