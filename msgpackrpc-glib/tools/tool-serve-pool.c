/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <string.h>
#include <sys/socket.h>

#include <glib/gi18n.h>

#include "tool-json.h"
#include "tool-program.h"
#include "tool.h"

/* A program runs for each call of its method: it reads the parameters as JSON and prints the result. There
 * are never more than a number of them at a time; other calls wait for their turn. */

#define MAX_WAITING 1024
/* Of their parameters together, in bytes. One call alone may have more. */
#define MAX_WAITING_SIZE (64 * 1024 * 1024)
/* What a program may print, in bytes. */
#define MAX_OUTPUT (16 * 1024 * 1024)
/* How much of what is no JSON is shown to the caller, in characters. */
#define MAX_SHOWN 60
/* How long a program may go on whose caller sends no more, in milliseconds: TCP does not tell one that
 * waits for the answer from one that has gone. */
#define HANG_UP_TIME 2000

struct _ToolServePool
{
  guint max_running;
  int time_limit;  /* milliseconds; G_MAXINT for none */
  GQueue waiting;  /* of Run */
  gsize size;      /* of what these hold */
  GQueue running;  /* of Run */
};

typedef struct
{
  ToolServePool *pool;
  GStrv argv;
} Method;

/* One call. */
typedef struct
{
  ToolServePool *pool;
  const Method *method;             /* the dispatcher's, which outlives it */
  MsgpackRpcInvocation *invocation; /* owned */
  MsgpackRpcConnection *connection; /* owned */
  GVariant *params;                 /* owned; NULL once it runs */
  gulong cancelled_id;
  gulong status_id;                 /* 0 for a notification */
  GSource *hang_up;                 /* owned; NULL as long as the caller is there */
  ToolProgram *program;             /* NULL while it waits */
  GList link;                       /* in the pool */
} Run;

static void start_waiting (ToolServePool *self);

/* ---- waiting ---- */

static void
begin_to_wait (Run *run)
{
  run->link.data = run;
  g_queue_push_tail_link (&run->pool->waiting, &run->link);
  run->pool->size += g_variant_get_size (run->params);
}

static void
end_waiting (Run *run)
{
  g_queue_unlink (&run->pool->waiting, &run->link);
  run->pool->size -= g_variant_get_size (run->params);
}

/* Requests in flight are limited by the server, notifications by nobody else. */
static gboolean
check_room (const ToolServePool  *self,
            GVariant             *params,
            GError              **error)
{
  if (self->waiting.length >= MAX_WAITING)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                 "%d calls wait for their program already", MAX_WAITING);
  else if (self->waiting.length > 0 && self->size + g_variant_get_size (params) > MAX_WAITING_SIZE)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                 "Calls with %" G_GSIZE_FORMAT " bytes wait for their program already, and %d is the "
                 "most there may be", self->size, MAX_WAITING_SIZE);
  else
    return TRUE;

  return FALSE;
}

/* Once it is in no queue. */
static void
run_free (Run *run)
{
  g_signal_handler_disconnect (run->invocation, run->cancelled_id);
  g_clear_signal_handler (&run->status_id, run->connection);
  if (run->hang_up != NULL)
    g_source_destroy (run->hang_up);
  g_clear_pointer (&run->hang_up, g_source_unref);
  g_object_unref (run->invocation);
  g_object_unref (run->connection);
  g_clear_pointer (&run->params, g_variant_unref);
  g_free (run);
}

/* ---- answering ---- */

static void
answer_with_failure (Run         *run,
                     const char  *what)
{
  msgpack_rpc_invocation_return_error (run->invocation, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                                       "The program of %s() %s",
                                       msgpack_rpc_invocation_get_method (run->invocation), what);
}

/* A number and a text, as fail_obj() has them, and Neovim. */
static void
answer_with_status (Run *run,
                    int  status)
{
  g_autofree char *errors = tool_program_dup_errors (run->program);

  if (*errors == '\0')
    {
      g_free (errors);
      errors = g_strdup_printf ("The program of %s() has ended with status %d",
                                msgpack_rpc_invocation_get_method (run->invocation), status);
    }

  msgpack_rpc_invocation_return_error_value (run->invocation, g_variant_new ("(is)", status, errors));
}

static void
answer_with_no_json (Run        *run,
                     const char *output)
{
  g_autofree char *valid = g_utf8_make_valid (output, -1);
  gboolean is_long = g_utf8_strlen (valid, -1) > MAX_SHOWN;
  g_autofree char *shown = is_long ? g_utf8_substring (valid, 0, MAX_SHOWN) : g_strdup (valid);
  g_autofree char *what = g_strdup_printf ("has not printed JSON: %s%s", shown, is_long ? "…" : "");

  answer_with_failure (run, what);
}

