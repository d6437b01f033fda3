/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-window.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-entry.h"
#include "browser-form.h"
#include "browser-log.h"
#include "browser-method.h"
#include "browser-row.h"
#include "browser-session.h"
#include "browser-statistics.h"
#include "browser-text.h"

struct _BrowserWindow
{
  GtkApplicationWindow parent_instance;

  GtkEditable *address;
  GtkMenuButton *token;
  GtkEditable *secret;
  GtkButton *connect;
  GtkLabel *status;
  GtkWidget *trust;
  GtkLabel *fingerprint;
  GtkFilterListModel *filtered;
  GtkSingleSelection *selection;
  GtkSearchEntry *search;
  GtkStringFilter *filter;
  GtkStack *methods_stack;
  GtkLabel *methods_hint;
  GtkStack *pages;
  GtkStack *call_stack;
  GtkLabel *method_name;
  GtkLabel *method_description;
  GtkLabel *method_result;
  BrowserForm *form;
  GtkLabel *form_error;
  GtkWidget *call_buttons;
  GtkToggleButton *subscribe;
  GtkWidget *running;
  GtkProgressBar *progress;
  GtkWidget *outcome_bar;
  GtkLabel *outcome;
  GtkTextView *result;
  GtkNoSelection *in_flight;
  GtkListView *in_flight_view;
  GtkStack *in_flight_stack;
  GtkStackPage *in_flight_page;
  GtkStackPage *messages_page;
  BrowserLog *messages;
  BrowserLog *history;
  BrowserStatistics *statistics;

  BrowserSession *session; /* owned */
  BrowserMethod *method;   /* owned, nullable; the one that is shown */
  MsgpackRpcCall *shown;   /* owned, nullable; whose result is shown */
  guint64 n_unread;        /* notifications, while another page is shown */
  guint unread_tick_id;    /* until the number is shown by the next frame */
};

G_DEFINE_FINAL_TYPE (BrowserWindow, browser_window, GTK_TYPE_APPLICATION_WINDOW)

/* ---- the connection ---- */

static void
set_error (GtkWidget *widget,
           gboolean   is_error)
{
  if (is_error)
    gtk_widget_add_css_class (widget, "error");
  else
    gtk_widget_remove_css_class (widget, "error");
}

static void
set_action_enabled (BrowserWindow *self,
                    const char    *name,
                    gboolean       is_enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), is_enabled);
}

/* Whose certificate it is, only the user may know. */
static void
show_refused (BrowserWindow *self)
{
  g_autofree char *refused = browser_session_get_refused (self->session);

  gtk_label_set_text (self->fingerprint, refused != NULL ? refused : "");
  gtk_widget_set_visible (self->trust, refused != NULL);
}

static void
trust_cb (GtkButton *button G_GNUC_UNUSED,
          gpointer   user_data)
{
  BrowserWindow *self = user_data;

  browser_session_trust (self->session);
  show_refused (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
session_changed_cb (BrowserSession *session,
                    gpointer        user_data)
{
  BrowserWindow *self = user_data;
  gboolean is_open = browser_session_is_open (session);
  gboolean is_topic = self->method != NULL && browser_method_is_topic (self->method);

  gtk_label_set_text (self->status, browser_session_get_status (session));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->status), browser_session_get_status (session));
  set_error (GTK_WIDGET (self->status), browser_session_has_error (session));
  show_refused (self);
  gtk_button_set_label (self->connect, is_open ? "Dis_connect" : "_Connect");
  if (is_open)
    gtk_widget_remove_css_class (GTK_WIDGET (self->connect), "suggested-action");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->connect), "suggested-action");

  set_action_enabled (self, "call", is_open && self->method != NULL && !is_topic);
  set_action_enabled (self, "send", is_open && self->method != NULL && !is_topic);
  set_action_enabled (self, "refresh", browser_session_is_connected (session));
  gtk_widget_set_sensitive (GTK_WIDGET (self->subscribe), browser_session_is_connected (session));
  gtk_toggle_button_set_active (self->subscribe,
                                is_topic && browser_session_is_subscribed (
                                              session, browser_method_get_name (self->method)));
}

