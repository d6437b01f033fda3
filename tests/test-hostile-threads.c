/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Threads that use one client or connection at once, while nobody runs its context. */

#include "test-hostile.h"

#include <fcntl.h>
#include <sys/resource.h>

/* ---- one client, opened, called and closed by all ---- */

typedef enum
{
  ANSWERS,   /* accepts, and answers */
  REFUSES,   /* nobody listens */
  IGNORES,   /* the system accepts, and nobody reads */
  HANGS_UP,  /* accepts, and closes */
} Manner;

typedef struct
{
  MsgpackRpcClient *client;
  GMainContext *context;          /* the client's, which nobody runs */
  MsgpackRpcLoopThread *loop;     /* the server's */
  MsgpackRpcServer *server;
  int listener;                   /* in place of the server, or −1 */
  int hanging_up;                 /* atomic */
  GThread *hanger;
  int n_running;                  /* atomic: threads that have not ended */
  int n_rounds;
} Crowd;

static gpointer
hang_up (gpointer data)
{
  Crowd *self = data;

  while (g_atomic_int_get (&self->hanging_up))
    {
      GPollFD fd = { self->listener, G_IO_IN, 0 };

      if (g_poll (&fd, 1, 20) > 0)
        g_close (accept (self->listener, NULL, NULL), NULL);
    }
  return NULL;
}

/* Gives the address. */
static char *
listen_raw (int      *listener,
            gboolean  listens)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;

  *listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (*listener, (struct sockaddr *) &address, length), ==, 0);
  if (listens)
    g_assert_cmpint (listen (*listener, 1024), ==, 0);
  g_assert_cmpint (getsockname (*listener, (struct sockaddr *) &address, &length), ==, 0);
  return g_strdup_printf ("tcp://127.0.0.1:%d", ntohs (address.sin_port));
}

static char *
listen_served (Crowd *self)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  self->loop = msgpack_rpc_loop_thread_new ("server");
  self->server = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                               "main-context",
                               msgpack_rpc_loop_thread_get_main_context (self->loop),
                               NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_server_set_dispatcher (self->server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (self->server, "tcp://127.0.0.1:0", NULL, &error);
  g_assert_no_error (error);
  msgpack_rpc_loop_thread_start (self->loop);
  return g_strdup (addresses[0]);
}

static void
crowd_init (Crowd  *self,
            Manner  manner)
{
  g_autofree char *address = NULL;

  *self = (Crowd) { .listener = -1 };
  address = manner == ANSWERS ? listen_served (self)
                              : listen_raw (&self->listener, manner != REFUSES);
  if (manner == HANGS_UP)
    {
      self->hanging_up = TRUE;
      self->hanger = g_thread_new ("hang-up", hang_up, self);
    }
  self->context = g_main_context_new ();
  self->client = g_object_new (MSGPACK_RPC_TYPE_CLIENT,
                               "address", address,
                               "main-context", self->context,
                               "default-timeout", manner == IGNORES ? 20 : 10 * 1000,
                               NULL);
}

static void
crowd_clear (Crowd *self)
{
  g_assert_true (msgpack_rpc_client_close_sync (self->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                                NULL));
  /* Its end is still to be delivered. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_assert_finalize_object (g_steal_pointer (&self->client));
  g_clear_pointer (&self->context, g_main_context_unref);

  g_atomic_int_set (&self->hanging_up, FALSE);
  g_clear_pointer (&self->hanger, g_thread_join);
  if (self->listener >= 0)
    g_close (self->listener, NULL);
  if (self->server != NULL)
    {
      msgpack_rpc_loop_thread_quit (self->loop);
      msgpack_rpc_loop_thread_join (self->loop);
      g_clear_object (&self->server);
      g_clear_object (&self->loop);
    }
}

/* What may come of it when others close at any time. */
static void
assert_expected (const GError *error)
{
  g_assert_nonnull (error);
  if (error->domain == G_IO_ERROR)
    g_assert_true (error->code == G_IO_ERROR_CLOSED || error->code == G_IO_ERROR_TIMED_OUT ||
                   error->code == G_IO_ERROR_CONNECTION_REFUSED ||
                   error->code == G_IO_ERROR_CONNECTION_CLOSED);
  else
    g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
}

static void
call_once (Crowd *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (self->client), "add",
                                      g_variant_new ("(xx)", (gint64) 1, (gint64) 2), NULL, &error);
  if (value != NULL)
    test_assert_value (value, "3");
  else
    assert_expected (error);
}

