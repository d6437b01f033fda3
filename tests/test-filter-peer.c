/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Filters around outgoing calls: see test-filters.c for those around dispatch. */

#include "test-util.h"

#include <string.h>

/* A filter that logs, and does what it is told. */
#define PROBE_TYPE_FILTER (probe_filter_get_type ())
G_DECLARE_FINAL_TYPE (ProbeFilter, probe_filter, PROBE, FILTER, MsgpackRpcFilterPeer)

struct _ProbeFilter
{
  MsgpackRpcFilterPeer parent_instance;
  GString *log;        /* not owned */
  const char *name;
  const char *method;  /* what it sends in its place */
  const char *answer;
  const char *refusal; /* “”: one without a text */
  guint delay;         /* before each attempt */
  guint n_retries;     /* how often it tries again what has failed */
  gboolean is_late;    /* says nothing at first */
  gboolean renames;    /* changes the result */
  int n_returns;       /* atomic */
  GThread *thread;     /* of the last return */
};

G_DEFINE_FINAL_TYPE (ProbeFilter, probe_filter, MSGPACK_RPC_TYPE_FILTER_PEER)

static gboolean
probe_filter_call (MsgpackRpcFilterPeer  *filter,
                   MsgpackRpcCall        *call,
                   GError               **error)
{
  ProbeFilter *self = PROBE_FILTER (filter);
  g_autoptr(MsgpackRpcCall) attempt = NULL;

  g_string_append_printf (self->log, "%s%s(%s); ", self->name,
                          msgpack_rpc_call_is_notification (call) ? "!" : "",
                          msgpack_rpc_call_get_method (call));
  if (self->is_late)
    return TRUE;
  if (self->refusal != NULL)
    {
      if (*self->refusal != '\0')
        g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY, self->refusal);
      return FALSE;
    }
  if (self->answer != NULL)
    {
      g_assert_true (msgpack_rpc_filter_peer_return_value (filter, call,
                                                           g_variant_new_string (self->answer)));
      g_assert_false (msgpack_rpc_filter_peer_return_value (filter, call, NULL));
      g_assert_false (msgpack_rpc_filter_peer_forward (filter, call, NULL, 0));
      return TRUE;
    }

  if (self->method != NULL)
    attempt = msgpack_rpc_call_new (self->method, g_variant_new ("(xx)", G_GINT64_CONSTANT (20),
                                                                 G_GINT64_CONSTANT (22)));
  g_assert_true (msgpack_rpc_filter_peer_forward (filter, call, attempt, self->delay));
  return TRUE;
}

static gboolean
probe_filter_return (MsgpackRpcFilterPeer  *filter,
                     MsgpackRpcCall        *call,
                     MsgpackRpcCall        *attempt,
                     GError               **error)
{
  ProbeFilter *self = PROBE_FILTER (filter);
  GError *failure = msgpack_rpc_call_get_error (attempt);

  g_atomic_int_inc (&self->n_returns);
  self->thread = g_thread_self ();
  g_string_append_printf (self->log, "%s: %s; ", self->name,
                          failure != NULL ? failure->message : "result");
  if (failure != NULL && self->n_retries > 0)
    {
      self->n_retries--;
      /* Unless its time is over. */
      if (!msgpack_rpc_filter_peer_forward (filter, call, NULL, self->delay))
        g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_FAILED);
      g_assert_false (msgpack_rpc_filter_peer_forward (filter, call, NULL, 0));
      return TRUE;
    }

  if (self->renames)
    msgpack_rpc_filter_peer_return_value (filter, call, g_variant_new_string ("renamed"));
  else
    msgpack_rpc_filter_peer_return_attempt (filter, call, attempt);
  return TRUE;
}

static void
probe_filter_class_init (ProbeFilterClass *klass)
{
  MsgpackRpcFilterPeerClass *filter_class = MSGPACK_RPC_FILTER_PEER_CLASS (klass);

  filter_class->filter_call = probe_filter_call;
  filter_class->filter_return = probe_filter_return;
}

static void
probe_filter_init (ProbeFilter *self)
{
}

/* Two connections, and two filters before the first. */
typedef struct
{
  MsgpackRpcConnection *near;
  MsgpackRpcConnection *far;
  MsgpackRpcDispatcher *dispatcher;
  ProbeFilter *inner;
  ProbeFilter *outer;
  MsgpackRpcPeer *peer;   /* the outer one */
  GString *log;
  int n_failures;         /* atomic; how often “flaky” still fails */
  int n_notified;         /* atomic */
} Pair;

static gboolean
flaky_cb (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data,
          GError               **error)
{
  Pair *p = user_data;

  if (g_atomic_int_add (&p->n_failures, -1) <= 0)
    return msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("at last"));

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "try again");
  return FALSE;
}

