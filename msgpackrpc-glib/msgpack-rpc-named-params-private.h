/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether parameters came as a map, and not as an array. */
gboolean _msgpack_rpc_params_are_named (GVariant *params);

/* Gives the parameters of @method, which came as a map, the type of the tuple that was declared:
 * @names has the key of each member, in order. Members that are maybes may be left out.
 *
 * Fails with MSGPACK_RPC_ERROR_INVALID_PARAMS, as _msgpack_rpc_coerce_params() does. */
GVariant *_msgpack_rpc_coerce_named_params (const char          *method,
                                            GVariant            *params,
                                            const GVariantType  *type,
                                            const char * const  *names,
                                            GError             **error);

G_END_DECLS
