/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server is drained while peers are on the threshold: they have come, and were not let in yet. */

#include "test-token.h"

#include <errno.h>

#include "fail-calls.h"

#define GOODBYE "(1, 0, 'The server is closing, and has not handled the request', {'rpc.closing': @as []})"
#define LET_IN_AND_OUT "(0-0+1)+(0-1+0)-"

static void
assert_receives (RawPeer    *peer,
                 const char *expected)
{
  g_autoptr(GVariant) message = raw_peer_receive (peer);

  test_assert_value (message, expected);
}

static void
assert_drains_now (Fixture *f)
{
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  unsent = msgpack_rpc_server_drain_sync (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                          &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_assert_cmpuint (count_connections (f), ==, 0);
  /* That is refused while it is drained. */
  g_free (listen_on (f->server, "127.0.0.1:0"));
}

static void
test_just_come (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_test_summary ("Who waits for it sees off who has come by a stream, and was not shown to anybody yet");

  stream = raw_peer_init (&peer);
  connection = msgpack_rpc_server_accept_stream (f->server, stream, &error);
  g_assert_no_error (error);
  assert_drains_now (f);
  g_assert_cmpstr (f->events->str, ==, LET_IN_AND_OUT);
  assert_receives (&peer, GOODBYE);
  raw_peer_clear (&peer);
}

static gboolean
keep_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
         MsgpackRpcPendingConnection *pending,
         gpointer                     user_data)
{
  msgpack_rpc_pending_connection_keep (pending);
  g_set_object ((MsgpackRpcPendingConnection **) user_data, pending);
  return TRUE;
}

static void
test_just_accepted (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  RawPeer peer;

  g_test_summary ("So is somebody of whom it was just decided that he may come in");

  g_signal_connect (f->server, "authorize", G_CALLBACK (keep_cb), &pending);
  raw_peer_init_connected (&peer, address);
  WAIT_UNTIL (pending != NULL);
  g_assert_true (msgpack_rpc_pending_connection_accept (pending));
  g_clear_object (&pending);
  assert_drains_now (f);
  g_assert_cmpstr (f->events->str, ==, LET_IN_AND_OUT);
  assert_receives (&peer, GOODBYE);
  raw_peer_clear (&peer);
}

static void
test_kept (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  RawPeer peer;

  g_test_summary ("And somebody of whom that is not decided");

  g_signal_connect (f->server, "authorize", G_CALLBACK (keep_cb), &pending);
  raw_peer_init_connected (&peer, address);
  WAIT_UNTIL (pending != NULL);
  assert_drains_now (f);
  g_assert_false (msgpack_rpc_pending_connection_accept (pending));
  g_clear_object (&pending);
  g_assert_cmpstr (f->events->str, ==, "");
  assert_receives (&peer, GOODBYE);
  raw_peer_clear (&peer);
}

/* ---- with a token ---- */

typedef struct
{
  Fixture *f;
  gboolean waits;      /* the one who drains */
  gboolean is_drained;
  guint n_shown;       /* as it was drained */
} Threshold;

static gboolean
drain_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params G_GNUC_UNUSED,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  Threshold *threshold = user_data;

  threshold->is_drained = TRUE;
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("bye"));
  if (threshold->waits)
    assert_drains_now (threshold->f);
  else
    msgpack_rpc_server_drain_async (threshold->f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1,
                                    NULL, NULL, NULL);
  return TRUE;
}

static gboolean
show_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
         MsgpackRpcPendingConnection *pending,
         gpointer                     user_data)
{
  Threshold *threshold = user_data;

  msgpack_rpc_pending_connection_keep (pending);
  threshold->n_shown += threshold->is_drained ? 1 : 0;
  return TRUE;
}

static void
test_just_proved (Fixture       *f,
                  gconstpointer  data)
{
  g_autofree char *path = path_address (f, "s");
  g_autofree char *local = listen_on (f->server, path);
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcToken) token = token_new (SECRET);
  Threshold threshold = { .f = f, .waits = data != NULL };
  guint8 nonce[32], proof[32];
  RawPeer trusted[8];
  RawPeer peer;

  g_test_summary ("Nobody is asked about one who has shown the token as draining began");

  msgpack_rpc_server_set_token (f->server, token);
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "drain", NULL, drain_handler, &threshold, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (trusted); i++)
    enter (f, &trusted[i], local);
  g_signal_connect (f->server, "authorize", G_CALLBACK (show_cb), &threshold);
  raw_peer_init_connected (&peer, address);
  say_hello (&peer, nonce);
  prove (CLIENT, my_nonce, nonce, proof);

  /* All come with the same turn of the loop; who of them is first is not said. */
  for (guint i = 0; i < G_N_ELEMENTS (trusted); i++)
    raw_peer_send_value (&trusted[i], g_variant_new_parsed ("(0, 7, 'drain', @as [])"));
  send_proof (&peer, proof);
  raw_peer_wait_closed (&peer);
  WAIT_UNTIL (count_connections (f) == 0);
  g_assert_true (threshold.is_drained);
  g_assert_cmpuint (threshold.n_shown, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (trusted); i++)
    raw_peer_clear (&trusted[i]);
  raw_peer_clear (&peer);
}

