/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

#include "browser-entry.h"

G_BEGIN_DECLS

/* What has happened, the newest first, to be searched, paused and cleared; and the whole of the one that
 * is selected. Emits “again” with an entry whose call is to be made again. */

#define BROWSER_TYPE_LOG (browser_log_get_type ())
G_DECLARE_FINAL_TYPE (BrowserLog, browser_log, BROWSER, LOG, GtkBox)

/* Takes the entry. What is older than the last 1,000 is forgotten. */
void browser_log_add (BrowserLog   *self,
                      BrowserEntry *entry);

void browser_log_focus_search (BrowserLog *self);

G_END_DECLS
