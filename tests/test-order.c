/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* In which order things come, and what a thread runs that waits: nothing, or what its peer asks. */

/* For how much a pipe holds. */
#define _GNU_SOURCE 1

#include "test-util.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;  /* the connection */
  GString *log;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&f->raw);

  f->connection = msgpack_rpc_connection_new (stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
  f->log = g_string_new (NULL);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  test_drain ();
  g_assert_finalize_object (f->connection);
  raw_peer_clear (&f->raw);
  g_string_free (f->log, TRUE);
}

static void
send_notification (Fixture    *f,
                   const char *method)
{
  raw_peer_send_value (&f->raw, g_variant_new ("(xsav)", G_GINT64_CONSTANT (2), method, NULL));
}

static void
send_reply (Fixture *f,
            guint    msgid)
{
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, %u, @mv nothing, 3)", msgid));
}

static void
log_notification (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                  const char           *method,
                  GVariant             *params G_GNUC_UNUSED,
                  gpointer              user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "%s ", method);
}

static void
log_called (GObject      *source G_GNUC_UNUSED,
            GAsyncResult *result,
            gpointer      user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "reply(%s) ",
                          msgpack_rpc_call_get_method (MSGPACK_RPC_CALL (result)));
}

/* ---- within one dispatch ---- */

/* Makes a call whose reply is read in here, too, by waiting for another one. */
static void
call_and_wait_cb (MsgpackRpcConnection *connection,
                  const char           *method G_GNUC_UNUSED,
                  GVariant             *params G_GNUC_UNUSED,
                  gpointer              user_data)
{
  Fixture *f = user_data;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, log_called, f);
  send_reply (f, 1);
  send_notification (f, "n1");
  send_reply (f, 2);
  send_notification (f, "n2");
  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "b", NULL, NULL, &error);
  g_assert_no_error (error);
  g_string_append (f->log, "handled ");
}

static void
test_within_dispatch (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A call that is made and answered within one dispatch is reported in wire order");

  g_signal_connect (f->connection, "notification::go", G_CALLBACK (call_and_wait_cb), f);
  g_signal_connect (f->connection, "notification", G_CALLBACK (log_notification), f);
  send_notification (f, "go");
  send_notification (f, "n0");
  WAIT_UNTIL (strstr (f->log->str, "n2") != NULL);
  g_assert_cmpstr (f->log->str, ==, "handled go n0 reply(a) n1 n2 ");
}

/* The reply is there before the call is made: all of it comes in one read. */
static void
call_cb (MsgpackRpcConnection *connection,
         const char           *method G_GNUC_UNUSED,
         GVariant             *params G_GNUC_UNUSED,
         gpointer              user_data)
{
  Fixture *f = user_data;

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), "a", NULL, NULL, log_called, f);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (connection), "b", NULL, NULL, log_called, f);
  send_notification (f, "n1");
  send_reply (f, 2);
  send_notification (f, "n2");
  send_reply (f, 1);
  send_notification (f, "n3");
}

static void
test_made_in_handler (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Calls that a handler makes are reported in the order of their replies");

  g_signal_connect (f->connection, "notification::go", G_CALLBACK (call_cb), f);
  g_signal_connect (f->connection, "notification", G_CALLBACK (log_notification), f);
  send_notification (f, "go");
  send_notification (f, "n0");
  WAIT_UNTIL (strstr (f->log->str, "n3") != NULL);
  g_assert_cmpstr (f->log->str, ==, "go n0 n1 reply(b) n2 reply(a) n3 ");
}

static gboolean
set_flag (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_runs_nothing (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  gboolean ran = FALSE;
  guint id = g_idle_add_full (G_PRIORITY_HIGH, set_flag, &ran, NULL);

  g_test_summary ("A sync call runs no source of the application's, and no handler");

  g_signal_connect (f->connection, "notification", G_CALLBACK (log_notification), f);
  send_notification (f, "n");
  send_reply (f, 1);
  value = msgpack_rpc_peer_call_sync (f->peer, "a", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (ran);
  g_assert_cmpstr (f->log->str, ==, "");
  g_source_remove (id);
  WAIT_UNTIL (g_str_equal (f->log->str, "n "));
}

/* ---- calls within calls ---- */

#define DEPTH 5

typedef struct
{
  GMainContext *context;
  MsgpackRpcConnection *connection;
  MsgpackRpcDispatcher *dispatcher;
  guint depth;       /* of the handlers that run now */
  guint max_depth;
  gboolean serves;
} End;

static GVariant *
call_deeper (End     *self,
             gint64   n,
             GError **error)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("deeper", g_variant_new ("(x)", n));

  msgpack_rpc_call_set_serves_while_waiting (call, self->serves);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (self->connection), call);
  return msgpack_rpc_call_wait (call, NULL, error);
}

