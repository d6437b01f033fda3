/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What a user interface looks at: properties that notify and can be bound, and the calls in flight as
 * a list. */

#include "test-util.h"

/* A client of a raw peer, and a list that follows its calls by what the list tells alone. */
typedef struct
{
  RawPeer raw;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;     /* the client */
  GListModel *calls;
  GPtrArray *mirror;        /* of MsgpackRpcCall */
  guint n_changes;
  guint n_notified;         /* of n-items */
  GThread *thread;          /* where all this must come */
  gboolean inside;          /* of a function that must not tell */
} Fixture;

static void
items_changed_cb (GListModel *calls,
                  guint       position,
                  guint       removed,
                  guint       added,
                  gpointer    data)
{
  Fixture *f = data;

  g_assert_true (g_thread_self () == f->thread);
  g_assert_false (f->inside);
  f->n_changes++;
  if (removed > 0)
    g_ptr_array_remove_range (f->mirror, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (f->mirror, (int) (position + i), g_list_model_get_item (calls, position + i));
  g_assert_cmpuint (f->mirror->len, ==, g_list_model_get_n_items (calls));
}

static void
n_items_cb (GObject    *calls G_GNUC_UNUSED,
            GParamSpec *pspec G_GNUC_UNUSED,
            gpointer    data)
{
  ((Fixture *) data)->n_notified++;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  GIOStream *stream = raw_peer_init (&f->raw);

  f->thread = g_thread_self ();
  f->mirror = g_ptr_array_new_with_free_func (g_object_unref);
  f->client = msgpack_rpc_client_new_for_stream (stream);
  f->peer = MSGPACK_RPC_PEER (f->client);
  g_object_unref (stream);
}

static void
follow (Fixture    *f,
        GListModel *calls)
{
  f->calls = g_object_ref (calls);
  g_signal_connect (calls, "items-changed", G_CALLBACK (items_changed_cb), f);
  g_signal_connect (calls, "notify::n-items", G_CALLBACK (n_items_cb), f);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->client != NULL)
    g_object_run_dispose (G_OBJECT (f->client));
  test_drain ();
  if (f->calls != NULL)
    {
      g_assert_cmpuint (g_list_model_get_n_items (f->calls), ==, 0);
      g_assert_cmpuint (f->mirror->len, ==, 0);
      g_signal_handlers_disconnect_by_data (f->calls, f);
    }
  g_clear_object (&f->calls);
  if (f->client != NULL)
    g_assert_finalize_object (f->client);
  g_ptr_array_unref (f->mirror);
  raw_peer_clear (&f->raw);
}

static void
open_client (Fixture *f)
{
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (f->client));
}

static void
answer (Fixture        *f,
        MsgpackRpcCall *call)
{
  guint msgid;

  /* Another thread may still be about to give it one. */
  WAIT_UNTIL ((msgid = msgpack_rpc_call_get_msgid (call)) != 0);
  raw_peer_send_value (&f->raw, g_variant_new_parsed ("(1, %u, @mv nothing, 3)", msgid));
}

static void
assert_mirror (Fixture *f)
{
  g_assert_cmpuint (f->mirror->len, ==, g_list_model_get_n_items (f->calls));
  for (guint i = 0; i < f->mirror->len; i++)
    {
      g_autoptr(MsgpackRpcCall) call = g_list_model_get_item (f->calls, i);

      g_assert_true (call == g_ptr_array_index (f->mirror, i));
    }
}

