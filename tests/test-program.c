/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A program that a client starts: how its end is told, and what becomes of its standard error. */

#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  MsgpackRpcDispatcher *dispatcher;
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;  /* the client */
  GError *ended;         /* with the last change of the status */
  GError *closed;        /* of the connection */
  gboolean has_begun;
  gboolean has_ended;
  int saved;             /* our own standard error */
  int pipe[2];           /* what stands for it; −1: closed */
} Fixture;

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           const GError         *error,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              data)
{
  Fixture *f = data;

  g_clear_error (&f->closed);
  f->closed = error != NULL ? g_error_copy (error) : NULL;
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   const GError               *error,
                   gpointer                    data)
{
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_client_get_connection (client);
  Fixture *f = data;

  if (connection != NULL && !f->has_begun)
    g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), f);
  f->has_begun = f->has_begun || connection != NULL;
  if (new_status != MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    return;

  g_clear_error (&f->ended);
  f->ended = error != NULL ? g_error_copy (error) : NULL;
  f->has_ended = TRUE;
}

static void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  f->pipe[0] = f->pipe[1] = f->saved = -1;
}

/* From here on, what comes to our standard error can be read. */
static void
catch_stderr (Fixture *f)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (g_unix_open_pipe (f->pipe, FD_CLOEXEC, &error));
  g_unix_set_fd_nonblocking (f->pipe[0], TRUE, NULL);
  fflush (stderr);
  f->saved = dup (STDERR_FILENO);
  g_assert_cmpint (dup2 (f->pipe[1], STDERR_FILENO), ==, STDERR_FILENO);
}

static void
release_stderr (Fixture *f)
{
  if (f->saved < 0)
    return;

  dup2 (f->saved, STDERR_FILENO);
  close (f->saved);
  close (f->pipe[0]);
  close (f->pipe[1]);
  f->saved = -1;
}

