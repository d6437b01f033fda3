/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes @value out of variants, and out of maybes that hold something. A floating one is consumed. */
GVariant *_msgpack_rpc_value_unbox (GVariant *value);

/* Gives @value, which a peer has sent, the type that was declared for it. @path is what an error
 * calls it, such as "params" or "result".
 *
 * Fails with MSGPACK_RPC_ERROR_INVALID_PARAMS if it does not fit. The text may be sent to the peer:
 * it is UTF-8, not translated, and shorter than 1 KiB. Returns a full reference, never floating. */
GVariant *_msgpack_rpc_coerce (GVariant            *value,
                               const GVariantType  *type,
                               const char          *path,
                               GError             **error);

/* The same, one part after the other, which is slow but knows every type and every error. */
GVariant *_msgpack_rpc_coerce_by_parts (GVariant            *value,
                                        const GVariantType  *type,
                                        const char          *path,
                                        GError             **error);

/* The same for the parameters of @method, of any length and encoding. If @type is a tuple, there is
 * one parameter for each member, of which maybes at the end may be left out; else it is the type of
 * the parameters as a whole. @params NULL or nil is no parameters. */
GVariant *_msgpack_rpc_coerce_params (const char          *method,
                                      GVariant            *params,
                                      const GVariantType  *type,
                                      GError             **error);

G_END_DECLS
