/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The length that stands before a message, at @offset of the stream. Gives the size of that header and
 * the length, or 0 as the size if more bytes are needed. FALSE with @error if it is none, or more than
 * the limit. */
gboolean _msgpack_rpc_frame_read (const guint8  *data,
                                  gsize          size,
                                  guint64        limit,
                                  guint64        offset,
                                  gsize         *header_size,
                                  guint64       *length,
                                  GError       **error);

/* The first bytes as text, with what is not printable escaped. */
char *_msgpack_rpc_show_bytes (const guint8 *data,
                               gsize         length);

G_END_DECLS
