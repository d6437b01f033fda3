/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-piece-private.h"

G_BEGIN_DECLS

/* Gives @value, as it was decoded, the definite type that was declared for it, going through its
 * bytes once, with a handful of allocations.
 *
 * Knows what is common only. Returns a full reference; or NULL if @value is of the type already,
 * does not fit, or takes more thought. */
GVariant *_msgpack_rpc_retype (GVariant           *value,
                               const GVariantType *type);

/* The same from a piece. */
GVariant *_msgpack_rpc_retype_piece (const MsgpackRpcPiece *piece,
                                     const GVariantType    *type);

G_END_DECLS
