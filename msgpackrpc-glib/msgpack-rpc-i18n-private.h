/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "config.h"

#include <glib/gi18n-lib.h>

G_BEGIN_DECLS

/* Unlike the ones of GLib, these find the translations wherever the library is installed. */
#undef _
#undef Q_
#undef C_
#define _(string) msgpack_rpc_gettext (string)

const char *msgpack_rpc_gettext (const char *string) G_GNUC_FORMAT (1);

G_END_DECLS