static void
open_once (Crowd *self)
{
  g_autoptr(GError) error = NULL;

  if (!msgpack_rpc_client_open_sync (self->client, NULL, &error))
    assert_expected (error);
}

static gpointer
open_in_loop (gpointer data)
{
  Crowd *self = data;

  for (int i = 0; i < self->n_rounds; i++)
    open_once (self);
  g_atomic_int_add (&self->n_running, -1);
  return NULL;
}

static gpointer
call_in_loop (gpointer data)
{
  Crowd *self = data;

  for (int i = 0; i < self->n_rounds; i++)
    {
      open_once (self);
      call_once (self);
    }
  g_atomic_int_add (&self->n_running, -1);
  return NULL;
}

static gpointer
close_in_loop (gpointer data)
{
  Crowd *self = data;

  for (int i = 0; i < self->n_rounds; i++)
    {
      MsgpackRpcCloseMode mode = i % 2 == 0 ? MSGPACK_RPC_CLOSE_MODE_NOW
                                            : MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE;

      open_once (self);
      g_assert_true (msgpack_rpc_client_close_sync (self->client, mode, NULL, NULL));
    }
  g_atomic_int_add (&self->n_running, -1);
  return NULL;
}

static void
test_crowd (gconstpointer data)
{
  static const GThreadFunc funcs[] = {
    open_in_loop, call_in_loop, close_in_loop, open_in_loop, call_in_loop, close_in_loop,
  };
  GThread *threads[G_N_ELEMENTS (funcs)];
  Crowd crowd;

  g_test_summary ("Threads that open, call and close one client at once never wait for each other "
                  "for ever");

  crowd_init (&crowd, (Manner) GPOINTER_TO_INT (data));
  crowd.n_rounds = g_getenv ("MSGPACK_RPC_TEST_THOROUGH") != NULL ? 2000 : 100;
  crowd.n_running = G_N_ELEMENTS (threads);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("crowd", funcs[i], &crowd);
  WAIT_UNTIL (g_atomic_int_get (&crowd.n_running) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  crowd_clear (&crowd);
}

static void
add_crowds (void)
{
  static const struct
  {
    const char *name;
    Manner manner;
  } crowds[] = {
    { "answers", ANSWERS },
    { "refuses", REFUSES },
    { "ignores", IGNORES },
    { "hangs-up", HANGS_UP },
  };

  for (guint i = 0; i < G_N_ELEMENTS (crowds); i++)
    {
      g_autofree char *name = g_strconcat ("/msgpack-rpc/client/crowd/", crowds[i].name, NULL);

      g_test_add_data_func (name, GINT_TO_POINTER ((int) crowds[i].manner), test_crowd);
    }
}

/* ---- traffic of many threads, and its end ---- */

#define N_CALLERS 8
#define N_CALLS 200

typedef enum
{
  STAYS,
  CLOSES_NOW,
  CLOSES_ORDERLY,
  DROPS,          /* nobody but the callers holds the connection */
} Ending;

typedef struct
{
  MsgpackRpcConnection *connection; /* owned */
  Ending ending;
  GThreadPool *cancellers;
  int *n_running;                   /* atomic */
  GMainContext *context;
  GThread *thread;
  guint n_ended;
} Caller;

static void
cancel_in_pool (gpointer data,
                gpointer user_data G_GNUC_UNUSED)
{
  g_cancellable_cancel (data);
  g_object_unref (data);
}

typedef struct
{
  MsgpackRpcInvocation *invocation;
  GVariant *value;
} Job;

static void
answer_in_pool (gpointer data,
                gpointer user_data G_GNUC_UNUSED)
{
  Job *job = data;

  msgpack_rpc_invocation_return_value (job->invocation, job->value);
  g_object_unref (job->invocation);
  g_variant_unref (job->value);
  g_free (job);
}

static gboolean
later_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  Job *job = g_new (Job, 1);

  job->invocation = g_object_ref (invocation);
  job->value = g_variant_get_child_value (params, 0);
  return g_thread_pool_push (user_data, job, NULL);
}