/* ---- who waits in a socket ---- */

static void
start_drain (Fixture       *f,
             GAsyncResult **result)
{
  msgpack_rpc_server_drain_async (f->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                  test_store_result, result);
}

/* Which of them GLib calls depends on how old it is. */
static const char *const accept_functions[] = { "accept", "accept4" };

/* Whether a call has failed as those who wait were told. */
static gboolean
is_told (Fixture *f)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  gboolean has_failed;
  RawPeer peers[2];

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_init_connected (&peers[i], address);
  start_drain (f, &result);
  has_failed = fail_calls_fired ();
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      assert_receives (&peers[i], GOODBYE);
      raw_peer_clear (&peers[i]);
    }
  WAIT_UNTIL (result != NULL);
  return has_failed;
}

static void
test_aborted (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  guint n_failed = 0;

  g_test_summary ("One who has gone before he was accepted keeps the word from nobody else");

  for (guint i = 0; i < G_N_ELEMENTS (accept_functions); i++)
    {
      const FailCall aborted = { accept_functions[i], ECONNABORTED, FALSE };

      fail_calls_arm (&aborted, 1);
      n_failed += is_told (f) ? 1 : 0;
      fail_calls_arm (NULL, 0);
    }
  g_assert_cmpuint (n_failed, ==, 1);
}

static void
notify_cb (GObject    *object G_GNUC_UNUSED,
           GParamSpec *pspec G_GNUC_UNUSED,
           gpointer    user_data)
{
  *(guint *) user_data += 1;
}

/* Whether it has paused and does so no more. */
static gboolean
ends_pause (Fixture *f)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(GAsyncResult) result = NULL;
  guint n_connected = f->n_connected;
  guint n_notified = 0;
  gboolean has_paused;
  RawPeer peer;

  g_signal_connect (f->server, "notify::accepting-paused", G_CALLBACK (notify_cb), &n_notified);
  raw_peer_init_connected (&peer, address);
  WAIT_UNTIL (n_notified > 0 || f->n_connected > n_connected);
  has_paused = msgpack_rpc_server_is_accepting_paused (f->server);
  g_assert_cmpuint (n_notified, ==, has_paused ? 1 : 0);

  start_drain (f, &result);
  g_assert_false (msgpack_rpc_server_is_accepting_paused (f->server));
  g_assert_cmpuint (n_notified, ==, has_paused ? 1 : 0);
  WAIT_UNTIL (result != NULL);
  WAIT_UNTIL (n_notified == (has_paused ? 2 : 0));
  g_signal_handlers_disconnect_by_data (f->server, &n_notified);
  raw_peer_clear (&peer);
  return has_paused;
}

static void
test_paused (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  guint n_paused = 0;

  g_test_summary ("That accepting does not pause any more is told when draining ends it, too");

  for (guint i = 0; i < G_N_ELEMENTS (accept_functions); i++)
    {
      const FailCall no_descriptors = { accept_functions[i], EMFILE, FALSE };

      fail_calls_arm (&no_descriptors, 1);
      n_paused += ends_pause (f) ? 1 : 0;
      fail_calls_arm (NULL, 0);
    }
  g_assert_cmpuint (n_paused, ==, 1);
}

/* ---- without a word ---- */

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           const GError         *error G_GNUC_UNUSED,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              user_data)
{
  *(guint *) user_data += 1;
}

static void
test_kept_and_disposed (Fixture       *f,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *address = listen_on (f->server, "127.0.0.1:0");
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  guint n_closed = 0;
  RawPeer peer;

  g_test_summary ("The connection of one who waits to be let in tells of its end when the server goes");

  g_signal_connect (f->server, "authorize", G_CALLBACK (keep_cb), &pending);
  raw_peer_init_connected (&peer, address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  WAIT_UNTIL (pending != NULL);
  g_signal_connect (msgpack_rpc_pending_connection_get_connection (pending), "closed",
                    G_CALLBACK (closed_cb), &n_closed);
  g_object_run_dispose (G_OBJECT (f->server));
  g_assert_cmpuint (n_closed, ==, 0);
  WAIT_UNTIL (n_closed == 1);
  g_clear_object (&pending);
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, data, func) \
  g_test_add ("/msgpack-rpc/drain-guests/" name, Fixture, data, server_setup, func, server_teardown)
  ADD ("just-come", NULL, test_just_come);
  ADD ("just-accepted", NULL, test_just_accepted);
  ADD ("kept", NULL, test_kept);
  ADD ("just-proved/async", NULL, test_just_proved);
  ADD ("just-proved/sync", GINT_TO_POINTER (TRUE), test_just_proved);
  ADD ("aborted", NULL, test_aborted);
  ADD ("paused", NULL, test_paused);
  ADD ("kept-and-disposed", NULL, test_kept_and_disposed);

  return g_test_run ();
}