static void
show_hint (BrowserWindow *self)
{
  guint n_all = g_list_model_get_n_items (browser_session_get_methods (self->session));
  guint n_shown = g_list_model_get_n_items (G_LIST_MODEL (self->filtered));

  gtk_label_set_text (self->methods_hint,
                      n_all == 0 ? browser_session_get_hint (self->session)
                                 : "Nothing is called like that.\n\nPress Enter to call it all the same.");
  gtk_stack_set_visible_child_name (self->methods_stack, n_shown == 0 ? "hint" : "list");
}

static void
methods_changed_cb (BrowserSession *session,
                    gpointer        user_data)
{
  BrowserWindow *self = user_data;

  gtk_filter_list_model_set_model (self->filtered, browser_session_get_methods (session));
  show_hint (self);
}

static void
happened_cb (BrowserSession *session G_GNUC_UNUSED,
             BrowserEntry   *entry,
             gpointer        user_data)
{
  BrowserWindow *self = user_data;

  browser_log_add (self->history, g_object_ref (entry));
}

static void
show_unread (BrowserWindow *self)
{
  g_autofree char *title = NULL;

  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->pages), "messages") == 0)
    self->n_unread = 0;
  title = self->n_unread > 0
            ? g_strdup_printf ("Notifications (%" G_GUINT64_FORMAT ")", self->n_unread)
            : g_strdup ("Notifications");
  gtk_stack_page_set_title (self->messages_page, title);
}

static void
page_changed_cb (GtkStack   *pages G_GNUC_UNUSED,
                 GParamSpec *pspec G_GNUC_UNUSED,
                 gpointer    user_data)
{
  show_unread (user_data);
}

static gboolean
unread_tick_cb (GtkWidget     *widget,
                GdkFrameClock *clock G_GNUC_UNUSED,
                gpointer       user_data G_GNUC_UNUSED)
{
  BrowserWindow *self = BROWSER_WINDOW (widget);

  self->unread_tick_id = 0;
  show_unread (self);
  return G_SOURCE_REMOVE;
}

static void
notified_cb (BrowserSession *session G_GNUC_UNUSED,
             BrowserEntry   *entry,
             gpointer        user_data)
{
  BrowserWindow *self = user_data;

  browser_log_add (self->messages, g_object_ref (entry));
  self->n_unread++;
  if (self->unread_tick_id == 0)
    self->unread_tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), unread_tick_cb, NULL,
                                                         NULL);
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
  gtk_stack_set_visible_child_name (self->in_flight_stack, n > 0 ? "list" : "hint");
}

static void
open_address (BrowserWindow *self,
              const char    *address)
{
  MsgpackRpcClient *client;
  GListModel *calls;

  browser_session_open (self->session, address, gtk_editable_get_text (self->secret));
  client = browser_session_get_client (self->session);
  calls = msgpack_rpc_client_get_calls (client);
  g_signal_connect_object (calls, "items-changed", G_CALLBACK (calls_changed_cb), self, 0);
  gtk_no_selection_set_model (self->in_flight, calls);
  calls_changed_cb (calls, 0, 0, 0, self);
  browser_statistics_set_client (self->statistics, client);
  session_changed_cb (self->session, self);
}

static void
address_activated_cb (GtkWidget *widget G_GNUC_UNUSED,
                      gpointer   user_data)
{
  BrowserWindow *self = user_data;
  g_autofree char *address = g_strstrip (g_strdup (gtk_editable_get_text (self->address)));

  if (address[0] != '\0')
    {
      open_address (self, address);
      gtk_widget_grab_focus (GTK_WIDGET (self->search));
      return;
    }

  gtk_label_set_text (self->status,
                      "An address is missing, such as tcp://localhost:5000 or unix:///path");
  set_error (GTK_WIDGET (self->status), TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->address));
}

static void
secret_activated_cb (GtkWidget *widget,
                     gpointer   user_data)
{
  BrowserWindow *self = user_data;

  gtk_menu_button_popdown (self->token);
  address_activated_cb (widget, self);
}

