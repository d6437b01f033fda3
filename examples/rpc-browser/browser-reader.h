/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What somebody has typed, as a value of a type: in the form in which values are shown, and in that of
 * JSON. A string needs no quotes if no other string is expected, and a maybe may be empty. If it is none,
 * the error says what is expected. */
GVariant *browser_reader_read (const char          *text,
                               const GVariantType  *type,
                               GError             **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
