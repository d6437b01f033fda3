/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-session.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* Milliseconds. Neovim answers nvim_get_mode() even while it waits for a key. */
#define PING_INTERVAL 1000
#define STALL_TIMEOUT 2000

struct _EditorSession
{
  GObject parent_instance;

  EditorGrid *grid;       /* owned */
  GdkClipboard *clipboard; /* owned */
  GdkClipboard *primary;  /* owned */
  MsgpackRpcClient *client; /* owned */
  gboolean was_attached;
};

enum
{
  SIGNAL_ENDED,
  SIGNAL_STALLED_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EditorSession, editor_session, G_TYPE_OBJECT)

/* ---- the clipboard ---- */

static GdkClipboard *
find_clipboard (EditorSession *self,
                const char    *name)
{
  return g_str_equal (name, "*") ? self->primary : self->clipboard;
}

/* Lines, and “v”, “V” or “b” for how Neovim would put them. */
static GVariant *
make_contents (const char *text)
{
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_lines = g_strv_length (lines);
  gboolean is_linewise = n_lines > 1 && lines[n_lines - 1][0] == '\0';

  return g_variant_new ("(^ass)", lines, is_linewise ? "V" : "v");
}

static void
read_text_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(MsgpackRpcInvocation) invocation = user_data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);

  /* A clipboard without text is an empty one. */
  msgpack_rpc_invocation_return_value (invocation, make_contents (text != NULL ? text : ""));
}

/* Neovim waits for this, and nobody else does: the answer comes when the clipboard has been read. */
static gboolean
get_clipboard (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  const char *name;

  g_variant_get (params, "(&s)", &name);
  gdk_clipboard_read_text_async (find_clipboard (user_data, name), NULL, read_text_cb,
                                 g_object_ref (invocation));
  return TRUE;
}

static gboolean
set_clipboard (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  const char *name, *kind;
  g_auto(GStrv) lines = NULL;
  g_autofree char *text = NULL;

  g_variant_get (params, "(&s^as&s)", &name, &lines, &kind);
  text = g_strjoinv ("\n", lines);
  gdk_clipboard_set_text (find_clipboard (user_data, name), text);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* The number of the channel is what Neovim knows this end by. */
static const char provider[] =
  "let s:channel = %" G_GINT64_FORMAT "\n"
  "let g:clipboard = {'name': 'GTK', 'cache_enabled': 0,\n"
  "\\ 'copy': {\n"
  "\\   '+': {lines, kind -> rpcnotify(s:channel, 'set_clipboard', '+', lines, kind)},\n"
  "\\   '*': {lines, kind -> rpcnotify(s:channel, 'set_clipboard', '*', lines, kind)}},\n"
  "\\ 'paste': {\n"
  "\\   '+': {-> rpcrequest(s:channel, 'get_clipboard', '+')},\n"
  "\\   '*': {-> rpcrequest(s:channel, 'get_clipboard', '*')}}}\n";

static void
api_info_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data G_GNUC_UNUSED)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (source);
  g_autoptr(GVariant) info = msgpack_rpc_peer_call_finish (peer, result, NULL);
  g_autoptr(GVariant) first = NULL;
  g_autofree char *script = NULL;
  gint64 channel;

  if (info == NULL || g_variant_n_children (info) == 0)
    return;

  first = g_variant_get_child_value (info, 0);
  if (!msgpack_rpc_variant_get_int64 (first, &channel))
    return;

  script = g_strdup_printf (provider, channel);
  msgpack_rpc_peer_send_notification (peer, "nvim_exec", g_variant_new ("(sb)", script, FALSE),
                                      NULL);
}

/* ---- what happens ---- */

static void
redraw_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
           const char       *method G_GNUC_UNUSED,
           GVariant         *params,
           gpointer          user_data)
{
  EditorSession *self = user_data;

  if (params != NULL)
    editor_grid_redraw (self->grid, params);
}

