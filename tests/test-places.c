/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Where handlers run: in their connection's context, in another one, or in a thread; and for how
 * long. */

#include <malloc.h>
#include <sys/socket.h>

#include "test-server.h"

/* What handlers of all threads share. */
typedef struct
{
  MsgpackRpcDispatcher *dispatcher;

  GMutex lock;           /* guards what follows */
  GCond cond;
  gboolean is_open;      /* handlers that wait may go on */
  GString *log;          /* the numbers that handlers were called with */
  guint n_begun;
  guint n_running;
  guint most_running;    /* at a time */
  guint n_meeting;
  GThread *thread;       /* the handler's that began last */
  GThread *authorized_in;
  guint n_destroyed;
  GThread *destroyed_in;
} Scene;

/* A raw peer, and the connection that it talks to. */
typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
} Visitor;

static void
begin (Scene    *scene,
       GVariant *params)
{
  gint64 number;

  g_variant_get (params, "(x)", &number);
  g_mutex_lock (&scene->lock);
  g_string_append_printf (scene->log, "%" G_GINT64_FORMAT " ", number);
  scene->thread = g_thread_self ();
  scene->n_begun++;
  scene->n_running++;
  scene->most_running = MAX (scene->most_running, scene->n_running);
}

static gboolean
end (Scene                *scene,
     MsgpackRpcInvocation *invocation,
     GVariant             *params)
{
  scene->n_running--;
  g_mutex_unlock (&scene->lock);
  msgpack_rpc_invocation_return_value (invocation, params);
  return TRUE;
}

static gboolean
note_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  begin (user_data, params);
  return end (user_data, invocation, params);
}

/* Lets others begin meanwhile, if they may. */
static gboolean
linger_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params,
                gpointer               user_data,
                GError               **error)
{
  Scene *scene = user_data;

  begin (scene, params);
  g_cond_wait_until (&scene->cond, &scene->lock, g_get_monotonic_time () + 200);
  return end (scene, invocation, params);
}

/* Returns when the gate is open. */
static gboolean
wait_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  Scene *scene = user_data;

  begin (scene, params);
  while (!scene->is_open)
    g_cond_wait (&scene->cond, &scene->lock);
  return end (scene, invocation, params);
}

/* Returns when another one runs at the same time. */
static gboolean
meet_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  Scene *scene = user_data;

  begin (scene, params);
  scene->n_meeting++;
  g_cond_broadcast (&scene->cond);
  while (scene->n_meeting < 2)
    g_assert_true (g_cond_wait_until (&scene->cond, &scene->lock,
                                      g_get_monotonic_time () + TEST_DEADLINE));
  return end (scene, invocation, params);
}

/* Of any parameters. */
static gboolean
blob_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  g_autoptr(GVariant) number = g_variant_ref_sink (g_variant_new ("(x)", G_GINT64_CONSTANT (1)));

  return wait_handler (invocation, number, user_data, error);
}

static gboolean
fail_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return FALSE;
}

static void
destroy_cb (gpointer data)
{
  Scene *scene = data;

  g_mutex_lock (&scene->lock);
  scene->n_destroyed++;
  scene->destroyed_in = g_thread_self ();
  g_mutex_unlock (&scene->lock);
}

static gboolean
authorize_cb (MsgpackRpcDispatcher *dispatcher,
              MsgpackRpcInvocation *invocation,
              gpointer              user_data)
{
  Scene *scene = user_data;

  g_mutex_lock (&scene->lock);
  scene->authorized_in = g_thread_self ();
  g_mutex_unlock (&scene->lock);
  return TRUE;
}

static guint
add (Scene                 *scene,
     const char            *name,
     MsgpackRpcHandler      handler,
     MsgpackRpcMethodFlags  flags)
{
  guint id = msgpack_rpc_dispatcher_add_method_full (scene->dispatcher, name, "(x)", handler, scene,
                                                     NULL, flags);

  g_assert_cmpuint (id, !=, 0);
  return id;
}

static void
set (Scene        *scene,
     const char   *name,
     GMainContext *context,
     int           priority)
{
  g_autoptr(MsgpackRpcMethod) method = NULL;

  method = msgpack_rpc_dispatcher_lookup_method (scene->dispatcher, name);
  g_object_set (method, "main-context", context, "priority", priority, NULL);
}

