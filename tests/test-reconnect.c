/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A client that connects again: when it does, what is told of it, and what becomes of its calls. */

#include "test-util.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER
#endif
#ifdef HAS_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

/* So long that no test sees its end. */
#define HOUR (60 * 60 * 1000)

/* A client, and a UNIX socket at its address, which may be there or not. What it accepts is a raw
 * peer. */
typedef struct
{
  char *folder;
  char *path;
  char *address;
  int listener;          /* −1: nobody listens */
  RawPeer server;        /* the last that was accepted */
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;  /* the client */
  MsgpackRpcReconnectPolicy *policy;
  GString *log;          /* of the status */
  GPtrArray *errors;     /* of GError, the reasons */
  MsgpackRpcConnectionStatus last_status;
  guint n_notified;      /* of the status */
  guint n_changes;       /* of the status */
  gboolean inside;       /* of a function that may call nothing */
} Fixture;

static void
start_listening (Fixture *f)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_unlink (f->path);
  g_strlcpy (address.sun_path, f->path, sizeof address.sun_path);
  f->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (f->listener, >=, 0);
  g_assert_cmpint (bind (f->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (f->listener, 16), ==, 0);
}

static void
stop_listening (Fixture *f)
{
  g_assert_cmpint (close (f->listener), ==, 0);
  f->listener = -1;
}

static void
clear_server (Fixture *f)
{
  if (f->server.unpacker != NULL)
    raw_peer_clear (&f->server);
  f->server = (RawPeer) { .fd = -1 };
}

static gboolean
try_accept (Fixture *f)
{
  int fd = accept (f->listener, NULL, NULL);

  if (fd < 0)
    return FALSE;
  clear_server (f);
  raw_peer_take (&f->server, fd);
  return TRUE;
}

static void
accept_client (Fixture *f)
{
  WAIT_UNTIL (try_accept (f));
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    data)
{
  static const char * const names[] = { "disconnected", "connecting", "connected", "closing" };
  Fixture *f = data;

  g_assert_false (f->inside);
  g_assert_true (client == f->client);
  g_assert_cmpint (old_status, ==, f->last_status);
  g_assert_cmpint (old_status, !=, new_status);
  f->last_status = new_status;
  f->n_changes++;
  g_string_append_printf (f->log, "%s%s ", names[new_status], error != NULL ? "!" : "");
  if (error != NULL)
    g_ptr_array_add (f->errors, g_error_copy (error));
}

static void
status_notified_cb (Fixture *f)
{
  g_assert_false (f->inside);
  f->n_notified++;
}

static void
set_client (Fixture          *f,
            MsgpackRpcClient *client)
{
  g_clear_object (&f->client);
  f->client = client;
  f->peer = MSGPACK_RPC_PEER (client);
  f->last_status = MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED;
  g_string_truncate (f->log, 0);
  g_ptr_array_set_size (f->errors, 0);
  f->n_changes = 0;
  f->n_notified = 0;
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed_cb), f);
  g_signal_connect_swapped (client, "notify::status", G_CALLBACK (status_notified_cb), f);
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  f->folder = g_dir_make_tmp ("msgpackrpc-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "socket", NULL);
  f->address = g_strconcat ("unix://", f->path, NULL);
  f->listener = -1;
  f->server.fd = -1;
  f->log = g_string_new (NULL);
  f->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  f->policy = msgpack_rpc_reconnect_policy_new ();
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, 1);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, 5);
  set_client (f, msgpack_rpc_client_new (f->address));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->client != NULL)
    {
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      /* Each change was told once, in both ways. */
      g_assert_cmpuint (f->n_notified, ==, f->n_changes);
      g_assert_finalize_object (f->client);
    }
  g_assert_finalize_object (f->policy);
  clear_server (f);
  if (f->listener >= 0)
    stop_listening (f);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_string_free (f->log, TRUE);
  g_ptr_array_unref (f->errors);
  g_free (f->folder);
  g_free (f->path);
  g_free (f->address);
}

static void
open_client (Fixture *f)
{
  start_listening (f);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  WAIT_UNTIL (f->last_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
}

static guint
count (Fixture    *f,
       const char *word)
{
  g_auto(GStrv) words = g_strsplit (f->log->str, " ", -1);
  guint n = 0;

  for (guint i = 0; words[i] != NULL; i++)
    n += g_str_equal (words[i], word) ? 1 : 0;
  return n;
}

static MsgpackRpcCall *
start_call (Fixture    *f,
            const char *method,
            gboolean    idempotent,
            gboolean    wait_for_ready)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new (method, NULL);

  msgpack_rpc_call_set_idempotent (call, idempotent);
  msgpack_rpc_call_set_wait_for_ready (call, wait_for_ready);
  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static gboolean
has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED ||
         msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED;
}

