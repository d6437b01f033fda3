/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define BROWSER_TYPE_WINDOW (browser_window_get_type ())
G_DECLARE_FINAL_TYPE (BrowserWindow, browser_window, BROWSER, WINDOW, GtkApplicationWindow)

BrowserWindow *browser_window_new  (GtkApplication *application);

/* Connects, as if the address had been typed. */
void           browser_window_open (BrowserWindow  *self,
                                    const char     *address);

G_END_DECLS