static void
connect_cb (GtkWidget *widget,
            gpointer   user_data)
{
  BrowserWindow *self = user_data;

  if (browser_session_is_open (self->session))
    browser_session_close (self->session);
  else
    address_activated_cb (widget, self);
}

/* ---- calls ---- */

static void
set_result (BrowserWindow *self,
            const char    *outcome,
            const char    *text,
            gboolean       is_error)
{
  gtk_label_set_text (self->outcome, outcome);
  gtk_widget_set_visible (self->outcome_bar, outcome[0] != '\0');
  set_error (GTK_WIDGET (self->outcome), is_error);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->result), text, -1);
}

static void
show_progress (BrowserWindow *self)
{
  g_autoptr(GVariant) value = NULL;
  g_autofree char *text = NULL;
  double fraction;
  gboolean is_running;

  is_running = self->shown != NULL &&
               msgpack_rpc_call_get_state (self->shown) == MSGPACK_RPC_CALL_STATE_PENDING;
  gtk_widget_set_visible (self->running, is_running);
  set_action_enabled (self, "cancel", is_running);
  if (!is_running)
    return;

  fraction = msgpack_rpc_call_get_progress (self->shown);
  value = msgpack_rpc_call_get_progress_value (self->shown);
  if (value != NULL)
    text = browser_text_from_value_short (value);
  else if (fraction > 0)
    text = g_strdup_printf ("%.0f %%", fraction * 100);
  gtk_progress_bar_set_fraction (self->progress, fraction);
  gtk_progress_bar_set_text (self->progress, text != NULL ? text : "Waiting for the answer…");
}

static void
progress_cb (MsgpackRpcCall *call,
             GParamSpec     *pspec G_GNUC_UNUSED,
             gpointer        user_data)
{
  BrowserWindow *self = user_data;

  if (call == self->shown)
    show_progress (self);
}

/* What the peer has made of the error, if that is more than a text. */
static char *
write_error (MsgpackRpcCall *call)
{
  GVariant *value = msgpack_rpc_call_get_error_value (call);
  g_autofree char *words = browser_text_from_words (msgpack_rpc_call_get_error (call)->message);
  g_autofree char *text = NULL;

  if (value == NULL || g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_steal_pointer (&words);

  text = browser_text_from_value (value);
  return g_strdup_printf ("%s\n\n%s", words, text);
}

static void
remember (BrowserWindow  *self,
          MsgpackRpcCall *call,
          const char     *outcome,
          const char     *whole)
{
  gboolean is_error = msgpack_rpc_call_get_error (call) != NULL;
  GVariant *params = msgpack_rpc_call_get_params (call);
  g_autofree char *args = params != NULL ? browser_text_from_value_short (params) : g_strdup ("[]");
  g_autofree char *title = g_strdup_printf ("%s %s", msgpack_rpc_call_get_method (call), args);
  g_autofree char *text = g_strdup_printf ("%s\n\n%s", whole, outcome);
  BrowserEntry *entry = browser_entry_new (is_error ? "dialog-error-symbolic"
                                                    : "emblem-ok-symbolic", title, text);

  browser_entry_set_call (entry, msgpack_rpc_call_get_method (call), params);
  browser_log_add (self->history, entry);
}

static void
completed_cb (MsgpackRpcCall *call,
              gpointer        user_data)
{
  BrowserWindow *self = user_data;
  gboolean is_error = msgpack_rpc_call_get_error (call) != NULL;
  g_autofree char *outcome = NULL;
  g_autofree char *whole = NULL;

  outcome = g_strdup_printf ("%s %.1f ms", is_error ? "Failed after" : "Answered in",
                             msgpack_rpc_call_get_elapsed (call) * 1000);
  whole = is_error ? write_error (call)
                   : browser_text_from_value (msgpack_rpc_call_get_result (call));
  remember (self, call, outcome, whole);
  if (call == self->shown)
    {
      set_result (self, outcome, whole, is_error);
      show_progress (self);
    }
}

static void
start_call (BrowserWindow *self,
            const char    *method,
            GVariant      *params)
{
  g_clear_object (&self->shown);
  self->shown = msgpack_rpc_call_new (method, params);
  /* Whoever waits sees that, and can cancel it. */
  msgpack_rpc_call_set_timeout (self->shown, G_MAXINT);
  g_signal_connect_object (self->shown, "completed", G_CALLBACK (completed_cb), self, 0);
  g_signal_connect_object (self->shown, "notify::progress", G_CALLBACK (progress_cb), self, 0);
  set_result (self, "", "", FALSE);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (browser_session_get_client (self->session)),
                              self->shown);
  show_progress (self);
}