static gboolean
deeper_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params,
                gpointer               user_data,
                GError               **error)
{
  End *self = user_data;
  g_autoptr(GVariant) value = NULL;
  gint64 n;

  g_variant_get (params, "(x)", &n);
  if (n == 0)
    return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (0));

  self->depth++;
  self->max_depth = MAX (self->max_depth, self->depth);
  value = call_deeper (self, n - 1, error);
  self->depth--;
  if (value == NULL)
    return FALSE;
  return msgpack_rpc_invocation_return_value (
    invocation, g_variant_new_int64 (g_variant_get_int64 (value) + 1));
}

static void
end_init (End       *self,
          GIOStream *stream,
          gboolean   serves)
{
  *self = (End) { .context = g_main_context_new (), .serves = serves };
  self->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (self->dispatcher, "deeper", "(x)", deeper_handler, self, NULL);
  self->connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                   "io-stream", stream,
                                   "main-context", self->context,
                                   "dispatcher", self->dispatcher,
                                   NULL);
}

static void
end_clear (End *self)
{
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_assert_finalize_object (self->connection);
  g_assert_finalize_object (self->dispatcher);
  g_main_context_unref (self->context);
}

static void
make_ends (End      *ends,
           gboolean  serves)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&raw, "unix");
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GSocketConnection) other = NULL;
  g_autoptr(GError) error = NULL;

  socket = g_socket_new_from_fd (dup (raw.fd), &error);
  g_assert_no_error (error);
  other = g_socket_connection_factory_create_connection (socket);
  end_init (&ends[0], stream, serves);
  end_init (&ends[1], G_IO_STREAM (other), serves);
  raw_peer_clear (&raw);
}

typedef struct
{
  End *end;
  GVariant *value;
  GError *error;
  int done;         /* atomic */
} Caller;

