/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes UTF-8 without NUL of bytes that are none: U+FFFD takes the place of each byte that is not
 * part of valid UTF-8, and of each NUL. Returns how many bytes that makes, at most three times
 * @length; they are written to @out unless it is NULL, with no NUL behind them. Takes linear time
 * and no memory. */
guint64 _msgpack_rpc_utf8_repair (char       *out,
                                  const char *str,
                                  gsize       length);

G_END_DECLS