/* NULL if something in the form is wrong. */
static GVariant *
get_params (BrowserWindow *self)
{
  g_autoptr(GError) error = NULL;
  GVariant *params = browser_form_get_params (self->form, &error);

  gtk_label_set_text (self->form_error, error != NULL ? error->message : "");
  gtk_widget_set_visible (GTK_WIDGET (self->form_error), error != NULL);
  return params;
}

static void
call_action (GSimpleAction *action G_GNUC_UNUSED,
             GVariant      *parameter G_GNUC_UNUSED,
             gpointer       user_data)
{
  BrowserWindow *self = user_data;
  g_autoptr(GVariant) params = get_params (self);

  if (params != NULL)
    start_call (self, browser_method_get_name (self->method), params);
}

static void
form_activated_cb (BrowserForm *form G_GNUC_UNUSED,
                   gpointer     user_data)
{
  g_action_group_activate_action (G_ACTION_GROUP (user_data), "call", NULL);
}

static void
send_action (GSimpleAction *action G_GNUC_UNUSED,
             GVariant      *parameter G_GNUC_UNUSED,
             gpointer       user_data)
{
  BrowserWindow *self = user_data;
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (browser_session_get_client (self->session));
  g_autoptr(GVariant) params = get_params (self);
  g_autoptr(GError) error = NULL;

  if (params == NULL)
    return;

  g_clear_object (&self->shown);
  show_progress (self);
  if (msgpack_rpc_peer_send_notification (peer, browser_method_get_name (self->method), params,
                                          &error))
    set_result (self, "Sent; a notification is not answered", "", FALSE);
  else
    set_result (self, "Not sent", error->message, TRUE);
}

static void
cancel_action (GSimpleAction *action G_GNUC_UNUSED,
               GVariant      *parameter G_GNUC_UNUSED,
               gpointer       user_data)
{
  BrowserWindow *self = user_data;

  if (self->shown != NULL)
    msgpack_rpc_call_cancel (self->shown);
}

static void
copy_cb (GtkButton *button,
         gpointer   user_data)
{
  BrowserWindow *self = user_data;
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->result);
  g_autofree char *text = NULL;

  g_object_get (buffer, "text", &text, NULL);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (button)), text);
}

/* ---- methods ---- */

