/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <signal.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "tool-address.h"
#include "tool.h"

typedef struct
{
  MsgpackRpcServer *server; /* owned */
  ToolServePool *pool;      /* owned */
  gboolean has_ended;
  GError *error;            /* owned; that of the one connection there is */
  guint n_signals;          /* how often it was told to end */
} Service;

static void
service_clear (Service *self)
{
  g_clear_object (&self->server);
  g_clear_pointer (&self->pool, tool_serve_pool_free);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Service, service_clear)

/* ---- the end ---- */

static gboolean
signal_cb (gpointer user_data)
{
  Service *self = user_data;

  self->n_signals++;
  return G_SOURCE_CONTINUE;
}

static void
drained_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Service *self = user_data;
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_server_drain_on_signal_finish (MSGPACK_RPC_SERVER (source), result, NULL);
  self->has_ended = TRUE;
}

/* Nobody takes its place while programs end. */
static void
only_client_disconnected (MsgpackRpcServer     *server,
                          MsgpackRpcConnection *connection G_GNUC_UNUSED,
                          const GError         *error,
                          gpointer              user_data)
{
  Service *self = user_data;

  msgpack_rpc_server_set_max_connections (server, 0);
  if (error != NULL && !self->has_ended)
    self->error = g_error_copy (error);
  self->has_ended = TRUE;
}

/* A notification's program is not waited for by its connection. */
static gboolean
is_done (const Service *self)
{
  return self->has_ended && (self->n_signals > 1 || tool_serve_pool_is_idle (self->pool));
}

static void
expect_end (Service                *self,
            const ToolServeOptions *options)
{
  msgpack_rpc_server_drain_on_signal_async (self->server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1,
                                            NULL, drained_cb, self);
  g_unix_signal_add (SIGINT, signal_cb, self);
  g_unix_signal_add (SIGTERM, signal_cb, self);
  if (options->ends_with_first || g_strcmp0 (options->address, TOOL_SERVE_STDIO) == 0)
    g_signal_connect (self->server, "client-disconnected", G_CALLBACK (only_client_disconnected), self);
}

/* ---- the beginning ---- */

static gboolean
add_methods (Service                 *self,
             const ToolServeOptions  *options,
             GError                 **error)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  msgpack_rpc_server_set_dispatcher (self->server, dispatcher);
  if (options->has_test_methods)
    tool_serve_add_test_methods (self->server);

  for (guint i = 0; options->methods != NULL && options->methods[i] != NULL; i++)
    if (!tool_serve_pool_add_method (self->pool, dispatcher, options->methods[i], error))
      return FALSE;

  return TRUE;
}

static gboolean
accept_stdio (MsgpackRpcServer  *server,
              GError           **error)
{
  g_autoptr(GIOStream) stream = msgpack_rpc_take_stdio (error);
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  if (stream != NULL)
    connection = msgpack_rpc_server_accept_stream (server, stream, error);
  return connection != NULL;
}

/* The addresses, or NULL. */
static GStrv
listen_at (MsgpackRpcServer  *server,
           const char        *address,
           GError           **error)
{
  char * const stdio[] = { (char *) TOOL_SERVE_STDIO, NULL };
  g_autofree char *resolved = NULL;

  if (address == NULL)
    return msgpack_rpc_server_listen_activated (server, error);
  if (g_str_equal (address, TOOL_SERVE_STDIO))
    return accept_stdio (server, error) ? g_strdupv ((char **) stdio) : NULL;

  resolved = tool_address_resolve (address);
  return msgpack_rpc_server_listen_sync (server, resolved, NULL, error);
}

/* FALSE if something on the command line is wrong. */
static gboolean
prepare (Service                 *self,
         const ToolServeOptions  *options,
         GError                 **error)
{
  self->server = msgpack_rpc_server_new ();
  self->pool = tool_serve_pool_new ((guint) options->max_programs, tool_milliseconds (options->time_limit));

  return tool_serve_options_apply (options, self->server, error) && add_methods (self, options, error);
}

/* Says where only once all is there, so that whoever reads it can go on. */
static gboolean
begin (Service                 *self,
       const ToolServeOptions  *options,
       GError                 **error)
{
  g_auto(GStrv) addresses = NULL;

  tool_serve_log_start (self->server, options->is_verbose);
  expect_end (self, options);
  addresses = listen_at (self->server, options->address, error);
  if (addresses == NULL)
    return FALSE;

  for (char **address = addresses; *address != NULL; address++)
    if (!tool_print_line (*address, error))
      return FALSE;

  return TRUE;
}

static ToolExit
run_serve (char **argv)
{
  g_autoptr(ToolServeOptions) options = tool_serve_options_new ();
  g_auto(Service) self = { .server = NULL };
  g_autoptr(GError) error = NULL;

  if (!tool_serve_options_parse (options, argv, &error) || !prepare (&self, options, &error))
    return tool_refuse_usage (error);

  if (!begin (&self, options, &error))
    {
      tool_complain (error);
      return tool_exit_for (error);
    }

  while (!is_done (&self))
    g_main_context_iteration (NULL, TRUE);
  if (self.error == NULL)
    return TOOL_EXIT_SUCCESS;

  tool_complain (self.error);
  return tool_exit_for (self.error);
}

const ToolCommand tool_serve_command = {
  .name = "serve",
  .arguments = N_("[ADDRESS]"),
  .summary = N_("Serve methods"),
  .run = run_serve,
};
