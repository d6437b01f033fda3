/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Threads that call, give up, answer and close connections that have a dialect, and others that change
 * it meanwhile. */

#include "test-util.h"

#include <sys/socket.h>

#define N_THREADS 4
#define N_ROUNDS 300
/* Of those that may have to wait for a moment behind each answer. */
#define N_REVERSED 20

/* Two ends: the near one is run by the test, the far one by a loop of its own. */
typedef struct
{
  MsgpackRpcLoopThread *loop;
  MsgpackRpcConnection *near, *far;
  GThreadPool *answerers;
  int n_running;   /* atomic: threads that have not ended */
  int n_handled;   /* atomic: requests that are being handled */
  int n_answered;  /* atomic */
  int n_rounds;
} Ends;

static void
answer_in_thread (gpointer invocation,
                  gpointer data)
{
  Ends *self = data;

  g_atomic_int_add (&self->n_handled, -1);
  g_atomic_int_inc (&self->n_answered);
  msgpack_rpc_invocation_return_value (invocation, msgpack_rpc_invocation_get_params (invocation));
  g_object_unref (invocation);
}

static gboolean
hand_over (MsgpackRpcInvocation  *invocation,
           GVariant              *params G_GNUC_UNUSED,
           gpointer               data,
           GError               **error G_GNUC_UNUSED)
{
  Ends *self = data;

  g_atomic_int_inc (&self->n_handled);
  g_thread_pool_push (self->answerers, g_object_ref (invocation), NULL);
  return TRUE;
}

/* The same, but there is never another one. */
static gboolean
hand_over_alone (MsgpackRpcInvocation  *invocation,
                 GVariant              *params,
                 gpointer               data,
                 GError               **error)
{
  Ends *self = data;

  g_assert_cmpint (g_atomic_int_get (&self->n_handled), ==, 0);
  return hand_over (invocation, params, data, error);
}

static MsgpackRpcConnection *
make_end (Ends              *self,
          GMainContext      *context,
          int                fd,
          MsgpackRpcHandler  handler)
{
  g_autoptr(GSocket) socket = g_socket_new_from_fd (fd, NULL);
  g_autoptr(GSocketConnection) stream = g_socket_connection_factory_create_connection (socket);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_dispatcher_add_method (dispatcher, "echo", NULL, handler, self, NULL);
  return g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                       "io-stream", stream,
                       "main-context", context,
                       "dispatcher", dispatcher,
                       NULL);
}

