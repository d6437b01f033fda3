/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <math.h>

#include <glib/gi18n.h>

#include "tool-address.h"
#include "tool.h"

#define DEFAULT_TIME_LIMIT 60.0
#define DEFAULT_MAX_PROGRAMS 16

ToolServeOptions *
tool_serve_options_new (void)
{
  ToolServeOptions *self = g_new0 (ToolServeOptions, 1);

  self->time_limit = DEFAULT_TIME_LIMIT;
  self->max_programs = DEFAULT_MAX_PROGRAMS;
  return self;
}

void
tool_serve_options_free (ToolServeOptions *self)
{
  tool_dialect_clear (&self->dialect);
  g_free (self->address);
  g_strfreev (self->methods);
  g_free (self->tls_ca);
  g_free (self->tls_certificate);
  g_free (self->token);
  g_free (self);
}

/* ---- reading ---- */

static GOptionContext *
new_context (ToolServeOptions *self)
{
  GOptionContext *context;
  const GOptionEntry entries[] = {
    { "allow-remote", 0, 0, G_OPTION_ARG_NONE, &self->allows_remote,
      N_("Let in peers from other machines, whoever they are"), NULL },
    { "max-programs", 0, 0, G_OPTION_ARG_INT, &self->max_programs,
      N_("How many programs may run at a time, 16 if not given; other calls wait"), N_("NUMBER") },
    { "method", 'm', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->methods,
      N_("Serve a method by a program, which reads its parameters as JSON and prints its result; may be "
         "given more than once"), N_("NAME=COMMAND") },
    { "once", 0, 0, G_OPTION_ARG_NONE, &self->ends_with_first,
      N_("Serve one connection, and end with it"), NULL },
    { "test", 0, 0, G_OPTION_ARG_NONE, &self->has_test_methods,
      N_("Serve methods for trying out clients"), NULL },
    { "time-limit", 0, 0, G_OPTION_ARG_DOUBLE, &self->time_limit,
      N_("Kill a program after this time, which is 60 seconds if not given"), N_("SECONDS") },
    { "tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_ca,
      N_("Ask for certificates that these authorities have signed"), N_("FILE") },
    { "tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_certificate,
      N_("The certificate of the server, with its key"), N_("FILE") },
    { "token", 0, 0, G_OPTION_ARG_FILENAME, &self->token,
      N_("Let in who knows this token; the file is made if it is not there"), N_("FILE") },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->is_verbose,
      N_("Print connections and calls on standard error"), NULL },
    { NULL },
  };

  context = tool_context_new (&tool_serve_command, entries);
  tool_dialect_add_options (&self->dialect, context);
  return context;
}

static gboolean
is_stdio (const ToolServeOptions *self)
{
  return g_strcmp0 (self->address, TOOL_SERVE_STDIO) == 0;
}

static const char *
find_fault (const ToolServeOptions  *self,
            char                   **rest)
{
  if (self->address != NULL && rest[1] != NULL)
    return _("More than one address given");
  if (self->methods == NULL && !self->has_test_methods)
    return _("No methods given: use --method or --test");
  if (isnan (self->time_limit) || self->time_limit <= 0)
    return _("The time limit must be more than 0 seconds");
  if (self->max_programs < 1)
    return _("There must be at least one program at a time");
  if (self->tls_ca != NULL && self->tls_certificate == NULL)
    return _("A server that asks for certificates needs one itself: use --tls-certificate");

  return NULL;
}

/* Leaves the program after --help. */
gboolean
tool_serve_options_parse (ToolServeOptions  *self,
                          char             **argv,
                          GError           **error)
{
  g_autoptr(GOptionContext) context = new_context (self);
  g_auto(GStrv) rest = tool_parse_options (context, argv, error);
  const char *fault;

  if (rest == NULL)
    return FALSE;

  self->address = g_strdup (rest[0]);
  fault = find_fault (self, rest);
  if (fault == NULL)
    return tool_dialect_check (&self->dialect, error);

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, fault);
  return FALSE;
}

/* ---- applying ---- */

static gboolean
apply_tls (const ToolServeOptions  *self,
           MsgpackRpcServer        *server,
           GError                 **error)
{
  g_autoptr(GTlsCertificate) certificate = NULL;
  g_autoptr(GTlsDatabase) database = NULL;

  if (self->tls_certificate == NULL)
    return TRUE;

  certificate = tool_address_load_certificate (self->tls_certificate, error);
  if (certificate == NULL)
    return FALSE;

  msgpack_rpc_server_set_tls_certificate (server, certificate);
  if (self->tls_ca == NULL)
    return TRUE;

  database = tool_address_load_authorities (self->tls_ca, error);
  if (database == NULL)
    return FALSE;

  msgpack_rpc_server_set_tls_database (server, database);
  msgpack_rpc_server_set_tls_authentication_mode (server, G_TLS_AUTHENTICATION_REQUIRED);
  return TRUE;
}

static gboolean
apply_token (const ToolServeOptions  *self,
             MsgpackRpcServer        *server,
             GError                 **error)
{
  g_autoptr(MsgpackRpcToken) token = NULL;

  if (self->token == NULL)
    return TRUE;

  token = msgpack_rpc_token_new_for_file (self->token, MSGPACK_RPC_TOKEN_FLAGS_CREATE, error);
  if (token == NULL)
    return FALSE;

  msgpack_rpc_server_set_token (server, token);
  return TRUE;
}

/* Before the server listens. */
gboolean
tool_serve_options_apply (const ToolServeOptions  *self,
                          MsgpackRpcServer        *server,
                          GError                 **error)
{
  tool_dialect_apply (&self->dialect, G_OBJECT (server));
  msgpack_rpc_server_set_allow_remote (server, self->allows_remote);
  if (self->ends_with_first || is_stdio (self))
    msgpack_rpc_server_set_max_connections (server, 1);

  return apply_tls (self, server, error) && apply_token (self, server, error);
}
