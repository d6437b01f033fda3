/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What peers expect of order, and how they come, go and wait: the rules 42 to 49 of docs/dialects.md. */

#include "test-dialects.h"

#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* That of GTK's drawing. */
#define PAINT_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)

/* ---- a peer that follows a script, in a thread of its own ---- */

typedef struct
{
  char *expects; /* bytes as text */
  char *sends;
} Step;

typedef struct
{
  int fd;
  GArray *steps; /* of Step */
  GThread *thread;
} Script;

static void
step_clear (gpointer data)
{
  Step *step = data;

  g_free (step->expects);
  g_free (step->sends);
}

static void
script_init (Script  *self,
             Dialect *d)
{
  self->fd = d->raw.fd;
  self->steps = g_array_new (FALSE, FALSE, sizeof (Step));
  g_array_set_clear_func (self->steps, step_clear);
}

static void
script_add (Script *self,
            char   *expects,
            char   *sends)
{
  Step step = { expects, sends };

  g_array_append_val (self->steps, step);
}

static void
wait_for_fd (int   fd,
             short events)
{
  struct pollfd poll_fd = { fd, events, 0 };

  g_assert_cmpint (poll (&poll_fd, 1, (int) (TEST_DEADLINE / 1000)), ==, 1);
}

static void
send_all (int         fd,
          GByteArray *bytes)
{
  gsize done = 0;

  while (done < bytes->len)
    {
      gssize n;

      wait_for_fd (fd, POLLOUT);
      n = send (fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      g_assert_cmpint (n, >, 0);
      done += (gsize) n;
    }
}

static void
receive_all (int         fd,
             GByteArray *expected)
{
  g_autofree guint8 *bytes = g_malloc (expected->len + 1);
  gsize done = 0;

  while (done < expected->len)
    {
      gssize n;

      wait_for_fd (fd, POLLIN);
      n = recv (fd, bytes + done, expected->len - done, MSG_DONTWAIT);
      g_assert_cmpint (n, >, 0);
      done += (gsize) n;
    }

  g_assert_cmpmem (bytes, done, expected->data, expected->len);
}

static gpointer
script_thread (gpointer user_data)
{
  Script *self = user_data;

  for (guint i = 0; i < self->steps->len; i++)
    {
      const Step *step = &g_array_index (self->steps, Step, i);
      g_autoptr(GByteArray) expected = bytes_from_hex (step->expects);
      g_autoptr(GByteArray) bytes = bytes_from_hex (step->sends);

      receive_all (self->fd, expected);
      send_all (self->fd, bytes);
    }

  return NULL;
}

static void
script_start (Script *self)
{
  self->thread = g_thread_new ("peer", script_thread, self);
}

static void
script_clear (Script *self)
{
  g_thread_join (self->thread);
  g_array_unref (self->steps);
}

/* ---- order ---- */

static void
log_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
              MsgpackRpcCall       *call,
              gpointer              data)
{
  Dialect *d = data;

  g_string_append_printf (d->log, "reply %s; ", msgpack_rpc_call_get_method (call));
}

static void
test_order_in (Dialect       *d,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) first = NULL;
  g_autoptr(MsgpackRpcCall) second = NULL;

  g_test_summary ("Replies, notifications and requests are told in the order of the wire");

  g_signal_connect (d->connection, "reply", G_CALLBACK (log_reply_cb), d);
  first = dialect_call (d, "first", "()", "94 00 01 a5 'first' 90");
  second = dialect_call (d, "second", "()", "94 00 02 a6 'second' 90");
  send_hex (&d->raw, "93 02 a1 'a' 90"
                     "94 01 02 c0 c0"
                     "93 02 a1 'b' 90"
                     "94 00 05 a4 'echo' 90"
                     "94 01 01 c0 c0"
                     "93 02 a1 'c' 90");
  dialect_assert_log (d, "a @av []; reply second; b @av []; echo @av []; reply first; c @av []; ");
  assert_comes (&d->raw, "94 01 05 c0 90", "", "");
}

static gboolean
notify_handler (MsgpackRpcInvocation  *invocation,
                GVariant              *params G_GNUC_UNUSED,
                gpointer               data,
                GError               **error)
{
  Dialect *d = data;

  return msgpack_rpc_peer_send_notification (d->peer, "before", NULL, error) &&
         msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (1)) &&
         msgpack_rpc_peer_send_notification (d->peer, "after", NULL, error);
}

