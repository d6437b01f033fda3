/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-request.h"

#include <math.h>

#include <glib/gi18n.h>

#include "tool-json.h"

#define DEFAULT_TIMEOUT 25.0

/* What the options say. */
typedef struct
{
  double seconds;
  gboolean are_variants;
  gboolean legacy_raw;
  gboolean float32;
} Options;

static GVariant *
read_variant (const char  *text,
              GError     **error)
{
  g_autoptr(GError) cause = NULL;
  g_autofree char *context = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &cause);

  if (value != NULL)
    return value;

  context = g_variant_parse_error_print_context (cause, text);
  g_set_error_literal (error, cause->domain, cause->code, g_strchomp (context));
  return NULL;
}

/* The arguments as the one array that is sent. */
static GVariant *
read_params (char     **arguments,
             gboolean   are_variants,
             GError   **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (guint i = 0; arguments[i] != NULL; i++)
    {
      g_autoptr(GVariant) value = NULL;

      value = are_variants ? read_variant (arguments[i], error)
                           : tool_json_read (arguments[i], error);
      if (value == NULL)
        {
          /* Translators: a colon and what is wrong with it follow */
          g_prefix_error (error, _("Argument %u: "), i + 1);
          return NULL;
        }
      g_variant_builder_add (&builder, "v", value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static MsgpackRpcPackFlags
flags_from_options (const Options *options)
{
  return (options->legacy_raw ? MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW : 0) |
         (options->float32 ? MSGPACK_RPC_PACK_FLAGS_FLOAT32 : 0);
}

static gboolean
can_be_sent (GVariant             *params,
             MsgpackRpcPackFlags   flags,
             GError              **error)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_pack_full (params, flags, error);

  return bytes != NULL;
}

static gboolean
timeout_from_seconds (double   seconds,
                      int     *timeout,
                      GError **error)
{
  if (isnan (seconds) || seconds <= 0)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _("The timeout must be more than 0 seconds"));
      return FALSE;
    }

  *timeout = seconds < G_MAXINT / 1000 ? (int) ceil (seconds * 1000) : G_MAXINT;
  return TRUE;
}

static ToolRequest *
request_from_arguments (char          **arguments,
                        const Options  *options,
                        GError        **error)
{
  g_autoptr(ToolRequest) self = g_new0 (ToolRequest, 1);

  if (g_strv_length (arguments) < 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           arguments[0] == NULL ? _("No address and no method given")
                                                : _("No method given"));
      return NULL;
    }

  self->address = g_strdup (arguments[0]);
  self->method = g_strdup (arguments[1]);
  self->flags = flags_from_options (options);
  self->params = read_params (arguments + 2, options->are_variants, error);
  if (self->params == NULL || !can_be_sent (self->params, self->flags, error) ||
      !timeout_from_seconds (options->seconds, &self->timeout, error))
    return NULL;

  return g_steal_pointer (&self);
}

/* Reads the command line of a command that sends one message. Leaves the program after --help. */
ToolRequest *
tool_request_new (const ToolCommand  *command,
                  char              **argv,
                  GError            **error)
{
  Options options = { .seconds = DEFAULT_TIMEOUT };
  const GOptionEntry entries[] = {
    { "float32", 0, 0, G_OPTION_ARG_NONE, &options.float32,
      N_("Send floats with 32 bits"), NULL },
    { "legacy-raw", 0, 0, G_OPTION_ARG_NONE, &options.legacy_raw,
      N_("Send strings and binary data as programs from before 2013 expect them"), NULL },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &options.seconds,
      N_("Give up after this time, which is 25 seconds if not given"), N_("SECONDS") },
    { "variant", 0, 0, G_OPTION_ARG_NONE, &options.are_variants,
      N_("Arguments are in the text form of GVariant, not JSON"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (command, entries);
  g_auto(GStrv) arguments = tool_parse_options (context, argv, error);

  return arguments != NULL ? request_from_arguments (arguments, &options, error) : NULL;
}

void
tool_request_free (ToolRequest *self)
{
  g_free (self->address);
  g_free (self->method);
  g_clear_pointer (&self->params, g_variant_unref);
  g_free (self);
}

MsgpackRpcClient *
tool_request_new_client (const ToolRequest *self)
{
  MsgpackRpcClient *client = msgpack_rpc_client_new (self->address);

  msgpack_rpc_client_set_pack_flags (client, self->flags);

  return client;
}
