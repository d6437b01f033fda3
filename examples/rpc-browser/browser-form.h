/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

#include "browser-method.h"

G_BEGIN_DECLS

/* Fields for what a method takes, with what was typed into them last. */

#define BROWSER_TYPE_FORM (browser_form_get_type ())
G_DECLARE_FINAL_TYPE (BrowserForm, browser_form, BROWSER, FORM, GtkGrid)

void      browser_form_set_method (BrowserForm    *self,
                                   BrowserMethod  *method);
void      browser_form_set_params (BrowserForm    *self,
                                   GVariant       *params);
void      browser_form_focus      (BrowserForm    *self);
/* NULL, and the field has the focus, if one holds no value of its type. */
GVariant *browser_form_get_params (BrowserForm    *self,
                                   GError        **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