static gboolean
notified_cb (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  g_atomic_int_inc (&((Pair *) user_data)->n_notified);
  return TRUE;
}

/* Lets go of it once it is cancelled. */
static gboolean
keep_cb (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error)
{
  g_signal_connect (g_object_ref (invocation), "cancelled", G_CALLBACK (g_object_unref), NULL);
  return TRUE;
}

static ProbeFilter *
filter_new (Pair           *p,
            const char     *name,
            MsgpackRpcPeer *peer)
{
  ProbeFilter *filter = g_object_new (PROBE_TYPE_FILTER, "peer", peer, NULL);

  filter->log = p->log;
  filter->name = name;
  return filter;
}

static void
pair_setup (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  msgpack_rpc_connection_new_pair (&p->near, &p->far, &error);
  g_assert_no_error (error);
  p->log = g_string_new (NULL);
  p->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "flaky", NULL, flaky_cb, p, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "keep", NULL, keep_cb, p, NULL);
  msgpack_rpc_dispatcher_add_method (p->dispatcher, "notified", NULL, notified_cb, p, NULL);
  msgpack_rpc_connection_set_dispatcher (p->far, p->dispatcher);

  p->inner = filter_new (p, "inner", MSGPACK_RPC_PEER (p->near));
  p->outer = filter_new (p, "outer", MSGPACK_RPC_PEER (p->inner));
  p->peer = MSGPACK_RPC_PEER (p->outer);
}

static void
pair_teardown (Pair          *p,
               gconstpointer  data)
{
  test_drain ();
  test_wait_finalized (p->outer);
  test_wait_finalized (p->inner);
  test_wait_finalized (p->near);
  test_wait_finalized (p->far);
  test_wait_finalized (p->dispatcher);
  g_string_free (p->log, TRUE);
}

static void
assert_log (Pair       *p,
            const char *expected)
{
  g_assert_cmpstr (p->log->str, ==, expected);
  g_string_truncate (p->log, 0);
}

static GVariant *
call_and_finish (Pair        *p,
                 const char  *method,
                 GVariant    *params,
                 GError     **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  msgpack_rpc_peer_call_async (p->peer, method, params, NULL, test_store_result, &result);
  g_assert_null (result);
  WAIT_UNTIL (result != NULL);
  return msgpack_rpc_peer_call_finish (p->peer, result, error);
}

static GVariant *
one_and_two (void)
{
  return g_variant_new ("(xx)", G_GINT64_CONSTANT (1), G_GINT64_CONSTANT (2));
}

static void
test_chain (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) sum = NULL;

  g_test_summary ("A call passes filters in order, and its result in the reverse one");

  sum = call_and_finish (p, "add", one_and_two (), &error);
  g_assert_no_error (error);
  test_assert_value (sum, "3");
  assert_log (p, "outer(add); inner(add); inner: result; outer: result; ");

  g_assert_null (call_and_finish (p, "missing", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
}

static void
test_plain (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcFilterPeer) filter = msgpack_rpc_filter_peer_new (MSGPACK_RPC_PEER (p->near));
  g_autoptr(MsgpackRpcFilterPeer) none = msgpack_rpc_filter_peer_new (NULL);
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("add", one_and_two ());
  g_autoptr(GVariant) sum = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("One that overrides nothing changes nothing");

  g_assert_true (msgpack_rpc_filter_peer_get_peer (filter) == MSGPACK_RPC_PEER (p->near));
  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE_BYTE);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (filter), call);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (filter), call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  g_assert_cmpint (g_variant_get_byte (msgpack_rpc_call_get_result (call)), ==, 3);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
  g_assert_nonnull (msgpack_rpc_call_get_message (call));

  sum = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (none), "add", NULL, NULL, &error);
  g_assert_null (sum);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
}

