/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What speaks TLS in a stream, or NULL. Not a reference. */
GTlsConnection *_msgpack_rpc_tls_get_connection (GIOStream *stream);
/* Makes @error, which has come of @stream, say what is wrong, where GIO does not. Takes @error, and
 * returns it or another one in its place. */
GError         *_msgpack_rpc_tls_explain        (GIOStream *stream,
                                                 GError    *error);
/* The same, where the peer has said nothing since they shook hands. The server is the last to know
 * whether it was shown a good certificate, and GIO's does not say so. */
GError         *_msgpack_rpc_tls_explain_silent (GIOStream *stream,
                                                 GError    *error);

G_END_DECLS