static void
test_order_out (Dialect       *d,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What a handler sends before its answer comes before it, and the rest behind it");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "notify", NULL, notify_handler, d, NULL);
  dialect_assert_answer (d, "94 00 05 a6 'notify' 90",
                         "93 02 a6 'before' 90 94 01 05 c0 01 93 02 a5 'after' 90");
}

static gboolean
slow_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  g_assert_nonnull (g_async_queue_timeout_pop (data, (guint64) TEST_DEADLINE));
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static void
test_order_threads (Dialect       *d,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncQueue) queue = g_async_queue_new ();

  g_test_summary ("Only handlers in threads overtake each other");

  msgpack_rpc_dispatcher_add_method_full (d->dispatcher, "slow", NULL, slow_handler, queue, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_THREAD);
  dialect_assert_answer (d, "94 00 01 a4 'slow' 91 01 94 00 02 a4 'echo' 91 02 93 02 a1 'n' 91 03",
                         "94 01 02 c0 91 02");
  dialect_assert_log (d, "echo [<int64 2>]; n [<int64 3>]; ");
  g_async_queue_push (queue, d);
  assert_comes (&d->raw, "94 01 01 c0 91 01", "", "");
}

/* ---- calls within calls ---- */

static GVariant *
call_down (Dialect  *d,
           GError  **error)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("down", NULL);

  msgpack_rpc_call_set_serves_while_waiting (call, TRUE);
  msgpack_rpc_peer_send_call (d->peer, call);
  return msgpack_rpc_call_wait (call, NULL, error);
}

static gboolean
nest_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error)
{
  g_autoptr(GVariant) value = call_down (data, error);

  if (value == NULL)
    return FALSE;

  return msgpack_rpc_invocation_return_value (
    invocation, g_variant_new_int64 (g_variant_get_int64 (value) + 1));
}

/* The peer calls back @n times before it answers, each within the call before. */
static void
add_descent (Script *script,
             guint   n)
{
  for (guint i = 0; i < n; i++)
    script_add (script, g_strdup_printf ("94 00 %02x a4 'down' 90", i + 1),
                g_strdup_printf ("94 00 %02x a4 'nest' 90", i));
}

/* It answers, and gets its own answer. */
static void
add_ascent (Script *script,
            guint   n)
{
  for (guint i = n; i > 0; i--)
    script_add (script, g_strdup_printf ("94 01 %02x c0 %02x", i - 1, n - i + 1),
                g_strdup_printf ("94 01 %02x c0 %02x", i, n - i + 1));
}

static void
test_nested (Dialect       *d,
             gconstpointer  data G_GNUC_UNUSED)
{
  Script script;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A peer that asks back before it answers is answered, five deep, without a loop");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "nest", NULL, nest_handler, d, NULL);
  script_init (&script, d);
  add_descent (&script, 5);
  script_add (&script, g_strdup ("94 00 06 a4 'down' 90"), g_strdup ("94 01 06 c0 00"));
  add_ascent (&script, 5);
  script_start (&script);

  value = call_down (d, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 5);
  script_clear (&script);
}

static void
test_nested_too_deep (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  static const char busy[] = "Busy: the limit of 3 calls that wait within one another is reached";
  Script script;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A peer that asks back without end is refused where it gets too deep");

  msgpack_rpc_limits_set_max_nested_waits (msgpack_rpc_connection_get_limits (d->connection), 3);
  msgpack_rpc_dispatcher_add_method (d->dispatcher, "nest", NULL, nest_handler, d, NULL);
  script_init (&script, d);
  add_descent (&script, 4);
  script_add (&script, g_strdup_printf ("94 01 03 d9 %02x '%s' c0", (guint) strlen (busy), busy),
              g_strdup ("94 01 04 c0 00"));
  add_ascent (&script, 3);
  script_start (&script);

  value = call_down (d, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 3);
  script_clear (&script);
}

/* Handlers of notifications that call. */
typedef struct
{
  Dialect *d;
  guint depth;
  guint max_depth;
  gint64 n_handled;
} Nest;

