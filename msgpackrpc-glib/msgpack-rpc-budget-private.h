/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-link-private.h"

G_BEGIN_DECLS

/* How many bytes all links of a server may hold together. A link says what it holds now and then:
 * when that has changed by more than a little. All functions may be called from any thread. */

/* With a limit. */
MsgpackRpcBudget *_msgpack_rpc_budget_new   (guint64           limit);
MsgpackRpcBudget *_msgpack_rpc_budget_ref   (MsgpackRpcBudget *self);
void              _msgpack_rpc_budget_unref (MsgpackRpcBudget *self);

guint64  _msgpack_rpc_budget_get_limit (MsgpackRpcBudget *self);
/* FALSE if it was the same before. */
gboolean _msgpack_rpc_budget_set_limit (MsgpackRpcBudget *self,
                                        guint64           limit);
guint64  _msgpack_rpc_budget_get_used  (MsgpackRpcBudget *self);

/* A link can be made to end from when it joins to when it leaves, which it does before it is
 * finalised. */
void _msgpack_rpc_budget_join  (MsgpackRpcBudget *self,
                                MsgpackRpcLink   *link);
void _msgpack_rpc_budget_leave (MsgpackRpcBudget *self,
                                MsgpackRpcLink   *link);

/* A part of what a link holds was @charged, and is @now. */
void _msgpack_rpc_budget_charge  (MsgpackRpcBudget *self,
                                  gsize            *charged,
                                  gsize             now);
/* While the limit is gone over, ends the link that holds most. With no lock held. */
void _msgpack_rpc_budget_enforce (MsgpackRpcBudget *self);

G_END_DECLS
