/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-session.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* Milliseconds. Neovim answers nvim_get_mode() even while it waits for a key. */
#define PING_INTERVAL 1000
#define STALL_TIMEOUT 2000
/* Neovim waits for the clipboard, and who has put something there may be slow, or gone. */
#define CLIPBOARD_TIMEOUT 1500

struct _EditorSession
{
  GObject parent_instance;

  EditorGrid *grid;       /* owned */
  GdkClipboard *clipboard; /* owned */
  GdkClipboard *primary;  /* owned */
  MsgpackRpcClient *client; /* owned */
  guint columns;
  guint rows;
  guint asked_columns;
  guint asked_rows;
  gboolean is_dark;
  gboolean was_attached;
  gboolean is_resizing;   /* Neovim has not answered the last time yet */
  gboolean is_quitting;
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

/* Lines, and how Neovim would put them: as lines, or as characters. */
static GVariant *
make_contents (const char *text)
{
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_lines = g_strv_length (lines);
  gboolean is_linewise = n_lines > 1 && lines[n_lines - 1][0] == '\0';

  return g_variant_new ("(^ass)", lines, is_linewise ? "V" : "v");
}

/* A clipboard that is asked for its text. */
typedef struct
{
  MsgpackRpcInvocation *invocation; /* owned; NULL when it is answered */
  guint timeout_id;
} Paste;

static void
answer_paste (Paste      *paste,
              const char *text)
{
  if (paste->invocation != NULL)
    msgpack_rpc_invocation_return_value (paste->invocation, make_contents (text));
  g_clear_object (&paste->invocation);
}

/* Cancelling would not do: what waits for another program goes on to wait. */
static gboolean
give_up_cb (gpointer user_data)
{
  Paste *paste = user_data;

  paste->timeout_id = 0;
  answer_paste (paste, "");
  return G_SOURCE_REMOVE;
}

static void
read_text_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  Paste *paste = user_data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);

  /* A clipboard without text is an empty one. */
  answer_paste (paste, text != NULL ? text : "");
  g_clear_handle_id (&paste->timeout_id, g_source_remove);
  g_free (paste);
}

/* Neovim waits for this, and nobody else does: the answer comes when the clipboard has been read. */
static gboolean
get_clipboard (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  Paste *paste = g_new0 (Paste, 1);
  const char *name;

  g_variant_get (params, "(&s)", &name);
  paste->invocation = g_object_ref (invocation);
  paste->timeout_id = g_timeout_add (CLIPBOARD_TIMEOUT, give_up_cb, paste);
  gdk_clipboard_read_text_async (find_clipboard (user_data, name), NULL, read_text_cb, paste);
  return TRUE;
}

static void
append_line (GString  *text,
             GVariant *line)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (line);
  gconstpointer data;
  gsize size;

  if (bytes == NULL)
    return;

  data = g_bytes_get_data (bytes, &size);
  if (data != NULL)
    g_string_append_len (text, data, (gssize) size);
}

/* Lines need not be UTF-8, but what other programs get is. */
static gboolean
set_clipboard (MsgpackRpcInvocation  *invocation,
               GVariant              *params,
               gpointer               user_data,
               GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(GVariantIter) lines = NULL;
  g_autofree char *valid = NULL;
  GVariant *line;
  const char *name;
  gboolean is_first = TRUE;

  g_variant_get (params, "(&sav)", &name, &lines);
  for (; g_variant_iter_next (lines, "v", &line); g_variant_unref (line), is_first = FALSE)
    {
      if (!is_first)
        g_string_append_c (text, '\n');
      append_line (text, line);
    }

  valid = g_utf8_make_valid (text->str, (gssize) text->len);
  gdk_clipboard_set_text (find_clipboard (user_data, name), valid);
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* ---- how it begins ---- */

/* What a window has besides a terminal. The user's configuration is read after this, and may say
 * otherwise. The number of the channel is what Neovim knows this end by. */
static const char preparation[] =
  "let s:channel = %" G_GINT64_FORMAT "\n"
  "let g:clipboard = {'name': 'GTK', 'cache_enabled': 0,\n"
  "\\ 'copy': {\n"
  "\\   '+': {lines, kind -> rpcnotify(s:channel, 'set_clipboard', '+', lines)},\n"
  "\\   '*': {lines, kind -> rpcnotify(s:channel, 'set_clipboard', '*', lines)}},\n"
  "\\ 'paste': {\n"
  "\\   '+': {-> rpcrequest(s:channel, 'get_clipboard', '+')},\n"
  "\\   '*': {-> rpcrequest(s:channel, 'get_clipboard', '*')}}}\n"
  "set title mouse=a background=%s\n";

static void adapt_size (EditorSession *self);

static void
resized_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr(EditorSession) self = user_data;
  g_autoptr(GVariant) nothing = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result,
                                                              NULL);

  self->is_resizing = FALSE;
  if (nothing != NULL)
    adapt_size (self);
}