static void
nesting_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
            const char           *method G_GNUC_UNUSED,
            GVariant             *params,
            gpointer              data)
{
  Nest *nest = data;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GVariant) param = NULL;
  g_autoptr(GError) error = NULL;

  g_variant_get_child (params, 0, "v", &param);
  g_assert_cmpint (g_variant_get_int64 (param), ==, nest->n_handled++);
  nest->depth++;
  nest->max_depth = MAX (nest->max_depth, nest->depth);
  value = call_down (nest->d, &error);
  g_assert_no_error (error);
  nest->depth--;
}

static void
test_nested_notifications (Dialect       *d,
                           gconstpointer  data G_GNUC_UNUSED)
{
  enum { N = 20, LIMIT = 3 };
  Nest nest = { .d = d };
  Script script;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  GString *notifications = g_string_new (NULL);
  GString *replies = g_string_new (NULL);

  g_test_summary ("Notifications whose handlers call are handled in order, and not ever deeper");

  msgpack_rpc_limits_set_max_nested_waits (msgpack_rpc_connection_get_limits (d->connection), LIMIT);
  g_signal_handlers_disconnect_by_func (d->connection, dialect_notification_cb, d);
  g_signal_connect (d->connection, "notification", G_CALLBACK (nesting_cb), &nest);
  for (guint i = 0; i < N; i++)
    g_string_append_printf (notifications, "93 02 a1 'n' 91 %02x", i);
  for (guint i = LIMIT + 1; i > 0; i--)
    g_string_append_printf (replies, "94 01 %02x c0 00", i);

  /* It answers when it has been asked as often as can be, and from then on at once. */
  script_init (&script, d);
  script_add (&script, g_strdup ("94 00 01 a4 'down' 90"), g_string_free (notifications, FALSE));
  for (guint i = 2; i <= LIMIT; i++)
    script_add (&script, g_strdup_printf ("94 00 %02x a4 'down' 90", i), g_strdup (""));
  script_add (&script, g_strdup_printf ("94 00 %02x a4 'down' 90", LIMIT + 1),
              g_string_free (replies, FALSE));
  for (guint i = LIMIT + 2; i <= N + 1; i++)
    script_add (&script, g_strdup_printf ("94 00 %02x a4 'down' 90", i),
                g_strdup_printf ("94 01 %02x c0 00", i));
  script_start (&script);

  value = call_down (d, &error);
  g_assert_no_error (error);
  WAIT_UNTIL (nest.n_handled == N && nest.depth == 0);
  /* The loop may have called the first of them, within no wait. */
  g_assert_cmpuint (nest.max_depth, >=, LIMIT);
  g_assert_cmpuint (nest.max_depth, <=, LIMIT + 1);
  script_clear (&script);
}

/* ---- peers that are slow, and much ---- */

static void
stalled_cb (MsgpackRpcClient *client,
            GParamSpec       *pspec G_GNUC_UNUSED,
            gpointer          data)
{
  g_string_append (data, msgpack_rpc_client_get_stalled (client) ? "stalled " : "there ");
}

static void
test_stalled (void)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init (&raw);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_stream (stream);
  g_autoptr(MsgpackRpcCall) deferred = msgpack_rpc_call_new ("getchar", NULL);
  g_autoptr(MsgpackRpcCall) fast = NULL;
  g_autoptr(GString) log = g_string_new (NULL);

  g_test_summary ("A peer that waits for its user stalls: its call may end, and the connection stays");

  msgpack_rpc_client_set_stall_timeout (client, 5);
  g_signal_connect (client, "notify::stalled", G_CALLBACK (stalled_cb), log);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (client));

  msgpack_rpc_call_set_timeout (deferred, 200);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), deferred);
  assert_comes (&raw, "94 00 01 a7 'getchar' 90", "", "");
  WAIT_UNTIL (msgpack_rpc_client_get_stalled (client));
  WAIT_UNTIL (dialect_call_has_ended (deferred));
  g_assert_error (msgpack_rpc_call_get_error (deferred), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (msgpack_rpc_client_is_connected (client));

  /* What it answers then is late, and it is there again. */
  fast = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "mode", NULL);
  assert_comes (&raw, "94 00 02 a4 'mode' 90", "", "");
  send_hex (&raw, "94 01 01 c0 78 94 01 02 c0 a1 'n'");
  dialect_assert_result (fast, "'n'");
  WAIT_UNTIL (!msgpack_rpc_client_get_stalled (client));
  g_assert_cmpstr (log->str, ==, "stalled there ");

  msgpack_rpc_client_close_async (client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  raw_peer_clear (&raw);
}