/* With no loop: whoever calls serves. */
static gpointer
call_thread (gpointer user_data)
{
  Caller *self = user_data;

  g_main_context_push_thread_default (self->end->context);
  self->value = call_deeper (self->end, 2 * DEPTH, &self->error);
  g_main_context_pop_thread_default (self->end->context);
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

/* The far end has a loop, the near one has none. */
static void
run_nested (End    *ends,
            Caller *caller)
{
  GThread *thread;

  caller->end = &ends[0];
  thread = g_thread_new ("caller", call_thread, caller);
  g_main_context_push_thread_default (ends[1].context);
  WAIT_UNTIL (g_atomic_int_get (&caller->done));
  g_main_context_pop_thread_default (ends[1].context);
  g_thread_join (thread);
}

static void
test_nested (void)
{
  End ends[2];
  Caller caller = { 0 };

  g_test_summary ("Calls within calls, five deep at each end, by those who serve while they wait");

  make_ends (ends, TRUE);
  run_nested (ends, &caller);
  g_assert_no_error (caller.error);
  g_assert_cmpint (g_variant_get_int64 (caller.value), ==, 2 * DEPTH);
  g_assert_cmpuint (ends[1].max_depth, ==, DEPTH);
  g_assert_cmpuint (ends[0].max_depth, ==, DEPTH);
  g_variant_unref (caller.value);
  end_clear (&ends[0]);
  end_clear (&ends[1]);
}

static void
test_nested_without (void)
{
  End ends[2];
  Caller caller = { 0 };

  g_test_summary ("Without serving, a call that needs another one first ends by its deadline");

  make_ends (ends, FALSE);
  msgpack_rpc_connection_set_default_timeout (ends[0].connection, 100);
  msgpack_rpc_connection_set_default_timeout (ends[1].connection, 200);
  run_nested (ends, &caller);
  g_assert_null (caller.value);
  g_assert_error (caller.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpuint (ends[0].max_depth, ==, 0);

  /* What was held back is delivered later. */
  ends[0].serves = TRUE;
  g_main_context_push_thread_default (ends[0].context);
  WAIT_UNTIL (ends[0].max_depth == 1);
  g_main_context_pop_thread_default (ends[0].context);
  g_clear_error (&caller.error);
  end_clear (&ends[1]);
  end_clear (&ends[0]);
}

static gboolean
log_request (MsgpackRpcConnection *connection G_GNUC_UNUSED,
             MsgpackRpcInvocation *invocation,
             GVariant             *params G_GNUC_UNUSED,
             gpointer              user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->log, "%s ", msgpack_rpc_invocation_get_method (invocation));
  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

static void
test_serving_order (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("c", NULL);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  gboolean ran = FALSE;
  guint id = g_idle_add_full (G_PRIORITY_HIGH, set_flag, &ran, NULL);
  guint served;

  g_test_summary ("Who serves while it waits gets all in order, and what it did not serve, later");

  g_signal_connect (f->connection, "notification", G_CALLBACK (log_notification), f);
  g_signal_connect (f->connection, "request", G_CALLBACK (log_request), f);
  msgpack_rpc_peer_call_async (f->peer, "a", NULL, NULL, log_called, f);
  msgpack_rpc_call_set_serves_while_waiting (call, TRUE);
  msgpack_rpc_call_set_timeout (call, 200);
  msgpack_rpc_peer_send_call (f->peer, call);
  send_notification (f, "n1");
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 1, 'q1', @av [])"));
  send_reply (f, 1);
  send_notification (f, "n2");

  /* It is never answered. */
  g_assert_null (msgpack_rpc_call_wait (call, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_false (ran);
  g_source_remove (id);
  g_assert_cmpstr (f->log->str, ==, "n1 q1 reply(a) n2 ");
  served = (guint) f->log->len;

  g_clear_object (&call);
  call = msgpack_rpc_call_new ("d", NULL);
  g_assert_false (msgpack_rpc_call_get_serves_while_waiting (call));
  g_object_set (call, "serves-while-waiting", TRUE, NULL);
  msgpack_rpc_peer_send_call (f->peer, call);
  send_reply (f, 3);
  send_notification (f, "n3");
  g_clear_error (&error);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (f->log->len > served);
  g_assert_cmpstr (f->log->str + served, ==, "n3 ");
}

/* ---- before the loop polls ---- */

typedef struct
{
  GSource source;
  MsgpackRpcPeer *peer;
  guint n;              /* how many messages are still to be sent */
} Late;

static gboolean
late_prepare (GSource *source,
              int     *timeout)
{
  Late *late = (Late *) source;

  *timeout = -1;
  for (; late->n > 0; late->n--)
    g_assert_true (msgpack_rpc_peer_send_notification (late->peer, "late", NULL, NULL));
  return FALSE;
}

static GSourceFuncs late_funcs = { .prepare = late_prepare };

/* One iteration, which would not end if nothing woke it. */
static void
iterate_awake (GMainContext *context)
{
  GPollFD fds[16];
  int priority, timeout, n;
  gboolean ready;

  g_assert_true (g_main_context_acquire (context));
  ready = g_main_context_prepare (context, &priority);
  n = g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_assert_cmpint (n, <=, G_N_ELEMENTS (fds));
  g_assert_true (g_poll (fds, (guint) n, 0) > 0 || ready || timeout == 0);
  g_main_context_check (context, priority, fds, n);
  g_main_context_dispatch (context);
  g_main_context_release (context);
}

static void
test_sent_late (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  Late *late = (Late *) g_source_new (&late_funcs, sizeof (Late));

  g_test_summary ("What is sent after the library has looked at what there is to do is done, too");

  test_drain ();
  late->peer = f->peer;
  g_source_attach (&late->source, NULL);
  for (guint i = 0; i < 3; i++)
    {
      late->n = 3;
      iterate_awake (g_main_context_default ());
      for (guint k = 0; k < 3; k++)
        {
          g_autoptr(GVariant) message = raw_peer_receive (&f->raw);

          test_assert_value (message, "(2, 'late', @av [])");
        }
      test_drain ();
    }

  g_source_destroy (&late->source);
  g_source_unref (&late->source);
}

/* ---- in another thread ---- */

typedef enum
{
  NOBODY_RUNS,
  LOOP_RUNS,
  LOOP_IS_BUSY,
} Situation;

typedef struct
{
  MsgpackRpcLoopThread *thread;
  GMainContext *context;  /* owned, if there is no thread */
  int busy;               /* atomic: a source of the thread's is running */
  int stop;               /* atomic */
} Elsewhere;

static gboolean
be_busy (gpointer user_data)
{
  Elsewhere *self = user_data;

  g_atomic_int_set (&self->busy, TRUE);
  while (!g_atomic_int_get (&self->stop))
    g_usleep (1000);
  return G_SOURCE_REMOVE;
}

static void
elsewhere_init (Elsewhere *self,
                Situation  situation)
{
  *self = (Elsewhere) { .context = g_main_context_new () };
  if (situation == NOBODY_RUNS)
    return;

  g_clear_pointer (&self->context, g_main_context_unref);
  self->thread = msgpack_rpc_loop_thread_new ("elsewhere");
  self->context = g_main_context_ref (msgpack_rpc_loop_thread_get_main_context (self->thread));
  msgpack_rpc_loop_thread_start (self->thread);
  if (situation == LOOP_IS_BUSY)
    {
      g_autoptr(GSource) source = g_idle_source_new ();

      g_source_set_callback (source, be_busy, self, NULL);
      g_source_attach (source, self->context);
      WAIT_UNTIL (g_atomic_int_get (&self->busy));
    }
}

static void
elsewhere_clear (Elsewhere *self)
{
  g_atomic_int_set (&self->stop, TRUE);
  if (self->thread != NULL)
    {
      msgpack_rpc_loop_thread_quit (self->thread);
      msgpack_rpc_loop_thread_join (self->thread);
      g_object_unref (self->thread);
    }
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_unref (self->context);
}

static void
test_elsewhere (gconstpointer data)
{
  Elsewhere elsewhere;
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  MsgpackRpcConnection *connection;

  g_test_summary ("A sync call is answered or ends by its deadline, whoever runs the context");

  elsewhere_init (&elsewhere, (Situation) GPOINTER_TO_INT (data));
  connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                             "io-stream", stream,
                             "main-context", elsewhere.context,
                             NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;
      g_autoptr(GVariant) value = NULL;
      g_autoptr(GError) error = NULL;

      msgpack_rpc_connection_set_default_timeout (connection, 25 * 1000);
      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), "a", NULL);
      raw_peer_send_value (&raw, g_variant_new_parsed ("(1, %u, @mv nothing, 3)", 2 * i + 1));
      value = msgpack_rpc_call_wait (call, NULL, &error);
      g_assert_no_error (error);
      test_assert_value (value, "3");

      msgpack_rpc_connection_set_default_timeout (connection, 30);
      g_assert_null (msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (connection), "b", NULL, NULL,
                                                 &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
    }

  elsewhere_clear (&elsewhere);
  g_assert_finalize_object (connection);
  raw_peer_clear (&raw);
}

/* ---- while the loop is busy ---- */

typedef struct
{
  Fixture *fixture;
  GMutex lock;
  GCond cond;
  gboolean entered;   /* the handler, which stays there until it is released */
  gboolean released;
} Busy;

static gboolean
stay_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               user_data,
              GError               **error G_GNUC_UNUSED)
{
  Busy *busy = user_data;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&busy->lock);

  busy->entered = TRUE;
  g_cond_signal (&busy->cond);
  while (!busy->released)
    g_cond_wait (&busy->cond, &busy->lock);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* Sends, and lets the handler go when the peer has got it. */
