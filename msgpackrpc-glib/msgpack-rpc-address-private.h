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

/* What a server binds: a list of GSocketAddress; or NULL without an error, and then @host (as an
 * argument of g_resolver_lookup_by_name ()) and @port. An empty host or “*” stands for any. */
GPtrArray *_msgpack_rpc_address_parse_for_server (const char  *address,
                                                  char       **host,
                                                  guint16     *port,
                                                  GError     **error);

/* The address that a client of this machine can use for what a server has bound. */
char *_msgpack_rpc_address_format (GSocketAddress *address);

G_END_DECLS