#define N_EVENTS 400000

/* What an editor sends when much changes: one notification, of many events. */
static gpointer
burst_thread (gpointer user_data)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex ("93 02 a6 'redraw' dd");
  g_autoptr(GByteArray) event = bytes_from_hex ("92 a9 'grid_line' 94 01 02 03 91 a1 'x'");
  guint32 n = GUINT32_TO_BE (N_EVENTS);

  g_byte_array_append (bytes, (const guint8 *) &n, sizeof n);
  for (guint i = 0; i < N_EVENTS; i++)
    g_byte_array_append (bytes, event->data, event->len);
  send_all (GPOINTER_TO_INT (user_data), bytes);
  return NULL;
}

typedef struct
{
  guint n_paints;
  guint n_paints_before; /* the burst was told */
  gboolean is_told;
} Burst;

static gboolean
paint_cb (gpointer user_data)
{
  ((Burst *) user_data)->n_paints++;
  return G_SOURCE_CONTINUE;
}

static gboolean
lies_within (GVariant *part,
             GVariant *whole)
{
  const guint8 *data = g_variant_get_data (whole);
  const guint8 *begin = g_variant_get_data (part);

  return begin >= data && begin + g_variant_get_size (part) <= data + g_variant_get_size (whole);
}

static void
burst_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
          const char           *method,
          GVariant             *params,
          gpointer              data)
{
  Burst *burst = data;
  GVariantIter iter;
  GVariant *event;
  guint n = 0;

  g_assert_cmpstr (method, ==, "redraw");
  burst->is_told = TRUE;
  burst->n_paints_before = burst->n_paints;
  g_assert_cmpuint (g_variant_iter_init (&iter, params), ==, N_EVENTS);
  /* One after the other is made of the memory that the message is in. */
  while (n < 10 && g_variant_iter_next (&iter, "v", &event))
    {
      g_autofree char *text = g_variant_print (event, FALSE);

      g_assert_cmpstr (text, ==, "[<'grid_line'>, <[<int64 1>, <int64 2>, <int64 3>, <[<'x'>]>]>]");
      g_assert_true (lies_within (event, params));
      g_variant_unref (event);
      n++;
    }
  g_assert_cmpuint (n, ==, 10);
}

static void
test_burst (Dialect       *d,
            gconstpointer  data G_GNUC_UNUSED)
{
  Burst burst = { 0 };
  g_autoptr(GSource) paint = g_timeout_source_new (1);
  GThread *thread;

  g_test_summary ("A window is painted while a burst of several MB comes, which is then read in place");

  g_signal_handlers_disconnect_by_func (d->connection, dialect_notification_cb, d);
  g_signal_connect (d->connection, "notification", G_CALLBACK (burst_cb), &burst);
  g_source_set_priority (paint, PAINT_PRIORITY);
  g_source_set_callback (paint, paint_cb, &burst, NULL);
  g_source_attach (paint, NULL);
  thread = g_thread_new ("peer", burst_thread, GINT_TO_POINTER (d->raw.fd));
  WAIT_UNTIL (burst.n_paints > 0);
  burst.n_paints = 0;
  WAIT_UNTIL (burst.is_told || d->log->len > 0);
  g_assert_cmpstr (d->log->str, ==, "");
  g_test_message ("%u paints", burst.n_paints_before);
  g_assert_cmpuint (burst.n_paints_before, >=, 3);

  g_source_destroy (paint);
  g_thread_join (thread);
}

/* ---- peers that go ---- */

static gboolean
keep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  return g_set_object ((MsgpackRpcInvocation **) data, invocation);
}

