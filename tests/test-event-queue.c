/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "msgpack-rpc-event-queue-private.h"
#include "test-util.h"

#define N_THREADS 10
#define N_EVENTS 10000

/* Queues, and channels of which only the addresses matter. */
typedef struct
{
  MsgpackRpcEventQueue *queue;
  MsgpackRpcEventQueue *other;
  GObject *channel;
} Fixture;

static int n_taken; /* atomic */

static void
set_up (Fixture       *f,
        gconstpointer  data G_GNUC_UNUSED)
{
  f->queue = msgpack_rpc_event_queue_new ();
  f->other = msgpack_rpc_event_queue_new ();
  f->channel = g_object_new (G_TYPE_OBJECT, NULL);
  g_atomic_int_set (&n_taken, 0);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_assert_finalize_object (f->queue);
  g_assert_finalize_object (f->other);
  g_assert_finalize_object (f->channel);
}

static void
taken_cb (MsgpackRpcChannel *channel G_GNUC_UNUSED,
          gsize              size)
{
  g_atomic_int_add (&n_taken, (int) size);
}

static void
push (MsgpackRpcEventQueue *queue,
      Fixture              *f,
      guint                 number)
{
  g_autoptr(MsgpackRpcEvent) event = NULL;

  event = _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED,
                                  (MsgpackRpcChannel *) f->channel);
  _msgpack_rpc_event_set_message (event, g_variant_new_uint32 (number));
  _msgpack_rpc_event_set_taken (event, taken_cb, 1);
  _msgpack_rpc_event_queue_push (queue, event);
}

static void
assert_next (MsgpackRpcEventQueue *queue,
             guint                 number)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive (queue, 0, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (msgpack_rpc_event_get_message (event)), ==, number);
}

static void
assert_fails (MsgpackRpcEventQueue *queue,
              GQuark                domain,
              int                   code)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_event_queue_receive (queue, 0, NULL, &error));
  g_assert_error (error, domain, code);
}

static void
test_order (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Events come in order, and each tells its channel that it was taken");

  for (guint i = 0; i < 3; i++)
    push (f->queue, f, i);
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (f->queue), ==, 3);
  g_assert_cmpint (n_taken, ==, 0);
  for (guint i = 0; i < 3; i++)
    assert_next (f->queue, i);
  g_assert_cmpint (n_taken, ==, 3);
  assert_fails (f->queue, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* Threads that wait for events until there are none any more. */
typedef struct
{
  MsgpackRpcEventQueue *queue;
  int timeout;
  GCancellable *cancellable;
  GError *error;
  GArray *numbers;
  GThread *thread;
} Worker;

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  MsgpackRpcEvent *event;

  while ((event = msgpack_rpc_event_queue_receive (worker->queue, worker->timeout,
                                                   worker->cancellable, &worker->error)) != NULL)
    {
      guint number = g_variant_get_uint32 (msgpack_rpc_event_get_message (event));

      g_array_append_val (worker->numbers, number);
      msgpack_rpc_event_unref (event);
    }
  return NULL;
}

static void
worker_start (Worker               *worker,
              MsgpackRpcEventQueue *queue)
{
  worker->queue = queue;
  worker->numbers = g_array_new (FALSE, FALSE, sizeof (guint));
  worker->thread = g_thread_new ("worker", work, worker);
}

static void
worker_join (Worker *worker,
             GQuark  domain,
             int     code)
{
  g_thread_join (worker->thread);
  g_assert_error (worker->error, domain, code);
  g_clear_error (&worker->error);
  g_clear_pointer (&worker->numbers, g_array_unref);
}