static void
test_list (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) early = NULL;
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  g_autoptr(GListModel) read = NULL;
  g_autoptr(MsgpackRpcCall) none = NULL;
  GType type = G_TYPE_INVALID;

  g_test_summary ("Calls are in the list from when the loop hears of them until it hears of their end");

  early = msgpack_rpc_peer_start_call (f->peer, "early", NULL);
  follow (f, msgpack_rpc_client_get_calls (f->client));
  g_object_get (f->client, "calls", &read, NULL);
  g_assert_true (read == f->calls);
  g_object_get (f->calls, "item-type", &type, NULL);
  g_assert_true (type == MSGPACK_RPC_TYPE_CALL);
  g_assert_true (g_list_model_get_item_type (f->calls) == MSGPACK_RPC_TYPE_CALL);
  g_assert_cmpuint (g_list_model_get_n_items (f->calls), ==, 0);

  open_client (f);
  WAIT_UNTIL (f->mirror->len == 1);
  f->inside = TRUE;
  first = msgpack_rpc_peer_start_call (f->peer, "first", NULL);
  second = msgpack_rpc_peer_start_call (f->peer, "second", NULL);
  f->inside = FALSE;
  f->n_changes = f->n_notified = 0;
  WAIT_UNTIL (f->mirror->len == 3);
  g_assert_cmpuint (f->n_changes, ==, 1);
  g_assert_cmpuint (f->n_notified, ==, 1);
  assert_mirror (f);
  g_assert_true (f->mirror->pdata[0] == early);
  g_assert_true (f->mirror->pdata[1] == first);
  g_assert_true (f->mirror->pdata[2] == second);
  none = g_list_model_get_item (f->calls, 3);
  g_assert_null (none);

  answer (f, first);
  WAIT_UNTIL (f->mirror->len == 2);
  assert_mirror (f);
  f->inside = TRUE;
  msgpack_rpc_call_cancel (early);
  f->inside = FALSE;
  g_assert_cmpuint (g_list_model_get_n_items (f->calls), ==, 2);
  WAIT_UNTIL (f->mirror->len == 1);
  g_assert_true (f->mirror->pdata[0] == second);

  /* The end of the connection is theirs. */
  raw_peer_close (&f->raw);
  WAIT_UNTIL (f->mirror->len == 0);
  g_assert_cmpint (msgpack_rpc_call_get_state (second), ==, MSGPACK_RPC_CALL_STATE_FAILED);
}

static void
test_never_shown (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A call that ends before the loop heard of it is never shown");

  follow (f, msgpack_rpc_client_get_calls (f->client));
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);

      g_assert_true (msgpack_rpc_client_get_busy (f->client));
      msgpack_rpc_call_cancel (call);
      g_assert_false (msgpack_rpc_client_get_busy (f->client));
    }
  test_drain ();
  g_assert_cmpuint (f->n_changes, ==, 0);
  g_assert_cmpuint (f->n_notified, ==, 0);
}

static void
test_any_order (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GRand) rand = g_rand_new_with_seed (7);

  g_test_summary ("Whoever follows a thousand calls that end in any order has the same list");

  open_client (f);
  follow (f, msgpack_rpc_client_get_calls (f->client));
  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (calls, msgpack_rpc_peer_start_call (f->peer, "a", NULL));
  WAIT_UNTIL (f->mirror->len == calls->len);

  while (calls->len > 0)
    {
      guint n = (guint) g_rand_int_range (rand, 1, 100);

      n = MIN (n, calls->len);
      for (guint i = 0; i < n; i++)
        {
          guint which = (guint) g_rand_int_range (rand, 0, (int) calls->len);

          msgpack_rpc_call_cancel (g_ptr_array_index (calls, which));
          g_ptr_array_remove_index_fast (calls, which);
        }
      f->n_notified = 0;
      WAIT_UNTIL (f->mirror->len == calls->len);
      g_assert_cmpuint (f->n_notified, ==, 1);
      assert_mirror (f);
    }
}

/* ---- other threads ---- */

#define N_THREADS 4
#define N_CALLS 200

static gpointer
call_and_cancel (gpointer data)
{
  Fixture *f = data;

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);

      if (i % 3 == 0)
        g_thread_yield ();
      msgpack_rpc_call_cancel (call);
    }
  return NULL;
}

static gpointer
call_sync (gpointer data)
{
  Fixture *f = data;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_sync (f->peer, "a", NULL, NULL, NULL);

  return value != NULL ? f : NULL;
}

static void
test_other_threads (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  GThread *threads[N_THREADS];
  GThread *waiting;

  g_test_summary ("Calls of other threads are in the list, which changes in the main context alone");

  open_client (f);
  follow (f, msgpack_rpc_client_get_calls (f->client));
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", call_and_cancel, f);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  WAIT_UNTIL (!msgpack_rpc_client_get_busy (f->client) && f->mirror->len == 0);

  waiting = g_thread_new ("waiting", call_sync, f);
  WAIT_UNTIL (f->mirror->len == 1);
  answer (f, f->mirror->pdata[0]);
  WAIT_UNTIL (f->mirror->len == 0);
  g_assert_nonnull (g_thread_join (waiting));
}

/* ---- connections ---- */