static void
ends_init (Ends              *self,
           MsgpackRpcHandler  handler)
{
  int fds[2];

  *self = (Ends) { .n_rounds = N_ROUNDS };
  self->loop = msgpack_rpc_loop_thread_new ("far");
  self->answerers = g_thread_pool_new (answer_in_thread, self, N_THREADS, FALSE, NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->near = make_end (self, NULL, fds[0], handler);
  self->far = make_end (self, msgpack_rpc_loop_thread_get_main_context (self->loop), fds[1], handler);
  msgpack_rpc_loop_thread_start (self->loop);
}

static void
ends_clear (Ends *self)
{
  msgpack_rpc_connection_close_sync (self->near, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  msgpack_rpc_connection_close_sync (self->far, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  msgpack_rpc_loop_thread_quit (self->loop);
  msgpack_rpc_loop_thread_join (self->loop);
  test_drain ();
  while (g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (self->loop), FALSE))
    ;
  g_thread_pool_free (self->answerers, FALSE, TRUE);
  test_drain ();
  g_assert_finalize_object (self->near);
  g_assert_finalize_object (self->far);
  g_assert_finalize_object (self->loop);
}

/* Runs @func in threads, and the near end's context meanwhile. */
static void
run_threads (Ends        *self,
             GThreadFunc  func,
             GThreadFunc  other)
{
  GThread *threads[N_THREADS];

  g_atomic_int_set (&self->n_running, N_THREADS);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", i == 0 && other != NULL ? other : func, self);
  WAIT_UNTIL (g_atomic_int_get (&self->n_running) == 0);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static gpointer
end_thread (Ends *self)
{
  g_atomic_int_add (&self->n_running, -1);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* However it ends. */
static const GError *
wait_for (MsgpackRpcCall *call)
{
  g_autoptr(GVariant) result = msgpack_rpc_call_wait (call, NULL, NULL);

  g_assert_cmpint (msgpack_rpc_call_get_state (call), ==,
                   result != NULL ? MSGPACK_RPC_CALL_STATE_SUCCEEDED
                                  : MSGPACK_RPC_CALL_STATE_FAILED);
  return msgpack_rpc_call_get_error (call);
}

/* Those that end by themselves, and every third one that is given up. */
static gpointer
call_and_give_up (gpointer data)
{
  Ends *self = data;
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->near);

  for (int i = 0; i < self->n_rounds; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;
      const GError *error;

      call = msgpack_rpc_peer_start_call (peer, "echo", g_variant_new ("(i)", i));
      if (i % 3 == 0)
        msgpack_rpc_call_cancel (call);
      error = wait_for (call);
      /* It may have been answered before. */
      if (error != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_true (error == NULL || i % 3 == 0);
    }
  return end_thread (self);
}

static void
test_serial (void)
{
  Ends ends;

  g_test_summary ("Threads that call a peer that takes one call at a time wait for each other");

  ends_init (&ends, hand_over_alone);
  msgpack_rpc_connection_set_profile (ends.near, MSGPACK_RPC_PROFILE_SERIAL);
  run_threads (&ends, call_and_give_up, NULL);
  /* What was given up after it was sent is answered, too, and holds up the rest until then. */
  g_assert_cmpint (g_atomic_int_get (&ends.n_answered), >=, N_THREADS * (N_ROUNDS - N_ROUNDS / 3 - 1));
  ends_clear (&ends);
}

static gpointer
call_in_order (gpointer data)
{
  Ends *self = data;
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->near);

  for (int i = 0; i < self->n_rounds; i++)
    {
      g_autoptr(MsgpackRpcCall) first = msgpack_rpc_peer_start_call (peer, "echo", NULL);
      g_autoptr(MsgpackRpcCall) second = msgpack_rpc_peer_start_call (peer, "echo", NULL);

      /* The first one's answer comes first. */
      g_assert_no_error (wait_for (second));
      g_assert_cmpint (msgpack_rpc_call_get_state (first), ==, MSGPACK_RPC_CALL_STATE_SUCCEEDED);
    }
  return end_thread (self);
}

static void
test_request_order (void)
{
  Ends ends;

  g_test_summary ("Answers given in threads keep the order of the requests while more come");

  ends_init (&ends, hand_over);
  msgpack_rpc_connection_set_reply_order (ends.far, MSGPACK_RPC_REPLY_ORDER_REQUEST);
  run_threads (&ends, call_in_order, NULL);
  g_assert_cmpint (g_atomic_int_get (&ends.n_answered), ==, 2 * N_THREADS * N_ROUNDS);
  ends_clear (&ends);
}

static gpointer
call_twice (gpointer data)
{
  Ends *self = data;
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->near);

  for (int i = 0; i < self->n_rounds; i++)
    {
      g_autoptr(MsgpackRpcCall) first = msgpack_rpc_peer_start_call (peer, "echo", NULL);
      g_autoptr(MsgpackRpcCall) second = msgpack_rpc_peer_start_call (peer, "echo", NULL);

      g_assert_no_error (wait_for (first));
      g_assert_no_error (wait_for (second));
    }
  return end_thread (self);
}

static gpointer
change_order (gpointer data)
{
  Ends *self = data;

  for (int i = 0; g_atomic_int_get (&self->n_running) > 1; i++)
    {
      msgpack_rpc_connection_set_reply_order (self->far, i % (MSGPACK_RPC_REPLY_ORDER_REVERSE + 1));
      g_thread_yield ();
    }
  msgpack_rpc_connection_set_reply_order (self->far, MSGPACK_RPC_REPLY_ORDER_ANY);
  return end_thread (self);
}

static void
test_changing_order (void)
{
  Ends ends;

  g_test_summary ("No answer is lost when another thread changes their order");

  ends_init (&ends, hand_over);
  ends.n_rounds = N_REVERSED;
  run_threads (&ends, call_twice, change_order);
  g_assert_cmpint (g_atomic_int_get (&ends.n_answered), ==, 2 * (N_THREADS - 1) * N_REVERSED);
  ends_clear (&ends);
}

/* However they end: the peer may have closed. */
static gpointer
call_anyhow (gpointer data)
{
  Ends *self = data;

  for (int i = 0; i < self->n_rounds; i++)
    {
      MsgpackRpcConnection *connection = i % 2 == 0 ? self->near : self->far;
      g_autoptr(MsgpackRpcCall) call = NULL;

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "echo", NULL);
      if (i % 5 == 0)
        msgpack_rpc_call_cancel (call);
      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "echo", NULL, NULL);
      wait_for (call);
    }
  return end_thread (self);
}

