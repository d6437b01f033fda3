/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What MSGPACK_RPC_DEBUG makes the library say: each case runs a program of its own. */

#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "test-util.h"

/* One call with a result, one with an error, and the end. */
static void
converse (void)
{
  MsgpackRpcConnection *caller, *callee;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GAsyncResult) closed = NULL;
  g_autoptr(GError) error = NULL;
  static const char * const methods[] = { "add", "not\nthere %s %n" };

  g_assert_true (msgpack_rpc_connection_new_pair (&caller, &callee, &error));
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (callee, dispatcher);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GVariant) reply = NULL;

      msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (caller), methods[i],
                                   g_variant_new ("(ii)", 1, 2), NULL, test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      reply = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (caller), result, NULL);
      g_assert_true ((reply != NULL) == (i == 0));
    }

  msgpack_rpc_connection_close_async (caller, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                      test_store_result, &closed);
  WAIT_UNTIL (closed != NULL && msgpack_rpc_connection_get_status (callee) ==
                                  MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_object_unref (caller);
  g_object_unref (callee);
}

typedef struct
{
  const char *name;
  const char *value;      /* of MSGPACK_RPC_DEBUG */
  const char *says[8];    /* all of these */
  const char *is_silent[8]; /* none of these */
} Case;

#define CALLS "[1:1] call “add” begins"
#define MESSAGES "[1] → [<int64 0>, <int64 1>, <'add'>, <[<int64 1>, <int64 2>]>]"
#define IO "[2] read 10 bytes"
#define STATUS "[1] connected → closing"

static const Case cases[] = {
  {
    .name = "off",
    .value = "",
    .is_silent = { CALLS, MESSAGES, IO, STATUS, "[1", "[2" },
  },
  {
    .name = "calls",
    .value = "calls",
    .says = { CALLS, "[2:1] request “add” has come", "[2:1] request “add” is answered: a result",
              "[1:1] call “add” ends after ", " ms: a result",
              "[2:2] request “not\\x0athere %s %n” is answered: an error", },
    .is_silent = { MESSAGES, IO, STATUS, "[1] ", },
  },
  {
    .name = "messages",
    .value = "messages",
    .says = { MESSAGES, "[2] ← [<int64 0>, <int64 1>, <'add'>, <[<int64 1>, <int64 2>]>]",
              "[2] → [<int64 1>, <int64 1>, <@mv nothing>, <int64 3>]",
              "[1] ← [<int64 1>, <int64 1>, <@mv nothing>, <int64 3>]", "not\\nthere %s %n" },
    .is_silent = { CALLS, IO, STATUS },
  },
  {
    .name = "io",
    .value = "io",
    .says = { IO, "[1] wrote 10 bytes, messages done: 1", "[2] read the end of the stream" },
    .is_silent = { CALLS, MESSAGES, STATUS },
  },
  {
    .name = "status",
    .value = "status",
    .says = { STATUS, "[1] fd transport for a GUnixConnection", "[2] half-closed → ended" },
    .is_silent = { CALLS, MESSAGES, IO },
  },
  {
    .name = "all",
    .value = "all",
    .says = { CALLS, MESSAGES, IO, STATUS },
  },
  {
    .name = "all-but",
    .value = "all,messages",
    .says = { CALLS, IO, STATUS },
    .is_silent = { MESSAGES },
  },
  {
    .name = "help",
    .value = "help",
    .says = { "calls", "messages", "io", "status", "all", "help" },
    .is_silent = { CALLS, MESSAGES, IO, STATUS },
  },
};

static void
test_words (gconstpointer data)
{
  const Case *expected = data;
  g_autofree char *output = NULL, *errors = NULL, *text = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GSubprocessLauncher) launcher = NULL;
  char program[4096];
  gssize length;

  g_test_summary ("What is asked for is said, with the ids first, and nothing else");

  length = readlink ("/proc/self/exe", program, sizeof program - 1);
  g_assert_cmpint (length, >, 0);
  program[length] = '\0';

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                        G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_setenv (launcher, "MSGPACK_RPC_DEBUG", expected->value, TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, program, "--converse", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, &errors, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  g_assert_cmpstr (output, ==, "");

  g_test_message ("%s", errors);
  for (guint i = 0; expected->says[i] != NULL; i++)
    if (strstr (errors, expected->says[i]) == NULL)
      g_error ("“%s” is not in: %s", expected->says[i], errors);
  for (guint i = 0; expected->is_silent[i] != NULL; i++)
    if (strstr (errors, expected->is_silent[i]) != NULL)
      g_error ("“%s” is in: %s", expected->is_silent[i], errors);
}

int
main (int    argc,
      char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--converse"))
    {
      setlocale (LC_ALL, "");
      converse ();
      return 0;
    }

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/msgpack-rpc/debug/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_words);
    }

  return g_test_run ();
}
