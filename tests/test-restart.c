/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A server that is drained and started again, over and over, while clients call it without a pause:
 * each answer arrives, and who tries again what was not sent loses nothing. */

#include "test-server.h"

#include <sys/socket.h>

#define N_RESTARTS 120
#define N_CLIENTS 6
#define N_RAW_CLIENTS 2
/* How many answers each client gets before the next restart. */
#define N_ANSWERS 3
/* More than are ever used. */
#define N_NUMBERS 1000000

typedef struct
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  GThreadPool *workers;
  char *folder;
  char *addresses[2];

  GMutex lock;          /* guards is_open */
  GCond opened;
  gboolean is_open;
  int is_over;          /* atomic, as are those below */

  guint8 *n_handled;    /* by number */
  int last_number;
  int n_finished;       /* handlers */
  int n_replies;
  int n_retries;        /* of what was not sent */
  int n_lost;           /* sent, and not answered */
  int n_raw_finished;
  int n_raw_replies;
} Restart;

typedef struct
{
  Restart *restart;
  const char *address;
  GThread *thread;
  int n_answers;        /* atomic; since the last restart */
} Caller;

/* ---- the server ---- */

static void
finish (Restart              *r,
        MsgpackRpcInvocation *invocation)
{
  g_autoptr(GVariant) boxed = NULL;
  g_autoptr(GVariant) value = NULL;
  gint64 number;

  boxed = g_variant_get_child_value (msgpack_rpc_invocation_get_params (invocation), 0);
  value = g_variant_get_variant (boxed);
  number = g_variant_get_int64 (value);
  g_assert_cmpint (number, <, N_NUMBERS);
  r->n_handled[number]++;
  g_atomic_int_inc (&r->n_finished);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (number));
}

static void
work_cb (gpointer data,
         gpointer user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = data;

  g_thread_yield ();
  finish (user_data, invocation);
}

static gboolean
work_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  Restart *r = user_data;
  gint64 number;

  g_variant_get (params, "(x)", &number);
  if (number % 3 == 0)
    finish (r, invocation);
  else
    g_thread_pool_push (r->workers, g_object_ref (invocation), NULL);
  return TRUE;
}

static gboolean
raw_handler (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data,
             GError               **error)
{
  Restart *r = user_data;

  g_atomic_int_inc (&r->n_raw_finished);
  msgpack_rpc_invocation_return_value (invocation, g_variant_new_string ("raw"));
  return TRUE;
}

static void
open_doors (Restart *r)
{
  for (guint i = 0; i < G_N_ELEMENTS (r->addresses); i++)
    {
      g_autofree char *address = listen_on (r->server, r->addresses[i]);

      /* The first time the system chooses a port. */
      if (g_str_has_suffix (r->addresses[i], ":0"))
        {
          g_free (r->addresses[i]);
          r->addresses[i] = g_strdup (address);
        }
      g_assert_cmpstr (r->addresses[i], ==, address);
    }

  g_mutex_lock (&r->lock);
  r->is_open = TRUE;
  g_cond_broadcast (&r->opened);
  g_mutex_unlock (&r->lock);
}

static void
close_doors (Restart *r)
{
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GError) error = NULL;

  g_mutex_lock (&r->lock);
  r->is_open = FALSE;
  g_mutex_unlock (&r->lock);

  unsent = msgpack_rpc_server_drain_sync (r->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                          &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (unsent), ==, 0);
  g_assert_cmpuint (
      g_list_model_get_n_items (msgpack_rpc_server_get_connections (r->server)), ==, 0);
}

/* ---- the clients ---- */

static gboolean
is_over (Restart *r)
{
  return g_atomic_int_get (&r->is_over);
}

/* FALSE if there will be no server any more. */
static gboolean
wait_open (Restart *r)
{
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&r->lock);

  while (!r->is_open && !is_over (r))
    g_assert_true (g_cond_wait_until (&r->opened, &r->lock, end));
  return r->is_open;
}