static void
test_threads (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  Worker workers[N_THREADS] = { 0 };
  g_autofree gboolean *seen = g_new0 (gboolean, N_EVENTS);
  guint total = 0;

  g_test_summary ("Ten threads wait; each event goes to one of them, in order; shutting down ends all");

  for (int i = 0; i < N_THREADS; i++)
    {
      workers[i].timeout = -1;
      worker_start (&workers[i], f->queue);
    }
  for (guint i = 0; i < N_EVENTS; i++)
    push (f->queue, f, i);
  msgpack_rpc_event_queue_shut_down (f->queue);

  for (int i = 0; i < N_THREADS; i++)
    {
      GArray *numbers = g_array_ref (workers[i].numbers);

      worker_join (&workers[i], G_IO_ERROR, G_IO_ERROR_CLOSED);
      for (guint k = 0; k < numbers->len; k++)
        {
          guint number = g_array_index (numbers, guint, k);

          g_assert_false (seen[number]);
          seen[number] = TRUE;
          g_assert_true (k == 0 || number > g_array_index (numbers, guint, k - 1));
        }
      total += numbers->len;
      g_array_unref (numbers);
    }
  g_assert_cmpuint (total, ==, N_EVENTS);
}

static void
test_ends (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Worker late = { .timeout = 20 };
  Worker cancelled = { .timeout = -1, .cancellable = cancellable };
  Worker merged = { .timeout = -1 };
  Worker closed = { .timeout = -1 };

  g_test_summary ("A thread that waits is told of the time, cancelling, merging and shutting down");

  worker_start (&late, f->queue);
  worker_start (&cancelled, f->queue);
  worker_start (&merged, f->queue);
  worker_start (&closed, f->other);
  g_cancellable_cancel (cancellable);
  worker_join (&late, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  worker_join (&cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (msgpack_rpc_event_queue_merge (f->queue, f->other, NULL));
  worker_join (&merged, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED);
  msgpack_rpc_event_queue_shut_down (f->other);
  worker_join (&closed, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_merge (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcEventQueue) third = msgpack_rpc_event_queue_new ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("What was in a queue and what comes later goes to another one, in order");

  push (f->other, f, 0);
  push (f->queue, f, 1);
  push (f->queue, f, 2);
  g_assert_true (msgpack_rpc_event_queue_merge (f->queue, f->other, &error));
  push (f->queue, f, 3);
  push (f->other, f, 4);
  assert_fails (f->queue, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED);
  g_assert_cmpuint (msgpack_rpc_event_queue_get_length (f->queue), ==, 0);

  g_assert_true (msgpack_rpc_event_queue_merge (f->other, third, &error));
  push (f->queue, f, 5);
  for (guint i = 0; i <= 5; i++)
    assert_next (third, i);

  g_assert_false (msgpack_rpc_event_queue_merge (f->queue, third, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED);
  g_clear_error (&error);
  g_assert_false (msgpack_rpc_event_queue_merge (third, f->queue, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  msgpack_rpc_event_queue_shut_down (f->queue);
  push (f->queue, f, 6);
  assert_next (third, 6);
}

static void
test_shut_down (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What is in a queue that is shut down is given out, and nothing is added");

  push (f->queue, f, 1);
  msgpack_rpc_event_queue_shut_down (f->queue);
  msgpack_rpc_event_queue_shut_down (f->queue);
  g_assert_cmpint (n_taken, ==, 0);
  push (f->queue, f, 2);
  g_assert_cmpint (n_taken, ==, 1);
  assert_next (f->queue, 1);
  assert_fails (f->queue, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_false (msgpack_rpc_event_queue_merge (f->other, f->queue, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_own_context (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_test_summary ("Who runs the context that events come from cannot wait for them, only take them");

  _msgpack_rpc_event_queue_add_producer (f->queue, context);
  _msgpack_rpc_event_queue_add_producer (f->queue, context);
  assert_fails (f->queue, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  g_assert_true (g_main_context_acquire (context));
  g_assert_true (msgpack_rpc_event_queue_merge (f->queue, f->other, NULL));
  push (f->other, f, 1);
  assert_next (f->other, 1);
  {
    g_autoptr(GError) error = NULL;

    g_assert_null (msgpack_rpc_event_queue_receive (f->other, -1, NULL, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  }
  _msgpack_rpc_event_queue_remove_producer (f->queue, context);
  _msgpack_rpc_event_queue_remove_producer (f->other, context);
  assert_fails (f->other, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_main_context_release (context);
}

static void
assert_got (MsgpackRpcEventQueue *queue,
            GAsyncResult         *result,
            guint                 number)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MsgpackRpcEvent) event = NULL;

  event = msgpack_rpc_event_queue_receive_finish (queue, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (msgpack_rpc_event_get_message (event)), ==, number);
}

static void
assert_told (MsgpackRpcEventQueue *queue,
             GAsyncResult         *result,
             GQuark                domain,
             int                   code)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_event_queue_receive_finish (queue, result, &error));
  g_assert_error (error, domain, code);
}

static void
test_async (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) first = NULL;
  g_autoptr(GAsyncResult) second = NULL;

  g_test_summary ("Callbacks get the events in the order in which they asked, and later");

  push (f->queue, f, 1);
  msgpack_rpc_event_queue_receive_async (f->queue, -1, NULL, test_store_result, &first);
  msgpack_rpc_event_queue_receive_async (f->queue, 20000, NULL, test_store_result, &second);
  g_assert_null (first);
  WAIT_UNTIL (first != NULL);
  g_assert_null (second);
  assert_got (f->queue, first, 1);
  g_assert_cmpint (n_taken, ==, 1);

  push (f->queue, f, 2);
  g_assert_null (second);
  WAIT_UNTIL (second != NULL);
  assert_got (f->queue, second, 2);
}

static void
test_async_ends (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  enum { NOW, SOON, BEFORE, CANCELLED, MERGED, N };
  g_autoptr(GCancellable) before = g_cancellable_new ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *results[N] = { NULL };
  g_autoptr(GAsyncResult) after = NULL;

  g_test_summary ("A callback is told of the time, cancelling, merging and shutting down");

  g_cancellable_cancel (before);
  msgpack_rpc_event_queue_receive_async (f->queue, 0, NULL, test_store_result, &results[NOW]);
  msgpack_rpc_event_queue_receive_async (f->queue, 10, NULL, test_store_result, &results[SOON]);
  msgpack_rpc_event_queue_receive_async (f->queue, -1, before, test_store_result,
                                         &results[BEFORE]);
  msgpack_rpc_event_queue_receive_async (f->queue, -1, cancellable, test_store_result,
                                         &results[CANCELLED]);
  msgpack_rpc_event_queue_receive_async (f->queue, -1, NULL, test_store_result, &results[MERGED]);
  g_cancellable_cancel (cancellable);
  g_assert_null (results[CANCELLED]);
  WAIT_UNTIL (results[NOW] != NULL && results[SOON] != NULL && results[BEFORE] != NULL &&
              results[CANCELLED] != NULL);
  g_assert_null (results[MERGED]);
  g_assert_true (msgpack_rpc_event_queue_merge (f->queue, f->other, NULL));
  g_assert_null (results[MERGED]);
  WAIT_UNTIL (results[MERGED] != NULL);

  msgpack_rpc_event_queue_shut_down (f->other);
  msgpack_rpc_event_queue_receive_async (f->other, -1, NULL, test_store_result, &after);
  WAIT_UNTIL (after != NULL);

  assert_told (f->queue, results[NOW], G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  assert_told (f->queue, results[SOON], G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  assert_told (f->queue, results[BEFORE], G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_told (f->queue, results[CANCELLED], G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_told (f->queue, results[MERGED], MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_MERGED);
  assert_told (f->other, after, G_IO_ERROR, G_IO_ERROR_CLOSED);
  for (int i = 0; i < N; i++)
    g_object_unref (results[i]);
}

/* Asks twice, of which the first is for an event that is there, and then there is another one. */
typedef struct
{
  Fixture *f;
  GString *order;
  gboolean has_asked;
} Asker;

static void
second_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Asker *asker = user_data;
  g_autoptr(MsgpackRpcEvent) event = NULL;

  event = msgpack_rpc_event_queue_receive_finish (MSGPACK_RPC_EVENT_QUEUE (source), result, NULL);
  g_string_append_printf (asker->order, "%u",
                          g_variant_get_uint32 (msgpack_rpc_event_get_message (event)));
}

static void
first_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Asker *asker = user_data;
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);

  second_cb (source, result, user_data);
  msgpack_rpc_event_queue_receive_async (queue, -1, NULL, second_cb, asker);
  msgpack_rpc_event_queue_receive_async (queue, -1, NULL, second_cb, asker);
  asker->has_asked = TRUE;
}

static void
test_async_order (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Callbacks come in the order of the events, whenever they have asked");

  for (int n = 0; n < 4; n++)
    {
      g_autoptr(GString) order = g_string_new (NULL);
      Asker asker = { f, order, FALSE };

      msgpack_rpc_event_queue_receive_async (f->queue, -1, NULL, first_cb, &asker);
      push (f->queue, f, 1);
      push (f->queue, f, 2);
      WAIT_UNTIL_WITH (asker.has_asked, g_main_context_iteration (NULL, FALSE));
      for (int i = 0; i < n; i++)
        g_main_context_iteration (NULL, FALSE);
      push (f->queue, f, 3);
      WAIT_UNTIL (order->len == 3);
      g_assert_cmpstr (order->str, ==, "123");
    }
}

typedef struct
{
  int n_accepted;
  int n_rejected;
  MsgpackRpcEventQueue *queue;
} Decision;

static Decision decision;

static gboolean
decide_cb (MsgpackRpcChannel    *channel G_GNUC_UNUSED,
           gboolean              accept,
           MsgpackRpcEventQueue *queue)
{
  if (decision.n_accepted + decision.n_rejected > 0)
    return FALSE;

  if (accept)
    decision.n_accepted++;
  else
    decision.n_rejected++;
  decision.queue = queue;
  return TRUE;
}

static MsgpackRpcEvent *
make_remote_connect (Fixture *f)
{
  MsgpackRpcEvent *event = _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT,
                                                   (MsgpackRpcChannel *) f->channel);

  _msgpack_rpc_event_set_decide (event, decide_cb);
  decision = (Decision) { 0 };
  return event;
}

static void
test_decide (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcEvent *event = make_remote_connect (f);

  g_test_summary ("A peer is let in or turned away once; nobody decides: it is turned away");

  g_assert_true (msgpack_rpc_event_accept (event, f->other));
  g_assert_true (decision.queue == f->other);
  g_assert_false (msgpack_rpc_event_accept (event, NULL));
  g_assert_false (msgpack_rpc_event_reject (event));
  msgpack_rpc_event_unref (event);
  g_assert_cmpint (decision.n_accepted, ==, 1);
  g_assert_cmpint (decision.n_rejected, ==, 0);

  event = make_remote_connect (f);
  g_assert_true (msgpack_rpc_event_reject (event));
  g_assert_false (msgpack_rpc_event_accept (event, NULL));
  msgpack_rpc_event_unref (event);
  g_assert_cmpint (decision.n_accepted, ==, 0);
  g_assert_cmpint (decision.n_rejected, ==, 1);

  event = make_remote_connect (f);
  msgpack_rpc_event_unref (event);
  g_assert_cmpint (decision.n_rejected, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/event-queue/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("order", test_order);
  ADD ("threads", test_threads);
  ADD ("ends", test_ends);
  ADD ("merge", test_merge);
  ADD ("shut-down", test_shut_down);
  ADD ("own-context", test_own_context);
  ADD ("async", test_async);
  ADD ("async-ends", test_async_ends);
  ADD ("async-order", test_async_order);
  ADD ("decide", test_decide);
#undef ADD

  return g_test_run ();
}