static void
assert_failed (MsgpackRpcCall     *call,
               GQuark              domain,
               int                 code,
               MsgpackRpcDelivery  delivery)
{
  WAIT_UNTIL (has_ended (call));
  g_assert_error (msgpack_rpc_call_get_error (call), domain, code);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, delivery);
}

/* Takes the next request, and its id. */
static gint64
expect_request (Fixture    *f,
                const char *method)
{
  g_autoptr(GVariant) message = raw_peer_receive (&f->server);
  g_autoptr(GVariant) type = g_variant_get_child_value (message, 0);
  g_autoptr(GVariant) id = g_variant_get_child_value (message, 1);
  g_autoptr(GVariant) name = g_variant_get_child_value (message, 2);
  g_autoptr(GVariant) inner_type = g_variant_get_variant (type);
  g_autoptr(GVariant) inner_id = g_variant_get_variant (id);
  g_autoptr(GVariant) inner_name = g_variant_get_variant (name);

  g_assert_cmpint (g_variant_get_int64 (inner_type), ==, 0);
  g_assert_cmpstr (g_variant_get_string (inner_name, NULL), ==, method);
  return g_variant_get_int64 (inner_id);
}

static void
answer (Fixture *f,
        gint64   id)
{
  g_autoptr(GVariant) nothing = g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT,
                                                                         NULL));

  raw_peer_send_value (&f->server, g_variant_new ("(ixvs)", 1, id, nothing, "done"));
}

static void
expect_and_answer (Fixture        *f,
                   MsgpackRpcCall *call)
{
  answer (f, expect_request (f, msgpack_rpc_call_get_method (call)));
  WAIT_UNTIL (has_ended (call));
  g_assert_no_error (msgpack_rpc_call_get_error (call));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
}

/* How many descriptors this process has. */
static guint
count_fds (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* Those that are sockets: GIO opens others when it likes. */
static guint
count_sockets (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      n += target != NULL && g_str_has_prefix (target, "socket:") ? 1 : 0;
    }

  return n;
}

/* ---- the policy ---- */

static void
count_notified (guint *n)
{
  (*n)++;
}

static void
test_property (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (f->address);
  g_autoptr(MsgpackRpcReconnectPolicy) policy = NULL;
  gpointer alive;
  guint n = 0;

  g_test_summary ("A client has no policy unless it is given one");

  g_signal_connect_swapped (client, "notify::reconnect-policy", G_CALLBACK (count_notified), &n);
  g_assert_null (msgpack_rpc_client_get_reconnect_policy (client));
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 0);
  g_object_set (client, "reconnect-policy", f->policy, NULL);
  msgpack_rpc_client_set_reconnect_policy (client, f->policy);
  policy = msgpack_rpc_client_get_reconnect_policy (client);
  g_assert_true (policy == f->policy);
  test_drain ();
  g_assert_cmpuint (n, ==, 1);
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  test_drain ();
  g_assert_cmpuint (n, ==, 2);
  g_clear_object (&policy);

  /* What was got stays, whoever sets another one meanwhile. */
  policy = msgpack_rpc_reconnect_policy_new ();
  alive = policy;
  g_object_add_weak_pointer (alive, &alive);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  g_object_unref (policy);
  policy = msgpack_rpc_client_get_reconnect_policy (client);
  msgpack_rpc_client_set_reconnect_policy (client, NULL);
  g_assert_nonnull (alive);
  g_clear_object (&policy);
  g_assert_null (alive);
}

/* ---- when it connects ---- */

static void
test_before_server (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) last_error = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client that is there before its server connects when that comes");

  f->inside = TRUE;
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  f->inside = FALSE;
  WAIT_UNTIL (count (f, "disconnected!") >= 3);
  g_assert_null (opened);
  g_assert_true (g_str_has_prefix (f->log->str, "connecting disconnected! connecting disconnected! "
                                                "connecting disconnected! "));
  for (guint i = 0; i < 3; i++)
    {
      GError *reason = g_ptr_array_index (f->errors, i);
      g_autofree char *start = g_strdup_printf ("Attempt %u: ", i + 1);

      g_assert_true (g_str_has_prefix (reason->message, start));
      g_assert_nonnull (strstr (reason->message, f->address));
      g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
  last_error = msgpack_rpc_client_get_last_error (f->client);
  g_assert_error (last_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  start_listening (f);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_no_error (error);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected! connecting connected "));
}

static void
test_max_attempts (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("The last attempt that a policy allows ends what waits, with an error that names "
                  "it; opening begins anew");

  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 3);
  for (guint i = 1; i <= 2; i++)
    {
      msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
      WAIT_UNTIL (opened != NULL);
      g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_assert_true (g_str_has_prefix (error->message, "Attempt 3 of 3: "));
      g_assert_nonnull (strstr (error->message, f->address));
      WAIT_UNTIL (count (f, "disconnected!") == 3 * i);
      g_clear_object (&opened);
      g_clear_error (&error);
    }

  call = start_call (f, "late", FALSE, FALSE);
  assert_failed (call, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_nonnull (strstr (msgpack_rpc_call_get_error (call)->message, "Attempt 3 of 3"));
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 6);
}

