/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-session.h"

#include <string.h>

#include "browser-method.h"
#include "browser-text.h"

/* Nobody reads more. */
#define MAX_MESSAGE_SIZE (16 * 1024 * 1024)
/* Milliseconds between two attempts, at most. */
#define MAX_DELAY 5000

struct _BrowserSession
{
  GObject parent_instance;

  MsgpackRpcClient *client; /* owned, nullable */
  GListModel *methods;      /* owned; of BrowserMethod */
  char *hint;
  char *status;
  char *reason;             /* why it was closed, even if that is no error */
  GHashTable *topics;       /* those that are subscribed to */
  gpointer handshaking;     /* the last stream with TLS, to be compared only */
  GTlsCertificate *refused; /* owned, nullable; what that has shown, if it is not trusted */
  gboolean has_error;
  gboolean is_open;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_HAPPENED,
  SIGNAL_METHODS_CHANGED,
  SIGNAL_NOTIFIED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (BrowserSession, browser_session, G_TYPE_OBJECT)

/* What was asked, and whom: the answer is of no interest once there is another client. */
typedef struct
{
  BrowserSession *self;     /* owned */
  MsgpackRpcClient *client; /* owned */
  char *topic;              /* nullable */
  gboolean is_subscribing;
} Question;

static Question *
question_new (BrowserSession *self,
              const char     *topic)
{
  Question *question = g_new0 (Question, 1);

  question->self = g_object_ref (self);
  question->client = g_object_ref (self->client);
  question->topic = g_strdup (topic);
  return question;
}

static void
question_free (Question *question)
{
  g_object_unref (question->self);
  g_object_unref (question->client);
  g_free (question->topic);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static gboolean
question_is_over (Question *question)
{
  return question->client != question->self->client;
}

/* ---- what is told ---- */

static void
set_status (BrowserSession *self,
            const char     *text,
            gboolean        has_error)
{
  g_free (self->status);
  self->status = browser_text_from_words (text);
  g_strdelimit (self->status, "\n", ' ');
  self->has_error = has_error;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
tell (BrowserSession *self,
      const char     *icon_name,
      const char     *title,
      const char     *text)
{
  g_autoptr(BrowserEntry) entry = browser_entry_new (icon_name, title, text);

  g_signal_emit (self, signals[SIGNAL_HAPPENED], 0, entry);
}

static void
set_methods (BrowserSession *self,
             GListModel     *methods,
             const char     *hint)
{
  g_autoptr(GListModel) none = NULL;

  if (methods == NULL)
    methods = none = G_LIST_MODEL (g_list_store_new (BROWSER_TYPE_METHOD));
  g_set_object (&self->methods, methods);
  g_free (self->hint);
  self->hint = g_strdup (hint);
  g_signal_emit (self, signals[SIGNAL_METHODS_CHANGED], 0);
}

/* ---- what the peer offers ---- */

static void
api_info_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(Question) question = user_data;
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GListModel) methods = NULL;

  answer = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, NULL);
  if (question_is_over (question))
    return;

  if (answer != NULL)
    methods = browser_method_list_from_neovim (answer);
  set_methods (question->self, methods,
               "The peer does not tell what it offers.\n\nType the name of a method above, and press "
               "Enter.");
}

/* Neovim does not know it, but has another way. */
static void
discover_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(Question) question = user_data;
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GListModel) methods = NULL;

  answer = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, NULL);
  if (question_is_over (question))
    return;

  if (answer == NULL)
    {
      msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (source), "nvim_get_api_info", NULL, NULL,
                                   api_info_cb, g_steal_pointer (&question));
      return;
    }

  methods = browser_method_list_from_discovery (answer);
  set_methods (question->self, methods, "The peer offers nothing");
}

void
browser_session_refresh (BrowserSession *self)
{
  if (!browser_session_is_connected (self))
    return;

  if (g_list_model_get_n_items (self->methods) == 0)
    set_methods (self, NULL, "Asking what there is…");
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "rpc.discover", NULL, NULL,
                               discover_cb, question_new (self, NULL));
}

