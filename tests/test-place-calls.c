/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Requests that wait for a thread: given up meanwhile, and refused along a chain of dispatchers. */

#include "test-util.h"

typedef struct
{
  MsgpackRpcDispatcher *dispatcher; /* with the methods */
  MsgpackRpcDispatcher *front;      /* the server's, before that */
  MsgpackRpcConnection *server;
  MsgpackRpcConnection *client;

  GMutex lock;                      /* guards what follows */
  GCond cond;
  gboolean is_open;                 /* the handler may return */
  guint n_begun;
  GThread *thread;                  /* the handler's that began last */
  GString *asked;                   /* who was asked whether it may */
  GThread *asked_in;
  MsgpackRpcDispatcher *refuses;    /* which does not allow it */
} Fixture;

static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  Fixture *f = user_data;

  g_mutex_lock (&f->lock);
  f->n_begun++;
  f->thread = g_thread_self ();
  while (!f->is_open)
    g_cond_wait (&f->cond, &f->lock);
  g_mutex_unlock (&f->lock);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static gboolean
note_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static gboolean
authorize_cb (MsgpackRpcDispatcher *dispatcher,
              MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
              gpointer              user_data)
{
  Fixture *f = user_data;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&f->lock);

  g_string_append (f->asked, dispatcher == f->front ? "front " : "next ");
  f->asked_in = g_thread_self ();
  return dispatcher != f->refuses;
}

static guint
get_begun (Fixture *f)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&f->lock);

  return f->n_begun;
}

static void
open_gate (Fixture *f)
{
  g_mutex_lock (&f->lock);
  f->is_open = TRUE;
  g_cond_broadcast (&f->cond);
  g_mutex_unlock (&f->lock);
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_mutex_init (&f->lock);
  g_cond_init (&f->cond);
  f->asked = g_string_new (NULL);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  f->front = msgpack_rpc_dispatcher_new ();
  g_assert_true (msgpack_rpc_dispatcher_set_next (f->front, f->dispatcher));
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "note", NULL, note_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method_full (f->dispatcher, "wait", NULL, wait_handler, f, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_THREAD |
                                          MSGPACK_RPC_METHOD_FLAGS_SERIAL);

  g_assert_true (msgpack_rpc_connection_new_pair (&f->client, &f->server, &error));
  g_assert_no_error (error);
  msgpack_rpc_connection_set_dispatcher (f->server, f->front);
  msgpack_rpc_connection_set_extensions (f->client, TRUE);
  WAIT_UNTIL (msgpack_rpc_connection_get_peer_extensions (f->client) != 0);
}

/* A thread may still let go of it. */
static void
wait_finalized (gpointer object)
{
  gpointer gone = object;

  g_object_add_weak_pointer (object, &gone);
  g_object_unref (object);
  WAIT_UNTIL (g_atomic_pointer_get (&gone) == NULL);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  open_gate (f);
  wait_finalized (f->client);
  wait_finalized (f->server);
  wait_finalized (f->front);
  wait_finalized (f->dispatcher);
  g_string_free (f->asked, TRUE);
  g_cond_clear (&f->cond);
  g_mutex_clear (&f->lock);
}

static MsgpackRpcCall *
start (Fixture    *f,
       const char *method)
{
  return msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (f->client), method, NULL);
}

static void
wait_for (MsgpackRpcCall *call)
{
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) >= MSGPACK_RPC_CALL_STATE_SUCCEEDED);
}

static void
assert_succeeds (MsgpackRpcCall *call)
{
  wait_for (call);
  g_assert_no_error (msgpack_rpc_call_get_error (call));
}

static void
test_given_up (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (f->server);
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) last = NULL;
  g_autoptr(MsgpackRpcCall) note = NULL;

  g_test_summary ("Requests that are given up as they wait for a thread are forgotten");

  msgpack_rpc_limits_set_max_requests_in_flight (limits, 4);
  first = start (f, "wait");
  WAIT_UNTIL (get_begun (f) == 1);
  /* They are sent, and wait for the first one. */
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr(MsgpackRpcCall) call = start (f, "wait");

      test_drain ();
      msgpack_rpc_call_cancel (call);
      g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_SENT);
    }
  /* It would not be read if they were still in flight. */
  note = start (f, "note");
  assert_succeeds (note);
  last = start (f, "wait");
  g_assert_cmpuint (get_begun (f), ==, 1);

  open_gate (f);
  assert_succeeds (first);
  assert_succeeds (last);
  g_assert_cmpuint (get_begun (f), ==, 2);
}

static void
test_authorize_chain (Fixture       *f,
                      gconstpointer  data)
{
  gboolean front_refuses = g_strcmp0 (data, "front") == 0;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("Each dispatcher on the way is asked, where the handler will run, until one refuses");

  if (data != NULL)
    f->refuses = front_refuses ? f->front : f->dispatcher;
  g_signal_connect (f->front, "authorize", G_CALLBACK (authorize_cb), f);
  g_signal_connect (f->dispatcher, "authorize::wait", G_CALLBACK (authorize_cb), f);
  open_gate (f);
  call = start (f, "wait");
  wait_for (call);

  g_assert_cmpstr (f->asked->str, ==, front_refuses ? "front " : "front next ");
  g_assert_true (f->asked_in != g_thread_self ());
  g_assert_cmpuint (get_begun (f), ==, data == NULL ? 1 : 0);
  if (data == NULL)
    {
      g_assert_no_error (msgpack_rpc_call_get_error (call));
      g_assert_true (f->asked_in == f->thread);
    }
  else
    {
      g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR,
                      MSGPACK_RPC_ERROR_ACCESS_DENIED);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, func) \
  g_test_add ("/msgpack-rpc/place-calls/" path, Fixture, data, setup, func, teardown)
  ADD ("given-up", NULL, test_given_up);
  ADD ("authorize-chain/allowed", NULL, test_authorize_chain);
  ADD ("authorize-chain/refused-in-front", "front", test_authorize_chain);
  ADD ("authorize-chain/refused-next", "next", test_authorize_chain);
#undef ADD

  return g_test_run ();
}
