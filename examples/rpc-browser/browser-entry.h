/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Something that has happened: when, a line about it, and all of it. */

#define BROWSER_TYPE_ENTRY (browser_entry_get_type ())
G_DECLARE_FINAL_TYPE (BrowserEntry, browser_entry, BROWSER, ENTRY, GObject)

BrowserEntry *browser_entry_new (const char *icon_name,
                                 const char *title,
                                 const char *whole) G_GNUC_WARN_UNUSED_RESULT;

/* The call that it was, if it was one; set before it is shown. */
void        browser_entry_set_call   (BrowserEntry *self,
                                      const char   *method,
                                      GVariant     *params);
const char *browser_entry_get_method (BrowserEntry *self);
GVariant   *browser_entry_get_params (BrowserEntry *self);

char    *browser_entry_get_whole (BrowserEntry *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean browser_entry_contains  (BrowserEntry *self,
                                  const char   *text);

G_END_DECLS