/* ---- the connection ---- */

static void
show_disconnected (BrowserSession *self,
                   const GError   *error)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%s%s", error != NULL ? error->message : self->reason,
                          self->is_open ? " – trying again" : "");
  set_status (self, text, error != NULL || self->is_open);
}

static void
show_status (BrowserSession             *self,
             MsgpackRpcConnectionStatus  status,
             const GError               *error)
{
  const char *address = msgpack_rpc_client_get_address (self->client);
  g_autofree char *text = NULL;

  switch (status)
    {
    case MSGPACK_RPC_CONNECTION_STATUS_CONNECTING:
      text = g_strdup_printf ("Connecting to %s…", address);
      /* What was wrong is read for longer than an attempt takes. */
      if (!self->has_error)
        set_status (self, text, FALSE);
      break;

    case MSGPACK_RPC_CONNECTION_STATUS_CONNECTED:
      text = g_strdup_printf ("Connected to %s", address);
      set_status (self, text, FALSE);
      break;

    case MSGPACK_RPC_CONNECTION_STATUS_CLOSING:
      g_free (self->reason);
      self->reason = g_strdup (error != NULL ? error->message : "Disconnected");
      set_status (self, "Disconnecting…", FALSE);
      break;

    case MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED:
      show_disconnected (self, error);
      break;
    }
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    user_data)
{
  BrowserSession *self = user_data;
  const char *address = msgpack_rpc_client_get_address (client);

  if (client != self->client)
    return;

  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    g_clear_object (&self->refused);
  show_status (self, new_status, error);
  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    {
      tell (self, "network-wired-symbolic", "Connected", address);
      browser_session_refresh (self);
    }
  else if (new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED &&
           old_status != MSGPACK_RPC_CONNECTION_STATUS_CONNECTING)
    {
      tell (self, error != NULL ? "dialog-error-symbolic" : "network-offline-symbolic",
            "Disconnected", error != NULL ? error->message : address);
    }
}

/* With an error, no more is tried. */
static void
opened_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr(Question) question = user_data;
  BrowserSession *self = question->self;
  g_autoptr(GError) error = NULL;

  if (msgpack_rpc_client_open_finish (MSGPACK_RPC_CLIENT (source), result, &error) ||
      question_is_over (question) || !self->is_open)
    return;

  self->is_open = FALSE;
  set_status (self, error->message, TRUE);
  tell (self, "dialog-error-symbolic", "Not connected", error->message);
}

static gboolean
accept_certificate_cb (GTlsConnection       *stream,
                       GTlsCertificate      *certificate,
                       GTlsCertificateFlags  errors G_GNUC_UNUSED,
                       gpointer              user_data)
{
  BrowserSession *self = user_data;

  if (stream == self->handshaking)
    {
      g_set_object (&self->refused, certificate);
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }

  return FALSE;
}

static void
socket_event_cb (GSocketClient      *socket_client,
                 GSocketClientEvent  event,
                 GSocketConnectable *connectable G_GNUC_UNUSED,
                 GIOStream          *stream,
                 gpointer            user_data)
{
  BrowserSession *self = user_data;

  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING || self->client == NULL ||
      socket_client != msgpack_rpc_client_get_socket_client (self->client))
    return;

  self->handshaking = stream;
  g_signal_connect_object (stream, "accept-certificate", G_CALLBACK (accept_certificate_cb), self, 0);
}

static void
notification_cb (MsgpackRpcClient *client,
                 const char       *method,
                 GVariant         *params,
                 gpointer          user_data)
{
  BrowserSession *self = user_data;
  g_autofree char *text = params != NULL ? browser_text_from_value (params) : g_strdup ("[]");
  g_autoptr(BrowserEntry) entry = browser_entry_new ("mail-unread-symbolic", method, text);

  if (client == self->client)
    g_signal_emit (self, signals[SIGNAL_NOTIFIED], 0, entry);
}

