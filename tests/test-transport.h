/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Streams of all kinds whose other end is a socket of raw bytes:
 *
 * - unix, tcp: sockets
 * - tiny: a UNIX socket that takes next to nothing at once
 * - pipes: two pipes that block, as those of a subprocess
 * - tls, tls-new: TLS in a UNIX socket, after and before the handshake
 * - plain: neither a descriptor nor pollable
 * - pollable: no descriptor, but pollable
 * - split: as plain, in small pieces of random sizes
 */
typedef struct _TestTransport TestTransport;

/* @fd: the other end, owned by the caller. Returns what is to be freed after it was
 * closed, or NULL. */
TestTransport *test_transport_new  (const char     *name,
                                    GIOStream     **stream,
                                    int            *fd);
void           test_transport_free (TestTransport  *self);

/* The name in MSGPACK_RPC_TEST_TRANSPORT; unix if there is none. */
const char *test_transport_get_name (void);
/* Whether it tells a peer that has closed from one that has only stopped sending. */
gboolean    test_transport_tells_hangup (void);
/* Whether something stands between the two ends, which takes what the peer does not. */
gboolean    test_transport_is_relayed (void);
/* Whether a short message is written before the function that does so returns: not where that is
 * told later, as by plain and split. */
gboolean    test_transport_writes_at_once (void);

/* One for localhost, with its key, that nobody should trust. */
GTlsCertificate *test_transport_new_certificate (void);
/* The client's end and the server's end of TLS between two streams, each NULL if that fails. */
gboolean test_transport_wrap_in_tls (GIOStream *bases[2],
                                     GIOStream *ends[2]);

/* Two ends of a stream socket. */
void test_transport_socketpair (int fds[2]);

G_END_DECLS
