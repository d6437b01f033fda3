/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A call ends whenever it is cancelled, or its time is up, and says how far it got. */

#include "test-util.h"

#include <sys/socket.h>

/* More than what a socket holds. */
#define BIG_SIZE (8 * 1024 * 1024)

typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;  /* the connection */
  GCancellable *cancellable;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&f->raw, "unix");

  f->connection = msgpack_rpc_connection_new (stream);
  f->peer = MSGPACK_RPC_PEER (f->connection);
  f->cancellable = g_cancellable_new ();
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  test_drain ();
  g_assert_finalize_object (f->cancellable);
  g_assert_finalize_object (f->connection);
  raw_peer_clear (&f->raw);
}

/* ---- when it is cancelled, and how it was started ---- */

typedef enum
{
  BEFORE,       /* it began */
  AT_ONCE,      /* in the same dispatch: nothing is written before its end */
  SOON,         /* after it was written */
  AFTER_REPLY,
  BY_CLOSING,   /* the connection, after it was written */
  BY_CLOSING_AT_ONCE,
} When;

typedef enum
{
  BY_ASYNC,
  BY_SYNC,
  BY_START,     /* and wait */
} Manner;

typedef struct
{
  const char *name;
  When when;
  Manner manner;
} Case;

typedef struct
{
  int code;                     /* of G_IO_ERROR; −1: it succeeds */
  MsgpackRpcDelivery delivery;
} Expected;

static const Expected expected[] = {
  [BEFORE] = { G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT },
  [AT_ONCE] = { G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT },
  [SOON] = { G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_SENT },
  [AFTER_REPLY] = { -1, MSGPACK_RPC_DELIVERY_ANSWERED },
  [BY_CLOSING] = { G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT },
  [BY_CLOSING_AT_ONCE] = { G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_NOT_SENT },
};

static void
close_now (Fixture *f)
{
  msgpack_rpc_connection_close_async (f->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static void
send_reply (Fixture *f)
{
  const guint8 reply[] = { 0x94, 0x01, 0x01, 0xc0, 0x03 };

  g_assert_cmpint (send (f->raw.fd, reply, sizeof reply, MSG_NOSIGNAL), ==, sizeof reply);
}

typedef struct
{
  Fixture *f;
  const Case *c;
  GAsyncResult *result;   /* of BY_ASYNC */
  MsgpackRpcCall *call;
} Run;

/* In another thread, when the request has come whole. */
static gpointer
cancel_thread (gpointer user_data)
{
  Run *run = user_data;
  GPollFD fd = { run->f->raw.fd, G_IO_IN, 0 };

  g_assert_cmpint (g_poll (&fd, 1, 20 * 1000), ==, 1);
  if (run->c->when == SOON)
    g_cancellable_cancel (run->f->cancellable);
  else if (run->c->when == BY_CLOSING)
    close_now (run->f);
  else
    send_reply (run->f);
  return NULL;
}

static void
cancel (Run *run)
{
  if (run->call != NULL && run->c->when != BY_CLOSING && run->c->when != BY_CLOSING_AT_ONCE)
    msgpack_rpc_call_cancel (run->call);
  else if (run->c->when == BY_CLOSING || run->c->when == BY_CLOSING_AT_ONCE)
    close_now (run->f);
  else
    g_cancellable_cancel (run->f->cancellable);
}

/* The first of what a dispatch sends is written at its end, so what ends at once was not sent. */
static gboolean
start_in_dispatch (gpointer user_data)
{
  Run *run = user_data;

  if (run->c->manner == BY_ASYNC)
    msgpack_rpc_peer_call_async (run->f->peer, "a", NULL, run->f->cancellable, test_store_result,
                                 &run->result);
  else
    msgpack_rpc_peer_send_call (run->f->peer, run->call);
  return G_SOURCE_REMOVE;
}

static void
start_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
          const char           *method G_GNUC_UNUSED,
          GVariant             *params G_GNUC_UNUSED,
          gpointer              user_data)
{
  Run *run = user_data;

  start_in_dispatch (run);
  cancel (run);
}

static void
start_and_cancel_at_once (Run *run)
{
  raw_peer_send_value (&run->f->raw, g_variant_new_parsed ("(2, 'go', @av [])"));
  g_signal_connect (run->f->connection, "notification", G_CALLBACK (start_cb), run);
  WAIT_UNTIL (run->call != NULL
              ? msgpack_rpc_call_get_state (run->call) > MSGPACK_RPC_CALL_STATE_PENDING
              : run->result != NULL);
}

static void
check_outcome (const Case   *c,
               GVariant     *value,
               const GError *error)
{
  if (expected[c->when].code < 0)
    {
      g_assert_no_error (error);
      test_assert_value (value, "3");
    }
  else
    {
      g_assert_null (value);
      g_assert_error (error, G_IO_ERROR, expected[c->when].code);
    }
}

static void
run_async (Run *run)
{
  Fixture *f = run->f;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  if (run->c->when == BEFORE)
    g_cancellable_cancel (f->cancellable);
  if (run->c->when == AT_ONCE || run->c->when == BY_CLOSING_AT_ONCE)
    start_and_cancel_at_once (run);
  else
    start_in_dispatch (run);
  g_assert_true (run->result == NULL || run->c->when == AT_ONCE ||
                 run->c->when == BY_CLOSING_AT_ONCE);

  if (run->c->when == AFTER_REPLY)
    send_reply (f);
  if (run->c->when == SOON || run->c->when == BY_CLOSING)
    {
      g_variant_unref (raw_peer_receive (&f->raw));
      cancel (run);
    }
  WAIT_UNTIL (run->result != NULL);
  g_cancellable_cancel (f->cancellable);
  test_drain ();

  value = msgpack_rpc_peer_call_finish (f->peer, run->result, &error);
  check_outcome (run->c, value, error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (MSGPACK_RPC_CALL (run->result)), ==,
                   expected[run->c->when].delivery);
  g_clear_object (&run->result);
}

/* There is no call to ask how far it got; but what was not sent does not come later. */
static void
run_sync (Run *run)
{
  Fixture *f = run->f;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  GThread *thread = NULL;

  if (run->c->when == BEFORE)
    g_cancellable_cancel (f->cancellable);
  else
    thread = g_thread_new ("cancel", cancel_thread, run);
  value = msgpack_rpc_peer_call_sync (f->peer, "a", NULL, f->cancellable, &error);
  g_cancellable_cancel (f->cancellable);
  check_outcome (run->c, value, error);
  g_clear_pointer (&thread, g_thread_join);
}

static void
run_start (Run *run)
{
  Fixture *f = run->f;
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("a", NULL);
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  run->call = call;
  if (run->c->when == BEFORE)
    msgpack_rpc_call_cancel (call);
  if (run->c->when == AT_ONCE || run->c->when == BY_CLOSING_AT_ONCE)
    start_and_cancel_at_once (run);
  else
    start_in_dispatch (run);

  if (run->c->when == AFTER_REPLY)
    {
      send_reply (f);
      WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
      msgpack_rpc_call_cancel (call);
    }
  if (run->c->when == SOON || run->c->when == BY_CLOSING)
    {
      g_variant_unref (raw_peer_receive (&f->raw));
      cancel (run);
    }

  /* Its state has changed already. */
  g_assert_cmpint (msgpack_rpc_call_get_state (call), >, MSGPACK_RPC_CALL_STATE_PENDING);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  check_outcome (run->c, value, error);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, expected[run->c->when].delivery);
}