static void
drop_client (BrowserSession *self)
{
  g_hash_table_remove_all (self->topics);
  self->handshaking = NULL;
  g_clear_object (&self->refused);
  if (self->client != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->client, self);
      msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
    }
  g_clear_object (&self->client);
}

static MsgpackRpcClient *
new_client (BrowserSession *self,
            const char     *address)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);
  MsgpackRpcLimits *limits = msgpack_rpc_client_get_limits (client);

  msgpack_rpc_reconnect_policy_set_max_delay (policy, MAX_DELAY);
  msgpack_rpc_client_set_reconnect_policy (client, policy);
  msgpack_rpc_limits_set_max_message_size (limits, MAX_MESSAGE_SIZE);
  /* Progress, and that a call was given up, are told to peers that know how. */
  msgpack_rpc_client_set_extensions (client, TRUE);
  g_signal_connect_object (client, "status-changed", G_CALLBACK (status_changed_cb), self, 0);
  g_signal_connect_object (client, "notification", G_CALLBACK (notification_cb), self, 0);
  g_signal_connect_object (msgpack_rpc_client_get_socket_client (client), "event",
                           G_CALLBACK (socket_event_cb), self, 0);
  return client;
}

void
browser_session_open (BrowserSession *self,
                      const char     *address,
                      const char     *secret)
{
  g_autoptr(MsgpackRpcToken) token = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) error = NULL;

  drop_client (self);
  self->is_open = FALSE;
  self->has_error = FALSE;
  self->client = new_client (self, address);
  set_methods (self, NULL, "Not connected");
  if (secret != NULL && *secret != '\0')
    {
      bytes = g_bytes_new (secret, strlen (secret));
      token = msgpack_rpc_token_new_for_bytes (bytes, &error);
      if (token == NULL)
        {
          set_status (self, error->message, TRUE);
          return;
        }
    }

  self->is_open = TRUE;
  msgpack_rpc_client_set_token (self->client, token);
  msgpack_rpc_client_open_async (self->client, NULL, opened_cb, question_new (self, NULL));
}

void
browser_session_close (BrowserSession *self)
{
  if (!self->is_open)
    return;

  self->is_open = FALSE;
  set_status (self, "Disconnected", FALSE);
  msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                  NULL);
}

/* ---- certificates ---- */

char *
browser_session_get_refused (BrowserSession *self)
{
  g_autoptr(GByteArray) bytes = NULL;
  g_autofree char *digits = NULL;
  GString *text;

  if (self->refused == NULL || !self->is_open)
    return NULL;

  g_object_get (self->refused, "certificate", &bytes, NULL);
  digits = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes->data, bytes->len);
  text = g_string_new (NULL);
  for (const char *digit = digits; *digit != '\0'; digit += 2)
    g_string_append_printf (text, "%s%c%c", digit > digits ? ":" : "", g_ascii_toupper (digit[0]),
                            g_ascii_toupper (digit[1]));
  return g_string_free (text, FALSE);
}

void
browser_session_trust (BrowserSession *self)
{
  g_autoptr(MsgpackRpcCertificatePins) pins = NULL;

  if (self->refused == NULL || !self->is_open)
    return;

  pins = msgpack_rpc_certificate_pins_new ();
  msgpack_rpc_certificate_pins_add (pins, self->refused);
  g_clear_object (&self->refused);
  self->has_error = FALSE;
  msgpack_rpc_client_set_tls_database (self->client, G_TLS_DATABASE (pins));
  msgpack_rpc_client_open_async (self->client, NULL, opened_cb, question_new (self, NULL));
}

/* ---- topics ---- */

