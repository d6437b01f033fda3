/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <glib/gi18n.h>

#include "tool-answer.h"
#include "tool-params.h"
#include "tool-session.h"

typedef struct
{
  ToolSession *session; /* owned */
  GStrv patterns;       /* owned; of methods, or NULL for all */
  char *method;         /* owned; what is called first, or NULL */
  GVariant *params;     /* owned */
} Listener;

static void
listener_clear (Listener *self)
{
  g_clear_pointer (&self->session, tool_session_free);
  g_strfreev (self->patterns);
  g_free (self->method);
  g_clear_pointer (&self->params, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listener, listener_clear)

/* ---- what arrives ---- */

static gboolean
is_wanted (const Listener *self,
           const char     *method)
{
  for (guint i = 0; self->patterns != NULL && self->patterns[i] != NULL; i++)
    if (g_pattern_match_simple (self->patterns[i], method))
      return TRUE;

  return self->patterns == NULL;
}

static void
print_message (Listener   *self,
               const char *kind,
               GVariant   *id,
               const char *method,
               GVariant   *params)
{
  const ToolEvent event = {
    .kind = kind,
    .id = id,
    .name_key = "method",
    .name = method,
    .value_key = "params",
    .value = params,
  };

  if (is_wanted (self, method))
    tool_session_print (self->session, &event);
}

static void
notification_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                 const char       *method,
                 GVariant         *params,
                 Listener         *self)
{
  print_message (self, "notification", NULL, method, params);
}

/* The answer is for the peer's developers, thus not translated. */
static gboolean
request_cb (MsgpackRpcClient     *client G_GNUC_UNUSED,
            MsgpackRpcInvocation *invocation,
            GVariant             *params,
            Listener             *self)
{
  GVariant *id = msgpack_rpc_invocation_get_msgid (invocation);

  print_message (self, "request", id, msgpack_rpc_invocation_get_method (invocation), params);
  msgpack_rpc_invocation_return_error (invocation, MSGPACK_RPC_ERROR,
                                       MSGPACK_RPC_ERROR_METHOD_NOT_FOUND,
                                       "Nobody answers here: “msgpackrpc listen” only prints requests");
  return TRUE;
}

/* What is no message of a method has no name to filter by. */
static void
print_other (Listener   *self,
             const char *kind,
             const char *value_key,
             GVariant   *value)
{
  const ToolEvent event = { .kind = kind, .value_key = value_key, .value = value };

  if (self->patterns == NULL)
    tool_session_print (self->session, &event);
}

static void
peer_error_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
               const char       *text G_GNUC_UNUSED,
               GVariant         *value,
               Listener         *self)
{
  print_other (self, "error", "error", value);
}

static void
unknown_message_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                    GVariant         *message,
                    Listener         *self)
{
  print_other (self, "unknown", "message", message);
}

/* ---- calling first ---- */

static void
called_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  MsgpackRpcCall *call = MSGPACK_RPC_CALL (source);
  Listener *self = user_data;

  value = msgpack_rpc_call_wait_finish (call, result, &error);
  if (value == NULL && !self->session->has_ended)
    tool_session_end (self->session,
                      tool_answer_report_failure (call, self->session->format, error));
}

static void
call_first (gpointer data)
{
  Listener *self = data;
  g_autoptr(MsgpackRpcCall) call = msgpack_rpc_call_new (self->method, self->params);

  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (self->session->client), call);
  msgpack_rpc_call_wait_async (call, NULL, called_cb, self);
}

/* ---- the command line ---- */

static gboolean
take_arguments (Listener         *self,
                char            **arguments,
                ToolParamsFlags   flags,
                GError          **error)
{
  if (arguments[0] == NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("No address given"));
      return FALSE;
    }

  if (arguments[1] != NULL)
    {
      self->method = g_strdup (arguments[1]);
      self->params = tool_params_read (arguments + 2, flags, error);
      if (self->params == NULL || !tool_target_can_send (self->session->target, self->params, error))
        return FALSE;
    }

  return tool_session_prepare (self->session, arguments[0], error);
}

static gboolean
prepare (Listener  *self,
         char     **argv,
         GError   **error)
{
  gboolean are_variants = FALSE;
  const GOptionEntry entries[] = {
    { "method", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &self->patterns,
      N_("Print only methods whose names match; may be given several times"), N_("PATTERN") },
    { "variant", 0, 0, G_OPTION_ARG_NONE, &are_variants,
      N_("Arguments are in the text form of GVariant, not JSON"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_listen_command, entries);
  g_auto(GStrv) arguments = NULL;

  self->session = tool_session_new ();
  tool_session_add_options (self->session, context);
  arguments = tool_parse_options (context, argv, error);

  return arguments != NULL &&
         take_arguments (self, arguments, are_variants ? TOOL_PARAMS_VARIANT : TOOL_PARAMS_JSON,
                         error);
}

static ToolExit
run_listen (char **argv)
{
  g_auto(Listener) self = { NULL };
  g_autoptr(GError) error = NULL;

  if (!prepare (&self, argv, &error))
    return tool_refuse_usage (error);

  g_signal_connect (self.session->client, "notification", G_CALLBACK (notification_cb), &self);
  g_signal_connect (self.session->client, "request", G_CALLBACK (request_cb), &self);
  g_signal_connect (self.session->client, "peer-error", G_CALLBACK (peer_error_cb), &self);
  g_signal_connect (self.session->client, "unknown-message", G_CALLBACK (unknown_message_cb),
                    &self);
  if (self.method != NULL)
    {
      self.session->opened = call_first;
      self.session->data = &self;
    }

  return tool_session_run (self.session);
}

const ToolCommand tool_listen_command = {
  .name = "listen",
  .arguments = N_("ADDRESS [METHOD [ARG…]]"),
  .summary = N_("Print the notifications and requests that come"),
  .run = run_listen,
};