static void
test_bad_address (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("What can never succeed is not tried again");

  set_client (f, msgpack_rpc_client_new ("tcp://"));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  WAIT_UNTIL (f->n_changes == 2);
  g_assert_cmpstr (f->log->str, ==, "connecting disconnected! ");
}

static void
test_lost (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) after = NULL;
  GError *reason;

  g_test_summary ("A client that has lost its connection connects again, and says why at each step");

  open_client (f);
  for (guint i = 1; i <= 3; i++)
    {
      g_string_truncate (f->log, 0);
      raw_peer_close (&f->server);
      accept_client (f);
      WAIT_UNTIL (g_str_has_suffix (f->log->str, "connected ") &&
                  f->last_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
      g_assert_cmpstr (f->log->str, ==, "closing! disconnected connecting connected ");
    }
  reason = g_ptr_array_index (f->errors, 0);
  g_assert_error (reason, G_IO_ERROR, G_IO_ERROR_CLOSED);

  after = start_call (f, "after", FALSE, FALSE);
  expect_and_answer (f, after);
}

static void
test_sync_lost (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("again", NULL);
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A thread that waits for a call sees to it by itself that the client connects again");

  open_client (f);
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (f->peer, call);
  expect_request (f, "again");
  raw_peer_close (&f->server);
  stop_listening (f);

  /* No loop runs from here on; the server comes back before the call's deadline, in a thread. */
  g_assert_null (result);
  {
    g_autoptr(GSubprocess) answers = NULL;

    answers = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "/usr/bin/python3", "-c",
                                "import os, socket, sys\n"
                                "os.unlink(sys.argv[1])\n"
                                "s = socket.socket(socket.AF_UNIX)\n"
                                "s.bind(sys.argv[1])\n"
                                "s.listen()\n"
                                "c, _ = s.accept()\n"
                                "r = c.recv(100)\n"
                                "c.sendall(bytes([0x94, 1]) + r[2:3] + bytes([0xc0, 7]))\n"
                                "c.recv(1)\n",
                                f->path, NULL);
    g_assert_no_error (error);
    result = msgpack_rpc_call_wait (call, NULL, &error);
    g_assert_no_error (error);
    test_assert_value (result, "7");
    g_assert_true (msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, &error));
    g_assert_true (g_subprocess_wait_check (answers, NULL, &error));
  }
}

static void
test_stream (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = NULL;

  g_test_summary ("A stream cannot be had a second time");

  stream = raw_peer_init_transport (&f->server, "plain");
  set_client (f, msgpack_rpc_client_new_for_stream (stream));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (f->client));
  raw_peer_close (&f->server);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 1);
}

static void
test_other_end (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  g_test_summary ("Closing the connection is not closing the client");

  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                      NULL);
  accept_client (f);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected connecting connected "));
}

/* ---- the delay ---- */

/* Disconnected, and far from the next attempt. */
static void
lose_for_long (Fixture *f)
{
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, HOUR);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
  open_client (f);
  raw_peer_close (&f->server);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
}

static void
test_close_in_delay (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) queued = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(MsgpackRpcCall) later = NULL;
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Closing ends the delay at once, and all that waits");

  lose_for_long (f);
  queued = start_call (f, "queued", TRUE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  g_assert_false (has_ended (queued));
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  test_store_result, &closed);
  g_assert_true (has_ended (queued));
  WAIT_UNTIL (closed != NULL);
  g_assert_true (msgpack_rpc_client_close_finish (f->client, closed, &error));
  assert_failed (queued, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  later = start_call (f, "later", FALSE, FALSE);
  assert_failed (later, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_cmpuint (count (f, "connecting"), ==, 1);
  g_assert_false (try_accept (f));

  /* It may be opened again. */
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
}

static void
test_open_in_delay (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Opening does not wait for the end of the delay");

  lose_for_long (f);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  g_assert_true (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_no_error (error);
}

static void
test_cancel_in_delay (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Cancelling to open ends the delay, and what waits");

  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, HOUR);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
  msgpack_rpc_client_open_async (f->client, cancellable, test_store_result, &opened);
  WAIT_UNTIL (count (f, "disconnected!") == 1);
  ready = start_call (f, "ready", FALSE, TRUE);
  g_cancellable_cancel (cancellable);
  g_assert_true (has_ended (ready));
  WAIT_UNTIL (opened != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  test_drain ();
  g_assert_cmpstr (f->log->str, ==, "connecting disconnected! ");
}

static gpointer
unref_in_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
count_lost_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
               MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
               MsgpackRpcConnectionStatus  new_status,
               GError                     *error G_GNUC_UNUSED,
               gpointer                    n_lost)
{
  *(guint *) n_lost += new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED ? 1 : 0;
}

static void
test_drop_in_delay (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  guint n_fds;

  g_test_summary ("The last reference may be dropped during the delay, in any thread");

  g_clear_object (&f->client);
  start_listening (f);
  test_drain ();
  n_fds = count_fds ();
  for (guint i = 0; i < 40; i++)
    {
      MsgpackRpcClient *client = msgpack_rpc_client_new (f->address);
      gpointer gone = client;
      guint n_lost = 0;

      g_signal_connect (client, "status-changed", G_CALLBACK (count_lost_cb), &n_lost);
      msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, i % 3 == 0 ? HOUR : 1);
      msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
      msgpack_rpc_client_set_reconnect_policy (client, f->policy);
      g_object_add_weak_pointer (G_OBJECT (client), &gone);
      msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
      accept_client (f);
      WAIT_UNTIL (msgpack_rpc_client_is_connected (client));
      test_drain ();
      raw_peer_close (&f->server);
      WAIT_UNTIL (n_lost > 0);
      for (guint j = 0; j < i % 7; j++)
        g_main_context_iteration (NULL, FALSE);

      if (i % 2 == 0)
        g_thread_join (g_thread_new ("drop", unref_in_thread, client));
      else
        g_object_unref (client);
      WAIT_UNTIL (gone == NULL);
    }

  test_drain ();
  while (try_accept (f))
    ;
  clear_server (f);
  WAIT_UNTIL (count_fds () <= n_fds);
}