static void
test_answers (Pair          *p,
              gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("add", NULL);

  g_test_summary ("A filter answers, or refuses, and the peer hears nothing");

  p->inner->answer = "mine";
  value = call_and_finish (p, "add", NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'mine'");
  assert_log (p, "outer(add); inner(add); outer: result; ");

  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE_INT32);
  msgpack_rpc_peer_send_call (p->peer, call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_RESULT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_string_truncate (p->log, 0);

  p->outer->refusal = "slow down";
  g_assert_null (call_and_finish (p, "add", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY);
  g_clear_error (&error);
  p->outer->refusal = "";
  g_assert_null (call_and_finish (p, "add", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED);
  assert_log (p, "outer(add); outer(add); ");
  g_assert_cmpuint (test_get_statistic (p->near, "calls"), ==, 0);
}

static void
test_changes (Pair          *p,
              gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  g_test_summary ("A filter sends something else, and gives another result");

  p->outer->method = "add";
  value = call_and_finish (p, "anything", NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "42");
  assert_log (p, "outer(anything); inner(add); inner: result; outer: result; ");

  g_clear_pointer (&value, g_variant_unref);
  p->inner->renames = TRUE;
  value = call_and_finish (p, "anything", NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'renamed'");
}

static void
test_retries (Pair          *p,
              gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  g_test_summary ("What has failed is tried again, at once or after a while");

  p->n_failures = 3;
  p->outer->n_retries = 3;
  p->outer->delay = GPOINTER_TO_UINT (data);
  value = call_and_finish (p, "flaky", NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'at last'");
  g_assert_cmpint (p->outer->n_returns, ==, 4);
  g_assert_true (p->outer->thread == g_thread_self ());

  p->n_failures = 3;
  p->outer->n_retries = 1;
  g_assert_null (call_and_finish (p, "flaky", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "try again");
}

/* Its caller runs no loop. */
static gpointer
sync_thread (gpointer data)
{
  Pair *p = data;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_main_context_push_thread_default (context);
  value = msgpack_rpc_peer_call_sync (p->peer, "flaky", NULL, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "'at last'");
  g_assert_true (p->outer->thread == g_thread_self ());
  g_assert_true (p->inner->thread == g_thread_self ());
  g_clear_pointer (&value, g_variant_unref);

  call = msgpack_rpc_peer_start_call (p->peer, "add", one_and_two ());
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_assert_true (msgpack_rpc_peer_send_notification_sync (p->peer, "notified", NULL, NULL, &error));
  g_assert_no_error (error);
  g_main_context_pop_thread_default (context);
  g_assert_false (g_main_context_pending (context));
  return GINT_TO_POINTER (TRUE);
}

static void
test_sync (Pair          *p,
           gconstpointer  data)
{
  GThread *thread;

  g_test_summary ("A thread that waits asks the filters by itself, without any loop for them");

  p->n_failures = 2;
  p->outer->n_retries = 2;
  p->outer->delay = 5;
  thread = g_thread_new ("sync", sync_thread, p);
  WAIT_UNTIL (g_atomic_int_get (&p->n_notified) == 1);
  g_assert_true (GPOINTER_TO_INT (g_thread_join (thread)));
}

static void
test_deadline (Pair          *p,
               gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new (data, NULL);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("The deadline is for all attempts together, and waits for none");

  p->n_failures = G_MAXINT;
  p->outer->n_retries = G_MAXINT;
  p->outer->delay = 1;
  msgpack_rpc_call_set_timeout (call, 50);
  msgpack_rpc_peer_send_call (p->peer, call);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), >=, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connection_get_calls (p->near)), ==, 0);
}

static void
test_silent (Pair          *p,
             gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("add", one_and_two ());

  g_test_summary ("A filter that says nothing yet may do so later, or the deadline ends the call");

  p->outer->is_late = TRUE;
  msgpack_rpc_call_set_timeout (call, 20);
  msgpack_rpc_peer_send_call (p->peer, call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_false (msgpack_rpc_filter_peer_forward (MSGPACK_RPC_FILTER_PEER (p->outer), call, NULL, 0));

  g_clear_object (&call);
  call = msgpack_rpc_peer_start_call (p->peer, "add", one_and_two ());
  test_drain ();
  g_assert_false (msgpack_rpc_filter_peer_forward (MSGPACK_RPC_FILTER_PEER (p->inner), call, NULL, 0));
  g_assert_true (msgpack_rpc_filter_peer_forward (MSGPACK_RPC_FILTER_PEER (p->outer), call, NULL, 0));
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  WAIT_UNTIL (p->outer->n_returns == 1);
}

static void
test_cancel (Pair          *p,
             gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(MsgpackRpcCall) waiting = NULL;

  g_test_summary ("Cancelling ends the call at once, with what is on its way");

  call = msgpack_rpc_peer_start_call (p->peer, "keep", NULL);
  test_drain ();
  msgpack_rpc_call_cancel (call);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (p->outer->n_returns, ==, 0);
  WAIT_UNTIL (p->outer->n_returns == 1 && p->inner->n_returns == 1);
  g_assert_cmpuint (g_list_model_get_n_items (msgpack_rpc_connection_get_calls (p->near)), ==, 0);

  /* One that is to be sent later is not. */
  p->outer->delay = 60 * 1000;
  waiting = msgpack_rpc_peer_start_call (p->peer, "add", NULL);
  msgpack_rpc_call_cancel (waiting);
  g_assert_error (msgpack_rpc_call_get_error (waiting), G_IO_ERROR, G_IO_ERROR_CANCELLED);
  WAIT_UNTIL (p->outer->n_returns == 2);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (waiting), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
}

static void
test_notifications (Pair          *p,
                    gconstpointer  data)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Notifications pass filters, too, and are what they were");

  g_assert_true (msgpack_rpc_peer_send_notification (p->peer, "notified", NULL, &error));
  g_assert_no_error (error);
  msgpack_rpc_peer_send_notification_async (p->peer, "notified", NULL, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_true (msgpack_rpc_peer_send_notification_finish (p->peer, result, &error));
  WAIT_UNTIL (g_atomic_int_get (&p->n_notified) == 2);
  g_assert_nonnull (strstr (p->log->str, "outer!(notified); inner!(notified); "));

  p->inner->method = "notified";
  g_assert_true (msgpack_rpc_peer_send_notification (p->peer, "other", NULL, &error));
  WAIT_UNTIL (g_atomic_int_get (&p->n_notified) == 3);

  p->outer->refusal = "no";
  g_assert_false (msgpack_rpc_peer_send_notification (p->peer, "notified", NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY);
}

static void
completed_cb (MsgpackRpcCall *call,
              GString        *log)
{
  g_string_append (log, "completed; ");
}

static void
later_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_string_append (user_data, "later; ");
}

static void
test_order (Pair          *p,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("add", one_and_two ());

  g_test_summary ("The end of a filtered call comes before what the peer has sent later");

  g_signal_connect (call, "completed", G_CALLBACK (completed_cb), p->log);
  msgpack_rpc_peer_send_call (p->peer, call);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (p->near), "add", one_and_two (), NULL, later_cb, p->log);
  WAIT_UNTIL (strstr (p->log->str, "later") != NULL);
  assert_log (p, "outer(add); inner(add); inner: result; outer: result; completed; later; ");
}

static void
test_closed (Pair          *p,
             gconstpointer  data)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A call of a connection that ends does, too, when the filter has given up");

  p->outer->n_retries = 1;
  call = msgpack_rpc_peer_start_call (p->peer, "keep", NULL);
  test_drain ();
  msgpack_rpc_connection_close_async (p->near, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_error (msgpack_rpc_call_get_error (call), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (p->outer->n_returns, ==, 2);
}

#define N_THREADS 4
#define N_CALLS 50

static gpointer
stress_thread (gpointer data)
{
  Pair *p = data;
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr(MsgpackRpcFilterPeer) filter = msgpack_rpc_filter_peer_new (MSGPACK_RPC_PEER (p->near));
      g_autoptr(MsgpackRpcCall) call = NULL;
      g_autoptr(GVariant) sum = NULL;
      g_autoptr(GError) error = NULL;

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (filter), "add", one_and_two ());
      g_clear_object (&filter);
      if (i % 3 == 0)
        msgpack_rpc_call_cancel (call);
      sum = msgpack_rpc_call_wait (call, NULL, &error);
      if (i % 3 == 0)
        g_assert_true (sum != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      else
        test_assert_value (sum, "3");
    }
  g_main_context_pop_thread_default (context);
  g_atomic_int_inc (&p->n_notified);
  return NULL;
}

static void
test_threads (Pair          *p,
              gconstpointer  data)
{
  GThread *threads[N_THREADS];

  g_test_summary ("Threads call and cancel through filters that nobody else holds");

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("stress", stress_thread, p);
  WAIT_UNTIL (g_atomic_int_get (&p->n_notified) == N_THREADS);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

#define ADD_WITH(path, func, data) g_test_add (path, Pair, data, pair_setup, func, pair_teardown)
#define ADD(path, func) ADD_WITH (path, func, NULL)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/filter-peer/chain", test_chain);
  ADD ("/filter-peer/plain", test_plain);
  ADD ("/filter-peer/answers", test_answers);
  ADD ("/filter-peer/changes", test_changes);
  ADD_WITH ("/filter-peer/retries/now", test_retries, GUINT_TO_POINTER (0));
  ADD_WITH ("/filter-peer/retries/later", test_retries, GUINT_TO_POINTER (3));
  ADD ("/filter-peer/sync", test_sync);
  ADD_WITH ("/filter-peer/deadline/silent", test_deadline, "keep");
  ADD_WITH ("/filter-peer/deadline/retries", test_deadline, "flaky");
  ADD ("/filter-peer/silent", test_silent);
  ADD ("/filter-peer/cancel", test_cancel);
  ADD ("/filter-peer/notifications", test_notifications);
  ADD ("/filter-peer/order", test_order);
  ADD ("/filter-peer/closed", test_closed);
  ADD ("/filter-peer/threads", test_threads);

  return g_test_run ();
}