static void
test_half_close (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcInvocation) kept = NULL;

  g_test_summary ("A peer that has sent its requests and stops sending still gets its answers");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, &kept, NULL);
  send_hex (&d->raw, "94 00 00 a4 'keep' 90 94 00 01 a4 'echo' 91 01");
  raw_peer_shutdown_write (&d->raw);
  assert_comes (&d->raw, "94 01 01 c0 91 01", "", "");
  WAIT_UNTIL (msgpack_rpc_connection_get_status (d->connection) ==
              MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  dialect_assert_log (d, "echo [<int64 1>]; ");

  msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (2));
  assert_comes (&d->raw, "94 01 00 c0 02", "", "");
  raw_peer_wait_closed (&d->raw);
  dialect_assert_log (d, "closed -; ");
}

static void
close_when_peer_does_cb (GObject    *object,
                         GParamSpec *pspec G_GNUC_UNUSED,
                         gpointer    data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *connection = MSGPACK_RPC_CONNECTION (object);

  if (msgpack_rpc_connection_get_status (connection) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING)
    msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static void
test_half_close_ends (Dialect       *d,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcInvocation) kept = NULL;

  g_test_summary ("Who does not want to answer a peer that stops sending closes as it is told so");

  msgpack_rpc_dispatcher_add_method (d->dispatcher, "keep", NULL, keep_handler, &kept, NULL);
  g_signal_connect (d->connection, "notify::status", G_CALLBACK (close_when_peer_does_cb), NULL);
  send_hex (&d->raw, "94 00 00 a4 'keep' 90");
  raw_peer_shutdown_write (&d->raw);
  raw_peer_wait_closed (&d->raw);
  dialect_assert_log (d, "closed -; ");
  g_assert_false (msgpack_rpc_invocation_return_value (kept, g_variant_new_int64 (2)));
}

static void
count_notification_cb (guint *n)
{
  (*n)++;
}

static void
assert_not_told_yet_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                        GError               *error G_GNUC_UNUSED,
                        GVariant             *incomplete G_GNUC_UNUSED,
                        GVariant             *unsent G_GNUC_UNUSED,
                        gpointer              data)
{
  g_assert_cmpuint (*(guint *) data, ==, 2000);
}

static void
test_sent_before_close (Dialect       *d,
                        gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) notifications = g_string_new (NULL);
  guint n = 0;

  g_test_summary ("What a peer sends right before it closes is told before that it has");

  g_signal_handlers_disconnect_by_func (d->connection, dialect_notification_cb, d);
  g_signal_connect_swapped (d->connection, "notification", G_CALLBACK (count_notification_cb), &n);
  g_signal_connect (d->connection, "closed", G_CALLBACK (assert_not_told_yet_cb), &n);
  for (guint i = 0; i < 2000; i++)
    g_string_append (notifications, "93 02 a4 'exit' 91 00");
  send_hex (&d->raw, notifications->str);
  raw_peer_close (&d->raw);
  dialect_assert_log (d, "closed -; ");
}

/* ---- bytes that come early, and peers that have gone ---- */

static GSocket *
bind_to_port (guint16 *port)
{
  g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr(GSocketAddress) bound = NULL;
  g_autoptr(GError) error = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_no_error (error);
  g_assert_true (g_socket_bind (socket, any, TRUE, &error));
  g_assert_true (g_socket_listen (socket, &error));
  bound = g_socket_get_local_address (socket, &error);
  g_assert_no_error (error);
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return socket;
}

/* As a socket is that systemd starts a service for. */
static void
test_activation (Dialect       *d,
                 gconstpointer  data G_GNUC_UNUSED)
{
  guint16 port;
  g_autoptr(GSocket) listener = bind_to_port (&port);
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  MsgpackRpcServer *server = msgpack_rpc_server_new ();
  g_autoptr(GByteArray) request = bytes_from_hex ("94 00 00 a4 'echo' 91 01");
  g_autoptr(GError) error = NULL;
  RawPeer raw;

  g_test_summary ("What a client has sent before there was a server is answered");

  socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                         &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_connect (socket, address, NULL, &error));
  raw_peer_take (&raw, dup (g_socket_get_fd (socket)));
  raw_peer_send (&raw, request->data, request->len);

  msgpack_rpc_server_set_dispatcher (server, d->dispatcher);
  g_assert_true (g_socket_listener_add_socket (G_SOCKET_LISTENER (server), listener, NULL, &error));
  assert_comes (&raw, "94 01 00 c0 91 01", "", "");

  g_socket_close (socket, NULL);
  raw_peer_clear (&raw);
  g_socket_listener_close (G_SOCKET_LISTENER (server));
  test_wait_finalized (server);
  dialect_assert_log (d, "echo [<int64 1>]; ");
}