static void
test_policy_removed (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("Without its policy the client stops with the attempt that comes next");

  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (count (f, "disconnected!") >= 1);
  msgpack_rpc_client_set_reconnect_policy (f->client, NULL);
  WAIT_UNTIL (opened != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  test_drain ();
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
}

/* ---- what becomes of calls ---- */

static void
test_sent (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) once = NULL;
  g_autoptr(MsgpackRpcCall) often = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;

  g_test_summary ("What was sent and not answered is sent again if it is idempotent, and never else");

  open_client (f);
  once = start_call (f, "once", FALSE, FALSE);
  often = start_call (f, "often", TRUE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  expect_request (f, "once");
  expect_request (f, "often");
  expect_request (f, "ready");
  raw_peer_close (&f->server);
  assert_failed (once, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
  assert_failed (ready, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
  g_assert_false (has_ended (often));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (often), ==, MSGPACK_RPC_DELIVERY_SENT);

  accept_client (f);
  expect_and_answer (f, often);
}

static void
test_idempotent_expires (Fixture       *f,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("often", NULL);

  g_test_summary ("One deadline spans a call that is sent again, which still says that it was sent");

  open_client (f);
  msgpack_rpc_call_set_timeout (call, 100 * test_get_slowness ());
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (f->peer, call);
  expect_request (f, "often");
  stop_listening (f);
  raw_peer_close (&f->server);
  WAIT_UNTIL (count (f, "disconnected!") >= 2);
  g_assert_false (has_ended (call));
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, MSGPACK_RPC_DELIVERY_SENT);
}

/* A message that fills all buffers, so that what comes after it is not sent. */
static MsgpackRpcCall *
start_large_call (Fixture *f)
{
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  MsgpackRpcCall *call = msgpack_rpc_call_new ("large", g_variant_new ("(s)", text));

  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static void
test_unsent (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GError) error = NULL;

  g_test_summary ("What was not sent goes out on the next connection, in order, notifications too");

  open_client (f);
  large = start_large_call (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("m%u", i);

      if (i % 3 == 0)
        g_assert_true (msgpack_rpc_peer_send_notification (f->peer, name, NULL, &error));
      else if (i % 3 == 1)
        msgpack_rpc_peer_send_notification_async (f->peer, name, NULL, NULL, NULL, NULL);
      else
        g_ptr_array_add (calls, start_call (f, name, i % 2 == 0, FALSE));
    }
  test_drain ();
  for (guint i = 0; i < calls->len; i++)
    g_assert_cmpint (msgpack_rpc_call_get_delivery (g_ptr_array_index (calls, i)), ==,
                     MSGPACK_RPC_DELIVERY_NOT_SENT);

  raw_peer_close (&f->server);
  assert_failed (large, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  accept_client (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->server);
      g_autofree char *text = g_variant_print (message, FALSE);
      g_autofree char *name = g_strdup_printf ("<'m%u'>", i);
      gint64 id;

      g_assert_nonnull (strstr (text, name));
      g_assert_cmpuint (g_variant_n_children (message), ==, i % 3 == 2 ? 4 : 3);
      if (i % 3 == 2)
        {
          id = msgpack_rpc_call_get_msgid (g_ptr_array_index (calls, i / 3));
          answer (f, id);
        }
    }
  for (guint i = 0; i < calls->len; i++)
    {
      WAIT_UNTIL (has_ended (g_ptr_array_index (calls, i)));
      g_assert_no_error (msgpack_rpc_call_get_error (g_ptr_array_index (calls, i)));
    }
}

static void
test_half_closed (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(MsgpackRpcCall) before = NULL;
  g_autoptr(MsgpackRpcCall) after = NULL;

  g_test_summary ("Calls that are made while the peer waits for its last answer go out on the next "
                  "connection, too");

  open_client (f);
  large = start_large_call (f);
  before = start_call (f, "before", FALSE, FALSE);
  test_drain ();
  raw_peer_shutdown_write (&f->server);
  assert_failed (large, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_PARTLY_SENT);
  g_assert_cmpint (msgpack_rpc_client_get_status (f->client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  after = start_call (f, "after", FALSE, FALSE);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "last", NULL, NULL));
  g_assert_false (has_ended (before));
  g_assert_false (has_ended (after));

  raw_peer_close (&f->server);
  accept_client (f);
  expect_and_answer (f, before);
  expect_and_answer (f, after);
  {
    g_autoptr(GVariant) last = raw_peer_receive (&f->server);

    test_assert_value (last, "[<int64 2>, <'last'>, <@av []>]");
  }
}

/* Calls until there is no room for another one. */
static guint
fill_parking (Fixture   *f,
              GPtrArray *calls)
{
  g_autofree char *text = g_strnfill (1000, 'x');
  guint first = calls->len;

  while (TRUE)
    {
      g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("n", g_variant_new ("(s)", text));
      g_autoptr(GError) error = NULL;

      msgpack_rpc_peer_send_call (f->peer, call);
      if (has_ended (call))
        {
          assert_failed (call, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL,
                         MSGPACK_RPC_DELIVERY_NOT_SENT);
          return calls->len - first;
        }
      g_ptr_array_add (calls, g_steal_pointer (&call));
    }
}

static void
test_parked_bound (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *text = g_strnfill (1000, 'x');
  g_autoptr(MsgpackRpcCall) large = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GError) error = NULL;
  guint n = 0;
  guint n_calls;

  g_test_summary ("What waits for the next connection is bounded as the queue is");

  open_client (f);
  large = start_large_call (f);
  test_drain ();
  raw_peer_shutdown_write (&f->server);
  WAIT_UNTIL (msgpack_rpc_client_get_status (f->client) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  msgpack_rpc_limits_set_max_queued_bytes (msgpack_rpc_client_get_limits (f->client), 100 * 1000);
  n_calls = fill_parking (f, calls);
  g_assert_cmpuint (n_calls, >, 50);
  g_assert_cmpuint (n_calls, <=, 100);

  /* What has ended waits no more. Later ids are longer. */
  for (guint i = 0; i < 10; i++)
    {
      for (guint j = 0; j < calls->len; j++)
        msgpack_rpc_call_cancel (g_ptr_array_index (calls, j));
      g_ptr_array_set_size (calls, 0);
      g_assert_cmpuint (fill_parking (f, calls), >=, n_calls - 1);
    }
  msgpack_rpc_call_cancel (g_ptr_array_index (calls, 7));
  g_assert_cmpuint (fill_parking (f, calls), ==, 1);

  for (guint i = 0; i < calls->len; i++)
    msgpack_rpc_call_cancel (g_ptr_array_index (calls, i));
  while (msgpack_rpc_peer_send_notification (f->peer, "n", g_variant_new ("(s)", text), &error))
    n++;
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  g_assert_cmpuint (n, >=, n_calls - 1);
  g_assert_cmpuint (n, <=, 100);

  /* There is room for all of it on the next one. */
  raw_peer_close (&f->server);
  accept_client (f);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr(GVariant) message = raw_peer_receive (&f->server);

      g_assert_cmpuint (g_variant_n_children (message), ==, 3);
    }
}