/* A call ended with what it asked for, or was cancelled, or the connection was closed. */
static void
assert_outcome (Caller       *self,
                GVariant     *params,
                GVariant     *value,
                const GError *error)
{
  if (value != NULL)
    {
      gint64 sent, received;

      g_variant_get (params, "(x)", &sent);
      g_variant_get (value, "x", &received);
      g_assert_cmpint (received, ==, sent);
    }
  else if (self->ending != CLOSES_NOW && self->ending != CLOSES_ORDERLY)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else if (error->code != G_IO_ERROR_CANCELLED)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
caller_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  Caller *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  assert_outcome (self, msgpack_rpc_call_get_params (MSGPACK_RPC_CALL (result)), value, error);
  g_assert_true (g_thread_self () == self->thread);
  g_assert_true (g_main_context_is_owner (self->context));
  self->n_ended++;
}

static void
call_sync_once (Caller   *self,
                GVariant *params)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;

  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (self->connection), "later", params, NULL,
                                      &error);
  assert_outcome (self, params, value, error);
}

static gpointer
run_caller (gpointer data)
{
  Caller *self = data;
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  self->context = context;
  self->thread = g_thread_self ();
  for (gint64 i = 0; i < N_CALLS; i++)
    {
      g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new ("(x)", i));
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();

      msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->connection), "later", params,
                                   cancellable, caller_cb, self);
      if (i % 8 == 0)
        g_thread_pool_push (self->cancellers, g_object_ref (cancellable), NULL);
      else if (i % 8 == 4)
        call_sync_once (self, params);
    }
  if (self->ending == DROPS)
    g_clear_object (&self->connection);
  WAIT_UNTIL (self->n_ended == N_CALLS);

  g_clear_object (&self->connection);
  g_main_context_pop_thread_default (context);
  g_atomic_int_add (self->n_running, -1);
  return NULL;
}

static gpointer
close_in_thread (gpointer data)
{
  Caller *self = data;
  MsgpackRpcCloseMode mode = self->ending == CLOSES_NOW ? MSGPACK_RPC_CLOSE_MODE_NOW
                                                        : MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE;

  g_assert_true (msgpack_rpc_connection_close_sync (self->connection, mode, NULL, NULL));
  g_clear_object (&self->connection);
  return NULL;
}

static void
test_traffic (gconstpointer data)
{
  Ending ending = (Ending) GPOINTER_TO_INT (data);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) second = NULL;
  MsgpackRpcConnection *first = NULL;
  GThreadPool *answerers = g_thread_pool_new (answer_in_pool, NULL, 4, FALSE, NULL);
  GThreadPool *cancellers = g_thread_pool_new (cancel_in_pool, NULL, 2, FALSE, NULL);
  Caller callers[N_CALLERS];
  GThread *threads[N_CALLERS];
  Caller closer;
  GThread *closing = NULL;
  GWeakRef weak;
  int n_running = N_CALLERS;

  g_test_summary ("Each of many calls ends once and in its caller's thread, answered by a pool, while "
                  "others cancel, close, or drop the connection");

  g_assert_true (msgpack_rpc_connection_new_pair (&first, &second, NULL));
  g_weak_ref_init (&weak, first);
  msgpack_rpc_dispatcher_add_method (dispatcher, "later", "(x)", later_handler, answerers, NULL);
  msgpack_rpc_connection_set_dispatcher (second, dispatcher);
  closer = (Caller) { g_object_ref (first), ending, cancellers, &n_running, NULL, NULL, 0 };
  for (guint i = 0; i < N_CALLERS; i++)
    {
      callers[i] = closer;
      g_object_ref (first);
      threads[i] = g_thread_new ("caller", run_caller, &callers[i]);
    }
  if (ending == CLOSES_NOW || ending == CLOSES_ORDERLY)
    {
      WAIT_UNTIL (test_get_statistic (first, "received-messages") > N_CALLS);
      closing = g_thread_new ("close", close_in_thread, &closer);
    }
  else
    g_clear_object (&closer.connection);
  g_object_unref (first);

  WAIT_UNTIL (g_atomic_int_get (&n_running) == 0);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  g_clear_pointer (&closing, g_thread_join);
  WAIT_UNTIL ((first = g_weak_ref_get (&weak)) == NULL || (g_object_unref (first), FALSE));
  g_weak_ref_clear (&weak);

  /* What came before the end is still handed to the pool. */
  WAIT_UNTIL (msgpack_rpc_connection_get_status (second) ==
              MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_thread_pool_free (answerers, FALSE, TRUE);
  g_thread_pool_free (cancellers, FALSE, TRUE);
  test_drain ();
  g_assert_finalize_object (g_steal_pointer (&second));
}

