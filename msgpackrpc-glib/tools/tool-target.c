/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-target.h"

#include <math.h>

#include <glib/gi18n.h>

#include "tool-address.h"
#include "tool.h"

#define DEFAULT_TIMEOUT 25.0

ToolTarget *
tool_target_new (void)
{
  ToolTarget *self = g_new0 (ToolTarget, 1);

  self->seconds = DEFAULT_TIMEOUT;

  return self;
}

void
tool_target_free (ToolTarget *self)
{
  tool_dialect_clear (&self->dialect);
  g_free (self->tls_ca);
  g_free (self->tls_certificate);
  g_free (self->token);
  g_free (self);
}

/* It must live while the context parses. */
void
tool_target_add_options (ToolTarget     *self,
                         GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->seconds,
      N_("Give up after this time, which is 25 seconds if not given"), N_("SECONDS") },
    { "tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_ca,
      N_("The authorities that may have signed the peer’s certificate"), N_("FILE") },
    { "tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_certificate,
      N_("The certificate to show to the peer, with its key"), N_("FILE") },
    { "token", 0, 0, G_OPTION_ARG_FILENAME, &self->token,
      N_("The token that the peer asks for"), N_("FILE") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  tool_dialect_add_options (&self->dialect, context);
}

/* Whether the options have values that can be; files are not looked at. */
gboolean
tool_target_check (const ToolTarget  *self,
                   GError           **error)
{
  if (isnan (self->seconds) || self->seconds <= 0)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _("The timeout must be more than 0 seconds"));
      return FALSE;
    }

  return tool_dialect_check (&self->dialect, error);
}

/* In milliseconds; G_MAXINT for none. */
int
tool_target_get_timeout (const ToolTarget *self)
{
  return tool_milliseconds (self->seconds);
}

MsgpackRpcPackFlags
tool_target_get_pack_flags (const ToolTarget *self)
{
  return tool_dialect_get_pack_flags (&self->dialect);
}

/* Whether the parameters of a message have a form in MessagePack, and in the dialect. */
gboolean
tool_target_can_send (const ToolTarget  *self,
                      GVariant          *params,
                      GError           **error)
{
  g_autoptr(GBytes) bytes = NULL;

  bytes = msgpack_rpc_pack_full (params, tool_target_get_pack_flags (self), error);

  return bytes != NULL;
}

static MsgpackRpcClient *
client_for_address (const char  *address,
                    GError     **error)
{
  g_autofree char *resolved = tool_address_resolve (address);
  g_auto(GStrv) argv = NULL;

  if (!tool_address_is_program (address))
    return msgpack_rpc_client_new (resolved);

  argv = tool_address_split_program (address, error);
  return argv != NULL ? msgpack_rpc_client_new_for_argv ((const char *const *) argv) : NULL;
}

static gboolean
apply_tls (const ToolTarget  *self,
           const char        *address,
           MsgpackRpcClient  *client,
           GError           **error)
{
  g_autoptr(GTlsDatabase) database = NULL;
  g_autoptr(GTlsCertificate) certificate = NULL;

  if (!tool_address_load_tls (address, self->tls_ca, self->tls_certificate, &database, &certificate,
                              error))
    return FALSE;

  if (database != NULL)
    msgpack_rpc_client_set_tls_database (client, database);
  if (certificate != NULL)
    msgpack_rpc_client_set_tls_certificate (client, certificate);
  return TRUE;
}

static gboolean
apply_token (const ToolTarget  *self,
             MsgpackRpcClient  *client,
             GError           **error)
{
  g_autoptr(MsgpackRpcToken) token = NULL;

  if (self->token == NULL)
    return TRUE;

  token = msgpack_rpc_token_new_for_file (self->token, MSGPACK_RPC_TOKEN_FLAGS_NONE, error);
  if (token == NULL)
    return FALSE;

  msgpack_rpc_client_set_token (client, token);
  return TRUE;
}

/* A client that is as the options say; not opened. What is wrong with the address itself is an
 * error when it is. */
MsgpackRpcClient *
tool_target_new_client (const ToolTarget  *self,
                        const char        *address,
                        GError           **error)
{
  g_autoptr(MsgpackRpcClient) client = NULL;

  client = client_for_address (address, error);
  if (client == NULL || !apply_tls (self, address, client, error) ||
      !apply_token (self, client, error))
    return NULL;

  tool_dialect_apply (&self->dialect, G_OBJECT (client));
  msgpack_rpc_client_set_default_timeout (client, tool_target_get_timeout (self));

  return g_steal_pointer (&client);
}