typedef struct
{
  Fixture *f;
  GString *log;
} Attempts;

static void
attempt_notified_cb (MsgpackRpcClient *client,
                     GParamSpec       *pspec G_GNUC_UNUSED,
                     Attempts         *attempts)
{
  g_assert_false (attempts->f->inside);
  g_string_append_printf (attempts->log, "%u ", msgpack_rpc_client_get_attempt (client));
}

static void
test_attempt (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(GAsyncResult) opened = NULL;
  Attempts attempts = { f, log };
  guint number;

  g_test_summary ("The number of an attempt is a property, told in the client's context, never twice");

  g_signal_connect (f->client, "notify::attempt", G_CALLBACK (attempt_notified_cb), &attempts);
  g_assert_cmpuint (msgpack_rpc_client_get_attempt (f->client), ==, 0);
  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 3);
  f->inside = TRUE;
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  f->inside = FALSE;
  WAIT_UNTIL (opened != NULL);
  test_drain ();
  g_assert_cmpstr (log->str, ==, "1 2 3 ");
  g_clear_object (&opened);

  /* Opening begins anew, and ends at 0. */
  g_string_truncate (log, 0);
  start_listening (f);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  test_drain ();
  g_assert_true (g_str_has_suffix (log->str, "0 "));
  g_object_get (f->client, "attempt", &number, NULL);
  g_assert_cmpuint (number, ==, 0);

  /* What is over before the loop runs is told to nobody. */
  g_string_truncate (log, 0);
  msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  f->inside = TRUE;
  g_assert_true (msgpack_rpc_client_open_sync (f->client, NULL, NULL));
  f->inside = FALSE;
  test_drain ();
  g_assert_cmpstr (log->str, ==, "");

  /* A client that was closed makes no attempt. */
  stop_listening (f);
  g_unlink (f->path);
  msgpack_rpc_reconnect_policy_set_max_attempts (f->policy, 0);
  msgpack_rpc_client_close_sync (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_get_attempt (f->client) > 1);
  f->inside = TRUE;
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  f->inside = FALSE;
  g_assert_cmpuint (msgpack_rpc_client_get_attempt (f->client), ==, 0);
  test_drain ();
  g_assert_true (g_str_has_suffix (log->str, " 0 "));
  g_signal_handlers_disconnect_by_data (f->client, &attempts);
}