static void
test_connection_calls (Fixture       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GListModel) all = NULL;

  g_test_summary ("A connection has a list of its own");

  all = g_object_ref (msgpack_rpc_client_get_calls (f->client));
  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
  follow (f, msgpack_rpc_connection_get_calls (connection));
  g_assert_true (f->calls == msgpack_rpc_connection_get_calls (connection));
  g_assert_true (f->calls != all);
  WAIT_UNTIL (f->mirror->len == 1 && g_list_model_get_n_items (all) == 1);
  answer (f, call);
  WAIT_UNTIL (f->mirror->len == 0 && g_list_model_get_n_items (all) == 0);
}

static gboolean
incoming_cb (GSocketService    *service G_GNUC_UNUSED,
             GSocketConnection *stream,
             GObject           *source G_GNUC_UNUSED,
             gpointer           data)
{
  g_ptr_array_add (data, msgpack_rpc_connection_new (G_IO_STREAM (stream)));
  return TRUE;
}

static void
test_survives (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketService) service = g_socket_service_new ();
  g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *address = NULL;
  guint16 port;

  g_test_summary ("The list of a client is the same for all its connections");

  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, NULL);
  g_signal_connect (service, "incoming", G_CALLBACK (incoming_cb), guests);
  address = g_strdup_printf ("tcp://localhost:%u", port);
  g_clear_object (&f->client);
  f->client = msgpack_rpc_client_new (address);
  f->peer = MSGPACK_RPC_PEER (f->client);
  follow (f, msgpack_rpc_client_get_calls (f->client));

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;

      open_client (f);
      call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
      WAIT_UNTIL (guests->len == 1 && f->mirror->len == 1);
      g_ptr_array_set_size (guests, 0);
      WAIT_UNTIL (f->mirror->len == 0 &&
                  msgpack_rpc_client_get_status (f->client) ==
                  MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
    }
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  test_drain ();
}

static void
test_outlives (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A list may be kept for longer than its client");

  follow (f, msgpack_rpc_client_get_calls (f->client));
  open_client (f);
  call = msgpack_rpc_peer_start_call (f->peer, "a", NULL);
  WAIT_UNTIL (f->mirror->len == 1);
  msgpack_rpc_call_cancel (call);
  g_clear_object (&f->client);
  WAIT_UNTIL (f->mirror->len == 0);
}

/* ---- bindings ---- */

static void
test_spinner (Fixture       *f,
              gconstpointer  data)
{
  gboolean at_once = GPOINTER_TO_INT (data);
  g_autoptr(GSimpleAction) spinner = g_simple_action_new ("spinner", NULL);
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  GBinding *binding;
  guint n = 0;

  g_test_summary ("A spinner turns while a call is in flight, by one binding");

  open_client (f);
  if (at_once)
    first = msgpack_rpc_peer_start_call (f->peer, "first", NULL);
  else
    g_simple_action_set_enabled (spinner, FALSE);
  binding = g_object_bind_property (f->client, "busy", spinner, "enabled",
                                    at_once ? G_BINDING_SYNC_CREATE : G_BINDING_DEFAULT);
  g_assert_true (g_action_get_enabled (G_ACTION (spinner)) == at_once);

  if (!at_once)
    first = msgpack_rpc_peer_start_call (f->peer, "first", NULL);
  WAIT_UNTIL (g_action_get_enabled (G_ACTION (spinner)));
  second = msgpack_rpc_peer_start_call (f->peer, "second", NULL);
  answer (f, first);
  WAIT_UNTIL (msgpack_rpc_call_get_state (first) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
  test_drain ();
  g_assert_true (g_action_get_enabled (G_ACTION (spinner)));
  msgpack_rpc_call_cancel (second);
  WAIT_UNTIL (!g_action_get_enabled (G_ACTION (spinner)));

  /* Neither of these is a change. */
  g_binding_unbind (binding);
  g_signal_connect_swapped (f->client, "notify::busy", G_CALLBACK (g_atomic_int_inc), &n);
  test_drain ();
  g_assert_cmpuint (n, ==, 0);
}

static void
test_spinner_late (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSimpleAction) spinner = g_simple_action_new ("spinner", NULL);
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_test_summary ("A spinner that is bound while the only call is in flight hears of its end");

  open_client (f);
  call = msgpack_rpc_peer_start_call (f->peer, "only", NULL);
  g_object_bind_property (f->client, "busy", spinner, "enabled", G_BINDING_SYNC_CREATE);
  g_assert_true (g_action_get_enabled (G_ACTION (spinner)));
  test_drain ();
  answer (f, call);
  WAIT_UNTIL (!g_action_get_enabled (G_ACTION (spinner)));
}

