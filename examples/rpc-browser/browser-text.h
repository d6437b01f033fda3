/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A value for people to read, in several lines if it is long. What is very long is cut. */
char *browser_text_from_value (GVariant *value) G_GNUC_WARN_UNUSED_RESULT;

/* The same in one line that is not long. */
char *browser_text_from_value_short (GVariant *value) G_GNUC_WARN_UNUSED_RESULT;

/* What somebody has typed as a value of a type. A string needs no quotes, a maybe may be empty, and
 * anything may have them, and all else that GVariant's text form has. */
GVariant *browser_text_to_value (const char          *text,
                                 const GVariantType  *type,
                                 GError             **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
