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
                                 const char *text);

G_END_DECLS
