/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Addresses as an application writes them:
 *
 *   tcp://host:port, tls://host:port, host:port; the host in brackets if it is an IPv6 address
 *   unix:///path, /path
 *   unix-abstract:name
 *   srv://service/domain, srv+tls://service/domain
 *
 * What cannot be understood is MSGPACK_RPC_ERROR_INVALID_ADDRESS, whose message names the part. */

/* What a client connects to. */
GSocketConnectable *_msgpack_rpc_address_parse (const char  *address,
                                                gboolean    *tls,
                                                GError     **error);

/* What a server binds: a list of GSocketAddress. Without a host, or with “*”, that is any. */
void       _msgpack_rpc_address_resolve_async  (const char           *address,
                                                GCancellable         *cancellable,
                                                GAsyncReadyCallback   callback,
                                                gpointer              user_data);
GPtrArray *_msgpack_rpc_address_resolve_finish (GAsyncResult         *result,
                                                GError              **error);
GPtrArray *_msgpack_rpc_address_resolve_sync   (const char           *address,
                                                GCancellable         *cancellable,
                                                GError              **error);

/* Whether a server speaks TLS there. */
gboolean   _msgpack_rpc_address_is_tls         (const char           *address);

/* The address that a client of this machine can use for what a server has bound. */
char *_msgpack_rpc_address_format (GSocketAddress *address,
                                   gboolean        tls);

G_END_DECLS