static void
test_attempt_fails (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) queued = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;
  g_autoptr(MsgpackRpcCall) often = NULL;
  g_autoptr(GAsyncResult) heard = NULL;
  g_autoptr(GVariant) news = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("An attempt that fails ends what waits for it, but not what waits until it is "
                  "ready, or may be repeated, nor notifications");

  queued = start_call (f, "queued", FALSE, FALSE);
  ready = start_call (f, "ready", FALSE, TRUE);
  often = start_call (f, "often", TRUE, FALSE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  g_assert_true (msgpack_rpc_peer_send_notification (f->peer, "news", NULL, NULL));
  msgpack_rpc_peer_send_notification_async (f->peer, "heard of", NULL, NULL, test_store_result, &heard);
  assert_failed (queued, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_true (g_str_has_prefix (msgpack_rpc_call_get_error (queued)->message, "Attempt 1: "));
  WAIT_UNTIL (heard != NULL);
  g_assert_false (msgpack_rpc_peer_send_notification_finish (f->peer, heard, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  WAIT_UNTIL (count (f, "disconnected!") >= 3);
  start_listening (f);
  accept_client (f);
  expect_and_answer (f, ready);
  expect_and_answer (f, often);
  news = raw_peer_receive (&f->server);
  test_assert_value (news, "[<int64 2>, <'news'>, <@av []>]");
}

static void
test_ready_expires (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("ready", NULL);
  GError *error;

  g_test_summary ("A call that waits until it is ready ends by its deadline, and says what failed");

  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (count (f, "disconnected!") >= 1);
  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  msgpack_rpc_call_set_timeout (call, 30);
  msgpack_rpc_peer_send_call (f->peer, call);
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, MSGPACK_RPC_DELIVERY_NOT_SENT);
  error = msgpack_rpc_call_get_error (call);
  g_assert_true (g_str_has_prefix (error->message, "“ready” was not sent within 30 ms: Attempt "));
  g_assert_nonnull (strstr (error->message, f->address));
}

static void
test_ready_without_policy (Fixture       *f,
                           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) before = NULL;
  g_autoptr(MsgpackRpcCall) after = NULL;
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autoptr(GAsyncResult) opened = NULL;

  g_test_summary ("Without a policy, too, such a call waits until somebody opens the client with "
                  "success");

  msgpack_rpc_client_set_reconnect_policy (f->client, NULL);
  before = start_call (f, "before", FALSE, TRUE);
  msgpack_rpc_client_open_async (f->client, NULL, test_store_result, &opened);
  WAIT_UNTIL (opened != NULL);
  after = start_call (f, "after", FALSE, TRUE);
  refused = start_call (f, "refused", TRUE, FALSE);
  assert_failed (refused, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  g_assert_false (has_ended (before));
  g_assert_false (has_ended (after));

  open_client (f);
  expect_and_answer (f, before);
  expect_and_answer (f, after);
}

static void
test_refused_at_once (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) refused = NULL;
  g_autoptr(MsgpackRpcCall) ready = NULL;

  g_test_summary ("Without queueing, only what waits until it is ready is taken during the delay");

  lose_for_long (f);
  msgpack_rpc_client_set_queue_while_connecting (f->client, FALSE);
  refused = start_call (f, "refused", TRUE, FALSE);
  assert_failed (refused, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 MSGPACK_RPC_DELIVERY_NOT_SENT);
  ready = start_call (f, "ready", FALSE, TRUE);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  expect_and_answer (f, ready);
}

static void
test_on_connection (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("here", NULL);

  g_test_summary ("A call of the connection itself ends with the connection");

  open_client (f);
  connection = msgpack_rpc_client_get_connection (f->client);
  msgpack_rpc_call_set_idempotent (call, TRUE);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (connection), call);
  raw_peer_close (&f->server);
  assert_failed (call, G_IO_ERROR, G_IO_ERROR_CLOSED, MSGPACK_RPC_DELIVERY_SENT);
}

