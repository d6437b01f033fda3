/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

G_BEGIN_DECLS

/* What a connection has counted, and its traffic of the last minute as a curve. */

#define BROWSER_TYPE_STATISTICS (browser_statistics_get_type ())
G_DECLARE_FINAL_TYPE (BrowserStatistics, browser_statistics, BROWSER, STATISTICS, GtkBox)

void browser_statistics_set_client (BrowserStatistics *self,
                                    MsgpackRpcClient  *client);

G_END_DECLS
