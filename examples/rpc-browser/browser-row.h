/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Makes the rows of calls in flight: the method, the progress, and a button to cancel it. */
GtkListItemFactory *browser_row_factory_new (void);

G_END_DECLS
