/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A value for people to read, in several lines if it is long. What is very long is cut. */
char *browser_text_from_value (GVariant *value) G_GNUC_WARN_UNUSED_RESULT;

/* The same in one line that is not long. */
char *browser_text_from_value_short (GVariant *value) G_GNUC_WARN_UNUSED_RESULT;

/* A name in one line, without what cannot be seen. */
char *browser_text_from_name (const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* What somebody has written in words, such as an error, in as many lines as it has. */
char *browser_text_from_words (const char *words) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
