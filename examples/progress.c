/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* progress
 *
 * A printer, which tells how far it is, stops when nobody waits for the pages any more, and says what it
 * lacks in a way that a program understands; and a client that prints. Both are in this process. */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define PRINTER_ERROR (g_quark_from_static_string ("printer-error-quark"))

typedef enum
{
  PRINTER_ERROR_NO_PAPER,
} PrinterError;

/* ---- the printer ---- */

typedef struct
{
  MsgpackRpcInvocation *invocation; /* owned */
  gint64 n_pages;
  gint64 n_printed;
  guint timer;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->invocation);
  g_free (job);
}

static gboolean
print_page (gpointer user_data)
{
  Job *job = user_data;
  double fraction = (double) ++job->n_printed / (double) job->n_pages;

  msgpack_rpc_invocation_report_progress (job->invocation, fraction,
                                          g_variant_new_take_string (
                                            g_strdup_printf ("page %d", (int) job->n_printed)));
  if (job->n_printed < job->n_pages)
    return G_SOURCE_CONTINUE;

  msgpack_rpc_invocation_return_value (job->invocation, g_variant_new_int64 (job->n_printed));
  return G_SOURCE_REMOVE;
}

static void
cancelled (MsgpackRpcInvocation *invocation,
           gpointer              user_data)
{
  Job *job = user_data;

  g_print ("the printer stops\n");
  g_source_remove (job->timer);
}

static gboolean
print (MsgpackRpcInvocation  *invocation,
       GVariant              *params,
       gpointer               user_data,
       GError               **error)
{
  Job *job;
  gint64 n_pages;

  g_variant_get (params, "(x)", &n_pages);
  if (n_pages > 100)
    {
      g_set_error (error, PRINTER_ERROR, PRINTER_ERROR_NO_PAPER, "There are 100 sheets of paper");
      return FALSE;
    }

  job = g_new0 (Job, 1);
  job->invocation = g_object_ref (invocation);
  job->n_pages = MAX (n_pages, 1);
  job->timer = g_timeout_add_full (G_PRIORITY_DEFAULT, 2, print_page, job, job_free);
  g_signal_connect (invocation, "cancelled", G_CALLBACK (cancelled), job);
  return TRUE;
}

/* ---- who prints ---- */

static void
progress_reported (MsgpackRpcCall *call,
                   double          fraction,
                   GVariant       *value,
                   gpointer        user_data)
{
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    g_print ("%3.0f %% (%s)\n", fraction * 100, g_variant_get_string (value, NULL));

  /* Somebody has pressed the button. */
  if (GPOINTER_TO_INT (user_data) && fraction > 0.3)
    msgpack_rpc_call_cancel (call);
}

static void
completed (MsgpackRpcCall *call,
           gpointer        user_data)
{
  const GError *error = msgpack_rpc_call_get_error (call);

  if (error == NULL)
    g_print ("printed\n");
  else if (g_error_matches (error, PRINTER_ERROR, PRINTER_ERROR_NO_PAPER))
    g_print ("put in more paper: %s\n", error->message);
  else
    g_print ("not printed: %s\n", error->message);
}

static void
print_pages (MsgpackRpcClient *client,
             gint64            n_pages,
             gboolean          loses_patience)
{
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new ("print", g_variant_new ("(x)", n_pages));
  gboolean done = FALSE;

  g_signal_connect (call, "progress-reported", G_CALLBACK (progress_reported),
                    GINT_TO_POINTER (loses_patience));
  g_signal_connect (call, "completed", G_CALLBACK (completed), NULL);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (client), call);
  while (!done)
    {
      g_main_context_iteration (NULL, TRUE);
      done = msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED ||
             msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED;
    }
}

int
main (void)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(MsgpackRpcServer) server = msgpack_rpc_server_new ();
  g_autoptr(MsgpackRpcMethod) method = NULL;
  g_autoptr(MsgpackRpcClient) client = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  /* Both ends do that: here they are one. */
  msgpack_rpc_register_error_domain (PRINTER_ERROR);

  msgpack_rpc_dispatcher_add_method (dispatcher, "print", "(x)", print, NULL, NULL);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, "print");
  msgpack_rpc_method_set_max_answer_time (method, 10 * 60 * 1000);
  msgpack_rpc_server_set_dispatcher (server, dispatcher);
  addresses = msgpack_rpc_server_listen_sync (server, "tcp://127.0.0.1:0", NULL, &error);
  if (addresses == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  client = msgpack_rpc_client_new (addresses[0]);
  msgpack_rpc_client_set_extensions (client, TRUE);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);

  print_pages (client, 5, FALSE);
  print_pages (client, 50, TRUE);
  print_pages (client, 500, FALSE);

  /* What is in their ways still is delivered. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  return 0;
}
