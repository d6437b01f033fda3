/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the peers that use GLib share: the loop, and the document as a GVariant. */

#pragma once

#include "peer.h"

#include <gio/gio.h>

/* A tuple of one, kept by the caller: bytes that are not copied, and bench_records as aa{sv}. */
GVariant *glib_bytes_params_new    (const uint8_t *bytes,
                                    size_t         size);
GVariant *glib_document_params_new (void);

/* Take the echoed params, which may be a tuple or an array of variants, and so on for what is in
 * them: they are read as they are. */
void glib_end_echo_of_bytes    (GVariant *params);
void glib_end_echo_of_document (GVariant *params);

/* A method's answer, or the end of the program. */
GVariant *glib_check_reply (GVariant *reply,
                            GError   *error);