static void
test_matrix (Fixture       *f,
             gconstpointer  data)
{
  const Case *c = data;
  Run run = { .f = f, .c = c };
  gboolean closes = c->when == BY_CLOSING || c->when == BY_CLOSING_AT_ONCE;

  g_test_summary ("A call ends as it should, and says how far it got");

  if (c->manner == BY_ASYNC)
    run_async (&run);
  else if (c->manner == BY_SYNC)
    run_sync (&run);
  else
    run_start (&run);

  g_signal_handlers_disconnect_by_data (f->connection, &run);
  /* What was not sent is not sent later, and what else is sent comes through. */
  if (!closes && expected[c->when].delivery == MSGPACK_RPC_DELIVERY_NOT_SENT)
    {
      g_autoptr(GVariant) message = NULL;

      g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "mark", NULL, NULL));
      message = raw_peer_receive (&f->raw);
      test_assert_value (message, "(2, 'mark', @av [])");
    }
  g_assert_cmpint (msgpack_rpc_connection_is_connected (f->connection), ==, !closes);
  g_assert_cmpuint (test_get_statistic (f->connection, "calls-in-flight"), ==, 0);
}

/* ---- one deadline ---- */

static MsgpackRpcCall *
start_call (MsgpackRpcPeer *peer,
            gsize           size,
            int             timeout)
{
  g_autofree guint8 *bytes = g_malloc0 (size + 1);
  GVariant *params = g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes,
                                                                        size, 1));
  MsgpackRpcCall *call = msgpack_rpc_call_new ("a", params);

  msgpack_rpc_call_set_timeout (call, timeout);
  msgpack_rpc_peer_send_call (peer, call);
  return call;
}

static void
append_name_cb (MsgpackRpcCall *call G_GNUC_UNUSED,
                gpointer        user_data)
{
  g_string_append (user_data, "first ");
}

static void
append_other_cb (MsgpackRpcCall *call G_GNUC_UNUSED,
                 gpointer        user_data)
{
  g_string_append (user_data, "second ");
}

/* Were the deadline to begin again when the call is connected, sent, or waits, then it would end after
 * one that began later, but before that. */
