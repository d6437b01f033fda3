/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* workers
 *
 * Has a method run in another process, which is the same program, started again as a worker; and sees
 * such a process crash. */

#include <locale.h>
#include <stdlib.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static gint64
fibonacci (gint64 n)
{
  return n < 2 ? n : fibonacci (n - 1) + fibonacci (n - 2);
}

static gboolean
handle_fibonacci (MsgpackRpcInvocation  *invocation,
                  GVariant              *params,
                  gpointer               user_data,
                  GError               **error)
{
  gint64 n;

  g_variant_get (params, "(x)", &n);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_int64 (fibonacci (n)));
}

static gboolean
handle_crash (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               user_data,
              GError               **error)
{
  exit (3);
}

static void
add_methods (MsgpackRpcDispatcher *dispatcher)
{
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "fibonacci", "(x)", handle_fibonacci, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
  msgpack_rpc_dispatcher_add_method_full (dispatcher, "crash", "()", handle_crash, NULL, NULL,
                                          MSGPACK_RPC_METHOD_FLAGS_IN_PROCESS);
}

static void
call (MsgpackRpcDispatcher *dispatcher,
      const char           *method,
      GVariant             *params)
{
  g_autoptr(GVariant) reply = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;

  reply = msgpack_rpc_dispatcher_dispatch (dispatcher, g_variant_new ("(uus@*)", 0, 1, method, params),
                                           &error);
  text = reply != NULL ? g_variant_print (reply, FALSE) : g_strdup (error->message);
  g_print ("%s: %s\n", method, text);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  const char * const worker_argv[] = { argv[0], "--worker", NULL };

  setlocale (LC_ALL, "");
  add_methods (dispatcher);
  if (argc > 1 && g_str_equal (argv[1], "--worker"))
    return msgpack_rpc_worker_main (dispatcher);

  msgpack_rpc_dispatcher_set_worker_argv (dispatcher, worker_argv);
  msgpack_rpc_dispatcher_set_n_workers (dispatcher, g_get_num_processors ());
  msgpack_rpc_dispatcher_set_worker_time_limit (dispatcher, 10 * 1000);

  call (dispatcher, "fibonacci", g_variant_new ("(x)", (gint64) 20));
  call (dispatcher, "crash", g_variant_new ("()"));
  call (dispatcher, "fibonacci", g_variant_new ("(x)", (gint64) 21));
  return 0;
}