static void
stalled_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
            GParamSpec       *pspec G_GNUC_UNUSED,
            gpointer          user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_STALLED_CHANGED], 0);
}

/* How a process that is gone came to its end; NULL if it ended as it should. */
static GError *
make_error (EditorSession *self,
            GSubprocess   *subprocess,
            const GError  *cause)
{
  if (subprocess != NULL && g_subprocess_get_if_exited (subprocess) &&
      g_subprocess_get_exit_status (subprocess) == 0 && self->was_attached)
    return NULL;

  if (subprocess != NULL && g_subprocess_get_if_signaled (subprocess))
    return g_error_new (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "Neovim was ended by signal %d (%s)",
                        g_subprocess_get_term_sig (subprocess),
                        g_strsignal (g_subprocess_get_term_sig (subprocess)));
  if (subprocess != NULL && g_subprocess_get_if_exited (subprocess))
    return g_error_new (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "Neovim has ended with status %d",
                        g_subprocess_get_exit_status (subprocess));

  return cause != NULL ? g_error_copy (cause)
                       : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE,
                                              "Neovim has closed the connection");
}

typedef struct
{
  EditorSession *session; /* owned */
  GError *cause;          /* owned, nullable */
} Ending;

static void
report_end (EditorSession *self,
            GSubprocess   *subprocess,
            const GError  *cause)
{
  g_autoptr(GError) error = make_error (self, subprocess, cause);

  g_signal_emit (self, signals[SIGNAL_ENDED], 0, error);
}

static void
exited_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Ending *ending = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  report_end (ending->session, G_SUBPROCESS (source), ending->cause);
  g_object_unref (ending->session);
  g_clear_error (&ending->cause);
  g_free (ending);
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *cause,
                   gpointer                    user_data)
{
  EditorSession *self = user_data;
  g_autoptr(GSubprocess) subprocess = NULL;
  Ending *ending;

  if (new_status != MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    return;

  subprocess = msgpack_rpc_client_get_subprocess (client);
  if (subprocess == NULL)
    {
      report_end (self, NULL, cause);
      return;
    }

  /* The stream may end a moment before the process does. */
  ending = g_new0 (Ending, 1);
  ending->session = g_object_ref (self);
  ending->cause = cause != NULL ? g_error_copy (cause) : NULL;
  g_subprocess_wait_async (subprocess, NULL, exited_cb, ending);
}

static void
attached_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(EditorSession) self = user_data;
  g_autoptr(GVariant) nothing = NULL;
  g_autoptr(GError) error = NULL;

  nothing = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  self->was_attached = nothing != NULL;
  /* Of a Neovim that is gone, its status tells. */
  if (error != NULL && error->domain == MSGPACK_RPC_ERROR)
    g_warning ("Neovim takes no user interface: %s", error->message);
}

/* ---- what is asked of it ---- */

void
editor_session_start (EditorSession *self,
                      guint          columns,
                      guint          rows)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->client);
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&options, "rgb", "b", TRUE);
  g_variant_dict_insert (&options, "ext_linegrid", "b", TRUE);
  /* It waits for this before it reads its configuration and its files. */
  msgpack_rpc_peer_call_async (peer, "nvim_ui_attach",
                               g_variant_new ("(uu@a{sv})", columns, rows,
                                              g_variant_dict_end (&options)),
                               NULL, attached_cb, g_object_ref (self));
  msgpack_rpc_peer_call_async (peer, "nvim_get_api_info", NULL, NULL, api_info_cb, NULL);
  msgpack_rpc_client_open_async (self->client, NULL, NULL, NULL);
}

void
editor_session_resize (EditorSession *self,
                       guint          columns,
                       guint          rows)
{
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_ui_try_resize",
                                      g_variant_new ("(uu)", columns, rows), NULL);
}

void
editor_session_type (EditorSession *self,
                     const char    *keys)
{
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_input",
                                      g_variant_new ("(s)", keys), NULL);
}