/* While a window is dragged, sizes come faster than Neovim can draw them: only the last one goes on
 * when it has answered. */
static void
adapt_size (EditorSession *self)
{
  if (self->client == NULL || !self->was_attached || self->is_resizing ||
      (self->columns == self->asked_columns && self->rows == self->asked_rows))
    return;

  self->is_resizing = TRUE;
  self->asked_columns = self->columns;
  self->asked_rows = self->rows;
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "nvim_ui_try_resize",
                               g_variant_new ("(uu)", self->columns, self->rows), NULL, resized_cb,
                               g_object_ref (self));
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
  adapt_size (self);
}

/* Neovim waits for this before it reads its configuration and its files. */
static void
attach (EditorSession *self)
{
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  self->asked_columns = self->columns;
  self->asked_rows = self->rows;
  g_variant_dict_insert (&options, "rgb", "b", TRUE);
  g_variant_dict_insert (&options, "ext_linegrid", "b", TRUE);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "nvim_ui_attach",
                               g_variant_new ("(uu@a{sv})", self->columns, self->rows,
                                              g_variant_dict_end (&options)),
                               NULL, attached_cb, g_object_ref (self));
}

static void
api_info_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(EditorSession) self = user_data;
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (source);
  g_autoptr(GVariant) info = msgpack_rpc_peer_call_finish (peer, result, NULL);
  g_autoptr(GVariant) first = NULL;
  g_autofree char *script = NULL;
  gint64 channel = 1;

  /* Who is gone says so elsewhere. */
  if (info == NULL || self->client == NULL)
    return;

  if (g_variant_is_of_type (info, G_VARIANT_TYPE ("av")) && g_variant_n_children (info) > 0)
    {
      first = g_variant_get_child_value (info, 0);
      msgpack_rpc_variant_get_int64 (first, &channel);
    }
  script = g_strdup_printf (preparation, channel, self->is_dark ? "dark" : "light");
  msgpack_rpc_peer_send_notification (peer, "nvim_exec", g_variant_new ("(sb)", script, FALSE),
                                      NULL);
  attach (self);
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

  if (g_error_matches (cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                                "Neovim is not installed: there is no program “nvim”");
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

/* ---- what is asked of it ---- */

void
editor_session_start (EditorSession *self,
                      guint          columns,
                      guint          rows)
{
  self->columns = columns;
  self->rows = rows;
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "nvim_get_api_info", NULL, NULL,
                               api_info_cb, g_object_ref (self));
  msgpack_rpc_client_open_async (self->client, NULL, NULL, NULL);
}

void
editor_session_resize (EditorSession *self,
                       guint          columns,
                       guint          rows)
{
  self->columns = columns;
  self->rows = rows;
  adapt_size (self);
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
editor_session_edit (EditorSession *self,
                     const char    *path)
{
  const char *paths[] = { path, NULL };

  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_exec_lua",
                                      g_variant_new ("(s^as)",
                                                     "vim.cmd('drop ' .. vim.fn.fnameescape(...))",
                                                     paths),
                                      NULL);
}

void
editor_session_set_dark (EditorSession *self,
                         gboolean       is_dark)
{
  if (self->is_dark == is_dark)
    return;

  self->is_dark = is_dark;
  if (self->was_attached)
    msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->client), "nvim_set_option",
                                        g_variant_new ("(sv)", "background",
                                                       g_variant_new_string (is_dark ? "dark"
                                                                                     : "light")),
                                        NULL);
}

static void
quit_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr(EditorSession) self = user_data;
  g_autoptr(GVariant) nothing = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result,
                                                              NULL);

  self->is_quitting = FALSE;
}

gboolean
editor_session_quit (EditorSession *self)
{
  if (self->is_quitting)
    return FALSE;

  self->is_quitting = TRUE;
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "nvim_command",
                               g_variant_new ("(s)", "confirm qall"), NULL, quit_cb,
                               g_object_ref (self));
  return TRUE;
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
  msgpack_rpc_dispatcher_add_method (dispatcher, "set_clipboard", "(sav)", set_clipboard, self,
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