static gboolean
is_empty (const char *output,
          gsize       size)
{
  return strspn (output, " \t\r\n") == size;
}

static void
answer_with_output (Run *run)
{
  g_autoptr(GVariant) result = NULL;
  const char *output;
  gsize size;

  output = tool_program_get_output (run->program, &size);
  if (is_empty (output, size))
    {
      msgpack_rpc_invocation_return_value (run->invocation, NULL);
      return;
    }

  if (g_utf8_validate_len (output, size, NULL))
    result = tool_json_read (output, NULL);
  if (result != NULL)
    msgpack_rpc_invocation_return_value (run->invocation, result);
  else
    answer_with_no_json (run, output);
}

static void
answer (Run *run)
{
  switch (tool_program_get_end (run->program))
    {
    case TOOL_PROGRAM_TIMED_OUT:
      answer_with_failure (run, "has taken too long");
      break;

    case TOOL_PROGRAM_TOO_LARGE:
      answer_with_failure (run, "has printed too much");
      break;

    case TOOL_PROGRAM_STOPPED:
      answer_with_failure (run, "was stopped: its caller has hung up");
      break;

    case TOOL_PROGRAM_EXITED:
    default:
      if (tool_program_get_status (run->program) == 0)
        answer_with_output (run);
      else
        answer_with_status (run, tool_program_get_status (run->program));
      break;
    }
}

/* ---- running ---- */

static void
ended_cb (ToolProgram *program G_GNUC_UNUSED,
          gpointer     user_data)
{
  Run *run = user_data;
  ToolServePool *self = run->pool;

  answer (run);
  g_queue_unlink (&self->running, &run->link);
  run_free (run);
  start_waiting (self);
}

static void
stop (Run *run)
{
  if (run->program != NULL)
    {
      tool_program_stop (run->program);
      return;
    }

  answer_with_failure (run, "was not started: its caller has hung up");
  end_waiting (run);
  run_free (run);
}

/* The caller has gone, or does not want it any more. */
static void
cancelled_cb (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
              Run                  *run)
{
  stop (run);
}

static void
stop_all (GQueue               *runs,
          MsgpackRpcConnection *connection)
{
  GList *next;

  for (GList *l = runs->head; l != NULL; l = next)
    {
      Run *run = l->data;

      next = l->next;
      /* A notification has nothing to hang up for. */
      if (run->connection == connection && run->status_id != 0)
        stop (run);
    }
}

/* No call that waits takes the place of one that is stopped. */
static gboolean
hang_up_cb (gpointer user_data)
{
  ToolServePool *self = ((Run *) user_data)->pool;
  g_autoptr(MsgpackRpcConnection) connection = g_object_ref (((Run *) user_data)->connection);

  stop_all (&self->waiting, connection);
  stop_all (&self->running, connection);
  return G_SOURCE_REMOVE;
}

/* Only of sockets: who sends requests to a pipe has its end when there are no more. */
static gboolean
sends_no_more (MsgpackRpcConnection *connection)
{
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  char byte;

  return G_IS_SOCKET_CONNECTION (stream) &&
         recv (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))), &byte, 1,
               MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
status_changed (MsgpackRpcConnection *connection,
                GParamSpec           *pspec G_GNUC_UNUSED,
                Run                  *run)
{
  if (run->hang_up != NULL || !sends_no_more (connection))
    return;

  run->hang_up = g_timeout_source_new (HANG_UP_TIME);
  g_source_set_static_name (run->hang_up, "[msgpackrpc] hang up");
  g_source_set_callback (run->hang_up, hang_up_cb, run, NULL);
  g_source_attach (run->hang_up, g_main_context_get_thread_default ());
}

static void
start (Run *run)
{
  g_autofree char *json = tool_json_write (run->params);
  char *line = g_strconcat (json, "\n", NULL);
  g_autoptr(GBytes) input = g_bytes_new_take (line, strlen (line));
  g_autoptr(GError) error = NULL;

  g_clear_pointer (&run->params, g_variant_unref);
  run->program = tool_program_start ((const char * const *) run->method->argv, input, MAX_OUTPUT,
                                     run->pool->time_limit, ended_cb, run, &error);
  if (run->program != NULL)
    {
      g_queue_push_tail_link (&run->pool->running, &run->link);
      return;
    }

  /* Why is for whoever runs the server. */
  tool_complain (error);
  answer_with_failure (run, "could not be started");
  run_free (run);
}

