/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Two ends in one process: filters before the methods of one log, measure, authorize and limit its calls;
 * a filter before the other tries again what that was too busy for. Prints what they see. */

#include <locale.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* ---- around dispatch ---- */

#define BURST 2        /* how many calls may come at once */
#define REFILL 20000   /* microseconds until there may be one more */

typedef struct
{
  guint tokens;
  gint64 filled;       /* when there was one more */
} Bucket;

static gboolean
limit_rate (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
            gpointer               user_data,
            GError               **error)
{
  Bucket *bucket = user_data;
  gint64 n = (g_get_monotonic_time () - bucket->filled) / REFILL;

  bucket->filled += n * REFILL;
  bucket->tokens = (guint) MIN (bucket->tokens + n, BURST);
  if (bucket->tokens > 0)
    {
      bucket->tokens--;
      return TRUE;
    }

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY, "too many calls");
  return FALSE;
}

static void
log_answer (MsgpackRpcInvocation *invocation,
            GVariant             *result G_GNUC_UNUSED,
            GVariant             *error_value,
            gpointer              user_data G_GNUC_UNUSED)
{
  g_print ("%s: %s\n", msgpack_rpc_invocation_get_method (invocation),
           error_value != NULL ? "an error" : "a result");
}

static gboolean
log_request (MsgpackRpcInvocation  *invocation,
             gpointer               user_data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_invocation_add_answer_filter (invocation, log_answer, NULL, NULL);
  return TRUE;
}

typedef struct
{
  guint n_results;
  guint n_errors;
  gint64 time;         /* microseconds of all together */
} Metrics;

/* One request that is being answered. */
typedef struct
{
  Metrics *metrics;
  gint64 begin;
} Measurement;

static void
end_measuring (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
               GVariant             *result G_GNUC_UNUSED,
               GVariant             *error_value,
               gpointer              user_data)
{
  Measurement *measurement = user_data;

  measurement->metrics->time += g_get_monotonic_time () - measurement->begin;
  if (error_value != NULL)
    measurement->metrics->n_errors++;
  else
    measurement->metrics->n_results++;
}

static gboolean
measure (MsgpackRpcInvocation  *invocation,
         gpointer               user_data,
         GError               **error G_GNUC_UNUSED)
{
  Measurement *measurement = g_new0 (Measurement, 1);

  measurement->metrics = user_data;
  measurement->begin = g_get_monotonic_time ();
  msgpack_rpc_invocation_add_answer_filter (invocation, end_measuring, measurement, g_free);
  return TRUE;
}

static gboolean
allow (MsgpackRpcInvocation  *invocation,
       gpointer               user_data,
       GError               **error)
{
  const char * const *allowed = user_data;

  if (g_strv_contains (allowed, msgpack_rpc_invocation_get_method (invocation)))
    return TRUE;

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED, "access denied");
  return FALSE;
}

/* ---- around calls ---- */

#define EXAMPLE_TYPE_RETRY (example_retry_get_type ())
G_DECLARE_FINAL_TYPE (ExampleRetry, example_retry, EXAMPLE, RETRY, MsgpackRpcFilterPeer)

struct _ExampleRetry
{
  MsgpackRpcFilterPeer parent_instance;
};

G_DEFINE_FINAL_TYPE (ExampleRetry, example_retry, MSGPACK_RPC_TYPE_FILTER_PEER)

static gboolean
example_retry_filter_return (MsgpackRpcFilterPeer  *filter,
                             MsgpackRpcCall        *call,
                             MsgpackRpcCall        *attempt,
                             GError               **error G_GNUC_UNUSED)
{
  GError *failure = msgpack_rpc_call_get_error (attempt);

  if (g_error_matches (failure, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY))
    msgpack_rpc_filter_peer_forward (filter, call, NULL, 10);
  else
    msgpack_rpc_filter_peer_return_attempt (filter, call, attempt);
  return TRUE;
}

static void
example_retry_class_init (ExampleRetryClass *klass)
{
  MSGPACK_RPC_FILTER_PEER_CLASS (klass)->filter_return = example_retry_filter_return;
}

static void
example_retry_init (ExampleRetry *self G_GNUC_UNUSED)
{
}

/* ---- both ---- */

static void
called (GObject      *source,
        GAsyncResult *result,
        gpointer      user_data)
{
  guint *n_left = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (value == NULL)
    g_print ("failed: %s\n", error->message);
  (*n_left)--;
}

int
main (void)
{
  g_autoptr(MsgpackRpcConnection) near = NULL;
  g_autoptr(MsgpackRpcConnection) far = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  g_autoptr(MsgpackRpcPeer) peer = NULL;
  g_autoptr(GError) error = NULL;
  const char * const allowed[] = { "rpc.ping", NULL };
  Metrics metrics = { 0 };
  Bucket bucket = { .tokens = BURST, .filled = g_get_monotonic_time () };
  guint n_left = 5;

  setlocale (LC_ALL, "");
  if (!msgpack_rpc_connection_new_pair (&near, &far, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_filter (dispatcher, measure, &metrics, NULL);
  msgpack_rpc_dispatcher_add_filter (dispatcher, log_request, NULL, NULL);
  msgpack_rpc_dispatcher_add_filter (dispatcher, limit_rate, &bucket, NULL);
  msgpack_rpc_dispatcher_add_filter (dispatcher, allow, (gpointer) allowed, NULL);
  msgpack_rpc_connection_set_dispatcher (far, dispatcher);
  msgpack_rpc_connection_set_extensions (near, TRUE);

  peer = g_object_new (EXAMPLE_TYPE_RETRY, "peer", near, NULL);
  msgpack_rpc_peer_call_async (peer, "shutdown", NULL, NULL, called, &n_left);
  for (guint i = n_left; i > 1; i--)
    msgpack_rpc_peer_call_async (peer, "rpc.ping", NULL, NULL, called, &n_left);

  while (n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_print ("%u results and %u errors in %u us\n", metrics.n_results, metrics.n_errors,
           (guint) metrics.time);
  return 0;
}
