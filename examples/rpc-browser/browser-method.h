/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A method that a peer offers, or a topic, as the peer describes it. */

#define BROWSER_TYPE_METHOD (browser_method_get_type ())
G_DECLARE_FINAL_TYPE (BrowserMethod, browser_method, BROWSER, METHOD, GObject)

/* A method of which nothing but the name is known. */
BrowserMethod *browser_method_new (const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* What rpc.discover has answered, or nvim_get_api_info(); the lists are empty if it has another form. */
GListModel *browser_method_list_from_discovery (GVariant *answer) G_GNUC_WARN_UNUSED_RESULT;
GListModel *browser_method_list_from_neovim    (GVariant *answer) G_GNUC_WARN_UNUSED_RESULT;

/* What the peer knows it by, which may be anything; all else can be shown. */
const char *browser_method_get_name        (BrowserMethod *self);
const char *browser_method_get_title       (BrowserMethod *self);
const char *browser_method_get_description (BrowserMethod *self);
/* In words, such as “an array of strings”. */
const char *browser_method_get_result      (BrowserMethod *self);
gboolean    browser_method_is_topic        (BrowserMethod *self);

/* What it takes. */
guint               browser_method_get_n_params   (BrowserMethod *self);
const char         *browser_method_get_param_name (BrowserMethod *self,
                                                   guint          i);
const GVariantType *browser_method_get_param_type (BrowserMethod *self,
                                                   guint          i);
gboolean            browser_method_takes_anything (BrowserMethod *self);

G_END_DECLS