static void
set_label (GtkLabel   *label,
           const char *text)
{
  gtk_label_set_text (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

static void
show_method (BrowserWindow *self,
             BrowserMethod *method)
{
  gboolean is_topic = method != NULL && browser_method_is_topic (method);
  g_autofree char *result = NULL;

  if (!g_set_object (&self->method, method))
    return;

  g_clear_object (&self->shown);
  gtk_stack_set_visible_child_name (self->call_stack, method != NULL ? "method" : "none");
  browser_form_set_method (self->form, method);
  set_label (self->form_error, NULL);
  set_result (self, "", "", FALSE);
  show_progress (self);
  session_changed_cb (self->session, self);
  if (method == NULL)
    return;

  if (browser_method_get_result (method) != NULL)
    result = g_strdup_printf ("%s %s", is_topic ? "Publishes" : "Returns",
                              browser_method_get_result (method));
  set_label (self->method_name, browser_method_get_title (method));
  set_label (self->method_description, browser_method_get_description (method));
  set_label (self->method_result, result);
  gtk_widget_set_visible (self->call_buttons, !is_topic);
  gtk_widget_set_visible (GTK_WIDGET (self->subscribe), is_topic);
}

/* What is shown stays while the list is filtered. */
static void
selected_cb (GtkSingleSelection *selection,
             GParamSpec         *pspec G_GNUC_UNUSED,
             gpointer            user_data)
{
  BrowserMethod *method = gtk_single_selection_get_selected_item (selection);

  if (method != NULL)
    show_method (user_data, method);
}

static void
method_activated_cb (GtkListView *view G_GNUC_UNUSED,
                     guint        position G_GNUC_UNUSED,
                     gpointer     user_data)
{
  BrowserWindow *self = user_data;

  gtk_stack_set_visible_child_name (self->pages, "call");
  browser_form_focus (self->form);
}

static void
search_changed_cb (GtkSearchEntry *search,
                   gpointer        user_data)
{
  BrowserWindow *self = user_data;

  gtk_string_filter_set_search (self->filter, gtk_editable_get_text (GTK_EDITABLE (search)));
  show_hint (self);
}

/* The one that is called just so, or else the first. */
static guint
find_best (BrowserWindow *self,
           const char    *name)
{
  GListModel *found = G_LIST_MODEL (self->filtered);

  for (guint i = 0; i < g_list_model_get_n_items (found); i++)
    {
      g_autoptr(BrowserMethod) method = g_list_model_get_item (found, i);

      if (g_str_equal (browser_method_get_name (method), name))
        return i;
    }

  return 0;
}

/* Enter: the best that was found, or what is in no list. */
static void
search_activated_cb (GtkSearchEntry *search,
                     gpointer        user_data)
{
  BrowserWindow *self = user_data;
  const char *name = gtk_editable_get_text (GTK_EDITABLE (search));

  /* It tells of what was typed only after a while. */
  search_changed_cb (search, self);
  if (g_list_model_get_n_items (G_LIST_MODEL (self->filtered)) > 0)
    {
      gtk_single_selection_set_selected (self->selection, find_best (self, name));
    }
  else if (name[0] != '\0')
    {
      g_autoptr(BrowserMethod) method = browser_method_new (name);

      show_method (self, method);
    }

  method_activated_cb (NULL, 0, self);
}

static void
subscribe_cb (GtkToggleButton *button,
              gpointer         user_data)
{
  BrowserWindow *self = user_data;
  gboolean is_active = gtk_toggle_button_get_active (button);

  gtk_button_set_label (GTK_BUTTON (button), is_active ? "_Unsubscribe" : "_Subscribe");
  if (self->method != NULL && browser_method_is_topic (self->method))
    browser_session_set_subscribed (self->session, browser_method_get_name (self->method), is_active);
}

static BrowserMethod *
find_method (BrowserWindow *self,
             const char    *name)
{
  GListModel *methods = browser_session_get_methods (self->session);

  for (guint i = 0; i < g_list_model_get_n_items (methods); i++)
    {
      g_autoptr(BrowserMethod) method = g_list_model_get_item (methods, i);

      if (!browser_method_is_topic (method) && g_str_equal (browser_method_get_name (method), name))
        return g_steal_pointer (&method);
    }

  return browser_method_new (name);
}

static void
again_cb (BrowserLog   *log G_GNUC_UNUSED,
          BrowserEntry *entry,
          gpointer      user_data)
{
  BrowserWindow *self = user_data;
  g_autoptr(BrowserMethod) method = find_method (self, browser_entry_get_method (entry));
  GVariant *params = browser_entry_get_params (entry);

  show_method (self, method);
  if (params != NULL)
    browser_form_set_params (self->form, params);
  gtk_stack_set_visible_child_name (self->pages, "call");
  if (browser_session_is_open (self->session))
    start_call (self, browser_entry_get_method (entry), params);
}

/* ---- the keyboard ---- */

static void
focus_address_action (GSimpleAction *action G_GNUC_UNUSED,
                      GVariant      *parameter G_GNUC_UNUSED,
                      gpointer       user_data)
{
  BrowserWindow *self = user_data;

  gtk_widget_grab_focus (GTK_WIDGET (self->address));
  gtk_editable_select_region (self->address, 0, -1);
}

/* In the page that is shown, or among the methods. */
static void
find_action (GSimpleAction *action G_GNUC_UNUSED,
             GVariant      *parameter G_GNUC_UNUSED,
             gpointer       user_data)
{
  BrowserWindow *self = user_data;
  GtkWidget *page = gtk_stack_get_visible_child (self->pages);

  if (BROWSER_IS_LOG (page))
    browser_log_focus_search (BROWSER_LOG (page));
  else
    gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
page_action (GSimpleAction *action G_GNUC_UNUSED,
             GVariant      *parameter,
             gpointer       user_data)
{
  BrowserWindow *self = user_data;

  gtk_stack_set_visible_child_name (self->pages, g_variant_get_string (parameter, NULL));
}

static void
refresh_action (GSimpleAction *action G_GNUC_UNUSED,
                GVariant      *parameter G_GNUC_UNUSED,
                gpointer       user_data)
{
  browser_session_refresh (BROWSER_WINDOW (user_data)->session);
}

static const GActionEntry actions[] = {
  { .name = "call", .activate = call_action },
  { .name = "cancel", .activate = cancel_action },
  { .name = "find", .activate = find_action },
  { .name = "focus-address", .activate = focus_address_action },
  { .name = "page", .activate = page_action, .parameter_type = "s" },
  { .name = "refresh", .activate = refresh_action },
  { .name = "send", .activate = send_action },
};

/* ---- the window ---- */

void
browser_window_open (BrowserWindow *self,
                     const char    *address)
{
  gtk_editable_set_text (self->address, address);
  open_address (self, address);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
browser_window_dispose (GObject *object)
{
  BrowserWindow *self = BROWSER_WINDOW (object);

  if (self->session != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->session, self);
      browser_session_close (self->session);
    }
  g_clear_object (&self->session);
  g_clear_object (&self->method);
  g_clear_object (&self->shown);

  G_OBJECT_CLASS (browser_window_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, address);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, call_buttons);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, call_stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, connect);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, filter);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, filtered);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, fingerprint);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, form);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, form_error);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, history);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight_page);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight_stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, in_flight_view);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, messages);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, messages_page);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, method_description);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, method_name);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, method_result);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, methods_hint);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, methods_stack);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, outcome);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, outcome_bar);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, progress);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, result);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, running);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, search);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, secret);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, selection);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, statistics);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, status);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, subscribe);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, token);
  gtk_widget_class_bind_template_child (widget_class, BrowserWindow, trust);
}