static void
scene_init (Scene *scene)
{
  const MsgpackRpcMethodFlags in_thread = MSGPACK_RPC_METHOD_FLAGS_IN_THREAD;

  *scene = (Scene) { .log = g_string_new (NULL) };
  g_mutex_init (&scene->lock);
  g_cond_init (&scene->cond);
  scene->dispatcher = msgpack_rpc_dispatcher_new ();
  add (scene, "note", note_handler, MSGPACK_RPC_METHOD_FLAGS_NONE);
  add (scene, "thread-note", note_handler, in_thread);
  add (scene, "thread-wait", wait_handler, in_thread);
  add (scene, "thread-meet", meet_handler, in_thread);
  msgpack_rpc_dispatcher_add_method_full (scene->dispatcher, "blob", NULL, blob_handler, scene, NULL,
                                          in_thread);
}

static void
open_gate (Scene *scene)
{
  g_mutex_lock (&scene->lock);
  scene->is_open = TRUE;
  g_cond_broadcast (&scene->cond);
  g_mutex_unlock (&scene->lock);
}

static guint
get_begun (Scene *scene)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&scene->lock);

  return scene->n_begun;
}

static void
assert_log (Scene      *scene,
            const char *expected)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&scene->lock);

  g_assert_cmpstr (scene->log->str, ==, expected);
}

static void
scene_clear (Scene *scene)
{
  open_gate (scene);
  test_wait_finalized (scene->dispatcher);
  g_string_free (scene->log, TRUE);
  g_cond_clear (&scene->cond);
  g_mutex_clear (&scene->lock);
}

static void
visitor_init (Visitor *visitor,
              Scene   *scene)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&visitor->raw);

  visitor->connection = msgpack_rpc_connection_new (stream);
  msgpack_rpc_connection_set_dispatcher (visitor->connection, scene->dispatcher);
}

static void
visitor_clear (Visitor *visitor)
{
  test_wait_finalized (visitor->connection);
  raw_peer_clear (&visitor->raw);
}

static void
request (Visitor    *visitor,
         const char *method,
         int         number)
{
  raw_peer_send_value (&visitor->raw, g_variant_new ("(iis(i))", 0, number, method, number));
}

static void
notify (Visitor    *visitor,
        const char *method,
        int         number)
{
  raw_peer_send_value (&visitor->raw, g_variant_new ("(is(i))", 2, method, number));
}

/* The id of the next answer, which is a success. */
static int
receive (Visitor *visitor)
{
  g_autoptr(GVariant) message = raw_peer_receive (&visitor->raw);
  g_autoptr(GVariant) msgid = NULL;
  g_autoptr(GVariant) error = NULL;

  g_variant_get_child (message, 1, "v", &msgid);
  g_variant_get_child (message, 2, "v", &error);
  test_assert_value (error, "@mv nothing");
  return (int) g_variant_get_int64 (msgid);
}