static void
test_one_deadline (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&raw, "unix");
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;
  g_autoptr(GString) log = g_string_new (NULL);
  /* Time enough to send it all, in which nothing happens. */
  int timeout = 2000 * MIN (test_get_slowness (), 8);

  g_test_summary ("One deadline spans queueing, connecting, sending and waiting");

  first = start_call (MSGPACK_RPC_PEER (client), BIG_SIZE, timeout);
  second = start_call (f->peer, 0, timeout);
  g_signal_connect (first, "completed", G_CALLBACK (append_name_cb), log);
  g_signal_connect (second, "completed", G_CALLBACK (append_other_cb), log);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (client) || log->len > 0);
  g_variant_unref (raw_peer_receive (&raw));
  WAIT_UNTIL (strlen (log->str) == strlen ("first second "));
  g_assert_cmpstr (log->str, ==, "first second ");
  g_assert_error (msgpack_rpc_call_get_error (first), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (first), ==, MSGPACK_RPC_DELIVERY_SENT);

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  g_assert_finalize_object (g_steal_pointer (&client));
  raw_peer_clear (&raw);
}

typedef enum
{
  IS_QUEUED,
  IS_CONNECTING,
  IS_SENT_PARTLY,
  WAITS,
} Phase;

static const MsgpackRpcDelivery phase_deliveries[] = {
  [IS_QUEUED] = MSGPACK_RPC_DELIVERY_NOT_SENT,
  [IS_CONNECTING] = MSGPACK_RPC_DELIVERY_NOT_SENT,
  [IS_SENT_PARTLY] = MSGPACK_RPC_DELIVERY_PARTLY_SENT,
  [WAITS] = MSGPACK_RPC_DELIVERY_SENT,
};

/* To a server that never begins with TLS, or to nobody. */
static MsgpackRpcClient *
make_client (Phase             phase,
             GSocketListener  *listener)
{
  g_autoptr(GError) error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_autofree char *address = g_strdup_printf ("tls://127.0.0.1:%u", port);
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);

  g_assert_no_error (error);
  if (phase == IS_CONNECTING)
    msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  return client;
}

static void
check_phase (Fixture        *f,
             MsgpackRpcPeer *peer,
             Phase           phase,
             gboolean        with_loop)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  call = start_call (peer, phase == IS_SENT_PARTLY ? BIG_SIZE : 0, 50);
  if (with_loop)
    WAIT_UNTIL (msgpack_rpc_call_get_state (call) > MSGPACK_RPC_CALL_STATE_PENDING);
  value = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, phase_deliveries[phase]);
  g_assert_nonnull (f->connection);
}

static void
test_phases (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A deadline holds in each phase of a call, whether a loop runs or not");

  for (int i = IS_QUEUED; i <= WAITS; i++)
    for (int with_loop = 0; with_loop < 2; with_loop++)
      {
        Phase phase = (Phase) i;
        g_autoptr(GSocketListener) listener = g_socket_listener_new ();
        g_autoptr(MsgpackRpcClient) client = make_client (phase, listener);
        gboolean has_peer = phase == WAITS || phase == IS_SENT_PARTLY;

        check_phase (f, has_peer ? f->peer : MSGPACK_RPC_PEER (client), phase, with_loop);
        if (phase == IS_SENT_PARTLY)
          g_variant_unref (raw_peer_receive (&f->raw));
        msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
        test_drain ();
        WAIT_UNTIL (G_OBJECT (client)->ref_count == 1);
      }
}

static const Case cases[] = {
  { "async/before", BEFORE, BY_ASYNC },
  { "async/at-once", AT_ONCE, BY_ASYNC },
  { "async/soon", SOON, BY_ASYNC },
  { "async/after-reply", AFTER_REPLY, BY_ASYNC },
  { "async/closing", BY_CLOSING, BY_ASYNC },
  { "async/closing-at-once", BY_CLOSING_AT_ONCE, BY_ASYNC },
  { "sync/before", BEFORE, BY_SYNC },
  { "sync/soon", SOON, BY_SYNC },
  { "sync/after-reply", AFTER_REPLY, BY_SYNC },
  { "sync/closing", BY_CLOSING, BY_SYNC },
  { "start/before", BEFORE, BY_START },
  { "start/at-once", AT_ONCE, BY_START },
  { "start/soon", SOON, BY_START },
  { "start/after-reply", AFTER_REPLY, BY_START },
  { "start/closing", BY_CLOSING, BY_START },
  { "start/closing-at-once", BY_CLOSING_AT_ONCE, BY_START },
};

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strconcat ("/msgpack-rpc/cancel/", cases[i].name, NULL);

      g_test_add (name, Fixture, &cases[i], setup, test_matrix, teardown);
    }
  g_test_add ("/msgpack-rpc/cancel/one-deadline", Fixture, NULL, setup, test_one_deadline, teardown);
  g_test_add ("/msgpack-rpc/cancel/phases", Fixture, NULL, setup, test_phases, teardown);

  return g_test_run ();
}
