/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-window.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-entry.h"
#include "browser-form.h"
#include "browser-method.h"
#include "browser-row.h"
#include "browser-text.h"

/* What is older is forgotten. */
#define MAX_ENTRIES 1000
/* Milliseconds between two looks at what was counted. */
#define STATISTICS_INTERVAL 500

struct _BrowserWindow
{
  GtkApplicationWindow parent_instance;

  GtkEditable *address;
  GtkButton *connect;
  GtkLabel *status;
  GtkFilterListModel *filtered;
  GtkSingleSelection *selection;
  GtkSearchEntry *search;
  GtkStringFilter *filter;
  GtkStack *methods_stack;
  GtkLabel *methods_hint;
  GtkStack *call_stack;
  GtkLabel *method_name;
  GtkLabel *method_description;
  BrowserForm *form;
  GtkLabel *form_error;
  GtkButton *call;
  GtkTextView *result;
  GtkNoSelection *in_flight;
  GtkListView *in_flight_view;
  GtkNoSelection *messages;
  GtkNoSelection *history;
  GtkStackPage *in_flight_page;
  GtkGrid *statistics;

  GListStore *message_list; /* owned */
  GListStore *history_list; /* owned */
  MsgpackRpcClient *client; /* owned, nullable */
  GCancellable *cancellable; /* owned; of what is asked about the methods */
  MsgpackRpcCall *shown;    /* owned, nullable; whose result is shown */
  guint statistics_id;
};

G_DEFINE_FINAL_TYPE (BrowserWindow, browser_window, GTK_TYPE_APPLICATION_WINDOW)

/* ---- lists ---- */

static void
add_entry (GListStore *list,
           const char *icon_name,
           const char *title,
           const char *text)
{
  g_autoptr(BrowserEntry) entry = browser_entry_new (icon_name, title, text);

  g_list_store_insert (list, 0, entry);
  if (g_list_model_get_n_items (G_LIST_MODEL (list)) > MAX_ENTRIES)
    g_list_store_remove (list, MAX_ENTRIES);
}

/* ---- the connection ---- */

static void
set_status (BrowserWindow *self,
            const char    *text,
            gboolean       is_error)
{
  gtk_label_set_text (self->status, text);
  if (is_error)
    gtk_widget_add_css_class (GTK_WIDGET (self->status), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->status), "error");
}

static void
show_hint (BrowserWindow *self,
           const char    *text)
{
  gtk_label_set_text (self->methods_hint, text);
  gtk_stack_set_visible_child_name (self->methods_stack, "hint");
}

static void
show_methods (BrowserWindow *self,
              GListModel    *methods)
{
  gtk_filter_list_model_set_model (self->filtered, methods);
  if (g_list_model_get_n_items (methods) == 0)
    show_hint (self, "The peer offers no methods");
  else
    gtk_stack_set_visible_child_name (self->methods_stack, "list");
}

static void
api_info_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) answer = NULL;
  BrowserWindow *self = user_data;

  answer = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (answer != NULL)
    {
      g_autoptr(GListModel) methods = browser_method_list_from_neovim (answer);

      show_methods (self, methods);
    }
  else
    {
      g_autoptr(GListModel) methods = G_LIST_MODEL (g_list_store_new (BROWSER_TYPE_METHOD));

      gtk_filter_list_model_set_model (self->filtered, methods);
      show_hint (self, "The peer does not tell what it offers");
    }
}

/* Neovim does not know it, but has another way. */
static void
discover_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) answer = NULL;
  BrowserWindow *self = user_data;

  answer = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (answer != NULL)
    {
      g_autoptr(GListModel) methods = browser_method_list_from_discovery (answer);

      show_methods (self, methods);
    }
  else
    {
      msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (source), "nvim_get_api_info", NULL,
                                   self->cancellable, api_info_cb, self);
    }
}

static void
ask_for_methods (BrowserWindow *self)
{
  show_hint (self, "Asking what there is…");
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (self->client), "rpc.discover", NULL,
                               self->cancellable, discover_cb, self);
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    user_data)
{
  BrowserWindow *self = user_data;
  g_autoptr(GEnumClass) statuses = g_type_class_ref (MSGPACK_RPC_TYPE_CONNECTION_STATUS);
  g_autofree char *text = NULL;

  if (client != self->client)
    return;

  text = g_strdup (g_enum_get_value (statuses, new_status)->value_nick);
  text[0] = g_ascii_toupper (text[0]);
  set_status (self, error != NULL ? error->message : text, error != NULL);
  add_entry (self->history_list, error != NULL ? "dialog-error-symbolic" : "network-wired-symbolic",
             text, error != NULL ? error->message : "");
  gtk_button_set_label (self->connect,
                        new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED ? "_Connect"
                                                                                 : "_Disconnect");
  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    ask_for_methods (self);
}

static void
notification_cb (MsgpackRpcClient *client G_GNUC_UNUSED,
                 const char       *method,
                 GVariant         *params,
                 gpointer          user_data)
{
  BrowserWindow *self = user_data;
  g_autofree char *text = params != NULL ? browser_text_from_value_short (params) : g_strdup ("");

  add_entry (self->message_list, "mail-unread-symbolic", method, text);
}