static void
test_cancel_unsent (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcCall) dropped = NULL;
  g_autoptr(MsgpackRpcCall) kept = NULL;

  g_test_summary ("A call that is cancelled during the delay is not sent, and touches no other");

  lose_for_long (f);
  dropped = start_call (f, "dropped", TRUE, TRUE);
  kept = start_call (f, "kept", FALSE, FALSE);
  msgpack_rpc_call_cancel (dropped);
  assert_failed (dropped, G_IO_ERROR, G_IO_ERROR_CANCELLED, MSGPACK_RPC_DELIVERY_NOT_SENT);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  expect_and_answer (f, kept);
}

/* ---- sockets ---- */

/* A port whose queue of connections is full: connecting to it does not end. */
static int
listen_and_fill (GArray  *fillers,
                 guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (listener, 0), ==, 0);
  g_assert_cmpint (getsockname (listener, (struct sockaddr *) &address, &size), ==, 0);
  *port = ntohs (address.sin_port);

  for (guint i = 0; i < 4; i++)
    {
      int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

      connect (fd, (struct sockaddr *) &address, size);
      g_array_append_val (fillers, fd);
    }
  return listener;
}

/* An attempt that the timeout of a GSocketClient ends leaves objects of GIO's behind that hold each other,
 * in any program (GLib 2.74). */
static void
ignore_leaks (gboolean ignore G_GNUC_UNUSED)
{
#ifdef HAS_LEAK_SANITIZER
  if (ignore)
    __lsan_disable ();
  else
    __lsan_enable ();
#endif
}

static void
test_stuck (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fillers = g_array_new (FALSE, FALSE, sizeof (int));
  g_autofree char *address = NULL;
  guint16 port;
  int listener = listen_and_fill (fillers, &port);
  guint n_sockets;

  g_test_summary ("An attempt that is cancelled, closed or times out leaves no socket open");

  address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  n_sockets = count_sockets ();
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GAsyncResult) opened = NULL;
      g_autoptr(GError) error = NULL;

      if (i == 11)
        ignore_leaks (TRUE);
      set_client (f, msgpack_rpc_client_new (address));
      msgpack_rpc_client_set_reconnect_policy (f->client, i % 2 == 0 ? f->policy : NULL);
      /* In seconds: once is enough. */
      if (i == 11)
        g_socket_client_set_timeout (msgpack_rpc_client_get_socket_client (f->client), 1);
      msgpack_rpc_client_open_async (f->client, cancellable, test_store_result, &opened);
      if (i > 5)
        WAIT_UNTIL (count_sockets () > n_sockets);
      if (i == 11)
        WAIT_UNTIL (opened != NULL);
      if (i % 3 == 0)
        g_cancellable_cancel (cancellable);
      else if (i % 3 == 1)
        msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      else
        g_object_run_dispose (G_OBJECT (f->client));
      WAIT_UNTIL (opened != NULL);
      g_assert_false (msgpack_rpc_client_open_finish (f->client, opened, &error));
      if (i == 11)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_clear_object (&opened);
      g_clear_object (&f->client);
      WAIT_UNTIL (count_sockets () == n_sockets);
    }
  ignore_leaks (FALSE);

  for (guint i = 0; i < fillers->len; i++)
    close (g_array_index (fillers, int, i));
  close (listener);
}

static void
test_late (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  guint n_accepted = 0;
  guint n_fds;

  g_test_summary ("A connection that comes about too late is closed");

  start_listening (f);
  g_clear_object (&f->client);
  test_drain ();
  n_fds = count_fds ();
  for (guint i = 0; i < 100; i++)
    {
      set_client (f, msgpack_rpc_client_new (f->address));
      msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
      msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
      for (guint j = 0; j < i % 12; j++)
        g_main_context_iteration (NULL, FALSE);
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      while (try_accept (f))
        {
          raw_peer_wait_closed (&f->server);
          n_accepted++;
        }
      g_assert_finalize_object (g_steal_pointer (&f->client));
    }

  g_assert_cmpuint (n_accepted, >, 0);
  clear_server (f);
  WAIT_UNTIL (count_fds () <= n_fds);
}

/* Takes all descriptors that are left. */
static void
fill_descriptors (GArray *fds)
{
  int fd;

  while ((fd = dup (STDERR_FILENO)) >= 0)
    g_array_append_val (fds, fd);
}

static void
limit_descriptors (struct rlimit *limit)
{
  struct rlimit small;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, limit), ==, 0);
  small = *limit;
  small.rlim_cur = 128;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &small), ==, 0);
}