static void
subscribed_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr(Question) question = user_data;
  g_autoptr(GError) error = NULL;
  gboolean done;

  done = question->is_subscribing
           ? msgpack_rpc_peer_subscribe_finish (MSGPACK_RPC_PEER (source), result, &error)
           : msgpack_rpc_peer_unsubscribe_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (question_is_over (question))
    return;

  if (!done)
    {
      if (question->is_subscribing)
        g_hash_table_remove (question->self->topics, question->topic);
      tell (question->self, "dialog-error-symbolic", question->topic, error->message);
      set_status (question->self, error->message, TRUE);
      return;
    }

  tell (question->self, "application-rss+xml-symbolic", question->topic,
        question->is_subscribing ? "Subscribed" : "No longer subscribed");
  g_signal_emit (question->self, signals[SIGNAL_CHANGED], 0);
}

gboolean
browser_session_is_subscribed (BrowserSession *self,
                               const char     *topic)
{
  return g_hash_table_contains (self->topics, topic);
}

void
browser_session_set_subscribed (BrowserSession *self,
                                const char     *topic,
                                gboolean        is_subscribed)
{
  Question *question;

  if (self->client == NULL || browser_session_is_subscribed (self, topic) == is_subscribed)
    return;

  question = question_new (self, topic);
  question->is_subscribing = is_subscribed;
  if (is_subscribed)
    {
      g_hash_table_add (self->topics, g_strdup (topic));
      msgpack_rpc_peer_subscribe_async (MSGPACK_RPC_PEER (self->client), question->topic, NULL,
                                        subscribed_cb, question);
    }
  else
    {
      g_hash_table_remove (self->topics, topic);
      msgpack_rpc_peer_unsubscribe_async (MSGPACK_RPC_PEER (self->client), question->topic, NULL,
                                          subscribed_cb, question);
    }
}

/* ---- the object ---- */

MsgpackRpcClient *
browser_session_get_client (BrowserSession *self)
{
  return self->client;
}

gboolean
browser_session_is_open (BrowserSession *self)
{
  return self->is_open;
}

gboolean
browser_session_is_connected (BrowserSession *self)
{
  return self->client != NULL && msgpack_rpc_client_is_connected (self->client);
}

const char *
browser_session_get_status (BrowserSession *self)
{
  return self->status;
}

gboolean
browser_session_has_error (BrowserSession *self)
{
  return self->has_error;
}

GListModel *
browser_session_get_methods (BrowserSession *self)
{
  return self->methods;
}

const char *
browser_session_get_hint (BrowserSession *self)
{
  return self->hint;
}

static void
browser_session_dispose (GObject *object)
{
  BrowserSession *self = BROWSER_SESSION (object);

  drop_client (self);
  g_clear_object (&self->methods);

  G_OBJECT_CLASS (browser_session_parent_class)->dispose (object);
}

static void
browser_session_finalize (GObject *object)
{
  BrowserSession *self = BROWSER_SESSION (object);

  g_hash_table_unref (self->topics);
  g_free (self->hint);
  g_free (self->reason);
  g_free (self->status);

  G_OBJECT_CLASS (browser_session_parent_class)->finalize (object);
}

static void
browser_session_class_init (BrowserSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GType type = BROWSER_TYPE_SESSION;

  object_class->dispose = browser_session_dispose;
  object_class->finalize = browser_session_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 0);
  signals[SIGNAL_HAPPENED] = g_signal_new ("happened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 1, BROWSER_TYPE_ENTRY);
  signals[SIGNAL_METHODS_CHANGED] = g_signal_new ("methods-changed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                  NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_NOTIFIED] = g_signal_new ("notified", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 1, BROWSER_TYPE_ENTRY);
}

static void
browser_session_init (BrowserSession *self)
{
  self->methods = G_LIST_MODEL (g_list_store_new (BROWSER_TYPE_METHOD));
  self->topics = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->hint = g_strdup ("Not connected");
  self->reason = g_strdup ("Disconnected");
  self->status = g_strdup ("Not connected");
}

BrowserSession *
browser_session_new (void)
{
  return g_object_new (BROWSER_TYPE_SESSION, NULL);
}