static void
add_traffic (void)
{
  static const struct
  {
    const char *name;
    Ending ending;
  } endings[] = {
    { "stays", STAYS },
    { "closes-now", CLOSES_NOW },
    { "closes-orderly", CLOSES_ORDERLY },
    { "drops", DROPS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *name = g_strconcat ("/msgpack-rpc/connection/traffic/", endings[i].name,
                                           NULL);

      g_test_add_data_func (name, GINT_TO_POINTER ((int) endings[i].ending), test_traffic);
    }
}

/* ---- a client whose connecting the test holds in its hand ---- */

typedef struct
{
  int listener;                /* of the proxy */
  int peer;                    /* the connection to it */
  MsgpackRpcClient *client;
  GMainContext *context;       /* the client's */
  GCancellable *cancellable;
  GError *error;               /* of what a handler called */
  GThread *called_in;          /* the handler */
  int is_inside;               /* atomic: of the handler */
  int may_leave;               /* atomic */
} Proxied;

static void
proxied_setup (Proxied       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketClient) socket_client = NULL;
  g_autoptr(GProxyResolver) resolver = NULL;
  g_autofree char *address = NULL;
  g_autofree char *uri = NULL;

  address = listen_raw (&f->listener, TRUE);
  uri = g_strconcat ("socks5", strstr (address, "://"), NULL);
  resolver = g_simple_proxy_resolver_new (uri, NULL);
  f->peer = -1;
  f->context = g_main_context_new ();
  f->client = g_object_new (MSGPACK_RPC_TYPE_CLIENT,
                            "address", "tcp://127.0.0.1:1",
                            "main-context", f->context,
                            NULL);
  f->cancellable = g_cancellable_new ();
  g_object_get (f->client, "socket-client", &socket_client, NULL);
  g_socket_client_set_proxy_resolver (socket_client, resolver);
}

static void
run_context (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}

static void
proxied_teardown (Proxied       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  run_context (f->context);
  g_assert_finalize_object (f->client);
  g_main_context_unref (f->context);
  g_object_unref (f->cancellable);
  g_clear_error (&f->error);
  g_close (f->listener, NULL);
  if (f->peer >= 0)
    g_close (f->peer, NULL);
}

static void
receive_exactly (int         fd,
                 const char *expected,
                 gsize       size)
{
  g_autofree char *buffer = g_malloc (size);

  g_assert_cmpint (recv (fd, buffer, size, MSG_WAITALL), ==, (gssize) size);
  g_assert_cmpmem (buffer, size, expected, size);
}

static void
send_exactly (int         fd,
              const char *bytes,
              gsize       size)
{
  g_assert_cmpint (send (fd, bytes, size, MSG_NOSIGNAL), ==, (gssize) size);
}