static void
calls_changed_cb (GListModel *calls,
                  guint       position G_GNUC_UNUSED,
                  guint       removed G_GNUC_UNUSED,
                  guint       added G_GNUC_UNUSED,
                  gpointer    user_data)
{
  BrowserWindow *self = user_data;
  guint n = g_list_model_get_n_items (calls);
  g_autofree char *title = NULL;

  title = n > 0 ? g_strdup_printf ("In Flight (%u)", n) : g_strdup ("In Flight");
  gtk_stack_page_set_title (self->in_flight_page, title);
}

static void
drop_client (BrowserWindow *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  gtk_no_selection_set_model (self->in_flight, NULL);
  if (self->client != NULL)
    msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  g_clear_object (&self->client);
}

static void
start_client (BrowserWindow *self,
              const char    *address)
{
  g_autoptr(GListModel) calls = NULL;

  drop_client (self);
  self->cancellable = g_cancellable_new ();
  self->client = msgpack_rpc_client_new (address);
  /* Progress, and that a call was given up, are told to peers that know how. */
  msgpack_rpc_client_set_extensions (self->client, TRUE);
  g_signal_connect_object (self->client, "status-changed", G_CALLBACK (status_changed_cb), self, 0);
  g_signal_connect_object (self->client, "notification", G_CALLBACK (notification_cb), self, 0);
  calls = msgpack_rpc_client_get_calls (self->client);
  g_signal_connect_object (calls, "items-changed", G_CALLBACK (calls_changed_cb), self, 0);
  gtk_no_selection_set_model (self->in_flight, calls);
  msgpack_rpc_client_open_async (self->client, NULL, NULL, NULL);
}

static void
connect_cb (GtkWidget *widget G_GNUC_UNUSED,
            gpointer   user_data)
{
  BrowserWindow *self = user_data;
  const char *address = gtk_editable_get_text (self->address);

  if (self->client != NULL && msgpack_rpc_client_get_status (self->client) !=
                                MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                    NULL);
  else if (address[0] != '\0')
    start_client (self, address);
  else
    set_status (self, "An address is missing, such as tcp://localhost:5000 or /run/user/1000/socket",
                TRUE);
}

/* ---- calls ---- */

static void
set_result (BrowserWindow *self,
            const char    *text,
            gboolean       is_error)
{
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->result), text, -1);
  if (is_error)
    gtk_widget_add_css_class (GTK_WIDGET (self->result), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->result), "error");
}

static void
completed_cb (MsgpackRpcCall *call,
              gpointer        user_data)
{
  BrowserWindow *self = user_data;
  g_autoptr(GError) error = msgpack_rpc_call_get_error (call);
  g_autoptr(GVariant) value = msgpack_rpc_call_get_result (call);
  g_autoptr(GVariant) params = msgpack_rpc_call_get_params (call);
  g_autofree char *args = params != NULL ? browser_text_from_value_short (params) : g_strdup ("[]");
  g_autofree char *outcome = NULL;
  g_autofree char *title = NULL;
  g_autofree char *text = NULL;

  outcome = error != NULL ? g_strdup (error->message) : browser_text_from_value_short (value);
  title = g_strdup_printf ("%s %s", msgpack_rpc_call_get_method (call), args);
  text = g_strdup_printf ("%s (%.1f ms)", outcome, msgpack_rpc_call_get_elapsed (call) * 1000);
  add_entry (self->history_list, error != NULL ? "dialog-error-symbolic" : "object-select-symbolic",
             title, text);

  if (call == self->shown)
    {
      g_autofree char *whole = error != NULL ? g_strdup (error->message)
                                             : browser_text_from_value (value);

      set_result (self, whole, error != NULL);
    }
}

static void
call_cb (GtkWidget *widget G_GNUC_UNUSED,
         gpointer   user_data)
{
  BrowserWindow *self = user_data;
  BrowserMethod *method = gtk_single_selection_get_selected_item (self->selection);
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GError) error = NULL;

  if (method == NULL || self->client == NULL)
    return;

  params = browser_form_get_params (self->form, &error);
  gtk_label_set_text (self->form_error, error != NULL ? error->message : "");
  if (params == NULL)
    return;

  g_clear_object (&self->shown);
  self->shown = msgpack_rpc_call_new (browser_method_get_name (method), params);
  msgpack_rpc_call_set_timeout (self->shown, G_MAXINT);
  g_signal_connect_object (self->shown, "completed", G_CALLBACK (completed_cb), self, 0);
  set_result (self, "…", FALSE);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (self->client), self->shown);
}

/* ---- methods ---- */