static void
take_stderr (Fixture *f,
             GString *text)
{
  char buffer[4096];
  gssize n;

  while ((n = read (f->pipe[0], buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  release_stderr (f);
  if (f->client != NULL)
    {
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      g_assert_finalize_object (f->client);
    }
  test_drain ();
  g_clear_error (&f->ended);
  g_clear_error (&f->closed);
  g_object_unref (f->dispatcher);
}

/* What a script waits for: the first byte of a call. */
#define CALLED "head -c 1 >/dev/null; "

/* A client of a shell that runs @script. */
static void
start (Fixture    *f,
       const char *script)
{
  const char * const argv[] = { "sh", "-c", script, NULL };

  f->client = msgpack_rpc_client_new_for_argv (argv);
  f->peer = MSGPACK_RPC_PEER (f->client);
  msgpack_rpc_client_set_dispatcher (f->client, f->dispatcher);
  g_signal_connect (f->client, "status-changed", G_CALLBACK (status_changed_cb), f);
}

static char *
call_until_ended (Fixture *f)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &called);
  WAIT_UNTIL (called != NULL && f->has_ended);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  return g_strdup (error->message);
}

/* All that is told of its end says the same. */
static void
assert_ends (Fixture    *f,
             const char *how)
{
  g_autofree char *expected = g_strdup_printf ("The connection was closed: %s", how);
  g_autofree char *message = NULL;
  g_autoptr(GError) last_error = NULL;

  /* It ends when it is called. */
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (f->has_begun);
  message = call_until_ended (f);
  last_error = msgpack_rpc_client_get_last_error (f->client);
  g_assert_cmpstr (message, ==, expected);
  g_assert_error (f->ended, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpstr (f->ended->message, ==, how);
  WAIT_UNTIL (f->closed != NULL);
  g_assert_cmpstr (f->closed->message, ==, how);
  g_assert_cmpstr (last_error->message, ==, how);
}

/* “cat” sends our request back: a request to us, whose answer comes back as the reply. */
static void
assert_echoes (Fixture *f)
{
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  msgpack_rpc_peer_call_async (f->peer, "add", g_variant_new ("(ii)", 1, 2), NULL, test_store_result,
                               &called);
  WAIT_UNTIL (called != NULL);
  value = msgpack_rpc_peer_call_finish (f->peer, called, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
}

static void
test_status (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A program that ends is told of with its status and its last lines");

  start (f, CALLED "echo one >&2; echo two >&2; exit 3");
  assert_ends (f, "The program “sh” has exited with status 3; its standard error ends with:\n"
               "one\ntwo");
}

static void
test_silent (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A program that ends without a word is told of, too");

  start (f, CALLED "exit 0");
  assert_ends (f, "The program “sh” has exited with status 0");
}

static void
test_signal (Fixture       *f,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A program that is killed is told of with the signal");

  start (f, CALLED "kill -KILL $$");
  assert_ends (f, "The program “sh” was ended by signal 9 (Killed)");
}

static void
test_before_it_reads (Fixture       *f,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *message = NULL;

  g_test_summary ("It is told of also when writing to it fails first");

  start (f, "exec 0<&-; echo gone >&2; exit 5");
  message = call_until_ended (f);
  g_assert_cmpstr (message, ==, "The connection was closed: The program “sh” has exited with "
                   "status 5; its standard error ends with:\ngone");
}

static void
test_sync (Fixture       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  g_test_summary ("A sync call hears of it without any loop");

  start (f, CALLED "echo why >&2; exit 4");
  msgpack_rpc_client_set_forward_stderr (f->client, FALSE);
  g_assert_true (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (msgpack_rpc_peer_call_sync (f->peer, "add", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpstr (error->message, ==, "The connection was closed: The program “sh” has exited with "
                   "status 4; its standard error ends with:\nwhy");
}

static void
test_many_lines (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) expected = NULL;

  g_test_summary ("Of many lines, the last twenty are told");

  expected = g_string_new ("The program “sh” has exited with status 1; its standard error ends with:");
  for (guint i = 9981; i <= 10000; i++)
    g_string_append_printf (expected, "\n%u", i);
  start (f, CALLED "seq 10000 >&2; exit 1");
  msgpack_rpc_client_set_forward_stderr (f->client, FALSE);
  assert_ends (f, expected->str);
}

static void
test_long_line (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *message = NULL;

  g_test_summary ("Of a long line, the last 8 KiB are told, as valid text");

  start (f, "head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\377\\0end' >&2; exit 1");
  msgpack_rpc_client_set_forward_stderr (f->client, FALSE);
  message = call_until_ended (f);
  g_assert_true (g_utf8_validate (message, -1, NULL));
  g_assert_true (g_str_has_suffix (message, "xxx\357\277\275\357\277\275end"));
  g_assert_cmpuint (strlen (message), <, 8192 + 200);
  g_assert_cmpuint (strlen (message), >, 8192);
}

static void
test_visible (Fixture       *f,
              gconstpointer  data)
{
  gboolean forwards = GPOINTER_TO_INT (data);
  g_autoptr(GString) text = g_string_new (NULL);

  g_test_summary ("What a program writes to its standard error appears on ours, unless it is not "
                  "wanted");

  catch_stderr (f);
  start (f, "echo hello >&2; exec cat");
  g_assert_true (msgpack_rpc_client_get_forward_stderr (f->client));
  msgpack_rpc_client_set_forward_stderr (f->client, forwards);
  assert_echoes (f);
  if (forwards)
    WAIT_UNTIL_WITH (strstr (text->str, "hello\n") != NULL, (test_iterate (), take_stderr (f, text)));
  for (guint i = 0; i < 5; i++)
    test_iterate ();
  take_stderr (f, text);
  release_stderr (f);
  g_assert_cmpstr (text->str, ==, forwards ? "hello\n" : "");
}

static void
test_last_words (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GString) text = g_string_new (NULL);

  g_test_summary ("What it writes after the client has closed it, and is gone, appears, too");

  catch_stderr (f);
  start (f, "cat; seq 20000 >&2; echo bye >&2");
  assert_echoes (f);
  msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (f->client, f);
  g_clear_object (&f->client);
  WAIT_UNTIL_WITH (strstr (text->str, "bye\n") != NULL, (test_iterate (), take_stderr (f, text)));
  release_stderr (f);
  g_assert_cmpuint (text->len, ==, 108894 + strlen ("bye\n"));
}

static gsize
get_resident (void)
{
  g_autofree char *text = NULL;
  gsize pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %zu", &pages), ==, 1);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

static void
test_flood (Fixture       *f,
            gconstpointer  data G_GNUC_UNUSED)
{
  gsize before;

  g_test_summary ("A program that writes on and on takes no memory, and its calls are answered");

  start (f, "yes error >&2 & cat; kill $!");
  msgpack_rpc_client_set_forward_stderr (f->client, FALSE);
  assert_echoes (f);
  before = get_resident ();
  for (guint i = 0; i < 200; i++)
    assert_echoes (f);
  g_assert_cmpuint (get_resident (), <, before + 8 * 1024 * 1024);
}

static void
test_nobody_reads (Fixture       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  char full[4096] = { 0 };

  g_test_summary ("Where our own standard error takes nothing, the program waits, and not we");

  catch_stderr (f);
  g_unix_set_fd_nonblocking (f->pipe[1], TRUE, NULL);
  while (write (f->pipe[1], full, sizeof full) > 0)
    continue;
  g_unix_set_fd_nonblocking (f->pipe[1], FALSE, NULL);
  start (f, "yes error >&2 & cat; kill $!");
  for (guint i = 0; i < 20; i++)
    assert_echoes (f);
  release_stderr (f);
}

static void
test_lives_on (Fixture       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *message = NULL;

  g_test_summary ("A program that closes its output and lives on is a peer that has closed");

  start (f, "exec 1>&-; exec cat >/dev/null");
  message = call_until_ended (f);
  g_assert_cmpstr (message, ==, "The peer closed the connection");
}

static gboolean
is_over_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_reads_no_more (Fixture       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSubprocess) subprocess = NULL;
  g_autoptr(GAsyncResult) called = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strnfill (10000, 'x');
  gboolean is_over = FALSE;
  guint n = 0;

  g_test_summary ("A program that closes its output, and then reads no more, is waited for idly");

  /* What it reads lets us write once more when its end was seen. */
  start (f, "exec 1>&-; sleep 0.2; head -c 65536 >/dev/null; exec sleep 1000");
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  WAIT_UNTIL (msgpack_rpc_client_is_connected (f->client));
  subprocess = msgpack_rpc_client_get_subprocess (f->client);
  msgpack_rpc_peer_call_async (f->peer, "add", NULL, NULL, test_store_result, &called);
  /* More than a pipe holds. */
  for (guint i = 0; i < 100; i++)
    {
      msgpack_rpc_peer_send_notification (f->peer, "n", g_variant_new ("(s)", text), &error);
      g_assert_no_error (error);
    }
  WAIT_UNTIL (called != NULL);
  g_assert_null (msgpack_rpc_peer_call_finish (f->peer, called, &error));
  g_assert_nonnull (error);

  g_timeout_add (200, is_over_cb, &is_over);
  WAIT_UNTIL_WITH (is_over, { test_iterate (); n++; });
  g_assert_cmpuint (n, <, 100);
  g_subprocess_force_exit (subprocess);
}

static void
test_not_started (Fixture       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const missing[] = { "/no/such/program", NULL };
  static const char * const folder[] = { "/", NULL };
  g_autoptr(GError) error = NULL;

  g_test_summary ("A program that cannot be started is an error that names it");

  f->client = msgpack_rpc_client_new_for_argv (missing);
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  g_assert_true (g_str_has_prefix (error->message, "Could not start “/no/such/program”: "));
  g_clear_error (&error);
  g_clear_object (&f->client);

  f->client = msgpack_rpc_client_new_for_argv (folder);
  g_assert_false (msgpack_rpc_client_open_sync (f->client, NULL, &error));
  g_assert_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES);
  g_assert_true (g_str_has_prefix (error->message, "Could not start “/”: "));
}

static void
test_no_zombie (Fixture       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Programs that have ended are no zombies, whether they were waited for or not");

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr(GSubprocess) subprocess = NULL;
      pid_t pid;

      start (f, "exec cat");
      assert_echoes (f);
      subprocess = msgpack_rpc_client_get_subprocess (f->client);
      pid = (pid_t) g_ascii_strtoll (g_subprocess_get_identifier (subprocess), NULL, 10);
      if (i % 2 == 0)
        kill (pid, SIGTERM);
      if (i == 1)
        g_clear_object (&subprocess);
      g_signal_handlers_disconnect_by_data (f->client, f);
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      g_clear_object (&f->client);
      WAIT_UNTIL (kill (pid, 0) != 0 && errno == ESRCH);
    }
}

#define ADD_WITH(name, data, func) \
  g_test_add ("/msgpack-rpc/program/" name, Fixture, data, setup, func, teardown)
#define ADD(name, func) ADD_WITH (name, NULL, func)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("status", test_status);
  ADD ("silent", test_silent);
  ADD ("signal", test_signal);
  ADD ("before-it-reads", test_before_it_reads);
  ADD ("sync", test_sync);
  ADD ("many-lines", test_many_lines);
  ADD ("long-line", test_long_line);
  ADD_WITH ("visible", GINT_TO_POINTER (TRUE), test_visible);
  ADD_WITH ("not-visible", GINT_TO_POINTER (FALSE), test_visible);
  ADD ("last-words", test_last_words);
  ADD ("flood", test_flood);
  ADD ("nobody-reads", test_nobody_reads);
  ADD ("lives-on", test_lives_on);
  ADD ("reads-no-more", test_reads_no_more);
  ADD ("not-started", test_not_started);
  ADD ("no-zombie", test_no_zombie);

  return g_test_run ();
}
