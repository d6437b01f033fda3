/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/* What codecs of simple values share. */

gboolean  _msgpack_rpc_text_check_type (GVariant            *message,
                                        const GVariantType  *type,
                                        GError             **error);
gboolean  _msgpack_rpc_text_check_size (guint64              size,
                                        gsize                max_size,
                                        GError             **error);
/* Copies what stands before the first space to @text, which has room for @room bytes; @size is that with
 * the space, or 0 if there is none yet. FALSE if it has no room, or has a NUL in it. */
gboolean  _msgpack_rpc_text_get_word   (const char          *data,
                                        gsize                length,
                                        char                *text,
                                        gsize                room,
                                        gsize               *size,
                                        GError             **error);
/* NULL if it is no string. */
GVariant *_msgpack_rpc_text_new_string (const char          *data,
                                        gsize                length,
                                        GError             **error);

G_END_DECLS