static void
browser_window_class_init (BrowserWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = browser_window_dispose;

  g_type_ensure (BROWSER_TYPE_FORM);
  g_type_ensure (BROWSER_TYPE_LOG);
  g_type_ensure (BROWSER_TYPE_METHOD);
  g_type_ensure (BROWSER_TYPE_STATISTICS);
  gtk_widget_class_set_template_from_resource (widget_class,
    "/io/github/msgpackrpc_glib/RpcBrowser/browser-window.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, address_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, again_cb);
  gtk_widget_class_bind_template_callback (widget_class, connect_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_cb);
  gtk_widget_class_bind_template_callback (widget_class, form_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, method_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, page_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, secret_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, subscribe_cb);
  gtk_widget_class_bind_template_callback (widget_class, trust_cb);
}

static void
browser_window_init (BrowserWindow *self)
{
  g_autoptr(GtkListItemFactory) factory = browser_row_factory_new ();

  self->session = browser_session_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_list_view_set_factory (self->in_flight_view, factory);

  g_signal_connect (self->session, "changed", G_CALLBACK (session_changed_cb), self);
  g_signal_connect (self->session, "happened", G_CALLBACK (happened_cb), self);
  g_signal_connect (self->session, "methods-changed", G_CALLBACK (methods_changed_cb), self);
  g_signal_connect (self->session, "notified", G_CALLBACK (notified_cb), self);
  methods_changed_cb (self->session, self);
  session_changed_cb (self->session, self);
  show_progress (self);
  set_result (self, "", "", FALSE);
  gtk_widget_grab_focus (GTK_WIDGET (self->address));
}

BrowserWindow *
browser_window_new (GtkApplication *application)
{
  return g_object_new (BROWSER_TYPE_WINDOW, "application", application, NULL);
}
