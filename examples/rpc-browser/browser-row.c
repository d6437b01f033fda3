/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-row.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

static void
cancel_cb (GtkButton *button G_GNUC_UNUSED,
           gpointer   user_data)
{
  MsgpackRpcCall *call = gtk_list_item_get_item (user_data);

  if (call != NULL)
    msgpack_rpc_call_cancel (call);
}

/* The properties of a call notify, so that expressions keep the row true. */
static void
bind (GtkListItem *item,
      const char  *property,
      GtkWidget   *widget,
      const char  *target)
{
  GtkExpression *call = gtk_property_expression_new (GTK_TYPE_LIST_ITEM, NULL, "item");
  GtkExpression *value = gtk_property_expression_new (MSGPACK_RPC_TYPE_CALL, call, property);

  gtk_expression_bind (value, widget, target, item);
}

static void
setup_cb (GtkSignalListItemFactory *factory G_GNUC_UNUSED,
          GtkListItem              *item,
          gpointer                  user_data G_GNUC_UNUSED)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = gtk_label_new (NULL);
  GtkWidget *progress = gtk_progress_bar_new ();
  GtkWidget *button = gtk_button_new_with_mnemonic ("_Cancel");

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_width_chars (GTK_LABEL (label), 16);
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (progress), TRUE);
  gtk_widget_set_hexpand (progress, TRUE);
  gtk_widget_set_valign (progress, GTK_ALIGN_CENTER);
  g_signal_connect (button, "clicked", G_CALLBACK (cancel_cb), item);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), progress);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_add_css_class (box, "row");
  gtk_list_item_set_child (item, box);
  gtk_list_item_set_activatable (item, FALSE);

  bind (item, "method", label, "label");
  bind (item, "progress", progress, "fraction");
}

GtkListItemFactory *
browser_row_factory_new (void)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (setup_cb), NULL);
  return factory;
}
