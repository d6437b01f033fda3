/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the peers that use GLib share: the loop, and the document as a GVariant. */

#pragma once

#include "peer.h"

#include <gio/gio.h>

/* Of type aa{sv}; floating. */
GVariant *glib_document_new (void);
/* Its records and fields may be variants or not; they are read as they are. */
void      glib_end_document (GVariant *document);

/* A method's answer, or the end of the program. */
GVariant *glib_check_reply (GVariant *reply,
                            GError   *error);
