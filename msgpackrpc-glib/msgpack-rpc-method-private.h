/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-method.h"

G_BEGIN_DECLS

MsgpackRpcMethod *_msgpack_rpc_method_new (guint                  id,
                                           const char            *name,
                                           const char            *signature,
                                           MsgpackRpcMethodFlags  flags);

/* A GRefString, or NULL if the result may be anything. */
char *_msgpack_rpc_method_ref_result_signature (MsgpackRpcMethod *self);

G_END_DECLS
