/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the peers that use GLib share: the loop, and the document as a GVariant. */

#pragma once

#include "peer.h"

#include <gio/gio.h>

/* What each of them defines, beside peer_serve () and peer_open (). */

void      glib_call        (const char          *method,
                            GVariant            *params,
                            GAsyncReadyCallback  callback);
GVariant *glib_call_finish (GAsyncResult  *result,
                            GError       **error);
GVariant *glib_add_params  (gint64 a,
                            gint64 b);
gint64    glib_get_sum     (GVariant *reply);