static gpointer
send_meanwhile (gpointer data)
{
  Busy *busy = data;
  RawPeer *raw = &busy->fixture->raw;
  g_autoptr(GMainContext) context = g_main_context_new ();

  g_mutex_lock (&busy->lock);
  while (!busy->entered)
    g_cond_wait (&busy->cond, &busy->lock);
  g_mutex_unlock (&busy->lock);

  for (guint i = 0; i < 3; i++)
    g_assert_true (msgpack_rpc_peer_send_notification (busy->fixture->peer, "n",
                                                       g_variant_new ("(u)", i), NULL));

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (raw);
      g_autofree char *expected = g_strdup_printf ("(2, 'n', (%u,))", i);

      test_assert_value (message, expected);
    }
  g_main_context_pop_thread_default (context);

  g_mutex_lock (&busy->lock);
  busy->released = TRUE;
  g_cond_signal (&busy->cond);
  g_mutex_unlock (&busy->lock);
  return NULL;
}

static gboolean
is_released (Busy *busy)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&busy->lock);

  return busy->released;
}

static void
test_sent_meanwhile (gconstpointer data)
{
  Fixture f = { 0 };
  Busy busy = { .fixture = &f };
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&f.raw, data);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GVariant) answer = NULL;
  GThread *thread;

  g_test_summary ("What another thread sends does not wait for a loop that is busy");

  f.connection = msgpack_rpc_connection_new (stream);
  f.peer = MSGPACK_RPC_PEER (f.connection);
  msgpack_rpc_dispatcher_add_method (dispatcher, "stay", NULL, stay_handler, &busy, NULL);
  msgpack_rpc_connection_set_dispatcher (f.connection, dispatcher);
  g_mutex_init (&busy.lock);
  g_cond_init (&busy.cond);

  thread = g_thread_new ("sender", send_meanwhile, &busy);
  raw_peer_send_value (&f.raw, g_variant_new_parsed ("(0, 7, 'stay', @av [])"));
  WAIT_UNTIL (is_released (&busy));
  g_thread_join (thread);
  answer = raw_peer_receive (&f.raw);
  test_assert_value (answer, "(1, 7, @mv nothing, @mv nothing)");

  test_drain ();
  g_assert_finalize_object (f.connection);
  raw_peer_clear (&f.raw);
  g_mutex_clear (&busy.lock);
  g_cond_clear (&busy.cond);
}