static void
free_descriptors (GArray        *fds,
                  struct rlimit *limit)
{
  for (guint i = 0; i < fds->len; i++)
    g_assert_cmpint (close (g_array_index (fds, int, i)), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, limit), ==, 0);
}

static void
test_no_descriptors (Fixture       *f,
                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  struct rlimit limit;

  g_test_summary ("Without descriptors the client waits until there are some");

  open_client (f);
  limit_descriptors (&limit);
  raw_peer_close (&f->server);
  fill_descriptors (fds);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
  fill_descriptors (fds);
  test_drain ();
  g_assert_cmpuint (count (f, "connecting"), ==, 1);

  free_descriptors (fds, &limit);
  accept_client (f);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected connecting connected "));
}

/* Answers one request, in a thread. Returns the connection. */
static gpointer
answer_elsewhere (gpointer data)
{
  Fixture *f = data;
  GPollFD listener = { f->listener, G_IO_IN, 0 };
  guint8 reply[] = { 0x94, 1, 0, 0xc0, 7 };
  guint8 request[64];
  int fd;

  g_assert_cmpint (g_poll (&listener, 1, 20000 * test_get_slowness ()), ==, 1);
  fd = accept (f->listener, NULL, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (recv (fd, request, sizeof request, 0), >, 3);
  reply[2] = request[2];
  g_assert_cmpint (send (fd, reply, sizeof reply, MSG_NOSIGNAL), ==, sizeof reply);
  return GINT_TO_POINTER (fd);
}

static void
test_no_descriptors_nor_loop (Fixture       *f,
                              gconstpointer  data)
{
  gboolean opens = GPOINTER_TO_INT (data);
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr(GCancellable) cancelled = g_cancellable_new ();
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GVariant) result = NULL;
  g_autoptr(GError) error = NULL;
  struct rlimit limit;
  GThread *thread;

  g_test_summary ("Nor does it take a loop to find them: a thread that waits for the client does it");

  open_client (f);
  call = start_call (f, "again", TRUE, FALSE);
  expect_request (f, "again");
  g_cancellable_cancel (cancelled);
  /* What this thread waits with is there before. */
  g_assert_null (msgpack_rpc_call_wait (call, cancelled, NULL));
  limit_descriptors (&limit);
  raw_peer_close (&f->server);
  fill_descriptors (fds);
  WAIT_UNTIL_WITH (msgpack_rpc_client_get_status (f->client) ==
                     MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED,
                   g_assert_null (msgpack_rpc_call_wait (call, cancelled, NULL)));
  free_descriptors (fds, &limit);

  /* No loop runs from here on. */
  thread = g_thread_new ("server", answer_elsewhere, f);
  if (opens)
    {
      g_assert_true (msgpack_rpc_client_open_sync (f->client, NULL, &error));
      g_assert_no_error (error);
    }
  result = msgpack_rpc_call_wait (call, NULL, &error);
  g_assert_no_error (error);
  test_assert_value (result, "7");
  clear_server (f);
  raw_peer_take (&f->server, GPOINTER_TO_INT (g_thread_join (thread)));
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/reconnect/" name, Fixture, NULL, setup, function, teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("property", test_property);
  ADD ("before-server", test_before_server);
  ADD ("max-attempts", test_max_attempts);
  ADD ("bad-address", test_bad_address);
  ADD ("lost", test_lost);
  ADD ("sync-lost", test_sync_lost);
  ADD ("stream", test_stream);
  ADD ("other-end", test_other_end);
  ADD ("close-in-delay", test_close_in_delay);
  ADD ("open-in-delay", test_open_in_delay);
  ADD ("cancel-in-delay", test_cancel_in_delay);
  ADD ("drop-in-delay", test_drop_in_delay);
  ADD ("policy-removed", test_policy_removed);
  ADD ("sent", test_sent);
  ADD ("idempotent-expires", test_idempotent_expires);
  ADD ("unsent", test_unsent);
  ADD ("half-closed", test_half_closed);
  ADD ("parked-bound", test_parked_bound);
  ADD ("attempt", test_attempt);
  ADD ("attempt-fails", test_attempt_fails);
  ADD ("ready-expires", test_ready_expires);
  ADD ("ready-without-policy", test_ready_without_policy);
  ADD ("refused-at-once", test_refused_at_once);
  ADD ("on-connection", test_on_connection);
  ADD ("cancel-unsent", test_cancel_unsent);
  ADD ("stuck", test_stuck);
  ADD ("late", test_late);
  ADD ("no-descriptors", test_no_descriptors);
  g_test_add ("/msgpack-rpc/reconnect/no-descriptors-nor-loop/call", Fixture, GINT_TO_POINTER (FALSE),
              setup, test_no_descriptors_nor_loop, teardown);
  g_test_add ("/msgpack-rpc/reconnect/no-descriptors-nor-loop/open", Fixture, GINT_TO_POINTER (TRUE),
              setup, test_no_descriptors_nor_loop, teardown);

  return g_test_run ();
}
