/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-method.h"

#include "msgpack-rpc-reactor-private.h"

G_BEGIN_DECLS

/* What is counted of a method, in an atomic rc box: an invocation holds it, too. */
typedef struct
{
  gsize n_calls;    /* atomic, as are the others */
  gsize n_errors;
  gsize total_time; /* in microseconds */
} MsgpackRpcMethodCounts;

MsgpackRpcMethod *_msgpack_rpc_method_new (guint                  id,
                                           const char            *name,
                                           const char            *signature,
                                           MsgpackRpcMethodFlags  flags);

/* A GRefString, or NULL if the result may be anything. */
char *_msgpack_rpc_method_ref_result_signature (MsgpackRpcMethod *self);

/* Never changes. */
MsgpackRpcMethodCounts *_msgpack_rpc_method_get_counts (MsgpackRpcMethod *self);

/* Whether its handler may run elsewhere, or in another order, than its requests are delivered. */
gboolean           _msgpack_rpc_method_is_placed (MsgpackRpcMethod *self);
/* The reactor of the method's context, as a reference, or NULL. */
MsgpackRpcReactor *_msgpack_rpc_method_get_place (MsgpackRpcMethod *self,
                                                  int              *priority);

G_END_DECLS