static void
test_progress_bar (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) bar = msgpack_rpc_call_new ("stands for a progress bar", NULL);
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  guint n = 0;

  g_test_summary ("The progress of a call is bound, told at most once in a dispatch, and ends at 1");

  open_client (f);
  g_object_bind_property (call, "progress", bar, "progress", G_BINDING_SYNC_CREATE);
  g_signal_connect_swapped (call, "notify::progress", G_CALLBACK (g_atomic_int_inc), &n);
  msgpack_rpc_peer_send_call (f->peer, call);
  for (guint i = 0; i <= 50; i++)
    msgpack_rpc_call_set_progress (call, i / 100.0);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (call), ==, 0.5);
  WAIT_UNTIL (n == 1);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (bar), ==, 0.5);
  msgpack_rpc_call_set_progress (call, 0.5);
  test_drain ();
  g_assert_cmpuint (n, ==, 1);

  answer (f, call);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED && n == 2);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (bar), ==, 1);
  msgpack_rpc_call_set_progress (call, 0.2);
  test_drain ();
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpfloat (msgpack_rpc_call_get_progress (call), ==, 1);
}

typedef struct
{
  GString *log;
  GThread *thread;
} Heard;

static void
heard_cb (GObject    *call,
          GParamSpec *pspec,
          gpointer    data)
{
  Heard *heard = data;
  int value = -1;

  g_assert_true (g_thread_self () == heard->thread);
  g_object_get (call, pspec->name, &value, NULL);
  g_string_append_printf (heard->log, "%s=%d ", pspec->name, value);
}

static void
test_steps (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(GString) log = g_string_new (NULL);
  Heard heard = { log, g_thread_self () };

  g_test_summary ("A call tells each step once");

  g_signal_connect (call, "notify::state", G_CALLBACK (heard_cb), &heard);
  g_signal_connect (call, "notify::delivery", G_CALLBACK (heard_cb), &heard);
  msgpack_rpc_peer_send_call (f->peer, call);
  g_assert_cmpstr (log->str, ==, "");
  WAIT_UNTIL (log->len > 0);
  g_assert_cmpstr (log->str, ==, "state=1 ");
  open_client (f);
  WAIT_UNTIL (strstr (log->str, "delivery=2") != NULL);
  answer (f, call);
  WAIT_UNTIL (strstr (log->str, "state=2") != NULL);
  test_drain ();
  g_assert_cmpstr (log->str, ==, "state=1 delivery=2 delivery=3 state=2 ");
}

typedef struct
{
  Fixture *f;
  MsgpackRpcCall *call;
} Elsewhere;

static gpointer
observe_elsewhere (gpointer data)
{
  Elsewhere *elsewhere = data;
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  Heard heard = { log, g_thread_self () };

  g_main_context_push_thread_default (context);
  elsewhere->call = msgpack_rpc_call_new ("a", NULL);
  g_signal_connect (elsewhere->call, "notify::state", G_CALLBACK (heard_cb), &heard);
  msgpack_rpc_peer_send_call (elsewhere->f->peer, elsewhere->call);
  WAIT_UNTIL (strstr (log->str, "state=2") != NULL);
  g_signal_handlers_disconnect_by_data (elsewhere->call, &heard);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_steps_elsewhere (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  Elsewhere elsewhere = { .f = f };
  GThread *thread;

  g_test_summary ("A call of another thread tells its steps in that thread, and is in the list of this "
                  "one");

  open_client (f);
  follow (f, msgpack_rpc_client_get_calls (f->client));
  thread = g_thread_new ("elsewhere", observe_elsewhere, &elsewhere);
  WAIT_UNTIL (f->mirror->len == 1);
  answer (f, f->mirror->pdata[0]);
  WAIT_UNTIL (f->mirror->len == 0);
  g_thread_join (thread);
  g_object_unref (elsewhere.call);
}

/* ---- every property that can be set ---- */

/* Another value than @value. FALSE where there is none to be made up. */
static gboolean
make_other (GParamSpec *pspec,
            GValue     *value)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, !g_value_get_boolean (value));
  else if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, g_value_get_int (value) == 1234 ? 1235 : 1234);
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    g_value_set_uint (value, g_value_get_uint (value) == 12 ? 13 : 12);
  else if (G_IS_PARAM_SPEC_UINT64 (pspec))
    g_value_set_uint64 (value, g_value_get_uint64 (value) == 123456 ? 123457 : 123456);
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    g_value_set_double (value, 0.25);
  else if (G_IS_PARAM_SPEC_ENUM (pspec))
    g_value_set_enum (value, g_value_get_enum (value) == 1 ? 0 : 1);
  else if (G_IS_PARAM_SPEC_FLAGS (pspec))
    g_value_set_flags (value, g_value_get_flags (value) ^ 1);
  else if (pspec->value_type == MSGPACK_RPC_TYPE_DISPATCHER)
    g_value_take_object (value, msgpack_rpc_dispatcher_new ());
  else if (pspec->value_type == G_TYPE_TLS_DATABASE)
    g_value_take_object (value, msgpack_rpc_certificate_pins_new ());
  else
    return FALSE;

  return TRUE;
}

