/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <glib/gi18n.h>

#include "tool-session.h"

typedef struct _Subscriber Subscriber;

/* One that is under way. */
typedef struct
{
  Subscriber *subscriber;
  const char *topic;
} Subscription;

struct _Subscriber
{
  ToolSession *session;        /* owned */
  GStrv topics;                /* owned */
  Subscription *subscriptions; /* owned; one for each of them */
  guint n_topics;              /* that are not lost */
};

static void
subscriber_clear (Subscriber *self)
{
  g_clear_pointer (&self->session, tool_session_free);
  g_free (self->subscriptions);
  g_strfreev (self->topics);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subscriber, subscriber_clear)

/* ---- what is published ---- */

static void
published_cb (MsgpackRpcPeer *peer G_GNUC_UNUSED,
              const char     *topic,
              GVariant       *value,
              Subscriber     *self)
{
  const ToolEvent event = {
    .name_key = "topic",
    .name = topic,
    .value_key = "value",
    .value = value,
  };

  tool_session_print (self->session, &event);
}

/* ---- subscribing ---- */

/* Whether it is the peer that said no. */
static ToolExit
exit_for_refusal (const GError *error)
{
  switch (error->domain == MSGPACK_RPC_ERROR ? error->code : MSGPACK_RPC_ERROR_NOT_CONNECTED)
    {
    case MSGPACK_RPC_ERROR_INVALID_MESSAGE:
    case MSGPACK_RPC_ERROR_NOT_CONNECTED:
    case MSGPACK_RPC_ERROR_QUEUE_FULL:
    case MSGPACK_RPC_ERROR_TOO_DEEP:
    case MSGPACK_RPC_ERROR_TOO_LARGE:
      return TOOL_EXIT_NO_ANSWER;
    default:
      return TOOL_EXIT_REMOTE_ERROR;
    }
}

static void
subscribed_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  Subscription *subscription = user_data;
  g_autoptr(GError) error = NULL;

  if (msgpack_rpc_peer_subscribe_finish (MSGPACK_RPC_PEER (source), result, &error))
    return;

  /* Translators: a colon and why not follow */
  g_prefix_error (&error, _("Could not subscribe to “%s”: "), subscription->topic);
  tool_session_fail (subscription->subscriber->session, exit_for_refusal (error), error);
}

static void
subscribe (gpointer data)
{
  Subscriber *self = data;

  self->subscriptions = g_new0 (Subscription, self->n_topics);
  for (guint i = 0; self->topics[i] != NULL; i++)
    {
      Subscription *subscription = &self->subscriptions[i];

      subscription->subscriber = self;
      subscription->topic = self->topics[i];
      msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (self->session->client), self->topics[i],
                                        NULL, subscribed_cb, subscription);
    }
}

/* After the connection was made again. */
static void
subscription_lost_cb (MsgpackRpcPeer *peer G_GNUC_UNUSED,
                      const char     *topic,
                      const GError   *cause,
                      Subscriber     *self)
{
  g_autoptr(GError) error = g_error_copy (cause);

  g_prefix_error (&error, _("Could not subscribe to “%s”: "), topic);
  if (--self->n_topics == 0)
    tool_session_fail (self->session, TOOL_EXIT_REMOTE_ERROR, error);
  else
    tool_complain (error);
}

/* ---- the command line ---- */

/* Whether the argument is there before, too. */
static gboolean
is_repeated (char  **arguments,
             guint   i)
{
  for (guint before = 1; before < i; before++)
    if (g_str_equal (arguments[before], arguments[i]))
      return TRUE;

  return FALSE;
}

static gboolean
take_arguments (Subscriber  *self,
                char       **arguments,
                GError     **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  if (g_strv_length (arguments) < 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           arguments[0] == NULL ? _("No address and no topic given")
                                                : _("No topic given"));
      return FALSE;
    }

  for (guint i = 1; arguments[i] != NULL; i++)
    if (!is_repeated (arguments, i))
      {
        g_strv_builder_add (builder, arguments[i]);
        self->n_topics++;
      }
  self->topics = g_strv_builder_end (builder);

  return tool_session_prepare (self->session, arguments[0], error);
}

static gboolean
prepare (Subscriber  *self,
         char       **argv,
         GError     **error)
{
  gboolean stays_lost = FALSE;
  const GOptionEntry entries[] = {
    { "no-reconnect", 0, 0, G_OPTION_ARG_NONE, &stays_lost,
      N_("End when the connection is lost, instead of connecting again"), NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_subscribe_command, entries);
  g_auto(GStrv) arguments = NULL;

  self->session = tool_session_new ();
  tool_session_add_options (self->session, context);
  arguments = tool_parse_options (context, argv, error);
  self->session->reconnects = !stays_lost;
  self->session->opened = subscribe;
  self->session->data = self;

  return arguments != NULL && take_arguments (self, arguments, error);
}

static ToolExit
run_subscribe (char **argv)
{
  g_auto(Subscriber) self = { NULL };
  g_autoptr(GError) error = NULL;

  if (!prepare (&self, argv, &error))
    return tool_refuse_usage (error);

  g_signal_connect (self.session->client, "published", G_CALLBACK (published_cb), &self);
  g_signal_connect (self.session->client, "subscription-lost", G_CALLBACK (subscription_lost_cb),
                    &self);

  return tool_session_run (self.session);
}

const ToolCommand tool_subscribe_command = {
  .name = "subscribe",
  .arguments = N_("ADDRESS TOPIC…"),
  .summary = N_("Print what is published to topics"),
  .run = run_subscribe,
};