static void
start_waiting (ToolServePool *self)
{
  while (self->running.length < self->max_running && self->waiting.length > 0)
    {
      Run *run = g_queue_peek_head (&self->waiting);

      end_waiting (run);
      start (run);
    }
}

static gboolean
handle (MsgpackRpcInvocation  *invocation,
        GVariant              *params,
        gpointer               user_data,
        GError               **error)
{
  const Method *method = user_data;
  ToolServePool *self = method->pool;
  Run *run;

  if (!check_room (self, params, error))
    return FALSE;

  run = g_new0 (Run, 1);
  run->pool = self;
  run->method = method;
  run->invocation = g_object_ref (invocation);
  run->connection = g_object_ref (msgpack_rpc_invocation_get_connection (invocation));
  run->params = g_variant_ref (params);
  run->cancelled_id = g_signal_connect (invocation, "cancelled", G_CALLBACK (cancelled_cb), run);
  if (msgpack_rpc_invocation_get_msgid (invocation) != NULL)
    run->status_id = g_signal_connect (run->connection, "notify::status", G_CALLBACK (status_changed),
                                       run);
  begin_to_wait (run);
  start_waiting (self);
  return TRUE;
}

/* ---- the pool ---- */

/* The time limit is in milliseconds, where G_MAXINT is none. */
ToolServePool *
tool_serve_pool_new (guint max_running,
                     int   time_limit)
{
  ToolServePool *self = g_new0 (ToolServePool, 1);

  self->max_running = max_running;
  self->time_limit = time_limit;
  return self;
}

gboolean
tool_serve_pool_is_idle (const ToolServePool *self)
{
  return self->running.length == 0 && self->waiting.length == 0;
}

/* Kills those that run. Nothing is called any more afterwards. */
void
tool_serve_pool_free (ToolServePool *self)
{
  while (self->waiting.length > 0)
    {
      Run *run = g_queue_peek_head (&self->waiting);

      end_waiting (run);
      run_free (run);
    }
  for (GList *l = self->running.head; l != NULL; l = l->next)
    tool_program_stop (((Run *) l->data)->program);
  while (self->running.length > 0)
    g_main_context_iteration (NULL, TRUE);
  g_free (self);
}

static void
method_free (gpointer data)
{
  Method *method = data;

  g_strfreev (method->argv);
  g_free (method);
}

static gboolean
refuse (const char  *definition,
        const char  *message,
        GError     **error)
{
  /* Translators: the first is what the user has typed, the second what is wrong with it */
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("“%s”: %s"), definition, message);
  return FALSE;
}

/* It is for the time limit to end it. */
static gboolean
add_method (ToolServePool         *self,
            MsgpackRpcDispatcher  *dispatcher,
            const char            *name,
            GStrv                  argv)
{
  g_autoptr(MsgpackRpcMethod) added = NULL;
  Method *method = g_new0 (Method, 1);

  method->pool = self;
  method->argv = g_strdupv (argv);
  if (msgpack_rpc_dispatcher_add_method (dispatcher, name, NULL, handle, method, method_free) == 0)
    return FALSE;

  added = msgpack_rpc_dispatcher_lookup_method (dispatcher, name);
  msgpack_rpc_method_set_max_answer_time (added, G_MAXINT);
  return TRUE;
}

/* As NAME=COMMAND. */
gboolean
tool_serve_pool_add_method (ToolServePool         *self,
                            MsgpackRpcDispatcher  *dispatcher,
                            const char            *definition,
                            GError               **error)
{
  const char *command = strchr (definition, '=');
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_auto(GStrv) argv = NULL;
  g_autoptr(GError) parse_error = NULL;

  if (command == NULL || command == definition)
    return refuse (definition, _("A method is written as NAME=COMMAND"), error);

  name = g_strndup (definition, (gsize) (command - definition));
  if (!g_utf8_validate (name, -1, NULL))
    return refuse (definition, _("The name is not UTF-8"), error);
  if (!g_shell_parse_argv (command + 1, NULL, &argv, &parse_error))
    return refuse (definition, parse_error->message, error);

  path = g_find_program_in_path (argv[0]);
  if (path == NULL)
    return refuse (definition, _("There is no such program"), error);
  if (!add_method (self, dispatcher, name, argv))
    return refuse (definition, _("There is a method of this name already"), error);

  return TRUE;
}