static void
assert_notifies (GObject    *object,
                 GParamSpec *pspec)
{
  g_auto(GValue) value = G_VALUE_INIT;
  g_autofree char *signal = g_strdup_printf ("notify::%s", pspec->name);
  guint n = 0;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (object, pspec->name, &value);
  g_signal_connect_swapped (object, signal, G_CALLBACK (g_atomic_int_inc), &n);
  g_object_set_property (object, pspec->name, &value);
  test_drain ();
  g_assert_cmpuint (n, ==, 0);

  if (make_other (pspec, &value))
    {
      g_auto(GValue) read = G_VALUE_INIT;

      g_test_message ("%s:%s", G_OBJECT_TYPE_NAME (object), pspec->name);
      g_object_set_property (object, pspec->name, &value);
      g_value_init (&read, pspec->value_type);
      g_object_get_property (object, pspec->name, &read);
      g_assert_cmpint (g_param_values_cmp (pspec, &value, &read), ==, 0);
      test_drain ();
      g_assert_cmpuint (n, ==, 1);
      g_object_set_property (object, pspec->name, &value);
      test_drain ();
      g_assert_cmpuint (n, ==, 1);
    }
  g_signal_handlers_disconnect_by_data (object, &n);
}

static void
test_settable (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  GObject *objects[6];
  guint n_checked = 0;

  g_test_summary ("Each property that can be set notifies when it changes, once, and only then");

  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  objects[0] = G_OBJECT (f->client);
  objects[1] = G_OBJECT (connection);
  objects[2] = G_OBJECT (server);
  objects[3] = G_OBJECT (dispatcher);
  objects[4] = G_OBJECT (msgpack_rpc_client_get_limits (f->client));
  objects[5] = G_OBJECT (call);

  for (guint i = 0; i < G_N_ELEMENTS (objects); i++)
    {
      g_autofree GParamSpec **pspecs = NULL;
      guint n;

      pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (objects[i]), &n);
      for (guint j = 0; j < n; j++)
        if ((pspecs[j]->flags & G_PARAM_WRITABLE) != 0 && (pspecs[j]->flags & G_PARAM_READABLE) != 0 &&
            (pspecs[j]->flags & G_PARAM_CONSTRUCT_ONLY) == 0 &&
            g_str_has_prefix (g_type_name (pspecs[j]->owner_type), "MsgpackRpc"))
          {
            assert_notifies (objects[i], pspecs[j]);
            n_checked++;
          }
    }
  g_assert_cmpuint (n_checked, >, 30);
}

#define ADD_WITH(name, data, func) \
  g_test_add ("/msgpack-rpc/observe/" name, Fixture, data, setup, func, teardown)
#define ADD(name, func) ADD_WITH (name, NULL, func)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("list", test_list);
  ADD ("never-shown", test_never_shown);
  ADD ("any-order", test_any_order);
  ADD ("other-threads", test_other_threads);
  ADD ("connection-calls", test_connection_calls);
  ADD ("survives", test_survives);
  ADD ("outlives", test_outlives);
  ADD_WITH ("spinner", GINT_TO_POINTER (FALSE), test_spinner);
  ADD_WITH ("spinner-at-once", GINT_TO_POINTER (TRUE), test_spinner);
  ADD ("spinner-late", test_spinner_late);
  ADD ("progress-bar", test_progress_bar);
  ADD ("steps", test_steps);
  ADD ("steps-elsewhere", test_steps_elsewhere);
  ADD ("settable", test_settable);

  return g_test_run ();
}