/* All that leaves the form of the messages as it is; at last that, too. */
static gpointer
change_all (gpointer data)
{
  Ends *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      MsgpackRpcConnection *connection = i % 2 == 0 ? self->near : self->far;

      msgpack_rpc_connection_set_profile (connection, i % MSGPACK_RPC_PROFILE_KEYBASE);
      msgpack_rpc_connection_set_reply_order (connection, i % MSGPACK_RPC_REPLY_ORDER_REVERSE);
      g_thread_yield ();
    }
  msgpack_rpc_connection_set_framing (self->near, MSGPACK_RPC_FRAMING_MSGPACK_LENGTH);
  return end_thread (self);
}

static void
test_changing_all (void)
{
  Ends ends;

  g_test_summary ("Every call ends while another thread changes the dialect of both ends");

  ends_init (&ends, hand_over);
  run_threads (&ends, call_anyhow, change_all);
  ends_clear (&ends);
}

static gpointer
close_soon (gpointer data)
{
  Ends *self = data;

  while (g_atomic_int_get (&self->n_answered) < N_THREADS)
    g_thread_yield ();
  msgpack_rpc_connection_close_sync (self->near, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL);
  return end_thread (self);
}

static void
test_closing (gconstpointer data)
{
  MsgpackRpcProfile profile = GPOINTER_TO_INT (data);
  Ends ends;

  g_test_summary ("Calls that wait for their turn end when another thread closes");

  ends_init (&ends, hand_over);
  msgpack_rpc_connection_set_profile (ends.near, profile);
  msgpack_rpc_connection_set_profile (ends.far, profile);
  msgpack_rpc_connection_set_reply_order (ends.far, MSGPACK_RPC_REPLY_ORDER_REQUEST);
  run_threads (&ends, call_anyhow, close_soon);
  ends_clear (&ends);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/connection/threads/serial", test_serial);
  g_test_add_func ("/msgpack-rpc/connection/threads/request-order", test_request_order);
  g_test_add_func ("/msgpack-rpc/connection/threads/changing-order", test_changing_order);
  g_test_add_func ("/msgpack-rpc/connection/threads/changing-all", test_changing_all);
  g_test_add_data_func ("/msgpack-rpc/connection/threads/closing-serial",
                        GINT_TO_POINTER (MSGPACK_RPC_PROFILE_SERIAL), test_closing);
  g_test_add_data_func ("/msgpack-rpc/connection/threads/closing-framed",
                        GINT_TO_POINTER (MSGPACK_RPC_PROFILE_KEYBASE), test_closing);

  return g_test_run ();
}