/* The outcome of one attempt: TRUE if it was the last. */
static gboolean
settle (Caller         *caller,
        MsgpackRpcCall *call,
        gint64          number)
{
  Restart *r = caller->restart;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_call_wait (call, NULL, &error);

  if (value != NULL)
    {
      g_assert_cmpint (g_variant_get_int64 (value), ==, number);
      g_atomic_int_inc (&r->n_replies);
      g_atomic_int_inc (&caller->n_answers);
      return TRUE;
    }

  if (msgpack_rpc_call_get_delivery (call) == MSGPACK_RPC_DELIVERY_NOT_SENT)
    {
      g_atomic_int_inc (&r->n_retries);
      return FALSE;
    }

  g_test_message ("Lost %d, delivery %d, on %s: %s", (int) number,
                  (int) msgpack_rpc_call_get_delivery (call), caller->address, error->message);
  g_atomic_int_inc (&r->n_lost);
  return TRUE;
}

static gpointer
client_thread (gpointer data)
{
  Caller *caller = data;
  Restart *r = caller->restart;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(MsgpackRpcClient) client = NULL;

  g_main_context_push_thread_default (context);
  client = msgpack_rpc_client_new (caller->address);
  while (!is_over (r))
    {
      gint64 number = g_atomic_int_add (&r->last_number, 1);
      gboolean done = FALSE;

      while (!done && wait_open (r))
        {
          g_autoptr(MsgpackRpcCall) call = NULL;

          /* It may have been connected, and may just have been closed. */
          if (!msgpack_rpc_client_open_sync (client, NULL, NULL))
            continue;
          call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "work",
                                              g_variant_new ("(x)", number));
          done = settle (caller, call, number);
        }
    }

  msgpack_rpc_client_close_sync (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  g_clear_object (&client);
  test_drain ();
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* The server may have closed just now. */
static void
try_send (RawPeer *peer)
{
  static const char request[] = "\x94\x00\x07\xa3raw\x90";

  if (send (peer->fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
    g_assert_true (errno == EPIPE || errno == ECONNRESET);
}

/* Whether a reply is a result. */
static gboolean
is_result (GVariant *reply)
{
  g_autoptr(GVariant) boxed = g_variant_get_child_value (reply, 2);
  g_autoptr(GVariant) error_slot = g_variant_get_variant (boxed);

  return !g_variant_is_of_type (error_slot, G_VARIANT_TYPE_STRING);
}

/* One that knows nothing of goodbyes cannot tell whether its last request was handled. But it
 * misses no answer, either, also if a goodbye comes before it. */
static void
call_raw (Caller  *caller,
          RawPeer *peer)
{
  g_autoptr(GVariant) reply = NULL;

  try_send (peer);
  while ((reply = raw_peer_receive_or_end (peer)) != NULL)
    {
      if (is_result (reply))
        {
          g_atomic_int_inc (&caller->restart->n_raw_replies);
          g_atomic_int_inc (&caller->n_answers);
          try_send (peer);
        }
      g_clear_pointer (&reply, g_variant_unref);
    }
}

static gpointer
raw_thread (gpointer data)
{
  Caller *caller = data;
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  while (wait_open (caller->restart))
    {
      RawPeer peer;

      if (!raw_peer_connect (&peer, caller->address, NULL))
        continue;
      call_raw (caller, &peer);
      raw_peer_clear (&peer);
    }
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* ---- the test ---- */

static void
restart_setup (Restart       *r,
               gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  r->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", &error);
  g_assert_no_error (error);
  r->addresses[0] = g_strdup ("tcp://127.0.0.1:0");
  r->addresses[1] = g_strdup_printf ("unix://%s/socket", r->folder);
  r->n_handled = g_new0 (guint8, N_NUMBERS);
  r->workers = g_thread_pool_new (work_cb, r, 2, FALSE, NULL);

  r->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (r->dispatcher, "work", "(x)", work_handler, r, NULL);
  msgpack_rpc_dispatcher_add_method (r->dispatcher, "raw", NULL, raw_handler, r, NULL);
  r->thread = msgpack_rpc_loop_thread_new ("server");
  r->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                            "main-context", msgpack_rpc_loop_thread_get_main_context (r->thread),
                            "dispatcher", r->dispatcher,
                            NULL);
  msgpack_rpc_loop_thread_start (r->thread);
}

static void
restart_teardown (Restart       *r,
                  gconstpointer  data)
{
  g_thread_pool_free (r->workers, FALSE, TRUE);
  g_clear_object (&r->server);
  msgpack_rpc_loop_thread_quit (r->thread);
  msgpack_rpc_loop_thread_join (r->thread);
  while (g_main_context_iteration (msgpack_rpc_loop_thread_get_main_context (r->thread), FALSE))
    ;
  g_assert_finalize_object (r->thread);
  g_assert_finalize_object (r->dispatcher);
  g_assert_cmpint (g_rmdir (r->folder), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (r->addresses); i++)
    g_free (r->addresses[i]);
  g_free (r->folder);
  g_free (r->n_handled);
}

static gboolean
all_have_answers (Caller *callers,
                  guint   n_callers)
{
  for (guint i = 0; i < n_callers; i++)
    if (g_atomic_int_get (&callers[i].n_answers) < N_ANSWERS)
      return FALSE;

  return TRUE;
}

static void
assert_handled_once (Restart *r)
{
  int n_handled = 0;

  for (int i = 0; i < r->last_number; i++)
    {
      g_assert_cmpuint (r->n_handled[i], <=, 1);
      n_handled += r->n_handled[i];
    }
  g_assert_cmpint (n_handled, ==, r->n_finished);
  /* Each client may have had one in hand when the last server went. */
  g_assert_cmpint (r->last_number - n_handled, <=, N_CLIENTS);
}

static void
test_restart (Restart       *r,
              gconstpointer  data)
{
  Caller callers[N_CLIENTS + N_RAW_CLIENTS] = { { NULL } };

  g_test_summary ("Over many restarts no answer is lost, and nothing is handled twice");

  open_doors (r);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      gboolean is_raw = i >= N_CLIENTS;

      callers[i].restart = r;
      callers[i].address = r->addresses[i % 2];
      callers[i].thread = g_thread_new (is_raw ? "raw" : "client",
                                        is_raw ? raw_thread : client_thread, &callers[i]);
    }

  for (guint i = 0; i < N_RESTARTS; i++)
    {
      WAIT_UNTIL_WITH (all_have_answers (callers, G_N_ELEMENTS (callers)), g_thread_yield ());
      close_doors (r);
      for (guint j = 0; j < G_N_ELEMENTS (callers); j++)
        g_atomic_int_set (&callers[j].n_answers, 0);
      if (i + 1 < N_RESTARTS)
        open_doors (r);
    }

  g_mutex_lock (&r->lock);
  g_atomic_int_set (&r->is_over, TRUE);
  g_cond_broadcast (&r->opened);
  g_mutex_unlock (&r->lock);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    g_thread_join (callers[i].thread);

  g_test_message ("%d handlers have finished, %d replies came, %d calls were tried again, %d lost; "
                  "raw: %d and %d", r->n_finished, r->n_replies, r->n_retries, r->n_lost,
                  r->n_raw_finished, r->n_raw_replies);
  g_assert_cmpint (r->n_finished, >=, N_RESTARTS * N_CLIENTS * N_ANSWERS);
  g_assert_cmpint (r->n_finished, ==, r->n_replies);
  g_assert_cmpint (r->n_lost, ==, 0);
  g_assert_cmpint (r->n_retries, >, 0);
  g_assert_cmpint (r->n_raw_finished, ==, r->n_raw_replies);
  assert_handled_once (r);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/msgpack-rpc/restart/under-load", Restart, NULL, restart_setup, test_restart,
              restart_teardown);
  return g_test_run ();
}
