/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <glib/gi18n.h>

#include "tool-dialect.h"
#include "tool.h"

#define STDIO_ADDRESS "stdio:"

typedef struct
{
  ToolDialect dialect;
  gboolean has_test_methods;
} Options;

static void
options_clear (Options *self)
{
  tool_dialect_clear (&self->dialect);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

typedef struct
{
  MsgpackRpcServer *server; /* owned */
  ToolServeStdio *stdio;    /* owned; NULL if it serves sockets */
  GMainLoop *loop;          /* owned */
  GError *error;            /* owned; that of the one connection there is */
} Service;

static void
service_clear (Service *self)
{
  g_clear_object (&self->server);
  g_clear_pointer (&self->stdio, tool_serve_stdio_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Service, service_clear)

/* ---- the end ---- */

static void
drained_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Service *self = user_data;
  g_autoptr(GVariant) unsent = NULL;

  unsent = msgpack_rpc_server_drain_on_signal_finish (MSGPACK_RPC_SERVER (source), result, NULL);
  g_main_loop_quit (self->loop);
}

static void
only_client_disconnected (MsgpackRpcServer     *server G_GNUC_UNUSED,
                          MsgpackRpcConnection *connection G_GNUC_UNUSED,
                          const GError         *error,
                          gpointer              user_data)
{
  Service *self = user_data;

  if (error != NULL)
    self->error = g_error_copy (error);
  g_main_loop_quit (self->loop);
}

/* ---- the beginning ---- */

static gboolean
print_addresses (char    **addresses,
                 GError  **error)
{
  for (; *addresses != NULL; addresses++)
    if (!tool_print_line (*addresses, error))
      return FALSE;

  return TRUE;
}

/* Says where only once all is there, so that whoever reads it can go on. */
static gboolean
listen_at (Service    *self,
           const char *address,
           GError    **error)
{
  g_autofree char *resolved = tool_resolve_address (address);
  g_auto(GStrv) addresses = NULL;

  if (g_str_equal (address, STDIO_ADDRESS))
    {
      char *printed[] = { (char *) STDIO_ADDRESS, NULL };

      g_signal_connect (self->server, "client-disconnected", G_CALLBACK (only_client_disconnected),
                        self);
      self->stdio = tool_serve_stdio_new (self->server, error);
      return self->stdio != NULL && print_addresses (printed, error);
    }

  addresses = msgpack_rpc_server_listen_sync (self->server, resolved, NULL, error);
  return addresses != NULL && print_addresses (addresses, error);
}

static ToolExit
serve (const char    *address,
       const Options *options)
{
  g_auto(Service) self = { .server = msgpack_rpc_server_new () };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;

  self.loop = g_main_loop_new (NULL, FALSE);
  msgpack_rpc_server_set_dispatcher (self.server, dispatcher);
  tool_dialect_apply (&options->dialect, G_OBJECT (self.server));
  if (options->has_test_methods)
    tool_serve_add_test_methods (self.server);

  msgpack_rpc_server_drain_on_signal_async (self.server, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, -1, NULL,
                                            drained_cb, &self);
  if (!listen_at (&self, address, &error))
    {
      tool_complain (error);
      return tool_exit_for (error);
    }

  g_main_loop_run (self.loop);
  if (self.error == NULL)
    return TOOL_EXIT_SUCCESS;

  tool_complain (self.error);
  return tool_exit_for (self.error);
}

static gboolean
check (char          **arguments,
       const Options  *options,
       GError        **error)
{
  const char *message = NULL;

  if (arguments[0] == NULL)
    message = _("No address given");
  else if (arguments[1] != NULL)
    message = _("More than one address given");
  else if (!options->has_test_methods)
    message = _("No method given");

  if (message == NULL)
    return tool_dialect_check (&options->dialect, error);

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, message);
  return FALSE;
}

static ToolExit
run_serve (char **argv)
{
  g_auto(Options) options = { 0 };
  const GOptionEntry entries[] = {
    { "test", 0, 0, G_OPTION_ARG_NONE, &options.has_test_methods,
      N_("Serve methods for trying out clients"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_serve_command, entries);
  g_auto(GStrv) arguments = NULL;
  g_autoptr(GError) error = NULL;

  tool_dialect_add_options (&options.dialect, context);
  arguments = tool_parse_options (context, argv, &error);
  if (arguments == NULL || !check (arguments, &options, &error))
    return tool_refuse_usage (error);

  return serve (arguments[0], &options);
}

const ToolCommand tool_serve_command = {
  .name = "serve",
  .arguments = N_("ADDRESS"),
  .summary = N_("Serve methods"),
  .run = run_serve,
};
