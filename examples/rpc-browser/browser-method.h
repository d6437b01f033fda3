/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A method that a peer offers, as the peer describes it. */

#define BROWSER_TYPE_METHOD (browser_method_get_type ())
G_DECLARE_FINAL_TYPE (BrowserMethod, browser_method, BROWSER, METHOD, GObject)

/* What rpc.discover has answered, or nvim_get_api_info(); the lists are empty if it has another form. */
GListModel *browser_method_list_from_discovery (GVariant *answer) G_GNUC_WARN_UNUSED_RESULT;
GListModel *browser_method_list_from_neovim    (GVariant *answer) G_GNUC_WARN_UNUSED_RESULT;

const char *browser_method_get_name        (BrowserMethod *self);
const char *browser_method_get_description (BrowserMethod *self);
const char *browser_method_get_result      (BrowserMethod *self);

/* What it takes; NULL if it does not say. */
guint               browser_method_get_n_params   (BrowserMethod *self);
const char         *browser_method_get_param_name (BrowserMethod *self,
                                                   guint          i);
const GVariantType *browser_method_get_param_type (BrowserMethod *self,
                                                   guint          i);
gboolean            browser_method_takes_anything (BrowserMethod *self);

G_END_DECLS