/* ---- while a thread waits ---- */

#define N_QUEUED 40000

typedef struct
{
  int fds[2];              /* the other ends of the stream */
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;    /* it */
  Elsewhere elsewhere;
  GThread *thread;         /* which waits for a reply */
  int waited;              /* atomic; it has done so */
  guint n;                 /* how many messages the loop queues before it is busy */
} Queued;

/* Sends more than is written in a turn, and keeps the loop from having another. */
static gboolean
queue_and_stay (gpointer user_data)
{
  Queued *queued = user_data;

  for (guint i = 0; i < queued->n; i++)
    g_assert_true (msgpack_rpc_peer_send_notification (queued->peer, "queued", NULL, NULL));
  return be_busy (&queued->elsewhere);
}

static gpointer
wait_for_reply (gpointer data)
{
  Queued *queued = data;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  value = msgpack_rpc_peer_call_sync (queued->peer, "wait", NULL, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_atomic_int_set (&queued->waited, TRUE);
  return NULL;
}

static gpointer
wait_for_end (gpointer data)
{
  Queued *queued = data;
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_peer_call_sync (queued->peer, "wait", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_atomic_int_set (&queued->waited, TRUE);
  return NULL;
}

static void
read_messages (Queued *queued,
               guint   n)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  guint8 buffer[4096];
  guint n_read = 0;
  gssize size;

  while (n_read < n)
    {
      WAIT_UNTIL ((size = read (queued->fds[0], buffer, sizeof buffer)) > 0);
      msgpack_rpc_unpacker_feed (unpacker, buffer, (gsize) size);
      for (;;)
        {
          g_autoptr(GVariant) message = msgpack_rpc_unpacker_next (unpacker, NULL);

          if (message == NULL)
            break;
          n_read++;
        }
    }
  g_assert_cmpuint (n_read, ==, n);
}

/* Two pipes, of which that for output holds what is queued: the stream never takes no more. */
static GIOStream *
open_pipes (int fds[2])
{
  g_autoptr(GInputStream) input = NULL;
  g_autoptr(GOutputStream) output = NULL;
  int to[2], from[2];

  g_assert_true (g_unix_open_pipe (to, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (from, FD_CLOEXEC, NULL));
#ifdef F_SETPIPE_SZ
  fcntl (from[1], F_SETPIPE_SZ, 1024 * 1024);
#endif
  g_assert_true (g_unix_set_fd_nonblocking (from[0], TRUE, NULL));

  input = g_unix_input_stream_new (to[0], TRUE);
  output = g_unix_output_stream_new (from[1], TRUE);
  fds[0] = from[0];
  fds[1] = to[1];
  return g_simple_io_stream_new (input, output);
}

/* The thread waits, and the loop is busy. */
static void
queued_init (Queued      *self,
             GThreadFunc  wait,
             guint        n)
{
  g_autoptr(GIOStream) stream = open_pipes (self->fds);
  g_autoptr(GSource) source = g_idle_source_new ();

  elsewhere_init (&self->elsewhere, LOOP_RUNS);
  self->n = n;
  self->connection = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                   "io-stream", stream,
                                   "main-context", self->elsewhere.context,
                                   NULL);
  self->peer = MSGPACK_RPC_PEER (self->connection);
  msgpack_rpc_connection_set_default_timeout (self->connection, G_MAXINT);
  self->thread = g_thread_new ("wait", wait, self);
  read_messages (self, 1);
  WAIT_UNTIL (test_threads_sleep ("elsewhere", 1) && test_threads_sleep ("wait", 1));

  g_source_set_callback (source, queue_and_stay, self, NULL);
  g_source_attach (source, self->elsewhere.context);
  WAIT_UNTIL (g_atomic_int_get (&self->elsewhere.busy));
}

static gboolean
has_waited (Queued *self)
{
  return g_atomic_int_get (&self->waited);
}

static void
queued_clear (Queued *self)
{
  WAIT_UNTIL (has_waited (self));
  g_thread_join (self->thread);
  elsewhere_clear (&self->elsewhere);
  g_assert_finalize_object (self->connection);
  g_close (self->fds[0], NULL);
  g_close (self->fds[1], NULL);
}

static void
test_sent_while_waiting (void)
{
  Queued queued = { 0 };
  const guint8 reply[] = { 0x94, 1, 1, 0xc0, 3 };

  g_test_summary ("A thread that waits goes on with what another began to write");

  queued_init (&queued, wait_for_reply, N_QUEUED);
  g_assert_true (msgpack_rpc_peer_send_notification (queued.peer, "last", NULL, NULL));
  read_messages (&queued, N_QUEUED + 1);
  g_assert_cmpint (write (queued.fds[1], reply, sizeof reply), ==, sizeof reply);
  queued_clear (&queued);
}

static void
test_failed_while_waiting (void)
{
  Queued queued = { 0 };

  g_test_summary ("A thread that waits ends what another could not write");

  queued_init (&queued, wait_for_end, 0);
  g_close (queued.fds[0], NULL);
  queued.fds[0] = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_assert_true (msgpack_rpc_peer_send_notification (queued.peer, "last", NULL, NULL));
  queued_clear (&queued);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/order/" name, Fixture, NULL, setup, function, teardown)
#define ADD_ELSEWHERE(name, situation) \
  g_test_add_data_func ("/msgpack-rpc/order/elsewhere/" name, GINT_TO_POINTER (situation), \
                        test_elsewhere)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("within-dispatch", test_within_dispatch);
  ADD ("made-in-handler", test_made_in_handler);
  ADD ("runs-nothing", test_runs_nothing);
  g_test_add_func ("/msgpack-rpc/order/nested", test_nested);
  g_test_add_func ("/msgpack-rpc/order/nested-without", test_nested_without);
  ADD ("serving-order", test_serving_order);
  ADD ("sent-late", test_sent_late);
  ADD_ELSEWHERE ("nobody-runs", NOBODY_RUNS);
  ADD_ELSEWHERE ("loop-runs", LOOP_RUNS);
  ADD_ELSEWHERE ("loop-is-busy", LOOP_IS_BUSY);
  /* An asynchronous stream takes no second message before the first is done, which its context tells. */
  g_test_add_data_func ("/msgpack-rpc/order/sent-meanwhile/unix", "unix", test_sent_meanwhile);
  g_test_add_data_func ("/msgpack-rpc/order/sent-meanwhile/tcp", "tcp", test_sent_meanwhile);
  g_test_add_data_func ("/msgpack-rpc/order/sent-meanwhile/pipes", "pipes", test_sent_meanwhile);
  g_test_add_data_func ("/msgpack-rpc/order/sent-meanwhile/pollable", "pollable",
                        test_sent_meanwhile);
  g_test_add_func ("/msgpack-rpc/order/sent-while-waiting", test_sent_while_waiting);
  g_test_add_func ("/msgpack-rpc/order/failed-while-waiting", test_failed_while_waiting);

  return g_test_run ();
}