void
editor_session_mouse (EditorSession *self,
                      const char    *button,
                      const char    *action,
                      const char    *modifiers,
                      guint          row,
                      guint          column)
{
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_input_mouse",
                                      g_variant_new ("(sssiuu)", button, action, modifiers, 0, row,
                                                     column),
                                      NULL);
}

void
editor_session_run (EditorSession *self,
                    const char    *command)
{
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_command",
                                      g_variant_new ("(s)", command), NULL);
}

void
editor_session_stop (EditorSession *self)
{
  g_autoptr(GSubprocess) subprocess = msgpack_rpc_client_get_subprocess (self->client);

  if (subprocess != NULL)
    g_subprocess_force_exit (subprocess);
}

gboolean
editor_session_is_running (EditorSession *self)
{
  return msgpack_rpc_client_get_status (self->client) ==
         MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
}

gboolean
editor_session_is_stalled (EditorSession *self)
{
  return msgpack_rpc_client_get_stalled (self->client);
}

/* ---- the object ---- */

static void
editor_session_dispose (GObject *object)
{
  EditorSession *self = EDITOR_SESSION (object);

  if (self->client != NULL)
    {
      msgpack_rpc_client_set_dispatcher (self->client, NULL);
      msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
    }
  g_clear_object (&self->client);
  g_clear_object (&self->clipboard);
  g_clear_object (&self->primary);
  g_clear_object (&self->grid);

  G_OBJECT_CLASS (editor_session_parent_class)->dispose (object);
}

static void
editor_session_class_init (EditorSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = editor_session_dispose;

  /* With an error, unless Neovim has ended as its user wanted. */
  signals[SIGNAL_ENDED] = g_signal_new ("ended", EDITOR_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_STALLED_CHANGED] = g_signal_new ("stalled-changed", EDITOR_TYPE_SESSION,
                                                  G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                  G_TYPE_NONE, 0);
}

static void
editor_session_init (EditorSession *self G_GNUC_UNUSED)
{
}

static char **
make_argv (const char * const *arguments)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add_many (builder, "nvim", "--embed", NULL);
  g_strv_builder_addv (builder, (const char **) arguments);

  return g_strv_builder_end (builder);
}

EditorSession *
editor_session_new (EditorGrid         *grid,
                    GdkClipboard       *clipboard,
                    GdkClipboard       *primary,
                    const char * const *arguments)
{
  EditorSession *self = g_object_new (EDITOR_TYPE_SESSION, NULL);
  g_auto(GStrv) argv = make_argv (arguments);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  self->grid = g_object_ref (grid);
  self->clipboard = g_object_ref (clipboard);
  self->primary = g_object_ref (primary);
  /* The session takes these away before it goes. */
  msgpack_rpc_dispatcher_add_method (dispatcher, "get_clipboard", "(s)", get_clipboard, self, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "set_clipboard", "(sass)", set_clipboard, self,
                                     NULL);

  self->client = msgpack_rpc_client_new_for_argv ((const char * const *) argv);
  msgpack_rpc_client_set_dispatcher (self->client, dispatcher);
  msgpack_rpc_client_set_profile (self->client, MSGPACK_RPC_PROFILE_NEOVIM);
  msgpack_rpc_client_set_ping_method (self->client, "nvim_get_mode");
  msgpack_rpc_client_set_ping_interval (self->client, PING_INTERVAL);
  msgpack_rpc_client_set_stall_timeout (self->client, STALL_TIMEOUT);
  g_signal_connect_object (self->client, "notification::redraw", G_CALLBACK (redraw_cb), self, 0);
  g_signal_connect_object (self->client, "notify::stalled", G_CALLBACK (stalled_cb), self, 0);
  g_signal_connect_object (self->client, "status-changed", G_CALLBACK (status_changed_cb), self, 0);

  return self;
}