typedef struct
{
  GSocket *listener;
  const char *scheme;
} Proxy;

static int
read_line (int   fd,
           char *line,
           int   size)
{
  int n = 0;

  while (n < size && (n == 0 || line[n - 1] != '\n'))
    {
      wait_for_fd (fd, POLLIN);
      g_assert_cmpint (recv (fd, line + n, 1, 0), ==, 1);
      n++;
    }
  return n;
}

static void
play_socks (int fd)
{
  g_autoptr(GByteArray) greeting = bytes_from_hex ("05 01 00");
  g_autoptr(GByteArray) choice = bytes_from_hex ("05 00");
  g_autoptr(GByteArray) request = bytes_from_hex ("05 01 00 01 c0000201 1267");
  g_autoptr(GByteArray) granted = bytes_from_hex ("05 00 00 01 7f000001 0001 93 02 a5 'early' 90");

  receive_all (fd, greeting);
  send_all (fd, choice);
  receive_all (fd, request);
  send_all (fd, granted);
}

static void
play_http (int fd)
{
  g_autoptr(GByteArray) granted = bytes_from_hex ("'HTTP/1.0 200 OK' 0d0a0d0a 93 02 a5 'early' 90");
  char line[1024];

  while (read_line (fd, line, sizeof line) > 2)
    ;
  send_all (fd, granted);
}

/* It gets us through, and what the peer says at once is in the same segment. */
static gpointer
proxy_thread (gpointer user_data)
{
  Proxy *proxy = user_data;
  int fd;

  wait_for_fd (g_socket_get_fd (proxy->listener), POLLIN);
  fd = accept (g_socket_get_fd (proxy->listener), NULL, NULL);
  g_assert_cmpint (fd, >=, 0);
  if (g_str_equal (proxy->scheme, "socks5"))
    play_socks (fd);
  else
    play_http (fd);
  return GINT_TO_POINTER (fd);
}

static void
client_notification_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                        const char       *method,
                        GVariant         *params G_GNUC_UNUSED,
                        gpointer          data)
{
  g_string_append_printf (data, "%s ", method);
}

static void
test_proxy (gconstpointer data)
{
  guint16 port;
  g_autoptr(GSocket) listener = bind_to_port (&port);
  Proxy proxy = { listener, data };
  g_autofree char *uri = g_strdup_printf ("%s://127.0.0.1:%u", proxy.scheme, port);
  g_autoptr(GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tcp://192.0.2.1:4711");
  g_autoptr(GString) log = g_string_new (NULL);
  GThread *thread = g_thread_new ("proxy", proxy_thread, &proxy);

  g_test_summary ("What a server says as soon as a proxy has let us through is told");

  g_socket_client_set_proxy_resolver (msgpack_rpc_client_get_socket_client (client), resolver);
  g_signal_connect (client, "notification", G_CALLBACK (client_notification_cb), log);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  WAIT_UNTIL (log->len > 0);
  g_assert_cmpstr (log->str, ==, "early ");

  close (GPOINTER_TO_INT (g_thread_join (thread)));
  WAIT_UNTIL (!msgpack_rpc_client_is_connected (client));
}

static void
test_no_signal (gconstpointer data)
{
  RawPeer raw;
  g_autoptr(GIOStream) stream = raw_peer_init_transport (&raw, data);
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_test_summary ("Writing to a peer that has gone is no signal that ends the process");

  connection = msgpack_rpc_connection_new (stream);
  raw_peer_clear (&raw);
  while (msgpack_rpc_connection_is_connected (connection))
    {
      msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "n", NULL, NULL);
      test_iterate ();
    }
}

/* ---- standard input and output ---- */