static void
selected_cb (GtkSingleSelection *selection,
             GParamSpec         *pspec G_GNUC_UNUSED,
             gpointer            user_data)
{
  BrowserWindow *self = user_data;
  BrowserMethod *method = gtk_single_selection_get_selected_item (selection);
  const char *description = method != NULL ? browser_method_get_description (method) : NULL;
  const char *result = method != NULL ? browser_method_get_result (method) : NULL;
  g_autofree char *text = NULL;

  gtk_stack_set_visible_child_name (self->call_stack, method != NULL ? "method" : "none");
  browser_form_set_method (self->form, method);
  gtk_label_set_text (self->form_error, "");
  set_result (self, "", FALSE);
  if (method == NULL)
    return;

  text = g_strdup_printf ("%s%s%s%s", description != NULL ? description : "",
                          description != NULL && result != NULL ? "\n" : "",
                          result != NULL ? "Returns " : "", result != NULL ? result : "");
  gtk_label_set_text (self->method_name, browser_method_get_name (method));
  gtk_label_set_text (self->method_description, text);
  gtk_widget_set_visible (GTK_WIDGET (self->method_description), text[0] != '\0');
}

static void
search_changed_cb (GtkSearchEntry *search,
                   gpointer        user_data)
{
  BrowserWindow *self = user_data;

  gtk_string_filter_set_search (self->filter, gtk_editable_get_text (GTK_EDITABLE (search)));
}

/* ---- statistics ---- */

static void
set_cell (BrowserWindow *self,
          int            column,
          int            row,
          const char    *text)
{
  GtkWidget *label = gtk_grid_get_child_at (self->statistics, column, row);

  if (label == NULL)
    {
      label = gtk_label_new (NULL);
      gtk_label_set_xalign (GTK_LABEL (label), column == 0 ? 0 : 1);
      if (column == 0)
        gtk_widget_add_css_class (label, "dim-label");
      else
        gtk_widget_add_css_class (label, "numeric");
      gtk_grid_attach (self->statistics, label, column, row, 1, 1);
    }
  gtk_label_set_text (GTK_LABEL (label), text);
}

static void
show_statistics (BrowserWindow *self,
                 GVariant      *statistics)
{
  GVariantIter iter;
  const char *key;
  GVariant *boxed;

  g_variant_iter_init (&iter, statistics);
  for (int row = 0; g_variant_iter_loop (&iter, "{&sv}", &key, &boxed); row++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (key), "-", ' ');
      g_autofree char *number = NULL;

      number = g_strdup_printf ("%'" G_GUINT64_FORMAT, g_variant_get_uint64 (boxed));
      name[0] = g_ascii_toupper (name[0]);
      set_cell (self, 0, row, name);
      set_cell (self, 1, row, number);
    }
}

static gboolean
update_statistics_cb (gpointer user_data)
{
  BrowserWindow *self = user_data;
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GVariant) statistics = NULL;

  if (self->client != NULL)
    connection = msgpack_rpc_client_get_connection (self->client);
  if (connection == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self->statistics)))
    return G_SOURCE_CONTINUE;

  statistics = msgpack_rpc_connection_get_statistics (connection);
  show_statistics (self, statistics);
  return G_SOURCE_CONTINUE;
}

/* ---- the window ---- */

void
browser_window_open (BrowserWindow *self,
                     const char    *address)
{
  gtk_editable_set_text (self->address, address);
  start_client (self, address);
}

static void
browser_window_dispose (GObject *object)
{
  BrowserWindow *self = BROWSER_WINDOW (object);

  g_clear_handle_id (&self->statistics_id, g_source_remove);
  if (self->client != NULL)
    drop_client (self);
  g_clear_object (&self->shown);
  g_clear_object (&self->message_list);
  g_clear_object (&self->history_list);

  G_OBJECT_CLASS (browser_window_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, address);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, call);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, call_stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, connect);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, filter);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, filtered);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, form);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, form_error);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, history);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight_page);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight_view);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, messages);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, method_description);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, method_name);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, methods_hint);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, methods_stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, result);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, search);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, selection);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, statistics);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, status);
}

static void
browser_window_class_init (BrowserWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = browser_window_dispose;

  g_type_ensure (BROWSER_TYPE_FORM);
  g_type_ensure (BROWSER_TYPE_METHOD);
  g_type_ensure (BROWSER_TYPE_ENTRY);
  g_type_ensure (MSGPACK_RPC_TYPE_CALL);
  gtk_widget_class_set_template_from_resource (widget_class,
    "/io/github/msgpackrpc_glib/RpcBrowser/browser-window.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, call_cb);
  gtk_widget_class_bind_template_callback (widget_class, connect_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, selected_cb);
}

static void
browser_window_init (BrowserWindow *self)
{
  g_autoptr(GtkListItemFactory) factory = browser_row_factory_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_list_view_set_factory (self->in_flight_view, factory);

  self->message_list = g_list_store_new (BROWSER_TYPE_ENTRY);
  self->history_list = g_list_store_new (BROWSER_TYPE_ENTRY);
  gtk_no_selection_set_model (self->messages, G_LIST_MODEL (self->message_list));
  gtk_no_selection_set_model (self->history, G_LIST_MODEL (self->history_list));
  show_hint (self, "Not connected");
  self->statistics_id = g_timeout_add (STATISTICS_INTERVAL, update_statistics_cb, self);
  gtk_widget_grab_focus (GTK_WIDGET (self->address));
}

BrowserWindow *
browser_window_new (GtkApplication *application)
{
  return g_object_new (BROWSER_TYPE_WINDOW, "application", application, NULL);
}
