/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-error.h"

G_BEGIN_DECLS

/* What stands for an error on the wire, for a peer that knows domains: a map if the domain is
 * registered, else the text. Floating. */
GVariant *_msgpack_rpc_error_domain_make_value (GQuark      domain,
                                                int         code,
                                                const char *text);
/* The error that such a map stands for; NULL if it is none, or if its domain is not registered here.
 * @value is unboxed. */
GError   *_msgpack_rpc_error_domain_parse      (GVariant   *value);

G_END_DECLS