static void
test_thread (void)
{
  Scene scene;
  Visitor visitor;

  g_test_summary ("A handler in a thread keeps nothing waiting, and its answer comes when it does");

  scene_init (&scene);
  g_signal_connect (scene.dispatcher, "authorize::thread-wait", G_CALLBACK (authorize_cb), &scene);
  visitor_init (&visitor, &scene);
  request (&visitor, "thread-wait", 1);
  WAIT_UNTIL (get_begun (&scene) == 1);
  g_assert_true (scene.thread != g_thread_self ());
  g_assert_true (scene.authorized_in == scene.thread);
  request (&visitor, "note", 2);
  g_assert_cmpint (receive (&visitor), ==, 2);
  g_assert_true (scene.thread == g_thread_self ());
  open_gate (&scene);
  g_assert_cmpint (receive (&visitor), ==, 1);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_side_by_side (void)
{
  Scene scene;
  Visitor visitor;
  int sum;

  g_test_summary ("Requests run side by side, as many as there are threads");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  request (&visitor, "thread-meet", 1);
  request (&visitor, "thread-meet", 2);
  WAIT_UNTIL (get_begun (&scene) == 1);
  g_object_set (scene.dispatcher, "n-threads", 2, NULL);
  sum = receive (&visitor);
  sum += receive (&visitor);
  g_assert_cmpint (sum, ==, 3);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_notifications (void)
{
  const guint n = 600;
  g_autoptr(GString) expected = g_string_new (NULL);
  Scene scene;
  Visitor visitor;

  g_test_summary ("Notifications to threads keep their order, also when more come than may wait");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 4);
  add (&scene, "linger", linger_handler, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  set (&scene, "linger", NULL, -5);
  for (guint i = 0; i < n; i++)
    {
      notify (&visitor, i % 5 == 0 ? "linger" : "thread-note", (int) i);
      g_string_append_printf (expected, "%u ", i);
    }
  WAIT_UNTIL (get_begun (&scene) == n);
  assert_log (&scene, expected->str);
  g_assert_cmpuint (scene.most_running, ==, 1);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_serial (void)
{
  Scene scene;
  Visitor visitor;

  g_test_summary ("Requests of a serial method begin one after the other, in order");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 4);
  add (&scene, "serial", linger_handler,
       MSGPACK_RPC_METHOD_FLAGS_IN_THREAD | MSGPACK_RPC_METHOD_FLAGS_SERIAL);
  for (int i = 1; i < 10; i++)
    {
      if (i % 3 == 0)
        notify (&visitor, "thread-note", i);
      else
        request (&visitor, "serial", i);
    }
  for (int i = 1; i < 10; i++)
    if (i % 3 != 0)
      g_assert_cmpint (receive (&visitor), ==, i);
  WAIT_UNTIL (get_begun (&scene) == 9);
  assert_log (&scene, "1 2 3 4 5 6 7 8 9 ");
  g_assert_cmpuint (scene.most_running, ==, 1);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_serial_connections (void)
{
  Scene scene;
  Visitor one, other;

  g_test_summary ("Serial methods of two connections run side by side");

  scene_init (&scene);
  visitor_init (&one, &scene);
  visitor_init (&other, &scene);
  add (&scene, "serial-meet", meet_handler,
       MSGPACK_RPC_METHOD_FLAGS_IN_THREAD | MSGPACK_RPC_METHOD_FLAGS_SERIAL);
  request (&one, "serial-meet", 1);
  request (&other, "serial-meet", 2);
  g_assert_cmpint (receive (&one), ==, 1);
  g_assert_cmpint (receive (&other), ==, 2);

  visitor_clear (&one);
  visitor_clear (&other);
  scene_clear (&scene);
}

static void
test_context (void)
{
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("place");
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autoptr(GMainContext) context = NULL;
  Scene scene;
  Visitor visitor;

  g_test_summary ("A method with a context runs there, its notifications in order");

  msgpack_rpc_loop_thread_start (thread);
  scene_init (&scene);
  visitor_init (&visitor, &scene);
  method = msgpack_rpc_dispatcher_lookup_method (scene.dispatcher, "note");
  g_assert_null (msgpack_rpc_method_get_main_context (method));
  msgpack_rpc_method_set_main_context (method, msgpack_rpc_loop_thread_get_main_context (thread));
  context = msgpack_rpc_method_get_main_context (method);
  g_assert_true (context == msgpack_rpc_loop_thread_get_main_context (thread));
  for (int i = 1; i < 6; i++)
    notify (&visitor, "note", i);
  request (&visitor, "note", 6);
  g_assert_cmpint (receive (&visitor), ==, 6);
  WAIT_UNTIL (get_begun (&scene) == 6);
  g_assert_true (scene.thread != g_thread_self ());
  g_assert_cmpuint (scene.most_running, ==, 1);
  g_assert_true (g_str_has_prefix (scene.log->str, "1 "));

  msgpack_rpc_method_set_main_context (method, NULL);
  request (&visitor, "note", 7);
  g_assert_cmpint (receive (&visitor), ==, 7);
  g_assert_true (scene.thread == g_thread_self ());

  visitor_clear (&visitor);
  scene_clear (&scene);
}

/* Adds methods of three priorities. */
static void
add_ranks (Scene                 *scene,
           GMainContext          *context,
           MsgpackRpcMethodFlags  flags)
{
  add (scene, "low", note_handler, flags);
  add (scene, "middle", note_handler, flags);
  add (scene, "high", note_handler, flags);
  set (scene, "low", context, G_PRIORITY_LOW);
  set (scene, "middle", context, G_PRIORITY_DEFAULT);
  set (scene, "high", context, G_PRIORITY_HIGH);
}

static void
request_ranks (Visitor *visitor)
{
  request (visitor, "low", 5);
  request (visitor, "middle", 3);
  request (visitor, "high", 1);
  request (visitor, "low", 6);
  request (visitor, "middle", 4);
  request (visitor, "high", 2);
}

static void
wait_for_requests (Visitor *visitor,
                   guint    n)
{
  WAIT_UNTIL (test_get_statistic (visitor->connection, "requests") == n);
  test_drain ();
}

static void
test_priority_in_context (void)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  Scene scene;
  Visitor visitor;

  g_test_summary ("What waits in a context runs in the order of the priorities");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  add_ranks (&scene, context, MSGPACK_RPC_METHOD_FLAGS_NONE);
  request_ranks (&visitor);
  wait_for_requests (&visitor, 6);
  assert_log (&scene, "");
  WAIT_UNTIL_WITH (get_begun (&scene) == 6, g_main_context_iteration (context, TRUE));
  assert_log (&scene, "1 2 3 4 5 6 ");
  for (int i = 1; i < 7; i++)
    g_assert_cmpint (receive (&visitor), ==, i);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_priority_in_threads (void)
{
  Scene scene;
  Visitor visitor;

  g_test_summary ("What waits for a thread runs in the order of the priorities");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  add_ranks (&scene, NULL, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  request (&visitor, "thread-wait", 0);
  WAIT_UNTIL (get_begun (&scene) == 1);
  request_ranks (&visitor);
  wait_for_requests (&visitor, 7);
  open_gate (&scene);
  for (int i = 0; i < 7; i++)
    g_assert_cmpint (receive (&visitor), ==, i);
  assert_log (&scene, "0 1 2 3 4 5 6 ");

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_priority_at_home (void)
{
  Scene scene;
  Visitor visitor;

  g_test_summary ("In the connection's own context, a priority moves requests and no notifications");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  add_ranks (&scene, NULL, MSGPACK_RPC_METHOD_FLAGS_NONE);
  set (&scene, "note", g_main_context_default (), 0);
  /* In one piece, so that they are delivered together. */
  raw_peer_send (&visitor.raw,
                 "\x94\x00\x03\xa3low\x91\x03" "\x94\x00\x02\xa4high\x91\x02"
                 "\x93\x02\xa3low\x91\x01" "\x94\x00\x01\xa4note\x91\x01", 9 + 10 + 8 + 10);
  WAIT_UNTIL (get_begun (&scene) == 4);
  assert_log (&scene, "1 1 2 3 ");
  g_assert_true (scene.thread == g_thread_self ());
  for (int i = 1; i < 4; i++)
    g_assert_cmpint (receive (&visitor), ==, i);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_turns (void)
{
  Scene scene;
  Visitor busy, rare;

  g_test_summary ("Connections take turns, however many requests one of them has");

  scene_init (&scene);
  visitor_init (&busy, &scene);
  visitor_init (&rare, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  request (&busy, "thread-wait", 0);
  WAIT_UNTIL (get_begun (&scene) == 1);
  for (int i = 1; i < 10; i++)
    request (&busy, "thread-note", i);
  wait_for_requests (&busy, 10);
  request (&rare, "thread-note", 100);
  request (&rare, "thread-note", 101);
  wait_for_requests (&rare, 2);
  open_gate (&scene);
  WAIT_UNTIL (get_begun (&scene) == 12);
  assert_log (&scene, "0 100 1 101 2 3 4 5 6 7 8 9 ");

  visitor_clear (&busy);
  visitor_clear (&rare);
  scene_clear (&scene);
}

static void
closed_cb (MsgpackRpcConnection *connection,
           const GError         *error,
           GVariant             *incomplete,
           GVariant             *unsent,
           gpointer              user_data)
{
  gboolean *is_closed = user_data;

  *is_closed = TRUE;
}

static void
test_peer_goes (void)
{
  Scene scene;
  Visitor visitor;
  gboolean is_closed = FALSE;

  g_test_summary ("What waits does not begin when its peer has gone; notifications do");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  g_signal_connect (visitor.connection, "closed", G_CALLBACK (closed_cb), &is_closed);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  request (&visitor, "thread-wait", 1);
  WAIT_UNTIL (get_begun (&scene) == 1);
  for (int i = 2; i < 6; i++)
    request (&visitor, "thread-note", i);
  notify (&visitor, "thread-note", 9);
  wait_for_requests (&visitor, 5);
  WAIT_UNTIL (test_get_statistic (visitor.connection, "received-messages") == 6);
  test_drain ();
  msgpack_rpc_connection_close_async (visitor.connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                      NULL);
  WAIT_UNTIL (is_closed);
  open_gate (&scene);
  WAIT_UNTIL (get_begun (&scene) == 2);
  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_nobody_runs_it (void)
{
  const int n = 700;
  GMainContext *context = g_main_context_new ();
  Scene scene;
  Visitor visitor;

  g_test_summary ("Requests for a context that nobody runs are answered in time, and never begin");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_max_answer_time (scene.dispatcher, 1);
  set (&scene, "note", context, 0);
  for (int i = 0; i < n; i++)
    {
      g_autoptr(GVariant) answer = NULL;
      g_autofree char *text = NULL;

      request (&visitor, "note", 1);
      answer = raw_peer_receive (&visitor.raw);
      text = g_variant_print (answer, FALSE);
      g_assert_nonnull (strstr (text, "gave no answer in time"));
    }
  g_main_context_iteration (context, FALSE);
  assert_log (&scene, "");
  msgpack_rpc_dispatcher_set_max_answer_time (scene.dispatcher, -1);
  request (&visitor, "thread-note", 3);
  WAIT_UNTIL (get_begun (&scene) == 1);

  visitor_clear (&visitor);
  scene_clear (&scene);
  g_main_context_unref (context);
}

/* Sends as many notifications as the other end takes. */
static guint
flood (Visitor    *visitor,
       const char *message,
       gsize       size)
{
  guint n = 0;

  while (send (visitor->raw.fd, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize) size)
    {
      n++;
      test_drain ();
    }
  return n;
}

static void
test_bounded (void)
{
  g_autofree char *message = g_malloc0 (1024);
  const char head[] = "\x93\x02\xa4" "blob\x91\xc5\x03\xee";
  Scene scene;
  Visitor visitor;
  guint n, n_waiting;

  g_test_summary ("Nothing more is read while many notifications wait for a thread, and then all is");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  memcpy (message, head, sizeof head - 1);
  n = flood (&visitor, message, sizeof head - 1 + 0x3ee);
  n_waiting = (guint) test_get_statistic (visitor.connection, "received-messages");
  g_assert_cmpuint (n_waiting, >=, 256);
  g_assert_cmpuint (n_waiting, <, 1024);
  g_assert_cmpuint (n, >, n_waiting);
  /* The loop has nothing to do meanwhile. */
  g_assert_false (g_main_context_pending (NULL));

  open_gate (&scene);
  WAIT_UNTIL (get_begun (&scene) >= n);
  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_orphans (void)
{
  const gsize size = 1024 * 1024;
  g_autofree char *message = g_malloc0 (size + 64);
  const char head[] = "\x93\x02\xa4" "blob\x91\xc6\x00\x10\x00\x00";
  Scene scene;
  guint n_sent = 0;

  g_test_summary ("Peers that come, send much and go again leave no more than so much of it");

  scene_init (&scene);
  memcpy (message, head, sizeof head - 1);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  for (guint i = 0; i < 5; i++)
    {
      Visitor visitor;

      visitor_init (&visitor, &scene);
      for (guint k = 0; k < 8; k++, n_sent++)
        raw_peer_send (&visitor.raw, message, sizeof head - 1 + size);
      WAIT_UNTIL (test_get_statistic (visitor.connection, "received-messages") == 8);
      test_drain ();
      msgpack_rpc_connection_close_async (visitor.connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                          NULL);
      g_object_unref (visitor.connection);
      raw_peer_clear (&visitor.raw);
    }
  open_gate (&scene);
  test_wait_finalized (g_steal_pointer (&scene.dispatcher));
  g_assert_cmpuint (scene.n_begun, <=, 25);
  g_assert_cmpuint (scene.n_begun, >=, 16);
  g_assert_cmpuint (n_sent, ==, 40);

  scene.dispatcher = msgpack_rpc_dispatcher_new ();
  scene_clear (&scene);
}

/* Of this thread's heap, in bytes. */
static gsize
get_heap_size (void)
{
  return mallinfo2 ().uordblks;
}

/* Requests that are given up at once, while no thread is free. */
static void
request_in_vain (Visitor *visitor)
{
  for (int i = 0; i < 50; i++)
    {
      request (visitor, "thread-note", 100 + i);
      raw_peer_send_value (&visitor->raw, g_variant_new ("(is(i))", 2, "rpc.cancel", 100 + i));
    }
  for (int i = 0; i < 50; i++)
    g_variant_unref (raw_peer_receive (&visitor->raw));
}

static void
test_given_up (void)
{
  Scene scene;
  Visitor visitor;
  gsize size;

  g_test_summary ("A request that is given up before a thread has taken it leaves nothing behind");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  raw_peer_send_value (&visitor.raw, g_variant_new_parsed ("(2, 'rpc.extensions', ['cancel'])"));
  g_variant_unref (raw_peer_receive (&visitor.raw));
  request (&visitor, "thread-wait", 1);
  WAIT_UNTIL (get_begun (&scene) == 1);

  for (guint i = 0; i < 20; i++)
    request_in_vain (&visitor);
  size = get_heap_size ();
  for (guint i = 0; i < 400; i++)
    request_in_vain (&visitor);
  g_assert_cmpuint (get_heap_size (), <, size + 256 * 1024);

  open_gate (&scene);
  g_assert_cmpint (receive (&visitor), ==, 1);
  g_assert_cmpuint (get_begun (&scene), ==, 1);
  request (&visitor, "thread-note", 2);
  g_assert_cmpint (receive (&visitor), ==, 2);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_drain_waits (void)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GVariant) goodbye = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *address = listen_on (server, "127.0.0.1:0");
  Scene scene;
  Visitor visitor = { .connection = NULL };

  g_test_summary ("Draining a server waits for what runs in threads and for what waits for one");

  scene_init (&scene);
  msgpack_rpc_server_set_dispatcher (server, scene.dispatcher);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  raw_peer_init_connected (&visitor.raw, address);
  request (&visitor, "thread-wait", 1);
  request (&visitor, "thread-note", 2);
  request (&visitor, "note", 3);
  g_assert_cmpint (receive (&visitor), ==, 3);
  msgpack_rpc_server_drain_async (server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                  test_store_result, &result);
  goodbye = raw_peer_receive (&visitor.raw);
  g_assert_null (result);
  open_gate (&scene);
  g_assert_cmpint (receive (&visitor), ==, 1);
  g_assert_cmpint (receive (&visitor), ==, 2);
  raw_peer_wait_closed (&visitor.raw);
  WAIT_UNTIL (result != NULL);
  unsent = msgpack_rpc_server_drain_finish (server, result, &error);
  g_assert_no_error (error);

  raw_peer_clear (&visitor.raw);
  g_clear_object (&result);
  g_clear_object (&server);
  scene_clear (&scene);
}

static void
test_removed (void)
{
  Scene scene;
  Visitor visitor;
  guint id;

  g_test_summary ("What has come before its method is removed runs, and then its data is let go where "
                  "it was added");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  id = msgpack_rpc_dispatcher_add_method_full (scene.dispatcher, "mortal", "(x)", wait_handler, &scene,
                                               destroy_cb, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  request (&visitor, "mortal", 1);
  request (&visitor, "mortal", 2);
  wait_for_requests (&visitor, 2);
  WAIT_UNTIL (get_begun (&scene) == 1);
  g_assert_true (msgpack_rpc_dispatcher_remove_method (scene.dispatcher, id));
  test_drain ();
  g_assert_cmpuint (scene.n_destroyed, ==, 0);
  open_gate (&scene);
  g_assert_cmpint (receive (&visitor), ==, 1);
  g_assert_cmpint (receive (&visitor), ==, 2);
  WAIT_UNTIL (scene.n_destroyed == 1);
  g_assert_true (scene.destroyed_in == g_thread_self ());

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static gboolean
keep_cb (MsgpackRpcConnection *connection,
         MsgpackRpcInvocation *invocation,
         GVariant             *params,
         gpointer              user_data)
{
  g_set_object ((MsgpackRpcInvocation **) user_data, invocation);
  return FALSE;
}

static void
test_answered_before (void)
{
  g_autoptr(MsgpackRpcInvocation) invocation = NULL;
  Scene scene;
  Visitor visitor;
  guint id;

  g_test_summary ("What somebody else answers while it waits does not begin, and nothing is let go "
                  "within the answer");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  g_signal_connect (visitor.connection, "request::mortal", G_CALLBACK (keep_cb), &invocation);
  msgpack_rpc_dispatcher_set_n_threads (scene.dispatcher, 1);
  id = msgpack_rpc_dispatcher_add_method_full (scene.dispatcher, "mortal", "(x)", note_handler, &scene,
                                               destroy_cb, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  request (&visitor, "thread-wait", 1);
  WAIT_UNTIL (get_begun (&scene) == 1);
  request (&visitor, "mortal", 2);
  WAIT_UNTIL (invocation != NULL);
  g_assert_true (msgpack_rpc_dispatcher_remove_method (scene.dispatcher, id));
  g_assert_true (msgpack_rpc_invocation_return_value (invocation, NULL));
  g_assert_cmpuint (scene.n_destroyed, ==, 0);
  g_assert_cmpint (receive (&visitor), ==, 2);
  WAIT_UNTIL (scene.n_destroyed == 1);
  open_gate (&scene);
  g_assert_cmpint (receive (&visitor), ==, 1);
  assert_log (&scene, "1 ");
  g_clear_object (&invocation);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_last_references (void)
{
  Scene scene;
  Visitor visitor;

  g_test_summary ("The connection and the dispatcher may go while a handler runs in a thread");

  scene_init (&scene);
  for (guint i = 0; i < 20; i++)
    {
      visitor_init (&visitor, &scene);
      request (&visitor, "thread-wait", 1);
      WAIT_UNTIL (get_begun (&scene) == i + 1);
      g_object_unref (visitor.connection);
      open_gate (&scene);
      test_wait_finalized (g_steal_pointer (&scene.dispatcher));
      raw_peer_clear (&visitor.raw);

      scene.dispatcher = msgpack_rpc_dispatcher_new ();
      scene.is_open = FALSE;
      add (&scene, "thread-wait", wait_handler, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
    }
  scene_clear (&scene);
}

static void
test_without_connection (void)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GVariant) other = NULL;
  g_autoptr(GError) error = NULL;
  Scene scene;

  g_test_summary ("Without a connection, handlers run at once, wherever they belong");

  scene_init (&scene);
  set (&scene, "note", context, 5);
  reply = msgpack_rpc_dispatcher_dispatch (scene.dispatcher,
                                           g_variant_new_parsed ("(0, 7, 'thread-note', (1,))"), &error);
  g_assert_no_error (error);
  test_assert_value (reply, "(1, 7, @mv nothing, (1,))");
  g_assert_true (scene.thread == g_thread_self ());
  other = msgpack_rpc_dispatcher_dispatch (scene.dispatcher,
                                           g_variant_new_parsed ("(0, 8, 'note', (2,))"), &error);
  g_assert_no_error (error);
  assert_log (&scene, "1 2 ");

  scene_clear (&scene);
}

static void
test_counts (void)
{
  g_autoptr(MsgpackRpcMethod) linger = NULL;
  g_autoptr(MsgpackRpcMethod) fail = NULL;
  Scene scene;
  Visitor visitor;
  guint64 n_calls, n_errors, total_time;

  g_test_summary ("A method counts its calls, its errors and the time of its handler");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  add (&scene, "linger", linger_handler, MSGPACK_RPC_METHOD_FLAGS_NONE);
  add (&scene, "fail", fail_handler, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  linger = msgpack_rpc_dispatcher_lookup_method (scene.dispatcher, "linger");
  fail = msgpack_rpc_dispatcher_lookup_method (scene.dispatcher, "fail");
  g_assert_cmpuint (msgpack_rpc_method_get_n_calls (linger), ==, 0);
  g_assert_cmpuint (msgpack_rpc_method_get_total_time (linger), ==, 0);
  request (&visitor, "linger", 1);
  g_assert_cmpint (receive (&visitor), ==, 1);
  notify (&visitor, "linger", 2);
  notify (&visitor, "fail", 3);
  raw_peer_send_value (&visitor.raw, g_variant_new_parsed ("(0, 4, 'fail', (4,))"));
  g_variant_unref (raw_peer_receive (&visitor.raw));
  raw_peer_send_value (&visitor.raw, g_variant_new_parsed ("(0, 5, 'linger', ('text',))"));
  g_variant_unref (raw_peer_receive (&visitor.raw));
  WAIT_UNTIL (msgpack_rpc_method_get_n_errors (fail) == 2);

  g_object_get (linger, "n-calls", &n_calls, "n-errors", &n_errors, "total-time", &total_time, NULL);
  g_assert_cmpuint (n_calls, ==, 3);
  g_assert_cmpuint (n_errors, ==, 1);
  g_assert_cmpuint (total_time, >, 0);
  g_assert_cmpuint (msgpack_rpc_method_get_n_calls (fail), ==, 2);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static gboolean
busy_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  gint64 end_time = g_get_monotonic_time () + 30000;

  while (g_get_monotonic_time () < end_time)
    ;
  return note_handler (invocation, params, user_data, error);
}

static void
slow_cb (MsgpackRpcDispatcher *dispatcher,
         MsgpackRpcMethod     *method,
         guint                 milliseconds,
         gpointer              user_data)
{
  GString *told = user_data;

  g_assert_cmpuint (milliseconds, >=, 20);
  g_string_append_printf (told, "%s ", msgpack_rpc_method_get_name (method));
}

static char *last_warning; /* what was logged as such */

static GLogWriterOutput
write_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  if ((level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n_fields, user_data);

  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        {
          g_free (last_warning);
          last_warning = g_strdup (fields[i].value);
        }
    }
  return G_LOG_WRITER_HANDLED;
}

static void
test_slow (void)
{
  g_autoptr(GString) told = g_string_new (NULL);
  Scene scene;
  Visitor visitor;

  g_test_summary ("A handler that holds its context for too long is named");

  scene_init (&scene);
  visitor_init (&visitor, &scene);
  g_signal_connect (scene.dispatcher, "slow-handler", G_CALLBACK (slow_cb), told);
  add (&scene, "busy", busy_handler, MSGPACK_RPC_METHOD_FLAGS_NONE);
  add (&scene, "thread-busy", busy_handler, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  g_assert_cmpint (msgpack_rpc_dispatcher_get_slow_handler_time (scene.dispatcher), ==, -1);
  request (&visitor, "busy", 1);
  g_assert_cmpint (receive (&visitor), ==, 1);
  g_assert_cmpstr (told->str, ==, "");

  msgpack_rpc_dispatcher_set_slow_handler_time (scene.dispatcher, 20);
  request (&visitor, "thread-busy", 2);
  g_assert_cmpint (receive (&visitor), ==, 2);
  g_assert_null (last_warning);
  request (&visitor, "busy", 3);
  g_assert_cmpint (receive (&visitor), ==, 3);
  g_assert_cmpstr (told->str, ==, "busy ");
  g_assert_true (g_str_has_prefix (last_warning, "The handler of “busy” has held its context for "));
  g_clear_pointer (&last_warning, g_free);

  visitor_clear (&visitor);
  scene_clear (&scene);
}

static void
test_crowd (void)
{
  const char *methods[] = { "thread-note", "linger", "serial", "low", "note" };
  g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("place");
  g_autoptr(GRand) rand = g_rand_new_with_seed (g_test_rand_int ());
  Scene scene;

  g_test_summary ("Peers that come and go while their requests run and wait anywhere do no harm");

  msgpack_rpc_loop_thread_start (thread);
  scene_init (&scene);
  add (&scene, "linger", linger_handler, MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  add (&scene, "serial", linger_handler,
       MSGPACK_RPC_METHOD_FLAGS_IN_THREAD | MSGPACK_RPC_METHOD_FLAGS_SERIAL);
  add (&scene, "low", note_handler, MSGPACK_RPC_METHOD_FLAGS_NONE);
  set (&scene, "low", NULL, 10);
  set (&scene, "note", msgpack_rpc_loop_thread_get_main_context (thread), 0);
  for (guint i = 0; i < 100; i++)
    {
      Visitor visitor;

      visitor_init (&visitor, &scene);
      for (guint k = 0; k < 40; k++)
        {
          const char *method = methods[g_rand_int_range (rand, 0, G_N_ELEMENTS (methods))];

          if (g_rand_boolean (rand))
            request (&visitor, method, (int) k);
          else
            notify (&visitor, method, (int) k);
          if (g_rand_int_range (rand, 0, 8) == 0)
            test_drain ();
        }
      test_drain ();
      if (g_rand_boolean (rand))
        msgpack_rpc_connection_close_async (visitor.connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                            NULL);
      g_object_unref (visitor.connection);
      raw_peer_clear (&visitor.raw);
    }
  test_wait_finalized (g_steal_pointer (&scene.dispatcher));
  g_assert_cmpuint (scene.n_running, ==, 0);

  scene.dispatcher = msgpack_rpc_dispatcher_new ();
  scene_clear (&scene);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);

  g_test_add_func ("/msgpack-rpc/places/thread", test_thread);
  g_test_add_func ("/msgpack-rpc/places/side-by-side", test_side_by_side);
  g_test_add_func ("/msgpack-rpc/places/notifications", test_notifications);
  g_test_add_func ("/msgpack-rpc/places/serial", test_serial);
  g_test_add_func ("/msgpack-rpc/places/serial-connections", test_serial_connections);
  g_test_add_func ("/msgpack-rpc/places/context", test_context);
  g_test_add_func ("/msgpack-rpc/places/priority-in-context", test_priority_in_context);
  g_test_add_func ("/msgpack-rpc/places/priority-in-threads", test_priority_in_threads);
  g_test_add_func ("/msgpack-rpc/places/priority-at-home", test_priority_at_home);
  g_test_add_func ("/msgpack-rpc/places/turns", test_turns);
  g_test_add_func ("/msgpack-rpc/places/peer-goes", test_peer_goes);
  g_test_add_func ("/msgpack-rpc/places/nobody-runs-it", test_nobody_runs_it);
  g_test_add_func ("/msgpack-rpc/places/bounded", test_bounded);
  g_test_add_func ("/msgpack-rpc/places/orphans", test_orphans);
  g_test_add_func ("/msgpack-rpc/places/given-up", test_given_up);
  g_test_add_func ("/msgpack-rpc/places/drain", test_drain_waits);
  g_test_add_func ("/msgpack-rpc/places/removed", test_removed);
  g_test_add_func ("/msgpack-rpc/places/answered-before", test_answered_before);
  g_test_add_func ("/msgpack-rpc/places/last-references", test_last_references);
  g_test_add_func ("/msgpack-rpc/places/without-connection", test_without_connection);
  g_test_add_func ("/msgpack-rpc/places/counts", test_counts);
  g_test_add_func ("/msgpack-rpc/places/slow", test_slow);
  g_test_add_func ("/msgpack-rpc/places/crowd", test_crowd);

  return g_test_run ();
}
