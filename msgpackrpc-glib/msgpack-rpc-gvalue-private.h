/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* The type of GVariant that stands for values of @type: “*” for those that are variants themselves, and
 * NULL for those that have none. */
const char *_msgpack_rpc_gvalue_get_variant_type (GType type);

/* A value whose type has one, as @wanted: that one, or “m” and that one; NULL: as it is, so that a NULL
 * string, array or variant is nil. Where @wanted has no place for NULL, that is empty. Floating, or
 * @value's own: to be sunk. */
GVariant   *_msgpack_rpc_gvalue_to_variant       (const GValue       *value,
                                                  const GVariantType *wanted);

G_END_DECLS