/* As the proxy, and as the peer behind it, which answers one call with 3. */
static void
proxied_serve (Proxied *f)
{
  struct timeval limit = { .tv_sec = TEST_DEADLINE / G_USEC_PER_SEC };

  g_assert_cmpint (setsockopt (f->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
  f->peer = accept (f->listener, NULL, NULL);
  g_assert_cmpint (f->peer, >=, 0);
  g_assert_cmpint (setsockopt (f->peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
  receive_exactly (f->peer, "\x05\x01\x00", 3);
  send_exactly (f->peer, "\x05\x00", 2);
  receive_exactly (f->peer, "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01", 10);
  send_exactly (f->peer, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
}

static MsgpackRpcCall *
start_call (Proxied *f)
{
  return msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (f->client), "a", NULL);
}

typedef struct
{
  MsgpackRpcCall *call;
  GCancellable *cancellable; /* nullable */
  GVariant *value;
  GError *error;
  int has_ended;             /* atomic */
} Waiting;

static gpointer
wait_for_call (gpointer data)
{
  Waiting *self = data;

  self->value = msgpack_rpc_call_wait (self->call, self->cancellable, &self->error);
  g_atomic_int_set (&self->has_ended, TRUE);
  return NULL;
}

static void
waiting_clear (Waiting *self)
{
  g_clear_object (&self->call);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
}

static void
test_unopened (Proxied       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  Waiting waiting = { .call = start_call (f) };
  GThread *thread;

  g_test_summary ("Who waits before the client was opened connects it, if nobody else does");

  thread = g_thread_new ("wait", wait_for_call, &waiting);
  WAIT_UNTIL (test_threads_sleep ("wait", 1));
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  proxied_serve (f);
  receive_exactly (f->peer, "\x94\x00\x01\xa1" "a\x90", 6);
  send_exactly (f->peer, "\x94\x01\x01\xc0\x03", 5);
  WAIT_UNTIL (g_atomic_int_get (&waiting.has_ended));
  g_thread_join (thread);
  g_assert_no_error (waiting.error);
  test_assert_value (waiting.value, "3");
  waiting_clear (&waiting);
}

static void
cancel_when_negotiating (GSocketClient      *socket_client G_GNUC_UNUSED,
                         GSocketClientEvent  event,
                         GSocketConnectable *connectable G_GNUC_UNUSED,
                         GIOStream          *stream G_GNUC_UNUSED,
                         Proxied            *f)
{
  if (event != G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    return;

  f->called_in = g_thread_self ();
  g_cancellable_cancel (f->cancellable);
}

static void
connect_event (Proxied   *f,
               GCallback  handler)
{
  g_autoptr(GSocketClient) socket_client = NULL;

  g_object_get (f->client, "socket-client", &socket_client, NULL);
  g_signal_connect (socket_client, "event", handler, f);
}

static void
test_left_behind (Proxied       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  Waiting first = { .call = start_call (f), .cancellable = f->cancellable };
  Waiting second = { .call = start_call (f) };
  GThread *threads[2];

  g_test_summary ("Another thread goes on where one stops that did what both wait for");

  connect_event (f, G_CALLBACK (cancel_when_negotiating));
  threads[0] = g_thread_new ("wait", wait_for_call, &first);
  WAIT_UNTIL (test_threads_sleep ("wait", 1));
  threads[1] = g_thread_new ("wait", wait_for_call, &second);
  WAIT_UNTIL (test_threads_sleep ("wait", 2));
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);

  WAIT_UNTIL (g_atomic_int_get (&first.has_ended));
  g_thread_join (threads[0]);
  g_assert_error (first.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  proxied_serve (f);
  receive_exactly (f->peer, "\x94\x00\x01\xa1" "a\x90\x94\x00\x02\xa1" "a\x90", 12);
  send_exactly (f->peer, "\x94\x01\x02\xc0\x03", 5);
  WAIT_UNTIL (g_atomic_int_get (&second.has_ended));
  g_thread_join (threads[1]);
  g_assert_no_error (second.error);
  test_assert_value (second.value, "3");

  msgpack_rpc_call_cancel (first.call);
  waiting_clear (&first);
  waiting_clear (&second);
}

static void
call_when_negotiating (GSocketClient      *socket_client G_GNUC_UNUSED,
                       GSocketClientEvent  event,
                       GSocketConnectable *connectable G_GNUC_UNUSED,
                       GIOStream          *stream G_GNUC_UNUSED,
                       Proxied            *f)
{
  g_autoptr(GError) error = NULL;

  if (event != G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    return;

  g_assert_null (msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (f->client), "a", NULL, NULL,
                                             &f->error));
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static gpointer
open_in_thread (gpointer data)
{
  Waiting *self = data;

  msgpack_rpc_client_open_sync (g_object_get_data (G_OBJECT (self->cancellable), "client"), NULL,
                                &self->error);
  g_atomic_int_set (&self->has_ended, TRUE);
  return NULL;
}

static void
test_inside (Proxied       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  Waiting waiting = { .cancellable = f->cancellable };
  GThread *thread;

  g_test_summary ("What connecting calls cannot wait for it: that fails at once, and nothing else");

  g_object_set_data (G_OBJECT (f->cancellable), "client", f->client);
  connect_event (f, G_CALLBACK (call_when_negotiating));
  thread = g_thread_new ("open", open_in_thread, &waiting);
  proxied_serve (f);
  WAIT_UNTIL (g_atomic_int_get (&waiting.has_ended));
  g_thread_join (thread);
  g_assert_no_error (waiting.error);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_assert_true (msgpack_rpc_client_is_connected (f->client));
}

static void
stay_when_negotiating (GSocketClient      *socket_client G_GNUC_UNUSED,
                       GSocketClientEvent  event,
                       GSocketConnectable *connectable G_GNUC_UNUSED,
                       GIOStream          *stream G_GNUC_UNUSED,
                       Proxied            *f)
{
  if (event != G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    return;

  g_atomic_int_set (&f->is_inside, TRUE);
  WAIT_UNTIL (g_atomic_int_get (&f->may_leave));
}

static gboolean
count_cb (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_REMOVE;
}

static void
test_kept (Proxied       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  Waiting waiting = { .cancellable = f->cancellable };
  g_autoptr(GSource) source = g_idle_source_new ();
  g_autoptr(GError) error = NULL;
  GThread *thread;
  guint n_runs = 0;

  g_test_summary ("While connecting is kept by what it calls, deadlines hold and loops go on");

  g_object_set_data (G_OBJECT (f->cancellable), "client", f->client);
  connect_event (f, G_CALLBACK (stay_when_negotiating));
  thread = g_thread_new ("open", open_in_thread, &waiting);
  WAIT_UNTIL (g_atomic_int_get (&f->is_inside));

  msgpack_rpc_client_set_default_timeout (f->client, 10);
  g_assert_null (msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (f->client), "a", NULL, NULL,
                                             &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  g_source_set_callback (source, count_cb, &n_runs, NULL);
  g_source_attach (source, f->context);
  run_context (f->context);
  g_assert_cmpuint (n_runs, ==, 1);

  g_atomic_int_set (&f->may_leave, TRUE);
  proxied_serve (f);
  WAIT_UNTIL (g_atomic_int_get (&waiting.has_ended));
  g_thread_join (thread);
  g_assert_no_error (waiting.error);
}

/* ---- without descriptors ---- */

static GArray *
take_descriptors (struct rlimit *old)
{
  struct rlimit limit;
  GArray *taken = g_array_new (FALSE, FALSE, sizeof (int));
  int fd;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, old), ==, 0);
  limit = *old;
  limit.rlim_cur = MIN (limit.rlim_cur, 128);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  while ((fd = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
    g_array_append_val (taken, fd);
  g_assert_cmpint (errno, ==, EMFILE);
  return taken;
}

static void
give_descriptors (GArray        *taken,
                  struct rlimit *old)
{
  for (guint i = 0; i < taken->len; i++)
    g_close (g_array_index (taken, int, i), NULL);
  g_array_unref (taken);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, old), ==, 0);
}

static gpointer
call_without_descriptors (gpointer data)
{
  Waiting *self = data;
  g_autoptr(GError) error = NULL;

  self->value = msgpack_rpc_peer_call_sync (g_object_get_data (G_OBJECT (self->cancellable),
                                                               "client"),
                                            "a", NULL, NULL, &self->error);
  if (self->call != NULL)
    {
      g_assert_null (msgpack_rpc_call_wait (self->call, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
    }
  return NULL;
}

static void
test_no_descriptors (void)
{
  Waiting waiting = { NULL };
  g_autoptr(GCancellable) carrier = g_cancellable_new ();
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tcp://127.0.0.1:1");
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;
  struct rlimit old;
  GArray *taken;
  RawPeer raw;

  g_test_summary ("Without descriptors to wait with, a call fails and is not sent; so does opening");

  stream = raw_peer_init (&raw);
  connection = msgpack_rpc_connection_new (stream);
  g_object_set_data (G_OBJECT (carrier), "client", connection);
  waiting.cancellable = carrier;
  waiting.call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "first", NULL);

  taken = take_descriptors (&old);
  g_thread_join (g_thread_new ("call", call_without_descriptors, &waiting));
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  give_descriptors (taken, &old);

  g_assert_error (waiting.error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_assert_false (msgpack_rpc_client_open_finish (client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_assert_cmpint (msgpack_rpc_call_get_state (waiting.call), ==, MSGPACK_RPC_CALL_STATE_PENDING);
  msgpack_rpc_call_cancel (waiting.call);
  g_assert_true (msgpack_rpc_connection_close_sync (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                                    NULL, NULL));
  /* The one that was started, and no other. */
  receive_exactly (raw.fd, "\x94\x00\x01\xa5" "first\x90", 10);
  g_assert_cmpint (recv (raw.fd, &raw.fd, 1, MSG_PEEK), ==, 0);

  waiting_clear (&waiting);
  test_drain ();
  raw_peer_clear (&raw);
}

#define ADD_PROXIED(name, function) \
  g_test_add ("/msgpack-rpc/client/" name, Proxied, NULL, proxied_setup, function, proxied_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_crowds ();
  add_traffic ();
  ADD_PROXIED ("unopened", test_unopened);
  ADD_PROXIED ("left-behind", test_left_behind);
  ADD_PROXIED ("inside", test_inside);
  ADD_PROXIED ("kept", test_kept);
  g_test_add_func ("/msgpack-rpc/client/no-descriptors", test_no_descriptors);

  return g_test_run ();
}
