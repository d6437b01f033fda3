/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a type is called by people, such as “an integer from 0 to 255” or “an array of strings”. */
char *browser_type_describe (const GVariantType *type) G_GNUC_WARN_UNUSED_RESULT;

/* The same with an example of how it is typed, if that is not plain. */
char *browser_type_explain (const GVariantType *type) G_GNUC_WARN_UNUSED_RESULT;

/* The limits of a type of integers; FALSE if it is none. What is not below 0 has its end in @umax. */
gboolean browser_type_get_range (const GVariantType *type,
                                 gint64             *min,
                                 guint64            *umax);

G_END_DECLS