static void
test_stray_prints (Dialect       *d,
                   gconstpointer  data G_GNUC_UNUSED)
{
  static const char *const prints[][2] = {
    { "'E117: Unknown function' 0d0a",
      "closed expected a message (an array), got \"E117: Unknown function\\r\\n\" at offset 0; " },
    { "'Error detected while processing init.vim:' 0d0a 'line    3:'",
      "closed expected a message (an array), got \"Error detected while processing …\" at offset 0; " },
    { "1b '[31mred' 1b '[0m' ff",
      "closed expected a message (an array), got \"\\x1b[31mred\\x1b[0m\\xff\" at offset 0; " },
  };

  g_test_summary ("The error shows the text that was printed among messages, without control characters");

  for (gsize i = 0; i < G_N_ELEMENTS (prints); i++)
    {
      send_hex (&d->raw, prints[i][0]);
      dialect_assert_log (d, prints[i][1]);
      dialect_renew (d);
    }
}

static gboolean
print_handler (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               data G_GNUC_UNUSED,
               GError               **error G_GNUC_UNUSED)
{
  printf ("stray print\n");
  fflush (stdout);
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static void
quit_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
         GError               *error G_GNUC_UNUSED,
         GVariant             *incomplete G_GNUC_UNUSED,
         GVariant             *unsent G_GNUC_UNUSED,
         gpointer              data)
{
  g_main_loop_quit (data);
}

static gboolean
exit_handler (MsgpackRpcInvocation  *invocation G_GNUC_UNUSED,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GError) again = NULL;

  g_assert_null (msgpack_rpc_take_stdio (&again));
  g_assert_error (again, G_IO_ERROR, G_IO_ERROR_BUSY);
  /* Nobody else reads what the peer sends. */
  g_assert_cmpint (getchar (), ==, EOF);
  exit (3);
}

/* What this program is when it is started by a test. */
static int
serve_stdio (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;

  printf ("printed early ");
  stream = msgpack_rpc_take_stdio (&error);
  g_assert_no_error (error);
  connection = msgpack_rpc_connection_new (stream);
  g_clear_object (&stream);
  msgpack_rpc_dispatcher_add_method (dispatcher, "print", NULL, print_handler, NULL, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "exit", NULL, exit_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  g_signal_connect (connection, "closed", G_CALLBACK (quit_cb), loop);
  g_main_loop_run (loop);
  return 0;
}

static void
test_take_stdio (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  const char * const argv[] = { self, "serve-stdio", NULL };
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new_for_argv (argv);
  g_autoptr(MsgpackRpcCall) print = NULL, end = NULL;

  g_test_summary ("What a plug-in prints goes to its standard error, and its answers to its caller");

  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  print = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "print", g_variant_new ("(i)", 7));
  dialect_assert_result (print, "[<int64 7>]");
  end = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "exit", NULL);
  WAIT_UNTIL (dialect_call_has_ended (end));
  g_assert_error (msgpack_rpc_call_get_error (end), G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_nonnull (strstr (msgpack_rpc_call_get_error (end)->message, "printed early stray print"));
}

int
main (int    argc,
      char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "serve-stdio"))
    return serve_stdio ();

  /* As in a program that has never heard of it, whoever has started this one. */
  signal (SIGPIPE, SIG_DFL);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) \
  g_test_add ("/dialects/" name, Dialect, NULL, dialect_setup, function, dialect_teardown)
  ADD ("42/received", test_order_in);
  ADD ("42/sent", test_order_out);
  ADD ("42/threads", test_order_threads);
  ADD ("43/nested", test_nested);
  ADD ("43/too-deep", test_nested_too_deep);
  ADD ("43/notifications", test_nested_notifications);
  g_test_add_func ("/dialects/44/stalled", test_stalled);
  ADD ("45/burst", test_burst);
  ADD ("46/answered", test_half_close);
  ADD ("46/refused", test_half_close_ends);
  ADD ("47/before-close", test_sent_before_close);
  ADD ("48/activation", test_activation);
  g_test_add_data_func ("/dialects/48/socks", "socks5", test_proxy);
  g_test_add_data_func ("/dialects/48/http-proxy", "http", test_proxy);
  g_test_add_data_func ("/dialects/48/gone-socket", "unix", test_no_signal);
  g_test_add_data_func ("/dialects/48/gone-pipe", "pipes", test_no_signal);
  ADD ("49/shown", test_stray_prints);
  g_test_add_func ("/dialects/49/taken", test_take_stdio);

  return g_test_run ();
}
